//! What is said of a rule in reports, whatever broke it: drop reasons and skip reasons speak for
//! themselves, the others stand here.

use nvgre_dataplane::{DropReason, PolicyError, PolicyWarning, PortId, RecordId, RouteId};
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
        Self::of_finding(id)
            .unwrap_or_else(|| Self::of(&format!("{}.", id.replace('_', " ")), "See the message."))
    }

    /// The rule, if it is one that findings and verdicts alone name.
    pub(crate) fn of_finding(id: &str) -> Option<Self> {
        let (_, sentence, help) = TEXTS.iter().find(|(rule, ..)| *rule == id)?;
        Some(Self::of(sentence, help))
    }

    /// A check of policy by its number, "V-05": everything that is said where it is broken.
    pub(crate) fn of_check(number: &str) -> Option<Self> {
        let mark = format!(" ({number})");
        let of_host = broken_on_a_host().into_iter().map(|text| (text, ""));
        let of_findings = TEXTS.iter().map(|(_, sentence, help)| {
            let sentence = sentence.trim_end_matches('.');
            (sentence.to_owned(), *help)
        });
        let told: Vec<_> = of_host
            .chain(of_findings)
            .filter(|(text, _)| text.contains(&mark))
            .collect();
        let sentences: Vec<_> = told
            .iter()
            .map(|(text, _)| sentence(&text.replace(&mark, "")))
            .collect();
        let helps = told.iter().map(|&(_, help)| help);
        let helps: Vec<_> = helps.filter(|help| !help.is_empty()).collect();
        (!told.is_empty()).then(|| Self::of(&sentences.join(" "), &helps.join(" ")))
    }

    /// What findings, verdicts and messages name besides reasons: rules, then checks of policy.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        let rules = TEXTS.iter().map(|(rule, ..)| *rule);
        rules.chain(CHECKS.iter().copied())
    }

    fn of(sentence: &str, help: &str) -> Self {
        Self {
            sentence: sentence.to_owned(),
            help: help.to_owned(),
        }
    }
}

/// The checks of policy that messages name.
const CHECKS: &[&str] = &[
    "V-01", "V-02", "V-04", "V-05", "V-06", "V-07", "V-08", "V-09", "V-10", "V-11", "V-14", "V-15",
    "V-16",
];

/// What a host says where its own policy breaks a check. V-02 is told by a rule.
fn broken_on_a_host() -> Vec<String> {
    let (record, route) = (RecordId(0), RouteId(0));
    let (first, second) = (record, record);
    let refused = [
        PolicyError::DuplicateRecord { first, second },
        PolicyError::NatAddressShared { first, second },
        PolicyError::CustomerAddressForType(record),
        PolicyError::VlanAndSubnet(PortId(0)),
        PolicyError::VmMacWithoutNat(record),
    ];
    let warned = [
        PolicyWarning::AddressTwiceInDomain { first, second },
        PolicyWarning::MacTwiceInDomain { first, second },
        PolicyWarning::RouterAddressTaken { record, route },
        PolicyWarning::NoOnLinkRoute(record),
        PolicyWarning::NextHopWithoutRecord(route),
    ];
    let refused = refused.iter().map(ToString::to_string);
    refused
        .chain(warned.iter().map(ToString::to_string))
        .collect()
}

