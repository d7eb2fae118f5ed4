//! A scenario from what hosts hold: what follows, what is guessed, and that it can be read.

use std::io;

use nvgre_netwnv::{Dump, DumpFile, Source};
use nvgre_sim::{Import, Model, Scenario};

/// A dump of these hosts as an import, and the model of what it writes.
#[track_caller]
fn import(hosts: &[(&str, &str)]) -> (Import, Model) {
    let files = hosts.iter().map(|(host, text)| {
        let path = format!("{host}/dump.json");
        DumpFile::new(&path, Source::new(&path, *text))
    });
    let dump = Dump::read(&files.collect::<Vec<_>>()).expect("a dump");
    let addresses: Vec<_> = dump
        .hosts
        .into_iter()
        .map(|host| host.ip_addresses)
        .collect();
    let import = Import::new(dump.estate, &addresses);
    import.check().expect("sound policy");
    let files = import.files("scenario.toml", "imported", None);
    let ((name, text), policy) = files.split_last().expect("a scenario");
    assert_eq!(name, "scenario.toml");
    let scenario = Scenario::parse(name, text).unwrap_or_else(|errors| {
        panic!(
            "{text}\n{}",
            errors.iter().map(|e| e.render(text)).collect::<String>()
        )
    });
    let read = |wanted: &str| {
        let found = policy.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, text)| text.clone())
            .ok_or(io::ErrorKind::NotFound.into())
    };
    let model = Model::new(scenario, &read).unwrap_or_else(|error| panic!("{error}"));
    (import, model)
}

fn adapter(vm: &str, mac: &str, vsid: u32, more: &str) -> String {
    format!(
        r#"{{"VMName":"{vm}","Name":"Network Adapter","MacAddress":"{mac}","SwitchName":"VMs","VirtualSubnetId":{vsid}{more}}}"#
    )
}

fn record(ca: &str, vsid: u32, mac: &str, pa: &str) -> String {
    format!(
        r#"{{"CustomerAddress":"{ca}","VirtualSubnetID":{vsid},"MACAddress":"{mac}","ProviderAddress":"{pa}","Rule":1,"Type":0,"VMName":"vm"}}"#
    )
}

fn route(vsid: u32, prefix: &str, domain: u32) -> String {
    format!(
        r#"{{"RoutingDomainID":"{{7f3c0c44-5d5e-4c0a-9a5e-00000000{domain}}}","VirtualSubnetID":{vsid},"DestinationPrefix":"{prefix}","NextHop":"0.0.0.0","Metric":255}}"#
    )
}

fn provider(pa: &str, interface_index: u32) -> String {
    format!(
        r#"{{"ProviderAddress":"{pa}","InterfaceIndex":{interface_index},"PrefixLength":24,"MACAddress":"00155D0000{interface_index}"}}"#
    )
}

fn list(objects: &[String]) -> String {
    format!("[{}]", objects.join(","))
}

fn guests(model: &Model) -> Vec<String> {
    let scenario = model.scenario();
    let line = |guest: &nvgre_sim::scenario::Guest| {
        let own: Vec<_> = (guest.addresses.iter())
            .map(|own| format!("{}/{}", own.address, own.prefix_length))
            .collect();
        let (tenant, host) = (
            &scenario.tenants[guest.tenant].name,
            &scenario.hosts[guest.host].name,
        );
        format!("{} of {tenant} on {host}: {}", guest.name, own.join(" "))
    };
    scenario.guests.iter().map(line).collect()
}

#[track_caller]
fn says(import: &Import, part: &str) {
    assert!(
        import.notes.iter().any(|note| note.contains(part)),
        "{part} in {:#?}",
        import.notes
    );
}

#[test]
fn subnets_of_one_routing_domain_are_one_tenants_and_guests_have_the_addresses_of_their_records() {
    let a = list(&[
        route(5001, "10.0.0.0/24", 1111),
        route(5002, "10.0.1.0/16", 1111),
        route(6001, "10.0.0.0/24", 2222),
        record("10.0.0.5", 5001, "00155D000005", "192.168.4.11"),
        record("10.0.9.6", 5002, "00155D000006", "192.168.4.11"),
        record("10.0.0.5", 6001, "00155D000007", "192.168.4.11"),
        provider("192.168.4.11", 12),
        adapter("Ada", "00155D000005", 5001, ""),
        adapter(
            "Ben",
            "00155D000006",
            5002,
            r#","IPAddresses":["10.0.9.77","fe80::1"]"#,
        ),
        adapter("Cleo", "00155D000007", 6001, ""),
        adapter("Dora", "00155D000008", 0, ""),
    ]);
    let (import, model) = import(&[("A", &a)]);
    assert_eq!(
        guests(&model),
        [
            "Ada of tenant-5001 on A: 10.0.0.5/24",
            "Ben of tenant-5001 on A: 10.0.9.77/16",
            "Cleo of tenant-6001 on A: 10.0.0.5/24",
            "Dora of unknown on A: ",
        ]
    );
    says(&import, "nothing says whose guest Dora is");
    assert_eq!(model.estate().hosts[0].records.len(), 3);
    assert!(model.estate().hosts[0].policy().wnv_bound);
}

