//! Frames that are decided about together: each host sees those that are at it in one call.
//!
//! For frames that [`Together`](crate::together::Together) covers, and for observers that want no
//! hops: what is sent between hosts is not shown. First they are launched, all of them, and then
//! landed one after the other, in the order in which they came: only landing is observed and booked.

use nvgre_dataplane::{Destination, Egress, Learned, Nanos, NoTrace, PortFrame, PortId, Verdict};
use nvgre_wire::{FrameBuf, HEADROOM};
use smallvec::SmallVec;

use crate::clock::SimTime;
use crate::network::Network;
use crate::pool::{Copy, Pool};
use crate::underlay::Carried;
use crate::walk::{Ingress, Observer, Onward, Step, Walk};

/// Most frames of a batch. Few enough that they, and what hosts know of them, stay in the first
/// cache; where tables are too large for it, enough to look records up side by side.
pub(crate) const BATCH_FRAMES: usize = 64;

/// Places of frames in their batch.
type Places = SmallVec<[usize; BATCH_FRAMES]>;

/// A frame of a batch.
#[derive(Debug)]
pub(crate) struct Flight<'m> {
    at: Step,
    /// Absent while a host has it.
    frame: Option<FrameBuf<'m>>,
    stand: Stand,
}

/// How far a frame has come.
#[derive(Clone, Copy, Debug)]
enum Stand {
    /// It waits for its host to decide.
    Waiting,
    /// Its host has decided.
    Decided(Verdict),
    /// Its host sent it, and the underlay carries it like this.
    Carried(Carried),
}

/// What a host handed out beside a frame of the batch.
#[derive(Debug)]
pub(crate) struct Stashed {
    /// Whose index in the batch this is, and the how manieth.
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

impl<'m> Flight<'m> {
    /// A frame that enters here.
    pub(crate) const fn new(at: Step, frame: FrameBuf<'m>) -> Self {
        Self {
            at,
            frame: Some(frame),
            stand: Stand::Waiting,
        }
    }

    /// The host that is to decide, and the way in: frames of one group go to it in one call.
    fn group(&self) -> (usize, bool) {
        (self.at.host, self.at.ingress == Ingress::Uplink)
    }

    fn lend(&mut self) -> FrameBuf<'m> {
        self.frame
            .take()
            .expect("a host gives every frame back before the next has one")
    }

    fn give_back(&mut self, frame: FrameBuf<'m>, verdict: Verdict) {
        self.frame = Some(frame);
        self.stand = Stand::Decided(verdict);
    }
}

/// Takes what a host hands out beside the frames of one group.
struct GroupEgress<'a> {
    host: usize,
    /// The place of its frames in the batch.
    group: &'a [usize],
    pool: &'a mut Pool,
    stash: &'a mut Vec<Stashed>,
}

