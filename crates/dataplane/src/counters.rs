//! What a worker counts. Each worker has its own; sums are made when somebody reads.

use alloc::vec::Vec;

use crate::drop_reason::DropReason;
use crate::port::PortId;

/// Frames and bytes (Ethernet frames without FCS) of one port, seen from the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Frames that the guest sent, whatever became of them.
    pub sent_frames: u64,
    /// Frames for the guest that were handed to it. Answers and ICMP errors that its host makes are
    /// in [`Tally`] alone.
    pub received_frames: u64,
    /// The bytes of the former.
    pub sent_bytes: u64,
    /// The bytes of the latter.
    pub received_bytes: u64,
}

/// Things worth counting that drop no frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames put into NVGRE, copies included.
    pub encapsulated: u64,
    /// Frames taken out of NVGRE and accepted.
    pub decapsulated: u64,
    /// Packets rewritten to provider addresses.
    pub rewritten_out: u64,
    /// Packets rewritten back.
    pub rewritten_in: u64,
    /// ARP requests, neighbor solicitations and gateway echoes answered.
    pub answered: u64,
    /// ICMP errors made.
    pub errors_sent: u64,
    /// ICMP errors not made because of the rate limit.
    pub errors_suppressed: u64,
    /// Received GRE headers with a reserved bit set and ignored (RFC 2784 s2.3).
    pub gre_reserved_bits: u64,
    /// Received ECN combinations that RFC 6040 s4.2 wants reported.
    pub ecn_reported: u64,
    /// Received ICMP errors about packets that this host encapsulated.
    pub underlay_errors: u64,
    /// Floods whose copies for other hosts could not be made.
    pub remote_copies_refused: u64,
}

/// The counters of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    drops: [u64; DropReason::COUNT],
    ports: Vec<PortCounters>,
    /// The rest.
    pub tally: Tally,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            drops: [0; DropReason::COUNT],
            ports: Vec::new(),
            tally: ZERO,
        }
    }

    /// Frames dropped for this reason.
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    /// The port's counters; zeros for a port never seen.
    pub fn port(&self, port: PortId) -> PortCounters {
        self.ports.get(port.0 as usize).copied().unwrap_or_default()
    }

    pub(crate) fn dropped(&mut self, reason: DropReason) {
        self.drops[reason as usize] += 1;
    }

    pub(crate) fn grow(&mut self, ports: usize) {
        if self.ports.len() < ports {
            self.ports.resize(ports, PortCounters::default());
        }
    }

    pub(crate) fn sent(&mut self, port: PortId, frames: u64, bytes: u64) {
        let counters = &mut self.ports[port.0 as usize];
        counters.sent_frames += frames;
        counters.sent_bytes += bytes;
    }

    pub(crate) fn received(&mut self, port: PortId, bytes: usize) {
        let counters = &mut self.ports[port.0 as usize];
        counters.received_frames += 1;
        counters.received_bytes += bytes as u64;
    }
}

const ZERO: Tally = Tally {
    encapsulated: 0,
    decapsulated: 0,
    rewritten_out: 0,
    rewritten_in: 0,
    answered: 0,
    errors_sent: 0,
    errors_suppressed: 0,
    gre_reserved_bits: 0,
    ecn_reported: 0,
    underlay_errors: 0,
    remote_copies_refused: 0,
};
