//! The lookup records, by customer address, by MAC, and by routing domain.
//!
//! Shape: (VSID, customer address) -> at most one record, 32 bytes each for IPv4, two to a cache
//! line, found by one comparison of one integer; (VSID, MAC) and (routing domain, customer address)
//! -> any number of records, by hints of 8 bytes. Wildcard and L2Only records, which have no customer
//! address, are rows of their own by (VSID, MAC, type, family). All of it is shared by the snapshots
//! of many versions.

use core::hash::{BuildHasher, Hasher};

use ahash::RandomState;
use nvgre_wire::{CustomerAddress, MacAddress, VirtualSubnetId};

use crate::entry::{Entry, Row};
use crate::hints::Hints;
use crate::lookup_record::{LookupRecord, RecordType};
use crate::spread::AddressSpread;
use crate::table::{Place, Table, Version};

/// How full a table is, in percent of its places. Both kinds stay under 64 bytes a record with every
/// index: 32 of the row and 8 of each of two hints.
#[derive(Clone, Copy, Debug)]
struct Load {
    rows: usize,
    hints: usize,
}

impl Load {
    /// A table that is built for its records: most searches end in the first cache line.
    const BUILT: Self = Self {
        rows: 72,
        hints: 84,
    };
    /// A table that has grown: by an eighth, since what grows by more is half empty for long.
    const GROWN: Self = Self {
        rows: 75,
        hints: 80,
    };
    /// A table fuller than this grows. Hints are asked rarely and may be packed closer.
    const FULL: Self = Self {
        rows: 85,
        hints: 91,
    };

    /// How full a table of so many rows is. With four places for each, seven rows of eight lie where
    /// their search begins.
    fn of(self, rows: usize) -> usize {
        /// Places that no cache minds.
        const FEW: usize = 4_096;
        (rows * 100 / FEW).clamp(25, self.rows)
    }
}

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    V4(Place),
    V6(Place),
    Station(Place),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct RecordTable {
    v4: Table<1, 2, AddressSpread>,
    v6: Table<3, 2>,
    stations: Table<2, 2>,
    by_mac: Hints,
    by_domain: Hints,
    hasher: RandomState,
}

/// How many records of each kind: what a table is built for, and what it has used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fill {
    pub(crate) v4: usize,
    pub(crate) v6: usize,
    pub(crate) stations: usize,
    pub(crate) by_mac: usize,
    pub(crate) by_domain: usize,
}

impl Fill {
    /// Counts records by where they lie.
    pub(crate) fn of<'r>(records: impl IntoIterator<Item = &'r LookupRecord>) -> Self {
        let mut fill = Self::default();
        for record in records {
            fill.count(record.record_type, record.customer_address);
        }
        fill
    }

    /// Counts one more.
    pub(crate) fn count(&mut self, kind: RecordType, ca: CustomerAddress) {
        if !kind.has_customer_address() {
            self.stations += 1;
            return;
        }
        if ca.is_ipv4() {
            self.v4 += 1;
        } else {
            self.v6 += 1;
        }
        self.by_mac += 1;
        self.by_domain += 1;
    }

    /// The same and some more, so that small tables do not grow for each record.
    const fn with_reserve(self) -> Self {
        const FEW: usize = 8;
        Self {
            v4: self.v4 + FEW,
            v6: self.v6 + FEW,
            stations: self.stations + FEW,
            by_mac: self.by_mac + FEW,
            by_domain: self.by_domain + FEW,
        }
    }
}

impl RecordTable {
    pub(crate) fn with_room(room: Fill, hasher: &RandomState) -> Self {
        let load = Load::BUILT;
        Self {
            v4: Table::with_room(room.v4, load.of(room.v4), &AddressSpread::new(hasher)),
            v6: Table::with_room(room.v6, load.of(room.v6), hasher),
            stations: Table::with_room(room.stations, load.of(room.stations), hasher),
            by_mac: Hints::with_room(room.by_mac, load.hints),
            by_domain: Hints::with_room(room.by_domain, load.hints),
            hasher: hasher.clone(),
        }
    }

