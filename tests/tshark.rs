//! tshark reads what a replay writes, and finds nothing wrong with it. Skipped where there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use etherparse::PacketBuilder;
use nvgre_capture::{LinkType, Packet, PacketOptions, Reader, Writer};
use nvgre_sim::{MapFile, Model, Replay, Scenario};

fn pcaps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps")
}

fn has_tshark() -> bool {
    let there = Command::new("tshark")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success());
    if !there {
        println!("skipped: tshark is not installed");
    }
    there
}

/// `frame.packet_flags_direction`, as tshark prints it.
const INBOUND: &str = "0x00000001";
const OUTBOUND: &str = "0x00000002";

/// A case as it stands after its last stage (`stages`: after so many), with its scenario edited.
fn model(case: &str, stages: usize, edit: impl Fn(String) -> String) -> Model {
    let folder = pcaps().join(case);
    let text = fs::read_to_string(folder.join("scenario.toml")).expect("a scenario");
    let scenario = Scenario::parse("scenario.toml", &edit(text)).expect("no mistakes");
    let stages = stages.min(scenario.stages.len());
    let mut model = Model::new(scenario, &|file| fs::read_to_string(folder.join(file)))
        .unwrap_or_else(|error| panic!("{error}"));
    for stage in 0..stages {
        model.enter_stage(stage).expect("a stage");
    }
    model
}

/// What a replay wrote, removed at the end.
struct Output {
    path: PathBuf,
}

impl Drop for Output {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
    }
}

impl Output {
    fn of(name: &str, model: Model, map: &str, feed: impl FnOnce(&mut Replay)) -> Self {
        let file = format!("nvgre-tshark-{}-{name}.pcapng", std::process::id());
        let path = std::env::temp_dir().join(file);
        let map = MapFile::parse("map.toml", map, model.scenario()).expect("no mistakes");
        let mut replay = Replay::new(model, map);
        replay
            .write_to(Writer::create(&path).expect("a file"))
            .expect("interfaces");
        feed(&mut replay);
        replay.finish().expect("it is whole");
        assert!(
            replay.report().frames.delivered > 0,
            "{:?}",
            replay.report()
        );
        Self { path }
    }

    fn fields(&self, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        fields_of(&self.path, filter, fields)
    }

    /// Nothing is wrong with any frame, unless it is wrong with the frame of the input that it was.
    #[track_caller]
    fn assert_clean(&self, also: &str, input: Option<&Path>) {
        let filter = format!("_ws.malformed || ip.checksum.status == \"Bad\"{also}");
        let numbers = |path: &Path| fields_of(path, &filter, &["frame.number"]);
        let wrong_before: BTreeSet<String> = input
            .map(numbers)
            .into_iter()
            .flatten()
            .map(|row| row[0].clone())
            .collect();
        let mut bad = self.fields(&filter, &["frame.comment", "_ws.col.Info"]);
        bad.retain(|row| {
            let number = row[0].trim_start_matches("frame ").split(',').next();
            number.is_none_or(|number| !wrong_before.contains(number))
        });
        assert!(bad.is_empty(), "{bad:?}");
    }

    /// Each interface is a tap, and each packet's way and comment fit its interface: what came to a
    /// port as the last of its walk is what the comment says was delivered there.
    #[track_caller]
    fn assert_told(&self) {
        let rows = self.fields(
            "frame",
            &[
                "frame.interface_name",
                "frame.packet_flags_direction",
                "frame.packet_id",
                "frame.comment",
            ],
        );
        assert!(!rows.is_empty());
        for row in rows {
            let [interface, direction, id, comment] = row.as_slice() else {
                panic!("{row:?}");
            };
            assert!(comment.starts_with(&format!("frame {id}, ")), "{row:?}");
            let said = comment.split_once(": ").expect("frame N, ends: what").1;
            let verdict = ["delivered to ", "dropped at ", "consumed at "];
            assert!(verdict.iter().any(|word| said.starts_with(word)), "{row:?}");
            let fits = match (interface.split_once(' '), direction.as_str()) {
                (Some(("port", name)), INBOUND) => {
                    said.starts_with(&format!("delivered to {name} at "))
                        || said.contains("; answered by ")
                }
                (Some(("port" | "uplink", _)), OUTBOUND) | (Some(("uplink", _)), INBOUND) => true,
                (None, "") => interface == "underlay",
                _ => false,
            };
            assert!(fits, "{row:?}");
        }
    }

