//! What a port lets in: state, VLAN, source MAC, guards, rates, and provider addresses that a
//! pass-through guest may not use. ACLs are in `acl.rs`.

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};

use common::*;
use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, DropReason, Event, Nanos, Port, PortId, PortSubnet,
    Verdict,
};
use nvgre_wire::MacAddress;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

fn group_v6(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, last)
}

#[test]
fn only_a_connected_port_takes_frames() {
    let mut host = host_with(BLUE1, |port| port.connected = false);
    host.send(0, &ping(BLUE1, BLUE3))
        .assert_dropped(DropReason::PortDisconnected);
    host.send(77, &ping(BLUE1, BLUE3))
        .assert_dropped(DropReason::PortDisconnected);
    assert_eq!(host.drops(DropReason::PortDisconnected), 2);
}

#[test]
fn a_disconnected_port_gets_nothing() {
    let mut host = host_with(BLUE3, |port| port.connected = false);
    // The record says that the guest is here.
    host.send(0, &ping(BLUE1, BLUE3))
        .assert_dropped(DropReason::NoPort);
    let flood = host.send(0, &ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]));
    flood.assert_verdict(Verdict::Uplink);
    let from_host_1 = nvgre(
        (host_mac(0), host_v4(0)),
        (host_mac(1), host_v4(1)),
        (BLUE, 0),
        &ping(BLUE2, BLUE3),
    );
    host.receive(&from_host_1)
        .assert_dropped(DropReason::NoPort);
}

#[test]
fn a_frame_shorter_than_an_ethernet_header_is_short() {
    let frame = ping(BLUE1, BLUE3);
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    for len in 0..14 {
        host.send(0, &frame[..len])
            .assert_dropped(DropReason::InnerShort);
    }
    let tagged = tagged(&frame, 0x8100, 1);
    for len in 14..18 {
        host.send(0, &tagged[..len])
            .assert_dropped(DropReason::InnerShort);
    }
    host.send(0, &frame[..14])
        .assert_delivered(BLUE3.port, &frame[..14]);
}

#[test]
fn a_source_mac_that_is_not_the_ports_is_spoofed() {
    let stranger = mac("06-06-00-00-00-77");
    let forged = ip_frame(BLUE3.mac, stranger, &Ip::new(BLUE1.v4, BLUE3.v4).echo(b"x"));
    host_with(BLUE1, |_| {})
        .send(0, &forged)
        .assert_dropped(DropReason::SpoofedMac);
    // Also that of a neighbor's, which is a right one elsewhere.
    host_with(BLUE1, |_| {})
        .send(0, &ping(BLUE2, BLUE3))
        .assert_dropped(DropReason::SpoofedMac);
    host_with(BLUE1, |port| port.mac_address_spoofing = true)
        .send(0, &forged)
        .assert_delivered(BLUE3.port, &forged);
}

#[test]
fn spoofing_does_not_make_a_group_address_a_station() {
    for spoofing in [false, true] {
        for source in [BROADCAST, mac("07-06-00-00-00-05")] {
            let frame = ethernet(BLUE3.mac, source, LLDP, &[0; 46]);
            host_with(BLUE1, |port| port.mac_address_spoofing = spoofing)
                .send(0, &frame)
                .assert_dropped(DropReason::InnerSourceGroup);
        }
    }
}

#[test]
fn a_spoofing_port_still_cannot_leave_the_host_under_a_foreign_address() {
    let mut host = host_with(BLUE1, |port| port.mac_address_spoofing = true);
    let as_blue_2 = ip_frame(
        BLUE2.mac,
        BLUE2.mac,
        &Ip::new(BLUE2.v4, BLUE2.v4).echo(b"x"),
    );
    host.send(0, &as_blue_2)
        .assert_dropped(DropReason::NoSourceRecord);
}

/// A pass-through port in VLAN `vlan_id`, port 9, and a neighbor, port 10.
fn pass_through(vlan_id: Option<u16>) -> Host {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    host.edit(|policy| {
        for (id, last) in [(9, 1), (10, 2)] {
            let mut port = Port::new(PortId(id), pass_mac(last));
            port.vlan = vlan_id.and_then(vlan);
            policy.ports.push(port);
        }
    });
    host
}

