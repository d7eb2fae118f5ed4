//! One host's policy as typed objects, and what is checked before it is compiled.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use ahash::RandomState;
use hashbrown::{HashMap, HashSet};
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId};

use crate::customer_route::{CustomerRoute, RouteId};
use crate::lookup_record::{LookupRecord, RecordId, RecordType, Rule};
use crate::port::{Port, PortId, PortSubnet};
use crate::provider::{HostAddress, Neighbor, ProviderRoute};

/// The MAC of the built-in router, the same on every host: a locally administered constant of ours,
/// since Windows documents none.
pub const DEFAULT_ROUTER_MAC: MacAddress = MacAddress::new([0x02, 0x15, 0x5d, 0x52, 0x54, 0x52]);

/// What Windows left open or an operator tunes. [`Default`] is what the documentation states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// MAC of the built-in router. Default [`DEFAULT_ROUTER_MAC`].
    pub router_mac: MacAddress,
    /// Whether the FlowID carries entropy (RFC 7637 s3.2); off, it is 0. Default on.
    pub flow_id: bool,
    /// Whether GRE bits 6 to 12 are refused instead of ignored (RFC 2784 s2.3). Default off.
    pub strict_gre_reserved_bits: bool,
    /// IP MTU of the underlay in bytes: the longest outer (or rewritten) IP packet. Default 1,500.
    pub underlay_mtu_bytes: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            router_mac: DEFAULT_ROUTER_MAC,
            flow_id: true,
            strict_gre_reserved_bits: false,
            underlay_mtu_bytes: 1_500,
        }
    }
}

/// Everything one host forwards by. Edited freely; [`crate::Snapshot::new`] checks and compiles it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Ports of the switch.
    pub ports: Vec<Port>,
    /// Lookup records.
    pub records: Vec<LookupRecord>,
    /// Customer routes.
    pub customer_routes: Vec<CustomerRoute>,
    /// Provider addresses of this host.
    pub provider_addresses: Vec<HostAddress>,
    /// Provider routes.
    pub provider_routes: Vec<ProviderRoute>,
    /// Next-hop MACs on the underlay.
    pub neighbors: Vec<Neighbor>,
    /// MAC for on-link next hops that [`Policy::neighbors`] does not list: an underlay whose router
    /// answers ARP for every address. `None`: such frames are dropped `next_hop_unresolved`.
    pub proxy_neighbor_mac: Option<MacAddress>,
    /// Per subnet, the provider multicast group that carries its broadcast and multicast
    /// (RFC 7637 s4.2). Subnets without one use a unicast copy per remote provider address.
    pub multicast_groups: BTreeMap<VirtualSubnetId, ProviderAddress>,
    /// `Set-NetVirtualizationGlobal -UseExternalRouter`: the built-in router is off.
    pub use_external_router: bool,
    /// Whether `ms_netwnv` is bound to the switch's NIC (Enable-NetAdapterBinding).
    pub wnv_bound: bool,
    /// The rest.
    pub settings: Settings,
}

/// Policy that is refused. The ids lead back to where the objects were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// V-01: two records for one (VSID, customer address); for wildcard and L2Only records (V-07),
    /// for one (VSID, customer address, MAC, type).
    DuplicateRecord {
        /// The record that came first.
        first: RecordId,
        /// The one that repeats it.
        second: RecordId,
    },
    /// V-07: a Static or Dynamic record without customer address, or a wildcard or L2Only record
    /// with one.
    CustomerAddressForType(RecordId),
    /// A record's customer address is a group address.
    CustomerAddressNotUnicast(RecordId),
    /// A record's provider address is unspecified or a group address.
    ProviderAddressNotUnicast(RecordId),
    /// A record's MAC has the group bit.
    RecordMacNotUnicast(RecordId),
    /// V-02: a subnet in two routing domains.
    SubnetInTwoDomains {
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
        /// A route that puts it into one domain.
        first: RouteId,
        /// A route that puts it into another.
        second: RouteId,
    },
    /// A customer route's next hop is of the other family than its prefix.
    RouteFamilies(RouteId),
    /// V-04: a NAT record shares its provider address with another record.
    NatAddressShared {
        /// The record that came first.
        first: RecordId,
        /// The one that shares its provider address.
        second: RecordId,
    },
    /// V-11: a port with both VLAN and virtual subnet.
    VlanAndSubnet(PortId),
    /// V-15: UseVmMACAddress without TranslationMethodNat.
    VmMacWithoutNat(RecordId),
    /// Two ports with one id.
    DuplicatePort(PortId),
    /// One provider address twice on this host.
    DuplicateProviderAddress(ProviderAddress),
    /// A provider address of this host is unspecified or a group address.
    HostAddressNotUnicast(ProviderAddress),
    /// A prefix length longer than its address.
    PrefixLength(ProviderAddress),
    /// The multicast group of a subnet is no multicast address.
    GroupNotMulticast(VirtualSubnetId),
    /// An edit of a record that is not there.
    NoSuchRecord(RecordId),
    /// An edit of a record on a host whose policy is not in force: network virtualization is not
    /// bound there.
    NotBound(RecordId),
}

