//! The sets that property tests draw from, and a policy with as many branches as one can hold.

use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, LookupRecord, Policy, Port, PortId, PortSubnet, Rule,
};
use nvgre_wire::MacAddress;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A frame from Blue 1 to Blue 2, untagged, that its port lets out: IP of both families with any
/// upper layer, DSCP, ECN and TTL, whole or a fragment; and protocols that are not IP.
pub(crate) fn frames_to_blue2() -> impl Strategy<Value = Vec<u8>> {
    let ip = (
        any::<bool>(),
        ip_headers(),
        any::<u8>(),
        vec(any::<u8>(), 0..1380),
    )
        .prop_map(|(ipv4, header, protocol, payload)| {
            let packet = header
                .between(BLUE1, BLUE2, ipv4)
                .carrying(protocol, &payload);
            ip_frame(BLUE2.mac, BLUE1.mac, &packet)
        });
    let other = (0x0600..=0xffff_u16, vec(any::<u8>(), 0..1420))
        .prop_filter("no IP, ARP or tag", |(ether_type, _)| {
            ![IPV4, IPV6, ARP, 0x8100, 0x88a8, 0x9100].contains(ether_type)
        })
        .prop_map(|(ether_type, payload)| ethernet(BLUE2.mac, BLUE1.mac, ether_type, &payload));
    prop_oneof![3 => ip, 1 => other]
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    ttl: u8,
    tos: u8,
    dont_fragment: bool,
    offset: u16,
    more: bool,
}

impl Header {
    pub(crate) fn between(self, from: Guest, to: Guest, ipv4: bool) -> Ip {
        let mut ip = Ip::new(from.ip(ipv4), to.ip(ipv4))
            .ttl(self.ttl)
            .tos(self.tos);
        if ipv4 {
            ip = ip.fragment(self.offset, self.more);
            ip.dont_fragment = self.dont_fragment;
        }
        ip
    }
}

pub(crate) fn ip_headers() -> impl Strategy<Value = Header> {
    let offset = prop_oneof![4 => Just(0), 1 => 0..0x1fff_u16];
    (
        any::<u8>(),
        any::<u8>(),
        any::<bool>(),
        offset,
        prop::bool::weighted(0.2),
    )
        .prop_map(|(ttl, tos, dont_fragment, offset, more)| Header {
            ttl,
            tos,
            dont_fragment,
            offset,
            more,
        })
}

/// A packet that can be rewritten, as (protocol, payload) of any content: what stands in the
/// checksum field is mostly wrong. ICMP of types that quote nothing.
pub(crate) fn rewritable(ipv4: bool) -> impl Strategy<Value = (u8, Vec<u8>)> {
    let protocols = vec![TCP, UDP, UDP_LITE, DCCP, SCTP, ESP, GRE, 253];
    let transport = (select(protocols), vec(any::<u8>(), 20..200));
    let (icmp, kinds) = if ipv4 {
        (ICMP, vec![0, 8, 13, 14])
    } else {
        (ICMPV6, vec![128, 129, 144])
    };
    let query = (select(kinds), vec(any::<u8>(), 8..100)).prop_map(move |(kind, mut message)| {
        message[0] = kind;
        (icmp, message)
    });
    prop_oneof![4 => transport, 1 => query]
}

