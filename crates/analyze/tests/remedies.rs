//! What the commands that are offered do: they mend, they never cut a guest off, and they never
//! contradict each other.

mod estates;

use std::collections::BTreeSet;

use estates::{
    address, agreed, apply, guest, hosts, mac, mends, on, on_all, only, record, route, rules, story,
};
use nvgre_analyze::{Disagreement, HostCommand, Remedy, Severity, What, cross_check, examine};
use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::{Dump, DumpHost, DumpKind, Estate};

/// What is found of dumps that tell everything.
fn diagnosed(estate: &Estate) -> Vec<Disagreement> {
    let told = DumpHost {
        kinds: DumpKind::ALL.into(),
        ..DumpHost::default()
    };
    examine(&Dump {
        hosts: vec![told; estate.hosts.len()],
        estate: estate.clone(),
        ..Dump::default()
    })
}

fn errors(found: &[Disagreement]) -> BTreeSet<String> {
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    errors.map(Disagreement::identity).collect()
}

/// The lists of commands that a remedy offers.
fn choices(remedy: &Remedy) -> Vec<Vec<HostCommand>> {
    match remedy {
        Remedy::Commands(commands) => vec![commands.clone()],
        Remedy::Either(choices) => choices.clone(),
        Remedy::Words(_) => Vec::new(),
    }
}

/// Estates with a fault each.
fn faults() -> Vec<(&'static str, Estate)> {
    let all = |script: &str| {
        let mut estate = agreed();
        on_all(&mut estate, script);
        estate
    };
    let one = |host: &str, script: &str| {
        let mut estate = agreed();
        on(&mut estate, host, script);
        estate
    };
    let with = |change: &dyn Fn(&mut Estate)| {
        let mut estate = agreed();
        change(&mut estate);
        estate
    };
    let remove = "Remove-NetVirtualizationLookupRecord";
    let set = "Set-NetVirtualizationLookupRecord";
    let all_records = format!("Get-NetVirtualizationLookupRecord | {remove}");
    let all_routes =
        "Get-NetVirtualizationCustomerRoute | Remove-NetVirtualizationCustomerRoute".to_owned();
    let wrong_mac = record(13, "192.168.4.3", "Cid").replace(&mac(13), "00155DFFFFFF");
    let moved = |estate: &mut Estate| {
        let ben = estate.hosts[1].adapters.remove(0);
        estate.hosts[0].adapters.push(ben);
    };
    let stale = format!("{set} -CustomerAddress 10.0.0.12 -ProviderAddress 192.168.4.3");
    let unowned = format!("{set} -CustomerAddress 10.0.0.12 -ProviderAddress 192.168.4.77");
    vec![
        ("a stage without binding", story(3)),
        ("a stage with wrong records", story(5)),
        ("a guest less", story(6)),
        ("stale everywhere", all(&stale)),
        ("stale on one host", one("Kermit", &stale)),
        ("a guest that moved", with(&moved)),
        ("an address of nobody's", all(&unowned)),
        (
            "a record of nobody's guest",
            all(&record(14, "192.168.9.9", "Dan")),
        ),
        (
            "an address twice, one host with another",
            one("Gonzo", &address("192.168.4.1")),
        ),
        (
            "an address twice, its rightful host with another",
            with(&|estate| {
                on(estate, "Kermit", &address("192.168.4.3"));
                on(estate, "Kermit", &address("192.168.4.9"));
            }),
        ),
        (
            "an address twice, nobody with another",
            with(&|estate| {
                let take = "Remove-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.3";
                on(
                    estate,
                    "Gonzo",
                    &format!("{}{take}", address("192.168.4.1")),
                );
            }),
        ),
        (
            "a record missing",
            one("Gonzo", &format!("{remove} -CustomerAddress 10.0.0.11")),
        ),
        ("no records on a host", one("Piggy", &all_records)),
        ("no records at all", all(&all_records)),
        ("no routes on a host", one("Piggy", &all_routes)),
        ("no routes at all", all(&all_routes)),
        (
            "another rule",
            one(
                "Gonzo",
                &format!("{set} -CustomerAddress 10.0.0.11 -Rule TranslationMethodNone"),
            ),
        ),
        (
            "another MAC",
            one(
                "Kermit",
                &format!("{remove} -CustomerAddress 10.0.0.13\n{wrong_mac}"),
            ),
        ),
        (
            "no VSID",
            one(
                "Piggy",
                "Set-VMNetworkAdapter -VMName Ben -VirtualSubnetId 0",
            ),
        ),
        (
            "cut off",
            one(
                "Piggy",
                "Set-VMNetworkAdapter -VMName Ben -VirtualSubnetId 16777215",
            ),
        ),
        (
            "no record of a guest",
            with(&|estate| guest(estate, "Gonzo", "Dan", &mac(14), 5001)),
        ),
        (
            "a MAC twice",
            with(&|estate| guest(estate, "Gonzo", "Ben", &mac(12), 5001)),
        ),
        (
            "another domain",
            one(
                "Piggy",
                &format!(
                    "{all_routes}\n{}",
                    route(5001, "10.0.0.0/24").replace("0005001", "0009999")
                ),
            ),
        ),
        ("a route missing", one("Gonzo", &route(5002, "10.0.2.0/24"))),
        ("prefixes", one("Kermit", &route(5002, "10.0.0.128/25"))),
        (
            "not bound",
            with(&|estate| estate.hosts[1].nics[0].wnv_bound = false),
        ),
        (
            "no provider address",
            with(&|estate| estate.hosts[1].provider_addresses.clear()),
        ),
        (
            "another VLAN",
            one(
                "Piggy",
                "Set-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.2 -VlanID 77",
            ),
        ),
        (
            "another prefix length",
            one(
                "Piggy",
                "Set-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.2 -PrefixLength 21",
            ),
        ),
        (
            "external routers",
            one(
                "Piggy",
                "Set-NetVirtualizationGlobal -UseExternalRouter $true",
            ),
        ),
    ]
}

