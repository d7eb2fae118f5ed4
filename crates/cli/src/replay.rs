//! `nvgre replay`: captures through the modeled hosts of a scenario.

use std::fs;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use nvgre_capture::Writer;
use nvgre_dataplane::DropReason;
use nvgre_sim::{MapFile, Replay, ReplayError};

use crate::exit::{Exit, Failure};
use crate::input::open_capture;
use crate::output::Output;
use crate::replay_text::{self, Stopwatch};
use crate::scenario_file::{load, rendered};

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// Capture to replay; - is stdin. Several are replayed one after the other.
    #[arg(short = 'r', long = "read", required = true, value_name = "IN")]
    read: Vec<PathBuf>,
    /// Write every hop to a pcapng file: an interface per port and per uplink, a comment per frame.
    #[arg(short = 'w', long = "write", value_name = "OUT.pcapng")]
    write: Option<PathBuf>,
    /// Says which port captured frames came from: [[map]] interface|file|mac|vlan = ..., port = "GUEST".
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Enter the scenario's stages up to this one (name or number) instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Exit with 1 if a frame is dropped for this reason; may be given several times.
    #[arg(long, value_name = "REASON", value_parser = crate::args::drop_reason())]
    fail_on: Vec<DropReason>,
    /// Exit with 0 instead of 4 when no frame entered.
    #[arg(long)]
    allow_empty: bool,
}

/// Replays and reports. `No` for a delivery to another tenant or a drop that `--fail-on` names,
/// `Nothing` when no frame entered.
pub(crate) fn run(args: &ReplayArgs, out: &mut Output) -> Result<Exit, Failure> {
    let model = load(&args.scenario, args.stage.as_deref(), out)?;
    let map = match &args.map {
        None => MapFile::default(),
        Some(file) => read_map(file, model.scenario())?,
    };
    let mut replay = Replay::new(model, map);
    if let Some(file) = &args.write {
        let unwritable = |error| Failure::output(format!("{}: {error}", file.display()));
        let writer = Writer::create(file).map_err(unwritable)?;
        replay.write_to(writer).map_err(unwritable)?;
    }
    let clock = Stopwatch::start();
    let mut failure = None;
    for file in &args.read {
        if let Err(error) = replay_file(&mut replay, file) {
            match error {
                Stopped::Output(error) => return Err(output_failure(args, error)),
                Stopped::Input(error) => failure = Some(format!("{}: {error}", file.display())),
            }
            break;
        }
    }
    let elapsed = clock.elapsed();
    if out.is_json() {
        replay_text::print_json(&replay, elapsed, failure.as_deref(), out)?;
    } else {
        replay_text::print(&replay, elapsed, out)?;
    }
    if let Some(message) = failure {
        // An output that ends where the input broke would look whole: it is not kept.
        let kept = if args.write.is_some() {
            "; no output was written"
        } else {
            ""
        };
        return Err(Failure::input(format!("{message}{kept}")));
    }
    replay
        .finish()
        .map_err(|error| output_failure(args, error))?;
    Ok(exit(args, &replay))
}

fn exit(args: &ReplayArgs, replay: &Replay) -> Exit {
    let report = replay.report();
    let failed = args
        .fail_on
        .iter()
        .any(|reason| report.drops.contains_key(reason));
    if replay.oracle().cross_tenant > 0 || failed {
        Exit::No
    } else if report.frames.read == report.frames.skipped && !args.allow_empty {
        Exit::Nothing
    } else {
        Exit::Success
    }
}

fn read_map(file: &Path, scenario: &nvgre_sim::Scenario) -> Result<MapFile, Failure> {
    let name = file.display().to_string();
    let text =
        fs::read_to_string(file).map_err(|error| Failure::input(format!("{name}: {error}")))?;
    MapFile::parse(&name, &text, scenario).map_err(|errors| rendered(&errors, &text))
}

fn output_failure(args: &ReplayArgs, error: nvgre_capture::WriteError) -> Failure {
    let file = args.write.as_deref().unwrap_or(Path::new("-"));
    Failure::output(format!("{}: {error}", file.display()))
}

/// Why a file's replay ended before the file.
enum Stopped {
    Input(String),
    Output(nvgre_capture::WriteError),
}

fn replay_file(replay: &mut Replay, file: &Path) -> Result<(), Stopped> {
    let mut reader = open_capture(file).map_err(|error| Stopped::Input(error.to_string()))?;
    let name = file.to_string_lossy();
    let progress = progress(file);
    let mut number = 0u64;
    let ended = loop {
        let position = reader.position_bytes();
        let packet = match reader.next() {
            Ok(Some(packet)) => packet,
            Ok(None) => break Ok(()),
            Err(error) => break Err(Stopped::Input(error.to_string())),
        };
        number += 1;
        if let Err(error) = replay.packet(&packet, &name) {
            break Err(match error {
                ReplayError::Write(error) => Stopped::Output(error),
                ReplayError::LinkType(_) | ReplayError::Model(_) => {
                    Stopped::Input(format!("packet {number}: {error}"))
                }
            });
        }
        if number.is_multiple_of(PROGRESS_EVERY) {
            progress.set_position(position);
        }
    };
    progress.finish_and_clear();
    ended
}

/// Frames between two steps of the progress bar.
const PROGRESS_EVERY: u64 = 8_192;

/// A bar on stderr, if that is a terminal; indicatif hides it otherwise.
fn progress(file: &Path) -> ProgressBar {
    let len = fs::metadata(file).map(|meta| meta.len()).unwrap_or(0);
    let style =
        ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::new(len);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
