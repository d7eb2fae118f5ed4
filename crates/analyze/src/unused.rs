//! Addresses that stand for all those of a prefix which tables do not tell apart.

use std::net::IpAddr;

use nvgre_wire::{CustomerAddress, CustomerPrefix};

/// What no packet is routed to, of each family: unspecified, link-local, multicast and the limited
/// broadcast address, and nothing else (RFC 1812 section 5.3.7, RFC 4291 section 2.5.6).
const NOT_ROUTED: [(bool, u128, u8); 7] = [
    (true, 0, 32),
    (true, 0xa9fe_0000, 16),
    (true, 0xe000_0000, 4),
    (true, 0xffff_ffff, 32),
    (false, 0, 128),
    (false, 0xfe80 << 112, 10),
    (false, 0xff00 << 112, 8),
];

/// The lowest address inside a prefix (None: anywhere) that no longer one of these prefixes covers, that
/// packets may be sent to, and that is not taken. None: there is none.
pub(crate) fn unused_address(
    inside: Option<CustomerPrefix>,
    ipv4: bool,
    prefixes: &[CustomerPrefix],
    taken: impl Fn(CustomerAddress) -> bool,
) -> Option<CustomerAddress> {
    let width = if ipv4 { 32 } else { 128 };
    let all = range(0, 0, width);
    let (first, last) = inside.map_or(all, |prefix| of_prefix(prefix, width));
    let more_specific = prefixes.iter().filter(|other| {
        let longer = inside.is_none_or(|prefix| other.length() > prefix.length());
        other.network().is_ipv4() == ipv4 && longer
    });
    let not_routed = NOT_ROUTED.iter().filter(|block| block.0 == ipv4);
    let mut covered: Vec<_> = more_specific
        .map(|prefix| of_prefix(*prefix, width))
        .chain(not_routed.map(|&(_, bits, length)| range(bits, length, width)))
        .collect();
    covered.sort_unstable();
    let mut from = first;
    // Behind the last block a gap goes on to the end.
    for (start, end) in covered.into_iter().chain([(u128::MAX, u128::MAX)]) {
        let gap_end = last.min(if start == u128::MAX {
            last
        } else {
            start.saturating_sub(1)
        });
        let mut free = (from..=gap_end).take_while(|_| start > from);
        let found = free.find_map(|bits| {
            let address = address(ipv4, bits);
            (!taken(address)).then_some(address)
        });
        if found.is_some() {
            return found;
        }
        if end >= from {
            from = end.checked_add(1)?;
        }
        if from > last {
            return None;
        }
    }
    None
}

fn of_prefix(prefix: CustomerPrefix, width: u8) -> (u128, u128) {
    range(bits(prefix.network()), prefix.length(), width)
}

/// First and last of a prefix.
const fn range(bits: u128, length: u8, width: u8) -> (u128, u128) {
    let host_bits = (width - length) as u32;
    let mask = if host_bits == 128 {
        u128::MAX
    } else {
        (1 << host_bits) - 1
    };
    (bits & !mask, bits | mask)
}

fn bits(address: CustomerAddress) -> u128 {
    match address.ip() {
        IpAddr::V4(ip) => ip.to_bits().into(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn address(ipv4: bool, bits: u128) -> CustomerAddress {
    if ipv4 {
        CustomerAddress::v4((bits as u32).to_be_bytes())
    } else {
        CustomerAddress::v6(bits.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> CustomerPrefix {
        text.parse().expect("a prefix")
    }

    fn unused(inside: &str, others: &[&str], taken: &[&str]) -> Option<String> {
        let inside = prefix(inside);
        let others: Vec<_> = others.iter().map(|text| prefix(text)).collect();
        let ipv4 = inside.network().is_ipv4();
        let found = unused_address(Some(inside), ipv4, &others, |address| {
            taken.contains(&address.to_string().as_str())
        });
        found.map(|address| address.to_string())
    }

    #[test]
    fn it_lies_outside_of_every_longer_prefix() {
        let found = unused("172.16.0.0/12", &["172.16.0.0/12", "172.16.0.0/13"], &[]);
        assert_eq!(found.as_deref(), Some("172.24.0.0"));
        let found = unused(
            "172.16.0.0/12",
            &["172.31.0.0/16"],
            &["172.16.0.0", "172.16.0.1"],
        );
        assert_eq!(found.as_deref(), Some("172.16.0.2"));
        let found = unused("::/0", &["2000::/4"], &[]);
        assert_eq!(found.as_deref(), Some("::1"));
    }

    #[test]
    fn it_is_routed() {
        assert_eq!(unused("0.0.0.0/0", &[], &[]).as_deref(), Some("0.0.0.1"));
        assert_eq!(unused("169.254.0.0/16", &[], &[]), None);
        assert_eq!(unused("ff00::/8", &[], &[]), None);
        let all_but_groups = ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", "240.0.0.0/4"];
        assert_eq!(unused("0.0.0.0/0", &all_but_groups, &[]), None);
    }

    #[test]
    fn where_all_are_taken_there_is_none() {
        let taken = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"];
        assert_eq!(unused("10.0.0.0/30", &[], &taken), None);
        assert_eq!(unused("10.0.0.5/32", &[], &[]).as_deref(), Some("10.0.0.5"));
    }
}
