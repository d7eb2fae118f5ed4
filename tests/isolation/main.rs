//! The law that this project exists for: in worlds where no provider address and no VSID is used by
//! two routing domains, not even in stale tables, no frame that a guest sends, whatever it forges, is
//! delivered in another routing domain.
//!
//! Worlds and frames are random. The policy of a host may be stale, wrong and incomplete, as long as
//! it keeps the condition. One thing a guest that stands on the underlay itself can do, and it is
//! counted: see `is_error_from_the_wire`. The judge is the simulator's oracle, which knows the inventory alone.

mod frame;
mod world;

use std::fmt::Write;

use frame::{Forged, forged};
use nvgre_dataplane::{DropReason, Nanos, NoEgress, PortId, Snapshot, Trace, Worker};
use nvgre_sim::{
    CopyLedger, Ingress, Judgement, Network, Observer, Oracle, Sender, SimTime, scenario,
};
use nvgre_wire::{FrameBuf, HEADROOM};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use world::{Condition, World, worlds};

const FRAMES: usize = 48;

/// Where copies of one frame went.
#[derive(Debug, Default)]
struct Seen {
    delivered: Vec<(usize, PortId)>,
    generated: Vec<PortId>,
    wire: Vec<Vec<u8>>,
}

impl Observer for Seen {
    fn delivered(&mut self, host: usize, port: PortId, _frame: &[u8]) {
        self.delivered.push((host, port));
    }

    fn generated(&mut self, _host: usize, port: PortId, _frame: &[u8]) {
        self.generated.push(port);
    }

    fn sent(&mut self, _host: usize, frame: &[u8]) {
        self.wire.push(frame.to_vec());
    }

    fn dropped(&mut self, _host: usize, _ingress: Ingress, _reason: DropReason, _frame: &[u8]) {}

    fn keeps_dropped(&self) -> bool {
        false
    }
}

/// What the deliveries of a world show.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    local: usize,
    encapsulated: usize,
    rewritten: usize,
    answered: usize,
    pass_through: usize,
}

struct Run {
    world: World,
    network: Network,
    oracle: Oracle,
    tally: Tally,
}

impl Run {
    fn of(world: World) -> Self {
        let underlay = scenario::Underlay {
            mtu_bytes: 1_600,
            ..scenario::Underlay::default()
        };
        let network = Network::new(world.hosts(), &underlay, 1)
            .unwrap_or_else(|refused| panic!("no policy is refused: {refused:?}\n{world:#?}"));
        Self {
            oracle: Oracle::new(world.inventory()),
            network,
            world,
            tally: Tally::default(),
        }
    }

    /// Sends a frame from a guest's port. `Err` tells of a delivery in another domain.
    fn send(&mut self, number: usize, forged: &Forged) -> Result<(), String> {
        let (from, bytes) = forged.bytes(&self.world);
        let host = self.world.guests[from].host;
        let mut memory = vec![0; HEADROOM];
        memory.extend_from_slice(&bytes);
        let len = memory.len();
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom is there");
        let (mut copies, mut seen) = (CopyLedger::default(), Seen::default());
        let now = SimTime(number as u64 * SimTime::SECOND_NANOS);
        let ingress = Ingress::Port(PortId(from as u32));
        let _fate = self
            .network
            .run(now, host, ingress, &mut frame, &mut copies, &mut seen);
        if !copies.adds_up() {
            return Err(format!("{copies:?} does not add up for {bytes:02x?}"));
        }
        // Answers and errors are for the one who asked.
        let elsewhere = seen.generated.iter().any(|port| port.0 as usize != from);
        let crossed = seen.delivered.iter().any(|&(_, port)| {
            self.oracle.delivered(Sender::Guest(from), port.0 as usize) == Judgement::CrossTenant
        });
        self.count(from, &seen);
        if crossed || elsewhere {
            return Err(self.tell(from, &bytes, &seen));
        }
        Ok(())
    }

    fn count(&mut self, from: usize, seen: &Seen) {
        self.tally.answered += seen.generated.len();
        let home = self.world.guests[from].host;
        for &(host, _) in &seen.delivered {
            let gre = seen.wire.iter().any(|frame| frame::is_gre(frame));
            match (host == home, self.world.guests[from].kind) {
                (true, _) => self.tally.local += 1,
                (false, world::Kind::PassThrough) => self.tally.pass_through += 1,
                (false, _) if gre => self.tally.encapsulated += 1,
                (false, _) => self.tally.rewritten += 1,
            }
        }
    }

