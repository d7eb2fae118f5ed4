//! One guest talks to another as their network stacks would: who has that address, the question, who
//! has the asker's address, the answer. Frames travel in a [`Trial`], so nothing is left behind.
//!
//! What is taken for granted: both guests run, use the addresses and gateways that the inventory
//! gives them, have asked for nothing before, and answer what reaches them (see [`Probe`]). A guest
//! that is asked for its address by ARP or neighbor solicitation knows the asker's from then on.

use std::collections::BTreeSet;

use nvgre_dataplane::{Event, PortId, RecordId};
use nvgre_sim::scenario::InterfaceAddress;
use nvgre_sim::{Clue, GuestIndex, Ingress, Journey, Trial};
use nvgre_wire::{CustomerAddress, CustomerPrefix};

use crate::conversation::{Conversation, Failure, FrameKind, IpFamily, Leg, LegKind, SentFrame};
use crate::guest_frame::{self, Station};
use crate::probe::Probe;

/// Lets one guest talk to another. The trial is as new before and after.
pub fn converse(
    trial: &mut Trial<'_>,
    from: GuestIndex,
    to: GuestIndex,
    probe: Probe,
) -> Conversation {
    talk(trial, from, to, probe, None)
}

/// As [`converse`], with addresses of this family.
pub fn converse_over(
    trial: &mut Trial<'_>,
    from: GuestIndex,
    to: GuestIndex,
    probe: Probe,
    family: IpFamily,
) -> Conversation {
    talk(trial, from, to, probe, Some(family))
}

fn talk(
    trial: &mut Trial<'_>,
    from: GuestIndex,
    to: GuestIndex,
    probe: Probe,
    family: Option<IpFamily>,
) -> Conversation {
    trial.forget();
    let mut talk = Talk {
        trial,
        conversation: Conversation {
            from,
            to,
            probe,
            addresses: None,
            legs: Vec::with_capacity(4),
            failure: None,
            decided_by: Clue::default(),
            crossed: Vec::new(),
        },
        crossed: BTreeSet::new(),
        family,
    };
    if from != to
        && let Err(failure) = talk.run()
    {
        talk.conversation.failure = Some(failure);
    }
    let Talk {
        mut conversation,
        crossed,
        ..
    } = talk;
    conversation.crossed.extend(crossed);
    trial.forget();
    conversation
}

/// A conversation that is going on.
pub(crate) struct Talk<'t, 'm> {
    trial: &'t mut Trial<'m>,
    pub(crate) conversation: Conversation,
    crossed: BTreeSet<GuestIndex>,
    /// What they are to speak over. None: whatever leads there.
    family: Option<IpFamily>,
}

/// The leg that failed, and why.
pub(crate) type Failed = (LegKind, Failure);

impl Talk<'_, '_> {
    fn run(&mut self) -> Result<(), Failed> {
        let (from, to) = (self.conversation.from, self.conversation.to);
        let probe = self.conversation.probe;
        let (ours, theirs) = self
            .choose_addresses(from, to)
            .ok_or((LegKind::Resolve, Failure::NoCommonFamily))?;
        self.conversation.addresses = Some((ours, theirs));
        self.announce(&[(from, ours), (to, theirs)]);

        let asker = self.station(from, ours);
        let mac = self.resolve(LegKind::Resolve, (from, asker), theirs, None)?;
        let next_hop = Station {
            mac,
            address: theirs,
        };
        let request = guest_frame::request(probe, asker, next_hop);
        let (source, destination) =
            self.send(LegKind::Request, (from, asker), theirs, to, &request)?;

        let answerer = self.station(to, destination);
        let mac = self.resolve(LegKind::ResolveBack, (to, answerer), source, Some(from))?;
        let next_hop = Station {
            mac,
            address: source,
        };
        let reply = guest_frame::reply(probe, answerer, next_hop);
        self.send(LegKind::Reply, (to, answerer), source, from, &reply)?;
        Ok(())
    }

    pub(crate) fn station(&self, guest: GuestIndex, address: CustomerAddress) -> Station {
        Station {
            mac: self.trial.model().scenario().guests[guest].mac,
            address,
        }
    }

