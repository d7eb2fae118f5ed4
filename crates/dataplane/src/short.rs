//! The short way: what most frames are, decided by as few questions as can decide it.
//!
//! Most frames are IPv4 without tags and options, between guests that are who their records say, in
//! one subnet or through the built-in router. When ports, records and provider addresses are edited,
//! what the rules ask of such frames is worked out beforehand ([`ShortPort::of`], [`ShortHost::of`],
//! [`ShortProvider::of`], [`ShortRoute::of`], [`Translation::of`], [`crate::entry::Way`]), so that a few
//! comparisons are left. Where one of them
//! does not hold, the frame goes the long way (`outbound.rs`, `inbound.rs`) from its beginning: up to
//! the last comparison nothing is written or counted. Only the long way has reasons to drop a frame
//! and steps to tell, so frames that are traced go there too.
//!
//! Both ways come to the same, byte for byte and count for count: this crate's tests send every frame
//! both ways.
//!
//! | file | holds |
//! |---|---|
//! | `short.rs` | what is worked out beforehand |
//! | `short/outbound.rs`, `short/inbound.rs` | from a port; from the underlay |
//! | `short/route.rs` | through the built-in router |
//! | `short/rewrite.rs` | IP rewrite, both directions |
//! | `short/header.rs` | reading headers at fixed offsets |

use nvgre_wire::{EtherType, FlowId, MacAddress, NvgreKey};

pub(crate) use route::ShortRoute;

use header::{DestinationMac, SourceMac, Word};

use crate::encap::ip_overhead;
use crate::lookup_record::Rule;
use crate::policy::Settings;
use crate::provider::HostAddress;
use crate::snapshot::{FIXED, Fixed, KnownProvider, NatRecord, Segment, SwitchPort, mac_key};

mod header;
mod inbound;
mod outbound;
mod rewrite;
mod route;

/// What is asked of a port's frames: that its guest speaks as one customer address of its own.
/// Numbers that are compared with bytes of a frame are in the order of those bytes in memory.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct ShortPort {
    /// Source MAC and EtherType.
    link: u64,
    /// The keys of its subnet's records, without their addresses.
    records_of: u64,
    /// The guest's customer address.
    source: Word,
    /// This host's address that the guest is behind: index among the host's own; and how many it has.
    host: u32,
    hosts: u32,
    /// The GRE key with FlowID 0, and what a FlowID may fill of it.
    key: u32,
    flow_id: u32,
    /// The longest frame that fits the underlay in NVGRE, in bytes. Rewritten it may be longer by
    /// [`crate::encap::Path::V4`].
    longest: u32,
    /// The guest's packets may be rewritten, to be from this provider address and MAC.
    rewrites: bool,
    provider_address: Word,
    provider_mac: SourceMac,
    /// The port's own MAC.
    mac: DestinationMac,
    /// Frames for the guest are given to it unseen, if they are not learned from.
    receives: bool,
    /// And rewritten to it, from this provider address; 0.0.0.0 where they are not.
    rewritten_to: Word,
}

impl ShortPort {
    /// Everything goes the long way. No frame should come from a group's MAC; one that does all the same
    /// finds no record in subnet 0, and is not routed without a host.
    pub(crate) const LONG: Self = Self {
        link: u64::MAX,
        records_of: 0,
        source: Word::ZERO,
        host: 0,
        hosts: 0,
        key: 0,
        flow_id: 0,
        longest: 0,
        rewrites: false,
        provider_address: Word::ZERO,
        provider_mac: SourceMac::NONE,
        mac: DestinationMac::NONE,
        receives: false,
        rewritten_to: Word::ZERO,
    };

