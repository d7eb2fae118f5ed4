//! A frame on the underlay, read for what the underlay goes by: MACs and the addresses behind them.
//!
//! Nearly all are IPv4 in Ethernet without tags: those are read without looking for anything else.

use nvgre_dataplane::{DropReason, Outer};
use nvgre_wire::{EtherType, Ipv4, LinkHeader, MacAddress, ProviderAddress};

/// Bytes of an Ethernet header without tags.
pub(crate) const ETHERNET_LEN: usize = 14;

/// MACs, and source and destination address as [`Outer::parse`] reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glance {
    pub(crate) destination: MacAddress,
    pub(crate) source: MacAddress,
    pub(crate) addresses: Result<(ProviderAddress, ProviderAddress), DropReason>,
}

impl Glance {
    /// `None` where the frame ends within its link header.
    pub(crate) fn at(frame: &[u8]) -> Option<Self> {
        let (&[a, b, c, d, e, f, g, h, i, j, k, l, m, n], packet) =
            frame.split_first_chunk::<ETHERNET_LEN>()?;
        let (destination, source) = ([a, b, c, d, e, f], [g, h, i, j, k, l]);
        let addresses = match EtherType(u16::from_be_bytes([m, n])) {
            EtherType::IPV4 => match Ipv4::parse(packet) {
                Ok(ip) if ip.checksum_ok() => Ok((
                    ProviderAddress::v4(ip.source()),
                    ProviderAddress::v4(ip.destination()),
                )),
                Ok(_) | Err(_) => of_outer(frame),
            },
            tag if tag.is_tag() && LinkHeader::parse(frame).is_err() => return None,
            _another => of_outer(frame),
        };
        Some(Self {
            destination: MacAddress::new(destination),
            source: MacAddress::new(source),
            addresses,
        })
    }
}

/// A MAC as tables that are asked for each frame have it: a number is hashed in one step.
pub(crate) fn mac_key(mac: MacAddress) -> u64 {
    let [a, b, c, d, e, f] = mac.octets();
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// The same of a frame's destination and source; `None` below an Ethernet header.
#[inline]
pub(crate) fn mac_keys(frame: &[u8]) -> Option<(u64, u64)> {
    // Two reads of eight bytes each, of which six count.
    let destination = u64::from_be_bytes(*frame.first_chunk()?) >> 16;
    let source = u64::from_be_bytes(*frame.get(6..)?.first_chunk()?) >> 16;
    Some((destination, source))
}

fn of_outer(frame: &[u8]) -> Result<(ProviderAddress, ProviderAddress), DropReason> {
    Outer::parse(frame).map(|outer| (outer.source, outer.destination))
}

/// Bytes of the packet behind the link header; `None` where the frame ends within that.
#[inline]
pub(crate) fn packet_len(frame: &[u8]) -> Option<usize> {
    let ether_type = frame.get(12..ETHERNET_LEN)?;
    if EtherType(u16::from_be_bytes([ether_type[0], ether_type[1]])).is_tag() {
        let link = LinkHeader::parse(frame).ok()?;
        return Some(frame.len() - link.len);
    }
    Some(frame.len() - ETHERNET_LEN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Frames that begin like IPv4 or IPv6, tagged or not, sound or with a byte changed, cut anywhere.
    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let tags = prop::sample::select(vec![
            &[][..],
            &[0x81, 0, 0, 5],
            &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6],
        ]);
        let builder = prop::bool::ANY.prop_map(|v4| {
            let mut packet = Vec::new();
            let link = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]);
            let step = if v4 {
                link.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            } else {
                link.ipv6([7; 16], [8; 16], 64)
            };
            step.udp(1, 2)
                .write(&mut packet, &[0; 9])
                .expect("a vector");
            packet
        });
        let change = prop::option::of((0..60_usize, any::<u8>()));
        (builder, tags, change, 0..80_usize).prop_map(|(mut frame, tags, change, len)| {
            frame.splice(12..12, tags.iter().copied());
            if let Some((at, byte)) = change
                && let Some(changed) = frame.get_mut(at)
            {
                *changed = byte;
            }
            frame.truncate(len);
            frame
        })
    }

    proptest! {
        #[test]
        fn a_glance_shows_what_a_long_look_shows(frame in frames()) {
            let link = LinkHeader::parse(&frame).ok();
            let long = link.map(|link| Glance {
                destination: link.destination,
                source: link.source,
                addresses: of_outer(&frame),
            });
            prop_assert_eq!(Glance::at(&frame), long);
            prop_assert_eq!(packet_len(&frame), link.map(|link| frame.len() - link.len));
        }
    }
}
