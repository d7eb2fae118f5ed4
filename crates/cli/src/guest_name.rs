//! Guests and hosts by the names that people type.

use nvgre_analyze::Names;
use nvgre_sim::{GuestIndex, Model};

use crate::exit::Failure;

/// The guest of this name, "guest" or "guest/nic".
pub(crate) fn find_guest(model: &Model, name: &str) -> Result<GuestIndex, Failure> {
    let scenario = model.scenario();
    scenario.guest_of_port(name).ok_or_else(|| {
        let known = scenario.guests.iter().map(|guest| guest.port_name());
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
        None => format!("no {kind} '{name}': the scenario has none"),
    }
}
