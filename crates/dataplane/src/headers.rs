//! What the decisions about most frames ask of their headers, and the shortest form of the headers
//! that most frames have.

use nvgre_wire::{
    CustomerAddress, EtherType, FlowId, LinkHeader, MacAddress, checksum, flow_id_ipv4,
};

use crate::classify::Classified;

/// What is asked of every frame. Whoever wants more asks [`Headers::whole`], off the short way.
///
/// The decisions are written once, for any headers, and compiled for two kinds: for plain IPv4
/// nothing is computed or kept that is not asked for.
pub(crate) trait Headers: Copy {
    fn destination(&self) -> MacAddress;
    fn source(&self) -> MacAddress;
    /// See [`Classified::source_ca`].
    fn source_ca(&self) -> Option<CustomerAddress>;
    /// The source of an IP packet.
    fn sender_ip(&self) -> Option<CustomerAddress>;
    /// The destination of an IP packet.
    fn target_ip(&self) -> Option<CustomerAddress>;
    /// See [`Classified::question`].
    fn question(&self) -> Option<CustomerAddress>;
    /// What tells this frame's flow from others, in 8 bits.
    fn flow_id(&self) -> FlowId;
    /// DSCP and ECN of IP, else 0.
    fn tos(&self) -> u8;
    /// Whether it is IP.
    fn is_ip(&self) -> bool;
    /// Everything. By value: a reference would make every frame write its headers to memory.
    fn whole(self) -> Classified;
}

/// An IPv4 packet without options that holds four bytes or more behind its header, as nearly all are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainIpv4 {
    pub(crate) destination: MacAddress,
    pub(crate) source: MacAddress,
    /// Version 4, header length 4, TOS 8, total length 16, identification 16, flags 3, offset 13.
    first: u64,
    /// TTL 8, protocol 8, checksum 16, source 32.
    second: u64,
    /// Destination 32, the first four bytes of the payload.
    third: u64,
}

impl PlainIpv4 {
    /// Bytes of the header.
    pub(crate) const LEN: u16 = 20;
    /// Bytes that are read.
    const READ: usize = 24;

    /// Reads the packet behind a link header, if it is one of these.
    #[inline(always)]
    pub(crate) fn read(link: &LinkHeader, packet: &[u8]) -> Option<Self> {
        let head: &[u8; Self::READ] = packet.first_chunk()?;
        let ([first, second, third], []) = head.as_chunks::<8>() else {
            return None;
        };
        let plain = Self {
            destination: link.destination,
            source: link.source,
            first: u64::from_be_bytes(*first),
            second: u64::from_be_bytes(*second),
            third: u64::from_be_bytes(*third),
        };
        let is_plain = link.ether_type == EtherType::IPV4
            && plain.first >> 56 == 0x45
            && plain.total_len() >= Self::READ;
        is_plain.then_some(plain)
    }

    /// Header and payload, in bytes.
    #[inline(always)]
    pub(crate) const fn total_len(&self) -> usize {
        (self.first >> 32 & 0xffff) as usize
    }

    /// Whether the header checksum is right.
    #[inline(always)]
    pub(crate) const fn checksum_ok(&self) -> bool {
        const fn halves(word: u64) -> u64 {
            (word >> 32) + (word & 0xffff_ffff)
        }
        let sum = halves(self.first) + halves(self.second) + (self.third >> 32);
        checksum::fold(sum) == 0xffff
    }

    pub(crate) const fn source_bits(&self) -> u32 {
        self.second as u32
    }

    pub(crate) const fn destination_bits(&self) -> u32 {
        (self.third >> 32) as u32
    }

    pub(crate) const fn ttl(&self) -> u8 {
        (self.second >> 56) as u8
    }

    pub(crate) const fn protocol(&self) -> u8 {
        (self.second >> 48) as u8
    }

    pub(crate) const fn dont_fragment(&self) -> bool {
        self.first & 0x4000 != 0
    }

    pub(crate) const fn more_fragments(&self) -> bool {
        self.first & 0x2000 != 0
    }

    pub(crate) const fn fragment_offset_bytes(&self) -> u32 {
        (self.first as u32 & 0x1fff) * 8
    }

    /// The first four bytes behind the header.
    pub(crate) const fn behind(&self) -> u32 {
        self.third as u32
    }

    /// The ports, source above; 0 where there are none, and for every part of a datagram.
    #[inline(always)]
    pub(crate) const fn ports(&self) -> u32 {
        let whole = self.first & 0x3fff == 0;
        if whole && Classified::has_ports(self.protocol()) {
            self.behind()
        } else {
            0
        }
    }
}

impl Headers for PlainIpv4 {
    #[inline(always)]
    fn destination(&self) -> MacAddress {
        self.destination
    }

    #[inline(always)]
    fn source(&self) -> MacAddress {
        self.source
    }

    #[inline(always)]
    fn source_ca(&self) -> Option<CustomerAddress> {
        let source = CustomerAddress::v4(self.source_bits().to_be_bytes());
        let none_yet = source.is_unspecified() && self.target_ip()?.is_group();
        (!none_yet).then_some(source)
    }

    #[inline(always)]
    fn sender_ip(&self) -> Option<CustomerAddress> {
        Some(CustomerAddress::v4(self.source_bits().to_be_bytes()))
    }

    #[inline(always)]
    fn target_ip(&self) -> Option<CustomerAddress> {
        Some(CustomerAddress::v4(self.destination_bits().to_be_bytes()))
    }

    #[inline(always)]
    fn question(&self) -> Option<CustomerAddress> {
        None
    }

    #[inline(always)]
    fn flow_id(&self) -> FlowId {
        flow_id_ipv4(
            self.source_bits(),
            self.destination_bits(),
            self.protocol(),
            self.ports(),
        )
    }

    #[inline(always)]
    fn tos(&self) -> u8 {
        (self.first >> 48) as u8
    }

    #[inline(always)]
    fn is_ip(&self) -> bool {
        true
    }

    #[cold]
    fn whole(self) -> Classified {
        Classified::of_plain(&self)
    }
}

impl Headers for &Classified {
    #[inline(always)]
    fn destination(&self) -> MacAddress {
        self.destination
    }

    #[inline(always)]
    fn source(&self) -> MacAddress {
        self.source
    }

    #[inline(always)]
    fn source_ca(&self) -> Option<CustomerAddress> {
        Classified::source_ca(self)
    }

    #[inline(always)]
    fn sender_ip(&self) -> Option<CustomerAddress> {
        self.ip().map(|ip| ip.source())
    }

    #[inline(always)]
    fn target_ip(&self) -> Option<CustomerAddress> {
        self.ip().map(|ip| ip.destination())
    }

    #[inline(always)]
    fn question(&self) -> Option<CustomerAddress> {
        Classified::question(self)
    }

    #[inline(always)]
    fn flow_id(&self) -> FlowId {
        Classified::flow_id(self)
    }

    #[inline(always)]
    fn tos(&self) -> u8 {
        Classified::tos(self)
    }

    #[inline(always)]
    fn is_ip(&self) -> bool {
        self.ip().is_some()
    }

    fn whole(self) -> Classified {
        *self
    }
}

#[cfg(test)]
pub(crate) mod tests;
