//! What a replay came to: the figures that its text and its JSON line are made of.

use std::time::{Duration, Instant};

use nvgre_dataplane::DropReason;
use nvgre_sim::{DropLine, Replay};
use serde::Serialize;

/// A replay that has ended, and what is known of it besides its own books.
pub(crate) struct ReplayResult<'a> {
    pub(crate) replay: &'a Replay,
    /// In the order of the command line.
    pub(crate) inputs: &'a [InputResult],
    /// Wall-clock time of the replay: the one thing that differs from run to run.
    pub(crate) elapsed: Duration,
}

/// What came of one input file.
#[derive(Debug, Serialize)]
pub(crate) struct InputResult {
    pub(crate) file: String,
    /// Frames that were replayed.
    pub(crate) frames: u64,
    /// Why the file's replay ended before the file.
    pub(crate) error: Option<String>,
}

/// What the oracle's counts amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Isolation {
    /// A frame of one tenant reached another.
    Violated,
    /// No frame is known to have, but some senders are not in the inventory.
    Undecided,
    /// No frame reached another tenant.
    Isolated,
    /// There was nothing to judge.
    NothingDelivered,
}

/// Frames and bytes of one port or several, from their guests' point of view.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Traffic {
    pub(crate) sent_frames: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) received_frames: u64,
    pub(crate) received_bytes: u64,
}

/// Rates of the frames that entered.
pub(crate) struct Rates {
    pub(crate) frames_per_second: f64,
    pub(crate) bits_per_second: f64,
}

/// Measures the wall-clock time of a replay.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl ReplayResult<'_> {
    /// Frames that entered the network, at a port or an uplink.
    pub(crate) fn entered(&self) -> u64 {
        let frames = self.replay.report().frames;
        frames.read - frames.skipped
    }

    pub(crate) fn isolation(&self) -> Isolation {
        let counts = self.replay.oracle();
        if counts.cross_tenant > 0 {
            Isolation::Violated
        } else if counts.sender_unknown > 0 {
            Isolation::Undecided
        } else if counts.same_tenant > 0 {
            Isolation::Isolated
        } else {
            Isolation::NothingDelivered
        }
    }

    /// Drops by reason, the most frequent first.
    pub(crate) fn drops(&self) -> Vec<(DropReason, DropLine)> {
        let drops = &self.replay.report().drops;
        let mut drops: Vec<_> = drops
            .iter()
            .map(|(&reason, &line)| (reason, line))
            .collect();
        drops.sort_by_key(|(_, line)| {
            (
                std::cmp::Reverse((line.frames, line.copies)),
                line.first_frame,
            )
        });
        drops
    }

    /// The guests of a tenant, by their indexes.
    pub(crate) fn guests_of(&self, tenant: usize) -> Vec<usize> {
        let guests = self.replay.model().scenario().guests.iter().enumerate();
        guests
            .filter(|(_, guest)| guest.tenant == tenant)
            .map(|(index, _)| index)
            .collect()
    }

    /// What the ports of these guests sent and received.
    pub(crate) fn traffic(&self, guests: &[usize]) -> Traffic {
        guests.iter().fold(Traffic::default(), |sum, &guest| {
            let port = self.replay.port_counters(guest);
            Traffic {
                sent_frames: sum.sent_frames + port.sent_frames,
                sent_bytes: sum.sent_bytes + port.sent_bytes,
                received_frames: sum.received_frames + port.received_frames,
                received_bytes: sum.received_bytes + port.received_bytes,
            }
        })
    }

    pub(crate) fn rates(&self) -> Rates {
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        Rates {
            frames_per_second: self.entered() as f64 / seconds,
            bits_per_second: self.replay.report().bytes_entered as f64 * 8.0 / seconds,
        }
    }

    /// The number of a frame over all inputs, and, where there are several, its file and its number
    /// there: what other tools call it.
    pub(crate) fn frame(&self, number: u64) -> String {
        let mut before = 0;
        for input in self.inputs {
            let within = number - before;
            if self.inputs.len() > 1 && within <= input.frames {
                return format!("{number} ({within} of {})", input.file);
            }
            before += input.frames;
        }
        number.to_string()
    }
}
