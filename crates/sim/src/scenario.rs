//! Scenarios: the inventory of tenants, hosts and guests, and the stages that are played with it.
//!
//! A scenario is a TOML file. Only the keys named below exist; those marked `?` may be left out.
//! Names of tenants, hosts and guests are compared without case, as Windows compares them.
//!
//! ```toml
//! name = "two-tenants"
//! about = "What it shows"             # ?
//! seed = 1                            # ? everything random in a run follows from it
//!
//! [underlay]                          # ?
//! mtu_bytes = 1500                    # ? the longest outer IP packet
//! latency_nanoseconds = 50_000        # ? from host to host
//! loss_per_million = 0                # ? packets that get lost between hosts
//!
//! [settings]                          # ?
//! router_mac = "02155D525452"         # ? of the built-in router
//! flow_id = true                      # ? entropy in the FlowID
//! strict_gre_reserved_bits = false    # ? refuse GRE bits 6 to 12
//!
//! [[tenant]]
//! name = "Red"
//! routing_domain = "{7f3c0c44-5d5e-4c0a-9a5e-000000445566}"
//! virtual_subnets = [445566]
//! bum_group = { 445566 = "239.1.1.1" }  # ? provider multicast group of a subnet
//!
//! [[host]]
//! name = "Statler"
//! switch = "VMs"
//! interface_index = 12
//! interface_description = "Intel(R) 82579LM Gigabit Network Connection"
//! interface_name = "Ethernet"         # ?
//! mac = "00155D000A0B"
//! link_mtu_bytes = 1500               # ? of its link to the underlay; default: the underlay's
//! policy = ["statler.ps1"]            # ? scripts that run on it before the first stage
//!
//! [[guest]]                           # one for each network adapter
//! name = "Red11"
//! nic = "Network Adapter"             # ?
//! tenant = "Red"
//! host = "Statler"
//! switch = "VMs"                      # ? the host's
//! mac = "00155D002009"
//! addresses = ["192.168.1.11/24", "fd00:192:168:1::11/64"]
//! gateway = "192.168.1.1"             # ? or a list with one of each family
//! virtual_subnet = 445566             # ? 0: unset, 16777215: this switch only
//! vlan = 100                          # ? access VLAN; not with a virtual subnet
//! mtu_bytes = 1500                    # ?
//! mac_address_spoofing = false        # ? this and the following as Set-VMNetworkAdapter has them
//! dhcp_guard = false                  # ?
//! router_guard = false                # ?
//! maximum_bandwidth_bits_per_second = 0   # ? 0: no limit
//! storm_limit_packets_per_second = 0      # ? 0: no limit
//!
//! [[stage]]                           # ?
//! name = "vsid"
//! about = "What happens"              # ?
//! move = [{ guest = "Red11", to = "Waldorf" }]          # ? first
//! scripts = [{ file = "2-vsid.ps1", on = "Statler" }]   # ? then
//! probes = [{ from = "Red11", to = "Red22", expect = "ok" }]  # ? and at the end
//!
//! [[intent]]                          # ? who is to reach whom, for `nvgre verify`
//! from = "Red11"                      # a guest, or a tenant: all of its guests
//! to = "Red"
//! expect = "allow"                    # or "deny"
//! ```
//!
//! `expect` is `ok`, `address_conflict` or the name of a drop reason. A guest with several adapters
//! is named `guest/nic` where one of them is meant; its name alone is the first.

use std::collections::BTreeMap;

use nvgre_dataplane::{DropReason, PortSubnet, Settings};
use nvgre_netwnv::Place;
use nvgre_wire::{
    CustomerAddress, MacAddress, ProviderAddress, RoutingDomainId, VirtualSubnetId, VlanId,
};

pub use crate::scenario::error::ScenarioError;

mod check;
mod error;
pub(crate) mod file;
mod guest;
mod intent;
pub(crate) mod text;

/// A scenario, checked: every index leads somewhere, and no two things share a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// What everything random follows from. Default 1.
    pub seed: u64,
    /// The network between the hosts.
    pub underlay: Underlay,
    /// What the dataplane of every host is set to, the underlay's MTU among it.
    pub settings: Settings,
    /// Who owns what: isolation is judged by this alone.
    pub tenants: Vec<Tenant>,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// The guests, one entry for each network adapter.
    pub guests: Vec<Guest>,
    /// What is played, in order. May be empty.
    pub stages: Vec<Stage>,
    /// Who is to reach whom, in order; see [`Scenario::intent`].
    pub intents: Vec<Intent>,
}

