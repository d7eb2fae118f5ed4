//! What `nvgre show` says for tools: one JSON line a host, schema `nvgre.show/1`.
//!
//! ```text
//! {"schema":"nvgre.show/1","host":NAME,"use_external_router":BOOL,"wnv_bound":BOOL,
//!  "adapters":[{"VMName",...,"place"}],          Get-VMNetworkAdapter
//!  "lookup_records":[{"CustomerAddress",...}],   Get-NetVirtualizationLookupRecord
//!  "customer_routes":[{"RoutingDomainID",...}],  Get-NetVirtualizationCustomerRoute
//!  "provider_addresses":[{...}],                 Get-NetVirtualizationProviderAddress
//!  "provider_routes":[{...}]}                    Get-NetVirtualizationProviderRoute
//! ```
//!
//! Properties have the names that the cmdlets' objects have. Ids and metrics are numbers, addresses
//! and MACs text.

use nvgre_netwnv::Host;
use schemars::JsonSchema;
use serde::Serialize;

use crate::show::subnet;

/// One host's tables, with the names of the cmdlets' objects. `place`: file, line and column of the
/// command that made it so.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonHost<'a> {
    schema: &'static str,
    /// Its name.
    host: &'a str,
    /// `Set-NetVirtualizationGlobal -UseExternalRouter`: routing is left to a router outside.
    use_external_router: bool,
    /// Whether a NIC is bound to network virtualization (ms_netwnv).
    wnv_bound: bool,
    /// As `Get-VMNetworkAdapter` shows them.
    adapters: Vec<JsonAdapter<'a>>,
    /// As `Get-NetVirtualizationLookupRecord` shows them.
    lookup_records: Vec<JsonRecord<'a>>,
    /// As `Get-NetVirtualizationCustomerRoute` shows them.
    customer_routes: Vec<JsonRoute>,
    /// As `Get-NetVirtualizationProviderAddress` shows them.
    provider_addresses: Vec<JsonAddress>,
    /// As `Get-NetVirtualizationProviderRoute` shows them.
    provider_routes: Vec<JsonProviderRoute>,
}

/// A network adapter of a guest.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct JsonAdapter<'a> {
    /// The guest.
    #[serde(rename = "VMName")]
    vm_name: &'a str,
    /// The adapter.
    name: &'a str,
    /// Its MAC.
    mac_address: String,
    /// The switch it is connected to.
    switch_name: &'a str,
    /// 0: none.
    virtual_subnet_id: u32,
    /// Where the subnet was set; null: it stands as the scenario has it.
    #[serde(rename = "place")]
    place: Option<String>,
}

/// A lookup record.
#[derive(Serialize, JsonSchema)]
struct JsonRecord<'a> {
    /// The guest's address, for its tenant.
    #[serde(rename = "CustomerAddress")]
    customer_address: String,
    /// The address of the guest's host on the underlay.
    #[serde(rename = "ProviderAddress")]
    provider_address: String,
    /// The guest's MAC.
    #[serde(rename = "MACAddress")]
    mac_address: String,
    /// The guest's virtual subnet.
    #[serde(rename = "VirtualSubnetID")]
    virtual_subnet_id: u32,
    /// As it was written; it decides nothing.
    #[serde(rename = "CustomerID")]
    customer_id: Option<&'a str>,
    /// As it was written; it decides nothing.
    #[serde(rename = "Context")]
    context: Option<&'a str>,
    /// How frames travel.
    #[serde(rename = "Rule")]
    rule: &'static str,
    /// As it was written; it decides nothing.
    #[serde(rename = "VMName")]
    vm_name: Option<&'a str>,
    /// Whether rewritten frames carry the guest's MAC outside.
    #[serde(rename = "UseVmMACAddress")]
    use_vm_mac_address: bool,
    /// What the record stands for.
    #[serde(rename = "Type")]
    record_type: &'static str,
    /// FILE:LINE:COLUMN of the command that made it.
    place: String,
}

