//! The loops that a person would write by hand for one case and nothing else: what the dataplane is
//! held against. They check nothing that the case does not need. Hand loops live here and nowhere
//! else.

mod fused;
mod staged;
mod table;

pub(crate) use fused::Fused;
pub(crate) use staged::Staged;
pub(crate) use table::Table;

#[cfg(test)]
mod tests {
    use crate::arena::{Arena, Entrance, Frames};
    use crate::flows::{Flows, To, Transport};
    use crate::guests::{Family, SENDER};
    use crate::scene::{By, ENCAP, Scene, Tables};
    use crate::traffic::Traffic;

    const RECORDS: u32 = 1_000;

    /// What a batch of a thousand looks like afterwards, and what was said about it.
    fn forwarded(by: By) -> (Vec<Vec<u8>>, Vec<String>) {
        let kind = (Family::V4, Transport::Udp);
        let traffic = Traffic::Sent {
            mixture: vec![
                Flows::new(SENDER, To::Remote, kind, 60, RECORDS),
                Flows::new(SENDER, To::Remote, kind, 1_514, RECORDS),
                Flows::new(SENDER, To::Nobody, kind, 60, RECORDS),
            ],
            flows: 1_000,
        };
        let mut arena = Arena::new(traffic, Entrance::Port, 1_000, 0, false);
        arena.refill();
        let mut lane = arena.lane();
        let scene = Scene { by, ..ENCAP };
        scene.work(&mut Tables::new(RECORDS)).run(&mut lane);
        lane.check();
        let Frames::Port(frames) = &lane.frames else {
            unreachable!("the frames came from a port");
        };
        let sent = lane
            .verdicts
            .iter()
            .zip(frames)
            .filter_map(|(verdict, frame)| {
                // The FlowID is the one byte that each may choose.
                let mut bytes = frame.frame.bytes().to_vec();
                bytes[41] = 0;
                (*verdict == nvgre_dataplane::Verdict::Uplink).then_some(bytes)
            });
        let verdicts = lane.verdicts.iter().map(|verdict| format!("{verdict:?}"));
        (sent.collect(), verdicts.collect())
    }

    /// A loop that did less would be no limit.
    #[test]
    fn the_hand_loops_write_what_the_dataplane_writes() {
        let ours = forwarded(By::Batch);
        assert!(ours.0.len() > 600, "{} sent", ours.0.len());
        assert!(forwarded(By::Fused) == ours);
        assert!(forwarded(By::Staged) == ours);
    }
}
