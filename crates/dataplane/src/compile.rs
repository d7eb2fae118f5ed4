//! From a policy to the tables that edits of records start from: ports, routes, subnets.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use ahash::RandomState;
use hashbrown::{HashMap, HashSet};

use crate::customer_route::CustomerRoute;
use crate::policy::{Policy, PolicyWarning};
use crate::port::Port;
use crate::provider::HostAddress;
use crate::record_table::{Fill, RecordTable};
use crate::short::{ShortPort, ShortRoute};
use crate::snapshot::{Domain, FIXED, Fixed, Segment, Snapshot, Subnet, SwitchPort, mac_key};
use crate::spine::Spine;
use crate::spread::Spread;
use crate::table::{Table, Version};

/// Places of small tables that are taken when they are built, in percent.
const LOAD_PERCENT: usize = 50;
/// A table fuller than this is built anew.
pub(crate) const FULL_PERCENT: usize = 80;

/// A state without records, and what only edits need to know.
pub(crate) struct Compiled {
    pub(crate) snapshot: Snapshot,
    /// Shape: (VSID, MAC) -> indices of the ports that have both.
    pub(crate) ports_of: HashMap<(u32, u64), Vec<u32>, RandomState>,
    pub(crate) used_subnets: usize,
}

/// Compiles everything but records and provider addresses.
pub(crate) fn compile(
    policy: &Policy,
    warnings: Vec<PolicyWarning>,
    hasher: &RandomState,
) -> Compiled {
    let in_force = policy.wnv_bound;
    let hosts: &[HostAddress] = if in_force {
        &policy.provider_addresses
    } else {
        &[]
    };
    let mut interfaces: Vec<u32> = hosts.iter().map(|host| host.interface_index).collect();
    interfaces.sort_unstable();
    interfaces.dedup();
    let interface_of = hosts.iter().map(|host| {
        let index = host.interface_index;
        interfaces.partition_point(|&interface| interface < index)
    });
    let interface_of = interface_of.collect();
    let (fixed, ports) = compile_ports(&policy.ports, hasher);
    let routes: &[CustomerRoute] = if in_force {
        &policy.customer_routes
    } else {
        &[]
    };
    // What is for a group is flooded before anybody routes it.
    let takes_short_routes =
        in_force && !policy.use_external_router && !policy.settings.router_mac.is_group();
    let (domains, subnets) = compile_routes(routes, takes_short_routes, hasher);
    let room = if in_force {
        Fill::of(&policy.records)
    } else {
        Fill::default()
    };
    let mut snapshot = Snapshot {
        version: FIXED,
        settings: policy.settings,
        wnv_bound: policy.wnv_bound,
        use_external_router: policy.use_external_router,
        fixed: Arc::new(Fixed {
            hosts: hosts.to_vec(),
            interfaces,
            interface_of,
            domains,
            warnings,
            ..fixed
        }),
        records: Arc::new(RecordTable::with_room(room, hasher)),
        ports: Arc::new([]),
        subnets: Spine::new(),
        subnet_at: Arc::new(Table::with_room(subnets.len(), LOAD_PERCENT, hasher)),
        providers: Spine::new(),
        provider_at: Arc::new(Table::with_room(hosts.len(), LOAD_PERCENT, hasher)),
        peers: Arc::new(Table::with_room(0, LOAD_PERCENT, hasher)),
        paths: Spine::new(),
        short_hosts: Arc::new([]),
        short_providers: Spine::new(),
        translations: Arc::new(Table::with_room(0, LOAD_PERCENT, &Spread::default())),
    };
    let mut used_subnets = 0;
    for (vsid, subnet) in subnets {
        add_subnet(&mut snapshot, [u64::from(vsid)], subnet, &mut used_subnets);
    }
    let mut ports_of: HashMap<_, Vec<u32>, _> = HashMap::with_hasher(hasher.clone());
    let ports = ports.into_iter().enumerate().map(|(index, mut port)| {
        if let Segment::Tenant(vsid) = port.segment {
            port.domain = snapshot.domain_of(vsid);
            let key = (vsid.get(), port.port.mac.to_bits());
            ports_of.entry(key).or_default().push(index as u32);
        }
        port.short = ShortPort::of(&port, hosts, &policy.settings);
        Arc::new(port)
    });
    snapshot.ports = ports.collect();
    Compiled {
        snapshot,
        ports_of,
        used_subnets,
    }
}