fn pass_mac(last: u8) -> MacAddress {
    MacAddress::new([0, 0x15, 0x5d, 9, 9, last])
}

#[test]
fn a_pass_through_port_takes_untagged_and_priority_tagged_frames_only() {
    let frame = ethernet(pass_mac(2), pass_mac(1), LLDP, &[0; 46]);
    for vlan_id in [None, Some(7)] {
        let mut host = pass_through(vlan_id);
        host.send(9, &frame).assert_delivered(10, &frame);
        let priority = tagged(&frame, 0x8100, 0xa000);
        host.send(9, &priority).assert_delivered(10, &frame);
        for refused in [
            tagged(&frame, 0x8100, 7),
            tagged(&frame, 0x88a8, 7),
            tagged(&priority, 0x8100, 0),
        ] {
            host.send(9, &refused)
                .assert_dropped(DropReason::VlanNotAllowed);
        }
    }
}

#[test]
fn a_tenants_port_takes_any_tag_and_removes_it() {
    let frame = ping(BLUE1, BLUE3);
    let stack = tagged(&tagged(&frame, 0x8100, 7), 0x88a8, 9);
    for subnet in [PortSubnet::Tenant(vsid(BLUE)), PortSubnet::LocalOnly] {
        let mut host = host_with(BLUE1, |port| port.subnet = subnet);
        host.edit(|policy| port_mut(policy, BLUE3).subnet = subnet);
        for frame_in in [tagged(&frame, 0x8100, 7), stack.clone()] {
            host.send(0, &frame_in).assert_delivered(BLUE3.port, &frame);
        }
    }
}

#[test]
fn dhcp_guard_stops_servers_and_lets_clients_pass() {
    let guarded = |from: (u16, bool)| {
        let (source_port, ipv4) = from;
        let packet = Ip::new(BLUE1.ip(ipv4), BLUE3.ip(ipv4)).udp((source_port, 68), &[2; 300]);
        ip_frame(BLUE3.mac, BLUE1.mac, &packet)
    };
    // DHCP servers send from 67, DHCPv6 servers from 547 (RFC 2131, RFC 8415).
    for server in [guarded((67, true)), guarded((547, false))] {
        host_with(BLUE1, |port| port.dhcp_guard = true)
            .send(0, &server)
            .assert_dropped(DropReason::DhcpGuard);
        host_with(BLUE1, |_| {})
            .send(0, &server)
            .assert_delivered(BLUE3.port, &server);
        // A tag does not hide it.
        host_with(BLUE1, |port| port.dhcp_guard = true)
            .send(0, &tagged(&server, 0x8100, 3))
            .assert_dropped(DropReason::DhcpGuard);
    }
    for client in [
        guarded((68, true)),
        guarded((546, false)),
        guarded((53, true)),
    ] {
        host_with(BLUE1, |port| port.dhcp_guard = true)
            .send(0, &client)
            .assert_delivered(BLUE3.port, &client);
    }
}

#[test]
fn dhcp_guard_looks_at_first_fragments_and_behind_options_and_extension_headers() {
    let datagram = udp(BLUE1.v4.into(), BLUE3.v4.into(), (67, 68), &[2; 300]);
    let ip = Ip::new(BLUE1.v4, BLUE3.v4);
    let mut with_options = ip.clone();
    with_options.options = vec![1; 8];
    let offer6 = udp(BLUE1.v6.into(), BLUE3.v6.into(), (547, 546), &[2; 300]);
    let behind = [&[UDP, 0, 1, 4, 0, 0, 0, 0][..], &offer6].concat();
    for packet in [
        ip.clone().fragment(0, true).carrying(UDP, &datagram[..64]),
        with_options.carrying(UDP, &datagram),
        Ip::new(BLUE1.v6, BLUE3.v6).carrying(60, &behind),
    ] {
        host_with(BLUE1, |port| port.dhcp_guard = true)
            .send(0, &ip_frame(BLUE3.mac, BLUE1.mac, &packet))
            .assert_dropped(DropReason::DhcpGuard);
    }
    // A later fragment's bytes are data, whatever they look like.
    let later = ip.fragment(8, false).carrying(UDP, &datagram[..64]);
    let later = ip_frame(BLUE3.mac, BLUE1.mac, &later);
    host_with(BLUE1, |port| port.dhcp_guard = true)
        .send(0, &later)
        .assert_delivered(BLUE3.port, &later);
}

