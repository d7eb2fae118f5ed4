//! A policy, checked and compiled: the immutable tables that a batch of frames is forwarded with.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_wire::{
    CustomerAddress, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId, VirtualSubnetId,
};
use smallvec::SmallVec;

use crate::customer_route::CustomerRoute;
use crate::lookup_record::{LookupRecord, RecordType, Rule};
use crate::policy::{Policy, PolicyError, PolicyWarning, Settings};
use crate::port::{Port, PortId, PortSubnet};
use crate::provider::HostAddress;
use crate::record_table::{Entry, Placed, RecordTable, Slot, mac_key, provider_key};

/// One wire of the switch: ports on different ones never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Segment {
    /// Pass-through ports of one VLAN id; 0 for untagged ones.
    PassThrough(u16),
    /// Ports of a virtual subnet.
    Tenant(VirtualSubnetId),
    /// Ports with the local-only id.
    LocalOnly,
}

impl Segment {
    /// A number of 24 bits that no other segment has: VLAN ids, virtual subnet ids and the local-only
    /// id do not overlap.
    const fn number(self) -> u32 {
        match self {
            Self::PassThrough(vlan) => vlan as u32,
            Self::Tenant(vsid) => vsid.get(),
            Self::LocalOnly => 0xff_ffff,
        }
    }
}

/// A port and what its frames would else have to look up.
#[derive(Debug)]
pub(crate) struct SwitchPort {
    pub(crate) port: Port,
    pub(crate) segment: Segment,
    /// Routing domain of its subnet.
    pub(crate) domain: Option<u32>,
    /// Records of its subnet and MAC with a provider address of this host, in the order of the
    /// policy: who its guest may speak as.
    pub(crate) sources: SmallVec<[Slot; 2]>,
}

/// What a host knows of a provider address.
#[derive(Debug, Default)]
pub(crate) struct KnownProvider {
    /// Index among this host's own addresses.
    pub(crate) host: Option<u32>,
    /// The NAT record that has it (V-04: at most one).
    pub(crate) nat: Option<Slot>,
    /// It is the multicast group of a subnet.
    pub(crate) group: bool,
    /// It is the next hop of a provider route: a router of the underlay.
    pub(crate) router: bool,
    /// Routing domains with a record that names it: who may be sent to from it.
    domains: SmallVec<[u32; 2]>,
}

impl KnownProvider {
    /// Whether it is nothing but the multicast group of a subnet.
    pub(crate) fn is_only_group(&self) -> bool {
        self.group
            && !self.router
            && self.host.is_none()
            && self.nat.is_none()
            && self.domains.is_empty()
    }

    /// Whether a record of the domain names the address.
    pub(crate) fn is_peer_in(&self, domain: u32) -> bool {
        self.domains.contains(&domain)
    }
}

/// What a host knows of a virtual subnet.
#[derive(Debug, Default)]
pub(crate) struct Subnet {
    /// Index into the snapshot's domains.
    pub(crate) domain: Option<u32>,
    /// The addresses that the built-in router answers for.
    pub(crate) gateways: Vec<CustomerAddress>,
    /// Other hosts with an Encap record in the subnet: indices of remotes, each once.
    pub(crate) flood_to: Vec<u32>,
    /// Other hosts with an L2Only record in the subnet.
    pub(crate) learn_from: Vec<u32>,
    /// The provider multicast group: index of a remote.
    pub(crate) group: Option<u32>,
    /// Some record of the subnet is L2Only: addresses are to be learned.
    pub(crate) learns: bool,
    /// Wildcard records for IPv4 and IPv6: indices of entries.
    wildcard_v4: Option<u32>,
    wildcard_v6: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) id: RoutingDomainId,
    /// Longest prefix first, then lowest metric, then as written.
    routes: Vec<CustomerRoute>,
}

/// A provider address that frames are sent to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote {
    pub(crate) address: ProviderAddress,
}

/// The tables. Make one with [`Snapshot::new`], lend it to a [`crate::Worker`].
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) settings: Settings,
    pub(crate) wnv_bound: bool,
    pub(crate) use_external_router: bool,
    pub(crate) records: RecordTable,
    pub(crate) hosts: Vec<HostAddress>,
    pub(crate) remotes: Vec<Remote>,
    /// MAC of the next hop from interface i to remote r, at r * interfaces + i.
    next_hops: Vec<Option<MacAddress>>,
    interfaces: Vec<u32>,
    ports: Vec<SwitchPort>,
    /// Shape: port id -> index of the port.
    port_at: Vec<Option<u32>>,
    /// Shape: (segment, MAC) -> index of the connected port.
    by_mac: HashMap<u128, u32, RandomState>,
    members: HashMap<u32, Vec<u32>, RandomState>,
    subnets: HashMap<u32, Subnet, RandomState>,
    pub(crate) domains: Vec<Domain>,
    /// Records of a customer address anywhere in the domain, for routed sources.
    domain_addresses: HashMap<(u32, CustomerAddress), Vec<u32>, RandomState>,
    providers: HashMap<u128, KnownProvider, RandomState>,
    warnings: Vec<PolicyWarning>,
}

