//! Workers forward while the owner edits: a batch sees one published state, and all of it; and no
//! worker ever frees what the owner made.
//!
//! Every publication moves guests A and B to another host, together. In between records come and go,
//! and tables grow. The number of lookups is what debug builds can do in a moment; a release build
//! does ten million.

#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use common::*;
use nvgre_dataplane::{
    LookupRecord, Nanos, NoEgress, NoTrace, Policy, PortFrame, PortId, Publisher, Subscription,
    Verdict, Worker,
};
use nvgre_wire::{CustomerAddress, FrameBuf, HEADROOM, MacAddress};

/// Counts what each thread gives back.
struct Counting;

thread_local! {
    static FREED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        FREED.set(FREED.get() + 1);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WORKERS: u64 = 2;
/// Records that are asked for, by all workers together.
const LOOKUPS: u64 = if cfg!(debug_assertions) {
    400_000
} else {
    10_000_000
};
/// Frames of a batch: half of them to A, half to B.
const BATCH: usize = 64;
/// Hosts that A and B move between: 192.168.4.100 and the next ones.
const PLACES: u64 = 100;

fn guest(k: u32, host: u8) -> LookupRecord {
    let address = CustomerAddress::v4((0x0a00_0100 + k).to_be_bytes());
    let mac = MacAddress::from_bits(0x0606_0900_0000 + u64::from(k));
    let provider = nvgre_wire::ProviderAddress::v4([192, 168, 4, host]);
    encap(1_000 + k, BLUE, address, mac, provider)
}

/// Outer Ethernet, IPv4 and GRE.
const OUTER: usize = 14 + 20 + 8;

const A: u32 = 1;
const B: u32 = 2;

fn place(state: u64) -> u8 {
    100 + (state % PLACES) as u8
}

fn policy() -> Policy {
    let mut policy = sample_policy(Carriage::EncapV4, 0);
    policy.proxy_neighbor_mac = Some(host_mac(1));
    policy
        .records
        .extend([guest(A, place(0)), guest(B, place(0))]);
    policy
}

/// Edits from state to state until the workers have seen enough. How many states there were.
fn edit(publisher: &mut Publisher, done: &AtomicBool) -> u64 {
    let mut state = 0;
    let mut churn = 10..;
    while !done.load(Ordering::Relaxed) {
        state += 1;
        let host = place(state);
        publisher.replace(&guest(A, host)).expect("A is there");
        // Of three records one comes and goes unseen, one goes much later, one stays.
        let k = churn.next().expect("as many as there are");
        publisher.insert(&guest(k, host)).expect("a new one");
        if k % 3 == 0 {
            publisher.remove(&guest(k, host)).expect("it came");
        } else if k % 3 == 1 && k > 2_000 {
            let gone = guest(k - 1_992, 0);
            publisher.remove(&gone).expect("it came long ago");
        }
        if state % 2 == 0 {
            publisher.replace(&guest(B, host)).expect("B is there");
        } else {
            // B is away only between two publications.
            publisher.remove(&guest(B, 0)).expect("B is there");
            publisher.insert(&guest(B, host)).expect("B was there");
        }
        let _ = publisher.publish();
    }
    state
}

/// Forwards batches of frames until all workers have forwarded enough; the states that it saw.
fn forward(mut subscription: Subscription, asked: &AtomicU64) -> u64 {
    let frames = [A, B].map(|k| {
        let guest = guest(k, 0);
        let packet = Ip::new(BLUE1.v4, guest.customer_address.ip()).udp((1, 2), b"x");
        ip_frame(guest.mac, BLUE1.mac, &packet)
    });
    let len = frames[0].len();
    let mut memory = vec![0; BATCH * (HEADROOM + len)];
    let mut worker = Worker::new();
    let mut verdicts = [Verdict::Consumed; BATCH];
    let (mut states, mut last) = (1, place(0));
    // The first of everything may allocate.
    let _ = subscription.snapshot();
    let mut freed = None;
    let mut windows = memory.chunks_exact_mut(HEADROOM + len);
    let mut batch: [PortFrame<'_>; BATCH] = std::array::from_fn(|k| {
        let window = windows.next().expect("a frame's memory");
        window[HEADROOM..].copy_from_slice(&frames[k % 2]);
        let frame = FrameBuf::new(window, HEADROOM..HEADROOM + len).expect("headroom");
        let port = PortId(BLUE1.port);
        PortFrame { port, frame }
    });
    loop {
        worker.outbound(
            Nanos(0),
            subscription.snapshot(),
            &mut batch,
            &mut verdicts,
            &mut NoEgress,
            &mut NoTrace,
        );
        // The last byte of the outer destination.
        let host = batch[0].frame.bytes()[33];
        for (PortFrame { frame, .. }, verdict) in batch.iter_mut().zip(&verdicts) {
            let to = &frame.bytes()[30..34];
            assert!(
                *verdict == Verdict::Uplink && to == [192, 168, 4, host],
                "{verdict:?} to {to:?} in a batch to {host}"
            );
            // The guest's frame again.
            frame.pop_front(OUTER);
        }
        assert!((100..100 + PLACES as u8).contains(&host));
        states += u64::from(host != last);
        last = host;
        let before = *freed.get_or_insert(FREED.get());
        assert_eq!(FREED.get(), before, "a worker freed something");
        if asked.fetch_add(BATCH as u64, Ordering::Relaxed) >= LOOKUPS {
            return states;
        }
    }
}

#[test]
fn a_batch_sees_one_state_and_all_of_it_and_workers_free_nothing() {
    let mut publisher = Publisher::new(&policy(), SEED).expect("a policy");
    let (asked, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let (published, seen) = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let subscription = publisher.subscribe();
                let asked = &asked;
                scope.spawn(move || forward(subscription, asked))
            })
            .collect();
        let (publisher, done) = (&mut publisher, &done);
        let editor = scope.spawn(move || edit(publisher, done));
        let seen: Vec<_> = workers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::Relaxed);
        (editor.join().expect("the editor"), seen)
    });
    for states in seen {
        let states = states.expect("a worker");
        assert!(
            states > 1 && published > 0,
            "{states} of {published} states were seen"
        );
    }
}
