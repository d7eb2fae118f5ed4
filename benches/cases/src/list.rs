//! The list of cases. Ids read as a path: what is done, to which frames, and what is special.

use crate::flows::{To, Transport};
use crate::guests::Family;
use crate::scene::{By, ENCAP, MILLION, Path, Scene, Size};
use crate::world::Rules;

/// A case under its name.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name, the same wherever it is measured.
    pub id: &'static str,
    /// The hand loop that it is held against; none for the loops themselves.
    pub limit: Option<&'static str>,
    /// Another case of ours that it differs from in one thing.
    pub peer: Option<&'static str>,
    /// What it is.
    pub scene: Scene,
}

/// The loop that most are held against.
pub(crate) const LIMIT: &str = "limit/encap/ipv4/64B";
/// The case that is also measured beside edits.
pub(crate) const MILLION_PEER: &str = "encap/ipv4/64B/1M-records";
const LIMIT_1500: &str = "limit/encap/ipv4/1500B";
const LIMIT_1M: &str = "limit/encap/ipv4/64B/1M-records";
const LIMIT_COPIED: &str = "limit/copied/encap/ipv4/64B";
const LIMIT_COPIED_1500: &str = "limit/copied/encap/ipv4/1500B";

const DECAP: Scene = Scene {
    path: Path::In,
    ..ENCAP
};
const NAT_OUT: Scene = Scene {
    rules: Rules::Nat,
    ..ENCAP
};
const NAT_IN: Scene = Scene {
    path: Path::In,
    ..NAT_OUT
};

const fn long(scene: Scene) -> Scene {
    Scene {
        size: Size::B1500,
        ..scene
    }
}

const fn tcp(scene: Scene) -> Scene {
    Scene {
        transport: Transport::Tcp,
        ..scene
    }
}

const fn to(to: To) -> Scene {
    Scene {
        path: Path::Out(to),
        ..ENCAP
    }
}

const fn by(by: By, scene: Scene) -> Scene {
    Scene { by, ..scene }
}

const fn flows(flows: u32, scene: Scene) -> Scene {
    Scene { flows, ..scene }
}

const fn copied(scene: Scene) -> Scene {
    Scene {
        copied: true,
        ..scene
    }
}

const fn limit(id: &'static str, scene: Scene) -> Case {
    Case {
        id,
        limit: None,
        peer: None,
        scene,
    }
}

const fn case(
    id: &'static str,
    limit: &'static str,
    peer: Option<&'static str>,
    scene: Scene,
) -> Case {
    Case {
        id,
        limit: Some(limit),
        peer,
        scene,
    }
}

