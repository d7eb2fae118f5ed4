//! Small random worlds, most of them wrong somewhere: tables that contradict each other, ports in
//! other tenants' subnets, provider addresses that two of them use.

use nvgre_analyze::Fabric;
use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Policy, Port, PortId, PortSubnet, RecordId,
    RecordType, RouteId, Rule,
};
use nvgre_sim::{HostPolicy, scenario};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId,
};
use proptest::prelude::*;

pub(crate) const VSIDS: [u32; 3] = [5001, 5002, 5003];
const TENANTS: usize = 2;
/// Of a hundred, how often something is as it should be.
const RIGHT: u32 = 85;

#[derive(Clone, Debug)]
struct Guest {
    tenant: usize,
    host: usize,
    subnet: Subnet,
    last: u8,
    mac: u8,
    spoofing: bool,
}

#[derive(Clone, Copy, Debug)]
enum Subnet {
    /// The tenant's own.
    Right,
    Vsid(usize),
    Unset,
    LocalOnly,
}

#[derive(Clone, Debug)]
struct Row {
    known: bool,
    vsid: Option<usize>,
    provider: Provider,
    nat: bool,
    mac: Option<u8>,
    kind: RecordType,
}

#[derive(Clone, Copy, Debug)]
enum Provider {
    /// Of the host where the guest runs; for rewriting the guest's own.
    Right,
    Host(usize),
    OfGuest(usize),
}

#[derive(Clone, Debug)]
struct Setup {
    bound: bool,
    /// So many guests on are the ones whose own provider addresses it takes for a guest's: a table
    /// that was numbered anew somewhere else.
    shift: usize,
    /// Whether all its records rewrite.
    all_nat: bool,
    /// Per VSID, whether it has a route, and into the domain of which tenant.
    routes: Vec<Option<Option<usize>>>,
    /// Per guest.
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    guests: Vec<Guest>,
    setups: Vec<Setup>,
    /// Whether broadcasts of the first subnet go to a provider multicast group.
    group: bool,
}

pub(crate) fn vsid(index: usize) -> VirtualSubnetId {
    VirtualSubnetId::try_new(VSIDS[index]).expect("in range")
}

pub(crate) fn mac(last: u8) -> MacAddress {
    MacAddress::new([0, 0x15, 0x5d, 0, 0, last])
}

fn host_address(host: usize) -> ProviderAddress {
    ProviderAddress::v4([192, 0, 2, host as u8 + 1])
}

fn guest_address(guest: usize) -> ProviderAddress {
    ProviderAddress::v4([192, 0, 2, 100 + guest as u8])
}

/// The subnet that a tenant owns; the third belongs to the second tenant as well.
const fn own_subnet(tenant: usize) -> usize {
    tenant
}

const fn owner(subnet: usize) -> usize {
    if subnet == 0 { 0 } else { 1 }
}

impl World {
    pub(crate) fn fabric(&self) -> Fabric {
        Fabric {
            hosts: (0..self.setups.len()).map(|host| self.host(host)).collect(),
            underlay: scenario::Underlay::default(),
            tenant_of: self.guests.iter().map(|guest| guest.tenant).collect(),
        }
    }

    fn subnet_of(&self, guest: &Guest) -> usize {
        match guest.subnet {
            Subnet::Vsid(index) => index,
            Subnet::Right | Subnet::Unset | Subnet::LocalOnly => own_subnet(guest.tenant),
        }
    }

    fn host(&self, host: usize) -> HostPolicy {
        let setup = &self.setups[host];
        let mut policy = Policy {
            wnv_bound: setup.bound,
            ..Policy::default()
        };
        if self.group {
            let group = ProviderAddress::v4([239, 1, 1, 1]);
            policy.multicast_groups.insert(vsid(0), group);
        }
        let here = (self.guests.iter().enumerate()).filter(|(_, guest)| guest.host == host);
        let own = here.clone().map(|(index, _)| guest_address(index));
        for address in std::iter::once(host_address(host)).chain(own) {
            policy.provider_addresses.push(HostAddress {
                address,
                interface_index: 1,
                prefix_length: 24,
                vlan: None,
                mac: MacAddress::new([0, 0x15, 0x5d, 0xf0, 0, host as u8]),
            });
        }
        for (index, guest) in here {
            let mut port = Port::new(PortId(index as u32), mac(guest.mac));
            port.mac_address_spoofing = guest.spoofing;
            port.subnet = match guest.subnet {
                Subnet::Unset => PortSubnet::Unset,
                Subnet::LocalOnly => PortSubnet::LocalOnly,
                Subnet::Right | Subnet::Vsid(_) => PortSubnet::Tenant(vsid(self.subnet_of(guest))),
            };
            policy.ports.push(port);
        }
        for (index, route) in setup.routes.iter().enumerate() {
            let Some(domain) = route else { continue };
            let domain = domain.unwrap_or(owner(index));
            policy.customer_routes.push(CustomerRoute {
                id: RouteId(index as u32),
                routing_domain: RoutingDomainId::new(domain as u128 + 1),
                virtual_subnet: vsid(index),
                destination: CustomerPrefix::new(CustomerAddress::v4([10, 0, index as u8, 0]), 24)
                    .expect("a prefix"),
                next_hop: CustomerAddress::v4([0; 4]),
                metric: 255,
            });
        }
        for (index, row) in setup.rows.iter().enumerate().filter(|(_, row)| row.known) {
            policy.records.push(self.record(index, row, setup));
            // What is refused when published is not what is asked about here.
            if policy.check().is_err() {
                policy.records.pop();
            }
        }
        HostPolicy {
            name: format!("host{host}"),
            policy,
            link_mtu_bytes: 1_500,
        }
    }

