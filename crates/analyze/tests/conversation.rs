//! Guests talk as their stacks would, and what goes wrong is told with the leg it went wrong in.

mod common;

use common::*;
use nvgre_analyze::{AnsweredBy, Failure, FrameKind, LegKind, Probe, converse};
use nvgre_dataplane::{DropReason, LookupRecord, RecordType};
use nvgre_sim::Model;

fn story(stage: &str) -> Model {
    case("waldorf-statler", stage)
}

fn place(model: &Model, conversation: &nvgre_analyze::Conversation) -> Option<String> {
    let (host, record) = conversation.decided_by.record?;
    model.place_of_record(host, record).map(ToString::to_string)
}

#[test]
fn on_one_switch_the_guests_answer_each_other() {
    let mut model = story("vsid");
    let talk = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    assert!(talk.is_answered(), "{talk:#?}");
    assert!(talk.crossed.is_empty());
    let kinds: Vec<_> = talk.legs.iter().map(|leg| leg.kind).collect();
    assert_eq!(
        kinds,
        [
            LegKind::Resolve,
            LegKind::Request,
            LegKind::ResolveBack,
            LegKind::Reply
        ]
    );
    let (red11, red22) = (guest(&model, "Red11"), guest(&model, "Red22"));
    let by = |kind| {
        talk.leg(kind)
            .and_then(|leg| leg.resolved)
            .expect("resolved")
            .by
    };
    assert_eq!(by(LegKind::Resolve), AnsweredBy::Guest(red22));
    assert_eq!(by(LegKind::ResolveBack), AnsweredBy::Question(red11));
    assert_eq!(place(&model, &talk), None, "no record was needed");
}

#[test]
fn between_hosts_the_host_answers_for_the_records() {
    let mut model = story("wnv");
    for probe in [
        Probe::Icmp,
        Probe::Tcp { port: 443 },
        Probe::Udp { port: 53 },
    ] {
        let talk = talk(&mut model, "Red11", "Red22", probe);
        assert!(talk.is_answered(), "{talk:#?}");
        let by = |kind| {
            talk.leg(kind)
                .and_then(|leg| leg.resolved)
                .expect("resolved")
                .by
        };
        assert_eq!(by(LegKind::Resolve), AnsweredBy::Host(0));
        assert_eq!(by(LegKind::ResolveBack), AnsweredBy::Host(1));
        assert_eq!(
            place(&model, &talk).as_deref(),
            Some("policy/4-wnv.ps1:43:1")
        );
    }
}

#[test]
fn a_wrong_provider_address_is_found_with_the_line_that_wrote_it() {
    let mut model = story("broken");
    let talk = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    let failure = Failure::Dropped {
        reason: DropReason::UnderlayNoOwner,
        host: 0,
    };
    assert_eq!(talk.failure, Some((LegKind::Request, failure)));
    assert_eq!(talk.reason(), "underlay_no_owner");
    assert_eq!(
        place(&model, &talk).as_deref(),
        Some("policy/5-broken.ps1:12:1")
    );
}

#[test]
fn without_virtualization_the_question_does_not_leave_the_host() {
    let mut model = story("moved");
    let talk = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    let failure = Failure::Dropped {
        reason: DropReason::WnvUnbound,
        host: 0,
    };
    assert_eq!(talk.failure, Some((LegKind::Resolve, failure)));
}

#[test]
fn two_owners_of_one_address_are_a_conflict_and_tenants_meet() {
    let mut model = story("no-vsid");
    let talk = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    let Some((LegKind::Resolve, Failure::AddressConflict { guests, .. })) = &talk.failure else {
        panic!("a conflict: {talk:#?}");
    };
    assert!(!guests.is_empty());
    // Both of Blue hear Red11's question, and Red11 the answer of one.
    let crossed = ["Red11", "Blue11", "Blue22"].map(|name| guest(&model, name));
    assert_eq!(talk.crossed, crossed);
}

#[test]
fn only_one_tenants_fault_is_felt() {
    for stage in ["vsid", "moved", "wnv", "broken", "repaired"] {
        let mut model = story(stage);
        let talk = talk(&mut model, "Blue11", "Blue22", Probe::Icmp);
        assert!(talk.is_answered(), "{stage}: {talk:#?}");
        assert!(talk.crossed.is_empty(), "{stage}");
    }
    let mut model = story("repaired");
    assert!(talk(&mut model, "Red11", "Red22", Probe::Icmp).is_answered());
}

