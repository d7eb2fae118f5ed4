//! ICMP errors to a guest: time exceeded and packet too big, from the gateway's address.

use core::net::IpAddr;

use nvgre_wire::{
    CustomerAddress, EtherType, FrameBuf, Icmpv4, Icmpv6, Ipv4, Ipv4Repr, Ipv6, Ipv6Repr,
    VirtualSubnetId, icmpv4, icmpv6, ip_protocol,
};

use crate::answer::set_link;
use crate::classify::Classified;
use crate::encap::OUTER_TTL;
use crate::port::PortId;
use crate::trace::{Event, Tracer};
use crate::verdict::Egress;
use crate::worker::Pass;

/// ICMP errors per second and port, and the most that come at once: the example of RFC 4443 s2.4(f).
const ERRORS_PER_SECOND: u64 = 10;
/// RFC 1812 s4.3.2.3: an ICMP error is at most 576 bytes long.
const LONGEST_V4: usize = 576;
/// RFC 4443 s2.4(c): an ICMPv6 error does not exceed the minimum MTU.
const LONGEST_V6: usize = 1_280;

/// What went wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Problem {
    /// TTL or hop limit used up.
    TimeExceeded,
    /// The largest IP packet that would fit, in bytes.
    TooBig { mtu_bytes: u16 },
}

impl<E: Egress, T: Tracer> Pass<'_, E, T> {
    /// Tells the sender, where RFC 1122 s3.2.2 and RFC 4443 s2.4(e) allow it: not about ICMP
    /// errors, later fragments, groups, or senders without an address. The frame is used up.
    pub(crate) fn send_error(
        &mut self,
        frame: &mut FrameBuf<'_>,
        headers: &Classified,
        from: PortId,
        vsid: VirtualSubnetId,
        problem: Problem,
    ) {
        let Some(ip) = headers.ip() else { return };
        let about_nobody = ip.source().is_unspecified() || ip.source().is_group();
        if ip.is_icmp_error()
            || ip.fragment().offset_bytes > 0
            || headers.destination.is_group()
            || ip.destination().is_group()
            || about_nobody
        {
            return;
        }
        let Some(gateway) = self.snapshot.gateway(vsid, ip.is_ipv4()) else {
            return;
        };
        let bucket = &mut self.worker.ports[from.0 as usize].errors;
        if !bucket.take(self.now, ERRORS_PER_SECOND, 1) {
            self.worker.counters.tally.errors_suppressed += 1;
            return;
        }
        if build(frame, ip.source(), gateway, problem) {
            set_link(
                frame.bytes_mut(),
                headers.source,
                self.snapshot.settings.router_mac,
            );
            self.worker.counters.tally.errors_sent += 1;
            self.event(Event::ErrorSent { to: from });
            self.egress.generated(self.index, from, frame.bytes());
        }
    }
}

/// Puts IP and ICMP headers between the Ethernet header (to be written) and the packet that the
/// frame holds, which becomes the quote.
fn build(
    frame: &mut FrameBuf<'_>,
    guest: CustomerAddress,
    gateway: CustomerAddress,
    problem: Problem,
) -> bool {
    let quoted = &frame.bytes()[14..];
    let quoted_len = match Ipv4::parse_cut(quoted) {
        Ok(ip) => ip.total_len().min(quoted.len()),
        Err(_) => Ipv6::parse_cut(quoted).map_or(0, |ip| ip.total_len().min(quoted.len())),
    };
    let (headers_len, longest, ether_type) = match guest.ip() {
        IpAddr::V4(_) => (20 + 8, LONGEST_V4, EtherType::IPV4),
        IpAddr::V6(_) => (40 + 8, LONGEST_V6, EtherType::IPV6),
    };
    let message_len = 8 + quoted_len.min(longest - headers_len);
    if frame.push_front(headers_len).is_err() {
        return false;
    }
    frame.truncate(14 + headers_len - 8 + message_len);
    let bytes = frame.bytes_mut();
    bytes[12..14].copy_from_slice(&ether_type.0.to_be_bytes());
    let (ip, message) = bytes[14..].split_at_mut(headers_len - 8);
    match (gateway.ip(), guest.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            Ipv4Repr {
                tos: 0,
                payload_len: message_len as u16,
                dont_fragment: false,
                ttl: OUTER_TTL,
                protocol: ip_protocol::ICMP,
                source: source.octets(),
                destination: destination.octets(),
            }
            .emit(ip);
            let (kind, code, rest) = match problem {
                Problem::TimeExceeded => (icmpv4::TIME_EXCEEDED, 0, 0),
                Problem::TooBig { mtu_bytes } => (
                    icmpv4::UNREACHABLE,
                    icmpv4::FRAGMENTATION_NEEDED,
                    u32::from(mtu_bytes),
                ),
            };
            Icmpv4::emit(message, kind, code, rest);
            true
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let (source, destination) = (source.octets(), destination.octets());
            Ipv6Repr {
                traffic_class: 0,
                flow_label: 0,
                payload_len: message_len as u16,
                next_header: ip_protocol::ICMPV6,
                hop_limit: OUTER_TTL,
                source,
                destination,
            }
            .emit(ip);
            let (kind, rest) = match problem {
                Problem::TimeExceeded => (icmpv6::TIME_EXCEEDED, 0),
                Problem::TooBig { mtu_bytes } => (icmpv6::PACKET_TOO_BIG, u32::from(mtu_bytes)),
            };
            Icmpv6::emit(message, kind, 0, rest, &source, &destination);
            true
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}
