//! Each fault planted, and what nearly matched told: the row, the field that differs, the place.

mod common;

use common::*;
use nvgre_analyze::{Names, NearMiss, Probe, near_misses, near_misses_of};
use nvgre_dataplane::PortId;
use nvgre_sim::{Ingress, Model, Scenario};

/// Two hosts; Red with two subnets, Blue with the same addresses. `edit` changes the scripts of a host.
fn planted(edit: &dyn Fn(usize, String) -> String) -> Model {
    built(&scenario(""), edit)
}

fn built(text: &str, edit: &dyn Fn(usize, String) -> String) -> Model {
    let scenario = Scenario::parse("planted.toml", text);
    let scenario = scenario.unwrap_or_else(|errors| panic!("{errors:?}"));
    let read = |file: &str| {
        let host = if file == "host1.ps1" { 1 } else { 2 };
        Ok(edit(host, script(host)))
    };
    Model::new(scenario, &read).unwrap_or_else(|error| panic!("{error}"))
}

fn scenario(more: &str) -> String {
    let mut text = "name = \"planted\"\n[underlay]\nmtu_bytes = 1600\n".to_owned();
    for (tenant, subnets) in [("Red", "6001, 6002"), ("Blue", "5001")] {
        let number = &subnets[..4];
        text += &format!(
            "[[tenant]]\nname = \"{tenant}\"\nrouting_domain = \"{{5d2f6a10-0000-4000-8000-00000000{number}}}\"\n\
             virtual_subnets = [{subnets}]\n"
        );
    }
    for host in 1..=2 {
        text += &format!(
            "[[host]]\nname = \"host{host}\"\nswitch = \"VMs\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C000020{host}\"\npolicy = [\"host{host}.ps1\"]\n"
        );
    }
    for (name, host, address, vsid) in GUESTS {
        let mac = mac(name);
        let tenant = if vsid == 5001 { "Blue" } else { "Red" };
        let gateway = format!("{}.1", address.rsplit_once('.').expect("dots").0);
        text += &format!(
            "[[guest]]\nname = \"{name}\"\ntenant = \"{tenant}\"\nhost = \"host{host}\"\nmac = \"{mac}\"\n\
             addresses = [\"{address}/24\"]\ngateway = \"{gateway}\"\nvirtual_subnet = {vsid}\n"
        );
    }
    text + more
}

const GUESTS: [(&str, usize, &str, u32); 5] = [
    ("Red1", 1, "10.0.0.5", 6001),
    ("Red2", 2, "10.0.0.7", 6001),
    ("Red3", 2, "10.0.3.7", 6002),
    ("Blue1", 1, "10.0.0.5", 5001),
    ("Blue2", 2, "10.0.0.7", 5001),
];

fn mac(name: &str) -> String {
    let at = GUESTS
        .iter()
        .position(|(known, ..)| *known == name)
        .expect("a guest");
    format!("00155D0000{:02X}", at + 1)
}

/// A record on one line, which tests can replace.
fn record(name: &str) -> String {
    let (_, host, address, vsid) = GUESTS
        .iter()
        .find(|(known, ..)| *known == name)
        .expect("a guest");
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress {address} -VirtualSubnetID {vsid} \
         -MACAddress {} -ProviderAddress 192.0.2.{host} -Rule TranslationMethodEncap -VMName {name}\n",
        mac(name)
    )
}

fn route(vsid: u32, prefix: &str) -> String {
    let domain = if vsid == 5001 { 5001 } else { 6001 };
    format!(
        "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{{5d2f6a10-0000-4000-8000-00000000{domain}}}\" \
         -VirtualSubnetID {vsid} -DestinationPrefix {prefix} -NextHop 0.0.0.0 -Metric 255\n"
    )
}

const ROUTES: [(u32, &str); 3] = [
    (6001, "10.0.0.0/24"),
    (6002, "10.0.3.0/24"),
    (5001, "10.0.0.0/24"),
];

/// Line 1 binds, 2 is the provider address, 3 to 5 are routes, 6 to 10 records.
fn script(host: usize) -> String {
    let mut text = format!(
        "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
         New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{host} -InterfaceIndex 2 -PrefixLength 24\n"
    );
    ROUTES
        .iter()
        .for_each(|&(vsid, prefix)| text += &route(vsid, prefix));
    GUESTS.iter().for_each(|&(name, ..)| text += &record(name));
    text
}

