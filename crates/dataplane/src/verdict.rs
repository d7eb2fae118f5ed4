//! What was decided about a frame, and where copies of it go.

use core::ops::Add;

use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId};

use crate::drop_reason::DropReason;
use crate::port::PortId;

/// What became of a frame.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The frame, as it is now, goes to this port.
    Deliver(PortId),
    /// The frame, as it is now, goes out of the physical NIC.
    Uplink,
    /// The frame went to several places: this many copies were handed to [`Egress`].
    Replicated(u16),
    /// The frame was a question and has become its answer: it goes back to where it came from.
    Hairpin,
    /// The host itself takes the frame.
    Consumed,
    /// The frame goes nowhere.
    Drop(DropReason),
}

/// Where a copy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A port of this switch.
    Port(PortId),
    /// The physical NIC.
    Uplink,
}

/// A customer address that a packet has shown for a MAC with an L2Only record. The owner of the
/// policy adds it as a Dynamic record; the frame path never edits policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The subnet.
    pub virtual_subnet: VirtualSubnetId,
    /// The address that was seen.
    pub customer_address: CustomerAddress,
    /// The MAC that it was seen with.
    pub mac: MacAddress,
    /// The provider address that both came from; an L2Only record ties it to the MAC.
    pub provider_address: ProviderAddress,
}

/// Takes what does not fit into a verdict. Frames are lent for the call only.
pub trait Egress {
    /// One copy of frame `index` of the batch.
    fn copy(&mut self, index: usize, to: Destination, frame: &[u8]);
    /// A frame that the dataplane made itself, an ICMP error about frame `index`.
    fn generated(&mut self, index: usize, to: PortId, frame: &[u8]);
    /// See [`Learned`].
    fn learned(&mut self, learned: Learned);
}

/// Takes nothing: for callers that only want verdicts of unicast frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEgress;

impl Egress for NoEgress {
    fn copy(&mut self, _index: usize, _to: Destination, _frame: &[u8]) {}
    fn generated(&mut self, _index: usize, _to: PortId, _frame: &[u8]) {}
    fn learned(&mut self, _learned: Learned) {}
}

/// A point in time, in nanoseconds since whenever the caller likes; it only has to go forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Add<u64> for Nanos {
    type Output = Self;

    /// Later by this many nanoseconds.
    fn add(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}
