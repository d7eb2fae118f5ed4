//! A scenario from what hosts hold: an inventory read off their tables, every guess said.
//!
//! - A routing domain is a tenant; a subnet without a customer route is one of its own.
//! - A guest is an adapter. Its addresses are those it has configured, where that is known, and else
//!   those of the records with its subnet and MAC. Where no adapter is known at all, a MAC of the
//!   records is a guest on the host that owns their provider address.
//! - Of a host's NICs the one with provider addresses is modeled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::{Adapter, Estate, Nic, RecordEntry, enable_binding};
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId};

use crate::import::tenant::Tenants;
use crate::model::error::{ModelError, refusal_of};
use crate::names::folded;
use crate::scenario::{self, InterfaceAddress, Tenant};

mod tenant;

/// A scenario made of what hosts hold, by [`Import::new`]. [`Import::files`] writes it down.
#[derive(Clone, Debug)]
pub struct Import {
    estate: Estate,
    tenants: Vec<Tenant>,
    hosts: Vec<scenario::Host>,
    guests: Vec<scenario::Guest>,
    /// What was guessed or left out, a sentence each.
    pub notes: Vec<String>,
}

/// The longest outer packet, in bytes: a full packet of a guest and the overhead of NVGRE.
const MTU_BYTES: u16 = 1_600;
/// The switch of a host of which none is known.
const SWITCH: &str = "VMs";
/// The InterfaceIndex of a NIC of which nothing is known.
const INTERFACE_INDEX: u32 = 2;

impl Import {
    /// From an estate. `addresses` are what the guest of an adapter has configured, by host and
    /// adapter; an adapter that is not in it has none that are known.
    pub fn new(estate: Estate, addresses: &[Vec<Vec<CustomerAddress>>]) -> Self {
        let mut import = Self {
            estate,
            tenants: Vec::new(),
            hosts: Vec::new(),
            guests: Vec::new(),
            notes: Vec::new(),
        };
        let mut tenants = Tenants::new(&import.estate);
        import.hosts();
        if import
            .estate
            .hosts
            .iter()
            .all(|host| host.adapters.is_empty())
        {
            import.guests_of_records(&mut tenants);
        } else {
            import.guests_of_adapters(&mut tenants, addresses);
        }
        import.notes.append(&mut tenants.notes);
        import.tenants = tenants.list;
        import
    }

    /// Whether nothing is known of any host.
    pub fn is_empty(&self) -> bool {
        let mut hosts = self.estate.hosts.iter();
        hosts.all(|host| *host == nvgre_netwnv::Host::new(&host.name))
    }

    /// Whether each host by itself would take its policy. Hosts are not held against each other.
    pub fn check(&self) -> Result<(), ModelError> {
        for host in &self.estate.hosts {
            if let Err(errors) = host.policy().check() {
                return Err(refusal_of(host, &self.guests, errors));
            }
        }
        Ok(())
    }

    /// What was made of the estate: tenants, hosts, and guests, an entry for each adapter.
    pub fn inventory(&self) -> (&[Tenant], &[scenario::Host], &[scenario::Guest]) {
        (&self.tenants, &self.hosts, &self.guests)
    }

    /// The files, each with its name within their folder ('/' between parts): the policy scripts and
    /// last the scenario, `file`. `name` is what it is called. `scripts`, names and texts, stand for
    /// the tables of all hosts, and run on the host of that name, or else on the first.
    pub fn files(
        &self,
        file: &str,
        name: &str,
        scripts: Option<(&str, &[(String, String)])>,
    ) -> Vec<(String, String)> {
        let mut hosts = self.hosts.clone();
        let mut files = Vec::new();
        match scripts {
            Some((on, scripts)) => {
                hosts.iter_mut().for_each(|host| host.policy.clear());
                let on = hosts
                    .iter()
                    .position(|host| host.name.eq_ignore_ascii_case(on));
                if let Some(host) = hosts.get_mut(on.unwrap_or(0)) {
                    host.policy = scripts.iter().map(|(name, _)| name.clone()).collect();
                }
                files.extend_from_slice(scripts);
            }
            None => {
                for (index, host) in hosts.iter().enumerate() {
                    // Without the mark, Windows PowerShell reads it as ANSI.
                    let mut text = String::from('\u{feff}');
                    let _infallible = self.write_policy(&mut text, index);
                    files.extend(host.policy.iter().map(|file| (file.clone(), text.clone())));
                }
            }
        }
        let mut text = String::new();
        let _infallible = self.write_scenario(&mut text, name, &hosts);
        files.push((file.to_owned(), text));
        files
    }