/// Policy that is suspect but loads: wrong policy is what people bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyWarning {
    /// V-05: on-link prefixes of two subnets of one routing domain overlap.
    PrefixesOverlap {
        /// One route.
        first: RouteId,
        /// The other.
        second: RouteId,
    },
    /// V-05: one customer address in two subnets of one routing domain.
    AddressTwiceInDomain {
        /// One record.
        first: RecordId,
        /// The other.
        second: RecordId,
    },
    /// V-05: one MAC with two owners in one routing domain.
    MacTwiceInDomain {
        /// One record.
        first: RecordId,
        /// The other.
        second: RecordId,
    },
    /// V-06: a record takes the address that the built-in router answers for.
    RouterAddressTaken {
        /// The record.
        record: RecordId,
        /// The on-link route whose first address it is.
        route: RouteId,
    },
    /// V-09: no on-link customer route of the record's subnet covers its customer address.
    NoOnLinkRoute(RecordId),
    /// V-10: no record for a route's next hop in the route's subnet.
    NextHopWithoutRecord(RouteId),
}

impl Policy {
    /// The three tiers of checks, as far as one host can see: all errors, or all warnings. What
    /// only shows between hosts (V-03, V-08, V-12, V-14, V-16) is not asked here.
    pub fn check(&self) -> Result<Vec<PolicyWarning>, Vec<PolicyError>> {
        let mut errors = Vec::new();
        self.check_records(&mut errors);
        self.check_routes(&mut errors);
        self.check_ports(&mut errors);
        self.check_provider_addresses(&mut errors);
        if errors.is_empty() {
            Ok(self.warnings())
        } else {
            Err(errors)
        }
    }

    fn check_records(&self, errors: &mut Vec<PolicyError>) {
        let mut names = map(self.records.len());
        let mut nat_addresses: HashMap<ProviderAddress, (RecordId, bool), _> = map(0);
        for record in &self.records {
            let id = record.id;
            errors.extend(record.errors());
            if let Some(first) = names.insert(record.name(), id) {
                errors.push(PolicyError::DuplicateRecord { first, second: id });
            }
            let nat = record.rule == Rule::Nat;
            let pa = record.provider_address;
            match nat_addresses.get(&pa) {
                Some(&(first, first_nat)) if nat || first_nat => {
                    errors.push(PolicyError::NatAddressShared { first, second: id });
                }
                Some(_) => {}
                None => {
                    nat_addresses.insert(pa, (id, nat));
                }
            }
        }
    }

    fn check_routes(&self, errors: &mut Vec<PolicyError>) {
        let mut domain_of: BTreeMap<VirtualSubnetId, (RoutingDomainId, RouteId)> = BTreeMap::new();
        for route in &self.customer_routes {
            if route.next_hop.is_ipv4() != route.destination.network().is_ipv4() {
                errors.push(PolicyError::RouteFamilies(route.id));
            }
            let (domain, first) = *domain_of
                .entry(route.virtual_subnet)
                .or_insert((route.routing_domain, route.id));
            if domain != route.routing_domain {
                errors.push(PolicyError::SubnetInTwoDomains {
                    virtual_subnet: route.virtual_subnet,
                    first,
                    second: route.id,
                });
            }
        }
        for (&vsid, group) in &self.multicast_groups {
            if !group.ip().is_multicast() {
                errors.push(PolicyError::GroupNotMulticast(vsid));
            }
        }
    }

