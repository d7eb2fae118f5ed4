//! A small data center to test in: hosts with a policy each, and an underlay that joins them.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`Host`], [`World`], [`Outcome`]: send a frame, see where it went and how |
//! | `policy.rs` | the tenants Blue and Red, and how their policy is written |
//! | `frames.rs` | frames, built with etherparse and pnet, never with our own writers |
//! | `arrivals.rs` | packets that come in at host 1, and one changed byte |
//! | `check.rs` | what etherparse and pnet say about frames that came out |
//! | `rewrite.rs` | packets under two pairs of addresses |
//! | `strategies.rs` | what property tests draw from |
//! | `edits.rs` | edits of records, made twice: to a publisher's tables and to a policy |
//! | `refusals.rs` | for every drop reason a frame that meets it |

#![allow(dead_code, unused_imports)] // each test file uses its part

mod arrivals;
mod check;
mod edits;
mod frames;
mod policy;
mod refusals;
mod rewrite;
mod strategies;

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use etherparse::{NetSlice, SlicedPacket};
use nvgre_dataplane::{
    Destination, DropReason, Egress, Event, Learned, Nanos, NoTrace, Policy, PortFrame, PortId,
    Snapshot, Trace, Tracer, Verdict, Worker,
};
use nvgre_wire::{FrameBuf, HEADROOM};

pub(crate) use arrivals::*;
pub(crate) use check::*;
pub(crate) use edits::*;
pub(crate) use frames::*;
pub(crate) use policy::*;
pub(crate) use refusals::*;
pub(crate) use rewrite::*;
pub(crate) use strategies::*;

/// The seed of every snapshot's tables: tests repeat.
pub(crate) const SEED: u64 = 7637;

/// One host: a policy in force, a worker, and a clock that the test sets.
///
/// Every frame of every test is forwarded twice: traced, and by another worker that is not, and so takes
/// the short way where it can. Both must come to the same.
pub(crate) struct Host {
    pub(crate) policy: Policy,
    pub(crate) worker: Worker,
    silent: Worker,
    pub(crate) now: Nanos,
    snapshot: Arc<Snapshot>,
}

/// What became of one frame at one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// The frame as the verdict left it.
    pub(crate) frame: Vec<u8>,
    pub(crate) copies: Vec<(Destination, Vec<u8>)>,
    pub(crate) generated: Vec<(PortId, Vec<u8>)>,
    pub(crate) learned: Vec<Learned>,
    pub(crate) trace: Vec<Event>,
}

/// Hosts on one underlay.
pub(crate) struct World {
    pub(crate) hosts: Vec<Host>,
}

/// A frame that reached a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) host: usize,
    pub(crate) port: u32,
    pub(crate) frame: Vec<u8>,
}

/// One frame from its guest to wherever its copies ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journey {
    /// At the sender's host.
    pub(crate) sent: Outcome,
    /// At the hosts that the underlay carried it to: host and outcome.
    pub(crate) arrivals: Vec<(usize, Outcome)>,
    /// What guests got, in the order in which they got it.
    pub(crate) deliveries: Vec<Delivery>,
    /// Packets whose destination no host owns.
    pub(crate) lost: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Recorder {
    copies: Vec<(Destination, Vec<u8>)>,
    generated: Vec<(PortId, Vec<u8>)>,
    learned: Vec<Learned>,
}

impl Egress for Recorder {
    fn copy(&mut self, _index: usize, to: Destination, frame: &[u8]) {
        self.copies.push((to, frame.to_vec()));
    }

    fn generated(&mut self, _index: usize, to: PortId, frame: &[u8]) {
        self.generated.push((to, frame.to_vec()));
    }

    fn learned(&mut self, learned: Learned) {
        self.learned.push(learned);
    }
}

/// What a batch gave out, by frame.
struct Batch(Vec<Recorder>);

/// The steps of every frame of a batch, and the frame that is next.
struct Traces(Vec<Vec<Event>>, usize);

impl Batch {
    fn of(len: usize) -> Self {
        Self((0..len).map(|_| Recorder::default()).collect())
    }

    fn outcomes<'f>(
        self,
        verdicts: &[Verdict],
        frames: impl Iterator<Item = &'f [u8]>,
        traces: Traces,
    ) -> Vec<Outcome> {
        let traces = traces.0.into_iter();
        let parts = self.0.into_iter().zip(verdicts).zip(frames).zip(traces);
        parts
            .map(|(((recorder, verdict), frame), trace)| {
                Outcome::of(*verdict, frame, recorder, &trace)
            })
            .collect()
    }
}