fn compile_ports(ports: &[Port], hasher: &RandomState) -> (Fixed, Vec<SwitchPort>) {
    let mut fixed = Fixed {
        hosts: Vec::new(),
        port_at: Vec::new(),
        port_of: Table::with_room(ports.len(), LOAD_PERCENT, &Spread::default()),
        members: HashMap::with_hasher(hasher.clone()),
        domains: Vec::new(),
        interfaces: Vec::new(),
        interface_of: Vec::new(),
        warnings: Vec::new(),
    };
    let ports = ports.iter().enumerate().map(|(index, port)| {
        let (at, index) = (port.id.0 as usize, index as u32);
        if fixed.port_at.len() <= at {
            fixed.port_at.resize(at + 1, None);
        }
        fixed.port_at[at] = Some(index);
        let segment = Segment::of(port);
        if port.connected {
            let key = mac_key(segment.number(), port.mac);
            if fixed.port_of.find(&key, FIXED).is_none() {
                let _ = fixed.port_of.insert(&key, &[u64::from(index)], FIXED);
            }
            let members = fixed.members.entry(segment.number()).or_default();
            members.push(index);
        }
        SwitchPort {
            short: ShortPort::LONG,
            port: port.clone(),
            segment,
            domain: None,
            learns: false,
            examines: port.dhcp_guard
                || port.router_guard
                || !port.acls.is_empty()
                || port.maximum_bandwidth_bits_per_second > 0
                || matches!(segment, Segment::PassThrough(_)),
            sources: Vec::new(),
        }
    });
    let ports = ports.collect();
    (fixed, ports)
}

/// The routing domains, and the subnets that routes name, in the order of their ids.
fn compile_routes(
    routes: &[CustomerRoute],
    takes_short_routes: bool,
    hasher: &RandomState,
) -> (Vec<Domain>, BTreeMap<u32, Subnet>) {
    let mut domains: Vec<Domain> = Vec::new();
    let mut subnets: BTreeMap<u32, Subnet> = BTreeMap::new();
    let mut domain_at = BTreeMap::new();
    for route in routes {
        let index = *domain_at.entry(route.routing_domain).or_insert_with(|| {
            domains.push(Domain {
                id: route.routing_domain,
                routes: Vec::new(),
                short_routes: Vec::new(),
                gateways: HashSet::with_hasher(hasher.clone()),
            });
            domains.len() - 1
        });
        let domain = &mut domains[index];
        domain.routes.push(*route);
        let subnet = subnets.entry(route.virtual_subnet.get()).or_default();
        subnet.domain = Some(index as u32);
        if route.is_on_link()
            && let Some(gateway) = route.destination.gateway()
        {
            domain.gateways.insert(gateway);
            if !subnet.gateways.contains(&gateway) {
                subnet.gateways.push(gateway);
            }
        }
    }
    for domain in &mut domains {
        domain
            .routes
            .sort_by_key(|route| (core::cmp::Reverse(route.destination.length()), route.metric));
        if takes_short_routes {
            domain.short_routes = ShortRoute::of(&domain.routes).collect();
        }
    }
    (domains, subnets)
}

/// Adds a subnet and gives its number.
pub(crate) fn add_subnet(
    snapshot: &mut Snapshot,
    key: [u64; 1],
    subnet: Subnet,
    used: &mut usize,
) -> u32 {
    let number = snapshot.subnets.push(Arc::new(subnet));
    let table = &mut snapshot.subnet_at;
    insert(table, used, snapshot.version, key, [u64::from(number)]);
    number
}

/// Adds a row to a table that grows when it is full.
pub(crate) fn insert<const KEY: usize, const VALUE: usize, S: BuildHasher + Clone>(
    table: &mut Arc<Table<KEY, VALUE, S>>,
    used: &mut usize,
    first: Version,
    key: [u64; KEY],
    value: [u64; VALUE],
) {
    if (*used + 1) * 100 > table.places() * FULL_PERCENT {
        (*table, *used) = grown(table, first, first);
    }
    let (_, new) = table.insert(&key, &value, first);
    *used += usize::from(new);
}

/// A larger table with the rows that a version sees, from another version on; and how many there are.
pub(crate) fn grown<const KEY: usize, const VALUE: usize, S: BuildHasher + Clone>(
    table: &Table<KEY, VALUE, S>,
    seen_by: Version,
    first: Version,
) -> (Arc<Table<KEY, VALUE, S>>, usize) {
    let rows = table.rows(seen_by).count();
    let (larger, _, used) = table.grown(rows + rows / 2 + 4, LOAD_PERCENT, seen_by, first);
    (Arc::new(larger), used)
}
