//! Text files that appear under their names only when they are whole.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file over whatever stood there. A link is followed; what is no regular file, such as a
/// device or a named pipe, is written as it is.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return fs::File::options()
            .write(true)
            .open(&target)?
            .write_all(bytes);
    }
    let mut file = begin_in(folder_of(&target))?;
    file.write_all(bytes)?;
    file.persist(&target).map_err(|refused| refused.error)?;
    Ok(())
}

/// A file without a name of its own yet. Its errors tell no random name.
pub(crate) fn begin_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".nvgre-").suffix(".part");
    // As any new file, with what the umask leaves; temporary files are private otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
        .tempfile_in(folder)
        .map_err(|error| match error.kind() {
            kind @ io::ErrorKind::NotFound => {
                io::Error::new(kind, format!("folder {} does not exist", folder.display()))
            }
            kind => kind.into(),
        })
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
