//! From the switch onto the underlay: the sender's own record, MTU, next hop, and then NVGRE or
//! rewritten addresses.

use core::borrow::Borrow;
use core::net::IpAddr;

use nvgre_wire::{
    CustomerAddress, EtherType, FlowId, FrameBuf, LinkHeader, MacAddress, VirtualSubnetId,
};

use crate::admit::Admitted;
use crate::answer::set_link;
use crate::classify::Classified;
use crate::drop_reason::DropReason;
use crate::encap::{Path, ip_overhead, write_link};
use crate::flood::too_big_reason;
use crate::icmp_error::Problem;
use crate::lookup_record::{RecordId, Rule};
use crate::nat::{self, Renaming};
use crate::outbound::Target;
use crate::snapshot::Source;
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Sends a frame of subnet `from` to a target that no local port is.
    pub(crate) fn leave(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        from: VirtualSubnetId,
        target: Target,
    ) -> Result<Verdict, DropReason> {
        let entry = &target.entry;
        if entry.rule() == Rule::None {
            return Err(DropReason::TranslationNone);
        }
        if admitted.at.domain.is_none() {
            return Err(DropReason::NoRoutingDomain);
        }
        // The record says the guest is here, and no port has its MAC: sending to ourselves would
        // only find that out again.
        if entry.is_own() {
            return Err(DropReason::NoPort);
        }
        match entry.rule() {
            Rule::Encap => self.encapsulate(frame, admitted, from, target),
            Rule::Nat => self.rewrite_out(frame, admitted, from, target),
            Rule::None => Err(DropReason::TranslationNone),
        }
    }

    /// Which of this host's addresses the sender is behind, by the record that speaks for it: the
    /// outer source is that of the sender's own record, never any address of the host.
    pub(crate) fn source(
        &mut self,
        admitted: &Admitted<'a, '_>,
        vsid: VirtualSubnetId,
        over_ipv4: bool,
    ) -> Result<u32, DropReason> {
        let headers = admitted.headers;
        let ca = headers.source_ca();
        let found = if headers.source == admitted.at.port.mac {
            let sources = &admitted.at.sources;
            let own = ca.and_then(|ca| {
                let mut sources = sources.iter();
                sources.find(|source| source.speaks_as(ca) && source.over_ipv4 == over_ipv4)
            });
            match own {
                Some(source) => Some((source.host, source.id())),
                None => speaker(sources.iter(), ca, over_ipv4),
            }
        } else {
            self.foreign_source(vsid, headers.source, ca, over_ipv4)
        };
        self.event(Event::SourceAsked {
            virtual_subnet: vsid,
            customer_address: ca,
            mac: headers.source,
            hit: found.map(|(_, id)| id),
        });
        found
            .map(|(host, _)| host)
            .ok_or(DropReason::NoSourceRecord)
    }

    /// As [`Pass::source`], for a guest that may send from other MACs than its port's.
    fn foreign_source(
        &self,
        vsid: VirtualSubnetId,
        mac: MacAddress,
        ca: Option<CustomerAddress>,
        over_ipv4: bool,
    ) -> Option<(u32, RecordId)> {
        let snapshot = self.snapshot;
        let of_mac = snapshot.records_of_mac(vsid, mac);
        let sources = of_mac.filter_map(|entry| snapshot.as_source(entry));
        speaker(sources, ca, over_ipv4)
    }

    fn encapsulate(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        from: VirtualSubnetId,
        target: Target,
    ) -> Result<Verdict, DropReason> {
        let snapshot = self.snapshot;
        let headers = admitted.headers;
        let provider = target.entry.provider();
        let over_ipv4 = target.entry.is_over_ipv4();
        let host = self.source(admitted, from, over_ipv4)?;
        let overhead = ip_overhead(over_ipv4);
        self.fits(frame, admitted, from, overhead + 14, overhead)?;
        let path = snapshot.path(host, provider);
        let path = path.filter(|path| path.is_resolved());
        if T::ON {
            self.event(Event::NextHopAsked {
                provider_address: snapshot.provider_address(provider),
                hit: path.map(Path::next_hop),
            });
        }
        let path = path.ok_or(DropReason::NextHopUnresolved)?;
        if target.routed {
            self.apply_routing(frame, from, &target);
        }
        let flow_id = self.flow_id(headers);
        if !path.write(frame, target.virtual_subnet, flow_id, headers.tos()) {
            return Err(DropReason::TooBig);
        }
        self.worker.counters.tally.encapsulated += 1;
        if T::ON {
            self.event(Event::Encapsulated {
                virtual_subnet: target.virtual_subnet,
                flow_id,
                source: snapshot.fixed.hosts[host as usize].address,
                destination: snapshot.provider_address(provider),
            });
        }
        Ok(Verdict::Uplink)
    }

    pub(crate) fn flow_id(&self, headers: &Classified) -> FlowId {
        if self.snapshot.settings.flow_id {
            headers.flow_id()
        } else {
            FlowId(0)
        }
    }

    /// IP rewrite (hnv F-06): both addresses change, and the packet itself travels.
    fn rewrite_out(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        from: VirtualSubnetId,
        target: Target,
    ) -> Result<Verdict, DropReason> {
        let snapshot = self.snapshot;
        let headers = admitted.headers;
        let (Some(sender), Some(ca)) = (headers.sender_ip(), headers.target_ip()) else {
            return Err(DropReason::NatNotIp);
        };
        let over_ipv4 = target.entry.is_over_ipv4();
        if ca.is_ipv4() != over_ipv4 {
            return Err(DropReason::NatFamilyMismatch);
        }
        // The sender's own record, which must name an address of this host.
        let foreign;
        let source = if headers.source == admitted.at.port.mac {
            let mut sources = admitted.at.sources.iter();
            sources.find(|source| source.speaks_as(sender) && !source.entry.speaks_for_any())
        } else {
            foreign = self.foreign_rewriter(from, headers.source, sender);
            foreign.as_ref()
        };
        let source = source.ok_or(DropReason::NoSourceRecord)?;
        if source.rule() != Rule::Nat {
            return Err(DropReason::NatNoSource);
        }
        if source.over_ipv4 != over_ipv4 {
            return Err(DropReason::NatFamilyMismatch);
        }
        // A gateway's record rewrites the gateway's address, not the packet's destination beyond it.
        if target.entry.customer_address() != ca {
            return Err(DropReason::NatUnsupported);
        }
        let host = snapshot.host(source);
        let pa = snapshot.provider_address(target.entry.provider());
        self.fits(frame, admitted, from, 14, 0)?;
        let destination_mac = self.next_hop(source.host, target.entry.provider())?;
        let source_renaming = Renaming {
            old: sender.ip(),
            new: host.address.ip(),
        };
        let destination_renaming = Renaming {
            old: ca.ip(),
            new: pa.ip(),
        };
        // A guest's error quotes a packet that it received: the same two addresses, mirrored.
        let quoted = |address: IpAddr| {
            [source_renaming, destination_renaming]
                .into_iter()
                .find(|renaming| renaming.old == address)
                .map(|renaming| renaming.new)
        };
        nat::rewrite(
            &mut frame.bytes_mut()[14..],
            source_renaming,
            destination_renaming,
            quoted,
        )?;
        if target.routed {
            self.apply_routing(frame, from, &target);
        }
        let source_mac = if source.entry.use_vm_mac() {
            source.entry.mac()
        } else {
            host.mac
        };
        if host.vlan.is_none() {
            set_link(frame.bytes_mut(), destination_mac, source_mac);
        } else if frame.push_front(LinkHeader::TAG_LEN).is_ok() {
            let ether_type = if over_ipv4 {
                EtherType::IPV4
            } else {
                EtherType::IPV6
            };
            let bytes = frame.bytes_mut();
            write_link(bytes, destination_mac, source_mac, host.vlan, ether_type);
        } else {
            return Err(DropReason::TooBig);
        }
        self.worker.counters.tally.rewritten_out += 1;
        self.event(Event::Rewritten {
            source: source.id(),
            destination: target.entry.id(),
        });
        Ok(Verdict::Uplink)
    }

    /// The record of a packet's source, for rewriting, for a guest that may send from other MACs than
    /// its port's.
    fn foreign_rewriter(
        &self,
        vsid: VirtualSubnetId,
        mac: MacAddress,
        ca: CustomerAddress,
    ) -> Option<Source> {
        let entry = self.snapshot.record(vsid, ca);
        let of_mac = entry.filter(|entry| entry.mac() == mac);
        of_mac.and_then(|entry| self.snapshot.as_source(entry))
    }

    /// Whether the frame fits the underlay. `overhead` is what the underlay's MTU loses for the
    /// guest's IP packets, `ip_overhead` what is added to the guest's Ethernet frame below its
    /// outer Ethernet header.
    fn fits(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        from: VirtualSubnetId,
        overhead: usize,
        ip_overhead: usize,
    ) -> Result<(), DropReason> {
        let mtu = usize::from(self.snapshot.settings.underlay_mtu_bytes);
        let packet_len = if ip_overhead == 0 {
            frame.len() - 14
        } else {
            ip_overhead + frame.len()
        };
        if packet_len <= mtu {
            Ok(())
        } else {
            self.too_big(frame, admitted, from, overhead, ip_overhead)
        }
    }

    fn too_big(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a, '_>,
        from: VirtualSubnetId,
        overhead: usize,
        ip_overhead: usize,
    ) -> Result<(), DropReason> {
        let mtu = usize::from(self.snapshot.settings.underlay_mtu_bytes);
        let reason = too_big_reason(admitted.headers);
        if reason == DropReason::TooBig {
            let mtu_bytes = if ip_overhead == 0 {
                mtu
            } else {
                mtu.saturating_sub(overhead)
            };
            let problem = Problem::TooBig {
                mtu_bytes: mtu_bytes.min(0xffff) as u16,
            };
            self.send_error(frame, admitted.headers, admitted.port(), from, problem);
        }
        Err(reason)
    }

    fn next_hop(&mut self, host: u32, provider: u32) -> Result<MacAddress, DropReason> {
        let hit = self.snapshot.next_hop(host, provider);
        if T::ON {
            self.event(Event::NextHopAsked {
                provider_address: self.snapshot.provider_address(provider),
                hit,
            });
        }
        hit.ok_or(DropReason::NextHopUnresolved)
    }
}

/// Of a MAC's records with a provider address of this host, the one that may speak for `ca`: its own,
/// else a wildcard or L2Only one. A frame that shows no customer address goes by MAC alone. Of several
/// that may, the one with the lowest id.
fn speaker<S: Borrow<Source>>(
    sources: impl Iterator<Item = S>,
    ca: Option<CustomerAddress>,
    over_ipv4: bool,
) -> Option<(u32, RecordId)> {
    let rank = |source: &Source| {
        let own = ca.is_some_and(|ca| source.speaks_as(ca));
        let may = own || ca.is_none() || source.entry.speaks_for_any();
        (may && source.over_ipv4 == over_ipv4).then_some((!own, source.id()))
    };
    let found = sources.filter_map(|source| {
        let source: &Source = source.borrow();
        Some((rank(source)?, source.host))
    });
    let ((_, id), host) = found.min()?;
    Some((host, id))
}
