//! Looks for what nearly matched when a frame was dropped: in the tables of the host that dropped it,
//! in the other hosts' tables, and in the inventory.

mod peers;
mod providers;
mod records;
mod routes;

use std::collections::BTreeSet;

use nvgre_dataplane::{CustomerRoute, DropReason, LookupRecord, Rule};
use nvgre_sim::scenario::Guest;
use nvgre_sim::{Clue, GuestIndex, Journey, Model};
use nvgre_wire::{CustomerAddress, ProviderAddress, VirtualSubnetId};

use crate::conversation::{Conversation, Failure, FrameKind, LegKind};
use crate::near_miss::{NearMiss, Row, Runs};
use crate::question::Question;

/// Most that are told of one drop: the closest come first.
const TOLD_MAX: usize = 4;

/// What nearly matched where the first copy of a frame was dropped, closest first, at most four. Empty
/// where no copy was, and where no table caused it: then the frame is at fault, or a setting.
pub fn near_misses(model: &Model, journey: &Journey) -> Vec<NearMiss> {
    near_misses_to(model, journey, None)
}

/// The same, of a frame that was to help a guest reach this one.
fn near_misses_to(model: &Model, journey: &Journey, to: Option<GuestIndex>) -> Vec<NearMiss> {
    let Some(mut question) = Question::of(model, journey) else {
        return Vec::new();
    };
    question.receiver = to;
    let clue = journey.clue_of_drop().unwrap_or_default();
    Search::of(model, question, clue)
}

/// The same of an address that a host's tables have no way to, from a subnet, for this reason.
pub fn near_misses_of_address(
    model: &Model,
    host: usize,
    subnet: VirtualSubnetId,
    address: CustomerAddress,
    reason: DropReason,
) -> Vec<NearMiss> {
    let question = Question::about(host, subnet, address, reason);
    Search::of(model, question, Clue::default())
}

/// The same of the frame that a conversation failed by, or of the address that nobody answered for.
pub fn near_misses_of(model: &Model, conversation: &Conversation) -> Vec<NearMiss> {
    let Some((leg, failure)) = &conversation.failure else {
        return Vec::new();
    };
    let receiver = match leg {
        LegKind::Announce => None,
        LegKind::Resolve | LegKind::Request => Some(conversation.to),
        LegKind::ResolveBack | LegKind::Reply => Some(conversation.from),
    };
    let frames = conversation.legs.last().map_or(&[][..], |leg| &leg.frames);
    match failure {
        Failure::Dropped { .. } => {
            let mut frames = frames.iter().rev();
            let dropped = frames.find(|frame| frame.journey.fate.dropped.is_some());
            dropped.map_or_else(Vec::new, |frame| {
                let to = receiver.filter(|&to| to != frame.sender);
                near_misses_to(model, &frame.journey, to)
            })
        }
        Failure::NoAnswer { address } => {
            let mut questions = frames
                .iter()
                .filter(|frame| matches!(frame.kind, FrameKind::Question(_)));
            let question = questions.next().and_then(|frame| {
                Question::unanswered(model, frame.sender, *address, &frame.journey)
            });
            question.map_or_else(Vec::new, |mut question| {
                question.receiver = receiver;
                Search::of(model, question, Clue::default())
            })
        }
        Failure::NoCommonFamily
        | Failure::NoGateway { .. }
        | Failure::AddressConflict { .. }
        | Failure::WrongGuest { .. }
        | Failure::CrossTenant { .. }
        | Failure::Taken { .. } => Vec::new(),
    }
}

struct Search<'m> {
    model: &'m Model,
    question: Question,
    clue: Clue,
    found: Vec<NearMiss>,
}

impl<'m> Search<'m> {
    fn of(model: &'m Model, question: Question, clue: Clue) -> Vec<NearMiss> {
        let mut search = Self {
            model,
            question,
            clue,
            found: Vec::new(),
        };
        search.run();
        search.found.truncate(TOLD_MAX);
        search.found
    }

