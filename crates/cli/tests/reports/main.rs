//! `--report`: what a run came to, in four formats, however it ended. The formats are read by
//! parsers of others: junit-parser and serde-sarif.

#[path = "../common/mod.rs"]
mod common;
mod contents;
mod endings;
mod file_names;
mod places;

use std::fs;
use std::path::PathBuf;

use common::{Ran, command, pcaps};
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
