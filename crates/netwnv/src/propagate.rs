//! What every host should hold when changes were made on some of them.
//!
//! Lookup records and customer routes are meant to be the same on every host: Windows Server 2012
//! distributes nothing, so whoever changes one host has to change the others.

use std::collections::BTreeMap;

use crate::estate::{Estate, Host, HostAddressEntry, ProviderRouteEntry, RecordEntry, RouteEntry};
use crate::row::Row;
use crate::row_keys::RowKeys;
use crate::source::Place;

/// Watches an estate while scripts change it, and tells what a host should hold then: the row that
/// was written last, on whatever host, and none where the last that was done to it was to
/// remove it. What a host lost with its binding was not removed.
pub struct Propagation {
    records: Rows<RecordEntry>,
    routes: Rows<RouteEntry>,
    provider_addresses: OwnRows<HostAddressEntry>,
    provider_routes: OwnRows<ProviderRouteEntry>,
    vanished: Vec<Vanished>,
}

/// Records and customer routes that a host lost at one time, where it lost all of them or some with
/// its binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vanished {
    /// The host.
    pub host: String,
    /// How many went with the binding. Nobody said that they are wrong: the others keep them.
    pub wiped: usize,
    /// How many commands removed.
    pub removed: usize,
}

/// What a host should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagated {
    /// The host with its own provider side and ports, and everybody's records and routes: its own
    /// in their order, then those it lacks.
    pub host: Host,
    /// Records that were removed somewhere, as they were: nobody should hold them.
    pub removed_records: Vec<RecordEntry>,
    /// Customer routes that were removed somewhere.
    pub removed_routes: Vec<RouteEntry>,
    /// Provider addresses that the host had and that were removed from it.
    pub removed_provider_addresses: Vec<HostAddressEntry>,
    /// Provider routes that the host had and that were removed from it.
    pub removed_provider_routes: Vec<ProviderRouteEntry>,
    /// What hosts lost on the way, in the order in which they did.
    pub vanished: Vec<Vanished>,
    /// Rows that hosts hold in different forms, and none was written later: the host keeps its own,
    /// if it has one. Places of two of them.
    pub disputed: Vec<[Place; 2]>,
}

impl Propagation {
    /// From the estate as it is at first: what hosts hold differently is disputed until it is
    /// written again.
    pub fn new(estate: &Estate) -> Self {
        let mut propagation = Self {
            records: Rows::default(),
            routes: Rows::default(),
            provider_addresses: OwnRows::default(),
            provider_routes: OwnRows::default(),
            vanished: Vec::new(),
        };
        propagation.changed(estate);
        propagation
    }

    /// Takes note of what changed since the last time. Of what two hosts were given differently at
    /// one time, none counts as later.
    pub fn changed(&mut self, estate: &Estate) {
        let of_records = self.records.changed(estate);
        let of_routes = self.routes.changed(estate);
        for ((host, records), routes) in estate.hosts.iter().zip(of_records).zip(of_routes) {
            let [wiped, removed] = [0, 1].map(|which| records[which] + routes[which]);
            let is_bare = host.records.is_empty() && host.customer_routes.is_empty();
            if wiped > 0 || (removed > 0 && is_bare) {
                self.vanished.push(Vanished {
                    host: host.name.clone(),
                    wiped,
                    removed,
                });
            }
        }
        self.provider_addresses.changed(estate);
        self.provider_routes.changed(estate);
    }

    /// What the host of this index should hold.
    pub fn of_host(&self, estate: &Estate, host: usize) -> Propagated {
        let mut now = estate.hosts[host].clone();
        let mut disputed = Vec::new();
        let removed_records = self.records.apply(&mut now, &mut disputed);
        let removed_routes = self.routes.apply(&mut now, &mut disputed);
        for (at, entry) in now.records.iter_mut().enumerate() {
            entry.record.id = nvgre_dataplane::RecordId(at as u32);
        }
        for (at, entry) in now.customer_routes.iter_mut().enumerate() {
            entry.route.id = nvgre_dataplane::RouteId(at as u32);
        }
        (now.next_record, now.next_route) =
            (now.records.len() as u32, now.customer_routes.len() as u32);
        Propagated {
            host: now,
            removed_records,
            removed_routes,
            removed_provider_addresses: self.provider_addresses.removed[host].clone(),
            removed_provider_routes: self.provider_routes.removed[host].clone(),
            vanished: self.vanished.clone(),
            disputed,
        }
    }
}

/// One kind of row on all hosts.
struct Rows<R: Row> {
    /// What each host held the last time.
    last: Vec<Vec<R>>,
    /// A row of each key, in the order in which keys were met.
    met: Vec<R>,
    /// What was stated last of each of them.
    stated: Vec<Stated<R>>,
    keys: RowKeys,
}

enum Stated<R> {
    Held(R),
    /// As it was.
    Removed(R),
    /// The first two that differ.
    Disputed(Box<[R; 2]>),
}

impl<R: Row> Default for Rows<R> {
    fn default() -> Self {
        Self {
            last: Vec::new(),
            met: Vec::new(),
            stated: Vec::new(),
            keys: RowKeys::default(),
        }
    }
}

