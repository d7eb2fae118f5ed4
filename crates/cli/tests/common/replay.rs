//! Replays of the committed cases.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::truth::{Row, table};
use super::{Ran, frames, nvgre, pcaps, write_pcap};

pub(crate) const SCHEMA: &str = "nvgre.replay/1";
pub(crate) const KEYS: &[&str] = &[
    "schema",
    "scenario",
    "inputs",
    "frames",
    "copies",
    "entered_at_uplinks",
    "drops",
    "skips",
    "tenants",
    "ports",
    "isolation",
    "filter",
    "expect",
    "digest",
    "seconds",
    "frames_per_second",
    "bits_per_second",
];

pub(crate) const RED11: [u8; 6] = [0x00, 0x15, 0x5d, 0x00, 0x20, 0x09];
pub(crate) const RED22: [u8; 6] = [0x00, 0x15, 0x5d, 0x00, 0x20, 0x08];
pub(crate) const STORY: &str = "waldorf-statler/scenario.toml";
pub(crate) const KERNEL: &str = "kernel-two-vsid/scenario.toml";
pub(crate) const RED: &str = "waldorf-statler/red.pcap";
pub(crate) const BLUE: &str = "waldorf-statler/blue.pcap";
pub(crate) const TWO_VSID: &str = "kernel/kernel-gretap-two-vsid.pcap";
/// What tenant 1's guest on host 1 sent and received, at its port.
pub(crate) const BARE: &str = "kernel/kernel-port-tenant1-bare.pcap";

/// Replays a case's captures, both named from the folder of captures.
pub(crate) fn replay(scenario: &str, captures: &[&str], more: &[&str]) -> Ran {
    let path = |name: &str| pcaps().join(name).to_str().expect("UTF-8").to_owned();
    let mut arguments = vec!["replay".to_owned(), path(scenario)];
    for capture in captures {
        arguments.extend(["-r".to_owned(), path(capture)]);
    }
    arguments.extend(more.iter().map(|&more| more.to_owned()));
    nvgre(arguments)
}

/// The same in JSON, for one that exits like this.
#[track_caller]
pub(crate) fn replay_json(exit: i32, scenario: &str, captures: &[&str], more: &[&str]) -> Value {
    let ran = replay(scenario, captures, &[&["--json"], more].concat());
    assert_eq!(ran.exit, exit, "{}", ran.stderr);
    let mut lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(lines.len(), 1, "{}", ran.stdout);
    lines.remove(0)
}

pub(crate) fn truth(capture: &str) -> Row {
    table(&pcaps().join("truth.tsv"))
        .into_iter()
        .find(|row| row["file"] == capture)
        .unwrap_or_else(|| panic!("{capture} in the truth table"))
}

pub(crate) fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

pub(crate) fn sent_by(frames: &[Vec<u8>], mac: [u8; 6]) -> u64 {
    frames.iter().filter(|frame| frame[6..12] == mac).count() as u64
}

pub(crate) fn port<'v>(report: &'v Value, name: &str) -> &'v Value {
    let ports = report["ports"].as_array().expect("a list");
    ports
        .iter()
        .find(|port| port["name"] == name)
        .unwrap_or_else(|| panic!("{name} in {report}"))
}

/// A capture that ends in the middle of its `n`-th packet, and the byte at which that begins.
pub(crate) fn cut_in_packet(n: usize, folder: &Path) -> (PathBuf, usize) {
    let whole = fs::read(pcaps().join(RED)).expect("a capture");
    // Classic pcap: a header of 24 bytes, then records of 16 bytes and their data.
    let mut at = 24;
    for _ in 1..n {
        let len: [u8; 4] = whole[at + 8..at + 12].try_into().expect("four bytes");
        at += 16 + u32::from_le_bytes(len) as usize;
    }
    let file = folder.join("cut.pcap");
    fs::write(&file, &whole[..at + 20]).expect("a file");
    (file, at)
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

pub(crate) fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("a folder").next().is_none()
}

/// A copy of the story, its stage 5 with this policy instead, in the same folder with the first
/// IPv4 packet from Red11 to Red22 alone in a capture.
pub(crate) fn story_with(policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let story = pcaps().join("waldorf-statler");
    fs::create_dir(folder.path().join("policy")).expect("a folder");
    for script in fs::read_dir(story.join("policy")).expect("policy") {
        let name = script.expect("a script").file_name();
        let script = Path::new("policy").join(name);
        fs::copy(story.join(&script), folder.path().join(&script)).expect("a copy");
    }
    let scenario = "scenario.toml";
    fs::copy(story.join(scenario), folder.path().join(scenario)).expect("a copy");
    fs::write(folder.path().join("policy/5-broken.ps1"), policy).expect("a file");

    let captured = frames(&pcaps().join(RED));
    let ping = captured.iter().find(|frame| {
        frame[..6] == RED22 && frame[6..12] == RED11 && frame[12..14] == [0x08, 0x00]
    });
    let ping = ping.expect("Red11 sends to Red22");
    write_pcap(&folder.path().join("ping.pcap"), &[ping]);
    folder
}
