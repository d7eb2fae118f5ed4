//! Dumps as Format-List shows them: a line `Name : value` for each property, long values wrapped,
//! objects apart by empty lines.

use std::ops::Range;

use crate::dump::format::Malformed;
use crate::dump::object::{DumpObject, DumpProperty, DumpValue};

/// A property while its value may still go on.
struct Open<'s> {
    name: &'s str,
    value: String,
    /// Where values of this object start, in characters from the line's start.
    column: usize,
    span: Range<usize>,
}

/// The blocks of a text as objects.
pub(crate) fn objects(text: &str) -> Result<Vec<DumpObject<'_>>, Malformed> {
    let mut objects = Vec::new();
    let mut properties: Vec<DumpProperty<'_>> = Vec::new();
    let mut open: Option<Open<'_>> = None;
    // Of the object in hand.
    let mut first_line = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() {
            close(&mut properties, &mut open);
            finish(&mut objects, &mut properties, first_line);
            continue;
        }
        let indent = line.chars().take_while(|&c| c == ' ').count();
        if let Some(open) = open.as_mut().filter(|open| indent >= open.column) {
            // Values are wrapped behind a blank or hyphen, which stays, or within a word.
            open.value.push_str(line.trim_start());
            open.span.end = start + line.trim_end().len();
            continue;
        }
        close(&mut properties, &mut open);
        if properties.is_empty() {
            first_line = start;
        }
        let Some((name, column)) = name_and_column(line) else {
            return Err(Malformed {
                span: start..start + line.trim_end().len(),
                message: "neither \"Name : value\" nor the rest of a value".to_owned(),
                help: Some("write it with Format-List, or better with ConvertTo-Json".to_owned()),
            });
        };
        // Nothing may be behind the colon, not even a blank.
        let value = line
            .char_indices()
            .nth(column)
            .map_or(line.len(), |(at, _)| at);
        open = Some(Open {
            name,
            value: line[value..].to_owned(),
            column,
            span: start + value..start + line.trim_end().len().max(value),
        });
    }
    close(&mut properties, &mut open);
    finish(&mut objects, &mut properties, first_line);
    Ok(objects)
}

/// The name of a line's property, and the column of its value in characters.
fn name_and_column(line: &str) -> Option<(&str, usize)> {
    let colon = line.find(':')?;
    let (name, rest) = line.split_at(colon);
    let rest = &rest[1..];
    let named = name
        .trim()
        .chars()
        .all(|c| c.is_alphanumeric() || "_-. ".contains(c));
    if name.trim().is_empty() || !named || !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    Some((name.trim(), name.chars().count() + 2))
}

/// Whether a line may be the first of a list.
pub(crate) fn is_line(line: &str) -> bool {
    name_and_column(line).is_some()
}

fn close<'s>(properties: &mut Vec<DumpProperty<'s>>, open: &mut Option<Open<'s>>) {
    if let Some(Open {
        name, value, span, ..
    }) = open.take()
    {
        let value = value.trim();
        properties.push(DumpProperty {
            name: name.into(),
            value: of_value(value),
            span,
        });
    }
}

/// Lists stand in braces; GUIDs do too.
fn of_value<'s>(value: &str) -> DumpValue<'s> {
    let inside = value
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    match inside {
        Some(inside) if inside.contains(", ") || inside.is_empty() => {
            let items = inside.split(", ").filter(|item| !item.is_empty());
            DumpValue::List(
                items
                    .map(|item| DumpValue::Text(item.to_owned().into()))
                    .collect(),
            )
        }
        Some(_) | None => DumpValue::from_text((!value.is_empty()).then(|| value.to_owned())),
    }
}

fn finish<'s>(
    objects: &mut Vec<DumpObject<'s>>,
    properties: &mut Vec<DumpProperty<'s>>,
    start: usize,
) {
    if let Some(last) = properties.last() {
        objects.push(DumpObject {
            span: start..last.span.end,
            properties: std::mem::take(properties),
        });
    }
}
