//! Every drop reason, raised by a frame: the cases are in `common/refusals.rs`, which does not
//! compile until a new reason has one.

mod common;

use std::collections::BTreeSet;

use common::*;
use nvgre_dataplane::{AnyProvider, DropReason, Settings, Verdict, decapsulate};
use nvgre_wire::{FrameBuf, HEADROOM};

/// Every reason but this one was counted never, and this one once.
#[track_caller]
fn assert_counted_once(host: &Host, reason: DropReason) {
    for &other in DropReason::ALL {
        assert_eq!(
            host.drops(other),
            u64::from(other == reason),
            "{reason}: counter of {other}"
        );
    }
}

#[test]
fn every_reason_is_raised_by_a_frame_and_counted_once() {
    for refusal in refusals() {
        let Refusal { reason, frame, .. } = refusal;
        let mut host = Host::new(refusal.policy);
        match refusal.at {
            Entrance::Port(port) => {
                for earlier in &refusal.before {
                    let outcome = host.send(port, earlier);
                    let dropped = matches!(outcome.verdict, Verdict::Drop(_));
                    assert!(!dropped, "{reason}: too early\n{outcome}");
                }
                host.send(port, &frame).assert_dropped(reason);
                assert_counted_once(&host, reason);
            }
            Entrance::Uplink => {
                host.receive(&frame).assert_dropped(reason);
                assert_counted_once(&host, reason);
            }
            Entrance::Tool => {
                let mut memory = vec![0; HEADROOM];
                memory.extend_from_slice(&frame);
                let end = memory.len();
                let mut frame = FrameBuf::new(&mut memory, HEADROOM..end).expect("headroom");
                let refused = decapsulate(&mut frame, &Settings::default(), &AnyProvider)
                    .expect_err("it is refused");
                assert_eq!(refused.reason, reason);
            }
        }
    }
}

/// Each case differs from a frame that arrives in one thing.
#[test]
fn what_the_cases_change_arrives_unchanged() {
    let frame = ping(BLUE1, BLUE2);
    for carriage in [Carriage::EncapV4, Carriage::Nat] {
        sample(carriage)
            .guest_sends(BLUE1, &frame)
            .assert_only(BLUE2, &frame);
    }
    Host::new(sample_policy(Carriage::EncapV4, 1))
        .receive(&packet(Carriage::EncapV4, BLUE, &frame))
        .assert_delivered(BLUE2.port, &frame);
}

#[test]
fn the_underlay_has_four_reasons_of_its_own() {
    let raised: BTreeSet<_> = refusals().iter().map(|refusal| refusal.reason).collect();
    let its_own: Vec<_> = DropReason::ALL
        .iter()
        .filter(|&reason| !raised.contains(reason))
        .map(|reason| reason.name())
        .collect();
    assert_eq!(
        its_own,
        [
            "underlay_no_owner",
            "underlay_mtu",
            "underlay_loss",
            "underlay_source"
        ]
    );
}

#[test]
fn names_are_snake_case_and_unique_and_lead_back() {
    let names: BTreeSet<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), DropReason::COUNT);
    for &reason in DropReason::ALL {
        let name = reason.name();
        let snake = name.split('_').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        assert!(snake, "{name}");
        assert_eq!(DropReason::from_name(name), Some(reason));
        assert_eq!(reason.to_string(), name);
    }
    for other in ["", "no_such_reason", "No_Port", "NoPort", " no_port"] {
        assert_eq!(DropReason::from_name(other), None, "{other:?}");
    }
}

/// The names say what the variants say: `NoPort` is `no_port`.
#[test]
fn a_name_is_its_variant_in_another_case() {
    for reason in DropReason::ALL {
        let camel: String = reason
            .name()
            .split('_')
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect();
        assert_eq!(camel, format!("{reason:?}"));
    }
}

#[test]
fn numbers_are_places_in_the_list() {
    for (place, &reason) in DropReason::ALL.iter().enumerate() {
        assert_eq!(reason as usize, place, "{reason}");
    }
}

#[test]
fn every_reason_says_what_happened_why_what_mends_it_and_who_says_so() {
    let mut sentences = BTreeSet::new();
    for &reason in DropReason::ALL {
        for text in [reason.sentence(), reason.usual_cause(), reason.usual_fix()] {
            assert!(text.ends_with('.'), "{reason}: {text:?}");
        }
        assert!(!reason.source().is_empty(), "{reason}");
        assert!(sentences.insert(reason.sentence()), "{reason}: said twice");
    }
}
