//! What a parameter takes, and the one form in which commands and filters compare it.

use nvgre_dataplane::{RecordType, Rule};
use nvgre_wire::{VirtualSubnetId, VlanId};

use crate::canonical::Canonical;
use crate::value::{Text, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A whole number from 0 to `max`, and what Windows calls the type.
    Number {
        max: u64,
        type_name: &'static str,
    },
    /// A virtual subnet id (RFC 7637 s3.4).
    Vsid,
    /// A virtual subnet id of a port: 0 unsets it, and 16777215 is taken.
    PortVsid,
    /// 0 for none, or a VLAN id.
    Vlan,
    CustomerAddress,
    CustomerPrefix,
    ProviderAddress,
    ProviderPrefix,
    Mac,
    RoutingDomain,
    /// One of these names, or its number counted from 0.
    OneOf(&'static [&'static str]),
    /// `$true` or `$false`.
    Bool,
    /// Needs no value.
    Switch,
    Block,
    /// Objects of a Get- command.
    Objects,
    /// Texts or sessions, or anything else the command sorts out itself.
    Any,
    /// A parameter that Windows has and this model refuses, with the reason.
    Refused(&'static str),
}

pub(crate) const UINT32: Kind = Kind::Number {
    max: u32::MAX as u64,
    type_name: "UInt32",
};
pub(crate) const UINT64: Kind = Kind::Number {
    max: i64::MAX as u64,
    type_name: "Int64",
};
pub(crate) const BYTE: Kind = Kind::Number {
    max: u8::MAX as u64,
    type_name: "Byte",
};
pub(crate) const RULE: Kind =
    Kind::OneOf(&[Rule::Nat.name(), Rule::Encap.name(), Rule::None.name()]);
pub(crate) const RECORD_TYPE: Kind = Kind::OneOf(&[
    RecordType::Static.name(),
    RecordType::Dynamic.name(),
    RecordType::GatewayWildcard.name(),
    RecordType::L2Only.name(),
]);
pub(crate) const ADDRESS_STATE: Kind = Kind::OneOf(&[
    "Invalid",
    "Tentative",
    "Duplicate",
    "Deprecated",
    "Preferred",
]);
pub(crate) const ON_OFF: Kind = Kind::OneOf(&["On", "Off"]);

impl Kind {
    /// Whether Windows takes the parameter as a string, so that a filter may hold wildcards.
    pub(crate) fn is_string(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::CustomerAddress
                | Self::CustomerPrefix
                | Self::ProviderAddress
                | Self::ProviderPrefix
                | Self::Mac
                | Self::RoutingDomain
        )
    }

    /// Whether a value without a parameter name may go to a parameter of this kind.
    pub(crate) fn takes_position(self, value: &Value<'_>) -> bool {
        let first = value.items().first();
        match self {
            Self::Block => matches!(value, Value::Block(_)),
            Self::Objects => matches!(first, Some(Value::Object(_))),
            Self::Any => !matches!(value, Value::Block(_)),
            _ => !matches!(
                first,
                Some(Value::Object(_) | Value::Block(_) | Value::Table(_))
            ),
        }
    }

    /// The value in the form that commands take, or what is wrong with it.
    pub(crate) fn canonical<'s>(self, value: &Value<'s>) -> Result<Canonical<'s>, String> {
        fn parsed<'s, T>(
            text: &str,
            canonical: fn(T) -> Canonical<'s>,
        ) -> Result<Canonical<'s>, String>
        where
            T: std::str::FromStr,
            T::Err: ToString,
        {
            text.parse()
                .map(canonical)
                .map_err(|error: T::Err| format!("\"{text}\" is refused: {}", error.to_string()))
        }
        if let Self::Bool | Self::Switch = self {
            return match value {
                Value::Bool(true) | Value::Number(1, _) => Ok(Canonical::Bool(true)),
                Value::Bool(false) | Value::Number(0, _) => Ok(Canonical::Bool(false)),
                other => Err(format!(
                    "this wants $true or $false, not {}",
                    other.describe()
                )),
            };
        }
        if let Value::Null = value {
            return Err("this is $null".to_owned());
        }
        let Some(text) = value.to_text() else {
            return Err(format!("this wants one value, not {}", value.describe()));
        };
        match self {
            Self::CustomerAddress => parsed(&text, Canonical::CustomerAddress),
            Self::ProviderAddress => parsed(&text, Canonical::ProviderAddress),
            Self::CustomerPrefix => parsed(&text, Canonical::CustomerPrefix),
            Self::ProviderPrefix => parsed(&text, Canonical::ProviderPrefix),
            Self::Mac => parsed(&text, Canonical::Mac),
            Self::RoutingDomain => text.parse().map(Canonical::RoutingDomain).map_err(|_| {
                format!("\"{text}\" is no GUID, as in {{7f3c0c44-5d5e-4c0a-9a5e-000000445566}}")
            }),
            Self::Number { max, type_name } => {
                let number = number_of(value, type_name)?;
                match u64::try_from(number) {
                    Ok(number) if number <= max => Ok(Canonical::Number(number)),
                    Ok(_) | Err(_) => Err(format!(
                        "{number} is out of range: 0 to {max} are ({type_name})"
                    )),
                }
            }
            Self::Vsid | Self::PortVsid => {
                let number = number_of(value, "UInt32")?;
                let vsid = u32::try_from(number).ok().map(VirtualSubnetId::try_new);
                match vsid {
                    Some(Ok(vsid)) => Ok(Canonical::Number(vsid.get().into())),
                    _ if self == Self::PortVsid && matches!(number, 0 | 0xff_ffff) => {
                        Ok(Canonical::Number(number.unsigned_abs()))
                    }
                    _ if self == Self::PortVsid => Err(format!(
                        "{number} is no virtual subnet id: 4096 to 16777215 are, and 0 takes it away"
                    )),
                    _ => Err(format!(
                        "{number} is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)"
                    )),
                }
            }
            Self::Vlan => {
                let number = number_of(value, "UInt16")?;
                let vlan = u16::try_from(number).ok().map(VlanId::try_new);
                match vlan {
                    Some(Ok(vlan)) => Ok(Canonical::Number(vlan.get().into())),
                    _ if number == 0 => Ok(Canonical::Number(0)),
                    _ => Err(format!(
                        "{number} is no VLAN id: 1 to 4094 are, and 0 is none"
                    )),
                }
            }
            Self::OneOf(names) => {
                let by_name = names.iter().find(|name| name.eq_ignore_ascii_case(&text));
                let by_number = || text.parse().ok().and_then(|n: usize| names.get(n));
                by_name
                    .or_else(by_number)
                    .map(|&name| Canonical::Name(name))
                    .ok_or_else(|| format!("\"{text}\" is none of {}", names.join(", ")))
            }
            Self::Text
            | Self::Any
            | Self::Bool
            | Self::Switch
            | Self::Block
            | Self::Objects
            | Self::Refused(_) => Ok(Canonical::Text(
                value.as_text().unwrap_or(Text::Borrowed("")),
            )),
        }
    }
}

fn number_of(value: &Value<'_>, type_name: &str) -> Result<i64, String> {
    let no_number = || {
        format!(
            "this wants a number ({type_name}), not {}",
            value.describe()
        )
    };
    match value {
        Value::Number(number, _) => Ok(*number),
        Value::Text(text) => text.trim().parse().map_err(|_| no_number()),
        _ => Err(no_number()),
    }
}
