//! How a conversation or a journey ended, in words: the reason, and the row that decided.

use nvgre_dataplane::{DropReason, Event};
use nvgre_netwnv::Place;
use nvgre_sim::{Clue, Outcome};
use nvgre_wire::VirtualSubnetId;

use crate::conversation::{Conversation, Failure};
use crate::names::Names;
use crate::near_miss::Row;

/// What decided, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Name of the host whose tables decided.
    pub host: String,
    /// "record of 192.168.1.22 in VSID 445566", "no record of ...".
    pub what: String,
    /// The row, if one matched.
    pub row: Option<Row>,
    /// Where it is written. None, too, where it is hidden.
    pub place: Option<Place>,
}

impl Decision {
    /// What decided about a frame that was dropped for this reason, or that arrived. None: no row of a
    /// table did.
    pub fn of(names: &Names<'_>, reason: Option<DropReason>, clue: &Clue) -> Option<Self> {
        if let (Some(DropReason::WnvUnbound), Some((host, _))) = (reason, clue.missed) {
            return Some(Self {
                host: names.host(host).to_owned(),
                what: "the missing binding of ms_netwnv".to_owned(),
                row: None,
                place: None,
            });
        }
        if let Some((host, event)) = clue.missed
            && let Some(what) = missing(names, &event)
        {
            return Some(Self {
                host: names.host(host).to_owned(),
                what,
                row: None,
                place: None,
            });
        }
        let (host, id) = clue.record?;
        let row = Row::Record(host, id);
        Some(Self {
            host: names.host(host).to_owned(),
            what: row.text(names),
            row: Some(row),
            place: names.place_of_record(host, id).cloned(),
        })
    }
}

/// What a host has not, by the question that had no answer.
fn missing(names: &Names<'_>, event: &Event) -> Option<String> {
    let record = |what: String, vsid: VirtualSubnetId| match names.hides_subnet(vsid) {
        true => "no record in a subnet of another tenant".to_owned(),
        false => format!("no record of {what} in {}", names.subnet(vsid)),
    };
    match *event {
        Event::RecordAsked {
            virtual_subnet,
            customer_address,
            hit: None,
        } => Some(record(customer_address.to_string(), virtual_subnet)),
        Event::MacAsked {
            virtual_subnet,
            mac,
            hit: None,
        } => Some(record(format!("MAC {mac}"), virtual_subnet)),
        Event::SourceAsked {
            virtual_subnet,
            customer_address,
            mac,
            hit: None,
        } => {
            let who = customer_address.map_or_else(String::new, |address| format!("{address}, "));
            let what = format!("the sender ({who}MAC {mac}) with a provider address of the host");
            Some(record(what, virtual_subnet))
        }
        Event::RouteAsked {
            destination,
            hit: None,
            ..
        } => Some(format!("no customer route to {destination}")),
        Event::NextHopAsked {
            provider_address,
            hit: None,
        } => Some(format!("no next hop to PA {provider_address}")),
        Event::PeerUnknown {
            virtual_subnet,
            source,
            sender: None,
        } => {
            let subnet = names.subnet(virtual_subnet);
            Some(format!(
                "no record that names PA {source} in the domain of {subnet}"
            ))
        }
        // A record has led there: it is what is to be mended.
        Event::PortAsked { .. }
        | Event::RecordAsked { .. }
        | Event::MacAsked { .. }
        | Event::SourceAsked { .. }
        | Event::RouteAsked { .. }
        | Event::NextHopAsked { .. }
        | Event::Admitted { .. }
        | Event::WildcardAsked { .. }
        | Event::Routed { .. }
        | Event::Answered { .. }
        | Event::Encapsulated { .. }
        | Event::Rewritten { .. }
        | Event::OuterAccepted { .. }
        | Event::KeyRead { .. }
        | Event::PeerChecked { .. }
        | Event::PeerUnknown { .. }
        | Event::Flooded { .. }
        | Event::RemoteCopiesRefused(_)
        | Event::ErrorSent { .. }
        | Event::Delivered(_)
        | Event::Dropped(_) => None,
    }
}

/// Why a conversation failed, in one sentence without full stop.
pub fn failure_text(names: &Names<'_>, failure: &Failure) -> String {
    let guests = |guests: &[usize]| {
        let names: Vec<_> = guests.iter().map(|&guest| names.guest(guest)).collect();
        names.join(" and ")
    };
    match failure {
        Failure::NoCommonFamily => {
            "one has IPv4 addresses only, the other IPv6 addresses only".to_owned()
        }
        Failure::NoGateway { guest, to } => format!(
            "{} is not on the link of {}, which has no gateway",
            to,
            names.guest(*guest)
        ),
        Failure::Dropped { reason, .. } => reason.sentence().trim_end_matches('.').to_owned(),
        Failure::NoAnswer { address } => {
            format!("nobody who got the question has {address}")
        }
        Failure::AddressConflict {
            address,
            guests: owners,
        } => format!(
            "{} have one address, {address}, on one wire",
            guests(owners)
        ),
        Failure::WrongGuest { guest } => format!("it was delivered to {}", names.guest(*guest)),
        Failure::CrossTenant { guest } => format!(
            "it was delivered to {}, of tenant {}",
            names.guest(*guest),
            names.tenant(names.model().scenario().guests[*guest].tenant)
        ),
        Failure::Taken { host } => format!("{} took it for itself", names.host(*host)),
    }
}

/// What decided about a conversation.
pub fn decision_of(names: &Names<'_>, conversation: &Conversation) -> Option<Decision> {
    let reason = match conversation.failure {
        Some((_, Failure::Dropped { reason, .. })) => Some(reason),
        Some(_) | None => None,
    };
    Decision::of(names, reason, &conversation.decided_by)
}

/// "delivered", "answered" or "dropped": the verdict about one frame. A host that takes a frame for
/// itself has answered it, as far as its sender can tell.
pub const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Dropped(_) => "dropped",
        Outcome::Consumed => "consumed",
    }
}
