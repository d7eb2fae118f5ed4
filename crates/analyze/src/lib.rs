//! Questions asked of policies and runs: why a frame did not arrive, which record decided, and
//! whether tenants stay apart.
//!
//! What it is: every answer comes from the one dataplane (through [`nvgre_sim::Model`]) or from the
//! tables as the hosts hold them, and points at the line that wrote what decided.
//!
//! What it is not: no second copy of the forwarding rules, no printing, no files.
//!
//! | file | holds |
//! |---|---|
//! | `converse.rs`, `resolve.rs` | [`converse`]: one guest talks to another, as their stacks would |
//! | `conversation.rs`, `probe.rs` | [`Conversation`]: what came of it; [`Probe`]: what was asked |
//! | `guest_frame.rs` | the frames that guests write and read |
//! | `isolation.rs`, `isolation/` | [`check_isolation`]: PROVED over all frames, or a frame that crosses |
//! | `verify.rs`, `verify/` | who reaches whom, leaks, MTUs, stale rows, loops: questions to a whole model, as checks |
//! | `near_miss.rs`, `near_miss_text.rs` | [`NearMiss`]: what nearly matched, and in words |
//! | `near_miss_search.rs`, `near_miss_search/` | [`near_misses`] finds it; a file for each kind of row |
//! | `question.rs` | what a host was asked about the frame that it dropped |
//! | `walk_step.rs`, `walk_step_text.rs` | [`walk_steps`]: a journey, one step a line |
//! | `verdict.rs` | how it ended, in words, and what decided |
//! | `names.rs` | [`Names`]: what things are called, and what is hidden from whom |
//! | `secrets.rs` | what texts for one tenant's eyes must not hold |
//! | `finding.rs` | [`Check`] and [`Finding`]: what was asked, what was found, and where it is written |
//! | `cross/` | [`cross_check`]: hosts beside each other, and what they disagree about |
//! | `diff/` | [`diff_models`]: what two states differ in; [`diff_behaviour`]: which guests that matters to, and which difference is to blame |
//! | `record_name.rs` | [`RecordName`]: what records of several hosts are matched by |
//! | `listed.rs` | names in a sentence |
#![forbid(unsafe_code)]

mod conversation;
mod converse;
mod cross;
mod diff;
mod finding;
mod guest_frame;
mod isolation;
mod listed;
mod names;
mod near_miss;
mod near_miss_search;
mod near_miss_text;
mod probe;
mod question;
mod record_name;
mod resolve;
mod secrets;
mod unused;
mod verdict;
mod verify;
mod walk_step;
mod walk_step_text;

pub use conversation::{
    AnsweredBy, Conversation, Failure, FrameKind, IpFamily, Leg, LegKind, Resolved, SentFrame,
};
pub use converse::{converse, converse_over, forwarded_by, let_through_by};
pub use cross::{
    About, Disagreement, Domain, GuestAt, HostCommand, RecordField, Remedy, RouteName, Side, What,
    cross_check, examine,
};
pub use diff::{
    BehaviourDiff, Change, ChangedProperty, Difference, Flip, Item, PairVerdict, Property,
    diff_behaviour, diff_estates, diff_models,
};
pub use finding::{Check, CheckOutcome, Finding, Severity};
pub use guest_frame::{DATA_LEN, ECHO_IDENTIFIER, GUEST_PORT, GUEST_TTL, ttl_in};
pub use isolation::{
    BlastEntry, Breach, Fabric, Fact, Ground, Holdings, ISOLATION_MODEL, Isolation, IsolationFacts,
    PolicyPart, TenantIndex, Witness, blast_radius, check_isolation,
};
pub use names::Names;
pub use near_miss::{NearMiss, Row, Runs};
pub use near_miss_search::{near_misses, near_misses_of, near_misses_of_address};
pub use probe::{NoProbe, Probe};
pub use record_name::RecordName;
pub use secrets::HIDDEN_FILE;
pub use verdict::{Decision, decision_of, failure_text, outcome_name};
pub use verify::{
    BadRoute, Leak, ReachPair, RouteEnd, SafeMtu, ask_leaks, ask_mtus, ask_reach, ask_routes,
    isolation_check, leak_check, loops_check, mtu_check, radius_lines, reach_check, stale_check,
};
pub use walk_step::{WalkStep, hop_steps, walk_steps};
