//! `nvgre trace --frame`: a captured frame, from where a replay lets it enter.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use nvgre_analyze::{Decision, Names, forwarded_by, let_through_by, near_misses, outcome_name};
use nvgre_sim::{
    Entered, FrameSummary, GuestIndex, Ingress, Journey, MapFile, Model, Outcome, Sender,
};

use crate::exit::Failure;
use crate::guest_name::names_for;
use crate::input::open_capture;
use crate::output::Output;
use crate::replay::read_map;
use crate::traced::{Level, Traced, TracedLeg, Verdict, scrubbed, steps, told};

/// A frame of a capture, as it is written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameName {
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

/// Traces a captured frame. None: it does not enter, which is said.
pub(crate) fn trace_frame(
    wanted: &FrameName,
    map: Option<&Path>,
    (level, redact): (Level, bool),
    model: &mut Model,
    out: &mut Output,
) -> Result<Option<Traced>, Failure> {
    out.refuse_reports_over([wanted.file.as_path()])?;
    let map = match map {
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
    let names = match (redact, entered.sender) {
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

/// The record that a frame was delivered by: of its receiver, else of its sender.
fn delivered_by(names: &Names<'_>, journey: &Journey) -> Option<Decision> {
    let (hop, ..) = journey.deliveries().next()?;
    let of_receiver = Decision::of(names, None, &forwarded_by(journey, hop));
    of_receiver.or_else(|| {
        let of_sender = Decision::of(names, None, &let_through_by(journey, hop))?;
        let what = format!("its sender's {}", of_sender.what);
        Some(Decision { what, ..of_sender })
    })
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
        None => delivered_by(names, journey),
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
