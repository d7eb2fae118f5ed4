//! A journey as people read it: one step a line, with what was asked, what matched, and where that is
//! written.

use nvgre_dataplane::{Event, PortId, PortSubnet};
use nvgre_netwnv::Place;
use nvgre_sim::{Arrival, Exit, FrameSummary, GuestIndex, Hop, Ingress, Journey};
use nvgre_wire::{MacAddress, VirtualSubnetId};

use crate::names::Names;
use crate::near_miss::Row;

/// One step of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkStep {
    /// The host where it happened, by name; "underlay" between hosts.
    pub host: String,
    /// What was done: "port", "record", "route", "encap", "underlay", "decap", "deliver", "drop" and
    /// the like.
    pub stage: &'static str,
    /// The question: the key of a table, the frame's addresses.
    pub asked: String,
    /// The answer: what matched, what was done, or "none".
    pub matched: String,
    /// The row that matched.
    pub row: Option<Row>,
    /// Where that row was written. None, too, where it is hidden.
    pub place: Option<Place>,
    /// Whether it is of interest only to those who want every step.
    pub detail: bool,
}

/// Names that are listed one by one; of more, the number.
const NAMED_MAX: usize = 6;
const HIDDEN: &str = "(of another tenant)";

/// The steps of a journey, each copy's to its end before the next one's.
pub fn walk_steps(names: &Names<'_>, journey: &Journey) -> Vec<WalkStep> {
    let mut steps = Steps {
        names,
        journey,
        steps: Vec::new(),
    };
    for (at, hop) in journey.hops.iter().enumerate() {
        if hop.after.is_none() {
            steps.hop(at);
        }
    }
    if journey.hops.is_empty()
        && let Some((reason, _)) = journey.fate.dropped
    {
        let asked = "an address that no host owns".to_owned();
        steps.push("underlay", "carry", asked, format!("dropped: {reason}"));
    }
    steps.steps
}

/// The same with one step a hop: how the frame came in, and how it left.
pub fn hop_steps(names: &Names<'_>, journey: &Journey) -> Vec<WalkStep> {
    let steps = Steps {
        names,
        journey,
        steps: Vec::new(),
    };
    let hops = journey.hops.iter().map(|hop| {
        let (came, left) = (steps.came(hop), steps.left(hop));
        // The record that forwarded it, and not the one that spoke for its sender.
        let forwarding = hop.events.iter().rev();
        let forwarding = forwarding.filter(|event| !matches!(event, Event::SourceAsked { .. }));
        let mut rows = forwarding.filter_map(|event| row_of(hop.host, event));
        let last_row = rows.next();
        let place = last_row.and_then(|row| steps.place(row));
        WalkStep {
            host: names.host(hop.host).to_owned(),
            stage: "hop",
            asked: came,
            matched: left,
            row: last_row,
            place,
            detail: false,
        }
    });
    hops.collect()
}

struct Steps<'a, 'm> {
    names: &'a Names<'m>,
    journey: &'a Journey,
    steps: Vec<WalkStep>,
}

impl Steps<'_, '_> {
    fn push(&mut self, host: &str, stage: &'static str, asked: String, matched: String) {
        self.steps.push(WalkStep {
            host: host.to_owned(),
            stage,
            asked,
            matched,
            row: None,
            place: None,
            detail: false,
        });
    }

    fn place(&self, row: Row) -> Option<Place> {
        let place = match row {
            Row::Record(host, id) => self.names.place_of_record(host, id),
            Row::Route(host, id) => self.names.place_of_route(host, id),
            Row::ProviderRoute(..) => None,
        };
        place.cloned()
    }

    fn guest(&self, port: PortId) -> String {
        self.names.guest(port.0 as GuestIndex)
    }

