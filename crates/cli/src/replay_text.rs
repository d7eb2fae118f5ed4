//! What a replay says, for people and for tools.

use std::io::Write;
use std::time::{Duration, Instant};

use nvgre_sim::Replay;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;

/// Wall-clock time of the work itself: the one thing in a report that differs from run to run.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Rates of the frames that entered.
struct Rates {
    frames_per_second: f64,
    bits_per_second: f64,
}

impl Rates {
    fn of(replay: &Replay, elapsed: Duration) -> Self {
        let report = replay.report();
        let entered = report.frames.read - report.frames.skipped;
        let seconds = elapsed.as_secs_f64().max(1e-9);
        Self {
            frames_per_second: entered as f64 / seconds,
            bits_per_second: report.bytes_entered as f64 * 8.0 / seconds,
        }
    }
}

/// What the oracle's counts amount to.
pub(crate) fn isolation(replay: &Replay) -> &'static str {
    let counts = replay.oracle();
    if counts.cross_tenant > 0 {
        "violated"
    } else if counts.sender_unknown > 0 {
        "undecided"
    } else if counts.same_tenant > 0 {
        "isolated"
    } else {
        "nothing_delivered"
    }
}

/// Prints ledgers, drops, tenants, ports, the oracle's verdict and the speed.
pub(crate) fn print(replay: &Replay, elapsed: Duration, out: &mut Output) -> Result<(), Failure> {
    let report = replay.report();
    let (frames, copies) = (&report.frames, &report.copies);
    writeln!(
        out,
        "frames  {} read = {} delivered + {} dropped + {} consumed + {} skipped",
        frames.read, frames.delivered, frames.dropped, frames.consumed, frames.skipped
    )?;
    writeln!(
        out,
        "copies  {} made = {} delivered + {} dropped; {} more frames made by the hosts (answers, ICMP errors)",
        copies.made, copies.delivered, copies.dropped, copies.generated
    )?;
    print_drops(replay, out)?;
    print_skips(replay, out)?;
    print_traffic(replay, out)?;
    print_isolation(replay, out)?;
    let rates = Rates::of(replay, elapsed);
    writeln!(
        out,
        "speed   {:.0} frames/s, {:.2} Gbit/s of entering frames, {:.3} s in all",
        rates.frames_per_second,
        rates.bits_per_second / 1e9,
        elapsed.as_secs_f64()
    )?;
    writeln!(out, "hash    {:016x} over every delivery", replay.digest())?;
    Ok(())
}

fn print_drops(replay: &Replay, out: &mut Output) -> Result<(), Failure> {
    let report = replay.report();
    if report.drops.is_empty() {
        return Ok(());
    }
    let hosts = &replay.model().scenario().hosts;
    writeln!(
        out,
        "\ndropped                  frames    copies  first frame"
    )?;
    for (reason, line) in &report.drops {
        writeln!(
            out,
            "  {:<21} {:>7} {:>9}  {} at {}",
            reason.name(),
            line.frames,
            line.copies,
            line.first_frame,
            hosts[line.first_host].name
        )?;
    }
    writeln!(
        out,
        "  (nvgre codes REASON explains one; a frame counts as dropped when no copy of it was delivered)\n"
    )?;
    Ok(())
}

fn print_skips(replay: &Replay, out: &mut Output) -> Result<(), Failure> {
    for (reason, (frames, first)) in &replay.report().skips {
        writeln!(
            out,
            "skipped {frames} {reason}, first frame {first}: {}",
            reason.sentence()
        )?;
    }
    Ok(())
}