impl Egress for Batch {
    fn copy(&mut self, index: usize, to: Destination, frame: &[u8]) {
        self.0[index].copy(index, to, frame);
    }

    fn generated(&mut self, index: usize, to: PortId, frame: &[u8]) {
        self.0[index].generated(index, to, frame);
    }

    fn learned(&mut self, learned: Learned) {
        // Which frame taught it is not said; in a batch of one it is the first.
        self.0[0].learned(learned);
    }
}

impl Tracer for Traces {
    const ON: bool = true;

    fn frame(&mut self, index: usize) {
        self.1 = index;
    }

    fn event(&mut self, event: Event) {
        self.0[self.1].push(event);
    }
}

impl Host {
    #[track_caller]
    pub(crate) fn new(policy: Policy) -> Self {
        Self::seeded(policy, SEED)
    }

    /// A host whose tables are keyed with another seed.
    #[track_caller]
    pub(crate) fn seeded(policy: Policy, seed: u64) -> Self {
        let snapshot = Arc::new(publish(&policy, seed));
        Self::with(policy, snapshot)
    }

    /// A host that forwards by a snapshot that somebody else made.
    pub(crate) fn with(policy: Policy, snapshot: Arc<Snapshot>) -> Self {
        Self {
            snapshot,
            policy,
            worker: Worker::new(),
            silent: Worker::new(),
            now: Nanos(0),
        }
    }

