//! Adapters beside each other, and policy where no guest needs it.

use std::collections::BTreeMap;

use nvgre_wire::{MacAddress, VirtualSubnetId};

use crate::cross::commands::Commands;
use crate::cross::disagreement::{Disagreement, Remedy, Side};
use crate::cross::domain::Domain;
use crate::cross::index::{GuestRef, HostIndex, Index, subnet_of};
use crate::cross::what::What;
use crate::finding::Severity;

/// Everything about where guests are.
pub(crate) fn check(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    macs(index, found);
    unneeded(index, found);
}

/// V-05: a MAC has one owner in a routing domain.
fn macs(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let mut owners: BTreeMap<(Domain, MacAddress), Vec<GuestRef<'_>>> = BTreeMap::new();
    for (vsid, mac, guests) in index.all_guests() {
        let of_mac = owners.entry((index.domain(vsid), mac)).or_default();
        of_mac.extend_from_slice(guests);
    }
    for ((domain, mac), guests) in owners {
        if guests.len() < 2 {
            continue;
        }
        let sides = guests.iter().map(|(host, adapter)| Side {
            hosts: index.names(&[*host]),
            says: match subnet_of(adapter) {
                Some(vsid) => format!("{} has {mac}, in VSID {vsid}", adapter.vm_name),
                None => format!("{} has {mac}", adapter.vm_name),
            },
            places: adapter.place.iter().cloned().collect(),
        });
        found.push(Disagreement {
            sides: sides.collect(),
            severity: Severity::Error,
            remedy: Remedy::Words(
                "Where one VM is told twice, remove the copy that does not run; else give one of them another MAC (Set-VMNetworkAdapter -StaticMacAddress) and make its records again".to_owned(),
            ),
            what: What::MacTwice {
                domain,
                mac,
                guests: guests.iter().map(|&guest| index.guest_at(guest)).collect(),
            },
        });
    }
}

/// What a host holds of domains that have no guest there.
#[derive(Default)]
struct Unneeded {
    records: usize,
    routes: usize,
    /// Subnets, and whether records and routes of them are there.
    subnets: BTreeMap<VirtualSubnetId, (bool, bool)>,
    domains: Vec<Domain>,
    places: Vec<nvgre_netwnv::Place>,
}

/// V-16, the other way round. Domains whose guests are nowhere are not judged, nor are hosts whose
/// adapters are not known.
fn unneeded(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    for (host, of) in index.hosts.iter().enumerate() {
        if of.adapters.is_empty() {
            continue;
        }
        let records = of
            .records
            .iter()
            .map(|entry| (entry.record.virtual_subnet, true, &entry.place));
        let routes = of.customer_routes.iter();
        let routes = routes.map(|entry| (entry.route.virtual_subnet, false, &entry.place));
        let mut of_host = Unneeded::default();
        let mut last: Option<(VirtualSubnetId, bool)> = None;
        for (vsid, is_record, place) in records.chain(routes) {
            let is_needed = match last {
                Some((known, is_needed)) if known == vsid => is_needed,
                _ => is_needed(index, host, vsid),
            };
            last = Some((vsid, is_needed));
            if is_needed {
                continue;
            }
            let subnet = of_host.subnets.entry(vsid).or_default();
            if *subnet == (false, false) {
                of_host.places.push(place.clone());
                of_host.domains.push(index.domain(vsid));
            }
            if is_record {
                of_host.records += 1;
                subnet.0 = true;
            } else {
                of_host.routes += 1;
                subnet.1 = true;
            }
        }
        if !of_host.subnets.is_empty() {
            found.push(tell(&of.name, of_host));
        }
    }
}

fn is_needed(index: &Index<'_>, host: HostIndex, vsid: VirtualSubnetId) -> bool {
    let domain = index.domain(vsid);
    let needing = index.needing(domain);
    // A guest that is outside of its subnet may be put back.
    let displaced = index.displaced.get(&domain);
    needing.is_empty()
        || needing.binary_search(&host).is_ok()
        || displaced.is_some_and(|hosts| hosts.contains(&host))
}

fn tell(host: &str, mut unneeded: Unneeded) -> Disagreement {
    unneeded.domains.sort_unstable();
    unneeded.domains.dedup();
    let mut commands = Commands::default();
    for (vsid, (records, routes)) in &unneeded.subnets {
        for (is_there, noun) in [(records, "LookupRecord"), (routes, "CustomerRoute")] {
            if *is_there {
                let command = format!("Remove-NetVirtualization{noun} -VirtualSubnetID {vsid}");
                commands.add(host, command);
            }
        }
    }
    Disagreement {
        severity: Severity::Note,
        sides: vec![Side {
            hosts: vec![host.to_owned()],
            says: "the first of each subnet".to_owned(),
            places: unneeded.places,
        }],
        remedy: Remedy::Commands(commands.into_vec()),
        what: What::PolicyUnneeded {
            host: host.to_owned(),
            records: unneeded.records,
            routes: unneeded.routes,
            domains: unneeded.domains,
        },
    }
}
