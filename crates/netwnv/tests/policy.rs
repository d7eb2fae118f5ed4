//! What the cmdlets do to a host.

mod common;

use common::{estate, on, ran, record, records, refused, try_on};
use nvgre_dataplane::{PortSubnet, RecordType, Rule};
use nvgre_netwnv::{Estate, RunReport};

/// The texts of a report's warnings with their places.
fn warnings(report: &RunReport) -> Vec<String> {
    report.warnings.iter().map(ToString::to_string).collect()
}

fn three_records() -> Estate {
    let (mut estate, _) = ran(&record("-VMName Red11 -CustomerID a"));
    on(
        &mut estate,
        &record("-VMName Red22 -CustomerID b").replace("10.0.0.5", "10.0.0.6"),
    );
    on(
        &mut estate,
        &record("-VMName Blue11").replace("5001", "6001"),
    );
    estate
}

#[test]
fn a_record_has_every_field_of_its_command_and_the_place_of_it() {
    let (estate, report) = ran(
        "\n  New-NetVirtualizationLookupRecord -CustomerAddress fd00::5 -VirtualSubnetID 5001 -MACAddress 00-15-5d-00-20-09 -ProviderAddress 192.168.4.11 -Rule TranslationMethodNat -CustomerID '{c}' -Context why -VMName Red11 -UseVmMACAddress $true -Type Dynamic",
    );
    assert_eq!(report, RunReport::default());
    let entry = &estate.hosts[0].records[0];
    assert_eq!(entry.place.to_string(), "policy.ps1:2:3");
    assert_eq!(entry.record.customer_address.to_string(), "fd00::5");
    assert_eq!(entry.record.virtual_subnet.get(), 5001);
    assert_eq!(entry.record.mac.to_string(), "00155D002009");
    assert_eq!(entry.record.rule, Rule::Nat);
    assert_eq!(entry.record.record_type, RecordType::Dynamic);
    assert!(entry.record.use_vm_mac);
    assert_eq!(entry.labels.customer_id(), Some("{c}"));
    assert_eq!(entry.labels.context(), Some("why"));
    assert_eq!(estate.hosts[0].record(entry.record.id), Some(entry));
}

#[test]
fn ids_grow_and_are_never_used_twice() {
    let mut estate = three_records();
    on(
        &mut estate,
        "Remove-NetVirtualizationLookupRecord -VMName Blue11",
    );
    on(&mut estate, &record("").replace("5001", "6001"));
    let ids: Vec<_> = estate.hosts[0]
        .records
        .iter()
        .map(|entry| entry.record.id.0)
        .collect();
    assert_eq!(ids, [0, 1, 3]);
}

#[test]
fn set_changes_values_and_the_place_and_keeps_the_id() {
    let mut estate = three_records();
    on(
        &mut estate,
        "\nSet-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.6 -ProviderAddress 192.168.4.99 -VMName Red33",
    );
    assert_eq!(
        records(&estate, "Statler"),
        [
            "0 5001 10.0.0.5 192.168.4.11 Red11",
            "1 5001 10.0.0.6 192.168.4.99 Red33",
            "2 6001 10.0.0.5 192.168.4.11 Blue11",
        ]
    );
    assert_eq!(
        estate.hosts[0].records[1].place.to_string(),
        "policy.ps1:2:1"
    );
    assert_eq!(
        estate.hosts[0].records[0].place.to_string(),
        "policy.ps1:1:1"
    );
}

#[test]
fn filters_are_anded_take_wildcards_and_compare_addresses_not_their_spelling() {
    for (filter, left) in [
        ("-VMName Red*", 1),
        ("-VMName ?ED11", 2),
        ("-VMName Red* -CustomerAddress 10.0.0.5", 2),
        ("-CustomerAddress 10.0.0.*", 0),
        ("-MACAddress 00-15-5d-00-20-09 -VirtualSubnetID 6001", 2),
        (
            "-Rule TranslationMethodEncap -Type Static -UseVmMACAddress $false -Unusable $false",
            0,
        ),
        ("-Rule 0", 3),
        ("-CustomerID a,b", 1),
        ("-Unsynchronized $true", 3),
    ] {
        let mut estate = three_records();
        on(
            &mut estate,
            &format!("Remove-NetVirtualizationLookupRecord {filter}"),
        );
        assert_eq!(estate.hosts[0].records.len(), left, "{filter}");
    }
    let (mut estate, _) = ran(&record("").replace("10.0.0.5", "fd00:0:0::5"));
    on(
        &mut estate,
        "Remove-NetVirtualizationLookupRecord -CustomerAddress FD00:0000::0005",
    );
    assert!(estate.hosts[0].records.is_empty());
}

