//! A script's text, and places in it.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What messages call it: the path as the user gave it.
    pub name: Arc<str>,
    /// The text.
    pub text: String,
}

/// A place in a script: line and column, both from 1. Columns count characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The script's name.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Source {
    /// A script with this name and text.
    pub fn new(name: &str, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where each line of a source starts, so that a place costs a search and not a scan.
pub(crate) struct Lines<'s> {
    source: &'s Source,
    /// Byte offset of the first character of each line; the first is 0.
    starts: Vec<usize>,
    /// The line that was asked for last, counted from 0: the next is rarely far behind it.
    last: Cell<usize>,
}

/// How many lines a place may be behind the last one before a search beats going there.
const STEPS_MAX: usize = 16;

impl<'s> Lines<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        let ends = source.text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            source,
            starts: std::iter::once(0).chain(ends).collect(),
            last: Cell::new(0),
        }
    }

    pub(crate) fn text(&self) -> &'s str {
        &self.source.text
    }

    /// The place of a byte offset; one past the end is the end.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let text = &self.source.text;
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let line = self.line(offset);
        let start = self.starts[line];
        let column = text[start..offset].chars().count() + 1;
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            file: self.source.name.clone(),
            line: small(line + 1),
            column: small(column),
        }
    }
}

impl Lines<'_> {
    /// The line of a byte offset, counted from 0.
    fn line(&self, offset: usize) -> usize {
        let ahead = &self.starts[self.last.get()..];
        let steps = ahead
            .iter()
            .take(STEPS_MAX)
            .take_while(|&&start| start <= offset);
        let line = match steps.count() {
            0 | STEPS_MAX => self.starts.partition_point(|&start| start <= offset) - 1,
            steps => self.last.get() + steps - 1,
        };
        self.last.set(line);
        line
    }
}

/// The line that holds a byte offset, without its line break, as a byte range.
pub(crate) fn line_around(text: &str, offset: usize) -> Range<usize> {
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let end = text[offset..]
        .find('\n')
        .map_or(text.len(), |at| offset + at);
    let end = start + text[start..end].trim_end_matches('\r').len();
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_at_line_feeds() {
        let source = Source::new("a.ps1", "é$x\r\n  $y");
        let lines = Lines::new(&source);
        assert_eq!(lines.place(2).to_string(), "a.ps1:1:2");
        assert_eq!(
            lines.place(source.text.find("$y").unwrap()).to_string(),
            "a.ps1:2:3"
        );
        assert_eq!(lines.place(999).to_string(), "a.ps1:2:5");
        assert_eq!(line_around(&source.text, 0), 0..4);
    }
}
