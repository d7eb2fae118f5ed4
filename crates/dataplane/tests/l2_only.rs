//! L2Only records: a MAC and a host are known, the customer address is to be learned. What is
//! learned, from whom, and what is not.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Learned, LookupRecord, RecordType};
use nvgre_wire::{MacAddress, ProviderAddress};

/// Blue 2 is known by its MAC and host only.
fn world() -> World {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        policy.records.retain(|record| record.mac != BLUE2.mac);
        policy
            .records
            .push(l2_only(90, BLUE, BLUE2.mac, host_v4(1)));
    });
    world
}

/// What host 0 learns from an inner frame in Blue's subnet that comes from `source`.
#[track_caller]
fn learned_from(world: &mut World, source: ProviderAddress, inner: &[u8]) -> Vec<Learned> {
    let packet = nvgre(
        (host_mac(0), host_v4(0)),
        (host_mac(1), source),
        (BLUE, 0),
        inner,
    );
    world.hosts[0].receive(&packet).learned
}

fn blue2_at(customer_address: &str) -> Learned {
    Learned {
        virtual_subnet: vsid(BLUE),
        customer_address: ca(customer_address),
        mac: BLUE2.mac,
        provider_address: host_v4(1),
    }
}

#[test]
fn ip_arp_and_neighbor_discovery_show_an_address() {
    let mut world = world();
    let arp = arp_reply(BLUE2, BLUE1);
    assert_eq!(
        learned_from(&mut world, host_v4(1), &arp),
        [blue2_at("10.0.0.7")]
    );
    let packet = ping(BLUE2, BLUE1);
    assert_eq!(
        learned_from(&mut world, host_v4(1), &packet),
        [blue2_at("10.0.0.7")]
    );
    let packet = ping6(BLUE2, BLUE1);
    assert_eq!(
        learned_from(&mut world, host_v4(1), &packet),
        [blue2_at("fd00::7")]
    );
    let question = solicitation(BLUE2.mac, BLUE2.v6, BLUE1.v6, true);
    assert_eq!(
        learned_from(&mut world, host_v4(1), &question),
        [blue2_at("fd00::7")]
    );
    // An advertisement shows its target, whatever address it comes from.
    let mut rest = vec![0x20, 0, 0, 0];
    rest.extend_from_slice(&BLUE2.v6.octets());
    let packet = Ip::new(ip("fe80::7"), BLUE1.v6)
        .ttl(255)
        .icmp(136, 0, &rest, ICMPV6);
    let advertisement = ip_frame(BLUE1.mac, BLUE2.mac, &packet);
    assert_eq!(
        learned_from(&mut world, host_v4(1), &advertisement),
        [blue2_at("fd00::7")]
    );
}

#[test]
fn addresses_that_can_have_no_record_are_not_learned() {
    let mut world = world();
    for source in ["0.0.0.0", "169.254.1.1", "224.0.0.9"] {
        let packet = Ip::new(ip(source), BLUE1.v4).echo(b"");
        let inner = ip_frame(BLUE1.mac, BLUE2.mac, &packet);
        assert_eq!(learned_from(&mut world, host_v4(1), &inner), [], "{source}");
    }
    for source in ["::", "fe80::7", "ff02::9"] {
        let packet = Ip::new(ip(source), BLUE1.v6).echo(b"");
        let inner = ip_frame(BLUE1.mac, BLUE2.mac, &packet);
        assert_eq!(learned_from(&mut world, host_v4(1), &inner), [], "{source}");
    }
    let not_ip = ethernet(BLUE1.mac, BLUE2.mac, LLDP, &[1; 46]);
    assert_eq!(learned_from(&mut world, host_v4(1), &not_ip), []);
}

#[test]
fn only_the_host_that_the_l2_only_record_names_is_believed() {
    let mut world = world();
    // A peer of the domain all the same.
    world.edit(|policy| {
        let other = MacAddress::new([6, 6, 0, 0, 0, 0x66]);
        policy
            .records
            .push(encap(91, BLUE, ca("10.0.0.66"), other, host_v4(2)));
    });
    let inner = ping(BLUE2, BLUE1);
    assert_eq!(learned_from(&mut world, host_v4(2), &inner), []);
    assert_eq!(
        learned_from(&mut world, host_v4(1), &inner),
        [blue2_at("10.0.0.7")]
    );
}

#[test]
fn only_a_mac_with_an_l2_only_record_is_learned() {
    let mut world = world();
    let packet = Ip::new(ip("10.0.0.88"), BLUE1.v4).echo(b"");
    let stranger = MacAddress::new([6, 6, 0, 0, 0, 0x88]);
    for mac in [stranger, BLUE3.mac, ROUTER] {
        let inner = ip_frame(BLUE1.mac, mac, &packet);
        assert_eq!(learned_from(&mut world, host_v4(1), &inner), [], "{mac}");
    }
    // A gateway forwards foreign addresses: they are not its own.
    world.edit(|policy| {
        let record = wildcard(91, BLUE, "0.0.0.0", stranger, host_v4(1));
        policy.records.push(record);
    });
    let inner = ip_frame(BLUE1.mac, stranger, &packet);
    assert_eq!(learned_from(&mut world, host_v4(1), &inner), []);
    // An L2Only record in another subnet is another station.
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        policy
            .records
            .push(l2_only(91, BLUE_B, stranger, host_v4(1)));
    });
    let inner = ip_frame(BLUE1.mac, stranger, &packet);
    assert_eq!(learned_from(&mut world, host_v4(1), &inner), []);
}

