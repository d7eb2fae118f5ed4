//! Each host's policy by itself: what would be refused or doubted where it is loaded. The same on
//! several hosts is told once.

use std::collections::BTreeMap;

use nvgre_dataplane::{PolicyError, PolicyWarning, RecordId, RouteId};
use nvgre_netwnv::{Dump, DumpKind, Host, Place};

use crate::cross::disagreement::{Disagreement, Remedy, Side};
use crate::cross::what::{About, RouteName, What};
use crate::finding::Severity;
use crate::record_name::RecordName;

/// Shape: how bad, about what, which fault -> hosts and places.
type Faults = BTreeMap<(Severity, Option<About>, String), (Vec<String>, Vec<Place>)>;

/// Everything that hosts' policy breaks without any other host, by what it is about. What
/// [`super::cross_check`] says of all hosts together is left out.
pub(super) fn check(dump: &Dump, found: &mut Vec<Disagreement>) {
    let mut faults = Faults::new();
    for (at, host) in dump.estate.hosts.iter().enumerate() {
        let is_known = |kind| dump.hosts.get(at).is_none_or(|dumped| dumped.tells(kind));
        let (severity, told): (_, Vec<_>) = match host.policy().check() {
            Ok(warnings) => (
                Severity::Warning,
                warnings
                    .into_iter()
                    .filter(|warning| needs(warning).is_none_or(is_known))
                    .filter_map(|warning| Some((warned(host, warning)?, warning.to_string())))
                    .collect(),
            ),
            Err(errors) => (
                Severity::Error,
                errors
                    .into_iter()
                    .filter_map(|error| Some((refused(host, error)?, error.to_string())))
                    .collect(),
            ),
        };
        for ((about, place), fault) in told {
            let (hosts, places) = faults.entry((severity, about, fault)).or_default();
            if hosts.last() != Some(&host.name) {
                hosts.push(host.name.clone());
            }
            places.extend(place);
        }
    }
    for ((severity, about, fault), (hosts, places)) in faults {
        found.push(Disagreement {
            severity,
            sides: vec![Side {
                hosts: hosts.clone(),
                says: about.map_or_else(|| "the host".to_owned(), |about| about.to_string()),
                places,
            }],
            remedy: Remedy::Words("Mend it where it is written, on each of these hosts".to_owned()),
            what: What::OwnPolicy {
                about,
                fault,
                is_refused: severity == Severity::Error,
                hosts,
            },
        });
    }
}

type Where = (Option<About>, Option<Place>);

fn record(host: &Host, id: RecordId) -> Where {
    let entry = host.record(id);
    (
        entry.map(|entry| About::Record(RecordName::of(&entry.record))),
        entry.map(|entry| entry.place.clone()),
    )
}

fn route(host: &Host, id: RouteId) -> Where {
    let entry = host.customer_route(id);
    (
        entry.map(|entry| About::Route(RouteName::of(&entry.route))),
        entry.map(|entry| entry.place.clone()),
    )
}

/// The other table whose silence is what a warning is about.
fn needs(warning: &PolicyWarning) -> Option<DumpKind> {
    match warning {
        PolicyWarning::NoOnLinkRoute(_) => Some(DumpKind::CustomerRoute),
        PolicyWarning::NextHopWithoutRecord(_) => Some(DumpKind::LookupRecord),
        PolicyWarning::PrefixesOverlap { .. }
        | PolicyWarning::MacTwiceInDomain { .. }
        | PolicyWarning::AddressTwiceInDomain { .. }
        | PolicyWarning::RouterAddressTaken { .. } => None,
    }
}

fn warned(host: &Host, warning: PolicyWarning) -> Option<Where> {
    match warning {
        // Records of one MAC at two places: where its adapter is tells which is wrong.
        PolicyWarning::PrefixesOverlap { .. } | PolicyWarning::MacTwiceInDomain { .. } => None,
        PolicyWarning::AddressTwiceInDomain { second, .. } => Some(record(host, second)),
        PolicyWarning::RouterAddressTaken { record: id, .. } | PolicyWarning::NoOnLinkRoute(id) => {
            Some(record(host, id))
        }
        PolicyWarning::NextHopWithoutRecord(id) => Some(route(host, id)),
    }
}

fn refused(host: &Host, error: PolicyError) -> Option<Where> {
    match error {
        PolicyError::SubnetInTwoDomains { .. } => None,
        PolicyError::DuplicateRecord { second, .. }
        | PolicyError::NatAddressShared { second, .. } => Some(record(host, second)),
        PolicyError::CustomerAddressForType(id)
        | PolicyError::CustomerAddressNotUnicast(id)
        | PolicyError::ProviderAddressNotUnicast(id)
        | PolicyError::RecordMacNotUnicast(id)
        | PolicyError::VmMacWithoutNat(id)
        | PolicyError::NoSuchRecord(id)
        | PolicyError::NotBound(id) => Some(record(host, id)),
        PolicyError::RouteFamilies(id) => Some(route(host, id)),
        PolicyError::DuplicateProviderAddress(address)
        | PolicyError::HostAddressNotUnicast(address)
        | PolicyError::PrefixLength(address) => {
            let entries = host.provider_addresses.iter();
            let place = entries
                .rev()
                .find(|entry| entry.address.address == address)
                .map(|entry| entry.place.clone());
            Some((Some(About::ProviderAddress(address)), place))
        }
        // The caller of `policy` gives ports and groups.
        PolicyError::VlanAndSubnet(_)
        | PolicyError::DuplicatePort(_)
        | PolicyError::GroupNotMulticast(_) => Some((None, None)),
    }
}
