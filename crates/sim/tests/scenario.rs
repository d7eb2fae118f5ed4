//! Scenario files: what is read, and what every mistake is answered with.

use std::collections::BTreeMap;

use nvgre_dataplane::{DropReason, PortSubnet, Settings};
use nvgre_sim::scenario::{Expectation, InterfaceAddress, Move, Probe, Scenario, Script};
use nvgre_wire::{CustomerAddress, VirtualSubnetId};
use proptest::prelude::*;

/// A small scenario without mistakes.
const GOOD: &str = r#"name = "small"

[[tenant]]
name = "Red"
routing_domain = "{11111111-2222-3333-4444-000000000001}"
virtual_subnets = [5001, 5002]

[[tenant]]
name = "Blue"
routing_domain = "{11111111-2222-3333-4444-000000000002}"
virtual_subnets = [6001]

[[host]]
name = "Statler"
switch = "VMs"
interface_index = 12
interface_description = "Intel(R) 82579LM Gigabit Network Connection"
mac = "00155D000A0B"

[[host]]
name = "Waldorf"
switch = "VMs"
interface_index = 14
interface_description = "Broadcom NetXtreme 57xx Gigabit Controller"
mac = "00155D000A0C"

[[guest]]
name = "Red1"
tenant = "Red"
host = "Statler"
mac = "00155D002009"
addresses = ["10.0.1.11/24", "fd00:1::11/64"]
virtual_subnet = 5001

[[guest]]
name = "Red2"
tenant = "Red"
host = "Waldorf"
mac = "00155D002008"
addresses = ["10.0.1.22/24"]

[[stage]]
name = "first"
move = [{ guest = "Red2", to = "Statler" }]
scripts = [{ file = "policy/1.ps1", on = "Statler" }]
probes = [{ from = "Red1", to = "Red2", expect = "ok" }]
"#;

fn good() -> Scenario {
    Scenario::parse("small.toml", GOOD).expect("no mistakes")
}

/// [`GOOD`] with one place changed.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "'{from}' is there once");
    GOOD.replace(from, to)
}

/// The messages about a text, each as "line:column: message".
fn messages(text: &str) -> Vec<String> {
    let errors = Scenario::parse("s.toml", text).expect_err("a mistake");
    let lines = errors.iter().map(|error| {
        let all = error.to_string();
        all.strip_prefix("s.toml:")
            .expect("the file's name")
            .to_owned()
    });
    lines.collect()
}

