//! Routing domain ids: the GUID that names a tenant's network.

use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

/// A RoutingDomainID (New-NetVirtualizationCustomerRoute). Read with or without braces, printed
/// with them, as NetWNV does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoutingDomainId(u128);

/// Text that is no GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutingDomainError;

impl RoutingDomainId {
    /// From the GUID's 128 bits, most significant first as printed.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }
}

impl FromStr for RoutingDomainId {
    type Err = RoutingDomainError;

    fn from_str(text: &str) -> Result<Self, RoutingDomainError> {
        Uuid::try_parse(text)
            .map(|guid| Self(guid.as_u128()))
            .map_err(|_| RoutingDomainError)
    }
}

impl fmt::Display for RoutingDomainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Uuid::from_u128(self.0).braced(), f)
    }
}

impl fmt::Debug for RoutingDomainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RoutingDomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a GUID, as in {11111111-2222-3333-4444-000000000000}")
    }
}

impl core::error::Error for RoutingDomainError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const RED: RoutingDomainId = RoutingDomainId::new(0x11111111_2222_3333_4444_00000000abcd);

    #[test]
    fn a_guid_is_read_with_and_without_braces_in_both_cases() {
        for text in [
            "{11111111-2222-3333-4444-00000000abcd}",
            "{11111111-2222-3333-4444-00000000ABCD}",
            "11111111-2222-3333-4444-00000000abcd",
            "11111111-2222-3333-4444-00000000ABCD",
            "1111111122223333444400000000abcd",
        ] {
            assert_eq!(text.parse(), Ok(RED), "{text}");
        }
    }

    #[test]
    fn it_is_printed_with_braces() {
        assert_eq!(RED.to_string(), "{11111111-2222-3333-4444-00000000abcd}");
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "{}",
            "{11111111-2222-3333-4444-00000000abcd",
            "11111111-2222-3333-4444-00000000abcd}",
            "(11111111-2222-3333-4444-00000000abcd)",
            "11111111-2222-3333-4444-00000000abc",
            "11111111-2222-3333-4444-00000000abcg",
            "11111111-22223-333-4444-00000000abcd",
            " 11111111-2222-3333-4444-00000000abcd",
        ] {
            assert_eq!(
                text.parse::<RoutingDomainId>(),
                Err(RoutingDomainError),
                "{text:?}"
            );
        }
    }
}
