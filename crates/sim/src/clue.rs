//! What a frame's walk asked last: enough to say which record decided, or which one is missing.

use nvgre_dataplane::{DropReason, Event, NoTrace, Outer, RecordId, Tracer};
use nvgre_wire::ProviderAddress;

use crate::walk::Step;

/// The last hit and the last miss of a walk over the hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clue {
    /// The record that the frame was forwarded or judged by, and the host that holds it.
    pub record: Option<(usize, RecordId)>,
    /// The question that a host had no answer to, and the host.
    pub missed: Option<(usize, Event)>,
    /// Where the underlay was to carry the copy that it dropped.
    pub sent_to: Option<ProviderAddress>,
}

impl Clue {
    /// The same walk, ended by the underlay with this packet in hand.
    fn lost(self, packet: &[u8]) -> Self {
        let outer = Outer::parse(packet).ok();
        Self {
            sent_to: outer.map(|outer| outer.destination),
            ..self
        }
    }
}

/// Listens to a walk over several hosts.
pub(crate) trait WalkTracer: Tracer {
    /// The host of this step decides next, about this frame.
    fn at(&mut self, step: Step, frame: &[u8]);
    /// The copy that has waited longest goes on: it departs next.
    fn resumed(&mut self);
    /// A copy that was sent leaves for the underlay. Gives a number that its arrivals are told by.
    fn departed(&mut self) -> usize;
    /// It arrives at a host, which decides next.
    fn arrives(&mut self, departure: usize);
    /// The underlay drops the copy with this packet in hand: on the way to a host, if one is given.
    /// A frame that was never sent by a host has no departure.
    fn lost(
        &mut self,
        departure: Option<usize>,
        to: Option<usize>,
        reason: DropReason,
        packet: &[u8],
    );
    /// A copy has been dropped, now or before.
    fn dropped(&mut self);
}

impl WalkTracer for NoTrace {
    #[inline(always)]
    fn at(&mut self, _step: Step, _frame: &[u8]) {}
    #[inline(always)]
    fn resumed(&mut self) {}
    #[inline(always)]
    fn departed(&mut self) -> usize {
        0
    }
    #[inline(always)]
    fn arrives(&mut self, _departure: usize) {}
    #[inline(always)]
    fn lost(
        &mut self,
        _departure: Option<usize>,
        _to: Option<usize>,
        _reason: DropReason,
        _packet: &[u8],
    ) {
    }
    #[inline(always)]
    fn dropped(&mut self) {}
}

/// Listens to one frame's walk and keeps the clue up to date.
#[derive(Debug, Default)]
pub(crate) struct ClueTracer {
    host: usize,
    pub(crate) clue: Clue,
    /// The clue when the first copy was dropped.
    pub(crate) first_drop: Option<Clue>,
    /// The record that the sending host was checked by: it decides only where it refuses.
    peer: Option<(usize, RecordId)>,
}

impl WalkTracer for ClueTracer {
    fn at(&mut self, step: Step, _frame: &[u8]) {
        self.host = step.host;
    }

    fn resumed(&mut self) {}

    fn departed(&mut self) -> usize {
        0
    }

    fn arrives(&mut self, _departure: usize) {}

    fn lost(
        &mut self,
        _departure: Option<usize>,
        to: Option<usize>,
        _reason: DropReason,
        packet: &[u8],
    ) {
        if to.is_none() {
            self.clue = self.clue.lost(packet);
        }
    }

    fn dropped(&mut self) {
        self.first_drop.get_or_insert(self.clue);
    }
}

impl ClueTracer {
    fn hit(&mut self, record: RecordId) {
        self.clue.record = Some((self.host, record));
        self.clue.missed = None;
    }

    /// A miss by address says more than the misses by MAC that follow it on the same host.
    fn missed(&mut self, event: Event) {
        let by_mac = matches!(event, Event::MacAsked { .. } | Event::PortAsked { .. });
        let kept = matches!(self.clue.missed, Some((host, Event::RecordAsked { .. })) if host == self.host);
        if !(by_mac && kept) {
            self.clue.missed = Some((self.host, event));
        }
    }
}

impl Tracer for ClueTracer {
    const ON: bool = true;

    fn frame(&mut self, _index: usize) {}

    fn event(&mut self, event: Event) {
        match event {
            Event::RecordAsked { hit: Some(id), .. }
            | Event::MacAsked { hit: Some(id), .. }
            | Event::WildcardAsked { hit: Some(id), .. }
            | Event::PeerUnknown {
                sender: Some(id), ..
            } => self.hit(id),
            Event::PeerChecked { hit: Some(id), .. } => {
                self.peer = Some((self.host, id));
                // Of a frame that came in from nobody's port there is no other to tell of.
                self.clue.record = self.clue.record.or(self.peer);
            }
            Event::Dropped(DropReason::PeerNotSource) => {
                if let Some((_, id)) = self.peer {
                    self.hit(id);
                }
            }
            Event::Dropped(_) if self.peer.is_some() && self.clue.record == self.peer => {
                self.clue.record = None;
            }
            Event::RecordAsked { hit: None, .. }
            | Event::MacAsked { hit: None, .. }
            | Event::SourceAsked { hit: None, .. }
            | Event::RouteAsked { hit: None, .. }
            | Event::NextHopAsked { hit: None, .. }
            | Event::PeerUnknown { sender: None, .. }
            | Event::PortAsked { hit: None, .. } => self.missed(event),
            Event::Admitted { .. }
            | Event::PortAsked { .. }
            | Event::WildcardAsked { .. }
            | Event::RouteAsked { .. }
            | Event::SourceAsked { .. }
            | Event::NextHopAsked { .. }
            | Event::Routed { .. }
            | Event::Answered { .. }
            | Event::Encapsulated { .. }
            | Event::Rewritten { .. }
            | Event::OuterAccepted { .. }
            | Event::KeyRead { .. }
            | Event::PeerChecked { .. }
            | Event::Flooded { .. }
            | Event::RemoteCopiesRefused(_)
            | Event::ErrorSent { .. }
            | Event::Delivered(_)
            | Event::Dropped(_) => {}
        }
    }
}