#[test]
fn router_guard_stops_advertisements_and_redirects_of_both_families() {
    let all_systems: Ipv4Addr = [224, 0, 0, 1].into();
    let v4 = Ip::new(BLUE1.v4, all_systems).ttl(1);
    let v6 = Ip::new(BLUE1.v6, group_v6(1)).ttl(255);
    for (kind, packet, refused) in [
        (
            "ICMP router advertisement",
            v4.icmp(9, 0, &[0; 12], ICMP),
            true,
        ),
        ("ICMP redirect", v4.icmp(5, 1, &[0; 32], ICMP), true),
        (
            "router advertisement",
            v6.icmp(134, 0, &[0; 12], ICMPV6),
            true,
        ),
        ("ICMPv6 redirect", v6.icmp(137, 0, &[0; 36], ICMPV6), true),
        (
            "ICMP router solicitation",
            v4.icmp(10, 0, &[0; 4], ICMP),
            false,
        ),
        (
            "router solicitation",
            v6.icmp(133, 0, &[0; 4], ICMPV6),
            false,
        ),
        // The numbers mean something else in the other family.
        ("ICMP 134", v4.icmp(134, 0, &[0; 12], ICMP), false),
        ("ICMPv6 9", v6.icmp(9, 0, &[0; 12], ICMPV6), false),
    ] {
        let frame = ip_frame(BLUE3.mac, BLUE1.mac, &packet);
        let sent = host_with(BLUE1, |port| port.router_guard = true).send(0, &frame);
        if refused {
            sent.assert_dropped(DropReason::RouterGuard);
        } else {
            sent.assert_delivered(BLUE3.port, &frame);
        }
        let unguarded = host_with(BLUE1, |_| {}).send(0, &frame);
        assert!(
            unguarded.verdict == Verdict::Deliver(PortId(BLUE3.port)),
            "{kind}\n{unguarded}"
        );
    }
}

/// A bucket of one second: what a port may send at once, and how fast it fills again.
#[test]
fn a_port_sends_its_bandwidth_and_no_more() {
    let frame = ethernet(BLUE3.mac, BLUE1.mac, LLDP, &[0; 986]);
    assert_eq!(frame.len(), 1_000);
    let mut host = host_with(BLUE1, |port| {
        port.maximum_bandwidth_bits_per_second = 5 * 8_000;
    });
    for _ in 0..5 {
        host.send(0, &frame).assert_delivered(BLUE3.port, &frame);
    }
    host.send(0, &frame)
        .assert_dropped(DropReason::RateExceeded);
    // A smaller frame does not fit either: the bucket is empty.
    host.send(0, &frame[..14])
        .assert_dropped(DropReason::RateExceeded);
    host.now = Nanos(200 * MILLISECOND - 1);
    host.send(0, &frame)
        .assert_dropped(DropReason::RateExceeded);
    host.now = Nanos(200 * MILLISECOND);
    host.send(0, &frame).assert_delivered(BLUE3.port, &frame);
    host.send(0, &frame)
        .assert_dropped(DropReason::RateExceeded);
    // An hour's silence saves one second's worth.
    host.now = Nanos(3_600 * SECOND);
    let passed = (0..10)
        .filter(|_| host.send(0, &frame).verdict == Verdict::Deliver(PortId(BLUE3.port)))
        .count();
    assert_eq!(passed, 5);
    // Other ports are not concerned.
    let back = ethernet(BLUE1.mac, BLUE3.mac, LLDP, &[0; 986]);
    host.send(BLUE3.port, &back).assert_delivered(0, &back);
}