/// The texts, with the places behind them.
fn told(model: &mut Model, from: &str, to: &str, reason: &str) -> Vec<String> {
    let talk = talk(model, from, to, Probe::Icmp);
    assert_eq!(talk.reason(), reason, "{talk:#?}");
    let misses = near_misses_of(model, &talk);
    texts(model, &misses)
}

fn texts(model: &Model, misses: &[NearMiss]) -> Vec<String> {
    let names = Names::new(model);
    let texts = misses.iter().map(|miss| {
        let place = miss.place(&names);
        let place = place.map_or_else(String::new, |place| format!(" @ {place}"));
        format!("{}{place}", miss.text(&names))
    });
    texts.collect()
}

#[track_caller]
fn assert_told(told: &[String], expected: &[&str]) {
    assert_eq!(told, expected, "{told:#?}");
}

#[test]
fn without_a_fault_there_is_nothing_to_tell() {
    let mut model = planted(&|_, text| text);
    for (from, to) in [("Red1", "Red2"), ("Red1", "Red3"), ("Blue2", "Blue1")] {
        assert!(told(&mut model, from, to, "answered").is_empty());
    }
}

#[test]
fn a_record_that_one_host_lacks_is_on_the_other_and_in_another_tenants_subnet() {
    let mut model = planted(&|host, text| match host {
        1 => text.replace(&record("Red2"), ""),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "no_lookup_record");
    assert_told(
        &told,
        &[
            "host2's table has the record of 10.0.0.7 in VSID 6001; host1's has not @ host2.ps1:7:1",
            "same customer address 10.0.0.7 exists in VSID 5001, tenant Blue: not used, VSID 6001 was asked \
             @ host1.ps1:9:1",
            "Red2 runs on host2, PA 192.0.2.2",
        ],
    );
}

#[test]
fn a_mistyped_address_is_found_by_its_mac() {
    let mut model = planted(&|_, text| {
        text.replace(
            &record("Red2"),
            &record("Red2").replace("10.0.0.7", "10.0.0.77"),
        )
    });
    let told = told(&mut model, "Red1", "Red2", "no_lookup_record");
    let expected =
        "the record of 10.0.0.77 in VSID 6001 has that MAC; 10.0.0.7 was asked for @ host1.ps1:7:1";
    assert_eq!(told[0], expected, "{told:#?}");
}

#[test]
fn a_record_in_the_wrong_subnet_of_the_tenant_comes_before_another_tenants() {
    let mut model =
        planted(&|_, text| text.replace(&record("Red2"), &record("Red2").replace("6001", "6002")));
    let told = told(&mut model, "Red1", "Red2", "no_lookup_record");
    let expected = "same customer address 10.0.0.7 exists in VSID 6002, tenant Red: not used, VSID 6001 was asked";
    assert!(told[0].starts_with(expected), "{told:#?}");
}

#[test]
fn a_sender_whose_record_names_another_host() {
    let mut model = planted(&|host, text| match host {
        1 => text.replace(
            &record("Red1"),
            &record("Red1").replace("192.0.2.1", "192.0.2.2"),
        ),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "no_source_record");
    let expected = "the record of 10.0.0.5 in VSID 6001 says PA 192.0.2.2, of host2; the frame was to leave host1 \
                    @ host1.ps1:6:1";
    assert_eq!(told[0], expected, "{told:#?}");
}

#[test]
fn a_sender_whose_record_has_another_mac_or_is_missing() {
    let mut model = planted(&|host, text| match host {
        1 => text.replace(
            &record("Red1"),
            &record("Red1").replace(&mac("Red1"), "00155D0000AA"),
        ),
        _ => text,
    });
    let other_mac = told(&mut model, "Red1", "Red2", "no_source_record");
    let expected = "the record of 10.0.0.5 in VSID 6001 says MAC 00155D0000AA; the frame has 00155D000001 @ host1.ps1:6:1";
    assert_eq!(other_mac[0], expected, "{other_mac:#?}");
    let mut model = planted(&|host, text| match host {
        1 => text.replace(&record("Red1"), ""),
        _ => text,
    });
    let missing = told(&mut model, "Red1", "Red2", "no_source_record");
    let expected =
        "host2's table has the record of 10.0.0.5 in VSID 6001; host1's has not @ host2.ps1:6:1";
    assert_eq!(missing[0], expected, "{missing:#?}");
}

#[test]
fn a_missing_route_is_on_the_other_host_and_the_closest_one_is_told() {
    let mut model = planted(&|host, text| match host {
        1 => text.replace(&route(6002, "10.0.3.0/24"), &route(6002, "10.0.2.0/24")),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red3", "no_customer_route");
    assert_told(
        &told,
        &[
            "host2's table has the route 10.0.3.0/24 in VSID 6002; host1's has not @ host2.ps1:4:1",
            "the closest is the route 10.0.2.0/24 in VSID 6002, which does not cover 10.0.3.7 @ host1.ps1:4:1",
            "Red3 runs on host2, PA 192.0.2.2",
        ],
    );
}

#[test]
fn a_wildcard_of_another_subnet_is_not_asked() {
    let wildcard = "New-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 6002 \
         -MACAddress 00155D000003 -ProviderAddress 192.0.2.2 -Rule TranslationMethodEncap -Type GatewayWildcard\n";
    let mut model = planted(&|_, text| {
        text.replace(&route(6002, "10.0.3.0/24"), &route(6002, "10.0.9.0/24")) + wildcard
    });
    let told = told(&mut model, "Red1", "Red3", "no_customer_route");
    let expected = "the GatewayWildcard record of 00155D000003 in VSID 6002: VSID 6001 was asked @ host1.ps1:11:1";
    assert!(told.iter().any(|told| told == expected), "{told:#?}");
}

#[test]
fn a_subnet_without_a_route_has_no_domain() {
    // The route was made for another subnet of the tenant.
    let mut model = planted(&|host, text| match host {
        1 => text.replace(&route(6001, "10.0.0.0/24"), &route(6002, "10.0.0.0/24")),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "no_routing_domain");
    assert_told(
        &told[..2],
        &[
            "host2's table has the route 10.0.0.0/24 in VSID 6001; host1's has not @ host2.ps1:3:1",
            "the route 10.0.0.0/24 in VSID 6002: VSID 6001 was asked @ host1.ps1:3:1",
        ],
    );
}

#[test]
fn a_receiver_that_was_never_told_of_the_subnet() {
    let mut model = planted(&|host, text| match host {
        2 => text.replace(&route(6001, "10.0.0.0/24"), ""),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "unknown_vsid");
    let expected =
        "host1's table has the route 10.0.0.0/24 in VSID 6001; host2's has not @ host1.ps1:3:1";
    assert_eq!(told[0], expected, "{told:#?}");
}

#[test]
fn a_peer_that_no_record_of_the_domain_names() {
    // host1 sends from a second address, which host2's records do not name; Blue's do.
    let second = "New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.8 -InterfaceIndex 2 -PrefixLength 24\n";
    let moved = |name: &str| record(name).replace("192.0.2.1", "192.0.2.8");
    let mut model = planted(&|host, text| match host {
        1 => text.replace(&record("Red1"), &moved("Red1")) + second,
        _ => text.replace(&record("Blue1"), &moved("Blue1")),
    });
    let told = told(&mut model, "Red1", "Red2", "unknown_peer");
    assert_told(
        &told,
        &[
            "the record of 10.0.0.5 in VSID 6001 says PA 192.0.2.1; the packet came from 192.0.2.8, of host1 \
             @ host2.ps1:6:1",
            "PA 192.0.2.8 is named in VSID 5001, tenant Blue: another routing domain @ host2.ps1:9:1",
        ],
    );
}

#[test]
fn a_receiver_that_expects_the_sender_elsewhere() {
    let elsewhere = record("Red1").replace("192.0.2.1", "192.0.2.2");
    let mut model = planted(&|host, text| match host {
        // Another guest of Red's on host1 makes it a peer.
        2 => {
            text.replace(&record("Red1"), &elsewhere)
                + &record("Red1").replace("10.0.0.5", "10.0.0.99")
        }
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "peer_not_source");
    assert_told(
        &told,
        &[
            "the record of 10.0.0.5 in VSID 6001 says PA 192.0.2.2; the packet came from 192.0.2.1, of host1 \
             @ host2.ps1:6:1",
            "Red1 runs on host1, PA 192.0.2.1",
        ],
    );
}

#[test]
fn a_port_that_is_elsewhere_or_has_another_subnet_or_mac() {
    // The record leads to host1, where Red2 does not run.
    let mut model = planted(&|_, text| {
        text.replace(
            &record("Red3"),
            &record("Red3").replace("192.0.2.2", "192.0.2.1"),
        )
    });
    let elsewhere = told(&mut model, "Red1", "Red3", "no_port");
    assert_told(&elsewhere, &["Red3 runs on host2, PA 192.0.2.2"]);
    // Red2's port is in another subnet than its record.
    let subnet = "Set-VMNetworkAdapter -VMName Red2 -VirtualSubnetId 6002\n";
    let mut model = planted(&|host, text| if host == 2 { text + subnet } else { text });
    let other_subnet = told(&mut model, "Red1", "Red2", "no_port");
    let expected =
        "the port of Red2 has that MAC, in VSID 6002; VSID 6001 was asked @ host2.ps1:11:1";
    assert_eq!(other_subnet[0], expected, "{other_subnet:#?}");
    // The record's MAC is wrong on both hosts.
    let wrong = record("Red2").replace(&mac("Red2"), "00155D0000AA");
    let mut model = planted(&|_, text| text.replace(&record("Red2"), &wrong));
    let other_mac = told(&mut model, "Red1", "Red2", "no_port");
    let expected = "the port of Red2 has MAC 00155D000002; 00155D0000AA was asked for";
    assert_eq!(other_mac[0], expected, "{other_mac:#?}");
}

#[test]
fn a_provider_address_that_nobody_owns() {
    let mut model = planted(&|_, text| {
        text.replace(
            &record("Red2"),
            &record("Red2").replace("192.0.2.2", "192.0.2.21"),
        )
    });
    let told = told(&mut model, "Red1", "Red2", "underlay_no_owner");
    assert_told(
        &told,
        &[
            "record says PA 192.0.2.21, which no host owns; Red2 runs on host2, PA 192.0.2.2 @ host1.ps1:7:1",
        ],
    );
}

#[test]
fn a_provider_address_that_two_hosts_own() {
    let twice = "New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.1 -InterfaceIndex 2 -PrefixLength 24\n";
    let own = record("Red2").replace("192.0.2.2", "192.0.2.1");
    let mut model = planted(&|host, text| match host {
        2 => {
            let far = record("Red1").replace("192.0.2.1", "192.0.2.9");
            text.replace(&record("Red2"), &own)
                .replace(&record("Red1"), &far)
                + twice
        }
        _ => {
            text + "New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.9 -InterfaceIndex 2 -PrefixLength 24\n"
        }
    });
    // The frame leaves host2 with an address that the underlay takes from host1 only.
    let told = told(&mut model, "Red2", "Red1", "underlay_source");
    assert_told(
        &told,
        &[
            "PA 192.0.2.1 is of host1 and of host2: the underlay takes it from the first only @ host2.ps1:11:1",
        ],
    );
}

fn frame_between(model: &Model, from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (guest(model, from), guest(model, to));
    let guests = &model.scenario().guests;
    let mut frame = guests[to].mac.octets().to_vec();
    frame.extend(guests[from].mac.octets());
    frame.extend([0x88, 0xb5]);
    frame.resize(60, 0);
    frame
}

#[test]
fn a_provider_address_beyond_every_provider_route() {
    let far = |text: String| {
        text.replace(
            &record("Red2"),
            &record("Red2").replace("192.0.2.2", "198.51.100.2"),
        )
    };
    let route = "New-NetVirtualizationProviderRoute -InterfaceIndex 2 -DestinationPrefix 198.51.100.0/24 -NextHop 192.0.2.254\n";
    let own = "New-NetVirtualizationProviderAddress -ProviderAddress 198.51.100.2 -InterfaceIndex 2 -PrefixLength 24\n";
    let mut model = planted(&|host, text| match host {
        1 => far(text),
        _ => far(text) + own + route,
    });
    let told = told(&mut model, "Red1", "Red2", "next_hop_unresolved");
    assert_told(
        &told,
        &[
            "no provider route of host1 covers 198.51.100.2, nor does a prefix of its own addresses",
            "host2's table has the provider route 198.51.100.0/24; host1's has not @ host2.ps1:12:1",
            "Red2 runs on host2, PA 198.51.100.2",
        ],
    );
}

#[test]
fn where_a_guest_runs_is_told_without_the_address_that_stands_for_another_one() {
    let own = "New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.77 -InterfaceIndex 2 -PrefixLength 24\n";
    let rewritten = record("Blue2")
        .replace("-ProviderAddress 192.0.2.2", "-ProviderAddress 192.0.2.77")
        .replace("Encap", "NAT");
    let mut model = planted(&|host, text| {
        let stale = record("Red2").replace("192.0.2.2", "192.0.2.21");
        let text = text
            .replace(&record("Red2"), &stale)
            .replace(&record("Blue2"), &rewritten);
        if host == 2 { text + own } else { text }
    });
    let told = told(&mut model, "Red1", "Red2", "underlay_no_owner");
    assert_told(
        &told,
        &[
            "record says PA 192.0.2.21, which no host owns; Red2 runs on host2, PA 192.0.2.2 @ host1.ps1:7:1",
        ],
    );
}

#[test]
fn a_question_for_ones_own_address_misses_the_guest_that_was_asked_for() {
    let mut model = planted(&|_, text| text);
    let talk = talk(&mut model, "Red1", "Blue1", Probe::Icmp);
    // The record of the address is there, and a question to all has no MAC that could differ from it.
    let all = texts(&model, &near_misses_of(&model, &talk));
    assert_told(
        &all,
        &[
            "same customer address 10.0.0.5 exists in VSID 5001, tenant Blue: not used, VSID 6001 was asked \
             @ host1.ps1:9:1",
            "Blue1 runs on host1, PA 192.0.2.1",
        ],
    );
    let reader = Names::redacted(&model, model.scenario().guests[talk.from].tenant);
    let misses = near_misses_of(&model, &talk);
    let shown: Vec<_> = misses.iter().map(|miss| miss.text(&reader)).collect();
    assert_told(
        &shown,
        &[
            "another tenant has a record of the same customer address: not used",
            "",
        ],
    );
}

#[test]
fn a_vlan_that_only_one_end_has() {
    let mut model = planted(&|host, text| match host {
        2 => text.replace("-PrefixLength 24", "-PrefixLength 24 -VlanID 7"),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "outer_vlan");
    assert_told(
        &told,
        &["PA 192.0.2.2 of host2 has VLAN 7; the packet has no VLAN @ host2.ps1:2:1"],
    );
}

#[test]
fn a_host_without_the_binding() {
    let mut model = planted(&|host, text| match host {
        1 => text.replace("Enable-", "Disable-"),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "wnv_unbound");
    assert_told(
        &told,
        &[
            "ms_netwnv is not bound on host1: its record of 10.0.0.7 in VSID 6001 is not in force \
             @ host1.ps1:7:1",
            "Red2 runs on host2, PA 192.0.2.2",
        ],
    );
}

#[test]
fn rules_that_do_not_carry_the_frame() {
    let with = |name: &str, rule: &str| record(name).replace("TranslationMethodEncap", rule);
    let mut model =
        planted(&|_, text| text.replace(&record("Red2"), &with("Red2", "TranslationMethodNone")));
    let none = told(&mut model, "Red1", "Red2", "translation_none");
    let expected = "the record of 10.0.0.7 in VSID 6001 has rule TranslationMethodNone; \
                    TranslationMethodEncap would have done @ host1.ps1:7:1";
    assert_told(&none, &[expected]);
    // Red2 alone is rewritten, to an address of its own.
    let nat = with("Red2", "TranslationMethodNat").replace("192.0.2.2", "192.0.2.72");
    let own = "New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.72 -InterfaceIndex 2 -PrefixLength 24\n";
    let mut model = planted(&|host, text| {
        let text = text.replace(&record("Red2"), &nat);
        if host == 2 { text + own } else { text }
    });
    let mixed = told(&mut model, "Red1", "Red2", "nat_no_source");
    let expected = "the record of 10.0.0.5 in VSID 6001 has rule TranslationMethodEncap; \
                    TranslationMethodNat would have done @ host1.ps1:6:1";
    assert_eq!(mixed[0], expected, "{mixed:#?}");
}

/// Red1 and Red2 are rewritten, each to an address of its own.
fn rewritten(host: usize, text: String) -> String {
    let nat = |name: &str, from: &str, to: &str| {
        record(name)
            .replace("TranslationMethodEncap", "TranslationMethodNat")
            .replace(from, to)
    };
    let text = text
        .replace(&record("Red1"), &nat("Red1", "192.0.2.1", "192.0.2.61"))
        .replace(&record("Red2"), &nat("Red2", "192.0.2.2", "192.0.2.62"));
    let own = format!(
        "New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.6{host} -InterfaceIndex 2 -PrefixLength 24\n"
    );
    text + &own
}

#[test]
fn a_rewritten_packet_from_an_address_that_no_record_knows() {
    let mut model = planted(&|host, text| {
        let text = rewritten(host, text);
        match host {
            2 => text.replace("192.0.2.61", "192.0.2.69"),
            _ => text,
        }
    });
    let told = told(&mut model, "Red1", "Red2", "nat_unknown_pa");
    assert_told(
        &told,
        &[
            "the record of 10.0.0.5 in VSID 6001 says PA 192.0.2.69; the packet came from 192.0.2.61, of host1 \
             @ host2.ps1:6:1",
            "host1's table has the record of 10.0.0.5 in VSID 6001; host2's has not @ host1.ps1:6:1",
        ],
    );
}

#[test]
fn a_frame_that_is_no_ip_for_a_rewriting_record() {
    let mut model = planted(&rewritten);
    let frame = frame_between(&model, "Red1", "Red2");
    let journey = model.trace(0, Ingress::Port(PortId(0)), &frame);
    let told = texts(&model, &near_misses(&model, &journey));
    let expected = "the record of 10.0.0.7 in VSID 6001 has rule TranslationMethodNat; \
                    TranslationMethodEncap would have done @ host1.ps1:7:1";
    assert_told(&told, &[expected]);
}

#[test]
fn a_rewrite_into_the_other_family() {
    let v6 = |text: String| {
        text.replace("192.0.2.62", "2001:db8::62").replace(
            "2001:db8::62 -InterfaceIndex 2 -PrefixLength 24",
            "2001:db8::62 -InterfaceIndex 2 -PrefixLength 64",
        )
    };
    let mut model = planted(&|host, text| v6(rewritten(host, text)));
    let told = told(&mut model, "Red1", "Red2", "nat_family_mismatch");
    let expected = "the record of 10.0.0.7 in VSID 6001 is rewritten to PA 2001:db8::62, of the other family @ host1.ps1:7:1";
    assert_told(&told, &[expected]);
}

#[test]
fn a_forged_mac_is_told_beside_the_ports() {
    let mut model = planted(&|_, text| text);
    let mut frame = frame_between(&model, "Red1", "Red2");
    frame[11] = 0x99;
    let journey = model.trace(0, Ingress::Port(PortId(0)), &frame);
    let told = texts(&model, &near_misses(&model, &journey));
    assert_told(
        &told,
        &["the port of Red1 has MAC 00155D000001; 00155D000099 was asked for"],
    );
}

#[test]
fn a_frame_at_a_host_that_its_guest_has_left() {
    let mut model = planted(&|_, text| text);
    let frame = frame_between(&model, "Red1", "Red2");
    let journey = model.trace(1, Ingress::Port(PortId(0)), &frame);
    assert_eq!(
        journey
            .drops()
            .map(|(_, reason)| reason.name())
            .collect::<Vec<_>>(),
        ["port_disconnected"]
    );
    let told = texts(&model, &near_misses(&model, &journey));
    assert_told(&told, &["Red1 runs on host1, PA 192.0.2.1"]);
}

#[test]
fn a_question_that_nobody_answers_is_looked_for_as_a_missing_record() {
    // Red1 and a silent neighbour on one switch, no record: the question reaches it, and it is not Red2.
    let more = "[[guest]]\nname = \"Red4\"\ntenant = \"Red\"\nhost = \"host1\"\nmac = \"00155D0000F4\"\n\
                addresses = [\"10.0.0.44/24\"]\nvirtual_subnet = 6001\n";
    let mut model = built(&scenario(more), &|host, text| match host {
        1 => text.replace(&record("Red2"), ""),
        _ => text,
    });
    let told = told(&mut model, "Red1", "Red2", "no_answer");
    let expected =
        "host2's table has the record of 10.0.0.7 in VSID 6001; host1's has not @ host2.ps1:7:1";
    assert_eq!(told[0], expected, "{told:#?}");
}
