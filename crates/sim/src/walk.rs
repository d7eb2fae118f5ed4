//! One frame, carried from where it enters to the end of every copy.
//!
//! Forwarding is the dataplane's. This file moves bytes between hosts and keeps the books.

use nvgre_dataplane::{
    Destination, DropReason, Egress, Learned, Nanos, NoTrace, PortId, Tracer, Verdict,
};
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::clock::SimTime;
use crate::clue::WalkTracer;
use crate::ledger::{CopyLedger, Fate};
use crate::network::{Host, Network};
use crate::observer::{Ingress, Observer};
use crate::pool::{Copy, Pool};
use crate::underlay::Carried;

/// One frame's walk: its time, its books, and who watches.
pub(crate) struct Walk<'a, O> {
    pub(crate) now: SimTime,
    pub(crate) copies: &'a mut CopyLedger,
    pub(crate) fate: Fate,
    pub(crate) observer: &'a mut O,
}

/// A frame at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) host: usize,
    pub(crate) ingress: Ingress,
}

/// Whether the copy in hand goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// No: delivered, dropped, taken, or handed out as copies.
    Ended,
    /// Yes: it is on the wire now.
    Underlay,
}

impl<'a, O: Observer> Walk<'a, O> {
    pub(crate) fn new(now: SimTime, copies: &'a mut CopyLedger, observer: &'a mut O) -> Self {
        Self {
            now,
            copies,
            fate: Fate::default(),
            observer,
        }
    }

    /// Books the end of a copy that reached a port.
    #[inline]
    pub(crate) fn deliver(&mut self, host: usize, port: PortId, frame: &[u8]) {
        self.copies.delivered += 1;
        self.fate.delivered += 1;
        self.observer.delivered(host, port, frame);
    }

    /// Books a frame that a host made.
    pub(crate) fn generate(&mut self, host: usize, port: PortId, frame: &[u8]) {
        self.copies.generated += 1;
        self.observer.generated(host, port, frame);
    }

    /// Books the end of a copy at a host, or on the underlay behind it.
    pub(crate) fn drop_copy(&mut self, at: Step, reason: DropReason, frame: &[u8]) {
        self.copies.dropped += 1;
        self.fate.dropped.get_or_insert((reason, at.host));
        self.observer.dropped(at.host, at.ingress, reason, frame);
    }

    /// Books the end of a copy that `from` sent and the underlay drops.
    pub(crate) fn lose<T: WalkTracer>(
        &mut self,
        from: usize,
        reason: DropReason,
        frame: &FrameBuf<'_>,
        tracer: &mut T,
    ) {
        tracer.dropped();
        self.copies.dropped += 1;
        self.fate.dropped.get_or_insert((reason, from));
        self.observer.lost(from, reason, frame.bytes());
    }

    /// Books what a host made of the copy in hand. `before` is what it decided about, or empty.
    pub(crate) fn settle(
        &mut self,
        at: Step,
        verdict: Verdict,
        frame: &[u8],
        before: &[u8],
    ) -> Onward {
        match verdict {
            Verdict::Deliver(port) => self.deliver(at.host, port, frame),
            Verdict::Uplink => {
                self.observer.sent(at.host, frame);
                return Onward::Underlay;
            }
            // The frame itself went on as the copies that were handed out.
            Verdict::Replicated(_) => self.copies.made -= 1,
            Verdict::Hairpin => {
                self.copies.made -= 1;
                self.fate.consumed = true;
                if let Ingress::Port(port) = at.ingress {
                    self.generate(at.host, port, frame);
                }
            }
            Verdict::Consumed => {
                self.copies.made -= 1;
                self.fate.consumed = true;
            }
            Verdict::Drop(reason) => self.drop_copy(at, reason, before),
        }
        Onward::Ended
    }
}

