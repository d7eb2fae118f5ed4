//! Outer headers are prepared once and finished for each frame: what comes out is what etherparse
//! writes for that frame, over both families, with and without a tag.

mod common;

use common::*;
use nvgre_dataplane::Policy;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// DSCP and ECN of a whole IP packet, else 0.
fn tos(frame: &[u8]) -> u8 {
    match u16::from_be_bytes([frame[12], frame[13]]) {
        IPV4 => frame[15],
        IPV6 => frame[14] << 4 | frame[15] >> 4,
        _other => 0,
    }
}

/// The packet that carries `inner` from host 0 to host 1. The FlowID is whatever `packet` has.
fn expected(carriage: Carriage, vlan: Option<u16>, inner: &[u8], packet: &[u8]) -> Vec<u8> {
    let flow = packet[packet.len() - inner.len() - 1];
    let pa = |guest| carriage.provider_address(guest, true).ip();
    let mut outer = Ip::new(pa(BLUE1), pa(BLUE2)).ttl(64).tos(tos(inner));
    (outer.id, outer.dont_fragment) = (0, true);
    let mut frame = nvgre_in(&outer, host_mac(1), host_mac(0), (BLUE, flow), inner);
    if carriage == Carriage::EncapV6 {
        // RFC 6438: the label has the FlowID's entropy. Its lowest byte is the fourth of the header.
        frame[14 + 3] = flow;
    }
    match vlan {
        Some(vlan) => tagged(&frame, 0x8100, vlan),
        None => frame,
    }
}

fn sender(carriage: Carriage, vlan_id: Option<u16>) -> Host {
    let mut policy: Policy = sample_policy(carriage, 0);
    policy.provider_addresses[0].vlan = vlan_id.and_then(vlan);
    Host::new(policy)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(7637),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn outer_headers_are_what_another_builder_writes(
        frame in frames_to_blue2(),
        tag in prop::option::of(1..4_095_u16),
        flow_id: bool,
    ) {
        for carriage in Carriage::ENCAP {
            let mut host = sender(carriage, tag);
            host.edit(|policy| policy.settings.flow_id = flow_id);
            let sent = host.send(BLUE1.port, &frame);
            let packet = sent.uplink();
            let expected = expected(carriage, tag, &frame, packet);
            prop_assert_eq!(hex(packet), hex(&expected), "{}", sent);
            let untagged = if tag.is_some() {
                [&packet[..12], &packet[16..]].concat()
            } else {
                packet.to_vec()
            };
            let flow = read_nvgre(&untagged).flow;
            prop_assert!(flow_id || flow == 0, "{}", sent);
        }
    }
}

/// Every value of the one byte that both checksum and header take from the guest's packet.
#[test]
fn the_checksum_is_right_for_every_tos_and_length() {
    let mut host = sender(Carriage::EncapV4, None);
    host.edit(|policy| policy.settings.underlay_mtu_bytes = u16::MAX);
    let lengths = (0..64).chain([1_400, 9_000, 40_000, 65_535 - 28 - 34]);
    for (tos, len) in (0..=255).zip(lengths.cycle()) {
        let packet = Ip::new(BLUE1.v4, BLUE2.v4)
            .tos(tos)
            .carrying(253, &vec![7; len]);
        let frame = ip_frame(BLUE2.mac, BLUE1.mac, &packet);
        let sent = host.send(BLUE1.port, &frame);
        let expected = expected(Carriage::EncapV4, None, &frame, sent.uplink());
        assert!(sent.uplink() == expected, "tos {tos}, {len} bytes");
    }
}
