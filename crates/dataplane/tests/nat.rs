//! IP rewrite (TranslationMethodNat): what must change in a packet under a new pair of addresses,
//! what must not, and what is refused. Expected packets are built anew with the other addresses.

mod common;

use std::net::IpAddr;

use common::*;
use nvgre_dataplane::DropReason;

#[test]
fn the_tcp_vector_of_the_field_notes() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        for record in &mut policy.records {
            for guest in [BLUE1, BLUE2] {
                if record.id == guest.record_id(true) {
                    record.provider_address = host_v4(guest.host);
                }
            }
        }
    });
    for host in 0..2 {
        let address = host_address(host_v4(host), host);
        world.hosts[host].edit(|policy| policy.provider_addresses.push(address));
    }
    let packet = Ip::new(BLUE1.v4, BLUE2.v4).dont_fragment();
    let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet.tcp((49_152, 80), b""));
    assert_eq!(frame[24..26], [0xe6, 0xc3], "the vector's IP checksum");
    assert_eq!(frame[50..52], [0xdb, 0x85], "the vector's TCP checksum");
    let journey = world.guest_sends(BLUE1, &frame);
    let wire = journey.sent.uplink();
    assert_eq!(wire[24..26], [0x71, 0x5d], "{journey}");
    assert_eq!(wire[50..52], [0x66, 0x1f], "{journey}");
    assert_checksums(wire);
    journey.assert_only(BLUE2, &frame);
}

#[test]
fn tcp_and_udp_checksums_follow_the_addresses() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        travels(&mut world, ipv4, |s, d| {
            Ip::new(s, d).tcp((49_152, 80), b"GET /")
        });
        travels(&mut world, ipv4, |s, d| {
            Ip::new(s, d).udp((1000, 2000), b"datagram")
        });
        travels(&mut world, ipv4, |s, d| {
            Ip::new(s, d).udp((1000, 2000), b"odd")
        });
    }
}

#[test]
fn udp_lite_and_dccp_checksums_follow_the_addresses() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        for protocol in [UDP_LITE, DCCP] {
            travels(&mut world, ipv4, |s, d| {
                Ip::new(s, d).carrying(protocol, &checksummed(protocol, s, d, 7))
            });
        }
    }
}

#[test]
fn a_udp_datagram_without_checksum_stays_without() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        travels(&mut world, ipv4, |s, d| {
            Ip::new(s, d).carrying(UDP, &[3, 232, 7, 208, 0, 10, 0, 0, 1, 2])
        });
    }
}

/// RFC 768 and RFC 3828 s3.1: a checksum of 0 is sent as all ones. TCP and DCCP have no such rule.
#[test]
fn a_udp_checksum_that_becomes_zero_is_sent_as_all_ones() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        let (s, d) = (pa_of(BLUE1, ipv4), pa_of(BLUE2, ipv4));
        for (protocol, expected) in [
            (UDP, [0xff, 0xff]),
            (UDP_LITE, [0xff, 0xff]),
            (DCCP, [0, 0]),
        ] {
            // With this last word the checksum under provider addresses is 0.
            let zero = checksummed(protocol, s, d, 0);
            let last = u16::from_be_bytes([zero[6], zero[7]]);
            let build = |s, d| Ip::new(s, d).carrying(protocol, &checksummed(protocol, s, d, last));
            travels(&mut world, ipv4, build);
            let at = if ipv4 { 26 } else { 46 };
            assert_eq!(build(s, d)[at..at + 2], expected);
        }
    }
}

/// The arithmetic of the vector: ports 1000 to 2000, payload 6AB0, 0x7566 becomes 0x0000.
#[test]
fn the_udp_vector_of_the_field_notes() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        for record in &mut policy.records {
            for guest in [BLUE1, BLUE2] {
                if record.id == guest.record_id(true) {
                    record.provider_address = host_v4(guest.host);
                }
            }
        }
    });
    for host in 0..2 {
        let address = host_address(host_v4(host), host);
        world.hosts[host].edit(|policy| policy.provider_addresses.push(address));
    }
    let packet = Ip::new(BLUE1.v4, BLUE2.v4).udp((1000, 2000), &[0x6a, 0xb0]);
    assert_eq!(packet[26..28], [0x75, 0x66], "the vector's checksum");
    let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
    let journey = world.guest_sends(BLUE1, &frame);
    assert_eq!(journey.sent.uplink()[40..42], [0xff, 0xff], "{journey}");
    journey.assert_only(BLUE2, &frame);
}

#[test]
fn icmp_queries_are_untouched_and_icmpv6_covers_the_addresses() {
    let mut world = sample(Carriage::Nat);
    travels(&mut world, true, |s, d| Ip::new(s, d).echo(b"ping"));
    travels(&mut world, false, |s, d| Ip::new(s, d).echo(b"ping"));
    travels(&mut world, true, |s, d| {
        Ip::new(s, d).icmp(
            13,
            0,
            &[0, 1, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
            ICMP,
        )
    });
}

#[test]
fn sctp_and_esp_do_not_cover_addresses_and_only_the_ip_header_changes() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        for protocol in [SCTP, ESP, GRE, 4, 253] {
            travels(&mut world, ipv4, |s, d| {
                Ip::new(s, d).carrying(protocol, &[0xab; 24])
            });
        }
    }
}

