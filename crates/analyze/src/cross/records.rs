//! Lookup records: what hosts say about one customer address, beside what runs where.

use std::collections::{BTreeMap, BTreeSet};

use nvgre_dataplane::{LookupRecord, PortSubnet};
use nvgre_netwnv::{DumpKind, RecordEntry};
use nvgre_wire::{MacAddress, VirtualSubnetId};

use crate::cross::commands::{Commands, mend_record, remove_record};
use crate::cross::disagreement::{Disagreement, HostCommand, Remedy, Side};
use crate::cross::domain::Domain;
use crate::cross::index::{GuestRef, Held, HostIndex, Index, hosts_of, without};
use crate::cross::judged::{Judged, Variant, says_same, truth, variants};
use crate::cross::what::{RecordField, What};
use crate::finding::Severity;
use crate::record_name::RecordName;

/// Most variants of a record that are told beside one of them, or to choose from: hosts that all say
/// something else are many.
const VARIANTS_TOLD: usize = 4;

/// Everything about records.
pub(crate) fn check(index: &Index<'_>, found: &mut Vec<Disagreement>) {
    let mut check = Check {
        index,
        found,
        lacking: BTreeMap::new(),
        wanted: BTreeMap::new(),
        unjudged: BTreeMap::new(),
        recorded: BTreeSet::new(),
    };
    for (&domain, holding) in &index.holding_records {
        let mut lacking = without(index.needing(domain), holding);
        lacking.retain(|&host| index.knows(host, DumpKind::LookupRecord));
        if !lacking.is_empty() {
            check.lacking.insert(domain, lacking);
        }
    }
    for held in index.records.chunk_by(|a, b| a.name == b.name) {
        check.one_name(held);
    }
    check.hosts_without_records();
    check.adapters_without_record();
    check.domains_without_records();
    check.unjudged();
}

/// What is gathered while records are gone through, name by name.
pub(super) struct Check<'i, 'e> {
    pub(super) index: &'i Index<'e>,
    pub(super) found: &'i mut Vec<Disagreement>,
    /// Hosts that need a domain's records and have none.
    pub(super) lacking: BTreeMap<Domain, Vec<HostIndex>>,
    /// What they would have to make.
    pub(super) wanted: BTreeMap<Domain, Vec<(RecordEntry, HostIndex)>>,
    /// How many records point to hosts whose adapters are not known.
    pub(super) unjudged: BTreeMap<HostIndex, usize>,
    /// Adapters that some record is for, as (subnet, MAC) of records and of what they should say.
    pub(super) recorded: BTreeSet<(VirtualSubnetId, MacAddress)>,
}

