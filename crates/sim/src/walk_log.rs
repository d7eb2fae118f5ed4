//! One frame's walk, kept until it has ended: where each copy was seen, with its bytes, and how it
//! ended. Only then can it be said of every copy what became of the frame.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;

use nvgre_dataplane::{DropReason, Event, Outer, PortId, RecordId, Tracer};
use nvgre_wire::{EtherType, Gre, ip_protocol};
use smallvec::SmallVec;

use crate::clue::{Clue, ClueTracer, WalkTracer};
use crate::entry::SkipReason;
use crate::observer::Ingress;
use crate::oracle::{GuestIndex, Sender};
use crate::walk::Step;

/// See the module.
#[derive(Debug)]
pub(crate) struct WalkLog {
    /// Of the frame, over all input files, from 1.
    pub(crate) number: u64,
    /// The packet's own time.
    pub(crate) captured_ns: i64,
    pub(crate) beginning: Beginning,
    /// In the order in which they happened.
    pub(crate) hops: Vec<Hop>,
    pub(crate) ends: Vec<End>,
    /// Hosts that answered or sent an error, each once.
    pub(crate) answered_by: SmallVec<[usize; 2]>,
    /// Keys on the underlay, each once: VSID and FlowID.
    pub(crate) keys: SmallVec<[(u32, u8); 2]>,
    pub(crate) clue: ClueTracer,
    /// The record by which the frame left its first host.
    left_by: Option<(usize, RecordId)>,
    /// The host that decides, and the hop at which the copy in hand came to it.
    at: usize,
    came_by: usize,
    /// Hops of copies that were sent and have not departed, and of the one that departs next if it
    /// has waited.
    waiting: VecDeque<usize>,
    next: Option<usize>,
    /// The hops of the copy in hand since it was sent.
    way: SmallVec<[usize; 3]>,
    memory: Vec<u8>,
}

/// How a frame began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// It entered here.
    Entered { at: Step, sender: Sender },
    /// It never did.
    Skipped(SkipReason),
}

/// A copy, where it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) seen: Seen,
    /// Which of the ends is that of the copy, if it came to one alone.
    pub(crate) end: Option<usize>,
    /// It came to several.
    shared: bool,
    bytes: Range<usize>,
}

/// Where a copy was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// At a port, as its guest sent it.
    FromGuest(GuestIndex),
    /// At a port, as its guest gets it from another one.
    ToGuest(GuestIndex),
    /// At a port, as its guest gets it from the host itself.
    AnswerTo(GuestIndex),
    /// At the uplink of the host that sent it.
    Sent(usize),
    /// On the underlay.
    Carried,
    /// At the uplink of the host that it came to.
    Arrived(usize),
}

/// How a copy ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) what: Ended,
    /// Where; of a copy that the underlay drops, the host that sent it.
    pub(crate) host: usize,
    /// What the walk asked last.
    pub(crate) clue: Clue,
    /// The record by which it had left its first host, if it had.
    pub(crate) left_by: Option<(usize, RecordId)>,
}

/// See [`End`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// At this guest's port.
    Delivered(GuestIndex),
    Dropped(DropReason),
    /// Answered, or taken by the host.
    Consumed,
}

impl Default for WalkLog {
    fn default() -> Self {
        Self {
            number: 0,
            captured_ns: 0,
            beginning: Beginning::Skipped(SkipReason::CutShort),
            hops: Vec::new(),
            ends: Vec::new(),
            answered_by: SmallVec::new(),
            keys: SmallVec::new(),
            clue: ClueTracer::default(),
            left_by: None,
            at: 0,
            came_by: 0,
            waiting: VecDeque::new(),
            next: None,
            way: SmallVec::new(),
            memory: Vec::new(),
        }
    }
}

