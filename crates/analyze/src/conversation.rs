//! What came of one guest talking to another: its legs in order, each with the journeys of its frames,
//! and how it ended. [`crate::converse`] holds them.

use nvgre_dataplane::DropReason;
use nvgre_sim::{Clue, GuestIndex, Journey};
use nvgre_wire::{CustomerAddress, MacAddress};

use crate::probe::Probe;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Who began.
    pub from: GuestIndex,
    /// Who was to answer.
    pub to: GuestIndex,
    /// What was asked.
    pub probe: Probe,
    /// The addresses that the two spoke as. None: they have no family in common.
    pub addresses: Option<(CustomerAddress, CustomerAddress)>,
    /// What was sent, in order, up to the end or to what failed. None where a guest talks to itself.
    pub legs: Vec<Leg>,
    /// What went wrong, and in which leg. None: the question was answered.
    pub failure: Option<(LegKind, Failure)>,
    /// What decided: for an answered conversation the record that its request was forwarded by, else
    /// what the frame that failed met last. Its hosts are indices, its records those hosts'.
    pub decided_by: Clue,
    /// Guests of other tenants than the sender's that a frame of the conversation reached, each once,
    /// lowest first.
    pub crossed: Vec<GuestIndex>,
}

/// The families of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// One part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Which.
    pub kind: LegKind,
    /// Its frames, in order.
    pub frames: Vec<SentFrame>,
    /// What it found out, if it looked for a MAC.
    pub resolved: Option<Resolved>,
}

/// The parts of a conversation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegKind {
    /// Both say where they are, as they do when they come up. Only in subnets where addresses are
    /// learned.
    Announce,
    /// The first guest looks for the MAC of its next hop: ARP or neighbor solicitation.
    Resolve,
    /// The question itself.
    Request,
    /// The other guest looks for the MAC of its next hop.
    ResolveBack,
    /// The answer.
    Reply,
}

/// A frame that a guest sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFrame {
    /// Who sent it.
    pub sender: GuestIndex,
    /// What it is.
    pub kind: FrameKind,
    /// What became of it. The first hop holds the frame.
    pub journey: Journey,
}

/// What a guest's frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// "I have this address."
    Announcement(CustomerAddress),
    /// "Who has this address?"
    Question(CustomerAddress),
    /// "I do."
    Answer(CustomerAddress),
    /// A packet of the probe, from one address to the other.
    Packet(CustomerAddress, CustomerAddress),
}

/// Where a next hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The next hop: the other guest's address, or the gateway's.
    pub next_hop: CustomerAddress,
    /// Its MAC.
    pub mac: MacAddress,
    /// Who said so.
    pub by: AnsweredBy,
}

/// Who told a guest a MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The host where it runs, from its records or for the built-in router.
    Host(usize),
    /// Another guest.
    Guest(GuestIndex),
    /// Nobody anew: the other guest's question has shown it.
    Question(GuestIndex),
}

/// Why a conversation came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// One of the guests has IPv4 addresses only, the other IPv6 addresses only.
    NoCommonFamily,
    /// The address is not on the guest's link, and the guest has no gateway of the family.
    NoGateway {
        /// Who has none.
        guest: GuestIndex,
        /// Where it wants to send.
        to: CustomerAddress,
    },
    /// A frame was dropped.
    Dropped {
        /// Why.
        reason: DropReason,
        /// The host that dropped it, or that put it on the underlay which did.
        host: usize,
    },
    /// Whoever got the question does not have the address.
    NoAnswer {
        /// The address.
        address: CustomerAddress,
    },
    /// Several stations that hear each other have one address.
    AddressConflict {
        /// The address.
        address: CustomerAddress,
        /// The guests that have it, as far as they showed, lowest first.
        guests: Vec<GuestIndex>,
    },
    /// The packet was delivered to another guest of the tenant.
    WrongGuest {
        /// To whom.
        guest: GuestIndex,
    },
    /// The packet was delivered to a guest of another tenant.
    CrossTenant {
        /// To whom.
        guest: GuestIndex,
    },
    /// A host took the packet for itself.
    Taken {
        /// Which.
        host: usize,
    },
}