#[test]
fn remove_without_filter_removes_all_and_warns() {
    let mut estate = three_records();
    let report = on(&mut estate, "\nRemove-NetVirtualizationLookupRecord");
    assert!(estate.hosts[0].records.is_empty());
    assert_eq!(
        warnings(&report),
        [
            "policy.ps1:2:1: Remove-NetVirtualizationLookupRecord without a filter removed all lookup records of Statler: 3"
        ]
    );
    let report = on(&mut estate, "Remove-NetVirtualizationLookupRecord");
    assert_eq!(warnings(&report), [""; 0], "nothing was there");
}

#[test]
fn set_without_filter_changes_all_and_warns() {
    let mut estate = three_records();
    let report = on(
        &mut estate,
        "Set-NetVirtualizationLookupRecord -ProviderAddress 192.168.4.12",
    );
    assert!(
        records(&estate, "Statler")
            .iter()
            .all(|line| line.contains("192.168.4.12"))
    );
    assert_eq!(
        warnings(&report),
        [
            "policy.ps1:1:1: Set-NetVirtualizationLookupRecord without a filter changed all lookup records of Statler: 3"
        ]
    );
}

#[test]
fn an_empty_pipeline_removes_nothing() {
    let mut estate = three_records();
    let report = on(
        &mut estate,
        "Get-NetVirtualizationLookupRecord -VMName Green* | Remove-NetVirtualizationLookupRecord",
    );
    assert_eq!(estate.hosts[0].records.len(), 3);
    assert_eq!(warnings(&report), [""; 0]);
}

#[test]
fn an_exact_filter_that_finds_nothing_warns_unless_told_to_be_silent() {
    let (_, report) = ran(
        "Get-NetVirtualizationLookupRecord -VMName Red11\nGet-NetVirtualizationLookupRecord -VMName Red11 -ErrorAction SilentlyContinue | Remove-NetVirtualizationLookupRecord",
    );
    assert_eq!(
        warnings(&report),
        [
            "policy.ps1:1:1: Get-NetVirtualizationLookupRecord finds no lookup records of Statler with these values"
        ]
    );
}

#[test]
fn objects_go_down_the_pipeline_and_through_input_object() {
    let mut estate = three_records();
    on(
        &mut estate,
        "Get-NetVirtualizationLookupRecord -VMName Red* | Set-NetVirtualizationLookupRecord -ProviderAddress 192.168.4.12 -PassThru | Where-Object { $_.VMName -eq 'Red11' } | Remove-NetVirtualizationLookupRecord",
    );
    assert_eq!(
        records(&estate, "Statler"),
        [
            "1 5001 10.0.0.6 192.168.4.12 Red22",
            "2 6001 10.0.0.5 192.168.4.11 Blue11"
        ]
    );
    on(
        &mut estate,
        "$r = Get-NetVirtualizationLookupRecord -VMName Red22\nRemove-NetVirtualizationLookupRecord -InputObject $r",
    );
    assert_eq!(estate.hosts[0].records.len(), 1);
    let (estate, _) = ran(&format!(
        "{} -PassThru | Remove-NetVirtualizationLookupRecord",
        record("").trim_end()
    ));
    assert!(estate.hosts[0].records.is_empty());
}

#[test]
fn an_unspecified_address_without_a_type_is_the_wildcard_of_2012() {
    let (estate, report) = ran(&record("").replace("10.0.0.5", "0.0.0.0"));
    assert_eq!(
        estate.hosts[0].records[0].record.record_type,
        RecordType::GatewayWildcard
    );
    assert_eq!(
        warnings(&report),
        [
            "policy.ps1:1:1: a record for 0.0.0.0 without -Type is taken as a GatewayWildcard, as Windows Server 2012 wrote it; write -Type GatewayWildcard"
        ]
    );
}

