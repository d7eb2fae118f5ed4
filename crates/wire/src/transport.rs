//! UDP (RFC 768) and TCP (RFC 9293), as far as addresses and ports go.

use crate::error::{Layer, ParseError, be16, need};

/// IP protocol numbers and IPv6 next headers that are told apart here.
pub mod ip_protocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// DCCP.
    pub const DCCP: u8 = 33;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// GRE.
    pub const GRE: u8 = 47;
    /// ESP.
    pub const ESP: u8 = 50;
    /// AH.
    pub const AH: u8 = 51;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// No next header.
    pub const NO_NEXT_HEADER: u8 = 59;
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// IPv6 mobility header.
    pub const MOBILITY: u8 = 135;
    /// UDP-Lite.
    pub const UDP_LITE: u8 = 136;
    /// HIP.
    pub const HIP: u8 = 139;
    /// Shim6.
    pub const SHIM6: u8 = 140;
}

/// A UDP header and what follows.
#[derive(Clone, Copy, Debug)]
pub struct Udp<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> Udp<B> {
    /// Header bytes.
    pub const LEN: usize = 8;
    /// Where the checksum stands.
    pub const CHECKSUM_AT: usize = 6;

    /// Fails below 8 bytes. The length field is not judged: fragments and quotes are shorter.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        need(Layer::Udp, bytes.as_ref(), Self::LEN)?;
        Ok(Self { bytes })
    }

    /// Source port.
    pub fn source_port(&self) -> u16 {
        be16(self.bytes.as_ref(), 0)
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        be16(self.bytes.as_ref(), 2)
    }

    /// Checksum; over IPv4, 0 says that there is none.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes.as_ref(), Self::CHECKSUM_AT)
    }

    /// Behind the header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[Self::LEN..]
    }
}

/// A TCP header and what follows.
#[derive(Clone, Copy, Debug)]
pub struct Tcp<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> Tcp<B> {
    /// Header bytes without options.
    pub const LEN: usize = 20;
    /// Where the checksum stands.
    pub const CHECKSUM_AT: usize = 16;

    /// Fails below 20 bytes and when the data offset lies outside.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        let b = bytes.as_ref();
        need(Layer::Tcp, b, Self::LEN)?;
        let claimed = usize::from(b[12] >> 4) * 4;
        if claimed < Self::LEN || claimed > b.len() {
            return Err(ParseError::HeaderLength {
                layer: Layer::Tcp,
                claimed,
                have: b.len(),
            });
        }
        Ok(Self { bytes })
    }

    /// Source port.
    pub fn source_port(&self) -> u16 {
        be16(self.bytes.as_ref(), 0)
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        be16(self.bytes.as_ref(), 2)
    }

    /// Checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes.as_ref(), Self::CHECKSUM_AT)
    }

    /// Header bytes with options.
    pub fn header_len(&self) -> usize {
        usize::from(self.bytes.as_ref()[12] >> 4) * 4
    }

    /// Behind the options.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[self.header_len()..]
    }
}