#[test]
fn tenants_do_not_find_each_other() {
    // Blue22's address is Red22's too: Red11 gets its own tenant's.
    let mut model = story("wnv");
    let talk = talk(&mut model, "Red11", "Blue22", Probe::Icmp);
    let red22 = guest(&model, "Red22");
    let failure = Failure::WrongGuest { guest: red22 };
    assert_eq!(talk.failure, Some((LegKind::Request, failure)));
    assert!(talk.crossed.is_empty());
}

#[test]
fn the_built_in_router_is_asked_by_way_of_the_gateway() {
    let mut model = case("gateway", "closed");
    let talk = talk(&mut model, "Web", "Data", Probe::Tcp { port: 1433 });
    assert!(talk.is_answered(), "{talk:#?}");
    let question = talk.leg(LegKind::Resolve).expect("a leg").frames[0].kind;
    let gateway = "10.0.1.1".parse().expect("an address");
    assert_eq!(question, FrameKind::Question(gateway));
    let (_, _, delivered) = talk.leg(LegKind::Request).expect("a leg").frames[0]
        .journey
        .deliveries()
        .next()
        .expect("delivered");
    assert_eq!(
        nvgre_analyze::ttl_in(delivered),
        Some(nvgre_analyze::GUEST_TTL - 1)
    );
}

#[test]
fn a_gateway_case_ends_as_its_probes_do() {
    for stage in ["closed", "default-route", "wildcard"] {
        let mut model = case("gateway", stage);
        let mut stages = model.scenario().stages.iter();
        let told = stages
            .find(|s| s.name == stage)
            .expect("a stage")
            .probes
            .clone();
        for probe in told {
            let talk = converse(&mut model.trial(), probe.from, probe.to, Probe::Icmp);
            let expected = match probe.expect {
                nvgre_sim::scenario::Expectation::Ok => "answered",
                nvgre_sim::scenario::Expectation::AddressConflict => "address_conflict",
                nvgre_sim::scenario::Expectation::Dropped(reason) => reason.name(),
            };
            assert_eq!(talk.reason(), expected, "{stage}: {talk:#?}");
        }
    }
}

#[test]
fn rewriting_carries_a_conversation_and_mixed_rules_do_not() {
    let mut model = case("nat", "rewritten");
    for (from, to) in [("Red1", "Red2"), ("Blue2", "Blue1")] {
        let talk = talk(&mut model, from, to, Probe::Udp { port: 53 });
        assert!(talk.is_answered(), "{talk:#?}");
    }
    let mut model = case("nat", "mixed-rules");
    let talk = talk(&mut model, "Blue2", "Blue1", Probe::Icmp);
    assert_eq!(talk.reason(), "nat_no_source");
}

#[test]
fn a_lost_reply_is_the_replys_fault() {
    // Waldorf is never told where Red11 is.
    let mut model = edited("waldorf-statler", "wnv", &|file, text| {
        if file == "policy/4-wnv.ps1" {
            let (local, remote) = text.split_once("#### Remote").expect("two parts");
            let gone = remote.lines().enumerate();
            let red11 = remote
                .lines()
                .position(|line| line.contains("192.168.1.11\" -VirtualSubnetID $redVsid"));
            let red11 = red11.expect("a record");
            let kept = gone.filter(|&(at, _)| at != red11 && at != red11 + 1);
            let kept: Vec<_> = kept.map(|(_, line)| line).collect();
            format!("{local}#### Remote{}", kept.join("\n"))
        } else {
            text
        }
    });
    let talk = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    let (leg, failure) = talk.failure.as_ref().expect("it fails");
    assert_eq!(*leg, LegKind::ResolveBack, "{talk:#?}");
    assert_eq!(failure.name(), "no_lookup_record");
}

/// IPv6 only: neighbor solicitation instead of ARP.
#[test]
fn ipv6_guests_talk_by_neighbor_discovery() {
    let v6_only = |file: &str, text: String| match file {
        "scenario.toml" => text
            .replace("\"192.168.1.11/24\", ", "")
            .replace("\"192.168.1.22/24\", ", ""),
        _ => text,
    };
    for (stage, owner) in [("vsid", None), ("wnv", Some(0))] {
        let mut model = edited("waldorf-statler", stage, &v6_only);
        for probe in [
            Probe::Icmp,
            Probe::Tcp { port: 22 },
            Probe::Udp { port: 53 },
        ] {
            let talk = talk(&mut model, "Red11", "Red22", probe);
            assert!(talk.is_answered(), "{stage}: {talk:#?}");
            let resolved = talk.leg(LegKind::Resolve).and_then(|leg| leg.resolved);
            let red22 = guest(&model, "Red22");
            let by = owner.map_or(AnsweredBy::Guest(red22), AnsweredBy::Host);
            assert_eq!(resolved.expect("resolved").by, by);
            assert_checksums(&talk);
        }
    }
}

