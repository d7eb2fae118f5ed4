//! IP rewrite by its records: whose addresses, which MAC and VLAN, and which records do not go
//! together.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Event, Rule, Verdict};

#[test]
fn a_provider_address_of_another_domain_is_no_peer() {
    let mut world = sample(Carriage::Nat);
    let packet = Ip::new(pa_of(RED2, true), pa_of(BLUE1, true)).udp((1, 2), b"x");
    world.hosts[0]
        .receive(&ip_frame(host_mac(0), host_mac(1), &packet))
        .assert_dropped(DropReason::UnknownPeer);
}

#[test]
fn overlapping_tenants_keep_apart_since_each_guest_has_its_own_provider_address() {
    let mut world = sample(Carriage::Nat);
    let (blue, red) = (ping(BLUE1, BLUE2), ping(RED1, RED2));
    world.guest_sends(BLUE1, &blue).assert_only(BLUE2, &blue);
    world.guest_sends(RED1, &red).assert_only(RED2, &red);
}

#[test]
fn use_vm_mac_address_puts_the_guests_mac_outside() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        for record in &mut policy.records {
            record.use_vm_mac = record.mac == BLUE1.mac;
        }
    });
    let frame = ping(BLUE1, BLUE2);
    let journey = world.guest_sends(BLUE1, &frame);
    let wire = journey.sent.uplink();
    assert_eq!(wire[..6], host_mac(1).octets(), "{journey}");
    assert_eq!(wire[6..12], BLUE1.mac.octets(), "{journey}");
    journey.assert_only(BLUE2, &frame);

    // The underlay answers to that MAC.
    let packet = Ip::new(pa_of(BLUE2, true), pa_of(BLUE1, true)).echo(b"back");
    let back = ip_frame(BLUE1.mac, host_mac(1), &packet);
    let expected = Ip::new(BLUE2.v4, BLUE1.v4).echo(b"back");
    world.hosts[0]
        .receive(&back)
        .assert_delivered(BLUE1.port, &ip_frame(BLUE1.mac, BLUE2.mac, &expected));
    // A guest's MAC without the flag is no address of the host.
    world.edit(|policy| {
        policy
            .records
            .iter_mut()
            .for_each(|record| record.use_vm_mac = false)
    });
    world.hosts[0]
        .receive(&back)
        .assert_dropped(DropReason::OuterNotOurs);
}

#[test]
fn the_vlan_of_the_provider_address_is_put_on_and_taken_off() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        for host in &mut policy.provider_addresses {
            host.vlan = vlan(42);
        }
    });
    for ipv4 in [true, false] {
        let build = |s, d| Ip::new(s, d).udp((1, 2), b"tagged");
        let frame = sent(ipv4, build);
        let journey = world.guest_sends(BLUE1, &frame);
        let packet = build(pa_of(BLUE1, ipv4), pa_of(BLUE2, ipv4));
        let untagged = ip_frame(host_mac(1), host_mac(0), &packet);
        assert_eq!(
            journey.sent.uplink(),
            tagged(&untagged, 0x8100, 42),
            "{journey}"
        );
        journey.assert_only(BLUE2, &frame);
        for wrong in [untagged.clone(), tagged(&untagged, 0x8100, 43)] {
            world.hosts[1]
                .receive(&wrong)
                .assert_dropped(DropReason::OuterVlan);
        }
    }
}

#[test]
fn a_sender_with_another_rule_has_no_address_to_send_from() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        for record in &mut policy.records {
            if record.mac == BLUE1.mac {
                record.rule = Rule::Encap;
            }
        }
    });
    refused(&mut world, true, DropReason::NatNoSource, |s, d| {
        Ip::new(s, d).echo(b"")
    });
}

#[test]
fn a_sender_without_record_or_with_a_record_elsewhere_is_refused() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        for record in &mut policy.records {
            if record.id == BLUE1.record_id(true) {
                record.provider_address = pa("192.168.5.99");
            }
        }
        policy
            .records
            .retain(|record| record.id != BLUE1.record_id(false));
    });
    for ipv4 in [true, false] {
        refused(&mut world, ipv4, DropReason::NoSourceRecord, |s, d| {
            Ip::new(s, d).echo(b"")
        });
    }
    // Another guest's address.
    let forged = Ip::new(BLUE_B1.v4, BLUE2.v4).echo(b"");
    world
        .guest_sends(BLUE1, &ip_frame(BLUE2.mac, BLUE1.mac, &forged))
        .sent
        .assert_dropped(DropReason::NoSourceRecord);
}

#[test]
fn customer_and_provider_addresses_of_two_families_cannot_be_rewritten() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        policy
            .records
            .retain(|record| record.id != BLUE2.record_id(false));
        for record in &mut policy.records {
            if record.id == BLUE2.record_id(true) {
                record.provider_address = Carriage::Nat.provider_address(BLUE2, false);
            }
        }
    });
    refused(&mut world, true, DropReason::NatFamilyMismatch, |s, d| {
        Ip::new(s, d).echo(b"")
    });
}

#[test]
fn a_destination_behind_a_gateway_cannot_be_rewritten() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        let next_hop = BLUE2.v4.to_string();
        let default = route(80, BLUE_DOMAIN, BLUE, "0.0.0.0/0", &next_hop);
        policy.customer_routes.push(default);
    });
    let packet = Ip::new(BLUE1.v4, ip("203.0.113.9")).echo(b"");
    world
        .guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &packet))
        .sent
        .assert_dropped(DropReason::NatUnsupported);
}

#[test]
fn a_refused_packet_is_counted_and_nothing_of_it_is_rewritten() {
    let mut world = sample(Carriage::Nat);
    refused(&mut world, true, DropReason::NatUnsupported, |s, d| {
        Ip::new(s, d).carrying(AH, &[0; 24])
    });
    assert_eq!(world.hosts[0].drops(DropReason::NatUnsupported), 1);
    assert_eq!(world.hosts[0].worker.counters().tally.rewritten_out, 0);
    let frame = ping(BLUE1, BLUE2);
    let journey = world.guest_sends(BLUE1, &frame);
    assert_eq!(journey.sent.verdict, Verdict::Uplink);
    assert_eq!(world.hosts[0].worker.counters().tally.rewritten_out, 1);
    assert_eq!(world.hosts[1].worker.counters().tally.rewritten_in, 1);
    assert!(
        !journey
            .sent
            .trace
            .iter()
            .any(|event| matches!(event, Event::Encapsulated { .. })),
        "{journey}"
    );
}