    /// A larger table with the records that a version sees, from another version on. What was taken
    /// of this one, and what is taken of the larger one, is in `used`.
    pub(crate) fn grown(&self, seen_by: Version, first: Version, used: &mut Fill) -> Self {
        let (room, load) = (self.room(seen_by, used).with_reserve(), Load::GROWN);
        let (v4, v4_moves, v4_used) = self.v4.grown(room.v4, load.of(room.v4), seen_by, first);
        let (v6, v6_moves, v6_used) = self.v6.grown(room.v6, load.of(room.v6), seen_by, first);
        let stations = self
            .stations
            .grown(room.stations, load.of(room.stations), seen_by, first);
        let moved = |hint: Place| {
            let v6 = hint & 1 != 0;
            let moves = if v6 { &v6_moves } else { &v4_moves };
            Some(hinted_place(moves.of(hint >> 1)?, v6))
        };
        let (by_mac, mac_used) = self.by_mac.grown(room.by_mac, load.hints, moved);
        let (by_domain, domain_used) = self.by_domain.grown(room.by_domain, load.hints, moved);
        *used = Fill {
            v4: v4_used,
            v6: v6_used,
            stations: stations.2,
            by_mac: mac_used,
            by_domain: domain_used,
        };
        Self {
            v4,
            v6,
            stations: stations.0,
            by_mac,
            by_domain,
            hasher: self.hasher.clone(),
        }
    }

    /// Whether there is room for one more record.
    pub(crate) fn has_room(&self, used: &Fill) -> bool {
        let room = |used: usize, places: usize, full: usize| (used + 1) * 100 <= places * full;
        let full = Load::FULL;
        room(used.v4, self.v4.places(), full.rows)
            && room(used.v6, self.v6.places(), full.rows)
            && room(used.stations, self.stations.places(), full.rows)
            && room(used.by_mac, self.by_mac.places(), full.hints)
            && room(used.by_domain, self.by_domain.places(), full.hints)
    }

    /// Room for what a version sees: less than what is used, where rows were freed.
    fn room(&self, seen_by: Version, used: &Fill) -> Fill {
        let v4 = self.v4.rows(seen_by).count();
        let v6 = self.v6.rows(seen_by).count();
        Fill {
            v4,
            v6,
            stations: self.stations.rows(seen_by).count(),
            by_mac: v4 + v6,
            by_domain: used.by_domain.min(v4 + v6),
        }
    }

    /// Bytes of memory, every index included.
    pub(crate) fn bytes(&self) -> usize {
        self.v4.bytes()
            + self.v6.bytes()
            + self.stations.bytes()
            + self.by_mac.bytes()
            + self.by_domain.bytes()
    }

    /// Whether the table is so large that asking it waits for memory.
    #[inline(always)]
    pub(crate) fn is_far(&self) -> bool {
        /// What a second-level cache holds, or half of it, on the machines of these years.
        const NEAR_BYTES: usize = 1 << 19;
        self.v4.bytes() + self.v6.bytes() > NEAR_BYTES
    }

    /// Brings the row of an IPv4 record's key closer, and says where the search for it begins.
    #[inline(always)]
    pub(crate) fn prefetch_row(&self, key: u64) -> usize {
        self.v4.prefetch(&[key])
    }

    /// The row of an IPv4 record's key, whose search begins there.
    #[inline(always)]
    pub(crate) fn row_from(&self, line: usize, key: u64, version: Version) -> Option<Row> {
        let (_, value) = self.v4.find_from(line, &[key], version)?;
        Some(Row::new(value))
    }

    /// Brings the record of an IPv6 customer address closer.
    #[inline(always)]
    pub(crate) fn prefetch_v6(&self, vsid: VirtualSubnetId, ca: [u8; 16]) {
        let _ = self.v6.prefetch(&v6_key(vsid, u128::from_be_bytes(ca)));
    }

    /// Brings closer what an edit of a record will touch. `domain` is that of its subnet.
    pub(crate) fn prefetch_edit(&self, record: &LookupRecord, domain: Option<u32>) {
        let (vsid, ca) = (record.virtual_subnet, record.customer_address);
        if !record.record_type.has_customer_address() {
            return;
        }
        if ca.is_ipv4() {
            let _ = self.v4.prefetch(&v4_key(vsid, ca.bits() as u32));
        } else {
            let _ = self.v6.prefetch(&v6_key(vsid, ca.bits()));
        }
        self.by_mac.prefetch(self.mac_hash(vsid, record.mac));
        if let Some(domain) = domain {
            self.by_domain.prefetch(self.domain_hash(domain, ca));
        }
    }

    /// The record of a customer address.
    #[inline(always)]
    pub(crate) fn by_address(
        &self,
        vsid: VirtualSubnetId,
        ca: CustomerAddress,
        version: Version,
    ) -> Option<Entry> {
        if ca.is_ipv4() {
            let key = v4_key(vsid, ca.bits() as u32);
            let (_, value) = self.v4.find(&key, version)?;
            Some(Entry::new(vsid, words(ca), value))
        } else {
            let (_, value) = self.find_v6(&v6_key(vsid, ca.bits()), version)?;
            Some(Entry::new(vsid, words(ca), value))
        }
    }

