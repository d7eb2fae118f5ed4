//! `nvgre pcap info`: every capture of the ground truth, against what tshark reads in it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::truth::{Row, counts, more_captures, table};
use common::{Ran, nvgre, pcaps};
use serde_json::Value;

const SCHEMA: &str = "nvgre.pcap-info/1";
const KEYS: &[&str] = &[
    "schema",
    "file",
    "format",
    "packets",
    "bytes",
    "link_types",
    "nvgre_frames",
    "vsids",
    "gre_other",
    "error",
];

/// Files whose packets or bytes are read otherwise than by tshark, and why. Whatever is not in the
/// exception agrees.
struct Exception {
    file: &'static str,
    packets: u64,
    bytes: u64,
    why: &'static str,
}

const NO_LINK: &str = "tshark counts the bytes of custom blocks, which are no packets";
const SUN_ATM: &str = "tshark takes the 4-byte SunATM pseudo header out of the lengths";
const CLAMPED: &str = "tshark clamps original lengths to 2^31-1";
const ANY_LINK: &str = "tshark refuses files of link types it does not know; all are counted here";

const EXCEPTIONS: &[Exception] = &[
    exception("container/hadrielk-be-basic-test017.pcapng", 0, 0, NO_LINK),
    exception(
        "container/hadrielk-le-advanced-test102.pcapng",
        5,
        1_480,
        NO_LINK,
    ),
    exception(
        "container/hadrielk-le-basic-test018.pcapng",
        4,
        1_312,
        NO_LINK,
    ),
    exception(
        "container/hadrielk-le-difficult-test202.pcapng",
        8,
        2_304,
        NO_LINK,
    ),
    exception(
        "malformed/ndpi-fuzz-2021-06-07-c6c72a0a56.pcap",
        1,
        4_093_509_168,
        CLAMPED,
    ),
    exception(
        "malformed/tcpdump-atm-heapoverflow.pcap",
        1,
        262_144,
        SUN_ATM,
    ),
    exception(
        "malformed/tcpdump-atm-oam-heapoverflow.pcap",
        1,
        262_144,
        SUN_ATM,
    ),
    exception(
        "malformed/tcpdump-atm-oam-loopback-print-overrun.pcap",
        1,
        65_622,
        SUN_ATM,
    ),
    exception(
        "malformed/tcpdump-juniper_es_oobr.pcap",
        1,
        262_144,
        ANY_LINK,
    ),
    exception(
        "malformed/tcpdump-juniper_monitor_invalid_cookie_length.pcap",
        1,
        82,
        ANY_LINK,
    ),
    exception("malformed/tcpdump-vtp_asan-2.pcap", 1, 262_144, ANY_LINK),
    exception("malformed/tcpdump-vtp_asan.pcap", 5, 524_288, ANY_LINK),
];

const fn exception(file: &'static str, packets: u64, bytes: u64, why: &'static str) -> Exception {
    Exception {
        file,
        packets,
        bytes,
        why,
    }
}

/// Frames whose outermost IP header carries GRE that is not 0x6558 with a whole key, as tshark
/// 4.0.17 reads them with the options of `truth.sh`: in `frame.protocols`, "gre" follows the first
/// "ip" or "ipv6" (behind "ipv6.*"), and `gre.flags_and_version` is there. Other files have none.
const GRE_OTHER: &[(&str, u64)] = &[
    ("gre-other/deepflow-decapsulate_erspan1.pcap", 1_029),
    ("gre-other/packetlife-mGRE_ICMP.cap", 24),
    ("gre-other/ppp-GrePackets.cap", 17),
    ("gre-other/suricata-bug-5437-01-input.pcap", 2),
    ("gre-other/suricata-decode-erspan-typeII-01-input.pcap", 6),
    ("gre-other/suricata-security-8550-input.pcap", 1),
    ("gre-other/tcpdump-NHRP_registration.pcap", 4),
    ("gre-other/tcpdump-erspan-type-i-4.pcap", 96),
    ("gre-other/tcpdump-erspan-type-ii-2.pcap", 16),
    ("gre-other/tcpdump-erspan-type-iii-ft-7.pcap", 58),
    ("gre-other/tcpdump-ios_nhrp.pcap", 1),
    ("gre-other/tcpdump-pptp.pcap", 1),
    ("gre-other/tcpdump-various_gre.pcap", 30),
    ("gre-other/tcpdump-wccp_redirect_gre.pcap", 1),
    ("gre-other/zeek-erspanI.pcap", 10),
    ("gre-other/zeek-erspanIII.pcap", 2),
    ("gre-other/zeek-gre-aruba-amsdu.pcap", 1),
    ("gre-other/zeek-gre-aruba-ccmp.pcap", 2),
    ("gre-other/zeek-gre-sample.pcap", 40),
    ("gre-other/zeek-gre-within-gre.pcap", 628),
    ("kernel/kernel-erspan-v1-typeII.pcap", 19),
    ("kernel/kernel-erspan-v2-typeIII.pcap", 18),
    ("kernel/kernel-gre-l3-csum-seq-nokey.pcap", 6),
    ("kernel/kernel-gre-l3-key.pcap", 17),
    ("kernel/kernel-gretap-nokey.pcap", 26),
    ("nvgre/suricata-bug-2576-01-temp6.pcap", 15),
    ("scapy/scapy-shared-cut.pcap", 5),
    ("scapy/scapy-shared-wrong.pcap", 15),
    ("tenant/mercury-capture2.pcap", 17),
];

