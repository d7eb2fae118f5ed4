//! Ports without virtual subnet: plain switching with VLAN rules, between each other and with the
//! physical network, and never with a tenant.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Port, PortId, Verdict};
use nvgre_wire::{MacAddress, VlanId};

const UNTAGGED_A: Guest = plain("a", 10);
const UNTAGGED_B: Guest = plain("b", 11);
const VLAN_7_A: Guest = plain("7a", 12);
const VLAN_7_B: Guest = plain("7b", 13);
const VLAN_8: Guest = plain("8", 14);
/// A station of the physical network.
const OUTSIDE: MacAddress = MacAddress::new([2, 0, 0, 0, 0xff, 1]);

const fn plain(name: &'static str, port: u32) -> Guest {
    Guest {
        name,
        port,
        mac: MacAddress::new([2, 0, 0, 0, 0, port as u8]),
        ..BLUE1
    }
}

/// Host 0 of the sample, with pass-through ports beside the tenants'.
fn host() -> Host {
    let mut policy = sample_policy(Carriage::EncapV4, 0);
    for (guest, tag) in [
        (UNTAGGED_A, None),
        (UNTAGGED_B, None),
        (VLAN_7_A, vlan(7)),
        (VLAN_7_B, vlan(7)),
        (VLAN_8, vlan(8)),
    ] {
        let mut port = Port::new(PortId(guest.port), guest.mac);
        port.vlan = tag;
        policy.ports.push(port);
    }
    Host::new(policy)
}

fn frame(to: MacAddress, from: MacAddress) -> Vec<u8> {
    ethernet(to, from, LLDP, &[0x42; 50])
}

/// Ports that got a frame, in order, when everything delivered was `expected`.
#[track_caller]
fn ports(outcome: &Outcome, expected: &[u8]) -> Vec<u32> {
    let mut world = Vec::new();
    for (to, bytes) in &outcome.copies {
        if let nvgre_dataplane::Destination::Port(port) = to {
            assert_eq!(bytes, expected, "{outcome}");
            world.push(port.0);
        }
    }
    if let Verdict::Deliver(port) = outcome.verdict {
        assert_eq!(outcome.frame, expected, "{outcome}");
        world.push(port.0);
    }
    world
}

#[test]
fn ports_of_one_vlan_reach_each_other_without_the_wire() {
    let mut host = host();
    for (from, to) in [(UNTAGGED_A, UNTAGGED_B), (VLAN_7_A, VLAN_7_B)] {
        let frame = frame(to.mac, from.mac);
        host.send(from.port, &frame)
            .assert_delivered(to.port, &frame);
    }
}

#[test]
fn ports_of_different_vlans_never_meet() {
    let mut host = host();
    for (from, to) in [
        (UNTAGGED_A, VLAN_7_A),
        (VLAN_7_A, VLAN_8),
        (VLAN_8, UNTAGGED_B),
    ] {
        // Elsewhere, for all that this switch knows.
        let outcome = host.send(from.port, &frame(to.mac, from.mac));
        outcome.assert_verdict(Verdict::Uplink);
    }
}

#[test]
fn what_leaves_carries_the_ports_vlan() {
    let mut host = host();
    let sent = frame(OUTSIDE, UNTAGGED_A.mac);
    assert_eq!(host.send(UNTAGGED_A.port, &sent).uplink(), sent);
    let sent = frame(OUTSIDE, VLAN_7_A.mac);
    let outcome = host.send(VLAN_7_A.port, &sent);
    assert_eq!(outcome.uplink(), tagged(&sent, 0x8100, 7), "{outcome}");
}

#[test]
fn what_arrives_with_the_ports_vlan_is_delivered_untagged() {
    let mut host = host();
    let inner = frame(VLAN_7_A.mac, OUTSIDE);
    // Priority bits and DEI are not the VLAN's.
    for tci in [7, 0xf007] {
        host.receive(&tagged(&inner, 0x8100, tci))
            .assert_delivered(VLAN_7_A.port, &inner);
    }
    let inner = frame(UNTAGGED_A.mac, OUTSIDE);
    host.receive(&inner)
        .assert_delivered(UNTAGGED_A.port, &inner);
    // VLAN 0 is a priority and no VLAN (IEEE 802.1Q).
    host.receive(&tagged(&inner, 0x8100, 0xe000))
        .assert_delivered(UNTAGGED_A.port, &inner);
}

