//! `nvgre init`: what it guesses is held against what the captures' READMEs say, and what it writes
//! is replayed.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{frames, nvgre, pcaps, write_pcap};
use serde_json::Value;
use tempfile::TempDir;

const KEYS: &[&str] = &[
    "schema",
    "capture",
    "scenario",
    "frames",
    "nvgre_frames",
    "mtu_bytes",
    "virtual_subnets",
    "hosts",
    "guests",
    "notes",
    "files",
];

/// A skeleton in a folder of its own.
struct Guessed {
    folder: TempDir,
    capture: PathBuf,
    summary: Value,
}

impl Guessed {
    #[track_caller]
    fn from(capture: &str) -> Self {
        let capture = pcaps().join(capture);
        let folder = tempfile::tempdir().expect("a folder");
        let ran = init(&capture, &folder.path().join("s"), &["--json"]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
        let summary = ran.json_lines("nvgre.init/1", KEYS).remove(0);
        Self {
            folder,
            capture,
            summary,
        }
    }

    fn scenario(&self) -> PathBuf {
        self.folder.path().join("s/scenario.toml")
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join("s").join(file)).expect("a file")
    }

    /// The capture replayed into what was guessed from it.
    #[track_caller]
    fn replayed(&self) -> Value {
        let scenario = self.scenario();
        let arguments = [
            Path::new("replay"),
            &scenario,
            Path::new("-r"),
            &self.capture,
            Path::new("--json"),
        ];
        let ran = nvgre(arguments);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        serde_json::from_str(ran.stdout.lines().next().expect("a line")).expect("JSON")
    }

    /// Shape: guest -> (MAC, host, addresses).
    fn guests(&self) -> BTreeMap<&str, (&str, &str, Vec<&str>)> {
        let guests = self.summary["guests"].as_array().expect("guests");
        let text = |value: &'static str, guest| field(guest, value);
        guests
            .iter()
            .map(|guest| {
                let addresses = guest["addresses"].as_array().expect("addresses");
                let addresses = addresses.iter().filter_map(Value::as_str).collect();
                (
                    text("name", guest),
                    (text("mac", guest), text("host", guest), addresses),
                )
            })
            .collect()
    }
}

fn field<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().expect("text")
}

fn init(capture: &Path, folder: &Path, more: &[&str]) -> common::Ran {
    let arguments = [
        Path::new("init"),
        Path::new("-r"),
        capture,
        Path::new("-o"),
        folder,
    ];
    nvgre(arguments.into_iter().chain(more.iter().map(Path::new)))
}

#[track_caller]
fn assert_delivered(replay: &Value, delivered: u64) {
    assert_eq!(replay["frames"]["delivered"], delivered, "{replay}");
    assert_eq!(replay["frames"]["dropped"], 0, "{replay}");
    assert_eq!(replay["isolation"]["verdict"], "isolated", "{replay}");
    assert_eq!(replay["isolation"]["sender_unknown"], 0, "{replay}");
}

// The table of pcaps/kernel-two-vsid/README.md.
#[test]
fn hosts_guests_and_addresses_are_those_of_the_kernels_run() {
    let guessed = Guessed::from("kernel/kernel-gretap-two-vsid.pcap");
    let hosts: Vec<_> = guessed.summary["hosts"]
        .as_array()
        .expect("hosts")
        .iter()
        .map(|host| {
            (
                field(host, "name"),
                field(host, "mac"),
                &host["provider_addresses"][0],
            )
        })
        .collect();
    assert_eq!(
        hosts,
        [
            ("host-192.0.2.1", "0200C0000201", &Value::from("192.0.2.1")),
            ("host-192.0.2.2", "0200C0000202", &Value::from("192.0.2.2")),
        ]
    );
    let first = (
        "00155D01020A",
        "host-192.0.2.1",
        vec!["10.1.0.1", "fd00:1::1", "fe80::215:5dff:fe01:20a"],
    );
    let second = (
        "00155D02020A",
        "host-192.0.2.2",
        vec!["10.1.0.2", "fd00:1::2", "fe80::215:5dff:fe02:20a"],
    );
    let expected = BTreeMap::from([
        ("vsid445566-10.1.0.1", first.clone()),
        ("vsid445566-10.1.0.2", second.clone()),
        ("vsid445567-10.1.0.1", first),
        ("vsid445567-10.1.0.2", second),
    ]);
    assert_eq!(guessed.guests(), expected);
}

#[test]
fn frames_sent_by_each_guest_are_those_of_the_kernels_run() {
    let guessed = Guessed::from("kernel/kernel-gretap-two-vsid.pcap");
    let sent: Vec<_> = guessed.summary["guests"]
        .as_array()
        .expect("guests")
        .iter()
        .map(|guest| (guest["vsid"].as_u64(), guest["frames_sent"].as_u64()))
        .collect();
    let vsid = |vsid, frames| (Some(vsid), Some(frames));
    assert_eq!(
        sent,
        [
            vsid(445_566, 209),
            vsid(445_566, 71),
            vsid(445_567, 123),
            vsid(445_567, 115)
        ]
    );
}

