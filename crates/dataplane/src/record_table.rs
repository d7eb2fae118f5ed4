//! The lookup records of a snapshot, by customer address, by MAC and by provider address.
//!
//! Shape: (VSID, customer address) -> at most one record; (VSID, MAC) -> a chain of records, since a
//! guest has one per address family and a gateway has a wildcard besides. Read on every frame that
//! leaves the host, written never.

use alloc::vec::Vec;
use core::net::IpAddr;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId};

use crate::lookup_record::{LookupRecord, RecordType, Rule};

/// A record's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

/// A record with what forwarding wants to know about its provider address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) record: LookupRecord,
    /// Index of the provider address among the destinations of the snapshot.
    pub(crate) remote: u32,
    /// Index of the provider address among this host's own, if it is one.
    pub(crate) own: Option<u32>,
    next_of_mac: Option<Slot>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct RecordTable {
    entries: Vec<Entry>,
    v4_by_address: HashMap<u64, Slot, RandomState>,
    v6_by_address: HashMap<(VirtualSubnetId, u128), Slot, RandomState>,
    by_mac: HashMap<u128, (Slot, Slot), RandomState>,
    nat_by_provider: HashMap<ProviderAddress, Slot, RandomState>,
}

impl RecordTable {
    /// Compiles records that [`crate::Policy::check`] has passed. `place` gives a provider address
    /// its two indices.
    pub(crate) fn new(
        records: &[LookupRecord],
        hasher: &RandomState,
        mut place: impl FnMut(ProviderAddress) -> (u32, Option<u32>),
    ) -> Self {
        let mut table = Self {
            entries: Vec::with_capacity(records.len()),
            v4_by_address: HashMap::with_hasher(hasher.clone()),
            v6_by_address: HashMap::with_hasher(hasher.clone()),
            by_mac: HashMap::with_capacity_and_hasher(records.len(), hasher.clone()),
            nat_by_provider: HashMap::with_hasher(hasher.clone()),
        };
        for record in records {
            let slot = Slot(table.entries.len() as u32);
            let (remote, own) = place(record.provider_address);
            table.entries.push(Entry {
                record: *record,
                remote,
                own,
                next_of_mac: None,
            });
            if record.record_type.has_customer_address() {
                match record.customer_address.ip() {
                    IpAddr::V4(v4) => {
                        table
                            .v4_by_address
                            .insert(v4_key(record.virtual_subnet, v4.into()), slot);
                    }
                    IpAddr::V6(v6) => {
                        table
                            .v6_by_address
                            .insert((record.virtual_subnet, v6.into()), slot);
                    }
                }
            }
            match table
                .by_mac
                .get_mut(&mac_key(record.virtual_subnet, record.mac))
            {
                Some((_, last)) => {
                    table.entries[last.0 as usize].next_of_mac = Some(slot);
                    *last = slot;
                }
                None => {
                    table
                        .by_mac
                        .insert(mac_key(record.virtual_subnet, record.mac), (slot, slot));
                }
            }
            if record.rule == Rule::Nat {
                table.nat_by_provider.insert(record.provider_address, slot);
            }
        }
        table
    }

    /// Every record, in the order of the policy.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The record of a customer address.
    pub(crate) fn by_address(&self, vsid: VirtualSubnetId, ca: CustomerAddress) -> Option<&Entry> {
        let slot = match ca.ip() {
            IpAddr::V4(v4) => self.v4_by_address.get(&v4_key(vsid, v4.into())),
            IpAddr::V6(v6) => self.v6_by_address.get(&(vsid, v6.into())),
        };
        slot.map(|slot| &self.entries[slot.0 as usize])
    }

    /// The records of a MAC, in the order of the policy.
    pub(crate) fn by_mac(
        &self,
        vsid: VirtualSubnetId,
        mac: MacAddress,
    ) -> impl Iterator<Item = &Entry> {
        let first = self
            .by_mac
            .get(&mac_key(vsid, mac))
            .map(|&(first, _)| first);
        let mut next = first;
        core::iter::from_fn(move || {
            let entry = &self.entries[next?.0 as usize];
            next = entry.next_of_mac;
            Some(entry)
        })
    }

    /// The one NAT record of a provider address (V-04).
    pub(crate) fn nat(&self, pa: ProviderAddress) -> Option<&Entry> {
        self.nat_by_provider
            .get(&pa)
            .map(|slot| &self.entries[slot.0 as usize])
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

fn v4_key(vsid: VirtualSubnetId, ca: u32) -> u64 {
    u64::from(vsid.get()) << 32 | u64::from(ca)
}

fn mac_key(vsid: VirtualSubnetId, mac: MacAddress) -> u128 {
    let mac = mac
        .octets()
        .iter()
        .fold(0, |word, &octet| word << 8 | u128::from(octet));
    u128::from(vsid.get()) << 48 | mac
}
