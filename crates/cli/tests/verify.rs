//! `nvgre verify`: proofs, witnesses that replay shows again, and exit codes.

mod common;

use std::fs;
use std::path::Path;

use common::{Ran, nvgre, pcaps};
use serde_json::Value;
use tempfile::TempDir;

const KEYS: &[&str] = &[
    "schema",
    "check",
    "answer",
    "title",
    "findings",
    "isolation",
    "pairs",
    "mtus",
    "hostile_host",
];

fn in_pcaps(name: &str) -> String {
    pcaps().join(name).display().to_string()
}

fn story() -> String {
    in_pcaps("waldorf-statler/scenario.toml")
}

fn verify(stage: &str, more: &[&str]) -> Ran {
    let story = story();
    let arguments = ["verify", &story, "--stage", stage];
    nvgre(arguments.iter().chain(more))
}

/// The line of one check.
fn line_of(ran: &Ran, check: &str) -> Value {
    let lines = ran.json_lines("nvgre.verify/1", KEYS);
    let found = lines.into_iter().find(|line| line["check"] == check);
    found.unwrap_or_else(|| panic!("{check} in {}", ran.stdout))
}

#[test]
fn the_repaired_story_is_proved_in_every_respect() {
    let ran = verify("repaired", &[]);
    assert_eq!(ran.exit, 0, "{}{}", ran.stdout, ran.stderr);
    let last = ran.stdout.lines().last();
    assert_eq!(
        last,
        Some("PROVED: isolation, reach, leak, mtu, stale, loops")
    );
}

#[test]
fn the_broken_record_is_named_with_its_line() {
    let ran = verify("broken", &["reach", "--json"]);
    assert_eq!(ran.exit, 1, "{}", ran.stdout);
    let line = line_of(&ran, "reach");
    assert_eq!(line["answer"], "violated");
    let findings = line["findings"].as_array().expect("findings");
    let broken = findings
        .iter()
        .find(|finding| finding["rule"] == "underlay_no_owner")
        .expect("the drop that the story tells of");
    let place = broken["places"][0].as_str().expect("a place");
    assert!(place.ends_with("policy/5-broken.ps1:12:1"), "{place}");
    let pairs = line["pairs"].as_array().expect("pairs");
    // Two tenants of two, both ways, over both families.
    assert_eq!(pairs.len(), 8);
    let failing = pairs.iter().filter(|pair| pair["holds"] == false);
    assert_eq!(failing.count(), 4);
}

#[test]
fn isolation_is_proved_where_reach_is_violated() {
    let ran = verify("moved", &["isolation", "reach", "--json"]);
    assert_eq!(ran.exit, 1);
    assert_eq!(line_of(&ran, "isolation")["answer"], "proved");
    assert_eq!(line_of(&ran, "reach")["answer"], "violated");
    assert_eq!(line_of(&ran, "isolation")["isolation"]["frames_sent"], 0);
}

/// Two tenants on one wire: a frame crosses, and replay agrees.
#[test]
fn a_witness_crosses_again_when_it_is_replayed() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("witness.pcapng");
    let file = file.to_str().expect("UTF-8");
    let ran = verify("no-vsid", &["isolation", "-w", file, "--json"]);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let line = line_of(&ran, "isolation");
    let witness = &line["isolation"]["witnesses"][0];
    assert_eq!(witness["sender"], "Red11");
    assert_eq!(witness["receiver"], "Blue11");
    let story = story();
    let replayed = nvgre(["replay", &story, "--stage", "no-vsid", "-r", file]);
    assert_eq!(replayed.exit, 1, "{}{}", replayed.stdout, replayed.stderr);
    assert!(replayed.stdout.contains("VIOLATED"), "{}", replayed.stdout);
    // The same frame is harmless where the tenants have subnets.
    let replayed = nvgre(["replay", &story, "--stage", "vsid", "-r", file]);
    assert_eq!(replayed.exit, 0, "{}{}", replayed.stdout, replayed.stderr);
}

/// What stood there before would be taken for the answer of this run.
#[test]
fn without_a_crossing_the_witnesses_are_a_capture_without_frames() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("witness.pcapng");
    fs::write(&file, "of another run").expect("written");
    let name = file.to_str().expect("UTF-8");
    let ran = verify("repaired", &["isolation", "-w", name]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("Nothing crosses"), "{}", ran.stdout);
    assert_eq!(common::frames(&file).len(), 0);
}

#[test]
fn witnesses_are_of_isolation_and_in_pcapng() {
    let ran = verify("repaired", &["reach", "-w", "w.pcapng"]);
    ran.failed_saying_last(2, "-w w.pcapng: only the check isolation has witnesses");
    let ran = verify("repaired", &["isolation", "-w", "w.pcap"]);
    ran.failed_saying_last(2, "-w w.pcap: a pcap file names no ports; call it .pcapng");
}

#[test]
fn a_hostile_host_reaches_whom_records_let_it_speak_to() {
    let ran = verify(
        "repaired",
        &["isolation", "--hostile-host", "waldorf", "--json"],
    );
    assert_eq!(ran.exit, 0);
    let line = line_of(&ran, "hostile-host");
    let reached = &line["hostile_host"]["reaches"];
    assert_eq!(reached.as_array().map(Vec::len), Some(1), "{reached}");
    // Blue has no record with an address of Waldorf, so its guests are out of reach.
    assert_eq!(reached[0]["guests"], serde_json::json!(["Red11"]));
    assert_eq!(reached[0]["host"], "Statler");
    let unknown = verify("repaired", &["--hostile-host", "Fozzie"]);
    assert_eq!(unknown.exit, 2);
    assert!(unknown.stderr.contains("there are: Statler, Waldorf"));
}

