//! An event of the dataplane in words: what was asked, and what matched.

use nvgre_dataplane::{Event, LookupRecord, PortId, PortSubnet, RecordId};
use nvgre_sim::{GuestIndex, Hop, Ingress};
use nvgre_wire::{MacAddress, VirtualSubnetId};

use crate::near_miss::Row;
use crate::walk_step::Steps;

impl Steps<'_, '_> {
    /// Whether a step is about another tenant's subnet or guest.
    pub(crate) fn hides(&self, hop: &Hop, event: &Event) -> bool {
        let names = self.names;
        let record = |id: &RecordId| {
            let found = names.record(hop.host, *id);
            found.is_some_and(|record| names.hides_subnet(record.virtual_subnet))
        };
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
            | Event::PeerChecked { virtual_subnet, .. }
            | Event::PeerUnknown { virtual_subnet, .. } => names.hides_subnet(*virtual_subnet),
            Event::Routed { from, to } => names.hides_subnet(*from) || names.hides_subnet(*to),
            Event::RouteAsked {
                routing_domain,
                hit,
                ..
            } => {
                let route = hit.and_then(|id| names.route(hop.host, id));
                names.hides_domain(*routing_domain)
                    || route.is_some_and(|route| names.hides_route(route))
                    || self.began_hidden()
            }
            // The host answers from the records of the subnet where the asker is.
            Event::Answered { .. } => {
                let mut admitted = hop.events.iter().filter_map(|event| match event {
                    Event::Admitted { subnet, .. } => Some(subnet),
                    _other => None,
                });
                admitted.next().is_some_and(of_port) || self.began_hidden()
            }
            Event::Rewritten {
                source,
                destination,
            } => record(source) || record(destination) || self.began_hidden(),
            Event::ErrorSent { to } | Event::Delivered(to) => port(to),
            Event::NextHopAsked { .. }
            | Event::OuterAccepted { .. }
            | Event::Flooded { .. }
            | Event::RemoteCopiesRefused(_)
            | Event::Dropped(_) => false,
        }
    }

    /// What was asked and what matched. None: another step says it.
    pub(crate) fn said(&self, hop: &Hop, event: &Event) -> Option<(String, String)> {
        let names = self.names;
        let record = |id: Option<RecordId>| {
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
                    [.., Event::KeyRead { .. }, Event::Dropped(_)]
                    | [
                        ..,
                        Event::KeyRead { .. },
                        Event::PeerUnknown { .. },
                        Event::Dropped(_),
                    ] => "refused".to_owned(),
                    [..] => "taken out".to_owned(),
                },
            ),
            Event::PeerChecked {
                virtual_subnet,
                source,
                hit,
            } => {
                let found = hit.and_then(|id| names.record(hop.host, id));
                let matched =
                    found.map_or_else(|| "a peer; no record of the sender".to_owned(), is_at);
                (
                    in_subnet(format!("sender at PA {source}"), virtual_subnet),
                    matched,
                )
            }
            Event::PeerUnknown {
                virtual_subnet,
                source,
                sender,
            } => {
                let found = sender.and_then(|id| names.record(hop.host, id));
                let matched = found.map_or_else(
                    || "no peer; no record of the sender".to_owned(),
                    |record| format!("no peer; {}", is_at(record)),
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
}

/// Where a record's guest is, as the record has it.
fn is_at(record: &LookupRecord) -> String {
    let who = match record.customer_address.is_unspecified() {
        true => format!("MAC {}", record.mac),
        false => record.customer_address.to_string(),
    };
    format!("{who} is at PA {}", record.provider_address)
}

/// The row of a host's tables that an event matched.
pub(crate) fn row_of(host: usize, event: &Event) -> Option<Row> {
    match *event {
        Event::RecordAsked { hit, .. }
        | Event::MacAsked { hit, .. }
        | Event::WildcardAsked { hit, .. }
        | Event::SourceAsked { hit, .. }
        | Event::PeerChecked { hit, .. } => hit.map(|id| Row::Record(host, id)),
        Event::PeerUnknown { sender, .. } => sender.map(|id| Row::Record(host, id)),
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

pub(crate) const fn stage(event: &Event) -> &'static str {
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
        Event::PeerChecked { .. } | Event::PeerUnknown { .. } => "peer",
        Event::Flooded { .. } | Event::RemoteCopiesRefused(_) => "flood",
        Event::ErrorSent { .. } => "error",
        Event::Delivered(_) => "deliver",
        Event::Dropped(_) => "drop",
    }
}

/// Steps that say nothing new when they went well.
pub(crate) const fn is_detail(event: &Event) -> bool {
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
