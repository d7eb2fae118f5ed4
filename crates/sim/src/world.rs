//! Guests, hosts and underlay in virtual time: events in, events out, nothing else.

use std::net::IpAddr;

use bytes::Bytes;
use nvgre_dataplane::{DropReason, Event as TraceEvent, PortId, RecordId, Trace};
use nvgre_wire::{Arp, EtherType, FrameBuf, HEADROOM, Ipv4, Ipv6, LinkHeader};

use crate::clock::{EventQueue, SimTime};
use crate::digest::Digest;
use crate::guest::{Guest, PingError};
use crate::ledger::CopyLedger;
use crate::model::Model;
use crate::model::error::ModelError;
use crate::observer::{Ingress, Observer};
use crate::oracle::{GuestIndex, Sender};
use crate::scenario::Scenario;
use crate::underlay::Carried;
use crate::walk::{Onward, Step, Walk};

/// How long a frame takes from one port of a switch to another, in nanoseconds.
pub(crate) const SWITCH_LATENCY_NANOS: u64 = 1_000;

/// Where a frame began, carried along with every copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who sent it.
    pub sender: Sender,
    /// Source and destination address as the guest wrote them (ARP: sender and target).
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// The last record that a host forwarded it by: the host, and the record there.
    pub record: Option<(usize, RecordId)>,
}

/// A frame that was dropped, and what is needed to say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// When.
    pub at: SimTime,
    /// The host that dropped it, or that put it on the underlay which did.
    pub host: usize,
    /// Why.
    pub reason: DropReason,
    /// Where it began.
    pub origin: Origin,
}

#[derive(Debug)]
enum Event {
    /// A frame comes in at a host's physical NIC.
    AtUplink {
        host: usize,
        frame: Bytes,
        origin: Origin,
    },
    /// A frame comes to a guest.
    AtGuest {
        guest: GuestIndex,
        frame: Bytes,
        origin: Origin,
    },
    /// A guest has something to do.
    Timer { guest: GuestIndex },
}

/// See the module.
#[derive(Debug)]
pub struct World {
    model: Model,
    guests: Vec<Guest>,
    queue: EventQueue<Event>,
    /// For each guest, when it is to be asked next.
    due: Vec<Option<SimTime>>,
    now: SimTime,
    copies: CopyLedger,
    drops: Vec<Dropped>,
    digest: Digest,
}

/// What one decision of one host gave.
#[derive(Debug, Default)]
struct Emissions {
    to_ports: Vec<(PortId, Bytes)>,
    drops: Vec<DropReason>,
}

impl Observer for Emissions {
    fn keeps_dropped(&self) -> bool {
        false
    }

    fn delivered(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        self.to_ports.push((port, Bytes::copy_from_slice(frame)));
    }

    fn generated(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        self.to_ports.push((port, Bytes::copy_from_slice(frame)));
    }

    fn sent(&mut self, _host: usize, _frame: &[u8]) {}

    fn dropped(&mut self, _host: usize, _ingress: Ingress, reason: DropReason, _frame: &[u8]) {
        self.drops.push(reason);
    }
}

impl World {
    /// Guests of the model's scenario, not started yet.
    pub fn new(model: Model) -> Self {
        Self {
            guests: guests(model.scenario()),
            due: vec![None; model.scenario().guests.len()],
            queue: EventQueue::new(),
            now: SimTime::default(),
            copies: CopyLedger::default(),
            drops: Vec::new(),
            digest: Digest::default(),
            model,
        }
    }

    /// The hosts, their policy and the oracle.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// The guests, in the order of the scenario.
    pub fn guests(&self) -> &[Guest] {
        &self.guests
    }

    /// Virtual time.
    pub const fn now(&self) -> SimTime {
        self.now
    }

    /// Frames that were dropped since this was last called.
    pub fn take_drops(&mut self) -> Vec<Dropped> {
        std::mem::take(&mut self.drops)
    }

    /// What became of the copies of every frame that guests sent.
    pub const fn copies(&self) -> CopyLedger {
        self.copies
    }

    /// The hash of every delivery so far: the same inputs give the same value.
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// Enters a stage of the scenario: moves, scripts, publication.
    pub fn enter_stage(&mut self, stage: usize) -> Result<(), ModelError> {
        self.model.enter_stage(stage)
    }

