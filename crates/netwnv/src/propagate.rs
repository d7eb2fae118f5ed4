//! What every host should hold when changes were made on some of them.
//!
//! Lookup records and customer routes are meant to be the same on every host: Windows Server 2012
//! distributes nothing, so whoever changes one host has to change the others.

use std::collections::BTreeMap;

use crate::estate::{Estate, Host, RecordEntry, RouteEntry};
use crate::row::Row;
use crate::row_keys::RowKeys;
use crate::source::Place;

/// Watches an estate while scripts change it, and tells what a host should hold then: the row that
/// was written last, on whatever host, and none where the last that was done to it was to remove it.
pub struct Propagation {
    records: Rows<RecordEntry>,
    routes: Rows<RouteEntry>,
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
        };
        propagation.changed(estate);
        propagation
    }

    /// Takes note of what changed since the last time. Of what two hosts were given differently at
    /// one time, none counts as later.
    pub fn changed(&mut self, estate: &Estate) {
        self.records.changed(estate);
        self.routes.changed(estate);
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
    fn changed(&mut self, estate: &Estate) {
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
            let taken = before
                .iter()
                .filter(|row| keys_now.first(now, &row.key()).is_none());
            let both = given
                .map(|row| (row, true))
                .chain(taken.map(|row| (row, false)));
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