    /// The row of an IPv4 record's key.
    #[inline(always)]
    pub(crate) fn row(&self, key: u64, version: Version) -> Option<Row> {
        let (_, value) = self.v4.find(&[key], version)?;
        Some(Row::new(value))
    }

    #[inline(never)]
    fn find_v6(&self, key: &[u64; 3], version: Version) -> Option<(Place, [u64; 2])> {
        self.v6.find(key, version)
    }

    /// The records of a MAC in a subnet, in no order that means anything.
    pub(crate) fn by_mac(
        &self,
        vsid: VirtualSubnetId,
        mac: MacAddress,
        version: Version,
    ) -> impl Iterator<Item = Entry> {
        let hash = self.mac_hash(vsid, mac);
        let with_address = self.by_mac.places_of(hash).filter_map(move |hint| {
            self.hinted(hint, version)
                .filter(|entry| entry.virtual_subnet() == vsid && entry.mac() == mac)
        });
        let stations = STATIONS.into_iter().filter_map(move |(kind, v6)| {
            let (_, value) = self
                .stations
                .find(&station_key(vsid, mac, kind, v6), version)?;
            Some(Entry::new(vsid, [0; 2], value))
        });
        with_address.chain(stations)
    }

    /// Records of a customer address in subnets that may be of this routing domain: the caller
    /// asks each record's subnet.
    pub(crate) fn by_domain(
        &self,
        domain: u32,
        ca: CustomerAddress,
        version: Version,
    ) -> impl Iterator<Item = Entry> {
        let places = self.by_domain.places_of(self.domain_hash(domain, ca));
        places.filter_map(move |hint| {
            self.hinted(hint, version)
                .filter(|entry| entry.customer_address() == ca)
        })
    }

    /// Every record, in no order that means anything.
    pub(crate) fn entries(&self, version: Version) -> impl Iterator<Item = Entry> {
        let v4 = self.v4.rows(version).map(|row| v4_entry(row.1, row.2));
        let v6 = self.v6.rows(version).map(|row| v6_entry(row.1, row.2));
        let stations = self.stations.rows(version);
        v4.chain(v6)
            .chain(stations.map(|row| station_entry(row.1, row.2)))
    }

    /// The record with the same name as this one, and where it lies: of the same subnet and customer
    /// address; for those without, of the same subnet, family, MAC and type (V-01, V-07).
    pub(crate) fn find(&self, like: &LookupRecord, version: Version) -> Option<(Slot, Entry)> {
        let vsid = like.virtual_subnet;
        let ca = like.customer_address;
        let (slot, value) = if !like.record_type.has_customer_address() {
            if !ca.is_unspecified() {
                return None;
            }
            let key = station_key(vsid, like.mac, like.record_type, !ca.is_ipv4());
            let (place, value) = self.stations.find(&key, version)?;
            (Slot::Station(place), value)
        } else if ca.is_ipv4() {
            let (place, value) = self.v4.find(&v4_key(vsid, ca.bits() as u32), version)?;
            (Slot::V4(place), value)
        } else {
            let (place, value) = self.v6.find(&v6_key(vsid, ca.bits()), version)?;
            (Slot::V6(place), value)
        };
        Some((slot, Entry::new(vsid, words(ca), value)))
    }

    /// Adds a record that is seen from `first` on. The caller has seen to it that there is none of
    /// its name, and that there is room. `domain` is that of its subnet.
    pub(crate) fn insert(
        &self,
        record: &Entry,
        domain: Option<u32>,
        first: Version,
        used: &mut Fill,
    ) {
        let vsid = record.virtual_subnet();
        let ca = record.customer_address();
        let value = record.value();
        let v6 = !ca.is_ipv4();
        if !record.record_type().has_customer_address() {
            let key = station_key(vsid, record.mac(), record.record_type(), v6);
            let (_, new) = self.stations.insert(&key, &value, first);
            used.stations += usize::from(new);
            return;
        }
        let place = if v6 {
            let (place, new) = self.v6.insert(&v6_key(vsid, ca.bits()), &value, first);
            used.v6 += usize::from(new);
            place
        } else {
            let key = v4_key(vsid, ca.bits() as u32);
            let (place, new) = self.v4.insert(&key, &value, first);
            used.v4 += usize::from(new);
            place
        };
        let place = hinted_place(place, v6);
        let new = self.by_mac.insert(self.mac_hash(vsid, record.mac()), place);
        used.by_mac += usize::from(new);
        if let Some(domain) = domain {
            let new = self.by_domain.insert(self.domain_hash(domain, ca), place);
            used.by_domain += usize::from(new);
        }
    }

