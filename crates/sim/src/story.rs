//! A scenario's stages, played: enter, let the guests come up, probe, and say what happened and why.

use std::net::IpAddr;

use nvgre_dataplane::{DropReason, LookupRecord};
use nvgre_netwnv::Place;
use nvgre_wire::MacAddress;

use crate::clock::SimTime;
use crate::model::error::ModelError;
use crate::oracle::{GuestIndex, Sender};
use crate::scenario::Expectation;
use crate::world::{Dropped, World};

/// Time for guests to look for duplicate addresses and announce themselves, in nanoseconds: more
/// than RFC 5227 s2.1 needs at its slowest (1 + 2 x 2 + 2 + 2 seconds).
const SETTLE_NANOS: u64 = 15 * SimTime::SECOND_NANOS;
/// Echo requests of one probe, a second apart.
const ECHOES: u16 = 3;

/// Why a probe got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeFailure {
    /// A frame of the exchange was dropped.
    Dropped(DropReason),
    /// One of the two guests does not use its address, since another guest has it.
    AddressConflict,
    /// Nothing was dropped, and nothing came back.
    NoReply,
}

/// A drop with everything a person wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Why.
    pub reason: DropReason,
    /// Name of the host that dropped the frame, or that sent it into the underlay which did.
    pub host: String,
    /// The record it was forwarded by, the host that holds it, and where it was written.
    pub record: Option<(LookupRecord, String, Place)>,
}

/// What came of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// Name of the guest that asked.
    pub from: String,
    /// Name of the guest that was asked.
    pub to: String,
    /// Why there was no answer; `None`: there was.
    pub failure: Option<ProbeFailure>,
    /// Whether one of the two reports that another guest uses the address that was probed with.
    pub conflict: bool,
    /// The first drop of the exchange.
    pub cause: Option<Cause>,
    /// What the scenario expects.
    pub expected: Expectation,
}

/// A guest heard another one use its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictReport {
    /// Name of the guest that reports it.
    pub guest: String,
    /// The address.
    pub address: IpAddr,
    /// The MAC of the other one.
    pub with: MacAddress,
    /// Its name, if the scenario knows it.
    pub with_guest: Option<String>,
}

/// What came of one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageResult {
    /// From 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// Its probes, in order.
    pub probes: Vec<ProbeResult>,
    /// Address conflicts that guests reported, in the order of the guests.
    pub conflicts: Vec<ConflictReport>,
    /// Deliveries of one tenant's frames to another's port.
    pub cross_tenant_deliveries: u64,
}

impl ProbeFailure {
    /// The name that reports print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dropped(reason) => reason.name(),
            Self::AddressConflict => "address_conflict",
            Self::NoReply => "no_reply",
        }
    }
}

impl ProbeResult {
    /// The name of what went wrong: why there was no answer, or that an address conflict was
    /// reported although there was one.
    pub fn reason(&self) -> Option<&'static str> {
        let conflict = self.conflict.then_some(ProbeFailure::AddressConflict);
        self.failure.or(conflict).map(ProbeFailure::name)
    }

    /// Whether it ended as the scenario expects.
    pub fn as_expected(&self) -> bool {
        match (self.expected, self.failure) {
            (Expectation::Ok, None) => !self.conflict,
            // The first to come up defends the address and goes on; the other one gives it up.
            (Expectation::AddressConflict, None | Some(ProbeFailure::AddressConflict)) => {
                self.conflict
            }
            (Expectation::Dropped(expected), Some(ProbeFailure::Dropped(reason))) => {
                expected == reason
            }
            (
                Expectation::Ok | Expectation::AddressConflict | Expectation::Dropped(_),
                None | Some(_),
            ) => false,
        }
    }
}

impl StageResult {
    /// Whether every probe ended as the scenario expects, and no frame reached another tenant, but
    /// where a conflict was expected: two tenants on one wire.
    pub fn as_told(&self) -> bool {
        let shared_wire = self
            .probes
            .iter()
            .any(|probe| probe.expected == Expectation::AddressConflict);
        let isolation = shared_wire == (self.cross_tenant_deliveries > 0);
        isolation && self.probes.iter().all(ProbeResult::as_expected)
    }
}

