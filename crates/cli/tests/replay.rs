//! `nvgre replay`: reports, exit codes, and where frames enter.

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::truth::{Row, counts, table};
use common::{Ran, frames, nvgre, pcaps, write_pcap};
use nvgre_capture::Reader;
use serde_json::Value;

const SCHEMA: &str = "nvgre.replay/1";
const KEYS: &[&str] = &[
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
    "digest",
    "seconds",
    "frames_per_second",
    "bits_per_second",
];

const RED11: [u8; 6] = [0x00, 0x15, 0x5d, 0x00, 0x20, 0x09];
const RED22: [u8; 6] = [0x00, 0x15, 0x5d, 0x00, 0x20, 0x08];
const STORY: &str = "waldorf-statler/scenario.toml";
const KERNEL: &str = "kernel-two-vsid/scenario.toml";
const RED: &str = "waldorf-statler/red.pcap";
const BLUE: &str = "waldorf-statler/blue.pcap";
const TWO_VSID: &str = "kernel/kernel-gretap-two-vsid.pcap";
/// What tenant 1's guest on host 1 sent and received, at its port.
const BARE: &str = "kernel/kernel-port-tenant1-bare.pcap";

/// Replays a case's captures, both named from the folder of captures.
fn replay(scenario: &str, captures: &[&str], more: &[&str]) -> Ran {
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
fn replay_json(exit: i32, scenario: &str, captures: &[&str], more: &[&str]) -> Value {
    let ran = replay(scenario, captures, &[&["--json"], more].concat());
    assert_eq!(ran.exit, exit, "{}", ran.stderr);
    let mut lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(lines.len(), 1, "{}", ran.stdout);
    lines.remove(0)
}

fn truth(capture: &str) -> Row {
    table(&pcaps().join("truth.tsv"))
        .into_iter()
        .find(|row| row["file"] == capture)
        .unwrap_or_else(|| panic!("{capture} in the truth table"))
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

fn sent_by(frames: &[Vec<u8>], mac: [u8; 6]) -> u64 {
    frames.iter().filter(|frame| frame[6..12] == mac).count() as u64
}

fn port<'v>(report: &'v Value, name: &str) -> &'v Value {
    let ports = report["ports"].as_array().expect("a list");
    ports
        .iter()
        .find(|port| port["name"] == name)
        .unwrap_or_else(|| panic!("{name} in {report}"))
}

/// A capture that ends in the middle of its `n`-th packet, and the byte at which that begins.
fn cut_in_packet(n: usize, folder: &Path) -> (PathBuf, usize) {
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

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("a folder").next().is_none()
}

// The report

#[test]
fn both_ledgers_add_up_whatever_happens_to_the_frames() {
    for (exit, scenario, captures, more) in [
        (0, STORY, &[RED, BLUE][..], &[][..]),
        (1, STORY, &[RED, BLUE], &["--stage", "no-vsid"]),
        (0, STORY, &[RED, BLUE], &["--stage", "moved"]),
        (0, STORY, &[RED, BLUE], &["--stage", "broken"]),
        (0, KERNEL, &[TWO_VSID, BARE], &[]),
        (4, KERNEL, &["scapy/scapy-shared-wrong.pcap"], &[]),
    ] {
        let report = replay_json(exit, scenario, captures, more);
        let (frames, copies) = (&report["frames"], &report["copies"]);
        let sum =
            |book: &Value, keys: &[&str]| keys.iter().map(|key| number(&book[*key])).sum::<u64>();
        assert_eq!(
            number(&frames["read"]),
            sum(frames, &["delivered", "dropped", "consumed", "skipped"]),
            "{report}"
        );
        assert_eq!(
            number(&copies["made"]),
            sum(copies, &["delivered", "dropped"]),
            "{report}"
        );
        let sum_of = |list: &str, key: &str| {
            let lines = report[list].as_array().expect("a list");
            lines.iter().map(|line| number(&line[key])).sum::<u64>()
        };
        assert_eq!(
            sum_of("inputs", "frames"),
            number(&frames["read"]),
            "{report}"
        );
        assert_eq!(
            sum_of("drops", "frames"),
            number(&frames["dropped"]),
            "{report}"
        );
        assert_eq!(
            sum_of("drops", "copies"),
            number(&copies["dropped"]),
            "{report}"
        );
        assert_eq!(
            sum_of("skips", "frames"),
            number(&frames["skipped"]),
            "{report}"
        );
        // Answers that hosts made are counted apart; the oracle judges them too.
        let received = number(&copies["delivered"]);
        assert_eq!(sum_of("ports", "received_frames"), received, "{report}");
        assert_eq!(sum_of("tenants", "received_frames"), received, "{report}");
        assert_eq!(
            sum_of("tenants", "sent_bytes"),
            sum_of("ports", "sent_bytes"),
            "{report}"
        );
        let judged = ["same_tenant", "cross_tenant", "sender_unknown"];
        assert_eq!(
            sum(&report["isolation"], &judged),
            received + number(&copies["generated"]),
            "{report}"
        );
    }
}

