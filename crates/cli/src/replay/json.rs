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
//!               "sender_unknown":N,"answers":N,"first_cross_tenant":null|{"frame":N,"port":"Blue11"}},
//!  "filter":null|{"expression":"...","frames":N,"listed":[{"frame":N,"from":"Red11","to":"Red22","virtual_subnet":445566|null,
//!            "verdict":"dropped","reason":"no_lookup_record"|null,"host":"Statler"|null,"record":"... at ... (FILE:LINE:COLUMN)"|null,
//!            "line":"frame 3, Red11 -> Red22, ..."}]},               the first 100 frames that match
//!  "expect":null|{"file":"want.pcapng","compared":"ports"|"order","wanted":N,"delivered":N,"answers":N,"same":N,"missing":N,
//!            "unexpected":N,"different":N,"first":[{"what":"missing"|"unexpected"|"different","port":"Red11"|null,"packet":N|null,"frame":N|null,
//!            "offset_bytes":N|null,"field":"IPv4 TTL"|null,"wanted_bytes":N|null,"delivered_bytes":N|null,"summary":"..."}]},
//!  "digest":"16 hex digits","seconds":S,"frames_per_second":R,"bits_per_second":R}
//! ```
//!
//! Frames are numbered from 1 over all inputs in their order. `drops.frames` counts frames of which
//! no copy was delivered and this was the first reason; `drops.copies` every copy dropped. `summary`,
//! `missed` (the table that had no answer) and `record` (the one that decided) are about the first.
//! `generated`: answers and ICMP errors that hosts made; they are in no port's figures, so that what
//! ports received is `copies.delivered`. The oracle judges them like any delivery: its three counts are
//! `copies.delivered` and `isolation.answers` together. `expect.answers` are among `expect.delivered`
//! where ports are compared, else passed over. The last three differ from run to run, the
//! rest does not; `digest` is a hash of every delivery.

use nvgre_dataplane::LookupRecord;
use nvgre_netwnv::Place;
use nvgre_sim::Replay;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;
use crate::replay::expect::{self, JsonExpectation};
use crate::replay::result::{InputResult, Isolation, ReplayResult, Traffic};

/// What became of captured frames in a modeled network.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonReplay<'a> {
    schema: &'static str,
    /// The name of the scenario.
    scenario: &'a str,
    /// The captures, in the order of the command line.
    inputs: &'a [InputResult],
    /// One outcome for each frame: read is the sum of the others.
    frames: JsonFrames,
    /// One end for each copy: made is delivered and dropped.
    copies: JsonCopies,
    /// Frames that entered at a host's uplink; what their senders' hosts would have done was not asked.
    entered_at_uplinks: u64,
    /// Drops by reason and host, the most frequent first.
    drops: Vec<JsonDrop<'a>>,
    /// Frames that never entered, by reason.
    skips: Vec<JsonSkip>,
    /// What the guests of each tenant sent and received.
    tenants: Vec<JsonTenant<'a>>,
    /// What each guest's port sent and received.
    ports: Vec<JsonPort<'a>>,
    /// Whether a frame reached another tenant.
    isolation: JsonIsolation,
    /// What `--filter` matched, if it was given.
    filter: Option<JsonFilter<'a>>,
    /// What `--expect` found, if it was given.
    expect: Option<JsonExpectation<'a>>,
    /// A hash of every delivery: the same for the same inputs.
    #[schemars(regex(pattern = "^[0-9a-f]{16}$"))]
    digest: String,
    /// Wall-clock time of the replay; differs from run to run.
    seconds: f64,
    /// Frames that entered, by that time.
    frames_per_second: f64,
    /// Their bits, by that time.
    bits_per_second: f64,
}

/// One outcome for each frame.
#[derive(Serialize, JsonSchema)]
struct JsonFrames {
    /// From all inputs.
    read: u64,
    /// At least one copy reached a guest.
    delivered: u64,
    /// No copy did.
    dropped: u64,
    /// Answered, or taken by a host.
    consumed: u64,
    /// Never entered.
    skipped: u64,
}

/// One end for each copy.
#[derive(Serialize, JsonSchema)]
struct JsonCopies {
    /// Copies that went somewhere; of a flooded frame several.
    made: u64,
    /// Those that reached a guest.
    delivered: u64,
    /// The others.
    dropped: u64,
    /// Frames that hosts made themselves: answers and ICMP errors.
    generated: u64,
}