    fn run(&mut self) {
        use DropReason as R;
        match self.question.reason {
            R::WnvUnbound => self.unbound(),
            R::NoLookupRecord => self.no_record(),
            R::NoSourceRecord => self.no_source_record(),
            R::NoCustomerRoute => self.no_route(),
            R::NoRoutingDomain => self.no_domain(self.question.subnet),
            R::UnknownVsid => self.no_domain(self.question.subnet),
            R::UnknownPeer => self.unknown_peer(),
            R::PeerNotSource => self.peer_not_source(),
            R::NoPort => self.no_port(),
            R::UnderlayNoOwner => self.no_owner(),
            R::UnderlaySource => self.not_the_owner(),
            R::NextHopUnresolved => self.no_next_hop(),
            R::OuterVlan => self.vlan(),
            R::TranslationNone | R::NatNotIp | R::NatUnsupported => {
                self.rule_of_decider(Rule::Encap);
            }
            R::NatNoSource => self.rule_of_source(),
            R::NatFamilyMismatch => self.family(),
            R::NatUnknownPa => self.unknown_nat_peer(),
            R::PortDisconnected => self.sender_runs(),
            R::SpoofedMac => self.port_mac(),
            // What the frame is, or a setting, and no row of a table.
            R::InnerSourceGroup
            | R::ProviderAddressSpoofed
            | R::InnerShort
            | R::VlanNotAllowed
            | R::AclDenied
            | R::DhcpGuard
            | R::RouterGuard
            | R::RateExceeded
            | R::StormLimit
            | R::NotRoutable
            | R::TtlExceeded
            | R::TooBig
            | R::TooBigDfClear
            | R::FragTooSmall
            | R::UnderlayMtu
            | R::UnderlayLoss
            | R::NotNvgre
            | R::OuterLength
            | R::OuterChecksum
            | R::OuterFragment
            | R::OuterNotOurs
            | R::GreShort
            | R::GreVersion
            | R::GreChecksumBit
            | R::GreRoutingBit
            | R::GreSequenceBit
            | R::GreReservedBits
            | R::GreKeyAbsent
            | R::GreProtocol
            | R::ReservedVsid
            | R::InnerVlan
            | R::EcnCeOnNotEct => {}
        }
    }

    fn here(&self) -> usize {
        self.question.host
    }

