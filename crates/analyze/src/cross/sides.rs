//! What hosts say about a record, an adapter or a provider address, as reports tell it.

use nvgre_dataplane::{PortSubnet, RecordType};
use nvgre_wire::ProviderAddress;

use crate::cross::disagreement::Side;
use crate::cross::index::{GuestRef, Index};
use crate::cross::judged::Variant;

/// Most hosts whose places stand for those that are right.
pub(crate) const RIGHT_TOLD: usize = 4;

/// Where an adapter is: "in VSID 5001".
pub(crate) fn port_subnet(subnet: PortSubnet) -> String {
    match subnet {
        PortSubnet::Tenant(vsid) => format!("in VSID {vsid}"),
        PortSubnet::Unset => "its VSID not set".to_owned(),
        PortSubnet::LocalOnly => "cut off from the network (VSID 16777215)".to_owned(),
    }
}

impl Index<'_> {
    /// All hosts of a variant, and where each says it.
    pub(crate) fn side(&self, variant: &Variant<'_>) -> Side {
        self.side_of(variant, variant.said.len())
    }

    /// The hosts of a variant, and where the first of them say it.
    pub(crate) fn sample(&self, variant: &Variant<'_>) -> Side {
        self.side_of(variant, RIGHT_TOLD)
    }

    fn side_of(&self, variant: &Variant<'_>, places: usize) -> Side {
        let record = variant.record;
        let mut says = format!(
            "{} at {}, MAC {}, {}",
            record.customer_address, record.provider_address, record.mac, record.rule
        );
        if record.record_type != RecordType::Static {
            says += &format!(", {}", record.record_type);
        }
        if record.use_vm_mac {
            says += ", UseVmMACAddress";
        }
        let said = variant.said.iter();
        Side {
            hosts: self.names(&said.clone().map(|&(host, _)| host).collect::<Vec<_>>()),
            says,
            places: said
                .take(places)
                .map(|(_, entry)| entry.place.clone())
                .collect(),
        }
    }

    pub(crate) fn guest_side(&self, (host, adapter): GuestRef<'_>) -> Side {
        Side {
            hosts: self.names(&[host]),
            says: format!(
                "runs {} ({}), {}",
                adapter.vm_name,
                adapter.mac,
                port_subnet(adapter.subnet)
            ),
            places: adapter.place.iter().cloned().collect(),
        }
    }

    pub(crate) fn owner_sides(&self, address: ProviderAddress) -> Vec<Side> {
        let owners = self.owners.get(&address).into_iter().flatten();
        owners
            .map(|&(host, entry)| Side {
                hosts: self.names(&[host]),
                says: format!("owns {address}"),
                places: vec![entry.place.clone()],
            })
            .collect()
    }
}
