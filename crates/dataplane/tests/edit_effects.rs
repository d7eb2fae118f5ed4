//! What follows an edit of a record besides the record itself: where floods go, what is learned, which
//! wildcard is in force, who may send, and who a guest may speak as.

mod common;

use std::sync::Arc;

use common::*;
use nvgre_dataplane::{
    DropReason, Event, LookupRecord, Port, PortId, RecordId, Rule, Snapshot, Verdict,
};
use nvgre_wire::MacAddress;

/// The hosts that a broadcast of Blue 1 is carried to, in the order of their addresses.
fn flooded(snapshot: &Arc<Snapshot>, frame: &[u8]) -> Vec<std::net::IpAddr> {
    let sent = blue1_sends(snapshot, frame);
    let mut hosts: Vec<_> = sent.uplinks().map(|p| read_nvgre(p).destination).collect();
    hosts.sort_unstable();
    hosts
}

fn broadcast() -> Vec<u8> {
    ethernet(BROADCAST, BLUE1.mac, LLDP, &[0; 46])
}

#[test]
fn floods_go_to_a_host_from_its_first_record_in_the_subnet_to_its_last() {
    let mut edited = host0();
    let (at_2, at_2_too) = (stranger(77), stranger(78));
    let mut hosts_after = |edit| {
        edited.edit(edit).unwrap();
        flooded(&edited.publish().1, &broadcast())
    };
    let [one, two] = [host_v4(1).ip(), host_v4(2).ip()];
    assert_eq!(hosts_after(Edit::Insert(at_2)), [one, two]);
    assert_eq!(hosts_after(Edit::Insert(at_2_too)), [one, two]);
    assert_eq!(hosts_after(Edit::Remove(at_2)), [one, two]);
    let no_copies = LookupRecord {
        rule: Rule::None,
        ..at_2_too
    };
    assert_eq!(hosts_after(Edit::Replace(no_copies)), [one]);
    assert_eq!(hosts_after(Edit::Replace(at_2_too)), [one, two]);
    assert_eq!(hosts_after(Edit::Remove(at_2_too)), [one]);
}

#[test]
fn unknown_addresses_are_asked_for_and_learned_while_an_l2_only_record_is_there() {
    let mut edited = host0();
    let learning = l2_only(900, BLUE, stranger(77).mac, host_v4(2));
    let question = arp_request(BLUE1, "10.0.0.77".parse().unwrap());
    let shown = nvgre(
        (host_mac(0), host_v4(0)),
        (host_mac(2), host_v4(2)),
        (BLUE, 0),
        &ip_frame(
            BLUE1.mac,
            learning.mac,
            &Ip::new(ip("10.0.0.77"), BLUE1.v4).udp((1, 2), b"x"),
        ),
    );
    let mut after = |edit| {
        edited.edit(edit).unwrap();
        let snapshot = edited.publish().1;
        let learned = host0_receives(&snapshot, &shown).learned.len();
        (flooded(&snapshot, &question).len(), learned)
    };
    assert_eq!(after(Edit::Insert(learning)), (1, 1));
    // What was learned is known: answered, and not learned again.
    assert_eq!(after(Edit::Insert(stranger(77))), (0, 0));
    assert_eq!(after(Edit::Remove(stranger(77))), (1, 1));
    assert_eq!(after(Edit::Remove(learning)), (0, 0));
}

#[test]
fn of_several_wildcards_the_lowest_id_is_in_force_until_it_goes() {
    let mut edited = host0();
    // Out of the domain's own prefixes, by way of the router.
    let packet = Ip::new(BLUE1.v4, ip("203.0.113.5")).udp((1, 2), b"x");
    let frame = ip_frame(ROUTER, BLUE1.mac, &packet);
    let gateway = |id, host| {
        let mac = MacAddress::new([6, 6, 0, 0, 9, id as u8]);
        wildcard(id, BLUE, "0.0.0.0", mac, host_v4(host))
    };
    let mut after = |edit| {
        edited.edit(edit).unwrap();
        let sent = blue1_sends(&edited.publish().1, &frame);
        (sent.verdict == Verdict::Uplink).then(|| read_nvgre(&sent.frame).destination)
    };
    let at = |host| Some(host_v4(host).ip());
    assert_eq!(after(Edit::Insert(gateway(210, 2))), at(2));
    assert_eq!(after(Edit::Insert(gateway(205, 3))), at(3));
    assert_eq!(after(Edit::Insert(gateway(215, 1))), at(3));
    assert_eq!(after(Edit::Remove(gateway(205, 3))), at(2));
    assert_eq!(after(Edit::Remove(gateway(210, 2))), at(1));
    assert_eq!(after(Edit::Remove(gateway(215, 1))), None);
}

