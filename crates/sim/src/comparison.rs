//! What was delivered, held against what is wanted.
//!
//! Streaming: of what was delivered, only the frames behind a difference are kept, and few of them: until
//! it is clear where the two go on together. Times are not compared.

use std::collections::VecDeque;

use crate::field_at::field_at;
use crate::oracle::GuestIndex;
use crate::summary::FrameSummary;
use crate::wanted::Wanted;

/// How far behind a difference the two may go on together.
const WINDOW_FRAMES: usize = 64;
/// Most differences that are told.
const TOLD_MAX: usize = 20;

/// See the module.
#[derive(Clone, Debug)]
pub struct Comparison {
    wanted: Wanted,
    /// As those of what is wanted.
    streams: Vec<Stream>,
    /// Frames that were delivered and compared.
    pub delivered: u64,
    /// Answers of hosts that came: among those where ports are compared one by one, else passed over.
    pub answers: u64,
    /// Those that are as wanted.
    pub same: u64,
    /// Frames that are wanted and did not come.
    pub missing: u64,
    /// Frames that came and are not wanted.
    pub unexpected: u64,
    /// Frames that came where another is wanted.
    pub different: u64,
    /// The first differences, at most 20, in the order in which they were found.
    pub first: Vec<Difference>,
}

/// How far one stream was compared.
#[derive(Clone, Debug, Default)]
struct Stream {
    /// The next frame that is wanted.
    at: usize,
    /// Frames that came since, the first of which differs from it.
    pending: VecDeque<Delivered>,
}

#[derive(Clone, Debug)]
struct Delivered {
    /// Of the frame that it is a copy of, over all inputs.
    number: u64,
    bytes: Vec<u8>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The port, if they are compared one by one.
    pub guest: Option<GuestIndex>,
    /// What differs.
    pub what: What,
    /// The frame in one line: the wanted one, if there is one.
    pub summary: String,
}

/// See [`Difference`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A wanted frame did not come.
    Missing {
        /// Number of the packet in the wanted capture.
        packet: u64,
    },
    /// A frame came that is not wanted.
    Unexpected {
        /// Number of the frame, over all inputs.
        frame: u64,
    },
    /// Another frame came than is wanted.
    Different {
        /// Number of the packet in the wanted capture.
        packet: u64,
        /// Number of the frame, over all inputs.
        frame: u64,
        /// Offset of the first byte that differs; the length of the shorter, if that is all.
        offset_bytes: usize,
        /// What that byte belongs to, such as "IPv4 TTL".
        field: String,
        /// Length of the wanted frame in bytes.
        wanted_bytes: usize,
        /// Length of the frame that came in bytes.
        delivered_bytes: usize,
    },
}

