//! Guests and hosts by the names that people type.

use std::net::IpAddr;

use nvgre_analyze::Names;
use nvgre_sim::scenario::Guest;
use nvgre_sim::{GuestIndex, Model};
use nvgre_wire::CustomerAddress;

use crate::exit::Failure;
use crate::near_name;

/// The guests of these names, "guest" or "guest/nic". Redacted, a wrong name brings no other tenant's to
/// mind than the first one's.
pub(crate) fn find_two(
    model: &Model,
    (from, to): (&str, &str),
    redact: bool,
) -> Result<(GuestIndex, GuestIndex), Failure> {
    if !redact {
        let find = |name| find_among(model, name, |_| true);
        return Ok((find(from)?, find(to)?));
    }
    let guests = &model.scenario().guests;
    let from = find_among(model, from, |_| false)?;
    let own = |guest: GuestIndex| guests[guest].tenant == guests[from].tenant;
    Ok((from, find_among(model, to, own)?))
}

/// Only those that may be named are suggested.
fn find_among(
    model: &Model,
    name: &str,
    may_be_named: impl Fn(GuestIndex) -> bool,
) -> Result<GuestIndex, Failure> {
    let scenario = model.scenario();
    scenario.guest_of_port(name).ok_or_else(|| {
        let guests = scenario.guests.iter().enumerate();
        let known = guests.filter(|&(index, _)| may_be_named(index));
        let known: Vec<_> = known.map(|(_, guest)| guest).collect();
        let owners = owners_of(name, &known);
        Failure::usage(match &owners[..] {
            [] => {
                let names: Vec<_> = known.iter().map(|guest| guest.port_name()).collect();
                unknown("guest", name, &names)
            }
            owners => format!("no guest '{name}'; that address is {}", listed(owners)),
        })
    })
}

/// Those of the guests that have what is written as their address.
fn owners_of(name: &str, guests: &[&Guest]) -> Vec<String> {
    let Ok(address) = name.parse::<IpAddr>().map(CustomerAddress::new) else {
        return Vec::new();
    };
    let owners = guests.iter().filter(|guest| {
        let mut own = guest.addresses.iter();
        own.any(|own| own.address == address)
    });
    owners.map(|guest| guest.port_name()).collect()
}

/// "Red22's", "Red22's and Blue22's".
fn listed(owners: &[String]) -> String {
    let owners: Vec<_> = owners.iter().map(|owner| format!("{owner}'s")).collect();
    owners.join(" and ")
}

/// The host of this name.
pub(crate) fn find_host(model: &Model, name: &str) -> Result<usize, Failure> {
    let hosts = &model.scenario().hosts;
    let found = hosts
        .iter()
        .position(|host| host.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let known: Vec<_> = hosts.iter().map(|host| host.name.clone()).collect();
        Failure::usage(unknown("host", name, &known))
    })
}

/// Names for everybody's eyes, or for those of a guest's tenant.
pub(crate) fn names_for(model: &Model, redact: bool, guest: GuestIndex) -> Names<'_> {
    match redact {
        true => Names::redacted(model, model.scenario().guests[guest].tenant),
        false => Names::new(model),
    }
}

/// Says that there is no such thing, and what was perhaps meant.
fn unknown(kind: &str, name: &str, known: &[String]) -> String {
    match near_name::hint(name, known) {
        Some(hint) => format!("no {kind} '{name}'; {hint}"),
        None => format!("no {kind} '{name}'"),
    }
}
