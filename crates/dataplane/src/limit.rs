//! Rates: token buckets and packets per second.

use crate::verdict::Nanos;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// A bucket that fills at a rate and holds one second of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenBucket {
    /// Tokens, in billionths; `None` until it is first asked, when it is full.
    level: Option<u128>,
    filled_at: Nanos,
}

impl TokenBucket {
    /// Takes `cost` tokens, if they are there. `rate` is in tokens per second.
    pub(crate) fn take(&mut self, now: Nanos, rate: u64, cost: u64) -> bool {
        let full = u128::from(rate) * NANOS_PER_SECOND;
        let gained = u128::from(now.0.saturating_sub(self.filled_at.0)) * u128::from(rate);
        let level = self
            .level
            .map_or(full, |level| level.saturating_add(gained).min(full));
        self.filled_at = self.filled_at.max(now);
        let cost = u128::from(cost) * NANOS_PER_SECOND;
        let enough = level >= cost;
        self.level = Some(if enough { level - cost } else { level });
        enough
    }
}

/// Packets within the current second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SecondCount {
    second: u64,
    packets: u32,
}

impl SecondCount {
    /// Counts one packet; whether it is within `limit` packets of this second.
    pub(crate) fn count(&mut self, now: Nanos, limit: u32) -> bool {
        let second = now.0 / NANOS_PER_SECOND as u64;
        if self.second != second {
            *self = Self { second, packets: 0 };
        }
        self.packets = self.packets.saturating_add(1);
        self.packets <= limit
    }
}
