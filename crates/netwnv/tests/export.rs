//! Hosts as scripts and dumps, and what hosts should hold when only some were changed.

mod common;

use common::{estate, on, ran, record};
use nvgre_netwnv::{Estate, Host, Place, Propagation, Vanished};

fn nowhere() -> Place {
    Place {
        file: "".into(),
        line: 0,
        column: 0,
    }
}

/// The host with nothing of where and as which it was written.
fn placeless(host: &Host) -> Host {
    let mut estate = estate();
    let fresh = &mut estate.hosts[0];
    fresh.name.clone_from(&host.name);
    fresh.nics.clone_from(&host.nics);
    fresh.adapters.clone_from(&host.adapters);
    fresh.use_external_router = host.use_external_router;
    fresh.records.clone_from(&host.records);
    fresh.customer_routes.clone_from(&host.customer_routes);
    fresh
        .provider_addresses
        .clone_from(&host.provider_addresses);
    fresh.provider_routes.clone_from(&host.provider_routes);
    fresh
        .adapters
        .iter_mut()
        .for_each(|adapter| adapter.place = None);
    for (id, entry) in (0..).zip(&mut fresh.records) {
        entry.record.id = nvgre_dataplane::RecordId(id);
        entry.place = nowhere();
    }
    for (id, entry) in (0..).zip(&mut fresh.customer_routes) {
        entry.route.id = nvgre_dataplane::RouteId(id);
        entry.place = nowhere();
    }
    fresh
        .provider_addresses
        .iter_mut()
        .for_each(|entry| entry.place = nowhere());
    fresh
        .provider_routes
        .iter_mut()
        .for_each(|entry| entry.place = nowhere());
    estate.hosts.swap_remove(0)
}

const POLICY: &str = r#"
Enable-NetAdapterBinding -Name Ethernet -ComponentID ms_netwnv
Set-NetVirtualizationGlobal -UseExternalRouter $true
New-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.11 -InterfaceIndex 12 -PrefixLength 24 -VlanID 7
New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix 0.0.0.0/0 -NextHop 192.168.4.1 -Metric 5
New-NetVirtualizationCustomerRoute -RoutingDomainID "{7f3c0c44-5d5e-4c0a-9a5e-000000005001}" -VirtualSubnetID 5001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255
New-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 5001 -MACAddress 00155D002001 -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap -Type L2Only
New-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 5001 -MACAddress 00155D002002 -ProviderAddress 192.168.4.12 -Rule TranslationMethodEncap -Type GatewayWildcard
Set-VMNetworkAdapter -VMName Red11 -VirtualSubnetId 5001 -MacAddressSpoofing On -MaximumBandwidth 8000 -StormLimit 5
"#;

/// Statler with something of everything.
fn full() -> Estate {
    ran(&format!(
        "{POLICY}{}",
        record("-Context \"by `\"hand`\"\nand `$5\" -VMName Red11")
    ))
    .0
}

#[test]
fn the_script_of_a_host_makes_the_host_from_nothing_from_itself_and_from_what_is_out_of_date() {
    let full = full();
    let script = full.hosts[0].to_powershell();
    let stale = "\
        New-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.11 -InterfaceIndex 12 -PrefixLength 8 -MACAddress 00155D00FFFF\n\
        New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix 0.0.0.0/0 -NextHop 192.168.4.1 -Metric 99\n\
        New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001 -MACAddress 00155D00FFFF -ProviderAddress 10.9.9.9 -Rule TranslationMethodNone\n\
        Set-VMNetworkAdapter -VMName Red11 -DhcpGuard On";
    for before in ["", &script, stale] {
        let (mut estate, _) = ran(before);
        let report = on(&mut estate, &script);
        assert_eq!(
            placeless(&estate.hosts[0]),
            placeless(&full.hosts[0]),
            "after {before}"
        );
        assert_eq!(report.warnings, [], "it finds nothing odd in itself");
    }
}

#[test]
fn rows_that_a_script_does_not_name_stay() {
    let script = full().hosts[0].to_powershell();
    let (mut estate, _) = ran(&record("").replace("10.0.0.5", "10.0.0.77"));
    on(&mut estate, &script);
    assert_eq!(estate.hosts[0].records.len(), 4);
}

/// Runs scripts on Statler, one after the other, and says what Waldorf should hold of records, and
/// how many rows are disputed.
fn for_waldorf(first: &str, then: &[&str]) -> (Vec<String>, Vec<String>, usize) {
    let (mut estate, _) = ran(first);
    let mut propagation = Propagation::new(&estate);
    for script in then {
        on(&mut estate, script);
        propagation.changed(&estate);
    }
    let known = propagation.of_host(&estate, 1);
    assert_eq!(known.host.name, "Waldorf");
    assert_eq!(known.host.nics, estate.hosts[1].nics);
    let line = |entry: &nvgre_netwnv::RecordEntry| {
        format!(
            "{} {}",
            entry.record.customer_address, entry.record.provider_address
        )
    };
    (
        known.host.records.iter().map(line).collect(),
        known.removed_records.iter().map(line).collect(),
        known.disputed.len(),
    )
}

