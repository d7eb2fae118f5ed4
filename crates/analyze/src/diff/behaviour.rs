//! Which guests can talk in one state and not in the other, and which difference that is owed to.

use std::collections::BTreeMap;

use nvgre_sim::{GuestIndex, Model};
use nvgre_wire::CustomerAddress;

use crate::conversation::Conversation;
use crate::converse::converse;
use crate::diff::blame::{Blamed, blame};
use crate::diff::difference::Difference;
use crate::probe::Probe;

/// What guests make of the differences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BehaviourDiff {
    /// Ordered pairs of guests that were asked in both states.
    pub pairs: usize,
    /// Guests that are in the old state only, and were not asked.
    pub only_old: Vec<String>,
    /// Guests that are in the new state only, and were not asked.
    pub only_new: Vec<String>,
    /// Pairs whose verdict is another one, in the order of the new state's guests.
    pub flips: Vec<Flip>,
}

/// A pair of guests whose verdict is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flip {
    /// Who asks.
    pub from: String,
    /// Who is to answer.
    pub to: String,
    /// The addresses that they speak as, in the state that fails; none where they have no family in
    /// common.
    pub addresses: Option<(CustomerAddress, CustomerAddress)>,
    /// In the old state.
    pub old: PairVerdict,
    /// In the new state.
    pub new: PairVerdict,
    /// The difference that it is owed to, counted into the differences: the record that decided
    /// where it fails, else what was asked for in vain. None: the tables do not show it.
    pub blame: Option<usize>,
}

/// What came of one guest talking to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairVerdict {
    /// Whether the answer came back.
    pub answered: bool,
    /// "answered", or why not: the drop reason's name where there is one.
    pub reason: &'static str,
    /// Guests of other tenants that a frame reached on the way.
    pub crossed: Vec<String>,
}

impl PairVerdict {
    fn of(conversation: &Conversation, model: &Model) -> Self {
        let crossed = conversation.crossed.iter();
        Self {
            answered: conversation.is_answered(),
            reason: conversation.reason(),
            crossed: crossed
                .map(|&guest| model.scenario().guests[guest].port_name())
                .collect(),
        }
    }
}

/// Lets every guest talk to every other one of its tenant, in both states. Guests are matched by
/// name. Where one of two guests was given to another tenant they are asked as well: frames may cross
/// now. `differences` are those of the two models.
pub fn diff_behaviour(
    old: &mut Model,
    new: &mut Model,
    differences: &[Difference],
    probe: Probe,
) -> BehaviourDiff {
    let by_name = |model: &Model| -> BTreeMap<String, GuestIndex> {
        let guests = model.scenario().guests.iter().enumerate();
        guests
            .map(|(at, guest)| (guest.port_name().to_lowercase(), at))
            .collect()
    };
    let (olds, news) = (by_name(old), by_name(new));
    let only = |model: &Model, others: &BTreeMap<String, GuestIndex>| -> Vec<String> {
        let guests = model.scenario().guests.iter();
        let names = guests.map(nvgre_sim::scenario::Guest::port_name);
        names
            .filter(|name| !others.contains_key(&name.to_lowercase()))
            .collect()
    };
    let (only_old, only_new) = (only(old, &news), only(new, &olds));
    let mut diff = BehaviourDiff {
        only_old,
        only_new,
        ..BehaviourDiff::default()
    };
    let tenant = |model: &Model, guest: GuestIndex| {
        let scenario = model.scenario();
        scenario.tenants[scenario.guests[guest].tenant]
            .name
            .to_lowercase()
    };
    // (old, new) of each guest that is in both, in the order of the new ones.
    let mut both: Vec<(GuestIndex, GuestIndex)> = news
        .iter()
        .filter_map(|(name, &new)| Some((*olds.get(name)?, new)))
        .collect();
    both.sort_unstable_by_key(|&(_, new)| new);
    // Of the old state and of the new one, guests by tenant.
    let mut by_tenant: [BTreeMap<String, Vec<(GuestIndex, GuestIndex)>>; 2] = Default::default();
    let tenants = |guest: &(GuestIndex, GuestIndex)| [tenant(old, guest.0), tenant(new, guest.1)];
    for guest in &both {
        for (of, tenant) in by_tenant.iter_mut().zip(tenants(guest)) {
            of.entry(tenant).or_default().push(*guest);
        }
    }
    let mut asked = Vec::new();
    for from in &both {
        let of = by_tenant.iter().zip(tenants(from));
        let mut others: Vec<_> = of
            .flat_map(|(of, tenant)| of.get(&tenant).into_iter().flatten())
            .filter(|to| *to != from)
            .collect();
        others.sort_unstable_by_key(|to| to.1);
        others.dedup();
        asked.extend(others.into_iter().map(|to| (*from, *to)));
    }
    diff.pairs = asked.len();
    let mut before = Vec::with_capacity(asked.len());
    let mut trial = old.trial();
    for (from, to) in &asked {
        let conversation = converse(&mut trial, from.0, to.0, probe);
        before.push(Told::of(conversation, trial.model()));
    }
    drop(trial);
    let mut trial = new.trial();
    for ((from, to), before) in asked.iter().zip(before) {
        let conversation = converse(&mut trial, from.1, to.1, probe);
        let after = Told::of(conversation, trial.model());
        if before.verdict == after.verdict {
            continue;
        }
        let blame = blame(
            differences,
            &Blamed {
                model: old,
                conversation: &before.conversation,
            },
            &Blamed {
                model: trial.model(),
                conversation: &after.conversation,
            },
        );
        let guests = &trial.model().scenario().guests;
        let failing = if after.conversation.is_answered() {
            &before.conversation
        } else {
            &after.conversation
        };
        diff.flips.push(Flip {
            from: guests[from.1].port_name(),
            to: guests[to.1].port_name(),
            addresses: failing.addresses,
            old: before.verdict,
            new: after.verdict,
            blame,
        });
    }
    diff
}

/// A conversation, without what is not asked again.
struct Told {
    conversation: Conversation,
    verdict: PairVerdict,
}

impl Told {
    fn of(mut conversation: Conversation, model: &Model) -> Self {
        let verdict = PairVerdict::of(&conversation, model);
        // Journeys of a million conversations are more than memory holds.
        conversation.legs.clear();
        Self {
            conversation,
            verdict,
        }
    }
}
