//! What a replay has seen.

use std::collections::BTreeMap;

use nvgre_dataplane::DropReason;

use crate::clue::Clue;
use crate::entry::SkipReason;
use crate::ledger::{CopyLedger, Fate, FrameLedger};

/// Frames that one host dropped for one reason, or put on the underlay which did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropLine {
    /// Frames with this outcome.
    pub frames: u64,
    /// Copies dropped; more than frames where frames were replicated.
    pub copies: u64,
    /// Number of the first frame that lost a copy, from 1 over all input files.
    pub first_frame: u64,
    /// That frame in one line, as it was captured, and what its walk asked last.
    pub first: Option<(String, Clue)>,
}

/// What a replay has seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// One outcome a frame.
    pub frames: FrameLedger,
    /// One end a copy.
    pub copies: CopyLedger,
    /// Bytes of the frames that entered, as captured.
    pub bytes_entered: u64,
    /// Frames that entered at an uplink, and not at a port.
    pub entered_at_uplinks: u64,
    /// Drops by reason and host.
    pub drops: BTreeMap<(DropReason, usize), DropLine>,
    /// Frames that never entered, and the first of each kind.
    pub skips: BTreeMap<SkipReason, (u64, u64)>,
    /// The first delivery from one tenant to another: frame number and receiving guest.
    pub first_cross_tenant: Option<(u64, usize)>,
}

impl ReplayReport {
    /// Books what became of frame `number`, and gives its line of drops if it is the first there.
    pub(crate) fn book(&mut self, fate: Fate, number: u64) -> Option<&mut DropLine> {
        self.frames.book(fate.outcome());
        let line = self.drops.get_mut(&fate.dropped?)?;
        line.frames += u64::from(fate.delivered == 0);
        (line.first_frame == number).then_some(line)
    }

    /// Whether anything was dropped for this reason, and the first time it was: the host and the
    /// line.
    pub fn first_drop(&self, reason: DropReason) -> Option<(usize, &DropLine)> {
        let of_reason = self.drops.iter().filter(|((line, _), _)| *line == reason);
        of_reason
            .min_by_key(|(_, line)| line.first_frame)
            .map(|((_, host), line)| (*host, line))
    }
}
