//! A journey as people read it: one step a line, with what was asked, what matched, and where that is
//! written.

use nvgre_dataplane::{Event, PortId};
use nvgre_netwnv::Place;
use nvgre_sim::{Arrival, Exit, FrameSummary, GuestIndex, Hop, Ingress, Journey};

use crate::names::Names;
use crate::near_miss::Row;
use crate::walk_step_text::{is_detail, row_of, stage};

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
            stage: match hop.ingress {
                Ingress::Port(_) => "outbound",
                Ingress::Uplink => "inbound",
            },
            asked: came,
            matched: left,
            row: last_row,
            place,
            detail: false,
        }
    });
    hops.collect()
}

pub(crate) struct Steps<'a, 'm> {
    pub(crate) names: &'a Names<'m>,
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

    pub(crate) fn guest(&self, port: PortId) -> String {
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

    pub(crate) fn summary(&self, frame: &[u8]) -> String {
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
    pub(crate) fn began_hidden(&self) -> bool {
        match self.journey.hops.first().map(|hop| hop.ingress) {
            Some(Ingress::Port(port)) => self.names.hides_guest(port.0 as GuestIndex),
            Some(Ingress::Uplink) | None => false,
        }
    }

    fn event(&mut self, hop: &Hop, event: &Event) {
        let names = self.names;
        let host = names.host(hop.host);
        let row = row_of(hop.host, event);
        let (asked, matched) = if self.hides(hop, event) {
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
