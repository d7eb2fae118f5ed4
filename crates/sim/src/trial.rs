//! Frames sent on trial: what if this guest sent that frame now?
//!
//! They are carried by the same hosts over the same walk as any other, and nothing that they do
//! outlasts the question. No counter moves; what hosts learn and where the underlay sees MACs is
//! forgotten again; rates are those of ports that have been silent; and no packet is lost by chance,
//! whatever the scenario's `loss_per_million`, unless that is asked for.

use std::mem;

use nvgre_dataplane::Worker;
use nvgre_wire::{FrameBuf, HEADROOM};

use crate::clock::SimTime;
use crate::journey::Journey;
use crate::ledger::CopyLedger;
use crate::model::Model;
use crate::observer::Ingress;
use crate::recorder::Recorder;
use crate::underlay::Lent;
use crate::walk::{Step, Walk};

/// What a network has to take back of a trial.
#[derive(Debug, Default)]
pub(crate) struct Undo {
    /// A host for each record that was learned, in order.
    learned: Vec<usize>,
}

impl Undo {
    pub(crate) fn learned(&mut self, host: usize) {
        self.learned.push(host);
    }
}

/// See the module. Frames of one trial find what those before them have left, as far as
/// [`Trial::forget`]; when it is dropped, the model is as it was.
#[derive(Debug)]
pub struct Trial<'m> {
    model: &'m mut Model,
    now: SimTime,
    /// The hosts' workers, which count nothing meanwhile.
    workers: Vec<Worker>,
    lent: Lent,
    memory: Vec<u8>,
}

impl<'m> Trial<'m> {
    /// Rates are counted by the second and hold one second's worth.
    const FORGET_NANOS: u64 = 2 * SimTime::SECOND_NANOS;

    pub(crate) fn new(model: &'m mut Model) -> Self {
        let network = model.network_mut();
        network.trial = Some(Undo::default());
        let hosts = network.hosts.iter_mut();
        Self {
            now: SimTime(Self::FORGET_NANOS),
            workers: hosts.map(|host| mem::take(&mut host.worker)).collect(),
            lent: network.underlay.lend(),
            memory: Vec::new(),
            model,
        }
    }

    /// From now on packets are lost by chance, as the scenario's `loss_per_million` says. The draws
    /// are taken back too.
    pub fn draw_losses(&mut self) {
        let underlay = &mut self.model.network_mut().underlay;
        underlay.set_loss(self.lent.loss_per_million());
    }

    /// The model that is asked.
    pub const fn model(&self) -> &Model {
        self.model
    }

    /// Sends a frame into a host and follows it to the end of every copy.
    pub fn trace(&mut self, host: usize, ingress: Ingress, frame: &[u8]) -> Journey {
        self.memory.clear();
        self.memory.resize(HEADROOM, 0);
        self.memory.extend_from_slice(frame);
        let len = self.memory.len();
        // The headroom is there.
        let Ok(mut frame) = FrameBuf::new(&mut self.memory, HEADROOM..len) else {
            return Journey::default();
        };
        let recorder = Recorder::default();
        let (mut observer, mut tracer) = (&recorder, &recorder);
        let mut copies = CopyLedger::default();
        let mut walk = Walk::new(self.now, &mut copies, &mut observer);
        let network = self.model.network_mut();
        network.walk(Step { host, ingress }, &mut frame, &mut walk, &mut tracer);
        let fate = walk.fate;
        Journey {
            hops: recorder.into_hops(),
            fate,
            copies,
        }
    }

    /// Takes back what the frames so far have left: the next one is the first again.
    pub fn forget(&mut self) {
        self.now = self.now + Self::FORGET_NANOS;
        let network = self.model.network_mut();
        network.underlay.forget();
        let learned = network
            .trial
            .as_mut()
            .map(|trial| mem::take(&mut trial.learned));
        for host in learned.into_iter().flatten().rev() {
            network.hosts[host].unlearn();
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.forget();
        let network = self.model.network_mut();
        network.trial = None;
        network.underlay.take_back(&self.lent);
        let workers = mem::take(&mut self.workers);
        for (host, worker) in network.hosts.iter_mut().zip(workers) {
            host.worker = worker;
        }
    }
}
