//! `nvgre replay -w`: what is written.

mod common;

use std::fs::{self, File};
use std::path::Path;

use common::replay::{
    BLUE, RED, STORY, cut_in_packet, is_empty, number, port, replay, replay_json, story_with, text,
};
use common::{frames, pcaps};
use nvgre_capture::Reader;

#[test]
fn the_output_has_an_interface_per_port_and_uplink_and_the_frames_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcapng");
    let report = replay_json(0, STORY, &[RED, BLUE], &["-w", text(&file)]);
    let mut sent = frames(&pcaps().join(RED));
    sent.extend(frames(&pcaps().join(BLUE)));

    let mut reader = Reader::new(File::open(&file).expect("an output")).expect("a capture");
    let (mut delivered, mut answered) = (0, 0);
    let mut received = std::collections::BTreeMap::<String, u64>::new();
    while let Some(packet) = reader.next().expect("a whole output") {
        let interface = packet.interface_name.expect("a name").to_owned();
        let comment = packet.comment.expect("a comment");
        let (frame, fate) = comment
            .strip_prefix("frame ")
            .and_then(|rest| rest.split_once(": "))
            .expect("a frame and its fate");
        let sent = &sent[frame.parse::<usize>().expect("a number") - 1];
        if let Some(port) = fate.strip_prefix("delivered to ") {
            assert_eq!(interface, format!("port {port}"));
            assert_eq!(packet.data, sent, "{comment}");
            delivered += 1;
            *received.entry(port.to_owned()).or_default() += 1;
        } else if let Some(host) = fate.strip_prefix("sent by ") {
            assert_eq!(interface, format!("uplink {host}"));
            // Ethernet, IPv4, NVGRE with a key: the frame is inside.
            assert_eq!(packet.data[12..14], [0x08, 0x00]);
            assert_eq!(packet.data[34..38], [0x20, 0x00, 0x65, 0x58]);
            assert_eq!(&packet.data[42..], sent, "{comment}");
        } else {
            assert!(fate.starts_with("answered by "), "{comment}");
            assert!(interface.starts_with("port "), "{comment}");
            answered += 1;
        }
    }
    assert_eq!(delivered, number(&report["copies"]["delivered"]));
    assert_eq!(answered, number(&report["copies"]["generated"]));
    for (name, count) in received {
        assert_eq!(
            number(&port(&report, &name)["received_frames"]),
            count,
            "{name}"
        );
    }
    let names: Vec<_> = reader
        .interfaces()
        .iter()
        .filter_map(|i| i.name.as_deref())
        .collect();
    assert_eq!(
        names,
        [
            "port Red11",
            "port Red22",
            "port Blue11",
            "port Blue22",
            "uplink Statler",
            "uplink Waldorf"
        ]
    );
}

#[test]
fn a_dropped_frame_stands_where_it_was_last_seen_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcapng");
    let report = replay_json(0, STORY, &[RED], &["--stage", "broken", "-w", text(&file)]);
    let mut reader = Reader::new(File::open(&file).expect("an output")).expect("a capture");
    let mut dropped = 0;
    while let Some(packet) = reader.next().expect("a whole output") {
        let comment = packet.comment.expect("a comment");
        dropped += u64::from(comment.contains(": dropped at "));
        if comment.ends_with("dropped at Statler: underlay_no_owner") {
            assert_eq!(packet.interface_name, Some("uplink Statler"), "{comment}");
        }
    }
    assert!(dropped > 0);
    assert_eq!(dropped, number(&report["copies"]["dropped"]));
}

