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
    pub const fn try_new(value: u32) -> Result<Self, ReservedVsid> {
        if value >= Self::MIN.0 && value <= Self::MAX.0 {
            Ok(Self(value))
        } else {
            Err(ReservedVsid(value))
        }
    }

    /// The number.
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
    pub const fn new(vsid: VirtualSubnetId, flow: FlowId) -> Self {
        Self(vsid.0 << 8 | flow.0 as u32)
    }

    /// The virtual subnet id, if it is not a reserved one.
    pub const fn virtual_subnet(self) -> Result<VirtualSubnetId, ReservedVsid> {
        VirtualSubnetId::try_new(self.0 >> 8)
    }

    /// The FlowID.
    pub const fn flow_id(self) -> FlowId {
        FlowId(self.0 as u8)
    }
}
