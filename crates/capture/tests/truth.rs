//! Every capture of the ground truth tables, read and compared with what tshark reads.
//!
//! `pcaps/` of the repository always; the larger folder named by `NVGRE_CAPTURES`, which is not part
//! of the repository, where it is set. Columns of `truth.tsv` are explained in `truth.sh` beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nvgre_capture::{LinkPayload, Reader, network_layer};

/// What a file holds, told by us or by tshark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Contents {
    packets: u64,
    wire_bytes: u64,
    cap_bytes: u64,
    /// Of the first and last packet, in nanoseconds.
    times: Option<(i128, i128)>,
    /// Packets by link type, those without a name here under "other".
    links: BTreeMap<String, u64>,
    whole: bool,
}

/// A file where we decide otherwise than tshark.
struct Exception {
    file: &'static str,
    ours: Ours,
    why: &'static str,
}

enum Ours {
    /// Read to the end: packets and the sum of their original lengths.
    Whole { packets: u64, wire_bytes: u64 },
    /// As tshark, but for the time stamps.
    OtherTimes,
    /// As tshark, but for the time stamps, which lie beyond 2262 and saturate.
    SaturatedTimes,
}

const EXCEPTIONS: &[Exception] = &[];

fn read(path: &Path) -> (Contents, Option<String>) {
    let mut contents = Contents::default();
    let mut reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(error) => return (contents, Some(error.to_string())),
    };
    let error = loop {
        match reader.next() {
            Ok(Some(packet)) => {
                contents.packets += 1;
                assert_eq!(packet.number, contents.packets);
                contents.wire_bytes += u64::from(packet.original_len);
                contents.cap_bytes += packet.data.len() as u64;
                let time = i128::from(packet.time_ns);
                contents.times = Some((contents.times.map_or(time, |(first, _)| first), time));
                *contents.links.entry(link_class(&packet.link_type.name())).or_default() += 1;
            }
            Ok(None) => break None,
            Err(error) => {
                assert!(matches!(reader.next(), Ok(None)), "a reader stays ended after an error");
                break Some(error.to_string());
            }
        }
    };
    contents.whole = error.is_none();
    (contents, error)
}

fn link_class(name: &str) -> String {
    if name.starts_with("encap-") || name.starts_with("linktype-") { "other".to_owned() } else { name.to_owned() }
}

/// "seconds.fraction", nine digits, to nanoseconds.
fn epoch_ns(text: &str) -> Option<i128> {
    let (seconds, fraction) = text.split_once('.')?;
    Some(seconds.parse::<i128>().ok()? * 1_000_000_000 + fraction.parse::<i128>().ok()?)
}

fn rows(table: &Path) -> Vec<(String, Contents)> {
    let text = fs::read_to_string(table).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header line").split('\t').collect();
    let column = |name| header.iter().position(|&found| found == name).expect("a known column");
    let (file, packets, wire, cap, first, last, link, status) = (
        column("file"),
        column("packets"),
        column("wire_bytes"),
        column("cap_bytes"),
        column("first_epoch"),
        column("last_epoch"),
        column("link"),
        column("status"),
    );
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let number = |column: usize| cells[column].parse::<u64>().expect("a number");
            let mut links = BTreeMap::new();
            for (name, count) in cells[link].split(',').filter_map(|pair| pair.split_once(':')) {
                *links.entry(link_class(name)).or_default() += count.parse::<u64>().expect("a count");
            }
            // Custom and journal blocks, which tshark numbers among the packets: their length is not told.
            let no_link = links.remove("no-link").unwrap_or(0);
            let contents = Contents {
                packets: number(packets) - no_link,
                wire_bytes: number(wire),
                cap_bytes: number(cap),
                times: epoch_ns(cells[first]).zip(epoch_ns(cells[last])),
                links,
                whole: cells[status] == "ok",
            };
            (cells[file].to_owned(), contents)
        })
        .collect()
}

/// Compares every file of a table; gives how many there were.
fn compare(folder: &Path) -> usize {
    let rows = rows(&folder.join("truth.tsv"));
    let mut differences = Vec::new();
    for (file, theirs) in &rows {
        let (ours, error) = read(&folder.join(file));
        if ours != *theirs {
            differences.push(format!("{file}: {error:?}\n   ours   {ours:?}\n   theirs {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), rows.len(), differences.join("\n"));
    rows.len()
}

#[test]
fn every_capture_of_the_named_folder_reads_as_tshark_reads_it() {
    let Some(folder) = std::env::var_os("NVGRE_CAPTURES").map(PathBuf::from) else {
        println!("skipped: NVGRE_CAPTURES names no folder of captures");
        return;
    };
    assert!(compare(&folder) > 300, "the table of that folder has more rows");
}
