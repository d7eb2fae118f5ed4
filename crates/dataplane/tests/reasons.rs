//! Every drop reason, raised by a frame. A new reason does not compile here until it has a case.

mod common;

use std::collections::BTreeSet;

use common::*;
use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, AnyProvider, DropReason, Policy, Port, PortId, Rule,
    Settings, decapsulate,
};
use nvgre_wire::{FrameBuf, HEADROOM, MacAddress};

/// How a reason comes about.
enum Case {
    /// A guest sends these; the last one is dropped, the others are not.
    Sent(Policy, Guest, Vec<Vec<u8>>),
    /// The frame comes in at the NIC.
    Received(Policy, Vec<u8>),
    /// A tool takes a packet apart without a policy; a host never says this.
    ByTool(Vec<u8>),
    /// The underlay says it, which the dataplane is not.
    ByUnderlay,
}

fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    changed(Carriage::EncapV4, change)
}

fn changed(carriage: Carriage, change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = sample_policy(carriage, 0);
    change(&mut policy);
    policy
}

/// Blue 1 sends a frame under the sample's policy, changed.
fn sends(frame: Vec<u8>, change: impl FnOnce(&mut Policy)) -> Case {
    Case::Sent(policy(change), BLUE1, vec![frame])
}

/// Blue 1's port, changed.
fn port(change: impl Fn(&mut Port)) -> impl FnOnce(&mut Policy) {
    move |policy| {
        policy
            .ports
            .iter_mut()
            .filter(|p| p.mac == BLUE1.mac)
            .for_each(change)
    }
}

/// Blue 1 sends to Blue 2 under NAT.
fn nat(build: impl Fn(Ip) -> Vec<u8>, change: impl FnOnce(&mut Policy)) -> Case {
    let frame = ip_frame(BLUE2.mac, BLUE1.mac, &build(Ip::new(BLUE1.v4, BLUE2.v4)));
    Case::Sent(changed(Carriage::Nat, change), BLUE1, vec![frame])
}

/// Host 0 gets what host 1 sends to Blue 1 in NVGRE, changed on the way. The outer IP header is at
/// 14, GRE at 34, the inner frame at 42; the IP checksum is made right again.
fn arrives(change: impl FnOnce(&mut Vec<u8>)) -> Case {
    let mut packet = tunnelled((BLUE, 0), &ping(BLUE2, BLUE1));
    change(&mut packet);
    Case::Received(policy(|_| {}), with_ip_checksum(packet))
}

fn tunnelled(key: (u32, u8), inner: &[u8]) -> Vec<u8> {
    nvgre(
        (host_mac(0), host_v4(0)),
        (host_mac(1), host_v4(1)),
        key,
        inner,
    )
}

fn with_ip_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    if let Some(header) = packet.get(14..34) {
        let checksum = pnet_packet::util::checksum(header, 5);
        packet[24..26].copy_from_slice(&checksum.to_be_bytes());
    }
    packet
}

fn to_router(ttl: u8, to: &str) -> Vec<u8> {
    let packet = Ip::new(BLUE1.v4, ip(to)).ttl(ttl).echo(b"");
    ip_frame(ROUTER, BLUE1.mac, &packet)
}

fn too_long(ip: Ip) -> Vec<u8> {
    ip_frame(BLUE2.mac, BLUE1.mac, &ip.udp((1, 2), &[0; 1431]))
}

/// A station without virtual subnet on host 0.
fn plain(policy: &mut Policy) -> Guest {
    let guest = Guest {
        port: 9,
        mac: MacAddress::new([2, 0, 0, 0, 0, 9]),
        ..BLUE1
    };
    policy.ports.push(Port::new(PortId(9), guest.mac));
    guest
}

