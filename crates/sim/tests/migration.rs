//! F-16, live migration: a guest moves, and each host is told in its own time.

mod common;

use std::io;

use common::{host_script, mac, record, udp};
use nvgre_dataplane::{DropReason, PortId};
use nvgre_sim::{CopyLedger, Ingress, Model, ModelError, Observer, Scenario, SimTime};
use nvgre_wire::{FrameBuf, HEADROOM};

/// Each tenant has the same: a peer on each host, and the guest that moves from host2 to host3.
const NAMES: [(&str, usize, u8); 4] =
    [("OnA", 1, 5), ("OnB", 2, 6), ("OnC", 3, 8), ("Mover", 2, 7)];
const MOVER: usize = 3;
const BLUE: usize = NAMES.len();

fn scenario(third_switch: &str) -> Scenario {
    let mut text = "name = \"migration\"\n[underlay]\nmtu_bytes = 1600\n".to_owned();
    for (tenant, vsid) in [("Red", 6001), ("Blue", 5001)] {
        text += &format!(
            "[[tenant]]\nname = \"{tenant}\"\nvirtual_subnets = [{vsid}]\n\
             routing_domain = \"{{5d2f6a10-0000-4000-8000-00000000{vsid}}}\"\n"
        );
    }
    for host in 1..=3 {
        let switch = if host == 3 { third_switch } else { "VMs" };
        text += &format!(
            "[[host]]\nname = \"host{host}\"\nswitch = \"{switch}\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C000020{host}\"\n\
             policy = [\"host{host}.ps1\", \"tenants.ps1\"]\n"
        );
    }
    for (tenant, vsid) in [("Red", 6001), ("Blue", 5001)] {
        for (name, host, last) in NAMES {
            text += &format!(
                "[[guest]]\nname = \"{tenant}{name}\"\ntenant = \"{tenant}\"\nhost = \"host{host}\"\n\
                 mac = \"00155D0000{last:02X}\"\naddresses = [\"10.0.0.{last}/24\"]\nvirtual_subnet = {vsid}\n"
            );
        }
    }
    text += "[[stage]]\nname = \"moved\"\nmove = [{ guest = \"RedMover\", to = \"host3\" }]\n";
    for host in [3, 1, 2] {
        text += &format!(
            "[[stage]]\nname = \"host{host} told\"\nscripts = [{{ file = \"told.ps1\", on = \"host{host}\" }}]\n"
        );
    }
    Scenario::parse("migration.toml", &text).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn read(file: &str) -> io::Result<String> {
    if let Some(host) = file.strip_prefix("host") {
        let number = host.trim_end_matches(".ps1").parse().expect("a number");
        return Ok(host_script(number));
    }
    if file == "told.ps1" {
        return Ok(
            "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.7 -VirtualSubnetID 6001\n"
                .to_owned() + &record("Mover", 6001, 7, 3),
        );
    }
    let mut text = String::new();
    for vsid in [6001, 5001] {
        text += &format!(
            "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{{5d2f6a10-0000-4000-8000-00000000{vsid}}}\" \
             -VirtualSubnetID {vsid} -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255\n"
        );
        for (name, host, last) in NAMES {
            text += &record(name, vsid, last, host);
        }
    }
    Ok(text)
}

#[derive(Default)]
struct Seen {
    delivered: Vec<usize>,
    dropped: Vec<(usize, DropReason)>,
}

impl Observer for Seen {
    fn delivered(&mut self, _host: usize, port: PortId, _frame: &[u8]) {
        self.delivered.push(port.0 as usize);
    }
    fn generated(&mut self, _host: usize, _port: PortId, _frame: &[u8]) {}
    fn sent(&mut self, _host: usize, _frame: &[u8]) {}
    fn dropped(&mut self, host: usize, _at: Ingress, reason: DropReason, _frame: &[u8]) {
        self.dropped.push((host, reason));
    }
    fn keeps_dropped(&self) -> bool {
        false
    }
}

/// It arrives, or it is dropped: at which host and why.
type Fate = Result<(), (usize, DropReason)>;

/// `Ok` when a unicast packet reaches its guest and nobody else; else where and why it was dropped.
#[track_caller]
fn send(model: &mut Model, from: usize, to: usize) -> Fate {
    let last = |guest: usize| NAMES[guest % BLUE].2;
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(&udp(last(from), last(to)));
    assert_eq!(
        memory[HEADROOM + 6..HEADROOM + 12],
        mac(last(from)).octets()
    );
    let len = memory.len();
    let mut frame = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom");
    let (mut seen, mut copies) = (Seen::default(), CopyLedger::default());
    let (host, port) = (model.host_of(from), Ingress::Port(PortId(from as u32)));
    let _fate = model.run(SimTime(1), host, port, &mut frame, &mut copies, &mut seen);
    assert!(copies.adds_up());
    assert!(
        seen.delivered
            .iter()
            .all(|&guest| (guest < BLUE) == (from < BLUE)),
        "no cross-tenant delivery at any time: {:?}",
        seen.delivered
    );
    match seen.dropped.as_slice() {
        [] => {
            assert_eq!(seen.delivered, [to]);
            Ok(())
        }
        &[drop] => {
            assert!(seen.delivered.is_empty());
            Err(drop)
        }
        several => panic!("{several:?}"),
    }
}

/// From each peer to the guest that moves, and back.
#[track_caller]
fn assert_reach(model: &mut Model, stage: &str, expected: [(Fate, Fate); 3]) {
    for (peer, (to, back)) in expected.into_iter().enumerate() {
        let name = NAMES[peer].0;
        assert_eq!(send(model, peer, MOVER), to, "{stage}: from {name}");
        assert_eq!(send(model, MOVER, peer), back, "{stage}: to {name}");
        // Blue has the same addresses and nobody of it moves.
        assert_eq!(send(model, BLUE + peer, BLUE + MOVER), Ok(()), "{stage}");
        assert_eq!(send(model, BLUE + MOVER, BLUE + peer), Ok(()), "{stage}");
    }
}

#[test]
fn f16_the_blackhole_lasts_exactly_until_the_last_peer_is_told() {
    const A: usize = 0;
    const B: usize = 1;
    const C: usize = 2;
    let mut model = Model::new(scenario("VMs"), &read).unwrap_or_else(|error| panic!("{error}"));
    let ok = (Ok(()), Ok(()));
    assert_reach(&mut model, "before", [ok, ok, ok]);

    model.enter_stage(0).expect("it moves");
    let no_source = Err((C, DropReason::NoSourceRecord));
    assert_reach(
        &mut model,
        "moved",
        [
            (Err((B, DropReason::NoPort)), no_source),
            (Err((B, DropReason::NoPort)), no_source),
            // On one switch no record is asked.
            ok,
        ],
    );

    model.enter_stage(1).expect("host 3 is told");
    let stale_a = (
        Err((B, DropReason::NoPort)),
        Err((A, DropReason::PeerNotSource)),
    );
    let stale_b = (
        Err((B, DropReason::NoPort)),
        Err((B, DropReason::PeerNotSource)),
    );
    assert_reach(&mut model, "host 3 told", [stale_a, stale_b, ok]);

    model.enter_stage(2).expect("host 1 is told");
    assert_reach(&mut model, "host 1 told", [ok, stale_b, ok]);

    model.enter_stage(3).expect("host 2 is told");
    assert_reach(&mut model, "host 2 told", [ok, ok, ok]);
}

#[test]
fn a_move_to_a_host_without_that_switch_is_refused_as_windows_does() {
    let mut model = Model::new(scenario("Other"), &read).unwrap_or_else(|error| panic!("{error}"));
    let before = model.host_of(MOVER);
    let error = model.enter_stage(0).expect_err("no such switch");
    assert!(
        matches!(error, ModelError::NoSuchSwitch { .. }),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "RedMover cannot move to host3: Could not find Ethernet switch 'VMs'. (33012)"
    );
    assert_eq!(model.host_of(MOVER), before, "it stays where it is");
    assert_eq!(send(&mut model, 0, MOVER), Ok(()));
}
