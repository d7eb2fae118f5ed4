//! `nvgre diff`: two scenarios, or two stages of one.

mod common;

use common::{Ran, nvgre, pcaps};
use serde_json::{Value, json};

const KEYS: &[&str] = &["schema", "old", "new", "differences", "behaviour"];

fn diff(arguments: &[&str]) -> Ran {
    let story = pcaps().join("waldorf-statler/scenario.toml");
    let story = story.to_str().expect("UTF-8");
    nvgre([&["diff", story, story], arguments].concat())
}

fn line(arguments: &[&str]) -> (i32, Value) {
    let ran = diff(&[arguments, &["--json"]].concat());
    let mut lines = ran.json_lines("nvgre.diff/1", KEYS);
    assert_eq!(lines.len(), 1, "{}", ran.stderr);
    (ran.exit, lines.remove(0))
}

#[test]
fn the_same_scenario_is_no_difference() {
    let ran = diff(&["--behaviour"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "said once: {}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "no difference in the hosts' tables\n\n4 pairs of guests asked, 0 with another verdict\n"
    );
    let (exit, told) = line(&[]);
    assert_eq!(exit, 0);
    assert_eq!(told["differences"], json!([]));
    assert_eq!(told["behaviour"], Value::Null);
}

#[test]
fn a_stage_that_broke_a_record_says_which_and_for_whom() {
    let stages = ["--old-stage", "wnv", "--new-stage", "broken"];
    let ran = diff(&[&stages[..], &["--behaviour"]].concat());
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let policy = pcaps().join("waldorf-statler").join("policy");
    let policy = policy.display();
    let expected = format!(
        "Statler, Waldorf
  lookup record of 192.168.1.22 in VSID 445566 changed: ProviderAddress 10.0.0.12 -> 10.0.0.21
    old  {policy}/4-wnv.ps1:43:1, {policy}/4-wnv.ps1:84:5
    new  {policy}/5-broken.ps1:12:1, {policy}/5-broken.ps1:22:5
"
    );
    assert!(
        ran.stdout.starts_with(&expected),
        "{expected}\n{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("\n2 differences: 0 added, 0 removed, 2 changed\n"),
        "{}",
        ran.stdout
    );
    let flip = format!(
        "
  to blame on Statler, Waldorf: lookup record of 192.168.1.22 in VSID 445566 changed: ProviderAddress 10.0.0.12 -> 10.0.0.21
    at {policy}/5-broken.ps1:12:1, {policy}/5-broken.ps1:22:5
    Red11 -> Red22 (192.168.1.11 -> 192.168.1.22): answered -> underlay_no_owner
    Red22 -> Red11 (192.168.1.22 -> 192.168.1.11): answered -> no_source_record
"
    );
    assert!(ran.stdout.ends_with(&flip), "{}", ran.stdout);
    assert!(!ran.stdout.contains("Blue11 ->"), "{}", ran.stdout);

    let (exit, told) = line(&[&stages[..], &["--behaviour"]].concat());
    assert_eq!(exit, 1);
    assert_eq!(told["old"]["stage"], "wnv");
    let flip = &told["behaviour"]["flips"][0];
    assert_eq!(
        flip["old"],
        json!({"answered": true, "reason": "answered", "crossed": []})
    );
    assert_eq!(flip["new"]["reason"], "underlay_no_owner");
    let blamed = flip["blame"].as_u64().expect("an index") as usize;
    let blamed = &told["differences"][blamed];
    assert_eq!(
        blamed["key"],
        json!([
            {"name": "VirtualSubnetID", "value": "445566"},
            {"name": "CustomerAddress", "value": "192.168.1.22"},
        ])
    );
    assert_eq!(
        blamed["properties"],
        json!([{"name": "ProviderAddress", "old": "10.0.0.12", "new": "10.0.0.21"}])
    );
}

#[test]
fn without_stages_both_are_compared_at_their_ends_and_stages_have_numbers_too() {
    let (_, to_the_end) = line(&["--old-stage", "5"]);
    assert_eq!(to_the_end["differences"].as_array().map(Vec::len), Some(2));
    let (exit, _) = line(&["--old-stage", "4"]);
    assert_eq!(exit, 0, "what was broken was repaired");
    diff(&["--new-stage", "later"]).failed_saying_last(2, "no stage 'later'");
}

#[test]
fn what_a_whole_stage_sets_up_is_added_on_its_hosts() {
    let (_, told) = line(&["--old-stage", "moved", "--new-stage", "wnv"]);
    let differences = told["differences"].as_array().expect("differences");
    let of = |kind: &'static str| differences.iter().filter(move |one| one["kind"] == kind);
    assert_eq!(of("lookup_record").count(), 8);
    assert!(of("lookup_record").all(|one| one["hosts"] == json!(["Statler", "Waldorf"])));
    assert_eq!(of("customer_route").count(), 4);
    assert_eq!(of("provider_address").count(), 2);
    assert_eq!(of("nic").count(), 1, "the same change on both");
    assert!(
        differences
            .iter()
            .all(|one| one["change"] == "added" || one["kind"] == "nic")
    );
}

#[test]
fn a_scenario_that_cannot_be_read_is_told_and_ends_with_three() {
    let story = pcaps().join("waldorf-statler/scenario.toml");
    nvgre(["diff", story.to_str().expect("UTF-8"), "no-such.toml"])
        .failed_saying_last(3, "no-such.toml: ");
}
