//! Ethernet II and stacks of VLAN tags.

use crate::error::{Layer, ParseError, be16, need};
use crate::{MacAddress, VlanId};

/// An EtherType. Values below 0x0600 are 802.3 lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IPv4.
    pub const IPV4: Self = Self(0x0800);
    /// ARP.
    pub const ARP: Self = Self(0x0806);
    /// IPv6.
    pub const IPV6: Self = Self(0x86dd);
    /// 802.1Q customer tag.
    pub const VLAN: Self = Self(0x8100);
    /// 802.1ad service tag.
    pub const SERVICE_VLAN: Self = Self(0x88a8);
    /// The service tag that came before 802.1ad.
    pub const OLD_SERVICE_VLAN: Self = Self(0x9100);
    /// Transparent Ethernet Bridging: the protocol type of NVGRE (RFC 7637 s3.2).
    pub const TRANSPARENT_ETHERNET_BRIDGING: Self = Self(0x6558);

    /// Whether a VLAN tag follows.
    pub const fn is_tag(self) -> bool {
        matches!(self.0, 0x8100 | 0x88a8 | 0x9100)
    }
}

/// An Ethernet II header and what follows.
#[derive(Clone, Copy, Debug)]
pub struct Ethernet<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> Ethernet<B> {
    /// Header bytes: destination 6, source 6, EtherType 2.
    pub const LEN: usize = 14;

    /// Fails below 14 bytes.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        need(Layer::Ethernet, bytes.as_ref(), Self::LEN)?;
        Ok(Self { bytes })
    }

    /// Destination MAC.
    pub fn destination(&self) -> MacAddress {
        MacAddress::read(self.bytes.as_ref())
    }

    /// Source MAC.
    pub fn source(&self) -> MacAddress {
        MacAddress::read(&self.bytes.as_ref()[6..])
    }

    /// The first EtherType; a tag's, when the frame is tagged.
    pub fn ether_type(&self) -> EtherType {
        EtherType(be16(self.bytes.as_ref(), 12))
    }

    /// Everything behind the first EtherType.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[Self::LEN..]
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Ethernet<B> {
    /// Writes the destination MAC.
    pub fn set_destination(&mut self, mac: MacAddress) {
        self.bytes.as_mut()[..6].copy_from_slice(&mac.octets());
    }

    /// Writes the source MAC.
    pub fn set_source(&mut self, mac: MacAddress) {
        self.bytes.as_mut()[6..12].copy_from_slice(&mac.octets());
    }

    /// Writes the EtherType.
    pub fn set_ether_type(&mut self, ether_type: EtherType) {
        self.bytes.as_mut()[12..14].copy_from_slice(&ether_type.0.to_be_bytes());
    }
}

/// What stands before the network layer: addresses, tags, and where the payload begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkHeader {
    /// Destination MAC.
    pub destination: MacAddress,
    /// Source MAC.
    pub source: MacAddress,
    /// Tags in the stack (802.1Q, 802.1ad, 0x9100).
    pub tags: u8,
    /// VLAN id of the outermost tag; `None` for an untagged frame, for a priority tag (id 0), and
    /// for the reserved id 4095. `tags` tells the first from the others.
    pub vlan: Option<VlanId>,
    /// The EtherType behind all tags.
    pub ether_type: EtherType,
    /// Bytes of header: 14, and 4 for each tag.
    pub len: usize,
}

impl LinkHeader {
    /// Bytes of one tag.
    pub const TAG_LEN: usize = 4;

    /// Reads the header of a frame behind any stack of tags. Fails where the frame ends within it.
    #[inline(always)]
    pub fn parse(frame: &[u8]) -> Result<Self, ParseError> {
        // Two words that overlap: the addresses above, and the EtherType below the second.
        let head = frame.first_chunk::<{ Ethernet::<&[u8]>::LEN }>();
        let front = head.and_then(|head| head.first_chunk());
        let back = head.and_then(|head| head.last_chunk());
        let (Some(front), Some(back)) = (front, back) else {
            return Err(ParseError::Short {
                layer: Layer::Ethernet,
                need: Ethernet::<&[u8]>::LEN,
                have: frame.len(),
            });
        };
        let (destination, source) = (u64::from_be_bytes(*front), u64::from_be_bytes(*back));
        let mut stack = Stack {
            tags: 0,
            vlan: None,
            ether_type: EtherType(source as u16),
            len: Ethernet::<&[u8]>::LEN,
        };
        // Most frames are IPv4, and one comparison tells.
        if stack.ether_type != EtherType::IPV4 && stack.ether_type.is_tag() {
            stack = Stack::parse(frame)?;
        }
        Ok(Self {
            destination: MacAddress::from_bits(destination >> 16),
            source: MacAddress::from_bits(source >> 16),
            tags: stack.tags,
            vlan: stack.vlan,
            ether_type: stack.ether_type,
            len: stack.len,
        })
    }
}

/// What a stack of tags says. Frames without tags, which are most, do not come by here.
struct Stack {
    tags: u8,
    vlan: Option<VlanId>,
    ether_type: EtherType,
    len: usize,
}

impl Stack {
    #[cold]
    fn parse(frame: &[u8]) -> Result<Self, ParseError> {
        let mut stack = Self {
            tags: 0,
            vlan: None,
            ether_type: EtherType(be16(frame, 12)),
            len: Ethernet::<&[u8]>::LEN,
        };
        while stack.ether_type.is_tag() {
            need(Layer::Vlan, &frame[stack.len..], LinkHeader::TAG_LEN)?;
            if stack.tags == 0 {
                stack.vlan = VlanId::try_new(be16(frame, stack.len) & 0x0fff).ok();
            }
            stack.ether_type = EtherType(be16(frame, stack.len + 2));
            stack.tags = stack.tags.saturating_add(1);
            stack.len += LinkHeader::TAG_LEN;
        }
        Ok(stack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn tags_are_802_1q_802_1ad_and_the_older_service_tag() {
        let tags: Vec<u16> = (0..=u16::MAX).filter(|&e| EtherType(e).is_tag()).collect();
        assert_eq!(tags, [0x8100, 0x88a8, 0x9100]);
    }

    #[test]
    fn the_outermost_tag_gives_the_vlan_and_a_priority_tag_gives_none() {
        for (control, vlan) in [
            (0x0064, VlanId::try_new(100).ok()),
            (0xf064, VlanId::try_new(100).ok()),
            (0xe000, None),
            (0x0fff, None),
        ] {
            let [high, low] = u16::to_be_bytes(control);
            let mut frame = [0; 14 + 8];
            frame[12..22].copy_from_slice(&[0x81, 0, high, low, 0x81, 0, 0, 7, 8, 0]);
            let header = LinkHeader::parse(&frame).expect("whole tags");
            assert_eq!((header.vlan, header.tags), (vlan, 2), "{control:#06x}");
            assert_eq!((header.ether_type, header.len), (EtherType::IPV4, 22));
        }
    }
}
