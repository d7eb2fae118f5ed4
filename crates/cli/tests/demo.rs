//! `nvgre demo`: the founding story, for people and for tools.

mod common;

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
        told.contains(&"   ping Red11 -> Red22     FAILS: wnv_unbound"),
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
        told.contains(&"   ping Red11 -> Red22     FAILS: underlay_no_owner"),
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
