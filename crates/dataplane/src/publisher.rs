//! The owner's side of the tables: edits, checked one by one, and their publication.
//!
//! An edit of a record costs what it changes, whatever the tables hold: one row and its hints, and
//! what the record is the first or the last of (a host in a subnet's floods, a peer of a routing
//! domain, a source of a port). Snapshots share everything else.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use ahash::RandomState;
use hashbrown::HashMap;

use crate::compile::{self, Compiled};
use crate::entry::{Entry, Seen};
use crate::lookup_record::{LookupRecord, RecordId, Rule};
use crate::policy::{Policy, PolicyError};
use crate::record_table::Slot;
use crate::short::ShortPort;
use crate::snapshot::{NatRecord, Snapshot, SwitchPort};
use crate::table::Version;
use crate::underlay::Underlay;

use rows::{Closed, Used};

mod provider;
mod rows;
mod subnet;

/// When many records are added, the places of this many are on their way from memory.
const AHEAD: usize = 8;

/// Makes snapshots of one host's policy, one after another.
///
/// ```text
/// edits  insert | replace | remove   seen by nobody yet
/// publish                            all of them, by every snapshot from then on
/// ```
///
/// It keeps every snapshot that it has published until nobody else does, so that what is old is
/// freed here and never by a worker, as long as the publisher itself is there.
#[derive(Debug)]
pub struct Publisher {
    /// The state that is published next.
    next: Snapshot,
    underlay: Underlay,
    /// Shape: (VSID, MAC) -> indices of the ports that have both.
    ports_of: HashMap<(u32, u64), Vec<u32>, RandomState>,
    used: Used,
    counts: Counts,
    /// Publications so far.
    published: u64,
    /// What was published and may still be read, oldest first.
    live: VecDeque<(u64, Arc<Snapshot>)>,
    /// Closed rows, and the publication from which on they are not seen.
    closed: VecDeque<(u64, Closed)>,
    #[cfg(feature = "std")]
    current: Option<Arc<arc_swap::ArcSwap<Snapshot>>>,
}

/// How many records stand behind what is kept once.
#[derive(Debug)]
struct Counts {
    /// By number of provider address: records that name it.
    of_provider: Vec<u32>,
    /// (provider address, routing domain) -> records.
    peers: HashMap<u64, u32, RandomState>,
    /// (VSID, provider address) -> Encap records, and L2Only ones among them.
    pairs: HashMap<(u32, u32), [u32; 2], RandomState>,
    /// VSID -> L2Only records.
    learning: HashMap<u32, u32, RandomState>,
    /// (VSID, IPv6?, id) -> wildcard record. The lowest id of a subnet and family is in force.
    wildcards: BTreeMap<(u32, bool, RecordId), Entry>,
}

impl Publisher {
    /// Checks and compiles a policy. `seed` keys the hash tables: fixed where runs must repeat,
    /// random where frames come from strangers.
    ///
    /// Without the WNV binding no record, route or provider address is in force.
    pub fn new(policy: &Policy, seed: u64) -> Result<Self, Vec<PolicyError>> {
        let warnings = policy.check()?;
        let hasher = RandomState::with_seeds(seed, seed ^ 0x6e76_6772_6500_0001, !seed, 0x7637);
        let Compiled {
            snapshot,
            ports_of,
            used_subnets,
        } = compile::compile(policy, warnings, &hasher);
        let mut publisher = Self {
            next: snapshot,
            underlay: Underlay::of(policy),
            ports_of,
            used: Used {
                subnets: used_subnets,
                ..Used::default()
            },
            counts: Counts {
                of_provider: Vec::new(),
                peers: HashMap::with_hasher(hasher.clone()),
                pairs: HashMap::with_hasher(hasher.clone()),
                learning: HashMap::with_hasher(hasher.clone()),
                wildcards: BTreeMap::new(),
            },
            published: 0,
            live: VecDeque::new(),
            closed: VecDeque::new(),
            #[cfg(feature = "std")]
            current: None,
        };
        if policy.wnv_bound {
            publisher.add_providers(policy);
            for (index, record) in policy.records.iter().enumerate() {
                if let Some(later) = policy.records.get(index + AHEAD) {
                    publisher.expect(later);
                }
                publisher.add(record);
            }
        }
        Ok(publisher)
    }

