//! Frames that do not fit the underlay, and packets whose TTL is used up: who is told, what exactly,
//! and when nobody is. Expected errors are built with etherparse and pnet.

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use common::*;
use nvgre_dataplane::{DropReason, Event, Nanos, PortId, Verdict};

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// A UDP packet of Blue 1 to Blue 2, `len` bytes of IP, in its frame.
fn frame_of(ipv4: bool, len: usize) -> Vec<u8> {
    frame_to(
        BLUE2.mac,
        Ip::new(BLUE1.ip(ipv4), BLUE2.ip(ipv4)).dont_fragment(),
        len,
    )
}

fn frame_to(to: nvgre_wire::MacAddress, ip: Ip, len: usize) -> Vec<u8> {
    let headers = if ip.source.is_ipv4() { 28 } else { 48 };
    let packet = ip.udp((1_111, 2_222), &vec![0x5a; len - headers]);
    assert_eq!(packet.len(), len);
    ip_frame(to, BLUE1.mac, &packet)
}

fn host(carriage: Carriage, underlay_mtu_bytes: u16) -> Host {
    let mut host = Host::new(sample_policy(carriage, 0));
    host.edit(|policy| policy.settings.underlay_mtu_bytes = underlay_mtu_bytes);
    host
}

/// The error about a frame, as the gateway of Blue sends it to Blue 1: ICMP within 576 bytes
/// (RFC 1812 s4.3.2.3), ICMPv6 within 1,280 (RFC 4443 s2.4).
fn error_about(frame: &[u8], kind: u8, code: u8, word: u32) -> Vec<u8> {
    let packet = &frame[14..];
    let ipv4 = packet[0] >> 4 == 4;
    let (gateway, protocol, longest): (IpAddr, _, _) = if ipv4 {
        (GATEWAY_V4.into(), ICMP, 576 - 28)
    } else {
        (GATEWAY_V6.into(), ICMPV6, 1_280 - 48)
    };
    let quote = &packet[..packet.len().min(longest)];
    let mut ip = Ip::new(gateway, BLUE1.ip(ipv4)).ttl(64);
    ip.id = 0;
    let message = [&word.to_be_bytes()[..], quote].concat();
    let error = ip.icmp(kind, code, &message, protocol);
    ip_frame(BLUE1.mac, ROUTER, &error)
}

fn packet_too_big(frame: &[u8], mtu_bytes: u32) -> Vec<u8> {
    if frame[12..14] == [0x08, 0x00] {
        error_about(frame, 3, 4, mtu_bytes)
    } else {
        error_about(frame, 2, 0, mtu_bytes)
    }
}

fn time_exceeded(frame: &[u8]) -> Vec<u8> {
    let kind = if frame[12..14] == [0x08, 0x00] { 11 } else { 3 };
    error_about(frame, kind, 0, 0)
}

/// wire.md section 4: 42 bytes over IPv4, 62 over IPv6.
#[test]
fn the_largest_packet_fits_and_one_byte_more_does_not() {
    for (carriage, underlay, fits) in [
        (Carriage::EncapV4, 1_500, 1_458),
        (Carriage::EncapV4, 1_542, 1_500),
        (Carriage::EncapV4, 9_000, 8_958),
        (Carriage::EncapV6, 1_500, 1_438),
        (Carriage::EncapV6, 1_562, 1_500),
        (Carriage::EncapV6, 9_000, 8_938),
        // A rewritten packet is as long as it was.
        (Carriage::Nat, 1_500, 1_500),
        (Carriage::Nat, 9_000, 9_000),
    ] {
        for ipv4 in [true, false] {
            let mut host = host(carriage, underlay);
            let sent = host.send(0, &frame_of(ipv4, fits));
            let outer_len = sent.uplink().len() - 14;
            assert_eq!(
                outer_len,
                usize::from(underlay),
                "the underlay is filled exactly"
            );

            let too_big = frame_of(ipv4, fits + 1);
            let sent = host.send(0, &too_big);
            sent.assert_dropped(DropReason::TooBig);
            let expected = packet_too_big(&too_big, fits as u32);
            assert_eq!(hex(sent.error_to(0)), hex(&expected), "{sent}");
            assert_checksums(sent.error_to(0));
        }
    }
}