#[test]
fn the_underlay_carries_the_longest_packet_of_the_capture() {
    for (capture, mtu_bytes) in [
        // IP 1542: the same README.
        ("kernel/kernel-gretap-two-vsid.pcap", 1_542),
        // Nothing but short frames: what an underlay carries in any case.
        ("kernel/kernel-gretap-unprovisioned-vsid.pcap", 1_500),
    ] {
        assert_eq!(
            Guessed::from(capture).summary["mtu_bytes"],
            mtu_bytes,
            "{capture}"
        );
    }
}

// Frames with NVGRE of their own by truth.tsv, columns outer_teb_key and outer_vsids.
#[test]
fn a_capture_replayed_into_its_skeleton_delivers_every_nvgre_frame() {
    for (capture, nvgre_frames) in [
        ("kernel/kernel-gretap-two-vsid.pcap", 518),
        ("kernel/kernel-gretap-two-vsid-nsec.pcap", 518),
        ("kernel/kernel-gretap-multi-if.pcapng", 518),
        ("kernel/kernel-gretap-any-sll.pcap", 518),
        ("kernel/kernel-gretap-any-sll2.pcap", 518),
        ("kernel/kernel-ip6gretap.pcap", 89),
        ("kernel/kernel-gretap-outer-vlan.pcap", 40),
        ("kernel/kernel-gretap-tos-inherit-ecn.pcap", 56),
        ("kernel/kernel-gretap-jumbo9000.pcap", 53),
        ("kernel/kernel-gretap-gso.pcap", 67),
    ] {
        let guessed = Guessed::from(capture);
        assert_eq!(guessed.summary["nvgre_frames"], nvgre_frames, "{capture}");
        assert_delivered(&guessed.replayed(), nvgre_frames);
    }
}

#[test]
fn both_tenants_with_the_same_addresses_get_their_own_frames_alone() {
    let replay = Guessed::from("kernel/kernel-gretap-two-vsid.pcap").replayed();
    assert_eq!(replay["isolation"]["same_tenant"], 518);
    assert_eq!(replay["isolation"]["cross_tenant"], 0);
}

#[test]
fn the_outer_tag_is_the_vlan_of_the_provider_address() {
    let guessed = Guessed::from("kernel/kernel-gretap-outer-vlan.pcap");
    let policy = guessed.text("policy/host-192.0.2.1.ps1");
    assert!(policy.contains(" -VlanID "), "{policy}");
}

// What pcaps/waldorf-statler/README.md says of its guests; the provider side is not in the capture.
#[test]
fn bare_frames_become_guests_of_one_made_up_tenant_and_host() {
    let guessed = Guessed::from("waldorf-statler/red.pcap");
    let expected = BTreeMap::from([
        (
            "vsid5001-192.168.1.11",
            (
                "00155D002009",
                "host1",
                vec!["192.168.1.11", "fd00:192:168:1::11"],
            ),
        ),
        (
            "vsid5001-192.168.1.22",
            (
                "00155D002008",
                "host1",
                vec!["192.168.1.22", "fd00:192:168:1::22"],
            ),
        ),
    ]);
    assert_eq!(guessed.guests(), expected);
    assert_eq!(guessed.summary["nvgre_frames"], 0);
    assert!(
        guessed
            .text("scenario.toml")
            .contains("It holds no NVGRE. VSID, tenant, host and")
    );
    let replay = guessed.replayed();
    assert_eq!(replay["frames"]["dropped"], 0, "{replay}");
    assert_eq!(replay["frames"]["skipped"], 0, "{replay}");
    assert_eq!(replay["isolation"]["verdict"], "isolated", "{replay}");
}

#[test]
fn a_guest_that_answers_from_another_place_than_it_is_sought_at_is_noted() {
    // packets.tsv: requests and replies alike go from 192.0.2.11 to 192.0.2.12.
    let guessed = Guessed::from("scapy/scapy-shared-valid.pcap");
    let notes = guessed.summary["notes"].as_array().expect("notes");
    let note = notes.iter().find(|note| {
        field(note, "text").starts_with("frames for vsid369074-10.0.0.7 also go to 192.0.2.12")
    });
    assert_eq!(note.expect("a note")["frame"], 4, "{notes:?}");
    let replay = guessed.replayed();
    assert_eq!(replay["isolation"]["verdict"], "isolated", "{replay}");
}

