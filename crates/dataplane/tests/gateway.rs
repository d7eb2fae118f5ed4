//! The built-in router and gateways: which route, which record, whose address, whose TTL. The rows
//! of the semantics table that other files do not hold.

mod common;

use std::net::{IpAddr, Ipv6Addr};

use common::*;
use nvgre_dataplane::{DropReason, Event, Policy, RecordId, RouteId, Rule, Verdict};
use nvgre_wire::VirtualSubnetId;

/// An address that no on-link prefix covers.
const OUTSIDE: &str = "203.0.113.9";

/// What a guest sends through the router to an IPv4 address.
fn to_router(from: Guest, to: &str) -> Vec<u8> {
    ip_frame(ROUTER, from.mac, &Ip::new(from.v4, ip(to)).echo(b"routed"))
}

#[track_caller]
fn route_taken(journey: &Journey) -> Option<RouteId> {
    let asked = journey.sent.trace.iter().find_map(|event| match event {
        Event::RouteAsked { hit, .. } => Some(*hit),
        _ => None,
    });
    asked.unwrap_or_else(|| panic!("no route was asked\n{journey}"))
}

/// Routes to the outside with these (id, subnet, prefix, next hop, metric).
fn add_routes(world: &mut World, routes: &[(u32, u32, &str, Guest, u32)]) {
    world.edit(|policy| {
        for &(id, subnet, prefix, via, metric) in routes {
            let mut route = route(id, BLUE_DOMAIN, subnet, prefix, &via.v4.to_string());
            route.metric = metric;
            policy.customer_routes.push(route);
        }
    });
}

#[test]
fn customer_route_the_longest_prefix_wins_over_the_whole_domain() {
    let mut world = sample(Carriage::EncapV4);
    add_routes(
        &mut world,
        &[
            (80, BLUE, "0.0.0.0/0", BLUE2, 1),
            (81, BLUE_B, "203.0.113.0/24", BLUE_B2, 500),
        ],
    );
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, OUTSIDE));
    assert_eq!(route_taken(&journey), Some(RouteId(81)), "{journey}");
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, "198.51.100.1"));
    assert_eq!(route_taken(&journey), Some(RouteId(80)), "{journey}");
}

#[test]
fn customer_route_on_a_tie_the_senders_own_subnet_wins_whatever_the_metric() {
    let mut world = sample(Carriage::EncapV4);
    add_routes(
        &mut world,
        &[
            (80, BLUE_B, "0.0.0.0/0", BLUE_B2, 1),
            (81, BLUE, "0.0.0.0/0", BLUE2, 500),
        ],
    );
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, OUTSIDE));
    assert_eq!(route_taken(&journey), Some(RouteId(81)), "{journey}");
    let journey = world.guest_sends(BLUE_B1, &to_router(BLUE_B1, OUTSIDE));
    assert_eq!(route_taken(&journey), Some(RouteId(80)), "{journey}");
}

#[test]
fn customer_route_then_the_lowest_metric_whatever_the_order() {
    for (first, second) in [(10, 20), (20, 10)] {
        let mut world = sample(Carriage::EncapV4);
        add_routes(
            &mut world,
            &[
                (80, BLUE_B, "0.0.0.0/0", BLUE_B1, first),
                (81, BLUE_B, "0.0.0.0/0", BLUE_B2, second),
            ],
        );
        let lowest = RouteId(if first < second { 80 } else { 81 });
        for guest in [BLUE1, BLUE_B1] {
            let journey = world.guest_sends(guest, &to_router(guest, OUTSIDE));
            assert_eq!(route_taken(&journey), Some(lowest), "{journey}");
        }
    }
}

#[test]
fn customer_route_none_covers_the_destination() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, OUTSIDE));
    journey.sent.assert_dropped(DropReason::NoCustomerRoute);
    assert_eq!(route_taken(&journey), None);
}

#[test]
fn customer_route_one_covers_it_and_no_record_is_there() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, "10.0.1.200"));
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    assert_eq!(route_taken(&journey), Some(route_id(BLUE_B, true)));
}

#[test]
fn no_routing_domain_without_any_customer_route() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| policy.customer_routes.clear());
    // Routed or switched, it may not leave; on the switch it may go on.
    for frame in [to_router(BLUE1, "10.0.1.7"), ping(BLUE1, BLUE2)] {
        let journey = world.guest_sends(BLUE1, &frame);
        journey.sent.assert_dropped(DropReason::NoRoutingDomain);
    }
    let near = ping(BLUE1, BLUE3);
    world.guest_sends(BLUE1, &near).assert_only(BLUE3, &near);
}

