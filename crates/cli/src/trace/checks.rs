//! What a trace or a ping says to reports: one check, whether there was an answer.

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};
use nvgre_dataplane::DropReason;

use crate::traced::{Near, Verdict};

/// Whether frames arrived, and what stood in the way. `id` names the question within a run, `title`
/// says it in words; `crossed` are guests of other tenants that frames reached.
pub(crate) fn check(
    id: String,
    title: String,
    verdicts: &[(&Verdict, &[Near])],
    crossed: &[String],
) -> Check {
    let failed = verdicts.iter().filter(|(verdict, _)| !verdict.good);
    let mut findings: Vec<_> = failed
        .map(|(verdict, near)| of_verdict(&id, &title, verdict, near))
        .collect();
    if !crossed.is_empty() {
        findings.push(Finding {
            rule: "cross_tenant",
            severity: Severity::Error,
            message: format!(
                "Frames reached other tenants than their senders: {}.",
                crossed.join(", ")
            ),
            places: Vec::new(),
            fix: Vec::new(),
            identity: format!("{id}/cross_tenant"),
        });
    }
    Check {
        id,
        title,
        outcome: match findings.is_empty() {
            true => CheckOutcome::Holds,
            false => CheckOutcome::Fails,
        },
        findings,
    }
}

fn of_verdict(id: &str, title: &str, verdict: &Verdict, near: &[Near]) -> Finding {
    let decision = verdict.decision.as_ref();
    let decided =
        decision.map(|decision| format!("; decided by: {} on {}", decision.what, decision.host));
    let near: Vec<_> = near.iter().map(|near| format!(" {}.", near.text)).collect();
    let fix = DropReason::from_name(verdict.reason).map(|reason| reason.usual_fix().to_owned());
    Finding {
        rule: verdict.reason,
        severity: Severity::Error,
        message: format!(
            "{title}: no. {}{}.{}",
            verdict.text,
            decided.unwrap_or_default(),
            near.concat()
        ),
        places: decision
            .and_then(|decision| decision.place.clone())
            .into_iter()
            .collect(),
        fix: fix.into_iter().collect(),
        identity: format!("{id}/{}", verdict.reason),
    }
}
