//! What became of a frame, in one line: the comments of an annotated capture, and the lines of a list.
//!
//! This is the one place that writes them, and this is their grammar. `nvgre.lua`, for Wireshark, and
//! other tools read it; it changes with the major version only. A clause that a reader does not know
//! is to be passed over.
//!
//! ```text
//! comment = "frame " NUMBER ", " FROM " -> " TO [", VSID " VSID] ": " verdict *("; " clause)
//! verdict = "delivered to " PORT " at " HOST
//!         | "dropped at " HOST ": " REASON
//!         | "consumed at " HOST                       answered, or taken by the host itself
//!         | "skipped: " REASON                        it never entered; in lists only
//! clause  = "asked for " WORDS                        what a table did not have
//!         | "record " ADDRESS " at " PROVIDER-ADDRESS " (" FILE ":" LINE ":" COLUMN ")"
//!         | "answered by " HOST                       ARP, neighbor discovery, ICMP errors
//!         | NUMBER " more delivered"                  copies of it
//!         | "also dropped at " HOST ": " REASON       copies of it
//! name    = as it is called
//!         | '"' *(CHARACTER | '\"' | '\\' | "\u" 4HEX) '"'    as in JSON
//! ```
//!
//! FROM, TO, PORT, HOST and FILE are names. One is quoted where it could be taken for something else:
//! where it holds a double quote, a control character, or `: `, ` at `, `; `, ` -> ` or `, `, also
//! together with the space beside it; and where it is empty, `all` or `?`. So a name that does not
//! begin with a quote ends at what follows it in the grammar, wherever that stands first.
//!
//! FROM and TO are ports by name where the inventory knows them, else addresses (`?` where a frame is
//! cut); TO is `all` for group frames. VSID is that of the sender's port, or of the key for a frame that entered at an uplink; it
//! is left out where there is none. NUMBER is that of the frame over all input files, as everywhere,
//! and the packet id of its copies. HOST of a copy that the underlay dropped is the one that sent it.
//!
//! Where a frame has one end, it is seen with the same line everywhere. Where its copies ended
//! differently, what came to one end alone has the line of that copy, and what is common to several,
//! such as the frame as it was sent, that of the frame: delivered, if any was, else its first drop,
//! with the others in clauses.

use std::borrow::Cow;
use std::fmt::Write as _;

use ahash::RandomState;
use hashbrown::HashMap;
use nvgre_dataplane::{DropReason, RecordId};
use nvgre_netwnv::{Estate, RecordEntry};

use crate::filter::facts::Facts;
use crate::inventory::{Inventory, Who};
use crate::model::Model;
use crate::walk_log::{Beginning, End, Ended, Hop, WalkLog};

/// Most clauses about other copies.
const OTHERS_TOLD: usize = 8;

/// What a line says, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldFrame {
    /// Over all input files, from 1.
    pub frame: u64,
    /// The sender's port, or its address.
    pub from: String,
    /// The receiver's port, or its address, or `all`.
    pub to: String,
    /// Of the sender's port, or of the key.
    pub virtual_subnet: Option<u32>,
    /// `delivered`, `dropped`, `consumed` or `skipped`.
    pub verdict: &'static str,
    /// Why it was dropped or skipped.
    pub reason: Option<&'static str>,
    /// Where the walk ended.
    pub host: Option<String>,
    /// The record that decided, as the line says it, without its first word.
    pub record: Option<String>,
    /// The whole line.
    pub line: String,
}

/// A name as it is, and as lines have it.
#[derive(Debug)]
struct Name {
    plain: String,
    said: String,
}

impl Name {
    fn new(plain: String) -> Self {
        Self {
            said: said_name(&plain).into_owned(),
            plain,
        }
    }
}

/// Tells of frames, by the names of a scenario.
#[derive(Debug)]
pub(crate) struct Teller {
    ports: Vec<Name>,
    hosts: Vec<Name>,
    inventory: Inventory,
    /// What is said of records that were met before.
    records: HashMap<(usize, RecordId), String, RandomState>,
    /// Of the frame in hand: everything in front of its verdict, and the lines of its ends.
    head: String,
    line: String,
    lines_of_ends: Vec<String>,
}

impl Teller {
    pub(crate) fn new(model: &Model) -> Self {
        let scenario = model.scenario();
        Self {
            ports: scenario
                .guests
                .iter()
                .map(|guest| Name::new(guest.port_name()))
                .collect(),
            hosts: scenario
                .hosts
                .iter()
                .map(|host| Name::new(host.name.clone()))
                .collect(),
            inventory: Inventory::new(model),
            records: HashMap::with_hasher(RandomState::with_seeds(scenario.seed, 7, 8, 9)),
            head: String::new(),
            line: String::new(),
            lines_of_ends: Vec::new(),
        }
    }

