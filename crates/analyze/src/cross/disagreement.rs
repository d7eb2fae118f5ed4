//! What hosts disagree about, who says what, and what would mend it.

use std::fmt;

use nvgre_dataplane::CustomerRoute;
use nvgre_netwnv::Place;
use nvgre_wire::{
    CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId, VirtualSubnetId,
};

use crate::cross::domain::Domain;
use crate::finding::{Finding, Severity};
use crate::listed::listed;
use crate::record_name::RecordName;

/// One thing that hosts disagree about, with each other or with what runs on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// What it is.
    pub what: What,
    /// How bad it is.
    pub severity: Severity,
    /// Who says what; the first is where one would mend it.
    pub sides: Vec<Side>,
    /// What would mend it.
    pub remedy: Remedy,
}

/// Hosts that say the same, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Their names, in the order of the estate.
    pub hosts: Vec<String>,
    /// What they say.
    pub says: String,
    /// Where; none where a host's silence is what is told.
    pub places: Vec<Place>,
}

/// A command, and the hosts to run it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCommand {
    /// Their names, in the order of the estate.
    pub hosts: Vec<String>,
    /// PowerShell, on one line unless a label holds a line break.
    pub command: String,
}

/// What would mend a disagreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// All of these.
    Commands(Vec<HostCommand>),
    /// The tables do not show who is right: one of these lists.
    Either(Vec<Vec<HostCommand>>),
    /// Something only people know: what to do.
    Words(String),
}

/// A guest's adapter where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestAt {
    /// The VM.
    pub vm_name: String,
    /// The host.
    pub host: String,
    /// The adapter's MAC.
    pub mac: MacAddress,
}

/// A customer route as hosts share it: its next hops and metrics are what they say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteName {
    /// `-VirtualSubnetID`.
    pub virtual_subnet: VirtualSubnetId,
    /// `-RoutingDomainID`.
    pub routing_domain: RoutingDomainId,
    /// `-DestinationPrefix`.
    pub destination: CustomerPrefix,
}

/// What records of one name may differ in between hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordField {
    /// `-ProviderAddress`
    ProviderAddress,
    /// `-MACAddress`
    Mac,
    /// `-Rule`
    Rule,
    /// `-Type`
    Type,
    /// `-UseVmMACAddress`
    UseVmMac,
}

