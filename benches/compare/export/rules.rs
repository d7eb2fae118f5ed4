//! The records of a policy as rules of Open vSwitch: a rule for each, that does what the record says
//! and asks no more than that. Its tables are thus as long as ours, and it has fewer checks to make.

use std::collections::BTreeSet;
use std::fmt::Write;

use nvgre_dataplane::{LookupRecord, Policy};

/// From port 1 into the tunnel, port 3.
pub(crate) fn encap(policy: &Policy) -> String {
    of_each(policy, |record| {
        format!(
            "ip,in_port=1,nw_dst={},actions=set_field:{:#x}->tun_id,set_field:{}->tun_dst,output:3",
            record.customer_address,
            record.virtual_subnet.get() << 8,
            record.provider_address,
        )
    })
}

/// From the tunnel, port 3, to port 2, for the guests that are here. The low byte of the key is the
/// FlowID.
pub(crate) fn decap(policy: &Policy) -> String {
    let here: BTreeSet<_> = policy.ports.iter().map(|port| port.mac.octets()).collect();
    let (mut text, mut rules) = (String::new(), 0);
    for record in &policy.records {
        if here.contains(&record.mac.octets()) {
            rules += 1;
            let _ = writeln!(
                text,
                "in_port=3,tun_id={:#x}/0xffffff00,dl_dst={},actions=output:2",
                record.virtual_subnet.get() << 8,
                colons(record.mac.octets()),
            );
        }
    }
    assert_eq!(rules, here.len(), "a record for each guest that is here");
    text
}

/// From port 1 to port 2, the sender's addresses and the receiver's rewritten.
pub(crate) fn rewrite(policy: &Policy) -> String {
    let sender = policy.provider_addresses[0].address;
    of_each(policy, |record| {
        format!(
            "ip,in_port=1,nw_dst={},actions=set_field:{sender}->nw_src,set_field:{}->nw_dst,output:2",
            record.customer_address, record.provider_address,
        )
    })
}

/// The host: its address, prefix length and MAC, then the address of every other one.
pub(crate) fn host(policy: &Policy) -> String {
    let own = &policy.provider_addresses[0];
    let mut text = format!(
        "{} {} {}\n",
        own.address,
        own.prefix_length,
        colons(own.mac.octets())
    );
    let others: BTreeSet<_> = policy
        .records
        .iter()
        .map(|it| it.provider_address)
        .collect();
    for other in others.iter().filter(|&&other| other != own.address) {
        let _ = writeln!(text, "{other}");
    }
    text
}

fn of_each(policy: &Policy, rule: impl Fn(&LookupRecord) -> String) -> String {
    let rules = policy.records.iter().map(|record| rule(record) + "\n");
    rules.collect()
}

fn colons(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
