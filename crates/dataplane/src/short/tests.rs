//! Which frames go the short way. What becomes of them is the business of the crate's other tests.

extern crate std;

use alloc::vec;
use alloc::vec::Vec;

use etherparse::PacketBuilder;
use nvgre_wire::{
    CustomerAddress, FrameBuf, HEADROOM, MacAddress, ProviderAddress, RoutingDomainId,
    VirtualSubnetId,
};

use crate::expect::Asked;
use crate::lookup_record::{LookupRecord, RecordId, RecordType, Rule};
use crate::policy::Policy;
use crate::port::{Port, PortId};
use crate::{
    CustomerRoute, DEFAULT_ROUTER_MAC, HostAddress, Nanos, NoEgress, NoTrace, RouteId, Snapshot,
    Verdict, Worker,
};

const VSID: VirtualSubnetId = VirtualSubnetId::MIN;

/// Guests 0 and 1 are at ports 0 and 1 of this host, 2 is elsewhere.
const fn mac(guest: u8) -> MacAddress {
    MacAddress::new([0, 0x15, 0x5d, 0, 0, guest])
}

const fn address(guest: u8) -> [u8; 4] {
    [10, 0, 0, guest]
}

/// Encapsulated, guests 0 and 1 are behind one address; rewritten, each has its own.
const fn provider(rule: Rule, guest: u8) -> ProviderAddress {
    match (rule, guest) {
        (Rule::Encap, 0 | 1) => ProviderAddress::v4([192, 168, 0, 0]),
        (Rule::Encap | Rule::Nat | Rule::None, _) => ProviderAddress::v4([192, 168, 0, guest]),
    }
}

fn policy(rule: Rule, here: &[u8]) -> Policy {
    let mut addresses: Vec<_> = here.iter().map(|&guest| provider(rule, guest)).collect();
    addresses.dedup();
    Policy {
        wnv_bound: true,
        ports: here
            .iter()
            .map(|&guest| Port::new(PortId(u32::from(guest)), mac(guest)).in_subnet(VSID))
            .collect(),
        records: (0..3)
            .map(|guest| LookupRecord {
                id: RecordId(u32::from(guest)),
                virtual_subnet: VSID,
                customer_address: CustomerAddress::v4(address(guest)),
                mac: mac(guest),
                provider_address: provider(rule, guest),
                rule,
                record_type: RecordType::Static,
                use_vm_mac: false,
            })
            .collect(),
        customer_routes: vec![CustomerRoute {
            id: RouteId(0),
            routing_domain: RoutingDomainId::new(1),
            virtual_subnet: VSID,
            destination: "10.0.0.0/24".parse().expect("a prefix"),
            next_hop: "0.0.0.0".parse().expect("an address"),
            metric: 0,
        }],
        provider_addresses: addresses
            .into_iter()
            .map(|address| HostAddress {
                address,
                interface_index: 1,
                prefix_length: 24,
                vlan: None,
                mac: mac(0xee),
            })
            .collect(),
        proxy_neighbor_mac: Some(mac(0xee)),
        ..Policy::default()
    }
}

fn snapshot(policy: &Policy) -> Snapshot {
    Snapshot::new(policy, 1).expect("a policy")
}

fn udp(to: u8) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(mac(0).octets(), mac(to).octets());
    let builder = builder.ipv4(address(0), address(to), 64).udp(1_024, 53);
    let mut frame = Vec::new();
    builder.write(&mut frame, &[0; 18]).expect("memory");
    frame
}

/// What the short way says of a frame, from port 0 or from the underlay, and the frame afterwards.
fn short(snapshot: &Snapshot, from_port: bool, frame: &[u8]) -> (Option<Verdict>, Vec<u8>) {
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(frame);
    let range = HEADROOM..memory.len();
    let mut frame = FrameBuf::new(&mut memory, range).expect("headroom");
    let mut worker = Worker::new();
    let (mut egress, mut tracer) = (NoEgress, NoTrace);
    let mut pass = worker.pass(Nanos(0), snapshot, &mut egress, &mut tracer);
    let verdict = if from_port {
        let at = snapshot.port(PortId(0)).expect("a port");
        pass.short_outbound(0, at, &mut frame, &Asked)
    } else {
        pass.short_inbound(0, &mut frame, &Asked)
    };
    (verdict, frame.bytes().to_vec())
}

#[test]
fn most_frames_go_the_short_way_there_and_back() {
    for rule in [Rule::Encap, Rule::Nat] {
        let (here, there) = (policy(rule, &[0, 1]), policy(rule, &[2]));
        let (here, there) = (snapshot(&here), snapshot(&there));
        let (verdict, packet) = short(&here, true, &udp(2));
        assert_eq!(verdict, Some(Verdict::Uplink), "{rule:?}");
        let (verdict, frame) = short(&there, false, &packet);
        assert_eq!(verdict, Some(Verdict::Deliver(PortId(2))), "{rule:?}");
        assert_eq!(frame, udp(2), "{rule:?}");
        let (verdict, frame) = short(&here, true, &udp(1));
        assert_eq!(verdict, Some(Verdict::Deliver(PortId(1))), "{rule:?}");
        assert_eq!(frame, udp(1), "{rule:?}");
    }
}

#[test]
fn frames_for_the_router_go_the_short_way_to_guests_here_and_in_nvgre() {
    let here = snapshot(&policy(Rule::Encap, &[0, 1]));
    for (to, verdict) in [(1, Verdict::Deliver(PortId(1))), (2, Verdict::Uplink)] {
        let mut frame = udp(to);
        frame[..6].copy_from_slice(&DEFAULT_ROUTER_MAC.octets());
        let (short, routed) = short(&here, true, &frame);
        assert_eq!(short, Some(verdict));
        let inner = &routed[routed.len() - frame.len()..];
        assert_eq!(inner[..6], mac(to).octets());
        assert_eq!(inner[6..12], DEFAULT_ROUTER_MAC.octets());
        assert_eq!(inner[22], 63, "TTL");
    }
}

#[test]
fn a_frame_that_goes_the_long_way_is_as_it_came() {
    let here = policy(Rule::Encap, &[0, 1]);
    let mut tagged = udp(2);
    tagged.splice(12..12, [0x81, 0, 0, 1]);
    let mut with_options = udp(2);
    with_options[14] = 0x46;
    let mut part = udp(2);
    part[20] = 0x20;
    let mut of_nobody = udp(2);
    of_nobody[29] = 99;
    let mut to_group = udp(2);
    to_group[0] = 1;
    for rare in [tagged, with_options, part, of_nobody, to_group, udp(9)] {
        assert_eq!(short(&snapshot(&here), true, &rare), (None, rare));
    }
}

#[test]
fn ports_that_ask_more_send_their_frames_the_long_way() {
    let edits: [fn(&mut Port); 5] = [
        |port| port.dhcp_guard = true,
        |port| port.router_guard = true,
        |port| port.maximum_bandwidth_bits_per_second = 1,
        |port| port.connected = false,
        |port| port.mac = mac(0x77),
    ];
    for edit in edits {
        let mut here = policy(Rule::Encap, &[0, 1]);
        edit(&mut here.ports[0]);
        assert_eq!(short(&snapshot(&here), true, &udp(2)).0, None);
    }
}
