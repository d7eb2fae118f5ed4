//! What a replay sees of one frame's walk: books, judgement, digest, and what is kept of it or written.

use std::cell::RefCell;

use nvgre_dataplane::{DropReason, PortId};

use crate::clock::SimTime;
use crate::comparison::Comparison;
use crate::digest::Digest;
use crate::observer::{Ingress, Observer};
use crate::oracle::{Judgement, Oracle, Sender};
use crate::replay::report::{DropLine, ReplayReport};
use crate::taps::Taps;
use crate::walk_log::WalkLog;

/// See the module.
pub(crate) struct Watch<'a> {
    pub(crate) report: &'a mut ReplayReport,
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) digest: &'a mut Digest,
    pub(crate) sink: Sink<'a>,
    pub(crate) frame: Watched,
}

/// Where what is seen goes beside the books.
pub(crate) enum Sink<'a> {
    /// Nowhere.
    Nothing,
    /// Deliveries are written and compared as they come.
    Deliveries {
        taps: Option<&'a mut Taps>,
        comparison: Option<&'a mut Comparison>,
    },
    /// The whole walk is kept until it has ended.
    Log(&'a RefCell<WalkLog>),
}

impl<'a> Sink<'a> {
    pub(crate) fn of(taps: Option<&'a mut Taps>, comparison: Option<&'a mut Comparison>) -> Self {
        match (taps, comparison) {
            (None, None) => Self::Nothing,
            (taps, comparison) => Self::Deliveries { taps, comparison },
        }
    }
}

/// The frame that is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    /// Over all input files, from 1.
    pub(crate) number: u64,
    pub(crate) sender: Sender,
    pub(crate) now: SimTime,
    /// The packet's own time, for the output.
    pub(crate) captured_ns: i64,
}

impl Watch<'_> {
    #[inline]
    fn count(&mut self, port: PortId, frame: &[u8]) {
        let guest = port.0 as usize;
        self.digest.delivery(self.frame.now, guest, frame);
        if self.oracle.delivered(self.frame.sender, guest) == Judgement::CrossTenant {
            self.report
                .first_cross_tenant
                .get_or_insert((self.frame.number, guest));
        }
    }

    #[inline]
    fn log(&self, tell: impl FnOnce(&mut WalkLog)) {
        if let Sink::Log(log) = self.sink {
            tell(&mut log.borrow_mut());
        }
    }

    fn book_drop(&mut self, host: usize, reason: DropReason) {
        let line = self.report.drops.entry((reason, host));
        let line = line.or_insert(DropLine {
            frames: 0,
            copies: 0,
            first_frame: self.frame.number,
            first: None,
        });
        line.copies += 1;
    }
}

impl Observer for Watch<'_> {
    // A log has the copy as it came to the host.
    fn keeps_dropped(&self) -> bool {
        false
    }

    #[inline]
    fn delivered(&mut self, host: usize, port: PortId, frame: &[u8]) {
        self.count(port, frame);
        match &mut self.sink {
            Sink::Nothing => {}
            Sink::Deliveries { taps, comparison } => {
                if let Some(taps) = taps {
                    taps.show_delivery(self.frame.captured_ns, frame);
                }
                if let Some(comparison) = comparison {
                    comparison.delivered(self.frame.number, port.0 as usize, frame, false);
                }
            }
            Sink::Log(log) => log.borrow_mut().delivered(host, port, frame),
        }
    }

    fn generated(&mut self, host: usize, port: PortId, frame: &[u8]) {
        // An answer is for the one who asked, and for nobody of another tenant.
        self.count(port, frame);
        match &mut self.sink {
            Sink::Nothing => {}
            Sink::Deliveries { comparison, .. } => {
                if let Some(comparison) = comparison {
                    comparison.delivered(self.frame.number, port.0 as usize, frame, true);
                }
            }
            Sink::Log(log) => log.borrow_mut().answered(host, port, frame),
        }
    }

    fn sent(&mut self, host: usize, frame: &[u8]) {
        self.log(|log| log.sent(host, frame));
    }

    fn carried(&mut self, _from: usize, frame: &[u8]) {
        self.log(|log| log.carried(frame));
    }

    fn arrived(&mut self, host: usize, frame: &[u8]) {
        self.log(|log| log.arrived(host, frame));
    }

    fn lost(&mut self, from: usize, reason: DropReason, frame: &[u8]) {
        self.book_drop(from, reason);
        self.log(|log| log.lost(from, reason, frame));
    }

    fn dropped(&mut self, host: usize, _ingress: Ingress, reason: DropReason, _frame: &[u8]) {
        self.book_drop(host, reason);
        self.log(|log| log.dropped(host, reason));
    }
}
