//! Lookup records that hosts lack, and what cannot be judged.

use nvgre_dataplane::{LookupRecord, RecordType};
use nvgre_netwnv::{DumpKind, Place, RecordEntry};

use crate::cross::disagreement::{Disagreement, HostCommand, Remedy, Side};
use crate::cross::domain::Domain;
use crate::cross::index::{Held, HostIndex, hosts_of, subnet_of, without};
use crate::cross::judged::{Judged, Variant};
use crate::cross::records::Check;
use crate::cross::what::What;
use crate::finding::Severity;
use crate::listed::listed;
use crate::record_name::RecordName;

impl<'e> Check<'_, 'e> {
    pub(super) fn missing(
        &mut self,
        name: RecordName,
        held: &[Held<'e, RecordName, RecordEntry>],
        variants: &[Variant<'e>],
        truth: Option<&LookupRecord>,
    ) {
        let index = self.index;
        let domain = index.domain(name.virtual_subnet);
        // Each host learns its own.
        if variants
            .iter()
            .all(|v| v.record.record_type == RecordType::Dynamic)
        {
            return;
        }
        let (holder, known) = variants[0].said[0];
        let right = truth.map(|truth| RecordEntry {
            record: *truth,
            ..known.clone()
        });
        let lacking = self.lacking.get(&domain).map_or(&[][..], Vec::as_slice);
        if !lacking.is_empty() {
            let wanted = self.wanted.entry(domain).or_default();
            wanted.push((right.clone().unwrap_or_else(|| known.clone()), holder));
        }
        let needing = index.needing(domain);
        if needing.len() <= held.len() && needing.iter().zip(held).all(|(&n, h)| n == h.host) {
            return;
        }
        let holding = hosts_of(held.iter().map(|one| one.host));
        let mut missing = without(&without(needing, &holding), lacking);
        missing.retain(|&host| index.knows(host, DumpKind::LookupRecord));
        if missing.is_empty() {
            return;
        }
        let mut sides = vec![Side {
            hosts: index.names(&missing),
            says: "no such record".to_owned(),
            places: missing
                .iter()
                .filter_map(|&host| self.adapter_place(host, domain))
                .collect(),
        }];
        sides.extend(variants.iter().map(|variant| self.index.sample(variant)));
        let remedy = match right {
            Some(entry) => Remedy::Commands(vec![HostCommand {
                hosts: index.names(&missing),
                command: entry.to_powershell(),
            }]),
            None => Remedy::Words(format!(
                "The hosts that have it disagree about it: mend that first, then make it on {} too",
                listed(&index.names(&missing))
            )),
        };
        let is_known = variants.iter().any(|variant| match variant.judged {
            Judged::Right | Judged::Stale(_) | Judged::OtherMac(_) => true,
            Judged::Unowned(ref guests) => !guests.is_empty(),
            Judged::OtherSubnet(_) | Judged::NoGuest | Judged::Unjudged => false,
        });
        let severity = if is_known {
            index.lack(domain)
        } else {
            Severity::Warning
        };
        self.found.push(Disagreement {
            what: What::RecordMissing {
                record: name,
                hosts: index.names(&missing),
            },
            severity,
            sides,
            remedy,
        });
    }

    pub(super) fn hosts_without_records(&mut self) {
        let index = self.index;
        for (&domain, lacking) in &self.lacking {
            let wanted = self.wanted.get(&domain).map_or(&[][..], Vec::as_slice);
            // All that others have was learned.
            let Some((first, holder)) = wanted.first() else {
                continue;
            };
            let commands = wanted.iter().map(|(entry, _)| HostCommand {
                hosts: index.names(lacking),
                command: entry.to_powershell(),
            });
            self.found.push(Disagreement {
                severity: index.lack(domain),
                sides: vec![
                    Side {
                        hosts: index.names(lacking),
                        says: "none of its records".to_owned(),
                        places: lacking
                            .iter()
                            .filter_map(|&host| self.adapter_place(host, domain))
                            .collect(),
                    },
                    Side {
                        hosts: index.names(&[*holder]),
                        says: format!("{}, and others", RecordName::of(&first.record)),
                        places: vec![first.place.clone()],
                    },
                ],
                remedy: Remedy::Commands(commands.collect()),
                what: What::NoRecords {
                    domain,
                    hosts: index.names(lacking),
                    missing: wanted.len(),
                },
            });
        }
    }

    pub(super) fn adapters_without_record(&mut self) {
        let index = self.index;
        for (vsid, mac, guests) in index.all_guests() {
            let domain = index.domain(vsid);
            let is_asked = index.is_spread(domain) && index.holding_records.contains_key(&domain);
            if !is_asked || self.recorded.contains(&(vsid, mac)) {
                continue;
            }
            let guest = guests[0];
            let sides = vec![self.index.guest_side(guest)];
            let own = index.hosts[guest.0].provider_addresses.first();
            let own = own.map_or("the host's provider address".to_owned(), |entry| {
                entry.address.address.to_string()
            });
            self.found.push(Disagreement {
                what: What::AdapterWithoutRecord {
                    virtual_subnet: vsid,
                    guest: index.guest_at(guest),
                },
                severity: Severity::Error,
                sides,
                remedy: Remedy::Words(format!(
                    "On every host of its tenant: New-NetVirtualizationLookupRecord -VirtualSubnetID {vsid} -MACAddress \"{mac}\" -ProviderAddress \"{own}\" with the guest's -CustomerAddress and the tenant's -Rule"
                )),
            });
        }
    }

    pub(super) fn domains_without_records(&mut self) {
        let index = self.index;
        for (&domain, needing) in &index.needing {
            if !index.is_spread(domain) || index.holding_records.contains_key(&domain) {
                continue;
            }
            let mut needing = needing.clone();
            needing.retain(|&host| index.knows(host, DumpKind::LookupRecord));
            if needing.is_empty() {
                continue;
            }
            let place = |&host: &HostIndex| self.adapter_place(host, domain);
            self.found.push(Disagreement {
                what: What::DomainWithoutRecords {
                    domain,
                    hosts: index.names(&needing),
                },
                severity: Severity::Error,
                sides: vec![Side {
                    hosts: index.names(&needing),
                    says: "guests and no records".to_owned(),
                    places: needing.iter().filter_map(place).collect(),
                }],
                remedy: Remedy::Words(
                    "On each of these hosts: New-NetVirtualizationCustomerRoute for the tenant's prefixes, New-NetVirtualizationLookupRecord for each guest's addresses".to_owned(),
                ),
            });
        }
    }

    pub(super) fn unjudged(&mut self) {
        for (&host, &records) in &self.unjudged {
            let name = self.index.hosts[host].name.clone();
            self.found.push(Disagreement {
                what: What::AdaptersUnknown {
                    host: name.clone(),
                    records,
                },
                severity: Severity::Note,
                sides: Vec::new(),
                remedy: Remedy::Words(format!(
                    "Read {name} with its adapters too: Get-VMNetworkAdapter -VMName *"
                )),
            });
        }
    }

    /// Where some adapter of a domain on a host was written.
    fn adapter_place(&self, host: HostIndex, domain: Domain) -> Option<Place> {
        let adapters = self.index.hosts[host].adapters.iter();
        let mut of_domain = adapters
            .filter(|adapter| subnet_of(adapter).is_some_and(|v| self.index.domain(v) == domain));
        of_domain.find_map(|adapter| adapter.place.clone())
    }
}
