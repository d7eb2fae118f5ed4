//! Tenants and records of a model in words, for sentences about them.

use crate::names::Names;
use nvgre_dataplane::RecordId;
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Model};

/// Whose a guest is.
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
        Names::new(model).host(holder)
    );
    Some((told, Some(entry.place.clone())))
}
