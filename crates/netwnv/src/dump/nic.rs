//! The NICs of a host, from what a dump shows of network adapters, bindings and switches, and from
//! the interface indexes that its policy names.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_wire::MacAddress;

use crate::dump::host::made_up_mac;
use crate::dump::reading::Reading;
use crate::dump::row::DumpRow;
use crate::dump::{DumpNote, DumpNoteKind};
use crate::estate::{Host, Nic};
use crate::kind::{Kind, UINT32};
use crate::source::Place;

/// The network virtualization filter, as Windows names it.
const NETWNV: &str = "ms_netwnv";

#[derive(Default)]
pub(crate) struct Nics {
    adapters: Vec<NetAdapter>,
    bindings: Vec<Binding>,
    switches: Vec<Switch>,
}

/// Of Get-NetAdapter.
struct NetAdapter {
    name: String,
    interface_description: String,
    interface_index: u32,
    mac: MacAddress,
    place: Place,
}

/// Of Get-NetAdapterBinding, of the component `ms_netwnv`.
struct Binding {
    name: String,
    interface_description: Option<String>,
    enabled: bool,
}

/// Of Get-VMSwitch, of an external switch.
struct Switch {
    name: String,
    interface_description: String,
}

impl Nics {
    pub(crate) fn net_adapter(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let whole = row.needs(&["Name", "InterfaceDescription", "MacAddress"]);
        let name = row.text("Name");
        let interface_description = row.text("InterfaceDescription");
        let by_name = row.get("InterfaceIndex", UINT32);
        let interface_index = row.get("ifIndex", UINT32).or(by_name);
        let mac = row.get("MacAddress", Kind::Mac);
        if !whole {
            return None;
        }
        self.adapters.push(NetAdapter {
            name: name?,
            interface_description: interface_description?,
            interface_index: interface_index?,
            mac: mac?,
            place: row.place(),
        });
        Some(())
    }

    pub(crate) fn binding(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let component = row.text("ComponentID")?;
        let name = row.text("Name").or_else(|| row.text("InterfaceAlias"));
        let interface_description = row.text("InterfaceDescription");
        let enabled = row.flag("Enabled");
        // Of the others, a NIC has two dozen.
        if !component.eq_ignore_ascii_case(NETWNV) {
            return None;
        }
        self.bindings.push(Binding {
            name: name.unwrap_or_default(),
            interface_description,
            enabled: enabled?,
        });
        Some(())
    }

    pub(crate) fn switch(&mut self, row: &mut DumpRow<'_, '_>) -> Option<()> {
        let name = row.text("Name").or_else(|| row.text("SwitchName"));
        let interface_description = row.text("NetAdapterInterfaceDescription");
        // That it has a NIC says as much.
        let _external = row.text("SwitchType");
        let name = name?;
        let Some(interface_description) = interface_description.filter(|text| !text.is_empty())
        else {
            let place = row.place();
            row.note(DumpNote {
                place,
                host: None,
                kind: DumpNoteKind::NotRead,
                text: format!(
                    "the switch {name} is left out: it has no NIC, so it is not external"
                ),
            });
            return None;
        };
        self.switches.push(Switch {
            name,
            interface_description,
        });
        Some(())
    }

    /// The MAC of a NIC that was dumped.
    pub(crate) fn mac(&self, interface_index: u32) -> Option<MacAddress> {
        let mut adapters = self.adapters.iter();
        let found = adapters.find(|adapter| adapter.interface_index == interface_index);
        found.map(|adapter| adapter.mac)
    }

