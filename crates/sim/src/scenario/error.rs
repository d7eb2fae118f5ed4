//! What is wrong with a scenario file, and where.

use std::fmt;
use std::ops::Range;

use nvgre_netwnv::{Lines, Place};

/// One thing in a scenario file that is not understood or does not fit the rest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// Where it starts.
    pub place: Place,
    /// The bytes of the file's text that it is about; may be empty (at the end of the text).
    pub span: Range<usize>,
    /// What is wrong: one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ScenarioError {
    /// About `span`, in bytes, of the file `name` with this `text`; without help.
    pub fn new(name: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::at(&Lines::new(name, text), span, message)
    }

    /// [`ScenarioError::new`] where there may be many in one text.
    pub(crate) fn at(lines: &Lines<'_>, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            place: lines.place(span.start),
            span,
            message: message.into(),
            help: None,
        }
    }

    /// What the TOML reader said about the file `name` with this `text`.
    pub fn toml(name: &str, text: &str, error: &toml::de::Error) -> Self {
        Self::toml_at(&Lines::new(name, text), error)
    }

    /// [`ScenarioError::toml`] where there may be many in one text.
    pub(crate) fn toml_at(lines: &Lines<'_>, error: &toml::de::Error) -> Self {
        // Lists of what was expected come on lines of their own.
        let message = error.message().replace('\n', ", ");
        Self::at(lines, error.span().unwrap_or(0..0), message)
    }

    /// The message with its place, the line of the file and a caret below what it is about. `text`
    /// is the file's.
    pub fn render(&self, text: &str) -> String {
        let excerpt = self.place.excerpt(text, &self.span, self.help.as_deref());
        format!("{self}\n{excerpt}")
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ScenarioError {}
