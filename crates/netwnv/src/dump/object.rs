//! What a dump's objects are before anybody looks at their properties, whatever format held them.

use std::borrow::Cow;
use std::ops::Range;

/// One object of a dump.
#[derive(Clone, Debug)]
pub(crate) struct DumpObject<'s> {
    /// The bytes of the text that it takes.
    pub(crate) span: Range<usize>,
    /// In the order of the text.
    pub(crate) properties: Vec<DumpProperty<'s>>,
}

/// One property of an object.
#[derive(Clone, Debug)]
pub(crate) struct DumpProperty<'s> {
    pub(crate) name: Cow<'s, str>,
    pub(crate) value: DumpValue<'s>,
    /// The bytes of the text that its value takes.
    pub(crate) span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum DumpValue<'s> {
    /// `null`, or nothing at all where every value is text.
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'s str),
    Text(Cow<'s, str>),
    List(Vec<DumpValue<'s>>),
    Object(DumpObject<'s>),
}

impl<'s> DumpObject<'s> {
    /// The property of this name, compared without case.
    pub(crate) fn get(&self, name: &str) -> Option<&DumpProperty<'s>> {
        self.properties
            .iter()
            .find(|property| property.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl<'s> DumpValue<'s> {
    /// A value that is text in any case; `None` for none.
    pub(crate) fn from_text(text: Option<impl Into<Cow<'s, str>>>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.into()))
    }

    /// Null, or a text of blanks.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => false,
        }
    }

    /// How many values it is or lists that are no objects; null is none.
    pub(crate) fn loose_values(&self) -> usize {
        match self {
            Self::Null | Self::Object(_) => 0,
            Self::Bool(_) | Self::Number(_) | Self::Text(_) => 1,
            Self::List(values) => values.iter().map(Self::loose_values).sum(),
        }
    }

    /// Whether it is or lists the name that stands for an object of a known cmdlet where
    /// ConvertTo-Json did not go deep enough.
    pub(crate) fn is_cut(&self) -> bool {
        const NAMES: [&str; 6] = [
            "MSFT_NetVirtualization",
            "MSFT_NetAdapter (",
            "Microsoft.Management.Infrastructure.CimInstance",
            "Microsoft.HyperV.PowerShell.VM",
            "VMNetworkAdapter (",
            "CimInstance",
        ];
        match self {
            Self::Text(text) => NAMES.iter().any(|name| text.trim_start().starts_with(name)),
            Self::List(values) => values.iter().any(Self::is_cut),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Object(_) => false,
        }
    }

    /// The objects in it, at whatever depth of lists.
    pub(crate) fn objects<'v>(&'v self, found: &mut Vec<&'v DumpObject<'s>>) {
        match self {
            Self::Object(object) => found.push(object),
            Self::List(values) => values.iter().for_each(|value| value.objects(found)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => {}
        }
    }
}
