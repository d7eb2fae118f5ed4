//! `nvgre show`: tables in the look of Get-NetVirtualization*.

mod common;

use common::{Ran, nvgre, pcaps};
use serde_json::{Value, json};

const SCHEMA: &str = "nvgre.show/1";
const KEYS: &[&str] = &[
    "schema",
    "host",
    "use_external_router",
    "wnv_bound",
    "adapters",
    "lookup_records",
    "customer_routes",
    "provider_addresses",
    "provider_routes",
];

fn show(arguments: &[&str]) -> Ran {
    let scenario = pcaps().join("waldorf-statler/scenario.toml");
    let scenario = scenario.to_str().expect("UTF-8");
    nvgre([&["show", scenario], arguments].concat())
}

fn host(name: &str, stage: &str) -> Value {
    let ran = show(&["--json", "--host", name, "--stage", stage]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let mut lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(lines.len(), 1, "{}", ran.stdout);
    lines.remove(0)
}

/// The rows below a heading, as cells; the first is the header.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, below) = text
        .split_once(&format!("{heading}\n\n"))
        .unwrap_or_else(|| panic!("{heading} in {text}"));
    let rows = below.lines().take_while(|line| !line.is_empty());
    // Cells are two blanks or more apart; "Network Adapter" is one cell.
    rows.map(|row| {
        row.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    })
    .collect()
}

#[test]
fn every_host_is_shown_one_json_line_each() {
    let ran = show(&["--json"]);
    let lines = ran.json_lines(SCHEMA, KEYS);
    let hosts: Vec<_> = lines.iter().map(|line| &line["host"]).collect();
    assert_eq!(hosts, ["Statler", "Waldorf"]);
    let text = show(&[]);
    assert_eq!(text.exit, 0);
    assert!(text.stdout.contains("[Statler]\n") && text.stdout.contains("[Waldorf]\n"));
}

#[test]
fn columns_have_the_names_of_the_cmdlets() {
    let text = show(&["--host", "Statler"]).stdout;
    for (heading, columns) in [
        (
            "Get-VMNetworkAdapter",
            "VMName,Name,MacAddress,SwitchName,VirtualSubnetId,(written at)",
        ),
        (
            "Get-NetVirtualizationLookupRecord",
            "CustomerAddress,VirtualSubnetID,MACAddress,ProviderAddress,Rule,Type,VMName,CustomerID,(written at)",
        ),
        (
            "Get-NetVirtualizationCustomerRoute",
            "RoutingDomainID,VirtualSubnetID,DestinationPrefix,NextHop,Metric,(written at)",
        ),
        (
            "Get-NetVirtualizationProviderAddress",
            "ProviderAddress,InterfaceIndex,PrefixLength,VlanID,MACAddress,(written at)",
        ),
        (
            "Get-NetVirtualizationProviderRoute",
            "InterfaceIndex,DestinationPrefix,NextHop,Metric,(written at)",
        ),
    ] {
        let rows = table(&text, heading);
        assert_eq!(rows[0].join(","), columns, "{heading}");
        assert!(rows.len() > 1, "{heading}");
        for row in &rows {
            assert_eq!(row.len(), rows[0].len(), "nothing cut or joined: {row:?}");
        }
    }
    assert!(text.contains("UseExternalRouter : False"));
    assert!(text.contains("Ethernet (Intel(R) 82579LM Gigabit Network Connection) : True"));
}

#[test]
fn a_record_is_shown_whole_however_wide_the_table() {
    let text = show(&["--host", "Waldorf"]).stdout;
    let row = table(&text, "Get-NetVirtualizationLookupRecord")
        .into_iter()
        .find(|row| row[0] == "fd00:192:168:1::22" && row[1] == "445566")
        .expect("Red22's IPv6 record");
    assert_eq!(
        row[..8],
        [
            "fd00:192:168:1::22",
            "445566",
            "00155D002008",
            "10.0.0.12",
            "TranslationMethodEncap",
            "Static",
            "Red22",
            "{7f3c0c44-5d5e-4c0a-9a5e-000000445566}",
        ]
    );
    assert!(row[8].contains("policy/6-repaired.ps1:"), "{row:?}");
}

