//! `nvgre trace`: the walk of a frame, or of a question and its answer, through every host.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use nvgre_analyze::{
    Conversation, DATA_LEN, Decision, FrameKind, GUEST_PORT, GUEST_TTL, LegKind, Names, NearMiss,
    Probe, Resolved, SentFrame, WalkStep, converse, decision_of, failure_text, hop_steps,
    near_misses, near_misses_of, outcome_name, walk_steps,
};
use nvgre_netwnv::Place;
use nvgre_sim::{
    Entered, FrameSummary, GuestIndex, Ingress, Journey, MapFile, Model, Outcome, Sender,
};

use crate::exit::{Exit, Failure};
use crate::guest_name::{find_guest, names_for};
use crate::input::open_capture;
use crate::output::Output;
use crate::replay::read_map;
use crate::scenario_file::load_for;
use crate::{trace_checks, trace_json, trace_text};

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

/// A frame of a capture, as it is written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FrameName {
    file: PathBuf,
    number: u64,
}

impl FromStr for FrameName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a frame is FILE:N, with N from 1";
        let (file, number) = text.rsplit_once(':').ok_or(wrong)?;
        match number.parse() {
            Ok(number) if number > 0 && !file.is_empty() => Ok(Self {
                file: file.into(),
                number,
            }),
            Ok(_) | Err(_) => Err(wrong),
        }
    }
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The verdict.
    Minimal,
    /// A line for each hop.
    Summary,
    /// A line for each step.
    Default,
    /// Each step, those that say nothing new too.
    Detailed,
}

/// Everything that is told, in words.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) level: Level,
    /// What the question is called in reports: "trace/Red11/Red22/icmp".
    id: String,
    /// Who talks to whom, or which frame enters where.
    pub(crate) heading: String,
    /// What was taken for granted.
    pub(crate) assumed: Vec<String>,
    pub(crate) legs: Vec<TracedLeg>,
    pub(crate) near_misses: Vec<Near>,
    /// Guests of other tenants that frames reached.
    pub(crate) crossed: Vec<String>,
    pub(crate) verdict: Verdict,
}

/// A frame that was sent, and its steps.
#[derive(Debug)]
pub(crate) struct TracedLeg {
    /// The part of the conversation; "frame" for a captured one.
    pub(crate) leg: &'static str,
    /// Who does what.
    pub(crate) title: String,
    pub(crate) steps: Vec<WalkStep>,
}

/// Something that nearly matched.
#[derive(Debug)]
pub(crate) struct Near {
    /// What differs.
    pub(crate) field: &'static str,
    pub(crate) text: String,
    pub(crate) place: Option<Place>,
}

impl Near {
    /// What nearly matched, and where it is written.
    pub(crate) fn line(&self) -> String {
        match &self.place {
            Some(place) => format!("{}, written at {place}", self.text),
            None => self.text.clone(),
        }
    }
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Whether it was answered, or the captured frame delivered or answered.
    pub(crate) good: bool,
    /// "answered", "not answered", "delivered", "consumed", "dropped".
    pub(crate) verdict: &'static str,
    /// The name of the reason; the verdict's own where all is well.
    pub(crate) reason: &'static str,
    /// The leg that failed.
    pub(crate) leg: Option<&'static str>,
    /// The reason in a sentence.
    pub(crate) text: String,
    pub(crate) decision: Option<Decision>,
}

