//! The cases about policy, measured.

use crate::edits::{Beside, Edited};
use crate::loads::Loaded;
use crate::meter::Meter;
use crate::policy_list::{Deed, PolicyCase, policy_case_of};

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub enum PolicyMeasured {
    /// Of [`Deed::Edit`] and [`Deed::ProveAgain`].
    Edited(Edited),
    /// Of [`Deed::Load`] and [`Deed::Prove`].
    Loaded(Loaded),
    /// Of [`Deed::ForwardBeside`].
    Beside(Beside),
}

impl Meter {
    /// Records of a case's policy.
    pub fn policy_records(&self, case: &PolicyCase) -> u32 {
        case.records.unwrap_or(self.default_records())
    }

    /// Measures a case.
    pub fn measure_policy(&mut self, case: &PolicyCase) -> PolicyMeasured {
        let records = self.policy_records(case);
        match case.deed {
            Deed::Edit(edit) => {
                let peer = case.peer.and_then(policy_case_of);
                let peer = peer.map(|peer| self.policy_records(peer));
                PolicyMeasured::Edited(self.measure_edits(edit, records, peer))
            }
            Deed::Load(written) => PolicyMeasured::Loaded(self.measure_loads(written, records)),
            Deed::Prove => PolicyMeasured::Loaded(self.measure_proofs(records)),
            Deed::ProveAgain => {
                let peer = case.peer.and_then(policy_case_of);
                let peer = peer.map(|peer| self.policy_records(peer));
                PolicyMeasured::Edited(self.measure_proofs_again(records, peer))
            }
            Deed::ForwardBeside(per_second) => {
                PolicyMeasured::Beside(self.measure_beside(per_second, records))
            }
        }
    }
}
