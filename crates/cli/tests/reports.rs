//! `--report`: what a run came to, in four formats, however it ended. The formats are read by
//! parsers of others: junit-parser and serde-sarif.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{Ran, command, nvgre, pcaps};
use junit_parser::{TestCase, TestSuite};
use serde_json::Value;

/// The founding story in a folder of its own, which is also where runs start and reports go.
struct Case {
    folder: tempfile::TempDir,
}

const SCENARIO: &str = "case/scenario.toml";
const BROKEN: &str = "case/policy/5-broken.ps1";
const RED: &str = "case/red.pcap";
/// A replay that a record's line is to blame for.
const BLAMED: &[&str] = &[
    "replay",
    SCENARIO,
    "-r",
    RED,
    "--stage",
    "broken",
    "--fail-on",
    "underlay_no_owner",
];

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let story = pcaps().join("waldorf-statler");
        let case = folder.path().join("case");
        fs::create_dir_all(case.join("policy")).expect("a folder");
        for name in ["scenario.toml", "red.pcap"] {
            fs::copy(story.join(name), case.join(name)).expect("a copy");
        }
        for entry in fs::read_dir(story.join("policy")).expect("a folder") {
            let script = entry.expect("an entry").path();
            let name = script.file_name().expect("a name");
            fs::copy(&script, case.join("policy").join(name)).expect("a copy");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from} in {name}");
        fs::write(self.path(name), text.replace(from, to)).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command = command(words);
        Ran::of(
            command
                .current_dir(self.folder.path())
                .output()
                .expect("it starts"),
        )
    }

    /// The same with every format, to r.xml, r.sarif and r.md.
    fn report(&self, words: &[&str]) -> Ran {
        let reports = ["junit=r.xml", "sarif=r.sarif", "md=r.md", "github"];
        let reports = reports.iter().flat_map(|report| ["--report", report]);
        self.run(&words.iter().copied().chain(reports).collect::<Vec<_>>())
    }

    fn junit(&self) -> TestSuite {
        let mut suites = junit_parser::from_reader(self.read("r.xml").as_bytes())
            .expect("JUnit XML")
            .suites;
        assert_eq!(suites.len(), 1);
        suites.remove(0)
    }

    /// The log as serde-sarif reads it, in JSON again. Whatever that does not know is missing.
    fn sarif(&self) -> Value {
        let text = self.read("r.sarif");
        let read: serde_sarif::sarif::Sarif = serde_json::from_str(&text).expect("SARIF");
        let (read, written): (Value, Value) = (
            serde_json::to_value(read).expect("JSON"),
            serde_json::from_str(&text).expect("JSON"),
        );
        assert_eq!(read, written, "something in it is not SARIF");
        read
    }

    /// The scenario tells of a ping that it arrives, and it cannot.
    fn expect_in_vain(&self) {
        self.edit(
            SCENARIO,
            "expect = \"underlay_no_owner\"",
            "expect = \"ok\"",
        );
    }
}

fn case<'s>(suite: &'s TestSuite, name: &str) -> &'s TestCase {
    let cases = &suite.cases;
    cases
        .iter()
        .find(|case| case.original_name == name)
        .unwrap_or_else(|| panic!("{name} in {cases:#?}"))
}

fn array<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("{pointer} in {value:#}"))
}

fn result<'v>(log: &'v Value, rule: &str) -> &'v Value {
    let results = array(log, "/runs/0/results");
    results
        .iter()
        .find(|result| result["ruleId"] == rule)
        .unwrap_or_else(|| panic!("{rule} in {results:#?}"))
}

fn annotations(ran: &Ran) -> Vec<&str> {
    ran.stderr
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect()
}

// What they tell

