//! Wall time where other work shares the machine: a case and what it is held against take turns, and
//! what counts is the ratio within a turn.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::allocations::allocations;
use crate::bench::Bench;
use crate::clock::Start;
use crate::editor::Editor;
use crate::list::{Case, case_of};
use crate::scene::Tables;
use crate::world::World;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Turns.
    pub rounds: usize,
    /// Time of a case in each turn.
    pub slice: Duration,
    /// How often a policy is loaded, at least.
    pub loads: usize,
}

impl Effort {
    /// All cases within 40 seconds, on a busy machine too.
    pub const QUICK: Self = Self {
        rounds: 7,
        slice: Duration::from_millis(8),
        loads: 1,
    };
    /// What to quote.
    pub const FULL: Self = Self {
        rounds: 25,
        slice: Duration::from_millis(20),
        loads: 5,
    };
}

/// What was measured. Times are medians.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Time of a frame.
    pub ns_per_frame: f64,
    /// Its ratio to the hand loop's, if the case has one.
    pub ratio_to_limit: Option<f64>,
    /// Its ratio to the time of the case that differs in one thing, if there is one.
    pub ratio_to_peer: Option<f64>,
    /// Calls of the allocator, if that is [`crate::CountingAllocator`].
    pub allocations_per_frame: f64,
    /// Frames of a pass.
    pub frames: usize,
    /// Time of a pass.
    pub pass_ns_p50: f64,
    /// Time that one pass of a hundred exceeds.
    pub pass_ns_p99: f64,
}

/// Measures cases, and keeps what it has set up.
pub struct Meter {
    effort: Effort,
    tables: Tables,
    benches: BTreeMap<&'static str, Bench>,
    editors: BTreeMap<World, Editor>,
}

impl Meter {
    /// For tables of this many records, where the case does not say.
    pub const fn new(effort: Effort, records: u32) -> Self {
        Self {
            effort,
            tables: Tables::new(records),
            benches: BTreeMap::new(),
            editors: BTreeMap::new(),
        }
    }

    /// The tables.
    pub(crate) const fn tables(&mut self) -> &mut Tables {
        &mut self.tables
    }

    /// Who edits a policy, by network.
    pub(crate) const fn editors(&mut self) -> &mut BTreeMap<World, Editor> {
        &mut self.editors
    }

    /// Records, where a case does not say.
    pub(crate) const fn default_records(&self) -> u32 {
        self.tables.records()
    }

    /// How long.
    pub(crate) const fn effort(&self) -> Effort {
        self.effort
    }

    /// Records of a case's tables.
    pub fn records(&self, case: &Case) -> u32 {
        case.scene.records(&self.tables)
    }

    /// Measures a case beside its hand loop and its peer.
    pub fn measure(&mut self, case: &Case) -> Measured {
        let others = [case.limit, case.peer];
        let others = others.map(|id| id.map(|id| case_of(id).expect("cases name cases")));
        let allocations_per_frame = self.allocations_per_frame(case);
        let (mut passes, mut ratios) = (Vec::new(), [Vec::new(), Vec::new()]);
        for _ in 0..self.effort.rounds {
            let mut own = self.turn(case);
            for (ratios, other) in ratios.iter_mut().zip(others) {
                if let Some(other) = other {
                    let per_frame = self.per_frame(case, &mut own);
                    let mut beside = self.turn(other);
                    ratios.push(per_frame / self.per_frame(other, &mut beside));
                }
            }
            passes.append(&mut own);
        }
        let frames = self.bench(case).frames();
        passes.sort_unstable();
        let [to_limit, to_peer] = ratios.map(median);
        Measured {
            ns_per_frame: quantile(&passes, 50) / frames as f64,
            ratio_to_limit: to_limit,
            ratio_to_peer: to_peer,
            allocations_per_frame,
            frames,
            pass_ns_p50: quantile(&passes, 50),
            pass_ns_p99: quantile(&passes, 99),
        }
    }

    fn bench(&mut self, case: &Case) -> &mut Bench {
        let Self {
            tables, benches, ..
        } = self;
        let made = benches.entry(case.id);
        made.or_insert_with(|| case.scene.prepare(tables))
    }

    /// Passes of a case for as long as a turn takes, each with its time in nanoseconds.
    fn turn(&mut self, case: &Case) -> Vec<u64> {
        let slice = self.effort.slice;
        turn(self.bench(case), slice, nanoseconds)
    }

    fn per_frame(&mut self, case: &Case, passes: &mut [u64]) -> f64 {
        passes.sort_unstable();
        quantile(passes, 50) / self.bench(case).frames() as f64
    }

    /// The first pass may: counters grow once with the tables.
    fn allocations_per_frame(&mut self, case: &Case) -> f64 {
        const PASSES: usize = 3;
        let bench = self.bench(case);
        bench.pass(|work| work());
        let counted = |work: &mut dyn FnMut()| {
            let before = allocations();
            work();
            allocations() - before
        };
        let calls: u64 = (0..PASSES).map(|_| bench.pass(counted)).sum();
        calls as f64 / (PASSES * bench.frames()) as f64
    }
}

/// The first pass brings back into the caches what others have pushed out; it does not count.
pub(crate) fn turn(
    bench: &mut Bench,
    slice: Duration,
    time: fn(&mut dyn FnMut()) -> u64,
) -> Vec<u64> {
    let end = Instant::now() + slice;
    bench.pass(|work| work());
    let mut passes = Vec::new();
    while passes.len() < 3 || Instant::now() < end {
        passes.push(bench.pass(time));
    }
    passes
}

pub(crate) fn nanoseconds(work: &mut dyn FnMut()) -> u64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as u64
}

/// What a pass takes of the processor, which others may have in between.
pub(crate) fn processor_nanoseconds(work: &mut dyn FnMut()) -> u64 {
    let start = Start::now();
    work();
    start.took().processor.as_nanos() as u64
}

/// Of sorted times.
pub(crate) fn quantile(sorted: &[u64], percent: usize) -> f64 {
    let at = sorted.len() * percent / 100;
    sorted.get(at).copied().unwrap_or_default() as f64
}

pub(crate) fn median(mut ratios: Vec<f64>) -> Option<f64> {
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied()
}