impl Snapshot {
    /// Checks and compiles a policy. `seed` keys the hash tables: fixed where runs must repeat,
    /// random where frames come from strangers.
    ///
    /// Without the WNV binding no record, route or provider address is in force.
    pub fn new(policy: &Policy, seed: u64) -> Result<Self, Vec<PolicyError>> {
        let warnings = policy.check()?;
        let hasher = RandomState::with_seeds(seed, seed ^ 0x6e76_6772_6500_0001, !seed, 0x7637);
        let in_force = policy.wnv_bound;
        let hosts: &[HostAddress] = if in_force {
            &policy.provider_addresses
        } else {
            &[]
        };
        let mut interfaces: Vec<u32> = hosts.iter().map(|host| host.interface_index).collect();
        interfaces.sort_unstable();
        interfaces.dedup();
        let mut snapshot = Self {
            settings: policy.settings,
            wnv_bound: policy.wnv_bound,
            use_external_router: policy.use_external_router,
            records: RecordTable::new(&[], &hasher, |_| unreachable!("there is no record")),
            hosts: hosts.to_vec(),
            remotes: Vec::new(),
            next_hops: Vec::new(),
            interfaces,
            ports: Vec::new(),
            port_at: Vec::new(),
            by_mac: HashMap::with_hasher(hasher.clone()),
            members: HashMap::with_hasher(hasher.clone()),
            subnets: HashMap::with_hasher(hasher.clone()),
            domains: Vec::new(),
            domain_addresses: HashMap::with_hasher(hasher.clone()),
            providers: HashMap::with_hasher(hasher.clone()),
            warnings,
        };
        snapshot.compile_ports(&policy.ports);
        if in_force {
            snapshot.compile_routes(&policy.customer_routes);
            snapshot.compile_records(&policy.records, &hasher);
            snapshot.compile_groups(&policy.multicast_groups);
            for route in &policy.provider_routes {
                if !route.next_hop.is_unspecified() {
                    let key = provider_key(route.next_hop);
                    snapshot.providers.entry(key).or_default().router = true;
                }
            }
            snapshot.compile_sources();
            snapshot.compile_next_hops(policy);
        }
        Ok(snapshot)
    }

    /// What [`Policy::check`] warned about.
    pub fn warnings(&self) -> &[PolicyWarning] {
        &self.warnings
    }

    fn compile_ports(&mut self, ports: &[Port]) {
        for port in ports {
            let (at, index) = (port.id.0 as usize, self.ports.len() as u32);
            if self.port_at.len() <= at {
                self.port_at.resize(at + 1, None);
            }
            self.port_at[at] = Some(index);
            let segment = segment(port);
            if port.connected {
                let key = mac_key(segment.number(), port.mac);
                self.by_mac.entry(key).or_insert(index);
                self.members
                    .entry(segment.number())
                    .or_default()
                    .push(index);
            }
            self.ports.push(SwitchPort {
                port: port.clone(),
                segment,
                domain: None,
                sources: SmallVec::new(),
            });
        }
    }

    fn compile_routes(&mut self, routes: &[CustomerRoute]) {
        let mut domain_at = BTreeMap::new();
        for route in routes {
            let domain = *domain_at.entry(route.routing_domain).or_insert_with(|| {
                self.domains.push(Domain {
                    id: route.routing_domain,
                    routes: Vec::new(),
                });
                self.domains.len() as u32 - 1
            });
            self.domains[domain as usize].routes.push(*route);
            let subnet = self.subnets.entry(route.virtual_subnet.get()).or_default();
            subnet.domain = Some(domain);
            if route.is_on_link()
                && let Some(gateway) = route.destination.gateway()
                && !subnet.gateways.contains(&gateway)
            {
                subnet.gateways.push(gateway);
            }
        }
        for domain in &mut self.domains {
            domain.routes.sort_by_key(|route| {
                (core::cmp::Reverse(route.destination.length()), route.metric)
            });
        }
    }

