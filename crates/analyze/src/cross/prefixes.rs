//! Prefixes of the subnets of one routing domain beside each other.

use crate::cross::disagreement::{Disagreement, Remedy, Side};
use crate::cross::domain::Domain;
use crate::cross::index::Index;
use crate::cross::routes::HeldRoute;
use crate::cross::what::What;
use crate::finding::Severity;

/// V-05, over all hosts' routes at once: sorted by first address, an overlap is with a prefix that
/// is still open.
pub(crate) fn check(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let mut on_link: Vec<&HeldRoute<'_>> = index
        .routes
        .iter()
        .filter(|held| held.entry.route.is_on_link())
        // A subnet in two domains is told as that.
        .filter(|held| {
            let domain = Domain::Routing(held.name.routing_domain);
            index.domain(held.name.virtual_subnet) == domain
        })
        .collect();
    on_link.dedup_by_key(|held| held.name);
    // Wider prefixes first, so that what they hold follows them.
    on_link.sort_by_key(|held| {
        let prefix = held.name.destination;
        (held.name.routing_domain, prefix.network(), prefix.length())
    });
    for of_domain in on_link.chunk_by(|a, b| a.name.routing_domain == b.name.routing_domain) {
        let mut open: Vec<&HeldRoute<'_>> = Vec::new();
        for &held in of_domain {
            open.retain(|wider| wider.name.destination.overlaps(&held.name.destination));
            let others = open
                .iter()
                .filter(|wider| wider.name.virtual_subnet != held.name.virtual_subnet);
            for wider in others {
                let side = |held: &HeldRoute<'_>| Side {
                    hosts: index.names(&[held.host]),
                    says: format!("on-link: {}", held.name),
                    places: vec![held.entry.place.clone()],
                };
                found.push(Disagreement {
                    what: What::PrefixesOverlap {
                        first: wider.name,
                        second: held.name,
                    },
                    severity: Severity::Warning,
                    sides: vec![side(held), side(wider)],
                    remedy: Remedy::Words(
                        "Give each subnet prefixes of its own, on every host: which subnet an address is in depends on the longest prefix alone".to_owned(),
                    ),
                });
            }
            open.push(held);
        }
    }
}
