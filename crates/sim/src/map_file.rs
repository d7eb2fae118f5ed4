//! The map file of a replay: which port captured frames came from.
//!
//! ```toml
//! [[map]]
//! interface = "p1"          # or file = "...", mac = "...", vlan = 42
//! port = "Red11"            # or "Red11/Network Adapter"
//! ```

use nvgre_netwnv::Lines;
use nvgre_wire::{MacAddress, VlanId};
use serde::Deserialize;
use toml::Spanned;

use crate::oracle::GuestIndex;
use crate::scenario::{Scenario, ScenarioError};

/// What a frame must be for an entry to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Captured at the pcapng interface of this name.
    Interface(String),
    /// In the capture file of this name, with or without its folders.
    File(String),
    /// From this source MAC.
    Mac(MacAddress),
    /// With this outermost VLAN id.
    Vlan(VlanId),
}

/// One entry. The first that applies decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// When it applies.
    pub condition: Condition,
    /// The guest whose port the frames came from.
    pub guest: GuestIndex,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapFile {
    /// In the order of the file.
    pub entries: Vec<MapEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    map: Vec<Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    interface: Option<String>,
    file: Option<String>,
    mac: Option<Spanned<String>>,
    vlan: Option<Spanned<u16>>,
    port: Spanned<String>,
}

impl MapFile {
    /// Reads a map file for a scenario. Errors name file, line and column.
    pub fn parse(name: &str, text: &str, scenario: &Scenario) -> Result<Self, Vec<ScenarioError>> {
        let raw: RawFile =
            toml::from_str(text).map_err(|error| vec![ScenarioError::toml(name, text, &error)])?;
        let lines = Lines::new(name, text);
        let mut entries = Vec::new();
        let mut errors = Vec::new();
        for entry in &raw.map {
            match read(entry, scenario) {
                Ok(entry) => entries.push(entry),
                Err((span, message)) => errors.push(ScenarioError::at(&lines, span, message)),
            }
        }
        if errors.is_empty() {
            Ok(Self { entries })
        } else {
            Err(errors)
        }
    }
}

fn read(
    entry: &Spanned<RawEntry>,
    scenario: &Scenario,
) -> Result<MapEntry, (std::ops::Range<usize>, String)> {
    let raw = entry.get_ref();
    let port = &raw.port;
    let guest = scenario.guest_of_port(port.get_ref()).ok_or_else(|| {
        (
            port.span(),
            format!("no guest has a port '{}'", port.get_ref()),
        )
    })?;
    let mut conditions = Vec::new();
    conditions.extend(raw.interface.clone().map(Condition::Interface));
    conditions.extend(raw.file.clone().map(Condition::File));
    if let Some(mac) = &raw.mac {
        let parsed: Result<MacAddress, _> = mac.get_ref().parse();
        conditions.push(Condition::Mac(
            parsed.map_err(|error| (mac.span(), error.to_string()))?,
        ));
    }
    if let Some(vlan) = &raw.vlan {
        let parsed = VlanId::try_new(*vlan.get_ref());
        conditions.push(Condition::Vlan(
            parsed.map_err(|e| (vlan.span(), e.to_string()))?,
        ));
    }
    match <[Condition; 1]>::try_from(conditions) {
        Ok([condition]) => Ok(MapEntry { condition, guest }),
        Err(_) => Err((
            entry.span(),
            "an entry has exactly one of interface, file, mac and vlan".to_owned(),
        )),
    }
}
