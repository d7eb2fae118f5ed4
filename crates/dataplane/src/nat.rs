//! IP rewrite: customer addresses to provider addresses and back, one to one, checksums updated
//! (RFC 1624), quotes in ICMP errors included (RFC 3022 s4).
//!
//! Nothing is changed unless everything can be: a refused packet is as it came.

use core::net::IpAddr;

use nvgre_wire::checksum::Change;
use nvgre_wire::{Icmpv4, Icmpv6, Ipv4, Ipv6, Tcp, Udp, icmpv6, ip_protocol};

use crate::drop_reason::DropReason;

/// An address and what it becomes. Both are of one family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renaming {
    pub(crate) old: IpAddr,
    pub(crate) new: IpAddr,
}

/// Rewrites the addresses of `packet` (IP header first, trailing bytes allowed). `quoted` renames
/// the addresses in the quote of an ICMP error; where it cannot, the packet is refused.
#[inline(always)]
pub(crate) fn rewrite(
    packet: &mut [u8],
    source: Renaming,
    destination: Renaming,
    quoted: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<(), DropReason> {
    match (source.new, destination.new) {
        (IpAddr::V4(s), IpAddr::V4(d)) => rewrite_v4(packet, s.octets(), d.octets(), quoted),
        (IpAddr::V6(s), IpAddr::V6(d)) => rewrite_v6(packet, s.octets(), d.octets(), quoted),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            Err(DropReason::NatFamilyMismatch)
        }
    }
}

