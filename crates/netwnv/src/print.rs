//! Entries as the commands that make them.

use nvgre_dataplane::RecordType;

use crate::estate::{HostAddressEntry, ProviderRouteEntry, RecordEntry, RouteEntry};

/// `text` as a double-quoted PowerShell string: printable ASCII on one line, so that it is the same
/// string in whatever encoding the script is read. Windows PowerShell reads a file without a byte
/// order mark as ANSI, where some bytes of UTF-8 are quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\"\""),
            '`' | '$' => out.extend(['`', c]),
            '\n' => out.push_str("`n"),
            '\r' => out.push_str("`r"),
            '\t' => out.push_str("`t"),
            ' '..='~' => out.push(c),
            // A char of PowerShell is one unit of UTF-16.
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out += &format!("$([char]0x{unit:04X})");
                }
            }
        }
    }
    out.push('"');
    out
}

impl RecordEntry {
    /// The New-NetVirtualizationLookupRecord that makes this record, on one line.
    pub fn to_powershell(&self) -> String {
        let record = &self.record;
        let mut command = format!(
            "New-NetVirtualizationLookupRecord -VirtualSubnetID {} -CustomerAddress \"{}\" -MACAddress \"{}\" -ProviderAddress \"{}\" -Rule \"{}\"",
            record.virtual_subnet,
            record.customer_address,
            record.mac,
            record.provider_address,
            record.rule,
        );
        if record.record_type != RecordType::Static {
            command += &format!(" -Type \"{}\"", record.record_type);
        }
        if record.use_vm_mac {
            command += " -UseVmMACAddress $true";
        }
        let labels = [
            ("CustomerID", self.labels.customer_id()),
            ("Context", self.labels.context()),
            ("VMName", self.labels.vm_name()),
        ];
        for (name, label) in labels {
            if let Some(label) = label {
                command += &format!(" -{name} {}", quoted(label));
            }
        }
        command
    }
}

impl RouteEntry {
    /// The New-NetVirtualizationCustomerRoute that makes this route, on one line.
    pub fn to_powershell(&self) -> String {
        let route = &self.route;
        format!(
            "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{}\" -VirtualSubnetID {} -DestinationPrefix \"{}\" -NextHop \"{}\" -Metric {}",
            route.routing_domain,
            route.virtual_subnet,
            route.destination,
            route.next_hop,
            route.metric,
        )
    }
}

impl HostAddressEntry {
    /// The New-NetVirtualizationProviderAddress that makes this address, on one line.
    pub fn to_powershell(&self) -> String {
        let address = &self.address;
        let vlan = address.vlan.map(|vlan| format!(" -VlanID {vlan}"));
        format!(
            "New-NetVirtualizationProviderAddress -ProviderAddress \"{}\" -InterfaceIndex {} -PrefixLength {}{} -MACAddress \"{}\"",
            address.address,
            address.interface_index,
            address.prefix_length,
            vlan.unwrap_or_default(),
            address.mac,
        )
    }
}

impl ProviderRouteEntry {
    /// The New-NetVirtualizationProviderRoute that makes this route, on one line.
    pub fn to_powershell(&self) -> String {
        let route = &self.route;
        format!(
            "New-NetVirtualizationProviderRoute -InterfaceIndex {} -DestinationPrefix \"{}\" -NextHop \"{}\" -Metric {}",
            route.interface_index, route.destination, route.next_hop, route.metric,
        )
    }
}
