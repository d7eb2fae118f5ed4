//! `nvgre show`: the tables of the modeled hosts, in the look of Get-NetVirtualization*.

use std::io::Write;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::Host;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::scenario_file::load;
use crate::show::json::JsonHost;

pub(crate) mod json;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// Show only this host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Enter the stages up to this one, name or number, instead of all.
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
            if record.use_vm_mac { "True" } else { "" }.to_owned(),
            entry.labels.vm_name().unwrap_or_default().to_owned(),
            entry.labels.customer_id().unwrap_or_default().to_owned(),
            entry.labels.context().unwrap_or_default().to_owned(),
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

/// A heading and a table below it, without the columns that are empty in every row; "(none)" where
/// there is no row, as people look for that. As wide as it gets: nothing is cut.
fn table(
    out: &mut Output,
    heading: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), Failure> {
    let rows: Vec<_> = rows.collect();
    writeln!(out, "{heading}\n")?;
    if rows.is_empty() {
        writeln!(out, "  (none)\n")?;
        return Ok(());
    }
    let filled: Vec<bool> = (0..columns.len())
        .map(|column| rows.iter().any(|row| !row[column].is_empty()))
        .collect();
    let kept = |cells: &[String]| -> Vec<String> {
        let cells = cells.iter().zip(&filled).filter(|(_, filled)| **filled);
        cells.map(|(cell, _)| cell.clone()).collect()
    };
    let mut table = Table::new();
    let header: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
    table.load_style(NOTHING).set_header(kept(&header));
    table.add_rows(rows.iter().map(|row| kept(row)));
    for line in table.to_string().lines() {
        writeln!(out, " {}", line.trim_end())?;
    }
    writeln!(out)?;
    Ok(())
}

/// The subnet as Windows numbers it: 0 is none.
pub(crate) fn subnet(subnet: PortSubnet) -> u32 {
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
