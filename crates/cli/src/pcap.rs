//! `nvgre pcap`: what a capture holds, and what becomes of its NVGRE packets.
//!
//! | file | holds |
//! | --- | --- |
//! | `info.rs` | `nvgre pcap info` |
//! | `decap.rs`, `decap_text.rs` | `nvgre pcap decap`: verdicts; what it prints for people |
//! | `outermost_gre.rs` | whether a captured frame's outermost IP header carries GRE |

pub(crate) mod decap;
mod decap_text;
pub(crate) mod info;
mod outermost_gre;
