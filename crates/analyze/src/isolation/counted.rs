//! Small sets whose members are counted: what many holders say stays until the last one stops.

use smallvec::SmallVec;

/// A set of few members, each with how many hold it. Members are in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted<T> {
    members: SmallVec<[(T, u32); 1]>,
}

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self {
            members: SmallVec::new(),
        }
    }
}

impl<T: Copy + Ord> Counted<T> {
    /// One member is held by so many more; true when it is new.
    pub(crate) fn add(&mut self, member: T, holders: u32) -> bool {
        match self.members.binary_search_by_key(&member, |held| held.0) {
            Ok(at) => {
                self.members[at].1 += holders;
                false
            }
            Err(at) => {
                self.members.insert(at, (member, holders));
                true
            }
        }
    }

    /// One member is held by so many less; true when nobody holds it any more.
    pub(crate) fn take(&mut self, member: T, holders: u32) -> bool {
        let Ok(at) = self.members.binary_search_by_key(&member, |held| held.0) else {
            return false;
        };
        let held = &mut self.members[at].1;
        *held = held.saturating_sub(holders);
        let gone = *held == 0;
        if gone {
            self.members.remove(at);
        }
        gone
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = T> {
        self.members.iter().map(|held| held.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The members, each with how many hold it.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (T, u32)> {
        self.members.iter().copied()
    }
}
