//! What an encapsulating endpoint puts on the underlay: the N and G rows of RFC 7637, RFC 2784 and
//! RFC 7676, each test named for its row. Outer headers are read with etherparse.

mod common;

use common::*;
use etherparse::{NetSlice, SlicedPacket};
use nvgre_dataplane::{DropReason, ProviderRoute, Verdict};

/// 192.168.4.11 to 192.168.4.22, VSID 5001, FlowID 0x5A, IPv4 ID 0xBEEF, an echo request of Blue 1
/// to Blue 2: 92 bytes, computed by hand.
const VECTOR: &str = "00155daa000200155daa000108004500\
                      004ebeef4000402ff21fc0a8040bc0a8\
                      0416200065580013895a060600000007\
                      06060000000508004500002400010000\
                      800126cd0a0000050a00000708006668\
                      000100016162636465666768";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|c| c.to_digit(16).expect("a hex digit") as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn sliced(packet: &[u8]) -> SlicedPacket<'_> {
    SlicedPacket::from_ethernet(packet).expect("etherparse reads the outer headers")
}

#[test]
fn the_hand_computed_packet_comes_out_byte_for_byte() {
    let mut world = sample(Carriage::EncapV4);
    let inner = bytes(VECTOR).split_off(42);
    assert_eq!(
        inner,
        ping(BLUE1, BLUE2),
        "the vector's frame is the fixture's"
    );
    let mut expected = bytes(VECTOR);
    // Atomic datagrams have ID 0 (RFC 6864). The header checksum follows: ~(~f21f + ~beef) = b10f.
    expected[18..20].copy_from_slice(&[0, 0]);
    expected[24..26].copy_from_slice(&[0xb1, 0x0f]);
    // The documented hash of (10.0.0.5, 10.0.0.7, 1, 0, 0), computed in Python.
    expected[41] = 0xc9;
    let sent = world.hosts[0].send(0, &inner);
    assert_eq!(hex(sent.uplink()), hex(&expected), "{sent}");

    expected[41] = 0;
    world.hosts[0].edit(|policy| policy.settings.flow_id = false);
    let sent = world.hosts[0].send(0, &inner);
    assert_eq!(hex(sent.uplink()), hex(&expected), "{sent}");
}

#[test]
fn n01_n02_n06_the_gre_header_is_always_8_bytes_with_key_only() {
    for carriage in Carriage::ENCAP {
        for (name, frame) in frames_of_all_kinds(BLUE1, BLUE2) {
            let sent = sample(carriage).hosts[0].send(0, &frame);
            let packet = sent.uplink();
            let gre_at = if carriage == Carriage::EncapV4 {
                34
            } else {
                54
            };
            assert_eq!(packet[gre_at..gre_at + 4], [0x20, 0, 0x65, 0x58], "{name}");
            // N-02: the key's upper 24 bits are the record's virtual subnet.
            assert_eq!(packet[gre_at + 4..gre_at + 7], [0x00, 0x13, 0x89], "{name}");
            assert_eq!(
                packet[gre_at + 8..],
                frame,
                "{name}: no word behind the key"
            );
        }
    }
}

#[test]
fn n02_the_key_names_the_subnet_of_the_destination() {
    let mut world = sample(Carriage::EncapV4);
    let routed = ip_frame(
        ROUTER,
        BLUE1.mac,
        &Ip::new(BLUE1.v4, BLUE_B2.v4).echo(b"routed"),
    );
    assert_eq!(
        read_nvgre(world.hosts[0].send(0, &routed).uplink()).subnet,
        BLUE_B
    );
    assert_eq!(
        read_nvgre(world.hosts[0].send(3, &ping(RED1, RED2)).uplink()).subnet,
        RED
    );
}

#[test]
fn n07_n08_n21_any_ethernet_frame_arrives_as_it_left() {
    for carriage in Carriage::ENCAP {
        for (name, frame) in frames_of_all_kinds(BLUE1, BLUE2) {
            let journey = sample(carriage).guest_sends(BLUE1, &frame);
            // N-07: nothing is appended, an FCS least of all.
            let inner = read_nvgre(journey.sent.uplink()).inner;
            assert_eq!(hex(&inner), hex(&frame), "{name}");
            journey.assert_only(BLUE2, &frame);
        }
    }
}

#[test]
fn n09_outer_macs_are_those_of_the_endpoint_and_the_next_hop() {
    let mut world = sample(Carriage::EncapV4);
    let sent = world.hosts[0].send(0, &ping(BLUE1, BLUE2));
    assert_eq!(
        sent.uplink()[..6],
        host_mac(1).octets(),
        "same prefix: the peer"
    );
    assert_eq!(
        sent.uplink()[6..12],
        host_mac(0).octets(),
        "never the guest"
    );
}

