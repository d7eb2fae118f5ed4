//! Folders of dumps: every file of them, as the library that reads dumps wants it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nvgre_analyze::Finding;
use nvgre_netwnv::{Dump, DumpFile, Source, decode_text};

use crate::exit::{Failure, invalid_input};

/// Most errors told: whoever wrote the dumps mends these first.
const ERRORS_TOLD: usize = 20;

/// How deep folders are looked into: a host's folder may be sorted further.
const DEPTH_MAX: usize = 8;

/// A folder of dumps, read.
pub(crate) struct DumpFolder {
    /// How many files were read.
    pub(crate) files: usize,
    /// What they hold.
    pub(crate) dump: Dump,
}

/// A file of a dump.
pub(crate) struct Named {
    pub(crate) path: PathBuf,
    /// The path within the dump's folder, '/' between its parts.
    pub(crate) within: String,
}

/// Every file below a folder, in the order of their names, without those whose names begin with a
/// dot.
pub(crate) fn below(folder: &Path) -> Result<Vec<Named>, Failure> {
    let mut paths = Vec::new();
    walk(folder, DEPTH_MAX, &mut paths).map_err(Failure::input)?;
    let named = paths.into_iter().map(|path| Named {
        within: name_within(folder, &path),
        path,
    });
    Ok(named.collect())
}

/// Reads the files of one dump. Fails with everything that is wrong.
pub(crate) fn read_files(named: &[Named]) -> Result<DumpFolder, Failure> {
    let mut told = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    let mut files = Vec::with_capacity(named.len());
    for Named { path, within } in named {
        let name = path.display().to_string();
        let text = fs::read(path).map_err(|error| error.to_string());
        match text.and_then(|bytes| decode_text(&bytes).map_err(str::to_owned)) {
            Ok(text) => files.push(DumpFile::new(within, Source::new(&name, text))),
            Err(error) => {
                let message = format!("{name}: {error}");
                findings.push(invalid_input(None, &message, None));
                told.push(message);
            }
        }
    }
    // Of what can be read, everything that is wrong is told at once.
    match Dump::read(&files) {
        Ok(dump) if told.is_empty() => {
            return Ok(DumpFolder {
                files: files.len(),
                dump,
            });
        }
        Ok(_) => {}
        Err(errors) => {
            for error in &errors {
                findings.push(invalid_input(Some(&error.place), &error.message, None));
                told.push(error.render().trim_end().to_owned());
            }
        }
    }
    let more = told.len().saturating_sub(ERRORS_TOLD);
    told.truncate(ERRORS_TOLD);
    if more > 0 {
        told.push(format!("and {more} more errors"));
    }
    Err(Failure::inputs(told.join("\n"), findings))
}

/// The path within the folder, with '/' between its parts on every system.
fn name_within(folder: &Path, path: &Path) -> String {
    let within = path.strip_prefix(folder).unwrap_or(path);
    let parts = within
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let told = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = entries.map_err(|error| told(folder, error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        let kind = fs::metadata(&path).map_err(|error| told(&path, error))?;
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() {
            if depth == 0 {
                let path = path.display();
                return Err(format!(
                    "{path}: folders are {DEPTH_MAX} deep, which is no dump"
                ));
            }
            walk(&path, depth - 1, files)?;
        }
    }
    Ok(())
}
