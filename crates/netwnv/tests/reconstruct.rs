//! Hosts that scripts take for granted, made up as they are named.

mod common;

use common::record;
use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::{Estate, Reconstruction, Source, reconstruct};

#[track_caller]
fn made(scripts: &[&str]) -> Reconstruction {
    let sources: Vec<_> = scripts
        .iter()
        .map(|text| Source::new("policy.ps1", *text))
        .collect();
    reconstruct(&sources, "Statler", Estate::default()).unwrap_or_else(|(index, errors)| {
        panic!(
            "{}",
            errors
                .iter()
                .map(|e| e.render(&sources[index]))
                .collect::<String>()
        )
    })
}

#[test]
fn hosts_are_those_of_blocks_sessions_and_the_local_one_if_anything_is_done_to_it() {
    let remote = "$s = New-PSSession -ComputerName Waldorf\nInvoke-Command -Session $s { Set-NetVirtualizationGlobal -UseExternalRouter $true }\nSet-NetVirtualizationGlobal -UseExternalRouter $true -CimSession Gonzo";
    let names = |made: &Reconstruction| -> Vec<String> {
        made.estate
            .hosts
            .iter()
            .map(|host| host.name.clone())
            .collect()
    };
    assert_eq!(names(&made(&[remote])), ["Waldorf", "Gonzo"]);
    let both = made(&[remote, &record("")]);
    assert_eq!(names(&both), ["Statler", "Waldorf", "Gonzo"]);
    let notes: Vec<_> = both.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "policy.ps1:1:34: a host Waldorf is made up",
            "policy.ps1:3:66: a host Gonzo is made up"
        ]
    );
}

#[test]
fn what_scripts_say_of_a_nic_in_several_ways_is_said_of_one_nic() {
    let made = made(&["
        $switch = Get-VMSwitch -SwitchName 'Tenants'
        Get-NetAdapter -InterfaceDescription $switch.NetAdapterInterfaceDescription | Enable-NetAdapterBinding -ComponentID ms_netwnv
        Enable-NetAdapterBinding -Name 'Ethernet 3' -ComponentID ms_netwnv
        New-NetVirtualizationProviderAddress -ProviderAddress 10.0.0.1 -InterfaceIndex 12 -PrefixLength 24 -MACAddress 00155D00000A
        New-NetVirtualizationProviderAddress -ProviderAddress 10.0.0.2 -InterfaceIndex 12 -PrefixLength 24"]);
    let host = &made.estate.hosts[0];
    assert_eq!(host.nics.len(), 1);
    let nic = &host.nics[0];
    assert_eq!(
        (nic.name.as_str(), nic.switch_name.as_str()),
        ("Ethernet 3", "Tenants")
    );
    assert_eq!((nic.interface_index, nic.wnv_bound), (12, true));
    assert_eq!(
        nic.mac.to_string(),
        "00155D00000A",
        "as its provider address"
    );
    assert_eq!(host.provider_addresses[1].address.mac, nic.mac);
}

#[test]
fn an_index_that_rows_have_is_not_taken_from_them() {
    let made = made(&["
        $nic = Get-NetAdapter -Name Ethernet
        New-NetVirtualizationProviderAddress -ProviderAddress 10.0.0.1 -InterfaceIndex $nic.InterfaceIndex -PrefixLength 24
        New-NetVirtualizationProviderAddress -ProviderAddress 10.0.0.2 -InterfaceIndex 12 -PrefixLength 24"]);
    let host = &made.estate.hosts[0];
    let indexes: Vec<_> = host.nics.iter().map(|nic| nic.interface_index).collect();
    assert_eq!(indexes, [2, 12]);
    assert_ne!(host.nics[0].mac, host.nics[1].mac);
}

#[test]
fn vms_have_the_macs_of_records_with_their_names_and_else_made_up_ones() {
    let made = made(&[&format!(
        "Set-VMNetworkAdapter -VMName Red11, Blue11 -VirtualSubnetId 5001\nGet-VM Ghost | Set-VMNetworkAdapter -DhcpGuard On\n{}",
        record("-VMName red11")
    )]);
    let adapters = &made.estate.hosts[0].adapters;
    let macs: Vec<_> = adapters
        .iter()
        .map(|adapter| format!("{} {}", adapter.vm_name, adapter.mac))
        .collect();
    assert_eq!(
        macs,
        [
            "Red11 00155D002009",
            "Blue11 025056000001",
            "Ghost 025056000002"
        ]
    );
    assert!(matches!(adapters[0].subnet, PortSubnet::Tenant(vsid) if vsid.get() == 5001));
    assert!(adapters[2].dhcp_guard);
    let told: String = made.notes.iter().map(|note| format!("{note}\n")).collect();
    assert!(
        told.contains("no record has the name of the VM Blue11: its MAC 025056000001 is made up"),
        "{told}"
    );
}

#[test]
fn wildcards_make_nothing_up() {
    let made = made(&[
        "Set-VMNetworkAdapter -VMName Red* -VirtualSubnetId 5001\nSet-NetVirtualizationGlobal -UseExternalRouter $true",
    ]);
    assert!(made.estate.hosts[0].adapters.is_empty());
    assert_eq!(
        made.reports[0].warnings.len(),
        1,
        "that it finds nothing is told"
    );
}

#[test]
fn of_a_script_with_errors_they_are_told_with_its_index() {
    let sources = ["", "New-NetVirtualizationLookupRecord"].map(|text| Source::new("p.ps1", text));
    let (index, errors) = reconstruct(&sources, "Statler", Estate::default()).unwrap_err();
    assert_eq!(index, 1);
    assert!(errors[0].message.contains("are missing"), "{}", errors[0]);
}