    fn check_ports(&self, errors: &mut Vec<PolicyError>) {
        let mut seen = BTreeMap::new();
        for port in &self.ports {
            if seen.insert(port.id, ()).is_some() {
                errors.push(PolicyError::DuplicatePort(port.id));
            }
            if port.vlan.is_some() && port.subnet != PortSubnet::Unset {
                errors.push(PolicyError::VlanAndSubnet(port.id));
            }
        }
    }

    fn check_provider_addresses(&self, errors: &mut Vec<PolicyError>) {
        let mut seen = BTreeMap::new();
        for host in &self.provider_addresses {
            if seen.insert(host.address, ()).is_some() {
                errors.push(PolicyError::DuplicateProviderAddress(host.address));
            }
            if host.address.is_unspecified() || host.address.is_group() {
                errors.push(PolicyError::HostAddressNotUnicast(host.address));
            }
            if host.prefix_length > if host.address.is_ipv4() { 32 } else { 128 } {
                errors.push(PolicyError::PrefixLength(host.address));
            }
        }
    }

    fn warnings(&self) -> Vec<PolicyWarning> {
        let mut warnings = Vec::new();
        let mut domain_of = BTreeMap::new();
        let mut on_link: BTreeMap<VirtualSubnetId, Vec<&CustomerRoute>> = BTreeMap::new();
        let mut by_domain: BTreeMap<RoutingDomainId, Vec<&CustomerRoute>> = BTreeMap::new();
        for route in &self.customer_routes {
            domain_of.insert(route.virtual_subnet, route.routing_domain);
            if route.is_on_link() {
                on_link.entry(route.virtual_subnet).or_default().push(route);
                let others = by_domain.entry(route.routing_domain).or_default();
                for other in others.iter().filter(|other| {
                    other.virtual_subnet != route.virtual_subnet
                        && other.destination.overlaps(&route.destination)
                }) {
                    warnings.push(PolicyWarning::PrefixesOverlap {
                        first: other.id,
                        second: route.id,
                    });
                }
                others.push(route);
            }
        }
        let records = self.records.len();
        let mut addresses: HashMap<(RoutingDomainId, CustomerAddress), &LookupRecord, _> =
            map(records);
        let mut macs: HashMap<(RoutingDomainId, MacAddress, bool), &LookupRecord, _> = map(records);
        let next_hops = self
            .customer_routes
            .iter()
            .filter(|route| !route.is_on_link());
        let mut without_record: HashSet<_, _> = HashSet::with_hasher(hasher());
        without_record.extend(next_hops.map(|route| (route.virtual_subnet, route.next_hop)));
        for record in &self.records {
            without_record.remove(&(record.virtual_subnet, record.customer_address));
            if let Some(&domain) = domain_of.get(&record.virtual_subnet) {
                let ipv4 = record.provider_address.is_ipv4();
                if let Some(first) = macs.insert((domain, record.mac, ipv4), record)
                    && (elsewhere(first, record) || first.virtual_subnet != record.virtual_subnet)
                {
                    warnings.push(PolicyWarning::MacTwiceInDomain {
                        first: first.id,
                        second: record.id,
                    });
                }
                if record.record_type.has_customer_address()
                    && let Some(first) = addresses.insert((domain, record.customer_address), record)
                {
                    warnings.push(PolicyWarning::AddressTwiceInDomain {
                        first: first.id,
                        second: record.id,
                    });
                }
            }
            if !record.record_type.has_customer_address() {
                continue;
            }
            let routes = on_link
                .get(&record.virtual_subnet)
                .map_or(&[][..], Vec::as_slice);
            if !routes
                .iter()
                .any(|route| route.destination.contains(record.customer_address))
            {
                warnings.push(PolicyWarning::NoOnLinkRoute(record.id));
            }
            if record.record_type == RecordType::Static && !self.use_external_router {
                for route in routes {
                    if route.destination.gateway() == Some(record.customer_address) {
                        warnings.push(PolicyWarning::RouterAddressTaken {
                            record: record.id,
                            route: route.id,
                        });
                    }
                }
            }
        }
        for route in &self.customer_routes {
            if without_record.contains(&(route.virtual_subnet, route.next_hop)) {
                warnings.push(PolicyWarning::NextHopWithoutRecord(route.id));
            }
        }
        warnings
    }
}

