//! Frames that are decided about together: each host sees those that are at it in one call.
//!
//! For frames that [`Together`](crate::together::Together) covers, and for observers that want no
//! hops: what is sent between hosts is not shown. First they are launched, all of them, and then
//! landed one after the other, in the order in which they came: only landing is observed and booked.

use std::collections::VecDeque;
use std::mem;

use nvgre_dataplane::{
    Destination, DropReason, Egress, Learned, Nanos, NoTrace, PortFrame, PortId, Verdict,
};
use nvgre_wire::{FrameBuf, HEADROOM};
use smallvec::SmallVec;

use crate::clock::SimTime;
use crate::clue::WalkTracer;
use crate::hold::{Hold, Slot};
use crate::ledger::CopyLedger;
use crate::network::Network;
use crate::observer::{Ingress, Nobody, Observer};
use crate::pool::{Copy, Pool};
use crate::underlay::Carried;
use crate::walk::{Onward, Step, Walk};
use crate::walk_log::{Beginning, WalkLog};
use crate::watch::Watched;

/// Most frames of a batch. Enough that what it costs to begin one, and to turn from one host to the
/// next, does not show; few enough that they stay in the first cache.
pub(crate) const BATCH_FRAMES: usize = 64;

/// A frame of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    entered: Step,
    at: Step,
    slot: Slot,
    stand: Stand,
}

/// How far a frame has come.
#[derive(Clone, Copy, Debug)]
enum Stand {
    /// It waits for its host to decide.
    Waiting,
    /// Its host has decided. A frame that it sent goes on when it is landed.
    Decided(Verdict),
    /// Its host sent it, and the underlay has dropped it.
    Lost(DropReason),
}

/// What a host handed out beside a frame of the batch.
#[derive(Debug)]
pub(crate) struct Stashed {
    /// The frame's place in the batch, and the how manieth of all.
    order: (usize, usize),
    host: usize,
    what: Handed,
    /// Behind its headroom.
    memory: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Handed {
    CopyToPort(PortId),
    CopyToUplink,
    Generated(PortId),
}

/// What a batch needs beside its frames, used again and again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// By host and way in, the places of the frames that it is to decide about in one call.
    groups: Vec<Vec<usize>>,
    /// The groups with frames, in the order in which they got their first.
    waiting: VecDeque<usize>,
    /// Those of the group in hand.
    verdicts: Vec<Verdict>,
    /// In the order of the frames, once all are launched.
    stash: Vec<Stashed>,
}

impl Flight {
    /// A frame that enters here.
    pub(crate) const fn new(at: Step, slot: Slot) -> Self {
        Self {
            entered: at,
            at,
            slot,
            stand: Stand::Waiting,
        }
    }

    /// A frame that was captured when it had left this host, and that the underlay drops.
    pub(crate) const fn lost(from: Step, slot: Slot, reason: DropReason) -> Self {
        Self {
            entered: from,
            at: from,
            slot,
            stand: Stand::Lost(reason),
        }
    }

    /// The same frame as it entered, which lies here now.
    pub(crate) const fn again(&self, slot: Slot) -> Self {
        match (self.stand, self.entered.ingress) {
            // Nobody sends what came in at an uplink: it was lost from the first.
            (Stand::Lost(reason), Ingress::Uplink) => Self::lost(self.entered, slot, reason),
            _ => Self::new(self.entered, slot),
        }
    }

    /// Begins the log of its walk, with the frame as it lies here.
    pub(crate) fn log(&self, watched: Watched, hold: &Hold, log: &mut WalkLog) {
        let beginning = Beginning::Entered {
            at: self.entered,
            sender: watched.sender,
        };
        let frame = hold.bytes(self.slot);
        log.begin(watched.number, watched.captured_ns, beginning, frame);
        if let Stand::Lost(_) = self.stand {
            log.begin_behind_host();
        }
    }

    /// The port that it came in at.
    #[inline]
    fn port(&self) -> PortId {
        match self.at.ingress {
            Ingress::Port(port) => port,
            Ingress::Uplink => unreachable!("a group of frames from ports has no other"),
        }
    }

    #[inline]
    fn decided(&mut self, verdict: Verdict, frame: &FrameBuf<'_>) {
        self.slot = self.slot.with(frame);
        self.stand = Stand::Decided(verdict);
    }
}

/// The groups of a host: those that guests sent, and those that came in at the uplink.
const GROUPS: usize = 2;

impl Scratch {
    /// Adds a frame to those that wait for a host.
    #[inline]
    fn wait(&mut self, at: Step, place: usize) {
        let group = at.host * GROUPS + usize::from(at.ingress == Ingress::Uplink);
        let places = &mut self.groups[group];
        if places.is_empty() {
            self.waiting.push_back(group);
        }
        places.push(place);
    }
}

