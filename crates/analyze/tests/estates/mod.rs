//! Small estates: hosts by name, scripts run on them, and remedies applied.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use nvgre_analyze::{Disagreement, HostCommand, Remedy, Severity, cross_check};
use nvgre_netwnv::{Adapter, Estate, Host, Nic, Source, run};

/// Hosts with one NIC 12 each, on switch "VMs", bound; nothing else.
pub(crate) fn hosts(names: &[&str]) -> Estate {
    let host = |(at, name): (usize, &&str)| {
        let mut host = Host::new(name);
        host.nics = vec![Nic {
            name: "Ethernet".to_owned(),
            interface_description: "NIC".to_owned(),
            interface_index: 12,
            mac: format!("00155D000A{at:02X}").parse().unwrap(),
            wnv_bound: true,
            switch_name: "VMs".to_owned(),
        }];
        host
    };
    Estate {
        hosts: names.iter().enumerate().map(host).collect(),
    }
}

/// A VM's adapter on a host, in a subnet unless that is 0.
pub(crate) fn guest(estate: &mut Estate, host: &str, vm: &str, mac: &str, vsid: u32) {
    let adapter = Adapter::new(vm, mac.parse().unwrap(), "VMs");
    estate.host_mut(host).unwrap().adapters.push(adapter);
    on(
        estate,
        host,
        &format!("Set-VMNetworkAdapter -VMName \"{vm}\" -VirtualSubnetId {vsid}"),
    );
}

/// Runs a script on a host; it must be fine. The file is named like the host.
#[track_caller]
pub(crate) fn on(estate: &mut Estate, host: &str, text: &str) {
    let source = Source::new(&format!("{host}.ps1"), text);
    if let Err(errors) = run(&source, host, estate) {
        let rendered: String = errors.iter().map(|error| error.render(&source)).collect();
        panic!("{rendered}");
    }
}

/// Runs a script on every host.
#[track_caller]
pub(crate) fn on_all(estate: &mut Estate, text: &str) {
    let names: Vec<_> = estate.hosts.iter().map(|host| host.name.clone()).collect();
    for name in names {
        on(estate, &name, text);
    }
}

/// A record of subnet 5001 for 10.0.0.`n` and MAC 00155D0000`n`.
pub(crate) fn record(n: u8, pa: &str, vm: &str) -> String {
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.{n} -VirtualSubnetID 5001 -MACAddress {} -ProviderAddress {pa} -Rule TranslationMethodEncap -VMName {vm}\n",
        mac(n)
    )
}

/// 00155D0000`n`, decimal digits.
pub(crate) fn mac(n: u8) -> String {
    format!("00155D0000{n:02}")
}

pub(crate) const RED: &str = "{11111111-2222-3333-4444-000000005001}";

/// The on-link route of a subnet of Red's.
pub(crate) fn route(vsid: u32, prefix: &str) -> String {
    format!(
        "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{RED}\" -VirtualSubnetID {vsid} -DestinationPrefix {prefix} -NextHop 0.0.0.0 -Metric 255\n"
    )
}

/// A provider address of a host on NIC 12, /24.
pub(crate) fn address(pa: &str) -> String {
    format!(
        "New-NetVirtualizationProviderAddress -ProviderAddress {pa} -InterfaceIndex 12 -PrefixLength 24\n"
    )
}

/// Three hosts, a guest of Red on each: Ann (10.0.0.11) on Kermit (192.168.4.1), Ben (.12) on
/// Piggy (.2), Cid (.13) on Gonzo (.3). Everything agrees.
pub(crate) fn agreed() -> Estate {
    let mut estate = hosts(&["Kermit", "Piggy", "Gonzo"]);
    for (n, host, vm) in [
        (11, "Kermit", "Ann"),
        (12, "Piggy", "Ben"),
        (13, "Gonzo", "Cid"),
    ] {
        guest(&mut estate, host, vm, &mac(n), 5001);
        on(
            &mut estate,
            host,
            &address(&format!("192.168.4.{}", n - 10)),
        );
    }
    on_all(&mut estate, &route(5001, "10.0.0.0/24"));
    for (n, vm) in [(11, "Ann"), (12, "Ben"), (13, "Cid")] {
        on_all(
            &mut estate,
            &record(n, &format!("192.168.4.{}", n - 10), vm),
        );
    }
    estate
}

/// The state that the founding story's scripts up to this stage leave, 1 to 6.
pub(crate) fn story(stage: usize) -> Estate {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/waldorf-statler");
    let scenario = std::fs::read_to_string(folder.join("scenario.toml")).unwrap();
    let scenario = nvgre_sim::Scenario::parse("scenario.toml", &scenario).unwrap();
    let read = |file: &str| std::fs::read_to_string(folder.join(file));
    let mut model = nvgre_sim::Model::new(scenario, &read).unwrap();
    for stage in 0..stage {
        model.enter_stage(stage).unwrap();
    }
    model.estate().clone()
}

/// The names of what is found, worst first, notes left out.
pub(crate) fn rules(estate: &Estate) -> Vec<&'static str> {
    let found = cross_check(estate);
    let real = found.iter().filter(|one| one.severity > Severity::Note);
    real.map(|one| one.what.name()).collect()
}

/// The one thing that is found, notes left out.
#[track_caller]
pub(crate) fn only(estate: &Estate) -> Disagreement {
    let mut found = cross_check(estate);
    found.retain(|one| one.severity > Severity::Note);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// Runs commands on their hosts.
#[track_caller]
pub(crate) fn apply(estate: &mut Estate, commands: &[HostCommand]) {
    assert!(!commands.is_empty());
    for command in commands {
        for host in &command.hosts {
            on(estate, host, &command.command);
        }
    }
}

/// The remedy, or each of its choices, applied to the estate leaves nothing but notes.
#[track_caller]
pub(crate) fn mends(estate: &Estate, remedy: &Remedy) {
    let choices = match remedy {
        Remedy::Commands(commands) => vec![commands.clone()],
        Remedy::Either(choices) => choices.clone(),
        Remedy::Words(words) => panic!("no commands: {words}"),
    };
    for commands in choices {
        let mut mended = estate.clone();
        apply(&mut mended, &commands);
        assert_eq!(rules(&mended), [""; 0], "after {commands:#?}");
    }
}
