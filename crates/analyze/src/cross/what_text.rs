//! Disagreements as sentences.

use std::fmt;

use crate::cross::sides::port_subnet;
use crate::cross::what::{GuestAt, What};
use crate::listed::listed;

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
                "{domain} is in use on {}, without any of its {missing} lookup records there (V-16)",
                listed(hosts)
            ),
            Self::RecordMissing { record, hosts } => write!(
                f,
                "{record} has no lookup record on {}, where its routing domain is in use (V-16)",
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
                "{domain} is in use on {}, without any of its {missing} customer routes there (V-16)",
                listed(hosts)
            ),
            Self::RouteMissing { route, hosts } => write!(
                f,
                "the customer route to {route} is not on {}, where its routing domain is in use (V-16)",
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
                let (mac, at) = (guest.mac, port_subnet(*subnet));
                write!(f, "{record} is for the MAC {mac}; {guest} with that MAC, {at} (V-14)")
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
            Self::NotDumped { hosts, kinds } => {
                let kinds: Vec<_> = kinds.iter().map(|kind| format!("no {kind}")).collect();
                write!(
                    f,
                    "the dumps hold {} of {}: what that would show was not judged",
                    listed(&kinds),
                    listed(hosts)
                )
            }
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
            Self::OwnPolicy {
                about,
                fault,
                hosts,
                ..
            } => {
                if let Some(about) = about {
                    write!(f, "{about} on {}: ", listed(hosts))?;
                }
                f.write_str(fault)
            }
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
