//! Kinds of a dump's objects, told by their properties: files may be called anything.

use std::fmt;

use crate::dump::object::DumpObject;

/// What the objects of one cmdlet are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DumpKind {
    /// Of Get-NetVirtualizationLookupRecord.
    LookupRecord,
    /// Of Get-NetVirtualizationCustomerRoute.
    CustomerRoute,
    /// Of Get-NetVirtualizationProviderAddress.
    ProviderAddress,
    /// Of Get-NetVirtualizationProviderRoute.
    ProviderRoute,
    /// Of Get-NetVirtualizationGlobal.
    Global,
    /// Of Get-VMNetworkAdapter.
    Adapter,
    /// Of Get-VMSwitch.
    Switch,
    /// Of Get-NetAdapter.
    NetAdapter,
    /// Of Get-NetAdapterBinding.
    Binding,
}

impl DumpKind {
    /// Every kind, in the order in which their objects are taken in.
    pub const ALL: [Self; 9] = [
        Self::NetAdapter,
        Self::Binding,
        Self::Switch,
        Self::ProviderAddress,
        Self::ProviderRoute,
        Self::CustomerRoute,
        Self::LookupRecord,
        Self::Global,
        Self::Adapter,
    ];

    /// The cmdlet that gives these objects.
    pub const fn cmdlet(self) -> &'static str {
        match self {
            Self::LookupRecord => "Get-NetVirtualizationLookupRecord",
            Self::CustomerRoute => "Get-NetVirtualizationCustomerRoute",
            Self::ProviderAddress => "Get-NetVirtualizationProviderAddress",
            Self::ProviderRoute => "Get-NetVirtualizationProviderRoute",
            Self::Global => "Get-NetVirtualizationGlobal",
            Self::Adapter => "Get-VMNetworkAdapter",
            Self::Switch => "Get-VMSwitch",
            Self::NetAdapter => "Get-NetAdapter",
            Self::Binding => "Get-NetAdapterBinding",
        }
    }

    /// What messages call one of them.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::LookupRecord => "lookup record",
            Self::CustomerRoute => "customer route",
            Self::ProviderAddress => "provider address",
            Self::ProviderRoute => "provider route",
            Self::Global => "global setting",
            Self::Adapter => "VM network adapter",
            Self::Switch => "VM switch",
            Self::NetAdapter => "network adapter",
            Self::Binding => "binding",
        }
    }

    /// The kind of an object. It may still lack what its kind needs.
    pub(crate) fn of(object: &DumpObject<'_>) -> Option<Self> {
        let has = |name: &str| object.has(name);
        let any = |names: &[&str]| names.iter().any(|name| has(name));
        // Get-NetRoute has a RouteMetric, and is no policy.
        let is_route = has("DestinationPrefix") && !has("RouteMetric");
        Some(
            if has("CustomerAddress")
                && any(&["ProviderAddress", "VirtualSubnetID", "MACAddress", "Rule"])
            {
                Self::LookupRecord
            } else if is_route && any(&["RoutingDomainID", "VirtualSubnetID"]) {
                Self::CustomerRoute
            } else if is_route && any(&["InterfaceIndex", "NextHop"]) {
                Self::ProviderRoute
            } else if has("ProviderAddress") && any(&["InterfaceIndex", "PrefixLength"]) {
                Self::ProviderAddress
            } else if has("UseExternalRouter") {
                Self::Global
            } else if any(&["VMName", "IsManagementOs"])
                && has("MacAddress")
                && any(&["VirtualSubnetId", "SwitchName", "Name"])
            {
                Self::Adapter
            } else if has("ComponentID") && has("Enabled") {
                Self::Binding
            } else if has("InterfaceDescription")
                && has("MacAddress")
                && any(&["InterfaceIndex", "ifIndex"])
            {
                Self::NetAdapter
            } else if has("NetAdapterInterfaceDescription") {
                Self::Switch
            } else {
                return None;
            },
        )
    }
}

impl fmt::Display for DumpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}
