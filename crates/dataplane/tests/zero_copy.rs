//! No payload byte moves between ingress and egress: the frame's window moves over bytes that stay.

mod common;

use common::*;
use nvgre_dataplane::{Nanos, NoEgress, NoTrace, PortId, Snapshot, Verdict, Worker};
use nvgre_wire::{FrameBuf, HEADROOM};

const MARK: &[u8] = b"these bytes stay where the caller put them";

/// Where the marked payload lies in the caller's memory.
fn place(frame: &FrameBuf<'_>) -> usize {
    let at = frame
        .bytes()
        .windows(MARK.len())
        .position(|bytes| bytes == MARK);
    frame.range().start + at.expect("the payload is in the frame")
}

/// One piece of memory from a guest's port to another guest's port on another host.
fn carried_in_place(carriage: Carriage, ipv4: bool, tags: bool) {
    let packet = Ip::new(BLUE1.ip(ipv4), BLUE2.ip(ipv4)).udp((1000, 2000), MARK);
    let mut bytes = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
    if tags {
        bytes = tagged(&tagged(&bytes, 0x8100, 7), 0x88a8, 9);
    }
    let mut memory = [&[0; HEADROOM][..], &bytes].concat();
    let range = HEADROOM..memory.len();
    let mut frame = FrameBuf::new(&mut memory, range).expect("headroom is there");
    let first = place(&frame);
    let snapshots = [0, 1]
        .map(|host| Snapshot::new(&sample_policy(carriage, host), 1).expect("the policy is sound"));
    let (mut worker, port) = (Worker::new(), PortId(BLUE1.port));
    let (egress, tracer) = (&mut NoEgress, &mut NoTrace);
    let sent = worker.outbound_frame(Nanos(0), &snapshots[0], port, &mut frame, egress, tracer);
    assert_eq!(sent, Verdict::Uplink);
    assert_eq!(place(&frame), first, "{carriage:?} on the wire");
    let mut worker = Worker::new();
    let received = worker.inbound_frame(Nanos(0), &snapshots[1], &mut frame, egress, tracer);
    assert_eq!(received, Verdict::Deliver(PortId(BLUE2.port)));
    assert_eq!(place(&frame), first, "{carriage:?} at the other port");
}

#[test]
fn the_payload_of_an_encapsulated_or_rewritten_frame_stays_where_it_lies() {
    for carriage in [Carriage::EncapV4, Carriage::EncapV6, Carriage::Nat] {
        for ipv4 in [true, false] {
            for tags in [false, true] {
                carried_in_place(carriage, ipv4, tags);
            }
        }
    }
}
