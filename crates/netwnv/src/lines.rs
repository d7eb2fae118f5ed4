//! From byte offsets to places.

use std::cell::Cell;
use std::sync::Arc;

use crate::source::{Place, Source};

/// Where each line of a text starts, so that a place costs a search and not a scan.
#[derive(Debug)]
pub struct Lines<'s> {
    file: Arc<str>,
    text: &'s str,
    /// Byte offset of the first character of each line; the first is 0.
    starts: Vec<usize>,
    /// What was asked for last: the next is rarely far behind it.
    last: Cell<Last>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    /// Counted from 0.
    line: usize,
    offset: usize,
    /// Characters of the line before `offset`.
    before: usize,
}

/// How many lines a place may be behind the last one before a search beats going there.
const STEPS_MAX: usize = 16;

impl<'s> Lines<'s> {
    /// The lines of the text of `file`.
    pub fn new(file: impl Into<Arc<str>>, text: &'s str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: file.into(),
            text,
            starts: std::iter::once(0).chain(ends).collect(),
            last: Cell::default(),
        }
    }

    pub(crate) fn of(source: &'s Source) -> Self {
        Self::new(Arc::clone(&source.name), &source.text)
    }

    pub(crate) fn text(&self) -> &'s str {
        self.text
    }

    /// The place of a byte offset; one past the end is the end.
    pub fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let last = self.last.get();
        let line = self.line(offset, last.line);
        // A line may be as long as the text: count on from the last place, where there is one.
        let (from, counted) = if line == last.line && offset >= last.offset {
            (last.offset, last.before)
        } else {
            (self.starts[line], 0)
        };
        let before = counted + self.text[from..offset].chars().count();
        self.last.set(Last {
            line,
            offset,
            before,
        });
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            file: Arc::clone(&self.file),
            line: small(line + 1),
            column: small(before + 1),
        }
    }

    /// The line of a byte offset, counted from 0 as is the one to look from.
    fn line(&self, offset: usize, from: usize) -> usize {
        let ahead = self.starts[from..].iter().take(STEPS_MAX);
        match ahead.take_while(|&&start| start <= offset).count() {
            0 | STEPS_MAX => self.starts.partition_point(|&start| start <= offset) - 1,
            steps => from + steps - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_at_line_feeds() {
        let source = Source::new("a.ps1", "é$x\r\n  $y");
        let lines = Lines::of(&source);
        assert_eq!(lines.place(2).to_string(), "a.ps1:1:2");
        assert_eq!(
            lines.place(source.text.find("$y").unwrap()).to_string(),
            "a.ps1:2:3"
        );
        assert_eq!(lines.place(999).to_string(), "a.ps1:2:5");
    }

    #[test]
    fn a_place_does_not_depend_on_what_was_asked_before() {
        let text: String = (0..200).map(|n| "éa\n;".repeat(n % 3)).collect();
        let lines = Lines::new("a.ps1", &text);
        for step in [1, 2, 3, 50, 150, 299] {
            for at in 0..text.len() {
                let offset = (at * step) % (text.len() + 1);
                let alone = Lines::new("a.ps1", &text).place(offset);
                assert_eq!(lines.place(offset), alone, "{step} {offset}");
            }
        }
    }
}
