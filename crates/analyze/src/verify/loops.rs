//! Routes that lead in a circle, and routes that lead nowhere.
//!
//! For every customer route with a next hop each guest of the domain sends a packet for an address that nobody has. Where it is delivered is a
//! gateway. If that one, under its own address, left the destination to the built-in router again, where
//! would it go? A gateway that is met again closes a circle.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_dataplane::{DropReason, Event, PortId, PortSubnet, RecordId, RouteId};
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Ingress, Journey, Model, Trial};
use nvgre_wire::{CustomerAddress, CustomerPrefix};

use super::named;
use crate::finding::{Check, CheckOutcome, Finding, Severity};
use crate::guest_frame::{self, Station};
use crate::listed::listed;
use crate::names::Names;
use crate::unused::unused_address;

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
    /// With a guest that does not have the next hop's address.
    WrongGuest(GuestIndex),
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
    route: (usize, RouteId),
    next_hop: CustomerAddress,
    destination: CustomerAddress,
}

/// Each guest with each route of its domain on its host, as far as both are of one family.
fn questions(model: &Model) -> Vec<Question> {
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
            let of_domain = routes.iter().filter(|route| route.routing_domain == domain);
            let subnets: BTreeSet<_> = of_domain
                .clone()
                .map(|route| route.virtual_subnet)
                .collect();
            let prefixes: Vec<_> = of_domain.clone().map(|route| route.destination).collect();
            let records = policy.records.iter();
            let records = records.filter(|record| subnets.contains(&record.virtual_subnet));
            let taken: BTreeSet<_> = records
                .map(|record| record.customer_address)
                .chain(prefixes.iter().filter_map(CustomerPrefix::gateway))
                .collect();
            let with_hop = of_domain.filter(|route| !route.is_on_link());
            for route in with_hop {
                // The next hop itself does not take its own route.
                let mut own = model.scenario().guests[guest].addresses.iter();
                if own.any(|own| own.address == route.next_hop) {
                    continue;
                }
                let inside = Some(route.destination);
                let ipv4 = route.next_hop.is_ipv4();
                let unused =
                    unused_address(inside, ipv4, &prefixes, |address| taken.contains(&address));
                if let Some(destination) = unused {
                    questions.push(Question {
                        guest,
                        route: (host, route.id),
                        next_hop: route.next_hop,
                        destination,
                    });
                }
            }
        }
    }
    questions
}

/// As whom a guest speaks in this family: as the one that its host's records name, if they name it.
fn station(model: &Model, guest: GuestIndex, ipv4: bool) -> Option<Station> {
    let inventory = &model.scenario().guests[guest];
    let own = inventory.addresses.iter().map(|own| own.address);
    let own = own.filter(|own| own.is_ipv4() == ipv4);
    let records = &model.network().hosts()[model.host_of(guest)]
        .policy()
        .records;
    let named = own.clone().find(|own| {
        let mut records = records.iter();
        records.any(|record| record.customer_address == *own && record.mac == inventory.mac)
    });
    let address = named.or_else(|| own.clone().next())?;
    Some(Station {
        mac: inventory.mac,
        address,
    })
}

/// Whether the sender's host takes this route for the packet.
fn takes(journey: &Journey, route: RouteId) -> bool {
    let events = journey.hops.first().map_or(&[][..], |hop| &hop.events);
    events
        .iter()
        .any(|event| matches!(event, Event::RouteAsked { hit: Some(hit), .. } if *hit == route))
}

/// None: it leads out by a gateway.
fn follow(trial: &mut Trial<'_>, question: &Question) -> Option<RouteEnd> {
    let router = trial.model().scenario().settings.router_mac;
    let ipv4 = question.destination.is_ipv4();
    let mut met: Vec<GuestIndex> = Vec::new();
    let mut guest = question.guest;
    loop {
        let sender = station(trial.model(), guest, ipv4)?;
        let to = Station {
            mac: router,
            address: question.destination,
        };
        let frame = guest_frame::datagram_of(PACKET_BYTES, sender, to);
        let host = trial.model().host_of(guest);
        let journey = trial.trace(host, Ingress::Port(PortId(guest as u32)), &frame);
        trial.forget();
        if met.is_empty() && !takes(&journey, question.route.1) {
            return None;
        }
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
        if met.is_empty() {
            let own = &trial.model().scenario().guests[next].addresses;
            let is_it = own.iter().any(|own| own.address == question.next_hop);
            if !is_it && !own.is_empty() {
                return Some(RouteEnd::WrongGuest(next));
            }
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
    let guestless = model.scenario().guests.is_empty();
    Check {
        id: "loops".to_owned(),
        title: match findings.len() {
            _ if guestless => "there is no guest to ask about".to_owned(),
            0 if !with_hop(model) => "no customer route has a next hop".to_owned(),
            0 => "every customer route with a next hop leads to it, and none leads in a circle"
                .to_owned(),
            wrong => format!("{wrong} customer routes lead in a circle or nowhere"),
        },
        outcome: if guestless {
            CheckOutcome::Undecided
        } else if findings.is_empty() {
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
        RouteEnd::WrongGuest(guest) => (
            "wrong_next_hop",
            format!(
                "{route} leads to {}, which does not have that address",
                Names::new(model).guest(*guest)
            ),
            "Make the MAC of the next hop's record that of the gateway, or the next hop its address."
                .to_owned(),
        ),
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
