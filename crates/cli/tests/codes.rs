//! `nvgre codes`: every drop reason, explained.

mod common;

use common::{nvgre, pcaps};

const SCHEMA: &str = "nvgre.codes/1";
const KEYS: &[&str] = &[
    "schema",
    "name",
    "sentence",
    "usual_cause",
    "usual_fix",
    "source",
];

#[test]
fn every_reason_is_explained_in_json() {
    let ran = nvgre(["codes", "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let lines = ran.json_lines(SCHEMA, KEYS);
    assert!(lines.len() >= 48, "the design lists 48 reasons");
    for line in &lines {
        for key in KEYS {
            assert!(
                !line[*key].as_str().expect("a text").is_empty(),
                "{key} of {line}"
            );
        }
    }
    for name in [
        "port_disconnected",
        "unknown_peer",
        "ecn_ce_on_not_ect",
        "no_port",
    ] {
        assert!(lines.iter().any(|line| line["name"] == name), "{name}");
    }
}

#[test]
fn one_reason_is_explained_by_name() {
    let ran = nvgre(["codes", "inner_vlan"]);
    assert_eq!(ran.exit, 0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "inner_vlan");
    assert!(lines[4].trim_start().starts_with("source") && lines[4].ends_with("RFC 7637 s3.3"));
    assert_eq!(lines.len(), 5, "{}", ran.stdout);
}

#[test]
fn an_unknown_reason_is_refused_with_the_nearest_one() {
    let ran = nvgre(["codes", "inner_vlam"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr.contains("a similar value exists: 'inner_vlan'"),
        "{}",
        ran.stderr
    );
}

#[test]
fn every_reason_of_a_capture_can_be_looked_up() {
    let file = pcaps().join("scapy/scapy-shared-wrong.pcap");
    let ran = nvgre(["pcap".as_ref(), "decap".as_ref(), file.as_os_str()]);
    let (_, totals) = ran.stdout.split_once("\n\n").expect("totals");
    let names = totals
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1));
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 10, "{totals}");
    for name in names {
        assert_eq!(nvgre(["codes", name]).exit, 0, "{name}");
    }
}
