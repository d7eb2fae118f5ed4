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

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn ids_are_1_to_4094() {
        for value in 0..=u16::MAX {
            match VlanId::try_new(value) {
                Ok(id) => {
                    assert!((1..=4094).contains(&value), "{value} was accepted");
                    assert_eq!(id.get(), value);
                }
                Err(error) => {
                    assert!(!(1..=4094).contains(&value), "{value} was refused");
                    assert_eq!(error, VlanError(value));
                }
            }
        }
    }

    #[test]
    fn the_error_says_which_numbers_are_allowed() {
        assert_eq!(
            VlanError(4095).to_string(),
            "4095 is no VLAN id: 1 to 4094 are"
        );
    }
}
