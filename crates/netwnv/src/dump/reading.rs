//! Files of a dump, one after the other: which object is whose, and what comes together meanwhile.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::dump::format::{Content, Malformed};
use crate::dump::host::HostReader;
use crate::dump::kind::DumpKind;
use crate::dump::object::{DumpObject, DumpValue};
use crate::dump::{DumpError, DumpFile, DumpNote, DumpNoteKind, Owner};
use crate::lines::Lines;
use crate::source::Place;

/// What comes together while files are read.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) errors: Vec<DumpError>,
    pub(crate) notes: Vec<DumpNote>,
    /// Properties that nobody asked for.
    pub(crate) unread: BTreeMap<DumpKind, Unread>,
    /// For files beside others, the hosts that their objects named: file, host, first place.
    named: Vec<(usize, usize, Range<usize>)>,
    /// For files beside others, the first object that named none: file and place.
    unnamed: Vec<(usize, Range<usize>)>,
    /// Objects in the folder of another host, the first of each host: file, folder, host and place.
    misplaced: Vec<(usize, String, String, Range<usize>)>,
    /// Whose the empty files are, by where they lie.
    empty: Vec<String>,
    /// The file in hand.
    file: usize,
    /// Whom the last object was said to be of, and whose it is: those of a host follow one another, and
    /// there may be a thousand hosts.
    last: Option<(String, usize)>,
}

/// Properties of a kind that nobody asked for.
pub(crate) struct Unread {
    first: Place,
    /// In the order in which they are met.
    names: Vec<String>,
}

impl Unread {
    pub(crate) fn note(self, kind: DumpKind) -> DumpNote {
        let names = self.names.join(", ");
        DumpNote {
            place: self.first,
            host: None,
            kind: DumpNoteKind::NotRead,
            text: format!("of {} is not read: {names}", kind.cmdlet()),
        }
    }
}

