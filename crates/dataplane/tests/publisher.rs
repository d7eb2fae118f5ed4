//! What edits of records do, when they are seen, and which are refused.

mod common;

use std::sync::Arc;

use common::*;
use nvgre_dataplane::{
    DropReason, LookupRecord, PolicyError, RecordId, RecordType, Rule, Snapshot, Verdict,
};

/// A record of Blue 2's IPv4 address at another host.
fn blue2_at(host: usize) -> LookupRecord {
    encap(900, BLUE, BLUE2.ca(true), BLUE2.mac, host_v4(host))
}

/// Where the packet for Blue 2 goes.
#[track_caller]
fn assert_goes_to(snapshot: &Arc<Snapshot>, host: usize) {
    let sent = blue1_sends(snapshot, &ping(BLUE1, BLUE2));
    assert!(
        read_nvgre(sent.uplink()).destination == host_v4(host).ip(),
        "expected host {host}\n{sent}"
    );
}

#[test]
fn an_edit_is_seen_by_nobody_before_it_is_published() {
    let mut edited = host0();
    let (_, before) = edited.publish();
    edited.edit(Edit::Replace(blue2_at(2))).unwrap();
    edited.edit(Edit::Insert(stranger(77))).unwrap();
    assert_goes_to(&before, 1);
    blue1_sends(&before, &frame_to(&stranger(77))).assert_dropped(DropReason::NoLookupRecord);
    let (_, after) = edited.publish();
    assert_goes_to(&after, 2);
    blue1_sends(&after, &frame_to(&stranger(77))).uplink();
}

#[test]
fn a_snapshot_keeps_what_it_was_whatever_is_edited_later() {
    let mut edited = host0();
    // Nothing else names its MAC.
    let v6 = encap(0, BLUE, BLUE2.ca(false), BLUE2.mac, host_v4(1));
    edited.edit(Edit::Remove(v6)).unwrap();
    let mut kept = Vec::new();
    for round in 0..4 {
        for host in [2, 3, 1] {
            edited.edit(Edit::Replace(blue2_at(host))).unwrap();
            kept.push((Some(host), edited.publish().1));
        }
        edited.edit(Edit::Remove(blue2_at(1))).unwrap();
        kept.push((None, edited.publish().1));
        let host = round % 3 + 1;
        edited.edit(Edit::Insert(blue2_at(host))).unwrap();
        kept.push((Some(host), edited.publish().1));
    }
    for (host, snapshot) in &kept {
        let sent = blue1_sends(snapshot, &ping(BLUE1, BLUE2));
        match host {
            Some(host) => assert_goes_to(snapshot, *host),
            None => {
                sent.assert_dropped(DropReason::NoLookupRecord);
            }
        }
    }
}

/// Tables of a few rows take tens of thousands, and every snapshot of the way still has its own.
#[test]
fn tables_grow_under_snapshots_that_are_still_read() {
    let address = |k: u32| nvgre_wire::CustomerAddress::v4((0x0a01_0000 + k).to_be_bytes());
    let mac = |k: u32| nvgre_wire::MacAddress::from_bits(0x0606_0700_0000 + u64::from(k));
    let record = |k| {
        encap(
            1_000 + k,
            BLUE,
            address(k),
            mac(k),
            host_v4(1 + k as usize % 3),
        )
    };
    let reached = |snapshot: &Arc<Snapshot>, k| {
        let sent = blue1_sends(snapshot, &frame_to(&record(k)));
        match sent.verdict {
            Verdict::Uplink => Some(read_nvgre(&sent.frame).destination),
            _ => None,
        }
    };
    let mut edited = host0();
    let mut kept = Vec::new();
    let all = 20_000;
    for k in 0..all {
        edited.publisher.insert(&record(k)).unwrap();
        // One in four leaves again, a little later.
        if k % 4 == 3 {
            edited.publisher.remove(&record(k - 2)).unwrap();
        }
        if k % 1_000 == 999 {
            kept.push((k + 1, edited.publisher.publish()));
        } else if k % 100 == 99 {
            let _ = edited.publisher.publish();
        }
    }
    for (count, snapshot) in &kept {
        for k in (0..all).step_by(97) {
            let there = k < *count && k % 4 != 1;
            let host = host_v4(1 + k as usize % 3).ip();
            assert_eq!(
                reached(snapshot, k),
                there.then_some(host),
                "{k} of {count}"
            );
        }
        assert_goes_to(snapshot, 1);
    }
}

#[test]
fn v01_a_second_record_of_an_address_is_refused_and_changes_nothing() {
    let mut edited = host0();
    let there = BLUE2.record_id(true);
    let twice = PolicyError::DuplicateRecord {
        first: there,
        second: RecordId(900),
    };
    assert_eq!(edited.edit(Edit::Insert(blue2_at(2))), Err(twice));
    let dynamic = LookupRecord {
        record_type: RecordType::Dynamic,
        ..blue2_at(2)
    };
    assert_eq!(edited.edit(Edit::Insert(dynamic)), Err(twice));
    assert_goes_to(&edited.publish().1, 1);
}