#[inline(always)]
fn rewrite_v4(
    bytes: &mut [u8],
    source: [u8; 4],
    destination: [u8; 4],
    quoted: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<(), DropReason> {
    let mut packet = Ipv4::parse_cut(bytes).map_err(|_| DropReason::NatNotIp)?;
    let (protocol, fragment) = (packet.protocol(), packet.fragment());
    let change = packet.change_of_addresses(source, destination);
    let options = packet.options();
    let source_routed = !options.is_empty() && has_source_route(options);
    if source_routed || protocol == ip_protocol::AH {
        return Err(DropReason::NatUnsupported);
    }
    if fragment.offset_bytes == 0 {
        let payload = packet.payload_mut();
        if protocol == ip_protocol::ICMP {
            rewrite_icmp_v4(payload, &quoted)?;
        } else if let Some(at) = checksum_at(protocol) {
            if payload.len() < at + 2 {
                return Err(DropReason::FragTooSmall);
            }
            update_transport(payload, protocol, at, change);
        }
    }
    packet.set_addresses(source, destination, change);
    Ok(())
}

#[inline(never)]
fn rewrite_icmp_v4(
    payload: &mut [u8],
    quoted: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<(), DropReason> {
    let message = Icmpv4::parse(&*payload).map_err(|_| DropReason::FragTooSmall)?;
    if message.is_error() {
        let change = quote_v4(&mut payload[8..], &quoted)?;
        update(payload, Icmpv4::<&[u8]>::CHECKSUM_AT, change);
    }
    Ok(())
}

#[inline(never)]
fn rewrite_v6(
    bytes: &mut [u8],
    source: [u8; 16],
    destination: [u8; 16],
    quoted: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<(), DropReason> {
    let mut packet = Ipv6::parse_cut(bytes).map_err(|_| DropReason::NatNotIp)?;
    let upper = packet.upper_layer().map_err(|_| DropReason::FragTooSmall)?;
    if upper.addresses_elsewhere || upper.protocol == ip_protocol::AH {
        return Err(DropReason::NatUnsupported);
    }
    let mut addresses = Change::default();
    addresses.replace(&packet.source(), &source);
    addresses.replace(&packet.destination(), &destination);
    if upper.fragment.offset_bytes == 0 {
        let payload = &mut packet.payload_mut()[upper.offset - Ipv6::<&[u8]>::LEN..];
        if upper.protocol == ip_protocol::ICMPV6 {
            let message = Icmpv6::parse(&*payload).map_err(|_| DropReason::FragTooSmall)?;
            let mut change = addresses;
            match message.kind() {
                // They carry addresses in the body, and a hop limit that forbids forwarding.
                icmpv6::ROUTER_SOLICITATION..=icmpv6::REDIRECT => {
                    return Err(DropReason::NatUnsupported);
                }
                0..128 => change = change.and(quote_v6(&mut payload[8..], &quoted)?),
                _informational => {}
            }
            update(payload, Icmpv6::<&[u8]>::CHECKSUM_AT, change);
        } else if let Some(at) = checksum_at(upper.protocol) {
            if payload.len() < at + 2 {
                return Err(DropReason::FragTooSmall);
            }
            update_transport(payload, upper.protocol, at, addresses);
        }
    }
    packet.set_source(source);
    packet.set_destination(destination);
    Ok(())
}

/// Rewrites the packet that an ICMP error quotes, and says what that did to the words under the
/// error's own checksum. The quote may be cut anywhere behind its IP header, and its checksums may
/// be stale: they are updated, not judged.
fn quote_v4(
    quote: &mut [u8],
    renamed: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<Change, DropReason> {
    let v4 = |octets: [u8; 4]| match renamed(IpAddr::from(octets)) {
        Some(IpAddr::V4(new)) => Ok(new.octets()),
        Some(IpAddr::V6(_)) | None => Err(DropReason::NatUnsupported),
    };
    let mut packet = Ipv4::parse_cut(quote).map_err(|_| DropReason::NatUnsupported)?;
    let (source, destination) = (v4(packet.source())?, v4(packet.destination())?);
    let addresses = packet.change_of_addresses(source, destination);
    let protocol = packet.protocol();
    let mut change = Change::default();
    if packet.fragment().offset_bytes == 0 && protocol != ip_protocol::ICMP {
        change = quoted_transport(packet.payload_mut(), protocol, addresses, true);
    }
    // The header's own checksum changes against the addresses: the sum over both stays.
    packet.set_addresses(source, destination, addresses);
    Ok(change)
}

/// As [`quote_v4`] for ICMPv6.
fn quote_v6(
    quote: &mut [u8],
    renamed: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<Change, DropReason> {
    let v6 = |octets: [u8; 16]| match renamed(IpAddr::from(octets)) {
        Some(IpAddr::V6(new)) => Ok(new.octets()),
        Some(IpAddr::V4(_)) | None => Err(DropReason::NatUnsupported),
    };
    let mut packet = Ipv6::parse_cut(quote).map_err(|_| DropReason::NatUnsupported)?;
    let (source, destination) = (v6(packet.source())?, v6(packet.destination())?);
    let mut addresses = Change::default();
    addresses.replace(&packet.source(), &source);
    addresses.replace(&packet.destination(), &destination);
    let mut change = addresses;
    if let Ok(upper) = packet.upper_layer()
        && upper.fragment.offset_bytes == 0
    {
        let payload = &mut packet.payload_mut()[upper.offset - Ipv6::<&[u8]>::LEN..];
        change = change.and(quoted_transport(payload, upper.protocol, addresses, false));
    }
    packet.set_source(source);
    packet.set_destination(destination);
    Ok(change)
}

/// Updates the transport checksum of a quote, if the quote reaches that far.
fn quoted_transport(payload: &mut [u8], protocol: u8, addresses: Change, ipv4: bool) -> Change {
    let at = match protocol {
        ip_protocol::ICMPV6 if !ipv4 => Some(Icmpv6::<&[u8]>::CHECKSUM_AT),
        other => checksum_at(other),
    };
    let mut change = Change::default();
    if let Some(at) = at
        && let Some(field) = payload.get(at..at + 2)
    {
        let old = [field[0], field[1]];
        update_transport(payload, protocol, at, addresses);
        change.replace(&old, &payload[at..at + 2]);
    }
    change
}

/// Where the checksum stands of the transports whose checksum covers the addresses.
/// SCTP's CRC and ESP's ICV do not; GRE and IP-in-IP carry their own.
const fn checksum_at(protocol: u8) -> Option<usize> {
    match protocol {
        ip_protocol::TCP => Some(Tcp::<&[u8]>::CHECKSUM_AT),
        ip_protocol::UDP | ip_protocol::UDP_LITE | ip_protocol::DCCP => {
            Some(Udp::<&[u8]>::CHECKSUM_AT)
        }
        _address_free => None,
    }
}

#[inline(always)]
fn update_transport(payload: &mut [u8], protocol: u8, at: usize, change: Change) {
    let old = u16::from_be_bytes([payload[at], payload[at + 1]]);
    let new = match protocol {
        // 0 says "no checksum": legal over IPv4, and over IPv6 in the cases of RFC 6935.
        ip_protocol::UDP if old == 0 => return,
        // A sum of 0 is sent as all ones (RFC 768, RFC 3828 s3.1).
        ip_protocol::UDP | ip_protocol::UDP_LITE => change.apply_udp(old),
        _no_special_zero => change.apply(old),
    };
    payload[at..at + 2].copy_from_slice(&new.to_be_bytes());
}

fn update(payload: &mut [u8], at: usize, change: Change) {
    let old = u16::from_be_bytes([payload[at], payload[at + 1]]);
    payload[at..at + 2].copy_from_slice(&change.apply(old).to_be_bytes());
}

/// Loose and strict source routes (RFC 791 s3.1, options 131 and 137) hold addresses.
fn has_source_route(mut options: &[u8]) -> bool {
    while let [kind, rest @ ..] = options {
        match (*kind, rest) {
            (131 | 137, _) => return true,
            (0, _) => return false,
            (1, _) => options = rest,
            (_, [len, ..]) if *len >= 2 => {
                options = options.get(usize::from(*len)..).unwrap_or(&[])
            }
            (_, _) => return false,
        }
    }
    false
}
