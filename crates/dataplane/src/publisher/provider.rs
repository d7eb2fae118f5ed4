//! What is known of provider addresses: numbers, next hops, paths, peers, whose packets are rewritten.

use nvgre_wire::ProviderAddress;

use super::Publisher;
use super::rows::Closed;
use crate::compile;
use crate::encap::Path;
use crate::policy::Policy;
use crate::short::{ShortHost, ShortProvider, Translation};
use crate::snapshot::{KnownProvider, NatRecord, peer_key, provider_key};

impl Publisher {
    pub(super) fn known(&self, provider: u32) -> &KnownProvider {
        let known = self.next.providers.get(provider);
        known.expect("a provider address's number is given when it is first named")
    }

    pub(super) fn known_mut(&mut self, provider: u32) -> &mut KnownProvider {
        let known = self.next.providers.get_mut(provider);
        known.expect("a provider address's number is given when it is first named")
    }

    /// The number of a provider address, which it is given when it is first named.
    pub(super) fn provider_number(&mut self, address: ProviderAddress) -> u32 {
        if let Some((number, _)) = self.next.provider(address) {
            return number;
        }
        let interfaces = self.next.fixed.interfaces.iter();
        let next_hops = interfaces.map(|&interface| self.underlay.next_hop(interface, address));
        let number = self.next.providers.push(KnownProvider {
            address,
            next_hops: next_hops.collect(),
            ..KnownProvider::default()
        });
        let short = ShortProvider::of(self.known(number));
        self.next.short_providers.push(short);
        self.counts.of_provider.push(0);
        let (table, used) = (&mut self.next.provider_at, &mut self.used.providers);
        let key = provider_key(address);
        compile::insert(table, used, self.next.version, key, [u64::from(number)]);
        number
    }

    /// Addresses that the host knows without any record: its own, groups and routers.
    pub(super) fn add_providers(&mut self, policy: &Policy) {
        for (index, host) in policy.provider_addresses.iter().enumerate() {
            let number = self.provider_number(host.address);
            self.known_mut(number).host = Some(index as u32);
        }
        self.renew_short_hosts();
        for (&vsid, &address) in &policy.multicast_groups {
            let number = self.provider_number(address);
            self.known_mut(number).group = true;
            self.prepare_paths(number);
            let subnet = self.subnet_number(vsid);
            self.subnet_mut(subnet).group = Some(number);
        }
        for route in &policy.provider_routes {
            if !route.next_hop.is_unspecified() {
                let number = self.provider_number(route.next_hop);
                self.known_mut(number).router = true;
            }
        }
    }

    /// Outer headers from each of this host's addresses to a provider address.
    pub(super) fn prepare_paths(&mut self, provider: u32) {
        let known = self.known(provider);
        let address = known.address;
        let hosts = self.next.fixed.hosts.len() as u32;
        let there = hosts == 0 || self.next.paths.get((provider + 1) * hosts - 1).is_some();
        let is_set = |host| {
            let path = self.next.path(host, provider);
            path.is_some_and(Path::is_set)
        };
        if there && (0..hosts).all(is_set) {
            return;
        }
        for (index, host) in self.next.fixed.clone().hosts.iter().enumerate() {
            let index = index as u32;
            let next_hop = self.next.next_hop(index, provider);
            let path = Path::new(host, address, next_hop);
            self.next.paths.set(provider * hosts + index, path);
        }
    }

    /// Says to which record packets for a provider address are rewritten.
    pub(super) fn set_nat(&mut self, provider: u32, nat: Option<NatRecord>) {
        let known = self.known_mut(provider);
        known.nat = nat;
        let (address, own) = (known.address, known.host.is_some());
        let key = [address.bits() as u64];
        if address.is_ipv4()
            && let Some((place, _)) = self.next.translations.find(&key, self.next.version)
        {
            self.next.translations.close(place, self.next.version);
            let gone = Closed::Translation(place);
            self.closed.push_back((self.published + 1, gone));
        }
        let known = self.known(provider);
        let row = nat.and_then(|nat| Translation::of(&nat, known, &self.next.fixed));
        if let Some((key, words)) = row {
            if (self.used.translations + 1) * 100
                > self.next.translations.places() * compile::FULL_PERCENT
            {
                self.grow_translations(self.next.version);
            }
            let (_, new) = self
                .next
                .translations
                .insert(&key, &words, self.next.version);
            self.used.translations += usize::from(new);
        }
        if own {
            self.renew_short_hosts();
        }
    }

    /// The addresses of this host where NVGRE packets come in.
    pub(super) fn renew_short_hosts(&mut self) {
        let hosts = self.next.fixed.hosts.iter();
        let short = hosts.filter_map(|host| {
            let (_, known) = self.next.provider(host.address)?;
            ShortHost::of(host, known)
        });
        self.next.short_hosts = short.collect();
    }

    pub(super) fn add_peer(&mut self, provider: u32, domain: u32) {
        let [key] = peer_key(provider, domain);
        let records = self.counts.peers.entry(key).or_insert(0);
        *records += 1;
        if *records == 1 {
            if (self.used.peers + 1) * 100 > self.next.peers.places() * compile::FULL_PERCENT {
                let version = self.next.version;
                self.grow_peers(version);
            }
            let (_, new) = self.next.peers.insert(&[key], &[], self.next.version);
            self.used.peers += usize::from(new);
            let known = self.known_mut(provider);
            known.peer_in.get_or_insert(domain);
        }
    }

    pub(super) fn take_peer(&mut self, provider: u32, domain: u32) {
        let [key] = peer_key(provider, domain);
        let Some(records) = self.counts.peers.get_mut(&key) else {
            return;
        };
        *records -= 1;
        if *records > 0 {
            return;
        }
        self.counts.peers.remove(&key);
        if let Some((place, [])) = self.next.peers.find(&[key], self.next.version) {
            self.next.peers.close(place, self.next.version);
            let gone = Closed::Peer(place);
            self.closed.push_back((self.published + 1, gone));
        }
        let known = self.known_mut(provider);
        known.peer_in.take_if(|named| *named == domain);
    }
}
