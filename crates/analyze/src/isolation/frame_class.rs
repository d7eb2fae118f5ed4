//! Every class of frames that tables can tell apart, for one sender: a frame for each.
//!
//! What hosts decide by is in their tables, so that frames which ask the tables the same end alike.
//! Of an address it matters whether a record has it, or which prefix holds it where none does; of a
//! MAC whether a port or a record has it. Where addresses are rewritten the payload travels bare, so
//! that a guest can make it a tunnel packet of its own, or an ICMP error, which hosts take from routers
//! too: those are classes as well. Tags, sizes and other upper layers change a frame's way only by
//! having it dropped or refused.
//!
//! The classes come in the order of what is least to read, so that the first to show something is
//! the one to show.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::ControlFlow;

use etherparse::icmpv4::DestUnreachableHeader;
use etherparse::icmpv6::DestUnreachableCode;
use etherparse::{Icmpv4Type, Icmpv6Type, PacketBuilder};
use nvgre_dataplane::{CustomerRoute, LookupRecord, Policy, Port, PortSubnet, RecordType, Rule};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, EtherType, FlowId, MacAddress, Nvgre, VirtualSubnetId,
    ip_protocol,
};

use super::fabric::Fabric;
use crate::unused::unused_address;

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
    known: &BTreeSet<CustomerAddress>,
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
        known,
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

/// Every customer address that a record of any host has: strangers have others.
pub(crate) fn known_addresses(fabric: &Fabric) -> BTreeSet<CustomerAddress> {
    let records = fabric.hosts.iter().flat_map(|host| &host.policy.records);
    records.map(|record| record.customer_address).collect()
}

struct Classes<'a> {
    fabric: &'a Fabric,
    host: usize,
    policy: &'a Policy,
    known: &'a BTreeSet<CustomerAddress>,
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
        let strangers = self.strangers(vsid);
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
            let senders = self.senders(&own_subnet, source, &strangers);
            for &sender in &senders {
                let stranger = self.nobody(sender.is_ipv4());
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

    /// The customer routes of a subnet's domain.
    fn routes_of(&self, vsid: VirtualSubnetId) -> Vec<&CustomerRoute> {
        let routes = &self.policy.customer_routes;
        let domain = routes.iter().find(|route| route.virtual_subnet == vsid);
        let domain = domain.map(|route| route.routing_domain);
        let routes = routes.iter();
        routes
            .filter(|route| Some(route.routing_domain) == domain)
            .collect()
    }

    /// Destinations that the built-in router tells apart: what records of the domain's subnets have,
    /// and strangers.
    fn reachable(&self, vsid: VirtualSubnetId) -> Vec<CustomerAddress> {
        let mut subnets = BTreeSet::from([vsid]);
        subnets.extend(
            self.routes_of(vsid)
                .iter()
                .map(|route| route.virtual_subnet),
        );
        let records = self.policy.records.iter();
        let with_address = records.filter(|record| record.record_type.has_customer_address());
        let of_subnets = with_address.filter(|record| subnets.contains(&record.virtual_subnet));
        let mut targets: BTreeSet<_> = of_subnets.map(|record| record.customer_address).collect();
        targets.extend(self.strangers(vsid));
        targets.into_iter().collect()
    }

    /// An address for each route of a subnet's domain which that route is the best for, and one beyond
    /// all of them: such that no record of any host has them, or at least none of this host that the
    /// route would find.
    fn strangers(&self, vsid: VirtualSubnetId) -> BTreeSet<CustomerAddress> {
        let routes = self.routes_of(vsid);
        let prefixes: Vec<_> = routes.iter().map(|route| route.destination).collect();
        let gateways: BTreeSet<_> = (prefixes.iter())
            .filter_map(CustomerPrefix::gateway)
            .collect();
        let everywhere = |address| self.known.contains(&address) || gateways.contains(&address);
        let mut strangers: BTreeSet<_> = [true, false]
            .into_iter()
            .filter_map(|ipv4| unused_address(None, ipv4, &prefixes, everywhere))
            .collect();
        for route in routes {
            let here = |address| {
                let mut found = self.records_of(route.virtual_subnet);
                found.any(|record| record.customer_address == address)
            };
            let inside = Some(route.destination);
            let ipv4 = route.destination.network().is_ipv4();
            let nobody = unused_address(inside, ipv4, &prefixes, everywhere);
            strangers.extend(nobody.or_else(|| unused_address(inside, ipv4, &prefixes, here)));
        }
        strangers
    }

    /// Addresses that the sender can show: its own by the records, and strangers; where it may speak for
    /// others or shows its address for the first time, those that routes lead to as well.
    fn senders(
        &self,
        records: &[LookupRecord],
        source: MacAddress,
        strangers: &BTreeSet<CustomerAddress>,
    ) -> BTreeSet<CustomerAddress> {
        let of_mac = records.iter().filter(|record| record.mac == source);
        let mut senders: BTreeSet<_> = [true, false].map(|ipv4| self.nobody(ipv4)).into();
        for record in of_mac {
            if record.record_type.has_customer_address() {
                senders.insert(record.customer_address);
            } else {
                senders.extend(strangers);
            }
        }
        senders
    }

    /// An address that no record has, of those for documentation (RFC 5737, RFC 3849).
    fn nobody(&self, ipv4: bool) -> CustomerAddress {
        let (network, length) = if ipv4 {
            (CustomerAddress::v4([198, 51, 100, 0]), 24)
        } else {
            let mut network = [0; 16];
            network[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
            (CustomerAddress::v6(network), 32)
        };
        let inside = CustomerPrefix::new(network, length).ok();
        let taken = |address| self.known.contains(&address);
        // They would have to have records for all of them.
        unused_address(inside, ipv4, &[], taken).unwrap_or(network)
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
        let pairs = [
            (target, sender),
            (sender, target),
            (sender, sender),
            (target, target),
        ];
        for quoted in pairs {
            self.icmp_error(link, sender, target, quoted)?;
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

    /// Port unreachable, about a packet between two addresses.
    fn icmp_error(
        &mut self,
        link: Link,
        sender: CustomerAddress,
        target: CustomerAddress,
        (from, to): (CustomerAddress, CustomerAddress),
    ) -> ControlFlow<()> {
        let mut quoted = Vec::new();
        let inner = match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                PacketBuilder::ipv4(from.octets(), to.octets(), TTL)
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                PacketBuilder::ipv6(from.octets(), to.octets(), TTL)
            }
            (IpAddr::V4(_) | IpAddr::V6(_), _) => return ControlFlow::Continue(()),
        };
        let quote = inner.udp(UDP_PORT, UDP_PORT).write(&mut quoted, &[]);
        let link = PacketBuilder::ethernet2(link.source.octets(), link.destination.octets());
        self.frame.clear();
        let built = match (sender.ip(), target.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => link
                .ipv4(from.octets(), to.octets(), TTL)
                .icmpv4(Icmpv4Type::DestinationUnreachable(
                    DestUnreachableHeader::Port,
                ))
                .write(&mut self.frame, &quoted),
            (IpAddr::V6(from), IpAddr::V6(to)) => link
                .ipv6(from.octets(), to.octets(), TTL)
                .icmpv6(Icmpv6Type::DestinationUnreachable(
                    DestUnreachableCode::Port,
                ))
                .write(&mut self.frame, &quoted),
            (IpAddr::V4(_) | IpAddr::V6(_), _) => return ControlFlow::Continue(()),
        };
        self.built(quote.is_ok() && built.is_ok())
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
