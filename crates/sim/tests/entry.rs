//! Where a replayed frame enters, in the order of the rules, and why some never do.

mod common;

use common::*;
use nvgre_capture::{Annotations, LinkType, Packet, PacketOptions, Reader, Writer};
use nvgre_sim::{Condition, MapFile, Replay, Scenario, SkipReason};

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

fn map(text: &str) -> MapFile {
    let scenario = Scenario::parse("small.toml", &scenario_text("")).expect("no mistakes");
    MapFile::parse("map.toml", text, &scenario).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Where a single frame entered: the guest whose port counted it, `None` for an uplink.
#[track_caller]
fn entry(map_text: &str, packet: &Packet<'_>, file: &str) -> Result<Option<usize>, SkipReason> {
    let mut replay = Replay::new(model(), map(map_text));
    replay.packet(packet, file).expect("it can be replayed");
    let report = replay.report();
    assert_eq!(report.frames.read, 1);
    if let Some((&reason, &(count, first))) = report.skips.iter().next() {
        assert_eq!((count, first, report.frames.skipped), (1, 1, 1));
        return Err(reason);
    }
    let sender = (0..GUESTS.len()).find(|&guest| replay.port_counters(guest).sent_frames > 0);
    assert_eq!(sender.is_none(), report.entered_at_uplinks == 1);
    Ok(sender)
}

const TO_RED1: &str = "[[map]]\ninterface = \"p1\"\nport = \"Red1\"\n";

#[test]
fn rule_1_the_map_file_decides_first() {
    // MAC 5 is that of Red1 and of Blue1.
    let frame = udp(5, 7);
    let named = packet(&frame, Some("Blue1"));
    assert_eq!(entry("", &named, "x.pcap"), Ok(Some(BLUE1)));
    let map = "[[map]]\ninterface = \"blue1\"\nport = \"Red1\"\n";
    assert_eq!(entry(map, &named, "x.pcap"), Ok(Some(RED1)));
}

#[test]
fn rule_1_an_entry_names_interface_file_mac_or_vlan_and_the_first_that_applies_decides() {
    let frame = udp(5, 7);
    let mut tagged = frame[..12].to_vec();
    tagged.extend([0x81, 0, 0, 42]);
    tagged.extend(&frame[12..]);
    let by = |condition: &str| format!("[[map]]\n{condition}\nport = \"Red1/Network Adapter\"\n");
    for (condition, data, file) in [
        ("interface = \"P1\"", &frame, "x.pcap"),
        ("file = \"x.pcap\"", &frame, "some/where/x.pcap"),
        ("file = \"some/where/x.pcap\"", &frame, "some/where/x.pcap"),
        ("mac = \"00-15-5D-00-00-05\"", &frame, "x.pcap"),
        ("vlan = 42", &tagged, "x.pcap"),
    ] {
        let packet = packet(data, Some("p1"));
        assert_eq!(
            entry(&by(condition), &packet, file),
            Ok(Some(RED1)),
            "{condition}"
        );
        let other = by(condition).replace("Red1/Network Adapter", "Blue1") + &by(condition);
        assert_eq!(entry(&other, &packet, file), Ok(Some(BLUE1)), "{condition}");
    }
    let untagged = packet(&frame, Some("p1"));
    assert_eq!(
        entry(&by("vlan = 42"), &untagged, "x.pcap"),
        Err(SkipReason::AmbiguousPort)
    );
}

#[test]
fn rule_2_a_capture_interface_with_the_name_of_a_port() {
    let frame = udp(5, 7);
    // As users name it, and as a replay that writes hops does.
    for name in [
        "Blue1",
        "BLUE1",
        "blue1/network adapter",
        "port Blue1",
        "port blue1",
    ] {
        assert_eq!(entry("", &packet(&frame, Some(name)), "x"), Ok(Some(BLUE1)));
    }
    let unknown = packet(&frame, Some("eth0"));
    assert_eq!(entry("", &unknown, "x"), Err(SkipReason::AmbiguousPort));
}

#[test]
fn a_packet_with_the_id_of_the_one_before_it_has_entered_already() {
    let frame = udp(5, 7);
    let captured = |packets: &[(&str, Option<u64>)]| {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file).expect("memory takes it");
        for &(interface, id) in packets {
            let interface = writer.add_interface(interface, LinkType::ETHERNET, 0);
            let annotations = Annotations {
                id,
                ..Annotations::default()
            };
            let interface = interface.expect("memory takes it");
            writer
                .write_annotated(interface, 1_000, &frame, frame.len() as u32, annotations)
                .expect("memory takes it");
        }
        writer.finish().expect("memory takes it");
        file
    };
    let first = captured(&[
        ("Red1", Some(7)),
        ("uplink host1", Some(7)),
        ("Red1", Some(7)),
        ("Red1", Some(8)),
        ("Red1", None),
        ("Red1", None),
        ("Red1", Some(8)),
    ]);
    // Another file counts for itself.
    let second = captured(&[("Red1", Some(8))]);
    let mut replay = Replay::new(model(), map(""));
    for (name, file) in [("a", first), ("b", second)] {
        let mut reader = Reader::new(file.as_slice()).expect("a capture");
        while let Some(packet) = reader.next().expect("it is whole") {
            replay.packet(&packet, name).expect("it can be replayed");
        }
    }
    let report = replay.report();
    assert_eq!((report.frames.read, report.frames.delivered), (8, 6));
    let skips: Vec<_> = report.skips.iter().collect();
    assert_eq!(skips, [(&SkipReason::SeenBefore, &(2, 2))]);
}