/// Traces and reports. `No` where the question was not answered or the frame not delivered, or where
/// one reached another tenant; `Nothing` for a captured frame that never enters.
pub(crate) fn run(args: &TraceArgs, out: &mut Output) -> Result<Exit, Failure> {
    let mut model = load_for(args.redact, &args.scenario, args.stage.as_deref(), out)?;
    let traced = match (&args.frame, &args.from, &args.to) {
        (Some(frame), ..) => match trace_frame(args, frame, &mut model, out)? {
            Some(traced) => traced,
            None => return Ok(Exit::Nothing),
        },
        (None, Some(from), Some(to)) => {
            let (from, to) = (find_guest(&model, from)?, find_guest(&model, to)?);
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
    out.check(trace_checks::check(
        traced.id.clone(),
        traced.heading.clone(),
        &[(&traced.verdict, &traced.near_misses)],
        &traced.crossed,
    ));
    if out.is_json() {
        out.json_line(&trace_json::JsonTrace::of(&traced))?;
    } else {
        trace_text::print(&traced, out)?;
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

/// Tells a conversation.
fn of_conversation(names: &Names<'_>, conversation: &Conversation, level: Level) -> Traced {
    let legs = conversation.legs.iter().flat_map(|leg| {
        let frames = leg.frames.iter();
        let told = frames.map(|frame| TracedLeg {
            leg: leg.kind.name(),
            title: names.scrubbed(title(names, conversation, frame)),
            steps: steps(names, &frame.journey, level),
        });
        let silent = leg.frames.is_empty().then(|| TracedLeg {
            leg: leg.kind.name(),
            title: shown(names, conversation.to, leg.resolved.as_ref()),
            steps: Vec::new(),
        });
        told.chain(silent).collect::<Vec<_>>()
    });
    let model = names.model();
    let crossed = conversation.crossed.iter();
    Traced {
        level,
        id: names.scrubbed(format!(
            "trace/{}/{}/{}",
            names.guest(conversation.from),
            names.guest(conversation.to),
            conversation.probe
        )),
        heading: names.scrubbed(heading(names, conversation)),
        assumed: assumed(names, conversation),
        legs: legs.collect(),
        near_misses: told(names, &near_misses_of(model, conversation)),
        crossed: crossed.map(|&guest| names.guest(guest)).collect(),
        verdict: verdict(names, conversation),
    }
}

fn steps(names: &Names<'_>, journey: &Journey, level: Level) -> Vec<WalkStep> {
    let mut steps = match level {
        Level::Minimal => Vec::new(),
        Level::Summary => hop_steps(names, journey),
        Level::Default | Level::Detailed => walk_steps(names, journey),
    };
    if level == Level::Default {
        steps.retain(|step| !step.detail);
    }
    for step in &mut steps {
        step.asked = names.scrubbed(std::mem::take(&mut step.asked));
        step.matched = names.scrubbed(std::mem::take(&mut step.matched));
        step.place = step.place.as_ref().map(|place| names.scrubbed_place(place));
    }
    steps
}

/// What nearly matched, in words.
pub(crate) fn told(names: &Names<'_>, misses: &[NearMiss]) -> Vec<Near> {
    let told = misses.iter().map(|miss| Near {
        field: miss.field(),
        text: names.scrubbed(miss.text(names)),
        place: miss.place(names).map(|place| names.scrubbed_place(place)),
    });
    told.filter(|near| !near.text.is_empty()).collect()
}

fn heading(names: &Names<'_>, conversation: &Conversation) -> String {
    let end = |guest: GuestIndex, address: Option<String>| {
        if names.hides_guest(guest) {
            return names.guest(guest);
        }
        let model = names.model();
        let host = names.host(model.host_of(guest));
        let tenant = names.tenant(model.scenario().guests[guest].tenant);
        let address = address.map_or_else(String::new, |address| format!("{address}, "));
        format!("{} ({address}{tenant}, on {host})", names.guest(guest))
    };
    let (ours, theirs) = match conversation.addresses {
        Some((ours, theirs)) => (Some(ours.to_string()), Some(theirs.to_string())),
        None => (None, None),
    };
    let (from, to) = (conversation.from, conversation.to);
    format!(
        "{} to {}, {}",
        end(from, ours),
        end(to, theirs),
        conversation.probe
    )
}

fn assumed(names: &Names<'_>, conversation: &Conversation) -> Vec<String> {
    let Some((ours, theirs)) = conversation.addresses else {
        return Vec::new();
    };
    let (from, to) = (conversation.from, conversation.to);
    let theirs = match names.hides_guest(to) {
        true => String::new(),
        false => format!(", {} as {theirs}", names.guest(to)),
    };
    let message = match conversation.probe {
        Probe::Icmp => format!("echo request, identifier 1, sequence 1, {DATA_LEN} data bytes"),
        Probe::Tcp { port } => format!("SYN from port {GUEST_PORT} to {port}, answered by SYN-ACK"),
        Probe::Udp { port } => format!(
            "datagram of {DATA_LEN} data bytes from port {GUEST_PORT} to {port}, answered by one"
        ),
    };
    let fragments = if ours.is_ipv4() { ", DF set" } else { "" };
    vec![
        format!("addresses: {} speaks as {ours}{theirs}", names.guest(from)),
        format!("packet: {message}, TTL {GUEST_TTL}{fragments}"),
        "guests: both are up, have asked for nothing before, and answer what they get".to_owned(),
    ]
}

fn title(names: &Names<'_>, conversation: &Conversation, frame: &SentFrame) -> String {
    let sender = names.guest(frame.sender);
    if names.hides_guest(frame.sender) {
        return format!("{sender} sends a frame");
    }
    match frame.kind {
        FrameKind::Announcement(address) => format!("{sender} says that it has {address}"),
        FrameKind::Question(address) => format!(
            "{sender} asks who has {address} ({})",
            if address.is_ipv4() {
                "ARP"
            } else {
                "neighbor solicitation"
            }
        ),
        FrameKind::Answer(address) => format!("{sender} answers that it has {address}"),
        FrameKind::Packet(_, to) => {
            let message = match (conversation.probe, frame.sender == conversation.from) {
                (Probe::Icmp, true) => "an echo request to".to_owned(),
                (Probe::Icmp, false) => "an echo reply to".to_owned(),
                (Probe::Tcp { port }, true) => format!("a SYN to port {port} of"),
                (Probe::Tcp { .. }, false) => "a SYN-ACK to".to_owned(),
                (Probe::Udp { port }, true) => format!("a datagram to port {port} of"),
                (Probe::Udp { .. }, false) => "a datagram back to".to_owned(),
            };
            format!("{sender} sends {message} {to}")
        }
    }
}

/// A leg without frames: the question of the other guest has shown the address.
fn shown(names: &Names<'_>, guest: GuestIndex, resolved: Option<&Resolved>) -> String {
    let known = match resolved {
        Some(resolved) if !names.hides_guest(guest) => {
            format!(
                " where {} is, from the question for its own address",
                resolved.next_hop
            )
        }
        Some(_) | None => String::new(),
    };
    format!("{} knows{known}", names.guest(guest))
}

/// How a conversation ended.
pub(crate) fn verdict(names: &Names<'_>, conversation: &Conversation) -> Verdict {
    let (leg, text) = match &conversation.failure {
        None => (None, String::new()),
        Some((leg, failure)) => (Some(leg.name()), failure_text(names, failure)),
    };
    let good = conversation.is_answered();
    Verdict {
        good,
        verdict: if good { "answered" } else { "not answered" },
        reason: conversation.reason(),
        leg: leg.filter(|&leg| leg != LegKind::Announce.name()),
        text: names.scrubbed(text),
        decision: decision_of(names, conversation).map(|decision| scrubbed(names, decision)),
    }
}

fn scrubbed(names: &Names<'_>, decision: Decision) -> Decision {
    Decision {
        what: names.scrubbed(decision.what),
        place: decision.place.map(|place| names.scrubbed_place(&place)),
        ..decision
    }
}

/// Traces a captured frame. None: it does not enter, which is said.
fn trace_frame(
    args: &TraceArgs,
    wanted: &FrameName,
    model: &mut Model,
    out: &mut Output,
) -> Result<Option<Traced>, Failure> {
    out.refuse_reports_over([wanted.file.as_path()])?;
    let map = match &args.map {
        None => MapFile::default(),
        Some(file) => read_map(file, model.scenario())?,
    };
    let name = wanted.file.display().to_string();
    let entered = match enter(model, map, wanted, &name)? {
        Ok(entered) => entered,
        Err(skip) => {
            let number = wanted.number;
            let sentence = skip.sentence().trim_end_matches('.');
            out.complain(format_args!("{name}:{number}: skipped: {skip}: {sentence}"))?;
            return Ok(None);
        }
    };
    let journey = entered.trace(&mut model.trial());
    let model = &*model;
    let names = match (args.redact, entered.sender) {
        (false, _) => Names::new(model),
        (true, Sender::Guest(guest)) => names_for(model, true, guest),
        (true, Sender::Unknown) => {
            let message = format!(
                "{name}:{}: --redact: whose frame it is is not known",
                wanted.number
            );
            return Err(Failure::usage(message));
        }
    };
    let at = match entered.ingress {
        Ingress::Port(port) => format!("the port of {}", names.guest(port.0 as GuestIndex)),
        Ingress::Uplink => "the uplink".to_owned(),
    };
    let summary = FrameSummary(&entered.frame);
    let title = format!("{summary}, {} bytes", entered.frame.len());
    let host = names.host(entered.host);
    let level = args.level();
    let sender = match entered.sender {
        Sender::Guest(guest) => Some(model.scenario().guests[guest].tenant),
        Sender::Unknown => None,
    };
    let reached = journey
        .deliveries()
        .map(|(_, port, _)| port.0 as GuestIndex);
    let strangers = reached.filter(|&guest| {
        sender.is_some_and(|tenant| tenant != model.scenario().guests[guest].tenant)
    });
    let mut strangers: Vec<_> = strangers.collect();
    strangers.sort_unstable();
    strangers.dedup();
    Ok(Some(Traced {
        level,
        id: format!("trace/{name}:{}", wanted.number),
        heading: format!("{name}:{} enters at {at}, on {host}", wanted.number),
        assumed: vec!["guests and hosts: nothing was sent before".to_owned()],
        legs: vec![TracedLeg {
            leg: "frame",
            title: names.scrubbed(title),
            steps: steps(&names, &journey, level),
        }],
        near_misses: told(&names, &near_misses(model, &journey)),
        crossed: strangers.iter().map(|&guest| names.guest(guest)).collect(),
        verdict: verdict_of_frame(&names, &journey),
    }))
}

type Skipped<T> = Result<T, nvgre_sim::SkipReason>;

fn enter(
    model: &Model,
    map: MapFile,
    wanted: &FrameName,
    name: &str,
) -> Result<Skipped<Entered>, Failure> {
    let unreadable = |error| Failure::input(format_args!("{name}: {error}"));
    let mut reader = open_capture(Path::new(&wanted.file)).map_err(unreadable)?;
    let mut read = 0;
    while let Some(packet) = reader.next().map_err(unreadable)? {
        read += 1;
        if read < wanted.number {
            continue;
        }
        if !packet.link_type.is_supported() {
            let message = format!(
                "{name}:{read}: link type {} is not supported",
                packet.link_type
            );
            return Err(Failure::input(message));
        }
        return Ok(Entered::at(model, map, &packet, name));
    }
    let wanted = wanted.number;
    Err(Failure::usage(format!(
        "{name} holds {read} frames: there is no frame {wanted}"
    )))
}

fn verdict_of_frame(names: &Names<'_>, journey: &Journey) -> Verdict {
    let outcome = journey.fate.outcome();
    let reason = match outcome {
        Outcome::Dropped(reason) => Some(reason),
        Outcome::Delivered | Outcome::Consumed => None,
    };
    let answered = journey.generated().next().is_some();
    let verdict = match outcome {
        Outcome::Consumed if answered => "answered",
        other => outcome_name(other),
    };
    let decision = match reason {
        Some(_) => {
            let clue = journey.clue_of_drop().unwrap_or_default();
            Decision::of(names, reason, &clue)
        }
        None => journey.deliveries().next().and_then(|(hop, ..)| {
            Decision::of(names, None, &nvgre_analyze::forwarded_by(journey, hop))
        }),
    };
    let sentence = reason.map(|reason| reason.sentence().trim_end_matches('.').to_owned());
    Verdict {
        good: reason.is_none(),
        verdict,
        reason: reason.map_or(verdict, |reason| reason.name()),
        leg: None,
        text: sentence.unwrap_or_default(),
        decision: decision.map(|decision| scrubbed(names, decision)),
    }
}
