//! Hashes of a multiplication or two, which spread numbers in a row evenly.
//!
//! Addresses come in rows, as do MACs of ports: a good factor puts them side by side, where a hash that
//! is as good as random puts a third of them on top of each other (Knuth, The Art of Computer
//! Programming 6.4). So most searches end where they begin, which is where a batch has the table
//! brought in.
//!
//! Tenants choose customer addresses, and whoever knows the factor can make them collide. So that of
//! customer addresses comes from the seed: of two keys that are chosen without knowing it few
//! collide (Dietzfelbinger et al. 1997, "A reliable randomized algorithm for the closest-pair
//! problem", s2).

use core::hash::{BuildHasher, Hasher};

use ahash::RandomState;

/// 2^64 over the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// For keys that only the administrator chooses: provider addresses, and MACs of ports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread(u64);

/// For (VSID, IPv4 customer address): the addresses of a subnet lie in a row that begins anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressSpread {
    factor: u64,
    subnets: u64,
    hash: u64,
}

impl AddressSpread {
    /// With factors from a seed.
    pub(crate) fn new(seed: &RandomState) -> Self {
        let factors = (1_u64..).map(|number| seed.hash_one(number) | 1);
        let mut good = factors.filter(|&factor| spreads(factor));
        Self {
            factor: good.next().unwrap_or(GOLDEN),
            subnets: seed.hash_one(0_u64) | 1,
            hash: 0,
        }
    }
}

/// Whether a factor spreads addresses that lie 1, 2^8 and 2^16 apart.
fn spreads(factor: u64) -> bool {
    /// The distance, in bits, and up to how many addresses, in bits.
    const STEPS: [(u32, u32); 3] = [(0, 24), (8, 20), (16, 16)];
    STEPS.iter().all(|&(step, addresses)| {
        // The quotients of the continued fraction of what a step turns the circle by: a large one says
        // that addresses come nearly full circle early, and lie on top of each other from then on.
        const MOST: u64 = 12;
        let part = factor << step;
        if part <= u64::MAX / (MOST + 1) {
            return false;
        }
        // The whole circle is 2^64, one more than there is a number for.
        let mut turns = u64::MAX / part;
        let (mut whole, mut part) = (part, (turns * part).wrapping_neg());
        while turns >> addresses == 0 {
            if part == 0 || whole / part > MOST {
                return false;
            }
            turns *= whole / part;
            (whole, part) = (part, whole % part);
        }
        true
    })
}

impl BuildHasher for Spread {
    type Hasher = Self;

    #[inline(always)]
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Spread {
    #[inline(always)]
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(GOLDEN);
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("keys of tables are words");
    }

    #[inline(always)]
    fn finish(&self) -> u64 {
        self.0
    }
}

impl BuildHasher for AddressSpread {
    type Hasher = Self;

    #[inline(always)]
    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for AddressSpread {
    #[inline(always)]
    fn write_u64(&mut self, key: u64) {
        let (vsid, address) = (key >> 32, key & 0xffff_ffff);
        // The upper bits of the product are the mixed ones. Where rows begin is to be anything but a
        // row itself: rows of rows come full circle for some factor or other.
        let begin = vsid.wrapping_mul(self.subnets).swap_bytes();
        self.hash = address.wrapping_add(begin).wrapping_mul(self.factor);
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("keys of tables are words");
    }

    #[inline(always)]
    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests;
