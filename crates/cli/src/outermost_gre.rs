//! Whether the outermost IP header of a captured frame carries GRE.
//!
//! Looser than a tunnel endpoint on purpose: a capture may keep the beginning of a frame only, or
//! show it before the NIC filled in length and checksum. What an endpoint would do with the frame is
//! the dataplane's verdict.

use etherparse::{Ipv4HeaderSlice, SingleVlanSlice};
use nvgre_capture::{LinkPayload, LinkType, network_layer};
use nvgre_wire::{EtherType, Ethernet, Gre, Ipv6, NvgreKey, ip_protocol};

/// GRE directly behind the outermost IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutermostGre {
    /// Protocol 0x6558 and a whole key, whatever the other flags.
    Nvgre(NvgreKey),
    /// Any other GRE header, of which at least flags and protocol are there.
    Other,
}

/// Looks behind any stack of VLAN tags and, for IPv6, extension headers. `None` also for later
/// fragments, whose bytes are the middle of something, and for link types not looked into.
pub(crate) fn outermost_gre(link: LinkType, frame: &[u8]) -> Option<OutermostGre> {
    let (mut ether_type, mut packet) = match network_layer(link, frame).ok()? {
        LinkPayload::Ethernet(frame) => {
            let ethernet = Ethernet::parse(frame).ok()?;
            (ethernet.ether_type(), frame.get(Ethernet::<&[u8]>::LEN..)?)
        }
        LinkPayload::Network {
            ethertype, payload, ..
        } => (EtherType(ethertype), payload),
    };
    while ether_type.is_tag() {
        let tag = SingleVlanSlice::from_slice(packet).ok()?;
        (ether_type, packet) = (EtherType(tag.ether_type().0), tag.payload_slice());
    }
    match ether_type {
        EtherType::IPV4 => gre_of_ipv4(packet),
        EtherType::IPV6 => gre_of_ipv6(packet),
        _ => None,
    }
}

fn gre_of_ipv4(packet: &[u8]) -> Option<OutermostGre> {
    let header = Ipv4HeaderSlice::from_slice(packet).ok()?;
    if header.protocol().0 != ip_protocol::GRE || header.fragments_offset().value() > 0 {
        return None;
    }
    payload(
        packet,
        header.slice().len(),
        match header.total_len() {
            0 => None,
            claimed => Some(claimed.into()),
        },
    )
}

fn gre_of_ipv6(packet: &[u8]) -> Option<OutermostGre> {
    let header = Ipv6::parse_cut(packet).ok()?;
    let upper = header.upper_layer().ok()?;
    if upper.protocol != ip_protocol::GRE || upper.fragment.offset_bytes > 0 {
        return None;
    }
    payload(
        packet,
        upper.offset,
        match header.total_len() {
            Ipv6::<&[u8]>::LEN => None,
            claimed => Some(claimed),
        },
    )
}

/// The GRE header at `offset` of a packet that claims to end at `claimed`. A length of zero claims
/// nothing: so the kernel shows packets that the NIC is still to cut into segments.
fn payload(packet: &[u8], offset: usize, claimed: Option<usize>) -> Option<OutermostGre> {
    let end = claimed.unwrap_or(packet.len()).min(packet.len());
    let gre = packet.get(offset..end)?;
    if gre.len() < 4 {
        return None;
    }
    // The longest header, so that one that is cut behind its key is read all the same.
    let mut longest = [0; 16];
    let have = gre.len().min(longest.len());
    longest[..have].copy_from_slice(&gre[..have]);
    let header = Gre::parse(longest).ok()?;
    let key_end = header.header_len() - if header.sequence().is_some() { 4 } else { 0 };
    Some(match header.key() {
        Some(key)
            if header.protocol() == EtherType::TRANSPARENT_ETHERNET_BRIDGING && key_end <= have =>
        {
            OutermostGre::Nvgre(key)
        }
        _ => OutermostGre::Other,
    })
}
