//! A state of the tables: what a batch of frames is forwarded with. [`crate::Publisher`] makes them.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId};
use smallvec::SmallVec;

use ahash::RandomState;

use crate::customer_route::CustomerRoute;
use crate::encap::Path;
use crate::entry::Entry;
use crate::lookup_record::{RecordId, Rule};
use crate::policy::{Policy, PolicyError, PolicyWarning, Settings};
use crate::port::{Port, PortId, PortSubnet};
use crate::provider::HostAddress;
use crate::publisher::Publisher;
use crate::record_table::RecordTable;
use crate::short::{ShortHost, ShortPort, ShortProvider, ShortRoute, Translation};
use crate::spine::Spine;
use crate::spread::Spread;
use crate::table::{Table, Version};

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
    pub(crate) fn of(port: &Port) -> Self {
        match port.subnet {
            PortSubnet::Unset => Self::PassThrough(port.vlan.map_or(0, |vlan| vlan.get())),
            PortSubnet::Tenant(vsid) => Self::Tenant(vsid),
            PortSubnet::LocalOnly => Self::LocalOnly,
        }
    }

    /// A number of 24 bits that no other segment has: VLAN ids, virtual subnet ids and the local-only
    /// id do not overlap.
    #[inline(always)]
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::PassThrough(vlan) => vlan as u32,
            Self::Tenant(vsid) => vsid.get(),
            Self::LocalOnly => 0xff_ffff,
        }
    }
}

/// A port and what its frames would else have to look up.
#[derive(Clone, Debug)]
pub(crate) struct SwitchPort {
    /// The rest, worked out for most frames.
    pub(crate) short: ShortPort,
    pub(crate) port: Port,
    pub(crate) segment: Segment,
    /// Routing domain of its subnet.
    pub(crate) domain: Option<u32>,
    /// Addresses are learned in its subnet.
    pub(crate) learns: bool,
    /// More is asked of its guest's frames than their source MAC: it has guards, ACLs or a bandwidth
    /// limit, or is on the wire itself.
    pub(crate) examines: bool,
    /// Records of its subnet and MAC with a provider address of this host, lowest id first: who its
    /// guest may speak as.
    pub(crate) sources: Vec<Source>,
}

/// A record that speaks for a sender, and this host's address that it names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) entry: Entry,
    /// Index among this host's own addresses.
    pub(crate) host: u32,
    /// Whether the provider address is IPv4.
    pub(crate) over_ipv4: bool,
}

/// What a host knows of a provider address.
#[derive(Clone, Debug)]
pub(crate) struct KnownProvider {
    pub(crate) address: ProviderAddress,
    /// Index among this host's own addresses.
    pub(crate) host: Option<u32>,
    /// The NAT record that has it (V-04: at most one).
    pub(crate) nat: Option<NatRecord>,
    /// It is the multicast group of a subnet.
    pub(crate) group: bool,
    /// It is the next hop of a provider route: a router of the underlay.
    pub(crate) router: bool,
    /// A record names it.
    pub(crate) named: bool,
    /// A routing domain with such a record, for a short answer. [`Snapshot::is_peer_in`] knows all of them.
    pub(crate) peer_in: Option<u32>,
    /// MACs of the next hops towards it, one for each of this host's interfaces.
    pub(crate) next_hops: SmallVec<[Option<MacAddress>; 1]>,
}

/// A record that rewrites, and the routing domain of its subnet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NatRecord {
    pub(crate) entry: Entry,
    pub(crate) domain: Option<u32>,
}

impl Default for KnownProvider {
    fn default() -> Self {
        Self {
            address: ProviderAddress::v4([0; 4]),
            host: None,
            nat: None,
            group: false,
            router: false,
            named: false,
            peer_in: None,
            next_hops: SmallVec::new(),
        }
    }
}

impl KnownProvider {
    /// Whether no host and no router has it: it is the multicast group of a subnet, or the record
    /// that named it is gone.
    pub(crate) fn is_only_group(&self) -> bool {
        !self.router && !self.named && self.host.is_none()
    }
}

