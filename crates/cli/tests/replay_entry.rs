//! `nvgre replay`: where frames enter.

mod common;

use std::fs::{self, File};
use std::process::{Command, Stdio};

use common::replay::{
    BARE, KERNEL, KEYS, RED, SCHEMA, STORY, number, port, replay, replay_json, sent_by, text,
};
use common::{Ran, frames, pcaps};

#[test]
fn a_map_file_says_which_port_a_capture_is_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("map.toml");
    let unmapped = replay_json(4, KERNEL, &[BARE], &[]);
    assert_eq!(unmapped["skips"][0]["reason"], "ambiguous_port");

    fs::write(
        &map,
        "[[map]]\nfile = \"kernel-port-tenant1-bare.pcap\"\nport = \"t1-h1\"\n",
    )
    .expect("a file");
    let mapped = replay_json(0, KERNEL, &[BARE], &["--map", text(&map)]);
    let captured = frames(&pcaps().join(BARE));
    let sent = sent_by(&captured, [0x00, 0x15, 0x5d, 0x01, 0x02, 0x0a]);
    assert!(sent > 0);
    assert_eq!(number(&port(&mapped, "t1-h1")["sent_frames"]), sent);
    assert_eq!(number(&port(&mapped, "t2-h1")["sent_frames"]), 0);
    let skips = mapped["skips"].as_array().expect("a list");
    assert_eq!(skips.len(), 1, "{mapped}");
    assert_eq!(skips[0]["reason"], "other_direction");
    assert_eq!(number(&skips[0]["frames"]), captured.len() as u64 - sent);
}

#[test]
fn a_wrong_map_file_is_refused_with_place_and_caret() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("map.toml");
    for (wrong, place, message, carets) in [
        (
            "[[map]]\nvlan = 7\nport = \"Red33\"\n",
            "3:8",
            "no guest has a port 'Red33'",
            "^^^^^^^",
        ),
        (
            "[[map]]\nmac = \"00-15\"\nport = \"Red11\"\n",
            "2:7",
            "not a MAC address",
            "^^^^^^^",
        ),
        (
            "[[map]]\nvlan = 7\nfile = \"a\"\nport = \"Red11\"\n",
            "1:1",
            "exactly one of",
            "^^^^^^^",
        ),
        (
            "[[map]]\nfle = \"a\"\nport = \"Red11\"\n",
            "2:1",
            "unknown field `fle`",
            "^^^",
        ),
        ("[[map]\n", "1:7", "", "^"),
    ] {
        fs::write(&map, wrong).expect("a file");
        let ran = replay(STORY, &[RED], &["--map", text(&map)]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""), "{wrong}");
        for part in [&format!("{}:{place}: ", text(&map)), message, carets] {
            assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
        }
    }
}

#[test]
fn a_dash_reads_the_capture_from_stdin() {
    let child = Command::new(env!("CARGO_BIN_EXE_nvgre"))
        .args(["replay", text(&pcaps().join(STORY)), "-r", "-", "--json"])
        .stdin(Stdio::from(
            File::open(pcaps().join(RED)).expect("a capture"),
        ))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let piped = &ran.json_lines(SCHEMA, KEYS)[0];
    assert_eq!(piped["inputs"][0]["file"], "-");
    assert_eq!(
        piped["digest"],
        replay_json(0, STORY, &[RED], &[])["digest"]
    );
}
