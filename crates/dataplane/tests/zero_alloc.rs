//! Nothing is allocated for a frame: whatever it is, wherever it goes, and for whichever reason it
//! is dropped.

#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use nvgre_dataplane::{
    AnyProvider, Destination, DropReason, Egress, Learned, Nanos, NoTrace, Policy, PortFrame,
    PortId, Settings, Snapshot, Verdict, Worker, decapsulate,
};
use nvgre_wire::{FrameBuf, HEADROOM};

/// Counts the calls of the thread that allocates.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.realloc(memory, layout, new_size) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        CALLS.set(CALLS.get() + 1);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts what it is lent.
#[derive(Default)]
struct Sink {
    copies: usize,
    generated: usize,
    learned: usize,
}

impl Egress for Sink {
    fn copy(&mut self, _index: usize, _to: Destination, _frame: &[u8]) {
        self.copies += 1;
    }
    fn generated(&mut self, _index: usize, _to: PortId, _frame: &[u8]) {
        self.generated += 1;
    }
    fn learned(&mut self, _learned: Learned) {
        self.learned += 1;
    }
}

/// What one frame cost, and what became of it.
struct Cost {
    calls: u64,
    verdict: Verdict,
    sink: Sink,
}

/// Sends `frames` one after the other; the cost is that of the last.
fn cost(policy: &Policy, at: Entrance, frames: &[&[u8]]) -> Cost {
    let snapshot = Snapshot::new(policy, SEED).expect("a policy");
    let mut worker = Worker::new();
    // Counters and per-port state grow once with the snapshot.
    worker.outbound(
        Nanos(0),
        &snapshot,
        &mut [],
        &mut [],
        &mut Sink::default(),
        &mut NoTrace,
    );
    let mut last = None;
    for frame in frames {
        let mut memory = vec![0; HEADROOM];
        memory.extend_from_slice(frame);
        let range = HEADROOM..memory.len();
        let frame = FrameBuf::new(&mut memory, range).expect("headroom");
        let mut sink = Sink::default();
        let (mut verdicts, tracer) = ([Verdict::Consumed], &mut NoTrace);
        let calls = match at {
            Entrance::Port(port) => {
                let port = PortId(port);
                let mut batch = [PortFrame { port, frame }];
                let before = CALLS.get();
                worker.outbound(
                    Nanos(0),
                    &snapshot,
                    &mut batch,
                    &mut verdicts,
                    &mut sink,
                    tracer,
                );
                CALLS.get() - before
            }
            Entrance::Uplink => {
                let mut batch = [frame];
                let before = CALLS.get();
                worker.inbound(
                    Nanos(0),
                    &snapshot,
                    &mut batch,
                    &mut verdicts,
                    &mut sink,
                    tracer,
                );
                CALLS.get() - before
            }
            Entrance::Tool => {
                let mut frame = frame;
                let before = CALLS.get();
                let result = decapsulate(&mut frame, &Settings::default(), &AnyProvider);
                let calls = CALLS.get() - before;
                if let Err(refused) = result {
                    verdicts[0] = Verdict::Drop(refused.reason);
                }
                calls
            }
        };
        let verdict = verdicts[0];
        last = Some(Cost {
            calls,
            verdict,
            sink,
        });
    }
    last.expect("a frame")
}

/// As [`cost`], of one frame that ends with this verdict and allocates nothing.
#[track_caller]
fn free(name: &str, policy: &Policy, at: Entrance, frame: &[u8], verdict: Verdict) -> Sink {
    let cost = cost(policy, at, &[frame]);
    assert_eq!(cost.verdict, verdict, "{name}");
    assert_eq!(cost.calls, 0, "{name}: calls of the allocator");
    cost.sink
}

#[test]
fn the_counter_counts() {
    let before = CALLS.get();
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(CALLS.get() - before, 2, "one allocation, one release");
}

#[test]
fn encapsulation_and_decapsulation_are_free() {
    for carriage in Carriage::ENCAP {
        let [sender, receiver] = [0, 1].map(|host| sample_policy(carriage, host));
        for frame in [
            ping(BLUE1, BLUE2),
            ping6(BLUE1, BLUE2),
            arp_reply(BLUE1, BLUE2),
        ] {
            free("out", &sender, Entrance::Port(0), &frame, Verdict::Uplink);
            let with_tags = tagged(&tagged(&frame, 0x8100, 7), 0x88a8, 9);
            free(
                "tags off",
                &sender,
                Entrance::Port(0),
                &with_tags,
                Verdict::Uplink,
            );
            let packet = Host::new(sender.clone()).send(0, &frame).frame;
            let port = Verdict::Deliver(PortId(BLUE2.port));
            free("in", &receiver, Entrance::Uplink, &packet, port);
            let tool = cost(&receiver, Entrance::Tool, &[&packet]);
            assert_eq!((tool.calls, tool.verdict), (0, Verdict::Consumed));
        }
    }
}

#[test]
fn local_delivery_and_routing_are_free() {
    let policy = sample_policy(Carriage::EncapV4, 0);
    let port = Entrance::Port(0);
    for ipv4 in [true, false] {
        let routed = |to: Guest| {
            let packet = Ip::new(BLUE1.ip(ipv4), to.ip(ipv4)).echo(b"routed");
            ip_frame(ROUTER, BLUE1.mac, &packet)
        };
        let to = |guest: Guest| Verdict::Deliver(PortId(guest.port));
        free("local", &policy, port, &ping(BLUE1, BLUE3), to(BLUE3));
        free("routed here", &policy, port, &routed(BLUE_B1), to(BLUE_B1));
        free(
            "routed away",
            &policy,
            port,
            &routed(BLUE_B2),
            Verdict::Uplink,
        );
    }
}

