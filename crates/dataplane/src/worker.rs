//! The one way in: batches of frames, a snapshot, verdicts.

use alloc::vec::Vec;

use nvgre_wire::FrameBuf;

use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::encap::Path;
use crate::expect::{Asked, Expected, Rows};
use crate::limit::{SecondCount, TokenBucket};
use crate::port::PortId;
use crate::prefetch::prefetch_frame;
use crate::snapshot::{Snapshot, SwitchPort};
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Nanos, Verdict};

/// Frames whose records are asked for together, before the first of them is forwarded: about as many
/// as a core waits for memory for at a time.
const AT_ONCE: usize = 32;

/// A frame that a guest sent, and where.
#[derive(Debug)]
pub struct PortFrame<'m> {
    /// The port it came in at.
    pub port: PortId,
    /// The frame.
    pub frame: FrameBuf<'m>,
}

/// Counters and per-port state of one core. A port belongs to exactly one worker.
#[derive(Debug)]
pub struct Worker {
    pub(crate) counters: Counters,
    pub(crate) ports: Vec<PortState>,
}

/// What limits one port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PortState {
    pub(crate) bandwidth: TokenBucket,
    pub(crate) storm: SecondCount,
    pub(crate) errors: TokenBucket,
}

/// One frame on its way: everything that deciding about it may touch.
pub(crate) struct Pass<'a, E, T> {
    pub(crate) now: Nanos,
    pub(crate) index: usize,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) worker: &'a mut Worker,
    pub(crate) egress: &'a mut E,
    pub(crate) tracer: &'a mut T,
}

impl Worker {
    /// A worker that has counted nothing.
    pub const fn new() -> Self {
        Self {
            counters: Counters::new(),
            ports: Vec::new(),
        }
    }

    /// What it has counted.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Forwards frames that guests sent. `verdicts[i]` is about `frames[i]`, which lies as the
    /// verdict says; a dropped frame's bytes are unspecified. `now` goes forward from call to call.
    ///
    /// Panics when the two slices differ in length.
    pub fn outbound<E: Egress, T: Tracer>(
        &mut self,
        now: Nanos,
        snapshot: &Snapshot,
        frames: &mut [PortFrame<'_>],
        verdicts: &mut [Verdict],
        egress: &mut E,
        tracer: &mut T,
    ) {
        assert_eq!(frames.len(), verdicts.len(), "one verdict for each frame");
        let mut pass = self.pass(now, snapshot, egress, tracer);
        if !snapshot.is_far() {
            return pass.outbound(0, frames, verdicts, &Asked);
        }
        let mut rest = frames;
        for (group, verdicts) in verdicts.chunks_mut(AT_ONCE).enumerate() {
            let (frames, behind) = rest.split_at_mut(verdicts.len());
            let mut expected = [Expected::NOTHING; AT_ONCE];
            for (PortFrame { port, frame }, expected) in frames.iter().zip(&mut expected) {
                *expected = snapshot.expect_outbound(*port, frame.bytes());
            }
            for PortFrame { frame, .. } in behind.iter().take(AT_ONCE) {
                prefetch_frame(frame.bytes(), Path::V4);
            }
            for expected in &mut expected {
                expected.ask(snapshot);
            }
            pass.outbound(group * AT_ONCE, frames, verdicts, &expected);
            rest = behind;
        }
    }

    /// [`Worker::outbound`] for a batch of one.
    pub fn outbound_frame<E: Egress, T: Tracer>(
        &mut self,
        now: Nanos,
        snapshot: &Snapshot,
        port: PortId,
        frame: &mut FrameBuf<'_>,
        egress: &mut E,
        tracer: &mut T,
    ) -> Verdict {
        let mut pass = self.pass(now, snapshot, egress, tracer);
        let Some(at) = pass.connected(port) else {
            return pass.outbound_nowhere(0);
        };
        let counters = &mut pass.worker.counters;
        counters.sent(port, 1, frame.len() as u64);
        pass.outbound_frame(0, at, frame, &Asked)
    }

    /// [`Worker::inbound`] for a batch of one.
    pub fn inbound_frame<E: Egress, T: Tracer>(
        &mut self,
        now: Nanos,
        snapshot: &Snapshot,
        frame: &mut FrameBuf<'_>,
        egress: &mut E,
        tracer: &mut T,
    ) -> Verdict {
        let mut pass = self.pass(now, snapshot, egress, tracer);
        pass.inbound_frame(0, frame, &Asked)
    }

    /// Forwards frames that came from the underlay. As [`Worker::outbound`].
    pub fn inbound<E: Egress, T: Tracer>(
        &mut self,
        now: Nanos,
        snapshot: &Snapshot,
        frames: &mut [FrameBuf<'_>],
        verdicts: &mut [Verdict],
        egress: &mut E,
        tracer: &mut T,
    ) {
        assert_eq!(frames.len(), verdicts.len(), "one verdict for each frame");
        let mut pass = self.pass(now, snapshot, egress, tracer);
        if !snapshot.is_far() {
            for (index, (frame, verdict)) in frames.iter_mut().zip(verdicts).enumerate() {
                *verdict = pass.inbound_frame(index, frame, &Asked);
            }
            return;
        }
        let mut rest = frames;
        for (group, verdicts) in verdicts.chunks_mut(AT_ONCE).enumerate() {
            let (frames, behind) = rest.split_at_mut(verdicts.len());
            let mut expected = [Expected::NOTHING; AT_ONCE];
            for (frame, expected) in frames.iter().zip(&mut expected) {
                *expected = snapshot.expect_inbound(frame.bytes());
            }
            for frame in behind.iter().take(AT_ONCE) {
                prefetch_frame(frame.bytes(), 0);
            }
            for expected in &mut expected {
                expected.ask(snapshot);
            }
            let first = group * AT_ONCE;
            for (index, (frame, verdict)) in frames.iter_mut().zip(verdicts).enumerate() {
                *verdict = pass.inbound_frame(first + index, frame, &expected);
            }
            rest = behind;
        }
    }

    pub(crate) fn pass<'a, E, T>(
        &'a mut self,
        now: Nanos,
        snapshot: &'a Snapshot,
        egress: &'a mut E,
        tracer: &'a mut T,
    ) -> Pass<'a, E, T> {
        self.make_room(snapshot);
        Pass {
            now,
            index: 0,
            snapshot,
            worker: self,
            egress,
            tracer,
        }
    }

