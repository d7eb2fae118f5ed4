//! From the bytes of a dump's file to text, and which format the text has.

use std::ops::Range;

use super::csv;
use super::json;
use super::list;
use crate::dump::object::DumpValue;

/// A text that is not of its format, or of one that is refused.
pub(crate) struct Malformed {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// What a text holds, in its order.
pub(crate) enum Content<'s> {
    /// Nothing but blanks.
    Empty,
    /// Objects and other values with the bytes that they take.
    Values(Vec<(DumpValue<'s>, Range<usize>)>),
    /// A text that is no dump.
    Foreign,
}

/// The text of a file of Windows: UTF-8, with a byte order mark or without, or UTF-16 with one, as
/// `>` of Windows PowerShell writes it. Without the mark; what it is instead as error.
pub fn decode_text(bytes: &[u8]) -> Result<String, &'static str> {
    let units = |of: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = char::decode_utf16(pairs.iter().copied().map(of)).collect::<Result<_, _>>();
        text.ok()
            .filter(|_| rest.is_empty())
            .ok_or("its byte order mark says UTF-16, and it is none")
    };
    match bytes {
        [0xff, 0xfe, text @ ..] => units(u16::from_le_bytes, text),
        [0xfe, 0xff, text @ ..] => units(u16::from_be_bytes, text),
        [0xef, 0xbb, 0xbf, text @ ..] | text => match str::from_utf8(text) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err("it is neither UTF-8 nor UTF-16 text; write it with -Encoding UTF8"),
        },
    }
}

/// Reads a text of any format: which one, the text itself tells.
pub(crate) fn read(text: &str) -> Result<Content<'_>, Malformed> {
    let start = text.len() - text.trim_start().len();
    if start == text.len() {
        return Ok(Content::Empty);
    }
    if text[start..].starts_with(['{', '[']) {
        return Ok(Content::Values(json::values(text)?));
    }
    if text[start..].starts_with("<Objs") {
        return Err(refused(text, start, "this is what Export-Clixml writes"));
    }
    if let Some(ruler) = ruler(text) {
        return Err(refused(
            text,
            ruler,
            "this is a table, which may be cut at its right",
        ));
    }
    let first = text[start..].lines().next().unwrap_or_default();
    let objects = if list::is_line(first) {
        list::objects(text)?
    } else if first.starts_with("#TYPE") || csv::columns(text) > 1 || first.starts_with('"') {
        csv::objects(text)?
    } else {
        return Ok(Content::Foreign);
    };
    let values = objects.into_iter().map(|object| {
        let span = object.span.clone();
        (DumpValue::Object(object), span)
    });
    Ok(Content::Values(values.collect()))
}

/// The line of dashes below the header of a table, which no other format begins with.
fn ruler(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').map(|line| {
        let start = at;
        at += line.len();
        (start, line.trim())
    });
    let header = lines.find(|(_, line)| !line.is_empty())?;
    let (start, below) = lines.next()?;
    let is_ruler = below.contains("--") && below.chars().all(|c| matches!(c, '-' | ' '));
    (is_ruler && !header.1.is_empty()).then_some(start)
}

fn refused(text: &str, start: usize, what: &str) -> Malformed {
    let line = text[start..].lines().next().unwrap_or_default();
    Malformed {
        span: start..start + line.trim_end().len(),
        message: what.to_owned(),
        help: Some(
            "pipe the objects to ConvertTo-Json, Export-Csv or Format-List instead".to_owned(),
        ),
    }
}