impl Comparison {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            streams: vec![Stream::default(); wanted.streams.len()],
            wanted,
            delivered: 0,
            answers: 0,
            same: 0,
            missing: 0,
            unexpected: 0,
            different: 0,
            first: Vec::new(),
        }
    }

    /// Whether ports are compared one by one, or everything in its order.
    pub const fn is_by_port(&self) -> bool {
        self.wanted.by_port
    }

    /// Frames that are wanted.
    pub fn wanted_frames(&self) -> u64 {
        self.wanted.frames()
    }

    /// Whether all that came is as wanted, and all that is wanted came.
    pub const fn holds(&self) -> bool {
        self.missing == 0 && self.unexpected == 0 && self.different == 0
    }

    /// A frame reached a port. `answered`: its host made it.
    pub(crate) fn delivered(
        &mut self,
        number: u64,
        guest: GuestIndex,
        frame: &[u8],
        answered: bool,
    ) {
        self.answers += u64::from(answered);
        let index = match (self.wanted.by_port, answered) {
            (true, _) => guest,
            (false, false) => 0,
            (false, true) => return,
        };
        self.delivered += 1;
        let stream = &mut self.streams[index];
        let next = self.wanted.streams[index].get(stream.at);
        if stream.pending.is_empty() && next.is_some_and(|next| self.wanted.is(next, frame)) {
            stream.at += 1;
            self.same += 1;
            return;
        }
        stream.pending.push_back(Delivered {
            number,
            bytes: frame.to_vec(),
        });
        if stream.pending.len() > WINDOW_FRAMES || next.is_none() {
            self.settle(index, false);
        }
    }

    /// Nothing more is delivered.
    pub(crate) fn finish(&mut self) {
        for index in 0..self.streams.len() {
            self.settle(index, true);
        }
    }

    /// Says what the differences in front of a stream are, as far as that is clear; at its end, of all.
    fn settle(&mut self, index: usize, ended: bool) {
        loop {
            let stream = &self.streams[index];
            let wanted = &self.wanted.streams[index][stream.at..];
            let Some(first) = stream.pending.front() else {
                if ended {
                    (0..wanted.len()).for_each(|_| self.tell_missing(index));
                }
                return;
            };
            let is = |wanted, delivered: &Delivered| self.wanted.is(wanted, &delivered.bytes);
            if wanted.first().is_some_and(|next| is(next, first)) {
                self.pass(index);
                continue;
            }
            let clear = ended || wanted.is_empty() || stream.pending.len() > WINDOW_FRAMES;
            if !clear {
                return;
            }
            // The nearest place where both go on with one frame: so many on from here in each.
            let (near_wanted, near_came) = (
                wanted.len().min(WINDOW_FRAMES),
                stream.pending.len().min(WINDOW_FRAMES + 1),
            );
            let together = (1..near_wanted + near_came).find_map(|sum| {
                let pairs = (0..=sum).map(|skipped| (skipped, sum - skipped));
                let pairs = pairs.filter(|&(a, b)| a < near_wanted && b < near_came);
                pairs
                    .filter(|&(a, b)| is(&wanted[a], &stream.pending[b]))
                    .min_by_key(|&(a, b)| a.abs_diff(b))
            });
            let (skipped, came) = together.unwrap_or(match near_wanted.min(near_came) {
                0 => (near_wanted, near_came),
                // Nowhere near: each came in place of another.
                pairs => (pairs, pairs),
            });
            for _ in 0..skipped.min(came) {
                self.tell_different(index);
            }
            for _ in came..skipped {
                self.tell_missing(index);
            }
            for _ in skipped..came {
                self.tell_unexpected(index);
            }
        }
    }

    fn pass(&mut self, index: usize) {
        self.streams[index].pending.pop_front();
        self.streams[index].at += 1;
        self.same += 1;
    }

    fn tell_missing(&mut self, index: usize) {
        let wanted = &self.wanted.streams[index][self.streams[index].at];
        let packet = wanted.packet;
        self.missing += 1;
        if self.first.len() < TOLD_MAX {
            let summary = FrameSummary(self.wanted.bytes(wanted)).to_string();
            self.tell(index, What::Missing { packet }, summary);
        }
        self.streams[index].at += 1;
    }

    fn tell_unexpected(&mut self, index: usize) {
        let Some(came) = self.streams[index].pending.pop_front() else {
            return;
        };
        self.unexpected += 1;
        if self.first.len() < TOLD_MAX {
            let frame = came.number;
            let summary = FrameSummary(&came.bytes).to_string();
            self.tell(index, What::Unexpected { frame }, summary);
        }
    }

    fn tell_different(&mut self, index: usize) {
        let wanted = &self.wanted.streams[index][self.streams[index].at];
        let Some(came) = self.streams[index].pending.pop_front() else {
            return;
        };
        self.different += 1;
        self.streams[index].at += 1;
        if self.first.len() == TOLD_MAX {
            return;
        }
        let bytes = self.wanted.bytes(wanted);
        let same = bytes.iter().zip(&came.bytes).take_while(|(a, b)| a == b);
        let offset_bytes = same.count();
        let field = if offset_bytes == bytes.len().min(came.bytes.len()) {
            "length".to_owned()
        } else {
            field_at(bytes, offset_bytes)
        };
        let what = What::Different {
            packet: wanted.packet,
            frame: came.number,
            offset_bytes,
            field,
            wanted_bytes: wanted.original_len,
            delivered_bytes: came.bytes.len(),
        };
        let summary = FrameSummary(bytes).to_string();
        self.tell(index, what, summary);
    }

    fn tell(&mut self, index: usize, what: What, summary: String) {
        self.first.push(Difference {
            guest: self.wanted.by_port.then_some(index),
            what,
            summary,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn compared(wanted: &[Vec<u8>], came: &[Vec<u8>]) -> Comparison {
        let mut comparison = Comparison::new(Wanted::in_order(wanted));
        for (index, frame) in came.iter().enumerate() {
            comparison.delivered(index as u64 + 1, 0, frame, false);
            let pending = comparison.streams[0].pending.len();
            assert!(pending <= WINDOW_FRAMES, "what is kept is bounded");
        }
        comparison.finish();
        comparison
    }

    /// All different from each other.
    fn frames(count: u16) -> Vec<Vec<u8>> {
        let frame = |number: u16| [&[0xee; 20][..], &number.to_be_bytes()].concat();
        (0..count).map(frame).collect()
    }

    proptest! {
        #[test]
        fn every_frame_of_either_side_is_told_once(
            wanted in prop::collection::vec(prop::collection::vec(0..3_u8, 20..22), 0..200),
            came in prop::collection::vec(prop::collection::vec(0..3_u8, 20..22), 0..200),
        ) {
            let told = compared(&wanted, &came);
            prop_assert_eq!(told.same + told.different + told.missing, wanted.len() as u64);
            prop_assert_eq!(told.same + told.different + told.unexpected, came.len() as u64);
            prop_assert_eq!(told.holds(), wanted == came);
        }

        #[test]
        fn frames_left_out_are_missing_and_those_put_in_are_unexpected(
            left_out in prop::collection::btree_set(0..300_usize, 0..30),
            put_in in prop::collection::btree_set(0..300_usize, 0..30),
        ) {
            let all = frames(300);
            let kept = |out: &BTreeSet<usize>| -> Vec<Vec<u8>> {
                let kept = all.iter().enumerate().filter(|(index, _)| !out.contains(index));
                kept.map(|(_, frame)| frame.clone()).collect()
            };
            let told = compared(&all, &kept(&left_out));
            prop_assert_eq!((told.missing, told.unexpected, told.different), (left_out.len() as u64, 0, 0));
            let told = compared(&kept(&put_in), &all);
            prop_assert_eq!((told.missing, told.unexpected, told.different), (0, put_in.len() as u64, 0));
        }

        #[test]
        fn changed_frames_are_different_at_their_first_changed_byte(
            changed in prop::collection::btree_map(0..300_usize, 0..20_usize, 1..20),
        ) {
            let all = frames(300);
            let mut came = all.clone();
            for (&index, &at) in &changed {
                came[index][at] ^= 0x10;
            }
            let told = compared(&all, &came);
            prop_assert_eq!((told.missing, told.unexpected), (0, 0));
            prop_assert_eq!(told.different, changed.len() as u64);
            let first = told.first.iter().map(|difference| match &difference.what {
                What::Different { packet, offset_bytes, .. } => (*packet as usize - 1, *offset_bytes),
                other => panic!("{other:?}"),
            });
            let expected = changed.iter().map(|(&index, &at)| (index, at)).take(TOLD_MAX);
            prop_assert!(first.eq(expected));
        }
    }

    #[test]
    fn nothing_in_common_is_told_in_pairs() {
        let (wanted, came) = (frames(500), vec![vec![0x11; 30]; 400]);
        let told = compared(&wanted, &came);
        assert_eq!((told.same, told.unexpected), (0, 0));
        assert_eq!((told.different, told.missing), (400, 100));
        assert_eq!(told.first.len(), TOLD_MAX);
    }
}
