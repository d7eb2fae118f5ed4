//! Guests: real network stacks (smoltcp) on virtual time.
//!
//! The stack answers ARP, neighbor discovery and echo. Around it stand the two things that it lacks
//! and every VM's stack has: address conflict detection (`guest/address.rs`), and keeping a packet
//! while its next hop's MAC is being asked for (RFC 1122 section 2.3.2.2).

use std::fmt;
use std::net::IpAddr;

use nvgre_wire::MacAddress;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol, IpCidr};

use crate::clock::SimTime;
use crate::guest::address::{GuestAddress, Jitter};
use crate::guest::claim::{Claim, ClaimKind, Statement};
use crate::guest::device::GuestDevice;
use crate::guest::echo::Ping;

mod address;
mod claim;
mod device;
mod echo;

/// How long an unanswered echo request is remembered, and how long one that came in waits for the
/// MAC of its sender: three rounds of ARP, one a second.
const PATIENCE_NANOS: u64 = 3 * SimTime::SECOND_NANOS;
/// Between two attempts to answer an echo request whose sender's MAC is not known.
const RETRY_NANOS: u64 = SimTime::SECOND_NANOS;
/// Echo requests that wait for a MAC at one time; the oldest makes room.
const HELD_MAX: usize = 16;

/// An address that another station uses or wants too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The address.
    pub address: IpAddr,
    /// The other station.
    pub with: MacAddress,
}

/// Why no echo request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingError {
    /// No address of that family is in use: not configured, still being probed, or in conflict.
    NoSourceAddress,
    /// The destination is no unicast address.
    NotUnicast,
}

/// A VM's network adapter and the stack behind it. No input or output: frames are handed in and out,
/// and the time is told.
///
/// Until [`Guest::start`] it is silent. The same calls give the same frames.
pub struct Guest {
    name: String,
    mac: MacAddress,
    addresses: Vec<GuestAddress>,
    conflicts: Vec<Conflict>,
    jitter: Jitter,
    interface: Interface,
    sockets: SocketSet<'static>,
    device: GuestDevice,
    pings: Vec<Ping>,
    held: Vec<HeldRequest>,
}

/// An echo request that could not be answered yet.
struct HeldRequest {
    frame: Vec<u8>,
    since: SimTime,
    retry_at: SimTime,
}

impl Guest {
    /// Addresses that one guest can have.
    pub const ADDRESSES_MAX: usize = smoltcp::config::IFACE_MAX_ADDR_COUNT;

