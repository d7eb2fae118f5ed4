//! Policies from nothing to published tables, in wall time.

use std::fmt::Write;
use std::time::{Duration, Instant};

use nvgre_dataplane::Publisher;
use nvgre_netwnv::{Estate, Host, Nic, Source, run};

use crate::allocations::most_held;
use crate::clock::{Start, Took};
use crate::editor::{Editor, world};
use crate::guests::{FIRST_HOST, host_mac};
use crate::meter::{Meter, median};
use crate::policy_list::Written;
use crate::world::{Rules, SEED, World};

/// What loading a policy took. Times are medians of all loads.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    /// Time of a record.
    pub ns_per_record: f64,
    /// Time of a record on a processor: without what other programs took meanwhile.
    pub processor_ns_per_record: f64,
    /// The part of that in which text becomes typed objects.
    pub text_ns_per_record: Option<f64>,
    /// Memory of the tables and of every index, afterwards.
    pub bytes_per_record: f64,
    /// Memory held at once at most while loading, beyond the script itself, if the allocator is
    /// [`crate::CountingAllocator`].
    pub most_bytes_per_record: f64,
}

/// One load.
struct Load {
    whole: Took,
    text: Option<Duration>,
    bytes: usize,
    most: usize,
}

impl Meter {
    /// Loads policies of so many records.
    pub(crate) fn measure_loads(&mut self, written: Written, records: u32) -> Loaded {
        let effort = self.effort();
        let world = world(records, Rules::Encap);
        let script = match written {
            Written::Edits => None,
            Written::Script => Some(Source::new("policy.ps1", script(world))),
        };
        let start = Instant::now();
        let mut loads = Vec::new();
        while loads.len() < effort.loads || start.elapsed() < effort.slice * effort.rounds as u32 {
            loads.push(match &script {
                None => self.by_edits(world),
                Some(script) => by_script(script),
            });
        }
        let per_record = |of: &dyn Fn(&Load) -> Option<f64>| {
            median(loads.iter().filter_map(of).collect()).map(|all| all / f64::from(records))
        };
        let nanoseconds = |time: Duration| time.as_nanos() as f64;
        let always = |of: &dyn Fn(&Load) -> f64| per_record(&|load| Some(of(load)));
        Loaded {
            ns_per_record: always(&|load| nanoseconds(load.whole.wall)).unwrap_or_default(),
            text_ns_per_record: per_record(&|load| load.text.map(nanoseconds)),
            processor_ns_per_record: always(&|load| nanoseconds(load.whole.processor))
                .unwrap_or_default(),
            bytes_per_record: always(&|load| load.bytes as f64).unwrap_or_default(),
            most_bytes_per_record: always(&|load| load.most as f64).unwrap_or_default(),
        }
    }

    /// What is loaded stays for those who edit it.
    fn by_edits(&mut self, world: World) -> Load {
        self.editors().remove(&world);
        let start = Start::now();
        let (editor, most) = most_held(|| Editor::load(world));
        let load = Load {
            whole: start.took(),
            text: None,
            bytes: editor.record_bytes(),
            most,
        };
        self.editors().insert(world, editor);
        load
    }
}

fn by_script(script: &Source) -> Load {
    let start = Start::now();
    let ((text, publisher, _estate), most) = most_held(|| {
        let mut estate = Estate {
            hosts: vec![statler()],
        };
        if let Err(errors) = run(script, "Statler", &mut estate) {
            unreachable!("the script is ours, and refused: {errors:?}");
        }
        let text = start.took().processor;
        let policy = estate.hosts[0].policy();
        let mut publisher = Publisher::new(&policy, SEED).expect("the policy is sound");
        publisher.publish();
        (text, publisher, estate)
    });
    Load {
        whole: start.took(),
        text: Some(text),
        bytes: publisher.record_bytes(),
        most,
    }
}

/// A host with one NIC.
fn statler() -> Host {
    let mut host = Host::new("Statler");
    host.nics.push(Nic {
        name: "Ethernet".to_owned(),
        interface_description: "Intel(R) 82579LM Gigabit".to_owned(),
        interface_index: 1,
        mac: host_mac(FIRST_HOST),
        wnv_bound: false,
        switch_name: "VMs".to_owned(),
    });
    host
}

/// The same policy in NetWNV's words, a command a line.
fn script(world: World) -> String {
    let policy = world.host_without_records(FIRST_HOST);
    let mut text = "Get-NetAdapter | Enable-NetAdapterBinding -ComponentID ms_netwnv\n".to_owned();
    for host in &policy.provider_addresses {
        text += &format!(
            "New-NetVirtualizationProviderAddress -InterfaceIndex {} -ProviderAddress \"{}\" -PrefixLength {}\n",
            host.interface_index, host.address, host.prefix_length
        );
    }
    for route in &policy.customer_routes {
        text += &format!(
            "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{}\" -VirtualSubnetID {} -DestinationPrefix \"{}\" -NextHop \"{}\" -Metric {}\n",
            route.routing_domain,
            route.virtual_subnet,
            route.destination,
            route.next_hop,
            route.metric
        );
    }
    for record in (0..world.records).map(|guest| world.record(guest)) {
        let written = writeln!(
            text,
            "New-NetVirtualizationLookupRecord -VirtualSubnetID {} -CustomerAddress \"{}\" -MACAddress \"{}\" -ProviderAddress \"{}\" -Rule \"{}\"",
            record.virtual_subnet,
            record.customer_address,
            record.mac,
            record.provider_address,
            record.rule
        );
        written.expect("a String takes it");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_says_what_the_typed_objects_say() {
        let world = world(300, Rules::Encap);
        let mut estate = Estate {
            hosts: vec![statler()],
        };
        let source = Source::new("policy.ps1", script(world));
        run(&source, "Statler", &mut estate).expect("it is policy");
        let (ours, typed) = (
            estate.hosts[0].policy(),
            world.host_without_records(FIRST_HOST),
        );
        let records: Vec<_> = (0..300).map(|guest| world.record(guest)).collect();
        assert_eq!(ours.records, records);
        assert_eq!(ours.customer_routes, typed.customer_routes);
        assert_eq!(ours.provider_addresses, typed.provider_addresses);
        assert!(ours.wnv_bound);
    }
}
