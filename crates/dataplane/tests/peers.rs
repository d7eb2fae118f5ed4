//! Who may send what: the source provider address against the records of the routing domain.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Event};
use nvgre_wire::{FlowId, MacAddress};

/// The key names the destination's subnet, so the sender may own nothing in it.
#[test]
fn a_peer_of_the_routing_domain_may_send_to_any_of_its_subnets() {
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        policy.records.retain(|r| r.mac != BLUE_B1.mac);
    });
    let inner = ip_frame(
        BLUE_B2.mac,
        ROUTER,
        &Ip::new(BLUE1.v4, BLUE_B2.v4).echo(b"routed"),
    );
    host.receive(&packet(Carriage::EncapV4, BLUE_B, &inner))
        .assert_delivered(BLUE_B2.port, &inner);
}

/// G-11, G-14: the key gives no security, and over IPv6 no checksum guards it: source, destination and
/// subnet are checked against policy before delivery.
#[test]
fn a_peer_of_another_routing_domain_is_unknown() {
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        // Host 0 now has guests of Red only.
        policy
            .records
            .retain(|r| r.virtual_subnet == vsid(RED) || r.provider_address != host_v4(0));
    });
    let blue = blue_ping();
    let got = host.receive(&blue);
    got.assert_dropped(DropReason::UnknownPeer);
    // The trace still says whose subnet the stranger named.
    got.assert_step(Event::KeyRead {
        virtual_subnet: vsid(BLUE),
        flow_id: FlowId(0x5a),
    });
    // And no record of the sender is left to name another host.
    got.assert_step(Event::PeerUnknown {
        virtual_subnet: vsid(BLUE),
        source: host_v4(0),
        sender: None,
    });
    let red = ping(RED1, RED2);
    host.receive(&packet(Carriage::EncapV4, RED, &red))
        .assert_delivered(RED2.port, &red);
}

#[test]
fn a_subnet_without_customer_route_is_unknown_though_it_has_records() {
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        policy
            .customer_routes
            .retain(|r| r.virtual_subnet != vsid(BLUE));
    });
    host.receive(&blue_ping())
        .assert_dropped(DropReason::UnknownVsid);
}

#[test]
fn an_address_with_a_record_may_come_from_that_records_host_only() {
    // Blue 2 itself lives on host 1: host 0 cannot have sent this.
    for inner in [
        ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(BLUE2.v4, BLUE2.v4).echo(b"forged"),
        ),
        ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(BLUE2.v6, BLUE2.v6).echo(b"forged"),
        ),
        arp(BLUE2.mac, 2, (BLUE1.mac, BLUE2.v4), (BLUE2.mac, BLUE2.v4)),
    ] {
        let got = receiver(Carriage::EncapV4).receive(&packet(Carriage::EncapV4, BLUE, &inner));
        got.assert_dropped(DropReason::PeerNotSource);
        got.assert_step(Event::PeerChecked {
            virtual_subnet: vsid(BLUE),
            source: host_v4(0),
            hit: Some(BLUE2.record_id(inner[12..14] != [0x86, 0xdd])),
        });
    }
}

#[test]
fn an_address_without_record_may_come_from_any_peer() {
    let stranger: std::net::Ipv4Addr = [10, 0, 0, 200].into();
    let inner = ip_frame(
        BLUE2.mac,
        BLUE1.mac,
        &Ip::new(stranger, BLUE2.v4).echo(b"new here"),
    );
    receiver(Carriage::EncapV4)
        .receive(&packet(Carriage::EncapV4, BLUE, &inner))
        .assert_delivered(BLUE2.port, &inner);
}

#[test]
fn the_source_of_a_routed_packet_is_looked_for_in_the_whole_routing_domain() {
    let routed = |source: Guest| {
        let packet = Ip::new(source.v4, BLUE2.v4).ttl(127).echo(b"routed");
        ip_frame(BLUE2.mac, ROUTER, &packet)
    };
    let from_host_0 = |inner: &[u8]| packet(Carriage::EncapV4, BLUE, inner);
    receiver(Carriage::EncapV4)
        .receive(&from_host_0(&routed(BLUE_B1)))
        .assert_delivered(BLUE2.port, &routed(BLUE_B1));
    // Blue B 2 runs on host 1.
    receiver(Carriage::EncapV4)
        .receive(&from_host_0(&routed(BLUE_B2)))
        .assert_dropped(DropReason::PeerNotSource);
}

#[test]
fn a_routed_source_may_be_any_of_the_domains_records_of_that_address() {
    // Blue B 2's address is in Blue too, on host 0 (V-05 warns).
    let mut host = receiver_with(Carriage::EncapV4, |policy| {
        policy.records.push(encap(
            90,
            BLUE,
            BLUE_B2.ca(true),
            mac("06-06-00-00-00-99"),
            host_v4(0),
        ));
    });
    let packet_in = ip_frame(
        BLUE2.mac,
        ROUTER,
        &Ip::new(BLUE_B2.v4, BLUE2.v4).ttl(127).echo(b"x"),
    );
    host.receive(&packet(Carriage::EncapV4, BLUE, &packet_in))
        .assert_delivered(BLUE2.port, &packet_in);
}

/// A GatewayWildcard record lets its MAC carry foreign addresses from its provider address.
#[test]
fn a_gateway_may_forward_addresses_that_are_recorded_elsewhere() {
    let gateway = mac("06-06-00-00-00-aa");
    let with_gateway_on = |pa| {
        receiver_with(Carriage::EncapV4, |policy| {
            policy
                .records
                .push(wildcard(90, BLUE, "0.0.0.0", gateway, pa));
        })
    };
    let from = |mac: MacAddress| {
        let inner = ip_frame(
            BLUE2.mac,
            mac,
            &Ip::new(BLUE2.v4, BLUE2.v4).echo(b"forwarded"),
        );
        (packet(Carriage::EncapV4, BLUE, &inner), inner)
    };
    let (from_gateway, inner) = from(gateway);
    with_gateway_on(host_v4(0))
        .receive(&from_gateway)
        .assert_delivered(BLUE2.port, &inner);
    // Not from another MAC, and not when the gateway is on another host.
    with_gateway_on(host_v4(0))
        .receive(&from(BLUE1.mac).0)
        .assert_dropped(DropReason::PeerNotSource);
    with_gateway_on(pa("192.168.4.33"))
        .receive(&from_gateway)
        .assert_dropped(DropReason::PeerNotSource);
}

#[test]
fn link_local_and_unspecified_sources_belong_to_no_record() {
    let link_local: std::net::Ipv6Addr = "fe80::5".parse().expect("an address");
    let unspecified = std::net::Ipv6Addr::UNSPECIFIED;
    let group = mac("33-33-ff-00-00-07");
    for inner in [
        ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(link_local, BLUE2.v6).echo(b"x"),
        ),
        // Duplicate address detection of an address that host 1 has.
        [
            &group.octets()[..],
            &solicitation(BLUE1.mac, unspecified, BLUE2.v6, false)[6..],
        ]
        .concat(),
    ] {
        receiver(Carriage::EncapV4)
            .receive(&packet(Carriage::EncapV4, BLUE, &inner))
            .assert_delivered(BLUE2.port, &inner);
    }
}
