//! 802.1Q VLAN ids.

use core::fmt;

/// A VLAN id: 1..=4094 (IEEE 802.1Q; 0 means "priority only", 4095 is reserved).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

/// A number that no VLAN may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanError(pub u16);

impl VlanId {
    /// The id with this number, or the number back.
    pub const fn try_new(value: u16) -> Result<Self, VlanError> {
        if value >= 1 && value <= 4094 {
            Ok(Self(value))
        } else {
            Err(VlanError(value))
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for VlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no VLAN id: 1 to 4094 are", self.0)
    }
}

impl core::error::Error for VlanError {}