#[test]
fn without_a_limit_a_port_sends_as_much_as_it_likes() {
    let frame = ethernet(BLUE3.mac, BLUE1.mac, LLDP, &[0; 1_486]);
    let mut host = host_with(BLUE1, |_| {});
    for _ in 0..10_000 {
        host.send(0, &frame)
            .assert_verdict(Verdict::Deliver(PortId(BLUE3.port)));
    }
}

#[test]
fn the_largest_bandwidth_and_the_last_nanosecond_are_numbers_like_others() {
    let frame = ping(BLUE1, BLUE3);
    let mut host = host_with(BLUE1, |port| {
        port.maximum_bandwidth_bits_per_second = u64::MAX;
    });
    host.send(0, &frame).assert_delivered(BLUE3.port, &frame);
    host.now = Nanos(u64::MAX);
    host.send(0, &frame).assert_delivered(BLUE3.port, &frame);
}

#[test]
fn a_storm_of_broadcast_multicast_and_unknown_unicast_is_cut_each_second() {
    let broadcast = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]);
    let multicast = ethernet(mac("01-80-c2-00-00-0e"), BLUE1.mac, LLDP, &[0; 46]);
    let unknown = ethernet(mac("06-06-00-00-00-77"), BLUE1.mac, LLDP, &[0; 46]);
    let mut host = host_with(BLUE1, |port| port.storm_limit_packets_per_second = 3);
    host.send(0, &broadcast)
        .assert_verdict(Verdict::Replicated(2));
    host.send(0, &multicast)
        .assert_verdict(Verdict::Replicated(2));
    host.send(0, &unknown)
        .assert_dropped(DropReason::NoLookupRecord);
    for frame in [&broadcast, &multicast, &unknown] {
        host.send(0, frame).assert_dropped(DropReason::StormLimit);
    }
    // Known unicast is no storm.
    host.send(0, &ping(BLUE1, BLUE3))
        .assert_delivered(BLUE3.port, &ping(BLUE1, BLUE3));
    host.now = Nanos(SECOND - 1);
    host.send(0, &broadcast)
        .assert_dropped(DropReason::StormLimit);
    host.now = Nanos(SECOND);
    host.send(0, &broadcast)
        .assert_verdict(Verdict::Replicated(2));
}

#[test]
fn of_everything_that_is_wrong_with_a_frame_the_first_in_order_is_the_reason() {
    // A pass-through guest that forges a provider address, from a foreign MAC, with a tag, as DHCP
    // server, to a denied address, faster than allowed.
    let offer = Ip::new(host_v4(1).ip(), host_v4(0).ip()).udp((67, 68), &[2; 300]);
    let frame = ip_frame(pass_mac(2), pass_mac(7), &offer);
    let all_wrong = tagged(&frame, 0x8100, 7);
    let mut host = pass_through(None);
    host.edit(|policy| {
        let port = &mut policy
            .ports
            .iter_mut()
            .find(|port| port.id.0 == 9)
            .expect("port 9");
        port.connected = false;
        port.dhcp_guard = true;
        port.acls = vec![Acl {
            action: AclAction::Deny,
            direction: AclDirection::Outbound,
            remote: AclRemote::Prefix("0.0.0.0/0".parse().expect("a prefix")),
        }];
        port.maximum_bandwidth_bits_per_second = 8;
    });
    let mend = |host: &mut Host, change: fn(&mut Port)| {
        host.edit(|policy| {
            change(
                policy
                    .ports
                    .iter_mut()
                    .find(|port| port.id.0 == 9)
                    .expect("port 9"),
            );
        });
    };
    host.send(9, &all_wrong)
        .assert_dropped(DropReason::PortDisconnected);
    mend(&mut host, |port| port.connected = true);
    host.send(9, &all_wrong)
        .assert_dropped(DropReason::VlanNotAllowed);
    host.send(9, &frame).assert_dropped(DropReason::SpoofedMac);
    mend(&mut host, |port| port.mac_address_spoofing = true);
    host.send(9, &frame).assert_dropped(DropReason::DhcpGuard);
    mend(&mut host, |port| port.dhcp_guard = false);
    host.send(9, &frame).assert_dropped(DropReason::AclDenied);
    mend(&mut host, |port| port.acls.clear());
    host.send(9, &frame)
        .assert_dropped(DropReason::RateExceeded);
    mend(&mut host, |port| port.maximum_bandwidth_bits_per_second = 0);
    host.send(9, &frame)
        .assert_dropped(DropReason::ProviderAddressSpoofed);
}

