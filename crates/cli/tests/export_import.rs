//! `nvgre export` and `nvgre import`: what hosts hold, out and in again.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Ran, nvgre, pcaps};
use serde_json::Value;

fn story() -> String {
    let scenario = pcaps().join("waldorf-statler/scenario.toml");
    scenario.to_string_lossy().into_owned()
}

#[track_caller]
fn done(words: &[&str]) -> Ran {
    let ran = nvgre(words);
    assert_eq!(ran.exit, 0, "{words:?}: {}", ran.stderr);
    ran
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

/// The tables of a scenario's hosts as `nvgre show` has them, without places.
fn tables(scenario: &str) -> Vec<Value> {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("place");
                members.values_mut().for_each(forget);
            }
            Value::Array(items) => items.iter_mut().for_each(forget),
            _ => {}
        }
    }
    let shown = done(&["show", "--json", scenario]).stdout;
    let lines = shown
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let mut lines: Vec<Value> = lines.collect();
    lines.iter_mut().for_each(forget);
    lines
}

/// Every file below a folder, by name.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = fs::read_to_string(&path).expect("text");
            found.push((path, text));
        }
    }
    found.sort();
    found
}

/// Two hosts that hold something of everything, and a change that was made on the first alone.
fn two_hosts(folder: &Path) -> String {
    let both = r#"
Enable-NetAdapterBinding -Name "Local Area Connection 2" -ComponentID ms_netwnv
Set-NetVirtualizationGlobal -UseExternalRouter $true
New-NetVirtualizationProviderRoute -InterfaceIndex 7 -DestinationPrefix 0.0.0.0/0 -NextHop 192.168.4.1 -Metric 5
New-NetVirtualizationCustomerRoute -RoutingDomainID "{7f3c0c44-5d5e-4c0a-9a5e-000000005001}" -VirtualSubnetID 5001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255
New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001 -MACAddress 00155D000005 -ProviderAddress 192.168.4.11 -Rule TranslationMethodNat -UseVmMACAddress $true -Context "a `"b`", c" -VMName Ada
New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.6 -VirtualSubnetID 5001 -MACAddress 00155D000006 -ProviderAddress 192.168.4.12 -Rule TranslationMethodEncap -VMName Ben -CustomerID ""
New-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 5001 -MACAddress 00155D000006 -ProviderAddress 192.168.4.12 -Rule TranslationMethodEncap -Type GatewayWildcard -VMName Ben
"#;
    let change = r#"
Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.6 -VirtualSubnetID 5001 -ProviderAddress 192.168.4.13
Remove-NetVirtualizationLookupRecord -CustomerAddress 0.0.0.0 -VirtualSubnetID 5001
New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.7 -VirtualSubnetID 5001 -MACAddress 00155D000007 -ProviderAddress 192.168.4.12 -Rule TranslationMethodEncap -VMName Cleo
"#;
    let scenario = r#"
name = "two-hosts"
[[tenant]]
name = "Lab"
routing_domain = "{7f3c0c44-5d5e-4c0a-9a5e-000000005001}"
virtual_subnets = [5001]
[[host]]
name = "A"
switch = "vSwitch 1"
interface_index = 7
interface_name = "Local Area Connection 2"
interface_description = "NIC; \"quoted\", of A"
mac = "00155D00000A"
policy = ["both.ps1", "a.ps1"]
[[host]]
name = "B"
switch = "vSwitch 1"
interface_index = 7
interface_name = "Local Area Connection 2"
interface_description = "NIC of B"
mac = "00155D00000B"
policy = ["both.ps1", "b.ps1"]
[[guest]]
name = "Ada"
tenant = "Lab"
host = "A"
mac = "00155D000005"
addresses = ["10.0.0.5/24"]
virtual_subnet = 5001
mac_address_spoofing = true
maximum_bandwidth_bits_per_second = 8000
[[guest]]
name = "Ben"
nic = "Second NIC"
tenant = "Lab"
host = "B"
mac = "00155D000006"
addresses = ["10.0.0.6/24"]
virtual_subnet = 5001
router_guard = true
storm_limit_packets_per_second = 9
[[stage]]
name = "before"
[[stage]]
name = "changed"
scripts = [{ file = "change.ps1", on = "A" }]
"#;
    let address = |number: u8, more: &str| {
        format!(
            "New-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.{number} -InterfaceIndex 7 -PrefixLength 24{more}"
        )
    };
    for (name, text) in [
        ("both.ps1", both.to_owned()),
        ("a.ps1", address(11, "")),
        ("b.ps1", address(12, " -VlanID 7")),
        ("change.ps1", change.to_owned()),
        ("scenario.toml", scenario.to_owned()),
    ] {
        fs::write(folder.join(name), text).expect("a file");
    }
    path(folder, "scenario.toml")
}

#[test]
fn import_of_an_export_is_the_identity_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    for (case, scenario) in [
        ("story", story()),
        ("two", two_hosts(folder.path())),
        ("odd", odd_names(folder.path())),
    ] {
        for format in ["powershell", "json", "csv"] {
            let end = match format {
                "powershell" => ".ps1",
                "json" => ".json",
                _ => "",
            };
            let [out, again] = ["out", "again"]
                .map(|what| path(folder.path(), &format!("{case}-{what}-{format}{end}")));
            let made = path(folder.path(), &format!("{case}-{format}/scenario.toml"));
            done(&["export", &scenario, "--as", format, "-o", &out]);
            done(&["import", &out, "-o", &made]);
            done(&["export", &made, "--as", format, "-o", &again]);
            if format == "csv" {
                let texts = |name: &str| -> Vec<_> {
                    let folder = Path::new(name);
                    let within = |path: PathBuf| path.strip_prefix(folder).unwrap().to_owned();
                    files(folder)
                        .into_iter()
                        .map(|(path, text)| (within(path), text))
                        .collect()
                };
                assert_eq!(texts(&again), texts(&out), "{case}");
            } else {
                let text = |name: &str| fs::read_to_string(name).expect("text");
                assert_eq!(text(&again), text(&out), "{case} {format}");
            }
            let (mut imported, mut original) = (tables(&made), tables(&scenario));
            if format == "powershell" {
                // No command names the switch of a VM.
                for host in imported.iter_mut().chain(&mut original) {
                    for adapter in host["adapters"].as_array_mut().expect("adapters") {
                        adapter
                            .as_object_mut()
                            .expect("an object")
                            .remove("SwitchName");
                    }
                }
            }
            assert_eq!(imported, original, "{case} {format}");
        }
    }
}

/// A scenario whose names and labels would break out of their strings, or hold what is hard to write.
fn odd_names(folder: &Path) -> String {
    let labels = "Ä; Remove-Item C:\\ -Recurse; Ä $([char]0x41) 💡 `n “x” ’ \u{1}";
    let quoted = |text: &str| {
        text.replace('`', "``")
            .replace('$', "`$")
            .replace('“', "““")
            .replace('”', "””")
    };
    let policy = format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001 -MACAddress 00155D000005 -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap -Context \"{}\" -VMName \"Ä; exit; Ä\"\n\
         New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.6 -VirtualSubnetID 5001 -MACAddress 00155D000006 -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap -VMName web2\n\
         New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.7 -VirtualSubnetID 5001 -MACAddress 00155D000007 -ProviderAddress 192.168.4.11 -Rule TranslationMethodEncap -VMName \"web*\"",
        quoted(labels)
    );
    let scenario = r#"
