//! Frames that are nearly what most frames are: every bit of their headers changed, every length. The
//! short way and the long one must come to the same ([`common::Host`] compares them).

mod common;

use std::net::Ipv4Addr;

use common::*;
use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, DropReason, HostAddress, LookupRecord, Policy, PortId,
    Rule, Verdict,
};
use nvgre_wire::{CustomerAddress, MacAddress};

/// Bytes that decide: the outer headers, and the inner ones up to the ports.
const HEADERS: usize = 14 + 20 + 8 + 14 + 20 + 20;

/// UDP and TCP with enough in them for every checksum, and UDP without one. To another subnet by way
/// of the router.
fn frames(from: Guest, to: Guest) -> [Vec<u8>; 3] {
    let (source, destination) = (from.ip(true), to.ip(true));
    let data = [0x5a; 26];
    let ip = Ip::new(source, destination);
    let by = if from.vsid == to.vsid { to.mac } else { ROUTER };
    let frame = |packet: &[u8]| ip_frame(by, from.mac, packet);
    let mut without = frame(&ip.udp((1_024, 53), &data));
    without[40..42].fill(0);
    [
        frame(&ip.udp((1_024, 53), &data)),
        frame(&ip.tcp((1_024, 80), &data)),
        without,
    ]
}

/// The frame itself, with each bit of its headers changed, and cut to each length.
fn neighbors(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let headers = HEADERS.min(frame.len());
    let changed = (0..headers * 8).map(|bit| {
        let mut frame = frame.to_vec();
        frame[bit / 8] ^= 1 << (bit % 8);
        frame
    });
    let cut = (0..=frame.len()).map(|len| frame[..len].to_vec());
    changed.chain(cut)
}

#[test]
fn a_guest_s_frames_and_their_neighbors_go_the_same_way_traced_or_not() {
    for carriage in [Carriage::EncapV4, Carriage::EncapV6, Carriage::Nat] {
        let mut host = Host::new(sample_policy(carriage, 0));
        for to in [BLUE2, BLUE3, BLUE_B1, BLUE_B2, RED2, BLUE1] {
            let mut verdicts = Vec::new();
            for frame in frames(BLUE1, to) {
                let neighbors = neighbors(&frame);
                verdicts.extend(neighbors.map(|frame| host.send(BLUE1.port, &frame).verdict));
            }
            // Most changes matter to nobody, many do.
            let unchanged = verdicts[verdicts.len() - 1];
            let same = verdicts.iter().filter(|&&it| it == unchanged).count();
            let share = same * 100 / verdicts.len();
            assert!(
                (20..98).contains(&share),
                "{carriage:?}, {}: {share} %",
                to.name
            );
        }
    }
}

#[test]
fn a_packet_and_its_neighbors_go_the_same_way_traced_or_not() {
    for carriage in [Carriage::EncapV4, Carriage::EncapV6, Carriage::Nat] {
        let mut world = sample(carriage);
        let mut delivered = 0;
        let routed = frames(BLUE1, BLUE_B2);
        for frame in frames(BLUE1, BLUE2).into_iter().chain(routed) {
            let packet = world.hosts[0].send(BLUE1.port, &frame).uplink().to_vec();
            for packet in neighbors(&packet) {
                let mut packets = vec![packet.clone()];
                if carriage != Carriage::EncapV6 && packet.len() >= 34 {
                    packets.push(right_checksum(packet));
                }
                for packet in packets {
                    let outcome = world.hosts[1].receive(&packet);
                    delivered += usize::from(matches!(outcome.verdict, Verdict::Deliver(_)));
                }
            }
        }
        assert!(delivered > 300, "{carriage:?}: {delivered}");
    }
}

/// A guest writes what it likes: all ones, for one, where source MAC and EtherType stand.
#[test]
fn no_source_mac_leads_around_the_rules_of_a_port() {
    let to_neighbor = [BLUE3, BLUE_B1].map(|to| {
        ["0.0.0.0", "169.254.0.0"].map(|source| {
            let packet = Ip::new(ip(source), to.ip(true)).udp((1_024, 53), &[0x5a; 26]);
            let mut frame = ip_frame(ROUTER, BLUE1.mac, &packet);
            frame[6..14].fill(0xff);
            frame
        })
    });
    let mut host = host_with(BLUE1, |port| port.dhcp_guard = true);
    for frame in to_neighbor.as_flattened() {
        host.send(BLUE1.port, frame)
            .assert_dropped(DropReason::InnerSourceGroup);
    }
}

