//! Frames that are nearly what most frames are: every bit of their headers changed, every length. The
//! short way and the long one must come to the same ([`common::Host`] compares them).

mod common;

use common::*;
use nvgre_dataplane::{DropReason, Verdict};

/// Bytes that decide: the outer headers, and the inner ones up to the ports.
const HEADERS: usize = 14 + 20 + 8 + 14 + 20 + 20;

/// UDP and TCP with enough in them for every checksum, and UDP without one. To another subnet by way
/// of the router.
fn frames(from: Guest, to: Guest) -> [Vec<u8>; 3] {
    let (source, destination) = (from.ip(true), to.ip(true));
    let data = [0x5a; 26];
    let ip = Ip::new(source, destination);
    let by = if from.vsid == to.vsid { to.mac } else { ROUTER };
    let frame = |packet: &[u8]| ip_frame(by, from.mac, packet);
    let mut without = frame(&ip.udp((1_024, 53), &data));
    without[40..42].fill(0);
    [
        frame(&ip.udp((1_024, 53), &data)),
        frame(&ip.tcp((1_024, 80), &data)),
        without,
    ]
}

/// The frame itself, with each bit of its headers changed, and cut to each length.
fn neighbors(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let headers = HEADERS.min(frame.len());
    let changed = (0..headers * 8).map(|bit| {
        let mut frame = frame.to_vec();
        frame[bit / 8] ^= 1 << (bit % 8);
        frame
    });
    let cut = (0..=frame.len()).map(|len| frame[..len].to_vec());
    changed.chain(cut)
}

#[test]
fn a_guest_s_frames_and_their_neighbors_go_the_same_way_traced_or_not() {
    for carriage in [Carriage::EncapV4, Carriage::EncapV6, Carriage::Nat] {
        let mut host = Host::new(sample_policy(carriage, 0));
        for to in [BLUE2, BLUE3, BLUE_B1, BLUE_B2, RED2, BLUE1] {
            let mut verdicts = Vec::new();
            for frame in frames(BLUE1, to) {
                let neighbors = neighbors(&frame);
                verdicts.extend(neighbors.map(|frame| host.send(BLUE1.port, &frame).verdict));
            }
            // Most changes matter to nobody, many do.
            let unchanged = verdicts[verdicts.len() - 1];
            let same = verdicts.iter().filter(|&&it| it == unchanged).count();
            let share = same * 100 / verdicts.len();
            assert!(
                (20..98).contains(&share),
                "{carriage:?}, {}: {share} %",
                to.name
            );
        }
    }
}

#[test]
fn a_packet_and_its_neighbors_go_the_same_way_traced_or_not() {
    for carriage in [Carriage::EncapV4, Carriage::EncapV6, Carriage::Nat] {
        let mut world = sample(carriage);
        let mut delivered = 0;
        let routed = frames(BLUE1, BLUE_B2);
        for frame in frames(BLUE1, BLUE2).into_iter().chain(routed) {
            let packet = world.hosts[0].send(BLUE1.port, &frame).uplink().to_vec();
            for packet in neighbors(&packet) {
                let mut packets = vec![packet.clone()];
                if carriage != Carriage::EncapV6 && packet.len() >= 34 {
                    packets.push(right_checksum(packet));
                }
                for packet in packets {
                    let outcome = world.hosts[1].receive(&packet);
                    delivered += usize::from(matches!(outcome.verdict, Verdict::Deliver(_)));
                }
            }
        }
        assert!(delivered > 300, "{carriage:?}: {delivered}");
    }
}

/// A guest writes what it likes: all ones, for one, where source MAC and EtherType stand.
#[test]
fn no_source_mac_leads_around_the_rules_of_a_port() {
    let to_neighbor = [BLUE3, BLUE_B1].map(|to| {
        ["0.0.0.0", "169.254.0.0"].map(|source| {
            let packet = Ip::new(ip(source), to.ip(true)).udp((1_024, 53), &[0x5a; 26]);
            let mut frame = ip_frame(ROUTER, BLUE1.mac, &packet);
            frame[6..14].fill(0xff);
            frame
        })
    });
    let mut host = host_with(BLUE1, |port| port.dhcp_guard = true);
    for frame in to_neighbor.as_flattened() {
        host.send(BLUE1.port, frame)
            .assert_dropped(DropReason::InnerSourceGroup);
    }
}

#[test]
fn a_router_with_a_group_s_mac_routes_nothing() {
    let group = mac("070000000001");
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    host.edit(|policy| policy.settings.router_mac = group);
    for to in [BLUE_B1, BLUE_B2] {
        let packet = Ip::new(BLUE1.v4, to.v4).udp((1_024, 53), &[0x5a; 26]);
        let outcome = host.send(BLUE1.port, &ip_frame(group, BLUE1.mac, &packet));
        outcome.assert_verdict(Verdict::Replicated(2));
    }
}
