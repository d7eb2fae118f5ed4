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
use nvgre_wire::{ProviderAddress, VirtualSubnetId};

use crate::compile::{self, Compiled};
use crate::encap::Path;
use crate::entry::{Entry, Seen};
use crate::lookup_record::{LookupRecord, RecordId, RecordType, Rule};
use crate::policy::{Policy, PolicyError};
use crate::record_table::{Fill, Slot};
use crate::short::{ShortHost, ShortPort, ShortProvider, Translation};
use crate::snapshot::{
    FIXED, KnownProvider, NatRecord, Segment, Snapshot, Subnet, SwitchPort, peer_key, provider_key,
};
use crate::table::{Place, Version};
use crate::underlay::Underlay;

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

/// Places that are not to be had any more.
#[derive(Debug, Default)]
struct Used {
    records: Fill,
    subnets: usize,
    providers: usize,
    peers: usize,
    translations: usize,
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

/// A row that no snapshot from some publication on sees.
#[derive(Debug)]
enum Closed {
    Record(Slot, Entry, Option<u32>),
    Peer(Place),
    Translation(Place),
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

    /// Says to which record packets for a provider address are rewritten.
    fn set_nat(&mut self, provider: u32, nat: Option<NatRecord>) {
        let known = self.known_mut(provider);
        known.nat = nat;
        let (address, own) = (known.address, known.host.is_some());
        let key = [address.bits() as u64];
        if address.is_ipv4()
            && let Some((place, _)) = self.next.translations.find(&key, self.next.version)
        {
            self.next.translations.close(place, self.next.version);
            let gone = Closed::Translation(place);
            self.closed.push_back((self.published + 1, gone));
        }
        let known = self.known(provider);
        let row = nat.and_then(|nat| Translation::of(&nat, known, &self.next.fixed));
        if let Some((key, words)) = row {
            if (self.used.translations + 1) * 100
                > self.next.translations.places() * compile::FULL_PERCENT
            {
                self.grow_translations(self.next.version);
            }
            let (_, new) = self
                .next
                .translations
                .insert(&key, &words, self.next.version);
            self.used.translations += usize::from(new);
        }
        if own {
            self.renew_short_hosts();
        }
    }

    /// The addresses of this host where NVGRE packets come in.
    fn renew_short_hosts(&mut self) {
        let hosts = self.next.fixed.hosts.iter();
        let short = hosts.filter_map(|host| {
            let (_, known) = self.next.provider(host.address)?;
            ShortHost::of(host, known)
        });
        self.next.short_hosts = short.collect();
    }

    fn add_peer(&mut self, provider: u32, domain: u32) {
        let [key] = peer_key(provider, domain);
        let records = self.counts.peers.entry(key).or_insert(0);
        *records += 1;
        if *records == 1 {
            if (self.used.peers + 1) * 100 > self.next.peers.places() * compile::FULL_PERCENT {
                let version = self.next.version;
                self.grow_peers(version);
            }
            let (_, new) = self.next.peers.insert(&[key], &[], self.next.version);
            self.used.peers += usize::from(new);
            let known = self.known_mut(provider);
            known.peer_in.get_or_insert(domain);
        }
    }

    fn take_peer(&mut self, provider: u32, domain: u32) {
        let [key] = peer_key(provider, domain);
        let Some(records) = self.counts.peers.get_mut(&key) else {
            return;
        };
        *records -= 1;
        if *records > 0 {
            return;
        }
        self.counts.peers.remove(&key);
        if let Some((place, [])) = self.next.peers.find(&[key], self.next.version) {
            self.next.peers.close(place, self.next.version);
            let gone = Closed::Peer(place);
            self.closed.push_back((self.published + 1, gone));
        }
        let known = self.known_mut(provider);
        known.peer_in.take_if(|named| *named == domain);
    }

