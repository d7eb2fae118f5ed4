//! Every case in wall time, for people. `benches/README.md` says what the ids are.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nvgre_bench_cases::{CASES, Tables};

/// Records of the tables, where the id does not say.
const RECORDS: u32 = 1_000;

fn cases(criterion: &mut Criterion) {
    let mut tables = Tables::new(RECORDS);
    for case in CASES {
        let (name, rest) = case.id.split_once('/').expect("ids are paths");
        let mut group = criterion.benchmark_group(name);
        let frames = case.scene.in_flight as u64;
        group.throughput(Throughput::ElementsAndBytes {
            elements: frames,
            bytes: (frames as f64 * case.scene.size.mean()) as u64,
        });
        // Set up only when it runs: a filter on the command line skips the million records.
        let mut bench = None;
        group.bench_function(rest, |bencher| {
            let bench = bench.get_or_insert_with(|| case.scene.prepare(&mut tables));
            bencher.iter_custom(|iterations| {
                (0..iterations).map(|_| bench.pass(time)).sum::<Duration>()
            });
        });
        group.finish();
    }
}

fn time(work: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

criterion_group! {
    name = forwarding;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .without_plots();
    targets = cases
}
criterion_main!(forwarding);
