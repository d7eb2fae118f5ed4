//! What a decapsulating endpoint accepts and refuses: every check, each broken alone, and their
//! order; and decapsulation as tools use it. The packets are built with etherparse.

mod common;

use common::*;
use nvgre_dataplane::{Decapsulated, DropReason, Event, Policy, Refused, Verdict};
use nvgre_wire::FlowId;

#[test]
fn a_valid_packet_is_delivered_as_it_was_sent() {
    for carriage in Carriage::ENCAP {
        for inner in [
            ping(BLUE1, BLUE2),
            ping6(BLUE1, BLUE2),
            arp_reply(BLUE1, BLUE2),
        ] {
            let mut host = receiver(carriage);
            let got = host.receive(&packet(carriage, BLUE, &inner));
            got.assert_delivered(BLUE2.port, &inner);
            let tally = host.worker.counters().tally;
            assert_eq!((tally.decapsulated, tally.gre_reserved_bits), (1, 0));
            got.assert_step(Event::KeyRead {
                virtual_subnet: vsid(BLUE),
                flow_id: FlowId(0x5a),
            });
        }
    }
}

/// The sample packet of the reference, computed by hand: ID 0xBEEF, FlowID 0x5A.
#[test]
fn the_hand_computed_packet_is_taken_apart() {
    let outer = "00155daa000200155daa00010800\
                 4500004ebeef4000402ff21fc0a8040bc0a80416\
                 200065580013895a";
    let mut bytes: Vec<u8> = (0..outer.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&outer[at..at + 2], 16).expect("hex"))
        .collect();
    bytes.extend(ping(BLUE1, BLUE2));
    assert_eq!(bytes.len(), 92);
    receiver(Carriage::EncapV4)
        .receive(&bytes)
        .assert_delivered(BLUE2.port, &ping(BLUE1, BLUE2));
}

#[test]
fn one_changed_byte_and_the_packet_is_dropped_for_its_own_reason() {
    let valid = blue_ping();
    for (name, at, value, reason) in [
        ("another MAC", 5, 0x09, DropReason::OuterNotOurs),
        ("IHL 4", 14, 0x44, DropReason::OuterLength),
        ("CE over Not-ECT", 15, 0x03, DropReason::EcnCeOnNotEct),
        ("a longer total length", 17, 0x4f, DropReason::OuterLength),
        (
            "a total length below the header",
            17,
            0x13,
            DropReason::OuterLength,
        ),
        ("7 bytes of GRE", 17, 20 + 7, DropReason::GreShort),
        ("no inner frame", 17, 20 + 8, DropReason::InnerShort),
        (
            "13 bytes of inner frame",
            17,
            20 + 8 + 13,
            DropReason::InnerShort,
        ),
        ("more fragments", 20, 0x20, DropReason::OuterFragment),
        ("a later fragment", 21, 0x01, DropReason::OuterFragment),
        ("a stranger's address", 29, 0x0c, DropReason::UnknownPeer),
        ("C bit", 34, 0xa0, DropReason::GreChecksumBit),
        ("R bit", 34, 0x60, DropReason::GreRoutingBit),
        ("S bit", 34, 0x30, DropReason::GreSequenceBit),
        (
            "bit 4, strict source route",
            34,
            0x28,
            DropReason::GreRoutingBit,
        ),
        (
            "bit 5, recursion control",
            34,
            0x24,
            DropReason::GreRoutingBit,
        ),
        ("no key", 34, 0x00, DropReason::GreKeyAbsent),
        ("version 1", 35, 0x01, DropReason::GreVersion),
        ("version 7", 35, 0x07, DropReason::GreVersion),
        ("another protocol type", 37, 0x59, DropReason::GreProtocol),
        ("a subnet nobody knows", 38, 0x01, DropReason::UnknownVsid),
        ("a reserved subnet", 39, 0x00, DropReason::ReservedVsid),
        ("the next subnet but one", 40, 0x8b, DropReason::UnknownVsid),
        ("another inner destination", 47, 0x09, DropReason::NoPort),
        (
            "a group as inner source",
            48,
            0x07,
            DropReason::InnerSourceGroup,
        ),
        (
            "a sender of another host",
            85 - 14,
            0x07,
            DropReason::PeerNotSource,
        ),
    ] {
        let changed = with_byte(&valid, at, value);
        let mut host = receiver(Carriage::EncapV4);
        let got = host.receive(&changed);
        assert!(
            got.verdict == Verdict::Drop(reason),
            "{name}: expected {reason}\n{got}"
        );
        got.assert_dropped(reason);
        assert_eq!(host.drops(reason), 1, "{name}");
    }
}

