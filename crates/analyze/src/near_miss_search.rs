//! Looks for what nearly matched when a frame was dropped: in the tables of the host that dropped it,
//! in the other hosts' tables, and in the inventory.

mod peers;
mod providers;
mod records;
mod routes;

use nvgre_dataplane::{CustomerRoute, DropReason, LookupRecord, Rule};
use nvgre_sim::{Clue, GuestIndex, Journey, Model};
use nvgre_wire::{CustomerAddress, VirtualSubnetId};

use crate::conversation::{Conversation, Failure, FrameKind};
use crate::near_miss::{NearMiss, Row, Runs};
use crate::question::Question;

/// Most that are told of one drop: the closest come first.
const TOLD_MAX: usize = 4;

/// What nearly matched where the first copy of a frame was dropped, closest first, at most four. Empty
/// where no copy was, and where no table caused it: then the frame is at fault, or a setting.
pub fn near_misses(model: &Model, journey: &Journey) -> Vec<NearMiss> {
    let Some(question) = Question::of(model, journey) else {
        return Vec::new();
    };
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
    let Some((_, failure)) = &conversation.failure else {
        return Vec::new();
    };
    let frames = conversation.legs.last().map_or(&[][..], |leg| &leg.frames);
    match failure {
        Failure::Dropped { .. } => {
            let mut frames = frames.iter().rev();
            let dropped = frames.find(|frame| frame.journey.fate.dropped.is_some());
            dropped.map_or_else(Vec::new, |frame| near_misses(model, &frame.journey))
        }
        Failure::NoAnswer { address } => {
            let mut questions = frames
                .iter()
                .filter(|frame| matches!(frame.kind, FrameKind::Question(_)));
            let question = questions.next().and_then(|frame| {
                Question::unanswered(model, frame.sender, *address, &frame.journey)
            });
            question.map_or_else(Vec::new, |question| {
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

    /// The first other host's record that fits.
    fn record_elsewhere(&mut self, fits: impl Fn(&LookupRecord) -> bool + Copy) {
        let here = self.here();
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
            let mut own = guest.addresses.iter();
            scenario.tenants[guest.tenant]
                .virtual_subnets
                .contains(&subnet)
                && own.any(|own| own.address == address)
        })
    }

    /// The guest that the frame was for, as the inventory has it.
    fn wanted(&self) -> Option<GuestIndex> {
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
        let policy = self.model.network().hosts()[host].policy();
        let in_force = policy.provider_addresses.iter();
        let in_force = in_force.filter(|_| policy.wnv_bound);
        Runs {
            guest,
            host,
            provider_addresses: in_force.map(|own| own.address).collect(),
        }
    }
}
