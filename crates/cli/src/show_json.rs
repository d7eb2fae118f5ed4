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
use serde::Serialize;

use crate::show::subnet;

/// One host's tables, with the names of the cmdlets' objects. `place`: file, line and column of the
/// command that made it so.
#[derive(Serialize)]
pub(crate) struct JsonHost<'a> {
    schema: &'static str,
    host: &'a str,
    use_external_router: bool,
    wnv_bound: bool,
    adapters: Vec<JsonAdapter<'a>>,
    lookup_records: Vec<JsonRecord<'a>>,
    customer_routes: Vec<JsonRoute>,
    provider_addresses: Vec<JsonAddress>,
    provider_routes: Vec<JsonProviderRoute>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct JsonAdapter<'a> {
    #[serde(rename = "VMName")]
    vm_name: &'a str,
    name: &'a str,
    mac_address: String,
    switch_name: &'a str,
    virtual_subnet_id: u32,
    /// Where the subnet was set; null: it stands as the scenario has it.
    #[serde(rename = "place")]
    place: Option<String>,
}

#[derive(Serialize)]
struct JsonRecord<'a> {
    #[serde(rename = "CustomerAddress")]
    customer_address: String,
    #[serde(rename = "ProviderAddress")]
    provider_address: String,
    #[serde(rename = "MACAddress")]
    mac_address: String,
    #[serde(rename = "VirtualSubnetID")]
    virtual_subnet_id: u32,
    #[serde(rename = "CustomerID")]
    customer_id: Option<&'a str>,
    #[serde(rename = "Context")]
    context: Option<&'a str>,
    #[serde(rename = "Rule")]
    rule: &'static str,
    #[serde(rename = "VMName")]
    vm_name: Option<&'a str>,
    #[serde(rename = "UseVmMACAddress")]
    use_vm_mac_address: bool,
    #[serde(rename = "Type")]
    record_type: &'static str,
    place: String,
}

#[derive(Serialize)]
struct JsonRoute {
    #[serde(rename = "RoutingDomainID")]
    routing_domain_id: String,
    #[serde(rename = "VirtualSubnetID")]
    virtual_subnet_id: u32,
    #[serde(rename = "DestinationPrefix")]
    destination_prefix: String,
    #[serde(rename = "NextHop")]
    next_hop: String,
    #[serde(rename = "Metric")]
    metric: u32,
    place: String,
}

#[derive(Serialize)]
struct JsonAddress {
    #[serde(rename = "ProviderAddress")]
    provider_address: String,
    #[serde(rename = "InterfaceIndex")]
    interface_index: u32,
    #[serde(rename = "PrefixLength")]
    prefix_length: u8,
    #[serde(rename = "VlanID")]
    vlan_id: u16,
    #[serde(rename = "MACAddress")]
    mac_address: String,
    place: String,
}

#[derive(Serialize)]
struct JsonProviderRoute {
    #[serde(rename = "InterfaceIndex")]
    interface_index: u32,
    #[serde(rename = "DestinationPrefix")]
    destination_prefix: String,
    #[serde(rename = "NextHop")]
    next_hop: String,
    #[serde(rename = "Metric")]
    metric: u32,
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