/// What one host makes of one frame: copies and own frames go straight to the observer, copies for
/// the underlay wait in the pool.
struct HostEgress<'e, 'a, O> {
    host: usize,
    walk: &'e mut Walk<'a, O>,
    pool: &'e mut Pool,
    learned: Option<Learned>,
}

impl<O: Observer> Egress for HostEgress<'_, '_, O> {
    fn copy(&mut self, _index: usize, to: Destination, frame: &[u8]) {
        self.walk.copies.made += 1;
        match to {
            Destination::Port(port) => self.walk.deliver(self.host, port, frame),
            Destination::Uplink => {
                self.walk.observer.sent(self.host, frame);
                self.pool.wait(self.host, frame);
            }
        }
    }

    fn generated(&mut self, _index: usize, to: PortId, frame: &[u8]) {
        self.walk.generate(self.host, to, frame);
    }

    fn learned(&mut self, learned: Learned) {
        self.learned = Some(learned);
    }
}

impl Network {
    /// Carries a frame from where it enters to the end of every copy, in no time: the underlay's
    /// latency is for guests that measure it, not for frames that were captured.
    pub fn run<O: Observer>(
        &mut self,
        now: SimTime,
        host: usize,
        ingress: Ingress,
        frame: &mut FrameBuf<'_>,
        copies: &mut CopyLedger,
        observer: &mut O,
    ) -> Fate {
        let mut walk = Walk::new(now, copies, observer);
        self.walk(Step { host, ingress }, frame, &mut walk, &mut NoTrace);
        walk.fate
    }

    /// As [`Network::run`], for whoever listens.
    pub(crate) fn walk<O: Observer, T: WalkTracer>(
        &mut self,
        first: Step,
        frame: &mut FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) {
        walk.copies.made += 1;
        self.follow(first, frame, walk, tracer);
        self.finish_copies(walk, tracer);
    }

    /// Carries the copies that wait, and those that come of them, to their ends.
    pub(crate) fn finish_copies<O: Observer, T: WalkTracer>(
        &mut self,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) {
        while let Some(Copy { host, mut memory }) = self.pool.waiting.pop_front() {
            let len = memory.len();
            // The pool puts the headroom there.
            if let Ok(mut frame) = FrameBuf::new(&mut memory, HEADROOM..len) {
                tracer.resumed();
                let carried = self.underlay.carry(host, &mut frame);
                self.go_on(host, carried, &mut frame, walk, tracer);
            }
            self.pool.free(memory);
        }
    }

    /// Follows one copy from host to host.
    pub(crate) fn follow<O: Observer, T: WalkTracer>(
        &mut self,
        first: Step,
        frame: &mut FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) {
        let mut step = Some(first);
        while let Some(here) = step {
            tracer.at(here, frame.bytes());
            let onward = self.decide(here, frame, walk, tracer);
            if walk.fate.dropped.is_some() {
                tracer.dropped();
            }
            step = match onward {
                Onward::Ended => None,
                Onward::Underlay => {
                    let carried = self.underlay.carry(here.host, frame);
                    self.reach(here.host, carried, frame, walk, tracer)
                }
            };
        }
    }

    /// One host decides about one frame.
    pub(crate) fn decide<O: Observer, T: Tracer>(
        &mut self,
        step: Step,
        frame: &mut FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) -> Onward {
        self.before.clear();
        if walk.observer.keeps_dropped() {
            self.before.extend_from_slice(frame.bytes());
        }
        let mut egress = HostEgress {
            host: step.host,
            walk,
            pool: &mut self.pool,
            learned: None,
        };
        let host = &mut self.hosts[step.host];
        let now = egress.walk.now;
        let verdict = verdict_of(host, step.ingress, now, frame, &mut egress, tracer);
        let learned = egress.learned;
        let onward = walk.settle(step, verdict, frame.bytes(), &self.before);
        if let Some(learned) = learned
            && self.hosts[step.host].learn(learned)
            && let Some(trial) = &mut self.trial
        {
            trial.learned(step.host);
        }
        onward
    }

