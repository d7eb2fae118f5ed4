//! A host as dumps: what Get- cmdlets would show of it, as ConvertTo-Json and Export-Csv write it.

use nvgre_wire::CustomerAddress;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::dump::kind::DumpKind;
use crate::estate::{Adapter, Host};
use crate::field::{self, properties};
use crate::kind::{ADDRESS_STATE, Kind, ON_OFF, RECORD_TYPE, RULE};
use crate::object::{Properties, adapter_properties, nic_properties};
use crate::value::Value;

/// The objects of one cmdlet, each with the same properties.
struct Table<'s> {
    kind: DumpKind,
    rows: Vec<Row<'s>>,
}

/// The properties of an object in the order in which Windows lists them.
struct Row<'s>(Properties<'s>);

/// Hosts as PowerShell 7 would write them with ConvertTo-Json: one array of all objects, each with
/// its PSComputerName, enums as numbers. `ip_addresses` are those of an adapter's guest, if they are
/// known. [`crate::Dump::read`] reads it back.
pub fn dump_json(
    hosts: &[&Host],
    ip_addresses: impl Fn(&Host, &Adapter) -> Vec<CustomerAddress>,
) -> String {
    let rows = hosts.iter().flat_map(|host| {
        let tables = tables(host, &ip_addresses).into_iter();
        tables.flat_map(|table| table.rows)
    });
    let rows: Vec<_> = rows.collect();
    // Texts, numbers and lists of them have no way to fail.
    let mut json = serde_json::to_string_pretty(&rows).unwrap_or_default();
    json.push('\n');
    json
}

/// A host as PowerShell 7 would write it with Export-Csv: name and text of a file for each cmdlet
/// that has something to show. Enums are names, nothing is null, lists are left out.
pub fn dump_csv(host: &Host) -> Vec<(String, String)> {
    let tables = tables(host, &|_: &Host, _: &Adapter| Vec::new()).into_iter();
    let tables = tables.filter(|table| !table.rows.is_empty());
    tables
        .map(|table| {
            let name = table.kind.noun().replace(' ', "-").to_ascii_lowercase();
            (format!("{name}.csv"), csv(&table.rows))
        })
        .collect()
}

fn csv(rows: &[Row<'_>]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let shown = |row: &Row<'_>| {
        let cells = row.0.iter().filter(|(name, _)| *name != "IPAddresses");
        cells
            .map(|(_, value)| match value {
                Value::Null => String::new(),
                value => quoted(&value.to_text().unwrap_or_default()),
            })
            .collect()
    };
    let header = rows.first().map(|row| {
        let names = row.0.iter().map(|(name, _)| *name);
        names
            .filter(|&name| name != "IPAddresses")
            .map(quoted)
            .collect()
    });
    header
        .into_iter()
        .chain(rows.iter().map(shown))
        .map(line)
        .collect()
}

fn tables<'s>(
    host: &Host,
    ip_addresses: &impl Fn(&Host, &Adapter) -> Vec<CustomerAddress>,
) -> Vec<Table<'s>> {
    DumpKind::ALL
        .iter()
        .map(|&kind| {
            let mut rows: Vec<Properties<'s>> = match kind {
                DumpKind::LookupRecord => host
                    .records
                    .iter()
                    .map(|row| properties(field::RECORD, row))
                    .collect(),
                DumpKind::CustomerRoute => host
                    .customer_routes
                    .iter()
                    .map(|row| properties(field::CUSTOMER_ROUTE, row))
                    .collect(),
                DumpKind::ProviderAddress => host
                    .provider_addresses
                    .iter()
                    .map(|row| properties(field::HOST_ADDRESS, row))
                    .collect(),
                DumpKind::ProviderRoute => host
                    .provider_routes
                    .iter()
                    .map(|row| properties(field::PROVIDER_ROUTE, row))
                    .collect(),
                DumpKind::Global => {
                    vec![vec![(
                        "UseExternalRouter",
                        Value::Bool(host.use_external_router),
                    )]]
                }
                DumpKind::Adapter => host
                    .adapters
                    .iter()
                    .map(|adapter| {
                        let mut properties = adapter_properties(adapter);
                        let own = ip_addresses(host, adapter);
                        let own = own.iter().map(Value::text_of).collect();
                        properties.push(("IPAddresses", Value::Array(own)));
                        properties
                    })
                    .collect(),
                DumpKind::Switch => {
                    let nics = host.nics.iter().filter(|nic| !nic.switch_name.is_empty());
                    nics.map(|nic| {
                        vec![
                            ("Name", Value::text(&nic.switch_name)),
                            ("SwitchType", Value::text("External")),
                            (
                                "NetAdapterInterfaceDescription",
                                Value::text(&nic.interface_description),
                            ),
                        ]
                    })
                    .collect()
                }
                DumpKind::NetAdapter => host
                    .nics
                    .iter()
                    .map(|nic| {
                        // Aliases come with -ExpandProperty only.
                        let aliases = ["InterfaceAlias", "ifDesc", "ifIndex"];
                        let properties = nic_properties(nic).into_iter();
                        properties
                            .filter(|(name, _)| !aliases.contains(name))
                            .collect()
                    })
                    .collect(),
                DumpKind::Binding => host
                    .nics
                    .iter()
                    .map(|nic| {
                        vec![
                            ("Name", Value::text(&nic.name)),
                            (
                                "InterfaceDescription",
                                Value::text(&nic.interface_description),
                            ),
                            ("ComponentID", Value::text("ms_netwnv")),
                            ("Enabled", Value::Bool(nic.wnv_bound)),
                        ]
                    })
                    .collect(),
            };
            for row in &mut rows {
                row.push(("PSComputerName", Value::text(&host.name)));
            }
            let rows = rows.into_iter().map(Row).collect();
            Table { kind, rows }
        })
        .collect()
}

/// The number of an enum's name.
fn number(property: &str, name: &str) -> Option<usize> {
    let names = match property {
        "Rule" => RULE,
        "Type" => RECORD_TYPE,
        "AddressState" => ADDRESS_STATE,
        "MacAddressSpoofing" | "DhcpGuard" | "RouterGuard" => ON_OFF,
        _ => return None,
    };
    let Kind::OneOf(names) = names else {
        return None;
    };
    names.iter().position(|&known| known == name)
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            match value {
                Value::Null => map.serialize_entry(name, &())?,
                Value::Bool(on) => map.serialize_entry(name, on)?,
                Value::Number(number, _) => map.serialize_entry(name, number)?,
                Value::Array(items) => {
                    let items: Vec<_> = items.iter().filter_map(Value::to_text).collect();
                    map.serialize_entry(name, &items)?;
                }
                value => {
                    let text = value.to_text().unwrap_or_default();
                    match number(name, &text) {
                        Some(number) => map.serialize_entry(name, &number)?,
                        None => map.serialize_entry(name, &text)?,
                    }
                }
            }
        }
        map.end()
    }
}