    /// What a filter asks of a walk that has ended.
    pub(crate) fn facts<'a>(&'a self, log: &'a WalkLog) -> Facts<'a> {
        Facts::new(log, &self.inventory)
    }

    /// Makes the lines of a walk that has ended.
    pub(crate) fn tell(&mut self, log: &WalkLog, estate: &Estate) {
        self.begin(log);
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.push_str(&self.head);
        let Some(end) = main_end(log) else {
            if let Beginning::Skipped(reason) = log.beginning {
                line.push_str("skipped: ");
                line.push_str(reason.name());
            }
            self.line = line;
            return;
        };
        self.put_end(&mut line, end, log, estate);
        if log.ends.len() > 1 {
            self.put_others(&mut line, end, log);
            for (index, end) in log.ends.iter().enumerate() {
                if self.lines_of_ends.len() == index {
                    self.lines_of_ends.push(String::new());
                }
                let mut line = std::mem::take(&mut self.lines_of_ends[index]);
                line.clear();
                line.push_str(&self.head);
                self.put_end(&mut line, end, log, estate);
                self.lines_of_ends[index] = line;
            }
        }
        self.line = line;
    }

    /// The line of a hop of the walk that was told last.
    pub(crate) fn line_of(&self, log: &WalkLog, hop: &Hop) -> &str {
        match hop.end {
            Some(end) if log.ends.len() > 1 => &self.lines_of_ends[end],
            Some(_) | None => &self.line,
        }
    }

    /// The walk that was told last, part by part.
    pub(crate) fn parts(&self, log: &WalkLog, estate: &Estate) -> ToldFrame {
        let vsid = self.inventory.virtual_subnet(log);
        let [from, to] = self.inventory.ends_of(log, vsid);
        let end = main_end(log);
        let decided = end.and_then(|end| deciding(end, estate));
        let entry = decided.and_then(|(host, id)| estate.hosts[host].record(id));
        ToldFrame {
            frame: log.number,
            from: self.name(from),
            to: self.name(to),
            virtual_subnet: vsid,
            verdict: verdict_of(log),
            reason: match (end.map(|end| end.what), log.beginning) {
                (Some(Ended::Dropped(reason)), _) => Some(reason.name()),
                (None, Beginning::Skipped(reason)) => Some(reason.name()),
                (Some(Ended::Delivered(_) | Ended::Consumed) | None, _) => None,
            },
            host: end.map(|end| self.hosts[end.host].plain.clone()),
            record: entry.map(|entry| record_text(entry, &entry.place.file)),
            line: self.line.clone(),
        }
    }

    fn name(&self, who: Who) -> String {
        match who {
            Who::Port(guest) => self.ports[guest].plain.clone(),
            Who::All | Who::Ip(_) | Who::Mac(_) | Who::Nobody => {
                let mut name = String::new();
                self.put(&mut name, who);
                name
            }
        }
    }

    fn put(&self, line: &mut String, who: Who) {
        let _infallible = match who {
            Who::Port(guest) => {
                line.push_str(&self.ports[guest].said);
                Ok(())
            }
            Who::All => {
                line.push_str("all");
                Ok(())
            }
            Who::Ip(address) => write!(line, "{address}"),
            Who::Mac(mac) => write!(line, "{mac}"),
            Who::Nobody => {
                line.push('?');
                Ok(())
            }
        };
    }

    /// Everything in front of the verdict.
    fn begin(&mut self, log: &WalkLog) {
        let vsid = self.inventory.virtual_subnet(log);
        let [from, to] = self.inventory.ends_of(log, vsid);
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        head.push_str("frame ");
        head.push_str(itoa::Buffer::new().format(log.number));
        head.push_str(", ");
        self.put(&mut head, from);
        head.push_str(" -> ");
        self.put(&mut head, to);
        if let Some(vsid) = vsid {
            head.push_str(", VSID ");
            head.push_str(itoa::Buffer::new().format(vsid));
        }
        head.push_str(": ");
        self.head = head;
    }

    fn put_end(&mut self, line: &mut String, end: &End, log: &WalkLog, estate: &Estate) {
        let host = &self.hosts[end.host].said;
        let mut asked = None;
        match end.what {
            Ended::Delivered(guest) => {
                line.push_str("delivered to ");
                line.push_str(&self.ports[guest].said);
                line.push_str(" at ");
                line.push_str(host);
            }
            Ended::Dropped(reason) => {
                put_drop(line, host, reason);
                asked = end.clue.asked_in_vain(reason);
            }
            Ended::Consumed => {
                line.push_str("consumed at ");
                line.push_str(host);
            }
        }
        if let Some((_, asked)) = asked {
            line.push_str("; asked for ");
            line.push_str(&asked);
        }
        self.put_record(line, end, estate);
        for &host in &log.answered_by {
            line.push_str("; answered by ");
            line.push_str(&self.hosts[host].said);
        }
    }