/// The network between the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Underlay {
    /// The longest outer IP packet it carries, in bytes. Default 1,500.
    pub mtu_bytes: u16,
    /// From host to host, in nanoseconds. Default 50,000.
    pub latency_nanoseconds: u64,
    /// Packets lost of a million, 0 to 1,000,000. Default 0.
    pub loss_per_million: u32,
}

/// A tenant. No virtual subnet and no routing domain has two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Its routing domain.
    pub routing_domain: RoutingDomainId,
    /// Its virtual subnets.
    pub virtual_subnets: Vec<VirtualSubnetId>,
    /// The provider multicast groups of those subnets that have one (RFC 7637 section 4.2).
    pub bum_groups: BTreeMap<VirtualSubnetId, ProviderAddress>,
}

/// A host with one physical NIC and an external switch on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its computer name.
    pub name: String,
    /// Name of its switch.
    pub switch: String,
    /// The NIC's name. Default "Ethernet".
    pub interface_name: String,
    /// The NIC's InterfaceIndex.
    pub interface_index: u32,
    /// The NIC's InterfaceDescription.
    pub interface_description: String,
    /// The NIC's MAC. No two hosts have the same.
    pub mac: MacAddress,
    /// The longest IP packet that its link to the underlay carries, in bytes. Default: the
    /// underlay's. A smaller one is a fault on purpose: no host is told.
    pub link_mtu_bytes: u16,
    /// Scripts that run before the first stage with this host as the local one, as written.
    pub policy: Vec<String>,
}

/// A network adapter of a guest (VM), and the port that it is connected to at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The VM's name. Guests with several adapters have several entries of one name.
    pub name: String,
    /// The adapter's name. Default "Network Adapter".
    pub nic: String,
    /// Index of its tenant.
    pub tenant: usize,
    /// Index of the host where the VM runs at first.
    pub host: usize,
    /// The adapter's MAC.
    pub mac: MacAddress,
    /// What the VM has configured.
    pub addresses: Vec<InterfaceAddress>,
    /// Default gateways, at most one of each family, each in a prefix of `addresses`.
    pub gateways: Vec<CustomerAddress>,
    /// IP MTU of the VM's stack, in bytes. Default 1,500.
    pub mtu_bytes: u16,
    /// The port's virtual subnet at first. Default [`PortSubnet::Unset`].
    pub subnet: PortSubnet,
    /// The port's access VLAN; none with a virtual subnet (V-11).
    pub vlan: Option<VlanId>,
    /// `-MacAddressSpoofing`.
    pub mac_address_spoofing: bool,
    /// `-DhcpGuard`.
    pub dhcp_guard: bool,
    /// `-RouterGuard`.
    pub router_guard: bool,
    /// `-MaximumBandwidth`, bits per second; 0: no limit.
    pub maximum_bandwidth_bits_per_second: u64,
    /// `-StormLimit`, packets per second; 0: no limit.
    pub storm_limit_packets_per_second: u32,
}

/// An address as a guest has it configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address, unicast.
    pub address: CustomerAddress,
    /// Length in bits of the prefix that is on-link.
    pub prefix_length: u8,
}

/// A step of the story: guests move, then scripts run, then probes are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// What happens.
    pub about: String,
    /// Who moves; a VM with several adapters has an entry for each.
    pub moves: Vec<Move>,
    /// What runs, in order.
    pub scripts: Vec<Script>,
    /// What is tried at the end, in order.
    pub probes: Vec<Probe>,
}

/// A guest moves to another host (Move-VM).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Index of the guest's adapter.
    pub guest: usize,
    /// Index of the host.
    pub to: usize,
}

/// A script runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its file, as written.
    pub file: String,
    /// Index of the host that is the local one.
    pub on: usize,
}

/// One guest pings another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Index of the guest that asks.
    pub from: usize,
    /// Index of the guest that is asked. Both have an address of one family.
    pub to: usize,
    /// How it is to end.
    pub expect: Expectation,
}

