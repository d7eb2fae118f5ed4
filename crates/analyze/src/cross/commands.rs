//! The commands that turn what a host holds into what it should.

use nvgre_dataplane::LookupRecord;
use nvgre_netwnv::{RecordEntry, RouteEntry};

use crate::cross::disagreement::HostCommand;
use crate::cross::what::RouteName;
use crate::record_name::RecordName;

/// Commands with their hosts; what several hosts run is told once.
#[derive(Default)]
pub(crate) struct Commands(Vec<HostCommand>);

impl Commands {
    pub(crate) fn add(&mut self, host: &str, command: String) {
        match self.0.iter_mut().find(|known| known.command == command) {
            Some(known) if known.hosts.iter().any(|of| of == host) => {}
            Some(known) => known.hosts.push(host.to_owned()),
            None => self.0.push(HostCommand {
                hosts: vec![host.to_owned()],
                command,
            }),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<HostCommand> {
        self.0
    }
}

/// Turns a host's record into `right`, labels kept: nothing where it says the same already. What
/// Windows cannot change is made again.
pub(crate) fn mend_record(entry: &RecordEntry, right: &LookupRecord) -> Vec<String> {
    let (old, name) = (&entry.record, RecordName::of(&entry.record));
    if old.mac != right.mac || old.record_type != right.record_type {
        let new = RecordEntry {
            record: *right,
            ..entry.clone()
        };
        return vec![remove_record(&name), new.to_powershell()];
    }
    let mut changes = String::new();
    if old.provider_address != right.provider_address {
        changes += &format!(" -ProviderAddress \"{}\"", right.provider_address);
    }
    if old.rule != right.rule {
        changes += &format!(" -Rule \"{}\"", right.rule);
    }
    if old.use_vm_mac != right.use_vm_mac {
        changes += &format!(" -UseVmMACAddress ${}", right.use_vm_mac);
    }
    // A Set- without a value to set would run, and mend nothing.
    if changes.is_empty() {
        return Vec::new();
    }
    // Set- has no -Type to tell a wildcard from an L2Only record of the same MAC.
    let set = match name.station {
        None => format!(
            "Set-NetVirtualizationLookupRecord {}{changes}",
            name.filter()
        ),
        Some(_) => format!(
            "Get-NetVirtualizationLookupRecord {} | Set-NetVirtualizationLookupRecord{changes}",
            name.filter()
        ),
    };
    vec![set]
}

pub(crate) fn remove_record(name: &RecordName) -> String {
    format!("Remove-NetVirtualizationLookupRecord {}", name.filter())
}

/// Turns a host's routes of one name into `right`.
pub(crate) fn mend_routes(old: &[&RouteEntry], right: &[&RouteEntry]) -> Vec<String> {
    let mut commands = Vec::new();
    for entry in old {
        let is_same = |other: &&&RouteEntry| other.route.next_hop == entry.route.next_hop;
        match right.iter().find(is_same) {
            Some(other) if other.route.metric == entry.route.metric => {}
            Some(other) => commands.push(format!(
                "Set-NetVirtualizationCustomerRoute {} -NextHop \"{}\" -Metric {}",
                route_filter(&RouteName::of(&entry.route)),
                entry.route.next_hop,
                other.route.metric
            )),
            None => commands.push(format!(
                "Remove-NetVirtualizationCustomerRoute {} -NextHop \"{}\"",
                route_filter(&RouteName::of(&entry.route)),
                entry.route.next_hop
            )),
        }
    }
    let is_new = |entry: &&&RouteEntry| {
        let next_hop = entry.route.next_hop;
        old.iter().all(|other| other.route.next_hop != next_hop)
    };
    commands.extend(right.iter().filter(is_new).map(|r| r.to_powershell()));
    commands
}

/// Takes away every route of this name.
pub(crate) fn remove_routes(name: &RouteName) -> String {
    format!(
        "Remove-NetVirtualizationCustomerRoute {}",
        route_filter(name)
    )
}

fn route_filter(name: &RouteName) -> String {
    format!(
        "-RoutingDomainID \"{}\" -VirtualSubnetID {} -DestinationPrefix \"{}\"",
        name.routing_domain, name.virtual_subnet, name.destination
    )
}

#[cfg(test)]
mod tests {
    use nvgre_dataplane::{LookupRecord, RecordId, RecordType, Rule};
    use nvgre_netwnv::{Labels, Place, RecordEntry};
    use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId};

    use super::mend_record;

    fn entry() -> RecordEntry {
        RecordEntry {
            record: LookupRecord {
                id: RecordId(1),
                virtual_subnet: VirtualSubnetId::try_new(5001).expect("a VSID"),
                customer_address: CustomerAddress::v4([10, 0, 0, 5]),
                mac: MacAddress::new([0, 0x15, 0x5d, 0, 0, 5]),
                provider_address: ProviderAddress::v4([192, 168, 4, 11]),
                rule: Rule::Encap,
                record_type: RecordType::Static,
                use_vm_mac: false,
            },
            labels: Labels::default(),
            place: Place::of("records.csv", "", 0),
        }
    }

    #[test]
    fn a_record_that_says_the_same_needs_no_command() {
        let right = LookupRecord {
            id: RecordId(7),
            ..entry().record
        };
        assert_eq!(mend_record(&entry(), &right), [""; 0]);
    }

    #[test]
    fn a_command_names_what_it_changes_and_nothing_else() {
        let right = LookupRecord {
            provider_address: ProviderAddress::v4([192, 168, 4, 12]),
            ..entry().record
        };
        assert_eq!(
            mend_record(&entry(), &right),
            [
                "Set-NetVirtualizationLookupRecord -VirtualSubnetID 5001 -CustomerAddress \"10.0.0.5\" -ProviderAddress \"192.168.4.12\""
            ]
        );
    }
}