#[test]
fn every_command_that_is_offered_runs_and_makes_no_new_error() {
    for (fault, estate) in faults() {
        let found = diagnosed(&estate);
        assert!(!found.is_empty(), "{fault}: nothing is found");
        let before = errors(&found);
        for one in &found {
            for commands in choices(&one.remedy) {
                let mut mended = estate.clone();
                apply(&mut mended, &commands);
                let after = errors(&diagnosed(&mended));
                let new: Vec<_> = after.difference(&before).collect();
                assert!(new.is_empty(), "{fault}: {new:?} after {commands:#?}");
                assert!(
                    !after.contains(&one.identity()),
                    "{fault}: {} is still there after {commands:#?}",
                    one.identity()
                );
            }
        }
    }
}

#[test]
fn all_commands_together_leave_no_error_that_was_not_there() {
    for (fault, estate) in faults() {
        let found = diagnosed(&estate);
        let before = errors(&found);
        let mut mended = estate.clone();
        let mut run = Vec::new();
        for one in &found {
            for command in choices(&one.remedy).into_iter().next().unwrap_or_default() {
                if !run.contains(&command) {
                    apply(&mut mended, std::slice::from_ref(&command));
                    run.push(command);
                }
            }
        }
        let after = errors(&diagnosed(&mended));
        let new: Vec<_> = after.difference(&before).collect();
        assert!(new.is_empty(), "{fault}: {new:?} after {run:#?}");
    }
}

#[test]
fn an_address_that_is_twice_stays_where_records_of_its_guests_name_it() {
    // Both could spare it; Ann runs on Kermit and is found there.
    let mut estate = agreed();
    on(&mut estate, "Kermit", &address("192.168.4.9"));
    on(&mut estate, "Gonzo", &address("192.168.4.1"));
    let one = only(&estate);
    assert_eq!(one.what.name(), "provider_address_twice");
    assert_eq!(
        one.remedy.lines(),
        ["On Gonzo: Remove-NetVirtualizationProviderAddress -ProviderAddress \"192.168.4.1\""]
    );
    mends(&estate, &one.remedy);
    // Only Kermit could spare it, and must not.
    let remove = "Remove-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.3";
    on(&mut estate, "Gonzo", remove);
    let found = cross_check(&estate);
    let twice = found
        .iter()
        .find(|one| matches!(one.what, What::ProviderAddressTwice { .. }))
        .unwrap();
    let Remedy::Words(words) = &twice.remedy else {
        panic!("{twice:#?}");
    };
    assert!(words.starts_with("Kermit keeps 192.168.4.1"), "{words}");
}

