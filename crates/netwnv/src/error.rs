//! What is wrong with a script, and where.

use std::fmt;
use std::ops::Range;

use crate::lines::Lines;
use crate::source::{Place, Source, line_around};

/// One thing in a script that is not understood or not possible. The estate is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Where it starts.
    pub place: Place,
    /// The bytes of the source's text that it is about; may be empty (at the end of the text).
    pub span: Range<usize>,
    /// What is wrong: one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ScriptError {
    /// The message with its place, the line of the script and a caret below what it is about.
    /// `source` is the script that was run.
    pub fn render(&self, source: &Source) -> String {
        let help = self.help.as_deref();
        let excerpt = self.place.excerpt(&source.text, &self.span, help);
        format!("{self}\n{excerpt}")
    }
}

impl Place {
    /// The place of a byte offset in the text of `file`; one past the end is the end.
    pub fn of(file: &str, text: &str, offset: usize) -> Self {
        Lines::new(file, text).place(offset)
    }

    /// The line of `text` at this place, a caret below `span` (in bytes of `text`, with the whole of a
    /// character that is cut) as far as the line goes, and a line of help. Of a long line the part
    /// around the caret.
    pub fn excerpt(&self, text: &str, span: &Range<usize>, help: Option<&str>) -> String {
        let line = line_around(text, span.start);
        let start = text.floor_char_boundary(span.start.clamp(line.start, line.end));
        let (line, cut) = part_around(text, line, start);
        let end = text.ceil_char_boundary(span.end.clamp(start, line.end));
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let [before, after] = cut.map(|cut| if cut { CUT } else { "" });
        // Tabs stay tabs, so that the caret stands below its text in every terminal.
        let indent: String = before
            .chars()
            .chain(text[line.start..start].chars())
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let caret = "^".repeat(text[start..end].chars().count().max(1));
        let mut excerpt = format!(
            "{margin} |\n{number} | {before}{}{after}\n{margin} | {indent}{caret}\n",
            &text[line]
        );
        if let Some(help) = help {
            excerpt.push_str(&format!("{margin} = help: {help}\n"));
        }
        excerpt
    }
}

/// Most characters of a line that are quoted.
const QUOTED_MAX: usize = 160;
/// Stands for what is not quoted.
const CUT: &str = "...";

/// The part of a line that is quoted, in bytes of `text`, with `at` in it; and whether something is
/// left out before and behind it.
fn part_around(text: &str, line: Range<usize>, at: usize) -> (Range<usize>, [bool; 2]) {
    if text[line.clone()].chars().count() <= QUOTED_MAX {
        return (line, [false; 2]);
    }
    let before = text[line.start..at].char_indices().rev();
    let start = before.take(QUOTED_MAX / 2).last();
    let start = start.map_or(at, |(offset, _)| line.start + offset);
    let rest = text[start..line.end].char_indices();
    let end = rest.map(|(offset, _)| start + offset).nth(QUOTED_MAX);
    let end = end.unwrap_or(line.end);
    let cut = [start > line.start, end < line.end];
    (start..end, cut)
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ScriptError {}