impl Conversation {
    /// Whether the question was answered. [`Conversation::crossed`] may tell of frames that went
    /// astray all the same.
    pub const fn is_answered(&self) -> bool {
        self.failure.is_none()
    }

    /// The leg of this kind, if it came to that.
    pub fn leg(&self, kind: LegKind) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.kind == kind)
    }

    /// How long the asker waits for the answer, in nanoseconds, where packets take `latency_nanoseconds`
    /// from host to host. With `resolved`, both know each other's MAC from before. None: there is no
    /// answer.
    pub fn round_trip_nanos(&self, latency_nanoseconds: u64, resolved: bool) -> Option<u64> {
        if !self.is_answered() {
            return None;
        }
        let legs = self.legs.iter().filter(|leg| match leg.kind {
            LegKind::Request | LegKind::Reply => true,
            LegKind::Resolve | LegKind::ResolveBack => !resolved,
            LegKind::Announce => false,
        });
        let nanos = legs.map(|leg| leg.nanos(self, latency_nanoseconds));
        Some(nanos.sum())
    }

    /// "answered", or the name of what went wrong.
    pub fn reason(&self) -> &'static str {
        let failure = self.failure.as_ref();
        failure.map_or("answered", |(_, failure)| failure.name())
    }
}

impl Leg {
    /// Until what was asked for is there.
    fn nanos(&self, conversation: &Conversation, latency_nanoseconds: u64) -> u64 {
        let (from, to) = match self.kind {
            LegKind::ResolveBack | LegKind::Reply => (conversation.to, conversation.from),
            LegKind::Announce | LegKind::Resolve | LegKind::Request => {
                (conversation.from, conversation.to)
            }
        };
        let frames = self.frames.iter().filter_map(|frame| {
            let journey = &frame.journey;
            let delivered_to = |guest: GuestIndex| {
                let mut deliveries = journey.deliveries();
                deliveries.find(|(_, port, _)| port.0 as GuestIndex == guest)
            };
            let arrived = match (frame.kind, self.resolved.map(|resolved| resolved.by)) {
                (FrameKind::Packet(..), _) => delivered_to(to),
                (FrameKind::Question(_), Some(AnsweredBy::Host(_))) => journey.generated().next(),
                (FrameKind::Question(_), Some(AnsweredBy::Guest(owner))) => delivered_to(owner),
                (FrameKind::Answer(_), Some(AnsweredBy::Guest(owner))) if frame.sender == owner => {
                    delivered_to(from)
                }
                (FrameKind::Answer(_) | FrameKind::Question(_) | FrameKind::Announcement(_), _) => {
                    None
                }
            };
            let (hop, ..) = arrived?;
            Some(journey.nanos_to(hop, latency_nanoseconds))
        });
        frames.sum()
    }
}

impl IpFamily {
    /// The family of an address.
    pub const fn of(address: CustomerAddress) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// "IPv4" or "IPv6".
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

impl LegKind {
    /// The name that reports print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Announce => "announce",
            Self::Resolve => "resolve",
            Self::Request => "request",
            Self::ResolveBack => "resolve_back",
            Self::Reply => "reply",
        }
    }
}

impl Failure {
    /// The name that reports print: the drop reason's, where there is one.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoCommonFamily => "no_common_family",
            Self::NoGateway { .. } => "no_gateway",
            Self::Dropped { reason, .. } => reason.name(),
            Self::NoAnswer { .. } => "no_answer",
            Self::AddressConflict { .. } => "address_conflict",
            Self::WrongGuest { .. } => "wrong_guest",
            Self::CrossTenant { .. } => "cross_tenant",
            Self::Taken { .. } => "taken",
        }
    }
}
