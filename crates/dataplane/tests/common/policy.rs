//! The tenants of Microsoft's sample, Blue and Red, on two hosts; and short ways to write policy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Neighbor, Policy, Port, PortId, RecordId, RecordType,
    RouteId, Rule,
};
use nvgre_wire::{
    CustomerAddress, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId, VlanId,
};

use super::{Host, World};

pub(crate) const BLUE: u32 = 5001;
/// A second subnet of Blue.
pub(crate) const BLUE_B: u32 = 5002;
pub(crate) const RED: u32 = 6001;
pub(crate) const BLUE_DOMAIN: RoutingDomainId =
    RoutingDomainId::new(0x11111111_2222_3333_4444_000000000000);
pub(crate) const RED_DOMAIN: RoutingDomainId =
    RoutingDomainId::new(0x11111111_2222_3333_4444_000000000001);
/// First address of the on-link prefix.
pub(crate) const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(crate) const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
pub(crate) const ROUTER: MacAddress = nvgre_dataplane::DEFAULT_ROUTER_MAC;

/// A guest with one adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) host: usize,
    pub(crate) port: u32,
    pub(crate) vsid: u32,
    pub(crate) mac: MacAddress,
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
}

const fn guest(name: &'static str, at: (usize, u32), vsid: u32, mac: u8, subnet: u8) -> Guest {
    let last = if mac > 0x10 { mac - 0x10 } else { mac };
    Guest {
        name,
        host: at.0,
        port: at.1,
        vsid,
        mac: MacAddress::new([6, 6, 0, if vsid == RED { 1 } else { 0 }, 0, mac]),
        v4: Ipv4Addr::new(10, 0, subnet, last),
        v6: Ipv6Addr::new(0xfd00, 0, 0, subnet as u16, 0, 0, 0, last as u16),
    }
}

/// 10.0.0.5, fd00::5, on host 0 at port 0.
pub(crate) const BLUE1: Guest = guest("blue1", (0, 0), BLUE, 0x05, 0);
/// 10.0.0.7, fd00::7, on host 1 at port 0.
pub(crate) const BLUE2: Guest = guest("blue2", (1, 0), BLUE, 0x07, 0);
/// 10.0.0.9, fd00::9, on host 0 at port 1, beside Blue 1.
pub(crate) const BLUE3: Guest = guest("blue3", (0, 1), BLUE, 0x09, 0);
/// 10.0.1.5, fd00:0:0:1::5, on host 0 at port 2, in the other subnet.
pub(crate) const BLUE_B1: Guest = guest("blue-b1", (0, 2), BLUE_B, 0x15, 1);
/// 10.0.1.7, fd00:0:0:1::7, on host 1 at port 1, in the other subnet.
pub(crate) const BLUE_B2: Guest = guest("blue-b2", (1, 1), BLUE_B, 0x17, 1);
/// The addresses of Blue 1, on host 0 at port 3.
pub(crate) const RED1: Guest = guest("red1", (0, 3), RED, 0x05, 0);
/// The addresses of Blue 2, on host 1 at port 2.
pub(crate) const RED2: Guest = guest("red2", (1, 2), RED, 0x07, 0);

pub(crate) const GUESTS: [Guest; 7] = [BLUE1, BLUE2, BLUE3, BLUE_B1, BLUE_B2, RED1, RED2];

/// How records carry frames between the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    /// NVGRE between 192.168.4.11 and 192.168.4.22.
    EncapV4,
    /// NVGRE between fd00:4::11 and fd00:4::22.
    EncapV6,
    /// Rewritten addresses: guest k of [`GUESTS`] is 192.168.5.(10 + k) and fd00:5::(10 + k).
    Nat,
}

impl Carriage {
    pub(crate) const ENCAP: [Self; 2] = [Self::EncapV4, Self::EncapV6];

    /// The provider address of one of a guest's customer addresses.
    pub(crate) fn provider_address(self, guest: Guest, ipv4: bool) -> ProviderAddress {
        match self {
            Self::EncapV4 => host_v4(guest.host),
            Self::EncapV6 => host_v6(guest.host),
            Self::Nat => {
                let k = 10 + GUESTS.iter().position(|g| g.name == guest.name).unwrap() as u8;
                ProviderAddress::new(if ipv4 {
                    Ipv4Addr::new(192, 168, 5, k).into()
                } else {
                    Ipv6Addr::new(0xfd00, 5, 0, 0, 0, 0, 0, u16::from(k)).into()
                })
            }
        }
    }
}

