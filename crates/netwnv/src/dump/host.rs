//! One host of a dump: its objects as rows of its tables.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, PortSubnet, ProviderRoute, RecordType, Rule,
};
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId, VlanId};

use crate::dump::kind::DumpKind;
use crate::dump::nic::Nics;
use crate::dump::object::DumpObject;
use crate::dump::reading::Reading;
use crate::dump::row::{DumpRow, canonical};
use crate::dump::{DumpHost, DumpNote, DumpNoteKind};
use crate::estate::{Adapter, Host, HostAddressEntry, ProviderRouteEntry, RecordEntry, RouteEntry};
use crate::kind::{ADDRESS_STATE, BYTE, Kind, ON_OFF, RECORD_TYPE, RULE, UINT32, UINT64};
use crate::labels::LabelPool;
use crate::lines::Lines;
use crate::lookup_record::{record_type_named, rule_named};
use crate::provider::check_prefix_length;
use crate::source::Place;

/// A host while its dump is read.
pub(crate) struct HostReader<'v> {
    name: String,
    /// Its full name, where that was told.
    full_name: Option<String>,
    objects: BTreeMap<DumpKind, Vec<(&'v Lines<'v>, &'v DumpObject<'v>)>>,
}

impl<'v> HostReader<'v> {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            full_name: None,
            objects: BTreeMap::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// As full as it is known.
    pub(crate) fn full_name(&self) -> &str {
        self.full_name.as_deref().unwrap_or(&self.name)
    }

    /// That it is called so too.
    pub(crate) fn learn_name(&mut self, name: &str) {
        if name.len() > self.full_name().len() {
            self.full_name = Some(name.to_owned());
        }
    }

    pub(crate) fn take(
        &mut self,
        kind: DumpKind,
        lines: &'v Lines<'v>,
        object: &'v DumpObject<'v>,
    ) {
        self.objects.entry(kind).or_default().push((lines, object));
    }

    /// The host with its tables, and what else is said of it. Errors and notes go to `reading`.
    pub(crate) fn finish(self, reading: &mut Reading) -> (Host, DumpHost) {
        let mut made = Made {
            host: Host::new(&self.name),
            ip_addresses: Vec::new(),
            vms_with_namesakes: BTreeSet::new(),
            external_router: None,
            nics: Nics::default(),
            labels: LabelPool::default(),
        };
        for kind in DumpKind::ALL {
            for &(lines, object) in self.objects.get(&kind).into_iter().flatten() {
                let mut row = DumpRow::new(kind, lines, object, reading);
                made.take(kind, &mut row);
                row.done();
            }
        }
        let Made {
            mut host,
            ip_addresses,
            vms_with_namesakes,
            nics,
            labels: _,
            external_router: _,
        } = made;
        let is_interface_index_assumed = nics.finish(&mut host, reading);
        let more = DumpHost {
            kinds: self.objects.into_keys().collect(),
            has_empty_file: false,
            vms_with_namesakes,
            is_interface_index_assumed,
            ip_addresses,
        };
        (host, more)
    }
}

struct Made {
    host: Host,
    ip_addresses: Vec<Vec<CustomerAddress>>,
    vms_with_namesakes: BTreeSet<String>,
    /// What Get-NetVirtualizationGlobal showed, if it did.
    external_router: Option<bool>,
    nics: Nics,
    labels: LabelPool,
}

impl Made {
    /// Takes one object in; where something is wrong with it, that is said and it is left out.
    fn take(&mut self, kind: DumpKind, row: &mut DumpRow<'_, '_>) {
        // Every part says what is wrong with it and is none then.
        let _said = match kind {
            DumpKind::LookupRecord => self.record(row),
            DumpKind::CustomerRoute => self.customer_route(row),
            DumpKind::ProviderAddress => self.provider_address(row),
            DumpKind::ProviderRoute => self.provider_route(row),
            DumpKind::Global => self.global(row),
            DumpKind::Adapter => self.adapter(row),
            DumpKind::Switch => self.nics.switch(row),
            DumpKind::NetAdapter => self.nics.net_adapter(row),
            DumpKind::Binding => self.nics.binding(row),
        };
    }

