//! Stdout and stderr, and what a run has to say to reports.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use nvgre_analyze::{Check, Finding, HIDDEN_FILE};
use serde::Serialize;

use crate::exit::{Failure, invalid_input};
use crate::printable::printable;
use crate::report::target::ReportTarget;
use crate::same_file::{is_same_file, lies_in};

/// Where a verb prints: stdout, buffered; and what it says to reports, kept for the end of the run.
pub(crate) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    json: bool,
    /// The reports that were asked for.
    reports: Vec<ReportTarget>,
    /// Nobody reads stdout any more, but reports are wanted.
    unread: bool,
    checks: Vec<Check>,
    /// Of the checks.
    ids: BTreeSet<String>,
    not_done: Vec<Finding>,
}

impl Output {
    /// Stdout, for people or, with `json`, for tools; and these reports.
    pub(crate) fn stdout(json: bool, reports: Vec<ReportTarget>) -> Self {
        Self {
            stdout: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
            json,
            reports,
            unread: false,
            checks: Vec::new(),
            ids: BTreeSet::new(),
            not_done: Vec::new(),
        }
    }

    /// Whether JSON lines are wanted instead of text.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one JSON line.
    pub(crate) fn json_line(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut *self, line).map_err(io::Error::from)?;
        Ok(self.write_all(b"\n")?)
    }

    /// Prints a diagnostic on stderr, behind everything printed so far.
    pub(crate) fn complain(&mut self, message: impl Display) -> Result<(), Failure> {
        let flushed = self.flush();
        // Nobody is left to tell when stderr is closed.
        let message = message.to_string();
        let _closed = writeln!(io::stderr(), "nvgre: {}", printable(&message));
        Ok(flushed?)
    }

    /// Complains of an input that cannot be read, where the verb goes on with others.
    pub(crate) fn complain_of_input(&mut self, message: impl Display) -> Result<(), Failure> {
        let message = message.to_string();
        self.not_done.push(invalid_input(None, &message, None));
        self.complain(message)
    }

    /// Tells reports what was asked and what the answer is; people and tools are told by printing.
    /// Of an id that comes again the others get a number; what is told again is not kept. A file
    /// whose name is hidden is no place to point at.
    pub(crate) fn check(&mut self, mut check: Check) {
        for finding in &mut check.findings {
            finding.places.retain(|place| &*place.file != HIDDEN_FILE);
        }
        if self.ids.contains(&check.id) && self.checks.contains(&check) {
            return;
        }
        let mut id = check.id.clone();
        for n in 2.. {
            if self.ids.insert(id.clone()) {
                break;
            }
            id = format!("{}#{n}", check.id);
        }
        check.id = id;
        self.checks.push(check);
    }

    /// Tells reports why the run did not do what it was asked.
    pub(crate) fn not_done(&mut self, findings: Vec<Finding>) {
        self.not_done.extend(findings);
    }

    /// Refuses to write a report over a file that the run reads or writes; in a folder of the run it
    /// may replace an older report. What is refused is not written, also not to tell of that.
    pub(crate) fn refuse_reports_over<'f>(
        &mut self,
        files: impl IntoIterator<Item = &'f Path>,
    ) -> Result<(), Failure> {
        for file in files {
            let clash = |report: &ReportTarget| {
                report.file().is_some_and(|output| {
                    is_same_file(file, output)
                        || (lies_in(file, output) && !report.replaces_a_report())
                })
            };
            if let Some(index) = self.reports.iter().position(clash) {
                let report = self.reports.remove(index);
                return Err(Failure::usage(format_args!(
                    "--report {report}: the run reads or writes {}; name another file",
                    file.display()
                )));
            }
        }
        Ok(())
    }

    /// Refuses two reports to one file. Neither is written.
    pub(crate) fn refuse_reports_to_one_file(&mut self) -> Result<(), Failure> {
        for (index, report) in self.reports.iter().enumerate() {
            let same = |earlier: &&ReportTarget| match (earlier.file(), report.file()) {
                (Some(a), Some(b)) => is_same_file(a, b),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if let Some(earlier) = self.reports[..index].iter().find(same) {
                let (earlier, report) = (earlier.clone(), report.clone());
                self.reports
                    .retain(|other| *other != earlier && *other != report);
                return Err(Failure::usage(format_args!(
                    "--report {earlier} and --report {report} go to one place; name another file"
                )));
            }
        }
        Ok(())
    }

    /// What reports are made of: which are wanted, the checks, and why the run ended early.
    pub(crate) fn into_report_parts(self) -> (Vec<ReportTarget>, Vec<Check>, Vec<Finding>) {
        (self.reports, self.checks, self.not_done)
    }

    /// A reader that went away ends the run, unless reports are wanted: they tell of all of it.
    fn go_on(&mut self, written: io::Result<()>) -> io::Result<()> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !self.reports.is_empty() => {
                self.unread = true;
                Ok(())
            }
            written => written,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    // Formatting writes a few bytes at a time: straight into the buffer.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.unread {
            return Ok(());
        }
        // Few bytes begin a character that could need it.
        let is_suspect =
            |&byte: &u8| (byte < b' ' && byte != b'\n') || matches!(byte, 0x7f | 0xc2 | 0xe2);
        let suspect = bytes.iter().any(is_suspect);
        let written = match suspect.then(|| std::str::from_utf8(bytes)) {
            Some(Ok(text)) => self.stdout.write_all(printable(text).as_bytes()),
            Some(Err(_)) | None => self.stdout.write_all(bytes),
        };
        self.go_on(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.unread {
            return Ok(());
        }
        let flushed = self.stdout.flush();
        self.go_on(flushed)
    }
}
