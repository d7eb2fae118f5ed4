//! Answers on behalf of others: ARP and neighbor solicitations from the records, echoes to the
//! gateway address. Built in the question's own memory.

use core::net::IpAddr;

use nvgre_wire::{
    Arp, CustomerAddress, EtherType, Ethernet, FrameBuf, Icmpv4, Icmpv6, Ipv6Repr, MacAddress,
    NeighborDiscovery, VirtualSubnetId, icmpv4, icmpv6, ip_protocol,
};
use nvgre_wire::{Ipv4, Ipv6, checksum::Change};

use crate::classify::Classified;
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// All nodes on the link: where an answer goes whose asker has no address yet (RFC 4861 s7.2.4).
const ALL_NODES: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// What is to be done about a question for an address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// The address is at this MAC: say so. The flag: it is the router's.
    Known(MacAddress, bool),
    /// The guest asks for its own address (duplicate detection, gratuitous ARP). An answer would
    /// tell it that the address is taken.
    Own,
    /// No record.
    Unknown,
}

impl<E: Egress, T: Tracer> Pass<'_, E, T> {
    /// Who has `target`, as far as the records of the subnet say.
    pub(crate) fn ask(
        &mut self,
        vsid: VirtualSubnetId,
        headers: &Classified,
        target: CustomerAddress,
    ) -> Asked {
        if headers.source_ca() == Some(target) {
            return Asked::Own;
        }
        let hit = self.snapshot.record(vsid, target);
        self.event(Event::RecordAsked {
            virtual_subnet: vsid,
            customer_address: target,
            hit: hit.map(|entry| entry.id()),
        });
        if let Some(entry) = hit {
            return if entry.mac() == headers.source {
                Asked::Own
            } else {
                Asked::Known(entry.mac(), false)
            };
        }
        let router = !self.snapshot.use_external_router
            && self
                .snapshot
                .subnet(vsid)
                .is_some_and(|subnet| subnet.gateways.contains(&target));
        if router {
            Asked::Known(self.snapshot.settings.router_mac, true)
        } else {
            Asked::Unknown
        }
    }

    /// Turns the question into its answer.
    pub(crate) fn answer(
        &mut self,
        frame: &mut FrameBuf<'_>,
        headers: &Classified,
        target: CustomerAddress,
        mac: MacAddress,
        router: bool,
    ) -> Verdict {
        match target.ip() {
            IpAddr::V4(_) => answer_arp(frame, headers, mac),
            IpAddr::V6(v6) => answer_solicitation(frame, headers, v6.octets(), mac, router),
        }
        self.worker.counters.tally.answered += 1;
        self.event(Event::Answered {
            customer_address: target,
            mac,
        });
        Verdict::Hairpin
    }

    /// Turns an echo request to the gateway address into its reply.
    pub(crate) fn answer_echo(
        &mut self,
        frame: &mut FrameBuf<'_>,
        headers: &Classified,
        gateway: CustomerAddress,
    ) -> Verdict {
        let mac = self.snapshot.settings.router_mac;
        let bytes = frame.bytes_mut();
        set_link(bytes, headers.source, mac);
        if gateway.is_ipv4() {
            echo_v4(&mut bytes[14..]);
        } else {
            echo_v6(&mut bytes[14..]);
        }
        self.worker.counters.tally.answered += 1;
        self.event(Event::Answered {
            customer_address: gateway,
            mac,
        });
        Verdict::Hairpin
    }
}

/// New addresses in an Ethernet header.
pub(crate) fn set_link(frame: &mut [u8], destination: MacAddress, source: MacAddress) {
    let both = u128::from(destination.to_bits()) << 48 | u128::from(source.to_bits());
    let [_, _, _, _, both @ ..] = both.to_be_bytes();
    frame[..12].copy_from_slice(&both);
}

fn answer_arp(frame: &mut FrameBuf<'_>, headers: &Classified, mac: MacAddress) {
    let bytes = frame.bytes_mut();
    set_link(bytes, headers.source, mac);
    if let Ok(mut arp) = Arp::parse(&mut bytes[Ethernet::<&[u8]>::LEN..]) {
        arp.answer(mac);
    }
}

/// The answer is 86 bytes, whatever the question was: written anew in the same memory, grown to the
/// front where the question was shorter.
fn answer_solicitation(
    frame: &mut FrameBuf<'_>,
    headers: &Classified,
    target: [u8; 16],
    mac: MacAddress,
    router: bool,
) {
    const LEN: usize = 14 + 40 + NeighborDiscovery::<&[u8]>::ADVERTISEMENT_LEN;
    let asker = match headers.sender_ip().map(CustomerAddress::ip) {
        Some(IpAddr::V6(v6)) if !v6.is_unspecified() => v6.octets(),
        Some(IpAddr::V6(_) | IpAddr::V4(_)) | None => ALL_NODES,
    };
    let to = if asker == ALL_NODES {
        MacAddress::new([0x33, 0x33, 0, 0, 0, 1])
    } else {
        headers.source
    };
    let missing = LEN.saturating_sub(frame.len());
    if frame.push_front(missing).is_err() {
        return;
    }
    frame.truncate(LEN);
    let bytes = frame.bytes_mut();
    set_link(bytes, to, mac);
    bytes[12..14].copy_from_slice(&EtherType::IPV6.0.to_be_bytes());
    Ipv6Repr {
        traffic_class: 0,
        flow_label: 0,
        payload_len: NeighborDiscovery::<&[u8]>::ADVERTISEMENT_LEN as u16,
        next_header: ip_protocol::ICMPV6,
        hop_limit: 255,
        source: target,
        destination: asker,
    }
    .emit(&mut bytes[14..]);
    NeighborDiscovery::emit_advertisement(&mut bytes[54..], &target, mac, router, &asker);
}

fn echo_v4(packet: &mut [u8]) {
    let Ok(mut ip) = Ipv4::parse_cut(packet) else {
        return;
    };
    let (guest, gateway) = (ip.source(), ip.destination());
    ip.set_source(gateway);
    ip.set_destination(guest);
    set_icmp_type(
        ip.payload_mut(),
        icmpv4::ECHO_REPLY,
        Icmpv4::<&[u8]>::CHECKSUM_AT,
    );
}

fn echo_v6(packet: &mut [u8]) {
    let Ok(mut ip) = Ipv6::parse_cut(packet) else {
        return;
    };
    let (guest, gateway) = (ip.source(), ip.destination());
    // Swapping the addresses leaves the pseudo-header's sum as it was.
    ip.set_source(gateway);
    ip.set_destination(guest);
    let Ok(upper) = ip.upper_layer() else { return };
    let at = upper.offset - Ipv6::<&[u8]>::LEN;
    set_icmp_type(
        &mut ip.payload_mut()[at..],
        icmpv6::ECHO_REPLY,
        Icmpv6::<&[u8]>::CHECKSUM_AT,
    );
}

fn set_icmp_type(message: &mut [u8], kind: u8, checksum_at: usize) {
    let Some(checksum) = message.get(checksum_at..checksum_at + 2) else {
        return;
    };
    let checksum = u16::from_be_bytes([checksum[0], checksum[1]]);
    let mut change = Change::default();
    change.replace(&message[..2], &[kind, message[1]]);
    message[0] = kind;
    message[checksum_at..checksum_at + 2].copy_from_slice(&change.apply(checksum).to_be_bytes());
}
