//! What a host was asked about a frame that it dropped, or put on the underlay which did: the keys
//! that its tables were looked up by, read from the frame and from what the tables said.

use std::net::IpAddr;

use nvgre_dataplane::{DropReason, Event, Outer, PortId, PortSubnet};
use nvgre_sim::{GuestIndex, Hop, Ingress, Journey, Model};
use nvgre_wire::{
    Arp, CustomerAddress, EtherType, Ipv4, Ipv6, LinkHeader, MacAddress, NdpKind,
    NeighborDiscovery, ProviderAddress, VirtualSubnetId, VlanId, ip_protocol,
};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) reason: DropReason,
    /// The host that decided last.
    pub(crate) host: usize,
    /// The guest whose port the frame came in at.
    pub(crate) sender: Option<GuestIndex>,
    /// The guest that was to be reached, where one was asked for by name.
    pub(crate) receiver: Option<GuestIndex>,
    /// The subnet that was asked: of the port, of the route, of the key.
    pub(crate) subnet: Option<VirtualSubnetId>,
    /// The customer address that was asked for: of the destination, or of the next hop.
    pub(crate) address: Option<CustomerAddress>,
    pub(crate) inner: Inner,
    /// Outer addresses and tag of a packet that came from the underlay, or was sent there.
    pub(crate) outer: Option<(ProviderAddress, ProviderAddress, Option<VlanId>)>,
    /// The sending side's subnet.
    pub(crate) from_subnet: Option<VirtualSubnetId>,
}

/// The guest's frame.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inner {
    pub(crate) source_mac: Option<MacAddress>,
    pub(crate) destination_mac: Option<MacAddress>,
    pub(crate) source: Option<CustomerAddress>,
    pub(crate) destination: Option<CustomerAddress>,
}

impl Question {
    /// About the first copy that was dropped.
    pub(crate) fn of(model: &Model, journey: &Journey) -> Option<Self> {
        let (at, reason) = journey.drops().next()?;
        let way = journey.way_to(at);
        let (first, hop) = (&journey.hops[*way.first()?], &journey.hops[at]);
        let sender = match first.ingress {
            Ingress::Port(PortId(port)) => Some(port as GuestIndex),
            Ingress::Uplink => None,
        };
        let port_subnet = sender.and_then(|guest| port_subnet(model, first.host, guest));
        let outer = match hop.ingress {
            Ingress::Uplink => Outer::parse(&hop.frame).ok(),
            Ingress::Port(_) => None,
        };
        let inner = match (&outer, hop.ingress) {
            (Some(outer), Ingress::Uplink) => inside(&hop.frame, outer),
            (None, Ingress::Uplink) => Inner::default(),
            (_, Ingress::Port(_)) => read(&hop.frame),
        };
        // Rewritten packets have no frame inside: the guest's own says what they were.
        let inner = if inner.source_mac.is_none() && first.ingress != Ingress::Uplink {
            read(&first.frame)
        } else {
            inner
        };
        let key = hop.events.iter().find_map(|event| match *event {
            Event::KeyRead { virtual_subnet, .. } => Some(virtual_subnet),
            _other => None,
        });
        let (subnet, address) = match hop.ingress {
            Ingress::Uplink => (key.or(port_subnet), inner.destination),
            Ingress::Port(_) => {
                let (subnet, address) = asked(hop);
                (subnet.or(port_subnet), address.or(inner.destination))
            }
        };
        Some(Self {
            reason,
            host: hop.host,
            sender,
            receiver: None,
            subnet,
            address,
            inner,
            outer: outer.map(|outer| (outer.source, outer.destination, outer.link.vlan)),
            from_subnet: port_subnet.or(key),
        })
    }

    /// About an address alone.
    pub(crate) fn about(
        host: usize,
        subnet: VirtualSubnetId,
        address: CustomerAddress,
        reason: DropReason,
    ) -> Self {
        Self {
            reason,
            host,
            sender: None,
            receiver: None,
            subnet: Some(subnet),
            address: Some(address),
            inner: Inner {
                destination: Some(address),
                ..Inner::default()
            },
            outer: None,
            from_subnet: Some(subnet),
        }
    }

    /// Nobody who got the question has the address.
    pub(crate) fn unanswered(
        model: &Model,
        asker: GuestIndex,
        address: CustomerAddress,
        journey: &Journey,
    ) -> Option<Self> {
        let first = journey.hops.first()?;
        let subnet = port_subnet(model, first.host, asker);
        Some(Self {
            reason: DropReason::NoLookupRecord,
            host: first.host,
            sender: Some(asker),
            receiver: None,
            subnet,
            address: Some(address),
            inner: read(&first.frame),
            outer: None,
            from_subnet: subnet,
        })
    }
}

/// The subnet and address that a host's records were asked for last.
fn asked(hop: &Hop) -> (Option<VirtualSubnetId>, Option<CustomerAddress>) {
    let last = hop.events.iter().rev().find_map(|event| match *event {
        Event::RecordAsked {
            virtual_subnet,
            customer_address,
            ..
        } => Some((Some(virtual_subnet), Some(customer_address))),
        Event::RouteAsked { destination, .. } => Some((None, Some(destination))),
        _other => None,
    });
    last.unwrap_or_default()
}

fn port_subnet(model: &Model, host: usize, guest: GuestIndex) -> Option<VirtualSubnetId> {
    let ports = &model.network().hosts()[host].policy().ports;
    let port = ports.iter().find(|port| port.id == PortId(guest as u32))?;
    match port.subnet {
        PortSubnet::Tenant(vsid) => Some(vsid),
        PortSubnet::Unset | PortSubnet::LocalOnly => None,
    }
}

/// The frame in an NVGRE packet.
fn inside(frame: &[u8], outer: &Outer) -> Inner {
    let payload = frame.get(outer.payload.clone()).unwrap_or_default();
    if outer.protocol == ip_protocol::GRE {
        read(payload.get(8..).unwrap_or_default())
    } else {
        Inner::default()
    }
}

/// MACs and addresses of a guest's frame: of a question or answer about an address, asker and target.
pub(crate) fn read(frame: &[u8]) -> Inner {
    let Ok(link) = LinkHeader::parse(frame) else {
        return Inner::default();
    };
    let packet = &frame[link.len..];
    let addresses = match link.ether_type {
        EtherType::ARP => Arp::parse(packet).ok().map(|arp| {
            let (sender, target): (IpAddr, IpAddr) =
                (arp.sender_ip().into(), arp.target_ip().into());
            (sender, target)
        }),
        EtherType::IPV4 => Ipv4::parse_cut(packet)
            .ok()
            .map(|ip| (ip.source().into(), ip.destination().into())),
        EtherType::IPV6 => Ipv6::parse_cut(packet).ok().map(|ip| {
            let destination = solicited(&ip, packet).unwrap_or(ip.destination());
            (ip.source().into(), destination.into())
        }),
        _other => None,
    };
    Inner {
        source_mac: Some(link.source),
        destination_mac: Some(link.destination),
        source: addresses.map(|(source, _)| CustomerAddress::new(source)),
        destination: addresses.map(|(_, destination)| CustomerAddress::new(destination)),
    }
}

/// The address that a neighbor solicitation asks for.
fn solicited(ip: &Ipv6<&[u8]>, packet: &[u8]) -> Option<[u8; 16]> {
    let upper = ip.upper_layer().ok()?;
    if upper.protocol != ip_protocol::ICMPV6 {
        return None;
    }
    let message = NeighborDiscovery::parse(packet.get(upper.offset..)?).ok()?;
    (message.kind() == NdpKind::Solicitation).then(|| message.target())
}
