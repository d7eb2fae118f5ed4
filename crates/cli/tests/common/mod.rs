//! Runs the built command.

#![allow(dead_code, reason = "every test file compiles this and uses its part")]

pub(crate) mod replay;
pub(crate) mod schema;
pub(crate) mod truth;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nvgre_capture::Reader;
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
    let output = command(arguments).output().expect("the command starts");
    Ran::of(output)
}

/// `nvgre` with these arguments, as on a machine of no CI service.
pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nvgre"));
    command.args(arguments);
    for variable in [
        "GITHUB_WORKSPACE",
        "GITHUB_SERVER_URL",
        "GITHUB_REPOSITORY",
        "GITHUB_SHA",
    ] {
        command.env_remove(variable);
    }
    command
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

    /// Every line of stdout as a JSON object with exactly these keys, in this order, and as its
    /// committed schema has it.
    pub(crate) fn json_lines(&self, schema: &str, keys: &[&str]) -> Vec<Value> {
        let committed = schema::Schema::named(schema);
        self.stdout
            .lines()
            .map(|line| {
                let value: Value = serde_json::from_str(line).expect("a JSON line");
                assert_eq!(value["schema"], schema, "{line}");
                committed.accepts(&value);
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

impl Ran {
    /// The run failed with this code, and the last thing it said begins so; notes on the policy may
    /// stand before.
    #[track_caller]
    pub(crate) fn failed_saying_last(&self, exit: i32, start: &str) {
        assert_eq!(self.exit, exit, "{}", self.stderr);
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(
            last.starts_with(&format!("nvgre: {start}")),
            "{}",
            self.stderr
        );
    }
}

/// The folder of committed captures.
pub(crate) fn pcaps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps")
}

/// Every frame of a capture, as captured.
pub(crate) fn frames(file: &Path) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(File::open(file).expect("a capture")).expect("a capture");
    let mut frames = Vec::new();
    while let Some(packet) = reader.next().expect("a whole capture") {
        frames.push(packet.data.to_vec());
    }
    frames
}

/// Writes a classic pcap of Ethernet frames, all at the time 0.
pub(crate) fn write_pcap<F: AsRef<[u8]>>(file: &Path, frames: &[F]) {
    let mut bytes = Vec::new();
    let mut put = |fields: &[u32], data: &[u8]| {
        bytes.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
        bytes.extend_from_slice(data);
    };
    put(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1], &[]);
    for frame in frames.iter().map(AsRef::as_ref) {
        let len = frame.len() as u32;
        put(&[0, 0, len, len], frame);
    }
    fs::write(file, bytes).expect("a file");
}
