//! Ways from one tenant to another that are easily overlooked: each is found, with the frames that show
//! it.

use std::io;

use nvgre_analyze::{Fabric, Witness, check_isolation};
use nvgre_sim::{Model, Scenario};

const RED: &str = "{5d2f6a10-0000-4000-8000-00000000000a}";
const BLUE: &str = "{5d2f6a10-0000-4000-8000-00000000000b}";

/// Red1 in VSID 5001 on the first host and Blue1 in VSID 5002 on the host of this number, and what is
/// run on each host.
fn witnesses(blue_on: usize, scripts: [&str; 2]) -> Vec<Witness> {
    let mut text = "name = \"crossing\"\n".to_owned();
    for (tenant, domain, vsid) in [("Red", RED, 5001), ("Blue", BLUE, 5002)] {
        text += &format!(
            "[[tenant]]\nname = \"{tenant}\"\nrouting_domain = \"{domain}\"\nvirtual_subnets = [{vsid}]\n"
        );
    }
    for host in 1..=2 {
        text += &format!(
            "[[host]]\nname = \"host{host}\"\nswitch = \"VMs\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C000020{host}\"\npolicy = [\"{host}\"]\n"
        );
    }
    for (name, tenant, host, last, vsid) in [
        ("Red1", "Red", 1, 1, 5001),
        ("Blue1", "Blue", blue_on, 2, 5002),
    ] {
        text += &format!(
            "[[guest]]\nname = \"{name}\"\ntenant = \"{tenant}\"\nhost = \"host{host}\"\n\
             mac = \"00155D00000{last}\"\naddresses = [\"10.0.{last}.5/24\"]\nvirtual_subnet = {vsid}\n"
        );
    }
    let scenario = Scenario::parse("crossing.toml", &text).expect("no mistakes");
    let read = |file: &str| {
        let host: usize = file.parse().expect("a number");
        Ok::<_, io::Error>(format!(
            "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
             New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{host} -InterfaceIndex 2 \
             -PrefixLength 24\n{}",
            scripts[host - 1]
        ))
    };
    let model = Model::new(scenario, &read).expect("it loads");
    let answer = check_isolation(&Fabric::of(&model)).expect("it is loaded");
    assert_eq!(answer.open, [] as [usize; 0]);
    answer.witnesses
}

fn route(domain: &str, vsid: u32, prefix: &str, next_hop: &str) -> String {
    format!(
        "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{domain}\" -VirtualSubnetID {vsid} \
         -DestinationPrefix {prefix} -NextHop {next_hop} -Metric 255\n"
    )
}

fn record(vsid: u32, address: &str, last: u8, provider: u8, more: &str) -> String {
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress {address} -VirtualSubnetID {vsid} \
         -MACAddress 00155D00000{last} -ProviderAddress 192.0.2.{provider} -Rule TranslationMethod{more}\n"
    )
}

/// The highest addresses of the prefix have a longer route, the others lead to Blue.
#[test]
fn a_route_is_taken_by_addresses_that_no_longer_one_covers() {
    let script = route(RED, 5002, "172.16.0.0/12", "10.0.2.5")
        + &route(RED, 5001, "172.31.0.0/16", "0.0.0.0")
        + &record(5002, "10.0.2.5", 2, 1, "Encap");
    let found = witnesses(1, [&script, ""]);
    assert_eq!((found[0].sender, found[0].receiver), (0, 1));
}

/// Red's host takes Blue's for a router, and errors of routers come in although no record names them.
#[test]
fn an_icmp_error_that_a_guest_makes_is_believed_to_be_a_routers() {
    let of_red = "New-NetVirtualizationProviderRoute -InterfaceIndex 2 \
                  -DestinationPrefix 198.51.100.0/24 -NextHop 192.0.2.2\n"
        .to_owned()
        + &route(RED, 5001, "10.0.0.0/16", "0.0.0.0")
        + &record(5001, "10.0.1.5", 1, 1, "Nat");
    let of_blue = route(BLUE, 5002, "10.0.0.0/16", "0.0.0.0")
        + &record(5002, "10.0.2.5", 2, 2, "Nat")
        + &record(5002, "10.0.2.9", 9, 1, "Nat");
    let found = witnesses(2, [&of_red, &of_blue]);
    assert_eq!((found[0].sender, found[0].receiver), (1, 0));
}

/// Red's host knows Blue's MAC by an L2Only record; once it has learned the address, it routes there.
#[test]
fn an_address_that_is_learned_may_be_routed_to() {
    let l2_only = record(5002, "0.0.0.0", 2, 2, "Encap -Type L2Only");
    let of_red = route(RED, 5001, "10.0.1.0/24", "0.0.0.0")
        + &route(RED, 5002, "10.0.2.0/24", "0.0.0.0")
        + &record(5001, "10.0.1.5", 1, 1, "Encap")
        + &l2_only;
    let of_blue = route(RED, 5002, "10.0.2.0/24", "0.0.0.0")
        + &l2_only
        + &record(5002, "10.0.2.9", 9, 1, "Encap");
    let found = witnesses(2, [&of_red, &of_blue]);
    assert_eq!((found[0].sender, found[0].receiver), (0, 1));
    assert!(!found[0].lessons.is_empty(), "{found:?}");
    assert!(found[0].lessons.iter().any(|(sender, _)| *sender == 1));
}
