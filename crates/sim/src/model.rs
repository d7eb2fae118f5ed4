//! A scenario brought to life: hosts with the policy that scripts gave them, guests where they run,
//! the inventory that the oracle judges by.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;

use nvgre_dataplane::{Policy, PolicyWarning, Port, PortId, RecordId, RouteId};
use nvgre_netwnv::{Adapter, Estate, Nic, Place, Source};
use nvgre_wire::{FrameBuf, ProviderAddress, VirtualSubnetId};

use crate::clock::SimTime;
use crate::journey::Journey;
use crate::ledger::{CopyLedger, Fate};
use crate::model::error::{ModelError, refusal};
use crate::names::folded;
use crate::network::{HostPolicy, Network};
use crate::observer::{Ingress, Observer};
use crate::oracle::{GuestIndex, InventoryGuest, Oracle};
use crate::scenario::{Move, Scenario};
use crate::trial::Trial;

pub(crate) mod error;

/// Reads a policy file by the name that the scenario gives it.
pub type ReadFile<'a> = dyn Fn(&str) -> io::Result<String> + 'a;

/// Something suspect that was loaded all the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelWarning {
    /// The host that it was said about.
    pub host: String,
    /// Where it was written.
    pub place: Option<Place>,
    /// What is suspect.
    pub text: String,
}

/// See the module.
#[derive(Debug)]
pub struct Model {
    scenario: Arc<Scenario>,
    /// The scripts by the names that the scenario gives them.
    sources: BTreeMap<String, Source>,
    /// Whose adapter one of these names is.
    guest_of: HashMap<AdapterName, GuestIndex>,
    estate: Estate,
    network: Network,
    oracle: Oracle,
    /// Host of each guest.
    host_of: Vec<usize>,
    warnings: Vec<ModelWarning>,
    display_only: Vec<(Place, String)>,
}

impl Model {
    /// Reads every policy file, runs the scripts that hosts start with, and publishes. Stages are
    /// not entered yet.
    pub fn new(scenario: Scenario, read: &ReadFile<'_>) -> Result<Self, ModelError> {
        let scenario = Arc::new(scenario);
        let estate = estate(&scenario);
        let mut sources = BTreeMap::new();
        let of_hosts = scenario.hosts.iter().flat_map(|host| &host.policy);
        let of_stages = scenario
            .stages
            .iter()
            .flat_map(|stage| &stage.scripts)
            .map(|s| &s.file);
        for file in of_hosts.chain(of_stages) {
            if !sources.contains_key(file) {
                let text = read(file).map_err(|error| ModelError::File {
                    file: file.clone(),
                    error,
                })?;
                sources.insert(file.clone(), Source::new(file, text));
            }
        }
        let inventory = scenario.guests.iter().map(|guest| InventoryGuest {
            tenant: guest.tenant,
            host: guest.host,
            mac: guest.mac,
            virtual_subnets: scenario.tenants[guest.tenant].virtual_subnets.clone(),
        });
        let guests = scenario.guests.iter().enumerate();
        let mut model = Self {
            guest_of: guests
                .map(|(index, guest)| (adapter_name(&guest.name, &guest.nic), index))
                .collect(),
            oracle: Oracle::new(inventory.collect()),
            host_of: scenario.guests.iter().map(|guest| guest.host).collect(),
            network: Network::new(Vec::new(), &scenario.underlay, scenario.seed)
                .map_err(|refused| refusal(&estate, &scenario, refused))?,
            sources,
            estate,
            scenario,
            warnings: Vec::new(),
            display_only: Vec::new(),
        };
        for host in 0..model.scenario.hosts.len() {
            for file in model.scenario.hosts[host].policy.clone() {
                model.run_script(&file, host)?;
            }
        }
        model.publish()?;
        Ok(model)
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The hosts as Windows would show them.
    pub const fn estate(&self) -> &Estate {
        &self.estate
    }

    /// The hosts as they forward.
    pub const fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) const fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// Carries one frame to the end of all its copies: [`Network::run`] on this model's network.
    pub fn run<O: Observer>(
        &mut self,
        now: SimTime,
        host: usize,
        ingress: Ingress,
        frame: &mut FrameBuf<'_>,
        copies: &mut CopyLedger,
        observer: &mut O,
    ) -> Fate {
        self.network
            .run(now, host, ingress, frame, copies, observer)
    }

