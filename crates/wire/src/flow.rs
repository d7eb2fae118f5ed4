//! Which flow a frame belongs to, in 8 bits.

use core::net::IpAddr;

use crate::{EtherType, FlowId, MacAddress};

/// What tells flows apart: the fields that the FlowID is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowTuple {
    /// IP: addresses, protocol, and the ports of TCP, UDP and SCTP. Ports are 0 for every fragment
    /// of a fragmented datagram, the first one too, so that all take one path.
    Ip {
        /// Source address.
        source: IpAddr,
        /// Destination address.
        destination: IpAddr,
        /// Protocol of the payload.
        protocol: u8,
        /// Source port or 0.
        source_port: u16,
        /// Destination port or 0.
        destination_port: u16,
    },
    /// Not IP: MAC addresses and EtherType.
    Link {
        /// Source MAC.
        source: MacAddress,
        /// Destination MAC.
        destination: MacAddress,
        /// EtherType.
        ether_type: EtherType,
    },
}

/// The FlowID of a flow (RFC 7637 s3.2 asks for as much entropy as possible and leaves the hash
/// open).
///
/// Stable: the same tuple gives the same value in every release, on every machine. Words of the
/// tuple are mixed by `h = (h ^ word) * 0x9E3779B97F4A7C15; h ^= h >> 32`, and the top byte is the
/// result. No secret and no payload goes in, so it tells an observer nothing that the outer packet
/// does not tell already by its timing.
#[inline]
pub fn flow_id(tuple: &FlowTuple) -> FlowId {
    let hash = match *tuple {
        FlowTuple::Ip {
            source,
            destination,
            protocol,
            source_port,
            destination_port,
        } => {
            let tail = u64::from(protocol) << 32
                | u64::from(source_port) << 16
                | u64::from(destination_port);
            match (source, destination) {
                (IpAddr::V4(s), IpAddr::V4(d)) => {
                    return flow_id_ipv4(s.into(), d.into(), protocol, tail as u32);
                }
                (s, d) => mix(mix128(mix128(SEED, bits(s)), bits(d)), tail),
            }
        }
        FlowTuple::Link {
            source,
            destination,
            ether_type,
        } => {
            let tail = mac_word(destination) << 16 | u64::from(ether_type.0);
            mix(mix(SEED, mac_word(source)), tail)
        }
    };
    FlowId((hash >> 56) as u8)
}

/// [`flow_id`] of an IPv4 flow, from its numbers as they stand in the headers: the source port is the
/// upper half of `ports`.
#[inline]
pub const fn flow_id_ipv4(source: u32, destination: u32, protocol: u8, ports: u32) -> FlowId {
    let pair = (source as u64) << 32 | destination as u64;
    let tail = (protocol as u64) << 32 | ports as u64;
    FlowId((mix(mix(SEED, pair), tail) >> 56) as u8)
}

const SEED: u64 = 0x6e76_6772_655f_6664;

#[inline]
const fn mix(hash: u64, word: u64) -> u64 {
    let hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ hash >> 32
}

fn mix128(hash: u64, word: u128) -> u64 {
    mix(mix(hash, (word >> 64) as u64), word as u64)
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn mac_word(mac: MacAddress) -> u64 {
    mac.octets()
        .iter()
        .fold(0, |word, &octet| word << 8 | u64::from(octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(source: &str, destination: &str, protocol: u8, ports: (u16, u16)) -> FlowTuple {
        FlowTuple::Ip {
            source: source.parse().expect("an address"),
            destination: destination.parse().expect("an address"),
            protocol,
            source_port: ports.0,
            destination_port: ports.1,
        }
    }

    /// The values come from the documented formula, computed apart from this code:
    ///
    /// ```python
    /// def mix(h, w): h = (h ^ w) * 0x9e3779b97f4a7c15 % 2**64; return h ^ h >> 32
    /// def flow(*words): return functools.reduce(mix, words, int.from_bytes(b"nvgre_fd")) >> 56
    /// flow(0x0a000005_0a000007, 6 << 32 | 49152 << 16 | 80)   # 0x4f; IPv6: four 64-bit words first
    /// ```
    #[test]
    fn values_are_the_same_in_every_release_and_on_every_machine() {
        let red_mac = MacAddress::new([0x00, 0x15, 0x5d, 0, 0, 1]);
        let arp = FlowTuple::Link {
            source: red_mac,
            destination: MacAddress::new([0x00, 0x15, 0x5d, 0, 0, 2]),
            ether_type: EtherType::ARP,
        };
        let lldp_like = FlowTuple::Link {
            source: red_mac,
            destination: MacAddress::BROADCAST,
            ether_type: EtherType(0x88cc),
        };
        for (tuple, value) in [
            (ip("10.0.0.5", "10.0.0.7", 6, (49_152, 80)), 0x4f),
            (ip("10.0.0.7", "10.0.0.5", 6, (80, 49_152)), 0x82),
            (ip("10.0.0.5", "10.0.0.7", 17, (0, 0)), 0xbd),
            (ip("10.0.0.5", "10.0.0.7", 1, (0, 0)), 0xc9),
            (ip("fd00::5", "fd00::7", 6, (49_152, 443)), 0x8b),
            (ip("fd00::5", "fd00::7", 58, (0, 0)), 0xff),
            (arp, 0x24),
            (lldp_like, 0x3c),
        ] {
            assert_eq!(flow_id(&tuple), FlowId(value), "{tuple:?}");
        }
    }
}