/// Both tenants under mixed rules, a gateway, an L2Only guest, plain ports, guards, ACLs and rates:
/// as many branches as one policy can open.
pub(crate) fn rich_policy(host: usize) -> Policy {
    let mut policy = sample_policy(Carriage::EncapV4, host);
    let under_nat = sample_policy(Carriage::Nat, host);
    let nat_guests = [RED1.mac, RED2.mac];
    policy
        .records
        .retain(|record| !nat_guests.contains(&record.mac));
    let nat = under_nat
        .records
        .iter()
        .filter(|record| nat_guests.contains(&record.mac));
    policy.records.extend(nat.copied());
    policy
        .provider_addresses
        .extend(under_nat.provider_addresses);
    policy.neighbors.extend(under_nat.neighbors);
    let learning = MacAddress::new([6, 6, 0, 0, 0, 0x44]);
    policy.records.extend([
        wildcard(70, BLUE, "0.0.0.0", BLUE2.mac, host_v4(1)),
        wildcard(71, BLUE, "::", BLUE2.mac, host_v4(1)),
        l2_only(72, BLUE, learning, host_v4(1 - host)),
        LookupRecord {
            rule: Rule::None,
            ..encap(
                73,
                BLUE,
                ca("10.0.0.73"),
                MacAddress::new([6, 6, 0, 0, 0, 0x73]),
                host_v4(1),
            )
        },
    ]);
    let default = route(80, BLUE_DOMAIN, BLUE_B, "0.0.0.0/0", "10.0.1.7");
    policy.customer_routes.push(default);
    policy
        .multicast_groups
        .insert(vsid(BLUE_B), pa("239.1.2.3"));
    let plain = |id: u32| {
        Port::new(
            PortId(id),
            MacAddress::new([2, 0, 0, host as u8, 0, id as u8]),
        )
    };
    let mut tagged = plain(11);
    tagged.vlan = vlan(7);
    let mut local_only = plain(12);
    local_only.subnet = PortSubnet::LocalOnly;
    let mut guarded = plain(13).in_subnet(vsid(BLUE));
    guarded.dhcp_guard = true;
    guarded.router_guard = true;
    guarded.mac_address_spoofing = true;
    guarded.storm_limit_packets_per_second = 3;
    guarded.maximum_bandwidth_bits_per_second = 1_000_000;
    guarded.acls.push(Acl {
        action: AclAction::Deny,
        direction: AclDirection::Inbound,
        remote: AclRemote::Prefix("10.0.0.0/28".parse().unwrap()),
    });
    policy
        .ports
        .extend([plain(10), tagged, local_only, guarded]);
    policy
}

/// Well-formed frames to spoil, one of each kind.
pub(crate) fn specimens() -> Vec<Vec<u8>> {
    let nat_pa = |guest, ipv4| Carriage::Nat.provider_address(guest, ipv4).ip();
    let quote = Ip::new(BLUE2.v4, BLUE1.v4).udp((1, 2), b"quoted");
    let unreachable = [&[0; 4][..], &quote].concat();
    let router_error = [
        &[0; 4][..],
        &Ip::new(nat_pa(RED1, true), nat_pa(RED2, true)).udp((1, 2), b"quoted"),
    ]
    .concat();
    let fragment = [UDP, 0, 0, 1, 0, 0, 0, 7, 0, 1, 0, 2, 0, 40, 1, 1];
    let hosts = |inner: &[u8], subnet| {
        nvgre(
            (host_mac(0), host_v4(0)),
            (host_mac(1), host_v4(1)),
            (subnet, 9),
            inner,
        )
    };
    vec![
        ping(BLUE1, BLUE2),
        ping6(BLUE1, BLUE2),
        ping(BLUE1, BLUE3),
        ping(RED1, RED2),
        ping6(RED1, RED2),
        arp_request(BLUE1, BLUE2.v4),
        arp_request(BLUE1, GATEWAY_V4),
        arp_request(BLUE1, "10.0.0.200".parse().unwrap()),
        arp_reply(BLUE1, BLUE2),
        solicitation(BLUE1.mac, BLUE1.v6, BLUE2.v6, true),
        solicitation(BLUE1.mac, BLUE1.v6, GATEWAY_V6, false),
        ip_frame(
            ROUTER,
            BLUE1.mac,
            &Ip::new(BLUE1.v4, BLUE_B2.v4).tcp((1, 2), b"x"),
        ),
        ip_frame(
            ROUTER,
            BLUE1.mac,
            &Ip::new(BLUE1.v6, BLUE_B2.v6).ttl(1).udp((1, 2), b"x"),
        ),
        ip_frame(
            ROUTER,
            BLUE1.mac,
            &Ip::new(BLUE1.v4, GATEWAY_V4).echo(b"gateway"),
        ),
        ip_frame(
            ROUTER,
            BLUE1.mac,
            &Ip::new(BLUE1.v6, GATEWAY_V6).echo(b"gateway"),
        ),
        ip_frame(
            BROADCAST,
            BLUE1.mac,
            &Ip::new(BLUE1.v4, ip("10.0.0.255")).udp((67, 68), b"x"),
        ),
        ip_frame(
            RED2.mac,
            RED1.mac,
            &Ip::new(RED1.v4, RED2.v4).icmp(3, 3, &unreachable, ICMP),
        ),
        ip_frame(
            RED2.mac,
            RED1.mac,
            &Ip::new(RED1.v6, RED2.v6).carrying(44, &fragment),
        ),
        ip_frame(
            BLUE2.mac,
            BLUE1.mac,
            &Ip::new(BLUE1.v4, BLUE2.v4).udp((1, 2), &[0; 1440]),
        ),
        tagged(&tagged(&ping(BLUE1, BLUE2), 0x8100, 5), 0x88a8, 6),
        hosts(&ping(BLUE2, BLUE1), BLUE),
        hosts(&ping6(BLUE2, BLUE1), BLUE),
        hosts(&arp_request(BLUE2, BLUE1.v4), BLUE),
        hosts(&ping(RED2, RED1), RED),
        ip_frame(
            host_mac(0),
            host_mac(1),
            &Ip::new(nat_pa(RED2, true), nat_pa(RED1, true)).udp((1, 2), b"nat"),
        ),
        ip_frame(
            host_mac(0),
            host_mac(1),
            &Ip::new(nat_pa(RED2, false), nat_pa(RED1, false)).tcp((1, 2), b"nat"),
        ),
        ip_frame(
            host_mac(0),
            host_mac(1),
            &Ip::new(ip("192.168.9.1"), nat_pa(RED1, true)).icmp(11, 0, &router_error, ICMP),
        ),
    ]
}

