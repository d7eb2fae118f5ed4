//! Hosts that disagree, each disagreement planted alone: it is found, told with both sides, and its
//! commands mend it.

mod estates;

use estates::{
    RED, address, agreed, apply, guest, hosts, mac, mends, on, on_all, only, record, route, rules,
    story,
};
use nvgre_analyze::{Finding, Remedy, Severity, What, cross_check, examine};
use nvgre_netwnv::{Dump, DumpHost, DumpKind, Estate};

/// Places as text.
fn places(one: &nvgre_analyze::Disagreement) -> Vec<String> {
    Finding::from(one)
        .places
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// A dump that tells everything of its hosts.
fn dumped_whole(estate: Estate) -> Dump {
    let told = DumpHost {
        kinds: DumpKind::ALL.into(),
        ..DumpHost::default()
    };
    Dump {
        hosts: vec![told; estate.hosts.len()],
        estate,
        ..Dump::default()
    }
}

#[test]
fn hosts_that_agree_have_nothing_to_say() {
    assert_eq!(cross_check(&agreed()), []);
    assert_eq!(cross_check(&hosts(&[])), []);
    assert_eq!(cross_check(&hosts(&["Kermit"])), []);
}

#[test]
fn the_founding_storys_stages_are_judged_as_they_end() {
    // On one host nothing needs to cross the underlay.
    for stage in [1, 2] {
        assert_eq!(cross_check(&story(stage)), [], "stage {stage}");
    }
    assert_eq!(
        rules(&story(3)),
        [
            "wnv_unbound",
            "wnv_unbound",
            "no_provider_address",
            "no_provider_address",
            "domain_without_records"
        ]
    );
    for stage in [4, 6] {
        assert_eq!(rules(&story(stage)), [""; 0], "stage {stage}");
    }
    // Blue has no guest on Waldorf.
    let notes: Vec<_> = cross_check(&story(6))
        .iter()
        .map(|one| one.what.to_string())
        .collect();
    assert_eq!(
        notes,
        [
            "Waldorf has 4 lookup records and 2 customer routes of {7f3c0c44-5d5e-4c0a-9a5e-000007788990}, of which no guest runs there (V-16)"
        ]
    );
}

#[test]
fn the_broken_story_is_told_with_host_place_and_the_commands_that_mend_it() {
    let broken = story(5);
    assert_eq!(rules(&broken), ["provider_address_unowned"; 2]);
    let found: Vec<_> = cross_check(&broken).iter().map(Finding::from).collect();
    let first = &found[0];
    assert_eq!(
        first.message,
        "192.168.1.22 in VSID 445566 is at 10.0.0.21, say Statler and Waldorf, and no host has that provider address (V-08); Red22 runs on Waldorf."
    );
    assert_eq!(first.places[0].to_string(), "policy/5-broken.ps1:12:1");
    assert_eq!(first.places[1].to_string(), "policy/5-broken.ps1:22:5");
    assert_eq!(
        first.fix,
        [
            "On Statler, Waldorf: Set-NetVirtualizationLookupRecord -VirtualSubnetID 445566 -CustomerAddress \"192.168.1.22\" -ProviderAddress \"10.0.0.12\""
        ]
    );
    assert_eq!(
        first.identity,
        "provider_address_unowned/445566/192.168.1.22/10.0.0.21"
    );
    let mut mended = broken;
    for one in cross_check(&mended) {
        if let (Remedy::Commands(commands), Severity::Error) = (&one.remedy, one.severity) {
            apply(&mut mended, commands);
        }
    }
    assert_eq!(rules(&mended), [""; 0]);
}

#[test]
fn a_record_that_points_to_a_host_without_its_guest_is_stale() {
    let mut estate = agreed();
    on_all(
        &mut estate,
        "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12 -ProviderAddress 192.168.4.3",
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "stale_record");
    assert_eq!(one.severity, Severity::Error);
    assert_eq!(
        one.what.to_string(),
        "10.0.0.12 in VSID 5001 is at 192.168.4.3 (Gonzo), say Kermit, Piggy and Gonzo; Ben runs on Piggy"
    );
    // The records, the adapter, the owners of the wrong address and of the right one.
    assert_eq!(
        places(&one),
        [
            "Kermit.ps1:1:1",
            "Piggy.ps1:1:1",
            "Gonzo.ps1:1:1",
            "Piggy.ps1:1:1",
            "Gonzo.ps1:1:1",
            "Piggy.ps1:1:1"
        ]
    );
    mends(&estate, &one.remedy);
}

#[test]
fn one_host_that_was_not_told_of_a_migration_stands_against_the_others() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Kermit",
        "\n\nSet-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12 -ProviderAddress 192.168.4.3",
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "stale_record");
    assert_eq!(one.sides[0].hosts, ["Kermit"]);
    assert_eq!(one.sides[0].places[0].to_string(), "Kermit.ps1:3:1");
    assert_eq!(one.sides[1].hosts, ["Piggy", "Gonzo"]);
    let Remedy::Commands(commands) = &one.remedy else {
        panic!("{one:?}");
    };
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0].hosts, ["Kermit"]);
    mends(&estate, &one.remedy);
}