#[test]
fn a_router_with_a_group_s_mac_routes_nothing() {
    let group = mac("070000000001");
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    host.edit(|policy| policy.settings.router_mac = group);
    for to in [BLUE_B1, BLUE_B2] {
        let packet = Ip::new(BLUE1.v4, to.v4).udp((1_024, 53), &[0x5a; 26]);
        let outcome = host.send(BLUE1.port, &ip_frame(group, BLUE1.mac, &packet));
        outcome.assert_verdict(Verdict::Replicated(2));
    }
}

/// A frame from one guest to another that the short way takes.
fn frame(from: Guest, to: Guest) -> Vec<u8> {
    let [udp, _tcp, _without_checksum] = frames(from, to);
    udp
}

fn deny_all(policy: &mut Policy, guest: Guest) {
    port_mut(policy, guest).acls.push(Acl {
        action: AclAction::Deny,
        direction: AclDirection::Inbound,
        remote: AclRemote::Prefix("0.0.0.0/0".parse().expect("a prefix")),
    });
}

#[test]
fn a_receiver_s_acl_is_asked_of_neighbors_routed_frames_and_packets() {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    for to in [BLUE3, BLUE_B1] {
        let port = Verdict::Deliver(PortId(to.port));
        host.send(BLUE1.port, &frame(BLUE1, to))
            .assert_verdict(port);
        host.edit(|policy| deny_all(policy, to));
        host.send(BLUE1.port, &frame(BLUE1, to))
            .assert_dropped(DropReason::AclDenied);
    }
    for carriage in [Carriage::EncapV4, Carriage::Nat] {
        let mut world = sample(carriage);
        let sent = world.hosts[0].send(BLUE1.port, &frame(BLUE1, BLUE2));
        world.hosts[1]
            .receive(sent.uplink())
            .assert_delivered(BLUE2.port, &frame(BLUE1, BLUE2));
        world.hosts[1].edit(|policy| deny_all(policy, BLUE2));
        world.hosts[1]
            .receive(sent.uplink())
            .assert_dropped(DropReason::AclDenied);
    }
}

#[test]
fn a_subnet_where_addresses_are_learned_learns_of_every_packet() {
    let mut world = sample(Carriage::EncapV4);
    let stranger = Guest {
        mac: MacAddress::new([6, 6, 0, 0, 0, 0x44]),
        v4: Ipv4Addr::new(10, 0, 0, 0x44),
        ..BLUE1
    };
    let packet = packet(Carriage::EncapV4, BLUE, &frame(stranger, BLUE2));
    assert!(world.hosts[1].receive(&packet).learned.is_empty());
    world.hosts[1].edit(|policy| {
        let record = l2_only(90, BLUE, stranger.mac, host_v4(0));
        policy.records.push(record);
    });
    let outcome = world.hosts[1].receive(&packet);
    outcome.assert_delivered(BLUE2.port, &frame(stranger, BLUE2));
    assert_eq!(outcome.learned.len(), 1);
}

/// Under IP rewrite the provider address alone says whose a packet is.
#[test]
fn a_provider_address_that_was_taken_away_leads_to_nobody() {
    let mut sender = Host::new(sample_policy(Carriage::Nat, 0));
    let sent = sender.send(BLUE1.port, &frame(BLUE1, BLUE2));
    let mut edited = Edited::new(sample_policy(Carriage::Nat, 1));
    let is_blue2 = |record: &&LookupRecord| record.id == BLUE2.record_id(true);
    let old = *edited
        .policy
        .records
        .iter()
        .find(is_blue2)
        .expect("a record");
    let receive = |edited: &mut Edited| {
        let (policy, snapshot) = edited.publish();
        Host::with(policy, snapshot).receive(sent.uplink())
    };
    receive(&mut edited).assert_delivered(BLUE2.port, &frame(BLUE1, BLUE2));
    for edit in [Edit::Remove(old), Edit::Insert(old)] {
        let removed = matches!(edit, Edit::Remove(_));
        edited.edit(edit).expect("an edit");
        let outcome = receive(&mut edited);
        if removed {
            assert!(!matches!(outcome.verdict, Verdict::Deliver(_)), "{outcome}");
        } else {
            outcome.assert_delivered(BLUE2.port, &frame(BLUE1, BLUE2));
        }
    }
    // Blue 2 has another one now.
    edited
        .edit(Edit::Replace(LookupRecord {
            provider_address: pa("192.168.5.99"),
            ..old
        }))
        .expect("an edit");
    let outcome = receive(&mut edited);
    assert!(!matches!(outcome.verdict, Verdict::Deliver(_)), "{outcome}");
}

