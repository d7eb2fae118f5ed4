//! `nvgre codes`: every drop reason, explained.

use std::io::Write;

use nvgre_dataplane::DropReason;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// A drop reason, explained.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine {
    schema: &'static str,
    /// What every verb calls it.
    name: &'static str,
    /// What happened.
    sentence: &'static str,
    /// What it mostly comes from.
    usual_cause: &'static str,
    /// What mostly mends it.
    usual_fix: &'static str,
    /// What the rule is taken from.
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
