//! `nvgre demo`: the founding story, for people and for tools, and the stages of other scenarios.

mod common;

use std::fs;
use std::path::Path;

use common::{nvgre, pcaps};
use serde_json::json;

const SCHEMA: &str = "nvgre.demo/1";
const KEYS: &[&str] = &[
    "schema",
    "stage",
    "name",
    "probes",
    "conflicts",
    "cross_tenant_deliveries",
];

/// The text of one stage: from its heading to the empty line.
fn stage<'t>(text: &'t str, heading: &str) -> Vec<&'t str> {
    let start = text
        .find(heading)
        .unwrap_or_else(|| panic!("{heading} in {text}"));
    text[start..]
        .lines()
        .take_while(|line| !line.is_empty())
        .collect()
}

/// What a stage says after this word of its facts.
fn fact<'t>(stage: &[&'t str], name: &str) -> &'t str {
    stage
        .iter()
        .find_map(|line| line.trim_start().strip_prefix(name))
        .unwrap_or_else(|| panic!("{name} in {stage:#?}"))
        .trim_start()
}

#[test]
fn json_tells_the_six_stages_in_the_promised_shape() {
    let ran = nvgre(["demo", "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let lines = ran.json_lines(SCHEMA, KEYS);
    let names: Vec<_> = lines.iter().map(|line| &line["name"]).collect();
    assert_eq!(
        names,
        ["no-vsid", "vsid", "moved", "wnv", "broken", "repaired"]
    );
    let red = [
        None,
        None,
        Some("wnv_unbound"),
        None,
        Some("underlay_no_owner"),
        None,
    ];
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["stage"], index + 1);
        let probes = line["probes"].as_array().expect("a list");
        let pairs: Vec<_> = probes.iter().map(|p| (&p["from"], &p["to"])).collect();
        assert_eq!(
            pairs,
            [
                (&json!("Red11"), &json!("Red22")),
                (&json!("Blue11"), &json!("Blue22"))
            ]
        );
        if index == 0 {
            continue;
        }
        assert_eq!(
            line["probes"],
            json!([
                {"from": "Red11", "to": "Red22", "ok": red[index].is_none(), "reason": red[index]},
                {"from": "Blue11", "to": "Blue22", "ok": true, "reason": null},
            ])
        );
        assert_eq!(
            (&line["conflicts"], &line["cross_tenant_deliveries"]),
            (&json!(0), &json!(0))
        );
    }
}

#[test]
fn without_vsids_both_tenants_report_conflicts_and_frames_cross() {
    let ran = nvgre(["demo", "--json"]);
    let first = &ran.json_lines(SCHEMA, KEYS)[0];
    for probe in first["probes"].as_array().expect("a list") {
        assert_eq!(probe["reason"], "address_conflict");
    }
    assert!(first["conflicts"].as_u64() > Some(0), "{first}");
    assert!(
        first["cross_tenant_deliveries"].as_u64() > Some(0),
        "{first}"
    );

    let text = nvgre(["demo"]).stdout;
    let told = stage(&text, "1. no-vsid:").join("\n");
    let crossed = first["cross_tenant_deliveries"].to_string();
    assert!(
        told.contains(&format!("{crossed} frames of one tenant reached another")),
        "{told}"
    );
    for guest in ["Red11", "Red22", "Blue11", "Blue22"] {
        assert!(
            told.contains(&format!("{guest} reports an address conflict:")),
            "{told}"
        );
    }
}

#[test]
fn text_tells_the_six_stages_and_exits_0() {
    let ran = nvgre(["demo"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let headings: Vec<_> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(
        headings,
        [
            "1. no-vsid",
            "2. vsid",
            "3. moved",
            "4. wnv",
            "5. broken",
            "6. repaired"
        ]
    );
    for heading in &headings[1..] {
        let told = stage(&ran.stdout, heading);
        assert!(
            told.contains(&"   no frame of one tenant reached another"),
            "{told:#?}"
        );
        assert!(told.contains(&"   ping Blue11 -> Blue22   ok"), "{told:#?}");
    }
}

#[test]
fn a_ping_that_fails_for_want_of_wnv_names_host_and_reason() {
    let text = nvgre(["demo"]).stdout;
    let told = stage(&text, "3. moved:");
    assert!(
        told.contains(&"   ping Red11 -> Red22     FAILS: wnv_unbound, as told"),
        "{told:#?}"
    );
    assert_eq!(fact(&told, "host"), "Statler");
    assert!(fact(&told, "why").contains("leave the host"), "{told:#?}");
    assert!(
        fact(&told, "record").starts_with("none was asked"),
        "{told:#?}"
    );
    assert!(
        fact(&told, "fix").contains("Enable-NetAdapterBinding"),
        "{told:#?}"
    );
}

#[test]
fn a_ping_that_fails_for_a_wrong_record_names_the_line_that_made_it() {
    let text = nvgre(["demo"]).stdout;
    let told = stage(&text, "5. broken:");
    assert!(
        told.contains(&"   ping Red11 -> Red22     FAILS: underlay_no_owner, as told"),
        "{told:#?}"
    );
    assert_eq!(fact(&told, "host"), "Statler");
    assert!(fact(&told, "record").starts_with("192.168.1.22 in VSID 445566 is at 10.0.0.21"));

    // The place leads to the command, for somebody who stands at the root of the repository.
    let place: Vec<_> = fact(&told, "written").split(':').collect();
    let [file, line, column] = place[..] else {
        panic!("{place:?}")
    };
    let script = std::fs::read_to_string(pcaps().join("..").join(file)).expect("a script");
    let number: usize = line.parse().expect("a line");
    let line = script.lines().nth(number - 1).expect("that line");
    let column: usize = column.parse().expect("a column");
    let command = &line[column - 1..];
    assert!(
        command.starts_with("New-NetVirtualizationLookupRecord"),
        "{command}"
    );
    assert!(command.contains("\"192.168.1.22\""), "{command}");
}

#[test]
fn recorded_traffic_of_both_tenants_passes_the_repaired_network() {
    let text = nvgre(["demo"]).stdout;
    let (_, replay) = text.split_once("\n6. repaired:").expect("a last stage");
    for label in ["frames     ", "copies     "] {
        let line = replay
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .unwrap_or_else(|| panic!("{label} in {replay}"));
        let numbers: Vec<u64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        assert!(numbers[0] > 1_000, "{line}");
        assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>(), "{line}");
        assert!(line.contains(" 0 dropped"), "{line}");
    }
    for needle in [
        "isolation  ISOLATED: no frame reached another tenant",
        "tenant Red ",
        "tenant Blue ",
        "frames/s, ",
        " Gbit/s",
    ] {
        assert!(replay.contains(needle), "{needle} in {replay}");
    }
}

#[test]
fn only_the_speed_differs_from_run_to_run() {
    let told = || {
        let text = nvgre(["demo"]).stdout;
        let kept = text.lines().filter(|line| !line.starts_with("speed "));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(), told());
    assert_eq!(
        nvgre(["demo", "--json"]).stdout,
        nvgre(["demo", "--json"]).stdout
    );
}

#[test]
fn the_story_fits_a_terminal_of_100_columns() {
    for line in nvgre(["demo"]).stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line.trim_end(), line, "no blanks at the end");
    }
}

