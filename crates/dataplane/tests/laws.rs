//! Laws: what holds for every frame, and not only for the ones somebody thought of.

mod common;

use common::*;
use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, Destination, DropReason, Event, LookupRecord, Policy,
    Port, PortId, PortSubnet, Rule, Verdict,
};
use nvgre_wire::MacAddress;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(7637),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A frame from Blue 1 to Blue 2, untagged, that its port lets out: IP of both families with any
/// upper layer, DSCP, ECN and TTL, whole or a fragment; and protocols that are not IP.
fn frames_to_blue2() -> impl Strategy<Value = Vec<u8>> {
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
struct Header {
    ttl: u8,
    tos: u8,
    dont_fragment: bool,
    offset: u16,
    more: bool,
}

impl Header {
    fn between(self, from: Guest, to: Guest, ipv4: bool) -> Ip {
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

fn ip_headers() -> impl Strategy<Value = Header> {
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
fn rewritable(ipv4: bool) -> impl Strategy<Value = (u8, Vec<u8>)> {
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

/// Where the checksum of an upper layer stands.
fn checksum_at(protocol: u8) -> Option<usize> {
    match protocol {
        TCP => Some(16),
        UDP | UDP_LITE | DCCP => Some(6),
        ICMPV6 => Some(2),
        _covers_no_address => None,
    }
}

/// In ones' complement 0x0000 and 0xffff are one value: the frame with the first for both.
fn one_zero(frame: &[u8], ipv4: bool, protocol: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let ip_len = if ipv4 { 20 } else { 40 };
    if let Some(at) = checksum_at(protocol) {
        let at = 14 + ip_len + at;
        if frame[at..at + 2] == [0xff, 0xff] {
            frame[at..at + 2].fill(0);
        }
    }
    frame
}

/// Both tenants under mixed rules, a gateway, an L2Only guest, plain ports, guards, ACLs and rates:
/// as many branches as one policy can open.
fn rich_policy(host: usize) -> Policy {
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
fn specimens() -> Vec<Vec<u8>> {
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
fn anything() -> impl Strategy<Value = Vec<u8>> {
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
fn arrivals() -> impl Strategy<Value = Vec<(Option<u32>, Vec<u8>)>> {
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

fn feed(host: &mut Host, arrivals: &[(Option<u32>, Vec<u8>)]) -> Vec<Outcome> {
    let arrive = |(way, frame): &(Option<u32>, Vec<u8>)| match way {
        Some(port) => host.send(*port, frame),
        None => host.receive(frame),
    };
    arrivals.iter().map(arrive).collect()
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn decapsulation_undoes_encapsulation(frame in frames_to_blue2()) {
        for carriage in Carriage::ENCAP {
            let journey = sample(carriage).guest_sends(BLUE1, &frame);
            journey.assert_only(BLUE2, &frame);
            prop_assert_eq!(&read_nvgre(journey.sent.uplink()).inner, &frame);
        }
    }

    #[test]
    fn rewriting_there_and_back_is_the_identity_of_the_packet(
        header in ip_headers(),
        (ipv4, (protocol, payload)) in any::<bool>()
            .prop_flat_map(|ipv4| (Just(ipv4), rewritable(ipv4))),
    ) {
        let packet = header.between(BLUE1, BLUE2, ipv4).carrying(protocol, &payload);
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        let journey = sample(Carriage::Nat).guest_sends(BLUE1, &frame);
        let [delivery] = &journey.deliveries[..] else {
            panic!("not delivered\n{journey}");
        };
        prop_assert_eq!((delivery.host, delivery.port), (BLUE2.host, BLUE2.port));
        prop_assert_eq!(
            one_zero(&delivery.frame, ipv4, protocol),
            one_zero(&frame, ipv4, protocol),
            "{}", journey
        );
    }

    #[test]
    fn right_checksums_stay_right_and_wrong_ones_wrong(
        ipv4: bool,
        data in vec(any::<u8>(), 0..64),
        protocol in select(vec![TCP, UDP, ICMPV6]),
        spoil in 0..=0xfffe_u16,
    ) {
        let ip = Ip::new(BLUE1.ip(ipv4), BLUE2.ip(ipv4));
        let mut packet = match protocol {
            TCP => ip.tcp((1, 2), &data),
            UDP => ip.udp((1, 2), &data),
            _echo => ip.echo(&data),
        };
        // Another number modulo 0xffff, so that it is another checksum; 0 changes nothing.
        let at = if ipv4 { 20 } else { 40 } + checksum_at(protocol).unwrap();
        if !(ipv4 && protocol == ICMPV6) {
            let right = u32::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
            let mut field = ((right + u32::from(spoil)) % 0xffff) as u16;
            if field == 0 {
                field = 0xffff;
            }
            packet[at..at + 2].copy_from_slice(&field.to_be_bytes());
        }
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        let journey = sample(Carriage::Nat).guest_sends(BLUE1, &frame);
        prop_assert_eq!(wrong_checksums(journey.sent.uplink()), wrong_checksums(&frame), "{}", journey);
        prop_assert_eq!(wrong_checksums(&journey.deliveries[0].frame), wrong_checksums(&frame), "{}", journey);
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// Whatever comes in, at whatever port: no panic, one outcome, and books that balance.
    #[test]
    fn any_bytes_have_one_outcome_that_is_counted_and_traced(arrivals in arrivals()) {
        let mut host = Host::new(rich_policy(0));
        let outcomes = feed(&mut host, &arrivals);
        let mut dropped = 0;
        for outcome in &outcomes {
            let last = outcome.trace.last();
            match outcome.verdict {
                Verdict::Drop(reason) => {
                    dropped += 1;
                    prop_assert_eq!(last, Some(&Event::Dropped(reason)), "{}", outcome);
                    prop_assert!(outcome.copies.is_empty(), "{}", outcome);
                }
                Verdict::Deliver(port) => {
                    prop_assert_eq!(last, Some(&Event::Delivered(port)), "{}", outcome);
                    prop_assert!(outcome.copies.is_empty(), "{}", outcome);
                }
                Verdict::Replicated(copies) => {
                    prop_assert_eq!(usize::from(copies), outcome.copies.len(), "{}", outcome);
                }
                Verdict::Uplink | Verdict::Hairpin | Verdict::Consumed => {
                    prop_assert!(outcome.copies.is_empty(), "{}", outcome);
                }
            }
            let delivered = outcome.trace.iter().filter(|e| matches!(e, Event::Delivered(_)));
            let to_ports = outcome.copies.iter().filter(|(to, _)| *to != Destination::Uplink);
            let in_place = usize::from(matches!(outcome.verdict, Verdict::Deliver(_)));
            prop_assert_eq!(delivered.count(), to_ports.count() + in_place, "{}", outcome);
        }
        let counted: u64 = DropReason::ALL.iter().map(|&reason| host.drops(reason)).sum();
        prop_assert_eq!(counted, dropped);
    }

    /// Same frames, same policy: same verdicts, bytes and traces, whatever the tables' seed.
    #[test]
    fn the_same_input_gives_the_same_output(arrivals in arrivals(), seed: u64) {
        let first = feed(&mut Host::new(rich_policy(0)), &arrivals);
        let second = feed(&mut Host::new(rich_policy(0)), &arrivals);
        let seeded = feed(&mut Host::seeded(rich_policy(0), seed), &arrivals);
        prop_assert_eq!(&first, &second);
        prop_assert_eq!(&first, &seeded);
    }

    /// Batches are for speed and decide nothing.
    #[test]
    fn a_batch_is_its_frames_one_by_one(arrivals in arrivals()) {
        let sent: Vec<_> = arrivals
            .iter()
            .filter_map(|(way, frame)| Some(((*way)?, frame.as_slice())))
            .collect();
        let received: Vec<_> = arrivals
            .iter()
            .filter(|(way, _)| way.is_none())
            .map(|(_, frame)| frame.as_slice())
            .collect();
        let (mut single, mut batch) = (Host::new(rich_policy(0)), Host::new(rich_policy(0)));
        let mut one_by_one: Vec<_> = sent.iter().map(|(port, frame)| single.send(*port, frame)).collect();
        prop_assert_eq!(&one_by_one, &batch.send_all(&sent));
        one_by_one = received.iter().map(|frame| single.receive(frame)).collect();
        let mut at_once = batch.receive_all(&received);
        // What was learned is not told by frame.
        let learned = |outcomes: &mut [Outcome]| -> Vec<_> {
            outcomes.iter_mut().flat_map(|outcome| std::mem::take(&mut outcome.learned)).collect()
        };
        prop_assert_eq!(learned(&mut one_by_one), learned(&mut at_once));
        prop_assert_eq!(one_by_one, at_once);
    }

    /// The law that the project exists for.
    #[test]
    fn nothing_that_a_guest_sends_is_delivered_in_another_domain(
        sender in select(GUESTS.to_vec()),
        forged in any::<bool>(),
        frames in vec(anything(), 1..8),
    ) {
        let mut world = World::new([rich_policy(0), rich_policy(1)]);
        world.edit(|policy| policy.ports.retain(|port| port.id.0 < 10));
        let domain = |subnet| if subnet == RED { RED } else { BLUE };
        for mut frame in frames {
            // Half of them from the guest's own MAC, so that the port lets them out; the other half
            // from a port that may spoof.
            if forged {
                world.hosts[sender.host].edit(|policy| {
                    policy.ports.iter_mut().for_each(|port| port.mac_address_spoofing = true);
                });
            } else if let Some(source) = frame.get_mut(6..12) {
                source.copy_from_slice(&sender.mac.octets());
            }
            let journey = world.guest_sends(sender, &frame);
            for delivery in &journey.deliveries {
                let receiver = GUESTS
                    .into_iter()
                    .find(|guest| (guest.host, guest.port) == (delivery.host, delivery.port))
                    .expect("a guest");
                prop_assert_eq!(domain(receiver.vsid), domain(sender.vsid), "{}", journey);
            }
        }
    }
}