    fn record(&self, index: usize, row: &Row, setup: &Setup) -> LookupRecord {
        let nat = row.nat || setup.all_nat;
        let guest = &self.guests[index];
        let subnet = row.vsid.unwrap_or(self.subnet_of(guest));
        let own = self.subnet_of(guest) as u8;
        LookupRecord {
            id: RecordId(index as u32),
            virtual_subnet: vsid(subnet),
            customer_address: if !row.kind.has_customer_address() {
                CustomerAddress::v4([0; 4])
            } else {
                CustomerAddress::v4([10, 0, own, guest.last])
            },
            mac: mac(row.mac.unwrap_or(guest.mac)),
            provider_address: match row.provider {
                Provider::Right if nat => guest_address((index + setup.shift) % self.guests.len()),
                Provider::Right => host_address(guest.host),
                Provider::Host(host) => host_address(host),
                Provider::OfGuest(other) => guest_address(other % self.guests.len()),
            },
            rule: if nat { Rule::Nat } else { Rule::Encap },
            record_type: row.kind,
            use_vm_mac: false,
        }
    }
}

fn mostly<T: Clone + std::fmt::Debug + 'static>(
    right: T,
    wrong: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![RIGHT => Just(right), (100 - RIGHT) => wrong]
}

fn guests() -> impl Strategy<Value = Vec<Guest>> {
    let subnet = mostly(
        Subnet::Right,
        prop_oneof![
            4 => (0..VSIDS.len()).prop_map(Subnet::Vsid),
            1 => Just(Subnet::Unset),
            1 => Just(Subnet::LocalOnly),
        ],
    );
    let guest = (0..TENANTS, 0..2usize, subnet, 2..5u8, 1..5u8, 0..8u8);
    let guest = guest.prop_map(|(tenant, host, subnet, last, mac, spoofing)| Guest {
        tenant,
        host,
        subnet,
        last,
        mac,
        spoofing: spoofing == 0,
    });
    prop::collection::vec(guest, 2..6)
}

fn setup(guests: usize) -> impl Strategy<Value = Setup> {
    let route = mostly(Some(None), prop::option::of((0..TENANTS).prop_map(Some)));
    let provider = mostly(
        Provider::Right,
        prop_oneof![
            (0..3usize).prop_map(Provider::Host),
            (0..6usize).prop_map(Provider::OfGuest),
        ],
    );
    let row = (
        mostly(true, Just(false)),
        mostly(None, (0..VSIDS.len()).prop_map(Some)),
        provider,
        any::<bool>(),
        mostly(None, (1..5u8).prop_map(Some)),
        mostly(
            RecordType::Static,
            prop_oneof![Just(RecordType::GatewayWildcard), Just(RecordType::L2Only)],
        ),
    );
    let row = row.prop_map(|(known, vsid, provider, nat, mac, kind)| Row {
        known,
        vsid,
        provider,
        nat,
        mac,
        kind,
    });
    (
        mostly(true, Just(false)),
        prop_oneof![3 => Just(0), 1 => 1..5usize],
        any::<bool>(),
        prop::collection::vec(route, VSIDS.len()),
        prop::collection::vec(row, guests),
    )
        .prop_map(|(bound, shift, all_nat, routes, rows)| Setup {
            bound,
            shift,
            all_nat,
            routes,
            rows,
        })
}

pub(crate) fn worlds() -> impl Strategy<Value = World> {
    guests().prop_flat_map(|guests| {
        let setups = prop::collection::vec(setup(guests.len()), 2);
        (setups, any::<bool>()).prop_map(move |(setups, group)| World {
            guests: guests.clone(),
            setups,
            group,
        })
    })
}