    fn addresses(&self, guest: GuestIndex) -> &[InterfaceAddress] {
        &self.trial.model().scenario().guests[guest].addresses
    }

    pub(crate) fn has(&self, guest: GuestIndex, address: CustomerAddress) -> bool {
        let mut own = self.addresses(guest).iter();
        own.any(|own| own.address == address)
    }

    fn gateway(&self, guest: GuestIndex, ipv4: bool) -> Option<CustomerAddress> {
        let gateways = &self.trial.model().scenario().guests[guest].gateways;
        let mut gateways = gateways.iter().copied();
        gateways.find(|gateway| gateway.is_ipv4() == ipv4)
    }

    /// The first of the other guest's addresses that this one can send to, and its own address there:
    /// one of the prefix that holds the next hop (RFC 6724 section 5, rule 5.5 and 8). Where none can
    /// be sent to, the first of a family that both have.
    fn choose_addresses(
        &self,
        from: GuestIndex,
        to: GuestIndex,
    ) -> Option<(CustomerAddress, CustomerAddress)> {
        let wanted = |theirs: &&InterfaceAddress| {
            let family = IpFamily::of(theirs.address);
            self.family.is_none_or(|wanted| wanted == family)
        };
        let reachable = self.addresses(to).iter().filter(wanted).find_map(|theirs| {
            let next_hop = self.next_hop(from, theirs.address)?;
            let ours = on_link(self.addresses(from), next_hop)?;
            Some((ours.address, theirs.address))
        });
        reachable.or_else(|| {
            self.addresses(to).iter().filter(wanted).find_map(|theirs| {
                let mut ours = self.addresses(from).iter();
                let ours = ours.find(|own| own.address.is_ipv4() == theirs.address.is_ipv4())?;
                Some((ours.address, theirs.address))
            })
        })
    }

    /// Where a guest sends what is for this address: there, or to its gateway.
    pub(crate) fn next_hop(
        &self,
        guest: GuestIndex,
        to: CustomerAddress,
    ) -> Option<CustomerAddress> {
        if on_link(self.addresses(guest), to).is_some() {
            Some(to)
        } else {
            self.gateway(guest, to.is_ipv4())
        }
    }

    /// Guests in subnets where addresses are learned have said where they are when they came up:
    /// without it nobody could route to them.
    fn announce(&mut self, guests: &[(GuestIndex, CustomerAddress)]) {
        let network = self.trial.model().network();
        if !network.learns() {
            return;
        }
        let mut leg = Leg::new(LegKind::Announce);
        for &(guest, address) in guests {
            let frame = guest_frame::announcement(self.station(guest, address));
            let journey = self.trace(guest, &frame);
            leg.frames.push(SentFrame {
                sender: guest,
                kind: FrameKind::Announcement(address),
                journey,
            });
        }
        self.conversation.legs.push(leg);
    }

    /// Sends a guest's frame. Deliveries to other tenants are remembered.
    pub(crate) fn trace(&mut self, guest: GuestIndex, frame: &[u8]) -> Journey {
        let host = self.trial.model().host_of(guest);
        let journey = self
            .trial
            .trace(host, Ingress::Port(PortId(guest as u32)), frame);
        let scenario = self.trial.model().scenario();
        for (_, port, _) in journey.deliveries() {
            let receiver = port.0 as GuestIndex;
            if scenario.guests[receiver].tenant != scenario.guests[guest].tenant {
                self.crossed.insert(receiver);
            }
        }
        journey
    }

