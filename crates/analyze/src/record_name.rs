//! What tells a lookup record from all others, on every host.

use std::fmt;

use nvgre_dataplane::{LookupRecord, RecordType};
use nvgre_wire::{CustomerAddress, MacAddress, VirtualSubnetId};

/// What a host holds at most one record of (V-01, V-07): hosts that hold one of the same name speak
/// of the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName {
    /// `-VirtualSubnetID`.
    pub virtual_subnet: VirtualSubnetId,
    /// `-CustomerAddress`.
    pub customer_address: CustomerAddress,
    /// Wildcard and L2Only records have no customer address of their own: their MAC and type.
    pub station: Option<(MacAddress, RecordType)>,
}

impl RecordName {
    /// The name of a record.
    pub fn of(record: &LookupRecord) -> Self {
        let has_address = record.record_type.has_customer_address();
        Self {
            virtual_subnet: record.virtual_subnet,
            customer_address: record.customer_address,
            station: (!has_address).then_some((record.mac, record.record_type)),
        }
    }

    /// The parameters that choose this record and no other in a Get- or Remove-.
    pub(crate) fn filter(&self) -> String {
        let mut filter = format!(
            "-VirtualSubnetID {} -CustomerAddress \"{}\"",
            self.virtual_subnet, self.customer_address
        );
        if let Some((mac, record_type)) = self.station {
            filter += &format!(" -MACAddress \"{mac}\" -Type \"{record_type}\"");
        }
        filter
    }

    /// As part of an identity: "445566/192.168.1.22".
    pub(crate) fn path(&self) -> String {
        let mut path = format!("{}/{}", self.virtual_subnet, self.customer_address);
        if let Some((mac, record_type)) = self.station {
            path += &format!("/{record_type}/{mac}");
        }
        path
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.station {
            None => write!(f, "{}", self.customer_address)?,
            Some((mac, record_type)) => write!(f, "{record_type} {mac}")?,
        }
        write!(f, " in VSID {}", self.virtual_subnet)
    }
}
