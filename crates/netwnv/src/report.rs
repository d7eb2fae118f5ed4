//! What a run has to say besides its effect.

use std::fmt;

use crate::source::Place;

/// What a script did that its author may not have meant. It was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptWarning {
    /// The command.
    pub place: Place,
    /// One sentence without full stop.
    pub text: String,
}

/// What [`crate::run`] found worth telling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// In the order of the script.
    pub warnings: Vec<ScriptWarning>,
    /// Commands that only show or wait: the first place of each, and its name as written.
    pub display_only: Vec<(Place, String)>,
}

impl fmt::Display for ScriptWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
