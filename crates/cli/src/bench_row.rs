//! One measured case, as `--json` prints it.

use nvgre_bench_cases::{Case, Measured, Size, Together};
use serde::Serialize;

/// The schema of a line.
pub(crate) const SCHEMA: &str = "nvgre.bench/1";

/// A JSON line. Bits are those of frames before encapsulation, without FCS.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    schema: &'static str,
    pub(crate) id: String,
    pub(crate) records: u32,
    pub(crate) workers: usize,
    pub(crate) ns_per_frame: f64,
    pub(crate) mpps: f64,
    pub(crate) gbit_per_s: f64,
    /// The hand loop, and the ratio of our time to its time.
    pub(crate) limit: Option<&'static str>,
    pub(crate) ratio_to_limit: Option<f64>,
    /// The case that this one differs from in one thing, and the ratio of times.
    pub(crate) peer: Option<&'static str>,
    pub(crate) ratio_to_peer: Option<f64>,
    pub(crate) allocations_per_frame: Option<f64>,
    /// Frames of a pass; but for a million records that is one batch.
    pub(crate) pass_frames: Option<usize>,
    pub(crate) pass_ns_p50: Option<f64>,
    pub(crate) pass_ns_p99: Option<f64>,
}

impl Row {
    pub(crate) fn of(case: &Case, records: u32, measured: &Measured) -> Self {
        Self {
            limit: case.limit,
            ratio_to_limit: measured.ratio_to_limit.map(rounded),
            peer: case.peer,
            ratio_to_peer: measured.ratio_to_peer.map(rounded),
            allocations_per_frame: Some(measured.allocations_per_frame),
            pass_frames: Some(measured.frames),
            pass_ns_p50: Some(measured.pass_ns_p50),
            pass_ns_p99: Some(measured.pass_ns_p99),
            ..Self::timed(case.id, records, measured.ns_per_frame, case.scene.size)
        }
    }

    pub(crate) fn of_workers(workers: usize, records: u32, together: Together) -> Self {
        Self {
            workers,
            peer: Some("workers/1"),
            ratio_to_peer: Some(rounded(together.ratio_to_one)),
            ..Self::timed(
                &format!("workers/{workers}"),
                records,
                together.ns_per_frame,
                Size::B64,
            )
        }
    }

    fn timed(id: &str, records: u32, ns_per_frame: f64, size: Size) -> Self {
        Self {
            schema: SCHEMA,
            id: id.to_owned(),
            records,
            workers: 1,
            ns_per_frame: rounded(ns_per_frame),
            mpps: rounded(1e3 / ns_per_frame),
            gbit_per_s: rounded(size.mean() * 8.0 / ns_per_frame),
            limit: None,
            ratio_to_limit: None,
            peer: None,
            ratio_to_peer: None,
            allocations_per_frame: None,
            pass_frames: None,
            pass_ns_p50: None,
            pass_ns_p99: None,
        }
    }
}

/// To what a measurement can tell.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
