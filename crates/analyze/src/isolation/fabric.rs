//! Hosts, the wire between them and whose guests are on them: all that isolation depends on.

use nvgre_dataplane::{Port, PortSubnet};
use nvgre_sim::{HostPolicy, Model, Network, Refused, scenario};

use super::facts::{Fact, Ground, IsolationFacts, TenantIndex};

/// See the module.
#[derive(Clone, Debug)]
pub struct Fabric {
    /// The hosts with what they forward by, learned records included. A port's id is the index of its
    /// guest.
    pub hosts: Vec<HostPolicy>,
    /// The network between them.
    pub underlay: scenario::Underlay,
    /// The tenant of each guest.
    pub tenant_of: Vec<TenantIndex>,
}

impl Fabric {
    /// A model as it is now.
    pub fn of(model: &Model) -> Self {
        let scenario = model.scenario();
        let hosts = model.network().hosts().iter().zip(&scenario.hosts);
        let hosts = hosts.map(|(host, inventory)| HostPolicy {
            name: host.name.clone(),
            policy: host.policy().clone(),
            link_mtu_bytes: inventory.link_mtu_bytes,
        });
        Self {
            hosts: hosts.collect(),
            underlay: scenario.underlay,
            tenant_of: scenario.guests.iter().map(|guest| guest.tenant).collect(),
        }
    }

    /// What its hosts hold.
    pub fn facts(&self) -> IsolationFacts {
        let mut facts = IsolationFacts::default();
        for (host, held) in self.hosts.iter().enumerate() {
            let policy = &held.policy;
            for port in self.ports(host) {
                let tenant = self.tenant_of[port.id.0 as usize];
                let ground = ground_of(host, port);
                facts.add(Fact::Port { ground, tenant }, 1);
            }
            for route in &policy.customer_routes {
                facts.add(Fact::of_route(route), 1);
            }
            for record in &policy.records {
                facts.add(Fact::of_record(record), 1);
            }
        }
        facts
    }

    /// The connected ports of a host.
    pub(crate) fn ports(&self, host: usize) -> impl Iterator<Item = &Port> {
        let ports = self.hosts[host].policy.ports.iter();
        ports.filter(|port| port.connected)
    }

    /// The same hosts on a wire that loses nothing, with ports that limit no rates and let everything
    /// pass: what a single frame may do must not hang on luck, nor on filters that no table is about.
    pub(crate) fn network(&self) -> Result<Network, Refused> {
        let mut hosts = self.hosts.clone();
        for port in hosts.iter_mut().flat_map(|host| &mut host.policy.ports) {
            port.maximum_bandwidth_bits_per_second = 0;
            port.storm_limit_packets_per_second = 0;
            port.acls.clear();
        }
        let underlay = scenario::Underlay {
            loss_per_million: 0,
            ..self.underlay
        };
        Network::new(hosts, &underlay, 1)
    }
}

/// Where a port's frames are heard.
pub(crate) fn ground_of(host: usize, port: &Port) -> Ground {
    match port.subnet {
        PortSubnet::Unset => Ground::Wire(port.vlan),
        PortSubnet::Tenant(vsid) => Ground::Subnet(vsid),
        PortSubnet::LocalOnly => Ground::Switch(host),
    }
}
