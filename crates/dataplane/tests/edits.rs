//! The law of edits: tables that were edited, one record after another, do with every frame what
//! tables compiled from the edited policy do; and what was published stays what it was.

mod common;

use std::sync::Arc;

use common::*;
use nvgre_dataplane::{Policy, Snapshot};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(7637),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

type Arrivals = Vec<(Option<u32>, Vec<u8>)>;

/// One frame of every kind at every port of [`rich_policy`] and at the NIC, with inner frames from
/// every host.
fn every_way_in() -> Arrivals {
    let ports = [0, 1, 2, 3, 10];
    let sent = specimens()
        .into_iter()
        .flat_map(move |frame| ports.map(|port| (Some(port), frame.clone())));
    let received = specimens().into_iter().map(|frame| (None, frame));
    let carried = [
        (BLUE2, BLUE1, BLUE),
        (RED2, RED1, RED),
        (BLUE_B2, BLUE_B1, BLUE_B),
    ]
    .into_iter()
    .flat_map(|(from, to, subnet)| {
        (0..HOSTS).flat_map(move |host| {
            [ping(from, to), ping6(from, to), arp_request(from, to.v4)].map(|inner| {
                let (to, from) = ((host_mac(0), host_v4(0)), (host_mac(host), host_v4(host)));
                (None, nvgre(to, from, (subnet, 9), &inner))
            })
        })
    });
    // On the wire itself, as a host that records name, or named once.
    let plain = nvgre_wire::MacAddress::new([2, 0, 0, 0, 0, 10]);
    let forged = (0..HOSTS)
        .map(|host| host_v4(host).ip())
        .chain([pa("192.168.9.9").ip()])
        .map(move |source| {
            let packet = Ip::new(source, ip("192.168.4.99")).udp((1, 2), b"wire");
            (Some(10), ip_frame(host_mac(3), plain, &packet))
        });
    sent.chain(received).chain(carried).chain(forged).collect()
}

/// A snapshot with the policy that it must stand for as long as it is there.
type Kept = (Policy, Arc<Snapshot>);

/// Goes through the steps from this policy on; every snapshot that is kept at the end.
fn take(mut edited: Edited, steps: &[Step], arrivals: &[(Option<u32>, Vec<u8>)]) {
    let mut kept: Vec<Kept> = Vec::new();
    for (step, id) in steps.iter().zip(1_000..) {
        if let Some(edit) = step.edit(&edited.policy, id) {
            let _ = edited.edit(edit);
        }
        match step {
            Step::Publish(keep) => {
                let (policy, snapshot) = edited.publish();
                assert_as_fresh(&policy, &snapshot, arrivals);
                if *keep {
                    kept.push((policy, snapshot));
                }
            }
            Step::Forget(at) if !kept.is_empty() => {
                let at = at.index(kept.len());
                kept.swap_remove(at);
            }
            _ => {}
        }
    }
    kept.push(edited.publish());
    // What is not published is seen by nobody.
    for record in edited.policy.records.clone() {
        let _ = edited.publisher.remove(&record);
    }
    let every = every_way_in();
    for (policy, snapshot) in &kept {
        assert_as_fresh(policy, snapshot, arrivals);
        assert_as_fresh(policy, snapshot, &every);
    }
    // The last of them are all that is left of the tables.
    drop(edited);
    for (policy, snapshot) in &kept {
        assert_as_fresh(policy, snapshot, arrivals);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn edits_come_to_what_a_fresh_policy_says(
        steps in vec(steps(), 1..60),
        arrivals in any_arrivals(),
    ) {
        take(Edited::new(rich_policy(0)), &steps, &arrivals);
    }

    /// From tables of two cache lines each, which grow from edit to edit.
    #[test]
    fn edits_of_a_host_without_records_come_to_the_same(
        steps in vec(steps(), 1..80),
        arrivals in any_arrivals(),
    ) {
        let mut policy = rich_policy(0);
        policy.records.clear();
        take(Edited::new(policy), &steps, &arrivals);
    }
}
