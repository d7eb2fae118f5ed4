//! Any bytes at all: a view refuses them or all its getters work, and where etherparse accepts them
//! too, both say the same.

use etherparse::{
    ArpPacketSlice, Ethernet2Slice, Icmpv4Slice, Icmpv6Slice, IpNumber, Ipv4HeaderSlice,
    Ipv6ExtensionSlice, Ipv6Slice, PacketBuilder, SingleVlanSlice, TcpSlice, UdpHeaderSlice,
};
use nvgre_wire::{
    Arp, ArpOperation, EtherType, Ethernet, Fragment, Gre, Icmpv4, Icmpv6, Ipv4, Ipv6, LinkHeader,
    MacAddress, NeighborDiscovery, Nvgre, Tcp, Udp, VlanId,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

fn fixed_seed() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(826),
        cases: 2_048,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The bytes of `whole`, with up to three bytes changed, some cut off or some added.
fn damaged(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..=3);
    let cut = proptest::option::weighted(0.3, any::<Index>());
    (whole, changes, cut, vec(any::<u8>(), 0..8)).prop_map(|(mut bytes, changes, cut, tail)| {
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        match cut {
            Some(at) => bytes.truncate(at.index(bytes.len())),
            None => bytes.extend(tail),
        }
        bytes
    })
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..128)
}

/// A TCP or UDP packet in IPv4 as etherparse builds it, from its network header on.
fn built_ipv4() -> impl Strategy<Value = Vec<u8>> {
    let addresses = (any::<[u8; 4]>(), any::<[u8; 4]>());
    let ports = (any::<u16>(), any::<u16>());
    (addresses, any::<u8>(), ports, any::<bool>(), soup()).prop_map(
        |((source, destination), ttl, (sp, dp), tcp, payload)| {
            let ip = PacketBuilder::ipv4(source, destination, ttl);
            let mut out = Vec::new();
            if tcp {
                let builder = ip.tcp(sp, dp, 1, 65_535).syn();
                builder.write(&mut out, &payload).expect("a packet");
            } else {
                ip.udp(sp, dp).write(&mut out, &payload).expect("a packet");
            }
            out
        },
    )
}

/// An IPv6 packet with a chain of extension headers: hop-by-hop first or not at all, then routing,
/// destination options, fragment and authentication headers in any order.
fn ipv6_with_extensions() -> impl Strategy<Value = Vec<u8>> {
    let hop_by_hop = proptest::option::of(Just(0u8));
    let chain = vec(
        (select(vec![43u8, 44, 60, 51]), 0u8..3, any::<[u8; 6]>()),
        0..5,
    );
    let upper = select(vec![6u8, 17, 47, 58, 59, 50]);
    (any::<[u8; 40]>(), hop_by_hop, chain, upper, soup()).prop_map(
        |(mut packet, first, mut chain, upper, payload)| {
            if let Some(kind) = first {
                chain.insert(0, (kind, 0, [1, 4, 0, 0, 0, 0]));
            }
            let mut kinds: Vec<u8> = chain.iter().map(|&(kind, ..)| kind).collect();
            kinds.push(upper);
            packet[0] = 0x60 | packet[0] & 0x0f;
            packet[6] = kinds[0];
            let mut out = packet.to_vec();
            for (&(kind, units, body), next) in chain.iter().zip(&kinds[1..]) {
                let len = match kind {
                    44 => 8,
                    51 => 4 * (usize::from(units + 1) + 2),
                    _ => 8 * (usize::from(units) + 1),
                };
                let start = out.len();
                out.push(*next);
                out.push(if kind == 51 { units + 1 } else { units });
                // Half of the fragment headers are atomic, so that chains go on behind them.
                if kind == 44 && body[0] & 1 == 0 {
                    out.extend([0; 6]);
                } else {
                    out.extend(body);
                }
                out.resize(start + len, 0);
            }
            out.extend(payload);
            let payload_len = (out.len() - 40) as u16;
            out[4..6].copy_from_slice(&payload_len.to_be_bytes());
            out
        },
    )
}

fn tagged_frame() -> impl Strategy<Value = Vec<u8>> {
    let tags = vec(
        (select(vec![0x8100u16, 0x88a8, 0x9100]), any::<u16>()),
        0..5,
    );
    (any::<[u8; 12]>(), tags, any::<u16>(), soup()).prop_map(|(macs, tags, last, payload)| {
        let mut out = macs.to_vec();
        for (kind, control) in tags {
            out.extend(kind.to_be_bytes());
            out.extend(control.to_be_bytes());
        }
        out.extend(last.to_be_bytes());
        out.extend(payload);
        out
    })
}

