//! The properties of one object of a dump, as types.

use std::ops::Range;

use crate::canonical::{Canonical, FromCanonical};
use crate::cmdlet::listed;
use crate::dump::DumpNote;
use crate::dump::kind::DumpKind;
use crate::dump::object::{DumpObject, DumpProperty, DumpValue};
use crate::dump::reading::Reading;
use crate::kind::Kind;
use crate::lines::Lines;
use crate::source::Place;
use crate::value::{Text, Value};

/// An object of a known kind, where it stands, and which of its properties were asked for.
pub(crate) struct DumpRow<'r, 'v> {
    kind: DumpKind,
    lines: &'v Lines<'v>,
    object: &'v DumpObject<'v>,
    reading: &'r mut Reading,
    asked: Vec<&'static str>,
}

impl<'r, 'v> DumpRow<'r, 'v> {
    pub(crate) fn new(
        kind: DumpKind,
        lines: &'v Lines<'v>,
        object: &'v DumpObject<'v>,
        reading: &'r mut Reading,
    ) -> Self {
        // What says whose the object is was looked at before.
        let asked = vec!["PSComputerName", "ComputerName", "SystemName"];
        let mut row = Self {
            kind,
            lines,
            object,
            reading,
            asked,
        };
        row.refuse_twice();
        row
    }

    pub(crate) fn place(&self) -> Place {
        self.lines.place(self.object.span.start)
    }

    fn refuse_twice(&mut self) {
        let properties = &self.object.properties;
        for (at, property) in properties.iter().enumerate() {
            let twice = properties[..at]
                .iter()
                .any(|p| p.name.eq_ignore_ascii_case(&property.name));
            if twice {
                let message = format!("{} is given twice", property.name);
                self.error(&property.span, message);
            }
        }
    }

    fn error(&mut self, span: &Range<usize>, message: String) {
        self.reading.error(self.lines, span.clone(), message, None);
    }

    /// The property, unless it is null or not there.
    fn property(&mut self, name: &'static str) -> Option<&'v DumpProperty<'v>> {
        self.asked.push(name);
        let found = self.object.get(name)?;
        (!matches!(found.value, DumpValue::Null)).then_some(found)
    }

    /// A property's value in the form of its kind; `None` where it is null, not there, or wrong,
    /// which is then said.
    fn canonical(&mut self, name: &'static str, kind: Kind) -> Option<Canonical<'v>> {
        let property = self.property(name)?;
        if kind != Kind::Text && property.value.is_blank() {
            return None;
        }
        match canonical(kind, &property.value) {
            Ok(value) => Some(value),
            Err(message) => {
                self.error(&property.span, format!("{name}: {message}"));
                None
            }
        }
    }

    /// As a type. `None` also where an error was said, so that the row is not made in the end.
    pub(crate) fn get<T: FromCanonical>(&mut self, name: &'static str, kind: Kind) -> Option<T> {
        T::from_canonical(&self.canonical(name, kind)?)
    }

    /// One of a kind's names.
    pub(crate) fn name(&mut self, name: &'static str, kind: Kind) -> Option<&'static str> {
        match self.canonical(name, kind)? {
            Canonical::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.get(name, Kind::Bool)
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        Some(self.canonical(name, Kind::Text)?.text().into_owned())
    }

    /// The items of a list that are texts; a text alone is a list of one.
    pub(crate) fn texts(&mut self, name: &'static str) -> Vec<&'v str> {
        match self.property(name).map(|property| &property.value) {
            Some(DumpValue::List(items)) => items
                .iter()
                .filter_map(|item| match item {
                    DumpValue::Text(text) => Some(text.as_ref()),
                    DumpValue::Null
                    | DumpValue::Bool(_)
                    | DumpValue::Number(_)
                    | DumpValue::List(_)
                    | DumpValue::Object(_) => None,
                })
                .collect(),
            // Of a list with one item, Format-List leaves the braces.
            Some(DumpValue::Text(text)) => vec![text.trim_matches(['{', '}'])],
            _ => Vec::new(),
        }
    }

    /// An object inside this one.
    pub(crate) fn inner(&mut self, name: &'static str) -> Option<&'v DumpObject<'v>> {
        match &self.property(name)?.value {
            DumpValue::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Says of those that are null or not there that the row needs them. Whether none is.
    pub(crate) fn needs(&mut self, names: &[&'static str]) -> bool {
        let noun = self.kind.noun();
        let errors = self.errors();
        let missing: Vec<_> = names.iter().filter(|name| !self.object.has(name)).collect();
        if !missing.is_empty() {
            let start = self.object.span.start;
            let message = format!("this {noun} has no {}", listed(&missing, "and no"));
            self.error(&(start..start + 1), message);
        }
        for &name in names {
            let found = self.object.get(name);
            if let Some(found) = found.filter(|found| found.value.is_blank()) {
                let message = format!("{name}: a {noun} needs one, this is empty");
                self.error(&found.span, message);
            }
        }
        self.errors() == errors
    }

    pub(crate) fn note(&mut self, note: DumpNote) {
        self.reading.notes.push(note);
    }

    /// How many errors there are so far: a row with one is not made.
    pub(crate) fn errors(&self) -> usize {
        self.reading.errors.len()
    }

    /// Says that a property's value does not fit.
    pub(crate) fn refuse(&mut self, name: &str, message: String) {
        let span = self
            .object
            .get(name)
            .map_or(&self.object.span, |found| &found.span);
        self.error(&span.clone(), message);
    }

    /// Names the properties that were not asked for.
    pub(crate) fn done(self) {
        let Self {
            kind,
            lines,
            object,
            reading,
            asked,
        } = self;
        let names = object.properties.iter().map(|property| &*property.name);
        let unread =
            names.filter(|name| !asked.iter().any(|known| known.eq_ignore_ascii_case(name)));
        reading.unread(kind, || lines.place(object.span.start), unread);
    }
}

/// A value in the form of its kind, or what is wrong with it.
pub(crate) fn canonical<'v>(kind: Kind, value: &'v DumpValue<'v>) -> Result<Canonical<'v>, String> {
    let value = match value {
        DumpValue::Null => Value::Null,
        DumpValue::Bool(value) => Value::Bool(*value),
        DumpValue::Number(text) => match text.parse() {
            Ok(number) => Value::Number(number, Some(Text::Borrowed(text))),
            Err(_) => Value::Text(Text::Borrowed(text)),
        },
        DumpValue::Text(text) if kind == Kind::Text => Value::Text(Text::Borrowed(text)),
        DumpValue::Text(text) => Value::Text(Text::Borrowed(text.trim())),
        DumpValue::List(_) | DumpValue::Object(_) => {
            return Err("one value is expected here, not a list or an object".to_owned());
        }
    };
    match (kind, &value) {
        (Kind::Bool, Value::Text(text)) => match &**text {
            text if text.eq_ignore_ascii_case("true") => Ok(Canonical::Bool(true)),
            text if text.eq_ignore_ascii_case("false") => Ok(Canonical::Bool(false)),
            text => Err(format!("this wants True or False, not \"{text}\"")),
        },
        (kind, value) => kind.canonical(value),
    }
}
