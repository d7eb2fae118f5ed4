//! Frames as guests and underlays send them, from etherparse's headers and pnet's checksums.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, Ipv6FlowLabel, Ipv6Header};
use nvgre_wire::{MacAddress, ProviderAddress};
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::util;

use super::Guest;

pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const IPV6: u16 = 0x86dd;
/// LLDP stands for any protocol that is not IP.
pub(crate) const LLDP: u16 = 0x88cc;

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const DCCP: u8 = 33;
pub(crate) const GRE: u8 = 47;
pub(crate) const ESP: u8 = 50;
pub(crate) const AH: u8 = 51;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const SCTP: u8 = 132;
pub(crate) const UDP_LITE: u8 = 136;

pub(crate) const BROADCAST: MacAddress = MacAddress::BROADCAST;

/// An IP header in the making: what a test does not say is ordinary.
#[derive(Clone, Debug)]
pub(crate) struct Ip {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    pub(crate) dont_fragment: bool,
    pub(crate) id: u16,
    /// In units of 8 bytes.
    pub(crate) fragment_offset: u16,
    pub(crate) more_fragments: bool,
    /// IPv4 only, a multiple of 4 bytes.
    pub(crate) options: Vec<u8>,
}

impl Ip {
    pub(crate) fn new(source: impl Into<IpAddr>, destination: impl Into<IpAddr>) -> Self {
        Self {
            source: source.into(),
            destination: destination.into(),
            ttl: 128,
            tos: 0,
            dont_fragment: false,
            id: 1,
            fragment_offset: 0,
            more_fragments: false,
            options: Vec::new(),
        }
    }

    pub(crate) fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    pub(crate) fn tos(mut self, tos: u8) -> Self {
        self.tos = tos;
        self
    }

    pub(crate) fn dont_fragment(mut self) -> Self {
        self.dont_fragment = true;
        self
    }

    /// IPv4: the flags. IPv6: put a fragment header into the payload instead.
    pub(crate) fn fragment(mut self, offset: u16, more: bool) -> Self {
        (self.fragment_offset, self.more_fragments) = (offset, more);
        self
    }

    /// The packet: header and payload.
    pub(crate) fn carrying(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut header = Ipv4Header::new(
                    0,
                    self.ttl,
                    IpNumber(protocol),
                    source.octets(),
                    destination.octets(),
                )
                .expect("a header");
                header.options = Ipv4Options::try_from(&self.options[..]).expect("options");
                header.set_payload_len(payload.len()).expect("a length");
                header.dscp = (self.tos >> 2).try_into().expect("6 bits");
                header.ecn = (self.tos & 3).try_into().expect("2 bits");
                header.identification = self.id;
                header.dont_fragment = self.dont_fragment;
                header.more_fragments = self.more_fragments;
                header.fragment_offset = IpFragOffset::try_new(self.fragment_offset).expect("13");
                header.header_checksum = header.calc_header_checksum();
                [&header.to_bytes()[..], payload].concat()
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let header = Ipv6Header {
                    traffic_class: self.tos,
                    flow_label: Ipv6FlowLabel::ZERO,
                    payload_length: payload.len().try_into().expect("a length"),
                    next_header: IpNumber(protocol),
                    hop_limit: self.ttl,
                    source: source.octets(),
                    destination: destination.octets(),
                };
                [&header.to_bytes()[..], payload].concat()
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                panic!("two families in one header")
            }
        }
    }

    pub(crate) fn udp(&self, ports: (u16, u16), data: &[u8]) -> Vec<u8> {
        self.carrying(UDP, &udp(self.source, self.destination, ports, data))
    }

    pub(crate) fn tcp(&self, ports: (u16, u16), data: &[u8]) -> Vec<u8> {
        self.carrying(TCP, &tcp(self.source, self.destination, ports, data))
    }

    /// An echo request.
    pub(crate) fn echo(&self, data: &[u8]) -> Vec<u8> {
        let (protocol, kind) = if self.source.is_ipv4() {
            (ICMP, 8)
        } else {
            (ICMPV6, 128)
        };
        self.icmp(kind, 0, &[&[0, 1, 0, 1], data].concat(), protocol)
    }

    /// An ICMP or ICMPv6 message: everything behind the checksum in `rest`.
    pub(crate) fn icmp(&self, kind: u8, code: u8, rest: &[u8], protocol: u8) -> Vec<u8> {
        let mut message = vec![kind, code, 0, 0];
        message.extend_from_slice(rest);
        let checksum = match protocol {
            ICMP => util::checksum(&message, 1),
            _ => transport_checksum(self.source, self.destination, protocol, &message, 1),
        };
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        self.carrying(protocol, &message)
    }
}

