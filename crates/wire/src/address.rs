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
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(IpAddr);

        impl $name {
            /// Takes an address into this world. There is no `From`: the step is to be seen.
            pub const fn new(ip: IpAddr) -> Self {
                Self(ip)
            }

            /// From the bytes of an IPv4 header.
            pub const fn v4(octets: [u8; 4]) -> Self {
                Self(IpAddr::V4(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3])))
            }

            /// From the bytes of an IPv6 header.
            pub const fn v6(octets: [u8; 16]) -> Self {
                Self(IpAddr::V6(Ipv6Addr::from_octets(octets)))
            }

            /// The plain address.
            pub const fn ip(self) -> IpAddr {
                self.0
            }

            /// 0.0.0.0 or ::.
            pub const fn is_unspecified(self) -> bool {
                self.0.is_unspecified()
            }

            /// Whether it is an IPv4 address.
            pub const fn is_ipv4(self) -> bool {
                self.0.is_ipv4()
            }

            /// Whether it is a multicast or the limited broadcast address.
            pub const fn is_group(self) -> bool {
                match self.0 {
                    IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast(),
                    IpAddr::V6(v6) => v6.is_multicast(),
                }
            }

            /// 169.254.0.0/16 or fe80::/10.
            pub const fn is_link_local(self) -> bool {
                match self.0 {
                    IpAddr::V4(v4) => v4.is_link_local(),
                    IpAddr::V6(v6) => v6.is_unicast_link_local(),
                }
            }
        }

        impl FromStr for $name {
            type Err = AddressError;
            fn from_str(text: &str) -> Result<Self, AddressError> {
                text.parse().map(Self).map_err(|_| AddressError::Address)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        $(#[$prefix_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $prefix(IpNet);

        impl $prefix {
            /// The prefix of `length` bits that holds `address`; host bits are cleared.
            pub fn new(address: $name, length: u8) -> Result<Self, AddressError> {
                IpNet::new(address.0, length)
                    .map(|net| Self(net.trunc()))
                    .map_err(|_| AddressError::PrefixLength)
            }

            /// Whether the address is inside.
            pub fn contains(&self, address: $name) -> bool {
                self.0.contains(&address.0)
            }

            /// Whether two prefixes share an address.
            pub fn overlaps(&self, other: &Self) -> bool {
                self.0.contains(&other.0) || other.0.contains(&self.0)
            }

            /// The lowest address.
            pub fn network(&self) -> $name {
                $name(self.0.network())
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
                Some(CustomerAddress(IpAddr::V4(first.into())))
            }
            IpNet::V6(net) if net.prefix_len() <= 126 => {
                let first = u128::from(net.network()).wrapping_add(1);
                Some(CustomerAddress(IpAddr::V6(first.into())))
            }
            IpNet::V4(_) | IpNet::V6(_) => None,
        }
    }
}
