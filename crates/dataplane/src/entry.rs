//! A lookup record as forwarding reads it: the words of its row.

use nvgre_wire::{CustomerAddress, MacAddress, VirtualSubnetId};

use crate::lookup_record::{LookupRecord, RecordId, RecordType, Rule};

/// A record with everything that forwarding would else have to look up again: the words of its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    virtual_subnet: VirtualSubnetId,
    customer_address: [u64; 2],
    value: Value,
}

/// The part of a row that is not its key.
#[derive(Clone, Copy, Debug)]
struct Value {
    /// MAC above, marks in the lower 16 bits.
    station: u64,
    /// Id above, the number of the provider address below.
    names: u64,
}

/// The small fields of a record, and what the host knows about it.
mod mark {
    pub(super) const RULE: u64 = 3;
    pub(super) const RECORD_TYPE_SHIFT: u32 = 2;
    pub(super) const USE_VM_MAC: u64 = 1 << 4;
    pub(super) const OWN: u64 = 1 << 5;
    pub(super) const LOCAL: u64 = 1 << 6;
    pub(super) const OVER_IPV4: u64 = 1 << 7;
    pub(super) const IPV6: u64 = 1 << 8;
}

impl Entry {
    /// The record as a row. `provider` is the number of its provider address; `own`: that address is
    /// this host's; `local`: a connected port of this switch has the record's subnet and MAC.
    pub(crate) const fn of(record: &LookupRecord, provider: u32, own: bool, local: bool) -> Self {
        let ca = record.customer_address;
        let mut marks = record.rule as u64 | (record.record_type as u64) << mark::RECORD_TYPE_SHIFT;
        if record.use_vm_mac {
            marks |= mark::USE_VM_MAC;
        }
        if own {
            marks |= mark::OWN;
        }
        if local {
            marks |= mark::LOCAL;
        }
        if record.provider_address.is_ipv4() {
            marks |= mark::OVER_IPV4;
        }
        if !ca.is_ipv4() {
            marks |= mark::IPV6;
        }
        Self {
            virtual_subnet: record.virtual_subnet,
            customer_address: [(ca.bits() >> 64) as u64, ca.bits() as u64],
            value: Value {
                station: record.mac.to_bits() << 16 | marks,
                names: (record.id.0 as u64) << 32 | provider as u64,
            },
        }
    }

    #[inline(always)]
    pub(crate) const fn new(
        virtual_subnet: VirtualSubnetId,
        customer_address: [u64; 2],
        [station, names]: [u64; 2],
    ) -> Self {
        Self {
            virtual_subnet,
            customer_address,
            value: Value { station, names },
        }
    }

    /// The words that are not the key.
    pub(crate) const fn value(&self) -> [u64; 2] {
        [self.value.station, self.value.names]
    }

    pub(crate) const fn id(&self) -> RecordId {
        RecordId((self.value.names >> 32) as u32)
    }

    #[inline(always)]
    pub(crate) const fn virtual_subnet(&self) -> VirtualSubnetId {
        self.virtual_subnet
    }

    #[inline(always)]
    pub(crate) fn customer_address(&self) -> CustomerAddress {
        let [high, low] = self.customer_address;
        if self.has(mark::IPV6) {
            let bits = u128::from(high) << 64 | u128::from(low);
            CustomerAddress::v6(bits.to_be_bytes())
        } else {
            CustomerAddress::v4((low as u32).to_be_bytes())
        }
    }

    #[inline(always)]
    pub(crate) const fn mac(&self) -> MacAddress {
        MacAddress::from_bits(self.value.station >> 16)
    }

    /// The number of the provider address.
    #[inline(always)]
    pub(crate) const fn provider(&self) -> u32 {
        self.value.names as u32
    }

    #[inline(always)]
    pub(crate) const fn rule(&self) -> Rule {
        match self.value.station & mark::RULE {
            0 => Rule::Nat,
            1 => Rule::Encap,
            _two => Rule::None,
        }
    }

    #[inline(always)]
    pub(crate) const fn record_type(&self) -> RecordType {
        match self.value.station >> mark::RECORD_TYPE_SHIFT & 3 {
            0 => RecordType::Static,
            1 => RecordType::Dynamic,
            2 => RecordType::GatewayWildcard,
            _three => RecordType::L2Only,
        }
    }

    pub(crate) const fn use_vm_mac(&self) -> bool {
        self.has(mark::USE_VM_MAC)
    }

    /// Whether the provider address is one of this host's.
    #[inline(always)]
    pub(crate) const fn is_own(&self) -> bool {
        self.has(mark::OWN)
    }

    /// Whether a connected port of this switch has the record's subnet and MAC.
    #[inline(always)]
    pub(crate) const fn is_local(&self) -> bool {
        self.has(mark::LOCAL)
    }

    /// Whether the provider address is IPv4.
    #[inline(always)]
    pub(crate) const fn is_over_ipv4(&self) -> bool {
        self.has(mark::OVER_IPV4)
    }

    /// Whether it lets its MAC speak for customer addresses that have no record.
    pub(crate) const fn speaks_for_any(&self) -> bool {
        !self.record_type().has_customer_address()
    }

    #[inline(always)]
    const fn has(&self, mark: u64) -> bool {
        self.value.station & mark != 0
    }
}
