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
//! | `scenario.rs`, `scenario/`, `names.rs` | [`Scenario`]: the TOML file, checked |
//! | `model.rs`, `model/error.rs` | [`Model`]: a scenario brought to life, stage by stage |
//! | `network.rs`, `learning.rs` | [`Network`]: hosts, their policy, and what they learn |
//! | `walk.rs`, `pool.rs`, `observer.rs` | one frame, carried to the end of every copy, and who sees it |
//! | `trial.rs`, `journey.rs`, `recorder.rs` | [`Trial`]: frames sent to ask, which leave nothing behind; [`Journey`]: all that became of one |
//! | `batch.rs`, `together.rs` | frames carried side by side, and which ones may be |
//! | `underlay.rs`, `glance.rs` | [`Underlay`]: the wire between hosts, and what it reads of a frame |
//! | `clock.rs`, `world.rs` | [`World`]: guests, hosts and wire in virtual time |
//! | `guest.rs`, `guest/` | [`Guest`]: a smoltcp stack that notices address conflicts |
//! | `story.rs` | stages played with their probes, and why a probe failed |
//! | `captured.rs` | [`Entered`]: one captured packet where a replay would let it enter |
//! | `replay.rs`, `hold.rs`, `entry.rs`, `recent.rs`, `map_file.rs` | [`Replay`]: captures, and where their frames enter |
//! | `replay/`, `watch.rs`, `taps.rs` | what a replay sees, writes, and fails with |
//! | `keeper.rs`, `walk_log.rs`, `comment.rs`, `inventory.rs` | whole walks: kept until they have ended, told in a line, by the guests' names |
//! | `wanted.rs`, `comparison.rs`, `field_at.rs` | [`Wanted`], [`Comparison`]: deliveries beside a wanted capture |
//! | `filter.rs`, `filter/` | [`Filter`]: expressions over whole walks |
//! | `skeleton.rs`, `skeleton/` | [`Survey`] and [`Skeleton`]: a scenario guessed from a capture |
//! | `import.rs`, `import/tenant.rs` | [`Import`]: a scenario from what hosts hold |
//! | `oracle.rs`, `ledger.rs`, `digest.rs` | isolation, books, and the hash of a run |
//! | `clue.rs`, `blame.rs`, `summary.rs` | what a walk asked last, and what that comes to; one frame in one line |
#![forbid(unsafe_code)]

mod batch;
mod blame;
mod captured;
mod clock;
mod clue;
mod comment;
mod comparison;
mod digest;
mod entry;
mod field_at;
mod filter;
mod glance;
mod guest;
mod hold;
mod import;
mod inventory;
mod journey;
mod keeper;
mod learning;
mod ledger;
mod map_file;
mod model;
mod names;
mod network;
mod observer;
mod oracle;
mod pool;
mod recent;
mod recorder;
mod replay;
pub mod scenario;
mod skeleton;
mod story;
mod summary;
mod taps;
mod together;
mod trial;
mod underlay;
mod walk;
mod walk_log;
mod wanted;
mod watch;
mod world;

pub use captured::Entered;
pub use clock::{EventQueue, SimTime};
pub use clue::Clue;
pub use comment::ToldFrame;
pub use comparison::{Comparison, Difference, What as DifferenceKind};
pub use entry::SkipReason;
pub use filter::field::Field as FilterField;
pub use filter::{Filter, FilterError};
pub use guest::{Conflict, Guest, PingError};
pub use import::Import;
pub use journey::{Arrival, Exit, Hop, Journey};
pub use keeper::FilterMatches;
pub use ledger::{CopyLedger, Fate, FrameLedger, Outcome};
pub use map_file::{Condition, MapEntry, MapFile};
pub use model::error::ModelError;
pub use model::{Model, ModelWarning, ReadFile};
pub use network::{Host, HostPolicy, Network, Refused};
pub use observer::{Ingress, Observer};
pub use oracle::{GuestIndex, InventoryGuest, Judgement, Oracle, OracleCounts, Sender};
pub use replay::Replay;
pub use replay::error::ReplayError;
pub use replay::report::{DropLine, ReplayReport};
pub use scenario::{Scenario, ScenarioError};
pub use skeleton::{
    Skeleton, SkeletonError, SkeletonGuest, SkeletonHost, SkeletonNote, SkeletonProvider,
    SkeletonSubnet, Survey,
};
pub use story::{Cause, ConflictReport, ProbeFailure, ProbeResult, StageResult, play_stage};
pub use summary::FrameSummary;
pub use trial::Trial;
pub use underlay::{Attachment, Carried, ROUTER_MAC, Underlay};
pub use wanted::{Wanted, WantedError};
pub use world::{Dropped, Origin, World};
