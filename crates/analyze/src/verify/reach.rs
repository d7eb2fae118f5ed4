//! Who reaches whom, with the answer's way back, against what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_dataplane::{DropReason, RecordId};
use nvgre_sim::scenario::{Guest, Reach};
use nvgre_sim::{GuestIndex, Model};

use super::named;
use crate::conversation::{Conversation, Failure, IpFamily, LegKind};
use crate::converse::{converse, converse_over};
use crate::finding::{Check, CheckOutcome, Finding, Severity};
use crate::listed::listed;
use crate::names::Names;
use crate::near_miss::NearMiss;
use crate::near_miss_search::near_misses_of;
use crate::probe::Probe;

/// One guest asks another, over one family of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachPair {
    /// Who asks.
    pub from: GuestIndex,
    /// Who is to answer.
    pub to: GuestIndex,
    /// Over what. None: they have no family in common.
    pub family: Option<IpFamily>,
    /// What is wanted.
    pub wanted: Reach,
    /// The intent that says so, by its place among the scenario's. None: nobody said.
    pub intent: Option<usize>,
    /// Whether the question was answered.
    pub answered: bool,
    /// Whether any frame of the one that asks reached the other.
    pub arrived: bool,
    /// What went wrong, and where, if it was not.
    pub failure: Option<(LegKind, Failure)>,
    /// The record that decided, or that is to blame, and the host that holds it.
    pub record: Option<(usize, RecordId)>,
    /// What nearly matched, closest first, where an answer is wanted and did not come.
    pub near_misses: Vec<NearMiss>,
}

impl ReachPair {
    /// Whether it is as wanted.
    pub const fn holds(&self) -> bool {
        match self.wanted {
            Reach::Allow => self.answered,
            Reach::Deny => !self.arrived,
        }
    }
}

/// Lets every guest ask every other of its tenant, and whom an intent names, with an ICMP echo over
/// each family of addresses that both have.
pub fn ask_reach(model: &mut Model) -> Vec<ReachPair> {
    let scenario = model.scenario().clone();
    let guests = scenario.guests.len();
    let mut trial = model.trial();
    let mut pairs = Vec::new();
    for from in 0..guests {
        for to in (0..guests).filter(|&to| to != from) {
            let (wanted, stated) = scenario.intent(from, to);
            let same_tenant = scenario.guests[from].tenant == scenario.guests[to].tenant;
            if stated.is_none() && !same_tenant {
                continue;
            }
            let intent = stated.and_then(|stated| {
                let mut intents = scenario.intents.iter();
                intents.position(|intent| std::ptr::eq(intent, stated))
            });
            let asked = families(&scenario.guests[from], &scenario.guests[to]);
            for family in asked {
                let conversation = match family {
                    Some(family) => converse_over(&mut trial, from, to, Probe::Icmp, family),
                    None => converse(&mut trial, from, to, Probe::Icmp),
                };
                let near_misses = match wanted {
                    Reach::Allow => near_misses_of(trial.model(), &conversation),
                    Reach::Deny => Vec::new(),
                };
                pairs.push(ReachPair {
                    from,
                    to,
                    family,
                    wanted,
                    intent,
                    answered: conversation.is_answered(),
                    arrived: arrived(&conversation),
                    record: decided_by(trial.model(), &conversation),
                    near_misses,
                    failure: conversation.failure,
                });
            }
        }
    }
    pairs
}

/// The record that an answered conversation went by, or that is to blame for its end.
fn decided_by(model: &Model, conversation: &Conversation) -> Option<(usize, RecordId)> {
    let clue = conversation.decided_by;
    match &conversation.failure {
        None => clue.record,
        Some((_, Failure::Dropped { reason, host })) => {
            let blamed = clue.record_to_blame(*reason, *host, model.estate());
            blamed.map(|(host, entry)| (host, entry.record.id))
        }
        Some(_) => None,
    }
}

/// The families that two guests have in common, or that they have none.
fn families(one: &Guest, other: &Guest) -> Vec<Option<IpFamily>> {
    let has = |guest: &Guest, family: IpFamily| {
        let mut own = guest.addresses.iter();
        own.any(|own| IpFamily::of(own.address) == family)
    };
    let common = [IpFamily::V4, IpFamily::V6]
        .into_iter()
        .filter(|&family| has(one, family) && has(other, family));
    let common: Vec<_> = common.map(Some).collect();
    if common.is_empty() {
        vec![None]
    } else {
        common
    }
}

fn arrived(conversation: &Conversation) -> bool {
    let frames = conversation.legs.iter().flat_map(|leg| &leg.frames);
    let mut of_asker = frames.filter(|frame| frame.sender == conversation.from);
    of_asker.any(|frame| {
        let mut reached = frame.journey.deliveries();
        reached.any(|(_, port, _)| port.0 as GuestIndex == conversation.to)
    })
}

/// Why pairs fail alike: what went wrong in which leg, at which host, by which record.
type Cause = (
    Option<IpFamily>,
    LegKind,
    &'static str,
    Option<usize>,
    Option<(usize, RecordId)>,
);