#[test]
fn the_outer_checksum_is_verified() {
    for at in [15, 18, 22, 24, 25, 30] {
        let mut packet = blue_ping();
        packet[at] ^= 0x10;
        receiver(Carriage::EncapV4)
            .receive(&packet)
            .assert_dropped(DropReason::OuterChecksum);
    }
}

#[test]
fn inner_tags_are_refused_whole_or_cut() {
    let inner = ping(BLUE1, BLUE2);
    for (tpid, tci) in [
        (0x8100, 100),
        (0x8100, 0xa000),
        (0x88a8, 100),
        (0x9100, 100),
    ] {
        for carriage in Carriage::ENCAP {
            let packet = packet(carriage, BLUE, &tagged(&inner, tpid, tci));
            receiver(carriage)
                .receive(&packet)
                .assert_dropped(DropReason::InnerVlan);
        }
    }
    // N-15 asks for the EtherType; whether the tag behind it is whole does not matter.
    let cut = packet(Carriage::EncapV4, BLUE, &tagged(&inner, 0x8100, 100)[..16]);
    receiver(Carriage::EncapV4)
        .receive(&cut)
        .assert_dropped(DropReason::InnerVlan);
}

/// N-16, N-17: the key's reserved values are refused before any table is asked. N-18: none is ever sent
/// either, since a record cannot have one.
#[test]
fn reserved_subnets_are_refused_whatever_the_flow_id() {
    for subnet in [0, 1, 4_095, 16_777_215] {
        for carriage in Carriage::ENCAP {
            let packet = packet(carriage, subnet, &ping(BLUE1, BLUE2));
            receiver(carriage)
                .receive(&packet)
                .assert_dropped(DropReason::ReservedVsid);
        }
    }
}

/// G-09: one subnet legally appears with 256 keys.
#[test]
fn every_flow_id_is_accepted() {
    let mut host = receiver(Carriage::EncapV4);
    for flow in 0..=255 {
        let packet = with_flow(&blue_ping(), flow);
        host.receive(&packet)
            .assert_delivered(BLUE2.port, &ping(BLUE1, BLUE2));
    }
}

fn with_flow(packet: &[u8], flow: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[41] = flow;
    packet
}

/// Bits 6 to 12 (RFC 2784 s2.3).
#[test]
fn g03_reserved_bits_are_ignored_and_counted_or_refused_by_a_strict_endpoint() {
    for (at, value) in [
        (34, 0x22),
        (34, 0x21),
        (35, 0x80),
        (35, 0x40),
        (35, 0x20),
        (35, 0x10),
        (35, 0x08),
    ] {
        let packet = with_byte(&blue_ping(), at, value);
        let mut lenient = receiver(Carriage::EncapV4);
        lenient
            .receive(&packet)
            .assert_delivered(BLUE2.port, &ping(BLUE1, BLUE2));
        assert_eq!(lenient.worker.counters().tally.gre_reserved_bits, 1);
        let mut strict = receiver_with(Carriage::EncapV4, |policy| {
            policy.settings.strict_gre_reserved_bits = true;
        });
        strict
            .receive(&packet)
            .assert_dropped(DropReason::GreReservedBits);
        assert_eq!(strict.worker.counters().tally.gre_reserved_bits, 0);
    }
}

/// What can be wrong with one packet at once, in the order in which it is looked at.
const ORDER: [DropReason; 18] = [
    DropReason::OuterNotOurs,
    DropReason::OuterLength,
    DropReason::OuterChecksum,
    DropReason::OuterVlan,
    DropReason::OuterFragment,
    DropReason::GreVersion,
    DropReason::GreChecksumBit,
    DropReason::GreRoutingBit,
    DropReason::GreSequenceBit,
    DropReason::GreKeyAbsent,
    DropReason::GreReservedBits,
    DropReason::GreProtocol,
    DropReason::UnknownPeer,
    DropReason::InnerVlan,
    DropReason::InnerSourceGroup,
    DropReason::PeerNotSource,
    DropReason::EcnCeOnNotEct,
    DropReason::NoPort,
];

