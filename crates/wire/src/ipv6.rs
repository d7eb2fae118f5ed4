//! IPv6 (RFC 8200) and the walk over its extension headers.

use crate::Fragment;
use crate::error::{Layer, ParseError, be16, be32, need};
use crate::transport::ip_protocol;

/// What the extension headers lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpperLayer {
    /// Protocol number of the last header; 59 where nothing follows.
    pub protocol: u8,
    /// Where its bytes begin, counted from the IPv6 header.
    pub offset: usize,
    /// The fragment header's word; [`Fragment::WHOLE`] without one.
    pub fragment: Fragment,
    /// Whether a fragment header is there, even an atomic one.
    pub has_fragment_header: bool,
    /// Whether a routing header still has segments left: this destination is not the last.
    pub segments_left: bool,
    /// Whether the addresses in the IPv6 header are not all that counts: a routing header or a home
    /// address option holds others, a mobility or HIP header a checksum over them.
    pub addresses_elsewhere: bool,
}

/// An IPv6 packet.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> Ipv6<B> {
    /// Bytes of the fixed header.
    pub const LEN: usize = 40;

    /// Checks version and that Payload Length is there.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        let packet = Self::parse_cut(bytes)?;
        let (claimed, have) = (packet.total_len(), packet.bytes.as_ref().len());
        if claimed > have {
            return Err(ParseError::TotalLength {
                layer: Layer::Ipv6,
                claimed,
                have,
            });
        }
        Ok(packet)
    }

    /// As [`Ipv6::parse`], for packets that may be cut: those quoted in ICMPv6 errors.
    pub fn parse_cut(bytes: B) -> Result<Self, ParseError> {
        let b = bytes.as_ref();
        need(Layer::Ipv6, b, Self::LEN)?;
        if b[0] >> 4 != 6 {
            return Err(ParseError::Version {
                layer: Layer::Ipv6,
                found: b[0] >> 4,
            });
        }
        Ok(Self { bytes })
    }

    /// Fixed header and payload, in bytes.
    pub fn total_len(&self) -> usize {
        Self::LEN + usize::from(be16(self.bytes.as_ref(), 4))
    }

    /// DSCP and ECN.
    pub fn traffic_class(&self) -> u8 {
        (be16(self.bytes.as_ref(), 0) >> 4) as u8
    }

    /// Flow label, 20 bits.
    pub fn flow_label(&self) -> u32 {
        be32(self.bytes.as_ref(), 0) & 0x000f_ffff
    }

    /// Next Header of the fixed header.
    pub fn next_header(&self) -> u8 {
        self.bytes.as_ref()[6]
    }

    /// Hop limit.
    pub fn hop_limit(&self) -> u8 {
        self.bytes.as_ref()[7]
    }

    /// Source address.
    pub fn source(&self) -> [u8; 16] {
        address(&self.bytes.as_ref()[8..24])
    }

    /// Destination address.
    pub fn destination(&self) -> [u8; 16] {
        address(&self.bytes.as_ref()[24..40])
    }

    /// Behind the fixed header, up to Payload Length or the end of a cut packet.
    pub fn payload(&self) -> &[u8] {
        let b = self.bytes.as_ref();
        &b[Self::LEN..self.total_len().min(b.len())]
    }

    /// Walks hop-by-hop, destination, routing, fragment, mobility, HIP and shim6 headers. Stops at
    /// anything else, at ESP and AH, and behind a fragment header of a later fragment (whose bytes
    /// are the middle of something). Fails where the packet ends within an extension header.
    pub fn upper_layer(&self) -> Result<UpperLayer, ParseError> {
        let packet = &self.bytes.as_ref()[..self.total_len().min(self.bytes.as_ref().len())];
        let mut upper = UpperLayer {
            protocol: self.next_header(),
            offset: Self::LEN,
            fragment: Fragment::WHOLE,
            has_fragment_header: false,
            segments_left: false,
            addresses_elsewhere: false,
        };
        loop {
            let rest = &packet[upper.offset..];
            let len = match upper.protocol {
                ip_protocol::FRAGMENT => {
                    need(Layer::Ipv6Extension, rest, 8)?;
                    let word = be16(rest, 2);
                    upper.has_fragment_header = true;
                    // Of several fragment headers, one that says "part" is enough: an atomic one
                    // behind it must not make the part look whole.
                    upper.fragment = Fragment {
                        offset_bytes: u32::from(word & 0xfff8),
                        more: upper.fragment.more || word & 1 != 0,
                    };
                    8
                }
                ip_protocol::HOP_BY_HOP
                | ip_protocol::DESTINATION_OPTIONS
                | ip_protocol::ROUTING
                | ip_protocol::MOBILITY
                | ip_protocol::HIP
                | ip_protocol::SHIM6 => {
                    need(Layer::Ipv6Extension, rest, 8)?;
                    8 + usize::from(rest[1]) * 8
                }
                _upper_layer => return Ok(upper),
            };
            need(Layer::Ipv6Extension, rest, len)?;
            if upper.protocol == ip_protocol::ROUTING {
                upper.addresses_elsewhere = true;
                upper.segments_left |= rest[3] != 0;
            }
            if matches!(upper.protocol, ip_protocol::MOBILITY | ip_protocol::HIP) {
                upper.addresses_elsewhere = true;
            }
            if upper.protocol == ip_protocol::DESTINATION_OPTIONS {
                upper.addresses_elsewhere |= has_home_address(&rest[2..len]);
            }
            upper.protocol = rest[0];
            upper.offset += len;
            if upper.fragment.offset_bytes > 0 {
                return Ok(upper);
            }
        }
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Ipv6<B> {
    /// Writes the source address.
    pub fn set_source(&mut self, address: [u8; 16]) {
        self.bytes.as_mut()[8..24].copy_from_slice(&address);
    }

    /// Writes the destination address.
    pub fn set_destination(&mut self, address: [u8; 16]) {
        self.bytes.as_mut()[24..40].copy_from_slice(&address);
    }

    /// Writes DSCP and ECN.
    pub fn set_traffic_class(&mut self, class: u8) {
        let b = self.bytes.as_mut();
        b[0] = b[0] & 0xf0 | class >> 4;
        b[1] = b[1] & 0x0f | class << 4;
    }

    /// Takes one from the hop limit. At 0 it stays 0.
    pub fn decrement_hop_limit(&mut self) {
        let b = self.bytes.as_mut();
        b[7] = b[7].saturating_sub(1);
    }

    /// Behind the fixed header, to write.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let end = self.total_len().min(self.bytes.as_ref().len());
        &mut self.bytes.as_mut()[Self::LEN..end]
    }
}

