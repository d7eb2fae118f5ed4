//! What the host answers on others' behalf: ARP and neighbor solicitations from the records, echoes
//! to the gateway address. And what it must leave alone.

mod common;

use std::net::{IpAddr, Ipv6Addr};

use common::*;
use nvgre_dataplane::{DropReason, Event, Verdict};
use nvgre_wire::MacAddress;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: MacAddress = MacAddress::new([0x33, 0x33, 0, 0, 0, 1]);
const NO_MAC: MacAddress = MacAddress::new([0; 6]);

/// A neighbor advertisement of `target` at `mac` (RFC 4861 s4.4); flags: R 0x80, S 0x40, O 0x20.
fn advertisement(
    to: (MacAddress, Ipv6Addr),
    target: Ipv6Addr,
    mac: MacAddress,
    flags: u8,
) -> Vec<u8> {
    let mut rest = vec![flags, 0, 0, 0];
    rest.extend_from_slice(&target.octets());
    rest.extend_from_slice(&[2, 1]);
    rest.extend_from_slice(&mac.octets());
    let packet = Ip::new(target, to.1).ttl(255).icmp(136, 0, &rest, ICMPV6);
    ip_frame(to.0, mac, &packet)
}

#[test]
fn an_arp_request_is_answered_with_the_mac_of_the_record() {
    let mut world = sample(Carriage::EncapV4);
    // On another host, and beside the asker.
    for known in [BLUE2, BLUE3] {
        let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, known.v4));
        assert_eq!(journey.sent.answer(), arp_reply(known, BLUE1), "{journey}");
        journey.sent.assert_step(Event::Answered {
            customer_address: known.ca(true),
            mac: known.mac,
        });
        journey.assert_nobody();
    }
    assert_eq!(world.hosts[0].worker.counters().tally.answered, 2);
}

#[test]
fn each_tenant_is_answered_from_its_own_subnet() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(RED1, &arp_request(RED1, BLUE2.v4));
    assert_eq!(journey.sent.answer(), arp_reply(RED2, RED1), "{journey}");
    // 10.0.0.9 is Blue's alone: Red asks in vain.
    let journey = world.guest_sends(RED1, &arp_request(RED1, BLUE3.v4));
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
}

#[test]
fn a_unicast_arp_request_is_answered_too() {
    let mut world = sample(Carriage::EncapV4);
    let question = arp(BLUE2.mac, 1, (BLUE1.mac, BLUE1.v4), (NO_MAC, BLUE2.v4));
    let journey = world.guest_sends(BLUE1, &question);
    assert_eq!(journey.sent.answer(), arp_reply(BLUE2, BLUE1), "{journey}");
}

#[test]
fn a_tagged_question_gets_an_untagged_answer() {
    let mut world = sample(Carriage::EncapV4);
    let question = tagged(&arp_request(BLUE1, BLUE2.v4), 0x8100, 7);
    let journey = world.guest_sends(BLUE1, &question);
    assert_eq!(journey.sent.answer(), arp_reply(BLUE2, BLUE1), "{journey}");
}

#[test]
fn an_arp_reply_is_no_question() {
    let mut world = sample(Carriage::EncapV4);
    let reply = arp_reply(BLUE1, BLUE2);
    world.guest_sends(BLUE1, &reply).assert_only(BLUE2, &reply);
}

#[test]
fn the_gateway_address_is_answered_with_the_router_mac() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, GATEWAY_V4));
    let expected = arp(BLUE1.mac, 2, (ROUTER, GATEWAY_V4), (BLUE1.mac, BLUE1.v4));
    assert_eq!(journey.sent.answer(), expected, "{journey}");
    // The gateway of another subnet is not on this link.
    let other = arp_request(BLUE1, "10.0.1.1".parse().unwrap());
    let journey = world.guest_sends(BLUE1, &other);
    journey.assert_only(BLUE3, &other);
}

#[test]
fn a_record_for_the_gateway_address_wins_over_the_router() {
    let mut world = sample(Carriage::EncapV4);
    let gateway = MacAddress::new([6, 6, 0, 0, 0, 1]);
    world.edit(|policy| {
        let record = encap(90, BLUE, ca("10.0.0.1"), gateway, host_v4(1));
        policy.records.push(record);
    });
    let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, GATEWAY_V4));
    let expected = arp(BLUE1.mac, 2, (gateway, GATEWAY_V4), (BLUE1.mac, BLUE1.v4));
    assert_eq!(journey.sent.answer(), expected, "{journey}");
}

