//! Hosts, NICs and VMs that scripts take for granted, made up as they are named.

use std::collections::BTreeMap;

use nvgre_dataplane::PortSubnet;
use nvgre_wire::MacAddress;

use crate::ast::{Argument, Element, ExprKind, Pipeline, Span};
use crate::call::Call;
use crate::error::ScriptError;
use crate::estate::{Adapter, Estate, Host, Nic};
use crate::machine::Machine;
use crate::report::{RunReport, ScriptWarning};
use crate::run::run_inventing;
use crate::source::Source;
use crate::wildcard::has_wildcard;

/// What scripts make of hosts of which nothing else is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconstruction {
    /// The hosts.
    pub estate: Estate,
    /// What the runs found worth telling, script by script.
    pub reports: Vec<RunReport>,
    /// What was made up and why, in the order of the scripts.
    pub notes: Vec<ScriptWarning>,
}

/// Runs scripts one after the other on the host named `local_host`, and makes up what they name and
/// the estate lacks: hosts (of Invoke-Command and -CimSession too), NICs with their switch, and VMs.
/// A local host that nothing was done to is left out again.
///
/// MACs of VMs are those of records with the VM's name; what is still missing then is made up.
/// Fails with the errors of the first script that has some, and its index.
pub fn reconstruct(
    sources: &[Source],
    local_host: &str,
    estate: Estate,
) -> Result<Reconstruction, (usize, Vec<ScriptError>)> {
    let mut made = Reconstruction {
        estate,
        ..Reconstruction::default()
    };
    let is_added = made.estate.host(local_host).is_none();
    if is_added {
        made.estate.hosts.push(Host::new(local_host));
    }
    let mut inventor = Inventor::default();
    for (index, source) in sources.iter().enumerate() {
        let report = run_inventing(source, local_host, &mut made.estate, &mut inventor)
            .map_err(|errors| (index, errors))?;
        made.reports.push(report);
    }
    made.notes = inventor.notes;
    if is_added {
        let empty = Host::new(local_host);
        made.estate.hosts.retain(|host| *host != empty);
    }
    fill_macs(&mut made.estate, &mut made.notes);
    Ok(made)
}

/// What was made up in the runs so far.
#[derive(Default)]
pub(crate) struct Inventor {
    notes: Vec<ScriptWarning>,
    /// What no script has told of a NIC yet. Shape: (host, NIC of the host) -> facts.
    nics: BTreeMap<(usize, usize), Vec<FactKind>>,
}

