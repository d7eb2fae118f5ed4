//! One frame in one line, for people.

use std::fmt;
use std::net::IpAddr;

use nvgre_dataplane::Outer;
use nvgre_wire::{Arp, ArpOperation, EtherType, Gre, Ipv4, Ipv6, LinkHeader, ip_protocol};

/// What a frame is: addresses and protocol, and the frame inside if it is NVGRE. Shows as text.
#[derive(Clone, Copy, Debug)]
pub struct FrameSummary<'a>(pub &'a [u8]);

impl fmt::Display for FrameSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(link) = LinkHeader::parse(self.0) else {
            return write!(f, "{} bytes, no Ethernet header", self.0.len());
        };
        let payload = &self.0[link.len..];
        match link.ether_type {
            EtherType::ARP => arp(payload, f),
            EtherType::IPV4 | EtherType::IPV6 => self.ip(payload, f),
            EtherType(number) => {
                write!(
                    f,
                    "{} > {}, ethertype {number:#06x}",
                    link.source, link.destination
                )
            }
        }
    }
}

impl FrameSummary<'_> {
    fn ip(&self, packet: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(outer) = Outer::parse(self.0)
            && outer.protocol == ip_protocol::GRE
            && let Ok(gre) = Gre::parse(&self.0[outer.payload.clone()])
            && let Some(key) = gre.key()
            && gre.protocol() == EtherType::TRANSPARENT_ETHERNET_BRIDGING
        {
            let (from, to, vsid) = (outer.source, outer.destination, key.0 >> 8);
            write!(f, "NVGRE {from} > {to}, VSID {vsid}: ")?;
            return write!(f, "{}", FrameSummary(gre.payload()));
        }
        let ends: Option<(IpAddr, IpAddr, u8, &[u8])> = match packet.first().map(|byte| byte >> 4) {
            Some(4) => Ipv4::parse_cut(packet).ok().map(|ip| {
                let first = ip.fragment().offset_bytes == 0;
                let upper = &packet[ip.header_len()..];
                let upper = if first { upper } else { &[] };
                (
                    ip.source().into(),
                    ip.destination().into(),
                    ip.protocol(),
                    upper,
                )
            }),
            Some(6) => Ipv6::parse_cut(packet).ok().map(|ip| {
                let upper = ip
                    .upper_layer()
                    .ok()
                    .filter(|u| u.fragment.offset_bytes == 0);
                let bytes = upper.and_then(|u| packet.get(u.offset..)).unwrap_or(&[]);
                let protocol = upper.map_or(ip.next_header(), |u| u.protocol);
                (ip.source().into(), ip.destination().into(), protocol, bytes)
            }),
            Some(_) | None => None,
        };
        let Some((source, destination, protocol, upper)) = ends else {
            return f.write_str("a damaged IP packet");
        };
        let ports = upper
            .first_chunk::<4>()
            .map(|[a, b, c, d]| (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])));
        match (name(protocol), ports) {
            (Some(name @ ("TCP" | "UDP")), Some((from, to))) => {
                write!(f, "{name} {source} port {from} > {destination} port {to}")
            }
            (Some(name), _) => write!(f, "{name} {source} > {destination}"),
            (None, _) => write!(f, "IP protocol {protocol} {source} > {destination}"),
        }
    }
}

fn arp(packet: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Ok(arp) = Arp::parse(packet) else {
        return f.write_str("a damaged ARP packet");
    };
    let (sender, target) = (IpAddr::from(arp.sender_ip()), IpAddr::from(arp.target_ip()));
    match arp.operation() {
        ArpOperation::Request => write!(f, "ARP request of {sender} for {target}"),
        ArpOperation::Reply => write!(f, "ARP reply of {sender} to {target}"),
    }
}

const fn name(protocol: u8) -> Option<&'static str> {
    match protocol {
        ip_protocol::ICMP => Some("ICMP"),
        ip_protocol::ICMPV6 => Some("ICMPv6"),
        ip_protocol::TCP => Some("TCP"),
        ip_protocol::UDP => Some("UDP"),
        ip_protocol::GRE => Some("GRE"),
        ip_protocol::SCTP => Some("SCTP"),
        ip_protocol::ESP => Some("ESP"),
        _unnamed => None,
    }
}