impl<'e> Check<'_, 'e> {
    fn one_name(&mut self, held: &[Held<'e, RecordName, RecordEntry>]) {
        let name = held[0].name;
        let variants = variants(self.index, held);
        let truth = truth(self.index, name, &variants);
        for (at, variant) in variants.iter().enumerate() {
            self.recorded
                .insert((name.virtual_subnet, variant.record.mac));
            // What is wrong in the same way is told once, whatever else is different about it.
            if !variants[..at].iter().any(|told| told.is_wrong_as(variant)) {
                self.accuse(name, variant, &variants, truth.as_ref());
            }
        }
        if let Some(truth) = truth {
            self.recorded.insert((name.virtual_subnet, truth.mac));
        }
        let open: Vec<_> = variants.iter().filter(|v| !v.judged.is_wrong()).collect();
        if open.len() > 1 {
            self.differ(name, &open, truth.as_ref());
        }
        let first = &held[0].entry.labels;
        if held.iter().any(|other| other.entry.labels != *first) {
            self.labels_differ(name, held);
        }
        self.missing(name, held, &variants, truth.as_ref());
    }

    /// What is wrong with what some hosts say, whatever the others say.
    fn accuse(
        &mut self,
        name: RecordName,
        variant: &Variant<'e>,
        all: &[Variant<'e>],
        truth: Option<&LookupRecord>,
    ) {
        let index = self.index;
        let record = variant.record;
        let address = record.provider_address;
        let owners = index.owners(address);
        let (alike, others): (Vec<_>, Vec<_>) =
            all.iter().partition(|other| other.is_wrong_as(variant));
        let said = alike.iter().flat_map(|variant| &variant.said);
        let said_by = index.names(&hosts_of(said.map(|&(host, _)| host)));
        let at = |guests: &[GuestRef<'_>]| guests.iter().map(|&g| index.guest_at(g)).collect();
        let has_right = all.iter().any(|variant| variant.judged == Judged::Right);
        let (what, severity, guests) = match &variant.judged {
            Judged::Right => return,
            Judged::Unjudged => {
                let is_unlisted = |host: &HostIndex| index.hosts[*host].adapters.is_empty();
                for host in owners.into_iter().filter(is_unlisted) {
                    *self.unjudged.entry(host).or_default() += 1;
                }
                return;
            }
            // It is told as a difference.
            Judged::NoGuest | Judged::OtherSubnet(_) if has_right => return,
            Judged::Unowned(guests) if guests.is_empty() && has_right => return,
            Judged::Stale(guests) => {
                let what = What::StaleRecord {
                    record: name,
                    address,
                    owners: index.names(&owners),
                    guests: at(guests),
                    said_by,
                };
                (what, Severity::Error, guests.clone())
            }
            Judged::Unowned(guests) => {
                let what = What::ProviderAddressUnowned {
                    record: name,
                    address,
                    guests: at(guests),
                    said_by,
                };
                // Its host may be one that was not asked.
                let severity = if guests.is_empty() {
                    Severity::Warning
                } else {
                    Severity::Error
                };
                (what, severity, guests.clone())
            }
            &Judged::OtherMac(guest) => {
                let what = What::RecordMacDiffers {
                    record: name,
                    mac: record.mac,
                    guest: index.guest_at(guest),
                    said_by,
                };
                (what, Severity::Warning, vec![guest])
            }
            &Judged::OtherSubnet(guest) => {
                let what = What::AdapterInOtherSubnet {
                    record: name,
                    guest: index.guest_at(guest),
                    subnet: guest.1.subnet,
                };
                (what, Severity::Warning, vec![guest])
            }
            Judged::NoGuest => {
                let what = What::GuestUnknown {
                    record: name,
                    mac: record.mac,
                    owners: index.names(&owners),
                };
                (what, Severity::Warning, Vec::new())
            }
        };
        let mut sides: Vec<_> = alike
            .iter()
            .map(|variant| self.index.side(variant))
            .collect();
        let (told, rest) = others.split_at(others.len().min(VARIANTS_TOLD));
        sides.extend(told.iter().map(|other| self.index.sample(other)));
        if let Some(first) = rest.first() {
            let mut more = self.index.sample(first);
            if rest.len() > 1 {
                more.says += &format!("; and {} more variants", rest.len() - 1);
            }
            sides.push(more);
        }
        sides.extend(guests.iter().map(|&guest| self.index.guest_side(guest)));
        sides.extend(self.index.owner_sides(address));
        let right = truth.map(|truth| truth.provider_address);
        if let Some(right) = right.filter(|&right| right != address) {
            sides.extend(self.index.owner_sides(right));
        }
        let remedy = self.remedy(name, variant, &alike, truth);
        self.found.push(Disagreement {
            what,
            severity,
            sides,
            remedy,
        });
    }

    fn remedy(
        &self,
        name: RecordName,
        variant: &Variant<'e>,
        alike: &[&Variant<'e>],
        truth: Option<&LookupRecord>,
    ) -> Remedy {
        let filter = name.filter();
        match &variant.judged {
            &Judged::OtherSubnet((host, adapter)) => match adapter.subnet {
                PortSubnet::Unset if self.index.has_namesake(host, adapter) => {
                    Remedy::Words(format!(
                        "Put the adapter of {} with the MAC {} into VSID {}: Set-VMNetworkAdapter -VMNetworkAdapter, as -Name names several",
                        adapter.vm_name, adapter.mac, name.virtual_subnet
                    ))
                }
                PortSubnet::Unset => Remedy::Commands(vec![HostCommand {
                    hosts: self.index.names(&[host]),
                    command: format!(
                        "{} -VirtualSubnetId {}",
                        nvgre_netwnv::set_adapter(&adapter.vm_name, &adapter.name),
                        name.virtual_subnet
                    ),
                }]),
                PortSubnet::LocalOnly | PortSubnet::Tenant(_) => Remedy::Words(format!(
                    "If the guest is to be in the subnet, put the adapter into VSID {} with Set-VMNetworkAdapter -VirtualSubnetId; else remove the record from every host: {}",
                    name.virtual_subnet,
                    remove_record(&name)
                )),
            },
            Judged::NoGuest => Remedy::Words(format!(
                "If the guest is gone, on every host: {}; if it runs on a host that was not read, read that too",
                remove_record(&name)
            )),
            _ => match (truth, &variant.judged) {
                (Some(truth), _) if !alike.iter().any(|v| says_same(v.record, truth)) => {
                    Remedy::Commands(self.mend(alike.iter().copied(), truth))
                }
                (_, Judged::Unowned(guests)) if guests.is_empty() => Remedy::Words(format!(
                    "If the host that owns it was not read, read that too; else on every host: Set-NetVirtualizationLookupRecord {filter} -ProviderAddress with an address of the guest's host"
                )),
                (Some(_) | None, _) => Remedy::Words(format!(
                    "Give the guest's host a provider address of its own for this record, then on every host: Set-NetVirtualizationLookupRecord {filter} -ProviderAddress with that address"
                )),
            },
        }
    }

    /// Commands for every host that says one of `wrong`.
    fn mend<'v>(
        &self,
        wrong: impl Iterator<Item = &'v Variant<'e>>,
        right: &LookupRecord,
    ) -> Vec<HostCommand>
    where
        'e: 'v,
    {
        let mut commands = Commands::default();
        for &(host, entry) in wrong.flat_map(|variant| &variant.said) {
            for command in mend_record(entry, right) {
                commands.add(&self.index.hosts[host].name, command);
            }
        }
        commands.into_vec()
    }

    fn differ(&mut self, name: RecordName, open: &[&Variant<'e>], truth: Option<&LookupRecord>) {
        let first = open[0].record;
        let differs = |is_other: fn(&LookupRecord, &LookupRecord) -> bool| {
            open.iter().any(|variant| is_other(variant.record, first))
        };
        let asked = [
            (
                RecordField::ProviderAddress,
                differs(|a, b| a.provider_address != b.provider_address),
            ),
            (RecordField::Mac, differs(|a, b| a.mac != b.mac)),
            (RecordField::Rule, differs(|a, b| a.rule != b.rule)),
            (
                RecordField::Type,
                differs(|a, b| a.record_type != b.record_type),
            ),
            (
                RecordField::UseVmMac,
                differs(|a, b| a.use_vm_mac != b.use_vm_mac),
            ),
        ];
        let asked = asked.into_iter().filter(|&(_, differs)| differs);
        let fields: Vec<_> = asked.map(|(field, _)| field).collect();
        // A record that was learned here and written there forwards alike.
        let severity = if fields == [RecordField::Type] {
            Severity::Note
        } else {
            Severity::Error
        };
        let is_right =
            |variant: &Variant<'_>| truth.is_some_and(|truth| says_same(truth, variant.record));
        let (right, wrong): (Vec<_>, Vec<_>) = open.iter().copied().partition(|v| is_right(v));
        let mut sides: Vec<_> = wrong
            .iter()
            .map(|variant| self.index.side(variant))
            .collect();
        sides.extend(right.iter().map(|variant| self.index.sample(variant)));
        let guests = self.index.guests(name.virtual_subnet, open[0].record.mac);
        sides.extend(guests.iter().map(|&guest| self.index.guest_side(guest)));
        let remedy = match truth {
            Some(truth) => Remedy::Commands(self.mend(wrong.into_iter(), truth)),
            None if open.len() > VARIANTS_TOLD => Remedy::Words(format!(
                "Choose one of these {} variants, then on every host: Set-NetVirtualizationLookupRecord {} with it",
                open.len(),
                name.filter()
            )),
            None => Remedy::Either(
                open.iter()
                    .map(|right| {
                        let others = open.iter().filter(|other| !std::ptr::eq(**other, *right));
                        self.mend(others.copied(), right.record)
                    })
                    .collect(),
            ),
        };
        self.found.push(Disagreement {
            what: What::RecordsDiffer {
                record: name,
                fields,
            },
            severity,
            sides,
            remedy,
        });
    }

    fn labels_differ(&mut self, name: RecordName, held: &[Held<'e, RecordName, RecordEntry>]) {
        let mut sides: Vec<(&RecordEntry, Side)> = Vec::new();
        for one in held {
            let host = &self.index.hosts[one.host].name;
            let labels = &one.entry.labels;
            let known = sides.iter_mut().find(|(entry, _)| entry.labels == *labels);
            let side = match known {
                Some((_, side)) => side,
                None => {
                    let texts = [
                        ("CustomerID", labels.customer_id()),
                        ("Context", labels.context()),
                        ("VMName", labels.vm_name()),
                    ];
                    let texts =
                        texts.map(|(label, text)| format!("{label} {}", text.unwrap_or("(none)")));
                    let side = Side {
                        hosts: Vec::new(),
                        says: texts.join(", "),
                        places: Vec::new(),
                    };
                    sides.push((one.entry, side));
                    let (_, side) = sides.last_mut().expect("one was pushed");
                    side
                }
            };
            side.hosts.push(host.clone());
            side.places.push(one.entry.place.clone());
        }
        self.found.push(Disagreement {
            what: What::LabelsDiffer { record: name },
            severity: Severity::Note,
            sides: sides.into_iter().map(|(_, side)| side).collect(),
            remedy: Remedy::Words(format!(
                "Choose the labels, then on every host: Set-NetVirtualizationLookupRecord {} with -CustomerID, -Context and -VMName",
                name.filter()
            )),
        });
    }
}
