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
    /// It ends where the frame ends: one length less to check, of every frame.
    memory: &'m mut [u8],
    start: usize,
}

/// Where a frame begins: see [`FrameBuf::front`].
#[derive(Debug)]
pub struct Front<'f, const FRONT: usize, const HEAD: usize> {
    /// The bytes in front of the frame.
    pub free: &'f mut [u8; FRONT],
    /// The first bytes of the frame.
    pub head: &'f mut [u8; HEAD],
    start: &'f mut usize,
}

impl<const FRONT: usize, const HEAD: usize> Front<'_, FRONT, HEAD> {
    /// Makes the bytes in front a part of the frame.
    #[inline(always)]
    pub fn claim(self) {
        *self.start -= FRONT;
    }
}

impl<'m> FrameBuf<'m> {
    /// The frame at `frame` within `memory`. At least [`HEADROOM`] bytes must lie in front.
    ///
    /// Panics when `frame` is not inside `memory`, as slicing does.
    #[inline]
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
        let memory = &mut memory[..end];
        Ok(Self { memory, start })
    }

    /// The frame.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..]
    }

    /// The frame, to write.
    #[inline(always)]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..]
    }

    /// The `HEAD` first bytes of the frame and the `FRONT` bytes in front of it, at once. `None` where
    /// there are fewer.
    #[inline(always)]
    pub fn front<const FRONT: usize, const HEAD: usize>(
        &mut self,
    ) -> Option<Front<'_, FRONT, HEAD>> {
        let (front, frame) = self.memory.split_at_mut_checked(self.start)?;
        Some(Front {
            free: front.last_chunk_mut()?,
            head: frame.first_chunk_mut()?,
            start: &mut self.start,
        })
    }

    /// The `HEAD` first bytes of the frame. `None` where there are fewer.
    #[inline(always)]
    pub fn head<const HEAD: usize>(&mut self) -> Option<&mut [u8; HEAD]> {
        Some(self.front::<0, HEAD>()?.head)
    }

    /// Bytes of the frame.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.memory.len() - self.start
    }

    /// Whether no byte is left.
    pub fn is_empty(&self) -> bool {
        self.start == self.memory.len()
    }

    /// Where the frame lies in the caller's memory now.
    pub fn range(&self) -> Range<usize> {
        self.start..self.memory.len()
    }

    /// Adds `len` bytes in front. They hold whatever the memory held.
    #[inline(always)]
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
    #[inline(always)]
    pub fn pop_front(&mut self, len: usize) {
        self.start = self.start.saturating_add(len).min(self.memory.len());
    }

    /// Cuts the frame to a part of it.
    ///
    /// Panics when the frame is shorter, as slicing does.
    #[inline(always)]
    pub fn keep(&mut self, part: Range<usize>) {
        assert!(part.start <= part.end && part.end <= self.len());
        if part.end < self.len() {
            self.end_at(self.start + part.end);
        }
        self.start += part.start;
    }

    /// Cuts the frame to its first `len` bytes. Longer than the frame: no effect.
    #[inline(always)]
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.end_at(self.start + len);
        }
    }

    #[inline(always)]
    fn end_at(&mut self, end: usize) {
        self.memory = &mut core::mem::take(&mut self.memory)[..end];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// A frame 0, 1, 2, ... of `len` bytes behind `headroom` bytes of 0xee.
    fn memory(headroom: usize, len: u8) -> Vec<u8> {
        let mut memory = std::vec![0xee; headroom];
        memory.extend(0..len);
        memory.extend([0xdd; 16]);
        memory
    }

    #[test]
    fn a_frame_without_full_headroom_is_refused_with_both_numbers() {
        let mut memory = memory(HEADROOM - 1, 60);
        let error = FrameBuf::new(&mut memory, HEADROOM - 1..HEADROOM + 59).unwrap_err();
        assert_eq!(
            error,
            NoHeadroom {
                need: 128,
                have: 127
            }
        );
        assert_eq!(
            error.to_string(),
            "128 bytes needed in front of the frame, 127 there"
        );
    }

    #[test]
    fn the_frame_is_the_given_range() {
        let mut memory = memory(HEADROOM, 60);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        assert_eq!(frame.bytes(), (0..60).collect::<Vec<u8>>());
        assert_eq!((frame.len(), frame.is_empty()), (60, false));
        assert_eq!(frame.range(), 128..188);
        frame.bytes_mut()[59] = 0xaa;
        assert_eq!(frame.bytes()[59], 0xaa);
        assert_eq!(memory[187..189], [0xaa, 0xdd]);
    }

    #[test]
    fn pushing_and_popping_moves_the_start_and_never_the_payload() {
        let mut memory = memory(HEADROOM, 60);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        let payload = frame.bytes().as_ptr();
        for outer in [42, 46, 62, 66] {
            let header = frame.push_front(outer).expect("room");
            assert_eq!(header.len(), outer);
            header.fill(0x11);
            assert_eq!(frame.len(), 60 + outer);
            assert_eq!(frame.bytes()[outer..].as_ptr(), payload, "payload in place");
            assert_eq!(frame.bytes()[outer..], (0..60).collect::<Vec<u8>>());
            frame.pop_front(outer);
            assert_eq!(frame.bytes().as_ptr(), payload, "pop undoes push");
            assert_eq!(frame.range(), 128..188);
        }
    }

    #[test]
    fn the_front_of_a_frame_is_its_first_bytes_and_those_in_front_of_it() {
        let mut memory = memory(HEADROOM, 60);
        memory[HEADROOM - 1] = 0x11;
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        assert_eq!(frame.head::<3>(), Some(&mut [0, 1, 2]));
        let front = frame.front::<2, 3>().expect("bytes");
        assert_eq!((&*front.free, &*front.head), (&[0xee, 0x11], &[0, 1, 2]));
        *front.free = [7, 8];
        assert_eq!(frame.range(), 128..188, "not claimed yet");
        frame.front::<2, 0>().expect("bytes").claim();
        assert_eq!(
            (frame.range(), frame.head()),
            (126..188, Some(&mut [7, 8, 0]))
        );
        // What lies behind the frame is none of it, nor is there more in front than there is.
        assert!(frame.head::<63>().is_none() && frame.head::<62>().is_some());
        assert!(frame.front::<127, 0>().is_none() && frame.front::<126, 0>().is_some());
    }

    #[test]
    fn a_kept_part_is_what_it_was() {
        let mut memory = memory(HEADROOM, 60);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        frame.keep(0..60);
        assert_eq!(frame.range(), 128..188);
        frame.keep(2..5);
        assert_eq!((frame.bytes(), frame.range()), (&[2, 3, 4][..], 130..133));
    }

    #[test]
    #[should_panic(expected = "part")]
    fn no_part_is_longer_than_the_frame() {
        let mut memory = memory(HEADROOM, 60);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        frame.keep(0..61);
    }

    #[test]
    fn popping_first_leaves_more_room_to_push() {
        let mut memory = memory(HEADROOM, 60);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        let inner = frame.bytes()[14..].as_ptr();
        frame.pop_front(14);
        assert_eq!(frame.bytes().as_ptr(), inner);
        frame.push_front(HEADROOM + 14).expect("exactly the room");
        assert_eq!(frame.range(), 0..188);
        assert_eq!(frame.bytes()[HEADROOM + 14..].as_ptr(), inner);
    }

    #[test]
    fn a_push_without_room_is_refused_and_changes_nothing() {
        let mut memory = memory(HEADROOM, 60);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        frame.push_front(100).expect("room");
        let refused = frame.push_front(29).map(|header| header.len());
        assert_eq!(refused, Err(NoHeadroom { need: 29, have: 28 }));
        assert_eq!(frame.range(), 28..188);
        assert_eq!(
            frame.push_front(usize::MAX).map(|header| header.len()),
            Err(NoHeadroom {
                need: usize::MAX,
                have: 28
            })
        );
        assert!(frame.push_front(28).is_ok());
        assert!(frame.push_front(0).is_ok());
    }

    #[test]
    fn cuts_stay_within_the_frame() {
        let mut memory = memory(HEADROOM, 60);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        frame.truncate(61);
        frame.truncate(usize::MAX);
        assert_eq!(frame.len(), 60, "a frame does not grow by truncate");
        frame.truncate(20);
        assert_eq!(frame.bytes(), (0..20).collect::<Vec<u8>>());
        frame.pop_front(usize::MAX);
        assert!(frame.is_empty());
        assert_eq!(frame.range(), 148..148);
    }
}