#[test]
fn an_arp_packet_that_speaks_for_another_mac_teaches_nothing() {
    let mut world = world();
    let mut forged = arp_reply(BLUE2, BLUE1);
    forged[22..28].copy_from_slice(&BLUE3.mac.octets());
    assert_eq!(learned_from(&mut world, host_v4(1), &forged), []);
}

#[test]
fn an_address_that_has_a_record_is_not_learned_again() {
    let mut world = world();
    // Another guest's, and on the host of that record: accepted, and no news.
    world.edit(|policy| {
        let other = MacAddress::new([6, 6, 0, 0, 0, 0x66]);
        policy
            .records
            .push(encap(91, BLUE, ca("10.0.0.66"), other, host_v4(1)));
    });
    let packet = Ip::new(ip("10.0.0.66"), BLUE1.v4).echo(b"");
    let inner = ip_frame(BLUE1.mac, BLUE2.mac, &packet);
    assert_eq!(learned_from(&mut world, host_v4(1), &inner), []);
    // It is told again and again until the owner of the policy acts.
    let inner = ping(BLUE2, BLUE1);
    for _ in 0..2 {
        assert_eq!(
            learned_from(&mut world, host_v4(1), &inner),
            [blue2_at("10.0.0.7")]
        );
    }
    world.edit(|policy| {
        policy.records.push(LookupRecord {
            record_type: RecordType::Dynamic,
            ..encap(92, BLUE, BLUE2.ca(true), BLUE2.mac, host_v4(1))
        });
    });
    assert_eq!(learned_from(&mut world, host_v4(1), &inner), []);
}

#[test]
fn a_refused_packet_teaches_nothing() {
    let mut world = world();
    let tagged = tagged(&ping(BLUE2, BLUE1), 0x8100, 5);
    assert_eq!(learned_from(&mut world, host_v4(1), &tagged), []);
    assert_eq!(world.hosts[0].drops(DropReason::InnerVlan), 1);
    // Blue 1's address, whose record is on this very host.
    let packet = Ip::new(BLUE1.v4, BLUE3.v4).echo(b"");
    let forged = ip_frame(BLUE3.mac, BLUE2.mac, &packet);
    assert_eq!(learned_from(&mut world, host_v4(1), &forged), []);
    assert_eq!(world.hosts[0].drops(DropReason::PeerNotSource), 1);
}

#[test]
fn what_a_guest_sends_is_not_learned_on_its_own_host() {
    let mut world = world();
    let journey = world.guest_sends(BLUE2, &ping(BLUE2, BLUE1));
    assert_eq!(journey.sent.learned, [], "{journey}");
    assert_eq!(
        journey.arrival().learned,
        [blue2_at("10.0.0.7")],
        "{journey}"
    );
}

#[test]
fn an_l2_only_guest_sends_from_any_address_that_nobody_else_has() {
    let mut world = world();
    for source in ["10.0.0.7", "10.0.0.123"] {
        let packet = Ip::new(ip(source), BLUE1.v4).echo(b"");
        let frame = ip_frame(BLUE1.mac, BLUE2.mac, &packet);
        world.guest_sends(BLUE2, &frame).assert_only(BLUE1, &frame);
    }
    // Blue 3's address: the record names another host, and the receiver knows.
    let packet = Ip::new(BLUE3.v4, BLUE1.v4).echo(b"");
    let frame = ip_frame(BLUE1.mac, BLUE2.mac, &packet);
    let journey = world.guest_sends(BLUE2, &frame);
    journey.arrival().assert_dropped(DropReason::PeerNotSource);
}

#[test]
fn a_unicast_frame_finds_an_l2_only_guest_by_its_mac() {
    let mut world = world();
    for frame in [
        ping(BLUE1, BLUE2),
        ping6(BLUE1, BLUE2),
        ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[1; 46]),
    ] {
        world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
    }
}

#[test]
fn a_packet_to_its_address_by_way_of_the_router_waits_for_the_record() {
    let mut world = world();
    let packet = Ip::new(BLUE_B1.v4, BLUE2.v4).echo(b"");
    let frame = ip_frame(ROUTER, BLUE_B1.mac, &packet);
    let journey = world.guest_sends(BLUE_B1, &frame);
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
}

/// It is no question: every host of the subnet may have the old address in mind.
#[test]
fn an_l2_only_guest_announces_its_address_to_the_whole_subnet() {
    let mut world = world();
    let announcement = arp_request(BLUE2, BLUE2.v4);
    world
        .guest_sends(BLUE2, &announcement)
        .assert_reached(&[BLUE1, BLUE3], &announcement);
}
