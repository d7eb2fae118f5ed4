//! Why a scenario cannot be brought to life, and where that was written.

use std::fmt;
use std::io;

use nvgre_dataplane::PolicyError;
use nvgre_netwnv::{Adapter, Estate, Place, ScriptError, Source};

use crate::network::Refused;
use crate::scenario::{Guest, Scenario};

/// Why a scenario cannot be brought to life.
#[derive(Debug)]
pub enum ModelError {
    /// A policy file cannot be read.
    File {
        /// Its name in the scenario.
        file: String,
        /// What the system said.
        error: io::Error,
    },
    /// A script is wrong.
    Script {
        /// The script.
        source: Source,
        /// What is wrong with it.
        errors: Vec<ScriptError>,
    },
    /// The policy that scripts left on a host is refused.
    Policy {
        /// The host.
        host: String,
        /// What is wrong, and where it was written, if it was.
        errors: Vec<(PolicyError, Option<Place>)>,
    },
    /// A guest cannot move: no switch of its adapter's name there (Compare-VM, incompatibility
    /// 33012).
    NoSuchSwitch {
        /// The guest.
        guest: String,
        /// The switch.
        switch: String,
        /// The host without it.
        host: String,
    },
}

/// What a host was refused, with places.
pub(crate) fn refusal(estate: &Estate, scenario: &Scenario, refused: Refused) -> ModelError {
    refusal_of(
        &estate.hosts[refused.host],
        &scenario.guests,
        refused.errors,
    )
}

/// What a host was refused, with places. Ports count into the guests.
pub(crate) fn refusal_of(
    windows: &nvgre_netwnv::Host,
    guests: &[Guest],
    errors: Vec<PolicyError>,
) -> ModelError {
    let errors = errors.into_iter();
    ModelError::Policy {
        host: windows.name.clone(),
        errors: errors
            .map(|error| (error, place_of_error(windows, guests, error)))
            .collect(),
    }
}

fn place_of_error(
    windows: &nvgre_netwnv::Host,
    guests: &[Guest],
    error: PolicyError,
) -> Option<Place> {
    let record_place = |record| windows.record(record).map(|entry| entry.place.clone());
    let route_place = |route| {
        let entry = windows.customer_route(route);
        entry.map(|entry| entry.place.clone())
    };
    match error {
        PolicyError::DuplicateRecord { second: record, .. }
        | PolicyError::NatAddressShared { second: record, .. }
        | PolicyError::CustomerAddressForType(record)
        | PolicyError::CustomerAddressNotUnicast(record)
        | PolicyError::ProviderAddressNotUnicast(record)
        | PolicyError::RecordMacNotUnicast(record)
        | PolicyError::VmMacWithoutNat(record)
        | PolicyError::NoSuchRecord(record)
        | PolicyError::NotBound(record) => record_place(record),
        PolicyError::SubnetInTwoDomains { second: route, .. }
        | PolicyError::RouteFamilies(route) => route_place(route),
        PolicyError::DuplicateProviderAddress(address)
        | PolicyError::HostAddressNotUnicast(address)
        | PolicyError::PrefixLength(address) => windows
            .provider_addresses
            .iter()
            .rfind(|entry| entry.address.address == address)
            .map(|entry| entry.place.clone()),
        PolicyError::VlanAndSubnet(port) | PolicyError::DuplicatePort(port) => {
            let guest = &guests[port.0 as usize];
            let adapter = windows
                .adapters
                .iter()
                .find(|adapter| is_adapter(adapter, guest));
            adapter.and_then(|adapter| adapter.place.clone())
        }
        PolicyError::GroupNotMulticast(_) => None,
    }
}

fn is_adapter(adapter: &Adapter, guest: &Guest) -> bool {
    adapter.vm_name.eq_ignore_ascii_case(&guest.name)
        && adapter.name.eq_ignore_ascii_case(&guest.nic)
}

impl fmt::Display for ModelError {
    /// Several lines where there are several errors, each with its place and, for scripts, the line
    /// and a caret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, error } => write!(f, "{file}: {error}"),
            Self::Script { source, errors } => {
                let rendered: Vec<_> = errors.iter().map(|error| error.render(source)).collect();
                f.write_str(rendered.join("\n").trim_end())
            }
            Self::Policy { host, errors } => {
                for (index, (error, place)) in errors.iter().enumerate() {
                    if index > 0 {
                        f.write_str("\n")?;
                    }
                    match place {
                        Some(place) => write!(f, "{place}: on {host}: {error}")?,
                        None => write!(f, "on {host}: {error}")?,
                    }
                }
                Ok(())
            }
            Self::NoSuchSwitch {
                guest,
                switch,
                host,
            } => write!(
                f,
                "{guest} cannot move to {host}: Could not find Ethernet switch '{switch}'. (33012)"
            ),
        }
    }
}

impl std::error::Error for ModelError {}
