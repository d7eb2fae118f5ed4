//! The tables of a scenario as TOML, with comments where something was guessed.

use std::fmt::{self, Write as _};

use nvgre_dataplane::PortSubnet;
use toml::Value;

use crate::scenario::{DEFAULT_NIC, Guest, Host, Tenant};

/// What Windows calls a NIC, and the scenario where it says nothing.
pub(crate) const DEFAULT_INTERFACE_NAME: &str = "Ethernet";

/// `[[tenant]]`, behind an empty line.
pub(crate) fn tenant(out: &mut String, tenant: &Tenant) -> fmt::Result {
    writeln!(out, "\n[[tenant]]\nname = {}", quoted(&tenant.name))?;
    writeln!(out, "routing_domain = \"{}\"", tenant.routing_domain)?;
    let subnets: Vec<_> = tenant
        .virtual_subnets
        .iter()
        .map(ToString::to_string)
        .collect();
    writeln!(out, "virtual_subnets = [{}]", subnets.join(", "))?;
    let groups = tenant.bum_groups.iter();
    let groups: Vec<_> = groups
        .map(|(vsid, group)| format!("{vsid} = \"{group}\""))
        .collect();
    if !groups.is_empty() {
        writeln!(out, "bum_group = {{ {} }}", groups.join(", "))?;
    }
    Ok(())
}

/// `[[host]]`, behind an empty line; a comment behind its MAC if there is one. Its link is left to
/// be as the underlay.
pub(crate) fn host(out: &mut String, host: &Host, about_mac: &str) -> fmt::Result {
    writeln!(out, "\n[[host]]\nname = {}", quoted(&host.name))?;
    writeln!(out, "switch = {}", quoted(&host.switch))?;
    writeln!(out, "interface_index = {}", host.interface_index)?;
    writeln!(
        out,
        "interface_description = {}",
        quoted(&host.interface_description)
    )?;
    if host.interface_name != DEFAULT_INTERFACE_NAME {
        writeln!(out, "interface_name = {}", quoted(&host.interface_name))?;
    }
    writeln!(out, "mac = \"{}\"{}", host.mac, comment(about_mac))?;
    let policy: Vec<_> = host.policy.iter().map(|file| quoted(file)).collect();
    writeln!(out, "policy = [{}]", policy.join(", "))
}

/// `[[guest]]`, behind an empty line; a comment above its name and one behind its addresses, if
/// there are some. `tenant` and `host` are names. A VLAN, gateways and the MTU are left out.
pub(crate) fn guest(
    out: &mut String,
    guest: &Guest,
    [tenant, host]: [&str; 2],
    [above, about_addresses]: [&str; 2],
) -> fmt::Result {
    writeln!(out, "\n[[guest]]")?;
    if !above.is_empty() {
        writeln!(out, "# {above}")?;
    }
    writeln!(out, "name = {}", quoted(&guest.name))?;
    if guest.nic != DEFAULT_NIC {
        writeln!(out, "nic = {}", quoted(&guest.nic))?;
    }
    writeln!(out, "tenant = {}\nhost = {}", quoted(tenant), quoted(host))?;
    writeln!(out, "mac = \"{}\"", guest.mac)?;
    let own = guest.addresses.iter();
    let own: Vec<_> = own
        .map(|own| format!("\"{}/{}\"", own.address, own.prefix_length))
        .collect();
    writeln!(
        out,
        "addresses = [{}]{}",
        own.join(", "),
        comment(about_addresses)
    )?;
    match guest.subnet {
        PortSubnet::Unset => {}
        PortSubnet::Tenant(vsid) => writeln!(out, "virtual_subnet = {vsid}")?,
        PortSubnet::LocalOnly => writeln!(out, "virtual_subnet = 16777215")?,
    }
    for (key, on) in [
        ("mac_address_spoofing", guest.mac_address_spoofing),
        ("dhcp_guard", guest.dhcp_guard),
        ("router_guard", guest.router_guard),
    ] {
        if on {
            writeln!(out, "{key} = true")?;
        }
    }
    for (key, limit) in [
        (
            "maximum_bandwidth_bits_per_second",
            guest.maximum_bandwidth_bits_per_second,
        ),
        (
            "storm_limit_packets_per_second",
            guest.storm_limit_packets_per_second.into(),
        ),
    ] {
        if limit > 0 {
            writeln!(out, "{key} = {limit}")?;
        }
    }
    Ok(())
}

/// As TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn comment(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("    # {text}")
}
