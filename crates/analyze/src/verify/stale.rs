//! Whether the hosts' tables agree with each other and with what runs where: [`cross_check`] of a
//! model.

use nvgre_sim::Model;

use crate::cross::cross_check;
use crate::finding::{Check, CheckOutcome, Finding, Severity};

/// The disagreements as a check: errors and warnings make it fail, notes do not.
pub fn stale_check(model: &Model) -> Check {
    let findings: Vec<Finding> = cross_check(model.estate())
        .iter()
        .map(Finding::from)
        .collect();
    let wrong = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Note)
        .count();
    Check {
        id: "stale".to_owned(),
        title: match wrong {
            0 if !holds_any(model) => {
                "no host holds a record or route that others could disagree with".to_owned()
            }
            0 => "the tables of all hosts agree, and their records point to where guests run"
                .to_owned(),
            1 => "hosts disagree with each other or with what runs where, once".to_owned(),
            _ => format!("hosts disagree with each other or with what runs where, {wrong} times"),
        },
        outcome: if wrong == 0 {
            CheckOutcome::Holds
        } else {
            CheckOutcome::Fails
        },
        findings,
    }
}

fn holds_any(model: &Model) -> bool {
    let mut hosts = model.estate().hosts.iter();
    hosts.any(|host| !host.records.is_empty() || !host.customer_routes.is_empty())
}
