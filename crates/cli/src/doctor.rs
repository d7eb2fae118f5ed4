//! `nvgre doctor`: dumps of several hosts, and what these hosts disagree about.

use std::io::Write;
use std::path::PathBuf;

use nvgre_analyze::{Check, CheckOutcome, Disagreement, Finding, Severity, Side, examine};
use nvgre_netwnv::{Dump, Host};

use crate::counted::counted;
use crate::doctor::json::JsonDoctor;
use crate::dump_folder::{self, DumpFolder};
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) mod json;

/// Most places and hosts told of one side: hosts are many.
const TOLD: usize = 4;
/// Most commands told of one disagreement; `--json` has them all.
const COMMANDS_TOLD: usize = 12;

/// Most notes about the dumps: every host may lack the same.
const NOTES_TOLD: usize = 40;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The folder of dumps.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// What was read and what is wrong with it.
pub(crate) struct Diagnosis {
    /// The folder, as it was named.
    pub(crate) folder: String,
    /// How many files were read.
    pub(crate) files: usize,
    pub(crate) dump: Dump,
    /// The worst first.
    pub(crate) found: Vec<Disagreement>,
}

impl Diagnosis {
    /// How many disagreements are this bad.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.found
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    }

    /// Whether there is more than notes.
    fn is_ill(&self) -> bool {
        self.found.iter().any(|one| one.severity > Severity::Note)
    }
}

/// Reads a folder of dumps and says what its hosts disagree about.
pub(crate) fn run(args: &DoctorArgs, out: &mut Output) -> Result<Exit, Failure> {
    if args.dir.exists() && !args.dir.is_dir() {
        return Err(Failure::input(format_args!(
            "{}: a file, and a folder is wanted that holds a sub-folder or a file for each host",
            args.dir.display()
        )));
    }
    let named = dump_folder::below(&args.dir)?;
    out.refuse_reports_over(named.iter().map(|file| file.path.as_path()))?;
    let DumpFolder { files, dump } = dump_folder::read_files(&named)?;
    let diagnosis = Diagnosis {
        folder: args.dir.display().to_string(),
        files,
        found: examine(&dump),
        dump,
    };
    if out.is_json() {
        out.json_line(&JsonDoctor::of(&diagnosis))?;
    } else {
        print(&diagnosis, out)?;
    }
    // A host of which nothing was read has nothing to agree with.
    let hosts = diagnosis.dump.estate.hosts.iter();
    let hosts = hosts.filter(|host| holds_anything(host)).count();
    let exit = if diagnosis.is_ill() {
        Exit::No
    } else if hosts < 2 {
        Exit::Nothing
    } else {
        Exit::Success
    };
    out.check(Check {
        id: "hosts-agree".to_owned(),
        title: "the hosts' tables agree with one another and with what runs where".to_owned(),
        outcome: match exit {
            Exit::No => CheckOutcome::Fails,
            Exit::Nothing => CheckOutcome::Undecided,
            _ => CheckOutcome::Holds,
        },
        findings: diagnosis.found.iter().map(Finding::from).collect(),
    });
    if hosts < 2 {
        let folder = &diagnosis.folder;
        out.complain(match hosts {
            0 if diagnosis.dump.estate.hosts.is_empty() => {
                format!("{folder}: no host was found: nothing was compared")
            }
            0 => format!("{folder}: nothing was read of any host: nothing was compared"),
            _ => format!("{folder}: one host only: there is no other to compare it with"),
        })?;
    }
    Ok(exit)
}

/// Whether a host has any row or adapter.
fn holds_anything(host: &Host) -> bool {
    !(host.records.is_empty()
        && host.customer_routes.is_empty()
        && host.provider_addresses.is_empty()
        && host.provider_routes.is_empty()
        && host.adapters.is_empty())
}

fn print(diagnosis: &Diagnosis, out: &mut Output) -> Result<(), Failure> {
    let hosts = &diagnosis.dump.estate.hosts;
    writeln!(
        out,
        "{}, {}: {}",
        counted(hosts.len() as u64, "host"),
        counted(diagnosis.files as u64, "file"),
        rows(hosts)
    )?;
    let width = hosts.iter().map(|host| host.name.chars().count()).max();
    for host in hosts {
        let width = width.unwrap_or_default();
        writeln!(
            out,
            "  {:width$}  {}",
            host.name,
            rows(std::slice::from_ref(host))
        )?;
    }
    for one in &diagnosis.found {
        print_one(one, out)?;
    }
    let notes = &diagnosis.dump.notes;
    if !notes.is_empty() {
        writeln!(out, "\nabout the dumps")?;
        for note in notes.iter().take(NOTES_TOLD) {
            match &note.host {
                Some(host) => writeln!(out, "  {}: on {host}: {}", note.place, note.text)?,
                None => writeln!(out, "  {note}")?,
            }
        }
        if notes.len() > NOTES_TOLD {
            writeln!(
                out,
                "  and {} more notes, see --json",
                notes.len() - NOTES_TOLD
            )?;
        }
    }
    let [errors, warnings, minor] =
        [Severity::Error, Severity::Warning, Severity::Note].map(|s| diagnosis.count(s));
    writeln!(
        out,
        "\n{}: {}, {}, {}",
        counted(diagnosis.found.len() as u64, "disagreement"),
        counted(errors as u64, "error"),
        counted(warnings as u64, "warning"),
        counted(minor as u64, "note")
    )?;
    Ok(())
}

fn print_one(one: &Disagreement, out: &mut Output) -> Result<(), Failure> {
    writeln!(
        out,
        "\n{}: {}: {}",
        severity(one.severity),
        one.what.name(),
        one.what
    )?;
    for side in &one.sides {
        print_side(side, out)?;
    }
    let lines = one.remedy.lines();
    for (at, line) in lines.iter().take(COMMANDS_TOLD).enumerate() {
        let word = if at == 0 { "fix" } else { "" };
        writeln!(out, "  {word:4} {line}")?;
    }
    if lines.len() > COMMANDS_TOLD {
        writeln!(
            out,
            "       and {} more commands, see --json",
            lines.len() - COMMANDS_TOLD
        )?;
    }
    Ok(())
}

fn print_side(side: &Side, out: &mut Output) -> Result<(), Failure> {
    writeln!(out, "  {}: {}", few(&side.hosts), side.says)?;
    if !side.places.is_empty() {
        let places: Vec<_> = side.places.iter().map(ToString::to_string).collect();
        writeln!(out, "    at {}", few(&places))?;
    }
    Ok(())
}

fn few(names: &[String]) -> String {
    let told = names.iter().take(TOLD).map(String::as_str);
    let mut told = told.collect::<Vec<_>>().join(", ");
    if names.len() > TOLD {
        told += &format!(" and {} more", names.len() - TOLD);
    }
    told
}

pub(crate) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// What was read of these hosts, kind by kind.
fn rows(hosts: &[Host]) -> String {
    let count = |of: fn(&Host) -> usize| hosts.iter().map(of).sum::<usize>() as u64;
    let routes = |count| counted(count, "provider route");
    let addresses = count(|host| host.provider_addresses.len());
    [
        counted(count(|host| host.records.len()), "lookup record"),
        counted(count(|host| host.customer_routes.len()), "customer route"),
        format!(
            "{addresses} provider address{}",
            if addresses == 1 { "" } else { "es" }
        ),
        routes(count(|host| host.provider_routes.len())),
        counted(count(|host| host.adapters.len()), "adapter"),
    ]
    .join(", ")
}
