//! A skeleton as files: the scenario, and a policy script for each host, every guess a comment.

use std::fmt::{self, Write as _};

use nvgre_dataplane::{
    CustomerRoute, HostAddress, LookupRecord, PortSubnet, ProviderRoute, RecordId, RecordType,
    RouteId, Rule,
};
use nvgre_netwnv::{HostAddressEntry, Labels, Place, ProviderRouteEntry, RecordEntry, RouteEntry};
use nvgre_wire::{CustomerAddress, CustomerPrefix, ProviderAddress};

use crate::guest::Guest;
use crate::scenario::{self, Host, InterfaceAddress, Tenant};
use crate::skeleton::{Skeleton, SkeletonGuest, SkeletonHost, SkeletonSubnet};

/// Made up: no capture shows it.
const INTERFACE_INDEX: u32 = 2;
/// As [`INTERFACE_INDEX`].
const INTERFACE_NAME: &str = "Ethernet";
/// What Windows gives a route without one.
const METRIC: u32 = 255;

impl Skeleton {
    /// The name of the scenario within its folder.
    pub const SCENARIO_FILE: &str = "scenario.toml";

    /// The files, each with its name within their folder ('/' between parts): [`Self::SCENARIO_FILE`]
    /// last, the policy scripts it names before. `capture` is what comments call the capture, `name`
    /// what the scenario is called. The same skeleton gives the same text.
    pub fn files(&self, name: &str, capture: &str) -> Vec<(String, String)> {
        let capture = capture.escape_debug().to_string();
        let scripts = (0..self.hosts.len()).map(|host| {
            let mut text = String::new();
            let _infallible = self.write_policy(&mut text, host, &capture);
            (self.hosts[host].policy_file(), text)
        });
        let mut files: Vec<_> = scripts.collect();
        let mut text = String::new();
        let _infallible = self.write_scenario(&mut text, name, &capture);
        files.push((Self::SCENARIO_FILE.to_owned(), text));
        files
    }

    /// Whether it was guessed from frames without NVGRE.
    pub const fn is_bare(&self) -> bool {
        self.nvgre_frames == 0
    }

    fn subnet_of(&self, guest: &SkeletonGuest) -> Option<&SkeletonSubnet> {
        self.subnets
            .iter()
            .find(|subnet| subnet.virtual_subnet == guest.virtual_subnet)
    }

    fn write_scenario(&self, out: &mut String, name: &str, capture: &str) -> fmt::Result {
        let name = toml::Value::from(name);
        writeln!(out, "name = {name}")?;
        writeln!(
            out,
            "about = \"Guessed from a capture: correct it where you know better\"\n"
        )?;
        writeln!(out, "# Capture: {capture}")?;
        if self.is_bare() {
            writeln!(
                out,
                "# It holds no NVGRE. VSID, tenant, host and provider address are made up, so that its guests can be replayed."
            )?;
        } else {
            writeln!(
                out,
                "# {} of its {} frames hold NVGRE.",
                self.nvgre_frames, self.frames
            )?;
        }
        if !self.notes.is_empty() {
            writeln!(out, "#\n# What it contradicts or leaves open:")?;
            for note in &self.notes {
                writeln!(out, "# - {note}")?;
            }
        }
        writeln!(out, "\n[underlay]")?;
        let longest = "the longest packet seen fits; 1500 if all were shorter";
        writeln!(out, "mtu_bytes = {}    # {longest}\n", self.mtu_bytes)?;
        writeln!(
            out,
            "# A tenant for each VSID, its routing domain made up: a capture does not show which subnets are one tenant's."
        )?;
        for subnet in &self.subnets {
            let groups = subnet.bum_group.map(|group| (subnet.virtual_subnet, group));
            let tenant = Tenant {
                name: subnet.tenant.clone(),
                routing_domain: subnet.routing_domain,
                virtual_subnets: vec![subnet.virtual_subnet],
                bum_groups: groups.into_iter().collect(),
            };
            scenario::text::tenant(out, &tenant)?;
        }
        writeln!(
            out,
            "\n# A host for each MAC of the underlay. Switch, interface index and description are made up."
        )?;
        for host in &self.hosts {
            self.write_host(out, host)?;
        }
        writeln!(
            out,
            "\n# A guest for each MAC within a VSID. Prefix lengths are the shortest that hold the addresses seen."
        )?;
        self.guests
            .iter()
            .try_for_each(|guest| self.write_guest(out, guest))
    }

