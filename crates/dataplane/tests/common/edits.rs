//! Edits of records, made twice: one by one to a publisher's tables, and to a policy that is compiled
//! afresh. Whatever is asked, both must say the same.

use std::fmt;
use std::sync::Arc;

use nvgre_dataplane::{
    Event, LookupRecord, Policy, PolicyError, Publisher, RecordId, RecordType, Rule, Snapshot,
};
use nvgre_wire::{CustomerAddress, MacAddress};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// One edit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edit {
    Insert(LookupRecord),
    Replace(LookupRecord),
    Remove(LookupRecord),
}

/// Whether two records have one name (V-01, V-07), written once more.
pub(crate) fn same_name(a: &LookupRecord, b: &LookupRecord) -> bool {
    let has_address = |record: &LookupRecord| record.record_type.has_customer_address();
    a.virtual_subnet == b.virtual_subnet
        && a.customer_address == b.customer_address
        && has_address(a) == has_address(b)
        && (has_address(a) || (a.mac, a.record_type) == (b.mac, b.record_type))
}

impl Edit {
    /// Edits the tables.
    pub(crate) fn apply(&self, publisher: &mut Publisher) -> Result<(), PolicyError> {
        match self {
            Self::Insert(record) => publisher.insert(record),
            Self::Replace(record) => publisher.replace(record),
            Self::Remove(record) => publisher.remove(record),
        }
    }

    /// Edits the policy, which stays as it is when the edit is refused.
    pub(crate) fn apply_to(&self, policy: &mut Policy) -> Result<(), Vec<PolicyError>> {
        let mut edited = policy.clone();
        let (Self::Insert(record) | Self::Replace(record) | Self::Remove(record)) = self;
        let there = policy.records.iter().position(|r| same_name(r, record));
        match (self, there) {
            (Self::Insert(_), _) => edited.records.push(*record),
            (Self::Replace(_), Some(there)) => edited.records[there] = *record,
            (Self::Remove(_), Some(there)) => {
                edited.records.remove(there);
            }
            (Self::Replace(_) | Self::Remove(_), None) => {
                return Err(vec![PolicyError::NoSuchRecord(record.id)]);
            }
        }
        edited.check()?;
        *policy = edited;
        Ok(())
    }
}

/// A publisher beside the policy that it should stand for.
pub(crate) struct Edited {
    pub(crate) publisher: Publisher,
    pub(crate) policy: Policy,
}

impl Edited {
    #[track_caller]
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            publisher: Publisher::new(&policy, SEED).expect("a policy"),
            policy,
        }
    }

    /// Makes the edit on both sides, which must agree whether it is refused.
    #[track_caller]
    pub(crate) fn edit(&mut self, edit: Edit) -> Result<(), PolicyError> {
        // Which of several sharers came first is a matter of where the policy lists them.
        let sharers = |error: &PolicyError| match *error {
            PolicyError::NatAddressShared { first, second } => first != second,
            _ => false,
        };
        let found = edit.apply(&mut self.publisher);
        let expected = edit.apply_to(&mut self.policy);
        match (&found, &expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(errors)) if errors.contains(error) => {}
            (Err(error), Err(errors)) if sharers(error) && errors.iter().any(sharers) => {}
            _ => panic!("{edit:?}: the tables say {found:?}, the policy {expected:?}"),
        }
        found
    }

    /// Publishes; the snapshot with the policy of this moment.
    pub(crate) fn publish(&mut self) -> (Policy, Arc<Snapshot>) {
        (self.policy.clone(), self.publisher.publish())
    }
}

/// What a host did, in a form that two hosts can be compared in: the order in which a flood visits
/// other hosts is that in which records came to name them, and counts for nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Canonical {
    outcomes: Vec<Outcome>,
    counters: String,
}