/// A customer route.
#[derive(Serialize, JsonSchema)]
struct JsonRoute {
    /// The routing domain: {GUID}.
    #[serde(rename = "RoutingDomainID")]
    routing_domain_id: String,
    /// The subnet behind the route.
    #[serde(rename = "VirtualSubnetID")]
    virtual_subnet_id: u32,
    /// What it leads to.
    #[serde(rename = "DestinationPrefix")]
    destination_prefix: String,
    /// 0.0.0.0 or :: where it is on-link.
    #[serde(rename = "NextHop")]
    next_hop: String,
    /// The lowest wins among equal prefixes.
    #[serde(rename = "Metric")]
    metric: u32,
    /// FILE:LINE:COLUMN of the command that made it.
    place: String,
}

/// A provider address.
#[derive(Serialize, JsonSchema)]
struct JsonAddress {
    /// The address.
    #[serde(rename = "ProviderAddress")]
    provider_address: String,
    /// The NIC it is on.
    #[serde(rename = "InterfaceIndex")]
    interface_index: u32,
    /// Of the prefix on its link.
    #[serde(rename = "PrefixLength")]
    prefix_length: u8,
    /// 0: untagged.
    #[serde(rename = "VlanID")]
    vlan_id: u16,
    /// The MAC of the NIC.
    #[serde(rename = "MACAddress")]
    mac_address: String,
    /// FILE:LINE:COLUMN of the command that made it.
    place: String,
}

/// A route on the underlay.
#[derive(Serialize, JsonSchema)]
struct JsonProviderRoute {
    /// The NIC it goes out of.
    #[serde(rename = "InterfaceIndex")]
    interface_index: u32,
    /// What it leads to.
    #[serde(rename = "DestinationPrefix")]
    destination_prefix: String,
    /// The router.
    #[serde(rename = "NextHop")]
    next_hop: String,
    /// The lowest wins among equal prefixes.
    #[serde(rename = "Metric")]
    metric: u32,
    /// FILE:LINE:COLUMN of the command that made it.
    place: String,
}

impl<'a> JsonHost<'a> {
    pub(crate) fn of(host: &'a Host) -> Self {
        let adapters = host.adapters.iter().map(|adapter| JsonAdapter {
            vm_name: &adapter.vm_name,
            name: &adapter.name,
            mac_address: adapter.mac.to_string(),
            switch_name: &adapter.switch_name,
            virtual_subnet_id: subnet(adapter.subnet),
            place: adapter.place.as_ref().map(ToString::to_string),
        });
        let records = host.records.iter().map(|entry| JsonRecord {
            customer_address: entry.record.customer_address.to_string(),
            provider_address: entry.record.provider_address.to_string(),
            mac_address: entry.record.mac.to_string(),
            virtual_subnet_id: entry.record.virtual_subnet.get(),
            customer_id: entry.labels.customer_id(),
            context: entry.labels.context(),
            rule: entry.record.rule.name(),
            vm_name: entry.labels.vm_name(),
            use_vm_mac_address: entry.record.use_vm_mac,
            record_type: entry.record.record_type.name(),
            place: entry.place.to_string(),
        });
        let routes = host.customer_routes.iter().map(|entry| JsonRoute {
            routing_domain_id: entry.route.routing_domain.to_string(),
            virtual_subnet_id: entry.route.virtual_subnet.get(),
            destination_prefix: entry.route.destination.to_string(),
            next_hop: entry.route.next_hop.to_string(),
            metric: entry.route.metric,
            place: entry.place.to_string(),
        });
        let addresses = host.provider_addresses.iter().map(|entry| JsonAddress {
            provider_address: entry.address.address.to_string(),
            interface_index: entry.address.interface_index,
            prefix_length: entry.address.prefix_length,
            vlan_id: entry.address.vlan.map_or(0, |vlan| vlan.get()),
            mac_address: entry.address.mac.to_string(),
            place: entry.place.to_string(),
        });
        let provider_routes = host.provider_routes.iter().map(|entry| JsonProviderRoute {
            interface_index: entry.route.interface_index,
            destination_prefix: entry.route.destination.to_string(),
            next_hop: entry.route.next_hop.to_string(),
            metric: entry.route.metric,
            place: entry.place.to_string(),
        });
        Self {
            schema: "nvgre.show/1",
            host: &host.name,
            use_external_router: host.use_external_router,
            wnv_bound: host.nics.iter().any(|nic| nic.wnv_bound),
            adapters: adapters.collect(),
            lookup_records: records.collect(),
            customer_routes: routes.collect(),
            provider_addresses: addresses.collect(),
            provider_routes: provider_routes.collect(),
        }
    }
}
