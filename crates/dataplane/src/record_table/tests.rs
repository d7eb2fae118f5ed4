//! Records by every way to them, while other versions of them come and go.

use alloc::vec::Vec;

use super::*;
use crate::entry::Seen;
use crate::lookup_record::{RecordId, Rule};
use crate::table::tests::{Dice, tries};
use nvgre_wire::ProviderAddress;

fn vsid(k: u32) -> VirtualSubnetId {
    VirtualSubnetId::try_new(5_001 + k).expect("a subnet")
}

/// Few of everything, so that MACs and addresses are met in many subnets. The domain of a subnet is
/// half its number; every fifth has none.
fn record(dice: &mut Dice, id: u32) -> LookupRecord {
    let record_type = match dice.below(6) {
        0 => RecordType::GatewayWildcard,
        1 => RecordType::L2Only,
        2 => RecordType::Dynamic,
        _ => RecordType::Static,
    };
    let v6 = dice.below(3) == 0;
    let last = if record_type.has_customer_address() {
        1 + dice.below(6) as u8
    } else {
        0
    };
    let mut octets = [0; 16];
    octets[15] = last;
    LookupRecord {
        id: RecordId(id),
        virtual_subnet: vsid(dice.below(5) as u32),
        customer_address: if v6 {
            CustomerAddress::v6(octets)
        } else {
            CustomerAddress::v4([0, 0, 0, last])
        },
        mac: MacAddress::new([6, 0, 0, 0, 0, dice.below(4) as u8]),
        provider_address: ProviderAddress::v4([10, 0, 0, 1]),
        rule: Rule::Encap,
        record_type,
        use_vm_mac: false,
    }
}

fn domain(vsid: VirtualSubnetId) -> Option<u32> {
    let k = vsid.get() - 5_001;
    (k < 4).then_some(k / 2)
}