/// All of them, those that others are held against first.
pub const CASES: &[Case] = &[
    limit(LIMIT, by(By::Fused, ENCAP)),
    limit(LIMIT_1500, by(By::Fused, long(ENCAP))),
    limit(LIMIT_1M, by(By::Staged, MILLION)),
    limit(LIMIT_COPIED, by(By::Fused, copied(ENCAP))),
    limit(LIMIT_COPIED_1500, by(By::Fused, copied(long(ENCAP)))),
    // Onto the underlay.
    case("encap/ipv4/64B", LIMIT, None, ENCAP),
    case("encap/ipv4/1500B", LIMIT_1500, None, long(ENCAP)),
    case(MILLION_PEER, LIMIT_1M, Some("encap/ipv4/64B"), MILLION),
    case(
        "encap/ipv4/64B/20000-flows",
        LIMIT,
        Some("encap/ipv4/64B"),
        flows(20_000, ENCAP),
    ),
    case(
        "encap/ipv4/64B/100000-flows",
        LIMIT,
        Some("encap/ipv4/64B"),
        flows(100_000, ENCAP),
    ),
    case(
        "encap/ipv6/78B",
        LIMIT,
        Some("encap/ipv4/64B"),
        Scene {
            family: Family::V6,
            size: Size::B78,
            ..ENCAP
        },
    ),
    // Out of it again.
    case("decap/ipv4/64B", LIMIT, None, DECAP),
    case("decap/ipv4/1500B", LIMIT_1500, None, long(DECAP)),
    // IP rewrite.
    case("nat/udp/64B/out", LIMIT, None, NAT_OUT),
    case("nat/udp/64B/in", LIMIT, None, NAT_IN),
    case("nat/udp/1500B/out", LIMIT_1500, None, long(NAT_OUT)),
    case("nat/udp/1500B/in", LIMIT_1500, None, long(NAT_IN)),
    case("nat/tcp/64B/out", LIMIT, None, tcp(NAT_OUT)),
    case("nat/tcp/64B/in", LIMIT, None, tcp(NAT_IN)),
    case("nat/tcp/1500B/out", LIMIT_1500, None, long(tcp(NAT_OUT))),
    case("nat/tcp/1500B/in", LIMIT_1500, None, long(tcp(NAT_IN))),
    // On the host.
    case("local/64B", LIMIT, None, to(To::Neighbor)),
    case("routed/64B", LIMIT, None, to(To::Routed)),
    case("drop/no_lookup_record", LIMIT, None, to(To::Nobody)),
    // Everything at once.
    case(
        "mixed/imix",
        LIMIT,
        None,
        Scene {
            rules: Rules::Mixed,
            size: Size::Imix,
            flows: 10_000,
            path: Path::OutMixed,
            ..ENCAP
        },
    ),
    // A frame at a time.
    case(
        "single/encap/ipv4/64B",
        LIMIT,
        Some("encap/ipv4/64B"),
        by(By::Single, ENCAP),
    ),
    case(
        "single/encap/ipv4/1500B",
        LIMIT_1500,
        Some("encap/ipv4/1500B"),
        by(By::Single, long(ENCAP)),
    ),
    case(
        "single/decap/ipv4/64B",
        LIMIT,
        Some("decap/ipv4/64B"),
        by(By::Single, DECAP),
    ),
    case(
        "single/nat/udp/64B/out",
        LIMIT,
        Some("nat/udp/64B/out"),
        by(By::Single, NAT_OUT),
    ),
    case(
        "single/nat/udp/64B/in",
        LIMIT,
        Some("nat/udp/64B/in"),
        by(By::Single, NAT_IN),
    ),
    case(
        "single/local/64B",
        LIMIT,
        Some("local/64B"),
        by(By::Single, to(To::Neighbor)),
    ),
    case(
        "single/routed/64B",
        LIMIT,
        Some("routed/64B"),
        by(By::Single, to(To::Routed)),
    ),
    case(
        "single/drop/no_lookup_record",
        LIMIT,
        Some("drop/no_lookup_record"),
        by(By::Single, to(To::Nobody)),
    ),
    // Copied in first, as peers that own their buffers do.
    case(
        "copied/encap/ipv4/64B",
        LIMIT_COPIED,
        Some("encap/ipv4/64B"),
        copied(ENCAP),
    ),
    case(
        "copied/encap/ipv4/1500B",
        LIMIT_COPIED_1500,
        Some("encap/ipv4/1500B"),
        copied(long(ENCAP)),
    ),
    case(
        "copied/encap/ipv4/64B/20000-flows",
        LIMIT_COPIED,
        Some("copied/encap/ipv4/64B"),
        copied(flows(20_000, ENCAP)),
    ),
    case(
        "copied/decap/ipv4/64B",
        LIMIT_COPIED,
        Some("decap/ipv4/64B"),
        copied(DECAP),
    ),
    case(
        "copied/decap/ipv4/1500B",
        LIMIT_COPIED_1500,
        Some("decap/ipv4/1500B"),
        copied(long(DECAP)),
    ),
    case(
        "copied/decap/ipv4/64B/20000-flows",
        LIMIT_COPIED,
        Some("copied/decap/ipv4/64B"),
        copied(flows(20_000, DECAP)),
    ),
    case(
        "copied/nat/udp/64B/out",
        LIMIT_COPIED,
        Some("nat/udp/64B/out"),
        copied(NAT_OUT),
    ),
    case(
        "copied/nat/udp/64B/in",
        LIMIT_COPIED,
        Some("nat/udp/64B/in"),
        copied(NAT_IN),
    ),
    case(
        "copied/nat/udp/1500B/out",
        LIMIT_COPIED_1500,
        Some("nat/udp/1500B/out"),
        copied(long(NAT_OUT)),
    ),
    case(
        "copied/nat/udp/1500B/in",
        LIMIT_COPIED_1500,
        Some("nat/udp/1500B/in"),
        copied(long(NAT_IN)),
    ),
    case(
        "copied/nat/udp/64B/out/20000-flows",
        LIMIT_COPIED,
        Some("copied/nat/udp/64B/out"),
        copied(flows(20_000, NAT_OUT)),
    ),
];

/// The case of this name.
pub fn case_of(id: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.id == id)
}

/// Cases whose instructions are counted, in this order.
pub const COUNTED: &[&str] = &[
    LIMIT,
    LIMIT_1M,
    "encap/ipv4/64B",
    "encap/ipv4/1500B",
    MILLION_PEER,
    "encap/ipv6/78B",
    "decap/ipv4/64B",
    "decap/ipv4/1500B",
    "nat/udp/64B/out",
    "nat/udp/64B/in",
    "nat/tcp/64B/out",
    "nat/tcp/64B/in",
    "local/64B",
    "routed/64B",
    "drop/no_lookup_record",
    "mixed/imix",
    "single/encap/ipv4/64B",
    "single/decap/ipv4/64B",
    "single/nat/udp/64B/out",
    "single/nat/udp/64B/in",
    "single/local/64B",
    "single/routed/64B",
    "single/drop/no_lookup_record",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_name_each_other() {
        let ids: BTreeSet<_> = CASES.iter().map(|case| case.id).collect();
        assert_eq!(ids.len(), CASES.len());
        let named = CASES.iter().flat_map(|case| [case.limit, case.peer]);
        for id in named.flatten().chain(COUNTED.iter().copied()) {
            assert!(ids.contains(id), "{id}");
        }
    }
}