#[test]
fn v07_records_without_address_are_told_apart_by_family_mac_and_type() {
    let mut edited = host0();
    let gateway = wildcard(900, BLUE, "0.0.0.0", BLUE2.mac, host_v4(1));
    for other in [
        gateway,
        wildcard(901, BLUE, "::", BLUE2.mac, host_v4(1)),
        wildcard(902, BLUE_B, "0.0.0.0", BLUE2.mac, host_v4(1)),
        wildcard(903, BLUE, "0.0.0.0", BLUE3.mac, host_v4(1)),
        l2_only(904, BLUE, BLUE2.mac, host_v4(1)),
    ] {
        edited.edit(Edit::Insert(other)).unwrap();
    }
    let again = LookupRecord {
        id: RecordId(905),
        provider_address: host_v4(2),
        ..gateway
    };
    assert_eq!(
        edited.edit(Edit::Insert(again)),
        Err(PolicyError::DuplicateRecord {
            first: RecordId(900),
            second: RecordId(905),
        })
    );
    // With an address it is no record, and no name of one.
    let addressed = LookupRecord {
        customer_address: ca("10.0.0.5"),
        ..gateway
    };
    let refusal = Err(PolicyError::CustomerAddressForType(RecordId(900)));
    assert_eq!(edited.edit(Edit::Insert(addressed)), refusal);
    let none = Err(PolicyError::NoSuchRecord(RecordId(900)));
    assert_eq!(edited.edit(Edit::Remove(addressed)), none);
    edited.edit(Edit::Remove(gateway)).unwrap();
    assert_eq!(edited.edit(Edit::Remove(gateway)), none);
}

#[test]
fn v04_a_nat_record_shares_its_provider_address_with_no_other_however_it_comes() {
    let mut edited = host0();
    let nat = |k: u8| LookupRecord {
        rule: Rule::Nat,
        provider_address: pa("192.168.5.77"),
        ..stranger(k)
    };
    let shared = |first, second| {
        Err(PolicyError::NatAddressShared {
            first: RecordId(first),
            second: RecordId(second),
        })
    };
    let plain = |k| LookupRecord {
        rule: Rule::Encap,
        ..nat(k)
    };
    edited.edit(Edit::Insert(plain(1))).unwrap();
    assert_eq!(edited.edit(Edit::Insert(nat(2))), shared(901, 902));
    edited.edit(Edit::Insert(plain(2))).unwrap();
    // In the place of one of two.
    assert_eq!(edited.edit(Edit::Replace(nat(2))), shared(901, 902));
    edited.edit(Edit::Remove(plain(1))).unwrap();
    // Alone, it may.
    edited.edit(Edit::Replace(nat(2))).unwrap();
    assert_eq!(edited.edit(Edit::Insert(plain(1))), shared(902, 901));
    assert_eq!(edited.edit(Edit::Insert(nat(1))), shared(902, 901));
    edited.edit(Edit::Replace(plain(2))).unwrap();
    edited.edit(Edit::Insert(plain(1))).unwrap();
}

#[test]
fn a_record_that_no_policy_may_have_is_refused_and_changes_nothing() {
    let mut edited = host0();
    let (policy, before) = edited.publish();
    let id = RecordId(977);
    let good = stranger(77);
    for (bad, error) in [
        (
            LookupRecord {
                use_vm_mac: true,
                ..good
            },
            PolicyError::VmMacWithoutNat(id),
        ),
        (
            LookupRecord {
                customer_address: ca("0.0.0.0"),
                ..good
            },
            PolicyError::CustomerAddressForType(id),
        ),
        (
            LookupRecord {
                customer_address: ca("239.1.1.1"),
                ..good
            },
            PolicyError::CustomerAddressNotUnicast(id),
        ),
        (
            LookupRecord {
                mac: BROADCAST,
                ..good
            },
            PolicyError::RecordMacNotUnicast(id),
        ),
        (
            LookupRecord {
                provider_address: pa("224.0.0.9"),
                ..good
            },
            PolicyError::ProviderAddressNotUnicast(id),
        ),
    ] {
        assert_eq!(edited.edit(Edit::Insert(bad)), Err(error));
        let named = LookupRecord {
            customer_address: BLUE2.ca(true),
            ..bad
        };
        if bad.customer_address == good.customer_address {
            assert_eq!(edited.edit(Edit::Replace(named)), Err(error));
        }
    }
    for edit in [Edit::Replace(good), Edit::Remove(good)] {
        assert_eq!(edited.edit(edit), Err(PolicyError::NoSuchRecord(id)));
    }
    assert_eq!(edited.policy, policy);
    let arrivals: Vec<_> = specimens().into_iter().map(|f| (Some(0), f)).collect();
    assert_as_fresh(&policy, &before, &arrivals);
    assert_as_fresh(&policy, &edited.publish().1, &arrivals);
}

#[test]
fn without_the_wnv_binding_no_record_can_be_edited() {
    let mut policy = sample_policy(Carriage::EncapV4, 0);
    policy.wnv_bound = false;
    let mut publisher = nvgre_dataplane::Publisher::new(&policy, SEED).unwrap();
    let new = stranger(77);
    assert_eq!(publisher.insert(&new), Err(PolicyError::NotBound(new.id)));
    let there = policy.records[0];
    let none = Err(PolicyError::NoSuchRecord(there.id));
    assert_eq!(publisher.replace(&there), none);
    assert_eq!(publisher.remove(&there), none);
}
