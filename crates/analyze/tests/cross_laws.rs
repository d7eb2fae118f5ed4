//! Laws of the cross-check, over networks in which several things went wrong at once: what its
//! commands do is what it wants, and nothing depends on the order of rows.

mod estates;

use std::collections::BTreeSet;

use estates::{address, apply, guest, hosts, mac, on, on_all, route};
use nvgre_analyze::{Disagreement, Remedy, Severity, cross_check};
use nvgre_netwnv::Estate;
use proptest::prelude::*;

/// One thing that goes wrong. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Fault {
    Move { guest: usize, to: usize },
    PointElsewhere { host: usize, record: usize, to: u8 },
    PointElsewhereEverywhere { record: usize, to: u8 },
    RemoveRecord { host: usize, record: usize },
    ChangeRule { host: usize, record: usize },
    ChangeMac { host: usize, record: usize },
    RemoveRoutes { host: usize },
    ChangeMetric { host: usize, metric: u32 },
    ChangeDomain { host: usize },
    ChangeVlan { host: usize, vlan: u16 },
    LoseGuest { guest: usize },
    Unbind { host: usize },
    LoseRecords { host: usize },
    ExternalRouter { host: usize },
}

fn faults() -> impl Strategy<Value = Fault> {
    let n = 0..64_usize;
    let to = 1..12_u8;
    prop_oneof![
        (n.clone(), n.clone()).prop_map(|(guest, to)| Fault::Move { guest, to }),
        (n.clone(), n.clone(), to.clone()).prop_map(|(host, record, to)| Fault::PointElsewhere {
            host,
            record,
            to
        }),
        (n.clone(), to).prop_map(|(record, to)| Fault::PointElsewhereEverywhere { record, to }),
        (n.clone(), n.clone()).prop_map(|(host, record)| Fault::RemoveRecord { host, record }),
        (n.clone(), n.clone()).prop_map(|(host, record)| Fault::ChangeRule { host, record }),
        (n.clone(), n.clone()).prop_map(|(host, record)| Fault::ChangeMac { host, record }),
        n.clone().prop_map(|host| Fault::RemoveRoutes { host }),
        (n.clone(), 1..9_u32).prop_map(|(host, metric)| Fault::ChangeMetric { host, metric }),
        n.clone().prop_map(|host| Fault::ChangeDomain { host }),
        (n.clone(), 1..9_u16).prop_map(|(host, vlan)| Fault::ChangeVlan { host, vlan }),
        n.clone().prop_map(|guest| Fault::LoseGuest { guest }),
        n.clone().prop_map(|host| Fault::Unbind { host }),
        n.clone().prop_map(|host| Fault::LoseRecords { host }),
        n.prop_map(|host| Fault::ExternalRouter { host }),
    ]
}