    /// A host's records, learned ones too, whether they are in force or not.
    fn records(&self, host: usize) -> &'m [LookupRecord] {
        &self.model.network().hosts()[host].policy().records
    }

    fn routes(&self, host: usize) -> &'m [CustomerRoute] {
        &self.model.network().hosts()[host].policy().customer_routes
    }

    fn hosts(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.model.network().hosts().len()
    }

    fn push(&mut self, miss: NearMiss) {
        if !self.found.contains(&miss) {
            self.found.push(miss);
        }
    }

    /// The first record of a host that fits.
    fn record(&self, host: usize, fits: impl Fn(&LookupRecord) -> bool) -> Option<Row> {
        let mut records = self.records(host).iter();
        let found = records.find(|record| fits(record))?;
        Some(Row::Record(host, found.id))
    }

    /// The first other host's record that fits, where this one has none.
    fn record_elsewhere(&mut self, fits: impl Fn(&LookupRecord) -> bool + Copy) {
        let here = self.here();
        if self.record(here, fits).is_some() {
            return;
        }
        let others = self.hosts().filter(|&host| host != here);
        if let Some(row) = others.filter_map(|host| self.record(host, fits)).next() {
            self.push(NearMiss::OtherHost { here, row });
        }
    }

    /// The record that led here, if one did.
    fn decider(&self) -> Option<(Row, &'m LookupRecord)> {
        let (host, id) = self.clue.record?;
        let record = self.records(host).iter().find(|record| record.id == id)?;
        Some((Row::Record(host, id), record))
    }

    /// A guest with this address, in the tenant of a subnet.
    fn guest_with(&self, subnet: VirtualSubnetId, address: CustomerAddress) -> Option<GuestIndex> {
        let scenario = self.model.scenario();
        let mut guests = scenario.guests.iter();
        guests.position(|guest| {
            let tenant = &scenario.tenants[guest.tenant];
            tenant.virtual_subnets.contains(&subnet) && has(guest, address)
        })
    }

    /// The guest that the frame was for: the one that was asked for by name, else the one that the
    /// inventory gives the address. Nobody looks for himself.
    fn wanted(&self) -> Option<GuestIndex> {
        let sender = self.question.sender;
        self.receiver()
            .or_else(|| self.owner_of_destination())
            .filter(|&guest| sender != Some(guest))
    }

    /// The guest that was asked for by name, where the question was for an address of its own.
    fn receiver(&self) -> Option<GuestIndex> {
        let receiver = self.question.receiver?;
        let guest = &self.model.scenario().guests[receiver];
        let asked = [self.question.inner.destination, self.question.address];
        let mut asked = asked.into_iter().flatten();
        asked.any(|address| has(guest, address)).then_some(receiver)
    }

    fn owner_of_destination(&self) -> Option<GuestIndex> {
        let subnet = self.question.from_subnet.or(self.question.subnet)?;
        let destination = self.question.inner.destination.or(self.question.address)?;
        self.guest_with(subnet, destination)
            .or_else(|| self.guest_with(subnet, self.question.address?))
    }

    /// Where the guest that the frame was for runs.
    fn runs(&mut self) {
        if let Some(guest) = self.wanted() {
            self.runs_on(guest);
        }
    }

    /// Where the guest that sent the frame runs.
    fn sender_runs(&mut self) {
        if let Some(guest) = self.question.sender {
            self.runs_on(guest);
        }
    }

    fn runs_on(&mut self, guest: GuestIndex) {
        let runs = self.where_is(guest);
        self.push(NearMiss::Runs(runs));
    }

    fn where_is(&self, guest: GuestIndex) -> Runs {
        let host = self.model.host_of(guest);
        Runs {
            guest,
            host,
            provider_addresses: self.provider_addresses_of(guest, host),
        }
    }

    /// The host's provider addresses in force that stand for a guest: those that its records name,
    /// else those that the host's guests share. One that stands for another rewritten guest names that
    /// guest by itself.
    fn provider_addresses_of(&self, guest: GuestIndex, host: usize) -> Vec<ProviderAddress> {
        let policy = self.model.network().hosts()[host].policy();
        let in_force: Vec<_> = policy
            .provider_addresses
            .iter()
            .filter(|_| policy.wnv_bound)
            .map(|own| own.address)
            .collect();
        let scenario = self.model.scenario();
        let of = &scenario.guests[guest];
        let subnets = &scenario.tenants[of.tenant].virtual_subnets;
        let is_of_guest = |record: &LookupRecord| {
            subnets.contains(&record.virtual_subnet)
                && (has(of, record.customer_address)
                    || record.customer_address.is_unspecified() && record.mac == of.mac)
        };
        let records = || self.hosts().flat_map(|host| self.records(host));
        let of_guest: BTreeSet<_> = records()
            .filter(|record| is_of_guest(record))
            .map(|record| record.provider_address)
            .collect();
        let of_others: BTreeSet<_> = records()
            .filter(|record| record.rule == Rule::Nat && !is_of_guest(record))
            .map(|record| record.provider_address)
            .collect();
        let mut named: Vec<_> = in_force.clone();
        named.retain(|address| of_guest.contains(address));
        if named.is_empty() {
            named = in_force;
            named.retain(|address| !of_others.contains(address));
        }
        named
    }
}

fn has(guest: &Guest, address: CustomerAddress) -> bool {
    let mut own = guest.addresses.iter();
    own.any(|own| own.address == address)
}
