//! Batches are for speed and decide nothing, also where tables are so large that a batch looks ahead.

mod common;

use std::sync::{Arc, LazyLock};

use common::*;
use nvgre_dataplane::{Policy, Snapshot};
use nvgre_wire::{CustomerAddress, MacAddress};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Records beside those of [`rich_policy`] that no frame asks for: 32 bytes each, so that the table
/// is larger than the 512 KiB from which on batches look ahead.
const BYSTANDERS: u32 = 20_000;

static FAR: LazyLock<(Policy, Arc<Snapshot>)> = LazyLock::new(|| {
    let mut policy = rich_policy(0);
    policy.records.extend((0..BYSTANDERS).map(|k| {
        let address = CustomerAddress::v4((0x0a63_0000 + k).to_be_bytes());
        let mac = MacAddress::from_bits(0x0606_6300_0000 + u64::from(k));
        encap(100_000 + k, BLUE_B, address, mac, host_v4(1))
    }));
    let snapshot = Snapshot::new(&policy, SEED).expect("a policy");
    (policy, Arc::new(snapshot))
});

fn far() -> Host {
    let (policy, snapshot) = &*FAR;
    Host::with(policy.clone(), snapshot.clone())
}

/// What was learned is not told by frame.
fn learned(outcomes: &mut [Outcome]) -> Vec<nvgre_dataplane::Learned> {
    let each = outcomes.iter_mut();
    each.flat_map(|outcome| std::mem::take(&mut outcome.learned))
        .collect()
}

fn counters(host: &Host) -> String {
    format!("{:?}", host.worker.counters())
}

#[track_caller]
fn assert_same(mut single: Vec<Outcome>, mut batch: Vec<Outcome>, hosts: [&Host; 2]) {
    assert_eq!(learned(&mut single), learned(&mut batch));
    for (index, (one, many)) in single.iter().zip(&batch).enumerate() {
        assert!(
            one == many,
            "frame {index}\n-- alone\n{one}-- in a batch\n{many}"
        );
    }
    assert_eq!(single.len(), batch.len());
    let [alone, together] = hosts.map(counters);
    assert_eq!(alone, together);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        rng_seed: RngSeed::Fixed(7637),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_batch_over_far_tables_is_its_frames_one_by_one_over_near_ones(
        arrivals in vec(any_arrivals(), 1..24),
    ) {
        let arrivals = arrivals.concat();
        let sent: Vec<_> = arrivals
            .iter()
            .filter_map(|(way, frame)| Some(((*way)?, frame.as_slice())))
            .collect();
        let came: Vec<_> = arrivals
            .iter()
            .filter(|(way, _)| way.is_none())
            .map(|(_, frame)| frame.as_slice())
            .collect();
        let (mut single, mut batch) = (Host::new(rich_policy(0)), far());
        let alone = sent.iter().map(|(port, frame)| single.send(*port, frame)).collect();
        let together = batch.send_all(&sent);
        assert_same(alone, together, [&single, &batch]);
        let alone = came.iter().map(|frame| single.receive(frame)).collect();
        let together = batch.receive_all(&came);
        assert_same(alone, together, [&single, &batch]);
    }
}

/// Every length around those that batches are cut into.
#[test]
fn a_batch_of_any_length_is_its_frames_one_by_one() {
    let frames: Vec<_> = specimens().into_iter().cycle().take(100).collect();
    for len in (1..=3).chain(31..=33).chain(63..=65).chain([100]) {
        let (mut single, mut batch) = (far(), far());
        let sent: Vec<_> = frames[..len].iter().map(|f| (0, f.as_slice())).collect();
        let alone = sent
            .iter()
            .map(|(port, frame)| single.send(*port, frame))
            .collect();
        let together = batch.send_all(&sent);
        assert_same(alone, together, [&single, &batch]);
        let came: Vec<_> = frames[..len].iter().map(Vec::as_slice).collect();
        let alone = came.iter().map(|frame| single.receive(frame)).collect();
        let together = batch.receive_all(&came);
        assert_same(alone, together, [&single, &batch]);
    }
}
