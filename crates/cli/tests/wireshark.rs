//! What Wireshark users filter by: comments and ids of an annotated capture, and the fields of
//! `wireshark/nvgre.lua`. tshark is asked; skipped where there is none, or none with Lua.

mod common;

use std::path::Path;
use std::process::Command;

use common::replay::{RED, STORY, number, replay, replay_json, story_with, text};
use common::{pcaps, write_pcap};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wireshark/nvgre.lua");

/// tshark without anybody's own plugins.
struct Tshark {
    home: tempfile::TempDir,
}

impl Tshark {
    /// `None` where there is no tshark that runs Lua.
    fn with_lua() -> Option<Self> {
        let version = Command::new("tshark").arg("--version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        match version {
            Ok(version) if version.contains("with Lua") => Some(Self {
                home: tempfile::tempdir().expect("a folder"),
            }),
            Ok(_) => {
                println!("skipped: this tshark has no Lua");
                None
            }
            Err(_) => {
                println!("skipped: tshark is not installed");
                None
            }
        }
    }

    /// Rows of these fields of the packets that match.
    fn rows(&self, lua: bool, file: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        let mut tshark = Command::new("tshark");
        tshark
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.home.path());
        if lua {
            tshark.args(["-X", &format!("lua_script:{SCRIPT}")]);
        }
        tshark
            .arg("-n")
            .arg("-r")
            .arg(file)
            .args(["-Y", filter, "-T", "fields"]);
        tshark.args(fields.iter().flat_map(|field| ["-e", field]));
        let output = tshark.output().expect("tshark runs");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaints}");
        assert!(!complaints.contains("Lua"), "{complaints}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect()
    }
}

/// The ping of the story, written hop by hop, where Red22's record is missing.
fn without_record() -> (tempfile::TempDir, std::path::PathBuf) {
    let missing =
        "Get-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord\n";
    let folder = story_with(missing);
    let file = folder.path().join("out.pcapng");
    let (scenario, capture) = (
        folder.path().join("scenario.toml"),
        folder.path().join("ping.pcap"),
    );
    let more = ["--stage", "broken", "-w", text(&file)];
    replay_json(0, text(&scenario), &[text(&capture)], &more);
    (folder, file)
}

const COMMENT: &str = "frame 1, Red11 -> Red22, VSID 445566: dropped at Statler: no_lookup_record; \
                       asked for a record of 192.168.1.22 in VSID 445566";

#[test]
fn a_filter_on_comments_finds_what_died_and_reads_why() {
    let Some(tshark) = Tshark::with_lua() else {
        return;
    };
    let (_folder, file) = without_record();
    let filter = "frame.comment contains \"no_lookup_record\"";
    let fields = ["frame.interface_name", "frame.packet_id", "frame.comment"];
    let rows = tshark.rows(false, &file, filter, &fields);
    assert_eq!(rows, [["port Red11", "1", COMMENT]]);
}

#[test]
fn one_packet_id_is_one_walk_hop_by_hop() {
    let Some(tshark) = Tshark::with_lua() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcapng");
    replay_json(0, STORY, &[RED], &["-w", text(&file)]);
    let fields = [
        "frame.interface_name",
        "frame.packet_flags_direction",
        "nvgre.vsid",
    ];
    let filter = "icmp && nvgre.verdict == \"delivered\"";
    let pings = tshark.rows(true, &file, filter, &["frame.packet_id"]);
    let id = &pings.first().expect("a ping")[0];
    let rows = tshark.rows(true, &file, &format!("frame.packet_id == {id}"), &fields);
    let (outbound, inbound) = ("0x00000002", "0x00000001");
    // Who asks first, Red11 or Red22, is the capture's affair.
    let [from, to] = match rows[0][0].as_str() {
        "port Red11" => [("Red11", "Statler"), ("Red22", "Waldorf")],
        _ => [("Red22", "Waldorf"), ("Red11", "Statler")],
    };
    let walk = [
        [&format!("port {}", from.0), outbound, ""],
        [&format!("uplink {}", from.1), outbound, "445566"],
        ["underlay", "", "445566"],
        [&format!("uplink {}", to.1), inbound, "445566"],
        [&format!("port {}", to.0), inbound, ""],
    ];
    assert_eq!(rows, walk);
}

