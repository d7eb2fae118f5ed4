//! Writes a journey down while it is made.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::Bytes;
use nvgre_dataplane::{DropReason, Event, PortId, Tracer};

use crate::clue::WalkTracer;
use crate::journey::{Arrival, Exit, Hop};
use crate::observer::{Ingress, Observer};
use crate::walk::Step;

/// See the module: it is the observer of the copies and the tracer of the
/// decisions, which come in one order. So both are borrows of one record.
#[derive(Debug, Default)]
pub(crate) struct Recorder(RefCell<Record>);

#[derive(Debug, Default)]
struct Record {
    hops: Vec<Hop>,
    /// Hop and exit of copies that were sent and have not departed.
    waiting: VecDeque<(usize, usize)>,
    /// The next to depart, if it has waited.
    next: Option<(usize, usize)>,
    /// Hop and exit of each departure.
    departures: Vec<(usize, usize)>,
    /// The departure that arrives at the next hop.
    arriving: Option<usize>,
}

impl Recorder {
    /// The hops that were written down.
    pub(crate) fn into_hops(self) -> Vec<Hop> {
        self.0.into_inner().hops
    }
}

impl Record {
    fn exit(&mut self, exit: Exit) -> Option<(usize, usize)> {
        let at = self.hops.len().checked_sub(1)?;
        self.hops[at].exits.push(exit);
        Some((at, self.hops[at].exits.len() - 1))
    }

    fn arrival(&mut self, departure: usize, arrival: Arrival) -> Option<(usize, usize)> {
        let &(hop, exit) = self.departures.get(departure)?;
        if let Exit::Sent { arrivals, .. } = &mut self.hops[hop].exits[exit] {
            arrivals.push(arrival);
        }
        Some((hop, exit))
    }
}

impl Observer for &Recorder {
    fn delivered(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        let frame = Bytes::copy_from_slice(frame);
        self.0.borrow_mut().exit(Exit::Delivered { port, frame });
    }

    fn generated(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        let frame = Bytes::copy_from_slice(frame);
        self.0.borrow_mut().exit(Exit::Generated { port, frame });
    }

    fn sent(&mut self, _host: usize, frame: &[u8]) {
        let mut record = self.0.borrow_mut();
        let sent = record.exit(Exit::Sent {
            frame: Bytes::copy_from_slice(frame),
            arrivals: Vec::new(),
        });
        record.waiting.extend(sent);
    }

    // The tracer writes it down, which knows the departure.
    fn lost(&mut self, _from: usize, _reason: DropReason, _frame: &[u8]) {}

    fn dropped(&mut self, _host: usize, _ingress: Ingress, reason: DropReason, _frame: &[u8]) {
        self.0.borrow_mut().exit(Exit::Dropped(reason));
    }

    fn keeps_dropped(&self) -> bool {
        false
    }
}

impl Tracer for &Recorder {
    const ON: bool = true;

    fn frame(&mut self, _index: usize) {}

    fn event(&mut self, event: Event) {
        if let Some(hop) = self.0.borrow_mut().hops.last_mut() {
            hop.events.push(event);
        }
    }
}

impl WalkTracer for &Recorder {
    fn at(&mut self, step: Step, frame: &[u8]) {
        let mut record = self.0.borrow_mut();
        let here = record.hops.len();
        let departure = record.arriving.take();
        let after = departure.and_then(|departure| record.arrival(departure, Arrival::Hop(here)));
        record.hops.push(Hop {
            host: step.host,
            ingress: step.ingress,
            after,
            frame: Bytes::copy_from_slice(frame),
            events: Vec::with_capacity(8),
            exits: Vec::new(),
        });
    }

    fn resumed(&mut self) {
        let mut record = self.0.borrow_mut();
        record.next = record.waiting.pop_front();
    }

    fn departed(&mut self) -> usize {
        let mut record = self.0.borrow_mut();
        // A frame that goes on without having waited is what was sent last.
        let sent = record.next.take();
        let sent = sent.or_else(|| record.waiting.pop_back());
        record.departures.extend(sent);
        record.departures.len().saturating_sub(1)
    }

    fn arrives(&mut self, departure: usize) {
        self.0.borrow_mut().arriving = Some(departure);
    }

    fn lost(
        &mut self,
        departure: Option<usize>,
        to: Option<usize>,
        reason: DropReason,
        _packet: &[u8],
    ) {
        if let Some(departure) = departure {
            let mut record = self.0.borrow_mut();
            record.arrival(departure, Arrival::Lost { to, reason });
        }
    }

    fn dropped(&mut self) {}
}
