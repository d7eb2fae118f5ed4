//! Customer routes: which routing domain a subnet is in, and whether hosts route alike.

use std::collections::BTreeMap;

use nvgre_netwnv::{DumpKind, RouteEntry};
use nvgre_wire::{CustomerAddress, RoutingDomainId, VirtualSubnetId};

use crate::cross::commands::{Commands, mend_routes, remove_routes};
use crate::cross::disagreement::{Disagreement, HostCommand, Remedy, Side};
use crate::cross::domain::Domain;
use crate::cross::index::{Held, HostIndex, Index, hosts_of, without};
use crate::cross::sides::RIGHT_TOLD;
use crate::cross::what::{RouteName, What};
use crate::finding::Severity;
use crate::listed::listed;

pub(crate) type HeldRoute<'e> = Held<'e, RouteName, RouteEntry>;

/// Everything about customer routes.
pub(crate) fn check(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let same_subnet =
        |a: &HeldRoute<'_>, b: &HeldRoute<'_>| a.name.virtual_subnet == b.name.virtual_subnet;
    // Hosts with any route of a domain, in the subnets that are in it by most hosts' word.
    let mut holding: BTreeMap<Domain, Vec<HostIndex>> = BTreeMap::new();
    for of_subnet in index.routes.chunk_by(same_subnet) {
        let domain = index.domain(of_subnet[0].name.virtual_subnet);
        let hosts = holding.entry(domain).or_default();
        hosts.extend(hosts_of(of_subnet.iter().map(|held| held.host)));
    }
    let mut lacking: BTreeMap<Domain, Lacking<'_>> = BTreeMap::new();
    for (&domain, hosts) in &mut holding {
        *hosts = hosts_of(hosts.iter().copied());
        let mut without = without(index.needing(domain), hosts);
        without.retain(|&host| index.knows(host, DumpKind::CustomerRoute));
        if !without.is_empty() {
            let wanted = Vec::new();
            lacking.insert(
                domain,
                Lacking {
                    hosts: without,
                    wanted,
                },
            );
        }
    }
    for of_subnet in index.routes.chunk_by(same_subnet) {
        two_domains(index, of_subnet, found);
        let vsid = of_subnet[0].name.virtual_subnet;
        for held in of_subnet.chunk_by(|a, b| a.name == b.name) {
            if Domain::Routing(held[0].name.routing_domain) == index.domain(vsid) {
                one_name(index, of_subnet, held, &mut lacking, found);
            }
        }
    }
    for (domain, lacking) in lacking {
        found.push(no_routes(index, domain, &lacking));
    }
    subnets_without_routes(index, found);
}

/// Hosts that need a domain's routes and have none, and what they would have to make.
struct Lacking<'e> {
    hosts: Vec<HostIndex>,
    wanted: Vec<(&'e RouteEntry, HostIndex)>,
}

/// What several hosts say alike about one route: next hops and metrics.
struct Variant<'e> {
    entries: Vec<&'e RouteEntry>,
    hosts: Vec<HostIndex>,
    places: Vec<nvgre_netwnv::Place>,
}

fn says(entries: &[&RouteEntry]) -> Vec<(CustomerAddress, u32)> {
    let mut says: Vec<_> = entries
        .iter()
        .map(|entry| (entry.route.next_hop, entry.route.metric))
        .collect();
    says.sort_unstable();
    says
}

/// The most often said first; of equals, by the first host.
fn variants<'e>(held: &[HeldRoute<'e>]) -> Vec<Variant<'e>> {
    let mut variants: Vec<(Vec<(CustomerAddress, u32)>, Variant<'e>)> = Vec::new();
    for of_host in held.chunk_by(|a, b| a.host == b.host) {
        let entries: Vec<_> = of_host.iter().map(|held| held.entry).collect();
        let said = says(&entries);
        let places = entries.iter().map(|entry| entry.place.clone());
        match variants.iter_mut().find(|(known, _)| *known == said) {
            Some((_, variant)) => {
                variant.hosts.push(of_host[0].host);
                variant.places.extend(places);
            }
            None => variants.push((
                said,
                Variant {
                    places: places.collect(),
                    hosts: vec![of_host[0].host],
                    entries,
                },
            )),
        }
    }
    let mut variants: Vec<_> = variants.into_iter().map(|(_, variant)| variant).collect();
    variants.sort_by_key(|variant| std::cmp::Reverse(variant.hosts.len()));
    variants
}

