//! Hosts, tables and frames for the benches: everything that is set up outside the timed loops.

use std::net::Ipv4Addr;

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Nanos, NoEgress, NoTrace, Policy, Port, PortFrame,
    PortId, RecordId, RecordType, RouteId, Rule, Settings, Snapshot, Verdict, Worker,
};
use nvgre_wire::{
    CustomerAddress, FrameBuf, HEADROOM, MacAddress, ProviderAddress, RoutingDomainId,
    VirtualSubnetId,
};

/// Frames of one batch.
pub const BATCH: usize = 256;
/// The guest that sends, at port 0 of the first host.
const SENDER: u32 = 0;
/// The guest at port 1 of the first host.
const NEIGHBOR: u32 = 1;
/// The guest in the other subnet, at port 2 of the first host.
const ROUTED: u32 = 2;
/// Guests from here up are on other hosts.
pub const FIRST_REMOTE: u32 = 3;
/// Hosts that the remote guests are spread over.
const HOSTS: u32 = 64;

/// MAC of guest `index`.
pub fn mac(index: u32) -> MacAddress {
    let [a, b, c, d] = index.to_be_bytes();
    MacAddress::new([0x00, 0x15 ^ a, 0x5d, b, c, d])
}

/// Customer address of guest `index`.
pub fn customer(index: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0002 + index)
}

/// Provider address of host `index`.
pub fn provider(index: u32) -> ProviderAddress {
    ProviderAddress::v4((0xc0a8_0001 + index).to_be_bytes())
}

fn vsid(number: u32) -> VirtualSubnetId {
    VirtualSubnetId::try_new(number).expect("a usable number")
}

/// Where guest `index` is. With rewriting each guest has a provider address of its own.
fn provider_of(index: u32, rule: Rule) -> ProviderAddress {
    match rule {
        Rule::Nat => provider(index),
        Rule::Encap | Rule::None => provider(if index < FIRST_REMOTE {
            0
        } else {
            1 + index % (HOSTS - 1)
        }),
    }
}

/// The tables of one host: the first (`remote == false`), or the one where guest `FIRST_REMOTE` is.
pub fn snapshot(records: u32, rule: Rule, remote: bool) -> Snapshot {
    let record = |index: u32| LookupRecord {
        id: RecordId(index),
        virtual_subnet: vsid(if index == ROUTED { 5002 } else { 5001 }),
        customer_address: CustomerAddress::v4(customer(index).octets()),
        mac: mac(index),
        provider_address: provider_of(index, rule),
        rule,
        record_type: RecordType::Static,
        use_vm_mac: false,
    };
    let route = |id: u32, subnet: u32, prefix: &str| CustomerRoute {
        id: RouteId(id),
        routing_domain: RoutingDomainId::new(1),
        virtual_subnet: vsid(subnet),
        destination: prefix.parse().expect("a prefix"),
        next_hop: "0.0.0.0".parse().expect("an address"),
        metric: 255,
    };
    let here = if remote {
        FIRST_REMOTE..FIRST_REMOTE + 1
    } else {
        0..FIRST_REMOTE
    };
    let ports = here.clone().map(|index| {
        let subnet = if index == ROUTED { 5002 } else { 5001 };
        Port::new(PortId(index), mac(index)).in_subnet(vsid(subnet))
    });
    let mut addresses: Vec<_> = here.map(|index| provider_of(index, rule)).collect();
    addresses.dedup();
    let policy = Policy {
        wnv_bound: true,
        ports: ports.collect(),
        records: (0..records).map(record).collect(),
        customer_routes: vec![
            route(0, 5001, "10.0.0.0/8"),
            route(1, 5002, &format!("{}/32", customer(ROUTED))),
        ],
        provider_addresses: addresses
            .into_iter()
            .map(|address| HostAddress {
                address,
                interface_index: 1,
                prefix_length: 8,
                vlan: None,
                mac: mac(0xff_0000 + u32::from(remote)),
            })
            .collect(),
        proxy_neighbor_mac: Some(mac(0xff_0001)),
        settings: Settings {
            underlay_mtu_bytes: 9_000,
            ..Settings::default()
        },
        ..Policy::default()
    };
    Snapshot::new(&policy, 1).expect("the policy is sound")
}

/// Who the frames of a batch are for.
#[derive(Clone, Copy)]
pub enum To {
    /// Guests on other hosts, spread over this many records.
    Remote(u32),
    /// The guest beside the sender.
    Neighbor,
    /// The guest in the other subnet, through the built-in router.
    Routed,
    /// An address without record.
    Nobody,
    /// The first remote guest only.
    FirstRemote,
}

/// UDP frames of `len` bytes, each of its own flow, from guest 0.
pub fn frames(count: usize, len: usize, to: To) -> Vec<Vec<u8>> {
    (0..count as u32).map(|flow| frame(flow, len, to)).collect()
}

