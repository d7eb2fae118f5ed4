//! What a decapsulating endpoint accepts and refuses: every check, each broken alone, and their
//! order. The packets are built with etherparse.

mod common;

use common::*;
use nvgre_dataplane::{
    AnyProvider, Decapsulated, DropReason, Event, Policy, Refused, Settings, Verdict, decapsulate,
};
use nvgre_wire::{FlowId, FrameBuf, HEADROOM, MacAddress};

/// Host 1 of the sample, which receives.
fn receiver(carriage: Carriage) -> Host {
    Host::new(sample_policy(carriage, 1))
}

fn receiver_with(carriage: Carriage, change: impl FnOnce(&mut Policy)) -> Host {
    let mut host = receiver(carriage);
    host.edit(change);
    host
}

/// From host 0 to host 1, with this key and inner frame.
fn packet(carriage: Carriage, subnet: u32, inner: &[u8]) -> Vec<u8> {
    let pa = |host| {
        if carriage == Carriage::EncapV4 {
            host_v4(host)
        } else {
            host_v6(host)
        }
    };
    nvgre(
        (host_mac(1), pa(1)),
        (host_mac(0), pa(0)),
        (subnet, 0x5a),
        inner,
    )
}

fn blue_ping() -> Vec<u8> {
    packet(Carriage::EncapV4, BLUE, &ping(BLUE1, BLUE2))
}

/// The packet with this byte, and a right outer IPv4 header checksum.
fn with_byte(packet: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    assert_ne!(packet[at], value, "byte {at} is {value:#04x} already");
    packet[at] = value;
    right_checksum(packet)
}

fn right_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    let header = &packet[14..34];
    let checksum = pnet_packet::util::checksum(header, 5);
    packet[24..26].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// Decapsulation as a tool does it.
fn tool(packet: &[u8]) -> Result<(Decapsulated, Vec<u8>), Refused> {
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(packet);
    let range = HEADROOM..memory.len();
    let mut frame = FrameBuf::new(&mut memory, range).expect("headroom");
    let decapsulated = decapsulate(&mut frame, &Settings::default(), &AnyProvider)?;
    Ok((decapsulated, frame.bytes().to_vec()))
}

