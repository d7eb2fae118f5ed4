//! What `--report` names: a format, and the file it goes to.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReportTarget {
    /// JUnit XML.
    Junit(PathBuf),
    /// SARIF 2.1.0.
    Sarif(PathBuf),
    /// Markdown.
    Markdown(PathBuf),
    /// Workflow commands of GitHub Actions, on stderr.
    Github,
}

impl ReportTarget {
    /// The file; none for what goes to stderr.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Junit(file) | Self::Sarif(file) | Self::Markdown(file) => Some(file),
            Self::Github => None,
        }
    }
}

impl ReportTarget {
    /// Whether a file that stands where the report goes is an older report, or nothing stands there.
    pub(crate) fn replaces_a_report(&self) -> bool {
        let Some(file) = self.file().filter(|file| file.exists()) else {
            return true;
        };
        let Ok(text) = fs::read_to_string(file) else {
            return false;
        };
        match self {
            Self::Junit(_) => text.contains("<testsuites name=\"nvgre\""),
            Self::Sarif(_) => {
                text.contains("\"version\": \"2.1.0\"") && text.contains("\"name\": \"nvgre\"")
            }
            Self::Markdown(_) => text.starts_with("## nvgre"),
            Self::Github => true,
        }
    }
}

impl FromStr for ReportTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "github" {
            return Ok(Self::Github);
        }
        let (format, file) = text
            .split_once('=')
            .filter(|(_, file)| !file.is_empty() && *file != "-")
            .unwrap_or((text, ""));
        let target = match format {
            "junit" => Self::Junit,
            "sarif" => Self::Sarif,
            "md" => Self::Markdown,
            _another => return Err(EXPECTED.to_owned()),
        };
        match file {
            "" => Err(format!("{EXPECTED}; a file is missing")),
            file => Ok(target(file.into())),
        }
    }
}

const EXPECTED: &str = "expected junit=FILE, sarif=FILE, md=FILE or github";

impl fmt::Display for ReportTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Junit(file) => write!(f, "junit={}", file.display()),
            Self::Sarif(file) => write!(f, "sarif={}", file.display()),
            Self::Markdown(file) => write!(f, "md={}", file.display()),
            Self::Github => f.write_str("github"),
        }
    }
}