fn everywhere(script: &str) -> String {
    format!("{script}\nInvoke-Command Waldorf {{ {script} }}\n")
}

#[test]
fn what_was_made_changed_or_removed_on_one_host_is_what_the_others_lack() {
    let one = record("");
    let two = one.replace("10.0.0.5", "10.0.0.6");
    let moved = "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001 -ProviderAddress 192.168.4.99";
    let (held, removed, disputed) = for_waldorf(&everywhere(&one), &[&two, moved]);
    assert_eq!(held, ["10.0.0.5 192.168.4.99", "10.0.0.6 192.168.4.11"]);
    assert!(removed.is_empty());
    assert_eq!(disputed, 0);

    let gone = "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5";
    let (held, removed, _) = for_waldorf(&everywhere(&one), &[gone]);
    assert!(held.is_empty());
    assert_eq!(removed, ["10.0.0.5 192.168.4.11"]);

    let (held, removed, _) = for_waldorf(&everywhere(&one), &[gone, &one]);
    assert_eq!(held, ["10.0.0.5 192.168.4.11"], "made again");
    assert!(removed.is_empty());
}

#[test]
fn of_what_differs_from_the_start_or_was_changed_at_once_each_host_keeps_its_own() {
    let one = record("");
    let other = one.replace("192.168.4.11", "192.168.4.12");
    let both = format!("{one}\nInvoke-Command Waldorf {{ {other} }}");
    assert_eq!(
        for_waldorf(&both, &[]),
        (vec!["10.0.0.5 192.168.4.12".to_owned()], vec![], 1)
    );
    assert_eq!(
        for_waldorf("", &[&both]),
        (vec!["10.0.0.5 192.168.4.12".to_owned()], vec![], 1)
    );
    let set = "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001 -ProviderAddress 192.168.4.13";
    let (held, _, disputed) = for_waldorf(&both, &[set]);
    assert_eq!(
        (held, disputed),
        (vec!["10.0.0.5 192.168.4.13".to_owned()], 0),
        "later settles it"
    );
}

#[test]
fn the_same_row_written_in_another_place_is_no_change() {
    let one = record("");
    let again = format!("Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5\n{one}");
    let (mut estate, _) = ran(&everywhere(&one));
    let mut propagation = Propagation::new(&estate);
    on(&mut estate, &again);
    propagation.changed(&estate);
    let waldorf = propagation.of_host(&estate, 1).host;
    assert_eq!(waldorf.records[0].place, estate.hosts[1].records[0].place);
}

#[test]
fn what_a_host_loses_with_its_binding_nobody_has_removed() {
    let one = record("");
    let two = one.replace("10.0.0.5", "10.0.0.6");
    let route = "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{7f3c0c44-5d5e-4c0a-9a5e-000000005001}\" -VirtualSubnetID 5001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255";
    let bound = "Enable-NetAdapterBinding -Name Ethernet -ComponentID ms_netwnv\n";
    let first = format!("{bound}{}", everywhere(&format!("{one}\n{two}\n{route}")));
    let reset = format!("{}{bound}", bound.replace("Enable", "Disable"));
    let held = ["10.0.0.5 192.168.4.11", "10.0.0.6 192.168.4.11"].map(str::to_owned);
    assert_eq!(
        for_waldorf(&first, &[&reset]),
        (held.to_vec(), vec![], 0),
        "a reset of the filter is no statement on the rows"
    );

    let (mut estate, _) = ran(&first);
    let mut propagation = Propagation::new(&estate);
    on(&mut estate, &reset);
    propagation.changed(&estate);
    let known = propagation.of_host(&estate, 0);
    assert_eq!(known.host.records.len(), 2, "the host gets them back");
    assert_eq!(known.host.customer_routes.len(), 1);
    assert!(known.removed_routes.is_empty());
    let told = Vanished {
        host: "Statler".to_owned(),
        wiped: 3,
        removed: 0,
    };
    assert_eq!(known.vanished, [told]);
}

#[test]
fn of_a_reset_and_a_removal_the_last_one_counts() {
    let one = record("");
    let bound = "Enable-NetAdapterBinding -Name Ethernet -ComponentID ms_netwnv\n";
    let first = format!("{bound}{}", everywhere(&one));
    let reset = format!("{}{bound}", bound.replace("Enable", "Disable"));
    let gone = "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5\n";
    let removed = |stages: &[&str]| for_waldorf(&first, stages).1.len();
    assert_eq!(removed(&[&format!("{gone}{one}\n{reset}")]), 0);
    assert_eq!(removed(&[&format!("{reset}{one}\n{gone}")]), 1);
    assert_eq!(removed(&[&reset, &one, gone]), 1);
    assert_eq!(removed(&[gone, &reset]), 1);
}

