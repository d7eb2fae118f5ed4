//! Questions asked of policies and runs: why a frame did not arrive, which record decided, and
//! whether tenants stay apart.
//!
//! What it is: every answer comes from the one dataplane (through [`nvgre_sim::Model`]) or from the
//! tables as the hosts hold them, and points at the line that wrote what decided.
//!
//! What it is not: no second copy of the forwarding rules, no printing, no files.
//!
//! | file | holds |
//! |---|---|
//! | `finding.rs` | [`Check`] and [`Finding`]: what was asked, what was found, and where it is written |
#![forbid(unsafe_code)]

mod finding;

pub use finding::{Check, CheckOutcome, Finding, Severity};
