//! `nvgre verify`: whether tenants stay apart and reach themselves, for the owner of the policy.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use indicatif::ProgressBar;
use nvgre_analyze::{
    BlastEntry, Check, CheckOutcome, Fabric, Isolation, ReachPair, SafeMtu, Witness, ask_leaks,
    ask_mtus, ask_reach, ask_routes, blast_radius, check_isolation, isolation_check, leak_check,
    loops_check, mtu_check, reach_check, stale_check,
};
use nvgre_capture::{LinkType, WriteError, Writer};
use nvgre_sim::{GuestIndex, Model, Scenario};

use crate::capture_output::{is_classic, refuse_unclear};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::same_file::refuse_over;
use crate::scenario_file::{load, policy_files};

pub(crate) mod json;
mod text;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// What to ask; without any, everything.
    #[arg(value_name = "CHECK", value_enum)]
    checks: Vec<Question>,
    /// Enter the stages up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Say what this host could reach if it obeyed nobody.
    ///
    /// It sends anything under its own provider addresses. Told for each other host, with the record
    /// that lets it in. Changes neither answers nor exit code.
    #[arg(long, value_name = "HOST")]
    hostile_host: Option<String>,
    /// Write the frames that reach another tenant to a capture.
    ///
    /// A pcapng file with an interface for each sender's port, so that `nvgre replay SCENARIO -r` takes
    /// them in where they were sent. Where nothing crosses it holds no frame.
    #[arg(short = 'w', long = "write", value_name = "WITNESS.pcapng")]
    write: Option<PathBuf>,
}

/// A question that a policy answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Question {
    /// Whether any frame that a guest can send reaches another tenant: over all frames.
    Isolation,
    /// Whether guests reach each other, with the answer's way back, as the scenario's intents want it.
    Reach,
    /// Whether customer addresses are on the underlay outside NVGRE and rewritten packets.
    Leak,
    /// How large packets may be for each pair of guests, and who drops larger ones.
    Mtu,
    /// Whether records point to where guests run, and are the same on every host that needs them.
    Stale,
    /// Whether customer routes lead in a circle or nowhere.
    Loops,
}

/// A question with its answer, and what only this question has.
pub(crate) struct Answered {
    pub(crate) question: Question,
    pub(crate) check: Check,
    pub(crate) detail: Detail,
}

/// What stands behind an answer.
pub(crate) enum Detail {
    Isolation(Isolation),
    Reach(Vec<ReachPair>),
    Mtu(Vec<SafeMtu>),
    /// The check says it all.
    Plain,
}

/// Asks, prints, and writes the witnesses. `No` when an answer is no, else `Nothing` when one is open.
pub(crate) fn run(args: &VerifyArgs, out: &mut Output) -> Result<Exit, Failure> {
    let mut questions = args.checks.clone();
    if questions.is_empty() {
        questions.extend(Question::value_variants());
    }
    questions.sort_unstable();
    questions.dedup();
    if let Some(file) = &args.write {
        refuse_witness(file, &questions)?;
    }
    let mut model = load(&args.scenario, args.stage.as_deref(), out)?;
    let hostile = match &args.hostile_host {
        None => None,
        Some(name) => Some(host_named(model.scenario(), name)?),
    };
    if let Some(file) = &args.write {
        let inputs = std::iter::once(args.scenario.as_path());
        refuse_over("-w", file, inputs.chain(policy_files(model.scenario())))?;
    }
    let fabric = Fabric::of(&model);
    let mut answers = Vec::new();
    // Packets' sizes are asked about pairs that get answers.
    let mut pairs = None;
    for question in questions {
        let waiting = waiting(question);
        let answered = ask(question, &mut model, &fabric, &mut pairs);
        waiting.finish_and_clear();
        let answered = answered?;
        if out.is_json() {
            json::print(&model, &answered, out)?;
        } else {
            text::print(&model, &answered, out)?;
        }
        out.check(answered.check.clone());
        answers.push(answered);
    }
    if let Some(hostile) = hostile {
        // What it could reach is no answer: reports have nothing to judge there.
        let radius: Vec<BlastEntry> = blast_radius(&fabric, hostile);
        if out.is_json() {
            json::print_radius(&model, hostile, &radius, out)?;
        } else {
            text::print_radius(&model, hostile, &radius, out)?;
        }
    }
    let witnesses = answers
        .iter()
        .find_map(|answered| match &answered.detail {
            Detail::Isolation(isolation) => Some(&isolation.witnesses[..]),
            Detail::Reach(_) | Detail::Mtu(_) | Detail::Plain => None,
        })
        .unwrap_or_default();
    if let Some(file) = &args.write {
        write_witnesses(file, model.scenario(), witnesses).map_err(|error| match error {
            // These name the file themselves.
            WriteError::Create { .. } | WriteError::Rename { .. } => Failure::output(error),
            _ => Failure::output(format!("{}: {error}", file.display())),
        })?;
        if !out.is_json() {
            let stage = args.stage.as_deref();
            text::print_written(file, witnesses, &args.scenario, stage, out)?;
        }
    }
    if !out.is_json() {
        text::print_verdict(&answers, out)?;
    }
    let is = |outcome| {
        let mut answers = answers.iter();
        answers.any(|answered| answered.check.outcome == outcome)
    };
    Ok(if is(CheckOutcome::Fails) {
        Exit::No
    } else if is(CheckOutcome::Undecided) {
        Exit::Nothing
    } else {
        Exit::Success
    })
}

