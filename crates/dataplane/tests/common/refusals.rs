//! For every drop reason a frame that meets it. Add a reason, and this does not compile.

use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, DropReason, Policy, Port, PortId, Rule,
};
use nvgre_wire::MacAddress;

use super::*;

/// Where a frame comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    Port(u32),
    Uplink,
    /// [`nvgre_dataplane::decapsulate`], as tools use it.
    Tool,
}

/// A policy, and a frame that it refuses for this reason.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: DropReason,
    pub(crate) policy: Policy,
    pub(crate) at: Entrance,
    /// Frames that pass before.
    pub(crate) before: Vec<Vec<u8>>,
    pub(crate) frame: Vec<u8>,
}

/// Every reason that the dataplane gives, in the order of their numbers.
pub(crate) fn refusals() -> Vec<Refusal> {
    let all = DropReason::ALL.iter().copied();
    all.filter_map(refusal).collect()
}

const PASS_THROUGH: MacAddress = MacAddress::new([0, 0x15, 0x5d, 9, 9, 1]);
const NOBODY: MacAddress = MacAddress::new([6, 6, 0, 0, 0, 0x77]);

fn blue_port(change: impl FnOnce(&mut Port)) -> Policy {
    let mut policy = sample_policy(Carriage::EncapV4, 0);
    let port = policy.ports.iter_mut().find(|p| p.id.0 == BLUE1.port);
    change(port.expect("Blue 1's port"));
    policy
}

fn edited(carriage: Carriage, host: usize, change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = sample_policy(carriage, host);
    change(&mut policy);
    policy
}

fn with_pass_through() -> Policy {
    edited(Carriage::EncapV4, 0, |policy| {
        policy.ports.push(Port::new(PortId(9), PASS_THROUGH));
    })
}

fn blue_to_blue(carriage: Carriage, packet: &[u8]) -> (Policy, Entrance, Vec<u8>) {
    let frame = ip_frame(BLUE2.mac, BLUE1.mac, packet);
    (sample_policy(carriage, 0), Entrance::Port(0), frame)
}

/// At the uplink of host 1, with a byte of the outer headers changed and their checksum right.
fn arriving(at: usize, value: u8) -> (Policy, Entrance, Vec<u8>) {
    let mut packet = blue_ping();
    packet[at] = value;
    let policy = sample_policy(Carriage::EncapV4, 1);
    (policy, Entrance::Uplink, right_checksum(packet))
}

fn arriving_inner(subnet: u32, inner: &[u8]) -> (Policy, Entrance, Vec<u8>) {
    let policy = sample_policy(Carriage::EncapV4, 1);
    (
        policy,
        Entrance::Uplink,
        packet(Carriage::EncapV4, subnet, inner),
    )
}

