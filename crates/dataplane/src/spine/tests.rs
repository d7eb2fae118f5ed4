//! What versions of a list share, and what they do not.

use alloc::vec::Vec;

use super::*;
use crate::table::tests::tries;

#[test]
fn elements_are_numbered_in_the_order_they_come() {
    let mut spine = Spine::new();
    for index in 0..tries(1_000, 150) as u32 {
        assert_eq!(
            spine.get(index),
            spine.get(index).filter(|&&there| there == 0)
        );
        assert_eq!(spine.push(index + 1), index);
    }
    for index in 0..tries(1_000, 150) as u32 {
        assert_eq!(spine.get(index), Some(&(index + 1)));
    }
}

#[test]
fn a_version_keeps_its_elements_when_another_is_written() {
    let mut spine = Spine::new();
    let mut versions = Vec::new();
    for index in 0..tries(300, 70) as u32 {
        spine.push(0);
        *spine.get_mut(index / 2).expect("an element") += 1;
        versions.push(spine.clone());
    }
    for (last, version) in (0..).zip(&versions) {
        for index in 0..=last {
            // Each of the first half was written twice, the one in the middle perhaps once.
            let written = (2 * index..=2 * index + 1).filter(|&at| at <= last).count();
            assert_eq!(
                version.get(index),
                Some(&(written as u32)),
                "{index} of {last}"
            );
        }
    }
}

#[test]
fn places_that_nobody_set_are_defaults_and_nodes_behind_the_last_are_not_there() {
    let mut spine = Spine::new();
    spine.set(1_000, 7);
    assert_eq!(spine.get(1_000), Some(&7));
    for index in [0, 900, 1_001, 1_100, 4_095] {
        assert_eq!(spine.get(index), Some(&0));
    }
    for index in [4_096, 5_000, u32::MAX] {
        assert_eq!(spine.get(index), None);
        assert_eq!(spine.get_mut(index), None);
    }
    spine.set(3, 4);
    assert_eq!((spine.get(3), spine.get(1_000)), (Some(&4), Some(&7)));
    assert_eq!(spine.push(8), 1_001);
}

#[test]
#[cfg_attr(miri, ignore = "too long to be interpreted")]
fn versions_keep_what_they_were() {
    let mut list = Spine::new();
    for number in 0..10_000_u32 {
        assert_eq!(list.push(number), number);
    }
    let before = list.clone();
    for number in [0, 63, 64, 4_095, 4_096, 9_999] {
        *list.get_mut(number).expect("it was added") += 1;
    }
    list.set(20_000, 7);
    for number in 0..10_000 {
        assert_eq!(before.get(number), Some(&number));
        let edited = [0, 63, 64, 4_095, 4_096, 9_999].contains(&number);
        assert_eq!(list.get(number), Some(&(number + u32::from(edited))));
    }
    // The node is there, or not.
    assert_eq!((list.get(20_001), list.get(20_000)), (Some(&0), Some(&7)));
    assert_eq!((list.get(15_000), before.get(20_000)), (Some(&0), None));
    assert_eq!(list.get(u32::MAX), None);
}