#[test]
fn what_the_comment_says_are_fields_to_filter_by() {
    let Some(tshark) = Tshark::with_lua() else {
        return;
    };
    let (_folder, file) = without_record();
    let fields = [
        "nvgre.verdict",
        "nvgre.reason",
        "nvgre.host",
        "nvgre.record",
    ];
    let rows = tshark.rows(true, &file, "nvgre.reason == \"no_lookup_record\"", &fields);
    assert_eq!(rows, [["dropped", "no_lookup_record", "Statler", ""]]);

    // Of a whole capture, every comment is understood, and as the report has it.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.pcapng");
    for stage in ["broken", "repaired"] {
        let more = ["--stage", stage, "-w", text(&file)];
        let report = replay_json(0, STORY, &[RED], &more);
        let understood = "nvgre.verdict && nvgre.host";
        let all = tshark.rows(true, &file, "frame", &["frame.number"]).len();
        let read = tshark
            .rows(true, &file, understood, &["frame.number"])
            .len();
        assert_eq!(read, all, "{stage}");
        for verdict in ["delivered", "dropped", "consumed"] {
            let filter = format!("nvgre.verdict == \"{verdict}\"");
            let mut ids = tshark.rows(true, &file, &filter, &["frame.packet_id"]);
            ids.dedup();
            assert_eq!(
                ids.len() as u64,
                number(&report["frames"][verdict]),
                "{verdict}"
            );
        }
        for drop in report["drops"].as_array().expect("a list") {
            let (reason, host) = (drop["reason"].as_str(), drop["host"].as_str());
            let (reason, host) = (reason.expect("a name"), host.expect("a name"));
            let filter = format!(
                "nvgre.reason == \"{reason}\" && nvgre.host == \"{host}\" && frame.packet_id == {}",
                drop["first_frame"]
            );
            let rows = tshark.rows(true, &file, &filter, &["nvgre.record"]);
            let place = drop["record"]["place"].as_str().expect("a place");
            let record = &rows.first().expect("the first drop")[0];
            assert!(record.ends_with(&format!("({place})")), "{record}");
        }
    }
}

#[test]
fn vsid_and_flow_id_are_read_from_the_key_of_any_capture() {
    let Some(tshark) = Tshark::with_lua() else {
        return;
    };
    for (name, vsids) in [
        ("kernel-gretap-two-vsid.pcap", &[445_566, 445_567][..]),
        ("kernel-ip6gretap.pcap", &[445_566, 445_567]),
        ("kernel-gretap-multi-if.pcapng", &[445_566, 445_567]),
        // A checksum stands between protocol and key.
        ("kernel-gretap-csumseq-both.pcap", &[445_566]),
        ("kernel-gretap-outer-vlan.pcap", &[445_566]),
        ("kernel-gretap-two-vsid-snap96.pcap", &[445_566, 445_567]),
        // GRE that is no NVGRE: another protocol with a key, none, and no GRE.
        ("kernel-gre-l3-key.pcap", &[]),
        ("kernel-gretap-nokey.pcap", &[]),
        ("kernel-vxlan-same-id.pcap", &[]),
    ] {
        let file = pcaps().join("kernel").join(name);
        let keys = tshark.rows(false, &file, "gre.proto == 0x6558 && gre.key", &["gre.key"]);
        let keys = keys.iter().map(|row| {
            let key = row[0].split(',').next().expect("a key");
            u32::from_str_radix(key.trim_start_matches("0x"), 16).expect("hexadecimal")
        });
        let expected: Vec<_> = keys.map(|key| (key >> 8, key & 0xff)).collect();
        let fields = ["nvgre.vsid", "nvgre.flow_id"];
        let rows = tshark.rows(true, &file, "nvgre.vsid", &fields);
        let read = |text: &str| -> u32 {
            let first = text.split(',').next().expect("a value");
            first.parse().expect("a number")
        };
        let found: Vec<_> = rows
            .iter()
            .map(|row| (read(&row[0]), read(&row[1])))
            .collect();
        assert_eq!(found, expected, "{name}");
        for vsid in vsids {
            let filter = format!("nvgre.vsid == {vsid}");
            let matched = tshark.rows(true, &file, &filter, &["frame.number"]).len();
            let counted = expected.iter().filter(|(of_key, _)| of_key == vsid).count();
            assert!(counted > 0, "{name}");
            assert_eq!(matched, counted, "{name}");
        }
        let verdicts = tshark.rows(true, &file, "nvgre.verdict", &["frame.number"]);
        assert!(verdicts.is_empty(), "{name} has no comments");
    }
}