#[test]
fn of_an_underlay_capture_each_tenant_gets_the_frames_that_tshark_counts() {
    let report = replay_json(0, KERNEL, &[TWO_VSID], &[]);
    let truth = truth(TWO_VSID);
    let (frames, tenants) = (&report["frames"], &report["tenants"]);
    assert_eq!(frames["read"].to_string(), truth["packets"]);
    assert_eq!(frames["delivered"].to_string(), truth["outer_teb_key"]);
    assert_eq!(number(&frames["dropped"]), 0);
    let by_vsid = counts(&truth["outer_vsids"]);
    for (index, (name, vsid)) in [("Tenant1", "445566"), ("Tenant2", "445567")]
        .iter()
        .enumerate()
    {
        assert_eq!(tenants[index]["name"], *name);
        assert_eq!(
            number(&tenants[index]["received_frames"]),
            by_vsid[*vsid],
            "{report}"
        );
    }
    assert_eq!(report["isolation"]["verdict"], "isolated");
}

#[test]
fn a_capture_of_a_port_enters_there() {
    let report = replay_json(0, STORY, &[RED], &[]);
    let captured = frames(&pcaps().join(RED));
    for (name, mac) in [("Red11", RED11), ("Red22", RED22)] {
        let port = port(&report, name);
        assert_eq!(port["tenant"], "Red");
        assert_eq!(
            number(&port["sent_frames"]),
            sent_by(&captured, mac),
            "{name}"
        );
        let bytes = captured.iter().filter(|frame| frame[6..12] == mac);
        let bytes: usize = bytes.map(Vec::len).sum();
        assert_eq!(number(&port["sent_bytes"]), bytes as u64, "{name}");
    }
    assert_eq!(number(&port(&report, "Blue22")["received_frames"]), 0);
}

#[test]
fn drops_come_most_frequent_first_with_their_first_frame_and_host() {
    let report = replay_json(0, STORY, &[RED], &["--stage", "broken"]);
    let drops = report["drops"].as_array().expect("a list");
    let counts: Vec<_> = drops.iter().map(|drop| number(&drop["frames"])).collect();
    assert!(
        counts.len() > 1 && counts.is_sorted_by(|a, b| a >= b),
        "{report}"
    );
    let no_owner = drops
        .iter()
        .find(|drop| drop["reason"] == "underlay_no_owner")
        .expect("the wrong provider address");
    assert_eq!(no_owner["host"], "Statler");
    // Red11's very first asks everybody, and so the wrong address too.
    let captured = frames(&pcaps().join(RED));
    let first = captured.iter().position(|frame| frame[6..12] == RED11);
    let first = first.expect("Red11 sends");
    assert_eq!(number(&no_owner["first_frame"]), first as u64 + 1);

    let told = replay(STORY, &[RED], &["--stage", "broken"]).stdout;
    let lines: Vec<Vec<&str>> = told
        .lines()
        .skip_while(|line| !line.starts_with("dropped "))
        .skip(1)
        .take_while(|line| !line.starts_with("  nvgre codes"))
        .filter(|line| !line.starts_with("    "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), drops.len());
    for (drop, line) in drops.iter().zip(&lines) {
        let count = |key: &str| number(&drop[key]).to_string();
        let expected = [
            drop["reason"].as_str().expect("a name"),
            &count("frames"),
            &count("copies"),
            &count("first_frame"),
            "at",
            drop["host"].as_str().expect("a name"),
        ];
        assert_eq!(line[..], expected);
    }
}