#[test]
fn rewriting_is_free_both_ways() {
    let [sender, receiver] = [0, 1].map(|host| sample_policy(Carriage::Nat, host));
    for ipv4 in [true, false] {
        let (from, to) = (BLUE1.ip(ipv4), BLUE2.ip(ipv4));
        let ip = Ip::new(from, to);
        let (error, protocol) = if ip.source.is_ipv4() {
            (3, ICMP)
        } else {
            (1, ICMPV6)
        };
        let quoted = Ip::new(to, from).udp((1, 2), b"refused");
        let quote = [&[0; 4][..], &quoted].concat();
        for packet in [
            ip.tcp((49_152, 80), b"data"),
            ip.udp((1, 2), b"data"),
            ip.echo(b"data"),
            ip.icmp(error, 3, &quote, protocol),
        ] {
            let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
            free(
                "rewritten",
                &sender,
                Entrance::Port(0),
                &frame,
                Verdict::Uplink,
            );
            let packet = Host::new(sender.clone()).send(0, &frame).frame;
            let port = Verdict::Deliver(PortId(BLUE2.port));
            free("back", &receiver, Entrance::Uplink, &packet, port);
        }
    }
}

#[test]
fn floods_are_free() {
    let broadcast = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]);
    for carriage in Carriage::ENCAP {
        let [sender, receiver] = [0, 1].map(|host| sample_policy(carriage, host));
        let sink = free(
            "out",
            &sender,
            Entrance::Port(0),
            &broadcast,
            Verdict::Replicated(2),
        );
        assert_eq!(sink.copies, 2);
        let mut host = Host::new(sender);
        let packet = host
            .send(0, &broadcast)
            .uplinks()
            .next()
            .expect("a copy")
            .to_vec();
        let mut crowded = receiver;
        for port in 20..40 {
            let mac = nvgre_wire::MacAddress::new([6, 6, 0, 0, 9, port as u8]);
            crowded
                .ports
                .push(nvgre_dataplane::Port::new(PortId(port), mac).in_subnet(vsid(BLUE)));
        }
        let sink = free(
            "in",
            &crowded,
            Entrance::Uplink,
            &packet,
            Verdict::Replicated(21),
        );
        assert_eq!(sink.copies, 21);
    }
}

#[test]
fn answers_are_free() {
    let policy = sample_policy(Carriage::EncapV4, 0);
    let ask = |name: &str, frame: &[u8]| {
        free(name, &policy, Entrance::Port(0), frame, Verdict::Hairpin);
    };
    ask("ARP", &arp_request(BLUE1, BLUE2.v4));
    ask("ARP for the gateway", &arp_request(BLUE1, GATEWAY_V4));
    for with_option in [true, false] {
        ask(
            "NS",
            &solicitation(BLUE1.mac, BLUE1.v6, BLUE2.v6, with_option),
        );
        ask(
            "NS for the gateway",
            &solicitation(BLUE1.mac, BLUE1.v6, GATEWAY_V6, with_option),
        );
    }
    let echo = Ip::new(BLUE1.v4, GATEWAY_V4).echo(b"gateway");
    ask("echo", &ip_frame(ROUTER, BLUE1.mac, &echo));
    let echo = Ip::new(BLUE1.v6, GATEWAY_V6).echo(b"gateway");
    ask("echo over IPv6", &ip_frame(ROUTER, BLUE1.mac, &echo));
}

#[test]
fn errors_to_guests_are_free() {
    let policy = sample_policy(Carriage::EncapV4, 0);
    for ipv4 in [true, false] {
        let long = Ip::new(BLUE1.ip(ipv4), BLUE2.ip(ipv4))
            .dont_fragment()
            .udp((1, 2), &[0; 1_460]);
        let expired = Ip::new(BLUE1.ip(ipv4), BLUE_B2.ip(ipv4))
            .ttl(1)
            .echo(b"expired");
        for (frame, reason) in [
            (ip_frame(BLUE2.mac, BLUE1.mac, &long), DropReason::TooBig),
            (
                ip_frame(ROUTER, BLUE1.mac, &expired),
                DropReason::TtlExceeded,
            ),
        ] {
            let verdict = Verdict::Drop(reason);
            let sink = free(reason.name(), &policy, Entrance::Port(0), &frame, verdict);
            assert_eq!(sink.generated, 1);
        }
    }
}

#[test]
fn learning_is_free() {
    let mut policy = sample_policy(Carriage::EncapV4, 1);
    let newcomer = mac("06-06-00-00-00-66");
    policy.records.push(l2_only(90, BLUE, newcomer, host_v4(0)));
    let address: std::net::Ipv4Addr = [10, 0, 0, 66].into();
    let inner = ip_frame(
        BLUE2.mac,
        newcomer,
        &Ip::new(address, BLUE2.v4).echo(b"hello"),
    );
    let (to, from) = ((host_mac(1), host_v4(1)), (host_mac(0), host_v4(0)));
    let packet = nvgre(to, from, (BLUE, 0), &inner);
    let port = Verdict::Deliver(PortId(BLUE2.port));
    let sink = free("learned", &policy, Entrance::Uplink, &packet, port);
    assert_eq!(sink.learned, 1);
}

#[test]
fn every_kind_of_drop_is_free() {
    for Refusal {
        reason,
        policy,
        at,
        before,
        frame,
    } in refusals()
    {
        let frames: Vec<&[u8]> = before.iter().chain([&frame]).map(Vec::as_slice).collect();
        let cost = cost(&policy, at, &frames);
        assert_eq!(cost.verdict, Verdict::Drop(reason));
        assert_eq!(cost.calls, 0, "{reason}: calls of the allocator");
    }
}