/// wire.md section 4: the outer tag does not count against an IP MTU, and the guest's is gone.
#[test]
fn vlan_tags_do_not_count() {
    let mut host = host(Carriage::EncapV4, 1_500);
    host.edit(|policy| policy.provider_addresses[0].vlan = vlan(7));
    let frame = tagged(&frame_of(true, 1_458), 0x8100, 7);
    assert_eq!(host.send(0, &frame).uplink().len(), 18 + 1_500);
    host.send(0, &tagged(&frame_of(true, 1_459), 0x8100, 7))
        .assert_dropped(DropReason::TooBig);
}

#[test]
fn a_packet_that_allows_fragments_is_dropped_without_a_word() {
    for carriage in [Carriage::EncapV4, Carriage::EncapV6, Carriage::Nat] {
        let ip = Ip::new(BLUE1.v4, BLUE2.v4);
        host(carriage, 1_500)
            .send(0, &frame_to(BLUE2.mac, ip, 1_501))
            .assert_dropped(DropReason::TooBigDfClear)
            .assert_silent();
    }
}

#[test]
fn a_frame_that_is_not_ip_is_dropped_without_a_word() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let lldp = |len| ethernet(BLUE2.mac, BLUE1.mac, LLDP, &vec![0; len]);
    host.send(0, &lldp(1_458)).assert_verdict(Verdict::Uplink);
    host.send(0, &lldp(1_459))
        .assert_dropped(DropReason::TooBig)
        .assert_silent();
}

#[test]
fn what_stays_on_the_host_may_be_any_length() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let packet = Ip::new(BLUE1.v4, BLUE3.v4).udp((1, 2), &[0; 8_000]);
    let frame = ip_frame(BLUE3.mac, BLUE1.mac, &packet);
    host.send(0, &frame).assert_delivered(BLUE3.port, &frame);
}

/// The quote is what the guest sent: its own TTL and addresses, no router's changes.
#[test]
fn a_routed_packet_is_quoted_as_it_came() {
    for ipv4 in [true, false] {
        let mut host = host(Carriage::EncapV4, 1_500);
        let ip = Ip::new(BLUE1.ip(ipv4), BLUE_B2.ip(ipv4))
            .dont_fragment()
            .ttl(9);
        let frame = frame_to(ROUTER, ip, 1_459);
        let sent = host.send(0, &frame);
        sent.assert_dropped(DropReason::TooBig);
        assert_eq!(
            hex(sent.error_to(0)),
            hex(&packet_too_big(&frame, 1_458)),
            "{sent}"
        );
    }
}

/// Bytes behind the IP length are Ethernet's, not the packet's.
#[test]
fn padding_is_not_quoted() {
    let mut host = host(Carriage::EncapV4, 100);
    let mut frame = ip_frame(
        BLUE2.mac,
        BLUE1.mac,
        &Ip::new(BLUE1.v4, BLUE2.v4)
            .dont_fragment()
            .udp((1, 2), b"short"),
    );
    let expected = packet_too_big(&frame, 58);
    frame.resize(80, 0xfc);
    let sent = host.send(0, &frame);
    sent.assert_dropped(DropReason::TooBig);
    assert_eq!(hex(sent.error_to(0)), hex(&expected), "{sent}");
}

#[test]
fn no_error_is_sent_about_an_icmp_error() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let v4 = Ip::new(BLUE1.v4, BLUE2.v4).dont_fragment();
    for kind in [3, 4, 5, 11, 12] {
        let packet = v4.icmp(kind, 0, &[0; 1_460], ICMP);
        host.send(0, &ip_frame(BLUE2.mac, BLUE1.mac, &packet))
            .assert_dropped(DropReason::TooBig)
            .assert_silent();
    }
    let v6 = Ip::new(BLUE1.v6, BLUE2.v6);
    for kind in [1, 2, 3, 4, 100, 127] {
        let packet = v6.icmp(kind, 0, &[0; 1_460], ICMPV6);
        host.send(0, &ip_frame(BLUE2.mac, BLUE1.mac, &packet))
            .assert_dropped(DropReason::TooBig)
            .assert_silent();
    }
    // Queries are no errors: a large ping learns the MTU.
    for packet in [v4.echo(&[0; 1_460]), v6.echo(&[0; 1_460])] {
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        let sent = host.send(0, &frame);
        assert_eq!(hex(sent.error_to(0)), hex(&packet_too_big(&frame, 1_458)));
    }
}

