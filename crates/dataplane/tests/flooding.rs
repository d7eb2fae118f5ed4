//! Broadcast and multicast: who gets a copy, how many copies are made, and what happens when some
//! of them cannot be (RFC 7637 s4.2).

mod common;

use common::*;
use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, Destination, DropReason, Event, PortId, PortSubnet,
    Rule, Verdict,
};
use nvgre_wire::MacAddress;

fn broadcast(from: Guest) -> Vec<u8> {
    let packet = Ip::new(from.v4, ip("255.255.255.255")).udp((137, 137), b"who");
    ip_frame(BROADCAST, from.mac, &packet)
}

fn three_hosts(carriage: Carriage) -> World {
    World::new([0, 1, 2].map(|host| sample_policy(carriage, host)))
}

/// A guest that no host runs: its record names a provider address.
fn record_at(id: u32, host: usize) -> nvgre_dataplane::LookupRecord {
    let last = 100 + id as u8;
    encap(
        id,
        BLUE,
        ca(&format!("10.0.0.{last}")),
        MacAddress::new([6, 6, 0, 0, 0, last]),
        host_v4(host),
    )
}

#[test]
fn one_copy_goes_to_each_host_however_many_records_name_it() {
    let mut world = three_hosts(Carriage::EncapV4);
    world.edit(|policy| {
        policy
            .records
            .extend([record_at(90, 1), record_at(91, 2), record_at(92, 2)]);
    });
    let frame = broadcast(BLUE1);
    let journey = world.guest_sends(BLUE1, &frame);
    let to: Vec<_> = journey
        .sent
        .uplinks()
        .map(|packet| read_nvgre(packet))
        .collect();
    let destinations: Vec<_> = to.iter().map(|read| read.destination).collect();
    assert_eq!(
        destinations,
        [host_v4(1).ip(), host_v4(2).ip()],
        "{journey}"
    );
    for read in &to {
        assert_eq!((read.subnet, &read.inner), (BLUE, &frame), "{journey}");
    }
    journey.sent.assert_verdict(Verdict::Replicated(3));
    journey.sent.assert_step(Event::Flooded {
        local: 1,
        remote: 2,
    });
    journey.assert_reached(&[BLUE2, BLUE3], &frame);
}

#[test]
fn local_copies_come_first_and_are_what_the_guest_sent() {
    let mut world = sample(Carriage::EncapV4);
    let frame = broadcast(BLUE1);
    let outcome = world.hosts[0].send(BLUE1.port, &frame);
    let to: Vec<_> = outcome.copies.iter().map(|(to, _)| *to).collect();
    assert_eq!(
        to,
        [Destination::Port(PortId(BLUE3.port)), Destination::Uplink],
        "{outcome}"
    );
    assert_eq!(outcome.copies[0].1, frame, "{outcome}");
}

#[test]
fn a_single_destination_leaves_the_frame_in_place() {
    let mut world = sample(Carriage::EncapV4);
    // Blue 3 is gone: only the other host is left.
    world.edit(|policy| policy.ports.retain(|port| port.mac != BLUE3.mac));
    let frame = broadcast(BLUE1);
    let outcome = world.hosts[0].send(BLUE1.port, &frame);
    assert_eq!(read_nvgre(outcome.uplink()).inner, frame, "{outcome}");
    assert!(outcome.copies.is_empty(), "{outcome}");
    // Nor is there any other host.
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.records.retain(|record| record.mac != BLUE2.mac));
    let outcome = world.hosts[0].send(BLUE1.port, &frame);
    outcome.assert_delivered(BLUE3.port, &frame);
    assert!(outcome.copies.is_empty(), "{outcome}");
}

#[test]
fn a_copy_from_the_underlay_is_flooded_to_local_ports_and_never_sent_on() {
    let mut world = three_hosts(Carriage::EncapV4);
    world.edit(|policy| policy.records.push(record_at(90, 2)));
    let frame = broadcast(BLUE2);
    let journey = world.guest_sends(BLUE2, &frame);
    journey.assert_reached(&[BLUE1, BLUE3], &frame);
    for (_, arrival) in &journey.arrivals {
        assert_eq!(arrival.uplinks().count(), 0, "{journey}");
    }
}

