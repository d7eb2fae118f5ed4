//! Frames as a guest's stack writes them, and what it reads in those that it gets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::err::packet::BuildVecWriteError;
use etherparse::icmpv6::NeighborAdvertisementHeader;
use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType as Type, Icmpv6Type, IpHeaders,
    PacketBuilder, PacketBuilderStep,
};
use nvgre_wire::{
    Arp, CustomerAddress, EtherType, Ipv4, Ipv6, LinkHeader, MacAddress, NdpKind,
    NeighborDiscovery, ip_protocol,
};

use crate::probe::Probe;

/// TTL and hop limit of what a guest sends: the default of Windows.
pub const GUEST_TTL: u8 = 128;
/// Source port of a guest's first connection: the lowest of the dynamic ones (RFC 6335 section 6).
pub const GUEST_PORT: u16 = 49_152;
/// Identifier of a guest's echo requests.
pub const ECHO_IDENTIFIER: u16 = 1;
/// Bytes of data in an echo message or datagram, as ping sends by default.
pub const DATA_LEN: usize = 56;
/// Initial sequence numbers of asker and answerer.
const SEQUENCE: [u32; 2] = [1, 1_000];
const WINDOW_BYTES: u16 = 64_240;
/// Hop limit of neighbor discovery (RFC 4861 section 7.1).
const ON_LINK: u8 = 255;

/// A guest with the address that it speaks as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Station {
    pub(crate) mac: MacAddress,
    pub(crate) address: CustomerAddress,
}

/// What a frame says about where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) address: CustomerAddress,
    pub(crate) mac: MacAddress,
}

/// "Who has `target`?": ARP to everybody, or a solicitation to the target's group.
pub(crate) fn question(asker: Station, target: CustomerAddress) -> Vec<u8> {
    match (asker.address.ip(), target.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let message = (ArpOperation::REQUEST, source, [0; 6], target);
            arp(asker.mac, MacAddress::BROADCAST, message)
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            let group = solicited_node(target);
            let to = MacAddress::of_multicast(group.into()).unwrap_or(MacAddress::BROADCAST);
            let link = link_address(1, asker.mac);
            let body = [&target.octets()[..], &link].concat();
            let message = Icmpv6Type::NeighborSolicitation;
            neighbor_discovery((asker.mac, source), (to, group), message, &body)
        }
        // Both are of one family: they were chosen so.
        (IpAddr::V4(_) | IpAddr::V6(_), _) => Vec::new(),
    }
}

/// "I have it", to the one who asked.
pub(crate) fn answer(owner: Station, asker: Station) -> Vec<u8> {
    match (owner.address.ip(), asker.address.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let message = (ArpOperation::REPLY, source, asker.mac.octets(), target);
            arp(owner.mac, asker.mac, message)
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            advertisement(owner.mac, source, (asker.mac, target), true)
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => Vec::new(),
    }
}

/// "I am here", to everybody, as a guest says when it comes up.
pub(crate) fn announcement(own: Station) -> Vec<u8> {
    match own.address.ip() {
        IpAddr::V4(ip) => {
            let message = (ArpOperation::REQUEST, ip, [0; 6], ip);
            arp(own.mac, MacAddress::BROADCAST, message)
        }
        IpAddr::V6(ip) => {
            let all = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
            let to = MacAddress::of_multicast(all.into()).unwrap_or(MacAddress::BROADCAST);
            advertisement(own.mac, ip, (to, all), false)
        }
    }
}

/// The first packet of a probe, to the station that the frame goes to.
pub(crate) fn request(probe: Probe, from: Station, to: Station) -> Vec<u8> {
    let ip = packet(from, to);
    match (probe, from.address.is_ipv4()) {
        (Probe::Icmp, true) => written(DATA_LEN, |data, out| {
            let message = ip.icmpv4_echo_request(ECHO_IDENTIFIER, 1);
            message.write_to_vec(out, data)
        }),
        (Probe::Icmp, false) => written(DATA_LEN, |data, out| {
            let message = ip.icmpv6_echo_request(ECHO_IDENTIFIER, 1);
            message.write_to_vec(out, data)
        }),
        (Probe::Tcp { port }, _) => written(0, |data, out| {
            let segment = ip.tcp(GUEST_PORT, port, SEQUENCE[0], WINDOW_BYTES).syn();
            segment.write_to_vec(out, data)
        }),
        (Probe::Udp { port }, _) => written(DATA_LEN, |data, out| {
            ip.udp(GUEST_PORT, port).write_to_vec(out, data)
        }),
    }
}

