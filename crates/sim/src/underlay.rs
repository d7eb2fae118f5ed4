//! The provider network between the hosts: who owns an address, and what the wire carries.
//!
//! One switched segment with a router that answers ARP for addresses nobody else has. A frame for a
//! host's MAC goes there; a frame for the router goes to the host that owns the destination address,
//! or nowhere; other unicast goes where its MAC was last seen, as a switch does; group frames go to
//! every other host, but those for a provider multicast group only to hosts that joined it, as with
//! IGMP and MLD snooping.
//!
//! It filters source addresses: a provider address is accepted from the host that owns it and from
//! nobody else. Isolation is claimed for underlays that do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ahash::RandomState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use nvgre_dataplane::DropReason;
use nvgre_wire::{FrameBuf, MacAddress, ProviderAddress};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::glance::{ETHERNET_LEN, Glance, mac_key, mac_keys, packet_len};
use crate::scenario;

/// The MAC of the underlay's router, which answers for every address that no host has.
pub const ROUTER_MAC: MacAddress = MacAddress::new([0x02, 0x15, 0x5d, 0x75, 0x6c, 0x01]);

/// Most MACs of pass-through guests that the segment remembers, as a small switch does. Frames to
/// others reach every host.
const SEEN_MAX: usize = 8_192;
const MILLION: u64 = 1_000_000;

/// A host's place on the underlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its own provider addresses and their MACs.
    pub addresses: Vec<(ProviderAddress, MacAddress)>,
    /// Every provider address that its policy names, in force or not: its own, and those of its
    /// lookup records.
    pub named: Vec<ProviderAddress>,
    /// Every provider multicast group that its policy names.
    pub groups: Vec<ProviderAddress>,
    /// Whether it has joined them.
    pub joined: bool,
    /// The longest IP packet that its link carries, in bytes.
    pub link_mtu_bytes: u16,
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// To this host.
    To(usize),
    /// To every host but the sender: of those, if a provider multicast group is given, to its
    /// members. [`Underlay::reaches`] says which.
    ToOthers(Option<ProviderAddress>),
    /// Nowhere.
    Dropped(DropReason),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Underlay {
    mtu_bytes: u16,
    loss_per_million: u32,
    loss: ChaCha8Rng,
    /// Every provider address that a policy names: its owner and their MAC, where it has one. Asked
    /// for each frame.
    named: HashMap<ProviderAddress, Option<(usize, MacAddress)>, RandomState>,
    /// Those with an owner again, in order.
    owners: BTreeMap<ProviderAddress, MacAddress>,
    /// Members of each provider multicast group.
    groups: BTreeMap<ProviderAddress, BTreeSet<usize>>,
    /// By [`mac_key`].
    macs: HashMap<u64, Station, RandomState>,
    /// How many of them are no host's.
    seen: usize,
    links: Vec<Link>,
    /// While it is lent to a trial: what there was before of each MAC seen since.
    lent: Option<Vec<(u64, Option<Station>)>>,
}

/// What a host is attached by.
#[derive(Clone, Copy, Debug)]
struct Link {
    mtu_bytes: usize,
    /// A provider address that it owns, and its MAC there, by [`mac_key`]: nearly all that it sends
    /// comes from them.
    own: Option<(ProviderAddress, u64)>,
    /// Where it sent last from them: a host's MAC, and the host.
    last: Option<(u64, usize)>,
}

impl Link {
    /// The host that a frame goes to, if it fits, comes from the host's own addresses and goes where
    /// the last one of those went.
    #[inline]
    fn goes_again(&self, frame: &[u8]) -> Option<usize> {
        let (destination, source) = mac_keys(frame)?;
        let (last, to) = self.last?;
        let fits = frame.len() <= ETHERNET_LEN + self.mtu_bytes;
        (last == destination && fits && self.sends(source, frame)).then_some(to)
    }

    /// Whether a frame with this source MAC comes from the host's own addresses.
    #[inline]
    fn sends(&self, source: u64, frame: &[u8]) -> bool {
        let Some((address, mac)) = self.own else {
            return false;
        };
        let ether_type = frame.get(12..14);
        mac == source
            && match address.ip() {
                IpAddr::V4(own) => {
                    let source = frame.get(26..30);
                    ether_type == Some(&[0x08, 0x00]) && source == Some(&own.octets())
                }
                IpAddr::V6(own) => {
                    let source = frame.get(22..38);
                    ether_type == Some(&[0x86, 0xdd]) && source == Some(&own.octets())
                }
            }
    }
}

/// What an underlay loses by, while it is lent to a trial.
#[derive(Clone, Debug)]
pub(crate) struct Lent {
    loss_per_million: u32,
    loss: ChaCha8Rng,
}

impl Lent {
    pub(crate) const fn loss_per_million(&self) -> u32 {
        self.loss_per_million
    }
}

/// Who has a MAC on the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Station {
    /// This host itself.
    Host(usize),
    /// A pass-through guest, last seen behind this host.
    Behind(usize),
}