impl Canonical {
    /// Feeds a new worker with all of these, one by one.
    pub(crate) fn of(mut host: Host, arrivals: &[(Option<u32>, Vec<u8>)]) -> Self {
        let arrive = |(way, frame): &(Option<u32>, Vec<u8>)| {
            let mut outcome = match way {
                Some(port) => host.send(*port, frame),
                None => host.receive(frame),
            };
            // A flood may end in a drop, when it has asked for the way to every host.
            let asked = |event: &&Event| matches!(event, Event::NextHopAsked { .. });
            let flooded = |event: &Event| matches!(event, Event::Flooded { .. });
            let of_hosts = outcome.trace.iter().filter(asked).count() > 1;
            if of_hosts || outcome.trace.iter().any(flooded) {
                outcome.copies.sort_by_key(|copy| format!("{copy:?}"));
                outcome.trace.sort_by_key(|event| format!("{event:?}"));
            }
            outcome
        };
        let outcomes = arrivals.iter().map(arrive).collect();
        Self {
            outcomes,
            counters: format!("{:?}", host.worker.counters()),
        }
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, outcome) in self.outcomes.iter().enumerate() {
            write!(f, "-- frame {index}\n{outcome}")?;
        }
        writeln!(f, "{}", self.counters)
    }
}

/// The snapshot does with all of these what a snapshot of this policy, compiled afresh, does.
#[track_caller]
pub(crate) fn assert_as_fresh(
    policy: &Policy,
    snapshot: &Arc<Snapshot>,
    arrivals: &[(Option<u32>, Vec<u8>)],
) {
    let fresh = Canonical::of(Host::new(policy.clone()), arrivals);
    let edited = Canonical::of(Host::with(policy.clone(), snapshot.clone()), arrivals);
    if fresh == edited {
        return;
    }
    let differs = |&k: &usize| fresh.outcomes[k] != edited.outcomes[k];
    match (0..arrivals.len()).find(differs) {
        Some(k) => panic!(
            "frame {k}, {} at {:?}\n-- by a fresh snapshot\n{}-- by an edited one\n{}",
            hex(&arrivals[k].1),
            arrivals[k].0,
            fresh.outcomes[k],
            edited.outcomes[k]
        ),
        None => panic!("counters\n{}\n{}", fresh.counters, edited.counters),
    }
}

/// A subnet that no route puts into a domain.
pub(crate) const STRAY: u32 = 7001;

/// Every place and every carriage that [`rich_policy`] knows, and some that it does not: drawn often
/// enough from few enough that names, MACs and provider addresses meet.
pub(crate) fn records() -> impl Strategy<Value = LookupRecord> {
    let subnets = select(vec![BLUE, BLUE, BLUE_B, RED, STRAY]);
    let guests = [BLUE1, BLUE2, BLUE3, BLUE_B1, RED1];
    let addresses = guests
        .into_iter()
        .flat_map(|guest| [guest.ca(true), guest.ca(false)])
        .chain(["10.0.0.200", "fd00::200", "10.0.0.1", "224.0.0.1"].map(ca));
    let macs = guests.map(|guest| guest.mac).into_iter().chain([
        MacAddress::new([6, 6, 0, 0, 0, 0x44]),
        MacAddress::new([7, 6, 0, 0, 0, 0x44]),
    ]);
    let nat = |guest, ipv4| Carriage::Nat.provider_address(guest, ipv4);
    let providers = (0..HOSTS)
        .flat_map(|host| [host_v4(host), host_v4(host), host_v6(host)])
        .chain(
            [BLUE1, RED1, RED2]
                .into_iter()
                .flat_map(|g| [nat(g, true), nat(g, false)]),
        )
        .chain(["192.168.9.9", "fd00:9::9", "224.0.0.9", "0.0.0.0"].map(pa));
    let rules = select(vec![
        Rule::Encap,
        Rule::Encap,
        Rule::Encap,
        Rule::Nat,
        Rule::None,
    ]);
    let types = select(vec![
        RecordType::Static,
        RecordType::Static,
        RecordType::Dynamic,
        RecordType::GatewayWildcard,
        RecordType::L2Only,
    ]);
    (
        subnets,
        select(addresses.collect::<Vec<_>>()),
        select(macs.collect::<Vec<_>>()),
        select(providers.collect::<Vec<_>>()),
        (
            rules,
            types,
            prop::bool::weighted(0.1),
            prop::bool::weighted(0.05),
        ),
    )
        .prop_map(
            |(subnet, address, mac, provider, (rule, kind, vm_mac, odd))| {
                // Nearly all have an address if their type has one.
                let any = if address.is_ipv4() {
                    ca("0.0.0.0")
                } else {
                    ca("::")
                };
                let address = if kind.has_customer_address() == odd {
                    any
                } else {
                    address
                };
                LookupRecord {
                    rule,
                    record_type: kind,
                    use_vm_mac: vm_mac,
                    ..encap(0, subnet, address, mac, provider)
                }
            },
        )
}

