//! Customer routes: the prefixes of a routing domain, and which subnet each one lies in.

use nvgre_wire::{CustomerAddress, CustomerPrefix, RoutingDomainId, VirtualSubnetId};

/// Names a customer route in traces; unique within one host's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);

/// One customer route (New-NetVirtualizationCustomerRoute). Only these tie a subnet to a routing
/// domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerRoute {
    /// Its name.
    pub id: RouteId,
    /// `-RoutingDomainID`.
    pub routing_domain: RoutingDomainId,
    /// `-VirtualSubnetID`: the subnet where the next hop is found.
    pub virtual_subnet: VirtualSubnetId,
    /// `-DestinationPrefix`.
    pub destination: CustomerPrefix,
    /// `-NextHop`; 0.0.0.0 or :: says that the destination itself is (on-link).
    pub next_hop: CustomerAddress,
    /// `-Metric`: the lowest wins among routes of the same prefix.
    pub metric: u32,
}

impl CustomerRoute {
    /// Whether the destination itself is the next hop.
    pub const fn is_on_link(&self) -> bool {
        self.next_hop.is_unspecified()
    }
}
