//! ARP for IPv4 over Ethernet (RFC 826).

use crate::MacAddress;
use crate::error::{Layer, ParseError, be16, need};

/// What an ARP packet asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpOperation {
    /// 1: who has the target address?
    Request,
    /// 2: the sender has it.
    Reply,
}

/// An ARP packet, 28 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Arp<B> {
    bytes: B,
}

impl<B: AsRef<[u8]>> Arp<B> {
    /// Bytes: types and lengths 6, operation 2, sender 10, target 10.
    pub const LEN: usize = 28;

    /// Fails below 28 bytes, and for other hardware, protocols or operations.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        let b = bytes.as_ref();
        need(Layer::Arp, b, Self::LEN)?;
        if b[..6] != [0, 1, 8, 0, 6, 4] || !matches!(be16(b, 6), 1 | 2) {
            return Err(ParseError::Unsupported { layer: Layer::Arp });
        }
        Ok(Self { bytes })
    }

    /// Request or reply.
    pub fn operation(&self) -> ArpOperation {
        if be16(self.bytes.as_ref(), 6) == 1 {
            ArpOperation::Request
        } else {
            ArpOperation::Reply
        }
    }

    /// Sender hardware address.
    pub fn sender_mac(&self) -> MacAddress {
        MacAddress::read(&self.bytes.as_ref()[8..])
    }

    /// Sender protocol address.
    pub fn sender_ip(&self) -> [u8; 4] {
        quad(&self.bytes.as_ref()[14..])
    }

    /// Target hardware address.
    pub fn target_mac(&self) -> MacAddress {
        MacAddress::read(&self.bytes.as_ref()[18..])
    }

    /// Target protocol address.
    pub fn target_ip(&self) -> [u8; 4] {
        quad(&self.bytes.as_ref()[24..])
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Arp<B> {
    /// Turns a request, in place, into the reply that `owner` has the target address.
    pub fn answer(&mut self, owner: MacAddress) {
        let (asker, asked_from, asked_for) =
            (self.sender_mac(), self.sender_ip(), self.target_ip());
        let b = self.bytes.as_mut();
        b[6..8].copy_from_slice(&[0, 2]);
        b[8..14].copy_from_slice(&owner.octets());
        b[14..18].copy_from_slice(&asked_for);
        b[18..24].copy_from_slice(&asker.octets());
        b[24..28].copy_from_slice(&asked_from);
    }
}

fn quad(bytes: &[u8]) -> [u8; 4] {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}