#[test]
fn json_has_the_properties_of_the_cmdlets_objects() {
    let waldorf = host("Waldorf", "wnv");
    assert_eq!(waldorf["wnv_bound"], true);
    assert_eq!(waldorf["use_external_router"], false);
    let address = &waldorf["provider_addresses"][0];
    assert_eq!(
        [
            &address["ProviderAddress"],
            &address["InterfaceIndex"],
            &address["PrefixLength"],
            &address["VlanID"],
            &address["MACAddress"]
        ],
        [
            &json!("10.0.0.12"),
            &json!(14),
            &json!(21),
            &json!(0),
            &json!("00155D000A0C")
        ]
    );
    let records = waldorf["lookup_records"].as_array().expect("a list");
    assert_eq!(records.len(), 8);
    let red22 = records
        .iter()
        .find(|record| record["VMName"] == "Red22" && record["CustomerAddress"] == "192.168.1.22")
        .expect("Red22's record");
    let mut red22 = red22.clone();
    let place = red22["place"].take();
    assert!(
        place
            .as_str()
            .expect("a place")
            .contains("policy/4-wnv.ps1:"),
        "{place}"
    );
    assert_eq!(
        red22,
        json!({
            "CustomerAddress": "192.168.1.22", "ProviderAddress": "10.0.0.12", "MACAddress": "00155D002008",
            "VirtualSubnetID": 445566, "CustomerID": "{7f3c0c44-5d5e-4c0a-9a5e-000000445566}", "Context": null,
            "Rule": "TranslationMethodEncap", "VMName": "Red22", "UseVmMACAddress": false, "Type": "Static",
            "place": null,
        })
    );
    assert_eq!(waldorf["customer_routes"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        waldorf["provider_routes"][0]["DestinationPrefix"],
        "10.0.0.0/21"
    );
    assert_eq!(waldorf["adapters"][0]["VMName"], "Red22");
    assert_eq!(waldorf["adapters"][0]["VirtualSubnetId"], 445566);
}

#[test]
fn stages_are_entered_up_to_the_one_named() {
    let address_of_red22 = |stage: &str| {
        let statler = host("Statler", stage);
        let records = statler["lookup_records"]
            .as_array()
            .expect("a list")
            .clone();
        let found = records
            .iter()
            .find(|record| record["VMName"] == "Red22")
            .map(|record| record["ProviderAddress"].clone());
        found.unwrap_or_default()
    };
    assert_eq!(address_of_red22("moved"), Value::Null);
    assert_eq!(address_of_red22("4"), "10.0.0.12");
    assert_eq!(address_of_red22("Broken"), "10.0.0.21");
    assert_eq!(address_of_red22("repaired"), "10.0.0.12");
    assert_eq!(
        host("Statler", "1")["adapters"].as_array().map(Vec::len),
        Some(4)
    );
    assert_eq!(
        host("Statler", "3")["adapters"].as_array().map(Vec::len),
        Some(3)
    );
    let empty = show(&["--host", "Statler", "--stage", "1"]).stdout;
    assert_eq!(
        table(&empty, "Get-NetVirtualizationLookupRecord"),
        [["(none)"]]
    );
}

#[test]
fn hosts_are_found_in_any_case_and_unknown_ones_refused_with_the_list() {
    assert_eq!(host("wALDORF", "6")["host"], "Waldorf");
    for (arguments, parts) in [
        (
            ["--host", "Fozzie"],
            ["no host 'Fozzie'", "Statler, Waldorf"],
        ),
        (
            ["--stage", "encore"],
            [
                "no stage 'encore'",
                "no-vsid, vsid, moved, wnv, broken, repaired",
            ],
        ),
        (["--stage", "7"], ["no stage '7'", "no-vsid"]),
    ] {
        let ran = show(&arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
        }
    }
}

#[test]
fn commands_that_only_show_are_listed_once() {
    let ran = show(&["--host", "Statler"]);
    assert_eq!(
        ran.stderr.matches("Format-Table").count(),
        1,
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("policy/1-no-vsid.ps1:"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_warning_of_many_records_is_told_once_with_every_place() {
    let scenario = pcaps().join("kernel-two-vsid/scenario.toml");
    let ran = nvgre(["show".as_ref(), scenario.as_os_str()]);
    assert_eq!(ran.exit, 0);
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stderr);
    assert!(lines[0].starts_with("nvgre: warning: ") && lines[0].contains("(V-06), 8 times:"));
    for (line, host) in lines[1..].iter().zip(["host1", "host2"]) {
        assert!(line.starts_with(&format!("  on {host}: ")), "{line}");
        assert!(
            line.contains(&format!(
                "kernel-two-vsid/policy/{host}.ps1:27:1, 29:1, 39:1, 41:1"
            )),
            "{line}"
        );
    }
}
