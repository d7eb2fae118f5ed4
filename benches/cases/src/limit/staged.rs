//! Records and frames beyond the caches: of 32 frames all are hashed, then all records fetched, then
//! all resolved, then all headers written, so that the waits for memory overlap.

use nvgre_dataplane::{DropReason, PortFrame, Verdict};

use super::fused::parse;
use super::table::{Table, prefetch};
use crate::work::Encapsulate;

/// Frames whose waits overlap: what a burst from a ring usually is. 64 would gain another 15 %.
const STAGE: usize = 32;

/// See the module.
#[derive(Debug)]
pub(crate) struct Staged(pub Table);

impl Encapsulate for Staged {
    fn encapsulate(&self, frames: &mut [PortFrame<'_>], verdicts: &mut [Verdict]) {
        let mut rest = frames;
        let mut verdicts = verdicts.chunks_mut(STAGE);
        while !rest.is_empty() {
            let (stage, behind) = rest.split_at_mut(STAGE.min(rest.len()));
            self.stage(stage, behind, verdicts.next().unwrap_or_default());
            rest = behind;
        }
    }
}

impl Staged {
    #[inline(always)]
    fn stage(
        &self,
        frames: &mut [PortFrame<'_>],
        next: &[PortFrame<'_>],
        verdicts: &mut [Verdict],
    ) {
        // No record has this key: what is no IPv4 finds nothing.
        let mut wanted = [(u64::MAX, 0usize, 0u8); STAGE];
        for (PortFrame { frame, .. }, wanted) in frames.iter().zip(&mut wanted) {
            let Some((destination, flow_id)) = parse(frame.bytes()) else {
                continue;
            };
            let key = Table::key(destination);
            let place = self.0.place(key);
            self.0.prefetch(place);
            *wanted = (key, place, flow_id);
        }
        // The frames of the next stage come in while this one's records do.
        for PortFrame { frame, .. } in next.iter().take(STAGE) {
            if let Some(first) = frame.bytes().first() {
                prefetch(first);
            }
        }
        let mut found = [None; STAGE];
        for (found, &(key, place, _)) in found.iter_mut().zip(&wanted) {
            *found = self.0.find(key, place);
        }
        let outcomes = found.iter().zip(&wanted);
        for ((PortFrame { frame, .. }, verdict), (found, wanted)) in
            frames.iter_mut().zip(verdicts).zip(outcomes)
        {
            *verdict = match found {
                Some(template) => {
                    template.write(frame, wanted.2);
                    Verdict::Uplink
                }
                None => Verdict::Drop(DropReason::NoLookupRecord),
            };
        }
    }
}