fn case(reason: DropReason) -> Case {
    let ordinary = || ping(BLUE1, BLUE2);
    let unchanged = |_: &mut Policy| {};
    match reason {
        DropReason::PortDisconnected => sends(ordinary(), port(|p| p.connected = false)),
        DropReason::SpoofedMac => sends(ping(BLUE3, BLUE2), unchanged),
        DropReason::InnerSourceGroup => {
            let group = MacAddress::new([1, 0, 0x5e, 0, 0, 5]);
            sends(ethernet(BLUE2.mac, group, LLDP, &[0; 46]), unchanged)
        }
        DropReason::ProviderAddressSpoofed => {
            let mut policy = policy(|_| {});
            let guest = plain(&mut policy);
            let packet = Ip::new(host_v4(1).ip(), ip("192.168.4.99")).echo(b"");
            Case::Sent(
                policy,
                guest,
                vec![ip_frame(host_mac(1), guest.mac, &packet)],
            )
        }
        DropReason::InnerShort => sends(ordinary()[..13].to_vec(), unchanged),
        DropReason::VlanNotAllowed => {
            let mut policy = policy(|_| {});
            let guest = plain(&mut policy);
            let frame = ethernet(host_mac(1), guest.mac, LLDP, &[0; 46]);
            Case::Sent(policy, guest, vec![tagged(&frame, 0x8100, 7)])
        }
        DropReason::AclDenied => sends(
            ordinary(),
            port(|p| {
                p.acls.push(Acl {
                    action: AclAction::Deny,
                    direction: AclDirection::Outbound,
                    remote: AclRemote::Mac(BLUE2.mac),
                });
            }),
        ),
        DropReason::DhcpGuard => {
            let offer = Ip::new(BLUE1.v4, BLUE2.v4).udp((67, 68), &[2; 240]);
            let frame = ip_frame(BLUE2.mac, BLUE1.mac, &offer);
            sends(frame, port(|p| p.dhcp_guard = true))
        }
        DropReason::RouterGuard => {
            let redirect = Ip::new(BLUE1.v4, BLUE2.v4).icmp(5, 0, &[0; 32], ICMP);
            let frame = ip_frame(BLUE2.mac, BLUE1.mac, &redirect);
            sends(frame, port(|p| p.router_guard = true))
        }
        DropReason::RateExceeded => Case::Sent(
            policy(port(|p| {
                // One frame fits into a second's worth, two do not.
                p.maximum_bandwidth_bits_per_second = 8 * 60;
            })),
            BLUE1,
            vec![ordinary(), ordinary()],
        ),
        DropReason::StormLimit => {
            let frame = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]);
            Case::Sent(
                policy(port(|p| p.storm_limit_packets_per_second = 2)),
                BLUE1,
                vec![frame.clone(), frame.clone(), frame],
            )
        }
        DropReason::WnvUnbound => sends(ordinary(), |policy| policy.wnv_bound = false),
        DropReason::NoSourceRecord => sends(ordinary(), |policy| {
            policy.records.retain(|record| record.mac != BLUE1.mac);
        }),
        DropReason::NoLookupRecord => sends(ordinary(), |policy| {
            policy.records.retain(|record| record.mac != BLUE2.mac);
        }),
        DropReason::NoCustomerRoute => sends(to_router(64, "203.0.113.9"), unchanged),
        DropReason::NoRoutingDomain => sends(ordinary(), |policy| policy.customer_routes.clear()),
        DropReason::TtlExceeded => sends(to_router(1, "10.0.1.7"), unchanged),
        DropReason::TooBig => {
            let frame = too_long(Ip::new(BLUE1.v4, BLUE2.v4).dont_fragment());
            sends(frame, unchanged)
        }
        DropReason::TooBigDfClear => sends(too_long(Ip::new(BLUE1.v4, BLUE2.v4)), unchanged),
        DropReason::TranslationNone => sends(ordinary(), |policy| {
            for record in &mut policy.records {
                record.rule = Rule::None;
            }
        }),
        DropReason::NatNoSource => nat(
            |ip| ip.echo(b""),
            |policy| {
                let own = |record: &&mut nvgre_dataplane::LookupRecord| record.mac == BLUE1.mac;
                for record in policy.records.iter_mut().filter(own) {
                    record.rule = Rule::Encap;
                }
            },
        ),
        DropReason::NatFamilyMismatch => nat(
            |ip| ip.echo(b""),
            |policy| {
                policy
                    .records
                    .retain(|record| record.id != BLUE2.record_id(false));
                let id = BLUE2.record_id(true);
                for record in policy.records.iter_mut().filter(|record| record.id == id) {
                    record.provider_address = Carriage::Nat.provider_address(BLUE2, false);
                }
            },
        ),
        DropReason::NatNotIp => Case::Sent(
            changed(Carriage::Nat, |_| {}),
            BLUE1,
            vec![ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[0; 46])],
        ),
        DropReason::NatUnsupported => nat(|ip| ip.carrying(AH, &[0; 24]), unchanged),
        DropReason::FragTooSmall => {
            nat(|ip| ip.fragment(0, true).carrying(TCP, &[0; 16]), unchanged)
        }
        DropReason::NextHopUnresolved => sends(ordinary(), |policy| policy.neighbors.clear()),
        DropReason::UnderlayNoOwner | DropReason::UnderlayMtu => Case::ByUnderlay,
        DropReason::NotNvgre => Case::ByTool(ordinary()),
        DropReason::OuterLength => arrives(|packet| packet.truncate(80)),
        DropReason::OuterChecksum => {
            let mut packet = tunnelled((BLUE, 0), &ping(BLUE2, BLUE1));
            packet[24] ^= 1;
            Case::Received(policy(|_| {}), packet)
        }
        DropReason::OuterFragment => arrives(|packet| packet[20] = 0x20),
        DropReason::OuterVlan => {
            let packet = tunnelled((BLUE, 0), &ping(BLUE2, BLUE1));
            Case::Received(policy(|_| {}), tagged(&packet, 0x8100, 7))
        }
        DropReason::OuterNotOurs => {
            arrives(|packet| packet[..6].copy_from_slice(&host_mac(3).octets()))
        }
        DropReason::GreShort => {
            let outer = Ip::new(host_v4(1).ip(), host_v4(0).ip());
            let packet = outer.carrying(GRE, &[0x20, 0, 0x65, 0x58, 0, 0x13, 0x89]);
            Case::Received(policy(|_| {}), ip_frame(host_mac(0), host_mac(1), &packet))
        }
        DropReason::GreVersion => arrives(|packet| packet[35] |= 1),
        DropReason::GreChecksumBit => arrives(|packet| packet[34] |= 0x80),
        DropReason::GreRoutingBit => arrives(|packet| packet[34] |= 0x40),
        DropReason::GreSequenceBit => arrives(|packet| packet[34] |= 0x10),
        DropReason::GreReservedBits => {
            let mut packet = tunnelled((BLUE, 0), &ping(BLUE2, BLUE1));
            packet[35] |= 0x80;
            let strict = policy(|policy| policy.settings.strict_gre_reserved_bits = true);
            Case::Received(strict, packet)
        }
        DropReason::GreKeyAbsent => arrives(|packet| packet[34] &= !0x20),
        DropReason::GreProtocol => arrives(|packet| packet[36..38].copy_from_slice(&[8, 0])),
        DropReason::ReservedVsid => {
            arrives(|packet| packet[38..41].copy_from_slice(&[0, 0x0f, 0xff]))
        }
        DropReason::UnknownVsid => arrives(|packet| packet[38..41].copy_from_slice(&[0, 0x20, 0])),
        // 192.168.4.99 has no record.
        DropReason::UnknownPeer => arrives(|packet| packet[29] = 99),
        DropReason::PeerNotSource => {
            let packet = tunnelled((BLUE, 0), &ping(BLUE3, BLUE1));
            Case::Received(policy(|_| {}), packet)
        }
        DropReason::InnerVlan => {
            let inner = tagged(&ping(BLUE2, BLUE1), 0x8100, 7);
            Case::Received(policy(|_| {}), tunnelled((BLUE, 0), &inner))
        }
        DropReason::EcnCeOnNotEct => arrives(|packet| packet[15] |= 3),
        DropReason::NatUnknownPa => {
            let to = Carriage::Nat.provider_address(BLUE1, true).ip();
            let packet = Ip::new(ip("192.168.5.99"), to).echo(b"");
            let frame = ip_frame(host_mac(0), host_mac(1), &packet);
            Case::Received(changed(Carriage::Nat, |_| {}), frame)
        }
        DropReason::NoPort => {
            let packet = tunnelled((BLUE, 0), &ping(BLUE2, BLUE1));
            let gone = policy(|policy| policy.ports.retain(|port| port.mac != BLUE1.mac));
            Case::Received(gone, packet)
        }
    }
}

