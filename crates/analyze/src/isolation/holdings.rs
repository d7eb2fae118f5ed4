//! What many hosts hold, where most of it is the same on several: it is read once.

use std::sync::Arc;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_dataplane::{CustomerRoute, LookupRecord};

use super::facts::{Fact, Ground, IsolationFacts, TenantIndex};

/// Rows that hosts hold alike: those of a tenant, as a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyPart {
    /// Lookup records.
    pub records: Vec<LookupRecord>,
    /// Customer routes.
    pub routes: Vec<CustomerRoute>,
}

/// What one host holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Its ports: where their frames are heard, and whose they are.
    pub ports: Vec<(Ground, TenantIndex)>,
    /// Its rows; hosts that hold the same share it by reference.
    pub parts: Vec<Arc<PolicyPart>>,
}

impl IsolationFacts {
    /// What these hosts hold. Costs what is held once, however many hosts share it.
    pub fn of(hosts: &[Holdings]) -> Self {
        let mut facts = Self::default();
        let mut places: HashMap<*const PolicyPart, usize, _> =
            HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4));
        let mut held: Vec<(&PolicyPart, u32)> = Vec::new();
        for host in hosts {
            for &(ground, tenant) in &host.ports {
                facts.add(Fact::Port { ground, tenant }, 1);
            }
            for part in &host.parts {
                let place = *places.entry(Arc::as_ptr(part)).or_insert(held.len());
                match held.get_mut(place) {
                    Some((_, hosts)) => *hosts += 1,
                    None => held.push((part, 1)),
                }
            }
        }
        for (part, hosts) in held {
            for route in &part.routes {
                facts.add(Fact::of_route(route), hosts);
            }
            for record in &part.records {
                facts.add(Fact::of_record(record), hosts);
            }
        }
        facts
    }
}
