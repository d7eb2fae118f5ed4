//! Who runs what, who owns what, and who needs what: the hosts turned round, once, so that no two
//! hosts are ever compared with each other.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use nvgre_dataplane::{PortSubnet, RecordType, Rule};
use nvgre_netwnv::{
    Adapter, DumpHost, DumpKind, Estate, Host, HostAddressEntry, Nic, RecordEntry, RouteEntry,
};
use nvgre_wire::{MacAddress, ProviderAddress, VirtualSubnetId};

use crate::cross::domain::Domain;
use crate::cross::provider_network::network_of;
use crate::cross::what::{GuestAt, RouteName};
use crate::finding::Severity;
use crate::record_name::RecordName;

/// A host, counted into the estate.
pub(crate) type HostIndex = usize;

/// An adapter and its host.
pub(crate) type GuestRef<'e> = (HostIndex, &'e Adapter);

/// What one host holds under a name that hosts share.
#[derive(Clone, Copy)]
pub(crate) struct Held<'e, N, T> {
    pub(crate) name: N,
    pub(crate) host: HostIndex,
    pub(crate) entry: &'e T,
}

/// See the module. Lists of hosts ascend, without repetitions.
pub(crate) struct Index<'e> {
    pub(crate) hosts: &'e [Host],
    /// What dumps tell of each host; empty where everything is known.
    dumped: &'e [DumpHost],
    /// Every record, by name and then host.
    pub(crate) records: Vec<Held<'e, RecordName, RecordEntry>>,
    /// Every customer route, by name and then host.
    pub(crate) routes: Vec<Held<'e, RouteName, RouteEntry>>,
    pub(crate) owners: BTreeMap<ProviderAddress, Vec<(HostIndex, &'e HostAddressEntry)>>,
    guests: BTreeMap<(VirtualSubnetId, MacAddress), Vec<GuestRef<'e>>>,
    by_mac: BTreeMap<MacAddress, Vec<GuestRef<'e>>>,
    by_vm: BTreeMap<(VirtualSubnetId, String), Vec<GuestRef<'e>>>,
    domains: BTreeMap<VirtualSubnetId, Domain>,
    /// Hosts where a domain is in use: its guests run there.
    pub(crate) needing: BTreeMap<Domain, Vec<HostIndex>>,
    /// Hosts with any record of a domain.
    pub(crate) holding_records: BTreeMap<Domain, Vec<HostIndex>>,
    /// MACs of gateways: their adapters serve subnets that they are not in.
    gateways: BTreeSet<MacAddress>,
    /// Names of the NAT records at an address, and whether others are there.
    uses: BTreeMap<ProviderAddress, Uses>,
    /// How many records that are right name an address of a host, by what they are of.
    named: BTreeMap<(HostIndex, Of), BTreeMap<ProviderAddress, usize>>,
    /// Hosts with an adapter that has a record's MAC and is not in its subnet, by domain.
    pub(crate) displaced: BTreeMap<Domain, BTreeSet<HostIndex>>,
    /// MACs that records of customer addresses have, by subnet: one of the records, and whether
    /// there are others.
    recorded: BTreeMap<(VirtualSubnetId, MacAddress), (RecordName, bool)>,
}

/// What records that name a provider address are of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Subnet(VirtualSubnetId),
    Domain(Domain),
}

#[derive(Default)]
struct Uses {
    nat: BTreeSet<RecordName>,
    others: bool,
}

impl<'e> Index<'e> {
    pub(crate) fn new(estate: &'e Estate, dumped: &'e [DumpHost]) -> Self {
        let mut index = Self {
            hosts: &estate.hosts,
            dumped,
            records: Vec::new(),
            routes: Vec::new(),
            owners: BTreeMap::new(),
            guests: BTreeMap::new(),
            by_mac: BTreeMap::new(),
            by_vm: BTreeMap::new(),
            domains: BTreeMap::new(),
            needing: BTreeMap::new(),
            holding_records: BTreeMap::new(),
            gateways: BTreeSet::new(),
            uses: BTreeMap::new(),
            named: BTreeMap::new(),
            displaced: BTreeMap::new(),
            recorded: BTreeMap::new(),
        };
        index.read_routes();
        index.read_adapters();
        index.read_records();
        if estate.hosts.iter().all(|host| host.adapters.is_empty()) {
            index.need_what_is_there();
        }
        for (at, host) in estate.hosts.iter().enumerate() {
            for entry in &host.provider_addresses {
                let owners = index.owners.entry(entry.address.address).or_default();
                // Twice on one host is that host's own affair.
                if owners.last().is_none_or(|&(last, _)| last != at) {
                    owners.push((at, entry));
                }
            }
        }
        index.read_guests_of_records();
        index
    }

