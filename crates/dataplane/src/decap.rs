//! Receiving NVGRE: every check of RFC 7637, in one order, whatever asks.
//!
//! The order: link header, outer IP header, for this host?, fragment?, GRE header, virtual subnet,
//! known peer?, inner frame, sender's own address?, ECN. The first that fails gives the reason.

use core::ops::Range;

use nvgre_wire::{
    Ecn, EcnDecapsulated, EtherType, FlowId, Fragment, FrameBuf, GreRefusal, Ipv4, Ipv6,
    LinkHeader, Nvgre, ParseError, ProviderAddress, VirtualSubnetId, ecn_decapsulate, ip_protocol,
};

use crate::classify::Classified;
use crate::drop_reason::DropReason;
use crate::policy::Settings;

/// An outer packet whose headers are sound.
#[derive(Clone, Debug)]
pub struct Outer {
    /// Link header, with any stack of tags.
    pub link: LinkHeader,
    /// Outer source.
    pub source: ProviderAddress,
    /// Outer destination.
    pub destination: ProviderAddress,
    /// Protocol behind the IP header and its extensions.
    pub protocol: u8,
    /// Whether it is part of a fragmented datagram. An atomic IPv6 fragment is not.
    pub fragment: Fragment,
    /// DSCP and ECN.
    pub tos: u8,
    /// Whether a routing header has segments left.
    pub segments_left: bool,
    /// Where the IP payload lies in the frame; it ends where the IP length says.
    pub payload: Range<usize>,
}

/// What decapsulation asks about the world around the frame.
pub trait Provider {
    /// Whether the packet is addressed to this endpoint.
    fn accepts_outer(&self, outer: &Outer) -> Result<(), DropReason>;
    /// Whether this provider address may send to this subnet.
    fn accepts_peer(
        &self,
        source: ProviderAddress,
        virtual_subnet: VirtualSubnetId,
    ) -> Result<(), DropReason>;
}

/// Takes every provider address as local and every peer and subnet as known, and looks behind any
/// stack of outer tags: for tools that look at captures.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnyProvider;

impl Provider for AnyProvider {
    /// Refuses what is no provider address: the limited broadcast address and unspecified ones; and
    /// packets that a routing header would send on (RFC 5095).
    fn accepts_outer(&self, outer: &Outer) -> Result<(), DropReason> {
        let to = outer.destination;
        if outer.segments_left || to.is_unspecified() || to.is_group() && !to.ip().is_multicast() {
            return Err(DropReason::OuterNotOurs);
        }
        Ok(())
    }

    fn accepts_peer(
        &self,
        _source: ProviderAddress,
        _virtual_subnet: VirtualSubnetId,
    ) -> Result<(), DropReason> {
        Ok(())
    }
}

/// What came out of an NVGRE packet besides the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decapsulated {
    /// The key's subnet: the tenant, and the only source of it.
    pub virtual_subnet: VirtualSubnetId,
    /// The key's FlowID.
    pub flow_id: FlowId,
    /// Outer source.
    pub source: ProviderAddress,
    /// Outer destination.
    pub destination: ProviderAddress,
    /// A reserved GRE bit was set and ignored.
    pub reserved_bits: bool,
    /// RFC 6040 s4.2 wants this combination of ECN fields reported.
    pub ecn_reported: bool,
}

/// What is known of a packet that was refused: a report can still name its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: DropReason,
    /// The key, where the GRE header could be read and has a usable one.
    pub key: Option<(VirtualSubnetId, FlowId)>,
}

impl From<DropReason> for Refused {
    fn from(reason: DropReason) -> Self {
        Self { reason, key: None }
    }
}

