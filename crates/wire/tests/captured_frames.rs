//! Frames that the Linux kernel and Scapy made, read field by field. The expected values are those
//! that tshark prints for the same frames.

mod captured;

use nvgre_wire::{
    Arp, ArpOperation, EtherType, FlowId, Fragment, Gre, GreRefusal, Icmpv4, Icmpv6, Ipv4, Ipv6,
    Layer, LinkHeader, MacAddress, NdpKind, NeighborDiscovery, Nvgre, NvgreKey, ParseError, Tcp,
    Udp, VlanId, icmpv4, icmpv6, ip_protocol,
};

const KERNEL_KEY: NvgreKey = NvgreKey(0x06cc_7e2a);
const SCAPY_KEY: NvgreKey = NvgreKey(0x05a1_b233);

fn mac(text: &str) -> MacAddress {
    text.parse().expect("a MAC")
}

fn ipv6(text: &str) -> [u8; 16] {
    text.parse::<std::net::Ipv6Addr>()
        .expect("an address")
        .octets()
}

/// What the outer IP header carries, cut at its length: GRE.
fn gre(frame: &[u8]) -> &[u8] {
    let link = LinkHeader::parse(frame).expect("a link header");
    let packet = &frame[link.len..];
    let (protocol, range) = if link.ether_type == EtherType::IPV4 {
        let ip = Ipv4::parse(packet).expect("IPv4");
        assert!(ip.checksum_ok());
        (ip.protocol(), ip.header_len()..ip.total_len())
    } else {
        let ip = Ipv6::parse(packet).expect("IPv6");
        let upper = ip.upper_layer().expect("an upper layer");
        (upper.protocol, upper.offset..ip.total_len())
    };
    assert_eq!(protocol, ip_protocol::GRE);
    &packet[range]
}

/// Key and inner frame of an accepted NVGRE frame.
fn decapsulated(frame: &[u8]) -> (NvgreKey, &[u8]) {
    let gre = gre(frame);
    let nvgre = Nvgre::receive(gre, true).expect("NVGRE");
    assert!(!nvgre.reserved_bits);
    (nvgre.key, &gre[Nvgre::LEN..])
}

/// The example of the wire format notes: VSID 5001, FlowID 0x5A, an inner ICMP echo.
#[test]
fn the_reference_vector_reads_as_its_description_says() {
    let frame = captured::bytes(
        "00 15 5d aa 00 02 00 15 5d aa 00 01 08 00 45 00
         00 4e be ef 40 00 40 2f f2 1f c0 a8 04 0b c0 a8
         04 16 20 00 65 58 00 13 89 5a 06 06 00 00 00 07
         06 06 00 00 00 05 08 00 45 00 00 24 00 01 00 00
         80 01 26 cd 0a 00 00 05 0a 00 00 07 08 00 66 68
         00 01 00 01 61 62 63 64 65 66 67 68",
    );
    assert_eq!(frame.len(), 92);
    let outer = Ipv4::parse(&frame[14..]).expect("IPv4");
    assert_eq!(outer.source(), [192, 168, 4, 11]);
    assert_eq!(outer.destination(), [192, 168, 4, 22]);
    assert_eq!((outer.ttl(), outer.identification()), (64, 0xbeef));
    assert!(outer.dont_fragment() && outer.checksum_ok());
    let (key, inner) = decapsulated(&frame);
    assert_eq!(key.virtual_subnet().expect("not reserved").get(), 5001);
    assert_eq!(key.flow_id(), FlowId(0x5a));
    let link = LinkHeader::parse(inner).expect("a link header");
    assert_eq!(link.destination, mac("06-06-00-00-00-07"));
    assert_eq!(link.source, mac("06-06-00-00-00-05"));
    let packet = Ipv4::parse(&inner[link.len..]).expect("IPv4");
    assert_eq!((packet.ttl(), packet.identification()), (128, 1));
    assert!(!packet.dont_fragment() && packet.checksum_ok());
    let echo = Icmpv4::parse(packet.payload()).expect("ICMP");
    assert_eq!((echo.kind(), echo.checksum()), (icmpv4::ECHO, 0x6668));
    assert_eq!(echo.body(), b"abcdefgh");
}

