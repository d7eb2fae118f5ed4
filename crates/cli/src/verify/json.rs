//! What `nvgre verify` says for tools: one JSON line a check, and one about a hostile host, schema
//! `nvgre.verify/1`.

use nvgre_analyze::{BlastEntry, Finding, ISOLATION_MODEL, IpFamily, Severity};
use nvgre_sim::scenario::Reach;
use nvgre_sim::{GuestIndex, Model};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;
use crate::verify::{Answered, Detail, name_of, word_for};

/// One check, or what a hostile host reaches.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine {
    schema: &'static str,
    /// isolation, reach, leak, mtu, stale or loops; hostile-host for the line about one.
    check: String,
    /// proved, violated or undecided; null about a hostile host.
    answer: Option<String>,
    /// The answer in words.
    title: String,
    /// What led to it, worst first.
    findings: Vec<JsonFinding>,
    /// Only of isolation.
    isolation: Option<JsonIsolation>,
    /// Only of reach: every pair that was asked about.
    pairs: Option<Vec<JsonPair>>,
    /// Only of mtu: every pair that gets answers.
    mtus: Option<Vec<JsonMtu>>,
    /// Only about a hostile host.
    hostile_host: Option<JsonRadius>,
}

/// One thing that is wrong, or suspect.
#[derive(Serialize, JsonSchema)]
struct JsonFinding {
    /// The rule that it breaks: a drop reason, or a name of the analysis.
    rule: &'static str,
    /// error, warning or note.
    severity: &'static str,
    /// One sentence.
    message: String,
    /// FILE:LINE:COLUMN, where one would mend it first.
    places: Vec<String>,
    /// Commands that would mend it, or what to do in words.
    fix: Vec<String>,
}

/// What stands behind the answer about isolation.
#[derive(Serialize, JsonSchema)]
struct JsonIsolation {
    /// What is taken for granted.
    model: &'static str,
    /// Frames that were sent where the tables left a doubt.
    frames_sent: u64,
    /// Guests about whose frames the question stays open.
    open: Vec<String>,
    /// Frames that cross.
    witnesses: Vec<JsonWitness>,
}

/// A frame that reaches another tenant.
#[derive(Serialize, JsonSchema)]
struct JsonWitness {
    /// The guest that sends it.
    sender: String,
    /// The first guest of another tenant that gets it.
    receiver: String,
    /// The frame in hexadecimal.
    frame: String,
    /// Frames that are sent before, from which hosts learn what lets this one cross.
    lessons: Vec<JsonLesson>,
}

/// A frame that hosts learn from.
#[derive(Serialize, JsonSchema)]
struct JsonLesson {
    /// The guest that sends it.
    sender: String,
    /// The frame in hexadecimal.
    frame: String,
}

/// One guest asks another.
#[derive(Serialize, JsonSchema)]
struct JsonPair {
    /// Who asks.
    from: String,
    /// Who is to answer.
    to: String,
    /// IPv4 or IPv6; null: they have no family in common.
    family: Option<&'static str>,
    /// allow or deny.
    wanted: &'static str,
    /// The intent that wants it, FILE:LINE:COLUMN; null: none says so.
    intent: Option<String>,
    /// Whether it is as wanted.
    holds: bool,
    /// Whether an answer came.
    answered: bool,
    /// What went wrong: a drop reason, or a name of the analysis.
    reason: Option<&'static str>,
    /// Where the record was written that decided.
    record: Option<String>,
}

/// How large packets may be from one guest to another.
#[derive(Serialize, JsonSchema)]
struct JsonMtu {
    /// Who sends.
    from: String,
    /// Who receives.
    to: String,
    /// IPv4 or IPv6.
    family: &'static str,
    /// The largest IP packet that arrives; null: any does.
    largest_bytes: Option<u16>,
    /// The MTU of the sender's stack.
    configured_bytes: u16,
    /// The host that drops larger ones.
    dropped_at: Option<String>,
    /// Why it does.
    reason: Option<&'static str>,
    /// Whether the sender is told.
    told: bool,
}

/// What a host reaches that obeys nobody.
#[derive(Serialize, JsonSchema)]
struct JsonRadius {
    /// The host.
    host: String,
    /// Whom it reaches.
    reaches: Vec<JsonReached>,
}

