//! FlowID: as much entropy as 8 bits hold (RFC 7637 s3.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nvgre_wire::{FlowTuple, ip_protocol};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const FLOWS: usize = 10_000;

/// How many of the 256 values the flows take, and how many flows take the most frequent one.
fn spread(flows: impl IntoIterator<Item = FlowTuple>) -> (usize, usize) {
    let mut counts = [0usize; 256];
    for flow in flows {
        counts[usize::from(nvgre_wire::flow_id(&flow).0)] += 1;
    }
    let used = counts.iter().filter(|&&count| count > 0).count();
    (used, counts.into_iter().max().unwrap_or(0))
}

fn assert_spread(kind: &str, flows: Vec<FlowTuple>) {
    let fair_share = flows.len().div_ceil(256);
    let (used, most) = spread(flows);
    assert!(used >= 200, "{kind}: {used} of 256 values");
    assert!(most <= 3 * fair_share, "{kind}: {most} flows in one value");
}

fn tcp(source: IpAddr, destination: IpAddr, source_port: u16, destination_port: u16) -> FlowTuple {
    FlowTuple::Ip {
        source,
        destination,
        protocol: ip_protocol::TCP,
        source_port,
        destination_port,
    }
}

fn random_flows<T: Strategy<Value = FlowTuple>>(strategy: T) -> Vec<FlowTuple> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..FLOWS)
        .map(|_| strategy.new_tree(&mut runner).expect("a tuple").current())
        .collect()
}

#[test]
fn n04_random_ipv4_flows_fill_the_256_values_evenly() {
    let flows = (any::<u32>(), any::<u32>(), any::<u16>(), any::<u16>());
    assert_spread(
        "random IPv4",
        random_flows(flows.prop_map(|(s, d, sp, dp)| {
            tcp(Ipv4Addr::from(s).into(), Ipv4Addr::from(d).into(), sp, dp)
        })),
    );
}

#[test]
fn n04_random_ipv6_flows_fill_the_256_values_evenly() {
    let flows = (any::<u128>(), any::<u128>(), any::<u16>(), any::<u16>());
    assert_spread(
        "random IPv6",
        random_flows(flows.prop_map(|(s, d, sp, dp)| {
            tcp(Ipv6Addr::from(s).into(), Ipv6Addr::from(d).into(), sp, dp)
        })),
    );
}

/// What tenants do: tuples that differ in a few low bits of one field.
#[test]
fn n04_flows_that_differ_in_one_field_only_fill_them_too() {
    let host = |n: usize| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + n as u32));
    let host6 = |n: usize| IpAddr::from(Ipv6Addr::from((0xfd00 << 112) + n as u128));
    let port = |n: usize| (49_152 + n) as u16;
    let all = 0..FLOWS;
    for (kind, flows) in [
        (
            "source ports",
            all.clone()
                .map(|n| tcp(host(5), host(7), port(n), 80))
                .collect::<Vec<_>>(),
        ),
        (
            "destination ports",
            all.clone()
                .map(|n| tcp(host(5), host(7), 49_152, port(n)))
                .collect(),
        ),
        (
            "sources",
            all.clone()
                .map(|n| tcp(host(n), host(70_000), 49_152, 80))
                .collect(),
        ),
        (
            "destinations",
            all.clone()
                .map(|n| tcp(host(70_000), host(n), 49_152, 80))
                .collect(),
        ),
        (
            "IPv6 sources",
            all.clone()
                .map(|n| tcp(host6(n), host6(70_000), 49_152, 80))
                .collect(),
        ),
        (
            "IPv6 source ports",
            all.clone()
                .map(|n| tcp(host6(5), host6(7), port(n), 80))
                .collect(),
        ),
    ] {
        assert_spread(kind, flows);
    }
}
