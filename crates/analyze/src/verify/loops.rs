//! Routes that lead in a circle, and routes that lead nowhere.
//!
//! For every customer route with a next hop each guest of the domain sends a packet for an address that nobody has. Where it is delivered is a
//! gateway. If that one, under its own address, left the destination to the built-in router again, where
//! would it go? A gateway that is met again closes a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nvgre_dataplane::{CustomerRoute, DropReason, PortId, PortSubnet, RecordId, RouteId};
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Ingress, Model, Trial};
use nvgre_wire::CustomerAddress;

use super::named;
use crate::finding::{Check, CheckOutcome, Finding, Severity};
use crate::guest_frame::{self, Station};
use crate::listed::listed;
use crate::names::Names;

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
    let records = (model.network().hosts().iter()).flat_map(|host| &host.policy().records);
    let known: BTreeSet<_> = records.map(|record| record.customer_address).collect();
    let asked = questions(model, &known);
    let mut trial = model.trial();
    for question in asked {
        if let Some(end) = follow(&mut trial, &question, &known) {
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
    route: (usize, RouteId),
    destination: CustomerAddress,
}

/// Each guest with each route of its domain on its host, as far as both are of one family.
fn questions(model: &Model, known: &BTreeSet<CustomerAddress>) -> Vec<Question> {
    let mut questions = Vec::new();
    for (host, holder) in model.network().hosts().iter().enumerate() {
        let policy = holder.policy();
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
                // The next hop itself does not take its own route.
                let mut own = model.scenario().guests[guest].addresses.iter();
                if own.any(|own| own.address == route.next_hop) {
                    continue;
                }
                if let Some(destination) = stranger(route, routes, known) {
                    questions.push(Question {
                        guest,
                        route: (host, route.id),
                        destination,
                    });
                }
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

/// As whom a guest speaks in this family: as the one that records name, if they name it.
fn station(
    model: &Model,
    guest: GuestIndex,
    ipv4: bool,
    known: &BTreeSet<CustomerAddress>,
) -> Option<Station> {
    let inventory = &model.scenario().guests[guest];
    let own = inventory.addresses.iter().map(|own| own.address);
    let own = own.filter(|own| own.is_ipv4() == ipv4);
    let named = own.clone().find(|own| known.contains(own));
    let address = named.or_else(|| own.clone().next())?;
    Some(Station {
        mac: inventory.mac,
        address,
    })
}

/// None: it leads out by a gateway.
fn follow(
    trial: &mut Trial<'_>,
    question: &Question,
    known: &BTreeSet<CustomerAddress>,
) -> Option<RouteEnd> {
    let router = trial.model().scenario().settings.router_mac;
    let ipv4 = question.destination.is_ipv4();
    let mut met: Vec<GuestIndex> = Vec::new();
    let mut guest = question.guest;
    loop {
        let sender = station(trial.model(), guest, ipv4, known)?;
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
    }
}

/// The routes as a check: a finding each.
pub fn loops_check(model: &Model, bad: &[BadRoute]) -> Check {
    let findings: Vec<_> = bad.iter().map(|bad| finding(model, bad)).collect();
    Check {
        id: "loops".to_owned(),
        title: match findings.len() {
            0 if !with_hop(model) => "no customer route has a next hop".to_owned(),
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

/// Whether there is anything to follow.
fn with_hop(model: &Model) -> bool {
    let routes = model.network().hosts().iter();
    let mut routes = routes.flat_map(|host| &host.policy().customer_routes);
    routes.any(|route| !route.is_on_link())
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
                Names::new(model).host(host),
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
        .map(|&guest| Names::new(model).guest(guest))
        .collect();
    let (rule, message, fix) = match &bad.ends {
        RouteEnd::Circle(gateways) => {
            let names: Vec<_> = gateways
                .iter()
                .map(|&guest| Names::new(model).guest(guest))
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
                    listed(&senders),
                    Names::new(model).host(*host),
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
