//! The checks of a policy, V-01 to V-16, in three tiers: refused when published, warned about, and
//! left to whoever sees more than one host.

mod common;

use common::*;
use nvgre_dataplane::{
    HostAddress, LookupRecord, Policy, PolicyError, PolicyWarning, Port, PortId, RecordId,
    RecordType, RouteId, Rule, Snapshot,
};
use nvgre_wire::{MacAddress, RoutingDomainId};

const MAC: MacAddress = MacAddress::new([6, 6, 0, 0, 0, 0x77]);
/// Ids of the records and routes that a test adds.
const R: RecordId = RecordId(90);
const ROUTE: RouteId = RouteId(80);

fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = sample_policy(Carriage::EncapV4, 0);
    change(&mut policy);
    policy
}

/// The change is refused for exactly this reason.
#[track_caller]
fn refused(error: PolicyError, change: impl FnOnce(&mut Policy)) {
    let policy = policy(change);
    assert_eq!(policy.check(), Err(vec![error]));
    // Publishing asks the same question.
    assert_eq!(Snapshot::new(&policy, SEED).err(), Some(vec![error]));
    assert!(!error.to_string().is_empty());
}

/// The change loads with exactly this warning.
#[track_caller]
fn warned(warning: PolicyWarning, change: impl FnOnce(&mut Policy)) {
    let policy = policy(change);
    assert_eq!(policy.check(), Ok(vec![warning]));
    let snapshot = Snapshot::new(&policy, SEED).expect("it loads");
    assert_eq!(snapshot.warnings(), [warning]);
    assert!(!warning.to_string().is_empty());
}

/// The change loads and nothing is said.
#[track_caller]
fn loads(change: impl FnOnce(&mut Policy)) {
    assert_eq!(policy(change).check(), Ok(vec![]));
}

fn record(customer_address: &str) -> LookupRecord {
    encap(R.0, BLUE, ca(customer_address), MAC, host_v4(1))
}

fn nat(id: u32, customer_address: &str, provider_address: &str) -> LookupRecord {
    LookupRecord {
        rule: Rule::Nat,
        mac: MacAddress::new([6, 6, 0, 0, 9, id as u8]),
        ..encap(id, BLUE, ca(customer_address), MAC, pa(provider_address))
    }
}

#[test]
fn the_sample_has_nothing_to_complain_about() {
    for carriage in [Carriage::EncapV4, Carriage::EncapV6, Carriage::Nat] {
        assert_eq!(sample_policy(carriage, 0).check(), Ok(vec![]));
    }
}

#[test]
fn v01_one_record_per_customer_address_and_subnet() {
    let duplicate = PolicyError::DuplicateRecord {
        first: BLUE1.record_id(true),
        second: R,
    };
    refused(duplicate, |policy| policy.records.push(record("10.0.0.5")));
    // The type makes no difference: a Dynamic record does not shadow a Static one.
    refused(duplicate, |policy| {
        policy.records.push(LookupRecord {
            record_type: RecordType::Dynamic,
            ..record("10.0.0.5")
        });
    });
    // Red has the same addresses as Blue in the sample itself.
    loads(|policy| policy.records.push(record("10.0.0.66")));
}

#[test]
fn v02_a_subnet_is_in_one_routing_domain() {
    let error = PolicyError::SubnetInTwoDomains {
        virtual_subnet: vsid(BLUE),
        first: route_id(BLUE, true),
        second: ROUTE,
    };
    refused(error, |policy| {
        let route = on_link(ROUTE.0, RED_DOMAIN, BLUE, "10.9.0.0/24");
        policy.customer_routes.push(route);
    });
}

#[test]
fn v03_a_routing_domain_may_have_many_subnets() {
    loads(|policy| {
        for (id, subnet) in [(80, 7001), (81, 7002)] {
            let prefix = format!("10.9.{}.0/24", id);
            policy
                .customer_routes
                .push(on_link(id, BLUE_DOMAIN, subnet, &prefix));
        }
    });
}

