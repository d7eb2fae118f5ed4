//! The Linux kernel's tunnels as the other endpoint: two tenants with the same addresses and the
//! same MACs, captured on the underlay and at the ports (pcaps/kernel, made with gretap devices).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nvgre_capture::Reader;
use nvgre_dataplane::{DropReason, PortId};
use nvgre_sim::{
    CopyLedger, Ingress, MapFile, Model, Observer, Replay, Scenario, SimTime, SkipReason,
};
use nvgre_wire::{FrameBuf, HEADROOM, MacAddress};

/// Guests in the order of the scenario.
const T1_H1: usize = 0;
const T1_H2: usize = 1;
const T2_H1: usize = 2;
const T2_H2: usize = 3;
const HOST1: usize = 0;

fn pcaps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps")
}

fn model() -> Model {
    let folder = pcaps().join("kernel-two-vsid");
    let text = fs::read_to_string(folder.join("scenario.toml")).expect("the case has a scenario");
    let scenario = Scenario::parse("scenario.toml", &text).expect("the scenario is right");
    let mut model = Model::new(scenario, &|file| fs::read_to_string(folder.join(file)))
        .expect("the policy is right");
    model.enter_all_stages().expect("the stages can be entered");
    model
}

fn replayed(file: &str) -> Replay {
    let mut replay = Replay::new(model(), MapFile::default());
    let mut reader = Reader::open(pcaps().join("kernel").join(file)).expect("the capture is there");
    while let Some(packet) = reader.next().expect("the capture is whole") {
        replay
            .packet(&packet, file)
            .expect("the packet can be replayed");
    }
    replay
}

/// Frames per direction as tshark counts them by key and outer source.
#[test]
fn both_tenants_frames_reach_their_own_ports_although_addresses_and_macs_are_the_same() {
    let replay = replayed("kernel-gretap-two-vsid.pcap");
    let received = |guest| replay.port_counters(guest).received_frames;
    assert_eq!(received(T1_H2), 209, "445566 from host 1 to host 2");
    assert_eq!(received(T1_H1), 71, "445566 from host 2 to host 1");
    assert_eq!(received(T2_H2), 123, "445567 from host 1 to host 2");
    assert_eq!(received(T2_H1), 115, "445567 from host 2 to host 1");
    let counts = replay.oracle();
    assert_eq!(
        (
            counts.same_tenant,
            counts.cross_tenant,
            counts.sender_unknown
        ),
        (518, 0, 0)
    );
    let report = replay.report();
    assert!(report.drops.is_empty(), "{:?}", report.drops);
    assert_eq!((report.frames.read, report.frames.delivered), (530, 518));
    assert!(
        report.frames.adds_up() && report.copies.adds_up(),
        "{report:?}"
    );
}

/// The other 12 frames of the wire are the hosts' own: ARP and router solicitations of the
/// underlay, and ICMP errors to a provider address.
#[test]
fn the_hosts_own_frames_are_taken_by_the_host_or_never_enter() {
    let replay = replayed("kernel-gretap-two-vsid.pcap");
    let report = replay.report();
    assert_eq!(report.frames.consumed, 4, "ICMP errors about NVGRE packets");
    let errors: u64 = replay
        .model()
        .network()
        .hosts()
        .iter()
        .map(|h| h.counters().tally.underlay_errors)
        .sum();
    assert_eq!(errors, 4);
    assert_eq!(
        report.skips.keys().collect::<Vec<_>>(),
        [&SkipReason::UnknownPort]
    );
    assert_eq!(report.frames.skipped, 8);
}

#[test]
fn the_same_capture_gives_the_same_deliveries_whatever_its_format() {
    let nanoseconds = replayed("kernel-gretap-two-vsid-nsec.pcap");
    let microseconds = replayed("kernel-gretap-two-vsid.pcap");
    assert_eq!(nanoseconds.report().frames, microseconds.report().frames);
    assert_eq!(
        microseconds.digest(),
        replayed("kernel-gretap-two-vsid.pcap").digest(),
        "the same file twice"
    );
}

/// Host 2 was never told about VSID 7000: its frames arrive and go to nobody.
#[test]
fn an_unprovisioned_subnet_is_delivered_to_no_tenant() {
    let replay = replayed("kernel-gretap-unprovisioned-vsid.pcap");
    let report = replay.report();
    let (_, unknown) = report
        .first_drop(DropReason::UnknownVsid)
        .expect("VSID 7000 is unknown");
    assert!(unknown.frames > 0);
    assert_eq!(replay.oracle().cross_tenant, 0);
    assert!(report.frames.delivered > 0, "VSID 445566 works beside it");
}

/// What host 1 puts on the wire.
#[derive(Default)]
struct Wire {
    sent: Vec<Vec<u8>>,
    dropped: Vec<DropReason>,
    answered: usize,
}

