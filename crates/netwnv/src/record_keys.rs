//! Which record of a host a new one would repeat, without looking at all of them.

use std::collections::BTreeMap;

use ahash::RandomState;
use hashbrown::HashTable;
use nvgre_dataplane::{LookupRecord, RecordType};
use nvgre_wire::{CustomerAddress, MacAddress, VirtualSubnetId};

use crate::estate::RecordEntry;

/// What no two records of a host have in common: V-01, and V-07 for those without a customer
/// address.
type Key = (
    VirtualSubnetId,
    CustomerAddress,
    Option<(MacAddress, RecordType)>,
);

/// Indexes of the hosts' records. No part of a key ever changes, so an index that knows as many
/// records as there are knows them all; when records are removed it is forgotten and built anew.
#[derive(Default)]
pub(crate) struct RecordKeys {
    /// Counted into the estate.
    of_host: BTreeMap<usize, HostKeys>,
}

struct HostKeys {
    /// How many records, from the first, are in `rows`.
    known: usize,
    /// Shape: key -> place in the host's list of records, perhaps several.
    rows: HashTable<Row>,
    hasher: RandomState,
}

/// Half of the key's hash is kept, so that a growing table does not go through the records again.
struct Row {
    hash: u32,
    at: u32,
}

impl RecordKeys {
    /// The record that the new one would repeat.
    pub(crate) fn existing<'r>(
        &mut self,
        host: usize,
        records: &'r [RecordEntry],
        new: &LookupRecord,
    ) -> Option<&'r RecordEntry> {
        let keys = self.of_host.entry(host).or_insert_with(HostKeys::new);
        keys.learn(records);
        let by_address = keys.first(records, &address_key(new));
        let by_mac = match key(new) {
            (_, _, None) => None,
            key => keys.first(records, &key),
        };
        let first = by_address.into_iter().chain(by_mac).min()?;
        records.get(first)
    }

    /// Forgets a host: rows of it were removed.
    pub(crate) fn forget(&mut self, host: usize) {
        self.of_host.remove(&host);
    }
}

impl HostKeys {
    fn new() -> Self {
        Self {
            known: 0,
            rows: HashTable::new(),
            // Seeds that never change: the same script gives the same run.
            hasher: RandomState::with_seeds(1, 2, 3, 4),
        }
    }

    fn learn(&mut self, records: &[RecordEntry]) {
        // A new record is told of at the next one; a host's records to start with, all at once.
        self.rows
            .reserve(records.len() - self.known, Row::table_hash);
        for (at, entry) in records.iter().enumerate().skip(self.known) {
            let row = Row {
                hash: self.hash(&key(&entry.record)),
                at: at as u32,
            };
            self.rows
                .insert_unique(row.table_hash(), row, Row::table_hash);
        }
        self.known = records.len();
    }

    /// The place of the first record with this key.
    fn first(&self, records: &[RecordEntry], wanted: &Key) -> Option<usize> {
        let wanted_row = Row {
            hash: self.hash(wanted),
            at: 0,
        };
        self.rows
            .iter_hash(wanted_row.table_hash())
            .filter(|row| row.hash == wanted_row.hash)
            .map(|row| row.at as usize)
            .filter(|&at| key(&records[at].record) == *wanted)
            .min()
    }

    fn hash(&self, key: &Key) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }
}

impl Row {
    /// Both ends of a hash are used: the low one for the place, the high one to compare.
    fn table_hash(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

fn key(record: &LookupRecord) -> Key {
    let (subnet, address, _) = address_key(record);
    let has_address = record.record_type.has_customer_address();
    let told_apart_by = (!has_address).then_some((record.mac, record.record_type));
    (subnet, address, told_apart_by)
}

fn address_key(record: &LookupRecord) -> Key {
    (record.virtual_subnet, record.customer_address, None)
}
