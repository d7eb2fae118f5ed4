//! Who edits a policy: a publisher, and edits that it publishes one by one.

use std::time::Instant;

use nvgre_dataplane::{LookupRecord, Publisher, Subscription};

use crate::guests::{
    FIRST_HOST, FIRST_REMOTE, Family, HOSTS, guest_provider, host_of, host_provider,
};
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
    pub(crate) fn load(world: World) -> Self {
        let empty = world.host_without_records(FIRST_HOST);
        let mut publisher = Publisher::new(&empty, SEED).expect("the policy is sound");
        for guest in 0..world.records {
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
        // There with an even number, back with the odd one behind it.
        let (pair, there) = (mixed(number / 2), number.is_multiple_of(2));
        let (guest, provider) = match edit {
            Edit::Provider => {
                let random = mixed(number);
                let host = 1 + (random >> 32) as u32 % (HOSTS - 1);
                (self.remote(random), host_provider(host))
            }
            Edit::Floods => {
                let guest = self.remote(pair);
                let empty = HOSTS + (pair >> 32) as u32 % HOSTS;
                let host = if there { empty } else { host_of(guest) };
                (guest, host_provider(host))
            }
            Edit::Nat => {
                let guest = self.remote(pair);
                let spare = self.world.records + (pair >> 32) as u32 % SPARE;
                let owner = if there { spare } else { guest };
                (guest, guest_provider(owner))
            }
        };
        LookupRecord {
            provider_address: provider,
            ..self.world.record(guest)
        }
    }

    fn remote(&self, random: u64) -> u32 {
        FIRST_REMOTE + random as u32 % (self.world.records - FIRST_REMOTE)
    }
}

/// Provider addresses that no guest has to itself, for guests that are rewritten.
const SPARE: u32 = 1_024;

/// The network of the cases about policy.
pub(crate) const fn world(records: u32, rules: Rules) -> World {
    World {
        records,
        rules,
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