/// Anything: noise, noise behind addresses that mean something, and specimens with some bytes
/// changed, cut off or added.
pub(crate) fn anything() -> impl Strategy<Value = Vec<u8>> {
    let noise = vec(any::<u8>(), 0..200);
    let macs = select(vec![
        BLUE1.mac,
        BLUE2.mac,
        BLUE3.mac,
        RED1.mac,
        RED2.mac,
        ROUTER,
        BROADCAST,
        host_mac(0),
        host_mac(1),
        MacAddress::new([2, 0, 0, 0, 0, 10]),
        MacAddress::new([2, 0, 0, 0, 0, 11]),
        MacAddress::new([0x33, 0x33, 0, 0, 0, 1]),
    ]);
    let ether_types = select(vec![IPV4, IPV6, ARP, LLDP, 0x8100, 0x88a8]);
    let addressed = (macs.clone(), macs, ether_types, vec(any::<u8>(), 0..200))
        .prop_map(|(to, from, ether_type, payload)| ethernet(to, from, ether_type, &payload));
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let spoiled = (
        select(specimens()),
        changes,
        any::<prop::sample::Index>(),
        0..4_u8,
        vec(any::<u8>(), 0..40),
    )
        .prop_map(|(mut frame, changes, cut, how, tail)| {
            for (at, byte) in changes {
                let at = at.index(frame.len());
                frame[at] = byte;
            }
            match how {
                0 => frame.truncate(cut.index(frame.len())),
                1 => frame.extend_from_slice(&tail),
                _whole => {}
            }
            frame
        });
    prop_oneof![1 => noise, 2 => addressed, 5 => spoiled]
}

/// Frames with the way they come in: a port of [`rich_policy`], or the NIC.
pub(crate) fn any_arrivals() -> impl Strategy<Value = Vec<(Option<u32>, Vec<u8>)>> {
    let ways = select(vec![
        None,
        None,
        None,
        Some(0),
        Some(0),
        Some(1),
        Some(2),
        Some(3),
        Some(10),
        Some(11),
        Some(12),
        Some(13),
        Some(99),
    ]);
    vec((ways, anything()), 1..12)
}
