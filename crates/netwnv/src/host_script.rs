//! A host as the script that brings it to hold what it holds here.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use nvgre_dataplane::PortSubnet;

use crate::estate::{Adapter, Host, HostAddressEntry, ProviderRouteEntry, RecordEntry, RouteEntry};
use crate::print::quoted;

/// Behind commands that may find nothing to do.
const SILENTLY: &str = "-ErrorAction SilentlyContinue";

/// What makes a name a pattern; a backtick would escape the next character of one.
const PATTERN: [char; 5] = ['*', '?', '[', ']', '`'];

impl Host {
    /// The commands to run on the host, in an order in which they can be: binding, provider side,
    /// customer routes, records, ports. On a bare host, one that holds these rows already, or one
    /// where they are out of date, the same comes out: a row is taken away, if it is there, and
    /// made again, as Set- cannot change all of it; all routes to a prefix are, as their next hop may
    /// be out of date. A provider address is never taken away, since
    /// Windows would look for duplicates of it anew. Rows that are not named stay.
    ///
    /// Its NICs, switches and VMs must be there.
    pub fn to_powershell(&self) -> String {
        let mut out = String::new();
        // Writing to a text does not fail.
        let _infallible = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        for nic in self.nics.iter().filter(|nic| nic.wnv_bound) {
            writeln!(out, "{}", enable_binding(&nic.name))?;
        }
        let external = self.use_external_router;
        writeln!(
            out,
            "Set-NetVirtualizationGlobal -UseExternalRouter ${external}"
        )?;
        for entry in &self.provider_addresses {
            writeln!(out, "\n{} {SILENTLY}", entry.to_powershell())?;
            writeln!(out, "{}", entry.setting())?;
        }
        section(
            out,
            &self.provider_routes,
            ProviderRouteEntry::removal,
            ProviderRouteEntry::to_powershell,
        )?;
        section(
            out,
            &self.customer_routes,
            RouteEntry::removal,
            RouteEntry::to_powershell,
        )?;
        section(
            out,
            &self.records,
            RecordEntry::removal,
            RecordEntry::to_powershell,
        )?;
        if !self.adapters.is_empty() {
            writeln!(out)?;
        }
        self.adapters
            .iter()
            .try_for_each(|adapter| writeln!(out, "{}", adapter.to_powershell()))
    }
}

fn section<R>(
    out: &mut String,
    rows: &[R],
    removal: fn(&R) -> String,
    making: fn(&R) -> String,
) -> std::fmt::Result {
    if !rows.is_empty() {
        writeln!(out)?;
    }
    // None is made before all that may be in its way are gone.
    let mut removed = BTreeSet::new();
    for command in rows.iter().map(removal) {
        if !removed.contains(&command) {
            writeln!(out, "{command}")?;
            removed.insert(command);
        }
    }
    rows.iter()
        .try_for_each(|row| writeln!(out, "{}", making(row)))
}

impl RecordEntry {
    /// The command that takes away what this record would repeat, if it is there.
    pub fn removal(&self) -> String {
        let record = &self.record;
        // Without a customer address, the MAC and type tell records apart (V-07).
        let apart = if record.record_type.has_customer_address() {
            String::new()
        } else {
            format!(
                " -MACAddress \"{}\" -Type \"{}\"",
                record.mac, record.record_type
            )
        };
        format!(
            "Remove-NetVirtualizationLookupRecord -VirtualSubnetID {} -CustomerAddress \"{}\"{apart} {SILENTLY}",
            record.virtual_subnet, record.customer_address
        )
    }
}

impl RouteEntry {
    /// The command that takes away the routes of this subnet to this prefix, if they are there:
    /// whatever their next hop and routing domain, as either may be out of date.
    pub fn removal(&self) -> String {
        let route = &self.route;
        format!(
            "Remove-NetVirtualizationCustomerRoute -VirtualSubnetID {} -DestinationPrefix \"{}\" {SILENTLY}",
            route.virtual_subnet, route.destination
        )
    }
}

impl ProviderRouteEntry {
    /// The command that takes away the routes of this interface to this prefix, if they are there:
    /// whatever their next hop, as it may be out of date.
    pub fn removal(&self) -> String {
        let route = &self.route;
        format!(
            "Remove-NetVirtualizationProviderRoute -InterfaceIndex {} -DestinationPrefix \"{}\" {SILENTLY}",
            route.interface_index, route.destination
        )
    }
}

impl HostAddressEntry {
    /// The command that takes the address away, if it is there.
    pub fn removal(&self) -> String {
        let address = self.address.address;
        format!("Remove-NetVirtualizationProviderAddress -ProviderAddress \"{address}\" {SILENTLY}")
    }

    /// The command that gives the address, which is there, this prefix length, VLAN and MAC.
    fn setting(&self) -> String {
        let address = &self.address;
        format!(
            "Set-NetVirtualizationProviderAddress -ProviderAddress \"{}\" -PrefixLength {} -VlanID {} -MACAddress \"{}\"",
            address.address,
            address.prefix_length,
            address.vlan.map_or(0, |vlan| vlan.get()),
            address.mac
        )
    }
}

/// The Set-VMNetworkAdapter that is about this adapter and no other, less what it sets.
pub fn set_adapter(vm_name: &str, name: &str) -> String {
    let (vm, adapter) = (quoted(vm_name), quoted(name));
    if [vm_name, name].iter().any(|name| name.contains(PATTERN)) {
        return format!(
            "Get-VM | Where-Object Name -eq {vm} | Get-VMNetworkAdapter | Where-Object Name -eq {adapter} | Set-VMNetworkAdapter"
        );
    }
    format!("Set-VMNetworkAdapter -VMName {vm} -Name {adapter}")
}

/// The Enable-NetAdapterBinding that binds network virtualization to the NIC of this name.
pub fn enable_binding(nic: &str) -> String {
    let name = quoted(nic);
    let chosen = if nic.contains(PATTERN) {
        format!("Get-NetAdapter | Where-Object Name -eq {name} | Enable-NetAdapterBinding")
    } else {
        format!("Enable-NetAdapterBinding -Name {name}")
    };
    format!("{chosen} -ComponentID \"ms_netwnv\"")
}

impl Adapter {
    /// The Set-VMNetworkAdapter that sets everything of the port; limits where it has some, as
    /// Windows Server 2012 has no StormLimit. -VMName and -Name take patterns, so that adapters
    /// whose names would be some are found by comparing instead.
    pub fn to_powershell(&self) -> String {
        let subnet = match self.subnet {
            PortSubnet::Unset => 0,
            PortSubnet::Tenant(vsid) => vsid.get(),
            PortSubnet::LocalOnly => 0xff_ffff,
        };
        let on_off = |on: bool| if on { "On" } else { "Off" };
        let mut command = format!(
            "{} -VirtualSubnetId {subnet} -MacAddressSpoofing {} -DhcpGuard {} -RouterGuard {}",
            set_adapter(&self.vm_name, &self.name),
            on_off(self.mac_address_spoofing),
            on_off(self.dhcp_guard),
            on_off(self.router_guard),
        );
        if self.maximum_bandwidth_bits_per_second > 0 {
            command += &format!(
                " -MaximumBandwidth {}",
                self.maximum_bandwidth_bits_per_second
            );
        }
        if self.storm_limit_packets_per_second > 0 {
            command += &format!(" -StormLimit {}", self.storm_limit_packets_per_second);
        }
        command
    }
}