impl WalkLog {
    /// Forgets the last frame for this one, which looks like this where it begins.
    pub(crate) fn begin(
        &mut self,
        number: u64,
        captured_ns: i64,
        beginning: Beginning,
        frame: &[u8],
    ) {
        (self.number, self.captured_ns, self.beginning) = (number, captured_ns, beginning);
        self.hops.clear();
        self.ends.clear();
        self.answered_by.clear();
        self.keys.clear();
        self.memory.clear();
        self.clue = ClueTracer::default();
        self.left_by = None;
        (self.at, self.came_by) = (0, 0);
        self.waiting.clear();
        self.next = None;
        self.way.clear();
        match beginning {
            Beginning::Skipped(_) => self.memory.extend_from_slice(frame),
            Beginning::Entered { at, .. } => {
                self.at = at.host;
                match at.ingress {
                    Ingress::Port(port) => self.see(Seen::FromGuest(port.0 as usize), frame),
                    Ingress::Uplink => {
                        self.keys.extend(nvgre(frame).map(|(key, _)| key));
                        self.see(Seen::Arrived(at.host), frame);
                    }
                }
            }
        }
    }

    /// A frame that was captured behind its host, on its way to an address that nobody owns: it is
    /// seen leaving.
    pub(crate) fn begin_behind_host(&mut self) {
        if let Some(Hop { seen, .. }) = self.hops.first_mut() {
            *seen = Seen::Sent(self.at);
        }
    }

    /// The walk is over.
    pub(crate) fn finish(&mut self) {
        if self.ends.is_empty() && !self.hops.is_empty() {
            self.end(Ended::Consumed, self.at, self.came_by);
        }
    }

    fn see(&mut self, seen: Seen, frame: &[u8]) {
        let start = self.memory.len();
        self.memory.extend_from_slice(frame);
        self.hops.push(Hop {
            seen,
            end: None,
            shared: false,
            bytes: start..self.memory.len(),
        });
    }

    /// A copy that was seen last at `hop` has ended.
    fn end(&mut self, what: Ended, host: usize, hop: usize) {
        let end = self.ends.len();
        for &hop in &self.way {
            let hop = &mut self.hops[hop];
            hop.shared |= hop.end.is_some();
            hop.end = (!hop.shared).then_some(end);
        }
        self.hops[hop].end = Some(end);
        self.ends.push(End {
            what,
            host,
            clue: self.clue.clue,
            left_by: self.left_by,
        });
    }

    pub(crate) fn delivered(&mut self, host: usize, port: PortId, frame: &[u8]) {
        let guest = port.0 as usize;
        self.see(Seen::ToGuest(guest), frame);
        self.end(Ended::Delivered(guest), host, self.hops.len() - 1);
    }

    pub(crate) fn answered(&mut self, host: usize, port: PortId, frame: &[u8]) {
        self.see(Seen::AnswerTo(port.0 as usize), frame);
        if !self.answered_by.contains(&host) {
            self.answered_by.push(host);
        }
    }

    pub(crate) fn sent(&mut self, host: usize, frame: &[u8]) {
        self.waiting.push_back(self.hops.len());
        self.see(Seen::Sent(host), frame);
    }

    /// A copy that was sent leaves: what has waited longest, or what was sent last.
    fn depart(&mut self) {
        let sent = self.next.take().or_else(|| self.waiting.pop_back());
        self.way.clear();
        self.way.extend(sent);
    }

    pub(crate) fn carried(&mut self, frame: &[u8]) {
        self.way.push(self.hops.len());
        self.see(Seen::Carried, frame);
    }

    pub(crate) fn arrived(&mut self, host: usize, frame: &[u8]) {
        (self.at, self.came_by) = (host, self.hops.len());
        // Of several hosts that one packet comes to, each begins where it was carried.
        let on_the_wire = |&hop: &usize| !matches!(self.hops[hop].seen, Seen::Arrived(_));
        let last = self.way.iter().rposition(on_the_wire);
        self.way.truncate(last.map_or(0, |last| last + 1));
        self.way.push(self.came_by);
        self.see(Seen::Arrived(host), frame);
    }

