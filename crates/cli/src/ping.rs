//! `nvgre ping`: echo requests from guest to guest, in the lines of ping, and why one got no answer.
//!
//! Each is a conversation as `nvgre trace` has it, so that the two never disagree; but here packets are
//! lost by chance where the scenario says so. Times are those of the modeled underlay and switches.

use std::io::Write;
use std::path::PathBuf;

use nvgre_analyze::{
    Conversation, DATA_LEN, Failure as Cause, LegKind, Names, Probe, converse, near_misses_of,
    ttl_in,
};
use nvgre_sim::GuestIndex;

use crate::exit::{Exit, Failure};
use crate::guest_name::{find_two, names_for};
use crate::output::Output;
use crate::scenario_file::load_for;
use crate::trace;
use crate::trace::text::decider;
use crate::traced::{Near, Verdict, leg_text, told, verdict};

pub(crate) mod json;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct PingArgs {
    /// The scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The guest that asks: GUEST, or GUEST/NIC.
    #[arg(value_name = "FROM")]
    from: String,
    /// The guest that is asked.
    #[arg(value_name = "TO")]
    to: String,
    /// How many echo requests, a second apart.
    #[arg(short = 'c', long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Enter the stages up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Hide names, addresses and subnets of tenants other than FROM's.
    #[arg(long)]
    redact: bool,
}

/// Why a ping of `nvgre demo` may pass where this one does not.
const JUST_BOOTED: &str = "each request takes all guests as just booted; in nvgre demo the one up first keeps the address and may be answered";

/// ICMP header and data, in bytes: what ping counts.
pub(crate) const MESSAGE_LEN: usize = 8 + DATA_LEN;

/// Everything that is told.
#[derive(Debug)]
pub(crate) struct Pinged {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Source and destination address, where both are known and may be shown.
    pub(crate) addresses: Option<(String, String)>,
    pub(crate) echoes: Vec<Echo>,
    /// Each cause of a loss, in the order of its first.
    pub(crate) whys: Vec<Why>,
    /// Guests of other tenants that frames reached.
    pub(crate) crossed: Vec<String>,
}

/// One echo request.
#[derive(Debug)]
pub(crate) struct Echo {
    /// From 1.
    pub(crate) sequence: u32,
    /// TTL of the reply, and how long it took in nanoseconds.
    pub(crate) reply: Option<(u8, u64)>,
    /// Nobody answered for the MAC: the guest itself says that the address cannot be reached.
    pub(crate) unresolved: bool,
}

/// Why requests got no reply.
#[derive(Debug)]
pub(crate) struct Why {
    /// How many.
    pub(crate) count: u32,
    pub(crate) verdict: Verdict,
    pub(crate) near_misses: Vec<Near>,
}

/// Pings and reports. `No` when a request got no reply, or a frame reached another tenant.
pub(crate) fn run(args: &PingArgs, out: &mut Output) -> Result<Exit, Failure> {
    let mut model = load_for(args.redact, &args.scenario, args.stage.as_deref(), out)?;
    let (from, to) = find_two(&model, (&args.from, &args.to), args.redact)?;
    if from == to {
        let name = model.scenario().guests[from].port_name();
        return Err(Failure::usage(format!(
            "{name} reaches itself without the network"
        )));
    }
    let latency = model.scenario().underlay.latency_nanoseconds;
    let mut echoes = Vec::new();
    // Of each cause the first conversation that it ended.
    let mut causes: Vec<(u32, Conversation)> = Vec::new();
    let mut last = None;
    let mut crossed = Vec::new();
    let mut trial = model.trial();
    trial.draw_losses();
    for sequence in 1..=args.count {
        let conversation = converse(&mut trial, from, to, Probe::Icmp);
        let round_trip = conversation.round_trip_nanos(latency, sequence > 1);
        let unresolved = matches!(
            conversation.failure,
            Some((
                LegKind::Resolve,
                Cause::Dropped { .. } | Cause::NoAnswer { .. }
            ))
        );
        echoes.push(Echo {
            sequence,
            reply: reply_ttl(&conversation).zip(round_trip),
            unresolved,
        });
        if crossed.is_empty() {
            crossed.clone_from(&conversation.crossed);
        }
        if conversation.failure.is_some() {
            let same = |known: &&mut (u32, Conversation)| {
                let (known, new) = (&known.1, &conversation);
                known.failure == new.failure && known.decided_by == new.decided_by
            };
            match causes.iter_mut().find(same) {
                Some((count, _)) => *count += 1,
                None => causes.push((1, conversation.clone())),
            }
        }
        last = Some(conversation);
    }
    drop(trial);
    let model = &model;
    let names = names_for(model, args.redact, from);
    let addresses = last.and_then(|conversation| conversation.addresses);
    let addresses = addresses.filter(|_| !names.hides_guest(to));
    let lost = !causes.is_empty();
    let pinged = Pinged {
        from: names.guest(from),
        to: names.guest(to),
        addresses: addresses.map(|(ours, theirs)| (ours.to_string(), theirs.to_string())),
        echoes,
        whys: causes
            .iter()
            .map(|(count, why)| of_cause(&names, *count, why))
            .collect(),
        crossed: crossed.iter().map(|&guest| names.guest(guest)).collect(),
    };
    let verdicts = pinged.whys.iter();
    let verdicts: Vec<_> = verdicts
        .map(|why| (&why.verdict, &why.near_misses[..]))
        .collect();
    out.check(trace::checks::check(
        format!("ping/{}/{}", pinged.from, pinged.to),
        format!("{} answers the pings of {}", pinged.to, pinged.from),
        &verdicts,
        &pinged.crossed,
    ));
    if out.is_json() {
        out.json_line(&json::JsonPing::of(&pinged))?;
    } else {
        print(&pinged, out)?;
    }
    Ok(match lost || !pinged.crossed.is_empty() {
        true => Exit::No,
        false => Exit::Success,
    })
}

