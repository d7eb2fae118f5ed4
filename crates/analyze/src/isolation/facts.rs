//! What isolation rests on, as facts that hosts hold, and what of it breaks the rule.
//!
//! The rule is about the tables alone and needs no frame. A frame of a guest stays in the subnet of
//! its port, but for two ways out: the built-in router takes it to subnets that the tables of some
//! host put into the same routing domain, and a packet whose addresses are rewritten says nothing but
//! provider addresses, so that it comes out in whatever subnet a record names its destination for,
//! or, since the guest chooses the payload, in any subnet whose domain takes its source for a peer.
//! If then
//!
//! 1. no subnet is in two routing domains,
//! 2. no provider address that some record rewrites to is named for subnets of two domains,
//! 3. all ports in the subnets of one domain belong to one tenant,
//! 4. all pass-through ports of one VLAN belong to one tenant, and all ports of subnet 16,777,215 on
//!    one switch,
//!
//! over the tables of all hosts taken together, stale rows included, no frame is delivered to a port
//! of another tenant. What breaks the rule need not let a frame cross: that is for whoever sends frames
//! to find out.
//!
//! Facts are counted, so that an edit of one record costs what that record says.

use std::collections::{BTreeMap, BTreeSet};

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_dataplane::{CustomerRoute, LookupRecord, Rule};
use nvgre_wire::{ProviderAddress, RoutingDomainId, VirtualSubnetId, VlanId};

use super::counted::Counted;

/// Index of a tenant of the inventory.
pub type TenantIndex = usize;

/// Something that a host holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A tenant's port is here.
    Port {
        /// Where its frames are heard.
        ground: Ground,
        /// Whose it is.
        tenant: TenantIndex,
    },
    /// A customer route ties a subnet to a routing domain.
    Route {
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
        /// The domain.
        routing_domain: RoutingDomainId,
    },
    /// A lookup record names a provider address for a subnet.
    Record {
        /// The address.
        provider_address: ProviderAddress,
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
        /// Whether its rule is `TranslationMethodNat`.
        rewrites: bool,
    },
}

/// What the ports have in common that hear each other without any table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// A tenant's virtual subnet, on all hosts.
    Subnet(VirtualSubnetId),
    /// Subnet 16,777,215 on the switch of this host.
    Switch(usize),
    /// No subnet: the wire itself, on all hosts, with this VLAN.
    Wire(Option<VlanId>),
}

/// Where the rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breach {
    /// Ports of two tenants hear each other.
    SharedGround(Ground),
    /// Ports of two tenants are in subnets of one routing domain.
    SharedDomain(RoutingDomainId),
    /// Hosts put one subnet into two routing domains.
    SubnetInTwoDomains(VirtualSubnetId),
    /// A provider address that a record rewrites to is named for subnets of two domains.
    SharedProviderAddress(ProviderAddress),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct IsolationFacts {
    subnets: HashMap<VirtualSubnetId, Subnet, RandomState>,
    /// Tenants with ports in the subnets of a domain.
    domains: HashMap<RoutingDomainId, Counted<TenantIndex>, RandomState>,
    providers: HashMap<ProviderAddress, Provider, RandomState>,
    /// Tenants with ports on grounds that are no subnet.
    grounds: BTreeMap<Ground, Counted<TenantIndex>>,
    breaches: BTreeSet<Breach>,
}

#[derive(Clone, Debug, Default)]
struct Subnet {
    domains: Counted<RoutingDomainId>,
    tenants: Counted<TenantIndex>,
    /// Provider addresses that are rewritten to and named for it.
    rewritten: Counted<ProviderAddress>,
}

#[derive(Clone, Debug, Default)]
struct Provider {
    /// Records that rewrite to it.
    rewriting: u32,
    /// Records that name it, by subnet.
    named_for: BTreeMap<VirtualSubnetId, u32>,
}

/// What a subnet's frames share: its domain, or itself where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Domain(RoutingDomainId),
    Alone(VirtualSubnetId),
}

