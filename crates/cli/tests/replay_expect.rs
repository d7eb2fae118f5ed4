//! `nvgre replay --expect`: what was delivered beside what was wanted.

mod common;

use std::fs;
use std::path::Path;

use common::replay::{
    BLUE, KERNEL, RED, RED11, RED22, STORY, TWO_VSID, number, replay, replay_json, text,
};
use common::{frames, pcaps, write_pcap};
use nvgre_capture::{LinkType, Writer};
use serde_json::Value;

/// The counts that must be told, in this order: missing, unexpected, different.
#[track_caller]
fn assert_differs(report: &Value, counts: [u64; 3]) {
    let expect = &report["expect"];
    let found = ["missing", "unexpected", "different"].map(|key| number(&expect[key]));
    assert_eq!(found, counts, "{expect}");
    let same = number(&expect["same"]);
    assert_eq!(
        same + counts[0] + counts[2],
        number(&expect["wanted"]),
        "{expect}"
    );
    assert_eq!(
        same + counts[1] + counts[2],
        number(&expect["delivered"]),
        "{expect}"
    );
    let told = expect["first"].as_array().expect("a list").len() as u64;
    assert_eq!(told, counts.iter().sum::<u64>().min(20), "{expect}");
}

/// What the story delivers of Red's capture, in a file of the classic format, and its frames.
fn delivered(folder: &Path) -> Vec<Vec<u8>> {
    let file = folder.join("delivered.pcap");
    replay_json(0, STORY, &[RED], &["-w", text(&file)]);
    frames(&file)
}

#[test]
fn what_a_replay_wrote_is_what_it_delivers() {
    let folder = tempfile::tempdir().expect("a folder");
    for (scenario, captures, more) in [
        (STORY, &[RED, BLUE][..], &[][..]),
        (STORY, &[RED], &["--stage", "moved"]),
        (STORY, &[RED], &["--stage", "broken"]),
        (
            STORY,
            &[RED],
            &["--filter", "guest == Red22 and inner.proto == icmp"],
        ),
        (KERNEL, &[TWO_VSID], &[]),
    ] {
        for (name, compared) in [("want.pcap", "order"), ("want.pcapng", "ports")] {
            let file = folder.path().join(name);
            let write = [more, &["-w", text(&file)]].concat();
            let expect = [more, &["--expect", text(&file)]].concat();
            replay_json(0, scenario, captures, &write);
            let report = replay_json(0, scenario, captures, &expect);
            assert_eq!(report["expect"]["compared"], compared);
            assert_eq!(report["expect"]["wanted"], report["expect"]["delivered"]);
            assert_differs(&report, [0, 0, 0]);
            let told = replay(scenario, captures, &expect);
            assert_eq!(told.exit, 0);
            let answers = number(&report["expect"]["answers"]);
            let told_of = match (answers, compared) {
                (0, _) => String::new(),
                (1.., "ports") => format!("           {answers} answers of hosts among them\n"),
                (1.., _) => {
                    format!("           {answers} answers of hosts beside them, not compared")
                }
            };
            assert!(told.stdout.contains(&told_of), "{}", told.stdout);
            assert!(
                told.stdout.contains("\nexpect     AS WANTED: "),
                "{}",
                told.stdout
            );
        }
    }
}

#[test]
fn a_changed_byte_a_missing_frame_and_one_more_are_told_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("want.pcap");
    let all = delivered(folder.path());
    let is_icmp = |frame: &Vec<u8>| frame[12..14] == [8, 0] && frame[23] == 1;
    let at = all.iter().position(is_icmp).expect("a ping");
    let packet = at as u64 + 1;
    // Another TTL is wanted. Times are all 0 in this file: they are not compared.
    let mut changed = all.clone();
    changed[at][22] ^= 1;
    let mut fewer = all.clone();
    fewer.remove(at);
    let mut more = all.clone();
    more.insert(at, vec![0x5a; 64]);

    let compare = |wanted: &[Vec<u8>]| {
        write_pcap(&file, wanted);
        let report = replay_json(1, STORY, &[RED], &["--expect", text(&file)]);
        assert_eq!(report["expect"]["file"], text(&file));
        report
    };
    let report = compare(&changed);
    assert_differs(&report, [0, 0, 1]);
    let first = &report["expect"]["first"][0];
    assert_eq!(first["what"], "different");
    assert_eq!(number(&first["packet"]), packet);
    assert_eq!(number(&first["offset_bytes"]), 22);
    assert_eq!(first["field"], "IPv4 TTL");
    assert_eq!(first["port"], Value::Null);
    let input = frames(&pcaps().join(RED));
    let frame = number(&first["frame"]) as usize;
    assert_eq!(input[frame - 1], all[at], "the frame that was delivered");

    let report = compare(&fewer);
    assert_differs(&report, [0, 1, 0]);
    let first = &report["expect"]["first"][0];
    assert_eq!(first["what"], "unexpected");
    assert_eq!(number(&first["frame"]) as usize, frame);
    assert_eq!(first["packet"], Value::Null);

    let report = compare(&more);
    assert_differs(&report, [1, 0, 0]);
    let first = &report["expect"]["first"][0];
    assert_eq!(first["what"], "missing");
    assert_eq!(number(&first["packet"]), packet);

    write_pcap(&file, &changed);
    let told = replay(STORY, &[RED], &["--expect", text(&file)]);
    assert_eq!(told.exit, 1);
    let line = format!("  different: packet {packet}, frame {frame}: IPv4 TTL at byte 22: ICMP ");
    assert!(told.stdout.contains(&line), "{line} in {}", told.stdout);
    let said = "0 frames missing, 0 unexpected, 1 different";
    let told = told.stderr.lines().last().unwrap_or_default();
    assert_eq!(told, format!("nvgre: --expect {}: {said}", text(&file)));
}

