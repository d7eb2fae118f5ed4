//! What a replay sees of one frame's walk: books, judgement, digest and output.

use nvgre_dataplane::{DropReason, PortId};

use crate::clock::SimTime;
use crate::digest::Digest;
use crate::observer::{Ingress, Observer};
use crate::oracle::{Judgement, Oracle, Sender};
use crate::replay_report::{DropLine, ReplayReport};
use crate::taps::{Hop, Taps};

/// See the module.
pub(crate) struct Watch<'a> {
    pub(crate) report: &'a mut ReplayReport,
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) digest: &'a mut Digest,
    pub(crate) taps: Option<&'a mut Taps>,
    pub(crate) frame: Watched,
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
    fn show(&mut self, hop: Hop, frame: &[u8]) {
        if let Some(taps) = self.taps.as_deref_mut() {
            taps.show(hop, self.frame.number, self.frame.captured_ns, frame);
        }
    }
}

impl Observer for Watch<'_> {
    fn keeps_dropped(&self) -> bool {
        self.taps.as_deref().is_some_and(Taps::shows_hops)
    }

    #[inline]
    fn delivered(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        self.count(port, frame);
        self.show(Hop::Delivered(port), frame);
    }

    fn generated(&mut self, host: usize, port: PortId, frame: &[u8]) {
        // An answer is for the one who asked, and for nobody of another tenant.
        self.count(port, frame);
        self.show(Hop::Answered { host, port }, frame);
    }

    fn sent(&mut self, host: usize, frame: &[u8]) {
        self.show(Hop::Sent { host }, frame);
    }

    fn dropped(&mut self, host: usize, ingress: Ingress, reason: DropReason, frame: &[u8]) {
        let line = self.report.drops.entry((reason, host));
        let line = line.or_insert(DropLine {
            frames: 0,
            copies: 0,
            first_frame: self.frame.number,
            first: None,
        });
        line.copies += 1;
        let hop = Hop::Dropped {
            host,
            ingress,
            reason,
        };
        self.show(hop, frame);
    }
}
