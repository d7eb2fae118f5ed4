//! From the underlay to a guest's port.

use core::cell::Cell;
use core::net::IpAddr;

use nvgre_wire::{
    FrameBuf, Icmpv4, Icmpv6, LinkHeader, MacAddress, ProviderAddress, VirtualSubnetId, ip_protocol,
};

use crate::answer::set_link;
use crate::classify::Classified;
use crate::decap::{self, Decapsulated, Inner, Outer, Provider, Refused};
use crate::drop_reason::DropReason;
use crate::entry::Entry;
use crate::lookup_record::{RecordId, RecordType, Rule};
use crate::nat::{self, Renaming};
use crate::port::PortSubnet;
use crate::snapshot::{KnownProvider, NatRecord, Segment, Snapshot};
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Learned, Verdict};
use crate::worker::Pass;

/// The snapshot's answers to what decapsulation asks, about a packet for a known provider address.
struct Endpoint<'a> {
    snapshot: &'a Snapshot,
    to: &'a KnownProvider,
    /// The number of the source address, once it is found.
    source: Cell<Option<u32>>,
    /// Whether addresses are learned in the key's subnet, once it is found.
    learns: Cell<bool>,
}

impl Provider for Endpoint<'_> {
    fn accepts_outer(&self, outer: &Outer) -> Result<(), DropReason> {
        if outer.segments_left {
            return Err(DropReason::OuterNotOurs);
        }
        let Some(host) = self.to.host else {
            return accepts_group(self.to, outer);
        };
        let host = &self.snapshot.fixed.hosts[host as usize];
        if outer.link.destination != host.mac && Some(outer.link.destination) != self.vm_mac() {
            return Err(DropReason::OuterNotOurs);
        }
        if outer.link.tags > 1 || outer.link.vlan != host.vlan {
            return Err(DropReason::OuterVlan);
        }
        Ok(())
    }

    /// The key names the destination's subnet, so the sender may own nothing in it: any record of
    /// the routing domain that names its address will do.
    fn accepts_peer(
        &self,
        source: ProviderAddress,
        virtual_subnet: VirtualSubnetId,
    ) -> Result<(), DropReason> {
        let (domain, learns) = self.snapshot.domain_and_learning(virtual_subnet);
        let domain = domain.ok_or(DropReason::UnknownVsid)?;
        self.learns.set(learns);
        let Some((source, known)) = self.snapshot.provider(source) else {
            return Err(DropReason::UnknownPeer);
        };
        self.source.set(Some(source));
        if known.peer_in == Some(domain) || self.snapshot.is_peer_in(source, domain) {
            Ok(())
        } else {
            Err(DropReason::UnknownPeer)
        }
    }
}

impl<'a> Endpoint<'a> {
    const fn of(snapshot: &'a Snapshot, to: &'a KnownProvider) -> Self {
        Self {
            snapshot,
            to,
            source: Cell::new(None),
            learns: Cell::new(false),
        }
    }

    /// With UseVmMACAddress the guest's MAC is seen outside too.
    fn vm_mac(&self) -> Option<MacAddress> {
        let entry = &self.to.nat.as_ref()?.entry;
        entry.use_vm_mac().then_some(entry.mac())
    }
}

