//! What we write, read back by etherparse and pnet, checksums included.

use std::net::Ipv4Addr;

use etherparse::{
    ArpPacketSlice, Icmpv4Slice, Icmpv6Slice, Ipv4HeaderSlice, Ipv6HeaderSlice,
    icmpv6::{Icmpv6PayloadSlice, NdpOptionSlice},
};
use nvgre_wire::{
    Arp, EtherType, Ethernet, Icmpv4, Icmpv6, Ipv4, Ipv4Repr, Ipv6, Ipv6Repr, MacAddress,
    NeighborDiscovery, icmpv4, icmpv6,
};
use pnet_packet::ethernet::EthernetPacket;
use pnet_packet::{Packet, util};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn fixed_seed() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(4861),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

const RED_MAC: MacAddress = MacAddress::new([0x00, 0x15, 0x5d, 0x00, 0x00, 0x01]);
const ROUTER_MAC: MacAddress = MacAddress::new([0x02, 0x00, 0x5e, 0x00, 0x00, 0xfe]);
const RED: [u8; 16] = [0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x05];
const ROUTER: [u8; 16] = [0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01];
const ALL_NODES: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// An advertisement for the router, to `destination`, after etherparse found its checksum right.
fn advertisement(router: bool, destination: &[u8; 16]) -> [u8; 32] {
    let mut message = [0xee; 32];
    NeighborDiscovery::emit_advertisement(&mut message, &ROUTER, ROUTER_MAC, router, destination);
    let read = Icmpv6Slice::from_slice(&message).expect("ICMPv6");
    assert!(read.is_checksum_valid(ROUTER, *destination));
    message
}

#[test]
fn a_neighbor_advertisement_names_target_and_mac_and_has_a_right_checksum() {
    let message = advertisement(true, &RED);
    let read = Icmpv6Slice::from_slice(&message).expect("ICMPv6");
    let Ok(Icmpv6PayloadSlice::NeighborAdvertisement(body)) = read.payload_slice() else {
        panic!("not an advertisement: {:?}", read.icmp_type());
    };
    assert_eq!(body.target_address().octets(), ROUTER);
    let options: Vec<_> = body.options_iterator().collect();
    let [Ok(NdpOptionSlice::TargetLinkLayerAddress(option))] = &options[..] else {
        panic!("not one target link-layer address: {options:?}");
    };
    assert_eq!(option.link_layer_address(), ROUTER_MAC.octets());
    let ours = NeighborDiscovery::parse(&message[..]).expect("ND");
    assert_eq!(ours.target(), ROUTER);
}

/// RFC 4861 s4.4: bits R, S, O from the top. S must not be set in a multicast advertisement.
#[test]
fn an_advertisement_is_solicited_unless_it_is_multicast() {
    assert_eq!(advertisement(true, &RED)[4..8], [0b1110_0000, 0, 0, 0]);
    assert_eq!(advertisement(false, &RED)[4..8], [0b0110_0000, 0, 0, 0]);
    assert_eq!(
        advertisement(true, &ALL_NODES)[4..8],
        [0b1010_0000, 0, 0, 0]
    );
    assert_eq!(
        advertisement(false, &ALL_NODES)[4..8],
        [0b0010_0000, 0, 0, 0]
    );
}

#[test]
fn an_arp_request_becomes_the_reply_in_place() {
    let mut packet = [
        0, 1, 8, 0, 6, 4, 0, 1, 0x00, 0x15, 0x5d, 0, 0, 1, 10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 10, 0, 0,
        1,
    ];
    Arp::parse(&mut packet[..])
        .expect("a request")
        .answer(ROUTER_MAC);
    let reply = ArpPacketSlice::from_slice(&packet)
        .expect("ARP")
        .to_packet()
        .try_eth_ipv4()
        .expect("IPv4 over Ethernet");
    assert_eq!(reply.operation, etherparse::ArpOperation::REPLY);
    assert_eq!(reply.sender_mac, ROUTER_MAC.octets());
    assert_eq!(reply.sender_ipv4, [10, 0, 0, 1]);
    assert_eq!(reply.target_mac, RED_MAC.octets());
    assert_eq!(reply.target_ipv4, [10, 0, 0, 5]);
}

