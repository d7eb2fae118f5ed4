//! `nvgre diff`: what is different between two scenarios, or two stages of one.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use nvgre_analyze::{BehaviourDiff, Change, Difference, Flip, PairVerdict, Probe};
use nvgre_analyze::{diff_behaviour, diff_models};
use nvgre_netwnv::Place;
use nvgre_sim::Model;

use crate::diff::json::{JsonDiff, JsonState};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::policy_notes;
use crate::scenario_file::load_silently;

mod checks;
pub(crate) mod json;

/// Most places told of one side of a difference: hosts are mostly given the same script.
const PLACES_TOLD: usize = 4;

/// Most pairs told of one difference: a record that is gone is missed by many.
const FLIPS_TOLD: usize = 20;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// The old scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new one; the same file again to compare its stages.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Enter the stages of OLD up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    old_stage: Option<String>,
    /// Enter the stages of NEW up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    new_stage: Option<String>,
    /// Let every guest ping every other one of its tenant in both, and say whose verdict flips and
    /// which difference is to blame.
    #[arg(long)]
    behaviour: bool,
}

/// Says what is different; [`Exit::No`] when anything is.
pub(crate) fn run(args: &DiffArgs, out: &mut Output) -> Result<Exit, Failure> {
    let mut old = load_silently(&args.old, args.old_stage.as_deref(), out)?;
    let mut new = load_silently(&args.new, args.new_stage.as_deref(), out)?;
    // Of one scenario, the later state has the notes of the other too.
    let notes = |model: &Model| model.warnings().len() + model.display_only().len();
    let (is_other, is_old_later) = (args.old != args.new, notes(&old) > notes(&new));
    if is_other || is_old_later {
        policy_notes::print(&old, out)?;
    }
    if is_other || !is_old_later {
        policy_notes::print(&new, out)?;
    }
    let differences = diff_models(&old, &new);
    let behaviour = args
        .behaviour
        .then(|| diff_behaviour(&mut old, &mut new, &differences, Probe::Icmp));
    if out.is_json() {
        let old = JsonState::of(&args.old, args.old_stage.as_deref());
        let new = JsonState::of(&args.new, args.new_stage.as_deref());
        out.json_line(&JsonDiff::of(old, new, &differences, behaviour.as_ref()))?;
    } else {
        print(&differences, out)?;
        if let Some(behaviour) = &behaviour {
            print_behaviour(behaviour, &differences, out)?;
        }
    }
    checks::tell(&differences, behaviour.as_ref(), out);
    let flips = behaviour.is_some_and(|behaviour| !behaviour.flips.is_empty());
    Ok(if differences.is_empty() && !flips {
        Exit::Success
    } else {
        Exit::No
    })
}

fn print(differences: &[Difference], out: &mut Output) -> Result<(), Failure> {
    for of_hosts in differences.chunk_by(|a, b| a.hosts == b.hosts) {
        writeln!(out, "{}", of_hosts[0].hosts.join(", "))?;
        for difference in of_hosts {
            writeln!(out, "  {difference}")?;
            print_places("old", &difference.old, out)?;
            print_places("new", &difference.new, out)?;
        }
        writeln!(out)?;
    }
    let count = |is_it: fn(&Change) -> bool| {
        let changes = differences.iter().map(|difference| &difference.change);
        changes.filter(|change| is_it(change)).count()
    };
    let added = count(|change| matches!(change, Change::Added(_)));
    let removed = count(|change| matches!(change, Change::Removed(_)));
    let changed = count(|change| matches!(change, Change::Changed(_)));
    match differences.len() {
        0 => writeln!(out, "no difference in the hosts' tables")?,
        total => writeln!(
            out,
            "{total} {}: {added} added, {removed} removed, {changed} changed",
            noun(total, "difference", "differences")
        )?,
    }
    Ok(())
}

fn print_places(side: &str, places: &[Place], out: &mut Output) -> Result<(), Failure> {
    if places.is_empty() {
        return Ok(());
    }
    Ok(writeln!(out, "    {side}  {}", told(places))?)
}

fn told(places: &[Place]) -> String {
    let told = places.iter().take(PLACES_TOLD).map(ToString::to_string);
    let mut told = told.collect::<Vec<_>>().join(", ");
    if places.len() > PLACES_TOLD {
        told += &format!(" and {} more", places.len() - PLACES_TOLD);
    }
    told
}

fn print_behaviour(
    behaviour: &BehaviourDiff,
    differences: &[Difference],
    out: &mut Output,
) -> Result<(), Failure> {
    let (pairs, flips) = (behaviour.pairs, behaviour.flips.len());
    writeln!(
        out,
        "\n{pairs} {} of guests asked, {flips} with another verdict",
        noun(pairs, "pair", "pairs")
    )?;
    for (side, guests) in [("OLD", &behaviour.only_old), ("NEW", &behaviour.only_new)] {
        if !guests.is_empty() {
            writeln!(out, "not asked, in {side} only: {}", guests.join(", "))?;
        }
    }
    // Shape: difference -> the pairs that it is to blame for; those of none last.
    let mut blamed: BTreeMap<usize, Vec<&Flip>> = BTreeMap::new();
    for flip in &behaviour.flips {
        blamed
            .entry(flip.blame.unwrap_or(usize::MAX))
            .or_default()
            .push(flip);
    }
    for (at, flips) in blamed {
        match differences.get(at) {
            Some(difference) => {
                let hosts = difference.hosts.join(", ");
                writeln!(out, "\n  to blame on {hosts}: {difference}")?;
                let is_gone = difference.new.is_empty();
                let places = if is_gone {
                    &difference.old
                } else {
                    &difference.new
                };
                if !places.is_empty() {
                    writeln!(out, "    at {}", told(places))?;
                }
            }
            None => writeln!(out, "\n  none of the differences in the tables is to blame")?,
        }
        for flip in flips.iter().take(FLIPS_TOLD) {
            print_flip(flip, out)?;
        }
        if flips.len() > FLIPS_TOLD {
            writeln!(
                out,
                "    and {} more pairs, see --json",
                flips.len() - FLIPS_TOLD
            )?;
        }
    }
    Ok(())
}

fn print_flip(flip: &Flip, out: &mut Output) -> Result<(), Failure> {
    write!(out, "    {} -> {}", flip.from, flip.to)?;
    if let Some((from, to)) = flip.addresses {
        write!(out, " ({from} -> {to})")?;
    }
    Ok(writeln!(
        out,
        ": {} -> {}",
        verdict(&flip.old),
        verdict(&flip.new)
    )?)
}

fn verdict(verdict: &PairVerdict) -> String {
    if verdict.crossed.is_empty() {
        return verdict.reason.to_owned();
    }
    let guests = verdict.crossed.join(", ");
    format!("{} (and frames reach {guests})", verdict.reason)
}

fn noun(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