    /// A guest with its link down. `addresses` are (address, prefix length in bits); of several
    /// gateways of a family the last one counts; `mtu_bytes` is the IP MTU. Guests of one `seed`
    /// differ in their timing by their names.
    ///
    /// Panics when the MAC or an address is no unicast address, a prefix is longer than its address,
    /// or there are more than [`Guest::ADDRESSES_MAX`] addresses. A checked scenario has none of
    /// these.
    pub fn new(
        name: &str,
        mac: MacAddress,
        addresses: &[(IpAddr, u8)],
        gateways: &[IpAddr],
        mtu_bytes: usize,
        seed: u64,
    ) -> Self {
        assert!(
            addresses.len() <= Self::ADDRESSES_MAX,
            "guest {name}: {} addresses, {} at most",
            addresses.len(),
            Self::ADDRESSES_MAX
        );
        let mut jitter = Jitter::new(seed, name);
        let mut device = GuestDevice::new(mtu_bytes);
        let mut config = Config::new(EthernetAddress(mac.octets()).into());
        config.random_seed = jitter.next();
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        for gateway in gateways {
            let routes = interface.routes_mut();
            match *gateway {
                IpAddr::V4(v4) => routes.add_default_ipv4_route(v4),
                IpAddr::V6(v6) => routes.add_default_ipv6_route(v6),
            }
            .expect("the table has room for a default route of each family");
        }
        Self {
            name: name.to_owned(),
            mac,
            addresses: addresses
                .iter()
                .map(|&(ip, prefix_length)| GuestAddress::new(ip, prefix_length))
                .collect(),
            conflicts: Vec::new(),
            jitter,
            interface,
            sockets: SocketSet::new(Vec::new()),
            device,
            pings: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its MAC.
    pub fn mac(&self) -> MacAddress {
        self.mac
    }

    /// The link comes up. All addresses are probed (RFC 5227 section 2.1.1, RFC 4862 section 5.4)
    /// and none is used before its probing ends, after 4 to 7 seconds for IPv4 and 1 to 2 for IPv6.
    /// What was before is forgotten, conflicts and pings too, so a second call is a link that was
    /// down for a moment.
    pub fn start(&mut self, now: SimTime) {
        self.conflicts.clear();
        self.held.clear();
        self.device = GuestDevice::new(self.device.mtu_bytes());
        for ping in std::mem::take(&mut self.pings) {
            ping.close(&mut self.sockets);
        }
        for address in &mut self.addresses {
            address.start(now, &mut self.jitter);
        }
        self.configure();
    }

    /// A frame arrives from the port.
    pub fn receive(&mut self, now: SimTime, frame: &[u8]) {
        let Ok(header) = EthernetFrame::new_checked(frame) else {
            return;
        };
        let destination = header.dst_addr();
        if !destination.is_multicast()
            && !destination.is_broadcast()
            && destination.0 != self.mac.octets()
        {
            return;
        }
        if let Some(claim) = Claim::read(frame)
            && claim.by != self.mac
            && self.hear(now, claim)
        {
            return;
        }
        self.process(now, now, frame.to_vec());
        // Any of these may have brought the MAC that a held request waits for.
        if matches!(
            header.ethertype(),
            EthernetProtocol::Arp | EthernetProtocol::Ipv6
        ) {
            self.retry_held(now, |_| true);
        }
    }

    /// Does what is due and hands out the frames to send, in order.
    pub fn poll(&mut self, now: SimTime, send: &mut dyn FnMut(&[u8])) {
        let mut in_use_changed = false;
        for address in &mut self.addresses {
            let was_in_use = address.in_use();
            while let Some(statement) = address.advance(now, &mut self.jitter) {
                self.device.send(statement.frame(self.mac));
            }
            in_use_changed |= was_in_use != address.in_use();
        }
        if in_use_changed {
            self.configure();
        }
        self.retry_held(now, |held| held.retry_at <= now);
        for at in (0..self.pings.len()).rev() {
            if !self.pings[at].replied() && self.pings[at].gives_up_at <= now {
                self.pings.remove(at).close(&mut self.sockets);
            }
        }
        self.interface
            .poll(instant(now), &mut self.device, &mut self.sockets);
        while let Some(frame) = self.device.next_sent() {
            send(&frame);
        }
    }

    /// When [`Guest::poll`] has something to do next, not before `now`; `None`: not before another
    /// call.
    pub fn poll_at(&mut self, now: SimTime) -> Option<SimTime> {
        let addresses = self.addresses.iter().filter_map(GuestAddress::due_at);
        let held = self.held.iter().map(|held| held.retry_at);
        let waiting = self.pings.iter().filter(|ping| !ping.replied());
        let pings = waiting.map(|ping| ping.gives_up_at);
        let unsent = self.device.has_sent().then_some(now);
        let stack = self.interface.poll_at(instant(now), &self.sockets);
        let stack = stack.map(|at| SimTime(at.total_micros().max(0).cast_unsigned() * 1_000));
        addresses
            .chain(held)
            .chain(pings)
            .chain(unsent)
            .chain(stack)
            .min()
            .map(|at| at.max(now))
    }

    /// Sends an ICMP or ICMPv6 echo request with 56 bytes of data at the next [`Guest::poll`], or as
    /// soon as the next hop's MAC is known within 3 seconds. A second one with the same `ident` and
    /// `sequence` replaces the first.
    pub fn ping(
        &mut self,
        now: SimTime,
        to: IpAddr,
        ident: u16,
        sequence: u16,
    ) -> Result<(), PingError> {
        if to.is_unspecified() || to.is_multicast() || to == IpAddr::from([255; 4]) {
            return Err(PingError::NotUnicast);
        }
        if !self
            .addresses
            .iter()
            .any(|own| own.in_use() && own.ip().is_ipv4() == to.is_ipv4())
        {
            return Err(PingError::NoSourceAddress);
        }
        if let Some(at) = self.pings.iter().position(|ping| ping.is(ident, sequence)) {
            self.pings.remove(at).close(&mut self.sockets);
        }
        let gives_up_at = now + PATIENCE_NANOS;
        let ping = Ping::open(&mut self.sockets, to, ident, sequence, gives_up_at);
        self.pings.push(ping);
        Ok(())
    }

    /// Whether the reply to this echo request came, from the address that was asked, within 3
    /// seconds.
    pub fn ping_replied(&self, ident: u16, sequence: u16) -> bool {
        self.pings
            .iter()
            .any(|ping| ping.is(ident, sequence) && ping.replied())
    }

    /// Addresses of this guest that others use or probe for, since the link came up, each pair once,
    /// as heard. A guest that was probing gives its address up; one that used it already keeps it.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// The addresses that passed their probing, in the order of the configuration.
    pub fn addresses_in_use(&self) -> Vec<IpAddr> {
        let in_use = self.addresses.iter().filter(|address| address.in_use());
        in_use.map(GuestAddress::ip).collect()
    }

    fn uses(&self, ip: IpAddr) -> bool {
        self.addresses
            .iter()
            .any(|address| address.ip() == ip && address.in_use())
    }

    /// Takes in another station's claim. Says whether it was about an address of this guest: the
    /// stack must then not see it, or it would take the other station for the owner.
    fn hear(&mut self, now: SimTime, claim: Claim) -> bool {
        let Some(address) = self
            .addresses
            .iter_mut()
            .find(|address| address.ip() == claim.address && address.is_claimed())
        else {
            return false;
        };
        let conflict = Conflict {
            address: claim.address,
            with: claim.by,
        };
        if !self.conflicts.contains(&conflict) {
            self.conflicts.push(conflict);
        }
        if !address.in_use() {
            address.give_up();
        } else if claim.kind == ClaimKind::Probes {
            // The stack below leaves questions from the unspecified address unanswered.
            let answer = Statement::Answer {
                address: claim.address,
                to: claim.by,
            };
            self.device.send(answer.frame(self.mac));
        } else if let Some(announcement) = address.defend(now) {
            self.device.send(announcement.frame(self.mac));
        }
        true
    }

    /// Tells the stack which addresses it has.
    fn configure(&mut self) {
        let in_use = self.addresses.iter().filter(|address| address.in_use());
        let cidrs = in_use.map(|address| IpCidr::new(address.ip().into(), address.prefix_length()));
        self.interface.update_ip_addrs(|list| {
            list.clear();
            list.extend(cidrs);
        });
    }

    /// Gives a frame to the stack. An echo request that it does not answer, because it has to ask
    /// for a MAC first, is kept; it came at `since`.
    fn process(&mut self, now: SimTime, since: SimTime, frame: Vec<u8>) {
        let asked = echo::requested_address(&frame);
        let kept = asked.filter(|ip| self.uses(*ip)).map(|_| frame.clone());
        let sent_before = self.device.sent_len();
        self.device.arrive(frame);
        self.interface
            .poll_ingress_single(instant(now), &mut self.device, &mut self.sockets);
        for ping in &mut self.pings {
            ping.take_reply(&mut self.sockets);
        }
        if let Some(frame) = kept
            && !self.device.sent_since(sent_before).any(echo::is_reply)
        {
            if self.held.len() == HELD_MAX {
                self.held.remove(0);
            }
            self.held.push(HeldRequest {
                frame,
                since,
                retry_at: now + RETRY_NANOS,
            });
        }
    }

    /// Tries again to answer the held requests that `which` picks; those that waited too long go.
    fn retry_held(&mut self, now: SimTime, which: impl Fn(&HeldRequest) -> bool) {
        for held in std::mem::take(&mut self.held) {
            if held.since + PATIENCE_NANOS <= now {
                continue;
            }
            if which(&held) {
                self.process(now, held.since, held.frame);
            } else {
                self.held.push(held);
            }
        }
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("name", &self.name)
            .field("mac", &self.mac)
            .field("addresses", &self.addresses)
            .field("conflicts", &self.conflicts)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSourceAddress => "no address of that family is in use",
            Self::NotUnicast => "the destination is no unicast address",
        })
    }
}

impl std::error::Error for PingError {}

/// smoltcp counts microseconds; the part of one is dropped.
fn instant(now: SimTime) -> Instant {
    // A 64-bit count of nanoseconds, over 1,000, has 54 bits.
    Instant::from_micros((now.0 / 1_000).cast_signed())
}