#[test]
fn wildcard_and_l2only_records_repeat_with_other_macs_and_types() {
    let gateway = record("-Type GatewayWildcard").replace("10.0.0.5", "0.0.0.0");
    let (mut estate, _) = ran(&gateway);
    on(&mut estate, &gateway.replace("002009", "002010"));
    on(&mut estate, &gateway.replace("GatewayWildcard", "3"));
    let types: Vec<_> = estate.hosts[0]
        .records
        .iter()
        .map(|e| e.record.record_type)
        .collect();
    assert_eq!(types[2], RecordType::L2Only);
    let errors = try_on(&mut estate, &gateway).unwrap_err();
    assert!(
        errors[0].message.starts_with("the instance already exists"),
        "{}",
        errors[0]
    );
}

#[test]
fn customer_routes_are_made_changed_and_removed() {
    let route = "New-NetVirtualizationCustomerRoute -RoutingDomainID '{7f3c0c44-5d5e-4c0a-9a5e-000000445566}' -VirtualSubnetID 5001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255";
    let (mut estate, _) = ran(route);
    on(
        &mut estate,
        &route
            .replace("0.0.0.0 ", "10.0.0.2 ")
            .replace("10.0.0.0/24", "0.0.0.0/0"),
    );
    on(
        &mut estate,
        "Get-NetVirtualizationCustomerRoute -RoutingDomainID 7F3C0C44-5d5e-4c0a-9a5e-000000445566 -NextHop 10.0.0.2 | Set-NetVirtualizationCustomerRoute -Metric 1",
    );
    let metrics: Vec<_> = estate.hosts[0]
        .customer_routes
        .iter()
        .map(|e| e.route.metric)
        .collect();
    assert_eq!(metrics, [255, 1]);
    let route = estate.hosts[0].customer_routes[1].route;
    assert_eq!(
        estate.hosts[0].customer_route(route.id).unwrap().route,
        route
    );
    let report = on(
        &mut estate,
        "Remove-NetVirtualizationCustomerRoute -DestinationPrefix 0.0.0.0/0",
    );
    assert_eq!(estate.hosts[0].customer_routes.len(), 1);
    assert_eq!(warnings(&report), [""; 0]);
}

#[test]
fn provider_addresses_take_the_nics_mac_or_their_own() {
    let (mut estate, _) = ran(
        "$i = (Get-NetAdapter Ethernet).ifIndex\nNew-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.11 -InterfaceIndex $i -PrefixLength 24 -VlanID 7\nNew-NetVirtualizationProviderAddress -ProviderAddress fd00::11 -InterfaceIndex 12 -PrefixLength 64 -VlanID 0 -MACAddress 020000000001",
    );
    let address = |estate: &Estate, at: usize| estate.hosts[0].provider_addresses[at].address;
    assert_eq!(address(&estate, 0).mac.to_string(), "00155D000A0B");
    assert_eq!(address(&estate, 0).vlan.map(|vlan| vlan.get()), Some(7));
    assert_eq!(address(&estate, 1).mac.to_string(), "020000000001");
    assert_eq!(address(&estate, 1).vlan, None);
    on(
        &mut estate,
        "Set-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.11 -VlanID 0 -PrefixLength 21 -MACAddress 020000000002\nGet-NetVirtualizationProviderAddress -AddressState Preferred -ManagedByCluster $false -PrefixLength 64 | Remove-NetVirtualizationProviderAddress",
    );
    assert_eq!(estate.hosts[0].provider_addresses.len(), 1);
    assert_eq!(address(&estate, 0).vlan, None);
    assert_eq!(address(&estate, 0).prefix_length, 21);
    assert_eq!(address(&estate, 0).mac.to_string(), "020000000002");
}

