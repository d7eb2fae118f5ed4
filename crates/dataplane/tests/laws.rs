//! Laws: what holds for every frame, and not only for the ones somebody thought of.

mod common;

use common::*;
use nvgre_dataplane::{Destination, DropReason, Event, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(7637),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Where the checksum of an upper layer stands.
fn checksum_at(protocol: u8) -> Option<usize> {
    match protocol {
        TCP => Some(16),
        UDP | UDP_LITE | DCCP => Some(6),
        ICMPV6 => Some(2),
        _covers_no_address => None,
    }
}

/// In ones' complement 0x0000 and 0xffff are one value: the frame with the first for both.
fn one_zero(frame: &[u8], ipv4: bool, protocol: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let ip_len = if ipv4 { 20 } else { 40 };
    if let Some(at) = checksum_at(protocol) {
        let at = 14 + ip_len + at;
        if frame[at..at + 2] == [0xff, 0xff] {
            frame[at..at + 2].fill(0);
        }
    }
    frame
}

fn feed(host: &mut Host, arrivals: &[(Option<u32>, Vec<u8>)]) -> Vec<Outcome> {
    let arrive = |(way, frame): &(Option<u32>, Vec<u8>)| match way {
        Some(port) => host.send(*port, frame),
        None => host.receive(frame),
    };
    arrivals.iter().map(arrive).collect()
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn decapsulation_undoes_encapsulation(frame in frames_to_blue2()) {
        for carriage in Carriage::ENCAP {
            let journey = sample(carriage).guest_sends(BLUE1, &frame);
            journey.assert_only(BLUE2, &frame);
            prop_assert_eq!(&read_nvgre(journey.sent.uplink()).inner, &frame);
        }
    }

    #[test]
    fn rewriting_there_and_back_is_the_identity_of_the_packet(
        header in ip_headers(),
        (ipv4, (protocol, payload)) in any::<bool>()
            .prop_flat_map(|ipv4| (Just(ipv4), rewritable(ipv4))),
    ) {
        let packet = header.between(BLUE1, BLUE2, ipv4).carrying(protocol, &payload);
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        let journey = sample(Carriage::Nat).guest_sends(BLUE1, &frame);
        let [delivery] = &journey.deliveries[..] else {
            panic!("not delivered\n{journey}");
        };
        prop_assert_eq!((delivery.host, delivery.port), (BLUE2.host, BLUE2.port));
        prop_assert_eq!(
            one_zero(&delivery.frame, ipv4, protocol),
            one_zero(&frame, ipv4, protocol),
            "{}", journey
        );
    }

    #[test]
    fn right_checksums_stay_right_and_wrong_ones_wrong(
        ipv4: bool,
        data in vec(any::<u8>(), 0..64),
        protocol in select(vec![TCP, UDP, ICMPV6]),
        spoil in 0..=0xfffe_u16,
    ) {
        let ip = Ip::new(BLUE1.ip(ipv4), BLUE2.ip(ipv4));
        let mut packet = match protocol {
            TCP => ip.tcp((1, 2), &data),
            UDP => ip.udp((1, 2), &data),
            _echo => ip.echo(&data),
        };
        // Another number modulo 0xffff, so that it is another checksum; 0 changes nothing.
        let at = if ipv4 { 20 } else { 40 } + checksum_at(protocol).unwrap();
        if !(ipv4 && protocol == ICMPV6) {
            let right = u32::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
            let mut field = ((right + u32::from(spoil)) % 0xffff) as u16;
            if field == 0 {
                field = 0xffff;
            }
            packet[at..at + 2].copy_from_slice(&field.to_be_bytes());
        }
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        let journey = sample(Carriage::Nat).guest_sends(BLUE1, &frame);
        prop_assert_eq!(wrong_checksums(journey.sent.uplink()), wrong_checksums(&frame), "{}", journey);
        prop_assert_eq!(wrong_checksums(&journey.deliveries[0].frame), wrong_checksums(&frame), "{}", journey);
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// Whatever comes in, at whatever port: no panic, one outcome, and books that balance.
    #[test]
    fn any_bytes_have_one_outcome_that_is_counted_and_traced(arrivals in any_arrivals()) {
        let mut host = Host::new(rich_policy(0));
        let outcomes = feed(&mut host, &arrivals);
        let mut dropped = 0;
        for outcome in &outcomes {
            let last = outcome.trace.last();
            match outcome.verdict {
                Verdict::Drop(reason) => {
                    dropped += 1;
                    prop_assert_eq!(last, Some(&Event::Dropped(reason)), "{}", outcome);
                    prop_assert!(outcome.copies.is_empty(), "{}", outcome);
                }
                Verdict::Deliver(port) => {
                    prop_assert_eq!(last, Some(&Event::Delivered(port)), "{}", outcome);
                    prop_assert!(outcome.copies.is_empty(), "{}", outcome);
                }
                Verdict::Replicated(copies) => {
                    prop_assert_eq!(usize::from(copies), outcome.copies.len(), "{}", outcome);
                }
                Verdict::Uplink | Verdict::Hairpin | Verdict::Consumed => {
                    prop_assert!(outcome.copies.is_empty(), "{}", outcome);
                }
            }
            let delivered = outcome.trace.iter().filter(|e| matches!(e, Event::Delivered(_)));
            let to_ports = outcome.copies.iter().filter(|(to, _)| *to != Destination::Uplink);
            let in_place = usize::from(matches!(outcome.verdict, Verdict::Deliver(_)));
            prop_assert_eq!(delivered.count(), to_ports.count() + in_place, "{}", outcome);
        }
        let counted: u64 = DropReason::ALL.iter().map(|&reason| host.drops(reason)).sum();
        prop_assert_eq!(counted, dropped);
    }

    /// Same frames, same policy: same verdicts, bytes and traces, whatever the tables' seed.
    #[test]
    fn the_same_input_gives_the_same_output(arrivals in any_arrivals(), seed: u64) {
        let first = feed(&mut Host::new(rich_policy(0)), &arrivals);
        let second = feed(&mut Host::new(rich_policy(0)), &arrivals);
        let seeded = feed(&mut Host::seeded(rich_policy(0), seed), &arrivals);
        prop_assert_eq!(&first, &second);
        prop_assert_eq!(&first, &seeded);
    }

    /// Batches are for speed and decide nothing.
    #[test]
    fn a_batch_is_its_frames_one_by_one(arrivals in any_arrivals()) {
        let sent: Vec<_> = arrivals
            .iter()
            .filter_map(|(way, frame)| Some(((*way)?, frame.as_slice())))
            .collect();
        let received: Vec<_> = arrivals
            .iter()
            .filter(|(way, _)| way.is_none())
            .map(|(_, frame)| frame.as_slice())
            .collect();
        let (mut single, mut batch) = (Host::new(rich_policy(0)), Host::new(rich_policy(0)));
        let mut one_by_one: Vec<_> = sent.iter().map(|(port, frame)| single.send(*port, frame)).collect();
        prop_assert_eq!(&one_by_one, &batch.send_all(&sent));
        one_by_one = received.iter().map(|frame| single.receive(frame)).collect();
        let mut at_once = batch.receive_all(&received);
        // What was learned is not told by frame.
        let learned = |outcomes: &mut [Outcome]| -> Vec<_> {
            outcomes.iter_mut().flat_map(|outcome| std::mem::take(&mut outcome.learned)).collect()
        };
        prop_assert_eq!(learned(&mut one_by_one), learned(&mut at_once));
        prop_assert_eq!(one_by_one, at_once);
    }

    /// The law that the project exists for.
    #[test]
    fn nothing_that_a_guest_sends_is_delivered_in_another_domain(
        sender in select(GUESTS.to_vec()),
        forged in any::<bool>(),
        frames in vec(anything(), 1..8),
    ) {
        let mut world = World::new([rich_policy(0), rich_policy(1)]);
        world.edit(|policy| policy.ports.retain(|port| port.id.0 < 10));
        let domain = |subnet| if subnet == RED { RED } else { BLUE };
        for mut frame in frames {
            // Half of them from the guest's own MAC, so that the port lets them out; the other half
            // from a port that may spoof.
            if forged {
                world.hosts[sender.host].edit(|policy| {
                    policy.ports.iter_mut().for_each(|port| port.mac_address_spoofing = true);
                });
            } else if let Some(source) = frame.get_mut(6..12) {
                source.copy_from_slice(&sender.mac.octets());
            }
            let journey = world.guest_sends(sender, &frame);
            for delivery in &journey.deliveries {
                let receiver = GUESTS
                    .into_iter()
                    .find(|guest| (guest.host, guest.port) == (delivery.host, delivery.port))
                    .expect("a guest");
                prop_assert_eq!(domain(receiver.vsid), domain(sender.vsid), "{}", journey);
            }
        }
    }
}
