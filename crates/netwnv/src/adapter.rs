//! Get- and Set-VMNetworkAdapter, Get-VM, Get-VMSwitch, Get-NetAdapter.

use std::collections::BTreeSet;

use nvgre_dataplane::PortSubnet;
use nvgre_wire::VirtualSubnetId;

use crate::ast::Span;
use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter, did_you_mean};
use crate::invent::NicFact;
use crate::kind::{Kind, ON_OFF, UINT32, UINT64};
use crate::machine::{Context, Failed, Machine, Outcome};
use crate::object::{Object, adapter_properties, nic_properties, switch_properties};
use crate::table::refuse_filters_with_objects;
use crate::value::Value;
use crate::wildcard::{has_wildcard, is_like};

const VM_NAME: Parameter = Parameter::new("VMName", Kind::Text).filter().at(1);
const NAME: Parameter = Parameter::new("Name", Kind::Text)
    .filter()
    .aliases(&["VMNetworkAdapterName"]);
const VM: Parameter = Parameter::new("VM", Kind::Objects).many().at(0);
const ADAPTERS: Parameter = Parameter::new("VMNetworkAdapter", Kind::Objects)
    .many()
    .at(0);

/// A setting that the dataplane does not have.
const fn not_modelled(name: &'static str) -> Parameter {
    Parameter::new(name, Kind::Refused("this setting is not modelled"))
}

const MANAGEMENT_OS: Parameter = Parameter::new(
    "ManagementOS",
    Kind::Refused("adapters of the management operating system are not modelled"),
);

static GET_ADAPTER: &[Parameter] = &[
    VM_NAME,
    NAME,
    VM,
    Parameter::new("All", Kind::Switch),
    MANAGEMENT_OS,
];

static SET_ADAPTER: &[Parameter] = &[
    VM_NAME,
    NAME,
    ADAPTERS,
    VM,
    Parameter::new("VirtualSubnetId", Kind::PortVsid),
    Parameter::new("MacAddressSpoofing", ON_OFF),
    Parameter::new("DhcpGuard", ON_OFF),
    Parameter::new("RouterGuard", ON_OFF),
    Parameter::new("MaximumBandwidth", UINT64),
    Parameter::new("StormLimit", UINT32),
    MANAGEMENT_OS,
    not_modelled("AllowTeaming"),
    not_modelled("DynamicIPAddressLimit"),
    not_modelled("DynamicMacAddress"),
    not_modelled("IeeePriorityTag"),
    not_modelled("IovWeight"),
    not_modelled("MinimumBandwidthAbsolute"),
    not_modelled("MinimumBandwidthWeight"),
    not_modelled("PortMirroring"),
    not_modelled("StaticMacAddress"),
    not_modelled("VmqWeight"),
];

static GET_NET_ADAPTER: &[Parameter] = &[
    Parameter::new("Name", Kind::Text)
        .filter()
        .at(0)
        .aliases(&["ifAlias", "InterfaceAlias"]),
    Parameter::new("InterfaceDescription", Kind::Text)
        .filter()
        .aliases(&["ifDesc"]),
    Parameter::new("InterfaceIndex", UINT32)
        .filter()
        .aliases(&["ifIndex"]),
    Parameter::new("Physical", Kind::Switch),
];

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "Get-VMNetworkAdapter",
        aliases: &[],
        parameters: GET_ADAPTER,
        takes_input: true,
        remote: true,
        run: get_adapter,
    },
    Cmdlet {
        name: "Set-VMNetworkAdapter",
        aliases: &[],
        parameters: SET_ADAPTER,
        takes_input: true,
        remote: true,
        run: set_adapter,
    },
    Cmdlet {
        name: "Get-VM",
        aliases: &["gvm"],
        parameters: &[Parameter::new("Name", Kind::Text)
            .filter()
            .at(0)
            .aliases(&["VMName"])],
        takes_input: false,
        remote: true,
        run: get_vm,
    },
    Cmdlet {
        name: "Get-VMSwitch",
        aliases: &[],
        parameters: &[Parameter::new("Name", Kind::Text)
            .filter()
            .at(0)
            .aliases(&["SwitchName"])],
        takes_input: false,
        remote: true,
        run: get_switch,
    },
    Cmdlet {
        name: "Get-NetAdapter",
        aliases: &[],
        parameters: GET_NET_ADAPTER,
        takes_input: false,
        remote: true,
        run: get_net_adapter,
    },
];

