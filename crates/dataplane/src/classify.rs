//! The guest's headers, read once.

use nvgre_wire::{
    Arp, ArpOperation, CustomerAddress, EtherType, FlowId, FlowTuple, Fragment, Icmpv4, Icmpv6,
    Ipv4, Ipv6, LinkHeader, MacAddress, NdpKind, NeighborDiscovery, Udp, flow_id, flow_id_ipv4,
    icmpv4, icmpv6, ip_protocol,
};

/// What the dataplane wants to know about a guest's frame. It borrows nothing.
///
/// Plain numbers, each written once and read as it was written, whatever the frame is: reading a
/// whole tagged union back right after its parts were written makes a core wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Classified {
    pub(crate) destination: MacAddress,
    pub(crate) source: MacAddress,
    pub(crate) ether_type: EtherType,
    layer: Layer,
    says: Says,
    /// Source of an IP packet, sender of an ARP packet.
    sender: Bits,
    /// Destination of an IP packet.
    receiver: Bits,
    /// What ARP or ND is about.
    subject: Bits,
    /// ARP only.
    sender_mac: MacAddress,
    fragment_offset_bytes: u32,
    /// Where the upper layer begins, counted from the IP header; 0 when it cannot be told.
    upper_at: u16,
    /// Source port above, destination port below; 0 where there are none to read.
    ports: u32,
    /// ICMP and ICMPv6: type; else [`NO_ICMP`].
    icmp_type: u16,
    tos: u8,
    ttl: u8,
    protocol: u8,
    more_fragments: bool,
    dont_fragment: bool,
}

/// An address of either family, high word first.
type Bits = [u64; 2];

/// No ICMP type.
const NO_ICMP: u16 = u16::MAX;

/// The layer behind Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Arp,
    Ipv4,
    Ipv6,
    /// Anything else, and headers too damaged to trust.
    Other,
}

/// What ARP, or neighbor discovery with hop limit 255, says about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    /// Who has it? ARP requests and neighbor solicitations.
    Asks,
    /// The sender has it: neighbor advertisements.
    Advertises,
}

/// The IP fields of a frame that is IP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IpFields<'h>(&'h Classified);

impl Classified {
    /// Reads the headers of a frame with this link header and what is behind it. Cut packets are read as far as they
    /// go: their addresses decide as much as those of whole ones.
    pub(crate) fn of(link: &LinkHeader, packet: &[u8]) -> Self {
        match link.ether_type {
            EtherType::IPV4 => Self::ipv4(link, packet),
            EtherType::IPV6 => Self::ipv6(link, packet),
            EtherType::ARP => Self::arp(link, packet),
            _other => Self::other(link),
        }
    }

    /// Protocols whose first four bytes are ports. They are left out for all fragments of a datagram,
    /// so that these share one FlowID.
    #[inline(always)]
    pub(crate) const fn has_ports(protocol: u8) -> bool {
        matches!(
            protocol,
            ip_protocol::TCP | ip_protocol::UDP | ip_protocol::SCTP
        )
    }

    #[inline(always)]
    fn other(link: &LinkHeader) -> Self {
        Self {
            destination: link.destination,
            source: link.source,
            ether_type: link.ether_type,
            layer: Layer::Other,
            says: Says::Nothing,
            sender: [0; 2],
            receiver: [0; 2],
            subject: [0; 2],
            sender_mac: MacAddress::new([0; 6]),
            fragment_offset_bytes: 0,
            upper_at: 0,
            ports: 0,
            icmp_type: NO_ICMP,
            tos: 0,
            ttl: 0,
            protocol: 0,
            more_fragments: false,
            dont_fragment: false,
        }
    }

    /// Any IPv4 packet.
    #[inline(never)]
    fn ipv4(link: &LinkHeader, packet: &[u8]) -> Self {
        let Ok(packet) = Ipv4::parse_cut(packet) else {
            return Self::other(link);
        };
        let fragment = packet.fragment();
        let protocol = packet.protocol();
        let (mut ports, mut icmp_type) = (0, NO_ICMP);
        if fragment.offset_bytes == 0 {
            let upper = packet.payload();
            if Self::has_ports(protocol) && !fragment.more {
                ports = read_ports(upper);
            } else if protocol == ip_protocol::ICMP {
                icmp_type = upper.first().map_or(NO_ICMP, |&kind| u16::from(kind));
            }
        }
        Self {
            layer: Layer::Ipv4,
            sender: [0, u64::from(u32::from_be_bytes(packet.source()))],
            receiver: [0, u64::from(u32::from_be_bytes(packet.destination()))],
            fragment_offset_bytes: fragment.offset_bytes,
            upper_at: packet.header_len() as u16,
            ports,
            icmp_type,
            tos: packet.tos(),
            ttl: packet.ttl(),
            protocol,
            more_fragments: fragment.more,
            dont_fragment: packet.dont_fragment(),
            ..Self::other(link)
        }
    }