    fn hosts(&mut self) {
        let mut macs = BTreeSet::new();
        let mut names = BTreeSet::new();
        let estate = std::mem::take(&mut self.estate);
        for (index, host) in estate.hosts.iter().enumerate() {
            let of_addresses = host.provider_addresses.first();
            let index_of_addresses = of_addresses.map(|entry| entry.address.interface_index);
            let has_addresses = |nic: &&Nic| Some(nic.interface_index) == index_of_addresses;
            let nic = host
                .nics
                .iter()
                .find(has_addresses)
                .or_else(|| host.nics.iter().find(|nic| nic.wnv_bound))
                .or_else(|| host.nics.first());
            if host.nics.len() > 1 {
                let kept = nic.map(|nic| nic.name.as_str()).unwrap_or_default();
                self.notes.push(format!(
                    "{} has {} NICs, and one is modeled: {kept}",
                    host.name,
                    host.nics.len()
                ));
            }
            if nic.is_none() {
                self.notes
                    .push(format!("of {} no NIC is known: one is made up", host.name));
            }
            let mut mac = nic.map_or(MacAddress::from_bits(0), |nic| nic.mac);
            if mac == MacAddress::from_bits(0) || mac.is_group() || !macs.insert(mac) {
                mac = MacAddress::from_bits(0x0250_4800_0000 | index as u64 & 0xffff);
                macs.insert(mac);
                self.notes.push(format!(
                    "the MAC of the NIC of {} is made up: {mac}",
                    host.name
                ));
            }
            let switch = nic
                .map(|nic| nic.switch_name.clone())
                .filter(|name| !name.is_empty());
            let switch = switch.unwrap_or_else(|| {
                self.notes
                    .push(format!("the switch of {} is made up: {SWITCH}", host.name));
                SWITCH.to_owned()
            });
            let plain = |c: char| {
                if c.is_alphanumeric() || c == '-' {
                    c
                } else {
                    '-'
                }
            };
            let mut stem: String = host.name.chars().map(plain).collect();
            if stem.is_empty() || !names.insert(folded(&stem)) {
                stem += &format!("-{}", index + 1);
            }
            self.hosts.push(scenario::Host {
                name: host.name.clone(),
                switch,
                interface_name: nic.map_or("Ethernet", |nic| nic.name.as_str()).to_owned(),
                interface_index: nic.map_or(INTERFACE_INDEX, |nic| nic.interface_index),
                interface_description: nic
                    .map(|nic| nic.interface_description.clone())
                    .unwrap_or_else(|| format!("NIC of {}", host.name)),
                mac,
                link_mtu_bytes: MTU_BYTES,
                policy: vec![format!("policy/{stem}.ps1")],
            });
        }
        self.estate = estate;
    }

    fn guests_of_adapters(
        &mut self,
        tenants: &mut Tenants,
        configured: &[Vec<Vec<CustomerAddress>>],
    ) {
        // Name of a VM -> the host where it is.
        let mut vms: BTreeMap<String, usize> = BTreeMap::new();
        let estate = std::mem::take(&mut self.estate);
        for (index, host) in estate.hosts.iter().enumerate() {
            for (at, adapter) in host.adapters.iter().enumerate() {
                let mut name = self.name(&adapter.vm_name);
                if *vms.entry(folded(&name)).or_insert(index) != index {
                    let other = format!("{name} ({})", host.name);
                    self.notes.push(format!(
                        "a VM {name} is on two hosts: the one on {} is called {other}",
                        host.name
                    ));
                    vms.insert(folded(&other), index);
                    name = other;
                }
                let switch = &self.hosts[index].switch;
                if !adapter.switch_name.eq_ignore_ascii_case(switch) {
                    let there = match adapter.switch_name.as_str() {
                        "" => "no switch".to_owned(),
                        name => format!("the switch {name:?}"),
                    };
                    self.notes.push(format!(
                        "{name} is connected to {there}, and put on {switch:?}: one switch of a host is modeled"
                    ));
                }
                let known = configured.get(index).and_then(|of_host| of_host.get(at));
                let known = known.map_or(&[][..], Vec::as_slice);
                let subnets = subnets_of(&estate, adapter);
                let guest = scenario::Guest {
                    nic: self.name(&adapter.name),
                    tenant: tenants.of(adapter, &subnets, &name),
                    host: index,
                    addresses: self.addresses(&estate, &subnets, adapter.mac, known, &name),
                    subnet: adapter.subnet,
                    mac_address_spoofing: adapter.mac_address_spoofing,
                    dhcp_guard: adapter.dhcp_guard,
                    router_guard: adapter.router_guard,
                    maximum_bandwidth_bits_per_second: adapter.maximum_bandwidth_bits_per_second,
                    storm_limit_packets_per_second: adapter.storm_limit_packets_per_second,
                    ..scenario::Guest::named(&name, adapter.mac)
                };
                self.guests.push(guest);
            }
        }
        self.estate = estate;
    }