/// A packet with all of these wrong.
fn broken(reasons: &[DropReason]) -> Vec<u8> {
    let has = |reason| reasons.contains(&reason);
    let mut inner = ping(BLUE1, BLUE2);
    if has(DropReason::NoPort) {
        inner[5] = 0x77;
    }
    if has(DropReason::InnerSourceGroup) {
        inner[6] |= 1;
    }
    if has(DropReason::PeerNotSource) {
        inner[14 + 15] = 0x07;
    }
    if has(DropReason::InnerVlan) {
        inner = tagged(&inner, 0x8100, 7);
    }
    let mut packet = packet(Carriage::EncapV4, BLUE, &inner);
    for (reason, at, bits) in [
        (DropReason::EcnCeOnNotEct, 15, 0x03),
        (DropReason::OuterFragment, 20, 0x20),
        (DropReason::GreVersion, 35, 0x01),
        (DropReason::GreChecksumBit, 34, 0x80),
        (DropReason::GreRoutingBit, 34, 0x40),
        (DropReason::GreSequenceBit, 34, 0x10),
        (DropReason::GreKeyAbsent, 34, 0x20),
        (DropReason::GreReservedBits, 35, 0x80),
        (DropReason::GreProtocol, 37, 0x01),
        (DropReason::OuterLength, 16, 0x40),
        (DropReason::OuterNotOurs, 4, 0x40),
    ] {
        if has(reason) {
            packet[at] ^= bits;
        }
    }
    if has(DropReason::UnknownPeer) {
        packet[29] = 0x63;
    }
    let mut packet = right_checksum(packet);
    if has(DropReason::OuterChecksum) {
        packet[24] ^= 0x01;
    }
    if has(DropReason::OuterVlan) {
        packet = tagged(&packet, 0x8100, 7);
    }
    packet
}

#[test]
fn of_everything_that_is_wrong_the_first_in_order_is_the_reason() {
    let strict = |policy: &mut Policy| policy.settings.strict_gre_reserved_bits = true;
    receiver_with(Carriage::EncapV4, strict)
        .receive(&broken(&[]))
        .assert_delivered(BLUE2.port, &ping(BLUE1, BLUE2));
    for (first, &reason) in ORDER.iter().enumerate() {
        receiver_with(Carriage::EncapV4, strict)
            .receive(&broken(&ORDER[first..]))
            .assert_dropped(reason);
        for &other in &ORDER[first + 1..] {
            receiver_with(Carriage::EncapV4, strict)
                .receive(&broken(&[reason, other]))
                .assert_dropped(reason);
        }
    }
}

#[test]
fn the_key_is_read_before_the_peer_is_asked() {
    // A stranger with a reserved or an unknown key.
    for (subnet, reason) in [
        (77, DropReason::ReservedVsid),
        (70_000, DropReason::UnknownVsid),
    ] {
        let packet = packet(Carriage::EncapV4, subnet, &ping(BLUE1, BLUE2));
        let packet = with_byte(&packet, 29, 0x63);
        receiver(Carriage::EncapV4)
            .receive(&packet)
            .assert_dropped(reason);
    }
}

/// The smallest NVGRE packet is 56 bytes, and Ethernet pads it to 60.
#[test]
fn bytes_behind_the_outer_ip_length_are_cut() {
    for carriage in Carriage::ENCAP {
        for inner in [
            ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[]),
            ping(BLUE1, BLUE2),
            ping6(BLUE1, BLUE2),
        ] {
            for pad in [1, 4, 46] {
                let mut packet = packet(carriage, BLUE, &inner);
                packet.extend(vec![0xfc; pad]);
                receiver(carriage)
                    .receive(&packet)
                    .assert_delivered(BLUE2.port, &inner);
                assert_eq!(tool(&packet).expect("accepted").1, inner);
            }
        }
    }
}

/// G-07 is about IP payloads. A bridged frame keeps its TTL, and DSCP never comes in.
#[test]
fn g07_decapsulation_touches_neither_ttl_nor_dscp() {
    for carriage in Carriage::ENCAP {
        for ip in [Ip::new(BLUE1.v4, BLUE2.v4), Ip::new(BLUE1.v6, BLUE2.v6)] {
            let inner = ip_frame(BLUE2.mac, BLUE1.mac, &ip.ttl(1).tos(0x28).echo(b"x"));
            let (to, from) = match carriage {
                Carriage::EncapV4 => (host_v4(1), host_v4(0)),
                _ => (host_v6(1), host_v6(0)),
            };
            // The underlay has marked the packet with DSCP 46 and spent its last TTL.
            let outer = Ip::new(from.ip(), to.ip()).ttl(0).tos(0xb8);
            let packet = nvgre_in(&outer, host_mac(1), host_mac(0), (BLUE, 1), &inner);
            receiver(carriage)
                .receive(&packet)
                .assert_delivered(BLUE2.port, &inner);
        }
    }
}