/// The kernel's first NVGRE frame from 192.0.2.1 to 192.0.2.2: Ethernet, IPv4 without options, GRE
/// with a key, then the guest's frame.
fn one_way() -> Vec<u8> {
    let captured = frames(&pcaps().join("kernel/kernel-gretap-two-vsid.pcap"));
    let wanted = |frame: &&Vec<u8>| {
        frame[26..38] == [192, 0, 2, 1, 192, 0, 2, 2, 0x20, 0x00, 0x65, 0x58] && frame[42] & 1 == 0
    };
    captured.iter().find(wanted).expect("a frame").clone()
}

#[test]
fn a_mac_of_zeros_is_no_guests_and_noted() {
    let (whole, mut from_nobody, mut to_nobody) = (one_way(), one_way(), one_way());
    to_nobody[42..48].fill(0);
    from_nobody[48..54].fill(0);
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("zeros.pcap");
    write_pcap(&capture, &[&whole, &from_nobody, &to_nobody]);
    let guessed = Guessed::from(capture.to_str().expect("UTF-8"));
    let macs: Vec<_> = guessed.guests().values().map(|guest| guest.0).collect();
    assert_eq!(macs.len(), 2, "{macs:?}");
    assert!(!macs.contains(&"000000000000"), "{macs:?}");
    let notes = guessed.summary["notes"].as_array().expect("notes");
    let of_zeros = |note: &&Value| field(note, "text").starts_with("MAC 000000000000 ");
    let note = notes.iter().find(of_zeros).expect("a note");
    assert!(field(note, "text").contains("2 times"), "{note}");
    assert_eq!(note["frame"], 2);
}

#[test]
fn a_provider_address_that_never_sent_a_frame_is_to_be_looked_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("one-way.pcap");
    write_pcap(&capture, &[one_way()]);
    let silent = " never sent a frame: perhaps nobody owns it";
    let ran = init(&capture, &folder.path().join("s"), &[]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let (_, to_look_at) = ran.stdout.split_once("\nTo look at\n").expect("notes");
    assert!(
        to_look_at.contains(&format!("  192.0.2.2{silent} (frame 1)\n")),
        "{to_look_at}"
    );
    assert_eq!(to_look_at.matches(silent).count(), 1, "{to_look_at}");

    let both_ways = Guessed::from("kernel/kernel-gretap-two-vsid.pcap");
    assert!(!both_ways.summary["notes"].to_string().contains(silent));
}

#[test]
fn the_same_capture_gives_the_same_files() {
    let (first, second) = (
        Guessed::from("scapy/scapy-shared-valid.pcap"),
        Guessed::from("scapy/scapy-shared-valid.pcap"),
    );
    for file in [
        "scenario.toml",
        "policy/host-192.0.2.11.ps1",
        "policy/host-192.0.2.12.ps1",
    ] {
        assert_eq!(first.text(file), second.text(file), "{file}");
    }
}

#[test]
fn people_are_told_what_was_found_what_was_guessed_and_what_to_run_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let capture = pcaps().join("kernel/kernel-gretap-two-vsid.pcap");
    let ran = init(&capture, &folder.path().join("s"), &[]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let scenario = folder.path().join("s/scenario.toml");
    for part in [
        "530 frames, 518 of them NVGRE",
        "\nFound\n",
        "\nGuessed\n",
        "VSID 445566, on-link 10.1.0.0/24, fd00:1::/64, fe80::/64",
        &format!(
            "\nNext\n  nvgre replay {} -r {}\n",
            scenario.display(),
            capture.display()
        ),
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
}

#[test]
fn without_a_folder_the_captures_name_gives_one_where_the_command_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let capture = fs::canonicalize(pcaps().join("kernel/kernel-ip6gretap.pcap")).expect("a file");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_nvgre"))
        .args([Path::new("init"), Path::new("-r"), &capture])
        .current_dir(folder.path())
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        folder
            .path()
            .join("kernel-ip6gretap-scenario/scenario.toml")
            .is_file()
    );
}

#[test]
fn files_that_are_there_already_are_left_alone_with_exit_6() {
    let capture = pcaps().join("kernel/kernel-ip6gretap.pcap");
    for existing in ["scenario.toml", "policy/host-2001-db8-1--1.ps1"] {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join(existing);
        fs::create_dir_all(own.parent().expect("a parent")).expect("a folder");
        fs::write(&own, "mine").expect("a file");
        let ran = init(&capture, folder.path(), &[]);
        ran.failed_saying(6, &[existing, "is there already", "-o"]);
        assert_eq!(fs::read_to_string(&own).expect("a file"), "mine");
        let others = entries(folder.path());
        assert_eq!(others, [existing], "nothing else was written");
    }
}

