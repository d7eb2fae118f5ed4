//! What a replay says for tools: one JSON line, schema `nvgre.replay/1`.
//!
//! ```text
//! {"schema":"nvgre.replay/1","scenario":NAME,
//!  "inputs":[{"file":"red.pcap","frames":519,"error":null|"..."}],   a cut file: what was whole, and why it ended
//!  "frames":{"read":N,"delivered":N,"dropped":N,"consumed":N,"skipped":N},     read = the sum of the others
//!  "copies":{"made":N,"delivered":N,"dropped":N,"generated":N},                made = delivered + dropped
//!  "entered_at_uplinks":N,                       frames; the hosts of their senders were not asked
//!  "drops":[{"reason":"no_port","frames":N,"copies":N,"first_frame":N,"host":"Waldorf",     most frequent first
//!            "summary":"ICMP 10.1.0.1 > 10.1.0.2","missed":"a port with MAC ..., on Waldorf"|null,
//!            "record":null|{"host","customer_address","virtual_subnet","provider_address","place":"FILE:LINE:COLUMN"}}],
//!  "skips":[{"reason":"unknown_port","frames":N,"first_frame":N}],
//!  "tenants":[{"name":"Red","sent_frames":N,"sent_bytes":N,"received_frames":N,"received_bytes":N}],
//!  "ports":[{"name":"Red11","tenant":"Red","sent_frames":N, ...}],
//!  "isolation":{"verdict":"isolated"|"violated"|"undecided"|"nothing_delivered","same_tenant":N,"cross_tenant":N,
//!               "sender_unknown":N,"first_cross_tenant":null|{"frame":N,"port":"Blue11"}},
//!  "digest":"16 hex digits","seconds":S,"frames_per_second":R,"bits_per_second":R}
//! ```
//!
//! Frames are numbered from 1 over all inputs in their order. `drops.frames` counts frames of which
//! no copy was delivered and this was the first reason; `drops.copies` every copy dropped. `summary`,
//! `missed` (the table that had no answer) and `record` (the one that decided) are about the first.
//! `generated`: answers and ICMP errors that hosts made; they are in no port's figures, and the
//! oracle judges them like any delivery. The last three differ from run to run, the
//! rest does not; `digest` is a hash of every delivery.

use nvgre_dataplane::LookupRecord;
use nvgre_netwnv::Place;
use nvgre_sim::Replay;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;
use crate::replay_result::{InputResult, Isolation, ReplayResult, Traffic};

#[derive(Serialize)]
struct JsonReplay<'a> {
    schema: &'static str,
    scenario: &'a str,
    inputs: &'a [InputResult],
    frames: JsonFrames,
    copies: JsonCopies,
    entered_at_uplinks: u64,
    drops: Vec<JsonDrop<'a>>,
    skips: Vec<JsonSkip>,
    tenants: Vec<JsonTenant<'a>>,
    ports: Vec<JsonPort<'a>>,
    isolation: JsonIsolation,
    digest: String,
    seconds: f64,
    frames_per_second: f64,
    bits_per_second: f64,
}

#[derive(Serialize)]
struct JsonFrames {
    read: u64,
    delivered: u64,
    dropped: u64,
    consumed: u64,
    skipped: u64,
}

#[derive(Serialize)]
struct JsonCopies {
    made: u64,
    delivered: u64,
    dropped: u64,
    generated: u64,
}

#[derive(Serialize)]
struct JsonDrop<'a> {
    reason: &'static str,
    frames: u64,
    copies: u64,
    first_frame: u64,
    host: &'a str,
    summary: Option<&'a str>,
    missed: Option<String>,
    record: Option<JsonRecord<'a>>,
}

#[derive(Serialize)]
struct JsonRecord<'a> {
    host: &'a str,
    customer_address: String,
    virtual_subnet: u32,
    provider_address: String,
    place: String,
}