fn ask(
    question: Question,
    model: &mut Model,
    fabric: &Fabric,
    pairs: &mut Option<Vec<ReachPair>>,
) -> Result<Answered, Failure> {
    let (check, detail) = match question {
        Question::Isolation => {
            let answer = check_isolation(fabric).map_err(|refused| {
                // It was published as it is already.
                Failure::input(format!("host {}: {:?}", refused.host, refused.errors))
            })?;
            (isolation_check(model, &answer), Detail::Isolation(answer))
        }
        Question::Reach => {
            let asked = pairs.get_or_insert_with(|| ask_reach(model)).clone();
            (reach_check(model, &asked), Detail::Reach(asked))
        }
        Question::Leak => {
            let leaks = ask_leaks(model);
            (leak_check(model, &leaks), Detail::Plain)
        }
        Question::Mtu => {
            let asked = pairs.get_or_insert_with(|| ask_reach(model));
            let mtus = ask_mtus(model, asked);
            (mtu_check(model, asked, &mtus), Detail::Mtu(mtus))
        }
        Question::Stale => (stale_check(model), Detail::Plain),
        Question::Loops => {
            let bad = ask_routes(model);
            (loops_check(model, &bad), Detail::Plain)
        }
    };
    Ok(Answered {
        question,
        check,
        detail,
    })
}

/// On stderr, if that is a terminal; indicatif hides it otherwise. Nobody knows how long it takes.
fn waiting(question: Question) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(name_of(question));
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

fn host_named(scenario: &Scenario, name: &str) -> Result<usize, Failure> {
    let mut hosts = scenario.hosts.iter();
    let found = hosts.position(|host| host.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let mut message = format!("no host '{name}'; there are: ");
        for (at, host) in scenario.hosts.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let _infallible = write!(message, "{comma}{}", host.name);
        }
        Failure::usage(message)
    })
}

/// Only isolation has witnesses, and only pcapng names the ports that they were sent at.
fn refuse_witness(file: &Path, questions: &[Question]) -> Result<(), Failure> {
    let refused = if !questions.contains(&Question::Isolation) {
        "only the check isolation has witnesses"
    } else if is_classic(file) {
        "a pcap file names no ports; call it .pcapng"
    } else {
        return refuse_unclear(file, ".pcapng");
    };
    Err(Failure::usage(format!("-w {}: {refused}", file.display())))
}

/// An interface for each sender, named like its port, and the frames in order.
fn write_witnesses(
    file: &Path,
    scenario: &Scenario,
    witnesses: &[Witness],
) -> Result<(), WriteError> {
    let mut writer = Writer::create(file)?;
    let mut second = 0;
    for witness in witnesses {
        let name = |guest: GuestIndex| scenario.guests[guest].port_name();
        let (sender, receiver) = (name(witness.sender), name(witness.receiver));
        let lessons = witness.lessons.iter().map(|(guest, frame)| {
            let comment = format!("{} shows hosts an address", name(*guest));
            (*guest, frame, comment)
        });
        let comment = format!("{sender} reaches {receiver}, a guest of another tenant");
        let last = (witness.sender, &witness.frame, comment);
        for (guest, frame, comment) in lessons.chain([last]) {
            let interface = writer.add_interface(&name(guest), LinkType::ETHERNET, 0)?;
            let at_ns = second * 1_000_000_000;
            let len = frame.len() as u32;
            writer.write(interface, at_ns, frame, len, Some(&comment))?;
            second += 1;
        }
    }
    writer.finish()
}

/// "isolation".
pub(crate) fn name_of(question: Question) -> String {
    let value = question.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The answer in the words of a proof.
pub(crate) const fn word_for(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Holds => "PROVED",
        CheckOutcome::Fails => "VIOLATED",
        CheckOutcome::Undecided => "UNDECIDED",
    }
}