impl Underlay {
    /// An underlay with nobody on it. The same `seed` loses the same packets.
    pub fn new(settings: &scenario::Underlay, seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let hasher = RandomState::with_seeds(seed, 1, 2, 3);
        Self {
            mtu_bytes: settings.mtu_bytes,
            loss_per_million: settings.loss_per_million,
            // Its sequence is promised to be the same in every release.
            loss: ChaCha8Rng::from_seed(key),
            named: HashMap::with_hasher(hasher.clone()),
            owners: BTreeMap::new(),
            groups: BTreeMap::new(),
            macs: HashMap::with_hasher(hasher),
            seen: 0,
            links: Vec::new(),
            lent: None,
        }
    }

    /// Attaches the hosts anew, in their order. Of two hosts with one address the first has it, as
    /// the first to answer ARP would.
    pub fn attach(&mut self, hosts: &[Attachment]) {
        self.owners.clear();
        self.named.clear();
        self.groups.clear();
        self.macs
            .retain(|_, station| matches!(station, Station::Behind(_)));
        self.links.clear();
        for (index, host) in hosts.iter().enumerate() {
            for &address in &host.named {
                self.named.entry(address).or_default();
            }
            for &group in &host.groups {
                let members = self.groups.entry(group).or_default();
                members.extend(host.joined.then_some(index));
            }
            for &(address, mac) in &host.addresses {
                let owner = self.named.entry(address).or_default();
                if owner.is_none() {
                    *owner = Some((index, mac));
                    self.owners.insert(address, mac);
                }
                self.claim(mac, index);
            }
            let own = host.addresses.iter().copied();
            let mut own = own.filter(|&(address, _)| self.owner(address) == Some(index));
            self.links.push(Link {
                mtu_bytes: self.mtu_bytes.min(host.link_mtu_bytes).into(),
                own: own.next().map(|(address, mac)| (address, mac_key(mac))),
                last: None,
            });
        }
        self.seen = self
            .macs
            .values()
            .filter(|at| matches!(at, Station::Behind(_)))
            .count();
    }

    /// A host's MAC, whoever was seen with it before.
    fn claim(&mut self, mac: MacAddress, host: usize) {
        match self.macs.entry(mac_key(mac)) {
            Entry::Occupied(known) if matches!(known.get(), Station::Host(_)) => {}
            Entry::Occupied(mut seen) => *seen.get_mut() = Station::Host(host),
            Entry::Vacant(vacant) => {
                vacant.insert(Station::Host(host));
            }
        }
    }

    /// Whether it loses packets.
    pub(crate) const fn loses(&self) -> bool {
        self.loss_per_million > 0
    }

    /// The host that owns a provider address.
    pub fn owner(&self, address: ProviderAddress) -> Option<usize> {
        self.owner_and_mac(address).map(|(host, _)| host)
    }

    /// The MAC of a provider address.
    pub fn mac_of(&self, address: ProviderAddress) -> Option<MacAddress> {
        self.owner_and_mac(address).map(|(_, mac)| mac)
    }

    fn owner_and_mac(&self, address: ProviderAddress) -> Option<(usize, MacAddress)> {
        self.named.get(&address).copied().flatten()
    }

    /// The host with this MAC on the underlay.
    pub fn host_of_mac(&self, mac: MacAddress) -> Option<usize> {
        self.host_of_mac_key(mac_key(mac))
    }

    /// The same by [`mac_key`].
    pub(crate) fn host_of_mac_key(&self, mac: u64) -> Option<usize> {
        match self.macs.get(&mac)? {
            &Station::Host(host) => Some(host),
            Station::Behind(_) => None,
        }
    }

    /// Every address and its MAC: what a host learns by ARP.
    pub fn neighbors(&self) -> impl Iterator<Item = (ProviderAddress, MacAddress)> {
        self.owners.iter().map(|(&address, &mac)| (address, mac))
    }

    /// The host that [`Underlay::carry`] takes a frame to, as it is, if it comes from the host's own
    /// addresses and goes where the last one of those went, as most: nothing has to be looked for.
    #[inline]
    pub(crate) fn goes_again(&self, from: usize, frame: &[u8]) -> Option<usize> {
        self.links.get(from)?.goes_again(frame)
    }

