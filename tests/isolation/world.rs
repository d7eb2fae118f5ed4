//! Random worlds: tenants with the same addresses and MACs, on hosts whose tables are partly stale.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Policy, Port, PortId, PortSubnet, ProviderRoute,
    RecordId, RecordType, RouteId, Rule, Settings,
};
use nvgre_sim::{HostPolicy, InventoryGuest};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId,
    VirtualSubnetId,
};
use proptest::prelude::*;

pub(crate) const HOSTS_MAX: usize = 4;
const TENANTS_MAX: usize = 4;
pub(crate) const SUBNETS: usize = 3;
const GUESTS_MAX: usize = 14;
const INTERFACE: u32 = 1;

/// Whether the world keeps what isolation is claimed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Holds,
    /// The first subnets of the first two tenants have one VSID; even hosts think that it is the
    /// one's, odd hosts the other's.
    SharedVsid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tenant,
    PassThrough,
    LocalOnly,
}

#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) kind: Kind,
    pub(crate) tenant: usize,
    pub(crate) subnet: usize,
    pub(crate) host: usize,
    /// Last byte of its addresses and of its MAC: small numbers, so that they repeat.
    last: u8,
    mac: u8,
    /// Its last byte and MAC are another one's, perhaps.
    duplicate: Option<u8>,
    spoofing: bool,
    /// Of its tenant, unless it is an exception.
    rule: Rule,
    exception: bool,
}

/// What one host believes about one guest.
#[derive(Clone, Debug)]
struct Belief {
    known: bool,
    known_v6: bool,
    /// Its provider address: right, or another one of its tenant.
    provider: Provider,
    /// Another MAC than its own.
    wrong_mac: Option<u8>,
    rule: Rule,
    wildcard: bool,
    l2_only: bool,
}

#[derive(Clone, Copy, Debug)]
enum Provider {
    Right,
    Host(usize),
    HostV6(usize),
    Stale,
}

/// What one host is set to, beside its records.
#[derive(Clone, Debug)]
struct Setup {
    bound: bool,
    external_router: bool,
    strict: bool,
    /// Per tenant and subnet, whether its on-link route is there.
    routes: Vec<bool>,
    /// Per tenant, the subnet and last byte of a next hop for everything else.
    default_routes: Vec<Option<(usize, u8)>>,
    beliefs: Vec<Belief>,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    condition: Condition,
    pub(crate) tenants: usize,
    pub(crate) guests: Vec<Guest>,
    setups: Vec<Setup>,
    /// Per subnet number, whether its broadcasts use a provider multicast group.
    groups: Vec<bool>,
}

pub(crate) fn mac(last: u8) -> MacAddress {
    MacAddress::new([0x00, 0x15, 0x5d, 0, 0, last])
}

pub(crate) fn host_mac(host: usize) -> MacAddress {
    MacAddress::new([0x00, 0x15, 0x5d, 0xf0, 0, host as u8 + 1])
}

pub(crate) fn customer_v4(subnet: usize, last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, subnet as u8, last)
}

pub(crate) fn customer_v6(subnet: usize, last: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0, 0, subnet as u16, 0, 0, 0, last.into())
}

/// A tenant's address of a host: no two tenants have the same.
pub(crate) fn provider_v4(tenant: usize, host: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, tenant as u8, host as u8 + 1)
}

pub(crate) fn provider_v6(tenant: usize, host: usize) -> Ipv6Addr {
    Ipv6Addr::new(0xfd01, 0, 0, tenant as u16, 0, 0, 0, host as u16 + 1)
}

/// A guest's own address for IP rewrite.
pub(crate) fn provider_nat(guest: usize) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, guest as u8 + 1)
}

/// A tenant's address that no host has any more.
pub(crate) fn provider_stale(tenant: usize) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, tenant as u8 + 1)
}

pub(crate) fn group(subnet: usize) -> Ipv4Addr {
    Ipv4Addr::new(239, 1, 1, subnet as u8)
}

impl World {
    pub(crate) fn vsid(&self, tenant: usize, subnet: usize) -> VirtualSubnetId {
        let tenant = if self.condition == Condition::SharedVsid && subnet == 0 && tenant == 1 {
            0
        } else {
            tenant
        };
        VirtualSubnetId::try_new((5_000 + 10 * tenant + subnet) as u32).expect("in range")
    }

