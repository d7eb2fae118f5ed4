//! Scripts and dumps by name: files, and folders of them.

use std::fs;
use std::path::PathBuf;

use nvgre_netwnv::{Dump, Source, decode_text};

use crate::dump_folder::{Named, below, read_files};
use crate::exit::Failure;

/// What was found behind the names on the command line.
pub(crate) struct Input {
    pub(crate) scripts: Vec<Source>,
    /// Nothing where every file is a script.
    pub(crate) dump: Option<Dump>,
}

impl Input {
    /// Reads files and all that are in folders. `*.ps1` are scripts, all others one dump.
    pub(crate) fn read(names: &[PathBuf]) -> Result<Self, Failure> {
        let mut scripts = Vec::new();
        let mut dumps = Vec::new();
        for name in names {
            let found = fs::metadata(name)
                .map_err(|error| Failure::input(format_args!("{}: {error}", name.display())))?;
            let files = if found.is_dir() {
                below(name)?
            } else {
                let within = name.file_name().unwrap_or_default();
                vec![Named {
                    within: within.to_string_lossy().into_owned(),
                    path: name.clone(),
                }]
            };
            for file in files {
                let end = file.path.extension();
                if end.is_some_and(|end| end.eq_ignore_ascii_case("ps1")) {
                    scripts.push(script(&file)?);
                } else {
                    dumps.push(file);
                }
            }
        }
        let dump = match &dumps[..] {
            [] => None,
            dumps => Some(read_files(dumps)?.dump),
        };
        Ok(Self { scripts, dump })
    }
}

fn script(file: &Named) -> Result<Source, Failure> {
    let name = file.path.display().to_string();
    let bytes =
        fs::read(&file.path).map_err(|error| Failure::input(format_args!("{name}: {error}")))?;
    let text =
        decode_text(&bytes).map_err(|error| Failure::input(format_args!("{name}: {error}")))?;
    Ok(Source::new(&name, text))
}
