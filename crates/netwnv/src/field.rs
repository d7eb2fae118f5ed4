//! The fields of rows, as Windows lists them: what filters compare, and the properties of objects.

use crate::canonical::Canonical;
use crate::estate::{HostAddressEntry, ProviderRouteEntry, RecordEntry, RouteEntry};
use crate::object::Properties;
use crate::value::{Text, Value};

/// Name and value of a field; a label that was not given has none.
pub(crate) type Field<R> = (&'static str, for<'r> fn(&'r R) -> Option<Canonical<'r>>);

pub(crate) static RECORD: &[Field<RecordEntry>] = &[
    ("CustomerAddress", |row| {
        Some(Canonical::CustomerAddress(row.record.customer_address))
    }),
    ("ProviderAddress", |row| {
        Some(Canonical::ProviderAddress(row.record.provider_address))
    }),
    ("MACAddress", |row| Some(Canonical::Mac(row.record.mac))),
    ("VirtualSubnetID", |row| {
        number(row.record.virtual_subnet.get())
    }),
    ("CustomerID", |row| label(row.labels.customer_id())),
    ("Context", |row| label(row.labels.context())),
    ("Rule", |row| Some(Canonical::Name(row.record.rule.name()))),
    ("VMName", |row| label(row.labels.vm_name())),
    ("UseVmMACAddress", |row| {
        Some(Canonical::Bool(row.record.use_vm_mac))
    }),
    ("Type", |row| {
        Some(Canonical::Name(row.record.record_type.name()))
    }),
    ("Unusable", |_| Some(Canonical::Bool(false))),
    ("Unsynchronized", |_| Some(Canonical::Bool(false))),
];

pub(crate) static CUSTOMER_ROUTE: &[Field<RouteEntry>] = &[
    ("VirtualSubnetID", |row| {
        number(row.route.virtual_subnet.get())
    }),
    ("DestinationPrefix", |row| {
        Some(Canonical::CustomerPrefix(row.route.destination))
    }),
    ("NextHop", |row| {
        Some(Canonical::CustomerAddress(row.route.next_hop))
    }),
    ("Metric", |row| number(row.route.metric)),
    ("RoutingDomainID", |row| {
        Some(Canonical::RoutingDomain(row.route.routing_domain))
    }),
];

pub(crate) static HOST_ADDRESS: &[Field<HostAddressEntry>] = &[
    ("ProviderAddress", |row| {
        Some(Canonical::ProviderAddress(row.address.address))
    }),
    ("InterfaceIndex", |row| number(row.address.interface_index)),
    ("PrefixLength", |row| number(row.address.prefix_length)),
    ("VlanID", |row| {
        number(row.address.vlan.map_or(0, |vlan| vlan.get()))
    }),
    ("AddressState", |_| Some(Canonical::Name("Preferred"))),
    ("MACAddress", |row| Some(Canonical::Mac(row.address.mac))),
    ("ManagedByCluster", |_| Some(Canonical::Bool(false))),
];

pub(crate) static PROVIDER_ROUTE: &[Field<ProviderRouteEntry>] = &[
    ("InterfaceIndex", |row| number(row.route.interface_index)),
    ("DestinationPrefix", |row| {
        Some(Canonical::ProviderPrefix(row.route.destination))
    }),
    ("NextHop", |row| {
        Some(Canonical::ProviderAddress(row.route.next_hop))
    }),
    ("Metric", |row| number(row.route.metric)),
];

fn number<'r>(number: impl Into<u64>) -> Option<Canonical<'r>> {
    Some(Canonical::Number(number.into()))
}

fn label(text: Option<&str>) -> Option<Canonical<'_>> {
    text.map(|text| Canonical::Text(Text::Borrowed(text)))
}

/// The properties of a row.
pub(crate) fn properties<'s, R>(fields: &[Field<R>], row: &R) -> Properties<'s> {
    let value = |field: Canonical<'_>| match field {
        Canonical::Bool(on) => Value::Bool(on),
        Canonical::Number(number) => Value::Number(number.cast_signed(), None),
        field => Value::text(field.text()),
    };
    let fields = fields.iter();
    fields
        .map(|(name, field)| (*name, field(row).map_or(Value::Null, value)))
        .collect()
}
