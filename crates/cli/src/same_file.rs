//! Whether two names lead to one file, so that no output replaces an input.

use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// Refuses to write an output, which this option names, over a file that is read.
pub(crate) fn refuse_over<'f>(
    option: &str,
    output: &Path,
    inputs: impl IntoIterator<Item = &'f Path>,
) -> Result<(), Failure> {
    let mut inputs = inputs.into_iter();
    match inputs.find(|input| is_same_file(input, output)) {
        None => Ok(()),
        Some(input) => Err(Failure::usage(format_args!(
            "{option} {}: this is the input {}; name another file",
            output.display(),
            input.display()
        ))),
    }
}

/// Whether both names lead to one file, through links too, also where it does not stand there yet.
/// `-` is stdin. Devices and pipes are never the same: writing to them replaces nothing. Nothing is
/// opened: that would disturb a pipe.
pub(crate) fn is_same_file(input: &Path, output: &Path) -> bool {
    let input = if input == Path::new("-") {
        Path::new("/dev/stdin")
    } else {
        input
    };
    if fs::metadata(output).is_ok_and(|found| !found.is_file()) {
        return false;
    }
    is_one_inode(input, output) || resolved(input) == resolved(output)
}

/// Whether a file is, or will be, below a folder.
pub(crate) fn lies_in(folder: &Path, file: &Path) -> bool {
    folder.is_dir() && resolved(file).starts_with(resolved(folder))
}

/// Hard links too.
#[cfg(unix)]
fn is_one_inode(input: &Path, output: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    match (fs::metadata(input), fs::metadata(output)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Hard links are not seen.
#[cfg(not(unix))]
fn is_one_inode(_input: &Path, _output: &Path) -> bool {
    false
}

/// The name without links, as far as it leads.
fn resolved(path: &Path) -> PathBuf {
    let parent = || {
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
        Some(parent.join(path.file_name()?))
    };
    fs::canonicalize(path)
        .ok()
        .or_else(parent)
        .unwrap_or_else(|| path.to_owned())
}
