//! Policies of every mixture, edited record by record, and frames that fit them more or less: whatever
//! the tables say, the short way and the long one come to the same ([`common::Host`] compares them), and
//! to what tables made afresh say.

mod common;

use common::*;
use nvgre_dataplane::{
    Acl, AclAction, AclDirection, AclRemote, CustomerRoute, HostAddress, LookupRecord, Policy,
    Port, PortId, ProviderRoute, RecordId, RecordType, Rule, Settings,
};
use nvgre_wire::MacAddress;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

/// Few enough that everything meets everything.
const SUBNETS: [u32; 5] = [BLUE, BLUE, BLUE, BLUE_B, RED];
const STATIONS: [[u8; 6]; 5] = [
    [6, 6, 0, 0, 0, 1],
    [6, 6, 0, 0, 0, 2],
    [6, 6, 0, 0, 0, 3],
    [6, 6, 0, 0, 0, 4],
    // The built-in router's, in some policies.
    [6, 6, 0, 0, 0, 5],
];
const ADDRESSES: [&str; 9] = [
    "10.0.0.5",
    "10.0.0.6",
    "10.0.0.7",
    "10.0.1.5",
    "10.0.1.6",
    "10.0.0.1",
    "169.254.0.5",
    "172.16.0.9",
    // Its low bits are those of the first.
    "fd00::a00:5",
];
/// The first ones may be this host's.
const PROVIDERS: [&str; 9] = [
    "192.168.4.11",
    "192.168.5.1",
    "192.168.5.2",
    // Its low bits are those of the first, and of the last those of the first that is never this host's.
    "fd00:4::c0a8:40b",
    "192.168.4.22",
    "192.168.4.33",
    "192.168.5.3",
    "192.168.5.4",
    "fd00:4::c0a8:416",
];
const OWN: usize = 4;

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.05)
}

fn often() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.9)
}

fn station() -> impl Strategy<Value = MacAddress> {
    let usual = select(STATIONS[..3].to_vec());
    let unusual = select(STATIONS[3..].to_vec());
    prop_oneof![8 => usual, 1 => unusual].prop_map(MacAddress::new)
}

fn ports() -> impl Strategy<Value = Vec<Port>> {
    let flags = (often(), rarely(), rarely(), rarely(), rarely(), rarely());
    let mac = prop_oneof![
        20 => station(),
        1 => Just(ROUTER),
        1 => Just(MacAddress::BROADCAST),
    ];
    let port = (select(SUBNETS.to_vec()), mac, flags);
    vec(port, 2..6).prop_map(|ports| {
        let ports = ports.into_iter().zip(0..);
        ports
            .map(
                |((subnet, mac, (connected, dhcp, router, spoofing, acl, limit)), id)| Port {
                    connected,
                    dhcp_guard: dhcp,
                    router_guard: router,
                    mac_address_spoofing: spoofing,
                    acls: acl
                        .then_some(Acl {
                            action: AclAction::Deny,
                            direction: AclDirection::Inbound,
                            remote: AclRemote::Prefix("10.0.0.4/30".parse().expect("a prefix")),
                        })
                        .into_iter()
                        .collect(),
                    maximum_bandwidth_bits_per_second: if limit { 3_000 } else { 0 },
                    storm_limit_packets_per_second: u32::from(spoofing),
                    ..Port::new(PortId(id), mac).in_subnet(vsid(subnet))
                },
            )
            .collect()
    })
}

fn host_addresses() -> impl Strategy<Value = Vec<HostAddress>> {
    let other = || prop::bool::weighted(0.2);
    let one = (often(), rarely(), other(), other());
    vec(one, OWN).prop_map(|drawn| {
        let drawn = drawn.into_iter().zip(PROVIDERS);
        drawn
            .filter(|((there, ..), _)| *there)
            .map(|((_, tagged, other_nic, other_mac), address)| HostAddress {
                vlan: tagged.then_some(vlan(7)).flatten(),
                interface_index: 1 + u32::from(other_nic),
                prefix_length: 16,
                mac: host_mac(if other_mac { 3 } else { 0 }),
                ..host_address(pa(address), 0)
            })
            .collect()
    })
}

