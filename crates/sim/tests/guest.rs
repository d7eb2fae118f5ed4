//! Guests on a perfect wire. What they send is read with etherparse.

use std::net::IpAddr;

use etherparse::{ArpOperation, Icmpv6Type, NetSlice, SlicedPacket, TransportSlice};
use nvgre_sim::{Conflict, Guest, PingError, SimTime};
use nvgre_wire::MacAddress;
use proptest::prelude::*;

const RED11: MacAddress = MacAddress::new([0x00, 0x15, 0x5d, 0x00, 0x20, 0x09]);
const RED22: MacAddress = MacAddress::new([0x00, 0x15, 0x5d, 0x00, 0x20, 0x08]);
const SECOND: u64 = SimTime::SECOND_NANOS;
/// Longer than the probing of any address.
const SETTLED: SimTime = SimTime(10 * SECOND);

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn guest(name: &str, mac: MacAddress, addresses: &[&str]) -> Guest {
    let addresses: Vec<_> = addresses
        .iter()
        .map(|text| {
            let (address, length) = text.split_once('/').expect("a prefix length");
            (ip(address), length.parse().expect("a number"))
        })
        .collect();
    Guest::new(name, mac, &addresses, &[], 1_500, 1)
}

/// A frame, when it was sent and by which guest.
type Sent = (SimTime, usize, Vec<u8>);

/// Guests on one wire without delay or loss.
struct Wire {
    now: SimTime,
    guests: Vec<Guest>,
    sent: Vec<Sent>,
}

impl Wire {
    fn of(guests: Vec<Guest>) -> Self {
        Self {
            now: SimTime(0),
            guests,
            sent: Vec::new(),
        }
    }

    /// All links up at once, and time for every address to be probed.
    fn settled(guests: Vec<Guest>) -> Self {
        let mut wire = Self::of(guests);
        for guest in &mut wire.guests {
            guest.start(SimTime(0));
        }
        wire.run_until(SETTLED);
        wire
    }

    fn run_until(&mut self, end: SimTime) {
        for _step in 0..10_000 {
            let now = self.now;
            let next = self.guests.iter_mut().filter_map(|g| g.poll_at(now)).min();
            let Some(next) = next.filter(|&at| at <= end) else {
                self.now = end;
                return;
            };
            assert!(next >= self.now, "time does not run backwards");
            self.now = next;
            for sender in 0..self.guests.len() {
                let mut frames = Vec::new();
                self.guests[sender].poll(self.now, &mut |frame| frames.push(frame.to_vec()));
                for frame in frames {
                    for (receiver, guest) in self.guests.iter_mut().enumerate() {
                        if receiver != sender {
                            guest.receive(self.now, &frame);
                        }
                    }
                    self.sent.push((self.now, sender, frame));
                }
            }
        }
        panic!("the guests never come to rest");
    }

    fn run_for(&mut self, nanos: u64) {
        self.run_until(self.now + nanos);
    }

    fn ping(&mut self, from: usize, to: &str, sequence: u16) -> bool {
        let guest = &mut self.guests[from];
        guest.ping(self.now, ip(to), 7, sequence).expect("sent");
        self.run_for(3 * SECOND);
        self.guests[from].ping_replied(7, sequence)
    }

    fn in_use(&self, guest: usize) -> Vec<IpAddr> {
        self.guests[guest].addresses_in_use()
    }
}

/// Operation, sender MAC, sender address, target address of an ARP frame.
fn arp(frame: &[u8]) -> Option<(ArpOperation, [u8; 6], IpAddr, IpAddr)> {
    let packet = SlicedPacket::from_ethernet(frame).expect("a whole frame");
    let Some(NetSlice::Arp(arp)) = packet.net else {
        return None;
    };
    let quad = |bytes: &[u8]| IpAddr::from(<[u8; 4]>::try_from(bytes).expect("IPv4"));
    Some((
        arp.operation(),
        arp.sender_hw_addr().try_into().expect("Ethernet"),
        quad(arp.sender_protocol_addr()),
        quad(arp.target_protocol_addr()),
    ))
}

