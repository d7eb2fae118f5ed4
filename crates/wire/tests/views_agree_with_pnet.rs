//! Packets laid out by pnet, field by field, and read by our views. pnet shares no code with
//! etherparse, against which the views are held too.

use nvgre_wire::{
    Arp, ArpOperation, EtherType, Ethernet, Icmpv4, Icmpv6, Ipv4, Ipv6, LinkHeader, MacAddress,
    NdpKind, NeighborDiscovery, Tcp, Udp, VlanId,
};
use pnet_packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet_packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet_packet::icmp::{IcmpCode, IcmpType, MutableIcmpPacket};
use pnet_packet::icmpv6::ndp::{MutableNeighborAdvertPacket, MutableNeighborSolicitPacket};
use pnet_packet::icmpv6::{Icmpv6Code, Icmpv6Type, Icmpv6Types, MutableIcmpv6Packet};
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{self, MutableIpv4Packet};
use pnet_packet::ipv6::MutableIpv6Packet;
use pnet_packet::tcp::MutableTcpPacket;
use pnet_packet::udp::MutableUdpPacket;
use pnet_packet::vlan::MutableVlanPacket;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn fixed_seed() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(791),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(fixed_seed())]

    #[test]
    fn ethernet_and_vlan(
        destination in any::<[u8; 6]>(), source in any::<[u8; 6]>(), id in 0u16..4096,
    ) {
        let mut frame = [0x77; 14 + 4 + 3];
        let mut ethernet = MutableEthernetPacket::new(&mut frame).expect("room");
        ethernet.set_destination(destination.into());
        ethernet.set_source(source.into());
        ethernet.set_ethertype(EtherTypes::Vlan);
        let mut tag = MutableVlanPacket::new(&mut frame[14..]).expect("room");
        tag.set_vlan_identifier(id);
        tag.set_ethertype(EtherTypes::Arp);

        let ethernet = Ethernet::parse(&frame[..]).expect("Ethernet");
        prop_assert_eq!(ethernet.destination(), MacAddress::new(destination));
        prop_assert_eq!(ethernet.source(), MacAddress::new(source));
        prop_assert_eq!(ethernet.ether_type(), EtherType::VLAN);
        prop_assert_eq!(ethernet.payload().len(), 7);
        let expected = LinkHeader {
            destination: MacAddress::new(destination),
            source: MacAddress::new(source),
            tags: 1,
            vlan: VlanId::try_new(id).ok(),
            ether_type: EtherType::ARP,
            len: 18,
        };
        prop_assert_eq!(LinkHeader::parse(&frame), Ok(expected));
    }

    #[test]
    fn arp(
        is_request: bool, sender in any::<([u8; 6], [u8; 4])>(),
        target in any::<([u8; 6], [u8; 4])>(),
    ) {
        let mut bytes = [0x77; 28];
        let mut arp = MutableArpPacket::new(&mut bytes).expect("room");
        arp.set_hardware_type(ArpHardwareTypes::Ethernet);
        arp.set_protocol_type(EtherTypes::Ipv4);
        arp.set_hw_addr_len(6);
        arp.set_proto_addr_len(4);
        arp.set_operation(if is_request { ArpOperations::Request } else { ArpOperations::Reply });
        arp.set_sender_hw_addr(sender.0.into());
        arp.set_sender_proto_addr(sender.1.into());
        arp.set_target_hw_addr(target.0.into());
        arp.set_target_proto_addr(target.1.into());

        let arp = Arp::parse(&bytes[..]).expect("ARP");
        let operation = if is_request { ArpOperation::Request } else { ArpOperation::Reply };
        prop_assert_eq!(arp.operation(), operation);
        prop_assert_eq!((arp.sender_mac(), arp.sender_ip()), (MacAddress::new(sender.0), sender.1));
        prop_assert_eq!((arp.target_mac(), arp.target_ip()), (MacAddress::new(target.0), target.1));
    }

    #[test]
    fn ipv4_with_options(
        words in 5u8..=15, tos: u8, identification: u16, dont_fragment: bool, more: bool,
        offset in 0u16..1 << 13, ttl: u8, protocol: u8,
        source in any::<[u8; 4]>(), destination in any::<[u8; 4]>(),
    ) {
        let header = usize::from(words) * 4;
        let mut bytes = vec![0x77; header + 9];
        let mut packet = MutableIpv4Packet::new(&mut bytes).expect("room");
        packet.set_version(4);
        packet.set_header_length(words);
        packet.set_dscp(tos >> 2);
        packet.set_ecn(tos & 3);
        packet.set_total_length(header as u16 + 7);
        packet.set_identification(identification);
        packet.set_flags(u8::from(dont_fragment) << 1 | u8::from(more));
        packet.set_fragment_offset(offset);
        packet.set_ttl(ttl);
        packet.set_next_level_protocol(IpNextHeaderProtocol(protocol));
        packet.set_source(source.into());
        packet.set_destination(destination.into());
        let checksum = ipv4::checksum(&packet.to_immutable());
        packet.set_checksum(checksum);

        let packet = Ipv4::parse(&bytes[..]).expect("IPv4");
        prop_assert_eq!((packet.header_len(), packet.total_len()), (header, header + 7));
        prop_assert_eq!(packet.tos(), tos);
        prop_assert_eq!(packet.identification(), identification);
        prop_assert_eq!(packet.dont_fragment(), dont_fragment);
        prop_assert_eq!(packet.fragment().more, more);
        prop_assert_eq!(packet.fragment().offset_bytes, u32::from(offset) * 8);
        prop_assert_eq!(packet.fragment().is_part(), more || offset > 0);
        prop_assert_eq!((packet.ttl(), packet.protocol()), (ttl, protocol));
        prop_assert_eq!(packet.header_checksum(), checksum);
        prop_assert!(packet.checksum_ok());
        prop_assert_eq!((packet.source(), packet.destination()), (source, destination));
        prop_assert_eq!(packet.payload(), [0x77; 7]);
    }

    #[test]
    fn ipv6(
        class: u8, flow_label in 0u32..1 << 20, hop_limit: u8,
        source in any::<[u8; 16]>(), destination in any::<[u8; 16]>(),
    ) {
        let mut bytes = [0x77; 40 + 9];
        let mut packet = MutableIpv6Packet::new(&mut bytes).expect("room");
        packet.set_version(6);
        packet.set_traffic_class(class);
        packet.set_flow_label(flow_label);
        packet.set_payload_length(7);
        packet.set_next_header(IpNextHeaderProtocol(17));
        packet.set_hop_limit(hop_limit);
        packet.set_source(source.into());
        packet.set_destination(destination.into());

        let packet = Ipv6::parse(&bytes[..]).expect("IPv6");
        prop_assert_eq!((packet.traffic_class(), packet.flow_label()), (class, flow_label));
        prop_assert_eq!((packet.next_header(), packet.hop_limit()), (17, hop_limit));
        prop_assert_eq!((packet.source(), packet.destination()), (source, destination));
        prop_assert_eq!((packet.total_len(), packet.payload()), (47, &[0x77; 7][..]));
    }

    #[test]
    fn tcp_with_options_and_udp(
        words in 5u8..=15, source: u16, destination: u16, checksum: u16,
    ) {
        let header = usize::from(words) * 4;
        let mut bytes = vec![0x77; header + 5];
        let mut tcp = MutableTcpPacket::new(&mut bytes).expect("room");
        tcp.set_source(source);
        tcp.set_destination(destination);
        tcp.set_data_offset(words);
        tcp.set_checksum(checksum);
        let tcp = Tcp::parse(&bytes[..]).expect("TCP");
        prop_assert_eq!((tcp.source_port(), tcp.destination_port()), (source, destination));
        prop_assert_eq!((tcp.checksum(), tcp.header_len()), (checksum, header));
        prop_assert_eq!(tcp.payload(), [0x77; 5]);

        let mut udp = MutableUdpPacket::new(&mut bytes).expect("room");
        udp.set_source(destination);
        udp.set_destination(source);
        udp.set_checksum(checksum);
        let udp = Udp::parse(&bytes[..]).expect("UDP");
        prop_assert_eq!((udp.source_port(), udp.destination_port()), (destination, source));
        prop_assert_eq!(udp.checksum(), checksum);
        prop_assert_eq!(udp.payload().len(), header + 5 - 8);
    }

    #[test]
    fn icmp_of_both_families(kind: u8, code: u8, checksum: u16) {
        let mut bytes = [0x77; 8 + 3];
        let mut icmp = MutableIcmpPacket::new(&mut bytes).expect("room");
        icmp.set_icmp_type(IcmpType(kind));
        icmp.set_icmp_code(IcmpCode(code));
        icmp.set_checksum(checksum);
        let icmp = Icmpv4::parse(&bytes[..]).expect("ICMP");
        prop_assert_eq!((icmp.kind(), icmp.code(), icmp.checksum()), (kind, code, checksum));
        prop_assert_eq!(icmp.body(), [0x77; 3]);

        let mut icmp = MutableIcmpv6Packet::new(&mut bytes).expect("room");
        icmp.set_icmpv6_type(Icmpv6Type(code));
        icmp.set_icmpv6_code(Icmpv6Code(kind));
        let icmp = Icmpv6::parse(&bytes[..]).expect("ICMPv6");
        prop_assert_eq!((icmp.kind(), icmp.code(), icmp.checksum()), (code, kind, checksum));
        prop_assert_eq!(icmp.body(), [0x77; 3]);
    }

    #[test]
    fn neighbor_discovery(target in any::<[u8; 16]>(), code in 1u8..) {
        let mut bytes = [0; 24];
        let mut solicitation = MutableNeighborSolicitPacket::new(&mut bytes).expect("room");
        solicitation.set_icmpv6_type(Icmpv6Types::NeighborSolicit);
        solicitation.set_target_addr(target.into());
        let read = NeighborDiscovery::parse(&bytes[..]).expect("ND");
        prop_assert_eq!((read.kind(), read.target()), (NdpKind::Solicitation, target));

        let mut advertisement = MutableNeighborAdvertPacket::new(&mut bytes).expect("room");
        advertisement.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
        let read = NeighborDiscovery::parse(&bytes[..]).expect("ND");
        prop_assert_eq!((read.kind(), read.target()), (NdpKind::Advertisement, target));

        bytes[1] = code;
        prop_assert!(NeighborDiscovery::parse(&bytes[..]).is_err(), "code {}", code);
        bytes[..2].copy_from_slice(&[134, 0]);
        prop_assert!(NeighborDiscovery::parse(&bytes[..]).is_err(), "a router's");
    }
}