#[test]
fn a_guest_that_moved_makes_its_records_stale_on_every_host() {
    let mut estate = agreed();
    let ben = estate.hosts[1].adapters.remove(0);
    estate.hosts[0].adapters.push(ben);
    // Piggy has no guest any more: its adapters may as well be unknown, and still Ben is on Kermit.
    let one = only(&estate);
    assert_eq!(one.what.name(), "stale_record");
    mends(&estate, &one.remedy);
}

#[test]
fn an_address_that_nobody_owns_is_an_error_where_the_guest_is_known_and_else_suspect() {
    let mut estate = agreed();
    on_all(&mut estate, &record(14, "192.168.9.9", "Dan"));
    let one = only(&estate);
    assert_eq!(one.what.name(), "provider_address_unowned");
    assert_eq!(one.severity, Severity::Warning);
    assert!(matches!(one.remedy, Remedy::Words(_)), "{one:#?}");
    guest(&mut estate, "Gonzo", "Dan", &mac(14), 5001);
    let one = only(&estate);
    assert_eq!(one.severity, Severity::Error);
    mends(&estate, &one.remedy);
}

#[test]
fn an_address_on_two_hosts_is_an_error() {
    let mut estate = agreed();
    on(&mut estate, "Gonzo", &address("192.168.4.1"));
    let one = only(&estate);
    assert_eq!(one.what.name(), "provider_address_twice");
    assert_eq!(one.sides.len(), 2);
    mends(&estate, &one.remedy);
    // Without another address nobody can give it up.
    on(
        &mut estate,
        "Gonzo",
        "Remove-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.3",
    );
    let found = cross_check(&estate);
    let twice = found
        .iter()
        .find(|one| one.what.name() == "provider_address_twice");
    assert!(matches!(twice.unwrap().remedy, Remedy::Words(_)));
}

#[test]
fn a_record_that_one_host_lacks_is_missing_where_guests_need_it() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Gonzo",
        "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.11",
    );
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        "10.0.0.11 in VSID 5001 has no lookup record on Gonzo, where its routing domain is in use (V-16)"
    );
    assert_eq!(one.severity, Severity::Error);
    assert_eq!(places(&one)[1..], ["Kermit.ps1:1:1", "Piggy.ps1:1:1"]);
    mends(&estate, &one.remedy);
    // Without a guest of the tenant there is no need.
    estate.hosts[2].adapters.clear();
    estate.hosts[2].records.clear();
    let rest = rules(&estate);
    assert!(!rest.contains(&"record_missing"), "{rest:?}");
}

#[test]
fn without_any_adapter_hosts_are_held_to_what_they_have_of_a_domain() {
    let mut estate = agreed();
    for host in &mut estate.hosts {
        host.adapters.clear();
    }
    assert_eq!(rules(&estate), [""; 0]);
    on(
        &mut estate,
        "Gonzo",
        "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.11",
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "record_missing");
    assert_eq!(
        one.severity,
        Severity::Warning,
        "nothing shows who needs it"
    );
    mends(&estate, &one.remedy);
}

#[test]
fn a_record_that_is_wrong_and_missing_is_made_right_everywhere() {
    let mut estate = agreed();
    on_all(
        &mut estate,
        "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12 -ProviderAddress 192.168.4.77",
    );
    on(
        &mut estate,
        "Gonzo",
        "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12",
    );
    assert_eq!(
        rules(&estate),
        ["provider_address_unowned", "record_missing"]
    );
    for one in cross_check(&estate) {
        if let Remedy::Commands(commands) = &one.remedy {
            apply(&mut estate, commands);
        }
    }
    assert_eq!(rules(&estate), [""; 0]);
}

#[test]
fn a_host_without_any_record_of_its_guests_tenant_is_told_once() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Piggy",
        "Get-NetVirtualizationLookupRecord | Remove-NetVirtualizationLookupRecord",
    );
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        format!("{RED} is in use on Piggy, without any of its 3 lookup records there (V-16)")
    );
    mends(&estate, &one.remedy);
    on(
        &mut estate,
        "Piggy",
        "Get-NetVirtualizationCustomerRoute | Remove-NetVirtualizationCustomerRoute",
    );
    assert_eq!(rules(&estate), ["no_records", "no_routes"]);
}

