//! The packet flows of Hyper-V Network Virtualization, F-01 to F-16, end to end over the hosts.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Event, Learned, PortSubnet, RecordType, Verdict};
use nvgre_wire::FlowId;

/// What the built-in router makes of a frame: new MACs, TTL less one.
fn routed(packet: &[u8], to: Guest) -> Vec<u8> {
    ip_frame(to.mac, ROUTER, packet)
}

#[test]
fn f01_on_one_switch_a_subnet_works_with_port_vsids_alone() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.wnv_bound = false);
    let question = arp_request(BLUE1, BLUE3.v4);
    world
        .guest_sends(BLUE1, &question)
        .assert_only(BLUE3, &question);
    let reply = arp_reply(BLUE3, BLUE1);
    world.guest_sends(BLUE3, &reply).assert_only(BLUE1, &reply);
    let frame = ping(BLUE1, BLUE3);
    world.guest_sends(BLUE1, &frame).assert_only(BLUE3, &frame);
}

#[test]
fn f01_local_unicast_is_switched_and_nothing_is_translated() {
    let mut world = sample(Carriage::EncapV4);
    let frame = ping(BLUE1, BLUE3);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_only(BLUE3, &frame);
    let subnet = PortSubnet::Tenant(vsid(BLUE));
    let port = nvgre_dataplane::PortId(BLUE3.port);
    assert_eq!(
        journey.sent.trace,
        [
            Event::Admitted {
                port: nvgre_dataplane::PortId(BLUE1.port),
                subnet
            },
            Event::RecordAsked {
                virtual_subnet: vsid(BLUE),
                customer_address: BLUE3.ca(true),
                hit: Some(BLUE3.record_id(true))
            },
            Event::PortAsked {
                subnet,
                mac: BLUE3.mac,
                hit: Some(port)
            },
            Event::Delivered(port),
        ]
    );
}

#[test]
fn f02_arp_is_answered_from_the_record_and_nothing_goes_to_the_underlay() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, BLUE2.v4));
    assert_eq!(journey.sent.answer(), arp_reply(BLUE2, BLUE1), "{journey}");
    assert!(journey.arrivals.is_empty(), "{journey}");
    journey.assert_nobody();
}

#[test]
fn f02_a_frame_to_a_guest_on_another_host_travels_in_nvgre_and_arrives_as_it_was() {
    for carriage in Carriage::ENCAP {
        let mut world = sample(carriage);
        for frame in [ping(BLUE1, BLUE2), ping6(BLUE1, BLUE2)] {
            let journey = world.guest_sends(BLUE1, &frame);
            journey.assert_only(BLUE2, &frame);
            let outer = read_nvgre(journey.sent.uplink());
            let pa = |guest| carriage.provider_address(guest, true).ip();
            assert_eq!(outer.subnet, BLUE, "{journey}");
            assert_eq!(outer.inner, frame, "{journey}");
            assert_eq!((outer.source, outer.destination), (pa(BLUE1), pa(BLUE2)));
        }
    }
}

#[test]
fn f02_the_walk_names_every_table_that_was_asked() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &ping(BLUE1, BLUE2));
    let (virtual_subnet, subnet) = (vsid(BLUE), PortSubnet::Tenant(vsid(BLUE)));
    let (source, destination) = (host_v4(0), host_v4(1));
    let flow_id = FlowId(read_nvgre(journey.sent.uplink()).flow);
    let port = nvgre_dataplane::PortId;
    assert_eq!(
        journey.sent.trace,
        [
            Event::Admitted {
                port: port(BLUE1.port),
                subnet
            },
            Event::RecordAsked {
                virtual_subnet,
                customer_address: BLUE2.ca(true),
                hit: Some(BLUE2.record_id(true))
            },
            Event::PortAsked {
                subnet,
                mac: BLUE2.mac,
                hit: None
            },
            Event::SourceAsked {
                virtual_subnet,
                customer_address: Some(BLUE1.ca(true)),
                mac: BLUE1.mac,
                hit: Some(BLUE1.record_id(true))
            },
            Event::NextHopAsked {
                provider_address: destination,
                hit: Some(host_mac(1))
            },
            Event::Encapsulated {
                virtual_subnet,
                flow_id,
                source,
                destination
            },
        ],
        "{journey}"
    );
    assert_eq!(
        journey.arrival().trace,
        [
            Event::OuterAccepted {
                source,
                destination
            },
            Event::KeyRead {
                virtual_subnet,
                flow_id
            },
            Event::PeerChecked {
                virtual_subnet,
                source,
                hit: Some(BLUE1.record_id(true))
            },
            Event::PortAsked {
                subnet,
                mac: BLUE2.mac,
                hit: Some(port(BLUE2.port))
            },
            Event::Delivered(port(BLUE2.port)),
        ],
        "{journey}"
    );
}