pub(crate) const fn host_mac(host: usize) -> MacAddress {
    MacAddress::new([0, 0x15, 0x5d, 0xaa, 0, host as u8 + 1])
}

/// 192.168.4.11, 192.168.4.22, ...
pub(crate) fn host_v4(host: usize) -> ProviderAddress {
    ProviderAddress::v4([192, 168, 4, 11 * (host as u8 + 1)])
}

/// fd00:4::11, fd00:4::22, ...
pub(crate) fn host_v6(host: usize) -> ProviderAddress {
    let last = 0x11 * (host as u16 + 1);
    ProviderAddress::new(Ipv6Addr::new(0xfd00, 4, 0, 0, 0, 0, 0, last).into())
}

impl Guest {
    /// The guest's address of a family.
    pub(crate) fn ip(self, ipv4: bool) -> IpAddr {
        if ipv4 { self.v4.into() } else { self.v6.into() }
    }

    pub(crate) fn ca(self, ipv4: bool) -> CustomerAddress {
        CustomerAddress::new(self.ip(ipv4))
    }

    /// Ids of the guest's records: IPv4, IPv6.
    pub(crate) fn record_id(self, ipv4: bool) -> RecordId {
        let k = GUESTS.iter().position(|g| g.name == self.name).unwrap() as u32;
        RecordId(2 * k + u32::from(!ipv4))
    }
}

/// Routes of [`sample`], by subnet and family.
pub(crate) fn route_id(subnet: u32, ipv4: bool) -> RouteId {
    let k = [BLUE, BLUE_B, RED].iter().position(|&s| s == subnet);
    RouteId(2 * k.unwrap() as u32 + u32::from(!ipv4))
}

/// Hosts that [`sample_policy`] can be asked for; guests run on the first two.
pub(crate) const HOSTS: usize = 4;

/// Two hosts with the whole policy of Blue and Red, both families, the same tables on each.
pub(crate) fn sample(carriage: Carriage) -> World {
    World::new([0, 1].map(|host| sample_policy(carriage, host)))
}

/// The policy of one host of [`sample`].
pub(crate) fn sample_policy(carriage: Carriage, host: usize) -> Policy {
    let mut policy = Policy {
        wnv_bound: true,
        ..Policy::default()
    };
    for guest in GUESTS {
        for ipv4 in [true, false] {
            let pa = carriage.provider_address(guest, ipv4);
            policy.records.push(LookupRecord {
                rule: match carriage {
                    Carriage::Nat => Rule::Nat,
                    Carriage::EncapV4 | Carriage::EncapV6 => Rule::Encap,
                },
                ..encap(
                    guest.record_id(ipv4).0,
                    guest.vsid,
                    guest.ca(ipv4),
                    guest.mac,
                    pa,
                )
            });
            if carriage == Carriage::Nat {
                policy.neighbors.push(neighbor(pa, guest.host));
                if guest.host == host {
                    policy.provider_addresses.push(host_address(pa, host));
                }
            }
        }
        if guest.host == host {
            policy.ports.push(port_of(guest));
        }
    }
    for other in 0..HOSTS {
        policy.neighbors.push(neighbor(host_v4(other), other));
        policy.neighbors.push(neighbor(host_v6(other), other));
    }
    match carriage {
        Carriage::EncapV4 => policy
            .provider_addresses
            .push(host_address(host_v4(host), host)),
        Carriage::EncapV6 => policy
            .provider_addresses
            .push(host_address(host_v6(host), host)),
        Carriage::Nat => {}
    }
    for (domain, subnet, v4, v6) in [
        (BLUE_DOMAIN, BLUE, "10.0.0.0/24", "fd00::/64"),
        (BLUE_DOMAIN, BLUE_B, "10.0.1.0/24", "fd00:0:0:1::/64"),
        (RED_DOMAIN, RED, "10.0.0.0/24", "fd00::/64"),
    ] {
        for (ipv4, prefix) in [(true, v4), (false, v6)] {
            let id = route_id(subnet, ipv4).0;
            policy
                .customer_routes
                .push(on_link(id, domain, subnet, prefix));
        }
    }
    policy
}

