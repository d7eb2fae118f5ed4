//! Port ACLs (Add-VMNetworkAdapterAcl), asked about what a guest sends and what it is sent.

mod common;

use std::net::Ipv4Addr;

use common::*;
use nvgre_dataplane::{
    Acl,
    AclAction::{self, Allow, Deny},
    AclDirection::{self, Inbound, Outbound},
    AclRemote, DropReason, PortId, Verdict,
};
use nvgre_wire::MacAddress;

fn acl(action: AclAction, direction: AclDirection, prefix: &str) -> Acl {
    Acl {
        action,
        direction,
        remote: AclRemote::Prefix(prefix.parse().expect("a prefix")),
    }
}

fn mac_acl(action: AclAction, direction: AclDirection, mac: MacAddress) -> Acl {
    Acl {
        action,
        direction,
        remote: AclRemote::Mac(mac),
    }
}

/// Whether Blue 1 with these ACLs reaches Blue 3 (10.0.0.9), over IPv4.
fn passes(acls: &[Acl]) -> bool {
    let mut host = host_with(BLUE1, |port| port.acls = acls.to_vec());
    let sent = host.send(0, &ping(BLUE1, BLUE3));
    match sent.verdict {
        Verdict::Deliver(PortId(1)) => true,
        Verdict::Drop(DropReason::AclDenied) => false,
        _ => panic!("neither\n{sent}"),
    }
}

#[test]
fn the_longest_prefix_of_the_acls_decides_and_deny_wins_a_tie() {
    for (acls, expected) in [
        (vec![], true),
        (vec![acl(Deny, Outbound, "0.0.0.0/0")], false),
        (vec![acl(Deny, Outbound, "10.0.0.9/32")], false),
        (vec![acl(Deny, Outbound, "10.0.0.8/32")], true),
        (vec![acl(Deny, Outbound, "::/0")], true),
        (
            vec![
                acl(Deny, Outbound, "0.0.0.0/0"),
                acl(Allow, Outbound, "10.0.0.0/24"),
            ],
            true,
        ),
        (
            vec![
                acl(Allow, Outbound, "10.0.0.0/24"),
                acl(Deny, Outbound, "10.0.0.8/29"),
            ],
            false,
        ),
        (
            vec![
                acl(Allow, Outbound, "10.0.0.9/32"),
                acl(Deny, Outbound, "10.0.0.8/29"),
                acl(Allow, Outbound, "10.0.0.0/8"),
            ],
            true,
        ),
        (
            vec![
                acl(Allow, Outbound, "10.0.0.0/24"),
                acl(Deny, Outbound, "10.0.0.0/24"),
            ],
            false,
        ),
        // Allow alone denies nobody else.
        (vec![acl(Allow, Outbound, "192.0.2.0/24")], true),
        // The other direction is not asked.
        (vec![acl(Deny, Inbound, "0.0.0.0/0")], true),
    ] {
        assert_eq!(passes(&acls), expected, "{acls:?}");
        let reversed: Vec<_> = acls.iter().rev().copied().collect();
        assert_eq!(
            passes(&reversed),
            expected,
            "order must not matter: {reversed:?}"
        );
    }
}

#[test]
fn a_denied_mac_is_denied_before_any_prefix_is_asked() {
    let allow_all = acl(Allow, Outbound, "10.0.0.9/32");
    assert!(!passes(&[mac_acl(Deny, Outbound, BLUE3.mac), allow_all]));
    assert!(!passes(&[allow_all, mac_acl(Deny, Outbound, BLUE3.mac)]));
    assert!(passes(&[mac_acl(Deny, Outbound, BLUE2.mac)]));
    // An allowed MAC is no exception from a denied prefix.
    let deny_all = acl(Deny, Outbound, "0.0.0.0/0");
    assert!(!passes(&[mac_acl(Allow, Outbound, BLUE3.mac), deny_all]));
}

