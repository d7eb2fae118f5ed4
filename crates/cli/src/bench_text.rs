//! What `nvgre bench` prints for people.

use std::io::Write;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use crate::bench_row::Row;
use crate::exit::Failure;
use crate::output::Output;

/// The table, and what its columns mean.
pub(crate) fn print(rows: &[Row], out: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "case", "ns/frame", "Mpps", "Gbit/s", "x limit", "x peer", "allocs", "p50 us", "p99 us",
    ]);
    for row in rows {
        table.add_row([
            row.id.clone(),
            format!("{:.1}", row.ns_per_frame),
            format!("{:.1}", row.mpps),
            format!("{:.1}", row.gbit_per_s),
            number(row.ratio_to_limit, 2),
            number(row.ratio_to_peer, 2),
            allocations(row.allocations_per_frame),
            number(row.pass_ns_p50.map(|ns| ns / 1e3), 1),
            number(row.pass_ns_p99.map(|ns| ns / 1e3), 1),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(writeln!(
        out,
        "\n\
         x limit  time over that of a loop written by hand for these frames; both take turns\n\
         x peer   time over that of the case it differs from in one thing\n\
         allocs   allocations per frame\n\
         p50 p99  a pass: a batch of 256 frames, but 16,384 with 1M records\n\
         Gbit/s counts frames before encapsulation, without FCS. benches/README.md says what the cases are."
    )?)
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// None is told apart from few.
fn allocations(calls: Option<f64>) -> String {
    number(calls, if calls == Some(0.0) { 0 } else { 3 })
}