/// Every reason but this one was counted never, and this one once.
#[track_caller]
fn assert_counted_once(host: &Host, reason: DropReason) {
    for &other in DropReason::ALL {
        assert_eq!(
            host.drops(other),
            u64::from(other == reason),
            "{reason}: counter of {other}"
        );
    }
}

#[test]
fn every_reason_is_raised_by_a_frame_and_counted_once() {
    for &reason in DropReason::ALL {
        match case(reason) {
            Case::Sent(policy, guest, frames) => {
                let mut host = Host::new(policy);
                let (last, earlier) = frames.split_last().expect("a frame");
                for frame in earlier {
                    let outcome = host.send(guest.port, frame);
                    let dropped = matches!(outcome.verdict, nvgre_dataplane::Verdict::Drop(_));
                    assert!(!dropped, "{reason}: too early\n{outcome}");
                }
                host.send(guest.port, last).assert_dropped(reason);
                assert_counted_once(&host, reason);
            }
            Case::Received(policy, frame) => {
                let mut host = Host::new(policy);
                host.receive(&frame).assert_dropped(reason);
                assert_counted_once(&host, reason);
            }
            Case::ByTool(frame) => {
                let mut memory = vec![0; HEADROOM];
                memory.extend_from_slice(&frame);
                let end = memory.len();
                let mut frame = FrameBuf::new(&mut memory, HEADROOM..end).expect("headroom");
                let refused = decapsulate(&mut frame, &Settings::default(), &AnyProvider)
                    .expect_err("it is refused");
                assert_eq!(refused.reason, reason);
            }
            Case::ByUnderlay => {}
        }
    }
}

