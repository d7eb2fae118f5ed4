//! Records of the destination and of the sender that came close.

use nvgre_dataplane::LookupRecord;
use nvgre_wire::VirtualSubnetId;

use super::Search;
use crate::near_miss::{NearMiss, Row};

impl Search<'_> {
    pub(super) fn unbound(&mut self) {
        let (here, subnet, address) = (self.here(), self.question.subnet, self.question.address);
        let record = self.record(here, |record| {
            Some(record.virtual_subnet) == subnet && Some(record.customer_address) == address
        });
        self.push(NearMiss::NotBound { host: here, record });
        self.runs();
    }

    pub(super) fn no_record(&mut self) {
        let (Some(subnet), here) = (self.question.subnet, self.here()) else {
            return;
        };
        let Some(address) = self.question.address else {
            return self.no_record_of_mac(subnet);
        };
        // The address has a record, and the frame goes to another MAC than the record's: not one that
        // goes to all.
        let of_address = move |record: &LookupRecord| {
            record.virtual_subnet == subnet && record.customer_address == address
        };
        if let Some(record) = self.record(here, of_address)
            && let Some(asked) = self.question.inner.destination_mac
            && !asked.is_group()
        {
            self.push(NearMiss::OtherMac { record, asked });
        }
        self.record_elsewhere(of_address);
        let wanted = self.wanted();
        let mac = wanted.map(|guest| self.model.scenario().guests[guest].mac);
        let mac = mac.or(self.question.inner.destination_mac);
        let of_mac = self.record(here, |record| {
            record.virtual_subnet == subnet
                && Some(record.mac) == mac
                && record.customer_address != address
                && record.customer_address.is_ipv4() == address.is_ipv4()
                && !record.customer_address.is_unspecified()
        });
        if let Some(record) = of_mac {
            let asked = address;
            self.push(NearMiss::OtherAddress { record, asked });
        }
        self.other_subnets(subnet, |record| record.customer_address == address);
        self.runs();
    }

    pub(super) fn no_record_of_mac(&mut self, subnet: VirtualSubnetId) {
        let mac = self.question.inner.destination_mac;
        let of_mac =
            move |record: &LookupRecord| record.virtual_subnet == subnet && Some(record.mac) == mac;
        self.record_elsewhere(of_mac);
        self.other_subnets(subnet, |record| Some(record.mac) == mac);
    }

    /// Rows of this host that fit, but for their subnet; those of the reader's tenant first.
    pub(super) fn other_subnets(
        &mut self,
        asked: VirtualSubnetId,
        fits: impl Fn(&LookupRecord) -> bool,
    ) {
        let here = self.here();
        let records = self.records(here).iter();
        let mut others: Vec<_> = records
            .filter(|record| record.virtual_subnet != asked && fits(record))
            .map(|record| (!self.of_one_tenant(record.virtual_subnet, asked), record.id))
            .collect();
        others.sort();
        if let Some(&(_, id)) = others.first() {
            let row = Row::Record(here, id);
            self.push(NearMiss::OtherSubnet { row, asked });
        }
    }

    pub(super) fn of_one_tenant(&self, one: VirtualSubnetId, other: VirtualSubnetId) -> bool {
        let mut tenants = self.model.scenario().tenants.iter();
        tenants.any(|tenant| {
            tenant.virtual_subnets.contains(&one) && tenant.virtual_subnets.contains(&other)
        })
    }

    pub(super) fn no_source_record(&mut self) {
        let inner = self.question.inner;
        let (Some(subnet), Some(address)) = (self.question.from_subnet, inner.source) else {
            return;
        };
        let here = self.here();
        let of_address = move |record: &LookupRecord| {
            record.virtual_subnet == subnet && record.customer_address == address
        };
        let Some(mac) = inner.source_mac else {
            return;
        };
        let own = self.records(here).iter().find(|record| of_address(record));
        if let Some(found) = own {
            let record = Row::Record(here, found.id);
            if found.mac != mac {
                self.push(NearMiss::OtherMac { record, asked: mac });
            }
            let owner = self.model.network().owner(found.provider_address);
            if owner != Some(here) {
                self.push(NearMiss::NotOfThisHost {
                    record,
                    here,
                    owner,
                });
            }
        }
        if own.is_none() {
            self.record_elsewhere(of_address);
        }
        let of_mac = self.record(here, |record| {
            record.virtual_subnet == subnet
                && record.mac == mac
                && record.customer_address != address
                && record.customer_address.is_ipv4() == address.is_ipv4()
        });
        if let Some(record) = of_mac {
            let asked = address;
            self.push(NearMiss::OtherAddress { record, asked });
        }
        self.other_subnets(subnet, |record| {
            record.customer_address == address && record.mac == mac
        });
    }
}
