//! The shortest prefixes that hold the addresses seen.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The shortest prefixes that hold these addresses, without overlap: of IPv4 one for each /16, at
/// most /24 (link-local: /16, RFC 3927); of IPv6 each /64. In order.
pub(crate) fn prefixes(
    addresses: impl Iterator<Item = IpAddr>,
) -> impl Iterator<Item = (IpAddr, u8)> {
    let mut found: BTreeMap<IpAddr, (IpAddr, u8)> = BTreeMap::new();
    for address in addresses {
        match address {
            IpAddr::V4(v4) => {
                let group = IpAddr::V4((u32::from(v4) & 0xffff_0000).into());
                let most = if v4.is_link_local() { 16 } else { 24 };
                let (first, length) = found.entry(group).or_insert((address, most));
                if let IpAddr::V4(first) = *first {
                    let common = (u32::from(first) ^ u32::from(v4)).leading_zeros() as u8;
                    *length = (*length).min(common.max(16));
                }
            }
            IpAddr::V6(v6) => {
                let group = IpAddr::V6((u128::from(v6) >> 64 << 64).into());
                found.entry(group).or_insert((group, 64));
            }
        }
    }
    found.into_values()
}

/// Length of the prefix that holds the address; all its bits where none does.
pub(crate) fn length_in(prefixes: &[(IpAddr, u8)], address: IpAddr) -> u8 {
    let holds = |&&(network, length): &&(IpAddr, u8)| match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u32::from(network) ^ u32::from(address)).leading_zeros() >= u32::from(length)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            (u128::from(network) ^ u128::from(address)).leading_zeros() >= u32::from(length)
        }
        _other_family => false,
    };
    let full = if address.is_ipv4() { 32 } else { 128 };
    prefixes
        .iter()
        .find(holds)
        .map_or(full, |&(_, length)| length)
}
