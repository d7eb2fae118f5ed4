//! Runs the built command.

#![allow(dead_code, reason = "every test file compiles this and uses its part")]

pub(crate) mod truth;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// How a run of `nvgre` ended.
pub(crate) struct Ran {
    /// Exit code; -1 when a signal ended it.
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `nvgre` without input.
pub(crate) fn nvgre<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_nvgre"))
        .args(arguments)
        .output()
        .expect("the command starts");
    Ran::of(output)
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            exit: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Every line of stdout as a JSON object with exactly these keys, in this order.
    pub(crate) fn json_lines(&self, schema: &str, keys: &[&str]) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                let value: Value = serde_json::from_str(line).expect("a JSON line");
                assert_eq!(value["schema"], schema, "{line}");
                assert_eq!(
                    value.as_object().map(|o| o.len()),
                    Some(keys.len()),
                    "{line}"
                );
                let mut rest = line;
                for key in keys {
                    let name = format!("\"{key}\":");
                    let at = rest
                        .find(&name)
                        .unwrap_or_else(|| panic!("{key} of {line}"));
                    rest = &rest[at + name.len()..];
                }
                value
            })
            .collect()
    }

    /// The run failed with this code and said one line, which holds all of these.
    #[track_caller]
    pub(crate) fn failed_saying(&self, exit: i32, parts: &[&str]) {
        assert_eq!(self.exit, exit, "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with("nvgre: "), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} in {}", self.stderr);
        }
    }
}

/// The folder of committed captures.
pub(crate) fn pcaps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps")
}