    /// Sends a packet of the probe to a guest. Gives the addresses that it arrives with.
    fn send(
        &mut self,
        kind: LegKind,
        (sender, from): (GuestIndex, Station),
        to: CustomerAddress,
        receiver: GuestIndex,
        frame: &[u8],
    ) -> Result<(CustomerAddress, CustomerAddress), Failed> {
        let journey = self.trace(sender, frame);
        let arrived = journey.deliveries().find_map(|(hop, port, frame)| {
            let addresses = guest_frame::addresses_in(frame)?;
            let there = port.0 as GuestIndex == receiver && self.has(receiver, addresses.1);
            there.then_some((hop, addresses))
        });
        let result = match arrived {
            Some((hop, addresses)) => {
                if kind == LegKind::Request {
                    self.conversation.decided_by = forwarded_by(&journey, hop);
                }
                Ok(addresses)
            }
            None => {
                self.conversation.decided_by = clue_of_end(&journey);
                Err((kind, self.astray(&journey, sender, receiver)))
            }
        };
        let mut leg = Leg::new(kind);
        leg.frames.push(SentFrame {
            sender,
            kind: FrameKind::Packet(from.address, to),
            journey,
        });
        self.conversation.legs.push(leg);
        result
    }

    /// Why a packet did not arrive where it was to.
    fn astray(&self, journey: &Journey, sender: GuestIndex, receiver: GuestIndex) -> Failure {
        let scenario = self.trial.model().scenario();
        let tenant = |guest: GuestIndex| scenario.guests[guest].tenant;
        let guests = journey
            .deliveries()
            .map(|(_, port, _)| port.0 as GuestIndex);
        let others: Vec<_> = guests.filter(|&guest| guest != receiver).collect();
        let mut others = others.into_iter();
        let crossed = others
            .as_slice()
            .iter()
            .copied()
            .find(|&guest| tenant(guest) != tenant(sender));
        if let Some(guest) = crossed {
            return Failure::CrossTenant { guest };
        }
        if let Some((reason, host)) = journey.fate.dropped {
            return Failure::Dropped { reason, host };
        }
        if let Some(guest) = others.next() {
            return Failure::WrongGuest { guest };
        }
        // Delivered, but for an address that the receiver does not have.
        if journey.fate.delivered > 0 {
            return Failure::WrongGuest { guest: receiver };
        }
        let last = journey.hops.last();
        Failure::Taken {
            host: last.map_or(0, |hop| hop.host),
        }
    }
}

impl Leg {
    pub(crate) const fn new(kind: LegKind) -> Self {
        Self {
            kind,
            frames: Vec::new(),
            resolved: None,
        }
    }
}

/// The address of a guest in whose prefix this one is.
fn on_link(own: &[InterfaceAddress], address: CustomerAddress) -> Option<&InterfaceAddress> {
    own.iter().find(|own| {
        CustomerPrefix::new(own.address, own.prefix_length)
            .is_ok_and(|prefix| prefix.contains(address))
    })
}

/// The record that a frame was forwarded by, on its way to this hop. None: it needed none, since its
/// receiver has a port of the same switch, or since it is for everybody.
pub fn forwarded_by(journey: &Journey, hop: usize) -> Clue {
    let mut record: Option<(usize, RecordId)> = None;
    let first = journey.hops.first().and_then(|hop| hop.frame.first());
    if first.is_some_and(|octet| octet & 1 == 1) {
        return Clue::default();
    }
    for at in journey.way_to(hop) {
        let hop = &journey.hops[at];
        for event in &hop.events {
            if let Event::RecordAsked { hit: Some(id), .. }
            | Event::MacAsked { hit: Some(id), .. }
            | Event::WildcardAsked { hit: Some(id), .. } = *event
            {
                record = Some((hop.host, id));
            }
        }
    }
    Clue {
        record,
        ..Clue::default()
    }
}

/// The record of its sender that let a frame leave its host, or be taken from another, on its way to
/// this hop. None: it never left a host, or its sender has no record there.
pub fn let_through_by(journey: &Journey, hop: usize) -> Clue {
    let mut record = None;
    for at in journey.way_to(hop) {
        let hop = &journey.hops[at];
        for event in &hop.events {
            if let Event::SourceAsked { hit: Some(id), .. }
            | Event::PeerChecked { hit: Some(id), .. } = *event
            {
                record.get_or_insert((hop.host, id));
            }
        }
    }
    Clue {
        record,
        ..Clue::default()
    }
}

/// What a frame that went astray met last.
fn clue_of_end(journey: &Journey) -> Clue {
    let dropped = journey.clue_of_drop();
    dropped.unwrap_or_else(|| forwarded_by(journey, journey.hops.len().saturating_sub(1)))
}