    /// Edits the policy and publishes it: the worker stays, the snapshot is swapped.
    #[track_caller]
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.policy);
        self.snapshot = Arc::new(publish(&self.policy, SEED));
    }

    /// A guest sends a frame.
    pub(crate) fn send(&mut self, port: u32, frame: &[u8]) -> Outcome {
        let mut memory = memory(frame);
        let mut frames = [PortFrame {
            port: PortId(port),
            frame: frame_in(&mut memory),
        }];
        let mut verdicts = [Verdict::Consumed];
        let (mut egress, mut trace) = (Recorder::default(), Trace::default());
        self.worker.outbound(
            self.now,
            &self.snapshot,
            &mut frames,
            &mut verdicts,
            &mut egress,
            &mut trace,
        );
        let outcome = Outcome::of(verdicts[0], frames[0].frame.bytes(), egress, trace.events());
        let mut memory = self::memory(frame);
        let (mut frame, mut egress) = (frame_in(&mut memory), Recorder::default());
        let (now, snapshot, port) = (self.now, &self.snapshot, PortId(port));
        let (e, t) = (&mut egress, &mut NoTrace);
        let verdict = self
            .silent
            .outbound_frame(now, snapshot, port, &mut frame, e, t);
        let silent = Outcome::of(verdict, frame.bytes(), egress, &[]);
        self.assert_same_untraced(&[&outcome], &[silent]);
        outcome
    }

    /// A frame comes in at the physical NIC.
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Outcome {
        let mut memory = memory(frame);
        let mut frames = [frame_in(&mut memory)];
        let mut verdicts = [Verdict::Consumed];
        let (mut egress, mut trace) = (Recorder::default(), Trace::default());
        self.worker.inbound(
            self.now,
            &self.snapshot,
            &mut frames,
            &mut verdicts,
            &mut egress,
            &mut trace,
        );
        let outcome = Outcome::of(verdicts[0], frames[0].bytes(), egress, trace.events());
        let mut memory = self::memory(frame);
        let (mut frame, mut egress) = (frame_in(&mut memory), Recorder::default());
        let (now, snapshot) = (self.now, &self.snapshot);
        let (e, t) = (&mut egress, &mut NoTrace);
        let verdict = self.silent.inbound_frame(now, snapshot, &mut frame, e, t);
        let silent = Outcome::of(verdict, frame.bytes(), egress, &[]);
        self.assert_same_untraced(&[&outcome], &[silent]);
        outcome
    }

    /// What an untraced worker did is what the traced one did.
    #[track_caller]
    fn assert_same_untraced(&self, traced: &[&Outcome], silent: &[Outcome]) {
        for (traced, silent) in traced.iter().zip(silent) {
            let (mut expected, mut silent) = ((*traced).clone(), silent.clone());
            expected.trace.clear();
            // A dropped frame's bytes are unspecified.
            if matches!(expected.verdict, Verdict::Drop(_)) {
                expected.frame.clear();
                silent.frame.clear();
            }
            assert!(
                expected == silent,
                "-- traced\n{traced}-- untraced\n{silent}"
            );
        }
        assert_eq!(traced.len(), silent.len());
        assert_eq!(self.worker.counters(), self.silent.counters());
    }

    /// Guests send all of these in one batch.
    pub(crate) fn send_all(&mut self, batch: &[(u32, &[u8])]) -> Vec<Outcome> {
        let mut memories: Vec<_> = batch.iter().map(|(_, frame)| memory(frame)).collect();
        let mut frames: Vec<_> = batch
            .iter()
            .zip(&mut memories)
            .map(|(&(port, _), memory)| PortFrame {
                port: PortId(port),
                frame: frame_in(memory),
            })
            .collect();
        let mut verdicts = vec![Verdict::Consumed; batch.len()];
        let mut recorded = Batch::of(batch.len());
        let mut traces = Traces(vec![Vec::new(); batch.len()], 0);
        self.worker.outbound(
            self.now,
            &self.snapshot,
            &mut frames,
            &mut verdicts,
            &mut recorded,
            &mut traces,
        );
        let left = frames.iter().map(|frame| frame.frame.bytes());
        let outcomes = recorded.outcomes(&verdicts, left, traces);
        let mut memories: Vec<_> = batch.iter().map(|(_, frame)| memory(frame)).collect();
        let ports = batch.iter().map(|&(port, _)| PortId(port));
        let frames = ports.zip(memories.iter_mut().map(|memory| frame_in(memory)));
        let mut frames: Vec<_> = frames
            .map(|(port, frame)| PortFrame { port, frame })
            .collect();
        let mut recorded = Batch::of(batch.len());
        self.silent.outbound(
            self.now,
            &self.snapshot,
            &mut frames,
            &mut verdicts,
            &mut recorded,
            &mut NoTrace,
        );
        let left = frames.iter().map(|frame| frame.frame.bytes());
        let silent = recorded.outcomes(&verdicts, left, Traces(vec![Vec::new(); batch.len()], 0));
        self.assert_same_untraced(&outcomes.iter().collect::<Vec<_>>(), &silent);
        outcomes
    }

    /// All of these come in at the physical NIC in one batch.
    pub(crate) fn receive_all(&mut self, batch: &[&[u8]]) -> Vec<Outcome> {
        let mut memories: Vec<_> = batch.iter().map(|frame| memory(frame)).collect();
        let mut frames: Vec<_> = memories.iter_mut().map(|memory| frame_in(memory)).collect();
        let mut verdicts = vec![Verdict::Consumed; batch.len()];
        let mut recorded = Batch::of(batch.len());
        let mut traces = Traces(vec![Vec::new(); batch.len()], 0);
        self.worker.inbound(
            self.now,
            &self.snapshot,
            &mut frames,
            &mut verdicts,
            &mut recorded,
            &mut traces,
        );
        let outcomes = recorded.outcomes(&verdicts, frames.iter().map(FrameBuf::bytes), traces);
        let mut memories: Vec<_> = batch.iter().map(|frame| memory(frame)).collect();
        let mut frames: Vec<_> = memories.iter_mut().map(|memory| frame_in(memory)).collect();
        let mut recorded = Batch::of(batch.len());
        self.silent.inbound(
            self.now,
            &self.snapshot,
            &mut frames,
            &mut verdicts,
            &mut recorded,
            &mut NoTrace,
        );
        let left = frames.iter().map(FrameBuf::bytes);
        let silent = recorded.outcomes(&verdicts, left, Traces(vec![Vec::new(); batch.len()], 0));
        self.assert_same_untraced(&outcomes.iter().collect::<Vec<_>>(), &silent);
        outcomes
    }

    /// How often this host has dropped for this reason.
    pub(crate) fn drops(&self, reason: DropReason) -> u64 {
        self.worker.counters().drops(reason)
    }

    fn owns(&self, address: IpAddr) -> bool {
        self.policy
            .provider_addresses
            .iter()
            .any(|host| host.address.ip() == address)
    }
}

impl World {
    #[track_caller]
    pub(crate) fn new(policies: impl IntoIterator<Item = Policy>) -> Self {
        Self {
            hosts: policies.into_iter().map(Host::new).collect(),
        }
    }

    /// The same edit on every host.
    #[track_caller]
    pub(crate) fn edit(&mut self, mut change: impl FnMut(&mut Policy)) {
        for host in &mut self.hosts {
            host.edit(&mut change);
        }
    }