#[test]
fn a_valid_packet_is_delivered_as_it_was_sent() {
    for carriage in Carriage::ENCAP {
        for inner in [
            ping(BLUE1, BLUE2),
            ping6(BLUE1, BLUE2),
            arp_reply(BLUE1, BLUE2),
        ] {
            let got = receiver(carriage).receive(&packet(carriage, BLUE, &inner));
            got.assert_delivered(BLUE2.port, &inner);
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

/// N-16, N-17: the key's reserved values are refused before any table is asked.
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

const NOT_ECT: u8 = 0b00;
const ECT_1: u8 = 0b01;
const ECT_0: u8 = 0b10;
const CE: u8 = 0b11;

/// RFC 6040 s4.2, figure 4: inner, outer, what the inner field becomes (`None`: dropped), and
/// whether it is to be reported.
const FIGURE_4: [(u8, u8, Option<u8>, bool); 16] = [
    (NOT_ECT, NOT_ECT, Some(NOT_ECT), false),
    (NOT_ECT, ECT_0, Some(NOT_ECT), true),
    (NOT_ECT, ECT_1, Some(NOT_ECT), true),
    (NOT_ECT, CE, None, false),
    (ECT_0, NOT_ECT, Some(ECT_0), false),
    (ECT_0, ECT_0, Some(ECT_0), false),
    (ECT_0, ECT_1, Some(ECT_1), false),
    (ECT_0, CE, Some(CE), false),
    (ECT_1, NOT_ECT, Some(ECT_1), false),
    (ECT_1, ECT_0, Some(ECT_1), true),
    (ECT_1, ECT_1, Some(ECT_1), false),
    (ECT_1, CE, Some(CE), false),
    (CE, NOT_ECT, Some(CE), false),
    (CE, ECT_0, Some(CE), false),
    (CE, ECT_1, Some(CE), true),
    (CE, CE, Some(CE), false),
];

#[test]
fn ecn_is_combined_as_figure_4_of_rfc_6040_says() {
    const DSCP: u8 = 0x48;
    for carriage in Carriage::ENCAP {
        for (inner, outer, result, reported) in FIGURE_4 {
            for ip in [Ip::new(BLUE1.v4, BLUE2.v4), Ip::new(BLUE1.v6, BLUE2.v6)] {
                let frame = |ecn: u8| {
                    let packet = ip.clone().tos(DSCP | ecn).udp((1, 2), b"ecn");
                    ip_frame(BLUE2.mac, BLUE1.mac, &packet)
                };
                let (to, from) = match carriage {
                    Carriage::EncapV4 => (host_v4(1), host_v4(0)),
                    _ => (host_v6(1), host_v6(0)),
                };
                let outer_ip = Ip::new(from.ip(), to.ip()).tos(outer);
                let key = (BLUE, 0);
                let packet = nvgre_in(&outer_ip, host_mac(1), host_mac(0), key, &frame(inner));
                let mut host = receiver(carriage);
                let got = host.receive(&packet);
                match result {
                    Some(ecn) => {
                        // The whole frame, with the header checksum that etherparse computes.
                        got.assert_delivered(BLUE2.port, &frame(ecn));
                        assert_checksums(&got.frame);
                    }
                    None => {
                        got.assert_dropped(DropReason::EcnCeOnNotEct);
                    }
                }
                let tally = host.worker.counters().tally;
                assert_eq!(
                    tally.ecn_reported,
                    u64::from(reported),
                    "{inner} {outer}\n{got}"
                );
                assert_eq!(tally.decapsulated, u64::from(result.is_some()), "{got}");
            }
        }
    }
}

/// The field is updated, not repaired: a receiver still sees what was damaged before.
#[test]
fn a_wrong_inner_checksum_stays_wrong_when_ecn_changes() {
    let ip = Ip::new(BLUE1.v4, BLUE2.v4);
    let mut inner = ip_frame(
        BLUE2.mac,
        BLUE1.mac,
        &ip.clone().tos(ECT_0).udp((1, 2), b"ecn"),
    );
    let mut expected = ip_frame(BLUE2.mac, BLUE1.mac, &ip.tos(CE).udp((1, 2), b"ecn"));
    // The same error, a TTL that the checksum does not know, in what goes in and what comes out.
    inner[22] ^= 0x10;
    expected[22] ^= 0x10;
    let outer = Ip::new(host_v4(0).ip(), host_v4(1).ip()).tos(CE);
    let packet = nvgre_in(&outer, host_mac(1), host_mac(0), (BLUE, 0), &inner);
    let got = receiver(Carriage::EncapV4).receive(&packet);
    got.assert_delivered(BLUE2.port, &expected);
    assert_eq!(wrong_checksums(&got.frame), ["ipv4"]);
}

#[test]
fn a_congestion_mark_on_what_is_not_ip_is_of_no_account() {
    let inner = ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[0; 46]);
    let outer = Ip::new(host_v4(0).ip(), host_v4(1).ip()).tos(CE);
    let packet = nvgre_in(&outer, host_mac(1), host_mac(0), (BLUE, 0), &inner);
    receiver(Carriage::EncapV4)
        .receive(&packet)
        .assert_delivered(BLUE2.port, &inner);
}

/// N-23: fragments may be discarded, and a later one is no GRE header to look at.
#[test]
fn n23_fragments_are_dropped_wherever_they_lie_in_the_datagram() {
    let inner = ping(BLUE1, BLUE2);
    let outer = Ip::new(host_v4(0).ip(), host_v4(1).ip());
    for (offset, more) in [(0, true), (2, true), (2, false), (8_191, false)] {
        let outer = outer.clone().fragment(offset, more);
        let packet = nvgre_in(&outer, host_mac(1), host_mac(0), (BLUE, 0), &inner);
        let got = receiver(Carriage::EncapV4).receive(&packet);
        got.assert_dropped(DropReason::OuterFragment);
        let key_read = got.trace.iter().any(|e| matches!(e, Event::KeyRead { .. }));
        assert!(!key_read, "{got}");
        assert_eq!(
            tool(&packet).map(|_| ()),
            Err(refused(DropReason::OuterFragment))
        );
    }
    for (word, expected) in [
        ([0, 1], DropReason::OuterFragment),
        ([0, 16], DropReason::OuterFragment),
        ([0, 17], DropReason::OuterFragment),
    ] {
        let packet = v6_packet(&[(44, &[0, 0, word[0], word[1], 0, 0, 0, 1])]);
        receiver(Carriage::EncapV6)
            .receive(&packet)
            .assert_dropped(expected);
    }
}

fn refused(reason: DropReason) -> Refused {
    Refused { reason, key: None }
}

/// [`ping`] in NVGRE over IPv6 with these extension headers: number, and bytes whose first is
/// replaced by the number of the next one.
fn v6_packet(extensions: &[(u8, &[u8])]) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut numbers = extensions.iter().map(|(number, _)| *number).chain([GRE]);
    let first = numbers.next().expect("GRE at least");
    for ((_, bytes), next) in extensions.iter().zip(numbers) {
        payload.push(next);
        payload.extend_from_slice(&bytes[1..]);
    }
    payload.extend_from_slice(&[0x20, 0, 0x65, 0x58, 0, 0x13, 0x89, 0x5a]);
    payload.extend(ping(BLUE1, BLUE2));
    let outer = Ip::new(host_v6(0).ip(), host_v6(1).ip()).ttl(64);
    ip_frame(host_mac(1), host_mac(0), &outer.carrying(first, &payload))
}

const PADDING: [u8; 8] = [0, 0, 1, 4, 0, 0, 0, 0];
const LONG_PADDING: [u8; 16] = [0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const ROUTE_AT_ITS_END: [u8; 8] = [0, 0, 4, 0, 0, 0, 0, 0];
const ATOMIC: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 7];

/// G-13 (RFC 7676 s4.1): GRE is what the last extension header says.
#[test]
fn g13_gre_is_found_behind_ipv6_extension_headers() {
    for (name, extensions) in [
        ("none", &[][..]),
        ("hop by hop", &[(0, &PADDING[..])]),
        ("destination options", &[(60, &LONG_PADDING[..])]),
        (
            "a routing header that is done",
            &[(43, &ROUTE_AT_ITS_END[..])],
        ),
        ("an atomic fragment, RFC 6946", &[(44, &ATOMIC[..])]),
        (
            "all of them",
            &[
                (0, &PADDING[..]),
                (60, &PADDING[..]),
                (43, &ROUTE_AT_ITS_END[..]),
                (44, &ATOMIC[..]),
                (60, &LONG_PADDING[..]),
            ],
        ),
    ] {
        let packet = v6_packet(extensions);
        let got = receiver(Carriage::EncapV6).receive(&packet);
        assert!(
            got.verdict == Verdict::Deliver(nvgre_dataplane::PortId(0)),
            "{name}\n{got}"
        );
        got.assert_delivered(BLUE2.port, &ping(BLUE1, BLUE2));
        assert!(tool(&packet).is_ok(), "{name}");
    }
}

/// RFC 5095: nothing is sent on for somebody else, and the address is not the last one.
#[test]
fn a_routing_header_with_segments_left_is_not_for_this_host() {
    for kind in [0, 2, 4] {
        let header = [
            0, 2, kind, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        ];
        let packet = v6_packet(&[(43, &header)]);
        receiver(Carriage::EncapV6)
            .receive(&packet)
            .assert_dropped(DropReason::OuterNotOurs);
        assert_eq!(
            tool(&packet).map(|_| ()),
            Err(refused(DropReason::OuterNotOurs))
        );
    }
}

#[test]
fn extension_headers_that_pass_the_end_of_the_packet_are_a_length_error() {
    let packet = v6_packet(&[(60, &[0, 200, 1, 4, 0, 0, 0, 0])]);
    receiver(Carriage::EncapV6)
        .receive(&packet)
        .assert_dropped(DropReason::OuterLength);
}

#[test]
fn a_packet_for_no_provider_address_of_this_host_is_not_ours() {
    let valid = blue_ping();
    // The MAC of another station, and ours with the address of another host: a wrong neighbor entry.
    for packet in [with_byte(&valid, 5, 0x63), with_byte(&valid, 33, 0x63)] {
        receiver(Carriage::EncapV4)
            .receive(&packet)
            .assert_dropped(DropReason::OuterNotOurs);
    }
}

#[test]
fn what_is_not_gre_is_the_hosts_own() {
    let ip = Ip::new(host_v4(0).ip(), host_v4(1).ip());
    for packet in [
        ip.udp((4_754, 4_754), b"GRE in UDP"),
        ip.tcp((49_152, 22), b""),
        ip.echo(b"are you there"),
    ] {
        receiver(Carriage::EncapV4)
            .receive(&ip_frame(host_mac(1), host_mac(0), &packet))
            .assert_verdict(Verdict::Consumed);
    }
}

#[test]
fn the_outer_tag_is_the_provider_addresses_vlan_id() {
    let untagged = blue_ping();
    let vlan_7 = tagged(&untagged, 0x8100, 7);
    let two = tagged(&vlan_7, 0x88a8, 7);
    let priority = tagged(&untagged, 0x8100, 0xa000);
    for (name, vlan_id, packet, accepted) in [
        ("none, none", None, &untagged, true),
        ("none, a tag", None, &vlan_7, false),
        ("none, a priority tag", None, &priority, true),
        ("7, the tag", Some(7), &vlan_7, true),
        ("7, none", Some(7), &untagged, false),
        ("7, a priority tag", Some(7), &priority, false),
        ("8, tag 7", Some(8), &vlan_7, false),
        ("7, two tags", Some(7), &two, false),
    ] {
        let mut host = receiver_with(Carriage::EncapV4, |policy| {
            policy.provider_addresses[0].vlan = vlan_id.and_then(vlan);
        });
        let got = host.receive(packet);
        let expected = if accepted {
            Verdict::Deliver(nvgre_dataplane::PortId(BLUE2.port))
        } else {
            Verdict::Drop(DropReason::OuterVlan)
        };
        assert!(
            got.verdict == expected,
            "{name}: expected {expected:?}\n{got}"
        );
        if accepted {
            assert_eq!(got.frame, ping(BLUE1, BLUE2), "{name}");
        }
    }
}

/// The key names the destination's subnet, so the sender may own nothing in it.
#[test]
fn a_peer_of_the_routing_domain_may_send_to_any_of_its_subnets() {
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        policy.records.retain(|r| r.mac != BLUE_B1.mac);
    });
    let inner = ip_frame(
        BLUE_B2.mac,
        ROUTER,
        &Ip::new(BLUE1.v4, BLUE_B2.v4).echo(b"routed"),
    );
    host.receive(&packet(Carriage::EncapV4, BLUE_B, &inner))
        .assert_delivered(BLUE_B2.port, &inner);
}

