//! GRE (RFC 2784 with the key and sequence fields of RFC 2890) and NVGRE (RFC 7637).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |C|R|K|S|s|Recur|  Reserved | Ver |     Protocol Type 0x6558    |
//! |          Virtual Subnet ID (24 bits)          |    FlowID     |
//! ```

use crate::error::{Layer, ParseError, be16, be32, need};
use crate::{EtherType, FlowId, NvgreKey, VirtualSubnetId};

const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Bit 1, 4 (strict source route) and 5 (recursion control): RFC 1701 bits that a receiver which
/// does not implement RFC 1701 must refuse (RFC 2784 s2.3 as amended by 2890).
const RFC_1701: u16 = 0x4c00;
/// Bit 1, routing present. Then the checksum and offset fields are there even if C is 0 (RFC 1701).
const ROUTING: u16 = 0x4000;
/// Bits 6..=12: sent as zero, ignored on receipt (RFC 2784 s2.3).
const RESERVED: u16 = 0x03f8;
const VERSION: u16 = 0x0007;

/// Any GRE header, whatever its flags. The length is 4 + 4C + 4K + 4S (RFC 2890 s2). With the
/// routing bit of RFC 1701 it is as with C, and the source routes are left in the payload.
#[derive(Clone, Copy, Debug)]
pub struct Gre<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> Gre<B> {
    /// Fails where the header announces more than is there.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        need(Layer::Gre, bytes.as_ref(), 4)?;
        let header = Self { bytes };
        need(Layer::Gre, header.bytes.as_ref(), header.header_len())?;
        Ok(header)
    }

    /// The first 16 bits: flags and version.
    pub fn flags(&self) -> u16 {
        be16(self.bytes.as_ref(), 0)
    }

    /// Version: 0, or 1 for PPTP (RFC 2637).
    pub fn version(&self) -> u8 {
        (self.flags() & VERSION) as u8
    }

    /// Protocol type.
    pub fn protocol(&self) -> EtherType {
        EtherType(be16(self.bytes.as_ref(), 2))
    }

    /// The key, if the K bit is set.
    pub fn key(&self) -> Option<NvgreKey> {
        (self.flags() & KEY != 0).then(|| {
            NvgreKey(be32(
                self.bytes.as_ref(),
                4 + self.field(CHECKSUM | ROUTING),
            ))
        })
    }

    /// The sequence number, if the S bit is set.
    pub fn sequence(&self) -> Option<u32> {
        (self.flags() & SEQUENCE != 0).then(|| {
            be32(
                self.bytes.as_ref(),
                4 + self.field(CHECKSUM | ROUTING) + self.field(KEY),
            )
        })
    }

    /// Bytes of header: 4, 8, 12 or 16.
    pub fn header_len(&self) -> usize {
        4 + self.field(CHECKSUM | ROUTING) + self.field(KEY) + self.field(SEQUENCE)
    }

    /// Behind the header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[self.header_len()..]
    }

    /// Bytes of the field that is there when one of `flags` is set.
    fn field(&self, flags: u16) -> usize {
        if self.flags() & flags != 0 { 4 } else { 0 }
    }
}

/// Why GRE bytes are not NVGRE that an endpoint accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GreRefusal {
    /// Fewer than the 8 bytes that every NVGRE header has.
    Short,
    /// The version is not 0.
    Version,
    /// The C bit is set (RFC 7637 s3.2: it is zero).
    ChecksumBit,
    /// Bit 1, 4 or 5 is set (RFC 1701).
    RoutingBit,
    /// The S bit is set (RFC 7637 s3.2: it is zero).
    SequenceBit,
    /// One of bits 6 to 12 is set and the receiver is strict.
    ReservedBits,
    /// The K bit is not set.
    KeyAbsent,
    /// The protocol type is not 0x6558.
    Protocol,
}

/// An accepted NVGRE header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nvgre {
    /// Virtual subnet id and FlowID. The id may still be a reserved one.
    pub key: NvgreKey,
    /// Whether one of bits 6 to 12 was set (and ignored).
    pub reserved_bits: bool,
}

impl Nvgre {
    /// Header bytes: flags 2, protocol 2, virtual subnet id 3, FlowID 1. Never more: C and S are 0.
    pub const LEN: usize = 8;

    /// Reads the header in front of `bytes` by the receive rules of RFC 7637 s3.2 and RFC 2784 s2.3.
    /// With `strict`, bits 6 to 12 are refused instead of ignored.
    #[inline]
    pub fn receive(bytes: &[u8], strict: bool) -> Result<Self, GreRefusal> {
        // As nearly all are: the key bit and nothing else.
        if let Some(&[0x20, 0x00, 0x65, 0x58, a, b, c, d]) = bytes.first_chunk() {
            return Ok(Self {
                key: NvgreKey(u32::from_be_bytes([a, b, c, d])),
                reserved_bits: false,
            });
        }
        Self::receive_other(bytes, strict)
    }

    #[cold]
    fn receive_other(bytes: &[u8], strict: bool) -> Result<Self, GreRefusal> {
        if bytes.len() < Self::LEN {
            return Err(GreRefusal::Short);
        }
        let flags = be16(bytes, 0);
        if flags & VERSION != 0 {
            return Err(GreRefusal::Version);
        }
        if flags & CHECKSUM != 0 {
            return Err(GreRefusal::ChecksumBit);
        }
        if flags & RFC_1701 != 0 {
            return Err(GreRefusal::RoutingBit);
        }
        if flags & SEQUENCE != 0 {
            return Err(GreRefusal::SequenceBit);
        }
        if flags & KEY == 0 {
            return Err(GreRefusal::KeyAbsent);
        }
        let reserved_bits = flags & RESERVED != 0;
        if strict && reserved_bits {
            return Err(GreRefusal::ReservedBits);
        }
        if EtherType(be16(bytes, 2)) != EtherType::TRANSPARENT_ETHERNET_BRIDGING {
            return Err(GreRefusal::Protocol);
        }
        Ok(Self {
            key: NvgreKey(be32(bytes, 4)),
            reserved_bits,
        })
    }

    /// Writes the 8 bytes `20 00 65 58 vv vv vv ff`. Panics when `out` is shorter.
    pub fn emit(out: &mut [u8], vsid: VirtualSubnetId, flow: FlowId) {
        out[..4].copy_from_slice(&[0x20, 0x00, 0x65, 0x58]);
        out[4..8].copy_from_slice(&NvgreKey::new(vsid, flow).0.to_be_bytes());
    }
}
