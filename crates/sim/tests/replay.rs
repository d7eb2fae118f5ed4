//! Replay: both ledgers add up whatever comes in, and the same inputs give the same run.

mod common;

use std::fs;

use common::*;
use nvgre_capture::{Direction, LinkType, Packet, PacketOptions, PcapWriter, Reader, Writer};
use nvgre_dataplane::DropReason;
use nvgre_sim::{Filter, MapFile, Model, Replay};
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
        options: PacketOptions::NONE,
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
        let received = (0..GUESTS.len()).map(|guest| replay.port_counters(guest).received_frames);
        prop_assert_eq!(received.sum::<u64>(), report.copies.delivered, "{}", context);
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

/// Everything a run says of itself.
fn account(replay: &Replay) -> impl PartialEq + std::fmt::Debug + use<> {
    let ports: Vec<_> = (0..GUESTS.len())
        .map(|guest| replay.port_counters(guest))
        .collect();
    let hosts = replay.model().network().hosts().iter();
    let tallies: Vec<_> = hosts.map(|host| host.counters().tally).collect();
    (
        replay.report().clone(),
        replay.digest(),
        replay.oracle(),
        ports,
        tallies,
    )
}

/// A capture of these frames, `step_ns` apart, with an interface for each place.
fn capture(frames: &[Captured], step_ns: i64) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file).expect("a vector");
    let mut names: Vec<Option<&str>> = Vec::new();
    for (index, (frame, name)) in frames.iter().enumerate() {
        let interface = names.iter().position(|known| known == name);
        let interface = interface.unwrap_or_else(|| {
            let added = writer.add_interface(name.unwrap_or(""), LinkType::ETHERNET, 0);
            added.expect("a vector");
            names.push(*name);
            names.len() - 1
        });
        let at = 1_700_000_000_000_000_000 + index as i64 * step_ns;
        let len = frame.len() as u32;
        let written = writer.write(interface as u32, at, frame, len, None);
        written.expect("a vector");
    }
    writer.finish().expect("a vector");
    file
}

/// Replays a capture, so many frames at once.
fn replayed_at_once(mut replay: Replay, file: &[u8], max: usize) -> Replay {
    let mut reader = Reader::new(file).expect("a capture");
    let packets = |replay: &mut Replay, reader: &mut Reader<_>| {
        let count = replay.packets(reader, "x.pcapng", max);
        count.expect("it can be replayed")
    };
    while packets(&mut replay, &mut reader) > 0 {}
    replay
}

/// The same one by one, in the way that has no batches.
fn replayed_alone(mut replay: Replay, file: &[u8]) -> Replay {
    let mut reader = Reader::new(file).expect("a capture");
    while let Some(packet) = reader.next().expect("a capture") {
        let replayed = replay.packet(&packet, "x.pcapng");
        replayed.expect("it can be replayed");
    }
    replay
}

/// A packet from Red1 to Red2's address that may not be fragmented, in a frame of so many bytes.
fn packet_of(len: usize, to_mac: [u8; 6], ttl: u8) -> Vec<u8> {
    let payload = vec![0; len - 14 - 20 - 8];
    let mut ip = etherparse::Ipv4Header::new(
        (payload.len() + 8) as u16,
        ttl,
        etherparse::IpNumber::UDP,
        [10, 0, 0, 5],
        [10, 0, 0, 7],
    )
    .expect("a short payload");
    ip.dont_fragment = true;
    let builder = etherparse::PacketBuilder::ethernet2(mac(5).octets(), to_mac);
    let builder = builder.ip(etherparse::IpHeaders::Ipv4(ip, Default::default()));
    let mut frame = Vec::new();
    builder
        .udp(1, 2)
        .write(&mut frame, &payload)
        .expect("a vector");
    frame
}

/// Hosts answer it with an ICMP error, which they send at a rate: the TTL ends at the router.
fn expiring(ttl: u8) -> Captured {
    let router = nvgre_dataplane::DEFAULT_ROUTER_MAC.octets();
    (packet_of(60, router, ttl), Some("Red1"))
}