#[test]
fn a_subnet_stays_within_itself() {
    let mut world = sample(Carriage::EncapV4);
    let frame = broadcast(RED1);
    world.guest_sends(RED1, &frame).assert_only(RED2, &frame);
    let frame = broadcast(BLUE_B1);
    world
        .guest_sends(BLUE_B1, &frame)
        .assert_only(BLUE_B2, &frame);
}

#[test]
fn hosts_with_nat_or_none_records_get_no_copies() {
    for rule in [Rule::Nat, Rule::None] {
        let mut world = sample(Carriage::Nat);
        world.edit(|policy| {
            for record in &mut policy.records {
                record.rule = rule;
            }
        });
        let frame = broadcast(BLUE1);
        world.guest_sends(BLUE1, &frame).assert_only(BLUE3, &frame);
    }
}

#[test]
fn hosts_known_by_gateway_or_l2_only_records_get_copies_too() {
    let mut world = three_hosts(Carriage::EncapV4);
    let mac = MacAddress::new([6, 6, 0, 0, 0, 0x44]);
    for record in [
        l2_only(90, BLUE, mac, host_v4(2)),
        wildcard(90, BLUE, "0.0.0.0", mac, host_v4(2)),
    ] {
        world.edit(|policy| {
            policy.records.retain(|record| record.id.0 != 90);
            policy.records.push(record);
        });
        let journey = world.guest_sends(BLUE1, &broadcast(BLUE1));
        assert_eq!(journey.sent.uplinks().count(), 2, "{journey}");
    }
}

#[test]
fn a_multicast_group_replaces_the_copies_by_one_packet() {
    for (carriage, group, mac) in [
        (Carriage::EncapV4, "239.1.2.3", [0x01, 0x00, 0x5e, 1, 2, 3]),
        (Carriage::EncapV6, "ff05::1:3", [0x33, 0x33, 0, 1, 0, 3]),
    ] {
        let mut world = three_hosts(carriage);
        world.edit(|policy| {
            policy.multicast_groups.insert(vsid(BLUE), pa(group));
        });
        let frame = broadcast(BLUE1);
        let journey = world.guest_sends(BLUE1, &frame);
        let packets: Vec<_> = journey.sent.uplinks().collect();
        assert_eq!(packets.len(), 1, "{journey}");
        assert_eq!(
            packets[0][..6],
            mac,
            "RFC 1112 s6.4, RFC 2464 s7\n{journey}"
        );
        assert_eq!(read_nvgre(packets[0]).destination, ip(group), "{journey}");
        // Host 2 has joined and holds no guest of the subnet.
        journey.assert_reached(&[BLUE2, BLUE3], &frame);
        let (_, idle) = &journey.arrivals[1];
        idle.assert_dropped(DropReason::NoPort);
    }
}

#[test]
fn subnets_that_share_a_group_are_told_apart_by_their_vsid() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        for subnet in [BLUE, RED, BLUE_B] {
            policy
                .multicast_groups
                .insert(vsid(subnet), pa("239.1.2.3"));
        }
    });
    let frame = broadcast(RED1);
    world.guest_sends(RED1, &frame).assert_only(RED2, &frame);
}

#[test]
fn a_packet_to_a_group_that_this_host_has_not_joined_is_never_decapsulated() {
    let mut world = sample(Carriage::EncapV4);
    let packet = nvgre(
        (MacAddress::new([1, 0, 0x5e, 1, 2, 3]), pa("239.1.2.3")),
        (host_mac(1), host_v4(1)),
        (BLUE, 0),
        &broadcast(BLUE2),
    );
    world.hosts[0]
        .receive(&packet)
        .assert_verdict(Verdict::Consumed);
}

