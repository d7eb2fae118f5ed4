//! Broadcast and multicast to other hosts (RFC 7637 s4.2, row N-20): a copy each, or a group.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::*;
use nvgre_dataplane::{DropReason, Neighbor, Verdict};
use nvgre_wire::MacAddress;

/// Host 2 has guests of Blue too, host 3 only of Red.
fn four_hosts(carriage: Carriage) -> World {
    let blue4 = Guest {
        name: "blue4",
        host: 2,
        port: 0,
        mac: MacAddress::new([6, 6, 0, 0, 0, 0x0b]),
        v4: [10, 0, 0, 11].into(),
        ..BLUE1
    };
    let red3 = Guest {
        name: "red3",
        host: 3,
        vsid: RED,
        mac: MacAddress::new([6, 6, 0, 1, 0, 0x0b]),
        ..blue4
    };
    let policies = (0..4).map(|host| {
        let mut policy = sample_policy(carriage, host);
        for (id, guest) in [(50, blue4), (51, red3)] {
            let pa = carriage.provider_address(guest, true);
            policy
                .records
                .push(encap(id, guest.vsid, guest.ca(true), guest.mac, pa));
            policy.neighbors.push(Neighbor {
                address: pa,
                mac: host_mac(guest.host),
            });
            if guest.host == host {
                policy.ports.push(port_of(guest));
            }
        }
        policy
    });
    World::new(policies)
}

fn destinations(journey: &Journey) -> Vec<std::net::IpAddr> {
    journey
        .sent
        .uplinks()
        .map(|packet| read_nvgre(packet).destination)
        .collect()
}

#[test]
fn n20_without_a_group_each_remote_endpoint_of_the_subnet_gets_one_copy() {
    for carriage in Carriage::ENCAP {
        let mut world = four_hosts(carriage);
        let frame = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0xab; 46]);
        let journey = world.guest_sends(BLUE1, &frame);
        let hosts = if carriage == Carriage::EncapV4 {
            [host_v4(1), host_v4(2)]
        } else {
            [host_v6(1), host_v6(2)]
        };
        assert_eq!(destinations(&journey), hosts.map(|pa| pa.ip()), "{journey}");
        journey.sent.assert_verdict(Verdict::Replicated(3));
        let reached: Vec<_> = journey
            .deliveries
            .iter()
            .map(|d| (d.host, d.port))
            .collect();
        assert_eq!(reached, [(0, 1), (1, 0), (2, 0)], "{journey}");
        for packet in journey.sent.uplinks() {
            assert_eq!(hex(&read_nvgre(packet).inner), hex(&frame));
        }
    }
}

#[test]
fn n20_with_a_group_one_packet_goes_to_the_groups_address_and_mac() {
    for (carriage, group, group_mac) in [
        (Carriage::EncapV4, "239.129.4.17", "01-00-5e-01-04-11"),
        (Carriage::EncapV6, "ff08::1:0:4:17", "33-33-00-04-00-17"),
    ] {
        let mut world = four_hosts(carriage);
        // Two subnets share one group (RFC 7637 s4.2).
        world.edit(|policy| {
            for subnet in [BLUE, RED] {
                policy.multicast_groups.insert(vsid(subnet), pa(group));
            }
        });
        let frame = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0xab; 46]);
        let journey = world.guest_sends(BLUE1, &frame);
        assert_eq!(destinations(&journey), [pa(group).ip()], "{journey}");
        let packet = journey.sent.uplinks().next().expect("one packet");
        assert_eq!(packet[..6], mac(group_mac).octets(), "{journey}");
        assert_eq!(packet[6..12], host_mac(0).octets(), "{journey}");
        // Host 3 hears the group for Red, and has nobody in Blue.
        let reached: Vec<_> = journey
            .deliveries
            .iter()
            .map(|d| (d.host, d.port))
            .collect();
        assert_eq!(reached, [(0, 1), (1, 0), (2, 0)], "{journey}");
        assert!(journey.arrivals.iter().any(|(host, outcome)| {
            *host == 3 && outcome.verdict == Verdict::Drop(DropReason::NoPort)
        }));
        // Unicast is not touched by the group.
        let unicast = world.guest_sends(BLUE1, &ping(BLUE1, BLUE2));
        assert_eq!(
            destinations(&unicast),
            [carriage.provider_address(BLUE2, true).ip()]
        );
    }
}

/// The guest has a record, and so an outer source, for each family.
#[test]
fn n20_remote_endpoints_of_both_families_each_get_a_packet_of_their_own_family() {
    let mut world = four_hosts(Carriage::EncapV4);
    world.edit(|policy| {
        for record in &mut policy.records {
            let six = record.provider_address == host_v4(2)
                || record.mac == BLUE1.mac && !record.customer_address.is_ipv4();
            if six {
                let host = if record.mac == BLUE1.mac { 0 } else { 2 };
                record.provider_address = host_v6(host);
            }
        }
    });
    for host in [0, 2] {
        world.hosts[host].edit(|policy| {
            policy
                .provider_addresses
                .push(host_address(host_v6(host), host));
            for other in 0..4 {
                policy.neighbors.push(Neighbor {
                    address: host_v6(other),
                    mac: host_mac(other),
                });
            }
        });
    }
    let frame = ethernet(BROADCAST, BLUE1.mac, LLDP, &[0xab; 46]);
    let journey = world.guest_sends(BLUE1, &frame);
    let pairs: BTreeMap<_, _> = journey
        .sent
        .uplinks()
        .map(read_nvgre)
        .map(|nvgre| (nvgre.source, nvgre.destination))
        .collect();
    assert_eq!(
        pairs,
        BTreeMap::from([
            (host_v4(0).ip(), host_v4(1).ip()),
            (host_v6(0).ip(), host_v6(2).ip()),
        ]),
        "{journey}"
    );
}

/// Copies of one frame are of one flow, and their outer headers say of it what unicast's do.
#[test]
fn n04_copies_of_a_flood_have_flow_id_dscp_and_ecn_of_their_frame() {
    let mut world = four_hosts(Carriage::EncapV4);
    let group: std::net::Ipv4Addr = [239, 1, 1, 1].into();
    let mut values = BTreeSet::new();
    for port in 1024..1280 {
        let packet = Ip::new(BLUE1.v4, group).tos(0xba).udp((port, 5_353), b"x");
        let frame = ip_frame(mac("01-00-5e-01-01-01"), BLUE1.mac, &packet);
        let sent = world.hosts[0].send(0, &frame);
        let copies: Vec<_> = sent.uplinks().collect();
        assert_eq!(copies.len(), 2, "{sent}");
        let flows: BTreeSet<u8> = copies.iter().map(|copy| read_nvgre(copy).flow).collect();
        assert_eq!(flows.len(), 1, "{sent}");
        values.extend(flows);
        assert!(copies.iter().all(|copy| copy[15] == 0xba), "{sent}");
    }
    assert!(values.len() >= 100, "{} values for 256 flows", values.len());
    // N-10: and the VLAN of the address that they come from.
    world.hosts[0].edit(|policy| policy.provider_addresses[0].vlan = vlan(700));
    let sent = world.hosts[0].send(0, &ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46]));
    for copy in sent.uplinks() {
        assert_eq!(copy[12..16], [0x81, 0x00, 0x02, 0xbc], "{sent}");
    }
}
