//! Routes that lead in a circle, and routes that lead nowhere.
//!
//! For every customer route with a next hop, and for what no route covers where a wildcard takes it,
//! each guest of the domain sends a packet for an address that nobody has. Where it is delivered is a
//! gateway; what that one would send back to the built-in router for the same destination goes on,
//! and a gateway that is met again closes a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nvgre_dataplane::{CustomerRoute, DropReason, PortId, PortSubnet, RecordId, RouteId};
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Ingress, Model, Trial};
use nvgre_wire::CustomerAddress;

use super::named;
use crate::finding::{Check, CheckOutcome, Finding, Severity};
use crate::guest_frame::{self, Station};

/// Length in bytes of the packets that are sent.
const PACKET_BYTES: usize = 68;

/// A route that does not lead where it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadRoute {
    /// The host whose route it is, and the route.
    pub route: (usize, RouteId),
    /// What is wrong.
    pub ends: RouteEnd,
    /// Who sent the packet that showed it, lowest first.
    pub senders: Vec<GuestIndex>,
}

/// How a route ends that leads to no gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteEnd {
    /// In a circle of gateways, in the order in which they are met.
    Circle(Vec<GuestIndex>),
    /// Nowhere: dropped at this host for this reason, by this record.
    Hole {
        /// The host.
        host: usize,
        /// Name of the drop reason.
        reason: &'static str,
        /// The record that the packet was forwarded by, and its host.
        record: Option<(usize, RecordId)>,
    },
}

/// Follows every route with a next hop from every guest that may take it.
pub fn ask_routes(model: &mut Model) -> Vec<BadRoute> {
    let mut found: BTreeMap<((usize, RouteId), RouteEnd), BTreeSet<GuestIndex>> = BTreeMap::new();
    let asked = questions(model);
    let mut trial = model.trial();
    for question in asked {
        if let Some(end) = follow(&mut trial, &question) {
            let key = (question.route, end);
            found.entry(key).or_default().insert(question.guest);
        }
    }
    found
        .into_iter()
        .map(|((route, ends), senders)| BadRoute {
            route,
            ends,
            senders: senders.into_iter().collect(),
        })
        .collect()
}

struct Question {
    guest: GuestIndex,
    sender: Station,
    route: (usize, RouteId),
    destination: CustomerAddress,
}

/// Each guest with each route of its domain on its host, as far as both are of one family.
fn questions(model: &Model) -> Vec<Question> {
    let mut questions = Vec::new();
    for (host, known) in model.network().hosts().iter().enumerate() {
        let policy = known.policy();
        let addresses: BTreeSet<_> = policy
            .records
            .iter()
            .map(|record| record.customer_address)
            .collect();
        for port in &policy.ports {
            let PortSubnet::Tenant(vsid) = port.subnet else {
                continue;
            };
            let routes = &policy.customer_routes;
            let domain = routes.iter().find(|route| route.virtual_subnet == vsid);
            let Some(domain) = domain.map(|route| route.routing_domain) else {
                continue;
            };
            let guest = port.id.0 as GuestIndex;
            let with_hop = routes
                .iter()
                .filter(|route| route.routing_domain == domain && !route.is_on_link());
            for route in with_hop {
                let own = model.scenario().guests[guest].addresses.iter();
                let own = own.map(|own| own.address);
                let own = own.filter(|own| own.is_ipv4() == route.next_hop.is_ipv4());
                // A guest that has addresses on both sides speaks here as the one that records name.
                let address = own.clone().find(|own| addresses.contains(own));
                let address = address.or_else(|| own.clone().next());
                let destination = stranger(route, routes, &addresses);
                let (Some(address), Some(destination)) = (address, destination) else {
                    continue;
                };
                // The next hop itself does not take its own route.
                if own.clone().any(|own| own == route.next_hop) {
                    continue;
                }
                questions.push(Question {
                    guest,
                    sender: Station {
                        mac: port.mac,
                        address,
                    },
                    route: (host, route.id),
                    destination,
                });
            }
        }
    }
    questions
}

/// An address that this route is the best for, and no record has.
fn stranger(
    route: &CustomerRoute,
    routes: &[CustomerRoute],
    known: &BTreeSet<CustomerAddress>,
) -> Option<CustomerAddress> {
    /// Addresses tried: more specific routes may cover much of a prefix.
    const TRIED: u32 = 4_096;
    let network = route.destination.network();
    let width = if network.is_ipv4() { 32 } else { 128 };
    let host_bits = u32::from(width - route.destination.length());
    let of_domain = |other: &&CustomerRoute| other.routing_domain == route.routing_domain;
    // Spread over the prefix, from the middle of each part.
    let steps = TRIED.min(1u32.checked_shl(host_bits).unwrap_or(TRIED));
    let size = u128::MAX >> (128 - host_bits.max(1));
    let step = (size / u128::from(steps.max(1))).max(1);
    let candidates = (0..u128::from(steps)).map(|at| at * step + step / 2);
    candidates
        .map(|offset| offset_from(network, offset))
        .find(|&address| {
            let covers = |other: &&CustomerRoute| other.destination.contains(address);
            let longer = routes
                .iter()
                .filter(of_domain)
                .filter(covers)
                .any(|other| other.destination.length() > route.destination.length());
            let plain = !address.is_link_local() && !address.is_unspecified();
            plain && !longer && !address.is_group() && !known.contains(&address)
        })
}