#[test]
fn f03_the_first_contact_with_an_l2_only_guest_teaches_its_address() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        policy.records.retain(|record| record.mac != BLUE2.mac);
        let record = l2_only(90, BLUE, BLUE2.mac, host_v4(1));
        policy.records.push(record);
    });

    let question = arp_request(BLUE1, BLUE2.v4);
    let journey = world.guest_sends(BLUE1, &question);
    journey.assert_reached(&[BLUE3, BLUE2], &question);
    assert_eq!(journey.sent.uplinks().count(), 1, "{journey}");

    let reply = arp_reply(BLUE2, BLUE1);
    let journey = world.guest_sends(BLUE2, &reply);
    journey.assert_only(BLUE1, &reply);
    let learned = Learned {
        virtual_subnet: vsid(BLUE),
        customer_address: BLUE2.ca(true),
        mac: BLUE2.mac,
        provider_address: host_v4(1),
    };
    assert_eq!(journey.arrival().learned, [learned], "{journey}");

    world.hosts[0].edit(|policy| {
        policy.records.push(nvgre_dataplane::LookupRecord {
            record_type: RecordType::Dynamic,
            ..encap(
                91,
                BLUE,
                learned.customer_address,
                learned.mac,
                learned.provider_address,
            )
        });
    });
    let journey = world.guest_sends(BLUE1, &question);
    assert_eq!(journey.sent.answer(), reply, "{journey}");
    let frame = ping(BLUE1, BLUE2);
    world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
    let back = ping(BLUE2, BLUE1);
    let journey = world.guest_sends(BLUE2, &back);
    journey.assert_only(BLUE1, &back);
    assert_eq!(journey.arrival().learned, [], "known already\n{journey}");
}

#[test]
fn f04_two_subnets_of_one_domain_meet_in_the_built_in_router_of_the_host() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, GATEWAY_V4));
    let gateway = arp(BLUE1.mac, 2, (ROUTER, GATEWAY_V4), (BLUE1.mac, BLUE1.v4));
    assert_eq!(journey.sent.answer(), gateway, "{journey}");

    for ipv4 in [true, false] {
        let packet = Ip::new(BLUE1.ip(ipv4), BLUE_B1.ip(ipv4));
        let frame = ip_frame(ROUTER, BLUE1.mac, &packet.echo(b"routed"));
        let journey = world.guest_sends(BLUE1, &frame);
        let expected = routed(&packet.ttl(127).echo(b"routed"), BLUE_B1);
        journey.assert_only(BLUE_B1, &expected);
        assert_eq!(journey.sent.uplinks().count(), 0, "{journey}");
        journey.sent.assert_step(Event::Routed {
            from: vsid(BLUE),
            to: vsid(BLUE_B),
        });
    }
}

#[test]
fn f05_the_senders_host_routes_and_the_key_is_the_destinations_subnet() {
    for carriage in Carriage::ENCAP {
        let mut world = sample(carriage);
        for ipv4 in [true, false] {
            let packet = Ip::new(BLUE1.ip(ipv4), BLUE_B2.ip(ipv4));
            let frame = ip_frame(ROUTER, BLUE1.mac, &packet.echo(b"routed"));
            let journey = world.guest_sends(BLUE1, &frame);
            let expected = routed(&packet.ttl(127).echo(b"routed"), BLUE_B2);
            journey.assert_only(BLUE_B2, &expected);
            let outer = read_nvgre(journey.sent.uplink());
            assert_eq!(outer.subnet, BLUE_B, "{journey}");
            assert_eq!(outer.inner, expected, "{journey}");
        }
    }
}