#[test]
fn an_output_named_pcap_holds_what_was_delivered_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.PCAP");
    let report = replay_json(0, STORY, &[RED, BLUE], &["-w", text(&file)]);
    let read = |file: &Path| {
        let mut reader = Reader::new(File::open(file).expect("a file")).expect("a capture");
        let mut read = Vec::new();
        while let Some(packet) = reader.next().expect("a whole capture") {
            assert_eq!((packet.interface_name, packet.comment), (None, None));
            read.push((packet.time_ns, packet.data.to_vec()));
        }
        read
    };
    let written = read(&file);
    assert_eq!(written.len() as u64, number(&report["copies"]["delivered"]));
    // In the repaired network IP between guests arrives, as it was sent and when.
    let ip_unicast = |frames: Vec<(i64, Vec<u8>)>| -> Vec<(i64, Vec<u8>)> {
        let ip = |frame: &[u8]| matches!(frame[12..14], [0x08, 0x00] | [0x86, 0xdd]);
        let mut frames = frames;
        frames.retain(|(_, frame)| frame[0] & 1 == 0 && ip(frame));
        frames
    };
    let mut sent = read(&pcaps().join(RED));
    sent.extend(read(&pcaps().join(BLUE)));
    let sent = ip_unicast(sent);
    assert!(sent.len() > 100, "{}", sent.len());
    assert_eq!(ip_unicast(written), sent);
    // The same run as without an output, and as with every hop.
    let hops = folder.path().join("out.pcapng");
    for more in [&[][..], &["-w", text(&hops)]] {
        let other = replay_json(0, STORY, &[RED, BLUE], more);
        for key in ["frames", "copies", "drops", "ports", "isolation", "digest"] {
            assert_eq!(other[key], report[key], "{key}");
        }
    }
}

#[test]
fn nothing_is_left_at_the_output_when_the_input_is_cut() {
    for name in ["out.pcapng", "out.pcap"] {
        nothing_is_left_of_an_output_named(name);
    }
}

fn nothing_is_left_of_an_output_named(name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let (cut, _) = cut_in_packet(51, folder.path());
    let file = out.path().join(name);
    let ran = replay(STORY, &[text(&cut)], &["-w", text(&file)]);
    assert_eq!(ran.exit, 3);
    assert!(is_empty(out.path()));
    assert!(
        ran.stderr
            .contains(&format!("{}: not written", text(&file))),
        "{}",
        ran.stderr
    );

    fs::write(&file, "of before").expect("a file");
    assert_eq!(replay(STORY, &[text(&cut)], &["-w", text(&file)]).exit, 3);
    assert_eq!(fs::read(&file).expect("a file"), b"of before");
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 1);
}

#[test]
fn an_output_that_cannot_be_written_exits_6_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing/out.pcapng");
    let ran = replay(STORY, &[RED], &["-w", text(&missing)]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (6, ""));
    assert_eq!(
        ran.stderr.matches(text(&missing)).count(),
        1,
        "{}",
        ran.stderr
    );
    assert!(is_empty(folder.path()));

    let full = Path::new("/dev/full");
    if full.exists() {
        let ran = replay(STORY, &[RED], &["-w", text(full)]);
        assert_eq!(ran.exit, 6);
        assert!(
            ran.stderr.contains("/dev/full: cannot be written"),
            "{}",
            ran.stderr
        );
    } else {
        println!("skipped: no /dev/full here");
    }
}

#[test]
fn an_output_that_is_an_input_is_refused_and_left_alone() {
    let folder = story_with("");
    let path = |name: &str| folder.path().join(name);
    let (scenario, capture, map) = (path("scenario.toml"), path("ping.pcap"), path("map.toml"));
    fs::write(&map, "").expect("a file");
    let inputs = [
        scenario.clone(),
        capture.clone(),
        map.clone(),
        path("policy/4-wnv.ps1"),
    ];
    for input in &inputs {
        let before = fs::read(input).expect("a file");
        // By its own name, and by another.
        let link = path("link");
        fs::hard_link(input, &link).expect("a link");
        for output in [input, &link] {
            let ran = replay(
                text(&scenario),
                &[text(&capture)],
                &["--map", text(&map), "-w", text(output)],
            );
            assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
            let said = format!("-w {}: this is the input ", text(output));
            assert!(ran.stderr.contains(&said), "{}", ran.stderr);
            assert_eq!(fs::read(input).expect("a file"), before);
        }
        fs::remove_file(link).expect("a link");
    }
}
