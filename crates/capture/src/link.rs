//! Where the network header of a captured frame begins.

use crate::link_type::LinkType;

/// What is left of a frame when its link-layer header is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPayload<'a> {
    /// An Ethernet frame as it was on the wire: destination MAC first.
    Ethernet(&'a [u8]),
    /// A packet that was captured above Ethernet.
    Network {
        /// EtherType. Linux cooked captures also use values below 0x0600 here, for frames without
        /// one (0x0004 is 802.2 LLC): no network protocol has those.
        ethertype: u16,
        /// The packet, network header first.
        payload: &'a [u8],
        /// Link-layer address of the sender, 0..=8 bytes, where the capture kept one.
        source: Option<&'a [u8]>,
    },
}

/// Why the network header of a frame cannot be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A link type that is read as a capture but not looked into.
    #[error(
        "link type {link} ({}) is not supported; ethernet, linux-sll, linux-sll2 and raw-ip are",
        .link.0
    )]
    Unsupported {
        /// Link type of the interface.
        link: LinkType,
    },
    /// The frame ends within its link-layer header.
    #[error("{link} header needs {need} bytes, the frame has {have}")]
    Short {
        /// Link type of the interface.
        link: LinkType,
        /// Bytes needed.
        need: usize,
        /// Bytes present.
        have: usize,
    },
    /// A raw IP packet whose version is neither 4 nor 6.
    #[error("{link} packet with IP version {version}")]
    IpVersion {
        /// Link type of the interface.
        link: LinkType,
        /// The version nibble.
        version: u8,
    },
    /// A cooked frame of a device whose protocol field is no EtherType.
    #[error("{link} frame of ARPHRD type {arphrd}, which has no EtherType")]
    NoEthertype {
        /// Link type of the interface.
        link: LinkType,
        /// Device type, as in Linux `if_arp.h`.
        arphrd: u16,
    },
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

// Linux `if_arp.h`: devices for which the LINKTYPE_LINUX_SLL page of the registry gives the
// protocol field another meaning.
const ARPHRD_FRAD: u16 = 770;
const ARPHRD_IEEE80211_RADIOTAP: u16 = 803;
const ARPHRD_NETLINK: u16 = 824;

/// Finds the network header of a captured frame: of Ethernet, Linux cooked captures (SLL, SLL2) and
/// raw IP. Layouts are those of the tcpdump group's pages LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2,
/// LINKTYPE_RAW. An Ethernet frame is given back as it is, whatever its length.
///
/// # Errors
/// The link type is another one, or the frame is not what the link type promises.
pub fn network_layer(link: LinkType, data: &[u8]) -> Result<LinkPayload<'_>, LinkError> {
    match link {
        LinkType::ETHERNET => Ok(LinkPayload::Ethernet(data)),
        LinkType::LINUX_SLL => {
            let (header, payload) = split::<16>(link, data)?;
            let [_, _, arphrd @ .., _, _, _, _, _, _, _, _, _, _, _, _] = *header;
            let address_len = u16::from_be_bytes([header[4], header[5]]);
            let ethertype = u16::from_be_bytes([header[14], header[15]]);
            cooked(
                link,
                u16::from_be_bytes(arphrd),
                ethertype,
                &header[6..14],
                address_len.into(),
                payload,
            )
        }
        LinkType::LINUX_SLL2 => {
            let (header, payload) = split::<20>(link, data)?;
            let ethertype = u16::from_be_bytes([header[0], header[1]]);
            let arphrd = u16::from_be_bytes([header[8], header[9]]);
            cooked(
                link,
                arphrd,
                ethertype,
                &header[12..20],
                header[11].into(),
                payload,
            )
        }
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => {
            let (&[first], _) = split::<1>(link, data)?;
            let ethertype = match (first >> 4, link) {
                (4, link) if link != LinkType::IPV6 => ETHERTYPE_IPV4,
                (6, link) if link != LinkType::IPV4 => ETHERTYPE_IPV6,
                (version, link) => return Err(LinkError::IpVersion { link, version }),
            };
            Ok(LinkPayload::Network {
                ethertype,
                payload: data,
                source: None,
            })
        }
        link => Err(LinkError::Unsupported { link }),
    }
}

fn split<const N: usize>(link: LinkType, data: &[u8]) -> Result<(&[u8; N], &[u8]), LinkError> {
    data.split_first_chunk().ok_or(LinkError::Short {
        link,
        need: N,
        have: data.len(),
    })
}

