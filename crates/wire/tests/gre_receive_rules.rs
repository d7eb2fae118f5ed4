//! The rules of RFC 7637 section 3.2 (N-..) and of base GRE, RFC 2784, 2890 and 7676 (G-..), as far
//! as a header shows them. Expected bytes are written out here or made by pnet's GRE packet.

use nvgre_wire::{
    EtherType, FlowId, Gre, GreRefusal, Ipv4, Ipv6, Layer, Nvgre, NvgreKey, ParseError,
    VirtualSubnetId, ip_protocol,
};
use pnet_packet::gre::{GrePacket, MutableGrePacket};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const KEY_BIT: u16 = 0x2000;

fn fixed_seed() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(7637),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// An 8-byte header with these flags, the NVGRE protocol, VSID 5001 and FlowID 0x5A.
fn header(flags: u16) -> [u8; 8] {
    let [high, low] = flags.to_be_bytes();
    [high, low, 0x65, 0x58, 0x00, 0x13, 0x89, 0x5a]
}

fn vsid(number: u32) -> VirtualSubnetId {
    VirtualSubnetId::try_new(number).expect("not reserved")
}

fn emitted(number: u32, flow: u8) -> [u8; 8] {
    let mut out = [0xee; 8];
    Nvgre::emit(&mut out, vsid(number), FlowId(flow));
    out
}

#[test]
fn n01_emitted_checksum_and_sequence_bits_are_zero_so_the_header_is_8_bytes() {
    let out = emitted(445_566, 42);
    let pnet = GrePacket::new(&out).expect("8 bytes");
    assert_eq!(pnet.get_checksum_present(), 0);
    assert_eq!(pnet.get_sequence_present(), 0);
    assert_eq!(pnet.get_routing_present(), 0);
    assert_eq!((pnet.get_zero_flags(), pnet.get_version()), (0, 0));
    assert_eq!(Nvgre::LEN, 8);
    assert_eq!(emitted(5_001, 0x5a), header(0x2000));
}

#[test]
fn n02_emitted_key_bit_is_one_and_the_key_holds_vsid_and_flow_id() {
    let out = emitted(445_566, 42);
    let pnet = GrePacket::new(&out).expect("8 bytes");
    assert_eq!(pnet.get_key_present(), 1);
    assert_eq!(pnet.get_key_raw(), [0x06, 0xcc, 0x7e, 0x2a]);
}

#[test]
fn n05_a_flow_id_that_was_not_generated_is_zero() {
    assert_eq!(FlowId::default(), FlowId(0));
    assert_eq!(emitted(445_566, FlowId::default().0)[7], 0);
}

#[test]
fn n06_emitted_protocol_type_is_transparent_ethernet_bridging() {
    let out = emitted(4_096, 0);
    assert_eq!(
        GrePacket::new(&out).expect("8 bytes").get_protocol_type(),
        0x6558
    );
    assert_eq!(out, [0x20, 0x00, 0x65, 0x58, 0x00, 0x10, 0x00, 0x00]);
}

#[test]
fn n16_n17_reserved_vsids_are_read_but_name_no_subnet() {
    for (bytes, number) in [
        ([0x00, 0x00, 0x00], 0),
        ([0x00, 0x00, 0x01], 1),
        ([0x00, 0x0f, 0xff], 4_095),
        ([0xff, 0xff, 0xff], 0xff_ffff),
    ] {
        let mut received = header(KEY_BIT);
        received[4..7].copy_from_slice(&bytes);
        let key = Nvgre::receive(&received, true).expect("NVGRE").key;
        let reserved = key.virtual_subnet().expect_err("reserved");
        assert_eq!(reserved.0, number);
    }
}

/// RFC 2784 has a receiver process C; an NVGRE endpoint refuses what RFC 7637 s3.2 forbids, and the
/// generic parser reads past it.
#[test]
fn g01_the_checksum_bit_is_understood_and_refused() {
    assert_eq!(
        Nvgre::receive(&header(KEY_BIT | 0x8000), false),
        Err(GreRefusal::ChecksumBit)
    );
    let bytes = [
        0xa0, 0, 0x65, 0x58, 0xde, 0xad, 0, 0, 0x00, 0x13, 0x89, 0x5a,
    ];
    let gre = Gre::parse(bytes).expect("GRE");
    assert_eq!(gre.key(), Some(NvgreKey(0x0013_895a)));
    assert!(gre.payload().is_empty());
}

#[test]
fn g02_bits_1_4_and_5_are_refused() {
    for bit in [0x4000, 0x0800, 0x0400] {
        for strict in [false, true] {
            assert_eq!(
                Nvgre::receive(&header(KEY_BIT | bit), strict),
                Err(GreRefusal::RoutingBit),
                "bit {bit:#06x}"
            );
        }
    }
}

