//! From a script of lookup records to tables that forward: `load_records FILE`.

use std::error::Error;
use std::{env, fs};

use nvgre_dataplane::Publisher;
use nvgre_netwnv::{Estate, Host, Nic, Source, run};
use nvgre_wire::MacAddress;

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).ok_or("usage: load_records FILE")?;
    let source = Source::new(&file, fs::read_to_string(&file)?);
    let mut host = Host::new("Statler");
    host.nics.push(Nic {
        name: "Ethernet".to_owned(),
        interface_description: "a NIC".to_owned(),
        interface_index: 1,
        mac: MacAddress::new([0x02, 0, 0, 0, 0, 1]),
        wnv_bound: false,
        switch_name: "VMs".to_owned(),
    });
    let mut estate = Estate { hosts: vec![host] };
    run(&source, "Statler", &mut estate).map_err(|errors| format!("{:?}", errors.first()))?;
    let policy = estate.hosts[0].policy();
    if !policy.wnv_bound {
        return Err("without the binding no record is in force".into());
    }
    let publisher = Publisher::new(&policy, 1).map_err(|errors| format!("{:?}", errors.first()))?;
    println!("{} records", policy.records.len());
    // As a switch that goes on forwarding: nothing is taken down.
    std::mem::forget((publisher, policy, estate, source));
    Ok(())
}
