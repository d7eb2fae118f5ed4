//! Laws: whatever the text, an answer with a place; what is printed makes what was printed.

mod common;

use std::collections::BTreeMap;

use common::{estate, on, try_on};
use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, Policy, PortSubnet, ProviderRoute, RecordId,
    RecordType, RouteId, Rule,
};
use nvgre_netwnv::{
    Adapter, Dump, DumpFile, Host, HostAddressEntry, Labels, Nic, Place, ProviderRouteEntry,
    RecordEntry, RouteEntry, Source, decode_text, dump_csv, dump_json,
};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId,
    VirtualSubnetId, VlanId,
};
use proptest::prelude::*;

/// Pieces that the language is made of, so that random scripts get far into it.
const PIECES: &[&str] = &[
    " ",
    " ",
    " ",
    "\n",
    ";",
    "|",
    ",",
    "(",
    ")",
    "{",
    "}",
    "@{",
    "@(",
    "$(",
    "[",
    "]",
    "\"",
    "'",
    "`",
    "`\n",
    "“",
    "’",
    "–",
    "-",
    "=",
    "+",
    ".",
    ":",
    "#",
    "<#",
    "#>",
    "@\"\n",
    "\n\"@",
    "$x",
    "$_",
    "$null",
    "$true",
    "${x}",
    "$using:x",
    "$x = ",
    "5001",
    "0x10",
    "1kb",
    "10.0.0.5",
    "Red*",
    "é",
    "-eq ",
    "-like ",
    "> $null",
    "[string]",
    "[guid]",
    "Param(",
    "Get-VM ",
    "Get-VM Red11",
    "Get-VMNetworkAdapter * ",
    "Set-VMNetworkAdapter ",
    "-VirtualSubnetId 5001",
    "Where-Object ",
    "Select-Object -First 1",
    "Invoke-Command ",
    "Waldorf ",
    "-ArgumentList ",
    "Write-Host ",
    "Remove-NetVirtualizationLookupRecord ",
    "Get-NetVirtualizationLookupRecord ",
    "Set-NetVirtualizationLookupRecord -VMName x ",
    "New-PSSession Waldorf",
    "Get-NetAdapter ",
    "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001 -MACAddress 00155D002009 -ProviderAddress 10.0.0.1 -Rule 1 ",
    "Disable-NetAdapterBinding Ethernet -ComponentID ms_netwnv ",
];

/// Pieces that dumps are made of.
const DUMP_PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " : ",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\n\n",
    " ",
    "    ",
    ";",
    "\t",
    "null",
    "true",
    "5001",
    "-1",
    "1e9",
    "é",
    "\\u00e9",
    "\\ud800",
    "----",
    "#TYPE x\n",
    "<Objs",
    "\"CustomerAddress\"",
    "\"10.0.0.5\"",
    "\"VirtualSubnetID\"",
    "\"MACAddress\"",
    "\"00155D002009\"",
    "\"ProviderAddress\"",
    "\"Rule\"",
    "\"InterfaceIndex\"",
    "\"PSComputerName\"",
    "\"Statler\"",
    "CustomerAddress : 10.0.0.5\n",
    "VirtualSubnetID : 5001\n",
    "MACAddress : 00155D002009\n",
    "ProviderAddress : 10.1.0.1\n",
    "Rule : TranslationMethodNat\n",
    "ProviderAddress,InterfaceIndex,PrefixLength\n",
    "10.1.0.1,12,21\n",
    "UseExternalRouter : ",
    "{\"ProviderAddress\": \"10.1.0.1\", \"InterfaceIndex\": 12, \"PrefixLength\": 21}",
    "{\"VMName\": \"Red11\", \"Name\": \"Network Adapter\", \"MacAddress\": \"00155D002009\", \"IPAddresses\": ",
];

/// Committed dumps, one of each format.
const DAMAGED: &[&str] = &[
    "provider-routes.json",
    "customer-routes.csv",
    "nic.csv",
    "adapters.txt",
];

/// Reads a text as a dump, and holds every error and note against the text.
fn dump_places_are_inside(text: &str) -> Result<(), TestCaseError> {
    let lines: Vec<&str> = text.split('\n').collect();
    let is_inside = |place: &Place| {
        let line = lines.get(place.line as usize - 1);
        place.column >= 1
            && line.is_some_and(|line| place.column as usize <= line.chars().count() + 1)
    };
    for path in ["Statler/dump", "dump.txt"] {
        match Dump::read(&[DumpFile::new(path, Source::new(path, text))]) {
            Ok(dump) => {
                for note in &dump.notes {
                    prop_assert!(is_inside(&note.place), "{note}");
                }
                prop_assert_eq!(dump.estate.hosts.len(), dump.hosts.len());
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty(), "refused without a reason");
                for error in &errors {
                    prop_assert!(is_inside(&error.place), "{error}");
                    prop_assert!(error.render().contains('^'));
                }
            }
        }
    }
    Ok(())
}