    /// The other guests of a guest's own tenant and kind.
    pub(crate) fn companions(&self, guest: usize) -> Vec<usize> {
        let of = |guest: usize| (self.guests[guest].kind, self.guests[guest].tenant);
        let all = 0..self.guests.len();
        all.filter(|&other| other != guest && of(other) == of(guest))
            .collect()
    }

    pub(crate) fn mac_of(&self, guest: usize) -> MacAddress {
        mac(self.guests[guest].mac)
    }

    pub(crate) fn address(&self, guest: usize, ipv6: bool) -> IpAddr {
        let Guest { subnet, last, .. } = self.guests[guest];
        if ipv6 {
            customer_v6(subnet, last).into()
        } else {
            customer_v4(subnet, last).into()
        }
    }

    /// Who belongs to whom. Pass-through guests are one domain, local-only ones another.
    pub(crate) fn inventory(&self) -> Vec<InventoryGuest> {
        let guests = self.guests.iter();
        guests
            .map(|guest| InventoryGuest {
                tenant: match guest.kind {
                    Kind::Tenant => guest.tenant,
                    Kind::PassThrough => TENANTS_MAX,
                    Kind::LocalOnly => TENANTS_MAX + 1,
                },
                host: guest.host,
                mac: mac(guest.mac),
                virtual_subnets: Vec::new(),
            })
            .collect()
    }

    pub(crate) fn hosts(&self) -> Vec<HostPolicy> {
        let hosts = 0..self.setups.len();
        hosts
            .map(|host| HostPolicy {
                name: format!("host {host}"),
                policy: self.policy(host),
                link_mtu_bytes: 1_600,
            })
            .collect()
    }

    fn policy(&self, host: usize) -> Policy {
        let setup = &self.setups[host];
        let mut policy = Policy {
            wnv_bound: setup.bound,
            use_external_router: setup.external_router,
            settings: Settings {
                strict_gre_reserved_bits: setup.strict,
                underlay_mtu_bytes: 1_600,
                ..Settings::default()
            },
            ..Policy::default()
        };
        self.ports(host, &mut policy);
        self.provider_side(host, &mut policy);
        self.routes(host, &mut policy);
        self.records(host, &mut policy);
        for tenant in 0..self.tenants {
            for subnet in (0..SUBNETS).filter(|&subnet| self.groups[subnet]) {
                let group = ProviderAddress::new(group(subnet).into());
                policy
                    .multicast_groups
                    .insert(self.vsid(tenant, subnet), group);
            }
        }
        policy
    }

    fn ports(&self, host: usize, policy: &mut Policy) {
        for (index, guest) in self.guests.iter().enumerate() {
            if guest.host != host {
                continue;
            }
            let mut port = Port::new(PortId(index as u32), mac(guest.mac));
            port.subnet = match guest.kind {
                Kind::Tenant => PortSubnet::Tenant(self.vsid(guest.tenant, guest.subnet)),
                Kind::PassThrough => PortSubnet::Unset,
                Kind::LocalOnly => PortSubnet::LocalOnly,
            };
            port.mac_address_spoofing = guest.spoofing;
            policy.ports.push(port);
        }
    }

    fn provider_side(&self, host: usize, policy: &mut Policy) {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for tenant in 0..self.tenants {
            addresses.push(provider_v4(tenant, host).into());
            addresses.push(provider_v6(tenant, host).into());
        }
        for (index, guest) in self.guests.iter().enumerate() {
            if guest.host == host && guest.kind == Kind::Tenant && guest.rule == Rule::Nat {
                addresses.push(provider_nat(index).into());
            }
        }
        for address in addresses {
            policy.provider_addresses.push(HostAddress {
                address: ProviderAddress::new(address),
                interface_index: INTERFACE,
                prefix_length: if address.is_ipv4() { 24 } else { 64 },
                vlan: None,
                mac: host_mac(host),
            });
        }
        for everywhere in ["0.0.0.0/0", "::/0"] {
            let destination: ProviderPrefix = everywhere.parse().expect("a prefix");
            let next_hop = if destination.network().is_ipv4() {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            } else {
                IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            };
            policy.provider_routes.push(ProviderRoute {
                interface_index: INTERFACE,
                destination,
                next_hop: ProviderAddress::new(next_hop),
                metric: 1,
            });
        }
    }

