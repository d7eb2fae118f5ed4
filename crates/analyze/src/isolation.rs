//! Whether any frame that a guest can send reaches a guest of another tenant: over all frames, by
//! what the tables of all hosts say, and where that leaves a doubt by sending every class of frames.
//!
//! The model: hosts do what the dataplane does, guests send anything that their ports let in, the
//! wire between hosts carries a provider address only from the host that owns it, and tables change
//! only by what hosts learn (Dynamic records, for MACs with an L2Only record). Port ACLs are taken to
//! let everything pass. Who belongs to whom is the inventory's word.

mod blast_radius;
mod counted;
mod fabric;
mod facts;
mod frame_class;
mod holdings;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use nvgre_dataplane::{DropReason, Port, PortId};
use nvgre_sim::{CopyLedger, GuestIndex, Ingress, Network, Observer, Refused, SimTime};
use nvgre_wire::{CustomerAddress, FrameBuf, HEADROOM};

pub use blast_radius::{BlastEntry, blast_radius};
pub use fabric::Fabric;
pub(crate) use fabric::ground_of;
pub use facts::{Breach, Fact, Ground, IsolationFacts, TenantIndex};
pub use holdings::{Holdings, PolicyPart};

/// The model in words, for whoever reads an answer.
pub const ISOLATION_MODEL: &str = "Hosts forward as the dataplane does, guests send anything that their ports \
    let in, the underlay carries a provider address only from the host that owns it, and the tables \
    change only by what hosts learn. Who belongs to whom is the inventory's word.";

/// Most frames that are sent about one group of mixed subnets before the question stays open.
const FRAMES_MAX: u64 = 4_000_000;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// Where the tables break the rule of [`IsolationFacts`], in order.
    pub breaches: Vec<Breach>,
    /// What crosses, one frame for each group of subnets or ports whose frames mix. None and nothing
    /// open: isolation is proved.
    pub witnesses: Vec<Witness>,
    /// Guests whose frames were too many to send them all, or cross only after others: about them the
    /// question stays open.
    pub open: Vec<GuestIndex>,
    /// Frames that were sent to find out.
    pub frames_sent: u64,
}

/// A frame that crosses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Who sends it.
    pub sender: GuestIndex,
    /// The first of another tenant that gets it.
    pub receiver: GuestIndex,
    /// The frame as it is sent.
    pub frame: Vec<u8>,
    /// Frames of other guests, or of the same one, that are sent before: hosts learn from them what
    /// lets this one cross. None, where the tables alone let it.
    pub lessons: Vec<(GuestIndex, Vec<u8>)>,
}

impl Isolation {
    /// Whether no frame crosses.
    pub const fn is_proved(&self) -> bool {
        self.witnesses.is_empty() && self.open.is_empty()
    }
}

/// Asks the question. Fails as [`Network::new`] does.
pub fn check_isolation(fabric: &Fabric) -> Result<Isolation, Refused> {
    check_with(fabric, FRAMES_MAX)
}

/// Sends at most so many frames about one group.
fn check_with(fabric: &Fabric, frames_max: u64) -> Result<Isolation, Refused> {
    let facts = fabric.facts();
    let mut answer = Isolation {
        breaches: facts.breaches().collect(),
        witnesses: Vec::new(),
        open: Vec::new(),
        frames_sent: 0,
    };
    if answer.breaches.is_empty() {
        return Ok(answer);
    }
    for group in suspects(fabric, &facts) {
        let mut trial = Trial::new(fabric, frames_max)?;
        trial.group(&group);
        answer.frames_sent += trial.sent;
        answer.witnesses.extend(trial.found);
        answer.open.extend(trial.open);
    }
    Ok(answer)
}

