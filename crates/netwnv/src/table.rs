//! What the four tables of a host have in common: Get-, Set- and Remove- by filter or by object.

use std::rc::Rc;

use crate::call::Call;
use crate::estate::{Host, HostAddressEntry, ProviderRouteEntry, RecordEntry, RouteEntry};
use crate::machine::{Failed, Machine, Outcome};
use crate::object::{
    Object, Properties, host_address_properties, provider_route_properties, record_properties,
    route_properties,
};
use crate::source::Place;
use crate::undo::{HostBefore, Kept};
use crate::value::Value;

/// One row of a host's table.
pub(crate) trait Row: Clone {
    /// What messages call several of them.
    const NOUN_PLURAL: &'static str;
    fn rows(host: &Host) -> &[Self];
    fn rows_mut(host: &mut Host) -> &mut Vec<Self>;
    fn kept(before: &mut HostBefore) -> &mut Kept<Self>;
    fn properties(&self) -> Properties<'static>;
    fn place_mut(&mut self) -> &mut Place;
    /// Whether both are the same row, perhaps at two times.
    fn is_same(&self, other: &Self) -> bool;
    fn object(&self, host: usize) -> Object;
    /// The row of an object, if it is of this table.
    fn from_object(object: &Object) -> Option<&Self>;
}

