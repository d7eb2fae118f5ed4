//! A capture, frame by frame, through the modeled hosts.
//!
//! Streaming: what is kept does not grow with the capture.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;

use nvgre_capture::{LinkPayload, LinkType, Packet, WriteError, Writer, network_layer};
use nvgre_dataplane::{DropReason, PortCounters, PortId};
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::clock::SimTime;
use crate::clue::Clue;
use crate::digest::Digest;
use crate::entry::{Entry, EntryRules, SkipReason, with_ethernet};
use crate::ledger::{CopyLedger, Fate, FrameLedger, Outcome};
use crate::map_file::MapFile;
use crate::model::Model;
use crate::network::{Ingress, Observer, drop_copy};
use crate::oracle::{Judgement, Oracle, OracleCounts, Sender};
use crate::summary::FrameSummary;

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
#[derive(Clone, Debug, Default)]
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

/// A run over one or more captures.
pub struct Replay {
    model: Model,
    rules: EntryRules,
    report: ReplayReport,
    digest: Digest,
    taps: Option<Taps>,
    now: SimTime,
    /// The file in hand, and how much later than its own time it is replayed.
    file: String,
    offset_nanos: u64,
    /// The packet's own time, for the output.
    captured_ns: i64,
    memory: Vec<u8>,
    host_of: Vec<usize>,
}

/// Why a replay cannot go on.
#[derive(Debug)]
pub enum ReplayError {
    /// The capture's link type cannot be replayed.
    LinkType(LinkType),
    /// The output cannot be written.
    Write(WriteError),
}

/// The output capture: an interface for each port and each uplink.
struct Taps {
    writer: Writer<File>,
    ports: Vec<u32>,
    uplinks: Vec<u32>,
    error: Option<WriteError>,
}

/// What one frame's walk reports to.
struct Watch<'a> {
    report: &'a mut ReplayReport,
    oracle: &'a mut Oracle,
    digest: &'a mut Digest,
    taps: Option<&'a mut Taps>,
    names: &'a dyn Fn(usize) -> String,
    host_names: &'a dyn Fn(usize) -> String,
    sender: Sender,
    number: u64,
    now: SimTime,
    captured_ns: i64,
}

impl Replay {
    /// Replays through this model as it stands, frames mapped to ports by `map` first.
    pub fn new(model: Model, map: MapFile) -> Self {
        let guests = 0..model.scenario().guests.len();
        Self {
            rules: EntryRules::new(model.scenario(), map),
            host_of: guests.map(|guest| model.host_of(guest)).collect(),
            model,
            report: ReplayReport::default(),
            digest: Digest::default(),
            taps: None,
            now: SimTime::default(),
            file: String::new(),
            offset_nanos: 0,
            captured_ns: 0,
            memory: Vec::new(),
        }
    }

    /// Writes every hop to a capture: an interface `port NAME` for each guest's port, with what was
    /// delivered there, and `uplink HOST` for each host, with what it sent. A dropped copy stands
    /// where it was last seen. Comments say which frame it was and what became of it.
    pub fn write_to(&mut self, mut writer: Writer<File>) -> Result<(), WriteError> {
        let mut add = |name: String| writer.add_interface(&name, LinkType::ETHERNET, 0);
        let scenario = self.model.scenario();
        let ports = scenario
            .guests
            .iter()
            .map(|guest| add(format!("port {}", guest.port_name())));
        let ports = ports.collect::<Result<_, _>>()?;
        let uplinks = scenario
            .hosts
            .iter()
            .map(|host| add(format!("uplink {}", host.name)));
        let uplinks = uplinks.collect::<Result<_, _>>()?;
        self.taps = Some(Taps {
            writer,
            ports,
            uplinks,
            error: None,
        });
        Ok(())
    }

