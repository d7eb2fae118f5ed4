//! Edits in wall time, and forwarding beside them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::editor::{Editor, world};
use crate::meter::{Meter, median, processor_nanoseconds, quantile, turn};
use crate::policy_list::Edit;
use crate::scene::MILLION;
use crate::world::{Rules, World};

/// What single edits took.
#[derive(Clone, Copy, Debug)]
pub struct Edited {
    /// Half of them less.
    pub ns_p50: f64,
    /// One of a hundred more.
    pub ns_p99: f64,
    /// The ratio of `ns_p50` to that of the peer, in the same turn.
    pub ratio_to_peer: Option<f64>,
}

/// What a worker did while somebody edited.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// Time of a frame on the worker's processor. What other programs take from it meanwhile is not
    /// the edits' doing.
    pub ns_per_frame: f64,
    /// Its ratio to that without edits, in the same turn.
    pub ratio_to_alone: f64,
    /// Edits a second that were published meanwhile.
    pub edits_per_s: f64,
}

impl Meter {
    /// Edits policies of so many records, and of as many as the peer has, in turns. A worker has
    /// subscribed and polls now and then: between turns.
    pub(crate) fn measure_edits(&mut self, edit: Edit, records: u32, peer: Option<u32>) -> Edited {
        let (mut all, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..self.effort().rounds {
            let mut own = self.edits(edit, records);
            if let Some(peer) = peer {
                let mut beside = self.edits(edit, peer);
                own.sort_unstable();
                beside.sort_unstable();
                ratios.push(quantile(&own, 50) / quantile(&beside, 50));
            }
            all.append(&mut own);
        }
        all.sort_unstable();
        Edited {
            ns_p50: quantile(&all, 50),
            ns_p99: quantile(&all, 99),
            ratio_to_peer: median(ratios),
        }
    }

    /// Edits for as long as a turn takes, each with its time in nanoseconds.
    fn edits(&mut self, edit: Edit, records: u32) -> Vec<u64> {
        let slice = self.effort().slice;
        let rules = match edit {
            Edit::Provider | Edit::Floods => Rules::Encap,
            Edit::Nat => Rules::Nat,
        };
        let editor = self.editor(world(records, rules));
        let mut worker = editor.subscribe();
        let end = Instant::now() + slice;
        let mut times = Vec::new();
        // In pairs, so that guests that move are home again when a turn ends.
        while Instant::now() < end {
            times.extend([editor.edit(edit), editor.edit(edit)]);
        }
        let _ = worker.snapshot();
        times
    }

    fn editor(&mut self, world: World) -> &mut Editor {
        let made = self.editors().entry(world);
        made.or_insert_with(|| Editor::load(world))
    }

    /// Forwards with a table of so many records, alone and beside so many edits a second, in turns.
    pub(crate) fn measure_beside(&mut self, per_second: u32, records: u32) -> Beside {
        let effort = self.effort();
        let world = world(records, Rules::Encap);
        let editor = self.editor(world);
        let mut bench = MILLION.prepare_with(world, editor.subscribe());
        let mut pace = Pace::new(per_second);
        let (mut passes, mut ratios) = (Vec::new(), Vec::new());
        // A turn is to see hundreds of edits.
        let slice = effort.slice * 4;
        for _ in 0..effort.rounds {
            let mut alone = turn(&mut bench, slice, processor_nanoseconds);
            let mut beside = pace.beside(editor, || turn(&mut bench, slice, processor_nanoseconds));
            alone.sort_unstable();
            beside.sort_unstable();
            ratios.push(quantile(&beside, 50) / quantile(&alone, 50));
            passes.append(&mut beside);
        }
        passes.sort_unstable();
        Beside {
            ns_per_frame: quantile(&passes, 50) / bench.frames() as f64,
            ratio_to_alone: median(ratios).unwrap_or_default(),
            edits_per_s: pace.reached(),
        }
    }
}

/// Ten edits at a time. A thread that wakes 10,000 times a second, and edits nothing, costs the worker
/// beside it a fifth of its speed on a machine of two processors: that would measure the system's
/// timers.
const TICK: Duration = Duration::from_millis(1);

/// Edits, so many a second, on a thread of their own.
struct Pace {
    between: Duration,
    edits: u64,
    time: Duration,
}

impl Pace {
    fn new(per_second: u32) -> Self {
        Self {
            between: Duration::from_secs(1) / per_second,
            edits: 0,
            time: Duration::ZERO,
        }
    }

    /// Does something while edits are made. The thread sleeps between them: one that waited busily
    /// would take what the other hyperthread of its core needs. It wakes once a [`TICK`] and makes
    /// what has fallen due, each edit published by itself.
    fn beside<R>(&mut self, editor: &mut Editor, work: impl FnOnce() -> R) -> R {
        let stop = AtomicBool::new(false);
        let between = self.between;
        thread::scope(|scope| {
            let editing = scope.spawn(|| {
                let start = Instant::now();
                let mut edits = 0;
                let mut last = start;
                while !stop.load(Relaxed) {
                    thread::sleep(TICK);
                    last = Instant::now();
                    while start + between * edits < last {
                        editor.edit(Edit::Provider);
                        edits += 1;
                    }
                }
                (u64::from(edits), last - start)
            });
            let done = work();
            stop.store(true, Relaxed);
            match editing.join() {
                Ok((edits, time)) => {
                    self.edits += edits;
                    self.time += time;
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
            done
        })
    }

    fn reached(&self) -> f64 {
        self.edits as f64 / self.time.as_secs_f64()
    }
}