name = "odd"
[[tenant]]
name = "Lab"
routing_domain = "{7f3c0c44-5d5e-4c0a-9a5e-000000005001}"
virtual_subnets = [5001]
[[host]]
name = "x’; exit; ’"
switch = "Schälter"
interface_index = 2
interface_name = "Ä „NIC“ [1]"
interface_description = "NIC 💡"
mac = "00155D00000A"
policy = ["odd.ps1"]
[[guest]]
name = "Ä; exit; Ä"
nic = "Ü\u0003"
tenant = "Lab"
host = "x’; exit; ’"
mac = "00155D000005"
addresses = ["10.0.0.5/24"]
virtual_subnet = 5001
[[guest]]
name = "web2"
tenant = "Lab"
host = "x’; exit; ’"
mac = "00155D000006"
addresses = ["10.0.0.6/24"]
virtual_subnet = 5001
[[guest]]
name = "web*"
nic = "[1] `?"
tenant = "Lab"
host = "x’; exit; ’"
mac = "00155D000007"
addresses = ["10.0.0.7/24"]
virtual_subnet = 5001
router_guard = true
"#;
    let bound = "Enable-NetAdapterBinding -Name * -ComponentID ms_netwnv\n";
    fs::write(folder.join("odd.ps1"), format!("{bound}{policy}\n")).expect("a file");
    fs::write(folder.join("odd.toml"), scenario).expect("a file");
    path(folder, "odd.toml")
}

