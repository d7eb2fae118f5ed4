//! The proof, held against brute force: in small worlds every frame that anybody can send is sent.

mod brute;
mod world;

use nvgre_analyze::check_isolation;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use world::{World, worlds};

/// What the two say about a world.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    clean: usize,
    /// The tables break the rule, and no frame crosses all the same.
    harmless: usize,
    violated: usize,
    frames: u64,
}

fn compare(world: &World, tally: &mut Tally) -> Result<(), TestCaseError> {
    let fabric = world.fabric();
    let answer = check_isolation(&fabric).expect("it loads");
    let (crossing, frames) = brute::first_crossing(&fabric);
    tally.frames += frames;
    match crossing {
        Some((sender, receiver, frame)) => {
            prop_assert!(
                !answer.witnesses.is_empty(),
                "guest {sender} reaches {receiver} with {frame:02x?}, and {answer:?} of {fabric:#?}"
            );
            tally.violated += 1;
        }
        None => {
            prop_assert!(
                answer.is_proved(),
                "nothing crosses, and {answer:?} of {fabric:#?}"
            );
            if answer.breaches.is_empty() {
                tally.clean += 1;
            } else {
                tally.harmless += 1;
            }
        }
    }
    Ok(())
}

/// Proved means that no frame crosses; a frame that crosses means violated.
#[test]
fn the_proof_says_what_every_frame_there_is_shows() {
    let mut runner = TestRunner::deterministic();
    let mut tally = Tally::default();
    for _ in 0..WORLDS {
        let world = worlds().new_tree(&mut runner).expect("nothing is rejected");
        compare(&world.current(), &mut tally).unwrap_or_else(|failed| panic!("{failed}"));
    }
    println!("{tally:?}");
    // It would be no news if all worlds were alike.
    assert!(tally.clean >= WORLDS / 10, "{tally:?}");
    assert!(tally.harmless >= WORLDS / 20, "{tally:?}");
    assert!(tally.violated >= WORLDS / 10, "{tally:?}");
}

const WORLDS: usize = 40;
