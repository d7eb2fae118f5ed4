//! What the programs we are compared with read: the frames and the records of our own cases.
//!
//! `export frames FOLDER`: a capture of each case, and its records as rules of Open vSwitch.
//! `export records FOLDER N`: as many lookup records, as PowerShell and as rules.

#[path = "../pcap_out.rs"]
mod pcap_out;
mod records;
mod rules;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use nvgre_bench_cases::{Tables, case_of};
use pcap_out::PcapOut;

/// Lookup records of the tables, as `nvgre bench` has them.
const RECORDS: u32 = 1_000;

/// The cases that are compared, and what is done in each.
const CASES: [(&str, Rules); 9] = [
    ("copied/encap/ipv4/64B", rules::encap),
    ("copied/encap/ipv4/64B/20000-flows", rules::encap),
    ("copied/encap/ipv4/1500B", rules::encap),
    ("copied/decap/ipv4/64B", rules::decap),
    ("copied/decap/ipv4/64B/20000-flows", rules::decap),
    ("copied/decap/ipv4/1500B", rules::decap),
    ("copied/nat/udp/64B/out", rules::rewrite),
    ("copied/nat/udp/64B/out/20000-flows", rules::rewrite),
    ("copied/nat/udp/1500B/out", rules::rewrite),
];

type Rules = fn(&nvgre_dataplane::Policy) -> String;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["frames", folder] => frames(Path::new(folder)),
        ["records", folder, count] => Ok(records::write(Path::new(folder), count.parse()?)?),
        _ => Err("usage: export frames FOLDER, or export records FOLDER N".into()),
    }
}

fn frames(folder: &Path) -> Result<(), Box<dyn Error>> {
    let tables = Tables::new(RECORDS);
    for (id, rules) in CASES {
        let scene = case_of(id).ok_or_else(|| format!("no case {id}"))?.scene;
        let name = id.replace('/', "-");
        let mut capture = PcapOut::create(&folder.join(format!("{name}.pcap")))?;
        for (number, frame) in scene.frames(&tables).iter().enumerate() {
            capture.write(number as i64 * 1_000, frame)?;
        }
        capture.finish()?;
        let policy = scene.policy(&tables);
        fs::write(folder.join(format!("{name}.rules")), rules(&policy))?;
        fs::write(folder.join(format!("{name}.host")), rules::host(&policy))?;
    }
    Ok(())
}
