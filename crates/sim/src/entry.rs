//! Where a replayed frame enters the network.
//!
//! In this order: the map file; a pcapng interface named like a port; a packet of the underlay for a
//! provider address of a modeled host, at that host's uplink; a tunnel packet from such a host to an
//! address that nobody owns, which the underlay loses; the source MAC, if exactly one port has it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use nvgre_capture::LinkPayload;
use nvgre_dataplane::{DropReason, Outer, PortId};
use nvgre_wire::ip_protocol;
use nvgre_wire::{EtherType, Ethernet, LinkHeader, MacAddress, ProviderAddress};

use crate::map_file::{Condition, MapFile};
use crate::network::Ingress;
use crate::oracle::GuestIndex;
use crate::scenario::Scenario;
use crate::underlay::Underlay;

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
    by_mac: BTreeMap<MacAddress, Vec<GuestIndex>>,
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

impl EntryRules {
    pub(crate) fn new(scenario: &Scenario, map: MapFile) -> Self {
        let mut rules = Self {
            map,
            ports: Vec::new(),
            by_mac: BTreeMap::new(),
        };
        for (index, guest) in scenario.guests.iter().enumerate() {
            let with_nic = format!("{}/{}", guest.name, guest.nic);
            rules.ports.push((with_nic, index));
            rules.ports.push((guest.name.clone(), index));
            rules.by_mac.entry(guest.mac).or_default().push(index);
        }
        // A stable sort: the name alone is the guest's first adapter.
        rules.ports.sort_by(|a, b| compare_names(&a.0, &b.0));
        rules
            .ports
            .dedup_by(|a, b| compare_names(&a.0, &b.0).is_eq());
        rules
    }

    /// Where this frame enters. `frame` has an Ethernet header; `host_of` says where guests run.
    pub(crate) fn enter(
        &self,
        frame: &[u8],
        file: &str,
        interface: Option<&str>,
        underlay: &Underlay,
        host_of: &[usize],
    ) -> Result<Entry, SkipReason> {
        let link = LinkHeader::parse(frame).map_err(|_| SkipReason::CutShort)?;
        let mapped = self
            .map
            .entries
            .iter()
            .find(|entry| applies(&entry.condition, &link, file, interface))
            .map(|entry| entry.guest)
            .or_else(|| self.port_named(interface?));
        if let Some(guest) = mapped {
            return self.at_port(guest, &link, host_of);
        }
        if let Some(host) = uplink(frame, underlay) {
            return Ok(at_uplink(host, false));
        }
        if let Some(host) = sent_to_nobody(frame, underlay) {
            return Ok(at_uplink(host, true));
        }
        match self.by_mac.get(&link.source).map(Vec::as_slice) {
            Some(&[guest]) => Ok(port(guest, host_of)),
            Some(_several) => Err(SkipReason::AmbiguousPort),
            None => Err(SkipReason::UnknownPort),
        }
    }

    /// A frame at a port that the user named: from another guest's MAC it is the other direction.
    fn port_named(&self, wanted: &str) -> Option<GuestIndex> {
        let found = self
            .ports
            .binary_search_by(|(name, _)| compare_names(name, wanted));
        found.ok().map(|at| self.ports[at].1)
    }

    fn at_port(
        &self,
        guest: GuestIndex,
        link: &LinkHeader,
        host_of: &[usize],
    ) -> Result<Entry, SkipReason> {
        match self.by_mac.get(&link.source) {
            Some(owners) if !owners.contains(&guest) => Err(SkipReason::OtherDirection),
            Some(_) | None => Ok(port(guest, host_of)),
        }
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

/// The host that sent a tunnel packet to a provider address that no host owns.
fn sent_to_nobody(frame: &[u8], underlay: &Underlay) -> Option<usize> {
    let outer = Outer::parse(frame).ok()?;
    let tunnel = outer.protocol == ip_protocol::GRE && !outer.destination.is_group();
    tunnel.then(|| underlay.owner(outer.source)).flatten()
}

fn applies(condition: &Condition, link: &LinkHeader, file: &str, named: Option<&str>) -> bool {
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

/// The host that a packet of the underlay is for: GRE to one of its provider addresses, or anything
/// for such an address that carries its MAC (rewritten packets, and what its own stack takes). A
/// guest's bare frame may be for the same numbers: tenants choose freely. A damaged packet goes by
/// its MAC.
fn uplink(frame: &[u8], underlay: &Underlay) -> Option<usize> {
    let by_mac = || underlay.host_of_mac(Ethernet::parse(frame).ok()?.destination());
    match Outer::parse(frame) {
        Ok(outer) if outer.protocol == ip_protocol::GRE => underlay.owner(outer.destination),
        Ok(outer) => underlay
            .owner(outer.destination)
            .filter(|_| by_mac().is_some()),
        Err(DropReason::NotNvgre) => None,
        Err(_damaged) => by_mac(),
    }
}

/// The frame with an Ethernet header: its own, or, for a cooked or raw IP packet to a provider
/// address, the one that the underlay would have put there. Written behind `out`.
pub(crate) fn with_ethernet(
    payload: LinkPayload<'_>,
    underlay: &Underlay,
    out: &mut Vec<u8>,
) -> Result<(), SkipReason> {
    match payload {
        LinkPayload::Ethernet(frame) => out.extend_from_slice(frame),
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
            out.extend_from_slice(&destination.octets());
            out.extend_from_slice(&source);
            out.extend_from_slice(&ethertype.to_be_bytes());
            out.extend_from_slice(payload);
        }
    }
    Ok(())
}

fn destination_mac(ethertype: u16, packet: &[u8], underlay: &Underlay) -> Option<MacAddress> {
    let to = match EtherType(ethertype) {
        EtherType::IPV4 => ProviderAddress::v4(packet.get(16..20)?.try_into().ok()?),
        EtherType::IPV6 => ProviderAddress::v6(packet.get(24..40)?.try_into().ok()?),
        _other => return None,
    };
    underlay.mac_of(to)
}
