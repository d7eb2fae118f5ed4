//! What a comparison says to reports: whether the tables are the same, and whether guests are served
//! the same.

use nvgre_analyze::{BehaviourDiff, Check, CheckOutcome, Difference, Finding, Flip, Severity};

use crate::output::Output;

/// Tells the checks.
pub(crate) fn tell(
    differences: &[Difference],
    behaviour: Option<&BehaviourDiff>,
    out: &mut Output,
) {
    out.check(Check {
        id: "tables".to_owned(),
        title: "the hosts' tables, and whose guests are whose, are the same".to_owned(),
        outcome: holds(differences.is_empty()),
        findings: differences.iter().map(different).collect(),
    });
    if let Some(behaviour) = behaviour {
        let flips = behaviour.flips.iter();
        out.check(Check {
            id: "behaviour".to_owned(),
            title: "every guest reaches the same guests of its tenant".to_owned(),
            outcome: match behaviour.pairs {
                0 => CheckOutcome::Undecided,
                _ => holds(behaviour.flips.is_empty()),
            },
            findings: flips.map(|flip| flipped(flip, differences)).collect(),
        });
    }
}

fn holds(holds: bool) -> CheckOutcome {
    if holds {
        CheckOutcome::Holds
    } else {
        CheckOutcome::Fails
    }
}

fn different(difference: &Difference) -> Finding {
    let hosts = difference.hosts.join(", ");
    let places = difference.new.iter().chain(&difference.old);
    Finding {
        rule: "table_differs",
        severity: Severity::Warning,
        message: format!("On {hosts}: {difference}."),
        places: places.cloned().collect(),
        fix: Vec::new(),
        identity: format!("{hosts} {}", difference.item),
    }
}

fn flipped(flip: &Flip, differences: &[Difference]) -> Finding {
    let blamed = flip.blame.and_then(|at| differences.get(at));
    let blame = blamed.map(|difference| {
        format!(
            "; to blame on {}: {difference}",
            difference.hosts.join(", ")
        )
    });
    let places = blamed.map(|difference| difference.new.iter().chain(&difference.old));
    Finding {
        rule: "verdict_flipped",
        severity: Severity::Warning,
        message: format!(
            "{} to {}: {} before, {} now{}.",
            flip.from,
            flip.to,
            flip.old.reason,
            flip.new.reason,
            blame.unwrap_or_default()
        ),
        places: places.into_iter().flatten().cloned().collect(),
        fix: Vec::new(),
        identity: format!("{}/{}", flip.from, flip.to),
    }
}
