//! Names of one kind of thing in a scenario file, found without a look at all of them.

use std::collections::BTreeMap;

use toml::Spanned;

use crate::scenario::file::ScenarioFile;

/// The names of a kind, in the order of the file. They compare without case.
pub(crate) struct Names<'f> {
    all: Vec<&'f Spanned<String>>,
    /// Shape: name in lower case -> where it stands in `all`, in ascending order.
    places: BTreeMap<String, Vec<usize>>,
}

/// The names that other keys of the file refer to.
pub(crate) struct FileNames<'f> {
    pub(crate) tenants: Names<'f>,
    pub(crate) hosts: Names<'f>,
    /// Of adapters: a VM with several is there as often.
    pub(crate) guests: Names<'f>,
}

impl<'f> Names<'f> {
    fn new(names: impl Iterator<Item = &'f Spanned<String>>) -> Self {
        let all: Vec<_> = names.collect();
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, name) in all.iter().enumerate() {
            places.entry(folded(name.get_ref())).or_default().push(at);
        }
        Self { all, places }
    }

    pub(crate) fn all(&self) -> &[&'f Spanned<String>] {
        &self.all
    }

    /// Where a name stands, the first first.
    pub(crate) fn places(&self, name: &str) -> &[usize] {
        let places = self.places.get(&folded(name));
        places.map_or(&[], Vec::as_slice)
    }
}

impl<'f> FileNames<'f> {
    pub(crate) fn new(file: &'f ScenarioFile) -> Self {
        Self {
            tenants: Names::new(file.tenants.iter().map(|tenant| &tenant.name)),
            hosts: Names::new(file.hosts.iter().map(|host| &host.name)),
            guests: Names::new(file.guests.iter().map(|guest| &guest.name)),
        }
    }
}

/// The form in which names are one that differ in case only.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