#[test]
fn a_script_is_the_same_in_whatever_encoding_it_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = odd_names(folder.path());
    let printed = done(&["export", &scenario, "--as", "powershell"]).stdout;
    let commands = printed.lines().filter(|line| !line.starts_with('#'));
    assert!(
        commands.clone().all(|line| line.is_ascii()),
        "of UTF-8 some bytes are quotes in ANSI: {printed}"
    );
    let host =
        r#"Invoke-Command -ComputerName "x$([char]0x2019); exit; $([char]0x2019)" -ScriptBlock {"#;
    assert!(printed.contains(host), "{printed}");
    let vm = r#"-VMName "$([char]0x00C4); exit; $([char]0x00C4)""#;
    assert!(printed.contains(vm), "{printed}");
    assert!(
        printed.contains("$([char]0xD83D)$([char]0xDCA1)"),
        "{printed}"
    );

    let file = path(folder.path(), "out.ps1");
    done(&["export", &scenario, "--as", "powershell", "-o", &file]);
    let written = fs::read_to_string(&file).expect("text");
    assert_eq!(
        written,
        format!("\u{feff}{printed}"),
        "its encoding is marked"
    );
    let made = path(folder.path(), "made/scenario.toml");
    let dump = path(folder.path(), "out.json");
    done(&["export", &scenario, "--as", "json", "-o", &dump]);
    done(&["import", &dump, "-o", &made]);
    let policy = files(&folder.path().join("made/policy"));
    assert!(!policy.is_empty());
    for (name, text) in policy {
        assert!(text.starts_with('\u{feff}'), "{name:?} {text}");
    }
}

#[test]
fn dumps_of_windows_become_the_hosts_they_are_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../netwnv/tests/dumps");
    for name in ["windows-powershell-5.1", "powershell-7"] {
        let made = path(folder.path(), &format!("{name}/scenario.toml"));
        let ran = done(&["import", &path(&dumps, name), "-o", &made]);
        assert!(
            ran.stdout.contains("of Get-VMNetworkAdapter is not read: "),
            "{}",
            ran.stdout
        );
        let text = fs::read_to_string(&made).expect("text");
        assert!(
            text.contains(&format!("name = \"{name}\"\n")),
            "called as its folder: {text}"
        );
        let shown = done(&["show", "--json", &story(), "--stage", "wnv"]).stdout;
        let waldorf: Value =
            serde_json::from_str(shown.lines().nth(1).expect("two")).expect("JSON");
        let imported = &tables(&made)[1];
        for key in ["host", "wnv_bound", "use_external_router"] {
            assert_eq!(imported[key], waldorf[key], "{key}");
        }
        let records = |host: &Value| host["lookup_records"].as_array().expect("records").len();
        assert_eq!((records(imported), records(&waldorf)), (8, 8));
        assert_eq!(imported["adapters"][0]["VMName"], "Red22");
    }
}

#[test]
fn scripts_alone_make_a_scenario_that_runs_them_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = pcaps().join("waldorf-statler/policy");
    let made = path(folder.path(), "made/scenario.toml");
    let script = path(&policy, "4-wnv.ps1");
    let ran = done(&["import", &script, "--host", "Statler", "-o", &made]);
    for part in [
        "host   Waldorf",
        "guest  Red22                    MAC 00155D002008  CA 192.168.1.22/24, fd00:192:168:1::22/64, on Waldorf",
        "a host Waldorf is made up",
        "no adapter is known: guests are the MACs of records",
    ] {
        assert!(ran.stdout.contains(part), "{part} in {}", ran.stdout);
    }
    let copy = fs::read_to_string(folder.path().join("made/policy/4-wnv.ps1")).expect("a copy");
    assert_eq!(copy, fs::read_to_string(&script).expect("text"));
    let line = done(&["show", "--json", &made]).stdout;
    assert!(
        line.contains("made/policy/4-wnv.ps1:39:1"),
        "places are those of the script: {line}"
    );
}

