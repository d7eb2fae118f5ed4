//! Dumps: what the Get- cmdlets of several hosts showed, read into an estate.

use std::collections::BTreeSet;
use std::fmt;

use nvgre_wire::CustomerAddress;

use crate::dump::format::{Content, Malformed, read};
use crate::dump::host::HostReader;
pub use crate::dump::kind::DumpKind;
use crate::dump::reading::Reading;
use crate::estate::Estate;
use crate::lines::Lines;
use crate::source::{Place, Source};

mod csv;
pub(crate) mod format;
mod host;
mod json;
mod kind;
mod list;
mod nic;
mod object;
mod reading;
mod row;
pub(crate) mod write;

/// A file of a dump, and whose host it says to be by where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpFile {
    /// Its text, under the name that messages call it.
    pub source: Source,
    pub(crate) owner: Owner,
}

/// What the layout says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It lies in this host's folder.
    Folder(String),
    /// It lies beside others: its name up to the first dot is the host's, unless its objects say
    /// more.
    Stem(String),
}

/// What a dump holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The hosts in the order in which they are met. Every row has the place of its object.
    pub estate: Estate,
    /// What else it says of each host, in the estate's order.
    pub hosts: Vec<DumpHost>,
    /// What was not understood, assumed, or has no place in an estate; by file and place.
    pub notes: Vec<DumpNote>,
}

/// What a dump says of a host besides the estate's tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpHost {
    /// The kinds of which it holds an object. One that is missing was not dumped, or was empty: an
    /// empty table leaves no trace in a dump.
    pub kinds: BTreeSet<DumpKind>,
    /// Whether a file of its own holds nothing: some cmdlet gave nothing there.
    pub has_empty_file: bool,
    /// Whether no interface index is known, and one was assumed for its NIC.
    pub is_interface_index_assumed: bool,
    /// VMs of which several adapters have one name, in lower case: those after the first are numbered
    /// in the estate.
    pub vms_with_namesakes: BTreeSet<String>,
    /// `IPAddresses` of the host's adapters, in their order. Empty where it was not dumped.
    pub ip_addresses: Vec<Vec<CustomerAddress>>,
}

/// Something to know about a dump that was read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpNote {
    /// Where the first of it stands.
    pub place: Place,
    /// The host, if it is about one.
    pub host: Option<String>,
    /// What it is.
    pub kind: DumpNoteKind,
    /// One sentence without full stop.
    pub text: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DumpNoteKind {
    /// Properties, objects or a file that are not read.
    NotRead,
    /// Something the dump does not hold was assumed.
    Assumed,
    /// A provider address is not Preferred: it is not in use (AddressState).
    AddressState,
    /// Windows says it does not use a lookup record (Unusable).
    Unusable,
    /// A lookup record is not as the central controller has it (Unsynchronized).
    Unsynchronized,
}

/// One thing in a dump that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpError {
    /// Where it starts.
    pub place: Place,
    /// What is wrong: one sentence without full stop.
    pub message: String,
    /// The line, a caret below what it is about, and what to do about it if that is known.
    pub excerpt: String,
}

impl DumpFile {
    /// The file at `path` within the dump's folder, '/' between its parts: in a sub-folder, the
    /// first part names the host; otherwise the file's name up to its first dot does, or the IP
    /// address that it begins with, unless its objects have a PSComputerName.
    pub fn new(path: &str, source: Source) -> Self {
        let owner = match path.split_once('/') {
            Some((folder, _)) => Owner::Folder(folder.to_owned()),
            None => Owner::Stem(stem(path).to_owned()),
        };
        Self { source, owner }
    }
}

/// What a file's name says of its host.
fn stem(file: &str) -> &str {
    let dots = file.match_indices('.').map(|(at, _)| &file[..at]);
    let mut addresses = dots.filter(|stem| stem.parse::<std::net::IpAddr>().is_ok());
    let first = || file.split('.').next().unwrap_or_default();
    addresses.next().unwrap_or_else(first)
}

impl DumpHost {
    /// Whether the dump tells what the host has of this kind, if only that it has nothing: there is an
    /// object of it, or an empty file, which may be of any kind that is missing.
    pub fn tells(&self, kind: DumpKind) -> bool {
        // Get-NetVirtualizationGlobal always gives an object.
        self.kinds.contains(&kind) || self.has_empty_file && kind != DumpKind::Global
    }
}

impl Dump {
    /// Reads the files of one dump, of whatever format each is: ConvertTo-Json, Export-Csv or
    /// Format-List. Kinds are told by properties. A file may hold several, but a CSV.
    ///
    /// Fails with all errors, file by file. Policy that is wrong is read: that it is wrong is for
    /// others to say.
    ///
    /// ```
    /// use nvgre_netwnv::{Dump, DumpFile, Source};
    ///
    /// let text = r#"{ "CustomerAddress": "10.0.0.5", "VirtualSubnetID": 5001,
    ///     "MACAddress": "00155D002009", "ProviderAddress": "192.168.4.11", "Rule": 1 }"#;
    /// let file = DumpFile::new("Statler/records.json", Source::new("dump/Statler/records.json", text));
    /// let dump = Dump::read(&[file]).expect("this is a dump");
    /// let record = &dump.estate.host("statler").expect("it is there").records[0];
    /// assert_eq!(record.place.to_string(), "dump/Statler/records.json:1:1");
    /// ```
    pub fn read(files: &[DumpFile]) -> Result<Self, Vec<DumpError>> {
        let lines: Vec<_> = files.iter().map(|file| Lines::of(&file.source)).collect();
        let mut reading = Reading::default();
        let contents: Vec<_> = files
            .iter()
            .zip(&lines)
            .map(|(file, lines)| match read(&file.source.text) {
                Ok(content) => content,
                Err(malformed) => {
                    reading.errors.push(DumpError::malformed(lines, malformed));
                    Content::Values(Vec::new())
                }
            })
            .collect();
        let mut hosts: Vec<HostReader<'_>> = Vec::new();
        for ((file, lines), content) in files.iter().zip(&lines).zip(&contents) {
            reading.file(file, lines, content, &mut hosts);
        }
        reading.contradictions(files, &lines, &hosts);
        let mut dump = Self::default();
        for reader in hosts {
            let (host, mut more) = reader.finish(&mut reading);
            more.has_empty_file = reading.has_empty_file(&host.name);
            dump.estate.hosts.push(host);
            dump.hosts.push(more);
        }
        let order = |place: &Place| {
            let file = files.iter().position(|file| file.source.name == place.file);
            (file, place.line, place.column)
        };
        let Reading {
            mut errors,
            mut notes,
            unread,
            ..
        } = reading;
        if !errors.is_empty() {
            errors.sort_by_cached_key(|error| order(&error.place));
            return Err(errors);
        }
        notes.extend(unread.into_iter().map(|(kind, unread)| unread.note(kind)));
        notes.sort_by_cached_key(|note| order(&note.place));
        dump.notes = notes;
        Ok(dump)
    }
}

impl DumpError {
    pub(crate) fn malformed(lines: &Lines<'_>, malformed: Malformed) -> Self {
        let Malformed {
            span,
            message,
            help,
        } = malformed;
        let place = lines.place(span.start);
        let excerpt = place.excerpt(lines.text(), &span, help.as_deref());
        Self {
            place,
            message,
            excerpt,
        }
    }

    /// The message with its place, the line of the file and a caret below what it is about.
    pub fn render(&self) -> String {
        format!("{self}\n{}", self.excerpt)
    }
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for DumpError {}

impl fmt::Display for DumpNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