impl Reading {
    pub(crate) fn file<'v>(
        &mut self,
        file: &'v DumpFile,
        lines: &'v Lines<'v>,
        content: &'v Content<'v>,
        hosts: &mut Vec<HostReader<'v>>,
    ) {
        if let Owner::Folder(folder) = &file.owner {
            self.host_named(hosts, folder, folder);
        }
        let not_read = |text: &str, at: usize| DumpNote {
            place: lines.place(at),
            host: None,
            kind: DumpNoteKind::NotRead,
            text: text.to_owned(),
        };
        let empty = not_read("the file is empty: no object was dumped", 0);
        let values = match content {
            Content::Empty => &[][..],
            Content::Foreign => {
                let text = "the file is not read: neither JSON, CSV nor a list of properties";
                self.notes.push(not_read(text, 0));
                &[][..]
            }
            Content::Values(values) => values,
        };
        let mut foreign: Vec<&Range<usize>> = Vec::new();
        let mut is_empty = !matches!(content, Content::Foreign);
        for (value, span) in values {
            let mut objects = Vec::new();
            value.objects(&mut objects);
            if value.is_cut() {
                self.cut(lines, span);
            }
            is_empty &= objects.is_empty() && value.loose_values() == 0;
            foreign.extend(std::iter::repeat_n(span, value.loose_values()));
            let unknown = objects
                .into_iter()
                .filter(|object| !self.object(file, lines, object, hosts));
            foreign.extend(unknown.map(|object| &object.span));
        }
        if is_empty {
            self.notes.push(empty);
            let (Owner::Folder(name) | Owner::Stem(name)) = &file.owner;
            self.empty.push(name.clone());
        }
        if let Some(first) = foreign.iter().map(|span| span.start).min() {
            let text = match foreign.len() {
                1 => "a value is not read: it is no object of a cmdlet that is known".to_owned(),
                many => format!(
                    "{many} values are not read, the first here: they are no objects of a cmdlet that is known"
                ),
            };
            self.notes.push(not_read(&text, first));
        }
        self.file += 1;
    }

    /// Whether an empty file lies where those of this host do.
    pub(crate) fn has_empty_file(&self, host: &str) -> bool {
        self.empty.iter().any(|name| is_host(name, host))
    }

    /// Takes an object, or those in it, to its host. Whether it is or holds one of a known kind.
    fn object<'v>(
        &mut self,
        file: &'v DumpFile,
        lines: &'v Lines<'v>,
        object: &'v DumpObject<'v>,
        hosts: &mut Vec<HostReader<'v>>,
    ) -> bool {
        let Some(kind) = DumpKind::of(object) else {
            let mut inner = Vec::new();
            for property in &object.properties {
                property.value.objects(&mut inner);
                if property.value.is_cut() {
                    self.cut(lines, &property.span);
                }
            }
            let known = inner
                .iter()
                .filter(|inner| self.object(file, lines, inner, hosts));
            return known.count() > 0;
        };
        let stated = self.stated_host(lines, kind, object);
        let host = match (&file.owner, stated) {
            (Owner::Folder(folder), stated) => {
                let object_name = stated.clone();
                if let Some((name, span)) = stated
                    && !is_host(&name, folder)
                {
                    self.misplaced(folder, name, span);
                }
                let host = self.host_named(hosts, folder, folder);
                if let Some((name, _)) = object_name {
                    hosts[host].learn_name(&name);
                }
                host
            }
            (Owner::Stem(_), Some((name, span))) => {
                let host = self.host_named(hosts, &name, short_name(&name));
                if !self
                    .named
                    .iter()
                    .rev()
                    .any(|&(f, h, _)| (f, h) == (self.file, host))
                {
                    self.named.push((self.file, host, span));
                }
                host
            }
            (Owner::Stem(stem), None) => {
                if self
                    .unnamed
                    .last()
                    .is_none_or(|&(known, _)| known != self.file)
                {
                    self.unnamed.push((self.file, object.span.clone()));
                }
                self.host_named(hosts, stem, stem)
            }
        };
        hosts[host].take(kind, lines, object);
        true
    }

    /// As [`host_named`], which has not to be asked again for the same name: it was the last that could
    /// change the answer.
    fn host_named(&mut self, hosts: &mut Vec<HostReader<'_>>, name: &str, shown: &str) -> usize {
        if let Some((last, host)) = &self.last
            && last == name
        {
            return *host;
        }
        let host = host_named(hosts, name, shown);
        self.last = Some((name.to_owned(), host));
        host
    }

    fn misplaced(&mut self, folder: &str, host: String, span: Range<usize>) {
        let is_told = |(_, in_folder, of, _): &(usize, String, String, Range<usize>)| {
            in_folder == folder && is_host(of, &host)
        };
        if !self.misplaced.iter().any(is_told) {
            let misplaced = (self.file, folder.to_owned(), host, span);
            self.misplaced.push(misplaced);
        }
    }

    /// An object that is not in the dump, but its name.
    fn cut(&mut self, lines: &Lines<'_>, span: &Range<usize>) {
        let message = "here is the name of an object, and not the object".to_owned();
        let help = "ConvertTo-Json goes two levels deep: dump it again with -Depth 4".to_owned();
        self.error(lines, span.clone(), message, Some(help));
    }

    /// The host that an object says it is of, by the fullest name.
    fn stated_host(
        &mut self,
        lines: &Lines<'_>,
        kind: DumpKind,
        object: &DumpObject<'_>,
    ) -> Option<(String, Range<usize>)> {
        let own: &[&str] = match kind {
            DumpKind::Adapter | DumpKind::Switch => &["PSComputerName", "ComputerName"],
            DumpKind::NetAdapter => &["PSComputerName", "SystemName"],
            DumpKind::LookupRecord
            | DumpKind::CustomerRoute
            | DumpKind::ProviderAddress
            | DumpKind::ProviderRoute
            | DumpKind::Global
            | DumpKind::Binding => &["PSComputerName"],
        };
        let mut stated: Option<(String, Range<usize>)> = None;
        for property in own.iter().filter_map(|name| object.get(name)) {
            let DumpValue::Text(name) = &property.value else {
                continue;
            };
            let name = name.trim();
            if name.is_empty() || name == "." || name.eq_ignore_ascii_case("localhost") {
                continue;
            }
            match &stated {
                Some((first, _)) if !is_host(first, name) => {
                    let message = format!("{} is {name}, and of {first} before", property.name);
                    self.error(lines, property.span.clone(), message, None);
                }
                Some((first, _)) if first.len() >= name.len() => {}
                Some(_) | None => stated = Some((name.to_owned(), property.span.clone())),
            }
        }
        stated
    }

    /// What lies where another host's dumps should; a file named after a host that holds another's
    /// objects, and objects of nobody among those of somebody.
    pub(crate) fn contradictions(
        &mut self,
        files: &[DumpFile],
        lines: &[Lines<'_>],
        hosts: &[HostReader<'_>],
    ) {
        let misplaced = std::mem::take(&mut self.misplaced);
        let other_in = |folder: &str, host: &str| {
            let others = misplaced.iter().filter(|(_, other, ..)| other == folder);
            others.map(|(_, _, of, _)| of).find(|of| !is_host(of, host))
        };
        // A folder of several hosts' dumps is no host's: its like are told with it.
        let mut is_told = false;
        for (file, folder, host, span) in &misplaced {
            let (message, help) = match other_in(folder, host) {
                None => (
                    format!("this is of host {host}, in the folder of {folder}"),
                    "a sub-folder holds the dumps of one host and has its name",
                ),
                Some(_) if is_told => continue,
                Some(other) => {
                    is_told = true;
                    (
                        format!(
                            "this is of host {host}, and others in the folder {folder} are of {other}"
                        ),
                        "a sub-folder holds the dumps of one host and has its name; to read a folder of several dumps, pass one of its sub-folders",
                    )
                }
            };
            self.error(&lines[*file], span.clone(), message, Some(help.to_owned()));
        }
        for (file, host, span) in std::mem::take(&mut self.named) {
            let Owner::Stem(stem) = &files[file].owner else {
                continue;
            };
            let name = hosts[host].name();
            if is_host(name, stem) {
                continue;
            }
            let unnamed = self.unnamed.iter().find(|&&(other, _)| other == file);
            if let Some((_, unnamed)) = unnamed.cloned() {
                let message =
                    format!("this does not say whose it is, and others in the file are of {name}");
                let help = "write the dumps of each host into a folder of its name".to_owned();
                let start = unnamed.start..unnamed.start + 1;
                self.error(&lines[file], start, message, Some(help));
            } else if hosts.iter().any(|other| is_host(other.name(), stem)) {
                let message = format!("this is of host {name}, in a file named after {stem}");
                self.error(&lines[file], span, message, None);
            }
        }
    }

    pub(crate) fn error(
        &mut self,
        lines: &Lines<'_>,
        span: Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        let malformed = Malformed {
            span,
            message,
            help,
        };
        self.errors.push(DumpError::malformed(lines, malformed));
    }

    /// Keeps the names of properties that were not asked for.
    pub(crate) fn unread<'n>(
        &mut self,
        kind: DumpKind,
        place: impl FnOnce() -> Place,
        names: impl Iterator<Item = &'n str>,
    ) {
        let mut names = names.peekable();
        if names.peek().is_none() {
            return;
        }
        let unread = self.unread.entry(kind).or_insert_with(|| Unread {
            first: place(),
            names: Vec::new(),
        });
        for name in names {
            if !unread
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                unread.names.push(name.to_owned());
            }
        }
    }
}

