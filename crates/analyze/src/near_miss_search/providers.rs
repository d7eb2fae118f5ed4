//! Provider addresses, ways to them, and rules.

use nvgre_dataplane::{LookupRecord, Rule};
use nvgre_wire::ProviderPrefix;

use super::Search;
use crate::near_miss::{NearMiss, Row};

impl Search<'_> {
    pub(super) fn no_owner(&mut self) {
        if let Some((record, found)) = self.decider() {
            let guest = self.guest_with(found.virtual_subnet, found.customer_address);
            let runs = guest.map(|guest| self.where_is(guest));
            self.push(NearMiss::OfNoHost { record, runs });
        } else {
            self.runs();
        }
    }

    pub(super) fn not_the_owner(&mut self) {
        let here = self.here();
        let policy = self.model.network().hosts()[here].policy();
        for own in &policy.provider_addresses {
            let address = own.address;
            if let Some(owner) = self.model.network().owner(address)
                && owner != here
            {
                self.push(NearMiss::OwnedTwice {
                    address,
                    owner,
                    other: here,
                });
            }
        }
    }

    pub(super) fn no_next_hop(&mut self) {
        let Some((_, record)) = self.decider() else {
            return;
        };
        let (here, asked) = (self.here(), record.provider_address);
        self.push(NearMiss::NoProviderRoute { host: here, asked });
        let covers = |prefix: &ProviderPrefix| prefix.contains(asked);
        let others = self.hosts().filter(|&host| host != here);
        let found = others
            .filter_map(|host| {
                let routes = &self.model.estate().hosts[host].provider_routes;
                let at = routes
                    .iter()
                    .position(|entry| covers(&entry.route.destination))?;
                Some(Row::ProviderRoute(host, at))
            })
            .next();
        if let Some(row) = found {
            self.push(NearMiss::OtherHost { here, row });
        }
        let guest = self.guest_with(record.virtual_subnet, record.customer_address);
        if let Some(guest) = guest {
            self.runs_on(guest);
        }
    }

    pub(super) fn rule_of_decider(&mut self, asked: Rule) {
        if let Some((record, _)) = self.decider() {
            self.push(NearMiss::OtherRule { record, asked });
        }
    }

    /// The sender's record has another rule than the destination's.
    pub(super) fn rule_of_source(&mut self) {
        let (subnet, source) = (self.question.from_subnet, self.question.inner.source);
        let record = self.record(self.here(), |record| {
            Some(record.virtual_subnet) == subnet && Some(record.customer_address) == source
        });
        if let Some(record) = record {
            let asked = Rule::Nat;
            self.push(NearMiss::OtherRule { record, asked });
        }
        self.rule_of_decider(Rule::Encap);
    }

    pub(super) fn family(&mut self) {
        let other = |record: &LookupRecord| {
            record.rule == Rule::Nat
                && record.customer_address.is_ipv4() != record.provider_address.is_ipv4()
        };
        if let Some((record, found)) = self.decider()
            && other(found)
        {
            self.push(NearMiss::OtherFamily { record });
        }
        let (subnet, source) = (self.question.from_subnet, self.question.inner.source);
        let own = self.record(self.here(), |record| {
            Some(record.virtual_subnet) == subnet
                && Some(record.customer_address) == source
                && other(record)
        });
        if let Some(record) = own {
            self.push(NearMiss::OtherFamily { record });
        }
    }
}
