//! What etherparse and pnet say about frames that came out.

use std::net::IpAddr;

use etherparse::{NetSlice, SlicedPacket};
use pnet_packet::util;

use super::frames::{DCCP, ICMP, ICMPV6, TCP, UDP, UDP_LITE, transport_checksum};
use super::hex;

/// Which checksums of a packet are wrong: names of layers; empty when all are right. Fragments
/// and transports without address-covering checksum are looked at as far as their IP header.
pub(crate) fn wrong_checksums(frame: &[u8]) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let sliced = SlicedPacket::from_ethernet(frame)
        .unwrap_or_else(|error| panic!("etherparse: {error}: {}", hex(frame)));
    let (source, destination): (IpAddr, IpAddr) = match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            if header.header_checksum() != header.to_header().calc_header_checksum() {
                wrong.push("ipv4");
            }
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        Some(NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        Some(NetSlice::Arp(_)) | None => return wrong,
    };
    let payload = sliced.ip_payload().expect("an IP payload");
    if payload.fragmented {
        return wrong;
    }
    let (protocol, bytes) = (payload.ip_number.0, payload.payload);
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let transport = |at: usize| {
        let right = transport_checksum(source, destination, protocol, bytes, at / 2);
        word(at) == right || word(at) == 0xffff && right == 0
    };
    let right = match protocol {
        TCP => transport(16),
        UDP if word(6) == 0 => true,
        UDP => transport(6),
        UDP_LITE | DCCP => transport(6),
        ICMP => word(2) == util::checksum(bytes, 1),
        ICMPV6 => transport(2),
        _other => true,
    };
    if !right {
        wrong.push("transport");
    }
    wrong
}

/// Every checksum of the frame is right.
#[track_caller]
pub(crate) fn assert_checksums(frame: &[u8]) {
    let wrong = wrong_checksums(frame);
    assert!(
        wrong.is_empty(),
        "wrong checksums: {wrong:?} in {}",
        hex(frame)
    );
}

/// What an NVGRE packet over an untagged outer header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadNvgre {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) subnet: u32,
    pub(crate) flow: u8,
    pub(crate) inner: Vec<u8>,
}

/// Reads an NVGRE packet with etherparse; the outer header's checksum must be right.
#[track_caller]
pub(crate) fn read_nvgre(packet: &[u8]) -> ReadNvgre {
    assert_checksums(packet);
    let sliced = SlicedPacket::from_ethernet(packet).expect("etherparse");
    let (source, destination) = match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        Some(NetSlice::Ipv6(ip)) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        Some(NetSlice::Arp(_)) | None => panic!("not IP: {}", hex(packet)),
    };
    let payload = sliced.ip_payload().expect("an IP payload");
    assert_eq!(payload.ip_number, etherparse::IpNumber::GRE);
    let gre = payload.payload;
    assert_eq!(gre[..4], [0x20, 0x00, 0x65, 0x58], "RFC 7637 s3.2");
    let key = u32::from_be_bytes([gre[4], gre[5], gre[6], gre[7]]);
    ReadNvgre {
        source,
        destination,
        subnet: key >> 8,
        flow: key as u8,
        inner: gre[8..].to_vec(),
    }
}
