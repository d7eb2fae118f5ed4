//! The one way in: batches of frames, a snapshot, verdicts.

use alloc::vec::Vec;

use nvgre_wire::FrameBuf;

use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::encap::Path;
use crate::entry::Row;
use crate::expect::Expected;
use crate::limit::{SecondCount, TokenBucket};
use crate::port::PortId;
use crate::prefetch::prefetch_frame;
use crate::snapshot::{Snapshot, SwitchPort};
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Nanos, Verdict};

/// Frames whose records are asked for together, before the first of them is forwarded: about as many
/// as a core waits for memory for at a time.
const AT_ONCE: usize = 32;
/// What encapsulation over IPv4 writes in front of a frame, in bytes.
const HEADERS_LEN: usize = Path::V4;

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
        let Some(first) = frames.first() else {
            return;
        };
        let mut run = Run::of(snapshot, first.port);
        if !snapshot.is_far() {
            for (PortFrame { port, frame }, verdict) in frames.iter_mut().zip(verdicts) {
                *verdict = pass.outbound(&mut run, *port, frame, |key| snapshot.row(key));
                pass.index += 1;
            }
        } else {
            let mut rest = frames;
            for verdicts in verdicts.chunks_mut(AT_ONCE) {
                let (frames, behind) = rest.split_at_mut(verdicts.len());
                let mut expected = [Expected::NOTHING; AT_ONCE];
                for (PortFrame { port, frame }, expected) in frames.iter().zip(&mut expected) {
                    *expected = snapshot.expect_outbound(*port, frame.bytes());
                }
                for PortFrame { frame, .. } in behind.iter().take(AT_ONCE) {
                    prefetch_frame(frame.bytes(), HEADERS_LEN);
                }
                for expected in &mut expected {
                    expected.ask(snapshot);
                }
                for ((PortFrame { port, frame }, verdict), expected) in
                    frames.iter_mut().zip(verdicts).zip(&expected)
                {
                    let row = |key| expected.row(snapshot, key);
                    *verdict = pass.outbound(&mut run, *port, frame, row);
                    pass.index += 1;
                }
                rest = behind;
            }
        }
        pass.end_run(&run);
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
        let mut run = Run::of(snapshot, port);
        let verdict = pass.outbound(&mut run, port, frame, |key| snapshot.row(key));
        pass.end_run(&run);
        verdict
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
        pass.inbound(frame, |key| snapshot.row(key))
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
            for (frame, verdict) in frames.iter_mut().zip(verdicts) {
                *verdict = pass.inbound(frame, |key| snapshot.row(key));
                pass.index += 1;
            }
            return;
        }
        let mut rest = frames;
        for verdicts in verdicts.chunks_mut(AT_ONCE) {
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
            for ((frame, verdict), expected) in frames.iter_mut().zip(verdicts).zip(&expected) {
                *verdict = pass.inbound(frame, |key| expected.row(snapshot, key));
                pass.index += 1;
            }
            rest = behind;
        }
    }

    fn pass<'a, E, T>(
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

/// Frames in a row that came in at one port: it is looked up and counted once for all of them.
struct Run<'a> {
    port: PortId,
    /// `None` for one that is not connected.
    at: Option<&'a SwitchPort>,
    frames: u64,
    bytes: u64,
}

impl<'a> Run<'a> {
    fn of(snapshot: &'a Snapshot, port: PortId) -> Self {
        Self {
            port,
            at: snapshot.port(port).filter(|at| at.port.connected),
            frames: 0,
            bytes: 0,
        }
    }
}

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// A frame that a guest sent: the short way, or the long one.
    #[inline(always)]
    fn outbound(
        &mut self,
        run: &mut Run<'a>,
        port: PortId,
        frame: &mut FrameBuf<'_>,
        row: impl FnOnce(u64) -> Option<Row>,
    ) -> Verdict {
        if run.port != port {
            self.end_run(run);
            *run = Run::of(self.snapshot, port);
        }
        let Some(at) = run.at else {
            return self.outbound_nowhere();
        };
        run.frames += 1;
        run.bytes += frame.len() as u64;
        if !T::ON
            && let Some(verdict) = self.short_outbound(at, frame, row)
        {
            return verdict;
        }
        self.outbound_long(at, frame)
    }

    #[inline(always)]
    fn inbound(
        &mut self,
        frame: &mut FrameBuf<'_>,
        row: impl FnOnce(u64) -> Option<Row>,
    ) -> Verdict {
        if !T::ON
            && let Some(verdict) = self.short_inbound(frame, row)
        {
            return verdict;
        }
        self.inbound_long(frame)
    }

    #[inline(never)]
    fn outbound_long(&mut self, at: &'a SwitchPort, frame: &mut FrameBuf<'_>) -> Verdict {
        self.finish(|pass| pass.decide_outbound(at, frame))
    }

    #[cold]
    fn outbound_nowhere(&mut self) -> Verdict {
        self.finish(|_| Err(DropReason::PortDisconnected))
    }

    #[inline(never)]
    fn inbound_long(&mut self, frame: &mut FrameBuf<'_>) -> Verdict {
        self.finish(|pass| pass.decide_inbound(frame))
    }

    /// Counts the frames of a run: they entered, whatever became of them.
    fn end_run(&mut self, run: &Run<'_>) {
        if run.frames > 0 {
            self.worker.counters.sent(run.port, run.frames, run.bytes);
        }
    }

    #[inline(always)]
    fn finish(&mut self, decide: impl FnOnce(&mut Self) -> Result<Verdict, DropReason>) -> Verdict {
        self.tracer.frame(self.index);
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
