//! Every class of frames that tables can tell apart, for one sender: a frame for each.
//!
//! What hosts decide by is in their tables, so that frames which ask the tables the same end alike.
//! Of an address it matters whether a record has it, or which prefix holds it where none does; of a
//! MAC whether a port or a record has it. Where addresses are rewritten the payload travels bare, so
//! that a guest can make it a tunnel packet of its own: those are classes too. Tags, sizes and upper
//! layers change a frame's way only by having it dropped or refused.
//!
//! The classes come in the order of what is least to read, so that the first to show something is
//! the one to show.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::ControlFlow;

use etherparse::PacketBuilder;
use nvgre_dataplane::{LookupRecord, Policy, Port, PortSubnet, RecordType, Rule};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, EtherType, FlowId, MacAddress, Nvgre, VirtualSubnetId,
    ip_protocol,
};

use super::fabric::Fabric;

/// For experiments (IEEE 802): no host has a rule for it.
const NOT_IP: EtherType = EtherType(0x88b5);
/// Nobody's MAC.
const STRANGER: MacAddress = MacAddress::new([0x02, 0x15, 0x5d, 0xff, 0xff, 0xfe]);
/// Source and destination port of datagrams: discard (RFC 863).
const UDP_PORT: u16 = 9;
const TTL: u8 = 64;

/// Calls `each` for one frame of every class that the guest at `port` of `host` can send. Stops when
/// it says so.
pub(crate) fn for_each_class(
    fabric: &Fabric,
    host: usize,
    port: &Port,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let policy = &fabric.hosts[host].policy;
    let rewriting = policy.records.iter();
    let rewriting = rewriting.filter(|record| record.rule == Rule::Nat);
    let mut classes = Classes {
        fabric,
        host,
        policy,
        known: known_addresses(fabric),
        rewritten: rewriting
            .clone()
            .map(|record| record.customer_address)
            .collect(),
        rewrites_any: rewriting
            .clone()
            .any(|record| record.record_type == RecordType::GatewayWildcard),
        each,
        frame: Vec::new(),
    };
    match port.subnet {
        PortSubnet::Tenant(vsid) => classes.of_tenant(port, vsid),
        PortSubnet::Unset | PortSubnet::LocalOnly => classes.of_ground(port),
    }
}

/// Every customer address that a record of any host has.
fn known_addresses(fabric: &Fabric) -> BTreeSet<CustomerAddress> {
    let records = fabric.hosts.iter().flat_map(|host| &host.policy.records);
    records.map(|record| record.customer_address).collect()
}

struct Classes<'a> {
    fabric: &'a Fabric,
    host: usize,
    policy: &'a Policy,
    known: BTreeSet<CustomerAddress>,
    /// Addresses that some record of the host rewrites.
    rewritten: BTreeSet<CustomerAddress>,
    /// Whether a wildcard record of the host rewrites, so that any address may be.
    rewrites_any: bool,
    each: &'a mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    /// The frame in hand.
    frame: Vec<u8>,
}

/// Both MACs of a frame.
#[derive(Clone, Copy)]
struct Link {
    source: MacAddress,
    destination: MacAddress,
}

