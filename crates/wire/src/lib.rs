//! Bytes to types and back, for NVGRE (RFC 7637) and everything it carries.
//!
//! What it is: checked views and writers for the headers that a network virtualization endpoint
//! meets, the ids that its tables are keyed with, checksum arithmetic for edits, the FlowID hash,
//! ECN combination, and [`FrameBuf`], the window over the caller's memory that grows to the front.
//!
//! What it is not: no tables, no decisions about frames, no input or output, no allocation, no
//! `unsafe`. A view checks lengths once, in `parse`; afterwards no getter can fail.
//!
//! | file | holds |
//! |---|---|
//! | `vsid.rs` | [`VirtualSubnetId`], [`FlowId`], [`NvgreKey`] |
//! | `mac.rs`, `address.rs`, `vlan.rs`, `routing_domain.rs` | the other ids; customer and provider addresses are two types |
//! | `frame_buf.rs` | [`FrameBuf`] and [`HEADROOM`] |
//! | `ethernet.rs` | Ethernet II, 802.1Q and 802.1ad tag stacks |
//! | `arp.rs`, `ipv4.rs`, `ipv6.rs`, `icmp.rs`, `ndp.rs`, `transport.rs` | one header (family) each |
//! | `gre.rs` | GRE (RFC 2784, 2890) and NVGRE |
//! | `checksum.rs` | RFC 1071 sums, RFC 1624 equation 3 updates |
//! | `flow.rs` | inner 5-tuple and the FlowID hash |
//! | `ecn.rs` | RFC 6040 tables |
//! | `error.rs` | [`ParseError`] |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod address;
mod arp;
pub mod checksum;
mod ecn;
mod error;
mod ethernet;
mod flow;
mod frame_buf;
mod gre;
mod icmp;
mod ipv4;
mod ipv6;
mod mac;
mod ndp;
mod routing_domain;
mod transport;
mod vlan;
mod vsid;

pub use address::{AddressError, CustomerAddress, CustomerPrefix, ProviderAddress, ProviderPrefix};
pub use arp::{Arp, ArpOperation};
pub use ecn::{Decapsulated as EcnDecapsulated, Ecn, decapsulate as ecn_decapsulate};
pub use error::{Layer, ParseError};
pub use ethernet::{EtherType, Ethernet, LinkHeader};
pub use flow::{FlowTuple, flow_id, flow_id_ipv4};
pub use frame_buf::{FrameBuf, HEADROOM, NoHeadroom};
pub use gre::{Gre, GreRefusal, Nvgre};
pub use icmp::{Icmpv4, Icmpv6, icmpv4, icmpv6};
pub use ipv4::{Fragment, Ipv4, Ipv4Repr};
pub use ipv6::{Ipv6, Ipv6Repr, UpperLayer};
pub use mac::{MacAddress, MacError};
pub use ndp::{NdpKind, NeighborDiscovery};
pub use routing_domain::{RoutingDomainError, RoutingDomainId};
pub use transport::{Tcp, Udp, ip_protocol};
pub use vlan::{VlanError, VlanId};
pub use vsid::{FlowId, NvgreKey, ReservedVsid, VirtualSubnetId};