/// Rewritten packets go by the MAC of a next hop, whatever their address: this one would be a tenant's.
#[test]
fn a_guest_that_took_its_hosts_mac_gets_nothing_that_is_for_the_host() {
    let mut policy = sample_policy(Carriage::EncapV4, 0);
    policy.ports.push(Port::new(PortId(10), host_mac(0)));
    let mut host = Host::new(policy);
    let outcome = host.receive(&frame(host_mac(0), OUTSIDE));
    outcome.assert_verdict(Verdict::Consumed);
}

#[test]
fn what_arrives_with_another_vlan_is_not_delivered() {
    let mut host = host();
    for (guest, tci) in [(VLAN_7_A, 8), (UNTAGGED_A, 7), (VLAN_8, 7)] {
        let inner = frame(guest.mac, OUTSIDE);
        host.receive(&tagged(&inner, 0x8100, tci))
            .assert_dropped(DropReason::OuterNotOurs);
    }
    host.receive(&frame(VLAN_7_A.mac, OUTSIDE))
        .assert_dropped(DropReason::OuterNotOurs);
}

#[test]
fn tags_behind_the_ports_vlan_are_the_guests_own() {
    let mut host = host();
    let inner = tagged(&frame(VLAN_7_A.mac, OUTSIDE), 0x8100, 99);
    host.receive(&tagged(&inner, 0x88a8, 7))
        .assert_delivered(VLAN_7_A.port, &inner);
}

#[test]
fn a_guest_may_send_priorities_and_no_vlan() {
    let mut host = host();
    let sent = frame(OUTSIDE, UNTAGGED_A.mac);
    let outcome = host.send(UNTAGGED_A.port, &tagged(&sent, 0x8100, 0x6000));
    assert_eq!(outcome.uplink(), sent, "{outcome}");
    for tag in [7, 0x6007] {
        let outcome = host.send(UNTAGGED_A.port, &tagged(&sent, 0x8100, tag));
        outcome.assert_dropped(DropReason::VlanNotAllowed);
        // Not even the port's own VLAN: it is an access port.
        let mine = tagged(&frame(OUTSIDE, VLAN_7_A.mac), 0x8100, tag);
        let outcome = host.send(VLAN_7_A.port, &mine);
        outcome.assert_dropped(DropReason::VlanNotAllowed);
    }
    let twice = tagged(&tagged(&sent, 0x8100, 0), 0x8100, 0);
    host.send(UNTAGGED_A.port, &twice)
        .assert_dropped(DropReason::VlanNotAllowed);
}

#[test]
fn a_broadcast_reaches_its_vlan_and_the_wire() {
    let mut host = host();
    let sent = frame(BROADCAST, UNTAGGED_A.mac);
    let outcome = host.send(UNTAGGED_A.port, &sent);
    assert_eq!(ports(&outcome, &sent), [UNTAGGED_B.port], "{outcome}");
    assert_eq!(outcome.uplinks().collect::<Vec<_>>(), [sent], "{outcome}");
    outcome.assert_verdict(Verdict::Replicated(2));

    let sent = frame(BROADCAST, VLAN_7_A.mac);
    let outcome = host.send(VLAN_7_A.port, &sent);
    assert_eq!(ports(&outcome, &sent), [VLAN_7_B.port], "{outcome}");
    let on_the_wire = tagged(&sent, 0x8100, 7);
    assert_eq!(
        outcome.uplinks().collect::<Vec<_>>(),
        [on_the_wire],
        "{outcome}"
    );

    let sent = frame(BROADCAST, VLAN_8.mac);
    let outcome = host.send(VLAN_8.port, &sent);
    assert_eq!(outcome.uplink(), tagged(&sent, 0x8100, 8), "{outcome}");
}

