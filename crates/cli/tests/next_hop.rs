//! `nvgre next-hop`: the six fields of Select-NetVirtualizationNextHop, and which rows say so.

mod common;

use common::{Ran, nvgre, pcaps};
use serde_json::Value;

const SCHEMA: &str = "nvgre.next-hop/1";
const KEYS: &[&str] = &[
    "schema",
    "SourceCustomerAddress",
    "DestinationCustomerAddress",
    "SourceVirtualSubnetID",
    "NextHopAddress",
    "SourceMACAddress",
    "NextHopMACAddress",
    "next_hop_virtual_subnet_id",
    "reason",
    "route",
    "record",
    "near_misses",
];
const ROUTER: &str = "02155D525452";

fn next_hop(words: &[&str]) -> Ran {
    let scenario = pcaps().join("gateway/scenario.toml");
    let scenario = scenario.to_string_lossy();
    nvgre([&["next-hop", &scenario], words].concat())
}

fn json(words: &[&str]) -> Value {
    let ran = next_hop(&[words, &["--json"]].concat());
    ran.json_lines(SCHEMA, KEYS).remove(0)
}

#[test]
fn within_a_subnet_the_record_says_it_all() {
    let line = json(&["host2", "5001", "10.0.1.5", "--source", "10.0.1.5"]);
    assert_eq!(line["NextHopAddress"], "10.0.1.5");
    assert_eq!(line["NextHopMACAddress"], "00155D005101");
    assert_eq!(line["SourceMACAddress"], "00155D005101");
    assert_eq!(line["route"], Value::Null);
    let place = line["record"]["place"].as_str().expect("a place");
    assert!(place.ends_with("policy/blue.ps1:9:1"), "{place}");
}

#[test]
fn beyond_the_subnet_a_route_leads_to_the_record() {
    let line = json(&["host1", "5001", "10.0.2.5"]);
    assert_eq!(
        line["NextHopAddress"], "10.0.2.5",
        "on-link: the destination itself"
    );
    assert_eq!(line["SourceMACAddress"], ROUTER);
    assert_eq!(line["NextHopMACAddress"], "00155D005201");
    assert_eq!(line["next_hop_virtual_subnet_id"], 5002);
    let line = json(&["host1", "5001", "198.51.100.1"]);
    assert_eq!(line["NextHopAddress"], "10.0.254.2", "the gateway");
    let route = line["route"]["text"].as_str().expect("a route");
    assert_eq!(route, "route 0.0.0.0/0 by 10.0.254.2 in VSID 5999");
}

#[test]
fn the_gateway_address_is_the_routers() {
    let line = json(&["host1", "5001", "10.0.1.1"]);
    assert_eq!(
        (&line["NextHopMACAddress"], &line["record"]),
        (&Value::from(ROUTER), &Value::Null)
    );
}

#[test]
fn without_a_way_the_reason_and_what_comes_close_are_told() {
    let ran = next_hop(&["host1", "5001", "198.51.100.1", "--stage", "closed"]);
    assert_eq!(ran.exit, 1);
    assert!(
        ran.stdout.contains("NextHopAddress             :\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("no way     no_customer_route: "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("near miss  the closest is the route 10.0."),
        "{}",
        ran.stdout
    );
}

#[test]
fn people_read_it_as_powershell_lists_it() {
    let ran = next_hop(&["host1", "5001", "10.0.2.5", "--source", "10.0.1.5"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let fields = "SourceCustomerAddress      : 10.0.1.5\n\
        DestinationCustomerAddress : 10.0.2.5\n\
        SourceVirtualSubnetID      : 5001\n\
        NextHopAddress             : 10.0.2.5\n\
        SourceMACAddress           : 02155D525452\n\
        NextHopMACAddress          : 00155D005201\n\n";
    assert!(ran.stdout.starts_with(fields), "{}", ran.stdout);
}

#[test]
fn wrong_words_are_refused() {
    let ran = next_hop(&["host3", "5001", "10.0.2.5"]);
    assert_eq!(ran.exit, 2);
    assert!(
        ran.stderr
            .contains("no host 'host3'; did you mean 'host1' or 'host2'?"),
        "{}",
        ran.stderr
    );
    assert_eq!(next_hop(&["host1", "4095", "10.0.2.5"]).exit, 2);
    assert_eq!(next_hop(&["host1", "5001", "10.0.2"]).exit, 2);
}
