//! Lookup records: (VSID, customer address) to provider address, MAC and rule.

use core::fmt;

use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId};

use crate::policy::PolicyError;

/// Names a lookup record everywhere: in traces, and in whatever remembers where it was written.
/// The owner of the policy gives the numbers; they are unique within one host's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u32);

/// How a frame reaches a customer address on another host (`-Rule`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rule {
    /// `TranslationMethodNat`: customer addresses are rewritten to provider addresses, one to one.
    Nat = 0,
    /// `TranslationMethodEncap`: NVGRE.
    Encap = 1,
    /// `TranslationMethodNone`: local delivery only (our decision; Windows leaves it open).
    None = 2,
}

/// What a record is for (`-Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordType {
    /// Written by the administrator.
    Static = 0,
    /// Learned for a MAC that has an L2Only record.
    Dynamic = 1,
    /// The MAC is a gateway: takes what no other record of the subnet matches.
    GatewayWildcard = 2,
    /// MAC and provider address are known, the customer address is still to be learned.
    L2Only = 3,
}

/// One lookup record (New-NetVirtualizationLookupRecord). Its labels (CustomerID, Context, VMName)
/// decide nothing and stay with whoever read the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupRecord {
    /// Its name.
    pub id: RecordId,
    /// `-VirtualSubnetID`.
    pub virtual_subnet: VirtualSubnetId,
    /// `-CustomerAddress`; 0.0.0.0 or :: for [`RecordType::GatewayWildcard`] and
    /// [`RecordType::L2Only`], and only for them.
    pub customer_address: CustomerAddress,
    /// `-MACAddress`.
    pub mac: MacAddress,
    /// `-ProviderAddress`.
    pub provider_address: ProviderAddress,
    /// `-Rule`.
    pub rule: Rule,
    /// `-Type`.
    pub record_type: RecordType,
    /// `-UseVmMACAddress`: rewritten frames carry the guest's MAC outside. Only with [`Rule::Nat`].
    pub use_vm_mac: bool,
}

/// What a record is told apart by: at most one of each (V-01, V-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RecordName {
    /// Static and Dynamic records: the customer address.
    Address(VirtualSubnetId, CustomerAddress),
    /// Wildcard and L2Only records: family, MAC and type.
    Station(VirtualSubnetId, CustomerAddress, MacAddress, RecordType),
}

impl LookupRecord {
    pub(crate) const fn name(&self) -> RecordName {
        let (vsid, ca) = (self.virtual_subnet, self.customer_address);
        if self.record_type.has_customer_address() {
            RecordName::Address(vsid, ca)
        } else {
            RecordName::Station(vsid, ca, self.mac, self.record_type)
        }
    }

    /// What is wrong with it, whatever other records there are.
    pub(crate) fn errors(&self) -> impl Iterator<Item = PolicyError> {
        let (id, ca, pa) = (self.id, self.customer_address, self.provider_address);
        let no_address = !self.record_type.has_customer_address();
        [
            (
                no_address != ca.is_unspecified(),
                PolicyError::CustomerAddressForType(id),
            ),
            (ca.is_group(), PolicyError::CustomerAddressNotUnicast(id)),
            (self.mac.is_group(), PolicyError::RecordMacNotUnicast(id)),
            (
                pa.is_unspecified() || pa.is_group(),
                PolicyError::ProviderAddressNotUnicast(id),
            ),
            (
                self.use_vm_mac && self.rule != Rule::Nat,
                PolicyError::VmMacWithoutNat(id),
            ),
        ]
        .into_iter()
        .filter_map(|(wrong, error)| wrong.then_some(error))
    }
}

impl Rule {
    /// As NetWNV spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nat => "TranslationMethodNat",
            Self::Encap => "TranslationMethodEncap",
            Self::None => "TranslationMethodNone",
        }
    }
}

impl RecordType {
    /// As NetWNV spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "Static",
            Self::Dynamic => "Dynamic",
            Self::GatewayWildcard => "GatewayWildcard",
            Self::L2Only => "L2Only",
        }
    }

    /// Whether records of this type name a customer address.
    pub const fn has_customer_address(self) -> bool {
        match self {
            Self::Static | Self::Dynamic => true,
            Self::GatewayWildcard | Self::L2Only => false,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
