//! What a publisher keeps, and for how long.

extern crate std;

use alloc::vec;
use std::thread;

use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId};

use super::*;
use crate::customer_route::{CustomerRoute, RouteId};
use crate::lookup_record::RecordType;
use crate::provider::HostAddress;
use crate::record_table::{Fill, RecordTable};
use crate::table::tests::{Dice, tries};

const SUBNET: VirtualSubnetId = VirtualSubnetId::MIN;

fn record(k: u32, host: u8) -> LookupRecord {
    LookupRecord {
        id: RecordId(k),
        virtual_subnet: SUBNET,
        customer_address: CustomerAddress::v4((0x0a00_0000 | (k + 1)).to_be_bytes()),
        mac: MacAddress::from_bits(0x0600_0000_0000 | u64::from(k)),
        provider_address: ProviderAddress::v4([192, 168, 0, host]),
        rule: Rule::Encap,
        record_type: RecordType::Static,
        use_vm_mac: false,
    }
}

fn publisher(records: u32) -> Publisher {
    let policy = Policy {
        wnv_bound: true,
        records: (0..records).map(|k| record(k, 1)).collect(),
        provider_addresses: vec![HostAddress {
            address: ProviderAddress::v4([192, 168, 0, 99]),
            interface_index: 1,
            prefix_length: 24,
            vlan: None,
            mac: MacAddress::new([2; 6]),
        }],
        customer_routes: vec![CustomerRoute {
            id: RouteId(0),
            routing_domain: RoutingDomainId::new(1),
            virtual_subnet: SUBNET,
            destination: "10.0.0.0/8".parse().expect("a prefix"),
            next_hop: CustomerAddress::v4([0; 4]),
            metric: 255,
        }],
        ..Policy::default()
    };
    Publisher::new(&policy, 7).expect("a policy")
}

/// Whether the domain's guests are let to hear from this host.
fn is_peer(snapshot: &Snapshot, host: u8) -> bool {
    let known = snapshot.provider(ProviderAddress::v4([192, 168, 0, host]));
    known.is_some_and(|(number, _)| snapshot.is_peer_in(number, 0))
}

/// The last byte of the host that a snapshot places this record at.
fn host_of(snapshot: &Snapshot, k: u32) -> Option<u8> {
    let entry = snapshot.record(SUBNET, record(k, 0).customer_address)?;
    let address = snapshot.provider_address(entry.provider());
    Some(address.bits() as u8)
}

#[test]
fn a_load_of_any_size_builds_its_tables_once() {
    for count in [0, 1, 2, 3, 7, 100] {
        let mut records: Vec<_> = (0..count).map(|k| record(k, 1)).collect();
        // The ones whose tables are smallest come first.
        let gateway = LookupRecord {
            customer_address: CustomerAddress::v4([0; 4]),
            record_type: RecordType::GatewayWildcard,
            ..record(1_000, 1)
        };
        let v6 = LookupRecord {
            customer_address: CustomerAddress::v6([9; 16]),
            ..record(1_001, 1)
        };
        records.splice(0..0, [gateway, v6]);
        let policy = Policy {
            wnv_bound: true,
            records,
            ..Policy::default()
        };
        let publisher = Publisher::new(&policy, 7).expect("a policy");
        let built =
            RecordTable::with_room(Fill::of(&policy.records), publisher.counts.peers.hasher());
        assert_eq!(publisher.next.records.bytes(), built.bytes(), "{count}");
        assert!(publisher.next.records.has_room(&publisher.used.records));
    }
}

#[test]
fn steady_edits_use_the_same_memory_for_ever() {
    let count = tries(500, 10) as u32;
    let mut publisher = publisher(count);
    let mut most = 0;
    let mut dice = Dice::new(3);
    for round in 0..tries(20_000, 60) as u32 {
        let k = dice.below(u64::from(count)) as u32;
        if round % 2 == 0 {
            publisher
                .replace(&record(k, 1 + (round % 5) as u8))
                .unwrap();
        } else {
            // Another key each time.
            publisher.insert(&record(count + round, 2)).unwrap();
            publisher.remove(&record(count + round, 2)).unwrap();
        }
        let _ = publisher.publish();
        most = most.max(publisher.record_bytes());
        assert!(publisher.live.len() <= 1 && publisher.closed.is_empty());
    }
    let larger = self::publisher(2 * count + 100).record_bytes();
    assert!(
        most <= larger,
        "{most} bytes, for twice the records {larger}"
    );
}