    /// A guest sends a frame, and the underlay carries what leaves the host.
    pub(crate) fn send(&mut self, host: usize, port: u32, frame: &[u8]) -> Journey {
        let sent = self.hosts[host].send(port, frame);
        let mut journey = Journey {
            arrivals: Vec::new(),
            deliveries: sent.deliveries(host),
            lost: Vec::new(),
            sent,
        };
        let packets: Vec<_> = journey.sent.uplinks().map(<[u8]>::to_vec).collect();
        for packet in packets {
            self.carry(host, &packet, &mut journey);
        }
        journey
    }

    /// [`World::send`] from a guest's own port.
    pub(crate) fn guest_sends(&mut self, guest: Guest, frame: &[u8]) -> Journey {
        self.send(guest.host, guest.port, frame)
    }

    /// The underlay: by outer destination address to its owner, groups and what no IP address
    /// decides to every other host.
    fn carry(&mut self, from: usize, packet: &[u8], journey: &mut Journey) {
        let destination = ip_destination(packet);
        let owner = destination.and_then(|ip| self.hosts.iter().position(|host| host.owns(ip)));
        let to: Vec<usize> = match (owner, destination) {
            (Some(owner), _) => vec![owner],
            (None, Some(ip)) if !ip.is_multicast() && packet[0] & 1 == 0 && is_gre(packet) => {
                journey.lost.push(packet.to_vec());
                return;
            }
            (None, _) => (0..self.hosts.len()).filter(|&host| host != from).collect(),
        };
        for host in to {
            let outcome = self.hosts[host].receive(packet);
            journey.deliveries.extend(outcome.deliveries(host));
            journey.arrivals.push((host, outcome));
        }
    }
}

impl Outcome {
    fn of(verdict: Verdict, frame: &[u8], egress: Recorder, trace: &[Event]) -> Self {
        Self {
            verdict,
            frame: frame.to_vec(),
            copies: egress.copies,
            generated: egress.generated,
            learned: egress.learned,
            trace: trace.to_vec(),
        }
    }

    /// What this host handed to guests, answers and errors to the sender not included.
    fn deliveries(&self, host: usize) -> Vec<Delivery> {
        let delivery = |port: PortId, frame: &[u8]| Delivery {
            host,
            port: port.0,
            frame: frame.to_vec(),
        };
        let copies = self.copies.iter().filter_map(|(to, frame)| match to {
            Destination::Port(port) => Some(delivery(*port, frame)),
            Destination::Uplink => None,
        });
        let left = match self.verdict {
            Verdict::Deliver(port) => Some(delivery(port, &self.frame)),
            _ => None,
        };
        copies.chain(left).collect()
    }

    /// What left by the physical NIC.
    pub(crate) fn uplinks(&self) -> impl Iterator<Item = &[u8]> {
        let copies = self
            .copies
            .iter()
            .filter(|(to, _)| *to == Destination::Uplink)
            .map(|(_, frame)| frame.as_slice());
        let left = (self.verdict == Verdict::Uplink).then_some(self.frame.as_slice());
        copies.chain(left)
    }

    /// The verdict is this one.
    #[track_caller]
    pub(crate) fn assert_verdict(&self, verdict: Verdict) -> &Self {
        assert!(self.verdict == verdict, "expected {verdict:?}\n{self}");
        self
    }

    /// Dropped for this reason, and nobody got anything.
    #[track_caller]
    pub(crate) fn assert_dropped(&self, reason: DropReason) -> &Self {
        self.assert_verdict(Verdict::Drop(reason));
        assert!(self.copies.is_empty(), "copies of a dropped frame\n{self}");
        assert!(
            self.trace.last() == Some(&Event::Dropped(reason)),
            "the trace does not end with the drop\n{self}"
        );
        self
    }

    /// Delivered to one port, as these bytes.
    #[track_caller]
    pub(crate) fn assert_delivered(&self, port: u32, frame: &[u8]) -> &Self {
        self.assert_verdict(Verdict::Deliver(PortId(port)));
        assert!(self.frame == frame, "expected {}\n{self}", hex(frame));
        self
    }

    /// The one packet that left by the physical NIC.
    #[track_caller]
    pub(crate) fn uplink(&self) -> &[u8] {
        self.assert_verdict(Verdict::Uplink);
        &self.frame
    }

    /// The answer that the question became.
    #[track_caller]
    pub(crate) fn answer(&self) -> &[u8] {
        self.assert_verdict(Verdict::Hairpin);
        &self.frame
    }

    /// The one ICMP error that went back to this port.
    #[track_caller]
    pub(crate) fn error_to(&self, port: u32) -> &[u8] {
        match &self.generated[..] {
            [(to, frame)] if to.0 == port => frame,
            _ => panic!("expected one error to port {port}\n{self}"),
        }
    }

