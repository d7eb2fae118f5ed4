//! Replay: both ledgers add up whatever comes in, and the same inputs give the same run.

mod common;

use std::fs;

use common::*;
use nvgre_capture::{LinkType, Packet, Reader, Writer};
use nvgre_dataplane::DropReason;
use nvgre_sim::{MapFile, Model, Replay};
use proptest::prelude::*;

fn packet<'a>(number: u64, data: &'a [u8], interface: Option<&'a str>) -> Packet<'a> {
    Packet {
        number,
        time_ns: 1_700_000_000_000_000_000 + number as i64 * 1_000,
        interface: 0,
        interface_name: interface,
        link_type: LinkType::ETHERNET,
        original_len: data.len() as u32,
        data,
        comment: None,
    }
}

/// A frame and the port where it was captured, if that is known.
type Captured = (Vec<u8>, Option<&'static str>);

fn replayed(model: Model, frames: &[Captured]) -> Replay {
    let mut replay = Replay::new(model, MapFile::default());
    for (index, (frame, interface)) in frames.iter().enumerate() {
        let packet = packet(index as u64 + 1, frame, *interface);
        replay
            .packet(&packet, "x.pcap")
            .expect("it can be replayed");
    }
    replay
}

fn lasts() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![5_u8, 7, 9, 21, 22, 31, 77])
}

fn question(from: u8, to: u8) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(mac(from).octets());
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac(from).octets());
    frame.extend([10, 0, 0, from, 0, 0, 0, 0, 0, 0, 10, 0, 0, to]);
    frame
}