    fn compile_records(&mut self, records: &[LookupRecord], hasher: &RandomState) {
        for (index, host) in self.hosts.iter().enumerate() {
            let provider = self
                .providers
                .entry(provider_key(host.address))
                .or_default();
            provider.host = Some(index as u32);
        }
        let mut remote_at: HashMap<u128, u32, RandomState> = HashMap::with_hasher(hasher.clone());
        let (remotes, providers, by_mac) = (&mut self.remotes, &mut self.providers, &self.by_mac);
        let table = RecordTable::new(records, hasher, |record| {
            let key = provider_key(record.provider_address);
            let provider = providers.entry(key).or_default();
            let remote = *remote_at.entry(key).or_insert_with(|| {
                remotes.push(Remote {
                    address: record.provider_address,
                });
                remotes.len() as u32 - 1
            });
            let segment = Segment::Tenant(record.virtual_subnet);
            let local = by_mac.get(&mac_key(segment.number(), record.mac)).copied();
            Placed {
                remote,
                own: provider.host,
                local,
            }
        });
        for (index, entry) in table.entries().iter().enumerate() {
            self.compile_record(index as u32, entry);
        }
        self.records = table;
    }

    fn compile_record(&mut self, index: u32, entry: &Entry) {
        let record = &entry.record;
        let subnet = self.subnets.entry(record.virtual_subnet.get()).or_default();
        if entry.own.is_none() && record.rule == Rule::Encap {
            if !subnet.flood_to.contains(&entry.remote) {
                subnet.flood_to.push(entry.remote);
            }
            if record.record_type == RecordType::L2Only
                && !subnet.learn_from.contains(&entry.remote)
            {
                subnet.learn_from.push(entry.remote);
            }
        }
        subnet.learns |= record.record_type == RecordType::L2Only;
        if record.record_type == RecordType::GatewayWildcard {
            let wildcard = if record.customer_address.is_ipv4() {
                &mut subnet.wildcard_v4
            } else {
                &mut subnet.wildcard_v6
            };
            wildcard.get_or_insert(index);
        }
        let provider = self
            .providers
            .entry(provider_key(record.provider_address))
            .or_default();
        if record.rule == Rule::Nat {
            provider.nat = Some(Slot(index));
        }
        if let Some(domain) = subnet.domain {
            if !provider.domains.contains(&domain) {
                provider.domains.push(domain);
            }
            if record.record_type.has_customer_address() {
                self.domain_addresses
                    .entry((domain, record.customer_address))
                    .or_default()
                    .push(index);
            }
        }
    }

    fn compile_groups(&mut self, groups: &BTreeMap<VirtualSubnetId, ProviderAddress>) {
        for (vsid, &address) in groups {
            self.remotes.push(Remote { address });
            let remote = self.remotes.len() as u32 - 1;
            self.subnets.entry(vsid.get()).or_default().group = Some(remote);
            self.providers
                .entry(provider_key(address))
                .or_default()
                .group = true;
        }
    }

    /// What a port's frames ask for every time, asked once.
    fn compile_sources(&mut self) {
        for port in &mut self.ports {
            if let Segment::Tenant(vsid) = port.segment {
                port.domain = self
                    .subnets
                    .get(&vsid.get())
                    .and_then(|subnet| subnet.domain);
                let own = self
                    .records
                    .by_mac(vsid, port.port.mac)
                    .filter(|e| e.own.is_some());
                port.sources = own.map(|entry| entry.slot).collect();
            }
        }
    }

    fn compile_next_hops(&mut self, policy: &Policy) {
        let macs: BTreeMap<ProviderAddress, MacAddress> = policy
            .neighbors
            .iter()
            .map(|neighbor| (neighbor.address, neighbor.mac))
            .collect();
        for remote in &self.remotes {
            for &interface in &self.interfaces {
                self.next_hops
                    .push(next_hop(policy, &macs, interface, remote.address));
            }
        }
    }

    /// Ports that worker state must have room for.
    pub(crate) fn port_capacity(&self) -> usize {
        self.port_at.len()
    }

    pub(crate) fn port(&self, id: PortId) -> Option<&SwitchPort> {
        let index = (*self.port_at.get(id.0 as usize)?)?;
        Some(&self.ports[index as usize])
    }

    /// The port in this place of the table.
    pub(crate) fn port_at(&self, index: u32) -> &Port {
        &self.ports[index as usize].port
    }

    pub(crate) fn port_of(&self, segment: Segment, mac: MacAddress) -> Option<&Port> {
        let index = self.by_mac.get(&mac_key(segment.number(), mac))?;
        Some(self.port_at(*index))
    }