/// Whether guests are to reach others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Who asks.
    pub from: Party,
    /// Who is to answer.
    pub to: Party,
    /// Whether that is wanted.
    pub reach: Reach,
    /// Where it is written.
    pub place: Place,
}

/// Who an intent is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Index of a guest's adapter.
    Guest(usize),
    /// Index of a tenant: all of its guests.
    Tenant(usize),
}

/// Whether one guest is to reach another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is to get an answer.
    Allow,
    /// Nothing of it may arrive.
    Deny,
}

/// How a probe is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// With a reply.
    Ok,
    /// Another guest has an address that one of the two wants.
    AddressConflict,
    /// A frame of the exchange is dropped for this reason.
    Dropped(DropReason),
}

impl Scenario {
    /// Reads and checks a scenario file. `name` is what messages call it. Script files are not
    /// looked at.
    ///
    /// Fails with every error there is, in the order of the text; but where the file is no TOML, or
    /// has an unknown, missing or ill-typed key, that alone is reported.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<ScenarioError>> {
        check::parse(name, text)
    }

    /// Index of the guest with this port: "guest/nic", or "guest" for its first adapter. Compared
    /// without case.
    pub fn guest_of_port(&self, port: &str) -> Option<usize> {
        let (name, nic) = match port.split_once('/') {
            Some((name, nic)) => (name, Some(nic)),
            None => (port, None),
        };
        self.guests.iter().position(|guest| {
            guest.name.eq_ignore_ascii_case(name)
                && nic.is_none_or(|nic| guest.nic.eq_ignore_ascii_case(nic))
        })
    }

    /// Whether a guest is to reach another, and the intent that says so: the last that is about both.
    /// Where none is, guests of one tenant are to reach each other, and others not.
    pub fn intent(&self, from: usize, to: usize) -> (Reach, Option<&Intent>) {
        let is = |party: Party, guest: usize| match party {
            Party::Guest(index) => index == guest,
            Party::Tenant(index) => index == self.guests[guest].tenant,
        };
        let mut stated = self.intents.iter().rev();
        let stated = stated.find(|intent| is(intent.from, from) && is(intent.to, to));
        let same_tenant = self.guests[from].tenant == self.guests[to].tenant;
        let otherwise = if same_tenant {
            Reach::Allow
        } else {
            Reach::Deny
        };
        (stated.map_or(otherwise, |intent| intent.reach), stated)
    }

    /// The provider multicast groups of all tenants' subnets.
    pub fn multicast_groups(&self) -> BTreeMap<VirtualSubnetId, ProviderAddress> {
        let groups = self.tenants.iter().flat_map(|tenant| &tenant.bum_groups);
        groups.map(|(&vsid, &group)| (vsid, group)).collect()
    }
}

/// The name that Hyper-V gives to a VM's first network adapter.
pub const DEFAULT_NIC: &str = "Network Adapter";

impl Guest {
    /// The first adapter of a VM, on the first host and of the first tenant, with nothing set.
    pub(crate) fn named(name: &str, mac: MacAddress) -> Self {
        Self {
            name: name.to_owned(),
            nic: DEFAULT_NIC.to_owned(),
            tenant: 0,
            host: 0,
            mac,
            addresses: Vec::new(),
            gateways: Vec::new(),
            mtu_bytes: 1_500,
            subnet: PortSubnet::Unset,
            vlan: None,
            mac_address_spoofing: false,
            dhcp_guard: false,
            router_guard: false,
            maximum_bandwidth_bits_per_second: 0,
            storm_limit_packets_per_second: 0,
        }
    }

    /// "guest", or "guest/nic" where the adapter has a name of its own.
    pub fn port_name(&self) -> String {
        if self.nic == DEFAULT_NIC {
            self.name.clone()
        } else {
            format!("{}/{}", self.name, self.nic)
        }
    }
}

impl Expectation {
    /// The expectation of this name: "ok", "address_conflict" or a drop reason's.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ok" => Some(Self::Ok),
            "address_conflict" => Some(Self::AddressConflict),
            reason => DropReason::from_name(reason).map(Self::Dropped),
        }
    }
}

impl Default for Underlay {
    fn default() -> Self {
        Self {
            mtu_bytes: 1_500,
            latency_nanoseconds: 50_000,
            loss_per_million: 0,
        }
    }
}