    fn record(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let needed = [
            "CustomerAddress",
            "VirtualSubnetID",
            "MACAddress",
            "ProviderAddress",
            "Rule",
        ];
        let whole = row.needs(&needed);
        let errors = row.errors();
        let customer_address: Option<CustomerAddress> =
            row.get("CustomerAddress", Kind::CustomerAddress);
        let provider_address = row.get("ProviderAddress", Kind::ProviderAddress);
        let mac = row.get("MACAddress", Kind::Mac);
        let virtual_subnet = vsid(row);
        let labels = ["CustomerID", "Context", "VMName"].map(|name| row.text(name));
        let rule = row.name("Rule", RULE).map(rule_named);
        let use_vm_mac = row.flag("UseVmMACAddress").unwrap_or(false);
        let stated_type = row.name("Type", RECORD_TYPE).map(record_type_named);
        let flags = ["Unusable", "Unsynchronized"].map(|name| row.flag(name).unwrap_or(false));
        if !whole || row.errors() > errors {
            return None;
        }
        let customer_address = customer_address?;
        let wildcard = stated_type.is_none() && customer_address.is_unspecified();
        let record_type = match stated_type {
            Some(record_type) => record_type,
            None if wildcard => RecordType::GatewayWildcard,
            None => RecordType::Static,
        };
        let record = LookupRecord {
            id: self.host.new_record_id(),
            virtual_subnet: virtual_subnet?,
            customer_address,
            mac: mac?,
            provider_address: provider_address?,
            rule: rule.unwrap_or(Rule::None),
            record_type,
            use_vm_mac,
        };
        let what = format!(
            "the record of {customer_address} in VSID {}",
            record.virtual_subnet
        );
        if wildcard {
            let text = format!(
                "{what} has no Type and is taken as a GatewayWildcard, as Windows Server 2012 wrote it"
            );
            self.note(row, DumpNoteKind::Assumed, text);
        }
        let [unusable, unsynchronized] = flags;
        if unusable {
            let text = format!("Windows does not use {what}: it is Unusable");
            self.note(row, DumpNoteKind::Unusable, text);
        }
        if unsynchronized {
            let text = format!("{what} is not as the central controller has it: Unsynchronized");
            self.note(row, DumpNoteKind::Unsynchronized, text);
        }
        let [customer_id, context, vm_name] = &labels;
        self.host.records.push(RecordEntry {
            record,
            labels: self.labels.labels(
                customer_id.as_deref(),
                context.as_deref(),
                vm_name.as_deref(),
            ),
            place: row.place(),
        });
        Some(())
    }

    fn customer_route(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let whole = row.needs(&[
            "RoutingDomainID",
            "VirtualSubnetID",
            "DestinationPrefix",
            "NextHop",
        ]);
        let errors = row.errors();
        let routing_domain = row.get("RoutingDomainID", Kind::RoutingDomain);
        let virtual_subnet = vsid(row);
        let destination = row.get("DestinationPrefix", Kind::CustomerPrefix);
        let next_hop = row.get("NextHop", Kind::CustomerAddress);
        let metric = row.get("Metric", UINT32).unwrap_or(0);
        if !whole || row.errors() > errors {
            return None;
        }
        let route = CustomerRoute {
            id: self.host.new_route_id(),
            routing_domain: routing_domain?,
            virtual_subnet: virtual_subnet?,
            destination: destination?,
            next_hop: next_hop?,
            metric,
        };
        self.host.customer_routes.push(RouteEntry {
            route,
            place: row.place(),
        });
        Some(())
    }