/// What a host knows of a virtual subnet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subnet {
    /// Index into the snapshot's domains.
    pub(crate) domain: Option<u32>,
    /// The addresses that the built-in router answers for.
    pub(crate) gateways: Vec<CustomerAddress>,
    /// Other hosts with an Encap record in the subnet: numbers of provider addresses, each once.
    pub(crate) flood_to: Vec<u32>,
    /// Other hosts with an L2Only record in the subnet.
    pub(crate) learn_from: Vec<u32>,
    /// The provider multicast group.
    pub(crate) group: Option<u32>,
    /// Some record of the subnet is L2Only: addresses are to be learned.
    pub(crate) learns: bool,
    /// Wildcard records for IPv4 and IPv6.
    pub(crate) wildcard_v4: Option<Entry>,
    pub(crate) wildcard_v6: Option<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) id: RoutingDomainId,
    /// Longest prefix first, then lowest metric, then as written.
    pub(crate) routes: Vec<CustomerRoute>,
    /// The same for IPv4, for most frames. None where the built-in router is not used,
    /// or has a group's MAC.
    pub(crate) short_routes: Vec<ShortRoute>,
    /// The addresses that the built-in router answers for anywhere in the domain.
    pub(crate) gateways: HashSet<CustomerAddress, RandomState>,
}

/// What edits of records leave as it is.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) hosts: Vec<HostAddress>,
    /// Shape: port id -> index of the port.
    pub(crate) port_at: Vec<Option<u32>>,
    /// Shape: (segment, MAC) -> index of the connected port.
    pub(crate) port_of: Table<2, 1, Spread>,
    pub(crate) members: HashMap<u32, Vec<u32>, RandomState>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) interfaces: Vec<u32>,
    /// Of each of this host's addresses, the place of its interface among those.
    pub(crate) interface_of: Vec<usize>,
    pub(crate) warnings: Vec<PolicyWarning>,
}

/// The tables. [`Snapshot::new`] makes one, [`crate::Publisher`] one after another; lend it to a
/// [`crate::Worker`].
///
/// Snapshots of one publisher share what they have in common. Each is what it was when it was made,
/// whatever is edited later, and may be read by any number of threads.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) version: Version,
    pub(crate) settings: Settings,
    pub(crate) wnv_bound: bool,
    pub(crate) use_external_router: bool,
    pub(crate) fixed: Arc<Fixed>,
    pub(crate) records: Arc<RecordTable>,
    pub(crate) ports: Arc<[Arc<SwitchPort>]>,
    pub(crate) subnets: Spine<Arc<Subnet>>,
    /// Shape: VSID -> number of the subnet.
    pub(crate) subnet_at: Arc<Table<1, 1>>,
    pub(crate) providers: Spine<KnownProvider>,
    /// Shape: provider address -> its number.
    pub(crate) provider_at: Arc<Table<2, 1>>,
    /// Shape: (number of a provider address, routing domain), where a record of the domain names the
    /// address: who may be sent to from it.
    pub(crate) peers: Arc<Table<1, 0>>,
    /// Outer headers from host address h to provider address p, at p * hosts + h.
    pub(crate) paths: Spine<Path>,
    /// Where NVGRE packets come in.
    pub(crate) short_hosts: Arc<[ShortHost]>,
    /// The provider addresses again, by the same numbers.
    pub(crate) short_providers: Spine<ShortProvider>,
    /// Shape: IPv4 provider address -> [`Translation`].
    pub(crate) translations: Arc<Table<1, 2, Spread>>,
}

/// The version of tables that are never edited.
pub(crate) const FIXED: Version = 1;

impl Snapshot {
    /// Checks and compiles a policy. `seed` keys the hash tables: fixed where runs must repeat,
    /// random where frames come from strangers.
    ///
    /// Without the WNV binding no record, route or provider address is in force.
    pub fn new(policy: &Policy, seed: u64) -> Result<Self, Vec<PolicyError>> {
        Ok(Publisher::new(policy, seed)?.into_snapshot())
    }

