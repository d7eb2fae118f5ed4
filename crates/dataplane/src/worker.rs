//! The one way in: batches of frames, a snapshot, verdicts.

use alloc::vec::Vec;

use nvgre_wire::{FrameBuf, Nvgre};

use crate::counters::Counters;
use crate::drop_reason::DropReason;
use crate::limit::{SecondCount, TokenBucket};
use crate::port::PortId;
use crate::prefetch::prefetch_frame;
use crate::snapshot::Snapshot;
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Nanos, Verdict};

/// Frames whose records are asked for together, before the first of them is forwarded: about as many
/// as a core waits for memory for at a time.
const AT_ONCE: usize = 32;
/// What encapsulation over IPv4 writes in front of a frame, in bytes.
const HEADERS_LEN: usize = 14 + 20 + Nvgre::LEN;

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
        self.make_room(snapshot);
        let far = snapshot.is_far();
        let mut pass = Pass {
            now,
            index: 0,
            snapshot,
            worker: self,
            egress,
            tracer,
        };
        let mut rest = frames;
        for verdicts in verdicts.chunks_mut(AT_ONCE) {
            let (frames, behind) = rest.split_at_mut(verdicts.len());
            if far {
                for PortFrame { port, frame } in &*frames {
                    snapshot.expect_outbound(*port, frame.bytes());
                }
                for PortFrame { frame, .. } in behind.iter().take(AT_ONCE) {
                    prefetch_frame(frame.bytes(), HEADERS_LEN);
                }
            }
            rest = behind;
            for (frame, verdict) in frames.iter_mut().zip(verdicts) {
                *verdict = pass.finish(|pass| pass.outbound(frame.port, &mut frame.frame));
                pass.index += 1;
            }
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
        self.make_room(snapshot);
        let mut pass = Pass {
            now,
            index: 0,
            snapshot,
            worker: self,
            egress,
            tracer,
        };
        pass.finish(|pass| pass.outbound(port, frame))
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
        self.make_room(snapshot);
        let mut pass = Pass {
            now,
            index: 0,
            snapshot,
            worker: self,
            egress,
            tracer,
        };
        pass.finish(|pass| pass.inbound(frame))
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
        self.make_room(snapshot);
        let far = snapshot.is_far();
        let mut pass = Pass {
            now,
            index: 0,
            snapshot,
            worker: self,
            egress,
            tracer,
        };
        let mut rest = frames;
        for verdicts in verdicts.chunks_mut(AT_ONCE) {
            let (frames, behind) = rest.split_at_mut(verdicts.len());
            if far {
                for frame in &*frames {
                    snapshot.expect_inbound(frame.bytes());
                }
                for frame in behind.iter().take(AT_ONCE) {
                    prefetch_frame(frame.bytes(), 0);
                }
            }
            rest = behind;
            for (frame, verdict) in frames.iter_mut().zip(verdicts) {
                *verdict = pass.finish(|pass| pass.inbound(frame));
                pass.index += 1;
            }
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

impl<E: Egress, T: Tracer> Pass<'_, E, T> {
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
