//! The command `nvgre`: arguments in, text or JSON lines out, exit codes.
//!
//! What it is: the shell around the other crates. Each verb reads its arguments, calls the crate
//! that does the work, and prints what came out.
//!
//! What it is not: no rule of the network lives here. Verdicts are the dataplane's, packets are the
//! capture crate's.
//!
//! People's text and `--json` lines go to stdout, diagnostics to stderr as `nvgre: ...`.
//!
//! Each verb is a file by its name. What it needs beside its arguments and its `run` lies in a folder of
//! that name: `text.rs` says it for people, `json.rs` for tools, `checks.rs` to reports.
//!
//! | file | holds |
//! | --- | --- |
//! | `args.rs` | the command line |
//! | `invocation.rs` | what reports want to know of it, also where it is wrong |
//! | `exit.rs` | exit codes, and the failure that ends a verb |
//! | `output.rs` | stdout and stderr |
//! | `schemas.rs` | the JSON Schemas of what `--json` prints |
//! | `completions.rs`, `man_pages.rs` | what shells complete, and manual pages |
//! | `replay.rs` | `nvgre replay`; `result.rs`: its figures; `expect.rs`: of the capture that deliveries are compared with |
//! | `trace.rs` | `nvgre trace` of guests; `frame.rs`: of a captured frame |
//! | `traced.rs` | what a trace tells, in words |
//! | `ping.rs`, `next_hop.rs` | `nvgre ping`, `nvgre next-hop` |
//! | `demo.rs` | `nvgre demo` |
//! | `show.rs` | `nvgre show`: tables |
//! | `verify.rs` | `nvgre verify` |
//! | `doctor.rs` | `nvgre doctor`: what hosts disagree about |
//! | `diff.rs` | `nvgre diff` |
//! | `init.rs`, `export.rs` | `nvgre init`, `nvgre export` |
//! | `import.rs` | `nvgre import`; `input.rs`: the scripts and dumps it is given |
//! | `pcap.rs` | `nvgre pcap info` and `nvgre pcap decap` |
//! | `bench.rs` | `nvgre bench`; `row.rs`: a case, a line for tools; `chart.rs`: for the charts of CI services; `baseline.rs`: whether an earlier run was better |
//! | `codes.rs` | `nvgre codes` |
//! | `report.rs` | `--report`: what a run came to, for machines, in four formats; `rule.rs`: what they say of a rule, whatever broke it; `place.rs`, `target.rs`: what they call files, where they go |
//! | `scenario_file.rs` | scenarios from files, and the one built in |
//! | `policy_notes.rs` | what is suspect in the policy of a scenario |
//! | `dump_folder.rs` | folders of dumps |
//! | `guest_name.rs` | guests and hosts by name |
//! | `near_name.rs` | what was perhaps meant by a name that nothing has |
//! | `input.rs`, `capture_output.rs` | captures by name, `-` for stdin; which format one that is written has |
//! | `whole_file.rs`, `new_files.rs` | text files, whole or not at all; and never over others |
//! | `same_file.rs` | whether two names lead to one file |
//! | `printable.rs`, `counted.rs` | text from outside, as it is shown to people; a count and its noun |

#![forbid(unsafe_code)]

mod args;
mod bench;
mod capture_output;
mod codes;
mod completions;
mod counted;
mod demo;
mod diff;
mod doctor;
mod dump_folder;
mod exit;
mod export;
mod guest_name;
mod import;
mod init;
mod input;
mod invocation;
mod man_pages;
mod near_name;
mod new_files;
mod next_hop;
mod output;
mod pcap;
mod ping;
mod policy_notes;
mod printable;
mod replay;
mod report;
mod same_file;
mod scenario_file;
mod schemas;
mod show;
mod trace;
mod traced;
mod verify;
mod whole_file;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use nvgre_bench_cases::CountingAllocator;

use crate::args::{Args, PcapVerb, Verb};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// For `nvgre bench`, which says how often forwarding allocates; no other verb notices.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    let (args, invocation) = match Args::read() {
        Ok(read) => read,
        Err(error) => return invocation::refused(&error).into(),
    };
    let mut out = Output::stdout(args.json, args.report);
    let exit = out
        .refuse_reports_to_one_file()
        .and_then(|()| out.refuse_reports_over(invocation.files.iter().map(PathBuf::as_path)))
        .and_then(|()| run(args.verb, &mut out))
        .and_then(|exit| Ok(out.flush().map(|()| exit)?))
        .unwrap_or_else(|failure| failure.report(&mut out));
    report::write(&invocation, exit, out).into()
}

fn run(verb: Verb, out: &mut Output) -> Result<Exit, Failure> {
    match verb {
        Verb::Demo { scenario } => demo::run(scenario.as_deref(), out),
        Verb::Replay(args) => replay::run(&args, out),
        Verb::Trace(args) => trace::run(&args, out),
        Verb::Ping(args) => ping::run(&args, out),
        Verb::NextHop(args) => next_hop::run(&args, out),
        Verb::Show(args) => show::run(&args, out),
        Verb::Verify(args) => verify::run(&args, out),
        Verb::Export(args) => export::run(&args, out),
        Verb::Doctor(args) => doctor::run(&args, out),
        Verb::Diff(args) => diff::run(&args, out),
        Verb::Import(args) => import::run(&args, out),
        Verb::Init(args) => init::run(&args, out),
        Verb::Bench(args) => bench::run(&args, out),
        Verb::Codes { name } => codes::run(name.as_deref(), out),
        Verb::Completions { shell } => completions::run(shell, out),
        Verb::Man { folder } => man_pages::run(folder.as_deref(), out),
        Verb::Schemas { folder } => schemas::run(&folder),
        Verb::Pcap { verb } => match verb {
            PcapVerb::Info { files } => pcap::info::run(&files, out),
            PcapVerb::Decap { file } => pcap::decap::run(&file, out),
        },
    }
}