#[test]
fn v04_a_nat_record_has_a_provider_address_of_its_own() {
    let pair = |first: LookupRecord, second: LookupRecord| {
        let error = PolicyError::NatAddressShared {
            first: first.id,
            second: second.id,
        };
        refused(error, |policy| policy.records.extend([first, second]));
    };
    let plain = LookupRecord {
        rule: Rule::Encap,
        ..nat(91, "10.0.0.67", "192.168.5.1")
    };
    pair(
        nat(90, "10.0.0.66", "192.168.5.1"),
        nat(91, "10.0.0.67", "192.168.5.1"),
    );
    pair(nat(90, "10.0.0.66", "192.168.5.1"), plain);
    pair(plain, nat(92, "10.0.0.66", "192.168.5.1"));
    loads(|policy| {
        let records = [
            nat(90, "10.0.0.66", "192.168.5.1"),
            nat(91, "10.0.0.67", "192.168.5.2"),
        ];
        policy.records.extend(records);
    });
    // Encap records share as they like: the sample's do.
}

#[test]
fn v05_prefixes_within_a_domain_do_not_overlap() {
    let warning = PolicyWarning::PrefixesOverlap {
        first: route_id(BLUE, true),
        second: ROUTE,
    };
    warned(warning, |policy| {
        let route = on_link(ROUTE.0, BLUE_DOMAIN, 7001, "10.0.0.128/25");
        policy.customer_routes.push(route);
    });
    // Another domain may, and so may the subnet itself.
    loads(|policy| {
        let routes = [
            on_link(80, RoutingDomainId::new(7), 7001, "10.0.0.0/24"),
            on_link(81, BLUE_DOMAIN, BLUE, "10.0.0.0/25"),
        ];
        policy.customer_routes.extend(routes);
    });
    // A route with a next hop is no subnet.
    loads(|policy| {
        let route = route(ROUTE.0, BLUE_DOMAIN, BLUE_B, "10.0.0.0/8", "10.0.1.7");
        policy.customer_routes.push(route);
    });
}

#[test]
fn v05_addresses_within_a_domain_are_unique() {
    // 10.0.0.5 is Blue 1's, in the other subnet; no route of this one covers it either.
    let policy = policy(|policy| {
        policy.records.push(LookupRecord {
            virtual_subnet: vsid(BLUE_B),
            ..record("10.0.0.5")
        });
    });
    let expected = vec![
        PolicyWarning::AddressTwiceInDomain {
            first: BLUE1.record_id(true),
            second: R,
        },
        PolicyWarning::NoOnLinkRoute(R),
    ];
    assert_eq!(policy.check(), Ok(expected));
}

#[test]
fn v05_mac_addresses_within_a_domain_are_unique() {
    let warning = |first| PolicyWarning::MacTwiceInDomain { first, second: R };
    // On another host, or in another subnet.
    warned(warning(BLUE1.record_id(false)), |policy| {
        policy.records.push(LookupRecord {
            mac: BLUE1.mac,
            ..record("10.0.0.66")
        });
    });
    warned(warning(BLUE2.record_id(false)), |policy| {
        policy.records.push(LookupRecord {
            mac: BLUE2.mac,
            virtual_subnet: vsid(BLUE_B),
            ..record("10.0.1.66")
        });
    });
    // Under NAT each of a guest's addresses has a provider address; they do not place it.
    loads(|policy| {
        let first = nat(90, "10.0.0.66", "192.168.5.1");
        let second = LookupRecord {
            mac: first.mac,
            ..nat(91, "10.0.0.67", "192.168.5.2")
        };
        policy.records.extend([first, second]);
    });
    // Another domain's guest may have the MAC.
    loads(|policy| {
        policy.records.push(LookupRecord {
            mac: BLUE1.mac,
            virtual_subnet: vsid(RED),
            ..record("10.0.0.66")
        });
    });
}

#[test]
fn v06_the_first_address_of_a_prefix_is_the_routers() {
    let warning = PolicyWarning::RouterAddressTaken {
        record: R,
        route: route_id(BLUE, true),
    };
    warned(warning, |policy| policy.records.push(record("10.0.0.1")));
    // Unless there is none.
    loads(|policy| {
        policy.use_external_router = true;
        policy.records.push(record("10.0.0.1"));
    });
}

