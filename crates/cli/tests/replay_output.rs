//! `nvgre replay -w`: what is written.

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use common::replay::{
    BLUE, KERNEL, RED, STORY, TWO_VSID, cut_in_packet, is_empty, number, port, replay, replay_json,
    story_with, text,
};
use common::{frames, nvgre, pcaps};
use nvgre_capture::{Direction, Reader};

/// Ethernet, IPv4, NVGRE with a key: the frame is inside.
fn inside(packet: &[u8]) -> &[u8] {
    assert_eq!(packet[12..14], [0x08, 0x00]);
    assert_eq!(packet[34..38], [0x20, 0x00, 0x65, 0x58]);
    &packet[42..]
}

#[test]
fn the_output_has_an_interface_per_hop_and_the_frames_as_they_were_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcapng");
    let report = replay_json(0, STORY, &[RED, BLUE], &["-w", text(&file)]);
    let mut sent = frames(&pcaps().join(RED));
    sent.extend(frames(&pcaps().join(BLUE)));

    let mut reader = Reader::new(File::open(&file).expect("an output")).expect("a capture");
    let (mut entered, mut answered, mut on_the_way) = (0, 0, BTreeMap::<String, u64>::new());
    let mut received = BTreeMap::<String, u64>::new();
    while let Some(packet) = reader.next().expect("a whole output") {
        let interface = packet.interface_name.expect("a name");
        let comment = packet.options.comment().expect("a comment");
        let id = packet.options.id().expect("an id");
        assert!(comment.starts_with(&format!("frame {id}, ")), "{comment}");
        let sent = &sent[id as usize - 1];
        match (interface.split_once(' '), packet.options.direction()) {
            (Some(("port", port)), Some(Direction::Outbound)) => {
                assert_eq!(packet.data, sent, "{comment}");
                assert!(comment.contains(&format!(", {port} -> ")), "{comment}");
                entered += 1;
            }
            (Some(("port", _)), Some(Direction::Inbound)) if comment.contains("; answered by ") => {
                answered += 1;
            }
            (Some(("port", port)), Some(Direction::Inbound)) => {
                assert_eq!(packet.data, sent, "{comment}");
                assert!(
                    comment.contains(&format!(": delivered to {port} at ")),
                    "{comment}"
                );
                *received.entry(port.to_owned()).or_default() += 1;
            }
            (Some(("uplink", _)), Some(way)) => {
                assert_eq!(inside(packet.data), sent, "{comment}");
                *on_the_way
                    .entry(format!("{interface} {way:?}"))
                    .or_default() += 1;
            }
            (None, None) => {
                assert_eq!(inside(packet.data), sent, "{comment}");
                *on_the_way.entry(interface.to_owned()).or_default() += 1;
            }
            other => panic!("{other:?}: {comment}"),
        }
    }
    assert_eq!(entered, number(&report["frames"]["read"]));
    assert_eq!(answered, number(&report["copies"]["generated"]));
    assert_eq!(
        received.values().sum::<u64>(),
        number(&report["copies"]["delivered"])
    );
    for (name, count) in received {
        assert_eq!(
            number(&port(&report, &name)["received_frames"]),
            count,
            "{name}"
        );
    }
    // Nothing is lost on the way.
    let hop = |name: &str| on_the_way[name];
    assert!(hop("underlay") > 100);
    assert_eq!(
        hop("uplink Statler Outbound"),
        hop("uplink Waldorf Inbound")
    );
    assert_eq!(
        hop("uplink Waldorf Outbound"),
        hop("uplink Statler Inbound")
    );
    assert_eq!(
        hop("underlay"),
        hop("uplink Statler Outbound") + hop("uplink Waldorf Outbound")
    );
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
            "uplink Waldorf",
            "underlay"
        ]
    );
}

