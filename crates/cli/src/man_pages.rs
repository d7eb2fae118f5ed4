//! `nvgre man`: manual pages, from the same definitions as the command line.

use std::fs;
use std::io::Write;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::Args;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::whole_file;

/// Writes a page for the command and each verb into a folder, which is made where it is missing;
/// without one prints the command's page.
pub(crate) fn run(folder: Option<&Path>, out: &mut Output) -> Result<Exit, Failure> {
    // `help` needs no page.
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = folder else {
        out.write_all(&page(command).1)?;
        return Ok(Exit::Success);
    };
    let failed = |path: &Path, error| Failure::output(format_args!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (name, page) in pages(command) {
        let file = folder.join(name);
        whole_file::write(&file, &page).map_err(|error| failed(&file, error))?;
    }
    Ok(Exit::Success)
}

/// The pages of a command and of the verbs below it, but for hidden ones: file name and text.
fn pages(command: Command) -> Vec<(String, Vec<u8>)> {
    let verbs = command.get_subcommands();
    let verbs: Vec<_> = verbs.filter(|verb| !verb.is_hide_set()).cloned().collect();
    let above = page(command);
    std::iter::once(above)
        .chain(verbs.into_iter().flat_map(pages))
        .collect()
}

fn page(command: Command) -> (String, Vec<u8>) {
    let man = Man::new(command).source(concat!("nvgre ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render(&mut text).expect("memory takes all");
    (man.get_filename(), text)
}