#[test]
fn f06_under_nat_the_packet_itself_travels_between_provider_addresses() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        let frame = ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(BLUE1.ip(ipv4), BLUE2.ip(ipv4)).udp((1000, 2000), b"rewritten"),
        );
        let journey = world.guest_sends(BLUE1, &frame);
        journey.assert_only(BLUE2, &frame);
        let pa = |guest| Carriage::Nat.provider_address(guest, ipv4).ip();
        let on_the_wire = ip_frame(
            host_mac(1),
            host_mac(0),
            &Ip::new(pa(BLUE1), pa(BLUE2)).udp((1000, 2000), b"rewritten"),
        );
        assert_eq!(journey.sent.uplink(), on_the_wire, "{journey}");
        journey.sent.assert_step(Event::Rewritten {
            source: BLUE1.record_id(ipv4),
            destination: BLUE2.record_id(ipv4),
        });
        journey.arrival().assert_step(Event::Rewritten {
            source: BLUE1.record_id(ipv4),
            destination: BLUE2.record_id(ipv4),
        });
    }
}

#[test]
fn f06_a_rewritten_packet_between_subnets_comes_from_the_router() {
    let mut world = sample(Carriage::Nat);
    let packet = Ip::new(BLUE1.v4, BLUE_B2.v4);
    let frame = ip_frame(ROUTER, BLUE1.mac, &packet.udp((1, 2), b"x"));
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_only(
        BLUE_B2,
        &routed(&packet.ttl(127).udp((1, 2), b"x"), BLUE_B2),
    );
}

#[test]
fn f07_on_an_on_link_route_the_destination_is_the_next_hop() {
    let mut world = sample(Carriage::EncapV4);
    let packet = Ip::new(BLUE1.v4, BLUE_B2.v4).echo(b"");
    let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &packet));
    journey.sent.assert_step(Event::RouteAsked {
        routing_domain: BLUE_DOMAIN,
        destination: BLUE_B2.ca(true),
        hit: Some(route_id(BLUE_B, true)),
    });
    journey.sent.assert_step(Event::RecordAsked {
        virtual_subnet: vsid(BLUE_B),
        customer_address: BLUE_B2.ca(true),
        hit: Some(BLUE_B2.record_id(true)),
    });
}

#[test]
fn f08_another_route_leads_to_its_next_hop_and_leaves_the_destination_alone() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        let next_hop = BLUE_B2.v4.to_string();
        let default = route(80, BLUE_DOMAIN, BLUE_B, "0.0.0.0/0", &next_hop);
        policy.customer_routes.push(default);
    });
    let packet = Ip::new(BLUE1.v4, ip("203.0.113.9"));
    let frame = ip_frame(ROUTER, BLUE1.mac, &packet.echo(b"out"));
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_only(BLUE_B2, &routed(&packet.ttl(127).echo(b"out"), BLUE_B2));
    assert_eq!(read_nvgre(journey.sent.uplink()).subnet, BLUE_B);
    journey.sent.assert_step(Event::RecordAsked {
        virtual_subnet: vsid(BLUE_B),
        customer_address: BLUE_B2.ca(true),
        hit: Some(BLUE_B2.record_id(true)),
    });

    // Longest prefix first: what is on-link still is.
    let packet = Ip::new(BLUE1.v4, BLUE_B1.v4);
    let frame = ip_frame(ROUTER, BLUE1.mac, &packet.echo(b"in"));
    let journey = world.guest_sends(BLUE1, &frame);
    journey.assert_only(BLUE_B1, &routed(&packet.ttl(127).echo(b"in"), BLUE_B1));
}

/// Blue B2 is a gateway to elsewhere.
fn with_gateway() -> World {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        let record = wildcard(70, BLUE_B, "0.0.0.0", BLUE_B2.mac, host_v4(1));
        policy.records.push(record);
    });
    world
}

#[test]
fn f09_what_no_route_covers_goes_to_the_gateway_of_the_subnet() {
    let mut world = with_gateway();
    let packet = Ip::new(BLUE_B1.v4, ip("203.0.113.9"));
    let frame = ip_frame(ROUTER, BLUE_B1.mac, &packet.echo(b"out"));
    let journey = world.guest_sends(BLUE_B1, &frame);
    journey.assert_only(BLUE_B2, &routed(&packet.ttl(127).echo(b"out"), BLUE_B2));
    journey.sent.assert_step(Event::WildcardAsked {
        virtual_subnet: vsid(BLUE_B),
        hit: Some(nvgre_dataplane::RecordId(70)),
    });
}