    /// Adds a record. Refused, and nothing changed, when there is one of its name (V-01, V-07), and
    /// for everything else that [`Policy::check`] refuses in a record.
    pub fn insert(&mut self, record: &LookupRecord) -> Result<(), PolicyError> {
        self.expect(record);
        let there = self.next.records.find(record, self.next.version);
        if let Some((_, there)) = there {
            return Err(PolicyError::DuplicateRecord {
                first: there.id(),
                second: record.id,
            });
        }
        self.check(record, None)?;
        self.add(record);
        Ok(())
    }

    /// Puts a record in the place of the one of the same name: of the same subnet and customer
    /// address, or for wildcard and L2Only records of the same subnet, family, MAC and type.
    pub fn replace(&mut self, record: &LookupRecord) -> Result<(), PolicyError> {
        self.expect(record);
        let (slot, there) = self.find(record)?;
        self.check(record, Some(&there))?;
        self.take(slot, &there);
        self.add(record);
        Ok(())
    }

    /// Removes the record of the same name.
    pub fn remove(&mut self, record: &LookupRecord) -> Result<(), PolicyError> {
        let (slot, there) = self.find(record)?;
        self.take(slot, &there);
        Ok(())
    }

    /// Publishes all edits since the last time, at once.
    pub fn publish(&mut self) -> Arc<Snapshot> {
        let snapshot = Arc::new(self.next.share());
        #[cfg(feature = "std")]
        if let Some(current) = &self.current {
            current.store(snapshot.clone());
        }
        self.published += 1;
        self.live.push_back((self.published, snapshot.clone()));
        if self.next.version >= Version::MAX - 2 {
            self.begin_again();
        }
        self.next.version += 1;
        self.free_unseen();
        snapshot
    }

    /// A subscription for one worker: it sees what is published from now on. Publishes.
    #[cfg(feature = "std")]
    pub fn subscribe(&mut self) -> crate::Subscription {
        let snapshot = self.publish();
        let current = self
            .current
            .get_or_insert_with(|| Arc::new(arc_swap::ArcSwap::new(snapshot)));
        crate::Subscription::new(current.clone())
    }

    /// Bytes of memory that the records and every index of them take: what snapshots share, and what
    /// only edits need.
    pub fn record_bytes(&self) -> usize {
        let counts = &self.counts;
        self.next.records.bytes()
            + self.next.peers.bytes()
            + self.next.provider_at.bytes()
            + self.next.providers.bytes()
            + self.next.paths.bytes()
            + self.next.short_providers.bytes()
            + self.next.translations.bytes()
            + counts.peers.allocation_size()
            + counts.pairs.allocation_size()
            + counts.learning.allocation_size()
            + size_of_val(&*counts.of_provider)
    }

    /// The state as it is, without the means to edit it further.
    pub fn into_snapshot(self) -> Snapshot {
        self.next
    }

    /// Asks for the memory that an edit of this record will touch: of its row and its hints at once,
    /// instead of one after the other.
    fn expect(&self, record: &LookupRecord) {
        let domain = self.next.domain_of(record.virtual_subnet);
        self.next.records.prefetch_edit(record, domain);
    }

    fn find(&self, like: &LookupRecord) -> Result<(Slot, Entry), PolicyError> {
        let there = self.next.records.find(like, self.next.version);
        there.ok_or(PolicyError::NoSuchRecord(like.id))
    }

