//! Which frames hosts may decide about side by side, in any order and at one time.
//!
//! A verdict depends on the policy and the frame alone, with few exceptions: rates, which depend on
//! the time and on the frames before; what hosts or underlay learned from the frames before; and
//! losses, which are drawn in order. Where none of these is in play, a batch comes to what its frames come to one by
//! one. It need not be known which rule of the dataplane decides, only what it cannot depend on.

use nvgre_dataplane::{LookupRecord, Policy, PortSubnet, RecordType, Rule};
use nvgre_wire::EtherType;

use crate::glance::ETHERNET_LEN;
use crate::observer::Ingress;
use crate::underlay::Underlay;

/// What encapsulation adds below the outer link header, in bytes: GRE 8 and IPv4 20 or IPv6 40.
const OVERHEAD_V4: usize = 28;
const OVERHEAD_V6: usize = 48;
/// Where packets behind an untagged link header keep TTL and hop limit.
const TTL_AT: usize = ETHERNET_LEN + 8;
const HOP_LIMIT_AT: usize = ETHERNET_LEN + 7;

/// What a network's policy leaves to be decided together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Together {
    /// Guests' frames of at most this many bytes, which no host can find too big. `None`: no frames.
    longest: Option<usize>,
    /// By port, whether its frames may.
    ports: Vec<bool>,
}

impl Together {
    /// Judges the policies of every host.
    pub(crate) fn of<'p>(policies: impl Iterator<Item = &'p Policy>, underlay: &Underlay) -> Self {
        let mut longest = (!underlay.loses()).then_some(usize::MAX);
        let mut ports = Vec::new();
        for policy in policies {
            for port in &policy.ports {
                let at = port.id.0 as usize;
                if ports.len() <= at {
                    ports.resize(at + 1, false);
                }
                // The underlay learns where the MACs of the others are.
                ports[at] = port.subnet != PortSubnet::Unset;
            }
            let limited = policy.ports.iter().any(|port| {
                port.maximum_bandwidth_bits_per_second > 0
                    || port.storm_limit_packets_per_second > 0
            });
            let learned_from = |record: &LookupRecord| {
                let l2_only = record.record_type == RecordType::L2Only;
                l2_only && record.rule == Rule::Encap || record.use_vm_mac
            };
            if limited || policy.records.iter().any(learned_from) {
                longest = None;
            }
            let v4 = policy
                .records
                .iter()
                .all(|record| record.provider_address.is_ipv4());
            let overhead = if v4 { OVERHEAD_V4 } else { OVERHEAD_V6 };
            let fits = usize::from(policy.settings.underlay_mtu_bytes).saturating_sub(overhead);
            longest = longest.map(|longest| longest.min(fits));
        }
        Self { longest, ports }
    }

    /// Whether a frame that enters here may. A guest's may if hosts answer it with no ICMP error,
    /// which they send at a rate; what comes from the underlay gets none.
    #[inline]
    pub(crate) fn covers(&self, ingress: Ingress, frame: &[u8]) -> bool {
        let Some(longest) = self.longest else {
            return false;
        };
        let Ingress::Port(port) = ingress else {
            return true;
        };
        let ttl_at = match frame.get(12..ETHERNET_LEN) {
            Some(&[a, b]) => match EtherType(u16::from_be_bytes([a, b])) {
                EtherType::IPV4 => Some(TTL_AT),
                EtherType::IPV6 => Some(HOP_LIMIT_AT),
                tag if tag.is_tag() => return false,
                _never_routed => None,
            },
            Some(_) | None => return false,
        };
        let live = ttl_at.is_none_or(|at| frame.get(at).is_some_and(|&ttl| ttl > 1));
        let known = self.ports.get(port.0 as usize) == Some(&true);
        live && known && frame.len() <= longest
    }
}