/// The kinds of disagreements, the worst first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// V-02: hosts put one subnet into different routing domains.
    SubnetInTwoDomains {
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
        /// Each domain and the hosts that say so.
        domains: Vec<(RoutingDomainId, Vec<String>)>,
    },
    /// V-08: two hosts own one provider address.
    ProviderAddressTwice {
        /// The address.
        address: ProviderAddress,
        /// Its owners.
        hosts: Vec<String>,
    },
    /// A host runs guests that reach others over the underlay, and network virtualization is not
    /// bound there.
    WnvUnbound {
        /// The host.
        host: String,
    },
    /// A host runs guests that reach others over the underlay, and has no provider address.
    NoProviderAddress {
        /// The host.
        host: String,
    },
    /// A record points to a host where its guest does not run, and another host runs it.
    StaleRecord {
        /// The record.
        record: RecordName,
        /// Where it points.
        address: ProviderAddress,
        /// Whose address that is.
        owners: Vec<String>,
        /// Where the guest runs.
        guests: Vec<GuestAt>,
        /// Hosts with this record.
        said_by: Vec<String>,
    },
    /// V-08: no host owns the provider address of a record.
    ProviderAddressUnowned {
        /// The record.
        record: RecordName,
        /// The address.
        address: ProviderAddress,
        /// Where the guest runs, if that is known.
        guests: Vec<GuestAt>,
        /// Hosts with this record.
        said_by: Vec<String>,
    },
    /// No host has any record of a routing domain whose guests run on several.
    DomainWithoutRecords {
        /// The domain.
        domain: Domain,
        /// Where its guests run.
        hosts: Vec<String>,
    },
    /// V-16: hosts with guests of a routing domain have no record of it, others have.
    NoRecords {
        /// The domain.
        domain: Domain,
        /// Hosts without.
        hosts: Vec<String>,
        /// How many records others have.
        missing: usize,
    },
    /// V-16: a host with guests of a routing domain lacks a record of it.
    RecordMissing {
        /// The record.
        record: RecordName,
        /// Hosts without it.
        hosts: Vec<String>,
    },
    /// Hosts disagree about a record, and what runs where does not show why.
    RecordsDiffer {
        /// The record.
        record: RecordName,
        /// What they disagree in.
        fields: Vec<RecordField>,
    },
    /// A guest's adapter has no record, on any host.
    AdapterWithoutRecord {
        /// The adapter's subnet.
        virtual_subnet: VirtualSubnetId,
        /// The adapter.
        guest: GuestAt,
    },
    /// No host has a customer route for a subnet that has records.
    SubnetWithoutRoutes {
        /// The subnet.
        virtual_subnet: VirtualSubnetId,
    },
    /// V-16: hosts with guests of a routing domain have no customer route of it, others have.
    NoRoutes {
        /// The domain.
        domain: Domain,
        /// Hosts without.
        hosts: Vec<String>,
        /// How many routes others have.
        missing: usize,
    },
    /// V-16: a host with guests of a routing domain lacks a customer route of it.
    RouteMissing {
        /// The route.
        route: RouteName,
        /// Hosts without it.
        hosts: Vec<String>,
    },
    /// Hosts disagree about the next hops or metrics of a customer route.
    RoutesDiffer {
        /// The route.
        route: RouteName,
    },
    /// A host's records point to provider addresses that it has no way to.
    ProviderUnreachable {
        /// The host.
        host: String,
        /// The network of those addresses.
        network: ProviderPrefix,
        /// One of them.
        example: ProviderAddress,
        /// The owner of that one.
        owner: String,
        /// V-12: the host has no provider address of this family at all.
        no_address_of_family: bool,
    },
    /// V-05: one MAC at two adapters in one routing domain.
    MacTwice {
        /// The domain.
        domain: Domain,
        /// The MAC.
        mac: MacAddress,
        /// The adapters that have it.
        guests: Vec<GuestAt>,
    },
    /// V-14: a record's MAC is not the one of the VM that its VMName label names.
    RecordMacDiffers {
        /// The record.
        record: RecordName,
        /// Its MAC.
        mac: MacAddress,
        /// The VM's adapter.
        guest: GuestAt,
        /// Hosts with this record.
        said_by: Vec<String>,
    },
    /// V-14: the adapter with a record's MAC is not in the record's subnet.
    AdapterInOtherSubnet {
        /// The record.
        record: RecordName,
        /// The adapter.
        guest: GuestAt,
        /// Its subnet; `None`: not set.
        subnet: Option<VirtualSubnetId>,
    },
    /// V-14: no adapter has a record's MAC.
    GuestUnknown {
        /// The record.
        record: RecordName,
        /// Its MAC.
        mac: MacAddress,
        /// Whose provider address it names.
        owners: Vec<String>,
    },
    /// V-05: on-link prefixes of two subnets of one routing domain overlap.
    PrefixesOverlap {
        /// One route.
        first: RouteName,
        /// The other.
        second: RouteName,
    },
    /// Provider addresses of one network are on different VLANs.
    ProviderVlansDiffer {
        /// The network.
        network: ProviderPrefix,
    },
    /// Hosts disagree about how long the prefix of one provider network is.
    ProviderPrefixLengthsDiffer {
        /// The widest of them.
        network: ProviderPrefix,
    },
    /// Some hosts leave routing between subnets to external routers, others do not.
    ExternalRouterDiffers,
    /// What a host's records point to on this host cannot be judged: its adapters are not known.
    AdaptersUnknown {
        /// The host.
        host: String,
        /// How many records point there, the same one of several hosts counted once.
        records: usize,
    },
    /// V-16: a host has policy of routing domains that have no guest there.
    PolicyUnneeded {
        /// The host.
        host: String,
        /// How many records.
        records: usize,
        /// How many customer routes.
        routes: usize,
        /// The domains.
        domains: Vec<Domain>,
    },
    /// The labels of a record differ between hosts. They decide nothing.
    LabelsDiffer {
        /// The record.
        record: RecordName,
    },
}

