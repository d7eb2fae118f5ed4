//! Looks for what nearly matched when a frame was dropped: in the tables of the host that dropped it,
//! in the other hosts' tables, and in the inventory.

use nvgre_dataplane::{
    CustomerRoute, DropReason, LookupRecord, PortSubnet, RecordType, RouteId, Rule,
};
use nvgre_sim::{Clue, GuestIndex, Journey, Model};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId,
    VirtualSubnetId,
};

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

    fn unbound(&mut self) {
        let (here, subnet, address) = (self.here(), self.question.subnet, self.question.address);
        let record = self.record(here, |record| {
            Some(record.virtual_subnet) == subnet && Some(record.customer_address) == address
        });
        self.push(NearMiss::NotBound { host: here, record });
        self.runs();
    }

    fn no_record(&mut self) {
        let (Some(subnet), here) = (self.question.subnet, self.here()) else {
            return;
        };
        let Some(address) = self.question.address else {
            return self.no_record_of_mac(subnet);
        };
        // The address has a record, and the frame goes to another MAC than the record's.
        let of_address = move |record: &LookupRecord| {
            record.virtual_subnet == subnet && record.customer_address == address
        };
        if let Some(record) = self.record(here, of_address)
            && let Some(asked) = self.question.inner.destination_mac
        {
            self.push(NearMiss::OtherMac { record, asked });
        }
        self.record_elsewhere(of_address);
        let wanted = self.wanted();
        let mac = wanted.map(|guest| self.model.scenario().guests[guest].mac);
        let mac = mac.or(self.question.inner.destination_mac);
        let of_mac = self.record(here, |record| {
            record.virtual_subnet == subnet
                && Some(record.mac) == mac
                && record.customer_address != address
                && record.customer_address.is_ipv4() == address.is_ipv4()
                && !record.customer_address.is_unspecified()
        });
        if let Some(record) = of_mac {
            let asked = address;
            self.push(NearMiss::OtherAddress { record, asked });
        }
        self.other_subnets(subnet, |record| record.customer_address == address);
        self.runs();
    }

    fn no_record_of_mac(&mut self, subnet: VirtualSubnetId) {
        let mac = self.question.inner.destination_mac;
        let of_mac =
            move |record: &LookupRecord| record.virtual_subnet == subnet && Some(record.mac) == mac;
        self.record_elsewhere(of_mac);
        self.other_subnets(subnet, |record| Some(record.mac) == mac);
    }

    /// Rows of this host that fit, but for their subnet; those of the reader's tenant first.
    fn other_subnets(&mut self, asked: VirtualSubnetId, fits: impl Fn(&LookupRecord) -> bool) {
        let here = self.here();
        let records = self.records(here).iter();
        let mut others: Vec<_> = records
            .filter(|record| record.virtual_subnet != asked && fits(record))
            .map(|record| (!self.of_one_tenant(record.virtual_subnet, asked), record.id))
            .collect();
        others.sort();
        if let Some(&(_, id)) = others.first() {
            let row = Row::Record(here, id);
            self.push(NearMiss::OtherSubnet { row, asked });
        }
    }

    fn of_one_tenant(&self, one: VirtualSubnetId, other: VirtualSubnetId) -> bool {
        let mut tenants = self.model.scenario().tenants.iter();
        tenants.any(|tenant| {
            tenant.virtual_subnets.contains(&one) && tenant.virtual_subnets.contains(&other)
        })
    }

    fn no_source_record(&mut self) {
        let inner = self.question.inner;
        let (Some(subnet), Some(address)) = (self.question.from_subnet, inner.source) else {
            return;
        };
        let here = self.here();
        let of_address = move |record: &LookupRecord| {
            record.virtual_subnet == subnet && record.customer_address == address
        };
        let Some(mac) = inner.source_mac else {
            return;
        };
        let own = self.records(here).iter().find(|record| of_address(record));
        if let Some(found) = own {
            let record = Row::Record(here, found.id);
            if found.mac != mac {
                self.push(NearMiss::OtherMac { record, asked: mac });
            }
            let owner = self.model.network().owner(found.provider_address);
            if owner != Some(here) {
                self.push(NearMiss::NotOfThisHost {
                    record,
                    here,
                    owner,
                });
            }
        }
        if own.is_none() {
            self.record_elsewhere(of_address);
        }
        let of_mac = self.record(here, |record| {
            record.virtual_subnet == subnet
                && record.mac == mac
                && record.customer_address != address
                && record.customer_address.is_ipv4() == address.is_ipv4()
        });
        if let Some(record) = of_mac {
            let asked = address;
            self.push(NearMiss::OtherAddress { record, asked });
        }
        self.other_subnets(subnet, |record| {
            record.customer_address == address && record.mac == mac
        });
    }

    /// The routing domain that a host's routes, else the inventory, give a subnet.
    fn domain_of(&self, subnet: VirtualSubnetId) -> Option<RoutingDomainId> {
        let mut routes = self.routes(self.here()).iter();
        let known = routes.find(|route| route.virtual_subnet == subnet);
        let mut tenants = self.model.scenario().tenants.iter();
        let mut inventory = || tenants.find(|tenant| tenant.virtual_subnets.contains(&subnet));
        known
            .map(|route| route.routing_domain)
            .or_else(|| inventory().map(|tenant| tenant.routing_domain))
    }

    /// The first route of a host that fits.
    fn route(&self, host: usize, fits: impl Fn(&CustomerRoute) -> bool) -> Option<RouteId> {
        let mut routes = self.routes(host).iter();
        Some(routes.find(|route| fits(route))?.id)
    }

    fn route_elsewhere(&mut self, fits: impl Fn(&CustomerRoute) -> bool + Copy) {
        let here = self.here();
        let others = self.hosts().filter(|&host| host != here);
        let found = others.filter_map(|host| Some(Row::Route(host, self.route(host, fits)?)));
        if let Some(row) = found.take(1).next() {
            self.push(NearMiss::OtherHost { here, row });
        }
    }

    fn no_route(&mut self) {
        let (Some(subnet), Some(to)) = (self.question.from_subnet, self.question.address) else {
            return;
        };
        let Some(domain) = self.domain_of(subnet) else {
            return;
        };
        let here = self.here();
        let covers = move |route: &CustomerRoute| {
            route.routing_domain == domain && route.destination.contains(to)
        };
        self.route_elsewhere(covers);
        let of_family = self.routes(here).iter().filter(|route| {
            route.routing_domain == domain && route.destination.network().is_ipv4() == to.is_ipv4()
        });
        let closest = of_family.max_by_key(|route| {
            let same = common_bits(route.destination, to);
            (same, std::cmp::Reverse(route.id))
        });
        if let Some(route) = closest {
            let route = Row::Route(here, route.id);
            self.push(NearMiss::OtherPrefix { route, asked: to });
        }
        let wildcard = self.record(here, |record| {
            record.record_type == RecordType::GatewayWildcard
                && record.virtual_subnet != subnet
                && record.customer_address.is_ipv4() == to.is_ipv4()
                && self.domain_of(record.virtual_subnet) == Some(domain)
        });
        if let Some(row) = wildcard {
            let asked = subnet;
            self.push(NearMiss::OtherSubnet { row, asked });
        }
        self.runs();
    }

    /// No route ties a subnet to a routing domain at this host.
    fn no_domain(&mut self, subnet: Option<VirtualSubnetId>) {
        let Some(subnet) = subnet else {
            return;
        };
        let here = self.here();
        let of_subnet = move |route: &CustomerRoute| route.virtual_subnet == subnet;
        self.route_elsewhere(of_subnet);
        let domain = self.domain_of(subnet);
        let inner = self.question.inner;
        let covers = |route: &CustomerRoute| {
            let mut addresses = [inner.source, inner.destination].into_iter().flatten();
            addresses.any(|address| route.destination.contains(address))
        };
        let mistyped = self.route(here, |route| {
            Some(route.routing_domain) == domain && route.virtual_subnet != subnet && covers(route)
        });
        if let Some(route) = mistyped {
            let row = Row::Route(here, route);
            self.push(NearMiss::OtherSubnet { row, asked: subnet });
        }
        // The subnet may be wrong where the packet came from: there is a record of the address in one
        // that is known here.
        if let Some(address) = inner.destination {
            self.other_subnets(subnet, |record| record.customer_address == address);
        }
    }

    /// The packet's source, and the record of the sender's customer address in the key's subnet.
    fn unknown_peer(&mut self) {
        let (Some((source, _, _)), inner) = (self.question.outer, self.question.inner) else {
            return;
        };
        let here = self.here();
        if let Some(subnet) = self.question.subnet
            && let Some(address) = inner.source
        {
            let of_sender = move |record: &LookupRecord| {
                record.virtual_subnet == subnet && record.customer_address == address
            };
            if let Some(record) = self.record(here, of_sender) {
                let asked = source;
                self.push(NearMiss::OtherProvider { record, asked });
            } else {
                self.record_elsewhere(move |record| {
                    of_sender(record) && record.provider_address == source
                });
            }
        }
        self.named_elsewhere(source);
    }

    /// Records of this host that name a packet's source, in whatever subnet.
    fn named_elsewhere(&mut self, source: ProviderAddress) {
        let here = self.here();
        let named = self.record(here, |record| record.provider_address == source);
        if let Some(record) = named {
            let asked = source;
            self.push(NearMiss::OtherDomain { record, asked });
        }
    }

    fn peer_not_source(&mut self) {
        let (Some((source, _, _)), Some((record, found))) = (self.question.outer, self.decider())
        else {
            return;
        };
        self.push(NearMiss::OtherProvider {
            record,
            asked: source,
        });
        let sender = self.guest_with(found.virtual_subnet, found.customer_address);
        if let Some(guest) = sender {
            self.runs_on(guest);
        }
    }

    fn no_port(&mut self) {
        let (Some(subnet), Some(mac)) = (
            self.question.subnet,
            self.decider()
                .map(|(_, record)| record.mac)
                .filter(|_| self.question.outer.is_none())
                .or(self.question.inner.destination_mac),
        ) else {
            return;
        };
        self.ports_of(subnet, mac);
        let wanted = self.wanted();
        if let Some(guest) = wanted {
            let host = self.model.host_of(guest);
            let has = self.model.scenario().guests[guest].mac;
            if host == self.here() && has != mac {
                self.push(NearMiss::PortMac { guest, asked: mac });
            } else if host != self.here() {
                self.runs_on(guest);
            }
        }
    }

    /// Ports of this host with the MAC, in another subnet.
    fn ports_of(&mut self, asked: VirtualSubnetId, mac: MacAddress) {
        let policy = self.model.network().hosts()[self.here()].policy();
        let with_mac = policy.ports.iter().filter(|port| port.mac == mac);
        for port in with_mac.filter(|port| port.subnet != PortSubnet::Tenant(asked)) {
            self.push(NearMiss::PortSubnet {
                guest: port.id.0 as GuestIndex,
                has: port.subnet,
                asked,
            });
        }
    }

    fn port_mac(&mut self) {
        if let (Some(guest), Some(asked)) = (self.question.sender, self.question.inner.source_mac) {
            self.push(NearMiss::PortMac { guest, asked });
        }
    }

    fn no_owner(&mut self) {
        if let Some((record, found)) = self.decider() {
            let guest = self.guest_with(found.virtual_subnet, found.customer_address);
            let runs = guest.map(|guest| self.where_is(guest));
            self.push(NearMiss::OfNoHost { record, runs });
        } else {
            self.runs();
        }
    }

    fn not_the_owner(&mut self) {
        let here = self.here();
        let policy = self.model.network().hosts()[here].policy();
        for own in &policy.provider_addresses {
            let address = own.address;
            if let Some(owner) = self.model.network().owner(address)
                && owner != here
            {
                self.push(NearMiss::OwnedTwice {
                    address,
                    owner,
                    other: here,
                });
            }
        }
    }

    fn no_next_hop(&mut self) {
        let Some((_, record)) = self.decider() else {
            return;
        };
        let (here, asked) = (self.here(), record.provider_address);
        self.push(NearMiss::NoProviderRoute { host: here, asked });
        let covers = |prefix: &ProviderPrefix| prefix.contains(asked);
        let others = self.hosts().filter(|&host| host != here);
        let found = others
            .filter_map(|host| {
                let routes = &self.model.estate().hosts[host].provider_routes;
                let at = routes
                    .iter()
                    .position(|entry| covers(&entry.route.destination))?;
                Some(Row::ProviderRoute(host, at))
            })
            .next();
        if let Some(row) = found {
            self.push(NearMiss::OtherHost { here, row });
        }
        let guest = self.guest_with(record.virtual_subnet, record.customer_address);
        if let Some(guest) = guest {
            self.runs_on(guest);
        }
    }

    fn vlan(&mut self) {
        let Some((source, destination, asked)) = self.question.outer else {
            return;
        };
        let here = self.here();
        let sender = self.model.network().owner(source);
        let ends = [(Some(here), destination), (sender, source)];
        for (host, address) in ends {
            let Some(host) = host else { continue };
            let policy = self.model.network().hosts()[host].policy();
            let mut own = policy.provider_addresses.iter();
            if let Some(own) = own.find(|own| own.address == address)
                && own.vlan != asked
            {
                let (address, has) = (own.address, own.vlan);
                self.push(NearMiss::Vlan {
                    host,
                    address,
                    has,
                    asked,
                });
            }
        }
    }

    fn rule_of_decider(&mut self, asked: Rule) {
        if let Some((record, _)) = self.decider() {
            self.push(NearMiss::OtherRule { record, asked });
        }
    }

    /// The sender's record has another rule than the destination's.
    fn rule_of_source(&mut self) {
        let (subnet, source) = (self.question.from_subnet, self.question.inner.source);
        let record = self.record(self.here(), |record| {
            Some(record.virtual_subnet) == subnet && Some(record.customer_address) == source
        });
        if let Some(record) = record {
            let asked = Rule::Nat;
            self.push(NearMiss::OtherRule { record, asked });
        }
        self.rule_of_decider(Rule::Encap);
    }

    fn family(&mut self) {
        let other = |record: &LookupRecord| {
            record.rule == Rule::Nat
                && record.customer_address.is_ipv4() != record.provider_address.is_ipv4()
        };
        if let Some((record, found)) = self.decider()
            && other(found)
        {
            self.push(NearMiss::OtherFamily { record });
        }
        let (subnet, source) = (self.question.from_subnet, self.question.inner.source);
        let own = self.record(self.here(), |record| {
            Some(record.virtual_subnet) == subnet
                && Some(record.customer_address) == source
                && other(record)
        });
        if let Some(record) = own {
            self.push(NearMiss::OtherFamily { record });
        }
    }

    /// A rewritten packet: its source alone tells who sent it.
    fn unknown_nat_peer(&mut self) {
        let Some((source, _, _)) = self.question.outer else {
            return;
        };
        let here = self.here();
        let of_source = move |record: &LookupRecord| record.provider_address == source;
        let with_other_rule = self.record(here, |record| of_source(record));
        if let Some(record) = with_other_rule {
            let asked = Rule::Nat;
            self.push(NearMiss::OtherRule { record, asked });
        }
        if let (Some(subnet), Some(address)) =
            (self.question.from_subnet, self.question.inner.source)
        {
            let of_sender = self.record(here, |record| {
                record.virtual_subnet == subnet
                    && record.customer_address == address
                    && record.provider_address != source
            });
            if let Some(record) = of_sender {
                let asked = source;
                self.push(NearMiss::OtherProvider { record, asked });
            }
        }
        self.record_elsewhere(move |record| of_source(record) && record.rule == Rule::Nat);
    }
}

/// Bits from the left that a prefix shares with an address of its family, at most its length.
fn common_bits(prefix: CustomerPrefix, address: CustomerAddress) -> u32 {
    let differs = prefix.network().bits() ^ address.bits();
    let width = if address.is_ipv4() { 32 } else { 128 };
    let same = (differs << (128 - width)).leading_zeros();
    same.min(u32::from(prefix.length()))
}