#[test]
fn g03_bits_6_to_12_are_ignored_and_counted_and_refused_only_by_the_strict() {
    for bit in [0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010, 0x0008] {
        let received = header(KEY_BIT | bit);
        assert_eq!(
            Nvgre::receive(&received, false),
            Ok(Nvgre {
                key: NvgreKey(0x0013_895a),
                reserved_bits: true
            }),
            "bit {bit:#06x}"
        );
        assert_eq!(
            Nvgre::receive(&received, true),
            Err(GreRefusal::ReservedBits),
            "bit {bit:#06x}"
        );
    }
}

#[test]
fn g04_a_version_other_than_zero_is_refused() {
    for version in 1..=7 {
        assert_eq!(
            Nvgre::receive(&header(KEY_BIT | version), false),
            Err(GreRefusal::Version)
        );
    }
}

#[test]
fn g04_a_pptp_header_is_refused_for_its_version_before_all_else() {
    let pptp = [0x30, 0x01, 0x88, 0x0b, 0x00, 0x08, 0x00, 0x4d, 0, 0, 0, 1];
    assert_eq!(Nvgre::receive(&pptp, false), Err(GreRefusal::Version));
    assert_eq!(Gre::parse(pptp).expect("GRE").version(), 1);
}

#[test]
fn g05_any_other_protocol_type_is_refused() {
    for protocol in [
        0x0000, 0x0800, 0x86dd, 0x5865, 0x6557, 0x6559, 0x88be, 0xffff_u16,
    ] {
        let mut received = header(KEY_BIT);
        received[2..4].copy_from_slice(&protocol.to_be_bytes());
        assert_eq!(
            Nvgre::receive(&received, false),
            Err(GreRefusal::Protocol),
            "protocol {protocol:#06x}"
        );
    }
}

/// G-06: the checksum of RFC 2784 s2.5 is not verified, because a header with it is refused whether
/// it is right or wrong.
#[test]
fn g06_a_right_and_a_wrong_gre_checksum_are_refused_alike() {
    // Words a000 6558 0013 895a sum to 0x8EC6 after carry; its complement is the right checksum.
    for checksum in [0x7139_u16, 0xdead] {
        let mut received = [0xa0, 0, 0x65, 0x58, 0, 0, 0, 0, 0x00, 0x13, 0x89, 0x5a];
        received[4..6].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(
            Nvgre::receive(&received, false),
            Err(GreRefusal::ChecksumBit)
        );
    }
}

/// G-08: RFC 2890 s2. pnet lays the fields out; every combination of C, K and S.
#[test]
fn g08_length_and_fields_follow_the_flags() {
    for flags in (0..8).map(|bits| (bits & 4) << 13 | (bits & 2) << 12 | (bits & 1) << 12) {
        let (c, k, s) = (
            flags & 0x8000 != 0,
            flags & KEY_BIT != 0,
            flags & 0x1000 != 0,
        );
        let len = 4 + 4 * (usize::from(c) + usize::from(k) + usize::from(s));
        let mut bytes = vec![0u8; len];
        bytes[..2].copy_from_slice(&u16::to_be_bytes(flags));
        let mut pnet = MutableGrePacket::new(&mut bytes).expect("a header");
        pnet.set_protocol_type(0x6558);
        if c {
            pnet.get_checksum_raw_mut().copy_from_slice(&[0xc5, 0xc5]);
        }
        if k {
            pnet.get_key_raw_mut()
                .copy_from_slice(&[0x06, 0xcc, 0x7e, 0x2a]);
        }
        if s {
            pnet.get_sequence_raw_mut().copy_from_slice(&[0, 0, 1, 42]);
        }
        bytes.extend(b"payload");
        let gre = Gre::parse(&bytes[..]).expect("GRE");
        assert_eq!(gre.flags(), flags);
        assert_eq!(gre.header_len(), len, "flags {flags:#06x}");
        assert_eq!(
            gre.key(),
            k.then_some(NvgreKey(0x06cc_7e2a)),
            "{flags:#06x}"
        );
        assert_eq!(gre.sequence(), s.then_some(298), "flags {flags:#06x}");
        assert_eq!(gre.payload(), b"payload", "flags {flags:#06x}");
        for short in 0..len {
            assert_eq!(
                Gre::parse(&bytes[..short]).unwrap_err(),
                ParseError::Short {
                    layer: Layer::Gre,
                    need: if short < 4 { 4 } else { len },
                    have: short
                }
            );
        }
    }
}

#[test]
fn g09_the_256_keys_of_a_subnet_name_one_subnet() {
    for flow in 0..=255 {
        let mut received = header(KEY_BIT);
        received[7] = flow;
        let key = Nvgre::receive(&received, true).expect("NVGRE").key;
        assert_eq!(key.virtual_subnet(), Ok(vsid(5_001)));
        assert_eq!(key.flow_id(), FlowId(flow));
    }
}

