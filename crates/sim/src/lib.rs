//! Modeled hosts, underlay, guests, virtual clock, replay and the isolation oracle.