#[test]
fn a_rule_that_differs_is_settled_by_most_hosts_or_left_to_choose() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Gonzo",
        "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.11 -Rule TranslationMethodNone",
    );
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        "hosts disagree about 10.0.0.11 in VSID 5001: rule"
    );
    assert_eq!(one.sides[0].hosts, ["Gonzo"], "the one to mend is first");
    assert!(matches!(one.remedy, Remedy::Commands(_)));
    mends(&estate, &one.remedy);

    // Two hosts, one against one.
    let mut two = estate.clone();
    two.hosts.remove(1);
    for record in [11, 13] {
        let keep = format!("10.0.0.{record}");
        assert!(
            two.hosts[0]
                .records
                .iter()
                .any(|r| r.record.customer_address.to_string() == keep)
        );
    }
    on_all(
        &mut two,
        "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12",
    );
    let one = only(&two);
    assert_eq!(one.what.name(), "records_differ");
    assert!(matches!(&one.remedy, Remedy::Either(choices) if choices.len() == 2));
    let lines = one.remedy.lines();
    assert!(lines[0].starts_with("Either on "), "{lines:?}");
    assert!(lines[1].starts_with("Or on "), "{lines:?}");
    mends(&two, &one.remedy);
}

#[test]
fn a_wrong_mac_on_one_host_is_made_again_as_the_adapter_has_it() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Kermit",
        "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.13",
    );
    on(
        &mut estate,
        "Kermit",
        &record(13, "192.168.4.3", "Cid").replace(&mac(13), "00155DFFFFFF"),
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "record_mac_differs");
    assert_eq!(one.severity, Severity::Warning);
    mends(&estate, &one.remedy);
    // Without a label nothing says whose record it is, but the others do.
    estate.hosts[0].records.last_mut().unwrap().labels = nvgre_netwnv::Labels::default();
    let one = only(&estate);
    assert_eq!(one.what.name(), "records_differ");
    mends(&estate, &one.remedy);
}

#[test]
fn a_record_whose_guest_is_nowhere_is_suspect_unless_adapters_are_not_known() {
    let mut estate = agreed();
    on_all(&mut estate, &record(14, "192.168.4.3", "Dan"));
    let one = only(&estate);
    assert_eq!(one.what.name(), "guest_unknown");
    assert_eq!(one.severity, Severity::Warning);
    estate.hosts[2].adapters.clear();
    let found = cross_check(&estate);
    let names: Vec<_> = found.iter().map(|one| one.what.name()).collect();
    assert_eq!(names, ["adapters_unknown"], "{found:#?}");
    assert!(matches!(
        found[0].what,
        What::AdaptersUnknown { records: 2, .. }
    ));
}

#[test]
fn an_adapter_that_lost_its_subnet_gets_it_back() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Piggy",
        "Set-VMNetworkAdapter -VMName Ben -VirtualSubnetId 0",
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "adapter_in_other_subnet");
    mends(&estate, &one.remedy);
}

#[test]
fn an_adapter_without_a_record_cannot_be_reached() {
    let mut estate = agreed();
    guest(&mut estate, "Gonzo", "Dan", &mac(14), 5001);
    let one = only(&estate);
    assert_eq!(one.what.name(), "adapter_without_record");
    assert!(
        one.remedy.lines()[0]
            .contains("-MACAddress \"00155D000014\" -ProviderAddress \"192.168.4.3\"")
    );
}

#[test]
fn a_subnet_in_two_domains_is_worst_and_goes_where_most_hosts_put_it() {
    let mut estate = agreed();
    let other = RED.replace("5001", "9999");
    on(
        &mut estate,
        "Piggy",
        "Get-NetVirtualizationCustomerRoute | Remove-NetVirtualizationCustomerRoute",
    );
    on(
        &mut estate,
        "Piggy",
        &route(5001, "10.0.0.0/24").replace(RED, &other),
    );
    on_all(
        &mut estate,
        "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12 -ProviderAddress 192.168.4.3",
    );
    assert_eq!(rules(&estate), ["subnet_in_two_domains", "stale_record"]);
    on_all(
        &mut estate,
        "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12 -ProviderAddress 192.168.4.2",
    );
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        format!(
            "VSID 5001 is in two routing domains (V-02): {RED} say Kermit and Gonzo, {other} says Piggy"
        )
    );
    assert_eq!(one.sides[0].hosts, ["Piggy"]);
    mends(&estate, &one.remedy);
}

