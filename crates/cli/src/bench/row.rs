//! One measured case, as `--json` prints it.

use nvgre_bench_cases::{
    Beside, Case, Edited, Loaded, Measured, PolicyCase, PolicyMeasured, Size, Together,
};
use schemars::JsonSchema;
use serde::Serialize;

/// The schema of a line.
pub(crate) const SCHEMA: &str = "nvgre.bench/1";

/// A JSON line. What a case has not is null: frames have no time of a record, edits none of a frame.
/// Bits are those of frames before encapsulation, without FCS.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Row {
    schema: &'static str,
    /// What is measured, as a path: encap/ipv4/64B.
    pub(crate) id: String,
    /// Lookup records of the tables.
    pub(crate) records: u32,
    /// Threads.
    pub(crate) workers: usize,
    /// Time of a frame.
    pub(crate) ns_per_frame: Option<f64>,
    /// Million frames a second.
    pub(crate) mpps: Option<f64>,
    /// Bits of frames before encapsulation, without FCS.
    pub(crate) gbit_per_s: Option<f64>,
    /// The loop written by hand that it is held against.
    pub(crate) limit: Option<&'static str>,
    /// Our time to that loop's time.
    pub(crate) ratio_to_limit: Option<f64>,
    /// The case that this one differs from in one thing.
    pub(crate) peer: Option<&'static str>,
    /// Our time to that case's time.
    pub(crate) ratio_to_peer: Option<f64>,
    /// Calls of the allocator.
    pub(crate) allocations_per_frame: Option<f64>,
    /// Frames of a pass; but for a million records that is one batch.
    pub(crate) pass_frames: Option<usize>,
    /// Time of the median pass.
    pub(crate) pass_ns_p50: Option<f64>,
    /// Time that one pass of a hundred exceeds.
    pub(crate) pass_ns_p99: Option<f64>,
    /// Of a record that is edited and published, or loaded with all others; of edits the median.
    pub(crate) ns_per_record: Option<f64>,
    /// Time that one edit of a hundred exceeds.
    pub(crate) ns_per_record_p99: Option<f64>,
    /// Records edited or loaded in a second.
    pub(crate) records_per_s: Option<f64>,
    /// Without what other programs took of the processor meanwhile.
    pub(crate) processor_ns_per_record: Option<f64>,
    /// The part of it that reads text.
    pub(crate) text_ns_per_record: Option<f64>,
    /// Tables and every index.
    pub(crate) bytes_per_record: Option<f64>,
    /// What loading held at once at most.
    pub(crate) most_bytes_per_record: Option<f64>,
    /// Edits that were published beside the frames.
    pub(crate) edits_per_s: Option<f64>,
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

    pub(crate) fn of_policy(case: &PolicyCase, records: u32, measured: PolicyMeasured) -> Self {
        let row = match measured {
            PolicyMeasured::Edited(edited) => Self::of_edits(edited),
            PolicyMeasured::Loaded(loaded) => Self::of_loads(loaded),
            PolicyMeasured::Beside(beside) => Self::of_beside(case.id, records, beside),
        };
        Self {
            schema: SCHEMA,
            id: case.id.to_owned(),
            records,
            workers: 1,
            peer: row.ratio_to_peer.and(case.peer),
            ..row
        }
    }

    fn of_edits(edited: Edited) -> Self {
        Self {
            ns_per_record: Some(edited.ns_p50),
            ns_per_record_p99: Some(edited.ns_p99),
            records_per_s: Some(rounded(1e9 / edited.ns_p50)),
            ratio_to_peer: edited.ratio_to_peer.map(rounded),
            ..Self::default()
        }
    }

    fn of_loads(loaded: Loaded) -> Self {
        Self {
            ns_per_record: Some(rounded(loaded.ns_per_record)),
            records_per_s: Some(rounded(1e9 / loaded.ns_per_record)),
            processor_ns_per_record: Some(rounded(loaded.processor_ns_per_record)),
            text_ns_per_record: loaded.text_ns_per_record.map(rounded),
            bytes_per_record: Some(rounded(loaded.bytes_per_record)),
            most_bytes_per_record: Some(rounded(loaded.most_bytes_per_record)),
            ..Self::default()
        }
    }

    fn of_beside(id: &str, records: u32, beside: Beside) -> Self {
        Self {
            ratio_to_peer: Some(rounded(beside.ratio_to_alone)),
            edits_per_s: Some(rounded(beside.edits_per_s)),
            ..Self::timed(id, records, beside.ns_per_frame, Size::B64)
        }
    }

    fn timed(id: &str, records: u32, ns_per_frame: f64, size: Size) -> Self {
        Self {
            schema: SCHEMA,
            id: id.to_owned(),
            records,
            workers: 1,
            ns_per_frame: Some(rounded(ns_per_frame)),
            mpps: Some(rounded(1e3 / ns_per_frame)),
            gbit_per_s: Some(rounded(size.mean() * 8.0 / ns_per_frame)),
            ..Self::default()
        }
    }
}

/// To what a measurement can tell.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
