//! Frames and a policy snapshot in, verdicts out: the ports, tables, encapsulation and IP rewrite of
//! Hyper-V Network Virtualization, over NVGRE (RFC 7637).
//!
//! What it is: the one forwarding core. Replay, the modeled guests' traffic and the benchmarks all
//! call it. Frames stay in the caller's memory: encapsulation moves the start of a
//! [`nvgre_wire::FrameBuf`], answers are built in the question's bytes, and between ingress and
//! egress no payload byte is copied and nothing is allocated.
//!
//! What it is not: no input or output, no clock (the caller says what time it is), no log (it counts
//! and traces), no learning by itself ([`Learned`] tells the owner of the policy).
//!
//! How fast, and why: policy is compiled so that most frames are decided by one row of one table and a
//! few comparisons (`short.rs`). A batch fetches the rows of its frames before it forwards the first of
//! them; outer headers are prepared for each way over the underlay and patched; readers share nothing
//! but tables that are only added to. An edit of a record costs what it changes. `unsafe` is one
//! instruction, in `prefetch.rs`.
//!
//! ```text
//! most frames: the short way. Others, and all that are traced:
//! outbound: admit -> answer | flood | route | switch -> local port | leave (Encap, Nat) | drop
//! inbound:  decapsulate | rewrite back -> peer check -> port | drop
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `policy.rs` | [`Policy`]: typed objects, edited freely, and the checks before publication |
//! | `port.rs`, `acl.rs`, `lookup_record.rs`, `customer_route.rs`, `provider.rs` | the objects |
//! | `publisher.rs`, `compile.rs` | [`Publisher`]: edits of records, checked one by one, and snapshots |
//! | `publisher/` | what an edit changes of provider addresses and subnets; rows that nobody sees any more |
//! | `snapshot.rs`, `subscription.rs` | [`Snapshot`]: a state of the tables; a worker's view of the newest |
//! | `entry.rs`, `record_table.rs`, `table.rs`, `spread.rs`, `hints.rs`, `spine.rs` | lookup records; rows with versions; ways to rows; shared lists |
//! | `underlay.rs` | next hops on the provider network |
//! | `worker.rs`, `expect.rs`, `prefetch.rs` | [`Worker`]: the two ways in, a batch at a time, and the look ahead |
//! | `short.rs`, `short/` | what most frames are, decided by a few comparisons |
//! | `admit.rs`, `classify.rs` | what a port lets in; headers, read once |
//! | `outbound.rs` | the decisions about a guest's frame, in order |
//! | `answer.rs`, `flood.rs`, `leave.rs` | ARP and ND from the records; copies; onto the underlay |
//! | `encap.rs`, `decap.rs`, `nat.rs` | outer headers; every check on receipt; IP rewrite |
//! | `inbound.rs` | the decisions about a frame from the underlay, in order |
//! | `next_hop.rs` | [`NextHop`]: where an address leads, asked without a frame |
//! | `icmp_error.rs`, `limit.rs` | errors to guests; rates |
//! | `verdict.rs`, `drop_reason.rs`, `trace.rs`, `counters.rs` | what was decided, why not, how, how often |
#![no_std]
#![deny(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

/// The README's example compiles and runs with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

mod acl;
mod admit;
mod answer;
mod classify;
mod compile;
mod counters;
mod customer_route;
mod decap;
mod drop_reason;
mod encap;
mod entry;
mod expect;
mod flood;
mod hints;
mod icmp_error;
mod inbound;
mod leave;
mod limit;
mod lookup_record;
mod nat;
mod next_hop;
mod outbound;
mod policy;
mod port;
mod prefetch;
mod provider;
mod publisher;
mod record_table;
mod short;
mod snapshot;
mod spine;
mod spread;
#[cfg(feature = "std")]
mod subscription;
mod table;
mod trace;
mod underlay;
mod verdict;
mod worker;

pub use acl::{Acl, AclAction, AclDirection, AclRemote};
pub use counters::{Counters, PortCounters, Tally};
pub use customer_route::{CustomerRoute, RouteId};
pub use decap::{AnyProvider, Decapsulated, Outer, Provider, Refused, decapsulate};
pub use drop_reason::DropReason;
pub use lookup_record::{LookupRecord, RecordId, RecordType, Rule};
pub use next_hop::NextHop;
pub use policy::{DEFAULT_ROUTER_MAC, Policy, PolicyError, PolicyWarning, Settings};
pub use port::{Port, PortId, PortSubnet};
pub use provider::{HostAddress, Neighbor, ProviderRoute};
pub use publisher::Publisher;
pub use snapshot::Snapshot;
#[cfg(feature = "std")]
pub use subscription::Subscription;
pub use trace::{Event, NoTrace, Trace, Tracer};
pub use verdict::{Destination, Egress, Learned, Nanos, NoEgress, Verdict};
pub use worker::{PortFrame, Worker};
