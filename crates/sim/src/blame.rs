//! What a clue comes to: the record that is to blame for a drop, and what was asked for in vain.

use nvgre_dataplane::{DropReason, Event, PortSubnet};
use nvgre_netwnv::{Estate, RecordEntry};

use crate::clue::Clue;

impl Clue {
    /// The record that decided about a copy that `host` dropped for this reason, or put on the
    /// underlay which did, and the host that holds it. `None` where an entry is missing or none could
    /// help.
    pub fn record_to_blame<'e>(
        &self,
        reason: DropReason,
        host: usize,
        estate: &'e Estate,
    ) -> Option<(usize, &'e RecordEntry)> {
        if no_record_is_to_blame(reason) {
            return None;
        }
        let hosts = &estate.hosts;
        let asked = self
            .record
            .and_then(|(host, id)| Some((host, hosts[host].record(id)?)));
        match self.sent_to {
            // A flooded copy goes to every provider address of the subnet: the record that names
            // the one which failed is to blame, not the one that was asked.
            Some(lost) => asked
                .filter(|(_, entry)| entry.record.provider_address == lost)
                .or_else(|| {
                    let mut records = hosts[host].records.iter();
                    let named = records.find(|entry| entry.record.provider_address == lost);
                    named.map(|entry| (host, entry))
                }),
            None => asked,
        }
    }

    /// What a host was asked for in vain, in words, and the host.
    pub fn asked_in_vain(&self) -> Option<(usize, String)> {
        let (host, event) = self.missed.filter(|_| self.sent_to.is_none())?;
        let asked = match event {
            Event::RecordAsked {
                virtual_subnet,
                customer_address,
                ..
            } => {
                format!("a record of {customer_address} in VSID {virtual_subnet}")
            }
            Event::MacAsked {
                virtual_subnet,
                mac,
                ..
            } => {
                format!("a record of MAC {mac} in VSID {virtual_subnet}")
            }
            Event::SourceAsked {
                virtual_subnet,
                customer_address,
                mac,
                ..
            } => {
                let address = customer_address.map_or_else(String::new, |ca| format!("{ca}, "));
                format!("the sender's own record: {address}MAC {mac} in VSID {virtual_subnet}")
            }
            Event::RouteAsked {
                routing_domain,
                destination,
                ..
            } => {
                format!("a customer route to {destination} in {routing_domain}")
            }
            Event::NextHopAsked {
                provider_address, ..
            } => {
                format!("the next hop to {provider_address}")
            }
            Event::PortAsked {
                subnet: PortSubnet::Tenant(vsid),
                mac,
                ..
            } => {
                format!("a port with MAC {mac} in VSID {vsid}")
            }
            Event::PortAsked { mac, .. } => format!("a port with MAC {mac}"),
            _another_step => return None,
        };
        Some((host, asked))
    }
}

/// Reasons for which an entry is missing or none could help, whatever record was asked on the way.
fn no_record_is_to_blame(reason: DropReason) -> bool {
    matches!(
        reason,
        DropReason::NoLookupRecord
            | DropReason::NoCustomerRoute
            | DropReason::NotRoutable
            | DropReason::NoRoutingDomain
            | DropReason::WnvUnbound
            | DropReason::UnknownVsid
            | DropReason::UnknownPeer
    )
}
