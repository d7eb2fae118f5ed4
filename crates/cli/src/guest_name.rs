//! Guests and hosts by the names that people type.

use nvgre_analyze::Names;
use nvgre_sim::{GuestIndex, Model};

use crate::exit::Failure;

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
        let known = known.map(|(_, guest)| guest.port_name());
        Failure::usage(unknown("guest", name, known))
    })
}

/// The host of this name.
pub(crate) fn find_host(model: &Model, name: &str) -> Result<usize, Failure> {
    let hosts = &model.scenario().hosts;
    let found = hosts
        .iter()
        .position(|host| host.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let known = hosts.iter().map(|host| host.name.clone());
        Failure::usage(unknown("host", name, known))
    })
}

/// Names for everybody's eyes, or for those of a guest's tenant.
pub(crate) fn names_for(model: &Model, redact: bool, guest: GuestIndex) -> Names<'_> {
    match redact {
        true => Names::redacted(model, model.scenario().guests[guest].tenant),
        false => Names::new(model),
    }
}

/// Says that there is no such thing, and which one comes nearest.
fn unknown(kind: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    let wanted = name.to_lowercase();
    let nearest = known.min_by_key(|known| {
        let distance = strsim::damerau_levenshtein(&wanted, &known.to_lowercase());
        (distance, known.clone())
    });
    match nearest {
        Some(nearest) => format!("no {kind} '{name}'; did you mean '{nearest}'?"),
        None => format!("no {kind} '{name}'"),
    }
}
