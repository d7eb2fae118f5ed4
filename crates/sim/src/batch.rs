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

    /// Where frames are put side by side for a host, its place in that order: host, then way in,
    /// then index.
    fn key(&self, index: usize) -> u64 {
        let uplink = self.at.ingress == Ingress::Uplink;
        (self.at.host as u64) << 32 | u64::from(uplink) << 31 | index as u64
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

/// The way in of the frames behind a key.
const UPLINK_BIT: u64 = 1 << 31;

fn index_of(key: u64) -> usize {
    (key & (UPLINK_BIT - 1)) as usize
}

fn host_of(key: u64) -> usize {
    (key >> 32) as usize
}

/// Takes what a host hands out beside the frames of one group.
struct GroupEgress<'a> {
    host: usize,
    group: &'a [u64],
    pool: &'a mut Pool,
    stash: &'a mut Vec<Stashed>,
}

impl GroupEgress<'_> {
    fn stash(&mut self, index: usize, what: Handed, frame: &[u8]) {
        self.stash.push(Stashed {
            order: (index_of(self.group[index]), self.stash.len()),
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
        let mut waiting: SmallVec<[u64; BATCH_FRAMES]> = SmallVec::new();
        let keys = flights.iter().enumerate();
        waiting.extend(keys.map(|(index, flight)| flight.key(index)));
        while !waiting.is_empty() {
            waiting.sort_unstable();
            for group in waiting.chunk_by(|a, b| (a ^ b) & !(UPLINK_BIT - 1) == 0) {
                self.decide_group(now, group, flights);
            }
            waiting.clear();
            for (index, flight) in flights.iter_mut().enumerate() {
                if let Stand::Decided(Verdict::Uplink) = flight.stand {
                    self.send(flight);
                    if let Stand::Waiting = flight.stand {
                        waiting.push(flight.key(index));
                    }
                }
            }
        }
        self.stash.sort_unstable_by_key(|stashed| stashed.order);
    }

    /// One host decides about every frame of the batch that came in there one way.
    fn decide_group(&mut self, now: SimTime, group: &[u64], flights: &mut [Flight<'_>]) {
        let now = Nanos(now.0);
        let index = host_of(group[0]);
        let host = &mut self.hosts[index];
        let mut egress = GroupEgress {
            host: index,
            group,
            pool: &mut self.pool,
            stash: &mut self.stash,
        };
        let (egress, tracer) = (&mut egress, &mut NoTrace);
        let (worker, snapshot) = (&mut host.worker, &host.snapshot);
        let mut verdicts = [Verdict::Consumed; BATCH_FRAMES];
        let verdicts = &mut verdicts[..group.len()];
        if group[0] & UPLINK_BIT != 0 {
            let mut frames: SmallVec<[FrameBuf<'_>; BATCH_FRAMES]> = SmallVec::new();
            frames.extend(group.iter().map(|&key| flights[index_of(key)].lend()));
            worker.inbound(now, snapshot, &mut frames, verdicts, egress, tracer);
            for ((&key, frame), &mut verdict) in group.iter().zip(frames).zip(verdicts) {
                flights[index_of(key)].give_back(frame, verdict);
            }
        } else {
            let mut frames: SmallVec<[PortFrame<'_>; BATCH_FRAMES]> = SmallVec::new();
            for &key in group {
                let flight = &mut flights[index_of(key)];
                if let Ingress::Port(port) = flight.at.ingress {
                    let frame = flight.lend();
                    frames.push(PortFrame { port, frame });
                }
            }
            worker.outbound(now, snapshot, &mut frames, verdicts, egress, tracer);
            for ((&key, sent), &mut verdict) in group.iter().zip(frames).zip(verdicts) {
                flights[index_of(key)].give_back(sent.frame, verdict);
            }
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