#[test]
fn a_scenario_and_its_policy_are_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = two_hosts(folder.path());
    let before = files(folder.path());
    let dump = path(folder.path(), "dump.json");
    done(&["export", &scenario, "--as", "json", "-o", &dump]);
    let ran = nvgre(["import", &dump, "-o", &scenario]);
    ran.failed_saying(6, &["scenario.toml is there already"]);
    fs::remove_file(&dump).expect("it is there");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn an_export_never_replaces_what_it_is_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = two_hosts(folder.path());
    let before = files(folder.path());
    let inputs: Vec<_> = before.iter().map(|(path, _)| path.clone()).collect();
    assert!(inputs.len() > 1, "a scenario and its policy");
    for input in inputs {
        for format in ["json", "powershell"] {
            let input = input.to_string_lossy().into_owned();
            let ran = nvgre(["export", &scenario, "--as", format, "-o", &input]);
            assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{input}");
            ran.failed_saying_last(2, &format!("-o {input}: this is the input "));
        }
    }
    assert_eq!(files(folder.path()), before);
}

#[test]
fn what_another_host_lacks_is_what_was_changed_on_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = two_hosts(folder.path());
    let propagation = path(folder.path(), "for-b.ps1");
    done(&[
        "export",
        &scenario,
        "--as",
        "powershell",
        "--for-host",
        "b",
        "-o",
        &propagation,
    ]);
    let script = fs::read_to_string(&propagation).expect("text");
    let script = script
        .strip_prefix('\u{feff}')
        .expect("its encoding is marked");
    assert!(script.starts_with("# What B should hold. Run it on B, as administrator.\n"));
    let removed = "Remove-NetVirtualizationLookupRecord -VirtualSubnetID 5001 -CustomerAddress \"0.0.0.0\" -MACAddress \"00155D000006\" -Type \"GatewayWildcard\" -ErrorAction SilentlyContinue\n\n";
    assert!(script.contains(removed), "{script}");
    assert!(
        !script.contains("192.168.4.11\" -InterfaceIndex"),
        "A's own address is A's: {script}"
    );
    // Run on B, it makes both hosts agree.
    let text = fs::read_to_string(&scenario).expect("text");
    let stage =
        "\n[[stage]]\nname = \"propagated\"\nscripts = [{ file = \"for-b.ps1\", on = \"B\" }]\n";
    fs::write(&scenario, text + stage).expect("a file");
    let tables = tables(&scenario);
    let by_address = |host: &Value| {
        let mut records = host["lookup_records"].as_array().expect("records").clone();
        records.sort_by_key(|record| record["CustomerAddress"].to_string());
        records
    };
    assert_eq!(by_address(&tables[1]), by_address(&tables[0]));
    assert_eq!(by_address(&tables[1]).len(), 3);
    assert_eq!(
        tables[1]["provider_addresses"][0]["ProviderAddress"],
        "192.168.4.12"
    );
}

#[test]
fn rows_that_hosts_hold_differently_are_told_and_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = two_hosts(folder.path());
    let own = |pa: u8| {
        format!(
            "\nNew-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.9 -VirtualSubnetID 5001 -MACAddress 00155D000009 -ProviderAddress 192.168.4.{pa} -Rule TranslationMethodEncap"
        )
    };
    for (file, pa) in [("a.ps1", 14), ("b.ps1", 15)] {
        let text = fs::read_to_string(folder.path().join(file)).expect("text");
        fs::write(folder.path().join(file), text + &own(pa)).expect("a file");
    }
    let ran = done(&["export", &scenario, "--as", "powershell", "--for-host", "B"]);
    assert!(ran.stderr.contains("a.ps1:2:1 and "), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the host keeps its own"),
        "{}",
        ran.stderr
    );
    let kept = "-CustomerAddress \"10.0.0.9\" -MACAddress \"00155D000009\" -ProviderAddress \"192.168.4.15\"";
    assert!(ran.stdout.contains(kept), "{}", ran.stdout);
    let line = done(&[
        "--json",
        "export",
        &scenario,
        "--as",
        "json",
        "--for-host",
        "B",
    ])
    .stdout;
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["disputed"].as_array().expect("a list").len(), 1);
    assert_eq!(line["hosts"], serde_json::json!(["B"]));
}