#[test]
fn a_peer_of_another_routing_domain_is_unknown() {
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        // Host 0 now has guests of Red only.
        policy
            .records
            .retain(|r| r.virtual_subnet == vsid(RED) || r.provider_address != host_v4(0));
    });
    let blue = blue_ping();
    host.receive(&blue).assert_dropped(DropReason::UnknownPeer);
    let red = ping(RED1, RED2);
    host.receive(&packet(Carriage::EncapV4, RED, &red))
        .assert_delivered(RED2.port, &red);
}

#[test]
fn a_subnet_without_customer_route_is_unknown_though_it_has_records() {
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        policy
            .customer_routes
            .retain(|r| r.virtual_subnet != vsid(BLUE));
    });
    host.receive(&blue_ping())
        .assert_dropped(DropReason::UnknownVsid);
}

#[test]
fn an_address_with_a_record_may_come_from_that_records_host_only() {
    // Blue 2 itself lives on host 1: host 0 cannot have sent this.
    for inner in [
        ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(BLUE2.v4, BLUE2.v4).echo(b"forged"),
        ),
        ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(BLUE2.v6, BLUE2.v6).echo(b"forged"),
        ),
        arp(BLUE2.mac, 2, (BLUE1.mac, BLUE2.v4), (BLUE2.mac, BLUE2.v4)),
    ] {
        let got = receiver(Carriage::EncapV4).receive(&packet(Carriage::EncapV4, BLUE, &inner));
        got.assert_dropped(DropReason::PeerNotSource);
        got.assert_step(Event::PeerChecked {
            virtual_subnet: vsid(BLUE),
            source: host_v4(0),
            hit: Some(BLUE2.record_id(inner[12..14] != [0x86, 0xdd])),
        });
    }
}