/// An index of all rows.
fn index<R: Row>(rows: &[R]) -> RowKeys {
    let mut keys = RowKeys::default();
    keys.learn(rows);
    keys
}

impl<R: Row> Rows<R> {
    /// Gives of each host how many rows it lost with its binding, and how many were removed.
    fn changed(&mut self, estate: &Estate) -> Vec<[usize; 2]> {
        let mut lost = Vec::with_capacity(estate.hosts.len());
        // Index into what was met -> what hosts were given this time, or was taken from them.
        let mut changes: BTreeMap<usize, Vec<(R, bool)>> = BTreeMap::new();
        self.last.resize(estate.hosts.len(), Vec::new());
        for (host, before) in estate.hosts.iter().zip(std::mem::take(&mut self.last)) {
            let now = R::rows(host);
            let (keys_now, keys_before) = (index(now), index(&before));
            let given = now.iter().filter(|row| {
                let known = keys_before.first(&before, &row.key());
                known.is_none_or(|at| !same(&before[at], row))
            });
            let wiped = index(R::wiped(host));
            let (with_binding, taken): (Vec<&R>, Vec<&R>) = before
                .iter()
                .filter(|row| keys_now.first(now, &row.key()).is_none())
                .partition(|row| wiped.first(R::wiped(host), &row.key()).is_some());
            lost.push([with_binding.len(), taken.len()]);
            let both = given
                .map(|row| (row, true))
                .chain(taken.into_iter().map(|row| (row, false)));
            for (row, is_given) in both {
                let of_key = changes.entry(self.index_of(row)).or_default();
                of_key.push((row.clone(), is_given));
            }
            self.last.push(now.to_vec());
        }
        for (at, of_key) in changes {
            let mut of_key = of_key.into_iter();
            let Some((first, is_given)) = of_key.next() else {
                continue;
            };
            let other =
                of_key.find(|(row, given)| *given != is_given || (is_given && !same(row, &first)));
            self.stated[at] = match other {
                Some((other, _)) => Stated::Disputed(Box::new([first, other])),
                None if is_given => Stated::Held(first),
                None => Stated::Removed(first),
            };
        }
        lost
    }

    /// Where the key of this row is among those met; a new one is held until it is said otherwise.
    fn index_of(&mut self, row: &R) -> usize {
        self.keys.first(&self.met, &row.key()).unwrap_or_else(|| {
            self.met.push(row.clone());
            self.stated.push(Stated::Held(row.clone()));
            self.keys.learn(&self.met);
            self.met.len() - 1
        })
    }

    /// Gives the host what it should hold; what nobody should is handed back.
    fn apply(&self, host: &mut Host, disputed: &mut Vec<[Place; 2]>) -> Vec<R> {
        let own = std::mem::take(R::rows_mut(host));
        let own_keys = index(&own);
        let mut kept = Vec::new();
        for row in &own {
            let at = self.keys.first(&self.met, &row.key());
            match at.map(|at| &self.stated[at]) {
                // What differs only in its place is the host's own.
                Some(Stated::Held(stated)) if !same(stated, row) => kept.push(stated.clone()),
                Some(Stated::Held(_) | Stated::Disputed(_)) | None => kept.push(row.clone()),
                Some(Stated::Removed(_)) => {}
            }
        }
        let mut removed = Vec::new();
        for stated in &self.stated {
            match stated {
                Stated::Held(row) if own_keys.first(&own, &row.key()).is_none() => {
                    kept.push(row.clone());
                }
                Stated::Held(_) => {}
                Stated::Removed(row) => removed.push(row.clone()),
                Stated::Disputed(rows) => {
                    let [one, other] = &**rows;
                    disputed.push([one, other].map(|row| row.place().clone()));
                }
            }
        }
        *R::rows_mut(host) = kept;
        removed
    }
}

/// One kind of row that every host has its own of.
struct OwnRows<R> {
    /// What each host held the last time.
    last: Vec<Vec<R>>,
    /// What was removed from each, as it was.
    removed: Vec<Vec<R>>,
}

impl<R> Default for OwnRows<R> {
    fn default() -> Self {
        Self {
            last: Vec::new(),
            removed: Vec::new(),
        }
    }
}

impl<R: Row> OwnRows<R> {
    fn changed(&mut self, estate: &Estate) {
        self.last.resize(estate.hosts.len(), Vec::new());
        self.removed.resize(estate.hosts.len(), Vec::new());
        let of_hosts = self.last.iter_mut().zip(&mut self.removed);
        for (host, (last, removed)) in estate.hosts.iter().zip(of_hosts) {
            let holds = |rows: &[R], key: &R::Key| rows.iter().any(|row| row.key() == *key);
            let now = R::rows(host);
            removed.extend(
                last.drain(..)
                    .filter(|row| !holds(R::wiped(host), &row.key())),
            );
            removed.retain(|row| !holds(now, &row.key()));
            last.extend_from_slice(now);
        }
    }
}

/// Whether two rows say the same, wherever they were written.
fn same<R: Row>(one: &R, other: &R) -> bool {
    R::FIELDS
        .iter()
        .all(|(_, field)| match (field(one), field(other)) {
            (Some(one), Some(other)) => one.accepts(Some(&other), false),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        })
}