/// Takes what a host hands out beside the frames of one group.
struct GroupEgress<'a> {
    host: usize,
    places: &'a [usize],
    pool: &'a mut Pool,
    stash: &'a mut Vec<Stashed>,
}

impl GroupEgress<'_> {
    fn stash(&mut self, index: usize, what: Handed, frame: &[u8]) {
        self.stash.push(Stashed {
            order: (self.places[index], self.stash.len()),
            host: self.host,
            what,
            memory: self.pool.memory(frame),
        });
    }
}

impl Egress for GroupEgress<'_> {
    fn copy(&mut self, index: usize, to: Destination, frame: &[u8]) {
        let what = match to {
            Destination::Port(port) => Handed::CopyToPort(port),
            Destination::Uplink => Handed::CopyToUplink,
        };
        self.stash(index, what, frame);
    }

    fn generated(&mut self, index: usize, to: PortId, frame: &[u8]) {
        self.stash(index, Handed::Generated(to), frame);
    }

    // Hosts that learn decide about one frame at a time.
    fn learned(&mut self, _learned: Learned) {}
}

impl Network {
    /// Takes a batch, at most [`BATCH_FRAMES`] in the order in which they lie in `hold`, as far as
    /// hosts can decide about frames together. `now`: any time of the batch.
    pub(crate) fn launch(&mut self, now: SimTime, hold: &mut Hold, flights: &mut [Flight]) {
        self.scratch.stash.clear();
        let groups = self.hosts.len() * GROUPS;
        self.scratch.groups.resize_with(groups, Vec::new);
        for (place, flight) in flights.iter().enumerate() {
            if let Stand::Waiting = flight.stand {
                self.scratch.wait(flight.at, place);
            }
        }
        while let Some(group) = self.scratch.waiting.pop_front() {
            let mut places = mem::take(&mut self.scratch.groups[group]);
            if !places.is_sorted() {
                places.sort_unstable();
            }
            self.decide_group(now, group, &places, hold, flights);
            for &place in &places {
                let flight = &mut flights[place];
                if let Stand::Decided(Verdict::Uplink) = flight.stand {
                    self.send(hold, flight);
                    if let Stand::Waiting = flight.stand {
                        self.scratch.wait(flight.at, place);
                    }
                }
            }
            places.clear();
            // Its memory is for the next batch; nothing has come to it: hosts send to others.
            let group = &mut self.scratch.groups[group];
            if group.is_empty() {
                *group = places;
            }
        }
        self.scratch
            .stash
            .sort_unstable_by_key(|stashed| stashed.order);
    }

