//! How large a packet may be from guest to guest, and who drops what is larger.

use std::collections::BTreeMap;

use nvgre_dataplane::{DropReason, PortId};
use nvgre_sim::scenario::Reach;
use nvgre_sim::{GuestIndex, Ingress, Model, Trial};

use super::reach::ReachPair;
use crate::conversation::{IpFamily, LegKind};
use crate::converse::converse_over;
use crate::finding::{Check, CheckOutcome, Finding, Severity};
use crate::guest_frame::{self, Station};
use crate::listed::listed;
use crate::names::Names;
use crate::probe::Probe;

/// The shortest IP packet that is tried, in bytes: every IP network carries it (RFC 791 section 3.2).
const LEAST_BYTES: usize = 68;
/// The longest IP packet there is, in bytes, less what IPv6 counts apart.
const MOST_BYTES: usize = 65_535;

/// How large packets from one guest to another may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafeMtu {
    /// Who sends.
    pub from: GuestIndex,
    /// Who receives.
    pub to: GuestIndex,
    /// Over what.
    pub family: IpFamily,
    /// The largest IP packet that arrives, in bytes. None: every one does.
    pub largest_bytes: Option<u16>,
    /// Who drops the next larger one, and why.
    pub dropped_by: Option<(usize, DropReason)>,
    /// Whether the sender is told.
    pub told: bool,
    /// The MTU that the sender's stack has, in bytes.
    pub configured_bytes: u16,
}

impl SafeMtu {
    /// Whether whatever the sender's stack makes arrives.
    pub fn holds(&self) -> bool {
        let largest = self.largest_bytes;
        largest.is_none_or(|largest| self.configured_bytes <= largest)
    }
}

/// Finds the largest packet for every pair that gets an answer.
pub fn ask_mtus(model: &mut Model, pairs: &[ReachPair]) -> Vec<SafeMtu> {
    let scenario = model.scenario().clone();
    let mut trial = model.trial();
    let answered = pairs.iter().filter(|pair| pair.answered);
    // Most pairs have the limit of another: what two packets show need not be searched for.
    let mut last = None;
    let found = answered.filter_map(|pair| {
        let configured_bytes = scenario.guests[pair.from].mtu_bytes;
        let mtu = ask_pair(
            &mut trial,
            (pair.from, pair.to),
            pair.family?,
            configured_bytes,
            last,
        )?;
        last = mtu.largest_bytes.map(usize::from).or(last);
        Some(mtu)
    });
    found.collect()
}

fn ask_pair(
    trial: &mut Trial<'_>,
    (from, to): (GuestIndex, GuestIndex),
    family: IpFamily,
    configured_bytes: u16,
    guess_bytes: Option<usize>,
) -> Option<SafeMtu> {
    let conversation = converse_over(trial, from, to, Probe::Icmp, family);
    let next_hop = conversation.leg(LegKind::Resolve)?.resolved?.mac;
    let (ours, theirs) = conversation.addresses?;
    let host = trial.model().host_of(from);
    let sender = Station {
        mac: trial.model().scenario().guests[from].mac,
        address: ours,
    };
    let receiver = Station {
        mac: next_hop,
        address: theirs,
    };
    let mut send = |ip_len_bytes: usize| {
        let frame = guest_frame::datagram_of(ip_len_bytes, sender, receiver);
        let journey = trial.trace(host, Ingress::Port(PortId(from as u32)), &frame);
        trial.forget();
        let arrived = journey
            .deliveries()
            .any(|(_, port, _)| port.0 as GuestIndex == to);
        (arrived, journey)
    };
    let safe = |largest_bytes, dropped_by, told| SafeMtu {
        from,
        to,
        family,
        largest_bytes,
        dropped_by,
        told,
        configured_bytes,
    };
    let (mut arrives, mut too_large) = (0, MOST_BYTES + 1);
    let likely = guess_bytes.into_iter().flat_map(|guess| [guess, guess + 1]);
    for ip_len_bytes in likely.chain([LEAST_BYTES, MOST_BYTES]) {
        if (arrives + 1..too_large).contains(&ip_len_bytes) {
            if send(ip_len_bytes).0 {
                arrives = ip_len_bytes;
            } else {
                too_large = ip_len_bytes;
            }
        }
    }
    if arrives == MOST_BYTES {
        return Some(safe(None, None, false));
    }
    while too_large - arrives > 1 && arrives > 0 {
        let middle = usize::midpoint(arrives, too_large);
        if send(middle).0 {
            arrives = middle;
        } else {
            too_large = middle;
        }
    }
    let (_, journey) = send(too_large);
    let dropped_by = journey.fate.dropped.map(|(reason, host)| (host, reason));
    let told = journey.generated().next().is_some();
    Some(safe(Some(arrives as u16), dropped_by, told))
}

