//! What is told on stderr and to reports about policy that was loaded: what is suspect in it, and what
//! had no effect.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};
use nvgre_netwnv::Place;
use nvgre_sim::{Model, ModelWarning};

use crate::exit::Failure;
use crate::output::Output;

/// Tells each kind of warning once, with all its places, and every command that only shows or
/// waits.
pub(crate) fn print(model: &Model, out: &mut Output) -> Result<(), Failure> {
    let suspect = by_text(model.warnings());
    out.check(check(&suspect));
    for (text, warnings) in suspect {
        out.complain(format_args!("warning: {}", told(text, &warnings)))?;
    }
    let shown = model.display_only();
    if !shown.is_empty() {
        let names: Vec<_> = shown
            .iter()
            .map(|(place, name)| format!("{name} (first at {place})"))
            .collect();
        out.complain(format_args!(
            "note: without effect here, they only show or wait: {}",
            names.join(", ")
        ))?;
    }
    Ok(())
}

fn check(suspect: &[(&str, Vec<&ModelWarning>)]) -> Check {
    let findings = suspect.iter().map(|(text, warnings)| {
        let mut hosts: Vec<&str> = Vec::new();
        let mut places: Vec<Place> = Vec::new();
        for warning in warnings {
            if !hosts.contains(&warning.host.as_str()) {
                hosts.push(&warning.host);
            }
            // Hosts are mostly given the same scripts.
            let new = warning.place.iter().filter(|place| !places.contains(place));
            let new: Vec<_> = new.cloned().collect();
            places.extend(new);
        }
        let hosts = hosts.join(", ");
        Finding {
            rule: "suspect_policy",
            severity: Severity::Warning,
            message: format!("On {hosts}: {text}."),
            places,
            fix: Vec::new(),
            identity: format!("{hosts} {text}"),
        }
    });
    Check {
        id: "policy".to_owned(),
        title: "the policy loads, and what is suspect in it".to_owned(),
        outcome: CheckOutcome::Holds,
        findings: findings.collect(),
    }
}

/// Shape: text -> its warnings, both in the order in which they came.
fn by_text(warnings: &[ModelWarning]) -> Vec<(&str, Vec<&ModelWarning>)> {
    let mut groups: Vec<(&str, Vec<&ModelWarning>)> = Vec::new();
    for warning in warnings {
        match groups.iter_mut().find(|(text, _)| *text == warning.text) {
            Some((_, group)) => group.push(warning),
            None => groups.push((&warning.text, vec![warning])),
        }
    }
    groups
}

/// One line where there is one place; else the text, and below it a line of places for each host
/// and file, as hosts are mostly given the same policy.
fn told(text: &str, warnings: &[&ModelWarning]) -> String {
    if let [warning] = warnings {
        let host = &warning.host;
        return match &warning.place {
            Some(place) => format!("{place}: on {host}: {text}"),
            None => format!("on {host}: {text}"),
        };
    }
    let mut files: BTreeMap<(&str, &str), Vec<&Place>> = BTreeMap::new();
    for warning in warnings {
        let file = warning.place.as_ref().map_or("", |place| &*place.file);
        let places = files.entry((&warning.host, file)).or_default();
        places.extend(&warning.place);
    }
    let mut told = format!("{text}, {} times:", warnings.len());
    for ((host, file), places) in files {
        let _infallible = write!(told, "\n  on {host}");
        for (index, place) in places.iter().enumerate() {
            let (line, column) = (place.line, place.column);
            let _infallible = match index {
                0 => write!(told, ": {file}:{line}:{column}"),
                _ => write!(told, ", {line}:{column}"),
            };
        }
    }
    told
}
