//! What arrives, frame by frame, without end.

use nvgre_dataplane::{Nanos, NoEgress, NoTrace, PortId, Verdict, Worker};
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::flows::{Flows, PAYLOAD};
use crate::guests::{FIRST_HOST, HOSTS, ROUTED, SECOND_HOST, UNDERLAY_MAC, guests_of, host_mac};
use crate::world::World;

/// Bytes at the front of a frame that may differ from frame to frame, or that forwarding may change.
pub(crate) const HEAD: usize = 96;

/// Frames to be forwarded; they repeat after a while.
#[derive(Clone, Debug)]
pub(crate) enum Traffic {
    /// A mixture: frame `i` is of `flows[i % flows.len()]`.
    Sent {
        /// What takes turns.
        mixture: Vec<Flows>,
        /// Flows until they repeat.
        flows: u32,
    },
    /// Frames as another host has sent them.
    Arrived(Vec<(Vec<u8>, PortId)>),
}

impl Traffic {
    /// Frames of this many flows from guests everywhere to guests of the second host, as they arrive
    /// there. Each has been sent by the dataplane of its sender's own host.
    pub(crate) fn arrived(world: World, flows: u32, kind: impl Fn(u32) -> Flows) -> Self {
        // A sender's outer header depends on no third guest: small tables give the same frames.
        let small = World {
            records: world.records.min(1_000),
            ..world
        };
        let receivers: Vec<u32> = guests_of(SECOND_HOST, small.records).collect();
        let mut hosts: Vec<_> = (FIRST_HOST..HOSTS)
            .filter(|&host| host != SECOND_HOST)
            .map(|host| {
                (
                    small.host(host),
                    guests_of(host, small.records).collect::<Vec<u32>>(),
                )
            })
            // The third guest of the first host is in another subnet.
            .map(|(snapshot, mut guests)| {
                guests.retain(|&guest| guest != ROUTED);
                (snapshot, guests)
            })
            .collect();
        hosts.retain(|(_, guests)| !guests.is_empty());
        let mut worker = Worker::new();
        let arrived = (0..flows).map(|flow| {
            let (snapshot, guests) = &hosts[flow as usize % hosts.len()];
            let from = guests[flow as usize / hosts.len() % guests.len()];
            let to = receivers[flow as usize % receivers.len()];
            let kind = kind(from);
            let len = kind.frame_len();
            let mut memory = vec![PAYLOAD; HEADROOM + len];
            kind.write_to(flow, to, &mut memory[HEADROOM..]);
            let mut frame =
                FrameBuf::new(&mut memory, HEADROOM..HEADROOM + len).expect("headroom is there");
            let verdict = worker.outbound_frame(
                Nanos(0),
                snapshot,
                PortId(from),
                &mut frame,
                &mut NoEgress,
                &mut NoTrace,
            );
            assert_eq!(verdict, Verdict::Uplink);
            // The underlay has routed it: it comes from the router to this host's NIC.
            let mut bytes = frame.bytes().to_vec();
            bytes[..6].copy_from_slice(&host_mac(SECOND_HOST).octets());
            bytes[6..12].copy_from_slice(&UNDERLAY_MAC.octets());
            (bytes, PortId(to))
        });
        Self::Arrived(arrived.collect())
    }

    /// Bytes of the longest frame.
    pub(crate) fn longest(&self) -> usize {
        match self {
            Self::Sent { mixture, .. } => mixture.iter().map(Flows::frame_len).max(),
            Self::Arrived(frames) => frames.iter().map(|(frame, _)| frame.len()).max(),
        }
        .unwrap_or_default()
    }

    /// Writes the head of frame `index`; behind it lies [`PAYLOAD`]. Gives the frame's length and
    /// what has to become of it.
    pub(crate) fn write(&self, index: u64, place: &mut [u8]) -> (usize, Verdict) {
        match self {
            Self::Sent { mixture, flows } => {
                let flow = (index % u64::from(*flows)) as u32;
                let kind = &mixture[flow as usize % mixture.len()];
                let head = kind.frame_len().min(HEAD);
                kind.write(flow, &mut place[..head]);
                (kind.frame_len(), kind.expected())
            }
            Self::Arrived(frames) => {
                let (frame, port) = &frames[(index % frames.len() as u64) as usize];
                let head = frame.len().min(HEAD);
                place[..head].copy_from_slice(&frame[..head]);
                (frame.len(), Verdict::Deliver(*port))
            }
        }
    }
}