    /// The steps of one hop, and of those that its copies went on to.
    fn hop(&mut self, at: usize) {
        let journey = self.journey;
        let hop = &journey.hops[at];
        let host = self.names.host(hop.host);
        for event in &hop.events {
            self.event(hop, event);
        }
        let to_ports = hop.exits.iter().filter_map(|exit| match exit {
            Exit::Delivered { port, .. } => Some(*port),
            Exit::Generated { .. } | Exit::Sent { .. } | Exit::Dropped(_) => None,
        });
        let to_ports: Vec<_> = to_ports.collect();
        if !to_ports.is_empty() {
            let asked = self.frame_delivered(hop);
            self.push(
                host,
                "deliver",
                asked,
                format!("to {}", self.listed(&to_ports)),
            );
        }
        for exit in &hop.exits {
            if let Exit::Sent { frame, arrivals } = exit {
                self.underlay(frame, arrivals);
            }
        }
        if hop.exits.is_empty() {
            self.push(
                host,
                "take",
                "the packet".to_owned(),
                "by the host itself".to_owned(),
            );
        }
    }

    fn underlay(&mut self, frame: &[u8], arrivals: &[Arrival]) {
        let to = nvgre_dataplane::Outer::parse(frame).map_or_else(
            |_| self.summary(frame),
            |outer| format!("{} > {}", outer.source, outer.destination),
        );
        for arrival in arrivals {
            match *arrival {
                Arrival::Hop(next) => {
                    let host = self.names.host(self.journey.hops[next].host);
                    self.push("underlay", "carry", to.clone(), format!("to {host}"));
                    self.hop(next);
                }
                Arrival::Lost { to: host, reason } => {
                    let matched = match host {
                        Some(host) => {
                            format!("dropped on the way to {}: {reason}", self.names.host(host))
                        }
                        None => format!("dropped: {reason}"),
                    };
                    self.push("underlay", "carry", to.clone(), matched);
                }
            }
        }
    }

    fn listed(&self, ports: &[PortId]) -> String {
        let mut names: Vec<_> = ports.iter().map(|&port| self.guest(port)).collect();
        names.dedup();
        let more = names.len().saturating_sub(NAMED_MAX);
        names.truncate(NAMED_MAX);
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        names.join(", ")
    }

    fn summary(&self, frame: &[u8]) -> String {
        FrameSummary(frame).to_string()
    }

    /// The frame as its receivers get it, unless that would tell them of another tenant.
    fn frame_delivered(&self, hop: &Hop) -> String {
        let mut delivered = hop.exits.iter().filter_map(|exit| match exit {
            Exit::Delivered { port, frame } => Some((*port, frame)),
            Exit::Generated { .. } | Exit::Sent { .. } | Exit::Dropped(_) => None,
        });
        match delivered.next() {
            Some(_) if self.began_hidden() => HIDDEN.to_owned(),
            Some((_, frame)) => self.summary(frame),
            None => String::new(),
        }
    }

    /// Whether the frame was another tenant's guest's.
    fn began_hidden(&self) -> bool {
        match self.journey.hops.first().map(|hop| hop.ingress) {
            Some(Ingress::Port(port)) => self.names.hides_guest(port.0 as GuestIndex),
            Some(Ingress::Uplink) | None => false,
        }
    }

    fn event(&mut self, hop: &Hop, event: &Event) {
        let names = self.names;
        let host = names.host(hop.host);
        let row = row_of(hop.host, event);
        let (asked, matched) = if self.hides(event) {
            (HIDDEN.to_owned(), HIDDEN.to_owned())
        } else {
            match self.said(hop, event) {
                Some(said) => said,
                None => return,
            }
        };
        self.steps.push(WalkStep {
            host: host.to_owned(),
            stage: stage(event),
            asked,
            matched,
            row,
            place: row.and_then(|row| self.place(row)),
            detail: is_detail(event),
        });
    }