    fn provider_address(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let whole = row.needs(&["ProviderAddress", "InterfaceIndex", "PrefixLength"]);
        let errors = row.errors();
        let address: Option<ProviderAddress> = row.get("ProviderAddress", Kind::ProviderAddress);
        let interface_index = row.get("InterfaceIndex", UINT32);
        let prefix_length: Option<u8> = row.get("PrefixLength", BYTE);
        // 0 is how Windows writes "none".
        let vlan: Option<u16> = row.get("VlanID", Kind::Vlan);
        let mac: Option<MacAddress> = row.get("MACAddress", Kind::Mac);
        let state = row.name("AddressState", ADDRESS_STATE);
        let managed = row.flag("ManagedByCluster").unwrap_or(false);
        if let (Some(address), Some(length)) = (address, prefix_length)
            && let Err(message) = check_prefix_length(address, length)
        {
            row.refuse("PrefixLength", message);
        }
        if !whole || row.errors() > errors {
            return None;
        }
        let address = HostAddress {
            address: address?,
            interface_index: interface_index?,
            prefix_length: prefix_length?,
            vlan: vlan.and_then(|vlan| VlanId::try_new(vlan).ok()),
            mac: mac
                .or_else(|| self.nics.mac(interface_index?))
                .unwrap_or_else(|| {
                    let mac = made_up_mac(address);
                    let text = format!("a provider address has no MACAddress: {mac} is assumed");
                    self.note(row, DumpNoteKind::Assumed, text);
                    mac
                }),
        };
        if let Some(state) = state.filter(|&state| state != "Preferred") {
            let text = format!(
                "the provider address {} is {state}, not Preferred",
                address.address
            );
            self.note(row, DumpNoteKind::AddressState, text);
        }
        if managed {
            let text = format!(
                "{} is managed by a cluster, which is not modelled",
                address.address
            );
            self.note(row, DumpNoteKind::NotRead, text);
        }
        self.host.provider_addresses.push(HostAddressEntry {
            address,
            place: row.place(),
        });
        Some(())
    }

    fn provider_route(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let whole = row.needs(&["InterfaceIndex", "DestinationPrefix", "NextHop"]);
        let errors = row.errors();
        let interface_index = row.get("InterfaceIndex", UINT32);
        let destination = row.get("DestinationPrefix", Kind::ProviderPrefix);
        let next_hop = row.get("NextHop", Kind::ProviderAddress);
        let metric = row.get("Metric", UINT32).unwrap_or(0);
        if !whole || row.errors() > errors {
            return None;
        }
        let route = ProviderRoute {
            interface_index: interface_index?,
            destination: destination?,
            next_hop: next_hop?,
            metric,
        };
        self.host.provider_routes.push(ProviderRouteEntry {
            route,
            place: row.place(),
        });
        Some(())
    }

    fn global(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let external_router = row.flag("UseExternalRouter")?;
        let earlier = self.external_router.replace(external_router);
        if earlier.is_some_and(|earlier| earlier != external_router) {
            let text =
                "an earlier UseExternalRouter of this host says the opposite: this one is taken";
            self.note(row, DumpNoteKind::NotRead, text.to_owned());
        }
        self.host.use_external_router = external_router;
        Some(())
    }

