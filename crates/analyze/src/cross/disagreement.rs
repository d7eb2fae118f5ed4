//! What hosts disagree about, who says what, and what would mend it.

use std::fmt;

use nvgre_netwnv::Place;

use crate::cross::what::What;
use crate::finding::{Finding, Severity};

/// One thing that hosts disagree about, with each other or with what runs on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// What it is.
    pub what: What,
    /// How bad it is.
    pub severity: Severity,
    /// Who says what; the first is where one would mend it.
    pub sides: Vec<Side>,
    /// What would mend it.
    pub remedy: Remedy,
}

/// Hosts that say the same, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Their names, in the order of the estate.
    pub hosts: Vec<String>,
    /// What they say.
    pub says: String,
    /// Where; none where a host's silence is what is told.
    pub places: Vec<Place>,
}

/// A command, and the hosts to run it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCommand {
    /// Their names, in the order of the estate.
    pub hosts: Vec<String>,
    /// PowerShell, on one line unless a label holds a line break.
    pub command: String,
}

/// What would mend a disagreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// All of these.
    Commands(Vec<HostCommand>),
    /// The tables do not show who is right: one of these lists.
    Either(Vec<Vec<HostCommand>>),
    /// Something only people know: what to do.
    Words(String),
}

impl Remedy {
    /// A line for each command: "On Statler, Waldorf: Set-...".
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Commands(commands) => commands.iter().map(|c| format!("On {c}")).collect(),
            Self::Either(choices) => choices
                .iter()
                .enumerate()
                .flat_map(|(at, commands)| {
                    let word = if at == 0 { "Either on" } else { "Or on" };
                    commands.iter().map(move |c| format!("{word} {c}"))
                })
                .collect(),
            Self::Words(words) => vec![words.clone()],
        }
    }
}

impl Disagreement {
    /// What makes it the same disagreement in another run: "stale_record/5001/10.0.0.5/192.168.4.11".
    pub fn identity(&self) -> String {
        let (rule, subject) = (self.what.name(), self.what.subject());
        if subject.is_empty() {
            rule.to_owned()
        } else {
            format!("{rule}/{subject}")
        }
    }
}

impl From<&Disagreement> for Finding {
    fn from(disagreement: &Disagreement) -> Self {
        let sides = disagreement.sides.iter();
        Self {
            rule: disagreement.what.name(),
            severity: disagreement.severity,
            message: format!("{}.", disagreement.what),
            places: sides.flat_map(|side| &side.places).cloned().collect(),
            fix: disagreement.remedy.lines(),
            identity: disagreement.identity(),
        }
    }
}

impl fmt::Display for HostCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.hosts.join(", "), self.command)
    }
}
