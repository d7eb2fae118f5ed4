//! Any bytes as a frame of a guest and as a frame from the underlay, at a host that encapsulates,
//! rewrites, routes, learns and has a gateway. Nothing differs when somebody listens: the short way, which
//! is for frames that nobody traces, and the long one come to the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Nanos, NoEgress, NoTrace, Policy, Port, PortId,
    RecordId, RecordType, RouteId, Rule, Snapshot, Trace, Tracer, Verdict, Worker,
};
use nvgre_wire::{FrameBuf, HEADROOM, MacAddress, RoutingDomainId, VirtualSubnetId};

const BLUE: u32 = 5001;
const RED: u32 = 6001;

static HOST: LazyLock<Snapshot> = LazyLock::new(|| {
    let vsid = |number| VirtualSubnetId::try_new(number).expect("a usable number");
    let mac = |last| MacAddress::new([0, 0x15, 0x5d, 0, 0, last]);
    let record = |id: u32, subnet, ca: &str, last, pa: &str, rule, record_type| LookupRecord {
        id: RecordId(id),
        virtual_subnet: vsid(subnet),
        customer_address: ca.parse().expect("an address"),
        mac: mac(last),
        provider_address: pa.parse().expect("an address"),
        rule,
        record_type,
        use_vm_mac: false,
    };
    let route = |id, domain, subnet, prefix: &str| CustomerRoute {
        id: RouteId(id),
        routing_domain: RoutingDomainId::new(domain),
        virtual_subnet: vsid(subnet),
        destination: prefix.parse().expect("a prefix"),
        next_hop: if prefix.contains(':') {
            "::"
        } else {
            "0.0.0.0"
        }
        .parse()
        .expect("an address"),
        metric: 255,
    };
    let host = |address: &str| HostAddress {
        address: address.parse().expect("an address"),
        interface_index: 1,
        prefix_length: 16,
        vlan: None,
        mac: mac(0xf0),
    };
    let mut spoofing = Port::new(PortId(1), mac(2)).in_subnet(vsid(RED));
    spoofing.mac_address_spoofing = true;
    let policy = Policy {
        wnv_bound: true,
        ports: vec![
            Port::new(PortId(0), mac(1)).in_subnet(vsid(BLUE)),
            spoofing,
            Port::new(PortId(2), mac(3)),
        ],
        records: vec![
            record(
                0,
                BLUE,
                "10.0.0.5",
                1,
                "192.168.0.1",
                Rule::Encap,
                RecordType::Static,
            ),
            record(
                1,
                BLUE,
                "10.0.0.7",
                4,
                "192.168.0.2",
                Rule::Encap,
                RecordType::Static,
            ),
            record(
                2,
                BLUE,
                "fd00::5",
                1,
                "192.168.0.1",
                Rule::Encap,
                RecordType::Static,
            ),
            record(
                3,
                BLUE,
                "0.0.0.0",
                5,
                "192.168.0.3",
                Rule::Encap,
                RecordType::GatewayWildcard,
            ),
            record(
                4,
                BLUE,
                "0.0.0.0",
                6,
                "192.168.0.2",
                Rule::Encap,
                RecordType::L2Only,
            ),
            record(
                5,
                RED,
                "10.0.0.5",
                2,
                "192.168.1.1",
                Rule::Nat,
                RecordType::Static,
            ),
            record(
                6,
                RED,
                "10.0.0.7",
                7,
                "192.168.1.2",
                Rule::Nat,
                RecordType::Static,
            ),
        ],
        customer_routes: vec![
            route(0, 1, BLUE, "10.0.0.0/24"),
            route(1, 1, BLUE, "fd00::/64"),
            route(2, 2, RED, "10.0.0.0/24"),
        ],
        provider_addresses: vec![host("192.168.0.1"), host("192.168.1.1")],
        proxy_neighbor_mac: Some(mac(0xf1)),
        ..Policy::default()
    };
    Snapshot::new(&policy, 1).expect("the policy is sound")
});

fuzz_target!(|input: (u8, &[u8])| {
    let (port, frame) = input;
    let told = forward(port, frame, &mut Trace::default());
    assert_eq!(told, forward(port, frame, &mut NoTrace));
});

/// What becomes of a frame: the verdict, the bytes where there are any, and what was counted.
fn forward(entrance: u8, frame: &[u8], tracer: &mut impl Tracer) -> (Verdict, Vec<u8>, String) {
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(frame);
    let len = memory.len();
    let mut worker = Worker::new();
    let mut frame = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom is there");
    let verdict = match entrance % 4 {
        3 => worker.inbound_frame(Nanos(0), &HOST, &mut frame, &mut NoEgress, tracer),
        port => {
            let port = PortId(u32::from(port));
            worker.outbound_frame(Nanos(0), &HOST, port, &mut frame, &mut NoEgress, tracer)
        }
    };
    let bytes = match verdict {
        Verdict::Drop(_) | Verdict::Consumed | Verdict::Replicated(_) => Vec::new(),
        Verdict::Deliver(_) | Verdict::Uplink | Verdict::Hairpin => frame.bytes().to_vec(),
    };
    (verdict, bytes, format!("{:?}", worker.counters()))
}