#[test]
fn n09_another_underlay_subnet_is_reached_by_the_provider_routes_next_hop() {
    let router = mac("00-15-5d-fe-00-01");
    let far = pa("172.16.9.9");
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    host.edit(|policy| {
        let record = policy
            .records
            .iter_mut()
            .find(|r| r.id == BLUE2.record_id(true));
        record.expect("a record").provider_address = far;
        policy.neighbors.push(nvgre_dataplane::Neighbor {
            address: pa("192.168.4.1"),
            mac: router,
        });
        // The far address itself is nobody's neighbor: its MAC must not be used.
        policy.neighbors.push(nvgre_dataplane::Neighbor {
            address: far,
            mac: mac("00-15-5d-99-99-99"),
        });
    });
    host.send(0, &ping(BLUE1, BLUE2))
        .assert_dropped(DropReason::NextHopUnresolved);
    let route = |prefix: &str, next_hop: &str, metric, interface_index| ProviderRoute {
        interface_index,
        destination: prefix.parse().expect("a prefix"),
        next_hop: pa(next_hop),
        metric,
    };
    host.edit(|policy| {
        policy.provider_routes = vec![
            route("0.0.0.0/0", "192.168.4.2", 1, 1),
            route("172.16.0.0/16", "192.168.4.2", 20, 1),
            route("172.16.0.0/16", "192.168.4.1", 10, 1),
            route("172.16.0.0/16", "192.168.4.2", 30, 1),
            route("172.16.9.0/24", "192.168.4.2", 0, 2),
        ];
    });
    let sent = host.send(0, &ping(BLUE1, BLUE2));
    assert_eq!(
        sent.uplink()[..6],
        router.octets(),
        "longest prefix, lowest metric, own NIC"
    );
    assert_eq!(read_nvgre(sent.uplink()).destination, far.ip());
}

#[test]
fn n10_a_provider_address_with_a_vlan_id_tags_its_packets() {
    for carriage in Carriage::ENCAP {
        let mut world = sample(carriage);
        world.edit(|policy| policy.provider_addresses[0].vlan = vlan(700));
        let journey = world.guest_sends(BLUE1, &ping(BLUE1, BLUE2));
        let packet = journey.sent.uplink();
        assert_eq!(
            packet[12..16],
            [0x81, 0x00, 0x02, 0xbc],
            "VLAN 700, priority 0"
        );
        let untagged = [&packet[..12], &packet[16..]].concat();
        let plain = sample(carriage).hosts[0].send(0, &ping(BLUE1, BLUE2));
        assert_eq!(
            hex(&untagged),
            hex(plain.uplink()),
            "the rest is as without"
        );
        journey.assert_only(BLUE2, &ping(BLUE1, BLUE2));
    }
}

#[test]
fn n11_customer_and_provider_families_are_independent() {
    for (carriage, len) in [(Carriage::EncapV4, 42), (Carriage::EncapV6, 62)] {
        for frame in [ping(BLUE1, BLUE2), ping6(BLUE1, BLUE2)] {
            let journey = sample(carriage).guest_sends(BLUE1, &frame);
            let nvgre = read_nvgre(journey.sent.uplink());
            assert_eq!(nvgre.source, carriage.provider_address(BLUE1, true).ip());
            assert_eq!(
                nvgre.destination,
                carriage.provider_address(BLUE2, true).ip()
            );
            assert_eq!(journey.sent.uplink().len(), frame.len() + len);
            journey.assert_only(BLUE2, &frame);
        }
    }
}

#[test]
fn n12_the_outer_source_is_the_provider_address_of_the_senders_own_record() {
    let second = pa("192.168.4.111");
    let second_mac = mac("00-15-5d-aa-01-01");
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        for record in &mut policy.records {
            if record.mac == BLUE3.mac {
                record.provider_address = second;
            }
        }
    });
    world.hosts[0].edit(|policy| {
        let mut address = host_address(second, 0);
        address.mac = second_mac;
        policy.provider_addresses.push(address);
    });
    for (guest, source, mac) in [
        (BLUE1, host_v4(0), host_mac(0)),
        (BLUE3, second, second_mac),
        (RED1, host_v4(0), host_mac(0)),
    ] {
        let to = if guest.vsid == RED { RED2 } else { BLUE2 };
        let journey = world.guest_sends(guest, &ping(guest, to));
        assert_eq!(
            read_nvgre(journey.sent.uplink()).source,
            source.ip(),
            "{}",
            guest.name
        );
        assert_eq!(journey.sent.uplink()[6..12], mac.octets(), "{}", guest.name);
        journey.assert_only(to, &ping(guest, to));
    }
    // And back through the same one.
    world.hosts[1].edit(|policy| {
        policy.neighbors.push(nvgre_dataplane::Neighbor {
            address: second,
            mac: second_mac,
        });
    });
    let back = world.guest_sends(BLUE2, &ping(BLUE2, BLUE3));
    assert_eq!(read_nvgre(back.sent.uplink()).destination, second.ip());
    back.assert_only(BLUE3, &ping(BLUE2, BLUE3));
}

