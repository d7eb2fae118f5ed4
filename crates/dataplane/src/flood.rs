//! One frame, several places: broadcast, multicast, and questions that no record answers.

use nvgre_wire::{FrameBuf, VirtualSubnetId};

use crate::acl::{self, AclDirection};
use crate::admit::Admitted;
use crate::classify::Classified;
use crate::drop_reason::DropReason;
use crate::encap::{Path, ip_overhead, write_link};
use crate::port::{Port, PortId};
use crate::snapshot::{Segment, Subnet};
use crate::trace::{Event, Tracer};
use crate::verdict::{Destination, Egress, Verdict};
use crate::worker::Pass;

/// Which other hosts get a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every host with an Encap record in the subnet, or its multicast group.
    Subnet,
    /// Hosts with an L2Only record: the ones where an unknown address may be.
    Learning,
}

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Copies for the ports of a tenant's subnet and for other hosts. One destination: the frame
    /// stays where it is and the verdict says where it goes.
    pub(crate) fn flood_tenant(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        vsid: VirtualSubnetId,
        scope: Scope,
    ) -> Result<Verdict, DropReason> {
        let headers = admitted.headers;
        let segment = Segment::Tenant(vsid);
        let local = self.count_local(segment, Some(admitted.port()), headers);
        let snapshot = self.snapshot;
        let remotes = self.remotes(vsid, scope);
        let over_ipv4 = |remote: &u32| snapshot.provider_address(*remote).is_ipv4();
        // One source for each family that the hosts have.
        let mut sources = [None; 2];
        let mut refused = None;
        for (ipv4, source) in [true, false].into_iter().zip(&mut sources) {
            if remotes.iter().any(|remote| over_ipv4(remote) == ipv4) {
                match self.source_of_copies(admitted, vsid, frame.len(), ipv4) {
                    Ok(found) => *source = Some(found),
                    Err(reason) => refused = refused.or(Some(reason)),
                }
            }
        }
        let [v4, v6] = sources;
        let source_to = |remote: &u32| if over_ipv4(remote) { v4 } else { v6 };
        let leaving = remotes
            .iter()
            .filter(|remote| source_to(remote).is_some())
            .count();
        if local == 0 && leaving == 0 {
            return Err(refused.unwrap_or(if self.snapshot.wnv_bound {
                DropReason::NoLookupRecord
            } else {
                DropReason::WnvUnbound
            }));
        }
        if let Some(reason) = refused {
            self.worker.counters.tally.remote_copies_refused += 1;
            self.event(Event::RemoteCopiesRefused(reason));
        }
        let mut copies = self.flood_local(frame, segment, Some(admitted.port()), headers, local);
        if let Some(verdict) = self.settle_single(frame, &mut copies, leaving == 0) {
            return Ok(verdict);
        }
        let (flow_id, tos) = (self.flow_id(headers), headers.tos());
        let mut sent: u16 = 0;
        for &remote in remotes {
            let Some(host) = source_to(&remote) else {
                continue;
            };
            let destination = snapshot.provider_address(remote);
            let path = snapshot.path(host, remote);
            let path = path.filter(|path| path.is_resolved());
            self.event(Event::NextHopAsked {
                provider_address: destination,
                hit: path.map(Path::next_hop),
            });
            let Some(path) = path else { continue };
            if !path.write(frame, vsid, flow_id, tos) {
                continue;
            }
            self.worker.counters.tally.encapsulated += 1;
            self.event(Event::Encapsulated {
                virtual_subnet: vsid,
                flow_id,
                source: snapshot.fixed.hosts[host as usize].address,
                destination,
            });
            sent += 1;
            if local == 0 && leaving == 1 {
                return Ok(Verdict::Uplink);
            }
            self.egress
                .copy(self.index, Destination::Uplink, frame.bytes());
            frame.pop_front(path.len());
        }
        if sent == 0 && local == 0 {
            return Err(DropReason::NextHopUnresolved);
        }
        if usize::from(sent) < leaving {
            self.worker.counters.tally.remote_copies_refused += 1;
            self.event(Event::RemoteCopiesRefused(DropReason::NextHopUnresolved));
        }
        copies.made += sent;
        self.event(Event::Flooded {
            local,
            remote: sent,
        });
        Ok(Verdict::Replicated(copies.made))
    }

    /// The other hosts that are to get a copy.
    fn remotes(&self, vsid: VirtualSubnetId, scope: Scope) -> &'a [u32] {
        let subnet = self.snapshot.subnet(vsid);
        subnet.map_or(&[], |subnet| hosts_of(subnet, scope))
    }

    /// Which of this host's addresses copies for hosts of one family come from, if they fit the
    /// underlay.
    fn source_of_copies(
        &mut self,
        admitted: &Admitted<'a, '_>,
        vsid: VirtualSubnetId,
        frame_len: usize,
        ipv4: bool,
    ) -> Result<u32, DropReason> {
        if admitted.at.domain.is_none() {
            return Err(DropReason::NoRoutingDomain);
        }
        let host = self.source(admitted, vsid, ipv4)?;
        let mtu = usize::from(self.snapshot.settings.underlay_mtu_bytes);
        if ip_overhead(ipv4) + frame_len > mtu {
            // Nobody is told about a group destination (RFC 1122 s3.2.2).
            return Err(too_big_reason(admitted.headers));
        }
        Ok(host)
    }

    /// Copies for the members of a segment other than the sender, handed out at once; a single one
    /// that stays alone is left to the caller.
    pub(crate) fn flood_local(
        &mut self,
        frame: &FrameBuf<'_>,
        segment: Segment,
        from: Option<PortId>,
        headers: &Classified,
        local: u16,
    ) -> Copies {
        let mut copies = Copies {
            made: 0,
            only: None,
        };
        for port in self.snapshot.members(segment) {
            if !takes(port, from, headers) {
                continue;
            }
            if local == 1 {
                copies.only = Some(port.id);
                break;
            }
            self.hand_to_port(port.id, frame);
            copies.made += 1;
        }
        copies
    }

    fn hand_to_port(&mut self, port: PortId, frame: &FrameBuf<'_>) {
        self.worker.counters.received(port, frame.len());
        self.event(Event::Delivered(port));
        self.egress
            .copy(self.index, Destination::Port(port), frame.bytes());
    }

    pub(crate) fn count_local(
        &self,
        segment: Segment,
        from: Option<PortId>,
        headers: &Classified,
    ) -> u16 {
        let takers = self
            .snapshot
            .members(segment)
            .filter(|port| takes(port, from, headers));
        takers.count().min(usize::from(u16::MAX)) as u16
    }

    /// Delivers the single copy in place, if nothing else is to be made of the frame; else hands it
    /// out like any other.
    pub(crate) fn settle_single(
        &mut self,
        frame: &FrameBuf<'_>,
        copies: &mut Copies,
        alone: bool,
    ) -> Option<Verdict> {
        let port = copies.only.take()?;
        if alone {
            self.worker.counters.received(port, frame.len());
            self.event(Event::Delivered(port));
            return Some(Verdict::Deliver(port));
        }
        self.hand_to_port(port, frame);
        copies.made += 1;
        None
    }

    /// Plain switching of a group frame among pass-through ports, and out of the NIC when it came
    /// from a port.
    pub(crate) fn flood_pass_through(
        &mut self,
        frame: &mut FrameBuf<'_>,
        segment: Segment,
        from: Option<PortId>,
        headers: &Classified,
    ) -> Verdict {
        let local = self.count_local(segment, from, headers);
        let mut copies = self.flood_local(frame, segment, from, headers, local);
        let uplink = from.is_some();
        if let Some(verdict) = self.settle_single(frame, &mut copies, !uplink) {
            return verdict;
        }
        if uplink {
            self.tag_for_wire(frame, segment, headers);
            if copies.made == 0 {
                return Verdict::Uplink;
            }
            self.egress
                .copy(self.index, Destination::Uplink, frame.bytes());
            copies.made += 1;
        }
        if copies.made == 0 {
            // The management system hears broadcasts of the wire too.
            return Verdict::Consumed;
        }
        self.event(Event::Flooded {
            local,
            remote: u16::from(uplink),
        });
        Verdict::Replicated(copies.made)
    }

    /// Puts the segment's VLAN tag on a frame that leaves for the physical network.
    pub(crate) fn tag_for_wire(
        &mut self,
        frame: &mut FrameBuf<'_>,
        segment: Segment,
        headers: &Classified,
    ) {
        if let Segment::PassThrough(vlan) = segment
            && let Ok(vlan) = nvgre_wire::VlanId::try_new(vlan)
            && frame.push_front(4).is_ok()
        {
            write_link(
                frame.bytes_mut(),
                headers.destination,
                headers.source,
                Some(vlan),
                headers.ether_type,
            );
        }
    }
}

/// Local copies made so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copies {
    pub(crate) made: u16,
    /// The one taker, when there is only one: its copy is not made yet.
    pub(crate) only: Option<PortId>,
}

/// The reason for a frame that does not fit, when nobody is told or the sender allows fragments.
pub(crate) fn too_big_reason(headers: &Classified) -> DropReason {
    match headers.ip() {
        Some(ip) if !ip.dont_fragment() => DropReason::TooBigDfClear,
        Some(_) | None => DropReason::TooBig,
    }
}

fn takes(port: &Port, from: Option<PortId>, headers: &Classified) -> bool {
    Some(port.id) != from
        && acl::allows(
            &port.acls,
            AclDirection::Inbound,
            headers.source,
            headers.sender_ip(),
        )
}

fn hosts_of(subnet: &Subnet, scope: Scope) -> &[u32] {
    match (scope, &subnet.group) {
        (Scope::Learning, _) => &subnet.learn_from,
        (Scope::Subnet, Some(group)) => core::slice::from_ref(group),
        (Scope::Subnet, None) => &subnet.flood_to,
    }
}