/// Runs a text, and holds every error and warning against the text.
fn places_are_inside(text: &str) -> Result<(), TestCaseError> {
    let mut after = estate();
    let lines: Vec<&str> = text.split('\n').collect();
    let is_inside = |place: &Place| {
        let line = lines.get(place.line as usize - 1);
        place.column >= 1
            && line.is_some_and(|line| place.column as usize <= line.chars().count() + 1)
    };
    match try_on(&mut after, text) {
        Ok(report) => {
            for warning in &report.warnings {
                prop_assert!(is_inside(&warning.place), "{warning}");
            }
            for (place, name) in &report.display_only {
                prop_assert!(is_inside(place), "{place} {name}");
            }
        }
        Err(errors) => {
            prop_assert!(!errors.is_empty(), "refused without a reason");
            prop_assert_eq!(after, estate());
            let source = Source::new("policy.ps1", text);
            for error in &errors {
                prop_assert!(is_inside(&error.place), "{error}");
                prop_assert!(text.get(error.span.clone()).is_some(), "{error:?}");
                prop_assert!(error.render(&source).contains('^'));
            }
        }
    }
    Ok(())
}

fn label_any() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[ -~é“”„‘’\n\r\t–]{0,20}")
}

fn place() -> Place {
    Place {
        file: "policy.ps1".into(),
        line: 1,
        column: 1,
    }
}

fn customer_any() -> impl Strategy<Value = CustomerAddress> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(CustomerAddress::v4),
        any::<[u8; 16]>().prop_map(CustomerAddress::v6),
    ]
}

fn provider_any() -> impl Strategy<Value = ProviderAddress> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(ProviderAddress::v4),
        any::<[u8; 16]>().prop_map(ProviderAddress::v6),
    ]
}

fn vsid_any() -> impl Strategy<Value = VirtualSubnetId> {
    (4096u32..=16_777_214).prop_map(|number| VirtualSubnetId::try_new(number).unwrap())
}

fn mac_any() -> impl Strategy<Value = MacAddress> {
    any::<[u8; 6]>().prop_map(MacAddress::new)
}

prop_compose! {
    fn record_any()(
        virtual_subnet in vsid_any(),
        address in customer_any(),
        mac in mac_any(),
        provider_address in provider_any(),
        rule in prop_oneof![Just(Rule::Nat), Just(Rule::Encap), Just(Rule::None)],
        record_type in prop_oneof![
            Just(RecordType::Static),
            Just(RecordType::Dynamic),
            Just(RecordType::GatewayWildcard),
            Just(RecordType::L2Only),
        ],
        use_vm_mac in any::<bool>(),
        (customer_id, context, vm_name) in (label_any(), label_any(), label_any()),
    ) -> RecordEntry {
        let unspecified = CustomerAddress::v4([0; 4]);
        let typed = record_type.has_customer_address() && !address.is_unspecified();
        RecordEntry {
            record: LookupRecord {
                id: RecordId(0),
                virtual_subnet,
                customer_address: if typed { address } else { unspecified },
                mac,
                provider_address,
                rule,
                record_type: if typed || !record_type.has_customer_address() {
                    record_type
                } else {
                    RecordType::L2Only
                },
                use_vm_mac: use_vm_mac && rule == Rule::Nat,
            },
            labels: Labels::new(
                customer_id.as_deref(),
                context.as_deref(),
                vm_name.as_deref(),
            ),
            place: place(),
        }
    }
}

/// A row for each key: what Windows would hold.
fn by_key<R, K: Ord>(rows: Vec<R>, key: impl Fn(&R) -> K) -> Vec<R> {
    let mut rows: BTreeMap<K, R> = rows.into_iter().map(|row| (key(&row), row)).collect();
    std::iter::from_fn(|| rows.pop_first().map(|(_, row)| row)).collect()
}

fn text_any() -> impl Strategy<Value = String> {
    "[A-Za-z0-9é][ -~é]{0,12}[A-Za-z0-9é]"
}

