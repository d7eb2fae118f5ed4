//! The provider side: who owns which address, whether hosts can reach each other, and whether their
//! networks agree.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_netwnv::{DumpKind, Host};
use nvgre_wire::{ProviderAddress, ProviderPrefix};

use crate::cross::disagreement::{Disagreement, HostCommand, Remedy, Side};
use crate::cross::index::{HostIndex, Index, subnet_of};
use crate::cross::provider_network::network_of;
use crate::cross::what::What;
use crate::finding::Severity;

/// Everything about the provider side.
pub(crate) fn check(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    addresses_twice(index, found);
    hosts_off_the_underlay(index, found);
    unreachable(index, found);
}

/// V-08.
fn addresses_twice(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let twice: BTreeSet<ProviderAddress> = index
        .owners
        .iter()
        .filter(|(_, owners)| owners.len() > 1)
        .map(|(&address, _)| address)
        .collect();
    let keepers = keepers(index, &twice);
    for address in twice {
        let owners = &index.owners[&address];
        let hosts: Vec<_> = owners.iter().map(|&(host, _)| host).collect();
        let sides = owners.iter().map(|&(host, entry)| Side {
            hosts: index.names(&[host]),
            says: format!("owns {address}"),
            places: vec![entry.place.clone()],
        });
        let sides = sides.collect();
        let remove = |host: HostIndex| HostCommand {
            hosts: index.names(&[host]),
            command: format!(
                "Remove-NetVirtualizationProviderAddress -ProviderAddress \"{address}\""
            ),
        };
        // A host keeps an address of each kind; without another, giving this one up mends nothing.
        let can_spare = |host: &HostIndex| index.hosts[*host].provider_addresses.len() > 1;
        let is_keeper = |host: &HostIndex| keepers.contains(&(address, *host));
        let (keep, others): (Vec<_>, Vec<_>) = hosts.iter().copied().partition(is_keeper);
        let remedy = match (&keep[..], &others[..]) {
            ([_], others) if others.iter().all(can_spare) => {
                Remedy::Commands(others.iter().map(|&host| remove(host)).collect())
            }
            ([], [a, b]) if can_spare(a) && can_spare(b) => {
                Remedy::Either(vec![vec![remove(*b)], vec![remove(*a)]])
            }
            ([], [one, _] | [_, one]) if can_spare(one) => Remedy::Commands(vec![remove(*one)]),
            ([keeper], _) => Remedy::Words(format!(
                "{} keeps {address}, as records of its guests name it; give each other host an address of its own (New-NetVirtualizationProviderAddress), and remove {address} from it",
                index.hosts[*keeper].name
            )),
            _ => Remedy::Words(format!(
                "Leave {address} on one of these hosts; give each other one an address of its own (New-NetVirtualizationProviderAddress), point the records of its guests there, and remove {address} from it"
            )),
        };
        found.push(Disagreement {
            what: What::ProviderAddressTwice {
                address,
                hosts: index.names(&hosts),
            },
            severity: Severity::Error,
            sides,
            remedy,
        });
    }
}

/// Hosts whose guests' records name one of these addresses of theirs: removed there, the guests are
/// cut off.
fn keepers(
    index: &Index<'_>,
    addresses: &BTreeSet<ProviderAddress>,
) -> BTreeSet<(ProviderAddress, HostIndex)> {
    if addresses.is_empty() {
        return BTreeSet::new();
    }
    let records = index.records.iter().map(|held| &held.entry.record);
    records
        .filter(|record| addresses.contains(&record.provider_address))
        .flat_map(|record| {
            let guests = index.guests(record.virtual_subnet, record.mac).iter();
            guests.map(|&(host, _)| (record.provider_address, host))
        })
        .collect()
}

