//! Isolation of a datacenter, proved from its tables, and proved again after an edit.
//!
//! A hundred records a tenant in two subnets, each tenant on ten hosts that share its rows by
//! reference: a million records are 10,000 tenants on 1,000 hosts. Every fiftieth tenant's addresses
//! are rewritten, so that each of its records has a provider address of its own.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nvgre_analyze::{Fact, Ground, Holdings, IsolationFacts, PolicyPart};
use nvgre_dataplane::{CustomerRoute, LookupRecord, RecordId, RecordType, RouteId, Rule};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId,
};

use crate::allocations::most_held;
use crate::clock::Start;
use crate::edits::Edited;
use crate::loads::Loaded;
use crate::meter::{Meter, median, quantile};

const RECORDS_OF_TENANT: u32 = 100;
const HOSTS_OF_TENANT: u32 = 10;
const SUBNETS_OF_TENANT: u32 = 2;
/// Every so manieth tenant's packets are rewritten.
const REWRITTEN: u32 = 50;

/// Hosts, and the rows that they share.
struct Datacenter {
    hosts: Vec<Holdings>,
    tenants: Vec<Arc<PolicyPart>>,
}

impl Datacenter {
    fn of(records: u32) -> Self {
        let tenants = (records / RECORDS_OF_TENANT).max(2);
        let mut hosts = vec![Holdings::default(); (tenants / 10).max(HOSTS_OF_TENANT) as usize];
        let parts: Vec<_> = (0..tenants)
            .map(|tenant| part(tenant, hosts.len()))
            .collect();
        for (tenant, part) in parts.iter().enumerate() {
            for nth in 0..HOSTS_OF_TENANT {
                let host = host_of(tenant as u32, nth, hosts.len());
                hosts[host].parts.push(Arc::clone(part));
            }
            for (index, record) in part.records.iter().enumerate() {
                let host = host_of(tenant as u32, index as u32 % HOSTS_OF_TENANT, hosts.len());
                let ground = Ground::Subnet(record.virtual_subnet);
                hosts[host].ports.push((ground, tenant));
            }
        }
        Self {
            hosts,
            tenants: parts,
        }
    }
}

/// The nth host of a tenant; its ten are not one another's.
const fn host_of(tenant: u32, nth: u32, hosts: usize) -> usize {
    (tenant as usize * 7 + nth as usize * (hosts / HOSTS_OF_TENANT as usize)) % hosts
}

fn subnet(tenant: u32, index: u32) -> VirtualSubnetId {
    let vsid = 4_096 + tenant * SUBNETS_OF_TENANT + index % SUBNETS_OF_TENANT;
    VirtualSubnetId::try_new(vsid).expect("tens of thousands fit")
}

fn part(tenant: u32, hosts: usize) -> Arc<PolicyPart> {
    let rewritten = tenant.is_multiple_of(REWRITTEN);
    let records = (0..RECORDS_OF_TENANT).map(|index| {
        let host = host_of(tenant, index % HOSTS_OF_TENANT, hosts) as u32;
        let own = tenant * RECORDS_OF_TENANT + index;
        LookupRecord {
            id: RecordId(own),
            virtual_subnet: subnet(tenant, index),
            customer_address: CustomerAddress::v4([10, 0, (index % 2) as u8, index as u8 + 2]),
            mac: MacAddress::from_bits(0x0015_5d00_0000 | u64::from(own)),
            provider_address: if rewritten {
                ProviderAddress::v4((0x0b00_0000 | own).to_be_bytes())
            } else {
                host_address(host)
            },
            rule: if rewritten { Rule::Nat } else { Rule::Encap },
            record_type: RecordType::Static,
            use_vm_mac: false,
        }
    });
    let routes = (0..SUBNETS_OF_TENANT).map(|index| CustomerRoute {
        id: RouteId(tenant * SUBNETS_OF_TENANT + index),
        routing_domain: RoutingDomainId::new(u128::from(tenant) + 1),
        virtual_subnet: subnet(tenant, index),
        destination: CustomerPrefix::new(CustomerAddress::v4([10, 0, index as u8, 0]), 24)
            .expect("a prefix"),
        next_hop: CustomerAddress::v4([0; 4]),
        metric: 255,
    });
    Arc::new(PolicyPart {
        records: records.collect(),
        routes: routes.collect(),
    })
}