prop_compose! {
    fn adapter_any()(
        (vm_name, name, switch_name) in (text_any(), text_any(), text_any()),
        mac in mac_any(),
        subnet in prop_oneof![
            Just(PortSubnet::Unset),
            Just(PortSubnet::LocalOnly),
            vsid_any().prop_map(PortSubnet::Tenant),
        ],
        (mac_address_spoofing, dhcp_guard, router_guard) in any::<(bool, bool, bool)>(),
        bandwidth in 0..i64::MAX as u64,
        storm_limit_packets_per_second in any::<u32>(),
    ) -> Adapter {
        Adapter {
            vm_name,
            name,
            mac,
            switch_name,
            subnet,
            mac_address_spoofing,
            dhcp_guard,
            router_guard,
            maximum_bandwidth_bits_per_second: bandwidth,
            storm_limit_packets_per_second,
            place: None,
        }
    }
}

prop_compose! {
    fn route_any()(
        domain in any::<u128>(),
        virtual_subnet in vsid_any(),
        (network, length) in (customer_any(), 0u8..=32),
        next_hop in customer_any(),
        metric in any::<u32>(),
    ) -> RouteEntry {
        RouteEntry {
            route: CustomerRoute {
                id: RouteId(0),
                routing_domain: RoutingDomainId::new(domain),
                virtual_subnet,
                destination: CustomerPrefix::new(network, length).unwrap(),
                next_hop,
                metric,
            },
            place: place(),
        }
    }
}

prop_compose! {
    fn host_any(name: &'static str)(
        records in prop::collection::vec(record_any(), 0..6),
        routes in prop::collection::vec(route_any(), 0..4),
        adapters in prop::collection::vec(adapter_any(), 0..4),
        addresses in prop::collection::vec(
            (provider_any(), 0u8..=32, proptest::option::of(1u16..=4094), mac_any()),
            0..3,
        ),
        provider_routes in prop::collection::vec((provider_any(), 0u8..=32, provider_any(), any::<u32>()), 0..3),
        (nic_name, description, switch_name, nic_mac) in (text_any(), text_any(), text_any(), mac_any()),
        (wnv_bound, use_external_router) in any::<(bool, bool)>(),
    ) -> Host {
        let mut host = Host::new(name);
        host.use_external_router = use_external_router;
        host.nics.push(Nic {
            name: nic_name,
            interface_description: description,
            interface_index: 12,
            mac: nic_mac,
            wnv_bound,
            switch_name,
        });
        let adapters = by_key(adapters, |a: &Adapter| (a.vm_name.to_ascii_lowercase(), a.name.to_ascii_lowercase()));
        host.adapters = adapters;
        host.records = by_key(records, |entry: &RecordEntry| {
            let record = &entry.record;
            (record.virtual_subnet.get(), record.customer_address, record.mac)
        });
        host.customer_routes = routes;
        host.provider_addresses = by_key(
            addresses
                .into_iter()
                .map(|(address, prefix_length, vlan, mac)| HostAddressEntry {
                    address: HostAddress {
                        address,
                        interface_index: 12,
                        prefix_length,
                        vlan: vlan.map(|number| VlanId::try_new(number).unwrap()),
                        mac,
                    },
                    place: place(),
                })
                .collect(),
            |entry: &HostAddressEntry| entry.address.address,
        );
        host.provider_routes = provider_routes
            .into_iter()
            .map(|(address, length, next_hop, metric)| ProviderRouteEntry {
                route: ProviderRoute {
                    interface_index: 12,
                    destination: ProviderPrefix::new(address, length).unwrap(),
                    next_hop,
                    metric,
                },
                place: place(),
            })
            .collect();
        host
    }
}

