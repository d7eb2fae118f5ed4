//! What is told on stderr about policy that was loaded: what is suspect in it, and what had no effect.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nvgre_netwnv::Place;
use nvgre_sim::{Model, ModelWarning};

use crate::exit::Failure;
use crate::output::Output;

/// Tells each kind of warning once, with all its places, and every command that only shows or
/// waits.
pub(crate) fn print(model: &Model, out: &mut Output) -> Result<(), Failure> {
    for (text, warnings) in by_text(model.warnings()) {
        out.complain(format_args!("warning: {}", told(text, &warnings)))?;
    }
    let shown = model.display_only();
    if !shown.is_empty() {
        let names: Vec<_> = shown
            .iter()
            .map(|(place, name)| format!("{name} (first at {place})"))
            .collect();
        out.complain(format_args!(
            "note: without effect here, they only show or wait: {}",
            names.join(", ")
        ))?;
    }
    Ok(())
}

/// Shape: text -> its warnings, both in the order in which they came.
fn by_text(warnings: &[ModelWarning]) -> Vec<(&str, Vec<&ModelWarning>)> {
    let mut groups: Vec<(&str, Vec<&ModelWarning>)> = Vec::new();
    for warning in warnings {
        match groups.iter_mut().find(|(text, _)| *text == warning.text) {
            Some((_, group)) => group.push(warning),
            None => groups.push((&warning.text, vec![warning])),
        }
    }
    groups
}

/// One line where there is one place; else the text, and below it a line of places for each host
/// and file, as hosts are mostly given the same policy.
fn told(text: &str, warnings: &[&ModelWarning]) -> String {
    if let [warning] = warnings {
        let host = &warning.host;
        return match &warning.place {
            Some(place) => format!("{place}: on {host}: {text}"),
            None => format!("on {host}: {text}"),
        };
    }
    let mut files: BTreeMap<(&str, &str), Vec<&Place>> = BTreeMap::new();
    for warning in warnings {
        let file = warning.place.as_ref().map_or("", |place| &*place.file);
        let places = files.entry((&warning.host, file)).or_default();
        places.extend(&warning.place);
    }
    let mut told = format!("{text}, {} times:", warnings.len());
    for ((host, file), places) in files {
        let _infallible = write!(told, "\n  on {host}");
        for (index, place) in places.iter().enumerate() {
            let (line, column) = (place.line, place.column);
            let _infallible = match index {
                0 => write!(told, ": {file}:{line}:{column}"),
                _ => write!(told, ", {line}:{column}"),
            };
        }
    }
    told
}