/// What an owner does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Insert(LookupRecord),
    /// Another record in the place of one that is there, under its name.
    Replace(prop::sample::Index, LookupRecord),
    /// A record in the place of another, if there is one of its name.
    ReplaceNamed(LookupRecord),
    Remove(prop::sample::Index),
    /// Keeps the snapshot, or not.
    Publish(bool),
    /// Lets go of a snapshot.
    Forget(prop::sample::Index),
}

pub(crate) fn steps() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => records().prop_map(Step::Insert),
        3 => (index(), records()).prop_map(|(at, record)| Step::Replace(at, record)),
        1 => records().prop_map(Step::ReplaceNamed),
        5 => index().prop_map(Step::Remove),
        3 => any::<bool>().prop_map(Step::Publish),
        1 => index().prop_map(Step::Forget),
    ]
}

impl Step {
    /// The edit that it is now, under an id that no record had before.
    pub(crate) fn edit(&self, policy: &Policy, id: u32) -> Option<Edit> {
        let chosen = |at: &prop::sample::Index| {
            let there = !policy.records.is_empty();
            there.then(|| policy.records[at.index(policy.records.len())])
        };
        let id = RecordId(id);
        match self {
            Self::Insert(record) => Some(Edit::Insert(LookupRecord { id, ..*record })),
            Self::ReplaceNamed(record) => Some(Edit::Replace(LookupRecord { id, ..*record })),
            Self::Replace(at, record) => chosen(at).map(|old| {
                let named = LookupRecord {
                    id,
                    virtual_subnet: old.virtual_subnet,
                    customer_address: old.customer_address,
                    record_type: old.record_type,
                    ..*record
                };
                Edit::Replace(if old.record_type.has_customer_address() {
                    named
                } else {
                    LookupRecord {
                        mac: old.mac,
                        ..named
                    }
                })
            }),
            Self::Remove(at) => chosen(at).map(Edit::Remove),
            Self::Publish(_) | Self::Forget(_) => None,
        }
    }
}

/// Host 0 of the sample, whose guests are reached over NVGRE.
pub(crate) fn host0() -> Edited {
    Edited::new(sample_policy(Carriage::EncapV4, 0))
}

/// A record of an address that the sample does not have.
pub(crate) fn stranger(last: u8) -> LookupRecord {
    let mac = MacAddress::new([6, 6, 0, 0, 1, last]);
    let address = CustomerAddress::v4([10, 0, 0, last]);
    encap(900 + u32::from(last), BLUE, address, mac, host_v4(2))
}

pub(crate) fn frame_to(record: &LookupRecord) -> Vec<u8> {
    let packet = Ip::new(BLUE1.v4, record.customer_address.ip()).udp((1, 2), b"x");
    ip_frame(record.mac, BLUE1.mac, &packet)
}

/// What the host does with a frame of Blue 1.
pub(crate) fn blue1_sends(snapshot: &Arc<Snapshot>, frame: &[u8]) -> Outcome {
    Host::with(Policy::default(), snapshot.clone()).send(BLUE1.port, frame)
}

/// What the host does with a frame from the underlay.
pub(crate) fn host0_receives(snapshot: &Arc<Snapshot>, frame: &[u8]) -> Outcome {
    Host::with(Policy::default(), snapshot.clone()).receive(frame)
}
