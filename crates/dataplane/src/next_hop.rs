//! The next hop of an address, asked without a frame: what Select-NetVirtualizationNextHop shows.

use nvgre_wire::{CustomerAddress, MacAddress, VirtualSubnetId};

use crate::drop_reason::DropReason;
use crate::lookup_record::RecordId;
use crate::snapshot::Snapshot;
use crate::trace::Tracer;
use crate::verdict::{Nanos, NoEgress};
use crate::worker::{Pass, Worker};

/// Where a frame for an address goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The subnet of the next hop.
    pub virtual_subnet: VirtualSubnetId,
    /// Its customer address; 0.0.0.0 or :: of a gateway that only a wildcard record tells of.
    pub address: CustomerAddress,
    /// Its MAC, the frame's destination then.
    pub mac: MacAddress,
    /// The record that says so. None: it is the built-in router itself.
    pub record: Option<RecordId>,
    /// Whether the built-in router takes the frame there, which then comes from the router's MAC.
    pub routed: bool,
}

impl Snapshot {
    /// The next hop of what a guest of this subnet sends to `to`, by the tables that its frames are
    /// forwarded by, in their order: the subnet's record of the address; the built-in router itself;
    /// the routing domain's customer route and the record of its next hop; the wildcard. The tracer
    /// hears which rows were asked.
    ///
    /// Fails with the reason for which the frame would be dropped.
    pub fn next_hop_of<T: Tracer>(
        &self,
        virtual_subnet: VirtualSubnetId,
        to: CustomerAddress,
        tracer: &mut T,
    ) -> Result<NextHop, DropReason> {
        let mut worker = Worker::new();
        let mut pass = Pass {
            now: Nanos(0),
            index: 0,
            snapshot: self,
            worker: &mut worker,
            egress: &mut NoEgress,
            tracer,
        };
        if !self.wnv_bound {
            return Err(DropReason::WnvUnbound);
        }
        if let Some(entry) = pass.record(virtual_subnet, to) {
            return Ok(NextHop {
                virtual_subnet,
                address: to,
                mac: entry.mac(),
                record: Some(entry.id()),
                routed: false,
            });
        }
        let domain = self.domain_of(virtual_subnet);
        let domain = domain.ok_or(DropReason::NoRoutingDomain)?;
        if self.use_external_router {
            return Err(DropReason::NoLookupRecord);
        }
        if self.is_gateway(domain, to) && self.in_domain(domain, to).next().is_none() {
            return Ok(NextHop {
                virtual_subnet,
                address: to,
                mac: self.settings.router_mac,
                record: None,
                routed: false,
            });
        }
        if to.is_link_local() || to.is_unspecified() {
            return Err(DropReason::NotRoutable);
        }
        let target = pass.routed_target(domain, virtual_subnet, to)?;
        Ok(NextHop {
            virtual_subnet: target.virtual_subnet,
            address: target.entry.customer_address(),
            mac: target.entry.mac(),
            record: Some(target.entry.id()),
            routed: true,
        })
    }

    /// The MAC that the subnet's record gives an address.
    pub fn mac_of(
        &self,
        virtual_subnet: VirtualSubnetId,
        address: CustomerAddress,
    ) -> Option<MacAddress> {
        Some(self.record(virtual_subnet, address)?.mac())
    }

    /// The MAC of the built-in router.
    pub const fn router_mac(&self) -> MacAddress {
        self.settings.router_mac
    }
}