#[test]
fn a_route_that_one_host_lacks_or_has_otherwise_is_told() {
    let mut estate = agreed();
    on_all(&mut estate, &route(5002, "10.0.2.0/24"));
    assert_eq!(rules(&estate), [""; 0]);
    let remove = "Remove-NetVirtualizationCustomerRoute -VirtualSubnetID 5002";
    on(&mut estate, "Piggy", remove);
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        "the customer route to 10.0.2.0/24 in VSID 5002 is not on Piggy, where its routing domain is in use (V-16)"
    );
    mends(&estate, &one.remedy);

    on(
        &mut estate,
        "Piggy",
        &route(5002, "10.0.2.0/24").replace("-NextHop 0.0.0.0", "-NextHop 10.0.2.9"),
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "routes_differ");
    assert_eq!(one.severity, Severity::Error);
    mends(&estate, &one.remedy);

    on(&mut estate, "Piggy", remove);
    on(
        &mut estate,
        "Piggy",
        &route(5002, "10.0.2.0/24").replace("255", "7"),
    );
    let one = only(&estate);
    assert_eq!(one.severity, Severity::Warning);
    mends(&estate, &one.remedy);
}

#[test]
fn prefixes_of_two_subnets_that_overlap_are_found_across_hosts() {
    let mut estate = agreed();
    on(&mut estate, "Kermit", &route(5002, "10.0.0.128/25"));
    let found = rules(&estate);
    assert_eq!(found, ["route_missing", "prefixes_overlap"]);
}

#[test]
fn subnets_with_records_need_a_route() {
    let mut estate = agreed();
    on_all(
        &mut estate,
        "Get-NetVirtualizationCustomerRoute | Remove-NetVirtualizationCustomerRoute",
    );
    assert_eq!(only(&estate).what.name(), "subnet_without_routes");
}

#[test]
fn a_mac_twice_in_a_domain_is_an_error_and_its_records_are_not_accused() {
    let mut estate = agreed();
    guest(&mut estate, "Gonzo", "Ben", &mac(12), 5001);
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        format!(
            "MAC 00155D000012 is twice in {RED} (V-05): Ben runs on Piggy and Ben runs on Gonzo"
        )
    );
    // In another tenant the MAC is free.
    let mut estate = agreed();
    guest(&mut estate, "Gonzo", "Eve", &mac(12), 6001);
    assert_eq!(rules(&estate), [""; 0]);
}

#[test]
fn a_host_with_guests_needs_binding_and_address() {
    let mut estate = agreed();
    estate.hosts[1].nics[0].wnv_bound = false;
    let one = only(&estate);
    assert_eq!(one.what.name(), "wnv_unbound");
    mends(&estate, &one.remedy);

    let mut estate = agreed();
    estate.hosts[1].provider_addresses.clear();
    let one = only(&estate);
    assert_eq!(one.what.name(), "no_provider_address");
    // The records remember it, and are not accused of it.
    mends(&estate, &one.remedy);
}

#[test]
fn an_address_beyond_the_own_network_needs_a_provider_route() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Gonzo",
        "Remove-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.3",
    );
    on(&mut estate, "Gonzo", &address("192.168.5.3"));
    on_all(
        &mut estate,
        "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.13 -ProviderAddress 192.168.5.3",
    );
    let route = |to: &str, via: &str| {
        format!(
            "New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix {to} -NextHop {via}"
        )
    };
    on(&mut estate, "Gonzo", &route("0.0.0.0/0", "192.168.5.254"));
    on(
        &mut estate,
        "Kermit",
        &route("192.168.5.0/24", "192.168.4.254"),
    );
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        "records of Piggy point to 192.168.5.3 on Gonzo, and Piggy has no provider route to 192.168.5.0/24"
    );
    mends(&estate, &one.remedy);
}

#[test]
fn addresses_of_one_network_agree_in_vlan_and_length() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Piggy",
        "Set-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.2 -VlanID 77",
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "provider_vlans_differ");
    mends(&estate, &one.remedy);
    on_all(
        &mut estate,
        "Set-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.* -VlanID 0",
    );
    on(
        &mut estate,
        "Piggy",
        "Set-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.2 -PrefixLength 21",
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "provider_prefix_lengths_differ");
    mends(&estate, &one.remedy);
}

#[test]
fn hosts_route_themselves_or_leave_it_to_others_all_alike() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Piggy",
        "Set-NetVirtualizationGlobal -UseExternalRouter $true",
    );
    let one = only(&estate);
    assert_eq!(one.what.name(), "external_router_differs");
    mends(&estate, &one.remedy);
}