#[test]
fn provider_routes_are_made_changed_and_removed() {
    let (mut estate, _) = ran(
        "New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix 0.0.0.0/0 -NextHop 192.168.4.1\nSet-NetVirtualizationProviderRoute -DestinationPrefix 0.0.0.0/0 -Metric 5",
    );
    assert_eq!(estate.hosts[0].provider_routes[0].route.metric, 5);
    assert_eq!(
        estate.hosts[0].provider_routes[0].place.to_string(),
        "policy.ps1:2:1"
    );
    on(
        &mut estate,
        "Get-NetVirtualizationProviderRoute -Metric 5 | Remove-NetVirtualizationProviderRoute",
    );
    assert!(estate.hosts[0].provider_routes.is_empty());
}

#[test]
fn the_external_router_is_a_setting_of_the_host() {
    let (mut estate, _) = ran("Set-NetVirtualizationGlobal -UseExternalRouter $true");
    assert!(estate.hosts[0].policy().use_external_router);
    assert!(!estate.hosts[1].policy().use_external_router);
    on(
        &mut estate,
        "Get-NetVirtualizationGlobal | Set-NetVirtualizationGlobal -UseExternalRouter $false",
    );
    assert!(!estate.hosts[0].use_external_router);
}

#[test]
fn ports_take_their_settings() {
    let (estate, _) = ran(
        "Set-VMNetworkAdapter Red11 -Name 'Network Adapter' -VirtualSubnetId 5001 -MacAddressSpoofing On -DhcpGuard on -RouterGuard 0 -MaximumBandwidth 1001 -StormLimit 9\nSet-VMNetworkAdapter Red11 -DhcpGuard Off",
    );
    let adapter = &estate.hosts[0].adapters[0];
    assert!(matches!(adapter.subnet, PortSubnet::Tenant(vsid) if vsid.get() == 5001));
    assert!(adapter.mac_address_spoofing && !adapter.dhcp_guard && adapter.router_guard);
    assert_eq!(adapter.maximum_bandwidth_bits_per_second, 1000);
    assert_eq!(adapter.storm_limit_packets_per_second, 9);
    assert_eq!(
        adapter.place.as_ref().unwrap().to_string(),
        "policy.ps1:2:1"
    );
}

#[test]
fn adapters_are_found_by_vm_by_wildcard_and_through_get_vm() {
    for (script, expected) in [
        (
            "Set-VMNetworkAdapter -VMName Red11, Blue11 -VirtualSubnetId 5001",
            "Red11 Blue11",
        ),
        (
            "Get-VMNetworkAdapter * | Set-VMNetworkAdapter -VirtualSubnetId 5001",
            "Red11 Red22 Blue11 Blue22",
        ),
        (
            "Get-VMNetworkAdapter -All | Set-VMNetworkAdapter -VirtualSubnetId 5001",
            "Red11 Red22 Blue11 Blue22",
        ),
        (
            "Get-VM *11 | Get-VMNetworkAdapter | Set-VMNetworkAdapter -VirtualSubnetId 5001",
            "Red11 Blue11",
        ),
        (
            "Get-VM *11 | Set-VMNetworkAdapter -VirtualSubnetId 5001",
            "Red11 Blue11",
        ),
        (
            "$a = Get-VMNetworkAdapter Red22; Set-VMNetworkAdapter $a -VirtualSubnetId 5001",
            "Red22",
        ),
        (
            "Set-VMNetworkAdapter -VMName * -Name Other* -VirtualSubnetId 5001",
            "",
        ),
    ] {
        let (estate, _) = ran(script);
        let set: Vec<_> = estate.hosts[0]
            .adapters
            .iter()
            .filter(|adapter| adapter.subnet != PortSubnet::Unset)
            .map(|adapter| adapter.vm_name.as_str())
            .collect();
        assert_eq!(set.join(" "), expected, "{script}");
    }
}

#[test]
fn zero_unsets_a_port_and_16777215_is_local_with_a_warning() {
    let (estate, report) = ran(
        "Set-VMNetworkAdapter Red11 -VirtualSubnetId 5001\nSet-VMNetworkAdapter Red11 -VirtualSubnetId 0\nSet-VMNetworkAdapter Red22 -VirtualSubnetId 16777215",
    );
    assert_eq!(estate.hosts[0].adapters[0].subnet, PortSubnet::Unset);
    assert_eq!(estate.hosts[0].adapters[1].subnet, PortSubnet::LocalOnly);
    assert_eq!(
        warnings(&report),
        [
            "policy.ps1:3:1: virtual subnet 16777215 is reserved (RFC 7637 s3.4): these adapters reach each other on their switch and nothing else"
        ]
    );
}

