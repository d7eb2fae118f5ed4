//! Routes with a next hop, followed: to a gateway, in a circle, nowhere.

use std::io;

use nvgre_analyze::{BadRoute, RouteEnd, ask_routes};
use nvgre_sim::{Model, Scenario};

const DOMAIN: &str = "{5d2f6a10-0000-4000-8000-000000005001}";

/// Web on host1; gateways North on host2 and South on host1, both in subnet 5999.
fn model(routes: [&str; 2], records: &str) -> Model {
    let mut text = format!(
        "name = \"gateways\"\n[[tenant]]\nname = \"Blue\"\nrouting_domain = \"{DOMAIN}\"\n\
         virtual_subnets = [5001, 5999]\n"
    );
    for host in 1..=2 {
        text += &format!(
            "[[host]]\nname = \"host{host}\"\nswitch = \"VMs\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C000020{host}\"\n\
             policy = [\"host{host}.ps1\"]\n"
        );
    }
    for (name, host, last, vsid, address) in [
        ("Web", 1, 1, 5001, "10.0.1.5/24"),
        ("North", 2, 2, 5999, "10.0.254.2/24"),
        ("South", 1, 3, 5999, "10.0.254.3/24"),
    ] {
        text += &format!(
            "[[guest]]\nname = \"{name}\"\ntenant = \"Blue\"\nhost = \"host{host}\"\n\
             mac = \"00155D00000{last}\"\naddresses = [\"{address}\"]\nvirtual_subnet = {vsid}\n"
        );
    }
    let scenario = Scenario::parse("gateways.toml", &text).expect("no mistakes");
    let records = records.to_owned();
    let read = |file: &str| {
        let host = if file == "host1.ps1" { 1 } else { 2 };
        let mut script = format!(
            "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
             New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{host} -InterfaceIndex 2 \
             -PrefixLength 24\n"
        );
        for (prefix, vsid, hop) in [
            ("10.0.1.0/24", 5001, "0.0.0.0"),
            ("10.0.254.0/24", 5999, "0.0.0.0"),
            ("0.0.0.0/0", 5999, routes[host - 1]),
        ] {
            script += &format!(
                "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{DOMAIN}\" \
                 -VirtualSubnetID {vsid} -DestinationPrefix {prefix} -NextHop {hop} -Metric 255\n"
            );
        }
        Ok::<_, io::Error>(script + &records)
    };
    Model::new(scenario, &read).expect("sound policy")
}

fn record(address: &str, vsid: u32, last: u8, host: u8, more: &str) -> String {
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress {address} -VirtualSubnetID {vsid} \
         -MACAddress 00155D00000{last} -ProviderAddress 192.0.2.{host} \
         -Rule TranslationMethodEncap {more}\n"
    )
}

/// Every guest, and both gateways may speak for anybody.
fn all_records() -> String {
    let wildcard = "-Type GatewayWildcard";
    [
        record("10.0.1.5", 5001, 1, 1, ""),
        record("10.0.254.2", 5999, 2, 2, ""),
        record("10.0.254.3", 5999, 3, 1, ""),
        record("0.0.0.0", 5999, 2, 2, wildcard),
        record("0.0.0.0", 5999, 3, 1, wildcard),
    ]
    .concat()
}

fn ends(bad: &[BadRoute]) -> Vec<&RouteEnd> {
    bad.iter().map(|bad| &bad.ends).collect()
}

#[test]
fn routes_to_one_gateway_on_both_hosts_lead_there() {
    let mut model = model(["10.0.254.2", "10.0.254.2"], &all_records());
    assert_eq!(ask_routes(&mut model), []);
}

#[test]
fn gateways_that_hosts_route_to_each_other_are_a_circle() {
    // host1 sends all that it does not know to North, and host2, where North runs, to South on host1.
    let mut model = model(["10.0.254.2", "10.0.254.3"], &all_records());
    let bad = ask_routes(&mut model);
    assert!(!bad.is_empty());
    for end in ends(&bad) {
        let RouteEnd::Circle(gateways) = end else {
            panic!("{bad:?}");
        };
        let mut gateways = gateways.clone();
        gateways.sort_unstable();
        assert_eq!(gateways, [1, 2]);
    }
}

#[test]
fn a_next_hop_without_record_is_a_black_hole() {
    let records = record("10.0.1.5", 5001, 1, 1, "") + &record("10.0.254.3", 5999, 3, 1, "");
    let mut model = model(["10.0.254.2", "10.0.254.3"], &records);
    let bad = ask_routes(&mut model);
    let hole = RouteEnd::Hole {
        host: 0,
        reason: "no_lookup_record",
        record: None,
    };
    assert!(ends(&bad).contains(&&hole), "{bad:?}");
    // Whoever can send by the route is named.
    let of_host1 = bad
        .iter()
        .find(|bad| bad.ends == hole)
        .expect("it is there");
    assert!(of_host1.senders.contains(&0), "{bad:?}");
}

#[test]
fn a_next_hop_at_a_provider_address_that_nobody_owns_is_a_black_hole_by_its_record() {
    let records = all_records().replace("-ProviderAddress 192.0.2.2", "-ProviderAddress 192.0.2.9");
    let mut model = model(["10.0.254.2", "10.0.254.2"], &records);
    let bad = ask_routes(&mut model);
    let no_owner = bad.iter().find(|bad| {
        matches!(
            bad.ends,
            RouteEnd::Hole {
                reason: "underlay_no_owner",
                record: Some((0, _)),
                ..
            }
        )
    });
    assert!(no_owner.is_some(), "{bad:?}");
}

/// The record of the next hop has another guest's MAC.
#[test]
fn a_next_hop_that_is_somebody_elses_mac_does_not_lead_there() {
    let records = record("10.0.1.5", 5001, 1, 1, "") + &record("10.0.254.2", 5999, 3, 1, "");
    let mut model = model(["10.0.254.2", "10.0.254.2"], &records);
    let bad = ask_routes(&mut model);
    assert!(ends(&bad).contains(&&RouteEnd::WrongGuest(2)), "{bad:?}");
}