impl Row for RecordEntry {
    const NOUN_PLURAL: &'static str = "lookup records";
    fn rows(host: &Host) -> &[Self] {
        &host.records
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.records
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.records
    }
    fn properties(&self) -> Properties<'static> {
        record_properties(self)
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn is_same(&self, other: &Self) -> bool {
        self.record.id == other.record.id
    }
    fn object(&self, host: usize) -> Object {
        Object::Record {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::Record { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

impl Row for RouteEntry {
    const NOUN_PLURAL: &'static str = "customer routes";
    fn rows(host: &Host) -> &[Self] {
        &host.customer_routes
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.customer_routes
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.customer_routes
    }
    fn properties(&self) -> Properties<'static> {
        route_properties(self)
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn is_same(&self, other: &Self) -> bool {
        self.route.id == other.route.id
    }
    fn object(&self, host: usize) -> Object {
        Object::Route {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::Route { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

impl Row for HostAddressEntry {
    const NOUN_PLURAL: &'static str = "provider addresses";
    fn rows(host: &Host) -> &[Self] {
        &host.provider_addresses
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.provider_addresses
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.provider_addresses
    }
    fn properties(&self) -> Properties<'static> {
        host_address_properties(self)
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn is_same(&self, other: &Self) -> bool {
        self.address.address == other.address.address
    }
    fn object(&self, host: usize) -> Object {
        Object::HostAddress {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::HostAddress { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

impl Row for ProviderRouteEntry {
    const NOUN_PLURAL: &'static str = "provider routes";
    fn rows(host: &Host) -> &[Self] {
        &host.provider_routes
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.provider_routes
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.provider_routes
    }
    fn properties(&self) -> Properties<'static> {
        provider_route_properties(self)
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn is_same(&self, other: &Self) -> bool {
        let key = |entry: &Self| {
            let route = &entry.route;
            (route.interface_index, route.destination, route.next_hop)
        };
        key(self) == key(other)
    }
    fn object(&self, host: usize) -> Object {
        Object::ProviderRoute {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::ProviderRoute { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

/// Get-: the rows that pass the filters.
pub(crate) fn get<'s, R: Row>(machine: &mut Machine<'s>, call: &Call<'s>) -> Outcome<'s> {
    let rows = R::rows(machine.host(call.host));
    let found: Vec<_> = rows
        .iter()
        .filter(|row| call.matches(&row.properties()))
        .map(|row| Value::Object(row.object(call.host)))
        .collect();
    if found.is_empty() {
        warn_nothing_found::<R>(machine, call);
    }
    Ok(found)
}

/// The rows of a host, to change and remove some.
fn rows_mut<'m, R: Row>(machine: &'m mut Machine<'_>, host: usize) -> &'m mut Vec<R> {
    R::rows_mut(machine.host_mut(host, |kept, now| R::kept(kept).changes(R::rows(now))))
}

/// Adds a row and hands it on.
pub(crate) fn add<'s, R: Row>(machine: &mut Machine<'s>, call: &Call<'s>, row: R) -> Outcome<'s> {
    let object = call.wanted.then(|| Value::Object(row.object(call.host)));
    let host = machine.host_mut(call.host, |kept, now| R::kept(kept).grows(R::rows(now)));
    R::rows_mut(host).push(row);
    Ok(object.into_iter().collect())
}

/// Refuses a New- of what is there already, as Windows does.
pub(crate) fn refuse_existing(
    machine: &mut Machine<'_>,
    call: &Call<'_>,
    what: &str,
    first: &Place,
) -> Failed {
    machine.fail_with_help(
        &call.span,
        format!("the instance already exists: {what}"),
        format!("the first is at {first}"),
    )
}

/// Set-: changes the chosen rows and says that they were written here.
pub(crate) fn set<'s, R: Row>(
    machine: &mut Machine<'s>,
    call: &Call<'s>,
    mut change: impl FnMut(&mut R) -> Result<(), String>,
) -> Outcome<'s> {
    let chosen = chosen::<R>(machine, call)?;
    warn_without_filter::<R>(machine, call, "changed", chosen.len());
    let mut output = Vec::new();
    for (host, at) in chosen {
        let row = &mut rows_mut::<R>(machine, host)[at];
        if let Err(message) = change(row) {
            return Err(machine.fail(&call.span, message));
        }
        *row.place_mut() = call.place.clone();
        output.push(Value::Object(row.object(host)));
    }
    Ok(passed_through(call, output))
}

/// Remove-: takes the chosen rows out.
pub(crate) fn remove<'s, R: Row>(machine: &mut Machine<'s>, call: &Call<'s>) -> Outcome<'s> {
    let mut chosen = chosen::<R>(machine, call)?;
    warn_without_filter::<R>(machine, call, "removed", chosen.len());
    let mut output = Vec::new();
    chosen.sort_unstable();
    chosen.dedup();
    for &(host, at) in chosen.iter().rev() {
        machine.record_keys.forget(host);
        let row = rows_mut::<R>(machine, host).remove(at);
        output.push(Value::Object(row.object(host)));
    }
    output.reverse();
    Ok(passed_through(call, output))
}

fn passed_through<'s>(call: &Call<'_>, output: Vec<Value<'s>>) -> Vec<Value<'s>> {
    if call.is_on("PassThru") == Some(true) {
        output
    } else {
        Vec::new()
    }
}

/// The rows a Set- or Remove- is about, as (host, index): those of the objects it was given, else
/// those that pass the filters.
fn chosen<R: Row>(
    machine: &mut Machine<'_>,
    call: &Call<'_>,
) -> Result<Vec<(usize, usize)>, Failed> {
    let objects = match (&call.input, call.value("InputObject")) {
        (Some(input), _) => &input[..],
        (None, Some(value)) => value.items(),
        (None, None) => {
            let rows = R::rows(machine.host(call.host));
            let found: Vec<_> = (0..rows.len())
                .filter(|&at| call.matches(&rows[at].properties()))
                .map(|at| (call.host, at))
                .collect();
            if found.is_empty() {
                warn_nothing_found::<R>(machine, call);
            }
            return Ok(found);
        }
    };
    refuse_filters_with_objects(machine, call)?;
    let mut found = Vec::new();
    for value in objects {
        let row = match value {
            Value::Object(object) => R::from_object(object).map(|row| (object.host(), row)),
            _ => None,
        };
        let Some((host, row)) = row else {
            let text = format!(
                "{} works on {}, not on {}",
                call.cmdlet.name,
                R::NOUN_PLURAL,
                value.describe()
            );
            return Err(machine.fail(&call.span, text));
        };
        let rows = R::rows(machine.host(host));
        let Some(at) = rows.iter().position(|other| other.is_same(row)) else {
            let text = format!("one of these {} is there no more", R::NOUN_PLURAL);
            return Err(machine.fail(&call.span, text));
        };
        found.push((host, at));
    }
    Ok(found)
}

/// Objects and filters are two ways to say what is meant; PowerShell does not take both.
pub(crate) fn refuse_filters_with_objects(
    machine: &mut Machine<'_>,
    call: &Call<'_>,
) -> Result<(), Failed> {
    if let Some(name) = call.first_filter() {
        let text = format!("-{name} does not go together with objects from a Get-");
        let span = call.span_of(name);
        return Err(machine.fail_with_help(&span, text, "filter in the Get- already".to_owned()));
    }
    Ok(())
}

fn warn_without_filter<R: Row>(
    machine: &mut Machine<'_>,
    call: &Call<'_>,
    done: &str,
    count: usize,
) {
    if count == 0 || call.has_filter() || call.input.is_some() || call.has("InputObject") {
        return;
    }
    let text = format!(
        "{} without a filter {done} all {} of {}: {count}",
        call.cmdlet.name,
        R::NOUN_PLURAL,
        machine.host(call.host).name
    );
    machine.warn(&call.place, text);
}

fn warn_nothing_found<R: Row>(machine: &mut Machine<'_>, call: &Call<'_>) {
    if call.has_filter() && call.is_exact() && !call.is_silent() {
        let text = format!(
            "{} finds no {} of {} with these values",
            call.cmdlet.name,
            R::NOUN_PLURAL,
            machine.host(call.host).name
        );
        machine.warn(&call.place, text);
    }
}
