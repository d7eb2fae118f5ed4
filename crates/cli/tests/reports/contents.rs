//! What reports tell.

use std::fs;

use serde_json::Value;

use crate::common::nvgre;
use crate::{BLAMED, BROKEN, Case, SCENARIO, annotations, array, case, result};

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
