//! Who is who: the numbers of guests and hosts as MACs and addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress};

/// The guest that sends, on the first host.
pub(crate) const SENDER: u32 = 0;
/// The guest beside it.
pub(crate) const NEIGHBOR: u32 = 1;
/// The guest in the other subnet, on the first host too.
pub(crate) const ROUTED: u32 = 2;
/// Guests from here up are on other hosts.
pub(crate) const FIRST_REMOTE: u32 = 3;
/// The host of [`SENDER`], [`NEIGHBOR`] and [`ROUTED`].
pub(crate) const FIRST_HOST: u32 = 0;
/// The host of [`FIRST_REMOTE`].
pub(crate) const SECOND_HOST: u32 = 1;
/// Hosts that the guests are spread over.
pub(crate) const HOSTS: u32 = 64;
/// The subnet of all guests but one.
pub(crate) const SUBNET: u32 = 5_001;
/// The subnet of [`ROUTED`].
pub(crate) const OTHER_SUBNET: u32 = 5_002;

/// The family of customer addresses. Provider addresses are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// MAC of a guest.
pub(crate) fn mac(guest: u32) -> MacAddress {
    let [a, b, c, d] = guest.to_be_bytes();
    MacAddress::new([0x00, 0x15 ^ a, 0x5d, b, c, d])
}

/// MAC of a host's NIC.
pub(crate) fn host_mac(host: u32) -> MacAddress {
    let [.., a, b] = host.to_be_bytes();
    MacAddress::new([0x02, 0, 0, 0, a, b])
}

/// MAC that answers for every next hop of the underlay.
pub(crate) const UNDERLAY_MAC: MacAddress = MacAddress::new([0x02, 0, 0, 1, 0, 0]);

/// Address of a guest.
pub(crate) fn address(family: Family, guest: u32) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(0x0a00_0002 + guest).into(),
        Family::V6 => Ipv6Addr::from((0xfd00 << 112) | u128::from(2 + guest)).into(),
    }
}

/// Address of a guest, as the dataplane's type.
pub(crate) fn customer(family: Family, guest: u32) -> CustomerAddress {
    CustomerAddress::new(address(family, guest))
}

/// An address of the subnet that no guest has.
pub(crate) const NOBODY: u32 = 0x00ff_fff0;

/// Host of a guest.
pub(crate) const fn host_of(guest: u32) -> u32 {
    if guest < FIRST_REMOTE {
        FIRST_HOST
    } else {
        1 + (guest - FIRST_REMOTE) % (HOSTS - 1)
    }
}

/// Some guests of a host, as many as plausibly run on one; `FIRST_HOST` has three.
pub(crate) fn guests_of(host: u32, guests: u32) -> impl Iterator<Item = u32> + Clone {
    let (first, step) = match host {
        FIRST_HOST => (0, 1),
        _ => (FIRST_REMOTE + host - 1, HOSTS as usize - 1),
    };
    let end = if host == FIRST_HOST {
        FIRST_REMOTE
    } else {
        guests
    };
    (first..end).step_by(step).take(16)
}

/// Provider address of a host, which its encapsulated guests share.
pub(crate) fn host_provider(host: u32) -> ProviderAddress {
    ProviderAddress::v4((0xac00_0001 + host).to_be_bytes())
}

/// Provider address of a guest whose addresses are rewritten: its own.
pub(crate) fn guest_provider(guest: u32) -> ProviderAddress {
    ProviderAddress::v4((0xac00_0001 + HOSTS + guest).to_be_bytes())
}
