//! Exit codes, and the failure that ends a verb.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use nvgre_analyze::{Finding, HIDDEN_FILE, Severity};
use nvgre_netwnv::Place;
use nvgre_sim::ModelError;

use crate::output::Output;

/// How the command ended: a contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Did the work, and every assertion, goal and expectation holds.
    Success = 0,
    /// Worked, and the answer is no.
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// An input cannot be read or is invalid. Of several input files the others are still done.
    Input = 3,
    /// Nothing was checked.
    Nothing = 4,
    /// A benchmark is worse than its baseline by more than the stated margin.
    Worse = 5,
    /// An output could not be written whole.
    Output = 6,
}

impl Exit {
    const ALL: [Self; 7] = [
        Self::Success,
        Self::No,
        Self::Usage,
        Self::Input,
        Self::Nothing,
        Self::Worse,
        Self::Output,
    ];

    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "did the work, and what was asked for holds",
            Self::No => "worked, and the answer is no",
            Self::Usage => "the command line is wrong",
            Self::Input => "an input cannot be read or is invalid; the others are still done",
            Self::Nothing => "nothing was checked, or the answer stays open",
            Self::Worse => "a benchmark is worse than its baseline by more than the stated margin",
            Self::Output => "an output could not be written whole",
        }
    }

    /// All codes and their meanings, for the help.
    pub(crate) fn table() -> String {
        Self::ALL
            .iter()
            .fold("Exit codes:".to_owned(), |mut table, &exit| {
                let _infallible = write!(table, "\n  {}  {}", exit as u8, exit.meaning());
                table
            })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Most places told of inputs whose faults are hidden.
const PLACES_TOLD: usize = 20;

/// The end of a verb before its time.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// What is said on stderr; nothing when nobody reads the output any more.
    message: Option<String>,
    /// The same for reports, a finding for each thing that is wrong.
    findings: Vec<Finding>,
}

impl Failure {
    /// An input that ends the verb; `what` names it and the place.
    pub(crate) fn input(what: impl ToString) -> Self {
        let what = what.to_string();
        let finding = invalid_input(None, &what, None);
        Self::inputs(what, vec![finding])
    }

    /// Several things that are wrong with inputs: as one message, and one by one for reports.
    pub(crate) fn inputs(what: impl ToString, findings: Vec<Finding>) -> Self {
        Self {
            exit: Exit::Input,
            message: Some(what.to_string()),
            findings,
        }
    }

    /// A command line that only turns out wrong when the inputs are known.
    pub(crate) fn usage(what: impl ToString) -> Self {
        Self::about(Exit::Usage, "wrong_usage", what)
    }

    /// An output file that could not be written whole.
    pub(crate) fn output(what: impl ToString) -> Self {
        Self::about(Exit::Output, "unwritten_output", what)
    }

    fn about(exit: Exit, rule: &'static str, what: impl ToString) -> Self {
        let what = what.to_string();
        Self {
            exit,
            findings: vec![wrong(rule, None, &what, None)],
            message: Some(what),
        }
    }

    /// The same for one tenant's eyes, of whom nothing is known before the inputs are understood:
    /// what is wrong may be any tenant's, and so only the places are told, by line, and no file but
    /// the scenario by name. A wrong command line is the reader's own.
    pub(crate) fn redacted(self, scenario: &Path) -> Self {
        if self.exit != Exit::Input {
            return self;
        }
        let scenario = scenario.display().to_string();
        let hidden = "an input is invalid; --redact hides what is wrong, which may be another \
                      tenant's";
        let mut places: Vec<_> = self
            .findings
            .into_iter()
            .flat_map(|finding| finding.places)
            .map(|place| match *place.file == *scenario {
                true => place,
                false => Place {
                    file: HIDDEN_FILE.into(),
                    ..place
                },
            })
            .collect();
        places.dedup();
        places.truncate(PLACES_TOLD);
        if places.is_empty() {
            return Self::input(hidden);
        }
        let lines: Vec<_> = places.iter().map(|at| format!("{at}: {hidden}")).collect();
        let findings = places.iter().map(|place| {
            let shown = Some(place).filter(|place| &*place.file != HIDDEN_FILE);
            invalid_input(shown, &format!("{place}: {hidden}"), None)
        });
        Self::inputs(lines.join("\n"), findings.collect())
    }

    /// Says why, behind what was printed so far; gives the exit code.
    pub(crate) fn report(self, out: &mut Output) -> Exit {
        out.not_done(self.findings);
        let Some(message) = self.message else {
            return self.exit;
        };
        match out.complain(message) {
            // What was printed before did not get out either, which is worse.
            Err(output) if self.exit != Exit::Output && output.message.is_some() => {
                output.report(out)
            }
            _ => self.exit,
        }
    }
}

/// Verbs meet `io::Error` only where they print: inputs have errors of their own.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // `nvgre ... | head` has what it wanted.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                exit: Exit::Success,
                message: None,
                findings: Vec::new(),
            };
        }
        Self::output(format_args!("stdout cannot be written: {error}"))
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let findings = match &error {
            ModelError::Script { errors, .. } => errors
                .iter()
                .map(|error| {
                    invalid_input(Some(&error.place), &error.message, error.help.as_deref())
                })
                .collect(),
            ModelError::Policy { host, errors } => errors
                .iter()
                .map(|(error, place)| {
                    invalid_input(place.as_ref(), &format!("on {host}: {error}"), None)
                })
                .collect(),
            ModelError::File { .. } | ModelError::NoSuchSwitch { .. } => {
                vec![invalid_input(None, &error.to_string(), None)]
            }
        };
        Self::inputs(error, findings)
    }
}

/// One thing that is wrong with an input, for reports.
pub(crate) fn invalid_input(place: Option<&Place>, message: &str, help: Option<&str>) -> Finding {
    wrong("invalid_input", place, message, help)
}

/// What keeps a run from its work, for reports; `rule` is explained in `report_rule.rs`.
pub(crate) fn wrong(
    rule: &'static str,
    place: Option<&Place>,
    message: &str,
    help: Option<&str>,
) -> Finding {
    let file = place.map_or("", |place| &*place.file);
    Finding {
        rule,
        severity: Severity::Error,
        message: message.to_owned(),
        places: place.cloned().into_iter().collect(),
        fix: help.map(str::to_owned).into_iter().collect(),
        identity: format!("{file} {message}"),
    }
}