/// Guests of one host that it reaches by one routing domain.
#[derive(Serialize, JsonSchema)]
struct JsonReached {
    /// The host that lets it in.
    host: String,
    /// The routing domain; null: they are on the wire itself.
    routing_domain: Option<String>,
    /// Where the record was written that names an address of the hostile host.
    record: Option<String>,
    /// The guests.
    guests: Vec<String>,
}

pub(crate) fn print(model: &Model, answered: &Answered, out: &mut Output) -> Result<(), Failure> {
    let check = &answered.check;
    let name = |guest: GuestIndex| model.scenario().guests[guest].port_name();
    let mut line = JsonLine {
        schema: "nvgre.verify/1",
        check: name_of(answered.question),
        answer: Some(word_for(check.outcome).to_ascii_lowercase()),
        title: check.title.clone(),
        findings: check.findings.iter().map(finding).collect(),
        isolation: None,
        pairs: None,
        mtus: None,
        hostile_host: None,
    };
    match &answered.detail {
        Detail::Isolation(isolation) => {
            let witnesses = isolation.witnesses.iter().map(|witness| JsonWitness {
                sender: name(witness.sender),
                receiver: name(witness.receiver),
                frame: hex(&witness.frame),
                lessons: (witness.lessons.iter())
                    .map(|(sender, frame)| JsonLesson {
                        sender: name(*sender),
                        frame: hex(frame),
                    })
                    .collect(),
            });
            line.isolation = Some(JsonIsolation {
                model: ISOLATION_MODEL,
                frames_sent: isolation.frames_sent,
                open: isolation.open.iter().map(|&guest| name(guest)).collect(),
                witnesses: witnesses.collect(),
            });
        }
        Detail::Reach(pairs) => {
            let place = |(host, id)| model.place_of_record(host, id).map(ToString::to_string);
            let intents = &model.scenario().intents;
            let pairs = pairs.iter().map(|pair| JsonPair {
                from: name(pair.from),
                to: name(pair.to),
                family: pair.family.map(IpFamily::name),
                wanted: match pair.wanted {
                    Reach::Allow => "allow",
                    Reach::Deny => "deny",
                },
                intent: pair.intent.map(|intent| intents[intent].place.to_string()),
                holds: pair.holds(),
                answered: pair.answered,
                reason: pair.failure.as_ref().map(|(_, failure)| failure.name()),
                record: pair.record.and_then(place),
            });
            line.pairs = Some(pairs.collect());
        }
        Detail::Mtu(mtus) => {
            let mtus = mtus.iter().map(|mtu| JsonMtu {
                from: name(mtu.from),
                to: name(mtu.to),
                family: mtu.family.name(),
                largest_bytes: mtu.largest_bytes,
                configured_bytes: mtu.configured_bytes,
                dropped_at: mtu
                    .dropped_by
                    .map(|(host, _)| model.scenario().hosts[host].name.clone()),
                reason: mtu.dropped_by.map(|(_, reason)| reason.name()),
                told: mtu.told,
            });
            line.mtus = Some(mtus.collect());
        }
        Detail::Plain => {}
    }
    out.json_line(&line)
}

pub(crate) fn print_radius(
    model: &Model,
    hostile: usize,
    radius: &[BlastEntry],
    out: &mut Output,
) -> Result<(), Failure> {
    let scenario = model.scenario();
    let reaches = radius.iter().map(|entry| JsonReached {
        host: scenario.hosts[entry.host].name.clone(),
        routing_domain: entry.by.map(|(domain, _)| domain.to_string()),
        record: entry.by.and_then(|(_, id)| {
            let place = model.place_of_record(entry.host, id);
            place.map(ToString::to_string)
        }),
        guests: entry
            .guests
            .iter()
            .map(|&guest| scenario.guests[guest].port_name())
            .collect(),
    });
    let host = scenario.hosts[hostile].name.clone();
    let line = JsonLine {
        schema: "nvgre.verify/1",
        check: "hostile-host".to_owned(),
        answer: None,
        title: format!("what {host} reaches if it obeys nobody"),
        findings: Vec::new(),
        isolation: None,
        pairs: None,
        mtus: None,
        hostile_host: Some(JsonRadius {
            host,
            reaches: reaches.collect(),
        }),
    };
    out.json_line(&line)
}

fn finding(finding: &Finding) -> JsonFinding {
    JsonFinding {
        rule: finding.rule,
        severity: match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        message: finding.message.clone(),
        places: finding.places.iter().map(ToString::to_string).collect(),
        fix: finding.fix.clone(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