/// V-02.
fn two_domains(index: &Index<'_>, of_subnet: &[HeldRoute<'_>], found: &mut Vec<Disagreement>) {
    let vsid = of_subnet[0].name.virtual_subnet;
    let mut domains: Vec<(RoutingDomainId, Vec<HostIndex>, &[HeldRoute<'_>])> = of_subnet
        .chunk_by(|a, b| a.name.routing_domain == b.name.routing_domain)
        .map(|held| {
            let hosts = hosts_of(held.iter().map(|held| held.host));
            (held[0].name.routing_domain, hosts, held)
        })
        .collect();
    if domains.len() < 2 {
        return;
    }
    domains.sort_by_key(|(_, hosts, _)| std::cmp::Reverse(hosts.len()));
    let is_tie = domains[0].1.len() == domains[1].1.len();
    // The fewest first: that is where one would mend it.
    let sides = domains.iter().rev().map(|(domain, hosts, held)| Side {
        hosts: index.names(hosts),
        says: format!("VSID {vsid} is in {domain}"),
        places: held.iter().map(|held| held.entry.place.clone()).collect(),
    });
    let sides = sides.collect();
    let move_into = |right: usize| {
        let mut commands = Commands::default();
        for (at, (_, _, held)) in domains.iter().enumerate() {
            for held in held.iter().filter(|_| at != right) {
                let host = &index.hosts[held.host];
                commands.add(&host.name, remove_routes(&held.name));
                let mut entry = held.entry.clone();
                entry.route.routing_domain = domains[right].0;
                let is_there = host.customer_routes.iter().any(|other| {
                    let (a, b) = (&other.route, &entry.route);
                    a.routing_domain == b.routing_domain
                        && a.virtual_subnet == b.virtual_subnet
                        && a.destination == b.destination
                        && a.next_hop == b.next_hop
                });
                if !is_there {
                    commands.add(&host.name, entry.to_powershell());
                }
            }
        }
        commands.into_vec()
    };
    let remedy = if is_tie {
        Remedy::Either((0..domains.len()).map(move_into).collect())
    } else {
        Remedy::Commands(move_into(0))
    };
    let named = domains
        .iter()
        .map(|(domain, hosts, _)| (*domain, index.names(hosts)));
    found.push(Disagreement {
        what: What::SubnetInTwoDomains {
            virtual_subnet: vsid,
            domains: named.collect(),
        },
        severity: Severity::Error,
        sides,
        remedy,
    });
}

fn one_name<'e>(
    index: &Index<'e>,
    of_subnet: &[HeldRoute<'e>],
    held: &[HeldRoute<'e>],
    lacking: &mut BTreeMap<Domain, Lacking<'e>>,
    found: &mut Vec<Disagreement>,
) {
    let name = held[0].name;
    let domain = Domain::Routing(name.routing_domain);
    let variants = variants(held);
    let right = match &variants[..] {
        [first, second, ..] if first.hosts.len() == second.hosts.len() => None,
        [first, ..] => Some(first),
        [] => None,
    };
    if variants.len() > 1 {
        found.push(differ(index, name, &variants, right.is_some()));
    }
    let lacking = lacking.get_mut(&domain);
    let without_any = lacking.as_ref().map_or(&[][..], |lacking| &lacking.hosts);
    let holding = hosts_of(held.iter().map(|held| held.host));
    let mut missing = without(&without(index.needing(domain), &holding), without_any);
    // Those who have it in another domain are told of that.
    missing.retain(|&host| {
        if !index.knows(host, DumpKind::CustomerRoute) {
            return false;
        }
        let is_it = |other: &HeldRoute<'_>| {
            other.host == host && other.name.destination == name.destination
        };
        !of_subnet.iter().any(is_it)
    });
    let shown = right.unwrap_or(&variants[0]);
    if let Some(lacking) = lacking {
        let wanted = shown.entries.iter().map(|&entry| (entry, shown.hosts[0]));
        lacking.wanted.extend(wanted);
    }
    if missing.is_empty() {
        return;
    }
    let hosts = index.names(&missing);
    let commands = shown.entries.iter().map(|entry| HostCommand {
        hosts: hosts.clone(),
        command: entry.to_powershell(),
    });
    let remedy = match right {
        Some(_) => Remedy::Commands(commands.collect()),
        None => Remedy::Words(format!(
            "The hosts that have it disagree about it: mend that first, then make it on {} too",
            listed(&hosts)
        )),
    };
    let mut sides = vec![Side {
        hosts: hosts.clone(),
        says: "no such route".to_owned(),
        places: Vec::new(),
    }];
    sides.extend(
        variants
            .iter()
            .map(|variant| side(index, variant, RIGHT_TOLD)),
    );
    found.push(Disagreement {
        what: What::RouteMissing { route: name, hosts },
        severity: index.lack(domain),
        sides,
        remedy,
    });
}

fn differ(
    index: &Index<'_>,
    name: RouteName,
    variants: &[Variant<'_>],
    is_first_right: bool,
) -> Disagreement {
    let make_like = |right: &Variant<'_>| {
        let mut commands = Commands::default();
        let others = variants.iter().filter(|other| !std::ptr::eq(*other, right));
        for other in others {
            for command in mend_routes(&other.entries, &right.entries) {
                for &host in &other.hosts {
                    commands.add(&index.hosts[host].name, command.clone());
                }
            }
        }
        commands.into_vec()
    };
    let remedy = if is_first_right {
        Remedy::Commands(make_like(&variants[0]))
    } else {
        Remedy::Either(variants.iter().map(make_like).collect())
    };
    let (right, wrong) = variants.split_at(usize::from(is_first_right));
    let wrong = wrong.iter().map(|variant| side(index, variant, usize::MAX));
    let right = right.iter().map(|variant| side(index, variant, RIGHT_TOLD));
    // Of one next hop, the metric decides nothing while no other route has the prefix.
    let hops = |variant: &Variant<'_>| -> Vec<_> {
        let says = says(&variant.entries);
        says.into_iter().map(|(next_hop, _)| next_hop).collect()
    };
    let only_metrics = variants.iter().all(|v| hops(v) == hops(&variants[0]));
    Disagreement {
        what: What::RoutesDiffer { route: name },
        severity: if only_metrics {
            Severity::Warning
        } else {
            Severity::Error
        },
        sides: wrong.chain(right).collect(),
        remedy,
    }
}

fn side(index: &Index<'_>, variant: &Variant<'_>, places: usize) -> Side {
    let says: Vec<_> = says(&variant.entries)
        .into_iter()
        .map(|(next_hop, metric)| format!("next hop {next_hop}, metric {metric}"))
        .collect();
    Side {
        hosts: index.names(&variant.hosts),
        says: says.join("; "),
        places: variant.places.iter().take(places).cloned().collect(),
    }
}

fn no_routes(index: &Index<'_>, domain: Domain, lacking: &Lacking<'_>) -> Disagreement {
    let hosts = index.names(&lacking.hosts);
    let commands = lacking.wanted.iter().map(|(entry, _)| HostCommand {
        hosts: hosts.clone(),
        command: entry.to_powershell(),
    });
    let mut sides = vec![Side {
        hosts: hosts.clone(),
        says: "none of its routes".to_owned(),
        places: Vec::new(),
    }];
    if let Some((first, holder)) = lacking.wanted.first() {
        sides.push(Side {
            hosts: index.names(&[*holder]),
            says: format!("{}, and others", first.route.destination),
            places: vec![first.place.clone()],
        });
    }
    Disagreement {
        remedy: Remedy::Commands(commands.collect()),
        what: What::NoRoutes {
            domain,
            missing: lacking.wanted.len(),
            hosts,
        },
        severity: index.lack(domain),
        sides,
    }
}

fn subnets_without_routes(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let mut last: Option<VirtualSubnetId> = None;
    for held in &index.records {
        let vsid = held.name.virtual_subnet;
        let is_known = index.knows(held.host, DumpKind::CustomerRoute);
        if !is_known || last.replace(vsid) == Some(vsid) {
            continue;
        }
        if let Domain::Subnet(_) = index.domain(vsid) {
            found.push(Disagreement {
                what: What::SubnetWithoutRoutes {
                    virtual_subnet: vsid,
                },
                severity: Severity::Error,
                sides: vec![Side {
                    hosts: index.names(&[held.host]),
                    says: format!("a record for {}", held.name),
                    places: vec![held.entry.place.clone()],
                }],
                remedy: Remedy::Words(format!(
                    "On every host of the tenant: New-NetVirtualizationCustomerRoute -VirtualSubnetID {vsid} with the tenant's -RoutingDomainID, the subnet's -DestinationPrefix and -NextHop \"0.0.0.0\""
                )),
            });
        }
    }
}
