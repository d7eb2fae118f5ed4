//! The kinds of disagreements, and what each is about.

use std::fmt;

use nvgre_dataplane::{CustomerRoute, PortSubnet};
use nvgre_netwnv::DumpKind;
use nvgre_wire::{
    CustomerPrefix, MacAddress, ProviderAddress, ProviderPrefix, RoutingDomainId, VirtualSubnetId,
};

use crate::cross::domain::Domain;
use crate::record_name::RecordName;

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
        /// Where it is.
        subnet: PortSubnet,
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
    /// Nothing of these kinds was dumped of these hosts: what it would show was not judged.
    NotDumped {
        /// The hosts.
        hosts: Vec<String>,
        /// The kinds.
        kinds: Vec<DumpKind>,
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
    /// A host's policy is wrong or suspect by itself.
    OwnPolicy {
        /// The row.
        about: Option<About>,
        /// What is wrong with it, with the check's number.
        fault: String,
        /// Whether a host refuses it. Else it is suspect.
        is_refused: bool,
        /// The hosts that have it so.
        hosts: Vec<String>,
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
            Self::NotDumped { .. } => (25, "not_dumped"),
            Self::PolicyUnneeded { .. } => (26, "policy_unneeded"),
            Self::LabelsDiffer { .. } => (27, "labels_differ"),
            Self::OwnPolicy { is_refused, .. } => match is_refused {
                true => (28, "refused_policy"),
                false => (28, "suspect_policy"),
            },
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
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::SubnetInTwoDomains { virtual_subnet, .. }
            | Self::SubnetWithoutRoutes { virtual_subnet } => virtual_subnet.to_string(),
            Self::ProviderAddressTwice { address, .. } => address.to_string(),
            Self::WnvUnbound { host }
            | Self::NoProviderAddress { host }
            | Self::AdaptersUnknown { host, .. }
            | Self::PolicyUnneeded { host, .. } => host.clone(),
            Self::NotDumped { hosts, .. } => hosts.join(","),
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
            Self::OwnPolicy { about, fault, .. } => match about {
                Some(About::Record(name)) => format!("{}/{fault}", name.path()),
                Some(About::Route(name)) => format!("{}/{fault}", name.path()),
                Some(About::ProviderAddress(address)) => format!("{address}/{fault}"),
                None => fault.clone(),
            },
        }
    }
}

/// A row of a host's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A lookup record.
    Record(RecordName),
    /// A customer route.
    Route(RouteName),
    /// A provider address.
    ProviderAddress(ProviderAddress),
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

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(name) => write!(f, "the lookup record of {name}"),
            Self::Route(name) => write!(f, "the customer route to {name}"),
            Self::ProviderAddress(address) => write!(f, "provider address {address}"),
        }
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