impl Outer {
    /// Reads link and IP headers of a frame from the underlay. `NotNvgre` for what is not IP,
    /// `OuterLength` where lengths do not fit the frame, `OuterChecksum` for a damaged IPv4 header.
    pub fn parse(frame: &[u8]) -> Result<Self, DropReason> {
        let link = LinkHeader::parse(frame).map_err(|_| DropReason::OuterLength)?;
        let packet = &frame[link.len..];
        match link.ether_type {
            EtherType::IPV4 => {
                let ip = Ipv4::parse(packet).map_err(length_or_not_ip)?;
                if !ip.checksum_ok() {
                    return Err(DropReason::OuterChecksum);
                }
                Ok(Self {
                    link,
                    source: ProviderAddress::v4(ip.source()),
                    destination: ProviderAddress::v4(ip.destination()),
                    protocol: ip.protocol(),
                    fragment: ip.fragment(),
                    tos: ip.tos(),
                    segments_left: false,
                    payload: link.len + ip.header_len()..link.len + ip.total_len(),
                })
            }
            EtherType::IPV6 => {
                let ip = Ipv6::parse(packet).map_err(length_or_not_ip)?;
                let upper = ip.upper_layer().map_err(|_| DropReason::OuterLength)?;
                Ok(Self {
                    link,
                    source: ProviderAddress::v6(ip.source()),
                    destination: ProviderAddress::v6(ip.destination()),
                    protocol: upper.protocol,
                    fragment: upper.fragment,
                    tos: ip.traffic_class(),
                    segments_left: upper.segments_left,
                    payload: link.len + upper.offset..link.len + ip.total_len(),
                })
            }
            _not_ip => Err(DropReason::NotNvgre),
        }
    }
}

impl Outer {
    /// Whether the packet carries GRE. A later IPv6 fragment shows only the header that the fragment
    /// header names, which may be another extension with GRE behind it.
    pub(crate) fn may_be_gre(&self) -> bool {
        let extension = matches!(
            self.protocol,
            ip_protocol::HOP_BY_HOP | ip_protocol::ROUTING | ip_protocol::DESTINATION_OPTIONS
        );
        let later_fragment = self.fragment.offset_bytes > 0 && !self.source.is_ipv4();
        self.protocol == ip_protocol::GRE || later_fragment && extension
    }
}

/// Takes the frame out of an NVGRE packet: on success `frame` is the inner frame, without the bytes
/// behind the outer IP length, its ECN field combined with the outer one.
pub fn decapsulate(
    frame: &mut FrameBuf<'_>,
    settings: &Settings,
    provider: &impl Provider,
) -> Result<Decapsulated, Refused> {
    let outer = Outer::parse(frame.bytes())?;
    let (decapsulated, inner) = check(frame.bytes(), &outer, settings, provider)?;
    let headers = Classified::of(&inner.link, inner.packet(frame.bytes()));
    let ecn_reported = take_out(frame, &outer, &inner, &headers).map_err(|reason| Refused {
        reason,
        key: Some((decapsulated.virtual_subnet, decapsulated.flow_id)),
    })?;
    Ok(Decapsulated {
        ecn_reported,
        ..decapsulated
    })
}

/// The inner frame, still inside.
#[derive(Clone, Debug)]
pub(crate) struct Inner {
    /// Where it lies in the packet.
    pub(crate) range: Range<usize>,
    pub(crate) link: LinkHeader,
}

impl Inner {
    /// What is behind its link header.
    pub(crate) fn packet<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        &frame[self.range.start + self.link.len..self.range.end]
    }
}

