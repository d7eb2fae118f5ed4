//! One MAC in one subnet: what it sent from where, and what it was sent.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_wire::{CustomerAddress, ProviderAddress};

use crate::skeleton::survey::{Seen, Station};

type Addresses = BTreeMap<CustomerAddress, BTreeMap<ProviderAddress, Seen>>;

/// One MAC in one subnet.
#[derive(Default)]
pub(crate) struct Candidate {
    pub(crate) addresses: Addresses,
    /// Over all its frames, with and without an address.
    pub(crate) providers: BTreeMap<ProviderAddress, Seen>,
}

impl Candidate {
    pub(crate) fn add(&mut self, station: &Station, seen: &Seen) {
        merge(self.providers.entry(station.provider).or_default(), seen);
        if let Some(address) = station.address {
            let behind = self.addresses.entry(address).or_default();
            merge(behind.entry(station.provider).or_default(), seen);
        }
    }

    pub(crate) fn total(&self, address: CustomerAddress) -> Seen {
        self.addresses.get(&address).map_or_else(Seen::default, sum)
    }

    /// Addresses it sent from.
    pub(crate) fn sent_from(&self) -> impl Iterator<Item = CustomerAddress> {
        let sent = |behind: &BTreeMap<_, Seen>| behind.values().any(|seen| seen.sent > 0);
        self.addresses
            .iter()
            .filter(move |(_, behind)| sent(behind))
            .map(|(&address, _)| address)
    }

    /// Whether it sends from some addresses behind one provider address and from others behind
    /// another, never from one behind both. A guest that moved takes its addresses along; the router
    /// that every host has sends what it routes from wherever the guest is.
    pub(crate) fn is_router(&self) -> bool {
        [true, false].into_iter().any(|ipv4| {
            let mut providers = BTreeSet::new();
            let mut addresses = 0;
            for address in self.sent_from() {
                if address.is_ipv4() != ipv4 || address.is_link_local() {
                    continue;
                }
                let behind = self.addresses[&address]
                    .iter()
                    .filter(|(_, seen)| seen.sent > 0);
                let behind: Vec<_> = behind.map(|(&provider, _)| provider).collect();
                if behind.len() > 1 {
                    return false;
                }
                providers.extend(behind);
                addresses += 1;
            }
            addresses > 1 && providers.len() > 1
        })
    }
}

pub(crate) fn merge(into: &mut Seen, seen: &Seen) {
    let fresh = into.first_frame == 0;
    into.first_frame = if fresh {
        seen.first_frame
    } else {
        into.first_frame.min(seen.first_frame)
    };
    into.sent += seen.sent;
    into.received += seen.received;
    into.claimed |= seen.claimed;
}

pub(crate) fn sum<K>(seen: &BTreeMap<K, Seen>) -> Seen {
    let mut total = Seen::default();
    seen.values().for_each(|seen| merge(&mut total, seen));
    total
}
