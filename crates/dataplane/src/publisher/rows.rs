//! Rows that come and go: what tables have room for, what is freed when nobody sees it any more.

use alloc::sync::Arc;

use super::Publisher;
use crate::compile;
use crate::entry::Entry;
use crate::record_table::{Fill, Slot};
use crate::snapshot::{FIXED, Snapshot};
use crate::table::{Place, Version};

/// Places that are not to be had any more.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) records: Fill,
    pub(super) subnets: usize,
    pub(super) providers: usize,
    pub(super) peers: usize,
    pub(super) translations: usize,
}

/// A row that no snapshot from some publication on sees.
#[derive(Debug)]
pub(super) enum Closed {
    Record(Slot, Entry, Option<u32>),
    Peer(Place),
    Translation(Place),
}

impl Publisher {
    /// A larger table with the same records, without what is closed, seen from `first` on.
    pub(super) fn grow_records(&mut self, first: Version) {
        let version = self.next.version;
        let used = &mut self.used.records;
        self.next.records = Arc::new(self.next.records.grown(version, first, used));
        self.closed
            .retain(|(_, closed)| !matches!(closed, Closed::Record(..)));
    }

    pub(super) fn grow_peers(&mut self, first: Version) {
        let grown = compile::grown(&self.next.peers, self.next.version, first);
        (self.next.peers, self.used.peers) = grown;
        self.closed
            .retain(|(_, closed)| !matches!(closed, Closed::Peer(_)));
    }

    pub(super) fn grow_translations(&mut self, first: Version) {
        let grown = compile::grown(&self.next.translations, self.next.version, first);
        (self.next.translations, self.used.translations) = grown;
        self.closed
            .retain(|(_, closed)| !matches!(closed, Closed::Translation(_)));
    }

    /// Versions are numbers of 32 bits. When they are used up, new tables begin with the first.
    pub(super) fn begin_again(&mut self) {
        let (last, first) = (self.next.version, FIXED);
        self.grow_peers(first);
        self.grow_translations(first);
        self.grow_records(first);
        let subnets = compile::grown(&self.next.subnet_at, last, first);
        (self.next.subnet_at, self.used.subnets) = subnets;
        let providers = compile::grown(&self.next.provider_at, last, first);
        (self.next.provider_at, self.used.providers) = providers;
        self.next.version = first;
    }

    /// Drops snapshots that nobody else has, and frees the rows that only they saw.
    pub(super) fn free_unseen(&mut self) {
        // All of them are asked, not the oldest ones only: behind a worker that rests with an old one
        // there would soon be thousands. The newest is the next to be handed out.
        let newest = self.published;
        let is_read = |(number, snapshot): &mut (u64, Arc<Snapshot>)| {
            *number == newest || Arc::get_mut(snapshot).is_none()
        };
        self.live.retain_mut(is_read);
        let oldest = self.live.front().map_or(0, |&(number, _)| number);
        while let Some(&(unseen_from, _)) = self.closed.front()
            && unseen_from <= oldest
            && let Some((_, closed)) = self.closed.pop_front()
        {
            match closed {
                Closed::Record(slot, entry, domain) => {
                    let used = &mut self.used.records;
                    self.next.records.free(slot, &entry, domain, used);
                }
                Closed::Peer(place) => {
                    self.used.peers -= usize::from(self.next.peers.free(place));
                }
                Closed::Translation(place) => {
                    let free = self.next.translations.free(place);
                    self.used.translations -= usize::from(free);
                }
            }
        }
    }
}