    /// Replays one packet of `file`.
    pub fn packet(&mut self, packet: &Packet<'_>, file: &str) -> Result<(), ReplayError> {
        if !packet.link_type.is_supported() {
            return Err(ReplayError::LinkType(packet.link_type));
        }
        self.captured_ns = packet.time_ns;
        self.advance(packet.time_ns.max(0).unsigned_abs(), file);
        let number = self.report.frames.read + 1;
        self.memory.clear();
        self.memory.resize(HEADROOM, 0);
        let underlay = &self.model.network().underlay;
        let entry = network_layer(packet.link_type, packet.data)
            .map_err(|_| SkipReason::CutShort)
            .and_then(|payload| with_ethernet(payload, underlay, &mut self.memory))
            .and_then(|()| {
                let frame = &self.memory[HEADROOM..];
                self.rules
                    .enter(frame, file, packet.interface_name, underlay, &self.host_of)
            });
        let entry = match entry {
            Ok(entry) => entry,
            Err(reason) => {
                self.report.frames.skip();
                self.report.skips.entry(reason).or_insert((0, number)).0 += 1;
                return Ok(());
            }
        };
        let len = self.memory.len();
        let sender = match entry.guest {
            Some(guest) => Sender::Guest(guest),
            None => {
                self.report.entered_at_uplinks += 1;
                let frame = &self.memory[HEADROOM..];
                self.model
                    .oracle()
                    .sender_at_uplink(frame, |address| underlay.owner(address))
            }
        };
        self.report.bytes_entered += (len - HEADROOM) as u64;
        let known = self.report.drops.len();
        let fate = self.walk(number, entry, sender, len);
        if self.report.drops.len() > known {
            self.explain(packet, number, &fate);
        }
        if let Some(error) = self.taps.as_mut().and_then(|taps| taps.error.take()) {
            return Err(ReplayError::Write(error));
        }
        Ok(())
    }

    /// Rates need a clock that goes on: captures of several interfaces step back now and then, and a
    /// second file may be of the same hour as the first. It then follows the first in time.
    fn advance(&mut self, captured: u64, file: &str) {
        if self.file != file {
            file.clone_into(&mut self.file);
            self.offset_nanos = self.now.0.saturating_sub(captured);
        }
        self.now = self.now.max(SimTime(captured) + self.offset_nanos);
    }

    /// Keeps what is needed to say why, for the first frame of a reason at a host.
    fn explain(&mut self, packet: &Packet<'_>, number: u64, fate: &Fate) {
        let (Some(reason), Some((host, clue))) = (fate.dropped, fate.first_drop) else {
            return;
        };
        if let Some(line) = self.report.drops.get_mut(&(reason, host))
            && line.first_frame == number
        {
            let summary = match network_layer(packet.link_type, packet.data) {
                Ok(LinkPayload::Ethernet(frame)) => FrameSummary(frame).to_string(),
                Ok(LinkPayload::Network { .. }) | Err(_) => "a frame without Ethernet".to_owned(),
            };
            line.first = Some((summary, clue));
        }
    }

    fn walk(&mut self, number: u64, entry: Entry, sender: Sender, len: usize) -> Fate {
        let Entry { host, ingress, .. } = entry;
        let scenario = std::sync::Arc::clone(self.model.shared_scenario());
        let (network, oracle) = self.model.parts();
        let mut copies = self.report.copies;
        let mut watch = Watch {
            report: &mut self.report,
            oracle,
            digest: &mut self.digest,
            taps: self.taps.as_mut(),
            names: &|guest| scenario.guests[guest].port_name(),
            host_names: &|host| scenario.hosts[host].name.clone(),
            sender,
            number,
            now: self.now,
            captured_ns: self.captured_ns,
        };
        // The headroom is in the same memory, right in front.
        let Ok(mut frame) = FrameBuf::new(&mut self.memory, HEADROOM..len) else {
            return Fate::default();
        };
        let fate = if entry.to_nobody {
            lose(host, &frame, &mut copies, &mut watch)
        } else {
            network.run(self.now, host, ingress, &mut frame, &mut copies, &mut watch)
        };
        self.report.copies = copies;
        let outcome = fate.outcome();
        self.report.frames.book(outcome);
        if let (Outcome::Dropped(reason), Some((host, _))) = (outcome, fate.first_drop)
            && let Some(line) = self.report.drops.get_mut(&(reason, host))
        {
            line.frames += 1;
        }
        fate
    }

    /// Finishes the output, if there is one.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        self.taps.take().map_or(Ok(()), |taps| taps.writer.finish())
    }

    /// What was seen so far.
    pub const fn report(&self) -> &ReplayReport {
        &self.report
    }

    /// What the oracle says.
    pub const fn oracle(&self) -> OracleCounts {
        self.model.oracle().counts()
    }

    /// The model.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// The hash of every delivery: the same inputs give the same value.
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// A guest's port counters, from its guest's point of view, over all hosts.
    pub fn port_counters(&self, guest: usize) -> PortCounters {
        let port = PortId(guest as u32);
        let mut sum = PortCounters::default();
        for host in self.model.network().hosts() {
            let counters = host.counters().port(port);
            sum.sent_frames += counters.sent_frames;
            sum.sent_bytes += counters.sent_bytes;
            sum.received_frames += counters.received_frames;
            sum.received_bytes += counters.received_bytes;
        }
        sum
    }
}

