//! From the underlay, on the short way.

use nvgre_wire::{EtherType, FrameBuf, MacAddress, Nvgre, ip_protocol};

use super::header::{
    BEHIND_IP, DESTINATION, ETHER_TYPE, IP, PROTOCOL, SOURCE, SOURCE_MAC, TOS, TOTAL_LEN, Word,
    be16, be32, be64, bytes, is_plain, is_sound,
};
use super::rewrite;
use crate::expect::Rows;
use crate::snapshot::{FIXED, SwitchPort, mac_key};
use crate::trace::Tracer;
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// Bytes in front of the inner frame.
const OUTER: usize = BEHIND_IP + Nvgre::LEN;
/// Bytes of packet and inner frame that are read.
const READ: usize = OUTER + BEHIND_IP;
const IPV4: [u8; 2] = EtherType::IPV4.0.to_be_bytes();
/// The key bit, and Transparent Ethernet Bridging.
const GRE: [u8; 4] = [0x20, 0, 0x65, 0x58];

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Forwards a frame that came in at the physical NIC, if it is one of most.
    #[inline(always)]
    pub(crate) fn short_inbound(
        &mut self,
        index: usize,
        frame: &mut FrameBuf<'_>,
        rows: &impl Rows,
    ) -> Option<Verdict> {
        let len = frame.len();
        let head = frame.head::<{ rewrite::READ }>()?;
        let end = IP + usize::from(be16(head, TOTAL_LEN));
        if bytes(head, ETHER_TYPE) != IPV4 || !is_plain(head) || end > len || !is_sound(head) {
            return None;
        }
        let (at, len) = if head[PROTOCOL] == ip_protocol::GRE {
            let head = frame.head::<READ>()?;
            let at = self.decapsulates_for(index, head, end, rows)?;
            frame.keep(OUTER..end);
            self.worker.counters.tally.decapsulated += 1;
            (at, end - OUTER)
        } else {
            let at = self.short_rewrite_in(head, end)?;
            if end < len {
                frame.truncate(end);
            }
            self.worker.counters.tally.rewritten_in += 1;
            (at, end)
        };
        let port = at.port.id;
        self.worker.counters.received(port, len);
        Some(Verdict::Deliver(port))
    }

    /// The port that the inner frame of a sound IPv4 packet is for, with every check of receipt.
    #[inline(always)]
    fn decapsulates_for(
        &self,
        index: usize,
        head: &[u8; READ],
        end: usize,
        rows: &impl Rows,
    ) -> Option<&'a SwitchPort> {
        let snapshot = self.snapshot;
        let (address, mac) = (be32(head, DESTINATION), be64(head, 0) >> 16);
        let mut hosts = snapshot.short_hosts.iter();
        hosts.find(|host| host.address == address && host.mac.to_bits() == mac)?;
        let (outer, inner) = head.split_at(OUTER);
        let inner_source = be64(inner, SOURCE_MAC - 2) & 0xffff_ffff_ffff;
        if end < READ
            || bytes(outer, BEHIND_IP) != GRE
            || bytes(inner, ETHER_TYPE) != IPV4
            || inner[IP] != 0x45
            // What an underlay that marks nothing leaves as it was (RFC 6040 s4.1).
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
        let mac = MacAddress::from_bits(be64(inner, 0) >> 16);
        let key = mac_key(vsid, mac);
        let (_, [port]) = snapshot.fixed.port_of.find(&key, FIXED)?;
        let at = snapshot.port_at(port as u32);
        at.short.receives.then_some(at)
    }
}
