//! From what was seen to who is there. Deterministic: more frames win, then the earlier ones.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId,
    VirtualSubnetId,
};

use crate::skeleton::candidate::{Candidate, sum};
use crate::skeleton::prefix::prefixes;
use crate::skeleton::survey::{Seen, Survey};
use crate::skeleton::{
    Skeleton, SkeletonError, SkeletonGuest, SkeletonHost, SkeletonNote, SkeletonSubnet,
};

/// More addresses than this that a MAC sends from and does not claim by ARP or ND, or that frames
/// to it are for and lie outside the subnet, and it is taken for a gateway.
const FOREIGN_ADDRESSES_MAX: usize = 8;

/// MTU of an underlay that nobody has configured for NVGRE, in bytes.
const MTU_MIN_BYTES: usize = 1_500;

/// Bytes in front of a guest's frame on an IPv4 underlay: outer IPv4 20, GRE 8.
const ENCAPSULATION_BYTES: usize = 28;

/// The upper half of the routing domains made up here: "nvgre" in ASCII, and version and variant of
/// a random GUID. The subnet's id stands behind it, readable in decimal digits.
const ROUTING_DOMAIN: u128 = 0x6e76_6772_6500_4000_8000_0000_0000_0000;

/// What was guessed so far.
pub(crate) struct Guesser<'a> {
    pub(crate) survey: &'a Survey,
    pub(crate) bare: bool,
    pub(crate) hosts: Vec<SkeletonHost>,
    guests: Vec<SkeletonGuest>,
    notes: Vec<SkeletonNote>,
}

pub(crate) fn guess(survey: &Survey) -> Result<Skeleton, SkeletonError> {
    let bare = survey.nvgre_frames == 0;
    if survey.frames == 0 {
        return Err(SkeletonError::Empty);
    }
    if bare && !survey.refused.is_empty() {
        return Err(SkeletonError::Refused(survey.refused.clone()));
    }
    let mut guesser = Guesser {
        survey,
        bare,
        hosts: Vec::new(),
        guests: Vec::new(),
        notes: Vec::new(),
    };
    guesser.hosts();
    let mut by_subnet: BTreeMap<VirtualSubnetId, BTreeMap<MacAddress, Candidate>> = BTreeMap::new();
    for (station, seen) in if bare { &survey.bare } else { &survey.stations } {
        let macs = by_subnet.entry(station.virtual_subnet).or_default();
        macs.entry(station.mac).or_default().add(station, seen);
    }
    let mut subnets = Vec::new();
    for (virtual_subnet, macs) in by_subnet {
        let prefixes = guesser.subnet(virtual_subnet, macs);
        subnets.push(SkeletonSubnet {
            virtual_subnet,
            tenant: format!("tenant-{virtual_subnet}"),
            routing_domain: routing_domain(virtual_subnet),
            prefixes,
            bum_group: survey.groups.get(&virtual_subnet).copied(),
        });
    }
    if guesser.guests.is_empty() {
        return Err(SkeletonError::NoGuest);
    }
    guesser.closing_notes();
    let longest = if bare {
        survey.bare_len_max + ENCAPSULATION_BYTES
    } else {
        survey.outer_len_max
    };
    let addresses = guesser
        .hosts
        .iter()
        .flat_map(|host| &host.provider_addresses);
    let provider_prefixes = prefixes(addresses.map(|provider| provider.address.ip()))
        .filter_map(|(address, length)| {
            ProviderPrefix::new(ProviderAddress::new(address), length).ok()
        })
        .collect();
    Ok(Skeleton {
        frames: survey.frames,
        nvgre_frames: survey.nvgre_frames,
        refused: survey
            .refused
            .iter()
            .map(|(&reason, &(frames, _))| (reason, frames))
            .collect(),
        mtu_bytes: u16::try_from(longest.max(MTU_MIN_BYTES)).unwrap_or(u16::MAX),
        subnets,
        hosts: guesser.hosts,
        guests: guesser.guests,
        provider_prefixes,
        notes: guesser.notes,
    })
}

