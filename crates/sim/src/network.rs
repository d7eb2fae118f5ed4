//! The modeled hosts on their underlay, and the policy that each of them has.

use std::sync::Arc;

use nvgre_dataplane::{
    Learned, Neighbor, Policy, PolicyError, PolicyWarning, Publisher, Snapshot, Worker,
};
use nvgre_wire::ProviderAddress;

use crate::batch::Scratch;
use crate::learning;
use crate::pool::Pool;
use crate::scenario;
use crate::together::Together;
use crate::trial::Undo;
use crate::underlay::{Attachment, ROUTER_MAC, Underlay};

/// A host: its own tables and counters.
#[derive(Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    policy: Policy,
    publisher: Publisher,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) worker: Worker,
}

/// What one host is given: its name, its policy and its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    /// Its name.
    pub name: String,
    /// What it forwards by. The network adds the neighbors that its underlay has.
    pub policy: Policy,
    /// The longest IP packet that its link to the underlay carries, in bytes.
    pub link_mtu_bytes: u16,
}

/// The policy of a host is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Index of the host.
    pub host: usize,
    /// What is wrong.
    pub errors: Vec<PolicyError>,
}

impl Host {
    /// What the host's dataplane has counted.
    pub const fn counters(&self) -> &nvgre_dataplane::Counters {
        self.worker.counters()
    }

    /// What the host forwards by now: what it was given, the neighbors that the underlay has, and
    /// the Dynamic records that it has learned.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The tables that it forwards by.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What was suspect in its policy.
    pub fn warnings(&self) -> &[PolicyWarning] {
        self.snapshot.warnings()
    }

    /// Takes a learned address as a Dynamic record, if it is new and fits the policy. Says whether it
    /// did.
    pub(crate) fn learn(&mut self, learned: Learned) -> bool {
        let Some(record) = learning::record(&self.policy, learned) else {
            return false;
        };
        // What a guest shows must not stop the network: what is refused is not learned.
        let taken = self.publisher.insert(&record).is_ok();
        if taken {
            self.policy.records.push(record);
            self.snapshot = self.publisher.publish();
        }
        taken
    }

    /// Takes back what was learned last.
    pub(crate) fn unlearn(&mut self) {
        if let Some(record) = self.policy.records.pop()
            && self.publisher.remove(&record).is_ok()
        {
            self.snapshot = self.publisher.publish();
        }
    }
}

/// The hosts and the underlay between them.
#[derive(Debug)]
pub struct Network {
    pub(crate) hosts: Vec<Host>,
    pub(crate) underlay: Underlay,
    pub(crate) seed: u64,
    /// What keeps frames from being decided about together, if anything does.
    pub(crate) together: Together,
    pub(crate) pool: Pool,
    pub(crate) scratch: Scratch,
    /// The frame in hand as it was, for observers that keep dropped ones.
    pub(crate) before: Vec<u8>,
    learns: bool,
    /// What a trial that is going on has to take back.
    pub(crate) trial: Option<Undo>,
}

impl Network {
    /// These hosts on an underlay. Hash tables and losses follow from the seed.
    pub fn new(
        hosts: Vec<HostPolicy>,
        underlay: &scenario::Underlay,
        seed: u64,
    ) -> Result<Self, Refused> {
        let mut network = Self {
            hosts: Vec::new(),
            underlay: Underlay::new(underlay, seed),
            seed,
            together: Together::default(),
            pool: Pool::default(),
            scratch: Scratch::default(),
            before: Vec::new(),
            learns: false,
            trial: None,
        };
        network.publish(hosts)?;
        Ok(network)
    }

    /// Gives every host its policy anew, in the order of [`Network::new`]. Counters go on, and what
    /// was learned stays as far as the new policy still ties the MAC to the provider address. On
    /// failure nothing has changed but the underlay.
    pub fn publish(&mut self, hosts: Vec<HostPolicy>) -> Result<(), Refused> {
        let attachments: Vec<_> = hosts.iter().map(attachment).collect();
        self.underlay.attach(&attachments);
        let neighbors = self.underlay.neighbors();
        let neighbors: Vec<_> = neighbors
            .map(|(address, mac)| Neighbor { address, mac })
            .collect();
        let together = Together::of(hosts.iter().map(|host| &host.policy), &self.underlay);
        let mut compiled = Vec::new();
        for (index, host) in hosts.into_iter().enumerate() {
            let mut policy = host.policy;
            policy.neighbors.clone_from(&neighbors);
            policy.proxy_neighbor_mac = Some(ROUTER_MAC);
            let refused = |errors| Refused {
                host: index,
                errors,
            };
            let mut publisher = Publisher::new(&policy, self.seed).map_err(refused)?;
            if let Some(known) = self.hosts.get(index) {
                for record in learning::that_fit(&known.policy, &policy) {
                    if publisher.insert(&record).is_ok() {
                        policy.records.push(record);
                    }
                }
            }
            compiled.push((host.name, policy, publisher));
        }
        for (index, (name, policy, mut publisher)) in compiled.into_iter().enumerate() {
            let snapshot = publisher.publish();
            match self.hosts.get_mut(index) {
                Some(known) => {
                    known.policy = policy;
                    known.publisher = publisher;
                    known.snapshot = snapshot;
                }
                None => self.hosts.push(Host {
                    name,
                    policy,
                    publisher,
                    snapshot,
                    worker: Worker::new(),
                }),
            }
        }
        self.together = together;
        let mut policies = self.hosts.iter().map(|host| &host.policy);
        self.learns = policies.any(|policy| policy.records.iter().any(learning::vouches));
        Ok(())
    }

    /// Whether some host learns customer addresses: it has an L2Only record that vouches for a MAC.
    pub const fn learns(&self) -> bool {
        self.learns
    }

    /// The host that owns a provider address on the underlay: the first of those that have it.
    pub fn owner(&self, address: ProviderAddress) -> Option<usize> {
        self.underlay.owner(address)
    }

    /// The hosts, in the order of the scenario.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }
}

fn attachment(host: &HostPolicy) -> Attachment {
    let policy = &host.policy;
    let own = || policy.provider_addresses.iter();
    let of_records = policy.records.iter().map(|record| record.provider_address);
    // Underlay routers too: hosts believe what they say about rewritten packets.
    let routers = policy.provider_routes.iter().map(|route| route.next_hop);
    let routers = routers.filter(|next_hop| !next_hop.is_unspecified());
    let in_force = own().filter(|_| policy.wnv_bound);
    Attachment {
        addresses: in_force.map(|own| (own.address, own.mac)).collect(),
        groups: policy.multicast_groups.values().copied().collect(),
        joined: policy.wnv_bound,
        named: own()
            .map(|own| own.address)
            .chain(of_records)
            .chain(routers)
            .collect(),
        link_mtu_bytes: host.link_mtu_bytes,
    }
}
