//! IP rewrite on the short way: UDP and TCP over IPv4, without the guest's MAC outside.

use nvgre_wire::{Tcp, Udp, checksum, ip_protocol};

use super::header::{
    BEHIND_IP, CHECKSUM, DESTINATION, DestinationMac, IP, PROTOCOL, SOURCE, TOTAL_LEN, Word, be16,
    be32, bytes, is_for, write_link,
};
use crate::encap::Path;
use crate::snapshot::SwitchPort;
use crate::trace::Tracer;
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// Bytes that are read: of the transports that are rewritten here, TCP's checksum stands last.
pub(super) const READ: usize = TCP_CHECKSUM + 2;
const TCP_CHECKSUM: usize = BEHIND_IP + Tcp::<&[u8]>::CHECKSUM_AT;
const UDP_CHECKSUM: usize = BEHIND_IP + Udp::<&[u8]>::CHECKSUM_AT;

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// To a guest elsewhere whose record rewrites.
    #[inline(always)]
    pub(super) fn short_rewrite_out(
        &mut self,
        from: &SwitchPort,
        head: &mut [u8; READ],
        len: usize,
        provider: u32,
    ) -> Option<Verdict> {
        let short = &from.short;
        if !short.rewrites || len > short.longest as usize + Path::V4 {
            return None;
        }
        let provider = self.snapshot.short_providers.get(provider)?;
        if provider.next_hop == DestinationMac::NONE {
            return None;
        }
        let end = IP + usize::from(be16(head, TOTAL_LEN));
        rewrite(head, end, short.provider_address, provider.address)?;
        write_link(head, provider.next_hop, short.provider_mac);
        self.worker.counters.tally.rewritten_out += 1;
        Some(Verdict::Uplink)
    }

    /// From the underlay, to the guest of this host at the port that is given back. The headers were
    /// found to be sound.
    #[inline(always)]
    pub(super) fn short_rewrite_in(
        &self,
        head: &mut [u8; READ],
        end: usize,
    ) -> Option<&'a SwitchPort> {
        let snapshot = self.snapshot;
        let to = snapshot.translation(be32(head, DESTINATION))?;
        let at = snapshot.port_at(to.port()?);
        let to = &at.short;
        if Word::of(head, DESTINATION) != to.rewritten_to || !is_for(head, to.provider_mac) {
            return None;
        }
        let from = snapshot.translation(be32(head, SOURCE))?;
        if !from.is_peer_of(to) {
            return None;
        }
        rewrite(head, end, from.customer_address(), to.source)?;
        write_link(head, to.mac, from.mac());
        Some(at)
    }
}

/// Puts other addresses into a whole UDP or TCP packet that ends at `end`, if it is one (RFC 1624
/// equation 3, in the order of bytes that the processor has).
#[inline(always)]
fn rewrite(head: &mut [u8; READ], end: usize, source: Word, destination: Word) -> Option<()> {
    if end < READ {
        return None;
    }
    let new = source.and(destination);
    let old = u64::from_ne_bytes(bytes(head, SOURCE));
    let (change, carry) = new.overflowing_add(!old);
    let change = u32::from(checksum::fold(change.wrapping_add(u64::from(carry))));
    let updated = |old: u16| !checksum::fold32(u32::from(!old) + change);
    if head[PROTOCOL] == ip_protocol::UDP {
        let old = u16::from_ne_bytes(bytes(head, UDP_CHECKSUM));
        // 0 says that there is none. A sum of 0 is sent as all ones (RFC 768), and rare.
        if old != 0 {
            let new = Some(updated(old)).filter(|&new| new != 0)?;
            head[UDP_CHECKSUM..UDP_CHECKSUM + 2].copy_from_slice(&new.to_ne_bytes());
        }
    } else if head[PROTOCOL] == ip_protocol::TCP {
        let new = updated(u16::from_ne_bytes(bytes(head, TCP_CHECKSUM)));
        head[TCP_CHECKSUM..TCP_CHECKSUM + 2].copy_from_slice(&new.to_ne_bytes());
    } else {
        return None;
    }
    let ip = updated(u16::from_ne_bytes(bytes(head, CHECKSUM)));
    head[CHECKSUM..CHECKSUM + 2].copy_from_slice(&ip.to_ne_bytes());
    head[SOURCE..SOURCE + 8].copy_from_slice(&new.to_ne_bytes());
    Some(())
}
