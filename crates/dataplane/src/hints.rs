//! A second way to the rows of a table: places by a hash, eight bytes each.
//!
//! Shape: hash of a key -> the places where rows of that key may lie. A hint says "look there" and
//! no more: the row itself tells whether it is meant and whether the asking version sees it. So hints
//! need no versions. One is there before its row is first seen, and goes when its row is freed; in
//! between, a reader that follows one to a row of something else walks on.
//!
//! A hint holds the part of the hash that says where it lies. So a larger table is made from a
//! smaller one without asking any row, from one end to the other.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::prefetch::prefetch;
use crate::table::Place;

const HINTS_PER_LINE: usize = 8;
/// Never used: the search ends in this line.
const NEVER: u64 = 0;
/// Used before and free again.
const FREED: u64 = 1;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([AtomicU64; HINTS_PER_LINE]);

/// See the module.
#[derive(Debug)]
pub(crate) struct Hints {
    lines: Box<[Line]>,
}

/// The upper half of the hash above, a place (at most 2^32 - 3) below. The two lowest values are taken.
const fn hint(hash: u64, place: Place) -> u64 {
    hash & UPPER | (place as u64 + 2)
}

const UPPER: u64 = !0xffff_ffff;

/// The place that a word names, if it is a hint.
const fn place_in(word: u64) -> Option<Place> {
    (word as u32).checked_sub(2)
}

impl Hints {
    pub(crate) fn with_room(hints: usize, load_percent: usize) -> Self {
        let lines = (hints * 100 / load_percent).div_ceil(HINTS_PER_LINE) + 1;
        Self {
            lines: (0..lines).map(|_| Line::default()).collect(),
        }
    }

    /// Larger hints with the same in it, but for those to places that are gone. And how many.
    pub(crate) fn grown(
        &self,
        hints: usize,
        load_percent: usize,
        moved: impl Fn(Place) -> Option<Place>,
    ) -> (Self, usize) {
        let larger = Self::with_room(hints, load_percent);
        let mut used = 0;
        for word in self.lines.iter().flat_map(|line| &line.0) {
            let word = word.load(Relaxed);
            if let Some(place) = place_in(word).and_then(&moved) {
                used += usize::from(larger.insert(word, place));
            }
        }
        (larger, used)
    }

    /// Hints that fit.
    pub(crate) fn places(&self) -> usize {
        self.lines.len() * HINTS_PER_LINE
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.lines)
    }

    /// The line where the hints of a hash begin: the upper half of it, scaled.
    #[inline(always)]
    fn first_line(&self, hash: u64) -> usize {
        ((u128::from(hash & UPPER) * self.lines.len() as u128) >> 64) as usize
    }

    /// Brings the line closer where the hints of a hash begin.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch(&self.lines[self.first_line(hash)]);
    }

    /// Lines from where the hints of a hash begin, up to the one where they end.
    fn lines_of(&self, hash: u64) -> impl Iterator<Item = &Line> {
        let first = self.first_line(hash);
        let lines = self.lines[first..].iter().chain(&self.lines[..first]);
        let mut ended = false;
        lines.take_while(move |line| {
            let go_on = !ended;
            ended = line.0.iter().any(|word| word.load(Relaxed) == NEVER);
            go_on
        })
    }

    /// Places where rows of the key with this hash may lie.
    pub(crate) fn places_of(&self, hash: u64) -> impl Iterator<Item = Place> {
        let wanted = hash & UPPER;
        let words = self.lines_of(hash).flat_map(|line| &line.0);
        words.filter_map(move |word| {
            let word = word.load(Relaxed);
            let place = place_in(word)?;
            (word & UPPER == wanted).then_some(place)
        })
    }

    /// Adds a hint; the caller sees to it that there is room. Whether its place had never been used.
    pub(crate) fn insert(&self, hash: u64, place: Place) -> bool {
        let first = self.first_line(hash);
        let lines = self.lines[first..].iter().chain(&self.lines[..first]);
        for word in lines.flat_map(|line| &line.0) {
            let was = word.load(Relaxed);
            if was == NEVER || was == FREED {
                word.store(hint(hash, place), Relaxed);
                return was == NEVER;
            }
        }
        unreachable!("whoever adds has asked whether there is room")
    }

    /// Removes a hint. Whether its place counts as never used again.
    pub(crate) fn remove(&self, hash: u64, place: Place) -> bool {
        let gone = hint(hash, place);
        for line in self.lines_of(hash) {
            if let Some(word) = line.0.iter().find(|word| word.load(Relaxed) == gone) {
                let ends_here = line.0.iter().any(|word| word.load(Relaxed) == NEVER);
                word.store(if ends_here { NEVER } else { FREED }, Relaxed);
                return ends_here;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;
