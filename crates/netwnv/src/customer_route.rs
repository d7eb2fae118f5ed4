//! New-, Get-, Set- and Remove-NetVirtualizationCustomerRoute.

use nvgre_dataplane::CustomerRoute;

use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter};
use crate::estate::RouteEntry;
use crate::kind::{Kind, UINT32};
use crate::lookup_record::{INPUT_OBJECT, vsid_of};
use crate::machine::{Context, Machine, Outcome};
use crate::row::Row;
use crate::table;

const ROUTING_DOMAIN: Parameter = Parameter::new("RoutingDomainID", Kind::RoutingDomain);
const VSID: Parameter = Parameter::new("VirtualSubnetID", Kind::Vsid);
const PREFIX: Parameter = Parameter::new("DestinationPrefix", Kind::CustomerPrefix);
const NEXT_HOP: Parameter = Parameter::new("NextHop", Kind::CustomerAddress);
const METRIC: Parameter = Parameter::new("Metric", UINT32);

static NEW: &[Parameter] = &[
    ROUTING_DOMAIN.required(),
    VSID.required(),
    PREFIX.required(),
    NEXT_HOP.required(),
    METRIC,
];

static REMOVE: &[Parameter] = &[
    ROUTING_DOMAIN.filter(),
    VSID.filter(),
    PREFIX.filter(),
    NEXT_HOP.filter(),
    METRIC.filter(),
    INPUT_OBJECT,
];

static SET: &[Parameter] = &[
    ROUTING_DOMAIN.filter(),
    VSID.filter(),
    PREFIX.filter(),
    NEXT_HOP.filter(),
    METRIC,
    INPUT_OBJECT,
];

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "New-NetVirtualizationCustomerRoute",
        aliases: &[],
        parameters: NEW,
        takes_input: false,
        remote: true,
        run: new,
    },
    Cmdlet {
        name: "Get-NetVirtualizationCustomerRoute",
        aliases: &[],
        parameters: Parameter::without_input(REMOVE),
        takes_input: false,
        remote: true,
        run: |machine, _, call| table::get::<RouteEntry>(machine, call),
    },
    Cmdlet {
        name: "Set-NetVirtualizationCustomerRoute",
        aliases: &[],
        parameters: SET,
        takes_input: true,
        remote: true,
        run: set,
    },
    Cmdlet {
        name: "Remove-NetVirtualizationCustomerRoute",
        aliases: &[],
        parameters: REMOVE,
        takes_input: true,
        remote: true,
        run: |machine, _, call| table::remove::<RouteEntry>(machine, call),
    },
];

fn new<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    let route = CustomerRoute {
        id: machine.host_mut(call.host, |_, _| {}).new_route_id(),
        routing_domain: call.required("RoutingDomainID"),
        virtual_subnet: vsid_of(call),
        destination: call.required("DestinationPrefix"),
        next_hop: call.required("NextHop"),
        // Windows states no default.
        metric: call.get("Metric").unwrap_or(0),
    };
    let entry = RouteEntry {
        route,
        place: call.place.clone(),
    };
    if let Some(at) = table::existing::<RouteEntry>(machine, call.host, &entry.key()) {
        let first = machine.host(call.host).customer_routes[at].place.clone();
        let what = format!(
            "a customer route to {} by {} in virtual subnet {}",
            route.destination, route.next_hop, route.virtual_subnet
        );
        return table::refuse_existing(machine, call, &what, &first);
    }
    table::add(machine, call, entry)
}

fn set<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    table::set(machine, call, |entry: &mut RouteEntry| {
        entry.route.metric = call.get("Metric").unwrap_or(entry.route.metric);
        Ok(())
    })
}