fn arp_packet() -> impl Strategy<Value = Vec<u8>> {
    (1u8..=2, any::<[u8; 20]>()).prop_map(|(operation, addresses)| {
        let mut out = vec![0, 1, 8, 0, 6, 4, 0, operation];
        out.extend(addresses);
        out
    })
}

fn ipv4_agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let ours = Ipv4::parse(bytes);
    let theirs = Ipv4HeaderSlice::from_slice(bytes)
        .ok()
        .filter(|ip| (ip.slice().len()..=bytes.len()).contains(&usize::from(ip.total_len())));
    prop_assert_eq!(ours.is_ok(), theirs.is_some());
    if let (Ok(ours), Some(theirs)) = (ours, theirs) {
        prop_assert_eq!(ours.header_len(), theirs.slice().len());
        prop_assert_eq!(ours.total_len(), usize::from(theirs.total_len()));
        prop_assert_eq!(ours.tos() >> 2, theirs.dcp().value());
        prop_assert_eq!(ours.tos() & 3, theirs.ecn().value());
        prop_assert_eq!(ours.identification(), theirs.identification());
        prop_assert_eq!(ours.dont_fragment(), theirs.dont_fragment());
        prop_assert_eq!(ours.fragment().more, theirs.more_fragments());
        let offset_bytes = u32::from(theirs.fragments_offset().value()) * 8;
        prop_assert_eq!(ours.fragment().offset_bytes, offset_bytes);
        prop_assert_eq!(ours.fragment().is_part(), theirs.is_fragmenting_payload());
        prop_assert_eq!(ours.ttl(), theirs.ttl());
        prop_assert_eq!(ours.protocol(), theirs.protocol().0);
        prop_assert_eq!(ours.header_checksum(), theirs.header_checksum());
        prop_assert_eq!(ours.source(), theirs.source());
        prop_assert_eq!(ours.destination(), theirs.destination());
        prop_assert_eq!(ours.payload(), &bytes[ours.header_len()..ours.total_len()]);
        // 0x0000 and 0xFFFF are one value; etherparse recomputes the first.
        let computed = theirs.to_header().calc_header_checksum();
        let stored = ours.header_checksum();
        prop_assert_eq!(
            ours.checksum_ok(),
            stored == computed || (computed, stored) == (0, 0xffff)
        );
    }
    Ok(())
}

fn ipv6_agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (Ok(ours), Ok(theirs)) = (Ipv6::parse(bytes), Ipv6Slice::from_slice(bytes)) else {
        return Ok(());
    };
    let header = theirs.header();
    prop_assert_eq!(ours.traffic_class(), header.traffic_class());
    prop_assert_eq!(ours.flow_label(), header.flow_label().value());
    prop_assert_eq!(ours.total_len(), 40 + usize::from(header.payload_length()));
    prop_assert_eq!(ours.next_header(), header.next_header().0);
    prop_assert_eq!(ours.hop_limit(), header.hop_limit());
    prop_assert_eq!(ours.source(), header.source());
    prop_assert_eq!(ours.destination(), header.destination());
    prop_assert_eq!(ours.payload(), &bytes[40..ours.total_len()]);
    if header.payload_length() == 0 {
        // A jumbogram to etherparse, an empty packet to us.
        return Ok(());
    }

    // The same walk over etherparse's list, up to where ours is documented to stop.
    let (mut protocol, mut offset) = (header.next_header(), 40);
    let (mut fragment, mut has_fragment_header) = (Fragment::WHOLE, false);
    let (mut segments_left, mut routing) = (false, false);
    for extension in theirs.extensions().clone() {
        let (next, len) = match &extension {
            Ipv6ExtensionSlice::Authentication(_) => break,
            Ipv6ExtensionSlice::Fragment(f) => {
                has_fragment_header = true;
                fragment.offset_bytes = u32::from(f.fragment_offset().value()) * 8;
                fragment.more |= f.more_fragments();
                (f.next_header(), f.slice().len())
            }
            Ipv6ExtensionSlice::Routing(r) => {
                routing = true;
                segments_left |= r.slice()[3] != 0;
                (r.next_header(), r.slice().len())
            }
            Ipv6ExtensionSlice::HopByHop(h) | Ipv6ExtensionSlice::DestinationOptions(h) => {
                (h.next_header(), h.slice().len())
            }
        };
        protocol = next;
        offset += len;
        if fragment.offset_bytes > 0 {
            break;
        }
    }
    let walked_by_us_alone = [IpNumber::MOBILITY_HEADER, IpNumber::HIP, IpNumber::SHIM6];
    if fragment.offset_bytes == 0 && walked_by_us_alone.contains(&protocol) {
        return Ok(());
    }
    let upper = ours.upper_layer();
    prop_assert!(upper.is_ok(), "{:?}", upper);
    if let Ok(upper) = upper {
        prop_assert_eq!((upper.protocol, upper.offset), (protocol.0, offset));
        prop_assert_eq!(upper.fragment, fragment);
        prop_assert_eq!(upper.has_fragment_header, has_fragment_header);
        prop_assert_eq!(upper.segments_left, segments_left);
        prop_assert!(upper.addresses_elsewhere || !routing);
    }
    Ok(())
}

