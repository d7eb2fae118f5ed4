//! From the scenario file's keys to a scenario, with every check that one file allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use nvgre_dataplane::{DEFAULT_ROUTER_MAC, Settings};
use nvgre_netwnv::{Lines, Place};
use nvgre_wire::{MacAddress, ProviderAddress, VirtualSubnetId};
use toml::Spanned;

use crate::names::{FileNames, Names, folded};
use crate::scenario::file::{
    GuestTable, HostTable, ScenarioFile, SettingsTable, StageTable, TenantTable, UnderlayTable,
};
use crate::scenario::{
    Expectation, Host, Move, Probe, Scenario, ScenarioError, Script, Stage, Tenant, Underlay,
};

/// RFC 791 section 3.2.
pub(crate) const IPV4_MTU_MIN_BYTES: u16 = 68;
const MILLION: u32 = 1_000_000;

pub(crate) fn parse(name: &str, text: &str) -> Result<Scenario, Vec<ScenarioError>> {
    let file = ScenarioFile::read(name, text)?;
    let names = FileNames::new(&file);
    let mut check = Check {
        lines: Lines::new(name, text),
        file: &file,
        names: &names,
        errors: Vec::new(),
    };
    let scenario = check.scenario();
    let mut errors = check.errors;
    errors.sort_by_key(|error| error.span.start);
    match scenario {
        Some(scenario) if errors.is_empty() => Ok(scenario),
        Some(_) | None => Err(errors),
    }
}

/// What is being checked and what was found. A function that returns `None` has said why.
pub(crate) struct Check<'f> {
    lines: Lines<'f>,
    pub(crate) file: &'f ScenarioFile,
    pub(crate) names: &'f FileNames<'f>,
    errors: Vec<ScenarioError>,
}

impl<'f> Check<'f> {
    fn scenario(&mut self) -> Option<Scenario> {
        let file = self.file;
        self.filled("the scenario's name", &file.name);
        if file.hosts.is_empty() {
            self.error(0..0, "no [[host]]");
        }
        self.unique("tenant", file.tenants.iter().map(|t| &t.name));
        self.unique("host", file.hosts.iter().map(|h| &h.name));
        for host in &file.hosts {
            if host.name.get_ref().contains(char::is_control) {
                let message = "a host's name holds a control character";
                self.error(host.name.span(), message.to_owned());
            }
        }
        self.unique("stage", file.stages.iter().map(|s| &s.name));
        let underlay = self.underlay(file.underlay.as_ref());
        let settings = self.settings(&file.settings, underlay);
        let tenants = self.tenants();
        let hosts = self.hosts(underlay);
        let guests = self.guests();
        let stages: Vec<_> = file.stages.iter().map(|stage| self.stage(stage)).collect();
        let intents: Vec<_> = file
            .intents
            .iter()
            .map(|table| self.intent(table))
            .collect();
        Some(Scenario {
            name: file.name.get_ref().clone(),
            about: file.about.clone(),
            seed: file.seed.unwrap_or(1),
            underlay,
            settings: settings?,
            tenants: tenants?,
            hosts: hosts?,
            guests: guests?,
            stages: stages.into_iter().collect::<Option<_>>()?,
            intents: intents.into_iter().collect::<Option<_>>()?,
        })
    }

    fn underlay(&mut self, table: Option<&UnderlayTable>) -> Underlay {
        let mut underlay = Underlay::default();
        let Some(table) = table else {
            return underlay;
        };
        if let Some(mtu_bytes) = &table.mtu_bytes {
            self.mtu(mtu_bytes, IPV4_MTU_MIN_BYTES);
            underlay.mtu_bytes = *mtu_bytes.get_ref();
        }
        if let Some(latency_nanoseconds) = table.latency_nanoseconds {
            underlay.latency_nanoseconds = latency_nanoseconds;
        }
        if let Some(loss) = &table.loss_per_million {
            underlay.loss_per_million = *loss.get_ref();
            if *loss.get_ref() > MILLION {
                self.error(loss.span(), format!("more than {MILLION} of a million"));
            }
        }
        underlay
    }