fn refusal(reason: DropReason) -> Option<Refusal> {
    let blue = Ip::new(BLUE1.v4, BLUE2.v4);
    let long = blue.clone().udp((1, 2), &[0; 1_459 - 28]);
    let to_blue_2 = ping(BLUE1, BLUE2);
    let mut before = Vec::new();
    let (policy, at, frame) = match reason {
        // Only the simulator's underlay can tell.
        DropReason::UnderlayNoOwner
        | DropReason::UnderlayMtu
        | DropReason::UnderlayLoss
        | DropReason::UnderlaySource => return None,
        DropReason::PortDisconnected => (
            blue_port(|port| port.connected = false),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::SpoofedMac => (blue_port(|_| {}), Entrance::Port(0), ping(BLUE2, BLUE1)),
        DropReason::InnerSourceGroup => (
            blue_port(|_| {}),
            Entrance::Port(0),
            ethernet(BLUE2.mac, BROADCAST, LLDP, &[0; 46]),
        ),
        DropReason::ProviderAddressSpoofed => {
            let forged = Ip::new(host_v4(1).ip(), host_v4(0).ip()).udp((1, 2), b"forged");
            let frame = ip_frame(host_mac(0), PASS_THROUGH, &forged);
            (with_pass_through(), Entrance::Port(9), frame)
        }
        DropReason::InnerShort => (
            blue_port(|_| {}),
            Entrance::Port(0),
            to_blue_2[..13].to_vec(),
        ),
        DropReason::VlanNotAllowed => {
            let frame = ethernet(BROADCAST, PASS_THROUGH, LLDP, &[0; 46]);
            (
                with_pass_through(),
                Entrance::Port(9),
                tagged(&frame, 0x8100, 7),
            )
        }
        DropReason::AclDenied => {
            let deny = Acl {
                action: AclAction::Deny,
                direction: AclDirection::Outbound,
                remote: AclRemote::Mac(BLUE2.mac),
            };
            (
                blue_port(|port| port.acls.push(deny)),
                Entrance::Port(0),
                to_blue_2,
            )
        }
        DropReason::DhcpGuard => (
            blue_port(|port| port.dhcp_guard = true),
            Entrance::Port(0),
            ip_frame(BLUE2.mac, BLUE1.mac, &blue.udp((67, 68), &[2; 300])),
        ),
        DropReason::RouterGuard => (
            blue_port(|port| port.router_guard = true),
            Entrance::Port(0),
            ip_frame(BLUE2.mac, BLUE1.mac, &blue.icmp(9, 0, &[0; 12], ICMP)),
        ),
        DropReason::RateExceeded => (
            blue_port(|port| port.maximum_bandwidth_bits_per_second = 8),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::StormLimit => {
            let frame = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]);
            before.push(frame.clone());
            let policy = blue_port(|port| port.storm_limit_packets_per_second = 1);
            (policy, Entrance::Port(0), frame)
        }
        DropReason::WnvUnbound => (
            edited(Carriage::EncapV4, 0, |policy| policy.wnv_bound = false),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::NoSourceRecord => (
            edited(Carriage::EncapV4, 0, |policy| {
                policy.records.retain(|record| record.mac != BLUE1.mac);
            }),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::NoLookupRecord => (
            blue_port(|_| {}),
            Entrance::Port(0),
            ethernet(NOBODY, BLUE1.mac, LLDP, &[0; 46]),
        ),
        DropReason::NoCustomerRoute => {
            let packet = Ip::new(BLUE1.v4, std::net::Ipv4Addr::new(198, 51, 100, 1)).echo(b"x");
            let frame = ip_frame(ROUTER, BLUE1.mac, &packet);
            (blue_port(|_| {}), Entrance::Port(0), frame)
        }
        DropReason::NotRoutable => {
            let packet = Ip::new(BLUE1.v4, std::net::Ipv4Addr::new(169, 254, 7, 7)).echo(b"x");
            let frame = ip_frame(ROUTER, BLUE1.mac, &packet);
            (blue_port(|_| {}), Entrance::Port(0), frame)
        }
        DropReason::NoRoutingDomain => (
            edited(Carriage::EncapV4, 0, |policy| {
                policy.customer_routes.clear()
            }),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::TtlExceeded => {
            let packet = Ip::new(BLUE1.v4, BLUE_B2.v4).ttl(1).echo(b"x");
            let frame = ip_frame(ROUTER, BLUE1.mac, &packet);
            (blue_port(|_| {}), Entrance::Port(0), frame)
        }
        DropReason::TooBig => {
            let long = blue.dont_fragment().udp((1, 2), &[0; 1_459 - 28]);
            blue_to_blue(Carriage::EncapV4, &long)
        }
        DropReason::TooBigDfClear => blue_to_blue(Carriage::EncapV4, &long),
        DropReason::TranslationNone => (
            edited(Carriage::EncapV4, 0, |policy| {
                let of_blue_2 = policy.records.iter_mut().filter(|r| r.mac == BLUE2.mac);
                of_blue_2.for_each(|record| record.rule = Rule::None);
            }),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::NatNoSource => (
            edited(Carriage::EncapV4, 0, |policy| {
                let record = policy.records.iter_mut().find(|r| r.mac == BLUE2.mac);
                let record = record.expect("Blue 2's record");
                record.rule = Rule::Nat;
                record.provider_address = pa("192.168.4.99");
            }),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::NatFamilyMismatch => (
            edited(Carriage::Nat, 0, |policy| {
                let record = policy.records.iter_mut().find(|r| r.mac == BLUE2.mac);
                record.expect("Blue 2's record").provider_address = pa("fd00:5::99");
            }),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::NatNotIp => (
            sample_policy(Carriage::Nat, 0),
            Entrance::Port(0),
            ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[0; 46]),
        ),
        DropReason::NatUnsupported => blue_to_blue(
            Carriage::Nat,
            &blue.carrying(AH, &[UDP, 4, 0, 0, 0, 0, 0, 1]),
        ),
        DropReason::FragTooSmall => blue_to_blue(
            Carriage::Nat,
            &blue.fragment(0, true).carrying(TCP, &[0; 8]),
        ),
        DropReason::NextHopUnresolved => (
            edited(Carriage::EncapV4, 0, |policy| policy.neighbors.clear()),
            Entrance::Port(0),
            to_blue_2,
        ),
        DropReason::NotNvgre => (Policy::default(), Entrance::Tool, to_blue_2),
        DropReason::OuterLength => arriving(17, 0xff),
        DropReason::OuterChecksum => {
            let (policy, at, mut packet) = arriving(17, 0x4e);
            packet[24] ^= 1;
            (policy, at, packet)
        }
        DropReason::OuterFragment => arriving(20, 0x20),
        DropReason::OuterVlan => {
            let (policy, at, packet) = arriving(17, 0x4e);
            (policy, at, tagged(&packet, 0x8100, 7))
        }
        DropReason::OuterNotOurs => arriving(5, 0x63),
        DropReason::GreShort => arriving(17, 20 + 7),
        DropReason::GreVersion => arriving(35, 0x01),
        DropReason::GreChecksumBit => arriving(34, 0xa0),
        DropReason::GreRoutingBit => arriving(34, 0x60),
        DropReason::GreSequenceBit => arriving(34, 0x30),
        DropReason::GreReservedBits => {
            let (mut policy, at, packet) = arriving(35, 0x80);
            policy.settings.strict_gre_reserved_bits = true;
            (policy, at, packet)
        }
        DropReason::GreKeyAbsent => arriving(34, 0x00),
        DropReason::GreProtocol => arriving(37, 0x59),
        DropReason::ReservedVsid => arriving_inner(77, &to_blue_2),
        DropReason::UnknownVsid => arriving_inner(70_000, &to_blue_2),
        DropReason::UnknownPeer => arriving(29, 0x63),
        DropReason::PeerNotSource => {
            let packet = Ip::new(BLUE2.v4, BLUE2.v4).echo(b"forged");
            arriving_inner(BLUE, &ip_frame(BLUE2.mac, BLUE1.mac, &packet))
        }
        DropReason::InnerVlan => arriving_inner(BLUE, &tagged(&to_blue_2, 0x8100, 7)),
        DropReason::EcnCeOnNotEct => arriving(15, 0x03),
        DropReason::NatUnknownPa => {
            let to = Carriage::Nat.provider_address(BLUE2, true);
            let packet = Ip::new(ip("192.168.5.99"), to.ip()).udp((1, 2), b"who is it");
            let frame = ip_frame(host_mac(1), host_mac(0), &packet);
            (sample_policy(Carriage::Nat, 1), Entrance::Uplink, frame)
        }
        DropReason::NoPort => arriving_inner(BLUE, &ethernet(NOBODY, BLUE1.mac, LLDP, &[0; 46])),
    };
    Some(Refusal {
        reason,
        policy,
        at,
        before,
        frame,
    })
}