/// What one file holds, told by us or by tshark.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    packets: u64,
    bytes: u64,
    /// Those that tshark and we have a common name for.
    link_types: BTreeMap<String, u64>,
    nvgre_frames: u64,
    vsids: BTreeMap<String, u64>,
    gre_other: u64,
    whole: bool,
}

impl Contents {
    fn ours(line: &Value) -> Self {
        let number = |key: &str| line[key].as_u64().expect("a number");
        let map = |key: &str| -> BTreeMap<String, u64> {
            serde_json::from_value(line[key].clone()).expect("a map of counts")
        };
        Self {
            packets: number("packets"),
            bytes: number("bytes"),
            link_types: named(map("link_types")),
            nvgre_frames: number("nvgre_frames"),
            vsids: map("vsids"),
            gre_other: number("gre_other"),
            whole: line["error"].is_null(),
        }
    }

    fn theirs(row: &Row) -> Self {
        let number = |column: &str| row[column].parse::<u64>().expect("a number");
        let mut link_types = counts(&row["link"]);
        let no_link = link_types.remove("no-link").unwrap_or(0);
        let file = row["file"].as_str();
        let gre_other = GRE_OTHER.iter().find(|(name, _)| *name == file);
        let mut contents = Self {
            packets: number("packets") - no_link,
            bytes: number("wire_bytes"),
            link_types: named(link_types),
            nvgre_frames: number("outer_teb_key"),
            vsids: counts(&row["outer_vsids"]),
            gre_other: gre_other.map_or(0, |(_, frames)| *frames),
            whole: row["status"] == "ok",
        };
        if let Some(exception) = EXCEPTIONS.iter().find(|exception| exception.file == file) {
            contents.packets = exception.packets;
            contents.bytes = exception.bytes;
            contents.whole = true;
        }
        contents
    }
}

/// tshark numbers the link types that `truth.sh` has no name for, with numbers of its own.
fn named(link_types: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    link_types
        .into_iter()
        .filter(|(name, _)| !name.starts_with("encap-") && !name.starts_with("linktype-"))
        .collect()
}