    /// What a subnet keeps of its records: where its floods go, what it learns, its wildcards.
    fn add_to_subnet(&mut self, subnet: u32, entry: &Entry) {
        let vsid = entry.virtual_subnet().get();
        let provider = entry.provider();
        let l2_only = entry.record_type() == RecordType::L2Only;
        if !entry.is_own() && entry.rule() == Rule::Encap {
            let [encap, learning] = self.counts.pairs.entry((vsid, provider)).or_default();
            *encap += 1;
            *learning += u32::from(l2_only);
            let (first, first_learning) = (*encap == 1, l2_only && *learning == 1);
            if first {
                self.subnet_mut(subnet).flood_to.push(provider);
            }
            if first_learning {
                self.subnet_mut(subnet).learn_from.push(provider);
            }
        }
        if l2_only {
            let records = self.counts.learning.entry(vsid).or_insert(0);
            *records += 1;
            if *records == 1 {
                self.set_learning(subnet, entry.virtual_subnet(), true);
            }
        }
        if entry.record_type() == RecordType::GatewayWildcard {
            let v6 = !entry.customer_address().is_ipv4();
            self.counts.wildcards.insert((vsid, v6, entry.id()), *entry);
            self.set_wildcard(subnet, vsid, v6);
        }
    }

    fn take_from_subnet(&mut self, subnet: u32, entry: &Entry) {
        let vsid = entry.virtual_subnet().get();
        let provider = entry.provider();
        let l2_only = entry.record_type() == RecordType::L2Only;
        if !entry.is_own()
            && entry.rule() == Rule::Encap
            && let Some(pair) = self.counts.pairs.get_mut(&(vsid, provider))
        {
            pair[0] -= 1;
            pair[1] -= u32::from(l2_only);
            let [encap, learning] = *pair;
            if encap == 0 {
                self.counts.pairs.remove(&(vsid, provider));
                let subnet = self.subnet_mut(subnet);
                subnet.flood_to.retain(|&other| other != provider);
            }
            if l2_only && learning == 0 {
                let subnet = self.subnet_mut(subnet);
                subnet.learn_from.retain(|&other| other != provider);
            }
        }
        if l2_only && let Some(records) = self.counts.learning.get_mut(&vsid) {
            *records -= 1;
            if *records == 0 {
                self.counts.learning.remove(&vsid);
                self.set_learning(subnet, entry.virtual_subnet(), false);
            }
        }
        if entry.record_type() == RecordType::GatewayWildcard {
            let v6 = !entry.customer_address().is_ipv4();
            self.counts.wildcards.remove(&(vsid, v6, entry.id()));
            self.set_wildcard(subnet, vsid, v6);
        }
    }

    fn set_wildcard(&mut self, subnet: u32, vsid: u32, v6: bool) {
        let of_subnet = (vsid, v6, RecordId(0))..=(vsid, v6, RecordId(u32::MAX));
        let lowest = self.counts.wildcards.range(of_subnet).next();
        let lowest = lowest.map(|(_, entry)| *entry);
        let subnet = self.subnet_mut(subnet);
        if v6 {
            subnet.wildcard_v6 = lowest;
        } else {
            subnet.wildcard_v4 = lowest;
        }
    }