#[test]
fn only_the_first_fragment_of_a_datagram_gets_an_error() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let ip = Ip::new(BLUE1.v4, BLUE2.v4).dont_fragment();
    let fragment = |offset, more| {
        let packet = ip.clone().fragment(offset, more).carrying(UDP, &[0; 1_464]);
        ip_frame(BLUE2.mac, BLUE1.mac, &packet)
    };
    let first = host.send(0, &fragment(0, true));
    assert_eq!(first.error_to(0), packet_too_big(&fragment(0, true), 1_458));
    for later in [fragment(183, true), fragment(366, false)] {
        host.send(0, &later)
            .assert_dropped(DropReason::TooBig)
            .assert_silent();
    }
    let v6_fragment = |word: u16| {
        let [high, low] = word.to_be_bytes();
        let payload = [&[UDP, 0, high, low, 0, 0, 0, 7][..], &[0; 1_440]].concat();
        let packet = Ip::new(BLUE1.v6, BLUE2.v6).carrying(44, &payload);
        ip_frame(BLUE2.mac, BLUE1.mac, &packet)
    };
    let first = host.send(0, &v6_fragment(1));
    assert_eq!(first.error_to(0), packet_too_big(&v6_fragment(1), 1_458));
    host.send(0, &v6_fragment(8))
        .assert_dropped(DropReason::TooBig)
        .assert_silent();
}

#[test]
fn no_error_is_sent_about_a_group_destination() {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    // Without a neighbor on the host, nothing of the flood is left.
    host.edit(|policy| policy.ports.retain(|port| port.id != PortId(BLUE3.port)));
    let multicast: Ipv4Addr = [239, 1, 2, 3].into();
    let broadcast = Ipv4Addr::BROADCAST;
    let all_nodes: Ipv6Addr = "ff02::1".parse().expect("an address");
    for (to, ip) in [
        (mac("01-00-5e-01-02-03"), Ip::new(BLUE1.v4, multicast)),
        (BROADCAST, Ip::new(BLUE1.v4, broadcast)),
        (mac("33-33-00-00-00-01"), Ip::new(BLUE1.v6, all_nodes)),
        // A group address behind a station's MAC.
        (BLUE2.mac, Ip::new(BLUE1.v4, multicast)),
        (BLUE2.mac, Ip::new(BLUE1.v6, all_nodes)),
    ] {
        host.send(0, &frame_to(to, ip.dont_fragment(), 1_459))
            .assert_dropped(DropReason::TooBig)
            .assert_silent();
    }
}

#[test]
fn a_flood_that_is_too_big_to_leave_still_reaches_local_ports() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let frame = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 1_459]);
    let sent = host.send(0, &frame);
    sent.assert_delivered(BLUE3.port, &frame);
    sent.assert_step(Event::RemoteCopiesRefused(DropReason::TooBig));
    assert_eq!(host.worker.counters().tally.remote_copies_refused, 1);
}

#[test]
fn a_subnet_without_gateway_address_of_the_family_has_nobody_to_tell() {
    for ipv4 in [true, false] {
        let mut host = host(Carriage::EncapV4, 1_500);
        host.edit(|policy| {
            policy
                .customer_routes
                .retain(|route| route.next_hop.is_ipv4() != ipv4);
        });
        host.send(0, &frame_of(ipv4, 1_459))
            .assert_dropped(DropReason::TooBig)
            .assert_silent();
        let sent = host.send(0, &frame_of(!ipv4, 1_459));
        assert_eq!(
            sent.error_to(0),
            packet_too_big(&frame_of(!ipv4, 1_459), 1_458)
        );
    }
}

