//! What the stages of a scenario say to reports: a check for each stage and each of its pings.

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};
use nvgre_sim::{ProbeFailure, ProbeResult, StageResult};

use crate::counted::counted;
use crate::demo::expected;
use crate::output::Output;

/// Tells how a stage ended.
pub(crate) fn tell(stage: &StageResult, out: &mut Output) {
    out.check(Check {
        id: format!("stage/{}", stage.name),
        title: format!("stage {} {}: {}", stage.number, stage.name, stage.about),
        outcome: outcome(stage.as_told()),
        findings: match stage.as_told() {
            true => Vec::new(),
            false => vec![not_as_told(stage)],
        },
    });
    for probe in &stage.probes {
        let (from, to) = (&probe.from, &probe.to);
        let expects = expected(probe);
        out.check(Check {
            id: format!("stage/{}/{from}/{to}", stage.name),
            title: format!(
                "in stage {}, ping {from} -> {to} ends {expects}",
                stage.name
            ),
            outcome: outcome(probe.as_expected()),
            findings: match probe.as_expected() {
                true => Vec::new(),
                false => vec![unexpected(stage, probe)],
            },
        });
    }
}

fn outcome(holds: bool) -> CheckOutcome {
    if holds {
        CheckOutcome::Holds
    } else {
        CheckOutcome::Fails
    }
}

fn not_as_told(stage: &StageResult) -> Finding {
    let pings = stage.probes.iter().filter(|probe| !probe.as_expected());
    Finding {
        rule: "not_as_told",
        severity: Severity::Error,
        message: format!(
            "Stage {} did not end as the scenario tells it: {} of {} ended otherwise, {} of one tenant reached another.",
            stage.name,
            pings.count(),
            counted(stage.probes.len() as u64, "ping"),
            counted(stage.cross_tenant_deliveries, "frame")
        ),
        places: Vec::new(),
        fix: Vec::new(),
        identity: stage.name.clone(),
    }
}

/// A ping that did not end as told, at the record that decided.
fn unexpected(stage: &StageResult, probe: &ProbeResult) -> Finding {
    let (from, to, expects) = (&probe.from, &probe.to, expected(probe));
    let ended = probe.reason().unwrap_or("ok");
    let mut finding = Finding {
        rule: probe.failure.map_or("not_as_told", ProbeFailure::name),
        severity: Severity::Error,
        message: format!(
            "In stage {}, ping {from} -> {to} ended {ended}, expected {expects}",
            stage.name
        ),
        places: Vec::new(),
        fix: Vec::new(),
        identity: format!("{} {from} {to}", stage.name),
    };
    if let Some(cause) = &probe.cause {
        let told = format!("; at {}: {}", cause.host, cause.reason.sentence());
        finding.message.push_str(told.trim_end_matches('.'));
        let place = cause.record.as_ref().map(|(_, _, place)| place.clone());
        finding.places.extend(place);
        finding.fix.push(cause.reason.usual_fix().to_owned());
    }
    finding.message.push('.');
    finding
}