/// Drops for one reason at one host.
#[derive(Serialize, JsonSchema)]
struct JsonDrop<'a> {
    /// `nvgre codes` explains it.
    reason: &'static str,
    /// Frames of which no copy was delivered, and this was the first reason.
    frames: u64,
    /// Copies dropped for it.
    copies: u64,
    /// The first such frame, from 1 over all inputs.
    first_frame: u64,
    /// The host that dropped, or that put the frame on the underlay which did.
    host: &'a str,
    /// What the first frame was.
    summary: Option<&'a str>,
    /// What the first frame asked for in vain.
    missed: Option<String>,
    /// The record that decided about the first frame.
    record: Option<JsonRecord<'a>>,
}

/// A lookup record of a host.
#[derive(Serialize, JsonSchema)]
struct JsonRecord<'a> {
    /// The host that holds it.
    host: &'a str,
    /// Where the guest is, for the tenant.
    customer_address: String,
    /// VirtualSubnetId.
    virtual_subnet: u32,
    /// Where the guest's host is, on the underlay.
    provider_address: String,
    /// FILE:LINE:COLUMN of the command that made it.
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

/// Frames that never entered, for one reason.
#[derive(Serialize, JsonSchema)]
struct JsonSkip {
    /// Why they did not enter.
    reason: &'static str,
    /// How many.
    frames: u64,
    /// The first of them, from 1 over all inputs.
    first_frame: u64,
}

/// What the guests of a tenant sent and received.
#[derive(Serialize, JsonSchema)]
struct JsonTenant<'a> {
    /// The tenant.
    name: &'a str,
    #[serde(flatten)]
    traffic: Traffic,
}

/// What a guest sent and received at a port.
#[derive(Serialize, JsonSchema)]
struct JsonPort<'a> {
    /// GUEST, or GUEST/ADAPTER where the adapter has a name of its own.
    name: String,
    /// Its tenant.
    tenant: &'a str,
    #[serde(flatten)]
    traffic: Traffic,
}

/// What the oracle saw of deliveries.
#[derive(Serialize, JsonSchema)]
struct JsonIsolation {
    /// What the counts amount to.
    verdict: Isolation,
    /// Deliveries within a tenant.
    same_tenant: u64,
    /// Deliveries to another tenant.
    cross_tenant: u64,
    /// Deliveries whose sender is not in the inventory.
    sender_unknown: u64,
    /// Of all of them, answers and ICMP errors that hosts made; the others are copies delivered.
    answers: u64,
    /// The first delivery to another tenant.
    first_cross_tenant: Option<JsonDelivery>,
}

/// Frames that a filter matched.
#[derive(Serialize, JsonSchema)]
struct JsonFilter<'a> {
    /// As it was understood.
    expression: String,
    /// How many frames match.
    frames: u64,
    /// The first of them, at most 100.
    listed: Vec<JsonTold<'a>>,
}

/// A frame, and what became of it.
#[derive(Serialize, JsonSchema)]
struct JsonTold<'a> {
    /// From 1 over all inputs.
    frame: u64,
    /// The sender's port, or its address.
    from: &'a str,
    /// The receiver's port, or its address; `all` for a group.
    to: &'a str,
    /// Of the sender's port, or of the key where it entered at an uplink.
    virtual_subnet: Option<u32>,
    /// `delivered`, `dropped`, `consumed` or `skipped`.
    verdict: &'static str,
    /// Why it was dropped or skipped.
    reason: Option<&'static str>,
    /// Where its walk ended.
    host: Option<&'a str>,
    /// The record that decided: address, provider address, and where it is written.
    record: Option<&'a str>,
    /// All of it, as comments of captures have it.
    line: &'a str,
}

/// A frame that reached a guest.
#[derive(Serialize, JsonSchema)]
struct JsonDelivery {
    /// From 1 over all inputs.
    frame: u64,
    /// The guest's port.
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
        filter: filter(replay),
        expect: expect::json(result),
        digest: format!("{:016x}", replay.digest()),
        seconds: result.elapsed.as_secs_f64(),
        frames_per_second: rates.frames_per_second,
        bits_per_second: rates.bits_per_second,
    })
}

fn filter(replay: &Replay) -> Option<JsonFilter<'_>> {
    let (filter, matches) = replay.matches()?;
    let listed = matches.listed.iter().map(|told| JsonTold {
        frame: told.frame,
        from: &told.from,
        to: &told.to,
        virtual_subnet: told.virtual_subnet,
        verdict: told.verdict,
        reason: told.reason,
        host: told.host.as_deref(),
        record: told.record.as_deref(),
        line: &told.line,
    });
    Some(JsonFilter {
        expression: filter.to_string(),
        frames: matches.frames,
        listed: listed.collect(),
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
        answers: replay.report().copies.generated,
        first_cross_tenant: first.map(|(frame, guest)| JsonDelivery {
            frame,
            port: guests[guest].port_name(),
        }),
    }
}
