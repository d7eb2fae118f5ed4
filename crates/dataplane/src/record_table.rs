//! The lookup records of a snapshot, by customer address, by MAC and by provider address.
//!
//! Shape: (VSID, customer address) -> at most one record; (VSID, MAC) -> a chain of records, since a
//! guest has one per address family and a gateway has a wildcard besides. Read on every frame that
//! leaves the host, written never. Keys compare as one integer.

use alloc::vec::Vec;
use core::net::IpAddr;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId};

use crate::lookup_record::{LookupRecord, RecordType};

/// A record's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) u32);

/// A record with everything that forwarding would else have to look up again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) record: LookupRecord,
    /// Its own place.
    pub(crate) slot: Slot,
    /// Index of the provider address among the destinations of the snapshot.
    pub(crate) remote: u32,
    /// Index of the provider address among this host's own, if it is one.
    pub(crate) own: Option<u32>,
    /// Index of the port of this switch that has the record's subnet and MAC, if there is one.
    pub(crate) local: Option<u32>,
    next_of_mac: Option<Slot>,
}

/// What the rest of a snapshot knows about a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) remote: u32,
    pub(crate) own: Option<u32>,
    pub(crate) local: Option<u32>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct RecordTable {
    entries: Vec<Entry>,
    v4_by_address: HashMap<u64, Slot, RandomState>,
    v6_by_address: HashMap<(u32, u128), Slot, RandomState>,
    /// First and last of each chain.
    by_mac: HashMap<u128, (Slot, Slot), RandomState>,
}

impl RecordTable {
    /// Compiles records that [`crate::Policy::check`] has passed.
    pub(crate) fn new(
        records: &[LookupRecord],
        hasher: &RandomState,
        mut place: impl FnMut(&LookupRecord) -> Placed,
    ) -> Self {
        let mut table = Self {
            entries: Vec::with_capacity(records.len()),
            v4_by_address: HashMap::with_hasher(hasher.clone()),
            v6_by_address: HashMap::with_hasher(hasher.clone()),
            by_mac: HashMap::with_capacity_and_hasher(records.len(), hasher.clone()),
        };
        for record in records {
            let slot = Slot(table.entries.len() as u32);
            let Placed { remote, own, local } = place(record);
            table.entries.push(Entry {
                record: *record,
                slot,
                remote,
                own,
                local,
                next_of_mac: None,
            });
            if record.record_type.has_customer_address() {
                match record.customer_address.ip() {
                    IpAddr::V4(v4) => {
                        let key = v4_key(record.virtual_subnet, v4.into());
                        table.v4_by_address.insert(key, slot);
                    }
                    IpAddr::V6(v6) => {
                        let key = (record.virtual_subnet.get(), v6.into());
                        table.v6_by_address.insert(key, slot);
                    }
                }
            }
            let key = mac_key(record.virtual_subnet.get(), record.mac);
            match table.by_mac.get_mut(&key) {
                Some((_, last)) => {
                    table.entries[last.0 as usize].next_of_mac = Some(slot);
                    *last = slot;
                }
                None => {
                    table.by_mac.insert(key, (slot, slot));
                }
            }
        }
        table
    }

    /// Every record, in the order of the policy.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The record in this place.
    pub(crate) fn at(&self, slot: Slot) -> &Entry {
        &self.entries[slot.0 as usize]
    }

    /// The record of a customer address.
    pub(crate) fn by_address(&self, vsid: VirtualSubnetId, ca: CustomerAddress) -> Option<&Entry> {
        let slot = match ca.ip() {
            IpAddr::V4(v4) => self.v4_by_address.get(&v4_key(vsid, v4.into())),
            IpAddr::V6(v6) => self.v6_by_address.get(&(vsid.get(), v6.into())),
        };
        slot.map(|&slot| self.at(slot))
    }

    /// The records of a MAC, in the order of the policy. Nothing is looked up before the first is
    /// asked for.
    pub(crate) fn by_mac(
        &self,
        vsid: VirtualSubnetId,
        mac: MacAddress,
    ) -> impl Iterator<Item = &Entry> {
        let first = core::iter::once_with(move || {
            let key = mac_key(vsid.get(), mac);
            self.by_mac.get(&key).map(|&(first, _)| first)
        });
        first.flatten().flat_map(|first| self.chain(first))
    }

    fn chain(&self, first: Slot) -> impl Iterator<Item = &Entry> {
        core::iter::successors(Some(self.at(first)), |entry| {
            entry.next_of_mac.map(|next| self.at(next))
        })
    }
}

impl Entry {
    /// Whether it lets its MAC speak for customer addresses that have no record.
    pub(crate) const fn speaks_for_any(&self) -> bool {
        match self.record.record_type {
            RecordType::GatewayWildcard | RecordType::L2Only => true,
            RecordType::Static | RecordType::Dynamic => false,
        }
    }
}

/// A provider address as one integer. IPv4 addresses take the form of IPv4-mapped ones, which are
/// never seen on a wire.
pub(crate) fn provider_key(pa: ProviderAddress) -> u128 {
    match pa.ip() {
        IpAddr::V4(v4) => 0xffff_0000_0000 | u128::from(u32::from(v4)),
        IpAddr::V6(v6) => v6.into(),
    }
}

/// A MAC on one of the wires of a switch, or in a subnet. The number of the wire has 24 bits.
pub(crate) fn mac_key(wire: u32, mac: MacAddress) -> u128 {
    let [a, b, c, d, e, f] = mac.octets();
    u128::from(wire) << 64 | u128::from(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

fn v4_key(vsid: VirtualSubnetId, ca: u32) -> u64 {
    u64::from(vsid.get()) << 32 | u64::from(ca)
}
