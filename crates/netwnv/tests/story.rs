//! The founding story's scripts, as they are in the repository.

mod common;

use std::path::Path;

use common::estate;
use nvgre_dataplane::PortSubnet;
use nvgre_netwnv::{Estate, Source, run};

fn stage(estate: &mut Estate, file: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/waldorf-statler/policy");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let source = Source::new(file, text);
    if let Err(errors) = run(&source, "Statler", estate) {
        let rendered: String = errors.iter().map(|error| error.render(&source)).collect();
        panic!("{rendered}");
    }
}

#[test]
fn every_stage_of_the_founding_story_runs() {
    let mut estate = estate();
    stage(&mut estate, "1-no-vsid.ps1");
    stage(&mut estate, "2-vsid.ps1");
    let subnet = |estate: &Estate, host: usize, vm: &str| {
        let adapters = &estate.hosts[host].adapters;
        let adapter = adapters
            .iter()
            .find(|adapter| adapter.vm_name == vm)
            .unwrap();
        match adapter.subnet {
            PortSubnet::Tenant(vsid) => vsid.get(),
            PortSubnet::Unset | PortSubnet::LocalOnly => 0,
        }
    };
    assert_eq!(subnet(&estate, 0, "Red11"), 445_566);
    assert_eq!(subnet(&estate, 0, "Blue22"), 7_788_990);

    let moved = estate.hosts[0].adapters.remove(1);
    estate.hosts[1].adapters.push(moved);
    stage(&mut estate, "3-moved.ps1");

    stage(&mut estate, "4-wnv.ps1");
    for host in &estate.hosts {
        assert_eq!(host.records.len(), 8, "{}", host.name);
        assert_eq!(host.customer_routes.len(), 4, "{}", host.name);
        assert_eq!(host.provider_routes.len(), 1, "{}", host.name);
        assert!(host.policy().wnv_bound, "{}", host.name);
        assert_eq!(host.policy().check(), Ok(Vec::new()), "{}", host.name);
    }
    let address = |host: usize| estate.hosts[host].provider_addresses[0].address;
    assert_eq!(address(0).address.to_string(), "10.0.0.11");
    assert_eq!(address(0).mac.to_string(), "00155D000A0B");
    assert_eq!(address(1).address.to_string(), "10.0.0.12");
    assert_eq!(address(1).interface_index, 14);

    let red22 = |estate: &Estate| -> Vec<(u32, String, String)> {
        let of_vm = |host: usize| {
            let records = estate.hosts[host].records.iter();
            records.filter(|entry| entry.labels.vm_name() == Some("Red22"))
        };
        of_vm(0)
            .chain(of_vm(1))
            .map(|entry| {
                let pa = entry.record.provider_address.to_string();
                (entry.record.id.0, pa, entry.place.to_string())
            })
            .collect()
    };
    let statler_ids = |estate: &Estate| red22(estate)[0].0;
    assert_eq!(red22(&estate)[0].1, "10.0.0.12");
    let first = statler_ids(&estate);

    stage(&mut estate, "5-broken.ps1");
    assert!(red22(&estate).iter().all(|(_, pa, _)| pa == "10.0.0.21"));
    assert_eq!(red22(&estate).len(), 4);
    assert!(
        red22(&estate)[0].2.starts_with("5-broken.ps1:"),
        "{:?}",
        red22(&estate)
    );
    let second = statler_ids(&estate);

    stage(&mut estate, "6-repaired.ps1");
    assert!(red22(&estate).iter().all(|(_, pa, _)| pa == "10.0.0.12"));
    let third = statler_ids(&estate);
    assert!(first < second && second < third, "ids are not used twice");

    stage(&mut estate, "1-no-vsid.ps1");
    assert!(
        estate
            .hosts
            .iter()
            .all(|host| host.records.is_empty() && !host.nics[0].wnv_bound)
    );
}

#[test]
fn the_kernel_captures_policy_runs_on_its_two_hosts() {
    let mut estate = estate();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/kernel-two-vsid/policy");
    for (at, name) in ["host1", "host2"].into_iter().enumerate() {
        estate.hosts[at].name = name.to_owned();
        let text = std::fs::read_to_string(folder.join(format!("{name}.ps1"))).unwrap();
        let source = Source::new(name, text);
        if let Err(errors) = run(&source, name, &mut estate) {
            let rendered: String = errors.iter().map(|error| error.render(&source)).collect();
            panic!("{rendered}");
        }
        let host = &estate.hosts[at];
        assert!(host.policy().wnv_bound, "{name}");
        assert_eq!(host.records.len(), 12, "{name}");
        assert_eq!(host.provider_addresses.len(), 1, "{name}");
        assert!(host.policy().check().is_ok(), "{name}");
    }
}
