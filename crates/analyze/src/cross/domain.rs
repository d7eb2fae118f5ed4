//! The routing domain of a subnet, as far as the hosts' routes tell.

use std::fmt;

use nvgre_wire::{RoutingDomainId, VirtualSubnetId};

/// What guests need policy for: their routing domain, or their subnet where no route of any host
/// says which domain that is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// A routing domain.
    Routing(RoutingDomainId),
    /// A subnet without customer routes.
    Subnet(VirtualSubnetId),
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Routing(domain) => write!(f, "{domain}"),
            Self::Subnet(vsid) => write!(f, "VSID {vsid}"),
        }
    }
}
