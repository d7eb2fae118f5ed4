//! `nvgre replay --filter`: which frames are listed and written.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::replay::{KERNEL, RED, STORY, TWO_VSID, number, replay, replay_json, text, truth};
use common::truth::counts;
use common::{frames, pcaps};
use nvgre_capture::Reader;

const DIED: &str =
    "tenant == Red and verdict == dropped and reason == underlay_no_owner and host == Statler";

/// Packet ids in a written capture, and interfaces of each of them.
fn ids(file: &Path) -> Vec<(u64, Vec<String>)> {
    let mut reader = Reader::open(file).expect("a capture");
    let mut ids: Vec<(u64, Vec<String>)> = Vec::new();
    while let Some(packet) = reader.next().expect("a whole capture") {
        let id = packet.options.id().expect("an id");
        let interface = packet.interface_name.expect("a name").to_owned();
        match ids.last_mut() {
            Some((last, interfaces)) if *last == id => interfaces.push(interface),
            _ => ids.push((id, vec![interface])),
        }
    }
    ids
}

#[test]
fn a_match_is_written_with_its_whole_walk_and_the_books_stay_those_of_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let (all, some) = (
        folder.path().join("all.pcapng"),
        folder.path().join("some.pcapng"),
    );
    let broken = ["--stage", "broken", "-w"];
    let whole = replay_json(0, STORY, &[RED], &[&broken[..], &[text(&all)]].concat());
    let more = [&broken[..], &[text(&some), "--filter", DIED]].concat();
    let filtered = replay_json(0, STORY, &[RED], &more);
    for key in ["frames", "copies", "drops", "ports", "isolation", "digest"] {
        assert_eq!(filtered[key], whole[key], "{key}");
    }
    assert!(whole["filter"].is_null());
    let filter = &filtered["filter"];
    assert_eq!(filter["expression"], DIED);
    let drops = whole["drops"].as_array().expect("a list");
    let died = drops
        .iter()
        .find(|drop| drop["reason"] == "underlay_no_owner");
    let died = number(&died.expect("the wrong record")["frames"]);
    assert_eq!(number(&filter["frames"]), died);

    let written = ids(&some);
    assert_eq!(written.len() as u64, died);
    let kept: BTreeSet<u64> = written.iter().map(|(id, _)| *id).collect();
    let of_all: Vec<_> = ids(&all)
        .into_iter()
        .filter(|(id, _)| kept.contains(id))
        .collect();
    assert_eq!(written, of_all, "each with all of its hops");
    for (_, interfaces) in &written {
        assert_eq!(interfaces, &["port Red11", "uplink Statler", "underlay"]);
    }
    assert!(ids(&all).len() > written.len());
}

#[test]
fn the_first_matches_are_listed_in_a_line_each() {
    let more = ["--stage", "broken", "--filter", DIED];
    let filter = &replay_json(0, STORY, &[RED], &more)["filter"];
    let listed = filter["listed"].as_array().expect("a list");
    assert_eq!(listed.len(), 100);
    let first = &listed[0];
    assert_eq!(number(&first["frame"]), 2);
    for (key, value) in [
        ("from", "Red11"),
        ("to", "all"),
        ("verdict", "dropped"),
        ("reason", "underlay_no_owner"),
        ("host", "Statler"),
    ] {
        assert_eq!(first[key], value, "{key}");
    }
    assert_eq!(number(&first["virtual_subnet"]), 445_566);
    let record = first["record"].as_str().expect("a record");
    assert!(
        record.starts_with("192.168.1.22 at 10.0.0.21 ("),
        "{record}"
    );
    assert!(record.ends_with("5-broken.ps1:12:1)"), "{record}");

    let told = replay(STORY, &[RED], &more).stdout;
    let matching = number(&filter["frames"]);
    let heading = format!("\nfilter     {matching} frames match: {DIED}\n");
    assert!(told.contains(&heading), "{told}");
    for line in &listed[..20] {
        let line = format!("\n  {}\n", line["line"].as_str().expect("a line"));
        assert!(told.contains(&line), "{line} in {told}");
    }
    let next = format!("frame {},", listed[20]["frame"]);
    assert!(!told.contains(&next), "{told}");
    let rest = format!(
        "\n  and {} more: -w writes them all\n\nisolation",
        matching - 20
    );
    assert!(told.contains(&rest), "right before the verdict: {told}");
}

#[test]
fn matches_of_an_underlay_capture_are_those_that_tshark_counts() {
    let by_vsid = counts(&truth(TWO_VSID)["outer_vsids"]);
    for (vsid, frames) in &by_vsid {
        let filter = format!("vsid == {vsid}");
        let report = replay_json(0, KERNEL, &[TWO_VSID], &["--filter", &filter]);
        assert_eq!(number(&report["filter"]["frames"]), *frames, "{vsid}");
    }
    // What never entered is matched too.
    let skipped = replay_json(0, KERNEL, &[TWO_VSID], &["--filter", "verdict == skipped"]);
    assert_eq!(skipped["filter"]["frames"], skipped["frames"]["skipped"]);
    assert_eq!(skipped["filter"]["listed"][0]["reason"], "unknown_port");
}

#[test]
fn of_an_output_named_pcap_the_deliveries_of_matches_are_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcap");
    let filter = "inner.proto == arp and guest == Red22 and verdict == delivered";
    let report = replay_json(0, STORY, &[RED], &["--filter", filter, "-w", text(&file)]);
    let written = frames(&file);
    assert_eq!(written.len() as u64, number(&report["filter"]["frames"]));
    assert!(!written.is_empty());
    let sent = frames(&pcaps().join(RED));
    for frame in written {
        assert_eq!(frame[12..14], [0x08, 0x06]);
        assert!(sent.contains(&frame));
    }
}

#[test]
fn a_wrong_expression_exits_2_with_a_caret_below_the_mistake() {
    let ran = replay(
        STORY,
        &[RED],
        &["--filter", "tenant == Red and resaon == no_port"],
    );
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    let told = "nvgre: --filter: there is no field 'resaon'\n  |\n\
                1 | tenant == Red and resaon == no_port\n  |                   ^^^^^^\n  \
                = help: did you mean reason?\n";
    assert!(ran.stderr.ends_with(told), "{}", ran.stderr);
}
