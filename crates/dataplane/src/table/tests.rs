//! The table against a list of rows, and two threads at once.

extern crate std;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use std::sync::Mutex;
use std::thread;

use super::*;

fn hasher(seed: u64) -> RandomState {
    RandomState::with_seeds(seed, 1, 2, 3)
}

/// Numbers that are as good as random and the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// How much to try: interpreters are slow.
pub(crate) const fn tries(native: usize, interpreted: usize) -> usize {
    if cfg!(miri) { interpreted } else { native }
}

/// Rows whose place was used since the table was made, or counts as such.
fn used<const KEY: usize, const VALUE: usize>(table: &Table<KEY, VALUE>) -> usize {
    (0..table.places() as Place)
        .filter(|&place| {
            let lifetime = &table.row(place).unwrap()[KEY + VALUE];
            Lifetime(lifetime.load(Relaxed)) != Lifetime::NEVER
        })
        .count()
}

#[test]
fn a_row_is_seen_by_the_versions_from_its_first_to_the_one_before_its_end() {
    let table = Table::<1, 2>::with_room(4, 50, &hasher(1));
    let (place, new) = table.insert(&[7], &[70, 71], 3);
    assert!(new);
    table.close(place, 5);
    table.insert(&[7], &[80, 81], 5);
    let seen = |version| table.find(&[7], version).map(|(_, [value, _])| value);
    assert_eq!([2, 3, 4].map(seen), [None, Some(70), Some(70)]);
    assert_eq!([5, 6, OPEN - 1].map(seen), [Some(80); 3]);
    assert_eq!(table.at(place, 4), Some(([7], [70, 71])));
    assert_eq!(table.at(place, 5), None);
    assert_eq!(table.at(Place::MAX, 5), None);
    assert_eq!(table.rows(4).count(), 1);
}

#[test]
fn a_row_that_came_and_went_between_two_versions_was_never_seen() {
    let table = Table::<1, 0>::with_room(4, 50, &hasher(1));
    let (place, _) = table.insert(&[7], &[], 3);
    table.close(place, 3);
    for version in 0..8 {
        assert_eq!(table.find(&[7], version), None);
    }
    assert!(table.free(place));
    assert_eq!(used(&table), 0);
}

/// The smallest tables and the fullest ones.
#[test]
fn a_table_has_room_for_one_more_row_than_it_was_made_for() {
    fn room<const KEY: usize, const VALUE: usize>(rows: usize, load: usize, full: usize) {
        let table = Table::<KEY, VALUE>::with_room(rows, load, &hasher(1));
        assert!((rows + 1) * 100 <= table.places() * full, "{rows} rows");
    }
    for rows in 0..tries(200, 12) {
        room::<1, 2>(rows, 72, 85);
        room::<3, 2>(rows, 72, 85);
        room::<2, 2>(rows, 72, 85);
        room::<1, 0>(rows, 50, 80);
        room::<2, 1>(rows, 50, 80);
    }
}

/// As full as tables get: one place left. Every search ends, and finds what is there.
#[test]
fn a_search_ends_while_one_place_was_never_used() {
    for seed in 0..tries(200, 2) as u64 {
        let table = Table::<2, 2>::with_room(0, 72, &hasher(seed));
        let places = table.places() as u64;
        let rows: Vec<_> = (0..places - 1)
            .map(|key| table.insert(&[key, 0], &[key, 0], 1).0)
            .collect();
        for round in 0..tries(20, 4) as u64 {
            for key in 0..places + 5 {
                let found = table.find(&[key, 0], 1).map(|(_, [value, _])| value);
                assert_eq!(found, (key < places - 1).then_some(key));
            }
            // The same rows come and go: none of it uses up the last place.
            let key = round % (places - 1);
            let (place, _) = table.find(&[key, 0], 1).unwrap();
            table.close(place, 1);
            let before = used(&table);
            let given_back = table.free(place);
            assert_eq!(used(&table), before - usize::from(given_back));
            let (_, new) = table.insert(&[key, 0], &[key, 0], 1);
            assert_eq!(new, given_back, "the only free place before the last one");
        }
        assert_eq!(rows.len(), used(&table));
    }
}

/// One row of the model: key, value, first version, end.
type Row = (u64, u64, Version, Version);

/// Any edits, readers of any versions that are still there, rows freed as soon as they may be.
#[test]
fn every_version_sees_its_own_rows_whatever_comes_and_goes() {
    for seed in 0..tries(10, 1) as u64 {
        every_version_sees_its_own_rows(seed, tries(600, 40));
    }
}