/// A datagram that fills an IP packet of this many bytes, 28 or 48 at least, and must not be
/// fragmented.
pub(crate) fn datagram_of(ip_len_bytes: usize, from: Station, to: Station) -> Vec<u8> {
    /// IP header and UDP header.
    const HEADERS: [usize; 2] = [20 + 8, 40 + 8];
    let headers = HEADERS[usize::from(!from.address.is_ipv4())];
    let data = vec![0; ip_len_bytes.saturating_sub(headers)];
    let mut frame = Vec::with_capacity(14 + ip_len_bytes);
    let written = packet(from, to)
        .udp(GUEST_PORT, GUEST_PORT)
        .write_to_vec(&mut frame, &data);
    debug_assert!(written.is_ok(), "IP packets are that long");
    frame
}

/// What the receiver's stack or application says to [`request`].
pub(crate) fn reply(probe: Probe, from: Station, to: Station) -> Vec<u8> {
    let ip = packet(from, to);
    match (probe, from.address.is_ipv4()) {
        (Probe::Icmp, true) => written(DATA_LEN, |data, out| {
            let message = ip.icmpv4_echo_reply(ECHO_IDENTIFIER, 1);
            message.write_to_vec(out, data)
        }),
        (Probe::Icmp, false) => written(DATA_LEN, |data, out| {
            let message = ip.icmpv6_echo_reply(ECHO_IDENTIFIER, 1);
            message.write_to_vec(out, data)
        }),
        (Probe::Tcp { port }, _) => written(0, |data, out| {
            let segment = ip.tcp(port, GUEST_PORT, SEQUENCE[1], WINDOW_BYTES);
            let segment = segment.syn().ack(SEQUENCE[0] + 1);
            segment.write_to_vec(out, data)
        }),
        (Probe::Udp { port }, _) => written(DATA_LEN, |data, out| {
            ip.udp(port, GUEST_PORT).write_to_vec(out, data)
        }),
    }
}

/// Where the answer in a frame says that an address is.
pub(crate) fn claim_in(frame: &[u8]) -> Option<Claim> {
    let link = LinkHeader::parse(frame).ok()?;
    let packet = frame.get(link.len..)?;
    match link.ether_type {
        EtherType::ARP => {
            let arp = Arp::parse(packet).ok()?;
            (arp.operation() == nvgre_wire::ArpOperation::Reply).then(|| Claim {
                address: CustomerAddress::v4(arp.sender_ip()),
                mac: arp.sender_mac(),
            })
        }
        EtherType::IPV6 => {
            let ip = Ipv6::parse(packet).ok()?;
            let upper = ip.upper_layer().ok()?;
            if upper.protocol != ip_protocol::ICMPV6 {
                return None;
            }
            let message = packet.get(upper.offset..)?;
            let read = NeighborDiscovery::parse(message).ok()?;
            let mac: [u8; 6] = message.get(26..32)?.try_into().ok()?;
            (read.kind() == NdpKind::Advertisement).then(|| Claim {
                address: CustomerAddress::v6(read.target()),
                mac: MacAddress::new(mac),
            })
        }
        _other => None,
    }
}

/// Source and destination of an IP frame.
pub(crate) fn addresses_in(frame: &[u8]) -> Option<(CustomerAddress, CustomerAddress)> {
    let link = LinkHeader::parse(frame).ok()?;
    let packet = frame.get(link.len..)?;
    let (source, destination): (IpAddr, IpAddr) = match link.ether_type {
        EtherType::IPV4 => {
            let ip = Ipv4::parse_cut(packet).ok()?;
            (ip.source().into(), ip.destination().into())
        }
        EtherType::IPV6 => {
            let ip = Ipv6::parse_cut(packet).ok()?;
            (ip.source().into(), ip.destination().into())
        }
        _other => return None,
    };
    Some((
        CustomerAddress::new(source),
        CustomerAddress::new(destination),
    ))
}