#[test]
fn an_address_without_record_may_come_from_any_peer() {
    let stranger: std::net::Ipv4Addr = [10, 0, 0, 200].into();
    let inner = ip_frame(
        BLUE2.mac,
        BLUE1.mac,
        &Ip::new(stranger, BLUE2.v4).echo(b"new here"),
    );
    receiver(Carriage::EncapV4)
        .receive(&packet(Carriage::EncapV4, BLUE, &inner))
        .assert_delivered(BLUE2.port, &inner);
}

#[test]
fn the_source_of_a_routed_packet_is_looked_for_in_the_whole_routing_domain() {
    let routed = |source: Guest| {
        let packet = Ip::new(source.v4, BLUE2.v4).ttl(127).echo(b"routed");
        ip_frame(BLUE2.mac, ROUTER, &packet)
    };
    let from_host_0 = |inner: &[u8]| packet(Carriage::EncapV4, BLUE, inner);
    receiver(Carriage::EncapV4)
        .receive(&from_host_0(&routed(BLUE_B1)))
        .assert_delivered(BLUE2.port, &routed(BLUE_B1));
    // Blue B 2 runs on host 1.
    receiver(Carriage::EncapV4)
        .receive(&from_host_0(&routed(BLUE_B2)))
        .assert_dropped(DropReason::PeerNotSource);
}

