//! Tenants from the routing domains that customer routes name.

use std::collections::BTreeMap;

use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::{Adapter, Estate};
use nvgre_wire::{RoutingDomainId, VirtualSubnetId};

use crate::scenario::Tenant;
use crate::skeleton::guess::routing_domain;

/// The tenants of an estate while its guests are gone through.
pub(crate) struct Tenants {
    pub(crate) list: Vec<Tenant>,
    pub(crate) notes: Vec<String>,
    owners: BTreeMap<VirtualSubnetId, usize>,
    /// The tenant of guests that nothing ties to one.
    nobody: Option<usize>,
}

/// Of guests that nothing ties to a tenant.
const NOBODY: &str = "unknown";

impl Tenants {
    /// A tenant for each routing domain, then one for each subnet without.
    pub(crate) fn new(estate: &Estate) -> Self {
        let mut tenants = Self {
            list: Vec::new(),
            notes: Vec::new(),
            owners: BTreeMap::new(),
            nobody: None,
        };
        let mut domains: BTreeMap<RoutingDomainId, usize> = BTreeMap::new();
        for entry in estate.hosts.iter().flat_map(|host| &host.customer_routes) {
            let (vsid, domain) = (entry.route.virtual_subnet, entry.route.routing_domain);
            let index = *domains.entry(domain).or_insert_with(|| {
                tenants.list.push(tenant(String::new(), domain));
                tenants.list.len() - 1
            });
            let owner = *tenants.owners.entry(vsid).or_insert_with(|| {
                tenants.list[index].virtual_subnets.push(vsid);
                index
            });
            if owner != index {
                let first = tenants.list[owner].routing_domain;
                let note = format!(
                    "VSID {vsid} is in two routing domains (V-02): taken as {first}'s, not {domain}'s, which {} names",
                    entry.place
                );
                tenants.notes.push(note);
            }
        }
        let adapters = estate.hosts.iter().flat_map(|host| &host.adapters);
        let of_ports = adapters.filter_map(|adapter| match adapter.subnet {
            PortSubnet::Tenant(vsid) => Some(vsid),
            PortSubnet::Unset | PortSubnet::LocalOnly => None,
        });
        let records = estate.hosts.iter().flat_map(|host| &host.records);
        let of_records = records.map(|entry| entry.record.virtual_subnet);
        for vsid in of_records.chain(of_ports) {
            tenants.subnet(vsid);
        }
        for tenant in &mut tenants.list {
            tenant.virtual_subnets.sort_unstable();
            // One whose subnets are all another's has no number to be called by.
            tenant.name = match tenant.virtual_subnets.first() {
                Some(vsid) => format!("tenant-{vsid}"),
                None => format!("tenant-{}", tenant.routing_domain),
            };
        }
        tenants
    }

    /// The tenant of a subnet, which gets one if it has none.
    fn subnet(&mut self, vsid: VirtualSubnetId) -> usize {
        if let Some(&owner) = self.owners.get(&vsid) {
            return owner;
        }
        let domain = routing_domain(vsid);
        self.notes.push(format!(
            "no customer route ties VSID {vsid} to a routing domain: {domain} is made up"
        ));
        let mut own = tenant(format!("tenant-{vsid}"), domain);
        own.virtual_subnets.push(vsid);
        self.list.push(own);
        self.owners.insert(vsid, self.list.len() - 1);
        self.list.len() - 1
    }

    /// The tenant of a guest, whose records are in these subnets.
    pub(crate) fn of(
        &mut self,
        adapter: &Adapter,
        subnets: &[VirtualSubnetId],
        name: &str,
    ) -> usize {
        if let [vsid, others @ ..] = subnets {
            let owner = self.subnet(*vsid);
            if adapter.subnet == PortSubnet::Unset || !others.is_empty() {
                let tenant = &self.list[owner].name;
                self.notes.push(format!(
                    "the port of {name} has no virtual subnet: it is {tenant}'s by a record with its MAC"
                ));
            }
            return owner;
        }
        self.notes
            .push(format!("nothing says whose guest {name} is"));
        *self.nobody.get_or_insert_with(|| {
            // Version and variant of a random GUID, and else nothing.
            let domain = RoutingDomainId::new(0x4000_8000_0000_0000_0000);
            self.list.push(tenant(NOBODY.to_owned(), domain));
            self.list.len() - 1
        })
    }
}

fn tenant(name: String, routing_domain: RoutingDomainId) -> Tenant {
    Tenant {
        name,
        routing_domain,
        virtual_subnets: Vec::new(),
        bum_groups: BTreeMap::new(),
    }
}