/// The pairs as a check: those that fail alike are one finding.
pub fn reach_check(model: &Model, pairs: &[ReachPair]) -> Check {
    let mut alike: BTreeMap<Cause, Vec<&ReachPair>> = BTreeMap::new();
    let mut findings = Vec::new();
    for pair in pairs.iter().filter(|pair| !pair.holds()) {
        match (&pair.failure, pair.wanted) {
            (Some((leg, failure)), Reach::Allow) => {
                let host = match failure {
                    Failure::Dropped { host, .. } | Failure::Taken { host } => Some(*host),
                    Failure::NoCommonFamily
                    | Failure::NoGateway { .. }
                    | Failure::NoAnswer { .. }
                    | Failure::AddressConflict { .. }
                    | Failure::WrongGuest { .. }
                    | Failure::CrossTenant { .. } => None,
                };
                let cause = (pair.family, *leg, failure.name(), host, pair.record);
                alike.entry(cause).or_default().push(pair);
            }
            (Some(_) | None, Reach::Deny) | (None, Reach::Allow) => {
                findings.push(unwanted(model, pair));
            }
        }
    }
    findings.extend(
        alike
            .into_iter()
            .map(|(cause, pairs)| broken(model, cause, &pairs)),
    );
    let failing = of_guests(pairs.iter().filter(|pair| !pair.holds()));
    let asked = of_guests(pairs.iter());
    Check {
        id: "reach".to_owned(),
        title: match failing {
            0 if pairs.is_empty() => {
                "there are no two guests of which one is to reach the other".to_owned()
            }
            0 => format!("all {asked} pairs of guests are as wanted"),
            _ => format!("{failing} of {asked} pairs of guests are not as wanted"),
        },
        outcome: if pairs.is_empty() {
            CheckOutcome::Undecided
        } else if failing == 0 {
            CheckOutcome::Holds
        } else {
            CheckOutcome::Fails
        },
        findings,
    }
}

/// Over however many families.
fn of_guests<'p>(pairs: impl Iterator<Item = &'p ReachPair>) -> usize {
    pairs
        .map(|pair| (pair.from, pair.to))
        .collect::<BTreeSet<_>>()
        .len()
}

fn unwanted(model: &Model, pair: &ReachPair) -> Finding {
    let (from, to) = (
        Names::new(model).guest(pair.from),
        Names::new(model).guest(pair.to),
    );
    let over = pair.family.map(|family| format!(" over {}", family.name()));
    let intents = &model.scenario().intents;
    let stated = pair.intent.map(|intent| intents[intent].place.clone());
    let mut places: Vec<_> = stated.into_iter().collect();
    let record = pair.record.and_then(|record| named::record(model, record));
    let by = record.as_ref().map(|(told, _)| format!("; {told}"));
    places.extend(record.and_then(|(_, place)| place));
    Finding {
        rule: "unwanted_reach",
        severity: Severity::Error,
        message: format!(
            "{from} reaches {to}{}, which an intent denies{}",
            over.unwrap_or_default(),
            by.unwrap_or_default()
        ),
        places,
        fix: vec!["Take the route or record away, or change the intent.".to_owned()],
        identity: format!("{from} {to} {:?}", pair.family),
    }
}

fn broken(model: &Model, cause: Cause, pairs: &[&ReachPair]) -> Finding {
    let (family, leg, reason, host, record) = cause;
    let over = family.map(|family| format!(" over {}", family.name()));
    let over = over.unwrap_or_default();
    let names: Vec<_> = pairs
        .iter()
        .map(|pair| {
            let (from, to) = (
                Names::new(model).guest(pair.from),
                Names::new(model).guest(pair.to),
            );
            format!("{from} to {to}")
        })
        .collect();
    let on_the_way = match leg {
        LegKind::Announce => "as they say where they are",
        LegKind::Resolve => "asking for the MAC",
        LegKind::Request => "with the question",
        LegKind::ResolveBack => "asking for the MAC on the way back",
        LegKind::Reply => "with the answer",
    };
    let at = host.map(|host| format!(" at {}", Names::new(model).host(host)));
    let all_names = Names::new(model);
    let near = pairs.first().and_then(|pair| pair.near_misses.first());
    let nearly = near.map(|near| format!("; {}", near.text(&all_names)));
    let near_place = near.and_then(|near| near.place(&all_names));
    // A record that was met on the way is not what nearly matched, and that says more.
    let told = record.and_then(|record| named::record(model, record));
    let told = told.filter(|(_, place)| near_place.is_none() || place.as_ref() == near_place);
    let by = told.as_ref().map(|(told, _)| format!(": {told}"));
    let mut intents = pairs.iter().filter_map(|pair| pair.intent);
    let stated = intents.next().map(|intent| {
        let intents = &model.scenario().intents;
        intents[intent].place.clone()
    });
    let reason_of_drop = DropReason::from_name(reason);
    Finding {
        rule: reason,
        severity: Severity::Error,
        message: format!(
            "{} without answer{over}: {reason}{} {on_the_way}{}{}",
            listed(&names),
            at.unwrap_or_default(),
            by.unwrap_or_default(),
            nearly.unwrap_or_default()
        ),
        places: near_place
            .cloned()
            .or(told.and_then(|(_, place)| place))
            .into_iter()
            .chain(stated)
            .collect(),
        fix: reason_of_drop
            .map(|reason| reason.usual_fix().to_owned())
            .into_iter()
            .collect(),
        identity: format!("{reason}{over} {}", names.join(", ")),
    }
}