/// Unicast, floods, questions that are answered, tunnel packets, damage.
fn captured() -> BoxedStrategy<Captured> {
    let names: Vec<_> = GUESTS
        .iter()
        .map(|guest| Some(guest.0))
        .chain([None])
        .collect();
    let bare = prop_oneof![
        (lasts(), lasts()).prop_map(|(from, to)| udp(from, to)),
        lasts().prop_map(broadcast),
        (lasts(), lasts()).prop_map(|(from, to)| question(from, to)),
        prop::collection::vec(any::<u8>(), 0..80),
    ];
    let inner = (lasts(), lasts(), any::<bool>()).prop_map(|(from, to, group)| {
        if group {
            broadcast(from)
        } else {
            udp(from, to)
        }
    });
    let vsid = prop::sample::select(vec![6001_u32, 5001, 4242]);
    let hosts = (1..4_u8, 1..4_u8);
    let tunnel =
        (hosts, vsid, inner).prop_map(|((from, to), vsid, inner)| nvgre(from, to, vsid, &inner));
    let frame = prop_oneof![3 => bare.boxed(), 1 => tunnel.boxed()];
    let cut = prop_oneof![8 => Just(0_usize), 1 => 0..50_usize];
    (frame, cut, prop::sample::select(names))
        .prop_map(|(mut frame, cut, name)| {
            frame.truncate(frame.len().saturating_sub(cut));
            (frame, name)
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn both_ledgers_add_up_and_agree_with_drops_skips_and_judgements(
        frames in prop::collection::vec(captured(), 1..80),
        loss_per_million in prop::sample::select(vec![0_u32, 300_000]),
    ) {
        let text = scenario_text("").replace("mtu_bytes = 1600", &format!("mtu_bytes = 1600\nloss_per_million = {loss_per_million}"));
        let replay = replayed(model_of(&text, &script), &frames);
        let report = replay.report();
        let context = format!("{report:?}");
        prop_assert!(report.frames.adds_up() && report.copies.adds_up(), "{}", context);
        prop_assert_eq!(report.frames.read, frames.len() as u64);
        let lines = || report.drops.values();
        prop_assert_eq!(lines().map(|line| line.frames).sum::<u64>(), report.frames.dropped, "{}", context);
        prop_assert_eq!(lines().map(|line| line.copies).sum::<u64>(), report.copies.dropped, "{}", context);
        let skipped: u64 = report.skips.values().map(|&(count, _)| count).sum();
        prop_assert_eq!(skipped, report.frames.skipped);
        let judged = replay.oracle();
        prop_assert_eq!(
            judged.same_tenant + judged.cross_tenant + judged.sender_unknown,
            report.copies.delivered + report.copies.generated,
            "{}", context
        );
        prop_assert_eq!(judged.cross_tenant > 0, report.first_cross_tenant.is_some());
    }

    /// The hash seed of every table follows from the scenario's seed: no order may show through.
    #[test]
    fn the_same_inputs_give_the_same_run_whatever_the_tables_are_keyed_with(
        frames in prop::collection::vec(captured(), 1..60),
    ) {
        let seeded = |seed: u64| {
            let text = scenario_text("").replace("name = \"small\"", &format!("name = \"small\"\nseed = {seed}"));
            replayed(model_of(&text, &script), &frames)
        };
        let (one, again, other) = (seeded(1), seeded(1), seeded(99));
        prop_assert_eq!(one.digest(), again.digest());
        prop_assert_eq!(one.digest(), other.digest());
        prop_assert_eq!(one.report().frames, other.report().frames);
    }
}

/// Unless the digest depended on what is delivered, it would show nothing.
#[test]
fn another_payload_port_or_order_is_another_run() {
    let plain = vec![(udp(5, 7), Some("Red1")), (udp(5, 7), Some("Blue1"))];
    let mut payload = plain.clone();
    *payload[0].0.last_mut().expect("a byte") ^= 1;
    let order = vec![plain[1].clone(), plain[0].clone()];
    let digests: Vec<_> = [&plain, &payload, &order]
        .into_iter()
        .map(|frames| replayed(model(), frames).digest())
        .collect();
    assert!(
        digests[0] != digests[1] && digests[0] != digests[2],
        "{digests:?}"
    );
}

#[test]
fn several_hosts_broadcast_reaches_each_port_of_the_subnet_once() {
    // Blue has no group: a unicast copy for each other host. Red has one.
    for (from, receivers) in [("Blue1", vec![BLUE2, BLUE3]), ("Red1", vec![RED2])] {
        let replay = replayed(model(), &[(broadcast(5), Some(from))]);
        let received: Vec<_> = (0..GUESTS.len())
            .filter(|&guest| replay.port_counters(guest).received_frames == 1)
            .collect();
        assert_eq!(received, receivers, "{from}");
        assert_eq!(replay.report().copies.delivered as usize, receivers.len());
    }
}

#[test]
fn a_link_that_is_too_short_for_a_packet_drops_underlay_mtu() {
    let text = scenario_text("").replace(
        "mac = \"0200C0000202\"",
        "mac = \"0200C0000202\"\nlink_mtu_bytes = 76",
    );
    let frames = [(udp(5, 7), Some("Red1")), (udp(5, 9), Some("Blue1"))];
    let replay = replayed(model_of(&text, &script), &frames);
    let first = replay.report().first_drop(DropReason::UnderlayMtu);
    let (host, line) = first.expect("the link is too short");
    assert_eq!((line.frames, line.first_frame, host), (1, 1, 0));
    assert_eq!(
        replay.report().frames.delivered,
        1,
        "on one host no link is in the way"
    );
    assert_eq!(replayed(model(), &frames).report().frames.delivered, 2);
}

#[test]
fn the_output_has_an_interface_for_each_port_and_uplink_and_says_what_became_of_frames() {
    let folder = std::env::temp_dir().join(format!("nvgre-replay-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("out.pcapng");
    let mut replay = Replay::new(model(), MapFile::default());
    replay
        .write_to(Writer::create(&path).expect("a file"))
        .expect("interfaces");
    let frames = [
        (udp(5, 7), "Red1"),
        (question(5, 7), "Red1"),
        (udp(5, 99), "Red1"),
    ];
    for (index, (frame, name)) in frames.iter().enumerate() {
        let packet = packet(index as u64 + 1, frame, Some(name));
        replay
            .packet(&packet, "x.pcap")
            .expect("it can be replayed");
    }
    replay.finish().expect("it is whole");
    let mut reader = Reader::open(&path).expect("the output");
    let mut read = Vec::new();
    while let Some(packet) = reader.next().expect("it is whole") {
        let named = packet.interface_name.expect("a name").to_owned();
        read.push((
            named,
            packet.comment.expect("a comment").to_owned(),
            packet.data.len(),
        ));
    }
    let inner = udp(5, 7).len();
    let line = |interface: &str, comment: &str, len: usize| {
        (interface.to_owned(), comment.to_owned(), len)
    };
    assert_eq!(
        read,
        [
            line("uplink host1", "frame 1: sent by host1", inner + 42),
            line("port Red2", "frame 1: delivered to Red2", inner),
            line("port Red1", "frame 2: answered by host1", 42),
            line(
                "port Red1",
                "frame 3: dropped at host1: no_lookup_record",
                inner
            ),
        ]
    );
    let interfaces: Vec<_> = reader
        .interfaces()
        .iter()
        .map(|i| i.name.clone().expect("a name"))
        .collect();
    assert_eq!(interfaces.len(), GUESTS.len() + 2);
    assert_eq!(
        interfaces[interfaces.len() - 2..],
        ["uplink host1", "uplink host2"]
    );
    fs::remove_dir_all(&folder).expect("it was there");
}
