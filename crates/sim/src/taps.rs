//! The output of a replay: a capture of every hop with comments, or of deliveries alone.

use std::fs::File;

use nvgre_capture::{Annotations, Direction, LinkType, PcapWriter, WriteError, Writer};

use crate::comment::Teller;
use crate::scenario::Scenario;
use crate::walk_log::{Seen, WalkLog};

/// See the module.
pub(crate) struct Taps {
    out: Out,
    /// The first that went wrong: nothing is written after it.
    error: Option<WriteError>,
}

enum Out {
    Hops(Hops),
    Deliveries(PcapWriter<File>),
}

/// An interface for each port and each uplink, and one for what is between.
struct Hops {
    writer: Writer<File>,
    ports: Vec<u32>,
    uplinks: Vec<u32>,
    underlay: u32,
}

impl Taps {
    /// An interface `port NAME` for each guest's port, `uplink HOST` for each host, and `underlay`.
    pub(crate) fn hops(scenario: &Scenario, mut writer: Writer<File>) -> Result<Self, WriteError> {
        let mut tap = |name: &str| writer.add_interface(name, LinkType::ETHERNET, 0);
        let ports = scenario.guests.iter();
        let ports = ports.map(|guest| tap(&format!("port {}", guest.port_name())));
        let ports = ports.collect::<Result<_, _>>()?;
        let hosts = scenario.hosts.iter();
        let uplinks = hosts.map(|host| tap(&format!("uplink {}", host.name)));
        let uplinks = uplinks.collect::<Result<_, _>>()?;
        let underlay = tap("underlay")?;
        Ok(Self::of(Out::Hops(Hops {
            writer,
            ports,
            uplinks,
            underlay,
        })))
    }

    /// What reached guests' ports from others, as it was delivered.
    pub(crate) const fn deliveries(writer: PcapWriter<File>) -> Self {
        Self::of(Out::Deliveries(writer))
    }

    const fn of(out: Out) -> Self {
        Self { out, error: None }
    }

    /// Whether more than deliveries are written.
    pub(crate) const fn shows_hops(&self) -> bool {
        matches!(self.out, Out::Hops(_))
    }

    /// Writes a copy that was delivered, captured at this time, if deliveries are what is written.
    pub(crate) fn show_delivery(&mut self, captured_ns: i64, frame: &[u8]) {
        if let (Out::Deliveries(writer), None) = (&mut self.out, &self.error) {
            let written = writer.write(captured_ns.max(0), frame, frame.len() as u32);
            self.error = written.err();
        }
    }

    /// Writes a walk that has ended, and that the teller told last.
    pub(crate) fn show_walk(&mut self, log: &WalkLog, teller: &Teller) {
        let at = log.captured_ns.max(0);
        for hop in &log.hops {
            if self.error.is_some() {
                return;
            }
            let frame = log.bytes(hop);
            let written = match &mut self.out {
                Out::Hops(hops) => {
                    let (interface, direction) = hops.tap(hop.seen);
                    let annotations = Annotations {
                        comment: Some(teller.line_of(log, hop)),
                        id: Some(log.number),
                        direction,
                    };
                    let len = frame.len() as u32;
                    hops.writer
                        .write_annotated(interface, at, frame, len, annotations)
                }
                Out::Deliveries(writer) if matches!(hop.seen, Seen::ToGuest(_)) => {
                    writer.write(at, frame, frame.len() as u32)
                }
                Out::Deliveries(_) => Ok(()),
            };
            self.error = written.err();
        }
    }

    /// What went wrong, once.
    pub(crate) fn take_error(&mut self) -> Option<WriteError> {
        self.error.take()
    }

    /// Finishes the file, and gives it its name.
    pub(crate) fn finish(self) -> Result<(), WriteError> {
        match self.out {
            Out::Hops(hops) => hops.writer.finish(),
            Out::Deliveries(writer) => writer.finish(),
        }
    }
}

impl Hops {
    /// The interface where a copy was seen, and its way there, from the guests' point of view.
    fn tap(&self, seen: Seen) -> (u32, Option<Direction>) {
        match seen {
            Seen::FromGuest(guest) => (self.ports[guest], Some(Direction::Outbound)),
            Seen::ToGuest(guest) | Seen::AnswerTo(guest) => {
                (self.ports[guest], Some(Direction::Inbound))
            }
            Seen::Sent(host) => (self.uplinks[host], Some(Direction::Outbound)),
            Seen::Arrived(host) => (self.uplinks[host], Some(Direction::Inbound)),
            Seen::Carried => (self.underlay, None),
        }
    }
}