    /// Per-port state grows when a snapshot has more ports, never for a frame.
    fn make_room(&mut self, snapshot: &Snapshot) {
        let capacity = snapshot.port_capacity();
        if self.ports.len() < capacity {
            self.ports.resize(capacity, PortState::default());
            self.counters.grow(capacity);
        }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Frames from ports; the first of them has this index.
    #[inline(always)]
    fn outbound(
        &mut self,
        first: usize,
        frames: &mut [PortFrame<'_>],
        verdicts: &mut [Verdict],
        rows: &impl Rows,
    ) {
        let (mut frames, mut verdicts, mut first) = (frames, verdicts, first);
        // Frames in a row from one port: it is looked up and counted once for all of them.
        while let Some(&PortFrame { port, .. }) = frames.first() {
            let of_port = frames.iter().take_while(|frame| frame.port == port);
            let len = of_port.count();
            let (run, later) = frames.split_at_mut(len);
            let (verdicts_of_run, later_verdicts) = verdicts.split_at_mut(len);
            let run = run.iter_mut().zip(verdicts_of_run).enumerate();
            if let Some(at) = self.connected(port) {
                let mut bytes = 0;
                for (index, (PortFrame { frame, .. }, verdict)) in run {
                    bytes += frame.len() as u64;
                    *verdict = self.outbound_frame(first + index, at, frame, rows);
                }
                self.worker.counters.sent(port, len as u64, bytes);
            } else {
                for (index, (_, verdict)) in run {
                    *verdict = self.outbound_nowhere(first + index);
                }
            }
            (frames, verdicts, first) = (later, later_verdicts, first + len);
        }
    }

    fn connected(&self, port: PortId) -> Option<&'a SwitchPort> {
        self.snapshot.port(port).filter(|at| at.port.connected)
    }

    /// The short way, or the long one.
    #[inline(always)]
    fn outbound_frame(
        &mut self,
        index: usize,
        at: &'a SwitchPort,
        frame: &mut FrameBuf<'_>,
        rows: &impl Rows,
    ) -> Verdict {
        if !T::ON
            && let Some(verdict) = self.short_outbound(index, at, frame, rows)
        {
            return verdict;
        }
        self.outbound_long(index, at, frame)
    }

    #[inline(always)]
    fn inbound_frame(
        &mut self,
        index: usize,
        frame: &mut FrameBuf<'_>,
        rows: &impl Rows,
    ) -> Verdict {
        if !T::ON
            && let Some(verdict) = self.short_inbound(index, frame, rows)
        {
            return verdict;
        }
        self.inbound_long(index, frame)
    }

    #[inline(never)]
    fn outbound_long(
        &mut self,
        index: usize,
        at: &'a SwitchPort,
        frame: &mut FrameBuf<'_>,
    ) -> Verdict {
        self.finish(index, |pass| pass.decide_outbound(at, frame))
    }

    #[cold]
    fn outbound_nowhere(&mut self, index: usize) -> Verdict {
        self.finish(index, |_| Err(DropReason::PortDisconnected))
    }

    #[inline(never)]
    fn inbound_long(&mut self, index: usize, frame: &mut FrameBuf<'_>) -> Verdict {
        self.finish(index, |pass| pass.decide_inbound(frame))
    }

    #[inline(always)]
    fn finish(
        &mut self,
        index: usize,
        decide: impl FnOnce(&mut Self) -> Result<Verdict, DropReason>,
    ) -> Verdict {
        self.index = index;
        self.tracer.frame(index);
        match decide(self) {
            Ok(verdict) => verdict,
            Err(reason) => {
                self.worker.counters.dropped(reason);
                self.event(Event::Dropped(reason));
                Verdict::Drop(reason)
            }
        }
    }

    /// Every event goes through here; a silent tracer leaves nothing of it. `--cfg nvgre_no_trace` takes
    /// even that away, for the comparison that shows it.
    #[inline(always)]
    pub(crate) fn event(&mut self, event: Event) {
        #[cfg(not(nvgre_no_trace))]
        if T::ON {
            self.tracer.event(event);
        }
        #[cfg(nvgre_no_trace)]
        let _ = event;
    }
}