#[test]
fn ah_covers_addresses_with_a_key_and_is_refused() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        let ah = [
            UDP, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
        ];
        refused(&mut world, ipv4, DropReason::NatUnsupported, |s, d| {
            Ip::new(s, d).carrying(AH, &ah)
        });
    }
}

#[test]
fn source_routes_are_refused_and_other_options_travel() {
    let mut world = sample(Carriage::Nat);
    for kind in [131, 137] {
        refused(&mut world, true, DropReason::NatUnsupported, |s, d| {
            Ip {
                options: vec![1, kind, 7, 4, 10, 0, 0, 9],
                ..Ip::new(s, d)
            }
            .udp((1, 2), b"x")
        });
    }
    // Router alert (RFC 2113).
    travels(&mut world, true, |s, d| {
        Ip {
            options: vec![148, 4, 0, 0],
            ..Ip::new(s, d)
        }
        .udp((1, 2), b"x")
    });
}

#[test]
fn routing_headers_and_home_addresses_are_refused_and_other_extensions_travel() {
    let mut world = sample(Carriage::Nat);
    let with = |kind: u8, extension: [u8; 24]| {
        move |s: IpAddr, d: IpAddr| {
            let upper = udp(s, d, (1, 2), b"x");
            Ip::new(s, d).carrying(kind, &[&extension[..], &upper].concat())
        }
    };
    // Type 0 with one address to go; type 2; both RFC 8200 s4.4.
    for kind in [0, 2] {
        let mut routing = [0; 24];
        routing[..4].copy_from_slice(&[UDP, 2, kind, 1]);
        refused(
            &mut world,
            false,
            DropReason::NatUnsupported,
            with(43, routing),
        );
    }
    // Home address destination option, RFC 6275 s6.3.
    let mut home = [0; 24];
    home[..6].copy_from_slice(&[UDP, 2, 1, 2, 0, 0]);
    home[6..8].copy_from_slice(&[201, 16]);
    refused(
        &mut world,
        false,
        DropReason::NatUnsupported,
        with(60, home),
    );
    // Padding in destination and hop-by-hop options.
    for kind in [0, 60] {
        let mut padding = [0; 24];
        padding[..4].copy_from_slice(&[UDP, 2, 1, 20]);
        travels(&mut world, false, with(kind, padding));
    }
}

/// The checksum of the first fragment covers the whole datagram, and changes by the addresses only.
#[test]
fn the_first_fragment_gets_the_new_checksum_and_later_ones_only_addresses() {
    let mut world = sample(Carriage::Nat);
    let cut = 16;
    travels(&mut world, true, |s, d| {
        let whole = udp(s, d, (1000, 2000), &[5; 40]);
        Ip::new(s, d).fragment(0, true).carrying(UDP, &whole[..cut])
    });
    travels(&mut world, true, |s, d| {
        let whole = udp(s, d, (1000, 2000), &[5; 40]);
        Ip::new(s, d)
            .fragment(2, false)
            .carrying(UDP, &whole[cut..])
    });
    let fragment = |offset: u16, more: u8, s: IpAddr, d: IpAddr, range: std::ops::Range<usize>| {
        let whole = udp(s, d, (1000, 2000), &[5; 40]);
        let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
        let header = [UDP, 0, high, low, 0, 0, 0, 7];
        Ip::new(s, d).carrying(44, &[&header, &whole[range]].concat())
    };
    travels(&mut world, false, |s, d| fragment(0, 1, s, d, 0..cut));
    travels(&mut world, false, |s, d| fragment(2, 0, s, d, cut..48));
    // An atomic fragment is a first one (RFC 6946).
    travels(&mut world, false, |s, d| fragment(0, 0, s, d, 0..48));
}

#[test]
fn a_first_fragment_that_ends_before_the_checksum_is_refused() {
    let mut world = sample(Carriage::Nat);
    for (protocol, len) in [(TCP, 17), (UDP, 7), (ICMP, 7), (DCCP, 4)] {
        refused(&mut world, true, DropReason::FragTooSmall, |s, d| {
            Ip::new(s, d)
                .fragment(0, true)
                .carrying(protocol, &vec![3; len])
        });
    }
    for (protocol, len) in [(TCP, 17), (UDP, 7), (ICMPV6, 7)] {
        refused(&mut world, false, DropReason::FragTooSmall, |s, d| {
            let header = [protocol, 0, 0, 1, 0, 0, 0, 7];
            Ip::new(s, d).carrying(44, &[&header[..], &vec![128; len]].concat())
        });
    }
    // Later fragments have no checksum to update, however short they are.
    travels(&mut world, true, |s, d| {
        Ip::new(s, d).fragment(9, false).carrying(TCP, &[3])
    });
}