#[test]
fn a_capture_that_breaks_off_gives_exit_3_and_no_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(pcaps().join("kernel/kernel-ip6gretap.pcap")).expect("a capture");
    let cut = folder.path().join("cut.pcap");
    fs::write(&cut, &whole[..whole.len() - 7]).expect("a file");
    let ran = init(&cut, &folder.path().join("s"), &[]);
    ran.failed_saying(3, &["cut.pcap", "packet 98", "nothing was written"]);
    assert!(!folder.path().join("s").exists());
}

#[test]
fn a_capture_that_is_not_there_gives_exit_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = init(
        &folder.path().join("absent.pcap"),
        &folder.path().join("s"),
        &[],
    );
    ran.failed_saying(3, &["absent.pcap"]);
}

#[test]
fn a_link_type_that_is_not_looked_into_is_refused_by_name_with_exit_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("ppp.pcap");
    // draft-ietf-opsawg-pcap: header with link type 9 (PPP), one record of one byte.
    let mut bytes = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0,
    ];
    bytes.extend([9, 0, 0, 0]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0x55]);
    fs::write(&capture, bytes).expect("a file");
    let ran = init(&capture, &folder.path().join("s"), &[]);
    ran.failed_saying(3, &["packet 1", "link type ppp (9) is not supported"]);
}

// README of pcaps: near misses, and Ethernet without any guest.
#[test]
fn a_capture_that_shows_no_guest_gives_exit_4_the_reason_and_no_files() {
    for (capture, reason) in [
        ("kernel/kernel-gretap-nokey.pcap", "gre_key_absent"),
        ("kernel/kernel-gretap-csumseq-both.pcap", "gre_checksum_bit"),
        ("kernel/kernel-erspan-v1-typeII.pcap", "gre_sequence_bit"),
        ("kernel/kernel-gre-l3-key.pcap", "gre_protocol"),
        ("scapy/scapy-shared-outer-fragments.pcap", "outer_fragment"),
        (
            "kernel/kernel-gre-l3-inner-sll.pcap",
            "no frame shows a guest",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let ran = init(&pcaps().join(capture), &folder.path().join("s"), &[]);
        ran.failed_saying(4, &[reason, "nothing was written"]);
        assert!(!folder.path().join("s").exists(), "{capture}");
    }
}

/// Files below a folder, by their names within it.
fn entries(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                let name = path.strip_prefix(folder).expect("below it");
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_stale_record_is_named_although_only_receiving_hosts_were_captured() {
    let case = Guessed::from("kernel/kernel-gretap-two-vsid.pcap");
    let script = "policy/host-192.0.2.1.ps1";
    // Wherever the other guest's frames come from now, this host believes another address.
    let lines = case.text(script).replace(
        "-MACAddress \"00155D02020A\" -ProviderAddress \"192.0.2.2\"",
        "-MACAddress \"00155D02020A\" -ProviderAddress \"192.0.2.9\"",
    );
    let line = 1 + lines
        .lines()
        .position(|line| line.contains("445566 -CustomerAddress \"10.1.0.2\""))
        .expect("a record");
    fs::write(case.folder.path().join("s").join(script), lines).expect("a file");
    let place = format!("{script}:{line}:1");
    let scenario = case.scenario();
    let (scenario, capture) = (scenario.to_string_lossy(), case.capture.to_string_lossy());

    let filter = "reason == unknown_peer";
    let ran = nvgre(["replay", &*scenario, "-r", &*capture, "--filter", filter]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let record =
        "    record   10.1.0.2 in VSID 445566 is at 192.0.2.9, says the table of host-192.0.2.1\n";
    assert!(ran.stdout.contains(record), "{}", ran.stdout);
    let mut told = ran
        .stdout
        .lines()
        .filter(|line| line.contains(": dropped at host-192.0.2.1: unknown_peer"));
    let first = told.next().expect("a listed frame");
    let clause = "unknown_peer; record 10.1.0.2 at 192.0.2.9 (";
    assert!(first.contains(clause) && first.contains(&place), "{first}");

    // Frame 37 is an ARP reply; frame 9 comes from the unspecified address, and its MAC alone tells.
    for number in [37, 9] {
        let frame = format!("{capture}:{number}");
        let ran = nvgre(["trace", &*scenario, "--frame", &frame]);
        assert_eq!(ran.exit, 1, "{}", ran.stderr);
        let near = "near miss    the record of 10.1.0.2 in VSID 445566 says PA 192.0.2.9; the packet came from \
                    192.0.2.2, of host-192.0.2.2, written at ";
        let near = ran.stdout.lines().find(|line| line.starts_with(near));
        assert!(
            near.is_some_and(|near| near.ends_with(&place)),
            "{}",
            ran.stdout
        );
        let last = ran.stdout.lines().last().expect("a line");
        let decided = "; decided by: record of 10.1.0.2 in VSID 445566 on host-192.0.2.1, ";
        assert!(last.contains(decided) && last.ends_with(&place), "{last}");
    }
}
