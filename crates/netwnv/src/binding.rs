//! Enable- and Disable-NetAdapterBinding, for the component `ms_netwnv` alone.

use crate::adapter::refuse_unknown;
use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter, listed};
use crate::invent::NicFact;
use crate::kind::Kind;
use crate::machine::{Failed, Machine, Outcome};
use crate::object::{Object, nic_properties};
use crate::table::refuse_filters_with_objects;
use crate::value::Value;

/// The network virtualization filter, as Windows names it.
const NETWNV: &str = "ms_netwnv";

static PARAMETERS: &[Parameter] = &[
    Parameter::new("Name", Kind::Text)
        .filter()
        .at(1)
        .aliases(&["ifAlias", "InterfaceAlias"]),
    Parameter::new("InterfaceDescription", Kind::Text)
        .filter()
        .aliases(&["ifDesc"]),
    Parameter::new("InputObject", Kind::Objects).many().at(0),
    Parameter::new("ComponentID", Kind::Text).many(),
    Parameter::new(
        "DisplayName",
        Kind::Refused("name the component by -ComponentID ms_netwnv"),
    ),
    Parameter::new(
        "AllBindings",
        Kind::Refused("name the component by -ComponentID ms_netwnv"),
    ),
];

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "Enable-NetAdapterBinding",
        aliases: &[],
        parameters: PARAMETERS,
        takes_input: true,
        remote: true,
        run: |machine, _, call| bind(machine, call, true),
    },
    Cmdlet {
        name: "Disable-NetAdapterBinding",
        aliases: &[],
        parameters: PARAMETERS,
        takes_input: true,
        remote: true,
        run: |machine, _, call| bind(machine, call, false),
    },
];

/// The NICs that the call is about, as (host, index).
fn chosen(machine: &mut Machine<'_>, call: &Call<'_>) -> Result<Vec<(usize, usize)>, Failed> {
    let objects = call
        .input
        .as_deref()
        .or_else(|| call.value("InputObject").map(Value::items));
    let mut found = Vec::new();
    if let Some(objects) = objects {
        refuse_filters_with_objects(machine, call)?;
        for value in objects {
            let Value::Object(Object::NetAdapter {
                host,
                interface_index,
            }) = *value
            else {
                let text = format!("{} does not work on {}", call.cmdlet.name, value.describe());
                let help = "Get-NetAdapter finds network adapters".to_owned();
                return Err(machine.fail_with_help(&call.span, text, help));
            };
            let nics = machine.host(host).nics.iter();
            found.extend(
                nics.enumerate()
                    .filter(|(_, nic)| nic.interface_index == interface_index)
                    .map(|(at, _)| (host, at)),
            );
        }
        return Ok(found);
    }
    if !call.has_filter() {
        let text = format!(
            "{}: -Name or -InterfaceDescription is missing",
            call.cmdlet.name
        );
        return Err(machine.fail(&call.span, text));
    }
    machine.invent_nics(call, "Name", NicFact::Name);
    machine.invent_nics(call, "InterfaceDescription", NicFact::Description);
    let nics = machine.host(call.host).nics.clone();
    refuse_unknown(
        machine,
        call,
        "Name",
        "NIC",
        nics.iter().map(|nic| &nic.name),
    )?;
    let descriptions = nics.iter().map(|nic| &nic.interface_description);
    refuse_unknown(machine, call, "InterfaceDescription", "NIC", descriptions)?;
    found.extend(
        (0..nics.len())
            .filter(|&at| call.matches(&nic_properties(&nics[at])))
            .map(|at| (call.host, at)),
    );
    Ok(found)
}

fn bind<'s>(machine: &mut Machine<'s>, call: &Call<'s>, bound: bool) -> Outcome<'s> {
    let components = call.texts("ComponentID");
    if components.is_empty() {
        let text = format!("{}: -ComponentID is missing", call.cmdlet.name);
        let help = format!("-ComponentID {NETWNV} is the network virtualization filter");
        return Err(machine.fail_with_help(&call.span, text, help));
    }
    if let Some(other) = components
        .iter()
        .find(|id| !id.eq_ignore_ascii_case(NETWNV))
    {
        let text = format!("-ComponentID: the component {other} is not modelled, {NETWNV} is");
        return Err(machine.fail(&call.span_of("ComponentID"), text));
    }
    let mut output = Vec::new();
    for (host, at) in chosen(machine, call)? {
        let host_now = machine.host_mut(host, |kept, now| kept.nics.changes(&now.nics));
        let nic = &mut host_now.nics[at];
        let was_bound = std::mem::replace(&mut nic.wnv_bound, bound);
        output.push(Value::Object(Object::NetAdapter {
            host,
            interface_index: nic.interface_index,
        }));
        if was_bound && !bound {
            wipe(machine, call, host);
        }
    }
    let pass_through = call.is_on("PassThru") == Some(true);
    Ok(if pass_through { output } else { Vec::new() })
}

/// Taking the binding off drops the policy of the host (Microsoft's Simple Hyper-V Network
/// Virtualization sample says so, and advises against it).
fn wipe(machine: &mut Machine<'_>, call: &Call<'_>, host: usize) {
    let keys = &mut machine.keys;
    keys.records.remove(&host);
    keys.customer_routes.remove(&host);
    keys.provider_addresses.remove(&host);
    keys.provider_routes.remove(&host);
    let host = machine.host_mut(host, |kept, now| {
        kept.records.changes(&now.records);
        kept.customer_routes.changes(&now.customer_routes);
        kept.provider_addresses.changes(&now.provider_addresses);
        kept.provider_routes.changes(&now.provider_routes);
    });
    let counts = [
        (host.records.len(), "lookup records"),
        (host.customer_routes.len(), "customer routes"),
        (host.provider_addresses.len(), "provider addresses"),
        (host.provider_routes.len(), "provider routes"),
    ];
    let wiped = &mut host.wiped;
    wiped.records.append(&mut host.records);
    wiped.customer_routes.append(&mut host.customer_routes);
    wiped
        .provider_addresses
        .append(&mut host.provider_addresses);
    wiped.provider_routes.append(&mut host.provider_routes);
    if counts.iter().any(|&(count, _)| count > 0) {
        let counts = counts.map(|(count, noun)| format!("{count} {noun}"));
        let text = format!(
            "taking {NETWNV} off removed all policy of {}: {}",
            host.name,
            listed(&counts, "and")
        );
        machine.warn(&call.place, text);
    }
}
