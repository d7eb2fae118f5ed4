//! `--report`: what a run came to, for machines. Written when the verb has ended, however it did.

use std::io::{self, Write};

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};

use crate::exit::Exit;
use crate::invocation::Invocation;
use crate::output::Output;
use crate::report::place::Names;
use crate::report::target::ReportTarget;
use crate::whole_file;

mod github;
mod junit;
mod markdown;
mod place;
pub(crate) mod rule;
mod sarif;
pub(crate) mod target;

/// Places of one finding that are told where people read.
pub(crate) const PLACES_MAX: usize = 10;

/// A run that has ended.
pub(crate) struct Run {
    /// The words behind `nvgre`.
    pub(crate) verb: String,
    /// How it ended.
    pub(crate) exit: Exit,
    /// Whether it did what it was asked; the findings say why not. First, and in every report, so
    /// that none is empty or green for a run that answered nothing.
    pub(crate) done: Check,
    /// What was asked and answered.
    pub(crate) checks: Vec<Check>,
    /// The first file that the command line names.
    pub(crate) subject: Option<String>,
    /// What files are called.
    pub(crate) names: Names,
}

/// Writes the reports that were asked for. `Output` when one could not be written.
pub(crate) fn write(invocation: &Invocation, exit: Exit, out: Output) -> Exit {
    let (targets, checks, not_done) = out.into_report_parts();
    if targets.is_empty() {
        return exit;
    }
    let run = Run::new(invocation, exit, checks, not_done);
    let mut exit = exit;
    for target in &targets {
        let written = match target {
            ReportTarget::Junit(file) => {
                junit::text(&run).and_then(|text| whole_file::write(file, text.as_bytes()))
            }
            ReportTarget::Sarif(file) => whole_file::write(file, sarif::text(&run).as_bytes()),
            ReportTarget::Markdown(file) => {
                whole_file::write(file, markdown::text(&run).as_bytes())
            }
            ReportTarget::Github => io::stderr().write_all(github::text(&run).as_bytes()),
        };
        if let Err(error) = written {
            // Nobody is left to tell when stderr is closed.
            let _closed = writeln!(io::stderr(), "nvgre: --report {target}: {error}");
            exit = Exit::Output;
        }
    }
    exit
}

impl Run {
    fn new(
        invocation: &Invocation,
        exit: Exit,
        mut checks: Vec<Check>,
        not_done: Vec<Finding>,
    ) -> Self {
        for check in &mut checks {
            speak_up(check);
        }
        let any = |outcome| checks.iter().any(|check| check.outcome == outcome);
        // An answer that no check gives must show as well.
        let outcome = match exit {
            Exit::Success => CheckOutcome::Holds,
            Exit::No | Exit::Worse if any(CheckOutcome::Fails) => CheckOutcome::Holds,
            Exit::Nothing if any(CheckOutcome::Undecided) => CheckOutcome::Holds,
            Exit::No | Exit::Worse | Exit::Usage | Exit::Input | Exit::Output => {
                CheckOutcome::Fails
            }
            Exit::Nothing => CheckOutcome::Undecided,
        };
        let verb = &invocation.verb;
        let mut done = Check {
            id: "run".to_owned(),
            title: format!("nvgre {verb} does what it is asked"),
            outcome,
            findings: not_done,
        };
        if outcome != CheckOutcome::Holds && done.findings.is_empty() {
            done.findings.push(Finding {
                rule: "unanswered",
                severity: Severity::Error,
                message: format!("Exit code {}: {}.", exit as u8, exit.meaning()),
                places: Vec::new(),
                fix: Vec::new(),
                identity: verb.clone(),
            });
        }
        Self {
            verb: verb.clone(),
            exit,
            done,
            checks,
            subject: invocation
                .files
                .first()
                .map(|file| file.display().to_string()),
            names: Names::from_environment(),
        }
    }

    /// What was asked and answered, and before that whether the run could.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Check> {
        std::iter::once(&self.done).chain(&self.checks)
    }

    /// How it ended, in words.
    pub(crate) fn ended(&self) -> String {
        format!("exit code {}: {}", self.exit as u8, self.exit.meaning())
    }
}

/// Reports are made of findings: a check that does not hold has at least one.
fn speak_up(check: &mut Check) {
    let rule = match check.outcome {
        CheckOutcome::Holds => return,
        CheckOutcome::Fails => "failed_check",
        CheckOutcome::Undecided => "undecided_check",
    };
    if check.findings.is_empty() {
        check.findings.push(Finding {
            rule,
            severity: Severity::Error,
            message: check.title.clone(),
            places: Vec::new(),
            fix: Vec::new(),
            identity: check.id.clone(),
        });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use nvgre_netwnv::Place;

    use super::*;

    /// A run whose one check found these.
    pub(crate) fn run_with(findings: Vec<Finding>) -> Run {
        let check = Check {
            id: "check".to_owned(),
            title: "it is as it should be".to_owned(),
            outcome: CheckOutcome::Fails,
            findings,
        };
        let invocation = Invocation {
            verb: "verify".to_owned(),
            files: vec![PathBuf::from("scenario.toml")],
        };
        let run = Run::new(&invocation, Exit::No, vec![check], Vec::new());
        Run {
            names: Names::as_given(),
            ..run
        }
    }

    pub(crate) fn finding(severity: Severity, message: &str, file: &str) -> Finding {
        Finding {
            rule: "no_port",
            severity,
            message: message.to_owned(),
            places: vec![Place {
                file: file.into(),
                line: 7,
                column: 3,
            }],
            fix: Vec::new(),
            identity: message.to_owned(),
        }
    }

    #[test]
    fn a_no_that_no_check_gives_shows_all_the_same() {
        let invocation = Invocation {
            verb: "trace".to_owned(),
            files: Vec::new(),
        };
        for (exit, outcome) in [
            (Exit::Success, CheckOutcome::Holds),
            (Exit::No, CheckOutcome::Fails),
            (Exit::Nothing, CheckOutcome::Undecided),
            (Exit::Worse, CheckOutcome::Fails),
        ] {
            let run = Run::new(&invocation, exit, Vec::new(), Vec::new());
            assert_eq!(run.done.outcome, outcome, "{exit:?}");
            let said = usize::from(outcome != CheckOutcome::Holds);
            assert_eq!(run.done.findings.len(), said, "{exit:?}");
        }
    }

    #[test]
    fn a_check_that_fails_without_findings_is_one() {
        let run = run_with(Vec::new());
        assert_eq!(run.checks[0].findings[0].rule, "failed_check");
        assert_eq!(run.checks[0].findings[0].message, "it is as it should be");
        assert_eq!(run.done.outcome, CheckOutcome::Holds);
    }
}