#[test]
fn every_format_tells_the_line_of_the_record_that_decided() {
    let case_ = Case::new();
    let ran = case_.report(BLAMED);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);

    let suite = case_.junit();
    assert_eq!(suite.name, "nvgre replay");
    let blamed = case(&suite, "fail-on/underlay_no_owner");
    assert_eq!(
        (blamed.file.as_deref(), blamed.line),
        (Some(BROKEN), Some(12))
    );
    let failure = blamed.status.failure_as_ref();
    assert_eq!(failure.failure_type, "underlay_no_owner");
    assert!(
        failure.text.contains("case/policy/5-broken.ps1:12:1"),
        "{}",
        failure.text
    );
    assert!(case(&suite, "isolation").status.is_success());
    assert_eq!((suite.failures, suite.errors), (1, 0));

    let log = case_.sarif();
    let place = &result(&log, "underlay_no_owner")["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], BROKEN);
    assert_eq!(place["region"]["startLine"], 12);
    assert_eq!(place["region"]["startColumn"], 1);

    let markdown = case_.read("r.md");
    let link = "[case/policy/5-broken.ps1:12](case/policy/5-broken.ps1#L12)";
    assert!(markdown.contains(link), "{markdown}");
    assert!(markdown.contains("| **no** | nothing is dropped for underlay\\_no\\_owner | 1 |"));

    let annotations = annotations(&ran);
    let start = "::error file=case/policy/5-broken.ps1,line=12,col=1,title=nvgre replay%3A underlay_no_owner::";
    assert!(annotations[0].starts_with(start), "{annotations:#?}");
}

