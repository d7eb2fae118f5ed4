//! IP rewrite on the short way: UDP and TCP over IPv4, without the guest's MAC outside.

use nvgre_wire::checksum::Change;
use nvgre_wire::{FrameBuf, Tcp, Udp, ip_protocol};

use super::header::{
    BEHIND_IP, CHECKSUM, IP, PROTOCOL, SOURCE, SOURCE_MAC, TOTAL_LEN, be16, be64, bytes,
};
use crate::snapshot::SwitchPort;
use crate::trace::Tracer;
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// Bytes that are read: of the transports that are rewritten here, TCP's checksum stands last.
const READ: usize = BEHIND_IP + Tcp::<&[u8]>::CHECKSUM_AT + 2;

impl<E: Egress, T: Tracer> Pass<'_, E, T> {
    /// To a guest elsewhere whose record rewrites.
    #[inline(never)]
    pub(super) fn short_rewrite_out(
        &mut self,
        from: &SwitchPort,
        frame: &mut FrameBuf<'_>,
        provider: u32,
    ) -> Option<Verdict> {
        let short = &from.short;
        if !short.rewrites || frame.len() > short.longest_rewritten as usize {
            return None;
        }
        let provider = self.snapshot.short_providers.get(provider)?;
        let next_hop = provider.next_hop?;
        let head = frame.head::<READ>()?;
        rewrite(head, short.provider_address, provider.address.to_be_bytes())?;
        write_link(head, next_hop, short.provider_mac);
        self.worker.counters.tally.rewritten_out += 1;
        Some(Verdict::Uplink)
    }

    /// From the underlay, to a guest of this host. `head` was found to be sound.
    #[inline(never)]
    pub(super) fn short_rewrite_in(&mut self, frame: &mut FrameBuf<'_>) -> Option<Verdict> {
        let snapshot = self.snapshot;
        let head = frame.head::<READ>()?;
        let pair = be64(head, SOURCE);
        let to = snapshot.translation(pair as u32)?;
        let from = snapshot.translation((pair >> 32) as u32)?;
        if !to.is_here() || from.is_here() || !from.is_in_subnet_of(to) {
            return None;
        }
        let host = &snapshot.fixed.hosts[to.host()];
        let at = snapshot.port_at(to.port());
        if be64(head, 0) >> 16 != host.mac.to_bits() || !at.short.receives {
            return None;
        }
        let len = IP + usize::from(be16(head, TOTAL_LEN));
        rewrite(
            head,
            from.customer_address().to_be_bytes(),
            to.customer_address().to_be_bytes(),
        )?;
        write_link(head, at.port.mac.octets(), from.mac().octets());
        frame.truncate(len);
        let counters = &mut self.worker.counters;
        counters.tally.rewritten_in += 1;
        counters.received(at.port.id, len);
        Some(Verdict::Deliver(at.port.id))
    }
}

/// Puts other addresses into a whole UDP or TCP packet, if it is one.
#[inline(always)]
fn rewrite(head: &mut [u8; READ], source: [u8; 4], destination: [u8; 4]) -> Option<()> {
    let at = BEHIND_IP
        + match head[PROTOCOL] {
            ip_protocol::UDP => Udp::<&[u8]>::CHECKSUM_AT,
            ip_protocol::TCP => Tcp::<&[u8]>::CHECKSUM_AT,
            _other => return None,
        };
    if IP + usize::from(be16(head, TOTAL_LEN)) < at + 2 {
        return None;
    }
    let mut change = Change::default();
    change.replace(&bytes::<8>(head, SOURCE), &concat(source, destination));
    let transport = if at == BEHIND_IP + Udp::<&[u8]>::CHECKSUM_AT {
        match be16(head, at) {
            // It has none, and shall have none.
            0 => 0,
            old => change.apply_udp(old),
        }
    } else {
        change.apply(be16(head, at))
    };
    let ip = change.apply(be16(head, CHECKSUM));
    head[at..at + 2].copy_from_slice(&transport.to_be_bytes());
    head[CHECKSUM..CHECKSUM + 2].copy_from_slice(&ip.to_be_bytes());
    head[SOURCE..SOURCE + 8].copy_from_slice(&concat(source, destination));
    Some(())
}

#[inline(always)]
fn write_link(head: &mut [u8; READ], destination: [u8; 6], source: [u8; 6]) {
    head[..SOURCE_MAC].copy_from_slice(&destination);
    head[SOURCE_MAC..SOURCE_MAC + 6].copy_from_slice(&source);
}

#[inline(always)]
const fn concat([a, b, c, d]: [u8; 4], [e, f, g, h]: [u8; 4]) -> [u8; 8] {
    [a, b, c, d, e, f, g, h]
}
