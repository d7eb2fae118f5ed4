//! One frame's whole way through the network, as data: every host that decided about it or a copy of
//! it, what that host's tables said, what it sent, and what the underlay made of it.

use bytes::Bytes;
use nvgre_dataplane::{DropReason, Event, PortId, Tracer};

use crate::clue::{Clue, ClueTracer, WalkTracer};
use crate::ledger::{CopyLedger, Fate};
use crate::observer::Ingress;
use crate::walk::Step;
use crate::world::SWITCH_LATENCY_NANOS;

/// What became of one frame and of all its copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    /// Every time a host decided, in the order of deciding: a copy's hops stand together, those of
    /// copies that waited behind them. Empty for a frame that the underlay lost before any host had
    /// it.
    pub hops: Vec<Hop>,
    /// Its outcome.
    pub fate: Fate,
    /// Its copies.
    pub copies: CopyLedger,
}

/// One host decides about one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Index of the host.
    pub host: usize,
    /// The way in.
    pub ingress: Ingress,
    /// The hop that sent the frame here, and the place of it in that one's `exits`. None: it began here.
    pub after: Option<(usize, usize)>,
    /// The frame as it came in.
    pub frame: Bytes,
    /// What the host's tables were asked and said, in order.
    pub events: Vec<Event>,
    /// Everything that came of it, in order. None: the host took the frame for itself.
    pub exits: Vec<Exit>,
}

/// Something that came of a host's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The frame, or a copy, reached a port.
    Delivered {
        /// The port.
        port: PortId,
        /// As it was delivered.
        frame: Bytes,
    },
    /// The host made a frame of its own for a port: an answer, or an ICMP error.
    Generated {
        /// The port.
        port: PortId,
        /// The frame.
        frame: Bytes,
    },
    /// The frame, or a copy, left for the underlay.
    Sent {
        /// As it was sent.
        frame: Bytes,
        /// Where the underlay took it: several places for a group.
        arrivals: Vec<Arrival>,
    },
    /// The frame went nowhere.
    Dropped(DropReason),
}

/// What the underlay made of a packet, at one of the places where it was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It arrived: this hop.
    Hop(usize),
    /// It was dropped, on the way to this host where one is known.
    Lost {
        /// Index of the host.
        to: Option<usize>,
        /// Why.
        reason: DropReason,
    },
}

impl Journey {
    /// Every copy that reached a port: the hop, the port, and the frame as it was delivered.
    pub fn deliveries(&self) -> impl Iterator<Item = (usize, PortId, &Bytes)> {
        self.exits().filter_map(|(hop, exit)| match exit {
            Exit::Delivered { port, frame } => Some((hop, *port, frame)),
            Exit::Generated { .. } | Exit::Sent { .. } | Exit::Dropped(_) => None,
        })
    }

    /// Every frame that a host made: the hop, the port it went to, and the frame.
    pub fn generated(&self) -> impl Iterator<Item = (usize, PortId, &Bytes)> {
        self.exits().filter_map(|(hop, exit)| match exit {
            Exit::Generated { port, frame } => Some((hop, *port, frame)),
            Exit::Delivered { .. } | Exit::Sent { .. } | Exit::Dropped(_) => None,
        })
    }

    /// Every end of a copy that reached no port: the hop where it was last, and the reason.
    pub fn drops(&self) -> impl Iterator<Item = (usize, DropReason)> {
        self.exits().flat_map(|(hop, exit)| {
            let (own, lost) = match exit {
                Exit::Dropped(reason) => (Some(*reason), &[][..]),
                Exit::Sent { arrivals, .. } => (None, &arrivals[..]),
                Exit::Delivered { .. } | Exit::Generated { .. } => (None, &[][..]),
            };
            let lost = lost.iter().filter_map(|arrival| match arrival {
                Arrival::Hop(_) => None,
                Arrival::Lost { reason, .. } => Some(*reason),
            });
            own.into_iter().chain(lost).map(move |reason| (hop, reason))
        })
    }

    /// The journey of a packet that this host sent to a provider address that nobody owns.
    pub(crate) fn lost_behind(host: usize) -> Self {
        Self {
            hops: Vec::new(),
            fate: Fate {
                dropped: Some((DropReason::UnderlayNoOwner, host)),
                ..Fate::default()
            },
            copies: CopyLedger {
                made: 1,
                dropped: 1,
                ..CopyLedger::default()
            },
        }
    }

    /// How long a frame takes from where it began to a port of this hop, in nanoseconds, as guests
    /// measure it: the underlay's latency for every time it crosses, and the switch's.
    pub fn nanos_to(&self, hop: usize, latency_nanoseconds: u64) -> u64 {
        let crossings = self.way_to(hop).len().saturating_sub(1) as u64;
        crossings * latency_nanoseconds + SWITCH_LATENCY_NANOS
    }

    /// The hops that a frame went through to be at this one, first to last, this one included.
    pub fn way_to(&self, hop: usize) -> Vec<usize> {
        let mut way = vec![hop];
        let mut here = hop;
        while let Some((before, _)) = self.hops.get(here).and_then(|hop| hop.after) {
            way.push(before);
            here = before;
        }
        way.reverse();
        way
    }

    /// What the first copy that was dropped met last: the record that it was forwarded by, or the
    /// question that had no answer; neither where no table decided. None: no copy was dropped, or no
    /// host had the frame.
    pub fn clue_of_drop(&self) -> Option<Clue> {
        let (last, reason) = self.drops().next()?;
        let mut tracer = ClueTracer::default();
        for at in self.way_to(last) {
            let hop = &self.hops[at];
            let step = Step {
                host: hop.host,
                ingress: hop.ingress,
            };
            tracer.at(step, &hop.frame);
            hop.events.iter().for_each(|&event| tracer.event(event));
        }
        let lost = self.hops[last].exits.iter().find_map(|exit| match exit {
            Exit::Sent { frame, arrivals } => {
                let mut lost = arrivals.iter();
                lost.any(|arrival| matches!(arrival, Arrival::Lost { to: None, .. }))
                    .then_some(frame)
            }
            Exit::Delivered { .. } | Exit::Generated { .. } | Exit::Dropped(_) => None,
        });
        if let (Some(frame), Some((reason, _))) = (lost, self.fate.dropped) {
            tracer.lost(None, None, reason, frame);
        }
        tracer.dropped();
        tracer.first_drop.map(|clue| clue.about(reason))
    }

    fn exits(&self) -> impl Iterator<Item = (usize, &Exit)> {
        let hops = self.hops.iter().enumerate();
        hops.flat_map(|(at, hop)| hop.exits.iter().map(move |exit| (at, exit)))
    }
}
