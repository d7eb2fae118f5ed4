//! The hash of a run: two runs that did the same print the same number.

use std::fmt;
use std::hash::Hasher;

use twox_hash::XxHash3_64;

use crate::clock::SimTime;

/// XXH3-64 over every delivery: time, port, length and bytes. The algorithm is stable across
/// releases and machines.
#[derive(Clone)]
pub(crate) struct Digest(XxHash3_64);

impl Digest {
    /// Adds a delivery.
    pub(crate) fn delivery(&mut self, at: SimTime, guest: usize, frame: &[u8]) {
        self.0.write(&at.0.to_le_bytes());
        self.0.write(&(guest as u64).to_le_bytes());
        self.0.write(&(frame.len() as u64).to_le_bytes());
        self.0.write(frame);
    }

    /// The hash so far.
    pub(crate) fn value(&self) -> u64 {
        self.0.finish()
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self(XxHash3_64::with_seed(0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}
