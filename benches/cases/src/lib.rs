//! What is measured, however it is measured: criterion, the instruction counts and `nvgre bench` run
//! these cases and differ only in what they hold them with.
//!
//! What it is: tables and frames ([`Scene`]), the loops written by hand that forwarding is held
//! against, and the list of cases under names that read as a path ([`CASES`]).
//!
//! What it is not: no printing, no judgement.
//!
//! | file | holds |
//! | --- | --- |
//! | `list.rs` | [`CASES`]: every case and its name |
//! | `scene.rs` | what a case consists of |
//! | `bench.rs` | a case that is set up, and its passes |
//! | `guests.rs`, `world.rs` | who is who; the tables of each host |
//! | `flows.rs`, `traffic.rs`, `arena.rs` | frames, one after the other, and where they lie |
//! | `work.rs` | what is timed |
//! | `meter.rs`, `workers.rs` | wall time, in turns with what a case is held against |
//! | `policy_list.rs`, `policy_meter.rs` | [`POLICY_CASES`]: every case about policy; its measure |
//! | `editor.rs`, `edits.rs`, `loads.rs` | who edits; edits, and forwarding beside them; loads |
//! | `proofs.rs` | isolation of a datacenter, proved, and proved again after an edit |
//! | `clock.rs` | time that a thread had a processor |
//! | `allocations.rs` | an allocator that counts |
//! | `limit/` | the hand loops, here and nowhere else |

mod allocations;
mod arena;
mod bench;
mod clock;
mod editor;
mod edits;
mod flows;
mod guests;
mod limit;
mod list;
mod loads;
mod meter;
mod policy_list;
mod policy_meter;
mod proofs;
mod scene;
mod traffic;
mod work;
mod workers;
mod world;

pub use allocations::{CountingAllocator, allocations};
pub use bench::{Bench, Ready};
pub use edits::{Beside, Edited};
pub use flows::{To, Transport};
pub use guests::Family;
pub use list::{CASES, COUNTED, Case, case_of};
pub use loads::Loaded;
pub use meter::{Effort, Measured, Meter};
pub use policy_list::{Deed, Edit, POLICY_CASES, PolicyCase, Written};
pub use policy_meter::PolicyMeasured;
pub use scene::{By, Path, Scene, Size, Tables};
pub use work::BATCH;
pub use workers::Together;
pub use world::Rules;
