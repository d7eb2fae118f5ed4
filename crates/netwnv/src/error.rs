//! What is wrong with a script, and where.

use std::fmt;
use std::ops::Range;

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
        let line = line_around(&source.text, self.span.start);
        let start = self.span.start.clamp(line.start, line.end);
        let end = self.span.end.clamp(start, line.end);
        let number = self.place.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs stay tabs, so that the caret stands below its text in every terminal.
        let indent: String = source.text[line.start..start]
            .chars()
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let caret = "^".repeat(source.text[start..end].chars().count().max(1));
        let mut text = format!(
            "{self}\n{margin} |\n{number} | {}\n{margin} | {indent}{caret}\n",
            &source.text[line]
        );
        if let Some(help) = &self.help {
            text.push_str(&format!("{margin} = help: {help}\n"));
        }
        text
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ScriptError {}
