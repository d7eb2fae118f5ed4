//! Near-misses in words, and where their rows are written.

use nvgre_dataplane::LookupRecord;
use nvgre_netwnv::Place;
use nvgre_wire::{ProviderAddress, VlanId};

use crate::names::Names;
use crate::near_miss::{NearMiss, Row, Runs};

impl NearMiss {
    /// Where it was written, if somewhere. None, too, where it is another tenant's and that is hidden.
    pub fn place<'m>(&self, names: &Names<'m>) -> Option<&'m Place> {
        let hosts = &names.model().estate().hosts;
        match self {
            &Self::PortSubnet { guest, .. } | &Self::PortMac { guest, .. } => {
                if names.hides_guest(guest) {
                    return None;
                }
                let of = &names.model().scenario().guests[guest];
                let mut adapters = hosts.iter().flat_map(|host| &host.adapters);
                let adapter = adapters.find(|adapter| {
                    adapter.vm_name.eq_ignore_ascii_case(&of.name)
                        && adapter.name.eq_ignore_ascii_case(&of.nic)
                })?;
                adapter.place.as_ref()
            }
            &Self::Vlan { host, address, .. } => place_of_address(names, host, address),
            &Self::OwnedTwice { other, address, .. } => place_of_address(names, other, address),
            _with_row => match self.row()? {
                Row::Record(host, id) => names.place_of_record(host, id),
                Row::Route(host, id) => names.place_of_route(host, id),
                Row::ProviderRoute(host, at) => Some(&hosts[host].provider_routes.get(at)?.place),
            },
        }
    }

    /// In one sentence without its place: what nearly matched, and what differs.
    pub fn text(&self, names: &Names<'_>) -> String {
        let host = |host: usize| names.host(host);
        match self {
            Self::OtherHost { here, row } => {
                let there = match *row {
                    Row::Record(host, _) | Row::Route(host, _) | Row::ProviderRoute(host, _) => {
                        host
                    }
                };
                let (there, here) = (host(there), host(*here));
                format!(
                    "{there}'s table has the {}; {here}'s has not",
                    row.text(names)
                )
            }
            Self::OtherSubnet { row, asked } => match *row {
                Row::Record(of, id) => {
                    let Some(record) = names.record(of, id) else {
                        return String::new();
                    };
                    let subnet = record.virtual_subnet;
                    if names.hides_subnet(subnet) {
                        return "another tenant has a record of the same customer address: not used"
                            .to_owned();
                    }
                    if record.customer_address.is_unspecified() {
                        let asked = names.subnet(*asked);
                        return format!("the {}: {asked} was asked", row.text(names));
                    }
                    let subnet = names.subnet_and_tenant(subnet);
                    format!(
                        "same customer address {} exists in {subnet}: not used, {} was asked",
                        record.customer_address,
                        names.subnet(*asked)
                    )
                }
                Row::Route(..) | Row::ProviderRoute(..) => {
                    format!(
                        "the {}: {} was asked",
                        row.text(names),
                        names.subnet(*asked)
                    )
                }
            },
            Self::OtherAddress { record, asked } => match record.hidden(names) {
                true => "another tenant has a record of that MAC: not used".to_owned(),
                false => format!(
                    "the {} has that MAC; {asked} was asked for",
                    record.text(names)
                ),
            },
            Self::OtherMac { record, asked } => match record.get(names) {
                Some(found) => format!(
                    "the {} says MAC {}; the frame has {asked}",
                    record.text(names),
                    found.mac
                ),
                None => String::new(),
            },
            Self::OtherProvider { record, asked } => match record.get(names) {
                Some(found) => format!(
                    "the {} says PA {}; the packet came from {asked}{}",
                    record.text(names),
                    found.provider_address,
                    owner(names, *asked)
                ),
                None => String::new(),
            },
            Self::OtherDomain { record, asked } => {
                match (record.hidden(names), record.get(names)) {
                    (true, _) => format!("PA {asked} is named by records of another tenant only"),
                    (false, Some(found)) => format!(
                        "PA {asked} is named in {}: another routing domain",
                        names.subnet_and_tenant(found.virtual_subnet)
                    ),
                    (false, None) => String::new(),
                }
            }
            Self::OtherRule { record, asked } => match record.get(names) {
                Some(found) => format!(
                    "the {} has rule {}; {asked} would have done",
                    record.text(names),
                    found.rule
                ),
                None => String::new(),
            },
            Self::OtherFamily { record } => match record.get(names) {
                Some(found) => format!(
                    "the {} is rewritten to PA {}, of the other family",
                    record.text(names),
                    found.provider_address
                ),
                None => String::new(),
            },
            Self::OtherPrefix { route, asked } => {
                format!(
                    "the closest is the {}, which does not cover {asked}",
                    route.text(names)
                )
            }
            Self::NotOfThisHost {
                record,
                here,
                owner,
            } => match record.get(names) {
                Some(found) => {
                    let owner = owner.map_or_else(
                        || "which no host owns".to_owned(),
                        |owner| format!("of {}", host(owner)),
                    );
                    format!(
                        "the {} says PA {}, {owner}; the frame was to leave {}",
                        record.text(names),
                        found.provider_address,
                        host(*here)
                    )
                }
                None => String::new(),
            },
            Self::OfNoHost { record, runs } => match record.get(names) {
                Some(found) => {
                    let runs = runs.as_ref().map(|runs| runs.text(names));
                    let runs = runs.filter(|runs| !runs.is_empty());
                    let runs = runs.map(|runs| format!("; {runs}"));
                    format!(
                        "record says PA {}, which no host owns{}",
                        found.provider_address,
                        runs.unwrap_or_default()
                    )
                }
                None => String::new(),
            },
            Self::Runs(runs) => runs.text(names),
            Self::PortSubnet { guest, has, asked } => format!(
                "the port of {} has that MAC, in {}; {} was asked",
                names.guest(*guest),
                names.port_subnet(*has),
                names.subnet(*asked)
            ),
            Self::PortMac { guest, asked } => {
                let mac = names.model().scenario().guests[*guest].mac;
                let has = match names.hides_guest(*guest) {
                    true => "another MAC".to_owned(),
                    false => format!("MAC {mac}"),
                };
                format!(
                    "the port of {} has {has}; {asked} was asked for",
                    names.guest(*guest)
                )
            }
            Self::Vlan {
                host: of,
                address,
                has,
                asked,
            } => {
                let vlan = |vlan: &Option<VlanId>| {
                    vlan.map_or_else(|| "no VLAN".to_owned(), |vlan| format!("VLAN {vlan}"))
                };
                format!(
                    "PA {address} of {} has {}; the packet has {}",
                    host(*of),
                    vlan(has),
                    vlan(asked)
                )
            }
            Self::NoProviderRoute { host: of, asked } => format!(
                "no provider route of {} covers {asked}, nor does a prefix of its own addresses",
                host(*of)
            ),
            Self::NotBound { host: of, record } => {
                let unbound = format!("ms_netwnv is not bound on {}", host(*of));
                match record {
                    Some(record) => {
                        format!("{unbound}: its {} is not in force", record.text(names))
                    }
                    None => unbound,
                }
            }
            Self::OwnedTwice {
                address,
                owner,
                other,
            } => format!(
                "PA {address} is of {} and of {}: the underlay takes it from the first only",
                host(*owner),
                host(*other)
            ),
        }
    }
}