    /// Where no adapter is known.
    fn guests_of_records(&mut self, tenants: &mut Tenants) {
        let estate = std::mem::take(&mut self.estate);
        let owners: BTreeMap<ProviderAddress, usize> = (estate.hosts.iter().enumerate())
            .flat_map(|(index, host)| {
                let addresses = host.provider_addresses.iter();
                addresses.map(move |entry| (entry.address.address, index))
            })
            .collect();
        let mut met = BTreeSet::new();
        let mut names = BTreeSet::new();
        for entry in estate.hosts.iter().flat_map(|host| &host.records) {
            let record = &entry.record;
            if !met.insert((record.virtual_subnet, record.mac)) {
                continue;
            }
            let vsid = record.virtual_subnet;
            let label = entry.labels.vm_name().filter(|name| !name.is_empty());
            let mut name = match label {
                Some(label) => self.name(label),
                None => format!("vsid{vsid}-{}", record.mac),
            };
            if !names.insert(folded(&name)) {
                name = format!("{name}-vsid{vsid}-{}", record.mac);
                names.insert(folded(&name));
            }
            let Some(&host) = owners.get(&record.provider_address) else {
                self.notes.push(format!(
                    "no host has the provider address {} of {name}: it is no guest here",
                    record.provider_address
                ));
                continue;
            };
            let mut adapter = Adapter::new(&name, record.mac, "");
            adapter.subnet = PortSubnet::Tenant(vsid);
            let guest = scenario::Guest {
                tenant: tenants.of(&adapter, &[vsid], &name),
                host,
                addresses: self.addresses(&estate, &[vsid], record.mac, &[], &name),
                subnet: adapter.subnet,
                ..scenario::Guest::named(&name, record.mac)
            };
            self.guests.push(guest);
        }
        if !self.guests.is_empty() {
            self.notes.push(
                "no adapter is known: guests are the MACs of records, on the hosts of their provider addresses"
                    .to_owned(),
            );
        }
        self.estate = estate;
    }

    /// A name as a scenario takes it.
    fn name(&mut self, name: &str) -> String {
        let taken = name.replace('/', "-");
        let taken = if taken.is_empty() {
            "unnamed".to_owned()
        } else {
            taken
        };
        if taken != name {
            self.notes
                .push(format!("{name:?} is called {taken:?} in the scenario"));
        }
        taken
    }

    /// Addresses of a guest, those it has configured or else those of its records.
    fn addresses(
        &mut self,
        estate: &Estate,
        subnets: &[VirtualSubnetId],
        mac: MacAddress,
        configured: &[CustomerAddress],
        name: &str,
    ) -> Vec<InterfaceAddress> {
        let is_its = |entry: &&RecordEntry| {
            entry.record.mac == mac && subnets.contains(&entry.record.virtual_subnet)
        };
        let records = estate
            .hosts
            .iter()
            .flat_map(|host| &host.records)
            .filter(is_its);
        let of_records = records.map(|entry| entry.record.customer_address);
        let is_fit = |address: &CustomerAddress| {
            let ip = address.ip();
            !(address.is_unspecified()
                || address.is_group()
                || ip.is_loopback()
                || address.is_link_local())
        };
        let mut all: Vec<CustomerAddress> = Vec::new();
        let configured = configured.iter().copied().filter(is_fit);
        all.extend(configured);
        if all.is_empty() {
            for address in of_records.filter(is_fit) {
                if !all.contains(&address) {
                    all.push(address);
                }
            }
        }
        let most = crate::guest::Guest::ADDRESSES_MAX;
        if all.len() > most {
            self.notes.push(format!(
                "{name} has {} addresses, and room for {most}",
                all.len()
            ));
            all.truncate(most);
        }
        let routes = || estate.hosts.iter().flat_map(|host| &host.customer_routes);
        let mut with_length = Vec::new();
        for address in all {
            let on_link = routes()
                .map(|entry| &entry.route)
                .filter(|route| subnets.contains(&route.virtual_subnet))
                .filter(|route| route.next_hop.is_unspecified() && route.destination.length() > 0)
                .filter(|route| route.destination.contains(address))
                .map(|route| route.destination.length());
            let prefix_length = on_link.max().unwrap_or_else(|| {
                let length = if address.is_ipv4() { 24 } else { 64 };
                self.notes.push(format!(
                    "no on-link route holds {address} of {name}: its prefix length {length} is a guess"
                ));
                length
            });
            with_length.push(InterfaceAddress {
                address,
                prefix_length,
            });
        }
        with_length
    }

