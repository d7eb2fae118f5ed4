//! A hash table whose rows carry the versions they are valid for.
//!
//! Shape: a key of `KEY` words -> a value of `VALUE` words, at most one visible row for each key and
//! version. One writer edits it while any number of readers ask, each for the version it was given:
//! an edit writes a new row and closes the old one, so it costs one row, whatever the table holds,
//! and a reader sees all edits of its version or none of them.
//!
//! Rows are words of one cache line, found by linear probing from line to line. Every word is an
//! atomic that is read and written without ordering. That is enough, because a row is only ever
//! written while no reader may see it:
//!
//! - a free row has versions that no reader has; the writer fills it and gives it a first version
//!   that no reader has been given yet. Whatever mixture of old and new words a reader meets
//!   meanwhile, the versions in it exclude the reader's own;
//! - closing a row sets its last version to one that no reader has been given yet;
//! - a closed row is freed when the last reader of its versions is gone ([`Table::free`]);
//! - versions are given to readers by whatever hands them a snapshot, which orders everything that
//!   was written before it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ahash::RandomState;
use core::hash::{BuildHasher, Hasher};

use crate::prefetch::prefetch;

/// The number of a state of the tables. Edits of one publication share one.
pub(crate) type Version = u32;
/// The last version of a row that is not closed.
const OPEN: Version = Version::MAX;

/// A row's place. It stays until the row is freed.
pub(crate) type Place = u32;

/// No row has moved here: there are fewer places.
const GONE: Place = Place::MAX;

/// Shape: old place -> new place, for the rows that a larger table was made with.
#[derive(Debug)]
pub(crate) struct Moves(Vec<Place>);

impl Moves {
    #[inline(always)]
    pub(crate) fn of(&self, place: Place) -> Option<Place> {
        let new = *self.0.get(place as usize)?;
        (new != GONE).then_some(new)
    }
}

const WORDS_PER_LINE: usize = 8;

/// One cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([AtomicU64; WORDS_PER_LINE]);

/// First version in the lower half, and the complement of the one behind the last in the upper half:
/// so that an open row's word is its first version and nothing else, and one comparison tells
/// whether a version sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lifetime(u64);

impl Lifetime {
    /// Never used: probing ends here.
    const NEVER: Self = Self(0);
    /// Used before and free again: probing goes on.
    const FREED: Self = Self(1 << 32);

    const fn new(first: Version, end: Version) -> Self {
        Self((!end as u64) << 32 | first as u64)
    }

    const fn first(self) -> Version {
        self.0 as u32
    }

    const fn end(self) -> Version {
        !(self.0 >> 32) as u32
    }

    #[inline(always)]
    const fn contains(self, version: Version) -> bool {
        // No version is 0, so that what is free is smaller than any by one.
        self.0.wrapping_sub(1) < version as u64 || self.contains_closed(version)
    }

    const fn contains_closed(self, version: Version) -> bool {
        let first = self.first();
        self.0 >> 32 != 0 && first != 0 && first <= version && version < self.end()
    }

