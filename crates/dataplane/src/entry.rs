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

/// What a host sees in a record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// The provider address is this host's.
    pub(crate) own: bool,
    /// A connected port of this switch has the record's subnet and MAC.
    pub(crate) local: bool,
    /// The MAC is the built-in router's.
    pub(crate) router_mac: bool,
}

/// The part of an IPv4 record's row that is not its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row(Value);

/// Where a frame of the record's subnet goes that is addressed to the record, if not in NVGRE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a port of this switch.
    Local,
    /// To another host, rewritten to IPv4.
    Nat,
    /// That takes more to tell.
    Long,
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
    pub(super) const ROUTER_MAC: u64 = 1 << 9;
}

impl Entry {
    /// The record as a row. `provider` is the number of its provider address.
    pub(crate) const fn of(record: &LookupRecord, provider: u32, seen: Seen) -> Self {
        let ca = record.customer_address;
        let mut marks = record.rule as u64 | (record.record_type as u64) << mark::RECORD_TYPE_SHIFT;
        if record.use_vm_mac {
            marks |= mark::USE_VM_MAC;
        }
        if seen.own {
            marks |= mark::OWN;
        }
        if seen.local {
            marks |= mark::LOCAL;
        }
        if seen.router_mac {
            marks |= mark::ROUTER_MAC;
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

impl Row {
    #[inline(always)]
    pub(crate) const fn new([station, names]: [u64; 2]) -> Self {
        Self(Value { station, names })
    }

    /// Whether the record's MAC is the upper part of a word.
    #[inline(always)]
    pub(crate) const fn has_mac(&self, word: u64) -> bool {
        (self.0.station ^ word) >> 16 == 0
    }

    pub(crate) const fn mac(&self) -> MacAddress {
        MacAddress::from_bits(self.0.station >> 16)
    }

    /// The number of the provider address.
    #[inline(always)]
    pub(crate) const fn provider(&self) -> u32 {
        self.0.names as u32
    }

    /// Whether the provider address is IPv4.
    #[inline(always)]
    pub(crate) const fn is_over_ipv4(&self) -> bool {
        self.0.station & mark::OVER_IPV4 != 0
    }

    const ASKED: u64 = mark::RULE | mark::OWN | mark::LOCAL | mark::OVER_IPV4 | mark::ROUTER_MAC;

    /// Whether frames for the record go to another host, in NVGRE over IPv4.
    #[inline(always)]
    pub(crate) const fn goes_in_nvgre(&self) -> bool {
        const ENCAP: u64 = Rule::Encap as u64 | mark::OVER_IPV4;
        self.0.station & Self::ASKED == ENCAP
    }

    #[inline(always)]
    pub(crate) const fn way(&self) -> Way {
        const NAT: u64 = Rule::Nat as u64 | mark::OVER_IPV4;
        match self.0.station & Self::ASKED {
            NAT => Way::Nat,
            marks if marks & (mark::LOCAL | mark::ROUTER_MAC) == mark::LOCAL => Way::Local,
            _more => Way::Long,
        }
    }
}
