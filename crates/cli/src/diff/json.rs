//! What `nvgre diff` says for tools: one JSON line, schema `nvgre.diff/1`.
//!
//! ```text
//! {"schema":"nvgre.diff/1","old":{"scenario","stage"},"new":{"scenario","stage"},
//!  "differences":[{"hosts":[NAME],"kind","what","key":[{"name","value"}],"change","properties":[{"name","old","new"}],
//!                  "old_places":["FILE:LINE:COLUMN"],"new_places":[...]}],
//!  "behaviour":null or {"pairs","only_old":[NAME],"only_new":[NAME],"flips":[
//!    {"from","to","addresses":null or {"from","to"},"old":{"answered","reason","crossed":[NAME]},
//!     "new":{...},"blame":null or its index in "differences"}]}}
//! ```

use std::path::Path;

use nvgre_analyze::{BehaviourDiff, Change, Difference, Flip, PairVerdict, Property};
use nvgre_netwnv::Place;
use schemars::JsonSchema;
use serde::Serialize;

/// Two states and all that is different between them.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonDiff<'a> {
    schema: &'static str,
    /// The old state.
    old: JsonState,
    /// The new state.
    new: JsonState,
    /// Of the hosts' tables, and guests of another tenant; the same change on several hosts is one.
    differences: Vec<JsonDifference<'a>>,
    /// Null: it was not asked for.
    behaviour: Option<JsonBehaviour<'a>>,
}

/// A scenario, and how far its stages were entered.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonState {
    /// Its file.
    scenario: String,
    /// The last stage that was entered, as it was asked for; null: all.
    stage: Option<String>,
}

/// Something that is different.
#[derive(Serialize, JsonSchema)]
struct JsonDifference<'a> {
    /// Hosts where it is so.
    hosts: &'a [String],
    /// Of what: `host`, `nic`, `global`, `provider_address`, `provider_route`, `customer_route`,
    /// `lookup_record`, `adapter`, `guest`.
    kind: &'static str,
    /// What it is about, in words.
    what: String,
    /// What tells it apart on a host.
    key: Vec<JsonKey>,
    /// `added`, `removed` or `changed`.
    change: &'static str,
    /// Of a change those that changed; else those that say something.
    properties: Vec<JsonProperty<'a>>,
    /// Where the old state is written, host by host.
    old_places: Vec<String>,
    /// Where the new state is written, host by host.
    new_places: Vec<String>,
}

/// A property that tells a row apart, with the name that Windows gives it.
#[derive(Serialize, JsonSchema)]
struct JsonKey {
    /// Its name.
    name: &'static str,
    /// Its value.
    value: String,
}

/// A property, with the name that Windows gives it.
#[derive(Serialize, JsonSchema)]
struct JsonProperty<'a> {
    /// Its name.
    name: &'static str,
    /// Its old value; null: there was none.
    old: Option<&'a str>,
    /// Its new value; null: there is none.
    new: Option<&'a str>,
}

/// What guests make of the differences.
#[derive(Serialize, JsonSchema)]
struct JsonBehaviour<'a> {
    /// Ordered pairs of guests that were asked in both states.
    pairs: usize,
    /// Guests of the old state only, not asked.
    only_old: &'a [String],
    /// Guests of the new state only, not asked.
    only_new: &'a [String],
    /// Pairs with another verdict.
    flips: Vec<JsonFlip<'a>>,
}

/// A pair of guests with another verdict.
#[derive(Serialize, JsonSchema)]
struct JsonFlip<'a> {
    /// Who asks.
    from: &'a str,
    /// Who is to answer.
    to: &'a str,
    /// What they speak as in the state that fails; null: they have no family in common.
    addresses: Option<JsonAddresses>,
    /// In the old state.
    old: JsonVerdict<'a>,
    /// In the new state.
    new: JsonVerdict<'a>,
    /// The difference that it is owed to, as its index in `differences`; null: the tables do not show
    /// it.
    blame: Option<usize>,
}

/// The addresses of a conversation.
#[derive(Serialize, JsonSchema)]
struct JsonAddresses {
    /// The asker's.
    from: String,
    /// The other one's.
    to: String,
}

/// What came of one guest talking to another.
#[derive(Serialize, JsonSchema)]
struct JsonVerdict<'a> {
    /// Whether the answer came back.
    answered: bool,
    /// `answered`, or why not: a drop reason where there is one.
    reason: &'static str,
    /// Guests of other tenants that a frame reached.
    crossed: &'a [String],
}

impl<'a> JsonDiff<'a> {
    pub(crate) fn of(
        old: JsonState,
        new: JsonState,
        differences: &'a [Difference],
        behaviour: Option<&'a BehaviourDiff>,
    ) -> Self {
        Self {
            schema: "nvgre.diff/1",
            old,
            new,
            differences: differences.iter().map(JsonDifference::of).collect(),
            behaviour: behaviour.map(|behaviour| JsonBehaviour {
                pairs: behaviour.pairs,
                only_old: &behaviour.only_old,
                only_new: &behaviour.only_new,
                flips: behaviour.flips.iter().map(JsonFlip::of).collect(),
            }),
        }
    }
}

impl JsonState {
    pub(crate) fn of(scenario: &Path, stage: Option<&str>) -> Self {
        Self {
            scenario: scenario.display().to_string(),
            stage: stage.map(str::to_owned),
        }
    }
}

impl<'a> JsonDifference<'a> {
    fn of(difference: &'a Difference) -> Self {
        let places = |places: &[Place]| places.iter().map(ToString::to_string).collect();
        let properties = match &difference.change {
            Change::Added(properties) => properties
                .iter()
                .map(|property| (property.name, None, Some(&*property.value)))
                .collect(),
            Change::Removed(properties) => properties
                .iter()
                .map(|property| (property.name, Some(&*property.value), None))
                .collect(),
            Change::Changed(properties) => properties
                .iter()
                .map(|property| (property.name, Some(&*property.old), Some(&*property.new)))
                .collect::<Vec<_>>(),
        };
        Self {
            hosts: &difference.hosts,
            kind: difference.item.kind(),
            what: difference.item.to_string(),
            key: difference
                .item
                .key()
                .into_iter()
                .map(|Property { name, value }| JsonKey { name, value })
                .collect(),
            change: difference.change.name(),
            properties: properties
                .into_iter()
                .map(|(name, old, new)| JsonProperty { name, old, new })
                .collect(),
            old_places: places(&difference.old),
            new_places: places(&difference.new),
        }
    }
}

impl<'a> JsonFlip<'a> {
    fn of(flip: &'a Flip) -> Self {
        let verdict = |verdict: &'a PairVerdict| JsonVerdict {
            answered: verdict.answered,
            reason: verdict.reason,
            crossed: &verdict.crossed,
        };
        Self {
            from: &flip.from,
            to: &flip.to,
            addresses: flip.addresses.map(|(from, to)| JsonAddresses {
                from: from.to_string(),
                to: to.to_string(),
            }),
            old: verdict(&flip.old),
            new: verdict(&flip.new),
            blame: flip.blame,
        }
    }
}
