//! ICMP errors under IP rewrite: the packet that they quote has other addresses too.

mod common;

use std::net::IpAddr;

use common::*;
use nvgre_dataplane::{DropReason, ProviderRoute};
use nvgre_wire::{ProviderAddress, ProviderPrefix};

/// "Port unreachable" from `s` to `d`, quoting what `d` sent to `s`: `quote` of it.
fn unreachable(s: IpAddr, d: IpAddr, quote: impl Fn(IpAddr, IpAddr) -> Vec<u8>) -> Vec<u8> {
    let rest = [&[0; 4][..], &quote(d, s)].concat();
    if s.is_ipv4() {
        Ip::new(s, d).icmp(3, 3, &rest, ICMP)
    } else {
        Ip::new(s, d).icmp(1, 4, &rest, ICMPV6)
    }
}

#[test]
fn an_icmp_error_is_translated_together_with_what_it_quotes() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        let whole = |s, d| Ip::new(s, d).udp((1000, 2000), b"to a closed port");
        travels(&mut world, ipv4, |s, d| unreachable(s, d, whole));
        let tcp = |s, d| Ip::new(s, d).tcp((1000, 2000), b"data");
        travels(&mut world, ipv4, |s, d| unreachable(s, d, tcp));
        // IP header and 8 bytes: TCP's checksum is not among them.
        let short = |s, d| {
            let mut quote = tcp(s, d);
            quote.truncate(if s.is_ipv4() { 28 } else { 48 });
            quote
        };
        travels(&mut world, ipv4, |s, d| unreachable(s, d, short));
        let no_checksum = |s, d| Ip::new(s, d).carrying(UDP, &[3, 232, 7, 208, 0, 10, 0, 0, 1, 2]);
        travels(&mut world, ipv4, |s, d| unreachable(s, d, no_checksum));
        // Quoted ICMP covers addresses in ICMPv6 only.
        let echo = |s, d| Ip::new(s, d).echo(b"ping");
        travels(&mut world, ipv4, |s, d| unreachable(s, d, echo));
        // An odd number of quoted bytes.
        let odd = |s, d| {
            let mut quote = whole(s, d);
            quote.truncate(quote.len() - 1);
            quote
        };
        travels(&mut world, ipv4, |s, d| unreachable(s, d, odd));
    }
    let later = |s, d| Ip::new(s, d).fragment(5, false).carrying(UDP, &[9; 20]);
    travels(&mut world, true, |s, d| unreachable(s, d, later));
}

#[test]
fn a_stale_checksum_in_a_quote_is_updated_and_not_judged() {
    let mut world = sample(Carriage::Nat);
    let quote = |s: IpAddr, d: IpAddr| {
        let mut packet = Ip::new(s, d).udp((1, 2), b"x");
        // As a stack that clears the field before quoting.
        packet[10..12].copy_from_slice(&[0, 0]);
        packet
    };
    let frame = sent(true, |s, d| unreachable(s, d, quote));
    let journey = world.guest_sends(BLUE1, &frame);
    assert_checksums(journey.sent.uplink());
    journey.assert_only(BLUE2, &frame);
}

#[test]
fn an_icmp_error_that_quotes_a_stranger_is_refused() {
    let mut world = sample(Carriage::Nat);
    for ipv4 in [true, false] {
        let stranger = if ipv4 {
            ip("203.0.113.9")
        } else {
            ip("2001:db8::9")
        };
        refused(&mut world, ipv4, DropReason::NatUnsupported, |s, d| {
            unreachable(s, d, |_, to| Ip::new(stranger, to).udp((1, 2), b"x"))
        });
        // Less than an IP header.
        refused(&mut world, ipv4, DropReason::NatUnsupported, |s, d| {
            unreachable(s, d, |_, _| vec![0x45; 10])
        });
    }
}

/// An underlay router has no customer address: the tenant's gateway lends its own.
#[test]
fn an_error_from_an_underlay_router_comes_from_the_gateway_and_quotes_customer_addresses() {
    for ipv4 in [true, false] {
        let mut world = sample(Carriage::Nat);
        let (router, gateway) = if ipv4 {
            (ip("192.168.9.1"), IpAddr::V4(GATEWAY_V4))
        } else {
            (ip("fd00:9::1"), IpAddr::V6(GATEWAY_V6))
        };
        let build = |from: IpAddr, to: IpAddr, peer: IpAddr| {
            let quote = Ip::new(to, peer).ttl(1).udp((1000, 2000), b"far away");
            let rest = [&[0; 4][..], &quote].concat();
            if ipv4 {
                Ip::new(from, to).ttl(60).icmp(11, 0, &rest, ICMP)
            } else {
                Ip::new(from, to).ttl(60).icmp(3, 0, &rest, ICMPV6)
            }
        };
        let packet = build(router, pa_of(BLUE1, ipv4), pa_of(BLUE2, ipv4));
        // Anybody on the wire could send it: a router is a next hop of a provider route.
        world.hosts[0]
            .receive(&ip_frame(host_mac(0), host_mac(9), &packet))
            .assert_dropped(DropReason::NatUnknownPa);
        world.hosts[0].edit(|policy| {
            policy.provider_routes.push(ProviderRoute {
                interface_index: policy.provider_addresses[0].interface_index,
                destination: ProviderPrefix::new(ProviderAddress::new(router), 16).expect("fits"),
                next_hop: ProviderAddress::new(router),
                metric: 1,
            });
        });
        let outcome = world.hosts[0].receive(&ip_frame(host_mac(0), host_mac(9), &packet));
        let expected = build(gateway, BLUE1.ip(ipv4), BLUE2.ip(ipv4));
        outcome.assert_delivered(BLUE1.port, &ip_frame(BLUE1.mac, ROUTER, &expected));

        // About a packet of another tenant, or nobody's: not for this guest.
        for stranger in [pa_of(RED2, ipv4), router] {
            let packet = build(router, pa_of(BLUE1, ipv4), stranger);
            let outcome = world.hosts[0].receive(&ip_frame(host_mac(0), host_mac(9), &packet));
            outcome.assert_dropped(DropReason::NatUnsupported);
        }
    }
}

#[test]
fn only_errors_may_come_from_addresses_without_a_nat_record() {
    let mut world = sample(Carriage::Nat);
    let packet = Ip::new(ip("192.168.9.1"), pa_of(BLUE1, true)).echo(b"hello");
    world.hosts[0]
        .receive(&ip_frame(host_mac(0), host_mac(9), &packet))
        .assert_dropped(DropReason::NatUnknownPa);
}
