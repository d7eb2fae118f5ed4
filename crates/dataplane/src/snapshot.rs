//! A policy, checked and compiled: the immutable tables that a batch of frames is forwarded with.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use ahash::RandomState;
use hashbrown::{HashMap, HashSet};
use nvgre_wire::{
    CustomerAddress, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId, VirtualSubnetId,
};

use crate::customer_route::CustomerRoute;
use crate::lookup_record::{RecordType, Rule};
use crate::policy::{Policy, PolicyError, PolicyWarning, Settings};
use crate::port::{Port, PortId, PortSubnet};
use crate::provider::HostAddress;
use crate::record_table::{Entry, RecordTable};

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
    ports: Vec<Port>,
    port_at: Vec<Option<u32>>,
    by_mac: HashMap<(Segment, MacAddress), u32, RandomState>,
    members: HashMap<Segment, Vec<u32>, RandomState>,
    subnets: HashMap<VirtualSubnetId, Subnet, RandomState>,
    pub(crate) domains: Vec<Domain>,
    /// Provider addresses with a record in the domain: who may send to it.
    peers: HashSet<(u32, ProviderAddress), RandomState>,
    /// Records of a customer address anywhere in the domain, for routed sources.
    domain_addresses: HashMap<(u32, CustomerAddress), Vec<u32>, RandomState>,
    host_at: HashMap<ProviderAddress, u32, RandomState>,
    known_provider_addresses: HashSet<ProviderAddress, RandomState>,
    group_addresses: HashSet<ProviderAddress, RandomState>,
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
        let hosts = if in_force {
            policy.provider_addresses.clone()
        } else {
            Vec::new()
        };
        let mut host_at = HashMap::with_hasher(hasher.clone());
        for (index, host) in hosts.iter().enumerate() {
            host_at.insert(host.address, index as u32);
        }
        let mut remotes = Vec::new();
        let mut remote_at: HashMap<ProviderAddress, u32, RandomState> =
            HashMap::with_hasher(hasher.clone());
        let mut remote = |address: ProviderAddress| {
            *remote_at.entry(address).or_insert_with(|| {
                remotes.push(Remote { address });
                remotes.len() as u32 - 1
            })
        };
        let groups: BTreeMap<VirtualSubnetId, u32> = policy
            .multicast_groups
            .iter()
            .filter(|_| in_force)
            .map(|(&vsid, &group)| (vsid, remote(group)))
            .collect();
        let records = RecordTable::new(
            if in_force { &policy.records } else { &[] },
            &hasher,
            |pa| (remote(pa), host_at.get(&pa).copied()),
        );
        let mut snapshot = Self {
            settings: policy.settings,
            wnv_bound: policy.wnv_bound,
            use_external_router: policy.use_external_router,
            known_provider_addresses: known(&hosts, &records, &hasher),
            group_addresses: HashSet::with_hasher(hasher.clone()),
            records,
            interfaces: hosts
                .iter()
                .map(|host| host.interface_index)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            hosts,
            remotes,
            next_hops: Vec::new(),
            ports: policy.ports.clone(),
            port_at: Vec::new(),
            by_mac: HashMap::with_hasher(hasher.clone()),
            members: HashMap::with_hasher(hasher.clone()),
            subnets: HashMap::with_hasher(hasher.clone()),
            domains: Vec::new(),
            peers: HashSet::with_hasher(hasher.clone()),
            domain_addresses: HashMap::with_hasher(hasher.clone()),
            host_at,
            warnings,
        };
        snapshot.compile_ports();
        if in_force {
            snapshot.compile_routes(&policy.customer_routes);
            snapshot.compile_records();
            for (vsid, group) in groups {
                snapshot.subnets.entry(vsid).or_default().group = Some(group);
                let address = snapshot.remotes[group as usize].address;
                snapshot.group_addresses.insert(address);
            }
            snapshot.compile_next_hops(policy);
        }
        Ok(snapshot)
    }

    /// What [`Policy::check`] warned about.
    pub fn warnings(&self) -> &[PolicyWarning] {
        &self.warnings
    }

    fn compile_ports(&mut self) {
        for (index, port) in self.ports.iter().enumerate() {
            let at = port.id.0 as usize;
            if self.port_at.len() <= at {
                self.port_at.resize(at + 1, None);
            }
            self.port_at[at] = Some(index as u32);
            if port.connected {
                let segment = segment(port);
                self.by_mac
                    .entry((segment, port.mac))
                    .or_insert(index as u32);
                self.members.entry(segment).or_default().push(index as u32);
            }
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
            let subnet = self.subnets.entry(route.virtual_subnet).or_default();
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

    fn compile_records(&mut self) {
        for (index, entry) in self.records.entries().iter().enumerate() {
            let record = &entry.record;
            let subnet = self.subnets.entry(record.virtual_subnet).or_default();
            if entry.own.is_none() {
                let copies_to = match (record.record_type, record.rule) {
                    (_, Rule::Encap) if !subnet.flood_to.contains(&entry.remote) => {
                        Some(&mut subnet.flood_to)
                    }
                    (_, Rule::Encap | Rule::Nat | Rule::None) => None,
                };
                if let Some(list) = copies_to {
                    list.push(entry.remote);
                }
                if record.record_type == RecordType::L2Only
                    && record.rule == Rule::Encap
                    && !subnet.learn_from.contains(&entry.remote)
                {
                    subnet.learn_from.push(entry.remote);
                }
            }
            if record.record_type == RecordType::GatewayWildcard {
                let wildcard = if record.customer_address.is_ipv4() {
                    &mut subnet.wildcard_v4
                } else {
                    &mut subnet.wildcard_v6
                };
                wildcard.get_or_insert(index as u32);
            }
            if let Some(domain) = subnet.domain {
                self.peers.insert((domain, record.provider_address));
                if record.record_type.has_customer_address() {
                    self.domain_addresses
                        .entry((domain, record.customer_address))
                        .or_default()
                        .push(index as u32);
                }
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

    pub(crate) fn port(&self, id: PortId) -> Option<&Port> {
        let index = (*self.port_at.get(id.0 as usize)?)?;
        Some(&self.ports[index as usize])
    }

    pub(crate) fn port_of(&self, segment: Segment, mac: MacAddress) -> Option<&Port> {
        self.by_mac
            .get(&(segment, mac))
            .map(|&index| &self.ports[index as usize])
    }

    /// Connected ports of a segment, in the order of the policy.
    pub(crate) fn members(&self, segment: Segment) -> impl Iterator<Item = &Port> + Clone {
        let indices = self.members.get(&segment).map_or(&[][..], Vec::as_slice);
        indices.iter().map(|&index| &self.ports[index as usize])
    }

    pub(crate) fn subnet(&self, vsid: VirtualSubnetId) -> Option<&Subnet> {
        self.subnets.get(&vsid)
    }

    pub(crate) fn domain_of(&self, vsid: VirtualSubnetId) -> Option<u32> {
        self.subnets.get(&vsid)?.domain
    }

    /// The wildcard record of a subnet for this family.
    pub(crate) fn wildcard(&self, vsid: VirtualSubnetId, ipv4: bool) -> Option<&Entry> {
        let subnet = self.subnets.get(&vsid)?;
        let index = if ipv4 {
            subnet.wildcard_v4
        } else {
            subnet.wildcard_v6
        }?;
        Some(&self.records.entries()[index as usize])
    }

    /// The gateway address of a subnet for this family.
    pub(crate) fn gateway(&self, vsid: VirtualSubnetId, ipv4: bool) -> Option<CustomerAddress> {
        let subnet = self.subnets.get(&vsid)?;
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

    pub(crate) fn is_peer(&self, domain: u32, address: ProviderAddress) -> bool {
        self.peers.contains(&(domain, address))
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

    pub(crate) fn host(&self, address: ProviderAddress) -> Option<&HostAddress> {
        self.host_at
            .get(&address)
            .map(|&index| &self.hosts[index as usize])
    }

    pub(crate) fn is_group(&self, address: ProviderAddress) -> bool {
        self.group_addresses.contains(&address)
    }

    pub(crate) fn knows_provider_address(&self, address: ProviderAddress) -> bool {
        self.known_provider_addresses.contains(&address)
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

pub(crate) fn segment(port: &Port) -> Segment {
    match port.subnet {
        PortSubnet::Unset => Segment::PassThrough(port.vlan.map_or(0, |vlan| vlan.get())),
        PortSubnet::Tenant(vsid) => Segment::Tenant(vsid),
        PortSubnet::LocalOnly => Segment::LocalOnly,
    }
}

fn known(
    hosts: &[HostAddress],
    records: &RecordTable,
    hasher: &RandomState,
) -> HashSet<ProviderAddress, RandomState> {
    let mut known = HashSet::with_hasher(hasher.clone());
    known.extend(hosts.iter().map(|host| host.address));
    known.extend(
        records
            .entries()
            .iter()
            .map(|entry| entry.record.provider_address),
    );
    known
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