#[test]
fn a_configured_router_mac_is_the_one_that_is_answered() {
    let router = MacAddress::new([2, 0, 0, 0, 0, 0x77]);
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.settings.router_mac = router);
    let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, GATEWAY_V4));
    let expected = arp(BLUE1.mac, 2, (router, GATEWAY_V4), (BLUE1.mac, BLUE1.v4));
    assert_eq!(journey.sent.answer(), expected, "{journey}");
    let packet = Ip::new(BLUE1.v4, BLUE_B1.v4);
    let frame = ip_frame(router, BLUE1.mac, &packet.echo(b""));
    let expected = ip_frame(BLUE_B1.mac, router, &packet.ttl(127).echo(b""));
    world
        .guest_sends(BLUE1, &frame)
        .assert_only(BLUE_B1, &expected);
}

#[test]
fn a_gratuitous_arp_is_never_answered_and_reaches_the_subnet() {
    let mut world = sample(Carriage::EncapV4);
    let request = arp_request(BLUE1, BLUE1.v4);
    let reply = arp(BROADCAST, 2, (BLUE1.mac, BLUE1.v4), (NO_MAC, BLUE1.v4));
    for announcement in [request, reply] {
        world
            .guest_sends(BLUE1, &announcement)
            .assert_reached(&[BLUE2, BLUE3], &announcement);
    }
}

/// RFC 5227: sender address 0.0.0.0. An answer would be a conflict.
#[test]
fn an_address_probe_for_ones_own_record_is_never_answered_and_reaches_the_subnet() {
    let mut world = sample(Carriage::EncapV4);
    let nobody = "0.0.0.0".parse().unwrap();
    let probe = arp(BROADCAST, 1, (BLUE1.mac, nobody), (NO_MAC, BLUE1.v4));
    world
        .guest_sends(BLUE1, &probe)
        .assert_reached(&[BLUE2, BLUE3], &probe);
    // For somebody else's address it is a conflict indeed.
    let probe = arp(BROADCAST, 1, (BLUE1.mac, nobody), (NO_MAC, BLUE2.v4));
    let journey = world.guest_sends(BLUE1, &probe);
    let expected = arp(BLUE1.mac, 2, (BLUE2.mac, BLUE2.v4), (BLUE1.mac, nobody));
    assert_eq!(journey.sent.answer(), expected, "{journey}");
}

#[test]
fn a_question_without_record_reaches_local_ports_and_l2_only_hosts_alone() {
    let mut world = World::new([0, 1, 2].map(|host| sample_policy(Carriage::EncapV4, host)));
    let unknown = arp_request(BLUE1, "10.0.0.200".parse().unwrap());
    world
        .guest_sends(BLUE1, &unknown)
        .assert_only(BLUE3, &unknown);
    let learning = MacAddress::new([6, 6, 0, 0, 0, 0x44]);
    world.edit(|policy| policy.records.push(l2_only(90, BLUE, learning, host_v4(2))));
    let journey = world.guest_sends(BLUE1, &unknown);
    let reached: Vec<_> = journey.arrivals.iter().map(|(host, _)| *host).collect();
    assert_eq!(reached, [2], "{journey}");
    journey.assert_only(BLUE3, &unknown);
}

#[test]
fn a_question_that_nobody_can_hear_is_dropped() {
    let mut world = sample(Carriage::EncapV4);
    let unknown = arp_request(BLUE2, "10.0.0.200".parse().unwrap());
    let journey = world.guest_sends(BLUE2, &unknown);
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    world.edit(|policy| policy.wnv_bound = false);
    let journey = world.guest_sends(BLUE2, &unknown);
    journey.sent.assert_dropped(DropReason::WnvUnbound);
}

#[test]
fn a_solicitation_is_answered_with_the_mac_of_the_record() {
    let mut world = sample(Carriage::EncapV4);
    let question = solicitation(BLUE1.mac, BLUE1.v6, BLUE2.v6, true);
    let journey = world.guest_sends(BLUE1, &question);
    // Solicited, override; no router.
    let expected = advertisement((BLUE1.mac, BLUE1.v6), BLUE2.v6, BLUE2.mac, 0x60);
    assert_eq!(journey.sent.answer(), expected, "{journey}");
    assert_checksums(journey.sent.answer());
}