    /// VSID and FlowID of every frame that was sent into the underlay, by interface.
    fn keys(&self) -> BTreeMap<String, BTreeSet<(u32, u8)>> {
        let mut keys: BTreeMap<String, BTreeSet<(u32, u8)>> = BTreeMap::new();
        for row in self.fields(
            "frame.interface_name contains \"uplink\" && frame.packet_flags_direction == 2 && gre",
            &["frame.interface_name", "gre.key"],
        ) {
            let key = row[1].trim_start_matches("0x");
            let key = u32::from_str_radix(key, 16).expect("hexadecimal");
            let key = (key >> 8, (key & 0xff) as u8);
            keys.entry(row[0].clone()).or_default().insert(key);
        }
        keys
    }
}

/// Rows of these fields of the frames that match, tab-separated columns.
fn fields_of(path: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut tshark = Command::new("tshark");
    // Checksums are judged, fragments are looked at one by one, and nothing is looked up.
    tshark.args([
        "-n",
        "-o",
        "ip.defragment:FALSE",
        "-o",
        "ip.check_checksum:TRUE",
    ]);
    tshark.args([
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
    ]);
    tshark
        .arg("-r")
        .arg(path)
        .args(["-Y", filter, "-T", "fields"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().expect("tshark runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let rows = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect());
    rows.collect()
}

fn feed(replay: &mut Replay, path: &Path) {
    let mut reader = Reader::open(path).expect("a capture");
    let name = path.file_name().expect("a file").to_str().expect("UTF-8");
    while let Some(packet) = reader.next().expect("it is whole") {
        replay.packet(&packet, name).expect("it can be replayed");
    }
}

#[test]
fn the_storys_captures_leave_the_hosts_without_a_complaint() {
    if !has_tshark() {
        return;
    }
    let folder = pcaps().join("waldorf-statler");
    let output = Output::of(
        "story",
        model("waldorf-statler", 6, |text| text),
        "",
        |replay| {
            feed(replay, &folder.join("red.pcap"));
            feed(replay, &folder.join("blue.pcap"));
        },
    );
    output.assert_clean("", None);
    output.assert_told();
    // Only Red has guests on two hosts; Blue22 never left Statler.
    let keys = output.keys();
    assert_eq!(
        keys.keys().collect::<Vec<_>>(),
        ["uplink Statler", "uplink Waldorf"]
    );
    for keys in keys.values() {
        let vsids: BTreeSet<_> = keys.iter().map(|key| key.0).collect();
        assert!(
            vsids.contains(&445_566) && vsids.is_subset(&[445_566, 7_788_990].into()),
            "{keys:?}"
        );
        assert!(keys.len() > 2, "flows differ in their FlowID: {keys:?}");
    }
    let answers = output.fields(
        "frame.packet_flags_direction == 1 && frame.comment contains \"answered by\"",
        &["arp.opcode", "icmpv6.type"],
    );
    assert!(
        answers.contains(&vec!["2".to_owned(), String::new()]),
        "ARP replies: {answers:?}"
    );
    assert!(
        answers.contains(&vec![String::new(), "136".to_owned()]),
        "advertisements: {answers:?}"
    );
}

const PORTS: &str = "[[map]]\ninterface = \"p1\"\nport = \"t1-h1\"\n\
                     [[map]]\ninterface = \"p2\"\nport = \"t2-h1\"\n";

/// Both ports of host 1 and its uplink, of one run.
fn multi_if() -> PathBuf {
    pcaps().join("kernel/kernel-gretap-multi-if.pcapng")
}

#[test]
fn both_kernel_tenants_are_sent_with_their_own_vsid_and_a_flow_id_that_can_be_switched_off() {
    if !has_tshark() {
        return;
    }
    for (name, flow_id) in [("flow", true), ("no-flow", false)] {
        let settings = format!("\n[settings]\nflow_id = {flow_id}\n\n[[tenant]]");
        let edit = |text: String| text.replacen("\n[[tenant]]", &settings, 1);
        let output = Output::of(name, model("kernel-two-vsid", 1, edit), PORTS, |replay| {
            feed(replay, &multi_if());
        });
        output.assert_clean("", Some(&multi_if()));
        output.assert_told();
        let keys = output.keys();
        let sent = &keys["uplink host1"];
        let vsids: BTreeSet<_> = sent.iter().map(|key| key.0).collect();
        assert_eq!(vsids, [445_566, 445_567].into());
        assert_eq!(sent.iter().any(|key| key.1 != 0), flow_id, "{sent:?}");
    }
}

/// The underlay carries 1500 bytes, and the guests send as many: errors to them, in both families.
#[test]
fn errors_to_guests_are_right() {
    if !has_tshark() {
        return;
    }
    let also = " || icmp.checksum.status == \"Bad\" || icmpv6.checksum.status == \"Bad\"";
    let edit = |text: String| text.replace("mtu_bytes = 1600", "mtu_bytes = 1500");

    let red = pcaps().join("waldorf-statler/red.pcap");
    let model_v4 = model("waldorf-statler", 6, edit);
    let output = Output::of("errors-v4", model_v4, "", |replay| feed(replay, &red));
    output.assert_clean(also, Some(&red));
    let told = output.fields(
        "frame.packet_flags_direction == 1 && frame.comment contains \"answered by\" && icmp.type == 3 && icmp.code == 4",
        &["icmp.mtu", "frame.interface_name"],
    );
    assert!(told.iter().all(|row| row[0] == "1458"), "{told:?}");
    let ports: BTreeSet<&str> = told.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(ports, ["port Red11", "port Red22"].into());

    let model_v6 = model("kernel-two-vsid", 1, edit);
    let output = Output::of("errors-v6", model_v6, PORTS, |replay| {
        feed(replay, &multi_if())
    });
    output.assert_clean(also, Some(&multi_if()));
    let told = output.fields(
        "frame.packet_flags_direction == 1 && frame.comment contains \"answered by\" && icmpv6.type == 2",
        &["icmpv6.mtu"],
    );
    assert!(!told.is_empty());
    assert!(told.iter().all(|row| row[0] == "1458"), "{told:?}");
}

/// The hosts and guests of the Scapy captures.
const SCAPY: &str = r#"name = "scapy"
[underlay]
mtu_bytes = 9100
[[tenant]]
name = "Any"
routing_domain = "{5d2f6a10-0000-4000-8000-000000369074}"
virtual_subnets = [369074]
[[host]]
name = "h11"
switch = "VMs"
interface_index = 2
interface_description = "NIC"
mac = "020000000011"
policy = ["11"]
[[host]]
name = "h12"
switch = "VMs"
interface_index = 2
interface_description = "NIC"
mac = "020000000012"
policy = ["12"]
[[guest]]
name = "five"
tenant = "Any"
host = "h11"
mac = "00155DAA0001"
addresses = ["10.0.0.5/24", "fd10::5/64"]
virtual_subnet = 369074
[[guest]]
name = "seven"
tenant = "Any"
host = "h12"
mac = "00155DAA0002"
addresses = ["10.0.0.7/24", "fd10::7/64"]
virtual_subnet = 369074
"#;

fn scapy_script(host: &str) -> String {
    let mut text = format!(
        "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
         New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{host} -InterfaceIndex 2 -PrefixLength 24\n"
    );
    for (prefix, any) in [("10.0.0.0/24", "0.0.0.0"), ("fd10::/64", "::")] {
        text += &format!(
            "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{{5d2f6a10-0000-4000-8000-000000369074}}\" \
             -VirtualSubnetID 369074 -DestinationPrefix {prefix} -NextHop {any} -Metric 255\n"
        );
    }
    for (address, mac, provider) in [
        ("10.0.0.5", "00155DAA0001", 11),
        ("fd10::5", "00155DAA0001", 11),
        ("10.0.0.7", "00155DAA0002", 12),
        ("fd10::7", "00155DAA0002", 12),
    ] {
        text += &format!(
            "New-NetVirtualizationLookupRecord -CustomerAddress {address} -VirtualSubnetID 369074 \
             -MACAddress {mac} -ProviderAddress 192.0.2.{provider} -Rule TranslationMethodEncap\n"
        );
    }
    text
}

#[test]
fn what_scapy_built_is_delivered_as_scapy_built_it() {
    if !has_tshark() {
        return;
    }
    let scenario =
        Scenario::parse("scapy.toml", SCAPY).unwrap_or_else(|errors| panic!("{errors:?}"));
    let model =
        Model::new(scenario, &|host| Ok(scapy_script(host))).unwrap_or_else(|e| panic!("{e}"));
    let valid = pcaps().join("scapy/scapy-shared-valid.pcap");
    let output = Output::of("scapy", model, "", |replay| {
        feed(replay, &valid);
    });
    output.assert_clean("", Some(&valid));
    output.assert_told();
    let rows = output.fields(
        "frame.interface_name contains \"port\" && frame.comment contains \"delivered\"",
        &["frame.comment", "ip.src", "gre.key"],
    );
    assert!(rows.len() > 50, "{}", rows.len());
    assert!(
        rows.iter()
            .any(|row| row[0].contains(" delivered to seven at h12") && row[1] == "10.0.0.5")
    );
}

#[test]
fn rewritten_packets_have_right_checksums_on_the_wire_and_at_the_port() {
    if !has_tshark() {
        return;
    }
    let output = Output::of("nat", model("nat", 1, |text| text), "", |replay| {
        let ethernet =
            || {
                PacketBuilder::ethernet2([0, 0x15, 0x5d, 0, 0x61, 1], [0, 0x15, 0x5d, 0, 0x61, 2])
                    .ipv4([10, 0, 0, 5], [10, 0, 0, 7], 64)
            };
        let mut frames = vec![Vec::new(); 4];
        let write = "a vector";
        ethernet()
            .udp(4_000, 53)
            .write(&mut frames[0], b"")
            .expect(write);
        ethernet()
            .tcp(4_000, 443, 1, 1_000)
            .syn()
            .write(&mut frames[1], b"")
            .expect(write);
        ethernet()
            .icmpv4_echo_request(7, 1)
            .write(&mut frames[2], b"odd")
            .expect(write);
        ethernet()
            .udp(4_000, 5_000)
            .write(&mut frames[3], &[0xff; 1_400])
            .expect(write);
        for (index, frame) in frames.iter().enumerate() {
            let packet = Packet {
                number: index as u64 + 1,
                time_ns: 1_700_000_000_000_000_000,
                interface: 0,
                interface_name: Some("Red1"),
                link_type: LinkType::ETHERNET,
                original_len: frame.len() as u32,
                data: frame,
                options: PacketOptions::NONE,
            };
            replay.packet(&packet, "made").expect("it can be replayed");
        }
    });
    output.assert_clean(
        " || udp.checksum.status == \"Bad\" || tcp.checksum.status == \"Bad\" || icmp.checksum.status == \"Bad\"",
        None,
    );
    output.assert_told();
    let addresses = |interface: &str| {
        let filter = format!("frame.interface_name == \"{interface}\"");
        output.fields(&filter, &["ip.src", "ip.dst"])
    };
    let row = |source: &str, destination: &str| vec![source.to_owned(), destination.to_owned()];
    assert_eq!(
        addresses("underlay"),
        vec![row("192.0.2.61", "192.0.2.62"); 4]
    );
    for port in ["port Red1", "port Red2"] {
        assert_eq!(addresses(port), vec![row("10.0.0.5", "10.0.0.7"); 4]);
    }
    // The test can fail: tshark does judge these checksums.
    let good = "udp.checksum.status == \"Good\" || tcp.checksum.status == \"Good\" || icmp.checksum.status == \"Good\"";
    assert_eq!(output.fields(good, &["frame.number"]).len(), 4 * 5);
}