/// Which of the hosts has this name; a new one, that is to be called `shown`, if none has. A short
/// name is that of the one host whose full name begins so.
fn host_named(hosts: &mut Vec<HostReader<'_>>, name: &str, shown: &str) -> usize {
    let exact = |host: &HostReader<'_>| host.full_name().eq_ignore_ascii_case(name);
    let mut alike = hosts
        .iter()
        .enumerate()
        .filter(|(_, host)| is_host(host.full_name(), name));
    let known = hosts.iter().position(exact).or_else(|| {
        let (at, _) = alike.next()?;
        alike.next().is_none().then_some(at)
    });
    let is_called = |shown: &str| {
        let mut hosts = hosts.iter();
        hosts.position(|host| host.name().eq_ignore_ascii_case(shown))
    };
    let known = known.or_else(|| is_called(name));
    let shown = if is_called(shown).is_some() {
        name
    } else {
        shown
    };
    let at = known.unwrap_or_else(|| {
        hosts.push(HostReader::new(shown));
        hosts.len() - 1
    });
    hosts[at].learn_name(name);
    at
}

/// Whether two names are one host's: without case, and a short one is the first part of a full one.
/// Two full names are two hosts.
fn is_host(one: &str, other: &str) -> bool {
    let is_short = |name: &str| short_name(name) == name;
    one.eq_ignore_ascii_case(other)
        || is_short(one) != is_short(other)
            && short_name(one).eq_ignore_ascii_case(short_name(other))
}

/// The first part of a full name; an IP address is left whole.
fn short_name(name: &str) -> &str {
    match name.split_once('.') {
        Some((first, _)) if name.parse::<std::net::IpAddr>().is_err() => first,
        Some(_) | None => name,
    }
}
