//! The cases about policy: edits of it, forwarding beside them, loading it.

use crate::list::MILLION_PEER;

/// A case under its name.
#[derive(Clone, Copy, Debug)]
pub struct PolicyCase {
    /// Its name.
    pub id: &'static str,
    /// Lookup records, where the name says how many.
    pub records: Option<u32>,
    /// The case that it differs from in one thing.
    pub peer: Option<&'static str>,
    /// What it is.
    pub deed: Deed,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Single edits, each published: the time from one typed object to tables that every worker sees.
    Edit(Edit),
    /// A policy, from nothing to published tables.
    Load(Written),
    /// Isolation of a datacenter whose hosts share what they hold alike, from its tables to the answer.
    Prove,
    /// Single edits of its records, each with the answer proved again.
    ProveAgain,
    /// Frames, while somebody else publishes so many edits a second.
    ForwardBeside(u32),
}

/// An edit of one record, whichever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It gets another provider address, one of those in use.
    Provider,
    /// Its guest moves to a host without any guest of the subnet, or back: floods gain or lose a
    /// host.
    Floods,
    /// It is rewritten, by IP rewrite, to another provider address of its own, or back.
    Nat,
}

/// How a policy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// As typed objects, inserted one by one.
    Edits,
    /// As a script of NetWNV commands, one for each record.
    Script,
}

const MILLION: u32 = 1_000_000;

const fn small(id: &'static str, deed: Deed) -> PolicyCase {
    PolicyCase {
        id,
        records: None,
        peer: None,
        deed,
    }
}

const fn large(id: &'static str, peer: &'static str, deed: Deed) -> PolicyCase {
    PolicyCase {
        id,
        records: Some(MILLION),
        peer: Some(peer),
        deed,
    }
}

/// All of them.
pub const POLICY_CASES: &[PolicyCase] = &[
    small("load/edits", Deed::Load(Written::Edits)),
    small("load/script", Deed::Load(Written::Script)),
    large(
        "load/edits/1M-records",
        "load/edits",
        Deed::Load(Written::Edits),
    ),
    large(
        "load/script/1M-records",
        "load/script",
        Deed::Load(Written::Script),
    ),
    small("edit/provider", Deed::Edit(Edit::Provider)),
    small("edit/floods", Deed::Edit(Edit::Floods)),
    small("edit/nat", Deed::Edit(Edit::Nat)),
    large(
        "edit/provider/1M-records",
        "edit/provider",
        Deed::Edit(Edit::Provider),
    ),
    large(
        "edit/floods/1M-records",
        "edit/floods",
        Deed::Edit(Edit::Floods),
    ),
    small("prove/isolation", Deed::Prove),
    large("prove/isolation/1M-records", "prove/isolation", Deed::Prove),
    small("prove/edit", Deed::ProveAgain),
    large("prove/edit/1M-records", "prove/edit", Deed::ProveAgain),
    PolicyCase {
        id: "edit/nat/100k-records",
        records: Some(100_000),
        peer: Some("edit/nat"),
        deed: Deed::Edit(Edit::Nat),
    },
    large(
        "encap/ipv4/64B/1M-records/10000-edits",
        MILLION_PEER,
        Deed::ForwardBeside(10_000),
    ),
];

/// The case of this name.
pub(crate) fn policy_case_of(id: &str) -> Option<&'static PolicyCase> {
    POLICY_CASES.iter().find(|case| case.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::list::case_of;

    #[test]
    fn ids_are_unique_and_name_each_other() {
        let ids: BTreeSet<_> = POLICY_CASES.iter().map(|case| case.id).collect();
        assert_eq!(ids.len(), POLICY_CASES.len());
        for case in POLICY_CASES {
            assert!(case_of(case.id).is_none(), "{}", case.id);
            let peer = case
                .peer
                .is_none_or(|peer| ids.contains(peer) || case_of(peer).is_some());
            assert!(peer, "{}", case.id);
        }
    }
}