    /// Frames that are sent to ask what would become of them: see [`Trial`]. Many questions in one
    /// trial cost less than a trial each.
    pub fn trial(&mut self) -> Trial<'_> {
        Trial::new(self)
    }

    /// What would become of one frame: [`Trial::trace`] in a trial of its own.
    pub fn trace(&mut self, host: usize, ingress: Ingress, frame: &[u8]) -> Journey {
        self.trial().trace(host, ingress, frame)
    }

    /// The oracle.
    pub const fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    pub(crate) const fn oracle_mut(&mut self) -> &mut Oracle {
        &mut self.oracle
    }

    /// Network and oracle at once.
    pub(crate) const fn parts(&mut self) -> (&mut Network, &mut Oracle) {
        (&mut self.network, &mut self.oracle)
    }

    /// The host where a guest runs.
    pub fn host_of(&self, guest: GuestIndex) -> usize {
        self.host_of[guest]
    }

    /// What was suspect in the policy as it is published now, and in the scripts so far.
    pub fn warnings(&self) -> &[ModelWarning] {
        &self.warnings
    }

    /// Commands of the scripts that only show or wait: they had no effect.
    pub fn display_only(&self) -> &[(Place, String)] {
        &self.display_only
    }

    /// Where a host's record was written.
    pub fn place_of_record(&self, host: usize, record: RecordId) -> Option<&Place> {
        self.estate.hosts[host]
            .record(record)
            .map(|entry| &entry.place)
    }

    /// Enters every stage in turn.
    pub fn enter_all_stages(&mut self) -> Result<(), ModelError> {
        (0..self.scenario.stages.len()).try_for_each(|stage| self.enter_stage(stage))
    }

    /// Moves guests, runs the stage's scripts, and publishes.
    pub fn enter_stage(&mut self, stage: usize) -> Result<(), ModelError> {
        let scenario = Arc::clone(&self.scenario);
        let stage = &scenario.stages[stage];
        self.move_guests(&stage.moves)?;
        for script in &stage.scripts {
            self.run_script(&script.file, script.on)?;
        }
        self.publish()
    }

    /// Moves guests in their order, up to the first that cannot. None moves twice: that is checked
    /// where a stage is read. So the adapters can leave a host all at once, and the ones that stay
    /// close up once.
    fn move_guests(&mut self, moves: &[Move]) -> Result<(), ModelError> {
        let order = moves.iter().enumerate();
        let order: HashMap<_, _> = order.map(|(at, step)| (step.guest, at)).collect();
        let left: BTreeSet<_> = moves.iter().map(|step| self.host_of[step.guest]).collect();
        let mut leaving: Vec<Option<Adapter>> = vec![None; moves.len()];
        for &host in &left {
            for adapter in &self.estate.hosts[host].adapters {
                if let Some(&at) = self.guest_of(adapter).and_then(|guest| order.get(&guest)) {
                    leaving[at] = Some(adapter.clone());
                }
            }
        }
        let stuck = (moves.iter().zip(&leaving)).position(|(step, adapter)| {
            let there = &self.scenario.hosts[step.to].switch;
            let switch = adapter.as_ref().map(|adapter| &adapter.switch_name);
            switch.is_some_and(|switch| !there.eq_ignore_ascii_case(switch))
        });
        let moving = stuck.unwrap_or(moves.len());
        for &host in &left {
            let guest_of = &self.guest_of;
            self.estate.hosts[host].adapters.retain(|adapter| {
                let name = adapter_name(&adapter.vm_name, &adapter.name);
                let at = guest_of.get(&name).and_then(|guest| order.get(guest));
                at.is_none_or(|&at| at >= moving)
            });
        }
        for (step, adapter) in moves.iter().zip(&leaving).take(moving) {
            self.estate.hosts[step.to].adapters.extend(adapter.clone());
            self.host_of[step.guest] = step.to;
            self.oracle.moved(step.guest, step.to);
        }
        match stuck.and_then(|at| Some((moves[at], leaving[at].take()?))) {
            None => Ok(()),
            Some((step, adapter)) => Err(ModelError::NoSuchSwitch {
                guest: self.scenario.guests[step.guest].name.clone(),
                switch: adapter.switch_name,
                host: self.scenario.hosts[step.to].name.clone(),
            }),
        }
    }

    fn run_script(&mut self, file: &str, on: usize) -> Result<(), ModelError> {
        let local = &self.scenario.hosts[on].name;
        let Some(source) = self.sources.get(file) else {
            return Ok(());
        };
        let report = nvgre_netwnv::run(source, local, &mut self.estate).map_err(|errors| {
            ModelError::Script {
                source: source.clone(),
                errors,
            }
        })?;
        let host = local.clone();
        self.warnings
            .extend(report.warnings.into_iter().map(|warning| ModelWarning {
                host: host.clone(),
                place: Some(warning.place),
                text: warning.text,
            }));
        for (place, name) in report.display_only {
            if self
                .display_only
                .iter()
                .all(|(_, known)| !known.eq_ignore_ascii_case(&name))
            {
                self.display_only.push((place, name));
            }
        }
        Ok(())
    }

    /// Gives every host its policy anew, and every host the neighbors that the underlay has now.
    fn publish(&mut self) -> Result<(), ModelError> {
        let groups = self.scenario.multicast_groups();
        let hosts = self.scenario.hosts.iter().enumerate();
        let hosts = hosts.map(|(index, host)| HostPolicy {
            name: host.name.clone(),
            policy: self.policy_of(index, &groups),
            link_mtu_bytes: host.link_mtu_bytes,
        });
        let published = self.network.publish(hosts.collect());
        published.map_err(|refused| refusal(&self.estate, &self.scenario, refused))?;
        let mut said = Vec::new();
        for (host, known) in self.network.hosts().iter().enumerate() {
            let warnings = known.warnings().iter();
            said.extend(warnings.map(|&warning| self.explain(host, warning)));
        }
        if !said.is_empty() {
            let mut known: HashSet<_> = self.warnings.iter().cloned().collect();
            let new = said
                .into_iter()
                .filter(|warning| known.insert(warning.clone()));
            self.warnings.extend(new);
        }
        Ok(())
    }

    /// Everything one host is told: the scripts' policy, its guests' ports, and the scenario's
    /// settings.
    fn policy_of(
        &self,
        host: usize,
        groups: &BTreeMap<VirtualSubnetId, ProviderAddress>,
    ) -> Policy {
        let mut policy = self.estate.hosts[host].policy();
        policy.ports = self.ports_of(host);
        policy.multicast_groups.clone_from(groups);
        policy.settings = self.scenario.settings;
        policy.settings.underlay_mtu_bytes = self.scenario.underlay.mtu_bytes;
        policy
    }

    /// Ports of the adapters on a host; a port's id is its guest's index.
    fn ports_of(&self, host: usize) -> Vec<Port> {
        let adapters = self.estate.hosts[host].adapters.iter();
        let mut ports: Vec<_> = adapters
            .filter_map(|adapter| {
                let index = self.guest_of(adapter)?;
                let guest = &self.scenario.guests[index];
                let mut port = Port::new(PortId(index as u32), adapter.mac);
                port.subnet = adapter.subnet;
                port.vlan = guest.vlan;
                port.mac_address_spoofing = adapter.mac_address_spoofing;
                port.dhcp_guard = adapter.dhcp_guard;
                port.router_guard = adapter.router_guard;
                port.maximum_bandwidth_bits_per_second = adapter.maximum_bandwidth_bits_per_second;
                port.storm_limit_packets_per_second = adapter.storm_limit_packets_per_second;
                Some(port)
            })
            .collect();
        ports.sort_by_key(|port| port.id);
        ports
    }

    fn guest_of(&self, adapter: &Adapter) -> Option<GuestIndex> {
        let name = adapter_name(&adapter.vm_name, &adapter.name);
        self.guest_of.get(&name).copied()
    }

    fn explain(&self, host: usize, warning: PolicyWarning) -> ModelWarning {
        let place = match warning {
            PolicyWarning::AddressTwiceInDomain { second, .. }
            | PolicyWarning::MacTwiceInDomain { second, .. } => self.record_place(host, second),
            PolicyWarning::RouterAddressTaken { record, .. }
            | PolicyWarning::NoOnLinkRoute(record) => self.record_place(host, record),
            PolicyWarning::PrefixesOverlap { second, .. } => self.route_place(host, second),
            PolicyWarning::NextHopWithoutRecord(route) => self.route_place(host, route),
        };
        let host = self.estate.hosts[host].name.clone();
        ModelWarning {
            host,
            place,
            text: warning.to_string(),
        }
    }

    fn record_place(&self, host: usize, record: RecordId) -> Option<Place> {
        self.place_of_record(host, record).cloned()
    }

    fn route_place(&self, host: usize, route: RouteId) -> Option<Place> {
        self.estate.hosts[host]
            .customer_route(route)
            .map(|entry| entry.place.clone())
    }
}