/// Refuses a name without wildcards that nothing has: what is on a host is given, so this is a slip.
pub(crate) fn refuse_unknown<'n>(
    machine: &mut Machine<'_>,
    call: &Call<'_>,
    parameter: &str,
    what: &str,
    names: impl Iterator<Item = &'n String>,
) -> Result<(), Failed> {
    let names: Vec<_> = names.collect();
    let wanted = call.texts(parameter);
    let unknown = wanted
        .iter()
        .find(|text| !has_wildcard(text) && !names.iter().any(|name| is_like(name, text)));
    if let Some(text) = unknown.filter(|_| !call.is_silent()) {
        let message = format!("{} has no {what} \"{text}\"", machine.host(call.host).name);
        let help = did_you_mean(text, names.iter().map(|name| name.as_str()));
        let span: Span = call.span_of(parameter);
        return Err(machine.fail_with(&span, message, help));
    }
    Ok(())
}

fn vm_names(machine: &Machine<'_>, host: usize) -> Vec<String> {
    let mut met = BTreeSet::new();
    let adapters = machine.host(host).adapters.iter();
    adapters
        .map(|adapter| &adapter.vm_name)
        .filter(|name| met.insert(*name))
        .cloned()
        .collect()
}

/// The adapters that the call is about, as (host, index): those of its objects, else those that
/// pass its filters.
fn chosen(machine: &mut Machine<'_>, call: &Call<'_>) -> Result<Vec<(usize, usize)>, Failed> {
    let named = ["VMNetworkAdapter", "VM"]
        .into_iter()
        .find_map(|name| call.value(name));
    let objects = call.input.as_deref().or_else(|| named.map(Value::items));
    let mut found = Vec::new();
    if let Some(objects) = objects {
        for value in objects {
            let before = found.len();
            let Value::Object(object) = value else {
                let text = format!("{} does not work on {}", call.cmdlet.name, value.describe());
                return Err(machine.fail(&call.span, text));
            };
            // Of a VM, -Name still says which of its adapters.
            if !matches!(object, Object::Vm { .. }) || call.has("VMName") {
                refuse_filters_with_objects(machine, call)?;
            }
            let host = object.host();
            for (at, adapter) in machine.host(host).adapters.iter().enumerate() {
                let is_it = match object {
                    Object::Adapter { vm_name, name, .. } => {
                        *adapter.vm_name == **vm_name && *adapter.name == **name
                    }
                    Object::Vm { name, .. } => {
                        *adapter.vm_name == **name && call.matches(&adapter_properties(adapter))
                    }
                    _ => false,
                };
                if is_it {
                    found.push((host, at));
                }
            }
            let fits = matches!(object, Object::Adapter { .. } | Object::Vm { .. });
            if found.len() == before && !fits {
                let text = format!(
                    "{} does not work on {}",
                    call.cmdlet.name,
                    object.describe()
                );
                return Err(machine.fail(&call.span, text));
            }
        }
        return Ok(found);
    }
    if !call.has("VMName") && !call.has("All") {
        let text = format!("{}: -VMName is missing", call.cmdlet.name);
        return Err(machine.fail_with_help(
            &call.span,
            text,
            "-VMName * means all VMs of the host".to_owned(),
        ));
    }
    machine.invent_vms(call, "VMName");
    let names = vm_names(machine, call.host);
    refuse_unknown(machine, call, "VMName", "VM", names.iter())?;
    let adapters = &machine.host(call.host).adapters;
    found.extend(
        (0..adapters.len())
            .filter(|&at| call.matches(&adapter_properties(&adapters[at])))
            .map(|at| (call.host, at)),
    );
    if found.is_empty() && !call.is_silent() {
        let host = &machine.host(call.host).name;
        let text = format!("{} finds no VM network adapter on {host}", call.cmdlet.name);
        machine.warn(&call.place, text);
    }
    Ok(found)
}

fn adapter_object<'s>(machine: &Machine<'s>, host: usize, at: usize) -> Value<'s> {
    let adapter = &machine.host(host).adapters[at];
    Value::Object(Object::Adapter {
        host,
        vm_name: adapter.vm_name.as_str().into(),
        name: adapter.name.as_str().into(),
    })
}

