//! The provider side of one host: its addresses, its routes, and the MACs it sends to.

use nvgre_wire::{MacAddress, ProviderAddress, ProviderPrefix, VlanId};

/// A provider address of this host (New-NetVirtualizationProviderAddress).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress {
    /// `-ProviderAddress`.
    pub address: ProviderAddress,
    /// `-InterfaceIndex`: the NIC it is on. Provider routes of other NICs do not serve it.
    pub interface_index: u32,
    /// `-PrefixLength`, in bits: what is on-link without any provider route.
    pub prefix_length: u8,
    /// `-VlanID`: the one 802.1Q tag of its frames.
    pub vlan: Option<VlanId>,
    /// `-MACAddress`, or the NIC's.
    pub mac: MacAddress,
}

/// A route of the underlay (New-NetVirtualizationProviderRoute).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderRoute {
    /// `-InterfaceIndex`.
    pub interface_index: u32,
    /// `-DestinationPrefix`.
    pub destination: ProviderPrefix,
    /// `-NextHop`; 0.0.0.0 or :: says on-link.
    pub next_hop: ProviderAddress,
    /// `-Metric`: the lowest wins among routes of the same prefix.
    pub metric: u32,
}

/// The MAC of a next hop on the underlay: what ARP or neighbor discovery on the provider network
/// found. The dataplane does not ask; its owner tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// A provider address or an underlay router.
    pub address: ProviderAddress,
    /// Its MAC.
    pub mac: MacAddress,
}