#[test]
fn fragmentation_needed_carries_the_mtu_where_rfc_1191_has_it() {
    let mut message = [0x45; 8 + 28];
    let mtu = 1_458;
    Icmpv4::emit(
        &mut message,
        icmpv4::UNREACHABLE,
        icmpv4::FRAGMENTATION_NEEDED,
        mtu,
    );
    let read = Icmpv4Slice::from_slice(&message).expect("ICMP");
    assert_eq!(
        read.icmp_type(),
        etherparse::Icmpv4Type::DestinationUnreachable(
            etherparse::icmpv4::DestUnreachableHeader::FragmentationNeeded {
                next_hop_mtu: 1_458
            }
        )
    );
    assert_eq!(read.payload(), [0x45; 28]);
    assert!(Icmpv4::parse(&message[..]).expect("ICMP").is_error());
}

#[test]
fn packet_too_big_carries_the_mtu_where_rfc_4443_has_it() {
    let mut message = [0x60; 8 + 48];
    Icmpv6::emit(
        &mut message,
        icmpv6::PACKET_TOO_BIG,
        0,
        1_438,
        &ROUTER,
        &RED,
    );
    let read = Icmpv6Slice::from_slice(&message).expect("ICMPv6");
    assert_eq!(
        read.icmp_type(),
        etherparse::Icmpv6Type::PacketTooBig { mtu: 1_438 }
    );
    assert!(read.is_checksum_valid(ROUTER, RED));
    assert!(Icmpv6::parse(&message[..]).expect("ICMPv6").is_error());
}

/// RFC 1122 s3.2.2 lists the ICMP errors; RFC 4443 s2.1 has types below 128.
#[test]
fn errors_are_told_from_other_messages() {
    let kinds = |is_error: fn(&[u8]) -> bool| -> Vec<u8> {
        (0..=255)
            .filter(|&kind| is_error(&[kind, 0, 0, 0, 0, 0, 0, 0]))
            .collect()
    };
    let v4 = kinds(|bytes| Icmpv4::parse(bytes).expect("8 bytes").is_error());
    assert_eq!(v4, [3, 4, 5, 11, 12]);
    let v6 = kinds(|bytes| Icmpv6::parse(bytes).expect("8 bytes").is_error());
    assert_eq!(v6, (0..128).collect::<Vec<u8>>());
}

#[test]
fn an_ethernet_header_is_written_in_place() {
    let mut frame = [0xee; 18];
    let mut header = Ethernet::parse(&mut frame[..]).expect("14 bytes");
    header.set_destination(RED_MAC);
    header.set_source(ROUTER_MAC);
    header.set_ether_type(EtherType::IPV6);
    let read = EthernetPacket::new(&frame).expect("14 bytes");
    assert_eq!(read.get_destination().octets(), RED_MAC.octets());
    assert_eq!(read.get_source().octets(), ROUTER_MAC.octets());
    assert_eq!(read.get_ethertype().0, 0x86dd);
    assert_eq!(read.payload(), [0xee; 4]);
}

#[test]
fn time_to_live_and_hop_limit_stop_at_zero() {
    let mut packet = [0u8; 20];
    packet[..4].copy_from_slice(&[0x45, 0, 0, 20]);
    packet[8] = 1;
    let mut ipv4 = Ipv4::parse(&mut packet[..]).expect("IPv4");
    let ttls = [0; 3].map(|_| {
        ipv4.decrement_ttl();
        ipv4.ttl()
    });
    assert_eq!(ttls, [0, 0, 0]);

    let mut packet = [0u8; 40];
    packet[0] = 0x60;
    packet[7] = 2;
    let mut ipv6 = Ipv6::parse(&mut packet[..]).expect("IPv6");
    let limits = [0; 3].map(|_| {
        ipv6.decrement_hop_limit();
        ipv6.hop_limit()
    });
    assert_eq!(limits, [1, 0, 0]);
}