/// The one message about [`GOOD`] with one place changed.
fn message(from: &str, to: &str) -> String {
    let mut all = messages(&changed(from, to));
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

#[test]
fn what_is_left_out_has_the_documented_defaults() {
    let scenario = good();
    assert_eq!(scenario.seed, 1);
    assert_eq!(scenario.about, "");
    assert_eq!(scenario.underlay.mtu_bytes, 1_500);
    assert_eq!(scenario.underlay.latency_nanoseconds, 50_000);
    assert_eq!(scenario.underlay.loss_per_million, 0);
    assert_eq!(scenario.settings, Settings::default());
    assert_eq!(scenario.hosts[0].interface_name, "Ethernet");
    assert!(scenario.hosts[0].policy.is_empty());
    assert!(scenario.tenants[0].bum_groups.is_empty());
    let guest = &scenario.guests[1];
    assert_eq!(guest.nic, "Network Adapter");
    assert_eq!(guest.port_name(), "Red2");
    assert_eq!(guest.subnet, PortSubnet::Unset);
    assert_eq!((guest.vlan, guest.mtu_bytes), (None, 1_500));
    assert!(guest.gateways.is_empty());
    assert!(!guest.mac_address_spoofing && !guest.dhcp_guard && !guest.router_guard);
    assert_eq!(guest.maximum_bandwidth_bits_per_second, 0);
    assert_eq!(guest.storm_limit_packets_per_second, 0);
}

#[test]
fn names_become_indices_and_texts_become_values() {
    let scenario = good();
    let vsid = |value| VirtualSubnetId::try_new(value).expect("in range");
    assert_eq!(
        scenario.tenants[0].virtual_subnets,
        [vsid(5001), vsid(5002)]
    );
    assert_eq!(scenario.hosts[1].mac.to_string(), "00155D000A0C");
    let guest = &scenario.guests[0];
    assert_eq!((guest.tenant, guest.host), (0, 0));
    assert_eq!(guest.subnet, PortSubnet::Tenant(vsid(5001)));
    let own = |text: &str, prefix_length| InterfaceAddress {
        address: text.parse().expect("an address"),
        prefix_length,
    };
    assert_eq!(
        guest.addresses,
        [own("10.0.1.11", 24), own("fd00:1::11", 64)]
    );
    let stage = &scenario.stages[0];
    assert_eq!(stage.moves, [Move { guest: 1, to: 0 }]);
    let script = Script {
        file: "policy/1.ps1".to_owned(),
        on: 0,
    };
    assert_eq!(stage.scripts, [script]);
    let probe = Probe {
        from: 0,
        to: 1,
        expect: Expectation::Ok,
    };
    assert_eq!(stage.probes, [probe]);
}

#[test]
fn every_optional_key_is_read() {
    let text =
        GOOD.replace(
            "name = \"small\"",
            "name = \"small\"\nabout = \"all\"\nseed = 7",
        )
        .replace(
            "[5001, 5002]",
            "[5001, 5002]\nbum_group = { 5002 = \"239.1.1.1\" }",
        )
        .replace(
            "\"00155D000A0B\"",
            "\"00155D000A0B\"\ninterface_name = \"pNIC\"\npolicy = [\"a.ps1\", \"b.ps1\"]",
        )
        .replace(
            "addresses = [\"10.0.1.22/24\"]",
            r#"addresses = ["10.0.1.22/24", "fd00:1::22/64"]
nic = "Second"
switch = "vms"
gateway = ["10.0.1.1", "fd00:1::1"]
vlan = 100
mtu_bytes = 1458
mac_address_spoofing = true
dhcp_guard = true
router_guard = true
maximum_bandwidth_bits_per_second = 1_000_000
storm_limit_packets_per_second = 50"#,
        ) + r#"
[underlay]
mtu_bytes = 1600
latency_nanoseconds = 10
loss_per_million = 3

[settings]
router_mac = "02-00-00-00-00-01"
flow_id = false
strict_gre_reserved_bits = true
"#;
    let scenario = Scenario::parse("s.toml", &text).expect("no mistakes");
    assert_eq!((scenario.about.as_str(), scenario.seed), ("all", 7));
    let vsid = VirtualSubnetId::try_new(5002).expect("in range");
    let group = "239.1.1.1".parse().expect("an address");
    assert_eq!(scenario.multicast_groups(), BTreeMap::from([(vsid, group)]));
    assert_eq!(scenario.hosts[0].interface_name, "pNIC");
    assert_eq!(scenario.hosts[0].policy, ["a.ps1", "b.ps1"]);
    let guest = &scenario.guests[1];
    assert_eq!(guest.nic, "Second");
    assert_eq!(guest.port_name(), "Red2/Second");
    let gateways: Vec<_> = guest
        .gateways
        .iter()
        .map(CustomerAddress::to_string)
        .collect();
    assert_eq!(gateways, ["10.0.1.1", "fd00:1::1"]);
    assert_eq!(guest.vlan.map(|vlan| vlan.get()), Some(100));
    assert_eq!(guest.mtu_bytes, 1_458);
    assert!(guest.mac_address_spoofing && guest.dhcp_guard && guest.router_guard);
    assert_eq!(guest.maximum_bandwidth_bits_per_second, 1_000_000);
    assert_eq!(guest.storm_limit_packets_per_second, 50);
    assert_eq!(scenario.underlay.latency_nanoseconds, 10);
    assert_eq!(scenario.underlay.loss_per_million, 3);
    let settings = Settings {
        router_mac: "020000000001".parse().expect("a MAC"),
        flow_id: false,
        strict_gre_reserved_bits: true,
        underlay_mtu_bytes: 1_600,
    };
    assert_eq!(scenario.settings, settings);
}

#[test]
fn a_single_gateway_needs_no_list() {
    let text = changed(
        "\"10.0.1.22/24\"]",
        "\"10.0.1.22/24\"]\ngateway = \"10.0.1.1\"",
    );
    let scenario = Scenario::parse("s.toml", &text).expect("no mistakes");
    assert_eq!(
        scenario.guests[1].gateways,
        [CustomerAddress::v4([10, 0, 1, 1])]
    );
}

#[test]
fn a_port_is_unset_with_0_and_local_only_with_16777215() {
    for (written, subnet) in [
        ("0", PortSubnet::Unset),
        ("16777215", PortSubnet::LocalOnly),
    ] {
        let text = changed(
            "virtual_subnet = 5001",
            &format!("virtual_subnet = {written}"),
        );
        let scenario = Scenario::parse("s.toml", &text).expect("no mistakes");
        assert_eq!(scenario.guests[0].subnet, subnet);
    }
}

#[test]
fn a_scenario_without_stages_is_whole() {
    let text = GOOD.split("[[stage]]").next().expect("what stands before");
    let scenario = Scenario::parse("s.toml", text).expect("no mistakes");
    assert!(scenario.stages.is_empty());
}

#[test]
fn every_drop_reason_can_be_expected_by_its_name() {
    for &reason in DropReason::ALL {
        let text = changed("\"ok\"", &format!("\"{}\"", reason.name()));
        let scenario = Scenario::parse("s.toml", &text).expect("no mistakes");
        assert_eq!(
            scenario.stages[0].probes[0].expect,
            Expectation::Dropped(reason)
        );
    }
    let text = changed("\"ok\"", "\"address_conflict\"");
    let scenario = Scenario::parse("s.toml", &text).expect("no mistakes");
    assert_eq!(
        scenario.stages[0].probes[0].expect,
        Expectation::AddressConflict
    );
}

#[test]
fn names_are_compared_without_case() {
    let text = GOOD
        .replace("on = \"Statler\"", "on = \"STATLER\"")
        .replace(
            "tenant = \"Red\"\nhost = \"Waldorf\"",
            "tenant = \"red\"\nhost = \"waldorf\"",
        )
        .replace("from = \"Red1\"", "from = \"rED1\"");
    assert_eq!(Scenario::parse("small.toml", &text), Ok(good()));
}

const SECOND_NIC: &str = r#"
[[guest]]
name = "Red2"
nic = "Second"
tenant = "Red"
host = "Waldorf"
mac = "00155D002010"
addresses = ["10.0.2.22/24"]
"#;

#[test]
fn a_vm_with_two_adapters_is_two_guests_of_one_name_that_move_together() {
    let text = GOOD
        .replace("[[stage]]", &format!("{SECOND_NIC}\n[[stage]]"))
        .replace("to = \"Red2\"", "to = \"Red2/second\"");
    let scenario = Scenario::parse("s.toml", &text).expect("no mistakes");
    let moves = &scenario.stages[0].moves;
    assert_eq!(moves, &[Move { guest: 1, to: 0 }, Move { guest: 2, to: 0 }]);
    assert_eq!(scenario.stages[0].probes[0].to, 2);
    assert_eq!(scenario.guest_of_port("Red2"), Some(1), "the first");
    assert_eq!(scenario.guest_of_port("red2/NETWORK adapter"), Some(1));
    assert_eq!(scenario.guest_of_port("Red2/Second"), Some(2));
    assert_eq!(scenario.guest_of_port("Red2/Third"), None);
    assert_eq!(scenario.guest_of_port("Red3"), None);
}

#[test]
fn the_adapters_of_a_vm_differ_in_name_and_are_on_one_host() {
    let same_name = SECOND_NIC.replace("nic = \"Second\"", "nic = \"network adapter\"");
    let with = |guest: &str| GOOD.replace("[[stage]]", &format!("{guest}\n[[stage]]"));
    assert_eq!(
        messages(&with(&same_name)),
        ["45:7: guest Red2 has a nic 'network adapter' already"]
    );
    let elsewhere = SECOND_NIC.replace("\"Waldorf\"", "\"Statler\"");
    assert_eq!(
        messages(&with(&elsewhere)),
        ["47:8: guest Red2 is on host Waldorf with another adapter"]
    );
}

#[test]
fn an_error_shows_its_line_a_caret_and_help() {
    let text = changed("host = \"Waldorf\"", "host = \"Wldorf\"");
    let errors = Scenario::parse("small.toml", &text).expect_err("a mistake");
    let [error] = &errors[..] else {
        panic!("{errors:?}");
    };
    assert_eq!(
        error.render(&text),
        "small.toml:38:8: no host is called 'Wldorf'\n   |\n38 | host = \"Wldorf\"\n   |        \
         ^^^^^^^^\n   = help: there is Statler, Waldorf\n"
    );
    assert_eq!(&text[error.span.clone()], "\"Wldorf\"");
}

#[test]
fn several_mistakes_are_reported_at_once_in_the_order_of_the_text() {
    let text = GOOD
        .replace("[5001, 5002]", "[5001, 17]")
        .replace("\"00155D000A0C\"", "\"00155D000A\"")
        .replace("on = \"Statler\"", "on = \"Fozzie\"")
        .replace("\"ok\"", "\"fine\"");
    assert_eq!(
        messages(&text),
        [
            "6:26: 17 is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)",
            "25:7: not a MAC address: twelve hex digits, with '-' or ':' between pairs or nothing",
            "45:42: no host is called 'Fozzie'",
            "46:50: 'fine' is nothing to expect",
        ]
    );
}

#[test]
fn several_errors_of_syntax_are_reported_at_once() {
    let text = GOOD
        .replace("interface_index = 12", "interface_index = ")
        .replace("interface_index = 14", "interface_index 14");
    let lines: Vec<_> = messages(&text)
        .iter()
        .map(|message| message.split(':').next().expect("a line").to_owned())
        .collect();
    assert!(lines.contains(&"16".to_owned()), "{lines:?}");
    assert!(lines.contains(&"23".to_owned()), "{lines:?}");
}

#[test]
fn an_unknown_key_is_refused_wherever_it_stands() {
    for (from, to, place) in [
        ("name = \"small\"", "nmae = \"x\"\nname = \"small\"", "1:1"),
        ("name = \"Blue\"", "name = \"Blue\"\nvsids = [1]", "10:1"),
        (
            "interface_index = 14",
            "interface_index = 14\nmtu = 1",
            "24:1",
        ),
        ("host = \"Waldorf\"", "host = \"Waldorf\"\nvsid = 1", "39:1"),
        ("name = \"first\"", "name = \"first\"\nprobe = []", "44:1"),
        ("on = \"Statler\"", "on = \"Statler\", at = 1", "45:53"),
    ] {
        let message = message(from, to);
        assert!(
            message.starts_with(&format!("{place}: unknown field")),
            "{message}"
        );
        assert!(message.contains("expected"), "{message}");
    }
}

#[test]
fn a_missing_key_and_a_wrong_type_are_refused_with_their_place() {
    let missing = message("mac = \"00155D002008\"\n", "");
    assert_eq!(missing, "35:1: missing field `mac`");
    let mistyped = message("interface_index = 14", "interface_index = \"14\"");
    assert_eq!(mistyped, "23:19: invalid type: string \"14\", expected u32");
    let wide = message(
        "name = \"small\"",
        "name = \"small\"\n[underlay]\nmtu_bytes = 70000",
    );
    assert_eq!(wide, "3:13: invalid value: integer `70000`, expected u16");
}

#[test]
fn two_of_a_kind_do_not_share_a_name() {
    for (from, to, told) in [
        (
            "name = \"Blue\"",
            "name = \"RED\"",
            "9:8: a tenant is called 'RED' already",
        ),
        (
            "name = \"Waldorf\"",
            "name = \"statler\"",
            "21:8: a host is called 'statler' already",
        ),
        (
            "name = \"Red2\"",
            "name = \"red1\"",
            "36:8: guest red1 has a nic 'Network Adapter' already",
        ),
    ] {
        let all = messages(&changed(from, to));
        assert!(all.contains(&told.to_owned()), "{all:#?}");
    }
    let twice = format!("{GOOD}\n[[stage]]\nname = \"First\"\n");
    assert_eq!(
        messages(&twice),
        ["49:8: a stage is called 'First' already"]
    );
}

#[test]
fn a_reference_leads_to_something_that_is_there() {
    for (from, to, told) in [
        (
            "tenant = \"Red\"\nhost = \"Statler\"",
            "tenant = \"Rot\"\nhost = \"Statler\"",
            "29:10: no tenant is called 'Rot'",
        ),
        (
            "host = \"Waldorf\"",
            "host = \"Kermit\"",
            "38:8: no host is called 'Kermit'",
        ),
        (
            "guest = \"Red2\"",
            "guest = \"Red3\"",
            "44:19: no guest is called 'Red3'",
        ),
        (
            "to = \"Statler\"",
            "to = \"Kermit\"",
            "44:32: no host is called 'Kermit'",
        ),
        (
            "on = \"Statler\"",
            "on = \"Kermit\"",
            "45:42: no host is called 'Kermit'",
        ),
        (
            "from = \"Red1\"",
            "from = \"Red3\"",
            "46:20: no guest is called 'Red3'",
        ),
        (
            "to = \"Red2\"",
            "to = \"Red2/Other\"",
            "46:33: no guest is called 'Red2/Other'",
        ),
    ] {
        assert_eq!(message(from, to), told);
    }
    let other_switch = message("host = \"Waldorf\"", "host = \"Waldorf\"\nswitch = \"Lab\"");
    assert_eq!(other_switch, "39:10: host Waldorf has no switch 'Lab'");
}

#[test]
fn no_two_tenants_share_a_subnet_or_a_routing_domain() {
    assert_eq!(
        message("[6001]", "[5002]"),
        "11:20: virtual subnet 5002 is tenant Red's already"
    );
    assert_eq!(
        message("000000000002}", "000000000001}"),
        "10:18: this routing domain is tenant Red's already"
    );
}

#[test]
fn a_guest_starts_in_a_subnet_of_its_own_tenant() {
    assert_eq!(
        message("virtual_subnet = 5001", "virtual_subnet = 6001"),
        "33:18: virtual subnet 6001 is not tenant Red's"
    );
    assert_eq!(
        message("virtual_subnet = 5001", "virtual_subnet = 4095"),
        "33:18: 4095 is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)"
    );
}

#[test]
fn v11_a_port_has_no_vlan_beside_its_virtual_subnet() {
    assert_eq!(
        message("virtual_subnet = 5001", "virtual_subnet = 5001\nvlan = 100"),
        "34:8: a port has a VLAN or a virtual subnet, not both"
    );
    assert_eq!(
        message("virtual_subnet = 5001", "vlan = 4095"),
        "33:8: 4095 is no VLAN id: 1 to 4094 are"
    );
}

#[test]
fn addresses_are_such_as_a_guest_can_have() {
    for (address, told) in [
        (
            "10.0.1.22",
            "not a prefix: address/length, as in 10.0.0.0/24",
        ),
        ("10.0.1.22/33", "prefix length too long for its address"),
        ("10.0.1/24", "not an IPv4 or IPv6 address"),
        (
            "224.0.0.1/24",
            "224.0.0.1 is no unicast address that a guest can have",
        ),
        (
            "255.255.255.255/32",
            "255.255.255.255 is no unicast address that a guest can have",
        ),
        (
            "0.0.0.0/0",
            "0.0.0.0 is no unicast address that a guest can have",
        ),
        ("::1/128", "::1 is no unicast address that a guest can have"),
    ] {
        assert_eq!(message("10.0.1.22/24", address), format!("40:14: {told}"));
    }
    assert_eq!(
        message("fd00:1::11/64", "10.0.1.11/8"),
        "32:30: 10.0.1.11 is there twice"
    );
    let nine = (1..10)
        .map(|last| format!("\"10.0.1.{last}/24\""))
        .collect::<Vec<_>>();
    assert_eq!(
        message("\"10.0.1.22/24\"", &nine.join(", ")),
        "40:13: 9 addresses: a guest has 8 at most"
    );
}

#[test]
fn a_gateway_is_on_link_and_one_of_its_family() {
    for (gateway, told) in [
        (
            "\"10.0.2.1\"",
            "41:11: 10.0.2.1 is in no prefix of the guest's addresses",
        ),
        (
            "\"fd00::1\"",
            "41:11: fd00::1 is in no prefix of the guest's addresses",
        ),
        (
            "\"10.0.1.22\"",
            "41:11: 10.0.1.22 is the guest's own address",
        ),
        (
            "[\"10.0.1.1\", \"10.0.1.2\"]",
            "41:24: two gateways of one family",
        ),
        ("\"router\"", "41:11: not an IPv4 or IPv6 address"),
    ] {
        let to = format!("\"10.0.1.22/24\"]\ngateway = {gateway}");
        assert_eq!(message("\"10.0.1.22/24\"]", &to), told);
    }
    let number = message("\"10.0.1.22/24\"]", "\"10.0.1.22/24\"]\ngateway = 1");
    assert!(number.starts_with("41:11: invalid type"), "{number}");
    assert!(number.contains("a string or a list of strings"), "{number}");
}

#[test]
fn macs_are_unicast_and_hosts_do_not_share_them() {
    for mac in ["01155D002008", "FFFFFFFFFFFF", "000000000000"] {
        let told = format!("39:7: {mac} is no unicast address");
        assert_eq!(message("00155D002008", mac), told);
    }
    assert_eq!(
        message("00155D000A0C", "00155D000A0B"),
        "25:7: host Statler has this MAC already"
    );
}

#[test]
fn guests_of_any_tenants_may_share_a_mac() {
    let text = changed("00155D002008", "00155D002009");
    assert!(Scenario::parse("s.toml", &text).is_ok());
}

#[test]
fn an_mtu_is_not_below_what_ip_needs() {
    let underlay = |mtu| format!("name = \"small\"\n[underlay]\nmtu_bytes = {mtu}");
    assert_eq!(
        message("name = \"small\"", &underlay(67)),
        "3:13: an MTU of 67 bytes: IP needs 68"
    );
    assert!(Scenario::parse("s.toml", &changed("name = \"small\"", &underlay(68))).is_ok());
    assert_eq!(
        message("virtual_subnet = 5001", "mtu_bytes = 1279"),
        "33:13: an MTU of 1279 bytes: IP needs 1280",
        "Red1 has an IPv6 address"
    );
    let ipv4_only = changed("\"10.0.1.22/24\"]", "\"10.0.1.22/24\"]\nmtu_bytes = 1279");
    assert!(Scenario::parse("s.toml", &ipv4_only).is_ok());
    assert_eq!(
        message(
            "name = \"small\"",
            "name = \"small\"\n[underlay]\nloss_per_million = 1000001"
        ),
        "3:20: more than 1000000 of a million"
    );
}

#[test]
fn a_bum_group_is_a_multicast_address_for_a_subnet_of_the_tenant() {
    for (group, told) in [
        (
            "5003 = \"239.1.1.1\"",
            "7:15: '5003' is no virtual subnet of Red",
        ),
        (
            "5001 = \"10.0.0.1\"",
            "7:22: 10.0.0.1 is no multicast address",
        ),
        ("5001 = \"all\"", "7:22: not an IPv4 or IPv6 address"),
    ] {
        let to = format!("[5001, 5002]\nbum_group = {{ {group} }}");
        assert_eq!(message("[5001, 5002]", &to), told);
    }
}

#[test]
fn a_probe_is_between_two_guests_with_a_family_in_common() {
    assert_eq!(
        message("to = \"Red2\"", "to = \"Red1\""),
        "46:33: a guest does not probe itself"
    );
    assert_eq!(
        message("\"10.0.1.11/24\", ", ""),
        "46:33: the two guests have no address of one family"
    );
}

#[test]
fn a_guest_moves_once_in_a_stage() {
    let twice = "[{ guest = \"Red2\", to = \"Statler\" }, { guest = \"red2\", to = \"Waldorf\" }]";
    assert_eq!(
        message("[{ guest = \"Red2\", to = \"Statler\" }]", twice),
        "44:55: red2 moves twice in this stage"
    );
}

#[test]
fn names_are_not_empty_and_a_guests_has_no_slash() {
    assert_eq!(
        message("name = \"small\"", "name = \" \""),
        "1:8: the scenario's name is empty"
    );
    assert_eq!(
        message("policy/1.ps1", ""),
        "45:21: a script's file is empty"
    );
    let slash = message(
        "mac = \"00155D002008\"",
        "mac = \"00155D002008\"\nnic = \"a/b\"",
    );
    assert!(slash.starts_with("40:7: '/' in a name"), "{slash}");
}

#[test]
fn a_scenario_has_a_host() {
    assert_eq!(messages("name = \"empty\"\n"), ["1:1: no [[host]]"]);
}

#[test]
fn the_scenarios_in_pcaps_are_read() {
    for (name, guests, stages) in [("waldorf-statler", 4, 6), ("kernel-two-vsid", 4, 1)] {
        let path = format!(
            "{}/../../pcaps/{name}/scenario.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).expect("a scenario");
        let scenario = Scenario::parse(&path, &text)
            .unwrap_or_else(|errors| panic!("{}", errors[0].render(&text)));
        assert_eq!(scenario.name, name);
        assert_eq!(scenario.guests.len(), guests);
        assert_eq!(scenario.stages.len(), stages);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_every_error_can_be_shown(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0usize..12, "\\PC{0,4}"), 1..6)
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text = String::from_iter(text);
        for error in Scenario::parse("s.toml", &text).err().into_iter().flatten() {
            prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
            prop_assert!(error.render(&text).contains('^'));
        }
    }
}

#[test]
fn a_hosts_link_carries_what_the_underlay_does_unless_it_says_less() {
    let mtus = |text: &str| -> Vec<u16> {
        let scenario = Scenario::parse("small.toml", text).expect("no mistakes");
        scenario
            .hosts
            .iter()
            .map(|host| host.link_mtu_bytes)
            .collect()
    };
    assert_eq!(mtus(GOOD), [1_500, 1_500]);
    let underlay = GOOD.replace(
        "\n[[tenant]]\nname = \"Red\"",
        "\n[underlay]\nmtu_bytes = 1600\n\n[[tenant]]\nname = \"Red\"",
    );
    assert_eq!(mtus(&underlay), [1_600, 1_600]);
    let link = "mac = \"00155D000A0C\"\nlink_mtu_bytes = 1400";
    let short = underlay.replace("mac = \"00155D000A0C\"", link);
    assert_eq!(mtus(&short), [1_600, 1_400]);
    let too_short = short.replace("= 1400", "= 67");
    let errors = Scenario::parse("small.toml", &too_short).expect_err("IPv4 needs 68");
    assert!(errors[0].to_string().contains("67"), "{errors:?}");
}