    /// Whether this host knows a tenant's subnet: of a shared VSID only the one or the other.
    fn knows(&self, host: usize, tenant: usize, subnet: usize) -> bool {
        let shared = self.condition == Condition::SharedVsid && subnet == 0;
        !(shared && (tenant == 0 && host % 2 == 1 || tenant == 1 && host.is_multiple_of(2)))
    }

    fn routes(&self, host: usize, policy: &mut Policy) {
        let setup = &self.setups[host];
        let mut add = |tenant: usize, subnet: usize, destination: String, next_hop: IpAddr| {
            if !self.knows(host, tenant, subnet) {
                return;
            }
            policy.customer_routes.push(CustomerRoute {
                id: RouteId(policy.customer_routes.len() as u32),
                routing_domain: RoutingDomainId::new(0x1111_0000 + tenant as u128),
                virtual_subnet: self.vsid(tenant, subnet),
                destination: destination.parse::<CustomerPrefix>().expect("a prefix"),
                next_hop: CustomerAddress::new(next_hop),
                metric: 1,
            });
        };
        for tenant in 0..self.tenants {
            for subnet in 0..SUBNETS {
                if setup.routes[tenant * SUBNETS + subnet] {
                    let v4 = format!("10.0.{subnet}.0/24");
                    add(tenant, subnet, v4, Ipv4Addr::UNSPECIFIED.into());
                    let v6 = format!("fd00:0:0:{subnet}::/64");
                    add(tenant, subnet, v6, Ipv6Addr::UNSPECIFIED.into());
                }
            }
            if let Some((subnet, last)) = setup.default_routes[tenant] {
                let next_hop = customer_v4(subnet, last).into();
                add(tenant, subnet, "0.0.0.0/0".to_owned(), next_hop);
            }
        }
    }

    fn records(&self, host: usize, policy: &mut Policy) {
        let setup = &self.setups[host];
        let mut taken = BTreeSet::new();
        for (index, guest) in self.guests.iter().enumerate() {
            if guest.kind != Kind::Tenant {
                continue;
            }
            let belief = &setup.beliefs[index];
            let rule = if guest.rule == Rule::Nat {
                Rule::Nat
            } else {
                belief.rule
            };
            // The address of a rewritten guest is its own and moves with it.
            let provider: IpAddr = match belief.provider {
                _ if rule == Rule::Nat => provider_nat(index).into(),
                Provider::Right => provider_v4(guest.tenant, guest.host).into(),
                Provider::Host(other) => {
                    provider_v4(guest.tenant, other % self.setups.len()).into()
                }
                Provider::HostV6(other) => {
                    provider_v6(guest.tenant, other % self.setups.len()).into()
                }
                Provider::Stale => provider_stale(guest.tenant).into(),
            };
            let virtual_subnet = self.vsid(guest.tenant, guest.subnet);
            let mut add = |address: IpAddr, record_type: RecordType, mac: MacAddress| {
                let by_mac = !record_type.has_customer_address();
                // Rewriting serves one address of a guest; wildcards are for Encap here.
                if rule == Rule::Nat && (by_mac || address.is_ipv6()) {
                    return;
                }
                let key = (
                    virtual_subnet.get(),
                    address,
                    by_mac.then_some((mac.octets(), record_type)),
                );
                if !taken.insert(key) {
                    return;
                }
                policy.records.push(LookupRecord {
                    id: RecordId(policy.records.len() as u32),
                    virtual_subnet,
                    customer_address: CustomerAddress::new(address),
                    mac,
                    provider_address: ProviderAddress::new(provider),
                    rule,
                    record_type,
                    use_vm_mac: false,
                });
            };
            let its_mac = mac(belief.wrong_mac.unwrap_or(guest.mac));
            if belief.known {
                let v4 = customer_v4(guest.subnet, guest.last).into();
                add(v4, RecordType::Static, its_mac);
            }
            if belief.known_v6 {
                let v6 = customer_v6(guest.subnet, guest.last).into();
                add(v6, RecordType::Static, its_mac);
            }
            let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            if belief.wildcard {
                add(any, RecordType::GatewayWildcard, its_mac);
            }
            if belief.l2_only {
                add(any, RecordType::L2Only, its_mac);
            }
        }
    }
}