/// `address` is the 8-byte field, of which `address_len` bytes are used; longer addresses are cut.
fn cooked<'a>(
    link: LinkType,
    arphrd: u16,
    ethertype: u16,
    address: &'a [u8],
    address_len: usize,
    payload: &'a [u8],
) -> Result<LinkPayload<'a>, LinkError> {
    if matches!(
        arphrd,
        ARPHRD_FRAD | ARPHRD_IEEE80211_RADIOTAP | ARPHRD_NETLINK
    ) {
        return Err(LinkError::NoEthertype { link, arphrd });
    }
    let source = (address_len > 0).then(|| &address[..address_len.min(address.len())]);
    Ok(LinkPayload::Network {
        ethertype,
        payload,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::{LinkError, LinkPayload, network_layer};
    use crate::LinkType;

    // Written by hand from the field tables of the registry; captures are read in tests/truth.rs.
    const SLL: [u8; 18] = [
        0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 0xa, 0, 0, 0x08, 0x00, 0x45, 0x00,
    ];
    const SLL2: [u8; 22] = [
        0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 0xb, 0, 0, 0x60, 0x00,
    ];

    #[test]
    fn ethernet_is_given_back_whole() {
        assert_eq!(
            network_layer(LinkType::ETHERNET, &[1, 2, 3]),
            Ok(LinkPayload::Ethernet(&[1, 2, 3]))
        );
    }

    #[test]
    fn cooked_v1_gives_ethertype_payload_and_sender() {
        assert_eq!(
            network_layer(LinkType::LINUX_SLL, &SLL),
            Ok(LinkPayload::Network {
                ethertype: 0x0800,
                payload: &[0x45, 0],
                source: Some(&[2, 0, 0, 0, 0, 0xa]),
            })
        );
    }

    #[test]
    fn cooked_v2_gives_ethertype_payload_and_sender() {
        assert_eq!(
            network_layer(LinkType::LINUX_SLL2, &SLL2),
            Ok(LinkPayload::Network {
                ethertype: 0x86dd,
                payload: &[0x60, 0],
                source: Some(&[2, 0, 0, 0, 0, 0xb]),
            })
        );
    }

    #[test]
    fn cooked_sender_longer_than_its_field_is_cut_and_empty_one_is_none() {
        let mut frame = SLL;
        frame[5] = 20;
        let Ok(LinkPayload::Network { source, .. }) = network_layer(LinkType::LINUX_SLL, &frame)
        else {
            panic!("not a network packet");
        };
        assert_eq!(source, Some(&frame[6..14]));
        frame[5] = 0;
        let Ok(LinkPayload::Network { source, .. }) = network_layer(LinkType::LINUX_SLL, &frame)
        else {
            panic!("not a network packet");
        };
        assert_eq!(source, None);
    }

    #[test]
    fn cooked_netlink_has_no_ethertype() {
        let mut frame = SLL;
        frame[2..4].copy_from_slice(&824u16.to_be_bytes());
        assert_eq!(
            network_layer(LinkType::LINUX_SLL, &frame),
            Err(LinkError::NoEthertype {
                link: LinkType::LINUX_SLL,
                arphrd: 824
            })
        );
    }

    #[test]
    fn cut_cooked_headers_say_what_is_missing() {
        assert_eq!(
            network_layer(LinkType::LINUX_SLL, &SLL[..15]),
            Err(LinkError::Short {
                link: LinkType::LINUX_SLL,
                need: 16,
                have: 15
            })
        );
        assert_eq!(
            network_layer(LinkType::LINUX_SLL2, &SLL2[..19]),
            Err(LinkError::Short {
                link: LinkType::LINUX_SLL2,
                need: 20,
                have: 19
            })
        );
        assert_eq!(
            network_layer(LinkType::RAW, &[]),
            Err(LinkError::Short {
                link: LinkType::RAW,
                need: 1,
                have: 0
            })
        );
    }

    #[test]
    fn raw_ip_goes_by_the_version_nibble() {
        for link in [LinkType::RAW, LinkType::RAW_BSD, LinkType::RAW_OPENBSD] {
            for (first, ethertype) in [(0x45, 0x0800), (0x60, 0x86dd)] {
                assert_eq!(
                    network_layer(link, &[first]),
                    Ok(LinkPayload::Network {
                        ethertype,
                        payload: &[first],
                        source: None
                    })
                );
            }
        }
        for (link, first, version) in [
            (LinkType::RAW, 0x75, 7),
            (LinkType::IPV4, 0x60, 6),
            (LinkType::IPV6, 0x45, 4),
        ] {
            assert_eq!(
                network_layer(link, &[first]),
                Err(LinkError::IpVersion { link, version })
            );
        }
    }

    #[test]
    fn other_link_types_are_refused_by_name() {
        let refusal = network_layer(LinkType::PPP, &[0; 64])
            .unwrap_err()
            .to_string();
        assert!(
            refusal.starts_with("link type ppp (9) is not supported"),
            "{refusal}"
        );
        let refusal = network_layer(LinkType(182), &[0; 64])
            .unwrap_err()
            .to_string();
        assert!(
            refusal.starts_with("link type linktype-182 (182) is not"),
            "{refusal}"
        );
    }

    #[test]
    fn supported_link_types_are_those_the_function_takes() {
        for number in 0..=u16::MAX {
            let link = LinkType(number);
            let refused = matches!(network_layer(link, &[]), Err(LinkError::Unsupported { .. }));
            assert_eq!(link.is_supported(), !refused, "{link}");
        }
    }
}
