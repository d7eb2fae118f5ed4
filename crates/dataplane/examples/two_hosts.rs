//! Two hosts, one subnet, one frame: Ada on the first host sends to Ben on the second.
//!
//! Run it with `cargo run -p nvgre-dataplane --example two_hosts`.

use std::error::Error;

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Nanos, Neighbor, NoEgress, Policy, Port, PortFrame,
    PortId, RecordId, RecordType, RouteId, Rule, Snapshot, Trace, Verdict, Worker,
};
use nvgre_wire::{
    EtherType, FrameBuf, HEADROOM, Ipv4Repr, MacAddress, ProviderAddress, RoutingDomainId,
    VirtualSubnetId,
};

const ADA: MacAddress = MacAddress::new([0x00, 0x15, 0x5d, 0, 0, 0x0a]);
const BEN: MacAddress = MacAddress::new([0x00, 0x15, 0x5d, 0, 0, 0x0b]);
const NICS: [MacAddress; 2] = [
    MacAddress::new([0x00, 0x15, 0x5d, 0, 1, 1]),
    MacAddress::new([0x00, 0x15, 0x5d, 0, 1, 2]),
];

fn main() -> Result<(), Box<dyn Error>> {
    // Frames lie in memory of ours, with room in front for the headers of the tunnel.
    let mut memory = [0; HEADROOM + 44];
    let (link, packet) = memory[HEADROOM..].split_at_mut(14);
    link[..6].copy_from_slice(&BEN.octets());
    link[6..12].copy_from_slice(&ADA.octets());
    link[12..].copy_from_slice(&EtherType::IPV4.0.to_be_bytes());
    let header = Ipv4Repr {
        tos: 0,
        payload_len: 10,
        dont_fragment: true,
        ttl: 128,
        protocol: 253, // for experiments, RFC 3692
        source: [10, 0, 0, 5],
        destination: [10, 0, 0, 7],
    };
    header.emit(packet);
    packet[20..].copy_from_slice(b"hello, Ben");
    println!("Ada sends      {}", hex(&memory[HEADROOM..]));
    let frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 44)?;

    // The first host: in at Ada's port, out at the NIC.
    let first = Snapshot::new(&policy(0)?, 0).map_err(|errors| format!("{errors:?}"))?;
    let (mut verdicts, mut trace) = ([Verdict::Consumed], Trace::default());
    let port = PortId(0);
    let mut frames = [PortFrame { port, frame }];
    let mut worker = Worker::new();
    worker.outbound(
        Nanos(0),
        &first,
        &mut frames,
        &mut verdicts,
        &mut NoEgress,
        &mut trace,
    );
    print("first host ", verdicts[0], &trace);
    println!("on the wire    {}", hex(frames[0].frame.bytes()));
    assert_eq!(verdicts, [Verdict::Uplink]);

    // The second host: in at the NIC, out at Ben's port. It is the same memory all the way.
    let second = Snapshot::new(&policy(1)?, 0).map_err(|errors| format!("{errors:?}"))?;
    let mut frames = frames.map(|sent| sent.frame);
    let mut worker = Worker::new();
    worker.inbound(
        Nanos(0),
        &second,
        &mut frames,
        &mut verdicts,
        &mut NoEgress,
        &mut trace,
    );
    print("second host", verdicts[0], &trace);
    println!("Ben receives   {}", hex(frames[0].bytes()));
    assert_eq!(verdicts, [Verdict::Deliver(PortId(0))]);
    Ok(())
}

/// The same tables on both hosts; each has one guest's port and its own provider address.
fn policy(host: usize) -> Result<Policy, Box<dyn Error>> {
    let virtual_subnet = VirtualSubnetId::try_new(5001)?;
    let provider_addresses: [ProviderAddress; 2] =
        ["192.168.4.11".parse()?, "192.168.4.22".parse()?];
    let record = |id, mac, customer_address: &str| -> Result<_, Box<dyn Error>> {
        Ok(LookupRecord {
            id: RecordId(id),
            virtual_subnet,
            customer_address: customer_address.parse()?,
            mac,
            provider_address: provider_addresses[id as usize],
            rule: Rule::Encap,
            record_type: RecordType::Static,
            use_vm_mac: false,
        })
    };
    let neighbor = |host: usize| Neighbor {
        address: provider_addresses[host],
        mac: NICS[host],
    };
    Ok(Policy {
        wnv_bound: true,
        ports: vec![Port::new(PortId(0), [ADA, BEN][host]).in_subnet(virtual_subnet)],
        records: vec![record(0, ADA, "10.0.0.5")?, record(1, BEN, "10.0.0.7")?],
        customer_routes: vec![CustomerRoute {
            id: RouteId(0),
            routing_domain: RoutingDomainId::new(1),
            virtual_subnet,
            destination: "10.0.0.0/24".parse()?,
            next_hop: "0.0.0.0".parse()?,
            metric: 255,
        }],
        provider_addresses: vec![HostAddress {
            address: provider_addresses[host],
            interface_index: 1,
            prefix_length: 24,
            vlan: None,
            mac: NICS[host],
        }],
        neighbors: vec![neighbor(0), neighbor(1)],
        ..Policy::default()
    })
}

fn print(host: &str, verdict: Verdict, trace: &Trace) {
    println!("{host}    {verdict:?}");
    for event in trace.events() {
        println!("    {event:?}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