fn get_adapter<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    let chosen = chosen(machine, call)?;
    Ok(chosen
        .into_iter()
        .map(|(host, at)| adapter_object(machine, host, at))
        .collect())
}

fn set_adapter<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    let subnet = call.get("VirtualSubnetId").map(|number: u32| match number {
        0 => PortSubnet::Unset,
        // Binding has refused every other number.
        _ => VirtualSubnetId::try_new(number).map_or(PortSubnet::LocalOnly, PortSubnet::Tenant),
    });
    if subnet == Some(PortSubnet::LocalOnly) {
        let text = "virtual subnet 16777215 is reserved (RFC 7637 s3.4): these adapters reach each other on their switch and nothing else";
        machine.warn(&call.place, text.to_owned());
    }
    let on = |name: &str| call.text(name).map(|text| text == "On");
    let mut output = Vec::new();
    for (host, at) in chosen(machine, call)? {
        let host_now = machine.host_mut(host, |kept, now| kept.adapters.changes(&now.adapters));
        let adapter = &mut host_now.adapters[at];
        adapter.subnet = subnet.unwrap_or(adapter.subnet);
        adapter.mac_address_spoofing =
            on("MacAddressSpoofing").unwrap_or(adapter.mac_address_spoofing);
        adapter.dhcp_guard = on("DhcpGuard").unwrap_or(adapter.dhcp_guard);
        adapter.router_guard = on("RouterGuard").unwrap_or(adapter.router_guard);
        if let Some(bits_per_second) = call.get::<u64>("MaximumBandwidth") {
            // Hyper-V rounds to a multiple of 8.
            adapter.maximum_bandwidth_bits_per_second = bits_per_second / 8 * 8;
        }
        if let Some(limit) = call.get("StormLimit") {
            adapter.storm_limit_packets_per_second = limit;
        }
        adapter.place = Some(call.place.clone());
        output.push(adapter_object(machine, host, at));
    }
    let pass_through = call.is_on("PassThru") == Some(true);
    Ok(if pass_through { output } else { Vec::new() })
}

fn get_vm<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    machine.invent_vms(call, "Name");
    let names = vm_names(machine, call.host);
    refuse_unknown(machine, call, "Name", "VM", names.iter())?;
    let objects = names.iter().map(|name| Object::Vm {
        host: call.host,
        name: name.as_str().into(),
    });
    Ok(objects
        .filter(|object| call.matches(&object.properties(&machine.estate)))
        .map(Value::Object)
        .collect())
}

fn get_switch<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    machine.invent_nics(call, "Name", NicFact::Switch);
    machine.invent_any_nic(call.host, &call.span);
    let nics = machine.host(call.host).nics.clone();
    refuse_unknown(
        machine,
        call,
        "Name",
        "switch",
        nics.iter().map(|nic| &nic.switch_name),
    )?;
    Ok(nics
        .iter()
        .filter(|nic| call.matches(&switch_properties(nic)))
        .map(|nic| {
            Value::Object(Object::Switch {
                host: call.host,
                interface_index: nic.interface_index,
            })
        })
        .collect())
}

fn get_net_adapter<'s>(
    machine: &mut Machine<'s>,
    _: &mut Context<'s>,
    call: &Call<'s>,
) -> Outcome<'s> {
    machine.invent_nics(call, "Name", NicFact::Name);
    machine.invent_nics(call, "InterfaceDescription", NicFact::Description);
    if let Some(index) = call.get("InterfaceIndex") {
        machine.invent_nic(call.host, &NicFact::Index(index), &call.span);
    }
    machine.invent_any_nic(call.host, &call.span);
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
    let indexes: Vec<_> = nics
        .iter()
        .map(|nic| nic.interface_index.to_string())
        .collect();
    refuse_unknown(machine, call, "InterfaceIndex", "NIC", indexes.iter())?;
    Ok(nics
        .iter()
        .filter(|nic| call.matches(&nic_properties(nic)))
        .map(|nic| {
            Value::Object(Object::NetAdapter {
                host: call.host,
                interface_index: nic.interface_index,
            })
        })
        .collect())
}
