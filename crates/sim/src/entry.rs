//! Where a replayed frame enters the network.
//!
//! In this order: the map file; a pcapng interface named like a port; a packet of the underlay for a
//! provider address of a modeled host, at that host's uplink; a tunnel packet from such a host to an
//! address that nobody owns, which the underlay loses; the source MAC, if exactly one port has it.

use std::cmp::Ordering;
use std::fmt;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_capture::LinkPayload;
use nvgre_dataplane::{DropReason, Outer, PortId};
use nvgre_wire::ip_protocol;
use nvgre_wire::{EtherType, LinkHeader, MacAddress, ProviderAddress, VlanId};

use crate::glance::{ETHERNET_LEN, mac_key};
use crate::map_file::{Condition, MapFile};
use crate::oracle::GuestIndex;
use crate::scenario::Scenario;
use crate::underlay::Underlay;
use crate::walk::{Ingress, Step};

/// Where an IPv4 header behind an untagged link header names the protocol.
const PROTOCOL_AT: usize = ETHERNET_LEN + 9;

/// Why a frame never entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// Several ports have the source MAC.
    AmbiguousPort,
    /// No port has the source MAC, and the frame is not for a provider address.
    UnknownPort,
    /// The frame was captured on its way to the port, not from it.
    OtherDirection,
    /// The capture holds no Ethernet header, and the frame is not for a provider address.
    NoLinkHeader,
    /// The capture holds too little of the frame to read its link header.
    CutShort,
}

impl SkipReason {
    /// Every reason, in order.
    pub const ALL: [Self; 5] = [
        Self::AmbiguousPort,
        Self::UnknownPort,
        Self::OtherDirection,
        Self::NoLinkHeader,
        Self::CutShort,
    ];

    /// The name that reports print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AmbiguousPort => "ambiguous_port",
            Self::UnknownPort => "unknown_port",
            Self::OtherDirection => "other_direction",
            Self::NoLinkHeader => "no_link_header",
            Self::CutShort => "cut_short",
        }
    }

    /// What happened, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AmbiguousPort => {
                "Several ports have the source MAC: say with --map which one the frames came from."
            }
            Self::UnknownPort => {
                "No port has the source MAC, and the frame is not for a provider address of a host."
            }
            Self::OtherDirection => "The frame was captured on its way to the port, not from it.",
            Self::NoLinkHeader => {
                "The capture holds no Ethernet header, so no port can be told from it."
            }
            Self::CutShort => "The capture kept too little of the frame to read its link header.",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Decides for every frame of a run.
#[derive(Debug)]
pub(crate) struct EntryRules {
    map: MapFile,
    /// Ports by name, "guest" and "guest/nic", in the order of [`compare_names`].
    ports: Vec<(String, GuestIndex)>,
    /// By [`mac_key`].
    by_mac: HashMap<u64, Vec<GuestIndex>, RandomState>,
    /// The name that each interface of the file had last, and the port named so.
    named: Vec<(String, Option<GuestIndex>)>,
}

/// A frame that was captured, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Captured<'a> {
    /// With its Ethernet header.
    pub(crate) frame: &'a [u8],
    pub(crate) file: &'a str,
    /// Number and name of the interface.
    pub(crate) interface: (u32, Option<&'a str>),
}

/// Where a frame enters, and who sent it if the rule says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) host: usize,
    pub(crate) ingress: Ingress,
    /// The guest whose port it is; `None` at an uplink.
    pub(crate) guest: Option<GuestIndex>,
    /// It was captured on its way from `host` to a provider address that nobody owns: the underlay
    /// loses it.
    pub(crate) to_nobody: bool,
}

impl Entry {
    /// The first step of the frame's walk.
    pub(crate) const fn step(self) -> Step {
        Step {
            host: self.host,
            ingress: self.ingress,
        }
    }
}

