//! The modeled hosts on their underlay: one step of one host, and a frame carried to its end.
//!
//! Forwarding is the dataplane's. This file moves bytes between hosts and keeps the books.

use nvgre_dataplane::{
    Destination, DropReason, Egress, Learned, LookupRecord, Nanos, NoTrace, PortId, RecordId,
    RecordType, Rule, Snapshot, Tracer, Verdict, Worker,
};
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::clock::SimTime;
use crate::ledger::{CopyLedger, Fate};
use crate::underlay::{Carried, Underlay};

/// Dynamic records get ids from here up, out of the way of those that scripts make.
const FIRST_LEARNED_ID: u32 = 0x8000_0000;

/// A host: its own tables and counters, and what it has learned.
#[derive(Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    pub(crate) snapshot: Snapshot,
    pub(crate) worker: Worker,
    pub(crate) learned: Vec<LookupRecord>,
}

impl Host {
    pub(crate) const fn new(name: String, snapshot: Snapshot) -> Self {
        Self {
            name,
            snapshot,
            worker: Worker::new(),
            learned: Vec::new(),
        }
    }

    /// What the host's dataplane has counted.
    pub const fn counters(&self) -> &nvgre_dataplane::Counters {
        self.worker.counters()
    }

    /// Takes a learned address as a Dynamic record, if it is new. Whether the tables must be
    /// compiled again.
    fn learn(&mut self, learned: Learned) -> bool {
        let known = self.learned.iter().any(|record| {
            record.virtual_subnet == learned.virtual_subnet
                && record.customer_address == learned.customer_address
        });
        if !known {
            self.learned.push(LookupRecord {
                id: RecordId(FIRST_LEARNED_ID + self.learned.len() as u32),
                virtual_subnet: learned.virtual_subnet,
                customer_address: learned.customer_address,
                mac: learned.mac,
                provider_address: learned.provider_address,
                rule: Rule::Encap,
                record_type: RecordType::Dynamic,
                use_vm_mac: false,
            });
        }
        !known
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
    /// Hosts that learned something since they were last compiled.
    pub(crate) learned: Vec<usize>,
    pool: Pool,
    /// The frame in hand as it was, for observers that keep dropped ones.
    before: Vec<u8>,
}

/// Buffers for copies that are still to be forwarded, used again and again.
#[derive(Debug, Default)]
struct Pool {
    waiting: Vec<Copy>,
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
        let mut memory = self.free.pop().unwrap_or_default();
        memory.clear();
        memory.resize(HEADROOM, 0);
        memory.extend_from_slice(frame);
        self.waiting.push(Copy { host, memory });
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
    pub(crate) fn new(hosts: Vec<Host>, underlay: Underlay) -> Self {
        Self {
            hosts,
            underlay,
            learned: Vec::new(),
            pool: Pool::default(),
            before: Vec::new(),
        }
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
        while let Some(Copy { host, mut memory }) = self.pool.waiting.pop() {
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
            step = match self.decide(here, frame, copies, fate, observer, &mut NoTrace) {
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
        if let Some(learned) = learned
            && self.hosts[index].learn(learned)
        {
            self.learned.push(index);
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
        let ingress = Ingress::Uplink;
        match self.underlay.carry(host, frame) {
            Carried::To(to) => Some(Step {
                now,
                host: to,
                ingress,
            }),
            Carried::ToOthers => {
                let others: Vec<usize> = (0..self.hosts.len()).filter(|&to| to != host).collect();
                copies.made += others.len() as u64 - 1;
                let (last, rest) = others.split_last()?;
                for &to in rest {
                    let mut memory = self.pool.free.pop().unwrap_or_default();
                    memory.clear();
                    memory.resize(HEADROOM, 0);
                    memory.extend_from_slice(frame.bytes());
                    let len = memory.len();
                    if let Ok(mut copy) = FrameBuf::new(&mut memory, HEADROOM..len) {
                        let step = Step {
                            now,
                            host: to,
                            ingress,
                        };
                        self.follow(step, &mut copy, copies, fate, observer);
                    }
                    self.pool.free.push(memory);
                }
                Some(Step {
                    now,
                    host: *last,
                    ingress,
                })
            }
            Carried::Dropped(reason) => {
                drop_copy(copies, fate, reason);
                observer.dropped(host, ingress, reason, frame.bytes());
                None
            }
        }
    }

    /// Takes the copies that the last [`Network::decide`] left for the underlay.
    pub(crate) fn take_waiting(&mut self, mut each: impl FnMut(usize, &[u8])) {
        for Copy { host, memory } in self.pool.waiting.drain(..) {
            each(host, &memory[HEADROOM..]);
            self.pool.free.push(memory);
        }
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
