//! Memory in which frames lie, and a lane: its frames, ready to be forwarded.

use nvgre_dataplane::{PortFrame, PortId, Verdict};
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::flows::PAYLOAD;
use crate::guests::SENDER;
use crate::traffic::{HEAD, Traffic};

/// Where frames enter a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// At the port of the guest that sends.
    Port,
    /// At the physical NIC.
    Uplink,
}

/// Places for frames, each with headroom in front, and the traffic that fills them.
#[derive(Debug)]
pub(crate) struct Arena {
    traffic: Traffic,
    /// The next frame of the traffic.
    next: u64,
    entrance: Entrance,
    /// Bytes from one place to the next.
    stride: usize,
    memory: Vec<u8>,
    lens: Vec<usize>,
    expected: Vec<Verdict>,
    /// Where frames are copied from, if they are: every frame in its turn.
    source: Option<Vec<u8>>,
}

/// The frames of an arena and a place for each verdict.
#[derive(Debug)]
pub(crate) struct Lane<'m> {
    /// The frames.
    pub frames: Frames<'m>,
    /// What became of them.
    pub verdicts: Vec<Verdict>,
    /// Where each frame has to be copied from first.
    pub source: Option<&'m [u8]>,
    /// Bytes from one frame of `source` to the next.
    pub stride: usize,
    expected: &'m [Verdict],
}

/// Frames, as the two ways in take them.
#[derive(Debug)]
pub(crate) enum Frames<'m> {
    /// From guests.
    Port(Vec<PortFrame<'m>>),
    /// From the underlay.
    Uplink(Vec<FrameBuf<'m>>),
}

impl Arena {
    /// Places for `count` frames of this traffic, `stride` bytes each or as many as a frame needs.
    pub(crate) fn new(
        traffic: Traffic,
        entrance: Entrance,
        count: usize,
        stride: usize,
        copied: bool,
    ) -> Self {
        let stride = stride.max((HEADROOM + traffic.longest()).next_multiple_of(64));
        let memory = vec![PAYLOAD; stride * count];
        Self {
            traffic,
            next: 0,
            entrance,
            stride,
            source: copied.then(|| memory.clone()),
            memory,
            lens: vec![0; count],
            expected: vec![Verdict::Consumed; count],
        }
    }

    /// Frames in flight.
    pub(crate) fn len(&self) -> usize {
        self.lens.len()
    }

    /// The next frames of the traffic take the places.
    pub(crate) fn refill(&mut self) {
        let memory = self.source.as_mut().unwrap_or(&mut self.memory);
        let places = memory.chunks_exact_mut(self.stride);
        let outcomes = self.lens.iter_mut().zip(&mut self.expected);
        for (place, (len, expected)) in places.zip(outcomes) {
            (*len, *expected) = self.traffic.write(self.next, &mut place[HEADROOM..]);
            // Forwarding changes heads only, so the payload need not be written again.
            debug_assert!(*len <= HEAD || place[HEADROOM + HEAD] == PAYLOAD);
            self.next += 1;
        }
    }

    /// The frames as they lie.
    pub(crate) fn lane(&mut self) -> Lane<'_> {
        let places = self.memory.chunks_exact_mut(self.stride).zip(&self.lens);
        let frames = places.map(|(place, &len)| {
            FrameBuf::new(place, HEADROOM..HEADROOM + len).expect("headroom is there")
        });
        let frames = match self.entrance {
            Entrance::Port => Frames::Port(
                frames
                    .map(|frame| PortFrame {
                        port: PortId(SENDER),
                        frame,
                    })
                    .collect(),
            ),
            Entrance::Uplink => Frames::Uplink(frames.collect()),
        };
        Lane {
            frames,
            verdicts: vec![Verdict::Consumed; self.lens.len()],
            source: self.source.as_deref(),
            stride: self.stride,
            expected: &self.expected,
        }
    }
}

impl Lane<'_> {
    /// Panics unless every frame went where it had to.
    pub(crate) fn check(&self) {
        let wrong = self.verdicts.iter().zip(self.expected);
        for (index, (verdict, expected)) in wrong.enumerate() {
            assert_eq!(verdict, expected, "frame {index}");
        }
    }
}

impl Frames<'_> {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Port(frames) => frames.len(),
            Self::Uplink(frames) => frames.len(),
        }
    }
}
