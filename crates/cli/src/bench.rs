//! `nvgre bench`: the speed of this build on this machine, beside loops written by hand.

use std::path::PathBuf;
use std::thread;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use nvgre_bench_cases::{CASES, Case, Deed, Effort, Meter, POLICY_CASES, PolicyCase, Size};

use crate::bench::baseline::Baseline;
use crate::bench::row::Row;
use crate::exit::{Exit, Failure};
use crate::output::Output;

mod baseline;
mod chart;
pub(crate) mod row;
mod text;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Only cases whose id contains this. May be given again.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Only cases whose id is just that.
    #[arg(long, requires = "ids")]
    exact: bool,
    /// Lookup records of the tables, where the id of a case does not say.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    records: u32,
    /// Only cases with frames, of this size.
    ///
    /// 64: the shortest, 60 bytes and 4 of FCS (78 over IPv6). 1500: IP packets of 1,500 bytes.
    /// imix: seven of 64, four of 570, one of 1500.
    #[arg(long, value_name = "SIZE")]
    frames: Option<FrameSize>,
    /// Threads of the case that has several, at most as many as the machine runs at once [default: 2]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Measure for some ten seconds instead of more than a minute.
    #[arg(long)]
    quick: bool,
    /// Compare with lines that an earlier run printed with --json; exit code 5 when worse.
    ///
    /// What is compared are ratios to the loops written by hand, not times: those of a busy machine
    /// say little.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How much worse than its baseline a ratio may be, in percent.
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 25,
        requires = "baseline"
    )]
    margin: u32,
    /// Print one JSON array as the charts of CI services read it (customSmallerIsBetter).
    #[arg(long, conflicts_with = "json")]
    chart: bool,
}

/// Sizes of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FrameSize {
    #[value(name = "64")]
    Shortest,
    #[value(name = "1500")]
    Longest,
    Imix,
}

/// Measures and prints. `Worse` when a ratio is worse than its baseline by more than the margin,
/// `Nothing` when none could be compared.
pub(crate) fn run(args: &BenchArgs, out: &mut Output) -> Result<Exit, Failure> {
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let workers = args.threads()?;
    args.refuse_unknown_ids()?;
    let cases: Vec<&Case> = CASES.iter().filter(|case| args.wants(case)).collect();
    let together = (args.wants_id("workers") && args.wants_size(Size::B64))
        .then_some(workers)
        .flatten();
    let policies: Vec<&PolicyCase> = POLICY_CASES
        .iter()
        .filter(|case| args.wants_policy(case))
        .collect();
    if cases.is_empty() && together.is_none() && policies.is_empty() {
        let ids = args.ids.join("' or '");
        return Err(Failure::usage(format_args!(
            "no case has '{ids}' in its id and frames of this size"
        )));
    }
    if cfg!(debug_assertions) {
        out.complain("this build is not optimized (--release): its figures mean nothing")?;
    }
    let effort = if args.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let progress = progress(cases.len() + usize::from(together.is_some()) + policies.len());
    let mut meter = Meter::new(effort, args.records);
    let mut rows = Vec::new();
    for case in cases {
        progress.set_message(case.id);
        rows.push(Row::of(case, meter.records(case), &meter.measure(case)));
        told(&rows, &progress, out)?;
    }
    if let Some(workers) = together {
        progress.set_message("workers");
        rows.push(Row::of_workers(
            workers,
            args.records,
            meter.measure_workers(workers),
        ));
        told(&rows, &progress, out)?;
    }
    for case in policies {
        progress.set_message(case.id);
        let measured = meter.measure_policy(case);
        rows.push(Row::of_policy(case, meter.policy_records(case), measured));
        told(&rows, &progress, out)?;
    }
    progress.finish_and_clear();
    if args.chart {
        chart::print(&rows, out)?;
    } else if !out.is_json() {
        text::print(&rows, out)?;
    }
    match baseline {
        None => Ok(Exit::Success),
        Some(baseline) => baseline.compare(&rows, args.margin, args.chart, out),
    }
}

impl BenchArgs {
    fn wants(&self, case: &Case) -> bool {
        self.wants_id(case.id) && self.wants_size(case.scene.size)
    }

    /// Cases without frames are wanted unless frames are asked for.
    fn wants_policy(&self, case: &PolicyCase) -> bool {
        let size = match case.deed {
            Deed::Edit(_) | Deed::Load(_) | Deed::Prove | Deed::ProveAgain => self.frames.is_none(),
            Deed::ForwardBeside(_) => self.wants_size(Size::B64),
        };
        size && self.wants_id(case.id)
    }

    fn wants_id(&self, id: &str) -> bool {
        self.ids.is_empty() || self.ids.iter().any(|wanted| self.is_meant(wanted, id))
    }

    fn is_meant(&self, wanted: &str, id: &str) -> bool {
        match self.exact {
            true => id == wanted,
            false => id.contains(wanted),
        }
    }

    /// One that is misspelled among others would pass for measured.
    fn refuse_unknown_ids(&self) -> Result<(), Failure> {
        let frames = CASES.iter().map(|case| case.id);
        let policies = POLICY_CASES.iter().map(|case| case.id);
        let ids: Vec<_> = frames.chain(policies).chain(["workers"]).collect();
        let is_unknown = |wanted: &&String| !ids.iter().any(|id| self.is_meant(wanted, id));
        let Some(unknown) = self.ids.iter().find(is_unknown) else {
            return Ok(());
        };
        Err(Failure::usage(if self.exact {
            format!("no case is named '{unknown}'")
        } else {
            format!("no case has '{unknown}' in its id")
        }))
    }

    fn wants_size(&self, size: Size) -> bool {
        let size = match size {
            Size::B64 | Size::B78 => FrameSize::Shortest,
            Size::B1500 => FrameSize::Longest,
            Size::Imix => FrameSize::Imix,
        };
        self.frames.is_none_or(|wanted| wanted == size)
    }

    /// Threads beyond what the machine runs at once would measure its scheduler.
    fn threads(&self) -> Result<Option<usize>, Failure> {
        let most = thread::available_parallelism().map_or(1, usize::from);
        match self.workers {
            None => Ok((most >= 2).then_some(2)),
            Some(workers) if (1..=most).contains(&workers) => Ok(Some(workers)),
            Some(workers) => Err(Failure::usage(format_args!(
                "--workers {workers}: this machine runs 1 to {most} threads at once"
            ))),
        }
    }
}

/// Tools get a line as soon as it is measured.
fn told(rows: &[Row], progress: &ProgressBar, out: &mut Output) -> Result<(), Failure> {
    progress.inc(1);
    if let (true, Some(row)) = (out.is_json(), rows.last()) {
        out.json_line(row)?;
        std::io::Write::flush(out)?;
    }
    Ok(())
}

/// On stderr, if that is a terminal; indicatif hides it otherwise.
fn progress(rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(rows as u64);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