#[test]
fn a_subnet_without_a_route_is_a_tenant_of_its_own() {
    let a = list(&[
        record("10.0.0.5", 5001, "00155D000005", "192.168.4.11"),
        provider("192.168.4.11", 12),
        adapter("Ada", "00155D000005", 5001, ""),
    ]);
    let (import, model) = import(&[("A", &a)]);
    assert_eq!(guests(&model), ["Ada of tenant-5001 on A: 10.0.0.5/24"]);
    says(
        &import,
        "no customer route ties VSID 5001 to a routing domain",
    );
    says(
        &import,
        "no on-link route holds 10.0.0.5 of Ada: its prefix length 24 is a guess",
    );
}

#[test]
fn without_adapters_guests_are_the_macs_of_records_where_their_provider_addresses_are() {
    let both = [
        route(5001, "10.0.0.0/24", 1111),
        record("10.0.0.5", 5001, "00155D000005", "192.168.4.11"),
        record("10.0.0.55", 5001, "00155D000005", "192.168.4.11"),
        record("10.0.0.6", 5001, "00155D000006", "192.168.4.12"),
        record("10.0.0.7", 5001, "00155D000007", "192.168.4.99"),
    ];
    let a = list(&[&both[..], &[provider("192.168.4.11", 12)]].concat());
    let b = list(&[&both[..], &[provider("192.168.4.12", 14)]].concat());
    let (import, model) = import(&[("A", &a), ("B", &b)]);
    assert_eq!(
        guests(&model),
        [
            "vm of tenant-5001 on A: 10.0.0.5/24 10.0.0.55/24",
            "vm-vsid5001-00155D000006 of tenant-5001 on B: 10.0.0.6/24",
        ]
    );
    says(&import, "no host has the provider address 192.168.4.99");
    says(&import, "no adapter is known");
}

#[test]
fn what_one_scenario_cannot_hold_is_changed_and_said() {
    let nic = |name: &str, index: u32, mac: &str| {
        format!(
            r#"{{"Name":"{name}","InterfaceDescription":"{name} of it","InterfaceIndex":{index},"MacAddress":"{mac}"}}"#
        )
    };
    let a = list(&[
        route(5001, "10.0.0.0/24", 1111),
        provider("192.168.4.11", 12),
        provider("192.168.4.21", 13),
        nic("One", 12, "00-15-5D-00-00-0A"),
        nic("Two", 13, "00-15-5D-00-00-0B"),
        adapter("Ada/1", "00155D000005", 5001, ""),
        adapter("Eve", "00155D000009", 5001, "").replace("\"VMs\"", "\"Other\""),
        adapter("Fay", "00155D00000F", 5001, ""),
    ]);
    let b = list(&[
        route(5001, "10.0.0.0/24", 2222),
        provider("192.168.4.12", 14),
        nic("One", 14, "00-15-5D-00-00-0A"),
        adapter("Eve", "00155D000009", 5001, ""),
    ]);
    let (import, model) = import(&[("A", &a), ("B", &b)]);
    let names: Vec<_> = model
        .scenario()
        .guests
        .iter()
        .map(|guest| &*guest.name)
        .collect();
    assert_eq!(names, ["Ada-1", "Eve", "Fay", "Eve (B)"]);
    let addresses = &model.estate().hosts[0].provider_addresses;
    let indexes: Vec<_> = addresses
        .iter()
        .map(|entry| entry.address.interface_index)
        .collect();
    assert_eq!(indexes, [12, 12], "on the NIC that is modeled");
    for part in [
        "A has 2 NICs, and one is modeled: One",
        "\"Ada/1\" is called \"Ada-1\"",
        "a VM Eve is on two hosts: the one on B is called Eve (B)",
        "Eve is connected to the switch \"Other\"",
        "VSID 5001 is in two routing domains (V-02)",
        "the MAC of the NIC of B is made up",
    ] {
        says(&import, part);
    }
}

#[test]
fn every_note_is_a_comment_of_the_scenario() {
    let a = list(&[
        provider("192.168.4.11", 12),
        adapter("Ada", "00155D000005", 5001, ""),
    ]);
    let (import, _) = import(&[("A", &a)]);
    let files = import.files("scenario.toml", "imported", None);
    let (_, text) = files.last().expect("a scenario");
    assert!(!import.notes.is_empty());
    for note in &import.notes {
        assert!(text.contains(&format!("\n# - {note}\n")), "{note}");
    }
}