const fn host_address(host: u32) -> ProviderAddress {
    ProviderAddress::v4((0x0a00_0000 | (host + 1)).to_be_bytes())
}

fn proved(facts: &IsolationFacts) -> bool {
    facts.breaches().next().is_none()
}

impl Meter {
    /// Proves isolation of a datacenter with so many records. Loading it does not count, its memory
    /// does.
    pub(crate) fn measure_proofs(&mut self, records: u32) -> Loaded {
        let effort = self.effort();
        let (datacenter, of_rows) = most_held(|| Datacenter::of(records));
        let start = Instant::now();
        let mut times = Vec::new();
        let mut of_facts = 0;
        while times.len() < effort.loads || start.elapsed() < effort.slice * effort.rounds as u32 {
            let start = Start::now();
            let (facts, most) = most_held(|| IsolationFacts::of(&datacenter.hosts));
            assert!(proved(&facts), "no tenant meets another in this datacenter");
            times.push(start.took());
            of_facts = most;
            black_box(facts);
        }
        let per_record = |of: fn(&crate::clock::Took) -> Duration| {
            let times = times.iter().map(|took| of(took).as_nanos() as f64);
            median(times.collect()).unwrap_or_default() / f64::from(records)
        };
        Loaded {
            ns_per_record: per_record(|took| took.wall),
            processor_ns_per_record: per_record(|took| took.processor),
            text_ns_per_record: None,
            bytes_per_record: of_facts as f64 / f64::from(records),
            most_bytes_per_record: (of_rows + of_facts) as f64 / f64::from(records),
        }
    }

    /// Edits of single records on one host, each proved again, and those of the peer in turns.
    pub(crate) fn measure_proofs_again(&mut self, records: u32, peer: Option<u32>) -> Edited {
        let effort = self.effort();
        let mut own = Edits::of(records);
        let mut peer = peer.map(Edits::of);
        let (mut all, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            let mut times = own.turn(effort.slice);
            if let Some(peer) = &mut peer {
                let mut beside = peer.turn(effort.slice);
                times.sort_unstable();
                beside.sort_unstable();
                ratios.push(quantile(&times, 50) / quantile(&beside, 50));
            }
            all.append(&mut times);
        }
        all.sort_unstable();
        Edited {
            ns_p50: quantile(&all, 50),
            ns_p99: quantile(&all, 99),
            ratio_to_peer: median(ratios),
        }
    }
}

/// Who edits, over and over.
struct Edits {
    datacenter: Datacenter,
    facts: IsolationFacts,
    next: usize,
}

impl Edits {
    fn of(records: u32) -> Self {
        let datacenter = Datacenter::of(records);
        let facts = IsolationFacts::of(&datacenter.hosts);
        Self {
            datacenter,
            facts,
            next: 0,
        }
    }

    /// Four kinds of edits in turn, each taken back by the next of its kind: a record points to
    /// another host; a guest gets a rewritten address that another tenant has, which breaks the rule.
    fn turn(&mut self, slice: Duration) -> Vec<u64> {
        let end = Instant::now() + slice;
        let mut times = Vec::new();
        while Instant::now() < end {
            let tenants = &self.datacenter.tenants;
            // A stride that meets all tenants, and no two neighbors one after the other.
            self.next = (self.next + 4_871) % tenants.len();
            let records = &tenants[self.next].records;
            let record = records[self.next % records.len()];
            let moved = LookupRecord {
                provider_address: host_address(0),
                rule: Rule::Encap,
                ..record
            };
            let taken = LookupRecord {
                provider_address: tenants[0].records[0].provider_address,
                rule: Rule::Nat,
                ..record
            };
            for (old, new, holds) in [
                (record, moved, true),
                (moved, record, true),
                (record, taken, self.next == 0),
                (taken, record, true),
            ] {
                let start = Instant::now();
                self.facts.take(Fact::of_record(&old), 1);
                self.facts.add(Fact::of_record(&new), 1);
                let proved = proved(&self.facts);
                times.push(start.elapsed().as_nanos() as u64);
                assert_eq!(proved, holds, "{old:?} to {new:?}");
            }
        }
        times
    }
}