    fn settings(&mut self, table: &SettingsTable, underlay: Underlay) -> Option<Settings> {
        let defaults = Settings::default();
        Some(Settings {
            router_mac: match &table.router_mac {
                Some(mac) => self.mac(mac)?,
                None => DEFAULT_ROUTER_MAC,
            },
            flow_id: table.flow_id.unwrap_or(defaults.flow_id),
            strict_gre_reserved_bits: table
                .strict_gre_reserved_bits
                .unwrap_or(defaults.strict_gre_reserved_bits),
            underlay_mtu_bytes: underlay.mtu_bytes,
        })
    }

    fn tenants(&mut self) -> Option<Vec<Tenant>> {
        let file = self.file;
        let mut domains = BTreeMap::new();
        let mut owners = BTreeMap::new();
        let tenants: Vec<_> = file
            .tenants
            .iter()
            .map(|table| {
                let tenant = self.tenant(table)?;
                let name = &tenant.name;
                if let Some(first) = domains.insert(tenant.routing_domain, name.clone()) {
                    let message = format!("this routing domain is tenant {first}'s already");
                    self.error(table.routing_domain.span(), message);
                }
                for (vsid, written) in tenant.virtual_subnets.iter().zip(&table.virtual_subnets) {
                    if let Some(first) = owners.insert(*vsid, name.clone()) {
                        let message = format!("virtual subnet {vsid} is tenant {first}'s already");
                        self.error(written.span(), message);
                    }
                }
                Some(tenant)
            })
            .collect();
        tenants.into_iter().collect()
    }

    fn tenant(&mut self, table: &TenantTable) -> Option<Tenant> {
        let written = &table.virtual_subnets;
        let subnets: Vec<_> = written.iter().map(|vsid| self.subnet(vsid)).collect();
        let by_text: BTreeMap<String, u32> = written
            .iter()
            .map(|vsid| (vsid.get_ref().to_string(), *vsid.get_ref()))
            .collect();
        let domain = self.read(&table.routing_domain);
        let groups: Vec<_> = table
            .bum_group
            .iter()
            .map(|(vsid, group)| {
                let known = by_text.get(vsid.get_ref());
                let known = known.and_then(|known| VirtualSubnetId::try_new(*known).ok());
                if known.is_none() {
                    let message = format!(
                        "'{}' is no virtual subnet of {}",
                        vsid.get_ref(),
                        table.name.get_ref()
                    );
                    self.error(vsid.span(), message);
                }
                let address: ProviderAddress = self.read(group)?;
                if !address.ip().is_multicast() {
                    self.error(group.span(), format!("{address} is no multicast address"));
                }
                Some((known?, address))
            })
            .collect();
        Some(Tenant {
            name: table.name.get_ref().clone(),
            routing_domain: domain?,
            virtual_subnets: subnets.into_iter().collect::<Option<_>>()?,
            bum_groups: groups.into_iter().collect::<Option<_>>()?,
        })
    }

    fn hosts(&mut self, underlay: Underlay) -> Option<Vec<Host>> {
        let file = self.file;
        let mut owners = BTreeMap::new();
        let hosts: Vec<_> = file
            .hosts
            .iter()
            .map(|table| {
                let host = self.host(table, underlay)?;
                if let Some(first) = owners.insert(host.mac, host.name.clone()) {
                    let message = format!("host {first} has this MAC already");
                    self.error(table.mac.span(), message);
                }
                Some(host)
            })
            .collect();
        hosts.into_iter().collect()
    }

