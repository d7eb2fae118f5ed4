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
