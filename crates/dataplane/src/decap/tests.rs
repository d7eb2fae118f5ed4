//! The short way to the outer headers says what the long one says.

use alloc::format;
use alloc::vec::Vec;

use super::*;
use crate::headers::tests::packet;
use crate::table::tests::{Dice, tries};

#[test]
fn a_plain_outer_header_reads_the_same_by_the_short_way_and_the_long_one() {
    let mut read = 0;
    for seed in 0..tries(20_000, 50) as u64 {
        let mut dice = Dice::new(seed);
        let packet = packet(&mut dice);
        let mut frame: Vec<u8> = (0..12).map(|_| dice.below(256) as u8).collect();
        let tagged = dice.below(6) == 0;
        if tagged {
            frame.extend([0x81, 0, 0, 7]);
        }
        frame.extend([8, 0]);
        frame.extend(&packet);
        if dice.below(4) == 0 {
            // Padding, which is none of the packet's.
            frame.extend([0xee; 6]);
        }
        if dice.below(10) == 0 {
            frame.truncate(dice.below(40) as usize);
        }
        let (short, long) = (Outer::plain(&frame), Outer::parse(&frame));
        match (&short, &long) {
            (Some(short), Ok(long)) => {
                read += 1;
                assert_eq!(
                    format!("{short:?}"),
                    format!("{long:?}"),
                    "seed {seed}: {frame:02x?}"
                );
            }
            (Some(_), Err(reason)) => {
                panic!("seed {seed}: {reason:?} by the long way: {frame:02x?}")
            }
            // Left to the long way: tags, options, and packets without four bytes of payload.
            (None, Ok(long)) => {
                let plain = !tagged && long.payload.start == 34 && long.payload.len() >= 4;
                assert!(!plain, "seed {seed}: {frame:02x?}");
            }
            (None, Err(_)) => {}
        }
    }
    assert!(read > tries(4_000, 2), "{read} plain packets are too few");
}