/// Source, destination, ICMPv6 type and target of a neighbor solicitation or advertisement.
fn neighbor_discovery(frame: &[u8]) -> Option<(IpAddr, IpAddr, u8, IpAddr)> {
    let packet = SlicedPacket::from_ethernet(frame).expect("a whole frame");
    let (Some(NetSlice::Ipv6(v6)), Some(TransportSlice::Icmpv6(icmp))) =
        (&packet.net, &packet.transport)
    else {
        return None;
    };
    let (source, destination) = (v6.header().source(), v6.header().destination());
    assert!(icmp.is_checksum_valid(source, destination));
    if !matches!(icmp.type_u8(), 135 | 136) {
        return None;
    }
    assert_eq!(v6.header().hop_limit(), 255);
    let target = <[u8; 16]>::try_from(&icmp.payload()[..16]).expect("a target");
    Some((
        IpAddr::from(source),
        IpAddr::from(destination),
        icmp.type_u8(),
        IpAddr::from(target),
    ))
}

#[test]
fn two_guests_ping_each_other_over_both_families() {
    let mut wire = Wire::settled(vec![
        guest(
            "Red11",
            RED11,
            &["192.168.1.11/24", "fd00:192:168:1::11/64"],
        ),
        guest(
            "Red22",
            RED22,
            &["192.168.1.22/24", "fd00:192:168:1::22/64"],
        ),
    ]);
    assert!(wire.ping(0, "192.168.1.22", 1));
    assert!(wire.ping(1, "192.168.1.11", 2));
    assert!(wire.ping(0, "fd00:192:168:1::22", 3));
    assert!(wire.ping(1, "fd00:192:168:1::11", 4));
    assert!(wire.guests.iter().all(|guest| guest.conflicts().is_empty()));
}

#[test]
fn an_echo_request_is_a_whole_valid_packet_from_the_guests_own_address() {
    let mut wire = Wire::settled(vec![
        guest("Red11", RED11, &["192.168.1.11/24", "fd00::11/64"]),
        guest("Red22", RED22, &["192.168.1.22/24", "fd00::22/64"]),
    ]);
    wire.sent.clear();
    assert!(wire.ping(0, "192.168.1.22", 1));
    assert!(wire.ping(0, "fd00::22", 2));
    let mut echoes = Vec::new();
    for (_, sender, frame) in &wire.sent {
        let packet = SlicedPacket::from_ethernet(frame).expect("a whole frame");
        match (&packet.net, &packet.transport) {
            (Some(NetSlice::Ipv4(v4)), Some(TransportSlice::Icmpv4(icmp))) => {
                assert_eq!(icmp.payload().len(), 56);
                echoes.push((*sender, icmp.type_u8(), IpAddr::from(v4.header().source())));
            }
            (Some(NetSlice::Ipv6(v6)), Some(TransportSlice::Icmpv6(icmp))) => {
                let source = v6.header().source();
                assert!(icmp.is_checksum_valid(source, v6.header().destination()));
                if matches!(
                    icmp.icmp_type(),
                    Icmpv6Type::EchoRequest(_) | Icmpv6Type::EchoReply(_)
                ) {
                    assert_eq!(icmp.payload().len(), 56);
                    echoes.push((*sender, icmp.type_u8(), IpAddr::from(source)));
                }
            }
            _other => {}
        }
    }
    assert_eq!(
        echoes,
        [
            (0, 8, ip("192.168.1.11")),
            (1, 0, ip("192.168.1.22")),
            (0, 128, ip("fd00::11")),
            (1, 129, ip("fd00::22")),
        ]
    );
}

#[test]
fn a_guest_reaches_other_subnets_through_its_gateway() {
    let mut red = Guest::new(
        "Red11",
        RED11,
        &[(ip("10.0.1.11"), 24), (ip("fd00:1::11"), 64)],
        &[ip("10.0.1.1"), ip("fd00:1::1")],
        1_500,
        1,
    );
    red.start(SimTime(0));
    let mut wire = Wire::of(vec![red]);
    wire.run_until(SETTLED);
    wire.sent.clear();
    assert!(!wire.ping(0, "10.0.2.22", 1));
    assert!(!wire.ping(0, "fd00:2::22", 2));
    let asked = |frame: &[u8]| {
        arp(frame)
            .map(|arp| arp.3)
            .or_else(|| neighbor_discovery(frame).map(|message| message.3))
    };
    let mut asked: Vec<_> = wire.sent.iter().filter_map(|s| asked(&s.2)).collect();
    asked.dedup();
    assert_eq!(asked, [ip("10.0.1.1"), ip("fd00:1::1")]);
}

