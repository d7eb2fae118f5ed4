//! One frame's whole way through the network, as data: every host that decided about it or a copy of
//! it, what that host's tables said, what it sent, and what the underlay made of it.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::Bytes;
use nvgre_dataplane::{DropReason, Event, PortId, Tracer};

use crate::clue::{Clue, ClueTracer, WalkTracer};
use crate::ledger::{CopyLedger, Fate};
use crate::observer::{Ingress, Observer};
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
    /// question that had no answer. None: no copy was dropped, or no host had the frame.
    pub fn clue_of_drop(&self) -> Option<Clue> {
        let (last, _) = self.drops().next()?;
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
        tracer.first_drop
    }

    fn exits(&self) -> impl Iterator<Item = (usize, &Exit)> {
        let hops = self.hops.iter().enumerate();
        hops.flat_map(|(at, hop)| hop.exits.iter().map(move |exit| (at, exit)))
    }
}

/// Writes a journey down while it is made: as the observer of its copies and the tracer of its
/// decisions, which come in one order. So both are borrows of one record.
#[derive(Debug, Default)]
pub(crate) struct Recorder(RefCell<Record>);

#[derive(Debug, Default)]
struct Record {
    hops: Vec<Hop>,
    /// Hop and exit of copies that were sent and have not departed.
    waiting: VecDeque<(usize, usize)>,
    /// The next to depart, if it has waited.
    next: Option<(usize, usize)>,
    /// Hop and exit of each departure.
    departures: Vec<(usize, usize)>,
    /// The departure that arrives at the next hop.
    arriving: Option<usize>,
    /// The underlay's loss is written down already.
    lost: bool,
}

impl Recorder {
    /// The hops that were written down.
    pub(crate) fn into_hops(self) -> Vec<Hop> {
        self.0.into_inner().hops
    }
}

impl Record {
    fn exit(&mut self, exit: Exit) -> Option<(usize, usize)> {
        let at = self.hops.len().checked_sub(1)?;
        self.hops[at].exits.push(exit);
        Some((at, self.hops[at].exits.len() - 1))
    }

    fn arrival(&mut self, departure: usize, arrival: Arrival) -> Option<(usize, usize)> {
        let &(hop, exit) = self.departures.get(departure)?;
        if let Exit::Sent { arrivals, .. } = &mut self.hops[hop].exits[exit] {
            arrivals.push(arrival);
        }
        Some((hop, exit))
    }
}

impl Observer for &Recorder {
    fn delivered(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        let frame = Bytes::copy_from_slice(frame);
        self.0.borrow_mut().exit(Exit::Delivered { port, frame });
    }

    fn generated(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        let frame = Bytes::copy_from_slice(frame);
        self.0.borrow_mut().exit(Exit::Generated { port, frame });
    }

    fn sent(&mut self, _host: usize, frame: &[u8]) {
        let mut record = self.0.borrow_mut();
        let sent = record.exit(Exit::Sent {
            frame: Bytes::copy_from_slice(frame),
            arrivals: Vec::new(),
        });
        record.waiting.extend(sent);
    }

    fn dropped(&mut self, _host: usize, _ingress: Ingress, reason: DropReason, _frame: &[u8]) {
        let mut record = self.0.borrow_mut();
        if !std::mem::take(&mut record.lost) {
            record.exit(Exit::Dropped(reason));
        }
    }

    fn keeps_dropped(&self) -> bool {
        false
    }
}

impl Tracer for &Recorder {
    const ON: bool = true;

    fn frame(&mut self, _index: usize) {}

    fn event(&mut self, event: Event) {
        if let Some(hop) = self.0.borrow_mut().hops.last_mut() {
            hop.events.push(event);
        }
    }
}

impl WalkTracer for &Recorder {
    fn at(&mut self, step: Step, frame: &[u8]) {
        let mut record = self.0.borrow_mut();
        let here = record.hops.len();
        let departure = record.arriving.take();
        let after = departure.and_then(|departure| record.arrival(departure, Arrival::Hop(here)));
        record.hops.push(Hop {
            host: step.host,
            ingress: step.ingress,
            after,
            frame: Bytes::copy_from_slice(frame),
            events: Vec::with_capacity(8),
            exits: Vec::new(),
        });
    }

    fn resumed(&mut self) {
        let mut record = self.0.borrow_mut();
        record.next = record.waiting.pop_front();
    }

    fn departed(&mut self) -> usize {
        let mut record = self.0.borrow_mut();
        // A frame that goes on without having waited is what was sent last.
        let sent = record.next.take();
        let sent = sent.or_else(|| record.waiting.pop_back());
        record.departures.extend(sent);
        record.departures.len().saturating_sub(1)
    }

    fn arrives(&mut self, departure: usize) {
        self.0.borrow_mut().arriving = Some(departure);
    }

    fn lost(
        &mut self,
        departure: Option<usize>,
        to: Option<usize>,
        reason: DropReason,
        _packet: &[u8],
    ) {
        let mut record = self.0.borrow_mut();
        record.lost = true;
        if let Some(departure) = departure {
            record.arrival(departure, Arrival::Lost { to, reason });
        }
    }

    fn dropped(&mut self) {}
}