/// Something that a script says of a NIC.
pub(crate) enum NicFact {
    Name(String),
    Description(String),
    Index(u32),
    Switch(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FactKind {
    Name,
    Description,
    Index,
    Switch,
}

impl NicFact {
    const fn kind(&self) -> FactKind {
        match self {
            Self::Name(_) => FactKind::Name,
            Self::Description(_) => FactKind::Description,
            Self::Index(_) => FactKind::Index,
            Self::Switch(_) => FactKind::Switch,
        }
    }

    fn is_of(&self, nic: &Nic) -> bool {
        match self {
            Self::Name(name) => nic.name.eq_ignore_ascii_case(name),
            Self::Description(text) => nic.interface_description.eq_ignore_ascii_case(text),
            Self::Index(index) => nic.interface_index == *index,
            Self::Switch(name) => nic.switch_name.eq_ignore_ascii_case(name),
        }
    }

    fn tell(&self, nic: &mut Nic) {
        match self {
            Self::Name(name) => nic.name.clone_from(name),
            Self::Description(text) => nic.interface_description.clone_from(text),
            Self::Index(index) => nic.interface_index = *index,
            Self::Switch(name) => nic.switch_name.clone_from(name),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Name(name) => format!("{name:?}"),
            Self::Description(text) => format!("described as {text:?}"),
            Self::Index(index) => format!("with InterfaceIndex {index}"),
            Self::Switch(name) => format!("of the switch {name:?}"),
        }
    }
}

/// Until it is known.
const NO_MAC: MacAddress = MacAddress::from_bits(0);
/// The InterfaceIndex of the first NIC that is made up on a host.
const FIRST_INDEX: u32 = 2;

impl<'s> Machine<'s> {
    fn invented(&mut self, span: &Span, text: String) {
        let place = self.place(span);
        if let Some(inventor) = &mut self.inventor {
            inventor.notes.push(ScriptWarning { place, text });
        }
    }

    /// A host of this name, which the estate lacks.
    pub(crate) fn invent_host(&mut self, name: &str, span: &Span) -> Option<usize> {
        self.inventor.as_ref()?;
        self.estate.hosts.push(Host::new(name));
        self.invented(span, format!("a host {name} is made up"));
        Some(self.estate.hosts.len() - 1)
    }

    /// The VMs and adapters that the call names on its host, where they are not there.
    pub(crate) fn invent_vms(&mut self, call: &Call<'_>, vm: &str) {
        if self.inventor.is_none() {
            return;
        }
        let is_plain = |text: &&std::borrow::Cow<'_, str>| !has_wildcard(text);
        let names = call.texts("Name");
        let is_adapter_name = vm != "Name";
        let name = names.first().filter(is_plain).filter(|_| is_adapter_name);
        let name = name.map_or("Network Adapter", |name| name);
        for vm in call.texts(vm).iter().filter(is_plain) {
            let any = names.is_empty() || !is_adapter_name;
            self.invent_adapter(call.host, vm, name, any, &call.span);
        }
    }

    /// An adapter of this VM, where it has none of this name, or with `any` none at all.
    fn invent_adapter(&mut self, host: usize, vm: &str, name: &str, any: bool, span: &Span) {
        let there = self.host(host).adapters.iter().any(|adapter| {
            adapter.vm_name.eq_ignore_ascii_case(vm)
                && (any || adapter.name.eq_ignore_ascii_case(name))
        });
        if there {
            return;
        }
        let switch = self.host(host).nics.first();
        let switch = switch.map(|nic| nic.switch_name.clone());
        let mut adapter = Adapter::new(vm, NO_MAC, &switch.unwrap_or_default());
        adapter.name = name.to_owned();
        let host = self.host_mut(host, |kept, now| kept.adapters.grows(&now.adapters));
        host.adapters.push(adapter);
        let host = host.name.clone();
        self.invented(span, format!("a VM {vm} is made up on {host}"));
    }

    /// The NIC, or VM and adapter, whose names a pipeline compares with, as in
    /// `Get-VM | Where-Object Name -eq "web*" | ...`: names that would be patterns are given so.
    pub(crate) fn invent_compared(&mut self, host: usize, pipeline: &Pipeline<'_>) {
        let [get, compare, then @ ..] = &pipeline.elements[..] else {
            return;
        };
        if self.inventor.is_none() {
            return;
        }
        if let (true, Some((nic, span))) = (is_bare(get, "Get-NetAdapter"), compared(compare)) {
            self.invent_nic(host, &NicFact::Name(nic.to_owned()), span);
        }
        if !is_bare(get, "Get-VM") {
            return;
        }
        let (Some((vm, span)), adapter) = (compared(compare), then) else {
            return;
        };
        let name = match adapter {
            [get, where_name, ..] if is_bare(get, "Get-VMNetworkAdapter") => compared(where_name),
            _ => None,
        };
        let any = name.is_none();
        let name = name.map_or("Network Adapter", |(name, _)| name);
        self.invent_adapter(host, vm, name, any, span);
    }

    /// The NICs that the call names on its host by this parameter.
    pub(crate) fn invent_nics(
        &mut self,
        call: &Call<'_>,
        parameter: &str,
        fact: fn(String) -> NicFact,
    ) {
        if self.inventor.is_some() {
            for text in call
                .texts(parameter)
                .iter()
                .filter(|text| !has_wildcard(text))
            {
                self.invent_nic(call.host, &fact(text.to_string()), &call.span_of(parameter));
            }
        }
    }

    /// A NIC of a host that asks for any, if it has none.
    pub(crate) fn invent_any_nic(&mut self, host: usize, span: &Span) {
        if self.host(host).nics.is_empty() {
            self.invent_nic(host, &NicFact::Index(FIRST_INDEX), span);
        }
    }

    /// A NIC of which this is true, if the host has none: one of which it is not known yet, or a
    /// new one.
    pub(crate) fn invent_nic(&mut self, host: usize, fact: &NicFact, span: &Span) {
        let nics = &self.host(host).nics;
        if self.inventor.is_none() || nics.iter().any(|nic| fact.is_of(nic)) {
            return;
        }
        // An index that rows have is no longer open, though it was made up.
        let is_used: Vec<_> = nics
            .iter()
            .map(|nic| is_index_used(self.host(host), nic))
            .collect();
        let kind = fact.kind();
        let mut open = self
            .inventor
            .iter_mut()
            .flat_map(|inventor| &mut inventor.nics);
        let open = open.find(|((of, at), unknown)| {
            *of == host && unknown.contains(&kind) && (kind != FactKind::Index || !is_used[*at])
        });
        if let Some((&(_, at), unknown)) = open {
            unknown.retain(|known| *known != kind);
            let now = self.host_mut(host, |kept, now| kept.nics.changes(&now.nics));
            fact.tell(&mut now.nics[at]);
            return;
        }
        let at = self.host(host).nics.len();
        let number = FIRST_INDEX + u32::try_from(at).unwrap_or(0);
        let name = &self.host(host).name;
        let text = format!("a NIC {} of {name} is made up, with a switch", fact.text());
        let mut nic = Nic {
            name: if at == 0 {
                "Ethernet".to_owned()
            } else {
                format!("Ethernet {}", at + 1)
            },
            interface_description: format!("NIC {number} of {name}"),
            interface_index: number,
            mac: NO_MAC,
            wnv_bound: false,
            switch_name: if at == 0 {
                "VMs".to_owned()
            } else {
                format!("VMs {}", at + 1)
            },
        };
        fact.tell(&mut nic);
        let now = self.host_mut(host, |kept, now| kept.nics.changes(&now.nics));
        now.nics.push(nic);
        let all = [
            FactKind::Name,
            FactKind::Description,
            FactKind::Index,
            FactKind::Switch,
        ];
        let unknown = all.into_iter().filter(|kind| *kind != fact.kind());
        if let Some(inventor) = &mut self.inventor {
            inventor.nics.insert((host, at), unknown.collect());
        }
        self.invented(span, text);
    }
}

/// Whether this is the command of this name without arguments.
fn is_bare(element: &Element<'_>, name: &str) -> bool {
    matches!(element, Element::Command(command)
        if command.arguments.is_empty() && command.name.eq_ignore_ascii_case(name))
}

/// The name and its span in `Where-Object Name -eq "name"`.
fn compared<'e>(element: &'e Element<'_>) -> Option<(&'e str, &'e Span)> {
    let Element::Command(command) = element else {
        return None;
    };
    let [Argument::Value(property), operator, Argument::Value(name)] = &command.arguments[..]
    else {
        return None;
    };
    let is_equal = matches!(operator, Argument::Named { name, value: None, .. }
        if name.eq_ignore_ascii_case("eq"));
    let is_name = matches!(&property.kind, ExprKind::Literal(property)
        if property.eq_ignore_ascii_case("Name"));
    match &name.kind {
        ExprKind::Literal(text)
            if is_equal && is_name && command.name.eq_ignore_ascii_case("Where-Object") =>
        {
            Some((text, &name.span))
        }
        _ => None,
    }
}

fn is_index_used(host: &Host, nic: &Nic) -> bool {
    let addresses = host.provider_addresses.iter();
    let routes = host.provider_routes.iter();
    let mut indexes = addresses
        .map(|entry| entry.address.interface_index)
        .chain(routes.map(|entry| entry.route.interface_index));
    indexes.any(|index| index == nic.interface_index)
}

/// MACs that no script tells: a NIC's from its provider addresses, a VM's from the records with its
/// name, and made up otherwise.
fn fill_macs(estate: &mut Estate, notes: &mut Vec<ScriptWarning>) {
    let records: Vec<_> = estate
        .hosts
        .iter()
        .flat_map(|host| &host.records)
        .cloned()
        .collect();
    let mut made_up = 0;
    for (index, host) in (0u64..).zip(&mut estate.hosts) {
        for (at, nic) in (0u64..).zip(&mut host.nics) {
            let mut on_it = host
                .provider_addresses
                .iter_mut()
                .map(|entry| &mut entry.address)
                .filter(|address| address.interface_index == nic.interface_index)
                .collect::<Vec<_>>();
            if nic.mac == NO_MAC {
                let told = on_it.iter().find(|address| address.mac != NO_MAC);
                nic.mac = told.map_or(
                    MacAddress::from_bits(0x0250_4e00_0000 | (index & 0xffff) << 8 | (at & 0xff)),
                    |address| address.mac,
                );
            }
            for address in on_it.iter_mut().filter(|address| address.mac == NO_MAC) {
                address.mac = nic.mac;
            }
        }
        for adapter in host
            .adapters
            .iter_mut()
            .filter(|adapter| adapter.mac == NO_MAC)
        {
            let is_its = |entry: &&crate::estate::RecordEntry| {
                let label = entry.labels.vm_name();
                let in_subnet = match adapter.subnet {
                    PortSubnet::Tenant(vsid) => entry.record.virtual_subnet == vsid,
                    PortSubnet::Unset | PortSubnet::LocalOnly => true,
                };
                in_subnet && label.is_some_and(|name| name.eq_ignore_ascii_case(&adapter.vm_name))
            };
            if let Some(entry) = records.iter().find(is_its) {
                adapter.mac = entry.record.mac;
                continue;
            }
            made_up += 1;
            adapter.mac = MacAddress::from_bits(0x0250_5600_0000 | made_up);
            if let Some(place) = &adapter.place {
                notes.push(ScriptWarning {
                    place: place.clone(),
                    text: format!(
                        "no record has the name of the VM {}: its MAC {} is made up",
                        adapter.vm_name, adapter.mac
                    ),
                });
            }
        }
    }
}
