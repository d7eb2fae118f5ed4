//! Neighbor solicitations and advertisements (RFC 4861).

use crate::error::{Layer, ParseError, need};
use crate::{Icmpv6, MacAddress, icmpv6};

/// Solicitation or advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdpKind {
    /// Type 135: who has the target address?
    Solicitation,
    /// Type 136: this is the target address's link-layer address.
    Advertisement,
}

/// A neighbor solicitation or advertisement: ICMPv6 bytes.
#[derive(Clone, Copy, Debug)]
pub struct NeighborDiscovery<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> NeighborDiscovery<B> {
    /// Bytes without options: ICMPv6 header 8, target 16.
    pub const LEN: usize = 24;
    /// Bytes of an advertisement with the target's link-layer address.
    pub const ADVERTISEMENT_LEN: usize = 32;

    /// Fails for other messages and below 24 bytes. The hop limit (which must be 255) stands in
    /// the IPv6 header and is the caller's to check.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        need(Layer::Icmpv6, bytes.as_ref(), Self::LEN)?;
        let b = bytes.as_ref();
        if !matches!(
            b[0],
            icmpv6::NEIGHBOR_SOLICITATION | icmpv6::NEIGHBOR_ADVERTISEMENT
        ) || b[1] != 0
        {
            return Err(ParseError::Unsupported {
                layer: Layer::Icmpv6,
            });
        }
        Ok(Self { bytes })
    }

    /// Solicitation or advertisement.
    pub fn kind(&self) -> NdpKind {
        if self.bytes.as_ref()[0] == icmpv6::NEIGHBOR_SOLICITATION {
            NdpKind::Solicitation
        } else {
            NdpKind::Advertisement
        }
    }

    /// Target address.
    pub fn target(&self) -> [u8; 16] {
        let mut octets = [0; 16];
        octets.copy_from_slice(&self.bytes.as_ref()[8..24]);
        octets
    }
}

struct AdvertisementFlags;

impl AdvertisementFlags {
    const ROUTER: u32 = 0x8000_0000;
    const SOLICITED: u32 = 0x4000_0000;
    const OVERRIDE: u32 = 0x2000_0000;
}

impl NeighborDiscovery<&mut [u8]> {
    /// Writes an overriding advertisement of 32 bytes, from `target`, that `target` is at `mac`, with
    /// its checksum. `router` sets the R flag. The S flag is set unless `destination` is multicast,
    /// as in the answer to a duplicate address probe (RFC 4861 s4.4, s7.2.4). Panics when `message`
    /// is shorter.
    pub fn emit_advertisement(
        message: &mut [u8],
        target: &[u8; 16],
        mac: MacAddress,
        router: bool,
        destination: &[u8; 16],
    ) {
        let message = &mut message[..32];
        message[8..24].copy_from_slice(target);
        // Option 2: target link-layer address, one unit of 8 bytes (RFC 4861 s4.6.1).
        message[24..26].copy_from_slice(&[2, 1]);
        message[26..32].copy_from_slice(&mac.octets());
        let mut flags = AdvertisementFlags::OVERRIDE;
        if destination[0] != 0xff {
            flags |= AdvertisementFlags::SOLICITED;
        }
        if router {
            flags |= AdvertisementFlags::ROUTER;
        }
        Icmpv6::emit(
            message,
            icmpv6::NEIGHBOR_ADVERTISEMENT,
            0,
            flags,
            target,
            destination,
        );
    }
}
