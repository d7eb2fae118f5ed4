//! Captures through the modeled hosts.
//!
//! Streaming: what is kept does not grow with the capture. Frames go in batches where that comes to
//! the same as one by one.

use std::fs::File;
use std::io::Read;

use nvgre_capture::{
    LinkPayload, LinkType, Packet, PcapWriter, Reader, WriteError, Writer, network_layer,
};
use nvgre_dataplane::{DropReason, NoTrace, PortCounters, PortId};

use crate::batch::{BATCH_FRAMES, Flight};
use crate::clock::SimTime;
use crate::clue::{Clue, ClueTracer};
use crate::comparison::Comparison;
use crate::digest::Digest;
use crate::entry::{Captured, EntryRules, SkipReason, with_ethernet};
use crate::filter::Filter;
use crate::hold::{Hold, Slot};
use crate::keeper::{FilterMatches, Keeper};
use crate::map_file::MapFile;
use crate::model::Model;
use crate::network::Network;
use crate::observer::Ingress;
use crate::oracle::{GuestIndex, OracleCounts, Sender};
use crate::replay::error::ReplayError;
use crate::replay::report::ReplayReport;
use crate::summary::FrameSummary;
use crate::taps::Taps;
use crate::underlay::Underlay;
use crate::walk::Walk;
use crate::walk_log::LogTracer;
use crate::wanted::Wanted;
use crate::watch::{Sink, Watch, Watched};

pub(crate) mod error;
pub(crate) mod report;

/// A run over one or more captures.
pub struct Replay {
    model: Model,
    rules: EntryRules,
    report: ReplayReport,
    digest: Digest,
    taps: Option<Taps>,
    /// If whole walks are wanted: frames go one by one then.
    keeper: Option<Box<Keeper>>,
    comparison: Option<Box<Comparison>>,
    now: SimTime,
    /// The file in hand, and how much later than its own time it is replayed.
    file: String,
    offset_nanos: u64,
    /// The id of its last packet that had one, and that packet's number.
    last_id: Option<(u64, u64)>,
    hold: Hold,
    /// The frames in the hold, in order; none between two calls.
    flights: Vec<Flight>,
    /// What is known of each of them, and its index among the packets in hand.
    boarded: Vec<(Watched, usize)>,
    host_of: Vec<usize>,
}

