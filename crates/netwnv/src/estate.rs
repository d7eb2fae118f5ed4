//! The hosts that scripts run against: their NICs, adapters and network virtualization policy.

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Policy, PortSubnet, ProviderRoute, RecordId, RouteId,
};
use nvgre_wire::MacAddress;

use crate::labels::Labels;
use crate::source::Place;

/// A lookup record and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEntry {
    /// The record.
    pub record: LookupRecord,
    /// Its labels.
    pub labels: Labels,
    /// The command that made it or changed it last.
    pub place: Place,
}

/// A customer route and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    /// The route.
    pub route: CustomerRoute,
    /// The command that made it or changed it last.
    pub place: Place,
}

/// A provider address of a host and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAddressEntry {
    /// The address. Its MAC is `-MACAddress`, or the one of the NIC.
    pub address: HostAddress,
    /// The command that made it or changed it last.
    pub place: Place,
}

/// A provider route and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRouteEntry {
    /// The route.
    pub route: ProviderRoute,
    /// The command that made it or changed it last.
    pub place: Place,
}

/// A VM's network adapter, which is a port of the host's switch (Get-VMNetworkAdapter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// The VM.
    pub vm_name: String,
    /// The adapter's name within its VM.
    pub name: String,
    /// Its MAC.
    pub mac: MacAddress,
    /// The switch it is connected to.
    pub switch_name: String,
    /// `-VirtualSubnetId`.
    pub subnet: PortSubnet,
    /// `-MacAddressSpoofing`.
    pub mac_address_spoofing: bool,
    /// `-DhcpGuard`.
    pub dhcp_guard: bool,
    /// `-RouterGuard`.
    pub router_guard: bool,
    /// `-MaximumBandwidth`, bits per second; 0: no limit.
    pub maximum_bandwidth_bits_per_second: u64,
    /// `-StormLimit`, packets per second; 0: no limit.
    pub storm_limit_packets_per_second: u32,
    /// The Set-VMNetworkAdapter that changed it last, if any did.
    pub place: Option<Place>,
}

/// A physical NIC (Get-NetAdapter) and the switch on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its name ("Ethernet").
    pub name: String,
    /// The vendor's description of it.
    pub interface_description: String,
    /// Its InterfaceIndex, unique within the host.
    pub interface_index: u32,
    /// Its MAC.
    pub mac: MacAddress,
    /// Whether `ms_netwnv` is bound to it.
    pub wnv_bound: bool,
    /// The external switch on this NIC.
    pub switch_name: String,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its computer name; compared without case.
    pub name: String,
    /// Physical NICs.
    pub nics: Vec<Nic>,
    /// Network adapters of the VMs that are on this host now.
    pub adapters: Vec<Adapter>,
    /// `Set-NetVirtualizationGlobal -UseExternalRouter`.
    pub use_external_router: bool,
    /// Lookup records in the order they were made.
    pub records: Vec<RecordEntry>,
    /// Customer routes in the order they were made.
    pub customer_routes: Vec<RouteEntry>,
    /// Provider addresses in the order they were made.
    pub provider_addresses: Vec<HostAddressEntry>,
    /// Provider routes in the order they were made.
    pub provider_routes: Vec<ProviderRouteEntry>,
    pub(crate) next_record: u32,
    pub(crate) next_route: u32,
    pub(crate) wiped: Wiped,
}

/// Rows that a host lost with its binding, and that no command removed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wiped {
    pub(crate) records: Vec<RecordEntry>,
    pub(crate) customer_routes: Vec<RouteEntry>,
    pub(crate) provider_addresses: Vec<HostAddressEntry>,
    pub(crate) provider_routes: Vec<ProviderRouteEntry>,
}

/// Everything scripts can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estate {
    /// The hosts, in the order in which they are listed.
    pub hosts: Vec<Host>,
}

impl Adapter {
    /// A connected adapter "Network Adapter" without a virtual subnet, guards and limits.
    pub fn new(vm_name: &str, mac: MacAddress, switch_name: &str) -> Self {
        Self {
            vm_name: vm_name.to_owned(),
            name: "Network Adapter".to_owned(),
            mac,
            switch_name: switch_name.to_owned(),
            subnet: PortSubnet::Unset,
            mac_address_spoofing: false,
            dhcp_guard: false,
            router_guard: false,
            maximum_bandwidth_bits_per_second: 0,
            storm_limit_packets_per_second: 0,
            place: None,
        }
    }
}

impl Host {
    /// A host without NICs, VMs and policy.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            nics: Vec::new(),
            adapters: Vec::new(),
            use_external_router: false,
            records: Vec::new(),
            customer_routes: Vec::new(),
            provider_addresses: Vec::new(),
            provider_routes: Vec::new(),
            next_record: 0,
            next_route: 0,
            wiped: Wiped::default(),
        }
    }

    /// What the dataplane forwards by: records, routes, provider side, binding, external router.
    /// Ports, neighbors and settings are left empty for the caller.
    pub fn policy(&self) -> Policy {
        Policy {
            records: self.records.iter().map(|entry| entry.record).collect(),
            customer_routes: self
                .customer_routes
                .iter()
                .map(|entry| entry.route)
                .collect(),
            provider_addresses: self
                .provider_addresses
                .iter()
                .map(|entry| entry.address)
                .collect(),
            provider_routes: self
                .provider_routes
                .iter()
                .map(|entry| entry.route)
                .collect(),
            use_external_router: self.use_external_router,
            wnv_bound: self.nics.iter().any(|nic| nic.wnv_bound),
            ..Policy::default()
        }
    }

    /// The record of this id, unless it was removed.
    pub fn record(&self, id: RecordId) -> Option<&RecordEntry> {
        let at = position_by_id(&self.records, |entry| entry.record.id, id);
        self.records.get(at?)
    }

    /// The customer route of this id, unless it was removed.
    pub fn customer_route(&self, id: RouteId) -> Option<&RouteEntry> {
        let at = position_by_id(&self.customer_routes, |entry| entry.route.id, id);
        self.customer_routes.get(at?)
    }

    /// A record id that this host never used.
    pub(crate) fn new_record_id(&mut self) -> RecordId {
        let id = RecordId(self.next_record);
        self.next_record += 1;
        id
    }

    /// A route id that this host never used.
    pub(crate) fn new_route_id(&mut self) -> RouteId {
        let id = RouteId(self.next_route);
        self.next_route += 1;
        id
    }
}

impl Estate {
    /// The host of this name, compared without case.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts
            .iter()
            .find(|host| host.name.eq_ignore_ascii_case(name))
    }

    /// The host of this name, compared without case.
    pub fn host_mut(&mut self, name: &str) -> Option<&mut Host> {
        self.hosts
            .iter_mut()
            .find(|host| host.name.eq_ignore_ascii_case(name))
    }
}

/// Where the row of this id is. Runs give ascending ids, so it is where a binary search says; only
/// rows that somebody else has put together may be in another order.
pub(crate) fn position_by_id<T, I: Copy + Ord>(
    rows: &[T],
    id_of: impl Fn(&T) -> I,
    id: I,
) -> Option<usize> {
    let found = rows.binary_search_by_key(&id, &id_of);
    found
        .ok()
        .or_else(|| rows.iter().position(|row| id_of(row) == id))
}