/// An error tells a sender what is known about its own traffic only.
#[test]
fn a_forged_source_gets_no_error() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let ip = Ip::new(BLUE3.v4, BLUE2.v4).dont_fragment();
    host.send(0, &frame_to(BLUE2.mac, ip, 1_459))
        .assert_dropped(DropReason::NoSourceRecord)
        .assert_silent();
}

#[test]
fn an_error_is_counted_and_traced() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let sent = host.send(0, &frame_of(true, 1_459));
    sent.assert_step(Event::ErrorSent { to: PortId(0) });
    let counters = host.worker.counters();
    assert_eq!(
        (counters.tally.errors_sent, counters.tally.errors_suppressed),
        (1, 0)
    );
    let port = counters.port(PortId(0));
    assert_eq!((port.sent_frames, port.sent_bytes), (1, 14 + 1_459));
    // What the host makes is in its tally alone.
    assert_eq!((port.received_frames, port.received_bytes), (0, 0));
    assert_eq!(host.drops(DropReason::TooBig), 1);
}

/// Whether an error came for each of `frames` sent now.
fn told(host: &mut Host, port: u32, frame: &[u8], count: usize) -> Vec<bool> {
    (0..count)
        .map(|_| !host.send(port, frame).generated.is_empty())
        .collect()
}

/// RFC 1812 s4.3.2.8 and RFC 4443 s2.4(f) ask for a limit: 10 a second and port, 10 at once.
#[test]
fn errors_are_limited_to_ten_a_second_and_port() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let frame = frame_of(true, 1_459);
    let first: Vec<bool> = told(&mut host, 0, &frame, 12);
    assert_eq!(first, [[true; 10].as_slice(), &[false; 2]].concat());
    assert_eq!(
        host.drops(DropReason::TooBig),
        12,
        "told or not, it is dropped"
    );
    let tally = host.worker.counters().tally;
    assert_eq!((tally.errors_sent, tally.errors_suppressed), (10, 2));

    host.now = Nanos(100 * MILLISECOND - 1);
    assert_eq!(told(&mut host, 0, &frame, 1), [false]);
    host.now = Nanos(100 * MILLISECOND);
    assert_eq!(told(&mut host, 0, &frame, 2), [true, false]);
    // A long silence saves up no more than one second's worth.
    host.now = Nanos(60 * SECOND);
    assert_eq!(
        told(&mut host, 0, &frame, 11),
        [[true; 10].as_slice(), &[false]].concat()
    );
    // Another port has its own.
    let other = [&frame[..6], &RED1.mac.octets(), &frame[12..]].concat();
    let other = [&RED2.mac.octets()[..], &other[6..]].concat();
    assert_eq!(told(&mut host, RED1.port, &other, 1), [true]);
}

#[test]
fn one_limit_holds_for_every_kind_of_error() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let expired = ip_frame(
        ROUTER,
        BLUE1.mac,
        &Ip::new(BLUE1.v4, BLUE_B2.v4).ttl(1).echo(b"x"),
    );
    assert_eq!(told(&mut host, 0, &expired, 5), [true; 5]);
    assert_eq!(told(&mut host, 0, &frame_of(false, 1_459), 5), [true; 5]);
    assert_eq!(told(&mut host, 0, &expired, 1), [false]);
    assert_eq!(told(&mut host, 0, &frame_of(true, 1_459), 1), [false]);
}

/// RFC 1812 s5.3.1: a router that gets a TTL of 1 or 0 tells the sender.
#[test]
fn a_ttl_that_ends_at_the_router_is_reported_from_the_gateway_address() {
    for ipv4 in [true, false] {
        for (to, remote) in [(BLUE_B2, true), (BLUE_B1, false)] {
            for ttl in [0, 1] {
                let ip = Ip::new(BLUE1.ip(ipv4), to.ip(ipv4)).ttl(ttl);
                let frame = ip_frame(ROUTER, BLUE1.mac, &ip.echo(b"traceroute"));
                let sent = host(Carriage::EncapV4, 1_500).send(0, &frame);
                sent.assert_dropped(DropReason::TtlExceeded);
                assert_eq!(
                    hex(sent.error_to(0)),
                    hex(&time_exceeded(&frame)),
                    "{remote} {sent}"
                );
                assert_checksums(sent.error_to(0));
            }
        }
    }
}