/// The same, above a frame length of 1,572: the underlay carries 1,600, of which 28 are outer
/// headers.
fn long(len: usize) -> Captured {
    (packet_of(len, mac(7).octets(), 64), Some("Red1"))
}

fn errors() -> BoxedStrategy<Captured> {
    prop_oneof![
        (1_570..1_576_usize).prop_map(long),
        (1..3_u8).prop_map(expiring)
    ]
    .boxed()
}

/// The network with a line of Red1's or of the underlay's added, or a table of its own.
fn text_with(line: &str) -> String {
    if line.starts_with('\n') {
        let plain = "name = \"Plain1\"";
        return scenario_text(line)
            .replace(plain, &format!("{plain}\nmac_address_spoofing = true"));
    }
    let place = if line.starts_with("loss") {
        "mtu_bytes = 1600"
    } else {
        "name = \"Red1\""
    };
    scenario_text("").replace(place, &format!("{place}\n{line}"))
}

/// What makes frames depend on those before them, or on the time.
const DEPENDENCES: [&str; 3] = [
    "loss_per_million = 300000",
    "storm_limit_packets_per_second = 3",
    "maximum_bandwidth_bits_per_second = 8000",
];

/// Networks in which frames depend on nothing, and others.
fn networks() -> impl Strategy<Value = String> {
    prop::sample::select([&[""][..], &DEPENDENCES].concat()).prop_map(text_with)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn however_many_frames_are_replayed_at_once_it_comes_to_the_same(
        frames in prop::collection::vec(prop_oneof![3 => captured(), 1 => errors()], 1..200),
        text in networks(),
        step_ns in prop::sample::select(vec![0, 1_000, 40_000_000]),
    ) {
        let file = capture(&frames, step_ns);
        let replay = || Replay::new(model_of(&text, &script), MapFile::default());
        let expected = account(&replayed_alone(replay(), &file));
        for max in [1, 2, 7, Replay::BATCH_FRAMES, 1_000] {
            prop_assert_eq!(&account(&replayed_at_once(replay(), &file, max)), &expected, "{}", max);
        }
    }

    #[test]
    fn whole_walks_are_kept_of_every_frame_and_change_nothing(
        frames in prop::collection::vec(prop_oneof![3 => captured(), 1 => errors()], 1..80),
        text in networks(),
    ) {
        let file = capture(&frames, 1_000);
        let model = || model_of(&text, &script);
        let expected = replayed_alone(Replay::new(model(), MapFile::default()), &file);
        for verdict in ["delivered", "dropped", "consumed", "skipped"] {
            let expression = format!("verdict == {verdict}");
            let mut replay = Replay::new(model(), MapFile::default());
            let filter = Filter::parse(&expression, replay.model().scenario());
            replay.show_only(filter.expect("no mistakes"));
            let replay = replayed_at_once(replay, &file, Replay::BATCH_FRAMES);
            prop_assert_eq!(account(&replay), account(&expected));
            let of_verdict = match verdict {
                "delivered" => expected.report().frames.delivered,
                "dropped" => expected.report().frames.dropped,
                "consumed" => expected.report().frames.consumed,
                _ => expected.report().frames.skipped,
            };
            let (_, matches) = replay.matches().expect("a filter");
            prop_assert_eq!(matches.frames, of_verdict, "{}", verdict);
        }
    }

    #[test]
    fn an_output_of_every_hop_is_replayed_as_what_it_was_written_from(
        frames in prop::collection::vec(prop_oneof![3 => captured(), 1 => errors()], 1..80),
        text in networks(),
    ) {
        let file = capture(&frames, 40_000_000);
        let model = || model_of(&text, &script);
        let folder = tempfile::tempdir().expect("a folder");
        let hops = folder.path().join("hops.pcapng");
        let mut first = Replay::new(model(), MapFile::default());
        first.write_to(Writer::create(&hops).expect("a file")).expect("interfaces");
        let mut first = replayed_at_once(first, &file, Replay::BATCH_FRAMES);
        first.finish().expect("it is whole");
        let hops = fs::read(hops).expect("a file");
        let again = replayed_at_once(Replay::new(model(), MapFile::default()), &hops, Replay::BATCH_FRAMES);
        let books = |replay: &Replay| {
            let (report, frames) = (replay.report(), replay.report().frames);
            let drops = report.drops.iter();
            let drops: Vec<_> = drops.map(|(key, line)| (*key, line.frames, line.copies)).collect();
            let outcomes = (frames.delivered, frames.dropped, frames.consumed);
            (outcomes, report.copies, drops, replay.oracle())
        };
        prop_assert_eq!(books(&again), books(&first));
    }
}

