//! `nvgre replay`: captures through the modeled hosts of a scenario.

use std::fs;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use nvgre_capture::{LinkType, PcapWriter, WriteError, Writer};
use nvgre_dataplane::DropReason;
use nvgre_sim::{Filter, FilterField, MapFile, Replay, ReplayError, Scenario, Wanted};

use crate::capture_output::{is_classic, refuse_unclear};
use crate::exit::{Exit, Failure};
use crate::input::open_capture;
use crate::output::Output;
use crate::replay::result::{InputResult, Isolation, ReplayResult, Stopwatch};
use crate::same_file::refuse_over;
use crate::scenario_file::{load, policy_files, read_text, rendered};

pub(crate) mod checks;
mod expect;
pub(crate) mod json;
pub(crate) mod result;
pub(crate) mod text;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// The scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// Capture to replay, pcap or pcapng; - is stdin. May be given again.
    ///
    /// Several captures are replayed one after the other into the same network. Their frames are
    /// numbered through.
    #[arg(short = 'r', long = "read", required = true, value_name = "IN")]
    read: Vec<PathBuf>,
    /// Write every hop to a capture, or to a .pcap file what was delivered.
    ///
    /// A pcapng file with an interface `port GUEST` for each port, with what the guest sent
    /// (outbound) and got (inbound), `uplink HOST` for each host, and `underlay` between them. A
    /// dropped frame stands where it was last seen. All copies of a frame have its number as their
    /// packet id, and a comment with verdict, reason, host and the record that decided.
    /// `frame.comment contains "no_lookup_record"` and `frame.packet_id == 3` are filters for
    /// Wireshark. The file can be replayed again: frames enter where they did, later hops are skipped.
    ///
    /// Where the name ends in .pcap: a file of the classic format with each copy that was delivered
    /// to a guest, in order, at the time of its frame, and nothing else. It costs a fraction.
    ///
    /// When not all of the input can be read nothing is written, and a file that was there stays.
    #[arg(short = 'w', long = "write", value_name = "OUT.pcapng|OUT.pcap")]
    write: Option<PathBuf>,
    /// Show only frames whose walk matches: in the output, and in a list.
    ///
    /// The report counts all frames all the same. A match keeps the whole walk of the frame, each
    /// hop of it; of a .pcap file, its deliveries. The first 20 matches are listed, with --json 100.
    #[arg(long, value_name = "EXPR", long_help = filter_help())]
    filter: Option<String>,
    /// Compare what is delivered with a capture; exit with 1 if it differs.
    ///
    /// If it has interfaces named like ports (`Red11`, or `port Red11` as -w writes), port by port:
    /// what came to each, in its order, answers of hosts included; what a guest sent is passed over.
    /// Otherwise every copy that was delivered, in order, as `-w OUT.pcap` writes it. Times are not
    /// compared; bytes are as they stand in the file, so a VLAN tag, padding or frame check
    /// sequence that only one has is a difference. Frames cut by a snap length are compared as far as
    /// they go. With --filter, only frames that match are compared. The capture is held in memory.
    #[arg(long, value_name = "WANT.pcapng|WANT.pcap")]
    expect: Option<PathBuf>,
    /// Say which port captured frames came from.
    ///
    /// A TOML file of entries like `[[map]]`, `interface = "eth1"`, `port = "GUEST"`; instead of the
    /// pcapng interface, `file`, `mac` (source) or `vlan` may be named. The first entry that fits
    /// decides. Other frames enter at the port that their pcapng interface is named after, else, if
    /// they are NVGRE or go to a provider address, at that host's uplink, else at the one port with
    /// their source MAC.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Enter the stages up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Exit with 1 if anything is dropped for this reason. May be given again.
    ///
    /// `nvgre codes` lists the reasons.
    #[arg(long, value_name = "REASON", value_parser = crate::args::drop_reason(), hide_possible_values = true)]
    fail_on: Vec<DropReason>,
    /// Exit with 0 instead of 4 when no frame enters the network or isolation stays undecided.
    #[arg(long)]
    allow_empty: bool,
}

