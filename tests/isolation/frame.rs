//! Frames that a hostile guest may send: everything in them is chosen, most of it from what exists in
//! the world. Headers are etherparse's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header};
use nvgre_dataplane::DEFAULT_ROUTER_MAC;
use nvgre_sim::ROUTER_MAC;
use nvgre_wire::MacAddress;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::world::{self, Kind, SUBNETS, World};

/// A frame, and who sends it.
#[derive(Clone, Debug)]
pub(crate) struct Forged {
    from: Index,
    /// Whom it talks to: one of its own tenant, or anybody.
    to: Index,
    within: bool,
    /// Who it pretends to be and to talk to; ordinary where nothing is chosen.
    source: Option<Mac>,
    destination: Option<Mac>,
    tags: Vec<(u16, u16)>,
    content: Content,
    /// Bytes cut off at the end.
    cut: usize,
}

#[derive(Clone, Debug)]
enum Mac {
    Guest(u8),
    Router,
    UnderlayRouter,
    Host(usize),
    Broadcast,
    Group(usize),
}

/// An address of the world, or any.
#[derive(Clone, Debug)]
enum Address {
    Customer(usize, u8),
    CustomerV6(usize, u8),
    Provider(usize, usize),
    ProviderV6(usize, usize),
    Nat(usize),
    Stale(usize),
    Group(usize),
    Any(u32),
}

#[derive(Clone, Debug)]
enum Content {
    /// UDP between the two guests' own addresses.
    Ordinary {
        v6: bool,
        ttl: u8,
    },
    /// ARP request of the sender for the other's address.
    Ask,
    Udp(Address, Address, u8),
    Arp {
        reply: bool,
        sender_mac: Mac,
        sender: Address,
        target: Address,
    },
    /// Neighbor solicitation or advertisement, by type.
    Neighbor {
        kind: u8,
        source: Address,
        destination: Address,
        target: Address,
    },
    /// ICMP error that quotes a packet.
    Error {
        source: Address,
        destination: Address,
        kind: u8,
        quoted: (Address, Address),
        protocol: u8,
    },
    Tunnel {
        source: Address,
        destination: Address,
        flags: u16,
        key: (usize, usize, u8),
        inner: Box<Inner>,
    },
    Raw(u16, Vec<u8>),
}

#[derive(Clone, Debug)]
struct Inner {
    source: Mac,
    destination: Mac,
    content: Content,
}

impl Mac {
    fn get(&self) -> MacAddress {
        match *self {
            Self::Guest(last) => world::mac(last),
            Self::Router => DEFAULT_ROUTER_MAC,
            Self::UnderlayRouter => ROUTER_MAC,
            Self::Host(host) => world::host_mac(host),
            Self::Broadcast => MacAddress::BROADCAST,
            Self::Group(subnet) => {
                MacAddress::of_multicast(world::group(subnet).into()).expect("a group")
            }
        }
    }
}

impl Address {
    fn get(&self) -> IpAddr {
        match *self {
            Self::Customer(subnet, last) => world::customer_v4(subnet, last).into(),
            Self::CustomerV6(subnet, last) => world::customer_v6(subnet, last).into(),
            Self::Provider(tenant, host) => world::provider_v4(tenant, host).into(),
            Self::ProviderV6(tenant, host) => world::provider_v6(tenant, host).into(),
            Self::Nat(guest) => world::provider_nat(guest).into(),
            Self::Stale(tenant) => world::provider_stale(tenant).into(),
            Self::Group(subnet) => world::group(subnet).into(),
            Self::Any(bits) => Ipv4Addr::from(bits).into(),
        }
    }
}

pub(crate) fn is_gre(frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00]) => frame.get(23) == Some(&47),
        Some([0x86, 0xdd]) => frame.get(20) == Some(&47),
        _other => false,
    }
}

/// Both of one family, or the packet is not built and the payload stands alone.
fn packet(
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    protocol: u8,
    payload: &[u8],
) -> (u16, Vec<u8>) {
    let mut bytes = Vec::new();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let len = payload.len() as u16;
            let protocol = IpNumber(protocol);
            let header = Ipv4Header::new(len, ttl, protocol, source.octets(), destination.octets());
            header.expect("short").write(&mut bytes).expect("a vector");
            bytes.extend_from_slice(payload);
            (0x0800, bytes)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: payload.len() as u16,
                next_header: IpNumber(protocol),
                hop_limit: ttl,
                source: source.octets(),
                destination: destination.octets(),
            };
            header.write(&mut bytes).expect("a vector");
            bytes.extend_from_slice(payload);
            (0x86dd, bytes)
        }
        (_, _) => (0x0800, payload.to_vec()),
    }
}

fn udp() -> Vec<u8> {
    // No checksum, which IPv4 allows.
    vec![0x30, 0x39, 0, 53, 0, 12, 0, 0, b'h', b'o', b's', b't']
}