/// A host as a policy, which knows no places, and the rest of it without them.
fn placeless(host: &Host) -> (Policy, Vec<Labels>, Vec<Adapter>, Vec<Nic>) {
    let mut policy = host.policy();
    for (id, record) in (0..).zip(&mut policy.records) {
        record.id = RecordId(id);
    }
    for (id, route) in (0..).zip(&mut policy.customer_routes) {
        route.id = RouteId(id);
    }
    let labels = host
        .records
        .iter()
        .map(|entry| entry.labels.clone())
        .collect();
    let mut adapters = host.adapters.clone();
    adapters.iter_mut().for_each(|adapter| adapter.place = None);
    (policy, labels, adapters, host.nics.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_an_answer_with_its_place(text in any::<String>()) {
        places_are_inside(&text)?;
    }

    #[test]
    fn any_script_of_known_pieces_gets_an_answer_with_its_place(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
    ) {
        places_are_inside(&pieces.concat())?;
    }

    #[test]
    fn any_text_as_a_dump_gets_an_answer_with_its_place(text in any::<String>()) {
        dump_places_are_inside(&text)?;
    }

    #[test]
    fn any_dump_of_known_pieces_gets_an_answer_with_its_place(
        pieces in prop::collection::vec(prop::sample::select(DUMP_PIECES), 0..24),
    ) {
        dump_places_are_inside(&pieces.concat())?;
    }

    #[test]
    fn a_damaged_dump_gets_an_answer_with_its_place(
        file in prop::sample::select(DAMAGED),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..40usize, prop::sample::select(DUMP_PIECES)), 1..4),
    ) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dumps/windows-powershell-5.1/Statler/");
        let mut text = decode_text(&std::fs::read(format!("{folder}{file}")).unwrap()).unwrap();
        for (at, length, piece) in damage {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end.max(start), piece);
        }
        dump_places_are_inside(&text)?;
    }

    #[test]
    fn any_bytes_are_text_or_are_said_to_be_none(bytes in any::<Vec<u8>>(), mark in 0..4usize) {
        let mark: &[u8] = [&[][..], &[0xff, 0xfe], &[0xfe, 0xff], &[0xef, 0xbb, 0xbf]][mark];
        let _text_or_not = decode_text(&[mark, &bytes].concat());
    }

    #[test]
    fn a_printed_record_makes_the_record(entry in record_any()) {
        let mut estate = estate();
        on(&mut estate, &entry.to_powershell());
        prop_assert_eq!(&estate.hosts[0].records, &[entry]);
    }

    #[test]
    fn a_printed_customer_route_makes_the_route(entry in route_any()) {
        let mut estate = estate();
        on(&mut estate, &entry.to_powershell());
        prop_assert_eq!(&estate.hosts[0].customer_routes, &[entry]);
    }

    #[test]
    fn a_printed_provider_address_and_route_make_them(
        address in provider_any(),
        prefix_length in 0u8..=32,
        vlan in proptest::option::of(1u16..=4094),
        mac in mac_any(),
        (next_hop, metric) in (provider_any(), any::<u32>()),
    ) {
        let address_entry = HostAddressEntry {
            address: HostAddress {
                address,
                interface_index: 12,
                prefix_length,
                vlan: vlan.map(|number| VlanId::try_new(number).unwrap()),
                mac,
            },
            place: place(),
        };
        let route_entry = ProviderRouteEntry {
            route: ProviderRoute {
                interface_index: 12,
                destination: ProviderPrefix::new(address, prefix_length).unwrap(),
                next_hop,
                metric,
            },
            place: place(),
        };
        let mut estate = estate();
        on(&mut estate, &address_entry.to_powershell());
        on(&mut estate, &route_entry.to_powershell());
        prop_assert_eq!(&estate.hosts[0].provider_addresses, &[address_entry]);
        prop_assert_eq!(&estate.hosts[0].provider_routes, &[route_entry]);
    }
}

proptest! {
    // Whole hosts are big.
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn hosts_written_as_dumps_are_read_back(one in host_any("Statler"), other in host_any("Waldorf")) {
        let hosts = [&one, &other];
        let json = dump_json(&hosts, |_, _| Vec::new());
        let json = [DumpFile::new("hosts.json", Source::new("hosts.json", json))];
        let csv: Vec<_> = hosts
            .iter()
            .flat_map(|host| {
                dump_csv(host).into_iter().map(|(name, text)| {
                    let path = format!("{}/{name}", host.name);
                    DumpFile::new(&path, Source::new(&path, text))
                })
            })
            .collect();
        for files in [&json[..], &csv] {
            let dump = Dump::read(files).map_err(|errors| {
                TestCaseError::fail(errors.iter().map(|e| e.render()).collect::<String>())
            })?;
            prop_assert_eq!(&dump.notes, &[], "everything is understood");
            prop_assert_eq!(dump.estate.hosts.len(), 2);
            for (read, written) in dump.estate.hosts.iter().zip(hosts) {
                prop_assert_eq!(placeless(read), placeless(written));
            }
            let again: Vec<_> = dump.estate.hosts.iter().collect();
            prop_assert_eq!(
                dump_json(&again, |_, _| Vec::new()),
                dump_json(&hosts, |_, _| Vec::new())
            );
        }
    }
}
