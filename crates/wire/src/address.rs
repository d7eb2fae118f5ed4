//! Customer and provider addresses: the same bits, two worlds, two types.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use ipnet::IpNet;

/// Text that is no address or prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Not an IPv4 or IPv6 address.
    Address,
    /// Not `address/length`.
    Prefix,
    /// The prefix length does not fit the family.
    PrefixLength,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "not an IPv4 or IPv6 address",
            Self::Prefix => "not a prefix: address/length, as in 10.0.0.0/24",
            Self::PrefixLength => "prefix length too long for its address",
        })
    }
}

impl core::error::Error for AddressError {}

macro_rules! address {
    ($(#[$doc:meta])* $name:ident, $(#[$prefix_doc:meta])* $prefix:ident) => {
        $(#[$doc])*
        ///
        /// Kept as integers, which tables and checks compare whole. IPv4 sorts before IPv6.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            v6: bool,
            /// 0 for IPv4.
            high: u64,
            low: u64,
        }

        impl $name {
            /// Takes an address into this world. There is no `From`: the step is to be seen.
            pub const fn new(ip: IpAddr) -> Self {
                match ip {
                    IpAddr::V4(v4) => Self::v4(v4.octets()),
                    IpAddr::V6(v6) => Self::v6(v6.octets()),
                }
            }

            /// From the bytes of an IPv4 header.
            #[inline]
            pub const fn v4(octets: [u8; 4]) -> Self {
                Self { v6: false, high: 0, low: u32::from_be_bytes(octets) as u64 }
            }

            /// From the bytes of an IPv6 header.
            #[inline]
            pub const fn v6(octets: [u8; 16]) -> Self {
                let bits = u128::from_be_bytes(octets);
                Self { v6: true, high: (bits >> 64) as u64, low: bits as u64 }
            }

            /// The plain address.
            pub const fn ip(self) -> IpAddr {
                if self.v6 {
                    IpAddr::V6(Ipv6Addr::from_bits(self.bits()))
                } else {
                    IpAddr::V4(Ipv4Addr::from_bits(self.low as u32))
                }
            }

            /// The address as one integer, of 32 bits for IPv4. [`Self::is_ipv4`] tells the two
            /// apart.
            #[inline]
            pub const fn bits(self) -> u128 {
                (self.high as u128) << 64 | self.low as u128
            }

            /// 0.0.0.0 or ::.
            #[inline]
            pub const fn is_unspecified(self) -> bool {
                self.high | self.low == 0
            }

            /// Whether it is an IPv4 address.
            #[inline]
            pub const fn is_ipv4(self) -> bool {
                !self.v6
            }

            /// Whether it is a multicast or the limited broadcast address.
            #[inline]
            pub const fn is_group(self) -> bool {
                if self.v6 {
                    self.high >> 56 == 0xff
                } else {
                    self.low >> 28 == 0xe || self.low == 0xffff_ffff
                }
            }

            /// 169.254.0.0/16 or fe80::/10.
            #[inline]
            pub const fn is_link_local(self) -> bool {
                if self.v6 {
                    self.high >> 54 == 0xfe80 >> 6
                } else {
                    self.low >> 16 == 0xa9fe
                }
            }
        }

        impl FromStr for $name {
            type Err = AddressError;
            fn from_str(text: &str) -> Result<Self, AddressError> {
                text.parse().map(Self::new).map_err(|_| AddressError::Address)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.ip(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.ip(), f)
            }
        }

        $(#[$prefix_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $prefix(IpNet);

        impl $prefix {
            /// The prefix of `length` bits that holds `address`; host bits are cleared.
            pub fn new(address: $name, length: u8) -> Result<Self, AddressError> {
                IpNet::new(address.ip(), length)
                    .map(|net| Self(net.trunc()))
                    .map_err(|_| AddressError::PrefixLength)
            }

            /// Whether the address is inside.
            pub fn contains(&self, address: $name) -> bool {
                self.0.contains(&address.ip())
            }

            /// Whether two prefixes share an address.
            pub fn overlaps(&self, other: &Self) -> bool {
                self.0.contains(&other.0) || other.0.contains(&self.0)
            }

            /// The lowest address.
            pub fn network(&self) -> $name {
                $name::new(self.0.network())
            }

            /// The length in bits.
            pub fn length(&self) -> u8 {
                self.0.prefix_len()
            }
        }

        impl FromStr for $prefix {
            type Err = AddressError;
            fn from_str(text: &str) -> Result<Self, AddressError> {
                let (address, length) = text.split_once('/').ok_or(AddressError::Prefix)?;
                // `u8::from_str` alone would also take "+24".
                if !length.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(AddressError::Prefix);
                }
                let length = length.parse().map_err(|_| AddressError::Prefix)?;
                Self::new(address.parse()?, length)
            }
        }

        impl fmt::Display for $prefix {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $prefix {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

address!(
    /// An address as a guest uses it (CA). Two tenants may use the same one.
    CustomerAddress,
    /// A prefix of customer addresses.
    CustomerPrefix
);
address!(
    /// An address of a host on the underlay (PA).
    ProviderAddress,
    /// A prefix of provider addresses.
    ProviderPrefix
);

impl CustomerPrefix {
    /// The address that the built-in router answers for: the lowest host address of the prefix
    /// (Microsoft's sample, "reserved for the built-in router"). `None` where the prefix leaves no
    /// room for a router and a guest: IPv4 longer than /30, IPv6 longer than /126.
    pub fn gateway(&self) -> Option<CustomerAddress> {
        match self.0 {
            IpNet::V4(net) if net.prefix_len() <= 30 => {
                let first = u32::from(net.network()).wrapping_add(1);
                Some(CustomerAddress::v4(first.to_be_bytes()))
            }
            IpNet::V6(net) if net.prefix_len() <= 126 => {
                let first = u128::from(net.network()).wrapping_add(1);
                Some(CustomerAddress::v6(first.to_be_bytes()))
            }
            IpNet::V4(_) | IpNet::V6(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn prefix(text: &str) -> CustomerPrefix {
        text.parse().expect("a prefix")
    }

    fn address(text: &str) -> CustomerAddress {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_of_both_families_are_read_and_printed() {
        for text in [
            "10.0.0.5",
            "0.0.0.0",
            "fd00::5",
            "::",
            "fe80::215:5dff:fe00:1",
        ] {
            assert_eq!(address(text).to_string(), text);
            let provider: ProviderAddress = text.parse().expect("an address");
            assert_eq!(provider.to_string(), text);
            assert_eq!(provider.ip(), address(text).ip());
        }
        assert_eq!(CustomerAddress::v4([10, 0, 0, 5]), address("10.0.0.5"));
        assert_eq!(
            CustomerAddress::v6([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
            address("FD00:0::5")
        );
    }

    #[test]
    fn text_that_is_no_address_is_refused() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.05",
            "10.0.0.5/24",
            "fd00::g",
            "host",
        ] {
            assert_eq!(
                text.parse::<CustomerAddress>(),
                Err(AddressError::Address),
                "{text}"
            );
        }
    }

    #[test]
    fn a_prefix_drops_its_host_bits() {
        assert_eq!(prefix("10.0.1.77/24").to_string(), "10.0.1.0/24");
        assert_eq!(prefix("fd00:1::77/64").to_string(), "fd00:1::/64");
        assert_eq!(prefix("10.0.1.77/32").network(), address("10.0.1.77"));
        assert_eq!(prefix("0.0.0.0/0").length(), 0);
        assert_eq!(prefix("::/0").length(), 0);
    }

    #[test]
    fn text_that_is_no_prefix_says_what_is_wrong_with_it() {
        for (text, error) in [
            ("10.0.0.0", AddressError::Prefix),
            ("10.0.0.0/", AddressError::Prefix),
            ("10.0.0.0/x", AddressError::Prefix),
            ("10.0.0.0/+8", AddressError::Prefix),
            ("10.0.0.0/-8", AddressError::Prefix),
            ("10.0.0.0/ 8", AddressError::Prefix),
            ("10.0.0.0/8/8", AddressError::Prefix),
            ("10.0.0.0/256", AddressError::Prefix),
            ("10.0.0.0/33", AddressError::PrefixLength),
            ("fd00::/129", AddressError::PrefixLength),
            ("10.0.0/8", AddressError::Address),
        ] {
            assert_eq!(text.parse::<ProviderPrefix>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_prefix_contains_its_first_and_last_address_and_not_the_neighbours() {
        let subnet = prefix("10.0.1.0/24");
        assert!(subnet.contains(address("10.0.1.0")));
        assert!(subnet.contains(address("10.0.1.255")));
        assert!(!subnet.contains(address("10.0.0.255")));
        assert!(!subnet.contains(address("10.0.2.0")));
        assert!(!subnet.contains(address("::ffff:10.0.1.5")), "other family");
        assert!(!prefix("::/0").contains(address("10.0.1.5")));
    }

    #[test]
    fn prefixes_overlap_when_one_holds_the_other() {
        let subnet = prefix("10.0.1.0/24");
        for other in ["10.0.1.0/24", "10.0.0.0/8", "10.0.1.128/25", "0.0.0.0/0"] {
            assert!(subnet.overlaps(&prefix(other)), "{other}");
            assert!(prefix(other).overlaps(&subnet), "{other}");
        }
        for other in ["10.0.0.0/24", "10.0.2.0/23", "::/0"] {
            assert!(!subnet.overlaps(&prefix(other)), "{other}");
            assert!(!prefix(other).overlaps(&subnet), "{other}");
        }
    }

    #[test]
    fn the_gateway_is_the_lowest_host_address() {
        for (text, gateway) in [
            ("10.0.1.0/24", "10.0.1.1"),
            ("10.0.1.77/24", "10.0.1.1"),
            ("10.0.1.128/25", "10.0.1.129"),
            ("10.0.1.4/30", "10.0.1.5"),
            ("255.255.255.252/30", "255.255.255.253"),
            ("fd00:1::/64", "fd00:1::1"),
            ("fd00:1::4/126", "fd00:1::5"),
        ] {
            assert_eq!(prefix(text).gateway(), Some(address(gateway)), "{text}");
        }
    }

    #[test]
    fn a_prefix_without_room_for_a_router_and_a_guest_has_no_gateway() {
        for text in ["10.0.1.4/31", "10.0.1.4/32", "fd00::4/127", "fd00::4/128"] {
            assert_eq!(prefix(text).gateway(), None, "{text}");
        }
    }

    #[test]
    fn kinds_of_addresses_are_told_apart() {
        for group in ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"] {
            assert!(address(group).is_group(), "{group}");
        }
        for link_local in ["169.254.0.1", "fe80::1", "febf::1"] {
            assert!(address(link_local).is_link_local(), "{link_local}");
        }
        for unspecified in ["0.0.0.0", "::"] {
            assert!(address(unspecified).is_unspecified(), "{unspecified}");
        }
        for host in ["10.0.0.255", "223.255.255.255", "fec0::1", "fd00::1"] {
            let host = address(host);
            assert!(!host.is_group() && !host.is_link_local() && !host.is_unspecified());
        }
        assert!(address("10.0.0.1").is_ipv4());
        assert!(!address("::ffff:10.0.0.1").is_ipv4());
    }
}
