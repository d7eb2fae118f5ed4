//! Which difference a flipped verdict is owed to.

use nvgre_dataplane::{DropReason, Event, PortSubnet};
use nvgre_sim::{GuestIndex, Model};
use nvgre_wire::{MacAddress, ProviderAddress, VirtualSubnetId};

use crate::conversation::{Conversation, Failure, LegKind};
use crate::diff::difference::{Difference, Item};
use crate::record_name::RecordName;

/// A conversation, and the state in which it was held.
pub(crate) struct Blamed<'a> {
    pub(crate) model: &'a Model,
    pub(crate) conversation: &'a Conversation,
}

/// The difference to blame, counted into `differences`: that of the record which decided where the
/// conversation fails; else that of what was asked for in vain; else what decided where it does not
/// fail; else whatever else is different about the two guests.
pub(crate) fn blame(
    differences: &[Difference],
    old: &Blamed<'_>,
    new: &Blamed<'_>,
) -> Option<usize> {
    let (failing, other) = if new.conversation.is_answered() && !old.conversation.is_answered() {
        (old, new)
    } else {
        (new, old)
    };
    let find = |is_it: &dyn Fn(&Difference) -> bool| {
        let mut differences = differences.iter();
        differences.position(|difference| !difference.is_of_labels() && is_it(difference))
    };
    // On a host without binding no table is in force: what is missing in them does not matter.
    failing
        .unbound_host()
        .and_then(|host| find(&|d| is_on(d, &host) && matches!(d.item, Item::Nic(_))))
        .or_else(|| {
            let (host, name) = failing.record_of_source()?;
            find(&|d| is_record(d, name) && is_on(d, &host))
        })
        .or_else(|| {
            let (host, name) = failing.decider()?;
            find(&|d| is_record(d, name) && is_on(d, &host))
        })
        .or_else(|| {
            let (host, event) = failing.conversation.decided_by.missed?;
            let host = failing.host(host);
            find(&|d| is_on(d, &host) && touches(d, event, failing))
        })
        .or_else(|| {
            let address = failing.conversation.decided_by.sent_to?;
            find(&|d| d.item == Item::ProviderAddress(address))
        })
        .or_else(|| {
            let host = failing.failed_at()?;
            // What a host is, as against what it is told: its binding, its provider side.
            find(&|d| is_on(d, &host) && matches!(d.item, Item::Nic(_) | Item::Host))
        })
        .or_else(|| find(&|d| failing.is_of_guests(d)))
        .or_else(|| {
            let (host, name) = other.decider()?;
            find(&|d| is_record(d, name) && is_on(d, &host))
        })
        .or_else(|| {
            let names = failing.records_of_guests();
            find(&|d| matches!(d.item, Item::Record(name) if names.contains(&name)))
        })
        .or_else(|| {
            let subnets = failing.subnets_of_guests();
            find(&|d| {
                matches!(&d.item, Item::CustomerRoute { name, .. } if subnets.contains(&name.virtual_subnet))
            })
        })
        .or_else(|| {
            let host = failing.failed_at()?;
            find(&|d| {
                let is_provider_side = matches!(
                    d.item,
                    Item::ProviderAddress(_) | Item::ProviderRoute { .. } | Item::Global
                );
                is_provider_side && is_on(d, &host)
            })
        })
}

fn is_on(difference: &Difference, host: &str) -> bool {
    difference
        .hosts
        .iter()
        .any(|name| name.eq_ignore_ascii_case(host))
}

fn is_record(difference: &Difference, name: RecordName) -> bool {
    difference.item == Item::Record(name)
}