/// Maps whose order decides nothing, and whose keys are the owner's own.
fn map<K, V>(capacity: usize) -> HashMap<K, V, RandomState> {
    HashMap::with_capacity_and_hasher(capacity, hasher())
}

const fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

/// Whether two records of one MAC place it on different hosts, as far as provider addresses of one
/// family show it. Under NAT every customer address has its own, so they show nothing.
fn elsewhere(a: &LookupRecord, b: &LookupRecord) -> bool {
    a.rule != Rule::Nat && b.rule != Rule::Nat && a.provider_address != b.provider_address
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateRecord { .. } => {
                f.write_str("there is a record for this customer address and subnet already (V-01)")
            }
            Self::CustomerAddressForType(_) => f.write_str(
                "GatewayWildcard and L2Only records have the customer address 0.0.0.0 or ::, others have a real one (V-07)",
            ),
            Self::CustomerAddressNotUnicast(_) => {
                f.write_str("the customer address is a multicast or broadcast address")
            }
            Self::ProviderAddressNotUnicast(_) => {
                f.write_str("the provider address is unspecified, multicast or broadcast")
            }
            Self::RecordMacNotUnicast(_) => f.write_str("the MAC address is a group address"),
            Self::SubnetInTwoDomains { virtual_subnet, .. } => {
                write!(f, "virtual subnet {virtual_subnet} is in another routing domain already (V-02)")
            }
            Self::RouteFamilies(_) => {
                f.write_str("destination prefix and next hop are of different address families")
            }
            Self::NatAddressShared { .. } => f.write_str(
                "a TranslationMethodNat record shares its provider address with another record (V-04)",
            ),
            Self::VlanAndSubnet(_) => {
                f.write_str("a port has both a VLAN and a virtual subnet (V-11)")
            }
            Self::VmMacWithoutNat(_) => {
                f.write_str("UseVmMACAddress goes with TranslationMethodNat only (V-15)")
            }
            Self::DuplicatePort(port) => write!(f, "port {} is there twice", port.0),
            Self::DuplicateProviderAddress(pa) => {
                write!(f, "provider address {pa} is on this host already")
            }
            Self::HostAddressNotUnicast(pa) => {
                write!(f, "provider address {pa} is unspecified, multicast or broadcast")
            }
            Self::PrefixLength(pa) => {
                write!(f, "the prefix length of provider address {pa} is longer than the address")
            }
            Self::GroupNotMulticast(vsid) => {
                write!(f, "the multicast group of virtual subnet {vsid} is no multicast address")
            }
            Self::NoSuchRecord(_) => {
                f.write_str("there is no record for this customer address and subnet")
            }
            Self::NotBound(_) => f.write_str("network virtualization is not bound on this host"),
        }
    }
}

impl core::error::Error for PolicyError {}

impl fmt::Display for PolicyWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrefixesOverlap { .. } => {
                "on-link prefixes of two subnets of one routing domain overlap (V-05)"
            }
            Self::AddressTwiceInDomain { .. } => {
                "this customer address is in another subnet of the routing domain too (V-05)"
            }
            Self::MacTwiceInDomain { .. } => {
                "this MAC address has another owner in the routing domain (V-05)"
            }
            Self::RouterAddressTaken { .. } => {
                "this is the address that the built-in router answers for (V-06)"
            }
            Self::NoOnLinkRoute(_) => {
                "no on-link customer route of this subnet covers the customer address (V-09)"
            }
            Self::NextHopWithoutRecord(_) => {
                "no lookup record for this next hop in the route's subnet (V-10)"
            }
        })
    }
}
