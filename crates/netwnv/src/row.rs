//! The rows of a host's four tables.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::rc::Rc;

use nvgre_wire::{
    CustomerAddress, CustomerPrefix, ProviderAddress, ProviderPrefix, RoutingDomainId,
    VirtualSubnetId,
};

use crate::call::Call;
use crate::estate::{
    Host, HostAddressEntry, ProviderRouteEntry, RecordEntry, RouteEntry, position_by_id,
};
use crate::field::{self, Field};
use crate::lookup_record::{RecordKey, vsid_of_filter};
use crate::object::Object;
use crate::row_keys::{Keys, RowKeys};
use crate::source::Place;
use crate::undo::{HostBefore, Kept};

/// One row of a host's table.
pub(crate) trait Row: Clone + 'static {
    /// What no two rows of a host's table have in common. It never changes.
    type Key: Eq + Hash;
    /// What messages call several of them.
    const NOUN_PLURAL: &'static str;
    const FIELDS: &'static [Field<Self>];
    fn rows(host: &Host) -> &[Self];
    fn rows_mut(host: &mut Host) -> &mut Vec<Self>;
    /// Those that the host lost with its binding, and that no command removed since.
    fn wiped(host: &Host) -> &[Self];
    fn wiped_mut(host: &mut Host) -> &mut Vec<Self>;
    fn kept(before: &mut HostBefore) -> &mut Kept<Self>;
    fn place(&self) -> &Place;
    fn place_mut(&mut self) -> &mut Place;
    fn key(&self) -> Self::Key;
    /// The key of every row that passes the filters of a call, if they say as much.
    fn key_of_filters(call: &Call<'_>) -> Option<Self::Key>;
    fn keys(keys: &mut Keys) -> &mut BTreeMap<usize, RowKeys>;
    /// Where this row is among others, which it may have been at an earlier time.
    fn position(&self, rows: &[Self]) -> Option<usize>;
    fn object(&self, host: usize) -> Object;
    /// The row of an object, if it is of this table.
    fn from_object(object: &Object) -> Option<&Self>;
}

impl Row for RecordEntry {
    type Key = RecordKey;
    const NOUN_PLURAL: &'static str = "lookup records";
    const FIELDS: &'static [Field<Self>] = field::RECORD;
    fn rows(host: &Host) -> &[Self] {
        &host.records
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.records
    }
    fn wiped(host: &Host) -> &[Self] {
        &host.wiped.records
    }
    fn wiped_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.wiped.records
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.records
    }
    fn place(&self) -> &Place {
        &self.place
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn key(&self) -> Self::Key {
        RecordKey::of(&self.record)
    }
    fn key_of_filters(call: &Call<'_>) -> Option<Self::Key> {
        RecordKey::of_filters(call)
    }
    fn keys(keys: &mut Keys) -> &mut BTreeMap<usize, RowKeys> {
        &mut keys.records
    }
    fn position(&self, rows: &[Self]) -> Option<usize> {
        position_by_id(rows, |row| row.record.id, self.record.id)
    }
    fn object(&self, host: usize) -> Object {
        Object::Record {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::Record { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

impl Row for RouteEntry {
    type Key = (
        RoutingDomainId,
        VirtualSubnetId,
        CustomerPrefix,
        CustomerAddress,
    );
    const NOUN_PLURAL: &'static str = "customer routes";
    const FIELDS: &'static [Field<Self>] = field::CUSTOMER_ROUTE;
    fn rows(host: &Host) -> &[Self] {
        &host.customer_routes
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.customer_routes
    }
    fn wiped(host: &Host) -> &[Self] {
        &host.wiped.customer_routes
    }
    fn wiped_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.wiped.customer_routes
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.customer_routes
    }
    fn place(&self) -> &Place {
        &self.place
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn key(&self) -> Self::Key {
        let route = &self.route;
        (
            route.routing_domain,
            route.virtual_subnet,
            route.destination,
            route.next_hop,
        )
    }
    fn key_of_filters(call: &Call<'_>) -> Option<Self::Key> {
        Some((
            call.filter("RoutingDomainID")?,
            vsid_of_filter(call)?,
            call.filter("DestinationPrefix")?,
            call.filter("NextHop")?,
        ))
    }
    fn keys(keys: &mut Keys) -> &mut BTreeMap<usize, RowKeys> {
        &mut keys.customer_routes
    }
    fn position(&self, rows: &[Self]) -> Option<usize> {
        position_by_id(rows, |row| row.route.id, self.route.id)
    }
    fn object(&self, host: usize) -> Object {
        Object::Route {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::Route { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

impl Row for HostAddressEntry {
    type Key = ProviderAddress;
    const NOUN_PLURAL: &'static str = "provider addresses";
    const FIELDS: &'static [Field<Self>] = field::HOST_ADDRESS;
    fn rows(host: &Host) -> &[Self] {
        &host.provider_addresses
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.provider_addresses
    }
    fn wiped(host: &Host) -> &[Self] {
        &host.wiped.provider_addresses
    }
    fn wiped_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.wiped.provider_addresses
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.provider_addresses
    }
    fn place(&self) -> &Place {
        &self.place
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn key(&self) -> Self::Key {
        self.address.address
    }
    fn key_of_filters(call: &Call<'_>) -> Option<Self::Key> {
        call.filter("ProviderAddress")
    }
    fn keys(keys: &mut Keys) -> &mut BTreeMap<usize, RowKeys> {
        &mut keys.provider_addresses
    }
    fn position(&self, rows: &[Self]) -> Option<usize> {
        rows.iter().position(|row| row.key() == self.key())
    }
    fn object(&self, host: usize) -> Object {
        Object::HostAddress {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::HostAddress { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

impl Row for ProviderRouteEntry {
    type Key = (u32, ProviderPrefix, ProviderAddress);
    const NOUN_PLURAL: &'static str = "provider routes";
    const FIELDS: &'static [Field<Self>] = field::PROVIDER_ROUTE;
    fn rows(host: &Host) -> &[Self] {
        &host.provider_routes
    }
    fn rows_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.provider_routes
    }
    fn wiped(host: &Host) -> &[Self] {
        &host.wiped.provider_routes
    }
    fn wiped_mut(host: &mut Host) -> &mut Vec<Self> {
        &mut host.wiped.provider_routes
    }
    fn kept(before: &mut HostBefore) -> &mut Kept<Self> {
        &mut before.provider_routes
    }
    fn place(&self) -> &Place {
        &self.place
    }
    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }
    fn key(&self) -> Self::Key {
        let route = &self.route;
        (route.interface_index, route.destination, route.next_hop)
    }
    fn key_of_filters(call: &Call<'_>) -> Option<Self::Key> {
        Some((
            call.filter("InterfaceIndex")?,
            call.filter("DestinationPrefix")?,
            call.filter("NextHop")?,
        ))
    }
    fn keys(keys: &mut Keys) -> &mut BTreeMap<usize, RowKeys> {
        &mut keys.provider_routes
    }
    fn position(&self, rows: &[Self]) -> Option<usize> {
        rows.iter().position(|row| row.key() == self.key())
    }
    fn object(&self, host: usize) -> Object {
        Object::ProviderRoute {
            host,
            entry: Rc::new(self.clone()),
        }
    }
    fn from_object(object: &Object) -> Option<&Self> {
        match object {
            Object::ProviderRoute { entry, .. } => Some(entry),
            _ => None,
        }
    }
}
