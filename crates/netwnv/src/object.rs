//! Objects that commands hand on, and their properties.

use std::rc::Rc;

use nvgre_dataplane::PortSubnet;

use crate::estate::{
    Adapter, Estate, HostAddressEntry, Nic, ProviderRouteEntry, RecordEntry, RouteEntry,
};
use crate::field::{self, properties};
use crate::value::Value;

/// An object of a host; `host` counts into the estate. Policy objects are what they were when they
/// were got, as CIM instances are; adapters and NICs are looked at again whenever they are asked.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Record {
        host: usize,
        entry: Rc<RecordEntry>,
    },
    Route {
        host: usize,
        entry: Rc<RouteEntry>,
    },
    HostAddress {
        host: usize,
        entry: Rc<HostAddressEntry>,
    },
    ProviderRoute {
        host: usize,
        entry: Rc<ProviderRouteEntry>,
    },
    /// Get-NetVirtualizationGlobal.
    Global {
        host: usize,
        use_external_router: bool,
    },
    /// A VM's network adapter.
    Adapter {
        host: usize,
        vm_name: Rc<str>,
        name: Rc<str>,
    },
    Vm {
        host: usize,
        name: Rc<str>,
    },
    /// The switch on this NIC.
    Switch {
        host: usize,
        interface_index: u32,
    },
    NetAdapter {
        host: usize,
        interface_index: u32,
    },
    /// `session` counts into the sessions of the run.
    Session {
        host: usize,
        session: usize,
    },
}

pub(crate) type Properties<'s> = Vec<(&'static str, Value<'s>)>;

impl Object {
    /// What messages call it.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Record { .. } => "a lookup record",
            Self::Route { .. } => "a customer route",
            Self::HostAddress { .. } => "a provider address",
            Self::ProviderRoute { .. } => "a provider route",
            Self::Global { .. } => "the global settings",
            Self::Adapter { .. } => "a VM network adapter",
            Self::Vm { .. } => "a VM",
            Self::Switch { .. } => "a VM switch",
            Self::NetAdapter { .. } => "a network adapter",
            Self::Session { .. } => "a session",
        }
    }

    pub(crate) fn host(&self) -> usize {
        match *self {
            Self::Record { host, .. }
            | Self::Route { host, .. }
            | Self::HostAddress { host, .. }
            | Self::ProviderRoute { host, .. }
            | Self::Global { host, .. }
            | Self::Adapter { host, .. }
            | Self::Vm { host, .. }
            | Self::Switch { host, .. }
            | Self::NetAdapter { host, .. }
            | Self::Session { host, .. } => host,
        }
    }

    /// Its properties in the order Windows lists them.
    pub(crate) fn properties<'s>(&self, estate: &Estate) -> Properties<'s> {
        let host = &estate.hosts[self.host()];
        let mut properties = match self {
            Self::Record { entry, .. } => properties(field::RECORD, entry),
            Self::Route { entry, .. } => properties(field::CUSTOMER_ROUTE, entry),
            Self::HostAddress { entry, .. } => properties(field::HOST_ADDRESS, entry),
            Self::ProviderRoute { entry, .. } => properties(field::PROVIDER_ROUTE, entry),
            Self::Global {
                use_external_router,
                ..
            } => {
                vec![("UseExternalRouter", Value::Bool(*use_external_router))]
            }
            Self::Adapter { vm_name, name, .. } => host
                .adapters
                .iter()
                .find(|a| *a.vm_name == **vm_name && *a.name == **name)
                .map(adapter_properties)
                .unwrap_or_default(),
            Self::Vm { name, .. } => {
                vec![("Name", Value::text(name)), ("VMName", Value::text(name))]
            }
            Self::Switch {
                interface_index, ..
            } => host
                .nics
                .iter()
                .find(|nic| nic.interface_index == *interface_index)
                .map(switch_properties)
                .unwrap_or_default(),
            Self::NetAdapter {
                interface_index, ..
            } => host
                .nics
                .iter()
                .find(|nic| nic.interface_index == *interface_index)
                .map(nic_properties)
                .unwrap_or_default(),
            Self::Session { session, .. } => vec![("Id", Value::number(*session as i64 + 1))],
        };
        properties.push(("ComputerName", Value::text(&host.name)));
        properties.push(("PSComputerName", Value::text(&host.name)));
        properties
    }
}

fn shown<'s>(value: impl ToString) -> Value<'s> {
    Value::text(value.to_string())
}

pub(crate) fn adapter_properties<'s>(adapter: &Adapter) -> Properties<'s> {
    let on_off = |on: bool| Value::text(if on { "On" } else { "Off" });
    let subnet = match adapter.subnet {
        PortSubnet::Unset => 0,
        PortSubnet::Tenant(vsid) => vsid.get(),
        PortSubnet::LocalOnly => 0xff_ffff,
    };
    let bandwidth = i64::try_from(adapter.maximum_bandwidth_bits_per_second).unwrap_or(i64::MAX);
    vec![
        ("VMName", Value::text(&adapter.vm_name)),
        ("Name", Value::text(&adapter.name)),
        ("SwitchName", Value::text(&adapter.switch_name)),
        ("MacAddress", shown(adapter.mac)),
        ("VirtualSubnetId", Value::number(subnet)),
        ("MacAddressSpoofing", on_off(adapter.mac_address_spoofing)),
        ("DhcpGuard", on_off(adapter.dhcp_guard)),
        ("RouterGuard", on_off(adapter.router_guard)),
        ("MaximumBandwidth", Value::number(bandwidth)),
        (
            "StormLimit",
            Value::number(adapter.storm_limit_packets_per_second),
        ),
    ]
}

pub(crate) fn switch_properties<'s>(nic: &Nic) -> Properties<'s> {
    vec![
        ("Name", Value::text(&nic.switch_name)),
        ("SwitchName", Value::text(&nic.switch_name)),
        ("SwitchType", Value::text("External")),
        ("NetAdapterName", Value::text(&nic.name)),
        (
            "NetAdapterInterfaceDescription",
            Value::text(&nic.interface_description),
        ),
    ]
}

pub(crate) fn nic_properties<'s>(nic: &Nic) -> Properties<'s> {
    // Get-NetAdapter prints MACs with dashes.
    let octets = nic.mac.octets().map(|octet| format!("{octet:02X}"));
    vec![
        ("Name", Value::text(&nic.name)),
        ("InterfaceAlias", Value::text(&nic.name)),
        (
            "InterfaceDescription",
            Value::text(&nic.interface_description),
        ),
        ("ifDesc", Value::text(&nic.interface_description)),
        ("InterfaceIndex", Value::number(nic.interface_index)),
        ("ifIndex", Value::number(nic.interface_index)),
        ("MacAddress", Value::text(octets.join("-"))),
    ]
}