fn every_version_sees_its_own_rows(seed: u64, steps: usize) {
    const KEYS: u64 = tries(24, 5) as u64;
    let mut dice = Dice::new(seed);
    let table = Table::<1, 2>::with_room(KEYS as usize * 3 / 2, 90, &hasher(seed));
    let mut model: Vec<Row> = Vec::new();
    let mut closed: Vec<(Place, Row)> = Vec::new();
    let mut readers: Vec<Version> = vec![1];
    let mut next: Version = 2;
    let mut count = 0;
    for step in 0..steps {
        let key = dice.below(KEYS);
        let open = |row: &&mut Row| row.0 == key && row.3 == OPEN;
        match dice.below(8) {
            0..4 => match model.iter_mut().find(open) {
                Some(row) => {
                    let (place, [value, _]) = table.find(&[key], next).expect("an open row");
                    assert_eq!(value, row.1);
                    table.close(place, next);
                    row.3 = next;
                    closed.push((place, *row));
                }
                None if count + 1 < table.places() => {
                    let (_, new) = table.insert(&[key], &[step as u64, !key], next);
                    count += usize::from(new);
                    model.push((key, step as u64, next, OPEN));
                }
                None => {}
            },
            4 | 5 if readers.len() < 5 => {
                readers.push(next);
                next += 1;
            }
            4..7 => {
                // The newest stays.
                let gone = dice.below(readers.len() as u64) as usize;
                if gone + 1 < readers.len() {
                    readers.remove(gone);
                }
            }
            _ => {
                let oldest = readers[0];
                closed.retain(|(place, row)| {
                    let seen = row.3 > oldest;
                    if !seen {
                        count -= usize::from(table.free(*place));
                    }
                    seen
                });
            }
        }
        assert_eq!(count, used(&table), "seed {seed} step {step}");
        let oldest = readers[0];
        model.retain(|row| row.3 > oldest);
        for &reader in readers.iter().chain([&next]) {
            let sees = |row: &&Row| (row.2..row.3).contains(&reader);
            for key in 0..KEYS + 2 {
                let expected = model.iter().filter(sees).find(|row| row.0 == key);
                let found = table.find(&[key], reader);
                assert_eq!(
                    found.map(|(_, value)| value),
                    expected.map(|row| [row.1, !key]),
                    "seed {seed} step {step} version {reader} key {key}"
                );
                let again = found.and_then(|(place, _)| table.at(place, reader));
                assert_eq!(again.map(|(key, _)| key), found.map(|_| [key]));
            }
            assert_eq!(
                table.rows(reader).count(),
                model.iter().filter(sees).count()
            );
        }
    }
}

/// Two keys that have one value in every version, and rows that are used again at once.
#[test]
fn readers_see_all_of_a_version_while_the_next_is_written() {
    let table = Table::<1, 2>::with_room(24, 72, &hasher(5));
    let write =
        |value: u64, first| [1, 2].map(|key| table.insert(&[key], &[value, !value], first).0);
    let mut rows = write(0, 1);
    let current = Mutex::new(Arc::new(1));
    let (rounds, reads) = (tries(10_000, 12), tries(20_000, 8));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..reads {
                    let version = current.lock().unwrap().clone();
                    let [one, two] = [1, 2].map(|key| {
                        let (place, value) = table.find(&[key], *version).expect("a row");
                        assert_eq!(table.at(place, *version), Some(([key], value)));
                        value
                    });
                    assert_eq!(one, two);
                    assert_eq!(one[0], !one[1]);
                    assert!(one[0] >= last, "what is newer stays newer");
                    last = one[0];
                    assert_eq!(table.find(&[3], *version), None);
                }
            });
        }
        let mut live = vec![current.lock().unwrap().clone()];
        let mut closed: Vec<(Version, Place)> = Vec::new();
        for round in 1..=rounds as u32 {
            let next = round + 1;
            closed.extend(rows.map(|place| {
                table.close(place, next);
                (next, place)
            }));
            // Where a publisher would make its table larger, this one waits: so the rows that are
            // taken lie in few places behind the first line of each key.
            loop {
                while live.len() > 1 && Arc::get_mut(&mut live[0]).is_some() {
                    live.remove(0);
                }
                closed.retain(|&(unseen_from, place)| {
                    let seen = unseen_from > *live[0];
                    if !seen {
                        table.free(place);
                    }
                    seen
                });
                if closed.len() <= 6 {
                    break;
                }
                thread::yield_now();
            }
            rows = write(u64::from(round), next);
            let version = Arc::new(next);
            *current.lock().unwrap() = version.clone();
            live.push(version);
        }
    });
}
