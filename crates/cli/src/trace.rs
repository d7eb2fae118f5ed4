//! `nvgre trace`: the walk of a frame, or of a question and its answer, through every host.

use std::path::PathBuf;

use nvgre_analyze::{Probe, converse};

use crate::exit::{Exit, Failure};
use crate::guest_name::{find_two, names_for};
use crate::output::Output;
use crate::scenario_file::load_for;
use crate::trace::frame::{FrameName, trace_frame};
use crate::traced::{Level, of_conversation};

pub(crate) mod checks;
mod frame;
pub(crate) mod json;
pub(crate) mod text;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct TraceArgs {
    /// The scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The guest that asks: GUEST, or GUEST/NIC.
    #[arg(value_name = "FROM", required_unless_present = "frame")]
    from: Option<String>,
    /// The guest that is asked.
    #[arg(value_name = "TO", required_unless_present = "frame")]
    to: Option<String>,
    /// What is asked: icmp, tcp:PORT or udp:PORT.
    ///
    /// An echo request, a SYN that is answered by a SYN-ACK, or a datagram that is answered by one.
    #[arg(value_name = "PROBE", default_value_t, hide_default_value = true)]
    probe: Probe,
    /// Trace frame N of a capture instead, from where a replay lets it enter.
    #[arg(long, value_name = "FILE:N", conflicts_with_all = ["from", "to", "probe"])]
    frame: Option<FrameName>,
    /// Say which port captured frames came from; see `nvgre replay --help`.
    #[arg(long, value_name = "MAP", requires = "frame", conflicts_with_all = ["from", "to"])]
    map: Option<PathBuf>,
    /// Enter the stages up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Print the last line only: verdict, reason, and what decided.
    #[arg(long, group = "level")]
    minimal: bool,
    /// Print a line for each host that a frame comes to.
    #[arg(long, group = "level")]
    summary: bool,
    /// Print every question that a host's tables were asked.
    #[arg(long, group = "level")]
    detailed: bool,
    /// Hide names, addresses and subnets of tenants other than FROM's.
    #[arg(long)]
    redact: bool,
}

/// Traces and reports. `No` where the question was not answered or the frame not delivered, or where
/// one reached another tenant; `Nothing` for a captured frame that never enters.
pub(crate) fn run(args: &TraceArgs, out: &mut Output) -> Result<Exit, Failure> {
    let mut model = load_for(args.redact, &args.scenario, args.stage.as_deref(), out)?;
    let traced = match (&args.frame, &args.from, &args.to) {
        (Some(frame), ..) => match trace_frame(
            frame,
            args.map.as_deref(),
            (args.level(), args.redact),
            &mut model,
            out,
        )? {
            Some(traced) => traced,
            None => return Ok(Exit::Nothing),
        },
        (None, Some(from), Some(to)) => {
            let (from, to) = find_two(&model, (from, to), args.redact)?;
            if from == to {
                let name = model.scenario().guests[from].port_name();
                let message = format!("{name} reaches itself without the network");
                return Err(Failure::usage(message));
            }
            let conversation = converse(&mut model.trial(), from, to, args.probe);
            let names = names_for(&model, args.redact, from);
            of_conversation(&names, &conversation, args.level())
        }
        // The command line wants both or a frame.
        (None, ..) => return Err(Failure::usage("FROM and TO, or --frame FILE:N")),
    };
    out.check(checks::check(
        traced.id.clone(),
        traced.heading.clone(),
        &[(&traced.verdict, &traced.near_misses)],
        &traced.crossed,
    ));
    if out.is_json() {
        out.json_line(&json::JsonTrace::of(&traced))?;
    } else {
        text::print(&traced, out)?;
    }
    let good = traced.verdict.good && traced.crossed.is_empty();
    Ok(if good { Exit::Success } else { Exit::No })
}

impl TraceArgs {
    const fn level(&self) -> Level {
        if self.minimal {
            Level::Minimal
        } else if self.summary {
            Level::Summary
        } else if self.detailed {
            Level::Detailed
        } else {
            Level::Default
        }
    }
}