/// Each would come to something else if the frames behind one another were decided about at the time
/// of the first, or in another order.
#[test]
fn frames_that_depend_on_time_or_order_are_replayed_one_by_one() {
    let all = |frame: Captured| vec![frame; 200];
    let small = (udp(5, 7), Some("Red1"));
    let group = (broadcast(5), Some("Red1"));
    // The wire between hosts takes a MAC to be where it was seen last: two guests send as 88, one of
    // them to 88.
    let roams = "\n[[guest]]\nname = \"Roamer\"\ntenant = \"Nobody\"\nhost = \"host2\"\n\
                 mac = \"00155D000017\"\naddresses = [\"10.0.0.23/24\"]\nmac_address_spoofing = true\n";
    let seen_last = [
        (udp(88, 77), Some("Roamer")),
        (udp(23, 88), Some("Roamer")),
        (udp(88, 77), Some("Plain1")),
        (udp(23, 88), Some("Roamer")),
    ];
    let seen_last = seen_last.iter().cycle().take(200).cloned().collect();
    let cases = [
        ("", all(expiring(1)), "errors_suppressed"),
        ("", all(long(1_573)), "errors_suppressed"),
        (DEPENDENCES[0], all(small.clone()), "UnderlayLoss"),
        (DEPENDENCES[1], all(group), "StormLimit"),
        (DEPENDENCES[2], all(small), "RateExceeded"),
        (roams, seen_last, "NoPort"),
    ];
    for (line, frames, shows) in cases {
        let file = capture(&frames, 40_000_000);
        let replay = || Replay::new(model_of(&text_with(line), &script), MapFile::default());
        let alone = account(&replayed_alone(replay(), &file));
        let told = format!("{alone:?}").replace("errors_suppressed: 0", "");
        assert!(told.contains(shows), "{shows} in {told}");
        let together = account(&replayed_at_once(replay(), &file, Replay::BATCH_FRAMES));
        assert_eq!(together, alone, "{line} {shows}");
    }
}

/// Frames of one batch go to different ends, on both hosts.
#[test]
fn a_batch_holds_frames_of_every_kind() {
    let (tunnel, lost) = (
        nvgre(1, 2, 6001, &udp(5, 7)),
        nvgre(1, 99, 6001, &udp(5, 7)),
    );
    let kinds = [
        (udp(5, 7), Some("Red1")),
        (udp(7, 5), Some("Red2")),
        (broadcast(5), Some("Blue1")),
        (question(5, 7), Some("Red1")),
        (udp(5, 99), Some("Red1")),
        (udp(21, 22), None),
        (broadcast(21), None),
        (tunnel, None),
        (lost, None),
        (udp(99, 5), None),
    ];
    let frames: Vec<_> = kinds.iter().cycle().take(500).cloned().collect();
    let file = capture(&frames, 1_000);
    let replay = || Replay::new(model(), MapFile::default());
    let expected = replayed_alone(replay(), &file);
    let report = expected.report();
    let ledger = report.frames;
    for count in [
        ledger.delivered,
        ledger.dropped,
        ledger.consumed,
        ledger.skipped,
    ] {
        assert!(count >= 50, "{report:?}");
    }
    let first = |reason| report.first_drop(reason).map(|(_, line)| line.first_frame);
    assert_eq!(first(DropReason::NoLookupRecord), Some(5));
    assert_eq!(first(DropReason::UnderlayNoOwner), Some(9));
    assert!(report.drops.values().all(|line| line.first.is_some()));
    for max in [1, 64] {
        let replay = replayed_at_once(replay(), &file, max);
        assert_eq!(account(&replay), account(&expected), "{max}");
    }
}