    /// The frame, and every step of the hosts that saw it.
    fn tell(&self, from: usize, bytes: &[u8], seen: &Seen) -> String {
        let mut told = format!(
            "guest {from} {:?}\nsent {bytes:02x?}\nwhich reached {:?}\n",
            self.world.guests[from], seen.delivered
        );
        for &(_, port) in &seen.delivered {
            let guest = &self.world.guests[port.0 as usize];
            writeln!(told, "{port:?} {guest:?}").expect("a string");
        }
        let home = self.world.guests[from].host;
        let mut trace = |host: usize, ingress: Ingress, bytes: &[u8]| {
            let snapshot = Snapshot::new(self.network.hosts()[host].policy(), 1).expect("compiled");
            let mut memory = vec![0; HEADROOM];
            memory.extend_from_slice(bytes);
            let len = memory.len();
            let mut frame = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom is there");
            let (mut worker, mut trace) = (Worker::new(), Trace::default());
            let (now, out) = (Nanos(0), &mut NoEgress);
            let verdict = match ingress {
                Ingress::Port(port) => {
                    worker.outbound_frame(now, &snapshot, port, &mut frame, out, &mut trace)
                }
                Ingress::Uplink => {
                    worker.inbound_frame(now, &snapshot, &mut frame, out, &mut trace)
                }
            };
            writeln!(
                told,
                "host {host} {ingress:?}: {verdict:?}\n{:#?}",
                trace.events()
            )
            .expect("a string");
        };
        trace(home, Ingress::Port(PortId(from as u32)), bytes);
        for wire in &seen.wire {
            for host in 0..self.network.hosts().len() {
                trace(host, Ingress::Uplink, wire);
            }
        }
        told
    }
}

proptest! {
    #[test]
    fn no_frame_of_a_hostile_guest_reaches_another_routing_domain(
        world in worlds(Condition::Holds),
        frames in prop::collection::vec(forged(), FRAMES),
    ) {
        let mut run = Run::of(world);
        for (number, frame) in frames.iter().enumerate() {
            if let Err(told) = run.send(number, frame) {
                return Err(TestCaseError::fail(told));
            }
        }
    }
}

/// The same worlds and frames for ever, for statements about many of them.
fn sampled(
    condition: Condition,
    worlds_count: usize,
) -> impl Iterator<Item = (World, Vec<Forged>)> {
    let mut runner = TestRunner::deterministic();
    let strategy = (worlds(condition), prop::collection::vec(forged(), FRAMES));
    (0..worlds_count).map(move |_| {
        strategy
            .new_tree(&mut runner)
            .expect("nothing is rejected")
            .current()
    })
}

/// The law would be no news in worlds where nothing arrives.
#[test]
fn in_those_worlds_frames_do_arrive_in_every_way_there_is() {
    let mut sum = Tally::default();
    for (world, frames) in sampled(Condition::Holds, 250) {
        let mut run = Run::of(world);
        for (number, frame) in frames.iter().enumerate() {
            run.send(number, frame)
                .unwrap_or_else(|told| panic!("{told}"));
        }
        sum.local += run.tally.local;
        sum.encapsulated += run.tally.encapsulated;
        sum.rewritten += run.tally.rewritten;
        sum.answered += run.tally.answered;
        sum.pass_through += run.tally.pass_through;
    }
    let Tally {
        local,
        encapsulated,
        rewritten,
        answered,
        pass_through,
    } = sum;
    for (count, at_least, way) in [
        (local, 20, "on one host"),
        (encapsulated, 20, "encapsulated"),
        (rewritten, 20, "rewritten"),
        (answered, 20, "answered"),
        (pass_through, 20, "between pass-through guests"),
    ] {
        assert!(count >= at_least, "{way}: {count} of {sum:?}");
    }
}

/// A VSID that hosts put into two routing domains breaks the condition, and then it shows.
#[test]
fn where_a_vsid_is_in_two_domains_on_two_hosts_a_frame_does_cross() {
    let crossed = sampled(Condition::SharedVsid, 200).any(|(world, frames)| {
        let mut run = Run::of(world);
        let mut sent = frames.iter().enumerate();
        sent.any(|(number, frame)| run.send(number, frame).is_err())
    });
    assert!(crossed, "the condition is needed, and this test can fail");
}
