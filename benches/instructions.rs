//! The instructions of some cases, counted by callgrind: the same on a busy machine. One pass each,
//! everything set up outside. `benches/README.md` says how figures are checked and renewed.

use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use nvgre_bench_cases::{COUNTED, Ready, Tables, case_of};

/// Records of the tables, where the id does not say.
const RECORDS: u32 = 1_000;

fn ready(id: &'static str) -> Ready {
    let case = case_of(id).expect("what is counted is a case");
    case.scene.prepare(&mut Tables::new(RECORDS)).ready()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the harness hands over what a pass gave back"
)]
fn check(ready: Ready) {
    ready.check();
}

// The harness names these `case_0`, `case_1`, ...: places in `COUNTED`.
#[library_benchmark]
#[benches::case(iter = COUNTED.iter().copied(), setup = ready, teardown = check)]
fn count(mut ready: Ready) -> Ready {
    ready.run();
    ready
}

library_benchmark_group!(name = counts, benchmarks = count);
main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"]));
    library_benchmark_groups = counts
);