#[test]
fn f10_a_gateway_forwards_addresses_that_have_no_record() {
    let outside = ip("203.0.113.9");
    let packet = Ip::new(outside, BLUE_B1.v4).echo(b"in");
    let switched = ip_frame(BLUE_B1.mac, BLUE_B2.mac, &packet);
    with_gateway()
        .guest_sends(BLUE_B2, &switched)
        .assert_only(BLUE_B1, &switched);

    let to_blue1 = Ip::new(outside, BLUE1.v4);
    let frame = ip_frame(ROUTER, BLUE_B2.mac, &to_blue1.echo(b"in"));
    with_gateway()
        .guest_sends(BLUE_B2, &frame)
        .assert_only(BLUE1, &routed(&to_blue1.ttl(127).echo(b"in"), BLUE1));

    // Who is no gateway may not.
    let journey = sample(Carriage::EncapV4).guest_sends(BLUE_B2, &switched);
    journey.sent.assert_dropped(DropReason::NoSourceRecord);
}

#[test]
fn f11_a_broadcast_reaches_its_subnet_on_every_host_and_nobody_else() {
    for carriage in Carriage::ENCAP {
        let mut world = sample(carriage);
        let packet = Ip::new(BLUE1.v4, ip("10.0.0.255")).udp((137, 137), b"who");
        let frame = ip_frame(BROADCAST, BLUE1.mac, &packet);
        let journey = world.guest_sends(BLUE1, &frame);
        journey.assert_reached(&[BLUE2, BLUE3], &frame);
        assert_eq!(journey.sent.uplinks().count(), 1, "one per host\n{journey}");
    }
}

#[test]
fn f12_known_addresses_and_the_gateway_are_answered_and_ones_own_is_not() {
    let mut world = sample(Carriage::EncapV4);
    for known in [BLUE2, BLUE3] {
        let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, known.v4));
        assert_eq!(journey.sent.answer(), arp_reply(known, BLUE1), "{journey}");
    }
    let announcement = arp_request(BLUE1, BLUE1.v4);
    world
        .guest_sends(BLUE1, &announcement)
        .assert_reached(&[BLUE2, BLUE3], &announcement);
    // Red's address is nobody's here, though it is on the same host.
    let unknown = arp_request(BLUE1, "10.0.0.200".parse().unwrap());
    world
        .guest_sends(BLUE1, &unknown)
        .assert_only(BLUE3, &unknown);
}

#[test]
fn f13_dhcp_of_an_l2_only_guest_passes_by_its_mac() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        policy.records.retain(|record| record.mac != BLUE1.mac);
        let record = l2_only(90, BLUE, BLUE1.mac, host_v4(0));
        policy.records.push(record);
    });
    let packet = Ip::new(ip("0.0.0.0"), ip("255.255.255.255")).udp((68, 67), &[1; 240]);
    let discover = ip_frame(BROADCAST, BLUE1.mac, &packet);
    let journey = world.guest_sends(BLUE1, &discover);
    journey.assert_reached(&[BLUE2, BLUE3], &discover);
    assert_eq!(journey.arrival().learned, [], "0.0.0.0 is no address");
}

#[test]
fn f14_under_nat_only_ip_leaves_the_host() {
    let mut world = sample(Carriage::Nat);
    let away = ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[7; 50]);
    let journey = world.guest_sends(BLUE1, &away);
    journey.sent.assert_dropped(DropReason::NatNotIp);
    let near = ethernet(BLUE3.mac, BLUE1.mac, LLDP, &[7; 50]);
    world.guest_sends(BLUE1, &near).assert_only(BLUE3, &near);
}

#[test]
fn f15_ports_without_vsid_are_switched_with_the_wire_and_never_with_tenants() {
    let mut world = sample(Carriage::EncapV4);
    let plain = [0, 1].map(|host| Guest {
        host,
        port: 9,
        mac: nvgre_wire::MacAddress::new([2, 0, 0, 0, 9, host as u8]),
        ..BLUE1
    });
    for guest in plain {
        let port = nvgre_dataplane::Port::new(nvgre_dataplane::PortId(9), guest.mac);
        world.hosts[guest.host].edit(|policy| policy.ports.push(port));
    }
    let frame = ethernet(plain[1].mac, plain[0].mac, LLDP, &[7; 50]);
    let journey = world.guest_sends(plain[0], &frame);
    assert_eq!(journey.sent.uplink(), frame, "as it is\n{journey}");
    journey.assert_only(plain[1], &frame);
    let broadcast = ethernet(BROADCAST, plain[0].mac, LLDP, &[7; 50]);
    world
        .guest_sends(plain[0], &broadcast)
        .assert_only(plain[1], &broadcast);
    // Blue 3 is on the same switch; it might as well be elsewhere.
    let to_tenant = ethernet(BLUE3.mac, plain[0].mac, LLDP, &[7; 50]);
    world.guest_sends(plain[0], &to_tenant).assert_nobody();
}