#[test]
fn a_host_whose_guest_lost_its_subnet_keeps_the_policy_that_it_needs_when_it_is_back() {
    for vsid in [0, 16777215] {
        let mut estate = agreed();
        // Another guest: the host's adapters are known.
        guest(&mut estate, "Piggy", "Eve", &mac(20), 6001);
        on(
            &mut estate,
            "Piggy",
            &format!("Set-VMNetworkAdapter -VMName Ben -VirtualSubnetId {vsid}"),
        );
        let found = cross_check(&estate);
        let names: Vec<_> = found.iter().map(|one| one.what.name()).collect();
        assert_eq!(names, ["adapter_in_other_subnet"], "{found:#?}");
    }
}

#[test]
fn a_guest_that_was_cut_off_on_purpose_is_not_taken_back_by_a_command() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Piggy",
        "Set-VMNetworkAdapter -VMName Ben -VirtualSubnetId 16777215",
    );
    let one = only(&estate);
    assert!(matches!(
        one.what,
        What::AdapterInOtherSubnet {
            subnet: PortSubnet::LocalOnly,
            ..
        }
    ));
    assert_eq!(
        one.what.to_string(),
        "10.0.0.12 in VSID 5001 is for the MAC 00155D000012; Ben runs on Piggy with that MAC, cut off from the network (VSID 16777215) (V-14)"
    );
    assert!(matches!(one.remedy, Remedy::Words(_)), "{one:#?}");
}

#[test]
fn a_provider_address_is_offered_without_a_mac_and_only_on_a_nic_that_is_known() {
    let mut estate = agreed();
    estate.hosts[1].provider_addresses.clear();
    let one = only(&estate);
    assert_eq!(
        one.remedy.lines(),
        [
            "On Piggy: New-NetVirtualizationProviderAddress -ProviderAddress \"192.168.4.2\" -InterfaceIndex 12 -PrefixLength 24"
        ]
    );
    mends(&estate, &one.remedy);
    let mut told = vec![
        DumpHost {
            kinds: DumpKind::ALL.into(),
            ..DumpHost::default()
        };
        3
    ];
    told[1].is_interface_index_assumed = true;
    let found = examine(&Dump {
        hosts: told,
        estate,
        ..Dump::default()
    });
    let none = found
        .iter()
        .find(|one| one.what.name() == "no_provider_address")
        .unwrap();
    assert!(matches!(none.remedy, Remedy::Words(_)), "{none:#?}");
}

/// `agreed` where Ben moved to Gonzo, which has another provider address that is listed first.
fn moved_to_a_host_with_two_addresses(other: &str) -> Estate {
    let mut estate = agreed();
    on(&mut estate, "Gonzo", &address(other));
    estate.hosts[2].provider_addresses.reverse();
    let ben = estate.hosts[1].adapters.remove(0);
    estate.hosts[2].adapters.push(ben);
    estate
}

#[test]
fn a_stale_record_goes_to_the_address_that_right_records_name_on_the_host() {
    // Of the same network, and no record names it.
    let estate = moved_to_a_host_with_two_addresses("192.168.4.30");
    let one = only(&estate);
    assert_eq!(one.what.name(), "stale_record");
    assert!(
        one.remedy.lines()[0].ends_with("-ProviderAddress \"192.168.4.3\""),
        "{:?}",
        one.remedy
    );
}

#[test]
fn a_stale_record_goes_to_the_network_that_it_was_in_where_no_other_record_tells() {
    let mut estate = moved_to_a_host_with_two_addresses("172.16.0.3");
    estate.hosts[2].adapters.remove(0);
    on_all(
        &mut estate,
        "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.13",
    );
    let found = cross_check(&estate);
    let stale = found
        .iter()
        .find(|one| one.what.name() == "stale_record")
        .unwrap();
    assert!(
        stale.remedy.lines()[0].ends_with("-ProviderAddress \"192.168.4.3\""),
        "{:?}",
        stale.remedy
    );
}

