//! The answer about isolation in words, with the rows that it rests on.

use std::collections::BTreeSet;

use nvgre_dataplane::Rule;
use nvgre_netwnv::Place;
use nvgre_sim::{FrameSummary, Model};
use nvgre_wire::{ProviderAddress, RoutingDomainId, VirtualSubnetId};

use super::named;
use crate::finding::{Check, CheckOutcome, Finding, Severity};
use crate::isolation::{BlastEntry, Breach, Ground, Isolation, Witness};
use crate::listed::listed;
use crate::names::Names;

/// The answer as a check: what crosses first, then where the tables break the rule.
pub fn isolation_check(model: &Model, answer: &Isolation) -> Check {
    let guests = model.scenario().guests.len();
    let outcome = if !answer.witnesses.is_empty() {
        CheckOutcome::Fails
    } else if answer.open.is_empty() && guests > 0 {
        CheckOutcome::Holds
    } else {
        CheckOutcome::Undecided
    };
    let title = match (outcome, answer.frames_sent) {
        (CheckOutcome::Fails, _) => "frames of one tenant reach another".to_owned(),
        (CheckOutcome::Undecided, 0) => "there is no guest to ask about".to_owned(),
        (CheckOutcome::Undecided, sent) => {
            let open = answer.open.iter().copied().collect::<BTreeSet<_>>();
            let open: Vec<_> = open
                .into_iter()
                .map(|guest| Names::new(model).guest(guest))
                .collect();
            format!(
                "the tables leave a doubt, and {sent} classes of frames did not settle it for {}",
                listed(&open)
            )
        }
        (CheckOutcome::Holds, 0) => {
            "no frame that a guest can send reaches another tenant: the tables of all hosts keep the rule"
                .to_owned()
        }
        (CheckOutcome::Holds, sent) => format!(
            "no frame that a guest can send reaches another tenant: where the tables break the rule, all \
             {sent} classes of frames were sent, and none crosses"
        ),
    };
    let severity = if outcome == CheckOutcome::Fails {
        Severity::Error
    } else {
        Severity::Warning
    };
    let witnesses = answer.witnesses.iter();
    let witnesses = witnesses.map(|witness| crossing(model, witness));
    let breaches = answer.breaches.iter();
    let breaches = breaches.map(|&breach| broken_rule(model, breach, severity));
    Check {
        id: "isolation".to_owned(),
        title,
        outcome,
        findings: witnesses.chain(breaches).collect(),
    }
}

fn crossing(model: &Model, witness: &Witness) -> Finding {
    let (sender, receiver) = (witness.sender, witness.receiver);
    let named = |guest| {
        format!(
            "{} ({})",
            Names::new(model).guest(guest),
            named::tenant_of(model, guest)
        )
    };
    Finding {
        rule: "cross_tenant",
        severity: Severity::Error,
        message: format!(
            "{} reaches {} with {} bytes: {}{}",
            named(sender),
            named(receiver),
            witness.frame.len(),
            FrameSummary(&witness.frame),
            match witness.lessons.len() {
                0 => String::new(),
                1 => ", after hosts have learned from another frame".to_owned(),
                lessons => format!(", after hosts have learned from {lessons} other frames"),
            }
        ),
        places: Vec::new(),
        fix: Vec::new(),
        identity: format!(
            "{} {}",
            Names::new(model).guest(sender),
            Names::new(model).guest(receiver)
        ),
    }
}

fn broken_rule(model: &Model, breach: Breach, severity: Severity) -> Finding {
    let (rule, message, places, fix) = match breach {
        Breach::SharedGround(ground) => shared_ground(model, ground),
        Breach::SharedDomain(domain) => (
            "shared_routing_domain",
            format!("ports of two tenants are in subnets of routing domain {domain}"),
            routes(model, |_, of| of == domain),
            "New-NetVirtualizationCustomerRoute with a RoutingDomainID of its own for each tenant",
        ),
        Breach::SubnetInTwoDomains(vsid) => (
            "subnet_in_two_domains",
            format!("hosts put VSID {vsid} into two routing domains"),
            routes(model, |subnet, _| subnet == vsid),
            "Make the RoutingDomainID of the subnet's customer routes the same on every host",
        ),
        Breach::SharedProviderAddress(address) => (
            "shared_provider_address",
            format!(
                "{address} stands for a guest of its own (TranslationMethodNat), and records name it for \
                 subnets of two routing domains"
            ),
            records(model, address),
            "Set-NetVirtualizationLookupRecord -ProviderAddress: one of its own for each rewritten guest",
        ),
    };
    Finding {
        rule,
        severity,
        identity: message.clone(),
        message,
        places,
        fix: vec![fix.to_owned()],
    }
}

