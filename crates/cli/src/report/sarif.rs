//! SARIF 2.1.0: a result for each finding, at the line of the policy that made it so.

use std::collections::BTreeMap;
use std::path::Path;

use nvgre_analyze::{Finding, Severity};
use nvgre_netwnv::Place;
use serde::Serialize;
use serde_json::{Value, json};
use twox_hash::XxHash3_64;

use crate::exit::Exit;
use crate::report::Run;
use crate::report::place::percent_encoded;
use crate::report::rule::Rule;

/// Results that GitHub takes of a run; it refuses a file with more.
const RESULTS_MAX: usize = 25_000;
/// Further places of a result; GitHub takes 1,000.
const RELATED_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'r> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Value,
    locations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Value>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    properties: Properties<'r>,
}

#[derive(Serialize)]
struct Properties<'r> {
    /// The id of the check that found it.
    check: &'r str,
}

/// The log: one run. What kept the run from doing what it was asked are notifications.
pub(crate) fn text(run: &Run) -> String {
    let mut rules: Vec<&'static str> = Vec::new();
    let findings = run.checks.iter().flat_map(|check| {
        let findings = check.findings.iter();
        findings.map(|finding| (check.id.as_str(), finding))
    });
    let mut findings: Vec<_> = findings.collect();
    // Should any be left out, then not the worst.
    findings.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    let results: Vec<_> = findings
        .iter()
        .take(RESULTS_MAX)
        .map(|&(check, finding)| result(run, check, finding, &mut rules))
        .collect();
    let mut notifications: Vec<_> = run
        .done
        .findings
        .iter()
        .map(|f| notification(run, f))
        .collect();
    if let Some(left_out @ 1..) = findings.len().checked_sub(RESULTS_MAX) {
        notifications.push(json!({
            "level": "warning",
            "message": {"text": format!("{left_out} more results were left out.")},
        }));
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "nvgre",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_iter().map(rule).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("nvgre {}/", run.verb)},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": did_its_work(run.exit),
                "exitCode": run.exit as u8,
                "exitCodeDescription": run.exit.meaning(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// A no is an answer.
fn did_its_work(exit: Exit) -> bool {
    match exit {
        Exit::Success | Exit::No | Exit::Worse => true,
        Exit::Usage | Exit::Input | Exit::Nothing | Exit::Output => false,
    }
}

fn result<'r>(
    run: &Run,
    check: &'r str,
    finding: &Finding,
    rules: &mut Vec<&'static str>,
) -> SarifResult<'r> {
    let known = rules.iter().position(|rule| *rule == finding.rule);
    let rule_index = known.unwrap_or_else(|| {
        rules.push(finding.rule);
        rules.len() - 1
    });
    let related = finding.places.iter().skip(1).take(RELATED_MAX);
    SarifResult {
        rule_id: finding.rule,
        rule_index,
        level: level(finding.severity),
        message: message(finding),
        locations: locations(run, finding),
        related_locations: related
            .enumerate()
            .map(|(index, place)| location(run, place, Some(index + 1)))
            .collect(),
        partial_fingerprints: [("nvgre/v1", fingerprint(finding))].into(),
        properties: Properties { check },
    }
}

fn notification(run: &Run, finding: &Finding) -> Value {
    json!({
        "level": level(finding.severity),
        "message": message(finding),
        "locations": finding.places.iter().map(|place| location(run, place, None)).collect::<Vec<_>>(),
        "descriptor": {"id": finding.rule},
    })
}

/// The sentence, and what mends it.
fn message(finding: &Finding) -> Value {
    let fix = match finding.fix.as_slice() {
        [] => String::new(),
        [fix] => format!("\nFix: {fix}"),
        several => format!("\nFix:\n{}", several.join("\n")),
    };
    json!({"text": format!("{}{fix}", finding.message)})
}

/// Where one would mend it. GitHub shows no result without a place: what is nowhere in particular
/// is told of the first file of the run.
fn locations(run: &Run, finding: &Finding) -> Vec<Value> {
    let subject = || {
        let subject = run.subject.as_ref()?;
        Some(json!({"physicalLocation": {"artifactLocation": {"uri": uri(run, subject)}}}))
    };
    let first = finding.places.first();
    let first = first
        .map(|place| location(run, place, None))
        .or_else(subject);
    first.into_iter().collect()
}

fn location(run: &Run, place: &Place, id: Option<usize>) -> Value {
    let mut location = json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(run, &place.file)},
        "region": {"startLine": place.line, "startColumn": place.column},
    }});
    if let Some(id) = id {
        location["id"] = json!(id);
    }
    location
}

/// A relative reference, or a file URI of an absolute path.
fn uri(run: &Run, file: &str) -> String {
    let name = run.names.of(file);
    let path = percent_encoded(&name);
    match (Path::new(file).is_absolute(), name.starts_with('/')) {
        (true, true) => format!("file://{path}"),
        (true, false) if Path::new(&name).is_absolute() => format!("file:///{path}"),
        (_, _) => path,
    }
}

/// The same for the same finding in another run, wherever it is written by then.
fn fingerprint(finding: &Finding) -> String {
    let text = format!("{}\0{}", finding.rule, finding.identity);
    format!("{:016x}", XxHash3_64::oneshot(text.as_bytes()))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn rule(id: &'static str) -> Value {
    let Rule { sentence, help } = Rule::named(id);
    json!({
        "id": id,
        "shortDescription": {"text": sentence},
        "help": {"text": help},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{finding, run_with};

    #[test]
    fn no_more_results_than_github_takes_and_the_rest_is_counted() {
        let findings = (0..RESULTS_MAX + 2).map(|n| finding(Severity::Note, &n.to_string(), "a"));
        let log: Value = serde_json::from_str(&text(&run_with(findings.collect()))).expect("JSON");
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(RESULTS_MAX));
        let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
        assert_eq!(
            notification["message"]["text"],
            "2 more results were left out."
        );
    }

    #[test]
    fn further_places_are_related_and_numbered() {
        let mut found = finding(Severity::Error, "twice", "a.ps1");
        found.places.push(Place {
            line: 9,
            ..found.places[0].clone()
        });
        let log: Value = serde_json::from_str(&text(&run_with(vec![found]))).expect("JSON");
        let related = &log["runs"][0]["results"][0]["relatedLocations"];
        assert_eq!(related.as_array().map(Vec::len), Some(1));
        assert_eq!(related[0]["id"], 1);
        assert_eq!(related[0]["physicalLocation"]["region"]["startLine"], 9);
    }

    #[test]
    fn fingerprints_tell_rules_and_identities_apart_and_nothing_else() {
        let of = |rule, message: &str, identity: &str| {
            fingerprint(&Finding {
                rule,
                identity: identity.to_owned(),
                ..finding(Severity::Error, message, "a.ps1")
            })
        };
        let first = of("no_port", "first seen", "Red11");
        assert_eq!(first, of("no_port", "seen again", "Red11"));
        assert_ne!(first, of("no_port", "first seen", "Red22"));
        assert_ne!(first, of("too_big", "first seen", "Red11"));
    }
}