#[test]
fn n13_n14_tags_of_a_guest_are_removed_before_encapsulation() {
    let frame = ping(BLUE1, BLUE2);
    for (name, tags) in [
        ("802.1Q", &[(0x8100, 0x0064)][..]),
        ("priority tag", &[(0x8100, 0xa000)]),
        ("802.1ad", &[(0x88a8, 0x0064)]),
        ("the older service tag", &[(0x9100, 0x0064)]),
        ("Q in Q", &[(0x8100, 0x0064), (0x88a8, 0x0065)]),
        ("three", &[(0x8100, 1), (0x8100, 2), (0x8100, 3)]),
    ] {
        let with_tags = tags
            .iter()
            .fold(frame.clone(), |f, &(tpid, tci)| tagged(&f, tpid, tci));
        assert_eq!(with_tags.len(), frame.len() + 4 * tags.len());
        for carriage in Carriage::ENCAP {
            let journey = sample(carriage).guest_sends(BLUE1, &with_tags);
            assert_eq!(
                hex(&read_nvgre(journey.sent.uplink()).inner),
                hex(&frame),
                "{name}"
            );
            journey.assert_only(BLUE2, &frame);
        }
        // A guest sees the same, wherever its peer runs.
        let local = [&BLUE3.mac.octets()[..], &with_tags[6..]].concat();
        let untagged = [&BLUE3.mac.octets()[..], &frame[6..]].concat();
        sample(Carriage::EncapV4)
            .guest_sends(BLUE1, &local)
            .assert_only(BLUE3, &untagged);
    }
}

#[test]
fn n22_n25_outer_packets_are_atomic_datagrams_that_nobody_may_fragment() {
    for (name, frame) in frames_of_all_kinds(BLUE1, BLUE2) {
        let sent = Host::new(sample_policy(Carriage::EncapV4, 0)).send(0, &frame);
        let packet = sliced(sent.uplink());
        let Some(NetSlice::Ipv4(ip)) = &packet.net else {
            panic!("{name}: no IPv4");
        };
        let header = ip.header();
        assert!(
            header.dont_fragment(),
            "{name}: whatever the inner flag says"
        );
        assert!(
            !header.more_fragments() && header.fragments_offset().value() == 0,
            "{name}"
        );
        assert_eq!(header.identification(), 0, "{name}: RFC 6864");
        assert_eq!(header.ttl(), 64, "{name}");
        assert_eq!(header.ihl(), 5, "{name}");
        // G-17
        assert_eq!(header.protocol().0, 47, "{name}");
        assert_eq!(
            usize::from(header.total_len()),
            20 + 8 + frame.len(),
            "{name}"
        );
        assert_checksums(sent.uplink());
    }
}

#[test]
fn n22_g13_g15_outer_ipv6_has_gre_as_its_next_header_and_no_fragment_header() {
    for (name, frame) in frames_of_all_kinds(BLUE1, BLUE2) {
        let sent = Host::new(sample_policy(Carriage::EncapV6, 0)).send(0, &frame);
        let packet = sliced(sent.uplink());
        let Some(NetSlice::Ipv6(ip)) = &packet.net else {
            panic!("{name}: no IPv6");
        };
        let header = ip.header();
        assert_eq!(header.next_header().0, 47, "{name}");
        assert_eq!(header.hop_limit(), 64, "{name}");
        assert_eq!(
            usize::from(header.payload_length()),
            8 + frame.len(),
            "{name}"
        );
        // RFC 6438: routers that know nothing of GRE spread flows by the label.
        let flow = read_nvgre(sent.uplink()).flow;
        assert_eq!(header.flow_label().value(), u32::from(flow), "{name}");
    }
}

/// RFC 7637 says nothing of TTL; within a subnet the tunnel is a wire.
#[test]
fn a_switched_packet_keeps_its_ttl_even_the_last_one() {
    for ttl in [0, 1, 2, 255] {
        let packet = Ip::new(BLUE1.v4, BLUE2.v4).ttl(ttl).echo(b"ttl");
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        sample(Carriage::EncapV4)
            .guest_sends(BLUE1, &frame)
            .assert_only(BLUE2, &frame);
    }
}

#[test]
fn n28_an_arp_request_for_a_known_address_never_reaches_the_underlay() {
    for target in [BLUE2.v4, BLUE3.v4, GATEWAY_V4] {
        let sent =
            Host::new(sample_policy(Carriage::EncapV4, 0)).send(0, &arp_request(BLUE1, target));
        sent.assert_verdict(Verdict::Hairpin);
        assert_eq!(sent.uplinks().count(), 0, "{sent}");
        assert!(sent.copies.is_empty(), "{sent}");
    }
}

/// G-16: 1280-byte IPv6 packets must pass over any tunnel whose underlay has 1342 bytes or more.
#[test]
fn g16_an_ipv6_packet_of_1280_bytes_is_carried() {
    for carriage in Carriage::ENCAP {
        let mut world = sample(carriage);
        world.edit(|policy| policy.settings.underlay_mtu_bytes = 1_280 + 62);
        let packet = Ip::new(BLUE1.v6, BLUE2.v6).udp((1, 2), &[0; 1_280 - 48]);
        assert_eq!(packet.len(), 1_280);
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
    }
}
