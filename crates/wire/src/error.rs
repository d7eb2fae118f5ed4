//! Why bytes were no header.

use core::fmt;

/// The header that was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Ethernet II header, 14 bytes.
    Ethernet,
    /// One 802.1Q or 802.1ad tag, 4 bytes.
    Vlan,
    /// ARP for IPv4 over Ethernet, 28 bytes.
    Arp,
    /// IPv4 header, 20 to 60 bytes.
    Ipv4,
    /// IPv6 header, 40 bytes.
    Ipv6,
    /// An IPv6 extension header.
    Ipv6Extension,
    /// GRE, 4 to 16 bytes.
    Gre,
    /// ICMP, 8 bytes.
    Icmpv4,
    /// ICMPv6, 8 bytes.
    Icmpv6,
    /// UDP, 8 bytes.
    Udp,
    /// TCP, 20 to 60 bytes.
    Tcp,
}

/// Bytes that are not the header they were taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// `have` bytes are left where the header needs `need`.
    Short {
        /// The header.
        layer: Layer,
        /// Bytes needed.
        need: usize,
        /// Bytes there.
        have: usize,
    },
    /// The version field holds `found`.
    Version {
        /// The header.
        layer: Layer,
        /// What the field holds.
        found: u8,
    },
    /// The header's own length field is below its minimum, or lies beyond the bytes.
    HeaderLength {
        /// The header.
        layer: Layer,
        /// The length that the field gives, in bytes.
        claimed: usize,
        /// Bytes there.
        have: usize,
    },
    /// The length field covers less than its header or more than the bytes.
    TotalLength {
        /// The header.
        layer: Layer,
        /// The length that the field gives, in bytes.
        claimed: usize,
        /// Bytes there.
        have: usize,
    },
    /// A field that must have one value (ARP hardware type and lengths) has another.
    Unsupported {
        /// The header.
        layer: Layer,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { layer, need, have } => {
                write!(f, "{layer:?}: {need} bytes needed, {have} there")
            }
            Self::Version { layer, found } => write!(f, "{layer:?}: version {found}"),
            Self::HeaderLength {
                layer,
                claimed,
                have,
            } => {
                write!(f, "{layer:?}: header length {claimed} bytes, {have} there")
            }
            Self::TotalLength {
                layer,
                claimed,
                have,
            } => {
                write!(
                    f,
                    "{layer:?}: length field says {claimed} bytes, {have} there"
                )
            }
            Self::Unsupported { layer } => write!(f, "{layer:?}: unsupported kind"),
        }
    }
}

impl core::error::Error for ParseError {}

/// Fails unless `bytes` holds at least `need` bytes.
#[inline]
pub(crate) fn need(layer: Layer, bytes: &[u8], need: usize) -> Result<(), ParseError> {
    if bytes.len() < need {
        Err(ParseError::Short {
            layer,
            need,
            have: bytes.len(),
        })
    } else {
        Ok(())
    }
}

/// The 16-bit big-endian word at `at`; the caller has checked the length.
#[inline]
pub(crate) fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The 32-bit big-endian word at `at`; the caller has checked the length.
#[inline]
pub(crate) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn every_message_names_the_header_and_the_numbers() {
        let layer = Layer::Ipv4;
        for (error, message) in [
            (
                ParseError::Short {
                    layer,
                    need: 20,
                    have: 19,
                },
                "Ipv4: 20 bytes needed, 19 there",
            ),
            (ParseError::Version { layer, found: 6 }, "Ipv4: version 6"),
            (
                ParseError::HeaderLength {
                    layer,
                    claimed: 16,
                    have: 90,
                },
                "Ipv4: header length 16 bytes, 90 there",
            ),
            (
                ParseError::TotalLength {
                    layer,
                    claimed: 91,
                    have: 90,
                },
                "Ipv4: length field says 91 bytes, 90 there",
            ),
            (
                ParseError::Unsupported { layer: Layer::Arp },
                "Arp: unsupported kind",
            ),
        ] {
            assert_eq!(error.to_string(), message);
        }
    }
}