impl What {
    /// The rule's name in reports, and its rank: lower is worse, among those of one severity.
    const fn rule(&self) -> (u8, &'static str) {
        match self {
            Self::SubnetInTwoDomains { .. } => (0, "subnet_in_two_domains"),
            Self::ProviderAddressTwice { .. } => (1, "provider_address_twice"),
            Self::WnvUnbound { .. } => (2, "wnv_unbound"),
            Self::NoProviderAddress { .. } => (3, "no_provider_address"),
            Self::StaleRecord { .. } => (4, "stale_record"),
            Self::ProviderAddressUnowned { .. } => (5, "provider_address_unowned"),
            Self::DomainWithoutRecords { .. } => (6, "domain_without_records"),
            Self::NoRecords { .. } => (7, "no_records"),
            Self::RecordMissing { .. } => (8, "record_missing"),
            Self::RecordsDiffer { .. } => (9, "records_differ"),
            Self::AdapterWithoutRecord { .. } => (10, "adapter_without_record"),
            Self::SubnetWithoutRoutes { .. } => (11, "subnet_without_routes"),
            Self::NoRoutes { .. } => (12, "no_routes"),
            Self::RouteMissing { .. } => (13, "route_missing"),
            Self::RoutesDiffer { .. } => (14, "routes_differ"),
            Self::ProviderUnreachable { .. } => (15, "provider_unreachable"),
            Self::MacTwice { .. } => (16, "mac_twice"),
            Self::RecordMacDiffers { .. } => (17, "record_mac_differs"),
            Self::AdapterInOtherSubnet { .. } => (18, "adapter_in_other_subnet"),
            Self::GuestUnknown { .. } => (19, "guest_unknown"),
            Self::PrefixesOverlap { .. } => (20, "prefixes_overlap"),
            Self::ProviderVlansDiffer { .. } => (21, "provider_vlans_differ"),
            Self::ProviderPrefixLengthsDiffer { .. } => (22, "provider_prefix_lengths_differ"),
            Self::ExternalRouterDiffers => (23, "external_router_differs"),
            Self::AdaptersUnknown { .. } => (24, "adapters_unknown"),
            Self::PolicyUnneeded { .. } => (25, "policy_unneeded"),
            Self::LabelsDiffer { .. } => (26, "labels_differ"),
        }
    }

    /// Its rank among disagreements of one severity; the worst is the least.
    pub(crate) const fn rank(&self) -> u8 {
        self.rule().0
    }

    /// The rule's name in reports: "stale_record".
    pub const fn name(&self) -> &'static str {
        self.rule().1
    }

    /// What it is about, for the identity of a finding.
    fn subject(&self) -> String {
        match self {
            Self::SubnetInTwoDomains { virtual_subnet, .. }
            | Self::SubnetWithoutRoutes { virtual_subnet } => virtual_subnet.to_string(),
            Self::ProviderAddressTwice { address, .. } => address.to_string(),
            Self::WnvUnbound { host }
            | Self::NoProviderAddress { host }
            | Self::AdaptersUnknown { host, .. }
            | Self::PolicyUnneeded { host, .. } => host.clone(),
            Self::StaleRecord {
                record, address, ..
            }
            | Self::ProviderAddressUnowned {
                record, address, ..
            } => {
                format!("{}/{address}", record.path())
            }
            Self::DomainWithoutRecords { domain, .. }
            | Self::NoRecords { domain, .. }
            | Self::NoRoutes { domain, .. } => domain.to_string(),
            Self::RecordMissing { record, .. }
            | Self::RecordsDiffer { record, .. }
            | Self::LabelsDiffer { record } => record.path(),
            Self::AdapterWithoutRecord {
                virtual_subnet,
                guest,
            } => format!("{virtual_subnet}/{}/{}", guest.vm_name, guest.mac),
            Self::RouteMissing { route, .. } | Self::RoutesDiffer { route } => route.path(),
            Self::ProviderUnreachable { host, network, .. } => format!("{host}/{network}"),
            Self::MacTwice { domain, mac, .. } => format!("{domain}/{mac}"),
            Self::RecordMacDiffers { record, mac, .. } | Self::GuestUnknown { record, mac, .. } => {
                format!("{}/{mac}", record.path())
            }
            Self::AdapterInOtherSubnet { record, guest, .. } => {
                format!("{}/{}/{}", record.path(), guest.host, guest.vm_name)
            }
            Self::PrefixesOverlap { first, second } => {
                format!("{}/{}", first.path(), second.path())
            }
            Self::ProviderVlansDiffer { network }
            | Self::ProviderPrefixLengthsDiffer { network } => network.to_string(),
            Self::ExternalRouterDiffers => String::new(),
        }
    }
}