/// 78 bytes become 86.
#[test]
fn a_solicitation_without_option_grows_into_its_answer() {
    let mut world = sample(Carriage::EncapV4);
    let question = solicitation(BLUE1.mac, BLUE1.v6, BLUE2.v6, false);
    assert_eq!(question.len(), 78);
    let journey = world.guest_sends(BLUE1, &question);
    let expected = advertisement((BLUE1.mac, BLUE1.v6), BLUE2.v6, BLUE2.mac, 0x60);
    assert_eq!(expected.len(), 86);
    assert_eq!(journey.sent.answer(), expected, "{journey}");
}

/// Further options and a trailer: 86 bytes all the same.
#[test]
fn a_longer_solicitation_shrinks_into_its_answer() {
    let mut world = sample(Carriage::EncapV4);
    let (group, group_mac) = solicited_node(BLUE2.v6);
    let mut rest = vec![0; 4];
    rest.extend_from_slice(&BLUE2.v6.octets());
    rest.extend_from_slice(&[1, 1, 6, 6, 0, 0, 0, 5]);
    rest.extend_from_slice(&[14, 1, 1, 2, 3, 4, 5, 6]); // nonce, RFC 3971
    let packet = Ip::new(BLUE1.v6, group)
        .ttl(255)
        .icmp(135, 0, &rest, ICMPV6);
    let mut question = ip_frame(group_mac, BLUE1.mac, &packet);
    question.extend_from_slice(&[0xaa; 9]);
    let journey = world.guest_sends(BLUE1, &question);
    let expected = advertisement((BLUE1.mac, BLUE1.v6), BLUE2.v6, BLUE2.mac, 0x60);
    assert_eq!(journey.sent.answer(), expected, "{journey}");
}

#[test]
fn a_unicast_solicitation_is_answered_too() {
    let mut world = sample(Carriage::EncapV4);
    let mut rest = vec![0; 4];
    rest.extend_from_slice(&BLUE2.v6.octets());
    let packet = Ip::new(BLUE1.v6, BLUE2.v6)
        .ttl(255)
        .icmp(135, 0, &rest, ICMPV6);
    let journey = world.guest_sends(BLUE1, &ip_frame(BLUE2.mac, BLUE1.mac, &packet));
    let expected = advertisement((BLUE1.mac, BLUE1.v6), BLUE2.v6, BLUE2.mac, 0x60);
    assert_eq!(journey.sent.answer(), expected, "{journey}");
}

#[test]
fn the_gateways_advertisement_has_the_router_flag() {
    let mut world = sample(Carriage::EncapV4);
    let question = solicitation(BLUE1.mac, BLUE1.v6, GATEWAY_V6, true);
    let journey = world.guest_sends(BLUE1, &question);
    let expected = advertisement((BLUE1.mac, BLUE1.v6), GATEWAY_V6, ROUTER, 0xe0);
    assert_eq!(journey.sent.answer(), expected, "{journey}");
}

/// RFC 4862 s5.4: duplicate detection asks from ::, and hears of conflicts at all nodes.
#[test]
fn duplicate_detection_is_answered_to_all_nodes_unless_the_address_is_the_askers() {
    let mut world = sample(Carriage::EncapV4);
    let question = solicitation(BLUE1.mac, Ipv6Addr::UNSPECIFIED, BLUE2.v6, false);
    let journey = world.guest_sends(BLUE1, &question);
    let expected = advertisement((ALL_NODES_MAC, ALL_NODES), BLUE2.v6, BLUE2.mac, 0x20);
    assert_eq!(journey.sent.answer(), expected, "{journey}");

    let own = solicitation(BLUE1.mac, Ipv6Addr::UNSPECIFIED, BLUE1.v6, false);
    world
        .guest_sends(BLUE1, &own)
        .assert_reached(&[BLUE2, BLUE3], &own);
}

/// RFC 4861 s7.1.1: it has passed a router, and is void.
#[test]
fn a_solicitation_with_another_hop_limit_is_a_multicast_like_any_other() {
    let mut world = sample(Carriage::EncapV4);
    let (group, group_mac) = solicited_node(BLUE2.v6);
    let mut rest = vec![0; 4];
    rest.extend_from_slice(&BLUE2.v6.octets());
    let packet = Ip::new(BLUE1.v6, group)
        .ttl(254)
        .icmp(135, 0, &rest, ICMPV6);
    let frame = ip_frame(group_mac, BLUE1.mac, &packet);
    world
        .guest_sends(BLUE1, &frame)
        .assert_reached(&[BLUE2, BLUE3], &frame);
}