    /// No ICMP error was made.
    #[track_caller]
    pub(crate) fn assert_silent(&self) -> &Self {
        assert!(self.generated.is_empty(), "an error was made\n{self}");
        self
    }

    /// The trace has this step.
    #[track_caller]
    pub(crate) fn assert_step(&self, step: Event) -> &Self {
        assert!(self.trace.contains(&step), "no step {step:?}\n{self}");
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "verdict {:?}", self.verdict)?;
        writeln!(f, "frame   {}", hex(&self.frame))?;
        for (to, frame) in &self.copies {
            writeln!(f, "copy    {to:?} {}", hex(frame))?;
        }
        for (to, frame) in &self.generated {
            writeln!(f, "error   {to:?} {}", hex(frame))?;
        }
        for learned in &self.learned {
            writeln!(f, "learned {learned:?}")?;
        }
        for event in &self.trace {
            writeln!(f, "  {event:?}")?;
        }
        Ok(())
    }
}

impl Journey {
    /// Exactly this guest got exactly these bytes, and nobody else anything.
    #[track_caller]
    pub(crate) fn assert_only(&self, guest: Guest, frame: &[u8]) -> &Self {
        let expected = [Delivery {
            host: guest.host,
            port: guest.port,
            frame: frame.to_vec(),
        }];
        assert!(
            self.deliveries == expected,
            "expected only {} to get {}\n{self}",
            guest.name,
            hex(frame)
        );
        self
    }

    /// Exactly these guests got exactly these bytes, in any order.
    #[track_caller]
    pub(crate) fn assert_reached(&self, guests: &[Guest], frame: &[u8]) -> &Self {
        let mut expected: Vec<_> = guests.iter().map(|g| (g.host, g.port)).collect();
        let mut reached: Vec<_> = self.deliveries.iter().map(|d| (d.host, d.port)).collect();
        expected.sort_unstable();
        reached.sort_unstable();
        assert!(
            reached == expected && self.deliveries.iter().all(|d| d.frame == frame),
            "expected {:?} to get {}\n{self}",
            guests.iter().map(|g| g.name).collect::<Vec<_>>(),
            hex(frame)
        );
        self
    }

    /// Nobody got anything.
    #[track_caller]
    pub(crate) fn assert_nobody(&self) -> &Self {
        assert!(self.deliveries.is_empty(), "somebody got it\n{self}");
        self
    }

    /// The only host that the underlay carried it to, and what happened there.
    #[track_caller]
    pub(crate) fn arrival(&self) -> &Outcome {
        match &self.arrivals[..] {
            [(_, outcome)] => outcome,
            _ => panic!("expected one arrival\n{self}"),
        }
    }
}

impl std::fmt::Display for Journey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "-- at the sender's host\n{}", self.sent)?;
        for (host, outcome) in &self.arrivals {
            writeln!(f, "-- at host {host}\n{outcome}")?;
        }
        for delivery in &self.deliveries {
            let Delivery { host, port, frame } = delivery;
            writeln!(f, "-- host {host} port {port} got {}", hex(frame))?;
        }
        for packet in &self.lost {
            writeln!(f, "-- lost {}", hex(packet))?;
        }
        Ok(())
    }
}

#[track_caller]
fn publish(policy: &Policy, seed: u64) -> Snapshot {
    match Snapshot::new(policy, seed) {
        Ok(snapshot) => snapshot,
        Err(errors) => panic!("the policy is refused: {errors:?}"),
    }
}

fn memory(frame: &[u8]) -> Vec<u8> {
    let mut memory = vec![0xee; HEADROOM];
    memory.extend_from_slice(frame);
    memory
}

fn frame_in(memory: &mut [u8]) -> FrameBuf<'_> {
    let end = memory.len();
    FrameBuf::new(memory, HEADROOM..end).expect("headroom")
}

fn ip_destination(packet: &[u8]) -> Option<IpAddr> {
    match SlicedPacket::from_ethernet(packet).ok()?.net? {
        NetSlice::Ipv4(ip) => Some(ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => Some(ip.header().destination_addr().into()),
        NetSlice::Arp(_) => None,
    }
}

fn is_gre(packet: &[u8]) -> bool {
    let sliced = SlicedPacket::from_ethernet(packet).ok();
    let payload = sliced.as_ref().and_then(|packet| packet.ip_payload());
    payload.is_some_and(|payload| payload.ip_number == etherparse::IpNumber::GRE)
}

/// Bytes as pairs of hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
