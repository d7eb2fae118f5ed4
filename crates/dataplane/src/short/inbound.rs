//! From the underlay, on the short way.

use nvgre_wire::{EtherType, FrameBuf, Nvgre, VirtualSubnetId, ip_protocol};

use super::header::{
    BEHIND_IP, DESTINATION, ETHER_TYPE, IP, PROTOCOL, SOURCE, SOURCE_MAC, TOS, TOTAL_LEN, be16,
    be32, be64, bytes, is_plain, is_sound,
};
use crate::entry::Row;
use crate::snapshot::mac_key;
use crate::trace::Tracer;
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// Bytes in front of the inner frame.
const OUTER: usize = BEHIND_IP + Nvgre::LEN;
/// Bytes of the inner frame that are read.
const READ: usize = BEHIND_IP;
const IPV4: [u8; 2] = EtherType::IPV4.0.to_be_bytes();
/// The key bit, and Transparent Ethernet Bridging.
const GRE: [u8; 4] = [0x20, 0, 0x65, 0x58];

impl<E: Egress, T: Tracer> Pass<'_, E, T> {
    /// Forwards a frame that came in at the physical NIC, if it is one of most. `row` finds the row of
    /// a record's key.
    #[inline(always)]
    pub(crate) fn short_inbound(
        &mut self,
        frame: &mut FrameBuf<'_>,
        row: impl FnOnce(u64) -> Option<Row>,
    ) -> Option<Verdict> {
        let len = frame.len();
        let head = frame.head::<BEHIND_IP>()?;
        let total_len = usize::from(be16(head, TOTAL_LEN));
        if bytes(head, ETHER_TYPE) != IPV4
            || !is_plain(head)
            || IP + total_len > len
            || !is_sound(head)
        {
            return None;
        }
        if head[PROTOCOL] != ip_protocol::GRE {
            return self.short_rewrite_in(frame);
        }
        let head = frame.head::<{ OUTER + READ }>()?;
        let (address, mac) = (be32(head, DESTINATION), be64(head, 0) >> 16);
        let snapshot = self.snapshot;
        let mut hosts = snapshot.short_hosts.iter();
        hosts.find(|host| host.address == address && host.mac.to_bits() == mac)?;
        let (outer, inner) = head.split_at(OUTER);
        let key = be32(outer, BEHIND_IP + 4);
        let vsid = VirtualSubnetId::try_new(key >> 8).ok()?;
        let inner_source = be64(inner, 4) & 0xffff_ffff_ffff;
        if bytes(outer, BEHIND_IP) != GRE
            || IP + total_len < OUTER + READ
            || bytes(inner, ETHER_TYPE) != IPV4
            || !is_plain(inner)
            || usize::from(be16(inner, TOTAL_LEN)) < READ - IP
            || (outer[TOS] ^ inner[TOS]) & 3 != 0
            || inner[SOURCE_MAC] & 1 != 0
            || inner_source == snapshot.settings.router_mac.to_bits()
        {
            return None;
        }
        let sender = row(u64::from(vsid.get()) << 32 | u64::from(be32(inner, SOURCE)))?;
        let provider = snapshot.short_providers.get(sender.provider())?;
        if !sender.is_over_ipv4() || provider.address != be32(outer, SOURCE) {
            return None;
        }
        let port_of = &snapshot.fixed.port_of;
        let mac = nvgre_wire::MacAddress::from_bits(be64(inner, 0) >> 16);
        let (_, [port]) = port_of.find(&mac_key(vsid.get(), mac), crate::snapshot::FIXED)?;
        let at = snapshot.port_at(port as u32);
        if !at.short.receives {
            return None;
        }
        frame.truncate(IP + total_len);
        frame.pop_front(OUTER);
        let counters = &mut self.worker.counters;
        counters.tally.decapsulated += 1;
        counters.received(at.port.id, IP + total_len - OUTER);
        Some(Verdict::Deliver(at.port.id))
    }
}