/// Compares every file of a folder's table in one run; gives how many there were.
fn compare(folder: &Path) -> usize {
    let rows = table(&folder.join("truth.tsv"));
    let files = rows.iter().map(|row| folder.join(&row["file"]));
    let mut arguments = vec!["pcap".into(), "info".into(), "--json".into()];
    arguments.extend(files.map(|file| file.into_os_string()));
    let ran = nvgre(arguments);
    let lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(lines.len(), rows.len(), "one line a file");
    let mut differences = Vec::new();
    let mut damaged = 0;
    for (row, line) in rows.iter().zip(&lines) {
        let file = &row["file"];
        let path = line["file"].as_str().expect("a name");
        assert!(path.ends_with(file.as_str()), "{path} stands for {file}");
        let (ours, theirs) = (Contents::ours(line), Contents::theirs(row));
        if ours != theirs {
            differences.push(format!(
                "{file}: {}\n  ours   {ours:?}\n  theirs {theirs:?}",
                line["error"]
            ));
        }
        if let Some(error) = line["error"].as_str() {
            damaged += 1;
            assert!(ran.stderr.contains(&format!("{path}: {error}\n")), "{file}");
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(
        ran.stderr.lines().count(),
        damaged,
        "one message a damaged file"
    );
    assert_eq!(ran.exit, if damaged == 0 { 0 } else { 3 });
    rows.len()
}

#[test]
fn every_committed_capture_holds_what_tshark_finds() {
    assert!(compare(&pcaps()) >= 34, "25 of the kernel and 9 of Scapy");
}

#[test]
fn every_capture_of_the_named_folder_holds_what_tshark_finds() {
    let Some(folder) = more_captures() else {
        return;
    };
    assert!(compare(&folder) > 300, "that table has more rows");
    let exceptions = EXCEPTIONS
        .iter()
        .map(|exception| (exception.file, exception.why));
    for (file, why) in exceptions.chain(GRE_OTHER.iter().map(|(file, _)| (*file, "other GRE"))) {
        assert!(folder.join(file).exists(), "{file} is gone ({why})");
    }
}

#[test]
fn the_text_says_format_link_types_and_frames_per_vsid() {
    let file = pcaps().join("kernel/kernel-gretap-two-vsid.pcap");
    let ran = nvgre(["pcap".as_ref(), "info".as_ref(), file.as_os_str()]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = ran.stdout.lines().map(str::trim).collect();
    assert_eq!(lines[0], file.to_str().expect("UTF-8"));
    for line in [
        "format        pcap",
        "packets       530",
        "link types    ethernet: 530",
        "NVGRE frames  518",
        "VSIDs         445566: 280",
        "445567: 238",
        "other GRE     0",
    ] {
        assert!(lines.contains(&line), "{line:?} in\n{}", ran.stdout);
    }
}

#[test]
fn the_text_marks_reserved_vsids_and_link_types_that_are_only_counted() {
    let wrong = pcaps().join("scapy/scapy-shared-wrong.pcap");
    let ran = nvgre(["pcap".as_ref(), "info".as_ref(), wrong.as_os_str()]);
    let reserved = ran
        .stdout
        .lines()
        .filter(|line| line.ends_with(": 1 (reserved)"));
    assert_eq!(
        reserved.count(),
        4,
        "0, 1, 4095 and 16777215:\n{}",
        ran.stdout
    );

    let folder = tempfile::tempdir().expect("a folder");
    let ppp = folder.path().join("ppp.pcapng");
    let mut writer = nvgre_capture::Writer::create(&ppp).expect("a file");
    let link = nvgre_capture::LinkType::PPP;
    let line = writer.add_interface("line", link, 0).expect("an interface");
    writer
        .write(line, 1, &[0xff; 20], 20, None)
        .expect("written");
    writer.finish().expect("whole");
    let ran = nvgre(["pcap".as_ref(), "info".as_ref(), ppp.as_os_str()]);
    assert_eq!(ran.exit, 0);
    assert!(ran.stdout.contains("ppp: 1\n"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("1 packets counted only"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_cut_file_gives_what_was_whole_then_one_message_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = folder.path().join("cut.pcap");
    let whole = fs::read(pcaps().join("scapy/scapy-shared-sll.pcap")).expect("a capture");
    // The second record begins behind the 24-byte header, and its own 16 and the first one's bytes.
    let first_len = u32::from_le_bytes(whole[32..36].try_into().expect("4 bytes"));
    let second = 24 + 16 + u64::from(first_len);
    fs::write(&cut, &whole[..second as usize + 20]).expect("written");
    let place = format!("packet 2 at byte {second}");

    let json = nvgre([
        "pcap".as_ref(),
        "info".as_ref(),
        "--json".as_ref(),
        cut.as_os_str(),
    ]);
    json.failed_saying(3, &["cut.pcap", &place, "cut short"]);
    let [line] = &json.json_lines(SCHEMA, KEYS)[..] else {
        panic!("not one line: {}", json.stdout);
    };
    assert_eq!(
        (&line["packets"], &line["nvgre_frames"]),
        (&1.into(), &1.into())
    );
    assert!(line["error"].as_str().expect("a text").contains(&place));

    let text = nvgre(["pcap".as_ref(), "info".as_ref(), cut.as_os_str()]);
    text.failed_saying(3, &["cut.pcap", &place]);
    assert!(
        text.stdout.contains("1, before the error\n"),
        "{}",
        text.stdout
    );
}

#[test]
fn of_several_files_those_behind_an_unreadable_one_are_still_done() {
    let good = pcaps().join("scapy/scapy-shared-sll.pcap");
    let ran = nvgre([
        "pcap".as_ref(),
        "info".as_ref(),
        "--json".as_ref(),
        "no-such-file.pcap".as_ref(),
        good.as_os_str(),
    ]);
    ran.failed_saying(3, &["no-such-file.pcap: cannot be opened"]);
    let lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(lines.len(), 2);
    assert!(lines[0]["format"].is_null() && lines[0]["error"].is_string());
    assert!(lines[1]["format"] == "pcap" && lines[1]["packets"] == 5);
}

#[test]
fn a_minus_is_stdin_and_no_file_is_a_wrong_command_line() {
    let capture = fs::File::open(pcaps().join("scapy/scapy-shared-sll.pcap")).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_nvgre"))
        .args(["pcap", "info", "--json", "-"])
        .stdin(Stdio::from(capture))
        .output()
        .expect("the command starts");
    let ran = Ran::of(output);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert_eq!(ran.json_lines(SCHEMA, KEYS)[0]["packets"], 5);

    assert_eq!(nvgre(["pcap", "info"]).exit, 2, "never stdin unasked");
}