fn print_traffic(replay: &Replay, out: &mut Output) -> Result<(), Failure> {
    let scenario = replay.model().scenario();
    writeln!(
        out,
        "\n                          sent frames        bytes   received frames        bytes"
    )?;
    for (index, tenant) in scenario.tenants.iter().enumerate() {
        let of_tenant = |guest: &usize| scenario.guests[*guest].tenant == index;
        let guests: Vec<usize> = (0..scenario.guests.len()).filter(of_tenant).collect();
        let name = format!("tenant {}", tenant.name);
        print_row(&name, replay, &guests, out)?;
        for guest in guests {
            print_row(
                &format!("  {}", scenario.guests[guest].port_name()),
                replay,
                &[guest],
                out,
            )?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn print_row(
    name: &str,
    replay: &Replay,
    guests: &[usize],
    out: &mut Output,
) -> Result<(), Failure> {
    let traffic = Traffic::of(replay, guests);
    writeln!(
        out,
        "{name:<24} {:>12} {:>12} {:>17} {:>12}",
        traffic.sent_frames, traffic.sent_bytes, traffic.received_frames, traffic.received_bytes
    )?;
    Ok(())
}

fn print_isolation(replay: &Replay, out: &mut Output) -> Result<(), Failure> {
    let counts = replay.oracle();
    let verdict = match isolation(replay) {
        "violated" => {
            let scenario = replay.model().scenario();
            let first =
                replay
                    .report()
                    .first_cross_tenant
                    .map_or_else(String::new, |(frame, guest)| {
                        format!(
                            ", first frame {frame} at {}",
                            scenario.guests[guest].port_name()
                        )
                    });
            format!(
                "VIOLATED: {} deliveries to another tenant{first}",
                counts.cross_tenant
            )
        }
        "undecided" => "UNDECIDED: some senders are not in the inventory".to_owned(),
        "isolated" => "ISOLATED: no frame reached another tenant".to_owned(),
        _nothing => "nothing was delivered, so nothing was judged".to_owned(),
    };
    writeln!(out, "tenants {verdict}")?;
    writeln!(
        out,
        "        {} deliveries within a tenant, {} to another, {} with unknown sender",
        counts.same_tenant, counts.cross_tenant, counts.sender_unknown
    )?;
    Ok(())
}

#[derive(Default, Serialize)]
struct Traffic {
    sent_frames: u64,
    sent_bytes: u64,
    received_frames: u64,
    received_bytes: u64,
}

impl Traffic {
    fn of(replay: &Replay, guests: &[usize]) -> Self {
        guests.iter().fold(Self::default(), |sum, &guest| {
            let port = replay.port_counters(guest);
            Self {
                sent_frames: sum.sent_frames + port.sent_frames,
                sent_bytes: sum.sent_bytes + port.sent_bytes,
                received_frames: sum.received_frames + port.received_frames,
                received_bytes: sum.received_bytes + port.received_bytes,
            }
        })
    }
}

#[derive(Serialize)]
struct JsonReport<'a> {
    schema: &'static str,
    scenario: &'a str,
    frames: JsonFrames,
    copies: JsonCopies,
    drops: Vec<JsonDrop<'a>>,
    skips: Vec<JsonSkip>,
    tenants: Vec<JsonTraffic<'a>>,
    ports: Vec<JsonTraffic<'a>>,
    isolation: JsonIsolation,
    digest: String,
    seconds: f64,
    frames_per_second: f64,
    bits_per_second: f64,
    error: Option<&'a str>,
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
}

#[derive(Serialize)]
struct JsonSkip {
    reason: &'static str,
    frames: u64,
    first_frame: u64,
}

#[derive(Serialize)]
struct JsonTraffic<'a> {
    name: std::borrow::Cow<'a, str>,
    #[serde(flatten)]
    traffic: Traffic,
}

#[derive(Serialize)]
struct JsonIsolation {
    verdict: &'static str,
    same_tenant: u64,
    cross_tenant: u64,
    sender_unknown: u64,
}

/// Prints the report as one JSON line.
pub(crate) fn print_json(
    replay: &Replay,
    elapsed: Duration,
    error: Option<&str>,
    out: &mut Output,
) -> Result<(), Failure> {
    let report = replay.report();
    let scenario = replay.model().scenario();
    let (frames, copies, counts) = (report.frames, report.copies, replay.oracle());
    let rates = Rates::of(replay, elapsed);
    let tenants = scenario.tenants.iter().enumerate().map(|(index, tenant)| {
        let of_tenant = |guest: &usize| scenario.guests[*guest].tenant == index;
        let guests: Vec<usize> = (0..scenario.guests.len()).filter(of_tenant).collect();
        JsonTraffic {
            name: tenant.name.as_str().into(),
            traffic: Traffic::of(replay, &guests),
        }
    });
    let ports = scenario
        .guests
        .iter()
        .enumerate()
        .map(|(index, guest)| JsonTraffic {
            name: guest.port_name().into(),
            traffic: Traffic::of(replay, &[index]),
        });
    out.json_line(&JsonReport {
        schema: "nvgre.replay/1",
        scenario: &scenario.name,
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
        drops: report
            .drops
            .iter()
            .map(|(reason, line)| JsonDrop {
                reason: reason.name(),
                frames: line.frames,
                copies: line.copies,
                first_frame: line.first_frame,
                host: &scenario.hosts[line.first_host].name,
            })
            .collect(),
        skips: report
            .skips
            .iter()
            .map(|(reason, &(frames, first_frame))| JsonSkip {
                reason: reason.name(),
                frames,
                first_frame,
            })
            .collect(),
        tenants: tenants.collect(),
        ports: ports.collect(),
        isolation: JsonIsolation {
            verdict: isolation(replay),
            same_tenant: counts.same_tenant,
            cross_tenant: counts.cross_tenant,
            sender_unknown: counts.sender_unknown,
        },
        digest: format!("{:016x}", replay.digest()),
        seconds: elapsed.as_secs_f64(),
        frames_per_second: rates.frames_per_second,
        bits_per_second: rates.bits_per_second,
        error,
    })
}
