//! Whole walks, for who wants more of a replay than its books: each is kept until it has ended, told,
//! held against the filter, and written.

use std::cell::RefCell;

use nvgre_netwnv::Estate;

use crate::comment::{Teller, ToldFrame};
use crate::comparison::Comparison;
use crate::entry::SkipReason;
use crate::filter::Filter;
use crate::model::Model;
use crate::taps::Taps;
use crate::walk_log::{Beginning, Seen, WalkLog};

/// Most frames that are listed: people read no more, and what is kept must not grow with the capture.
const LISTED_MAX: usize = 100;

/// See the module.
pub(crate) struct Keeper {
    pub(crate) log: RefCell<WalkLog>,
    teller: Teller,
    filter: Option<(Filter, FilterMatches)>,
}

/// The frames that a filter matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterMatches {
    /// How many.
    pub frames: u64,
    /// The first of them, at most 100.
    pub listed: Vec<ToldFrame>,
}

impl Keeper {
    pub(crate) fn new(model: &Model) -> Self {
        Self {
            log: RefCell::default(),
            teller: Teller::new(model),
            filter: None,
        }
    }

    /// Keeps nothing but what this matches from now on.
    pub(crate) fn set_filter(&mut self, filter: Filter) {
        self.filter = Some((filter, FilterMatches::default()));
    }

    /// The filter, and what it has matched.
    pub(crate) fn filter(&self) -> Option<(&Filter, &FilterMatches)> {
        self.filter
            .as_ref()
            .map(|(filter, matches)| (filter, matches))
    }

    /// The walk in the log has ended.
    pub(crate) fn keep(
        &mut self,
        estate: &Estate,
        taps: Option<&mut Taps>,
        comparison: Option<&mut Comparison>,
    ) {
        let log = self.log.get_mut();
        log.finish();
        let mut told = false;
        if let Some((filter, matches)) = &mut self.filter {
            if !filter.matches(&self.teller.facts(log)) {
                return;
            }
            matches.frames += 1;
            if matches.listed.len() < LISTED_MAX {
                self.teller.tell(log, estate);
                matches.listed.push(self.teller.parts(log, estate));
                told = true;
            }
        }
        if let Some(taps) = taps {
            if taps.shows_hops() && !told {
                self.teller.tell(log, estate);
            }
            taps.show_walk(log, &self.teller);
        }
        if let Some(comparison) = comparison {
            for hop in &log.hops {
                let (guest, answered) = match hop.seen {
                    Seen::ToGuest(guest) => (guest, false),
                    Seen::AnswerTo(guest) => (guest, true),
                    Seen::FromGuest(_) | Seen::Sent(_) | Seen::Carried | Seen::Arrived(_) => {
                        continue;
                    }
                };
                comparison.delivered(log.number, guest, log.bytes(hop), answered);
            }
        }
    }

    /// A frame never entered.
    pub(crate) fn skip(
        &mut self,
        number: u64,
        captured_ns: i64,
        reason: SkipReason,
        frame: &[u8],
        estate: &Estate,
    ) {
        if self.filter.is_some() {
            let log = self.log.get_mut();
            log.begin(number, captured_ns, Beginning::Skipped(reason), frame);
            self.keep(estate, None, None);
        }
    }
}
