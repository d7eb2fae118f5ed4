//! IPv4 (RFC 791), options included.

use crate::checksum;
use crate::error::{Layer, ParseError, be16, need};

/// Where a packet stands in its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Offset in bytes.
    pub offset_bytes: u32,
    /// Whether more fragments follow.
    pub more: bool,
}

impl Fragment {
    /// Neither an offset nor more to come: the whole datagram (for IPv6: an atomic fragment).
    pub const WHOLE: Self = Self {
        offset_bytes: 0,
        more: false,
    };

    /// Whether this is a part of a datagram and not all of it.
    #[inline]
    pub const fn is_part(self) -> bool {
        self.more || self.offset_bytes > 0
    }
}

/// An IPv4 packet.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> Ipv4<B> {
    /// Header bytes without options.
    pub const LEN: usize = 20;

    /// Checks version, header length and that Total Length covers the header and is there.
    #[inline]
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        let packet = Self::parse_cut(bytes)?;
        let (claimed, have) = (packet.total_len(), packet.bytes.as_ref().len());
        if claimed > have {
            return Err(ParseError::TotalLength {
                layer: Layer::Ipv4,
                claimed,
                have,
            });
        }
        Ok(packet)
    }

    /// As [`Ipv4::parse`], for packets that may be cut: those quoted in ICMP errors.
    #[inline]
    pub fn parse_cut(bytes: B) -> Result<Self, ParseError> {
        let b = bytes.as_ref();
        need(Layer::Ipv4, b, Self::LEN)?;
        if b[0] >> 4 != 4 {
            return Err(ParseError::Version {
                layer: Layer::Ipv4,
                found: b[0] >> 4,
            });
        }
        let (header, have) = (usize::from(b[0] & 0x0f) * 4, b.len());
        if header < Self::LEN || header > have {
            return Err(ParseError::HeaderLength {
                layer: Layer::Ipv4,
                claimed: header,
                have,
            });
        }
        let claimed = usize::from(be16(b, 2));
        if claimed < header {
            return Err(ParseError::TotalLength {
                layer: Layer::Ipv4,
                claimed,
                have,
            });
        }
        Ok(Self { bytes })
    }

    /// Header bytes with options: 20..=60.
    #[inline(always)]
    pub fn header_len(&self) -> usize {
        usize::from(self.bytes.as_ref()[0] & 0x0f) * 4
    }

    /// Total Length: header and payload, in bytes.
    #[inline(always)]
    pub fn total_len(&self) -> usize {
        usize::from(be16(self.bytes.as_ref(), 2))
    }

    /// DSCP and ECN.
    #[inline]
    pub fn tos(&self) -> u8 {
        self.bytes.as_ref()[1]
    }

    /// Identification.
    pub fn identification(&self) -> u16 {
        be16(self.bytes.as_ref(), 4)
    }

    /// The Don't Fragment flag.
    #[inline]
    pub fn dont_fragment(&self) -> bool {
        self.bytes.as_ref()[6] & 0x40 != 0
    }

    /// Fragment offset and More Fragments.
    #[inline]
    pub fn fragment(&self) -> Fragment {
        let word = be16(self.bytes.as_ref(), 6);
        Fragment {
            offset_bytes: u32::from(word & 0x1fff) * 8,
            more: word & 0x2000 != 0,
        }
    }

    /// Time to live.
    #[inline]
    pub fn ttl(&self) -> u8 {
        self.bytes.as_ref()[8]
    }

    /// Protocol of the payload.
    #[inline]
    pub fn protocol(&self) -> u8 {
        self.bytes.as_ref()[9]
    }

    /// Header checksum as it stands.
    pub fn header_checksum(&self) -> u16 {
        be16(self.bytes.as_ref(), 10)
    }

    /// Whether the header checksum is right.
    #[inline]
    pub fn checksum_ok(&self) -> bool {
        checksum::fold(checksum::sum(&self.bytes.as_ref()[..self.header_len()])) == 0xffff
    }

    /// Source address.
    #[inline]
    pub fn source(&self) -> [u8; 4] {
        let b = self.bytes.as_ref();
        [b[12], b[13], b[14], b[15]]
    }

    /// Destination address.
    #[inline]
    pub fn destination(&self) -> [u8; 4] {
        let b = self.bytes.as_ref();
        [b[16], b[17], b[18], b[19]]
    }

    /// What other addresses would do to the words under a checksum that covers them.
    #[inline(always)]
    pub fn change_of_addresses(&self, source: [u8; 4], destination: [u8; 4]) -> checksum::Change {
        let mut change = checksum::Change::default();
        change.replace(&self.source(), &source);
        change.replace(&self.destination(), &destination);
        change
    }

    /// Behind the fixed header, where it is longer than that.
    #[inline(always)]
    pub fn options(&self) -> &[u8] {
        &self.bytes.as_ref()[Self::LEN..self.header_len()]
    }

    /// Behind the header, up to Total Length or the end of a cut packet.
    #[inline(always)]
    pub fn payload(&self) -> &[u8] {
        let b = self.bytes.as_ref();
        &b[self.header_len()..self.total_len().min(b.len())]
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Ipv4<B> {
    /// Writes the source address; the header checksum follows (RFC 1624).
    #[inline]
    pub fn set_source(&mut self, address: [u8; 4]) {
        self.edit(12, &address);
    }

    /// Writes the destination address; the header checksum follows.
    #[inline]
    pub fn set_destination(&mut self, address: [u8; 4]) {
        self.edit(16, &address);
    }

    /// Writes both addresses; the header checksum follows. What that does to the words under other
    /// checksums is `change`, from [`Ipv4::change_of_addresses`].
    #[inline(always)]
    pub fn set_addresses(
        &mut self,
        source: [u8; 4],
        destination: [u8; 4],
        change: checksum::Change,
    ) {
        let b = self.bytes.as_mut();
        b[12..16].copy_from_slice(&source);
        b[16..20].copy_from_slice(&destination);
        let updated = change.apply(be16(b, 10));
        b[10..12].copy_from_slice(&updated.to_be_bytes());
    }

    /// Writes DSCP and ECN; the header checksum follows.
    pub fn set_tos(&mut self, tos: u8) {
        let version = self.bytes.as_ref()[0];
        self.edit(0, &[version, tos]);
    }

    /// Takes one from the TTL; the header checksum follows. At 0 it stays 0.
    pub fn decrement_ttl(&mut self) {
        let (ttl, protocol) = (self.ttl().saturating_sub(1), self.protocol());
        self.edit(8, &[ttl, protocol]);
    }

    /// Behind the header, to write.
    #[inline(always)]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let header = self.header_len();
        let end = self.total_len().min(self.bytes.as_ref().len());
        &mut self.bytes.as_mut()[header..end]
    }

    #[inline(always)]
    fn edit<const LEN: usize>(&mut self, at: usize, new: &[u8; LEN]) {
        let b = self.bytes.as_mut();
        let mut change = checksum::Change::default();
        change.replace(&b[at..at + LEN], new);
        b[at..at + LEN].copy_from_slice(new);
        let updated = change.apply(be16(b, 10));
        b[10..12].copy_from_slice(&updated.to_be_bytes());
    }
}

/// An IPv4 header without options, to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Repr {
    /// DSCP and ECN.
    pub tos: u8,
    /// Bytes behind the header, at most 65,515: Total Length counts the header too.
    pub payload_len: u16,
    /// Don't Fragment.
    pub dont_fragment: bool,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Source address.
    pub source: [u8; 4],
    /// Destination address.
    pub destination: [u8; 4],
}

impl Ipv4Repr {
    /// Writes 20 bytes, identification 0 (an atomic datagram, RFC 6864), checksum computed.
    /// Panics when `out` is shorter.
    pub fn emit(&self, out: &mut [u8]) {
        let out = &mut out[..20];
        let total = 20 + u32::from(self.payload_len);
        debug_assert!(total <= 0xffff, "total length {total} fits 16 bits");
        out[0] = 0x45;
        out[1] = self.tos;
        out[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        out[4..6].fill(0);
        out[6] = if self.dont_fragment { 0x40 } else { 0 };
        out[7] = 0;
        out[8] = self.ttl;
        out[9] = self.protocol;
        out[10..12].fill(0);
        out[12..16].copy_from_slice(&self.source);
        out[16..20].copy_from_slice(&self.destination);
        let checksum = !checksum::fold(checksum::sum(out));
        out[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
}
