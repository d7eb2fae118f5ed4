//! The dataplane's paths, a batch at a time. See benches/README.md for the ids.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use nvgre_dataplane::{DropReason, PortId, Rule, Verdict, Worker};

use crate::limit::Limit;
use crate::scene::{Arena, BATCH, FIRST_REMOTE, To};

mod limit;
mod scene;

/// A batch after another, each on frames as they were at first; only the batch is timed.
fn batches(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: &str,
    frames: &[Vec<u8>],
    mut batch: impl FnMut(&mut Arena),
) {
    let mut arena = Arena::new(frames);
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = Duration::ZERO;
            for _ in 0..iterations {
                arena.restore();
                let start = Instant::now();
                batch(black_box(&mut arena));
                total += start.elapsed();
            }
            total
        });
    });
}

fn encap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encap");
    let snapshot = scene::snapshot(1_000, Rule::Encap, false);
    for len in [60, 1_514] {
        let frames = scene::frames(BATCH, len, To::Remote(1_000));
        let (limit, mut worker) = (Limit::new(1_000), Worker::new());
        let label = if len == 60 { "64B" } else { "1500B" };
        batches(
            &mut group,
            &format!("limit/ipv4/{label}"),
            &frames,
            |arena| {
                assert_eq!(limit.encapsulate(arena), BATCH);
            },
        );
        batches(&mut group, &format!("ipv4/{label}"), &frames, |arena| {
            scene::send(&mut worker, &snapshot, arena, Verdict::Uplink);
        });
    }
    group.finish();
}

/// Frames and records both beyond the caches: 16,384 frames in flight, a million records.
fn encap_at_a_million(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encap");
    group.sample_size(20);
    let frames = scene::frames(16_384, 60, To::Remote(1_000_000));
    let mut arenas: Vec<Arena> = frames.chunks(BATCH).map(Arena::new).collect();
    let (limit, mut worker) = (Limit::new(1_000_000), Worker::new());
    let snapshot = scene::snapshot(1_000_000, Rule::Encap, false);
    group.throughput(Throughput::Elements(16_384));
    group.bench_function("limit/ipv4/64B/1M-records", |bencher| {
        bencher.iter(|| {
            for arena in &mut arenas {
                assert_eq!(limit.encapsulate(arena), BATCH);
            }
        });
    });
    group.bench_function("ipv4/64B/1M-records", |bencher| {
        bencher.iter(|| {
            for arena in &mut arenas {
                scene::send(&mut worker, &snapshot, arena, Verdict::Uplink);
            }
        });
    });
    group.finish();
}

fn decap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decap");
    let here = scene::snapshot(1_000, Rule::Encap, false);
    let there = scene::snapshot(1_000, Rule::Encap, true);
    for (len, label) in [(60, "64B"), (1_514, "1500B")] {
        let frames = scene::on_the_wire(&here, &scene::frames(BATCH, len, To::FirstRemote));
        let mut worker = Worker::new();
        batches(&mut group, &format!("ipv4/{label}"), &frames, |arena| {
            let expect = Verdict::Deliver(PortId(FIRST_REMOTE));
            scene::receive(&mut worker, &there, arena, expect);
        });
    }
    group.finish();
}

fn nat(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("nat");
    let here = scene::snapshot(1_000, Rule::Nat, false);
    let there = scene::snapshot(1_000, Rule::Nat, true);
    let frames = scene::frames(BATCH, 60, To::FirstRemote);
    let mut worker = Worker::new();
    batches(&mut group, "udp/64B/out", &frames, |arena| {
        scene::send(&mut worker, &here, arena, Verdict::Uplink);
    });
    let rewritten = scene::on_the_wire(&here, &frames);
    batches(&mut group, "udp/64B/in", &rewritten, |arena| {
        let expect = Verdict::Deliver(PortId(FIRST_REMOTE));
        scene::receive(&mut worker, &there, arena, expect);
    });
    group.finish();
}

fn on_the_host(criterion: &mut Criterion) {
    let snapshot = scene::snapshot(1_000, Rule::Encap, false);
    for (name, id, to, expect) in [
        ("local", "64B", To::Neighbor, Verdict::Deliver(PortId(1))),
        ("routed", "64B", To::Routed, Verdict::Deliver(PortId(2))),
        (
            "drop",
            "no_lookup_record",
            To::Nobody,
            Verdict::Drop(DropReason::NoLookupRecord),
        ),
    ] {
        let mut group = criterion.benchmark_group(name);
        let frames = scene::frames(BATCH, 60, to);
        let mut worker = Worker::new();
        batches(&mut group, id, &frames, |arena| {
            scene::send(&mut worker, &snapshot, arena, expect);
        });
        group.finish();
    }
}

criterion_group! {
    name = forwarding;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .without_plots();
    targets = encap, encap_at_a_million, decap, nat, on_the_host
}
criterion_main!(forwarding);