#[test]
fn a_host_may_send_while_a_record_of_the_domain_names_it() {
    let mut edited = host0();
    let inner = ethernet(BLUE1.mac, stranger(77).mac, LLDP, &[0; 46]);
    let packet = nvgre(
        (host_mac(0), host_v4(0)),
        (host_mac(2), host_v4(2)),
        (BLUE, 0),
        &inner,
    );
    let mut verdict_after = |edit| {
        edited.edit(edit).unwrap();
        host0_receives(&edited.publish().1, &packet).verdict
    };
    let in_red = LookupRecord {
        virtual_subnet: vsid(RED),
        ..stranger(79)
    };
    let elsewhere = LookupRecord {
        virtual_subnet: vsid(BLUE_B),
        ..stranger(78)
    };
    let taken = Verdict::Deliver(PortId(BLUE1.port));
    let unknown = Verdict::Drop(DropReason::UnknownPeer);
    assert_eq!(verdict_after(Edit::Insert(in_red)), unknown);
    assert_eq!(verdict_after(Edit::Insert(stranger(77))), taken);
    assert_eq!(verdict_after(Edit::Insert(elsewhere)), taken);
    assert_eq!(verdict_after(Edit::Remove(stranger(77))), taken);
    assert_eq!(verdict_after(Edit::Remove(elsewhere)), unknown);
}

#[test]
fn a_guest_speaks_by_its_own_record_as_long_as_it_is_there() {
    let mut edited = host0();
    let (_, before) = edited.publish();
    let own = encap(0, BLUE, BLUE1.ca(true), BLUE1.mac, host_v4(0));
    edited.edit(Edit::Remove(own)).unwrap();
    let (_, after) = edited.publish();
    blue1_sends(&after, &ping(BLUE1, BLUE2)).assert_dropped(DropReason::NoSourceRecord);
    // Its other address is its own still, and so is this one in what was published before.
    blue1_sends(&after, &ping6(BLUE1, BLUE2)).uplink();
    blue1_sends(&before, &ping(BLUE1, BLUE2)).uplink();
    let named = LookupRecord {
        id: RecordId(905),
        ..own
    };
    edited.edit(Edit::Insert(named)).unwrap();
    let sent = blue1_sends(&edited.publish().1, &ping(BLUE1, BLUE2));
    sent.assert_step(Event::SourceAsked {
        virtual_subnet: vsid(BLUE),
        customer_address: Some(BLUE1.ca(true)),
        mac: BLUE1.mac,
        hit: Some(RecordId(905)),
    });
}

/// Pass-through ports may not speak as a provider address that this host knows, and it knows one while
/// a record names it.
#[test]
fn a_provider_address_is_forged_while_a_record_names_it() {
    let mut policy = sample_policy(Carriage::EncapV4, 0);
    let plain = MacAddress::new([2, 0, 0, 0, 0, 10]);
    policy.ports.push(Port::new(PortId(10), plain));
    let mut edited = Edited::new(policy);
    let packet = Ip::new(ip("192.168.9.9"), ip("192.168.4.99")).udp((1, 2), b"wire");
    let frame = ip_frame(host_mac(3), plain, &packet);
    let mut verdict_after = |edit| {
        edited.edit(edit).unwrap();
        let (policy, snapshot) = edited.publish();
        Host::with(policy, snapshot).send(10, &frame).verdict
    };
    let forged = Verdict::Drop(DropReason::ProviderAddressSpoofed);
    let provider_address = pa("192.168.9.9");
    let one = LookupRecord {
        provider_address,
        ..stranger(77)
    };
    // Of a subnet that is in no domain.
    let other = LookupRecord {
        virtual_subnet: vsid(STRAY),
        ..one
    };
    assert_eq!(verdict_after(Edit::Insert(one)), forged);
    assert_eq!(verdict_after(Edit::Insert(other)), forged);
    assert_eq!(verdict_after(Edit::Remove(one)), forged);
    assert_eq!(verdict_after(Edit::Remove(other)), Verdict::Uplink);
    assert_eq!(verdict_after(Edit::Insert(other)), forged);
}
