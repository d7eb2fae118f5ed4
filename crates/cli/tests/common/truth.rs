//! The tables of ground truth: what tshark and Scapy say about the captures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rows of a table with a header line: column -> cell.
pub(crate) type Row = BTreeMap<String, String>;

/// Reads a tab-separated table.
pub(crate) fn table(path: &Path) -> Vec<Row> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header line").split('\t').collect();
    lines
        .map(|line| {
            let cells = line.split('\t').map(str::to_owned);
            header
                .iter()
                .map(|&name| name.to_owned())
                .zip(cells)
                .collect()
        })
        .collect()
}

/// "name:count,name:count"; "-" is none.
pub(crate) fn counts(cell: &str) -> BTreeMap<String, u64> {
    cell.split(',')
        .filter_map(|pair| pair.split_once(':'))
        .map(|(name, count)| (name.to_owned(), count.parse().expect("a count")))
        .collect()
}

/// The larger folder of captures, which is not part of the repository.
pub(crate) fn more_captures() -> Option<PathBuf> {
    let folder = std::env::var_os("NVGRE_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: NVGRE_CAPTURES names no folder of captures");
    }
    folder
}
