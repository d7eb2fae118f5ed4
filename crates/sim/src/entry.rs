//! Where a replayed frame enters the network.
//!
//! In this order: the map file; a pcapng interface named like a port, `NAME` or `port NAME`; a packet of the underlay for a
//! provider address of a modeled host, at that host's uplink; a tunnel packet from such a host to an
//! address that nobody owns, which the underlay loses; the source MAC, if exactly one port has it.
//!
//! A packet with the same packet id as the one before it in its file is that one again, at another
//! interface: it has entered already. So a capture that a replay wrote, of every hop, can be replayed.

use std::cmp::Ordering;
use std::fmt;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_capture::LinkPayload;
use nvgre_dataplane::{DropReason, Outer, PortId};
use nvgre_wire::ip_protocol;
use nvgre_wire::{EtherType, LinkHeader, MacAddress, ProviderAddress};

use crate::glance::{ETHERNET_LEN, mac_key, mac_keys};
use crate::map_file::{Condition, MapFile};
use crate::observer::Ingress;
use crate::oracle::GuestIndex;
use crate::recent::Recent;
use crate::scenario::Scenario;
use crate::underlay::Underlay;
use crate::walk::Step;

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
    /// The capture shows the packet at several interfaces, and this is not the first of them.
    SeenBefore,
}

impl SkipReason {
    /// Every reason, in order.
    pub const ALL: [Self; 6] = [
        Self::AmbiguousPort,
        Self::UnknownPort,
        Self::OtherDirection,
        Self::NoLinkHeader,
        Self::CutShort,
        Self::SeenBefore,
    ];

    /// The name that reports print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AmbiguousPort => "ambiguous_port",
            Self::UnknownPort => "unknown_port",
            Self::OtherDirection => "other_direction",
            Self::NoLinkHeader => "no_link_header",
            Self::CutShort => "cut_short",
            Self::SeenBefore => "seen_before",
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
            Self::SeenBefore => {
                "The capture shows the packet at several interfaces: it entered at the first of them."
            }
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
    recent: Recent,
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

/// Where a frame enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Step,
    /// It was captured on its way from that host to a provider address that nobody owns: the
    /// underlay loses it.
    pub(crate) to_nobody: bool,
}

