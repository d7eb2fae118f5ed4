//! What hosts were before a run, so that a failed one leaves no trace. It costs what the run
//! changes: of a table that only grew, its length is enough.

use std::collections::BTreeMap;

use crate::estate::{
    Adapter, Estate, Host, HostAddressEntry, Nic, ProviderRouteEntry, RecordEntry, RouteEntry,
    Wiped,
};

/// A list as it was.
#[derive(Debug)]
pub(crate) enum Kept<T> {
    Unchanged,
    /// It only grew, and was this long.
    Length(usize),
    Whole(Vec<T>),
}

/// A host as it was.
#[derive(Debug)]
pub(crate) struct HostBefore {
    pub(crate) nics: Kept<Nic>,
    pub(crate) adapters: Kept<Adapter>,
    pub(crate) records: Kept<RecordEntry>,
    pub(crate) customer_routes: Kept<RouteEntry>,
    pub(crate) provider_addresses: Kept<HostAddressEntry>,
    pub(crate) provider_routes: Kept<ProviderRouteEntry>,
    use_external_router: bool,
    next_record: u32,
    next_route: u32,
    wiped: Wiped,
}

/// The hosts that a run has touched.
#[derive(Debug, Default)]
pub(crate) struct Undo {
    /// Counted into the estate.
    hosts: BTreeMap<usize, HostBefore>,
}

impl<T: Clone> Kept<T> {
    /// Before rows are put behind the last.
    pub(crate) fn grows(&mut self, now: &[T]) {
        if let Self::Unchanged = self {
            *self = Self::Length(now.len());
        }
    }

    /// Before rows are changed or removed.
    pub(crate) fn changes(&mut self, now: &[T]) {
        match *self {
            Self::Unchanged => *self = Self::Whole(now.to_vec()),
            Self::Length(len) => *self = Self::Whole(now[..len].to_vec()),
            Self::Whole(_) => {}
        }
    }

    fn restore(self, now: &mut Vec<T>) {
        match self {
            Self::Unchanged => {}
            Self::Length(len) => now.truncate(len),
            Self::Whole(rows) => *now = rows,
        }
    }
}

impl HostBefore {
    fn of(host: &Host) -> Self {
        Self {
            nics: Kept::Unchanged,
            adapters: Kept::Unchanged,
            records: Kept::Unchanged,
            customer_routes: Kept::Unchanged,
            provider_addresses: Kept::Unchanged,
            provider_routes: Kept::Unchanged,
            use_external_router: host.use_external_router,
            next_record: host.next_record,
            next_route: host.next_route,
            wiped: host.wiped.clone(),
        }
    }

    fn restore(self, now: &mut Host) {
        self.nics.restore(&mut now.nics);
        self.adapters.restore(&mut now.adapters);
        self.records.restore(&mut now.records);
        self.customer_routes.restore(&mut now.customer_routes);
        self.provider_addresses.restore(&mut now.provider_addresses);
        self.provider_routes.restore(&mut now.provider_routes);
        now.use_external_router = self.use_external_router;
        now.next_record = self.next_record;
        now.next_route = self.next_route;
        now.wiped = self.wiped;
    }
}

impl Undo {
    /// What is kept of a host, which is `now` before the next change.
    pub(crate) fn of(&mut self, host: usize, now: &Host) -> &mut HostBefore {
        self.hosts
            .entry(host)
            .or_insert_with(|| HostBefore::of(now))
    }

    /// Makes the estate what it was.
    pub(crate) fn restore(self, estate: &mut Estate) {
        for (host, before) in self.hosts {
            before.restore(&mut estate.hosts[host]);
        }
    }
}
