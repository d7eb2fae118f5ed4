//! Guests, hosts and places of a model by name, for sentences about them.

use nvgre_dataplane::RecordId;
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Model};

/// "Red11", or "Red11/Second NIC".
pub(crate) fn guest(model: &Model, guest: GuestIndex) -> String {
    model.scenario().guests[guest].port_name()
}

pub(crate) fn host(model: &Model, host: usize) -> &str {
    &model.scenario().hosts[host].name
}

pub(crate) fn tenant_of(model: &Model, guest: GuestIndex) -> &str {
    let scenario = model.scenario();
    &scenario.tenants[scenario.guests[guest].tenant].name
}

/// "192.168.1.22 in VSID 445566 is at 10.0.0.21, says the table of Statler", and where it is written.
pub(crate) fn record(
    model: &Model,
    (holder, id): (usize, RecordId),
) -> Option<(String, Option<Place>)> {
    let entry = model.estate().hosts[holder].record(id)?;
    let record = &entry.record;
    let told = format!(
        "{} in VSID {} is at {}, says the table of {}",
        record.customer_address,
        record.virtual_subnet,
        record.provider_address,
        host(model, holder)
    );
    Some((told, Some(entry.place.clone())))
}

/// The first few in words, and how many more there are.
pub(crate) fn some_of(all: &[String]) -> String {
    const TOLD: usize = 4;
    let told = all[..all.len().min(TOLD)].join(", ");
    match all.len().checked_sub(TOLD) {
        None | Some(0) => told,
        Some(more) => format!("{told} and {more} more"),
    }
}
