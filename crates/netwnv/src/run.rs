//! Runs a script against an estate.

use crate::error::ScriptError;
use crate::estate::Estate;
use crate::report::RunReport;
use crate::source::{Lines, Source};

/// Runs `source` on the host named `local_host`; blocks for other hosts reach those.
///
/// All or nothing: with an error the estate is as it was.
pub fn run(
    source: &Source,
    local_host: &str,
    estate: &mut Estate,
) -> Result<RunReport, Vec<ScriptError>> {
    let refuse = |span: std::ops::Range<usize>, message: String| {
        vec![ScriptError {
            place: Lines::new(source).place(span.start),
            span,
            message,
            help: None,
        }]
    };
    if estate.host(local_host).is_none() {
        return Err(refuse(
            0..0,
            format!("there is no host {local_host} to run on"),
        ));
    }
    let blank = source.text.len() - source.text.trim_start().len();
    if blank < source.text.len() {
        return Err(refuse(
            blank..source.text.len(),
            "no command is understood yet".to_owned(),
        ));
    }
    Ok(RunReport::default())
}
