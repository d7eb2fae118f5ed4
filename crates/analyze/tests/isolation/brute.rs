//! Every combination of everything that occurs in a small world, sent by every guest. It knows
//! nothing of what the tables are for.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use nvgre_analyze::Fabric;
use nvgre_dataplane::{DEFAULT_ROUTER_MAC, DropReason, PortId};
use nvgre_sim::{CopyLedger, Ingress, Network, Observer, SimTime};
use nvgre_wire::{CustomerAddress, FrameBuf, HEADROOM, MacAddress, ProviderAddress};

use crate::world::{VSIDS, mac};

/// Ethernet, IPv4 and GRE headers and the start of an inner frame.
const FRAME_LEN: usize = 14 + 20 + 8 + 14;

/// A frame that reached a guest of another tenant: sender, receiver, bytes.
pub(crate) type Crossing = (usize, usize, Vec<u8>);

struct Seen<'a> {
    fabric: &'a Fabric,
    tenant: usize,
    reached: Option<usize>,
}

impl Seen<'_> {
    fn see(&mut self, port: PortId) {
        let guest = port.0 as usize;
        if self.fabric.tenant_of[guest] != self.tenant {
            self.reached = Some(guest);
        }
    }
}

impl Observer for Seen<'_> {
    fn delivered(&mut self, _host: usize, port: PortId, _frame: &[u8]) {
        self.see(port);
    }
    fn generated(&mut self, _host: usize, port: PortId, _frame: &[u8]) {
        self.see(port);
    }
    fn sent(&mut self, _host: usize, _frame: &[u8]) {}
    fn dropped(&mut self, _host: usize, _at: Ingress, _reason: DropReason, _frame: &[u8]) {}
    fn keeps_dropped(&self) -> bool {
        false
    }
}

/// The first crossing, and how many frames it took to be sure.
pub(crate) fn first_crossing(fabric: &Fabric) -> (Option<Crossing>, u64) {
    let mut sent = 0;
    for (host, held) in fabric.hosts.iter().enumerate() {
        for port in &held.policy.ports {
            let sender = port.id.0 as usize;
            let hosts = fabric.hosts.clone();
            let mut network = Network::new(hosts, &fabric.underlay, 7).expect("it loads");
            let sources = if port.mac_address_spoofing {
                (0..6).map(mac).collect()
            } else {
                vec![port.mac]
            };
            for frame in frames(fabric, &sources) {
                sent += 1;
                let mut memory = vec![0; HEADROOM];
                memory.extend_from_slice(&frame);
                let len = memory.len();
                let mut buffer = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom");
                let mut seen = Seen {
                    fabric,
                    tenant: fabric.tenant_of[sender],
                    reached: None,
                };
                let mut copies = CopyLedger::default();
                let now = SimTime(sent * SimTime::SECOND_NANOS);
                let at = Ingress::Port(port.id);
                let _fate = network.run(now, host, at, &mut buffer, &mut copies, &mut seen);
                if let Some(receiver) = seen.reached {
                    return (Some((sender, receiver, frame)), sent);
                }
            }
        }
    }
    (None, sent)
}

fn frames(fabric: &Fabric, sources: &[MacAddress]) -> Vec<Vec<u8>> {
    let records = || fabric.hosts.iter().flat_map(|host| &host.policy.records);
    let customers: BTreeSet<Ipv4Addr> = records()
        .filter_map(|record| v4(record.customer_address))
        // Strangers in the prefix of each subnet, and one beyond all of them.
        .chain((0..VSIDS.len()).map(|index| Ipv4Addr::new(10, 0, index as u8, 77)))
        .chain([Ipv4Addr::new(198, 18, 0, 9)])
        .collect();
    let providers: BTreeSet<Ipv4Addr> = records()
        .filter_map(|record| v4_of_provider(record.provider_address))
        .collect();
    let addresses: Vec<_> = customers.iter().chain(&providers).copied().collect();
    let group = MacAddress::new([0x01, 0, 0x5e, 1, 1, 1]);
    let mut macs: Vec<_> = (0..6).map(mac).collect();
    macs.extend([MacAddress::BROADCAST, group, DEFAULT_ROUTER_MAC]);
    let ports: BTreeSet<_> = (fabric.hosts.iter())
        .flat_map(|host| host.policy.ports.iter().map(|port| port.mac))
        .collect();
    let mut frames = Vec::new();
    for &source in sources {
        for &destination in &macs {
            let link = |ether_type: u16| {
                let mut frame = destination.octets().to_vec();
                frame.extend_from_slice(&source.octets());
                frame.extend_from_slice(&ether_type.to_be_bytes());
                frame
            };
            frames.push(link(0x9000));
            for &from in &addresses {
                for &to in &addresses {
                    let mut arp = link(0x0806);
                    arp.extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
                    arp.extend_from_slice(&source.octets());
                    arp.extend_from_slice(&from.octets());
                    arp.extend_from_slice(&[0; 6]);
                    arp.extend_from_slice(&to.octets());
                    frames.push(arp);
                    let mut other = link(0x0800);
                    ipv4(&mut other, from, to, 253, &[0; 4]);
                    frames.push(other);
                    // Group frames are flooded in NVGRE, never rewritten: what a packet holds is
                    // nobody's business there.
                    if destination.is_group() {
                        continue;
                    }
                    for quoted in [(from, to), (to, from), (to, to)] {
                        let mut error = link(0x0800);
                        let mut message = vec![3, 3, 0, 0, 0, 0, 0, 0];
                        ipv4(&mut message, quoted.0, quoted.1, 17, &[0; 8]);
                        ipv4(&mut error, from, to, 1, &message);
                        frames.push(error);
                    }
                    for vsid in VSIDS {
                        for inner in &ports {
                            let mut frame = link(0x0800);
                            let [_, a, b, c] = vsid.to_be_bytes();
                            let mut payload = vec![0x20, 0, 0x65, 0x58, a, b, c, 0];
                            payload.extend_from_slice(&inner.octets());
                            payload.extend_from_slice(&source.octets());
                            payload.extend_from_slice(&[0x90, 0]);
                            ipv4(&mut frame, from, to, 47, &payload);
                            debug_assert_eq!(frame.len(), FRAME_LEN);
                            frames.push(frame);
                        }
                    }
                }
            }
        }
    }
    frames
}

fn ipv4(frame: &mut Vec<u8>, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) {
    let len = 20 + payload.len() as u16;
    let mut header = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    header[2..4].copy_from_slice(&len.to_be_bytes());
    header.extend_from_slice(&from.octets());
    header.extend_from_slice(&to.octets());
    let sum: u32 = header
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !(((folded & 0xffff) + (folded >> 16)) as u16);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(payload);
}

fn v4(address: CustomerAddress) -> Option<Ipv4Addr> {
    match address.ip() {
        std::net::IpAddr::V4(ip) => Some(ip),
        std::net::IpAddr::V6(_) => None,
    }
}

fn v4_of_provider(address: ProviderAddress) -> Option<Ipv4Addr> {
    match address.ip() {
        std::net::IpAddr::V4(ip) => Some(ip),
        std::net::IpAddr::V6(_) => None,
    }
}