/// A worker that asks for nothing holds one snapshot, and not all that came after it.
#[test]
fn what_nobody_reads_is_let_go_of_though_somebody_reads_what_is_older() {
    let mut publisher = publisher(8);
    let silent = publisher.publish();
    let mut sometimes = silent.clone();
    for round in 0..tries(5_000, 60) as u32 {
        publisher
            .replace(&record(round % 8, (round % 200) as u8 + 1))
            .unwrap();
        let published = publisher.publish();
        if round % 100 == 0 {
            sometimes = published;
        }
        assert!(publisher.live.len() <= 3);
        assert!((0..8).all(|k| host_of(&silent, k) == Some(1)));
        assert!(host_of(&sometimes, 0).is_some());
    }
    drop((silent, sometimes));
    let _ = publisher.publish();
    assert_eq!((publisher.live.len(), publisher.closed.len()), (1, 0));
}

/// Whoever may still come back for a snapshot keeps its rows.
#[test]
fn a_weak_reference_keeps_a_snapshot_too() {
    let mut publisher = publisher(2);
    let weak = Arc::downgrade(&publisher.publish());
    for round in 0..tries(50, 4) as u8 {
        publisher.replace(&record(0, 2 + round)).unwrap();
        let _ = publisher.publish();
    }
    let back = weak.upgrade().expect("it is there");
    assert_eq!(host_of(&back, 0), Some(1));
}

#[test]
fn versions_begin_again_when_their_numbers_are_used_up() {
    let mut publisher = publisher(5);
    let first = publisher.publish();
    publisher.next.version = Version::MAX - 6;
    let mut kept = vec![(1, first)];
    for round in 2..20 {
        publisher.replace(&record(0, round)).unwrap();
        publisher.remove(&record(4, round)).unwrap();
        publisher.insert(&record(4, round)).unwrap();
        publisher
            .insert(&record(100 + u32::from(round), round))
            .unwrap();
        kept.push((round, publisher.publish()));
    }
    assert!(publisher.next.version < 20, "they began again");
    for (host, snapshot) in &kept {
        assert_eq!(host_of(snapshot, 0), Some(*host));
        assert_eq!(host_of(snapshot, 1), Some(1));
        assert_eq!(host_of(snapshot, 4), Some(*host));
        for round in 2..20 {
            let there = round <= *host;
            let found = host_of(snapshot, 100 + u32::from(round));
            assert_eq!(found, there.then_some(round));
            assert_eq!(is_peer(snapshot, round), there);
        }
        assert!(is_peer(snapshot, 1));
        assert!(
            snapshot
                .provider(ProviderAddress::v4([192, 168, 0, 99]))
                .is_some()
        );
        assert!(snapshot.subnet(SUBNET).is_some());
    }
    kept.clear();
    let _ = publisher.publish();
    assert!(publisher.closed.is_empty());
}

/// Two records that are at one host in every published state.
#[test]
fn workers_see_one_state_while_the_next_is_written() {
    let mut publisher = publisher(3);
    let mut subscriptions = [publisher.subscribe(), publisher.subscribe()];
    let (rounds, reads) = (tries(3_000, 8), tries(3_000, 6));
    thread::scope(|scope| {
        for subscription in &mut subscriptions {
            scope.spawn(move || {
                for _ in 0..reads {
                    let snapshot = subscription.snapshot();
                    let hosts = [0, 1, 0].map(|k| host_of(snapshot, k));
                    assert!(hosts[0].is_some() && hosts == [hosts[0]; 3], "{hosts:?}");
                    assert_eq!(host_of(snapshot, 2), Some(1));
                }
            });
        }
        for round in 0..rounds {
            let host = 1 + (round % 100) as u8;
            publisher.replace(&record(0, host)).unwrap();
            publisher.replace(&record(1, host)).unwrap();
            publisher.insert(&record(3, host)).unwrap();
            let _ = publisher.publish();
            publisher.remove(&record(3, host)).unwrap();
        }
    });
}