#[test]
fn unknown_unicast_is_never_flooded() {
    let mut world = sample(Carriage::EncapV4);
    let nobody = MacAddress::new([6, 6, 0, 0, 0, 0x99]);
    for frame in [
        ethernet(nobody, BLUE1.mac, LLDP, &[1; 46]),
        ip_frame(
            nobody,
            BLUE1.mac,
            &Ip::new(BLUE1.v4, ip("10.0.0.200")).echo(b""),
        ),
    ] {
        let journey = world.guest_sends(BLUE1, &frame);
        journey.sent.assert_dropped(DropReason::NoLookupRecord);
        journey.assert_nobody();
    }
}

#[test]
fn without_a_source_record_only_local_ports_hear() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.records.retain(|record| record.mac != BLUE1.mac));
    let frame = broadcast(BLUE1);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_only(BLUE3, &frame);
    journey
        .sent
        .assert_step(Event::RemoteCopiesRefused(DropReason::NoSourceRecord));
    let tally = world.hosts[0].worker.counters().tally;
    assert_eq!(tally.remote_copies_refused, 1);
    assert_eq!(world.hosts[0].drops(DropReason::NoSourceRecord), 0);

    // With nobody on this host it is the reason.
    world.edit(|policy| policy.ports.retain(|port| port.mac != BLUE3.mac));
    let journey = world.guest_sends(BLUE1, &frame);
    journey.sent.assert_dropped(DropReason::NoSourceRecord);
}

#[test]
fn a_broadcast_that_nobody_can_hear_is_dropped() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        policy
            .records
            .retain(|record| record.virtual_subnet != vsid(RED))
    });
    let journey = world.guest_sends(RED1, &broadcast(RED1));
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    world.edit(|policy| policy.wnv_bound = false);
    let journey = world.guest_sends(RED1, &broadcast(RED1));
    journey.sent.assert_dropped(DropReason::WnvUnbound);
}

#[test]
fn without_a_routing_domain_only_local_ports_hear() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.customer_routes.clear());
    let frame = broadcast(BLUE1);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_only(BLUE3, &frame);
    journey
        .sent
        .assert_step(Event::RemoteCopiesRefused(DropReason::NoRoutingDomain));
    let journey = world.guest_sends(RED1, &broadcast(RED1));
    journey.sent.assert_dropped(DropReason::NoRoutingDomain);
}

#[test]
fn a_host_that_cannot_be_reached_does_not_keep_the_others_from_hearing() {
    let mut world = three_hosts(Carriage::EncapV4);
    world.edit(|policy| {
        let mut away = record_at(90, 2);
        away.provider_address = pa("192.168.99.1");
        policy.records.insert(0, away);
    });
    let frame = broadcast(BLUE1);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_reached(&[BLUE2, BLUE3], &frame);
    journey.sent.assert_verdict(Verdict::Replicated(2));
    journey
        .sent
        .assert_step(Event::RemoteCopiesRefused(DropReason::NextHopUnresolved));
    // Nobody but that host: it is the reason.
    world.edit(|policy| {
        policy.ports.retain(|port| port.mac != BLUE3.mac);
        policy.records.retain(|record| record.mac != BLUE2.mac);
    });
    let journey = world.guest_sends(BLUE1, &frame);
    journey.sent.assert_dropped(DropReason::NextHopUnresolved);
}

