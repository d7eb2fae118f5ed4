//! A thousand hosts with a thousand records each: what is wrong is found among them, at the cost of
//! a sort. Ignored by default: a debug build takes its time.
//! `cargo test --release -p nvgre-analyze --test scale -- --ignored --nocapture`

use std::time::Instant;

use nvgre_analyze::cross_check;
use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, PortSubnet, RecordId, RecordType, RouteId, Rule,
};
use nvgre_netwnv::{
    Adapter, Estate, Host, HostAddressEntry, Labels, Nic, Place, RecordEntry, RouteEntry,
};
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId};

fn place(line: u32) -> Place {
    Place {
        file: "policy.ps1".into(),
        line,
        column: 1,
    }
}

/// `hosts` hosts with `records` records each, the same on all; guest n runs on host n modulo hosts,
/// in subnet 5001 + n modulo 10.
fn estate(hosts: u32, records: u32) -> Estate {
    let address = |host: u32| ProviderAddress::v4((0x0a00_0001 + host).to_be_bytes());
    let vsid = |n: u32| VirtualSubnetId::try_new(5001 + n % 10).unwrap();
    let mac = |n: u32| MacAddress::from_bits(0x0015_5d00_0000 + u64::from(n));
    let labels = Labels::new(Some("{tenant}"), None, Some("vm"));
    let record = |n: u32| RecordEntry {
        record: LookupRecord {
            id: RecordId(n),
            virtual_subnet: vsid(n),
            customer_address: CustomerAddress::v4((0xac10_0002 + n).to_be_bytes()),
            mac: mac(n),
            provider_address: address(n % hosts),
            rule: Rule::Encap,
            record_type: RecordType::Static,
            use_vm_mac: false,
        },
        labels: labels.clone(),
        place: place(n),
    };
    let route = |n: u32| RouteEntry {
        route: CustomerRoute {
            id: RouteId(n),
            routing_domain: RoutingDomainId::new(1),
            virtual_subnet: vsid(n),
            destination: format!("172.{}.0.0/16", 16 + n).parse().unwrap(),
            next_hop: CustomerAddress::v4([0; 4]),
            metric: 255,
        },
        place: place(n),
    };
    let host = |at: u32| {
        let mut host = Host::new(&format!("host{at:04}"));
        host.nics = vec![Nic {
            name: "Ethernet".to_owned(),
            interface_description: String::new(),
            interface_index: 12,
            mac: mac(0x80_0000 + at),
            wnv_bound: true,
            switch_name: "VMs".to_owned(),
        }];
        host.records = (0..records).map(record).collect();
        host.customer_routes = (0..10).map(route).collect();
        host.provider_addresses = vec![HostAddressEntry {
            address: HostAddress {
                address: address(at),
                interface_index: 12,
                prefix_length: 8,
                vlan: None,
                mac: mac(0x80_0000 + at),
            },
            place: place(1),
        }];
        let guests = (0..records).filter(|n| n % hosts == at);
        host.adapters = guests
            .map(|n| {
                let mut adapter = Adapter::new(&format!("vm{n}"), mac(n), "VMs");
                adapter.subnet = PortSubnet::Tenant(vsid(n));
                adapter
            })
            .collect();
        host
    };
    Estate {
        hosts: (0..hosts).map(host).collect(),
    }
}

fn one_wrong_among(hosts: u32, records: u32) {
    let mut estate = estate(hosts, records);
    let started = Instant::now();
    assert_eq!(cross_check(&estate), []);
    eprintln!(
        "{hosts} hosts, {records} records each: {:?}",
        started.elapsed()
    );
    let last = estate.hosts.last_mut().unwrap();
    last.records[3].record.provider_address = ProviderAddress::v4([10, 0, 0, 1]);
    last.records.remove(5);
    let found = cross_check(&estate);
    let names: Vec<_> = found.iter().map(|one| one.what.name()).collect();
    assert_eq!(names, ["stale_record", "record_missing"], "{found:#?}");
    // Every host is wrong about every record: the worst case still ends, each record told once.
    for (at, host) in estate.hosts.iter_mut().enumerate() {
        for record in &mut host.records {
            record.record.provider_address = ProviderAddress::v4([11, 0, 0, (at % 4) as u8]);
        }
    }
    let started = Instant::now();
    let found = cross_check(&estate);
    eprintln!("all wrong: {} in {:?}", found.len(), started.elapsed());
    let unowned = found
        .iter()
        .filter(|one| one.what.name() == "provider_address_unowned");
    assert_eq!(unowned.count() as u32, records * 4.min(hosts));
}

#[test]
fn one_wrong_record_is_found_among_many_hosts() {
    one_wrong_among(20, 100);
}

#[test]
#[ignore = "a million records: for release builds"]
fn one_wrong_record_is_found_among_a_million() {
    one_wrong_among(1_000, 1_000);
}
