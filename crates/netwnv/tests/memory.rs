//! What a record costs does not depend on how many there are: allocations stand for the work, since
//! they can be counted.

#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

mod common;
#[path = "common/long_script.rs"]
mod long_script;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::estate;
use nvgre_dataplane::LookupRecord;
use nvgre_netwnv::{RecordEntry, Source, run};

use long_script::{LongScript, SHAPES, Shape};

/// Counts the calls of the thread that allocates, and the bytes that it has and had at most.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static KEPT: Cell<i64> = const { Cell::new(0) };
    static MOST: Cell<i64> = const { Cell::new(0) };
}

fn count(taken: usize, given_back: usize) {
    CALLS.set(CALLS.get() + 1);
    KEPT.set(KEPT.get() + taken as i64 - given_back as i64);
    MOST.set(MOST.get().max(KEPT.get()));
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size, layout.size());
        unsafe { System.realloc(memory, layout, new_size) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A load of some records: calls of the allocator, bytes that stay, bytes at the height of it.
#[derive(Debug)]
struct Cost {
    calls: f64,
    kept_bytes: f64,
    most_bytes: f64,
}

/// For each record.
fn cost(count: u32, shape: Shape, labels: bool) -> Cost {
    let script = LongScript::of(count, shape, labels);
    let mut estate = estate();
    let source = Source::new("policy.ps1", script.text);
    let (calls, kept) = (CALLS.get(), KEPT.get());
    MOST.set(kept);
    run(&source, "Statler", &mut estate).unwrap();
    let each = |number: f64| number / f64::from(count);
    let cost = Cost {
        calls: each((CALLS.get() - calls) as f64),
        kept_bytes: each((KEPT.get() - kept) as f64),
        most_bytes: each((MOST.get() - kept) as f64),
    };
    assert_eq!(estate.hosts[0].records.len(), count as usize);
    cost
}

#[test]
fn a_record_costs_the_same_in_a_long_script() {
    // Both just below a power of two, where tables that double are as full as each other.
    let (few, many) = (1_000, 8_000);
    for shape in SHAPES {
        for labels in [false, true] {
            let (small, large) = (cost(few, shape, labels), cost(many, shape, labels));
            for (small, large) in [
                (small.calls, large.calls),
                (small.kept_bytes, large.kept_bytes),
                (small.most_bytes, large.most_bytes),
            ] {
                // What is there once weighs on the short script alone.
                let grown = large / small;
                assert!(
                    (0.8..1.02).contains(&grown),
                    "{shape:?}, labels {labels}: {small} a record, then {large}"
                );
            }
        }
    }
}

#[test]
fn a_record_with_literals_is_a_command_and_its_arguments_in_memory() {
    let Cost { calls, .. } = cost(8_000, Shape::Line, false);
    // Taken and given back: the command's arguments as they were written and as they are bound.
    assert!(calls < 4.0 + 0.1, "{calls} calls of the allocator a record");
}

#[test]
fn what_is_kept_of_a_record_is_small() {
    // Besides the record itself: 24 bytes of labels, 24 of place, and what alignment takes.
    let entry = size_of::<RecordEntry>();
    assert!(
        entry <= size_of::<LookupRecord>() + 24 + 24 + 8,
        "{entry} bytes"
    );
    let kept = cost(8_000, Shape::Line, false).kept_bytes;
    assert!(kept < 1.05 * entry as f64, "{kept} bytes a record");
    // A VM's name is a text of its own: its bytes, a count and a length.
    let labeled = cost(8_000, Shape::Line, true).kept_bytes;
    assert!(
        labeled - kept < 40.0,
        "{labeled} bytes a record with labels"
    );
}

#[test]
fn the_tree_of_a_long_script_is_never_all_in_memory() {
    let Cost { most_bytes, .. } = cost(8_000, Shape::Line, false);
    // The list as it doubles, the index of keys, and where lines start.
    assert!(most_bytes < 250.0, "{most_bytes} bytes a record");
}
