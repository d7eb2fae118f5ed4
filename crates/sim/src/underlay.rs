//! The provider network between the hosts: who owns an address, and what the wire carries.
//!
//! One switched segment with a router that answers ARP for addresses nobody else has. A frame for a
//! host's MAC goes there; a frame for the router goes to the host that owns the destination address,
//! or nowhere; other unicast goes where its MAC was last seen, as a switch does; group frames go to
//! every other host.

use std::collections::BTreeMap;

use nvgre_dataplane::{DropReason, Outer};
use nvgre_wire::{FrameBuf, LinkHeader, MacAddress, ProviderAddress};

/// The MAC of the underlay's router, which answers for every address that no host has.
pub const ROUTER_MAC: MacAddress = MacAddress::new([0x02, 0x15, 0x5d, 0x75, 0x6c, 0x01]);

/// A host's place on the underlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Provider addresses and their MACs.
    pub addresses: Vec<(ProviderAddress, MacAddress)>,
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// To this host.
    To(usize),
    /// To every host but the sender.
    ToOthers,
    /// Nowhere.
    Dropped(DropReason),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Underlay {
    mtu_bytes: usize,
    owners: BTreeMap<ProviderAddress, (usize, MacAddress)>,
    host_macs: BTreeMap<MacAddress, usize>,
    seen: BTreeMap<MacAddress, usize>,
    hosts: usize,
}

impl Underlay {
    /// An underlay of this IP MTU, with nobody on it.
    pub const fn new(mtu_bytes: usize) -> Self {
        Self {
            mtu_bytes,
            owners: BTreeMap::new(),
            host_macs: BTreeMap::new(),
            seen: BTreeMap::new(),
            hosts: 0,
        }
    }

    /// Attaches the hosts anew, in their order. Of two hosts with one address the first has it, as
    /// the first to answer ARP would.
    pub fn attach(&mut self, hosts: &[Attachment]) {
        self.owners.clear();
        self.host_macs.clear();
        self.hosts = hosts.len();
        for (index, host) in hosts.iter().enumerate() {
            for &(address, mac) in &host.addresses {
                self.owners.entry(address).or_insert((index, mac));
                self.host_macs.entry(mac).or_insert(index);
            }
        }
    }

    /// The host that owns a provider address.
    pub fn owner(&self, address: ProviderAddress) -> Option<usize> {
        self.owners.get(&address).map(|&(host, _)| host)
    }

    /// The MAC of a provider address.
    pub fn mac_of(&self, address: ProviderAddress) -> Option<MacAddress> {
        self.owners.get(&address).map(|&(_, mac)| mac)
    }

    /// The host with this MAC on the underlay.
    pub fn host_of_mac(&self, mac: MacAddress) -> Option<usize> {
        self.host_macs.get(&mac).copied()
    }

    /// Every address and its MAC: what a host learns by ARP.
    pub fn neighbors(&self) -> impl Iterator<Item = (ProviderAddress, MacAddress)> {
        self.owners
            .iter()
            .map(|(&address, &(_, mac))| (address, mac))
    }

    /// Carries a frame that host `from` put on the wire. A routed frame gets the MACs of its last
    /// hop; the key, and everything else behind the link header, is not touched (RFC 7637 s3.2).
    pub fn carry(&mut self, from: usize, frame: &mut FrameBuf<'_>) -> Carried {
        let Ok(link) = LinkHeader::parse(frame.bytes()) else {
            return Carried::Dropped(DropReason::OuterLength);
        };
        if frame.len() - link.len > self.mtu_bytes {
            return Carried::Dropped(DropReason::UnderlayMtu);
        }
        if !self.host_macs.contains_key(&link.source) {
            self.seen.insert(link.source, from);
        }
        if link.destination.is_group() {
            return self.others();
        }
        if let Some(&host) = self.host_macs.get(&link.destination) {
            return Carried::To(host);
        }
        if link.destination == ROUTER_MAC {
            return self.route(frame);
        }
        match self.seen.get(&link.destination) {
            Some(&host) if host != from => Carried::To(host),
            Some(_) => Carried::Dropped(DropReason::NoPort),
            None => self.others(),
        }
    }

    fn route(&self, frame: &mut FrameBuf<'_>) -> Carried {
        let destination = match Outer::parse(frame.bytes()) {
            Ok(outer) => outer.destination,
            Err(reason) => return Carried::Dropped(reason),
        };
        match self.owners.get(&destination) {
            Some(&(host, mac)) => {
                frame.bytes_mut()[..6].copy_from_slice(&mac.octets());
                frame.bytes_mut()[6..12].copy_from_slice(&ROUTER_MAC.octets());
                Carried::To(host)
            }
            None => Carried::Dropped(DropReason::UnderlayNoOwner),
        }
    }

    const fn others(&self) -> Carried {
        if self.hosts > 1 {
            Carried::ToOthers
        } else {
            Carried::Dropped(DropReason::UnderlayNoOwner)
        }
    }
}
