//! Hints against a list of them.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::*;
use crate::table::tests::{Dice, tries};

/// Words that were used since the hints were made, or count as such.
fn used(hints: &Hints) -> usize {
    let words = hints.lines.iter().flat_map(|line| &line.0);
    words.filter(|word| word.load(Relaxed) != NEVER).count()
}

fn sorted(places: impl Iterator<Item = Place>) -> Vec<Place> {
    let mut places: Vec<_> = places.collect();
    places.sort_unstable();
    places
}

#[test]
fn a_hint_leads_to_its_place_until_it_is_removed() {
    let hints = Hints::with_room(4, 80);
    assert!(hints.insert(0x1234_5678_9abc_def0, 0));
    assert!(hints.insert(0x1234_5678_9abc_def0, Place::MAX - 2));
    assert_eq!(
        sorted(hints.places_of(0x1234_5678_9abc_def0)),
        [0, Place::MAX - 2]
    );
    // The same line and another fingerprint.
    assert_eq!(hints.places_of(0x1234_5679_9abc_def0).count(), 0);
    assert!(hints.remove(0x1234_5678_9abc_def0, 0));
    assert_eq!(
        sorted(hints.places_of(0x1234_5678_9abc_def0)),
        [Place::MAX - 2]
    );
    assert!(hints.remove(0x1234_5678_9abc_def0, Place::MAX - 2));
    assert_eq!(used(&hints), 0);
    assert!(
        !hints.remove(0x1234_5678_9abc_def0, 5),
        "it was never there"
    );
}

#[test]
fn there_is_room_for_one_more_hint_than_asked_for() {
    for count in 0..tries(500, 12) {
        let hints = Hints::with_room(count, 80);
        assert!((count + 1) * 100 <= hints.places() * 85, "{count} hints");
    }
}

/// Down to one word that was never used, with hints of few hashes, so that most lines are passed.
#[test]
fn whatever_comes_and_goes_every_hint_is_found_and_searches_end() {
    for seed in 0..tries(40, 2) as u64 {
        let mut dice = Dice::new(seed);
        let hints = Hints::with_room(24, 80);
        let mut model = BTreeSet::new();
        let mut count = 0;
        for step in 0..tries(1_000, 30) {
            let hash = dice.below(5).wrapping_mul(0x3fff_ffff_ffff_fff1);
            let place = dice.below(12) as Place;
            let room = count + 1 < hints.places();
            if model.contains(&(hash, place)) {
                model.remove(&(hash, place));
                count -= usize::from(hints.remove(hash, place));
            } else if room {
                model.insert((hash, place));
                count += usize::from(hints.insert(hash, place));
            }
            assert_eq!(count, used(&hints), "seed {seed} step {step}");
            let of_hash = model.iter().filter(|hint| hint.0 == hash);
            let expected = sorted(of_hash.map(|hint| hint.1));
            assert_eq!(
                sorted(hints.places_of(hash)),
                expected,
                "seed {seed} step {step}"
            );
        }
    }
}
