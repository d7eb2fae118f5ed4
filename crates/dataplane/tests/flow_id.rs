//! The FlowID of what leaves (RFC 7637 s3.2, rows N-04 and N-05).

mod common;

use std::collections::BTreeSet;

use common::*;
use etherparse::{NetSlice, SlicedPacket};

fn sliced(packet: &[u8]) -> SlicedPacket<'_> {
    SlicedPacket::from_ethernet(packet).expect("etherparse reads the outer headers")
}

#[test]
fn n04_flow_ids_spread_and_a_flow_keeps_its_own() {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    let mut flow = |port: u16, data: &[u8]| {
        let packet = Ip::new(BLUE1.v4, BLUE2.v4).udp((port, 53), data);
        read_nvgre(
            host.send(0, &ip_frame(BLUE2.mac, BLUE1.mac, &packet))
                .uplink(),
        )
        .flow
    };
    let values: BTreeSet<u8> = (1024..5120).map(|port| flow(port, b"x")).collect();
    assert!(values.len() >= 200, "{} of 256 values", values.len());
    // Neither payload nor time goes in.
    assert_eq!(flow(1024, b"a"), flow(1024, b"another payload"));
}

#[test]
fn n04_every_fragment_of_a_datagram_has_one_flow_id() {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    let mut flow = |packet: &[u8]| {
        read_nvgre(
            host.send(0, &ip_frame(BLUE2.mac, BLUE1.mac, packet))
                .uplink(),
        )
        .flow
    };
    let ip = Ip::new(BLUE1.v4, BLUE2.v4);
    for port in [1111, 2222, 3333] {
        let datagram = udp(ip.source, ip.destination, (port, 80), &[0x55; 72]);
        let flows = [
            flow(&ip.clone().fragment(0, true).carrying(UDP, &datagram[..32])),
            flow(
                &ip.clone()
                    .fragment(4, true)
                    .carrying(UDP, &datagram[32..64]),
            ),
            flow(&ip.clone().fragment(8, false).carrying(UDP, &datagram[64..])),
        ];
        assert_eq!(flows, [flows[0]; 3], "source port {port}");
    }
}

/// The first fragment shows what lies behind the destination options, later ones do not.
#[test]
fn n04_fragments_of_ipv6_have_one_flow_id_whatever_follows_the_fragment_header() {
    const FRAGMENT: u8 = 44;
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    let ip = Ip::new(BLUE1.v6, BLUE2.v6);
    let options = [UDP, 0, 1, 4, 0, 0, 0, 0];
    let datagram = udp(ip.source, ip.destination, (1111, 80), &[0x55; 24]);
    for (next, part) in [
        (UDP, datagram.clone()),
        (60, [&options[..], &datagram].concat()),
    ] {
        let fragments = [(0u16, true, &part[..16]), (2, false, &part[16..])];
        let flows = fragments.map(|(offset, more, bytes)| {
            let word = (offset << 3 | u16::from(more)).to_be_bytes();
            let header = [next, 0, word[0], word[1], 0, 0, 0, 9];
            let packet = ip.carrying(FRAGMENT, &[&header[..], bytes].concat());
            read_nvgre(
                host.send(0, &ip_frame(BLUE2.mac, BLUE1.mac, &packet))
                    .uplink(),
            )
            .flow
        });
        assert_eq!(flows[0], flows[1], "next header {next}");
    }
}

/// An atomic fragment (RFC 6946) is a whole datagram: its flow is that of its ports.
#[test]
fn n04_an_atomic_fragment_has_the_flow_id_of_its_flow() {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    let ip = Ip::new(BLUE1.v6, BLUE2.v6);
    let datagram = udp(ip.source, ip.destination, (1111, 80), b"whole");
    let atomic = [&[UDP, 0, 0, 0, 0, 0, 0, 9][..], &datagram].concat();
    let [whole, atomic] = [ip.carrying(UDP, &datagram), ip.carrying(44, &atomic)]
        .map(|packet| ip_frame(BLUE2.mac, BLUE1.mac, &packet))
        .map(|frame| read_nvgre(host.send(0, &frame).uplink()).flow);
    assert_eq!(whole, atomic);
}

#[test]
fn n05_switched_off_flow_ids_are_zero_for_every_kind_of_frame() {
    for carriage in Carriage::ENCAP {
        let mut host = Host::new(sample_policy(carriage, 0));
        host.edit(|policy| policy.settings.flow_id = false);
        for (name, frame) in frames_of_all_kinds(BLUE1, BLUE2) {
            let sent = host.send(0, &frame);
            assert_eq!(read_nvgre(sent.uplink()).flow, 0, "{name}\n{sent}");
            if let NetSlice::Ipv6(ip) = sliced(sent.uplink()).net.expect("IP") {
                assert_eq!(ip.header().flow_label().value(), 0, "{name}");
            }
        }
        let broadcast = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]);
        let sent = host.send(0, &broadcast);
        let copy = sent.uplinks().next().expect("a copy for host 1");
        assert_eq!(read_nvgre(copy).flow, 0, "{sent}");
    }
}