    const fn is_free(self) -> bool {
        self.0 == Self::NEVER.0 || self.0 == Self::FREED.0
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Table<const KEY: usize, const VALUE: usize, S = RandomState> {
    lines: Box<[Line]>,
    hasher: S,
}

impl<const KEY: usize, const VALUE: usize, S: BuildHasher + Clone> Table<KEY, VALUE, S> {
    const WORDS: usize = KEY + VALUE + 1;
    const ROWS_PER_LINE: usize = WORDS_PER_LINE / Self::WORDS;

    /// A table that holds `rows` rows at `load_percent` of its places, and a few more, so that the
    /// smallest ones have room for another row too.
    pub(crate) fn with_room(rows: usize, load_percent: usize, hasher: &S) -> Self {
        let places = rows * 100 / load_percent + Self::ROWS_PER_LINE + 2;
        let lines = places.div_ceil(Self::ROWS_PER_LINE).max(2);
        Self {
            lines: (0..lines).map(|_| Line::default()).collect(),
            hasher: hasher.clone(),
        }
    }

    /// Rows that fit.
    pub(crate) fn places(&self) -> usize {
        self.lines.len() * Self::ROWS_PER_LINE
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.lines)
    }

    /// The line where the search for a key begins, and its row there: the upper bits of its hash,
    /// scaled.
    #[inline(always)]
    fn begin(&self, key: &[u64; KEY]) -> (usize, usize) {
        let mut hasher = self.hasher.build_hasher();
        for &word in key {
            hasher.write_u64(word);
        }
        let scaled = u128::from(hasher.finish()) * self.lines.len() as u128;
        let (line, rest) = ((scaled >> 64) as usize, scaled as u64);
        let row = (u128::from(rest) * Self::ROWS_PER_LINE as u128) >> 64;
        (line, row as usize)
    }

    /// Brings the lines where a key's search most often ends closer, for a search that comes soon: where
    /// it begins, and the next. The line where the search begins.
    #[inline(always)]
    pub(crate) fn prefetch(&self, key: &[u64; KEY]) -> usize {
        let (first, _) = self.begin(key);
        prefetch(&self.lines[first]);
        prefetch(&self.lines[self.line_after(first)]);
        first
    }

    /// The row of a key that this version sees.
    #[inline(always)]
    pub(crate) fn find(&self, key: &[u64; KEY], version: Version) -> Option<(Place, [u64; VALUE])> {
        let (first, row) = self.begin(key);
        if let Some(found) = self.find_in(first, row, key, version) {
            return Some(found);
        }
        if self.ends_in(first) {
            return None;
        }
        self.find_further(first, *key, version)
    }

    /// The same for a key that was never asked for lately, from the line where the search begins. Which
    /// row of the line it is cannot be foretold then, and a branch that guesses wrong costs more than to
    /// look at all of them.
    #[inline(always)]
    pub(crate) fn find_from(
        &self,
        first: usize,
        key: &[u64; KEY],
        version: Version,
    ) -> Option<(Place, [u64; VALUE])> {
        let line = &self.lines[first].0;
        let mut row = 0;
        for other in 1..Self::ROWS_PER_LINE {
            row = if Self::has_key(line, other, key) {
                other
            } else {
                row
            };
        }
        if Self::has_key(line, row, key)
            && let Some(value) = Self::value(line, row, version)
        {
            return Some(((first * Self::ROWS_PER_LINE + row) as Place, value));
        }
        if self.ends_in(first) {
            return None;
        }
        self.find_further(first, *key, version)
    }

    /// Few searches do not end in their first line, with the one row that has the key.
    #[inline(never)]
    fn find_further(
        &self,
        first: usize,
        key: [u64; KEY],
        version: Version,
    ) -> Option<(Place, [u64; VALUE])> {
        let mut at = first;
        loop {
            if let Some(found) = self.find_in(at, 0, &key, version) {
                return Some(found);
            }
            if self.ends_in(at) {
                return None;
            }
            at = self.line_after(at);
        }
    }

    /// The row of a key in one line, from this row of it on.
    #[inline(always)]
    fn find_in(
        &self,
        at: usize,
        first: usize,
        key: &[u64; KEY],
        version: Version,
    ) -> Option<(Place, [u64; VALUE])> {
        let line = &self.lines[at].0;
        for step in 0..Self::ROWS_PER_LINE {
            let row = (first + step) % Self::ROWS_PER_LINE;
            if Self::has_key(line, row, key)
                && let Some(value) = Self::value(line, row, version)
            {
                return Some(((at * Self::ROWS_PER_LINE + row) as Place, value));
            }
        }
        None
    }

    #[inline(always)]
    fn has_key(line: &[AtomicU64; WORDS_PER_LINE], row: usize, key: &[u64; KEY]) -> bool {
        let mut different = 0;
        for word in 0..KEY {
            different |= line[row * Self::WORDS + word].load(Relaxed) ^ key[word];
        }
        different == 0
    }

    /// The value of a row, if this version sees it.
    #[inline(always)]
    fn value(
        line: &[AtomicU64; WORDS_PER_LINE],
        row: usize,
        version: Version,
    ) -> Option<[u64; VALUE]> {
        let words = &line[row * Self::WORDS + KEY..(row + 1) * Self::WORDS];
        let lifetime = Lifetime(words[VALUE].load(Relaxed));
        lifetime
            .contains(version)
            .then(|| core::array::from_fn(|word| words[word].load(Relaxed)))
    }

    /// Whether a search that comes to this line goes no further.
    #[inline(always)]
    fn ends_in(&self, at: usize) -> bool {
        let rows = self.lines[at].0.chunks_exact(Self::WORDS);
        rows.into_iter()
            .any(|words| Lifetime(words[KEY + VALUE].load(Relaxed)) == Lifetime::NEVER)
    }

    /// The row in this place, if this version sees it.
    #[inline]
    pub(crate) fn at(&self, place: Place, version: Version) -> Option<([u64; KEY], [u64; VALUE])> {
        let words = self.row(place)?;
        let lifetime = Lifetime(words[KEY + VALUE].load(Relaxed));
        lifetime.contains(version).then(|| {
            (
                core::array::from_fn(|word| words[word].load(Relaxed)),
                core::array::from_fn(|word| words[KEY + word].load(Relaxed)),
            )
        })
    }

    /// Every row that this version sees, in no order that means anything.
    pub(crate) fn rows(
        &self,
        version: Version,
    ) -> impl Iterator<Item = (Place, [u64; KEY], [u64; VALUE])> {
        (0..self.places() as Place).filter_map(move |place| {
            let (key, value) = self.at(place, version)?;
            Some((place, key, value))
        })
    }

    /// A larger table with the rows that a version sees, from another version on; where each of the
    /// old places went; and how many rows there are. Hashes are scaled, so the rows come in the order
    /// in which they lie in the larger table too, or nearly: memory is read and written from one end
    /// to the other.
    pub(crate) fn grown(
        &self,
        rows: usize,
        load_percent: usize,
        seen_by: Version,
        first: Version,
    ) -> (Self, Moves, usize) {
        let larger = Self::with_room(rows, load_percent, &self.hasher);
        let mut moves = alloc::vec![GONE; self.places()];
        let mut used = 0;
        for (place, key, value) in self.rows(seen_by) {
            let (new, _) = larger.insert(&key, &value, first);
            moves[place as usize] = new;
            used += 1;
        }
        (larger, Moves(moves), used)
    }

    /// Adds a row that is seen from `first` on. The caller sees to it that no row of the key is open,
    /// and that a place is left. Its place, and whether the place had never been used.
    pub(crate) fn insert(
        &self,
        key: &[u64; KEY],
        value: &[u64; VALUE],
        first: Version,
    ) -> (Place, bool) {
        let (mut at, row) = self.begin(key);
        loop {
            for step in 0..Self::ROWS_PER_LINE {
                let row = (row + step) % Self::ROWS_PER_LINE;
                let place = (at * Self::ROWS_PER_LINE + row) as Place;
                let words = &self.lines[at].0[row * Self::WORDS..(row + 1) * Self::WORDS];
                let was = Lifetime(words[KEY + VALUE].load(Relaxed));
                if was.is_free() {
                    for (word, &new) in words.iter().zip(key.iter().chain(value)) {
                        word.store(new, Relaxed);
                    }
                    words[KEY + VALUE].store(Lifetime::new(first, OPEN).0, Relaxed);
                    return (place, was == Lifetime::NEVER);
                }
            }
            at = self.line_after(at);
        }
    }

    /// Closes a row: versions from `end` on do not see it.
    pub(crate) fn close(&self, place: Place, end: Version) {
        if let Some(words) = self.row(place) {
            let lifetime = &words[KEY + VALUE];
            let first = Lifetime(lifetime.load(Relaxed)).first();
            lifetime.store(Lifetime::new(first, end).0, Relaxed);
        }
    }

    /// Frees a closed row whose versions no reader has any more. Whether the place counts as never
    /// used again: where probing ends in its line anyway, nobody needs to go on from it.
    pub(crate) fn free(&self, place: Place) -> bool {
        let ends_here = self.ends_in(place as usize / Self::ROWS_PER_LINE);
        if let Some(words) = self.row(place) {
            let free = if ends_here {
                Lifetime::NEVER
            } else {
                Lifetime::FREED
            };
            words[KEY + VALUE].store(free.0, Relaxed);
        }
        ends_here
    }

    fn row(&self, place: Place) -> Option<&[AtomicU64]> {
        let line = self.lines.get(place as usize / Self::ROWS_PER_LINE)?;
        let row = place as usize % Self::ROWS_PER_LINE;
        Some(&line.0[row * Self::WORDS..(row + 1) * Self::WORDS])
    }

    #[inline(always)]
    fn line_after(&self, at: usize) -> usize {
        if at + 1 == self.lines.len() {
            0
        } else {
            at + 1
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