/// Hosts that run guests of domains that span hosts, without binding or provider address.
fn hosts_off_the_underlay(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let spread: BTreeSet<HostIndex> = index
        .needing
        .values()
        .filter(|hosts| hosts.len() > 1)
        .flatten()
        .copied()
        .collect();
    for host in spread {
        let of = &index.hosts[host];
        // What is not known to run guests may be no more than badly dumped.
        if of.adapters.is_empty() {
            continue;
        }
        let sides = || vec![guests_side(of)];
        if !of.nics.is_empty() && of.nics.iter().all(|nic| !nic.wnv_bound) {
            let used = of.adapters.iter().find(|a| subnet_of(a).is_some());
            let switch = used.map(|adapter| adapter.switch_name.as_str());
            let nic = of
                .nics
                .iter()
                .find(|nic| switch.is_some_and(|s| nic.switch_name.eq_ignore_ascii_case(s)));
            let remedy = match nic {
                Some(nic) => Remedy::Commands(vec![HostCommand {
                    hosts: vec![of.name.clone()],
                    command: format!(
                        "Enable-NetAdapterBinding -Name {} -ComponentID ms_netwnv",
                        nvgre_netwnv::quoted(&nic.name)
                    ),
                }]),
                None => Remedy::Words(
                    "Enable-NetAdapterBinding -ComponentID ms_netwnv on the NIC of the guests' external switch".to_owned(),
                ),
            };
            found.push(Disagreement {
                what: What::WnvUnbound {
                    host: of.name.clone(),
                },
                severity: Severity::Error,
                sides: sides(),
                remedy,
            });
        }
        if of.provider_addresses.is_empty() && index.knows(host, DumpKind::ProviderAddress) {
            found.push(Disagreement {
                what: What::NoProviderAddress {
                    host: of.name.clone(),
                },
                severity: Severity::Error,
                sides: sides(),
                remedy: address_from_records(index, host),
            });
        }
    }
}

fn guests_side(of: &Host) -> Side {
    let adapters = of.adapters.iter().filter(|a| subnet_of(a).is_some());
    let names: Vec<_> = adapters.clone().map(|a| a.vm_name.clone()).collect();
    Side {
        hosts: vec![of.name.clone()],
        says: format!("runs {}", crate::listed::listed(&names)),
        places: adapters.filter_map(|a| a.place.clone()).take(1).collect(),
    }
}

/// The address that records name for the guests of a host that has none, if nobody owns it.
fn address_from_records(index: &Index<'_>, host: HostIndex) -> Remedy {
    let mut named: BTreeMap<ProviderAddress, usize> = BTreeMap::new();
    for held in &index.records {
        let record = &held.entry.record;
        let guests = index.guests(record.virtual_subnet, record.mac);
        if guests.iter().any(|&(at, _)| at == host)
            && !index.owners.contains_key(&record.provider_address)
        {
            *named.entry(record.provider_address).or_default() += 1;
        }
    }
    let address = named.into_iter().max_by_key(|&(_, count)| count);
    let command = address.and_then(|(address, _)| {
        let nic = index.nic_for_addresses(host)?;
        let mut others = index.owners.values().flatten();
        let (_, other) = others.find(|(_, other)| {
            network_of(other).is_some_and(|network| network.contains(address))
        })?;
        let vlan = other.address.vlan.map(|vlan| format!(" -VlanID {vlan}"));
        // Without -MACAddress it is the NIC's, which a dump may not tell.
        Some(format!(
            "New-NetVirtualizationProviderAddress -ProviderAddress \"{address}\" -InterfaceIndex {} -PrefixLength {}{}",
            nic.interface_index,
            other.address.prefix_length,
            vlan.unwrap_or_default()
        ))
    });
    match command {
        Some(command) => Remedy::Commands(vec![HostCommand {
            hosts: index.names(&[host]),
            command,
        }]),
        None => Remedy::Words(
            "New-NetVirtualizationProviderAddress with an address of its own on the bound NIC, then point the records of its guests there; if it has one that was not read, read it too".to_owned(),
        ),
    }
}

