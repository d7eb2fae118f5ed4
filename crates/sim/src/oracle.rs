//! The isolation oracle: judges deliveries from the inventory alone.
//!
//! It shares no lookup with the dataplane and reads frames with another parser, on purpose: it must
//! not share a bug. Who sent a frame it knows from the outside: a stamp, the port where a replayed
//! frame entered, or, for a frame that entered at an uplink, the inventory guest with the inner
//! source MAC on the host that owns the outer source address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket};
use nvgre_wire::{MacAddress, ProviderAddress, VirtualSubnetId};

/// A guest of the inventory, by its index.
pub type GuestIndex = usize;

/// One line of the inventory: who a guest belongs to, whatever any policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryGuest {
    /// Index of its tenant.
    pub tenant: usize,
    /// Index of the host where it runs.
    pub host: usize,
    /// Its adapter's MAC.
    pub mac: MacAddress,
    /// The subnets of its tenant.
    pub virtual_subnets: Vec<VirtualSubnetId>,
}

/// Who sent a frame, as far as is known from outside the network. An answer or ICMP error that a host
/// makes counts as sent by the one whose frame it answers: it is for nobody of another tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// This guest.
    Guest(GuestIndex),
    /// Nobody in the inventory fits.
    Unknown,
}

/// What the oracle says about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Sender and receiver belong to one tenant.
    SameTenant,
    /// They do not.
    CrossTenant,
    /// The sender is not known: never called isolated.
    SenderUnknown,
}

/// What the oracle counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OracleCounts {
    /// Deliveries within one tenant.
    pub same_tenant: u64,
    /// Deliveries from one tenant to another.
    pub cross_tenant: u64,
    /// Deliveries whose sender is not known.
    pub sender_unknown: u64,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    guests: Vec<InventoryGuest>,
    /// By host and MAC, in the order of the inventory: asked for each frame that enters at an uplink.
    by_place: BTreeMap<(usize, MacAddress), Vec<GuestIndex>>,
    counts: OracleCounts,
}

impl Oracle {
    /// Judges by this inventory.
    pub fn new(guests: Vec<InventoryGuest>) -> Self {
        let mut by_place = BTreeMap::<_, Vec<_>>::new();
        for (index, guest) in guests.iter().enumerate() {
            let at = by_place.entry((guest.host, guest.mac)).or_default();
            at.push(index);
        }
        Self {
            guests,
            by_place,
            counts: OracleCounts::default(),
        }
    }

    /// A guest moved.
    pub fn moved(&mut self, guest: GuestIndex, host: usize) {
        let mac = self.guests[guest].mac;
        let from = std::mem::replace(&mut self.guests[guest].host, host);
        if let Some(left) = self.by_place.get_mut(&(from, mac)) {
            left.retain(|&other| other != guest);
        }
        let there = self.by_place.entry((host, mac)).or_default();
        let at = there.partition_point(|&other| other < guest);
        there.insert(at, guest);
    }

    /// What was counted so far.
    pub const fn counts(&self) -> OracleCounts {
        self.counts
    }

    /// Judges and counts one delivery.
    pub fn delivered(&mut self, sender: Sender, receiver: GuestIndex) -> Judgement {
        let judgement = match sender {
            Sender::Unknown => Judgement::SenderUnknown,
            Sender::Guest(guest) if self.guests[guest].tenant == self.guests[receiver].tenant => {
                Judgement::SameTenant
            }
            Sender::Guest(_) => Judgement::CrossTenant,
        };
        match judgement {
            Judgement::SameTenant => self.counts.same_tenant += 1,
            Judgement::CrossTenant => self.counts.cross_tenant += 1,
            Judgement::SenderUnknown => self.counts.sender_unknown += 1,
        }
        judgement
    }

    /// The sender of a frame that entered at an uplink. `owner` says which host owns a provider
    /// address.
    pub fn sender_at_uplink(
        &self,
        frame: &[u8],
        owner: impl Fn(ProviderAddress) -> Option<usize>,
    ) -> Sender {
        let Some((source, key_vsid, mac)) = read(frame) else {
            return Sender::Unknown;
        };
        let Some(host) = owner(ProviderAddress::new(source)) else {
            return Sender::Unknown;
        };
        let on_host = self.by_place.get(&(host, mac));
        let on_host = on_host.map_or(&[][..], Vec::as_slice);
        let guest = on_host.iter().copied().find(|&guest| {
            let mut subnets = self.guests[guest].virtual_subnets.iter();
            on_host.len() == 1 || subnets.any(|vsid| Some(vsid.get()) == key_vsid)
        });
        guest.map_or(Sender::Unknown, Sender::Guest)
    }
}

/// Outer source, the key's upper 24 bits, and the inner source MAC of an NVGRE frame; for other IP
/// frames (a rewritten one carries the guest's MAC only with UseVmMACAddress) the MAC in front.
fn read(frame: &[u8]) -> Option<(IpAddr, Option<u32>, MacAddress)> {
    let packet = LaxSlicedPacket::from_ethernet(frame).ok()?;
    let (source, payload) = match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => (IpAddr::V4(ip.header().source_addr()), ip.payload()),
        LaxNetSlice::Ipv6(ip) => (IpAddr::V6(ip.header().source_addr()), ip.payload()),
        LaxNetSlice::Arp(_) => return None,
    };
    if payload.ip_number != etherparse::ip_number::GRE {
        return Some((source, None, mac_at(frame, 6)?));
    }
    let gre = payload.payload;
    if gre.len() < 8 || EtherType(u16::from_be_bytes([gre[2], gre[3]])) != EtherType(0x6558) {
        return None;
    }
    let vsid = u32::from_be_bytes([0, gre[4], gre[5], gre[6]]);
    Some((source, Some(vsid), mac_at(gre, 8 + 6)?))
}

fn mac_at(bytes: &[u8], at: usize) -> Option<MacAddress> {
    let octets: [u8; 6] = bytes.get(at..at + 6)?.try_into().ok()?;
    Some(MacAddress::new(octets))
}