/// The ports, as (host, index among its ports), whose frames may come to those of another tenant: a
/// list for each group that shares a ground or is joined by tables.
fn suspects(fabric: &Fabric, facts: &IsolationFacts) -> Vec<Vec<(usize, usize)>> {
    let mut groups: Vec<BTreeSet<Ground>> = Vec::new();
    for breach in facts.breaches() {
        if let Breach::SharedGround(ground @ (Ground::Switch(_) | Ground::Wire(_))) = breach {
            groups.push(BTreeSet::from([ground]));
        }
    }
    let mixed = facts.mixed_subnets().into_iter();
    groups.extend(mixed.map(|subnets| subnets.into_iter().map(Ground::Subnet).collect()));
    let of_group = |grounds: &BTreeSet<Ground>| {
        let mut ports = Vec::new();
        for host in 0..fabric.hosts.len() {
            let here = fabric.hosts[host].policy.ports.iter().enumerate();
            let here = here.filter(|(_, port)| port.connected);
            let here = here.filter(|(_, port)| grounds.contains(&ground_of(host, port)));
            ports.extend(here.map(|(at, _)| (host, at)));
        }
        ports
    };
    groups.iter().map(of_group).collect()
}

/// A frame, its sender, and the sender's host.
type Sent = (usize, GuestIndex, Vec<u8>);

/// Sends frames until one crosses.
struct Trial<'a> {
    fabric: &'a Fabric,
    network: Network,
    /// Addresses that records have.
    known: BTreeSet<CustomerAddress>,
    frames_max: u64,
    sent: u64,
    /// Frames that hosts have learned from.
    lessons: Vec<Sent>,
    found: Option<Witness>,
    open: BTreeSet<GuestIndex>,
}

impl<'a> Trial<'a> {
    fn new(fabric: &'a Fabric, frames_max: u64) -> Result<Self, Refused> {
        Ok(Self {
            fabric,
            network: fabric.network()?,
            known: frame_class::known_addresses(fabric),
            frames_max,
            sent: 0,
            lessons: Vec::new(),
            found: None,
            open: BTreeSet::new(),
        })
    }

    /// All classes of all guests of a group; again, as long as hosts learn from them.
    fn group(&mut self, group: &[(usize, usize)]) {
        loop {
            let learned = self.lessons.len();
            for &(host, at) in group {
                let port = &self.fabric.hosts[host].policy.ports[at];
                self.guest(host, port);
                if self.found.is_some() {
                    return;
                }
            }
            if self.lessons.len() == learned || self.sent == self.frames_max {
                return;
            }
        }
    }

    fn guest(&mut self, host: usize, port: &Port) {
        let sender = port.id.0 as usize;
        if self.sent == self.frames_max {
            self.open.insert(sender);
            return;
        }
        let (fabric, known) = (self.fabric, std::mem::take(&mut self.known));
        let mut each = |frame: &[u8]| self.send(host, sender, frame);
        let ended = frame_class::for_each_class(fabric, &known, host, port, &mut each);
        self.known = known;
        if self.found.is_none() && ended.is_break() {
            self.open.insert(sender);
        }
    }

    /// Stops when the frame crosses, or when it has become too many.
    fn send(&mut self, host: usize, sender: GuestIndex, frame: &[u8]) -> ControlFlow<()> {
        if self.sent == self.frames_max {
            return ControlFlow::Break(());
        }
        let now = SimTime(self.sent * SimTime::SECOND_NANOS);
        self.sent += 1;
        let records = records_of(&self.network);
        let sent: Sent = (host, sender, frame.to_vec());
        let receiver = crosses(&mut self.network, self.fabric, now, &sent);
        if records_of(&self.network) > records {
            self.lessons.push(sent.clone());
        }
        let Some(receiver) = receiver else {
            return ControlFlow::Continue(());
        };
        // On hosts that have learned nothing: what is shown must be shown again by anybody.
        let alone = self.again(&[], &sent);
        let lessons = if alone { &[][..] } else { &self.lessons[..] };
        if !alone && !self.again(lessons, &sent) {
            self.open.insert(sender);
            return ControlFlow::Continue(());
        }
        let lessons = lessons.iter();
        self.found = Some(Witness {
            sender,
            receiver,
            lessons: lessons
                .map(|(_, sender, frame)| (*sender, frame.clone()))
                .collect(),
            frame: sent.2,
        });
        ControlFlow::Break(())
    }

    /// Whether a frame crosses when only these were sent before.
    fn again(&self, lessons: &[Sent], sent: &Sent) -> bool {
        let Ok(mut network) = self.fabric.network() else {
            return false;
        };
        let mut now = SimTime::default();
        for lesson in lessons {
            let _taught = crosses(&mut network, self.fabric, now, lesson);
            now = now + SimTime::SECOND_NANOS;
        }
        crosses(&mut network, self.fabric, now, sent).is_some()
    }
}