    /// A copy that `from` sent and the underlay carries like this, followed to its end.
    pub(crate) fn go_on<O: Observer, T: WalkTracer>(
        &mut self,
        from: usize,
        carried: Carried,
        frame: &mut FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) {
        if let Some(step) = self.reach(from, carried, frame, walk, tracer) {
            self.follow(step, frame, walk, tracer);
        }
    }

    /// Where a copy that `from` sent arrives, if it does. Those for several hosts are made here.
    fn reach<O: Observer, T: WalkTracer>(
        &mut self,
        from: usize,
        carried: Carried,
        frame: &FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) -> Option<Step> {
        let departure = tracer.departed();
        let to = match carried {
            Carried::To(to) => {
                walk.observer.carried(from, frame.bytes());
                to
            }
            Carried::ToOthers(group) => {
                walk.observer.carried(from, frame.bytes());
                // The frame itself goes to the last one.
                let mut last = None;
                for to in 0..self.hosts.len() {
                    if !self.underlay.reaches(from, to, group) {
                        continue;
                    }
                    if let Some(to) = last.replace(to) {
                        self.copy_to((from, departure), to, frame, walk, tracer);
                    }
                }
                last?
            }
            Carried::Dropped(reason) => {
                tracer.lost(Some(departure), None, reason, frame.bytes());
                walk.lose(from, reason, frame, tracer);
                return None;
            }
        };
        self.arrive((from, departure), to, frame, walk, tracer)
    }

    /// One more copy, from the underlay to host `to` and on to its end.
    fn copy_to<O: Observer, T: WalkTracer>(
        &mut self,
        from: (usize, usize),
        to: usize,
        frame: &FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) {
        walk.copies.made += 1;
        let mut memory = self.pool.memory(frame.bytes());
        let len = memory.len();
        // The pool puts the headroom there.
        if let Ok(mut copy) = FrameBuf::new(&mut memory, HEADROOM..len)
            && let Some(step) = self.arrive(from, to, &copy, walk, tracer)
        {
            self.follow(step, &mut copy, walk, tracer);
        }
        self.pool.free(memory);
    }

    /// The last link: from the underlay to host `to`. `from` is the host that sent the copy, and the
    /// tracer's number of its departure.
    fn arrive<O: Observer, T: WalkTracer>(
        &mut self,
        (from, departure): (usize, usize),
        to: usize,
        frame: &FrameBuf<'_>,
        walk: &mut Walk<'_, O>,
        tracer: &mut T,
    ) -> Option<Step> {
        if let Err(reason) = self.underlay.arrive(to, frame.bytes()) {
            tracer.lost(Some(departure), Some(to), reason, frame.bytes());
            walk.lose(from, reason, frame, tracer);
            return None;
        }
        tracer.arrives(departure);
        walk.observer.arrived(to, frame.bytes());
        Some(Step {
            host: to,
            ingress: Ingress::Uplink,
        })
    }

    /// Takes the copies that the last [`Network::decide`] left for the underlay.
    pub(crate) fn take_waiting(&mut self, mut each: impl FnMut(usize, &[u8])) {
        while let Some(Copy { host, memory }) = self.pool.waiting.pop_front() {
            each(host, &memory[HEADROOM..]);
            self.pool.free(memory);
        }
    }
}

fn verdict_of<E: Egress, T: Tracer>(
    host: &mut Host,
    ingress: Ingress,
    now: SimTime,
    frame: &mut FrameBuf<'_>,
    egress: &mut E,
    tracer: &mut T,
) -> Verdict {
    let now = Nanos(now.0);
    let (worker, snapshot) = (&mut host.worker, &host.snapshot);
    match ingress {
        Ingress::Port(port) => worker.outbound_frame(now, snapshot, port, frame, egress, tracer),
        Ingress::Uplink => worker.inbound_frame(now, snapshot, frame, egress, tracer),
    }
}
