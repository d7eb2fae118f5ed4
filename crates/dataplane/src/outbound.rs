//! From a guest's port to wherever the frame goes: the order of decisions, as one page.

use nvgre_wire::{CustomerAddress, FrameBuf, Ipv4, Ipv6, LinkHeader, MacAddress, VirtualSubnetId};

use crate::acl::{self, AclDirection};
use crate::admit::Admitted;
use crate::answer::{Asked, set_link};
use crate::classify::Classified;
use crate::drop_reason::DropReason;
use crate::entry::Entry;
use crate::flood::Scope;
use crate::icmp_error::Problem;
use crate::port::Port;
use crate::snapshot::{Segment, SwitchPort};
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// A destination that is not on the wire yet: subnet, MAC and record, and whether the built-in
/// router took the frame there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) virtual_subnet: VirtualSubnetId,
    pub(crate) entry: Entry,
    pub(crate) routed: bool,
}

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Decides about a frame that a guest sent.
    pub(crate) fn decide_outbound(
        &mut self,
        at: &'a SwitchPort,
        frame: &mut FrameBuf<'_>,
    ) -> Result<Verdict, DropReason> {
        let bytes = frame.bytes();
        let link = LinkHeader::parse(bytes).map_err(|_| DropReason::InnerShort)?;
        let headers = Classified::of(&link, &bytes[link.len..]);
        let admitted = self.admit(at, &link, &headers, frame)?;
        match at.segment {
            Segment::Tenant(vsid) => self.tenant(frame, &admitted, vsid),
            Segment::PassThrough(_) => self.pass_through(frame, &admitted),
            Segment::LocalOnly => self.local_only(frame, &admitted),
        }
    }

    /// VSID 0: plain switching with VLAN rules, network virtualization untouched.
    fn pass_through(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
    ) -> Result<Verdict, DropReason> {
        let headers = admitted.headers;
        if headers.destination.is_group() {
            let from = Some(admitted.port());
            return Ok(self.flood_pass_through(frame, admitted.at.segment, from, headers));
        }
        if let Some(port) = self.local_port(admitted, headers.destination) {
            return self.deliver(port, frame, headers);
        }
        self.tag_for_wire(frame, admitted.at.segment, headers);
        Ok(Verdict::Uplink)
    }

    /// VSID 16,777,215: reaches ports of this switch and nothing else.
    fn local_only(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
    ) -> Result<Verdict, DropReason> {
        let headers = admitted.headers;
        if headers.destination.is_group() {
            let from = Some(admitted.port());
            let local = self.count_local(admitted.at.segment, from, headers);
            let mut copies = self.flood_local(frame, admitted.at.segment, from, headers, local);
            if let Some(verdict) = self.settle_single(frame, &mut copies, true) {
                return Ok(verdict);
            }
            if copies.made == 0 {
                return Err(DropReason::NoPort);
            }
            self.event(Event::Flooded { local, remote: 0 });
            return Ok(Verdict::Replicated(copies.made));
        }
        let port = self
            .local_port(admitted, headers.destination)
            .ok_or(DropReason::NoPort)?;
        self.deliver(port, frame, headers)
    }

    fn tenant(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        vsid: VirtualSubnetId,
    ) -> Result<Verdict, DropReason> {
        let headers = admitted.headers;
        let mut scope = Scope::Subnet;
        if let Some(target) = headers.question() {
            match self.ask(vsid, headers, target) {
                Asked::Known(mac, router) => {
                    return Ok(self.answer(frame, headers, target, mac, router));
                }
                Asked::Own => {}
                Asked::Unknown => scope = Scope::Learning,
            }
        }
        if headers.destination.is_group() {
            return self.flood_tenant(frame, admitted, vsid, scope);
        }
        let snapshot = self.snapshot;
        let to_router = headers.destination == snapshot.settings.router_mac
            && snapshot.wnv_bound
            && !snapshot.use_external_router;
        if to_router {
            self.route(frame, admitted, vsid)
        } else {
            self.switch(frame, admitted, vsid)
        }
    }

    /// Within the subnet, by the guest's own destination MAC: a port of this switch, or the record of
    /// the destination. The record of an address knows its port, so that one look is enough for most
    /// frames.
    fn switch(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        vsid: VirtualSubnetId,
    ) -> Result<Verdict, DropReason> {
        let headers = admitted.headers;
        let addressed = self.addressed_record(vsid, headers);
        let port = match addressed {
            Some(entry) => self.port_of_record(admitted, &entry),
            None => self.local_port(admitted, headers.destination),
        };
        if let Some(port) = port {
            return self.deliver(port, frame, headers);
        }
        let found = match addressed {
            Some(entry) => Ok(entry),
            None if !self.snapshot.wnv_bound => Err(DropReason::WnvUnbound),
            None => self
                .record_of_mac(vsid, headers.destination)
                .ok_or(DropReason::NoLookupRecord),
        };
        match found {
            Ok(entry) => {
                let target = Target {
                    virtual_subnet: vsid,
                    entry,
                    routed: false,
                };
                self.leave(frame, admitted, vsid, target)
            }
            Err(reason) => {
                self.storm(&admitted.at.port)?;
                Err(reason)
            }
        }
    }

    /// The record of the destination address, if its MAC is the frame's: a guest cannot steer to an
    /// address with another station's MAC.
    fn addressed_record(&mut self, vsid: VirtualSubnetId, headers: &Classified) -> Option<Entry> {
        let hit = self.record(vsid, headers.target_ip()?);
        hit.filter(|entry| entry.mac() == headers.destination)
    }

    /// The record of a MAC with the lowest id: for frames that are not IP, or go by way of another station.
    fn record_of_mac(&mut self, vsid: VirtualSubnetId, mac: MacAddress) -> Option<Entry> {
        let of_mac = self.snapshot.records_of_mac(vsid, mac);
        let hit = of_mac.min_by_key(|entry| entry.id());
        self.event(Event::MacAsked {
            virtual_subnet: vsid,
            mac,
            hit: hit.map(|entry| entry.id()),
        });
        hit
    }

    /// The built-in router: customer route, TTL, new MACs (hnv F-04, F-05, F-07 to F-09).
    fn route(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        vsid: VirtualSubnetId,
    ) -> Result<Verdict, DropReason> {
        let headers = admitted.headers;
        let ip = headers.ip().ok_or(DropReason::NoLookupRecord)?;
        let domain = admitted.at.domain.ok_or(DropReason::NoRoutingDomain)?;
        let to = ip.destination();
        // RFC 1812 s5.3.7, RFC 4291 s2.5: such addresses mean nothing beyond their link.
        let of_link = |ca: CustomerAddress| ca.is_link_local() || ca.is_unspecified();
        if of_link(ip.source()) || of_link(to) {
            return Err(DropReason::NotRoutable);
        }
        // As for ARP: an address that has a record is its owner's and not the router's.
        let mine = self.snapshot.is_gateway(domain, to)
            && self.snapshot.in_domain(domain, to).next().is_none();
        if mine && ip.is_echo_request() {
            return Ok(self.answer_echo(frame, headers, to));
        }
        if mine {
            return Ok(Verdict::Consumed);
        }
        if ip.ttl() <= 1 {
            self.send_error(frame, headers, admitted.port(), vsid, Problem::TimeExceeded);
            return Err(DropReason::TtlExceeded);
        }
        let target = self.routed_target(domain, vsid, to)?;
        let mac = target.entry.mac();
        if let Some(port) = self.port_with_record(&target.entry) {
            self.apply_routing(frame, vsid, &target);
            // The receiver's ACL sees what it would see on another host.
            let routed = headers.with_link(mac, self.snapshot.settings.router_mac);
            return self.deliver(port, frame, &routed);
        }
        self.leave(frame, admitted, vsid, target)
    }

    pub(crate) fn routed_target(
        &mut self,
        domain: u32,
        vsid: VirtualSubnetId,
        to: CustomerAddress,
    ) -> Result<Target, DropReason> {
        let snapshot = self.snapshot;
        let route = (!to.is_group())
            .then(|| snapshot.route(domain, vsid, to))
            .flatten();
        self.event(Event::RouteAsked {
            routing_domain: snapshot.domain(domain).id,
            destination: to,
            hit: route.map(|route| route.id),
        });
        let (virtual_subnet, found) = match route {
            Some(route) => {
                let next_hop = if route.is_on_link() {
                    to
                } else {
                    route.next_hop
                };
                (
                    route.virtual_subnet,
                    self.record(route.virtual_subnet, next_hop),
                )
            }
            None => (vsid, None),
        };
        let found = match found {
            Some(entry) => Some(entry),
            None => self.wildcard(virtual_subnet, to.is_ipv4()),
        };
        match (found, route) {
            (Some(entry), _) => Ok(Target {
                virtual_subnet,
                entry,
                routed: true,
            }),
            (None, Some(_)) => Err(DropReason::NoLookupRecord),
            (None, None) => Err(DropReason::NoCustomerRoute),
        }
    }

    pub(crate) fn record(&mut self, vsid: VirtualSubnetId, ca: CustomerAddress) -> Option<Entry> {
        let hit = self.snapshot.record(vsid, ca);
        let id = hit.map(|entry| entry.id());
        self.event(Event::RecordAsked {
            virtual_subnet: vsid,
            customer_address: ca,
            hit: id,
        });
        hit
    }

    fn wildcard(&mut self, vsid: VirtualSubnetId, ipv4: bool) -> Option<Entry> {
        let hit = self.snapshot.wildcard(vsid, ipv4);
        let id = hit.map(|entry| entry.id());
        self.event(Event::WildcardAsked {
            virtual_subnet: vsid,
            hit: id,
        });
        hit
    }

    pub(crate) fn apply_routing(
        &mut self,
        frame: &mut FrameBuf<'_>,
        from: VirtualSubnetId,
        target: &Target,
    ) {
        let router_mac = self.snapshot.settings.router_mac;
        set_routed(frame.bytes_mut(), target.entry.mac(), router_mac);
        self.event(Event::Routed {
            from,
            to: target.virtual_subnet,
        });
    }

    /// A connected port of the sender's own segment, other than the sender's.
    fn local_port(&mut self, admitted: &Admitted<'a, '_>, mac: MacAddress) -> Option<&'a Port> {
        let hit = self.snapshot.port_of(admitted.at.segment, mac);
        self.other_port(admitted, mac, hit.map(|at| &at.port))
    }

    /// The port of a record's subnet and MAC, other than the sender's.
    fn port_of_record(&mut self, admitted: &Admitted<'a, '_>, entry: &Entry) -> Option<&'a Port> {
        let hit = self.port_with_record(entry);
        self.other_port(admitted, entry.mac(), hit)
    }

    /// The port of a record's subnet and MAC. The record knows whether there is one, so that most
    /// frames need not ask.
    fn port_with_record(&self, entry: &Entry) -> Option<&'a Port> {
        let segment = Segment::Tenant(entry.virtual_subnet());
        let local = entry.is_local();
        local.then(|| {
            self.snapshot
                .port_of(segment, entry.mac())
                .map(|at| &at.port)
        })?
    }

    fn other_port(
        &mut self,
        admitted: &Admitted<'a, '_>,
        mac: MacAddress,
        hit: Option<&'a Port>,
    ) -> Option<&'a Port> {
        self.event(Event::PortAsked {
            subnet: admitted.at.port.subnet,
            mac,
            hit: hit.map(|port| port.id),
        });
        hit.filter(|port| port.id != admitted.port())
    }

    /// Hands the frame, as it is, to a port.
    pub(crate) fn deliver(
        &mut self,
        port: &Port,
        frame: &FrameBuf<'_>,
        headers: &Classified,
    ) -> Result<Verdict, DropReason> {
        self.passes_inbound_acl(port, headers)?;
        self.worker.counters.received(port.id, frame.len());
        self.event(Event::Delivered(port.id));
        Ok(Verdict::Deliver(port.id))
    }

    fn passes_inbound_acl(&self, port: &Port, headers: &Classified) -> Result<(), DropReason> {
        if port.acls.is_empty()
            || acl::allows(
                &port.acls,
                AclDirection::Inbound,
                headers.source,
                headers.sender_ip(),
            )
        {
            Ok(())
        } else {
            Err(DropReason::AclDenied)
        }
    }
}

/// What the router changes: both MACs, and the TTL. The frame may be cut behind its IP header.
pub(crate) fn set_routed(frame: &mut [u8], to: MacAddress, router: MacAddress) {
    set_link(frame, to, router);
    let packet = &mut frame[14..];
    if let Ok(mut ip) = Ipv4::parse_cut(&mut *packet) {
        ip.decrement_ttl();
    } else if let Ok(mut ip) = Ipv6::parse_cut(packet) {
        ip.decrement_hop_limit();
    }
}
