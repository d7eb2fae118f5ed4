//! The one form of a parameter's value: what commands take, and what filters compare.

use std::borrow::Cow;

use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId,
};

use crate::value::Text;
use crate::wildcard::is_like;

/// See the module. Which one it is follows from the parameter's kind, but for the wildcards of a
/// filter: those are texts.
#[derive(Clone, Debug)]
pub(crate) enum Canonical<'s> {
    Text(Text<'s>),
    /// One of a kind's names.
    Name(&'static str),
    Bool(bool),
    Number(u64),
    CustomerAddress(CustomerAddress),
    CustomerPrefix(CustomerPrefix),
    ProviderAddress(ProviderAddress),
    ProviderPrefix(ProviderPrefix),
    Mac(MacAddress),
    RoutingDomain(RoutingDomainId),
}

impl Canonical<'_> {
    /// As Windows shows it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Name(name) => Cow::Borrowed(name),
            Self::Bool(true) => "True".into(),
            Self::Bool(false) => "False".into(),
            Self::Number(number) => number.to_string().into(),
            Self::CustomerAddress(address) => address.to_string().into(),
            Self::CustomerPrefix(prefix) => prefix.to_string().into(),
            Self::ProviderAddress(address) => address.to_string().into(),
            Self::ProviderPrefix(prefix) => prefix.to_string().into(),
            Self::Mac(mac) => mac.to_string().into(),
            Self::RoutingDomain(id) => id.to_string().into(),
        }
    }
}

impl Canonical<'_> {
    /// Whether a field passes this value of a filter; with `wildcards` texts may be like it.
    pub(crate) fn accepts(&self, field: Option<&Canonical<'_>>, wildcards: bool) -> bool {
        // Where both are of one kind, they compare as their texts do, at less cost.
        match (self, field) {
            (Self::Name(wanted), Some(Canonical::Name(is))) => wanted == is,
            (Self::Bool(wanted), Some(Canonical::Bool(is))) => wanted == is,
            (Self::Number(wanted), Some(Canonical::Number(is))) => wanted == is,
            (Self::CustomerAddress(wanted), Some(Canonical::CustomerAddress(is))) => wanted == is,
            (Self::CustomerPrefix(wanted), Some(Canonical::CustomerPrefix(is))) => wanted == is,
            (Self::ProviderAddress(wanted), Some(Canonical::ProviderAddress(is))) => wanted == is,
            (Self::ProviderPrefix(wanted), Some(Canonical::ProviderPrefix(is))) => wanted == is,
            (Self::Mac(wanted), Some(Canonical::Mac(is))) => wanted == is,
            (Self::RoutingDomain(wanted), Some(Canonical::RoutingDomain(is))) => wanted == is,
            (wanted, field) => {
                let text = field.map(Canonical::text).unwrap_or_default();
                if wildcards {
                    is_like(&text, &wanted.text())
                } else {
                    text == wanted.text()
                }
            }
        }
    }
}

/// What a command may ask a parameter for; `None` where the parameter is of another kind, or holds
/// a wildcard.
pub(crate) trait FromCanonical: Sized {
    fn from_canonical(value: &Canonical<'_>) -> Option<Self>;
}

macro_rules! from_canonical {
    ($($variant:ident => $type:ty),* $(,)?) => {
        $(impl FromCanonical for $type {
            fn from_canonical(value: &Canonical<'_>) -> Option<Self> {
                match *value {
                    Canonical::$variant(value) => <$type>::try_from(value).ok(),
                    _ => None,
                }
            }
        })*
    };
}

from_canonical! {
    Bool => bool,
    Number => u8,
    Number => u16,
    Number => u32,
    Number => u64,
    Number => usize,
    CustomerAddress => CustomerAddress,
    CustomerPrefix => CustomerPrefix,
    ProviderAddress => ProviderAddress,
    ProviderPrefix => ProviderPrefix,
    Mac => MacAddress,
    RoutingDomain => RoutingDomainId,
}
