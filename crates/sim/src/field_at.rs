//! What a byte of a frame belongs to, for people: "IPv4 TTL", "TCP sequence number".

use nvgre_wire::{Arp, EtherType, Ipv4, Ipv6, LinkHeader, ip_protocol};

/// Fields of a header: where each ends, and its name. Behind the last is what the header carries.
type Fields = [(usize, &'static str)];

const ARP: &Fields = &[
    (6, "ARP header"),
    (8, "ARP operation"),
    (14, "ARP sender MAC"),
    (18, "ARP sender address"),
    (24, "ARP target MAC"),
    (28, "ARP target address"),
];
const IPV4: &Fields = &[
    (1, "IPv4 version and header length"),
    (2, "IPv4 DSCP and ECN"),
    (4, "IPv4 total length"),
    (6, "IPv4 identification"),
    (8, "IPv4 flags and fragment offset"),
    (9, "IPv4 TTL"),
    (10, "IPv4 protocol"),
    (12, "IPv4 header checksum"),
    (16, "IPv4 source address"),
    (20, "IPv4 destination address"),
];
const IPV6: &Fields = &[
    (4, "IPv6 traffic class and flow label"),
    (6, "IPv6 payload length"),
    (7, "IPv6 next header"),
    (8, "IPv6 hop limit"),
    (24, "IPv6 source address"),
    (40, "IPv6 destination address"),
];
const TCP: &Fields = &[
    (2, "TCP source port"),
    (4, "TCP destination port"),
    (8, "TCP sequence number"),
    (12, "TCP acknowledgment number"),
    (14, "TCP header length and flags"),
    (16, "TCP window"),
    (18, "TCP checksum"),
    (20, "TCP urgent pointer"),
];
const UDP: &Fields = &[
    (2, "UDP source port"),
    (4, "UDP destination port"),
    (6, "UDP length"),
    (8, "UDP checksum"),
];
const ICMP: &Fields = &[(1, "ICMP type"), (2, "ICMP code"), (4, "ICMP checksum")];
const ICMPV6: &Fields = &[
    (1, "ICMPv6 type"),
    (2, "ICMPv6 code"),
    (4, "ICMPv6 checksum"),
];
const BEHIND: &str = "bytes behind the packet, such as padding or a frame check sequence";

/// The field that the byte at `offset` belongs to. Headers are read as the frame shows them: where it is
/// cut or damaged, what is certain is told.
pub(crate) fn field_at(frame: &[u8], offset: usize) -> String {
    match offset {
        0..6 => return "Ethernet destination".to_owned(),
        6..12 => return "Ethernet source".to_owned(),
        _ => {}
    }
    let Ok(link) = LinkHeader::parse(frame) else {
        return "Ethernet header".to_owned();
    };
    if offset + 2 >= link.len && offset < link.len {
        return "EtherType".to_owned();
    }
    let Some(at) = offset.checked_sub(link.len) else {
        return "VLAN tag".to_owned();
    };
    let packet = &frame[link.len..];
    let name = match link.ether_type {
        EtherType::ARP if Arp::parse(packet).is_ok() => named(ARP, at).unwrap_or(BEHIND),
        EtherType::IPV4 => return in_ipv4(packet, at),
        EtherType::IPV6 => return in_ipv6(packet, at),
        _another => "payload of Ethernet",
    };
    name.to_owned()
}

fn named(fields: &Fields, at: usize) -> Option<&'static str> {
    let mut fields = fields.iter();
    fields.find(|(end, _)| at < *end).map(|(_, name)| *name)
}

fn in_ipv4(packet: &[u8], at: usize) -> String {
    let field = named(IPV4, at);
    if let Some(field) = field {
        return field.to_owned();
    }
    let Ok(ip) = Ipv4::parse_cut(packet) else {
        return "a damaged IPv4 packet".to_owned();
    };
    let Some(in_payload) = at.checked_sub(ip.header_len()) else {
        return "IPv4 options".to_owned();
    };
    if at >= ip.total_len() {
        return BEHIND.to_owned();
    }
    let first = ip.fragment().offset_bytes == 0;
    in_transport(
        ip.protocol(),
        first,
        packet.get(ip.header_len()..),
        in_payload,
    )
}

fn in_ipv6(packet: &[u8], at: usize) -> String {
    let field = named(IPV6, at);
    if let Some(field) = field {
        return field.to_owned();
    }
    let Ok(ip) = Ipv6::parse_cut(packet) else {
        return "a damaged IPv6 packet".to_owned();
    };
    if at >= ip.total_len() {
        return BEHIND.to_owned();
    }
    let Ok(upper) = ip.upper_layer() else {
        return "IPv6 extension headers".to_owned();
    };
    let Some(in_payload) = at.checked_sub(upper.offset) else {
        return "IPv6 extension headers".to_owned();
    };
    let first = upper.fragment.offset_bytes == 0;
    in_transport(
        upper.protocol,
        first,
        packet.get(upper.offset..),
        in_payload,
    )
}

fn in_transport(protocol: u8, first: bool, segment: Option<&[u8]>, at: usize) -> String {
    let (fields, name): (&Fields, _) = match protocol {
        _ if !first => (&[], "payload of a later fragment"),
        ip_protocol::TCP => (TCP, "TCP payload"),
        ip_protocol::UDP => (UDP, "UDP payload"),
        ip_protocol::ICMP => (ICMP, "ICMP message"),
        ip_protocol::ICMPV6 => (ICMPV6, "ICMPv6 message"),
        another => return format!("payload of IP protocol {another}"),
    };
    let data_offset = segment.and_then(|segment| segment.get(12));
    let tcp_header = data_offset.map_or(0, |&byte| usize::from(byte >> 4) * 4);
    let name = match named(fields, at) {
        Some(field) => field,
        None if first && protocol == ip_protocol::TCP && at < tcp_header => "TCP options",
        None => name,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    fn fields(frame: &[u8]) -> Vec<(usize, String)> {
        let mut fields: Vec<(usize, String)> = Vec::new();
        for offset in 0..frame.len() {
            let field = field_at(frame, offset);
            if fields.last().is_none_or(|(_, last)| *last != field) {
                fields.push((offset, field));
            }
        }
        fields
    }

    /// Offsets as RFC 791, RFC 9293, RFC 768, RFC 8200 and RFC 826 have them, behind 14 bytes of
    /// Ethernet.
    #[test]
    fn every_byte_has_the_name_of_its_field() {
        let mut tcp = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .single_vlan(5.try_into().expect("a VLAN"))
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(1, 2, 3, 4)
            .options(&[etherparse::TcpOptionElement::MaximumSegmentSize(1_400)])
            .expect("room")
            .write(&mut tcp, b"hello")
            .expect("a vector");
        tcp.extend([0; 4]);
        for (offset, field) in [
            (0, "Ethernet destination"),
            (6, "Ethernet source"),
            (12, "VLAN tag"),
            (16, "EtherType"),
            (18 + 8, "IPv4 TTL"),
            (18 + 12, "IPv4 source address"),
            (38 + 4, "TCP sequence number"),
            (38 + 20, "TCP options"),
            (38 + 24, "TCP payload"),
            (38 + 29, BEHIND),
        ] {
            assert!(
                fields(&tcp).contains(&(offset, field.to_owned())),
                "{field}: {:?}",
                fields(&tcp)
            );
        }
        let mut udp = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .ipv6([1; 16], [2; 16], 64)
            .udp(1, 2)
            .write(&mut udp, b"hello")
            .expect("a vector");
        for (offset, field) in [
            (12, "EtherType"),
            (14 + 7, "IPv6 hop limit"),
            (14 + 24, "IPv6 destination address"),
            (54 + 6, "UDP checksum"),
            (54 + 8, "UDP payload"),
        ] {
            assert!(
                fields(&udp).contains(&(offset, field.to_owned())),
                "{field}: {:?}",
                fields(&udp)
            );
        }
        let mut arp = vec![0xff; 12];
        arp.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        arp.extend([0; 20]);
        arp.extend([0; 18]);
        for (offset, field) in [
            (14 + 6, "ARP operation"),
            (14 + 14, "ARP sender address"),
            (14 + 24, "ARP target address"),
            (14 + 28, BEHIND),
        ] {
            assert!(
                fields(&arp).contains(&(offset, field.to_owned())),
                "{field}: {:?}",
                fields(&arp)
            );
        }
    }

    #[test]
    fn damage_does_not_end_it() {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(1, 2, 3, 4)
            .write(&mut frame, b"hello")
            .expect("a vector");
        for len in 0..frame.len() {
            for at in 0..frame.len() {
                let mut damaged = frame.clone();
                damaged[at] ^= 0xff;
                for offset in 0..len {
                    assert!(!field_at(&damaged[..len], offset).is_empty());
                }
            }
        }
    }
}