    fn host(&mut self, table: &HostTable, underlay: Underlay) -> Option<Host> {
        self.filled("a switch's name", &table.switch);
        for file in &table.policy {
            self.filled("a script's file", file);
        }
        let link_mtu_bytes = table.link_mtu_bytes.as_ref();
        let link_mtu_bytes = link_mtu_bytes.map_or(underlay.mtu_bytes, |mtu_bytes| {
            self.mtu(mtu_bytes, IPV4_MTU_MIN_BYTES);
            *mtu_bytes.get_ref()
        });
        let policy = table.policy.iter().map(|file| file.get_ref().clone());
        let interface_name = table.interface_name.as_deref().unwrap_or("Ethernet");
        Some(Host {
            name: table.name.get_ref().clone(),
            switch: table.switch.get_ref().clone(),
            interface_name: interface_name.to_owned(),
            interface_index: table.interface_index,
            interface_description: table.interface_description.clone(),
            mac: self.mac(&table.mac)?,
            link_mtu_bytes,
            policy: policy.collect(),
        })
    }

    fn stage(&mut self, table: &StageTable) -> Option<Stage> {
        let names = self.names;
        let mut moves: Vec<Option<Move>> = Vec::new();
        let mut moved = BTreeSet::new();
        for step in &table.moves {
            let guest = self.find("guest", &step.guest, &names.guests);
            let to = self.find("host", &step.to, &names.hosts);
            if !moved.insert(folded(step.guest.get_ref())) {
                let message = format!("{} moves twice in this stage", step.guest.get_ref());
                self.error(step.guest.span(), message);
            }
            let (Some(_), Some(to)) = (guest, to) else {
                moves.push(None);
                continue;
            };
            let adapters = names.guests.places(step.guest.get_ref()).iter();
            moves.extend(adapters.map(|&guest| Some(Move { guest, to })));
        }
        let scripts = table.scripts.iter().map(|script| {
            self.filled("a script's file", &script.file);
            let file = script.file.get_ref().clone();
            let on = self.find("host", &script.on, &names.hosts)?;
            Some(Script { file, on })
        });
        let scripts: Vec<_> = scripts.collect();
        let probes = table.probes.iter().map(|probe| {
            let from = self.find_port(&probe.from);
            let to = self.find_port(&probe.to);
            let expect = Expectation::from_name(probe.expect.get_ref());
            if expect.is_none() {
                let message = format!("'{}' is nothing to expect", probe.expect.get_ref());
                let help = "ok, address_conflict, or the name of a drop reason";
                self.error_with_help(probe.expect.span(), message, help);
            }
            let (from, to) = (from?, to?);
            self.probe_pair(&probe.to, from, to);
            Some(Probe {
                from,
                to,
                expect: expect?,
            })
        });
        let probes: Vec<_> = probes.collect();
        Some(Stage {
            name: table.name.get_ref().clone(),
            about: table.about.clone(),
            moves: moves.into_iter().collect::<Option<_>>()?,
            scripts: scripts.into_iter().collect::<Option<_>>()?,
            probes: probes.into_iter().collect::<Option<_>>()?,
        })
    }

    /// Checks that one guest can ask the other: they are two, and have a family in common.
    fn probe_pair(&mut self, written: &Spanned<String>, from: usize, to: usize) {
        if from == to {
            self.error(written.span(), "a guest does not probe itself");
            return;
        }
        let families = |guest: usize| {
            let addresses = self.file.guests[guest].addresses.get_ref().iter();
            addresses.map(|address| address.get_ref().contains(':'))
        };
        if !families(from).any(|family| families(to).any(|other| other == family)) {
            self.error(
                written.span(),
                "the two guests have no address of one family",
            );
        }
    }

    pub(crate) fn find_port(&mut self, port: &Spanned<String>) -> Option<usize> {
        let (name, nic) = match port.get_ref().split_once('/') {
            Some((name, nic)) => (name, Some(nic)),
            None => (port.get_ref().as_str(), None),
        };
        let names = self.names;
        let mut adapters = names.guests.places(name).iter().copied();
        let found = adapters.find(|&guest| {
            nic.is_none_or(|nic| nic_of(&self.file.guests[guest]).eq_ignore_ascii_case(nic))
        });
        if found.is_none() {
            self.unknown("guest", port, &names.guests);
        }
        found
    }