#[test]
fn rfc5227_s2_1_three_probes_from_nowhere_then_two_announcements() {
    let wire = Wire::settled(vec![guest("Red11", RED11, &["192.168.1.11/24"])]);
    let own = ip("192.168.1.11");
    let nowhere = ip("0.0.0.0");
    let said: Vec<_> = wire.sent.iter().map(|s| arp(&s.2).expect("ARP")).collect();
    let request = |sender| (ArpOperation::REQUEST, RED11.octets(), sender, own);
    assert_eq!(
        said,
        [
            request(nowhere),
            request(nowhere),
            request(nowhere),
            request(own),
            request(own),
        ]
    );
    for (_, _, frame) in &wire.sent {
        assert_eq!(frame[..6], [0xff; 6], "to all");
        assert_eq!(frame[32..38], [0; 6], "target hardware address");
    }
    let at: Vec<u64> = wire.sent.iter().map(|s| s.0.0).collect();
    assert!(at[0] < SECOND, "PROBE_WAIT");
    for pair in at[..3].windows(2) {
        let gap = pair[1] - pair[0];
        assert!((SECOND..2 * SECOND).contains(&gap), "PROBE_MIN, PROBE_MAX");
    }
    assert_eq!(at[3] - at[2], 2 * SECOND, "ANNOUNCE_WAIT");
    assert_eq!(at[4] - at[3], 2 * SECOND, "ANNOUNCE_INTERVAL");
    assert_eq!(wire.in_use(0), [own]);
}

#[test]
fn rfc4862_s5_4_one_solicitation_from_nowhere_to_the_solicited_node_group() {
    let wire = Wire::settled(vec![guest("Red11", RED11, &["fd00::ab:cdef/64"])]);
    let [(at, _, frame)] = &wire.sent[..] else {
        panic!("one frame, not {}", wire.sent.len());
    };
    assert!(at.0 < SECOND, "MAX_RTR_SOLICITATION_DELAY");
    assert_eq!(
        neighbor_discovery(frame),
        Some((ip("::"), ip("ff02::1:ffab:cdef"), 135, ip("fd00::ab:cdef")))
    );
    assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0xab, 0xcd, 0xef]);
    assert_eq!(
        frame.len(),
        14 + 40 + 24,
        "no option: RFC 4862 section 5.4.2"
    );
    assert_eq!(wire.in_use(0), [ip("fd00::ab:cdef")]);
}

#[test]
fn an_address_is_not_used_while_it_is_probed_for() {
    let mut wire = Wire::of(vec![
        guest("Red11", RED11, &["192.168.1.11/24"]),
        guest("Red22", RED22, &["192.168.1.22/24"]),
    ]);
    let to = ip("192.168.1.22");
    let ping = |wire: &mut Wire| wire.guests[0].ping(wire.now, to, 7, 1);
    assert_eq!(ping(&mut wire), Err(PingError::NoSourceAddress), "no link");
    wire.guests[0].start(SimTime(0));
    wire.run_until(SimTime(3 * SECOND));
    assert_eq!(ping(&mut wire), Err(PingError::NoSourceAddress), "probing");
    wire.run_until(SETTLED);
    assert_eq!(ping(&mut wire), Ok(()));
}

