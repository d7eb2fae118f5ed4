//! Link types: what the first byte of a captured frame means.

use std::borrow::Cow;
use std::fmt;

/// A link-layer header type, as numbered by the tcpdump group's registry
/// (<https://www.tcpdump.org/linktypes.html>). Sixteen bits, as both formats store it: the upper
/// half of the word in a pcap file header speaks of frame check sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// IEEE 802.3 Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// SLIP.
    pub const SLIP: Self = Self(8);
    /// PPP.
    pub const PPP: Self = Self(9);
    /// Raw IP where a BSD wrote its own number instead of the registry's.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP where OpenBSD wrote its own number instead of the registry's.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing (RFC 1662).
    pub const PPP_HDLC: Self = Self(50);
    /// RFC 1483 LLC or SNAP over ATM.
    pub const ATM_RFC1483: Self = Self(100);
    /// Raw IP: the version nibble tells IPv4 from IPv6.
    pub const RAW: Self = Self(101);
    /// Cisco PPP with HDLC framing.
    pub const CISCO_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE80211: Self = Self(105);
    /// Linux classical IP over ATM.
    pub const LINUX_ATM_CLIP: Self = Self(106);
    /// Frame relay.
    pub const FRAME_RELAY: Self = Self(107);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// SunATM pseudo header.
    pub const ATM_PDUS: Self = Self(123);
    /// Radiotap, then IEEE 802.11.
    pub const RADIOTAP: Self = Self(127);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// A short lower-case name, or `linktype-<number>` for one that has none here.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NULL => "null",
            Self::ETHERNET => "ethernet",
            Self::SLIP => "slip",
            Self::PPP | Self::PPP_HDLC => "ppp",
            Self::RAW_BSD | Self::RAW_OPENBSD | Self::RAW => "raw-ip",
            Self::ATM_RFC1483 => "atm-rfc1483",
            Self::CISCO_HDLC => "cisco-hdlc",
            Self::IEEE80211 => "ieee80211",
            Self::LINUX_ATM_CLIP => "linux-atm-clip",
            Self::FRAME_RELAY => "frame-relay",
            Self::LINUX_SLL => "linux-sll",
            Self::ATM_PDUS => "atm-pdus",
            Self::RADIOTAP => "radiotap",
            Self::IPV4 => "raw-ip4",
            Self::IPV6 => "raw-ip6",
            Self::LINUX_SLL2 => "linux-sll2",
            Self(number) => return Cow::Owned(format!("linktype-{number}")),
        })
    }

    /// Whether [`network_layer`](crate::network_layer) takes frames of this link type.
    pub const fn is_supported(self) -> bool {
        matches!(
            self,
            Self::ETHERNET
                | Self::LINUX_SLL
                | Self::LINUX_SLL2
                | Self::RAW
                | Self::RAW_BSD
                | Self::RAW_OPENBSD
                | Self::IPV4
                | Self::IPV6
        )
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
