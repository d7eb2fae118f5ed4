//! Addresses that a host learns: Dynamic records beside the L2Only record that vouches for their MAC.

use nvgre_dataplane::{Learned, LookupRecord, Policy, RecordId, RecordType, Rule};

/// Dynamic records get ids from here up, out of the way of those that scripts make.
const FIRST_LEARNED_ID: u32 = 0x8000_0000;
/// Most addresses that one host learns. A guest may show as many as it likes.
const LEARNED_MAX: usize = 1_024;

/// A learned address as a Dynamic record, if it is new and there is room for it.
pub(crate) fn record(policy: &Policy, learned: Learned) -> Option<LookupRecord> {
    let record = LookupRecord {
        id: RecordId(next_id(policy)),
        virtual_subnet: learned.virtual_subnet,
        customer_address: learned.customer_address,
        mac: learned.mac,
        provider_address: learned.provider_address,
        rule: Rule::Encap,
        record_type: RecordType::Dynamic,
        use_vm_mac: false,
    };
    let room = learned_of(policy).count() < LEARNED_MAX;
    (room && fits(policy, &record)).then_some(record)
}

/// What was learned under an earlier policy, as far as it fits the new one.
pub(crate) fn that_fit(earlier: &Policy, new: &Policy) -> Vec<LookupRecord> {
    let learned = learned_of(earlier);
    learned
        .filter(|record| fits(new, record))
        .copied()
        .collect()
}

/// Whether an L2Only record ties this MAC to this provider address, and no record has the customer
/// address. Rewritten packets show no MAC, so only Encap records vouch.
fn fits(policy: &Policy, learned: &LookupRecord) -> bool {
    let in_subnet = || {
        let records = policy.records.iter();
        records.filter(|record| record.virtual_subnet == learned.virtual_subnet)
    };
    in_subnet().any(|record| {
        vouches(record)
            && record.mac == learned.mac
            && record.provider_address == learned.provider_address
    }) && in_subnet().all(|record| record.customer_address != learned.customer_address)
}

/// Whether a record vouches for its MAC: an address that is seen with it is learned.
pub(crate) fn vouches(record: &LookupRecord) -> bool {
    record.record_type == RecordType::L2Only && record.rule == Rule::Encap
}

fn learned_of(policy: &Policy) -> impl Iterator<Item = &LookupRecord> {
    let records = policy.records.iter();
    records.filter(|record| record.id.0 >= FIRST_LEARNED_ID)
}

fn next_id(policy: &Policy) -> u32 {
    learned_of(policy)
        .map(|record| record.id.0 + 1)
        .max()
        .unwrap_or(FIRST_LEARNED_ID)
}