#[test]
fn a_duplicate_is_noticed_by_both_and_the_second_gives_its_addresses_up() {
    let addresses = ["192.168.1.11/24", "fd00:192:168:1::11/64"];
    let mut wire = Wire::of(vec![
        guest("Red11", RED11, &addresses),
        guest("Blue11", RED22, &addresses),
    ]);
    wire.guests[0].start(SimTime(0));
    wire.run_until(SETTLED);
    wire.guests[1].start(SETTLED);
    wire.run_for(10 * SECOND);

    let both = [ip("192.168.1.11"), ip("fd00:192:168:1::11")];
    assert_eq!(wire.in_use(0), both);
    assert!(wire.in_use(1).is_empty());
    for (guest, with) in [(0, RED22), (1, RED11)] {
        let mut conflicts = wire.guests[guest].conflicts().to_vec();
        conflicts.sort_by_key(|conflict| conflict.address);
        assert_eq!(conflicts, both.map(|address| Conflict { address, with }));
    }
    assert_eq!(
        wire.guests[1].ping(wire.now, ip("192.168.1.1"), 7, 1),
        Err(PingError::NoSourceAddress)
    );
}

#[test]
fn the_owner_answers_a_probe_with_its_mac() {
    let addresses = ["192.168.1.11/24", "fd00::11/64"];
    let mut wire = Wire::of(vec![
        guest("Red11", RED11, &addresses),
        guest("Blue11", RED22, &addresses),
    ]);
    wire.guests[0].start(SimTime(0));
    wire.run_until(SETTLED);
    wire.sent.clear();
    wire.guests[1].start(SETTLED);
    wire.run_for(10 * SECOND);
    let answers: Vec<_> = wire.sent.iter().filter(|sent| sent.1 == 0).collect();
    assert_eq!(answers.len(), 2);
    let arps: Vec<_> = answers.iter().filter_map(|sent| arp(&sent.2)).collect();
    assert_eq!(
        arps,
        [(
            ArpOperation::REPLY,
            RED11.octets(),
            ip("192.168.1.11"),
            ip("0.0.0.0")
        )]
    );
    let advertisement = answers
        .iter()
        .find(|sent| arp(&sent.2).is_none())
        .expect("an advertisement");
    assert_eq!(
        neighbor_discovery(&advertisement.2),
        Some((ip("fd00::11"), ip("ff02::1"), 136, ip("fd00::11")))
    );
    assert_eq!(advertisement.2[54 + 4], 0x20, "O, and not S: to all nodes");
    assert_eq!(advertisement.2[54 + 24..54 + 26], [2, 1], "target address");
    assert_eq!(advertisement.2[54 + 26..], RED11.octets());
}

#[test]
fn of_two_that_probe_at_once_at_most_one_wins_and_the_loser_reports() {
    for seed in 0..20 {
        let addresses = [(ip("192.168.1.11"), 24), (ip("fd00::11"), 64)];
        let make = |name, mac| Guest::new(name, mac, &addresses, &[], 1_500, seed);
        let wire = Wire::settled(vec![make("Red11", RED11), make("Blue11", RED22)]);
        for (address, _) in addresses {
            let has = |guest: usize| wire.in_use(guest).contains(&address);
            assert!(!(has(0) && has(1)), "seed {seed}: {address} twice");
            for (loser, with) in [(0, RED22), (1, RED11)] {
                let reported = wire.guests[loser]
                    .conflicts()
                    .contains(&Conflict { address, with });
                assert!(
                    has(loser) || reported,
                    "seed {seed}: {address} lost in silence"
                );
            }
        }
    }
}

#[test]
fn rfc5227_s2_4_the_owner_keeps_its_address_and_defends_it_once_in_ten_seconds() {
    let mut wire = Wire::settled(vec![guest("Red11", RED11, &["192.168.1.11/24"])]);
    wire.sent.clear();
    // The announcement of another station, as RFC 5227 section 2.3 forms it.
    let mut claim = vec![0xff; 6];
    claim.extend(RED22.octets());
    claim.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    claim.extend(RED22.octets());
    claim.extend([192, 168, 1, 11, 0, 0, 0, 0, 0, 0, 192, 168, 1, 11]);
    let mut announced = Vec::new();
    for second in 0..22 {
        wire.guests[0].receive(wire.now, &claim);
        wire.run_for(SECOND);
        announced.extend(wire.sent.drain(..).map(|sent| (second, arp(&sent.2))));
    }
    let own = ip("192.168.1.11");
    let announcement = Some((ArpOperation::REQUEST, RED11.octets(), own, own));
    assert_eq!(announced, [0, 10, 20].map(|second| (second, announcement)));
    assert_eq!(wire.in_use(0), [own]);
    assert_eq!(
        wire.guests[0].conflicts(),
        [Conflict {
            address: own,
            with: RED22
        }]
    );
}