    /// Takes a frame that host `from` put on its link, and says where it goes. A routed frame gets
    /// the MACs of its last hop; the key, and everything else behind the link header, is not touched
    /// (RFC 7637 s3.2). Every copy then crosses the link of its host: [`Underlay::arrive`].
    pub fn carry(&mut self, from: usize, frame: &mut FrameBuf<'_>) -> Carried {
        let Some(len) = packet_len(frame.bytes()) else {
            return Carried::Dropped(DropReason::OuterLength);
        };
        if len > self.mtu_to(from) {
            return Carried::Dropped(DropReason::UnderlayMtu);
        }
        if let Some((destination, source)) = mac_keys(frame.bytes())
            && let Some(link) = self.links.get_mut(from)
            && link.sends(source, frame.bytes())
            && let Some(&Station::Host(to)) = self.macs.get(&destination)
        {
            link.last = Some((destination, to));
            return Carried::To(to);
        }
        let Some(glance) = Glance::at(frame.bytes()) else {
            return Carried::Dropped(DropReason::OuterLength);
        };
        if let Ok((source, _)) = glance.addresses
            && let Some(owner) = self.named.get(&source)
            && owner.map(|(host, _)| host) != Some(from)
        {
            return Carried::Dropped(DropReason::UnderlaySource);
        }
        self.see(glance.source, from);
        if glance.destination.is_group() {
            let group = glance.addresses.ok().map(|(_, destination)| destination);
            return self.others(from, group.filter(|group| self.groups.contains_key(group)));
        }
        match self.macs.get(&mac_key(glance.destination)) {
            Some(&Station::Host(host)) => Carried::To(host),
            _ if glance.destination == ROUTER_MAC => match glance.addresses {
                Ok((_, destination)) => self.route(destination, frame),
                Err(reason) => Carried::Dropped(reason),
            },
            Some(&Station::Behind(host)) if host != from => Carried::To(host),
            Some(Station::Behind(_)) => Carried::Dropped(DropReason::NoPort),
            None => self.others(from, None),
        }
    }

    /// Whether a frame that the underlay carries to host `to` arrives there: it fits that host's
    /// link, and is not lost.
    #[inline]
    pub fn arrive(&mut self, to: usize, frame: &[u8]) -> Result<(), DropReason> {
        let len = packet_len(frame).ok_or(DropReason::OuterLength)?;
        if len > self.mtu_to(to) {
            return Err(DropReason::UnderlayMtu);
        }
        if self.loses() {
            // The upper half of the product is uniform below a million, to one part in 4,000.
            let drawn = (u64::from(self.loss.next_u32()) * MILLION) >> 32;
            if drawn < u64::from(self.loss_per_million) {
                return Err(DropReason::UnderlayLoss);
            }
        }
        Ok(())
    }

    fn mtu_to(&self, host: usize) -> usize {
        let link = self.links.get(host);
        link.map_or(self.mtu_bytes.into(), |link| link.mtu_bytes)
    }

    fn see(&mut self, source: MacAddress, from: usize) {
        let key = mac_key(source);
        let known = self.macs.get(&key).copied();
        match known {
            Some(Station::Host(_)) => return,
            Some(Station::Behind(host)) if host == from => return,
            None if self.seen >= SEEN_MAX => return,
            Some(Station::Behind(_)) => {}
            None => self.seen += 1,
        }
        self.macs.insert(key, Station::Behind(from));
        if let Some(lent) = &mut self.lent {
            lent.push((key, known));
        }
    }

    /// Packets on trial follow: none is lost by chance, and what is seen of their senders can be
    /// forgotten.
    pub(crate) fn lend(&mut self) -> Lent {
        self.lent = Some(Vec::new());
        Lent {
            loss_per_million: std::mem::take(&mut self.loss_per_million),
            loss: self.loss.clone(),
        }
    }

    pub(crate) const fn set_loss(&mut self, loss_per_million: u32) {
        self.loss_per_million = loss_per_million;
    }

    /// Forgets the senders that were seen since it was lent.
    pub(crate) fn forget(&mut self) {
        let Some(lent) = &mut self.lent else {
            return;
        };
        for (mac, before) in lent.drain(..).rev() {
            match before {
                Some(station) => {
                    self.macs.insert(mac, station);
                }
                None => {
                    self.macs.remove(&mac);
                    self.seen -= 1;
                }
            }
        }
    }

    /// Ends [`Underlay::lend`].
    pub(crate) fn take_back(&mut self, lent: &Lent) {
        self.forget();
        self.lent = None;
        self.loss_per_million = lent.loss_per_million;
        self.loss = lent.loss.clone();
    }

    fn route(&self, destination: ProviderAddress, frame: &mut FrameBuf<'_>) -> Carried {
        match self.owner_and_mac(destination) {
            Some((host, mac)) => {
                frame.bytes_mut()[..6].copy_from_slice(&mac.octets());
                frame.bytes_mut()[6..12].copy_from_slice(&ROUTER_MAC.octets());
                Carried::To(host)
            }
            None => Carried::Dropped(DropReason::UnderlayNoOwner),
        }
    }

    /// Whether a frame that goes to others goes to host `to`.
    pub fn reaches(&self, from: usize, to: usize, group: Option<ProviderAddress>) -> bool {
        let members = group.and_then(|group| self.groups.get(&group));
        to != from && members.is_none_or(|members| members.contains(&to))
    }

    fn others(&self, from: usize, group: Option<ProviderAddress>) -> Carried {
        let mut hosts = 0..self.links.len();
        if hosts.any(|to| self.reaches(from, to, group)) {
            Carried::ToOthers(group)
        } else {
            Carried::Dropped(DropReason::UnderlayNoOwner)
        }
    }
}
