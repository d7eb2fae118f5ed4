//! Whether customer addresses are on the underlay bare.
//!
//! A port in a virtual subnet has two ways onto the underlay: NVGRE, and both addresses rewritten. The
//! dataplane has no third. What is left are ports without a subnet: their frames go out as they are.

use nvgre_dataplane::{PortId, PortSubnet};
use nvgre_sim::{Exit, GuestIndex, Ingress, Model};
use nvgre_wire::CustomerAddress;

use super::named;
use crate::finding::{Check, CheckOutcome, Finding, Severity};
use crate::guest_frame::{self, Station};
use crate::listed::listed;
use crate::names::Names;

/// A tenant's address that the underlay sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Whose.
    pub guest: GuestIndex,
    /// The address.
    pub address: CustomerAddress,
    /// A frame of the guest that shows it.
    pub frame: Vec<u8>,
}

/// Lets every guest on a port without subnet say where it is, and looks at the underlay.
pub fn ask_leaks(model: &mut Model) -> Vec<Leak> {
    let scenario = model.scenario().clone();
    let ports: Vec<_> = (model.network().hosts().iter().enumerate())
        .flat_map(|(host, known)| known.policy().ports.iter().map(move |port| (host, port)))
        .filter(|(_, port)| port.subnet == PortSubnet::Unset)
        .map(|(host, port)| (host, port.id, port.mac))
        .collect();
    let mut trial = model.trial();
    let mut leaks = Vec::new();
    for (host, PortId(port), mac) in ports {
        let guest = port as GuestIndex;
        for own in &scenario.guests[guest].addresses {
            let address = own.address;
            let frame = guest_frame::announcement(Station { mac, address });
            let journey = trial.trace(host, Ingress::Port(PortId(port)), &frame);
            let exits = journey.hops.iter().flat_map(|hop| &hop.exits);
            let mut sent = exits.filter(|exit| matches!(exit, Exit::Sent { .. }));
            if sent.next().is_some() {
                leaks.push(Leak {
                    guest,
                    address,
                    frame,
                });
            }
        }
    }
    leaks
}

/// The leaks as a check: a finding for each guest.
pub fn leak_check(model: &Model, leaks: &[Leak]) -> Check {
    let mut findings = Vec::new();
    for of_guest in leaks.chunk_by(|one, other| one.guest == other.guest) {
        let guest = of_guest[0].guest;
        let name = Names::new(model).guest(guest);
        let host = Names::new(model).host(model.host_of(guest));
        let addresses: Vec<_> = of_guest
            .iter()
            .map(|leak| leak.address.to_string())
            .collect();
        let adapters = &model.estate().hosts[model.host_of(guest)].adapters;
        let vm = &model.scenario().guests[guest];
        let adapter = adapters.iter().find(|adapter| {
            adapter.vm_name.eq_ignore_ascii_case(&vm.name)
                && adapter.name.eq_ignore_ascii_case(&vm.nic)
        });
        let subnets = &model.scenario().tenants[vm.tenant].virtual_subnets;
        let subnet = subnets.first().map_or(String::new(), ToString::to_string);
        findings.push(Finding {
            rule: "bare_customer_address",
            severity: Severity::Error,
            message: format!(
                "{name} ({}) sends {} onto the underlay as it is: its port at {host} has no virtual \
                 subnet",
                named::tenant_of(model, guest),
                listed(&addresses)
            ),
            places: adapter
                .and_then(|adapter| adapter.place.clone())
                .into_iter()
                .collect(),
            fix: vec![format!(
                "On {host}: Get-VMNetworkAdapter -VMName \"{}\" | Set-VMNetworkAdapter -VirtualSubnetId \
                 {subnet}",
                vm.name
            )],
            identity: name,
        });
    }
    let (title, outcome) = match findings.len() {
        _ if model.scenario().guests.is_empty() => (
            "there is no guest to ask about".to_owned(),
            CheckOutcome::Undecided,
        ),
        0 => (
            "no customer address is on the underlay outside NVGRE and rewritten packets".to_owned(),
            CheckOutcome::Holds,
        ),
        guests => (
            format!("customer addresses of {guests} guests are on the underlay bare"),
            CheckOutcome::Fails,
        ),
    };
    Check {
        id: "leak".to_owned(),
        title,
        outcome,
        findings,
    }
}
