//! The JSON Schemas: current, and true of what every verb prints.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::schema::{self, Schema};
use common::{nvgre, pcaps};
use serde_json::{Value, json};

const RENEW: &str = "cargo run -p nvgre-cli -- schemas crates/cli/schemas";

/// Shape: file name -> text.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), fs::read_to_string(&path).expect("text"))
        })
        .collect()
}

/// A run of each verb, and more where its lines have several shapes.
fn runs(folder: &Path) -> Vec<Vec<String>> {
    let path = |name: &str| pcaps().join(name).to_string_lossy().into_owned();
    let story = path("waldorf-statler/scenario.toml");
    let red = path("waldorf-statler/red.pcap");
    let two_vsid = path("kernel/kernel-gretap-two-vsid.pcap");
    let dumps = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../netwnv/tests/dumps/powershell-7"
    )
    .to_owned();
    let made = folder.join("made").to_string_lossy().into_owned();
    let imported = folder
        .join("imported/scenario.toml")
        .to_string_lossy()
        .into_owned();
    let exported = folder.join("exported").to_string_lossy().into_owned();
    let not_a_capture = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let words: &[&[&str]] = &[
        &["bench", "--quick", "--exact", "decap/ipv4/64B"],
        &["bench", "--quick", "--exact", "edit/provider"],
        &["codes"],
        &["demo"],
        &["export", &story, "--as", "powershell"],
        &[
            "export",
            &story,
            "--as",
            "csv",
            "--for-host",
            "Waldorf",
            "-o",
            &exported,
        ],
        &["diff", &story, &story],
        &["diff", &story, &story, "--old-stage", "2", "--behaviour"],
        &["doctor", &dumps],
        &["import", &dumps, "-o", &imported],
        &["init", "-r", &two_vsid, "-o", &made],
        &["next-hop", &story, "Statler", "445566", "192.168.1.22"],
        &["next-hop", &story, "Statler", "445566", "192.168.1.99"],
        &["pcap", "decap", &two_vsid],
        &["pcap", "info", &two_vsid, not_a_capture],
        &["ping", &story, "Red11", "Red22"],
        &["ping", &story, "Red11", "Red22", "--stage", "broken"],
        &["replay", &story, "-r", &red],
        &["replay", &story, "-r", &red, "--stage", "no-vsid"],
        &["replay", &story, "-r", &red, "--stage", "broken"],
        &[
            "replay",
            &story,
            "-r",
            &red,
            "--filter",
            "verdict == consumed",
        ],
        &["replay", &story, "-r", &red, "--expect", &red],
        &["show", &story],
        &["trace", &story, "Red11", "Red22"],
        &[
            "trace",
            &story,
            "Red11",
            "Red22",
            "--stage",
            "broken",
            "--detailed",
        ],
        &["verify", &story, "--hostile-host", "Waldorf"],
        &["verify", &story, "--stage", "no-vsid"],
        &["verify", &story, "--stage", "broken"],
    ];
    words
        .iter()
        .map(|words| words.iter().map(|&word| word.to_owned()).collect())
        .collect()
}

#[test]
fn the_committed_schemas_are_those_of_this_build() {
    let made = tempfile::tempdir().expect("a folder");
    let ran = nvgre([Path::new("schemas"), made.path()]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let (committed, made) = (files(&schema::folder()), files(made.path()));
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&made), "renew them: {RENEW}");
    for (name, text) in &made {
        assert_eq!(text, &committed[name], "{name} is stale; renew it: {RENEW}");
    }
}

#[test]
fn what_every_verb_prints_is_what_its_schema_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen: BTreeMap<String, Schema> = BTreeMap::new();
    for words in runs(folder.path()) {
        let ran = nvgre(words.iter().map(String::as_str).chain(["--json"]));
        assert!(!ran.stdout.is_empty(), "{words:?}: {}", ran.stderr);
        for line in ran.stdout.lines() {
            let line: Value = serde_json::from_str(line).expect("a JSON line");
            let name = line["schema"].as_str().expect("a schema").to_owned();
            let schema = seen.entry(name);
            schema
                .or_insert_with_key(|name| Schema::named(name))
                .accepts(&line);
        }
    }
    let mut committed: Vec<_> = files(&schema::folder()).into_keys().collect();
    committed.retain(|file| seen.values().all(|schema| schema.file_name() != *file));
    assert_eq!(committed, [""; 0], "give each verb a run in runs()");
}

#[test]
fn schemas_refuse_what_is_missing_unknown_or_of_another_type() {
    let schema = Schema::named("nvgre.pcap-decap/1");
    let line = json!({
        "schema": "nvgre.pcap-decap/1", "frame": 1, "verdict": "drop",
        "reason": "gre_short", "vsid": null, "flow_id": null,
    });
    schema.accepts(&line);
    for (key, value) in [
        ("schema", Some(json!("nvgre.pcap-decap/2"))),
        ("verdict", Some(json!("maybe"))),
        ("frame", Some(json!(-1))),
        ("frame", Some(json!("1"))),
        ("frame", None),
        ("reason", None),
        ("more", Some(json!(1))),
    ] {
        let mut line = line.clone();
        let members = line.as_object_mut().expect("an object");
        match value {
            Some(value) => members.insert(key.to_owned(), value),
            None => members.remove(key),
        };
        assert!(schema.refuses(&line), "{line}");
    }
}
