//! Ways to get forwarding wrong that look right at first: traps (a) to (f) of the field notes, and
//! what a tenant is not told by.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Event, Verdict};
use nvgre_wire::{MacAddress, RoutingDomainId};

/// What a guest sends through the router to an IPv4 address.
fn to_router(from: Guest, to: &str) -> Vec<u8> {
    ip_frame(ROUTER, from.mac, &Ip::new(from.v4, ip(to)).echo(b"routed"))
}

#[test]
fn trap_a_on_link_routes_are_searched_over_the_whole_domain_and_give_the_new_key() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, "10.0.1.7"));
    journey.sent.assert_step(Event::RouteAsked {
        routing_domain: BLUE_DOMAIN,
        destination: BLUE_B2.ca(true),
        hit: Some(route_id(BLUE_B, true)),
    });
    assert_eq!(read_nvgre(journey.sent.uplink()).subnet, BLUE_B);
}

#[test]
fn trap_b_a_record_or_route_of_another_domain_is_never_found() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        // Only Red has 10.0.7.7, switched or routed.
        let red = MacAddress::new([6, 6, 0, 1, 0, 0x77]);
        policy
            .records
            .push(encap(90, RED, ca("10.0.7.7"), red, host_v4(1)));
        let route = on_link(80, RED_DOMAIN, RED, "10.0.7.0/24");
        policy.customer_routes.push(route);
    });
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, "10.0.7.7"));
    journey.sent.assert_dropped(DropReason::NoCustomerRoute);
    let red = MacAddress::new([6, 6, 0, 1, 0, 0x77]);
    let packet = Ip::new(BLUE1.v4, ip("10.0.7.7")).echo(b"");
    let journey = world.guest_sends(BLUE1, &ip_frame(red, BLUE1.mac, &packet));
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    // Red 1 itself can.
    let journey = world.guest_sends(RED1, &to_router(RED1, "10.0.7.7"));
    assert_eq!(read_nvgre(journey.sent.uplink()).subnet, RED, "{journey}");
}

#[test]
fn trap_c_a_frame_goes_to_its_mac_and_never_to_the_owner_of_its_address() {
    let mut world = sample(Carriage::EncapV4);
    // Blue 2's address with a MAC that nobody has.
    let nobody = MacAddress::new([6, 6, 0, 0, 0, 0x99]);
    let packet = Ip::new(BLUE1.v4, BLUE2.v4).echo(b"");
    let journey = world.guest_sends(BLUE1, &ip_frame(nobody, BLUE1.mac, &packet));
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    // Another station's MAC: Ethernet decides.
    let packet = Ip::new(BLUE1.v4, ip("10.0.0.200")).echo(b"");
    let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
    world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
}

#[test]
fn trap_d_a_local_port_with_the_mac_in_another_subnet_is_no_destination() {
    let mut world = sample(Carriage::EncapV4);
    let frame = ethernet(RED1.mac, BLUE1.mac, LLDP, &[1; 46]);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    let frame = ethernet(BLUE_B1.mac, BLUE1.mac, LLDP, &[1; 46]);
    let journey = world.guest_sends(BLUE1, &frame);
    journey.sent.assert_dropped(DropReason::NoLookupRecord);
    // One MAC in two subnets: each gets its own.
    world.hosts[0].edit(|policy| {
        for port in &mut policy.ports {
            if port.mac == RED1.mac {
                port.mac = BLUE3.mac;
            }
        }
    });
    let frame = ping(BLUE1, BLUE3);
    world.guest_sends(BLUE1, &frame).assert_only(BLUE3, &frame);
}

#[test]
fn trap_e_the_outer_source_is_the_senders_and_not_any_address_of_the_host() {
    let mut world = sample(Carriage::EncapV4);
    world.hosts[0].edit(|policy| {
        let first = host_address(pa("192.168.4.1"), 0);
        policy.provider_addresses.insert(0, first);
    });
    let journey = world.guest_sends(BLUE1, &ping(BLUE1, BLUE2));
    assert_eq!(read_nvgre(journey.sent.uplink()).source, host_v4(0).ip());
}

#[test]
fn trap_f_a_record_that_names_this_host_without_a_port_is_a_drop_and_no_loop() {
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        for record in &mut policy.records {
            if record.mac == BLUE2.mac {
                record.provider_address = host_v4(0);
            }
        }
    });
    for frame in [ping(BLUE1, BLUE2), to_router(BLUE1, "10.0.0.7")] {
        let journey = world.guest_sends(BLUE1, &frame);
        journey.sent.assert_dropped(DropReason::NoPort);
    }
}

#[test]
fn the_key_is_the_ports_subnet_whatever_the_frame_says() {
    let mut world = sample(Carriage::EncapV4);
    // A guest's own NVGRE packet, with Red's key, to a provider address: payload like any other.
    let inner = nvgre(
        (BLUE2.mac, host_v4(1)),
        (BLUE1.mac, host_v4(0)),
        (RED, 0),
        &ping(RED1, RED2),
    );
    let packet = Ip::new(BLUE1.v4, BLUE2.v4).carrying(GRE, &inner[34..]);
    let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
    let journey = world.guest_sends(BLUE1, &frame);
    assert_eq!(read_nvgre(journey.sent.uplink()).subnet, BLUE, "{journey}");
    journey.assert_only(BLUE2, &frame);
}

#[test]
fn a_domain_is_where_its_routes_put_a_subnet_and_nothing_else() {
    // Both subnets on their own: no route leads from one to the other.
    let mut world = sample(Carriage::EncapV4);
    world.edit(|policy| {
        for route in &mut policy.customer_routes {
            if route.virtual_subnet == vsid(BLUE_B) {
                route.routing_domain = RoutingDomainId::new(77);
            }
        }
    });
    let journey = world.guest_sends(BLUE1, &to_router(BLUE1, "10.0.1.7"));
    journey.sent.assert_dropped(DropReason::NoCustomerRoute);
}

#[test]
fn a_guest_does_not_hear_itself() {
    let mut world = sample(Carriage::EncapV4);
    let journey = world.guest_sends(BLUE1, &ethernet(BLUE1.mac, BLUE1.mac, LLDP, &[1; 46]));
    journey.sent.assert_dropped(DropReason::NoPort);
}

/// A host hears of packets that it encapsulated; what the guests are told is not the underlay's.
#[test]
fn an_icmp_error_about_a_tunnel_packet_ends_at_the_host_and_is_counted() {
    let mut world = sample(Carriage::EncapV4);
    let tunnel = nvgre(
        (host_mac(1), host_v4(1)),
        (host_mac(0), host_v4(0)),
        (BLUE, 0),
        &ping(BLUE1, BLUE2),
    );
    // Fragmentation needed, MTU 1400.
    let rest = [&[0, 0, 0x05, 0x78][..], &tunnel[14..14 + 28]].concat();
    let packet = Ip::new(ip("192.168.9.1"), host_v4(0).ip()).icmp(3, 4, &rest, ICMP);
    let outcome = world.hosts[0].receive(&ip_frame(host_mac(0), host_mac(9), &packet));
    outcome.assert_verdict(Verdict::Consumed).assert_silent();
    assert_eq!(world.hosts[0].worker.counters().tally.underlay_errors, 1);
    // An echo is no error.
    let packet = Ip::new(ip("192.168.9.1"), host_v4(0).ip()).echo(b"");
    let outcome = world.hosts[0].receive(&ip_frame(host_mac(0), host_mac(9), &packet));
    outcome.assert_verdict(Verdict::Consumed);
    assert_eq!(world.hosts[0].worker.counters().tally.underlay_errors, 1);
}