    fn write_scenario(
        &self,
        out: &mut String,
        name: &str,
        hosts: &[scenario::Host],
    ) -> fmt::Result {
        writeln!(out, "name = {}", scenario::text::quoted(name))?;
        writeln!(
            out,
            "about = \"Imported: correct it where you know better\""
        )?;
        if !self.notes.is_empty() {
            writeln!(out, "\n# Guessed or left out:")?;
            for note in &self.notes {
                writeln!(out, "# - {}", one_line(note))?;
            }
        }
        writeln!(
            out,
            "\n[underlay]\nmtu_bytes = {MTU_BYTES}    # a guess: full packets of guests and their overhead fit"
        )?;
        self.tenants
            .iter()
            .try_for_each(|tenant| scenario::text::tenant(out, tenant))?;
        hosts
            .iter()
            .try_for_each(|host| scenario::text::host(out, host, ""))?;
        self.guests.iter().try_for_each(|guest| {
            let names = [&*self.tenants[guest.tenant].name, &*hosts[guest.host].name];
            scenario::text::guest(out, guest, names, ["", ""])
        })
    }

    /// The tables of a host as the commands that make them on a bare one.
    fn write_policy(&self, out: &mut String, index: usize) -> fmt::Result {
        let (host, modeled) = (&self.estate.hosts[index], &self.hosts[index]);
        writeln!(
            out,
            "# {}: policy as it was imported.\n",
            host.name.escape_debug()
        )?;
        if host.nics.iter().any(|nic| nic.wnv_bound) {
            writeln!(out, "{}", enable_binding(&modeled.interface_name))?;
        }
        if host.use_external_router {
            writeln!(out, "Set-NetVirtualizationGlobal -UseExternalRouter $true")?;
        }
        let interface_index = modeled.interface_index;
        for entry in &host.provider_addresses {
            let mut entry = entry.clone();
            entry.address.interface_index = interface_index;
            writeln!(out, "{}", entry.to_powershell())?;
        }
        for entry in &host.provider_routes {
            let mut entry = entry.clone();
            entry.route.interface_index = interface_index;
            writeln!(out, "{}", entry.to_powershell())?;
        }
        let routes = host
            .customer_routes
            .iter()
            .map(|entry| entry.to_powershell());
        let records = host.records.iter().map(|entry| entry.to_powershell());
        routes
            .chain(records)
            .try_for_each(|command| writeln!(out, "{command}"))
    }
}

/// For a comment, which no control character may stand in.
fn one_line(note: &str) -> String {
    let mut line = String::with_capacity(note.len());
    for c in note.chars() {
        match c {
            '\n' | '\r' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

/// The subnets that an adapter's records may be in: its own, or where it has none those of all
/// records with its MAC.
fn subnets_of(estate: &Estate, adapter: &Adapter) -> Vec<VirtualSubnetId> {
    if let PortSubnet::Tenant(vsid) = adapter.subnet {
        return vec![vsid];
    }
    let records = estate.hosts.iter().flat_map(|host| &host.records);
    let with_mac = records.filter(|entry| entry.record.mac == adapter.mac);
    let subnets: BTreeSet<_> = with_mac.map(|entry| entry.record.virtual_subnet).collect();
    subnets.into_iter().collect()
}
