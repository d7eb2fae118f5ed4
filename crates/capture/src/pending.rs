//! A file that appears under its name only when it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::writer::WriteError;

/// The name that a temporary file in the same directory is to get. Dropped, the file is removed and
/// one that stood there before stays as it was.
pub(crate) struct Pending {
    temporary: TempPath,
    path: PathBuf,
}

impl Pending {
    /// Starts a file that will stand at `path`. A link there is followed; what is no regular file,
    /// such as a device or a named pipe, is opened as it is, and nothing is pending.
    pub(crate) fn create(path: &Path) -> Result<(File, Option<Self>), WriteError> {
        let failed = |error| WriteError::Create {
            path: path.to_owned(),
            error,
        };
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&target).map_err(failed)?;
            return Ok((file, None));
        }
        let directory = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".nvgre-").suffix(".part");
        // As any new file, with what the umask leaves; temporary files are private otherwise.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let (file, temporary) = builder
            .tempfile_in(directory)
            // The kind alone: the whole error tells the random name.
            .map_err(|error| match error.kind() {
                kind @ io::ErrorKind::NotFound if !directory.exists() => {
                    let text = format!("folder {} does not exist", directory.display());
                    failed(io::Error::new(kind, text))
                }
                kind => failed(kind.into()),
            })?
            .into_parts();
        let pending = Self {
            temporary,
            path: target,
        };
        Ok((file, Some(pending)))
    }

    /// Gives the file its name.
    pub(crate) fn persist(self) -> Result<(), WriteError> {
        let Self { temporary, path } = self;
        temporary
            .persist(&path)
            .map_err(|failed| WriteError::Rename {
                path,
                error: failed.error,
            })
    }
}
