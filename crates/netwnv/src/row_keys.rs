//! Which row of a table a new one would repeat, without looking at all of them.

use std::collections::BTreeMap;
use std::hash::Hash;

use ahash::RandomState;
use hashbrown::HashTable;

use crate::row::Row;

/// Indexes of the tables of hosts, by host, which counts into the estate.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) records: BTreeMap<usize, RowKeys>,
    pub(crate) customer_routes: BTreeMap<usize, RowKeys>,
    pub(crate) provider_addresses: BTreeMap<usize, RowKeys>,
    pub(crate) provider_routes: BTreeMap<usize, RowKeys>,
}

/// Index of a table's rows by their keys. No part of a key ever changes, so an index that knows as
/// many rows as there are knows them all, if it is told which are removed.
pub(crate) struct RowKeys {
    /// How many rows, from the first, are in `places`.
    known: usize,
    /// Shape: key -> place in the table, perhaps several.
    places: HashTable<Place>,
    hasher: RandomState,
}

/// Half of the key's hash is kept, so that a growing index does not go through the rows again.
#[derive(Clone, Copy)]
struct Place {
    hash: u32,
    at: u32,
}

impl Default for RowKeys {
    fn default() -> Self {
        Self {
            known: 0,
            places: HashTable::new(),
            // Seeds that never change: the same script gives the same run.
            hasher: RandomState::with_seeds(1, 2, 3, 4),
        }
    }
}

impl RowKeys {
    /// Takes in the rows that were added since the last time.
    pub(crate) fn learn<R: Row>(&mut self, rows: &[R]) {
        self.places
            .reserve(rows.len() - self.known, Place::table_hash);
        for (at, row) in rows.iter().enumerate().skip(self.known) {
            let place = Place {
                hash: self.hash(&row.key()),
                at: at as u32,
            };
            self.places
                .insert_unique(place.table_hash(), place, Place::table_hash);
        }
        self.known = rows.len();
    }

    /// Where the first row with this key is; all rows must have been learnt.
    pub(crate) fn first<R: Row>(&self, rows: &[R], wanted: &R::Key) -> Option<usize> {
        self.all(rows, wanted).min()
    }

    /// Where the rows with this key are, in no order; all rows must have been learnt.
    pub(crate) fn all<R: Row>(&self, rows: &[R], wanted: &R::Key) -> impl Iterator<Item = usize> {
        let hash = self.hash(wanted);
        self.places
            .iter_hash(Place { hash, at: 0 }.table_hash())
            .filter(move |place| place.hash == hash)
            .map(|place| place.at as usize)
            .filter(move |&at| rows[at].key() == *wanted)
    }

    /// Forgets the rows that stood at these places, which ascend; those behind them move up.
    pub(crate) fn remove(&mut self, gone: &[usize]) {
        self.places.retain(|place| {
            let at = place.at as usize;
            let before = gone.partition_point(|&gone| gone < at);
            place.at -= before as u32;
            gone.get(before) != Some(&at)
        });
        self.known -= gone.partition_point(|&gone| gone < self.known);
    }

    fn hash(&self, key: &impl Hash) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }
}

impl Place {
    /// Both ends of a hash are used: the low one for the place, the high one to compare.
    fn table_hash(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}