impl EntryRules {
    pub(crate) fn new(scenario: &Scenario, map: MapFile) -> Self {
        let mut rules = Self {
            map,
            ports: Vec::new(),
            by_mac: HashMap::with_hasher(RandomState::with_seeds(scenario.seed, 4, 5, 6)),
            named: Vec::new(),
        };
        for (index, guest) in scenario.guests.iter().enumerate() {
            let with_nic = format!("{}/{}", guest.name, guest.nic);
            rules.ports.push((with_nic, index));
            rules.ports.push((guest.name.clone(), index));
            rules
                .by_mac
                .entry(mac_key(guest.mac))
                .or_default()
                .push(index);
        }
        // A stable sort: the name alone is the guest's first adapter.
        rules.ports.sort_by(|a, b| compare_names(&a.0, &b.0));
        rules
            .ports
            .dedup_by(|a, b| compare_names(&a.0, &b.0).is_eq());
        rules
    }

    /// Where this frame enters. `host_of` says where guests run.
    pub(crate) fn enter(
        &mut self,
        captured: Captured<'_>,
        underlay: &Underlay,
        host_of: &[usize],
    ) -> Result<Entry, SkipReason> {
        let frame = captured.frame;
        let link = Link::parse(frame).ok_or(SkipReason::CutShort)?;
        let mapped = self
            .map
            .entries
            .iter()
            .find(|entry| applies(&entry.condition, &link, &captured))
            .map(|entry| entry.guest)
            .or_else(|| self.port_named(captured.interface));
        if let Some(guest) = mapped {
            return self.at_port(guest, &link, host_of);
        }
        if let Some(entry) = from_underlay(frame, &link, underlay) {
            return Ok(entry);
        }
        match self.by_mac.get(&mac_key(link.source)).map(Vec::as_slice) {
            Some(&[guest]) => Ok(port(guest, host_of)),
            Some(_several) => Err(SkipReason::AmbiguousPort),
            None => Err(SkipReason::UnknownPort),
        }
    }

    /// The port that an interface is named after. Frames of an interface come by the thousand: its
    /// name is looked for once.
    fn port_named(&mut self, (number, name): (u32, Option<&str>)) -> Option<GuestIndex> {
        let (wanted, number) = (name?, number as usize);
        if self.named.len() <= number {
            self.named.resize_with(number + 1, Default::default);
        }
        let (name, guest) = &mut self.named[number];
        if name != wanted {
            wanted.clone_into(name);
            let found = self
                .ports
                .binary_search_by(|(name, _)| compare_names(name, wanted));
            *guest = found.ok().map(|at| self.ports[at].1);
        }
        *guest
    }

    /// A frame at a port that the user named: from another guest's MAC it is the other direction.
    fn at_port(
        &self,
        guest: GuestIndex,
        link: &Link,
        host_of: &[usize],
    ) -> Result<Entry, SkipReason> {
        match self.by_mac.get(&mac_key(link.source)) {
            Some(owners) if !owners.contains(&guest) => Err(SkipReason::OtherDirection),
            Some(_) | None => Ok(port(guest, host_of)),
        }
    }
}

/// What the rules ask of a link header.
#[derive(Clone, Copy, Debug)]
struct Link {
    destination: MacAddress,
    source: MacAddress,
    ether_type: EtherType,
    vlan: Option<VlanId>,
}

impl Link {
    /// `None` where the frame ends within its link header.
    fn parse(frame: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h, i, j, k, l, m, n] = frame.first_chunk::<ETHERNET_LEN>()?;
        let ether_type = EtherType(u16::from_be_bytes([m, n]));
        let untagged = Self {
            destination: MacAddress::new([a, b, c, d, e, f]),
            source: MacAddress::new([g, h, i, j, k, l]),
            ether_type,
            vlan: None,
        };
        if !ether_type.is_tag() {
            return Some(untagged);
        }
        let link = LinkHeader::parse(frame).ok()?;
        Some(Self {
            ether_type: link.ether_type,
            vlan: link.vlan,
            ..untagged
        })
    }
}

