//! What a capture shows about a virtual network, gathered frame by frame in bounded memory.

use std::collections::BTreeMap;

use nvgre_capture::{LinkError, LinkPayload, Packet, network_layer};
use nvgre_dataplane::{AnyProvider, Decapsulated, DropReason, Outer, Settings, decapsulate};
use nvgre_wire::{
    Arp, CustomerAddress, EtherType, FrameBuf, HEADROOM, Ipv4, Ipv6, LinkHeader, MacAddress,
    NdpKind, NeighborDiscovery, ProviderAddress, VirtualSubnetId, VlanId, ip_protocol,
};

use super::guess;
use crate::skeleton::{Skeleton, SkeletonError};

/// The subnet that bare frames are put into.
pub(crate) const INVENTED_VSID: VirtualSubnetId = match VirtualSubnetId::try_new(5_001) {
    Ok(vsid) => vsid,
    Err(_) => VirtualSubnetId::MIN,
};
/// The provider address of the one host behind which bare frames are put: TEST-NET-1 (RFC 5737).
pub(crate) const INVENTED_PA: ProviderAddress = ProviderAddress::v4([192, 0, 2, 1]);

/// Most lines of a table. A capture of a scan or of forged addresses must not fill the memory; a
/// skeleton of this size is no longer read by anybody.
const LINES_MAX: usize = 16_384;

/// The MAC of no NIC.
const NOBODY: MacAddress = MacAddress::new([0; 6]);

/// A station in a subnet, by one of its addresses, behind one provider address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Station {
    pub(crate) virtual_subnet: VirtualSubnetId,
    pub(crate) mac: MacAddress,
    /// `None`: the frame told no address.
    pub(crate) address: Option<CustomerAddress>,
    pub(crate) provider: ProviderAddress,
}

/// A provider address as frames on the underlay wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attached {
    pub(crate) provider: ProviderAddress,
    /// `None`: the capture holds no Ethernet header.
    pub(crate) mac: Option<MacAddress>,
    pub(crate) vlan: Option<VlanId>,
}

/// How often something was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Frames it sent.
    pub(crate) sent: u64,
    /// Unicast frames that were sent to it.
    pub(crate) received: u64,
    /// The first of them, from 1 over the whole capture.
    pub(crate) first_frame: u64,
    /// It said by ARP or ND that the address is its own.
    pub(crate) claimed: bool,
}

/// Reads a capture for [`Skeleton`]: one pass, and memory that does not grow with the capture.
#[derive(Debug, Default)]
pub struct Survey {
    memory: Vec<u8>,
    pub(crate) frames: u64,
    pub(crate) nvgre_frames: u64,
    /// GRE frames that decapsulation refused: frames, and the first of them.
    pub(crate) refused: BTreeMap<DropReason, (u64, u64)>,
    pub(crate) attached: BTreeMap<Attached, Seen>,
    pub(crate) stations: BTreeMap<Station, Seen>,
    /// Stations of bare frames, as long as no NVGRE frame was met.
    pub(crate) bare: BTreeMap<Station, Seen>,
    pub(crate) groups: BTreeMap<VirtualSubnetId, ProviderAddress>,
    /// Bare frames with a VLAN tag: not looked into.
    pub(crate) bare_tagged: u64,
    /// Longest outer IP packet, in bytes.
    pub(crate) outer_len_max: usize,
    /// Longest bare frame with its Ethernet header, in bytes.
    pub(crate) bare_len_max: usize,
    /// Guests' frames from or to the MAC 000000000000: frames, and the first of them.
    pub(crate) zero_mac: Option<(u64, u64)>,
    /// Addresses that found their table full.
    pub(crate) unheeded: u64,
}

impl Survey {
    /// Looks at one frame. It is counted and passed over where nothing can be learned from it.
    ///
    /// # Errors
    /// The link type is one that is not looked into.
    pub fn packet(&mut self, packet: &Packet<'_>) -> Result<(), LinkError> {
        let payload = match network_layer(packet.link_type, packet.data) {
            Err(error @ LinkError::Unsupported { .. }) => return Err(error),
            other => other,
        };
        self.frames += 1;
        let Ok(payload) = payload else { return Ok(()) };
        let has_ethernet = matches!(payload, LinkPayload::Ethernet(_));
        let sender_known = match payload {
            LinkPayload::Ethernet(_) => true,
            LinkPayload::Network { source, .. } => source.is_some_and(|source| source.len() == 6),
        };
        let mut memory = std::mem::take(&mut self.memory);
        lay_out(payload, &mut memory);
        if let Ok(link) = LinkHeader::parse(&memory[HEADROOM..]) {
            let macs = Macs {
                source: sender_known.then_some(link.source),
                destination: has_ethernet.then_some(link.destination),
            };
            if is_gre(&link, &memory[HEADROOM..]) {
                self.tunnel(&mut memory, macs);
            } else if has_ethernet && self.nvgre_frames == 0 {
                self.bare(&memory[HEADROOM..], &link);
            }
        }
        self.memory = memory;
        Ok(())
    }

