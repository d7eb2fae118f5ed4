//! `nvgre demo`: the stages of a scenario, played; of itself the founding story, which is built in.

use std::io::Write;
use std::net::IpAddr;
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use nvgre_capture::Reader;
use nvgre_sim::scenario::Expectation;
use nvgre_sim::{
    Cause, ConflictReport, MapFile, Model, ProbeFailure, ProbeResult, Replay, StageResult, World,
    play_stage,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::counted::counted;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::policy_notes;
use crate::replay;
use crate::replay::result::{InputResult, ReplayResult, Stopwatch};
use crate::scenario_file::{built_in_story, policy_files, read_scenario};

mod checks;

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
nvgre models the hosts of an NVGRE network, sends frames through them, and says of each frame where
it arrived, or which host dropped it, why, and which line of policy made it so.

This story has two hosts, Statler and Waldorf, and two tenants, Red and Blue, that chose the same
addresses: Red11 and Blue11 are both 192.168.1.11, Red22 and Blue22 both 192.168.1.22. Each stage
changes what an administrator would change, boots the guests anew and pings from 11 to 22 within
each tenant. The guests are real network stacks; the hosts follow scripts in the cmdlets of Windows,
pcaps/waldorf-statler/policy/*.ps1.
";

const INTERLUDE: &str = "\
Now recorded traffic through the repaired network: red.pcap and blue.pcap of pcaps/waldorf-statler,
taken from real network stacks, both tenants with the same addresses. Ping, TCP, UDP and fragments,
over IPv4 and IPv6. Every frame read gets one outcome, every copy made gets one end.
";

const EPILOGUE: &str = "
Your own capture:
  nvgre init -r CAPTURE -o DIR                       writes a scenario from what the capture shows
  nvgre replay DIR/scenario.toml -r CAPTURE          replays it, as above
  nvgre show DIR/scenario.toml                       shows the tables of the hosts
  nvgre codes REASON                                 explains why something was dropped";

/// How a stage ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonStage<'a> {
    schema: &'static str,
    /// Its number, from 1.
    stage: usize,
    /// Its name in the scenario.
    name: &'a str,
    /// The pings of the stage, in the order of the scenario.
    probes: Vec<JsonProbe<'a>>,
    /// Address conflicts that guests reported.
    conflicts: usize,
    /// Frames of one tenant that reached another.
    cross_tenant_deliveries: u64,
}

/// A ping.
#[derive(Serialize, JsonSchema)]
struct JsonProbe<'a> {
    /// The guest that asks.
    from: &'a str,
    /// The guest that is asked.
    to: &'a str,
    /// Whether an answer came.
    ok: bool,
    /// Why not: a drop reason, address_conflict or no_reply.
    reason: Option<&'static str>,
}

/// Plays the stages of a scenario, or the story and its recorded captures. `No` when a stage did not
/// end as told, or a frame crossed between tenants in the replay; `Nothing` when no stage has probes.
pub(crate) fn run(scenario: Option<&Path>, out: &mut Output) -> Result<Exit, Failure> {
    match scenario {
        None => story(out),
        Some(file) => play_scenario(file, out),
    }
}

fn story(out: &mut Output) -> Result<Exit, Failure> {
    if !out.is_json() {
        writeln!(out, "{PROLOGUE}")?;
    }
    let (as_told, world) = play(built_in_story()?, out)?;
    if !out.is_json() {
        writeln!(
            out,
            "The story so far has the hash {:016x}: the same on every machine, every time.\n",
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

fn play_scenario(file: &Path, out: &mut Output) -> Result<Exit, Failure> {
    let model = read_scenario(file)?;
    let scenario = model.scenario();
    out.refuse_reports_over(policy_files(scenario))?;
    if scenario.stages.iter().all(|stage| stage.probes.is_empty()) {
        out.complain(format_args!(
            "{}: no stage has probes, so there is nothing to play",
            file.display()
        ))?;
        return Ok(Exit::Nothing);
    }
    if !out.is_json() {
        match scenario.about.as_str() {
            "" => writeln!(out, "{}\n", scenario.name)?,
            about => writeln!(out, "{}: {about}\n", scenario.name)?,
        }
    }
    let (as_told, world) = play(model, out)?;
    if !out.is_json() {
        writeln!(out, "hash {:016x} over every delivery", world.digest())?;
    }
    policy_notes::print(world.model(), out)?;
    Ok(if as_told { Exit::Success } else { Exit::No })
}

/// Plays every stage and prints each as it ends; gives whether all ended as told.
fn play(model: Model, out: &mut Output) -> Result<(bool, World), Failure> {
    let mut world = World::new(model);
    let mut as_told = true;
    for index in 0..world.model().scenario().stages.len() {
        let stage = play_stage(&mut world, index)?;
        as_told &= stage.as_told();
        checks::tell(&stage, out);
        if out.is_json() {
            out.json_line(&json(&stage))?;
        } else {
            print(&stage, out)?;
        }
        out.flush()?;
    }
    Ok((as_told, world))
}

/// Both tenants' captures through the network of the last stage.
fn replay_recorded(out: &mut Output) -> Result<bool, Failure> {
    let mut model = built_in_story()?;
    model.enter_all_stages()?;
    let mut replay = Replay::new(model, MapFile::default());
    let mut inputs = Vec::new();
    let clock = Stopwatch::start();
    for (name, bytes) in RECORDED {
        let mut reader = Reader::new(bytes).map_err(Failure::input)?;
        while let Some(packet) = reader.next().map_err(Failure::input)? {
            replay.packet(&packet, name).map_err(Failure::input)?;
        }
        let before: u64 = inputs.iter().map(|input: &InputResult| input.frames).sum();
        inputs.push(InputResult {
            file: name.to_owned(),
            frames: replay.report().frames.read - before,
            error: None,
        });
    }
    let result = ReplayResult {
        replay: &replay,
        expect: None,
        inputs: &inputs,
        elapsed: clock.elapsed(),
    };
    replay::checks::tell(&result, &[], out);
    if !out.is_json() {
        writeln!(out, "{INTERLUDE}")?;
        replay::text::print(&result, out)?;
        writeln!(out, "{EPILOGUE}")?;
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

/// What the scenario expects of a probe, in the words of the scenario file.
pub(crate) fn expected(probe: &ProbeResult) -> &'static str {
    match probe.expected {
        Expectation::Ok => "ok",
        Expectation::AddressConflict => "address_conflict",
        Expectation::Dropped(reason) => reason.name(),
    }
}

fn print(stage: &StageResult, out: &mut Output) -> Result<(), Failure> {
    writeln!(out, "{}. {}: {}", stage.number, stage.name, stage.about)?;
    for probe in &stage.probes {
        print_probe(probe, out)?;
    }
    print_conflicts(&stage.conflicts, out)?;
    match stage.cross_tenant_deliveries {
        0 => writeln!(out, "   no frame of one tenant reached another")?,
        crossed => writeln!(
            out,
            "   {} of one tenant reached another: nothing keeps them apart",
            counted(crossed, "frame")
        )?,
    }
    if !stage.as_told() {
        writeln!(out, "   THIS STAGE DID NOT END AS THE SCENARIO TELLS IT")?;
    }
    writeln!(out)?;
    Ok(())
}

fn print_probe(probe: &ProbeResult, out: &mut Output) -> Result<(), Failure> {
    let path = format!("ping {} -> {}", probe.from, probe.to);
    // A failure, or half of one, may be what the stage is to show.
    let told = match (probe.as_expected(), probe.expected) {
        (true, Expectation::AddressConflict | Expectation::Dropped(_)) => ", as told",
        (true, Expectation::Ok) | (false, _) => "",
    };
    match probe.failure {
        None if probe.conflict => {
            writeln!(out, "   {path:<23} ok, with an address conflict{told}")?;
        }
        None => writeln!(out, "   {path:<23} ok")?,
        Some(failure) => writeln!(out, "   {path:<23} FAILS: {}{told}", failure.name())?,
    }
    match (&probe.cause, probe.failure) {
        (Some(cause), _) => facts(&cause_facts(cause), out)?,
        (None, Some(ProbeFailure::AddressConflict)) => facts(&ADDRESS_CONFLICT_FACTS, out)?,
        (None, _) => {}
    }
    if !probe.as_expected() {
        facts(&[("expect", expected(probe))], out)?;
    }
    Ok(())
}

/// A failure that is no drop: no host and no record decided it.
const ADDRESS_CONFLICT_FACTS: [(&str, &str); 2] = [
    (
        "why",
        "A guest gives up an address that another defends: this ping has none to use.",
    ),
    (
        "fix",
        "Set-VMNetworkAdapter -VirtualSubnetId: a virtual subnet of its own for each tenant.",
    ),
];

/// The host, the rule, the record with its place, and what usually mends it.
fn cause_facts(cause: &Cause) -> Vec<(&'static str, String)> {
    let reason = cause.reason;
    let mut facts = vec![
        ("host", cause.host.clone()),
        ("why", reason.sentence().to_owned()),
    ];
    match &cause.record {
        Some((record, host, place)) => {
            let (address, vsid) = (record.customer_address, record.virtual_subnet);
            let at = record.provider_address;
            facts.push((
                "record",
                format!("{address} in VSID {vsid} is at {at}, says the table of {host}"),
            ));
            facts.push(("written", place.to_string()));
        }
        None => facts.push((
            "record",
            "none was asked: the frame did not get that far".to_owned(),
        )),
    }
    facts.push(("fix", reason.usual_fix().to_owned()));
    facts
}

/// A line for each fact, or several where it is long.
fn facts<T: AsRef<str>>(facts: &[(&str, T)], out: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(FACTS_WIDTH);
    for (name, fact) in facts {
        table.add_row([format!("{name:<7}").as_str(), fact.as_ref()]);
    }
    for line in table.to_string().lines() {
        writeln!(out, "     {}", line.trim_end())?;
    }
    Ok(())
}

/// Columns for the facts about a failure: a terminal of 100, less the indent.
const FACTS_WIDTH: u16 = 95;

/// Who hears whom use which addresses, a line a pair.
fn print_conflicts(conflicts: &[ConflictReport], out: &mut Output) -> Result<(), Failure> {
    let mut pairs: Vec<(&str, String, Vec<IpAddr>)> = Vec::new();
    for conflict in conflicts {
        let other = match &conflict.with_guest {
            Some(guest) => guest.clone(),
            None => conflict.with.to_string(),
        };
        let of_pair = |pair: &&mut (&str, String, _)| pair.0 == conflict.guest && pair.1 == other;
        match pairs.iter_mut().find(of_pair) {
            Some((_, _, addresses)) => addresses.push(conflict.address),
            None => pairs.push((&conflict.guest, other, vec![conflict.address])),
        }
    }
    for (guest, other, mut addresses) in pairs {
        addresses.sort();
        let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        writeln!(
            out,
            "   {guest} reports an address conflict: {other} uses {} too",
            addresses.join(" and ")
        )?;
    }
    Ok(())
}
