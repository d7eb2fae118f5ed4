//! A frame where the caller put it, with room in front.

use core::fmt;
use core::ops::Range;

/// Bytes kept free in front of every frame: two cache lines. The longest outer header needs
/// 14 Ethernet + 4 VLAN + 40 IPv6 + 8 GRE = 66.
pub const HEADROOM: usize = 128;
const _: () = assert!(14 + 4 + 40 + 8 <= HEADROOM);

/// Growing to the front by `need` bytes, where only `have` are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHeadroom {
    /// Bytes asked for.
    pub need: usize,
    /// Bytes free in front of the frame.
    pub have: usize,
}

impl fmt::Display for NoHeadroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes needed in front of the frame, {} there",
            self.need, self.have
        )
    }
}

impl core::error::Error for NoHeadroom {}

/// A window over the caller's memory that holds one frame (no FCS).
///
/// Headers are added and removed by moving the start; the bytes behind it never move.
#[derive(Debug)]
pub struct FrameBuf<'m> {
    memory: &'m mut [u8],
    start: usize,
    end: usize,
}

impl<'m> FrameBuf<'m> {
    /// The frame at `frame` within `memory`. At least [`HEADROOM`] bytes must lie in front.
    ///
    /// Panics when `frame` is not inside `memory`, as slicing does.
    pub fn new(memory: &'m mut [u8], frame: Range<usize>) -> Result<Self, NoHeadroom> {
        if frame.start < HEADROOM {
            return Err(NoHeadroom {
                need: HEADROOM,
                have: frame.start,
            });
        }
        let Range { start, end } = frame;
        assert!(
            start <= end && end <= memory.len(),
            "frame {start}..{end} of {} bytes",
            memory.len()
        );
        Ok(Self { memory, start, end })
    }

    /// The frame.
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// The frame, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// Bytes of the frame.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether no byte is left.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Where the frame lies in the caller's memory now.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Adds `len` bytes in front. They hold whatever the memory held.
    pub fn push_front(&mut self, len: usize) -> Result<&mut [u8], NoHeadroom> {
        if len > self.start {
            return Err(NoHeadroom {
                need: len,
                have: self.start,
            });
        }
        self.start -= len;
        Ok(&mut self.memory[self.start..self.start + len])
    }

    /// Takes `len` bytes (at most the frame) away from the front.
    pub fn pop_front(&mut self, len: usize) {
        self.start = self.start.saturating_add(len).min(self.end);
    }

    /// Cuts the frame to its first `len` bytes. Longer than the frame: no effect.
    pub fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start.saturating_add(len));
    }
}
