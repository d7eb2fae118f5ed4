//! `nvgre bench`: the shape of what it prints, and its exit codes. Times are nobody's contract.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Ran, nvgre};
use serde_json::{Value, json};

const SCHEMA: &str = "nvgre.bench/1";
const KEYS: &[&str] = &[
    "schema",
    "id",
    "records",
    "workers",
    "ns_per_frame",
    "mpps",
    "gbit_per_s",
    "limit",
    "ratio_to_limit",
    "peer",
    "ratio_to_peer",
    "allocations_per_frame",
    "pass_frames",
    "pass_ns_p50",
    "pass_ns_p99",
    "ns_per_record",
    "ns_per_record_p99",
    "records_per_s",
    "processor_ns_per_record",
    "text_ns_per_record",
    "bytes_per_record",
    "most_bytes_per_record",
    "edits_per_s",
];
/// What only frames have, and what only records have.
const OF_FRAMES: &[&str] = &["ns_per_frame", "mpps", "gbit_per_s"];
const OF_RECORDS: &[&str] = &["ns_per_record", "records_per_s"];

/// A baseline of these lines, in a folder that ends with it.
struct Baseline {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Baseline {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("baseline.jsonl");
        fs::write(&file, text).expect("a file");
        Self {
            _folder: folder,
            file,
        }
    }

    /// One case had this ratio.
    fn with(id: &str, ratio: f64) -> Self {
        let line = json!({
            "schema": SCHEMA, "id": id, "records": 1_000, "ratio_to_limit": ratio, "of_later": "x",
        });
        Self::of(&format!("{line}\n"))
    }

    /// Compares a run of `local/64B` with it.
    fn compared(&self, more: &[&str]) -> Ran {
        let file = self.file.to_str().expect("UTF-8");
        let mut arguments = vec!["bench", "--quick", "single/local/64B", "--baseline", file];
        arguments.extend(more);
        nvgre(arguments)
    }