    fn write_host(&self, out: &mut String, host: &SkeletonHost) -> fmt::Result {
        let made_up = if host.mac_seen {
            ""
        } else {
            "made up: the capture shows none"
        };
        let host = Host {
            name: host.name.clone(),
            switch: "VMs".to_owned(),
            interface_name: INTERFACE_NAME.to_owned(),
            interface_index: INTERFACE_INDEX,
            interface_description: format!("NIC of {}", host.name),
            mac: host.mac,
            link_mtu_bytes: self.mtu_bytes,
            policy: vec![host.policy_file()],
        };
        scenario::text::host(out, &host, made_up)
    }

    fn write_guest(&self, out: &mut String, guest: &SkeletonGuest) -> fmt::Result {
        let vsid = guest.virtual_subnet;
        let (sent, first) = (guest.frames_sent, guest.first_frame);
        let above = if sent == 0 {
            format!("Sends nothing: known from frames to it, the first is {first}")
        } else {
            format!("Frames it sent: {sent}; first seen in frame {first}")
        };
        let subnet = self.subnet_of(guest);
        let length = |address: CustomerAddress| {
            let prefixes = subnet.map_or(&[][..], |subnet| &subnet.prefixes);
            let own = prefixes.iter().find(|prefix| prefix.contains(address));
            own.map_or(if address.is_ipv4() { 32 } else { 128 }, |prefix| {
                prefix.length()
            })
        };
        let shown = guest.addresses.iter().take(Guest::ADDRESSES_MAX);
        let addresses: Vec<_> = shown
            .map(|&address| InterfaceAddress {
                address,
                prefix_length: length(address),
            })
            .collect();
        let more = guest.addresses.len() - addresses.len();
        let more = if more > 0 {
            format!("and {more} more: they have records, and a guest has no room for them")
        } else {
            String::new()
        };
        let tenant = format!("tenant-{vsid}");
        let host = guest.host;
        let guest = scenario::Guest {
            addresses,
            subnet: PortSubnet::Tenant(vsid),
            ..scenario::Guest::named(&guest.name, guest.mac)
        };
        let names = [tenant.as_str(), self.hosts[host].name.as_str()];
        scenario::text::guest(out, &guest, names, [&above, &more])
    }

    fn write_policy(&self, out: &mut String, host: usize, capture: &str) -> fmt::Result {
        let own = &self.hosts[host];
        writeln!(
            out,
            "# {}: policy guessed from a capture, {capture}",
            own.name
        )?;
        writeln!(
            out,
            "# Routes and records are the same on every host. Run on {}.\n",
            own.name
        )?;
        let made_up = if self.is_bare() {
            " They are made up."
        } else {
            ""
        };
        writeln!(
            out,
            "Enable-NetAdapterBinding -Name \"{INTERFACE_NAME}\" -ComponentID \"ms_netwnv\"\n"
        )?;
        writeln!(
            out,
            "# Provider addresses, and on-link routes to all that were seen. Prefix lengths are guesses.{made_up}"
        )?;
        for provider in &own.provider_addresses {
            let address = HostAddress {
                address: provider.address,
                interface_index: INTERFACE_INDEX,
                prefix_length: provider.prefix_length,
                vlan: provider.vlan,
                mac: own.mac,
            };
            let entry = HostAddressEntry {
                address,
                place: nowhere(),
            };
            writeln!(out, "{}", entry.to_powershell())?;
        }
        for &destination in &self.provider_prefixes {
            let ipv4 = destination.network().is_ipv4();
            let next_hop = if ipv4 {
                ProviderAddress::v4([0; 4])
            } else {
                ProviderAddress::v6([0; 16])
            };
            let route = ProviderRoute {
                interface_index: INTERFACE_INDEX,
                destination,
                next_hop,
                metric: METRIC,
            };
            let entry = ProviderRouteEntry {
                route,
                place: nowhere(),
            };
            writeln!(out, "{}", entry.to_powershell())?;
        }
        for subnet in &self.subnets {
            self.write_subnet(out, subnet)?;
        }
        Ok(())
    }

