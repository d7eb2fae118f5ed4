//! `nvgre pcap decap`: verdicts, against what Scapy's table and tshark say about every frame.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::truth::{Row, counts, more_captures, table};
use common::{Ran, nvgre, pcaps};
use serde_json::Value;

const SCHEMA: &str = "nvgre.pcap-decap/1";
const KEYS: &[&str] = &["schema", "frame", "verdict", "reason", "vsid", "flow_id"];

fn decap(file: &Path) -> Ran {
    nvgre([
        "pcap".as_ref(),
        "decap".as_ref(),
        "--json".as_ref(),
        file.as_os_str(),
    ])
}

/// `None` for accept, or the drop reason; checks that verdict and reason agree.
fn reason(line: &Value) -> Option<&str> {
    let reason = line["reason"].as_str();
    let verdict = if reason.is_none() { "accept" } else { "drop" };
    assert_eq!(line["verdict"], verdict, "{line}");
    reason
}

/// The verdicts that a row of `packets.tsv` allows. `Ok` is accept.
fn expected(row: &Row) -> &'static [Result<(), &'static str>] {
    match (row["class"].as_str(), row["case"].as_str()) {
        (
            "nvgre" | "nvgre-reserved-bits" | "nvgre-nested" | "nvgre-inner-ip-cut" | "nvgre-ttl0",
            _,
        ) => &[Ok(())],
        ("nvgre-ecn-drop", _) => &[Err("ecn_ce_on_not_ect")],
        ("reserved-vsid", _) => &[Err("reserved_vsid")],
        ("must-drop-inner-tag" | "inner-stag", _) => &[Err("inner_vlan")],
        ("truncated-inner", _) => &[Err("inner_short")],
        ("truncated-gre", _) => &[Err("gre_short")],
        ("bad-outer-checksum", _) => &[Err("outer_checksum")],
        ("bad-outer-length", _) => &[Err("outer_length")],
        ("bad-outer-header", "outer-version-mismatch") => &[Err("not_nvgre")],
        ("bad-outer-header", _) => &[Err("outer_length")],
        ("fragment" | "fragment-incomplete" | "fragment-overlap", _) => &[Err("outer_fragment")],
        // Every one of these frames ends before its outer length, wherever else it was cut.
        (
            "cut-before-key" | "cut-inner-ethernet" | "cut-after-inner-ethernet" | "short-frame",
            _,
        ) => &[Err("outer_length")],
        ("not-nvgre", "c-bit" | "c-bit-bad-checksum" | "c-and-s-bits") => {
            &[Err("gre_checksum_bit")]
        }
        ("not-nvgre", "s-bit" | "erspan-ii") => &[Err("gre_sequence_bit")],
        ("not-nvgre", "r-bit" | "strict-source-route-bit") => &[Err("gre_routing_bit")],
        ("not-nvgre", "version-1" | "pptp-v1") => &[Err("gre_version")],
        ("not-nvgre", "no-key" | "cisco-keepalive" | "wccp") => &[Err("gre_key_absent")],
        // Two rules are broken, and either may be named.
        ("not-nvgre", "no-key-c-bit") => &[Err("gre_checksum_bit"), Err("gre_key_absent")],
        ("not-nvgre", "keepalive-empty") => &[Err("gre_short"), Err("gre_key_absent")],
        (
            "not-nvgre",
            "proto-0800-keyed" | "proto-86dd-keyed" | "proto-byteswapped" | "proto-off-by-one",
        ) => &[Err("gre_protocol")],
        ("not-nvgre", "gre-in-udp-4754" | "vxlan-same-id" | "outer-ipv6-no-next-header") => {
            &[Err("not_nvgre")]
        }
        // Decided in the table of pcap_decap.rs.
        ("nvgre-odd-outer", "outer-src-equals-dst" | "outer-ipv6-long-chain") => &[Ok(())],
        ("nvgre-odd-outer", "outer-broadcast" | "outer-ipv6-rh0-segleft-1") => {
            &[Err("outer_not_ours")]
        }
        ("nvgre-odd-inner", "inner-src-equals-dst-mac") => &[Ok(())],
        ("nvgre-odd-inner", "inner-multicast-source-mac") => &[Err("inner_source_group")],
        (class, case) => panic!("no expectation for {class}, {case}"),
    }
}

/// Number of a cell; "-" is none, and so is the key of GRE that is not 0x6558.
fn key_part(row: &Row, column: &str) -> Option<u64> {
    (row["gre_proto"] == "0x6558")
        .then(|| row[column].parse().ok())
        .flatten()
}