#[test]
fn kernel_tcp_syn_over_ipv4() {
    let frame = captured::bytes(captured::KERNEL_TCP_SYN);
    let link = LinkHeader::parse(&frame).expect("a link header");
    assert_eq!(link.destination, mac("02:00:c0:00:02:02"));
    assert_eq!(link.source, mac("02:00:c0:00:02:01"));
    assert_eq!((link.tags, link.vlan, link.len), (0, None, 14));
    let outer = Ipv4::parse(&frame[14..]).expect("IPv4");
    assert_eq!((outer.total_len(), outer.header_checksum()), (102, 0x03ff));
    let (key, inner) = decapsulated(&frame);
    assert_eq!(key, KERNEL_KEY);
    assert_eq!(key.virtual_subnet().expect("not reserved").get(), 445_566);
    assert_eq!(key.flow_id(), FlowId(42));
    let packet = Ipv4::parse(&inner[14..]).expect("IPv4");
    assert_eq!(packet.source(), [10, 1, 0, 1]);
    assert_eq!(packet.destination(), [10, 1, 0, 2]);
    assert_eq!(packet.header_checksum(), 0xb7e6);
    assert_eq!(packet.fragment(), Fragment::WHOLE);
    let tcp = Tcp::parse(packet.payload()).expect("TCP");
    assert_eq!((tcp.source_port(), tcp.destination_port()), (46_744, 80));
    assert_eq!((tcp.checksum(), tcp.header_len()), (0xdd2c, 40));
    assert!(tcp.payload().is_empty());
}

#[test]
fn kernel_arp_reply() {
    let frame = captured::bytes(captured::KERNEL_ARP_REPLY);
    let (key, inner) = decapsulated(&frame);
    assert_eq!(key, KERNEL_KEY);
    let link = LinkHeader::parse(inner).expect("a link header");
    assert_eq!(link.ether_type, EtherType::ARP);
    let arp = Arp::parse(&inner[link.len..]).expect("ARP");
    assert_eq!(arp.operation(), ArpOperation::Reply);
    assert_eq!(arp.sender_mac(), mac("00:15:5d:02:02:0a"));
    assert_eq!(arp.sender_ip(), [10, 1, 0, 2]);
    assert_eq!(arp.target_mac(), mac("00:15:5d:01:02:0a"));
    assert_eq!(arp.target_ip(), [10, 1, 0, 1]);
}

#[test]
fn kernel_neighbor_solicitations_of_three_captures() {
    for (frame, target, checksum, vlan) in [
        (
            captured::KERNEL_NEIGHBOR_SOLICITATION,
            "fe80::215:5dff:fe01:20a",
            0x7a78,
            None,
        ),
        (
            captured::KERNEL_OUTER_VLAN,
            "fe80::215:5dff:fe01:20a",
            0x88c3,
            Some(100),
        ),
        (captured::KERNEL_IPV6_OUTER, "fd00:1::1", 0xac1d, None),
    ] {
        let frame = captured::bytes(frame);
        let link = LinkHeader::parse(&frame).expect("a link header");
        assert_eq!(link.vlan.map(VlanId::get), vlan);
        let (key, inner) = decapsulated(&frame);
        assert_eq!(key, KERNEL_KEY);
        let packet = Ipv6::parse(&inner[14..]).expect("IPv6");
        assert_eq!((packet.hop_limit(), packet.payload().len()), (255, 32));
        assert_eq!(packet.source(), [0; 16]);
        let solicitation = NeighborDiscovery::parse(packet.payload()).expect("ND");
        assert_eq!(solicitation.kind(), NdpKind::Solicitation);
        assert_eq!(solicitation.target(), ipv6(target));
        let icmp = Icmpv6::parse(packet.payload()).expect("ICMPv6");
        assert_eq!(icmp.kind(), icmpv6::NEIGHBOR_SOLICITATION);
        assert_eq!(icmp.checksum(), checksum);
        assert!(!icmp.is_error());
    }
}