    #[inline(never)]
    fn ipv6(link: &LinkHeader, packet: &[u8]) -> Self {
        let mut headers = Self::other(link);
        let Ok(packet) = Ipv6::parse_cut(packet) else {
            return headers;
        };
        headers.layer = Layer::Ipv6;
        headers.sender = bits(packet.source());
        headers.receiver = bits(packet.destination());
        headers.tos = packet.traffic_class();
        headers.ttl = packet.hop_limit();
        headers.protocol = packet.next_header();
        // IPv6 routers never fragment.
        headers.dont_fragment = true;
        let Ok(upper) = packet.upper_layer() else {
            return headers;
        };
        headers.protocol = upper.protocol;
        headers.fragment_offset_bytes = upper.fragment.offset_bytes;
        headers.more_fragments = upper.fragment.more;
        headers.upper_at = upper.offset.try_into().unwrap_or(0);
        if upper.fragment.offset_bytes == 0 {
            let bytes = &packet.payload()[upper.offset - Ipv6::<&[u8]>::LEN..];
            if Self::has_ports(upper.protocol) && !upper.fragment.more {
                headers.ports = read_ports(bytes);
            } else if upper.protocol == ip_protocol::ICMPV6 {
                headers.read_icmpv6(bytes);
            }
        }
        headers
    }

    fn read_icmpv6(&mut self, message: &[u8]) {
        self.icmp_type = message.first().map_or(NO_ICMP, |&kind| u16::from(kind));
        // RFC 4861 s7.1: with another hop limit it was forwarded by a router, and is void.
        if self.ttl == 255
            && let Ok(message) = NeighborDiscovery::parse(message)
        {
            self.subject = bits(message.target());
            self.says = match message.kind() {
                NdpKind::Solicitation => Says::Asks,
                NdpKind::Advertisement => Says::Advertises,
            };
        }
    }

    #[inline(never)]
    fn arp(link: &LinkHeader, packet: &[u8]) -> Self {
        let mut headers = Self::other(link);
        let Ok(packet) = Arp::parse(packet) else {
            return headers;
        };
        headers.layer = Layer::Arp;
        headers.sender = [0, u64::from(u32::from_be_bytes(packet.sender_ip()))];
        headers.subject = [0, u64::from(u32::from_be_bytes(packet.target_ip()))];
        headers.sender_mac = packet.sender_mac();
        headers.says = match packet.operation() {
            ArpOperation::Request => Says::Asks,
            ArpOperation::Reply => Says::Nothing,
        };
        headers
    }

    /// The customer address that the sender claims: of ARP the sender's, of an advertisement the one
    /// it announces, else the packet's source. `None` where there is none to check and the frame
    /// goes by MAC: not IP, an IPv6 link-local address (which never has a record), and 0.0.0.0 or ::
    /// where a host has no address yet (probes, DHCP, duplicate detection: all to groups).
    #[inline(always)]
    pub(crate) fn source_ca(&self) -> Option<CustomerAddress> {
        let claimed = self.claimed()?;
        let to_group = || self.ip().is_none_or(|ip| ip.destination().is_group());
        let none_yet = claimed.is_unspecified() && to_group();
        let link_local = !claimed.is_ipv4() && claimed.is_link_local();
        (!none_yet && !link_local).then_some(claimed)
    }

    /// The address whose owner the sender shows itself to be: what learning may use.
    pub(crate) fn shown_ca(&self) -> Option<CustomerAddress> {
        if self.layer == Layer::Arp && self.sender_mac != self.source {
            return None;
        }
        let shown = self.claimed()?;
        let usable = !shown.is_unspecified() && !shown.is_link_local() && !shown.is_group();
        usable.then_some(shown)
    }

    /// The address that the sender speaks for: an advertisement is believed about its target.
    #[inline(always)]
    fn claimed(&self) -> Option<CustomerAddress> {
        match (self.layer, self.says) {
            (Layer::Other, _) => None,
            (_, Says::Advertises) => Some(self.address(self.subject)),
            (_, Says::Nothing | Says::Asks) => Some(self.address(self.sender)),
        }
    }

    /// The address that the frame asks for, if it is a question.
    #[inline(always)]
    pub(crate) fn question(&self) -> Option<CustomerAddress> {
        (self.says == Says::Asks).then(|| self.address(self.subject))
    }

    /// The source of an IP packet.
    pub(crate) fn sender_ip(&self) -> Option<CustomerAddress> {
        self.ip().map(|ip| ip.source())
    }

    /// The destination of an IP packet.
    pub(crate) fn target_ip(&self) -> Option<CustomerAddress> {
        self.ip().map(|ip| ip.destination())
    }

    /// The sender of an ARP packet.
    pub(crate) fn arp_sender(&self) -> Option<CustomerAddress> {
        (self.layer == Layer::Arp).then(|| self.address(self.sender))
    }