/// Replays and reports. `No` for a delivery to another tenant or a drop that `--fail-on` names,
/// `Nothing` when no frame entered or isolation is undecided.
pub(crate) fn run(args: &ReplayArgs, out: &mut Output) -> Result<Exit, Failure> {
    let model = load(&args.scenario, args.stage.as_deref(), out)?;
    let map = match &args.map {
        None => MapFile::default(),
        Some(file) => read_map(file, model.scenario())?,
    };
    if let Some(file) = &args.write {
        refuse_input(args, model.scenario(), file)?;
        refuse_unclear(file, ".pcapng for every hop, .pcap for what is delivered")?;
    }
    let filter = args.filter.as_deref();
    let filter = filter.map(|text| parse_filter(text, model.scenario()));
    let filter = filter.transpose()?;
    let expect = args.expect.as_deref();
    let wanted = expect.map(|file| read_wanted(file, model.scenario()));
    let wanted = wanted.transpose()?;
    let mut replay = Replay::new(model, map);
    if let Some(wanted) = wanted {
        replay.expect(wanted);
    }
    if let Some(filter) = filter {
        replay.show_only(filter);
    }
    if let Some(file) = &args.write {
        write_to(&mut replay, file).map_err(|error| unwritable(file, error))?;
    }
    let clock = Stopwatch::start();
    let mut inputs = Vec::new();
    for file in &args.read {
        inputs.push(replay_file(&mut replay, file).map_err(|error| {
            let file = args.write.as_deref().unwrap_or(file);
            unwritable(file, error)
        })?);
    }
    let elapsed = clock.elapsed();
    replay.finish_comparison();
    let result = ReplayResult {
        replay: &replay,
        expect: args.expect.as_deref(),
        inputs: &inputs,
        elapsed,
    };
    let cut = inputs.iter().any(|input| input.error.is_some());
    if !cut || replay.report().frames.read > 0 {
        checks::tell(&result, &args.fail_on, out);
        if out.is_json() {
            json::print(&result, out)?;
        } else {
            text::print(&result, out)?;
        }
    }
    if cut {
        return Err(incomplete(args, &inputs, out)?);
    }
    let exit = exit(args, &result, out)?;
    if let Some(file) = &args.write {
        replay.finish().map_err(|error| unwritable(file, error))?;
    }
    Ok(exit)
}

/// The exit code; on stderr why it is 1, as the report is not about that.
fn exit(args: &ReplayArgs, result: &ReplayResult<'_>, out: &mut Output) -> Result<Exit, Failure> {
    let replay = result.replay;
    let decided = result.entered() > 0 && result.isolation() != Isolation::Undecided;
    let mut exit = if result.isolation() == Isolation::Violated {
        Exit::No
    } else if decided || args.allow_empty {
        Exit::Success
    } else {
        Exit::Nothing
    };
    for reason in &args.fail_on {
        if let Some((host, line)) = replay.report().first_drop(*reason) {
            exit = Exit::No;
            let host = &replay.model().scenario().hosts[host].name;
            let frame = result.frame(line.first_frame);
            out.complain(format_args!(
                "--fail-on {reason}: it happened, first to frame {frame} at {host}"
            ))?;
        }
    }
    if let Some((file, comparison)) = result.expectation()
        && !comparison.holds()
    {
        exit = Exit::No;
        out.complain(format_args!(
            "--expect {}: {}",
            file.display(),
            expect::differs(comparison)
        ))?;
    }
    Ok(exit)
}

/// Says of every input that was not replayed whole why, and what that means for the output.
fn incomplete(
    args: &ReplayArgs,
    inputs: &[InputResult],
    out: &mut Output,
) -> Result<Failure, Failure> {
    let mut messages = Vec::new();
    for input in inputs {
        messages.extend(
            input
                .error
                .as_ref()
                .map(|error| format!("{}: {error}", input.file)),
        );
    }
    let Some(file) = &args.write else {
        let last = messages.pop().unwrap_or_default();
        complain_of(messages, out)?;
        return Ok(Failure::input(last));
    };
    complain_of(messages, out)?;
    // An output that ends where the input broke would look whole: it is not kept.
    let not_written = format!(
        "{}: not written, as not all of the input could be read",
        file.display()
    );
    Ok(Failure::inputs(not_written, Vec::new()))
}

fn complain_of(messages: Vec<String>, out: &mut Output) -> Result<(), Failure> {
    messages
        .into_iter()
        .try_for_each(|message| out.complain_of_input(message))
}

/// Refuses to write over what is read.
fn refuse_input(args: &ReplayArgs, scenario: &Scenario, output: &Path) -> Result<(), Failure> {
    let inputs = [&args.scenario].into_iter().chain(&args.map);
    let inputs = inputs.chain(&args.read).chain(&args.expect);
    let inputs = inputs.map(PathBuf::as_path);
    refuse_over("-w", output, inputs.chain(policy_files(scenario)))
}

