//! What is told on stderr and to reports about policy that was loaded: what is suspect in it, and what
//! had no effect.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};
use nvgre_netwnv::Place;
use nvgre_sim::{Model, ModelWarning};

use crate::exit::Failure;
use crate::output::Output;

/// Most lines below a warning, and most places in one of them: hundreds of hosts are mostly given the same
/// policy. Reports have all of them.
const TOLD: usize = 8;

/// Tells each kind of warning once, with its places, and every command that only shows or waits.
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
            "note: commands without effect here, which only show or wait: {}",
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
    let more = files.len().saturating_sub(TOLD);
    for ((host, file), places) in files.into_iter().take(TOLD) {
        let _infallible = write!(told, "\n  on {host}");
        for (index, place) in places.iter().take(TOLD).enumerate() {
            let (line, column) = (place.line, place.column);
            let _infallible = match index {
                0 => write!(told, ": {file}:{line}:{column}"),
                _ => write!(told, ", {line}:{column}"),
            };
        }
        if places.len() > TOLD {
            let _infallible = write!(told, " and {} more", places.len() - TOLD);
        }
    }
    if more > 0 {
        let _infallible = write!(told, "\n  and {more} more");
    }
    told
}

#[cfg(test)]
mod tests {
    use nvgre_netwnv::Place;
    use nvgre_sim::ModelWarning;

    use super::told;

    #[test]
    fn what_a_thousand_hosts_share_is_told_in_a_few_lines() {
        let warning = |host: u32, line| ModelWarning {
            host: format!("h{host:04}"),
            place: Some(Place {
                file: "policy.ps1".into(),
                line,
                column: 1,
            }),
            text: "suspect".to_owned(),
        };
        let all: Vec<_> = (0..1_000)
            .flat_map(|host| (1..=if host == 0 { 12 } else { 1 }).map(move |line| (host, line)))
            .map(|(host, line)| warning(host, line))
            .collect();
        let text = told("suspect", &all.iter().collect::<Vec<_>>());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[0], "suspect, 1011 times:");
        assert_eq!(
            lines[1],
            "  on h0000: policy.ps1:1:1, 2:1, 3:1, 4:1, 5:1, 6:1, 7:1, 8:1 and 4 more"
        );
        assert_eq!(lines[8], "  on h0007: policy.ps1:1:1");
        assert_eq!(lines[9], "  and 992 more");
    }
}