    fn read_routes(&mut self) {
        for (host, of) in self.hosts.iter().enumerate() {
            self.routes.extend(of.customer_routes.iter().map(|entry| {
                let name = RouteName::of(&entry.route);
                Held { name, host, entry }
            }));
        }
        self.routes.sort_by_key(|held| (held.name, held.host));
        let same_subnet = |a: &Held<'_, RouteName, _>, b: &Held<'_, RouteName, _>| {
            a.name.virtual_subnet == b.name.virtual_subnet
        };
        for of_subnet in self.routes.chunk_by(same_subnet) {
            // The domain that most hosts say; of equals the first, which is the lowest.
            let domains = of_subnet.chunk_by(|a, b| a.name.routing_domain == b.name.routing_domain);
            let mut best = (0, None);
            for of_domain in domains {
                let count = hosts_of(of_domain.iter().map(|held| held.host)).len();
                if count > best.0 {
                    best = (count, Some(of_domain[0].name));
                }
            }
            if let Some(name) = best.1 {
                let domain = Domain::Routing(name.routing_domain);
                self.domains.insert(name.virtual_subnet, domain);
            }
        }
    }

    fn read_adapters(&mut self) {
        for (host, of) in self.hosts.iter().enumerate() {
            for adapter in &of.adapters {
                let guest = (host, adapter);
                self.by_mac.entry(adapter.mac).or_default().push(guest);
                let Some(vsid) = subnet_of(adapter) else {
                    continue;
                };
                self.guests
                    .entry((vsid, adapter.mac))
                    .or_default()
                    .push(guest);
                let vm = (vsid, adapter.vm_name.to_lowercase());
                self.by_vm.entry(vm).or_default().push(guest);
                add(self.needing.entry(self.domain(vsid)).or_default(), host);
            }
        }
    }

    fn read_records(&mut self) {
        for (host, of) in self.hosts.iter().enumerate() {
            self.records.extend(of.records.iter().map(|entry| {
                let name = RecordName::of(&entry.record);
                Held { name, host, entry }
            }));
        }
        self.records.sort_by_key(|held| (held.name, held.host));
        let mut holding: BTreeMap<Domain, Vec<HostIndex>> = BTreeMap::new();
        let mut gateway_hosts = Vec::new();
        let same_subnet = |a: &Held<'_, RecordName, _>, b: &Held<'_, RecordName, _>| {
            a.name.virtual_subnet == b.name.virtual_subnet
        };
        for of_subnet in self.records.chunk_by(same_subnet) {
            let domain = self.domain(of_subnet[0].name.virtual_subnet);
            let of_domain = holding.entry(domain).or_default();
            of_domain.extend(hosts_of(of_subnet.iter().map(|held| held.host)));
            let mut last = None;
            for held in of_subnet {
                let record = &held.entry.record;
                let told = (record.provider_address, record.rule, held.name);
                // Most hosts say the same.
                if last.replace(told) == Some(told) {
                    continue;
                }
                let uses = self.uses.entry(record.provider_address).or_default();
                match record.rule {
                    Rule::Nat => _ = uses.nat.insert(held.name),
                    Rule::Encap | Rule::None => uses.others = true,
                }
                if record.record_type == RecordType::GatewayWildcard {
                    self.gateways.insert(record.mac);
                    gateway_hosts.push((domain, record.mac, record.provider_address));
                }
            }
        }
        for hosts in holding.values_mut() {
            *hosts = hosts_of(hosts.iter().copied());
        }
        self.holding_records = holding;
        // A gateway's host needs the policy of every domain that the gateway serves.
        for (domain, mac, address) in gateway_hosts {
            for &(host, _) in self.by_mac.get(&mac).into_iter().flatten() {
                let addresses = &self.hosts[host].provider_addresses;
                if addresses.iter().any(|own| own.address.address == address) {
                    add(self.needing.entry(domain).or_default(), host);
                }
            }
        }
    }

