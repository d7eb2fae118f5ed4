//! The modeled hosts on their underlay: one step of one host, and a frame carried to its end.
//!
//! Forwarding is the dataplane's. This file moves bytes between hosts and keeps the books.

use std::collections::VecDeque;

use nvgre_dataplane::{
    Destination, DropReason, Egress, Learned, Nanos, Neighbor, Policy, PolicyError, PolicyWarning,
    PortId, Snapshot, Tracer, Verdict, Worker,
};
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::clock::SimTime;
use crate::clue::ClueTracer;
use crate::learning;
use crate::ledger::{CopyLedger, Fate};
use crate::scenario;
use crate::underlay::{Attachment, Carried, ROUTER_MAC, Underlay};

/// A host: its own tables and counters.
#[derive(Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    policy: Policy,
    snapshot: Snapshot,
    worker: Worker,
}

/// What one host is given: its name, its policy and its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    /// Its name.
    pub name: String,
    /// What it forwards by. The network adds the neighbors that its underlay has.
    pub policy: Policy,
    /// The longest IP packet that its link to the underlay carries, in bytes.
    pub link_mtu_bytes: u16,
}

/// The policy of a host is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Index of the host.
    pub host: usize,
    /// What is wrong.
    pub errors: Vec<PolicyError>,
}

impl Host {
    /// What the host's dataplane has counted.
    pub const fn counters(&self) -> &nvgre_dataplane::Counters {
        self.worker.counters()
    }

    /// What the host forwards by now: what it was given, the neighbors that the underlay has, and
    /// the Dynamic records that it has learned.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What was suspect in its policy.
    pub fn warnings(&self) -> &[PolicyWarning] {
        self.snapshot.warnings()
    }

    /// Takes a learned address as a Dynamic record, if it is new and fits the policy.
    fn learn(&mut self, learned: Learned, seed: u64) {
        if !learning::add(&mut self.policy, learned) {
            return;
        }
        match Snapshot::new(&self.policy, seed) {
            Ok(snapshot) => self.snapshot = snapshot,
            // What a guest shows must not stop the network: it is not learned.
            Err(_) => drop(self.policy.records.pop()),
        }
    }
}

/// Where a frame is when a host decides about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingress {
    /// A guest sent it at this port.
    Port(PortId),
    /// It came in at the physical NIC.
    Uplink,
}

/// Sees everything that happens to a frame and its copies.
pub trait Observer {
    /// A copy reached a port of this host.
    fn delivered(&mut self, host: usize, port: PortId, frame: &[u8]);
    /// A frame that the host's dataplane made (an answer or an ICMP error) reached a port.
    fn generated(&mut self, host: usize, port: PortId, frame: &[u8]);
    /// A copy left this host for the underlay.
    fn sent(&mut self, host: usize, frame: &[u8]);
    /// A copy ended here: at a host, or on the underlay behind it. `frame` is what the host decided
    /// about, or empty unless [`Observer::keeps_dropped`].
    fn dropped(&mut self, host: usize, ingress: Ingress, reason: DropReason, frame: &[u8]);
    /// Whether dropped frames are to be shown as they were before the host touched them, which
    /// costs a copy of every frame at every host.
    fn keeps_dropped(&self) -> bool;
}

/// The hosts and the underlay between them.
#[derive(Debug)]
pub struct Network {
    pub(crate) hosts: Vec<Host>,
    pub(crate) underlay: Underlay,
    seed: u64,
    pool: Pool,
    /// The frame in hand as it was, for observers that keep dropped ones.
    before: Vec<u8>,
}

/// Buffers for copies that are still to be forwarded, used again and again.
#[derive(Debug, Default)]
struct Pool {
    waiting: VecDeque<Copy>,
    free: Vec<Vec<u8>>,
}

/// A copy that waits, behind its headroom.
#[derive(Debug)]
struct Copy {
    host: usize,
    memory: Vec<u8>,
}

impl Pool {
    fn wait(&mut self, host: usize, frame: &[u8]) {
        let memory = self.memory(frame);
        self.waiting.push_back(Copy { host, memory });
    }

