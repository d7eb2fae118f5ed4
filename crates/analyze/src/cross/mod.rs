//! The hosts of an estate beside each other: where their tables disagree with one another, or with
//! what runs where. Nothing is forwarded here.
//!
//! What is asked across hosts: V-02, V-03 in its half that tables show, V-05, V-08, V-12, V-14
//! (MAC and subnet of an adapter; its addresses are not judged) and V-16, and that hosts that share
//! a record or route say the same about it.
//!
//! A guest is where its adapter is. Records are judged by that first, then by what most hosts say.
//! Where guests of a routing domain run on one host only, nothing needs to cross the underlay and
//! nothing is missing. A host of which no adapter is known is not accused; where none is known of any
//! host, a routing domain is in use wherever there is any policy of it.
//!
//! | file | holds |
//! |---|---|
//! | `disagreement.rs` | [`Disagreement`]: who says what, and what would mend it |
//! | `what.rs`, `what_text.rs` | [`What`]: the kinds, and their sentences |
//! | `index.rs`, `domain.rs` | who runs, owns and needs what |
//! | `judged.rs` | whether a record points to its guest, and what it should say |
//! | `records.rs`, `missing.rs`, `sides.rs` | lookup records |
//! | `routes.rs`, `prefixes.rs` | customer routes |
//! | `guests.rs` | MACs; policy that no guest needs |
//! | `provider.rs`, `provider_network.rs` | provider addresses, ways between them, their networks |
//! | `not_dumped.rs` | what is not known of a host, and so not held against it |
//! | `own.rs` | each host's policy by itself |
//! | `commands.rs` | the commands that mend |

mod commands;
mod disagreement;
mod domain;
mod guests;
mod index;
mod judged;
mod missing;
mod not_dumped;
mod own;
mod prefixes;
mod provider;
mod provider_network;
mod records;
mod routes;
mod sides;
mod what;
mod what_text;

use nvgre_netwnv::{Dump, DumpHost, Estate};

pub use disagreement::{Disagreement, HostCommand, Remedy, Side};
pub use domain::Domain;
pub(crate) use judged::says_same;
pub use what::{About, GuestAt, RecordField, RouteName, What};

use crate::cross::index::Index;

/// Everything that the hosts disagree about, the worst first; the same estate gives the same list.
///
/// Costs a sort of all rows: hosts are not compared pair by pair.
pub fn cross_check(estate: &Estate) -> Vec<Disagreement> {
    beside_each_other(estate, &[])
}

fn beside_each_other(estate: &Estate, dumped: &[DumpHost]) -> Vec<Disagreement> {
    let index = Index::new(estate, dumped);
    let mut found = Vec::new();
    records::check(&index, &mut found);
    routes::check(&index, &mut found);
    prefixes::check(&index, &mut found);
    guests::check(&index, &mut found);
    provider::check(&index, &mut found);
    provider_network::check(&index, &mut found);
    not_dumped::check(&index, &mut found);
    rank(&mut found);
    found
}

/// What [`cross_check`] finds, and what is wrong with each host's policy by itself: for hosts whose
/// policy nobody has loaded yet. What was not dumped of a host is not held against it, but told.
pub fn examine(dump: &Dump) -> Vec<Disagreement> {
    let mut found = beside_each_other(&dump.estate, &dump.hosts);
    own::check(dump, &mut found);
    rank(&mut found);
    found
}

/// What was found first stays first among equals: that is the order of keys.
fn rank(found: &mut [Disagreement]) {
    found.sort_by_key(|one| (std::cmp::Reverse(one.severity), one.what.rank()));
}
