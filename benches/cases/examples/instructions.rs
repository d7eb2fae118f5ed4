//! Judges instruction counts by the committed ones, or renews those. `benches/count` runs it.
//!
//! ```text
//! instructions check COUNTS FILE      past the limit that FILE states: exit code 1
//! instructions renew COUNTS FILE      writes FILE
//! instructions same COUNTS COUNTS     the second differs by more than 2 %: exit code 1
//! ```
//!
//! COUNTS is a folder of summaries as gungraun writes them.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use nvgre_bench_cases::{COUNTED, case_of};
use serde::{Deserialize, Serialize};

/// More instructions than this, in percent, are a change that somebody has to mean.
const LIMIT_PERCENT: f64 = 2.0;

const HEADER: &str = "\
# Instructions per frame, counted by callgrind: the same on a busy machine. A count past the limit fails
# the gate; a change that is meant is committed with its new figures: benches/count renew

";

/// What is committed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    /// Another compiler, or another target, counts otherwise.
    rustc: String,
    limit_percent: f64,
    instructions_per_frame: BTreeMap<String, f64>,
}

/// What of gungraun's summary is read.
#[derive(Deserialize)]
struct Summary {
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    metrics: Metrics,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(rename = "Ir")]
    instructions: Metric,
}

#[derive(Deserialize)]
struct Metric {
    values: Values,
}

#[derive(Deserialize)]
struct Values {
    new: f64,
}

type Counts = BTreeMap<String, f64>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ok = match arguments[..] {
        ["check", counts, file] => check(&counted(counts)?, file)?,
        ["renew", counts, file] => renew(counted(counts)?, file)?,
        ["same", one, other] => compared(&counted(one)?, &counted(other)?, LIMIT_PERCENT, true),
        _ => return Err("usage: check|renew COUNTS FILE, or same COUNTS COUNTS".into()),
    };
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check(now: &Counts, file: &str) -> Result<bool, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let committed: Committed = toml::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
    let within = compared(
        &committed.instructions_per_frame,
        now,
        committed.limit_percent,
        false,
    );
    let rustc = rustc()?;
    if rustc == committed.rustc {
        return Ok(within);
    }
    println!(
        "NOT JUDGED: {file} was counted with rustc {}, this is {rustc}. Renew it: benches/count renew",
        committed.rustc
    );
    Ok(true)
}

fn renew(now: Counts, file: &str) -> Result<bool, Box<dyn Error>> {
    let committed = Committed {
        rustc: rustc()?,
        limit_percent: LIMIT_PERCENT,
        instructions_per_frame: now,
    };
    let text = format!("{HEADER}{}", toml::to_string(&committed)?);
    fs::write(file, text).map_err(|error| format!("{file}: {error}"))?;
    Ok(true)
}

/// Prints both figures of each case, and whether all are within the limit. `both_ways`: fewer are as
/// wrong as more.
fn compared(before: &Counts, now: &Counts, limit: f64, both_ways: bool) -> bool {
    println!(
        "{:<32} {:>9} {:>9}",
        "instructions per frame", "before", "now"
    );
    let mut within = true;
    for id in COUNTED {
        let (Some(before), Some(now)) = (before.get(*id), now.get(*id)) else {
            println!("{id:<32} has no figure to compare with: benches/count renew");
            within = false;
            continue;
        };
        let percent = (now / before - 1.0) * 100.0;
        let past = percent > limit || both_ways && percent < -limit;
        within &= !past;
        let told = match percent {
            _ if past => format!("past the limit of {limit} %"),
            percent if percent < -limit => "better: benches/count renew".to_owned(),
            _ => String::new(),
        };
        println!("{id:<32} {before:>9.1} {now:>9.1} {percent:>+7.2} %  {told}");
    }
    within
}

/// Instructions per frame of every case that is counted.
fn counted(folder: &str) -> Result<Counts, Box<dyn Error>> {
    let mut counts = Counts::new();
    for (place, id) in COUNTED.iter().enumerate() {
        let file = Path::new(folder).join(format!(
            "nvgre-workspace/instructions/counts/count.case_{place}/summary.json"
        ));
        let told = |error: &dyn Error| format!("no count of {id}: {}: {error}", file.display());
        let text = fs::read_to_string(&file).map_err(|error| told(&error))?;
        let summary: Summary = serde_json::from_str(&text).map_err(|error| told(&error))?;
        let profile = summary
            .profiles
            .first()
            .ok_or("a summary without profile")?;
        let frames = case_of(id)
            .ok_or("what is counted is a case")?
            .scene
            .in_flight;
        let per_frame = profile.data.total.metrics.instructions.values.new / frames as f64;
        counts.insert((*id).to_owned(), (per_frame * 100.0).round() / 100.0);
    }
    Ok(counts)
}

/// Version and target of the compiler.
fn rustc() -> Result<String, Box<dyn Error>> {
    let program = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(program).arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let (release, host) = (field("release: "), field("host: "));
    Ok(format!(
        "{} {}",
        release.ok_or("rustc without release")?,
        host.ok_or("rustc without host")?
    ))
}