impl Classes<'_> {
    /// Ports that no table speaks of hear each other, and nothing else.
    fn of_ground(&mut self, port: &Port) -> ControlFlow<()> {
        let hosts = 0..self.fabric.hosts.len();
        let ports = hosts.flat_map(|host| self.fabric.ports(host));
        let macs: BTreeSet<_> = ports.map(|port| port.mac).collect();
        for source in sources_of(port, macs.iter().copied()) {
            for destination in [MacAddress::BROADCAST].into_iter().chain(macs.clone()) {
                self.not_ip(Link {
                    source,
                    destination,
                })?;
            }
        }
        ControlFlow::Continue(())
    }

    fn of_tenant(&mut self, port: &Port, vsid: VirtualSubnetId) -> ControlFlow<()> {
        let own_subnet: Vec<_> = self.records_of(vsid).copied().collect();
        let ports = self.fabric.ports(self.host);
        let here = ports.filter(|other| other.subnet == port.subnet);
        let mut macs: BTreeSet<_> = here.map(|other| other.mac).collect();
        macs.extend(own_subnet.iter().map(|record| record.mac));
        macs.insert(STRANGER);
        let router = self.policy.settings.router_mac;
        let reachable = self.reachable(vsid);
        for source in sources_of(port, macs.iter().copied()) {
            let broadcast = Link {
                source,
                destination: MacAddress::BROADCAST,
            };
            self.not_ip(broadcast)?;
            for &destination in &macs {
                self.not_ip(Link {
                    source,
                    destination,
                })?;
            }
            let senders = self.senders(&own_subnet, source);
            for &sender in &senders {
                let stranger = self.stranger(None, sender.is_ipv4());
                self.question(broadcast, sender, stranger)?;
                self.datagram(broadcast, sender, stranger)?;
                for &destination in &macs {
                    let link = Link {
                        source,
                        destination,
                    };
                    let of_mac = own_subnet.iter().filter(|record| record.mac == destination);
                    for target in of_mac.map(|record| record.customer_address) {
                        self.datagram_and_tunnels(link, sender, target)?;
                    }
                    self.datagram(link, sender, stranger)?;
                }
                let link = Link {
                    source,
                    destination: router,
                };
                for &target in &reachable {
                    self.datagram_and_tunnels(link, sender, target)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Records of this host for a subnet that have a customer address or stand for any.
    fn records_of(&self, vsid: VirtualSubnetId) -> impl Iterator<Item = &LookupRecord> {
        let records = self.policy.records.iter();
        records.filter(move |record| record.virtual_subnet == vsid)
    }

    /// Destinations that the built-in router tells apart: what records of the domain's subnets have,
    /// and a stranger in each prefix and beyond all of them.
    fn reachable(&self, vsid: VirtualSubnetId) -> Vec<CustomerAddress> {
        let routes = &self.policy.customer_routes;
        let domain = routes.iter().find(|route| route.virtual_subnet == vsid);
        let domain = domain.map(|route| route.routing_domain);
        let of_domain = routes
            .iter()
            .filter(|route| Some(route.routing_domain) == domain);
        let mut subnets = BTreeSet::from([vsid]);
        let mut prefixes = BTreeSet::new();
        for route in of_domain {
            subnets.insert(route.virtual_subnet);
            prefixes.insert(route.destination);
        }
        let records = self.policy.records.iter();
        let with_address = records.filter(|record| record.record_type.has_customer_address());
        let of_subnets = with_address.filter(|record| subnets.contains(&record.virtual_subnet));
        let mut targets: BTreeSet<_> = of_subnets.map(|record| record.customer_address).collect();
        for prefix in prefixes {
            let ipv4 = prefix.network().is_ipv4();
            targets.insert(self.stranger(Some(prefix), ipv4));
        }
        targets.extend([true, false].map(|ipv4| self.stranger(None, ipv4)));
        targets.into_iter().collect()
    }

    /// Addresses that the sender can show: its own by the records, and strangers.
    fn senders(&self, records: &[LookupRecord], source: MacAddress) -> Vec<CustomerAddress> {
        let own = records
            .iter()
            .filter(|record| record.mac == source && record.record_type.has_customer_address());
        let own = own.map(|record| record.customer_address);
        let strangers = [true, false].map(|ipv4| self.stranger(None, ipv4));
        own.chain(strangers).collect()
    }

    /// An address that no record has, inside a prefix or nowhere in particular. Where a prefix has
    /// none left, its highest.
    fn stranger(&self, prefix: Option<CustomerPrefix>, ipv4: bool) -> CustomerAddress {
        let (network, length) = match prefix {
            Some(prefix) => (prefix.network(), prefix.length()),
            // Documentation prefixes (RFC 5737, RFC 3849).
            None if ipv4 => (CustomerAddress::v4([198, 51, 100, 0]), 24),
            None => (
                CustomerAddress::v6([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
                32,
            ),
        };
        let width = if ipv4 { 32 } else { 128 };
        let bits = match network.ip() {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let host_bits = u32::from(width - length);
        let last = if host_bits == 128 {
            u128::MAX
        } else {
            (1u128 << host_bits) - 1
        };
        let at = |offset: u128| address(ipv4, bits | offset);
        // From above, as routers and guests count from below; the highest may be a broadcast.
        let mut offsets = (0..=last).rev().skip(usize::from(last > 1));
        let free = offsets.find(|&offset| !self.known.contains(&at(offset)));
        at(free.unwrap_or(last))
    }

    /// A datagram to an address that some record may have; where that may rewrite, also tunnel packets
    /// that the guest makes itself.
    fn datagram_and_tunnels(
        &mut self,
        link: Link,
        sender: CustomerAddress,
        target: CustomerAddress,
    ) -> ControlFlow<()> {
        self.datagram(link, sender, target)?;
        if !self.rewrites_any && !self.rewritten.contains(&target) {
            return ControlFlow::Continue(());
        }
        for (vsid, macs) in subnets_and_macs(self.fabric) {
            for mac in macs {
                self.tunnel(link, sender, target, vsid, mac)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn start(&mut self, link: Link, ether_type: EtherType) {
        self.frame.clear();
        self.frame.extend_from_slice(&link.destination.octets());
        self.frame.extend_from_slice(&link.source.octets());
        self.frame.extend_from_slice(&ether_type.0.to_be_bytes());
    }

    fn not_ip(&mut self, link: Link) -> ControlFlow<()> {
        self.start(link, NOT_IP);
        (self.each)(&self.frame)
    }

    /// Who has `target`?
    fn question(
        &mut self,
        link: Link,
        sender: CustomerAddress,
        target: CustomerAddress,
    ) -> ControlFlow<()> {
        let (IpAddr::V4(sender), IpAddr::V4(target)) = (sender.ip(), target.ip()) else {
            return ControlFlow::Continue(());
        };
        let (source, destination) = (link.source.octets(), link.destination.octets());
        let arp = etherparse::ArpPacket::new(
            etherparse::ArpHardwareId::ETHERNET,
            etherparse::EtherType::IPV4,
            etherparse::ArpOperation::REQUEST,
            &source,
            &sender.octets(),
            &[0; 6],
            &target.octets(),
        );
        let Ok(arp) = arp else {
            return ControlFlow::Continue(());
        };
        self.frame.clear();
        let built = PacketBuilder::ethernet2(source, destination)
            .arp(arp)
            .write(&mut self.frame);
        self.built(built.is_ok())
    }

    fn datagram(
        &mut self,
        link: Link,
        sender: CustomerAddress,
        target: CustomerAddress,
    ) -> ControlFlow<()> {
        let link = PacketBuilder::ethernet2(link.source.octets(), link.destination.octets());
        let ip = match (sender.ip(), target.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => link.ipv4(from.octets(), to.octets(), TTL),
            (IpAddr::V6(from), IpAddr::V6(to)) => link.ipv6(from.octets(), to.octets(), TTL),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                return ControlFlow::Continue(());
            }
        };
        self.frame.clear();
        let built = ip.udp(UDP_PORT, UDP_PORT).write(&mut self.frame, &[]);
        self.built(built.is_ok())
    }

    /// What an NVGRE endpoint would send, by a guest that stands where addresses are rewritten.
    fn tunnel(
        &mut self,
        link: Link,
        sender: CustomerAddress,
        target: CustomerAddress,
        vsid: VirtualSubnetId,
        mac: MacAddress,
    ) -> ControlFlow<()> {
        let mut payload = vec![0; Nvgre::LEN + 14];
        Nvgre::emit(&mut payload[..Nvgre::LEN], vsid, FlowId(0));
        payload[Nvgre::LEN..][..6].copy_from_slice(&mac.octets());
        payload[Nvgre::LEN + 6..][..6].copy_from_slice(&link.source.octets());
        payload[Nvgre::LEN + 12..].copy_from_slice(&NOT_IP.0.to_be_bytes());
        let link = PacketBuilder::ethernet2(link.source.octets(), link.destination.octets());
        let ip = match (sender.ip(), target.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => link.ipv4(from.octets(), to.octets(), TTL),
            (IpAddr::V6(from), IpAddr::V6(to)) => link.ipv6(from.octets(), to.octets(), TTL),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                return ControlFlow::Continue(());
            }
        };
        self.frame.clear();
        let gre = etherparse::IpNumber(ip_protocol::GRE);
        let built = ip.write(&mut self.frame, gre, &payload);
        self.built(built.is_ok())
    }

    fn built(&mut self, built: bool) -> ControlFlow<()> {
        if built {
            (self.each)(&self.frame)
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// The MACs that a port may send from.
fn sources_of(port: &Port, others: impl Iterator<Item = MacAddress>) -> Vec<MacAddress> {
    let mut sources = vec![port.mac];
    if port.mac_address_spoofing {
        sources.extend(others.filter(|&mac| mac != port.mac));
    }
    sources
}

/// For each subnet, the MACs of its ports on all hosts.
fn subnets_and_macs(fabric: &Fabric) -> BTreeMap<VirtualSubnetId, BTreeSet<MacAddress>> {
    let mut macs = BTreeMap::<_, BTreeSet<_>>::new();
    for host in 0..fabric.hosts.len() {
        for port in fabric.ports(host) {
            if let PortSubnet::Tenant(vsid) = port.subnet {
                let of_subnet = macs.entry(vsid).or_default();
                of_subnet.insert(port.mac);
                of_subnet.insert(MacAddress::BROADCAST);
            }
        }
    }
    macs
}

fn address(ipv4: bool, bits: u128) -> CustomerAddress {
    if ipv4 {
        CustomerAddress::v4((bits as u32).to_be_bytes())
    } else {
        CustomerAddress::v6(bits.to_be_bytes())
    }
}