    /// What was seen, as the scenario that fits it.
    ///
    /// # Errors
    /// No frame shows a guest.
    pub fn finish(self) -> Result<Skeleton, SkeletonError> {
        guess::guess(&self)
    }

    fn tunnel(&mut self, memory: &mut [u8], macs: Macs) {
        let outer = match Outer::parse(&memory[HEADROOM..]) {
            Ok(outer) => outer,
            Err(reason) => return self.refuse(reason),
        };
        let end = memory.len();
        let Ok(mut frame) = FrameBuf::new(memory, HEADROOM..end) else {
            return;
        };
        match decapsulate(&mut frame, &Settings::default(), &AnyProvider) {
            Ok(decapsulated) => self.inner(&outer, macs, &decapsulated, frame.bytes()),
            Err(refused) => self.refuse(refused.reason),
        }
    }

    fn refuse(&mut self, reason: DropReason) {
        self.refused.entry(reason).or_insert((0, self.frames)).0 += 1;
    }

    fn inner(&mut self, outer: &Outer, macs: Macs, decapsulated: &Decapsulated, inner: &[u8]) {
        self.nvgre_frames += 1;
        self.bare.clear();
        self.outer_len_max = self.outer_len_max.max(outer.payload.end - outer.link.len);
        let virtual_subnet = decapsulated.virtual_subnet;
        let end = |provider, mac| Attached {
            provider,
            mac,
            vlan: outer.link.vlan,
        };
        self.attach(end(outer.source, macs.source), |seen| seen.sent += 1);
        let to_group = outer.destination.is_group();
        if to_group {
            self.groups
                .entry(virtual_subnet)
                .or_insert(outer.destination);
        } else {
            self.attach(end(outer.destination, macs.destination), |seen| {
                seen.received += 1
            });
        }
        let ends = Ends::of(inner);
        let behind = |provider, mac, address| Station {
            virtual_subnet,
            mac,
            address,
            provider,
        };
        for (address, claimed) in self.own_addresses(&ends) {
            self.sight(behind(outer.source, ends.source, address), |seen| {
                seen.sent += 1;
                seen.claimed |= claimed;
            });
        }
        if !self.is_nobody(ends.destination) && !ends.destination.is_group() && !to_group {
            let station = behind(
                outer.destination,
                ends.destination,
                ends.destination_address,
            );
            self.sight(station, |seen| seen.received += 1);
        }
    }

    fn bare(&mut self, frame: &[u8], link: &LinkHeader) {
        if link.source.is_group() {
            return;
        }
        if link.tags > 0 {
            self.bare_tagged += 1;
            return;
        }
        self.bare_len_max = self.bare_len_max.max(frame.len());
        let ends = Ends::of(frame);
        for (address, claimed) in self.own_addresses(&ends) {
            let station = Station {
                virtual_subnet: INVENTED_VSID,
                mac: ends.source,
                address,
                provider: INVENTED_PA,
            };
            let (frames, unheeded) = (self.frames, &mut self.unheeded);
            count(&mut self.bare, station, frames, unheeded, |seen| {
                seen.sent += 1;
                seen.claimed |= claimed;
            });
        }
    }

    /// What a frame tells of its sender; nothing where that has no MAC.
    fn own_addresses(
        &mut self,
        ends: &Ends,
    ) -> impl Iterator<Item = (Option<CustomerAddress>, bool)> + use<> {
        let told = (!self.is_nobody(ends.source)).then(|| ends.source_addresses());
        told.into_iter().flatten()
    }

    /// Whether a guest's frame has a MAC that no NIC has; it is counted.
    fn is_nobody(&mut self, mac: MacAddress) -> bool {
        let nobody = mac == NOBODY;
        if nobody {
            self.zero_mac.get_or_insert((0, self.frames)).0 += 1;
        }
        nobody
    }

    fn attach(&mut self, attached: Attached, change: impl FnOnce(&mut Seen)) {
        count(
            &mut self.attached,
            attached,
            self.frames,
            &mut self.unheeded,
            change,
        );
    }

    fn sight(&mut self, station: Station, change: impl FnOnce(&mut Seen)) {
        count(
            &mut self.stations,
            station,
            self.frames,
            &mut self.unheeded,
            change,
        );
    }
}

fn count<K: Ord>(
    table: &mut BTreeMap<K, Seen>,
    key: K,
    frame: u64,
    unheeded: &mut u64,
    change: impl FnOnce(&mut Seen),
) {
    if table.len() >= LINES_MAX && !table.contains_key(&key) {
        *unheeded += 1;
        return;
    }
    change(table.entry(key).or_insert(Seen {
        first_frame: frame,
        ..Seen::default()
    }));
}

/// The link addresses that the capture kept.
#[derive(Clone, Copy)]
struct Macs {
    source: Option<MacAddress>,
    destination: Option<MacAddress>,
}

