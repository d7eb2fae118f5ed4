//! The guest's headers, read once.

use core::net::IpAddr;

use nvgre_wire::{
    Arp, ArpOperation, CustomerAddress, EtherType, FlowTuple, Fragment, Icmpv4, Icmpv6, Ipv4, Ipv6,
    LinkHeader, MacAddress, NdpKind, NeighborDiscovery, Udp, icmpv4, icmpv6, ip_protocol,
};

/// What the dataplane wants to know about a guest's frame. It borrows nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Classified {
    pub(crate) destination: MacAddress,
    pub(crate) source: MacAddress,
    pub(crate) ether_type: EtherType,
    pub(crate) network: Network,
}

/// The layer behind Ethernet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Network {
    Arp(ArpFields),
    Ip(IpFields),
    /// Anything else, and headers too damaged to trust.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ArpFields {
    pub(crate) operation: ArpOperation,
    pub(crate) sender: CustomerAddress,
    pub(crate) sender_mac: MacAddress,
    pub(crate) target: CustomerAddress,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct IpFields {
    pub(crate) source: CustomerAddress,
    pub(crate) destination: CustomerAddress,
    /// DSCP and ECN.
    pub(crate) tos: u8,
    pub(crate) ttl: u8,
    /// IPv4 only; IPv6 routers never fragment.
    pub(crate) dont_fragment: bool,
    pub(crate) fragment: Fragment,
    pub(crate) protocol: u8,
    /// Where the upper layer begins, counted from the IP header; 0 when it cannot be told.
    pub(crate) upper_at: u16,
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    /// ICMP and ICMPv6: type.
    pub(crate) icmp_type: Option<u8>,
    /// A neighbor solicitation with hop limit 255: the address it asks for.
    pub(crate) solicits: Option<CustomerAddress>,
    /// A neighbor advertisement with hop limit 255: the address it announces.
    pub(crate) advertises: Option<CustomerAddress>,
}

impl Classified {
    /// Reads the headers of an untagged frame behind `link`. Cut packets are read as far as they
    /// go: their addresses decide as much as those of whole ones.
    pub(crate) fn of(link: &LinkHeader, frame: &[u8]) -> Self {
        let payload = &frame[link.len..];
        let network = match link.ether_type {
            EtherType::IPV4 => Ipv4::parse_cut(payload).map_or(Network::Other, |p| ipv4(&p)),
            EtherType::IPV6 => Ipv6::parse_cut(payload).map_or(Network::Other, |p| ipv6(&p)),
            EtherType::ARP => Arp::parse(payload).map_or(Network::Other, |p| arp(&p)),
            _other => Network::Other,
        };
        Self {
            destination: link.destination,
            source: link.source,
            ether_type: link.ether_type,
            network,
        }
    }

    /// The customer address that the sender claims: of ARP the sender's, of an advertisement the one
    /// it announces, else the packet's source. `None` where there is none to check and the frame
    /// goes by MAC: not IP, an IPv6 link-local address (which never has a record), and 0.0.0.0 or ::
    /// where a host has no address yet (probes, DHCP, duplicate detection: all to groups).
    pub(crate) fn source_ca(&self) -> Option<CustomerAddress> {
        let (claimed, to_group) = match self.network {
            Network::Arp(arp) => (arp.sender, true),
            Network::Ip(ip) => (ip.claims(), ip.destination.is_group()),
            Network::Other => return None,
        };
        let none_yet = claimed.is_unspecified() && to_group;
        let link_local = !claimed.is_ipv4() && claimed.is_link_local();
        (!none_yet && !link_local).then_some(claimed)
    }

    /// The address whose owner the sender shows itself to be: what learning may use.
    pub(crate) fn shown_ca(&self) -> Option<CustomerAddress> {
        let shown = match self.network {
            Network::Arp(arp) if arp.sender_mac == self.source => arp.sender,
            Network::Ip(ip) => ip.claims(),
            Network::Arp(_) | Network::Other => return None,
        };
        let usable = !shown.is_unspecified() && !shown.is_link_local() && !shown.is_group();
        usable.then_some(shown)
    }

    /// The IP fields, if it is IP.
    pub(crate) const fn ip(&self) -> Option<&IpFields> {
        match &self.network {
            Network::Ip(ip) => Some(ip),
            Network::Arp(_) | Network::Other => None,
        }
    }

    /// What tells this frame's flow from others.
    pub(crate) fn flow(&self) -> FlowTuple {
        match &self.network {
            Network::Ip(ip) => FlowTuple::Ip {
                source: ip.source.ip(),
                destination: ip.destination.ip(),
                // Only the first fragment shows what follows further IPv6 extension headers.
                protocol: if ip.fragment.is_part() && !ip.source.is_ipv4() {
                    ip_protocol::FRAGMENT
                } else {
                    ip.protocol
                },
                source_port: ip.source_port,
                destination_port: ip.destination_port,
            },
            Network::Arp(_) | Network::Other => FlowTuple::Link {
                source: self.source,
                destination: self.destination,
                ether_type: self.ether_type,
            },
        }
    }