    /// The same state once more, for somebody else to have. Not public: whoever has a snapshot keeps
    /// its rows from being used again, and the publisher must know of it.
    pub(crate) fn share(&self) -> Self {
        Self {
            version: self.version,
            settings: self.settings,
            wnv_bound: self.wnv_bound,
            use_external_router: self.use_external_router,
            fixed: self.fixed.clone(),
            records: self.records.clone(),
            ports: self.ports.clone(),
            subnets: self.subnets.clone(),
            subnet_at: self.subnet_at.clone(),
            providers: self.providers.clone(),
            provider_at: self.provider_at.clone(),
            peers: self.peers.clone(),
            paths: self.paths.clone(),
            short_hosts: self.short_hosts.clone(),
            short_providers: self.short_providers.clone(),
            translations: self.translations.clone(),
        }
    }

    /// What [`Policy::check`] warned about.
    pub fn warnings(&self) -> &[PolicyWarning] {
        &self.fixed.warnings
    }

    /// Ports that worker state must have room for.
    pub(crate) fn port_capacity(&self) -> usize {
        self.fixed.port_at.len()
    }

    #[inline(always)]
    pub(crate) fn port(&self, id: PortId) -> Option<&SwitchPort> {
        let index = (*self.fixed.port_at.get(id.0 as usize)?)?;
        Some(self.port_at(index))
    }

    /// The port in this place of the table.
    #[inline(always)]
    pub(crate) fn port_at(&self, index: u32) -> &SwitchPort {
        &self.ports[index as usize]
    }

    #[inline(always)]
    pub(crate) fn port_of(&self, segment: Segment, mac: MacAddress) -> Option<&SwitchPort> {
        let key = mac_key(segment.number(), mac);
        let (_, [index]) = self.fixed.port_of.find(&key, FIXED)?;
        Some(self.port_at(index as u32))
    }

