//! Dumps as Export-Csv writes them, with any delimiter that a culture has for lists.

use std::ops::Range;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use crate::dump::format::Malformed;
use crate::dump::object::{DumpObject, DumpProperty, DumpValue};

const ONE_FILE_A_KIND: &str =
    "write one CSV file for each kind of object, or all of them with ConvertTo-Json";

/// A field: its text, unquoted, and the bytes that it takes, quotes included.
struct Field {
    text: String,
    span: Range<usize>,
}

/// The rows of a text as objects. Windows PowerShell begins with a line `#TYPE`, which is left out.
pub(crate) fn objects(text: &str) -> Result<Vec<DumpObject<'_>>, Malformed> {
    let body = body(text);
    let delimiter = delimiter(&text[body..]);
    let mut rows = Rows {
        text,
        delimiter: char::from(delimiter),
        reader: ReaderBuilder::new().delimiter(delimiter).build(),
        at: body,
        output: vec![0; text.len() - body + 1],
    };
    let Some(header) = rows.next_row()? else {
        return Ok(Vec::new());
    };
    let mut objects = Vec::new();
    while let Some(row) = rows.next_row()? {
        let start = row.first().map_or(rows.at, |field| field.span.start);
        let end = row.last().map_or(start, |field| field.span.end);
        let repeats = row
            .iter()
            .map(|f| &f.text)
            .eq(header.iter().map(|f| &f.text));
        if repeats || text[start..].starts_with("#TYPE ") {
            return Err(Malformed {
                span: start..end,
                message: "a second header: several CSV texts are in this file".to_owned(),
                help: Some(ONE_FILE_A_KIND.to_owned()),
            });
        }
        if row.len() != header.len() {
            return Err(Malformed {
                span: start..end,
                message: format!(
                    "this row has {} fields, and the header names {}",
                    row.len(),
                    header.len()
                ),
                help: Some(ONE_FILE_A_KIND.to_owned()),
            });
        }
        let fields = row.into_iter().zip(&header);
        let properties = fields.map(|(field, name)| DumpProperty {
            name: name.text.clone().into(),
            // `,,` is null, and `,"",` an empty text.
            value: DumpValue::from_text((!field.span.is_empty()).then_some(field.text)),
            span: field.span,
        });
        objects.push(DumpObject {
            properties: properties.collect(),
            span: start..end,
        });
    }
    Ok(objects)
}

/// Where the header is: behind Windows PowerShell's line of the type.
fn body(text: &str) -> usize {
    let start = text.len() - text.trim_start().len();
    if !text[start..].starts_with("#TYPE") {
        return start;
    }
    text[start..]
        .find('\n')
        .map_or(text.len(), |at| start + at + 1)
}

/// How many fields the header has.
pub(crate) fn columns(text: &str) -> usize {
    let body = &text[body(text)..];
    let line = body.lines().next().unwrap_or_default();
    let delimiter = char::from(delimiter(body));
    line.split(delimiter).count()
}

/// The one of `,`, `;` and tab that the header has most of outside of quotes.
fn delimiter(body: &str) -> u8 {
    let line = body.lines().next().unwrap_or_default();
    let outside: String = line.split('"').step_by(2).collect();
    let count = |delimiter: u8| outside.bytes().filter(|&byte| byte == delimiter).count();
    // The last of equals wins.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| count(delimiter))
        .unwrap_or(b',')
}

struct Rows<'s> {
    text: &'s str,
    delimiter: char,
    reader: Reader,
    /// Where the next field starts.
    at: usize,
    output: Vec<u8>,
}

impl Rows<'_> {
    fn next_row(&mut self) -> Result<Option<Vec<Field>>, Malformed> {
        let mut row = Vec::new();
        loop {
            let start = self.at;
            let mut written = 0;
            let ended = loop {
                let input = &self.text.as_bytes()[self.at..];
                let output = &mut self.output[written..];
                let (result, read, wrote) = self.reader.read_field(input, output);
                self.at += read;
                written += wrote;
                match result {
                    // At the end, empty input says that nothing follows.
                    ReadFieldResult::InputEmpty => {}
                    ReadFieldResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                    ReadFieldResult::Field { record_end } => break record_end,
                    ReadFieldResult::End => return Ok((!row.is_empty()).then_some(row)),
                }
            };
            let span = self.trimmed(start);
            let raw = &self.text[span.clone()];
            let closed = raw.ends_with('"') && raw.matches('"').count().is_multiple_of(2);
            if raw.starts_with('"') && !closed {
                return Err(Malformed {
                    span: span.start..span.start + 1,
                    message: "the quote that starts here has no closing quote, or text behind it"
                        .to_owned(),
                    help: None,
                });
            }
            let text = String::from_utf8_lossy(&self.output[..written]).into_owned();
            row.push(Field { text, span });
            if ended {
                return Ok(Some(row));
            }
        }
    }

    /// The field between `start` and where the reader is, without delimiter and line ends.
    fn trimmed(&self, start: usize) -> Range<usize> {
        let read = &self.text[start..self.at];
        let before = read.len() - read.trim_start_matches(['\r', '\n']).len();
        let field = read[before..].trim_end_matches(['\r', '\n']);
        let at_row_end = field.len() < read.len() - before;
        let field = match field.strip_suffix(self.delimiter) {
            Some(inner) if !at_row_end => inner,
            Some(_) | None => field,
        };
        start + before..start + before + field.len()
    }
}