/// Checksum over pseudo-header and `segment`, leaving out 16-bit word `skip`.
pub(crate) fn transport_checksum(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    segment: &[u8],
    skip: usize,
) -> u16 {
    let protocol = IpNextHeaderProtocol(protocol);
    match (source, destination) {
        (IpAddr::V4(s), IpAddr::V4(d)) => util::ipv4_checksum(segment, skip, &[], &s, &d, protocol),
        (IpAddr::V6(s), IpAddr::V6(d)) => util::ipv6_checksum(segment, skip, &[], &s, &d, protocol),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            panic!("two families in one header")
        }
    }
}

/// A UDP datagram with checksum.
pub(crate) fn udp(source: IpAddr, destination: IpAddr, ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend_from_slice(&ports.0.to_be_bytes());
    datagram.extend_from_slice(&ports.1.to_be_bytes());
    datagram.extend_from_slice(&(8 + data.len() as u16).to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.extend_from_slice(data);
    let checksum = match transport_checksum(source, destination, UDP, &datagram, 3) {
        0 => 0xffff,
        other => other,
    };
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    datagram
}

/// A TCP SYN with sequence number 1 and window 65,535.
pub(crate) fn tcp(source: IpAddr, destination: IpAddr, ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend_from_slice(&ports.0.to_be_bytes());
    segment.extend_from_slice(&ports.1.to_be_bytes());
    segment.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(data);
    let checksum = transport_checksum(source, destination, TCP, &segment, 8);
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    segment
}

/// An Ethernet II frame.
pub(crate) fn ethernet(
    to: MacAddress,
    from: MacAddress,
    ether_type: u16,
    payload: &[u8],
) -> Vec<u8> {
    let header = etherparse::Ethernet2Header {
        source: from.octets(),
        destination: to.octets(),
        ether_type: etherparse::EtherType(ether_type),
    };
    [&header.to_bytes()[..], payload].concat()
}

/// An IP packet in a frame; the version decides the EtherType.
pub(crate) fn ip_frame(to: MacAddress, from: MacAddress, packet: &[u8]) -> Vec<u8> {
    let ether_type = if packet[0] >> 4 == 4 { IPV4 } else { IPV6 };
    ethernet(to, from, ether_type, packet)
}

/// The frame with one more tag, the outermost.
pub(crate) fn tagged(frame: &[u8], tpid: u16, tci: u16) -> Vec<u8> {
    [
        &frame[..12],
        &tpid.to_be_bytes(),
        &tci.to_be_bytes(),
        &frame[12..],
    ]
    .concat()
}

/// An echo request between guests of one subnet, IPv4.
pub(crate) fn ping(from: Guest, to: Guest) -> Vec<u8> {
    ip_frame(to.mac, from.mac, &Ip::new(from.v4, to.v4).echo(b"abcdefgh"))
}

/// An echo request between guests of one subnet, IPv6.
pub(crate) fn ping6(from: Guest, to: Guest) -> Vec<u8> {
    ip_frame(to.mac, from.mac, &Ip::new(from.v6, to.v6).echo(b"abcdefgh"))
}

/// An ARP packet in a frame.
pub(crate) fn arp(
    to: MacAddress,
    operation: u16,
    sender: (MacAddress, Ipv4Addr),
    target: (MacAddress, Ipv4Addr),
) -> Vec<u8> {
    let packet = etherparse::ArpPacket::new(
        etherparse::ArpHardwareId::ETHERNET,
        etherparse::EtherType::IPV4,
        etherparse::ArpOperation(operation),
        &sender.0.octets(),
        &sender.1.octets(),
        &target.0.octets(),
        &target.1.octets(),
    )
    .expect("an ARP packet");
    ethernet(to, sender.0, ARP, &packet.to_bytes())
}

/// A broadcast ARP request.
pub(crate) fn arp_request(from: Guest, target: Ipv4Addr) -> Vec<u8> {
    arp(
        BROADCAST,
        1,
        (from.mac, from.v4),
        (MacAddress::new([0; 6]), target),
    )
}

/// A unicast ARP reply.
pub(crate) fn arp_reply(from: Guest, to: Guest) -> Vec<u8> {
    arp(to.mac, 2, (from.mac, from.v4), (to.mac, to.v4))
}

/// ff02::1:ffXX:XXXX of an address, and its MAC (RFC 4291 s2.7.1, RFC 2464 s7).
pub(crate) fn solicited_node(target: Ipv6Addr) -> (Ipv6Addr, MacAddress) {
    let o = target.octets();
    let group = Ipv6Addr::from([
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, o[13], o[14], o[15],
    ]);
    (
        group,
        MacAddress::new([0x33, 0x33, 0xff, o[13], o[14], o[15]]),
    )
}

/// A neighbor solicitation to the solicited-node group, with or without source link-layer address.
pub(crate) fn solicitation(
    mac: MacAddress,
    source: Ipv6Addr,
    target: Ipv6Addr,
    with_option: bool,
) -> Vec<u8> {
    let (group, group_mac) = solicited_node(target);
    let mut rest = vec![0; 4];
    rest.extend_from_slice(&target.octets());
    if with_option {
        rest.extend_from_slice(&[1, 1]);
        rest.extend_from_slice(&mac.octets());
    }
    let packet = Ip::new(source, group).ttl(255).icmp(135, 0, &rest, ICMPV6);
    ip_frame(group_mac, mac, &packet)
}

/// An NVGRE packet as RFC 7637 draws it: outer Ethernet, outer IP, `20 00 65 58`, key, inner frame.
pub(crate) fn nvgre(
    to: (MacAddress, ProviderAddress),
    from: (MacAddress, ProviderAddress),
    key: (u32, u8),
    inner: &[u8],
) -> Vec<u8> {
    nvgre_in(
        &Ip::new(from.1.ip(), to.1.ip()).ttl(64),
        to.0,
        from.0,
        key,
        inner,
    )
}

/// [`nvgre`] with an outer header of the test's own.
pub(crate) fn nvgre_in(
    outer: &Ip,
    to: MacAddress,
    from: MacAddress,
    (subnet, flow): (u32, u8),
    inner: &[u8],
) -> Vec<u8> {
    let key = (subnet << 8 | u32::from(flow)).to_be_bytes();
    let gre = [&[0x20, 0x00, 0x65, 0x58][..], &key, inner].concat();
    ip_frame(to, from, &outer.carrying(GRE, &gre))
}

/// Every way a guest's frame may look, to be sent from `from` to `to`.
pub(crate) fn frames_of_all_kinds(from: Guest, to: Guest) -> Vec<(&'static str, Vec<u8>)> {
    let (v4, v6) = (Ip::new(from.v4, to.v4), Ip::new(from.v6, to.v6));
    let frame = |packet: &[u8]| ip_frame(to.mac, from.mac, packet);
    vec![
        ("arp reply", arp_reply(from, to)),
        ("icmp echo", ping(from, to)),
        ("icmpv6 echo", ping6(from, to)),
        ("udp", frame(&v4.udp((1111, 2222), b"data"))),
        ("udp of odd length", frame(&v4.udp((1111, 2222), b"d"))),
        ("empty udp", frame(&v4.udp((1111, 2222), b""))),
        ("tcp over ipv6", frame(&v6.tcp((49_152, 443), b"hello"))),
        (
            "fragment",
            frame(&v4.clone().fragment(185, true).carrying(UDP, &[7; 64])),
        ),
        ("ip options", {
            let mut ip = v4.clone();
            ip.options = vec![1, 1, 1, 0];
            frame(&ip.echo(b"options"))
        }),
        // RFC 7637 s3.2 carries what a guest forged as any payload: no look inside.
        (
            "a guest's own gre",
            frame(&v4.carrying(GRE, &[0x20, 0, 0x65, 0x58, 0, 0x17, 0x71, 0])),
        ),
        (
            "broken ip header",
            ethernet(to.mac, from.mac, IPV4, &[0x4f; 24]),
        ),
        (
            "lldp",
            ethernet(to.mac, from.mac, LLDP, &[2, 7, 4, 0, 1, 2, 3, 4, 5]),
        ),
        (
            "unknown ethertype",
            ethernet(to.mac, from.mac, 0x9000, &[0xa5; 46]),
        ),
        (
            "802.3 with a length",
            ethernet(to.mac, from.mac, 38, &[0x42; 38]),
        ),
        (
            "nothing behind the header",
            ethernet(to.mac, from.mac, 0x88b5, &[]),
        ),
    ]
}