#[test]
fn every_packet_of_scapy_gets_the_verdict_and_the_key_of_its_table() {
    let folder = pcaps().join("scapy");
    let mut by_file: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in table(&folder.join("packets.tsv")) {
        by_file.entry(row["file"].clone()).or_default().push(row);
    }
    let mut wrong = Vec::new();
    let mut packets = 0;
    for (file, rows) in &by_file {
        let lines = decap(&folder.join(file)).json_lines(SCHEMA, KEYS);
        assert_eq!(lines.len(), rows.len(), "{file}: one line a frame");
        for (row, line) in rows.iter().zip(&lines) {
            packets += 1;
            assert_eq!(row["frame"], line["frame"].to_string());
            let verdict = reason(line).map_or(Ok(()), Err);
            let key = (line["vsid"].as_u64(), line["flow_id"].as_u64());
            if !expected(row).contains(&verdict)
                || key != (key_part(row, "vsid"), key_part(row, "flowid"))
            {
                wrong.push(format!("{row:?}\n    {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(packets, 395, "packets.tsv lists 395");
}

/// Drop reasons of a run, counted; accepted frames under "accept".
fn verdicts(lines: &[Value]) -> BTreeMap<&str, u64> {
    let mut verdicts = BTreeMap::new();
    for line in lines {
        *verdicts
            .entry(reason(line).unwrap_or("accept"))
            .or_default() += 1;
    }
    verdicts
}

/// The kernel's captures were made by its own tunnels: each holds one kind of frame, told in
/// `pcaps/README.md`, and tshark says how many of them.
#[test]
fn every_frame_of_the_kernels_tunnels_gets_the_verdict_of_its_kind() {
    let rows = table(&pcaps().join("truth.tsv"));
    let nvgre_frames = |file: &str| -> u64 {
        let row = rows.iter().find(|row| row["file"] == file).expect("a row");
        row["outer_teb_key"].parse().expect("a number")
    };
    for name in [
        "gretap-two-vsid.pcap",
        "gretap-two-vsid-nsec.pcap",
        "gretap-multi-if.pcapng",
        "gretap-any-sll.pcap",
        "gretap-any-sll2.pcap",
        "gretap-unprovisioned-vsid.pcap",
        "gretap-outer-vlan.pcap",
        "gretap-tos-inherit-ecn.pcap",
        "gretap-jumbo9000.pcap",
        "gretap-gso.pcap",
        "ip6gretap.pcap",
    ] {
        let file = format!("kernel/kernel-{name}");
        let lines = decap(&pcaps().join(&file)).json_lines(SCHEMA, KEYS);
        assert_eq!(verdicts(&lines)["accept"], nvgre_frames(&file), "{file}");
    }
    // (file, reasons that its keyed or other GRE frames share, how many there are)
    for (name, reasons, frames) in [
        (
            "gretap-csum-and-seq.pcap",
            &["gre_checksum_bit", "gre_sequence_bit"][..],
            51,
        ),
        ("gretap-csumseq-both.pcap", &["gre_checksum_bit"], 21),
        ("gretap-inner-vlan.pcap", &["accept", "inner_vlan"], 45),
        ("gretap-nokey.pcap", &["gre_key_absent"], 26),
        ("gre-l3-key.pcap", &["gre_protocol"], 17),
        ("gre-l3-csum-seq-nokey.pcap", &["gre_checksum_bit"], 6),
        ("erspan-v1-typeII.pcap", &["gre_sequence_bit"], 19),
        ("erspan-v2-typeIII.pcap", &["gre_sequence_bit"], 18),
        (
            "gretap-two-vsid-snap96.pcap",
            &["accept", "outer_length"],
            518,
        ),
    ] {
        let file = pcaps().join(format!("kernel/kernel-{name}"));
        let lines = decap(&file).json_lines(SCHEMA, KEYS);
        let verdicts = verdicts(&lines);
        let counted: u64 = reasons.iter().map(|&reason| verdicts[reason]).sum();
        // What is left in these captures is the hosts' own neighbor discovery and ICMP; of the
        // cut one, 4 of the 12 such frames are cut as well.
        let cut_others = if name.contains("snap96") { 4 } else { 0 };
        assert_eq!(counted, frames + cut_others, "{name}: {verdicts:?}");
        let others = verdicts.get("not_nvgre").copied().unwrap_or(0);
        assert_eq!(counted + others, lines.len() as u64, "{name}: {verdicts:?}");
    }
}

/// Every file of a folder's table: ends by itself with a code that fits, one line a frame, and VSIDs
/// that agree with tshark's.
fn every_file(folder: &Path) -> usize {
    let rows = table(&folder.join("truth.tsv"));
    for row in &rows {
        let file = &row["file"];
        let ran = decap(&folder.join(file));
        let lines = ran.json_lines(SCHEMA, KEYS);
        assert!(
            [0, 3, 4].contains(&ran.exit),
            "{file}: {} {}",
            ran.exit,
            ran.stderr
        );
        assert_eq!(
            ran.exit != 0,
            ran.stderr.starts_with("nvgre: "),
            "{file}: {}",
            ran.stderr
        );
        let message_lines = ran.stderr.lines().count();
        assert_eq!(
            message_lines,
            usize::from(ran.exit != 0),
            "{file}: {}",
            ran.stderr
        );
        let mut vsids: BTreeMap<String, u64> = BTreeMap::new();
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(line["frame"], index as u64 + 1, "{file}");
            let verdict = reason(line);
            assert_eq!(
                line["vsid"].is_null(),
                line["flow_id"].is_null(),
                "{file}: {line}"
            );
            assert!(verdict.is_some() || line["vsid"].is_u64(), "{file}: {line}");
            if let Some(vsid) = line["vsid"].as_u64() {
                *vsids.entry(vsid.to_string()).or_default() += 1;
            }
        }
        assert_eq!(vsids, counts(&row["outer_vsids"]), "{file}");
        if ran.exit != 3 {
            let packets = counts(&row["link"]);
            let frames: u64 = packets
                .iter()
                .filter(|(link, _)| *link != "no-link")
                .map(|(_, n)| n)
                .sum();
            assert_eq!(lines.len() as u64, frames, "{file}");
            assert_eq!(
                ran.exit == 4,
                ran.stderr.contains("no frame holds a GRE header"),
                "{file}"
            );
        }
        if row["outer_teb_key"] != "0" {
            assert_eq!(ran.exit, 0, "{file}: {}", ran.stderr);
        }
    }
    rows.len()
}

#[test]
fn every_committed_capture_agrees_with_tshark_about_its_keys() {
    assert!(every_file(&pcaps()) >= 34);
}

#[test]
fn every_capture_of_the_named_folder_agrees_with_tshark_about_its_keys() {
    if let Some(folder) = more_captures() {
        assert!(every_file(&folder) > 300);
    }
}

#[test]
fn a_capture_without_gre_exits_4_and_says_so() {
    let ran = decap(&pcaps().join("kernel/kernel-vxlan-same-id.pcap"));
    ran.failed_saying(
        4,
        &["kernel-vxlan-same-id.pcap: no frame holds a GRE header"],
    );
    assert_eq!(
        ran.json_lines(SCHEMA, KEYS).len(),
        24,
        "a verdict each, all the same"
    );
}

#[test]
fn a_link_type_that_carries_no_ethernet_or_ip_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let ppp = folder.path().join("ppp.pcapng");
    let mut writer = nvgre_capture::Writer::create(&ppp).expect("a file");
    let link = nvgre_capture::LinkType::PPP;
    let line = writer.add_interface("line", link, 0).expect("an interface");
    writer
        .write(line, 1, &[0xff; 20], 20, None)
        .expect("written");
    writer.finish().expect("whole");
    decap(&ppp).failed_saying(
        3,
        &["ppp.pcapng: packet 1: link type ppp (9) is not supported"],
    );
}

#[test]
fn a_cut_file_gives_the_verdicts_of_what_was_whole_then_one_message_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = folder.path().join("cut.pcap");
    let whole = fs::read(pcaps().join("scapy/scapy-shared-sll.pcap")).expect("a capture");
    fs::write(&cut, &whole[..whole.len() - 1]).expect("written");
    let json = decap(&cut);
    json.failed_saying(3, &["cut.pcap: packet 5 at byte", "cut short"]);
    assert_eq!(json.json_lines(SCHEMA, KEYS).len(), 4);
    let text = nvgre(["pcap".as_ref(), "decap".as_ref(), cut.as_os_str()]);
    text.failed_saying(3, &["packet 5 at byte"]);
    assert!(
        text.stdout.contains("4 frames before the error: "),
        "{}",
        text.stdout
    );
}

#[test]
fn the_text_has_a_line_a_frame_and_the_totals_by_reason() {
    let file = pcaps().join("scapy/scapy-shared-wrong.pcap");
    let ran = nvgre(["pcap".as_ref(), "decap".as_ref(), file.as_os_str()]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let (frames, totals) = ran.stdout.split_once("\n\n").expect("a blank line");
    assert_eq!(frames.lines().count(), 58);
    let line = |number: usize| frames.lines().nth(number - 1).expect("a line");
    assert!(line(24).contains(" drop inner_vlan, vsid 369074 flow 51, 192.0.2.11 > 192.0.2.12"));
    assert!(line(48).contains(" accept, vsid 369074 flow 51, 192.0.2.11 > 192.0.2.12, 00155DAA0001 > 00155DAA0002, IPv4, 49 bytes"));
    assert!(totals.starts_with("58 frames: "), "{totals}");
    let inner_vlan = totals
        .lines()
        .find(|line| line.contains("inner_vlan"))
        .expect("a total");
    let words: Vec<&str> = inner_vlan.split_whitespace().collect();
    assert_eq!(words, ["3", "inner_vlan", "first", "at", "frame", "24"]);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let file = pcaps().join("kernel/kernel-gretap-any-sll.pcap");
    let mut child = Command::new(env!("CARGO_BIN_EXE_nvgre"))
        .args([
            "pcap".as_ref(),
            "decap".as_ref(),
            "--json".as_ref(),
            file.as_os_str(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // 1,628 lines do not fit a pipe: the command is still writing when its reader goes.
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_cannot_be_written_exits_6() {
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let file = pcaps().join("scapy/scapy-shared-sll.pcap");
    let output = Command::new(env!("CARGO_BIN_EXE_nvgre"))
        .args(["pcap".as_ref(), "decap".as_ref(), file.as_os_str()])
        .stdout(Stdio::from(full))
        .output()
        .expect("the command starts");
    Ran::of(output).failed_saying(6, &["stdout cannot be written"]);
}
