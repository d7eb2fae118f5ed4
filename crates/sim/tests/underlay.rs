//! The wire between the hosts.

mod common;

use common::{host_mac, nvgre, udp};
use nvgre_dataplane::DropReason;
use nvgre_sim::{Attachment, Carried, ROUTER_MAC, Underlay, scenario};
use nvgre_wire::{FrameBuf, HEADROOM, MacAddress, ProviderAddress};

fn pa(last: u8) -> ProviderAddress {
    ProviderAddress::v4([192, 0, 2, last])
}

const GROUP: [u8; 4] = [239, 1, 1, 1];

/// Three hosts with 192.0.2.1 to .3; the first two have joined the group, and all name 192.0.2.99,
/// which nobody owns.
fn attachments() -> Vec<Attachment> {
    (1..=3)
        .map(|host| Attachment {
            addresses: vec![(pa(host), host_mac(host))],
            named: vec![pa(99)],
            groups: vec![ProviderAddress::v4(GROUP)],
            joined: host < 3,
            link_mtu_bytes: 1_600,
        })
        .collect()
}

fn underlay_with(settings: scenario::Underlay, hosts: &[Attachment]) -> Underlay {
    let mut underlay = Underlay::new(&settings, 7);
    underlay.attach(hosts);
    underlay
}

fn underlay() -> Underlay {
    let settings = scenario::Underlay {
        mtu_bytes: 1_600,
        ..scenario::Underlay::default()
    };
    underlay_with(settings, &attachments())
}

/// What becomes of a frame, and its bytes afterwards.
fn carried(underlay: &mut Underlay, from: usize, frame: &[u8]) -> (Carried, Vec<u8>) {
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(frame);
    let len = memory.len();
    let mut buffer = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom");
    let carried = underlay.carry(from, &mut buffer);
    let bytes = buffer.bytes().to_vec();
    (carried, bytes)
}

fn to(mut frame: Vec<u8>, destination: MacAddress) -> Vec<u8> {
    frame[..6].copy_from_slice(&destination.octets());
    frame
}

fn tagged(frame: &[u8], vlan: u16) -> Vec<u8> {
    let mut tagged = frame[..12].to_vec();
    tagged.extend([0x81, 0]);
    tagged.extend(vlan.to_be_bytes());
    tagged.extend(&frame[12..]);
    tagged
}

/// N-03: the key, FlowID included, crosses the underlay as it is.
#[test]
fn a_frame_for_a_hosts_mac_goes_there_and_is_not_touched() {
    for frame in [
        nvgre(1, 2, 6001, &udp(5, 7)),
        tagged(&nvgre(1, 2, 6001, &udp(5, 7)), 42),
    ] {
        let (carried, bytes) = carried(&mut underlay(), 0, &frame);
        assert_eq!((carried, bytes), (Carried::To(1), frame));
    }
}

/// RFC 7637 section 3.2: nothing but the link header changes on the way.
#[test]
fn the_router_hands_a_packet_to_the_owner_of_its_destination() {
    let frame = to(nvgre(1, 3, 6001, &udp(5, 7)), ROUTER_MAC);
    let (carried, bytes) = carried(&mut underlay(), 0, &frame);
    assert_eq!(carried, Carried::To(2));
    assert_eq!(bytes[..6], host_mac(3).octets());
    assert_eq!(bytes[6..12], ROUTER_MAC.octets());
    assert_eq!(bytes[12..], frame[12..]);
}

#[test]
fn the_router_has_nowhere_to_send_what_nobody_owns() {
    let frame = to(nvgre(1, 99, 6001, &udp(5, 7)), ROUTER_MAC);
    let (carried, _) = carried(&mut underlay(), 0, &frame);
    assert_eq!(carried, Carried::Dropped(DropReason::UnderlayNoOwner));
}

/// BCP 38, and what isolation is claimed for.
#[test]
fn a_provider_address_is_accepted_from_its_owner_only() {
    let forged = nvgre(2, 3, 6001, &udp(5, 7));
    let ownerless = nvgre(99, 3, 6001, &udp(5, 7));
    let filtered = Carried::Dropped(DropReason::UnderlaySource);
    assert_eq!(carried(&mut underlay(), 0, &forged).0, filtered);
    assert_eq!(carried(&mut underlay(), 1, &forged).0, Carried::To(2));
    assert_eq!(carried(&mut underlay(), 0, &ownerless).0, filtered);
    assert_eq!(carried(&mut underlay(), 0, &tagged(&forged, 7)).0, filtered);
}

