//! What is said of frames: the lines that lists and comments of captures have.

mod common;

use common::*;
use nvgre_capture::{LinkType, Packet, PacketOptions, Reader, Writer};
use nvgre_sim::{Filter, MapFile, Model, Replay};

fn packet<'a>(data: &'a [u8], interface: Option<&'a str>) -> Packet<'a> {
    Packet {
        number: 1,
        time_ns: 1_000,
        interface: 0,
        interface_name: interface,
        link_type: LinkType::ETHERNET,
        original_len: data.len() as u32,
        data,
        options: PacketOptions::NONE,
    }
}

/// The line of one frame that enters at a port, or wherever it belongs.
fn told(model: Model, frame: &[u8], interface: Option<&str>) -> String {
    let filter = Filter::parse("frame == 1", model.scenario()).expect("no mistakes");
    let mut replay = Replay::new(model, MapFile::default());
    replay.show_only(filter);
    replay
        .packet(&packet(frame, interface), "x")
        .expect("it can be replayed");
    let (_, matches) = replay.matches().expect("a filter");
    let told = matches.listed.first().expect("the frame");
    // The parts are those of the line.
    let verdict = format!(": {}", told.verdict);
    assert!(told.line.contains(&verdict), "{told:?}");
    let ends = format!("frame 1, {} -> {}", told.from, told.to);
    assert!(told.line.starts_with(&ends), "{told:?}");
    for part in [told.host.as_deref(), told.reason, told.record.as_deref()]
        .into_iter()
        .flatten()
    {
        assert!(told.line.contains(part), "{told:?}");
    }
    told.line.clone()
}

/// Interfaces and comments of one frame, hop by hop.
fn hops(model: Model, frame: &[u8], interface: Option<&str>) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hops.pcapng");
    let mut replay = Replay::new(model, MapFile::default());
    let writer = Writer::create(&path).expect("a file");
    replay.write_to(writer).expect("interfaces");
    replay
        .packet(&packet(frame, interface), "x")
        .expect("it can be replayed");
    replay.finish().expect("it is whole");
    let mut reader = Reader::open(&path).expect("a capture");
    let mut hops = Vec::new();
    while let Some(packet) = reader.next().expect("it is whole") {
        let interface = packet.interface_name.expect("a name").to_owned();
        hops.push((
            interface,
            packet.options.comment().expect("a comment").to_owned(),
        ));
    }
    hops
}

#[test]
fn a_line_has_ends_vsid_verdict_and_what_decided() {
    for (frame, interface, line) in [
        (
            udp(5, 7),
            Some("Red1"),
            "frame 1, Red1 -> Red2, VSID 6001: delivered to Red2 at host2; \
             record 10.0.0.7 at 192.0.2.2 (tenants.ps1:4:1)",
        ),
        (
            udp(5, 9),
            Some("Blue1"),
            "frame 1, Blue1 -> Blue3, VSID 5001: delivered to Blue3 at host1; \
             record 10.0.0.9 at 192.0.2.1 (tenants.ps1:7:1)",
        ),
        (
            udp(5, 7),
            None,
            "frame 1, 10.0.0.5 -> 10.0.0.7: skipped: ambiguous_port",
        ),
    ] {
        assert_eq!(told(model(), &frame, interface), line);
    }
}

#[test]
fn what_came_to_one_end_alone_tells_of_that_copy_and_the_rest_of_the_frame() {
    let all = "frame 1, Blue1 -> all, VSID 5001: delivered to Blue3 at host1; 1 more delivered";
    let local = "frame 1, Blue1 -> all, VSID 5001: delivered to Blue3 at host1";
    let remote = "frame 1, Blue1 -> all, VSID 5001: delivered to Blue2 at host2; \
                  record 10.0.0.5 at 192.0.2.1 (tenants.ps1:5:1)";
    assert_eq!(told(model(), &broadcast(5), Some("Blue1")), all);
    let expected = [
        ("port Blue1", all),
        ("port Blue3", local),
        ("uplink host1", remote),
        ("underlay", remote),
        ("uplink host2", remote),
        ("port Blue2", remote),
    ];
    let expected = expected.map(|(interface, line)| (interface.to_owned(), line.to_owned()));
    assert_eq!(hops(model(), &broadcast(5), Some("Blue1")), expected);
}

#[test]
fn a_copy_that_the_underlay_drops_is_told_beside_those_that_arrive() {
    // Blue's second address on the far side names a host that nobody is.
    let script = |file: &str| {
        let text = script(file)?;
        let lost = record("Blue2", 5001, 77, 3);
        Ok(if file == "tenants.ps1" {
            text + &lost
        } else {
            text
        })
    };
    let model = || model_of(&scenario_text(""), &script);
    let dropped = "dropped at host1: underlay_no_owner";
    let all = format!(
        "frame 1, Blue1 -> all, VSID 5001: delivered to Blue3 at host1; 1 more delivered; also {dropped}"
    );
    assert_eq!(told(model(), &broadcast(5), Some("Blue1")), all);
    let hops = hops(model(), &broadcast(5), Some("Blue1"));
    let lost: Vec<_> = hops
        .iter()
        .filter(|(_, line)| line.contains(&format!(": {dropped}; ")))
        .collect();
    let record = "record 10.0.0.77 at 192.0.2.3 (tenants.ps1:8:1)";
    let line = format!("frame 1, Blue1 -> all, VSID 5001: {dropped}; {record}");
    let expected = [
        ("uplink host1".to_owned(), line.clone()),
        ("underlay".to_owned(), line),
    ];
    assert!(lost.into_iter().eq(&expected), "{hops:?}");
}

#[test]
fn frames_that_entered_at_uplinks_are_told_by_their_key_and_inventory() {
    for (frame, line) in [
        (
            nvgre(1, 2, 6001, &udp(5, 7)),
            "frame 1, Red1 -> Red2, VSID 6001: delivered to Red2 at host2; \
             record 10.0.0.5 at 192.0.2.1 (tenants.ps1:3:1)",
        ),
        (
            nvgre(1, 2, 6001, &udp(99, 7)),
            "frame 1, 10.0.0.99 -> Red2, VSID 6001: delivered to Red2 at host2",
        ),
        (
            nvgre(1, 3, 6001, &udp(5, 7)),
            "frame 1, Red1 -> Red2, VSID 6001: dropped at host1: underlay_no_owner",
        ),
    ] {
        assert_eq!(told(model(), &frame, None), line);
    }
    let seen = hops(model(), &nvgre(1, 3, 6001, &udp(5, 7)), None);
    let seen: Vec<_> = seen
        .iter()
        .map(|(interface, _)| interface.as_str())
        .collect();
    assert_eq!(
        seen,
        ["uplink host1", "underlay"],
        "it was captured behind its host"
    );
}

#[test]
fn frames_without_subnet_or_headers_are_told_all_the_same() {
    let plain = "frame 1, Plain1 -> Plain2: delivered to Plain2 at host2";
    assert_eq!(told(model(), &udp(21, 22), Some("Plain1")), plain);
    assert_eq!(
        told(model(), &[0; 9], None),
        "frame 1, ? -> ?: skipped: cut_short"
    );
}