#[test]
fn a_frame_with_the_guests_own_mac_is_no_conflict() {
    // The same MACs and addresses in two tenants are legal; a frame that comes back is no stranger.
    let addresses = ["192.168.1.11/24", "fd00::11/64"];
    let wire = Wire::settled(vec![
        guest("Red11", RED11, &addresses),
        guest("Blue11", RED11, &addresses),
    ]);
    for guest in &wire.guests {
        assert_eq!(guest.conflicts(), []);
        assert_eq!(guest.addresses_in_use().len(), 2);
    }
}

#[test]
fn a_link_that_comes_up_again_forgets_conflicts_and_probes_anew() {
    let mut wire = Wire::of(vec![
        guest("Red11", RED11, &["192.168.1.11/24"]),
        guest("Blue11", RED22, &["192.168.1.11/24"]),
    ]);
    wire.guests[0].start(SimTime(0));
    wire.run_until(SETTLED);
    wire.guests[1].start(SETTLED);
    wire.run_for(10 * SECOND);
    assert!(wire.in_use(1).is_empty());

    let mut blue = wire.guests.pop().expect("Blue11");
    blue.start(wire.now);
    let mut alone = Wire::of(vec![blue]);
    alone.now = wire.now;
    alone.run_for(10 * SECOND);
    assert_eq!(alone.in_use(0), [ip("192.168.1.11")]);
    assert_eq!(alone.guests[0].conflicts(), []);
}

#[test]
fn an_echo_request_whose_sender_must_first_be_resolved_is_answered_all_the_same() {
    // Behind a switch that answers ARP itself, a guest hears of its peer by the echo request.
    let mut asker = Wire::settled(vec![
        guest("Red11", RED11, &["192.168.1.11/24", "fd00::11/64"]),
        guest("Red22", RED22, &["192.168.1.22/24", "fd00::22/64"]),
    ]);
    for (to, sequence) in [("192.168.1.22", 1), ("fd00::22", 2)] {
        asker.sent.clear();
        assert!(asker.ping(0, to, sequence));
        let is_echo_request = |frame: &[u8]| {
            let packet = SlicedPacket::from_ethernet(frame).expect("a whole frame");
            match packet.transport {
                Some(TransportSlice::Icmpv4(icmp)) => icmp.type_u8() == 8,
                Some(TransportSlice::Icmpv6(icmp)) => icmp.type_u8() == 128,
                _other => false,
            }
        };
        let request = asker
            .sent
            .iter()
            .find(|sent| is_echo_request(&sent.2))
            .expect("an echo request")
            .2
            .clone();
        let mut fresh = Wire::settled(vec![
            guest("Red22", RED22, &["192.168.1.22/24", "fd00::22/64"]),
            guest("Red11", RED11, &["192.168.1.11/24", "fd00::11/64"]),
        ]);
        fresh.sent.clear();
        fresh.guests[0].receive(fresh.now, &request);
        fresh.run_for(3 * SECOND);
        let replies = fresh.sent.iter().filter(|(_, sender, frame)| {
            let packet = SlicedPacket::from_ethernet(frame).expect("a whole frame");
            *sender == 0
                && match packet.transport {
                    Some(TransportSlice::Icmpv4(icmp)) => icmp.type_u8() == 0,
                    Some(TransportSlice::Icmpv6(icmp)) => icmp.type_u8() == 129,
                    _other => false,
                }
        });
        assert_eq!(replies.count(), 1, "{to}");
    }
}

#[test]
fn a_ping_without_answer_gives_up_and_the_guest_comes_to_rest() {
    let mut wire = Wire::settled(vec![guest("Red11", RED11, &["192.168.1.11/24"])]);
    wire.sent.clear();
    assert!(!wire.ping(0, "192.168.1.99", 1));
    assert_eq!(wire.sent.len(), 3, "asked for the MAC once a second");
    assert_eq!(wire.guests[0].poll_at(wire.now), None);
}

