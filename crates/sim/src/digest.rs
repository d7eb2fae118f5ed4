//! The hash of a run: two runs that did the same print the same number.

use std::fmt;

use twox_hash::XxHash3_64;

use crate::clock::SimTime;

/// A chain of XXH3-64 over every delivery. A link is the hash of four little-endian 64-bit words:
/// time, port, length, and the XXH3-64 of the bytes; its seed is the link before, that of the first
/// one 0. The algorithm is stable across releases and machines.
///
/// A chain and not one long stream: short inputs are hashed in a few instructions, and the bytes of
/// the next delivery need not wait for the link before.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest(u64);

impl Digest {
    /// Adds a delivery.
    pub(crate) fn delivery(&mut self, at: SimTime, guest: usize, frame: &[u8]) {
        let words = [
            at.0,
            guest as u64,
            frame.len() as u64,
            XxHash3_64::oneshot(frame),
        ];
        let mut link = [0; 32];
        for (bytes, word) in link.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        self.0 = XxHash3_64::oneshot_with_seed(self.0, &link);
    }

    /// The hash so far.
    pub(crate) const fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the hash of xxhash's reference implementation: what is documented is what is computed.
    #[test]
    fn a_link_is_seeded_with_the_link_before() {
        let mut digest = Digest::default();
        assert_eq!(digest.value(), 0);
        digest.delivery(SimTime(1), 2, b"frame");
        let one = digest.value();
        let mut link = Vec::new();
        for word in [1, 2, 5, XxHash3_64::oneshot(b"frame")] {
            link.extend(u64::to_le_bytes(word));
        }
        assert_eq!(one, XxHash3_64::oneshot_with_seed(0, &link));
        digest.delivery(SimTime(1), 2, b"frame");
        assert_eq!(digest.value(), XxHash3_64::oneshot_with_seed(one, &link));
    }
}