#[test]
fn a_dropped_frame_stands_where_it_was_last_seen_with_reason_host_and_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcapng");
    let report = replay_json(0, STORY, &[RED], &["--stage", "broken", "-w", text(&file)]);
    let mut reader = Reader::new(File::open(&file).expect("an output")).expect("a capture");
    let mut last_seen = BTreeMap::new();
    while let Some(packet) = reader.next().expect("a whole output") {
        let (interface, comment) = (packet.interface_name, packet.options.comment());
        if comment.is_some_and(|comment| comment.contains(": dropped at ")) {
            let seen = (
                interface.expect("a name").to_owned(),
                comment.map(str::to_owned),
            );
            last_seen.insert(packet.options.id().expect("an id"), seen);
        }
    }
    // No frame of this capture is copied in this stage.
    assert_eq!(last_seen.len() as u64, number(&report["copies"]["dropped"]));
    let drops = report["drops"].as_array().expect("a list");
    for drop in drops {
        let reason = drop["reason"].as_str().expect("a name");
        let host = drop["host"].as_str().expect("a host");
        let (interface, comment) = &last_seen[&number(&drop["first_frame"])];
        let comment = comment.as_deref().expect("a comment");
        let verdict = format!(", VSID 445566: dropped at {host}: {reason}; ");
        assert!(comment.contains(&verdict), "{comment}");
        let record = &drop["record"];
        let (address, provider) = (&record["customer_address"], &record["provider_address"]);
        let (address, provider) = (address.as_str(), provider.as_str());
        let said = format!(
            "; record {} at {} ({})",
            address.expect("an address"),
            provider.expect("an address"),
            record["place"].as_str().expect("a place")
        );
        assert!(comment.ends_with(&said), "{said} in {comment}");
        let there = match reason {
            "underlay_no_owner" => "underlay",
            _decided_at_its_port => "port Red22",
        };
        assert_eq!(interface, there, "{comment}");
    }
    assert!(
        drops
            .iter()
            .any(|drop| drop["reason"] == "underlay_no_owner")
    );
}

#[test]
fn an_output_of_every_hop_is_replayed_as_what_it_was_written_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcapng");
    // Frames that enter at ports, and frames that enter at uplinks.
    for (scenario, capture) in [(STORY, RED), (KERNEL, TWO_VSID)] {
        let first = replay_json(0, scenario, &[capture], &["-w", text(&file)]);
        let again = replay_json(0, scenario, &[text(&file)], &[]);
        for key in [
            "copies",
            "entered_at_uplinks",
            "tenants",
            "ports",
            "isolation",
            "digest",
        ] {
            assert_eq!(again[key], first[key], "{key}");
        }
        for key in ["delivered", "dropped", "consumed"] {
            assert_eq!(again["frames"][key], first["frames"][key], "{key}");
        }
        let skips = again["skips"].as_array().expect("a list");
        assert_eq!(skips.len(), 1, "{again}");
        assert_eq!(skips[0]["reason"], "seen_before");
    }
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
            assert_eq!(
                (packet.interface_name, packet.options.comment()),
                (None, None)
            );
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

#[test]
fn an_output_in_a_folder_that_is_not_there_names_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing");
    let says = format!("folder {} does not exist", missing.display());
    for name in ["out.pcapng", "out.pcap"] {
        let ran = replay(STORY, &[RED], &["-w", text(&missing.join(name))]);
        assert!(
            ran.exit == 6 && ran.stderr.contains(&says),
            "{}",
            ran.stderr
        );
    }
    let report = format!("md={}", missing.join("report.md").display());
    let ran = replay(STORY, &[RED], &["--report", &report]);
    assert!(
        ran.exit == 6 && ran.stderr.contains(&says),
        "{}",
        ran.stderr
    );
    let exported = missing.join("dump.json");
    let story = pcaps().join("waldorf-statler/scenario.toml");
    let ran = nvgre([
        "export",
        text(&story),
        "--as",
        "json",
        "-o",
        text(&exported),
    ]);
    assert!(
        ran.exit == 6 && ran.stderr.contains(&says),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_output_whose_name_says_no_format_is_refused_and_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["out.cap", "out", "out.pcapng.gz"] {
        let file = folder.path().join(name);
        let ran = replay(STORY, &[RED], &["-w", text(&file)]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{name}");
        let says = format!(
            "-w {}: the output goes to a file whose name says its format: .pcapng for every hop, .pcap for what is delivered",
            file.display()
        );
        ran.failed_saying_last(2, &says);
    }
    assert!(is_empty(folder.path()));
    // Nor is stdout an output.
    replay(STORY, &[RED], &["-w", "-"]).failed_saying_last(2, "-w -: the output goes to a file");
    let story = pcaps().join("waldorf-statler/scenario.toml");
    let ran = nvgre(["verify", text(&story), "-w", "-"]);
    ran.failed_saying_last(
        2,
        "-w -: the output goes to a file whose name says its format: .pcapng",
    );
    let ran = nvgre(["export", text(&story), "--as", "json", "-o", "-"]);
    ran.failed_saying_last(
        2,
        "-o -: the output goes to a file; without -o it goes to stdout",
    );
}

#[test]
fn a_capture_where_the_scenario_is_wanted_is_told_so() {
    let story = pcaps().join("waldorf-statler/scenario.toml");
    let capture = pcaps().join("kernel/kernel-gretap-multi-if.pcapng");
    let ran = nvgre(["replay", text(&capture), "-r", text(&story)]);
    ran.failed_saying(3, &["multi-if.pcapng: a capture, where the scenario is wanted; replay takes captures behind -r"]);
}
