//! What texts for one tenant's eyes must not hold: what others have and the tenant has not.

use std::collections::BTreeSet;
use std::sync::Arc;

use nvgre_dataplane::{CustomerRoute, LookupRecord};

use crate::names::Names;

/// Stands for the name of a file that is not shown.
pub const HIDDEN_FILE: &str = "a policy file";

/// What is hidden from a tenant; nothing by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    /// Addresses, MACs, prefixes, subnets and domains in lower case, the longest first. Names of
    /// tenants and guests are no part of them: they are ordinary words, which sentences of this
    /// project may hold, and come into texts through [`Names`] alone.
    addresses: Vec<String>,
    /// What files may be named after, in lower case: names, and numbers of subnets.
    names: Vec<String>,
    /// Files that hold rows of others.
    files: BTreeSet<Arc<str>>,
}

/// Of the reader, and of all others.
#[derive(Default)]
struct Known {
    own: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Known {
    fn side(&mut self, hidden: bool) -> &mut BTreeSet<String> {
        match hidden {
            true => &mut self.others,
            false => &mut self.own,
        }
    }

    /// What others have and the reader has not, longest first.
    fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<_> = self.others.difference(&self.own).cloned().collect();
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    fn record(&mut self, names: &Names<'_>, record: &LookupRecord) {
        let known = self.side(names.hides_subnet(record.virtual_subnet));
        known.insert(record.mac.to_string().to_lowercase());
        if !record.customer_address.is_unspecified() {
            known.insert(record.customer_address.to_string());
        }
    }

    fn route(&mut self, names: &Names<'_>, route: &CustomerRoute) {
        let known = self.side(names.hides_route(route));
        // A default route is everybody's.
        if route.destination.length() > 0 {
            known.insert(route.destination.to_string());
        }
        if !route.is_on_link() {
            known.insert(route.next_hop.to_string());
        }
    }
}

impl Secrets {
    /// What the inventory, the records and the routes of others hold.
    pub(crate) fn kept_from(names: &Names<'_>) -> Self {
        let scenario = names.model().scenario();
        let (mut addresses, mut words) = (Known::default(), Known::default());
        let mut files = BTreeSet::new();
        for (index, tenant) in scenario.tenants.iter().enumerate() {
            let hidden = names.hides(Some(index));
            let domain = tenant.routing_domain.to_string().to_lowercase();
            addresses.side(hidden).insert(domain.clone());
            words
                .side(hidden)
                .extend([tenant.name.to_lowercase(), domain]);
            for vsid in &tenant.virtual_subnets {
                addresses.side(hidden).insert(format!("vsid {vsid}"));
                words.side(hidden).insert(vsid.to_string());
            }
        }
        for (index, guest) in scenario.guests.iter().enumerate() {
            let hidden = names.hides_guest(index);
            words.side(hidden).insert(guest.name.to_lowercase());
            let known = addresses.side(hidden);
            known.insert(guest.mac.to_string().to_lowercase());
            known.extend(guest.addresses.iter().map(|own| own.address.to_string()));
            known.extend(guest.gateways.iter().map(ToString::to_string));
        }
        for (host, windows) in names.model().estate().hosts.iter().enumerate() {
            for entry in &windows.records {
                let hidden = names.hides_subnet(entry.record.virtual_subnet);
                addresses.record(names, &entry.record);
                words
                    .side(hidden)
                    .extend(entry.labels.vm_name().map(str::to_lowercase));
                files.extend(hidden.then(|| Arc::clone(&entry.place.file)));
            }
            for entry in &windows.customer_routes {
                addresses.route(names, &entry.route);
                let hidden = names.hides_route(&entry.route);
                files.extend(hidden.then(|| Arc::clone(&entry.place.file)));
            }
            // What hosts have is the provider's, also where a tenant has the same.
            let own = &mut addresses.own;
            own.extend(
                windows
                    .provider_addresses
                    .iter()
                    .map(|entry| entry.address.address.to_string()),
            );
            own.extend(
                windows
                    .nics
                    .iter()
                    .map(|nic| nic.mac.to_string().to_lowercase()),
            );
            let learned = &names.model().network().hosts()[host].policy().records;
            for record in learned {
                addresses.record(names, record);
            }
        }
        let router = nvgre_sim::ROUTER_MAC.to_string().to_lowercase();
        addresses.own.insert(router);
        Self {
            addresses: addresses.secrets(),
            names: words.secrets(),
            files,
        }
    }

    /// The text without any address of others.
    pub(crate) fn scrubbed(&self, text: String) -> String {
        self.addresses
            .iter()
            .fold(text, |text, secret| without(&text, secret))
    }

    /// Whether a file holds something of others, or is named after one: its name holds theirs, as a
    /// word or as part of one.
    pub(crate) fn hide_file(&self, file: &str) -> bool {
        let lower = file.to_lowercase();
        self.files.contains(file) || self.names.iter().any(|name| lower.contains(name))
    }
}

/// A text with this address, in whatever case, put out of sight.
fn without(text: &str, secret: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in lower.match_indices(secret) {
        let end = at + secret.len();
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
    use super::{Secrets, without};

    #[test]
    fn an_address_is_put_out_of_sight_and_parts_of_others_stay() {
        assert_eq!(
            without("10.0.0.7 and 10.0.0.70", "10.0.0.7"),
            "(another tenant's) and 10.0.0.70"
        );
        assert_eq!(
            without("10.0.0.7/24, 110.0.0.7", "10.0.0.7"),
            "(another tenant's)/24, 110.0.0.7"
        );
    }

    #[test]
    fn a_file_is_hidden_when_its_name_holds_that_of_another() {
        let secrets = Secrets {
            names: vec!["azure".to_owned()],
            ..Secrets::default()
        };
        for file in [
            "p/azure1.ps1",
            "Azure.ps1",
            "for-azure/a.ps1",
            "myazure.ps1",
        ] {
            assert!(secrets.hide_file(file), "{file}");
        }
        assert!(!secrets.hide_file("p/all.ps1"));
    }
}
