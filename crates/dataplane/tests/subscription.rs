//! How workers come by snapshots, and who lets go of them last.

mod common;

use common::*;
use nvgre_dataplane::{LookupRecord, Nanos, NoEgress, NoTrace, PortId, Snapshot, Verdict, Worker};
use nvgre_wire::{FrameBuf, HEADROOM};

/// The last byte of the host's address that Blue 1's packet for Blue 2 is carried to.
fn carried_to(snapshot: &Snapshot) -> u8 {
    let mut memory = vec![0; HEADROOM];
    memory.extend(ping(BLUE1, BLUE2));
    let end = memory.len();
    let mut frame = FrameBuf::new(&mut memory, HEADROOM..end).expect("headroom");
    let verdict = Worker::new().outbound_frame(
        Nanos(0),
        snapshot,
        PortId(BLUE1.port),
        &mut frame,
        &mut NoEgress,
        &mut NoTrace,
    );
    assert_eq!(verdict, Verdict::Uplink);
    frame.bytes()[33]
}

fn blue2_at(host: usize) -> LookupRecord {
    encap(900, BLUE, BLUE2.ca(true), BLUE2.mac, host_v4(host))
}

#[test]
fn a_subscription_begins_with_all_edits_made_before_it() {
    let mut publisher = host0().publisher;
    publisher.replace(&blue2_at(2)).unwrap();
    assert_eq!(carried_to(publisher.subscribe().snapshot()), 33);
    publisher.replace(&blue2_at(3)).unwrap();
    assert_eq!(carried_to(publisher.subscribe().snapshot()), 44);
}

#[test]
fn every_subscription_sees_what_was_published_last() {
    let mut publisher = host0().publisher;
    let mut first = publisher.subscribe();
    let mut second = publisher.subscribe();
    let mut third = first.clone();
    for host in [2, 3, 1, 2] {
        publisher.replace(&blue2_at(host)).unwrap();
        let published = publisher.publish();
        for subscription in [&mut first, &mut second, &mut third] {
            assert_eq!(carried_to(subscription.snapshot()), 11 * (host as u8 + 1));
        }
        assert!(std::ptr::eq(first.snapshot(), &*published));
    }
}

/// A worker that does not ask keeps what it had, and so do its rows.
#[test]
fn what_a_silent_worker_last_saw_stays_what_it_was() {
    let mut publisher = host0().publisher;
    let mut silent = publisher.subscribe();
    let snapshot = silent.snapshot();
    for round in 0..500 {
        publisher.replace(&blue2_at(2 + round % 2)).unwrap();
        let _ = publisher.publish();
        assert_eq!(carried_to(snapshot), 22);
    }
    assert_eq!(carried_to(silent.snapshot()), 44);
}

#[test]
fn workers_outlive_the_publisher() {
    let mut publisher = host0().publisher;
    let mut worker = publisher.subscribe();
    let old = publisher.publish();
    publisher.replace(&blue2_at(2)).unwrap();
    let _ = publisher.publish();
    publisher.replace(&blue2_at(3)).unwrap();
    drop(publisher);
    assert_eq!(carried_to(worker.snapshot()), 33);
    assert_eq!(carried_to(&old), 22);
}

#[test]
fn the_state_that_a_publisher_ends_as_has_all_edits_and_leaves_others_theirs() {
    let mut publisher = host0().publisher;
    let old = publisher.publish();
    publisher.replace(&blue2_at(2)).unwrap();
    let last = publisher.into_snapshot();
    assert_eq!(carried_to(&last), 33);
    assert_eq!(carried_to(&old), 22);
}