impl RouteName {
    /// The name of a route.
    pub fn of(route: &CustomerRoute) -> Self {
        Self {
            virtual_subnet: route.virtual_subnet,
            routing_domain: route.routing_domain,
            destination: route.destination,
        }
    }

    fn path(&self) -> String {
        format!(
            "{}/{}/{}",
            self.routing_domain, self.virtual_subnet, self.destination
        )
    }
}

impl Remedy {
    /// A line for each command: "On Statler, Waldorf: Set-...".
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Commands(commands) => commands.iter().map(|c| format!("On {c}")).collect(),
            Self::Either(choices) => choices
                .iter()
                .enumerate()
                .flat_map(|(at, commands)| {
                    let word = if at == 0 { "Either on" } else { "Or on" };
                    commands.iter().map(move |c| format!("{word} {c}"))
                })
                .collect(),
            Self::Words(words) => vec![words.clone()],
        }
    }
}

impl Disagreement {
    /// What makes it the same disagreement in another run: "stale_record/5001/10.0.0.5/192.168.4.11".
    pub fn identity(&self) -> String {
        let (rule, subject) = (self.what.name(), self.what.subject());
        if subject.is_empty() {
            rule.to_owned()
        } else {
            format!("{rule}/{subject}")
        }
    }
}

impl From<&Disagreement> for Finding {
    fn from(disagreement: &Disagreement) -> Self {
        let sides = disagreement.sides.iter();
        Self {
            rule: disagreement.what.name(),
            severity: disagreement.severity,
            message: format!("{}.", disagreement.what),
            places: sides.flat_map(|side| &side.places).cloned().collect(),
            fix: disagreement.remedy.lines(),
            identity: disagreement.identity(),
        }
    }
}

impl fmt::Display for HostCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.hosts.join(", "), self.command)
    }
}

impl fmt::Display for GuestAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs on {}", self.vm_name, self.host)
    }
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in VSID {}", self.destination, self.virtual_subnet)
    }
}

impl fmt::Display for RecordField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProviderAddress => "provider address",
            Self::Mac => "MAC",
            Self::Rule => "rule",
            Self::Type => "type",
            Self::UseVmMac => "UseVmMACAddress",
        })
    }
}