/// Each case differs from a frame that arrives in one thing.
#[test]
fn what_the_cases_change_arrives_unchanged() {
    let mut world = sample(Carriage::EncapV4);
    let frame = ping(BLUE1, BLUE2);
    world.guest_sends(BLUE1, &frame).assert_only(BLUE2, &frame);
    let inner = ping(BLUE2, BLUE1);
    world.hosts[0]
        .receive(&with_ip_checksum(tunnelled((BLUE, 0), &inner)))
        .assert_delivered(BLUE1.port, &inner);
}

#[test]
fn the_underlay_has_two_reasons_of_its_own() {
    let its_own: Vec<_> = DropReason::ALL
        .iter()
        .filter(|&&reason| matches!(case(reason), Case::ByUnderlay))
        .map(|reason| reason.name())
        .collect();
    assert_eq!(its_own, ["underlay_no_owner", "underlay_mtu"]);
}

#[test]
fn names_are_snake_case_and_unique_and_lead_back() {
    let names: BTreeSet<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), DropReason::COUNT);
    for &reason in DropReason::ALL {
        let name = reason.name();
        let snake = name.split('_').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        assert!(snake, "{name}");
        assert_eq!(DropReason::from_name(name), Some(reason));
        assert_eq!(reason.to_string(), name);
    }
    for other in ["", "no_such_reason", "No_Port", "NoPort", " no_port"] {
        assert_eq!(DropReason::from_name(other), None, "{other:?}");
    }
}

/// The names say what the variants say: `NoPort` is `no_port`.
#[test]
fn a_name_is_its_variant_in_another_case() {
    for reason in DropReason::ALL {
        let camel: String = reason
            .name()
            .split('_')
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect();
        assert_eq!(camel, format!("{reason:?}"));
    }
}

#[test]
fn numbers_are_places_in_the_list() {
    for (place, &reason) in DropReason::ALL.iter().enumerate() {
        assert_eq!(reason as usize, place, "{reason}");
    }
}

#[test]
fn every_reason_says_what_happened_why_what_mends_it_and_who_says_so() {
    let mut sentences = BTreeSet::new();
    for &reason in DropReason::ALL {
        for text in [reason.sentence(), reason.usual_cause(), reason.usual_fix()] {
            assert!(text.ends_with('.'), "{reason}: {text:?}");
        }
        assert!(!reason.source().is_empty(), "{reason}");
        assert!(sentences.insert(reason.sentence()), "{reason}: said twice");
    }
}
