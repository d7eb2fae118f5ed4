//! Files that are written whole or not at all, and never over others.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::exit::Failure;
use crate::whole_file;

/// Refuses a file that is there already.
pub(crate) fn refuse_existing(file: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(Failure::output(format_args!(
            "{} is there already; name another place with -o",
            file.display()
        )));
    }
    Ok(())
}

/// Writes the files under other names and renames them when all are whole, the scenario last: it
/// never stands there without its policy. Files that are there already are left alone.
pub(crate) fn write_files(folder: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    let paths: Vec<_> = files.iter().map(|(name, _)| folder.join(name)).collect();
    paths.iter().try_for_each(|path| refuse_existing(path))?;
    let failed = |path: &Path, error: io::Error| {
        Failure::output(format_args!("{}: {error}", path.display()))
    };
    let mut written = Vec::new();
    for (path, (_, text)) in paths.iter().zip(files) {
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        let mut file = whole_file::begin_in(parent).map_err(|error| failed(parent, error))?;
        file.write_all(text.as_bytes())
            .map_err(|error| failed(path, error.kind().into()))?;
        written.push(file);
    }
    for (index, (path, file)) in paths.iter().zip(written).enumerate() {
        if let Err(refused) = file.persist_noclobber(path) {
            for earlier in &paths[..index] {
                let _already_failing = fs::remove_file(earlier);
            }
            return Err(failed(path, refused.error));
        }
    }
    Ok(())
}
