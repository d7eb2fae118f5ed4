//! What `nvgre trace` says for people: a line a step, in columns, and the verdict last.

use std::io::Write;

use nvgre_analyze::WalkStep;

use crate::exit::Failure;
use crate::output::Output;
use crate::traced::{Level, Traced, Verdict, leg_text};

/// Columns are as wide as what is in them, up to this many characters. Behind a longer text the line
/// breaks, and goes on in the next column.
const WIDTH_MAX: usize = 64;
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
    let columns = Columns::of(traced.legs.iter().flat_map(|leg| &leg.steps));
    let labels = traced.legs.iter().map(|leg| chars(leg_text(leg.leg)));
    let label = labels.max().unwrap_or(0).max(LABEL);
    for leg in &traced.legs {
        writeln!(out, "\n{:label$} {}", leg_text(leg.leg), leg.title)?;
        for step in &leg.steps {
            writeln!(out, "{}", columns.line(step))?;
        }
    }
    writeln!(out)?;
    Ok(())
}

/// How wide the columns of a walk are, in characters.
struct Columns {
    host: usize,
    stage: usize,
    asked: usize,
    matched: usize,
}

impl Columns {
    fn of<'s>(steps: impl Iterator<Item = &'s WalkStep> + Clone) -> Self {
        let width = |of: &dyn Fn(&WalkStep) -> usize| {
            let widths = steps.clone().map(of).filter(|&width| width <= WIDTH_MAX);
            widths.max().unwrap_or(0)
        };
        Self {
            host: width(&|step| chars(&step.host)),
            stage: width(&|step| chars(step.stage)),
            asked: width(&|step| chars(&step.asked)),
            matched: width(&|step| match step.place {
                Some(_) => chars(&step.matched),
                None => 0,
            }),
        }
    }

    /// A step in a line, or in two where its question is longer than the column.
    fn line(&self, step: &WalkStep) -> String {
        let (host, stage) = (self.host, self.stage);
        let (asked, matched) = (self.asked, self.matched);
        let head = format!("  {:host$}  {:stage$}  ", step.host, step.stage);
        let place = step.place.as_ref();
        let place = place.map_or_else(String::new, |place| format!("  {place}"));
        let answer = format!("  {:matched$}{place}", step.matched);
        let answer = answer.trim_end();
        if chars(&step.asked) > asked && !answer.is_empty() {
            let indent = chars(&head) + asked;
            return format!("{head}{}\n{:indent$}{answer}", step.asked, "");
        }
        let line = format!("{head}{:asked$}{answer}", step.asked);
        line.trim_end().to_owned()
    }
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
            line.push_str(&format!(" ({})", leg_text(leg)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_beside_a_long_question_stands_in_its_column_below() {
        let step = |asked: &str, matched: &str| WalkStep {
            host: "host1".to_owned(),
            stage: "port",
            asked: asked.to_owned(),
            matched: matched.to_owned(),
            place: None,
            row: None,
            detail: false,
        };
        let long = "x".repeat(WIDTH_MAX + 1);
        let steps = [
            step("short", "Red1"),
            step("longer", "Red2"),
            step(&long, "Red3"),
        ];
        let columns = Columns::of(steps.iter());
        let lines = steps.iter().map(|step| columns.line(step));
        let below = format!("  host1  port  {long}\n                       Red3");
        assert_eq!(
            lines.collect::<Vec<_>>(),
            [
                "  host1  port  short   Red1",
                "  host1  port  longer  Red2",
                &below
            ]
        );
    }
}