    /// Gives the host its NICs: those that have to do with network virtualization or a switch.
    /// Whether the interface index of one was assumed.
    pub(crate) fn finish(self, host: &mut Host, reading: &mut Reading) -> bool {
        let has_policy = !(host.records.is_empty()
            && host.customer_routes.is_empty()
            && host.provider_addresses.is_empty()
            && host.provider_routes.is_empty());
        // Index -> where it is named first.
        let mut named: BTreeMap<u32, Place> = BTreeMap::new();
        let addresses = host.provider_addresses.iter();
        let addresses = addresses.map(|entry| (entry.address.interface_index, &entry.place));
        let routes = host.provider_routes.iter();
        let routes = routes.map(|entry| (entry.route.interface_index, &entry.place));
        for (index, place) in addresses.chain(routes) {
            named.entry(index).or_insert_with(|| place.clone());
        }
        let mut used_switches = BTreeSet::new();
        let mut used_bindings = BTreeSet::new();
        let mut left_out: Vec<&NetAdapter> = Vec::new();
        for adapter in &self.adapters {
            let description = &adapter.interface_description;
            let switch = self
                .switches
                .iter()
                .position(|s| s.interface_description == *description);
            let binding = self.bindings.iter().position(|binding| {
                binding.name.eq_ignore_ascii_case(&adapter.name)
                    && binding
                        .interface_description
                        .as_ref()
                        .is_none_or(|d| d == description)
            });
            let bound = binding.map(|at| self.bindings[at].enabled);
            let is_named = named.remove(&adapter.interface_index).is_some();
            if switch.is_none() && bound != Some(true) && !is_named {
                left_out.push(adapter);
                continue;
            }
            used_switches.extend(switch);
            used_bindings.extend(binding);
            let switch = switch.map(|at| self.switches[at].name.clone());
            let mut assumed = Vec::new();
            let nic = Nic {
                name: adapter.name.clone(),
                interface_description: description.clone(),
                interface_index: adapter.interface_index,
                mac: adapter.mac,
                wnv_bound: bound.unwrap_or_else(|| {
                    assumed.push("its binding of ms_netwnv");
                    has_policy
                }),
                switch_name: switch.unwrap_or_else(|| {
                    assumed.push("its switch");
                    self.switch_of_adapters(host)
                }),
            };
            note_assumed(reading, host, &nic, &adapter.place, &assumed);
            host.nics.push(nic);
        }
        let is_index_assumed = named.is_empty() && has_policy && host.nics.is_empty();
        if is_index_assumed {
            // Nothing names one, and there is one: policy lives on a bound NIC.
            let first = host.records.iter().map(|entry| &entry.place);
            let first = first
                .chain(host.customer_routes.iter().map(|entry| &entry.place))
                .next();
            named.extend(first.map(|place| (MADE_UP_INDEX, place.clone())));
        }
        let mut switches = (0..self.switches.len()).filter(|at| !used_switches.contains(at));
        let mut bindings = (0..self.bindings.len()).filter(|at| !used_bindings.contains(at));
        for (interface_index, place) in named {
            let mut assumed = Vec::new();
            let binding = bindings.next().map(|at| &self.bindings[at]);
            let switch = switches.next().map(|at| &self.switches[at]);
            let on_it = |entry: &&crate::estate::HostAddressEntry| {
                entry.address.interface_index == interface_index
            };
            let address = host.provider_addresses.iter().find(on_it);
            let described = binding.and_then(|binding| binding.interface_description.clone());
            let described = described.or_else(|| Some(switch?.interface_description.clone()));
            let nic = Nic {
                name: binding
                    .map(|binding| binding.name.clone())
                    .unwrap_or_else(|| {
                        assumed.push("its name");
                        "Ethernet".to_owned()
                    }),
                interface_description: described.unwrap_or_else(|| {
                    assumed.push("its description");
                    format!("NIC {interface_index} of {}", host.name)
                }),
                interface_index,
                mac: address.map(|entry| entry.address.mac).unwrap_or_else(|| {
                    assumed.push("its MAC");
                    made_up_mac(None)
                }),
                wnv_bound: binding.map(|binding| binding.enabled).unwrap_or_else(|| {
                    assumed.push("its binding of ms_netwnv");
                    has_policy
                }),
                switch_name: switch.map(|switch| switch.name.clone()).unwrap_or_else(|| {
                    assumed.push("its switch");
                    self.switch_of_adapters(host)
                }),
            };
            note_assumed(reading, host, &nic, &place, &assumed);
            host.nics.push(nic);
        }
        if let Some(first) = left_out.first() {
            let names: Vec<_> = left_out
                .iter()
                .map(|adapter| adapter.name.as_str())
                .collect();
            reading.notes.push(DumpNote {
                place: first.place.clone(),
                host: Some(host.name.clone()),
                kind: DumpNoteKind::NotRead,
                text: format!(
                    "network adapters without switch, binding and provider address are left out: {}",
                    names.join(", ")
                ),
            });
        }
        is_index_assumed
    }

    /// The switch that most adapters of the host are connected to; an empty text for none.
    fn switch_of_adapters(&self, host: &Host) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for adapter in host
            .adapters
            .iter()
            .filter(|adapter| !adapter.switch_name.is_empty())
        {
            *counts.entry(&adapter.switch_name).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|&(_, count)| count);
        most.map(|(name, _)| name.to_owned()).unwrap_or_default()
    }
}

/// Of a NIC that nothing names.
const MADE_UP_INDEX: u32 = 2;

fn note_assumed(reading: &mut Reading, host: &Host, nic: &Nic, place: &Place, assumed: &[&str]) {
    if assumed.is_empty() {
        return;
    }
    reading.notes.push(DumpNote {
        place: place.clone(),
        host: Some(host.name.clone()),
        kind: DumpNoteKind::Assumed,
        text: format!(
            "of NIC {} the dump does not say {}: taken as name {:?}, description {:?}, MAC {}, switch {:?}, {}",
            nic.interface_index,
            crate::cmdlet::listed(assumed, "and"),
            nic.name,
            nic.interface_description,
            nic.mac,
            nic.switch_name,
            if nic.wnv_bound { "bound" } else { "not bound" }
        ),
    });
}