/// Difference of two 16-bit words in ones' complement, 0xffff as 0.
fn delta(a: [u8; 2], b: [u8; 2]) -> u16 {
    let (a, b) = (
        u32::from(u16::from_be_bytes(a)),
        u32::from(u16::from_be_bytes(b)),
    );
    ((a + 0xffff - b) % 0xffff) as u16
}

#[test]
fn a_wrong_checksum_stays_wrong_by_as_much() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        let ip_len = if ipv4 { 20 } else { 40 };
        for (protocol, at) in [(TCP, 16), (UDP, 6), (UDP_LITE, 6), (ICMPV6, 2)] {
            if protocol == ICMPV6 && ipv4 {
                continue;
            }
            let at = ip_len + at;
            let right = |s, d| match protocol {
                TCP => Ip::new(s, d).tcp((1, 2), b"data"),
                UDP => Ip::new(s, d).udp((1, 2), b"data"),
                UDP_LITE => Ip::new(s, d).carrying(UDP_LITE, &checksummed(UDP_LITE, s, d, 7)),
                _icmpv6 => Ip::new(s, d).echo(b"data"),
            };
            let mut frame = sent(ipv4, right);
            frame[14 + at] ^= 0x55;
            let journey = world.guest_sends(BLUE1, &frame);
            let wire = &journey.sent.uplink()[14..];
            let should = right(pa_of(BLUE1, ipv4), pa_of(BLUE2, ipv4));
            let was = right(BLUE1.ip(ipv4), BLUE2.ip(ipv4));
            let word = |bytes: &[u8]| [bytes[at], bytes[at + 1]];
            assert_eq!(
                delta(word(wire), word(&should)),
                delta(word(&frame[14..]), word(&was)),
                "protocol {protocol}\n{journey}"
            );
            journey.assert_only(BLUE2, &frame);
        }
    }
}

#[test]
fn a_wrong_ip_header_checksum_stays_wrong_and_the_receiver_drops_it() {
    let mut world = sample(Carriage::Nat);
    let mut frame = sent(true, |s, d| Ip::new(s, d).udp((1, 2), b"x"));
    frame[24] ^= 1;
    let journey = world.guest_sends(BLUE1, &frame);
    assert_eq!(
        wrong_checksums(journey.sent.uplink()),
        ["ipv4"],
        "{journey}"
    );
    journey.arrival().assert_dropped(DropReason::OuterChecksum);
}

#[test]
fn a_routed_packet_loses_one_ttl_at_the_sender_and_none_at_the_receiver() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        let packet = |s, d, ttl| Ip::new(s, d).ttl(ttl).udp((1, 2), b"x");
        let frame = ip_frame(
            ROUTER,
            BLUE1.mac,
            &packet(BLUE1.ip(ipv4), BLUE_B2.ip(ipv4), 64),
        );
        let journey = world.guest_sends(BLUE1, &frame);
        let wire = packet(pa_of(BLUE1, ipv4), pa_of(BLUE_B2, ipv4), 63);
        assert_eq!(
            journey.sent.uplink(),
            ip_frame(host_mac(1), host_mac(0), &wire),
            "{journey}"
        );
        let arrived = packet(BLUE1.ip(ipv4), BLUE_B2.ip(ipv4), 63);
        journey.assert_only(BLUE_B2, &ip_frame(BLUE_B2.mac, ROUTER, &arrived));
    }
}

/// Routers of the underlay count down the tenant's own TTL: the packet itself travels.
#[test]
fn the_underlay_sees_and_changes_the_tenants_ttl() {
    let mut world = sample(Carriage::Nat);
    let packet = Ip::new(pa_of(BLUE1, true), pa_of(BLUE2, true))
        .ttl(7)
        .echo(b"");
    let outcome = world.hosts[1].receive(&ip_frame(host_mac(1), host_mac(9), &packet));
    let expected = Ip::new(BLUE1.v4, BLUE2.v4).ttl(7).echo(b"");
    outcome.assert_delivered(BLUE2.port, &ip_frame(BLUE2.mac, BLUE1.mac, &expected));
}

#[test]
fn bytes_behind_the_ip_length_do_not_reach_the_guest() {
    let mut world = sample(Carriage::Nat);
    let packet = Ip::new(pa_of(BLUE1, true), pa_of(BLUE2, true)).udp((1, 2), b"");
    let mut padded = ip_frame(host_mac(1), host_mac(0), &packet);
    padded.resize(60, 0xaa);
    let expected = Ip::new(BLUE1.v4, BLUE2.v4).udp((1, 2), b"");
    world.hosts[1]
        .receive(&padded)
        .assert_delivered(BLUE2.port, &ip_frame(BLUE2.mac, BLUE1.mac, &expected));
}

#[test]
fn neighbor_discovery_is_never_rewritten() {
    let mut world = sample(Carriage::Nat);
    for kind in 133..=137 {
        refused(&mut world, false, DropReason::NatUnsupported, |s, d| {
            Ip::new(s, d).icmp(kind, 0, &[0; 36], ICMPV6)
        });
    }
}
