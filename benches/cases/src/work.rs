//! What is timed: a lane of frames through the dataplane, or through a loop written by hand.

use std::sync::Arc;

use nvgre_dataplane::{
    Nanos, NoEgress, NoTrace, PortFrame, Snapshot, Subscription, Verdict, Worker,
};
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::arena::{Frames, Lane};

/// Frames handed over at once: as many as one poll of a NIC gives a busy host.
pub const BATCH: usize = 256;

/// Forwards the frames of a lane.
pub(crate) trait Work: Send {
    /// The whole lane, batch after batch.
    fn run(&mut self, lane: &mut Lane<'_>);
}

/// The tables that frames are forwarded with.
#[derive(Debug)]
pub(crate) enum Current {
    /// The same for all.
    Fixed(Arc<Snapshot>),
    /// What was published last, asked for with each batch.
    Published(Subscription),
}

impl Current {
    fn snapshot(&mut self) -> &Snapshot {
        match self {
            Self::Fixed(snapshot) => snapshot,
            Self::Published(subscription) => subscription.snapshot(),
        }
    }
}

/// A worker and the tables it forwards with.
#[derive(Debug)]
pub(crate) struct Dataplane {
    /// The tables.
    pub tables: Current,
    /// The worker.
    pub worker: Worker,
    /// Whether each frame is handed over by itself.
    pub single: bool,
}

impl Work for Dataplane {
    fn run(&mut self, lane: &mut Lane<'_>) {
        let mut copy = Copying::of(lane.source, lane.stride);
        let verdicts = lane.verdicts.chunks_mut(BATCH);
        match &mut lane.frames {
            Frames::Port(frames) => {
                for (frames, verdicts) in frames.chunks_mut(BATCH).zip(verdicts) {
                    copy.fill(frames.iter_mut().map(|frame| &mut frame.frame));
                    self.outbound(frames, verdicts);
                }
            }
            Frames::Uplink(frames) => {
                for (frames, verdicts) in frames.chunks_mut(BATCH).zip(verdicts) {
                    copy.fill(frames.iter_mut());
                    self.inbound(frames, verdicts);
                }
            }
        }
    }
}

impl Dataplane {
    fn outbound(&mut self, frames: &mut [PortFrame<'_>], verdicts: &mut [Verdict]) {
        let Self {
            tables,
            worker,
            single,
        } = self;
        let snapshot = tables.snapshot();
        let (now, out, trace) = (Nanos(0), &mut NoEgress, &mut NoTrace);
        if !*single {
            return worker.outbound(now, snapshot, frames, verdicts, out, trace);
        }
        for (PortFrame { port, frame }, verdict) in frames.iter_mut().zip(verdicts) {
            *verdict = worker.outbound_frame(now, snapshot, *port, frame, out, trace);
        }
    }

    fn inbound(&mut self, frames: &mut [FrameBuf<'_>], verdicts: &mut [Verdict]) {
        let Self {
            tables,
            worker,
            single,
        } = self;
        let snapshot = tables.snapshot();
        let (now, out, trace) = (Nanos(0), &mut NoEgress, &mut NoTrace);
        if !*single {
            return worker.inbound(now, snapshot, frames, verdicts, out, trace);
        }
        for (frame, verdict) in frames.iter_mut().zip(verdicts) {
            *verdict = worker.inbound_frame(now, snapshot, frame, out, trace);
        }
    }
}

/// A loop written by hand over frames of the sender's port.
#[derive(Debug)]
pub(crate) struct HandLoop<L>(pub L);

/// What such a loop does with a batch.
pub(crate) trait Encapsulate: Send {
    /// Says for every frame whether it goes to the uplink.
    fn encapsulate(&self, frames: &mut [PortFrame<'_>], verdicts: &mut [Verdict]);
}

impl<L: Encapsulate> Work for HandLoop<L> {
    fn run(&mut self, lane: &mut Lane<'_>) {
        let mut copy = Copying::of(lane.source, lane.stride);
        let Frames::Port(frames) = &mut lane.frames else {
            unreachable!("the loops encapsulate what guests send");
        };
        for (frames, verdicts) in frames
            .chunks_mut(BATCH)
            .zip(lane.verdicts.chunks_mut(BATCH))
        {
            copy.fill(frames.iter_mut().map(|frame| &mut frame.frame));
            self.0.encapsulate(frames, verdicts);
        }
    }
}

/// Copies frames in, as receiving from a ring that must be given back would.
struct Copying<'s>(Option<std::slice::ChunksExact<'s, u8>>);

impl<'s> Copying<'s> {
    fn of(source: Option<&'s [u8]>, stride: usize) -> Self {
        Self(source.map(|source| source.chunks_exact(stride)))
    }

    fn fill<'f, 'm: 'f>(&mut self, frames: impl Iterator<Item = &'f mut FrameBuf<'m>>) {
        let Some(source) = &mut self.0 else {
            return;
        };
        for frame in frames {
            let Some(from) = source.next() else {
                return;
            };
            let bytes = frame.bytes_mut();
            bytes.copy_from_slice(&from[HEADROOM..HEADROOM + bytes.len()]);
        }
    }
}
