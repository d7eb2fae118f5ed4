//! Frames that are decided about together: each host sees those that are at it in one call.
//!
//! For frames that [`Together`](crate::together::Together) covers, and for observers that want no
//! hops: what is sent between hosts is not shown. First they are launched, all of them, and then
//! landed one after the other, in the order in which they came: only landing is observed and booked.

use nvgre_dataplane::{
    Destination, DropReason, Egress, Learned, Nanos, NoTrace, PortFrame, PortId, Verdict,
};
use nvgre_wire::{FrameBuf, HEADROOM};
use smallvec::SmallVec;

use crate::clock::SimTime;
use crate::hold::{Hold, Slot};
use crate::network::Network;
use crate::pool::{Copy, Pool};
use crate::underlay::Carried;
use crate::walk::{Ingress, Observer, Onward, Step, Walk};

/// Most frames of a batch. Few enough that they, and what hosts know of them, stay in the first
/// cache; where tables are too large for it, enough to look records up side by side.
pub(crate) const BATCH_FRAMES: usize = 64;

/// A frame of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
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

/// The frames that are at one host and came in one way: it decides about them in one call.
#[derive(Debug)]
pub(crate) struct Group {
    host: usize,
    at_uplink: bool,
    /// Their places in the batch, in order.
    places: Vec<usize>,
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
    /// In the order in which hosts decide. Those from `used` on are of earlier batches.
    groups: Vec<Group>,
    used: usize,
    /// In the order of the frames, once all are launched.
    stash: Vec<Stashed>,
}

impl Flight {
    /// A frame that enters here.
    pub(crate) const fn new(at: Step, slot: Slot) -> Self {
        Self {
            at,
            slot,
            stand: Stand::Waiting,
        }
    }

    /// Where it is, or is to enter.
    pub(crate) const fn at(&self) -> Step {
        self.at
    }

    /// Where it lies.
    pub(crate) const fn slot(&self) -> Slot {
        self.slot
    }

    fn decided(&mut self, verdict: Verdict, frame: &FrameBuf<'_>) {
        self.slot = self.slot.with(frame);
        self.stand = Stand::Decided(verdict);
    }
}

impl Scratch {
    /// Adds a frame to those that wait behind group `done`.
    #[inline]
    fn wait(&mut self, done: usize, at: Step, place: usize) {
        let at_uplink = at.ingress == Ingress::Uplink;
        let open = &mut self.groups[done..self.used];
        let found = open
            .iter_mut()
            .find(|group| group.host == at.host && group.at_uplink == at_uplink);
        if let Some(group) = found {
            group.places.push(place);
            return;
        }
        if self.used == self.groups.len() {
            self.groups.push(Group {
                host: 0,
                at_uplink: false,
                places: Vec::with_capacity(BATCH_FRAMES),
            });
        }
        let group = &mut self.groups[self.used];
        (group.host, group.at_uplink) = (at.host, at_uplink);
        group.places.clear();
        group.places.push(place);
        self.used += 1;
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
        self.scratch.used = 0;
        self.scratch.stash.clear();
        for (place, flight) in flights.iter().enumerate() {
            self.scratch.wait(0, flight.at, place);
        }
        let mut done = 0;
        while done < self.scratch.used {
            self.decide_group(now, done, hold, flights);
            done += 1;
            for index in 0..self.scratch.groups[done - 1].places.len() {
                let place = self.scratch.groups[done - 1].places[index];
                let flight = &mut flights[place];
                if let Stand::Decided(Verdict::Uplink) = flight.stand {
                    self.send(hold, flight);
                    if let Stand::Waiting = flight.stand {
                        self.scratch.wait(done, flight.at, place);
                    }
                }
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
        hold: &mut Hold,
        flights: &mut [Flight],
    ) {
        let Scratch { groups, stash, .. } = &mut self.scratch;
        let Group {
            host,
            at_uplink,
            places,
        } = &mut groups[group];
        if !places.is_sorted() {
            places.sort_unstable();
        }
        let mut egress = GroupEgress {
            host: *host,
            places,
            pool: &mut self.pool,
            stash,
        };
        let places = egress.places;
        let (now, egress, tracer) = (Nanos(now.0), &mut egress, &mut NoTrace);
        let host = &mut self.hosts[*host];
        let (worker, snapshot) = (&mut host.worker, &host.snapshot);
        let mut verdicts = [Verdict::Consumed; BATCH_FRAMES];
        let verdicts = &mut verdicts[..places.len()];
        let lying = hold.frames(places.iter().map(|&place| flights[place].slot));
        if *at_uplink {
            let mut frames: SmallVec<[FrameBuf<'_>; BATCH_FRAMES]> = lying.collect();
            worker.inbound(now, snapshot, &mut frames, verdicts, egress, tracer);
            for ((&place, frame), &mut verdict) in places.iter().zip(&frames).zip(verdicts) {
                flights[place].decided(verdict, frame);
            }
        } else {
            let mut frames: SmallVec<[PortFrame<'_>; BATCH_FRAMES]> = SmallVec::new();
            frames.extend(places.iter().zip(lying).map(|(&place, frame)| {
                let Ingress::Port(port) = flights[place].at.ingress else {
                    unreachable!("a group came in one way, and this one not at an uplink");
                };
                PortFrame { port, frame }
            }));
            worker.outbound(now, snapshot, &mut frames, verdicts, egress, tracer);
            for ((&place, sent), &mut verdict) in places.iter().zip(&frames).zip(verdicts) {
                flights[place].decided(verdict, &sent.frame);
            }
        }
    }

    /// A host sent this frame: it waits for the next host, as most, or is lost. One for several hosts
    /// stays where it is.
    fn send(&mut self, hold: &mut Hold, flight: &mut Flight) {
        let mut frame = hold.frame(flight.slot);
        match self.underlay.carry(flight.at.host, &mut frame) {
            Carried::To(to) => match self.underlay.arrive(to, frame.bytes()) {
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
    #[inline]
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

    /// Gives what hosts handed out beside this frame to where it goes.
    fn hand_out<O: Observer>(&mut self, place: usize, walk: &mut Walk<'_, O>) {
        let stash = &mut self.scratch.stash;
        let first = stash.partition_point(|stashed| stashed.order.0 < place);
        let of_frame = stash[first..].iter_mut();
        for stashed in of_frame.take_while(|stashed| stashed.order.0 == place) {
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
