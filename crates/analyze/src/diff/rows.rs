//! A host's rows as items with properties.

use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::{
    Adapter, Host, HostAddressEntry, Nic, ProviderRouteEntry, RecordEntry, RouteEntry,
};

use crate::cross::RouteName;
use crate::diff::difference::{Item, Property};
use crate::record_name::RecordName;

/// What nobody set.
const NONE: &str = "(none)";

/// Properties with their values; flags and limits that are off are left out by
/// [`Properties::shown`], which is what a new row tells of itself.
pub(crate) struct Properties(Vec<(Property, bool)>);

impl Properties {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let value = value.to_string();
        self.0.push((Property { name, value }, true));
        self
    }

    /// One whose default says nothing.
    fn unless<T: ToString + PartialEq>(mut self, default: T, name: &'static str, value: T) -> Self {
        let is_told = value != default;
        let value = value.to_string();
        self.0.push((Property { name, value }, is_told));
        self
    }

    fn label(self, name: &'static str, value: Option<&str>) -> Self {
        self.unless(NONE, name, value.unwrap_or(NONE))
    }

    /// All, for comparing.
    pub(crate) fn all(self) -> Vec<Property> {
        self.0.into_iter().map(|(property, _)| property).collect()
    }

    /// Those that say something.
    pub(crate) fn shown(self) -> Vec<Property> {
        let told = self.0.into_iter().filter(|(_, is_told)| *is_told);
        told.map(|(property, _)| property).collect()
    }
}

pub(crate) fn record_item(entry: &RecordEntry) -> Item {
    Item::Record(RecordName::of(&entry.record))
}

pub(crate) fn record_properties(entry: &RecordEntry) -> Properties {
    let record = &entry.record;
    Properties::new()
        .with("ProviderAddress", record.provider_address)
        .with("MACAddress", record.mac)
        .with("Rule", record.rule)
        .unless(
            nvgre_dataplane::RecordType::Static,
            "Type",
            record.record_type,
        )
        .unless(false, "UseVmMACAddress", record.use_vm_mac)
        .label("VMName", entry.labels.vm_name())
        .label("CustomerID", entry.labels.customer_id())
        .label("Context", entry.labels.context())
}

pub(crate) fn route_item(entry: &RouteEntry) -> Item {
    Item::CustomerRoute {
        name: RouteName::of(&entry.route),
        next_hop: entry.route.next_hop,
    }
}

pub(crate) fn route_properties(entry: &RouteEntry) -> Properties {
    Properties::new().with("Metric", entry.route.metric)
}

pub(crate) fn address_item(entry: &HostAddressEntry) -> Item {
    Item::ProviderAddress(entry.address.address)
}

pub(crate) fn address_properties(entry: &HostAddressEntry) -> Properties {
    let address = &entry.address;
    Properties::new()
        .with("InterfaceIndex", address.interface_index)
        .with("PrefixLength", address.prefix_length)
        .unless(0, "VlanID", address.vlan.map_or(0, nvgre_wire::VlanId::get))
        .with("MACAddress", address.mac)
}

pub(crate) fn provider_route_item(entry: &ProviderRouteEntry) -> Item {
    let route = &entry.route;
    Item::ProviderRoute {
        destination: route.destination,
        next_hop: route.next_hop,
        interface_index: route.interface_index,
    }
}

pub(crate) fn provider_route_properties(entry: &ProviderRouteEntry) -> Properties {
    Properties::new().with("Metric", entry.route.metric)
}

pub(crate) fn nic_item(nic: &Nic) -> Item {
    Item::Nic(nic.name.clone())
}

pub(crate) fn nic_properties(nic: &Nic) -> Properties {
    Properties::new()
        .with(
            "ms_netwnv",
            if nic.wnv_bound { "bound" } else { "not bound" },
        )
        .with("SwitchName", &nic.switch_name)
        .with("InterfaceIndex", nic.interface_index)
        .with("MacAddress", nic.mac)
        .with("InterfaceDescription", &nic.interface_description)
}

pub(crate) fn global_properties(host: &Host) -> Properties {
    Properties::new().with("UseExternalRouter", host.use_external_router)
}

pub(crate) fn adapter_item(adapter: &Adapter) -> Item {
    Item::Adapter {
        vm_name: adapter.vm_name.clone(),
        name: adapter.name.clone(),
    }
}

/// With its host: adapters move.
pub(crate) fn adapter_properties(adapter: &Adapter, host: &str) -> Properties {
    let subnet = match adapter.subnet {
        PortSubnet::Unset => 0,
        PortSubnet::Tenant(vsid) => vsid.get(),
        PortSubnet::LocalOnly => 16_777_215,
    };
    Properties::new()
        .with("host", host)
        .with("MacAddress", adapter.mac)
        .with("VirtualSubnetId", subnet)
        .with("SwitchName", &adapter.switch_name)
        .unless(false, "MacAddressSpoofing", adapter.mac_address_spoofing)
        .unless(false, "DhcpGuard", adapter.dhcp_guard)
        .unless(false, "RouterGuard", adapter.router_guard)
        .unless(
            0,
            "MaximumBandwidth",
            adapter.maximum_bandwidth_bits_per_second,
        )
        .unless(0, "StormLimit", adapter.storm_limit_packets_per_second)
}