#[test]
fn only_unicast_addresses_are_pinged() {
    let mut wire = Wire::settled(vec![guest("Red11", RED11, &["10.0.0.1/8", "fd00::1/64"])]);
    for to in ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"] {
        let result = wire.guests[0].ping(wire.now, ip(to), 7, 1);
        assert_eq!(result, Err(PingError::NotUnicast), "{to}");
    }
}

#[test]
fn frames_for_other_stations_are_not_heard() {
    let mut wire = Wire::settled(vec![
        guest("Red11", RED11, &["192.168.1.11/24"]),
        guest("Red22", RED22, &["192.168.1.22/24"]),
    ]);
    assert!(wire.ping(0, "192.168.1.22", 1));
    let to_red22: Vec<_> = wire.sent.iter().map(|sent| sent.2.clone()).collect();
    let mut other = Wire::settled(vec![guest(
        "Other",
        MacAddress::new([2, 0, 0, 0, 0, 1]),
        &["192.168.1.22/24"],
    )]);
    other.sent.clear();
    for frame in to_red22.iter().filter(|frame| frame[..6] == RED22.octets()) {
        other.guests[0].receive(other.now, frame);
    }
    other.run_for(3 * SECOND);
    assert_eq!(other.sent, []);
    assert_eq!(other.guests[0].conflicts(), []);
}

/// Everything that two pairs of duplicates send while they settle and ping.
fn story(seed: u64) -> Vec<Sent> {
    let make = |name, mac, last: u16| {
        let addresses = [
            (IpAddr::from([192, 168, 1, last as u8]), 24),
            (IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last]), 64),
        ];
        Guest::new(name, mac, &addresses, &[], 1_500, seed)
    };
    let mac = |last| MacAddress::new([0, 0x15, 0x5d, 0, 0x20, last]);
    let mut wire = Wire::settled(vec![
        make("Red11", mac(9), 11),
        make("Red22", mac(8), 22),
        make("Blue11", mac(0xb), 11),
        make("Blue22", mac(0xa), 22),
    ]);
    for guest in &mut wire.guests {
        // Those that lost their address send nothing, in every run alike.
        let _no_address = guest.ping(wire.now, ip("192.168.1.22"), 1, 1);
    }
    wire.run_for(5 * SECOND);
    wire.sent
}

#[test]
fn the_same_seed_gives_the_same_frames_at_the_same_times_and_another_seed_others() {
    let once = story(1);
    assert!(once.len() > 10);
    assert_eq!(once, story(1));
    assert_ne!(once, story(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_frame_makes_a_guest_panic_or_busy(
        frames in proptest::collection::vec(
            (0usize..64, proptest::collection::vec((0usize..120, any::<u8>()), 0..4), 0usize..120),
            1..8,
        )
    ) {
        // Real frames of guests, damaged: random bytes alone get no further than the EtherType.
        let mut wire = Wire::settled(vec![
            guest("Red11", RED11, &["192.168.1.11/24", "fd00::11/64"]),
            guest("Red22", RED22, &["192.168.1.22/24", "fd00::22/64"]),
        ]);
        for (sequence, to) in ["192.168.1.22", "fd00::22"].into_iter().enumerate() {
            wire.ping(0, to, sequence as u16);
        }
        let real: Vec<_> = wire.sent.iter().map(|sent| sent.2.clone()).collect();
        for (which, damage, cut) in frames {
            let mut frame = real[which % real.len()].clone();
            for (at, byte) in damage {
                let at = at % frame.len();
                frame[at] = byte;
            }
            frame.truncate(frame.len().saturating_sub(cut % 40));
            for guest in &mut wire.guests {
                guest.receive(wire.now, &frame);
            }
            wire.run_for(SECOND / 2);
        }
        wire.run_for(10 * SECOND);
        for guest in &mut wire.guests {
            prop_assert_eq!(guest.poll_at(wire.now), None);
        }
    }
}