/// A group is joined on every NIC; the tag is whatever the sender's address has.
fn accepts_group(to: &KnownProvider, outer: &Outer) -> Result<(), DropReason> {
    let group_mac = MacAddress::of_multicast(outer.destination.ip());
    if !to.group || group_mac != Some(outer.link.destination) {
        Err(DropReason::OuterNotOurs)
    } else if outer.link.tags > 1 {
        Err(DropReason::OuterVlan)
    } else {
        Ok(())
    }
}

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Decides about a frame that came in at the physical NIC.
    pub(crate) fn decide_inbound(
        &mut self,
        frame: &mut FrameBuf<'_>,
    ) -> Result<Verdict, DropReason> {
        match Outer::parse(frame.bytes()) {
            Ok(outer) => self.receive(frame, &outer),
            Err(reason) => self.inbound_unread(frame, reason),
        }
    }

    fn receive(&mut self, frame: &mut FrameBuf<'_>, outer: &Outer) -> Result<Verdict, DropReason> {
        let snapshot = self.snapshot;
        let to = snapshot
            .own_provider(outer.destination)
            .filter(|to| to.host.is_some() || to.group);
        let Some(to) = to else {
            // A tunnel packet that a wrong neighbor entry led here; a host's own traffic is not GRE.
            if outer.protocol == ip_protocol::GRE && self.is_to_host(outer.link.destination) {
                return Err(DropReason::OuterNotOurs);
            }
            return self.pass_through_inbound(frame, &outer.link);
        };
        if let (Some(nat), Some(_)) = (&to.nat, to.host) {
            return self.rewrite_in(frame, outer, to, nat);
        }
        if !outer.may_be_gre() {
            Endpoint::of(snapshot, to).accepts_outer(outer)?;
            return Ok(self.hand_to_host(frame, outer));
        }
        self.decapsulate(frame, outer, to)
    }

    /// A frame whose IP header is damaged or absent: that is this host's affair only if its MAC says
    /// that the packet was for the host.
    fn inbound_unread(
        &mut self,
        frame: &mut FrameBuf<'_>,
        reason: DropReason,
    ) -> Result<Verdict, DropReason> {
        let link = LinkHeader::parse(frame.bytes()).map_err(|_| DropReason::OuterLength)?;
        if reason != DropReason::NotNvgre && self.is_to_host(link.destination) {
            return Err(reason);
        }
        self.pass_through_inbound(frame, &link)
    }

    fn is_router(&self, address: ProviderAddress) -> bool {
        let known = self.snapshot.provider(address);
        known.is_some_and(|(_, known)| known.router)
    }

    fn is_to_host(&self, destination: MacAddress) -> bool {
        let hosts = &self.snapshot.fixed.hosts;
        hosts.iter().any(|host| host.mac == destination)
    }

    fn decapsulate(
        &mut self,
        frame: &mut FrameBuf<'_>,
        outer: &Outer,
        to: &'a KnownProvider,
    ) -> Result<Verdict, DropReason> {
        let bytes = frame.bytes();
        let endpoint = Endpoint::of(self.snapshot, to);
        let checked = decap::check(bytes, outer, &self.snapshot.settings, &endpoint);
        if T::ON {
            self.trace_decapsulation(outer, &endpoint, &checked, bytes);
        }
        let (decapsulated, inner) = checked.map_err(|refused| refused.reason)?;
        let headers = &Classified::of(&inner.link, inner.packet(bytes));
        let (vsid, source) = (decapsulated.virtual_subnet, decapsulated.source);
        let peer = endpoint.source.get();
        self.check_source(vsid, source, peer, headers)?;
        let ecn_reported = decap::take_out(frame, outer, &inner, headers)?;
        let tally = &mut self.worker.counters.tally;
        tally.decapsulated += 1;
        tally.gre_reserved_bits += u64::from(decapsulated.reserved_bits);
        tally.ecn_reported += u64::from(ecn_reported);
        if endpoint.learns.get() {
            self.learn(vsid, source, peer, headers);
        }
        self.hand_to_guest(frame, vsid, headers)
    }

    fn trace_decapsulation(
        &mut self,
        outer: &Outer,
        endpoint: &Endpoint<'a>,
        checked: &Result<(Decapsulated, Inner), Refused>,
        bytes: &[u8],
    ) {
        if checked.is_ok() || endpoint.accepts_outer(outer).is_ok() {
            self.event(Event::OuterAccepted {
                source: outer.source,
                destination: outer.destination,
            });
        }
        let key = match checked {
            Ok((d, _)) => Some((d.virtual_subnet, d.flow_id)),
            Err(refused) => refused.key,
        };
        if let Some((virtual_subnet, flow_id)) = key {
            self.event(Event::KeyRead {
                virtual_subnet,
                flow_id,
            });
        }
        if let (Err(refused), Some((virtual_subnet, _))) = (checked, key)
            && refused.reason == DropReason::UnknownPeer
        {
            self.event(Event::PeerUnknown {
                virtual_subnet,
                source: outer.source,
                sender: self.record_of_sender(virtual_subnet, bytes, outer),
            });
        }
    }

    /// The record of the customer address that the frame inside comes from, else of its MAC.
    fn record_of_sender(
        &self,
        vsid: VirtualSubnetId,
        frame: &[u8],
        outer: &Outer,
    ) -> Option<RecordId> {
        /// The key is there, or there would be no subnet.
        const GRE: usize = 8;
        let inside = frame.get(outer.payload.clone())?.get(GRE..)?;
        let link = LinkHeader::parse(inside).ok()?;
        let headers = Classified::of(&link, &inside[link.len..]);
        let snapshot = self.snapshot;
        let of_address = headers.source_ca().and_then(|ca| snapshot.record(vsid, ca));
        let of_mac = || {
            let of_mac = snapshot.records_of_mac(vsid, link.source);
            of_mac.min_by_key(|entry| entry.id())
        };
        Some(of_address.or_else(of_mac)?.id())
    }

    /// If the sender's customer address has a record, it must name the packet's source. The record
    /// is looked for in the key's subnet, and in the whole domain when the frame comes from the
    /// built-in router. A gateway may forward foreign addresses from its own MAC.
    fn check_source(
        &mut self,
        vsid: VirtualSubnetId,
        source: ProviderAddress,
        peer: Option<u32>,
        headers: &Classified,
    ) -> Result<(), DropReason> {
        let snapshot = self.snapshot;
        let Some(ca) = headers.source_ca() else {
            return Ok(());
        };
        let matches = |entry: &Entry| peer == Some(entry.provider());
        let routed = headers.source == snapshot.settings.router_mac;
        let (hit, ok) = if routed {
            let domain = snapshot.domain_of(vsid).ok_or(DropReason::UnknownVsid)?;
            let all = || snapshot.in_domain(domain, ca);
            let first = all().map(|entry| entry.id()).min();
            (first, first.is_none() || all().any(|entry| matches(&entry)))
        } else {
            let hit = snapshot.record(vsid, ca);
            let ok = hit.is_none_or(|entry| matches(&entry));
            (hit.map(|entry| entry.id()), ok)
        };
        self.event(Event::PeerChecked {
            virtual_subnet: vsid,
            source,
            hit,
        });
        let is_gateway = || {
            let mut of_mac = snapshot.records_of_mac(vsid, headers.source);
            of_mac
                .any(|entry| entry.record_type() == RecordType::GatewayWildcard && matches(&entry))
        };
        if ok || is_gateway() {
            Ok(())
        } else {
            Err(DropReason::PeerNotSource)
        }
    }

    /// A MAC with an L2Only record has shown its address.
    fn learn(
        &mut self,
        vsid: VirtualSubnetId,
        source: ProviderAddress,
        peer: Option<u32>,
        headers: &Classified,
    ) {
        let snapshot = self.snapshot;
        let Some(ca) = headers.shown_ca() else {
            return;
        };
        let known = snapshot.record(vsid, ca).is_some();
        let may_learn = !known
            && snapshot.records_of_mac(vsid, headers.source).any(|entry| {
                entry.record_type() == RecordType::L2Only
                    && entry.rule() == Rule::Encap
                    && peer == Some(entry.provider())
            });
        if may_learn {
            self.egress.learned(Learned {
                virtual_subnet: vsid,
                customer_address: ca,
                mac: headers.source,
                provider_address: source,
            });
        }
    }

    /// To the port of (subnet, destination MAC), or to every port of the subnet.
    fn hand_to_guest(
        &mut self,
        frame: &mut FrameBuf<'_>,
        vsid: VirtualSubnetId,
        headers: &Classified,
    ) -> Result<Verdict, DropReason> {
        if headers.destination.is_group() {
            return self.flood_to_guests(frame, vsid, headers);
        }
        let hit = self
            .snapshot
            .port_of(Segment::Tenant(vsid), headers.destination);
        let hit = hit.map(|at| &at.port);
        self.event(Event::PortAsked {
            subnet: PortSubnet::Tenant(vsid),
            mac: headers.destination,
            hit: hit.map(|port| port.id),
        });
        let port = hit.ok_or(DropReason::NoPort)?;
        self.deliver(port, frame, headers)
    }

    fn flood_to_guests(
        &mut self,
        frame: &mut FrameBuf<'_>,
        vsid: VirtualSubnetId,
        headers: &Classified,
    ) -> Result<Verdict, DropReason> {
        let segment = Segment::Tenant(vsid);
        let local = self.count_local(segment, None, headers);
        let mut copies = self.flood_local(frame, segment, None, headers, local);
        if let Some(verdict) = self.settle_single(frame, &mut copies, true) {
            return Ok(verdict);
        }
        if copies.made == 0 {
            return Err(DropReason::NoPort);
        }
        self.event(Event::Flooded { local, remote: 0 });
        Ok(Verdict::Replicated(copies.made))
    }

    /// Reverse rewrite: the provider addresses alone tell tenant and guests.
    fn rewrite_in(
        &mut self,
        frame: &mut FrameBuf<'_>,
        outer: &Outer,
        known: &'a KnownProvider,
        nat: &'a NatRecord,
    ) -> Result<Verdict, DropReason> {
        let snapshot = self.snapshot;
        Endpoint::of(snapshot, known).accepts_outer(outer)?;
        self.event(Event::OuterAccepted {
            source: outer.source,
            destination: outer.destination,
        });
        let to = &nat.entry;
        let vsid = to.virtual_subnet();
        let domain = nat.domain.ok_or(DropReason::UnknownVsid)?;
        let from = snapshot.nat(outer.source);
        let (source_new, source_mac) = match from {
            Some(from) if from.domain != Some(domain) => {
                self.event(Event::PeerUnknown {
                    virtual_subnet: vsid,
                    source: outer.source,
                    sender: None,
                });
                return Err(DropReason::UnknownPeer);
            }
            Some(NatRecord { entry: from, .. }) => {
                let same = from.virtual_subnet() == vsid;
                let router = snapshot.settings.router_mac;
                let mac = if same { from.mac() } else { router };
                (from.customer_address(), mac)
            }
            // A router of the underlay reports an error about a packet of ours: it has no customer
            // address, so the gateway lends its own. Only a next hop of a provider route is taken
            // for a router: anybody on the wire could send such a packet.
            None if self.is_router(outer.source) && is_icmp_error(frame.bytes(), outer) => (
                snapshot
                    .gateway(vsid, to.customer_address().is_ipv4())
                    .ok_or(DropReason::NatUnknownPa)?,
                snapshot.settings.router_mac,
            ),
            None => return Err(DropReason::NatUnknownPa),
        };
        let source = Renaming {
            old: outer.source.ip(),
            new: source_new.ip(),
        };
        let destination = Renaming {
            old: outer.destination.ip(),
            new: to.customer_address().ip(),
        };
        let quoted = |address: IpAddr| {
            let nat = snapshot.nat(ProviderAddress::new(address))?;
            let same = nat.domain == Some(domain);
            same.then(|| nat.entry.customer_address().ip())
        };
        let start = outer.link.len;
        frame.truncate(outer.payload.end);
        nat::rewrite(&mut frame.bytes_mut()[start..], source, destination, quoted)?;
        // The outer tag goes: the EtherType behind it stays where it is.
        frame.pop_front(start - 14);
        set_link(frame.bytes_mut(), to.mac(), source_mac);
        self.worker.counters.tally.rewritten_in += 1;
        if let Some(from) = from {
            self.event(Event::Rewritten {
                source: from.entry.id(),
                destination: to.id(),
            });
        }
        let bytes = frame.bytes();
        let link = LinkHeader::parse(bytes).map_err(|_| DropReason::InnerShort)?;
        let headers = Classified::of(&link, &bytes[link.len..]);
        self.hand_to_guest(frame, vsid, &headers)
    }

    /// The host's own stack takes it; errors about what this host encapsulated are counted.
    fn hand_to_host(&mut self, frame: &FrameBuf<'_>, outer: &Outer) -> Verdict {
        if is_icmp_error(frame.bytes(), outer) {
            self.worker.counters.tally.underlay_errors += 1;
        }
        Verdict::Consumed
    }

    /// Plain switching: what is not for a provider address may be for a pass-through port.
    fn pass_through_inbound(
        &mut self,
        frame: &mut FrameBuf<'_>,
        link: &LinkHeader,
    ) -> Result<Verdict, DropReason> {
        let segment = Segment::PassThrough(link.vlan.map_or(0, |vlan| vlan.get()));
        // What is for the host is for no guest that took its MAC: rewritten packets go by the MAC of
        // a next hop, whatever address they are for.
        let to_host = self.is_to_host(link.destination);
        let to_port = (!to_host).then(|| self.snapshot.port_of(segment, link.destination));
        let to_port = to_port.flatten().map(|at| &at.port);
        if to_port.is_none() && !link.destination.is_group() {
            return if to_host {
                Ok(Verdict::Consumed)
            } else {
                Err(DropReason::OuterNotOurs)
            };
        }
        let mut untagged = *link;
        if link.tags > 0 {
            // The access port's tag goes; tags behind it are the guests' own.
            frame.bytes_mut().copy_within(..12, LinkHeader::TAG_LEN);
            frame.pop_front(LinkHeader::TAG_LEN);
            untagged = LinkHeader::parse(frame.bytes()).map_err(|_| DropReason::OuterLength)?;
        }
        let headers = Classified::of(&untagged, &frame.bytes()[untagged.len..]);
        match to_port {
            Some(port) => self.deliver(port, frame, &headers),
            None => Ok(self.flood_pass_through(frame, segment, None, &headers)),
        }
    }
}

fn is_icmp_error(frame: &[u8], outer: &Outer) -> bool {
    let payload = &frame[outer.payload.clone()];
    match outer.protocol {
        ip_protocol::ICMP => Icmpv4::parse(payload).is_ok_and(|message| message.is_error()),
        ip_protocol::ICMPV6 => Icmpv6::parse(payload).is_ok_and(|message| message.is_error()),
        _other => false,
    }
}