#[test]
fn other_stations_are_learned_and_unknown_ones_reach_every_host() {
    let mut underlay = underlay();
    let there = udp(21, 22);
    let back = udp(22, 21);
    assert_eq!(carried(&mut underlay, 0, &there).0, Carried::ToOthers(None));
    assert_eq!(carried(&mut underlay, 1, &back).0, Carried::To(0));
    assert_eq!(carried(&mut underlay, 0, &there).0, Carried::To(1));
    // It moved: the last place where it was seen counts.
    assert_eq!(carried(&mut underlay, 2, &back).0, Carried::To(0));
    assert_eq!(carried(&mut underlay, 0, &there).0, Carried::To(2));
    // A switch does not send a frame back to where it came from.
    let own = Carried::Dropped(DropReason::NoPort);
    assert_eq!(carried(&mut underlay, 2, &udp(23, 22)).0, own);
}

#[test]
fn nobody_takes_over_a_hosts_mac() {
    let mut underlay = underlay();
    let mut forged = udp(21, 22);
    forged[6..12].copy_from_slice(&host_mac(2).octets());
    let _flooded = carried(&mut underlay, 0, &forged);
    let frame = nvgre(3, 2, 6001, &udp(5, 7));
    assert_eq!(carried(&mut underlay, 2, &frame).0, Carried::To(1));
}

/// Whatever a guest forges, the memory of the segment has an end.
#[test]
fn macs_beyond_the_segments_memory_are_flooded_and_earlier_ones_are_kept() {
    let mut underlay = underlay();
    let mut frame = udp(21, 22);
    for number in 0..10_000_u32 {
        frame[8..12].copy_from_slice(&number.to_be_bytes());
        let _flooded = carried(&mut underlay, 0, &frame);
    }
    let towards = |number: u32| {
        let mut frame = udp(23, 24);
        frame[..2].copy_from_slice(&[0x00, 0x15]);
        frame[2..6].copy_from_slice(&number.to_be_bytes());
        frame
    };
    assert_eq!(carried(&mut underlay, 1, &towards(0)).0, Carried::To(0));
    assert_eq!(
        carried(&mut underlay, 1, &towards(9_999)).0,
        Carried::ToOthers(None)
    );
}

#[test]
fn group_frames_reach_every_other_host_and_provider_groups_their_members() {
    let mut underlay = underlay();
    let reached = |underlay: &Underlay, from: usize, group| -> Vec<usize> {
        (0..3)
            .filter(|&to| underlay.reaches(from, to, group))
            .collect()
    };
    let broadcast = to(udp(21, 22), MacAddress::BROADCAST);
    assert_eq!(
        carried(&mut underlay, 0, &broadcast).0,
        Carried::ToOthers(None)
    );
    assert_eq!(reached(&underlay, 0, None), [1, 2]);
    let mut frame = nvgre(1, 2, 6001, &udp(5, 7));
    frame[30..34].copy_from_slice(&GROUP);
    let header = etherparse::Ipv4Header::from_slice(&frame[14..])
        .expect("IPv4")
        .0;
    frame[24..26].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
    let group = MacAddress::of_multicast(std::net::Ipv4Addr::from(GROUP).into()).expect("a group");
    let group_frame = to(frame, group);
    let joined = Some(ProviderAddress::v4(GROUP));
    assert_eq!(
        carried(&mut underlay, 0, &group_frame).0,
        Carried::ToOthers(joined)
    );
    assert_eq!(reached(&underlay, 0, joined), [1], "host 3 has not joined");
}

