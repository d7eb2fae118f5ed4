//! What reports call files: as from the root of the repository, where that is known.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Names of files as readers of reports look for them.
pub(crate) struct Names {
    /// The checkout, without links.
    root: Option<PathBuf>,
}

impl Names {
    /// GitHub Actions names the checkout in `GITHUB_WORKSPACE`; steps may run in a folder of it.
    pub(crate) fn from_environment() -> Self {
        let root = env::var_os("GITHUB_WORKSPACE").filter(|root| !root.is_empty());
        Self {
            root: root.and_then(|root| fs::canonicalize(root).ok()),
        }
    }

    /// As on a machine of no CI service.
    #[cfg(test)]
    pub(crate) fn as_given() -> Self {
        Self { root: None }
    }

    /// The name with forward slashes: from the root where the file lies there, else as it was given.
    pub(crate) fn of(&self, file: &str) -> String {
        let path = Path::new(file);
        let from_root = self.root.as_ref().and_then(|root| {
            let found = fs::canonicalize(path).ok()?;
            Some(found.strip_prefix(root).ok()?.to_owned())
        });
        slashed(&from_root.unwrap_or_else(|| path.to_owned()))
    }
}

fn slashed(path: &Path) -> String {
    let is_told = |component: &Component<'_>| *component != Component::CurDir;
    let path: PathBuf = path.components().filter(is_told).collect();
    let name = path.to_string_lossy();
    if cfg!(windows) {
        name.replace('\\', "/")
    } else {
        name.into_owned()
    }
}

/// What a path may hold as it is (RFC 3986 s3.3), less the colon, which would end a scheme, and less
/// what ends a link of Markdown.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name with slashes as the path of a URI.
pub(crate) fn percent_encoded(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}
