//! Whether a record points to where its guest runs.

use nvgre_dataplane::LookupRecord;
use nvgre_netwnv::{DumpKind, RecordEntry};

use crate::cross::index::{GuestRef, Held, HostIndex, Index};
use crate::record_name::RecordName;

/// What several hosts say alike about one record.
pub(crate) struct Variant<'e> {
    /// Its first host's; the others differ in id and labels alone.
    pub(crate) record: &'e LookupRecord,
    /// Hosts that say so, ascending.
    pub(crate) said: Vec<(HostIndex, &'e RecordEntry)>,
    pub(crate) judged: Judged<'e>,
}

/// See the module.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Judged<'e> {
    /// The guest runs on the host that owns the provider address.
    Right,
    /// The guest runs on other hosts.
    Stale(Vec<GuestRef<'e>>),
    /// Nobody owns the provider address; the guest runs there, if anywhere.
    Unowned(Vec<GuestRef<'e>>),
    /// The VM of the record's label has an adapter in the subnet, with another MAC.
    OtherMac(GuestRef<'e>),
    /// An adapter has the MAC, and is not in the subnet.
    OtherSubnet(GuestRef<'e>),
    /// No adapter has the MAC.
    NoGuest,
    /// Perhaps it runs on the owner, of which no adapter is known; or its host owns the address, and
    /// no provider address of that host, or of some host, is known; or its VM may have other MACs.
    Unjudged,
}

impl Variant<'_> {
    /// Whether both are wrong, or suspect, for one reason.
    pub(crate) fn is_wrong_as(&self, other: &Self) -> bool {
        let (a, b) = (self.record, other.record);
        self.judged == other.judged
            && match self.judged {
                Judged::Stale(_) | Judged::Unowned(_) => a.provider_address == b.provider_address,
                Judged::OtherMac(_) | Judged::OtherSubnet(_) | Judged::NoGuest => a.mac == b.mac,
                Judged::Right | Judged::Unjudged => std::ptr::eq(self, other),
            }
    }
}

impl Judged<'_> {
    /// Whether the tables show that the record is wrong, and not only suspect.
    pub(crate) fn is_wrong(&self) -> bool {
        match self {
            Self::Stale(_) | Self::OtherMac(_) => true,
            Self::Unowned(guests) => !guests.is_empty(),
            Self::Right | Self::OtherSubnet(_) | Self::NoGuest | Self::Unjudged => false,
        }
    }
}

/// What is said about one record, most often said first; of equals, by the first host.
pub(crate) fn variants<'e>(
    index: &Index<'e>,
    held: &[Held<'e, RecordName, RecordEntry>],
) -> Vec<Variant<'e>> {
    let mut variants: Vec<Variant<'e>> = Vec::new();
    for one in held {
        let record = &one.entry.record;
        match variants.iter_mut().find(|v| says_same(v.record, record)) {
            Some(variant) => variant.said.push((one.host, one.entry)),
            None => variants.push(Variant {
                record,
                said: vec![(one.host, one.entry)],
                judged: judge(index, one.entry),
            }),
        }
    }
    variants.sort_by_key(|variant| std::cmp::Reverse(variant.said.len()));
    variants
}

/// Whether two records of one name decide the same about frames.
pub(crate) fn says_same(a: &LookupRecord, b: &LookupRecord) -> bool {
    a.provider_address == b.provider_address
        && a.mac == b.mac
        && a.rule == b.rule
        && a.record_type == b.record_type
        && a.use_vm_mac == b.use_vm_mac
}

fn judge<'e>(index: &Index<'e>, entry: &RecordEntry) -> Judged<'e> {
    let record = &entry.record;
    let (vsid, mac) = (record.virtual_subnet, record.mac);
    let owners = index.owners(record.provider_address);
    let guests = index.guests(vsid, mac);
    if !guests.is_empty() {
        let has_address =
            |&(host, _): &GuestRef<'_>| !index.hosts[host].provider_addresses.is_empty();
        return if owners.is_empty() && !guests.iter().any(has_address) {
            // That host is what is told: the records may be all right.
            Judged::Unjudged
        } else if owners.is_empty() {
            Judged::Unowned(guests.to_vec())
        } else if guests.iter().any(|(host, _)| owners.contains(host)) {
            Judged::Right
        } else {
            Judged::Stale(guests.to_vec())
        };
    }
    let label = entry.labels.vm_name();
    // A label is a hint: only where one adapter answers to it, and not of what is told by its MAC.
    let has_address = record.record_type.has_customer_address();
    let labelled = label.filter(|_| has_address);
    if let Some(&[guest @ (_, adapter)]) = labelled.map(|name| index.of_vm(vsid, name)) {
        // It may send from others besides its own.
        if adapter.mac_address_spoofing {
            return Judged::Unjudged;
        }
        if !index.is_recorded_elsewhere(RecordName::of(record), adapter.mac) {
            return Judged::OtherMac(guest);
        }
    }
    if let Some(guest) = index.outside(entry) {
        return Judged::OtherSubnet(guest);
    }
    if owners.is_empty() {
        // It may be an address of a host of which none was dumped.
        return if index.knows_everywhere(DumpKind::ProviderAddress) {
            Judged::Unowned(Vec::new())
        } else {
            Judged::Unjudged
        };
    }
    let is_unlisted = |&host: &HostIndex| index.hosts[host].adapters.is_empty();
    // The multitenant gateway's adapter is none of the tenants' and often no VM's at all.
    if owners.iter().any(is_unlisted) || index.is_gateway(mac) {
        return Judged::Unjudged;
    }
    Judged::NoGuest
}

/// What the record should say, if what runs where or most hosts tell it.
pub(crate) fn truth(
    index: &Index<'_>,
    name: RecordName,
    variants: &[Variant<'_>],
) -> Option<LookupRecord> {
    let right: Vec<_> = variants
        .iter()
        .filter(|variant| variant.judged == Judged::Right)
        .collect();
    if !right.is_empty() {
        return most_said(&right);
    }
    let Some(wrong) = variants.iter().find(|variant| variant.judged.is_wrong()) else {
        return most_said(&variants.iter().collect::<Vec<_>>());
    };
    let (host, mac) = match &wrong.judged {
        Judged::Stale(guests) | Judged::Unowned(guests) => match guests[..] {
            [(host, adapter)] => (host, adapter.mac),
            _ => return None,
        },
        Judged::OtherMac((host, adapter)) => (*host, adapter.mac),
        Judged::Right | Judged::OtherSubnet(_) | Judged::NoGuest | Judged::Unjudged => return None,
    };
    let old = *wrong.record;
    let stays = index.owners(old.provider_address).contains(&host);
    let provider_address = if stays {
        old.provider_address
    } else {
        index.address_for(host, name, old.rule, old.provider_address)?
    };
    Some(LookupRecord {
        mac,
        provider_address,
        ..old
    })
}

/// What more hosts say than anything else.
fn most_said(variants: &[&Variant<'_>]) -> Option<LookupRecord> {
    match variants {
        [first, second, ..] if first.said.len() == second.said.len() => None,
        [first, ..] => Some(*first.record),
        [] => None,
    }
}
