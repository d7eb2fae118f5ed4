//! Two hosts with the founding story's VMs, and a script run on the first.
#![allow(dead_code, reason = "each test file uses its part")]

use nvgre_netwnv::{Adapter, Estate, Host, Nic, RunReport, ScriptError, Source, run};

/// Statler with all four VMs and NIC 12, Waldorf with none and NIC 14. Nothing bound, no policy.
pub(crate) fn estate() -> Estate {
    let nic = |interface_index, description: &str, mac: &str| Nic {
        name: "Ethernet".to_owned(),
        interface_description: description.to_owned(),
        interface_index,
        mac: mac.parse().unwrap(),
        wnv_bound: false,
        switch_name: "VMs".to_owned(),
    };
    let mut statler = Host::new("Statler");
    statler.nics = vec![nic(12, "Intel(R) 82579LM Gigabit", "00155D000A0B")];
    statler.adapters = [
        ("Red11", "00155D002009"),
        ("Red22", "00155D002008"),
        ("Blue11", "00155D00200B"),
        ("Blue22", "00155D00200A"),
    ]
    .map(|(vm, mac)| Adapter::new(vm, mac.parse().unwrap(), "VMs"))
    .to_vec();
    let mut waldorf = Host::new("Waldorf");
    waldorf.nics = vec![nic(14, "Broadcom NetXtreme 57xx", "00155D000A0C")];
    Estate {
        hosts: vec![statler, waldorf],
    }
}

/// Runs `text` on Statler.
pub(crate) fn try_on(estate: &mut Estate, text: &str) -> Result<RunReport, Vec<ScriptError>> {
    run(&Source::new("policy.ps1", text), "Statler", estate)
}

/// Runs `text` on Statler of a new estate; it must be fine.
#[track_caller]
pub(crate) fn ran(text: &str) -> (Estate, RunReport) {
    let mut estate = estate();
    let report = on(&mut estate, text);
    (estate, report)
}

/// Runs `text` on Statler; it must be fine.
#[track_caller]
pub(crate) fn on(estate: &mut Estate, text: &str) -> RunReport {
    match try_on(estate, text) {
        Ok(report) => report,
        Err(errors) => panic!("{}", rendered(text, &errors)),
    }
}

/// The rendered errors of a script that must fail on a new estate, which stays as it was.
#[track_caller]
pub(crate) fn refused(text: &str) -> String {
    let mut after = estate();
    let Err(errors) = try_on(&mut after, text) else {
        panic!("this ran: {text}");
    };
    assert!(!errors.is_empty(), "an error without a message");
    assert_eq!(after, estate(), "a failed script changed the estate");
    rendered(text, &errors)
}

pub(crate) fn rendered(text: &str, errors: &[ScriptError]) -> String {
    let source = Source::new("policy.ps1", text);
    errors.iter().map(|error| error.render(&source)).collect()
}

/// A record for 10.0.0.5 in 5001, with these parameters behind it.
pub(crate) fn record(more: &str) -> String {
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001 -MACAddress 00155D002009 -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap {more}\n"
    )
}

/// Records of Statler, a line each: id, subnet, customer address, provider address, VM label.
pub(crate) fn records(estate: &Estate, host: &str) -> Vec<String> {
    let host = estate.host(host).unwrap();
    let line = |entry: &nvgre_netwnv::RecordEntry| {
        let record = &entry.record;
        format!(
            "{} {} {} {} {}",
            record.id.0,
            record.virtual_subnet,
            record.customer_address,
            record.provider_address,
            entry.labels.vm_name().unwrap_or("-")
        )
    };
    host.records.iter().map(line).collect()
}
