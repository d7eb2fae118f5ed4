//! Scenarios of many guests: what a guest costs does not depend on how many there are, and moving
//! many at once is moving one after the other. Allocations stand for the work, since they can be
//! counted.

#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;

use nvgre_sim::{Model, ModelError, Scenario};

/// Counts the calls and bytes of the thread that allocates.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    CALLS.set(CALLS.get() + 1);
    BYTES.set(BYTES.get() + bytes as u64);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        unsafe { System.realloc(memory, layout, new_size) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Four tenants, guests handed out to hosts in turn, each VM with two adapters on one host.
/// `more` goes behind it.
fn text(
    guests: usize,
    hosts: usize,
    switch_of: impl Fn(usize) -> &'static str,
    more: &str,
) -> String {
    let mut text = "name = \"many\"\n".to_owned();
    for tenant in 0..4 {
        text += &format!(
            "[[tenant]]\nname = \"Tenant{tenant}\"\nvirtual_subnets = [{}]\n\
             routing_domain = \"{{5d2f6a10-0000-4000-8000-00000000000{tenant}}}\"\n",
            5_001 + tenant
        );
    }
    for host in 0..hosts {
        text += &format!(
            "[[host]]\nname = \"Host{host}\"\nswitch = \"{}\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C000{host:04X}\"\n",
            switch_of(host)
        );
    }
    for guest in 0..guests {
        let (vm, nic) = (guest / 2, ["front", "back"][guest % 2]);
        let (tenant, host) = (vm % 4, vm % hosts);
        let [_, _, high, low] = (guest as u32).to_be_bytes();
        text += &format!(
            "[[guest]]\nname = \"Vm{vm:06}\"\nnic = \"{nic}\"\ntenant = \"tenant{tenant}\"\n\
             host = \"HOST{host}\"\nmac = \"0015{guest:08X}\"\n\
             addresses = [\"10.0.{high}.{low}/16\"]\nvirtual_subnet = {}\n",
            5_001 + tenant
        );
    }
    text + more
}

fn no_file(file: &str) -> io::Result<String> {
    panic!("no host has the script {file}")
}

/// Calls and bytes a guest, of reading the file and of bringing it to life.
fn cost(guests: usize) -> [f64; 4] {
    let text = text(guests, 4, |_| "VMs", "");
    let each = |number: u64| number as f64 / guests as f64;
    let start = (CALLS.get(), BYTES.get());
    let scenario = Scenario::parse("many.toml", &text).expect("it is a scenario");
    let read = (CALLS.get(), BYTES.get());
    let model = Model::new(scenario, &no_file).expect("it comes to life");
    let alive = (CALLS.get(), BYTES.get());
    assert_eq!(model.network().hosts().len(), 4);
    [
        each(read.0 - start.0),
        each(read.1 - start.1),
        each(alive.0 - read.0),
        each(alive.1 - read.1),
    ]
}

#[test]
fn a_guest_costs_the_same_among_many() {
    // Both just below a power of two, where tables that double are as full as each other.
    let (few, many) = (cost(500), cost(4_000));
    for (few, many) in few.into_iter().zip(many) {
        assert!(many < 1.05 * few, "{few} a guest, then {many}");
    }
}

#[test]
fn a_mistake_in_every_guest_is_told_once_and_costs_the_same_among_many() {
    let cost = |guests: usize| {
        let text = text(guests, 4, |_| "VMs", "").replace("10.0.", "10.300.");
        let before = BYTES.get();
        let errors = Scenario::parse("many.toml", &text).unwrap_err();
        assert_eq!(errors.len(), guests);
        (BYTES.get() - before) as f64 / guests as f64
    };
    let (few, many) = (cost(500), cost(4_000));
    assert!(many < 1.05 * few, "{few} bytes a guest, then {many}");
}

/// Adapters of each host, in their order.
fn adapters(model: &Model) -> Vec<Vec<String>> {
    let hosts = model.estate().hosts.iter();
    let name = |adapter: &nvgre_netwnv::Adapter| format!("{}/{}", adapter.vm_name, adapter.name);
    hosts
        .map(|host| host.adapters.iter().map(name).collect())
        .collect()
}

/// Moves of VMs, each as (VM, host), in one stage or each in a stage of its own.
fn stages(moves: &[(usize, usize)], together: bool) -> String {
    let tables = moves
        .iter()
        .map(|(vm, host)| format!("{{ guest = \"vm{vm:06}\", to = \"host{host}\" }}"));
    let tables: Vec<_> = tables.collect();
    if together {
        return format!(
            "[[stage]]\nname = \"all\"\nmove = [{}]\n",
            tables.join(", ")
        );
    }
    let stages = tables.iter().enumerate();
    stages
        .map(|(at, table)| format!("[[stage]]\nname = \"{at}\"\nmove = [{table}]\n"))
        .collect()
}

#[test]
fn many_that_move_at_once_end_as_one_after_the_other() {
    let moves: Vec<_> = (0..40).map(|n| (n * 7 % 50, n * 3 % 5)).collect();
    let ended = |moves: &[(usize, usize)], together: bool| {
        let text = text(100, 5, |_| "VMs", &stages(moves, together));
        let scenario = Scenario::parse("many.toml", &text).expect("it is a scenario");
        let mut model = Model::new(scenario, &no_file).expect("it comes to life");
        model.enter_all_stages().expect("everybody can move");
        let hosts: Vec<_> = (0..100).map(|guest| model.host_of(guest)).collect();
        (adapters(&model), hosts)
    };
    assert_eq!(ended(&moves, true), ended(&moves, false));
    assert_ne!(ended(&moves, true), ended(&[], true));
}

#[test]
fn the_first_that_cannot_move_is_named_and_those_before_it_have_moved() {
    // The third host's switch is another.
    let moves = [(0, 1), (2, 0), (1, 2), (3, 2), (4, 3)];
    let text = text(
        20,
        4,
        |host| if host == 2 { "Others" } else { "VMs" },
        &stages(&moves, true),
    );
    let scenario = Scenario::parse("many.toml", &text).expect("it is a scenario");
    let mut model = Model::new(scenario, &no_file).expect("it comes to life");
    let error = model.enter_all_stages().unwrap_err();
    assert!(
        matches!(&error, ModelError::NoSuchSwitch { guest, .. } if guest == "Vm000002"),
        "{error}"
    );
    assert_eq!(model.host_of(0), 1);
    assert_eq!(model.host_of(4), 2);
    assert_eq!(model.host_of(8), 0);
}