#[test]
fn kernel_ipv6_outer_header() {
    let frame = captured::bytes(captured::KERNEL_IPV6_OUTER);
    let outer = Ipv6::parse(&frame[14..]).expect("IPv6");
    assert_eq!(outer.source(), ipv6("2001:db8:1::1"));
    assert_eq!(outer.destination(), ipv6("2001:db8:1::2"));
    assert_eq!((outer.hop_limit(), outer.next_header()), (64, 47));
    assert_eq!((outer.flow_label(), outer.payload().len()), (0x06136b, 94));
    assert_eq!(outer.traffic_class(), 0);
}

/// N-10: outer tags are accepted, and the outermost is the underlay's.
#[test]
fn n10_any_stack_of_outer_tags_leads_to_the_same_inner_frame() {
    for (frame, tags, vlan) in [
        (captured::SCAPY_TWO_OUTER_TAGS, 2, 10),
        (captured::SCAPY_OUTER_VLAN_IPV6, 1, 7),
    ] {
        let frame = captured::bytes(frame);
        let link = LinkHeader::parse(&frame).expect("a link header");
        assert_eq!((link.tags, link.len), (tags, 14 + 4 * usize::from(tags)));
        assert_eq!(link.vlan.map(VlanId::get), Some(vlan));
        let (key, inner) = decapsulated(&frame);
        assert_eq!(key, SCAPY_KEY);
        assert_eq!(&inner[inner.len() - 7..], b"variant");
    }
}

/// G-13: IPv6 extension headers may stand before GRE (RFC 7676 s4.1).
#[test]
fn g13_extension_headers_before_gre_are_walked() {
    for (frame, offset, has_fragment_header, addresses_elsewhere) in [
        (
            captured::SCAPY_HOP_BY_HOP_AND_DESTINATION_OPTIONS,
            56,
            false,
            false,
        ),
        (captured::SCAPY_HOP_BY_HOP_AND_ROUTING, 56, false, true),
        (captured::SCAPY_ATOMIC_FRAGMENT, 48, true, false),
        (
            captured::SCAPY_NINE_DESTINATION_OPTIONS,
            112 + 8,
            false,
            false,
        ),
    ] {
        let frame = captured::bytes(frame);
        let upper = Ipv6::parse(&frame[14..])
            .and_then(|ip| ip.upper_layer())
            .expect("an upper layer");
        assert_eq!((upper.protocol, upper.offset), (ip_protocol::GRE, offset));
        assert_eq!(upper.fragment, Fragment::WHOLE);
        assert_eq!(upper.has_fragment_header, has_fragment_header);
        assert_eq!(upper.addresses_elsewhere, addresses_elsewhere);
        assert!(!upper.segments_left, "all segments are behind the packet");
        assert_eq!(decapsulated(&frame).0, SCAPY_KEY);
    }
}

#[test]
fn ipv4_options_before_gre_are_skipped() {
    let frame = captured::bytes(captured::SCAPY_ROUTER_ALERT);
    let outer = Ipv4::parse(&frame[14..]).expect("IPv4");
    assert_eq!((outer.header_len(), outer.total_len()), (24, 81));
    assert_eq!(decapsulated(&frame).0, SCAPY_KEY);
}

#[test]
fn the_inner_frame_ends_where_the_outer_length_says() {
    let frame = captured::bytes(captured::SCAPY_ETHERNET_TRAILER);
    let (_, inner) = decapsulated(&frame);
    assert_eq!(inner.len(), 77 - 20 - 8);
    assert_eq!(frame.len(), 14 + 77 + 12, "twelve bytes of trailer follow");
    assert_eq!(&inner[inner.len() - 7..], b"variant");
}

#[test]
fn an_outer_length_beyond_the_frame_is_refused_and_read_as_cut() {
    let frame = captured::bytes(captured::SCAPY_ICMP_ECHO);
    let cut = &frame[14..frame.len() - 1];
    assert_eq!(
        Ipv4::parse(cut).unwrap_err(),
        ParseError::TotalLength {
            layer: Layer::Ipv4,
            claimed: 91,
            have: 90
        }
    );
    let quoted = Ipv4::parse_cut(cut).expect("a cut packet");
    assert_eq!(quoted.payload().len(), 90 - 20);
}

