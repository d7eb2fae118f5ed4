//! Checks of a scenario file's guests: names, addresses, gateways, ports.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use nvgre_dataplane::PortSubnet;
use nvgre_wire::{CustomerAddress, CustomerPrefix, VlanId};
use toml::Spanned;

use crate::names::folded;
use crate::scenario::check::{Check, IPV4_MTU_MIN_BYTES, nic_of, same};
use crate::scenario::file::{GuestTable, OneOrMore};
use crate::scenario::{Guest, InterfaceAddress};

/// -VirtualSubnetId of a port that reaches its own switch only.
const LOCAL_ONLY: u32 = 16_777_215;
/// RFC 8200 section 5.
const IPV6_MTU_MIN_BYTES: u16 = 1_280;

/// What is known of a VM while its adapters are gone through.
struct Vm<'f> {
    /// Its first adapter.
    first: &'f GuestTable,
    /// The first adapter that is on another host than the first.
    elsewhere: Option<&'f GuestTable>,
    /// Names of its adapters.
    nics: BTreeSet<String>,
}

impl<'f> Check<'f> {
    pub(crate) fn guests(&mut self) -> Option<Vec<Guest>> {
        let file = self.file;
        let tenants = file.tenants.iter();
        let subnets: Vec<BTreeSet<u32>> = tenants
            .map(|tenant| {
                tenant
                    .virtual_subnets
                    .iter()
                    .map(|v| *v.get_ref())
                    .collect()
            })
            .collect();
        let mut vms = BTreeMap::new();
        let mut guests: Vec<Option<Guest>> = Vec::new();
        for table in &file.guests {
            self.guest_names(table, &mut vms);
            guests.push(self.guest(table, &subnets));
        }
        guests.into_iter().collect()
    }

    /// Checks a guest's names, and that all adapters of a VM are on one host.
    fn guest_names(&mut self, table: &'f GuestTable, vms: &mut BTreeMap<String, Vm<'f>>) {
        self.filled("a guest's name", &table.name);
        for name in [Some(&table.name), table.nic.as_ref()]
            .into_iter()
            .flatten()
        {
            if name.get_ref().contains('/') {
                let message =
                    "'/' in a name: it stands between guest and nic where ports are named";
                self.error(name.span(), message);
            }
        }
        let vm = vms.entry(folded(table.name.get_ref())).or_insert(Vm {
            first: table,
            elsewhere: None,
            nics: BTreeSet::new(),
        });
        if !vm.nics.insert(folded(nic_of(table))) {
            let (name, nic) = (table.name.get_ref(), nic_of(table));
            let span = table.nic.as_ref().map_or(table.name.span(), Spanned::span);
            self.error(span, format!("guest {name} has a nic '{nic}' already"));
        }
        let with_first = same(&vm.first.host, &table.host);
        let elsewhere = if with_first {
            vm.elsewhere
        } else {
            vm.elsewhere.get_or_insert(table);
            Some(vm.first)
        };
        if let Some(other) = elsewhere {
            let (name, host) = (table.name.get_ref(), other.host.get_ref());
            let message = format!("guest {name} is on host {host} with another adapter");
            self.error(table.host.span(), message);
        }
    }

    /// `subnets` are those of each tenant.
    fn guest(&mut self, table: &GuestTable, subnets: &[BTreeSet<u32>]) -> Option<Guest> {
        let (file, names) = (self.file, self.names);
        let tenant = self.find("tenant", &table.tenant, &names.tenants);
        let host = self.find("host", &table.host, &names.hosts);
        if let (Some(switch), Some(host)) = (&table.switch, host)
            && !same(switch, &file.hosts[host].switch)
        {
            let there = &file.hosts[host];
            let (host, its) = (there.name.get_ref(), there.switch.get_ref());
            let message = format!("host {host} has no switch '{}'", switch.get_ref());
            self.error_with_help(switch.span(), message, format!("its switch is '{its}'"));
        }
        let mac = self.mac(&table.mac);
        let addresses = self.addresses(table);
        let gateways = match &addresses {
            Some(addresses) => self.gateways(table, addresses),
            None => None,
        };
        let mtu_bytes = table.mtu_bytes.as_ref().map_or(1_500, |mtu_bytes| {
            let mut addresses = addresses.iter().flatten();
            let all_ipv4 = addresses.all(|own| own.address.is_ipv4());
            let least = if all_ipv4 {
                IPV4_MTU_MIN_BYTES
            } else {
                IPV6_MTU_MIN_BYTES
            };
            self.mtu(mtu_bytes, least);
            *mtu_bytes.get_ref()
        });
        let subnet = self.port_subnet(table, tenant, subnets);
        let vlan = match &table.vlan {
            Some(vlan) => Some(self.vlan(vlan, table)?),
            None => None,
        };
        Some(Guest {
            name: table.name.get_ref().clone(),
            nic: nic_of(table).to_owned(),
            tenant: tenant?,
            host: host?,
            mac: mac?,
            addresses: addresses?,
            gateways: gateways?,
            mtu_bytes,
            subnet: subnet?,
            vlan,
            mac_address_spoofing: table.mac_address_spoofing,
            dhcp_guard: table.dhcp_guard,
            router_guard: table.router_guard,
            maximum_bandwidth_bits_per_second: table.maximum_bandwidth_bits_per_second,
            storm_limit_packets_per_second: table.storm_limit_packets_per_second,
        })
    }