impl Fact {
    /// What a route says.
    pub const fn of_route(route: &CustomerRoute) -> Self {
        Self::Route {
            virtual_subnet: route.virtual_subnet,
            routing_domain: route.routing_domain,
        }
    }

    /// What a record says.
    pub fn of_record(record: &LookupRecord) -> Self {
        Self::Record {
            provider_address: record.provider_address,
            virtual_subnet: record.virtual_subnet,
            rewrites: record.rule == Rule::Nat,
        }
    }
}

impl Default for IsolationFacts {
    fn default() -> Self {
        // Nothing is listed in the order of a map, so any seeds do.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        Self {
            subnets: HashMap::with_hasher(hasher.clone()),
            domains: HashMap::with_hasher(hasher.clone()),
            providers: HashMap::with_hasher(hasher),
            grounds: BTreeMap::new(),
            breaches: BTreeSet::new(),
        }
    }
}

impl IsolationFacts {
    /// So many hosts more hold a fact.
    pub fn add(&mut self, fact: Fact, hosts: u32) {
        match fact {
            Fact::Port { ground, tenant } => self.add_port(ground, tenant, hosts),
            Fact::Route {
                virtual_subnet,
                routing_domain,
            } => {
                let subnet = self.subnets.entry(virtual_subnet).or_default();
                let before = subnet.class(virtual_subnet);
                if subnet.domains.add(routing_domain, hosts) {
                    self.reclass(virtual_subnet, before);
                }
            }
            Fact::Record {
                provider_address,
                virtual_subnet,
                rewrites,
            } => {
                let provider = self.providers.entry(provider_address).or_default();
                let named = provider.named_for.entry(virtual_subnet).or_default();
                let new = *named == 0;
                *named += hosts;
                let first = rewrites && provider.rewriting == 0;
                provider.rewriting += if rewrites { hosts } else { 0 };
                if first {
                    for vsid in provider.named_for.keys() {
                        let subnet = self.subnets.entry(*vsid).or_default();
                        subnet.rewritten.add(provider_address, 1);
                    }
                } else if new && provider.rewriting > 0 {
                    let subnet = self.subnets.entry(virtual_subnet).or_default();
                    subnet.rewritten.add(provider_address, 1);
                }
                if first || new && provider.rewriting > 0 {
                    self.judge_provider(provider_address);
                }
            }
        }
    }

    /// So many hosts less hold a fact.
    pub fn take(&mut self, fact: Fact, hosts: u32) {
        match fact {
            Fact::Port { ground, tenant } => self.take_port(ground, tenant, hosts),
            Fact::Route {
                virtual_subnet,
                routing_domain,
            } => {
                let Some(subnet) = self.subnets.get_mut(&virtual_subnet) else {
                    return;
                };
                let before = subnet.class(virtual_subnet);
                if subnet.domains.take(routing_domain, hosts) {
                    self.reclass(virtual_subnet, before);
                }
            }
            Fact::Record {
                provider_address,
                virtual_subnet,
                rewrites,
            } => self.take_record(provider_address, virtual_subnet, rewrites, hosts),
        }
    }

    /// Where the rule is broken, in order. None: isolation is proved.
    pub fn breaches(&self) -> impl Iterator<Item = Breach> {
        self.breaches.iter().copied()
    }

    /// The subnets that any host's record names a provider address for, in order.
    pub fn named_for(
        &self,
        provider_address: ProviderAddress,
    ) -> impl Iterator<Item = VirtualSubnetId> {
        let provider = self.providers.get(&provider_address);
        provider
            .into_iter()
            .flat_map(|provider| provider.named_for.keys().copied())
    }

    /// The routing domains that hosts put a subnet into, in order.
    pub fn domains_of(&self, subnet: VirtualSubnetId) -> impl Iterator<Item = RoutingDomainId> {
        let subnet = self.subnets.get(&subnet);
        subnet
            .into_iter()
            .flat_map(|subnet| subnet.domains.members())
    }

