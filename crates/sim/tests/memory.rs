//! A replay's memory does not grow with the capture: once it has seen a kind of frame, another one
//! of that kind allocates nothing.

#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use nvgre_capture::{LinkType, Packet, PacketOptions};
use nvgre_sim::{MapFile, Replay};

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

#[test]
fn frames_of_kinds_that_were_seen_allocate_nothing() {
    let mut question = broadcast(5)[..14].to_vec();
    question[12..].copy_from_slice(&[8, 6]);
    question.extend([0, 1, 8, 0, 6, 4, 0, 1, 0, 0x15, 0x5d, 0, 0, 5, 10, 0, 0, 5]);
    question.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 7]);
    let kinds: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("encapsulated", udp(5, 7), Some("Red1")),
        ("switched", udp(5, 9), Some("Blue1/Network Adapter")),
        ("flooded", broadcast(5), Some("blue1")),
        ("flooded to a provider group", broadcast(5), Some("Red1")),
        ("answered", question, Some("Red1")),
        ("passed through", udp(21, 22), None),
        ("passed through to all", broadcast(21), None),
        ("decapsulated", nvgre(1, 2, 6001, &udp(5, 7)), None),
        ("dropped", udp(5, 99), Some("Red1")),
        ("dropped on receipt", nvgre(1, 2, 4242, &udp(5, 7)), None),
        ("skipped", udp(99, 5), Some("eth0")),
        ("the other direction", udp(7, 5), Some("Red1")),
    ];
    let mut replay = Replay::new(model(), MapFile::default());
    let mut send = |frame: &[u8], interface: Option<&str>| {
        let packet = Packet {
            number: 1,
            time_ns: 1_000,
            interface: 0,
            interface_name: interface,
            link_type: LinkType::ETHERNET,
            original_len: frame.len() as u32,
            data: frame,
            options: PacketOptions::NONE,
        };
        replay
            .packet(&packet, "x.pcap")
            .expect("it can be replayed");
    };
    for (_, frame, interface) in &kinds {
        send(frame, *interface);
    }
    for (kind, frame, interface) in &kinds {
        let before = CALLS.get();
        for _ in 0..100 {
            send(frame, *interface);
        }
        assert_eq!(CALLS.get() - before, 0, "{kind}");
    }
    let report = replay.report();
    assert!(report.frames.adds_up() && report.frames.consumed > 0 && report.frames.skipped > 0);
    assert_eq!(report.drops.len(), 2, "{:?}", report.drops);
}
