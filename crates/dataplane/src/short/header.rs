//! Reading headers at fixed offsets: of an untagged frame that holds IPv4 without options.

use nvgre_wire::{MacAddress, checksum};

pub(super) const SOURCE_MAC: usize = 6;
pub(super) const ETHER_TYPE: usize = 12;
pub(super) const IP: usize = 14;
pub(super) const TOS: usize = IP + 1;
pub(super) const TOTAL_LEN: usize = IP + 2;
const FRAGMENT: usize = IP + 6;
pub(super) const TTL: usize = IP + 8;
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

/// Four bytes as they lie in memory: to be compared and copied, not to count with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) u32);

impl Word {
    /// 0.0.0.0.
    pub(super) const ZERO: Self = Self(0);

    #[inline(always)]
    pub(super) fn of(head: &[u8], at: usize) -> Self {
        Self(u32::from_ne_bytes(bytes(head, at)))
    }

    /// The bytes of a number, the highest first.
    pub(super) const fn from_number(number: u32) -> Self {
        Self(number.to_be())
    }

    /// These four bytes and the four behind them.
    #[inline(always)]
    pub(super) const fn and(self, behind: Self) -> u64 {
        let (low, high) = if cfg!(target_endian = "little") {
            (self.0, behind.0)
        } else {
            (behind.0, self.0)
        };
        (high as u64) << 32 | low as u64
    }
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

/// A destination MAC, as the first eight bytes of a link header without the source's first two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DestinationMac(u64);

/// A source MAC: its last four bytes, and its first two where [`DestinationMac`] leaves them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SourceMac(u64);

impl DestinationMac {
    /// No MAC.
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn of(mac: MacAddress) -> Self {
        let [a, b, c, d, e, f] = mac.octets();
        Self(u64::from_ne_bytes([a, b, c, d, e, f, 0, 0]))
    }
}

impl SourceMac {
    /// No MAC.
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn of(mac: MacAddress) -> Self {
        let [a, b, c, d, e, f] = mac.octets();
        Self(u64::from_ne_bytes([c, d, e, f, 0, 0, a, b]))
    }

    pub(super) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    pub(super) const fn to_word(self) -> u64 {
        self.0
    }
}

/// Whether the frame is for a MAC.
#[inline(always)]
pub(super) fn is_for(head: &[u8], mac: SourceMac) -> bool {
    let [a, b, c, d, e, f, _, _] = bytes(head, 0);
    u64::from_ne_bytes([0, 0, a, b, c, d, e, f]) == mac.0.rotate_left(32)
}

/// Writes both addresses of the link header.
#[inline(always)]
pub(super) fn write_link(head: &mut [u8], destination: DestinationMac, source: SourceMac) {
    let [c, d, e, f, _, _, a, b] = source.0.to_ne_bytes();
    let front = destination.0 | u64::from_ne_bytes([0, 0, 0, 0, 0, 0, a, b]);
    head[..8].copy_from_slice(&front.to_ne_bytes());
    head[8..ETHER_TYPE].copy_from_slice(&[c, d, e, f]);
}