#[test]
fn an_advertisement_is_no_question() {
    let mut world = sample(Carriage::EncapV4);
    let frame = advertisement((BLUE2.mac, BLUE2.v6), BLUE1.v6, BLUE1.mac, 0x60);
    world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
}

/// hnv F-12: there is no router advertisement from the built-in router.
#[test]
fn a_router_solicitation_is_flooded_and_not_answered() {
    let mut world = sample(Carriage::EncapV4);
    let all_routers: Ipv6Addr = "ff02::2".parse().unwrap();
    let packet = Ip::new(BLUE1.v6, all_routers)
        .ttl(255)
        .icmp(133, 0, &[0; 4], ICMPV6);
    let frame = ip_frame(
        MacAddress::new([0x33, 0x33, 0, 0, 0, 2]),
        BLUE1.mac,
        &packet,
    );
    world
        .guest_sends(BLUE1, &frame)
        .assert_reached(&[BLUE2, BLUE3], &frame);
}

#[test]
fn the_gateway_answers_echoes() {
    let mut world = sample(Carriage::EncapV4);
    for (ipv4, gateways) in [
        (true, ["10.0.0.1", "10.0.1.1"]),
        (false, ["fd00::1", "fd00:0:0:1::1"]),
    ] {
        for gateway in gateways {
            let (guest, gateway) = (BLUE1.ip(ipv4), ip(gateway));
            let question = Ip::new(guest, gateway).echo(b"are you there?");
            let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &question));
            let (kind, protocol) = if ipv4 { (0, ICMP) } else { (129, ICMPV6) };
            let rest = [&[0, 1, 0, 1][..], b"are you there?"].concat();
            let reply = Ip::new(gateway, guest).icmp(kind, 0, &rest, protocol);
            let expected = ip_frame(BLUE1.mac, ROUTER, &reply);
            assert_eq!(journey.sent.answer(), expected, "{journey}");
        }
    }
}

#[test]
fn other_packets_to_the_gateway_address_end_there() {
    let mut world = sample(Carriage::EncapV4);
    for gateway in [IpAddr::V4(GATEWAY_V4), IpAddr::V6(GATEWAY_V6)] {
        let packet = Ip::new(BLUE1.ip(gateway.is_ipv4()), gateway).udp((53, 53), b"?");
        let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &packet));
        journey.sent.assert_verdict(Verdict::Consumed);
        journey.assert_nobody();
    }
    // A fragment of an echo is not answered: its end is missing.
    let echo = Ip::new(BLUE1.v4, GATEWAY_V4)
        .fragment(0, true)
        .echo(b"12345678");
    let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &echo));
    journey.sent.assert_verdict(Verdict::Consumed);
}

#[test]
fn the_gateway_answers_an_echo_with_ttl_1() {
    let mut world = sample(Carriage::EncapV4);
    let echo = Ip::new(BLUE1.v4, GATEWAY_V4).ttl(1).echo(b"");
    let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &echo));
    journey.sent.assert_verdict(Verdict::Hairpin);
}

#[test]
fn with_an_external_router_nobody_answers_for_the_gateway() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.use_external_router = true);
    let question = arp_request(BLUE1, GATEWAY_V4);
    world
        .guest_sends(BLUE1, &question)
        .assert_only(BLUE3, &question);
    let echo = Ip::new(BLUE1.v4, GATEWAY_V4).echo(b"");
    let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &echo));
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    // Records are still answered.
    let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, BLUE2.v4));
    assert_eq!(journey.sent.answer(), arp_reply(BLUE2, BLUE1), "{journey}");
}

#[test]
fn without_the_binding_nothing_is_answered() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.wnv_bound = false);
    for target in [BLUE2.v4, GATEWAY_V4] {
        let question = arp_request(BLUE1, target);
        world
            .guest_sends(BLUE1, &question)
            .assert_only(BLUE3, &question);
    }
}

/// ARP with a wrong hardware length, a cut one, and an operation of RARP: nobody's question.
#[test]
fn malformed_questions_are_frames_like_any_other() {
    let mut world = sample(Carriage::EncapV4);
    let whole = arp_request(BLUE1, BLUE2.v4);
    let mut long_addresses = whole.clone();
    long_addresses[18] = 8;
    let cut = whole[..30].to_vec();
    let mut rarp = whole;
    rarp[21] = 3;
    for frame in [long_addresses, cut, rarp] {
        world
            .guest_sends(BLUE1, &frame)
            .assert_reached(&[BLUE2, BLUE3], &frame);
    }
}