/// Hosts h0, h1, ... at 192.168.4.1, .2, ...; a guest on each in turn, all of one domain in subnets
/// 5001 and 5002.
fn network(host_count: usize, guest_count: u8) -> Estate {
    let names: Vec<_> = (0..host_count).map(|n| format!("h{n}")).collect();
    let mut estate = hosts(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (at, name) in names.iter().enumerate() {
        on(
            &mut estate,
            name,
            &address(&format!("192.168.4.{}", at + 1)),
        );
    }
    let mut records = route(5001, "10.0.1.0/24") + &route(5002, "10.0.2.0/24");
    for n in 0..guest_count {
        let (vsid, host) = (5001 + u32::from(n % 2), usize::from(n) % host_count);
        guest(&mut estate, &names[host], &format!("vm{n}"), &mac(n), vsid);
        records += &format!(
            "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.{}.{} -VirtualSubnetID {vsid} -MACAddress {} -ProviderAddress 192.168.4.{} -Rule TranslationMethodEncap -VMName vm{n}\n",
            vsid - 5000,
            10 + n,
            mac(n),
            host + 1
        );
    }
    on_all(&mut estate, &records);
    estate
}

fn go_wrong(estate: &mut Estate, fault: &Fault) {
    let count = estate.hosts.len();
    let record_at = |estate: &Estate, host: usize, record: usize| {
        let records = estate.hosts[host].records.len();
        (records > 0).then(|| record % records)
    };
    match *fault {
        Fault::Move { guest, to } => {
            let from: Vec<_> = (0..count)
                .flat_map(|host| (0..estate.hosts[host].adapters.len()).map(move |at| (host, at)))
                .collect();
            if let Some(&(host, at)) = from.get(guest % from.len().max(1)) {
                let adapter = estate.hosts[host].adapters.remove(at);
                estate.hosts[to % count].adapters.push(adapter);
            }
        }
        Fault::LoseGuest { guest } => {
            let host = &mut estate.hosts[guest % count];
            if !host.adapters.is_empty() {
                let at = guest % host.adapters.len();
                host.adapters.remove(at);
            }
        }
        Fault::PointElsewhere { host, record, to } => {
            if let Some(at) = record_at(estate, host % count, record) {
                estate.hosts[host % count].records[at]
                    .record
                    .provider_address = nvgre_wire::ProviderAddress::v4([192, 168, 4, to]);
            }
        }
        Fault::PointElsewhereEverywhere { record, to } => {
            let Some(at) = record_at(estate, 0, record) else {
                return;
            };
            let name = estate.hosts[0].records[at].record.customer_address;
            for host in &mut estate.hosts {
                for entry in &mut host.records {
                    if entry.record.customer_address == name {
                        entry.record.provider_address =
                            nvgre_wire::ProviderAddress::v4([192, 168, 4, to]);
                    }
                }
            }
        }
        Fault::RemoveRecord { host, record } => {
            if let Some(at) = record_at(estate, host % count, record) {
                estate.hosts[host % count].records.remove(at);
            }
        }
        Fault::ChangeRule { host, record } => {
            if let Some(at) = record_at(estate, host % count, record) {
                estate.hosts[host % count].records[at].record.rule = nvgre_dataplane::Rule::None;
            }
        }
        Fault::ChangeMac { host, record } => {
            if let Some(at) = record_at(estate, host % count, record) {
                estate.hosts[host % count].records[at].record.mac = "00155DFFFFFF".parse().unwrap();
            }
        }
        Fault::RemoveRoutes { host } => estate.hosts[host % count].customer_routes.clear(),
        Fault::ChangeMetric { host, metric } => {
            for entry in &mut estate.hosts[host % count].customer_routes {
                entry.route.metric = metric;
            }
        }
        Fault::ChangeDomain { host } => {
            if let Some(entry) = estate.hosts[host % count].customer_routes.first_mut() {
                entry.route.routing_domain = nvgre_wire::RoutingDomainId::new(7);
            }
        }
        Fault::ChangeVlan { host, vlan } => {
            for entry in &mut estate.hosts[host % count].provider_addresses {
                entry.address.vlan = nvgre_wire::VlanId::try_new(vlan).ok();
            }
        }
        Fault::Unbind { host } => estate.hosts[host % count].nics[0].wnv_bound = false,
        Fault::LoseRecords { host } => estate.hosts[host % count].records.clear(),
        Fault::ExternalRouter { host } => {
            let host = &mut estate.hosts[host % count];
            host.use_external_router = !host.use_external_router;
        }
    }
}

fn wrong(estate: &Estate) -> Vec<Disagreement> {
    let mut found = cross_check(estate);
    found.retain(|one| one.severity > Severity::Note);
    found
}

/// Does what the worst disagreement wants, then asks again, as long as there are commands.
fn mend(estate: &mut Estate) -> Vec<Disagreement> {
    for _ in 0..400 {
        let found = wrong(estate);
        let next = found.iter().find_map(|one| match &one.remedy {
            Remedy::Commands(commands) => Some((one, commands)),
            Remedy::Either(choices) => Some((one, &choices[0])),
            Remedy::Words(_) => None,
        });
        let Some((one, commands)) = next else {
            return found;
        };
        apply(estate, commands);
        let again = wrong(estate);
        let still = again.iter().any(|other| other.identity() == one.identity());
        assert!(!still, "{one:#?} is still there");
    }
    panic!("it never ends: {:#?}", wrong(estate));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn doing_what_each_disagreement_wants_ends_and_leaves_what_only_people_know(
        host_count in 2..5_usize,
        guest_count in 2..9_u8,
        faults in prop::collection::vec(faults(), 0..6),
    ) {
        let mut estate = network(host_count, guest_count);
        prop_assert_eq!(wrong(&estate), []);
        for fault in &faults {
            go_wrong(&mut estate, fault);
        }
        for one in mend(&mut estate) {
            prop_assert!(matches!(one.remedy, Remedy::Words(_)), "{:#?}", one);
        }
    }

    #[test]
    fn mending_one_thing_breaks_no_other(
        host_count in 2..5_usize,
        guest_count in 2..9_u8,
        faults in prop::collection::vec(faults(), 0..6),
    ) {
        let mut estate = network(host_count, guest_count);
        // Which guests belong together decides what is asked at all: mending that shows the rest.
        let faults = faults.iter().filter(|fault| !matches!(fault, Fault::ChangeDomain { .. }));
        for fault in faults {
            go_wrong(&mut estate, fault);
        }
        let before = wrong(&estate);
        let known: BTreeSet<_> = before.iter().map(Disagreement::identity).collect();
        for one in &before {
            let choices = match &one.remedy {
                Remedy::Commands(commands) => vec![commands.clone()],
                Remedy::Either(choices) => choices.clone(),
                Remedy::Words(_) => continue,
            };
            for commands in choices {
                let mut mended = estate.clone();
                apply(&mut mended, &commands);
                for other in wrong(&mended) {
                    prop_assert!(other.identity() != one.identity(), "{one:#?} is still there");
                    let is_new = other.severity == Severity::Error && !known.contains(&other.identity());
                    prop_assert!(!is_new, "{commands:#?} of {one:#?} leads to {other:#?}");
                }
            }
        }
    }

    #[test]
    fn the_order_of_hosts_and_rows_decides_no_verdict(
        host_count in 2..5_usize,
        guest_count in 2..9_u8,
        faults in prop::collection::vec(faults(), 0..6),
    ) {
        let mut estate = network(host_count, guest_count);
        for fault in &faults {
            go_wrong(&mut estate, fault);
        }
        let identities = |estate: &Estate| {
            let mut identities: Vec<_> = cross_check(estate).iter().map(|one| (one.severity, one.identity())).collect();
            identities.sort();
            identities
        };
        let before = identities(&estate);
        for pair in before.windows(2) {
            prop_assert_ne!(&pair[0], &pair[1], "identities are unique");
        }
        for host in &mut estate.hosts {
            host.records.reverse();
            host.customer_routes.reverse();
            host.adapters.reverse();
        }
        estate.hosts.reverse();
        prop_assert_eq!(identities(&estate), before);
    }
}
