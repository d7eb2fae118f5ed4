//! Who edits a policy: a publisher, and edits that it publishes one by one.

use std::time::Instant;

use nvgre_dataplane::{LookupRecord, Publisher, Subscription};

use crate::guests::{FIRST_HOST, FIRST_REMOTE, Family, HOSTS, host_of, host_provider};
use crate::policy_list::Edit;
use crate::world::{Rules, SEED, World};

/// See the module. All of it is of the first host.
#[derive(Debug)]
pub(crate) struct Editor {
    world: World,
    publisher: Publisher,
    edits: u64,
}

impl Editor {
    /// Records inserted one by one, and published.
    pub(crate) fn load(records: u32) -> Self {
        let world = world(records);
        let empty = world.host_without_records(FIRST_HOST);
        let mut publisher = Publisher::new(&empty, SEED).expect("the policy is sound");
        for guest in 0..records {
            let inserted = publisher.insert(&world.record(guest));
            inserted.expect("guests are numbered, so that no two records meet");
        }
        publisher.publish();
        Self {
            world,
            publisher,
            edits: 0,
        }
    }

    /// The network.
    pub(crate) const fn world(&self) -> World {
        self.world
    }

    /// Bytes of the records and all that finds them.
    pub(crate) fn record_bytes(&self) -> usize {
        self.publisher.record_bytes()
    }

    /// What workers ask.
    pub(crate) fn subscribe(&mut self) -> Subscription {
        self.publisher.subscribe()
    }

    /// The next edit. Gives the time in nanoseconds that it took to check it, to put it into every
    /// table and to publish it.
    pub(crate) fn edit(&mut self, edit: Edit) -> u64 {
        let record = self.next_record(edit);
        let start = Instant::now();
        let edited = self.publisher.replace(&record);
        let _ = self.publisher.publish();
        let took = start.elapsed();
        edited.expect("the record is there, and its new provider address is a host's");
        took.as_nanos() as u64
    }

    fn next_record(&mut self, edit: Edit) -> LookupRecord {
        let number = self.edits;
        self.edits += 1;
        let (guest, host) = match edit {
            Edit::Provider => {
                let random = mixed(number);
                (self.remote(random), 1 + (random >> 32) as u32 % (HOSTS - 1))
            }
            // There with an even number, back with the odd one behind it.
            Edit::Floods => {
                let random = mixed(number / 2);
                let guest = self.remote(random);
                let empty = HOSTS + (random >> 32) as u32 % HOSTS;
                (
                    guest,
                    if number.is_multiple_of(2) {
                        empty
                    } else {
                        host_of(guest)
                    },
                )
            }
        };
        LookupRecord {
            provider_address: host_provider(host),
            ..self.world.record(guest)
        }
    }

    fn remote(&self, random: u64) -> u32 {
        FIRST_REMOTE + random as u32 % (self.world.records - FIRST_REMOTE)
    }
}

/// The network of the cases about policy.
pub(crate) const fn world(records: u32) -> World {
    World {
        records,
        rules: Rules::Encap,
        family: Family::V4,
    }
}

/// A number without visible order, from one that counts (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut word = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