    fn write_subnet(&self, out: &mut String, subnet: &SkeletonSubnet) -> fmt::Result {
        let vsid = subnet.virtual_subnet;
        let mut prefixes = subnet.prefixes.clone();
        if prefixes.is_empty() {
            // Without a route the subnet is in no routing domain, and no frame of it is accepted.
            writeln!(
                out,
                "\n# VSID {vsid}: no address was seen; this route is made up, to put it into its routing domain"
            )?;
            prefixes.extend("169.254.0.0/16".parse::<CustomerPrefix>());
        } else {
            writeln!(
                out,
                "\n# VSID {vsid}: on-link prefixes, the shortest that hold the addresses seen"
            )?;
        }
        for destination in prefixes {
            let route = CustomerRoute {
                id: RouteId(0),
                routing_domain: subnet.routing_domain,
                virtual_subnet: vsid,
                destination,
                next_hop: unspecified(destination.network()),
                metric: METRIC,
            };
            writeln!(
                out,
                "{}",
                RouteEntry {
                    route,
                    place: nowhere()
                }
                .to_powershell()
            )?;
        }
        writeln!(
            out,
            "# VSID {vsid}: records, from the frames' source addresses"
        )?;
        for guest in self
            .guests
            .iter()
            .filter(|guest| guest.virtual_subnet == vsid)
        {
            if guest.frames_sent == 0 {
                writeln!(
                    out,
                    "# Guess: {} sends nothing; frames for it go there.",
                    guest.name
                )?;
            }
            for &address in &guest.addresses {
                writeln!(
                    out,
                    "{}",
                    record(guest, subnet, address, RecordType::Static)
                )?;
            }
            let nameless = CustomerAddress::v4([0; 4]);
            if guest.is_gateway {
                writeln!(
                    out,
                    "# Guess: {} forwards what is for other networks.",
                    guest.name
                )?;
                writeln!(
                    out,
                    "{}",
                    record(guest, subnet, nameless, RecordType::GatewayWildcard)
                )?;
            } else if guest.addresses.is_empty() {
                writeln!(
                    out,
                    "# {} tells no address: only its MAC is known.",
                    guest.name
                )?;
                writeln!(
                    out,
                    "{}",
                    record(guest, subnet, nameless, RecordType::L2Only)
                )?;
            }
        }
        Ok(())
    }
}

impl SkeletonHost {
    /// The name of its policy script within the folder of the scenario.
    pub fn policy_file(&self) -> String {
        format!("policy/{}.ps1", self.name)
    }
}

fn record(
    guest: &SkeletonGuest,
    subnet: &SkeletonSubnet,
    customer_address: CustomerAddress,
    record_type: RecordType,
) -> String {
    let record = LookupRecord {
        id: RecordId(0),
        virtual_subnet: guest.virtual_subnet,
        customer_address,
        mac: guest.mac,
        provider_address: guest.provider_address,
        rule: Rule::Encap,
        record_type,
        use_vm_mac: false,
    };
    let customer_id = subnet.routing_domain.to_string();
    let labels = Labels::new(Some(&customer_id), None, Some(&guest.name));
    RecordEntry {
        record,
        labels,
        place: nowhere(),
    }
    .to_powershell()
}

fn unspecified(like: CustomerAddress) -> CustomerAddress {
    if like.is_ipv4() {
        CustomerAddress::v4([0; 4])
    } else {
        CustomerAddress::v6([0; 16])
    }
}

/// An entry that is only printed stands in no script.
fn nowhere() -> Place {
    Place {
        file: "".into(),
        line: 0,
        column: 0,
    }
}