impl Blamed<'_> {
    fn host(&self, host: usize) -> String {
        self.model.estate().hosts[host].name.clone()
    }

    /// The record that decided, and its host's name.
    fn decider(&self) -> Option<(String, RecordName)> {
        let (estate, clue) = (self.model.estate(), &self.conversation.decided_by);
        let (host, entry) = match self.conversation.failure {
            Some((_, Failure::Dropped { reason, host })) => {
                clue.record_to_blame(reason, host, estate)?
            }
            _ => {
                let (host, id) = clue.record?;
                (host, estate.hosts[host].record(id)?)
            }
        };
        Some((self.host(host), RecordName::of(&entry.record)))
    }

    /// Where a host did not find the sender in the record that it has of it: that record, and the
    /// host's name.
    fn record_of_source(&self) -> Option<(String, RecordName)> {
        let (leg, failure) = self.conversation.failure.as_ref()?;
        let Failure::Dropped {
            reason: DropReason::NoSourceRecord,
            host,
        } = failure
        else {
            return None;
        };
        let (ours, theirs) = self.conversation.addresses?;
        let (sender, customer_address) = match leg {
            LegKind::Announce => return None,
            LegKind::Resolve | LegKind::Request => (self.conversation.from, ours),
            LegKind::ResolveBack | LegKind::Reply => (self.conversation.to, theirs),
        };
        let name = RecordName {
            virtual_subnet: self.subnet_of(sender)?,
            customer_address,
            station: None,
        };
        Some((self.host(*host), name))
    }

    /// The host that dropped a frame, or took it.
    fn failed_at(&self) -> Option<String> {
        let (_, failure) = self.conversation.failure.as_ref()?;
        match failure {
            Failure::Dropped { host, .. } | Failure::Taken { host } => Some(self.host(*host)),
            Failure::NoCommonFamily
            | Failure::NoGateway { .. }
            | Failure::NoAnswer { .. }
            | Failure::AddressConflict { .. }
            | Failure::WrongGuest { .. }
            | Failure::CrossTenant { .. } => None,
        }
    }

    /// The host that dropped a frame because network virtualization is not bound there.
    fn unbound_host(&self) -> Option<String> {
        match self.conversation.failure {
            Some((
                _,
                Failure::Dropped {
                    reason: DropReason::WnvUnbound,
                    host,
                },
            )) => Some(self.host(host)),
            _ => None,
        }
    }

    fn guests(&self) -> [GuestIndex; 2] {
        [self.conversation.from, self.conversation.to]
    }

    /// Whether something is different about an adapter of the two.
    fn is_of_guests(&self, difference: &Difference) -> bool {
        let mut guests = self.guests().into_iter();
        guests.any(|guest| {
            let guest = &self.model.scenario().guests[guest];
            match &difference.item {
                Item::Adapter { vm_name, name } => {
                    guest.name.eq_ignore_ascii_case(vm_name) && guest.nic.eq_ignore_ascii_case(name)
                }
                Item::Guest(name) => guest.port_name().eq_ignore_ascii_case(name),
                Item::Host
                | Item::Nic(_)
                | Item::Global
                | Item::ProviderAddress(_)
                | Item::ProviderRoute { .. }
                | Item::CustomerRoute { .. }
                | Item::Record(_) => false,
            }
        })
    }

    /// Subnets where the two guests' adapters are.
    fn subnets_of_guests(&self) -> Vec<VirtualSubnetId> {
        let guests = self.guests().into_iter();
        guests.filter_map(|guest| self.subnet_of(guest)).collect()
    }

    fn subnet_of(&self, guest: GuestIndex) -> Option<VirtualSubnetId> {
        let told = &self.model.scenario().guests[guest];
        let adapters = &self.model.estate().hosts[self.model.host_of(guest)].adapters;
        let adapter = adapters.iter().find(|adapter| {
            adapter.vm_name.eq_ignore_ascii_case(&told.name)
                && adapter.name.eq_ignore_ascii_case(&told.nic)
        })?;
        match adapter.subnet {
            PortSubnet::Tenant(vsid) => Some(vsid),
            PortSubnet::Unset | PortSubnet::LocalOnly => None,
        }
    }

    /// Names of the records that the two guests' addresses would have.
    fn records_of_guests(&self) -> Vec<RecordName> {
        let Some((ours, theirs)) = self.conversation.addresses else {
            return Vec::new();
        };
        let subnets = self.subnets_of_guests();
        subnets
            .into_iter()
            .flat_map(|virtual_subnet| {
                [theirs, ours].map(|customer_address| RecordName {
                    virtual_subnet,
                    customer_address,
                    station: None,
                })
            })
            .collect()
    }
}

