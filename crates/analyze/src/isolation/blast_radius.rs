//! What a host that obeys nobody can reach: everything that takes its provider addresses for a
//! peer's.
//!
//! Such a host sends any packet under its own provider addresses; the underlay lets no others pass.
//! Another host delivers a packet in a subnet only if the subnet is in a routing domain of its tables
//! in which some record names the packet's source, or as an ICMP error about rewritten packets if it takes
//! the source for a router: a next hop of its provider routes. It also stands on the wire itself, where
//! it reaches every pass-through port.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_dataplane::{PortSubnet, RecordId, Rule};
use nvgre_sim::GuestIndex;
use nvgre_wire::{RoutingDomainId, VirtualSubnetId};

use super::fabric::Fabric;

/// Guests of one host that the hostile one reaches by one routing domain, or on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlastEntry {
    /// The host that lets it in.
    pub host: usize,
    /// By what: the domain, and the first record of it that lets the hostile host in.
    /// `None`: they are on the wire itself.
    pub by: Option<(RoutingDomainId, RecordId)>,
    /// Who is reached, in order.
    pub guests: Vec<GuestIndex>,
}

/// What host `hostile` reaches on other hosts, in order of those.
pub fn blast_radius(fabric: &Fabric, hostile: usize) -> Vec<BlastEntry> {
    let policy = &fabric.hosts[hostile].policy;
    let own: BTreeSet<_> = (policy.provider_addresses.iter())
        .map(|own| own.address)
        .collect();
    let mut entries = Vec::new();
    for host in (0..fabric.hosts.len()).filter(|&host| host != hostile) {
        let policy = &fabric.hosts[host].policy;
        let domain_of: BTreeMap<VirtualSubnetId, _> = (policy.customer_routes.iter())
            .map(|route| (route.virtual_subnet, route.routing_domain))
            .collect();
        let mut open = BTreeMap::new();
        let mut next_hops = policy.provider_routes.iter().map(|route| route.next_hop);
        let is_router = next_hops.any(|next_hop| own.contains(&next_hop));
        for record in &policy.records {
            if let Some(&domain) = domain_of.get(&record.virtual_subnet)
                && (own.contains(&record.provider_address) || is_router && record.rule == Rule::Nat)
            {
                open.entry(domain).or_insert(record.id);
            }
        }
        let mut reached = BTreeMap::<_, Vec<_>>::new();
        for port in fabric.ports(host) {
            let by = match port.subnet {
                PortSubnet::Tenant(vsid) => {
                    let domain = domain_of.get(&vsid).filter(|_| policy.wnv_bound);
                    domain.and_then(|domain| Some(Some((*domain, *open.get(domain)?))))
                }
                PortSubnet::Unset => Some(None),
                PortSubnet::LocalOnly => None,
            };
            if let Some(by) = by {
                reached.entry(by).or_default().push(port.id.0 as usize);
            }
        }
        entries.extend(reached.into_iter().map(|(by, mut guests)| {
            guests.sort_unstable();
            BlastEntry { host, by, guests }
        }));
    }
    entries
}
