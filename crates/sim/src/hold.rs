//! Memory for the frames in hand, each behind its headroom, used again for the next ones.

use nvgre_wire::{FrameBuf, HEADROOM};

/// Slots begin at cache lines.
const ALIGN: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    memory: Vec<u8>,
    used: usize,
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    start: usize,
    /// Bytes of the frame.
    pub(crate) len: usize,
}

impl Slot {
    const fn end(self) -> usize {
        self.start + (HEADROOM + self.len).next_multiple_of(ALIGN)
    }
}

impl Hold {
    /// Forgets every frame.
    pub(crate) const fn clear(&mut self) {
        self.used = 0;
    }

    /// Copies a frame that is in two parts. What is in front of it is whatever was there.
    pub(crate) fn put(&mut self, head: &[u8], rest: &[u8]) -> Slot {
        let slot = Slot {
            start: self.used,
            len: head.len() + rest.len(),
        };
        if self.memory.len() < slot.end() {
            self.memory.resize(slot.end(), 0);
        }
        let frame = &mut self.memory[slot.start + HEADROOM..];
        frame[..head.len()].copy_from_slice(head);
        frame[head.len()..slot.len].copy_from_slice(rest);
        self.used = slot.end();
        slot
    }

    /// Takes the last frame back.
    pub(crate) const fn take_back(&mut self, slot: Slot) {
        self.used = slot.start;
    }

    /// The frame.
    pub(crate) fn bytes(&self, slot: Slot) -> &[u8] {
        &self.memory[slot.start + HEADROOM..][..slot.len]
    }

    /// One frame, to be carried.
    pub(crate) fn frame(&mut self, slot: Slot) -> FrameBuf<'_> {
        frame_of(&mut self.memory[slot.start..slot.end()], slot)
    }

    /// Several frames, in the order in which they were put here, to be carried together.
    pub(crate) fn frames(
        &mut self,
        slots: impl Iterator<Item = Slot>,
    ) -> impl Iterator<Item = FrameBuf<'_>> {
        let (mut rest, mut at) = (&mut self.memory[..], 0);
        slots.map(move |slot| {
            let (_, behind) = std::mem::take(&mut rest).split_at_mut(slot.start - at);
            let (memory, behind) = behind.split_at_mut(slot.end() - slot.start);
            (rest, at) = (behind, slot.end());
            frame_of(memory, slot)
        })
    }
}

fn frame_of(memory: &mut [u8], slot: Slot) -> FrameBuf<'_> {
    FrameBuf::new(memory, HEADROOM..HEADROOM + slot.len).expect("a slot begins with the headroom")
}