proptest! {
    #![proptest_config(fixed_seed())]

    #[test]
    fn an_ipv4_header_is_read_by_etherparse_with_a_right_checksum(
        tos: u8, payload_len in 0u16..=65_515, dont_fragment: bool, ttl: u8, protocol: u8,
        source in any::<[u8; 4]>(), destination in any::<[u8; 4]>(),
    ) {
        let mut out = [0xee; 20];
        Ipv4Repr { tos, payload_len, dont_fragment, ttl, protocol, source, destination }
            .emit(&mut out);
        let read = Ipv4HeaderSlice::from_slice(&out).expect("IPv4");
        prop_assert_eq!(read.ihl(), 5);
        prop_assert_eq!(read.dcp().value() << 2 | read.ecn().value(), tos);
        prop_assert_eq!(read.payload_len().expect("a length"), payload_len);
        prop_assert_eq!(read.identification(), 0);
        prop_assert_eq!(read.dont_fragment(), dont_fragment);
        prop_assert!(!read.is_fragmenting_payload());
        prop_assert_eq!(read.ttl(), ttl);
        prop_assert_eq!(read.protocol().0, protocol);
        prop_assert_eq!(read.source(), source);
        prop_assert_eq!(read.destination(), destination);
        prop_assert_eq!(read.header_checksum(), read.to_header().calc_header_checksum());
    }

    #[test]
    fn an_ipv6_header_is_read_by_etherparse(
        traffic_class: u8, flow_label in 0u32..1 << 20, payload_len: u16, next_header: u8,
        hop_limit: u8, source in any::<[u8; 16]>(), destination in any::<[u8; 16]>(), later: u8,
    ) {
        let mut out = [0xee; 40];
        Ipv6Repr {
            traffic_class, flow_label, payload_len, next_header, hop_limit, source, destination,
        }
        .emit(&mut out);
        let read = Ipv6HeaderSlice::from_slice(&out).expect("IPv6");
        prop_assert_eq!(read.traffic_class(), traffic_class);
        prop_assert_eq!(read.flow_label().value(), flow_label);
        prop_assert_eq!(read.payload_length(), payload_len);
        prop_assert_eq!(read.next_header().0, next_header);
        prop_assert_eq!(read.hop_limit(), hop_limit);
        prop_assert_eq!(read.source(), source);
        prop_assert_eq!(read.destination(), destination);

        let mut edited = Ipv6::parse_cut(&mut out[..]).expect("IPv6");
        edited.set_traffic_class(later);
        edited.set_source(destination);
        edited.set_destination(source);
        let read = Ipv6HeaderSlice::from_slice(&out).expect("IPv6");
        prop_assert_eq!(read.traffic_class(), later);
        prop_assert_eq!(read.flow_label().value(), flow_label, "untouched");
        prop_assert_eq!((read.source(), read.destination()), (destination, source));
    }

    #[test]
    fn icmp_messages_have_right_checksums_at_every_length(
        kind: u8, code: u8, rest: u32, body in vec(any::<u8>(), 0..80),
        source in any::<[u8; 16]>(), destination in any::<[u8; 16]>(),
    ) {
        let mut message = [&[0xee; 8][..], &body].concat();
        Icmpv4::emit(&mut message, kind, code, rest);
        let view = Icmpv4::parse(&message[..]).expect("8 bytes");
        prop_assert_eq!((view.kind(), view.code(), view.body()), (kind, code, &body[..]));
        prop_assert_eq!(&message[4..8], rest.to_be_bytes());
        prop_assert_eq!(view.checksum(), util::checksum(&message, 1));

        Icmpv6::emit(&mut message, kind, code, rest, &source, &destination);
        let read = Icmpv6Slice::from_slice(&message).expect("ICMPv6");
        prop_assert_eq!((read.type_u8(), read.code_u8()), (kind, code));
        prop_assert_eq!(read.bytes5to8(), rest.to_be_bytes());
        prop_assert_eq!(&read.slice()[8..], &body[..]);
        prop_assert!(read.is_checksum_valid(source, destination));
    }
}

/// The same bytes to pnet, whose parser shares no code with etherparse.
#[test]
fn an_outer_header_of_ours_is_pnets_too() {
    let mut out = [0; 20];
    Ipv4Repr {
        tos: 0xb8,
        payload_len: 58,
        dont_fragment: true,
        ttl: 64,
        protocol: 47,
        source: [192, 168, 4, 11],
        destination: [192, 168, 4, 22],
    }
    .emit(&mut out);
    let read = pnet_packet::ipv4::Ipv4Packet::new(&out).expect("IPv4");
    assert_eq!((read.get_version(), read.get_header_length()), (4, 5));
    assert_eq!((read.get_dscp(), read.get_ecn()), (46, 0));
    assert_eq!(read.get_total_length(), 78);
    assert_eq!(read.get_flags(), pnet_packet::ipv4::Ipv4Flags::DontFragment);
    assert_eq!(read.get_source(), Ipv4Addr::new(192, 168, 4, 11));
    assert_eq!(read.get_destination(), Ipv4Addr::new(192, 168, 4, 22));
    assert_eq!(read.get_checksum(), pnet_packet::ipv4::checksum(&read));
}
