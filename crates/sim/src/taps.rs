//! The output of a replay: a capture of every hop with comments, or of deliveries alone.

use std::fs::File;

use nvgre_capture::{LinkType, PcapWriter, WriteError, Writer};
use nvgre_dataplane::{DropReason, PortId};

use crate::observer::Ingress;
use crate::scenario::Scenario;

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

/// An interface for each port and each uplink, and the names for comments.
struct Hops {
    writer: Writer<File>,
    ports: Vec<Tap>,
    hosts: Vec<Tap>,
    /// The comment in hand.
    comment: String,
}

struct Tap {
    interface: u32,
    name: String,
}

/// Something that happened to a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hop {
    /// A copy reached a port.
    Delivered(PortId),
    /// A host's answer or error reached a port.
    Answered { host: usize, port: PortId },
    /// A copy left a host.
    Sent { host: usize },
    /// A copy ended.
    Dropped {
        host: usize,
        ingress: Ingress,
        reason: DropReason,
    },
}

impl Taps {
    /// An interface `port NAME` for each guest's port, and `uplink HOST` for each host.
    pub(crate) fn hops(scenario: &Scenario, mut writer: Writer<File>) -> Result<Self, WriteError> {
        let mut tap = |kind: &str, name: String| {
            let interface = format!("{kind} {name}");
            let interface = writer.add_interface(&interface, LinkType::ETHERNET, 0)?;
            Ok::<_, WriteError>(Tap { interface, name })
        };
        let ports = scenario.guests.iter();
        let ports = ports.map(|guest| tap("port", guest.port_name()));
        let ports = ports.collect::<Result<_, _>>()?;
        let hosts = scenario.hosts.iter();
        let hosts = hosts.map(|host| tap("uplink", host.name.clone()));
        let hosts = hosts.collect::<Result<_, _>>()?;
        Ok(Self::of(Out::Hops(Hops {
            writer,
            ports,
            hosts,
            comment: String::new(),
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

    /// Writes what happened to frame `number`, which was captured at this time.
    pub(crate) fn show(&mut self, hop: Hop, number: u64, captured_ns: i64, frame: &[u8]) {
        if self.error.is_some() {
            return;
        }
        let at = captured_ns.max(0);
        let written = match (&mut self.out, hop) {
            (Out::Hops(hops), hop) => hops.write(hop, number, at, frame),
            (Out::Deliveries(writer), Hop::Delivered(_)) => {
                writer.write(at, frame, frame.len() as u32)
            }
            (Out::Deliveries(_), Hop::Answered { .. } | Hop::Sent { .. } | Hop::Dropped { .. }) => {
                Ok(())
            }
        };
        self.error = written.err();
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
    fn write(&mut self, hop: Hop, number: u64, at: i64, frame: &[u8]) -> Result<(), WriteError> {
        let (ports, hosts) = (&self.ports, &self.hosts);
        let port = |port: PortId| &ports[port.0 as usize];
        let (tap, happened, name) = match hop {
            Hop::Delivered(to) => (port(to), ": delivered to ", &port(to).name),
            Hop::Answered { host, port: to } => (port(to), ": answered by ", &hosts[host].name),
            Hop::Sent { host } => (&hosts[host], ": sent by ", &hosts[host].name),
            Hop::Dropped { host, ingress, .. } => {
                let tap = match ingress {
                    Ingress::Port(from) => port(from),
                    Ingress::Uplink => &hosts[host],
                };
                (tap, ": dropped at ", &hosts[host].name)
            }
        };
        let comment = &mut self.comment;
        comment.clear();
        comment.push_str("frame ");
        comment.push_str(itoa::Buffer::new().format(number));
        comment.push_str(happened);
        comment.push_str(name);
        if let Hop::Dropped { reason, .. } = hop {
            comment.push_str(": ");
            comment.push_str(reason.name());
        }
        let len = frame.len() as u32;
        self.writer
            .write(tap.interface, at, frame, len, Some(comment))
    }
}