    /// Whether a step is about another tenant's subnet or guest.
    fn hides(&self, event: &Event) -> bool {
        let names = self.names;
        let port = |port: &PortId| names.hides_guest(port.0 as GuestIndex);
        let of_port = |subnet: &PortSubnet| match subnet {
            PortSubnet::Tenant(vsid) => names.hides_subnet(*vsid),
            PortSubnet::Unset | PortSubnet::LocalOnly => false,
        };
        match event {
            Event::Admitted { port: at, subnet } => port(at) || of_port(subnet),
            Event::PortAsked { subnet, hit, .. } => {
                of_port(subnet) || hit.as_ref().is_some_and(port)
            }
            Event::RecordAsked { virtual_subnet, .. }
            | Event::MacAsked { virtual_subnet, .. }
            | Event::WildcardAsked { virtual_subnet, .. }
            | Event::SourceAsked { virtual_subnet, .. }
            | Event::Encapsulated { virtual_subnet, .. }
            | Event::KeyRead { virtual_subnet, .. }
            | Event::PeerChecked { virtual_subnet, .. } => names.hides_subnet(*virtual_subnet),
            Event::Routed { from, to } => names.hides_subnet(*from) || names.hides_subnet(*to),
            Event::RouteAsked { .. } | Event::Answered { .. } | Event::Rewritten { .. } => {
                self.began_hidden()
            }
            Event::ErrorSent { to } | Event::Delivered(to) => port(to),
            Event::NextHopAsked { .. }
            | Event::OuterAccepted { .. }
            | Event::Flooded { .. }
            | Event::RemoteCopiesRefused(_)
            | Event::Dropped(_) => false,
        }
    }