/// Whether destination options hold a Home Address option (RFC 6275 s6.3, type 201).
fn has_home_address(mut options: &[u8]) -> bool {
    while let [kind, rest @ ..] = options {
        match (*kind, rest) {
            (201, _) => return true,
            (0, _) => options = rest,
            (_, [len, body @ ..]) => options = body.get(usize::from(*len)..).unwrap_or(&[]),
            (_, []) => return false,
        }
    }
    false
}

fn address(bytes: &[u8]) -> [u8; 16] {
    let mut octets = [0; 16];
    octets.copy_from_slice(bytes);
    octets
}

/// An IPv6 fixed header, to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Repr {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// 20 bits.
    pub flow_label: u32,
    /// Bytes behind the header.
    pub payload_len: u16,
    /// Protocol of the payload.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub source: [u8; 16],
    /// Destination address.
    pub destination: [u8; 16],
}

impl Ipv6Repr {
    /// Writes 40 bytes. Panics when `out` is shorter.
    pub fn emit(&self, out: &mut [u8]) {
        let word = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0x000f_ffff;
        out[..4].copy_from_slice(&word.to_be_bytes());
        out[4..6].copy_from_slice(&self.payload_len.to_be_bytes());
        out[6] = self.next_header;
        out[7] = self.hop_limit;
        out[8..24].copy_from_slice(&self.source);
        out[24..40].copy_from_slice(&self.destination);
    }
}
