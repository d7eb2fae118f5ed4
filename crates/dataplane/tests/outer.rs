//! Which outer packets are for this host: addresses, VLAN, groups, fragments, IPv6 extension headers.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Event, Verdict};

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
            Err(keyless(DropReason::OuterFragment))
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
            Err(keyless(DropReason::OuterNotOurs))
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