#[test]
fn a_guest_with_two_rewritten_addresses_gets_packets_for_both() {
    let second = Guest {
        v4: Ipv4Addr::new(10, 0, 0, 0x77),
        ..BLUE2
    };
    let address = pa("192.168.5.77");
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        policy.records.push(LookupRecord {
            rule: Rule::Nat,
            ..encap(77, BLUE, second.ca(true), second.mac, address)
        });
        policy.neighbors.push(neighbor(address, 1));
    });
    world.hosts[1].edit(|policy| policy.provider_addresses.push(host_address(address, 1)));
    for to in [BLUE2, second] {
        let journey = world.guest_sends(BLUE1, &frame(BLUE1, to));
        journey.assert_only(BLUE2, &frame(BLUE1, to));
        let journey = world.guest_sends(to, &frame(to, BLUE1));
        journey.assert_only(BLUE1, &frame(to, BLUE1));
    }
}

/// The one sum that is not sent as it is (RFC 768): every value of one word, so that each sum occurs.
#[test]
fn a_rewritten_udp_sum_of_zero_is_sent_as_all_ones() {
    let mut host = Host::new(sample_policy(Carriage::Nat, 0));
    let mut ones = 0;
    for word in 0..=u16::MAX {
        let mut frame = frame(BLUE1, BLUE2);
        // Not the sum of this payload: the law is about the difference, whatever the sum was.
        frame[40..42].copy_from_slice(&word.to_be_bytes());
        let sent = host.send(BLUE1.port, &frame);
        let sum = [sent.frame[40], sent.frame[41]];
        assert!(word == 0 || sum != [0, 0], "{word:#06x}");
        ones += u32::from(sum == [0xff, 0xff]);
    }
    assert!(ones >= 1);
}

#[test]
fn a_guest_s_own_mac_outside_is_asked_for_on_the_way_in() {
    let mut world = sample(Carriage::Nat);
    world.edit(|policy| {
        for record in &mut policy.records {
            record.use_vm_mac = record.mac == BLUE2.mac;
        }
    });
    for (from, to) in [(BLUE1, BLUE2), (BLUE2, BLUE1)] {
        let journey = world.guest_sends(from, &frame(from, to));
        journey.assert_only(to, &frame(from, to));
    }
}

#[test]
fn a_route_by_way_of_a_guest_leads_to_that_guest() {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    host.edit(|policy| {
        let elsewhere = route(80, BLUE_DOMAIN, BLUE_B, "10.0.1.0/30", "10.0.1.7");
        policy.customer_routes.push(elsewhere);
    });
    let far = Guest {
        v4: Ipv4Addr::new(10, 0, 1, 2),
        ..BLUE_B1
    };
    host.edit(|policy| {
        policy
            .records
            .push(encap(81, BLUE_B, far.ca(true), far.mac, host_v4(0)));
    });
    let sent = host.send(BLUE1.port, &frame(BLUE1, far));
    let inner = read_nvgre(sent.uplink()).inner;
    assert_eq!(inner[..6], BLUE_B2.mac.octets());
}

/// Blue 1's frames leave by the NIC of the address that its record names, and come in there only.
#[test]
fn a_host_with_several_nics_sends_and_receives_by_the_one_that_a_record_names() {
    let second = pa("192.168.4.111");
    for (there, tag) in [(0, None), (1, None), (1, vlan(7))] {
        let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
        host.edit(|policy| {
            policy.provider_addresses.push(HostAddress {
                interface_index: 2,
                vlan: tag,
                ..host_address(second, 2)
            });
            for record in &mut policy.records {
                if there == 1 && record.mac == BLUE1.mac {
                    record.provider_address = second;
                }
            }
        });
        let (address, mac) = [(host_v4(0), host_mac(0)), (second, host_mac(2))][there];
        let sent = host.send(BLUE1.port, &frame(BLUE1, BLUE2));
        let packet = sent.uplink();
        assert_eq!(packet[6..12], mac.octets(), "{tag:?}");
        let ip = if tag.is_some() { 18 } else { 14 };
        assert_eq!(packet[12..14] == [0x81, 0], tag.is_some());
        assert_eq!(
            packet[ip + 12..ip + 16],
            (address.bits() as u32).to_be_bytes()
        );

        let inner = frame(BLUE2, BLUE1);
        let outer = Ip::new(host_v4(1).ip(), address.ip());
        let key = (BLUE, 0);
        let to = |mac| nvgre_in(&outer, mac, host_mac(1), key, &inner);
        let other = [host_mac(2), host_mac(0)][there];
        host.receive(&to(other))
            .assert_dropped(DropReason::OuterNotOurs);
        if tag.is_some() {
            host.receive(&to(mac)).assert_dropped(DropReason::OuterVlan);
            host.receive(&tagged(&to(mac), 0x8100, 7))
                .assert_delivered(BLUE1.port, &inner);
        } else {
            host.receive(&to(mac)).assert_delivered(BLUE1.port, &inner);
            host.receive(&tagged(&to(mac), 0x8100, 7))
                .assert_dropped(DropReason::OuterVlan);
        }
    }
}