    /// A copy of a frame behind its headroom.
    fn memory(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut memory = self.free.pop().unwrap_or_default();
        memory.clear();
        memory.resize(HEADROOM, 0);
        memory.extend_from_slice(frame);
        memory
    }
}

/// What one host makes of one frame: copies and own frames go straight to the observer, copies for
/// the underlay wait in the pool.
struct HostEgress<'a, O> {
    host: usize,
    observer: &'a mut O,
    pool: &'a mut Pool,
    fate: &'a mut Fate,
    copies: &'a mut CopyLedger,
    learned: Option<Learned>,
}

impl<O: Observer> Egress for HostEgress<'_, O> {
    fn copy(&mut self, _index: usize, to: Destination, frame: &[u8]) {
        self.copies.made += 1;
        match to {
            Destination::Port(port) => {
                self.copies.delivered += 1;
                self.fate.delivered += 1;
                self.observer.delivered(self.host, port, frame);
            }
            Destination::Uplink => {
                self.observer.sent(self.host, frame);
                self.pool.wait(self.host, frame);
            }
        }
    }

    fn generated(&mut self, _index: usize, to: PortId, frame: &[u8]) {
        self.copies.generated += 1;
        self.observer.generated(self.host, to, frame);
    }

    fn learned(&mut self, learned: Learned) {
        self.learned = Some(learned);
    }
}

impl Network {
    /// These hosts on an underlay. Hash tables and losses follow from the seed.
    pub fn new(
        hosts: Vec<HostPolicy>,
        underlay: &scenario::Underlay,
        seed: u64,
    ) -> Result<Self, Refused> {
        let mut network = Self {
            hosts: Vec::new(),
            underlay: Underlay::new(underlay, seed),
            seed,
            pool: Pool::default(),
            before: Vec::new(),
        };
        network.publish(hosts)?;
        Ok(network)
    }

    /// Gives every host its policy anew, in the order of [`Network::new`]. Counters go on, and what
    /// was learned stays as far as the new policy still ties the MAC to the provider address. On
    /// failure nothing has changed but the underlay.
    pub fn publish(&mut self, hosts: Vec<HostPolicy>) -> Result<(), Refused> {
        let attachments: Vec<_> = hosts.iter().map(attachment).collect();
        self.underlay.attach(&attachments);
        let neighbors = self.underlay.neighbors();
        let neighbors: Vec<_> = neighbors
            .map(|(address, mac)| Neighbor { address, mac })
            .collect();
        let mut compiled = Vec::new();
        for (index, host) in hosts.into_iter().enumerate() {
            let mut policy = host.policy;
            policy.neighbors.clone_from(&neighbors);
            policy.proxy_neighbor_mac = Some(ROUTER_MAC);
            let refused = |errors| Refused {
                host: index,
                errors,
            };
            let mut snapshot = Snapshot::new(&policy, self.seed).map_err(refused)?;
            let written = policy.records.len();
            if let Some(known) = self.hosts.get(index) {
                learning::carry_over(&known.policy, &mut policy);
            }
            if policy.records.len() > written {
                match Snapshot::new(&policy, self.seed) {
                    Ok(with_learned) => snapshot = with_learned,
                    Err(_) => policy.records.truncate(written),
                }
            }
            compiled.push((host.name, policy, snapshot));
        }
        for (index, (name, policy, snapshot)) in compiled.into_iter().enumerate() {
            match self.hosts.get_mut(index) {
                Some(known) => (known.policy, known.snapshot) = (policy, snapshot),
                None => self.hosts.push(Host {
                    name,
                    policy,
                    snapshot,
                    worker: Worker::new(),
                }),
            }
        }
        Ok(())
    }

    /// The hosts, in the order of the scenario.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Carries a frame from where it enters to the end of every copy, in no time: the underlay's
    /// latency is for guests that measure it, not for frames that were captured.
    pub fn run<O: Observer>(
        &mut self,
        now: SimTime,
        host: usize,
        ingress: Ingress,
        frame: &mut FrameBuf<'_>,
        copies: &mut CopyLedger,
        observer: &mut O,
    ) -> Fate {
        let mut fate = Fate::default();
        copies.made += 1;
        let first = Step { now, host, ingress };
        self.follow(first, frame, copies, &mut fate, observer);
        while let Some(Copy { host, mut memory }) = self.pool.waiting.pop_front() {
            let len = memory.len();
            // The pool puts the headroom there.
            if let Ok(mut frame) = FrameBuf::new(&mut memory, HEADROOM..len)
                && let Some(next) = self.cross(now, host, &mut frame, copies, &mut fate, observer)
            {
                self.follow(next, &mut frame, copies, &mut fate, observer);
            }
            self.pool.free.push(memory);
        }
        fate
    }

