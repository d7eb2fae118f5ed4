//! What a replay says to reports: whether tenants stayed apart, whether anything was dropped that
//! must not be, and what was dropped else.

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};
use nvgre_dataplane::DropReason;

use super::expect;
use crate::counted::counted;
use crate::output::Output;
use crate::replay::result::{Drop, Isolation, ReplayResult};

/// Tells the checks. `fail_on`: what must not be dropped.
pub(crate) fn tell(result: &ReplayResult<'_>, fail_on: &[DropReason], out: &mut Output) {
    out.check(entered(result));
    out.check(isolation(result));
    let drops = result.drops();
    let found = |severity, wanted: &dyn Fn(DropReason) -> bool| -> Vec<Finding> {
        let drops = drops.iter().filter(|drop| wanted(drop.reason));
        drops.map(|drop| of_drop(result, drop, severity)).collect()
    };
    for reason in fail_on {
        let findings = found(Severity::Error, &|dropped| dropped == *reason);
        out.check(Check {
            id: format!("fail-on/{reason}"),
            title: format!("nothing is dropped for {reason}"),
            outcome: match findings.is_empty() {
                true => as_far_as_read(result),
                false => CheckOutcome::Fails,
            },
            findings,
        });
    }
    if let Some(check) = expectation(result) {
        out.check(check);
    }
    out.check(Check {
        id: "drops".to_owned(),
        title: "what is dropped, and why: drops alone are no failure".to_owned(),
        outcome: CheckOutcome::Holds,
        findings: found(Severity::Note, &|reason| !fail_on.contains(&reason)),
    });
}

/// What was not seen may yet be in what could not be read.
fn as_far_as_read(result: &ReplayResult<'_>) -> CheckOutcome {
    match result.inputs.iter().any(|input| input.error.is_some()) {
        true => CheckOutcome::Undecided,
        false => CheckOutcome::Holds,
    }
}

fn entered(result: &ReplayResult<'_>) -> Check {
    let skips = &result.replay.report().skips;
    let skips = skips.iter().map(|(reason, (frames, first))| Finding {
        rule: reason.name(),
        severity: Severity::Note,
        message: format!(
            "{} never entered, first frame {}: {}",
            counted(*frames, "frame"),
            result.frame(*first),
            reason.sentence()
        ),
        places: Vec::new(),
        fix: Vec::new(),
        identity: String::new(),
    });
    let mut findings: Vec<_> = skips.collect();
    let outcome = if result.entered() > 0 {
        CheckOutcome::Holds
    } else {
        let message = "No frame entered the network: nothing was replayed.";
        findings.insert(0, open("nothing_entered", message.to_owned()));
        CheckOutcome::Undecided
    };
    Check {
        id: "entered".to_owned(),
        title: "frames enter the network".to_owned(),
        outcome,
        findings,
    }
}

fn isolation(result: &ReplayResult<'_>) -> Check {
    let counts = result.replay.oracle();
    let (outcome, findings) = match result.isolation() {
        Isolation::Violated => (CheckOutcome::Fails, vec![crossed(result)]),
        Isolation::Undecided => {
            let message = format!(
                "{} from senders that are not in the scenario's inventory.",
                counted(counts.sender_unknown, "delivery")
            );
            (
                CheckOutcome::Undecided,
                vec![open("sender_unknown", message)],
            )
        }
        Isolation::Isolated => match as_far_as_read(result) {
            CheckOutcome::Holds => (CheckOutcome::Holds, Vec::new()),
            outcome @ (CheckOutcome::Fails | CheckOutcome::Undecided) => {
                let message = "Not all of the input could be read: no frame reached another tenant until then.";
                (outcome, vec![open("input_cut", message.to_owned())])
            }
        },
        Isolation::NothingDelivered => {
            let message = "Nothing was delivered, so nothing was judged.";
            let finding = open("nothing_delivered", message.to_owned());
            (CheckOutcome::Undecided, vec![finding])
        }
    };
    Check {
        id: "isolation".to_owned(),
        title: "no frame reaches another tenant".to_owned(),
        outcome,
        findings,
    }
}

/// Whether what was delivered is what the capture of `--expect` holds.
fn expectation(result: &ReplayResult<'_>) -> Option<Check> {
    let (_, comparison) = result.expectation()?;
    let differences = expect::lines(result, comparison);
    let findings = differences.into_iter().map(|line| Finding {
        rule: "not_as_expected",
        severity: Severity::Error,
        identity: line.clone(),
        message: line,
        places: Vec::new(),
        fix: Vec::new(),
    });
    Some(Check {
        id: "expect".to_owned(),
        title: "what is delivered is what was wanted".to_owned(),
        outcome: match comparison.holds() {
            true => as_far_as_read(result),
            false => CheckOutcome::Fails,
        },
        findings: findings.collect(),
    })
}

fn crossed(result: &ReplayResult<'_>) -> Finding {
    let crossed = counted(result.replay.oracle().cross_tenant, "delivery");
    let scenario = result.replay.model().scenario();
    let first = result.replay.report().first_cross_tenant;
    let port = first.map(|(_, guest)| scenario.guests[guest].port_name());
    let first = first.zip(port.as_ref()).map(|((frame, guest), port)| {
        let tenant = &scenario.tenants[scenario.guests[guest].tenant].name;
        let frame = result.frame(frame);
        format!(", first frame {frame} at {port} of tenant {tenant}")
    });
    Finding {
        rule: "cross_tenant",
        severity: Severity::Error,
        message: format!("{crossed} to another tenant{}.", first.unwrap_or_default()),
        places: Vec::new(),
        fix: Vec::new(),
        identity: port.unwrap_or_default(),
    }
}

fn open(rule: &'static str, message: String) -> Finding {
    Finding {
        rule,
        severity: Severity::Warning,
        message,
        places: Vec::new(),
        fix: Vec::new(),
        identity: String::new(),
    }
}

/// A drop, at the record that decided about its first frame.
fn of_drop(result: &ReplayResult<'_>, drop: &Drop<'_>, severity: Severity) -> Finding {
    let (line, reason) = (drop.line, drop.reason);
    let host = &result.replay.model().scenario().hosts[drop.host].name;
    let mut message = format!(
        "{} {} of {} at {host}, first frame {}",
        reason.sentence(),
        counted(line.copies, "copy"),
        counted(line.frames, "frame"),
        result.frame(line.first_frame)
    );
    if let Some((summary, _)) = &line.first {
        message.push_str(&format!(": {summary}"));
    }
    let record = result.record_of(drop);
    let about = match (record, result.missed_by(drop)) {
        (Some((record, at, _)), _) => {
            let (address, vsid) = (record.customer_address, record.virtual_subnet);
            let to = record.provider_address;
            message.push_str(&format!(
                "; {address} in VSID {vsid} is at {to}, says the table of {at}"
            ));
            format!("{address} {vsid} {at}")
        }
        (None, Some(missed)) => {
            message.push_str(&format!("; missed {missed}"));
            missed
        }
        (None, None) => String::new(),
    };
    message.push('.');
    Finding {
        rule: reason.name(),
        severity,
        message,
        places: record
            .map(|(_, _, place)| place.clone())
            .into_iter()
            .collect(),
        fix: vec![reason.usual_fix().to_owned()],
        identity: format!("{host} {about}"),
    }
}
