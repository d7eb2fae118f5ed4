//! The frames in which stations say whose an address is: ARP (RFC 5227) and neighbor discovery
//! (RFC 4861, RFC 4862).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nvgre_wire::MacAddress;
use smoltcp::phy::{ChecksumCapabilities, Medium};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    HardwareAddress, Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, Ipv6Repr,
    NdiscNeighborFlags, NdiscRepr,
};

/// Hop limit of every neighbor discovery message (RFC 4861 section 7.1).
const HOP_LIMIT: u8 = 255;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimKind {
    /// It asks whether the address is free, because it wants it.
    Probes,
    /// It says that the address is its own.
    Uses,
}

/// What another station says about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) address: IpAddr,
    pub(crate) by: MacAddress,
    pub(crate) kind: ClaimKind,
}

impl Claim {
    /// The claim that a frame makes, if it makes one and is valid.
    pub(crate) fn read(frame: &[u8]) -> Option<Self> {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        match frame.ethertype() {
            EthernetProtocol::Arp => Self::read_arp(frame.payload()),
            EthernetProtocol::Ipv6 => Self::read_neighbor_discovery(&frame),
            EthernetProtocol::Ipv4 | EthernetProtocol::Unknown(_) => None,
        }
    }

    fn read_arp(packet: &[u8]) -> Option<Self> {
        let packet = ArpPacket::new_checked(packet).ok()?;
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: by,
            source_protocol_addr: source,
            target_protocol_addr: target,
            ..
        } = ArpRepr::parse(&packet).ok()?
        else {
            return None;
        };
        let (address, kind) = match operation {
            ArpOperation::Request if source.is_unspecified() => (target, ClaimKind::Probes),
            ArpOperation::Request | ArpOperation::Reply => (source, ClaimKind::Uses),
            ArpOperation::Unknown(_) => return None,
        };
        Some(Self {
            address: address.into(),
            by: MacAddress::new(by.0),
            kind,
        })
    }

    fn read_neighbor_discovery(frame: &EthernetFrame<&[u8]>) -> Option<Self> {
        let packet = Ipv6Packet::new_checked(frame.payload()).ok()?;
        let ip = Ipv6Repr::parse(&packet).ok()?;
        if ip.next_header != IpProtocol::Icmpv6 || ip.hop_limit != HOP_LIMIT {
            return None;
        }
        let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
        let checksums = ChecksumCapabilities::default();
        let Ok(Icmpv6Repr::Ndisc(message)) =
            Icmpv6Repr::parse(&ip.src_addr, &ip.dst_addr, &message, &checksums)
        else {
            return None;
        };
        let sender = frame.src_addr();
        let (address, by, kind) = match message {
            // A solicitation from :: must go to the solicited-node group and carry no link-layer
            // address (RFC 4861 section 7.1.1).
            NdiscRepr::NeighborSolicit {
                target_addr,
                lladdr: None,
            } if ip.src_addr.is_unspecified() && ip.dst_addr == solicited_node(target_addr) => {
                (target_addr, sender, ClaimKind::Probes)
            }
            NdiscRepr::NeighborAdvert {
                target_addr,
                lladdr,
                ..
            } => {
                let named = lladdr.and_then(|raw| raw.parse(Medium::Ethernet).ok());
                let by = match named {
                    Some(HardwareAddress::Ethernet(named)) => named,
                    None => sender,
                };
                (target_addr, by, ClaimKind::Uses)
            }
            _other_message => return None,
        };
        Some(Self {
            address: address.into(),
            by: MacAddress::new(by.0),
            kind,
        })
    }
}

/// What a guest says about an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// Is it free? ARP request from 0.0.0.0, neighbor solicitation from `::`.
    Probe(IpAddr),
    /// It is mine: ARP request for the sender's own address.
    Announcement(Ipv4Addr),
    /// It is mine, to a station that probes for it.
    Answer { address: IpAddr, to: MacAddress },
}

impl Statement {
    /// The frame that says it, from `own`.
    pub(crate) fn frame(self, own: MacAddress) -> Vec<u8> {
        match self {
            Self::Probe(IpAddr::V4(address)) => arp_request(own, Ipv4Addr::UNSPECIFIED, address),
            Self::Announcement(address) => arp_request(own, address, address),
            Self::Answer {
                address: IpAddr::V4(address),
                to,
            } => {
                let to = EthernetAddress(to.octets());
                let reply = ArpRepr::EthernetIpv4 {
                    operation: ArpOperation::Reply,
                    source_hardware_addr: EthernetAddress(own.octets()),
                    source_protocol_addr: address,
                    target_hardware_addr: to,
                    target_protocol_addr: Ipv4Addr::UNSPECIFIED,
                };
                arp(own, to, reply)
            }
            Self::Probe(IpAddr::V6(target_addr)) => {
                let solicitation = NdiscRepr::NeighborSolicit {
                    target_addr,
                    lladdr: None,
                };
                let group = solicited_node(target_addr);
                neighbor_discovery(own, Ipv6Addr::UNSPECIFIED, group, solicitation)
            }
            // The prober has no address yet, so all nodes are told (RFC 4861 section 7.2.4).
            Self::Answer {
                address: IpAddr::V6(target_addr),
                to: _,
            } => {
                let advertisement = NdiscRepr::NeighborAdvert {
                    flags: NdiscNeighborFlags::OVERRIDE,
                    target_addr,
                    lladdr: Some(EthernetAddress(own.octets()).into()),
                };
                neighbor_discovery(own, target_addr, ALL_NODES, advertisement)
            }
        }
    }
}

fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = target.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

fn arp_request(own: MacAddress, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let request = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(own.octets()),
        source_protocol_addr: sender,
        // All zeros (RFC 5227 section 1.1).
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    arp(own, EthernetAddress::BROADCAST, request)
}

fn arp(own: MacAddress, to: EthernetAddress, packet: ArpRepr) -> Vec<u8> {
    ethernet(own, to, EthernetProtocol::Arp, packet.buffer_len(), |out| {
        packet.emit(&mut ArpPacket::new_unchecked(out));
    })
}

fn neighbor_discovery(
    own: MacAddress,
    source: Ipv6Addr,
    group: Ipv6Addr,
    message: NdiscRepr<'_>,
) -> Vec<u8> {
    let message = Icmpv6Repr::Ndisc(message);
    let ip = Ipv6Repr {
        src_addr: source,
        dst_addr: group,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        hop_limit: HOP_LIMIT,
    };
    let [.., a, b, c, d] = group.octets();
    let to = EthernetAddress([0x33, 0x33, a, b, c, d]);
    let len = ip.buffer_len() + message.buffer_len();
    ethernet(own, to, EthernetProtocol::Ipv6, len, |out| {
        let mut packet = Ipv6Packet::new_unchecked(out);
        ip.emit(&mut packet);
        message.emit(
            &source,
            &group,
            &mut Icmpv6Packet::new_unchecked(packet.payload_mut()),
            &ChecksumCapabilities::default(),
        );
    })
}

fn ethernet(
    own: MacAddress,
    to: EthernetAddress,
    ether_type: EthernetProtocol,
    payload_len: usize,
    write: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let mut bytes = vec![0; EthernetFrame::<&[u8]>::buffer_len(payload_len)];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    frame.set_src_addr(EthernetAddress(own.octets()));
    frame.set_dst_addr(to);
    frame.set_ethertype(ether_type);
    write(frame.payload_mut());
    bytes
}