/// A wildcard at Blue 2 in Blue's subnet (id 70) and one at Blue B2 in the other (71).
fn two_gateways() -> World {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        let records = [
            wildcard(70, BLUE, "0.0.0.0", BLUE2.mac, host_v4(1)),
            wildcard(71, BLUE_B, "0.0.0.0", BLUE_B2.mac, host_v4(1)),
        ];
        policy.records.extend(records);
    });
    world
}

fn wildcard_taken(journey: &Journey) -> Option<(VirtualSubnetId, Option<RecordId>)> {
    journey.sent.trace.iter().find_map(|event| match event {
        Event::WildcardAsked {
            virtual_subnet,
            hit,
        } => Some((*virtual_subnet, *hit)),
        _ => None,
    })
}

#[test]
fn gateway_wildcard_route_and_record_come_before_it() {
    let journey = two_gateways().guest_sends(BLUE1, &to_router(BLUE1, "10.0.1.5"));
    assert_eq!(wildcard_taken(&journey), None, "{journey}");
    assert_eq!(journey.deliveries.len(), 1, "{journey}");
    assert_eq!(journey.deliveries[0].port, BLUE_B1.port);
}

#[test]
fn gateway_wildcard_of_the_target_subnet_when_the_route_has_no_record() {
    let journey = two_gateways().guest_sends(BLUE1, &to_router(BLUE1, "10.0.1.200"));
    let expected = (vsid(BLUE_B), Some(RecordId(71)));
    assert_eq!(wildcard_taken(&journey), Some(expected), "{journey}");
    assert_eq!(read_nvgre(journey.sent.uplink()).subnet, BLUE_B);
    assert_eq!(journey.deliveries[0].port, BLUE_B2.port, "{journey}");
}

#[test]
fn gateway_wildcard_of_the_source_subnet_when_there_is_no_route() {
    for (guest, subnet, id) in [(BLUE1, BLUE, 70), (BLUE_B1, BLUE_B, 71)] {
        let journey = two_gateways().guest_sends(guest, &to_router(guest, OUTSIDE));
        let expected = (vsid(subnet), Some(RecordId(id)));
        assert_eq!(wildcard_taken(&journey), Some(expected), "{journey}");
        assert_eq!(read_nvgre(journey.sent.uplink()).subnet, subnet);
    }
}

#[test]
fn gateway_wildcard_is_for_its_own_family_and_subnet_only() {
    let mut world = two_gateways();
    world.edit(|policy| policy.records.retain(|record| record.id.0 != 70));
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, OUTSIDE));
    journey.sent.assert_dropped(DropReason::NoCustomerRoute);
    let packet = Ip::new(BLUE_B1.v6, ip("2001:db8::9")).echo(b"");
    let journey = world.guest_sends(BLUE_B1, &ip_frame(ROUTER, BLUE_B1.mac, &packet));
    journey.sent.assert_dropped(DropReason::NoCustomerRoute);
}

#[test]
fn gateway_wildcard_on_the_same_host_takes_the_frame_without_the_underlay() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        let record = wildcard(70, BLUE, "0.0.0.0", BLUE3.mac, host_v4(0));
        policy.records.push(record);
    });
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, OUTSIDE));
    let expected = Ip::new(BLUE1.v4, ip(OUTSIDE)).ttl(127).echo(b"routed");
    journey.assert_only(BLUE3, &ip_frame(BLUE3.mac, ROUTER, &expected));
}

#[test]
fn a_frame_that_is_not_ip_has_no_route() {
    let mut world = sample(Carriage::EncapV4);
    let frame = ethernet(ROUTER, BLUE1.mac, LLDP, &[1; 46]);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
}

#[test]
fn a_group_address_is_not_routed() {
    let mut world = sample(Carriage::EncapV4);
    add_routes(&mut world, &[(80, BLUE, "0.0.0.0/0", BLUE2, 1)]);
    for group in ["224.0.0.9", "255.255.255.255"] {
        let journey = world.guest_sends(BLUE1, &to_router(BLUE1, group));
        journey.sent.assert_dropped(DropReason::NoCustomerRoute);
    }
}

#[test]
fn router_mac_means_routing_even_within_the_subnet() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, "10.0.0.7"));
    let expected = Ip::new(BLUE1.v4, BLUE2.v4).ttl(127).echo(b"routed");
    journey.assert_only(BLUE2, &ip_frame(BLUE2.mac, ROUTER, &expected));
}

#[test]
fn ttl_is_left_alone_by_switching_and_by_decapsulation() {
    let mut world = sample(Carriage::EncapV4);
    for ttl in [1, 2, 255] {
        for to in [BLUE2, BLUE3] {
            for ipv4 in [true, false] {
                let packet = Ip::new(BLUE1.ip(ipv4), to.ip(ipv4)).ttl(ttl).echo(b"");
                let frame = ip_frame(to.mac, BLUE1.mac, &packet);
                world.guest_sends(BLUE1, &frame).assert_only(to, &frame);
            }
        }
    }
}