/// Without case, as names are compared everywhere.
fn compare_names(a: &str, b: &str) -> Ordering {
    let a = a.bytes().map(|byte| byte.to_ascii_lowercase());
    a.cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

fn port(guest: GuestIndex, host_of: &[usize]) -> Entry {
    let ingress = Ingress::Port(PortId(guest as u32));
    Entry {
        host: host_of[guest],
        ingress,
        guest: Some(guest),
        to_nobody: false,
    }
}

fn at_uplink(host: usize, to_nobody: bool) -> Entry {
    Entry {
        host,
        ingress: Ingress::Uplink,
        guest: None,
        to_nobody,
    }
}

fn applies(condition: &Condition, link: &Link, captured: &Captured<'_>) -> bool {
    let (file, (_, named)) = (captured.file, captured.interface);
    match condition {
        Condition::Interface(name) => named.is_some_and(|named| named.eq_ignore_ascii_case(name)),
        Condition::File(name) => {
            file == name
                || std::path::Path::new(file)
                    .file_name()
                    .is_some_and(|f| *f == **name)
        }
        Condition::Mac(mac) => link.source == *mac,
        Condition::Vlan(vlan) => link.vlan == Some(*vlan),
    }
}

/// Where a packet of the underlay enters: at the uplink of the host that it is for, GRE to one of its
/// provider addresses, or anything for such an address that carries its MAC (rewritten packets, and
/// what its own stack takes). A guest's bare frame may be for the same numbers: tenants choose
/// freely. A damaged packet goes by its MAC. A tunnel packet to an address that no host owns is lost
/// behind the host that sent it.
fn from_underlay(frame: &[u8], link: &Link, underlay: &Underlay) -> Option<Entry> {
    let by_mac = underlay.host_of_mac(link.destination);
    // What is for no host's MAC enters here as GRE only. An IPv4 header shows that at one place.
    let plain_ipv4 = frame[12..ETHERNET_LEN] == EtherType::IPV4.0.to_be_bytes();
    let elsewhere = match link.ether_type {
        EtherType::IPV4 => {
            plain_ipv4
                && frame
                    .get(PROTOCOL_AT)
                    .is_none_or(|&protocol| protocol != ip_protocol::GRE)
        }
        EtherType::IPV6 => false,
        _not_ip => true,
    };
    if by_mac.is_none() && elsewhere {
        return None;
    }
    let to = match Outer::parse(frame) {
        Ok(outer) if outer.protocol == ip_protocol::GRE => {
            let to = underlay.owner(outer.destination);
            if to.is_none() && !outer.destination.is_group() {
                let from = underlay.owner(outer.source)?;
                return Some(at_uplink(from, true));
            }
            to
        }
        Ok(outer) => underlay
            .owner(outer.destination)
            .filter(|_| by_mac.is_some()),
        Err(DropReason::NotNvgre) => None,
        Err(_damaged) => by_mac,
    };
    to.map(|host| at_uplink(host, false))
}

/// A captured frame, and the Ethernet header in front of it where it has none: for a cooked or raw IP
/// packet to a provider address, the one that the underlay would have put there.
pub(crate) fn with_ethernet<'p>(
    payload: LinkPayload<'p>,
    underlay: &Underlay,
) -> Result<(Option<[u8; ETHERNET_LEN]>, &'p [u8]), SkipReason> {
    match payload {
        LinkPayload::Ethernet(frame) => Ok((None, frame)),
        LinkPayload::Network {
            ethertype,
            payload,
            source,
        } => {
            let destination =
                destination_mac(ethertype, payload, underlay).ok_or(SkipReason::NoLinkHeader)?;
            let source = match source {
                Some(&[a, b, c, d, e, f]) => [a, b, c, d, e, f],
                Some(_) | None => [0x02, 0, 0, 0, 0, 0],
            };
            let mut header = [0; ETHERNET_LEN];
            header[..6].copy_from_slice(&destination.octets());
            header[6..12].copy_from_slice(&source);
            header[12..].copy_from_slice(&ethertype.to_be_bytes());
            Ok((Some(header), payload))
        }
    }
}

fn destination_mac(ethertype: u16, packet: &[u8], underlay: &Underlay) -> Option<MacAddress> {
    let to = match EtherType(ethertype) {
        EtherType::IPV4 => ProviderAddress::v4(packet.get(16..20)?.try_into().ok()?),
        EtherType::IPV6 => ProviderAddress::v6(packet.get(24..40)?.try_into().ok()?),
        _other => return None,
    };
    underlay.mac_of(to)
}