/// The checks up to the inner frame; gives what the headers say and where the inner frame lies.
pub(crate) fn check(
    frame: &[u8],
    outer: &Outer,
    settings: &Settings,
    provider: &impl Provider,
) -> Result<(Decapsulated, Inner), Refused> {
    if !outer.may_be_gre() {
        return Err(DropReason::NotNvgre.into());
    }
    provider.accepts_outer(outer)?;
    // RFC 7637 s4.4: fragments may be discarded. A later one is no GRE header to look at.
    if outer.fragment.is_part() {
        return Err(DropReason::OuterFragment.into());
    }
    let gre = &frame[outer.payload.clone()];
    let header = Nvgre::receive(gre, settings.strict_gre_reserved_bits).map_err(refusal)?;
    let flow_id = header.key.flow_id();
    let virtual_subnet = header
        .key
        .virtual_subnet()
        .map_err(|_| DropReason::ReservedVsid)?;
    let with_key = |reason| Refused {
        reason,
        key: Some((virtual_subnet, flow_id)),
    };
    provider
        .accepts_peer(outer.source, virtual_subnet)
        .map_err(with_key)?;
    let inner = outer.payload.start + Nvgre::LEN..outer.payload.end;
    let link = match LinkHeader::parse(&frame[inner.clone()]) {
        Ok(link) if link.tags == 0 && link.source.is_group() => {
            return Err(with_key(DropReason::InnerSourceGroup));
        }
        Ok(link) if link.tags == 0 => link,
        // RFC 7637 s3.3: a tagged frame must be dropped, whether the tag is whole or not.
        Ok(_)
        | Err(ParseError::Short {
            layer: nvgre_wire::Layer::Vlan,
            ..
        }) => {
            return Err(with_key(DropReason::InnerVlan));
        }
        Err(_) => return Err(with_key(DropReason::InnerShort)),
    };
    let decapsulated = Decapsulated {
        virtual_subnet,
        flow_id,
        source: outer.source,
        destination: outer.destination,
        reserved_bits: header.reserved_bits,
        ecn_reported: false,
    };
    Ok((decapsulated, Inner { range: inner, link }))
}

/// Moves the window to the inner frame and combines the ECN fields. Whether the combination is to be
/// reported; a frame whose combination is refused stays as it is.
pub(crate) fn take_out(
    frame: &mut FrameBuf<'_>,
    outer: &Outer,
    inner: &Inner,
    headers: &Classified,
) -> Result<bool, DropReason> {
    let (inner_ecn, outer_ecn) = (Ecn::of(headers.tos()), Ecn::of(outer.tos));
    let mut report = false;
    let mut combined = inner_ecn;
    // What an underlay that marks nothing leaves as it was (RFC 6040 s4.1) combines to itself.
    if headers.ip().is_some() && inner_ecn != outer_ecn {
        (combined, report) = match ecn_decapsulate(inner_ecn, outer_ecn) {
            EcnDecapsulated::Set(ecn) => (ecn, false),
            EcnDecapsulated::SetAndReport(ecn) => (ecn, true),
            EcnDecapsulated::Drop => return Err(DropReason::EcnCeOnNotEct),
        };
    }
    frame.truncate(inner.range.end);
    frame.pop_front(inner.range.start);
    if combined != inner_ecn {
        set_inner_tos(frame.bytes_mut(), headers.tos() & !3 | combined.bits());
    }
    Ok(report)
}

fn set_inner_tos(frame: &mut [u8], tos: u8) {
    let packet = &mut frame[14..];
    if let Ok(mut ip) = Ipv4::parse_cut(&mut *packet) {
        ip.set_tos(tos);
    } else if let Ok(mut ip) = Ipv6::parse_cut(packet) {
        ip.set_traffic_class(tos);
    }
}

fn length_or_not_ip(error: ParseError) -> DropReason {
    match error {
        ParseError::Version { .. } | ParseError::Unsupported { .. } => DropReason::NotNvgre,
        ParseError::Short { .. }
        | ParseError::HeaderLength { .. }
        | ParseError::TotalLength { .. } => DropReason::OuterLength,
    }
}

fn refusal(refusal: GreRefusal) -> DropReason {
    match refusal {
        GreRefusal::Short => DropReason::GreShort,
        GreRefusal::Version => DropReason::GreVersion,
        GreRefusal::ChecksumBit => DropReason::GreChecksumBit,
        GreRefusal::RoutingBit => DropReason::GreRoutingBit,
        GreRefusal::SequenceBit => DropReason::GreSequenceBit,
        GreRefusal::ReservedBits => DropReason::GreReservedBits,
        GreRefusal::KeyAbsent => DropReason::GreKeyAbsent,
        GreRefusal::Protocol => DropReason::GreProtocol,
    }
}
