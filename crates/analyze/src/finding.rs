//! What was asked, what was found, and where it is written: the shape in which every analysis hands
//! its result to reports.

use nvgre_netwnv::Place;

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was asked, unique within a run and the same in every run: "isolation", "reach/Red11/Red22".
    pub id: String,
    /// The question in words.
    pub title: String,
    /// The answer.
    pub outcome: CheckOutcome,
    /// What led to it, worst first. May hold warnings where the answer is yes.
    pub findings: Vec<Finding>,
}

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It could not be told.
    Undecided,
}

/// One thing that is wrong, or suspect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that it breaks: a drop reason's name, or a name of the analysis ("stale_record").
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence that stands alone: names, addresses, hosts.
    pub message: String,
    /// Where it is written; the first is where one would mend it. Empty: nowhere in particular.
    pub places: Vec<Place>,
    /// Commands that would mend it, or what to do in words.
    pub fix: Vec<String>,
    /// What makes it the same finding in another run: names and keys, no line numbers.
    pub identity: String,
}

/// How bad a finding is. The worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Suspect.
    Warning,
    /// Wrong.
    Error,
}