// Other scenarios

/// A copy of a case, its scenario with `from` replaced.
fn altered(case: &str, from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy");
    fs::create_dir(&policy).expect("a folder");
    for script in fs::read_dir(pcaps().join(case).join("policy")).expect("policy") {
        let script = script.expect("a script");
        fs::copy(script.path(), policy.join(script.file_name())).expect("a copy");
    }
    let text = fs::read_to_string(pcaps().join(case).join("scenario.toml")).expect("a scenario");
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replace(from, to);
    fs::write(folder.path().join("scenario.toml"), text).expect("a file");
    folder
}

fn demo(folder: &Path, more: &[&str]) -> common::Ran {
    let scenario = folder.join("scenario.toml");
    let scenario = scenario.to_str().expect("UTF-8");
    nvgre([&["demo", scenario], more].concat())
}

#[test]
fn stages_of_another_scenario_end_as_it_tells_them() {
    for (case, reasons) in [
        (
            "nat",
            &[
                &[None, None, None, None][..],
                &[None, Some("nat_no_source")],
            ][..],
        ),
        (
            "gateway",
            &[
                &[None, None, Some("no_customer_route")],
                &[Some("no_source_record")],
                &[None, None, None],
            ],
        ),
    ] {
        let ran = demo(&pcaps().join(case), &["--json"]);
        assert_eq!(ran.exit, 0, "{case}: {}", ran.stderr);
        let lines = ran.json_lines(SCHEMA, KEYS);
        assert_eq!(lines.len(), reasons.len(), "{case}");
        for (line, reasons) in lines.iter().zip(reasons) {
            let probes = line["probes"].as_array().expect("a list");
            let found: Vec<_> = probes.iter().map(|p| p["reason"].as_str()).collect();
            assert_eq!(found, *reasons, "{case}");
        }
    }
}

#[test]
fn of_another_scenario_no_recorded_captures_are_replayed() {
    let ran = demo(&pcaps().join("nat"), &[]);
    assert_eq!(ran.exit, 0);
    assert!(ran.stdout.starts_with("nat: IP rewrite"), "{}", ran.stdout);
    for of_the_story in ["red.pcap", "frames/s", "Statler"] {
        assert!(!ran.stdout.contains(of_the_story), "{}", ran.stdout);
    }
}

#[test]
fn a_stage_that_does_not_end_as_told_exits_1_and_says_what_was_expected() {
    let probe = "{ from = \"Blue2\", to = \"Blue1\", expect = \"nat_no_source\" }";
    let folder = altered("nat", probe, &probe.replace("nat_no_source", "ok"));
    let ran = demo(folder.path(), &[]);
    assert_eq!(ran.exit, 1);
    let told = stage(&ran.stdout, "2. mixed-rules:");
    assert_eq!(fact(&told, "expect"), "ok");
    let verdict = "   THIS STAGE DID NOT END AS THE SCENARIO TELLS IT";
    assert_eq!(ran.stdout.matches(verdict).count(), 1, "{}", ran.stdout);
    assert_eq!(told.last(), Some(&verdict));

    let ran = demo(folder.path(), &["--json"]);
    assert_eq!(ran.exit, 1);
    let lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(
        lines[1]["probes"][1],
        json!({"from": "Blue2", "to": "Blue1", "ok": false, "reason": "nat_no_source"})
    );
}

#[test]
fn a_scenario_without_probes_checks_nothing_and_exits_4() {
    let case = "kernel-two-vsid";
    demo(&pcaps().join(case), &[]).failed_saying(4, &["scenario.toml: no stage has probes"]);
}

#[test]
fn a_scenario_that_is_wrong_exits_3_with_its_place() {
    let folder = altered("nat", "to = \"Red2\"", "to = \"Red3\"");
    let ran = demo(folder.path(), &[]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("scenario.toml:"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Red3"), "{}", ran.stderr);
}