#[test]
fn prefixes_of_acls_say_nothing_about_frames_without_ip() {
    let mut host = host_with(BLUE1, |port| {
        port.acls = vec![
            acl(Deny, Outbound, "0.0.0.0/0"),
            acl(Deny, Outbound, "::/0"),
        ];
    });
    let lldp = ethernet(BLUE3.mac, BLUE1.mac, LLDP, &[0; 46]);
    host.send(0, &lldp).assert_delivered(BLUE3.port, &lldp);
    host.send(0, &arp_reply(BLUE1, BLUE3))
        .assert_delivered(BLUE3.port, &arp_reply(BLUE1, BLUE3));
    host.send(0, &ping6(BLUE1, BLUE3))
        .assert_dropped(DropReason::AclDenied);
}

/// Inbound: the remote side is the source.
#[test]
fn the_receivers_acl_is_asked_wherever_the_frame_comes_from() {
    let deny = |who: Guest| vec![acl(Deny, Inbound, &format!("{}/32", who.v4))];
    // From a neighbor on the host.
    host_with(BLUE3, |port| port.acls = deny(BLUE1))
        .send(0, &ping(BLUE1, BLUE3))
        .assert_dropped(DropReason::AclDenied);
    host_with(BLUE3, |port| port.acls = deny(BLUE2))
        .send(0, &ping(BLUE1, BLUE3))
        .assert_delivered(BLUE3.port, &ping(BLUE1, BLUE3));
    // From another host.
    let from_host_1 = nvgre(
        (host_mac(0), host_v4(0)),
        (host_mac(1), host_v4(1)),
        (BLUE, 0),
        &ping(BLUE2, BLUE3),
    );
    host_with(BLUE3, |port| port.acls = deny(BLUE2))
        .receive(&from_host_1)
        .assert_dropped(DropReason::AclDenied);
    host_with(BLUE3, |port| port.acls = deny(BLUE1))
        .receive(&from_host_1)
        .assert_delivered(BLUE3.port, &ping(BLUE2, BLUE3));
}

/// A routed frame has the router's MAC, on this host as on any other.
#[test]
fn the_receivers_mac_acl_sees_the_router_behind_a_routed_frame() {
    let routed = ip_frame(
        ROUTER,
        BLUE1.mac,
        &Ip::new(BLUE1.v4, BLUE_B1.v4).echo(b"routed"),
    );
    host_with(BLUE_B1, |port| {
        port.acls = vec![mac_acl(Deny, Inbound, ROUTER)]
    })
    .send(0, &routed)
    .assert_dropped(DropReason::AclDenied);
    host_with(BLUE_B1, |port| {
        port.acls = vec![mac_acl(Deny, Inbound, BLUE1.mac)]
    })
    .send(0, &routed)
    .assert_verdict(Verdict::Deliver(PortId(BLUE_B1.port)));
    host_with(BLUE_B1, |port| {
        port.acls = vec![acl(Deny, Inbound, &format!("{}/32", BLUE1.v4))];
    })
    .send(0, &routed)
    .assert_dropped(DropReason::AclDenied);
}

/// A port that denies a broadcast gets no copy; the others get theirs.
#[test]
fn a_flood_passes_by_ports_that_deny_it() {
    let group: Ipv4Addr = [224, 0, 0, 251].into();
    let packet = Ip::new(BLUE1.v4, group).udp((5_353, 5_353), b"who is there");
    let frame = ip_frame(mac("01-00-5e-00-00-fb"), BLUE1.mac, &packet);
    let mut open = host_with(BLUE3, |_| {});
    open.send(0, &frame).assert_verdict(Verdict::Replicated(2));
    let mut closed = host_with(BLUE3, |port| {
        port.acls = vec![acl(Deny, Inbound, "10.0.0.5/32")];
    });
    let sent = closed.send(0, &frame);
    sent.assert_verdict(Verdict::Uplink);
    assert_eq!(
        closed
            .worker
            .counters()
            .port(PortId(BLUE3.port))
            .received_frames,
        0
    );
}