    fn addresses(&mut self, table: &GuestTable) -> Option<Vec<InterfaceAddress>> {
        let most = crate::guest::Guest::ADDRESSES_MAX;
        let written = table.addresses.get_ref();
        if written.len() > most {
            let message = format!("{} addresses: a guest has {most} at most", written.len());
            self.error(table.addresses.span(), message);
        }
        let mut known: Vec<CustomerAddress> = Vec::new();
        let addresses: Vec<_> = written
            .iter()
            .map(|text| {
                let own = self.interface_address(text)?;
                if known.contains(&own.address) {
                    self.error(text.span(), format!("{} is there twice", own.address));
                }
                known.push(own.address);
                Some(own)
            })
            .collect();
        addresses.into_iter().collect()
    }

    fn interface_address(&mut self, text: &Spanned<String>) -> Option<InterfaceAddress> {
        let prefix: CustomerPrefix = self.read(text)?;
        let (address, _) = text.get_ref().split_once('/')?;
        let address: CustomerAddress = address.parse().ok()?;
        if address.is_group() || address.is_unspecified() || address.ip().is_loopback() {
            let message = format!("{address} is no unicast address that a guest can have");
            self.error(text.span(), message);
            return None;
        }
        Some(InterfaceAddress {
            address,
            prefix_length: prefix.length(),
        })
    }

    fn gateways(
        &mut self,
        table: &GuestTable,
        addresses: &[InterfaceAddress],
    ) -> Option<Vec<CustomerAddress>> {
        let written: Vec<(Range<usize>, &String)> = match &table.gateway {
            None => Vec::new(),
            Some(gateway) => match gateway.get_ref() {
                OneOrMore::One(text) => vec![(gateway.span(), text)],
                OneOrMore::More(texts) => texts.iter().map(|t| (t.span(), t.get_ref())).collect(),
            },
        };
        let mut gateways: Vec<CustomerAddress> = Vec::new();
        for (span, text) in written {
            let gateway: CustomerAddress = self.read_text(span.clone(), text)?;
            let on_link = addresses.iter().any(|own| {
                CustomerPrefix::new(own.address, own.prefix_length)
                    .is_ok_and(|prefix| prefix.contains(gateway))
            });
            if addresses.iter().any(|own| own.address == gateway) {
                self.error(span, format!("{gateway} is the guest's own address"));
            } else if !on_link {
                let message = format!("{gateway} is in no prefix of the guest's addresses");
                self.error(span, message);
            } else if gateways.iter().any(|g| g.is_ipv4() == gateway.is_ipv4()) {
                self.error(span, "two gateways of one family");
            }
            gateways.push(gateway);
        }
        Some(gateways)
    }

    fn port_subnet(
        &mut self,
        table: &GuestTable,
        tenant: Option<usize>,
        subnets: &[BTreeSet<u32>],
    ) -> Option<PortSubnet> {
        let Some(written) = &table.virtual_subnet else {
            return Some(PortSubnet::Unset);
        };
        match *written.get_ref() {
            0 => return Some(PortSubnet::Unset),
            LOCAL_ONLY => return Some(PortSubnet::LocalOnly),
            _tenants => {}
        }
        let vsid = self.subnet(written)?;
        let tenant = tenant?;
        if !subnets[tenant].contains(&vsid.get()) {
            let name = self.file.tenants[tenant].name.get_ref();
            let message = format!("virtual subnet {vsid} is not tenant {name}'s");
            let help = format!("add it to virtual_subnets of {name}, or correct it");
            self.error_with_help(written.span(), message, help);
        }
        Some(PortSubnet::Tenant(vsid))
    }

    fn vlan(&mut self, written: &Spanned<u16>, table: &GuestTable) -> Option<VlanId> {
        let subnet = table.virtual_subnet.as_ref();
        if subnet.is_some_and(|subnet| *subnet.get_ref() != 0) {
            let message = "a port has a VLAN or a virtual subnet, not both";
            self.error(written.span(), message);
        }
        let vlan = VlanId::try_new(*written.get_ref());
        self.take(written.span(), vlan)
    }
}
