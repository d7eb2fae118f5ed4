//! A scenario guessed from a capture: what it shows, what was made up, and what it left open.
//!
//! The guesses, each also a comment where it is written:
//!
//! - A subnet is a tenant of its own. Routes between subnets cannot be seen in a capture.
//! - Provider addresses behind one outer MAC are one host.
//! - A guest is an inner MAC within its subnet. It runs on the host that most of its frames came
//!   from; one that never sends, where most frames for it go.
//! - A customer address is the guest's that sent most frames from it.
//! - A MAC that sends from many addresses it does not claim by ARP or ND is a gateway.
//! - On-link prefixes are the shortest that hold the addresses seen: IPv4 /24 to /16, IPv6 /64.
//! - Without NVGRE, all guests are one tenant's, on one host.

use std::collections::BTreeMap;
use std::fmt;

use nvgre_dataplane::DropReason;
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId,
    VirtualSubnetId, VlanId,
};

pub use crate::skeleton::survey::Survey;

mod candidate;
pub(crate) mod guess;
mod host;
mod prefix;
mod survey;
mod text;

/// A scenario guessed from a capture, by [`Survey::finish`]. [`Skeleton::files`] writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// Frames read.
    pub frames: u64,
    /// Frames that hold NVGRE; 0 for a skeleton of bare frames.
    pub nvgre_frames: u64,
    /// GRE frames that no endpoint accepts: how many for which reason.
    pub refused: BTreeMap<DropReason, u64>,
    /// IP MTU of the underlay, in bytes: the longest packet seen fits, and 1,500 in any case.
    pub mtu_bytes: u16,
    /// Subnets by id; each is a tenant.
    pub subnets: Vec<SkeletonSubnet>,
    /// Hosts by their first provider address.
    pub hosts: Vec<SkeletonHost>,
    /// Guests by subnet and MAC.
    pub guests: Vec<SkeletonGuest>,
    /// On-link prefixes of the underlay.
    pub provider_prefixes: Vec<ProviderPrefix>,
    /// What the capture contradicts or leaves open.
    pub notes: Vec<SkeletonNote>,
}

/// A virtual subnet, and the tenant made up for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkeletonSubnet {
    /// Its id.
    pub virtual_subnet: VirtualSubnetId,
    /// Name of the tenant.
    pub tenant: String,
    /// Made up from the id, always the same.
    pub routing_domain: RoutingDomainId,
    /// Guessed on-link prefixes; they do not overlap.
    pub prefixes: Vec<CustomerPrefix>,
    /// The provider multicast group that its frames went to, if one did.
    pub bum_group: Option<ProviderAddress>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkeletonHost {
    /// "host-" and its first provider address, with '-' for ':'.
    pub name: String,
    /// MAC of its NIC.
    pub mac: MacAddress,
    /// Whether the capture shows the MAC; it is made up otherwise.
    pub mac_seen: bool,
    /// Its provider addresses: prefix lengths are guesses.
    pub provider_addresses: Vec<SkeletonProvider>,
}

/// A provider address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkeletonProvider {
    /// The address.
    pub address: ProviderAddress,
    /// Guessed length of its prefix, in bits.
    pub prefix_length: u8,
    /// The outermost tag of its frames.
    pub vlan: Option<VlanId>,
}

/// A guest with one network adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkeletonGuest {
    /// "vsid", its subnet, and its first address or else its MAC, with '-' for ':'.
    pub name: String,
    /// Its subnet.
    pub virtual_subnet: VirtualSubnetId,
    /// Its MAC.
    pub mac: MacAddress,
    /// Index of its host.
    pub host: usize,
    /// The provider address of its records.
    pub provider_address: ProviderAddress,
    /// Its addresses, those that others know it by first. May be empty.
    pub addresses: Vec<CustomerAddress>,
    /// Whether it looks like a gateway: it forwards for addresses that are not its own.
    pub is_gateway: bool,
    /// Frames it sent. 0: it is known from frames sent to it alone.
    pub frames_sent: u64,
    /// The first frame that shows it, from 1.
    pub first_frame: u64,
}

/// Something that the capture contradicts or leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkeletonNote {
    /// What, in one sentence.
    pub text: String,
    /// The first frame that shows it, from 1, if one does.
    pub frame: Option<u64>,
}

/// Why there is no skeleton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkeletonError {
    /// The capture has no frames.
    Empty,
    /// No frame shows a guest.
    NoGuest,
    /// There is GRE, and none of it is NVGRE that an endpoint accepts: frames for each reason, and
    /// the first of them.
    Refused(BTreeMap<DropReason, (u64, u64)>),
}

impl fmt::Display for SkeletonNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.frame {
            Some(frame) => write!(f, " (frame {frame})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for SkeletonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the capture has no frames"),
            Self::NoGuest => f.write_str(
                "no frame shows a guest: neither NVGRE nor an untagged Ethernet frame with an address",
            ),
            Self::Refused(reasons) => {
                f.write_str("no GRE frame is NVGRE that an endpoint accepts:")?;
                for (index, (reason, (frames, first))) in reasons.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma} {reason} {frames} (first frame {first})")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for SkeletonError {}
