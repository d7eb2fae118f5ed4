//! Memory: bounded by the reader, not by what a file claims; none per packet.

#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{
    NANOSECONDS, Order, block, enhanced, interface, option, pcap_header, pcap_record, section,
};
use nvgre_capture::{BUFFER_BYTES, Reader};

/// Counts the calls and bytes of the thread that allocates.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    CALLS.set(CALLS.get() + 1);
    BYTES.set(BYTES.get() + bytes as u64);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        unsafe { System.realloc(memory, layout, new_size) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn large_files() -> [Vec<u8>; 2] {
    let order = Order::Little;
    let mut pcap = pcap_header(order, NANOSECONDS, (2, 4), 1);
    let options = [
        option(order, 1, b"a comment for every packet"),
        option(order, 2, &[0; 4]),
    ];
    let mut pcapng = [section(order), interface(order, 1, 0, &[])].concat();
    for index in 0..5_000 {
        let data = vec![index as u8; 1_000];
        pcap.extend(pcap_record(order, index, 0, 1_000, &data));
        pcapng.extend(enhanced(order, 0, index.into(), 1_000, &data, &options));
        pcapng.extend(block(order, 0x1234, &data));
    }
    [pcap, pcapng]
}

#[test]
fn nothing_is_allocated_per_packet() {
    for file in large_files() {
        let mut reader = Reader::new(file.as_slice()).unwrap();
        assert!(reader.next().unwrap().is_some());
        let before = CALLS.get();
        let mut packets = 1;
        while reader.next().unwrap().is_some() {
            packets += 1;
        }
        assert_eq!((packets, CALLS.get() - before), (5_000, 0));
    }
}

#[test]
fn claims_of_gigabytes_take_no_memory() {
    let order = Order::Little;
    let claim = |mut record: Vec<u8>, at: usize| {
        record[at..at + 4].copy_from_slice(&order.u32(0xffff_fffc));
        record
    };
    let pcap = pcap_header(order, NANOSECONDS, (2, 4), 1);
    let pcapng = [section(order), interface(order, 1, 0, &[])].concat();
    for (header, liar) in [
        (pcap, claim(pcap_record(order, 0, 0, 0, b""), 8)),
        (pcapng.clone(), claim(enhanced(order, 0, 0, 0, b"", &[]), 4)),
        (
            pcapng.clone(),
            claim(enhanced(order, 0, 0, 0, b"", &[]), 20),
        ),
        (pcapng.clone(), claim(interface(order, 1, 0, &[]), 4)),
        (pcapng.clone(), claim(section(order), 4)),
        (pcapng, claim(block(order, 0x1234, &[0; 64]), 4)),
    ] {
        let file = [header, liar, vec![0; 4 * BUFFER_BYTES]].concat();
        let before = BYTES.get();
        let mut reader = Reader::new(file.as_slice()).unwrap();
        let error = reader.next().map(drop).unwrap_err();
        let taken = BYTES.get() - before;
        assert!(error.to_string().contains("42949672"), "{error}");
        assert!(
            taken < BUFFER_BYTES as u64 + 10_000,
            "{taken} bytes for: {error}"
        );
    }
}
