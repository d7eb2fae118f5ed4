//! `nvgre demo`: the founding story, from files that are built in.

use std::io::Write;

use nvgre_capture::Reader;
use nvgre_sim::{Cause, MapFile, ProbeResult, Replay, StageResult, World, play_stage};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::replay_text;
use crate::scenario_file::built_in_story;

/// Traffic of both tenants, recorded from real network stacks.
const RECORDED: [(&str, &[u8]); 2] = [
    (
        "red.pcap",
        include_bytes!("../../../pcaps/waldorf-statler/red.pcap"),
    ),
    (
        "blue.pcap",
        include_bytes!("../../../pcaps/waldorf-statler/blue.pcap"),
    ),
];

const PROLOGUE: &str = "\
Two hosts, Statler and Waldorf. Two tenants, Red and Blue, chose the same addresses:
Red11 and Blue11 are both 192.168.1.11, Red22 and Blue22 both 192.168.1.22.
Each stage changes what an administrator would change, lets the guests come up anew, and pings
from 11 to 22 within each tenant. The guests are real network stacks; the hosts run the policy
of pcaps/waldorf-statler/policy, written in the cmdlets of Windows.
";

/// The shape of a JSON line, fixed.
#[derive(Serialize)]
struct JsonStage<'a> {
    schema: &'static str,
    stage: usize,
    name: &'a str,
    probes: Vec<JsonProbe<'a>>,
    conflicts: usize,
    cross_tenant_deliveries: u64,
}

#[derive(Serialize)]
struct JsonProbe<'a> {
    from: &'a str,
    to: &'a str,
    ok: bool,
    reason: Option<&'static str>,
}

/// Plays every stage, then replays the recorded captures through the repaired network. `No` when a
/// stage did not end as told, or a frame crossed between tenants in the replay.
pub(crate) fn run(out: &mut Output) -> Result<Exit, Failure> {
    let mut world = World::new(built_in_story()?);
    let stages = world.model().scenario().stages.len();
    let mut as_told = true;
    if !out.is_json() {
        writeln!(out, "{PROLOGUE}")?;
    }
    for index in 0..stages {
        let stage = play_stage(&mut world, index).map_err(Failure::input)?;
        as_told &= stage.as_told();
        if out.is_json() {
            out.json_line(&json(&stage))?;
        } else {
            print(&stage, out)?;
        }
        out.flush()?;
    }
    if !out.is_json() {
        writeln!(
            out,
            "The story's run has the hash {:016x}: it is the same on every machine.\n",
            world.digest()
        )?;
    }
    let isolated = replay_recorded(out)?;
    Ok(if as_told && isolated {
        Exit::Success
    } else {
        Exit::No
    })
}

/// Both tenants' captures through the network of the last stage.
fn replay_recorded(out: &mut Output) -> Result<bool, Failure> {
    let mut model = built_in_story()?;
    model.enter_all_stages().map_err(Failure::input)?;
    let mut replay = Replay::new(model, MapFile::default());
    let clock = replay_text::Stopwatch::start();
    for (name, bytes) in RECORDED {
        let mut reader = Reader::new(bytes).map_err(Failure::input)?;
        while let Some(packet) = reader.next().map_err(Failure::input)? {
            replay.packet(&packet, name).map_err(Failure::input)?;
        }
    }
    let elapsed = clock.elapsed();
    if !out.is_json() {
        writeln!(
            out,
            "Now the traffic of both tenants, recorded from real network stacks, through the repaired network"
        )?;
        writeln!(
            out,
            "(red.pcap and blue.pcap: ping, TCP, DNS-like UDP, fragments, IPv4 and IPv6, the same addresses):\n"
        )?;
        replay_text::print(&replay, elapsed, out)?;
        writeln!(
            out,
            "\nYour own capture:  nvgre init -r CAPTURE -o DIR, then nvgre replay DIR/scenario.toml -r CAPTURE"
        )?;
    }
    Ok(replay.oracle().cross_tenant == 0)
}

fn json(stage: &StageResult) -> JsonStage<'_> {
    let probes = stage.probes.iter().map(|probe| JsonProbe {
        from: &probe.from,
        to: &probe.to,
        ok: probe.failure.is_none(),
        reason: probe.reason(),
    });
    JsonStage {
        schema: "nvgre.demo/1",
        stage: stage.number,
        name: &stage.name,
        probes: probes.collect(),
        conflicts: stage.conflicts.len(),
        cross_tenant_deliveries: stage.cross_tenant_deliveries,
    }
}

fn print(stage: &StageResult, out: &mut Output) -> Result<(), Failure> {
    writeln!(out, "{}. {}: {}", stage.number, stage.name, stage.about)?;
    for probe in &stage.probes {
        print_probe(probe, out)?;
    }
    for conflict in &stage.conflicts {
        let other = conflict
            .with_guest
            .clone()
            .unwrap_or_else(|| conflict.with.to_string());
        writeln!(
            out,
            "   {} reports an address conflict: {} is used by {other} too",
            conflict.guest, conflict.address
        )?;
    }
    let crossed = stage.cross_tenant_deliveries;
    writeln!(
        out,
        "   {crossed} frames of one tenant reached the other{}",
        if crossed == 0 {
            ""
        } else {
            ": nothing keeps the two apart"
        }
    )?;
    if !stage.as_told() {
        writeln!(out, "   This stage did not end as the scenario tells it.")?;
    }
    writeln!(out)?;
    Ok(())
}

fn print_probe(probe: &ProbeResult, out: &mut Output) -> Result<(), Failure> {
    let path = format!("ping {} -> {}", probe.from, probe.to);
    match probe.failure {
        None if probe.conflict => writeln!(out, "   {path:<23} ok, with an address conflict")?,
        None => writeln!(out, "   {path:<23} ok")?,
        Some(failure) => writeln!(out, "   {path:<23} FAILS  {}", failure.name())?,
    }
    if let Some(cause) = &probe.cause {
        print_cause(cause, out)?;
    }
    Ok(())
}

/// The host, the rule, the record with its place, and what usually mends it.
fn print_cause(cause: &Cause, out: &mut Output) -> Result<(), Failure> {
    let reason = cause.reason;
    writeln!(
        out,
        "      why     on {}: {}",
        cause.host,
        reason.sentence()
    )?;
    match &cause.record {
        Some((record, host, place)) => writeln!(
            out,
            "      record  on {host}: {} in VSID {} is at {}, written at {place}",
            record.customer_address, record.virtual_subnet, record.provider_address
        )?,
        None => writeln!(
            out,
            "      record  none was asked: the frame did not get that far"
        )?,
    }
    writeln!(out, "      fix     {}", reason.usual_fix())?;
    Ok(())
}
