//! Frames and a policy snapshot in, verdicts out.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod acl;
mod customer_route;
mod lookup_record;
mod policy;
mod port;
mod provider;

pub use acl::{Acl, AclAction, AclDirection, AclRemote};
pub use customer_route::{CustomerRoute, RouteId};
pub use lookup_record::{LookupRecord, RecordId, RecordType, Rule};
pub use policy::{DEFAULT_ROUTER_MAC, Policy, PolicyError, PolicyWarning, Settings};
pub use port::{Port, PortId, PortSubnet};
pub use provider::{HostAddress, Neighbor, ProviderRoute};
