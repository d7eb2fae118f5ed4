//! What is measured, however it is measured: criterion, the instruction counts and `nvgre bench` run
//! these cases and differ only in what they hold them with.
//!
//! What it is: tables and frames ([`Scene`]), the loops written by hand that forwarding is held
//! against, and the list of cases under names that read as a path ([`CASES`]).
//!
//! What it is not: no clock, no statistics, no printing.
//!
//! | file | holds |
//! | --- | --- |
//! | `list.rs` | [`CASES`]: every case and its name |
//! | `scene.rs` | what a case consists of |
//! | `bench.rs` | a case that is set up, and its passes |
//! | `guests.rs`, `world.rs` | who is who; the tables of each host |
//! | `flows.rs`, `traffic.rs`, `arena.rs` | frames, one after the other, and where they lie |
//! | `work.rs` | what is timed |
//! | `limit/` | the hand loops, here and nowhere else |

mod arena;
mod bench;
mod flows;
mod guests;
mod limit;
mod list;
mod scene;
mod traffic;
mod work;
mod world;

pub use bench::{Bench, Ready};
pub use list::{CASES, Case, LIMIT, case_of};
pub use scene::{Scene, Size, Tables};
pub use work::BATCH;