    pub(crate) fn lost(&mut self, from: usize, reason: DropReason, frame: &[u8]) {
        // What the underlay carried to a link that failed is on record already.
        if !matches!(self.hops.last(), Some(hop) if hop.seen == Seen::Carried && hop.end.is_none())
        {
            self.see(Seen::Carried, frame);
        }
        self.end(Ended::Dropped(reason), from, self.hops.len() - 1);
        // It is about this copy alone.
        self.clue.clue.sent_to = None;
    }

    pub(crate) fn dropped(&mut self, host: usize, reason: DropReason) {
        self.end(Ended::Dropped(reason), host, self.came_by);
    }

    /// The bytes of a hop.
    pub(crate) fn bytes(&self, hop: &Hop) -> &[u8] {
        &self.memory[hop.bytes.clone()]
    }

    /// The frame as it began.
    pub(crate) fn first(&self) -> &[u8] {
        self.hops
            .first()
            .map_or(&self.memory, |hop| self.bytes(hop))
    }

    /// The frame as guests have it: as one sent it, else out of NVGRE, else as one got it.
    pub(crate) fn inner(&self) -> &[u8] {
        let first = self.first();
        if let Some((_, inner)) = nvgre(first) {
            return inner;
        }
        let mut at_ports = self.hops.iter().filter(|hop| hop.seen.is_at_port());
        at_ports.next().map_or(first, |hop| self.bytes(hop))
    }
}

impl Seen {
    pub(crate) const fn is_at_port(self) -> bool {
        match self {
            Self::FromGuest(_) | Self::ToGuest(_) | Self::AnswerTo(_) => true,
            Self::Sent(_) | Self::Carried | Self::Arrived(_) => false,
        }
    }
}

/// VSID and FlowID of an NVGRE packet, and the frame inside.
fn nvgre(frame: &[u8]) -> Option<((u32, u8), &[u8])> {
    let outer = Outer::parse(frame).ok()?;
    if outer.protocol != ip_protocol::GRE {
        return None;
    }
    let tunnelled = &frame[outer.payload];
    let gre = Gre::parse(tunnelled).ok()?;
    let key = gre.key()?;
    if gre.protocol() != EtherType::TRANSPARENT_ETHERNET_BRIDGING {
        return None;
    }
    let inner = &tunnelled[gre.header_len()..];
    Some(((key.0 >> 8, key.0 as u8), inner))
}

/// Listens to the walk that a log is kept of.
pub(crate) struct LogTracer<'l>(pub(crate) &'l RefCell<WalkLog>);

impl WalkTracer for LogTracer<'_> {
    fn at(&mut self, step: Step, frame: &[u8]) {
        self.0.borrow_mut().clue.at(step, frame);
    }

    fn resumed(&mut self) {
        let log = &mut *self.0.borrow_mut();
        log.next = log.waiting.pop_front();
    }

    fn departed(&mut self) -> usize {
        self.0.borrow_mut().depart();
        0
    }

    fn arrives(&mut self, _departure: usize) {}

    fn lost(
        &mut self,
        departure: Option<usize>,
        to: Option<usize>,
        reason: DropReason,
        packet: &[u8],
    ) {
        let clue = &mut self.0.borrow_mut().clue;
        clue.lost(departure, to, reason, packet);
    }

    fn dropped(&mut self) {
        self.0.borrow_mut().clue.dropped();
    }
}

impl Tracer for LogTracer<'_> {
    const ON: bool = true;

    fn frame(&mut self, _index: usize) {}

    fn event(&mut self, event: Event) {
        let log = &mut *self.0.borrow_mut();
        log.clue.event(event);
        match event {
            Event::Encapsulated {
                virtual_subnet,
                flow_id,
                ..
            } => {
                let key = (virtual_subnet.get(), flow_id.0);
                if !log.keys.contains(&key) {
                    log.keys.push(key);
                }
                log.left_by = log.left_by.or(log.clue.clue.record);
            }
            Event::Rewritten { .. } => log.left_by = log.left_by.or(log.clue.clue.record),
            _another_step => {}
        }
    }
}