    /// Every guest is switched off: silent, and everything forgotten, until [`World::boot`].
    pub fn switch_off(&mut self) {
        self.guests = guests(self.model.scenario());
    }

    /// The guests of a tenant boot: their links come up, and they look for duplicate addresses.
    pub fn boot(&mut self, tenant: usize) {
        for guest in 0..self.guests.len() {
            if self.model.scenario().guests[guest].tenant == tenant {
                self.guests[guest].start(self.now);
                self.wake(guest);
            }
        }
    }

    /// Sends one echo request. Fails when the guest has no address to send it from.
    pub fn ping(
        &mut self,
        from: GuestIndex,
        to: IpAddr,
        ident: u16,
        sequence: u16,
    ) -> Result<(), PingError> {
        self.guests[from].ping(self.now, to, ident, sequence)?;
        self.wake(from);
        Ok(())
    }

    /// Runs until this time, or until nothing is left to happen before it.
    pub fn run_until(&mut self, end: SimTime) {
        while let Some(at) = self.queue.next_at().filter(|&at| at <= end) {
            self.now = at;
            let Some((_, event)) = self.queue.pop() else {
                break;
            };
            match event {
                Event::AtUplink {
                    host,
                    frame,
                    origin,
                } => {
                    self.forward(host, Ingress::Uplink, &frame, origin);
                }
                Event::AtGuest {
                    guest,
                    frame,
                    origin,
                } => {
                    self.model.oracle_mut().delivered(origin.sender, guest);
                    self.digest.delivery(self.now, guest, &frame);
                    self.guests[guest].receive(self.now, &frame);
                    self.poll(guest);
                }
                Event::Timer { guest } => {
                    // One that was set for another time and has been overtaken does nothing.
                    if self.due[guest] == Some(at) {
                        self.due[guest] = None;
                        self.poll(guest);
                    }
                }
            }
        }
        self.now = self.now.max(end);
    }

    fn wake(&mut self, guest: GuestIndex) {
        self.set_timer(guest, self.now);
    }

    /// Makes sure that a guest is asked no later than `at`. Each has one timer: with one for every
    /// frame it receives, they would only ever become more.
    fn set_timer(&mut self, guest: GuestIndex, at: SimTime) {
        if self.due[guest].is_none_or(|due| at < due) {
            self.due[guest] = Some(at);
            self.queue.schedule(at, Event::Timer { guest });
        }
    }

    /// Lets a guest send what it has, and come back when it wants to.
    fn poll(&mut self, guest: GuestIndex) {
        let mut sent: Vec<Bytes> = Vec::new();
        self.guests[guest].poll(self.now, &mut |frame| {
            sent.push(Bytes::copy_from_slice(frame))
        });
        let host = self.model.host_of(guest);
        for frame in sent {
            let sender = Sender::Guest(guest);
            let origin = Origin {
                sender,
                addresses: addresses(&frame),
                record: None,
            };
            self.copies.made += 1;
            let port = PortId(guest as u32);
            self.forward(host, Ingress::Port(port), &frame, origin);
        }
        if let Some(at) = self.guests[guest].poll_at(self.now) {
            self.set_timer(guest, at.max(self.now + 1));
        }
    }

    /// One host decides about one frame; what comes of it is scheduled.
    fn forward(&mut self, host: usize, ingress: Ingress, frame: &Bytes, mut origin: Origin) {
        let mut memory = vec![0; HEADROOM];
        memory.extend_from_slice(frame);
        let len = memory.len();
        let Ok(mut buffer) = FrameBuf::new(&mut memory, HEADROOM..len) else {
            return;
        };
        let (mut emissions, mut trace) = (Emissions::default(), Trace::default());
        let network = self.model.network_mut();
        let mut walk = Walk::new(self.now, &mut self.copies, &mut emissions);
        let onward = network.decide(Step { host, ingress }, &mut buffer, &mut walk, &mut trace);
        if let Some(record) = deciding_record(&trace) {
            origin.record = Some((host, record));
        }
        let mut on_wire: Vec<Vec<u8>> = Vec::new();
        network.take_waiting(|_, frame| on_wire.push(frame.to_vec()));
        if onward == Onward::Underlay {
            on_wire.push(buffer.bytes().to_vec());
        }
        for (port, frame) in emissions.to_ports {
            let guest = port.0 as GuestIndex;
            let event = Event::AtGuest {
                guest,
                frame,
                origin,
            };
            self.queue.schedule(self.now + SWITCH_LATENCY_NANOS, event);
        }
        for reason in emissions.drops {
            self.drops.push(Dropped {
                at: self.now,
                host,
                reason,
                origin,
            });
        }
        for frame in on_wire {
            self.cross(host, frame, origin);
        }
    }

