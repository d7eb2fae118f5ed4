//! Explicit congestion notification across the tunnel (RFC 6040).

/// The ECN field: the low two bits of TOS and Traffic Class (RFC 3168).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecn {
    /// 00: not ECN-capable.
    NotEct,
    /// 01: ECN-capable, ECT(1).
    Ect1,
    /// 10: ECN-capable, ECT(0).
    Ect0,
    /// 11: congestion experienced.
    Ce,
}

impl Ecn {
    /// The field of a TOS or Traffic Class byte.
    pub const fn of(tos: u8) -> Self {
        match (tos & 2 != 0, tos & 1 != 0) {
            (false, false) => Self::NotEct,
            (false, true) => Self::Ect1,
            (true, false) => Self::Ect0,
            (true, true) => Self::Ce,
        }
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::NotEct => 0,
            Self::Ect1 => 1,
            Self::Ect0 => 2,
            Self::Ce => 3,
        }
    }
}

/// What a decapsulator does with the inner field (RFC 6040 s4.2, figure 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decapsulated {
    /// The inner field becomes this.
    Set(Ecn),
    /// The same, for a combination that RFC 6040 wants reported.
    SetAndReport(Ecn),
    /// Congestion was signalled about a packet whose sender would never hear of it.
    Drop,
}

/// Combines the inner and the outer field on decapsulation (RFC 6040 s4.2, figure 4).
///
/// On encapsulation, in normal mode, the outer field is the inner one (s4.1, figure 3).
pub const fn decapsulate(inner: Ecn, outer: Ecn) -> Decapsulated {
    use Decapsulated::{Drop, Set, SetAndReport};
    match (inner, outer) {
        (Ecn::NotEct, Ecn::NotEct) => Set(Ecn::NotEct),
        (Ecn::NotEct, Ecn::Ect0 | Ecn::Ect1) => SetAndReport(Ecn::NotEct),
        (Ecn::NotEct, Ecn::Ce) => Drop,
        (Ecn::Ect0, Ecn::NotEct | Ecn::Ect0) => Set(Ecn::Ect0),
        (Ecn::Ect0, Ecn::Ect1) => Set(Ecn::Ect1),
        (Ecn::Ect1, Ecn::NotEct | Ecn::Ect1) => Set(Ecn::Ect1),
        (Ecn::Ect1, Ecn::Ect0) => SetAndReport(Ecn::Ect1),
        (Ecn::Ce, Ecn::NotEct | Ecn::Ect0 | Ecn::Ce) => Set(Ecn::Ce),
        (Ecn::Ce, Ecn::Ect1) => SetAndReport(Ecn::Ce),
        (Ecn::Ect0 | Ecn::Ect1, Ecn::Ce) => Set(Ecn::Ce),
    }
}