/// Plays one stage (from 0) to its end.
pub fn play_stage(world: &mut World, stage: usize) -> Result<StageResult, ModelError> {
    let before = world.model().oracle().counts().cross_tenant;
    world.enter_stage(stage)?;
    // One tenant after the other, as machines boot: the later one finds what the earlier one has.
    world.switch_off();
    for tenant in 0..world.model().scenario().tenants.len() {
        world.boot(tenant);
        world.run_until(world.now() + SETTLE_NANOS);
    }
    let told = world.model().scenario().stages[stage].clone();
    let mut probes = Vec::new();
    for (index, probe) in told.probes.iter().enumerate() {
        let ident = (stage * told.probes.len() + index) as u16;
        let failure = run_probe(world, probe.from, probe.to, ident);
        let cause = failure
            .and_then(|drop| drop.1)
            .map(|drop| explain(world, &drop));
        let scenario = world.model().scenario();
        probes.push(ProbeResult {
            from: scenario.guests[probe.from].name.clone(),
            to: scenario.guests[probe.to].name.clone(),
            failure: failure.map(|failure| failure.0),
            conflict: in_conflict(world, probe.from, probe.to),
            cause,
            expected: probe.expect,
        });
    }
    let conflicts = conflicts(world);
    Ok(StageResult {
        number: stage + 1,
        name: told.name,
        about: told.about,
        probes,
        conflicts,
        cross_tenant_deliveries: world.model().oracle().counts().cross_tenant - before,
    })
}

fn conflicts(world: &World) -> Vec<ConflictReport> {
    let scenario = world.model().scenario();
    let mut reports = Vec::new();
    for guest in world.guests() {
        for conflict in guest.conflicts() {
            let other = scenario
                .guests
                .iter()
                .find(|other| other.mac == conflict.with);
            reports.push(ConflictReport {
                guest: guest.name().to_owned(),
                address: conflict.address,
                with: conflict.with,
                with_guest: other.map(|other| other.name.clone()),
            });
        }
    }
    reports
}

/// Whether a guest of a probe reports a conflict about the address that is probed with.
fn in_conflict(world: &World, from: GuestIndex, to: GuestIndex) -> bool {
    let Some((ours, theirs)) = pair(world.model().scenario(), from, to) else {
        return false;
    };
    let reports = |guest: GuestIndex, address: IpAddr| {
        world.guests()[guest]
            .conflicts()
            .iter()
            .any(|conflict| conflict.address == address)
    };
    reports(from, ours) || reports(to, theirs)
}

/// Pings, and says what stood in the way.
fn run_probe(
    world: &mut World,
    from: GuestIndex,
    to: GuestIndex,
    ident: u16,
) -> Option<(ProbeFailure, Option<Dropped>)> {
    let scenario = world.model().scenario();
    let (ours, theirs) = match pair(scenario, from, to) {
        Some(pair) => pair,
        None => return Some((ProbeFailure::NoReply, None)),
    };
    world.take_drops();
    for sequence in 0..ECHOES {
        // A guest that found its address taken has none to send from.
        if world.ping(from, theirs, ident, sequence).is_err() {
            return Some((ProbeFailure::AddressConflict, None));
        }
        world.run_until(world.now() + SimTime::SECOND_NANOS);
    }
    if (0..ECHOES).any(|sequence| world.guests()[from].ping_replied(ident, sequence)) {
        return None;
    }
    let unused = |guest: GuestIndex, address: IpAddr| {
        !world.guests()[guest].addresses_in_use().contains(&address)
    };
    if unused(from, ours) || unused(to, theirs) {
        return Some((ProbeFailure::AddressConflict, None));
    }
    let of_exchange = |drop: &Dropped| {
        let senders = [Sender::Guest(from), Sender::Guest(to)];
        let addresses = [Some((ours, theirs)), Some((theirs, ours))];
        senders.contains(&drop.origin.sender) && addresses.contains(&drop.origin.addresses)
    };
    let first = world.take_drops().into_iter().find(of_exchange);
    let failure = first.map_or(ProbeFailure::NoReply, |drop| {
        ProbeFailure::Dropped(drop.reason)
    });
    Some((failure, first))
}

/// The first addresses of two guests that are of one family.
fn pair(
    scenario: &crate::scenario::Scenario,
    from: GuestIndex,
    to: GuestIndex,
) -> Option<(IpAddr, IpAddr)> {
    let addresses = |guest: GuestIndex| scenario.guests[guest].addresses.iter();
    addresses(from).find_map(|ours| {
        addresses(to)
            .find(|theirs| theirs.address.is_ipv4() == ours.address.is_ipv4())
            .map(|theirs| (ours.address.ip(), theirs.address.ip()))
    })
}

fn explain(world: &World, drop: &Dropped) -> Cause {
    let model = world.model();
    let name = |host: usize| model.scenario().hosts[host].name.clone();
    let record = drop.origin.record.and_then(|(host, id)| {
        let entry = model.estate().hosts[host].record(id)?;
        Some((entry.record, name(host), entry.place.clone()))
    });
    Cause {
        reason: drop.reason,
        host: name(drop.host),
        record,
    }
}