fn shared_ground(
    model: &Model,
    ground: Ground,
) -> (&'static str, String, Vec<Place>, &'static str) {
    let text = match ground {
        Ground::Subnet(vsid) => format!("ports of two tenants have VSID {vsid}"),
        Ground::Switch(host) => format!(
            "ports of two tenants have VSID 16777215 on the switch of {}",
            Names::new(model).host(host)
        ),
        Ground::Wire(None) => {
            "ports of two tenants have no virtual subnet: they share the wire".to_owned()
        }
        Ground::Wire(Some(vlan)) => {
            format!("ports of two tenants have no virtual subnet: they share VLAN {vlan}")
        }
    };
    let scenario = model.scenario();
    let mut places = Vec::new();
    for (host, known) in model.estate().hosts.iter().enumerate() {
        let policy = model.network().hosts()[host].policy();
        for port in &policy.ports {
            let guest = &scenario.guests[port.id.0 as usize];
            let adapter = known.adapters.iter().find(|adapter| {
                adapter.vm_name.eq_ignore_ascii_case(&guest.name)
                    && adapter.name.eq_ignore_ascii_case(&guest.nic)
            });
            if crate::isolation::ground_of(host, port) == ground {
                places.extend(adapter.and_then(|adapter| adapter.place.clone()));
            }
        }
    }
    places.dedup();
    (
        "shared_subnet",
        text,
        places,
        "Set-VMNetworkAdapter -VirtualSubnetId: subnets of their own for each tenant",
    )
}

fn routes(model: &Model, wanted: impl Fn(VirtualSubnetId, RoutingDomainId) -> bool) -> Vec<Place> {
    let entries = model
        .estate()
        .hosts
        .iter()
        .flat_map(|host| &host.customer_routes);
    let wanted =
        entries.filter(|entry| wanted(entry.route.virtual_subnet, entry.route.routing_domain));
    let mut places: Vec<_> = wanted.map(|entry| entry.place.clone()).collect();
    places.dedup();
    places
}

/// Records that rewrite first: those are the ones that want the address for themselves.
fn records(model: &Model, address: ProviderAddress) -> Vec<Place> {
    let entries = model.estate().hosts.iter().flat_map(|host| &host.records);
    let wanted = entries.filter(|entry| entry.record.provider_address == address);
    let mut wanted: Vec<_> = wanted.collect();
    wanted.sort_by_key(|entry| entry.record.rule != Rule::Nat);
    let mut places: Vec<_> = wanted.iter().map(|entry| entry.place.clone()).collect();
    places.dedup();
    places
}

/// What a host that obeys nobody reaches, a line for each host and domain, with the record that lets
/// it in.
pub fn radius_lines(model: &Model, radius: &[BlastEntry]) -> Vec<(String, Option<Place>)> {
    let line = |entry: &BlastEntry| {
        let guests: Vec<_> = entry
            .guests
            .iter()
            .map(|&guest| {
                format!(
                    "{} ({})",
                    Names::new(model).guest(guest),
                    named::tenant_of(model, guest)
                )
            })
            .collect();
        let on = format!(
            "{} on {}",
            guests.join(", "),
            Names::new(model).host(entry.host)
        );
        match entry.by {
            None => (format!("{on}: without a subnet, on the wire itself"), None),
            Some((_, id)) => match named::record(model, (entry.host, id)) {
                Some((told, place)) => (format!("{on}: {told}"), place),
                None => (on, None),
            },
        }
    };
    radius.iter().map(line).collect()
}
