//! What nearly matched: for a drop that a table caused, the rows that came closest and the one field
//! that differs. [`crate::near_misses`] finds them.

use nvgre_dataplane::{PortSubnet, RecordId, RouteId, Rule};
use nvgre_sim::GuestIndex;
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId, VlanId};

/// A row of a host's tables. The host is an index; the row is its id, or its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A lookup record.
    Record(usize, RecordId),
    /// A customer route.
    Route(usize, RouteId),
    /// A provider route.
    ProviderRoute(usize, usize),
}

/// One thing that nearly matched, or that would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NearMiss {
    /// Another host's table has the row that this one's has not.
    OtherHost {
        /// The host that was asked.
        here: usize,
        /// What another one has.
        row: Row,
    },
    /// A row for the address stands in another subnet than the one that was asked.
    OtherSubnet {
        /// The row.
        row: Row,
        /// The subnet that was asked.
        asked: VirtualSubnetId,
    },
    /// The record of the MAC has another customer address.
    OtherAddress {
        /// The record.
        record: Row,
        /// The address that was asked for.
        asked: CustomerAddress,
    },
    /// The record of the address has another MAC.
    OtherMac {
        /// The record.
        record: Row,
        /// The MAC that was asked for.
        asked: MacAddress,
    },
    /// The record of the address has another provider address than the packet.
    OtherProvider {
        /// The record.
        record: Row,
        /// The packet's source.
        asked: ProviderAddress,
    },
    /// Records name the packet's source, in another routing domain.
    OtherDomain {
        /// One of them.
        record: Row,
        /// The packet's source.
        asked: ProviderAddress,
    },
    /// The record has another rule than would have carried the frame.
    OtherRule {
        /// The record.
        record: Row,
        /// The rule that would have.
        asked: Rule,
    },
    /// The record's provider address is of the other family than its customer address.
    OtherFamily {
        /// The record.
        record: Row,
    },
    /// A customer route of the routing domain, with a prefix that does not cover the destination.
    OtherPrefix {
        /// The route whose prefix shares most bits with it.
        route: Row,
        /// The destination.
        asked: CustomerAddress,
    },
    /// The record names a provider address that is not this host's, although the guest is here.
    NotOfThisHost {
        /// The record.
        record: Row,
        /// The host that the frame was to leave.
        here: usize,
        /// The host that has the address.
        owner: Option<usize>,
    },
    /// The record names a provider address that no host owns.
    OfNoHost {
        /// The record.
        record: Row,
        /// Where the record's guest runs, if the inventory knows it.
        runs: Option<Runs>,
    },
    /// Where the guest with the address runs.
    Runs(Runs),
    /// The port with the MAC is in another subnet.
    PortSubnet {
        /// The guest of the port.
        guest: GuestIndex,
        /// The port's subnet.
        has: PortSubnet,
        /// The subnet that was asked.
        asked: VirtualSubnetId,
    },
    /// The port of the guest with the address has another MAC.
    PortMac {
        /// The guest of the port.
        guest: GuestIndex,
        /// The MAC that was asked for.
        asked: MacAddress,
    },
    /// The VLAN of the host's provider address is not the packet's.
    Vlan {
        /// The host.
        host: usize,
        /// Its provider address.
        address: ProviderAddress,
        /// What the address has.
        has: Option<VlanId>,
        /// What the packet has.
        asked: Option<VlanId>,
    },
    /// No provider route of the host covers the provider address, nor does a prefix of its own ones.
    NoProviderRoute {
        /// The host.
        host: usize,
        /// The provider address.
        asked: ProviderAddress,
    },
    /// The host has no binding of network virtualization: no row of its tables is in force.
    NotBound {
        /// The host.
        host: usize,
        /// The record that would have served.
        record: Option<Row>,
    },
    /// Two hosts have one provider address; the underlay takes the first for its owner.
    OwnedTwice {
        /// The address.
        address: ProviderAddress,
        /// Its owner.
        owner: usize,
        /// The other one.
        other: usize,
    },
}

/// Where a guest runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// The guest.
    pub guest: GuestIndex,
    /// The host.
    pub host: usize,
    /// The provider addresses that the host has in force.
    pub provider_addresses: Vec<ProviderAddress>,
}

impl NearMiss {
    /// The name of what differs, for tools.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::OtherHost { .. } | Self::Runs(_) => "host",
            Self::OtherSubnet { .. } | Self::PortSubnet { .. } => "virtual_subnet",
            Self::OtherAddress { .. } => "customer_address",
            Self::OtherMac { .. } | Self::PortMac { .. } => "mac",
            Self::OtherProvider { .. }
            | Self::NotOfThisHost { .. }
            | Self::OfNoHost { .. }
            | Self::OwnedTwice { .. } => "provider_address",
            Self::OtherDomain { .. } => "routing_domain",
            Self::OtherRule { .. } => "rule",
            Self::OtherFamily { .. } => "address_family",
            Self::OtherPrefix { .. } => "destination_prefix",
            Self::Vlan { .. } => "vlan",
            Self::NoProviderRoute { .. } => "provider_route",
            Self::NotBound { .. } => "binding",
        }
    }

    /// The row that nearly matched, if it is one.
    pub const fn row(&self) -> Option<Row> {
        match self {
            Self::OtherHost { row, .. } | Self::OtherSubnet { row, .. } => Some(*row),
            Self::OtherAddress { record, .. }
            | Self::OtherMac { record, .. }
            | Self::OtherProvider { record, .. }
            | Self::OtherDomain { record, .. }
            | Self::OtherRule { record, .. }
            | Self::OtherFamily { record }
            | Self::NotOfThisHost { record, .. }
            | Self::OfNoHost { record, .. } => Some(*record),
            Self::OtherPrefix { route, .. } => Some(*route),
            Self::NotBound { record, .. } => *record,
            Self::Runs(_)
            | Self::PortSubnet { .. }
            | Self::PortMac { .. }
            | Self::Vlan { .. }
            | Self::NoProviderRoute { .. }
            | Self::OwnedTwice { .. } => None,
        }
    }
}
