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

#[cfg(test)]
mod tests {
    use nvgre_capture::{LinkType, Reader};
    use nvgre_wire::NvgreKey;

    use super::{OutermostGre, outermost_gre};

    /// A frame of a committed capture, by number from 1.
    fn captured(file: &str, number: u64) -> (LinkType, Vec<u8>) {
        let path = format!("{}/../../pcaps/{file}", env!("CARGO_MANIFEST_DIR"));
        let mut reader = Reader::open(path).expect("a capture");
        loop {
            let packet = reader.next().expect("readable").expect("that many frames");
            if packet.number == number {
                return (packet.link_type, packet.data.to_vec());
            }
        }
    }

    /// Scapy's first one: outer IPv4 without options, key 0x05a1b233.
    fn nvgre_over_ipv4() -> Vec<u8> {
        captured("scapy/scapy-shared-valid.pcap", 1).1
    }

    const KEY: Option<OutermostGre> = Some(OutermostGre::Nvgre(NvgreKey(0x05a1_b233)));
    const OTHER: Option<OutermostGre> = Some(OutermostGre::Other);

    fn of_ethernet(frame: &[u8]) -> Option<OutermostGre> {
        outermost_gre(LinkType::ETHERNET, frame)
    }

    #[test]
    fn any_stack_of_tags_is_looked_behind() {
        let mut frame = nvgre_over_ipv4();
        for tag in [0x8100_u16, 0x88a8, 0x9100].iter().cycle().take(30) {
            let [high, low] = tag.to_be_bytes();
            frame.splice(12..12, [high, low, 0, 7]);
            assert_eq!(of_ethernet(&frame), KEY);
        }
        for cut in 0..14 + 30 * 4 + 20 + 4 {
            assert_eq!(of_ethernet(&frame[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn tags_behind_a_cooked_header_are_looked_behind() {
        let (link, mut frame) = captured("scapy/scapy-shared-sll.pcap", 1);
        let key = outermost_gre(link, &frame);
        assert!(matches!(key, Some(OutermostGre::Nvgre(_))));
        frame.splice(14..14, [0x81, 0, 0, 7]);
        assert_eq!(outermost_gre(link, &frame), key);
    }

    #[test]
    fn a_frame_cut_anywhere_counts_as_far_as_its_gre_header_is_there() {
        let frame = nvgre_over_ipv4();
        let gre = 14 + 20;
        for cut in 0..frame.len() {
            let expected = match cut {
                cut if cut < gre + 4 => None,
                cut if cut < gre + 8 => OTHER,
                _ => KEY,
            };
            assert_eq!(of_ethernet(&frame[..cut]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_key_whose_sequence_number_is_cut_away_is_whole() {
        let (_, frame) = captured("scapy/scapy-shared-wrong.pcap", 7);
        let gre = 14 + 20;
        assert_eq!(frame[gre..gre + 2], [0x30, 0], "K and S");
        assert_eq!(of_ethernet(&frame[..gre + 8]), KEY);
        assert_eq!(of_ethernet(&frame[..gre + 7]), OTHER);
    }

    #[test]
    fn an_ip_length_ends_the_packet_before_the_frame_does() {
        let mut frame = nvgre_over_ipv4();
        for (total_len, expected) in [(20 + 8, KEY), (20 + 7, OTHER), (20 + 3, None), (19, None)] {
            frame[16..18].copy_from_slice(&u16::to_be_bytes(total_len));
            assert_eq!(of_ethernet(&frame), expected, "total length {total_len}");
        }
    }

    #[test]
    fn an_ip_length_of_zero_is_the_nics_to_fill_in() {
        let mut frame = nvgre_over_ipv4();
        frame[16..18].fill(0);
        assert_eq!(of_ethernet(&frame), KEY);
    }

    #[test]
    fn later_fragments_have_no_gre_header_and_first_ones_do() {
        let mut frame = nvgre_over_ipv4();
        for (word, expected) in [(0x2000, KEY), (0x2001, None), (0x0001, None)] {
            frame[20..22].copy_from_slice(&u16::to_be_bytes(word));
            assert_eq!(of_ethernet(&frame), expected, "{word:#06x}");
        }
    }

    #[test]
    fn a_packet_of_another_version_than_its_ethertype_is_not_ip() {
        let mut frame = nvgre_over_ipv4();
        frame[14] = 0x65;
        assert_eq!(of_ethernet(&frame), None);
    }

    #[test]
    fn link_types_that_are_only_counted_are_not_looked_into() {
        assert_eq!(outermost_gre(LinkType::NULL, &nvgre_over_ipv4()), None);
    }
}