    fn adapter(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        if row.flag("IsManagementOs") == Some(true) {
            let name = row.text("Name").unwrap_or_default();
            let text =
                format!("{name} is an adapter of the management operating system: not modelled");
            self.note(row, DumpNoteKind::NotRead, text);
            return None;
        }
        let whole = row.needs(&["VMName", "Name", "MacAddress"]);
        let errors = row.errors();
        let vm_name = row.text("VMName");
        let name = row.text("Name");
        let mac = row.get("MacAddress", Kind::Mac);
        let switch_name = row.text("SwitchName").unwrap_or_default();
        let subnet =
            row.get("VirtualSubnetId", Kind::PortVsid)
                .map_or(PortSubnet::Unset, |number: u32| match number {
                    0 => PortSubnet::Unset,
                    _ => VirtualSubnetId::try_new(number)
                        .map_or(PortSubnet::LocalOnly, PortSubnet::Tenant),
                });
        let guards = ["MacAddressSpoofing", "DhcpGuard", "RouterGuard"]
            .map(|name| row.name(name, ON_OFF) == Some("On"));
        let limit = row.get("StormLimit", UINT32).unwrap_or(0);
        let bandwidth = row.get("MaximumBandwidth", UINT64).or_else(|| {
            let setting = row.inner("BandwidthSetting")?.get("MaximumBandwidth")?;
            canonical(UINT64, &setting.value)
                .ok()
                .and_then(|value| crate::canonical::FromCanonical::from_canonical(&value))
        });
        // An object that was cut, or printed, is its type's name.
        let mut by_name_only = row.texts("BandwidthSetting").into_iter();
        if bandwidth.is_none()
            && let Some(type_name) = by_name_only.find(|name| !name.is_empty())
        {
            let text = format!("BandwidthSetting is {type_name} here: its limits are not shown");
            self.note(row, DumpNoteKind::NotRead, text);
        }
        let addresses: Vec<_> = row
            .texts("IPAddresses")
            .into_iter()
            .map(str::to_owned)
            .collect();
        if !whole || row.errors() > errors {
            return None;
        }
        let (vm_name, mut name, mac): (_, _, MacAddress) = (vm_name?, name?, mac?);
        if mac.to_bits() == 0 {
            let text = format!(
                "{name} of {vm_name} is left out: it has no MAC yet, as its VM was never started"
            );
            self.note(row, DumpNoteKind::NotRead, text);
            return None;
        }
        let called = |name: &str| {
            let mut adapters = self.host.adapters.iter();
            adapters.find(|other| {
                other.vm_name.eq_ignore_ascii_case(&vm_name)
                    && other.name.eq_ignore_ascii_case(name)
            })
        };
        // Windows calls every new one alike.
        let free = called(&name).and_then(|_| {
            let mut adapters = self.host.adapters.iter();
            let is_again =
                |other: &Adapter| other.mac == mac && other.vm_name.eq_ignore_ascii_case(&vm_name);
            let mut numbered = (2u32..).map(|number| format!("{name} {number}"));
            let is_other = !adapters.any(is_again);
            is_other.then(|| numbered.find(|name| called(name).is_none()))?
        });
        if let Some(free) = free {
            let text = format!(
                "{vm_name} has several adapters {name}: that of the MAC {mac} is called {free} here"
            );
            self.note(row, DumpNoteKind::Assumed, text);
            self.vms_with_namesakes.insert(vm_name.to_lowercase());
            name = free;
        } else if let Some(first) = called(&name) {
            let at = first
                .place
                .as_ref()
                .map(Place::to_string)
                .unwrap_or_default();
            row.refuse(
                "Name",
                format!("{vm_name} has an adapter {name} already, at {at}"),
            );
            return None;
        }
        let [mac_address_spoofing, dhcp_guard, router_guard] = guards;
        let mut read = Vec::new();
        for text in addresses
            .iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
        {
            match text.parse() {
                Ok(address) => read.push(address),
                // Export-Csv writes the type's name, and Format-List cuts long lists.
                Err(_) => {
                    let text = format!("of the IPAddresses of {vm_name} {text:?} is not read");
                    self.note(row, DumpNoteKind::NotRead, text);
                }
            }
        }
        self.ip_addresses.push(read);
        self.host.adapters.push(Adapter {
            vm_name,
            name,
            mac,
            switch_name,
            subnet,
            mac_address_spoofing,
            dhcp_guard,
            router_guard,
            maximum_bandwidth_bits_per_second: bandwidth.unwrap_or(0),
            storm_limit_packets_per_second: limit,
            place: Some(row.place()),
        });
        Some(())
    }

    fn note(&self, row: &mut DumpRow<'_, '_>, kind: DumpNoteKind, text: String) {
        let place = row.place();
        row.note(DumpNote {
            place,
            host: Some(self.host.name.clone()),
            kind,
            text,
        });
    }
}

fn vsid(row: &mut DumpRow<'_, '_>) -> Option<VirtualSubnetId> {
    VirtualSubnetId::try_new(row.get("VirtualSubnetID", Kind::Vsid)?).ok()
}

/// Locally administered, and as different as addresses of 32 bits are.
pub(crate) fn made_up_mac(address: Option<ProviderAddress>) -> MacAddress {
    let bits = address.map_or(0, |address| address.bits());
    MacAddress::from_bits(0x0250_0000_0000 | (bits as u64 & 0xffff_ffff))
}