/// Writes the frame behind the headroom. What was captured above Ethernet gets a header, with zeros
/// for the addresses that are not known.
fn lay_out(payload: LinkPayload<'_>, memory: &mut Vec<u8>) {
    memory.clear();
    memory.resize(HEADROOM, 0);
    match payload {
        LinkPayload::Ethernet(frame) => memory.extend_from_slice(frame),
        LinkPayload::Network {
            ethertype,
            payload,
            source,
        } => {
            memory.extend_from_slice(&[0; 6]);
            let source = source.and_then(|bytes| bytes.try_into().ok());
            memory.extend_from_slice(&source.unwrap_or([0; 6]));
            memory.extend_from_slice(&ethertype.to_be_bytes());
            memory.extend_from_slice(payload);
        }
    }
}

/// Whether the IP header, cut or not, says that GRE follows.
fn is_gre(link: &LinkHeader, frame: &[u8]) -> bool {
    let packet = &frame[link.len..];
    match link.ether_type {
        EtherType::IPV4 => {
            Ipv4::parse_cut(packet).is_ok_and(|ip| ip.protocol() == ip_protocol::GRE)
        }
        EtherType::IPV6 => Ipv6::parse_cut(packet)
            .and_then(|ip| ip.upper_layer())
            .is_ok_and(|upper| upper.protocol == ip_protocol::GRE),
        _other => false,
    }
}

/// Who sends a guest's frame to whom.
struct Ends {
    source: MacAddress,
    /// Addresses of the sender, and whether ARP or ND says so; at most two.
    source_addresses: [Option<(CustomerAddress, bool)>; 2],
    destination: MacAddress,
    destination_address: Option<CustomerAddress>,
}

impl Ends {
    /// Reads an untagged frame with a whole Ethernet header; packets inside may be cut.
    fn of(frame: &[u8]) -> Self {
        let mut ends = Self {
            source: NOBODY,
            source_addresses: [None; 2],
            destination: NOBODY,
            destination_address: None,
        };
        let Ok(link) = LinkHeader::parse(frame) else {
            return ends;
        };
        (ends.source, ends.destination) = (link.source, link.destination);
        let packet = &frame[link.len..];
        match link.ether_type {
            EtherType::ARP => {
                if let Ok(arp) = Arp::parse(packet) {
                    ends.arp(&arp);
                }
            }
            EtherType::IPV4 => {
                if let Ok(ip) = Ipv4::parse_cut(packet) {
                    let source = guest_address(CustomerAddress::v4(ip.source()));
                    ends.source_addresses[0] = source.map(|address| (address, false));
                    ends.destination_address = guest_address(CustomerAddress::v4(ip.destination()));
                }
            }
            EtherType::IPV6 => {
                if let Ok(ip) = Ipv6::parse_cut(packet) {
                    ends.ipv6(&ip);
                }
            }
            _other => {}
        }
        ends
    }

    fn arp(&mut self, arp: &Arp<&[u8]>) {
        // Somebody who answers for others does not own what it tells.
        if arp.sender_mac() == self.source {
            let sender = guest_address(CustomerAddress::v4(arp.sender_ip()));
            self.source_addresses[0] = sender.map(|address| (address, true));
        }
        if arp.target_mac() == self.destination {
            self.destination_address = guest_address(CustomerAddress::v4(arp.target_ip()));
        }
    }

    fn ipv6(&mut self, ip: &Ipv6<&[u8]>) {
        let source = guest_address(CustomerAddress::v6(ip.source()));
        self.destination_address = guest_address(CustomerAddress::v6(ip.destination()));
        self.source_addresses[0] = source.map(|address| (address, false));
        let Ok(upper) = ip.upper_layer() else { return };
        let payload = ip.payload().get(upper.offset - Ipv6::<&[u8]>::LEN..);
        // A hop limit of 255 shows that no router forwarded it (RFC 4861 s7.1).
        if upper.protocol == ip_protocol::ICMPV6
            && !upper.fragment.is_part()
            && ip.hop_limit() == 255
            && let Some(Ok(message)) = payload.map(NeighborDiscovery::parse)
        {
            self.source_addresses[0] = source.map(|address| (address, true));
            let target = guest_address(CustomerAddress::v6(message.target()));
            if message.kind() == NdpKind::Advertisement && target != source {
                self.source_addresses[1] = target.map(|address| (address, true));
            }
        }
    }

    /// The sender's addresses; a single `None` where the frame tells none.
    fn source_addresses(&self) -> impl Iterator<Item = (Option<CustomerAddress>, bool)> + use<> {
        let [first, second] = self
            .source_addresses
            .map(|entry| entry.map(|(a, c)| (Some(a), c)));
        first.or(Some((None, false))).into_iter().chain(second)
    }
}

/// The address, if it can be a guest's own.
fn guest_address(address: CustomerAddress) -> Option<CustomerAddress> {
    let usable = !address.is_unspecified() && !address.is_group() && !address.ip().is_loopback();
    usable.then_some(address)
}