    /// A host decides about every frame of a group.
    fn decide_group(
        &mut self,
        now: SimTime,
        group: usize,
        places: &[usize],
        hold: &mut Hold,
        flights: &mut [Flight],
    ) {
        let (host, at_uplink) = (group / GROUPS, group % GROUPS == 1);
        let egress = &mut GroupEgress {
            host,
            places,
            pool: &mut self.pool,
            stash: &mut self.scratch.stash,
        };
        let (now, tracer) = (Nanos(now.0), &mut NoTrace);
        let host = &mut self.hosts[host];
        let (worker, snapshot) = (&mut host.worker, &host.snapshot);
        let verdicts = &mut self.scratch.verdicts;
        if verdicts.len() < places.len() {
            verdicts.resize(places.len(), Verdict::Consumed);
        }
        let verdicts = &mut verdicts[..places.len()];
        let mut lying = hold.frames();
        let mut lend = |place: usize| lying.take(flights[place].slot);
        if at_uplink {
            // Filled where it stands: it is too large to be handed on.
            let mut frames = SmallVec::<[FrameBuf<'_>; BATCH_FRAMES]>::new();
            frames.extend(places.iter().map(|&place| lend(place)));
            worker.inbound(now, snapshot, &mut frames, verdicts, egress, tracer);
            for ((&place, frame), &mut verdict) in places.iter().zip(&frames).zip(verdicts) {
                flights[place].decided(verdict, frame);
            }
        } else {
            let mut frames = SmallVec::<[PortFrame<'_>; BATCH_FRAMES]>::new();
            frames.extend(places.iter().map(|&place| PortFrame {
                port: flights[place].port(),
                frame: lend(place),
            }));
            worker.outbound(now, snapshot, &mut frames, verdicts, egress, tracer);
            for ((&place, sent), &mut verdict) in places.iter().zip(&frames).zip(verdicts) {
                flights[place].decided(verdict, &sent.frame);
            }
        }
    }

    /// A host sent this frame: it waits for the next host, as most, or is lost. One for several hosts
    /// stays where it is.
    #[inline]
    fn send(&mut self, hold: &mut Hold, flight: &mut Flight) {
        let from = flight.at.host;
        let carried = match self.underlay.goes_again(from, hold.bytes(flight.slot)) {
            Some(to) => Carried::To(to),
            None => self.underlay.carry(from, &mut hold.frame(flight.slot)),
        };
        match carried {
            Carried::To(to) => match self.underlay.arrive(to, hold.bytes(flight.slot)) {
                Ok(()) => {
                    flight.at = Step {
                        host: to,
                        ingress: Ingress::Uplink,
                    };
                    flight.stand = Stand::Waiting;
                }
                Err(reason) => flight.stand = Stand::Lost(reason),
            },
            Carried::Dropped(reason) => flight.stand = Stand::Lost(reason),
            Carried::ToOthers(_) => {}
        }
    }

    /// Shows and books what became of a frame that was launched, and takes what is left of it to its
    /// end. Frames are landed in their order.
    #[inline(always)]
    pub(crate) fn land<O: Observer>(
        &mut self,
        place: usize,
        flight: &Flight,
        hold: &mut Hold,
        walk: &mut Walk<'_, O>,
    ) {
        walk.copies.made += 1;
        if !self.scratch.stash.is_empty() {
            self.hand_out(place, walk);
        }
        if let Stand::Decided(Verdict::Deliver(port)) = flight.stand {
            walk.deliver(flight.at.host, port, hold.bytes(flight.slot));
        } else {
            self.land_elsewhere(flight, &mut hold.frame(flight.slot), walk);
        }
        if !self.pool.waiting.is_empty() {
            self.finish_copies(walk, &mut NoTrace);
        }
    }

    #[inline(never)]
    fn land_elsewhere<O: Observer>(
        &mut self,
        flight: &Flight,
        frame: &mut FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
    ) {
        let at = flight.at;
        match flight.stand {
            Stand::Decided(verdict) => {
                if walk.settle(at, verdict, frame.bytes(), &[]) == Onward::Underlay {
                    let carried = self.underlay.carry(at.host, frame);
                    self.go_on(at.host, carried, frame, walk, &mut NoTrace);
                }
            }
            Stand::Lost(reason) => walk.lose(at.host, reason, frame, &mut NoTrace),
            Stand::Waiting => self.follow(at, frame, walk, &mut NoTrace),
        }
    }

    /// Carries a frame that was not launched to the end of all its copies, by itself.
    pub(crate) fn fly<O: Observer, T: WalkTracer>(
        &mut self,
        flight: &Flight,
        hold: &mut Hold,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) {
        let mut frame = hold.frame(flight.slot);
        if let Stand::Lost(reason) = flight.stand {
            walk.copies.made += 1;
            tracer.lost(None, None, reason, frame.bytes());
            walk.lose(flight.at.host, reason, &frame, tracer);
        } else {
            self.walk(flight.at, &mut frame, walk, tracer);
        }
    }

    /// The same again for a tracer alone: nothing is counted, nobody sees it.
    pub(crate) fn retrace<T: WalkTracer>(
        &mut self,
        now: SimTime,
        flight: &Flight,
        hold: &mut Hold,
        tracer: &mut T,
    ) {
        let workers = self.hosts.iter_mut();
        let workers: Vec<_> = workers.map(|host| mem::take(&mut host.worker)).collect();
        let (mut copies, mut nobody) = (CopyLedger::default(), Nobody);
        let mut walk = Walk::new(now, &mut copies, &mut nobody);
        self.fly(flight, hold, &mut walk, tracer);
        for (host, worker) in self.hosts.iter_mut().zip(workers) {
            host.worker = worker;
        }
    }

    /// Gives what hosts handed out beside this frame to where it goes.
    #[inline(never)]
    fn hand_out<O: Observer>(&mut self, place: usize, walk: &mut Walk<'_, O>) {
        let stash = &mut self.scratch.stash;
        let first = stash.partition_point(|stashed| stashed.order.0 < place);
        let of_frame = stash[first..].iter_mut();
        for stashed in of_frame.take_while(|stashed| stashed.order.0 == place) {
            let (host, memory) = (stashed.host, mem::take(&mut stashed.memory));
            let frame = &memory[HEADROOM..];
            match stashed.what {
                Handed::CopyToPort(port) => {
                    walk.copies.made += 1;
                    walk.deliver(host, port, frame);
                }
                Handed::Generated(port) => walk.generate(host, port, frame),
                Handed::CopyToUplink => {
                    walk.copies.made += 1;
                    self.pool.waiting.push_back(Copy { host, memory });
                    continue;
                }
            }
            self.pool.free(memory);
        }
    }
}