    /// DSCP and ECN of IP, else 0.
    pub(crate) const fn tos(&self) -> u8 {
        match &self.network {
            Network::Ip(ip) => ip.tos,
            Network::Arp(_) | Network::Other => 0,
        }
    }
}

impl IpFields {
    /// Whether it is an ICMP or ICMPv6 error: no error is ever made about one (RFC 1122 s3.2.2).
    pub(crate) fn is_icmp_error(&self) -> bool {
        match (self.icmp_type, self.source.ip()) {
            (Some(kind), IpAddr::V4(_)) => Icmpv4::<&[u8]>::kind_is_error(kind),
            (Some(kind), IpAddr::V6(_)) => Icmpv6::<&[u8]>::kind_is_error(kind),
            (None, _) => false,
        }
    }

    /// An echo request that stands in one piece.
    pub(crate) fn is_echo_request(&self) -> bool {
        let echo = if self.source.is_ipv4() {
            icmpv4::ECHO
        } else {
            icmpv6::ECHO
        };
        self.icmp_type == Some(echo) && !self.fragment.is_part()
    }

    /// Reads what lies behind the IP header of a datagram's first or only packet.
    fn read_upper(&mut self, upper: &[u8]) {
        match self.protocol {
            // Ports are left out for all fragments of a datagram, so that they share one FlowID.
            ip_protocol::TCP | ip_protocol::UDP | ip_protocol::SCTP
                if upper.len() >= 4 && !self.fragment.is_part() =>
            {
                self.source_port = u16::from_be_bytes([upper[0], upper[1]]);
                self.destination_port = u16::from_be_bytes([upper[2], upper[3]]);
            }
            ip_protocol::ICMP if self.source.is_ipv4() => {
                self.icmp_type = upper.first().copied();
            }
            ip_protocol::ICMPV6 if !self.source.is_ipv4() => {
                self.icmp_type = upper.first().copied();
                // RFC 4861 s7.1: with another hop limit it was forwarded by a router, and is void.
                if self.ttl == 255
                    && let Ok(message) = NeighborDiscovery::parse(upper)
                {
                    let target = Some(CustomerAddress::v6(message.target()));
                    match message.kind() {
                        NdpKind::Solicitation => self.solicits = target,
                        NdpKind::Advertisement => self.advertises = target,
                    }
                }
            }
            _no_ports => {}
        }
    }

    /// The address that the sender speaks for: an advertisement is believed about its target.
    fn claims(&self) -> CustomerAddress {
        self.advertises.unwrap_or(self.source)
    }

    /// An IPv6 packet whose chain of extension headers is not all there: what it carries cannot be
    /// told (RFC 7112, RFC 7113).
    pub(crate) fn hides_its_upper_layer(&self) -> bool {
        self.upper_at == 0
    }

    /// Source port of UDP, in a packet that shows it: guards look at first fragments too.
    pub(crate) fn udp_source_port(&self, packet: &[u8]) -> Option<u16> {
        let first = self.fragment.offset_bytes == 0 && self.upper_at > 0;
        (self.protocol == ip_protocol::UDP && first)
            .then(|| packet.get(usize::from(self.upper_at)..))
            .flatten()
            .and_then(|upper| Udp::parse(upper).ok())
            .map(|udp| udp.source_port())
    }
}

fn arp(packet: &Arp<&[u8]>) -> Network {
    Network::Arp(ArpFields {
        operation: packet.operation(),
        sender: CustomerAddress::v4(packet.sender_ip()),
        sender_mac: packet.sender_mac(),
        target: CustomerAddress::v4(packet.target_ip()),
    })
}

fn ipv4(packet: &Ipv4<&[u8]>) -> Network {
    let mut fields = IpFields {
        source: CustomerAddress::v4(packet.source()),
        destination: CustomerAddress::v4(packet.destination()),
        tos: packet.tos(),
        ttl: packet.ttl(),
        dont_fragment: packet.dont_fragment(),
        fragment: packet.fragment(),
        protocol: packet.protocol(),
        upper_at: packet.header_len() as u16,
        source_port: 0,
        destination_port: 0,
        icmp_type: None,
        solicits: None,
        advertises: None,
    };
    if fields.fragment.offset_bytes == 0 {
        fields.read_upper(packet.payload());
    }
    Network::Ip(fields)
}

fn ipv6(packet: &Ipv6<&[u8]>) -> Network {
    let upper = packet.upper_layer().ok();
    let mut fields = IpFields {
        source: CustomerAddress::v6(packet.source()),
        destination: CustomerAddress::v6(packet.destination()),
        tos: packet.traffic_class(),
        ttl: packet.hop_limit(),
        dont_fragment: true,
        fragment: upper.map_or(Fragment::WHOLE, |upper| upper.fragment),
        protocol: upper.map_or(packet.next_header(), |upper| upper.protocol),
        upper_at: upper
            .and_then(|upper| upper.offset.try_into().ok())
            .unwrap_or(0),
        source_port: 0,
        destination_port: 0,
        icmp_type: None,
        solicits: None,
        advertises: None,
    };
    if let Some(upper) = upper
        && upper.fragment.offset_bytes == 0
    {
        fields.read_upper(&packet.payload()[upper.offset - Ipv6::<&[u8]>::LEN..]);
    }
    Network::Ip(fields)
}
