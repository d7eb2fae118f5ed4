//! Who sees what happens to frames, and where frames are then.

use nvgre_dataplane::{DropReason, PortId};

/// Where a frame is when a host decides about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingress {
    /// A guest sent it at this port.
    Port(PortId),
    /// It came in at the physical NIC.
    Uplink,
}

/// Sees everything that happens to a frame and its copies.
pub trait Observer {
    /// A copy reached a port of this host.
    fn delivered(&mut self, host: usize, port: PortId, frame: &[u8]);
    /// A frame that the host's dataplane made (an answer or an ICMP error) reached a port.
    fn generated(&mut self, host: usize, port: PortId, frame: &[u8]);
    /// A copy left this host for the underlay.
    fn sent(&mut self, host: usize, frame: &[u8]);
    /// The underlay carries a copy that this host sent, as it is now: the router has changed the MACs
    /// of a routed one. To several hosts, if it is for a group.
    fn carried(&mut self, _from: usize, _frame: &[u8]) {}
    /// A copy came in at this host's uplink.
    fn arrived(&mut self, _host: usize, _frame: &[u8]) {}
    /// A copy that this host sent ended on the underlay. Unless this is implemented, it counts as
    /// dropped there, at the uplink.
    fn lost(&mut self, from: usize, reason: DropReason, frame: &[u8]) {
        self.dropped(from, Ingress::Uplink, reason, frame);
    }
    /// A copy ended here: at a host, or on the underlay behind it. `frame` is what the host decided
    /// about, or empty unless [`Observer::keeps_dropped`].
    fn dropped(&mut self, host: usize, ingress: Ingress, reason: DropReason, frame: &[u8]);
    /// Whether dropped frames are to be shown as they were before the host touched them, which
    /// costs a copy of every frame at every host.
    fn keeps_dropped(&self) -> bool;
}

/// Sees nothing.
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn delivered(&mut self, _host: usize, _port: PortId, _frame: &[u8]) {}
    fn generated(&mut self, _host: usize, _port: PortId, _frame: &[u8]) {}
    fn sent(&mut self, _host: usize, _frame: &[u8]) {}
    fn dropped(&mut self, _host: usize, _at: Ingress, _reason: DropReason, _frame: &[u8]) {}
    fn keeps_dropped(&self) -> bool {
        false
    }
}