fn ids(entries: impl Iterator<Item = Entry>) -> Vec<RecordId> {
    let mut ids: Vec<_> = entries.map(|entry| entry.id()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_row_holds_all_of_its_record() {
    for seed in 0..tries(200, 5) as u64 {
        let mut dice = Dice::new(seed);
        let record = LookupRecord {
            rule: [Rule::Nat, Rule::Encap, Rule::None][dice.below(3) as usize],
            use_vm_mac: dice.below(2) == 0,
            ..record(&mut dice, u32::MAX - seed as u32)
        };
        let (own, local) = (dice.below(2) == 0, dice.below(2) == 0);
        let entry = Entry::of(
            &record,
            u32::MAX,
            Seen {
                own,
                local,
                router_mac: false,
            },
        );
        let table =
            RecordTable::with_room(Fill::of([&record]), &RandomState::with_seeds(1, 2, 3, 4));
        table.insert(&entry, None, 1, &mut Fill::default());
        let (_, found) = table.find(&record, 1).expect("the record");
        for entry in [entry, found] {
            assert_eq!(entry.id(), record.id);
            assert_eq!(entry.virtual_subnet(), record.virtual_subnet);
            assert_eq!(entry.customer_address(), record.customer_address);
            assert_eq!(entry.mac(), record.mac);
            assert_eq!(entry.rule(), record.rule);
            assert_eq!(entry.record_type(), record.record_type);
            assert_eq!(entry.use_vm_mac(), record.use_vm_mac);
            assert_eq!(entry.provider(), u32::MAX);
            assert_eq!((entry.is_own(), entry.is_local()), (own, local));
            assert!(entry.is_over_ipv4());
        }
    }
}

/// A record of the model, its place, its first version and its end.
struct Row {
    record: LookupRecord,
    slot: Slot,
    first: Version,
    end: Version,
}

#[test]
fn every_version_finds_its_own_records_by_address_mac_and_domain() {
    for seed in 0..tries(6, 1) as u64 {
        every_version_finds_its_own_records(seed, tries(500, 21));
    }
}

fn every_version_finds_its_own_records(seed: u64, steps: usize) {
    let mut dice = Dice::new(seed);
    let room = Fill {
        v4: 60,
        v6: 40,
        stations: 80,
        by_mac: 100,
        by_domain: 100,
    };
    let table = RecordTable::with_room(room, &RandomState::with_seeds(seed, 2, 3, 4));
    let (mut rows, mut used) = (Vec::<Row>::new(), Fill::default());
    let (mut oldest, mut next): (Version, Version) = (1, 2);
    for step in 0..steps {
        let record = record(&mut dice, step as u32);
        let there = table.find(&record, next);
        let open = |row: &&mut Row| row.end == Version::MAX && row.record.name() == record.name();
        let model = rows.iter_mut().find(open);
        assert_eq!(
            there.map(|(slot, entry)| (slot, entry.id())),
            model.as_ref().map(|row| (row.slot, row.record.id)),
            "seed {seed} step {step}"
        );
        match model {
            Some(row) => {
                table.close(row.slot, next);
                row.end = next;
            }
            None if table.has_room(&used) => {
                let entry = Entry::of(&record, 0, Seen::default());
                table.insert(&entry, domain(record.virtual_subnet), next, &mut used);
                let (slot, _) = table.find(&record, next).expect("the new record");
                rows.push(Row {
                    record,
                    slot,
                    first: next,
                    end: Version::MAX,
                });
            }
            None => {}
        }
        if dice.below(3) == 0 {
            next += 1;
        }
        if dice.below(5) == 0 {
            // Every reader of an older version is gone.
            oldest = (oldest + 1 + dice.below(3) as Version).min(next);
            rows.retain(|row| {
                let seen = row.end > oldest;
                if !seen {
                    let entry = Entry::of(&row.record, 0, Seen::default());
                    let domain = domain(row.record.virtual_subnet);
                    table.free(row.slot, &entry, domain, &mut used);
                }
                seen
            });
        }
        if step % tries(1, 10) > 0 {
            continue;
        }
        for version in [oldest, next] {
            let sees = |row: &&Row| (row.first..row.end).contains(&version);
            let seen: Vec<_> = rows.iter().filter(sees).map(|row| row.record).collect();
            assert_same(&table, version, &seen);
        }
    }
    for row in rows {
        table.close(row.slot, next);
        let entry = Entry::of(&row.record, 0, Seen::default());
        let domain = domain(row.record.virtual_subnet);
        table.free(row.slot, &entry, domain, &mut used);
    }
    assert_eq!(table.entries(next).count(), 0);
}

/// The table says of every question what a list of records says.
fn assert_same(table: &RecordTable, version: Version, records: &[LookupRecord]) {
    let all = |is: &dyn Fn(&LookupRecord) -> bool| {
        let chosen = records.iter().filter(|record| is(record));
        let mut ids: Vec<_> = chosen.map(|record| record.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(table.entries(version)), all(&|_| true));
    for subnet in (0..6).map(vsid) {
        for last in 0..5 {
            let mac = MacAddress::new([6, 0, 0, 0, 0, last]);
            assert_eq!(
                ids(table.by_mac(subnet, mac, version)),
                all(&|record| (record.virtual_subnet, record.mac) == (subnet, mac))
            );
        }
    }
    for last in 1..8 {
        let mut octets = [0; 16];
        octets[15] = last;
        for ca in [
            CustomerAddress::v4([0, 0, 0, last]),
            CustomerAddress::v6(octets),
        ] {
            let has = |record: &LookupRecord| record.customer_address == ca;
            for subnet in (0..6).map(vsid) {
                let found = table.by_address(subnet, ca, version);
                assert_eq!(
                    ids(found.into_iter()),
                    all(&|record| has(record) && record.virtual_subnet == subnet)
                );
            }
            for of in 0..3 {
                let found = table.by_domain(of, ca, version);
                let found = found.filter(|entry| domain(entry.virtual_subnet()) == Some(of));
                assert_eq!(
                    ids(found),
                    all(&|record| has(record) && domain(record.virtual_subnet) == Some(of))
                );
            }
        }
    }
}