/// Every frame that a guest sends is what etherparse, which wrote none of the checks of receipt, takes
/// for sound.
#[track_caller]
fn assert_checksums(talk: &nvgre_analyze::Conversation) {
    for frame in talk.legs.iter().flat_map(|leg| &leg.frames) {
        let bytes = &frame.journey.hops[0].frame;
        let sliced = etherparse::SlicedPacket::from_ethernet(bytes).expect("a sound frame");
        let (net, transport) = (sliced.net.expect("a network layer"), sliced.transport);
        let source_and_destination = match &net {
            etherparse::NetSlice::Ipv4(ip) => {
                let header = ip.header().to_header();
                assert_eq!(header.calc_header_checksum(), header.header_checksum);
                None
            }
            etherparse::NetSlice::Ipv6(ip) => {
                Some((ip.header().source(), ip.header().destination()))
            }
            etherparse::NetSlice::Arp(_) => None,
        };
        match (transport, source_and_destination) {
            (Some(etherparse::TransportSlice::Icmpv6(icmp)), Some((source, destination))) => {
                assert!(icmp.is_checksum_valid(source, destination), "{frame:?}");
            }
            (Some(etherparse::TransportSlice::Tcp(tcp)), Some((source, destination))) => {
                let computed = tcp.calc_checksum_ipv6(source, destination);
                assert_eq!(computed.expect("short"), tcp.checksum());
            }
            _other => {}
        }
    }
}

#[test]
fn ipv4_frames_are_sound_too() {
    let mut model = story("wnv");
    for probe in [
        Probe::Icmp,
        Probe::Tcp { port: 22 },
        Probe::Udp { port: 53 },
    ] {
        assert_checksums(&talk(&mut model, "Red11", "Red22", probe));
    }
}

/// F-03: Red22 is known by its MAC only, and has said where it is when it came up.
#[test]
fn a_guest_that_is_known_by_its_mac_only_has_announced_itself() {
    let l2_only = |file: &str, text: String| match file {
        "policy/4-wnv.ps1" => text.replace(
            "-CustomerAddress \"192.168.1.22\" -VirtualSubnetID $redVsid",
            "-CustomerAddress \"0.0.0.0\" -Type L2Only -VirtualSubnetID $redVsid",
        ),
        _ => text,
    };
    let mut model = edited("waldorf-statler", "wnv", &l2_only);
    let talk = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    assert!(talk.is_answered(), "{talk:#?}");
    assert_eq!(talk.legs[0].kind, LegKind::Announce);
    let resolved = talk.leg(LegKind::Resolve).and_then(|leg| leg.resolved);
    assert_eq!(
        resolved.expect("resolved").by,
        AnsweredBy::Host(0),
        "Statler has learned it"
    );
    let hosts = model.network().hosts().iter();
    let mut records = hosts.flat_map(|host| &host.policy().records);
    let learned = |record: &LookupRecord| record.record_type == RecordType::Dynamic;
    assert!(!records.any(learned), "and has forgotten it");
}

#[test]
fn a_conversation_leaves_the_model_as_it_was() {
    let mut model = story("wnv");
    let first = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    let counted = model
        .network()
        .hosts()
        .iter()
        .map(|host| host.counters().tally.encapsulated);
    assert_eq!(counted.sum::<u64>(), 0);
    assert_eq!(talk(&mut model, "Red11", "Red22", Probe::Icmp), first);
}

#[test]
fn a_guest_reaches_itself_without_the_network() {
    let mut model = case("gateway", "closed");
    let data = guest(&model, "Data");
    assert!(
        converse(&mut model.trial(), data, data, Probe::Icmp)
            .legs
            .is_empty()
    );
}

/// The packet crosses, and its sender is whom its record says it is: that is not what went wrong.
#[test]
fn a_guest_that_is_not_where_its_record_says_is_found_by_that_record() {
    let mut model = edited("waldorf-statler", "repaired", &|file, text| {
        if file == "policy/6-repaired.ps1" {
            text + "\nInvoke-Command -ComputerName Waldorf { Get-VMNetworkAdapter -VMName Red22 | \
                    Set-VMNetworkAdapter -VirtualSubnetId 0 }\n"
        } else {
            text
        }
    });
    let talk = talk(&mut model, "Red11", "Red22", Probe::Icmp);
    assert_eq!(talk.reason(), "no_port");
    let place = place(&model, &talk).expect("a record decided");
    assert_eq!(place, "policy/6-repaired.ps1:12:1");
}