    fn cross(&mut self, host: usize, frame: Vec<u8>, origin: Origin) {
        let mut memory = vec![0; HEADROOM];
        memory.extend_from_slice(&frame);
        let len = memory.len();
        let Ok(mut buffer) = FrameBuf::new(&mut memory, HEADROOM..len) else {
            return;
        };
        let underlay = &mut self.model.network_mut().underlay;
        let carried = underlay.carry(host, &mut buffer);
        let frame = Bytes::copy_from_slice(buffer.bytes());
        match carried {
            Carried::To(to) => self.arrive(host, to, frame, origin),
            Carried::ToOthers(group) => {
                // The frame itself is the first copy.
                self.copies.made -= 1;
                for to in 0..self.model.network().hosts().len() {
                    if self.model.network().underlay.reaches(host, to, group) {
                        self.copies.made += 1;
                        self.arrive(host, to, frame.clone(), origin);
                    }
                }
            }
            Carried::Dropped(reason) => self.lose(host, reason, origin),
        }
    }

    /// The last link: from the underlay to host `to`.
    fn arrive(&mut self, from: usize, to: usize, frame: Bytes, origin: Origin) {
        let at = self.now + self.model.scenario().underlay.latency_nanoseconds;
        match self.model.network_mut().underlay.arrive(to, &frame) {
            Ok(()) => {
                let event = Event::AtUplink {
                    host: to,
                    frame,
                    origin,
                };
                self.queue.schedule(at, event);
            }
            Err(reason) => self.lose(from, reason, origin),
        }
    }

    fn lose(&mut self, host: usize, reason: DropReason, origin: Origin) {
        self.copies.dropped += 1;
        self.drops.push(Dropped {
            at: self.now,
            host,
            reason,
            origin,
        });
    }
}

/// The guests of a scenario, switched off. Each has a seed of its own.
fn guests(scenario: &Scenario) -> Vec<Guest> {
    let guest = |(index, guest): (usize, &crate::scenario::Guest)| {
        let addresses: Vec<_> = guest
            .addresses
            .iter()
            .map(|own| (own.address.ip(), own.prefix_length))
            .collect();
        let gateways: Vec<_> = guest.gateways.iter().map(|gateway| gateway.ip()).collect();
        let seed = scenario.seed.wrapping_add(index as u64);
        let mtu_bytes = guest.mtu_bytes.into();
        Guest::new(
            &guest.name,
            guest.mac,
            &addresses,
            &gateways,
            mtu_bytes,
            seed,
        )
    };
    scenario.guests.iter().enumerate().map(guest).collect()
}

/// The record that a host forwarded by, if the walk used one.
fn deciding_record(trace: &Trace) -> Option<RecordId> {
    trace.events().iter().rev().find_map(|event| match *event {
        TraceEvent::RecordAsked { hit, .. }
        | TraceEvent::MacAsked { hit, .. }
        | TraceEvent::WildcardAsked { hit, .. } => hit,
        _not_a_record => None,
    })
}

/// Source and destination as a guest wrote them.
fn addresses(frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let link = LinkHeader::parse(frame).ok()?;
    let payload = &frame[link.len..];
    match link.ether_type {
        EtherType::IPV4 => {
            let ip = Ipv4::parse_cut(payload).ok()?;
            Some((ip.source().into(), ip.destination().into()))
        }
        EtherType::IPV6 => {
            let ip = Ipv6::parse_cut(payload).ok()?;
            Some((ip.source().into(), ip.destination().into()))
        }
        EtherType::ARP => {
            let arp = Arp::parse(payload).ok()?;
            Some((arp.sender_ip().into(), arp.target_ip().into()))
        }
        _other => None,
    }
}