#[test]
fn drops_that_are_no_failure_are_notes() {
    let case_ = Case::new();
    let ran = case_.report(&BLAMED[..6]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let suite = case_.junit();
    assert!(
        suite.cases.iter().all(|case| case.status.is_success()),
        "{suite:#?}"
    );
    let drops = case(&suite, "drops")
        .system_out
        .as_deref()
        .unwrap_or_default();
    assert!(drops.contains("underlay_no_owner: "), "{drops}");
    let log = case_.sarif();
    for result in array(&log, "/runs/0/results") {
        assert_eq!(result["level"], "note", "{result:#}");
    }
    let annotations = annotations(&ran);
    assert!(
        annotations.iter().all(|line| line.starts_with("::notice ")),
        "{annotations:#?}"
    );
}

#[test]
fn rules_of_drop_reasons_are_explained_as_nvgre_codes_does() {
    let case_ = Case::new();
    case_.report(BLAMED);
    let log = case_.sarif();
    let result = result(&log, "underlay_no_owner");
    let index = result["ruleIndex"].as_u64().expect("an index") as usize;
    let rule = &array(&log, "/runs/0/tool/driver/rules")[index];
    let codes = nvgre(["codes", "underlay_no_owner", "--json"]);
    let codes: Value = serde_json::from_str(&codes.stdout).expect("a line");
    assert_eq!(rule["id"], "underlay_no_owner");
    assert_eq!(rule["shortDescription"]["text"], codes["sentence"]);
    let help = rule["help"]["text"].as_str().expect("a text");
    for key in ["usual_cause", "usual_fix", "source"] {
        assert!(
            help.contains(codes[key].as_str().expect("a text")),
            "{key} in {help}"
        );
    }
}

#[test]
fn every_rule_that_is_broken_is_explained() {
    let case_ = Case::new();
    for stage in ["no-vsid", "vsid", "moved", "wnv", "broken", "repaired"] {
        let ran = case_.report(&["verify", SCENARIO, "--stage", stage]);
        let log = case_.sarif();
        let rules = array(&log, "/runs/0/tool/driver/rules");
        for rule in rules {
            assert_ne!(rule["help"]["text"], "See the message.", "{rule}");
        }
        assert_eq!(rules.is_empty(), stage == "vsid", "{stage}: {}", ran.stderr);
    }
    for stage in ["no-vsid", "moved", "broken"] {
        for words in [
            &[
                "diff",
                SCENARIO,
                SCENARIO,
                "--behaviour",
                "--new-stage",
                stage,
            ][..],
            &["ping", SCENARIO, "Red11", "Red22", "--stage", stage],
            &[
                "export", SCENARIO, "--as", "csv", "--stage", stage, "-o", stage,
            ],
            &["doctor", stage],
        ] {
            let ran = case_.report(words);
            for rule in array(&case_.sarif(), "/runs/0/tool/driver/rules") {
                assert_ne!(rule["help"]["text"], "See the message.", "{rule}");
            }
            // At first nothing is on Waldorf: there is nothing to compare.
            let is_alone = *words == ["doctor", "no-vsid"];
            let exits = if is_alone { &[4][..] } else { &[0, 1] };
            assert!(exits.contains(&ran.exit), "{words:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_fingerprint_stays_when_lines_come_in_above_and_changes_with_the_address() {
    let case_ = Case::new();
    let fingerprint_and_line = || {
        case_.report(BLAMED);
        let log = case_.sarif();
        let result = result(&log, "underlay_no_owner");
        let line = result["locations"][0]["physicalLocation"]["region"]["startLine"].clone();
        (result["partialFingerprints"]["nvgre/v1"].clone(), line)
    };
    let (before, line) = fingerprint_and_line();
    assert_eq!((before.as_str().map(str::len), line), (Some(16), 12.into()));
    case_.edit(BROKEN, "# Local\n", "# Here\n# and\n# below\n");
    let (after, line) = fingerprint_and_line();
    assert_eq!((after, line), (before.clone(), 14.into()));
    for file in ["case/scenario.toml", BROKEN] {
        case_.edit(file, "Statler", "Sweetums");
    }
    for entry in fs::read_dir(case_.path("case/policy")).expect("a folder") {
        let script = entry.expect("an entry").path();
        let text = fs::read_to_string(&script).expect("text");
        fs::write(&script, text.replace("Statler", "Sweetums")).expect("a file");
    }
    let (of_another, _) = fingerprint_and_line();
    assert_ne!(of_another, before);
}

#[test]
fn stages_and_their_pings_are_checks() {
    let case_ = Case::new();
    let ran = case_.report(&["demo", SCENARIO]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let suite = case_.junit();
    for name in [
        "run",
        "policy",
        "stage/no-vsid",
        "stage/repaired",
        "stage/moved/Red11/Red22",
    ] {
        assert!(case(&suite, name).status.is_success(), "{name}");
    }
    case_.expect_in_vain();
    let ran = case_.report(&["demo", SCENARIO]);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let suite = case_.junit();
    assert!(case(&suite, "stage/broken").status.is_failure());
    assert!(case(&suite, "stage/wnv").status.is_success());
    let ping = case(&suite, "stage/broken/Red11/Red22");
    assert_eq!(
        ping.status.failure_as_ref().failure_type,
        "underlay_no_owner"
    );
    assert_eq!(ping.file.as_deref(), Some(BROKEN));
    assert!(case(&suite, "run").status.is_success(), "a no is an answer");
}

#[test]
fn cases_compared_with_a_baseline_are_checks() {
    let case_ = Case::new();
    let line = |ratio| {
        format!(
            "{{\"schema\":\"nvgre.bench/1\",\"id\":\"single/local/64B\",\"records\":1000,\"ratio_to_limit\":{ratio}}}\n"
        )
    };
    let words = [
        "bench",
        "--quick",
        "single/local/64B",
        "--baseline",
        "b.jsonl",
    ];
    for (ratio, exit) in [(1e-6, 5), (1e9, 0)] {
        fs::write(case_.path("b.jsonl"), line(ratio)).expect("a file");
        let ran = case_.report(&words);
        assert_eq!(ran.exit, exit, "{}", ran.stderr);
        let suite = case_.junit();
        let compared = case(&suite, "bench/single/local/64B");
        assert_eq!(compared.status.is_failure(), exit == 5, "{ratio}");
        assert_eq!(case_.sarif()["runs"][0]["invocations"][0]["exitCode"], exit);
    }
    fs::write(case_.path("b.jsonl"), format!("{}{{", line(1.0))).expect("a file");
    assert_eq!(case_.report(&words).exit, 3);
    let suite = case_.junit();
    let run = case(&suite, "run");
    assert_eq!((run.file.as_deref(), run.line), (Some("b.jsonl"), Some(2)));
}

#[test]
fn what_is_redacted_says_nothing_of_other_tenants_policy() {
    let case_ = Case::new();
    // No route of Blue's covers it, which is suspect.
    let script = case_.read("case/policy/4-wnv.ps1");
    let record = "New-NetVirtualizationLookupRecord -CustomerAddress \"172.16.9.9\" \
        -VirtualSubnetID 7788990 -MACAddress \"00155D00200C\" -ProviderAddress \"10.0.0.11\" \
        -Rule \"TranslationMethodEncap\"";
    let script = format!("{script}\n{record}\n");
    fs::write(case_.path("case/policy/4-wnv.ps1"), script).expect("a file");
    for words in [
        &["trace", SCENARIO, "Red11", "Red22"][..],
        &["ping", SCENARIO, "Red11", "Red22"],
        &["next-hop", SCENARIO, "Statler", "445566", "192.168.1.22"],
    ] {
        let told = |more: &[&str]| {
            let ran = case_.report(&[words, more].concat());
            assert_eq!(ran.exit, 0, "{words:?}: {}", ran.stderr);
            let reports = ["r.xml", "r.sarif", "r.md"].map(|file| case_.read(file));
            format!("{}{}{}", ran.stdout, ran.stderr, reports.concat())
        };
        assert!(told(&[]).contains("(V-09)"), "{words:?}");
        let hidden = told(&["--redact"]);
        for other in ["V-09", "7788990", "Blue"] {
            assert!(!hidden.contains(other), "{words:?}: {hidden}");
        }
    }
}

// However a run ends

#[test]
fn errors_of_scenarios_and_scripts_are_told_at_their_places() {
    for (file, from, to, line) in [
        (SCENARIO, "[underlay]", "colour = \"red\"\n[underlay]", None),
        (
            BROKEN,
            "$wrongPa = \"10.0.0.21\"",
            "$wrongPa = \"10.0.0.21\"\nFrobnicate",
            Some(9),
        ),
        (
            BROKEN,
            "VirtualSubnetID $redVsid -MAC",
            "VirtualSubnetID 1 -MAC",
            Some(12),
        ),
    ] {
        let case_ = Case::new();
        case_.edit(file, from, to);
        let ran = case_.report(&["replay", SCENARIO, "-r", RED]);
        assert_eq!(ran.exit, 3, "{}", ran.stderr);
        let suite = case_.junit();
        let run = case(&suite, "run");
        assert!(run.status.is_error());
        assert_eq!(run.file.as_deref(), Some(file));
        let log = case_.sarif();
        let notification = &array(&log, "/runs/0/invocations/0/toolExecutionNotifications")[0];
        let place = &notification["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], file);
        let told = place["region"]["startLine"].as_u64();
        assert!(
            told.is_some() && line.is_none_or(|line| told == Some(line)),
            "{place}"
        );
        assert_eq!(
            log["runs"][0]["invocations"][0]["executionSuccessful"],
            false
        );
        let annotation = annotations(&ran)[0];
        let start = format!("::error file={file},line={},", told.unwrap_or_default());
        assert!(annotation.starts_with(&start), "{annotation}");
        assert!(case_.read("r.md").contains(&format!("[{file}:")));
    }
}

#[test]
fn no_report_is_green_unless_the_exit_code_is_0() {
    let full = cfg!(target_os = "linux");
    let runs: &[(i32, &[&str])] = &[
        (0, &BLAMED[..6]),
        (0, &["show", SCENARIO]),
        (0, &["codes"]),
        (0, &["verify", SCENARIO]),
        (0, &["trace", SCENARIO, "Red11", "Red22"]),
        (0, &["ping", SCENARIO, "Red11", "Red22"]),
        (
            0,
            &["next-hop", SCENARIO, "Statler", "445566", "192.168.1.22"],
        ),
        (0, &["diff", SCENARIO, SCENARIO]),
        (1, BLAMED),
        (
            1,
            &["trace", SCENARIO, "Red11", "Red22", "--stage", "broken"],
        ),
        (
            1,
            &["ping", SCENARIO, "Red11", "Red22", "--stage", "broken"],
        ),
        (
            1,
            &["next-hop", SCENARIO, "Statler", "445566", "192.168.1.99"],
        ),
        (
            1,
            &[
                "diff",
                SCENARIO,
                SCENARIO,
                "--old-stage",
                "wnv",
                "--new-stage",
                "broken",
            ],
        ),
        (2, &["trace", SCENARIO, "Red11", "Gonzo"]),
        (3, &["doctor", "no-such-folder"]),
        (3, &["doctor", "case"]),
        (4, &["doctor", "nothing"]),
        (1, &["verify", SCENARIO, "--stage", "broken"]),
        (1, &["replay", SCENARIO, "-r", RED, "--stage", "no-vsid"]),
        (
            2,
            &["replay", SCENARIO, "-r", RED, "--stage", "no such stage"],
        ),
        (2, &["show", SCENARIO, "--host", "Gonzo"]),
        (2, &["replay", SCENARIO, "-r", RED, "-w", RED]),
        (3, &["replay", "no-such.toml", "-r", RED]),
        (3, &["replay", SCENARIO, "-r", SCENARIO]),
        (3, &["replay", SCENARIO, "-r", RED, "-r", "cut.pcap"]),
        (3, &["pcap", "info", RED, SCENARIO]),
        (3, &["pcap", "decap", SCENARIO]),
        (4, &["replay", SCENARIO, "-r", "empty.pcap"]),
        (4, &["pcap", "decap", "empty.pcap"]),
        (4, &["init", "-r", "empty.pcap", "-o", "made"]),
        (
            6,
            &[
                "replay",
                SCENARIO,
                "-r",
                RED,
                "-w",
                "no-such-folder/out.pcap",
            ],
        ),
        (6, &["init", "-r", RED, "-o", "case"]),
    ];
    let case_ = Case::new();
    let whole = fs::read(case_.path(RED)).expect("a capture");
    fs::write(case_.path("cut.pcap"), &whole[..60]).expect("a file");
    fs::write(case_.path("empty.pcap"), &whole[..24]).expect("a file");
    fs::create_dir(case_.path("nothing")).expect("a folder");
    for (exit, words) in runs {
        for file in ["r.xml", "r.sarif", "r.md"] {
            let _may_not_stand_there = fs::remove_file(case_.path(file));
        }
        let ran = case_.report(words);
        assert_eq!(ran.exit, *exit, "{words:?}: {}", ran.stderr);
        let suite = case_.junit();
        let green = suite.failures + suite.errors == 0;
        assert_eq!(green, *exit == 0, "{words:?}: {suite:#?}");
        assert_eq!(suite.tests, suite.cases.len() as u64);
        let log = case_.sarif();
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["exitCode"], *exit, "{words:?}");
        let worked = matches!(exit, 0 | 1 | 5);
        assert_eq!(invocation["executionSuccessful"], worked, "{words:?}");
        let told = format!("Exit code {exit}: ");
        assert!(case_.read("r.md").contains(&told), "{words:?}");
        let errors = annotations(&ran)
            .iter()
            .any(|line| !line.starts_with("::notice "));
        assert!(errors || *exit == 0, "{words:?}: {}", ran.stderr);
    }
    if full {
        let ran = command([
            "codes",
            "--report",
            "junit=r.xml",
            "--report",
            "sarif=r.sarif",
        ])
        .current_dir(case_.folder.path())
        .stdout(
            fs::File::options()
                .write(true)
                .open("/dev/full")
                .expect("a device"),
        )
        .output()
        .expect("it starts");
        assert_eq!(Ran::of(ran).exit, 6);
        assert_eq!(case_.junit().errors, 1);
        assert_eq!(case_.sarif()["runs"][0]["invocations"][0]["exitCode"], 6);
    }
}

#[test]
fn what_stays_open_is_an_error_and_skipped_where_that_is_accepted() {
    let case_ = Case::new();
    let whole = fs::read(case_.path(RED)).expect("a capture");
    fs::write(case_.path("empty.pcap"), &whole[..24]).expect("a file");
    let words = ["replay", SCENARIO, "-r", "empty.pcap", "--allow-empty"];
    assert_eq!(case_.report(&words[..4]).exit, 4);
    assert!(case(&case_.junit(), "entered").status.is_error());
    assert_eq!(case_.report(&words).exit, 0);
    let suite = case_.junit();
    assert!(case(&suite, "entered").status.is_skipped());
    assert!(case(&suite, "isolation").status.is_skipped());
}

#[test]
fn isolation_seen_in_half_of_an_input_stays_open() {
    let case_ = Case::new();
    let whole = fs::read(case_.path(RED)).expect("a capture");
    fs::write(case_.path("cut.pcap"), &whole[..whole.len() / 2]).expect("a file");
    let words = ["replay", SCENARIO, "-r", "cut.pcap", "--fail-on", "no_port"];
    assert_eq!(case_.report(&words).exit, 3);
    let suite = case_.junit();
    for name in ["isolation", "fail-on/no_port", "run"] {
        assert!(case(&suite, name).status.is_error(), "{name}");
    }
}

#[test]
fn a_reader_that_goes_away_does_not_cut_reports_short() {
    let case_ = Case::new();
    let told = |stdout: Stdio| {
        let mut command = command(BLAMED);
        let child = command
            .args([
                "--json",
                "--report",
                "junit=r.xml",
                "--report",
                "sarif=r.sarif",
            ])
            .current_dir(case_.folder.path())
            .stdout(stdout)
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.expect("it starts");
        drop(child.stdout.take());
        let exit = child.wait().expect("it ends").code();
        (exit, case_.read("r.xml"), case_.read("r.sarif"))
    };
    let read = told(Stdio::null());
    assert_eq!(read.0, Some(1));
    assert_eq!(told(Stdio::piped()), read);
}

#[test]
fn json_lines_stay_alone_on_stdout() {
    let case_ = Case::new();
    let words: Vec<_> = BLAMED.iter().copied().chain(["--json"]).collect();
    let (without, with) = (case_.run(&words), case_.report(&words));
    let lines = |ran: &Ran| ran.stdout.lines().count();
    assert_eq!((lines(&without), lines(&with)), (1, 1));
    assert!(!annotations(&with).is_empty());
    assert!(!with.stdout.contains("::error"));
}

// Where they go

#[test]
fn a_report_that_cannot_be_written_exits_6_and_the_others_are_written() {
    let case_ = Case::new();
    let ran = case_.run(&[
        "codes",
        "wnv_unbound",
        "--report",
        "junit=no-such-folder/r.xml",
        "--report",
        "md=r.md",
    ]);
    ran.failed_saying(6, &["--report junit=no-such-folder/r.xml"]);
    assert!(case_.read("r.md").starts_with("## nvgre codes\n"));
    let names = fs::read_dir(case_.folder.path()).expect("a folder");
    let names: Vec<_> = names
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_wrong_report_exits_2_and_says_what_is_expected() {
    let case_ = Case::new();
    for wrong in [
        "junit",
        "junit=",
        "sarif=-",
        "html=r.html",
        "github=r.txt",
        "",
        "=r.xml",
    ] {
        let ran = case_.run(&["codes", "--report", wrong]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{wrong}");
        let expected = "expected junit=FILE, sarif=FILE, md=FILE or github";
        assert!(ran.stderr.contains(expected), "{wrong}: {}", ran.stderr);
    }
}

#[test]
fn two_reports_to_one_file_are_refused_and_neither_is_written() {
    let case_ = Case::new();
    fs::create_dir(case_.path("sub")).expect("a folder");
    for other in ["md=r.xml", "md=./r.xml", "md=sub/../r.xml", "junit=r.xml"] {
        let words = [
            "codes",
            "wnv_unbound",
            "--report",
            "junit=r.xml",
            "--report",
            other,
        ];
        let ran = case_.run(&[&words[..], &["--report", "sarif=r.sarif"]].concat());
        ran.failed_saying(2, &["junit=r.xml", other]);
        assert!(!case_.path("r.xml").exists(), "{other}");
        assert_eq!(case_.sarif()["runs"][0]["invocations"][0]["exitCode"], 2);
    }
}

#[test]
fn an_output_over_a_file_of_the_run_is_refused_and_the_file_stays() {
    let case_ = Case::new();
    fs::hard_link(case_.path(RED), case_.path("link")).expect("a link");
    for file in [
        SCENARIO,
        RED,
        BROKEN,
        "case/../case/red.pcap",
        "link",
        "out.pcapng",
    ] {
        let before = fs::read(case_.path(file)).ok();
        let report = format!("md={file}");
        let words = [
            "replay",
            SCENARIO,
            "-r",
            RED,
            "-w",
            "out.pcapng",
            "--report",
            &report,
        ];
        let ran = case_.run(&words);
        ran.failed_saying(2, &[&format!("--report md={file}"), "name another file"]);
        assert_eq!(fs::read(case_.path(file)).ok(), before, "{file}");
    }
    let ran = case_.run(&["verify", SCENARIO, "-w", BROKEN, "--stage", "no-vsid"]);
    let refused = ran.stderr.contains("-w case/policy/5-broken.ps1: ");
    assert!(ran.exit == 2 && refused, "{}", ran.stderr);
    let report = format!("junit={RED}");
    let frame = format!("{RED}:1");
    let ran = case_.run(&["trace", SCENARIO, "--frame", &frame, "--report", &report]);
    assert!(
        ran.exit == 2 && ran.stderr.contains("name another file"),
        "{}",
        ran.stderr
    );
    let ran = case_.run(&["demo", SCENARIO, "--report", &format!("sarif={BROKEN}")]);
    ran.failed_saying(2, &["sarif="]);
    assert!(case_.read(BROKEN).starts_with("# Stage 5"));
}

#[test]
fn in_a_folder_of_the_run_a_report_replaces_nothing_but_a_report() {
    let case_ = Case::new();
    let words = ["export", SCENARIO, "--as", "csv", "-o", "dumps"];
    assert_eq!(case_.run(&words).exit, 0);
    let files = walk(&case_.path("dumps"));
    let dump = files.first().expect("a dump");
    let before = fs::read(dump).expect("a dump");
    let over_it = format!("junit={}", dump.display());
    let ran = case_.run(&["doctor", "dumps", "--report", &over_it]);
    ran.failed_saying(2, &[&over_it, "name another file"]);
    assert_eq!(fs::read(dump).expect("a dump"), before);
    // A name that begins with a dot is no dump.
    for _again in 0..2 {
        let ran = case_.run(&["doctor", "dumps", "--report", "md=dumps/.r.md"]);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        assert!(case_.read("dumps/.r.md").starts_with("## nvgre doctor\n"));
    }
}

/// Every file below a folder, in order.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let below = paths.into_iter().flat_map(|path| match path.is_dir() {
        true => walk(&path),
        false => vec![path],
    });
    below.collect()
}

#[test]
fn a_report_takes_the_place_of_an_older_one() {
    let case_ = Case::new();
    fs::write(case_.path("r.md"), "old").expect("a file");
    let ran = case_.run(&["codes", "wnv_unbound", "--report", "md=r.md"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert!(case_.read("r.md").starts_with("## nvgre codes\n"));
}

#[test]
#[cfg(unix)]
fn a_report_to_a_pipe_goes_through_it() {
    use std::os::unix::fs::FileTypeExt;

    let case_ = Case::new();
    let pipe = case_.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).expect("text"))
    };
    let ran = case_.run(&["codes", "wnv_unbound", "--report", "md=pipe"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert!(fs::metadata(&pipe).expect("a pipe").file_type().is_fifo());
    let text = reader.join().expect("it ends");
    assert!(text.starts_with("## nvgre codes\n"), "{text}");
}

#[test]
fn a_wrong_command_line_is_told_in_the_place_of_an_older_report() {
    let case_ = Case::new();
    let wrong = ["replay", SCENARIO, "--bogus"];
    assert_eq!(case_.report(&["codes"]).exit, 0);
    let ran = case_.report(&wrong);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .starts_with("error: unexpected argument '--bogus' found\n")
    );
    let suite = case_.junit();
    assert_eq!(suite.name, "nvgre replay");
    let error = case(&suite, "run").status.error_as_ref();
    assert_eq!(error.message, "unexpected argument '--bogus' found");
    assert_eq!(case_.sarif()["runs"][0]["invocations"][0]["exitCode"], 2);
    assert!(case_.read("r.md").starts_with("## nvgre replay\n"));
    assert_eq!(annotations(&ran).len(), 1);

    let ran = case_.report(&["replay", SCENARIO]);
    assert_eq!(ran.exit, 2);
    let message = &case(&case_.junit(), "run")
        .status
        .error_as_ref()
        .message
        .clone();
    assert!(message.ends_with("not provided: --read <IN>"), "{message}");
    // Wrong itself, and given with "=".
    let ran = case_.run(&["codes", "--report", "html=r.html", "--report=md=new.md"]);
    assert_eq!(ran.exit, 2);
    assert!(case_.read("new.md").contains("invalid value 'html=r.html'"));
}

#[test]
fn a_wrong_command_line_has_no_report_over_what_is_no_report() {
    let case_ = Case::new();
    for file in [SCENARIO, RED, BROKEN] {
        let before = fs::read(case_.path(file)).expect("a file");
        for format in ["junit", "sarif", "md"] {
            let report = format!("{format}={file}");
            let ran = case_.run(&["show", "--bogus", "--report", &report]);
            assert_eq!(ran.exit, 2, "{}", ran.stderr);
            assert_eq!(
                fs::read(case_.path(file)).expect("a file"),
                before,
                "{report}"
            );
        }
    }
    let words = [
        "show",
        "--bogus",
        "--report",
        "md=r.x",
        "--report",
        "junit=r.x",
    ];
    assert_eq!(case_.run(&words).exit, 2);
    assert!(!case_.path("r.x").exists());
}

#[test]
fn help_writes_no_report() {
    let case_ = Case::new();
    for words in [&["--help"][..], &["replay", "-h"], &["--version"]] {
        let ran = case_.report(words);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{words:?}");
        assert!(!case_.path("r.xml").exists(), "{words:?}");
    }
}

// What they call files

#[test]
fn below_a_checkout_files_are_named_from_its_root() {
    let case_ = Case::new();
    let mut command = command([
        "replay",
        "scenario.toml",
        "-r",
        "red.pcap",
        "--stage",
        "broken",
    ]);
    command
        .args([
            "--report",
            "sarif=../r.sarif",
            "--report",
            "github",
            "--report",
            "md=../r.md",
        ])
        .current_dir(case_.path("case"))
        .env("GITHUB_WORKSPACE", case_.folder.path())
        .env("GITHUB_SERVER_URL", "https://github.example")
        .env("GITHUB_REPOSITORY", "owner/name")
        .env("GITHUB_SHA", "0123abc");
    let ran = Ran::of(command.output().expect("it starts"));
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let log = case_.sarif();
    let place = &result(&log, "underlay_no_owner")["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], BROKEN);
    let annotations = annotations(&ran);
    let named = annotations
        .iter()
        .any(|line| line.contains(" file=case/policy/5-broken.ps1,"));
    assert!(named, "{annotations:#?}");
    let link = "(https://github.example/owner/name/blob/0123abc/case/policy/5-broken.ps1#L12)";
    assert!(case_.read("r.md").contains(link));
}

#[test]
fn uris_are_percent_encoded_and_absolute_paths_are_file_uris() {
    let case_ = Case::new();
    fs::rename(case_.path("case"), case_.path("a b#é%:")).expect("a folder");
    let sarif_of = |scenario: &Path, red: &Path| {
        let mut command = command(["replay", "--stage", "broken", "--report", "sarif=r.sarif"]);
        command
            .arg(scenario)
            .arg("-r")
            .arg(red)
            .current_dir(case_.folder.path());
        assert_eq!(Ran::of(command.output().expect("it starts")).exit, 0);
        let log = case_.sarif();
        let result = result(&log, "underlay_no_owner");
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        uri.as_str().expect("a URI").to_owned()
    };
    let encoded = "a%20b%23%C3%A9%25%3A/policy/5-broken.ps1";
    let folder = Path::new("./a b#é%:");
    let relative = sarif_of(&folder.join("scenario.toml"), &folder.join("red.pcap"));
    assert_eq!(relative, encoded);
    let folder = case_
        .folder
        .path()
        .join(folder.file_name().expect("a name"));
    let absolute = sarif_of(&folder.join("scenario.toml"), &folder.join("red.pcap"));
    assert!(absolute.starts_with("file:///"), "{absolute}");
    assert!(absolute.ends_with(encoded), "{absolute}");
}
