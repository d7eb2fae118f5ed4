//! What things are called in texts: all of them by name, or those of one tenant only.

use std::collections::BTreeSet;

use nvgre_dataplane::{CustomerRoute, LookupRecord, PortSubnet, RecordId, RouteId};
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Model};
use nvgre_wire::{CustomerAddress, VirtualSubnetId};

/// Names of a model's things. Redacted, it hides whatever belongs to another tenant than the one who
/// reads: names, addresses, subnets, and the places where they are written, since files are named
/// after tenants. Hosts and provider addresses are the provider's: they are shown.
#[derive(Clone, Debug)]
pub struct Names<'m> {
    model: &'m Model,
    /// The tenant who reads.
    reader: Option<usize>,
    /// What no text may hold, in lower case: what others have and the reader has not.
    secrets: Vec<String>,
}

/// What stands for all that is hidden.
const ANOTHER: &str = "another tenant";

impl<'m> Names<'m> {
    /// Everything by its name.
    pub const fn new(model: &'m Model) -> Self {
        Self {
            model,
            reader: None,
            secrets: Vec::new(),
        }
    }

    /// For a tenant's eyes: the index of the tenant.
    pub fn redacted(model: &'m Model, tenant: usize) -> Self {
        Self {
            model,
            reader: Some(tenant),
            secrets: secrets(model, tenant),
        }
    }

    /// A text without anything that is another tenant's: the last look before it is shown. What is
    /// sent to a stranger's address names it, and files are named after tenants.
    pub fn scrubbed(&self, text: String) -> String {
        self.secrets
            .iter()
            .fold(text, |text, secret| without(&text, secret))
    }

    /// The same of a place.
    pub fn scrubbed_place(&self, place: &Place) -> Place {
        Place {
            file: self.scrubbed(place.file.to_string()).into(),
            ..place.clone()
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

    fn hides(&self, tenant: Option<usize>) -> bool {
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
        let hidden = self.hides_subnet(entry.route.virtual_subnet);
        (!hidden).then_some(&entry.place)
    }
}

/// Names, addresses, MACs, subnets and domains of all tenants but this one, longest first, without
/// those that it has too.
fn secrets(model: &Model, reader: usize) -> Vec<String> {
    let scenario = model.scenario();
    let (mut own, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (index, tenant) in scenario.tenants.iter().enumerate() {
        let known = if index == reader {
            &mut own
        } else {
            &mut others
        };
        known.extend([
            tenant.name.to_lowercase(),
            tenant.routing_domain.to_string(),
        ]);
        known.extend(tenant.virtual_subnets.iter().map(ToString::to_string));
    }
    for guest in &scenario.guests {
        let known = if guest.tenant == reader {
            &mut own
        } else {
            &mut others
        };
        known.extend([
            guest.name.to_lowercase(),
            guest.mac.to_string().to_lowercase(),
        ]);
        known.extend(guest.addresses.iter().map(|own| own.address.to_string()));
    }
    let mut secrets: Vec<_> = others.difference(&own).cloned().collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// A text with this word, in whatever case, put out of sight.
fn without(text: &str, word: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in lower.match_indices(word) {
        let end = at + word.len();
        let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let part = touches(lower[..at].chars().next_back()) || touches(lower[end..].chars().next());
        if at >= from && !part {
            kept.push_str(&text[from..at]);
            kept.push_str("(another tenant's)");
            from = end;
        }
    }
    kept.push_str(&text[from..]);
    kept
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn a_word_is_put_out_of_sight_and_parts_of_others_stay() {
        assert_eq!(
            without("10.0.0.7 and 10.0.0.70", "10.0.0.7"),
            "(another tenant's) and 10.0.0.70"
        );
        assert_eq!(
            without("policy/Blue.ps1:3", "blue"),
            "policy/(another tenant's).ps1:3"
        );
        assert_eq!(without("bluebell", "blue"), "bluebell");
    }
}