/// TTL or hop limit of an IP frame.
pub fn ttl_in(frame: &[u8]) -> Option<u8> {
    let link = LinkHeader::parse(frame).ok()?;
    let packet = frame.get(link.len..)?;
    match link.ether_type {
        EtherType::IPV4 => Some(Ipv4::parse_cut(packet).ok()?.ttl()),
        EtherType::IPV6 => Some(Ipv6::parse_cut(packet).ok()?.hop_limit()),
        _other => None,
    }
}

/// Source and destination; both are of one family.
fn packet(from: Station, to: Station) -> PacketBuilderStep<IpHeaders> {
    let link = PacketBuilder::ethernet2(from.mac.octets(), to.mac.octets());
    match (from.address.ip(), to.address.ip()) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            link.ipv6(source.octets(), destination.octets(), GUEST_TTL)
        }
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            link.ipv4(source.octets(), destination.octets(), GUEST_TTL)
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => link.ipv4([0; 4], [0; 4], GUEST_TTL),
    }
}

fn arp(
    from: MacAddress,
    to: MacAddress,
    (operation, sender, target_mac, target): (ArpOperation, Ipv4Addr, [u8; 6], Ipv4Addr),
) -> Vec<u8> {
    let message = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        Type::IPV4,
        operation,
        &from.octets(),
        &sender.octets(),
        &target_mac,
        &target.octets(),
    );
    let mut frame = Vec::with_capacity(60);
    if let Ok(message) = message {
        let link = PacketBuilder::ethernet2(from.octets(), to.octets());
        let written = link.arp(message).write_to_vec(&mut frame);
        debug_assert!(written.is_ok(), "lengths are those of Ethernet and IPv4");
    }
    frame
}

fn advertisement(
    mac: MacAddress,
    source: Ipv6Addr,
    to: (MacAddress, Ipv6Addr),
    solicited: bool,
) -> Vec<u8> {
    let message = Icmpv6Type::NeighborAdvertisement(NeighborAdvertisementHeader {
        router: false,
        solicited,
        r#override: true,
    });
    let link = link_address(2, mac);
    let body = [&source.octets()[..], &link].concat();
    neighbor_discovery((mac, source), to, message, &body)
}

fn neighbor_discovery(
    (from, source): (MacAddress, Ipv6Addr),
    (to, destination): (MacAddress, Ipv6Addr),
    message: Icmpv6Type,
    body: &[u8],
) -> Vec<u8> {
    let link = PacketBuilder::ethernet2(from.octets(), to.octets());
    let ip = link.ipv6(source.octets(), destination.octets(), ON_LINK);
    let mut frame = Vec::with_capacity(86);
    let written = ip.icmpv6(message).write_to_vec(&mut frame, body);
    debug_assert!(written.is_ok(), "the message is short");
    frame
}

/// An option of neighbor discovery with a link-layer address (RFC 4861 section 4.6.1).
fn link_address(kind: u8, mac: MacAddress) -> [u8; 8] {
    let [a, b, c, d, e, f] = mac.octets();
    [kind, 1, a, b, c, d, e, f]
}

/// RFC 4291 section 2.7.1.
fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = target.octets();
    let mut group = [0; 16];
    group[..2].copy_from_slice(&[0xff, 0x02]);
    group[11..13].copy_from_slice(&[1, 0xff]);
    group[13..].copy_from_slice(&[a, b, c]);
    group.into()
}

fn written(
    data_len: usize,
    write: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), BuildVecWriteError>,
) -> Vec<u8> {
    let data: [u8; DATA_LEN] = std::array::from_fn(|at| at as u8);
    let mut frame = Vec::with_capacity(128);
    let written = write(&data[..data_len], &mut frame);
    debug_assert!(written.is_ok(), "the packet is short");
    frame
}