    /// What is asked of one record among the others; `instead_of` goes when it comes.
    fn check(&self, record: &LookupRecord, instead_of: Option<&Entry>) -> Result<(), PolicyError> {
        if !self.next.wnv_bound {
            return Err(PolicyError::NotBound(record.id));
        }
        if let Some(error) = record.errors().next() {
            return Err(error);
        }
        let Some((provider, known)) = self.next.provider(record.provider_address) else {
            return Ok(());
        };
        let leaves = instead_of.is_some_and(|old| old.provider() == provider);
        let others = self.counts.of_provider[provider as usize] - u32::from(leaves);
        let nat_stays = known
            .nat
            .filter(|nat| instead_of.is_none_or(|old| old.id() != nat.entry.id()));
        if others > 0 && (record.rule == Rule::Nat || nat_stays.is_some()) {
            let entries = self.next.records.entries(self.next.version);
            let sharers = entries.filter(|entry| {
                entry.provider() == provider && instead_of.is_none_or(|old| old.id() != entry.id())
            });
            return Err(PolicyError::NatAddressShared {
                first: sharers.map(|entry| entry.id()).min().unwrap_or(record.id),
                second: record.id,
            });
        }
        Ok(())
    }

    /// Adds a record that was checked.
    fn add(&mut self, record: &LookupRecord) {
        let provider = self.provider_number(record.provider_address);
        let vsid = record.virtual_subnet;
        let at_ports = self.ports_of.get(&(vsid.get(), record.mac.to_bits()));
        let is_connected = |&index: &u32| self.next.ports[index as usize].port.connected;
        let local = at_ports.is_some_and(|ports| ports.iter().any(is_connected));
        let own = self.known(provider).host.is_some();
        let router_mac = record.mac == self.next.settings.router_mac;
        let entry = Entry::of(
            record,
            provider,
            Seen {
                own,
                local,
                router_mac,
            },
        );
        let subnet = self.subnet_number(vsid);
        let domain = self.subnet(subnet).domain;
        if !self.next.records.has_room(&self.used.records) {
            self.grow_records(self.next.version);
        }
        let (version, used) = (self.next.version, &mut self.used.records);
        self.next.records.insert(&entry, domain, version, used);

        let records = &mut self.counts.of_provider[provider as usize];
        *records += 1;
        if *records == 1 {
            self.known_mut(provider).named = true;
        }
        if entry.rule() == Rule::Nat {
            self.set_nat(provider, Some(NatRecord { entry, domain }));
        }
        if let Some(domain) = domain {
            self.add_peer(provider, domain);
        }
        if entry.rule() == Rule::Encap {
            self.prepare_paths(provider);
        }
        self.add_to_subnet(subnet, &entry);
        self.for_ports_of(&entry, |snapshot, port| {
            if let Some(source) = snapshot.as_source(entry) {
                let at = port
                    .sources
                    .partition_point(|other| other.id() <= source.id());
                port.sources.insert(at, source);
            }
        });
    }

    /// Takes a record out.
    fn take(&mut self, slot: Slot, entry: &Entry) {
        let subnet = self.subnet_number(entry.virtual_subnet());
        let domain = self.subnet(subnet).domain;
        self.next.records.close(slot, self.next.version);
        let gone = Closed::Record(slot, *entry, domain);
        self.closed.push_back((self.published + 1, gone));

        let provider = entry.provider();
        let records = &mut self.counts.of_provider[provider as usize];
        *records -= 1;
        if *records == 0 {
            self.known_mut(provider).named = false;
        }
        if entry.rule() == Rule::Nat {
            self.set_nat(provider, None);
        }
        if let Some(domain) = domain {
            self.take_peer(provider, domain);
        }
        self.take_from_subnet(subnet, entry);
        self.for_ports_of(entry, |_, port| {
            port.sources.retain(|source| source.id() != entry.id());
        });
    }

    /// Edits the ports that have the record's subnet and MAC, which are few.
    fn for_ports_of(&mut self, entry: &Entry, edit: impl Fn(&Snapshot, &mut SwitchPort)) {
        let key = (entry.virtual_subnet().get(), entry.mac().to_bits());
        let Some(indices) = self.ports_of.get(&key).filter(|_| entry.is_own()) else {
            return;
        };
        // Taken out while it is edited, so that it is copied only where a published snapshot has it.
        let mut ports = core::mem::take(&mut self.next.ports);
        let all = Arc::make_mut(&mut ports);
        for &index in indices {
            let port = Arc::make_mut(&mut all[index as usize]);
            edit(&self.next, port);
            port.short = ShortPort::of(port, &self.next.fixed.hosts, &self.next.settings);
        }
        self.next.ports = ports;
    }
}

#[cfg(test)]
mod tests;
