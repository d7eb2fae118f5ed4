//! Everything hot: one frame after another, from its 5-tuple to its outer header.

use nvgre_dataplane::{DropReason, PortFrame, Verdict};

use super::table::Table;
use crate::work::Encapsulate;

/// See the module.
#[derive(Debug)]
pub(crate) struct Fused(pub Table);

/// What the loops read of a frame: its destination and the hash of its 5-tuple.
#[inline(always)]
pub(super) fn parse(bytes: &[u8]) -> Option<(u32, u8)> {
    // One comparison for the bounds of all that follows.
    let head: &[u8; 38] = bytes.first_chunk()?;
    if head[12..15] != [8, 0, 0x45] {
        return None;
    }
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (source, destination, ports) = (word(26), word(30), word(34));
    let pair = u64::from(source) << 32 | u64::from(destination);
    let tail = u64::from(head[23]) << 32 | u64::from(ports);
    let hash = (pair ^ tail.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Some((destination, (hash >> 56) as u8))
}

impl Encapsulate for Fused {
    fn encapsulate(&self, frames: &mut [PortFrame<'_>], verdicts: &mut [Verdict]) {
        for (PortFrame { frame, .. }, verdict) in frames.iter_mut().zip(verdicts) {
            let found = parse(frame.bytes()).and_then(|(destination, flow_id)| {
                let key = Table::key(destination);
                Some((self.0.find(key, self.0.place(key))?, flow_id))
            });
            *verdict = match found {
                Some((template, flow_id)) => {
                    template.write(frame, flow_id);
                    Verdict::Uplink
                }
                None => Verdict::Drop(DropReason::NoLookupRecord),
            };
        }
    }
}