fn offset_from(network: CustomerAddress, offset: u128) -> CustomerAddress {
    match network.ip() {
        IpAddr::V4(ip) => CustomerAddress::v4((ip.to_bits() | offset as u32).to_be_bytes()),
        IpAddr::V6(ip) => CustomerAddress::v6((ip.to_bits() | offset).to_be_bytes()),
    }
}

fn follow(trial: &mut Trial<'_>, question: &Question) -> Option<RouteEnd> {
    let router = trial.model().scenario().settings.router_mac;
    let mut met: Vec<GuestIndex> = Vec::new();
    let mut guest = question.guest;
    let mut sender = question.sender;
    loop {
        let to = Station {
            mac: router,
            address: question.destination,
        };
        let frame = guest_frame::datagram_of(PACKET_BYTES, sender, to);
        let host = trial.model().host_of(guest);
        let journey = trial.trace(host, Ingress::Port(PortId(guest as u32)), &frame);
        trial.forget();
        let reached = journey.deliveries().next();
        let Some((_, port, _)) = reached else {
            // A gateway need not send anything back to the router.
            let (reason, host) = journey.fate.dropped.filter(|_| met.is_empty())?;
            let clue = journey.clue_of_drop().unwrap_or_default();
            return Some(RouteEnd::Hole {
                host,
                reason: reason.name(),
                record: clue.record,
            });
        };
        let next = port.0 as GuestIndex;
        // It is its own next hop: what it takes leaves by another way.
        if next == guest {
            return None;
        }
        if let Some(at) = met.iter().position(|&known| known == next) {
            return Some(RouteEnd::Circle(met.split_off(at)));
        }
        met.push(next);
        guest = next;
        sender.mac = trial.model().scenario().guests[next].mac;
    }
}

/// The routes as a check: a finding each.
pub fn loops_check(model: &Model, bad: &[BadRoute]) -> Check {
    let findings: Vec<_> = bad.iter().map(|bad| finding(model, bad)).collect();
    Check {
        id: "loops".to_owned(),
        title: match findings.len() {
            0 => "every customer route with a next hop leads to it, and none leads in a circle"
                .to_owned(),
            wrong => format!("{wrong} customer routes lead in a circle or nowhere"),
        },
        outcome: if findings.is_empty() {
            CheckOutcome::Holds
        } else {
            CheckOutcome::Fails
        },
        findings,
    }
}

fn finding(model: &Model, bad: &BadRoute) -> Finding {
    let (host, id) = bad.route;
    let entry = model.estate().hosts[host].customer_route(id);
    let route = entry.map_or_else(
        || "a route".to_owned(),
        |entry| {
            let route = &entry.route;
            format!(
                "the route of {} to {} by {} in VSID {}",
                named::host(model, host),
                route.destination,
                route.next_hop,
                route.virtual_subnet
            )
        },
    );
    let mut places: Vec<Place> = entry.map(|entry| entry.place.clone()).into_iter().collect();
    let senders: Vec<_> = bad
        .senders
        .iter()
        .map(|&guest| named::guest(model, guest))
        .collect();
    let (rule, message, fix) = match &bad.ends {
        RouteEnd::Circle(gateways) => {
            let names: Vec<_> = gateways
                .iter()
                .map(|&guest| named::guest(model, guest))
                .collect();
            (
                "route_circle",
                format!("{route} leads in a circle: {}", names.join(" to ")),
                "Point one of the routes at a gateway that leads out.".to_owned(),
            )
        }
        RouteEnd::Hole {
            host,
            reason,
            record,
        } => {
            let told = record.and_then(|record| named::record(model, record));
            let by = told.as_ref().map(|(told, _)| format!(": {told}"));
            places.extend(told.and_then(|(_, place)| place));
            let fix = DropReason::from_name(reason).map(DropReason::usual_fix);
            (
                "black_hole",
                format!(
                    "{route} leads nowhere: packets of {} are dropped {reason} at {}{}",
                    named::some_of(&senders),
                    named::host(model, *host),
                    by.unwrap_or_default()
                ),
                fix.unwrap_or_default().to_owned(),
            )
        }
    };
    Finding {
        rule,
        severity: Severity::Error,
        identity: format!("{route} {}", senders.join(", ")),
        message,
        places,
        fix: vec![fix],
    }
}