    /// Where guests of records are: at the address that they name, or outside of their subnet.
    fn read_guests_of_records(&mut self) {
        let mut last = None;
        for at in 0..self.records.len() {
            let Held { name, entry, .. } = self.records[at];
            let record = &entry.record;
            let told = (name, record.mac, record.provider_address);
            // Most hosts say the same.
            if last.replace(told) == Some(told) {
                continue;
            }
            let (vsid, domain) = (name.virtual_subnet, self.domain(name.virtual_subnet));
            if record.record_type.has_customer_address() {
                let known = self.recorded.entry((vsid, record.mac));
                let (first, others) = known.or_insert((name, false));
                *others |= *first != name;
            }
            let guests = self.guests(vsid, record.mac).to_vec();
            for (host, _) in &guests {
                if self.owners(record.provider_address).contains(host) {
                    for of in [Of::Subnet(vsid), Of::Domain(domain)] {
                        let named = self.named.entry((*host, of)).or_default();
                        *named.entry(record.provider_address).or_default() += 1;
                    }
                }
            }
            if guests.is_empty()
                && let Some((host, adapter)) = self.outside(entry)
            {
                self.displaced.entry(domain).or_default().insert(host);
                // It is to come back.
                if adapter.subnet == PortSubnet::Unset {
                    add(self.needing.entry(domain).or_default(), host);
                }
            }
        }
    }