impl Row {
    /// "record of 192.168.1.22 in VSID 445566", "route 10.0.0.0/24 of VSID 5001".
    pub fn text(&self, names: &Names<'_>) -> String {
        match *self {
            Self::Record(host, id) => names.record(host, id).map(|record| {
                let subnet = record.virtual_subnet;
                if record.customer_address.is_unspecified() {
                    let kind = record.record_type;
                    return match names.hides_subnet(subnet) {
                        true => "record of another tenant".to_owned(),
                        false => {
                            format!(
                                "{kind} record of {} in {}",
                                record.mac,
                                names.subnet(subnet)
                            )
                        }
                    };
                }
                let address = names.address(subnet, record.customer_address);
                format!("record of {address} in {}", names.subnet(subnet))
            }),
            Self::Route(host, id) => names.route(host, id).map(|route| {
                if names.hides_subnet(route.virtual_subnet) {
                    return "route of another tenant".to_owned();
                }
                let by = match route.is_on_link() {
                    true => String::new(),
                    false => format!(" by {}", route.next_hop),
                };
                let subnet = names.subnet(route.virtual_subnet);
                format!("route {}{by} in {subnet}", route.destination)
            }),
            Self::ProviderRoute(host, at) => {
                let hosts = &names.model().estate().hosts;
                let entry = hosts[host].provider_routes.get(at);
                entry.map(|entry| format!("provider route {}", entry.route.destination))
            }
        }
        .unwrap_or_default()
    }

    fn get<'m>(&self, names: &Names<'m>) -> Option<&'m LookupRecord> {
        match *self {
            Self::Record(host, id) => names.record(host, id),
            Self::Route(..) | Self::ProviderRoute(..) => None,
        }
    }

    fn hidden(&self, names: &Names<'_>) -> bool {
        self.get(names)
            .is_some_and(|record| names.hides_subnet(record.virtual_subnet))
    }
}

/// " of Statler", or that nobody has it.
fn owner(names: &Names<'_>, address: ProviderAddress) -> String {
    match names.model().network().owner(address) {
        Some(host) => format!(", of {}", names.host(host)),
        None => ", of no host".to_owned(),
    }
}

fn place_of_address<'m>(
    names: &Names<'m>,
    host: usize,
    address: ProviderAddress,
) -> Option<&'m Place> {
    let mut own = names.model().estate().hosts[host].provider_addresses.iter();
    let entry = own.find(|entry| entry.address.address == address)?;
    Some(&entry.place)
}

impl Runs {
    /// "Red22 runs on Waldorf, PA 10.0.0.12". Nothing where the guest is hidden: where it runs is its
    /// tenant's.
    fn text(&self, names: &Names<'_>) -> String {
        if names.hides_guest(self.guest) {
            return String::new();
        }
        let (guest, on) = (names.guest(self.guest), names.host(self.host));
        match &self.provider_addresses[..] {
            [] => format!("{guest} runs on {on}, which has no provider address in force"),
            addresses => {
                let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                format!("{guest} runs on {on}, PA {}", addresses.join(", "))
            }
        }
    }
}
