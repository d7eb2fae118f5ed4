//! Policy as Windows writes it: NetWNV PowerShell, run against a model of hosts.
//!
//! What it is: [`run`] takes a script ([`Source`]) as administrators write it, with the NetWNV
//! cmdlets and the few Hyper-V and NetAdapter ones around them, and does what it says to an
//! [`Estate`] of hosts. What comes out are the dataplane's typed objects, each with its labels and
//! the [`Place`] of the command that made it.
//!
//! What it is not: no PowerShell. It reads an honest, small subset; anything else is a
//! [`ScriptError`] with its place, never skipped. No input or output, no dependence on time or
//! chance: the same script on the same estate gives the same estate.
//!
//! | file | holds |
//! |---|---|
//! | `source.rs` | [`Source`], [`Place`] |
//! | `estate.rs` | [`Estate`], [`Host`] and what is on it |
//! | `print.rs` | `to_powershell`: an entry as the command that makes it |
//! | `error.rs`, `report.rs` | [`ScriptError`], [`ScriptWarning`], [`RunReport`] |
//! | `run.rs` | [`run`] |
#![forbid(unsafe_code)]

mod error;
mod estate;
mod print;
mod report;
mod run;
mod source;

pub use error::ScriptError;
pub use estate::{
    Adapter, Estate, Host, HostAddressEntry, Labels, Nic, ProviderRouteEntry, RecordEntry,
    RouteEntry,
};
pub use report::{RunReport, ScriptWarning};
pub use run::run;
pub use source::{Place, Source};