#[test]
fn the_tool_looks_behind_any_tags_and_knows_every_host_and_subnet() {
    let inner = ping(BLUE1, BLUE2);
    let strange = nvgre(
        (mac("02-00-00-00-00-01"), pa("203.0.113.1")),
        (mac("02-00-00-00-00-02"), pa("203.0.113.2")),
        (16_777_214, 0xff),
        &inner,
    );
    let stack = tagged(&tagged(&tagged(&strange, 0x8100, 1), 0x88a8, 2), 0x9100, 3);
    for packet in [&strange, &stack] {
        let (decapsulated, frame) = tool(packet).expect("accepted");
        assert_eq!(hex(&frame), hex(&inner));
        assert_eq!(
            decapsulated,
            Decapsulated {
                virtual_subnet: vsid(16_777_214),
                flow_id: FlowId(0xff),
                source: pa("203.0.113.2"),
                destination: pa("203.0.113.1"),
                reserved_bits: false,
                ecn_reported: false,
            }
        );
    }
}

#[test]
fn the_tool_takes_multicast_but_neither_broadcast_nor_no_address_as_provider_address() {
    let to = |destination: &str| {
        let to = (mac("01-00-5e-00-00-01"), pa(destination));
        tool(&nvgre(
            to,
            (host_mac(0), host_v4(0)),
            (BLUE, 0),
            &ping(BLUE1, BLUE2),
        ))
        .map(|_| ())
        .map_err(|refused| refused.reason)
    };
    assert_eq!(to("239.1.2.3"), Ok(()));
    assert_eq!(to("255.255.255.255"), Err(DropReason::OuterNotOurs));
    assert_eq!(to("0.0.0.0"), Err(DropReason::OuterNotOurs));
}

#[test]
fn the_tool_names_the_key_of_a_packet_that_is_refused_behind_it() {
    let key = Some((vsid(BLUE), FlowId(0x5a)));
    let inner = ping(BLUE1, BLUE2);
    let ecn = with_byte(&blue_ping(), 15, 0x03);
    let vlan = packet(Carriage::EncapV4, BLUE, &tagged(&inner, 0x8100, 1));
    let short = packet(Carriage::EncapV4, BLUE, &inner[..13]);
    for (packet, reason) in [
        (ecn, DropReason::EcnCeOnNotEct),
        (vlan, DropReason::InnerVlan),
        (short, DropReason::InnerShort),
    ] {
        assert_eq!(tool(&packet).map(|_| ()), Err(Refused { reason, key }));
    }
    let reserved = packet(Carriage::EncapV4, 77, &inner);
    assert_eq!(
        tool(&reserved).map(|_| ()),
        Err(keyless(DropReason::ReservedVsid))
    );
}

#[test]
fn the_tool_calls_everything_without_gre_not_nvgre() {
    let ip = Ip::new(host_v4(0).ip(), host_v4(1).ip());
    for frame in [
        ping(BLUE1, BLUE2),
        ping6(BLUE1, BLUE2),
        arp_reply(BLUE1, BLUE2),
        ip_frame(
            host_mac(1),
            host_mac(0),
            &ip.udp((4_754, 4_754), &[0x20, 0, 0x65, 0x58]),
        ),
    ] {
        assert_eq!(tool(&frame).map(|_| ()), Err(keyless(DropReason::NotNvgre)));
    }
}

#[test]
fn a_frame_cut_anywhere_is_refused_and_never_read_beyond() {
    for carriage in Carriage::ENCAP {
        let whole = packet(carriage, BLUE, &ping(BLUE1, BLUE2));
        for len in 0..whole.len() {
            let got = receiver(carriage).receive(&whole[..len]);
            got.assert_dropped(DropReason::OuterLength);
            assert_eq!(
                tool(&whole[..len]).map(|_| ()),
                Err(keyless(DropReason::OuterLength))
            );
        }
    }
}
