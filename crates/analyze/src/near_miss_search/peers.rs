//! What a receiving host expected of a packet: its source, its tag, a port for it.

use nvgre_dataplane::{LookupRecord, PortSubnet, Rule};
use nvgre_sim::GuestIndex;
use nvgre_wire::{MacAddress, ProviderAddress, VirtualSubnetId};

use super::Search;
use crate::near_miss::NearMiss;

impl Search<'_> {
    /// The packet's source, and the record of the sender's customer address in the key's subnet.
    pub(super) fn unknown_peer(&mut self) {
        let (Some((source, _, _)), inner) = (self.question.outer, self.question.inner) else {
            return;
        };
        let here = self.here();
        if let Some(subnet) = self.question.subnet
            && let Some(address) = inner.source
        {
            let of_sender = move |record: &LookupRecord| {
                record.virtual_subnet == subnet && record.customer_address == address
            };
            if self.record(here, of_sender).is_some() {
                self.other_provider(of_sender, source);
            } else {
                self.record_elsewhere(move |record| {
                    of_sender(record) && record.provider_address == source
                });
            }
        }
        // Before it has an address, its MAC alone tells who sends.
        if let (true, Some(subnet), Some(mac)) = (
            self.found.is_empty(),
            self.question.subnet,
            inner.source_mac,
        ) {
            let of_mac =
                |record: &LookupRecord| record.virtual_subnet == subnet && record.mac == mac;
            self.other_provider(of_mac, source);
        }
        self.named_elsewhere(source);
    }

    /// The record of the sender, which names another provider address than the packet came from.
    fn other_provider(
        &mut self,
        of_sender: impl Fn(&LookupRecord) -> bool,
        asked: ProviderAddress,
    ) {
        let fits = |record: &LookupRecord| of_sender(record) && record.provider_address != asked;
        if let Some(record) = self.record(self.here(), fits) {
            self.push(NearMiss::OtherProvider { record, asked });
        }
    }

    /// Records of this host that name a packet's source, in whatever subnet.
    pub(super) fn named_elsewhere(&mut self, source: ProviderAddress) {
        let here = self.here();
        let named = self.record(here, |record| record.provider_address == source);
        if let Some(record) = named {
            let asked = source;
            self.push(NearMiss::OtherDomain { record, asked });
        }
    }

    pub(super) fn peer_not_source(&mut self) {
        let (Some((source, _, _)), Some((record, found))) = (self.question.outer, self.decider())
        else {
            return;
        };
        self.push(NearMiss::OtherProvider {
            record,
            asked: source,
        });
        let sender = self.guest_with(found.virtual_subnet, found.customer_address);
        if let Some(guest) = sender {
            self.runs_on(guest);
        }
    }

    pub(super) fn no_port(&mut self) {
        let (Some(subnet), Some(mac)) = (
            self.question.subnet,
            self.decider()
                .map(|(_, record)| record.mac)
                .filter(|_| self.question.outer.is_none())
                .or(self.question.inner.destination_mac),
        ) else {
            return;
        };
        self.ports_of(subnet, mac);
        let wanted = self.wanted();
        if let Some(guest) = wanted {
            let host = self.model.host_of(guest);
            let has = self.model.scenario().guests[guest].mac;
            if host == self.here() && has != mac {
                self.push(NearMiss::PortMac { guest, asked: mac });
            } else if host != self.here() {
                self.runs_on(guest);
            }
        }
    }

    /// Ports of this host with the MAC, in another subnet.
    pub(super) fn ports_of(&mut self, asked: VirtualSubnetId, mac: MacAddress) {
        let policy = self.model.network().hosts()[self.here()].policy();
        let with_mac = policy.ports.iter().filter(|port| port.mac == mac);
        for port in with_mac.filter(|port| port.subnet != PortSubnet::Tenant(asked)) {
            self.push(NearMiss::PortSubnet {
                guest: port.id.0 as GuestIndex,
                has: port.subnet,
                asked,
            });
        }
    }

    pub(super) fn port_mac(&mut self) {
        if let (Some(guest), Some(asked)) = (self.question.sender, self.question.inner.source_mac) {
            self.push(NearMiss::PortMac { guest, asked });
        }
    }

    pub(super) fn vlan(&mut self) {
        let Some((source, destination, asked)) = self.question.outer else {
            return;
        };
        let here = self.here();
        let sender = self.model.network().owner(source);
        let ends = [(Some(here), destination), (sender, source)];
        for (host, address) in ends {
            let Some(host) = host else { continue };
            let policy = self.model.network().hosts()[host].policy();
            let mut own = policy.provider_addresses.iter();
            if let Some(own) = own.find(|own| own.address == address)
                && own.vlan != asked
            {
                let (address, has) = (own.address, own.vlan);
                self.push(NearMiss::Vlan {
                    host,
                    address,
                    has,
                    asked,
                });
            }
        }
    }

    /// A rewritten packet: its source alone tells who sent it.
    pub(super) fn unknown_nat_peer(&mut self) {
        let Some((source, _, _)) = self.question.outer else {
            return;
        };
        let here = self.here();
        let of_source = move |record: &LookupRecord| record.provider_address == source;
        let with_other_rule = self.record(here, |record| of_source(record));
        if let Some(record) = with_other_rule {
            let asked = Rule::Nat;
            self.push(NearMiss::OtherRule { record, asked });
        }
        if let (Some(subnet), Some(address)) =
            (self.question.from_subnet, self.question.inner.source)
        {
            let of_sender = self.record(here, |record| {
                record.virtual_subnet == subnet
                    && record.customer_address == address
                    && record.provider_address != source
            });
            if let Some(record) = of_sender {
                let asked = source;
                self.push(NearMiss::OtherProvider { record, asked });
            }
        }
        self.record_elsewhere(move |record| of_source(record) && record.rule == Rule::Nat);
    }
}
