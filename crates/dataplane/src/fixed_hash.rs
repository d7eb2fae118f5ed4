//! A hash for keys that only the administrator chooses: MACs of ports, provider addresses.
//!
//! One multiplication a word (Knuth, The Art of Computer Programming 6.4): numbers in a row spread as
//! evenly as they can. Whoever may choose keys could make them collide, so tables of what tenants
//! choose, customer addresses, are keyed with a seed ([`ahash`]).

use core::hash::{BuildHasher, Hasher};

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FixedHash(u64);

impl BuildHasher for FixedHash {
    type Hasher = Self;

    #[inline(always)]
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for FixedHash {
    #[inline(always)]
    fn write_u64(&mut self, word: u64) {
        /// 2^64 over the golden ratio.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0 ^ word).wrapping_mul(FACTOR);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    /// Its upper bits are the good ones.
    #[inline(always)]
    fn finish(&self) -> u64 {
        self.0
    }
}