/// Whether a difference is about the key that a host was asked for in vain.
fn touches(difference: &Difference, missed: Event, at: &Blamed<'_>) -> bool {
    match missed {
        Event::RecordAsked {
            virtual_subnet,
            customer_address,
            ..
        } => is_record_of(difference, |name| {
            name.virtual_subnet == virtual_subnet && name.customer_address == customer_address
        }),
        Event::SourceAsked {
            virtual_subnet,
            customer_address,
            mac,
            ..
        } => is_record_of(difference, |name| {
            let is_address = customer_address == Some(name.customer_address);
            let is_station = name.station.is_some_and(|(station, _)| station == mac);
            name.virtual_subnet == virtual_subnet && (is_address || is_station)
        }),
        Event::MacAsked {
            virtual_subnet,
            mac,
            ..
        } => {
            is_record_of(difference, |name| name.virtual_subnet == virtual_subnet) && {
                let mac = mac.to_string();
                mentions(difference, &mac)
            }
        }
        Event::RouteAsked { destination, .. } => {
            matches!(&difference.item, Item::CustomerRoute { name, .. } if name.destination.contains(destination))
        }
        Event::NextHopAsked {
            provider_address, ..
        } => is_way_to(difference, provider_address),
        Event::PortAsked { mac, .. } => is_adapter_with(difference, mac, at),
        Event::PeerUnknown { source, .. } => {
            is_record_of(difference, |_| true) && mentions(difference, &source.to_string())
        }
        Event::Admitted { .. }
        | Event::WildcardAsked { .. }
        | Event::Routed { .. }
        | Event::Answered { .. }
        | Event::Encapsulated { .. }
        | Event::Rewritten { .. }
        | Event::OuterAccepted { .. }
        | Event::KeyRead { .. }
        | Event::PeerChecked { .. }
        | Event::Flooded { .. }
        | Event::RemoteCopiesRefused(_)
        | Event::ErrorSent { .. }
        | Event::Delivered(_)
        | Event::Dropped(_) => false,
    }
}

fn is_record_of(difference: &Difference, is_it: impl Fn(RecordName) -> bool) -> bool {
    matches!(difference.item, Item::Record(name) if is_it(name))
}

/// Whether a value, old or new, is this text.
fn mentions(difference: &Difference, text: &str) -> bool {
    use crate::diff::difference::Change;
    match &difference.change {
        Change::Added(properties) | Change::Removed(properties) => {
            properties.iter().any(|property| property.value == text)
        }
        Change::Changed(properties) => properties
            .iter()
            .any(|property| property.old == text || property.new == text),
    }
}

fn is_way_to(difference: &Difference, address: ProviderAddress) -> bool {
    match &difference.item {
        Item::ProviderRoute { destination, .. } => destination.contains(address),
        // Its prefix is what was on-link.
        Item::ProviderAddress(_) => true,
        Item::Host
        | Item::Nic(_)
        | Item::Global
        | Item::CustomerRoute { .. }
        | Item::Record(_)
        | Item::Adapter { .. }
        | Item::Guest(_) => false,
    }
}

fn is_adapter_with(difference: &Difference, mac: MacAddress, at: &Blamed<'_>) -> bool {
    let Item::Adapter { vm_name, name } = &difference.item else {
        return false;
    };
    let hosts = at.model.estate().hosts.iter();
    let mut adapters = hosts.flat_map(|host| &host.adapters);
    adapters.any(|adapter| {
        adapter.mac == mac
            && adapter.vm_name.eq_ignore_ascii_case(vm_name)
            && adapter.name.eq_ignore_ascii_case(name)
    })
}