    /// The adapter that has a record's MAC where that is not in the record's subnet: it is in none,
    /// or the label names its VM.
    pub(crate) fn outside(&self, entry: &RecordEntry) -> Option<GuestRef<'e>> {
        let label = entry.labels.vm_name();
        let is_it = |(_, adapter): &&GuestRef<'_>| {
            subnet_of(adapter).is_none()
                || label.is_some_and(|name| name.eq_ignore_ascii_case(&adapter.vm_name))
        };
        self.with_mac(entry.record.mac).iter().find(is_it).copied()
    }

    /// Whether a record of another name has this MAC in the subnet.
    pub(crate) fn is_recorded_elsewhere(&self, name: RecordName, mac: MacAddress) -> bool {
        let known = self.recorded.get(&(name.virtual_subnet, mac));
        known.is_some_and(|&(first, others)| others || first != name)
    }

    /// Where nothing is known of guests, a domain is in use on every host that has any of its policy.
    fn need_what_is_there(&mut self) {
        self.needing.clone_from(&self.holding_records);
        for at in 0..self.routes.len() {
            let (vsid, host) = (self.routes[at].name.virtual_subnet, self.routes[at].host);
            add(self.needing.entry(self.domain(vsid)).or_default(), host);
        }
    }

    /// The routing domain that most hosts put a subnet into.
    pub(crate) fn domain(&self, vsid: VirtualSubnetId) -> Domain {
        let known = self.domains.get(&vsid).copied();
        known.unwrap_or(Domain::Subnet(vsid))
    }

    /// Whether it is known what a host has of this kind, if only that it has nothing.
    pub(crate) fn knows(&self, host: HostIndex, kind: DumpKind) -> bool {
        self.dumped
            .get(host)
            .is_none_or(|dumped| dumped.tells(kind))
    }

    /// Whether it is known of all hosts.
    pub(crate) fn knows_everywhere(&self, kind: DumpKind) -> bool {
        self.dumped.iter().all(|dumped| dumped.tells(kind))
    }

    /// Hosts that need a domain's policy.
    pub(crate) fn needing(&self, domain: Domain) -> &[HostIndex] {
        self.needing.get(&domain).map_or(&[], Vec::as_slice)
    }

    /// Whether guests of a domain run on several hosts.
    pub(crate) fn is_spread(&self, domain: Domain) -> bool {
        self.needing(domain).len() > 1
    }

    /// How bad it is to lack a domain's policy where it is in use: without guests elsewhere, or
    /// without any known, nothing shows that it matters.
    pub(crate) fn lack(&self, domain: Domain) -> Severity {
        if self.is_spread(domain) && !self.by_mac.is_empty() {
            Severity::Error
        } else {
            Severity::Warning
        }
    }

    /// Adapters with this MAC in this subnet; of a gateway's MAC, wherever they are.
    pub(crate) fn guests(&self, vsid: VirtualSubnetId, mac: MacAddress) -> &[GuestRef<'e>] {
        let found = self.guests.get(&(vsid, mac));
        let found = found.or_else(|| self.by_mac.get(&mac).filter(|_| self.is_gateway(mac)));
        found.map_or(&[], Vec::as_slice)
    }

    /// Adapters by subnet and MAC.
    pub(crate) fn all_guests(
        &self,
    ) -> impl Iterator<Item = (VirtualSubnetId, MacAddress, &[GuestRef<'e>])> {
        let guests = self.guests.iter();
        guests.map(|(&(vsid, mac), found)| (vsid, mac, found.as_slice()))
    }

    /// Adapters with this MAC, in whatever subnet.
    pub(crate) fn with_mac(&self, mac: MacAddress) -> &[GuestRef<'e>] {
        self.by_mac.get(&mac).map_or(&[], Vec::as_slice)
    }

    /// Adapters of this VM in this subnet.
    pub(crate) fn of_vm(&self, vsid: VirtualSubnetId, vm_name: &str) -> &[GuestRef<'e>] {
        let found = self.by_vm.get(&(vsid, vm_name.to_lowercase()));
        found.map_or(&[], Vec::as_slice)
    }

    /// Whether a wildcard record says that this MAC is a gateway.
    pub(crate) fn is_gateway(&self, mac: MacAddress) -> bool {
        self.gateways.contains(&mac)
    }

    /// Hosts that own a provider address.
    pub(crate) fn owners(&self, address: ProviderAddress) -> Vec<HostIndex> {
        let owners = self.owners.get(&address).into_iter().flatten();
        owners.map(|&(host, _)| host).collect()
    }

    /// The provider address that a record may point to for a guest on this host: not shared where
    /// NAT forbids it (V-04), of the family of the old one where there is one; then what most right
    /// records of the subnet name there, or of the domain; then one in the network of the old one.
    pub(crate) fn address_for(
        &self,
        host: HostIndex,
        name: RecordName,
        rule: Rule,
        old: ProviderAddress,
    ) -> Option<ProviderAddress> {
        let is_free = |address: &ProviderAddress| {
            let Some(uses) = self.uses.get(address) else {
                return true;
            };
            let other_nat = uses.nat.iter().any(|&nat| nat != name);
            !other_nat && (rule != Rule::Nat || !uses.others)
        };
        let own = self.hosts[host].provider_addresses.iter();
        let own = own
            .map(|entry| (entry.address.address, network_of(entry)))
            .filter(|(address, _)| is_free(address));
        let named = |of: Of, address: &ProviderAddress| {
            let named = self.named.get(&(host, of));
            named.and_then(|named| named.get(address)).copied()
        };
        let subnet = Of::Subnet(name.virtual_subnet);
        let domain = Of::Domain(self.domain(name.virtual_subnet));
        own.min_by_key(|(address, network)| {
            (
                address.is_ipv4() != old.is_ipv4(),
                Reverse(named(subnet, address)),
                Reverse(named(domain, address)),
                !network.is_some_and(|network| network.contains(old)),
            )
        })
        .map(|(address, _)| address)
    }

    /// The NIC that a new provider address of a host would be on, if its interface index is known.
    pub(crate) fn nic_for_addresses(&self, host: HostIndex) -> Option<&'e Nic> {
        let is_assumed = self
            .dumped
            .get(host)
            .is_some_and(|dumped| dumped.is_interface_index_assumed);
        let mut nics = self.hosts[host].nics.iter();
        nics.next().filter(|_| !is_assumed)
    }

    /// Whether another adapter of its VM has the same name.
    pub(crate) fn has_namesake(&self, host: HostIndex, adapter: &Adapter) -> bool {
        let vm_name = adapter.vm_name.to_lowercase();
        let dumped = self.dumped.get(host);
        dumped.is_some_and(|dumped| dumped.vms_with_namesakes.contains(&vm_name))
    }

    /// Names of hosts.
    pub(crate) fn names(&self, hosts: &[HostIndex]) -> Vec<String> {
        let names = hosts.iter().map(|&host| self.hosts[host].name.clone());
        names.collect()
    }

    /// A guest as reports tell it.
    pub(crate) fn guest_at(&self, (host, adapter): GuestRef<'_>) -> GuestAt {
        GuestAt {
            vm_name: adapter.vm_name.clone(),
            host: self.hosts[host].name.clone(),
            mac: adapter.mac,
        }
    }
}

/// The tenant subnet of an adapter.
pub(crate) fn subnet_of(adapter: &Adapter) -> Option<VirtualSubnetId> {
    match adapter.subnet {
        PortSubnet::Tenant(vsid) => Some(vsid),
        PortSubnet::Unset | PortSubnet::LocalOnly => None,
    }
}

/// Hosts in ascending order, each once.
pub(crate) fn hosts_of(hosts: impl Iterator<Item = HostIndex>) -> Vec<HostIndex> {
    let mut hosts: Vec<_> = hosts.collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// Those of `all` that are not in `some`; both ascend.
pub(crate) fn without(all: &[HostIndex], some: &[HostIndex]) -> Vec<HostIndex> {
    let is_other = |host: &&HostIndex| some.binary_search(host).is_err();
    all.iter().filter(is_other).copied().collect()
}

fn add(hosts: &mut Vec<HostIndex>, host: HostIndex) {
    if let Err(at) = hosts.binary_search(&host) {
        hosts.insert(at, host);
    }
}