    /// Connected ports of a segment, in the order of the policy.
    pub(crate) fn members(&self, segment: Segment) -> impl Iterator<Item = &Port> + Clone {
        let indices = self.fixed.members.get(&segment.number());
        indices
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|&index| &self.port_at(index).port)
    }

    pub(crate) fn subnet(&self, vsid: VirtualSubnetId) -> Option<&Subnet> {
        let key = [u64::from(vsid.get())];
        let (_, [number]) = self.subnet_at.find(&key, self.version)?;
        self.subnets.get(number as u32).map(|subnet| &**subnet)
    }

    /// Routing domain of a subnet, and whether addresses are learned in it.
    #[inline(never)]
    pub(crate) fn domain_and_learning(&self, vsid: VirtualSubnetId) -> (Option<u32>, bool) {
        let subnet = self.subnet(vsid);
        subnet.map_or((None, false), |subnet| (subnet.domain, subnet.learns))
    }

    pub(crate) fn domain_of(&self, vsid: VirtualSubnetId) -> Option<u32> {
        self.subnet(vsid)?.domain
    }

    pub(crate) fn domain(&self, domain: u32) -> &Domain {
        &self.fixed.domains[domain as usize]
    }

    /// The wildcard record of a subnet for this family.
    pub(crate) fn wildcard(&self, vsid: VirtualSubnetId, ipv4: bool) -> Option<Entry> {
        let subnet = self.subnet(vsid)?;
        if ipv4 {
            subnet.wildcard_v4
        } else {
            subnet.wildcard_v6
        }
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
        let routes = &self.domain(domain).routes;
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
        self.domain(domain).gateways.contains(&address)
    }

    /// The record of a customer address.
    #[inline(always)]
    pub(crate) fn record(&self, vsid: VirtualSubnetId, ca: CustomerAddress) -> Option<Entry> {
        self.records.by_address(vsid, ca, self.version)
    }

    /// The records of a MAC in a subnet, in no order that means anything.
    pub(crate) fn records_of_mac(
        &self,
        vsid: VirtualSubnetId,
        mac: MacAddress,
    ) -> impl Iterator<Item = Entry> {
        self.records.by_mac(vsid, mac, self.version)
    }

    /// Records of a customer address anywhere in a domain, in no order that means anything.
    pub(crate) fn in_domain(
        &self,
        domain: u32,
        address: CustomerAddress,
    ) -> impl Iterator<Item = Entry> {
        let candidates = self.records.by_domain(domain, address, self.version);
        candidates.filter(move |entry| self.domain_of(entry.virtual_subnet()) == Some(domain))
    }

    /// What is known of a provider address, if anything, and its number.
    #[inline(always)]
    pub(crate) fn provider(&self, address: ProviderAddress) -> Option<(u32, &KnownProvider)> {
        let (_, [number]) = self
            .provider_at
            .find(&provider_key(address), self.version)?;
        Some((number as u32, self.providers.get(number as u32)?))
    }

    /// As [`Snapshot::provider`], for an address that is likely this host's own: most hosts have one,
    /// and own addresses are numbered first, in their order.
    #[inline(always)]
    pub(crate) fn own_provider(&self, address: ProviderAddress) -> Option<&KnownProvider> {
        match &*self.fixed.hosts {
            [host, ..] if host.address == address => self.providers.get(0),
            [..] => self.provider(address).map(|(_, known)| known),
        }
    }

    /// The provider address with this number.
    pub(crate) fn provider_address(&self, number: u32) -> ProviderAddress {
        self.providers
            .get(number)
            .map_or(ProviderAddress::v4([0; 4]), |known| known.address)
    }

    /// Whether a record of the domain names the provider address.
    #[inline(always)]
    pub(crate) fn is_peer_in(&self, provider: u32, domain: u32) -> bool {
        let key = peer_key(provider, domain);
        self.peers.find(&key, self.version).is_some()
    }

    /// Whose packets are rewritten to an IPv4 provider address.
    #[inline(always)]
    pub(crate) fn translation(&self, address: u32) -> Option<Translation> {
        let found = self.translations.find(&[u64::from(address)], self.version);
        found.map(|(_, words)| Translation(words))
    }

    /// The NAT record of a provider address.
    #[inline(always)]
    pub(crate) fn nat(&self, address: ProviderAddress) -> Option<&NatRecord> {
        self.provider(address)?.1.nat.as_ref()
    }

    /// The outer headers from one of this host's addresses to a provider address.
    #[inline(always)]
    pub(crate) fn path(&self, host: u32, provider: u32) -> Option<&Path> {
        let hosts = self.fixed.hosts.len() as u32;
        self.paths.get(provider * hosts + host)
    }

    /// The MAC of the next hop from one of this host's addresses to a provider address.
    #[inline(always)]
    pub(crate) fn next_hop(&self, host: u32, provider: u32) -> Option<MacAddress> {
        let interface = *self.fixed.interface_of.get(host as usize)?;
        *self.providers.get(provider)?.next_hops.get(interface)?
    }

    /// A record with the address of this host that it names, if it names one.
    pub(crate) fn as_source(&self, entry: Entry) -> Option<Source> {
        if !entry.is_own() {
            return None;
        }
        let known = self.providers.get(entry.provider())?;
        Some(Source {
            entry,
            host: known.host?,
            over_ipv4: known.address.is_ipv4(),
        })
    }

    /// The host address that a source names.
    pub(crate) fn host(&self, source: &Source) -> &HostAddress {
        &self.fixed.hosts[source.host as usize]
    }
}

impl Source {
    /// Its record's id.
    pub(crate) const fn id(&self) -> RecordId {
        self.entry.id()
    }

    /// Whether the record is this customer address's own. Wildcard and L2Only records have none.
    #[inline(always)]
    pub(crate) fn speaks_as(&self, ca: CustomerAddress) -> bool {
        self.entry.customer_address() == ca
    }

    /// Its record's rule.
    pub(crate) const fn rule(&self) -> Rule {
        self.entry.rule()
    }
}

/// A provider address as two words. IPv4 addresses take the form of IPv4-mapped ones, which are never
/// seen on a wire.
#[inline(always)]
pub(crate) fn provider_key(pa: ProviderAddress) -> [u64; 2] {
    let bits = pa.bits();
    let mapped = if pa.is_ipv4() { 0xffff_0000_0000 } else { 0 };
    [(bits >> 64) as u64, bits as u64 | mapped]
}

/// A MAC on one of the wires of a switch. The number of the wire has 24 bits.
#[inline(always)]
pub(crate) fn mac_key(wire: u32, mac: MacAddress) -> [u64; 2] {
    [u64::from(wire), mac.to_bits()]
}

#[inline(always)]
pub(crate) fn peer_key(provider: u32, domain: u32) -> [u64; 1] {
    [u64::from(provider) << 32 | u64::from(domain)]
}
