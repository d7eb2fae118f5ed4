//! What a port lets in: state, VLAN, source MAC, guards, ACLs, rates.

use nvgre_wire::{
    CustomerAddress, FrameBuf, LinkHeader, ProviderAddress, icmpv4, icmpv6, ip_protocol,
};

use crate::acl::{self, AclDirection};
use crate::classify::{Classified, IpFields};
use crate::drop_reason::DropReason;
use crate::port::{Port, PortId, PortSubnet};
use crate::snapshot::{Segment, SwitchPort};
use crate::trace::{Event, Tracer};
use crate::verdict::Egress;
use crate::worker::Pass;

/// A frame that passed its port, and the one thing that says which tenant it belongs to.
/// Only [`Pass::admit`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted<'a, 'h> {
    pub(crate) at: &'a SwitchPort,
    pub(crate) headers: &'h Classified,
    _passed: (),
}

impl Admitted<'_, '_> {
    /// The port it came in at.
    pub(crate) const fn port(&self) -> PortId {
        self.at.port.id
    }
}

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// On success the frame carries no VLAN tag: tags of a tenant's guest are removed here and not
    /// only on encapsulation (RFC 7637 s3.3), so that a guest sees the same wherever its peer runs.
    pub(crate) fn admit<'h>(
        &mut self,
        at: &'a SwitchPort,
        link: &LinkHeader,
        headers: &'h Classified,
        frame: &mut FrameBuf<'_>,
    ) -> Result<Admitted<'a, 'h>, DropReason> {
        let port = &at.port;
        if link.tags > 0 {
            untag(port, link, frame)?;
        }
        if link.source.is_group() {
            return Err(DropReason::InnerSourceGroup);
        }
        if link.source != port.mac && !port.mac_address_spoofing {
            return Err(DropReason::SpoofedMac);
        }
        self.guard(port, headers, frame)?;
        let (to, ip) = (headers.destination, headers.target_ip());
        if !acl::allows(&port.acls, AclDirection::Outbound, to, ip) {
            return Err(DropReason::AclDenied);
        }
        self.limit(port, frame.len())?;
        if headers.destination.is_group() {
            self.storm(port)?;
        }
        if let Segment::PassThrough(_) = at.segment {
            self.refuse_provider_forgery(headers)?;
        }
        self.event(Event::Admitted {
            port: port.id,
            subnet: port.subnet,
        });
        Ok(Admitted {
            at,
            headers,
            _passed: (),
        })
    }

    fn guard(
        &self,
        port: &Port,
        headers: &Classified,
        frame: &FrameBuf<'_>,
    ) -> Result<(), DropReason> {
        let Some(ip) = headers.ip() else {
            return Ok(());
        };
        // DHCP servers send from 67, DHCPv6 servers and relays from 547 (RFC 2131, RFC 8415).
        // A chain of headers that does not show its end could hide anything: a guard lets none pass.
        let dhcp_server = matches!(ip.udp_source_port(&frame.bytes()[14..]), Some(67 | 547));
        if port.dhcp_guard && (dhcp_server || ip.hides_its_upper_layer()) {
            return Err(DropReason::DhcpGuard);
        }
        if port.router_guard && (is_router_message(ip) || ip.hides_its_upper_layer()) {
            return Err(DropReason::RouterGuard);
        }
        Ok(())
    }

    fn limit(&mut self, port: &Port, len: usize) -> Result<(), DropReason> {
        let bits_per_second = port.maximum_bandwidth_bits_per_second;
        if bits_per_second > 0 {
            let bucket = &mut self.worker.ports[port.id.0 as usize].bandwidth;
            if !bucket.take(self.now, bits_per_second, len as u64 * 8) {
                return Err(DropReason::RateExceeded);
            }
        }
        Ok(())
    }

    /// Counts a frame against the port's storm limit: broadcast, multicast and unknown unicast.
    pub(crate) fn storm(&mut self, port: &Port) -> Result<(), DropReason> {
        let limit = port.storm_limit_packets_per_second;
        let state = &mut self.worker.ports[port.id.0 as usize];
        if limit > 0 && !state.storm.count(self.now, limit) {
            return Err(DropReason::StormLimit);
        }
        Ok(())
    }

    /// Pass-through ports share the wire with the tunnels: they may not speak as a provider address
    /// that this host knows, nor send GRE to one.
    fn refuse_provider_forgery(&self, headers: &Classified) -> Result<(), DropReason> {
        let known = |ca: CustomerAddress| {
            let known = self.snapshot.provider(ProviderAddress::new(ca.ip()));
            known.is_some_and(|(_, known)| !known.is_only_group())
        };
        let forged = |ip: IpFields<'_>| {
            known(ip.source())
                || ip.advertises().is_some_and(known)
                || ip.protocol() == ip_protocol::GRE && known(ip.destination())
        };
        if headers.arp_sender().is_some_and(known) || headers.ip().is_some_and(forged) {
            Err(DropReason::ProviderAddressSpoofed)
        } else {
            Ok(())
        }
    }
}

/// Removes what tags the port lets pass. A pass-through port takes priority tags (VLAN id 0) only:
/// its VLAN is the switch's business.
fn untag(port: &Port, link: &LinkHeader, frame: &mut FrameBuf<'_>) -> Result<(), DropReason> {
    let allowed = match port.subnet {
        PortSubnet::Unset => link.tags == 1 && link.vlan.is_none(),
        PortSubnet::Tenant(_) | PortSubnet::LocalOnly => true,
    };
    if !allowed {
        return Err(DropReason::VlanNotAllowed);
    }
    // The two addresses move up against the EtherType; nothing behind them moves.
    let tags_len = link.len - 14;
    frame.bytes_mut().copy_within(..12, tags_len);
    frame.pop_front(tags_len);
    Ok(())
}

/// Router advertisements and redirects (RFC 1256, RFC 792, RFC 4861).
fn is_router_message(ip: IpFields<'_>) -> bool {
    match ip.icmp_type() {
        Some(kind) if ip.is_ipv4() => {
            matches!(kind, icmpv4::ROUTER_ADVERTISEMENT | icmpv4::REDIRECT)
        }
        Some(kind) => matches!(kind, icmpv6::ROUTER_ADVERTISEMENT | icmpv6::REDIRECT),
        None => false,
    }
}