/// A copy of the story, its stage 5 with this policy instead, in the same folder with the first
/// IPv4 packet from Red11 to Red22 alone in a capture.
fn story_with(policy: &str) -> tempfile::TempDir {
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

#[test]
fn a_drop_names_the_record_that_decided_and_the_line_that_wrote_it() {
    let report = replay_json(0, STORY, &[RED], &["--stage", "broken"]);
    let drops = report["drops"].as_array().expect("a list");
    let drop = drops.iter().find(|d| d["reason"] == "underlay_no_owner");
    let drop = drop.expect("the wrong provider address");
    let record = &drop["record"];
    assert_eq!(record["customer_address"], "192.168.1.22");
    assert_eq!(record["virtual_subnet"], 445_566);
    assert_eq!(record["provider_address"], "10.0.0.21");
    assert_eq!(record["host"], "Statler");
    assert_eq!(drop["missed"], Value::Null);

    // Where the script makes that record on the host that it runs on: the first time.
    let script = pcaps().join("waldorf-statler/policy/5-broken.ps1");
    let lines = fs::read_to_string(&script).expect("a script");
    let makes = |line: &str| {
        line.starts_with("New-NetVirtualizationLookupRecord") && line.contains("\"192.168.1.22\"")
    };
    let number = lines.lines().position(makes).expect("a command") + 1;
    let place = format!("{}:{number}:1", text(&script));
    assert_eq!(record["place"], place.as_str());

    let summary = drop["summary"].as_str().expect("a summary");
    assert_eq!(summary, "ARP request of 0.0.0.0 for 192.168.1.11");
    let told = replay(STORY, &[RED], &["--stage", "broken"]).stdout;
    let expected = format!(
        "    {summary}\n    record   192.168.1.22 in VSID 445566 is at 10.0.0.21, says the table of Statler\n    written  {place}\n"
    );
    assert!(told.contains(&expected), "{expected} in {told}");
}

#[test]
fn a_missing_record_and_a_port_with_the_wrong_vsid_are_told_apart() {
    let missing =
        "Get-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord\n";
    let wrong_vsid = "Set-VMNetworkAdapter -VMName Red11 -VirtualSubnetId 445568\n";
    for (policy, missed) in [
        (
            missing,
            "a record of 192.168.1.22 in VSID 445566, on Statler",
        ),
        (
            wrong_vsid,
            "a record of 192.168.1.22 in VSID 445568, on Statler",
        ),
    ] {
        let folder = story_with(policy);
        let scenario = folder.path().join("scenario.toml");
        let capture = folder.path().join("ping.pcap");
        let (scenario, capture) = (text(&scenario), text(&capture));
        let report = replay_json(0, scenario, &[capture], &["--stage", "broken"]);
        assert_eq!(report["drops"].as_array().map(Vec::len), Some(1));
        let drop = &report["drops"][0];
        assert_eq!(drop["reason"], "no_lookup_record", "{report}");
        assert_eq!(drop["missed"], missed, "{report}");
        let told = replay(scenario, &[capture], &["--stage", "broken"]).stdout;
        let line = format!("\n    missed   {missed}\n");
        assert!(told.contains(&line), "{line} in {told}");
    }
}

#[test]
fn where_all_frames_enter_at_uplinks_it_is_said_that_their_hosts_were_not_asked() {
    let line = "frames entered at uplinks: what their senders' hosts would have done was not asked";
    let report = replay_json(0, KERNEL, &[TWO_VSID], &[]);
    let frames = &report["frames"];
    let entered = number(&frames["read"]) - number(&frames["skipped"]);
    assert_eq!(number(&report["entered_at_uplinks"]), entered);
    let told = replay(KERNEL, &[TWO_VSID], &[]).stdout;
    assert!(told.contains(&format!("{entered} {line}")), "{told}");

    assert_eq!(
        number(&replay_json(0, STORY, &[RED], &[])["entered_at_uplinks"]),
        0
    );
    assert!(!replay(STORY, &[RED], &[]).stdout.contains(line));
}

#[test]
fn frames_of_several_captures_are_numbered_through_and_found_again() {
    let blue = frames(&pcaps().join(BLUE)).len() as u64;
    let alone = replay_json(0, STORY, &[RED], &["--stage", "broken"]);
    let after = replay_json(0, STORY, &[BLUE, RED], &["--stage", "broken"]);
    let first = |report: &Value| number(&report["drops"][0]["first_frame"]);
    assert_eq!(first(&after), blue + first(&alone));
    let inputs: Vec<_> = after["inputs"].as_array().expect("a list").iter().collect();
    assert!(
        inputs[0]["file"]
            .as_str()
            .expect("a name")
            .ends_with("blue.pcap")
    );
    assert_eq!(number(&inputs[0]["frames"]), blue);
    let told = replay(STORY, &[BLUE, RED], &["--stage", "broken"]).stdout;
    let place = format!(
        " {} ({} of {}) at Statler",
        first(&after),
        first(&alone),
        text(&pcaps().join(RED))
    );
    assert!(told.contains(&place), "{place} in {told}");
}

#[test]
fn the_same_capture_gives_the_same_report_but_for_the_speed() {
    let told = || {
        let text = replay(STORY, &[RED, BLUE], &[]).stdout;
        let kept = text.lines().filter(|line| !line.starts_with("speed "));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(told().len() > 10);
    assert_eq!(told(), told());
}

// Isolation

#[test]
fn on_one_wire_frames_cross_exit_1_and_the_first_is_named() {
    let ran = replay(STORY, &[RED, BLUE], &["--stage", "no-vsid"]);
    assert_eq!(ran.exit, 1);
    let report = replay_json(1, STORY, &[RED, BLUE], &["--stage", "no-vsid"]);
    let isolation = &report["isolation"];
    assert_eq!(isolation["verdict"], "violated");
    let crossed = number(&isolation["cross_tenant"]);
    assert!(crossed > 0);
    let first = &isolation["first_cross_tenant"];
    let (frame, port) = (
        number(&first["frame"]),
        first["port"].as_str().expect("a port"),
    );
    // A group frame of Red's: nothing else leaves the tenant's two guests.
    let captured = frames(&pcaps().join(RED));
    assert_eq!(captured[frame as usize - 1][0] & 1, 1, "{report}");
    assert!(port.starts_with("Blue"), "{report}");
    let told = format!(
        "isolation  VIOLATED: {crossed} deliveries to another tenant, first frame {frame} "
    );
    assert!(ran.stdout.contains(&told), "{told} in {}", ran.stdout);
    assert!(
        ran.stdout.contains(&format!(" at {port}\n")),
        "{}",
        ran.stdout
    );
}

#[test]
fn with_vsids_nothing_crosses_and_stages_go_by_name_or_number() {
    for stage in ["vsid", "VSID", "2"] {
        let report = replay_json(0, STORY, &[RED, BLUE], &["--stage", stage]);
        assert_eq!(report["isolation"]["verdict"], "isolated", "{stage}");
        assert_eq!(report["isolation"]["first_cross_tenant"], Value::Null);
    }
    let ran = replay(STORY, &[RED], &["--stage", "encore"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .contains("no stage 'encore'; there are: no-vsid, vsid"),
        "{}",
        ran.stderr
    );
}

// Exit codes

#[test]
fn fail_on_exits_1_only_if_that_reason_occurred() {
    let fail_on = |reasons: &[&str]| {
        let mut more = vec!["--stage", "broken"];
        more.extend(reasons.iter().flat_map(|reason| ["--fail-on", reason]));
        replay(STORY, &[RED], &more)
    };
    assert_eq!(fail_on(&[]).exit, 0, "drops alone are not a failure");
    assert_eq!(fail_on(&["no_port", "wnv_unbound"]).exit, 0);
    let failed = fail_on(&["no_port", "underlay_no_owner"]);
    assert_eq!(failed.exit, 1);
    assert!(
        failed.stderr.contains("--fail-on underlay_no_owner: "),
        "{}",
        failed.stderr
    );
    assert!(
        !failed.stderr.contains("--fail-on no_port"),
        "{}",
        failed.stderr
    );
    let wrong = fail_on(&["no_prt"]);
    assert_eq!((wrong.exit, wrong.stdout.as_str()), (2, ""));
    assert!(
        wrong.stderr.contains("a similar value exists: 'no_port'"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn when_no_frame_enters_exit_4_unless_that_is_allowed() {
    let foreign = "scapy/scapy-shared-valid.pcap";
    let ran = replay(STORY, &[foreign], &[]);
    assert_eq!(ran.exit, 4);
    assert!(
        ran.stdout.contains("No frame entered the network"),
        "{}",
        ran.stdout
    );
    assert_eq!(replay(STORY, &[foreign], &["--allow-empty"]).exit, 0);
    let report = replay_json(4, STORY, &[foreign], &[]);
    assert_eq!(report["frames"]["read"], report["frames"]["skipped"]);
    assert_eq!(report["isolation"]["verdict"], "nothing_delivered");
    assert_eq!(replay(STORY, &[foreign, RED], &[]).exit, 0);
}

#[test]
fn undecided_isolation_exits_4_unless_that_is_allowed() {
    // The guests on host 1 have another MAC in the inventory than in the capture.
    let folder = tempfile::tempdir().expect("a folder");
    let case = pcaps().join("kernel-two-vsid");
    fs::create_dir(folder.path().join("policy")).expect("a folder");
    for host in ["policy/host1.ps1", "policy/host2.ps1"] {
        fs::copy(case.join(host), folder.path().join(host)).expect("a copy");
    }
    let told = fs::read_to_string(case.join("scenario.toml")).expect("a scenario");
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, told.replace("00155D01020A", "00155D99020A")).expect("a file");
    let scenario = text(&scenario);
    let report = replay_json(4, scenario, &[TWO_VSID], &[]);
    assert_eq!(report["isolation"]["verdict"], "undecided");
    assert!(number(&report["isolation"]["sender_unknown"]) > 0);
    replay_json(0, scenario, &[TWO_VSID], &["--allow-empty"]);
}

// Where frames enter

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

// Damaged input

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

// The output

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

// The terminal

/// What indicatif draws a bar with.
const BAR: [char; 2] = ['█', '░'];

#[test]
fn a_progress_bar_is_drawn_on_a_terminal_only() {
    let (scenario, capture) = (pcaps().join(STORY), pcaps().join(RED));
    let piped = replay(STORY, &[RED], &[]);
    assert!(!piped.stdout.contains(BAR) && !piped.stderr.contains(BAR));
    let line = format!(
        "'{}' replay '{}' -r '{}'",
        env!("CARGO_BIN_EXE_nvgre"),
        scenario.display(),
        capture.display()
    );
    let Ok(output) = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
    else {
        println!("skipped: no command `script` here, which makes a terminal");
        return;
    };
    let shown = Ran::of(output);
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains(BAR), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("isolation  ISOLATED"),
        "{}",
        shown.stdout
    );
}