#[test]
fn an_adapter_tells_its_settings_as_they_are_now() {
    let (estate, _) = ran(&format!(
        "$a = Get-VMNetworkAdapter Red11\nSet-VMNetworkAdapter Red11 -VirtualSubnetId 5001\n{}",
        record("-VMName $a.VMName").replace(
            "-VirtualSubnetID 5001",
            "-VirtualSubnetID $a.VirtualSubnetId"
        )
    ));
    assert_eq!(
        records(&estate, "Statler"),
        ["0 5001 10.0.0.5 192.168.4.11 Red11"]
    );
}

#[test]
fn the_binding_goes_on_by_name_description_and_pipeline() {
    for script in [
        "Enable-NetAdapterBinding Ethernet -ComponentID ms_netwnv",
        "Enable-NetAdapterBinding -InterfaceDescription \"Intel*\" -ComponentID \"MS_NETWNV\"",
        "Get-NetAdapter -InterfaceDescription (Get-VMSwitch).NetAdapterInterfaceDescription | Enable-NetAdapterBinding -ComponentID ms_netwnv",
    ] {
        let (estate, report) = ran(script);
        assert!(estate.hosts[0].policy().wnv_bound, "{script}");
        assert!(!estate.hosts[1].policy().wnv_bound, "{script}");
        assert_eq!(report, RunReport::default(), "{script}");
    }
}

#[test]
fn taking_the_binding_off_wipes_the_hosts_policy_and_warns() {
    let mut estate = three_records();
    on(
        &mut estate,
        "Set-VMNetworkAdapter Red11 -VirtualSubnetId 5001",
    );
    on(
        &mut estate,
        &format!("Invoke-Command Waldorf {{ {} }}", record("")),
    );
    let off = "Disable-NetAdapterBinding Ethernet -ComponentID ms_netwnv";
    on(&mut estate, off);
    assert_eq!(estate.hosts[0].records.len(), 3, "it was not bound");
    on(
        &mut estate,
        "Enable-NetAdapterBinding Ethernet -ComponentID ms_netwnv",
    );
    let report = on(&mut estate, off);
    assert!(estate.hosts[0].records.is_empty() && !estate.hosts[0].nics[0].wnv_bound);
    assert_eq!(estate.hosts[1].records.len(), 1);
    assert_ne!(
        estate.hosts[0].adapters[0].subnet,
        PortSubnet::Unset,
        "a port keeps its subnet"
    );
    assert_eq!(
        warnings(&report),
        [
            "policy.ps1:1:1: taking ms_netwnv off removed all policy of Statler: 3 lookup records, 0 customer routes, 0 provider addresses and 0 provider routes"
        ]
    );
}

#[test]
fn a_script_with_a_mistake_at_its_end_changes_nothing_on_any_host() {
    // `refused` compares the estate with what it was.
    let script = format!(
        "{}Set-VMNetworkAdapter Red11 -VirtualSubnetId 5001\nInvoke-Command Waldorf {{ {} }}\nNew-NetVirtualizationLookupRecord",
        record(""),
        record("")
    );
    assert!(
        refused(&script).starts_with("policy.ps1:5:1: "),
        "{}",
        refused(&script)
    );
}

#[test]
fn a_policy_holds_what_the_dataplane_needs_and_leaves_ports_to_the_caller() {
    let estate = three_records();
    let policy = estate.hosts[0].policy();
    assert_eq!(policy.records.len(), 3);
    assert!(policy.ports.is_empty() && policy.neighbors.is_empty());
    assert_eq!(
        policy.check().map(|warnings| warnings.len()),
        Ok(3),
        "no customer routes yet"
    );
}

#[test]
fn hosts_are_found_without_case() {
    let mut estate = estate();
    assert_eq!(estate.host("waldorf").unwrap().name, "Waldorf");
    assert!(estate.host_mut("nobody").is_none());
}
