//! Hosts and their NICs, from what frames on the underlay were addressed with.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use nvgre_wire::{MacAddress, ProviderAddress, VlanId};

use crate::skeleton::candidate::merge;
use crate::skeleton::guess::Guesser;
use crate::skeleton::prefix::{length_in, prefixes};
use crate::skeleton::survey::{Attached, INVENTED_PA, Seen};
use crate::skeleton::{SkeletonHost, SkeletonProvider};

impl Guesser<'_> {
    /// One host for each outer MAC, and for each provider address whose MAC is not known.
    pub(crate) fn hosts(&mut self) {
        if self.bare {
            self.hosts.push(SkeletonHost {
                name: "host1".to_owned(),
                mac: made_up_mac(INVENTED_PA, &[]),
                mac_seen: false,
                provider_addresses: vec![SkeletonProvider {
                    address: INVENTED_PA,
                    prefix_length: 24,
                    vlan: None,
                }],
            });
            return;
        }
        let mut by_address: BTreeMap<ProviderAddress, Vec<(Attached, Seen)>> = BTreeMap::new();
        for (&attached, &seen) in &self.survey.attached {
            by_address
                .entry(attached.provider)
                .or_default()
                .push((attached, seen));
        }
        let lengths: Vec<_> = prefixes(by_address.keys().map(|address| address.ip())).collect();
        let mut without_mac = Vec::new();
        for (address, seen) in by_address {
            let (mac, vlan) = self.attachment(address, &seen);
            if seen.iter().all(|(_, seen)| seen.sent == 0) {
                let first = seen.iter().map(|(_, seen)| seen.first_frame).min();
                let text = format!("{address} never sent a frame: perhaps nobody owns it");
                self.note(text, first);
            }
            let provider = SkeletonProvider {
                address,
                prefix_length: length_in(&lengths, address.ip()),
                vlan,
            };
            let Some(mac) = mac else {
                without_mac.push(provider);
                continue;
            };
            match self.hosts.iter_mut().find(|host| host.mac == mac) {
                Some(host) => host.provider_addresses.push(provider),
                None => self.hosts.push(SkeletonHost {
                    name: host_name(address),
                    mac,
                    mac_seen: true,
                    provider_addresses: vec![provider],
                }),
            }
        }
        for provider in without_mac {
            let mac = made_up_mac(provider.address, &self.hosts);
            self.hosts.push(SkeletonHost {
                name: host_name(provider.address),
                mac,
                mac_seen: false,
                provider_addresses: vec![provider],
            });
        }
        self.hosts
            .sort_by_key(|host| host.provider_addresses[0].address);
    }

    /// MAC and VLAN of a provider address. Frames to it count first: they must be accepted.
    fn attachment(
        &mut self,
        address: ProviderAddress,
        seen: &[(Attached, Seen)],
    ) -> (Option<MacAddress>, Option<VlanId>) {
        let mut by_mac: BTreeMap<MacAddress, Seen> = BTreeMap::new();
        let mut by_vlan: BTreeMap<Option<VlanId>, Seen> = BTreeMap::new();
        for (attached, seen) in seen {
            if let Some(mac) = attached.mac {
                merge(by_mac.entry(mac).or_default(), seen);
            }
            merge(by_vlan.entry(attached.vlan).or_default(), seen);
        }
        let rank = |seen: &Seen| (seen.received, seen.sent, Reverse(seen.first_frame));
        let mac = by_mac
            .iter()
            .max_by_key(|(_, seen)| rank(seen))
            .map(|(&mac, _)| mac);
        let vlan = by_vlan
            .iter()
            .max_by_key(|(_, seen)| rank(seen))
            .and_then(|(&vlan, _)| vlan);
        for (other, seen) in by_mac.iter().filter(|(other, _)| Some(**other) != mac) {
            let text = format!("provider address {address} was also seen with MAC {other}");
            self.note(text, Some(seen.first_frame));
        }
        for (other, seen) in by_vlan.iter().filter(|(other, _)| **other != vlan) {
            let tag = other.map_or_else(|| "no VLAN tag".to_owned(), |vlan| format!("VLAN {vlan}"));
            let text = format!("provider address {address} was also seen with {tag}");
            self.note(text, Some(seen.first_frame));
        }
        (mac, vlan)
    }
}

fn host_name(address: ProviderAddress) -> String {
    format!("host-{}", address.to_string().replace(':', "-"))
}

/// A locally administered MAC with the last four bytes of the address, or the next one free.
fn made_up_mac(address: ProviderAddress, hosts: &[SkeletonHost]) -> MacAddress {
    let mut low = match address.ip() {
        IpAddr::V4(v4) => u32::from(v4),
        IpAddr::V6(v6) => u128::from(v6) as u32,
    };
    loop {
        let [a, b, c, d] = low.to_be_bytes();
        let mac = MacAddress::new([0x02, 0, a, b, c, d]);
        if hosts.iter().all(|host| host.mac != mac) {
            return mac;
        }
        low = low.wrapping_add(1);
    }
}