impl<'a> JsonRecord<'a> {
    fn of((record, host, place): (LookupRecord, &'a str, &Place)) -> Self {
        Self {
            host,
            customer_address: record.customer_address.to_string(),
            virtual_subnet: record.virtual_subnet.get(),
            provider_address: record.provider_address.to_string(),
            place: place.to_string(),
        }
    }
}

#[derive(Serialize)]
struct JsonSkip {
    reason: &'static str,
    frames: u64,
    first_frame: u64,
}

#[derive(Serialize)]
struct JsonTenant<'a> {
    name: &'a str,
    #[serde(flatten)]
    traffic: Traffic,
}

#[derive(Serialize)]
struct JsonPort<'a> {
    name: String,
    tenant: &'a str,
    #[serde(flatten)]
    traffic: Traffic,
}

#[derive(Serialize)]
struct JsonIsolation {
    verdict: Isolation,
    same_tenant: u64,
    cross_tenant: u64,
    sender_unknown: u64,
    first_cross_tenant: Option<JsonDelivery>,
}

#[derive(Serialize)]
struct JsonDelivery {
    frame: u64,
    port: String,
}

/// Prints the line.
pub(crate) fn print(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let replay = result.replay;
    let report = replay.report();
    let scenario = replay.model().scenario();
    let (frames, copies) = (report.frames, report.copies);
    let rates = result.rates();
    let drops = result.drops().into_iter().map(|drop| JsonDrop {
        reason: drop.reason.name(),
        frames: drop.line.frames,
        copies: drop.line.copies,
        first_frame: drop.line.first_frame,
        host: &scenario.hosts[drop.host].name,
        summary: drop.line.first.as_ref().map(|(text, _)| text.as_str()),
        missed: result.missed_by(&drop),
        record: result.record_of(&drop).map(JsonRecord::of),
    });
    let skips = report.skips.iter();
    let skips = skips.map(|(reason, &(frames, first_frame))| JsonSkip {
        reason: reason.name(),
        frames,
        first_frame,
    });
    let tenants = scenario.tenants.iter().enumerate();
    let tenants = tenants.map(|(index, tenant)| JsonTenant {
        name: &tenant.name,
        traffic: result.traffic(&result.guests_of(index)),
    });
    let ports = scenario.guests.iter().enumerate();
    let ports = ports.map(|(index, guest)| JsonPort {
        name: guest.port_name(),
        tenant: &scenario.tenants[guest.tenant].name,
        traffic: result.traffic(&[index]),
    });
    out.json_line(&JsonReplay {
        schema: "nvgre.replay/1",
        scenario: &scenario.name,
        inputs: result.inputs,
        frames: JsonFrames {
            read: frames.read,
            delivered: frames.delivered,
            dropped: frames.dropped,
            consumed: frames.consumed,
            skipped: frames.skipped,
        },
        copies: JsonCopies {
            made: copies.made,
            delivered: copies.delivered,
            dropped: copies.dropped,
            generated: copies.generated,
        },
        entered_at_uplinks: report.entered_at_uplinks,
        drops: drops.collect(),
        skips: skips.collect(),
        tenants: tenants.collect(),
        ports: ports.collect(),
        isolation: isolation(result, replay),
        digest: format!("{:016x}", replay.digest()),
        seconds: result.elapsed.as_secs_f64(),
        frames_per_second: rates.frames_per_second,
        bits_per_second: rates.bits_per_second,
    })
}

fn isolation(result: &ReplayResult<'_>, replay: &Replay) -> JsonIsolation {
    let counts = replay.oracle();
    let guests = &replay.model().scenario().guests;
    let first = replay.report().first_cross_tenant;
    JsonIsolation {
        verdict: result.isolation(),
        same_tenant: counts.same_tenant,
        cross_tenant: counts.cross_tenant,
        sender_unknown: counts.sender_unknown,
        first_cross_tenant: first.map(|(frame, guest)| JsonDelivery {
            frame,
            port: guests[guest].port_name(),
        }),
    }
}
