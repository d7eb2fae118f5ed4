//! The NVGRE key and its two halves (RFC 7637 s3.2).

use core::fmt;

/// A virtual subnet id: 24 bits, 4,096..=16,777,214; the rest is reserved (RFC 7637 s3.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualSubnetId(u32);

/// A number that no virtual subnet may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservedVsid(pub u32);

impl VirtualSubnetId {
    /// 4,096: the lowest id that RFC 7637 leaves to virtual subnets.
    pub const MIN: Self = Self(0x00_1000);
    /// 16,777,214: the highest; 0xFFFFFF is reserved for vendors.
    pub const MAX: Self = Self(0xff_fffe);

    /// The id with this number, or the number back when it is reserved or wider than 24 bits.
    #[inline]
    pub const fn try_new(value: u32) -> Result<Self, ReservedVsid> {
        if value >= Self::MIN.0 && value <= Self::MAX.0 {
            Ok(Self(value))
        } else {
            Err(ReservedVsid(value))
        }
    }

    /// The number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for VirtualSubnetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for VirtualSubnetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vsid {}", self.0)
    }
}

impl fmt::Display for ReservedVsid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)",
            self.0
        )
    }
}

impl core::error::Error for ReservedVsid {}

/// Eight bits of entropy about the inner flow (RFC 7637 s3.2). Every value is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FlowId(pub u8);

/// The 32-bit GRE key as NVGRE uses it: virtual subnet id in the upper 24 bits, FlowID in the
/// lower 8. The id is kept as it came: 0..=4095 and 0xFFFFFF are possible on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NvgreKey(pub u32);

impl NvgreKey {
    /// The key of this subnet and flow.
    #[inline]
    pub const fn new(vsid: VirtualSubnetId, flow: FlowId) -> Self {
        Self(vsid.0 << 8 | flow.0 as u32)
    }

    /// The virtual subnet id, if it is not a reserved one.
    #[inline]
    pub const fn virtual_subnet(self) -> Result<VirtualSubnetId, ReservedVsid> {
        VirtualSubnetId::try_new(self.0 >> 8)
    }

    /// The FlowID.
    #[inline]
    pub const fn flow_id(self) -> FlowId {
        FlowId(self.0 as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn n16_ids_0_to_4095_are_reserved() {
        for reserved in 0..=0xfff {
            assert_eq!(
                VirtualSubnetId::try_new(reserved),
                Err(ReservedVsid(reserved))
            );
        }
        assert_eq!(
            VirtualSubnetId::try_new(0x1000),
            Ok(VirtualSubnetId::MIN),
            "4096 is the first usable id"
        );
    }

    #[test]
    fn n17_id_ffffff_is_reserved_for_vendors() {
        assert_eq!(
            VirtualSubnetId::try_new(0xff_ffff),
            Err(ReservedVsid(16_777_215))
        );
        assert_eq!(
            VirtualSubnetId::try_new(0xff_fffe),
            Ok(VirtualSubnetId::MAX),
            "16777214 is the last usable id"
        );
    }

    #[test]
    fn a_number_wider_than_24_bits_is_no_id() {
        for wide in [0x100_0000, 0x100_1000, u32::MAX] {
            assert_eq!(VirtualSubnetId::try_new(wide), Err(ReservedVsid(wide)));
        }
    }

    /// N-02. The limits of RFC 7637 s3.4, the subnets of Microsoft's sample, and others in use.
    #[test]
    fn the_key_is_the_id_in_the_upper_24_bits_and_the_flow_in_the_lower_8() {
        let table = [
            (4_096, 0x0010_0000),
            (5_001, 0x0013_8900),
            (6_001, 0x0017_7100),
            (445_566, 0x06cc_7e00),
            (7_788_990, 0x76d9_be00),
            (11_657_562, 0xb1e1_5a00),
            (16_777_214, 0xffff_fe00),
        ];
        for (number, key) in table {
            let vsid = VirtualSubnetId::try_new(number).expect("not reserved");
            assert_eq!(vsid.get(), number);
            for flow in [0, 0x5a, 0xff] {
                let made = NvgreKey::new(vsid, FlowId(flow));
                assert_eq!(made, NvgreKey(key | u32::from(flow)));
                assert_eq!(made.virtual_subnet(), Ok(vsid));
                assert_eq!(made.flow_id(), FlowId(flow));
            }
        }
    }

    #[test]
    fn reserved_ids_of_a_key_come_back_as_numbers() {
        for (key, number) in [
            (0x0000_0033, 0),
            (0x000f_ff33, 0xfff),
            (0xffff_ff00, 0xff_ffff),
        ] {
            assert_eq!(NvgreKey(key).virtual_subnet(), Err(ReservedVsid(number)));
        }
    }

    #[test]
    fn the_error_says_which_numbers_are_allowed() {
        assert_eq!(
            ReservedVsid(4_095).to_string(),
            "4095 is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)"
        );
    }
}