/// Live migration of Blue 2 from host 1 to host 2, event by event. Records do not follow by
/// themselves; every peer is blind until its own update.
#[test]
fn f16_after_a_migration_each_host_is_blind_until_its_records_are_updated() {
    let mut world = World::new([0, 1, 2].map(|host| sample_policy(Carriage::EncapV4, host)));
    let moved = Guest {
        host: 2,
        port: 0,
        ..BLUE2
    };
    let (to, from) = (ping(BLUE1, BLUE2), ping(BLUE2, BLUE1));
    world.guest_sends(BLUE1, &to).assert_only(BLUE2, &to);
    world.guest_sends(BLUE2, &from).assert_only(BLUE1, &from);

    // The port moves with its VSID.
    world.hosts[1].edit(|policy| policy.ports.retain(|port| port.mac != BLUE2.mac));
    world.hosts[2].edit(|policy| policy.ports.push(port_of(moved)));
    let journey = world.guest_sends(BLUE1, &to);
    journey.arrival().assert_dropped(DropReason::NoPort);
    let journey = world.guest_sends(moved, &from);
    journey.sent.assert_dropped(DropReason::NoSourceRecord);

    let update = |policy: &mut nvgre_dataplane::Policy| {
        for record in &mut policy.records {
            if record.mac == BLUE2.mac {
                record.provider_address = host_v4(2);
            }
        }
    };
    // The new host knows: it sends, and the peer does not know it yet.
    world.hosts[2].edit(update);
    let journey = world.guest_sends(moved, &from);
    journey.arrival().assert_dropped(DropReason::UnknownPeer);
    let journey = world.guest_sends(BLUE1, &to);
    journey.arrival().assert_dropped(DropReason::NoPort);

    // The peer knows: both directions work.
    world.hosts[0].edit(update);
    world.guest_sends(BLUE1, &to).assert_only(moved, &to);
    world.guest_sends(moved, &from).assert_only(BLUE1, &from);

    // The old host still believes that the guest is here.
    let packet = Ip::new(BLUE_B2.v4, BLUE2.v4);
    let late = ip_frame(ROUTER, BLUE_B2.mac, &packet.echo(b"late"));
    let journey = world.guest_sends(BLUE_B2, &late);
    journey.sent.assert_dropped(DropReason::NoPort);
    world.hosts[1].edit(update);
    world
        .guest_sends(BLUE_B2, &late)
        .assert_only(moved, &routed(&packet.ttl(127).echo(b"late"), BLUE2));
}

#[test]
fn f16_while_a_guest_moves_the_other_tenant_sees_nothing_and_loses_nothing() {
    let mut world = sample(Carriage::EncapV4);
    let (blue, red) = (ping(BLUE1, BLUE2), ping(RED1, RED2));
    let check = |world: &mut World| {
        let journey = world.guest_sends(BLUE1, &blue);
        let reds = [(RED1.host, RED1.port), (RED2.host, RED2.port)];
        let leaked = journey
            .deliveries
            .iter()
            .any(|delivery| reds.contains(&(delivery.host, delivery.port)));
        assert!(!leaked, "{journey}");
        world.guest_sends(RED1, &red).assert_only(RED2, &red);
    };
    check(&mut world);
    world.hosts[1].edit(|policy| policy.ports.retain(|port| port.mac != BLUE2.mac));
    check(&mut world);
    world.hosts[0].edit(|policy| policy.records.retain(|record| record.mac != BLUE2.mac));
    check(&mut world);
    let journey = world.guest_sends(BLUE1, &blue);
    journey
        .sent
        .assert_verdict(Verdict::Drop(DropReason::NoLookupRecord));
}
