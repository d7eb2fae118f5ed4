//! What a clue comes to: the record that is to blame for a drop, and what was asked for in vain.

use nvgre_dataplane::{DropReason, Event, PortSubnet};
use nvgre_netwnv::{Estate, RecordEntry};

use crate::clue::Clue;

impl Clue {
    /// What of it can be the cause of a drop for this reason: nothing where no table decided, and no
    /// question for a port of the switch where one elsewhere would have done.
    pub fn about(self, reason: DropReason) -> Self {
        if !is_owed_to_tables(reason) {
            return Self::default();
        }
        let port = matches!(self.missed, Some((_, Event::PortAsked { .. })));
        let is_for_port = matches!(reason, DropReason::NoPort | DropReason::NoLookupRecord);
        Self {
            missed: self.missed.filter(|_| !port || is_for_port),
            ..self
        }
    }

    /// The record that decided about a copy that `host` dropped for this reason, or put on the
    /// underlay which did, and the host that holds it. `None` where an entry is missing or none could
    /// help.
    pub fn record_to_blame<'e>(
        &self,
        reason: DropReason,
        host: usize,
        estate: &'e Estate,
    ) -> Option<(usize, &'e RecordEntry)> {
        let clue = self.about(reason);
        let no_peer = matches!(clue.missed, Some((_, Event::PeerUnknown { .. })));
        if no_peer || no_record_is_to_blame(reason) {
            return None;
        }
        let hosts = &estate.hosts;
        let asked = clue
            .record
            .and_then(|(host, id)| Some((host, hosts[host].record(id)?)));
        match clue.sent_to {
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

    /// What a host was asked for in vain before it dropped a copy for this reason, in words, and the
    /// host.
    pub fn asked_in_vain(&self, reason: DropReason) -> Option<(usize, String)> {
        let clue = self.about(reason);
        let (host, event) = clue.missed.filter(|_| clue.sent_to.is_none())?;
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
            Event::PeerUnknown {
                virtual_subnet,
                source,
                ..
            } => format!("a record that names {source} in the domain of VSID {virtual_subnet}"),
            _another_step => return None,
        };
        Some((host, asked))
    }
}

/// Reasons for which an entry is missing, whatever record was asked on the way.
fn no_record_is_to_blame(reason: DropReason) -> bool {
    matches!(
        reason,
        DropReason::NoLookupRecord
            | DropReason::NoCustomerRoute
            | DropReason::NotRoutable
            | DropReason::NoRoutingDomain
            | DropReason::WnvUnbound
            | DropReason::UnknownVsid
    )
}

/// Whether a row of a table, or the want of one, can be the cause. Otherwise it is what the frame is, a
/// setting of a port, or the underlay: no record that was asked on the way could help.
const fn is_owed_to_tables(reason: DropReason) -> bool {
    use DropReason as R;
    match reason {
        R::PortDisconnected
        | R::WnvUnbound
        | R::NoSourceRecord
        | R::NoLookupRecord
        | R::NoCustomerRoute
        | R::NoRoutingDomain
        | R::TranslationNone
        | R::NatNoSource
        | R::NatFamilyMismatch
        | R::NatNotIp
        | R::NatUnsupported
        | R::NextHopUnresolved
        | R::UnderlayNoOwner
        | R::UnderlaySource
        | R::OuterVlan
        | R::OuterNotOurs
        | R::UnknownVsid
        | R::UnknownPeer
        | R::PeerNotSource
        | R::NatUnknownPa
        | R::NoPort => true,
        R::SpoofedMac
        | R::InnerSourceGroup
        | R::ProviderAddressSpoofed
        | R::InnerShort
        | R::VlanNotAllowed
        | R::AclDenied
        | R::DhcpGuard
        | R::RouterGuard
        | R::RateExceeded
        | R::StormLimit
        | R::NotRoutable
        | R::TtlExceeded
        | R::TooBig
        | R::TooBigDfClear
        | R::FragTooSmall
        | R::UnderlayMtu
        | R::UnderlayLoss
        | R::NotNvgre
        | R::OuterLength
        | R::OuterChecksum
        | R::OuterFragment
        | R::GreShort
        | R::GreVersion
        | R::GreChecksumBit
        | R::GreRoutingBit
        | R::GreSequenceBit
        | R::GreReservedBits
        | R::GreKeyAbsent
        | R::GreProtocol
        | R::ReservedVsid
        | R::InnerVlan
        | R::EcnCeOnNotEct => false,
    }
}
