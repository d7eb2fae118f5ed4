//! From the switch onto the underlay: the sender's own record, MTU, next hop, and then NVGRE or
//! rewritten addresses.

use core::net::IpAddr;

use nvgre_wire::{CustomerAddress, EtherType, FlowId, FrameBuf, VirtualSubnetId, flow_id};

use crate::admit::Admitted;
use crate::drop_reason::DropReason;
use crate::encap::{OuterHeader, write_link};
use crate::flood::too_big_reason;
use crate::icmp_error::Problem;
use crate::lookup_record::Rule;
use crate::nat::{self, Renaming};
use crate::outbound::Target;
use crate::provider::HostAddress;
use crate::record_table::Entry;
use crate::trace::{Event, Tracer};
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Sends a frame of subnet `from` to a target that no local port is.
    pub(crate) fn leave(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a>,
        from: VirtualSubnetId,
        target: Target<'a>,
    ) -> Result<Verdict, DropReason> {
        let entry = target.entry;
        if entry.record.rule == Rule::None {
            return Err(DropReason::TranslationNone);
        }
        if admitted.at.domain.is_none() {
            return Err(DropReason::NoRoutingDomain);
        }
        // The record says the guest is here, and no port has its MAC: sending to ourselves would
        // only find that out again.
        if entry.own.is_some() {
            return Err(DropReason::NoPort);
        }
        match entry.record.rule {
            Rule::Encap => self.encapsulate(frame, admitted, from, target),
            Rule::Nat => self.rewrite_out(frame, admitted, from, target),
            Rule::None => Err(DropReason::TranslationNone),
        }
    }

    /// The record that speaks for the sender, and this host's address that it names: the outer
    /// source is that of the sender's own record, never any address of the host.
    pub(crate) fn source(
        &mut self,
        admitted: &Admitted<'a>,
        vsid: VirtualSubnetId,
        ipv4: bool,
    ) -> Result<(&'a Entry, &'a HostAddress), DropReason> {
        let snapshot = self.snapshot;
        let headers = &admitted.headers;
        let ca = headers.source_ca();
        let records = &snapshot.records;
        let found = if headers.source == admitted.at.port.mac {
            speaker(
                admitted.at.sources.iter().map(|&slot| records.at(slot)),
                ca,
                ipv4,
            )
        } else {
            let of_mac = records.by_mac(vsid, headers.source);
            speaker(of_mac.filter(|entry| entry.own.is_some()), ca, ipv4)
        };
        self.event(Event::SourceAsked {
            virtual_subnet: vsid,
            customer_address: ca,
            mac: headers.source,
            hit: found.map(|entry| entry.record.id),
        });
        found
            .and_then(|entry| Some((entry, snapshot.hosts.get(entry.own? as usize)?)))
            .ok_or(DropReason::NoSourceRecord)
    }

    fn encapsulate(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a>,
        from: VirtualSubnetId,
        target: Target<'a>,
    ) -> Result<Verdict, DropReason> {
        let snapshot = self.snapshot;
        let headers = &admitted.headers;
        let destination = target.entry.record.provider_address;
        let (_, host) = self.source(admitted, from, destination.is_ipv4())?;
        let overhead = OuterHeader::ip_overhead(destination.is_ipv4());
        self.fits(frame, admitted, from, overhead + 14, overhead)?;
        let destination_mac = self.next_hop(host, target.entry)?;
        if target.routed {
            self.apply_routing(frame, from, &target);
        }
        let outer = OuterHeader {
            source_mac: host.mac,
            destination_mac,
            vlan: host.vlan,
            source: host.address,
            destination,
            tos: headers.tos(),
            virtual_subnet: target.virtual_subnet,
            flow_id: if snapshot.settings.flow_id {
                flow_id(&headers.flow())
            } else {
                FlowId(0)
            },
        };
        if !outer.write(frame) {
            return Err(DropReason::TooBig);
        }
        self.worker.counters.tally.encapsulated += 1;
        self.event(Event::Encapsulated {
            virtual_subnet: outer.virtual_subnet,
            flow_id: outer.flow_id,
            source: outer.source,
            destination,
        });
        Ok(Verdict::Uplink)
    }

    /// IP rewrite (hnv F-06): both addresses change, and the packet itself travels.
    fn rewrite_out(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a>,
        from: VirtualSubnetId,
        target: Target<'a>,
    ) -> Result<Verdict, DropReason> {
        let snapshot = self.snapshot;
        let headers = &admitted.headers;
        let ip = headers.ip().ok_or(DropReason::NatNotIp)?;
        let (ca, pa) = (ip.destination, target.entry.record.provider_address);
        if ca.is_ipv4() != pa.is_ipv4() {
            return Err(DropReason::NatFamilyMismatch);
        }
        let source = snapshot
            .records
            .by_address(from, ip.source)
            .filter(|entry| entry.record.mac == headers.source)
            .ok_or(DropReason::NoSourceRecord)?;
        let (source, host) = match source.own.map(|own| &snapshot.hosts[own as usize]) {
            Some(host) if source.record.rule == Rule::Nat => (source, host),
            Some(_) => return Err(DropReason::NatNoSource),
            None => return Err(DropReason::NoSourceRecord),
        };
        if host.address.is_ipv4() != pa.is_ipv4() {
            return Err(DropReason::NatFamilyMismatch);
        }
        // A gateway's record rewrites the gateway's address, not the packet's destination beyond it.
        if target.entry.record.customer_address != ca {
            return Err(DropReason::NatUnsupported);
        }
        self.fits(frame, admitted, from, 14, 0)?;
        let destination_mac = self.next_hop(host, target.entry)?;
        let source_renaming = Renaming {
            old: ip.source.ip(),
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
        let source_mac = if source.record.use_vm_mac {
            source.record.mac
        } else {
            host.mac
        };
        let ether_type = if pa.is_ipv4() {
            EtherType::IPV4
        } else {
            EtherType::IPV6
        };
        if host.vlan.is_some() && frame.push_front(4).is_err() {
            return Err(DropReason::TooBig);
        }
        write_link(
            frame.bytes_mut(),
            destination_mac,
            source_mac,
            host.vlan,
            ether_type,
        );
        self.worker.counters.tally.rewritten_out += 1;
        self.event(Event::Rewritten {
            source: source.record.id,
            destination: target.entry.record.id,
        });
        Ok(Verdict::Uplink)
    }

    /// Whether the frame fits the underlay. `overhead` is what the underlay's MTU loses for the
    /// guest's IP packets, `ip_overhead` what is added to the guest's Ethernet frame below its
    /// outer Ethernet header.
    fn fits(
        &mut self,
        frame: &mut FrameBuf<'_>,
        admitted: &Admitted<'a>,
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
            return Ok(());
        }
        let reason = too_big_reason(&admitted.headers);
        if reason == DropReason::TooBig {
            let mtu_bytes = if ip_overhead == 0 {
                mtu
            } else {
                mtu.saturating_sub(overhead)
            };
            let problem = Problem::TooBig {
                mtu_bytes: mtu_bytes.min(0xffff) as u16,
            };
            self.send_error(frame, &admitted.headers, admitted.port(), from, problem);
        }
        Err(reason)
    }

    fn next_hop(
        &mut self,
        host: &HostAddress,
        entry: &Entry,
    ) -> Result<nvgre_wire::MacAddress, DropReason> {
        let hit = self.snapshot.next_hop(host, entry.remote);
        let provider_address = entry.record.provider_address;
        self.event(Event::NextHopAsked {
            provider_address,
            hit,
        });
        hit.ok_or(DropReason::NextHopUnresolved)
    }
}

/// Of a MAC's records with a provider address of this host, the one that may speak for `ca`: its own,
/// else a wildcard or L2Only one. A frame that shows no customer address goes by MAC alone.
fn speaker<'a>(
    records: impl Iterator<Item = &'a Entry>,
    ca: Option<CustomerAddress>,
    ipv4: bool,
) -> Option<&'a Entry> {
    let mut fallback = None;
    for entry in records.filter(|entry| entry.record.provider_address.is_ipv4() == ipv4) {
        let own_address = ca.is_some_and(|ca| entry.record.customer_address == ca);
        if own_address {
            return Some(entry);
        }
        if ca.is_none() || entry.speaks_for_any() {
            fallback = fallback.or(Some(entry));
        }
    }
    fallback
}
