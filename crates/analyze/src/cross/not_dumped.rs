//! What dumps do not tell of a host, and what nobody therefore holds against it.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_netwnv::DumpKind;

use crate::cross::disagreement::{Disagreement, Remedy};
use crate::cross::index::{HostIndex, Index};
use crate::cross::what::What;
use crate::finding::Severity;

/// The kinds that hosts are judged by. Others spare a guess.
const ASKED: [DumpKind; 5] = [
    DumpKind::LookupRecord,
    DumpKind::CustomerRoute,
    DumpKind::ProviderAddress,
    DumpKind::ProviderRoute,
    DumpKind::Adapter,
];

/// Tells the kinds that were not dumped, once for all hosts that lack the same. Last, as adapters may
/// have been told already.
pub(crate) fn check(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let told = found.iter().filter_map(|one| match &one.what {
        What::AdaptersUnknown { host, .. } => Some(host.as_str()),
        _ => None,
    });
    let told: BTreeSet<&str> = told.collect();
    let mut lacking: BTreeMap<Vec<DumpKind>, Vec<HostIndex>> = BTreeMap::new();
    for (host, of) in index.hosts.iter().enumerate() {
        let kinds = ASKED.into_iter().filter(|&kind| {
            let is_told = kind == DumpKind::Adapter && told.contains(of.name.as_str());
            !is_told && !index.knows(host, kind)
        });
        lacking.entry(kinds.collect()).or_default().push(host);
    }
    lacking.remove(&Vec::new());
    let notes: Vec<_> = lacking
        .into_iter()
        .map(|(kinds, hosts)| {
            let hosts = index.names(&hosts);
            let cmdlets: Vec<_> = kinds.iter().map(|&kind| command(kind)).collect();
            Disagreement {
                severity: Severity::Note,
                sides: Vec::new(),
                remedy: Remedy::Words(format!(
                    "Dump there too: {}; a cmdlet that gives nothing leaves an empty file, which says so",
                    cmdlets.join(", ")
                )),
                what: What::NotDumped { hosts, kinds },
            }
        })
        .collect();
    found.extend(notes);
}

/// What shows all of a kind.
fn command(kind: DumpKind) -> String {
    let all = if kind == DumpKind::Adapter {
        " -VMName *"
    } else {
        ""
    };
    format!("{}{all}", kind.cmdlet())
}
