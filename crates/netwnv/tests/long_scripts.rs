//! Scripts of thousands of records give exactly those records with their places, or nothing.

mod common;
#[path = "common/long_script.rs"]
mod long_script;

use common::{estate, on, refused, try_on};
use long_script::{LongScript, SHAPES, Shape};
use proptest::prelude::*;

/// A record's shape, whether it has labels, and its line end.
fn command_any() -> impl Strategy<Value = (Shape, bool, &'static str)> {
    (
        prop::sample::select(SHAPES.to_vec()),
        any::<bool>(),
        prop::sample::select(vec!["\n", "\r\n"]),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_command_is_a_record_with_its_place(
        commands in prop::collection::vec(command_any(), 1..400),
    ) {
        let mut script = LongScript::new("\r\n");
        for (shape, labels, line_end) in commands {
            script.push(shape, labels, line_end);
        }
        let mut estate = estate();
        on(&mut estate, &script.text);
        prop_assert_eq!(&estate.hosts[0].records, &script.records);
    }
}

#[test]
fn ten_thousand_records_of_each_shape_are_what_was_written() {
    for shape in SHAPES {
        let script = LongScript::of(10_000, shape, true);
        let mut estate = estate();
        on(&mut estate, &script.text);
        assert!(estate.hosts[0].records == script.records, "{shape:?}");
        let last = script.records.last().unwrap();
        assert_eq!(estate.hosts[0].record(last.record.id), Some(last));
    }
}

#[test]
fn what_cannot_be_read_at_the_end_is_all_that_is_told() {
    let script = LongScript::of(1_000, Shape::Line, false);
    let twice = &script.text;
    let told = refused(&format!(
        "{twice}{twice}Set-NetVirtualizationGlobal -UseExternalRouter ("
    ));
    assert_eq!(told.matches("policy.ps1:").count(), 1, "{told}");
    assert!(told.contains("policy.ps1:2007:"), "{told}");
}

#[test]
fn what_fails_at_the_end_takes_everything_back() {
    let mut estate = estate();
    on(&mut estate, &LongScript::of(100, Shape::Line, true).text);
    on(
        &mut estate,
        "New-NetVirtualizationCustomerRoute -RoutingDomainID '{11111111-2222-3333-4444-000000005001}' -VirtualSubnetID 5001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0",
    );
    let before = estate.clone();
    for change in [
        "New-NetVirtualizationLookupRecord -CustomerAddress 10.9.9.9 -VirtualSubnetID 5001 -MACAddress 00155D002009 -ProviderAddress 192.168.4.11 -Rule 1",
        "Set-NetVirtualizationLookupRecord -VirtualSubnetID 5001 -VMName all",
        "Remove-NetVirtualizationLookupRecord -VirtualSubnetID 5001",
        "Remove-NetVirtualizationCustomerRoute",
        "Set-NetVirtualizationCustomerRoute -VirtualSubnetID 5001 -Metric 7",
        "Set-NetVirtualizationGlobal -UseExternalRouter $true",
        "New-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.11 -InterfaceIndex 12 -PrefixLength 24",
        "New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix 0.0.0.0/0 -NextHop 192.168.4.1",
        "Set-VMNetworkAdapter -VMName Red11 -VirtualSubnetId 5001",
        "Enable-NetAdapterBinding -Name Ethernet -ComponentID ms_netwnv\nDisable-NetAdapterBinding -Name Ethernet -ComponentID ms_netwnv",
        "Invoke-Command -ComputerName Waldorf { Set-NetVirtualizationGlobal -UseExternalRouter $true }",
    ] {
        let mut good = before.clone();
        on(&mut good, change);
        let mut bad = before.clone();
        let errors = try_on(&mut bad, &format!("{change}\n{change}\nNew-Nothing")).unwrap_err();
        assert!(!errors.is_empty());
        assert_eq!(bad, before, "{change}");
        // Ids go on from where they were.
        on(&mut bad, change);
        assert_eq!(bad, good, "{change}");
    }
}

#[test]
fn a_script_that_takes_each_record_away_and_makes_it_again_can_be_run_twice() {
    let mut script = String::new();
    for n in 1..=1_000 {
        let name = format!(
            "-VirtualSubnetID 5001 -CustomerAddress 10.0.{}.{}",
            n / 200,
            n % 200
        );
        script += &format!(
            "Remove-NetVirtualizationLookupRecord {name} -ErrorAction SilentlyContinue\n\
             New-NetVirtualizationLookupRecord {name} -MACAddress 00155D{n:06X} -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap\n"
        );
        let station = format!("-MACAddress 00155D{n:06X} -Type L2Only");
        script += &format!(
            "Remove-NetVirtualizationLookupRecord -VirtualSubnetID 5001 -CustomerAddress 0.0.0.0 {station} -ErrorAction SilentlyContinue\n\
             New-NetVirtualizationLookupRecord -VirtualSubnetID 5001 -CustomerAddress 0.0.0.0 {station} -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap\n"
        );
    }
    let mut estate = estate();
    on(&mut estate, &script);
    let said = |estate: &nvgre_netwnv::Estate| -> Vec<_> {
        let records = estate.hosts[0].records.iter().map(|entry| entry.record);
        records
            .map(|record| (record.customer_address, record.mac))
            .collect()
    };
    let once = said(&estate);
    assert_eq!(once.len(), 2_000);
    on(&mut estate, &script);
    assert!(
        said(&estate) == once,
        "each is there once, in the order of the script"
    );
}

#[test]
fn a_filter_that_names_a_record_finds_it_wherever_it_moved_to() {
    let new = |n: u32| {
        format!(
            "New-NetVirtualizationLookupRecord -VirtualSubnetID 5001 -CustomerAddress 10.0.0.{n} -MACAddress 00155D{n:06X} -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap\n"
        )
    };
    let record = |n: u32| format!("-VirtualSubnetID 5001 -CustomerAddress 10.0.0.{n}");
    let mut script: String = (5..=9).map(new).collect();
    // Several at once, one of them by another field as well; then one behind them, and a new one.
    script += &format!(
        "Get-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5, 10.0.0.7 | Remove-NetVirtualizationLookupRecord\n\
         Remove-NetVirtualizationLookupRecord {} -MACAddress 00155D000008 -ErrorAction SilentlyContinue\n\
         Set-NetVirtualizationLookupRecord {} -ProviderAddress 192.168.4.12\n",
        record(6),
        record(9),
    );
    script += &new(5);
    script += &format!(
        "Set-NetVirtualizationLookupRecord {} -ProviderAddress 192.168.4.13\n",
        record(5)
    );
    let mut estate = estate();
    on(&mut estate, &script);
    let records = estate.hosts[0].records.iter().map(|entry| entry.record);
    let said: Vec<_> = records
        .map(|record| format!("{} at {}", record.customer_address, record.provider_address))
        .collect();
    assert_eq!(
        said,
        [
            "10.0.0.6 at 192.168.4.11",
            "10.0.0.8 at 192.168.4.11",
            "10.0.0.9 at 192.168.4.12",
            "10.0.0.5 at 192.168.4.13",
        ]
    );
}
