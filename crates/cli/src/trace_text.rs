//! What `nvgre trace` says for people: a line a step, in columns, and the verdict last.

use std::io::Write;

use nvgre_analyze::WalkStep;

use crate::exit::Failure;
use crate::output::Output;
use crate::traced::{Level, Traced, Verdict};

/// Columns are as wide as what is in them, up to this many characters: one long line moves no other.
const WIDTH_MAX: usize = 48;
/// What stands at the left of a line.
const LABEL: usize = 12;

/// Prints everything that the level asks for.
pub(crate) fn print(traced: &Traced, out: &mut Output) -> Result<(), Failure> {
    if traced.level != Level::Minimal {
        writeln!(out, "{}", traced.heading)?;
        for assumed in &traced.assumed {
            writeln!(out, "{:LABEL$} {assumed}", "assumed")?;
        }
        walk(traced, out)?;
    }
    if traced.level != Level::Minimal {
        for near in &traced.near_misses {
            writeln!(out, "{:LABEL$} {}", "near miss", near.line())?;
        }
        if !traced.crossed.is_empty() {
            let crossed = traced.crossed.join(", ");
            writeln!(
                out,
                "{:LABEL$} frames reached other tenants than their senders: {crossed}",
                "isolation"
            )?;
        }
    }
    writeln!(out, "{}", last_line(&traced.verdict))?;
    Ok(())
}

fn walk(traced: &Traced, out: &mut Output) -> Result<(), Failure> {
    let steps = || traced.legs.iter().flat_map(|leg| &leg.steps);
    let width = |of: &dyn Fn(&WalkStep) -> usize| {
        let widths = steps().map(of).filter(|&width| width <= WIDTH_MAX);
        widths.max().unwrap_or(0)
    };
    let host = width(&|step| chars(&step.host));
    let stage = width(&|step| chars(step.stage));
    let asked = width(&|step| chars(&step.asked));
    let matched = width(&|step| match step.place {
        Some(_) => chars(&step.matched),
        None => 0,
    });
    for leg in &traced.legs {
        writeln!(out, "\n{:LABEL$} {}", leg.leg, leg.title)?;
        for step in &leg.steps {
            let place = step.place.as_ref();
            let place = place.map_or_else(String::new, |place| format!("  {place}"));
            let line = format!(
                "  {:host$}  {:stage$}  {:asked$}  {:matched$}{place}",
                step.host, step.stage, step.asked, step.matched
            );
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// Verdict, reason, and what decided.
pub(crate) fn last_line(verdict: &Verdict) -> String {
    let mut line = verdict.verdict.to_owned();
    if !verdict.good {
        line.push_str(": ");
        line.push_str(verdict.reason);
        if let Some(leg) = verdict.leg {
            line.push_str(&format!(" ({leg})"));
        }
    }
    if !verdict.text.is_empty() {
        line.push_str(": ");
        line.push_str(&verdict.text);
    }
    line.push_str(&decider(verdict));
    line
}

/// What decided, behind a verdict.
pub(crate) fn decider(verdict: &Verdict) -> String {
    match &verdict.decision {
        Some(decision) => {
            let place = decision.place.as_ref();
            let place = place.map_or_else(String::new, |place| format!(", {place}"));
            format!(
                "; decided by: {} on {}{place}",
                decision.what, decision.host
            )
        }
        None if verdict.good => "; no record was needed".to_owned(),
        None => String::new(),
    }
}
