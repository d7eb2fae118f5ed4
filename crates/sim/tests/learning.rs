//! What hosts learn: F-03, a guest whose customer address no record names.

mod common;

use common::*;
use nvgre_dataplane::{DropReason, PortId, RecordType, Rule};
use nvgre_sim::{CopyLedger, Ingress, Model, Observer, SimTime};
use nvgre_wire::{FrameBuf, HEADROOM};

const HOST1: usize = 0;
const HOST2: usize = 1;

#[derive(Default, Debug, PartialEq, Eq)]
struct Seen {
    delivered: Vec<usize>,
    answered: usize,
    /// Outer destination of what was sent: IPv4, last byte.
    sent_to: Vec<u8>,
    dropped: Vec<DropReason>,
}

impl Observer for Seen {
    fn delivered(&mut self, _host: usize, port: PortId, _frame: &[u8]) {
        self.delivered.push(port.0 as usize);
    }
    fn generated(&mut self, _host: usize, _port: PortId, _frame: &[u8]) {
        self.answered += 1;
    }
    fn sent(&mut self, _host: usize, frame: &[u8]) {
        self.sent_to.push(frame[33]);
    }
    fn dropped(&mut self, _host: usize, _at: Ingress, reason: DropReason, _frame: &[u8]) {
        self.dropped.push(reason);
    }
    fn keeps_dropped(&self) -> bool {
        false
    }
}

fn send(model: &mut Model, from: usize, frame: &[u8]) -> Seen {
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(frame);
    let len = memory.len();
    let mut buffer = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom");
    let (mut seen, mut copies) = (Seen::default(), CopyLedger::default());
    let (host, port) = (model.host_of(from), Ingress::Port(PortId(from as u32)));
    let _fate = model.run(SimTime(1), host, port, &mut buffer, &mut copies, &mut seen);
    assert!(copies.adds_up(), "{copies:?}");
    seen
}

/// On both hosts: Red2 is known by its MAC only.
fn l2_only(provider_host: usize) -> String {
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 6001 \
         -MACAddress 00155D000007 -ProviderAddress 192.0.2.{provider_host} \
         -Rule TranslationMethodEncap -Type L2Only\n"
    )
}

fn read(file: &str) -> std::io::Result<String> {
    match file {
        "tenants.ps1" => Ok(script(file)?.replace(&record("Red2", 6001, 7, 2), &l2_only(2))),
        "moved.ps1" => Ok(format!(
            "Get-NetVirtualizationLookupRecord -VirtualSubnetID 6001 -MACAddress 00155D000007 | \
             Remove-NetVirtualizationLookupRecord\n{}",
            l2_only(1)
        )),
        other => script(other),
    }
}

fn network() -> Model {
    let moved = "[[stage]]\nname = \"moved\"\nmove = [{ guest = \"Red2\", to = \"host1\" }]\n\
                 scripts = [{ file = \"moved.ps1\", on = \"host1\" }, { file = \"moved.ps1\", on = \"host2\" }]\n";
    model_of(&scenario_text(moved), &read)
}

fn arp(operation: u8, from: u8, sender: [u8; 4], to: [u8; 6], target: [u8; 4]) -> Vec<u8> {
    let mut frame = to.to_vec();
    frame.extend(mac(from).octets());
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, operation]);
    frame.extend(mac(from).octets());
    frame.extend(sender);
    frame.extend(if operation == 1 { [0; 6] } else { to });
    frame.extend(target);
    frame
}

fn who_has_7() -> Vec<u8> {
    arp(1, 5, [10, 0, 0, 5], [0xff; 6], [10, 0, 0, 7])
}

fn seven_is_here() -> Vec<u8> {
    arp(2, 7, [10, 0, 0, 7], mac(5).octets(), [10, 0, 0, 5])
}

/// Last byte of the address and of the provider address of each Dynamic record.
fn learned(model: &Model, host: usize) -> Vec<(String, String)> {
    let records = model.network().hosts()[host].policy().records.iter();
    records
        .filter(|record| record.record_type == RecordType::Dynamic)
        .map(|record| {
            assert_eq!((record.rule, record.mac), (Rule::Encap, mac(7)));
            (
                record.customer_address.to_string(),
                record.provider_address.to_string(),
            )
        })
        .collect()
}

#[test]
fn f03_the_first_question_goes_to_the_l2_only_host_and_the_answer_is_learned() {
    let mut model = network();
    let first = send(&mut model, RED1, &who_has_7());
    assert_eq!(
        (first.sent_to, first.delivered, first.answered),
        (vec![2], vec![RED2], 0)
    );
    assert_eq!(learned(&model, HOST1), [], "a question of Red1 shows Red1");

    let reply = send(&mut model, RED2, &seven_is_here());
    assert_eq!(reply.delivered, [RED1]);
    let dynamic = ("10.0.0.7".to_owned(), "192.0.2.2".to_owned());
    assert_eq!(learned(&model, HOST1), [dynamic]);
    assert_eq!(
        learned(&model, HOST2),
        [],
        "nobody learns of its own guests"
    );

    // From now on as F-02: answered from the record, and encapsulated by it.
    let second = send(&mut model, RED1, &who_has_7());
    assert_eq!(
        (second.sent_to, second.delivered, second.answered),
        (vec![], vec![], 1)
    );
    let data = send(&mut model, RED1, &udp(5, 7));
    assert_eq!((data.sent_to, data.delivered), (vec![2], vec![RED2]));
}

#[test]
fn f03_nothing_is_learned_for_a_mac_that_no_l2_only_record_vouches_for() {
    let mut model = network();
    let other = send(&mut model, BLUE2, &seven_is_here());
    assert_eq!(other.delivered, [BLUE1], "Blue has records of its own");
    assert_eq!(learned(&model, HOST1), []);
}

/// F-16 with F-03: what was learned about the old place goes with the record that vouched for it.
#[test]
fn a_learned_address_is_forgotten_when_its_l2_only_record_names_another_host() {
    let mut model = network();
    let _reply = send(&mut model, RED2, &seven_is_here());
    assert_eq!(learned(&model, HOST1).len(), 1);
    model.enter_stage(0).expect("the stage");
    assert_eq!(learned(&model, HOST1), []);
    let near = send(&mut model, RED1, &udp(5, 7));
    assert_eq!(
        (near.delivered, near.sent_to),
        (vec![RED2], vec![]),
        "on one host now"
    );
}

/// A guest may show as many addresses as it likes: it fills neither memory nor the table.
#[test]
fn what_one_host_learns_has_an_end() {
    let mut model = network();
    for number in 0..1_100_u16 {
        let [high, low] = number.to_be_bytes();
        let claim = arp(1, 7, [10, 1, high, low], [0xff; 6], [10, 1, high, low]);
        let _flooded = send(&mut model, RED2, &claim);
    }
    assert_eq!(learned(&model, HOST1).len(), 1_024);
    let data = send(&mut model, RED1, &udp(5, 7));
    assert_eq!(data.dropped, [], "the network goes on");
}