#[test]
fn inner_icmp_and_udp_of_scapy() {
    let frame = captured::bytes(captured::SCAPY_ICMP_ECHO);
    let (_, inner) = decapsulated(&frame);
    let packet = Ipv4::parse(&inner[14..]).expect("IPv4");
    let echo = Icmpv4::parse(packet.payload()).expect("ICMP");
    assert_eq!((echo.kind(), echo.code()), (icmpv4::ECHO, 0));
    assert_eq!(echo.checksum(), 0xf7c2);
    assert!(!echo.is_error());
    assert_eq!(echo.body(), b"tenant payload shared");

    let frame = captured::bytes(captured::SCAPY_UDP_ZERO_CHECKSUM);
    let (_, inner) = decapsulated(&frame);
    let packet = Ipv4::parse(&inner[14..]).expect("IPv4");
    let udp = Udp::parse(packet.payload()).expect("UDP");
    assert_eq!((udp.source_port(), udp.destination_port()), (1, 2));
    assert_eq!(udp.checksum(), 0, "no checksum");
    assert_eq!(udp.payload(), b"tenant payload shared");
}

/// G-08: checksum, key, sequence in this order, each there only if its bit is set; with the routing
/// bit the checksum and offset words are there too (RFC 1701).
#[test]
fn g08_key_and_sequence_are_found_behind_other_fields() {
    for (frame, flags, key, sequence, len) in [
        (
            captured::KERNEL_CHECKSUM_AND_SEQUENCE,
            0xb000,
            KERNEL_KEY,
            Some(1),
            16,
        ),
        (captured::SCAPY_CHECKSUM_BIT, 0xa000, SCAPY_KEY, None, 12),
        (
            captured::SCAPY_CHECKSUM_AND_SEQUENCE,
            0xb000,
            SCAPY_KEY,
            Some(42),
            16,
        ),
        (captured::SCAPY_ROUTING_BIT, 0x6000, SCAPY_KEY, None, 12),
        (
            captured::SCAPY_RECURSION_CONTROL,
            0x2300,
            SCAPY_KEY,
            None,
            8,
        ),
    ] {
        let frame = captured::bytes(frame);
        let header = Gre::parse(gre(&frame)).expect("GRE");
        assert_eq!(header.flags(), flags);
        assert_eq!(header.key(), Some(key), "flags {flags:#06x}");
        assert_eq!(header.sequence(), sequence, "flags {flags:#06x}");
        assert_eq!(header.header_len(), len, "flags {flags:#06x}");
        assert_eq!(header.protocol(), EtherType::TRANSPARENT_ETHERNET_BRIDGING);
    }
}

#[test]
fn frames_with_forbidden_flags_are_refused_as_nvgre() {
    for (frame, refusal) in [
        (
            captured::KERNEL_CHECKSUM_AND_SEQUENCE,
            GreRefusal::ChecksumBit,
        ),
        (captured::SCAPY_CHECKSUM_BIT, GreRefusal::ChecksumBit),
        (captured::SCAPY_ROUTING_BIT, GreRefusal::RoutingBit),
    ] {
        let frame = captured::bytes(frame);
        assert_eq!(Nvgre::receive(gre(&frame), false), Err(refusal));
    }
}

/// Flags 0x2300: bits 6 and 7, which RFC 2784 s2.3 says to ignore.
#[test]
fn g03_a_frame_with_reserved_bits_is_taken_unless_strict() {
    let frame = captured::bytes(captured::SCAPY_RECURSION_CONTROL);
    let header = gre(&frame);
    assert_eq!(
        Nvgre::receive(header, false),
        Ok(Nvgre {
            key: SCAPY_KEY,
            reserved_bits: true
        })
    );
    assert_eq!(Nvgre::receive(header, true), Err(GreRefusal::ReservedBits));
}
