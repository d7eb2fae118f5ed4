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
    (
        "no_answer",
        "A guest gets no answer, and nothing was dropped.",
        "Look at the addresses of both guests.",
    ),
    // of hosts beside each other
    (
        "subnet_in_two_domains",
        "Hosts have one virtual subnet in two routing domains (V-02).",
        "A customer route of the subnet names the wrong domain on some host: make it again with the right one.",
    ),
    (
        "provider_address_twice",
        "Two hosts have one provider address.",
        "Remove it where it is not wanted: Remove-NetVirtualizationProviderAddress.",
    ),
    (
        "no_provider_address",
        "A host with guests of virtual subnets has no provider address.",
        "New-NetVirtualizationProviderAddress on that host.",
    ),
    (
        "stale_record",
        "A record points to a host where its guest does not run (V-08).",
        "Set-NetVirtualizationLookupRecord -ProviderAddress to the host where it runs, on every host.",
    ),
    (
        "provider_address_unowned",
        "A record names a provider address that no host has (V-08).",
        "Set-NetVirtualizationLookupRecord -ProviderAddress to the host where the guest runs, on every host.",
    ),
    (
        "domain_without_records",
        "A routing domain has guests and no lookup record on any host.",
        "New-NetVirtualizationLookupRecord for each of its guests, on every host with one of them.",
    ),
    (
        "no_records",
        "A host with guests of a routing domain has no record of it; others have (V-16).",
        "Run the scripts that make them on that host as well.",
    ),
    (
        "record_missing",
        "A host with guests of a routing domain lacks one of its records (V-16).",
        "New-NetVirtualizationLookupRecord on that host.",
    ),
    (
        "records_differ",
        "Hosts disagree about a lookup record.",
        "Make the record the same on every host that has it.",
    ),
    (
        "adapter_without_record",
        "A guest's adapter has no lookup record on any host.",
        "New-NetVirtualizationLookupRecord for it, on every host with guests of its routing domain.",
    ),
    (
        "subnet_without_routes",
        "A virtual subnet has records and no customer route on any host.",
        "New-NetVirtualizationCustomerRoute: only routes tie a subnet to a routing domain.",
    ),
    (
        "no_routes",
        "A host with guests of a routing domain has no customer route of it; others have (V-16).",
        "Run the scripts that make them on that host as well.",
    ),
    (
        "route_missing",
        "A host with guests of a routing domain lacks one of its customer routes (V-16).",
        "New-NetVirtualizationCustomerRoute on that host.",
    ),
    (
        "routes_differ",
        "Hosts disagree about a customer route.",
        "Make the route the same on every host that has it.",
    ),
    (
        "provider_unreachable",
        "A host's records point to provider addresses that it has no way to (V-12).",
        "New-NetVirtualizationProviderRoute, or a provider address of that family.",
    ),
    (
        "mac_twice",
        "Two adapters of one routing domain have one MAC (V-05).",
        "Give one of them another: Set-VMNetworkAdapter -StaticMacAddress.",
    ),
    (
        "record_mac_differs",
        "A record's MAC is not that of the guest it names (V-14).",
        "Set-NetVirtualizationLookupRecord -MACAddress to the adapter's.",
    ),
    (
        "adapter_in_other_subnet",
        "The adapter with a record's MAC is not in the record's subnet (V-14).",
        "Set-VMNetworkAdapter -VirtualSubnetId to the record's, or make the record again.",
    ),
    (
        "guest_unknown",
        "No adapter has a record's MAC (V-14).",
        "Remove the record if its guest is gone; else correct its MAC.",
    ),
    (
        "prefixes_overlap",
        "On-link prefixes of two subnets of one routing domain overlap (V-05).",
        "Make one of the routes again with another prefix.",
    ),
    (
        "provider_vlans_differ",
        "Provider addresses of one network are on different VLANs.",
        "Make them again with one -VlanID.",
    ),
    (
        "provider_prefix_lengths_differ",
        "Hosts disagree about how long the prefix of a provider network is.",
        "Make the addresses again with one -PrefixLength.",
    ),
    (
        "external_router_differs",
        "Some hosts leave routing between subnets to a router outside, others do not.",
        "Set-NetVirtualizationGlobal -UseExternalRouter the same on all.",
    ),
    (
        "adapters_unknown",
        "What records point to on a host cannot be judged: its adapters are not known.",
        "Add what Get-VMNetworkAdapter shows there.",
    ),
    (
        "policy_unneeded",
        "A host has policy of routing domains that have no guest there (V-16).",
        "Remove it, unless guests are about to move there.",
    ),
    (
        "labels_differ",
        "The labels of a record differ between hosts; they decide nothing.",
        "Set-NetVirtualizationLookupRecord -Context, -CustomerID and -VMName the same on all.",
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
