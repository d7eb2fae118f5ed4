//! Reading headers at fixed offsets: of an untagged frame that holds IPv4 without options.

use nvgre_wire::checksum;

pub(super) const SOURCE_MAC: usize = 6;
pub(super) const ETHER_TYPE: usize = 12;
pub(super) const IP: usize = 14;
pub(super) const TOS: usize = IP + 1;
pub(super) const TOTAL_LEN: usize = IP + 2;
const FRAGMENT: usize = IP + 6;
pub(super) const PROTOCOL: usize = IP + 9;
pub(super) const CHECKSUM: usize = IP + 10;
pub(super) const SOURCE: usize = IP + 12;
pub(super) const DESTINATION: usize = IP + 16;
pub(super) const BEHIND_IP: usize = IP + 20;

/// Some bytes. With a constant offset within `head` nothing is left of the bounds.
#[inline(always)]
pub(super) fn bytes<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    let bytes = head.get(at..).and_then(|rest| rest.first_chunk());
    bytes.copied().unwrap_or([0; N])
}

/// Eight bytes as a number, the first one highest.
#[inline(always)]
pub(super) fn be64(head: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes(head, at))
}

/// Four bytes as a number, the first one highest.
#[inline(always)]
pub(super) fn be32(head: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes(head, at))
}

/// Two bytes as a number, the first one highest.
#[inline(always)]
pub(super) fn be16(head: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(bytes(head, at))
}

/// Whether the packet has no options, and is whole.
#[inline(always)]
pub(super) fn is_plain(head: &[u8]) -> bool {
    /// More fragments, and the offset.
    const PART: u16 = 0x3fff;
    head[IP] == 0x45 && u16::from_ne_bytes(bytes(head, FRAGMENT)) & PART.to_be() == 0
}

/// Whether the header checksum is right.
#[inline(always)]
pub(super) fn is_sound(head: &[u8]) -> bool {
    let word = |at| u64::from(u32::from_ne_bytes(bytes(head, at)));
    let words = [IP, IP + 4, IP + 8, SOURCE, DESTINATION].map(word);
    // A sum of ones is one in either order of bytes.
    checksum::fold(words.iter().sum()) == 0xffff
}

/// Writes both addresses of the link header, each in the upper bits of a number.
#[inline(always)]
pub(super) fn write_link(head: &mut [u8], destination: u64, source: u64) {
    let front = destination & !0xffff | source >> 48;
    head[..8].copy_from_slice(&front.to_be_bytes());
    head[8..ETHER_TYPE].copy_from_slice(&((source >> 16) as u32).to_be_bytes());
}