#[test]
fn a_routed_source_may_be_any_of_the_domains_records_of_that_address() {
    // Blue B 2's address is in Blue too, on host 0 (V-05 warns).
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        policy.records.push(encap(
            90,
            BLUE,
            BLUE_B2.ca(true),
            mac("06-06-00-00-00-99"),
            host_v4(0),
        ));
    });
    let packet_in = ip_frame(
        BLUE2.mac,
        ROUTER,
        &Ip::new(BLUE_B2.v4, BLUE2.v4).ttl(127).echo(b"x"),
    );
    host.receive(&packet(Carriage::EncapV4, BLUE, &packet_in))
        .assert_delivered(BLUE2.port, &packet_in);
}

/// A GatewayWildcard record lets its MAC carry foreign addresses from its provider address.
#[test]
fn a_gateway_may_forward_addresses_that_are_recorded_elsewhere() {
    let gateway = mac("06-06-00-00-00-aa");
    let with_gateway_on = |pa| {
        receiver_with(Carriage::EncapV4, |policy| {
            policy
                .records
                .push(wildcard(90, BLUE, "0.0.0.0", gateway, pa));
        })
    };
    let from = |mac: MacAddress| {
        let inner = ip_frame(
            BLUE2.mac,
            mac,
            &Ip::new(BLUE2.v4, BLUE2.v4).echo(b"forwarded"),
        );
        (packet(Carriage::EncapV4, BLUE, &inner), inner)
    };
    let (from_gateway, inner) = from(gateway);
    with_gateway_on(host_v4(0))
        .receive(&from_gateway)
        .assert_delivered(BLUE2.port, &inner);
    // Not from another MAC, and not when the gateway is on another host.
    with_gateway_on(host_v4(0))
        .receive(&from(BLUE1.mac).0)
        .assert_dropped(DropReason::PeerNotSource);
    with_gateway_on(pa("192.168.4.33"))
        .receive(&from_gateway)
        .assert_dropped(DropReason::PeerNotSource);
}

#[test]
fn link_local_and_unspecified_sources_belong_to_no_record() {
    let link_local: std::net::Ipv6Addr = "fe80::5".parse().expect("an address");
    let unspecified = std::net::Ipv6Addr::UNSPECIFIED;
    let group = mac("33-33-ff-00-00-07");
    for inner in [
        ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(link_local, BLUE2.v6).echo(b"x"),
        ),
        // Duplicate address detection of an address that host 1 has.
        [
            &group.octets()[..],
            &solicitation(BLUE1.mac, unspecified, BLUE2.v6, false)[6..],
        ]
        .concat(),
    ] {
        receiver(Carriage::EncapV4)
            .receive(&packet(Carriage::EncapV4, BLUE, &inner))
            .assert_delivered(BLUE2.port, &inner);
    }
}

#[test]
fn a_group_packet_is_taken_on_the_groups_mac_only() {
    for (carriage, group, group_mac) in [
        (Carriage::EncapV4, "239.129.4.17", "01-00-5e-01-04-11"),
        (Carriage::EncapV6, "ff08::4:17", "33-33-00-04-00-17"),
    ] {
        let mut host = receiver_with(carriage, |policy| {
            policy.multicast_groups.insert(vsid(BLUE), pa(group));
            // Whatever the tag of the own address is, a group's packet has the sender's.
            policy.provider_addresses[0].vlan = vlan(7);
        });
        let inner = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]);
        let from = (host_mac(0), carriage.provider_address(BLUE1, true));
        let packet = nvgre((mac(group_mac), pa(group)), from, (BLUE, 0), &inner);
        host.receive(&packet).assert_delivered(BLUE2.port, &inner);
        host.receive(&tagged(&packet, 0x8100, 9))
            .assert_delivered(BLUE2.port, &inner);
        host.receive(&tagged(&tagged(&packet, 0x8100, 9), 0x88a8, 9))
            .assert_dropped(DropReason::OuterVlan);
        let elsewhere = nvgre((host_mac(1), pa(group)), from, (BLUE, 0), &inner);
        host.receive(&elsewhere)
            .assert_dropped(DropReason::OuterNotOurs);
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
        Err(refused(DropReason::ReservedVsid))
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
        assert_eq!(tool(&frame).map(|_| ()), Err(refused(DropReason::NotNvgre)));
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
                Err(refused(DropReason::OuterLength))
            );
        }
    }
}