fn routes() -> impl Strategy<Value = Vec<CustomerRoute>> {
    let all = [
        (BLUE_DOMAIN, BLUE, "10.0.0.0/24", "0.0.0.0"),
        (BLUE_DOMAIN, BLUE_B, "10.0.1.0/24", "0.0.0.0"),
        (RED_DOMAIN, RED, "10.0.0.0/16", "0.0.0.0"),
        (BLUE_DOMAIN, BLUE, "fd00::/64", "::"),
    ];
    let more = [
        (BLUE_DOMAIN, BLUE, "10.0.1.0/24", "0.0.0.0"),
        (BLUE_DOMAIN, BLUE_B, "10.0.0.0/24", "0.0.0.0"),
        (BLUE_DOMAIN, BLUE_B, "10.0.1.6/32", "10.0.1.5"),
        (BLUE_DOMAIN, BLUE, "10.0.1.5/32", "0.0.0.0"),
        (BLUE_DOMAIN, BLUE_B, "0.0.0.0/0", "10.0.1.5"),
        (BLUE_DOMAIN, BLUE_B, "0.0.0.0/0", "0.0.0.0"),
        (RED_DOMAIN, RED, "0.0.0.0/0", "0.0.0.0"),
    ];
    let metrics = || select(vec![1, 2, 255]);
    let usual = vec((often(), metrics()), all.len());
    let rare = vec((prop::bool::weighted(0.2), metrics()), more.len());
    (usual, rare).prop_map(move |(usual, rare)| {
        let drawn = usual.into_iter().zip(all).chain(rare.into_iter().zip(more));
        let drawn = drawn.filter(|((there, _), _)| *there).zip(0..);
        drawn
            .map(
                |(((_, metric), (domain, subnet, prefix, next_hop)), id)| CustomerRoute {
                    metric,
                    ..route(id, domain, subnet, prefix, next_hop)
                },
            )
            .collect()
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let router = prop_oneof![
        8 => Just(ROUTER),
        1 => Just(MacAddress::new(STATIONS[4])),
        1 => Just(MacAddress::new([7, 0, 0, 0, 0, 1])),
    ];
    let mtu = prop_oneof![
        6 => Just(1_500),
        2 => 80..130_u16,
        1 => select(vec![0, 27, 28, 65_535]),
    ];
    (router, often(), any::<bool>(), mtu).prop_map(|(router_mac, flow_id, strict, mtu)| Settings {
        router_mac,
        flow_id,
        strict_gre_reserved_bits: strict,
        underlay_mtu_bytes: mtu,
    })
}

/// Everything but records.
fn policies() -> impl Strategy<Value = Policy> {
    let neighbors = (vec(often(), PROVIDERS.len()), any::<bool>());
    let switches = (rarely(), prop::bool::weighted(0.2));
    (
        ports(),
        host_addresses(),
        routes(),
        settings(),
        neighbors,
        switches,
    )
        .prop_map(
            |(ports, provider_addresses, customer_routes, settings, (known, proxy), switches)| {
                let (use_external_router, routed) = switches;
                let known = known.into_iter().zip(PROVIDERS).filter(|(known, _)| *known);
                let by_router = ProviderRoute {
                    interface_index: 1,
                    destination: "192.168.5.0/24".parse().expect("a prefix"),
                    next_hop: pa("192.168.4.33"),
                    metric: 1,
                };
                Policy {
                    ports,
                    customer_routes,
                    provider_addresses,
                    provider_routes: routed.then_some(by_router).into_iter().collect(),
                    neighbors: known
                        .map(|(_, address)| neighbor(pa(address), address.len() % 3))
                        .collect(),
                    proxy_neighbor_mac: proxy.then_some(host_mac(2)),
                    use_external_router,
                    wnv_bound: true,
                    settings,
                    ..Policy::default()
                }
            },
        )
}

fn drawn_records() -> impl Strategy<Value = LookupRecord> {
    let kinds = prop_oneof![
        12 => Just(RecordType::Static),
        2 => Just(RecordType::Dynamic),
        1 => Just(RecordType::GatewayWildcard),
        1 => Just(RecordType::L2Only),
    ];
    let rules = select(vec![
        Rule::Encap,
        Rule::Encap,
        Rule::Nat,
        Rule::Nat,
        Rule::None,
    ]);
    let names = (
        select(SUBNETS.to_vec()),
        select(ADDRESSES.to_vec()),
        station(),
    );
    (names, select(PROVIDERS.to_vec()), kinds, rules, rarely()).prop_map(
        |((subnet, address, mac), provider, record_type, rule, vm_mac)| {
            let address = match (record_type.has_customer_address(), address.contains(':')) {
                (true, _) => ca(address),
                (false, true) => ca("::"),
                (false, false) => ca("0.0.0.0"),
            };
            LookupRecord {
                rule,
                record_type,
                use_vm_mac: vm_mac && rule == Rule::Nat,
                ..encap(0, subnet, address, mac, pa(provider))
            }
        },
    )
}

#[derive(Clone, Debug)]
enum Change {
    Insert(LookupRecord),
    Replace(Index, LookupRecord),
    Remove(Index),
}

impl Change {
    fn edit(&self, policy: &Policy, id: u32) -> Option<Edit> {
        let there = |at: &Index| policy.records.get(at.index(policy.records.len().max(1)));
        let id = RecordId(id);
        match self {
            Self::Insert(record) => Some(Edit::Insert(LookupRecord { id, ..*record })),
            Self::Replace(at, record) => there(at).map(|old| {
                Edit::Replace(LookupRecord {
                    id,
                    virtual_subnet: old.virtual_subnet,
                    customer_address: old.customer_address,
                    record_type: old.record_type,
                    mac: if old.record_type.has_customer_address() {
                        record.mac
                    } else {
                        old.mac
                    },
                    ..*record
                })
            }),
            Self::Remove(at) => there(at).map(|old| Edit::Remove(*old)),
        }
    }
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => drawn_records().prop_map(Change::Insert),
        3 => (any::<Index>(), drawn_records()).prop_map(|(at, record)| Change::Replace(at, record)),
        2 => any::<Index>().prop_map(Change::Remove),
    ]
}

/// A frame in words that any policy can fill.
#[derive(Clone, Debug)]
struct Draft {
    from: Index,
    source: Index,
    to: Index,
    /// 0: from the NIC in NVGRE, 1: rewritten, else from a port.
    way: u8,
    by_router: bool,
    protocol: u8,
    len: usize,
    header: (u8, u8, u8),
    /// What is spoiled.
    odd: Vec<(u8, u8)>,
}

fn drafts() -> impl Strategy<Value = Draft> {
    let protocol = select(vec![UDP, UDP, TCP, TCP, ICMP, GRE, SCTP, UDP_LITE]);
    let ttl = prop_oneof![4 => Just(64_u8), 1 => 0..3_u8];
    let tos = prop_oneof![2 => Just(0_u8), 1 => any::<u8>()];
    let outer_tos = prop_oneof![4 => Just(0_u8), 1 => 0..4_u8];
    let len = prop_oneof![3 => 18..70_usize, 1 => 0..18_usize];
    let odd = prop_oneof![3 => vec((any::<u8>(), any::<u8>()), 0..1), 1 => vec((any::<u8>(), any::<u8>()), 1..3)];
    let places = (any::<Index>(), any::<Index>(), any::<Index>());
    let protocol = (protocol, prop::bool::weighted(0.3));
    (places, 0..5_u8, protocol, len, (ttl, tos, outer_tos), odd).prop_map(
        |((from, source, to), way, (protocol, by_router), len, header, odd)| Draft {
            from,
            source,
            to,
            way,
            by_router,
            protocol,
            len,
            header,
            odd,
        },
    )
}

impl Draft {
    /// The frame, and the port where it comes in.
    fn fill(&self, policy: &Policy) -> Option<(Option<u32>, Vec<u8>)> {
        let v4 = |record: &&LookupRecord| record.customer_address.is_ipv4();
        let all: Vec<_> = policy.records.iter().filter(v4).collect();
        let pick = |at: &Index, records: &[&LookupRecord]| {
            (!records.is_empty()).then(|| *records[at.index(records.len())])
        };
        let own = |record: &LookupRecord| {
            let mut hosts = policy.provider_addresses.iter();
            hosts
                .find(|host| host.address == record.provider_address)
                .copied()
        };
        let (ttl, tos, outer) = self.header;
        let packet = |source: std::net::IpAddr, destination: std::net::IpAddr, tos| {
            let payload: Vec<u8> = match self.protocol {
                UDP => udp(source, destination, (7, 53), &vec![0x5a; self.len]),
                TCP => tcp(source, destination, (7, 80), &vec![0x5a; self.len]),
                _other => vec![8; self.len + 8],
            };
            Ip::new(source, destination)
                .ttl(ttl)
                .tos(tos)
                .carrying(self.protocol, &payload)
        };
        let source_of = |records: Vec<&LookupRecord>| {
            pick(&self.source, &records).or_else(|| pick(&self.source, &all))
        };
        let frame = |from: MacAddress, source: &LookupRecord, to: &LookupRecord, by_router| {
            let by = if by_router {
                policy.settings.router_mac
            } else {
                to.mac
            };
            let packet = packet(source.customer_address.ip(), to.customer_address.ip(), tos);
            ip_frame(by, from, &packet)
        };
        let (way, mut frame) = match self.way {
            0 => {
                let here = policy.ports.iter().map(|port| port.mac);
                let here: Vec<_> = here.collect();
                let at_ports = all.iter().copied().filter(|to| here.contains(&to.mac));
                let to = pick(&self.to, &at_ports.collect::<Vec<_>>())?;
                let peers = all.iter().copied().filter(|from| {
                    from.virtual_subnet == to.virtual_subnet && from.provider_address.is_ipv4()
                });
                let source = source_of(peers.collect())?;
                let hosts = policy
                    .provider_addresses
                    .iter()
                    .filter(|host| host.address.is_ipv4());
                let hosts: Vec<_> = hosts.collect();
                if hosts.is_empty() || !source.provider_address.is_ipv4() {
                    return None;
                }
                let host = hosts[self.from.index(hosts.len())];
                let inner = frame(
                    source.mac,
                    &source,
                    &to,
                    self.by_router && self.len.is_multiple_of(4),
                );
                let header = Ip::new(source.provider_address.ip(), host.address.ip());
                let header = header.tos(if outer == 0 { tos } else { outer });
                let key = (to.virtual_subnet.get(), 9);
                let packet = nvgre_in(&header, host.mac, host_mac(1), key, &inner);
                (None, packet)
            }
            1 => {
                let nat = all
                    .iter()
                    .copied()
                    .filter(|record| record.rule == Rule::Nat && record.provider_address.is_ipv4());
                let (to, from): (Vec<_>, Vec<_>) = nat.partition(|record| own(record).is_some());
                let to = pick(&self.to, &to)?;
                let from = pick(&self.source, &from)?;
                let host = own(&to)?;
                let packet = packet(from.provider_address.ip(), to.provider_address.ip(), tos);
                (None, ip_frame(host.mac, host_mac(1), &packet))
            }
            _ => {
                let port = &policy.ports[self.from.index(policy.ports.len())];
                let of_port = all.iter().copied().filter(|record| {
                    nvgre_dataplane::PortSubnet::Tenant(record.virtual_subnet) == port.subnet
                        && record.mac == port.mac
                        && own(record).is_some()
                });
                let source = source_of(of_port.collect())?;
                let same = all
                    .iter()
                    .copied()
                    .filter(|to| self.by_router || to.virtual_subnet == source.virtual_subnet);
                let to = pick(&self.to, &same.collect::<Vec<_>>())?;
                (
                    Some(port.id.0),
                    frame(port.mac, &source, &to, self.by_router),
                )
            }
        };
        for &(kind, value) in &self.odd {
            spoil(&mut frame, kind, value);
        }
        Some((way, frame))
    }
}

/// Spoils one thing of a frame.
fn spoil(frame: &mut Vec<u8>, kind: u8, value: u8) {
    let at = usize::from(value);
    let len = frame.len();
    if len < 24 {
        return;
    }
    match kind % 12 {
        // A bit of the headers.
        0..=3 => frame[at % len.min(80)] ^= 1 << (kind / 12 % 8),
        4 => frame.truncate(len - at % len.min(40)),
        5 => frame.extend(std::iter::repeat_n(0xe5, at % 20)),
        6 => frame.splice(12..12, [0x81, 0, 0, value]).for_each(drop),
        // Total lengths, and the checksum that goes with them.
        7 => frame[17] = value,
        8 => frame[20] = value & 0x3f,
        // No UDP checksum, and all that a sum can come to.
        9 if len > 42 => frame[40..42].fill(0),
        10 if len > 42 => frame[40..42].fill(value),
        // What ports whose frames all go the long way compare with.
        11 => frame[6..14].fill(0xff),
        _ => {}
    }
    if kind & 0x80 != 0 && len > 40 && frame.len() > 40 {
        *frame = right_checksum(frame.clone());
    }
}

/// Publishes after each step, and sends the frames under each of the states.
fn take(policy: Policy, steps: &[Vec<Change>], drafts: &[Draft]) {
    let mut edited = Edited::new(policy);
    let mut id = 0;
    let mut kept = Vec::new();
    for changes in steps {
        for change in changes {
            id += 1;
            if let Some(edit) = change.edit(&edited.policy, id) {
                let _ = edited.edit(edit);
            }
        }
        let (policy, snapshot) = edited.publish();
        let arrivals: Vec<_> = drafts
            .iter()
            .filter_map(|draft| draft.fill(&policy))
            .collect();
        assert_as_fresh(&policy, &snapshot, &arrivals);
        kept.push((policy, snapshot, arrivals));
    }
    for (policy, snapshot, arrivals) in kept {
        assert_as_fresh(&policy, &snapshot, &arrivals);
        // Edits of records leave these two as they are.
        for (wnv_bound, use_external_router) in [(false, false), (true, true)] {
            let policy = Policy {
                wnv_bound,
                use_external_router,
                ..policy.clone()
            };
            let _ = Canonical::of(Host::new(policy), &arrivals);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(7637),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_ways_come_to_the_same_under_any_policy_and_after_any_edits(
        policy in policies(),
        first in vec(drawn_records().prop_map(Change::Insert), 4..40),
        later in vec(vec(changes(), 1..6), 1..4),
        drafts in vec(drafts(), 20..60),
    ) {
        let steps: Vec<_> = std::iter::once(first).chain(later).collect();
        take(policy, &steps, &drafts);
    }
}