fn read_wanted(file: &Path, scenario: &Scenario) -> Result<Wanted, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::input(format!("--expect {}: {error}", file.display()))
    };
    let reader = open_capture(file).map_err(|error| failed(&error))?;
    Wanted::read(reader, scenario).map_err(|error| failed(&error))
}

/// What `--filter` takes, field by field.
fn filter_help() -> String {
    let mut help = "Show only frames whose walk matches: in the output, and in a list\n\n\
         The report counts all frames all the same. A match keeps the whole walk of the frame, each \
         hop of it (of a .pcap file, its deliveries). The first 20 matches are listed, with --json 100.\n\n\
         Tests like `tenant == Red`, with == != < <= > >= or `vsid in {445566, 7788990}`, joined \
         by and, or, not (&& || !) and parentheses. Where a walk has several values, as a flooded \
         frame has, a test holds if it holds for one of them, and != if none is equal. Names of the \
         scenario compare without case; others than words stand in double quotes.\n\n\
         --filter 'tenant == Red and verdict == dropped and reason == underlay_no_owner and host == Statler'\n\n\
         Fields, of the frame as guests have it (inner) and of the packets on the underlay (outer):\n"
        .to_owned();
    for (_, name, what) in FilterField::ALL {
        help.push_str(&format!("  {name:<13}  {what}\n"));
    }
    help.truncate(help.trim_end().len());
    help
}

fn parse_filter(text: &str, scenario: &Scenario) -> Result<Filter, Failure> {
    Filter::parse(text, scenario)
        .map_err(|error| Failure::usage(error.render("--filter", text).trim_end()))
}

pub(crate) fn read_map(file: &Path, scenario: &Scenario) -> Result<MapFile, Failure> {
    let name = file.display().to_string();
    let text = read_text(file).map_err(|error| Failure::input(format!("{name}: {error}")))?;
    MapFile::parse(&name, &text, scenario).map_err(|errors| rendered(&errors, &text))
}

/// Starts the output that the file's name asks for.
fn write_to(replay: &mut Replay, file: &Path) -> Result<(), WriteError> {
    if is_classic(file) {
        replay.write_deliveries_to(PcapWriter::create(file, LinkType::ETHERNET)?);
        return Ok(());
    }
    replay.write_to(Writer::create(file)?)
}

fn unwritable(file: &Path, error: WriteError) -> Failure {
    match error {
        // These name the file themselves.
        WriteError::Create { .. } | WriteError::Rename { .. } => Failure::output(error),
        _ => Failure::output(format!("{}: {error}", file.display())),
    }
}

/// Replays one file as far as it can be read. An error means that the output cannot be written.
fn replay_file(replay: &mut Replay, file: &Path) -> Result<InputResult, WriteError> {
    let name = file.display().to_string();
    let before = replay.report().frames.read;
    let ended = match open_capture(file) {
        Ok(mut reader) => {
            let progress = progress(file);
            let mut batches = 0u64;
            let ended = loop {
                if batches.is_multiple_of(PROGRESS_EVERY) {
                    progress.set_position(reader.position_bytes());
                }
                batches += 1;
                match replay.packets(&mut reader, &name, Replay::BATCH_FRAMES) {
                    Ok(0) => break Ok(()),
                    Ok(_) => {}
                    Err(ReplayError::Write(error)) => return Err(error),
                    Err(error) => break Err(error.to_string()),
                }
            };
            progress.finish_and_clear();
            ended
        }
        Err(error) => Err(error.to_string()),
    };
    Ok(InputResult {
        file: name,
        frames: replay.report().frames.read - before,
        error: ended.err(),
    })
}

/// Batches of frames between two steps of the progress bar.
const PROGRESS_EVERY: u64 = 128;

/// A bar on stderr, if that is a terminal; indicatif hides it otherwise. Without end for what has no
/// length, such as a pipe.
fn progress(file: &Path) -> ProgressBar {
    let len_bytes = fs::metadata(file).map_or(0, |found| found.len());
    let (bar, template) = match len_bytes {
        0 => (
            ProgressBar::no_length(),
            "{spinner} {bytes} {bytes_per_sec}",
        ),
        _ => (
            ProgressBar::new(len_bytes),
            "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