#[test]
fn v07_records_without_customer_address_are_told_apart_by_mac_and_type() {
    let other = MacAddress::new([6, 6, 0, 0, 0, 0x78]);
    loads(|policy| {
        policy.records.extend([
            wildcard(90, BLUE, "0.0.0.0", MAC, host_v4(1)),
            wildcard(91, BLUE, "::", MAC, host_v4(1)),
            wildcard(92, BLUE, "0.0.0.0", other, host_v4(1)),
            l2_only(93, BLUE, MAC, host_v4(1)),
        ]);
    });
    let duplicate = PolicyError::DuplicateRecord {
        first: RecordId(90),
        second: RecordId(91),
    };
    refused(duplicate, |policy| {
        let records = [
            l2_only(90, BLUE, MAC, host_v4(1)),
            l2_only(91, BLUE, MAC, host_v4(1)),
        ];
        policy.records.extend(records);
    });
}

#[test]
fn v07_the_type_says_whether_there_is_a_customer_address() {
    let error = PolicyError::CustomerAddressForType(R);
    for record_type in [RecordType::GatewayWildcard, RecordType::L2Only] {
        refused(error, |policy| {
            policy.records.push(LookupRecord {
                record_type,
                ..record("10.0.0.66")
            });
        });
    }
    for record_type in [RecordType::Static, RecordType::Dynamic] {
        refused(error, |policy| {
            policy.records.push(LookupRecord {
                record_type,
                ..record("0.0.0.0")
            });
        });
    }
}

/// Whether some host owns the provider address shows between hosts only.
#[test]
fn v08_a_provider_address_that_no_host_here_has_is_not_this_hosts_affair() {
    loads(|policy| {
        policy.records.push(LookupRecord {
            provider_address: pa("10.99.99.99"),
            ..record("10.0.0.66")
        });
    });
}

#[test]
fn v09_an_on_link_route_covers_every_customer_address() {
    warned(PolicyWarning::NoOnLinkRoute(R), |policy| {
        policy.records.push(record("10.77.0.66"));
    });
    // Another subnet's route does not help, nor does one with a next hop.
    warned(PolicyWarning::NoOnLinkRoute(R), |policy| {
        policy.records.push(record("10.0.1.66"));
    });
    warned(PolicyWarning::NoOnLinkRoute(R), |policy| {
        policy.records.push(record("10.77.0.66"));
        let route = route(80, BLUE_DOMAIN, BLUE, "10.77.0.0/24", "10.0.0.7");
        policy.customer_routes.push(route);
    });
}

#[test]
fn v10_a_next_hop_has_a_record_in_the_routes_subnet() {
    let warning = PolicyWarning::NextHopWithoutRecord(ROUTE);
    for next_hop in ["10.0.0.200", "10.0.1.7"] {
        warned(warning, |policy| {
            let route = route(ROUTE.0, BLUE_DOMAIN, BLUE, "0.0.0.0/0", next_hop);
            policy.customer_routes.push(route);
        });
    }
    loads(|policy| {
        let route = route(ROUTE.0, BLUE_DOMAIN, BLUE, "0.0.0.0/0", "10.0.0.7");
        policy.customer_routes.push(route);
    });
}

#[test]
fn v11_a_port_has_a_vlan_or_a_subnet_and_not_both() {
    refused(PolicyError::VlanAndSubnet(PortId(BLUE1.port)), |policy| {
        policy.ports[0].vlan = vlan(7);
    });
    loads(|policy| {
        let mut port = Port::new(PortId(9), MAC);
        port.vlan = vlan(7);
        policy.ports.push(port);
    });
}

/// RFC 7637 s4.5 lets the families differ.
#[test]
fn v12_families_of_customer_and_provider_addresses_may_differ() {
    assert_eq!(sample_policy(Carriage::EncapV6, 0).check(), Ok(vec![]));
}

