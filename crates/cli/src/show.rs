//! `nvgre show`: the tables of the modeled hosts, in the look of Get-NetVirtualization*.

use std::io::Write;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::Host;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::scenario_file::load;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// Only this host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Enter the scenario's stages up to this one (name or number) instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
}

/// Shows every host, or the one asked for.
pub(crate) fn run(args: &ShowArgs, out: &mut Output) -> Result<Exit, Failure> {
    let model = load(&args.scenario, args.stage.as_deref(), out)?;
    let hosts = &model.estate().hosts;
    let wanted = |host: &&Host| {
        args.host
            .as_ref()
            .is_none_or(|name| host.name.eq_ignore_ascii_case(name))
    };
    let mut shown = hosts.iter().filter(wanted).peekable();
    if shown.peek().is_none() {
        let names: Vec<_> = hosts.iter().map(|host| host.name.as_str()).collect();
        let wanted = args.host.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!(
            "no host '{wanted}'; there are: {}",
            names.join(", ")
        )));
    }
    for host in shown {
        if out.is_json() {
            out.json_line(&JsonHost::of(host))?;
        } else {
            print(host, out)?;
        }
    }
    Ok(Exit::Success)
}

fn print(host: &Host, out: &mut Output) -> Result<(), Failure> {
    writeln!(out, "[{}]\n", host.name)?;
    let adapters = host.adapters.iter().map(|adapter| {
        vec![
            adapter.vm_name.clone(),
            adapter.name.clone(),
            adapter.mac.to_string(),
            adapter.switch_name.clone(),
            subnet(adapter.subnet).to_string(),
            place(adapter.place.as_ref()),
        ]
    });
    table(
        out,
        "Get-VMNetworkAdapter",
        &[
            "VMName",
            "Name",
            "MacAddress",
            "SwitchName",
            "VirtualSubnetId",
            "(written at)",
        ],
        adapters,
    )?;
    let records = host.records.iter().map(|entry| {
        let record = &entry.record;
        vec![
            record.customer_address.to_string(),
            record.virtual_subnet.to_string(),
            record.mac.to_string(),
            record.provider_address.to_string(),
            record.rule.to_string(),
            record.record_type.to_string(),
            record.use_vm_mac.to_string(),
            entry.labels.vm_name.clone().unwrap_or_default(),
            entry.labels.customer_id.clone().unwrap_or_default(),
            entry.labels.context.clone().unwrap_or_default(),
            place(Some(&entry.place)),
        ]
    });
    table(
        out,
        "Get-NetVirtualizationLookupRecord",
        &[
            "CustomerAddress",
            "VirtualSubnetID",
            "MACAddress",
            "ProviderAddress",
            "Rule",
            "Type",
            "UseVmMACAddress",
            "VMName",
            "CustomerID",
            "Context",
            "(written at)",
        ],
        records,
    )?;
    let routes = host.customer_routes.iter().map(|entry| {
        let route = &entry.route;
        vec![
            route.routing_domain.to_string(),
            route.virtual_subnet.to_string(),
            route.destination.to_string(),
            route.next_hop.to_string(),
            route.metric.to_string(),
            place(Some(&entry.place)),
        ]
    });
    table(
        out,
        "Get-NetVirtualizationCustomerRoute",
        &[
            "RoutingDomainID",
            "VirtualSubnetID",
            "DestinationPrefix",
            "NextHop",
            "Metric",
            "(written at)",
        ],
        routes,
    )?;
    let addresses = host.provider_addresses.iter().map(|entry| {
        let address = &entry.address;
        vec![
            address.address.to_string(),
            address.interface_index.to_string(),
            address.prefix_length.to_string(),
            address
                .vlan
                .map_or_else(|| "0".to_owned(), |vlan| vlan.to_string()),
            address.mac.to_string(),
            place(Some(&entry.place)),
        ]
    });
    table(
        out,
        "Get-NetVirtualizationProviderAddress",
        &[
            "ProviderAddress",
            "InterfaceIndex",
            "PrefixLength",
            "VlanID",
            "MACAddress",
            "(written at)",
        ],
        addresses,
    )?;
    let provider_routes = host.provider_routes.iter().map(|entry| {
        let route = &entry.route;
        vec![
            route.interface_index.to_string(),
            route.destination.to_string(),
            route.next_hop.to_string(),
            route.metric.to_string(),
            place(Some(&entry.place)),
        ]
    });
    table(
        out,
        "Get-NetVirtualizationProviderRoute",
        &[
            "InterfaceIndex",
            "DestinationPrefix",
            "NextHop",
            "Metric",
            "(written at)",
        ],
        provider_routes,
    )?;
    writeln!(
        out,
        "Get-NetVirtualizationGlobal\n\n  UseExternalRouter : {}\n",
        title(host.use_external_router)
    )?;
    for nic in &host.nics {
        writeln!(
            out,
            "Get-NetAdapterBinding -ComponentID ms_netwnv\n\n  {} ({}) : {}\n",
            nic.name,
            nic.interface_description,
            title(nic.wnv_bound)
        )?;
    }
    Ok(())
}

/// A heading and a table below it; "(none)" where it is empty, as people look for that.
fn table(
    out: &mut Output,
    heading: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(columns);
    let mut empty = true;
    for row in rows {
        table.add_row(row);
        empty = false;
    }
    writeln!(out, "{heading}\n")?;
    if empty {
        writeln!(out, "  (none)\n")?;
    } else {
        for line in table.to_string().lines() {
            writeln!(out, " {}", line.trim_end())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn subnet(subnet: PortSubnet) -> u32 {
    match subnet {
        PortSubnet::Unset => 0,
        PortSubnet::Tenant(vsid) => vsid.get(),
        PortSubnet::LocalOnly => 0xff_ffff,
    }
}

fn place(place: Option<&nvgre_netwnv::Place>) -> String {
    place.map(ToString::to_string).unwrap_or_default()
}

/// As PowerShell prints booleans.
fn title(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// One host's tables, with the names of the WMI classes.
#[derive(Serialize)]
struct JsonHost<'a> {
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
    fn of(host: &'a Host) -> Self {
        let adapters = host.adapters.iter().map(|adapter| JsonAdapter {
            vm_name: &adapter.vm_name,
            name: &adapter.name,
            mac_address: adapter.mac.to_string(),
            switch_name: &adapter.switch_name,
            virtual_subnet_id: subnet(adapter.subnet),
        });
        let records = host.records.iter().map(|entry| JsonRecord {
            customer_address: entry.record.customer_address.to_string(),
            provider_address: entry.record.provider_address.to_string(),
            mac_address: entry.record.mac.to_string(),
            virtual_subnet_id: entry.record.virtual_subnet.get(),
            customer_id: entry.labels.customer_id.as_deref(),
            context: entry.labels.context.as_deref(),
            rule: entry.record.rule.name(),
            vm_name: entry.labels.vm_name.as_deref(),
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
