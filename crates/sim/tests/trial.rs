//! Frames on trial: everything that becomes of them is told, and nothing of it stays.

mod common;

use common::*;
use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, PacketBuilder};
use nvgre_dataplane::{DropReason, Event, PortId, RecordType};
use nvgre_sim::{Arrival, CopyLedger, Exit, Ingress, Journey, Model, Observer, SimTime};
use nvgre_wire::{FrameBuf, HEADROOM};

/// A packet from one guest to another.
fn packet(from: usize, to: usize) -> Vec<u8> {
    udp(GUESTS[from].2, GUESTS[to].2)
}

/// A guest asks for an address.
fn arp_request(from: usize, target: [u8; 4]) -> Vec<u8> {
    let last = GUESTS[from].2;
    let own = mac(last).octets();
    let (hardware, operation) = (ArpHardwareId::ETHERNET, ArpOperation::REQUEST);
    let sender = [10, 0, 0, last];
    let arp = ArpPacket::new(
        hardware,
        EtherType::IPV4,
        operation,
        &own,
        &sender,
        &[0; 6],
        &target,
    );
    let builder = PacketBuilder::ethernet2(own, [0xff; 6]).arp(arp.expect("lengths fit"));
    let mut frame = Vec::new();
    builder.write(&mut frame).expect("a vector");
    frame
}

/// A guest says where it is: gratuitous ARP.
fn announced(guest: usize) -> Vec<u8> {
    arp_request(guest, [10, 0, 0, GUESTS[guest].2])
}

const fn port(guest: usize) -> Ingress {
    Ingress::Port(PortId(guest as u32))
}

fn traced(model: &mut Model, from: usize, frame: &[u8]) -> Journey {
    let host = model.host_of(from);
    let journey = model.trace(host, port(from), frame);
    assert!(journey.copies.adds_up(), "{journey:#?}");
    journey
}

/// Receiver and frame of each delivery.
#[derive(Default)]
struct Deliveries(Vec<(usize, Vec<u8>)>);

impl Observer for Deliveries {
    fn delivered(&mut self, _host: usize, port: PortId, frame: &[u8]) {
        self.0.push((port.0 as usize, frame.to_vec()));
    }
    fn generated(&mut self, _host: usize, _port: PortId, _frame: &[u8]) {}
    fn sent(&mut self, _host: usize, _frame: &[u8]) {}
    fn dropped(&mut self, _host: usize, _at: Ingress, _reason: DropReason, _frame: &[u8]) {}
    fn keeps_dropped(&self) -> bool {
        false
    }
}

fn delivered(journey: &Journey) -> Vec<(usize, Vec<u8>)> {
    let deliveries = journey.deliveries();
    deliveries
        .map(|(_, port, frame)| (port.0 as usize, frame.to_vec()))
        .collect()
}

#[test]
fn a_frame_is_followed_from_host_to_host() {
    let mut model = model();
    let frame = packet(RED1, RED2);
    let journey = traced(&mut model, RED1, &frame);
    let [first, second] = &journey.hops[..] else {
        panic!("two hosts decide: {journey:#?}");
    };
    assert_eq!(
        (first.host, first.ingress, first.after),
        (0, port(RED1), None)
    );
    assert_eq!(first.frame, frame);
    let Exit::Sent {
        frame: sent,
        arrivals,
    } = &first.exits[0]
    else {
        panic!("it leaves the first host: {first:#?}");
    };
    assert_eq!(arrivals, &[Arrival::Hop(1)]);
    assert_eq!(
        (second.host, second.ingress, second.after),
        (1, Ingress::Uplink, Some((0, 0)))
    );
    assert_eq!(&second.frame, sent);
    assert_eq!(delivered(&journey), [(RED2, frame)]);
    assert!(
        first
            .events
            .iter()
            .any(|event| matches!(event, Event::Encapsulated { .. }))
    );
    assert_eq!(
        second.events.last(),
        Some(&Event::Delivered(PortId(RED2 as u32)))
    );
    assert_eq!(journey.way_to(1), [0, 1]);
}

#[test]
fn copies_are_kept_apart() {
    let mut model = model();
    let broadcast = arp_request(BLUE1, [10, 0, 0, 99]);
    let journey = traced(&mut model, BLUE1, &announced(BLUE1));
    let reached: Vec<_> = delivered(&journey)
        .into_iter()
        .map(|(guest, _)| guest)
        .collect();
    assert_eq!(reached, [BLUE3, BLUE2]);
    let remote = journey.deliveries().last().expect("two deliveries").0;
    assert_eq!(journey.way_to(remote), [0, 1]);
    let Some((0, sent)) = journey.hops[remote].after else {
        panic!("the first host sent it: {journey:#?}");
    };
    assert!(
        matches!(&journey.hops[0].exits[sent], Exit::Sent { arrivals, .. } if arrivals == &[Arrival::Hop(remote)])
    );
    // A question that nobody answers goes to the ports of the same switch alone.
    let reached: Vec<_> = delivered(&traced(&mut model, BLUE1, &broadcast));
    assert_eq!(reached, [(BLUE3, broadcast)]);
}

#[test]
fn a_host_answer_is_told_with_its_bytes() {
    let mut model = model();
    let journey = traced(&mut model, RED1, &arp_request(RED1, [10, 0, 0, 7]));
    let answers: Vec<_> = journey.generated().collect();
    let [(0, to, answer)] = answers[..] else {
        panic!("one answer: {journey:#?}");
    };
    assert_eq!(to, PortId(RED1 as u32));
    assert_eq!(answer[20..22], [0, 2], "an ARP reply");
    assert!(journey.fate.consumed);
}