/// The hosts with the adapters of their guests, before any script.
fn estate(scenario: &Scenario) -> Estate {
    let mut hosts: Vec<_> = scenario.hosts.iter().map(host).collect();
    for guest in &scenario.guests {
        let switch = &scenario.hosts[guest.host].switch;
        hosts[guest.host].adapters.push(adapter(guest, switch));
    }
    Estate { hosts }
}

fn host(host: &crate::scenario::Host) -> nvgre_netwnv::Host {
    let mut windows = nvgre_netwnv::Host::new(&host.name);
    windows.nics.push(Nic {
        name: host.interface_name.clone(),
        interface_description: host.interface_description.clone(),
        interface_index: host.interface_index,
        mac: host.mac,
        wnv_bound: false,
        switch_name: host.switch.clone(),
    });
    windows
}

fn adapter(guest: &crate::scenario::Guest, switch: &str) -> Adapter {
    let mut adapter = Adapter::new(&guest.name, guest.mac, switch);
    adapter.name.clone_from(&guest.nic);
    adapter.subnet = guest.subnet;
    adapter.mac_address_spoofing = guest.mac_address_spoofing;
    adapter.dhcp_guard = guest.dhcp_guard;
    adapter.router_guard = guest.router_guard;
    adapter.maximum_bandwidth_bits_per_second = guest.maximum_bandwidth_bits_per_second;
    adapter.storm_limit_packets_per_second = guest.storm_limit_packets_per_second;
    adapter
}

/// VM and adapter as they compare: without case.
type AdapterName = (String, String);

fn adapter_name(vm: &str, adapter: &str) -> AdapterName {
    (folded(vm), folded(adapter))
}
