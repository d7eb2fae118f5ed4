//! What `nvgre bench --chart` prints: the array that CI services chart under the name
//! customSmallerIsBetter, `[{"name":..., "unit":..., "value":...}]`.

use serde::Serialize;

use crate::bench::row::Row;
use crate::exit::Failure;
use crate::output::Output;

#[derive(Serialize)]
struct Point {
    name: String,
    unit: &'static str,
    value: f64,
}

/// A case's time, and its ratio to the hand loop's or else to its peer's; for edits also the time that
/// one of a hundred exceeds, for loads the memory.
pub(crate) fn print(rows: &[Row], out: &mut Output) -> Result<(), Failure> {
    let points: Vec<_> = rows.iter().flat_map(points).flatten().collect();
    out.json_line(&points)
}

fn points(row: &Row) -> [Option<Point>; 6] {
    let point = |more: &str, unit, value: Option<f64>| {
        value.map(|value| Point {
            name: format!("{}{more}", row.id),
            unit,
            value,
        })
    };
    let to_peer = row.ratio_to_peer.filter(|_| row.ratio_to_limit.is_none());
    [
        point("", "ns/frame", row.ns_per_frame),
        point("", "ns/record", row.ns_per_record),
        point(" p99", "ns/record", row.ns_per_record_p99),
        point(" memory", "bytes/record", row.bytes_per_record),
        point(" to limit", "ratio", row.ratio_to_limit),
        point(" to peer", "ratio", to_peer),
    ]
}