#[test]
fn ttl_1_ends_at_the_router_and_the_gateway_says_so() {
    let mut world = sample(Carriage::EncapV4);
    for ttl in [0, 1] {
        let packet = Ip::new(BLUE1.v4, BLUE_B2.v4).ttl(ttl).udp((1, 2), b"trace");
        let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &packet));
        journey.sent.assert_dropped(DropReason::TtlExceeded);
        let error = journey.sent.error_to(BLUE1.port);
        // Type 11, code 0, four bytes of 0, the packet.
        let rest = [&[0; 4][..], &packet].concat();
        let mut expected = Ip::new(GATEWAY_V4, BLUE1.v4).ttl(64);
        expected.id = 0;
        let expected = expected.icmp(11, 0, &rest, ICMP);
        assert_eq!(error, ip_frame(BLUE1.mac, ROUTER, &expected), "{journey}");

        let packet = Ip::new(BLUE1.v6, BLUE_B2.v6).ttl(ttl).udp((1, 2), b"trace");
        let journey = world.guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &packet));
        journey.sent.assert_dropped(DropReason::TtlExceeded);
        let rest = [&[0; 4][..], &packet].concat();
        let expected = Ip::new(GATEWAY_V6, BLUE1.v6)
            .ttl(64)
            .icmp(3, 0, &rest, ICMPV6);
        let error = journey.sent.error_to(BLUE1.port);
        assert_eq!(error, ip_frame(BLUE1.mac, ROUTER, &expected), "{journey}");
    }
}

#[test]
fn ttl_2_arrives_with_1() {
    let mut world = sample(Carriage::EncapV4);
    let packet = Ip::new(BLUE1.v4, BLUE_B2.v4).ttl(2);
    let frame = ip_frame(ROUTER, BLUE1.mac, &packet.echo(b""));
    let expected = ip_frame(BLUE_B2.mac, ROUTER, &packet.ttl(1).echo(b""));
    world
        .guest_sends(BLUE1, &frame)
        .assert_only(BLUE_B2, &expected);
}

#[test]
fn use_external_router_makes_the_router_mac_an_ordinary_station() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        policy.use_external_router = true;
        let record = encap(90, BLUE, ca("10.0.0.1"), ROUTER, host_v4(1));
        policy.records.push(record);
    });
    let outer = world.guest_sends(BLUE1, &to_router(BLUE1, "10.0.1.7"));
    let read = read_nvgre(outer.sent.uplink());
    // Switched to whoever has the MAC, unchanged: key, MACs, TTL.
    assert_eq!(read.subnet, BLUE, "{outer}");
    assert_eq!(read.inner, to_router(BLUE1, "10.0.1.7"), "{outer}");
}

#[test]
fn wnv_unbound_nothing_leaves_and_the_switch_goes_on() {
    let mut world = sample(Carriage::EncapV4);
    world.hosts[0].edit(|policy| policy.wnv_bound = false);
    for frame in [ping(BLUE1, BLUE2), to_router(BLUE1, "10.0.1.7")] {
        let journey = world.guest_sends(BLUE1, &frame);
        journey.sent.assert_dropped(DropReason::WnvUnbound);
    }
    let near = ping(BLUE1, BLUE3);
    world.guest_sends(BLUE1, &near).assert_only(BLUE3, &near);
    // Nor does anything come in.
    let journey = world.guest_sends(BLUE2, &ping(BLUE2, BLUE1));
    journey.assert_nobody();
    assert_eq!(world.hosts[0].worker.counters().tally.decapsulated, 0);
}

fn with_rule(rule: Rule) -> impl Fn(&mut Policy) {
    move |policy| {
        for record in &mut policy.records {
            if record.mac == BLUE2.mac || record.mac == BLUE3.mac {
                record.rule = rule;
            }
        }
    }
}

#[test]
fn translation_method_none_is_local_delivery_only() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(with_rule(Rule::None));
    let near = ping(BLUE1, BLUE3);
    world.guest_sends(BLUE1, &near).assert_only(BLUE3, &near);
    for frame in [ping(BLUE1, BLUE2), to_router(BLUE1, "10.0.0.7")] {
        let journey = world.guest_sends(BLUE1, &frame);
        journey.sent.assert_dropped(DropReason::TranslationNone);
    }
    // ARP is answered: the record is there.
    let journey = world.guest_sends(BLUE1, &arp_request(BLUE1, BLUE2.v4));
    journey.sent.assert_verdict(Verdict::Hairpin);
}