    /// What was asked and what matched. None: another step says it.
    fn said(&self, hop: &Hop, event: &Event) -> Option<(String, String)> {
        let names = self.names;
        let record = |id: Option<nvgre_dataplane::RecordId>| {
            let found = id.and_then(|id| names.record(hop.host, id));
            found.map_or_else(
                || "none".to_owned(),
                |record| {
                    let (pa, mac, rule) = (record.provider_address, record.mac, record.rule);
                    format!("PA {pa}, MAC {mac}, {}", short(rule))
                },
            )
        };
        let in_subnet =
            |what: String, vsid: VirtualSubnetId| format!("{what} in {}", names.subnet(vsid));
        Some(match *event {
            Event::Admitted { port, subnet } => (
                self.summary(&hop.frame),
                format!("{}, {}", self.guest(port), names.port_subnet(subnet)),
            ),
            Event::PortAsked { subnet, mac, hit } => (
                format!("MAC {mac} in {}", names.port_subnet(subnet)),
                hit.map_or_else(
                    || "no port".to_owned(),
                    |port| format!("port of {}", self.guest(port)),
                ),
            ),
            Event::RecordAsked {
                virtual_subnet,
                customer_address,
                hit,
            } => (
                in_subnet(customer_address.to_string(), virtual_subnet),
                record(hit),
            ),
            Event::MacAsked {
                virtual_subnet,
                mac,
                hit,
            } => (in_subnet(format!("MAC {mac}"), virtual_subnet), record(hit)),
            Event::WildcardAsked {
                virtual_subnet,
                hit,
            } => (
                in_subnet("a gateway's wildcard".to_owned(), virtual_subnet),
                record(hit),
            ),
            Event::RouteAsked {
                routing_domain,
                destination,
                hit,
            } => {
                let mut tenants = names.model().scenario().tenants.iter();
                let tenant = tenants.position(|tenant| tenant.routing_domain == routing_domain);
                let domain = tenant.map_or_else(
                    || routing_domain.to_string(),
                    |tenant| format!("tenant {}", names.tenant(tenant)),
                );
                let route = hit.and_then(|id| names.route(hop.host, id));
                let matched = route.map_or_else(
                    || "none".to_owned(),
                    |route| {
                        let by = match route.is_on_link() {
                            true => "on-link".to_owned(),
                            false => format!("by {}", route.next_hop),
                        };
                        format!(
                            "{} {by}, {}",
                            route.destination,
                            names.subnet(route.virtual_subnet)
                        )
                    },
                );
                (format!("{destination} of {domain}"), matched)
            }
            Event::SourceAsked {
                virtual_subnet,
                customer_address,
                mac,
                hit,
            } => {
                let who =
                    customer_address.map_or_else(|| "no address".to_owned(), |ca| ca.to_string());
                (
                    in_subnet(format!("{who}, MAC {mac}"), virtual_subnet),
                    record(hit),
                )
            }
            Event::NextHopAsked {
                provider_address,
                hit,
            } => (
                format!("PA {provider_address}"),
                hit.map_or_else(|| "no next hop".to_owned(), next_hop),
            ),
            Event::Routed { from, to } => (
                format!("{} to {}", names.subnet(from), names.subnet(to)),
                "new MACs, TTL less one".to_owned(),
            ),
            Event::Answered {
                customer_address,
                mac,
            } => (
                format!("who has {customer_address}"),
                format!("it is at {mac}, says the host"),
            ),
            Event::Encapsulated {
                virtual_subnet,
                flow_id,
                source,
                destination,
            } => (
                format!("{}, FlowID {}", names.subnet(virtual_subnet), flow_id.0),
                format!("NVGRE {source} > {destination}"),
            ),
            Event::Rewritten {
                source,
                destination,
            } => {
                let from = names.record(hop.host, source)?;
                let to = names.record(hop.host, destination)?;
                let customer = format!("{} > {}", from.customer_address, to.customer_address);
                let provider = format!("{} > {}", from.provider_address, to.provider_address);
                match hop.ingress {
                    Ingress::Port(_) => (customer, provider),
                    Ingress::Uplink => (provider, customer),
                }
            }
            Event::OuterAccepted {
                source,
                destination,
            } => (
                format!("{source} > {destination}"),
                "for this host".to_owned(),
            ),
            Event::KeyRead {
                virtual_subnet,
                flow_id,
            } => (
                format!(
                    "key of {}, FlowID {}",
                    names.subnet(virtual_subnet),
                    flow_id.0
                ),
                match &hop.events[..] {
                    // Nothing was asked between the key and the drop: the checks of receipt refused it.
                    [.., Event::KeyRead { .. }, Event::Dropped(_)] => "refused".to_owned(),
                    [..] => "taken out".to_owned(),
                },
            ),
            Event::PeerChecked {
                virtual_subnet,
                source,
                hit,
            } => {
                let found = hit.and_then(|id| names.record(hop.host, id));
                let matched = found.map_or_else(
                    || "a peer; no record of the sender".to_owned(),
                    |record| {
                        format!(
                            "{} is at PA {}",
                            record.customer_address, record.provider_address
                        )
                    },
                );
                (
                    in_subnet(format!("sender at PA {source}"), virtual_subnet),
                    matched,
                )
            }
            Event::Flooded { local, remote } => (
                "everybody".to_owned(),
                format!("copies: {local} here, {remote} to other hosts"),
            ),
            Event::RemoteCopiesRefused(reason) => {
                ("copies for other hosts".to_owned(), reason.to_string())
            }
            Event::ErrorSent { to } => {
                ("an ICMP error".to_owned(), format!("to {}", self.guest(to)))
            }
            // The exits of the hop say it.
            Event::Delivered(_) => return None,
            Event::Dropped(reason) => (reason.to_string(), "dropped".to_owned()),
        })
    }

    /// How a frame came to a hop, in short.
    fn came(&self, hop: &Hop) -> String {
        match hop.ingress {
            Ingress::Port(port) => format!("from {}", self.guest(port)),
            Ingress::Uplink => match nvgre_dataplane::Outer::parse(&hop.frame) {
                Ok(outer) => format!("from PA {}", outer.source),
                Err(_) => "from the underlay".to_owned(),
            },
        }
    }