#[test]
fn a_long_packet_is_quoted_as_far_as_the_error_may_reach() {
    for ipv4 in [true, false] {
        let ip = Ip::new(BLUE1.ip(ipv4), BLUE_B2.ip(ipv4)).ttl(1);
        let frame = frame_to(ROUTER, ip, 1_400);
        let sent = host(Carriage::EncapV4, 1_500).send(0, &frame);
        sent.assert_dropped(DropReason::TtlExceeded);
        assert_eq!(hex(sent.error_to(0)), hex(&time_exceeded(&frame)));
        assert_eq!(sent.error_to(0).len(), 14 + if ipv4 { 576 } else { 1_280 });
    }
}

#[test]
fn a_ttl_of_two_leaves_with_one() {
    for ipv4 in [true, false] {
        let mut world = sample(Carriage::EncapV4);
        let packet = |ttl| {
            Ip::new(BLUE1.ip(ipv4), BLUE_B2.ip(ipv4))
                .ttl(ttl)
                .echo(b"last hop")
        };
        let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &packet(2)));
        // All of it but MACs and TTL is as etherparse writes it for TTL 1.
        journey.assert_only(BLUE_B2, &ip_frame(BLUE_B2.mac, ROUTER, &packet(1)));
    }
}

#[test]
fn no_error_about_the_ttl_of_errors_groups_and_later_fragments() {
    let mut host = host(Carriage::EncapV4, 1_500);
    let v4 = Ip::new(BLUE1.v4, BLUE_B2.v4).ttl(1);
    let group: Ipv4Addr = [239, 1, 2, 3].into();
    for packet in [
        v4.icmp(3, 1, &[0; 32], ICMP),
        Ip::new(BLUE1.v6, BLUE_B2.v6)
            .ttl(1)
            .icmp(1, 0, &[0; 48], ICMPV6),
        v4.clone().fragment(4, false).carrying(UDP, &[0; 32]),
        Ip::new(BLUE1.v4, group).ttl(1).udp((1, 2), b"group"),
    ] {
        host.send(0, &ip_frame(ROUTER, BLUE1.mac, &packet))
            .assert_dropped(DropReason::TtlExceeded)
            .assert_silent();
    }
}

/// RFC 1122 s3.2.2: a source that names no single host gets no error.
#[test]
fn a_sender_without_an_address_of_its_own_is_told_nothing() {
    let group: Ipv4Addr = [239, 1, 2, 3].into();
    let all_nodes: Ipv6Addr = "ff02::1".parse().expect("an address");
    let (expired, unrouted) = (DropReason::TtlExceeded, DropReason::NotRoutable);
    for (ip, reason) in [
        (Ip::new(Ipv4Addr::UNSPECIFIED, BLUE_B2.v4), unrouted),
        (Ip::new(Ipv6Addr::UNSPECIFIED, BLUE_B2.v6), unrouted),
        (Ip::new(group, BLUE_B2.v4), expired),
        (Ip::new(Ipv4Addr::BROADCAST, BLUE_B2.v4), expired),
        (Ip::new(all_nodes, BLUE_B2.v6), expired),
    ] {
        let frame = ip_frame(ROUTER, BLUE1.mac, &ip.ttl(1).udp((1, 2), b"who am I"));
        host(Carriage::EncapV4, 1_500)
            .send(0, &frame)
            .assert_dropped(reason)
            .assert_silent();
    }
    let ip = Ip::new(Ipv4Addr::UNSPECIFIED, BLUE2.v4).dont_fragment();
    host(Carriage::EncapV4, 1_500)
        .send(0, &frame_to(BLUE2.mac, ip, 1_459))
        .assert_dropped(DropReason::NoSourceRecord)
        .assert_silent();
}
