//! Whether hosts agree about the networks that their provider addresses are in, and about who routes.

use std::collections::BTreeMap;

use nvgre_netwnv::{DumpKind, HostAddressEntry, Place};
use nvgre_wire::{ProviderPrefix, VlanId};

use crate::cross::commands::Commands;
use crate::cross::disagreement::{Disagreement, HostCommand, Remedy, Side};
use crate::cross::index::{HostIndex, Index};
use crate::cross::what::What;
use crate::finding::Severity;

/// VLANs, prefix lengths, external routers.
pub(crate) fn check(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let mut networks = networks(index);
    vlans(index, &networks, found);
    networks.sort_by_key(|of| (of.network.network(), of.network.length(), of.host));
    prefix_lengths(index, &networks, found);
    external_routers(index, found);
}

/// A provider address in its network.
struct InNetwork<'e> {
    network: ProviderPrefix,
    host: HostIndex,
    entry: &'e HostAddressEntry,
}

pub(crate) fn network_of(entry: &HostAddressEntry) -> Option<ProviderPrefix> {
    ProviderPrefix::new(entry.address.address, entry.address.prefix_length).ok()
}

/// By network and host.
fn networks<'e>(index: &Index<'e>) -> Vec<InNetwork<'e>> {
    let mut networks: Vec<_> = index
        .owners
        .values()
        .flatten()
        .filter_map(|&(host, entry)| {
            Some(InNetwork {
                network: network_of(entry)?,
                host,
                entry,
            })
        })
        .collect();
    networks.sort_by_key(|of| (of.network, of.host));
    networks
}

fn vlans(index: &Index<'_>, networks: &[InNetwork<'_>], found: &mut Vec<Disagreement>) {
    for group in networks.chunk_by(|a, b| a.network == b.network) {
        let group: Vec<_> = group.iter().collect();
        let tagged = |vlan: Option<VlanId>| vlan.map_or(0, VlanId::get);
        let opinions = opinions(&group, |entry| tagged(entry.address.vlan));
        let [_, _, ..] = opinions[..] else {
            continue;
        };
        let what = What::ProviderVlansDiffer {
            network: group[0].network,
        };
        let says = |vlan: u16| match vlan {
            0 => "no VLAN".to_owned(),
            vlan => format!("VLAN {vlan}"),
        };
        found.push(settle(index, what, &opinions, says, "VlanID"));
    }
}

/// `networks` by first address, the widest first.
fn prefix_lengths(index: &Index<'_>, networks: &[InNetwork<'_>], found: &mut Vec<Disagreement>) {
    let mut rest = networks;
    while let Some(widest) = rest.first() {
        let overlapping = rest
            .iter()
            .take_while(|of| of.network.overlaps(&widest.network));
        let group: Vec<_> = overlapping.collect();
        rest = &rest[group.len()..];
        let opinions = opinions(&group, |entry| u16::from(entry.address.prefix_length));
        let [_, _, ..] = opinions[..] else {
            continue;
        };
        let what = What::ProviderPrefixLengthsDiffer {
            network: widest.network,
        };
        let says = |length: u16| format!("prefix length {length}");
        found.push(settle(index, what, &opinions, says, "PrefixLength"));
    }
}

/// A value and the addresses that have it.
type Opinion<'g> = (u16, Vec<&'g InNetwork<'g>>);

/// The most common first; of equals the lowest value.
fn opinions<'g>(
    group: &[&'g InNetwork<'g>],
    value: impl Fn(&HostAddressEntry) -> u16,
) -> Vec<Opinion<'g>> {
    let mut by_value: BTreeMap<u16, Vec<&InNetwork<'_>>> = BTreeMap::new();
    for &of in group {
        by_value.entry(value(of.entry)).or_default().push(of);
    }
    let mut opinions: Vec<_> = by_value.into_iter().collect();
    opinions.sort_by_key(|(_, of)| std::cmp::Reverse(of.len()));
    opinions
}

fn settle(
    index: &Index<'_>,
    what: What,
    opinions: &[Opinion<'_>],
    says: impl Fn(u16) -> String,
    parameter: &str,
) -> Disagreement {
    let sides = opinions.iter().rev().map(|(value, of)| Side {
        hosts: of
            .iter()
            .map(|of| index.hosts[of.host].name.clone())
            .collect(),
        says: says(*value),
        places: of
            .iter()
            .map(|of| of.entry.place.clone())
            .collect::<Vec<Place>>(),
    });
    let make = |right: usize| {
        let mut commands = Commands::default();
        let wrong = opinions.iter().enumerate().filter(|&(at, _)| at != right);
        for of in wrong.flat_map(|(_, (_, of))| of) {
            let command = format!(
                "Set-NetVirtualizationProviderAddress -ProviderAddress \"{}\" -{parameter} {}",
                of.entry.address.address, opinions[right].0
            );
            commands.add(&index.hosts[of.host].name, command);
        }
        commands.into_vec()
    };
    let is_tie = opinions[0].1.len() == opinions[1].1.len();
    Disagreement {
        what,
        severity: Severity::Warning,
        sides: sides.collect(),
        remedy: if is_tie {
            Remedy::Either((0..opinions.len()).map(make).collect())
        } else {
            Remedy::Commands(make(0))
        },
    }
}

/// `UseExternalRouter` of the hosts that route at all.
fn external_routers(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let routing = |wanted: bool| -> Vec<HostIndex> {
        let hosts = index.hosts.iter().enumerate();
        hosts
            .filter(|(_, of)| !of.customer_routes.is_empty() && of.use_external_router == wanted)
            .filter(|&(host, _)| index.knows(host, DumpKind::Global))
            .map(|(host, _)| host)
            .collect()
    };
    let (with, without) = (routing(true), routing(false));
    if with.is_empty() || without.is_empty() {
        return;
    }
    let set = |hosts: &[HostIndex], value: bool| {
        vec![HostCommand {
            hosts: index.names(hosts),
            command: format!("Set-NetVirtualizationGlobal -UseExternalRouter ${value}"),
        }]
    };
    let side = |hosts: &[HostIndex], value: bool| Side {
        hosts: index.names(hosts),
        says: format!("UseExternalRouter ${value}"),
        places: Vec::new(),
    };
    let (with_side, without_side) = (side(&with, true), side(&without, false));
    let (sides, remedy) = match with.len().cmp(&without.len()) {
        std::cmp::Ordering::Less => (
            vec![with_side, without_side],
            Remedy::Commands(set(&with, false)),
        ),
        std::cmp::Ordering::Greater => (
            vec![without_side, with_side],
            Remedy::Commands(set(&without, true)),
        ),
        std::cmp::Ordering::Equal => (
            vec![with_side, without_side],
            Remedy::Either(vec![set(&with, false), set(&without, true)]),
        ),
    };
    found.push(Disagreement {
        what: What::ExternalRouterDiffers,
        severity: Severity::Warning,
        sides,
        remedy,
    });
}