/// A message as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
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
        "not_as_expected",
        "What was delivered is not what the capture of --expect holds.",
        "The message names frame, byte and field; change the policy, or the capture if it is outdated.",
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
    // of hosts beside each other
    (
        "subnet_in_two_domains",
        "Hosts put one virtual subnet into different routing domains (V-02).",
        "Make its customer routes again with one routing domain, on every host.",
    ),
    (
        "provider_address_twice",
        "Two hosts own one provider address (V-08).",
        "Leave it on one of them, and point records at each host's own.",
    ),
    (
        "no_provider_address",
        "A host runs guests that reach other hosts, and has no provider address.",
        "New-NetVirtualizationProviderAddress on its NIC.",
    ),
    (
        "stale_record",
        "A lookup record points to a host where its guest does not run.",
        "Set-NetVirtualizationLookupRecord -ProviderAddress to the host where it runs, on every host.",
    ),
    (
        "provider_address_unowned",
        "A lookup record points to a provider address that no host owns (V-08).",
        "Set-NetVirtualizationLookupRecord -ProviderAddress to the host where the guest runs, on every host.",
    ),
    (
        "domain_without_records",
        "Guests of a tenant run on several hosts, and no host has a lookup record of them.",
        "Give each of these hosts the tenant's customer routes and lookup records.",
    ),
    (
        "no_records",
        "A host where a routing domain is in use has none of its lookup records (V-16).",
        "Give it the records that the other hosts have.",
    ),
    (
        "record_missing",
        "A host where a routing domain is in use lacks one of its lookup records (V-16).",
        "Make the record there as the other hosts have it.",
    ),
    (
        "records_differ",
        "Hosts disagree about a lookup record.",
        "Make it say the same on every host.",
    ),
    (
        "adapter_without_record",
        "A guest's adapter has no lookup record on any host.",
        "Make one for each of its addresses, on every host of its tenant.",
    ),
    (
        "subnet_without_routes",
        "A virtual subnet has lookup records and no customer route: it is in no routing domain.",
        "New-NetVirtualizationCustomerRoute on every host of the tenant.",
    ),
    (
        "no_routes",
        "A host where a routing domain is in use has none of its customer routes (V-16).",
        "Give it the routes that the other hosts have.",
    ),
    (
        "route_missing",
        "A host where a routing domain is in use lacks one of its customer routes (V-16).",
        "Make the route there as the other hosts have it.",
    ),
    (
        "routes_differ",
        "Hosts disagree about a customer route.",
        "Make it say the same on every host.",
    ),
    (
        "provider_unreachable",
        "A host's records point to provider addresses that it has no way to.",
        "New-NetVirtualizationProviderRoute to their network.",
    ),
    (
        "mac_twice",
        "Two adapters of one routing domain have one MAC (V-05).",
        "Remove the copy that does not run, or give one of them another MAC.",
    ),
    (
        "record_mac_differs",
        "A lookup record has another MAC than the adapter of its VM (V-14).",
        "Make the record again with the adapter's MAC, on every host.",
    ),
    (
        "adapter_in_other_subnet",
        "The adapter with a lookup record's MAC is not in the record's virtual subnet (V-14).",
        "Set-VMNetworkAdapter -VirtualSubnetId, or remove the record.",
    ),
    (
        "guest_unknown",
        "No adapter has the MAC of a lookup record (V-14).",
        "Remove the record where the guest is gone.",
    ),
    (
        "prefixes_overlap",
        "On-link prefixes of two virtual subnets of one routing domain overlap (V-05).",
        "Give each subnet prefixes of its own.",
    ),
    (
        "provider_vlans_differ",
        "Provider addresses of one network are on different VLANs.",
        "Set-NetVirtualizationProviderAddress -VlanID, the same on all of them.",
    ),
    (
        "provider_prefix_lengths_differ",
        "Provider addresses of one network have different prefix lengths.",
        "Set-NetVirtualizationProviderAddress -PrefixLength, the same on all of them.",
    ),
    (
        "external_router_differs",
        "Some hosts leave routing between subnets to external routers, others do not.",
        "Set-NetVirtualizationGlobal -UseExternalRouter, the same on all of them.",
    ),
    (
        "adapters_unknown",
        "No adapter of a host is known, so that nothing was judged by what runs there.",
        "Dump Get-VMNetworkAdapter -VMName * there too.",
    ),
    (
        "not_dumped",
        "The dumps do not hold all that hosts are judged by, so that some was not judged.",
        "Dump what the finding names too.",
    ),
    (
        "policy_unneeded",
        "A host has policy of tenants that have no guest there (V-16).",
        "Remove it, or leave it where guests may come back.",
    ),
    (
        "refused_policy",
        "A host refuses this policy.",
        "The README lists the checks of policy.",
    ),
    (
        "labels_differ",
        "Hosts label one lookup record differently. Labels decide nothing.",
        "Choose the labels, and set them on every host.",
    ),
    // of two states
    (
        "table_differs",
        "The hosts' tables are not what they were.",
        "The finding names the rows and where each state of them is written.",
    ),
    (
        "verdict_flipped",
        "Two guests do not reach each other as they did before.",
        "The finding names the difference that it is owed to.",
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
        "no_answer",
        "Nobody who gets a guest's question has the address that it asks for.",
        "Look at the record of the address, and at the addresses of the guests that are asked.",
    ),
    (
        "no_gateway",
        "A guest has no way to an address: it is not on its link, and the guest has no gateway.",
        "Give the guest a gateway, or an address in that prefix.",
    ),
    (
        "no_common_family",
        "One guest has IPv4 addresses only, the other IPv6 addresses only.",
        "Give both an address of one family.",
    ),
    (
        "wrong_guest",
        "A packet is delivered to another guest than the one it was meant for.",
        "Look for two guests with one address, or for a record that names the wrong MAC.",
    ),
    (
        "taken",
        "A host takes a packet for itself that was meant for a guest.",
        "Look for a guest with the address of the built-in router, or of a host.",
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
    // of proofs
    (
        "unwanted_reach",
        "A guest reaches one that an intent keeps it from.",
        "Take the route or record away, or change the intent.",
    ),
    (
        "bare_customer_address",
        "A customer address is on the underlay, outside NVGRE and rewritten packets.",
        "Give the guest's port its virtual subnet: Set-VMNetworkAdapter -VirtualSubnetId.",
    ),
    (
        "shared_subnet",
        "Ports of two tenants are in one virtual subnet, or in none.",
        "Set-VMNetworkAdapter -VirtualSubnetId: subnets of their own for each tenant.",
    ),
    (
        "shared_routing_domain",
        "Two tenants are in one routing domain.",
        "Customer routes with a routing domain of its own for each tenant.",
    ),
    (
        "shared_provider_address",
        "Records of two routing domains name a provider address that stands for one rewritten guest.",
        "Set-NetVirtualizationLookupRecord -ProviderAddress: one of its own for each rewritten guest.",
    ),
    (
        "route_circle",
        "Customer routes lead in a circle.",
        "Mend the next hop of one of them, or remove it.",
    ),
    (
        "black_hole",
        "A customer route leads to nobody.",
        "New-NetVirtualizationLookupRecord for its next hop, or remove the route.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_text_and_a_check_that_nothing_names_has_none() {
        for number in CHECKS {
            let rule = Rule::of_check(number).unwrap_or_else(|| panic!("{number}"));
            assert!(!rule.sentence.contains("V-"), "{}", rule.sentence);
        }
        assert!(Rule::of_check("V-99").is_none());
        for (_, sentence, _) in TEXTS {
            let (_, number) = sentence.split_once("(V-").unwrap_or_default();
            let number = number.get(..2).map(|number| format!("V-{number}"));
            assert!(
                number.is_none_or(|number| CHECKS.contains(&&*number)),
                "{sentence}"
            );
        }
    }

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
