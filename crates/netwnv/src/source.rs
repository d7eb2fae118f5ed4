//! A script's text, and places in it.

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
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
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
    fn a_line_ends_before_its_line_break() {
        assert_eq!(line_around("é$x\r\n  $y", 0), 0..4);
    }
}