#[test]
fn g10_the_sequence_bit_is_refused() {
    assert_eq!(
        Nvgre::receive(&header(KEY_BIT | 0x1000), false),
        Err(GreRefusal::SequenceBit)
    );
}

#[test]
fn a_header_without_a_key_is_refused() {
    assert_eq!(
        Nvgre::receive(&header(0), false),
        Err(GreRefusal::KeyAbsent)
    );
}

#[test]
fn a_header_below_8_bytes_is_refused_as_short() {
    for len in 0..8 {
        assert_eq!(
            Nvgre::receive(&header(KEY_BIT)[..len], false),
            Err(GreRefusal::Short)
        );
    }
}

/// G-12 and N-01 meet here: no header with C is ever emitted, whatever the subnet and flow.
#[test]
fn g12_the_first_four_bytes_are_the_same_for_every_subnet_and_flow() {
    for number in [4_096, 5_001, 0x7f_ffff, 0x80_0000, 16_777_214] {
        for flow in [0, 1, 0x7f, 0x80, 0xff] {
            assert_eq!(emitted(number, flow)[..4], [0x20, 0x00, 0x65, 0x58]);
        }
    }
}

/// G-13: Next Header 47 may stand in the last extension header; ESP, AH and "no next header" end
/// the walk, and what they hide is not GRE.
#[test]
fn g13_esp_ah_and_no_next_header_end_the_walk_before_gre() {
    for protocol in [
        ip_protocol::ESP,
        ip_protocol::AH,
        ip_protocol::NO_NEXT_HEADER,
    ] {
        let mut packet = [0u8; 40 + 8 + 16];
        packet[0] = 0x60;
        packet[5] = 8 + 16;
        packet[6] = ip_protocol::DESTINATION_OPTIONS;
        packet[40..48].copy_from_slice(&[protocol, 0, 1, 4, 0, 0, 0, 0]);
        packet[48] = ip_protocol::GRE;
        let upper = Ipv6::parse(packet)
            .and_then(|ip| ip.upper_layer())
            .expect("an upper layer");
        assert_eq!((upper.protocol, upper.offset), (protocol, 48));
    }
}

/// G-17: IP protocol 47, in IPv4 too.
#[test]
fn g17_the_ip_protocol_number_is_47() {
    let mut packet = [0u8; 28];
    packet[..4].copy_from_slice(&[0x45, 0, 0, 28]);
    packet[9] = 47;
    let ip = Ipv4::parse(packet).expect("IPv4");
    assert_eq!(ip.protocol(), ip_protocol::GRE);
}

proptest! {
    #![proptest_config(fixed_seed())]

    /// Accepted is exactly: K alone of the bits that count, version 0, protocol 0x6558.
    #[test]
    fn acceptance_depends_on_nothing_but_flags_and_protocol(
        flags in prop_oneof![any::<u16>(), (0u16..0x400).prop_map(|low| KEY_BIT | low)],
        protocol in prop_oneof![any::<u16>(), Just(0x6558u16)],
        key in any::<u32>(),
    ) {
        let mut bytes = header(flags);
        bytes[2..4].copy_from_slice(&protocol.to_be_bytes());
        bytes[4..].copy_from_slice(&key.to_be_bytes());
        let legal = flags & !0x03f8 == KEY_BIT && protocol == 0x6558;
        let reserved_bits = flags & 0x03f8 != 0;
        let lax = Nvgre::receive(&bytes, false);
        prop_assert_eq!(lax.is_ok(), legal);
        if legal {
            prop_assert_eq!(lax, Ok(Nvgre { key: NvgreKey(key), reserved_bits }));
        }
        prop_assert_eq!(Nvgre::receive(&bytes, true).is_ok(), legal && !reserved_bits);
    }

    /// What is accepted as NVGRE is the same header to the generic parser.
    #[test]
    fn nvgre_and_generic_parser_agree(
        flags in prop_oneof![any::<u16>(), (0u16..0x400).prop_map(|low| KEY_BIT | low)],
        rest in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = flags.to_be_bytes().to_vec();
        bytes.extend([0x65, 0x58]);
        bytes.extend(rest);
        if let Ok(gre) = Gre::parse(&bytes[..]) {
            prop_assert_eq!(gre.header_len() + gre.payload().len(), bytes.len());
            let _ = (gre.version(), gre.sequence());
            if let Ok(nvgre) = Nvgre::receive(&bytes, false) {
                prop_assert_eq!(gre.key(), Some(nvgre.key));
                prop_assert_eq!(gre.header_len(), Nvgre::LEN);
                prop_assert_eq!(gre.protocol(), EtherType::TRANSPARENT_ETHERNET_BRIDGING);
            }
        }
    }
}