/// Pass-through guests share the wire with the tunnels.
#[test]
fn a_pass_through_guest_may_not_speak_from_a_provider_address() {
    let (own, remote) = (host_v4(0).ip(), host_v4(1).ip());
    let other: Ipv4Addr = [192, 168, 4, 99].into();
    let four = |ip: std::net::IpAddr| match ip {
        std::net::IpAddr::V4(v4) => v4,
        std::net::IpAddr::V6(_) => panic!("IPv4"),
    };
    let frame = |packet: &[u8]| ip_frame(pass_mac(2), pass_mac(1), packet);
    let no_mac = MacAddress::new([0; 6]);
    for (name, sent, refused) in [
        (
            "IPv4 from this host's",
            frame(&Ip::new(own, other).udp((1, 2), b"x")),
            true,
        ),
        (
            "IPv4 from a record's",
            frame(&Ip::new(remote, other).udp((1, 2), b"x")),
            true,
        ),
        (
            "IPv4 to one",
            frame(&Ip::new(other, remote).udp((1, 2), b"x")),
            false,
        ),
        (
            "GRE to one",
            frame(&Ip::new(other, remote).carrying(GRE, &[0; 8])),
            true,
        ),
        (
            "a fragment of GRE to one",
            frame(
                &Ip::new(other, own)
                    .fragment(2, false)
                    .carrying(GRE, &[0; 8]),
            ),
            true,
        ),
        (
            "GRE elsewhere",
            frame(&Ip::new(other, Ipv4Addr::new(198, 51, 100, 1)).carrying(GRE, &[0; 8])),
            false,
        ),
        (
            "ARP request as one",
            arp(BROADCAST, 1, (pass_mac(1), four(remote)), (no_mac, other)),
            true,
        ),
        (
            "ARP reply as one",
            arp(
                pass_mac(2),
                2,
                (pass_mac(1), four(own)),
                (pass_mac(2), other),
            ),
            true,
        ),
        (
            "ARP request for one",
            arp(BROADCAST, 1, (pass_mac(1), other), (no_mac, four(remote))),
            false,
        ),
    ] {
        let sent = pass_through(None).send(9, &sent);
        let is_refused = sent.verdict == Verdict::Drop(DropReason::ProviderAddressSpoofed);
        assert!(is_refused == refused, "{name}\n{sent}");
    }
}

/// A provider address is the host's before any guest has a record with it.
#[test]
fn nor_from_a_provider_address_that_no_record_names_yet() {
    let idle = pa("192.168.4.111");
    let mut host = pass_through(None);
    host.edit(|policy| policy.provider_addresses.push(host_address(idle, 0)));
    let packet = Ip::new(idle.ip(), Ipv4Addr::new(192, 168, 4, 99)).udp((1, 2), b"x");
    host.send(9, &ip_frame(pass_mac(2), pass_mac(1), &packet))
        .assert_dropped(DropReason::ProviderAddressSpoofed);
}