    /// It is refused, and the message names this place and holds this.
    #[track_caller]
    fn refused(&self, place: &str, told: &str) {
        let ran = self.compared(&[]);
        let place = format!("{}:{place}: ", self.file.display());
        ran.failed_saying(3, &[&place, told]);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn every_case_is_a_json_line() {
    let ran = nvgre([
        "bench",
        "--quick",
        "--json",
        "local/64B",
        "workers",
        "limit/encap/ipv4/64B",
    ]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let lines = ran.json_lines(SCHEMA, KEYS);
    let ids: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["id"].as_str())
        .collect();
    let measured = [
        "limit/encap/ipv4/64B",
        "limit/encap/ipv4/64B/1M-records",
        "local/64B",
        "single/local/64B",
    ];
    assert_eq!(ids[..4], measured);
    for line in &lines {
        above_zero(line, OF_FRAMES);
        null(line, OF_RECORDS);
    }
    let single = &lines[3];
    assert_eq!(single["limit"], "limit/encap/ipv4/64B");
    assert_eq!(single["peer"], "local/64B");
    assert_eq!(single["allocations_per_frame"], 0.0);
    assert_eq!(
        (&single["records"], &single["pass_frames"]),
        (&json!(1_000), &json!(256))
    );
    assert!(single["ratio_to_limit"].as_f64().expect("a number") > 1.0);
    assert_eq!(lines[1]["records"], 1_000_000);
    assert_eq!(lines[0]["ratio_to_limit"], Value::Null);
    // A machine that runs one thread at a time has no case for two.
    if let Some(two) = lines.get(4) {
        assert_eq!(
            (&two["id"], &two["workers"]),
            (&json!("workers/2"), &json!(2))
        );
        assert_eq!(two["peer"], "workers/1");
    }
}

#[track_caller]
fn above_zero(line: &Value, keys: &[&str]) {
    for &key in keys {
        let number = line[key].as_f64();
        assert!(number.is_some_and(|number| number > 0.0), "{key} of {line}");
    }
}

#[track_caller]
fn null(line: &Value, keys: &[&str]) {
    for &key in keys {
        assert_eq!(line[key], Value::Null, "{key} of {line}");
    }
}

#[test]
fn edits_and_loads_are_json_lines_about_records() {
    // The ids that say 1M take this one test build too long.
    for (id, has, has_not) in [
        (
            "edit/provider",
            &["ns_per_record_p99"][..],
            &["bytes_per_record"][..],
        ),
        (
            "edit/floods",
            &["ns_per_record_p99"],
            &["text_ns_per_record"],
        ),
        ("edit/nat", &["ns_per_record_p99"], &["bytes_per_record"]),
        (
            "load/edits",
            &[
                "bytes_per_record",
                "most_bytes_per_record",
                "processor_ns_per_record",
            ],
            &["text_ns_per_record", "ns_per_record_p99"],
        ),
        (
            "load/script",
            &["bytes_per_record", "text_ns_per_record"],
            &["ns_per_record_p99"],
        ),
    ] {
        let ran = nvgre([
            "bench",
            "--quick",
            "--json",
            "--exact",
            "--records",
            "200",
            id,
        ]);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        let lines = ran.json_lines(SCHEMA, KEYS);
        assert_eq!(lines.len(), 1, "{id}");
        let line = &lines[0];
        assert_eq!((&line["id"], &line["records"]), (&json!(id), &json!(200)));
        above_zero(line, OF_RECORDS);
        above_zero(line, has);
        null(line, OF_FRAMES);
        null(line, has_not);
        null(
            line,
            &["ratio_to_limit", "ratio_to_peer", "peer", "edits_per_s"],
        );
    }
}

#[test]
fn people_get_a_table() {
    let ran = nvgre(["bench", "--quick", "drop", "--records", "200"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let mut lines = ran.stdout.lines();
    assert!(lines.next().expect("a header").contains("x limit"));
    let rows: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    assert_eq!(rows.len(), 2, "{}", ran.stdout);
    assert!(rows[0].contains("drop/no_lookup_record"));
}

#[test]
fn charts_get_one_array_of_names_units_and_values() {
    let ran = nvgre(["bench", "--quick", "--chart", "single/local"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let points: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let points = points.as_array().expect("an array");
    assert_eq!(points.len(), 2);
    for (point, (name, unit)) in points.iter().zip([
        ("single/local/64B", "ns/frame"),
        ("single/local/64B to limit", "ratio"),
    ]) {
        assert_eq!(
            (&point["name"], &point["unit"]),
            (&json!(name), &json!(unit))
        );
        assert!(point["value"].as_f64().expect("a number") > 0.0);
        assert_eq!(point.as_object().map(|point| point.len()), Some(3));
    }
}

#[test]
fn charts_get_the_time_of_an_edit_and_the_memory_of_a_load() {
    let chart = [
        "bench",
        "--quick",
        "--chart",
        "--exact",
        "load/edits",
        "edit/provider",
    ];
    let ran = nvgre(chart);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let points: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let points = points.as_array().expect("an array");
    let named: Vec<_> = points
        .iter()
        .map(|point| (point["name"].as_str(), point["unit"].as_str()))
        .collect();
    assert_eq!(
        named,
        [
            (Some("load/edits"), Some("ns/record")),
            (Some("load/edits memory"), Some("bytes/record")),
            (Some("edit/provider"), Some("ns/record")),
            (Some("edit/provider p99"), Some("ns/record")),
        ]
    );
    for point in points {
        above_zero(point, &["value"]);
    }
}

#[test]
fn frames_of_one_size_only() {
    let ran = nvgre(["bench", "--quick", "--json", "--frames", "imix"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["id"], "mixed/imix");
}

#[test]
fn no_worse_than_the_baseline_exits_0() {
    let ran = Baseline::with("single/local/64B", 1e6).compared(&[]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(
        ran.stdout
            .ends_with("\nratios compared with the baseline: 1; worse by more than 25 %: 0\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_chart_is_alone_on_stdout_beside_a_baseline() {
    let ran = Baseline::with("single/local/64B", 1e6).compared(&["--chart"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let chart: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(chart.is_array(), "{chart}");
    assert!(
        ran.stderr.contains("ratios compared with the baseline: 1;"),
        "{}",
        ran.stderr
    );
}

#[test]
fn worse_than_the_baseline_exits_5_with_both_ratios_and_the_margin() {
    let baseline = Baseline::with("single/local/64B", 0.01);
    let ran = baseline.compared(&["--margin", "40", "--json"]);
    assert_eq!(ran.exit, 5, "{}", ran.stderr);
    assert_eq!(ran.json_lines(SCHEMA, KEYS).len(), 1);
    let lines: Vec<_> = ran.stderr.lines().collect();
    let [.., told, sum] = lines[..] else {
        panic!("{}", ran.stderr);
    };
    assert_eq!(
        sum,
        "nvgre: ratios compared with the baseline: 1; worse by more than 40 %: 1"
    );
    for part in [
        "nvgre: single/local/64B: ",
        " times its limit, 0.01 in the baseline: ",
        " % worse, 40 % allowed",
    ] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
}

#[test]
fn a_baseline_without_the_case_exits_4() {
    let ran = Baseline::with("encap/ipv4/64B", 9.0).compared(&[]);
    assert_eq!(ran.exit, 4);
    assert!(
        ran.stderr.contains("nothing was compared"),
        "{}",
        ran.stderr
    );
    // Other tables are another case.
    let ran = Baseline::with("single/local/64B", 9.0).compared(&["--records", "500"]);
    assert_eq!(ran.exit, 4, "{}", ran.stderr);
}

#[test]
fn a_baseline_that_is_none_exits_3_with_its_place() {
    const RIGHT: &str = r#"{"schema":"nvgre.bench/1","id":"x","records":1,"ratio_to_limit":1.5}"#;
    // The column is where reading stopped: behind what is wrong.
    for (text, place, told) in [
        ("", "1:1", "nvgre bench --json"),
        ("not json\n", "1:2", "expected"),
        (
            &format!("{RIGHT}\n\n{{\"schema\":\"nvgre.codes/1\"}}\n"),
            "3:26",
            "expected \"nvgre.bench/1\"",
        ),
        (
            &format!("{RIGHT}\n{{\"schema\":\"nvgre.bench/1\",\"id\":\"x\"}}"),
            "2:35",
            "missing field `records`",
        ),
        (&RIGHT[..40], "1:40", "EOF"),
        (&RIGHT.replace("1.5", "-1.5"), "1:69", "a ratio above 0"),
        (&RIGHT.replace("1.5", "\"fast\""), "1:70", "invalid type"),
    ] {
        Baseline::of(text).refused(place, told);
    }
}

#[test]
fn a_baseline_that_cannot_be_read_exits_3_with_its_name() {
    let ran = nvgre(["bench", "--baseline", "no-such-file.jsonl"]);
    ran.failed_saying(3, &["no-such-file.jsonl: "]);
}

#[test]
fn wrong_values_exit_2_and_say_what_is_right() {
    for (arguments, told) in [
        (&["--records", "99"][..], "100..=10000000"),
        (&["--records", "many"], "invalid digit"),
        (&["--frames", "63"], "possible values: 64, 1500, imix"),
        (&["--workers", "0"], "this machine runs 1 to "),
        (&["--workers", "100000"], "this machine runs 1 to "),
        (&["--margin", "5"], "--baseline"),
        (&["--chart", "--json"], "cannot be used with"),
        (&["no/such/case"], "no case has 'no/such/case' in its id"),
        (&["local/64B", "encpa"], "no case has 'encpa' in its id"),
        (&["--exact", "local"], "no case is named 'local'"),
        (&["local", "--frames", "1500"], "no case has 'local'"),
    ] {
        let ran = nvgre(["bench", "--quick"].iter().chain(arguments));
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(told), "{told:?} in {}", ran.stderr);
    }
}
