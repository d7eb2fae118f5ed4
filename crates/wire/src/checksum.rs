//! The Internet checksum: sums (RFC 1071) and incremental updates (RFC 1624 equation 3).
//!
//! Edits never recompute: a checksum that was wrong stays wrong by the same difference, so the
//! guest still sees the damage.

/// Sum of the 16-bit big-endian words of `bytes`, a last odd byte padded with zero. Add sums of
/// even-length parts freely, then [`fold`].
#[inline]
pub fn sum(bytes: &[u8]) -> u64 {
    let mut quads = bytes.chunks_exact(4);
    let mut total = 0u64;
    for quad in &mut quads {
        total += u64::from(u32::from_be_bytes([quad[0], quad[1], quad[2], quad[3]]));
    }
    // A 32-bit word counts as its two halves: 2^16 is 1 in one's complement arithmetic.
    match *quads.remainder() {
        [] => total,
        [a] => total + (u64::from(a) << 8),
        [a, b] => total + u64::from(u16::from_be_bytes([a, b])),
        [a, b, c, ..] => total + u64::from(u16::from_be_bytes([a, b])) + (u64::from(c) << 8),
    }
}

/// Folds a sum to 16 bits, carries added back until none is left.
#[inline]
pub const fn fold(total: u64) -> u16 {
    // Both halves added with the carry coming around: the upper half of x + rotated x.
    fold32((total.wrapping_add(total.rotate_right(32)) >> 32) as u32)
}

/// Folds a sum of 32 bits to 16.
#[inline]
pub const fn fold32(total: u32) -> u16 {
    (total.wrapping_add(total.rotate_right(16)) >> 16) as u16
}

/// Sum of the pseudo-header of TCP, UDP and ICMPv6 (RFC 9293 s3.1, RFC 8200 s8.1). `source` and
/// `destination` are both 4 or both 16 bytes.
pub fn pseudo_header(source: &[u8], destination: &[u8], protocol: u8, len: usize) -> u64 {
    sum(source) + sum(destination) + u64::from(protocol) + len as u64
}

/// Sum of `~m` over the words `m` of an even length. As in [`sum`], 32 bits count as two words.
#[inline]
fn sum_of_complements(bytes: &[u8]) -> u64 {
    let (quads, rest) = bytes.as_chunks::<4>();
    let quads = quads
        .iter()
        .map(|quad| u64::from(!u32::from_be_bytes(*quad)));
    let (pairs, _) = rest.as_chunks::<2>();
    let pairs = pairs
        .iter()
        .map(|pair| u64::from(!u16::from_be_bytes(*pair)));
    quads.sum::<u64>() + pairs.sum::<u64>()
}

/// What an edit did to the words under a checksum: the sum of `~m + m'` over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change(u64);

impl Change {
    /// Counts `old` becoming `new`. Both have the same even length and begin at an even offset of
    /// what the checksum covers.
    #[inline(always)]
    pub fn replace(&mut self, old: &[u8], new: &[u8]) {
        debug_assert!(old.len() == new.len() && old.len().is_multiple_of(2));
        self.0 += sum_of_complements(old) + sum(new);
    }

    /// The checksum after the edit: `~(~HC + ~m + m')`, RFC 1624 equation 3. Equation 2 would give
    /// 0xFFFF where a recomputation gives 0.
    #[must_use]
    #[inline(always)]
    pub fn apply(self, checksum: u16) -> u16 {
        if self.0 == 0 {
            return checksum;
        }
        // Of several checksums that one edit changes, the edit's own sum is folded once.
        let sum = u32::from(!checksum) + u32::from(fold(self.0));
        !((sum >> 16) + (sum & 0xffff)) as u16
    }

    /// As [`Change::apply`] for UDP, where 0 on the wire says "no checksum" (RFC 768): a computed
    /// 0 is sent as 0xFFFF. Do not call for a UDP/IPv4 datagram without a checksum.
    #[must_use]
    #[inline(always)]
    pub fn apply_udp(self, checksum: u16) -> u16 {
        match self.apply(checksum) {
            0 => 0xffff,
            updated => updated,
        }
    }

    /// This change and that one.
    #[must_use]
    #[inline]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