#[test]
fn a_broadcast_of_the_wire_reaches_its_vlan_and_is_not_sent_back() {
    let mut host = host();
    let sent = frame(BROADCAST, OUTSIDE);
    let outcome = host.receive(&sent);
    assert_eq!(ports(&outcome, &sent), [UNTAGGED_A.port, UNTAGGED_B.port]);
    assert_eq!(outcome.uplinks().count(), 0, "{outcome}");
    let outcome = host.receive(&tagged(&sent, 0x8100, 8));
    outcome.assert_delivered(VLAN_8.port, &sent);
    // Nobody is on VLAN 9 but the management system.
    host.receive(&tagged(&sent, 0x8100, 9))
        .assert_verdict(Verdict::Consumed);
}

#[test]
fn what_is_for_nobody_here_is_dropped_and_what_is_for_the_host_is_its_own() {
    let mut host = host();
    host.receive(&frame(OUTSIDE, UNTAGGED_B.mac))
        .assert_dropped(DropReason::OuterNotOurs);
    host.receive(&frame(host_mac(0), OUTSIDE))
        .assert_verdict(Verdict::Consumed);
}

#[test]
fn tenants_are_out_of_reach_from_ports_without_subnet_and_from_the_wire() {
    let mut host = host();
    for tenant in [BLUE1, BLUE3, RED1] {
        let outcome = host.send(UNTAGGED_A.port, &frame(tenant.mac, UNTAGGED_A.mac));
        outcome.assert_verdict(Verdict::Uplink);
        host.receive(&frame(tenant.mac, OUTSIDE))
            .assert_dropped(DropReason::OuterNotOurs);
        // An unencapsulated packet to a customer address.
        let packet = Ip::new(ip("192.168.4.99"), tenant.v4).echo(b"");
        host.receive(&ip_frame(tenant.mac, OUTSIDE, &packet))
            .assert_dropped(DropReason::OuterNotOurs);
        // Nor the other way round.
        let outcome = host.send(tenant.port, &frame(UNTAGGED_A.mac, tenant.mac));
        outcome.assert_dropped(DropReason::NoLookupRecord);
    }
}

#[test]
fn a_tunnel_between_others_is_a_frame_like_any_other() {
    let mut host = host();
    let packet = Ip::new(ip("172.16.0.1"), ip("172.16.0.2"));
    let gre = [&[0x20, 0, 0x65, 0x58, 0, 0x13, 0x89, 0][..], &[0; 46]].concat();
    let wire = ip_frame(UNTAGGED_A.mac, OUTSIDE, &packet.carrying(GRE, &gre));
    host.receive(&wire).assert_delivered(UNTAGGED_A.port, &wire);
    assert_eq!(host.worker.counters().tally.decapsulated, 0);
}

#[test]
fn the_binding_makes_no_difference() {
    let mut host = host();
    host.edit(|policy| policy.wnv_bound = false);
    let sent = frame(UNTAGGED_B.mac, UNTAGGED_A.mac);
    host.send(UNTAGGED_A.port, &sent)
        .assert_delivered(UNTAGGED_B.port, &sent);
    let sent = frame(OUTSIDE, VLAN_7_A.mac);
    let outcome = host.send(VLAN_7_A.port, &sent);
    assert_eq!(outcome.uplink(), tagged(&sent, 0x8100, 7));
    let arrives = frame(UNTAGGED_A.mac, OUTSIDE);
    host.receive(&arrives)
        .assert_delivered(UNTAGGED_A.port, &arrives);
}

#[test]
fn the_highest_vlan_is_a_vlan() {
    let mut host = host();
    let highest = VlanId::try_new(4094).unwrap();
    host.edit(|policy| {
        for port in &mut policy.ports {
            if port.mac == VLAN_8.mac {
                port.vlan = Some(highest);
            }
        }
    });
    let sent = frame(OUTSIDE, VLAN_8.mac);
    let outcome = host.send(VLAN_8.port, &sent);
    assert_eq!(outcome.uplink(), tagged(&sent, 0x8100, 4094), "{outcome}");
}
