//! Modeled hosts on a modeled underlay: captures are replayed through them, real guest stacks talk
//! across them, and an oracle that shares no rule with the dataplane watches every delivery.
//!
//! What it is: everything around the dataplane that a network needs, in virtual time. The same
//! inputs give the same bytes out, and a run has a hash that shows it.
//!
//! What it is not: no second copy of the forwarding rules (hosts call [`nvgre_dataplane::Worker`]),
//! no wall clock, no printing.
//!
//! | file | holds |
//! |---|---|
//! | `scenario.rs`, `scenario_*.rs`, `names.rs` | [`Scenario`]: the TOML file, checked |
//! | `model.rs`, `model_error.rs` | [`Model`]: a scenario brought to life, stage by stage |
//! | `network.rs`, `learning.rs` | [`Network`]: hosts, their policy, and what they learn |
//! | `underlay.rs` | [`Underlay`]: the wire between hosts |
//! | `clock.rs`, `world.rs` | [`World`]: guests, hosts and wire in virtual time |
//! | `guest.rs`, `guest_*.rs` | [`Guest`]: a smoltcp stack that notices address conflicts |
//! | `story.rs` | stages played with their probes, and why a probe failed |
//! | `replay.rs`, `entry.rs`, `map_file.rs` | [`Replay`]: captures, and where their frames enter |
//! | `skeleton.rs`, `skeleton_*.rs` | [`Survey`] and [`Skeleton`]: a scenario guessed from a capture |
//! | `oracle.rs`, `ledger.rs`, `digest.rs` | isolation, books, and the hash of a run |
//! | `clue.rs`, `summary.rs` | what a walk asked last; one frame in one line |
#![forbid(unsafe_code)]

mod clock;
mod clue;
mod digest;
mod entry;
mod guest;
mod guest_address;
mod guest_claim;
mod guest_device;
mod guest_echo;
mod learning;
mod ledger;
mod map_file;
mod model;
mod model_error;
mod names;
mod network;
mod oracle;
mod replay;
pub mod scenario;
mod scenario_check;
mod scenario_error;
mod scenario_file;
mod scenario_guest;
mod skeleton;
mod skeleton_candidate;
mod skeleton_guess;
mod skeleton_host;
mod skeleton_prefix;
mod skeleton_survey;
mod skeleton_text;
mod story;
mod summary;
mod underlay;
mod world;

pub use clock::{EventQueue, SimTime};
pub use clue::Clue;
pub use entry::SkipReason;
pub use guest::{Conflict, Guest, PingError};
pub use ledger::{CopyLedger, Fate, FrameLedger, Outcome};
pub use map_file::{Condition, MapEntry, MapFile};
pub use model::{Model, ModelWarning, ReadFile};
pub use model_error::ModelError;
pub use network::{Host, HostPolicy, Ingress, Network, Observer, Refused};
pub use oracle::{GuestIndex, InventoryGuest, Judgement, Oracle, OracleCounts, Sender};
pub use replay::{DropLine, Replay, ReplayError, ReplayReport};
pub use scenario::{Scenario, ScenarioError};
pub use skeleton::{
    Skeleton, SkeletonError, SkeletonGuest, SkeletonHost, SkeletonNote, SkeletonProvider,
    SkeletonSubnet, Survey,
};
pub use story::{Cause, ConflictReport, ProbeFailure, ProbeResult, StageResult, play_stage};
pub use summary::FrameSummary;
pub use underlay::{Attachment, Carried, ROUTER_MAC, Underlay};
pub use world::{Dropped, Origin, World};