/// What the guest is configured with is not in the policy.
#[test]
fn v14_and_v16_a_port_without_record_and_a_record_without_port_load() {
    loads(|policy| {
        let port = Port::new(PortId(9), MAC).in_subnet(vsid(BLUE));
        policy.ports.push(port);
        policy.records.push(LookupRecord {
            mac: MacAddress::new([6, 6, 0, 0, 0, 0x55]),
            provider_address: host_v4(0),
            ..record("10.0.0.66")
        });
    });
}

#[test]
fn v15_use_vm_mac_address_goes_with_nat_only() {
    refused(PolicyError::VmMacWithoutNat(R), |policy| {
        policy.records.push(LookupRecord {
            use_vm_mac: true,
            ..record("10.0.0.66")
        });
    });
    refused(PolicyError::VmMacWithoutNat(R), |policy| {
        policy.records.push(LookupRecord {
            use_vm_mac: true,
            rule: Rule::None,
            ..record("10.0.0.66")
        });
    });
    loads(|policy| {
        policy.records.push(LookupRecord {
            use_vm_mac: true,
            ..nat(R.0, "10.0.0.66", "192.168.5.1")
        });
    });
}

#[test]
fn addresses_that_name_no_single_station_are_refused() {
    for address in ["224.0.0.9", "255.255.255.255", "ff02::9"] {
        let errors = policy(|policy| policy.records.push(record(address))).check();
        assert_eq!(errors, Err(vec![PolicyError::CustomerAddressNotUnicast(R)]));
    }
    for address in ["0.0.0.0", "::", "239.1.1.1", "ff05::1"] {
        refused(PolicyError::ProviderAddressNotUnicast(R), |policy| {
            policy.records.push(LookupRecord {
                provider_address: pa(address),
                ..record("10.0.0.66")
            });
        });
        refused(PolicyError::HostAddressNotUnicast(pa(address)), |policy| {
            policy.provider_addresses.push(host_address(pa(address), 0));
        });
    }
    refused(PolicyError::RecordMacNotUnicast(R), |policy| {
        policy.records.push(LookupRecord {
            mac: MacAddress::new([1, 0, 0x5e, 1, 2, 3]),
            ..record("10.0.0.66")
        });
    });
}

#[test]
fn objects_that_contradict_themselves_are_refused() {
    refused(PolicyError::RouteFamilies(ROUTE), |policy| {
        let route = route(ROUTE.0, BLUE_DOMAIN, BLUE, "0.0.0.0/0", "fd00::7");
        policy.customer_routes.push(route);
    });
    refused(PolicyError::DuplicatePort(PortId(BLUE1.port)), |policy| {
        policy.ports.push(Port::new(PortId(BLUE1.port), MAC));
    });
    refused(
        PolicyError::DuplicateProviderAddress(host_v4(0)),
        |policy| {
            policy.provider_addresses.push(host_address(host_v4(0), 0));
        },
    );
    for (address, too_long) in [("192.168.7.1", 33), ("fd00:7::1", 129)] {
        refused(PolicyError::PrefixLength(pa(address)), |policy| {
            policy.provider_addresses.push(HostAddress {
                prefix_length: too_long,
                ..host_address(pa(address), 0)
            });
        });
    }
    refused(PolicyError::GroupNotMulticast(vsid(BLUE)), |policy| {
        policy.multicast_groups.insert(vsid(BLUE), host_v4(1));
    });
}

#[test]
fn every_error_is_reported_and_not_only_the_first() {
    let policy = policy(|policy| {
        policy.records.push(record("10.0.0.5"));
        policy.ports[0].vlan = vlan(7);
        policy.provider_addresses.push(host_address(host_v4(0), 0));
    });
    let expected = vec![
        PolicyError::DuplicateRecord {
            first: BLUE1.record_id(true),
            second: R,
        },
        PolicyError::VlanAndSubnet(PortId(BLUE1.port)),
        PolicyError::DuplicateProviderAddress(host_v4(0)),
    ];
    assert_eq!(policy.check(), Err(expected));
}

#[test]
fn an_unbound_host_is_checked_like_any_other() {
    let policy = policy(|policy| {
        policy.wnv_bound = false;
        policy.records.push(record("10.0.0.5"));
    });
    assert!(policy.check().is_err());
}
