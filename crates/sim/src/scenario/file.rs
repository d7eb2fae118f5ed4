//! The scenario file as it is written: every key, before anything is checked but types.

use std::collections::BTreeMap;
use std::fmt;

use nvgre_netwnv::Lines;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use toml::Spanned;
use toml::de::DeTable;

use crate::scenario::ScenarioError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioFile {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) about: String,
    pub(crate) seed: Option<u64>,
    pub(crate) underlay: Option<UnderlayTable>,
    #[serde(default, rename = "tenant")]
    pub(crate) tenants: Vec<TenantTable>,
    #[serde(default, rename = "host")]
    pub(crate) hosts: Vec<HostTable>,
    #[serde(default, rename = "guest")]
    pub(crate) guests: Vec<GuestTable>,
    #[serde(default)]
    pub(crate) settings: SettingsTable,
    #[serde(default, rename = "stage")]
    pub(crate) stages: Vec<StageTable>,
    #[serde(default, rename = "intent")]
    pub(crate) intents: Vec<IntentTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnderlayTable {
    pub(crate) mtu_bytes: Option<Spanned<u16>>,
    pub(crate) latency_nanoseconds: Option<u64>,
    pub(crate) loss_per_million: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantTable {
    pub(crate) name: Spanned<String>,
    pub(crate) routing_domain: Spanned<String>,
    pub(crate) virtual_subnets: Vec<Spanned<u32>>,
    #[serde(default)]
    pub(crate) bum_group: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostTable {
    pub(crate) name: Spanned<String>,
    pub(crate) switch: Spanned<String>,
    pub(crate) interface_index: u32,
    pub(crate) interface_description: String,
    pub(crate) interface_name: Option<String>,
    pub(crate) mac: Spanned<String>,
    pub(crate) link_mtu_bytes: Option<Spanned<u16>>,
    #[serde(default)]
    pub(crate) policy: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuestTable {
    pub(crate) name: Spanned<String>,
    pub(crate) nic: Option<Spanned<String>>,
    pub(crate) tenant: Spanned<String>,
    pub(crate) host: Spanned<String>,
    pub(crate) switch: Option<Spanned<String>>,
    pub(crate) mac: Spanned<String>,
    pub(crate) addresses: Spanned<Vec<Spanned<String>>>,
    pub(crate) gateway: Option<Spanned<OneOrMore>>,
    pub(crate) virtual_subnet: Option<Spanned<u32>>,
    pub(crate) vlan: Option<Spanned<u16>>,
    pub(crate) mtu_bytes: Option<Spanned<u16>>,
    #[serde(default)]
    pub(crate) mac_address_spoofing: bool,
    #[serde(default)]
    pub(crate) dhcp_guard: bool,
    #[serde(default)]
    pub(crate) router_guard: bool,
    #[serde(default)]
    pub(crate) maximum_bandwidth_bits_per_second: u64,
    #[serde(default)]
    pub(crate) storm_limit_packets_per_second: u32,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsTable {
    pub(crate) router_mac: Option<Spanned<String>>,
    pub(crate) flow_id: Option<bool>,
    pub(crate) strict_gre_reserved_bits: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageTable {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) about: String,
    #[serde(default)]
    pub(crate) scripts: Vec<ScriptTable>,
    #[serde(default, rename = "move")]
    pub(crate) moves: Vec<MoveTable>,
    #[serde(default)]
    pub(crate) probes: Vec<ProbeTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScriptTable {
    pub(crate) file: Spanned<String>,
    pub(crate) on: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveTable {
    pub(crate) guest: Spanned<String>,
    pub(crate) to: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeTable {
    pub(crate) from: Spanned<String>,
    pub(crate) to: Spanned<String>,
    pub(crate) expect: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntentTable {
    pub(crate) from: Spanned<String>,
    pub(crate) to: Spanned<String>,
    pub(crate) expect: Spanned<String>,
}

impl ScenarioFile {
    /// Reads the keys. All errors of syntax, or else the first unknown, missing or ill-typed key.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, Vec<ScenarioError>> {
        let errors_of = |errors: &[toml::de::Error]| -> Vec<_> {
            let lines = Lines::new(name, text);
            errors
                .iter()
                .map(|error| ScenarioError::toml_at(&lines, error))
                .collect()
        };
        let (table, syntax) = DeTable::parse_recoverable(text);
        if !syntax.is_empty() {
            return Err(errors_of(&syntax));
        }
        Self::deserialize(toml::de::Deserializer::from(table)).map_err(|error| errors_of(&[error]))
    }
}

/// A string, or a list of strings.
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<Spanned<String>>),
}

// Derived, `untagged`, it would lose the places of the list's strings.
impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMoreVisitor;

        impl<'de> Visitor<'de> for OneOrMoreVisitor {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMore::More(texts))
            }
        }

        deserializer.deserialize_any(OneOrMoreVisitor)
    }
}