    /// The index of a name that something refers to.
    pub(crate) fn find(
        &mut self,
        kind: &str,
        wanted: &Spanned<String>,
        names: &Names<'_>,
    ) -> Option<usize> {
        let found = names.places(wanted.get_ref()).first().copied();
        if found.is_none() {
            self.unknown(kind, wanted, names);
        }
        found
    }

    fn unknown(&mut self, kind: &str, wanted: &Spanned<String>, names: &Names<'_>) {
        let names = names.all().iter();
        let mut names: Vec<_> = names.map(|name| name.get_ref().as_str()).collect();
        names.dedup();
        let message = format!("no {kind} is called '{}'", wanted.get_ref());
        if names.is_empty() {
            self.error_with_help(wanted.span(), message, format!("there is no [[{kind}]]"));
        } else {
            self.error_with_help(
                wanted.span(),
                message,
                format!("there is {}", names.join(", ")),
            );
        }
    }

    /// Checks that names are there and differ.
    fn unique<'n>(&mut self, kind: &str, names: impl Iterator<Item = &'n Spanned<String>>) {
        let mut known = BTreeSet::new();
        for name in names {
            self.filled(&format!("a {kind}'s name"), name);
            if !known.insert(folded(name.get_ref())) {
                let message = format!("a {kind} is called '{}' already", name.get_ref());
                self.error(name.span(), message);
            }
        }
    }

    pub(crate) fn filled(&mut self, what: &str, text: &Spanned<String>) {
        if text.get_ref().trim().is_empty() {
            self.error(text.span(), format!("{what} is empty"));
        }
    }

    pub(crate) fn mtu(&mut self, written: &Spanned<u16>, least: u16) {
        if *written.get_ref() < least {
            let message = format!("an MTU of {} bytes: IP needs {least}", written.get_ref());
            self.error(written.span(), message);
        }
    }

    pub(crate) fn mac(&mut self, text: &Spanned<String>) -> Option<MacAddress> {
        let mac: MacAddress = self.read(text)?;
        if mac.is_group() || mac.octets() == [0; 6] {
            self.error(text.span(), format!("{mac} is no unicast address"));
            return None;
        }
        Some(mac)
    }

    pub(crate) fn subnet(&mut self, written: &Spanned<u32>) -> Option<VirtualSubnetId> {
        let vsid = VirtualSubnetId::try_new(*written.get_ref());
        self.take(written.span(), vsid)
    }

    pub(crate) fn read<T: FromStr<Err: Display>>(&mut self, text: &Spanned<String>) -> Option<T> {
        self.read_text(text.span(), text.get_ref())
    }

    pub(crate) fn read_text<T: FromStr<Err: Display>>(
        &mut self,
        span: Range<usize>,
        text: &str,
    ) -> Option<T> {
        self.take(span, text.parse())
    }

    pub(crate) fn take<T, E: Display>(
        &mut self,
        span: Range<usize>,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|error| self.error(span, error.to_string()))
            .ok()
    }

    pub(crate) fn place(&self, span: &Range<usize>) -> Place {
        self.lines.place(span.start)
    }

    pub(crate) fn error(&mut self, span: Range<usize>, message: impl Into<String>) {
        let error = ScenarioError::at(&self.lines, span, message);
        self.errors.push(error);
    }

    pub(crate) fn error_with_help(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let mut error = ScenarioError::at(&self.lines, span, message);
        error.help = Some(help.into());
        self.errors.push(error);
    }
}

pub(crate) fn nic_of(table: &GuestTable) -> &str {
    let named = table.nic.as_ref().map(|nic| nic.get_ref().as_str());
    named.unwrap_or(crate::scenario::DEFAULT_NIC)
}

pub(crate) fn same(one: &Spanned<String>, other: &Spanned<String>) -> bool {
    one.get_ref().eq_ignore_ascii_case(other.get_ref())
}