#[test]
fn deliveries_alone_are_written_as_plain_pcap() {
    let folder = std::env::temp_dir().join(format!("nvgre-deliveries-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("out.pcap");
    let frames = [
        (udp(5, 7), Some("Red1")),
        (question(5, 7), Some("Red1")),
        (broadcast(5), Some("Blue1")),
        (udp(5, 99), Some("Red1")),
        (nvgre(1, 2, 6001, &udp(5, 7)), None),
    ];
    for max in [1, 64] {
        let mut replay = Replay::new(model(), MapFile::default());
        let writer = PcapWriter::create(&path, LinkType::ETHERNET).expect("a file");
        replay.write_deliveries_to(writer);
        let mut replay = replayed_at_once(replay, &capture(&frames, 1_000), max);
        replay.finish().expect("it is whole");
        let mut reader = Reader::open(&path).expect("the output");
        let mut read = Vec::new();
        while let Some(packet) = reader.next().expect("it is whole") {
            read.push((
                packet.time_ns - 1_700_000_000_000_000_000,
                packet.data.to_vec(),
            ));
        }
        // To Red2; to Blue3 on the host and Blue2 on the other; out of the tunnel to Red2.
        let expected = [
            (0, udp(5, 7)),
            (2_000, broadcast(5)),
            (2_000, broadcast(5)),
            (4_000, udp(5, 7)),
        ];
        assert_eq!(read, expected, "{max}");
        assert_eq!(replay.report().copies.delivered, 4);
        assert_eq!(
            replay.report().copies.generated,
            1,
            "the answer is not written"
        );
    }
    fs::remove_dir_all(&folder).expect("it was there");
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
fn the_output_has_an_interface_for_each_hop_and_says_what_became_of_frames() {
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
        let comment = packet.options.comment().expect("a comment").to_owned();
        let id = packet.options.id().expect("an id");
        read.push((
            named,
            packet.options.direction(),
            id,
            comment,
            packet.data.len(),
        ));
    }
    let inner = udp(5, 7).len();
    let line = |interface: &str, way, id: u64, comment: &str, len: usize| {
        let way = match way {
            '>' => Some(Direction::Outbound),
            '<' => Some(Direction::Inbound),
            _ => None,
        };
        (interface.to_owned(), way, id, comment.to_owned(), len)
    };
    let delivered = "frame 1, Red1 -> Red2, VSID 6001: delivered to Red2 at host2; \
                     record 10.0.0.7 at 192.0.2.2 (tenants.ps1:4:1)";
    let answered = "frame 2, Red1 -> all, VSID 6001: consumed at host1; answered by host1";
    let dropped = "frame 3, Red1 -> 10.0.0.99, VSID 6001: dropped at host1: no_lookup_record; \
                   asked for a record of 10.0.0.99 in VSID 6001";
    assert_eq!(
        read,
        [
            line("port Red1", '>', 1, delivered, inner),
            line("uplink host1", '>', 1, delivered, inner + 42),
            line("underlay", '-', 1, delivered, inner + 42),
            line("uplink host2", '<', 1, delivered, inner + 42),
            line("port Red2", '<', 1, delivered, inner),
            line("port Red1", '>', 2, answered, 42),
            line("port Red1", '<', 2, answered, 42),
            line("port Red1", '>', 3, dropped, inner),
        ]
    );
    let interfaces: Vec<_> = reader
        .interfaces()
        .iter()
        .map(|i| i.name.clone().expect("a name"))
        .collect();
    assert_eq!(interfaces.len(), GUESTS.len() + 3);
    assert_eq!(
        interfaces[interfaces.len() - 3..],
        ["uplink host1", "uplink host2", "underlay"]
    );
    fs::remove_dir_all(&folder).expect("it was there");
}