#[test]
fn rewritten_packets_of_a_host_with_several_nics_go_by_the_one_of_their_sender() {
    for (guest, nic) in [(BLUE1, 0), (BLUE3, 2)] {
        let mut host = Host::new(sample_policy(Carriage::Nat, 0));
        let own = |guest: Guest| Carriage::Nat.provider_address(guest, true);
        host.edit(|policy| {
            let mut addresses = policy.provider_addresses.iter_mut();
            let of_blue3 = addresses.find(|host| host.address == own(BLUE3));
            let of_blue3 = of_blue3.expect("Blue 3's address");
            (of_blue3.interface_index, of_blue3.mac) = (2, host_mac(2));
        });
        let sent = host.send(guest.port, &frame(guest, BLUE2));
        assert_eq!(sent.uplink()[6..12], host_mac(nic).octets());
        let packet = |to_nic| {
            let ip = Ip::new(own(BLUE2).ip(), own(guest).ip());
            let udp = ip.udp((1_024, 53), &[0x5a; 26]);
            ip_frame(host_mac(to_nic), host_mac(1), &udp)
        };
        host.receive(&packet(nic))
            .assert_delivered(guest.port, &frame(BLUE2, guest));
        host.receive(&packet(2 - nic))
            .assert_dropped(DropReason::OuterNotOurs);
    }
}

/// A guest's address as the low bits of an IPv6 one, of a station elsewhere.
fn twin(of: Guest) -> LookupRecord {
    let [a, b, c, d] = of.v4.octets();
    let address = CustomerAddress::v6([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]);
    encap(90, of.vsid, address, mac("060600000099"), host_v4(2))
}

#[test]
fn an_ipv6_address_whose_low_bits_are_an_ipv4_one_s_is_another_address() {
    for first in [false, true] {
        let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
        host.edit(|policy| {
            let at = if first { 0 } else { policy.records.len() };
            policy.records.insert(at, twin(BLUE2));
        });
        let sent = host.send(BLUE1.port, &frame(BLUE1, BLUE2));
        assert_eq!(sent.uplink()[30..34], [192, 168, 4, 22]);
        let inner = frame(BLUE2, BLUE1);
        let from = |peer| {
            let outer = Ip::new(host_v4(peer).ip(), host_v4(0).ip());
            nvgre_in(&outer, host_mac(0), host_mac(peer), (BLUE, 0), &inner)
        };
        host.receive(&from(1)).assert_delivered(BLUE1.port, &inner);
        host.receive(&from(2))
            .assert_dropped(DropReason::PeerNotSource);
    }
}

#[test]
fn a_guest_with_an_ipv6_address_alone_does_not_speak_as_its_low_bits() {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    host.edit(|policy| {
        policy.records.retain(|record| record.mac != BLUE1.mac);
        policy.records.push(LookupRecord {
            mac: BLUE1.mac,
            provider_address: host_v4(0),
            ..twin(BLUE1)
        });
    });
    host.send(BLUE1.port, &frame(BLUE1, BLUE2))
        .assert_dropped(DropReason::NoSourceRecord);
}

#[test]
fn a_provider_address_of_ipv6_is_not_the_ipv4_one_of_its_low_bits() {
    let mut receiver = Host::new(sample_policy(Carriage::EncapV4, 0));
    receiver.edit(|policy| {
        for record in &mut policy.records {
            if record.mac == BLUE2.mac {
                // 192.168.4.22 below.
                record.provider_address = pa("fd00:4::c0a8:416");
            }
        }
    });
    let inner = frame(BLUE2, BLUE1);
    let outer = Ip::new(host_v4(1).ip(), host_v4(0).ip());
    let packet = nvgre_in(&outer, host_mac(0), host_mac(1), (BLUE, 0), &inner);
    receiver
        .receive(&packet)
        .assert_dropped(DropReason::PeerNotSource);
}
