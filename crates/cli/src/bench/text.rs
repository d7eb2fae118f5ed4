//! What `nvgre bench` prints for people.

use std::io::Write;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use crate::bench::row::Row;
use crate::exit::Failure;
use crate::output::Output;

/// The tables, and what their columns mean.
pub(crate) fn print(rows: &[Row], out: &mut Output) -> Result<(), Failure> {
    let (frames, records): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.ns_per_frame.is_some());
    if !frames.is_empty() {
        print_frames(&frames, out)?;
    }
    if !frames.is_empty() && !records.is_empty() {
        writeln!(out)?;
    }
    if !records.is_empty() {
        print_records(&records, out)?;
    }
    Ok(writeln!(out, "benches/README.md says what the cases are.")?)
}

fn print_frames(rows: &[&Row], out: &mut Output) -> Result<(), Failure> {
    let head = [
        "case", "ns/frame", "Mpps", "Gbit/s", "x limit", "x peer", "allocs", "p50 us", "p99 us",
    ];
    let lines = rows.iter().map(|row| {
        [
            row.id.clone(),
            number(row.ns_per_frame, 1),
            number(row.mpps, 1),
            number(row.gbit_per_s, 1),
            number(row.ratio_to_limit, 2),
            number(row.ratio_to_peer, 2),
            allocations(row.allocations_per_frame),
            number(row.pass_ns_p50.map(|ns| ns / 1e3), 1),
            number(row.pass_ns_p99.map(|ns| ns / 1e3), 1),
        ]
    });
    print_table(head, lines, out)?;
    Ok(writeln!(
        out,
        "\n\
         x limit  time over that of a loop written by hand for these frames; both take turns\n\
         x peer   time over that of the case it differs from in one thing\n\
         allocs   allocations per frame\n\
         p50 p99  a pass: a batch of 256 frames, but 16,384 with 1M records\n\
         Gbit/s counts frames before encapsulation, without FCS."
    )?)
}

fn print_records(rows: &[&Row], out: &mut Output) -> Result<(), Failure> {
    let head = [
        "case",
        "records",
        "us/record",
        "p99 us",
        "records/s",
        "x peer",
        "cpu us",
        "text us",
        "bytes",
        "most",
    ];
    let us = |ns: Option<f64>| number(ns.map(|ns| ns / 1e3), 2);
    let lines = rows.iter().map(|row| {
        [
            row.id.clone(),
            row.records.to_string(),
            us(row.ns_per_record),
            us(row.ns_per_record_p99),
            number(row.records_per_s, 0),
            number(row.ratio_to_peer, 2),
            us(row.processor_ns_per_record),
            us(row.text_ns_per_record),
            number(row.bytes_per_record, 1),
            number(row.most_bytes_per_record, 0),
        ]
    });
    print_table(head, lines, out)?;
    Ok(writeln!(
        out,
        "\n\
         us/record  a record edited and published (median, p99), or loaded with all others\n\
         cpu text   loads: without what other programs took meanwhile; the part that reads text\n\
         bytes      memory of the tables and every index, a record; most: held at once while loading"
    )?)
}

fn print_table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    lines: impl Iterator<Item = [String; COLUMNS]>,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head).add_rows(lines);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Ok(writeln!(out, "{}", table.trim_fmt())?)
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// None is told apart from few.
fn allocations(calls: Option<f64>) -> String {
    number(calls, if calls == Some(0.0) { 0 } else { 3 })
}
