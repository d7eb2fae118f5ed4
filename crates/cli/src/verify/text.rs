//! What `nvgre verify` says for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use nvgre_analyze::{
    BlastEntry, CheckOutcome, Finding, ISOLATION_MODEL, IpFamily, Isolation, ReachPair, SafeMtu,
    Severity, Witness, radius_lines,
};
use nvgre_sim::scenario::Reach;
use nvgre_sim::{GuestIndex, Model};

use crate::exit::Failure;
use crate::output::Output;
use crate::verify::{Answered, Detail, name_of, word_for};

/// Columns of a line, its heading included.
const WIDTH: usize = 100;
/// Behind the name of a check.
const INDENT: &str = "           ";
/// Findings that are told of one check.
const FINDINGS_MAX: usize = 20;
/// Guests of a tenant up to which a matrix is drawn.
const MATRIX_MAX: usize = 14;
/// Bytes of a witness that are shown.
const WITNESS_MAX: usize = 128;

/// One answer: the line, what led to it, and the figures behind it.
pub(crate) fn print(model: &Model, answered: &Answered, out: &mut Output) -> Result<(), Failure> {
    let check = &answered.check;
    let name = name_of(answered.question);
    let word = word_for(check.outcome);
    prose(
        &format!("{name:<11}"),
        &format!("{word}: {}.", check.title),
        out,
    )?;
    for finding in check.findings.iter().take(FINDINGS_MAX) {
        print_finding(finding, out)?;
    }
    if let Some(more) = check.findings.len().checked_sub(FINDINGS_MAX)
        && more > 0
    {
        writeln!(out, "{INDENT}and {more} more findings; --json lists all")?;
    }
    match &answered.detail {
        Detail::Isolation(isolation) => print_isolation(isolation, out)?,
        Detail::Reach(pairs) => print_matrix(model, pairs, out)?,
        Detail::Mtu(mtus) => print_mtus(model, mtus, out)?,
        Detail::Plain => {}
    }
    writeln!(out)?;
    Ok(())
}

fn print_isolation(isolation: &Isolation, out: &mut Output) -> Result<(), Failure> {
    for witness in &isolation.witnesses {
        let mut hex = String::new();
        for byte in witness.frame.iter().take(WITNESS_MAX) {
            let _infallible = write!(hex, "{byte:02x}");
        }
        let cut = if witness.frame.len() > WITNESS_MAX {
            "..."
        } else {
            ""
        };
        prose(INDENT, &format!("witness {hex}{cut}"), out)?;
    }
    prose(INDENT, &format!("The model: {ISOLATION_MODEL}"), out)
}

fn print_finding(finding: &Finding, out: &mut Output) -> Result<(), Failure> {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let indent = format!("{INDENT}{word:<8} ");
    prose(&indent, &finding.message, out)?;
    /// Places that are told of one finding.
    const PLACES_MAX: usize = 4;
    for place in finding.places.iter().take(PLACES_MAX) {
        writeln!(out, "{INDENT}written  {place}")?;
    }
    if let Some(more) = finding.places.len().checked_sub(PLACES_MAX)
        && more > 0
    {
        writeln!(out, "{INDENT}         and in {more} more places")?;
    }
    for fix in &finding.fix {
        prose(&format!("{INDENT}fix      "), fix, out)?;
    }
    Ok(())
}

/// Who reaches whom, tenant by tenant; large tenants are told in findings only.
fn print_matrix(model: &Model, pairs: &[ReachPair], out: &mut Output) -> Result<(), Failure> {
    let scenario = model.scenario();
    let mut of_tenant: BTreeMap<usize, Vec<GuestIndex>> = BTreeMap::new();
    for (guest, inventory) in scenario.guests.iter().enumerate() {
        of_tenant.entry(inventory.tenant).or_default().push(guest);
    }
    let mut answers: BTreeMap<_, Vec<&ReachPair>> = BTreeMap::new();
    for pair in pairs {
        answers.entry((pair.from, pair.to)).or_default().push(pair);
    }
    for (tenant, guests) in of_tenant {
        if guests.len() < 2 || guests.len() > MATRIX_MAX {
            continue;
        }
        let mut table = Table::new();
        let name = |&guest: &GuestIndex| scenario.guests[guest].port_name();
        let header = format!("{}: row to column", scenario.tenants[tenant].name);
        let header = std::iter::once(header);
        table
            .load_style(NOTHING)
            .set_header(header.chain(guests.iter().map(name)));
        for from in &guests {
            let cells = guests.iter().map(|to| match answers.get(&(*from, *to)) {
                None => "-".to_owned(),
                Some(pairs) => cell(pairs),
            });
            table.add_row(std::iter::once(name(from)).chain(cells));
        }
        for line in table.to_string().lines() {
            writeln!(out, "{INDENT}{}", line.trim_end())?;
        }
    }
    Ok(())
}