#[test]
fn source_pa_is_the_one_of_the_senders_own_record() {
    let mut world = sample(Carriage::EncapV4);
    let second = pa("192.168.4.111");
    world.edit(|policy| {
        for record in &mut policy.records {
            if record.mac == BLUE3.mac {
                record.provider_address = second;
            }
        }
    });
    world.hosts[0].edit(|policy| policy.provider_addresses.push(host_address(second, 0)));
    for (guest, source) in [(BLUE1, host_v4(0)), (BLUE3, second)] {
        let frame = ping(guest, BLUE2);
        let journey = world.guest_sends(guest, &frame);
        assert_eq!(read_nvgre(journey.sent.uplink()).source, source.ip());
        journey.assert_only(BLUE2, &frame);
    }
}

#[test]
fn source_check_needs_address_mac_subnet_and_host_to_agree() {
    let mut world = sample(Carriage::EncapV4);
    let send = |world: &mut World, source: &str| {
        let packet = Ip::new(ip(source), BLUE2.v4).echo(b"");
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        world.guest_sends(BLUE1, &frame).sent
    };
    // Another guest's address, one of the other subnet, and nobody's.
    for forged in ["10.0.0.9", "10.0.1.5", "10.0.0.77"] {
        send(&mut world, forged).assert_dropped(DropReason::NoSourceRecord);
    }
    assert_eq!(send(&mut world, "10.0.0.5").verdict, Verdict::Uplink);
    // A sender without an address of its own has nothing to say to another guest.
    for unclaimed in ["0.0.0.0", "169.254.7.7"] {
        send(&mut world, unclaimed).assert_dropped(DropReason::NoSourceRecord);
    }
    // The record says that the guest runs elsewhere.
    world.edit(|policy| {
        for record in &mut policy.records {
            if record.mac == BLUE1.mac {
                record.provider_address = host_v4(1);
            }
        }
    });
    for source in ["10.0.0.5", "0.0.0.0"] {
        send(&mut world, source).assert_dropped(DropReason::NoSourceRecord);
    }
}

/// V-06 warns about it; where it is so, the record decides, as it does for ARP.
#[test]
fn a_gateway_address_that_has_a_record_is_its_owners() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        let id = BLUE_B2.record_id(true);
        for record in policy.records.iter_mut().filter(|record| record.id == id) {
            record.customer_address = ca("10.0.1.1");
        }
    });
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, "10.0.1.1"));
    let expected = Ip::new(BLUE1.v4, ip("10.0.1.1")).ttl(127).echo(b"routed");
    journey.assert_only(BLUE_B2, &ip_frame(BLUE_B2.mac, ROUTER, &expected));
}

/// An advertisement is believed about its target, so that is the address it must own.
#[test]
fn an_advertisement_of_another_guests_address_does_not_leave_the_host() {
    let mut world = sample(Carriage::EncapV4);
    let advertise = |target: Ipv6Addr| {
        let option = [&[2, 1][..], &BLUE1.mac.octets()].concat();
        let body = [&[0x60, 0, 0, 0][..], &target.octets(), &option].concat();
        let packet = Ip::new(BLUE1.v6, BLUE2.v6)
            .ttl(255)
            .icmp(136, 0, &body, ICMPV6);
        ip_frame(BLUE2.mac, BLUE1.mac, &packet)
    };
    let own = advertise(BLUE1.v6);
    world.guest_sends(BLUE1, &own).assert_only(BLUE2, &own);
    for forged in [BLUE2.v6, BLUE3.v6, GATEWAY_V6] {
        world
            .guest_sends(BLUE1, &advertise(forged))
            .sent
            .assert_dropped(DropReason::NoSourceRecord);
    }
}

/// RFC 1812 s5.3.7 and RFC 4291 s2.5.6: such addresses mean nothing beyond their link.
#[test]
fn the_router_takes_no_packet_from_or_to_a_link_local_or_unspecified_address() {
    let mut world = sample(Carriage::EncapV4);
    let link_local = ip("fe80::215:5dff:fe00:5");
    for (source, destination) in [
        (ip("169.254.7.7"), IpAddr::V4(BLUE_B2.v4)),
        (ip("0.0.0.0"), IpAddr::V4(BLUE_B2.v4)),
        (link_local, IpAddr::V6(BLUE_B2.v6)),
        (IpAddr::V6(BLUE1.v6), link_local),
    ] {
        let packet = Ip::new(source, destination).udp((1, 2), b"beyond");
        world
            .guest_sends(BLUE1, &ip_frame(ROUTER, BLUE1.mac, &packet))
            .sent
            .assert_dropped(DropReason::NotRoutable);
    }
}
