//! DSCP and ECN across the tunnel: copied out (RFC 2983, RFC 6040 s4.1), and ECN combined on receipt
//! (RFC 6040 s4.2).

mod common;

use common::*;
use etherparse::{NetSlice, SlicedPacket};
use nvgre_dataplane::DropReason;

fn sliced(packet: &[u8]) -> SlicedPacket<'_> {
    SlicedPacket::from_ethernet(packet).expect("etherparse reads the outer headers")
}

/// RFC 2983: DSCP is copied out. RFC 6040 s4.1, normal mode: so is ECN.
#[test]
fn dscp_and_ecn_are_copied_out_for_every_value_and_both_families() {
    for carriage in Carriage::ENCAP {
        let mut host = Host::new(sample_policy(carriage, 0));
        for tos in 0..=255u8 {
            for ip in [Ip::new(BLUE1.v4, BLUE2.v4), Ip::new(BLUE1.v6, BLUE2.v6)] {
                let frame = ip_frame(BLUE2.mac, BLUE1.mac, &ip.tos(tos).echo(b"tos"));
                let sent = host.send(0, &frame);
                let outer = match sliced(sent.uplink()).net.expect("IP") {
                    NetSlice::Ipv4(ip) => {
                        ip.header().dcp().value() << 2 | ip.header().ecn().value()
                    }
                    NetSlice::Ipv6(ip) => ip.header().traffic_class(),
                    NetSlice::Arp(_) => panic!("IP"),
                };
                assert_eq!(outer, tos, "{sent}");
                assert_eq!(
                    read_nvgre(sent.uplink()).inner,
                    frame,
                    "the inner one stays"
                );
            }
        }
    }
}

#[test]
fn what_is_not_ip_has_no_dscp_and_is_not_ecn_capable() {
    for carriage in Carriage::ENCAP {
        for frame in [
            arp_reply(BLUE1, BLUE2),
            ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[0xff; 46]),
        ] {
            let sent = Host::new(sample_policy(carriage, 0)).send(0, &frame);
            match sliced(sent.uplink()).net.expect("IP") {
                NetSlice::Ipv4(ip) => {
                    assert_eq!(
                        (ip.header().dcp().value(), ip.header().ecn().value()),
                        (0, 0)
                    );
                }
                NetSlice::Ipv6(ip) => assert_eq!(ip.header().traffic_class(), 0),
                NetSlice::Arp(_) => panic!("IP"),
            }
        }
    }
}

const NOT_ECT: u8 = 0b00;
const ECT_1: u8 = 0b01;
const ECT_0: u8 = 0b10;
const CE: u8 = 0b11;

/// RFC 6040 s4.2, figure 4: inner, outer, what the inner field becomes (`None`: dropped), and
/// whether it is to be reported.
const FIGURE_4: [(u8, u8, Option<u8>, bool); 16] = [
    (NOT_ECT, NOT_ECT, Some(NOT_ECT), false),
    (NOT_ECT, ECT_0, Some(NOT_ECT), true),
    (NOT_ECT, ECT_1, Some(NOT_ECT), true),
    (NOT_ECT, CE, None, false),
    (ECT_0, NOT_ECT, Some(ECT_0), false),
    (ECT_0, ECT_0, Some(ECT_0), false),
    (ECT_0, ECT_1, Some(ECT_1), false),
    (ECT_0, CE, Some(CE), false),
    (ECT_1, NOT_ECT, Some(ECT_1), false),
    (ECT_1, ECT_0, Some(ECT_1), true),
    (ECT_1, ECT_1, Some(ECT_1), false),
    (ECT_1, CE, Some(CE), false),
    (CE, NOT_ECT, Some(CE), false),
    (CE, ECT_0, Some(CE), false),
    (CE, ECT_1, Some(CE), true),
    (CE, CE, Some(CE), false),
];

#[test]
fn ecn_is_combined_as_figure_4_of_rfc_6040_says() {
    const DSCP: u8 = 0x48;
    for carriage in Carriage::ENCAP {
        for (inner, outer, result, reported) in FIGURE_4 {
            for ip in [Ip::new(BLUE1.v4, BLUE2.v4), Ip::new(BLUE1.v6, BLUE2.v6)] {
                let frame = |ecn: u8| {
                    let packet = ip.clone().tos(DSCP | ecn).udp((1, 2), b"ecn");
                    ip_frame(BLUE2.mac, BLUE1.mac, &packet)
                };
                let (to, from) = match carriage {
                    Carriage::EncapV4 => (host_v4(1), host_v4(0)),
                    _ => (host_v6(1), host_v6(0)),
                };
                let outer_ip = Ip::new(from.ip(), to.ip()).tos(outer);
                let key = (BLUE, 0);
                let packet = nvgre_in(&outer_ip, host_mac(1), host_mac(0), key, &frame(inner));
                let mut host = receiver(carriage);
                let got = host.receive(&packet);
                match result {
                    Some(ecn) => {
                        // The whole frame, with the header checksum that etherparse computes.
                        got.assert_delivered(BLUE2.port, &frame(ecn));
                        assert_checksums(&got.frame);
                    }
                    None => {
                        got.assert_dropped(DropReason::EcnCeOnNotEct);
                    }
                }
                let tally = host.worker.counters().tally;
                assert_eq!(
                    tally.ecn_reported,
                    u64::from(reported),
                    "{inner} {outer}\n{got}"
                );
                assert_eq!(tally.decapsulated, u64::from(result.is_some()), "{got}");
            }
        }
    }
}

/// The field is updated, not repaired: a receiver still sees what was damaged before.
#[test]
fn a_wrong_inner_checksum_stays_wrong_when_ecn_changes() {
    let ip = Ip::new(BLUE1.v4, BLUE2.v4);
    let mut inner = ip_frame(
        BLUE2.mac,
        BLUE1.mac,
        &ip.clone().tos(ECT_0).udp((1, 2), b"ecn"),
    );
    let mut expected = ip_frame(BLUE2.mac, BLUE1.mac, &ip.tos(CE).udp((1, 2), b"ecn"));
    // The same error, a TTL that the checksum does not know, in what goes in and what comes out.
    inner[22] ^= 0x10;
    expected[22] ^= 0x10;
    let outer = Ip::new(host_v4(0).ip(), host_v4(1).ip()).tos(CE);
    let packet = nvgre_in(&outer, host_mac(1), host_mac(0), (BLUE, 0), &inner);
    let got = receiver(Carriage::EncapV4).receive(&packet);
    got.assert_delivered(BLUE2.port, &expected);
    assert_eq!(wrong_checksums(&got.frame), ["ipv4"]);
}

#[test]
fn a_congestion_mark_on_what_is_not_ip_is_of_no_account() {
    let inner = ethernet(BLUE2.mac, BLUE1.mac, LLDP, &[0; 46]);
    let outer = Ip::new(host_v4(0).ip(), host_v4(1).ip()).tos(CE);
    let packet = nvgre_in(&outer, host_mac(1), host_mac(0), (BLUE, 0), &inner);
    receiver(Carriage::EncapV4)
        .receive(&packet)
        .assert_delivered(BLUE2.port, &inner);
}
