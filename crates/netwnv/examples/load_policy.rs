//! How long a script of many lookup records takes to become records:
//! `cargo run --release -p nvgre-netwnv --example load_policy -- 1000000 lines`.
//!
//! Shapes: `lines` (a command a line), `continued` (a parameter a line), `variables`, `labels`.

use std::fmt::Write;
use std::time::Instant;

use nvgre_netwnv::{Estate, Host, Source, run};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|n| n.parse().ok());
    let count: usize = count.unwrap_or(100_000);
    let shape = arguments.next().unwrap_or_else(|| "lines".to_owned());
    let source = Source::new("policy.ps1", script(count, &shape));
    let mut estate = Estate {
        hosts: vec![Host::new("Statler")],
    };
    let start = Instant::now();
    run(&source, "Statler", &mut estate).expect("the script is policy");
    let took = start.elapsed();
    assert_eq!(estate.hosts[0].records.len(), count);
    println!(
        "{shape}: {count} records of {} bytes each in {took:?}: {} ns a record",
        source.text.len() / count,
        took.as_nanos() / count as u128
    );
}

fn script(count: usize, shape: &str) -> String {
    let mut text = String::new();
    let joint = if shape == "continued" { " `\n  " } else { " " };
    if shape == "variables" {
        text.push_str("$vsid = 5001\n$rule = \"TranslationMethodEncap\"\n$pa = \"192.168.4.22\"\n");
    }
    for n in 0..count {
        let [_, a, b, c] = (n as u32).to_be_bytes();
        let mac = format!("02-00-00-{a:02X}-{b:02X}-{c:02X}");
        let (vsid, pa, rule) = if shape == "variables" {
            ("$vsid".to_owned(), "$pa".to_owned(), "$rule")
        } else {
            (
                format!("{}", 5_001 + n % 64),
                format!("\"192.168.{}.{}\"", n % 4, 1 + n % 200),
                "\"TranslationMethodEncap\"",
            )
        };
        let ca = format!("10.{a}.{b}.{c}");
        let _ = write!(
            text,
            "New-NetVirtualizationLookupRecord{joint}-VirtualSubnetID {vsid}{joint}-CustomerAddress \"{ca}\"{joint}-MACAddress \"{mac}\"{joint}-ProviderAddress {pa}{joint}-Rule {rule}"
        );
        if shape == "labels" {
            let _ = write!(
                text,
                " -VMName \"VM{n}\" -CustomerID \"{{11111111-2222-3333-4444-00000000{:04x}}}\" -Context \"tenant {}\"",
                n % 500,
                n % 500
            );
        }
        text.push('\n');
    }
    text
}