#[test]
fn rules_1_and_2_a_frame_from_another_known_guest_is_the_other_direction() {
    let towards = udp(7, 5);
    let foreign = udp(99, 5);
    let other = Err(SkipReason::OtherDirection);
    assert_eq!(entry(TO_RED1, &packet(&towards, Some("p1")), "x"), other);
    assert_eq!(entry("", &packet(&towards, Some("Red1")), "x"), other);
    assert_eq!(
        entry("", &packet(&foreign, Some("Red1")), "x"),
        Ok(Some(RED1)),
        "an unknown MAC may be the guest's own doing"
    );
}

#[test]
fn rule_3_a_packet_to_a_provider_address_enters_at_that_hosts_uplink() {
    let inner = udp(5, 7);
    let frame = nvgre(1, 2, 6001, &inner);
    let mut replay = Replay::new(model(), MapFile::default());
    replay.packet(&packet(&frame, None), "x").expect("it can");
    assert_eq!(replay.port_counters(RED2).received_frames, 1);
    assert_eq!(
        (
            replay.report().frames.delivered,
            replay.oracle().same_tenant
        ),
        (1, 1)
    );
    // The source MAC of the outer frame may be a guest's: the provider address comes first.
    let mut from_guest = frame.clone();
    from_guest[6..12].copy_from_slice(&mac(9).octets());
    assert_eq!(entry("", &packet(&from_guest, None), "x"), Ok(None));
    // What is mapped is mapped.
    assert_eq!(
        entry(TO_RED1, &packet(&frame, Some("p1")), "x"),
        Ok(Some(RED1))
    );
}

#[test]
fn rule_3_a_damaged_packet_goes_by_its_mac() {
    let mut frame = nvgre(1, 2, 6001, &udp(5, 7));
    frame[24] ^= 0xff;
    assert_eq!(entry("", &packet(&frame, None), "x"), Ok(None));
    frame[..6].copy_from_slice(&mac(77).octets());
    assert_eq!(
        entry("", &packet(&frame, None), "x"),
        Err(SkipReason::UnknownPort)
    );
}

#[test]
fn rule_3_works_for_captures_without_a_link_header() {
    let frame = nvgre(1, 2, 6001, &udp(5, 7));
    let raw = Packet {
        link_type: LinkType::RAW,
        ..packet(&frame[14..], None)
    };
    assert_eq!(entry("", &raw, "x"), Ok(None));
    let bare = udp(5, 7);
    let bare = Packet {
        link_type: LinkType::RAW,
        ..packet(&bare[14..], None)
    };
    assert_eq!(entry("", &bare, "x"), Err(SkipReason::NoLinkHeader));
}

#[test]
fn rule_4_the_source_mac_if_exactly_one_port_has_it() {
    assert_eq!(entry("", &packet(&udp(9, 5), None), "x"), Ok(Some(BLUE3)));
    let several = udp(5, 9);
    assert_eq!(
        entry("", &packet(&several, None), "x"),
        Err(SkipReason::AmbiguousPort)
    );
    let none = udp(99, 9);
    assert_eq!(
        entry("", &packet(&none, None), "x"),
        Err(SkipReason::UnknownPort)
    );
    assert_eq!(
        entry("", &packet(&several[..13], None), "x"),
        Err(SkipReason::CutShort)
    );
}

#[test]
fn a_link_type_without_ethernet_or_ip_is_refused_by_name() {
    let wifi = Packet {
        link_type: LinkType(105),
        ..packet(&[0; 60], None)
    };
    let mut replay = Replay::new(model(), MapFile::default());
    let error = replay
        .packet(&wifi, "x")
        .expect_err("it cannot")
        .to_string();
    assert!(
        error.contains("105") && error.contains("cannot be replayed"),
        "{error}"
    );
    assert_eq!(replay.report().frames.read, 0);
}