#[test]
fn wildcards_are_matched_by_mac_and_type_and_mended_like_others() {
    let mut estate = agreed();
    let wildcard = |pa: &str, record_type: &str| {
        format!(
            "New-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 5001 -MACAddress {} -ProviderAddress {pa} -Rule TranslationMethodEncap -Type {record_type}",
            mac(13)
        )
    };
    on_all(&mut estate, &wildcard("192.168.4.3", "GatewayWildcard"));
    on_all(&mut estate, &wildcard("192.168.4.3", "L2Only"));
    assert_eq!(rules(&estate), [""; 0]);
    on_all(
        &mut estate,
        "Get-NetVirtualizationLookupRecord -Type L2Only | Set-NetVirtualizationLookupRecord -ProviderAddress 192.168.4.1",
    );
    let one = only(&estate);
    assert_eq!(
        one.what.to_string(),
        "L2Only 00155D000013 in VSID 5001 is at 192.168.4.1 (Kermit), say Kermit, Piggy and Gonzo; Cid runs on Gonzo"
    );
    mends(&estate, &one.remedy);
}

#[test]
fn a_nat_record_is_never_mended_into_a_shared_address() {
    let mut estate = agreed();
    for host in ["Kermit", "Piggy", "Gonzo"] {
        on(
            &mut estate,
            host,
            "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.12 -Rule TranslationMethodNat -ProviderAddress 192.168.4.99",
        );
    }
    let one = only(&estate);
    mends(&estate, &one.remedy);
    // Dan's record shares the address that Ben's would need.
    guest(&mut estate, "Piggy", "Dan", &mac(14), 5001);
    on_all(&mut estate, &record(14, "192.168.4.2", "Dan"));
    let one = only(&estate);
    assert!(matches!(one.remedy, Remedy::Words(_)), "{one:#?}");
    on(&mut estate, "Piggy", &address("192.168.4.98"));
    mends(&estate, &only(&estate).remedy);
}

#[test]
fn the_order_is_worst_first_and_the_same_for_every_order_of_rows() {
    let mut estate = story(5);
    estate.hosts[1].nics[0].wnv_bound = false;
    let found = cross_check(&estate);
    assert!(found.is_sorted_by_key(|one| std::cmp::Reverse(one.severity)));
    let mut turned = estate.clone();
    for host in &mut turned.hosts {
        host.records.reverse();
        host.customer_routes.reverse();
        host.adapters.reverse();
    }
    let told = |found: &[nvgre_analyze::Disagreement]| -> Vec<_> {
        found
            .iter()
            .map(|one| (one.what.to_string(), one.remedy.clone()))
            .collect()
    };
    assert_eq!(told(&cross_check(&turned)), told(&found));
    let identities: std::collections::BTreeSet<_> = found
        .iter()
        .map(|one| Finding::from(one).identity)
        .collect();
    assert_eq!(identities.len(), found.len(), "identities are unique");
}

#[test]
fn a_hosts_policy_is_doubted_by_itself_only_where_that_is_asked() {
    let mut estate = agreed();
    // Not in any prefix of the subnet, and on every host (V-09).
    guest(&mut estate, "Gonzo", "Dan", &mac(14), 5001);
    on_all(
        &mut estate,
        &record(14, "192.168.4.3", "Dan").replace("10.0.0.14", "10.9.0.14"),
    );
    assert_eq!(rules(&estate), [""; 0]);
    let found = examine(&dumped_whole(estate));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        found[0].what.to_string(),
        "the lookup record of 10.9.0.14 in VSID 5001 on Kermit, Piggy and Gonzo: no on-link customer route of this subnet covers the customer address (V-09)"
    );
    assert_eq!(found[0].what.name(), "suspect_policy");
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(places(&found[0]).len(), 3);
}

#[test]
fn policy_that_no_host_would_load_is_an_error() {
    let mut estate = agreed();
    // Two NAT records at one address (V-04), as only a dump could show them.
    for host in &mut estate.hosts {
        for entry in &mut host.records[..2] {
            entry.record.rule = nvgre_dataplane::Rule::Nat;
            entry.record.provider_address = "192.168.4.1".parse().unwrap();
        }
    }
    let found = examine(&dumped_whole(estate));
    let refused = found
        .iter()
        .filter(|one| one.what.name() == "refused_policy");
    let refused: Vec<_> = refused.map(|one| one.what.to_string()).collect();
    assert_eq!(
        refused,
        [
            "the lookup record of 10.0.0.12 in VSID 5001 on Kermit, Piggy and Gonzo: a TranslationMethodNat record shares its provider address with another record (V-04)"
        ]
    );
}