#[test]
fn of_a_capture_with_ports_what_their_guests_sent_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("want.pcapng");
    // Each port's own capture, one behind the other: what is common to them comes in another order.
    let all = delivered(folder.path());
    let write = |damage: &dyn Fn(&str, &mut Vec<Vec<u8>>)| {
        let mut writer = Writer::create(&file).expect("a file");
        for (name, own, other) in [("red22", RED22, RED11), ("Red11", RED11, RED22)] {
            let port = writer.add_interface(name, LinkType::ETHERNET, 0);
            let port = port.expect("an interface");
            let mut frames = all.clone();
            // What came, and what the guest sent itself.
            frames.retain(|frame| frame[6..12] == other || frame[6..12] == own);
            damage(name, &mut frames);
            for frame in frames {
                let len = frame.len() as u32;
                writer.write(port, 7, &frame, len, None).expect("room");
            }
        }
        let uplink = writer.add_interface("eth0", LinkType::ETHERNET, 0);
        let uplink = uplink.expect("an interface");
        writer
            .write(uplink, 7, &[0x33; 60], 60, None)
            .expect("room");
        writer.finish().expect("it is whole");
    };
    // Hosts answered three frames: real ports see the answers, as do those of the model.
    write(&|_, _| {});
    let report = replay_json(1, STORY, &[RED], &["--expect", text(&file)]);
    assert_eq!(report["expect"]["compared"], "ports");
    assert_differs(&report, [0, number(&report["copies"]["generated"]), 0]);

    // A frame of Red11's that came to Red22 is gone from Red22's capture.
    let last_of_red11 = |frame: &Vec<u8>| frame[6..12] == RED11;
    write(&|name, frames| {
        if name == "red22" {
            let at = frames.iter().rposition(last_of_red11).expect("Red11 sends");
            frames.remove(at);
        }
    });
    let report = replay_json(1, STORY, &[RED], &["--expect", text(&file)]);
    assert_differs(&report, [0, number(&report["copies"]["generated"]) + 1, 0]);
    let first = report["expect"]["first"].as_array().expect("a list");
    assert!(
        first.iter().any(|found| found["port"] == "Red22"),
        "{first:?}"
    );
}

#[test]
fn bytes_behind_a_packet_are_a_difference_and_cut_frames_are_compared_as_far_as_they_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("want.pcap");
    let mut all = delivered(folder.path());
    let expected = all[3].len();
    all[3].extend([0xfc; 4]);
    write_pcap(&file, &all);
    let report = replay_json(1, STORY, &[RED], &["--expect", text(&file)]);
    assert_differs(&report, [0, 0, 1]);
    let first = &report["expect"]["first"][0];
    assert_eq!(first["field"], "length");
    assert_eq!(number(&first["offset_bytes"]) as usize, expected);
    assert_eq!(number(&first["wanted_bytes"]) as usize, expected + 4);
    assert_eq!(number(&first["delivered_bytes"]) as usize, expected);

    let snapped = folder.path().join("snapped.pcapng");
    let mut writer = Writer::create(&snapped).expect("a file");
    let port = writer
        .add_interface("x", LinkType::ETHERNET, 60)
        .expect("an interface");
    for (index, frame) in delivered(folder.path()).iter().enumerate() {
        let mut kept = frame[..frame.len().min(60)].to_vec();
        if index == 5 {
            kept[0] ^= 2;
        }
        let len = frame.len() as u32;
        writer.write(port, 0, &kept, len, None).expect("room");
    }
    writer.finish().expect("it is whole");
    let report = replay_json(1, STORY, &[RED], &["--expect", text(&snapped)]);
    assert_differs(&report, [0, 0, 1]);
    assert_eq!(
        report["expect"]["first"][0]["field"],
        "Ethernet destination"
    );
}

#[test]
fn a_wanted_capture_that_cannot_be_used_is_refused_before_anything_is_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.pcap");
    let ran = replay(STORY, &[RED], &["--expect", text(&missing)]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    let said = format!("nvgre: --expect {}: cannot be opened", text(&missing));
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);

    let cut = folder.path().join("cut.pcap");
    let whole = fs::read(pcaps().join(RED)).expect("a capture");
    fs::write(&cut, &whole[..whole.len() - 1]).expect("a file");
    let ran = replay(STORY, &[RED], &["--expect", text(&cut)]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    assert!(
        ran.stderr.contains("cut.pcap: packet 519 at byte "),
        "{}",
        ran.stderr
    );

    let cooked = "kernel/kernel-gretap-any-sll.pcap";
    let cooked = pcaps().join(cooked);
    let ran = replay(STORY, &[RED], &["--expect", text(&cooked)]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    assert!(
        ran.stderr.contains("packet 1: link type linux-sll"),
        "{}",
        ran.stderr
    );

    write_pcap(&cut, &[[0; 60]]);
    let ran = replay(STORY, &[RED], &["--expect", text(&cut), "-w", text(&cut)]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("this is the input "), "{}", ran.stderr);
}