impl Observer for Wire {
    fn delivered(&mut self, _host: usize, _port: PortId, _frame: &[u8]) {}

    fn generated(&mut self, _host: usize, _port: PortId, _frame: &[u8]) {
        self.answered += 1;
    }

    fn sent(&mut self, host: usize, frame: &[u8]) {
        if host == HOST1 {
            self.sent.push(frame.to_vec());
        }
    }

    fn dropped(&mut self, host: usize, _ingress: Ingress, reason: DropReason, _frame: &[u8]) {
        if host == HOST1 {
            self.dropped.push(reason);
        }
    }

    fn keeps_dropped(&self) -> bool {
        false
    }
}

/// The kernel's outer header with our choices in the fields that RFC 7637 leaves open: IPv4 ID 0,
/// DF set, TTL 64, and the FlowID (which the kernel fixes per tunnel and we compute per flow). The
/// header checksum follows; an independent library computes it.
fn with_our_choices(kernel: &[u8], ours: &[u8]) -> Vec<u8> {
    let mut frame = kernel.to_vec();
    frame[18..20].fill(0);
    frame[20..22].copy_from_slice(&[0x40, 0]);
    frame[22] = 64;
    frame[41] = ours[41];
    let header = etherparse::Ipv4Header::from_slice(&frame[14..])
        .expect("outer IPv4")
        .0;
    frame[24..26].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
    frame
}

/// A frame that host 1 answers, or drops, instead of sending it: ARP requests and neighbor
/// solicitations for an address other than the sender's own.
fn is_question(frame: &[u8]) -> bool {
    match frame[12..14] {
        [0x08, 0x06] => frame[20..22] == [0, 1] && frame[28..32] != frame[38..42],
        [0x86, 0xdd] => frame[20] == 58 && frame[54] == 135 && frame[22..38] != [0; 16],
        _ => false,
    }
}

/// Every frame of both ports of host 1, sent outbound, gives the frame that the kernel put on the
/// underlay, byte for byte but for the fields of [`with_our_choices`], and but for questions that
/// records answer or that no record answers (those the kernel floods).
#[test]
fn bare_frames_become_the_nvgre_frames_that_the_kernel_sent() {
    let path = pcaps().join("kernel/kernel-gretap-multi-if.pcapng");
    let mut reader = Reader::open(path).expect("the capture is there");
    let host1_mac: MacAddress = "00155D01020A".parse().expect("a MAC");
    let mut bare: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    let mut kernel: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    while let Some(packet) = reader.next().expect("the capture is whole") {
        let frame = packet.data.to_vec();
        match packet.interface_name {
            Some("p1") if frame[6..12] == host1_mac.octets() => {
                bare.entry(T1_H1).or_default().push(frame);
            }
            Some("p2") if frame[6..12] == host1_mac.octets() => {
                bare.entry(T2_H1).or_default().push(frame);
            }
            Some("u1") if frame[23] == 47 && frame[26..30] == [192, 0, 2, 1] => {
                let vsid = u32::from_be_bytes([0, frame[38], frame[39], frame[40]]);
                let guest = if vsid == 445_566 { T1_H1 } else { T2_H1 };
                kernel.entry(guest).or_default().push(frame);
            }
            _ => {}
        }
    }
    let mut model = model();
    // Per guest: one ARP request and two solicitations have a record, three ARP requests have none.
    for (guest, expected) in [(T1_H1, 209), (T2_H1, 123)] {
        let (bare, kernel) = (&bare[&guest], &kernel[&guest]);
        assert_eq!(
            (bare.len(), kernel.len()),
            (expected, expected),
            "guest {guest}"
        );
        let (mut answered, mut unanswered) = (0, 0);
        for (index, (frame, kernel)) in bare.iter().zip(kernel).enumerate() {
            assert_eq!(
                frame[..],
                kernel[42..],
                "the two captures are in the same order"
            );
            let mut wire = Wire::default();
            let mut memory = vec![0; HEADROOM];
            memory.extend_from_slice(frame);
            let len = memory.len();
            let mut buffer = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom is there");
            let port = Ingress::Port(PortId(guest as u32));
            let now = SimTime(index as u64 * SimTime::SECOND_NANOS);
            let mut copies = CopyLedger::default();
            let _fate = model.run(now, HOST1, port, &mut buffer, &mut copies, &mut wire);
            match wire.sent.as_slice() {
                [ours] => assert_eq!(*ours, with_our_choices(kernel, ours), "frame {index}"),
                [] => {
                    assert!(
                        is_question(frame),
                        "frame {index}: {:?} {frame:02x?}",
                        wire.dropped
                    );
                    answered += wire.answered;
                    unanswered += wire.dropped.len();
                }
                several => panic!("frame {index} was sent {} times", several.len()),
            }
        }
        assert_eq!(
            (answered, unanswered),
            (3, 3),
            "questions of guest {guest} that stay on host 1"
        );
    }
}
