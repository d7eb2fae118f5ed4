//! Frames as a guest sends them, one for each flow: made by etherparse once, and turned into any
//! other flow by changing addresses, ports and checksums. So a hundred thousand flows take as little
//! memory as one, and what differs between runs is the number of flows and nothing else.

use std::net::IpAddr;

use etherparse::PacketBuilder;
use nvgre_dataplane::{DEFAULT_ROUTER_MAC, DropReason, PortId, Verdict};
use nvgre_wire::MacAddress;
use nvgre_wire::checksum::Change;

use crate::guests::{self, FIRST_REMOTE, Family, NEIGHBOR, NOBODY, ROUTED};

/// What is above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP, with checksum.
    Udp,
    /// TCP.
    Tcp,
}

/// Who frames are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Guests on other hosts: as random as flows are many.
    Remote,
    /// The guest beside the sender.
    Neighbor,
    /// The guest in the other subnet, through the built-in router.
    Routed,
    /// An address without record.
    Nobody,
}

/// Flows of frames of one length from one guest.
#[derive(Clone, Debug)]
pub(crate) struct Flows {
    /// A frame of some flow.
    pattern: Vec<u8>,
    family: Family,
    transport: Transport,
    records: u32,
    to: To,
}

/// The payload of every frame, again and again.
pub(crate) const PAYLOAD: u8 = 0x5a;

impl Flows {
    /// Frames from guest `from`, `len` bytes without FCS.
    pub(crate) fn new(
        from: u32,
        to: To,
        (family, transport): (Family, Transport),
        len: usize,
        records: u32,
    ) -> Self {
        let link = PacketBuilder::ethernet2(guests::mac(from).octets(), [0; 6]);
        let ip = match guests::address(family, from) {
            IpAddr::V4(from) => link.ipv4(from.octets(), [0; 4], 64),
            IpAddr::V6(from) => link.ipv6(from.octets(), [0; 16], 64),
        };
        let mut pattern = Vec::with_capacity(len);
        let headers = header_len(family) + if transport == Transport::Tcp { 20 } else { 8 };
        let payload = vec![PAYLOAD; len - headers];
        match transport {
            Transport::Udp => ip.udp(0, 0).write(&mut pattern, &payload),
            Transport::Tcp => ip.tcp(0, 0, 1, 65_535).ack(1).write(&mut pattern, &payload),
        }
        .expect("a Vec takes it");
        Self {
            pattern,
            family,
            transport,
            records,
            to,
        }
    }

    /// Whoever frames of this flow are for.
    pub(crate) fn receiver(&self, flow: u32) -> u32 {
        match self.to {
            // The golden ratio spreads neighbours far apart, and never the same way twice.
            To::Remote => {
                FIRST_REMOTE + flow.wrapping_mul(2_654_435_761) % (self.records - FIRST_REMOTE)
            }
            To::Neighbor => NEIGHBOR,
            To::Routed => ROUTED,
            To::Nobody => NOBODY,
        }
    }

    /// What has to become of them.
    pub(crate) fn expected(&self) -> Verdict {
        match self.to {
            To::Remote => Verdict::Uplink,
            To::Neighbor => Verdict::Deliver(PortId(NEIGHBOR)),
            To::Routed => Verdict::Deliver(PortId(ROUTED)),
            To::Nobody => Verdict::Drop(DropReason::NoLookupRecord),
        }
    }

    /// Bytes of each frame.
    pub(crate) fn frame_len(&self) -> usize {
        self.pattern.len()
    }

    /// Writes the first bytes of the frame of a flow; behind them lies [`PAYLOAD`].
    pub(crate) fn write(&self, flow: u32, head: &mut [u8]) {
        self.write_to(flow, self.receiver(flow), head);
    }

    /// As [`Flows::write`], to a guest of one's choice.
    pub(crate) fn write_to(&self, flow: u32, to: u32, head: &mut [u8]) {
        let kept = head.len().min(self.pattern.len());
        head[..kept].copy_from_slice(&self.pattern[..kept]);
        let link = match self.to {
            To::Routed => DEFAULT_ROUTER_MAC,
            To::Remote | To::Neighbor | To::Nobody => guests::mac(to),
        };
        self.address(flow, to, link, head);
    }

    fn address(&self, flow: u32, to: u32, link: MacAddress, head: &mut [u8]) {
        let mut change = Change::default();
        let mut edit = |at: usize, new: &[u8]| {
            change.replace(&head[at..at + new.len()], new);
            head[at..at + new.len()].copy_from_slice(new);
            change
        };
        let header = match guests::address(self.family, to) {
            IpAddr::V4(to) => Some(edit(30, &to.octets())),
            IpAddr::V6(to) => {
                edit(38, &to.octets());
                None
            }
        };
        // Two ports tell 50,000 times 65,535 flows apart.
        let at = header_len(self.family);
        edit(at, &(1_024 + (flow % 50_000) as u16).to_be_bytes());
        edit(at + 2, &(53 + (flow / 50_000) as u16).to_be_bytes());
        head[..6].copy_from_slice(&link.octets());
        let mut update = |at: usize, apply: &dyn Fn(u16) -> u16| {
            let sum = u16::from_be_bytes([head[at], head[at + 1]]);
            head[at..at + 2].copy_from_slice(&apply(sum).to_be_bytes());
        };
        if let Some(header) = header {
            update(24, &|sum| header.apply(sum));
        }
        match self.transport {
            Transport::Udp => update(at + 6, &|sum| change.apply_udp(sum)),
            Transport::Tcp => update(at + 16, &|sum| change.apply(sum)),
        }
    }
}

/// Bytes in front of the transport header.
const fn header_len(family: Family) -> usize {
    match family {
        Family::V4 => 14 + 20,
        Family::V6 => 14 + 40,
    }
}
