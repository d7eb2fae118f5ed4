//! Edits in wall time, and forwarding beside them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::editor::Editor;
use crate::meter::{Meter, median, processor_nanoseconds, quantile, turn};
use crate::policy_list::Edit;
use crate::scene::MILLION;

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
        let editor = self.editor(records);
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

    pub(crate) fn editor(&mut self, records: u32) -> &mut Editor {
        let made = self.editors().entry(records);
        made.or_insert_with(|| Editor::load(records))
    }

    /// Forwards with a table of so many records, alone and beside so many edits a second, in turns.
    pub(crate) fn measure_beside(&mut self, per_second: u32, records: u32) -> Beside {
        let effort = self.effort();
        let editor = self.editor(records);
        let mut bench = MILLION.prepare_with(editor.world(), editor.subscribe());
        let mut pace = Pace::new(per_second);
        let (mut passes, mut ratios) = (Vec::new(), Vec::new());
        // Twice the time: a turn is to see many edits.
        let slice = effort.slice * 2;
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

    /// Does something while edits are made. The thread sleeps until the next one is due: one that
    /// waited busily would take what the other hyperthread of its core needs.
    fn beside<R>(&mut self, editor: &mut Editor, work: impl FnOnce() -> R) -> R {
        let stop = AtomicBool::new(false);
        let edits = AtomicU64::new(0);
        let between = self.between;
        let done = thread::scope(|scope| {
            let editing = scope.spawn(|| {
                let start = Instant::now();
                let mut due = start;
                while !stop.load(Relaxed) {
                    while Instant::now() >= due {
                        editor.edit(Edit::Provider);
                        edits.fetch_add(1, Relaxed);
                        due += between;
                    }
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                start.elapsed()
            });
            let done = work();
            stop.store(true, Relaxed);
            match editing.join() {
                Ok(time) => self.time += time,
                Err(panic) => std::panic::resume_unwind(panic),
            }
            done
        });
        self.edits += edits.into_inner();
        done
    }

    fn reached(&self) -> f64 {
        self.edits as f64 / self.time.as_secs_f64()
    }
}
