//! The two ledgers: what became of every frame that was read, and of every copy that was made.

use nvgre_dataplane::DropReason;

/// One outcome for each frame that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameLedger {
    /// Frames read.
    pub read: u64,
    /// At least one copy reached a guest's port.
    pub delivered: u64,
    /// No copy did, and at least one was dropped.
    pub dropped: u64,
    /// Answered on behalf of a guest, or taken by a host.
    pub consumed: u64,
    /// Never entered.
    pub skipped: u64,
}

/// Every copy of a frame that entered: the frame itself is the first. A copy that is answered or
/// taken by a host is not counted as made: it went to nobody's port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyLedger {
    /// Copies made for ports.
    pub made: u64,
    /// Copies that reached a port.
    pub delivered: u64,
    /// Copies that were dropped on the way.
    pub dropped: u64,
    /// Frames that the hosts made themselves: answers and ICMP errors.
    pub generated: u64,
}

/// What becomes of one frame, while its copies travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Copies delivered.
    pub delivered: u32,
    /// The first reason for which a copy was dropped, and the host that dropped it, or that put it
    /// on the underlay which did.
    pub dropped: Option<(DropReason, usize)>,
    /// A copy was answered or taken by a host.
    pub consumed: bool,
}

/// The one outcome of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// See [`FrameLedger::delivered`].
    Delivered,
    /// See [`FrameLedger::dropped`].
    Dropped(DropReason),
    /// See [`FrameLedger::consumed`].
    Consumed,
}

impl Fate {
    /// Delivered if any copy was; else dropped with the first reason; else consumed.
    pub const fn outcome(&self) -> Outcome {
        match self.dropped {
            _ if self.delivered > 0 => Outcome::Delivered,
            Some((reason, _)) => Outcome::Dropped(reason),
            None => Outcome::Consumed,
        }
    }
}

impl FrameLedger {
    /// Books the outcome of a frame that entered.
    pub fn book(&mut self, outcome: Outcome) {
        self.read += 1;
        match outcome {
            Outcome::Delivered => self.delivered += 1,
            Outcome::Dropped(_) => self.dropped += 1,
            Outcome::Consumed => self.consumed += 1,
        }
    }

    /// Books a frame that never entered.
    pub fn skip(&mut self) {
        self.read += 1;
        self.skipped += 1;
    }

    /// Whether every frame has its one outcome.
    pub const fn adds_up(&self) -> bool {
        self.read == self.delivered + self.dropped + self.consumed + self.skipped
    }
}

impl CopyLedger {
    /// Whether every copy has its one end.
    pub const fn adds_up(&self) -> bool {
        self.made == self.delivered + self.dropped
    }
}
