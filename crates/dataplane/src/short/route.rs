//! Through the built-in router on the short way: to a guest whose subnet is on-link in the sender's
//! routing domain, here or in NVGRE elsewhere.

use nvgre_wire::{CustomerAddress, FrameBuf, VirtualSubnetId};

use super::header::{DESTINATION, IP, SOURCE, TTL, be32, be64, bytes};
use super::outbound::flow_of;
use super::rewrite::READ;
use crate::customer_route::CustomerRoute;
use crate::encap::Path;
use crate::entry::Way;
use crate::outbound::set_routed;
use crate::snapshot::{Segment, SwitchPort};
use crate::trace::Tracer;
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// An IPv4 customer route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShortRoute {
    network: u32,
    mask: u32,
    /// `None` where more than the destination decides.
    virtual_subnet: Option<VirtualSubnetId>,
}

impl ShortRoute {
    /// The IPv4 routes of a domain, in the order in which they are looked through: longest prefix first.
    pub(crate) fn of(routes: &[CustomerRoute]) -> impl Iterator<Item = Self> {
        let v4 = routes
            .iter()
            .filter(|route| route.destination.network().is_ipv4());
        v4.map(|route| {
            let length = u32::from(route.destination.length());
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let same = |other: &&CustomerRoute| other.destination == route.destination;
            let alone = routes.iter().filter(same).count() == 1;
            Self {
                network: route.destination.network().bits() as u32 & mask,
                mask,
                virtual_subnet: (route.is_on_link() && alone).then_some(route.virtual_subnet),
            }
        })
    }

    #[inline(always)]
    const fn contains(&self, address: u32) -> bool {
        address & self.mask == self.network
    }
}

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// A frame of which all is known that [`Pass::short_outbound`] asks before it looks for the record.
    #[inline(never)]
    pub(super) fn short_route(
        &mut self,
        from: &'a SwitchPort,
        frame: &mut FrameBuf<'_>,
    ) -> Option<Verdict> {
        let (snapshot, short, len) = (self.snapshot, &from.short, frame.len());
        let front = frame.front::<{ Path::V4 }, READ>()?;
        let head = &mut *front.head;
        let router = snapshot.settings.router_mac;
        let of_link = |at| CustomerAddress::v4(bytes(head, at)).is_link_local();
        // A port whose frames all go the long way has no host: a guest may write its mark.
        if short.hosts == 0
            || be64(head, 0) >> 16 != router.to_bits()
            || head[TTL] <= 1
            || of_link(SOURCE)
            || of_link(DESTINATION)
        {
            return None;
        }
        let to = be32(head, DESTINATION);
        let routes = &snapshot.domain(from.domain?).short_routes;
        let vsid = routes
            .iter()
            .find(|route| route.contains(to))?
            .virtual_subnet?;
        let key = u64::from(vsid.get()) << 32 | u64::from(to);
        let row = snapshot.records.row(key, snapshot.version)?;
        if row.goes_in_nvgre() {
            let path = row.provider() * short.hosts + short.host;
            let path = snapshot.paths.get(path)?;
            if !path.is_short() || len > short.longest as usize {
                return None;
            }
            let key = u32::from_ne_bytes((vsid.get() << 8).to_be_bytes()) | flow_of(head, short);
            path.write_v4(front.free, key.to_ne_bytes(), bytes(head, IP), len);
            set_routed(head, row.mac(), router);
            front.claim();
            self.worker.counters.tally.encapsulated += 1;
            return Some(Verdict::Uplink);
        }
        if row.way() != Way::Local {
            return None;
        }
        let at = snapshot.port_of(Segment::Tenant(vsid), row.mac())?;
        if !at.short.receives {
            return None;
        }
        set_routed(head, row.mac(), router);
        self.worker.counters.received(at.port.id, len);
        Some(Verdict::Deliver(at.port.id))
    }
}
