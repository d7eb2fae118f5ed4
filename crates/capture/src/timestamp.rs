//! Time stamps: the units of an interface's clock to nanoseconds since 1970-01-01 00:00 UTC.

const NS_PER_S: u64 = 1_000_000_000;

/// How the 64-bit time stamps of one pcapng interface are read: `if_tsresol` and `if_tsoffset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    resolution: Resolution,
    /// Added to every time stamp, in seconds.
    offset_s: i64,
}

#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// A unit is this many nanoseconds.
    Coarse(u64),
    /// This many units are a nanosecond; `None` when they do not fit, and a stamp is under 1 ns.
    Fine(Option<u64>),
    /// A second has two to the power of this many units.
    Binary(u8),
}

impl Clock {
    /// `tsresol`: bit 7 clear, a negative power of ten; set, a negative power of two.
    pub(crate) const fn new(tsresol: u8, offset_s: i64) -> Self {
        let exponent = tsresol & 0x7f;
        let resolution = if tsresol & 0x80 != 0 {
            Resolution::Binary(exponent)
        } else if exponent <= 9 {
            Resolution::Coarse(10u64.pow(9 - exponent as u32))
        } else {
            Resolution::Fine(10u64.checked_pow(exponent as u32 - 9))
        };
        Self {
            resolution,
            offset_s,
        }
    }

    /// Nanoseconds since the epoch, rounded down; saturates at the ends of `i64` (1677 and 2262).
    pub(crate) fn time_ns(self, units: u64) -> i64 {
        let ns = match self.resolution {
            Resolution::Coarse(ns_per_unit) => u128::from(units) * u128::from(ns_per_unit),
            Resolution::Fine(Some(units_per_ns)) => u128::from(units / units_per_ns),
            Resolution::Fine(None) => 0,
            Resolution::Binary(exponent) => (u128::from(units) * u128::from(NS_PER_S)) >> exponent,
        };
        // u64::MAX seconds and i64::MIN seconds are both below 2^94 ns: the sum cannot overflow.
        let sum = ns as i128 + i128::from(self.offset_s) * i128::from(NS_PER_S);
        sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// Microseconds since 1970, no offset: pcapng's clock where the interface names none.
impl Default for Clock {
    fn default() -> Self {
        Self::new(6, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn powers_of_ten_are_exact() {
        assert_eq!(Clock::new(0, 0).time_ns(3), 3_000_000_000);
        assert_eq!(
            Clock::default().time_ns(1_700_000_000_123_456),
            1_700_000_000_123_456_000
        );
        assert_eq!(
            Clock::new(9, 0).time_ns(1_700_000_000_123_456_789),
            1_700_000_000_123_456_789
        );
        assert_eq!(Clock::new(12, 0).time_ns(1_999), 1);
        assert_eq!(Clock::new(28, 0).time_ns(u64::MAX), 1);
        assert_eq!(Clock::new(29, 0).time_ns(u64::MAX), 0);
        assert_eq!(Clock::new(127, 0).time_ns(u64::MAX), 0);
    }

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!(Clock::new(0x80, 0).time_ns(5), 5_000_000_000);
        assert_eq!(Clock::new(0x80 | 10, 0).time_ns(1_536), 1_500_000_000);
        assert_eq!(
            Clock::new(0x80 | 32, 0).time_ns((7 << 32) | 1 << 31),
            7_500_000_000
        );
        assert_eq!(Clock::new(0xff, 0).time_ns(u64::MAX), 0);
    }

    #[test]
    fn offset_is_in_seconds_and_may_be_negative() {
        assert_eq!(Clock::new(6, 10).time_ns(1), 10_000_001_000);
        assert_eq!(Clock::new(9, -2).time_ns(1), -1_999_999_999);
    }

    #[test]
    fn times_beyond_i64_saturate() {
        assert_eq!(Clock::new(0, i64::MAX).time_ns(u64::MAX), i64::MAX);
        assert_eq!(Clock::new(9, i64::MIN).time_ns(0), i64::MIN);
    }
}