#[test]
fn the_underlay_says_where_it_lost_a_packet() {
    let wrong = |file: &str| {
        script(file)
            .map(|text| text.replace(&record("Red2", 6001, 7, 2), &record("Red2", 6001, 7, 9)))
    };
    let mut model = model_of(&scenario_text(""), &wrong);
    let journey = traced(&mut model, RED1, &packet(RED1, RED2));
    assert_eq!(
        journey.drops().collect::<Vec<_>>(),
        [(0, DropReason::UnderlayNoOwner)]
    );
    let clue = journey.clue_of_drop().expect("it was dropped");
    let (host, record) = clue.record.expect("a record led there");
    let place = model.place_of_record(host, record).expect("it was written");
    assert_eq!((host, &*place.file), (0, "tenants.ps1"));
    assert_eq!(
        clue.sent_to.map(|address| address.to_string()).as_deref(),
        Some("192.0.2.9")
    );
}

#[test]
fn frames_on_trial_come_to_what_frames_come_to() {
    let mut model = model();
    for from in 0..GUESTS.len() {
        for (to, &(_, _, last, _)) in GUESTS.iter().enumerate() {
            for frame in [packet(from, to), arp_request(from, [10, 0, 0, last])] {
                let journey = traced(&mut model, from, &frame);
                let mut memory = vec![0; HEADROOM];
                memory.extend_from_slice(&frame);
                let len = memory.len();
                let mut buffer = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom");
                let (mut seen, mut copies) = (Deliveries::default(), CopyLedger::default());
                let host = model.host_of(from);
                let now = SimTime((from * 100 + to) as u64 * SimTime::SECOND_NANOS);
                let fate = model.run(now, host, port(from), &mut buffer, &mut copies, &mut seen);
                assert_eq!(
                    (journey.fate, journey.copies),
                    (fate, copies),
                    "{from} to {to}"
                );
                assert_eq!(delivered(&journey), seen.0, "{from} to {to}");
            }
        }
    }
}

#[test]
fn a_trial_moves_no_counter_and_loses_no_packet_by_chance() {
    let text = scenario_text("").replace(
        "mtu_bytes = 1600",
        "mtu_bytes = 1600\nloss_per_million = 1000000",
    );
    let mut model = model_of(&text, &script);
    let frame = packet(RED1, RED2);
    assert_eq!(
        delivered(&traced(&mut model, RED1, &frame)),
        [(RED2, frame.clone())]
    );
    let counted = model.network().hosts()[0]
        .counters()
        .port(PortId(RED1 as u32));
    assert_eq!(counted.sent_frames, 0);
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(&frame);
    let len = memory.len();
    let mut buffer = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom");
    let (mut seen, mut copies) = (Deliveries::default(), CopyLedger::default());
    let fate = model.run(
        SimTime(1),
        0,
        port(RED1),
        &mut buffer,
        &mut copies,
        &mut seen,
    );
    assert_eq!(fate.dropped, Some((DropReason::UnderlayLoss, 0)));
}

#[test]
fn what_is_learned_on_trial_is_forgotten() {
    let l2_only = "New-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 6001 \
         -MACAddress 00155D000007 -ProviderAddress 192.0.2.2 -Rule TranslationMethodEncap -Type L2Only\n";
    let read =
        |file: &str| script(file).map(|text| text.replace(&record("Red2", 6001, 7, 2), l2_only));
    let text = scenario_text("").replace("bum_group = { 6001 = \"239.1.1.1\" }\n", "");
    let mut model = model_of(&text, &read);
    let dynamic = |model: &Model| {
        let records = model.network().hosts()[0].policy().records.iter();
        records
            .filter(|record| record.record_type == RecordType::Dynamic)
            .count()
    };
    let mut trial = model.trial();
    trial.trace(1, port(RED2), &announced(RED2));
    assert_eq!(dynamic(trial.model()), 1, "host1 learns where Red2 is");
    let question = arp_request(RED1, [10, 0, 0, 7]);
    assert!(
        trial.trace(0, port(RED1), &question).fate.consumed,
        "and answers for it"
    );
    trial.forget();
    assert_eq!(dynamic(trial.model()), 0);
    assert!(!trial.trace(0, port(RED1), &question).fate.consumed);
    trial.trace(1, port(RED2), &announced(RED2));
    drop(trial);
    assert_eq!(dynamic(&model), 0);
}

#[test]
fn rates_are_those_of_a_silent_port() {
    let text = scenario_text("").replace(
        "name = \"Blue1\"\n",
        "name = \"Blue1\"\nstorm_limit_packets_per_second = 1\n",
    );
    let mut model = model_of(&text, &script);
    let mut trial = model.trial();
    let frame = announced(BLUE1);
    assert_eq!(trial.trace(0, port(BLUE1), &frame).fate.dropped, None);
    let second = trial.trace(0, port(BLUE1), &frame).fate;
    assert_eq!(second.dropped, Some((DropReason::StormLimit, 0)));
    trial.forget();
    assert_eq!(trial.trace(0, port(BLUE1), &frame).fate.dropped, None);
}

#[test]
fn where_the_underlay_saw_a_pass_through_guest_is_forgotten() {
    let mut model = model();
    let to_plain1 = packet(PLAIN2, PLAIN1);
    let unknown = model.trace(1, port(PLAIN2), &to_plain1);
    let mut trial = model.trial();
    trial.trace(0, port(PLAIN1), &packet(PLAIN1, PLAIN2));
    trial.trace(1, port(PLAIN2), &to_plain1);
    drop(trial);
    assert_eq!(model.trace(1, port(PLAIN2), &to_plain1), unknown);
}
