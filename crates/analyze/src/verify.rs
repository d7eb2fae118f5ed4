//! Questions of the policy's owner to a whole model, each with a yes or no and what led to it.

pub(crate) mod named;

mod isolation_check;
mod leak;
mod loops;
mod mtu;
mod reach;
mod stale;

pub use isolation_check::{isolation_check, radius_lines};
pub use leak::{Leak, ask_leaks, leak_check};
pub use loops::{BadRoute, RouteEnd, ask_routes, loops_check};
pub use mtu::{SafeMtu, ask_mtus, mtu_check};
pub use reach::{ReachPair, ask_reach, reach_check};
pub use stale::stale_check;