impl EntryRules {
    pub(crate) fn new(scenario: &Scenario, map: MapFile) -> Self {
        let mut rules = Self {
            map,
            ports: Vec::new(),
            by_mac: HashMap::with_hasher(RandomState::with_seeds(scenario.seed, 4, 5, 6)),
            named: Vec::new(),
            recent: Recent::default(),
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
    #[inline]
    pub(crate) fn enter(
        &mut self,
        captured: Captured<'_>,
        underlay: &Underlay,
        host_of: &[usize],
    ) -> Result<Entry, SkipReason> {
        let frame = captured.frame;
        let Some(link) = Link::parse(frame) else {
            return Err(SkipReason::CutShort);
        };
        let mapped = match self.map.entries.as_slice() {
            [] => None,
            entries => entries
                .iter()
                .find(|entry| applies(&entry.condition, &link, &captured))
                .map(|entry| entry.guest),
        };
        if let Some(guest) =
            mapped.or_else(|| self.port_named(captured.interface.0, captured.interface.1?))
        {
            return self.at_port(guest, &link, host_of);
        }
        let Link {
            destination,
            source,
            ..
        } = link;
        let mut bare = link.is_bare(frame);
        if bare {
            if let Some(guest) = self.recent.get(destination, source) {
                return Ok(port(guest, host_of));
            }
            bare = underlay.host_of_mac_key(destination).is_none();
        }
        if !bare && let Some(entry) = from_underlay(frame, destination, underlay) {
            return Ok(entry);
        }
        match self.by_mac.get(&source).map(Vec::as_slice) {
            Some(&[guest]) => {
                if bare {
                    self.recent.put(destination, source, guest);
                }
                Ok(port(guest, host_of))
            }
            Some(_several) => Err(SkipReason::AmbiguousPort),
            None => Err(SkipReason::UnknownPort),
        }
    }

    /// The port that an interface is named after. Frames of an interface come by the thousand: its
    /// name is looked for once.
    fn port_named(&mut self, number: u32, wanted: &str) -> Option<GuestIndex> {
        let number = number as usize;
        if self.named.len() <= number {
            self.named.resize_with(number + 1, Default::default);
        }
        let (name, guest) = &mut self.named[number];
        if name != wanted {
            wanted.clone_into(name);
            let ports = &self.ports;
            let find = |wanted: &str| {
                let found = ports.binary_search_by(|(name, _)| compare_names(name, wanted));
                found.ok().map(|at| ports[at].1)
            };
            *guest = find(wanted).or_else(|| find(wanted.strip_prefix("port ")?));
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
        match self.by_mac.get(&link.source) {
            Some(owners) if !owners.contains(&guest) => Err(SkipReason::OtherDirection),
            Some(_) | None => Ok(port(guest, host_of)),
        }
    }
}

/// What the rules ask of a link header. MACs are numbers, as tables have them.
#[derive(Clone, Copy, Debug)]
struct Link {
    destination: u64,
    source: u64,
    ether_type: EtherType,
    tagged: bool,
}

impl Link {
    /// `None` where the frame ends within its link header.
    #[inline]
    fn parse(frame: &[u8]) -> Option<Self> {
        let ether_type = u16::from_be_bytes(*frame.get(12..)?.first_chunk()?);
        let (destination, source) = mac_keys(frame)?;
        let untagged = Self {
            destination,
            source,
            ether_type: EtherType(ether_type),
            tagged: false,
        };
        if !untagged.ether_type.is_tag() {
            return Some(untagged);
        }
        let link = LinkHeader::parse(frame).ok()?;
        Some(Self {
            ether_type: link.ether_type,
            tagged: true,
            ..untagged
        })
    }

    /// Whether a frame enters at no uplink unless it is for a host's MAC: as GRE only could it, and
    /// an IPv4 header shows at one place that it is none.
    #[inline]
    fn is_bare(&self, frame: &[u8]) -> bool {
        match self.ether_type {
            EtherType::IPV4 => {
                let protocol = frame.get(PROTOCOL_AT);
                !self.tagged && protocol.is_none_or(|&protocol| protocol != ip_protocol::GRE)
            }
            EtherType::IPV6 => false,
            _not_ip => true,
        }
    }
}

/// Without case, as names are compared everywhere.
fn compare_names(a: &str, b: &str) -> Ordering {
    let a = a.bytes().map(|byte| byte.to_ascii_lowercase());
    a.cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

fn port(guest: GuestIndex, host_of: &[usize]) -> Entry {
    let at = Step {
        host: host_of[guest],
        ingress: Ingress::Port(PortId(guest as u32)),
    };
    Entry {
        at,
        to_nobody: false,
    }
}

fn at_uplink(host: usize, to_nobody: bool) -> Entry {
    let ingress = Ingress::Uplink;
    Entry {
        at: Step { host, ingress },
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
        Condition::Mac(mac) => link.source == mac_key(*mac),
        Condition::Vlan(vlan) => {
            let link = link.tagged.then(|| LinkHeader::parse(captured.frame));
            link.is_some_and(|link| link.is_ok_and(|link| link.vlan == Some(*vlan)))
        }
    }
}

/// Where a packet of the underlay enters: at the uplink of the host that it is for, GRE to one of its
/// provider addresses, or anything for such an address that carries its MAC (rewritten packets, and
/// what its own stack takes). A guest's bare frame may be for the same numbers: tenants choose
/// freely. A damaged packet goes by its MAC. A tunnel packet to an address that no host owns is lost
/// behind the host that sent it.
fn from_underlay(frame: &[u8], destination: u64, underlay: &Underlay) -> Option<Entry> {
    let by_mac = underlay.host_of_mac_key(destination);
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
