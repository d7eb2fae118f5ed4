//! That addresses in rows find places of their own, and all others as many as at random.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::table::tests::tries;

/// So full, in percent, are tables of records when they are built. Two to a line.
const LOAD_PERCENT: usize = 72;

fn spread(seed: u64) -> AddressSpread {
    AddressSpread::new(&RandomState::with_seeds(seed, 1, 2, 3))
}

/// Lines that a search for one of these keys looks at, on average.
fn lines_a_search(keys: &[u64], spread: AddressSpread) -> f64 {
    let lines = keys.len() * 50 / LOAD_PERCENT;
    let mut taken = vec![0; lines];
    let mut looked_at = 0;
    for &key in keys {
        let mut hasher = spread.build_hasher();
        hasher.write_u64(key);
        let mut at = ((u128::from(hasher.finish()) * lines as u128) >> 64) as usize;
        looked_at += 1;
        while taken[at] == 2 {
            at = (at + 1) % lines;
            looked_at += 1;
        }
        taken[at] += 1;
    }
    looked_at as f64 / keys.len() as f64
}

/// Customer addresses as people give them out.
struct Given {
    how: &'static str,
    /// Shape: n -> key of the n-th address.
    key: fn(u64) -> u64,
    /// Lines on average over the seeds, and with the worst of them.
    lines: [f64; 2],
}

const fn key(subnet: u64, address: u64) -> u64 {
    (5_001 + subnet) << 32 | (0x0a00_0002 + address)
}

const GIVEN: [Given; 6] = [
    Given {
        how: "in one subnet, in a row",
        key: |n| key(0, n),
        lines: [1.15, 1.4],
    },
    Given {
        how: "one of every /24",
        key: |n| key(0, n * 256),
        lines: [1.15, 1.4],
    },
    Given {
        how: "ten of every /24",
        key: |n| key(0, n / 10 * 256 + n % 10),
        lines: [1.5, 10.0],
    },
    Given {
        how: "ten of each subnet",
        key: |n| key(n / 10, n % 10),
        lines: [1.7, 10.0],
    },
    Given {
        how: "a hundred of each subnet",
        key: |n| key(n / 100, n % 100),
        lines: [1.7, 10.0],
    },
    Given {
        how: "thousands of each subnet",
        key: |n| key(n / 5_000, n % 5_000),
        lines: [1.7, 10.0],
    },
];

/// Hashing that is as good as random comes to 1.55 lines. Rows come near one, rows of rows stay near
/// random; few seeds make some of them worse.
#[test]
fn a_search_looks_at_few_lines_however_addresses_are_given_out() {
    for Given { how, key, lines } in GIVEN {
        let [on_average, at_most] = lines;
        let keys: Vec<_> = (0..tries(20_000, 200) as u64).map(key).collect();
        let lines = (0..tries(40, 1) as u64).map(|seed| lines_a_search(&keys, spread(seed)));
        let lines: Vec<_> = lines.collect();
        for (seed, lines) in lines.iter().enumerate() {
            assert!(*lines < at_most, "{how}, seed {seed}: {lines:.3} lines");
        }
        let average = lines.iter().sum::<f64>() / lines.len() as f64;
        assert!(average < on_average, "{how}: {average:.3} lines");
    }
}

#[test]
fn factors_differ_with_the_seed() {
    let mut factors: Vec<_> = (0..20).map(|seed| spread(seed).factor).collect();
    factors.sort_unstable();
    factors.dedup();
    assert_eq!(factors.len(), 20);
}

#[test]
fn factors_that_come_full_circle_after_a_few_addresses_are_bad() {
    assert!(!spreads(1));
    assert!(!spreads(u64::MAX / 3));
    assert!(!spreads(0x9e37_8000_0000_0001), "2^16 apart");
}
