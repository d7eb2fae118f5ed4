//! What the four tables of a host have in common: Get-, Set- and Remove- by filter or by object.

use std::collections::HashSet;

use crate::call::Call;
use crate::field::Field;
use crate::machine::{Failed, Machine, Outcome};
use crate::row::Row;
use crate::source::Place;
use crate::value::Value;

/// Whether a row passes all filters of a call.
fn filters<R: Row>(call: &Call<'_>) -> impl Fn(&R) -> bool {
    let filters = call.filters().map(|(parameter, values)| {
        let is_it = |(name, _): &&Field<R>| name.eq_ignore_ascii_case(parameter.name);
        let field = R::FIELDS.iter().find(is_it);
        (field, parameter.kind.is_string(), values)
    });
    let filters: Vec<_> = filters.collect();
    move |row| {
        filters.iter().all(|&(field, wildcards, values)| {
            let field = field.and_then(|(_, field)| field(row));
            values
                .iter()
                .any(|value| value.accepts(field.as_ref(), wildcards))
        })
    }
}

/// Where the rows are that pass the filters of a call, ascending. Filters that name a key cost no look
/// at other rows.
fn passing<R: Row>(machine: &mut Machine<'_>, call: &Call<'_>) -> Vec<usize> {
    let rows = R::rows(&machine.estate.hosts[call.host]);
    let passes = filters::<R>(call);
    let Some(key) = R::key_of_filters(call) else {
        return (0..rows.len()).filter(|&at| passes(&rows[at])).collect();
    };
    let keys = R::keys(&mut machine.keys).entry(call.host).or_default();
    keys.learn(rows);
    let mut found: Vec<_> = keys
        .all(rows, &key)
        .filter(|&at| passes(&rows[at]))
        .collect();
    found.sort_unstable();
    found
}

/// Get-: the rows that pass the filters.
pub(crate) fn get<'s, R: Row>(machine: &mut Machine<'s>, call: &Call<'s>) -> Outcome<'s> {
    let passing = passing::<R>(machine, call);
    let rows = R::rows(machine.host(call.host));
    let found: Vec<_> = passing
        .into_iter()
        .map(|at| Value::Object(rows[at].object(call.host)))
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

/// Where the row stands that a new one of this key would repeat.
pub(crate) fn existing<R: Row>(
    machine: &mut Machine<'_>,
    host: usize,
    wanted: &R::Key,
) -> Option<usize> {
    let rows = R::rows(&machine.estate.hosts[host]);
    let keys = R::keys(&mut machine.keys).entry(host).or_default();
    keys.learn(rows);
    keys.first(rows, wanted)
}

/// Refuses a New- of what is there already, as Windows does; with `-ErrorAction SilentlyContinue`
/// that is no error, and what is there stays.
pub(crate) fn refuse_existing<'s>(
    machine: &mut Machine<'s>,
    call: &Call<'s>,
    what: &str,
    first: &Place,
) -> Outcome<'s> {
    if call.is_silent() {
        return Ok(Vec::new());
    }
    Err(machine.fail_with_help(
        &call.span,
        format!("the instance already exists: {what}"),
        format!("the first is at {first}"),
    ))
}

/// Set-: changes the chosen rows and says that they were written here.
pub(crate) fn set<'s, R: Row>(
    machine: &mut Machine<'s>,
    call: &Call<'s>,
    mut change: impl FnMut(&mut R) -> Result<(), String>,
) -> Outcome<'s> {
    let chosen = chosen::<R>(machine, call)?;
    warn_without_filter::<R>(machine, call, "changed", chosen.len());
    let passes = passes_through(call);
    let mut output = Vec::new();
    for (host, at) in chosen {
        let row = &mut rows_mut::<R>(machine, host)[at];
        if let Err(message) = change(row) {
            return Err(machine.fail(&call.span, message));
        }
        *row.place_mut() = call.place.clone();
        if passes {
            output.push(Value::Object(row.object(host)));
        }
    }
    Ok(output)
}

/// Remove-: takes the chosen rows out.
pub(crate) fn remove<'s, R: Row>(machine: &mut Machine<'s>, call: &Call<'s>) -> Outcome<'s> {
    let mut chosen = chosen::<R>(machine, call)?;
    warn_without_filter::<R>(machine, call, "removed", chosen.len());
    let passes = passes_through(call);
    let mut output = Vec::new();
    chosen.sort_unstable();
    chosen.dedup();
    for of_host in chosen.chunk_by(|one, other| one.0 == other.0) {
        let host = of_host[0].0;
        let gone: Vec<_> = of_host.iter().map(|&(_, at)| at).collect();
        if let Some(keys) = R::keys(&mut machine.keys).get_mut(&host) {
            keys.remove(&gone);
        }
        let rows = R::rows(machine.host(host));
        let keys: HashSet<_> = gone.iter().map(|&at| rows[at].key()).collect();
        let mut gone = gone.into_iter().peekable();
        let mut at = 0;
        rows_mut::<R>(machine, host).retain(|row| {
            let stays = gone.next_if_eq(&at).is_none();
            at += 1;
            if !stays && passes {
                output.push(Value::Object(row.object(host)));
            }
            stays
        });
        // The host's last word on them is that they were removed.
        R::wiped_mut(&mut machine.estate.hosts[host]).retain(|row| !keys.contains(&row.key()));
    }
    Ok(output)
}

fn passes_through(call: &Call<'_>) -> bool {
    call.is_on("PassThru") == Some(true)
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
            let passing = passing::<R>(machine, call);
            let found: Vec<_> = passing.into_iter().map(|at| (call.host, at)).collect();
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
        let Some(at) = row.position(rows) else {
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