fn kinds() -> BoxedStrategy<Kind> {
    prop_oneof![8 => Just(Kind::Tenant), 2 => Just(Kind::PassThrough), 1 => Just(Kind::LocalOnly)]
        .boxed()
}

fn guests() -> BoxedStrategy<Guest> {
    let exception = prop::bool::weighted(0.1);
    let placed = (kinds(), 0..TENANTS_MAX, 0..SUBNETS, 0..HOSTS_MAX);
    (
        placed,
        prop::option::weighted(0.1, 1..6_u8),
        prop::bool::weighted(0.4),
        exception,
    )
        .prop_map(
            |((kind, tenant, subnet, host), duplicate, spoofing, exception)| Guest {
                kind,
                tenant,
                subnet,
                host,
                last: 0,
                mac: 0,
                duplicate,
                spoofing,
                rule: Rule::Encap,
                exception,
            },
        )
        .boxed()
}

fn beliefs() -> BoxedStrategy<Belief> {
    let provider = prop_oneof![
        20 => Just(Provider::Right),
        1 => (0..HOSTS_MAX).prop_map(Provider::Host),
        1 => (0..HOSTS_MAX).prop_map(Provider::HostV6),
        1 => Just(Provider::Stale),
    ];
    let rule = prop_oneof![20 => Just(Rule::Encap), 1 => Just(Rule::None)];
    (
        prop::bool::weighted(0.93),
        prop::bool::weighted(0.6),
        provider,
        prop::option::weighted(0.05, 1..6_u8),
        rule,
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.15),
    )
        .prop_map(
            |(known, known_v6, provider, wrong_mac, rule, wildcard, l2_only)| Belief {
                known,
                known_v6,
                provider,
                wrong_mac,
                rule,
                wildcard,
                l2_only,
            },
        )
        .boxed()
}

fn setups() -> BoxedStrategy<Setup> {
    let default_route = prop::option::weighted(0.3, (0..SUBNETS, 2..6_u8));
    (
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
        any::<bool>(),
        prop::collection::vec(prop::bool::weighted(0.9), TENANTS_MAX * SUBNETS),
        prop::collection::vec(default_route, TENANTS_MAX),
        prop::collection::vec(beliefs(), GUESTS_MAX),
    )
        .prop_map(
            |(bound, external_router, strict, routes, default_routes, beliefs)| Setup {
                bound,
                external_router,
                strict,
                routes,
                default_routes,
                beliefs,
            },
        )
        .boxed()
}

pub(crate) fn worlds(condition: Condition) -> BoxedStrategy<World> {
    (
        2..=TENANTS_MAX,
        prop::collection::vec(setups(), 2..=HOSTS_MAX),
        prop::collection::vec(guests(), 8..=GUESTS_MAX),
        prop::collection::vec(prop::bool::weighted(0.3), SUBNETS),
        prop::collection::vec(prop::bool::weighted(0.3), TENANTS_MAX),
    )
        .prop_map(move |(tenants, setups, mut guests, groups, rewritten)| {
            let mut ordinals = [0_u8; TENANTS_MAX];
            for guest in &mut guests {
                guest.tenant %= tenants;
                guest.host %= setups.len();
                // Tenants count from the same number, so that their addresses and MACs are the same.
                let ordinal = &mut ordinals[guest.tenant];
                *ordinal += 1;
                guest.last = guest.duplicate.unwrap_or(1 + *ordinal);
                guest.mac = guest.duplicate.unwrap_or(*ordinal);
                if rewritten[guest.tenant] != guest.exception {
                    guest.rule = Rule::Nat;
                }
            }
            World {
                condition,
                tenants,
                guests,
                setups,
                groups,
            }
        })
        .boxed()
}
