//! New-, Get-, Set- and Remove-NetVirtualizationProviderAddress and -ProviderRoute.

use nvgre_dataplane::{HostAddress, ProviderRoute};
use nvgre_wire::{MacAddress, ProviderAddress, VlanId};

use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter, listed};
use crate::estate::{HostAddressEntry, ProviderRouteEntry};
use crate::invent::NicFact;
use crate::kind::{ADDRESS_STATE, BYTE, Kind, UINT32};
use crate::lookup_record::INPUT_OBJECT;
use crate::machine::{Context, Failed, Machine, Outcome};
use crate::row::Row;
use crate::table;

const ADDRESS: Parameter = Parameter::new("ProviderAddress", Kind::ProviderAddress);
const INTERFACE: Parameter = Parameter::new("InterfaceIndex", UINT32);
const PREFIX_LENGTH: Parameter = Parameter::new("PrefixLength", BYTE);
const VLAN: Parameter = Parameter::new("VlanID", Kind::Vlan);
const MAC: Parameter = Parameter::new("MACAddress", Kind::Mac);
const STATE: Parameter = Parameter::new("AddressState", ADDRESS_STATE);
const MANAGED: Parameter = Parameter::new("ManagedByCluster", Kind::Bool);
const PREFIX: Parameter = Parameter::new("DestinationPrefix", Kind::ProviderPrefix);
const NEXT_HOP: Parameter = Parameter::new("NextHop", Kind::ProviderAddress);
const METRIC: Parameter = Parameter::new("Metric", UINT32);

static NEW_ADDRESS: &[Parameter] = &[
    ADDRESS.required(),
    INTERFACE.required(),
    PREFIX_LENGTH.required(),
    VLAN,
    MAC,
];

static REMOVE_ADDRESS: &[Parameter] = &[
    ADDRESS.filter(),
    INTERFACE.filter(),
    PREFIX_LENGTH.filter(),
    VLAN.filter(),
    MAC.filter(),
    STATE.filter(),
    MANAGED.filter(),
    INPUT_OBJECT,
];

static SET_ADDRESS: &[Parameter] = &[
    ADDRESS.filter(),
    INTERFACE.filter(),
    STATE.filter(),
    PREFIX_LENGTH,
    VLAN,
    MAC,
    INPUT_OBJECT,
];

static NEW_ROUTE: &[Parameter] = &[
    INTERFACE.required(),
    PREFIX.required(),
    NEXT_HOP.required(),
    METRIC,
];

static REMOVE_ROUTE: &[Parameter] = &[
    INTERFACE.filter(),
    PREFIX.filter(),
    NEXT_HOP.filter(),
    METRIC.filter(),
    INPUT_OBJECT,
];

static SET_ROUTE: &[Parameter] = &[
    INTERFACE.filter(),
    PREFIX.filter(),
    NEXT_HOP.filter(),
    METRIC,
    INPUT_OBJECT,
];

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "New-NetVirtualizationProviderAddress",
        aliases: &[],
        parameters: NEW_ADDRESS,
        takes_input: false,
        remote: true,
        run: new_address,
    },
    Cmdlet {
        name: "Get-NetVirtualizationProviderAddress",
        aliases: &[],
        parameters: Parameter::without_input(REMOVE_ADDRESS),
        takes_input: false,
        remote: true,
        run: |machine, _, call| table::get::<HostAddressEntry>(machine, call),
    },
    Cmdlet {
        name: "Set-NetVirtualizationProviderAddress",
        aliases: &[],
        parameters: SET_ADDRESS,
        takes_input: true,
        remote: true,
        run: set_address,
    },
    Cmdlet {
        name: "Remove-NetVirtualizationProviderAddress",
        aliases: &[],
        parameters: REMOVE_ADDRESS,
        takes_input: true,
        remote: true,
        run: |machine, _, call| table::remove::<HostAddressEntry>(machine, call),
    },
    Cmdlet {
        name: "New-NetVirtualizationProviderRoute",
        aliases: &[],
        parameters: NEW_ROUTE,
        takes_input: false,
        remote: true,
        run: new_route,
    },
    Cmdlet {
        name: "Get-NetVirtualizationProviderRoute",
        aliases: &[],
        parameters: Parameter::without_input(REMOVE_ROUTE),
        takes_input: false,
        remote: true,
        run: |machine, _, call| table::get::<ProviderRouteEntry>(machine, call),
    },
    Cmdlet {
        name: "Set-NetVirtualizationProviderRoute",
        aliases: &[],
        parameters: SET_ROUTE,
        takes_input: true,
        remote: true,
        run: set_route,
    },
    Cmdlet {
        name: "Remove-NetVirtualizationProviderRoute",
        aliases: &[],
        parameters: REMOVE_ROUTE,
        takes_input: true,
        remote: true,
        run: |machine, _, call| table::remove::<ProviderRouteEntry>(machine, call),
    },
];