fn transport_agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (ours, theirs) = (Tcp::parse(bytes), TcpSlice::from_slice(bytes));
    prop_assert_eq!(ours.is_ok(), theirs.is_ok());
    if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
        prop_assert_eq!(ours.source_port(), theirs.source_port());
        prop_assert_eq!(ours.destination_port(), theirs.destination_port());
        prop_assert_eq!(ours.checksum(), theirs.checksum());
        prop_assert_eq!(ours.header_len(), theirs.header_slice().len());
        prop_assert_eq!(ours.payload(), theirs.payload());
    }
    let (ours, theirs) = (Udp::parse(bytes), UdpHeaderSlice::from_slice(bytes));
    prop_assert_eq!(ours.is_ok(), theirs.is_ok());
    if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
        prop_assert_eq!(ours.source_port(), theirs.source_port());
        prop_assert_eq!(ours.destination_port(), theirs.destination_port());
        prop_assert_eq!(ours.checksum(), theirs.checksum());
        prop_assert_eq!(ours.payload(), &bytes[8..]);
    }
    Ok(())
}

fn icmp_agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let (Ok(ours), Ok(theirs)) = (Icmpv4::parse(bytes), Icmpv4Slice::from_slice(bytes)) {
        prop_assert_eq!(ours.kind(), theirs.type_u8());
        prop_assert_eq!(ours.code(), theirs.code_u8());
        prop_assert_eq!(ours.checksum(), theirs.checksum());
        prop_assert_eq!(ours.body(), &theirs.slice()[8..]);
    }
    if let (Ok(ours), Ok(theirs)) = (Icmpv6::parse(bytes), Icmpv6Slice::from_slice(bytes)) {
        prop_assert_eq!(ours.kind(), theirs.type_u8());
        prop_assert_eq!(ours.code(), theirs.code_u8());
        prop_assert_eq!(ours.checksum(), theirs.checksum());
        prop_assert_eq!(ours.body(), &theirs.slice()[8..]);
    }
    Ok(())
}

fn link_agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let theirs = Ethernet2Slice::from_slice_without_fcs(bytes);
    prop_assert_eq!(Ethernet::parse(bytes).is_ok(), theirs.is_ok());
    let Ok(theirs) = theirs else {
        prop_assert!(LinkHeader::parse(bytes).is_err());
        return Ok(());
    };
    let ours = Ethernet::parse(bytes).expect("the same verdict");
    prop_assert_eq!(ours.destination(), MacAddress::new(theirs.destination()));
    prop_assert_eq!(ours.source(), MacAddress::new(theirs.source()));
    prop_assert_eq!(ours.ether_type(), EtherType(theirs.ether_type().0));
    prop_assert_eq!(ours.payload(), theirs.payload_slice());

    let (mut ether_type, mut rest) = (theirs.ether_type().0, theirs.payload_slice());
    let (mut tags, mut outermost) = (0u8, None);
    while [0x8100, 0x88a8, 0x9100].contains(&ether_type) {
        let Ok(tag) = SingleVlanSlice::from_slice(rest) else {
            prop_assert!(LinkHeader::parse(bytes).is_err(), "cut within a tag");
            return Ok(());
        };
        outermost = outermost.or(Some(tag.vlan_identifier().value()));
        tags += 1;
        ether_type = tag.ether_type().0;
        rest = tag.payload_slice();
    }
    let header = LinkHeader::parse(bytes).expect("whole tags");
    prop_assert_eq!(header.destination, ours.destination());
    prop_assert_eq!(header.source, ours.source());
    prop_assert_eq!(header.tags, tags);
    let id = outermost.and_then(|id| VlanId::try_new(id).ok());
    prop_assert_eq!(header.vlan, id);
    prop_assert_eq!(header.ether_type, EtherType(ether_type));
    prop_assert_eq!(&bytes[header.len..], rest);
    Ok(())
}