impl Replay {
    /// Most frames that are replayed at once: what [`Replay::packets`] is best called with.
    pub const BATCH_FRAMES: usize = BATCH_FRAMES;

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
            keeper: None,
            comparison: None,
            now: SimTime::default(),
            file: String::new(),
            offset_nanos: 0,
            last_id: None,
            hold: Hold::default(),
            flights: Vec::new(),
            boarded: Vec::new(),
        }
    }

    /// Writes every hop to a capture: an interface `port NAME` for each guest's port, with what the
    /// guest sent (outbound) and got (inbound), `uplink HOST` for each host, with what it sent and
    /// what came in, and `underlay`, with what was on the way between them, MACs as the router left
    /// them. A dropped copy stands where it was last seen. All copies of a frame have its number as
    /// their packet id, and comments that say what became of it: frame, ends, verdict, and the record
    /// that decided.
    ///
    /// Such a file can be replayed again: each frame enters where it did, and its later hops are
    /// skipped ([`SkipReason::SeenBefore`]).
    pub fn write_to(&mut self, writer: Writer<File>) -> Result<(), WriteError> {
        self.taps = Some(Taps::hops(self.model.scenario(), writer)?);
        self.keep_walks();
        Ok(())
    }

    /// Writes the copies that are delivered, as they are then, and nothing else: no answers of
    /// hosts, no comments.
    pub fn write_deliveries_to(&mut self, writer: PcapWriter<File>) {
        self.taps = Some(Taps::deliveries(writer));
    }

    /// Shows nothing but the frames that this matches: writes them alone, each with its whole walk,
    /// and lists them. The books stay those of the whole replay.
    pub fn show_only(&mut self, filter: Filter) {
        self.keep_walks().set_filter(filter);
    }

    /// What [`Replay::show_only`] was given, and what it has matched.
    pub fn matches(&self) -> Option<(&Filter, &FilterMatches)> {
        self.keeper.as_ref()?.filter()
    }

    /// Compares what is delivered with this; of frames that [`Replay::show_only`] shows, if it is used.
    pub fn expect(&mut self, wanted: Wanted) {
        self.comparison = Some(Box::new(Comparison::new(wanted)));
    }

    /// Nothing more comes: what is wanted and has not come is missing. Gives what
    /// [`Replay::expect`] found.
    pub fn finish_comparison(&mut self) -> Option<&Comparison> {
        let comparison = self.comparison.as_deref_mut()?;
        comparison.finish();
        Some(comparison)
    }

    /// What [`Replay::expect`] found so far.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison.as_deref()
    }

    /// From now on whole walks are kept, each until it has ended.
    fn keep_walks(&mut self) -> &mut Keeper {
        let model = &self.model;
        self.keeper
            .get_or_insert_with(|| Box::new(Keeper::new(model)))
    }

    /// Replays one packet of `file`.
    pub fn packet(&mut self, packet: &Packet<'_>, file: &str) -> Result<(), ReplayError> {
        if !packet.link_type.is_supported() {
            return Err(ReplayError::LinkType(packet.link_type));
        }
        self.open(file, packet.time_ns);
        if let Some(repeatable) = self.board(packet, 0) {
            self.depart_alone(repeatable, |_| *packet);
        }
        self.written()
    }

    /// Replays the next packets of a capture, at most `max` (and [`Replay::BATCH_FRAMES`]), and says
    /// how many they were: none at its end. However many, it comes to the same.
    pub fn packets<R: Read>(
        &mut self,
        reader: &mut Reader<R>,
        file: &str,
        max: usize,
    ) -> Result<usize, ReplayError> {
        let packets = reader
            .packets(max.min(BATCH_FRAMES))
            .map_err(ReplayError::Read)?;
        if !packets.is_empty() {
            self.open(file, packets.get(0).time_ns);
        }
        let one_by_one = self.keeper.is_some();
        let mut unsupported = None;
        for index in 0..packets.len() {
            let packet = packets.get(index);
            if !packet.link_type.is_supported() {
                unsupported = Some(ReplayError::PacketLinkType {
                    link_type: packet.link_type,
                    packet: packet.number,
                    offset: packets.offset_bytes(index),
                });
                break;
            }
            if let Some(repeatable) = self.board(&packet, index)
                && (one_by_one || !repeatable)
            {
                self.depart_alone(repeatable, |index| packets.get(index));
            }
        }
        self.depart_together(|index| packets.get(index));
        match unsupported {
            Some(error) => Err(error),
            None => self.written().map(|()| packets.len()),
        }
    }

    /// What the output says to it.
    fn written(&mut self) -> Result<(), ReplayError> {
        let error = self.taps.as_mut().and_then(Taps::take_error);
        error.map_or(Ok(()), |error| Err(ReplayError::Write(error)))
    }

    /// Brings a packet of the file in hand to where it enters, if it does: behind the frames in the
    /// hold. Says whether its walk can be repeated, and so be taken together with theirs.
    #[inline]
    fn board(&mut self, packet: &Packet<'_>, index: usize) -> Option<bool> {
        // Rates need a clock that goes on, and captures of several interfaces step back now and then.
        let captured = SimTime(packet.time_ns.max(0).unsigned_abs());
        self.now = self.now.max(captured + self.offset_nanos);
        if let Some(id) = packet.options.id() {
            let before = self.last_id.replace((id, packet.number));
            if before == Some((id, packet.number.wrapping_sub(1))) {
                return self.skip(SkipReason::SeenBefore, packet);
            }
        }
        let network = self.model.network();
        let underlay = &network.underlay;
        let slot = match put(packet, underlay, &mut self.hold) {
            Ok(slot) => slot,
            Err(reason) => return self.skip(reason, packet),
        };
        let frame = self.hold.bytes(slot);
        let captured = Captured {
            frame,
            file: &self.file,
            interface: (packet.interface, packet.interface_name),
        };
        let entry = match self.rules.enter(captured, underlay, &self.host_of) {
            Ok(entry) => entry,
            Err(reason) => {
                self.hold.take_back(slot);
                return self.skip(reason, packet);
            }
        };
        self.report.bytes_entered += slot.len() as u64;
        let sender = match entry.at.ingress {
            Ingress::Port(port) => Sender::Guest(port.0 as GuestIndex),
            Ingress::Uplink => {
                self.report.entered_at_uplinks += 1;
                let oracle = self.model.oracle();
                oracle.sender_at_uplink(frame, |address| underlay.owner(address))
            }
        };
        let number = self.next_number();
        let watched = Watched {
            number,
            sender,
            now: self.now,
            captured_ns: packet.time_ns,
        };
        self.boarded.push((watched, index));
        self.flights.push(if entry.to_nobody {
            Flight::lost(entry.at, slot, DropReason::UnderlayNoOwner)
        } else {
            Flight::new(entry.at, slot)
        });
        Some(network.together.covers(entry.at.ingress, frame))
    }

    #[cold]
    fn skip<T>(&mut self, reason: SkipReason, packet: &Packet<'_>) -> Option<T> {
        let number = self.next_number();
        if let Some(keeper) = &mut self.keeper {
            let frame = match network_layer(packet.link_type, packet.data) {
                Ok(LinkPayload::Ethernet(frame)) => frame,
                Ok(LinkPayload::Network { .. }) | Err(_) => &[],
            };
            keeper.skip(number, packet.time_ns, reason, frame, self.model.estate());
        }
        self.report.frames.skip();
        self.report.skips.entry(reason).or_insert((0, number)).0 += 1;
        None
    }

    /// The number of the frame in hand, over all input files.
    const fn next_number(&self) -> u64 {
        self.report.frames.read + self.boarded.len() as u64 + 1
    }

    /// Packets of `file` come next. A second file may be of the same hour as the first: it then
    /// follows the first in time.
    fn open(&mut self, file: &str, first_time_ns: i64) {
        if self.file != file {
            file.clone_into(&mut self.file);
            let first = first_time_ns.max(0).unsigned_abs();
            self.offset_nanos = self.now.0.saturating_sub(first);
            self.last_id = None;
        }
    }

    /// Carries the frames in the hold to their ends, side by side.
    fn depart_together<'p>(&mut self, packet_of: impl Fn(usize) -> Packet<'p>) {
        let Some(&(first, _)) = self.boarded.first() else {
            return;
        };
        let (network, oracle) = self.model.parts();
        network.launch(first.now, &mut self.hold, &mut self.flights);
        let mut copies = self.report.copies;
        let mut watch = Watch {
            report: &mut self.report,
            oracle,
            digest: &mut self.digest,
            sink: Sink::of(self.taps.as_mut(), self.comparison.as_deref_mut()),
            frame: first,
        };
        let boarded = self.flights.iter().zip(&self.boarded);
        for (place, (flight, &(watched, packet))) in boarded.enumerate() {
            watch.frame = watched;
            let mut walk = Walk::new(watched.now, &mut copies, &mut watch);
            network.land(place, flight, &mut self.hold, &mut walk);
            let fate = walk.fate;
            if let Some(line) = watch.report.book(fate, watched.number) {
                // Nobody listened: the same again, for the one who asks.
                let packet = packet_of(packet);
                let clue = retraced(network, watched.now, flight, &packet);
                line.first = clue.map(|clue| (summary(&packet), clue));
            }
        }
        self.report.copies = copies;
        self.flights.clear();
        self.boarded.clear();
        self.hold.clear();
    }

    /// Carries the last frame in the hold to its end by itself, behind those before it. If its walk
    /// can be repeated nobody listens, until somebody asks.
    fn depart_alone<'p>(&mut self, repeatable: bool, packet_of: impl Fn(usize) -> Packet<'p>) {
        let (Some(flight), Some((watched, packet))) = (self.flights.pop(), self.boarded.pop())
        else {
            return;
        };
        self.depart_together(&packet_of);
        if self.keeper.is_some() {
            self.depart_kept(&flight, watched, &packet_of(packet));
            return;
        }
        let (network, oracle) = self.model.parts();
        let mut copies = self.report.copies;
        let mut watch = Watch {
            report: &mut self.report,
            oracle,
            digest: &mut self.digest,
            sink: Sink::of(self.taps.as_mut(), self.comparison.as_deref_mut()),
            frame: watched,
        };
        let mut walk = Walk::new(watched.now, &mut copies, &mut watch);
        let mut tracer = ClueTracer::default();
        if repeatable {
            network.fly(&flight, &mut self.hold, &mut walk, &mut NoTrace);
        } else {
            network.fly(&flight, &mut self.hold, &mut walk, &mut tracer);
        }
        let fate = walk.fate;
        if let Some(line) = watch.report.book(fate, watched.number) {
            let packet = packet_of(packet);
            let clue = if repeatable {
                retraced(network, watched.now, &flight, &packet)
            } else {
                tracer.first_drop
            };
            line.first = clue.map(|clue| (summary(&packet), clue));
        }
        self.report.copies = copies;
        self.hold.clear();
    }

    /// Carries this frame of the hold to its end, by itself, and keeps its walk.
    fn depart_kept(&mut self, flight: &Flight, watched: Watched, packet: &Packet<'_>) {
        let Some(keeper) = &mut self.keeper else {
            return;
        };
        flight.log(watched, &self.hold, keeper.log.get_mut());
        let (network, oracle) = self.model.parts();
        let mut copies = self.report.copies;
        let mut watch = Watch {
            report: &mut self.report,
            oracle,
            digest: &mut self.digest,
            sink: Sink::Log(&keeper.log),
            frame: watched,
        };
        let mut walk = Walk::new(watched.now, &mut copies, &mut watch);
        network.fly(
            flight,
            &mut self.hold,
            &mut walk,
            &mut LogTracer(&keeper.log),
        );
        let fate = walk.fate;
        if let Some(line) = watch.report.book(fate, watched.number) {
            let clue = keeper.log.borrow().clue.first_drop;
            line.first = clue.map(|clue| (summary(packet), clue));
        }
        self.report.copies = copies;
        self.hold.clear();
        let (taps, comparison) = (self.taps.as_mut(), self.comparison.as_deref_mut());
        keeper.keep(self.model.estate(), taps, comparison);
    }

    /// Finishes the output, if there is one.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        self.taps.take().map_or(Ok(()), Taps::finish)
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
    pub const fn digest(&self) -> u64 {
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

/// Puts a packet into the hold, with an Ethernet header.
#[inline]
fn put(packet: &Packet<'_>, underlay: &Underlay, hold: &mut Hold) -> Result<Slot, SkipReason> {
    if packet.link_type == LinkType::ETHERNET {
        return Ok(hold.put(&[], packet.data));
    }
    let payload = network_layer(packet.link_type, packet.data);
    let payload = payload.map_err(|_| SkipReason::CutShort)?;
    let (header, rest) = with_ethernet(payload, underlay)?;
    Ok(hold.put(header.as_ref().map_or(&[], |header| header), rest))
}

/// The clue of a frame to whose walk nobody listened. Its verdicts depend on nothing but policy and
/// frame, so that its second walk is the first again.
fn retraced(
    network: &mut Network,
    now: SimTime,
    flight: &Flight,
    packet: &Packet<'_>,
) -> Option<Clue> {
    let mut hold = Hold::default();
    let slot = put(packet, &network.underlay, &mut hold).ok()?;
    let mut tracer = ClueTracer::default();
    network.retrace(now, &flight.again(slot), &mut hold, &mut tracer);
    tracer.first_drop
}

/// A packet as it was captured, in one line.
fn summary(packet: &Packet<'_>) -> String {
    match network_layer(packet.link_type, packet.data) {
        Ok(LinkPayload::Ethernet(frame)) => FrameSummary(frame).to_string(),
        Ok(LinkPayload::Network { .. }) | Err(_) => "a frame without Ethernet".to_owned(),
    }
}