#[test]
fn a_packet_longer_than_a_link_ends_at_it_and_the_vlan_tag_does_not_count() {
    let mut hosts = attachments();
    hosts[1].link_mtu_bytes = 100;
    let settings = scenario::Underlay {
        mtu_bytes: 200,
        ..scenario::Underlay::default()
    };
    let mut underlay = underlay_with(settings, &hosts);
    let frame = |packet_len: usize| {
        let inner = vec![0; packet_len - 28];
        nvgre(1, 2, 6001, &inner)
    };
    let fits = Ok(());
    let too_long = Err(DropReason::UnderlayMtu);
    assert_eq!(underlay.arrive(1, &frame(100)), fits);
    assert_eq!(underlay.arrive(1, &tagged(&frame(100), 5)), fits);
    assert_eq!(underlay.arrive(1, &frame(101)), too_long);
    assert_eq!(underlay.arrive(2, &frame(200)), fits);
    assert_eq!(underlay.arrive(2, &frame(201)), too_long);
    // The sender's own link.
    let mut from_host_2 = frame(101);
    from_host_2[26..30].copy_from_slice(&[192, 0, 2, 2]);
    let header = etherparse::Ipv4Header::from_slice(&from_host_2[14..])
        .expect("IPv4")
        .0;
    from_host_2[24..26].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
    let (carried, _) = carried(&mut underlay, 1, &to(from_host_2, host_mac(3)));
    assert_eq!(carried, Carried::Dropped(DropReason::UnderlayMtu));
}

#[test]
fn own_packets_go_to_the_host_whose_mac_they_carry_whatever_went_before() {
    let mut underlay = underlay();
    for to_host in [2, 3, 3, 2, 3] {
        let frame = nvgre(1, to_host, 6001, &udp(5, 7));
        let (carried, after) = carried(&mut underlay, 0, &frame);
        assert_eq!(carried, Carried::To(usize::from(to_host) - 1));
        assert_eq!(after, frame);
    }
    // Host 2 comes back with another MAC: the old one is nobody's.
    let mut hosts = attachments();
    hosts[1].addresses[0].1 = host_mac(77);
    underlay.attach(&hosts);
    let to_old = nvgre(1, 2, 6001, &udp(5, 7));
    let flooded = Carried::ToOthers(None);
    assert_eq!(carried(&mut underlay, 0, &to_old).0, flooded);
    let to_new = to(to_old, host_mac(77));
    assert_eq!(carried(&mut underlay, 0, &to_new).0, Carried::To(1));
    // From the right MAC, with another host's address.
    let mut spoofed = nvgre(3, 2, 6001, &udp(5, 7));
    spoofed[6..12].copy_from_slice(&host_mac(1).octets());
    let spoofed = to(spoofed, host_mac(77));
    let refused = Carried::Dropped(DropReason::UnderlaySource);
    assert_eq!(carried(&mut underlay, 0, &spoofed).0, refused);
}

#[test]
fn packets_are_lost_as_often_as_asked_and_the_same_ones_for_a_seed() {
    let frame = nvgre(1, 2, 6001, &udp(5, 7));
    let lost = |loss_per_million: u32, seed: u64| -> Vec<bool> {
        let settings = scenario::Underlay {
            loss_per_million,
            ..scenario::Underlay::default()
        };
        let mut underlay = Underlay::new(&settings, seed);
        underlay.attach(&attachments());
        let arrivals = (0..20_000).map(|_| underlay.arrive(1, &frame));
        arrivals
            .map(|arrival| arrival == Err(DropReason::UnderlayLoss))
            .collect()
    };
    let count = |lost: Vec<bool>| lost.into_iter().filter(|&lost| lost).count();
    assert_eq!(count(lost(0, 1)), 0);
    assert_eq!(count(lost(1_000_000, 1)), 20_000);
    let tenth = count(lost(100_000, 1));
    // Ten standard deviations around 2,000.
    assert!((1_576..=2_424).contains(&tenth), "{tenth}");
    assert_eq!(lost(100_000, 1), lost(100_000, 1));
    assert_ne!(lost(100_000, 1), lost(100_000, 2));
}

#[test]
fn alone_on_the_wire_there_is_nobody_to_flood_to() {
    let settings = scenario::Underlay::default();
    let mut underlay = underlay_with(settings, &attachments()[..1]);
    let broadcast = to(udp(21, 22), MacAddress::BROADCAST);
    let nobody = Carried::Dropped(DropReason::UnderlayNoOwner);
    assert_eq!(carried(&mut underlay, 0, &broadcast).0, nobody);
}