/// A copy of the story with intents and whatever else at the end of its scenario.
fn story_with(more: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let from = in_pcaps("waldorf-statler");
    let policy = folder.path().join("policy");
    fs::create_dir(&policy).expect("a folder");
    for file in fs::read_dir(Path::new(&from).join("policy")).expect("the story") {
        let file = file.expect("a file");
        fs::copy(file.path(), policy.join(file.file_name())).expect("a copy");
    }
    let text = fs::read_to_string(story()).expect("the story");
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, text + more).expect("written");
    let scenario = scenario.to_str().expect("UTF-8").to_owned();
    (folder, scenario)
}

#[test]
fn an_intent_that_denies_what_works_is_violated_at_its_line() {
    let (_folder, scenario) =
        story_with("\n[[intent]]\nfrom = \"Red11\"\nto = \"Red\"\nexpect = \"deny\"\n");
    let ran = nvgre(["verify", &scenario, "reach", "--json"]);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let line = line_of(&ran, "reach");
    let finding = &line["findings"][0];
    assert_eq!(finding["rule"], "unwanted_reach");
    let place = finding["places"][0].as_str().expect("a place");
    assert!(place.contains("scenario.toml:"), "{place}");
    // The other direction is nobody's intent: it is to work, and does.
    let findings = line["findings"].as_array().expect("findings");
    let over = ["IPv4", "IPv6"].map(|family| {
        let mut findings = findings.iter();
        findings.any(|finding| {
            finding["message"]
                .as_str()
                .is_some_and(|told| told.contains(family))
        })
    });
    assert_eq!((findings.len(), over), (2, [true, true]));
}

#[test]
fn an_intent_that_denies_what_fails_holds() {
    let (_folder, scenario) =
        story_with("\n[[intent]]\nfrom = \"Red\"\nto = \"Red\"\nexpect = \"deny\"\n");
    let ran = nvgre(["verify", &scenario, "reach", "--stage", "broken", "--json"]);
    // Requests of Red22 do not leave Waldorf, and those of Red11 find no owner.
    assert_eq!(ran.exit, 0, "{}{}", ran.stdout, ran.stderr);
}

/// Guests of 1,500 bytes over an underlay of 1,500: NVGRE needs 42.
#[test]
fn a_guests_mtu_that_does_not_fit_is_told_with_the_one_that_would() {
    let (_folder, scenario) = story_with("");
    let text = fs::read_to_string(&scenario).expect("the story");
    fs::write(
        &scenario,
        text.replace("mtu_bytes = 1600", "mtu_bytes = 1500"),
    )
    .expect("written");
    let ran = nvgre(["verify", &scenario, "mtu", "--json"]);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let line = line_of(&ran, "mtu");
    let of_red = line["mtus"].as_array().expect("pairs").iter();
    let of_red: Vec<_> = of_red.filter(|pair| pair["from"] == "Red11").collect();
    assert_eq!(of_red[0]["largest_bytes"], 1_458);
    assert_eq!(of_red[0]["dropped_at"], "Statler");
    assert_eq!(of_red[0]["reason"], "too_big");
    assert_eq!(of_red[0]["told"], true);
}

#[test]
fn a_record_that_points_to_nobody_is_stale_on_every_host_that_has_it() {
    let ran = verify("broken", &["stale", "--json"]);
    assert_eq!(ran.exit, 1, "{}", ran.stdout);
    let line = line_of(&ran, "stale");
    let finding = &line["findings"][0];
    assert_eq!(finding["rule"], "provider_address_unowned", "{finding}");
    let fix = finding["fix"][0].as_str().expect("a command");
    assert!(fix.contains("Set-NetVirtualizationLookupRecord"), "{fix}");
    assert!(fix.contains("10.0.0.12"), "{fix}");
}

#[test]
fn ports_without_a_subnet_leak_their_addresses() {
    let ran = verify("no-vsid", &["leak", "--json"]);
    assert_eq!(ran.exit, 1);
    let line = line_of(&ran, "leak");
    assert_eq!(line["findings"].as_array().map(Vec::len), Some(4));
    assert_eq!(line["findings"][0]["rule"], "bare_customer_address");
}

#[test]
fn a_default_route_that_leads_to_its_gateway_is_in_order() {
    let scenario = in_pcaps("gateway/scenario.toml");
    let ran = nvgre(["verify", &scenario, "loops", "--json"]);
    assert_eq!(ran.exit, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn pairs_without_answers_leave_the_question_of_sizes_open() {
    let ran = verify("broken", &["mtu", "--json"]);
    assert_eq!(ran.exit, 4, "{}", ran.stdout);
    let line = line_of(&ran, "mtu");
    assert_eq!(line["answer"], "undecided");
    let title = line["title"].as_str().expect("a title");
    assert!(title.contains("4 of 8 pairs get answers"), "{title}");
}

#[test]
fn nothing_to_ask_is_no_proof() {
    let ran = verify("no-vsid", &["mtu", "--json"]);
    assert_eq!(line_of(&ran, "mtu")["answer"], "undecided");
    assert_eq!(ran.exit, 4);
}
