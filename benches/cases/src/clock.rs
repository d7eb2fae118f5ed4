//! Time that a thread had a processor. Where other work shares the machine, that is what a long task
//! took of it; the rest of the wall time went to others.

use std::time::{Duration, Instant};

/// Time of something, in both ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    /// From its begin to its end.
    pub wall: Duration,
    /// On a processor: the same where the system does not tell.
    pub processor: Duration,
}

/// A task's begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    wall: Instant,
    processor: Duration,
}

impl Start {
    pub(crate) fn now() -> Self {
        let processor = of_thread();
        Self {
            wall: Instant::now(),
            processor,
        }
    }

    /// To be asked by the thread that began.
    pub(crate) fn took(&self) -> Took {
        let wall = self.wall.elapsed();
        let processor = match of_thread() {
            Duration::ZERO => wall,
            now => now.saturating_sub(self.processor),
        };
        Took { wall, processor }
    }
}

#[cfg(unix)]
fn of_thread() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(unix))]
const fn of_thread() -> Duration {
    Duration::ZERO
}
