//! `nvgre codes`: every drop reason, explained.

use std::io::Write;

use nvgre_dataplane::DropReason;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// The shape of a JSON line.
#[derive(Serialize)]
struct JsonLine {
    schema: &'static str,
    name: &'static str,
    sentence: &'static str,
    usual_cause: &'static str,
    usual_fix: &'static str,
    source: &'static str,
}

/// Explains one reason, or all in the order of their numbers.
pub(crate) fn run(name: Option<DropReason>, out: &mut Output) -> Result<Exit, Failure> {
    let one = name.as_ref().map(std::slice::from_ref);
    for (index, reason) in one.unwrap_or(DropReason::ALL).iter().enumerate() {
        if out.is_json() {
            out.json_line(&JsonLine {
                schema: "nvgre.codes/1",
                name: reason.name(),
                sentence: reason.sentence(),
                usual_cause: reason.usual_cause(),
                usual_fix: reason.usual_fix(),
                source: reason.source(),
            })?;
            continue;
        }
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}\n  {}", reason.name(), reason.sentence())?;
        writeln!(out, "  usual cause  {}", reason.usual_cause())?;
        writeln!(out, "  usual fix    {}", reason.usual_fix())?;
        writeln!(out, "  source       {}", reason.source())?;
    }
    Ok(Exit::Success)
}
