//! What `nvgre trace` says for tools: one line.

use schemars::JsonSchema;
use serde::Serialize;

use crate::traced::{Near, Traced, Verdict};

/// A trace. With --minimal and --summary it has fewer steps, as the text has fewer lines.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonTrace<'a> {
    schema: &'static str,
    /// Who talks to whom, or which frame enters where.
    about: &'a str,
    /// What was taken for granted.
    assumed: &'a [String],
    /// Every frame that was sent, in order.
    frames: Vec<JsonFrame<'a>>,
    /// What nearly matched where the last one was dropped, closest first.
    near_misses: Vec<JsonNear<'a>>,
    /// Guests of other tenants than the sender's that frames reached.
    crossed: &'a [String],
    /// How it ended.
    verdict: JsonVerdict<'a>,
}

/// A frame and its walk.
#[derive(Serialize, JsonSchema)]
struct JsonFrame<'a> {
    /// The part of the conversation: announce, resolve, request, resolve_back, reply; frame for a
    /// captured one.
    leg: &'static str,
    /// Who does what.
    what: &'a str,
    /// What happened, in order.
    steps: Vec<JsonStep<'a>>,
}

/// A step.
#[derive(Serialize, JsonSchema)]
struct JsonStep<'a> {
    /// The host, or underlay.
    host: &'a str,
    /// What was done.
    stage: &'static str,
    /// What was asked.
    asked: &'a str,
    /// What matched.
    matched: &'a str,
    /// FILE:LINE:COLUMN of the command that wrote what matched.
    place: Option<String>,
}

/// Something that nearly matched.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonNear<'a> {
    /// The one field that differs.
    field: &'static str,
    /// What nearly matched, and how it differs.
    text: &'a str,
    /// FILE:LINE:COLUMN of the command that wrote it.
    place: Option<String>,
}

/// How it ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonVerdict<'a> {
    /// answered, not answered; of a captured frame: delivered, answered, consumed, dropped.
    verdict: &'static str,
    /// The name of the reason.
    reason: &'static str,
    /// The leg that failed.
    leg: Option<&'static str>,
    /// The reason in a sentence.
    text: &'a str,
    /// The host whose tables decided.
    host: Option<&'a str>,
    /// What decided there: a record, or that there is none.
    decided_by: Option<&'a str>,
    /// FILE:LINE:COLUMN of the command that wrote it.
    place: Option<String>,
}

impl<'a> JsonTrace<'a> {
    pub(crate) fn of(traced: &'a Traced) -> Self {
        let frames = traced.legs.iter().map(|leg| JsonFrame {
            leg: leg.leg,
            what: &leg.title,
            steps: (leg.steps.iter())
                .map(|step| JsonStep {
                    host: &step.host,
                    stage: step.stage,
                    asked: &step.asked,
                    matched: &step.matched,
                    place: step.place.as_ref().map(ToString::to_string),
                })
                .collect(),
        });
        Self {
            schema: "nvgre.trace/1",
            about: &traced.heading,
            assumed: &traced.assumed,
            frames: frames.collect(),
            near_misses: traced.near_misses.iter().map(JsonNear::of).collect(),
            crossed: &traced.crossed,
            verdict: JsonVerdict::of(&traced.verdict),
        }
    }
}

impl<'a> JsonNear<'a> {
    pub(crate) fn of(near: &'a Near) -> Self {
        Self {
            field: near.field,
            text: &near.text,
            place: near.place.as_ref().map(ToString::to_string),
        }
    }
}

impl<'a> JsonVerdict<'a> {
    pub(crate) fn of(verdict: &'a Verdict) -> Self {
        let decision = verdict.decision.as_ref();
        let place = decision.and_then(|decision| decision.place.as_ref());
        Self {
            verdict: verdict.verdict,
            reason: verdict.reason,
            leg: verdict.leg,
            text: &verdict.text,
            host: decision.map(|decision| decision.host.as_str()),
            decided_by: decision.map(|decision| decision.what.as_str()),
            place: place.map(ToString::to_string),
        }
    }
}