#[test]
fn a_second_mac_of_a_vm_is_not_taken_for_a_wrong_one() {
    let second = record(15, "192.168.4.1", "Ann");
    // Ann's adapter has its record, so this one is of another MAC, which no adapter shows.
    let mut estate = agreed();
    on_all(&mut estate, &second);
    assert_eq!(rules(&estate), ["guest_unknown"]);
    // It may send from any.
    on(
        &mut estate,
        "Kermit",
        "Set-VMNetworkAdapter -VMName Ann -MacAddressSpoofing On",
    );
    assert_eq!(cross_check(&estate), []);
}

#[test]
fn a_host_is_told_once_to_run_a_command() {
    let mut estate = agreed();
    let other = route(5001, "10.0.0.0/24").replace("0005001", "0009999");
    on(
        &mut estate,
        "Piggy",
        "Get-NetVirtualizationCustomerRoute | Remove-NetVirtualizationCustomerRoute",
    );
    on(&mut estate, "Piggy", &other);
    for next_hop in ["10.0.0.11", "10.0.0.12"] {
        let default = other
            .replace("10.0.0.0/24", "0.0.0.0/0")
            .replace("-NextHop 0.0.0.0", &format!("-NextHop {next_hop}"));
        on(&mut estate, "Piggy", &default);
    }
    let found = cross_check(&estate);
    assert_eq!(found[0].what.name(), "subnet_in_two_domains");
    for commands in choices(&found[0].remedy) {
        for command in commands {
            assert_eq!(command.hosts, ["Piggy"], "{command}");
        }
    }
    assert_eq!(cross_check(&hosts(&["Kermit", "Piggy"])), []);
}

#[test]
fn hosts_that_all_say_something_else_are_counted_and_not_listed_beside_each_other() {
    let names: Vec<_> = (0..60).map(|n| format!("H{n}")).collect();
    let mut estate = hosts(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (n, name) in names.iter().enumerate() {
        on(&mut estate, name, &route(5001, "10.0.0.0/24"));
        on(&mut estate, name, &address(&format!("192.168.4.{}", n + 1)));
        on(
            &mut estate,
            name,
            &record(11, &format!("192.168.4.{}", n + 1), "Ann"),
        );
    }
    // Without adapters all are but different; with one, all but one are stale.
    let one = only(&estate);
    assert_eq!(one.what.name(), "records_differ");
    assert_eq!(one.sides.len(), 60);
    let Remedy::Words(words) = &one.remedy else {
        panic!("{} lists of commands", choices(&one.remedy).len());
    };
    assert!(
        words.starts_with("Choose one of these 60 variants"),
        "{words}"
    );
    guest(&mut estate, "H0", "Ann", &mac(11), 5001);
    let found = cross_check(&estate);
    assert_eq!(
        found
            .iter()
            .filter(|one| one.what.name() == "stale_record")
            .count(),
        59
    );
    for one in &found {
        assert!(one.sides.len() < 12, "{} sides", one.sides.len());
    }
    let more = &found[0].sides;
    assert!(
        more.iter()
            .any(|side| side.says.ends_with("; and 54 more variants")),
        "{more:#?}"
    );
}

#[test]
fn an_adapter_that_shares_its_name_is_in_no_command() {
    let mut estate = agreed();
    on(
        &mut estate,
        "Piggy",
        "Set-VMNetworkAdapter -VMName Ben -VirtualSubnetId 0",
    );
    let mut told = vec![
        DumpHost {
            kinds: DumpKind::ALL.into(),
            ..DumpHost::default()
        };
        3
    ];
    told[1].vms_with_namesakes.insert("ben".to_owned());
    let found = examine(&Dump {
        hosts: told,
        estate,
        ..Dump::default()
    });
    assert_eq!(found[0].what.name(), "adapter_in_other_subnet");
    assert!(matches!(found[0].remedy, Remedy::Words(_)), "{found:#?}");
}
