//! What `nvgre bench --chart` prints: the array that CI services chart under the name
//! customSmallerIsBetter, `[{"name":..., "unit":..., "value":...}]`.

use serde::Serialize;

use crate::bench_row::Row;
use crate::exit::Failure;
use crate::output::Output;

#[derive(Serialize)]
struct Point {
    name: String,
    unit: &'static str,
    value: f64,
}

/// Two points for a case: its time, and its ratio to the hand loop's.
pub(crate) fn print(rows: &[Row], out: &mut Output) -> Result<(), Failure> {
    let points = rows.iter().flat_map(|row| {
        let time = Point {
            name: row.id.clone(),
            unit: "ns/frame",
            value: row.ns_per_frame,
        };
        let ratio = row.ratio_to_limit.map(|value| Point {
            name: format!("{} to limit", row.id),
            unit: "ratio",
            value,
        });
        [Some(time), ratio]
    });
    out.json_line(&points.flatten().collect::<Vec<_>>())
}
