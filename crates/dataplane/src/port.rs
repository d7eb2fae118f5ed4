//! Ports: the switch's side of a virtual network adapter.

use alloc::vec::Vec;

use nvgre_wire::{MacAddress, VirtualSubnetId, VlanId};

use crate::acl::Acl;

/// Names a port. The owner numbers the ports of a host from 0, without large gaps: per-port state is
/// kept in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// `Set-VMNetworkAdapter -VirtualSubnetId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortSubnet {
    /// 0: pass-through. Network virtualization never touches the port.
    Unset,
    /// A tenant's virtual subnet.
    Tenant(VirtualSubnetId),
    /// 16,777,215: the port cmdlet takes it, RFC 7637 reserves it. Ports with it reach each other
    /// on this switch and nothing else.
    LocalOnly,
}

/// One port and its settings (Set-VMNetworkAdapter, Set-VMNetworkAdapterVlan,
/// Add-VMNetworkAdapterAcl).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub id: PortId,
    /// `-VirtualSubnetId`.
    pub subnet: PortSubnet,
    /// The adapter's MAC.
    pub mac: MacAddress,
    /// Whether the adapter is connected to the switch.
    pub connected: bool,
    /// Access VLAN of a pass-through port; a port with a subnet has none (V-11).
    pub vlan: Option<VlanId>,
    /// `-MacAddressSpoofing`: the guest may send from any MAC.
    pub mac_address_spoofing: bool,
    /// `-DhcpGuard`: the guest may not act as a DHCP server.
    pub dhcp_guard: bool,
    /// `-RouterGuard`: the guest may not send router advertisements and redirects.
    pub router_guard: bool,
    /// Port ACLs; none: everything is allowed.
    pub acls: Vec<Acl>,
    /// `-MaximumBandwidth`, bits per second sent by the guest; 0: no limit.
    pub maximum_bandwidth_bits_per_second: u64,
    /// `-StormLimit`, broadcast, multicast and unknown unicast packets per second; 0: no limit.
    pub storm_limit_packets_per_second: u32,
}

impl Port {
    /// A connected pass-through port without VLAN, guards, ACLs or limits.
    pub const fn new(id: PortId, mac: MacAddress) -> Self {
        Self {
            id,
            subnet: PortSubnet::Unset,
            mac,
            connected: true,
            vlan: None,
            mac_address_spoofing: false,
            dhcp_guard: false,
            router_guard: false,
            acls: Vec::new(),
            maximum_bandwidth_bits_per_second: 0,
            storm_limit_packets_per_second: 0,
        }
    }

    /// The same port in a virtual subnet.
    #[must_use]
    pub const fn in_subnet(mut self, vsid: VirtualSubnetId) -> Self {
        self.subnet = PortSubnet::Tenant(vsid);
        self
    }
}
