//! Where packets for a provider address go first (RFC 7637 s3.2: the outer destination MAC is that
//! of the next hop).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use nvgre_wire::{MacAddress, ProviderAddress, ProviderPrefix};

use crate::policy::Policy;
use crate::provider::{HostAddress, ProviderRoute};

/// What a host knows of the provider network's routes and neighbors.
#[derive(Debug)]
pub(crate) struct Underlay {
    addresses: Vec<HostAddress>,
    routes: Vec<ProviderRoute>,
    neighbors: BTreeMap<ProviderAddress, MacAddress>,
    proxy: Option<MacAddress>,
}

impl Underlay {
    pub(crate) fn of(policy: &Policy) -> Self {
        let neighbors = policy.neighbors.iter();
        Self {
            addresses: policy.provider_addresses.clone(),
            routes: policy.provider_routes.clone(),
            neighbors: neighbors
                .map(|neighbor| (neighbor.address, neighbor.mac))
                .collect(),
            proxy: policy.proxy_neighbor_mac,
        }
    }

    /// Longest prefix over the interface's provider routes and the on-link prefixes of its
    /// addresses, then the lowest metric. A multicast group needs no neighbor.
    pub(crate) fn next_hop(&self, interface: u32, to: ProviderAddress) -> Option<MacAddress> {
        if let Some(group) = MacAddress::of_multicast(to.ip()) {
            return Some(group);
        }
        let on_interface = |host: &&HostAddress| host.interface_index == interface;
        let connected = self
            .addresses
            .iter()
            .filter(on_interface)
            .filter_map(|host| ProviderPrefix::new(host.address, host.prefix_length).ok())
            .filter(|prefix| prefix.contains(to))
            .map(|prefix| (prefix.length(), core::cmp::Reverse(0), to));
        let routed = self
            .routes
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
        self.neighbors.get(&via).copied().or(self.proxy)
    }
}