    fn put_record(&mut self, line: &mut String, end: &End, estate: &Estate) {
        let Some(key) = deciding(end, estate) else {
            return;
        };
        let said = self.records.entry(key).or_insert_with(|| {
            // Learned ones were written nowhere.
            let entry = estate.hosts[key.0].record(key.1);
            entry.map_or_else(String::new, |entry| {
                record_text(entry, &said_name(&entry.place.file))
            })
        });
        if !said.is_empty() {
            line.push_str("; record ");
            line.push_str(said);
        }
    }

    /// What became of the other copies.
    fn put_others(&self, line: &mut String, main: &End, log: &WalkLog) {
        let delivered = |end: &&End| matches!(end.what, Ended::Delivered(_));
        let more = log.ends.iter().filter(delivered).count();
        let more = more - usize::from(delivered(&main));
        if more > 0 {
            let _infallible = write!(line, "; {more} more delivered");
        }
        let mut told = Vec::new();
        if let Ended::Dropped(reason) = main.what {
            told.push((main.host, reason));
        }
        let main_told = told.len();
        for end in &log.ends {
            let Ended::Dropped(reason) = end.what else {
                continue;
            };
            if !told.contains(&(end.host, reason)) && told.len() < main_told + OTHERS_TOLD {
                told.push((end.host, reason));
                line.push_str("; also ");
                put_drop(line, &self.hosts[end.host].said, reason);
            }
        }
    }
}

/// The end that a frame's own line tells of.
pub(crate) fn main_end(log: &WalkLog) -> Option<&End> {
    let rank = |end: &End| match end.what {
        Ended::Delivered(_) => 0,
        Ended::Dropped(_) => 1,
        Ended::Consumed => 2,
    };
    // The first of those.
    log.ends.iter().min_by_key(|end| rank(end))
}

/// The one outcome of a frame.
pub(crate) fn verdict_of(log: &WalkLog) -> &'static str {
    match main_end(log).map(|end| end.what) {
        Some(Ended::Delivered(_)) => "delivered",
        Some(Ended::Dropped(_)) => "dropped",
        Some(Ended::Consumed) => "consumed",
        None => "skipped",
    }
}

/// The record that decided, and the host that holds it.
fn deciding(end: &End, estate: &Estate) -> Option<(usize, RecordId)> {
    match end.what {
        Ended::Delivered(_) => end.left_by.or(end.clue.record),
        Ended::Dropped(reason) => {
            let blamed = end.clue.record_to_blame(reason, end.host, estate);
            blamed.map(|(host, entry)| (host, entry.record.id))
        }
        Ended::Consumed => None,
    }
}

fn record_text(entry: &RecordEntry, file: &str) -> String {
    let (record, place) = (&entry.record, &entry.place);
    let (address, provider) = (record.customer_address, record.provider_address);
    let (line, column) = (place.line, place.column);
    format!("{address} at {provider} ({file}:{line}:{column})")
}

/// What stands between the parts of a line.
const SEPARATORS: [&str; 5] = [": ", " at ", "; ", " -> ", ", "];

/// A name as lines have it: quoted where it could be taken for something else.
fn said_name(name: &str) -> Cow<'_, str> {
    let between_spaces = format!(" {name} ");
    let is_plain = !["", "all", "?"].contains(&name)
        && !name.contains(|c: char| c == '"' || c.is_control())
        && !SEPARATORS.iter().any(|with| between_spaces.contains(with));
    if is_plain {
        return Cow::Borrowed(name);
    }
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('"');
    for c in name.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

fn put_drop(line: &mut String, host: &str, reason: DropReason) {
    line.push_str("dropped at ");
    line.push_str(host);
    line.push_str(": ");
    line.push_str(reason.name());
}

#[cfg(test)]
mod tests {
    use super::said_name;

    #[test]
    fn a_name_that_could_be_taken_for_something_else_is_quoted() {
        for plain in [
            "Red11",
            "Rack 7",
            "a:b",
            "Gateway/Outside",
            "C:\\p\\a.ps1",
            "é",
            "x->y",
        ] {
            assert_eq!(said_name(plain), plain);
        }
        for (name, said) in [
            ("r: 1", r#""r: 1""#),
            ("Rack 7 at h1", r#""Rack 7 at h1""#),
            ("a; b", r#""a; b""#),
            ("a -> b", r#""a -> b""#),
            ("a, b", r#""a, b""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            // Together with the space beside it.
            ("h1:", r#""h1:""#),
            ("up at", r#""up at""#),
            ("-> x", r#""-> x""#),
            // What else stands for somebody.
            ("all", r#""all""#),
            ("?", r#""?""#),
            ("", r#""""#),
            ("a\nb", r#""a\u000ab""#),
        ] {
            assert_eq!(said_name(name), said);
        }
    }
}