    /// The tenants with ports in the subnets of a domain, in order.
    pub fn tenants_of(&self, domain: RoutingDomainId) -> impl Iterator<Item = TenantIndex> {
        let tenants = self.domains.get(&domain);
        tenants.into_iter().flat_map(Counted::members)
    }

    /// The subnets whose frames may come to mix, ports of two tenants among them: what is joined by
    /// domains or rewritten addresses, however many of those lie between. Each in order, and all.
    pub fn mixed_subnets(&self) -> Vec<Vec<VirtualSubnetId>> {
        let mut known: Vec<_> = self.subnets.keys().copied().collect();
        known.sort();
        let at: BTreeMap<_, _> = (known.iter().enumerate())
            .map(|(at, vsid)| (*vsid, at))
            .collect();
        let mut joined: Vec<usize> = (0..known.len()).collect();
        let mut first_of_domain = BTreeMap::new();
        let mut first_of_address = BTreeMap::new();
        for (at, vsid) in known.iter().enumerate() {
            let subnet = &self.subnets[vsid];
            for domain in subnet.domains.members() {
                join(
                    &mut joined,
                    *first_of_domain.entry(domain).or_insert(at),
                    at,
                );
            }
            for address in subnet.rewritten.members() {
                join(
                    &mut joined,
                    *first_of_address.entry(address).or_insert(at),
                    at,
                );
            }
        }
        let mut groups: BTreeMap<usize, (Vec<VirtualSubnetId>, BTreeSet<TenantIndex>)> =
            BTreeMap::new();
        for vsid in &known {
            let group = groups.entry(root(&mut joined, at[vsid])).or_default();
            group.0.push(*vsid);
            group.1.extend(self.subnets[vsid].tenants.members());
        }
        let mixed = groups
            .into_values()
            .filter(|(_, tenants)| tenants.len() > 1);
        mixed.map(|(subnets, _)| subnets).collect()
    }

    fn add_port(&mut self, ground: Ground, tenant: TenantIndex, hosts: u32) {
        match ground {
            Ground::Subnet(vsid) => {
                let subnet = self.subnets.entry(vsid).or_default();
                subnet.tenants.add(tenant, hosts);
                if let Class::Domain(domain) = subnet.class(vsid) {
                    let tenants = self.domains.entry(domain).or_default();
                    tenants.add(tenant, hosts);
                }
                self.judge_subnet(vsid);
            }
            Ground::Switch(_) | Ground::Wire(_) => {
                self.grounds.entry(ground).or_default().add(tenant, hosts);
                self.judge_ground(ground);
            }
        }
    }

    fn take_port(&mut self, ground: Ground, tenant: TenantIndex, hosts: u32) {
        match ground {
            Ground::Subnet(vsid) => {
                let Some(subnet) = self.subnets.get_mut(&vsid) else {
                    return;
                };
                subnet.tenants.take(tenant, hosts);
                if let Class::Domain(domain) = subnet.class(vsid)
                    && let Some(tenants) = self.domains.get_mut(&domain)
                {
                    tenants.take(tenant, hosts);
                }
                self.judge_subnet(vsid);
            }
            Ground::Switch(_) | Ground::Wire(_) => {
                if let Some(tenants) = self.grounds.get_mut(&ground) {
                    tenants.take(tenant, hosts);
                }
                self.judge_ground(ground);
            }
        }
    }

    fn take_record(
        &mut self,
        address: ProviderAddress,
        vsid: VirtualSubnetId,
        rewrites: bool,
        hosts: u32,
    ) {
        let Some(provider) = self.providers.get_mut(&address) else {
            return;
        };
        let rewritten = provider.rewriting > 0;
        if rewrites {
            provider.rewriting = provider.rewriting.saturating_sub(hosts);
        }
        let last = rewritten && provider.rewriting == 0;
        let mut changed = last;
        let mut unmarked = Vec::new();
        if last {
            unmarked.extend(provider.named_for.keys().copied());
        }
        if let Some(named) = provider.named_for.get_mut(&vsid) {
            *named = named.saturating_sub(hosts);
            if *named == 0 {
                provider.named_for.remove(&vsid);
                changed |= rewritten;
                if !last && rewritten {
                    unmarked.push(vsid);
                }
            }
        }
        for vsid in unmarked {
            if let Some(subnet) = self.subnets.get_mut(&vsid) {
                subnet.rewritten.take(address, 1);
            }
        }
        if changed {
            self.judge_provider(address);
        }
    }

