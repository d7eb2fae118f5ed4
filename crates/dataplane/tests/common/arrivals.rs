//! NVGRE packets that come in at host 1 of the sample, and one changed byte.

use nvgre_dataplane::{
    AnyProvider, Decapsulated, DropReason, Policy, Refused, Settings, decapsulate,
};
use nvgre_wire::{FrameBuf, HEADROOM};

use super::*;

/// Host 1 of the sample, which receives.
pub(crate) fn receiver(carriage: Carriage) -> Host {
    Host::new(sample_policy(carriage, 1))
}

pub(crate) fn receiver_with(carriage: Carriage, change: impl FnOnce(&mut Policy)) -> Host {
    let mut host = receiver(carriage);
    host.edit(change);
    host
}

/// From host 0 to host 1, with this key and inner frame.
pub(crate) fn packet(carriage: Carriage, subnet: u32, inner: &[u8]) -> Vec<u8> {
    let pa = |host| {
        if carriage == Carriage::EncapV4 {
            host_v4(host)
        } else {
            host_v6(host)
        }
    };
    nvgre(
        (host_mac(1), pa(1)),
        (host_mac(0), pa(0)),
        (subnet, 0x5a),
        inner,
    )
}

pub(crate) fn blue_ping() -> Vec<u8> {
    packet(Carriage::EncapV4, BLUE, &ping(BLUE1, BLUE2))
}

/// The packet with this byte, and a right outer IPv4 header checksum.
pub(crate) fn with_byte(packet: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    assert_ne!(packet[at], value, "byte {at} is {value:#04x} already");
    packet[at] = value;
    right_checksum(packet)
}

pub(crate) fn right_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    let header = &packet[14..34];
    let checksum = pnet_packet::util::checksum(header, 5);
    packet[24..26].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// Decapsulation as a tool does it.
pub(crate) fn tool(packet: &[u8]) -> Result<(Decapsulated, Vec<u8>), Refused> {
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(packet);
    let range = HEADROOM..memory.len();
    let mut frame = FrameBuf::new(&mut memory, range).expect("headroom");
    let decapsulated = decapsulate(&mut frame, &Settings::default(), &AnyProvider)?;
    Ok((decapsulated, frame.bytes().to_vec()))
}

pub(crate) fn keyless(reason: DropReason) -> Refused {
    Refused { reason, key: None }
}