#[test]
fn all_rows_removed_at_once_are_removed_and_told() {
    let (mut estate, _) = ran(&everywhere(&record("")));
    let mut propagation = Propagation::new(&estate);
    on(&mut estate, "Remove-NetVirtualizationLookupRecord");
    propagation.changed(&estate);
    let known = propagation.of_host(&estate, 1);
    assert_eq!(known.removed_records.len(), 1);
    let told = Vanished {
        host: "Statler".to_owned(),
        wiped: 0,
        removed: 1,
    };
    assert_eq!(known.vanished, [told]);
}

#[test]
fn provider_addresses_and_routes_are_removed_from_the_host_that_lost_them_alone() {
    let (mut estate, _) = ran(POLICY);
    let mut propagation = Propagation::new(&estate);
    let change = "\
        Remove-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.11\n\
        New-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.21 -InterfaceIndex 12 -PrefixLength 24\n\
        Remove-NetVirtualizationProviderRoute -InterfaceIndex 12";
    on(&mut estate, change);
    propagation.changed(&estate);
    let own = propagation.of_host(&estate, 0);
    let addresses = own.removed_provider_addresses.iter();
    let addresses: Vec<_> = addresses.map(|entry| entry.removal()).collect();
    assert_eq!(
        addresses,
        [
            "Remove-NetVirtualizationProviderAddress -ProviderAddress \"192.168.4.11\" -ErrorAction SilentlyContinue"
        ]
    );
    let routes = own.removed_provider_routes.iter();
    let routes: Vec<_> = routes.map(|entry| entry.removal()).collect();
    assert_eq!(
        routes,
        [
            "Remove-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix \"0.0.0.0/0\" -ErrorAction SilentlyContinue"
        ]
    );
    let other = propagation.of_host(&estate, 1);
    assert!(other.removed_provider_addresses.is_empty());
    assert!(other.removed_provider_routes.is_empty());
}

#[test]
fn a_script_replaces_routes_whose_next_hop_or_routing_domain_is_out_of_date() {
    let routes = |domain: &str, hop: u8| {
        let route = |prefix: &str, hop: &str| {
            format!(
                "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{{7f3c0c44-5d5e-4c0a-9a5e-00000000{domain}}}\" -VirtualSubnetID 5001 -DestinationPrefix {prefix} -NextHop {hop} -Metric 1\n"
            )
        };
        let far = format!("10.0.0.{hop}");
        let provider = format!(
            "New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix 0.0.0.0/0 -NextHop 192.168.4.{hop}\n"
        );
        route("10.0.0.0/24", "0.0.0.0")
            + &route("10.1.0.0/24", &far)
            + &route("10.1.0.0/24", "10.0.0.9")
            + &provider
    };
    let (now, _) = ran(&routes("7777", 2));
    let (mut stale, _) = ran(&routes("5001", 1));
    on(&mut stale, &now.hosts[0].to_powershell());
    assert_eq!(placeless(&stale.hosts[0]), placeless(&now.hosts[0]));
}

#[test]
fn a_script_is_about_a_vm_and_not_about_those_that_its_name_would_be_a_pattern_of() {
    let names = ["web*", "web[12]", "[prod] web", "w?b2", "w`eb", "web2"];
    let mut estate = estate();
    let first = estate.hosts[0].adapters[0].clone();
    estate.hosts[0].adapters = Vec::new();
    for name in names {
        let mut adapter = first.clone();
        adapter.vm_name = name.to_owned();
        adapter.name = "Network Adapter".to_owned();
        estate.hosts[0].adapters.push(adapter);
    }
    for (at, name) in names.iter().enumerate() {
        let mut adapter = estate.hosts[0].adapters[at].clone();
        adapter.dhcp_guard = true;
        let mut now = estate.clone();
        let report = on(&mut now, &adapter.to_powershell());
        assert_eq!(report.warnings, []);
        let guarded: Vec<_> = now.hosts[0]
            .adapters
            .iter()
            .filter(|adapter| adapter.dhcp_guard)
            .map(|adapter| adapter.vm_name.as_str())
            .collect();
        assert_eq!(guarded, [*name]);
    }
}

#[test]
fn a_character_by_its_code_is_that_character_in_a_string() {
    let label = |written: &str| {
        let (estate, _) = ran(&record(&format!("-VMName \"{written}\"")));
        let label = estate.hosts[0].records[0].labels.vm_name();
        label.map(str::to_owned)
    };
    assert_eq!(label("$([char]0x00C4)x"), Some("Äx".to_owned()));
    assert_eq!(label("$([CHAR]0xc4)"), Some("Ä".to_owned()));
    assert_eq!(
        label("a$([char]0xD83D)$([char]0xDCA1)"),
        Some("a💡".to_owned())
    );
    assert_eq!(label("`$([char]0xC4)"), Some("$([char]0xC4)".to_owned()));
}
