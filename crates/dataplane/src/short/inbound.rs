//! From the underlay, on the short way.

use nvgre_wire::{EtherType, FrameBuf, MacAddress, Nvgre, ip_protocol};

use super::header::{
    BEHIND_IP, DESTINATION, ETHER_TYPE, IP, PROTOCOL, SOURCE, SOURCE_MAC, TOS, TOTAL_LEN, Word,
    be16, be32, be64, bytes, is_plain, is_sound,
};
use crate::expect::Rows;
use crate::snapshot::{FIXED, mac_key};
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
    /// Forwards a frame that came in at the physical NIC, if it is one of most.
    #[inline(always)]
    pub(crate) fn short_inbound(
        &mut self,
        index: usize,
        frame: &mut FrameBuf<'_>,
        rows: &impl Rows,
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
        let inner_source = be64(inner, 4) & 0xffff_ffff_ffff;
        if bytes(outer, BEHIND_IP) != GRE
            || IP + total_len < OUTER + READ
            || bytes(inner, ETHER_TYPE) != IPV4
            || inner[IP] != 0x45
            || (outer[TOS] ^ inner[TOS]) & 3 != 0
            || inner[SOURCE_MAC] & 1 != 0
            || inner_source == snapshot.settings.router_mac.to_bits()
        {
            return None;
        }
        // A reserved id has no records.
        let vsid = be32(outer, BEHIND_IP + 4) >> 8;
        let key = u64::from(vsid) << 32 | u64::from(be32(inner, SOURCE));
        let sender = rows.row(index, snapshot, key)?;
        let provider = snapshot.short_providers.get(sender.provider())?;
        if !sender.is_over_ipv4() || provider.address != Word::of(outer, SOURCE) {
            return None;
        }
        let port_of = &snapshot.fixed.port_of;
        let mac = MacAddress::from_bits(be64(inner, 0) >> 16);
        let (_, [port]) = port_of.find(&mac_key(vsid, mac), FIXED)?;
        let at = snapshot.port_at(port as u32);
        if !at.short.receives {
            return None;
        }
        frame.keep(OUTER..IP + total_len);
        let counters = &mut self.worker.counters;
        counters.tally.decapsulated += 1;
        counters.received(at.port.id, IP + total_len - OUTER);
        Some(Verdict::Deliver(at.port.id))
    }
}