#[test]
fn a_stage_says_how_far_the_change_has_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = two_hosts(folder.path());
    let export =
        |stage: &str| done(&["export", &scenario, "--as", "json", "--stage", stage]).stdout;
    assert!(!export("before").contains("10.0.0.7"));
    assert!(export("changed").contains("10.0.0.7"));
}

#[test]
fn wrong_dumps_are_refused_with_place_and_caret_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let dump = folder.path().join("Statler");
    fs::create_dir(&dump).expect("a folder");
    let made = path(folder.path(), "made/scenario.toml");
    let refused = |text: &str| {
        fs::write(dump.join("records.json"), text).expect("a file");
        let ran = nvgre([
            "import",
            folder.path().to_str().expect("UTF-8"),
            "-o",
            &made,
        ]);
        assert_eq!(ran.exit, 3, "{}", ran.stdout);
        assert!(!folder.path().join("made").exists());
        ran.stderr
    };
    let record = r#"{"CustomerAddress":"10.0.0.5","VirtualSubnetID":5001,"MACAddress":"00155D002009","ProviderAddress":"10.0.0.1","Rule":1}"#;
    let text = refused(&record.replace("5001", "17"));
    assert!(
        text.contains("records.json:1:49: VirtualSubnetID: 17 is no virtual subnet id"),
        "{text}"
    );
    assert!(text.contains("^^\n"), "{text}");
    let text = refused("CustomerAddress Rule\n--------------- ----\n10.0.0.5 x\n");
    assert!(
        text.contains("this is a table") && text.contains("ConvertTo-Json"),
        "{text}"
    );
    let text = refused(&format!("[{record},\n{record}]"));
    assert!(
        text.contains("records.json:2:1: on Statler:") && text.contains("V-01"),
        "{text}"
    );
    let text = refused("[]");
    assert!(
        text.contains("nothing in these files is of a host: nothing was written"),
        "{text}"
    );
    assert!(
        text.contains("records.json:1:1: the file is empty: no object was dumped"),
        "{text}"
    );
}

#[test]
fn names_on_the_command_line_are_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().to_string_lossy().into_owned();
    nvgre(["import", &story(), "-o", &into])
        .failed_saying(2, &["-o wants the name of a scenario file"]);
    nvgre(["export", &story(), "--as", "csv"]).failed_saying(2, &["name it with -o DIR"]);
    let ran = nvgre(["export", &story(), "--as", "json", "--for-host", "Gonzo"]);
    assert_eq!(ran.exit, 2);
    assert!(
        ran.stderr
            .contains("no host 'Gonzo'; there are: Statler, Waldorf"),
        "{}",
        ran.stderr
    );
    nvgre(["import", "nowhere", "-o", "x.toml"]).failed_saying(3, &["nowhere: "]);
}

#[test]
fn a_host_whose_name_holds_a_control_character_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = two_hosts(folder.path());
    let text = fs::read_to_string(&scenario).expect("text");
    let odd = text.replace("\"A\"", "\"A\\u001b[2J\"");
    assert_ne!(odd, text);
    fs::write(&scenario, odd).expect("a file");
    let ran = nvgre(["export", &scenario, "--as", "powershell"]);
    assert_eq!(ran.exit, 3, "{}", ran.stderr);
    let message = "scenario.toml:8:8: a host's name holds a control character";
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

#[test]
fn a_name_with_escape_sequences_is_imported_shown_and_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = two_hosts(folder.path());
    let text = fs::read_to_string(&scenario).expect("text");
    let odd = text.replace("name = \"Ada\"", "name = \"Ada\\u001b[2J\\u009b\"");
    assert_ne!(odd, text);
    fs::write(&scenario, odd).expect("a file");
    for format in ["json", "powershell"] {
        let end = if format == "json" { "json" } else { "ps1" };
        let out = path(folder.path(), &format!("out.{end}"));
        let made = path(folder.path(), &format!("{format}/scenario.toml"));
        done(&["export", &scenario, "--as", format, "-o", &out]);
        let ran = done(&["import", &out, "-o", &made]);
        let told = ran.stdout + &ran.stderr + &done(&["show", &made]).stdout;
        assert!(told.contains(r"Ada\u001b[2J\u009b"), "{told}");
        assert!(!told.contains(['\u{1b}', '\u{9b}']), "{told}");
    }
}