/// Names hold whatever an administrator likes, what separates the parts of a comment too.
#[test]
fn a_comment_is_understood_whatever_guests_hosts_and_files_are_called() {
    let Some(tshark) = Tshark::with_lua() else {
        return;
    };
    for (guest, host, policy) in [
        ("r: 1", "Rack 7 at h1", "a; b.ps1"),
        ("a -> b", "dropped at x: y", "a (b), c.ps1"),
        ("a; record 1 at 2 (3)", "h1; answered by h2", "a at b.ps1"),
        ("say \"hi\" to \\", "\"h1\"", "é: a.ps1"),
        ("up at", "at x:", "p; record 1 at 2 (x).ps1"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let quoted = |name: &str| serde_json::to_string(name).expect("a string");
        let mut scenario =
            "name = \"names\"\n[[tenant]]\nname = \"Red\"\nvirtual_subnets = [5001]\n\
             routing_domain = \"{5d2f6a10-0000-4000-8000-00000000000a}\"\n"
                .to_owned();
        scenario += &format!(
            "[[host]]\nname = {host}\nswitch = \"VMs\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C0000201\"\npolicy = [{policy}]\n",
            host = quoted(host),
            policy = quoted(policy)
        );
        for (name, last) in [(guest, 5), ("r2", 6)] {
            scenario += &format!(
                "[[guest]]\nname = {}\ntenant = \"Red\"\nhost = {}\nmac = \"00155D00000{last}\"\n\
                 addresses = [\"10.0.1.{last}/24\"]\nvirtual_subnet = 5001\n",
                quoted(name),
                quoted(host)
            );
        }
        let script = "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
             New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.1 -InterfaceIndex 2 -PrefixLength 24\n\
             New-NetVirtualizationCustomerRoute -RoutingDomainID \"{5d2f6a10-0000-4000-8000-00000000000a}\" \
             -VirtualSubnetID 5001 -DestinationPrefix 10.0.1.0/24 -NextHop 0.0.0.0 -Metric 255\n";
        let records = [(5, 1), (6, 1), (9, 9)].map(|(last, host)| {
            format!(
                "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.1.{last} -VirtualSubnetID 5001 \
                 -MACAddress 00155D00000{last} -ProviderAddress 192.0.2.{host} -Rule TranslationMethodEncap\n"
            )
        });
        let script = format!("{script}{}", records.concat());
        std::fs::write(folder.path().join(policy), script).expect("a file");
        let file = folder.path().join("s.toml");
        std::fs::write(&file, scenario).expect("a file");
        // There and back, and to one that is said to be on a host that nobody is.
        let frames = [(5, 6), (6, 5), (5, 9)].map(|(from, to)| frame(from, to));
        let capture = folder.path().join("in.pcap");
        write_pcap(&capture, &frames);
        let out = folder.path().join("out.pcapng");
        let ran = replay(text(&file), &[text(&capture)], &["-w", text(&out)]);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        let policy = folder.path().join(policy).display().to_string();
        let record = format!("10.0.1.9 at 192.0.2.9 ({policy}:6:1)");
        let fields = [
            "frame.packet_id",
            "nvgre.verdict",
            "nvgre.reason",
            "nvgre.host",
            "nvgre.record",
        ];
        let mut rows = tshark.rows(true, &out, "frame", &fields);
        rows.dedup();
        let expected = [
            ["1", "delivered", "", host, ""],
            ["2", "delivered", "", host, ""],
            ["3", "dropped", "underlay_no_owner", host, &record],
        ];
        assert_eq!(rows, expected, "{guest}, {host}");
    }
}

/// A frame between guests of one subnet, by the last bytes of their MACs; its ethertype is for
/// experiments (IEEE 802, local experimental 1).
fn frame(from: u8, to: u8) -> Vec<u8> {
    let mac = |last| [0x00, 0x15, 0x5d, 0x00, 0x00, last];
    [&mac(to)[..], &mac(from), &[0x88, 0xb5], &[0; 46]].concat()
}