    /// What came of a hop, in short.
    fn left(&self, hop: &Hop) -> String {
        let exits = hop.exits.iter().map(|exit| match exit {
            Exit::Delivered { port, .. } => format!("delivered to {}", self.guest(*port)),
            Exit::Generated { port, .. } => format!("answered to {}", self.guest(*port)),
            Exit::Dropped(reason) => format!("dropped {reason}"),
            Exit::Sent { frame, arrivals } => {
                let to = nvgre_dataplane::Outer::parse(frame);
                let to = to.map_or_else(
                    |_| String::new(),
                    |outer| format!(" to PA {}", outer.destination),
                );
                let lost = arrivals.iter().find_map(|arrival| match arrival {
                    Arrival::Hop(_) => None,
                    Arrival::Lost { reason, .. } => Some(format!(", lost there: {reason}")),
                });
                format!("sent{to}{}", lost.unwrap_or_default())
            }
        });
        let mut exits: Vec<_> = exits.collect();
        let more = exits.len().saturating_sub(NAMED_MAX);
        exits.truncate(NAMED_MAX);
        if more > 0 {
            exits.push(format!("and {more} more"));
        }
        match exits.is_empty() {
            true => "taken by the host".to_owned(),
            false => exits.join("; "),
        }
    }
}

/// The row of a host's tables that an event matched.
fn row_of(host: usize, event: &Event) -> Option<Row> {
    match *event {
        Event::RecordAsked { hit, .. }
        | Event::MacAsked { hit, .. }
        | Event::WildcardAsked { hit, .. }
        | Event::SourceAsked { hit, .. }
        | Event::PeerChecked { hit, .. } => hit.map(|id| Row::Record(host, id)),
        Event::RouteAsked { hit, .. } => hit.map(|id| Row::Route(host, id)),
        Event::Rewritten { destination, .. } => Some(Row::Record(host, destination)),
        Event::Admitted { .. }
        | Event::PortAsked { .. }
        | Event::NextHopAsked { .. }
        | Event::Routed { .. }
        | Event::Answered { .. }
        | Event::Encapsulated { .. }
        | Event::OuterAccepted { .. }
        | Event::KeyRead { .. }
        | Event::Flooded { .. }
        | Event::RemoteCopiesRefused(_)
        | Event::ErrorSent { .. }
        | Event::Delivered(_)
        | Event::Dropped(_) => None,
    }
}

const fn stage(event: &Event) -> &'static str {
    match event {
        Event::Admitted { .. } | Event::PortAsked { .. } => "port",
        Event::RecordAsked { .. } | Event::MacAsked { .. } => "record",
        Event::WildcardAsked { .. } => "wildcard",
        Event::RouteAsked { .. } => "route",
        Event::SourceAsked { .. } => "source",
        Event::NextHopAsked { .. } => "next hop",
        Event::Routed { .. } => "router",
        Event::Answered { .. } => "answer",
        Event::Encapsulated { .. } => "encap",
        Event::Rewritten { .. } => "nat",
        Event::OuterAccepted { .. } => "outer",
        Event::KeyRead { .. } => "decap",
        Event::PeerChecked { .. } => "peer",
        Event::Flooded { .. } | Event::RemoteCopiesRefused(_) => "flood",
        Event::ErrorSent { .. } => "error",
        Event::Delivered(_) => "deliver",
        Event::Dropped(_) => "drop",
    }
}

/// Steps that say nothing new when they went well.
const fn is_detail(event: &Event) -> bool {
    matches!(
        event,
        Event::PortAsked { .. }
            | Event::NextHopAsked { hit: Some(_), .. }
            | Event::OuterAccepted { .. }
    )
}

const fn short(rule: nvgre_dataplane::Rule) -> &'static str {
    match rule {
        nvgre_dataplane::Rule::Nat => "Nat",
        nvgre_dataplane::Rule::Encap => "Encap",
        nvgre_dataplane::Rule::None => "None",
    }
}

fn next_hop(mac: MacAddress) -> String {
    match mac == nvgre_sim::ROUTER_MAC {
        true => format!("MAC {mac}, the underlay's router"),
        false => format!("MAC {mac}"),
    }
}
