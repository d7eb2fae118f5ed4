//! How long a conversation takes, here and now: each pair of guests of one tenant in a scenario, or a thousand
//! records if none is given. Prints, asserts nothing.
//!
//! `cargo run --release -p nvgre-analyze --example conversations [SCENARIO]`

use std::path::Path;
use std::time::Instant;
use std::{env, fs};

use nvgre_analyze::{Probe, converse};
use nvgre_sim::{Model, Scenario};

/// Guests of the network that is made up: each host's table has a record for each.
const GUESTS: usize = 1_000;
const HOSTS: usize = 4;
const SUBNETS: usize = 10;
/// Pairs that are asked at most.
const PAIRS_MAX: usize = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut model = match env::args().nth(1) {
        Some(path) => {
            let text = fs::read_to_string(&path)?;
            let scenario = Scenario::parse(&path, &text).map_err(|errors| format!("{errors:?}"))?;
            let folder = Path::new(&path).parent().unwrap_or(Path::new(""));
            let mut model = Model::new(scenario, &|file| fs::read_to_string(folder.join(file)))?;
            model.enter_all_stages()?;
            model
        }
        None => {
            let (scenario, script) = made_up();
            let scenario = Scenario::parse("made-up.toml", &scenario);
            let scenario = scenario.map_err(|errors| format!("{errors:?}"))?;
            Model::new(scenario, &|file| Ok(script(file)))?
        }
    };
    let guests = model.scenario().guests.len();
    let pairs = (0..guests).flat_map(|from| (0..guests).map(move |to| (from, to)));
    let tenant = |guest: usize| model.scenario().guests[guest].tenant;
    let pairs = pairs.filter(|&(from, to)| from != to && tenant(from) == tenant(to));
    let pairs: Vec<_> = pairs.collect();
    let step = pairs.len().div_ceil(PAIRS_MAX).max(1);
    let pairs: Vec<_> = pairs.into_iter().step_by(step).collect();
    let mut trial = model.trial();
    for round in 1..=3 {
        let begin = Instant::now();
        let answered = pairs
            .iter()
            .filter(|&&(from, to)| converse(&mut trial, from, to, Probe::Icmp).is_answered());
        let answered = answered.count();
        let each = begin.elapsed() / pairs.len().max(1) as u32;
        println!(
            "{round}: {} conversations, {answered} answered, {each:?} each",
            pairs.len()
        );
    }
    Ok(())
}

/// A scenario, and its scripts by name.
fn made_up() -> (String, impl Fn(&str) -> String) {
    let mut text = "name = \"made-up\"\n[underlay]\nmtu_bytes = 1600\n".to_owned();
    let domain = |subnet: usize| format!("{{5d2f6a10-0000-4000-8000-{:012}}}", 5_000 + subnet);
    for subnet in 0..SUBNETS {
        text += &format!(
            "[[tenant]]\nname = \"T{subnet}\"\nrouting_domain = \"{}\"\nvirtual_subnets = [{}]\n",
            domain(subnet),
            5_000 + subnet
        );
    }
    for host in 0..HOSTS {
        text += &format!(
            "[[host]]\nname = \"H{host}\"\nswitch = \"VMs\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C00002{host:02X}\"\n\
             policy = [\"{host}\", \"all\"]\n"
        );
    }
    for guest in 0..GUESTS {
        let (subnet, host, last) = (guest % SUBNETS, guest % HOSTS, guest / SUBNETS + 2);
        text += &format!(
            "[[guest]]\nname = \"G{guest}\"\ntenant = \"T{subnet}\"\nhost = \"H{host}\"\n\
             mac = \"00155D00{guest:04X}\"\naddresses = [\"10.0.0.{last}/24\"]\nvirtual_subnet = {}\n",
            5_000 + subnet
        );
    }
    let script = move |file: &str| match file {
        "all" => {
            let mut text = String::new();
            for subnet in 0..SUBNETS {
                text += &format!(
                    "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{}\" -VirtualSubnetID {} \
                     -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255\n",
                    domain(subnet),
                    5_000 + subnet
                );
            }
            for guest in 0..GUESTS {
                let (subnet, host, last) = (guest % SUBNETS, guest % HOSTS, guest / SUBNETS + 2);
                text += &format!(
                    "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.{last} -VirtualSubnetID {} \
                     -MACAddress 00155D00{guest:04X} -ProviderAddress 192.0.2.{} \
                     -Rule TranslationMethodEncap -VMName G{guest}\n",
                    5_000 + subnet,
                    host + 1
                );
            }
            text
        }
        host => {
            let address = host.parse::<usize>().unwrap_or(0) + 1;
            format!(
                "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
                 New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{address} \
                 -InterfaceIndex 2 -PrefixLength 24\n"
            )
        }
    };
    (text, script)
}
