//! Whose a frame is, by the inventory: its subnet, its sender, and whom it is for.

use std::net::IpAddr;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_dataplane::PortSubnet;
use nvgre_wire::{Arp, EtherType, Ipv4, Ipv6, LinkHeader, MacAddress};

use crate::glance::mac_key;
use crate::model::Model;
use crate::observer::Ingress;
use crate::oracle::{GuestIndex, Sender};
use crate::scenario::Scenario;
use crate::walk_log::{Beginning, WalkLog};

/// An end of a frame's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Port(GuestIndex),
    /// A group frame is for everybody.
    All,
    Ip(IpAddr),
    Mac(MacAddress),
    /// The frame is cut within its link header.
    Nobody,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Inventory {
    /// Tenant of each guest.
    tenants: Vec<usize>,
    /// The subnet of each guest's port, as its host has it.
    subnets: Vec<PortSubnet>,
    /// By tenant and [`mac_key`].
    by_mac: HashMap<(usize, u64), GuestIndex, RandomState>,
    /// By tenant and address.
    by_address: HashMap<(usize, IpAddr), GuestIndex, RandomState>,
    tenant_of_subnet: HashMap<u32, usize, RandomState>,
}

impl Inventory {
    /// The guests of this model, and their ports as they are now.
    pub(crate) fn new(model: &Model) -> Self {
        let scenario = model.scenario();
        let seeded = || RandomState::with_seeds(scenario.seed, 7, 8, 9);
        let mut inventory = Self {
            tenants: scenario.guests.iter().map(|guest| guest.tenant).collect(),
            subnets: subnets(model, scenario),
            by_mac: HashMap::with_hasher(seeded()),
            by_address: HashMap::with_hasher(seeded()),
            tenant_of_subnet: HashMap::with_hasher(seeded()),
        };
        for (index, guest) in scenario.guests.iter().enumerate() {
            let tenant = guest.tenant;
            let key = (tenant, mac_key(guest.mac));
            inventory.by_mac.entry(key).or_insert(index);
            for own in &guest.addresses {
                let key = (tenant, own.address.ip());
                inventory.by_address.entry(key).or_insert(index);
            }
        }
        for (index, tenant) in scenario.tenants.iter().enumerate() {
            for vsid in &tenant.virtual_subnets {
                inventory.tenant_of_subnet.insert(vsid.get(), index);
            }
        }
        inventory
    }

    /// The tenant of a guest.
    pub(crate) fn tenant(&self, guest: GuestIndex) -> usize {
        self.tenants[guest]
    }

    /// The VSID that a frame began in.
    pub(crate) fn virtual_subnet(&self, log: &WalkLog) -> Option<u32> {
        let Beginning::Entered { at, .. } = log.beginning else {
            return None;
        };
        match at.ingress {
            Ingress::Port(port) => match self.subnets[port.0 as usize] {
                PortSubnet::Tenant(vsid) => Some(vsid.get()),
                PortSubnet::Unset | PortSubnet::LocalOnly => None,
            },
            Ingress::Uplink => log.keys.first().map(|&(vsid, _)| vsid),
        }
    }

    /// Who sent a frame, and who is to have it.
    pub(crate) fn ends_of(&self, log: &WalkLog, vsid: Option<u32>) -> [Who; 2] {
        let sender = match log.beginning {
            Beginning::Entered {
                sender: Sender::Guest(guest),
                ..
            } => Some(guest),
            Beginning::Entered { .. } | Beginning::Skipped(_) => None,
        };
        let tenant = match sender {
            Some(guest) => Some(self.tenants[guest]),
            None => vsid.and_then(|vsid| self.tenant_of_subnet.get(&vsid).copied()),
        };
        let frame = log.inner();
        let Ok(link) = LinkHeader::parse(frame) else {
            return [sender.map_or(Who::Nobody, Who::Port), Who::Nobody];
        };
        let from = match sender {
            Some(guest) => Who::Port(guest),
            None => match addresses(&link, frame) {
                Some((source, _)) => Who::Ip(source),
                None => Who::Mac(link.source),
            },
        };
        if link.destination.is_group() {
            return [from, Who::All];
        }
        let of_mac = tenant.and_then(|tenant| {
            let key = (tenant, mac_key(link.destination));
            self.by_mac.get(&key)
        });
        let to = match of_mac {
            Some(&guest) => Who::Port(guest),
            None => match addresses(&link, frame) {
                // To the router, or rewritten.
                Some((_, address)) => tenant
                    .and_then(|tenant| self.by_address.get(&(tenant, address)))
                    .map_or(Who::Ip(address), |&guest| Who::Port(guest)),
                None => Who::Mac(link.destination),
            },
        };
        [from, to]
    }
}

/// Source and destination of an IP or ARP packet, as far as it shows them.
fn addresses(link: &LinkHeader, frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let packet = frame.get(link.len..)?;
    match link.ether_type {
        EtherType::ARP => {
            let arp = Arp::parse(packet).ok()?;
            Some((arp.sender_ip().into(), arp.target_ip().into()))
        }
        EtherType::IPV4 => {
            let ip = Ipv4::parse_cut(packet).ok()?;
            Some((ip.source().into(), ip.destination().into()))
        }
        EtherType::IPV6 => {
            let ip = Ipv6::parse_cut(packet).ok()?;
            Some((ip.source().into(), ip.destination().into()))
        }
        _not_ip => None,
    }
}

/// The subnets that the ports of guests have now.
fn subnets(model: &Model, scenario: &Scenario) -> Vec<PortSubnet> {
    let mut subnets: Vec<_> = scenario.guests.iter().map(|guest| guest.subnet).collect();
    for host in model.network().hosts() {
        for port in &host.policy().ports {
            if let Some(subnet) = subnets.get_mut(port.id.0 as usize) {
                *subnet = port.subnet;
            }
        }
    }
    subnets
}
