//! One address of a guest: whether it is free, and from when on it may be used. IPv4 as RFC 5227
//! says, IPv6 as RFC 4862 section 5.4 says.

use std::net::IpAddr;

use crate::clock::SimTime;
use crate::guest::claim::Statement;

/// RFC 5227 section 1.1.
mod ipv4 {
    use super::SimTime;

    pub(super) const PROBE_WAIT_NANOS: u64 = SimTime::SECOND_NANOS;
    pub(super) const PROBE_NUM: u32 = 3;
    pub(super) const PROBE_MIN_NANOS: u64 = SimTime::SECOND_NANOS;
    pub(super) const PROBE_MAX_NANOS: u64 = 2 * SimTime::SECOND_NANOS;
    pub(super) const ANNOUNCE_WAIT_NANOS: u64 = 2 * SimTime::SECOND_NANOS;
    pub(super) const ANNOUNCE_NUM: u32 = 2;
    pub(super) const ANNOUNCE_INTERVAL_NANOS: u64 = 2 * SimTime::SECOND_NANOS;
    pub(super) const DEFEND_INTERVAL_NANOS: u64 = 10 * SimTime::SECOND_NANOS;
}

/// RFC 4862 section 5.1 and RFC 4861 section 10.
mod ipv6 {
    use super::SimTime;

    pub(super) const MAX_RTR_SOLICITATION_DELAY_NANOS: u64 = SimTime::SECOND_NANOS;
    pub(super) const DUP_ADDR_DETECT_TRANSMITS: u32 = 1;
    pub(super) const RETRANS_TIMER_NANOS: u64 = SimTime::SECOND_NANOS;
}

/// Delays that RFCs want random, the same in every run of a seed: SplitMix64 (Steele, Lea, Flood,
/// 2014).
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// A sequence for this seed and name.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mut jitter = Self(seed);
        for byte in name.bytes() {
            jitter.0 ^= u64::from(byte);
            jitter.0 = jitter.next();
        }
        jitter
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// At least `low` and below `high`, which is greater.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not used: the link never came up, or the address is another station's.
    Silent,
    /// `sent` probes are out. At `next` comes the next one, or the decision.
    Probing { sent: u32, next: SimTime },
    /// In use, `sent` announcements are out. IPv4 only.
    Announcing { sent: u32, next: SimTime },
    /// In use.
    Settled,
}

/// An address and how far its probing is.
#[derive(Debug)]
pub(crate) struct GuestAddress {
    ip: IpAddr,
    prefix_length: u8,
    state: State,
    defended_at: Option<SimTime>,
}

impl GuestAddress {
    pub(crate) fn new(ip: IpAddr, prefix_length: u8) -> Self {
        Self {
            ip,
            prefix_length,
            state: State::Silent,
            defended_at: None,
        }
    }

    pub(crate) fn ip(&self) -> IpAddr {
        self.ip
    }

    pub(crate) fn prefix_length(&self) -> u8 {
        self.prefix_length
    }

    /// Whether the guest may send from it and answers for it.
    pub(crate) fn in_use(&self) -> bool {
        matches!(self.state, State::Announcing { .. } | State::Settled)
    }

    /// Whether it is in use or being probed for.
    pub(crate) fn is_claimed(&self) -> bool {
        self.state != State::Silent
    }

    /// Begins to probe.
    pub(crate) fn start(&mut self, now: SimTime, jitter: &mut Jitter) {
        let wait_nanos = match self.ip {
            IpAddr::V4(_) => ipv4::PROBE_WAIT_NANOS,
            IpAddr::V6(_) => ipv6::MAX_RTR_SOLICITATION_DELAY_NANOS,
        };
        self.defended_at = None;
        self.state = State::Probing {
            sent: 0,
            next: now + jitter.between(0, wait_nanos),
        };
    }

    /// Another station has it: it is not used.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Silent;
    }

    /// When [`GuestAddress::advance`] has something to do.
    pub(crate) fn due_at(&self) -> Option<SimTime> {
        match self.state {
            State::Probing { next, .. } | State::Announcing { next, .. } => Some(next),
            State::Silent | State::Settled => None,
        }
    }

    /// Takes the steps that are due, up to one that has something to say.
    pub(crate) fn advance(&mut self, now: SimTime, jitter: &mut Jitter) -> Option<Statement> {
        if self.due_at()? > now {
            return None;
        }
        match (self.state, self.ip) {
            (State::Probing { sent, .. }, IpAddr::V4(_)) if sent < ipv4::PROBE_NUM => {
                let sent = sent + 1;
                let wait_nanos = if sent < ipv4::PROBE_NUM {
                    jitter.between(ipv4::PROBE_MIN_NANOS, ipv4::PROBE_MAX_NANOS)
                } else {
                    ipv4::ANNOUNCE_WAIT_NANOS
                };
                let next = now + wait_nanos;
                self.state = State::Probing { sent, next };
                Some(Statement::Probe(self.ip))
            }
            (State::Probing { sent, .. }, IpAddr::V6(_))
                if sent < ipv6::DUP_ADDR_DETECT_TRANSMITS =>
            {
                self.state = State::Probing {
                    sent: sent + 1,
                    next: now + ipv6::RETRANS_TIMER_NANOS,
                };
                Some(Statement::Probe(self.ip))
            }
            (State::Probing { .. }, IpAddr::V6(_)) => {
                self.state = State::Settled;
                None
            }
            // The address may be used from the first announcement on (RFC 5227 section 2.3).
            (State::Probing { .. }, IpAddr::V4(v4)) => {
                self.state = State::Announcing {
                    sent: 1,
                    next: now + ipv4::ANNOUNCE_INTERVAL_NANOS,
                };
                Some(Statement::Announcement(v4))
            }
            (State::Announcing { sent, .. }, IpAddr::V4(v4)) => {
                let sent = sent + 1;
                self.state = if sent < ipv4::ANNOUNCE_NUM {
                    let next = now + ipv4::ANNOUNCE_INTERVAL_NANOS;
                    State::Announcing { sent, next }
                } else {
                    State::Settled
                };
                Some(Statement::Announcement(v4))
            }
            (State::Announcing { .. }, IpAddr::V6(_)) | (State::Silent | State::Settled, _) => None,
        }
    }

    /// What to say when another station uses the address: RFC 5227 section 2.4 (c), keep it and
    /// announce it again, at most once in 10 seconds. RFC 4862 has no such defense.
    pub(crate) fn defend(&mut self, now: SimTime) -> Option<Statement> {
        let IpAddr::V4(v4) = self.ip else {
            return None;
        };
        if self
            .defended_at
            .is_some_and(|at| now < at + ipv4::DEFEND_INTERVAL_NANOS)
        {
            return None;
        }
        self.defended_at = Some(now);
        Some(Statement::Announcement(v4))
    }
}