#[test]
fn every_mistake_in_a_map_file_has_file_line_and_column() {
    let scenario = Scenario::parse("small.toml", &scenario_text("")).expect("no mistakes");
    for (text, place, message) in [
        (
            "[[map]]\ninterface = \"a\"\nport = \"Red9\"\n",
            "map.toml:3:8",
            "Red9",
        ),
        (
            "[[map]]\nmac = \"zz\"\nport = \"Red1\"\n",
            "map.toml:2:7",
            "",
        ),
        (
            "[[map]]\nvlan = 4095\nport = \"Red1\"\n",
            "map.toml:2:8",
            "4095",
        ),
        ("[[map]]\nport = \"Red1\"\n", "map.toml:1:1", "exactly one"),
        (
            "[[map]]\nfile = \"a\"\nvlan = 3\nport = \"Red1\"\n",
            "map.toml:1:1",
            "exactly one",
        ),
        (
            "[[map]]\nfiel = \"a\"\nport = \"Red1\"\n",
            "map.toml:2:1",
            "fiel",
        ),
        (
            "[[map]]\nfile = 3\nport = \"Red1\"\n",
            "map.toml:2:8",
            "string",
        ),
        ("[[map]\n", "map.toml:1:7", ""),
    ] {
        let errors = MapFile::parse("map.toml", text, &scenario).expect_err(text);
        let shown = errors[0].to_string();
        assert!(
            shown.contains(place) && shown.contains(message),
            "{text}\n{shown}"
        );
    }
    let both = "[[map]]\nvlan = 0\nport = \"Red1\"\n[[map]]\nfile = \"a\"\nport = \"Red9\"\n";
    let errors = MapFile::parse("map.toml", both, &scenario).expect_err("two mistakes");
    assert_eq!(errors.len(), 2);
}

#[test]
fn a_map_file_is_read_in_its_order() {
    let map = map("[[map]]\nvlan = 3\nport = \"Red1\"\n[[map]]\nfile = \"a\"\nport = \"Blue2\"\n");
    let read: Vec<_> = map
        .entries
        .into_iter()
        .map(|e| (e.condition, e.guest))
        .collect();
    let vlan = nvgre_wire::VlanId::try_new(3).expect("in range");
    assert_eq!(
        read,
        [
            (Condition::Vlan(vlan), RED1),
            (Condition::File("a".to_owned()), BLUE2)
        ]
    );
}

#[test]
fn where_frames_enter_does_not_depend_on_those_between_the_same_macs_before() {
    let mut replay = Replay::new(model(), MapFile::default());
    let mut enter = |frame: &[u8]| {
        let uplinks = replay.report().entered_at_uplinks;
        let skipped = replay.report().frames.skipped;
        let replayed = replay.packet(&packet(frame, None), "x.pcap");
        replayed.expect("it can be replayed");
        let report = replay.report();
        (
            report.entered_at_uplinks - uplinks,
            report.frames.skipped - skipped,
        )
    };
    const AT_A_PORT: (u64, u64) = (0, 0);
    const AT_AN_UPLINK: (u64, u64) = (1, 0);
    const NOWHERE: (u64, u64) = (0, 1);
    // Only Blue3 has MAC 9; 5 and 7 are two guests' each.
    let bare = udp(9, 7);
    let macs = &bare[..12];
    let with_macs = |macs: &[u8], frame: &[u8]| [macs, &frame[12..]].concat();
    let tunnel = with_macs(macs, &nvgre(1, 2, 6001, &udp(5, 7)));
    let to_nobody = with_macs(macs, &nvgre(1, 99, 6001, &udp(5, 7)));
    for _ in 0..2 {
        assert_eq!(enter(&bare), AT_A_PORT);
        assert_eq!(enter(&tunnel), AT_AN_UPLINK);
        assert_eq!(enter(&to_nobody), AT_AN_UPLINK);
        assert_eq!(enter(&udp(5, 7)), NOWHERE);
        assert_eq!(enter(&udp(99, 7)), NOWHERE);
    }
    // To a host's MAC: its own traffic if it is for its address, a guest's if it is not.
    let to_host = [&host_mac(1).octets()[..], &mac(9).octets()].concat();
    let for_host = with_macs(&to_host, &nvgre(2, 1, 6001, &udp(7, 5)));
    for _ in 0..2 {
        assert_eq!(enter(&with_macs(&to_host, &bare)), AT_A_PORT);
        assert_eq!(enter(&for_host), AT_AN_UPLINK);
    }
}