fn v4(address: IpAddr) -> [u8; 4] {
    match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => address.segments()[7]
            .to_be_bytes()
            .repeat(2)
            .try_into()
            .expect("4"),
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

impl Content {
    /// EtherType and payload.
    fn bytes(&self, world: &World, from: usize, to: usize) -> (u16, Vec<u8>) {
        match self {
            Self::Ordinary { v6, ttl } => {
                let address = |guest: usize| world.address(guest, *v6);
                packet(address(from), address(to), *ttl, 17, &udp())
            }
            Self::Ask => {
                let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, 1];
                bytes.extend(world.mac_of(from).octets());
                bytes.extend(v4(world.address(from, false)));
                bytes.extend([0; 6]);
                bytes.extend(v4(world.address(to, false)));
                (0x0806, bytes)
            }
            Self::Udp(source, destination, ttl) => {
                packet(source.get(), destination.get(), *ttl, 17, &udp())
            }
            Self::Arp {
                reply,
                sender_mac,
                sender,
                target,
            } => {
                let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, if *reply { 2 } else { 1 }];
                bytes.extend(sender_mac.get().octets());
                bytes.extend(v4(sender.get()));
                bytes.extend([0; 6]);
                bytes.extend(v4(target.get()));
                (0x0806, bytes)
            }
            Self::Neighbor {
                kind,
                source,
                destination,
                target,
            } => {
                let (source, destination) = (v6(source.get()), v6(destination.get()));
                let mut bytes = vec![*kind, 0, 0, 0, 0x60, 0, 0, 0];
                bytes.extend(v6(target.get()).octets());
                bytes.extend([2, 1, 0, 0x15, 0x5d, 0, 0, 1]);
                let header = etherparse::Icmpv6Header::from_slice(&bytes)
                    .expect("whole")
                    .0;
                let sum = header
                    .icmp_type
                    .calc_checksum(source.octets(), destination.octets(), &bytes[8..])
                    .expect("short");
                bytes[2..4].copy_from_slice(&sum.to_be_bytes());
                packet(source.into(), destination.into(), 255, 58, &bytes)
            }
            Self::Error {
                source,
                destination,
                kind,
                quoted,
                protocol,
            } => {
                let (_, quoted) = packet(quoted.0.get(), quoted.1.get(), 64, *protocol, &udp());
                let mut bytes = vec![*kind, 1, 0, 0, 0, 0, 0, 0];
                bytes.extend(quoted);
                let (source, destination) = (source.get(), destination.get());
                let sum = !bytes.chunks(2).fold(0_u32, |sum, pair| {
                    let word = u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]);
                    let sum = sum + u32::from(word);
                    (sum & 0xffff) + (sum >> 16)
                }) as u16;
                bytes[2..4].copy_from_slice(&sum.to_be_bytes());
                let icmp = if source.is_ipv4() { 1 } else { 58 };
                packet(source, destination, 64, icmp, &bytes)
            }
            Self::Tunnel {
                source,
                destination,
                flags,
                key,
                inner,
            } => {
                let (tenant, subnet, flow) = *key;
                let vsid = world.vsid(tenant % world.tenants, subnet).get();
                let mut bytes = flags.to_be_bytes().to_vec();
                bytes.extend([0x65, 0x58]);
                bytes.extend((vsid << 8 | u32::from(flow)).to_be_bytes());
                let (ether_type, content) = inner.content.bytes(world, from, to);
                bytes.extend(inner.destination.get().octets());
                bytes.extend(inner.source.get().octets());
                bytes.extend(ether_type.to_be_bytes());
                bytes.extend(content);
                packet(source.get(), destination.get(), 64, 47, &bytes)
            }
            Self::Raw(ether_type, bytes) => (*ether_type, bytes.clone()),
        }
    }
}

impl Forged {
    /// Index of the guest, and the frame.
    pub(crate) fn bytes(&self, world: &World) -> (usize, Vec<u8>) {
        let from = self.from.index(world.guests.len());
        let to = self.to.index(world.guests.len());
        let companions = world.companions(from);
        let to = if self.within && !companions.is_empty() {
            *self.to.get(&companions)
        } else {
            to
        };
        let source = self.source.as_ref().map_or(world.mac_of(from), Mac::get);
        let destination_of = |kind: Kind| match (kind, &self.content) {
            // What is addressed on the underlay goes by its router.
            (
                Kind::PassThrough,
                Content::Udp(..) | Content::Error { .. } | Content::Tunnel { .. },
            ) => ROUTER_MAC,
            // Whoever is in the same subnet is switched to; for the rest there is the router.
            (Kind::Tenant, _) if world.guests[from].subnet != world.guests[to].subnet => {
                DEFAULT_ROUTER_MAC
            }
            (_, _) => world.mac_of(to),
        };
        let ordinary = destination_of(world.guests[from].kind);
        let destination = self.destination.as_ref().map_or(ordinary, Mac::get);
        let (ether_type, content) = self.content.bytes(world, from, to);
        let mut bytes = destination.octets().to_vec();
        bytes.extend(source.octets());
        for (tpid, tci) in &self.tags {
            bytes.extend(tpid.to_be_bytes());
            bytes.extend(tci.to_be_bytes());
        }
        bytes.extend(ether_type.to_be_bytes());
        bytes.extend(content);
        bytes.truncate(bytes.len().saturating_sub(self.cut));
        (from, bytes)
    }
}