fn arp_agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let theirs = ArpPacketSlice::from_slice(bytes)
        .ok()
        .filter(|arp| matches!(arp.operation().0, 1 | 2))
        .and_then(|arp| arp.to_packet().try_eth_ipv4().ok());
    let ours = Arp::parse(bytes);
    prop_assert_eq!(ours.is_ok(), theirs.is_some());
    if let (Ok(ours), Some(theirs)) = (ours, theirs) {
        let is_request = ours.operation() == ArpOperation::Request;
        prop_assert_eq!(is_request, theirs.operation.0 == 1);
        prop_assert_eq!(ours.sender_mac(), MacAddress::new(theirs.sender_mac));
        prop_assert_eq!(ours.sender_ip(), theirs.sender_ipv4);
        prop_assert_eq!(ours.target_mac(), MacAddress::new(theirs.target_mac));
        prop_assert_eq!(ours.target_ip(), theirs.target_ipv4);
    }
    Ok(())
}

/// Reads and writes everything that can be read and written through views of `bytes`.
fn use_every_view(mut bytes: Vec<u8>) {
    // What `parse` accepts, `parse_cut` accepts too.
    if let Ok(mut packet) = Ipv4::parse_cut(&mut bytes[..]) {
        let _ = (packet.checksum_ok(), packet.fragment(), packet.payload());
        packet.set_source([1, 2, 3, 4]);
        packet.set_tos(0xff);
        packet.decrement_ttl();
        packet.payload_mut().fill(0xa5);
    }
    if let Ok(mut packet) = Ipv6::parse_cut(&mut bytes[..]) {
        let _ = (packet.upper_layer(), packet.payload());
        packet.set_traffic_class(0xff);
        packet.decrement_hop_limit();
        packet.payload_mut().fill(0x3c);
    }
    if let Ok(gre) = Gre::parse(&bytes[..]) {
        let _ = (gre.key(), gre.sequence(), gre.payload().len());
    }
    let _ = Nvgre::receive(&bytes, true);
    if let Ok(message) = NeighborDiscovery::parse(&bytes[..]) {
        let _ = (message.kind(), message.target());
    }
    if let Ok(mut arp) = Arp::parse(&mut bytes[..]) {
        arp.answer(MacAddress::BROADCAST);
    }
}

proptest! {
    #![proptest_config(fixed_seed())]

    #[test]
    fn any_bytes_are_refused_or_read_without_panic(
        mut bytes in soup(), first in select(vec![0x45u8, 0x46, 0x4f, 0x60, 0x6f, 0x20, 0xb0, 135]),
    ) {
        if let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        ipv4_agrees(&bytes)?;
        ipv6_agrees(&bytes)?;
        transport_agrees(&bytes)?;
        icmp_agrees(&bytes)?;
        link_agrees(&bytes)?;
        arp_agrees(&bytes)?;
        use_every_view(bytes);
    }

    #[test]
    fn damaged_packets_are_refused_or_read_without_panic(
        bytes in prop_oneof![
            damaged(built_ipv4()), damaged(ipv6_with_extensions()),
            damaged(tagged_frame()), damaged(arp_packet()),
        ],
    ) {
        use_every_view(bytes);
    }

    #[test]
    fn ipv4(bytes in damaged(built_ipv4())) {
        ipv4_agrees(&bytes)?;
    }

    #[test]
    fn ipv4_in_one_piece_and_its_transport(bytes in built_ipv4()) {
        let packet = Ipv4::parse(&bytes[..]).expect("etherparse built it");
        prop_assert!(packet.checksum_ok());
        ipv4_agrees(&bytes)?;
        transport_agrees(packet.payload())?;
    }

    #[test]
    fn ipv6_with_any_chain_of_extension_headers(bytes in ipv6_with_extensions()) {
        prop_assert!(Ipv6::parse(&bytes[..]).is_ok());
        ipv6_agrees(&bytes)?;
    }

    #[test]
    fn ipv6_damaged(bytes in damaged(ipv6_with_extensions())) {
        ipv6_agrees(&bytes)?;
    }

    #[test]
    fn tcp_and_udp(mut bytes in soup(), offset in 0u8..16) {
        if let Some(byte) = bytes.get_mut(12) {
            *byte = offset << 4;
        }
        transport_agrees(&bytes)?;
    }

    #[test]
    fn icmp(mut bytes in vec(any::<u8>(), 0..64), kind: u8, code in 0u8..4) {
        for (byte, value) in bytes.iter_mut().zip([kind, code]) {
            *byte = value;
        }
        icmp_agrees(&bytes)?;
    }

    #[test]
    fn ethernet_and_stacks_of_tags(bytes in tagged_frame()) {
        link_agrees(&bytes)?;
    }

    #[test]
    fn ethernet_damaged(bytes in damaged(tagged_frame())) {
        link_agrees(&bytes)?;
    }

    #[test]
    fn arp(bytes in prop_oneof![arp_packet(), damaged(arp_packet())]) {
        arp_agrees(&bytes)?;
    }
}