/// The MAC of the NIC that `-InterfaceIndex` names.
fn nic_mac(machine: &mut Machine<'_>, call: &Call<'_>) -> Result<MacAddress, Failed> {
    let index: u32 = call.required("InterfaceIndex");
    machine.invent_nic(
        call.host,
        &NicFact::Index(index),
        &call.span_of("InterfaceIndex"),
    );
    let host = machine.host(call.host);
    if let Some(nic) = host.nics.iter().find(|nic| nic.interface_index == index) {
        return Ok(nic.mac);
    }
    let text = format!("-InterfaceIndex: {} has no NIC {index}", host.name);
    let names: Vec<_> = host
        .nics
        .iter()
        .map(|nic| format!("{} ({})", nic.interface_index, nic.name))
        .collect();
    let help = if names.is_empty() {
        "it has none at all".to_owned()
    } else {
        format!("it has {}", listed(&names, "and"))
    };
    Err(machine.fail_with_help(&call.span_of("InterfaceIndex"), text, help))
}

fn vlan_of(call: &Call<'_>) -> Option<Option<VlanId>> {
    // 0 is how Windows writes "none"; binding has refused what is neither 0 nor a VLAN id.
    call.get("VlanID")
        .map(|number| VlanId::try_new(number).ok())
}

pub(crate) fn check_prefix_length(address: ProviderAddress, length: u8) -> Result<(), String> {
    let max = if address.is_ipv4() { 32 } else { 128 };
    if length > max {
        return Err(format!(
            "-PrefixLength: {length} is too long for {address}: 0 to {max} are"
        ));
    }
    Ok(())
}

fn new_address<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    let nic_mac = nic_mac(machine, call)?;
    let address = HostAddress {
        address: call.required("ProviderAddress"),
        interface_index: call.required("InterfaceIndex"),
        prefix_length: call.required("PrefixLength"),
        vlan: vlan_of(call).flatten(),
        mac: call.get("MACAddress").unwrap_or(nic_mac),
    };
    if let Err(message) = check_prefix_length(address.address, address.prefix_length) {
        return Err(machine.fail(&call.span_of("PrefixLength"), message));
    }
    let entry = HostAddressEntry {
        address,
        place: call.place.clone(),
    };
    if let Some(at) = table::existing::<HostAddressEntry>(machine, call.host, &entry.key()) {
        let first = machine.host(call.host).provider_addresses[at].place.clone();
        let what = format!("the provider address {}", address.address);
        return table::refuse_existing(machine, call, &what, &first);
    }
    table::add(machine, call, entry)
}

fn set_address<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    table::set(machine, call, |entry: &mut HostAddressEntry| {
        let address = &mut entry.address;
        address.prefix_length = call.get("PrefixLength").unwrap_or(address.prefix_length);
        address.vlan = vlan_of(call).unwrap_or(address.vlan);
        address.mac = call.get("MACAddress").unwrap_or(address.mac);
        check_prefix_length(address.address, address.prefix_length)
    })
}

fn new_route<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    nic_mac(machine, call)?;
    let route = ProviderRoute {
        interface_index: call.required("InterfaceIndex"),
        destination: call.required("DestinationPrefix"),
        next_hop: call.required("NextHop"),
        metric: call.get("Metric").unwrap_or(0),
    };
    let entry = ProviderRouteEntry {
        route,
        place: call.place.clone(),
    };
    if let Some(at) = table::existing::<ProviderRouteEntry>(machine, call.host, &entry.key()) {
        let first = machine.host(call.host).provider_routes[at].place.clone();
        let what = format!(
            "a provider route to {} by {}",
            route.destination, route.next_hop
        );
        return table::refuse_existing(machine, call, &what, &first);
    }
    table::add(machine, call, entry)
}

fn set_route<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    table::set(machine, call, |entry: &mut ProviderRouteEntry| {
        entry.route.metric = call.get("Metric").unwrap_or(entry.route.metric);
        Ok(())
    })
}
