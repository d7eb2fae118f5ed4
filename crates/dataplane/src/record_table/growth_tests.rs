//! What a table keeps when it grows, and how much it weighs.

use alloc::vec::Vec;

use nvgre_wire::ProviderAddress;

use super::*;
use crate::entry::Seen;
use crate::lookup_record::{RecordId, Rule};

const VSID: VirtualSubnetId = VirtualSubnetId::MIN;
const DOMAIN: u32 = 7;

fn record(number: u32) -> LookupRecord {
    let [_, a, b, c] = number.to_be_bytes();
    let customer_address = if number.is_multiple_of(5) {
        CustomerAddress::v6(core::array::from_fn(|at| [0xfd, a, b, c][at % 4]))
    } else {
        CustomerAddress::v4([10, a, b, c])
    };
    LookupRecord {
        id: RecordId(number),
        virtual_subnet: VSID,
        customer_address,
        // Two records a MAC.
        mac: MacAddress::from_bits(u64::from(number / 2)),
        provider_address: ProviderAddress::v4([192, 168, 0, 1]),
        rule: Rule::Encap,
        record_type: RecordType::Static,
        use_vm_mac: false,
    }
}

fn add(table: &mut RecordTable, used: &mut Fill, number: u32) {
    if !table.has_room(used) {
        *table = table.grown(1, 1, used);
        assert!(table.has_room(used));
    }
    table.insert(
        &Entry::of(&record(number), 0, Seen::default()),
        Some(DOMAIN),
        1,
        used,
    );
}

fn found(table: &RecordTable, number: u32) -> bool {
    let like = record(number);
    let is_it = |entry: Entry| entry.id() == like.id;
    let ca = like.customer_address;
    let ways = [
        table.by_address(VSID, ca, 1).is_some_and(is_it),
        table
            .by_mac(VSID, like.mac, 1)
            .filter(|&entry| is_it(entry))
            .count()
            == 1,
        table
            .by_domain(DOMAIN, ca, 1)
            .filter(|&entry| is_it(entry))
            .count()
            == 1,
    ];
    assert!(
        ways == [true; 3] || ways == [false; 3],
        "{number}: {ways:?}"
    );
    ways[0]
}

#[test]
fn a_table_that_grows_keeps_every_record_and_every_way_to_it() {
    let hasher = RandomState::with_seeds(1, 2, 3, 4);
    let mut table = RecordTable::with_room(Fill::default(), &hasher);
    let mut used = Fill::default();
    for number in 0..20_000 {
        add(&mut table, &mut used, number);
        // Every third is taken out again, a while later.
        if let Some(old) = number.checked_sub(90).filter(|old| old.is_multiple_of(3)) {
            let (slot, entry) = table.find(&record(old), 1).expect("it was added");
            table.close(slot, 1);
            table.free(slot, &entry, Some(DOMAIN), &mut used);
        }
    }
    let gone = |number: u32| number.is_multiple_of(3) && number + 90 < 20_000;
    for number in 0..20_000 {
        assert_eq!(found(&table, number), !gone(number), "{number}");
    }
    let ids: Vec<_> = table.entries(1).map(|entry| entry.id()).collect();
    assert_eq!(
        ids.len(),
        (0..20_000).filter(|&number| !gone(number)).count()
    );
}

#[test]
fn a_record_takes_at_most_64_bytes_however_many_there_are() {
    let hasher = RandomState::with_seeds(1, 2, 3, 4);
    let numbers = |count: u32| (0..).filter(|number| number % 5 != 0).take(count as usize);
    let mut table = RecordTable::with_room(Fill::default(), &hasher);
    let mut used = Fill::default();
    for (index, number) in numbers(40_000).enumerate() {
        add(&mut table, &mut used, number);
        // What is fixed weighs on few.
        if index >= 5_000 {
            assert!(
                table.bytes() <= 64 * (index + 1),
                "{} at {index}",
                table.bytes()
            );
        }
    }
    let all: Vec<_> = numbers(40_000).map(record).collect();
    let built = RecordTable::with_room(Fill::of(&all), &hasher);
    assert!(built.bytes() <= 64 * all.len());
}
