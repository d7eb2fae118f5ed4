//! `nvgre completions`: what shells complete, from the same definitions as the command line.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::Args;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Prints the script for a shell.
pub(crate) fn run(shell: Shell, out: &mut Output) -> Result<Exit, Failure> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "nvgre", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Success)
}