impl GroupEgress<'_> {
    fn stash(&mut self, index: usize, what: Handed, frame: &[u8]) {
        self.stash.push(Stashed {
            order: (self.group[index], self.stash.len()),
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
    /// Takes a batch, at most [`BATCH_FRAMES`], as far as hosts can decide about frames together.
    /// `now`: any time of the batch.
    pub(crate) fn launch(&mut self, now: SimTime, flights: &mut [Flight<'_>]) {
        self.stash.clear();
        let mut waiting: Places = (0..flights.len()).collect();
        while let Some(&first) = waiting.first() {
            // Those of the first one's group now, the others later; both in the order of the frames.
            let of_group = flights[first].group();
            let mut group = Places::new();
            waiting.retain(|&mut place| {
                let now = flights[place].group() == of_group;
                if now {
                    group.push(place);
                }
                !now
            });
            self.decide_group(now, of_group, &group, flights);
            for place in group {
                let flight = &mut flights[place];
                if let Stand::Decided(Verdict::Uplink) = flight.stand {
                    self.send(flight);
                    if let Stand::Waiting = flight.stand {
                        waiting.push(place);
                    }
                }
            }
        }
        self.stash.sort_unstable_by_key(|stashed| stashed.order);
    }

    /// A host decides about every frame of the batch that is at it and came in one way.
    fn decide_group(
        &mut self,
        now: SimTime,
        (host, at_uplink): (usize, bool),
        group: &[usize],
        flights: &mut [Flight<'_>],
    ) {
        let mut egress = GroupEgress {
            host,
            group,
            pool: &mut self.pool,
            stash: &mut self.stash,
        };
        let (now, egress, tracer) = (Nanos(now.0), &mut egress, &mut NoTrace);
        let host = &mut self.hosts[host];
        let (worker, snapshot) = (&mut host.worker, &host.snapshot);
        let mut verdicts = [Verdict::Consumed; BATCH_FRAMES];
        let verdicts = &mut verdicts[..group.len()];
        if at_uplink {
            let mut frames: SmallVec<[FrameBuf<'_>; BATCH_FRAMES]> = SmallVec::new();
            frames.extend(group.iter().map(|&place| flights[place].lend()));
            worker.inbound(now, snapshot, &mut frames, verdicts, egress, tracer);
            for ((&place, frame), &mut verdict) in group.iter().zip(frames).zip(verdicts) {
                flights[place].give_back(frame, verdict);
            }
            return;
        }
        let mut frames: SmallVec<[PortFrame<'_>; BATCH_FRAMES]> = SmallVec::new();
        for &place in group {
            let flight = &mut flights[place];
            if let Ingress::Port(port) = flight.at.ingress {
                let frame = flight.lend();
                frames.push(PortFrame { port, frame });
            }
        }
        worker.outbound(now, snapshot, &mut frames, verdicts, egress, tracer);
        for ((&place, sent), &mut verdict) in group.iter().zip(frames).zip(verdicts) {
            flights[place].give_back(sent.frame, verdict);
        }
    }

    /// A host sent this frame: to the next host, as most, or as the underlay has it.
    fn send(&mut self, flight: &mut Flight<'_>) {
        let Some(frame) = &mut flight.frame else {
            return;
        };
        let from = flight.at.host;
        let carried = match self.underlay.carry(from, frame) {
            Carried::To(to) => match self.underlay.arrive(to, frame.bytes()) {
                Ok(()) => {
                    flight.at = Step {
                        host: to,
                        ingress: Ingress::Uplink,
                    };
                    flight.stand = Stand::Waiting;
                    return;
                }
                Err(reason) => Carried::Dropped(reason),
            },
            carried => carried,
        };
        flight.stand = Stand::Carried(carried);
    }

    /// Shows and books what became of a frame that was launched, and takes what is left of it to its
    /// end. Frames are landed in their order.
    pub(crate) fn land<O: Observer>(
        &mut self,
        index: usize,
        flight: &mut Flight<'_>,
        walk: &mut Walk<'_, O>,
    ) {
        walk.copies.made += 1;
        if !self.stash.is_empty() {
            self.hand_out(index, walk);
        }
        let Flight { at, stand, .. } = *flight;
        let Some(frame) = &mut flight.frame else {
            return;
        };
        match stand {
            Stand::Decided(verdict) => {
                if walk.settle(at, verdict, frame.bytes(), &[]) == Onward::Underlay {
                    let carried = self.underlay.carry(at.host, frame);
                    self.go_on(at.host, carried, frame, walk, &mut NoTrace);
                }
            }
            Stand::Carried(carried) => self.go_on(at.host, carried, frame, walk, &mut NoTrace),
            Stand::Waiting => self.follow(at, frame, walk, &mut NoTrace),
        }
        self.finish_copies(walk, &mut NoTrace);
    }

    /// Gives what hosts handed out beside this frame to where it goes.
    fn hand_out<O: Observer>(&mut self, index: usize, walk: &mut Walk<'_, O>) {
        let first = self
            .stash
            .partition_point(|stashed| stashed.order.0 < index);
        for at in first..self.stash.len() {
            let stashed = &mut self.stash[at];
            if stashed.order.0 != index {
                break;
            }
            let (host, memory) = (stashed.host, std::mem::take(&mut stashed.memory));
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
