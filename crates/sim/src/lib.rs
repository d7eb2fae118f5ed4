//! Modeled hosts, underlay, guests, virtual clock, replay and the isolation oracle.
#![forbid(unsafe_code)]

mod clock;
mod guest;
mod guest_address;
mod guest_claim;
mod guest_device;
mod guest_echo;

pub use clock::{EventQueue, SimTime};
pub use guest::{Conflict, Guest, PingError};