    /// Follows one copy from host to host.
    fn follow<O: Observer>(
        &mut self,
        first: Step,
        frame: &mut FrameBuf<'_>,
        copies: &mut CopyLedger,
        fate: &mut Fate,
        observer: &mut O,
    ) {
        let mut step = Some(first);
        while let Some(here) = step {
            let mut tracer = ClueTracer {
                host: here.host,
                clue: fate.clue,
            };
            let onward = self.decide(here, frame, copies, fate, observer, &mut tracer);
            fate.clue = tracer.clue;
            fate.mark_drop(here.host);
            step = match onward {
                Onward::Ended => None,
                Onward::Underlay => self.cross(here.now, here.host, frame, copies, fate, observer),
            };
        }
    }

    /// One host decides about one frame.
    pub(crate) fn decide<O: Observer, T: Tracer>(
        &mut self,
        step: Step,
        frame: &mut FrameBuf<'_>,
        copies: &mut CopyLedger,
        fate: &mut Fate,
        observer: &mut O,
        tracer: &mut T,
    ) -> Onward {
        let Step {
            now,
            host: index,
            ingress,
        } = step;
        self.before.clear();
        if observer.keeps_dropped() {
            self.before.extend_from_slice(frame.bytes());
        }
        let host = &mut self.hosts[index];
        let mut egress = HostEgress {
            host: index,
            observer,
            pool: &mut self.pool,
            fate,
            copies,
            learned: None,
        };
        let verdict = host_verdict(host, now, ingress, frame, &mut egress, tracer);
        let learned = egress.learned;
        let onward = match verdict {
            Verdict::Deliver(port) => {
                copies.delivered += 1;
                fate.delivered += 1;
                observer.delivered(index, port, frame.bytes());
                Onward::Ended
            }
            Verdict::Uplink => {
                observer.sent(index, frame.bytes());
                Onward::Underlay
            }
            // The frame itself went on as the copies that were handed out.
            Verdict::Replicated(_) => {
                copies.made -= 1;
                Onward::Ended
            }
            Verdict::Hairpin => {
                copies.made -= 1;
                fate.consumed = true;
                if let Ingress::Port(port) = ingress {
                    copies.generated += 1;
                    observer.generated(index, port, frame.bytes());
                }
                Onward::Ended
            }
            Verdict::Consumed => {
                copies.made -= 1;
                fate.consumed = true;
                Onward::Ended
            }
            Verdict::Drop(reason) => {
                drop_copy(copies, fate, reason);
                observer.dropped(index, ingress, reason, &self.before);
                Onward::Ended
            }
        };
        if let Some(learned) = learned {
            self.hosts[index].learn(learned, self.seed);
        }
        onward
    }

    /// The underlay carries a copy that `host` sent, in no time.
    fn cross<O: Observer>(
        &mut self,
        now: SimTime,
        host: usize,
        frame: &mut FrameBuf<'_>,
        copies: &mut CopyLedger,
        fate: &mut Fate,
        observer: &mut O,
    ) -> Option<Step> {
        let to = match self.underlay.carry(host, frame) {
            Carried::To(to) => to,
            Carried::ToOthers(group) => {
                // The frame itself goes to the last one.
                let mut last = None;
                for to in 0..self.hosts.len() {
                    if !self.underlay.reaches(host, to, group) {
                        continue;
                    }
                    if let Some(to) = last.replace(to) {
                        self.copy_to(now, host, to, frame, copies, fate, observer);
                    }
                }
                last?
            }
            Carried::Dropped(reason) => {
                drop_copy(copies, fate, reason);
                fate.clue = fate.clue.lost(frame.bytes());
                fate.mark_drop(host);
                observer.dropped(host, Ingress::Uplink, reason, frame.bytes());
                return None;
            }
        };
        self.arrive(now, host, to, frame, copies, fate, observer)
    }

