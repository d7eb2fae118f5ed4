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
//! | file | holds |
//! | --- | --- |
//! | `args.rs` | the command line |
//! | `invocation.rs` | what reports want to know of it, also where it is wrong |
//! | `exit.rs` | exit codes, and the failure that ends a verb |
//! | `output.rs` | stdout and stderr |
//! | `printable.rs` | text from outside, as it is shown to people |
//! | `whole_file.rs` | text files, whole or not at all |
//! | `schemas.rs` | the JSON Schemas of what `--json` prints |
//! | `report.rs` | `--report`: what a run came to, for machines |
//! | `report_junit.rs`, `report_sarif.rs`, `report_github.rs`, `report_markdown.rs` | its formats |
//! | `report_target.rs`, `report_place.rs` | where reports go; what they call files |
//! | `report_rule.rs` | what they say of a rule, whatever broke it |
//! | `same_file.rs` | whether two names lead to one file |
//! | `completions.rs`, `man_pages.rs` | what shells complete, and manual pages |
//! | `counted.rs` | a count and its noun |
//! | `input.rs` | captures by name, `-` for stdin |
//! | `capture_output.rs` | which format a capture that is written has |
//! | `outermost_gre.rs` | whether a captured frame's outermost IP header carries GRE |
//! | `pcap_info.rs` | `nvgre pcap info` |
//! | `pcap_decap.rs` | `nvgre pcap decap`: verdicts |
//! | `decap_text.rs` | what it prints for people |
//! | `codes.rs` | `nvgre codes` |
//! | `demo.rs` | `nvgre demo` |
//! | `demo_checks.rs` | what it says to reports |
//! | `replay.rs` | `nvgre replay` |
//! | `replay_result.rs` | the figures of a replay |
//! | `replay_text.rs` | what it says for people |
//! | `replay_expect.rs` | what it says of the capture that deliveries are compared with |
//! | `replay_json.rs` | what it says for tools |
//! | `replay_checks.rs` | what it says to reports |
//! | `scenario_file.rs` | scenarios from files, and the one built in |
//! | `policy_notes.rs` | what is suspect in the policy of a scenario |
//! | `trace.rs`, `trace_frame.rs` | `nvgre trace`: of guests, and of a captured frame |
//! | `traced.rs` | what it tells, in words |
//! | `trace_text.rs`, `trace_json.rs`, `trace_checks.rs` | what it says for people, for tools, and for reports |
//! | `ping.rs`, `ping_json.rs` | `nvgre ping` |
//! | `next_hop.rs` | `nvgre next-hop` |
//! | `guest_name.rs` | guests and hosts by name |
//! | `near_name.rs` | what was perhaps meant by a name that nothing has |
//! | `show.rs` | `nvgre show`: tables |
//! | `show_json.rs` | what it says for tools |
//! | `verify.rs` | `nvgre verify` |
//! | `verify_text.rs`, `verify_json.rs` | what it says for people, and for tools |
//! | `doctor.rs` | `nvgre doctor`: what hosts disagree about |
//! | `doctor_json.rs` | what it says for tools |
//! | `dump_folder.rs` | folders of dumps |
//! | `diff.rs` | `nvgre diff` |
//! | `diff_json.rs` | what it says for tools |
//! | `diff_checks.rs` | what it says to reports |
//! | `init.rs` | `nvgre init` |
//! | `export.rs` | `nvgre export` |
//! | `import.rs` | `nvgre import` |
//! | `import_input.rs` | the scripts and dumps it is given |
//! | `new_files.rs` | files written whole, and never over others |
//! | `bench.rs` | `nvgre bench` |
//! | `bench_row.rs` | what it says for tools, a case a line |
//! | `bench_text.rs`, `bench_chart.rs` | what it says for people, and for the charts of CI services |
//! | `bench_baseline.rs` | whether an earlier run was better |

#![forbid(unsafe_code)]

mod args;
mod bench;
mod bench_baseline;
mod bench_chart;
mod bench_row;
mod bench_text;
mod capture_output;
mod codes;
mod completions;
mod counted;
mod decap_text;
mod demo;
mod demo_checks;
mod diff;
mod diff_checks;
mod diff_json;
mod doctor;
mod doctor_json;
mod dump_folder;
mod exit;
mod export;
mod guest_name;
mod import;
mod import_input;
mod init;
mod input;
mod invocation;
mod man_pages;
mod near_name;
mod new_files;
mod next_hop;
mod outermost_gre;
mod output;
mod pcap_decap;
mod pcap_info;
mod ping;
mod ping_json;
mod policy_notes;
mod printable;
mod replay;
mod replay_checks;
mod replay_expect;
mod replay_json;
mod replay_result;
mod replay_text;
mod report;
mod report_github;
mod report_junit;
mod report_markdown;
mod report_place;
mod report_rule;
mod report_sarif;
mod report_target;
mod same_file;
mod scenario_file;
mod schemas;
mod show;
mod show_json;
mod trace;
mod trace_checks;
mod trace_frame;
mod trace_json;
mod trace_text;
mod traced;
mod verify;
mod verify_json;
mod verify_text;
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
            PcapVerb::Info { files } => pcap_info::run(&files, out),
            PcapVerb::Decap { file } => pcap_decap::run(&file, out),
        },
    }
}
