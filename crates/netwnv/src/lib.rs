//! Policy as Windows writes it: NetWNV PowerShell, run against a model of hosts, and dumps of what
//! hosts hold.
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
//! | `source.rs`, `lines.rs` | [`Source`], [`Place`], [`Lines`] |
//! | `estate.rs` | [`Estate`], [`Host`] and what is on it |
//! | `labels.rs` | [`Labels`] |
//! | `print.rs`, `host_script.rs` | `to_powershell`: an entry as the command that makes it, a host as a script; [`quoted`], [`set_adapter`] |
//! | `propagate.rs` | [`Propagation`]: what hosts should hold when some were changed |
//! | `dump.rs`, `dump/reading.rs`, `dump/host.rs`, `dump/nic.rs` | [`Dump`]: what Get- cmdlets of several hosts showed, as an estate |
//! | `dump/format.rs`, `dump/json.rs`, `dump/csv.rs`, `dump/list.rs` | ConvertTo-Json, Export-Csv, Format-List to objects |
//! | `dump/object.rs`, `dump/kind.rs`, `dump/row.rs` | those objects, what they are of, and their properties as types |
//! | `dump/write.rs` | [`dump_json`], [`dump_csv`]: hosts as dumps |
//! | `error.rs`, `report.rs` | [`ScriptError`], [`ScriptWarning`], [`RunReport`] |
//! | `run.rs` | [`run`] |
//! | `invent.rs` | [`reconstruct`]: hosts, NICs and VMs made up as scripts name them |
//! | `char_set.rs`, `lexer.rs`, `parser.rs`, `pipeline.rs`, `expression.rs`, `hashtable.rs`, `text.rs` | script to tree, a statement at a time; the tree is in `ast.rs` |
//! | `machine.rs`, `evaluate.rs` | tree to effect; `value.rs` and `object.rs` are what it handles |
//! | `undo.rs` | what a failed run takes back |
//! | `cmdlet.rs`, `kind.rs`, `canonical.rs`, `call.rs` | commands, what their parameters take, and how arguments are bound |
//! | `table.rs`, `row.rs`, `field.rs`, `row_keys.rs` | Get-, Set- and Remove- of a host's tables, and what a New- would repeat |
//! | `lookup_record.rs`, `customer_route.rs`, `provider.rs`, `global.rs` | the NetWNV cmdlets |
//! | `adapter.rs`, `binding.rs` | the Hyper-V and NetAdapter cmdlets |
//! | `session.rs`, `select.rs` | Invoke-Command, Where-Object and their like |
//! | `wildcard.rs` | `*` and `?` |
#![forbid(unsafe_code)]

mod adapter;
mod ast;
mod binding;
mod call;
mod canonical;
mod char_set;
mod cmdlet;
mod customer_route;
mod dump;
mod error;
mod estate;
mod evaluate;
mod expression;
mod field;
mod global;
mod hashtable;
mod host_script;
mod invent;
mod kind;
mod labels;
mod lexer;
mod lines;
mod lookup_record;
mod machine;
mod object;
mod parser;
mod pipeline;
mod print;
mod propagate;
mod provider;
mod report;
mod row;
mod row_keys;
mod run;
mod select;
mod session;
mod source;
mod table;
mod text;
mod undo;
mod value;
mod wildcard;

pub use dump::format::decode_text;
pub use dump::write::{dump_csv, dump_json};
pub use dump::{Dump, DumpError, DumpFile, DumpHost, DumpKind, DumpNote, DumpNoteKind};
pub use error::ScriptError;
pub use estate::{
    Adapter, Estate, Host, HostAddressEntry, Nic, ProviderRouteEntry, RecordEntry, RouteEntry,
};
pub use host_script::{enable_binding, set_adapter};
pub use invent::{Reconstruction, reconstruct};
pub use labels::Labels;
pub use lines::Lines;
pub use print::quoted;
pub use propagate::{Propagated, Propagation, Vanished};
pub use report::{RunReport, ScriptWarning};
pub use run::run;
pub use source::{Place, Source};