/// The copies to hosts of one family do not depend on the sender having an address of the other.
#[test]
fn hosts_of_both_families_get_copies_from_an_address_of_their_own_family() {
    let mut world = three_hosts(Carriage::EncapV4);
    // Blue 1's IPv6 record names an IPv6 address of the host, and host 2 is known by IPv6 only.
    world.edit(|policy| {
        for record in &mut policy.records {
            if record.id == BLUE1.record_id(false) {
                record.provider_address = host_v6(0);
            }
        }
        let mut at_2 = record_at(90, 2);
        at_2.provider_address = host_v6(2);
        policy.records.push(at_2);
    });
    for host in [0, 2] {
        let address = host_address(host_v6(host), host);
        world.hosts[host].edit(|policy| policy.provider_addresses.push(address));
    }
    // A frame that shows no address goes by MAC, and the MAC has records of both families.
    let frame = ethernet(BROADCAST, BLUE1.mac, LLDP, &[7; 46]);
    let journey = world.guest_sends(BLUE1, &frame);
    let packets: Vec<_> = journey.sent.uplinks().map(read_nvgre).collect();
    let pairs: Vec<_> = packets.iter().map(|p| (p.source, p.destination)).collect();
    let expected = [
        (host_v4(0).ip(), host_v4(1).ip()),
        (host_v6(0).ip(), host_v6(2).ip()),
    ];
    assert_eq!(pairs, expected, "{journey}");
    journey.assert_reached(&[BLUE2, BLUE3], &frame);
}

#[test]
fn a_port_that_may_not_hear_or_is_not_connected_gets_no_copy() {
    let frame = broadcast(BLUE1);
    let mut world = sample(Carriage::EncapV4);
    let deny = Acl {
        action: AclAction::Deny,
        direction: AclDirection::Inbound,
        remote: AclRemote::Prefix("10.0.0.5/32".parse().unwrap()),
    };
    world.hosts[0].edit(|policy| {
        for port in &mut policy.ports {
            if port.mac == BLUE3.mac {
                port.acls.push(deny);
            }
        }
    });
    world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
    let mut world = sample(Carriage::EncapV4);
    world.hosts[0].edit(|policy| {
        for port in &mut policy.ports {
            port.connected = port.mac != BLUE3.mac;
        }
    });
    world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
}

#[test]
fn a_tagged_broadcast_is_untagged_for_everybody() {
    let mut world = sample(Carriage::EncapV4);
    let frame = broadcast(BLUE1);
    let stacked = tagged(&tagged(&frame, 0x8100, 5), 0x88a8, 6);
    world
        .guest_sends(BLUE1, &stacked)
        .assert_reached(&[BLUE2, BLUE3], &frame);
}

#[test]
fn every_copy_is_counted_where_it_arrives() {
    let mut world = sample(Carriage::EncapV4);
    let frame = broadcast(BLUE1);
    let _ = world.guest_sends(BLUE1, &frame);
    let bytes = frame.len() as u64;
    for (guest, sent, received) in [(BLUE1, 1, 0), (BLUE3, 0, 1), (BLUE2, 0, 1), (RED1, 0, 0)] {
        let counters = world.hosts[guest.host].worker.counters();
        let port = counters.port(PortId(guest.port));
        assert_eq!((port.sent_frames, port.sent_bytes), (sent, sent * bytes));
        assert_eq!(
            (port.received_frames, port.received_bytes),
            (received, received * bytes),
            "{}",
            guest.name
        );
    }
    assert_eq!(world.hosts[0].worker.counters().tally.encapsulated, 1);
    assert_eq!(world.hosts[1].worker.counters().tally.decapsulated, 1);
}

/// VSID 16,777,215 on a port: this switch and nothing else.
#[test]
fn local_only_ports_hear_each_other_and_nobody_else() {
    let mut world = sample(Carriage::EncapV4);
    for host in &mut world.hosts {
        host.edit(|policy| {
            for port in &mut policy.ports {
                port.subnet = PortSubnet::LocalOnly;
            }
        });
    }
    let frame = broadcast(BLUE1);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_reached(&[BLUE3, BLUE_B1, RED1], &frame);
    journey.sent.assert_step(Event::Flooded {
        local: 3,
        remote: 0,
    });
    assert_eq!(journey.sent.uplinks().count(), 0, "{journey}");
    let away = ping(BLUE1, BLUE2);
    let journey = world.guest_sends(BLUE1, &away);
    journey.sent.assert_dropped(DropReason::NoPort);
    world.hosts[0].edit(|policy| policy.ports.retain(|port| port.mac == BLUE1.mac));
    let journey = world.guest_sends(BLUE1, &frame);
    journey.sent.assert_dropped(DropReason::NoPort);
}
