//! The short form of the headers says what the long one says, of every packet that has it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use nvgre_wire::{Ipv4, ip_protocol};

use super::*;
use crate::table::tests::{Dice, tries};

/// An IPv4 packet of which most are plain, nearly none are ordinary, and many are cut.
pub(crate) fn packet(dice: &mut Dice) -> Vec<u8> {
    let len = [20, 23, 24, 25, 28, 40, 60][dice.below(7) as usize];
    let mut packet: Vec<u8> = (0..len).map(|_| dice.below(256) as u8).collect();
    if dice.below(8) > 0 {
        packet[0] = 0x45;
    }
    let total: u16 = match dice.below(6) {
        0 => dice.below(0x1_0000) as u16,
        1 => 20 + dice.below(8) as u16,
        2 => len + 1,
        _ => len,
    };
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    match dice.below(4) {
        // Any fragment.
        0 => {}
        // The first of several.
        1 => packet[6..8].copy_from_slice(&[0x20, 0]),
        // Whole, with any combination of the other flags.
        _ => {
            packet[6] &= 0xc0;
            packet[7] = 0;
        }
    }
    let protocols = [
        ip_protocol::TCP,
        ip_protocol::UDP,
        ip_protocol::SCTP,
        ip_protocol::ICMP,
        ip_protocol::ICMPV6,
        ip_protocol::GRE,
    ];
    if dice.below(4) > 0 {
        packet[9] = protocols[dice.below(6) as usize];
    }
    for address in [12..16, 16..20] {
        match dice.below(8) {
            0 => packet[address].fill(0),
            1 => packet[address].fill(255),
            2 => packet[address.start] = 224,
            3 => packet[address].copy_from_slice(&[169, 254, 1, 1]),
            _ => {}
        }
    }
    if dice.below(4) > 0
        && let Ok(ip) = Ipv4::parse_cut(&*packet)
        && ip.header_len() == 20
    {
        packet[10..12].fill(0);
        let sum = !checksum::fold(checksum::sum(&packet[..20]));
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

#[test]
fn a_plain_packet_reads_the_same_by_the_short_way_and_the_long_one() {
    let mut read = 0;
    for seed in 0..tries(20_000, 50) as u64 {
        let mut dice = Dice::new(seed);
        let packet = packet(&mut dice);
        let mut frame: Vec<u8> = (0..12).map(|_| dice.below(256) as u8).collect();
        let ether_type: u16 = if dice.below(10) == 0 { 0x86dd } else { 0x0800 };
        frame.extend(ether_type.to_be_bytes());
        frame.extend(&packet);
        let link = LinkHeader::parse(&frame).expect("a link header");
        let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        let is_plain =
            ether_type == 0x0800 && packet[0] == 0x45 && total >= 24 && packet.len() >= 24;
        let short = PlainIpv4::read(&link, &packet);
        assert_eq!(short.is_some(), is_plain, "seed {seed}: {packet:02x?}");
        let Some(short) = short else { continue };
        read += 1;
        let long = Classified::of(&link, &packet);
        assert_eq!(all(short), all(&long), "seed {seed}: {packet:02x?}");
        assert_eq!(
            format!("{:?}", short.whole()),
            format!("{long:?}"),
            "seed {seed}: {packet:02x?}"
        );
        let ip = Ipv4::parse_cut(&*packet).expect("an IPv4 header");
        assert_eq!(short.checksum_ok(), ip.checksum_ok(), "seed {seed}");
        assert_eq!(short.total_len(), ip.total_len(), "seed {seed}");
    }
    assert!(read > tries(8_000, 5), "{read} plain packets are too few");
}

/// Whatever is asked of headers.
fn all<H: Headers>(headers: H) -> [String; 8] {
    [
        format!("{:?}", (headers.destination(), headers.source())),
        format!("{:?}", headers.source_ca()),
        format!("{:?}", headers.sender_ip()),
        format!("{:?}", headers.target_ip()),
        format!("{:?}", headers.question()),
        format!("{:?}", headers.flow_id()),
        format!("{:?}", headers.tos()),
        format!("{:?}", headers.is_ip()),
    ]
}