#[test]
fn nor_over_ipv6_nor_by_neighbor_discovery() {
    let mut host = Host::new(sample_policy(Carriage::EncapV6, 0));
    host.edit(|policy| policy.ports.push(Port::new(PortId(9), pass_mac(1))));
    let remote = host_v6(1).ip();
    let link_local: Ipv6Addr = "fe80::9".parse().expect("an address");
    let advertisement = |hop_limit: u8| {
        let std::net::IpAddr::V6(target) = remote else {
            panic!("IPv6");
        };
        let rest = [&[0x20, 0, 0, 0][..], &target.octets()].concat();
        let ip = Ip::new(link_local, group_v6(1)).ttl(hop_limit);
        ip.icmp(136, 0, &rest, ICMPV6)
    };
    let behind_options = [&[GRE, 0, 1, 4, 0, 0, 0, 0][..], &[0; 8]].concat();
    for (name, packet, refused) in [
        (
            "from one",
            Ip::new(remote, link_local).udp((1, 2), b"x"),
            true,
        ),
        (
            "to one",
            Ip::new(link_local, remote).udp((1, 2), b"x"),
            false,
        ),
        (
            "GRE to one",
            Ip::new(link_local, remote).carrying(GRE, &[0; 8]),
            true,
        ),
        (
            "GRE behind destination options to one",
            Ip::new(link_local, remote).carrying(60, &behind_options),
            true,
        ),
        ("an advertisement of one", advertisement(255), true),
        // RFC 4861 s7.1.2: nobody believes it.
        ("a void advertisement of one", advertisement(64), false),
    ] {
        let frame = ip_frame(mac("33-33-00-00-00-01"), pass_mac(1), &packet);
        let sent = host.send(9, &frame);
        let is_refused = sent.verdict == Verdict::Drop(DropReason::ProviderAddressSpoofed);
        assert!(is_refused == refused, "{name}\n{sent}");
    }
}

/// In a virtual subnet the same bytes are only payload.
#[test]
fn a_tenants_guest_may_have_any_address_of_its_own() {
    let packet =
        Ip::new(BLUE1.v4, BLUE3.v4).carrying(GRE, &[0x20, 0, 0x65, 0x58, 0, 0x17, 0x71, 0]);
    let frame = ip_frame(BLUE3.mac, BLUE1.mac, &packet);
    host_with(BLUE1, |_| {})
        .send(0, &frame)
        .assert_delivered(BLUE3.port, &frame);
    let as_provider = Ip::new(host_v4(1).ip(), host_v4(0).ip()).carrying(GRE, &[0; 8]);
    let frame = ip_frame(BLUE3.mac, BLUE1.mac, &as_provider);
    host_with(BLUE1, |_| {})
        .send(0, &frame)
        .assert_delivered(BLUE3.port, &frame);
}

#[test]
fn what_a_guest_sends_is_counted_though_it_is_dropped() {
    let mut host = host_with(BLUE1, |_| {});
    let forged = ping(BLUE2, BLUE3);
    host.send(0, &forged).assert_dropped(DropReason::SpoofedMac);
    host.send(0, &ping(BLUE1, BLUE3))
        .assert_step(Event::Admitted {
            port: PortId(0),
            subnet: PortSubnet::Tenant(vsid(BLUE)),
        });
    let sender = host.worker.counters().port(PortId(0));
    assert_eq!(
        (sender.sent_frames, sender.sent_bytes),
        (2, 2 * forged.len() as u64)
    );
    let receiver = host.worker.counters().port(PortId(BLUE3.port));
    assert_eq!((receiver.received_frames, receiver.sent_frames), (1, 0));
    assert_eq!(host.worker.counters().port(PortId(99)).sent_frames, 0);
}

/// RFC 7113: a first fragment whose chain of headers goes on in the next one hides what it carries.
#[test]
fn guards_let_no_packet_pass_that_hides_what_it_carries() {
    // A fragment header (first, more to come), then destination options of 80 bytes, 8 of them here.
    let hidden = [&[60, 0, 0, 1, 0, 0, 0, 7][..], &[58, 9, 1, 76, 0, 0, 0, 0]].concat();
    let packet = Ip::new(BLUE1.v6, group_v6(1))
        .ttl(255)
        .carrying(44, &hidden);
    let frame = ip_frame(BLUE3.mac, BLUE1.mac, &packet);
    host_with(BLUE1, |port| port.router_guard = true)
        .send(0, &frame)
        .assert_dropped(DropReason::RouterGuard);
    host_with(BLUE1, |port| port.dhcp_guard = true)
        .send(0, &frame)
        .assert_dropped(DropReason::DhcpGuard);
    host_with(BLUE1, |_| {})
        .send(0, &frame)
        .assert_delivered(BLUE3.port, &frame);
}