    /// Connected ports of a segment, in the order of the policy.
    pub(crate) fn members(&self, segment: Segment) -> impl Iterator<Item = &Port> + Clone {
        let indices = self.members.get(&segment.number());
        indices
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|&index| self.port_at(index))
    }

    pub(crate) fn subnet(&self, vsid: VirtualSubnetId) -> Option<&Subnet> {
        self.subnets.get(&vsid.get())
    }

    pub(crate) fn domain_of(&self, vsid: VirtualSubnetId) -> Option<u32> {
        self.subnet(vsid)?.domain
    }

    /// The wildcard record of a subnet for this family.
    pub(crate) fn wildcard(&self, vsid: VirtualSubnetId, ipv4: bool) -> Option<&Entry> {
        let subnet = self.subnet(vsid)?;
        let index = if ipv4 {
            subnet.wildcard_v4
        } else {
            subnet.wildcard_v6
        }?;
        Some(&self.records.entries()[index as usize])
    }

    /// The gateway address of a subnet for this family.
    pub(crate) fn gateway(&self, vsid: VirtualSubnetId, ipv4: bool) -> Option<CustomerAddress> {
        let subnet = self.subnet(vsid)?;
        subnet
            .gateways
            .iter()
            .copied()
            .find(|gateway| gateway.is_ipv4() == ipv4)
    }

    /// The route to a destination: longest prefix over the domain, on a tie one of the source's own
    /// subnet, then the lowest metric.
    pub(crate) fn route(
        &self,
        domain: u32,
        from: VirtualSubnetId,
        destination: CustomerAddress,
    ) -> Option<&CustomerRoute> {
        let routes = &self.domains[domain as usize].routes;
        let first = routes
            .iter()
            .find(|route| route.destination.contains(destination))?;
        let own = routes.iter().find(|route| {
            route.virtual_subnet == from
                && route.destination.length() == first.destination.length()
                && route.destination.contains(destination)
        });
        own.or(Some(first))
    }

    /// Whether the built-in router answers for this address somewhere in the domain.
    pub(crate) fn is_gateway(&self, domain: u32, address: CustomerAddress) -> bool {
        self.domains[domain as usize]
            .routes
            .iter()
            .any(|route| route.is_on_link() && route.destination.gateway() == Some(address))
    }

    /// Records of a customer address anywhere in a domain.
    pub(crate) fn in_domain(
        &self,
        domain: u32,
        address: CustomerAddress,
    ) -> impl Iterator<Item = &Entry> {
        let indices = self
            .domain_addresses
            .get(&(domain, address))
            .map_or(&[][..], Vec::as_slice);
        indices
            .iter()
            .map(|&index| &self.records.entries()[index as usize])
    }

    /// What is known of a provider address, if anything.
    pub(crate) fn provider(&self, address: ProviderAddress) -> Option<&KnownProvider> {
        self.providers.get(&provider_key(address))
    }

    /// The NAT record of a provider address.
    pub(crate) fn nat(&self, address: ProviderAddress) -> Option<&Entry> {
        Some(self.records.at(self.provider(address)?.nat?))
    }

    /// The next hop's MAC from one of this host's addresses to a remote.
    pub(crate) fn next_hop(&self, from: &HostAddress, remote: u32) -> Option<MacAddress> {
        let interface = self
            .interfaces
            .iter()
            .position(|&interface| interface == from.interface_index)?;
        self.next_hops[remote as usize * self.interfaces.len() + interface]
    }
}

fn segment(port: &Port) -> Segment {
    match port.subnet {
        PortSubnet::Unset => Segment::PassThrough(port.vlan.map_or(0, |vlan| vlan.get())),
        PortSubnet::Tenant(vsid) => Segment::Tenant(vsid),
        PortSubnet::LocalOnly => Segment::LocalOnly,
    }
}

/// RFC 7637 s3.2: the outer destination MAC is that of the next hop towards the provider address.
/// Longest prefix over the interface's provider routes and the on-link prefixes of its addresses,
/// then the lowest metric. A multicast group needs no neighbor.
fn next_hop(
    policy: &Policy,
    macs: &BTreeMap<ProviderAddress, MacAddress>,
    interface: u32,
    to: ProviderAddress,
) -> Option<MacAddress> {
    if let Some(group) = MacAddress::of_multicast(to.ip()) {
        return Some(group);
    }
    let connected = policy
        .provider_addresses
        .iter()
        .filter(|host| host.interface_index == interface)
        .filter_map(|host| ProviderPrefix::new(host.address, host.prefix_length).ok())
        .filter(|prefix| prefix.contains(to))
        .map(|prefix| (prefix.length(), core::cmp::Reverse(0), to));
    let routed = policy
        .provider_routes
        .iter()
        .filter(|route| route.interface_index == interface && route.destination.contains(to))
        .map(|route| {
            let via = if route.next_hop.is_unspecified() {
                to
            } else {
                route.next_hop
            };
            (
                route.destination.length(),
                core::cmp::Reverse(route.metric),
                via,
            )
        });
    let (_, _, via) = connected
        .chain(routed)
        .max_by_key(|&(length, metric, _)| (length, metric))?;
    macs.get(&via).copied().or(policy.proxy_neighbor_mac)
}
