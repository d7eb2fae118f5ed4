//! From a guest's port, on the short way.

use nvgre_wire::{FlowId, FrameBuf, flow_id_ipv4, ip_protocol};

use super::header::{
    BEHIND_IP, DESTINATION, IP, PROTOCOL, SOURCE, SOURCE_MAC, TOTAL_LEN, Word, be16, be32, be64,
    bytes, is_plain,
};
use super::{ShortPort, rewrite};
use crate::classify::Classified;
use crate::encap::Path;
use crate::entry::{Row, Way};
use crate::expect::Rows;
use crate::snapshot::SwitchPort;
use crate::trace::Tracer;
use crate::verdict::{Egress, Verdict};
use crate::worker::Pass;

/// Bytes that the packet holds at least: the ports are the last.
const LEAST: usize = BEHIND_IP + 4 - IP;

impl<'a, E: Egress, T: Tracer> Pass<'a, E, T> {
    /// Forwards a frame that the guest at this port sent, if it is one of most.
    #[inline(always)]
    pub(crate) fn short_outbound(
        &mut self,
        index: usize,
        at: &'a SwitchPort,
        frame: &mut FrameBuf<'_>,
        rows: &impl Rows,
    ) -> Option<Verdict> {
        let short = &at.short;
        let len = frame.len();
        let front = frame.front::<{ Path::V4 }, { rewrite::READ }>()?;
        let head = &*front.head;
        if u64::from_ne_bytes(bytes(head, SOURCE_MAC)) != short.link
            || !is_plain(head)
            || usize::from(be16(head, TOTAL_LEN)) < LEAST
        {
            return None;
        }
        if Word::of(head, SOURCE) != short.source {
            return None;
        }
        let key = short.records_of | u64::from(be32(head, DESTINATION));
        let row = rows.row(index, self.snapshot, key);
        let row = row.filter(|row| row.has_mac(be64(head, 0)));
        let Some(row) = row else {
            return self.short_route(at, frame);
        };
        if !row.goes_in_nvgre() {
            return match row.way() {
                Way::Local => self.short_local(at, row, len),
                Way::Nat => self.short_rewrite_out(at, front.head, len, row.provider()),
                Way::Long => None,
            };
        }
        if len > short.longest as usize {
            return None;
        }
        let path = row.provider() * short.hosts + short.host;
        let path = self.snapshot.paths.get(path)?;
        if !path.is_short() {
            return None;
        }
        let key = (short.key | flow_of(head, short)).to_ne_bytes();
        path.write_v4(front.free, key, bytes(head, IP), len);
        front.claim();
        self.worker.counters.tally.encapsulated += 1;
        Some(Verdict::Uplink)
    }

    /// To another port of the sender's subnet.
    #[inline(never)]
    fn short_local(&mut self, from: &SwitchPort, row: Row, len: usize) -> Option<Verdict> {
        let to = self.snapshot.port_of(from.segment, row.mac())?;
        if !to.short.receives || to.port.id == from.port.id {
            return None;
        }
        self.worker.counters.received(to.port.id, len);
        Some(Verdict::Deliver(to.port.id))
    }
}

/// The FlowID, where it stands in the key.
#[inline(always)]
pub(super) fn flow_of(head: &[u8; rewrite::READ], short: &ShortPort) -> u32 {
    let pair = be64(head, SOURCE);
    let (source, destination) = ((pair >> 32) as u32, pair as u32);
    let protocol = head[PROTOCOL];
    let ports = match protocol {
        ip_protocol::UDP | ip_protocol::TCP => be32(head, BEHIND_IP),
        other => ports_of_other(other, be32(head, BEHIND_IP)),
    };
    let FlowId(flow_id) = flow_id_ipv4(source, destination, protocol, ports);
    u32::from_ne_bytes([0, 0, 0, flow_id]) & short.flow_id
}

#[inline(never)]
fn ports_of_other(protocol: u8, behind_ip: u32) -> u32 {
    if Classified::has_ports(protocol) {
        behind_ip
    } else {
        0
    }
}
