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

#[test]
fn whatever_else_is_named_is_explained_by_its_name() {
    for (name, part) in [
        // what ended a conversation
        (
            "address_conflict",
            "Two guests that hear each other use one address.",
        ),
        ("wrong_guest", "delivered to another guest"),
        (
            "no_answer",
            "Nobody who gets a guest's question has the address",
        ),
        ("taken", "takes a packet for itself"),
        ("no_gateway", "the guest has no gateway"),
        (
            "no_common_family",
            "IPv4 addresses only, the other IPv6 addresses only",
        ),
        ("cross_tenant", "A frame of one tenant reaches another."),
        // why a frame was skipped
        ("unknown_port", "No port has the source MAC"),
        ("seen_before", "it entered at the first of them"),
        ("other_direction", "on its way to the port"),
        ("cut_short", "too little of the frame"),
        ("ambiguous_port", "Several ports have the source MAC"),
        // rules of doctor and verify
        ("stale_record", "a host where its guest does not run"),
        (
            "shared_subnet",
            "Ports of two tenants are in one virtual subnet",
        ),
        ("black_hole", "leads to nobody"),
        // checks of policy: of one host, between hosts, and both
        (
            "V-01",
            "There is a record for this customer address and subnet already.",
        ),
        ("V-16", "lacks one of its lookup records"),
        (
            "V-05",
            "This customer address is in another subnet of the routing domain too.",
        ),
        ("v-05", "Two adapters of one routing domain have one MAC."),
    ] {
        let ran = nvgre(["codes", name]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{name}");
        let first = ran.stdout.lines().next();
        assert!(first.is_some_and(|first| first.eq_ignore_ascii_case(name)));
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let ran = nvgre(["codes", "stale_record", "--json"]);
    let line = ran.json_lines(SCHEMA, KEYS).remove(0);
    assert_eq!(line["source"], serde_json::Value::Null);
    let fix = line["usual_fix"].as_str().expect("a text");
    assert!(
        fix.starts_with("Set-NetVirtualizationLookupRecord"),
        "{fix}"
    );
}

#[test]
fn a_name_that_nothing_is_near_is_refused_without_the_list_of_all() {
    let ran = nvgre(["codes", "xyzzy"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr.contains("invalid value 'xyzzy'"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("tip"), "{}", ran.stderr);
    assert!(ran.stderr.lines().count() < 6, "{}", ran.stderr);
    let ran = nvgre(["codes", "stale_recrod"]);
    assert!(ran.stderr.contains("'stale_record'"), "{}", ran.stderr);
}
