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
    #[inline]
    pub const fn of(tos: u8) -> Self {
        match (tos & 2 != 0, tos & 1 != 0) {
            (false, false) => Self::NotEct,
            (false, true) => Self::Ect1,
            (true, false) => Self::Ect0,
            (true, true) => Self::Ce,
        }
    }

    /// The two bits.
    #[inline]
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
#[inline]
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

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6040 figure 4 in its own order: the inner field, then the result for an outer Not-ECT,
    /// ECT(0), ECT(1) and CE. `!` marks what is to be reported; the drop is always.
    const FIGURE_4: [[&str; 5]; 4] = [
        ["Not-ECT", "Not-ECT", "Not-ECT !", "Not-ECT !", "drop"],
        ["ECT(0)", "ECT(0)", "ECT(0)", "ECT(1)", "CE"],
        ["ECT(1)", "ECT(1)", "ECT(1) !", "ECT(1)", "CE"],
        ["CE", "CE", "CE", "CE !", "CE"],
    ];

    fn field(name: &str) -> Ecn {
        // Codepoints: RFC 3168 s5.
        Ecn::of(match name {
            "Not-ECT" => 0b00,
            "ECT(1)" => 0b01,
            "ECT(0)" => 0b10,
            "CE" => 0b11,
            other => panic!("no ECN field: {other}"),
        })
    }

    #[test]
    fn decapsulation_is_figure_4_of_rfc_6040() {
        for [inner, results @ ..] in FIGURE_4 {
            for (outer, result) in ["Not-ECT", "ECT(0)", "ECT(1)", "CE"]
                .into_iter()
                .zip(results)
            {
                let expected = match result.strip_suffix(" !") {
                    _ if result == "drop" => Decapsulated::Drop,
                    Some(reported) => Decapsulated::SetAndReport(field(reported)),
                    None => Decapsulated::Set(field(result)),
                };
                assert_eq!(
                    decapsulate(field(inner), field(outer)),
                    expected,
                    "inner {inner}, outer {outer}"
                );
            }
        }
    }

    #[test]
    fn the_field_is_the_low_two_bits_whatever_the_dscp() {
        for tos in 0..=255u8 {
            assert_eq!(Ecn::of(tos).bits(), tos & 3);
        }
        assert_eq!(
            [0b00, 0b01, 0b10, 0b11].map(Ecn::of),
            [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce]
        );
    }

    /// RFC 6040 s4.1, figure 3, normal mode: the encapsulator copies, and what it sent comes back.
    #[test]
    fn a_copied_field_survives_an_underlay_that_marks_nothing() {
        for inner in [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce] {
            assert_eq!(decapsulate(inner, inner), Decapsulated::Set(inner));
        }
    }
}