/// A frame that left `host` for an address that nobody owns: the underlay drops it.
fn lose(host: usize, frame: &FrameBuf<'_>, copies: &mut CopyLedger, watch: &mut Watch<'_>) -> Fate {
    let mut fate = Fate::default();
    copies.made += 1;
    let reason = DropReason::UnderlayNoOwner;
    drop_copy(copies, &mut fate, reason);
    fate.clue = fate.clue.lost(frame.bytes());
    fate.mark_drop(host);
    watch.dropped(host, Ingress::Uplink, reason, frame.bytes());
    fate
}

impl Watch<'_> {
    fn tap(
        &mut self,
        interface: impl Fn(&Taps) -> u32,
        frame: &[u8],
        comment: impl Fn(&Self) -> String,
    ) {
        if self.taps.is_none() {
            return;
        }
        let comment = comment(self);
        let at = self.captured_ns.max(0);
        if let Some(taps) = self.taps.as_deref_mut()
            && taps.error.is_none()
        {
            let (interface, len) = (interface(taps), frame.len() as u32);
            let written = taps.writer.write(interface, at, frame, len, Some(&comment));
            taps.error = written.err();
        }
    }

    fn count(&mut self, sender: Sender, port: PortId, frame: &[u8]) {
        let guest = port.0 as usize;
        self.digest.delivery(self.now, guest, frame);
        if self.oracle.delivered(sender, guest) == Judgement::CrossTenant {
            self.report
                .first_cross_tenant
                .get_or_insert((self.number, guest));
        }
    }
}

impl Observer for Watch<'_> {
    fn keeps_dropped(&self) -> bool {
        self.taps.is_some()
    }

    fn delivered(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        self.count(self.sender, port, frame);
        let guest = port.0 as usize;
        self.tap(
            |taps| taps.ports[guest],
            frame,
            |watch| {
                format!(
                    "frame {}: delivered to {}",
                    watch.number,
                    (watch.names)(guest)
                )
            },
        );
    }

    fn generated(&mut self, host: usize, port: PortId, frame: &[u8]) {
        // An answer is for the one who asked, and for nobody of another tenant.
        self.count(self.sender, port, frame);
        let guest = port.0 as usize;
        self.tap(
            |taps| taps.ports[guest],
            frame,
            |watch| {
                format!(
                    "frame {}: answered by {}",
                    watch.number,
                    (watch.host_names)(host)
                )
            },
        );
    }

    fn sent(&mut self, host: usize, frame: &[u8]) {
        self.tap(
            |taps| taps.uplinks[host],
            frame,
            |watch| {
                format!(
                    "frame {}: sent by {}",
                    watch.number,
                    (watch.host_names)(host)
                )
            },
        );
    }

    fn dropped(&mut self, host: usize, ingress: Ingress, reason: DropReason, frame: &[u8]) {
        let line = self.report.drops.entry((reason, host));
        let line = line.or_insert(DropLine {
            frames: 0,
            copies: 0,
            first_frame: self.number,
            first: None,
        });
        line.copies += 1;
        self.tap(
            |taps| match ingress {
                Ingress::Port(port) => taps.ports[port.0 as usize],
                Ingress::Uplink => taps.uplinks[host],
            },
            frame,
            |watch| {
                let at = (watch.host_names)(host);
                format!("frame {}: dropped at {at}: {reason}", watch.number)
            },
        );
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkType(link) => write!(
                f,
                "link type {link} ({}) cannot be replayed: ethernet, linux-sll, linux-sll2 and raw-ip can",
                link.0
            ),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplayError {}

impl ReplayReport {
    /// Whether anything was dropped for this reason, and the first time it was: the host and the
    /// line.
    pub fn first_drop(&self, reason: DropReason) -> Option<(usize, &DropLine)> {
        let of_reason = self.drops.iter().filter(|((line, _), _)| *line == reason);
        of_reason
            .min_by_key(|(_, line)| line.first_frame)
            .map(|((_, host), line)| (*host, line))
    }
}