/// One sentence without full stop.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubnetInTwoDomains {
                virtual_subnet,
                domains,
            } => {
                write!(f, "VSID {virtual_subnet} is in two routing domains (V-02): ")?;
                for (at, (domain, hosts)) in domains.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    let says = if hosts.len() == 1 { "says" } else { "say" };
                    write!(f, "{comma}{domain} {says} {}", listed(hosts))?;
                }
                Ok(())
            }
            Self::ProviderAddressTwice { address, hosts } => write!(
                f,
                "provider address {address} is on {} at once (V-08)",
                listed(hosts)
            ),
            Self::WnvUnbound { host } => write!(
                f,
                "{host} runs guests whose routing domain spans hosts, and ms_netwnv is bound to none of its NICs"
            ),
            Self::NoProviderAddress { host } => write!(
                f,
                "{host} runs guests whose routing domain spans hosts, and has no provider address"
            ),
            Self::StaleRecord {
                record,
                address,
                owners,
                guests,
                said_by,
            } => write!(
                f,
                "{record} is at {address} ({}), {} {}; {}",
                listed(owners),
                say(said_by),
                listed(said_by),
                runs(guests)
            ),
            Self::ProviderAddressUnowned {
                record,
                address,
                guests,
                said_by,
            } => {
                let (say, by) = (say(said_by), listed(said_by));
                write!(f, "{record} is at {address}, {say} {by}, and no host has that provider address (V-08)")?;
                if guests.is_empty() {
                    f.write_str("; where its guest runs is not known")
                } else {
                    write!(f, "; {}", runs(guests))
                }
            }
            Self::DomainWithoutRecords { domain, hosts } => write!(
                f,
                "guests of {domain} run on {}, and no host has a lookup record of it",
                listed(hosts)
            ),
            Self::NoRecords {
                domain,
                hosts,
                missing,
            } => write!(
                f,
                "guests of {domain} run on {}, without any of its {missing} lookup records there (V-16)",
                listed(hosts)
            ),
            Self::RecordMissing { record, hosts } => write!(
                f,
                "{record} has no lookup record on {}, where guests of its routing domain run (V-16)",
                listed(hosts)
            ),
            Self::RecordsDiffer { record, fields } => {
                let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
                write!(f, "hosts disagree about {record}: {}", fields.join(", "))
            }
            Self::AdapterWithoutRecord {
                virtual_subnet,
                guest,
            } => write!(
                f,
                "{guest} in VSID {virtual_subnet}, and no host has a lookup record for its MAC {}",
                guest.mac
            ),
            Self::SubnetWithoutRoutes { virtual_subnet } => write!(
                f,
                "VSID {virtual_subnet} has lookup records and no customer route on any host: it is in no routing domain"
            ),
            Self::NoRoutes {
                domain,
                hosts,
                missing,
            } => write!(
                f,
                "guests of {domain} run on {}, without any of its {missing} customer routes there (V-16)",
                listed(hosts)
            ),
            Self::RouteMissing { route, hosts } => write!(
                f,
                "the customer route to {route} is not on {}, where guests of its routing domain run (V-16)",
                listed(hosts)
            ),
            Self::RoutesDiffer { route } => {
                write!(f, "hosts disagree about the customer route to {route}")
            }
            Self::ProviderUnreachable {
                host,
                network,
                example,
                owner,
                no_address_of_family,
            } => {
                write!(f, "records of {host} point to {example} on {owner}, and {host} has no ")?;
                if *no_address_of_family {
                    f.write_str("provider address of that family (V-12)")
                } else {
                    write!(f, "provider route to {network}")
                }
            }
            Self::MacTwice {
                domain,
                mac,
                guests,
            } => write!(f, "MAC {mac} is twice in {domain} (V-05): {}", runs(guests)),
            Self::RecordMacDiffers {
                record,
                mac,
                guest,
                said_by,
            } => write!(
                f,
                "{record} has the MAC {mac}, {} {}; the adapter of {} on {} has {} (V-14)",
                say(said_by),
                listed(said_by),
                guest.vm_name,
                guest.host,
                guest.mac
            ),
            Self::AdapterInOtherSubnet {
                record,
                guest,
                subnet,
            } => {
                write!(f, "{record} is for the MAC {}; {guest} with that MAC, ", guest.mac)?;
                match subnet {
                    Some(vsid) => write!(f, "in VSID {vsid} (V-14)"),
                    None => f.write_str("its VSID not set (V-14)"),
                }
            }
            Self::GuestUnknown {
                record,
                mac,
                owners,
            } => write!(
                f,
                "{record} is at {}, and no adapter there or elsewhere has its MAC {mac} (V-14)",
                listed(owners)
            ),
            Self::PrefixesOverlap { first, second } => write!(
                f,
                "{first} overlaps {second}, in one routing domain (V-05)"
            ),
            Self::ProviderVlansDiffer { network } => write!(
                f,
                "provider addresses in {network} are on different VLANs"
            ),
            Self::ProviderPrefixLengthsDiffer { network } => write!(
                f,
                "provider addresses in {network} have different prefix lengths"
            ),
            Self::ExternalRouterDiffers => f.write_str(
                "some hosts leave routing between subnets to external routers, others do it themselves",
            ),
            Self::AdaptersUnknown { host, records } => write!(
                f,
                "no adapter of {host} is known: whether the guests of {records} lookup {} run there was not judged",
                if *records == 1 { "record" } else { "records" }
            ),
            Self::PolicyUnneeded {
                host,
                records,
                routes,
                domains,
            } => write!(
                f,
                "{host} has {records} lookup {} and {routes} customer {} of {}, of which no guest runs there (V-16)",
                if *records == 1 { "record" } else { "records" },
                if *routes == 1 { "route" } else { "routes" },
                match &domains[..] {
                    [domain] => domain.to_string(),
                    many => format!("{} routing domains", many.len()),
                }
            ),
            Self::LabelsDiffer { record } => {
                write!(f, "hosts label {record} differently; labels decide nothing")
            }
        }
    }
}

fn say(hosts: &[String]) -> &'static str {
    if hosts.len() == 1 { "says" } else { "say" }
}

fn runs(guests: &[GuestAt]) -> String {
    let guests: Vec<_> = guests.iter().map(ToString::to_string).collect();
    listed(&guests)
}
