//! The question of every test of IP rewrite: what does a packet look like on the wire?

use std::net::IpAddr;

use nvgre_dataplane::DropReason;

use super::{
    BLUE1, BLUE2, Carriage, Guest, UDP, UDP_LITE, World, hex, host_mac, ip_frame,
    transport_checksum,
};

/// Sends what `build` makes for the customer addresses of Blue 1 and Blue 2. On the wire it must be
/// what `build` makes for their provider addresses, and at Blue 2 what Blue 1 sent.
#[track_caller]
pub(crate) fn travels(world: &mut World, ipv4: bool, build: impl Fn(IpAddr, IpAddr) -> Vec<u8>) {
    let frame = sent(ipv4, &build);
    let journey = world.guest_sends(BLUE1, &frame);
    let expected = ip_frame(
        host_mac(1),
        host_mac(0),
        &build(pa_of(BLUE1, ipv4), pa_of(BLUE2, ipv4)),
    );
    assert!(
        journey.sent.uplink() == expected,
        "expected on the wire {}\n{journey}",
        hex(&expected)
    );
    journey.assert_only(BLUE2, &frame);
}

/// What Blue 1 sends to Blue 2 is refused, and nothing of it leaves.
#[track_caller]
pub(crate) fn refused(
    world: &mut World,
    ipv4: bool,
    reason: DropReason,
    build: impl Fn(IpAddr, IpAddr) -> Vec<u8>,
) {
    let journey = world.guest_sends(BLUE1, &sent(ipv4, build));
    journey.sent.assert_dropped(reason);
    journey.assert_nobody();
}

pub(crate) fn sent(ipv4: bool, build: impl Fn(IpAddr, IpAddr) -> Vec<u8>) -> Vec<u8> {
    let packet = build(BLUE1.ip(ipv4), BLUE2.ip(ipv4));
    ip_frame(BLUE2.mac, BLUE1.mac, &packet)
}

pub(crate) fn pa_of(guest: Guest, ipv4: bool) -> IpAddr {
    Carriage::Nat.provider_address(guest, ipv4).ip()
}

/// A segment of 12 bytes with a UDP-like checksum field at offset 6.
pub(crate) fn checksummed(protocol: u8, source: IpAddr, destination: IpAddr, last: u16) -> Vec<u8> {
    let mut segment = vec![3, 232, 7, 208, 0, 12, 0, 0, 9, 9];
    segment.extend_from_slice(&last.to_be_bytes());
    let checksum = transport_checksum(source, destination, protocol, &segment, 3);
    let checksum = match (protocol, checksum) {
        (UDP | UDP_LITE, 0) => 0xffff,
        (_, other) => other,
    };
    segment[6..8].copy_from_slice(&checksum.to_be_bytes());
    segment
}
