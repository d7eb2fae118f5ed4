//! Several workers at once: a thread each, frames and counters of their own, the tables shared.

use std::sync::Barrier;
use std::thread;

use crate::bench::Bench;
use crate::meter::{Meter, median, nanoseconds, quantile, turn};
use crate::scene::ENCAP;

/// What several workers did together.
#[derive(Clone, Copy, Debug)]
pub struct Together {
    /// Time from frame to frame, of all workers taken together: the median of the rounds.
    pub ns_per_frame: f64,
    /// Its ratio to the time of one worker alone, in the same round.
    pub ratio_to_one: f64,
}

impl Meter {
    /// Encapsulates flows of the shortest frames with this many workers, and with one, in turns.
    pub fn measure_workers(&mut self, workers: usize) -> Together {
        let mut benches: Vec<Bench> = (0..workers).map(|_| ENCAP.prepare(self.tables())).collect();
        let (mut times, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..self.effort().rounds {
            let alone = self.together(&mut benches[..1]);
            let together = self.together(&mut benches);
            times.push(together);
            ratios.push(together / alone);
        }
        Together {
            ns_per_frame: median(times).unwrap_or_default(),
            ratio_to_one: median(ratios).unwrap_or_default(),
        }
    }

    /// Nanoseconds from frame to frame. Each worker's rate is that of its median pass: what other
    /// programs take from a thread is not the workers' doing.
    fn together(&self, benches: &mut [Bench]) -> f64 {
        let start = Barrier::new(benches.len());
        let slice = self.effort().slice;
        let per_nanosecond: f64 = thread::scope(|scope| {
            let threads: Vec<_> = benches
                .iter_mut()
                .map(|bench| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        let mut passes = turn(bench, slice, nanoseconds);
                        passes.sort_unstable();
                        bench.frames() as f64 / quantile(&passes, 50)
                    })
                })
                .collect();
            let rates = threads.into_iter().map(|thread| match thread.join() {
                Ok(rate) => rate,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            rates.sum()
        });
        1.0 / per_nanosecond
    }
}
