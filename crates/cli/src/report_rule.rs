//! What is said of a rule in reports, whatever broke it: drop reasons and skip reasons speak for
//! themselves, the others stand here.

use nvgre_dataplane::DropReason;
use nvgre_sim::SkipReason;

/// A rule, explained.
pub(crate) struct Rule {
    /// What is wrong where it is broken: one sentence.
    pub(crate) sentence: String,
    /// What to do.
    pub(crate) help: String,
}

impl Rule {
    /// The rule that findings name so. One without a text is told by its name.
    pub(crate) fn named(id: &str) -> Self {
        if let Some(reason) = DropReason::from_name(id) {
            return Self {
                sentence: reason.sentence().to_owned(),
                help: format!(
                    "Usual cause: {}\nUsual fix: {}\nSource: {}",
                    reason.usual_cause(),
                    reason.usual_fix(),
                    reason.source()
                ),
            };
        }
        if let Some(reason) = SkipReason::ALL.iter().find(|reason| reason.name() == id) {
            return Self::of(reason.sentence(), "The frame was not replayed.");
        }
        match TEXTS.iter().find(|(rule, ..)| *rule == id) {
            Some((_, sentence, help)) => Self::of(sentence, help),
            None => Self::of(&format!("{}.", id.replace('_', " ")), "See the message."),
        }
    }

    fn of(sentence: &str, help: &str) -> Self {
        Self {
            sentence: sentence.to_owned(),
            help: help.to_owned(),
        }
    }
}

/// Shape: rule, what is wrong, what to do.
const TEXTS: &[(&str, &str, &str)] = &[
    // of runs
    (
        "invalid_input",
        "An input cannot be read or is invalid.",
        "The message names what is not understood; mend it there.",
    ),
    (
        "wrong_usage",
        "The command line does not fit the inputs.",
        "`nvgre help VERB` tells what a verb takes.",
    ),
    (
        "unwritten_output",
        "An output could not be written whole.",
        "Look at the folder's rights and the space left.",
    ),
    (
        "unanswered",
        "The run did not answer what it was asked.",
        "What it said on stderr tells why.",
    ),
    (
        "failed_check",
        "A check failed.",
        "What the run printed tells more.",
    ),
    (
        "undecided_check",
        "A check could not be decided.",
        "What the run printed tells more.",
    ),
    (
        "worse_than_baseline",
        "A benchmark is worse than its baseline by more than the margin.",
        "Measure again on a quiet machine; then look at what changed.",
    ),
    // of policy
    (
        "suspect_policy",
        "Policy does what its author may not have meant.",
        "The README lists the checks of policy.",
    ),
    // of traffic
    (
        "cross_tenant",
        "A frame of one tenant reaches another.",
        "Look for a virtual subnet, a provider address or a record that both tenants use.",
    ),
    (
        "sender_unknown",
        "The sender of a delivered frame is not in the inventory.",
        "Add the guest to the scenario, or say with --map where its frames enter.",
    ),
    (
        "nothing_entered",
        "No frame entered the network.",
        "Say with --map which ports the frames came from.",
    ),
    (
        "nothing_delivered",
        "Nothing was delivered, so isolation was not judged.",
        "Mend what drops the frames, and replay again.",
    ),
    (
        "input_cut",
        "Not all of the input could be read.",
        "Take the capture again.",
    ),
    (
        "no_reply",
        "A guest did not answer, and nothing was dropped.",
        "Look at the addresses of both guests.",
    ),
    (
        "address_conflict",
        "Two guests that hear each other use one address.",
        "Give each tenant a virtual subnet of its own: Set-VMNetworkAdapter -VirtualSubnetId.",
    ),
    (
        "not_as_told",
        "A stage or a ping did not end as the scenario tells it.",
        "Mend the policy, or what the scenario expects.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_is_explained_twice() {
        for (index, (id, ..)) in TEXTS.iter().enumerate() {
            assert!(DropReason::from_name(id).is_none(), "{id}");
            assert!(
                TEXTS[..index].iter().all(|(earlier, ..)| earlier != id),
                "{id}"
            );
        }
    }
}
