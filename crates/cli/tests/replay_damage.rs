//! `nvgre replay`: inputs that cannot be read whole.

mod common;

use std::fs;

use common::replay::{KEYS, RED, SCHEMA, STORY, cut_in_packet, number, replay, text};
use common::{frames, pcaps};

#[test]
fn of_a_cut_capture_what_was_whole_is_told_then_the_place_of_the_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cut, byte) = cut_in_packet(101, folder.path());
    let ran = replay(STORY, &[text(&cut)], &["--json"]);
    assert_eq!(ran.exit, 3);
    let report = &ran.json_lines(SCHEMA, KEYS)[0];
    assert_eq!(number(&report["frames"]["read"]), 100);
    let place = format!("packet 101 at byte {byte}: ");
    assert!(
        report["inputs"][0]["error"]
            .as_str()
            .expect("an error")
            .starts_with(&place),
        "{report}"
    );
    assert!(
        ran.stderr.contains(&format!("{}: {place}", text(&cut))),
        "{}",
        ran.stderr
    );

    let told = replay(STORY, &[text(&cut)], &[]);
    assert_eq!(told.exit, 3);
    let first = told.stdout.lines().next().expect("a line");
    assert_eq!(
        first,
        format!(
            "INCOMPLETE {}: only its first 100 frames could be replayed",
            text(&cut)
        )
    );
}

#[test]
fn of_several_inputs_the_others_are_still_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cut, _) = cut_in_packet(11, folder.path());
    let ran = replay(STORY, &[text(&cut), "no-such.pcap", RED], &["--json"]);
    assert_eq!(ran.exit, 3);
    let report = &ran.json_lines(SCHEMA, KEYS)[0];
    let whole = frames(&pcaps().join(RED)).len() as u64;
    let inputs = report["inputs"].as_array().expect("a list");
    let counts: Vec<_> = inputs
        .iter()
        .map(|input| number(&input["frames"]))
        .collect();
    assert_eq!(counts, [10, 0, whole]);
    let failed: Vec<_> = inputs
        .iter()
        .map(|input| input["error"].is_string())
        .collect();
    assert_eq!(failed, [true, true, false]);
    assert!(
        ran.stderr.contains("cut.pcap: packet 11 at byte "),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("no-such.pcap: cannot be opened"),
        "{}",
        ran.stderr
    );
}

#[test]
fn when_nothing_can_be_read_nothing_is_reported() {
    for more in [&[][..], &["--json"]] {
        let ran = replay(STORY, &["no-such.pcap"], more);
        assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
        assert!(
            ran.stderr.contains("no-such.pcap: cannot be opened"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_link_type_that_cannot_be_replayed_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wireless.pcap");
    let mut bytes = Vec::new();
    for field in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 105, 1, 0, 4, 4, 0] {
        bytes.extend_from_slice(&u32::to_le_bytes(field));
    }
    fs::write(&file, bytes).expect("a file");
    let ran = replay(STORY, &[text(&file)], &[]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    for part in [
        "wireless.pcap: packet 1 at byte 24: ",
        "ieee80211 (105) cannot be replayed: ethernet,",
    ] {
        assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
    }
}