/// Lookup records of all hosts: they become more when a host learns.
fn records_of(network: &Network) -> usize {
    let hosts = network.hosts().iter();
    hosts.map(|host| host.policy().records.len()).sum()
}

/// The first guest of another tenant that a frame reaches.
fn crosses(
    network: &mut Network,
    fabric: &Fabric,
    now: SimTime,
    (host, sender, frame): &Sent,
) -> Option<GuestIndex> {
    let (host, sender) = (*host, *sender);
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(frame);
    let len = memory.len();
    // The headroom is there.
    let mut buffer = FrameBuf::new(&mut memory, HEADROOM..len).ok()?;
    let mut strangers = Strangers {
        fabric,
        tenant: fabric.tenant_of[sender],
        first: None,
    };
    let ingress = Ingress::Port(PortId(sender as u32));
    let mut copies = CopyLedger::default();
    let _fate = network.run(now, host, ingress, &mut buffer, &mut copies, &mut strangers);
    strangers.first
}

/// Sees deliveries to other tenants.
struct Strangers<'a> {
    fabric: &'a Fabric,
    tenant: TenantIndex,
    first: Option<GuestIndex>,
}

impl Strangers<'_> {
    fn reached(&mut self, port: PortId) {
        let guest = port.0 as usize;
        if self.fabric.tenant_of[guest] != self.tenant {
            self.first.get_or_insert(guest);
        }
    }
}

impl Observer for Strangers<'_> {
    fn delivered(&mut self, _host: usize, port: PortId, _frame: &[u8]) {
        self.reached(port);
    }

    fn generated(&mut self, _host: usize, port: PortId, _frame: &[u8]) {
        self.reached(port);
    }

    fn sent(&mut self, _host: usize, _frame: &[u8]) {}

    fn dropped(&mut self, _host: usize, _ingress: Ingress, _reason: DropReason, _frame: &[u8]) {}

    fn keeps_dropped(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use nvgre_dataplane::{CustomerRoute, Policy, RouteId};
    use nvgre_sim::{HostPolicy, scenario};
    use nvgre_wire::{
        CustomerAddress, CustomerPrefix, MacAddress, RoutingDomainId, VirtualSubnetId,
    };

    use super::*;

    /// Two tenants' ports in two subnets that the host routes between, and no record to route by: the
    /// tables leave a doubt that only frames settle.
    fn doubtful() -> Fabric {
        let vsid = |value| VirtualSubnetId::try_new(value).expect("in range");
        let port = |id: u32, value| {
            let mac = MacAddress::new([0, 0x15, 0x5d, 0, 0, id as u8]);
            Port::new(PortId(id), mac).in_subnet(vsid(value))
        };
        let route = |id: u8, value| CustomerRoute {
            id: RouteId(id.into()),
            routing_domain: RoutingDomainId::new(1),
            virtual_subnet: vsid(value),
            destination: CustomerPrefix::new(CustomerAddress::v4([10, 0, id, 0]), 24)
                .expect("a prefix"),
            next_hop: CustomerAddress::v4([0; 4]),
            metric: 255,
        };
        let policy = Policy {
            ports: vec![port(0, 5001), port(1, 5002)],
            customer_routes: vec![route(1, 5001), route(2, 5002)],
            wnv_bound: true,
            ..Policy::default()
        };
        Fabric {
            hosts: vec![HostPolicy {
                name: "host".to_owned(),
                policy,
                link_mtu_bytes: 1_500,
            }],
            underlay: scenario::Underlay::default(),
            tenant_of: vec![0, 1],
        }
    }

    #[test]
    fn a_doubt_is_settled_by_every_class_of_frames() {
        let answer = check_isolation(&doubtful()).expect("it loads");
        assert!(!answer.breaches.is_empty());
        assert!(answer.is_proved());
        assert!(answer.frames_sent > 10, "{answer:?}");
    }

    #[test]
    fn a_doubt_that_takes_too_many_frames_stays_open() {
        let answer = check_with(&doubtful(), 10).expect("it loads");
        assert_eq!(answer.open, [0, 1]);
        assert!(!answer.is_proved());
        assert!(answer.witnesses.is_empty());
    }
}
