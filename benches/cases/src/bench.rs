//! A case, set up: passes of it, each on frames as if just received.

use crate::arena::{Arena, Lane};
use crate::work::Work;

/// See the module.
pub struct Bench {
    arena: Arena,
    work: Box<dyn Work>,
}

/// Frames ready to be forwarded once, for tools that measure one call.
pub struct Ready {
    lane: Lane<'static>,
    work: Box<dyn Work>,
}

impl Bench {
    pub(crate) fn new(arena: Arena, work: Box<dyn Work>) -> Self {
        Self { arena, work }
    }

    /// Frames of a pass.
    pub fn frames(&self) -> usize {
        self.arena.len()
    }

    /// One pass. `measure` is called once, and calls back once: only what happens in between is
    /// the work. Panics when a frame went where it should not.
    pub fn pass<R>(&mut self, measure: impl FnOnce(&mut dyn FnMut()) -> R) -> R {
        self.arena.refill();
        let mut lane = self.arena.lane();
        let measured = measure(&mut || self.work.run(&mut lane));
        lane.check();
        measured
    }

    /// Warms up with two passes and gets the third ready. Its frames live until the process ends.
    pub fn ready(mut self) -> Ready {
        for _ in 0..2 {
            self.pass(|work| work());
        }
        let arena = Box::leak(Box::new(self.arena));
        arena.refill();
        Ready {
            lane: arena.lane(),
            work: self.work,
        }
    }
}

impl Ready {
    /// The pass.
    #[inline(never)]
    pub fn run(&mut self) {
        self.work.run(&mut self.lane);
    }

    /// Frames of the pass.
    pub fn frames(&self) -> usize {
        self.lane.frames.len()
    }

    /// Panics when a frame went where it should not.
    pub fn check(&self) {
        self.lane.check();
    }
}
