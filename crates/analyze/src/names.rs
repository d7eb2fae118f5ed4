//! What things are called in texts: all of them by name, or those of one tenant only.

use nvgre_dataplane::{CustomerRoute, LookupRecord, PortSubnet, RecordId, RouteId};
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Model};
use nvgre_wire::{CustomerAddress, RoutingDomainId, VirtualSubnetId};

use crate::secrets::{HIDDEN_FILE, Secrets};

/// Names of a model's things. Redacted, it hides whatever belongs to another tenant than the one who
/// reads: names, addresses, subnets, and the places where they are written. Hosts and provider
/// addresses are the provider's: they are shown.
#[derive(Clone, Debug)]
pub struct Names<'m> {
    model: &'m Model,
    /// The tenant who reads.
    reader: Option<usize>,
    secrets: Secrets,
}

/// What stands for all that is hidden.
const ANOTHER: &str = "another tenant";

impl<'m> Names<'m> {
    /// Everything by its name.
    pub fn new(model: &'m Model) -> Self {
        Self {
            model,
            reader: None,
            secrets: Secrets::default(),
        }
    }

    /// For a tenant's eyes: the index of the tenant.
    pub fn redacted(model: &'m Model, tenant: usize) -> Self {
        let mut names = Self {
            model,
            reader: Some(tenant),
            secrets: Secrets::default(),
        };
        names.secrets = Secrets::kept_from(&names);
        names
    }

    /// A text without any address, prefix or subnet that is another tenant's alone: the last look
    /// before it is shown. A frame that was sent to a stranger's address names it.
    pub fn scrubbed(&self, text: String) -> String {
        self.secrets.scrubbed(text)
    }

    /// A place for the reader's eyes: files are named after tenants, so that only a file which holds
    /// nothing of others, nor is named after them, is named. Of any other the line is told.
    pub fn scrubbed_place(&self, place: &Place) -> Place {
        match self.secrets.hide_file(&place.file) {
            true => Place {
                file: HIDDEN_FILE.into(),
                ..place.clone()
            },
            false => place.clone(),
        }
    }

    /// The model.
    pub const fn model(&self) -> &'m Model {
        self.model
    }

    /// A host.
    pub fn host(&self, host: usize) -> &'m str {
        &self.model.scenario().hosts[host].name
    }

    /// A guest: "Red11", "Gateway/Outside".
    pub fn guest(&self, guest: GuestIndex) -> String {
        if self.hides_guest(guest) {
            format!("a guest of {ANOTHER}")
        } else {
            self.model.scenario().guests[guest].port_name()
        }
    }

    /// A tenant.
    pub fn tenant(&self, tenant: usize) -> &'m str {
        if self.hides(Some(tenant)) {
            ANOTHER
        } else {
            &self.model.scenario().tenants[tenant].name
        }
    }

    /// "VSID 445566".
    pub fn subnet(&self, vsid: VirtualSubnetId) -> String {
        if self.hides_subnet(vsid) {
            format!("a subnet of {ANOTHER}")
        } else {
            format!("VSID {vsid}")
        }
    }

    /// "VSID 445566", "no VSID" or "this switch only".
    pub fn port_subnet(&self, subnet: PortSubnet) -> String {
        match subnet {
            PortSubnet::Unset => "no VSID".to_owned(),
            PortSubnet::Tenant(vsid) => self.subnet(vsid),
            PortSubnet::LocalOnly => "this switch only".to_owned(),
        }
    }

    /// "VSID 7788990, tenant Blue", for a subnet that may be anybody's.
    pub fn subnet_and_tenant(&self, vsid: VirtualSubnetId) -> String {
        match self.tenant_of_subnet(vsid) {
            _ if self.hides_subnet(vsid) => self.subnet(vsid),
            Some(tenant) => format!("VSID {vsid}, tenant {}", self.tenant(tenant)),
            None => format!("VSID {vsid}, of no tenant"),
        }
    }

    /// A customer address of a subnet.
    pub fn address(&self, vsid: VirtualSubnetId, address: CustomerAddress) -> String {
        if self.hides_subnet(vsid) {
            format!("an address of {ANOTHER}")
        } else {
            address.to_string()
        }
    }

    /// Whose inventory a subnet is in.
    pub fn tenant_of_subnet(&self, vsid: VirtualSubnetId) -> Option<usize> {
        let mut tenants = self.model.scenario().tenants.iter();
        tenants.position(|tenant| tenant.virtual_subnets.contains(&vsid))
    }

    /// Whether a guest is another tenant's.
    pub fn hides_guest(&self, guest: GuestIndex) -> bool {
        self.hides(Some(self.model.scenario().guests[guest].tenant))
    }

    /// Whether a subnet is another tenant's. One that is nobody's is not hidden: a number that was
    /// mistyped is what the reader looks for.
    pub fn hides_subnet(&self, vsid: VirtualSubnetId) -> bool {
        self.hides(self.tenant_of_subnet(vsid))
    }

    /// Whether a customer route is another tenant's: one of its domain, or to its subnet.
    pub fn hides_route(&self, route: &CustomerRoute) -> bool {
        self.hides_domain(route.routing_domain) || self.hides_subnet(route.virtual_subnet)
    }

    /// Whether a routing domain is another tenant's.
    pub fn hides_domain(&self, domain: RoutingDomainId) -> bool {
        let mut tenants = self.model.scenario().tenants.iter();
        self.hides(tenants.position(|tenant| tenant.routing_domain == domain))
    }

    pub(crate) fn hides(&self, tenant: Option<usize>) -> bool {
        match (self.reader, tenant) {
            (Some(reader), Some(tenant)) => reader != tenant,
            (Some(_) | None, _) => false,
        }
    }

    /// A host's record as it forwards by it; learned ones too.
    pub fn record(&self, host: usize, id: RecordId) -> Option<&'m LookupRecord> {
        if let Some(entry) = self.model.estate().hosts[host].record(id) {
            return Some(&entry.record);
        }
        let records = &self.model.network().hosts()[host].policy().records;
        records.iter().find(|record| record.id == id)
    }

    /// A host's customer route.
    pub fn route(&self, host: usize, id: RouteId) -> Option<&'m CustomerRoute> {
        let entry = self.model.estate().hosts[host].customer_route(id)?;
        Some(&entry.route)
    }

    /// Where a record was written. None: it was learned, or is another tenant's.
    pub fn place_of_record(&self, host: usize, id: RecordId) -> Option<&'m Place> {
        let entry = self.model.estate().hosts[host].record(id)?;
        let hidden = self.hides_subnet(entry.record.virtual_subnet);
        (!hidden).then_some(&entry.place)
    }

    /// Where a customer route was written. None: it is another tenant's.
    pub fn place_of_route(&self, host: usize, id: RouteId) -> Option<&'m Place> {
        let entry = self.model.estate().hosts[host].customer_route(id)?;
        let hidden = self.hides_route(&entry.route);
        (!hidden).then_some(&entry.place)
    }
}