/// TTL of the reply as it came to the asker.
fn reply_ttl(conversation: &Conversation) -> Option<u8> {
    let reply = conversation.leg(LegKind::Reply)?.frames.first()?;
    let mut deliveries = reply.journey.deliveries();
    let (_, _, frame) =
        deliveries.find(|(_, port, _)| port.0 as GuestIndex == conversation.from)?;
    ttl_in(frame)
}

fn of_cause(names: &Names<'_>, count: u32, why: &Conversation) -> Why {
    Why {
        count,
        verdict: verdict(names, why),
        near_misses: told(names, &near_misses_of(names.model(), why)),
    }
}

impl Pinged {
    /// Replies that came.
    pub(crate) fn received(&self) -> usize {
        self.echoes
            .iter()
            .filter(|echo| echo.reply.is_some())
            .count()
    }

    /// Round trips, in nanoseconds.
    pub(crate) fn round_trips(&self) -> impl Iterator<Item = u64> {
        let replies = self.echoes.iter().filter_map(|echo| echo.reply);
        replies.map(|(_, nanos)| nanos)
    }
}

/// The lines of ping.
fn print(pinged: &Pinged, out: &mut Output) -> Result<(), Failure> {
    let (from, to) = (&pinged.from, &pinged.to);
    match &pinged.addresses {
        Some((ours, theirs)) => {
            writeln!(
                out,
                "PING {to} ({theirs}) from {from} ({ours}): {DATA_LEN} data bytes"
            )?;
        }
        None => writeln!(out, "PING {to} from {from}: {DATA_LEN} data bytes")?,
    }
    let theirs = pinged.addresses.as_ref().map_or(to, |(_, theirs)| theirs);
    let ours = pinged.addresses.as_ref().map_or(from, |(ours, _)| ours);
    for Echo {
        sequence,
        reply,
        unresolved,
    } in &pinged.echoes
    {
        if let Some((ttl, nanos)) = reply {
            let time = millis(*nanos);
            writeln!(
                out,
                "{MESSAGE_LEN} bytes from {theirs}: icmp_seq={sequence} ttl={ttl} time={time} ms"
            )?;
        } else if *unresolved {
            writeln!(
                out,
                "From {ours} icmp_seq={sequence} Destination Host Unreachable"
            )?;
        }
    }
    let (sent, received) = (pinged.echoes.len(), pinged.received());
    let errors = pinged.echoes.iter().filter(|echo| echo.unresolved).count();
    let errors = match errors {
        0 => String::new(),
        errors => format!(" +{errors} errors,"),
    };
    let lost = loss_percent(sent, received);
    let last = pinged.round_trips().last().unwrap_or(0);
    let time = (sent as u64 - 1) * 1_000 + last / 1_000_000;
    writeln!(
        out,
        "\n--- {to} ping statistics ---\n{sent} packets transmitted, {received} received,{errors} \
         {lost}% packet loss, time {time}ms"
    )?;
    if received > 0 {
        let trips: Vec<_> = pinged.round_trips().collect();
        let (least, most) = (trips.iter().min(), trips.iter().max());
        let mean = trips.iter().sum::<u64>() as f64 / trips.len() as f64;
        let spread = trips
            .iter()
            .map(|&trip| (trip as f64 - mean).powi(2))
            .sum::<f64>();
        let deviation = (spread / trips.len() as f64).sqrt();
        writeln!(
            out,
            "rtt min/avg/max/mdev = {}/{}/{}/{} ms",
            millis(least.copied().unwrap_or(0)),
            millis(mean as u64),
            millis(most.copied().unwrap_or(0)),
            millis(deviation as u64)
        )?;
    }
    for why in &pinged.whys {
        let (reason, text) = (why.verdict.reason, &why.verdict.text);
        let leg = why
            .verdict
            .leg
            .map_or_else(String::new, |leg| format!(" ({})", leg_text(leg)));
        let decider = decider(&why.verdict);
        writeln!(out, "why: {} x {reason}{leg}: {text}{decider}", why.count)?;
        if reason == "address_conflict" {
            writeln!(out, "     {JUST_BOOTED}")?;
        }
        for near in &why.near_misses {
            writeln!(out, "     near miss: {}", near.line())?;
        }
    }
    if !pinged.crossed.is_empty() {
        let crossed = pinged.crossed.join(", ");
        writeln!(
            out,
            "isolation: frames reached other tenants than their senders: {crossed}"
        )?;
    }
    Ok(())
}

/// Percent of the requests that got no reply, as ping prints it.
pub(crate) fn loss_percent(sent: usize, received: usize) -> String {
    let percent = (sent - received) as f64 * 100.0 / sent as f64;
    match percent.fract() == 0.0 {
        true => format!("{percent:.0}"),
        false => format!("{percent:.4}").trim_end_matches('0').to_owned(),
    }
}

/// Nanoseconds as milliseconds.
fn millis(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1_000_000, nanos % 1_000_000 / 1_000)
}