    /// Closes a record: versions from `end` on do not see it.
    pub(crate) fn close(&self, slot: Slot, end: Version) {
        match slot {
            Slot::V4(place) => self.v4.close(place, end),
            Slot::V6(place) => self.v6.close(place, end),
            Slot::Station(place) => self.stations.close(place, end),
        }
    }

    /// Frees a closed record that no reader sees any more, and its hints.
    pub(crate) fn free(&self, slot: Slot, record: &Entry, domain: Option<u32>, used: &mut Fill) {
        let (place, v6) = match slot {
            Slot::V4(place) => (place, false),
            Slot::V6(place) => (place, true),
            Slot::Station(place) => {
                used.stations -= usize::from(self.stations.free(place));
                return;
            }
        };
        let hint = hinted_place(place, v6);
        let hash = self.mac_hash(record.virtual_subnet(), record.mac());
        used.by_mac -= usize::from(self.by_mac.remove(hash, hint));
        if let Some(domain) = domain {
            let hash = self.domain_hash(domain, record.customer_address());
            used.by_domain -= usize::from(self.by_domain.remove(hash, hint));
        }
        if v6 {
            used.v6 -= usize::from(self.v6.free(place));
        } else {
            used.v4 -= usize::from(self.v4.free(place));
        }
    }

    fn hinted(&self, hint: Place, version: Version) -> Option<Entry> {
        let (place, v6) = (hint >> 1, hint & 1 != 0);
        if v6 {
            let (key, value) = self.v6.at(place, version)?;
            Some(v6_entry(key, value))
        } else {
            let (key, value) = self.v4.at(place, version)?;
            Some(v4_entry(key, value))
        }
    }

    fn mac_hash(&self, vsid: VirtualSubnetId, mac: MacAddress) -> u64 {
        self.hash([u64::from(vsid.get()), mac.to_bits(), 0])
    }

    fn domain_hash(&self, domain: u32, ca: CustomerAddress) -> u64 {
        let bits = ca.bits();
        self.hash([
            u64::from(domain) << 1 | u64::from(!ca.is_ipv4()),
            (bits >> 64) as u64,
            bits as u64,
        ])
    }

    fn hash(&self, words: [u64; 3]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for word in words {
            hasher.write_u64(word);
        }
        hasher.finish()
    }
}

/// The kinds of records without customer address, for both families.
const STATIONS: [(RecordType, bool); 4] = [
    (RecordType::GatewayWildcard, false),
    (RecordType::GatewayWildcard, true),
    (RecordType::L2Only, false),
    (RecordType::L2Only, true),
];

/// A hint's place tells the family too.
const fn hinted_place(place: Place, v6: bool) -> Place {
    place << 1 | v6 as Place
}

#[inline(always)]
fn v4_key(vsid: VirtualSubnetId, ca: u32) -> [u64; 1] {
    [u64::from(vsid.get()) << 32 | u64::from(ca)]
}

#[inline(always)]
fn v6_key(vsid: VirtualSubnetId, ca: u128) -> [u64; 3] {
    [u64::from(vsid.get()), (ca >> 64) as u64, ca as u64]
}

fn station_key(vsid: VirtualSubnetId, mac: MacAddress, kind: RecordType, v6: bool) -> [u64; 2] {
    [
        mac.to_bits() << 16 | (kind as u64) << 1 | u64::from(v6),
        u64::from(vsid.get()),
    ]
}

fn v4_entry([key]: [u64; 1], value: [u64; 2]) -> Entry {
    Entry::new(subnet(key >> 32), [0, key & 0xffff_ffff], value)
}

fn v6_entry([vsid, high, low]: [u64; 3], value: [u64; 2]) -> Entry {
    Entry::new(subnet(vsid), [high, low], value)
}

fn station_entry([_, vsid]: [u64; 2], value: [u64; 2]) -> Entry {
    Entry::new(subnet(vsid), [0; 2], value)
}

#[inline(always)]
const fn words(ca: CustomerAddress) -> [u64; 2] {
    let bits = ca.bits();
    [(bits >> 64) as u64, bits as u64]
}

fn subnet(number: u64) -> VirtualSubnetId {
    VirtualSubnetId::try_new(number as u32)
        .expect("a visible row's key was made from a subnet's id")
}

// Tens of thousands of records are too many to be interpreted.
#[cfg(all(test, not(miri)))]
mod growth_tests;
#[cfg(test)]
mod tests;
