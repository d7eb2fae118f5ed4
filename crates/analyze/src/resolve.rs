//! A guest looks for the MAC of its next hop: ARP or neighbor solicitation, and who answers.

use std::collections::BTreeSet;

use nvgre_sim::GuestIndex;
use nvgre_wire::{CustomerAddress, MacAddress};

use crate::conversation::{AnsweredBy, Failure, FrameKind, Leg, LegKind, Resolved, SentFrame};
use crate::converse::{Failed, Talk};
use crate::guest_frame::{self, Station};

impl Talk<'_, '_> {
    /// The MAC of a guest's next hop towards `to`. `knows` is a guest whose question may have shown it.
    pub(crate) fn resolve(
        &mut self,
        kind: LegKind,
        (guest, asker): (GuestIndex, Station),
        to: CustomerAddress,
        knows: Option<GuestIndex>,
    ) -> Result<MacAddress, Failed> {
        let no_gateway = || (kind, Failure::NoGateway { guest, to });
        let next_hop = self.next_hop(guest, to).ok_or_else(no_gateway)?;
        let mut leg = Leg::new(kind);
        if let Some(shown_by) = knows
            && let Some(mac) = self.shown(shown_by, guest, next_hop)
        {
            leg.resolved = Some(Resolved {
                next_hop,
                mac,
                by: AnsweredBy::Question(shown_by),
            });
            self.conversation.legs.push(leg);
            return Ok(mac);
        }
        let question = guest_frame::question(asker, next_hop);
        let journey = self.trace(guest, &question);
        let mut conflict = BTreeSet::new();
        let mut answers = Vec::new();
        for (hop, port, frame) in journey.generated() {
            if let Some(mac) = claimed(frame, next_hop)
                && port.0 as GuestIndex == guest
            {
                answers.push((mac, AnsweredBy::Host(journey.hops[hop].host)));
            }
        }
        let reached = journey.deliveries();
        let reached: BTreeSet<_> = reached.map(|(_, port, _)| port.0 as GuestIndex).collect();
        leg.frames.push(SentFrame {
            sender: guest,
            kind: FrameKind::Question(next_hop),
            journey,
        });
        for other in reached {
            if self.has(other, asker.address) {
                // RFC 5227 section 2.4: somebody else sends from its address.
                conflict.extend([guest, other]);
            }
            if !self.has(other, next_hop) {
                continue;
            }
            let owner = self.station(other, next_hop);
            let journey = self.trace(other, &guest_frame::answer(owner, asker));
            let heard = journey.deliveries().find_map(|(_, port, frame)| {
                let here = port.0 as GuestIndex == guest;
                here.then(|| claimed(frame, next_hop)).flatten()
            });
            answers.extend(heard.map(|mac| (mac, AnsweredBy::Guest(other))));
            leg.frames.push(SentFrame {
                sender: other,
                kind: FrameKind::Answer(next_hop),
                journey,
            });
        }
        let found = answers.first().copied();
        let failure = if !conflict.is_empty() {
            Some(Failure::AddressConflict {
                address: asker.address,
                guests: conflict.into_iter().collect(),
            })
        } else if answers
            .iter()
            .any(|&(mac, _)| Some(mac) != found.map(|(mac, _)| mac))
        {
            let guests = answers.iter().filter_map(|&(_, by)| match by {
                AnsweredBy::Guest(guest) => Some(guest),
                AnsweredBy::Host(_) | AnsweredBy::Question(_) => None,
            });
            let guests: BTreeSet<_> = guests.collect();
            Some(Failure::AddressConflict {
                address: next_hop,
                guests: guests.into_iter().collect(),
            })
        } else {
            None
        };
        let result = match (found, failure) {
            (_, Some(failure)) => Err((kind, failure)),
            (Some((mac, by)), None) => {
                leg.resolved = Some(Resolved { next_hop, mac, by });
                Ok(mac)
            }
            (None, None) => Err((kind, self.unanswered(&leg, next_hop))),
        };
        self.conversation.legs.push(leg);
        result
    }

    /// Why nobody's answer came back: the last frame that was dropped on the way, if one was.
    fn unanswered(&mut self, leg: &Leg, address: CustomerAddress) -> Failure {
        for frame in leg.frames.iter().rev() {
            if let Some((reason, host)) = frame.journey.fate.dropped {
                self.conversation.decided_by = frame.journey.clue_of_drop().unwrap_or_default();
                return Failure::Dropped { reason, host };
            }
        }
        Failure::NoAnswer { address }
    }

    /// The MAC that a guest's question for an address has shown to another guest that has the address,
    /// if the question came from this next hop.
    fn shown(
        &self,
        asker: GuestIndex,
        to: GuestIndex,
        next_hop: CustomerAddress,
    ) -> Option<MacAddress> {
        let resolve = self.conversation.leg(LegKind::Resolve)?;
        let question = resolve.frames.iter().find(|frame| {
            let FrameKind::Question(asked) = frame.kind else {
                return false;
            };
            let mut reached = frame.journey.deliveries();
            self.has(to, asked) && reached.any(|(_, port, _)| port.0 as GuestIndex == to)
        })?;
        let (ours, _) = self.conversation.addresses?;
        let of_next_hop = question.sender == asker && ours == next_hop;
        of_next_hop.then(|| self.station(asker, ours).mac)
    }
}

/// The MAC that an answer gives for this address.
fn claimed(frame: &[u8], address: CustomerAddress) -> Option<MacAddress> {
    let claim = guest_frame::claim_in(frame)?;
    (claim.address == address).then_some(claim.mac)
}
