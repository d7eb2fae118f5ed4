//! What subnets keep of their records: where floods go, what is learned from, wildcards.

use alloc::sync::Arc;

use nvgre_wire::VirtualSubnetId;

use super::Publisher;
use crate::compile;
use crate::entry::Entry;
use crate::lookup_record::{RecordId, RecordType, Rule};
use crate::short::ShortPort;
use crate::snapshot::{Segment, Subnet, SwitchPort};

impl Publisher {
    pub(super) fn subnet(&self, number: u32) -> &Subnet {
        let subnet = self.next.subnets.get(number);
        subnet.expect("a subnet's number is given when it is first named")
    }

    pub(super) fn subnet_mut(&mut self, number: u32) -> &mut Subnet {
        let subnet = self.next.subnets.get_mut(number);
        Arc::make_mut(subnet.expect("a subnet's number is given when it is first named"))
    }

    /// The number of a subnet, which it is given when it is first named.
    pub(super) fn subnet_number(&mut self, vsid: VirtualSubnetId) -> u32 {
        let key = [u64::from(vsid.get())];
        if let Some((_, [number])) = self.next.subnet_at.find(&key, self.next.version) {
            return number as u32;
        }
        let next = &mut self.next;
        compile::add_subnet(next, key, Subnet::default(), &mut self.used.subnets)
    }

    /// What a subnet keeps of its records: where its floods go, what it learns, its wildcards.
    pub(super) fn add_to_subnet(&mut self, subnet: u32, entry: &Entry) {
        let vsid = entry.virtual_subnet().get();
        let provider = entry.provider();
        let l2_only = entry.record_type() == RecordType::L2Only;
        if !entry.is_own() && entry.rule() == Rule::Encap {
            let [encap, learning] = self.counts.pairs.entry((vsid, provider)).or_default();
            *encap += 1;
            *learning += u32::from(l2_only);
            let (first, first_learning) = (*encap == 1, l2_only && *learning == 1);
            if first {
                self.subnet_mut(subnet).flood_to.push(provider);
            }
            if first_learning {
                self.subnet_mut(subnet).learn_from.push(provider);
            }
        }
        if l2_only {
            let records = self.counts.learning.entry(vsid).or_insert(0);
            *records += 1;
            if *records == 1 {
                self.set_learning(subnet, entry.virtual_subnet(), true);
            }
        }
        if entry.record_type() == RecordType::GatewayWildcard {
            let v6 = !entry.customer_address().is_ipv4();
            self.counts.wildcards.insert((vsid, v6, entry.id()), *entry);
            self.set_wildcard(subnet, vsid, v6);
        }
    }

    pub(super) fn take_from_subnet(&mut self, subnet: u32, entry: &Entry) {
        let vsid = entry.virtual_subnet().get();
        let provider = entry.provider();
        let l2_only = entry.record_type() == RecordType::L2Only;
        if !entry.is_own()
            && entry.rule() == Rule::Encap
            && let Some(pair) = self.counts.pairs.get_mut(&(vsid, provider))
        {
            pair[0] -= 1;
            pair[1] -= u32::from(l2_only);
            let [encap, learning] = *pair;
            if encap == 0 {
                self.counts.pairs.remove(&(vsid, provider));
                let subnet = self.subnet_mut(subnet);
                subnet.flood_to.retain(|&other| other != provider);
            }
            if l2_only && learning == 0 {
                let subnet = self.subnet_mut(subnet);
                subnet.learn_from.retain(|&other| other != provider);
            }
        }
        if l2_only && let Some(records) = self.counts.learning.get_mut(&vsid) {
            *records -= 1;
            if *records == 0 {
                self.counts.learning.remove(&vsid);
                self.set_learning(subnet, entry.virtual_subnet(), false);
            }
        }
        if entry.record_type() == RecordType::GatewayWildcard {
            let v6 = !entry.customer_address().is_ipv4();
            self.counts.wildcards.remove(&(vsid, v6, entry.id()));
            self.set_wildcard(subnet, vsid, v6);
        }
    }

    pub(super) fn set_wildcard(&mut self, subnet: u32, vsid: u32, v6: bool) {
        let of_subnet = (vsid, v6, RecordId(0))..=(vsid, v6, RecordId(u32::MAX));
        let lowest = self.counts.wildcards.range(of_subnet).next();
        let lowest = lowest.map(|(_, entry)| *entry);
        let subnet = self.subnet_mut(subnet);
        if v6 {
            subnet.wildcard_v6 = lowest;
        } else {
            subnet.wildcard_v4 = lowest;
        }
    }

    pub(super) fn set_learning(&mut self, subnet: u32, vsid: VirtualSubnetId, learns: bool) {
        self.subnet_mut(subnet).learns = learns;
        let of_subnet = |port: &SwitchPort| port.segment == Segment::Tenant(vsid);
        if self.next.ports.iter().any(|port| of_subnet(port)) {
            for port in Arc::make_mut(&mut self.next.ports) {
                if of_subnet(port) {
                    let port = Arc::make_mut(port);
                    port.learns = learns;
                    port.short = ShortPort::of(port, &self.next.fixed.hosts, &self.next.settings);
                }
            }
        }
    }
}
