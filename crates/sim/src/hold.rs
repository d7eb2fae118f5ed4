//! Memory for the frames in hand, each behind its headroom, used again for the next ones.

use std::mem;

use nvgre_wire::{FrameBuf, HEADROOM};

/// Bytes in front of a frame that is put here: the headroom, and as much again, so that it still has
/// its headroom when outer headers are in front.
const FRONT: usize = 2 * HEADROOM;
/// Slots begin at cache lines.
const ALIGN: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    memory: Vec<u8>,
    used: usize,
}

/// Where a frame lies. The next one begins behind its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    at: u32,
    /// The frame within the slot.
    start: u32,
    end: u32,
}

impl Slot {
    fn next(self) -> usize {
        (self.at + self.end).next_multiple_of(ALIGN as u32) as usize
    }

    /// Bytes of the frame.
    pub(crate) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// The slot with the frame as it is now. It has not grown to the back: frames do not.
    #[inline]
    pub(crate) fn with(self, frame: &FrameBuf<'_>) -> Self {
        let range = frame.range();
        Self {
            start: range.start as u32,
            end: range.end as u32,
            ..self
        }
    }
}

impl Hold {
    /// Forgets every frame.
    pub(crate) const fn clear(&mut self) {
        self.used = 0;
    }

    /// Copies a frame that is in two parts. What is in front of it is whatever was there.
    #[inline]
    pub(crate) fn put(&mut self, head: &[u8], rest: &[u8]) -> Slot {
        let start = self.used + FRONT;
        let end = start + head.len() + rest.len();
        // Captured frames, and the buffer they come out of, are far shorter than 4 GiB.
        let slot = Slot {
            at: self.used as u32,
            start: FRONT as u32,
            end: (end - self.used) as u32,
        };
        self.used = slot.next();
        if self.memory.len() < self.used {
            self.memory.resize(self.used, 0);
        }
        let frame = &mut self.memory[start..end];
        if !head.is_empty() {
            frame[..head.len()].copy_from_slice(head);
        }
        frame[head.len()..].copy_from_slice(rest);
        slot
    }

    /// Takes the last frame back.
    pub(crate) const fn take_back(&mut self, slot: Slot) {
        self.used = slot.at as usize;
    }

    /// The frame.
    #[inline]
    pub(crate) fn bytes(&self, slot: Slot) -> &[u8] {
        let at = slot.at as usize;
        &self.memory[at + slot.start as usize..at + slot.end as usize]
    }

    /// One frame, to be carried.
    pub(crate) fn frame(&mut self, slot: Slot) -> FrameBuf<'_> {
        frame_of(&mut self.memory[slot.at as usize..], slot)
    }

    /// Several frames at once.
    pub(crate) fn frames(&mut self) -> Frames<'_> {
        Frames {
            rest: &mut self.memory,
            at: 0,
        }
    }
}

/// The frames of a hold, taken in the order in which they lie there.
pub(crate) struct Frames<'m> {
    rest: &'m mut [u8],
    /// Where the rest begins.
    at: usize,
}

impl<'m> Frames<'m> {
    /// One that lies behind those taken before.
    #[inline]
    pub(crate) fn take(&mut self, slot: Slot) -> FrameBuf<'m> {
        let rest = mem::take(&mut self.rest);
        let (memory, behind) = rest.split_at_mut(slot.next() - self.at);
        let frame = frame_of(&mut memory[slot.at as usize - self.at..], slot);
        (self.rest, self.at) = (behind, slot.next());
        frame
    }
}

#[inline]
fn frame_of(memory: &mut [u8], slot: Slot) -> FrameBuf<'_> {
    let range = slot.start as usize..slot.end as usize;
    FrameBuf::new(memory, range).expect("outer headers take less than the headroom")
}
