//! What a replay came to: the figures that its text and its JSON line are made of.

use std::path::Path;
use std::time::{Duration, Instant};

use nvgre_dataplane::{DropReason, LookupRecord};
use nvgre_netwnv::Place;
use nvgre_sim::{Comparison, DropLine, Replay};
use schemars::JsonSchema;
use serde::Serialize;

/// A replay that has ended, and what is known of it besides its own books.
pub(crate) struct ReplayResult<'a> {
    pub(crate) replay: &'a Replay,
    /// The capture that deliveries were compared with.
    pub(crate) expect: Option<&'a Path>,
    /// In the order of the command line.
    pub(crate) inputs: &'a [InputResult],
    /// Wall-clock time of the replay: the one thing that differs from run to run.
    pub(crate) elapsed: Duration,
}

/// What came of one input file.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InputResult {
    /// As it was named.
    pub(crate) file: String,
    /// Frames that were replayed.
    pub(crate) frames: u64,
    /// Why the file's replay ended before the file.
    pub(crate) error: Option<String>,
}

/// What the oracle's counts amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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

/// One reason at one host.
pub(crate) struct Drop<'a> {
    pub(crate) reason: DropReason,
    /// The host that dropped, or that put the frame on the underlay which did.
    pub(crate) host: usize,
    pub(crate) line: &'a DropLine,
}

/// Frames and bytes of one port or several, from their guests' point of view.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Traffic {
    /// Frames that entered here.
    pub(crate) sent_frames: u64,
    /// Their bytes, without FCS.
    pub(crate) sent_bytes: u64,
    /// Frames delivered here; answers that hosts made are not among them.
    pub(crate) received_frames: u64,
    /// Their bytes, without FCS.
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

    /// Whether frames entered, and each at an uplink: the hosts that sent them were not asked.
    pub(crate) fn all_entered_at_uplinks(&self) -> bool {
        self.entered() > 0 && self.replay.report().entered_at_uplinks == self.entered()
    }

    /// The capture that deliveries were compared with, and what came of it.
    pub(crate) fn expectation(&self) -> Option<(&Path, &Comparison)> {
        self.expect.zip(self.replay.comparison())
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

    /// Drops by reason and host, the most frequent first.
    pub(crate) fn drops(&self) -> Vec<Drop<'_>> {
        let drops = self.replay.report().drops.iter();
        let mut drops: Vec<_> = drops
            .map(|(&(reason, host), line)| Drop { reason, host, line })
            .collect();
        drops.sort_by_key(|drop| {
            let most = (drop.line.frames, drop.line.copies);
            (std::cmp::Reverse(most), drop.line.first_frame)
        });
        drops
    }

    /// The record that decided about the first frame of a drop: itself, the name of the host that
    /// holds it, and where it was written.
    pub(crate) fn record_of(&self, drop: &Drop<'_>) -> Option<(LookupRecord, &str, &Place)> {
        let (_, clue) = drop.line.first.as_ref()?;
        let model = self.replay.model();
        let (host, entry) = clue.record_to_blame(drop.reason, drop.host, model.estate())?;
        let name = model.scenario().hosts[host].name.as_str();
        Some((entry.record, name, &entry.place))
    }

    /// What the first frame of a drop asked for in vain, in words.
    pub(crate) fn missed_by(&self, drop: &Drop<'_>) -> Option<String> {
        let (_, clue) = drop.line.first.as_ref()?;
        let (host, asked) = clue.asked_in_vain(drop.reason)?;
        let host = &self.replay.model().scenario().hosts[host].name;
        Some(format!("{asked}, on {host}"))
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