pub(crate) fn vsid(value: u32) -> VirtualSubnetId {
    VirtualSubnetId::try_new(value).expect("a VSID")
}

pub(crate) fn ca(text: &str) -> CustomerAddress {
    text.parse().expect("a customer address")
}

pub(crate) fn pa(text: &str) -> ProviderAddress {
    text.parse().expect("a provider address")
}

pub(crate) fn mac(text: &str) -> MacAddress {
    text.parse().expect("a MAC address")
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an IP address")
}

pub(crate) fn vlan(id: u16) -> Option<VlanId> {
    Some(VlanId::try_new(id).expect("a VLAN id"))
}

/// A guest's port.
pub(crate) fn port_of(guest: Guest) -> Port {
    Port::new(PortId(guest.port), guest.mac).in_subnet(vsid(guest.vsid))
}

/// A static Encap record; change what differs.
pub(crate) fn encap(
    id: u32,
    subnet: u32,
    customer_address: CustomerAddress,
    mac: MacAddress,
    provider_address: ProviderAddress,
) -> LookupRecord {
    LookupRecord {
        id: RecordId(id),
        virtual_subnet: vsid(subnet),
        customer_address,
        mac,
        provider_address,
        rule: Rule::Encap,
        record_type: RecordType::Static,
        use_vm_mac: false,
    }
}

/// A GatewayWildcard record for a family: "0.0.0.0" or "::".
pub(crate) fn wildcard(
    id: u32,
    subnet: u32,
    any: &str,
    mac: MacAddress,
    provider_address: ProviderAddress,
) -> LookupRecord {
    LookupRecord {
        record_type: RecordType::GatewayWildcard,
        ..encap(id, subnet, ca(any), mac, provider_address)
    }
}

/// An L2Only record.
pub(crate) fn l2_only(
    id: u32,
    subnet: u32,
    mac: MacAddress,
    provider_address: ProviderAddress,
) -> LookupRecord {
    LookupRecord {
        record_type: RecordType::L2Only,
        ..encap(id, subnet, ca("0.0.0.0"), mac, provider_address)
    }
}

/// An on-link customer route of metric 255.
pub(crate) fn on_link(
    id: u32,
    routing_domain: RoutingDomainId,
    subnet: u32,
    prefix: &str,
) -> CustomerRoute {
    let ipv4 = !prefix.contains(':');
    route(
        id,
        routing_domain,
        subnet,
        prefix,
        if ipv4 { "0.0.0.0" } else { "::" },
    )
}

/// A customer route of metric 255.
pub(crate) fn route(
    id: u32,
    routing_domain: RoutingDomainId,
    subnet: u32,
    prefix: &str,
    next_hop: &str,
) -> CustomerRoute {
    CustomerRoute {
        id: RouteId(id),
        routing_domain,
        virtual_subnet: vsid(subnet),
        destination: prefix.parse().expect("a prefix"),
        next_hop: ca(next_hop),
        metric: 255,
    }
}

pub(crate) fn neighbor(address: ProviderAddress, host: usize) -> Neighbor {
    Neighbor {
        address,
        mac: host_mac(host),
    }
}

/// A provider address of a host: /24 or /64, untagged, on NIC 1.
pub(crate) fn host_address(address: ProviderAddress, host: usize) -> HostAddress {
    HostAddress {
        address,
        interface_index: 1,
        prefix_length: if address.is_ipv4() { 24 } else { 64 },
        vlan: None,
        mac: host_mac(host),
    }
}

/// Host 0 of the sample, after a change to the port of one of its guests.
pub(crate) fn host_with(guest: Guest, change: impl FnOnce(&mut Port)) -> Host {
    let mut host = Host::new(sample_policy(Carriage::EncapV4, 0));
    host.edit(|policy| change(port_mut(policy, guest)));
    host
}

pub(crate) fn port_mut(policy: &mut Policy, guest: Guest) -> &mut Port {
    let port = policy.ports.iter_mut().find(|port| port.id.0 == guest.port);
    port.expect("the guest's port")
}