    fn set_learning(&mut self, subnet: u32, vsid: VirtualSubnetId, learns: bool) {
        self.subnet_mut(subnet).learns = learns;
        let of_subnet = |port: &SwitchPort| port.segment == Segment::Tenant(vsid);
        if self.next.ports.iter().any(|port| of_subnet(port)) {
            for port in Arc::make_mut(&mut self.next.ports) {
                if of_subnet(port) {
                    let port = Arc::make_mut(port);
                    port.learns = learns;
                    port.short = ShortPort::of(port, &self.next.fixed.hosts, &self.next.settings);
                }
            }
        }
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

    fn known(&self, provider: u32) -> &KnownProvider {
        let known = self.next.providers.get(provider);
        known.expect("a provider address's number is given when it is first named")
    }

    fn known_mut(&mut self, provider: u32) -> &mut KnownProvider {
        let known = self.next.providers.get_mut(provider);
        known.expect("a provider address's number is given when it is first named")
    }

    fn subnet(&self, number: u32) -> &Subnet {
        let subnet = self.next.subnets.get(number);
        subnet.expect("a subnet's number is given when it is first named")
    }

    fn subnet_mut(&mut self, number: u32) -> &mut Subnet {
        let subnet = self.next.subnets.get_mut(number);
        Arc::make_mut(subnet.expect("a subnet's number is given when it is first named"))
    }

    /// The number of a subnet, which it is given when it is first named.
    fn subnet_number(&mut self, vsid: VirtualSubnetId) -> u32 {
        let key = [u64::from(vsid.get())];
        if let Some((_, [number])) = self.next.subnet_at.find(&key, self.next.version) {
            return number as u32;
        }
        let next = &mut self.next;
        compile::add_subnet(next, key, Subnet::default(), &mut self.used.subnets)
    }

    /// The number of a provider address, which it is given when it is first named.
    fn provider_number(&mut self, address: ProviderAddress) -> u32 {
        if let Some((number, _)) = self.next.provider(address) {
            return number;
        }
        let interfaces = self.next.fixed.interfaces.iter();
        let next_hops = interfaces.map(|&interface| self.underlay.next_hop(interface, address));
        let number = self.next.providers.push(KnownProvider {
            address,
            next_hops: next_hops.collect(),
            ..KnownProvider::default()
        });
        let short = ShortProvider::of(self.known(number));
        self.next.short_providers.push(short);
        self.counts.of_provider.push(0);
        let (table, used) = (&mut self.next.provider_at, &mut self.used.providers);
        let key = provider_key(address);
        compile::insert(table, used, self.next.version, key, [u64::from(number)]);
        number
    }

    /// Addresses that the host knows without any record: its own, groups and routers.
    fn add_providers(&mut self, policy: &Policy) {
        for (index, host) in policy.provider_addresses.iter().enumerate() {
            let number = self.provider_number(host.address);
            self.known_mut(number).host = Some(index as u32);
        }
        self.renew_short_hosts();
        for (&vsid, &address) in &policy.multicast_groups {
            let number = self.provider_number(address);
            self.known_mut(number).group = true;
            self.prepare_paths(number);
            let subnet = self.subnet_number(vsid);
            self.subnet_mut(subnet).group = Some(number);
        }
        for route in &policy.provider_routes {
            if !route.next_hop.is_unspecified() {
                let number = self.provider_number(route.next_hop);
                self.known_mut(number).router = true;
            }
        }
    }

    /// Outer headers from each of this host's addresses to a provider address.
    fn prepare_paths(&mut self, provider: u32) {
        let known = self.known(provider);
        let address = known.address;
        let hosts = self.next.fixed.hosts.len() as u32;
        let there = hosts == 0 || self.next.paths.get((provider + 1) * hosts - 1).is_some();
        let is_set = |host| {
            let path = self.next.path(host, provider);
            path.is_some_and(Path::is_set)
        };
        if there && (0..hosts).all(is_set) {
            return;
        }
        for (index, host) in self.next.fixed.clone().hosts.iter().enumerate() {
            let index = index as u32;
            let next_hop = self.next.next_hop(index, provider);
            let path = Path::new(host, address, next_hop);
            self.next.paths.set(provider * hosts + index, path);
        }
    }

    /// A larger table with the same records, without what is closed, seen from `first` on.
    fn grow_records(&mut self, first: Version) {
        let version = self.next.version;
        let used = &mut self.used.records;
        self.next.records = Arc::new(self.next.records.grown(version, first, used));
        self.closed
            .retain(|(_, closed)| !matches!(closed, Closed::Record(..)));
    }

    fn grow_peers(&mut self, first: Version) {
        let grown = compile::grown(&self.next.peers, self.next.version, first);
        (self.next.peers, self.used.peers) = grown;
        self.closed
            .retain(|(_, closed)| !matches!(closed, Closed::Peer(_)));
    }

    fn grow_translations(&mut self, first: Version) {
        let grown = compile::grown(&self.next.translations, self.next.version, first);
        (self.next.translations, self.used.translations) = grown;
        self.closed
            .retain(|(_, closed)| !matches!(closed, Closed::Translation(_)));
    }

    /// Versions are numbers of 32 bits. When they are used up, new tables begin with the first.
    fn begin_again(&mut self) {
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
    fn free_unseen(&mut self) {
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

#[cfg(test)]
mod tests;
