//! The tables of a host, in a network of as many records as one likes.

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Policy, Port, PortId, RecordId, RecordType, RouteId,
    Rule, Settings, Snapshot,
};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, ProviderAddress, RoutingDomainId, VirtualSubnetId,
};

use crate::guests::{
    self, FIRST_REMOTE, Family, OTHER_SUBNET, ROUTED, SENDER, SUBNET, UNDERLAY_MAC, host_of,
};

/// Seed of every table: the same hashes in every run.
pub(crate) const SEED: u64 = 1;

/// How records translate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rules {
    /// All by NVGRE.
    Encap,
    /// All by IP rewrite.
    Nat,
    /// The sender and every fourth guest by IP rewrite, the rest by NVGRE.
    Mixed,
}

/// One customer network: a record for each guest, two subnets, one routing domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct World {
    /// Guests, and so lookup records.
    pub records: u32,
    /// How they translate.
    pub rules: Rules,
    /// The family of their addresses.
    pub family: Family,
}

impl World {
    /// Whether a guest's addresses are rewritten.
    pub(crate) fn is_rewritten(self, guest: u32) -> bool {
        match self.rules {
            Rules::Encap => false,
            Rules::Nat => true,
            Rules::Mixed => guest == SENDER || guest >= FIRST_REMOTE && guest.is_multiple_of(4),
        }
    }

    /// What a host forwards with.
    pub(crate) fn host(self, host: u32) -> Snapshot {
        Snapshot::new(&self.policy(host), SEED).expect("the policy is sound")
    }

    /// Whatever a host has been told.
    pub(crate) fn policy(self, host: u32) -> Policy {
        Policy {
            records: (0..self.records).map(|guest| self.record(guest)).collect(),
            ..self.host_without_records(host)
        }
    }

    /// The policy of a host that is told of no record yet.
    pub(crate) fn host_without_records(self, host: u32) -> Policy {
        let ports = guests::guests_of(host, self.records);
        let mut addresses: Vec<_> = ports.clone().map(|guest| self.provider(guest)).collect();
        addresses.sort();
        addresses.dedup();
        let host_address = |address| HostAddress {
            address,
            interface_index: 1,
            prefix_length: 8,
            vlan: None,
            mac: guests::host_mac(host),
        };
        Policy {
            wnv_bound: true,
            ports: ports
                .map(|guest| Port::new(PortId(guest), guests::mac(guest)).in_subnet(subnet(guest)))
                .collect(),
            customer_routes: self.routes(),
            provider_addresses: addresses.into_iter().map(host_address).collect(),
            proxy_neighbor_mac: Some(UNDERLAY_MAC),
            settings: Settings {
                underlay_mtu_bytes: 9_000,
                ..Settings::default()
            },
            ..Policy::default()
        }
    }

    /// The record of a guest.
    pub(crate) fn record(self, guest: u32) -> LookupRecord {
        LookupRecord {
            id: RecordId(guest),
            virtual_subnet: subnet(guest),
            customer_address: guests::customer(self.family, guest),
            mac: guests::mac(guest),
            provider_address: self.provider(guest),
            rule: if self.is_rewritten(guest) {
                Rule::Nat
            } else {
                Rule::Encap
            },
            record_type: RecordType::Static,
            use_vm_mac: false,
        }
    }

    fn provider(self, guest: u32) -> ProviderAddress {
        if self.is_rewritten(guest) {
            guests::guest_provider(guest)
        } else {
            guests::host_provider(host_of(guest))
        }
    }

    /// Everything is on-link: the whole prefix in one subnet, one address of it in the other.
    fn routes(self) -> Vec<CustomerRoute> {
        let (everyone, one, any) = match self.family {
            Family::V4 => (8, 32, CustomerAddress::v4([0; 4])),
            Family::V6 => (64, 128, CustomerAddress::v6([0; 16])),
        };
        let prefix = |guest, length| {
            CustomerPrefix::new(guests::customer(self.family, guest), length)
                .expect("no longer than an address")
        };
        let route = |id, number, destination| CustomerRoute {
            id: RouteId(id),
            routing_domain: RoutingDomainId::new(1),
            virtual_subnet: vsid(number),
            destination,
            next_hop: any,
            metric: 255,
        };
        vec![
            route(0, SUBNET, prefix(SENDER, everyone)),
            route(1, OTHER_SUBNET, prefix(ROUTED, one)),
        ]
    }
}

fn subnet(guest: u32) -> VirtualSubnetId {
    vsid(if guest == ROUTED {
        OTHER_SUBNET
    } else {
        SUBNET
    })
}

fn vsid(number: u32) -> VirtualSubnetId {
    VirtualSubnetId::try_new(number).expect("a usable number")
}