impl Guesser<'_> {
    pub(crate) fn note(&mut self, text: String, frame: Option<u64>) {
        self.notes.push(SkeletonNote { text, frame });
    }

    /// The guests of one subnet; gives its prefixes.
    fn subnet(
        &mut self,
        vsid: VirtualSubnetId,
        mut macs: BTreeMap<MacAddress, Candidate>,
    ) -> Vec<CustomerPrefix> {
        macs.retain(|mac, candidate| {
            let router = candidate.is_router();
            if router {
                let first = candidate.providers.values().map(|seen| seen.first_frame).min();
                let text = format!(
                    "VSID {vsid}: {mac} sends from other addresses behind each provider address, as the built-in router does with what comes from other subnets; it is no guest here. Put the subnets that it routes between into one tenant, and set [settings] router_mac"
                );
                self.note(text, first);
            }
            !router
        });
        // Whose is what was sent from? A gateway keeps what it claims.
        let mut gateways = BTreeSet::new();
        let mut claims: BTreeMap<CustomerAddress, Vec<(MacAddress, Seen)>> = BTreeMap::new();
        for (&mac, candidate) in &macs {
            let own = |address: &CustomerAddress| {
                candidate.total(*address).claimed || address.is_link_local()
            };
            let foreign = candidate
                .sent_from()
                .filter(|address| !own(address))
                .count();
            let is_gateway = foreign > FOREIGN_ADDRESSES_MAX;
            if is_gateway {
                gateways.insert(mac);
            }
            for address in candidate
                .sent_from()
                .filter(|address| !is_gateway || own(address))
            {
                claims
                    .entry(address)
                    .or_default()
                    .push((mac, candidate.total(address)));
            }
        }
        let mut owners = BTreeMap::new();
        for (address, claims) in claims {
            if let Some(owner) = self.owner(vsid, address, &claims) {
                owners.insert(address, owner);
            }
        }
        let known = subnet_prefixes(&owners);
        self.heard_of(&macs, &known, &mut owners, &mut gateways);
        let on_link = subnet_prefixes(&owners);
        self.router_addresses(vsid, &on_link, &owners);
        let mut owned: BTreeMap<MacAddress, Vec<CustomerAddress>> = BTreeMap::new();
        for (address, mac) in owners {
            owned.entry(mac).or_default().push(address);
        }
        for (mac, candidate) in &macs {
            let addresses = owned.remove(mac).unwrap_or_default();
            self.guest(vsid, *mac, candidate, addresses, gateways.contains(mac));
        }
        on_link
    }

    /// Of several MACs that send from one address, the one that does it most.
    fn owner(
        &mut self,
        vsid: VirtualSubnetId,
        address: CustomerAddress,
        claims: &[(MacAddress, Seen)],
    ) -> Option<MacAddress> {
        let rank = |seen: &Seen| (seen.claimed, seen.sent, Reverse(seen.first_frame));
        let &(owner, _) = claims.iter().max_by_key(|(_, seen)| rank(seen))?;
        for (other, seen) in claims.iter().filter(|(mac, _)| *mac != owner) {
            let text = format!(
                "VSID {vsid}: {address} is also sent from by {other}, {} times; the record names {owner}",
                seen.sent
            );
            self.note(text, Some(seen.first_frame));
        }
        Some(owner)
    }

    /// Addresses that frames are for and nobody sends from: the guest's with the destination MAC, if
    /// they lie in the subnet, and if it sends from no other of the family.
    fn heard_of(
        &self,
        macs: &BTreeMap<MacAddress, Candidate>,
        known: &[CustomerPrefix],
        owners: &mut BTreeMap<CustomerAddress, MacAddress>,
        gateways: &mut BTreeSet<MacAddress>,
    ) {
        let mut heard: BTreeMap<CustomerAddress, (u64, MacAddress)> = BTreeMap::new();
        for (&mac, candidate) in macs {
            let mut foreign = 0;
            for &address in candidate
                .addresses
                .keys()
                .filter(|ca| !owners.contains_key(*ca))
            {
                let of_family =
                    |prefix: &&CustomerPrefix| prefix.network().is_ipv4() == address.is_ipv4();
                let mut family = known.iter().filter(of_family).peekable();
                let inside = family.peek().is_none() || family.any(|p| p.contains(address));
                let received = candidate.total(address).received;
                if !inside && !address.is_link_local() {
                    foreign += usize::from(received > 0);
                }
                let sends = candidate
                    .sent_from()
                    .any(|other| other.is_ipv4() == address.is_ipv4());
                if inside && !sends && received > heard.get(&address).map_or(0, |best| best.0) {
                    heard.insert(address, (received, mac));
                }
            }
            if foreign > FOREIGN_ADDRESSES_MAX {
                gateways.insert(mac);
            }
        }
        heard.retain(|_, (_, mac)| !gateways.contains(mac));
        owners.extend(heard.into_iter().map(|(address, (_, mac))| (address, mac)));
    }

    fn guest(
        &mut self,
        vsid: VirtualSubnetId,
        mac: MacAddress,
        candidate: &Candidate,
        mut addresses: Vec<CustomerAddress>,
        is_gateway: bool,
    ) {
        let seen = sum(&candidate.providers);
        if self.bare && addresses.is_empty() && !is_gateway {
            let text = format!("{mac} tells no address of its own: a switch or a bridge, no guest");
            return self.note(text, Some(seen.first_frame));
        }
        let rank = |seen: &Seen| (seen.sent, seen.received, Reverse(seen.first_frame));
        let best = candidate
            .providers
            .iter()
            .max_by_key(|(_, seen)| rank(seen));
        let Some((&provider_address, _)) = best else {
            return;
        };
        let Some(host) = self.hosts.iter().position(|host| {
            host.provider_addresses
                .iter()
                .any(|provider| provider.address == provider_address)
        }) else {
            return;
        };
        addresses.sort_by_key(|ca| (ca.is_link_local(), !ca.is_ipv4(), *ca));
        let subject = addresses
            .first()
            .map_or_else(|| mac.to_string(), ToString::to_string);
        let name = format!("vsid{vsid}-{}", subject.replace(':', "-"));
        self.other_places(&name, candidate, provider_address, host);
        if is_gateway {
            let text = format!(
                "{name} ({mac}) looks like a gateway: its frames have more than {FOREIGN_ADDRESSES_MAX} addresses that are not its own. It has a GatewayWildcard record"
            );
            self.note(text, Some(seen.first_frame));
        } else if addresses.is_empty() {
            let text = format!("{name} tells no address of its own: it has an L2Only record");
            self.note(text, Some(seen.first_frame));
        }
        self.guests.push(SkeletonGuest {
            name,
            virtual_subnet: vsid,
            mac,
            host,
            provider_address,
            addresses,
            is_gateway,
            frames_sent: seen.sent,
            first_frame: seen.first_frame,
        });
    }

    /// Notes what speaks against a guest's place.
    fn other_places(
        &mut self,
        name: &str,
        candidate: &Candidate,
        place: ProviderAddress,
        host: usize,
    ) {
        for (provider, seen) in candidate.providers.iter().filter(|(pa, _)| **pa != place) {
            let of_host = &self.hosts[host].provider_addresses;
            let text = if seen.sent == 0 {
                format!(
                    "frames for {name} also go to {provider}, {} times; it sends from behind {place}, so it is there",
                    seen.received
                )
            } else if of_host.iter().any(|other| other.address == *provider) {
                format!(
                    "{name} also sends from behind {provider}, {} times, of the same host; its records name {place} alone",
                    seen.sent
                )
            } else {
                format!(
                    "{name} also sends from behind {provider}, {} times: it moved, or its MAC is there twice; here it is behind {place}",
                    seen.sent
                )
            };
            self.note(text, Some(seen.first_frame));
        }
    }

    /// Notes addresses that the built-in router answers for, if the guessed prefixes are right.
    fn router_addresses(
        &mut self,
        vsid: VirtualSubnetId,
        prefixes: &[CustomerPrefix],
        owners: &BTreeMap<CustomerAddress, MacAddress>,
    ) {
        for prefix in prefixes {
            if let Some(address) = prefix
                .gateway()
                .filter(|address| owners.contains_key(address))
            {
                let text = format!(
                    "VSID {vsid}: a guest has {address}, the lowest address of {prefix}, which Windows keeps for the built-in router (V-06); the prefix may be another one"
                );
                self.note(text, None);
            }
        }
    }

    fn closing_notes(&mut self) {
        let survey = self.survey;
        for (reason, (frames, first)) in &survey.refused {
            let text = format!("{frames} GRE frames are refused by every endpoint: {reason}");
            self.note(text, Some(*first));
        }
        if self.bare && survey.bare_tagged > 0 {
            let text = format!(
                "{} frames have a VLAN tag and were not looked into",
                survey.bare_tagged
            );
            self.note(text, None);
        }
        if let Some((times, first)) = survey.zero_mac {
            let text = format!(
                "MAC {} stands in guests' frames, {times} times: it is no guest's",
                MacAddress::new([0; 6])
            );
            self.note(text, Some(first));
        }
        if survey.unheeded > 0 {
            let text = format!(
                "the capture shows more addresses than a skeleton holds; {} times one was passed over",
                survey.unheeded
            );
            self.note(text, None);
        }
    }
}

/// A made-up one, always the same for a subnet.
pub(crate) fn routing_domain(vsid: VirtualSubnetId) -> RoutingDomainId {
    let (mut digits, mut rest, mut shift) = (0u128, vsid.get(), 0);
    while rest > 0 {
        digits |= u128::from(rest % 10) << shift;
        rest /= 10;
        shift += 4;
    }
    RoutingDomainId::new(ROUTING_DOMAIN | digits)
}

fn subnet_prefixes(owners: &BTreeMap<CustomerAddress, MacAddress>) -> Vec<CustomerPrefix> {
    prefixes(owners.keys().map(|address| address.ip()))
        .filter_map(|(address, length)| {
            CustomerPrefix::new(CustomerAddress::new(address), length).ok()
        })
        .collect()
}