    /// One more copy, from the underlay to host `to` and on to its end.
    #[allow(clippy::too_many_arguments)] // as for `arrive`
    fn copy_to<O: Observer>(
        &mut self,
        now: SimTime,
        from: usize,
        to: usize,
        frame: &FrameBuf<'_>,
        copies: &mut CopyLedger,
        fate: &mut Fate,
        observer: &mut O,
    ) {
        copies.made += 1;
        let mut memory = self.pool.memory(frame.bytes());
        let len = memory.len();
        // The pool puts the headroom there.
        if let Ok(mut copy) = FrameBuf::new(&mut memory, HEADROOM..len)
            && let Some(step) = self.arrive(now, from, to, &copy, copies, fate, observer)
        {
            self.follow(step, &mut copy, copies, fate, observer);
        }
        self.pool.free.push(memory);
    }

    /// The last link: from the underlay to host `to`.
    #[allow(clippy::too_many_arguments)] // one copy's way from one host to another, and its books
    fn arrive<O: Observer>(
        &mut self,
        now: SimTime,
        from: usize,
        to: usize,
        frame: &FrameBuf<'_>,
        copies: &mut CopyLedger,
        fate: &mut Fate,
        observer: &mut O,
    ) -> Option<Step> {
        let ingress = Ingress::Uplink;
        if let Err(reason) = self.underlay.arrive(to, frame.bytes()) {
            drop_copy(copies, fate, reason);
            fate.mark_drop(from);
            observer.dropped(from, ingress, reason, frame.bytes());
            return None;
        }
        Some(Step {
            now,
            host: to,
            ingress,
        })
    }

    /// Takes the copies that the last [`Network::decide`] left for the underlay.
    pub(crate) fn take_waiting(&mut self, mut each: impl FnMut(usize, &[u8])) {
        for Copy { host, memory } in self.pool.waiting.drain(..) {
            each(host, &memory[HEADROOM..]);
            self.pool.free.push(memory);
        }
    }
}

fn attachment(host: &HostPolicy) -> Attachment {
    let policy = &host.policy;
    let own = || policy.provider_addresses.iter();
    let of_records = policy.records.iter().map(|record| record.provider_address);
    // Underlay routers too: hosts believe what they say about rewritten packets.
    let routers = policy.provider_routes.iter().map(|route| route.next_hop);
    let routers = routers.filter(|next_hop| !next_hop.is_unspecified());
    let in_force = own().filter(|_| policy.wnv_bound);
    Attachment {
        addresses: in_force.map(|own| (own.address, own.mac)).collect(),
        groups: policy.multicast_groups.values().copied().collect(),
        joined: policy.wnv_bound,
        named: own()
            .map(|own| own.address)
            .chain(of_records)
            .chain(routers)
            .collect(),
        link_mtu_bytes: host.link_mtu_bytes,
    }
}

/// A frame at a host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) now: SimTime,
    pub(crate) host: usize,
    pub(crate) ingress: Ingress,
}

/// Whether the copy in hand goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// No: delivered, dropped, taken, or handed out as copies.
    Ended,
    /// Yes: it is on the wire now.
    Underlay,
}

pub(crate) fn drop_copy(copies: &mut CopyLedger, fate: &mut Fate, reason: DropReason) {
    copies.dropped += 1;
    fate.dropped.get_or_insert(reason);
}

fn host_verdict<E: Egress, T: Tracer>(
    host: &mut Host,
    now: SimTime,
    ingress: Ingress,
    frame: &mut FrameBuf<'_>,
    egress: &mut E,
    tracer: &mut T,
) -> Verdict {
    let now = Nanos(now.0);
    let (worker, snapshot) = (&mut host.worker, &host.snapshot);
    match ingress {
        Ingress::Port(port) => worker.outbound_frame(now, snapshot, port, frame, egress, tracer),
        Ingress::Uplink => worker.inbound_frame(now, snapshot, frame, egress, tracer),
    }
}