/// What a pair comes to: over all families alike, or over which of them.
fn cell(pairs: &[&ReachPair]) -> String {
    let Some(first) = pairs.first() else {
        return "-".to_owned();
    };
    let told: Vec<_> = pairs.iter().map(|pair| word(pair)).collect();
    if told.iter().all(|word| *word == told[0]) {
        return word(first);
    }
    let over = pairs.iter().zip(&told).map(|(pair, word)| {
        let family = pair.family.map_or("", IpFamily::name);
        format!("{word} ({family})")
    });
    over.collect::<Vec<_>>().join(", ")
}

fn word(pair: &ReachPair) -> String {
    match (pair.wanted, pair.holds()) {
        (Reach::Allow, true) => "reaches".to_owned(),
        (Reach::Deny, true) => "denied".to_owned(),
        (Reach::Allow, false) => {
            let failure = pair.failure.as_ref();
            let reason = failure.map_or("no answer", |(_, failure)| failure.name());
            format!("NO: {reason}")
        }
        (Reach::Deny, false) => "REACHES".to_owned(),
    }
}

/// The largest packets, pairs alike together.
fn print_mtus(model: &Model, mtus: &[SafeMtu], out: &mut Output) -> Result<(), Failure> {
    let mut alike: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for mtu in mtus {
        let scenario = model.scenario();
        let by = mtu.dropped_by.map(|(host, reason)| {
            let told = if mtu.told { ", and says so" } else { "" };
            let at = if host == model.host_of(mtu.from) {
                "the sender's host"
            } else {
                &scenario.hosts[host].name
            };
            format!("; larger ones {reason} at {at}{told}")
        });
        let largest = mtu
            .largest_bytes
            .map_or_else(|| "any size".to_owned(), |bytes| format!("{bytes} bytes"));
        let line = format!("{largest}{}", by.unwrap_or_default());
        let pair = [mtu.from, mtu.to].map(|guest| scenario.guests[guest].port_name());
        let pairs: &mut Vec<_> = alike.entry(line).or_default();
        let pair = pair.join(" to ");
        // Over both families as a rule, one after the other.
        if pairs.last() != Some(&pair) {
            pairs.push(pair);
        }
    }
    for (line, pairs) in alike {
        /// Pairs that are told of one line.
        const PAIRS_MAX: usize = 4;
        let told = pairs[..pairs.len().min(PAIRS_MAX)].join(", ");
        let more = match pairs.len().checked_sub(PAIRS_MAX) {
            None | Some(0) => String::new(),
            Some(more) => format!(" and {more} more pairs"),
        };
        prose(INDENT, &format!("{line}: {told}{more}"), out)?;
    }
    Ok(())
}

/// What a host reaches that obeys nobody.
pub(crate) fn print_radius(
    model: &Model,
    hostile: usize,
    radius: &[BlastEntry],
    out: &mut Output,
) -> Result<(), Failure> {
    let name = &model.scenario().hosts[hostile].name;
    let lines = radius_lines(model, radius);
    let what = match lines.len() {
        0 => "reaches no guest of another host".to_owned(),
        _ => "reaches, under its own provider addresses:".to_owned(),
    };
    writeln!(out, "If {name} obeyed nobody, it {what}")?;
    for (line, place) in lines {
        prose("  ", &line, out)?;
        if let Some(place) = place {
            writeln!(out, "    written {place}")?;
        }
    }
    writeln!(out)?;
    Ok(())
}

/// Where the witnesses are, and how to see them cross.
pub(crate) fn print_written(
    file: &Path,
    witnesses: &[Witness],
    scenario: &Path,
    stage: Option<&str>,
    out: &mut Output,
) -> Result<(), Failure> {
    if witnesses.is_empty() {
        writeln!(out, "Nothing crosses: {} holds no frame\n", file.display())?;
        return Ok(());
    }
    let stage = stage.map_or_else(String::new, |stage| format!(" --stage {stage}"));
    writeln!(
        out,
        "The witnesses are in {file}; to see them cross:\n  nvgre replay {}{stage} -r {file}\n",
        scenario.display(),
        file = file.display(),
    )?;
    Ok(())
}

/// The last line.
pub(crate) fn print_verdict(answers: &[Answered], out: &mut Output) -> Result<(), Failure> {
    let with = |outcome| {
        let answers = answers.iter();
        let with = answers.filter(|answered| answered.check.outcome == outcome);
        with.map(|answered| name_of(answered.question))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let outcomes = [
        CheckOutcome::Fails,
        CheckOutcome::Undecided,
        CheckOutcome::Holds,
    ];
    let parts = outcomes.map(|outcome| (word_for(outcome), with(outcome)));
    let parts = parts.iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<_> = parts
        .map(|(word, names)| format!("{word}: {names}"))
        .collect();
    writeln!(out, "{}", parts.join("; "))?;
    Ok(())
}

/// Text behind a heading, in lines that a terminal holds.
fn prose(heading: &str, text: &str, out: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH.saturating_sub(heading.len()) as u16)
        .add_row([text]);
    let mut heading = heading.to_owned();
    for line in table.to_string().lines() {
        writeln!(out, "{heading}{}", line.trim())?;
        heading = " ".repeat(heading.len());
    }
    Ok(())
}