    /// The IP fields, if it is IP.
    #[inline(always)]
    pub(crate) const fn ip(&self) -> Option<IpFields<'_>> {
        match self.layer {
            Layer::Ipv4 | Layer::Ipv6 => Some(IpFields(self)),
            Layer::Arp | Layer::Other => None,
        }
    }

    /// What tells this frame's flow from others, in 8 bits.
    #[inline(always)]
    pub(crate) fn flow_id(&self) -> FlowId {
        if self.layer == Layer::Ipv4 {
            let [_, source] = self.sender;
            let [_, destination] = self.receiver;
            flow_id_ipv4(source as u32, destination as u32, self.protocol, self.ports)
        } else {
            self.other_flow_id()
        }
    }

    #[inline(never)]
    fn other_flow_id(&self) -> FlowId {
        flow_id(&match self.ip() {
            Some(ip) => FlowTuple::Ip {
                source: ip.source().ip(),
                destination: ip.destination().ip(),
                // Only the first fragment shows what follows further IPv6 extension headers.
                protocol: if ip.fragment().is_part() {
                    ip_protocol::FRAGMENT
                } else {
                    self.protocol
                },
                source_port: (self.ports >> 16) as u16,
                destination_port: self.ports as u16,
            },
            None => FlowTuple::Link {
                source: self.source,
                destination: self.destination,
                ether_type: self.ether_type,
            },
        })
    }

    /// The same frame behind a router.
    pub(crate) fn with_link(&self, destination: MacAddress, source: MacAddress) -> Self {
        Self {
            destination,
            source,
            ..*self
        }
    }

    /// DSCP and ECN of IP, else 0.
    #[inline(always)]
    pub(crate) const fn tos(&self) -> u8 {
        self.tos
    }

    #[inline(always)]
    fn address(&self, [high, low]: Bits) -> CustomerAddress {
        if self.layer == Layer::Ipv6 {
            let bits = u128::from(high) << 64 | u128::from(low);
            CustomerAddress::v6(bits.to_be_bytes())
        } else {
            CustomerAddress::v4((low as u32).to_be_bytes())
        }
    }
}

impl IpFields<'_> {
    #[inline(always)]
    pub(crate) fn source(&self) -> CustomerAddress {
        self.0.address(self.0.sender)
    }

    #[inline(always)]
    pub(crate) fn destination(&self) -> CustomerAddress {
        self.0.address(self.0.receiver)
    }

    pub(crate) const fn is_ipv4(&self) -> bool {
        matches!(self.0.layer, Layer::Ipv4)
    }

    pub(crate) const fn ttl(&self) -> u8 {
        self.0.ttl
    }

    pub(crate) const fn protocol(&self) -> u8 {
        self.0.protocol
    }

    pub(crate) const fn dont_fragment(&self) -> bool {
        self.0.dont_fragment
    }

    pub(crate) const fn fragment(&self) -> Fragment {
        Fragment {
            offset_bytes: self.0.fragment_offset_bytes,
            more: self.0.more_fragments,
        }
    }

    /// The type of ICMP and ICMPv6.
    pub(crate) fn icmp_type(&self) -> Option<u8> {
        u8::try_from(self.0.icmp_type).ok()
    }

    /// The address that a neighbor advertisement announces.
    pub(crate) fn advertises(&self) -> Option<CustomerAddress> {
        (self.0.says == Says::Advertises).then(|| self.0.address(self.0.subject))
    }

    /// Whether it is an ICMP or ICMPv6 error: no error is ever made about one (RFC 1122 s3.2.2).
    pub(crate) fn is_icmp_error(&self) -> bool {
        self.icmp_type().is_some_and(|kind| {
            if self.is_ipv4() {
                Icmpv4::<&[u8]>::kind_is_error(kind)
            } else {
                Icmpv6::<&[u8]>::kind_is_error(kind)
            }
        })
    }

    /// An echo request that stands in one piece.
    pub(crate) fn is_echo_request(&self) -> bool {
        let echo = if self.is_ipv4() {
            icmpv4::ECHO
        } else {
            icmpv6::ECHO
        };
        self.icmp_type() == Some(echo) && !self.fragment().is_part()
    }

    /// An IPv6 packet whose chain of extension headers is not all there: what it carries cannot be
    /// told (RFC 7112, RFC 7113).
    pub(crate) const fn hides_its_upper_layer(&self) -> bool {
        self.0.upper_at == 0
    }

    /// Source port of UDP, in a packet that shows it: guards look at first fragments too.
    pub(crate) fn udp_source_port(&self, packet: &[u8]) -> Option<u16> {
        let first = self.0.fragment_offset_bytes == 0 && self.0.upper_at > 0;
        (self.0.protocol == ip_protocol::UDP && first)
            .then(|| packet.get(usize::from(self.0.upper_at)..))
            .flatten()
            .and_then(|upper| Udp::parse(upper).ok())
            .map(|udp| udp.source_port())
    }
}

fn read_ports(upper: &[u8]) -> u32 {
    upper
        .first_chunk()
        .map_or(0, |ports| u32::from_be_bytes(*ports))
}

fn bits(octets: [u8; 16]) -> Bits {
    let bits = u128::from_be_bytes(octets);
    [(bits >> 64) as u64, bits as u64]
}