    /// What the rules ask of this port.
    pub(crate) fn of(at: &SwitchPort, hosts: &[HostAddress], settings: &Settings) -> Self {
        let port = &at.port;
        let receives = port.acls.is_empty() && !at.learns && !port.mac.is_group();
        let short = Self {
            receives: receives && at.domain.is_some(),
            mac: DestinationMac::of(port.mac),
            ..Self::LONG
        };
        let Segment::Tenant(vsid) = at.segment else {
            return short;
        };
        if !port.connected || at.examines || at.domain.is_none() || port.mac.is_group() {
            return short;
        }
        let source = at.sources.iter().find(|source| {
            let entry = &source.entry;
            source.over_ipv4 && !entry.speaks_for_any() && entry.customer_address().is_ipv4()
        });
        let Some(source) = source else {
            return short;
        };
        let mtu = u32::from(settings.underlay_mtu_bytes);
        let Some(longest) = mtu.checked_sub(ip_overhead(true) as u32) else {
            return short;
        };
        let host = &hosts[source.host as usize];
        let provider_address = Word::from_number(host.address.bits() as u32);
        let untagged = host.vlan.is_none();
        let rewrites = untagged && source.rule() == Rule::Nat && !source.entry.use_vm_mac();
        let [a, b, c, d, e, f] = port.mac.octets();
        let [g, h] = EtherType::IPV4.0.to_be_bytes();
        Self {
            link: u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
            records_of: u64::from(vsid.get()) << 32,
            source: Word::from_number(source.entry.customer_address().bits() as u32),
            host: source.host,
            hosts: hosts.len() as u32,
            key: u32::from_ne_bytes(NvgreKey::new(vsid, FlowId(0)).0.to_be_bytes()),
            flow_id: u32::from_ne_bytes([0, 0, 0, if settings.flow_id { 0xff } else { 0 }]),
            longest,
            rewrites,
            provider_address,
            rewritten_to: if rewrites && short.receives {
                provider_address
            } else {
                Word::ZERO
            },
            provider_mac: SourceMac::of(host.mac),
            ..short
        }
    }
}

/// One of this host's addresses where NVGRE packets come in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShortHost {
    address: u32,
    mac: MacAddress,
}

impl ShortHost {
    /// `None` for an address that is not IPv4, whose packets are tagged, or to which packets are
    /// rewritten.
    pub(crate) fn of(host: &HostAddress, known: &KnownProvider) -> Option<Self> {
        let short = host.address.is_ipv4() && host.vlan.is_none() && known.nat.is_none();
        short.then(|| Self {
            address: host.address.bits() as u32,
            mac: host.mac,
        })
    }
}

/// What most frames ask of a provider address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShortProvider {
    /// 0.0.0.0 for one that is not IPv4.
    address: Word,
    /// The next hop towards it, where there is one that does not depend on this host's address.
    next_hop: DestinationMac,
}

impl ShortProvider {
    pub(crate) fn of(known: &KnownProvider) -> Self {
        Self {
            address: if known.address.is_ipv4() {
                Word::from_number(known.address.bits() as u32)
            } else {
                Word::ZERO
            },
            next_hop: match *known.next_hops {
                [Some(next_hop)] => DestinationMac::of(next_hop),
                [..] => DestinationMac::NONE,
            },
        }
    }
}

/// Whose packets are rewritten to and from a provider address, as two words of a row.
///
/// ```text
/// customer address 32, as in a header | virtual subnet 24 | 7 | here 1
/// MAC, or of a guest that is here the index of its port
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Translation(pub(crate) [u64; 2]);

impl Translation {
    /// The provider address is this host's, and the guest is at a port.
    const HERE: u64 = 1;

    /// The row's key and words; `None` for what goes the long way.
    pub(crate) fn of(
        nat: &NatRecord,
        known: &KnownProvider,
        fixed: &Fixed,
    ) -> Option<([u64; 1], [u64; 2])> {
        let entry = &nat.entry;
        let (ca, vsid) = (entry.customer_address(), entry.virtual_subnet());
        if !known.address.is_ipv4() || !ca.is_ipv4() || nat.domain.is_none() {
            return None;
        }
        let address = Word::from_number(ca.bits() as u32);
        let word = u64::from(address.0) << 32 | u64::from(vsid.get()) << 8;
        let words = if known.host.is_some() {
            let key = mac_key(vsid.get(), entry.mac());
            let (_, [port]) = fixed.port_of.find(&key, FIXED)?;
            [word | Self::HERE, port]
        } else {
            [word, SourceMac::of(entry.mac()).to_word()]
        };
        Some(([known.address.bits() as u64], words))
    }

    /// The index of the port of a guest that is here.
    #[inline(always)]
    const fn port(self) -> Option<u32> {
        let [word, port] = self.0;
        if word & Self::HERE != 0 {
            Some(port as u32)
        } else {
            None
        }
    }

    /// Whether it is a guest elsewhere, in the subnet of a port.
    #[inline(always)]
    const fn is_peer_of(self, port: &ShortPort) -> bool {
        let [word, _] = self.0;
        word as u32 == (port.records_of >> 24) as u32
    }

    #[inline(always)]
    const fn customer_address(self) -> Word {
        Word((self.0[0] >> 32) as u32)
    }

    /// The MAC of a guest elsewhere.
    #[inline(always)]
    const fn mac(self) -> SourceMac {
        SourceMac::from_word(self.0[1])
    }
}

#[cfg(test)]
mod tests;