fn frame(flow: u32, len: usize, to: To) -> Vec<u8> {
    let (address, link) = match to {
        To::Remote(records) => {
            let guest = FIRST_REMOTE + flow.wrapping_mul(2_654_435_761) % (records - FIRST_REMOTE);
            (customer(guest), mac(guest))
        }
        To::FirstRemote => (customer(FIRST_REMOTE), mac(FIRST_REMOTE)),
        To::Neighbor => (customer(NEIGHBOR), mac(NEIGHBOR)),
        To::Routed => (customer(ROUTED), nvgre_dataplane::DEFAULT_ROUTER_MAC),
        To::Nobody => (Ipv4Addr::new(10, 255, 255, 254), mac(0xfe_ffff)),
    };
    let payload = vec![0x5a; len - 14 - 20 - 8];
    let mut bytes = Vec::with_capacity(len);
    etherparse::PacketBuilder::ethernet2(mac(SENDER).octets(), link.octets())
        .ipv4(customer(SENDER).octets(), address.octets(), 64)
        .udp(1_024 + flow as u16, 53)
        .write(&mut bytes, &payload)
        .expect("a Vec takes it");
    bytes
}

/// The same frames again and again, each in a place of its own with headroom in front.
pub struct Arena {
    memory: Vec<u8>,
    /// The first bytes of each frame, as many as any rewrite touches.
    heads: Vec<[u8; 64]>,
    slot: usize,
    len: usize,
}

impl Arena {
    /// A copy of these frames, all of one length.
    pub fn new(frames: &[Vec<u8>]) -> Self {
        let len = frames[0].len();
        let slot = (HEADROOM + len).next_multiple_of(64);
        let mut memory = vec![0; slot * frames.len()];
        for (place, frame) in memory.chunks_exact_mut(slot).zip(frames) {
            place[HEADROOM..HEADROOM + len].copy_from_slice(frame);
        }
        let heads = frames.iter().map(|frame| {
            let mut head = [0; 64];
            let kept = frame.len().min(64);
            head[..kept].copy_from_slice(&frame[..kept]);
            head
        });
        Self {
            memory,
            heads: heads.collect(),
            slot,
            len,
        }
    }

    /// Undoes what rewriting and routing did to the frames.
    pub fn restore(&mut self) {
        let kept = self.len.min(64);
        for (place, head) in self.memory.chunks_exact_mut(self.slot).zip(&self.heads) {
            place[HEADROOM..HEADROOM + kept].copy_from_slice(&head[..kept]);
        }
    }

    /// The frames, each as it was at first in its place.
    pub fn frames(&mut self) -> impl Iterator<Item = FrameBuf<'_>> {
        let len = self.len;
        self.memory.chunks_exact_mut(self.slot).map(move |place| {
            FrameBuf::new(place, HEADROOM..HEADROOM + len).expect("headroom is there")
        })
    }
}

/// Sends a batch from port 0. Gives the frames back as they lie, and checks every verdict.
pub fn send(worker: &mut Worker, snapshot: &Snapshot, arena: &mut Arena, expect: Verdict) {
    let mut batch: smallvec::SmallVec<[PortFrame<'_>; BATCH]> = arena
        .frames()
        .map(|frame| PortFrame {
            port: PortId(SENDER),
            frame,
        })
        .collect();
    let mut verdicts = [Verdict::Consumed; BATCH];
    let verdicts = &mut verdicts[..batch.len()];
    worker.outbound(
        Nanos(0),
        snapshot,
        &mut batch,
        verdicts,
        &mut NoEgress,
        &mut NoTrace,
    );
    assert!(
        verdicts.iter().all(|verdict| *verdict == expect),
        "{:?}",
        verdicts[0]
    );
}

/// Hands a batch to a host's NIC.
pub fn receive(worker: &mut Worker, snapshot: &Snapshot, arena: &mut Arena, expect: Verdict) {
    let mut batch: smallvec::SmallVec<[FrameBuf<'_>; BATCH]> = arena.frames().collect();
    let mut verdicts = [Verdict::Consumed; BATCH];
    let verdicts = &mut verdicts[..batch.len()];
    worker.inbound(
        Nanos(0),
        snapshot,
        &mut batch,
        verdicts,
        &mut NoEgress,
        &mut NoTrace,
    );
    assert!(
        verdicts.iter().all(|verdict| *verdict == expect),
        "{:?}",
        verdicts[0]
    );
}

/// What the first host puts on the wire for these frames.
pub fn on_the_wire(snapshot: &Snapshot, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut worker = Worker::new();
    let mut arena = Arena::new(frames);
    let sent = arena.frames().map(|mut frame| {
        let port = PortId(SENDER);
        let verdict = worker.outbound_frame(
            Nanos(0),
            snapshot,
            port,
            &mut frame,
            &mut NoEgress,
            &mut NoTrace,
        );
        assert_eq!(verdict, Verdict::Uplink);
        frame.bytes().to_vec()
    });
    sent.collect()
}