    /// A subnet's domains changed: its tenants go along, and what was said by its class is said anew.
    fn reclass(&mut self, vsid: VirtualSubnetId, before: Class) {
        let Some(subnet) = self.subnets.get(&vsid) else {
            return;
        };
        let after = subnet.class(vsid);
        if after != before {
            for (tenant, holders) in subnet.tenants.counted() {
                if let Class::Domain(domain) = before
                    && let Some(tenants) = self.domains.get_mut(&domain)
                {
                    tenants.take(tenant, holders);
                }
                if let Class::Domain(domain) = after {
                    self.domains.entry(domain).or_default().add(tenant, holders);
                }
            }
        }
        let rewritten: Vec<_> = subnet.rewritten.members().collect();
        for class in [before, after] {
            if let Class::Domain(domain) = class {
                self.judge_domain(domain);
            }
        }
        self.judge_subnet(vsid);
        for address in rewritten {
            self.judge_provider(address);
        }
    }

    fn judge_subnet(&mut self, vsid: VirtualSubnetId) {
        let Some(subnet) = self.subnets.get(&vsid) else {
            return;
        };
        let class = subnet.class(vsid);
        let shared = subnet.tenants.len() > 1;
        let twice = subnet.domains.len() > 1;
        self.mark(Breach::SharedGround(Ground::Subnet(vsid)), shared);
        self.mark(Breach::SubnetInTwoDomains(vsid), twice);
        if let Class::Domain(domain) = class {
            self.judge_domain(domain);
        }
    }

    fn judge_domain(&mut self, domain: RoutingDomainId) {
        let tenants = self.domains.get(&domain);
        let shared = tenants.is_some_and(|tenants| tenants.len() > 1);
        self.mark(Breach::SharedDomain(domain), shared);
    }

    fn judge_ground(&mut self, ground: Ground) {
        let tenants = self.grounds.get(&ground);
        let shared = tenants.is_some_and(|tenants| tenants.len() > 1);
        self.mark(Breach::SharedGround(ground), shared);
    }

    fn judge_provider(&mut self, address: ProviderAddress) {
        let shared = self.providers.get(&address).is_some_and(|provider| {
            let class = |vsid: &VirtualSubnetId| match self.subnets.get(vsid) {
                Some(subnet) => subnet.class(*vsid),
                None => Class::Alone(*vsid),
            };
            let mut classes = provider.named_for.keys().map(class);
            let first = classes.next();
            provider.rewriting > 0 && classes.any(|class| Some(class) != first)
        });
        self.mark(Breach::SharedProviderAddress(address), shared);
    }

    fn mark(&mut self, breach: Breach, is: bool) {
        if is {
            self.breaches.insert(breach);
        } else {
            self.breaches.remove(&breach);
        }
    }
}

impl Subnet {
    /// Of two domains the lesser: that a subnet has two is a breach of its own.
    fn class(&self, vsid: VirtualSubnetId) -> Class {
        let domain = self.domains.members().next();
        domain.map_or(Class::Alone(vsid), Class::Domain)
    }
}

fn root(joined: &mut [usize], at: usize) -> usize {
    let mut top = at;
    while joined[top] != top {
        top = joined[top];
    }
    let mut at = at;
    while joined[at] != top {
        at = std::mem::replace(&mut joined[at], top);
    }
    top
}

/// The lesser of two roots stays one, so that groups come in the order of their first members.
fn join(joined: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(joined, a), root(joined, b));
    joined[a.max(b)] = a.min(b);
}
