//! What is different between the tables of two estates.

use std::fmt;

use nvgre_netwnv::Place;
use nvgre_wire::{CustomerAddress, ProviderAddress, ProviderPrefix};

use crate::cross::RouteName;
use crate::record_name::RecordName;

/// One thing that is different, in the same way on all of these hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The hosts, in the order of the new estate, then those that are in the old one only. Of an
    /// adapter that moved: the host where it was, then the one where it is.
    pub hosts: Vec<String>,
    /// What it is about.
    pub item: Item,
    /// How it is different.
    pub change: Change,
    /// Where the old state is written, host by host.
    pub old: Vec<Place>,
    /// Where the new state is written, host by host.
    pub new: Vec<Place>,
}

/// What is told apart by itself on a host, and found again by that in another state of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// The host itself.
    Host,
    /// A NIC, by its name.
    Nic(String),
    /// The network virtualization settings (Get-NetVirtualizationGlobal).
    Global,
    /// A provider address.
    ProviderAddress(ProviderAddress),
    /// A provider route.
    ProviderRoute {
        /// `-DestinationPrefix`
        destination: ProviderPrefix,
        /// `-NextHop`
        next_hop: ProviderAddress,
        /// `-InterfaceIndex`
        interface_index: u32,
    },
    /// A customer route.
    CustomerRoute {
        /// Subnet, domain and prefix.
        name: RouteName,
        /// `-NextHop`
        next_hop: CustomerAddress,
    },
    /// A lookup record.
    Record(RecordName),
    /// A VM's adapter, wherever it runs.
    Adapter {
        /// The VM.
        vm_name: String,
        /// The adapter's name within it.
        name: String,
    },
    /// A guest of the inventory: whose it is.
    Guest(String),
}

/// How something is different.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Only in the new state, with these properties.
    Added(Vec<Property>),
    /// Only in the old state, with these properties.
    Removed(Vec<Property>),
    /// In both, with properties that differ.
    Changed(Vec<ChangedProperty>),
}

/// A property and its value, as Windows names and prints them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// A property whose value is another now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangedProperty {
    /// Its name.
    pub name: &'static str,
    /// Its value in the old state.
    pub old: String,
    /// Its value in the new state.
    pub new: String,
}

impl Item {
    /// The kind's name in reports.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Nic(_) => "nic",
            Self::Global => "global",
            Self::ProviderAddress(_) => "provider_address",
            Self::ProviderRoute { .. } => "provider_route",
            Self::CustomerRoute { .. } => "customer_route",
            Self::Record(_) => "lookup_record",
            Self::Adapter { .. } => "adapter",
            Self::Guest(_) => "guest",
        }
    }
}

impl Item {
    /// What tells it apart on a host, as the properties of its row.
    pub fn key(&self) -> Vec<Property> {
        fn property(name: &'static str, value: impl ToString) -> Property {
            Property {
                name,
                value: value.to_string(),
            }
        }
        match self {
            Self::Host | Self::Global => Vec::new(),
            Self::Nic(name) | Self::Guest(name) => vec![property("Name", name)],
            Self::ProviderAddress(address) => vec![property("ProviderAddress", address)],
            Self::ProviderRoute {
                destination,
                next_hop,
                interface_index,
            } => vec![
                property("InterfaceIndex", interface_index),
                property("DestinationPrefix", destination),
                property("NextHop", next_hop),
            ],
            Self::CustomerRoute { name, next_hop } => vec![
                property("RoutingDomainID", name.routing_domain),
                property("VirtualSubnetID", name.virtual_subnet),
                property("DestinationPrefix", name.destination),
                property("NextHop", next_hop),
            ],
            Self::Record(name) => {
                let mut key = vec![
                    property("VirtualSubnetID", name.virtual_subnet),
                    property("CustomerAddress", name.customer_address),
                ];
                if let Some((mac, record_type)) = name.station {
                    key.push(property("MACAddress", mac));
                    key.push(property("Type", record_type));
                }
                key
            }
            Self::Adapter { vm_name, name } => {
                vec![property("VMName", vm_name), property("Name", name)]
            }
        }
    }
}

impl Change {
    /// The name in reports: "added", "removed", "changed".
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Removed(_) => "removed",
            Self::Changed(_) => "changed",
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Nic(name) => write!(f, "NIC {name}"),
            Self::Global => f.write_str("network virtualization settings"),
            Self::ProviderAddress(address) => write!(f, "provider address {address}"),
            Self::ProviderRoute {
                destination,
                next_hop,
                interface_index,
            } => write!(
                f,
                "provider route to {destination} by {next_hop} on interface {interface_index}"
            ),
            Self::CustomerRoute { name, next_hop } => write!(
                f,
                "customer route to {name} by {next_hop}, routing domain {}",
                name.routing_domain
            ),
            Self::Record(name) => write!(f, "lookup record of {name}"),
            Self::Adapter { vm_name, name } => write!(f, "adapter {name} of {vm_name}"),
            Self::Guest(name) => write!(f, "guest {name}"),
        }
    }
}

impl Difference {
    /// Whether only labels of a record are different, which decide nothing.
    pub(crate) fn is_of_labels(&self) -> bool {
        let Change::Changed(properties) = &self.change else {
            return false;
        };
        let is_label = |name: &str| ["VMName", "CustomerID", "Context"].contains(&name);
        matches!(self.item, Item::Record(_))
            && properties.iter().all(|property| is_label(property.name))
    }
}

/// One line: "lookup record of 192.168.1.22 in VSID 445566 changed: ProviderAddress 10.0.0.12 ->
/// 10.0.0.21".
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.item, self.change.name())?;
        let properties: Vec<_> = match &self.change {
            Change::Added(properties) | Change::Removed(properties) => properties
                .iter()
                .map(|property| format!("{} {}", property.name, property.value))
                .collect(),
            Change::Changed(properties) => properties
                .iter()
                .map(|property| format!("{} {} -> {}", property.name, property.old, property.new))
                .collect(),
        };
        if properties.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", properties.join(", "))
    }
}