fn macs() -> BoxedStrategy<Mac> {
    prop_oneof![
        4 => (1..8_u8).prop_map(Mac::Guest),
        2 => Just(Mac::Router),
        1 => Just(Mac::UnderlayRouter),
        2 => (0..world::HOSTS_MAX).prop_map(Mac::Host),
        1 => Just(Mac::Broadcast),
        1 => (0..SUBNETS).prop_map(Mac::Group),
    ]
    .boxed()
}

fn addresses() -> BoxedStrategy<Address> {
    prop_oneof![
        4 => (0..SUBNETS, 1..9_u8).prop_map(|(s, last)| Address::Customer(s, last)),
        2 => (0..SUBNETS, 1..9_u8).prop_map(|(s, last)| Address::CustomerV6(s, last)),
        4 => (0..4_usize, 0..4_usize).prop_map(|(t, h)| Address::Provider(t, h)),
        1 => (0..4_usize, 0..4_usize).prop_map(|(t, h)| Address::ProviderV6(t, h)),
        3 => (0..14_usize).prop_map(Address::Nat),
        1 => (0..4_usize).prop_map(Address::Stale),
        1 => (0..SUBNETS).prop_map(Address::Group),
        1 => any::<u32>().prop_map(Address::Any),
    ]
    .boxed()
}

fn ttls() -> impl Strategy<Value = u8> {
    prop_oneof![Just(64_u8), any::<u8>()]
}

fn plain_contents() -> BoxedStrategy<Content> {
    let two = || (addresses(), addresses());
    prop_oneof![
        1 => Just(Content::Ask),
        6 => (prop::bool::weighted(0.3), ttls()).prop_map(|(v6, ttl)| Content::Ordinary { v6, ttl }),
        3 => (two(), ttls()).prop_map(|((a, b), ttl)| Content::Udp(a, b, ttl)),
        2 => (any::<bool>(), macs(), two()).prop_map(|(reply, sender_mac, (sender, target))| {
            Content::Arp { reply, sender_mac, sender, target }
        }),
        2 => (prop_oneof![Just(135_u8), Just(136)], two(), addresses()).prop_map(
            |(kind, (source, destination), target)| {
                Content::Neighbor { kind, source, destination, target }
            }
        ),
        2 => (two(), prop_oneof![Just(3_u8), Just(11), Just(1), Just(2)], two(), prop_oneof![Just(17_u8), Just(47)])
            .prop_map(|((source, destination), kind, quoted, protocol)| {
                Content::Error { source, destination, kind, quoted, protocol }
            }),
        // About a packet that a guest behind IP rewrite may have sent.
        1 => (addresses(), 0..14_usize, 0..14_usize).prop_map(|(source, from, to)| Content::Error {
            source,
            destination: Address::Nat(from),
            kind: 3,
            quoted: (Address::Nat(from), Address::Nat(to)),
            protocol: 17,
        }),
        1 => (any::<u16>(), prop::collection::vec(any::<u8>(), 0..80))
            .prop_map(|(ether_type, bytes)| Content::Raw(ether_type, bytes)),
        1 => (prop_oneof![Just(0x0800_u16), Just(0x86dd), Just(0x0806)], prop::collection::vec(any::<u8>(), 0..80))
            .prop_map(|(ether_type, bytes)| Content::Raw(ether_type, bytes)),
    ]
        .boxed()
}

fn contents() -> BoxedStrategy<Content> {
    let inner = (macs(), macs(), plain_contents()).prop_map(|(source, destination, content)| {
        Box::new(Inner {
            source,
            destination,
            content,
        })
    });
    let key = (0..4_usize, 0..SUBNETS, any::<u8>());
    let flags = prop_oneof![6 => Just(0x2000_u16), 1 => any::<u16>()];
    let tunnel = (addresses(), addresses(), flags, key, inner).prop_map(
        |(source, destination, flags, key, inner)| Content::Tunnel {
            source,
            destination,
            flags,
            key,
            inner,
        },
    );
    prop_oneof![3 => plain_contents(), 1 => tunnel].boxed()
}

pub(crate) fn forged() -> BoxedStrategy<Forged> {
    let tag = (prop_oneof![Just(0x8100_u16), Just(0x88a8)], any::<u16>());
    let tags = prop_oneof![8 => Just(Vec::new()), 1 => prop::collection::vec(tag, 1..3)];
    let cut = prop_oneof![8 => Just(0_usize), 1 => 0..60_usize];
    let forged_mac = || prop::option::weighted(0.25, macs());
    let whom = (any::<Index>(), any::<Index>(), prop::bool::weighted(0.7));
    (whom, forged_mac(), forged_mac(), tags, contents(), cut)
        .prop_map(
            |((from, to, within), source, destination, tags, content, cut)| Forged {
                from,
                to,
                within,
                source,
                destination,
                tags,
                content,
                cut,
            },
        )
        .boxed()
}