/// The MTUs as a check, of these pairs: guests of one MTU whose larger packets end alike are one finding.
pub fn mtu_check(model: &Model, pairs: &[ReachPair], mtus: &[SafeMtu]) -> Check {
    type Alike = (IpFamily, u16, u16, Option<usize>, &'static str, bool);
    let mut alike: BTreeMap<Alike, Vec<&SafeMtu>> = BTreeMap::new();
    for mtu in mtus.iter().filter(|mtu| !mtu.holds()) {
        let host = mtu.dropped_by.map(|(host, _)| host);
        let reason = mtu
            .dropped_by
            .map_or("no_answer", |(_, reason)| reason.name());
        let largest = mtu.largest_bytes.unwrap_or_default();
        let key = (
            mtu.family,
            largest,
            mtu.configured_bytes,
            host,
            reason,
            mtu.told,
        );
        alike.entry(key).or_default().push(mtu);
    }
    let findings: Vec<_> = alike
        .into_iter()

.map(|((family, largest, configured, host, reason, told), pairs)| {
            let names: Vec<_> = pairs
                .iter()
                .map(|pair| {
                    let (from, to) = (Names::new(model).guest(pair.from), Names::new(model).guest(pair.to));
                    format!("{from} to {to}")
                })
                .collect();
            let at = host.map_or_else(String::new, |host| {
                format!(" at {}", Names::new(model).host(host))
            });
            let told_so = if told {
                "the sender is told, where packets may not be fragmented"
            } else {
                "the sender is not told"
            };
            Finding {
                rule: reason,
                severity: if told {
                    Severity::Warning
                } else {
                    Severity::Error
                },
                message: format!(
                    "{}: {} packets of more than {largest} bytes are dropped {reason}{at}, and the guests' \
                     MTU is {configured}; {told_so}",
                    listed(&names),
                    family.name()
                ),
                places: Vec::new(),
                fix: vec![format!(
                    "Lower the guests' MTU to {largest}, or raise the underlay's by {}.",
                    configured.saturating_sub(largest)
                )],
                identity: format!("{reason} {} {}", family.name(), names.join(", ")),
            }
        })
        .collect();
    let failing = mtus.iter().filter(|mtu| !mtu.holds()).count();
    let wanted = pairs.iter().filter(|pair| pair.wanted == Reach::Allow);
    let unmeasured = wanted.filter(|pair| !pair.answered).count();
    let smallest = mtus.iter().filter_map(|mtu| mtu.largest_bytes).min();
    let smallest = match smallest {
        _ if mtus.is_empty() => "no guest gets an answer, so no packet was measured".to_owned(),
        None => "nothing limits packets between guests".to_owned(),
        Some(least) => format!("the largest packet that is safe for every pair has {least} bytes"),
    };
    let measured = match unmeasured {
        0 => String::new(),
        _ if mtus.is_empty() => String::new(),
        _ => format!(
            ", as far as {} of {} pairs get answers",
            mtus.len(),
            mtus.len() + unmeasured
        ),
    };
    Check {
        id: "mtu".to_owned(),
        title: match failing {
            0 => format!("{smallest}{measured}"),
            _ => format!(
                "{failing} of {} pairs lose what their MTU allows; {smallest}{measured}",
                mtus.len()
            ),
        },
        outcome: if failing > 0 {
            CheckOutcome::Fails
        } else if mtus.is_empty() || unmeasured > 0 {
            CheckOutcome::Undecided
        } else {
            CheckOutcome::Holds
        },
        findings,
    }
}
