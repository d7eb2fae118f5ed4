//! The cases in pcaps/, played: every stage ends as its scenario says.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nvgre_dataplane::DropReason;
use nvgre_sim::{Model, ProbeFailure, Scenario, StageResult, World, play_stage};

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../pcaps")
        .join(case)
}

fn scenario(case: &str) -> Scenario {
    let text = fs::read_to_string(folder(case).join("scenario.toml")).expect("a scenario");
    Scenario::parse("scenario.toml", &text).expect("no mistakes")
}

fn played_with(case: &str, read: &dyn Fn(&str) -> io::Result<String>) -> (World, Vec<StageResult>) {
    let scenario = scenario(case);
    let stages = scenario.stages.len();
    let mut world = World::new(Model::new(scenario, read).expect("policy"));
    let results = (0..stages).map(|stage| play_stage(&mut world, stage).expect("a stage"));
    let results = results.collect();
    (world, results)
}

fn played(case: &str) -> (World, Vec<StageResult>) {
    played_with(case, &|file| fs::read_to_string(folder(case).join(file)))
}

#[track_caller]
fn assert_as_told(case: &str) {
    let (world, results) = played(case);
    for result in results {
        assert!(result.as_told(), "{case}: {result:#?}");
    }
    assert!(world.copies().adds_up(), "{:?}", world.copies());
}

#[test]
fn the_founding_story_ends_as_told() {
    assert_as_told("waldorf-statler");
}

#[test]
fn f06_ip_rewrite_works_both_ways_until_rules_are_mixed() {
    assert_as_told("nat");
    let read = |file: &str| fs::read_to_string(folder("nat").join(file));
    let mut world = World::new(Model::new(scenario("nat"), &read).expect("policy"));
    let first = play_stage(&mut world, 0).expect("a stage");
    assert_eq!(first.cross_tenant_deliveries, 0);
    for host in world.model().network().hosts() {
        let tally = host.counters().tally;
        assert!(
            tally.rewritten_out > 0 && tally.rewritten_in > 0,
            "{tally:?}"
        );
        assert_eq!(tally.encapsulated, 0, "no tunnel");
    }
}

#[test]
fn f08_f09_f10_a_gateway_is_reached_by_route_and_speaks_for_others_by_wildcard() {
    assert_as_told("gateway");
}

#[test]
fn a_failed_probe_names_the_host_and_the_line_that_decided() {
    let (_, results) = played("waldorf-statler");
    let failed = &results[4].probes[0];
    let cause = failed.cause.as_ref().expect("a cause");
    assert_eq!(
        (cause.reason, &*cause.host),
        (DropReason::UnderlayNoOwner, "Statler")
    );
    let (record, host, place) = cause.record.as_ref().expect("a record");
    assert_eq!(record.provider_address.to_string(), "10.0.0.21");
    assert_eq!(host, "Statler");
    let script = fs::read_to_string(folder("waldorf-statler").join("policy/5-broken.ps1"))
        .expect("the script");
    let line = script
        .lines()
        .nth(place.line as usize - 1)
        .expect("that line");
    assert!(
        line.contains("New-NetVirtualizationLookupRecord"),
        "{place}: {line}"
    );
}

/// The same story with one record left wrong: the test of the stages can fail.
#[test]
fn a_story_whose_policy_was_altered_is_not_as_told() {
    let (_, results) = played_with("waldorf-statler", &|file| {
        let text = fs::read_to_string(folder("waldorf-statler").join(file))?;
        Ok(if file == "policy/6-repaired.ps1" {
            text.replace("\"10.0.0.12\"", "\"10.0.0.22\"")
        } else {
            text
        })
    });
    let told: Vec<_> = results.iter().map(StageResult::as_told).collect();
    assert_eq!(told, [true, true, true, true, true, false]);
    let probe = &results[5].probes[0];
    assert_eq!(
        probe.failure,
        Some(ProbeFailure::Dropped(DropReason::UnderlayNoOwner))
    );
    assert!(results[5].probes[1].as_expected(), "Blue is not touched");
}

#[test]
fn a_case_played_twice_has_one_digest() {
    for case in ["waldorf-statler", "nat", "gateway"] {
        assert_eq!(played(case).0.digest(), played(case).0.digest(), "{case}");
    }
}
