//! MAC addresses in the forms that Windows prints.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// A 48-bit MAC address.
///
/// Read from `00155D002009` (NetWNV), `00-15-5D-00-20-09` and `00:15:5d:00:20:09`; printed as
/// NetWNV prints it, twelve upper-case hex digits.
///
/// Kept as one big-endian integer: tables compare it whole, and it sorts as its octets do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(u64);

impl MacAddress {
    /// All ones.
    pub const BROADCAST: Self = Self(0xffff_ffff_ffff);

    /// From the six octets in wire order.
    #[inline]
    pub const fn new(octets: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = octets;
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// From the lower 48 bits of an integer, the first octet highest.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & 0xffff_ffff_ffff)
    }

    /// The octets as one integer of 48 bits, the first octet highest.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The octets in wire order.
    #[inline]
    pub const fn octets(self) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// The first six bytes of `bytes`. Panics when there are fewer: callers have checked a header.
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self::new([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]])
    }

    /// Whether the group bit (I/G, IEEE 802) is set: broadcast and multicast.
    #[inline]
    pub const fn is_group(self) -> bool {
        self.0 >> 40 & 1 == 1
    }

    /// The group MAC that an IP multicast address maps to (RFC 1112 s6.4, RFC 2464 s7), or `None`
    /// for any other address.
    pub fn of_multicast(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(v4) if v4.is_multicast() => {
                let [_, b, c, d] = v4.octets();
                Some(Self::new([0x01, 0x00, 0x5e, b & 0x7f, c, d]))
            }
            IpAddr::V6(v6) if v6.is_multicast() => {
                let o = v6.octets();
                Some(Self::new([0x33, 0x33, o[12], o[13], o[14], o[15]]))
            }
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        }
    }
}

/// Text that is no MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacError;

impl fmt::Display for MacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a MAC address: twelve hex digits, with '-' or ':' between pairs or nothing",
        )
    }
}

impl core::error::Error for MacError {}

impl FromStr for MacAddress {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let bytes = text.as_bytes();
        let step = match bytes.len() {
            12 => 2,
            17 => 3,
            _other_length => return Err(MacError),
        };
        let separator = bytes[2];
        let mut octets = [0u8; 6];
        for (i, octet) in octets.iter_mut().enumerate() {
            let at = i * step;
            if step == 3
                && i > 0
                && (bytes[at - 1] != separator || !matches!(separator, b'-' | b':'))
            {
                return Err(MacError);
            }
            let digit = |b: u8| (b as char).to_digit(16).ok_or(MacError);
            *octet = (digit(bytes[at])? << 4 | digit(bytes[at + 1])?) as u8;
        }
        Ok(Self::new(octets))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012X}", self.0)
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    const RED: MacAddress = MacAddress::new([0x00, 0x15, 0x5d, 0x00, 0x20, 0xa9]);

    #[test]
    fn every_spelling_of_windows_is_read() {
        for text in [
            "00155D0020A9",
            "00155d0020a9",
            "00-15-5D-00-20-A9",
            "00-15-5d-00-20-a9",
            "00:15:5D:00:20:A9",
            "00:15:5d:00:20:a9",
        ] {
            assert_eq!(text.parse(), Ok(RED), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "00155D0020A",
            "00155D0020A99",
            "00155D0020AG",
            "0015.5d00.20a9",
            "00-15:5D-00-20-A9",
            "00:15:5D-00:20:A9",
            "00 15 5D 00 20 A9",
            "00-15-5D-00-20-A",
            "00-15-5D-00-20-A9-",
            "001-5-5D-00-20-A9",
            "0x155D0020A9",
            "+0155D0020A9",
            "00155D0020é",
            "00–15–5D–00–2",
        ] {
            assert_eq!(text.parse::<MacAddress>(), Err(MacError), "{text}");
        }
    }

    #[test]
    fn it_is_printed_as_netwnv_prints_it() {
        assert_eq!(format!("{RED} {RED:?}"), "00155D0020A9 00155D0020A9");
    }

    #[test]
    fn the_group_bit_is_the_lowest_bit_of_the_first_octet() {
        assert!(MacAddress::BROADCAST.is_group());
        assert!(MacAddress::new([0x01, 0x00, 0x5e, 0, 0, 1]).is_group());
        assert!(MacAddress::new([0x33, 0x33, 0, 0, 0, 1]).is_group());
        assert!(!RED.is_group());
        assert!(!MacAddress::new([0x02, 0xff, 0xff, 0xff, 0xff, 0xff]).is_group());
    }

    /// RFC 1112 s6.4 keeps 23 bits of the group, RFC 2464 s7 keeps 32.
    #[test]
    fn multicast_addresses_map_to_group_macs_and_others_to_none() {
        let map = |ip: &str| MacAddress::of_multicast(ip.parse().expect("an address"));
        let mac = |text: &str| Some(text.parse().expect("a MAC"));
        assert_eq!(map("224.0.0.251"), mac("01:00:5e:00:00:fb"));
        assert_eq!(map("239.255.1.2"), mac("01:00:5e:7f:01:02"));
        assert_eq!(map("ff02::1:ff01:20a"), mac("33:33:ff:01:02:0a"));
        assert_eq!(map("10.0.0.5"), None);
        assert_eq!(map("255.255.255.255"), None);
        assert_eq!(map("fe80::1"), None);
    }
}
