//! How a verdict came about, for whoever asks: events are data, and asking is a type.

use nvgre_wire::{
    CustomerAddress, FlowId, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId,
};
use smallvec::SmallVec;

use crate::customer_route::RouteId;
use crate::drop_reason::DropReason;
use crate::lookup_record::RecordId;
use crate::port::{PortId, PortSubnet};

/// One step of a frame: which table was asked, with which key, and what it said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The frame passed its port.
    Admitted {
        /// The port it came in at.
        port: PortId,
        /// The port's subnet: the only source of the frame's tenant.
        subnet: PortSubnet,
    },
    /// Ports of this switch were asked for a MAC.
    PortAsked {
        /// The subnet.
        subnet: PortSubnet,
        /// The MAC.
        mac: MacAddress,
        /// The port, if one has both.
        hit: Option<PortId>,
    },
    /// Records were asked by customer address.
    RecordAsked {
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
        /// The address.
        customer_address: CustomerAddress,
        /// The record, if there is one.
        hit: Option<RecordId>,
    },
    /// Records were asked by MAC.
    MacAsked {
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
        /// The MAC.
        mac: MacAddress,
        /// The record, if there is one.
        hit: Option<RecordId>,
    },
    /// Wildcard records were asked, since nothing better matched.
    WildcardAsked {
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
        /// The record, if there is one.
        hit: Option<RecordId>,
    },
    /// Customer routes were asked.
    RouteAsked {
        /// The routing domain.
        routing_domain: RoutingDomainId,
        /// The destination.
        destination: CustomerAddress,
        /// The route, if one covers it.
        hit: Option<RouteId>,
    },
    /// The sender was looked for, since the frame leaves the host.
    SourceAsked {
        /// The sender's subnet.
        virtual_subnet: VirtualSubnetId,
        /// The sender's address, if the frame shows one.
        customer_address: Option<CustomerAddress>,
        /// The sender's MAC.
        mac: MacAddress,
        /// The record that may speak for it, if there is one.
        hit: Option<RecordId>,
    },
    /// The underlay's next hop was looked for.
    NextHopAsked {
        /// Where the packet goes.
        provider_address: ProviderAddress,
        /// The next hop's MAC, if it is known.
        hit: Option<MacAddress>,
    },
    /// The frame was routed into another subnet: new MACs, TTL less one.
    Routed {
        /// The sender's subnet.
        from: VirtualSubnetId,
        /// The next hop's.
        to: VirtualSubnetId,
    },
    /// ARP or neighbor solicitation was answered on the guest's behalf.
    Answered {
        /// The address that was asked for.
        customer_address: CustomerAddress,
        /// What was said.
        mac: MacAddress,
    },
    /// The frame was put into NVGRE.
    Encapsulated {
        /// The key's subnet: the destination's.
        virtual_subnet: VirtualSubnetId,
        /// The key's FlowID.
        flow_id: FlowId,
        /// Outer source.
        source: ProviderAddress,
        /// Outer destination.
        destination: ProviderAddress,
    },
    /// The packet's addresses were rewritten to provider addresses, or back.
    Rewritten {
        /// The record of the source.
        source: RecordId,
        /// The record of the destination.
        destination: RecordId,
    },
    /// An outer header was read and is for this host.
    OuterAccepted {
        /// Outer source.
        source: ProviderAddress,
        /// Outer destination.
        destination: ProviderAddress,
    },
    /// The NVGRE header was read.
    KeyRead {
        /// The key's subnet.
        virtual_subnet: VirtualSubnetId,
        /// The key's FlowID.
        flow_id: FlowId,
    },
    /// The sending host was checked.
    PeerChecked {
        /// The subnet of the key.
        virtual_subnet: VirtualSubnetId,
        /// The source provider address.
        source: ProviderAddress,
        /// The record of the source customer address, where there is one.
        hit: Option<RecordId>,
    },
    /// The sending host is unknown: no record of the subnet's routing domain names its address.
    PeerUnknown {
        /// The subnet of the key.
        virtual_subnet: VirtualSubnetId,
        /// The source provider address.
        source: ProviderAddress,
        /// The record of the sender's customer address, else of its MAC, where there is one: it names
        /// another provider address.
        sender: Option<RecordId>,
    },
    /// Copies were made.
    Flooded {
        /// Copies for ports of this switch.
        local: u16,
        /// Copies for other hosts.
        remote: u16,
    },
    /// Copies for other hosts were not made.
    RemoteCopiesRefused(DropReason),
    /// An ICMP error went back to the sender.
    ErrorSent {
        /// The port of the sender.
        to: PortId,
    },
    /// The frame goes to this port.
    Delivered(PortId),
    /// The frame goes nowhere.
    Dropped(DropReason),
}

/// Listens to the steps of frames. Whether it listens is part of the type, so that a silent tracer
/// costs nothing.
pub trait Tracer {
    /// Whether events are made at all.
    const ON: bool;
    /// Frame `index` of the batch is next.
    fn frame(&mut self, index: usize);
    /// One step of the current frame.
    fn event(&mut self, event: Event);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Tracer for NoTrace {
    const ON: bool = false;
    fn frame(&mut self, _index: usize) {}
    fn event(&mut self, _event: Event) {}
}

/// Keeps the steps of the last frame.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    events: SmallVec<[Event; 16]>,
}

impl Trace {
    /// The steps, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

impl Tracer for Trace {
    const ON: bool = true;

    fn frame(&mut self, _index: usize) {
        self.events.clear();
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }
}