/// Provider addresses that a host's records name and that it has no way to.
fn unreachable(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    for (host, of) in index.hosts.iter().enumerate() {
        if of.provider_addresses.is_empty() {
            continue;
        }
        let own: Vec<_> = of
            .provider_addresses
            .iter()
            .filter_map(network_of)
            .collect();
        let is_covered = |address: ProviderAddress| {
            let routes = &of.provider_routes;
            own.iter().any(|network| network.contains(address))
                || routes
                    .iter()
                    .any(|entry| entry.route.destination.contains(address))
        };
        let mut asked: BTreeSet<ProviderAddress> = BTreeSet::new();
        let mut told: BTreeSet<ProviderPrefix> = BTreeSet::new();
        let mut last = None;
        for entry in &of.records {
            let record = &entry.record;
            let address = record.provider_address;
            if last.replace(address) == Some(address)
                || !asked.insert(address)
                || is_covered(address)
            {
                continue;
            }
            let owner = index.owners.get(&address).and_then(|owners| owners.first());
            let Some(&(owner, theirs)) = owner.filter(|&&(owner, _)| owner != host) else {
                continue;
            };
            let needing = index.needing(index.domain(record.virtual_subnet));
            let network = network_of(theirs);
            let Some(network) = network.filter(|_| needing.binary_search(&host).is_ok()) else {
                // Another record may be one that the host needs.
                asked.remove(&address);
                last = None;
                continue;
            };
            let is_same_family =
                |own: &ProviderPrefix| own.network().is_ipv4() == address.is_ipv4();
            let no_address_of_family = !own.iter().any(is_same_family);
            let is_known = no_address_of_family || index.knows(host, DumpKind::ProviderRoute);
            if is_known && told.insert(network) {
                let sides = vec![
                    Side {
                        hosts: vec![of.name.clone()],
                        says: format!("{} at {address}", record.customer_address),
                        places: vec![entry.place.clone()],
                    },
                    Side {
                        hosts: index.names(&[owner]),
                        says: format!("owns {address}/{}", network.length()),
                        places: vec![theirs.place.clone()],
                    },
                ];
                found.push(Disagreement {
                    severity: Severity::Error,
                    sides,
                    remedy: if no_address_of_family {
                        Remedy::Words(format!(
                            "Give {} a provider address of the family of {address}, or point the record to one of {} that is of its family",
                            of.name, index.hosts[owner].name
                        ))
                    } else {
                        route_to(index, of, &own, network)
                    },
                    what: What::ProviderUnreachable {
                        host: of.name.clone(),
                        network,
                        example: address,
                        owner: index.hosts[owner].name.clone(),
                        no_address_of_family,
                    },
                });
            }
        }
    }
}

/// By the router that this host, or another one on its network, uses already.
fn route_to(
    index: &Index<'_>,
    of: &Host,
    own: &[ProviderPrefix],
    network: ProviderPrefix,
) -> Remedy {
    let hosts = std::iter::once(of).chain(index.hosts);
    let router = hosts
        .flat_map(|host| &host.provider_routes)
        .map(|entry| entry.route.next_hop)
        .find(|&via| !via.is_unspecified() && own.iter().any(|network| network.contains(via)));
    let interface = router.and_then(|router| {
        let mut addresses = of.provider_addresses.iter();
        addresses.find(|entry| network_of(entry).is_some_and(|own| own.contains(router)))
    });
    match (router, interface) {
        (Some(router), Some(entry)) => Remedy::Commands(vec![HostCommand {
            hosts: vec![of.name.clone()],
            command: format!(
                "New-NetVirtualizationProviderRoute -InterfaceIndex {} -DestinationPrefix \"{network}\" -NextHop \"{router}\"",
                entry.address.interface_index
            ),
        }]),
        (Some(_) | None, _) => Remedy::Words(format!(
            "On {}: New-NetVirtualizationProviderRoute -DestinationPrefix \"{network}\" with the provider network's router as -NextHop",
            of.name
        )),
    }
}
