//! Dumps of Get- cmdlets, read into an estate.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{estate, on};
use nvgre_dataplane::{PortSubnet, RecordType, Rule};
use nvgre_netwnv::{
    Dump, DumpError, DumpFile, DumpKind, DumpNoteKind, Estate, Host, Place, Source, decode_text,
};

/// A dump of these files: path within its folder, and text.
fn read(files: &[(&str, &str)]) -> Result<Dump, Vec<DumpError>> {
    let files = files
        .iter()
        .map(|(path, text)| DumpFile::new(path, Source::new(path, *text)));
    Dump::read(&files.collect::<Vec<_>>())
}

#[track_caller]
fn dump(files: &[(&str, &str)]) -> Dump {
    read(files).unwrap_or_else(|errors| panic!("{}", rendered(&errors)))
}

fn rendered(errors: &[DumpError]) -> String {
    errors.iter().map(DumpError::render).collect()
}

#[track_caller]
fn refused(files: &[(&str, &str)]) -> String {
    match read(files) {
        Ok(dump) => panic!("this was read: {dump:?}"),
        Err(errors) => rendered(&errors),
    }
}

/// The committed dump of this name.
fn committed(name: &str) -> Dump {
    fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, paths);
            } else {
                paths.push(path);
            }
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/dumps")
        .join(name);
    let mut paths = Vec::new();
    collect(&folder, &mut paths);
    paths.sort();
    let files: Vec<_> = paths
        .iter()
        .map(|path| {
            let within = path
                .strip_prefix(&folder)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            let text = decode_text(&fs::read(path).unwrap()).unwrap();
            DumpFile::new(&within, Source::new(&within, text))
        })
        .collect();
    Dump::read(&files).unwrap_or_else(|errors| panic!("{}", rendered(&errors)))
}

/// The story's hosts as their scripts leave them in stage 4.
fn story() -> Estate {
    let mut estate = estate();
    let moved = estate.hosts[0].adapters.remove(1);
    estate.hosts[1].adapters.push(moved);
    for script in ["2-vsid.ps1", "4-wnv.ps1"] {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/waldorf-statler/policy");
        let text = fs::read_to_string(folder.join(script)).unwrap();
        if script == "2-vsid.ps1" {
            // It is written for a host that has all guests.
            let own = |vsid: u32, vm: &str| {
                format!("Set-VMNetworkAdapter -VMName {vm} -VirtualSubnetId {vsid}\n")
            };
            for (vsid, vm) in [
                (445_566, "Red11"),
                (7_788_990, "Blue11"),
                (7_788_990, "Blue22"),
            ] {
                on(&mut estate, &own(vsid, vm));
            }
            let remote = own(445_566, "Red22");
            on(
                &mut estate,
                &format!("Invoke-Command Waldorf {{ {remote} }}"),
            );
        } else {
            on(&mut estate, &text);
        }
    }
    estate
}

/// A host with nothing of where it was written.
fn placeless(host: &Host) -> Host {
    let nowhere = Place {
        file: "".into(),
        line: 0,
        column: 0,
    };
    let mut host = host.clone();
    host.adapters
        .iter_mut()
        .for_each(|adapter| adapter.place = None);
    host.adapters.sort_by(|a, b| a.vm_name.cmp(&b.vm_name));
    host.records
        .iter_mut()
        .for_each(|entry| entry.place = nowhere.clone());
    host.customer_routes
        .iter_mut()
        .for_each(|entry| entry.place = nowhere.clone());
    host.provider_addresses
        .iter_mut()
        .for_each(|entry| entry.place = nowhere.clone());
    host.provider_routes
        .iter_mut()
        .for_each(|entry| entry.place = nowhere.clone());
    host
}

#[test]
fn dumps_of_both_powershells_are_the_hosts_that_the_scripts_make() {
    let story = story();
    for name in ["windows-powershell-5.1", "powershell-7"] {
        let dump = committed(name);
        assert_eq!(dump.estate.hosts.len(), 2, "{name}");
        for (dumped, made) in dump.estate.hosts.iter().zip(&story.hosts) {
            assert_eq!(placeless(dumped), placeless(made), "{name}");
        }
        let said: Vec<_> = dump
            .notes
            .iter()
            .filter(|n| n.kind != DumpNoteKind::NotRead)
            .collect();
        assert!(said.is_empty(), "{said:?}");
    }
}

#[test]
fn what_a_dump_holds_besides_is_told_once_each() {
    let dump = committed("windows-powershell-5.1");
    let told: Vec<_> = dump.notes.iter().map(ToString::to_string).collect();
    let of = |cmdlet: &str| {
        let told: Vec<_> = told
            .iter()
            .filter(|text| text.contains(&format!("{cmdlet} ")))
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].clone()
    };
    assert_eq!(
        of("Get-NetVirtualizationLookupRecord"),
        "Statler/lookup-records.json:2:5: of Get-NetVirtualizationLookupRecord is not read: \
         Caption, Description, ElementName, InstanceID, CimClass, CimInstanceProperties, \
         CimSystemProperties"
    );
    let adapters = of("Get-VMNetworkAdapter");
    assert!(
        adapters.starts_with("Statler/adapters.txt:3:1: "),
        "{adapters}"
    );
    assert!(adapters.contains("VirtualSystemIdentifiers, IsLegacy"));
}

#[test]
fn every_row_has_the_place_of_its_object() {
    let dump = committed("windows-powershell-5.1");
    let statler = dump.estate.host("Statler").unwrap();
    let second = &statler.records[1].place;
    assert_eq!(second.to_string(), "Statler/lookup-records.json:41:5");
    let route = &statler.customer_routes[2].place;
    assert_eq!(route.to_string(), "Statler/customer-routes.csv:5:1");
    let blue11 = statler
        .adapters
        .iter()
        .find(|adapter| adapter.vm_name == "Blue11")
        .unwrap();
    let place = blue11.place.as_ref().unwrap();
    assert_eq!((&*place.file, place.line), ("Statler/adapters.txt", 23));
}

#[test]
fn the_guests_own_addresses_are_kept_beside_the_adapters() {
    let dump = committed("windows-powershell-5.1");
    let own: Vec<_> = dump.hosts[0].ip_addresses[0]
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        own,
        [
            "192.168.1.11",
            "fe80::215:5dff:fe00:2009",
            "fd00:192:168:1::11"
        ]
    );
    assert!(dump.hosts[0].kinds.contains(&DumpKind::Binding));
    assert_eq!(dump.hosts[0].kinds.len(), DumpKind::ALL.len());
}

const RECORD: &str = r#"{ "CustomerAddress": "10.0.0.5", "VirtualSubnetID": 5001, "MACAddress": "00155D002009", "ProviderAddress": "192.168.4.11", "Rule": 1, "Type": 0 }"#;

#[test]
fn one_object_an_array_arrays_in_a_row_and_arrays_in_a_table_are_the_same() {
    let other = RECORD.replace("10.0.0.5", "10.0.0.6");
    for text in [
        format!("[{RECORD},{other}]"),
        format!("{RECORD}\n{other}\n"),
        format!("[[{RECORD}],[{other}]]"),
        format!(r#"{{ "records": {{ "value": [{RECORD},{other}], "Count": 2 }} }}"#),
    ] {
        let dump = dump(&[("Statler.json", &text)]);
        let records = &dump.estate.hosts[0].records;
        let addresses: Vec<_> = records
            .iter()
            .map(|entry| entry.record.customer_address.to_string())
            .collect();
        assert_eq!(addresses, ["10.0.0.5", "10.0.0.6"], "{text}");
        let ids: Vec<_> = records.iter().map(|entry| entry.record.id.0).collect();
        assert_eq!(ids, [0, 1]);
    }
}

#[test]
fn enums_are_names_or_numbers_and_macs_of_any_form() {
    let text = "customeraddress;VIRTUALSUBNETID;MACAddress;ProviderAddress;Rule;Type;UseVmMACAddress\n\
        10.0.0.5;5001;00155D002009;10.1.0.1;0;3;true\n\
        10.0.0.5;5001;00-15-5d-00-20-09;10.1.0.1;translationmethodnat;L2Only;True\n\
        10.0.0.5;5001;00:15:5D:00:20:09;10.1.0.1;TranslationMethodNat;3;TRUE\n";
    let dump = dump(&[("Statler/records.csv", text)]);
    let records = &dump.estate.hosts[0].records;
    assert_eq!(records.len(), 3);
    for entry in records {
        let record = &entry.record;
        assert_eq!(
            (record.rule, record.record_type),
            (Rule::Nat, RecordType::L2Only)
        );
        assert!(record.use_vm_mac);
        assert_eq!(record.mac, "00155D002009".parse().unwrap());
    }
    assert!(
        dump.notes
            .iter()
            .all(|note| note.kind == DumpNoteKind::Assumed),
        "the NIC alone"
    );
}

#[test]
fn in_csv_nothing_is_null_and_quotes_with_nothing_are_an_empty_text() {
    let text = "\"CustomerAddress\",\"VirtualSubnetID\",\"MACAddress\",\"ProviderAddress\",\"Rule\",\"Context\",\"VMName\"\r\n\
        \"10.0.0.5\",\"5001\",\"00155D002009\",\"10.1.0.1\",\"1\",,\"\"\r\n\
        \"10.0.0.6\",\"5001\",\"00155D002009\",\"10.1.0.1\",\"1\",\"a \"\"b\"\", c\r\nd\",\"é\"\r\n";
    let dump = dump(&[("Statler/records.csv", text)]);
    let [first, second] = &dump.estate.hosts[0].records[..] else {
        panic!("two")
    };
    assert_eq!(
        (first.labels.context(), first.labels.vm_name()),
        (None, Some(""))
    );
    assert_eq!(second.labels.context(), Some("a \"b\", c\r\nd"));
    assert_eq!(second.labels.vm_name(), Some("é"));
}

#[test]
fn a_wrapped_value_of_a_list_goes_on_below_its_start() {
    let text = "\n\nCustomerAddress : 10.0.0.5\nVirtualSubnetID : 5001\nMACAddress      : 00155D002009\nProviderAddress : 10.1.0.1\nRule            : TranslationMethodEncap\nContext         : moved by \n                  hand, and\n                   back\nVMName          :\n\n";
    let dump = dump(&[("Statler/records.txt", text)]);
    let labels = &dump.estate.hosts[0].records[0].labels;
    assert_eq!(labels.context(), Some("moved by hand, andback"));
    assert_eq!(labels.vm_name(), None);
}

#[test]
fn utf_16_of_either_order_and_utf_8_with_a_mark_are_text() {
    let units = |text: &str, of: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(of)
            .collect()
    };
    for bytes in [
        units("é\r\n{}", u16::to_le_bytes),
        units("é\r\n{}", u16::to_be_bytes),
        "\u{feff}é\r\n{}".as_bytes().to_vec(),
        "é\r\n{}".as_bytes().to_vec(),
    ] {
        assert_eq!(decode_text(&bytes).as_deref(), Ok("é\r\n{}"));
    }
    assert!(
        decode_text(b"caf\xe9")
            .unwrap_err()
            .contains("-Encoding UTF8")
    );
    assert!(decode_text(&[0xff, 0xfe, 0x41]).is_err());
}

#[test]
fn a_folder_a_file_or_the_objects_name_the_host() {
    let named = |name: &str| RECORD.replace("{ ", &format!("{{ \"PSComputerName\": \"{name}\", "));
    let hosts = |files: &[(&str, &str)]| -> Vec<String> {
        dump(files)
            .estate
            .hosts
            .iter()
            .map(|host| host.name.clone())
            .collect()
    };
    assert_eq!(hosts(&[("Statler/a/records.json", RECORD)]), ["Statler"]);
    assert_eq!(
        hosts(&[("Statler.records.json", RECORD), ("statler.2.json", RECORD)]),
        ["Statler"]
    );
    let both = format!(
        "[{},{}]",
        named("Waldorf"),
        named("STATLER.muppets.example")
    );
    assert_eq!(hosts(&[("records.json", &both)]), ["Waldorf", "STATLER"]);
    assert_eq!(
        hosts(&[("Statler/records.json", &named("localhost"))]),
        ["Statler"]
    );
    assert_eq!(
        hosts(&[("10.0.0.1/records.json", &named("10.0.0.1"))]),
        ["10.0.0.1"]
    );
}

#[test]
fn hosts_that_contradict_each_other_are_refused() {
    let named = RECORD.replace("{ ", "{ \"PSComputerName\": \"Waldorf\", ");
    assert_eq!(
        refused(&[("Statler/records.json", &named)]),
        format!(
            "Statler/records.json:1:21: this is of host Waldorf, in the folder of Statler\n  |\n\
             1 | {}...\n  |                     ^^^^^^^^^\n  \
             = help: a sub-folder holds the dumps of one host and has its name\n",
            named.chars().take(160).collect::<String>()
        )
        .replace("...", if named.len() > 160 { "..." } else { "" })
    );
}

#[test]
fn a_file_named_after_another_host_is_refused() {
    let named = RECORD.replace("{ ", "{ \"PSComputerName\": \"Waldorf\", ");
    let text = refused(&[("Statler/x.json", RECORD), ("Statler.json", &named)]);
    assert!(
        text.contains("Statler.json:1:21: this is of host Waldorf, in a file named after Statler"),
        "{text}"
    );
    let text = refused(&[("records.json", &format!("[{named},\n{RECORD}]"))]);
    assert!(
        text.starts_with(
            "records.json:2:1: this does not say whose it is, and others in the file are of Waldorf"
        ),
        "{text}"
    );
}

#[test]
fn wrong_values_are_refused_each_at_its_place() {
    let text = "[{\n  \"CustomerAddress\": \"10.0.0\",\n  \"VirtualSubnetID\": 17,\n  \"MACAddress\": null,\n  \"ProviderAddress\": \"10.1.0.1\",\n  \"Rule\": 7,\n  \"UseVmMACAddress\": \"maybe\"\n}]";
    let refused = refused(&[("Statler/r.json", text)]);
    let heads: Vec<_> = refused
        .lines()
        .filter(|line| line.contains(".json"))
        .collect();
    assert_eq!(heads.len(), 5, "{refused}");
    for (head, part) in heads.iter().zip([
        ":2:22: CustomerAddress: \"10.0.0\" is refused",
        ":3:22: VirtualSubnetID: 17 is no virtual subnet id: 4096 to 16777214 are",
        ":4:17: MACAddress: a lookup record needs one, this is empty",
        ":6:11: Rule: \"7\" is none of TranslationMethodNat, TranslationMethodEncap",
        ":7:22: UseVmMACAddress: this wants True or False, not \"maybe\"",
    ]) {
        assert!(head.contains(part), "{part} in {head}");
    }
    assert!(
        refused.contains(
            "2 |   \"CustomerAddress\": \"10.0.0\",\n  |                      ^^^^^^^^\n"
        )
    );
}

#[test]
fn wrong_fields_of_csv_and_lists_have_their_places_too() {
    let csv = "VirtualSubnetID,DestinationPrefix,NextHop,Metric,RoutingDomainID\r\n5001,\"10.0.0.0/24\",0.0.0.0,\"-1\",{7f3c0c44-5d5e-4c0a-9a5e-000000445566}\r\n";
    let text = refused(&[("Statler/r.csv", csv)]);
    assert!(
        text.starts_with("Statler/r.csv:2:28: Metric: -1 is out of range: 0 to 4294967295 are"),
        "{text}"
    );
    assert!(text.contains("^^^^\n"), "{text}");
    let list = "InterfaceIndex    : twelve\nDestinationPrefix : 10.0.0.0/21\nNextHop           : 0.0.0.0\n";
    let text = refused(&[("Statler/r.txt", list)]);
    assert!(
        text.starts_with(
            "Statler/r.txt:1:21: InterfaceIndex: this wants a number (UInt32), not \"twelve\""
        ),
        "{text}"
    );
}

/// Of a row that lacks something its first character is shown, however many bytes that has.
#[test]
fn a_caret_stands_below_whole_characters() {
    let row = "VirtualSubnetID,CustomerAddress,ProviderAddress,VMName\n\u{e9}5001,192.168.1.11,10.0.0.11,a\n";
    let text = refused(&[("S/lookup-record.csv", row)]);
    assert!(
        text.contains("2 | \u{e9}5001,192.168.1.11,10.0.0.11,a\n  | ^\n"),
        "{text}"
    );
}

#[test]
fn what_is_no_dump_is_refused_with_advice() {
    let table = "\r\nCustomerAddress VirtualSubnetID\r\n--------------- ---------------\r\n10.0.0.5        5001\r\n";
    let text = refused(&[("Statler/r.txt", table)]);
    assert!(
        text.starts_with("Statler/r.txt:3:1: this is a table"),
        "{text}"
    );
    assert!(
        text.contains("help: pipe the objects to ConvertTo-Json"),
        "{text}"
    );
    let text = refused(&[("Statler/r.xml", "<Objs Version=\"1.1.0.1\"></Objs>")]);
    assert!(text.contains("Export-Clixml"), "{text}");
    let text = refused(&[("Statler/r.json", "[{\"a\": 1,\n \"b\": tru}]")]);
    assert!(
        text.starts_with("Statler/r.json:2:7: this is no JSON"),
        "{text}"
    );
    let text = refused(&[("Statler/r.json", "[{\"a\": 1}")]);
    assert!(text.contains("Unterminated array"), "{text}");
    let text = refused(&[("Statler/r.txt", "VMName : a\nhello\n")]);
    assert!(text.starts_with("Statler/r.txt:2:1: neither"), "{text}");
}

#[test]
fn several_kinds_in_one_csv_are_refused_with_advice() {
    let route = "VirtualSubnetID,DestinationPrefix,NextHop,Metric,RoutingDomainID\n5001,10.0.0.0/24,0.0.0.0,1,{7f3c0c44-5d5e-4c0a-9a5e-000000445566}\n";
    let text = refused(&[("S/r.csv", &format!("{route}UseExternalRouter\nFalse\n"))]);
    assert!(
        text.starts_with("S/r.csv:3:1: this row has 1 fields, and the header names 5"),
        "{text}"
    );
    assert!(text.contains("one CSV file for each kind"), "{text}");
    let text = refused(&[("S/r.csv", &format!("{route}{route}"))]);
    assert!(text.starts_with("S/r.csv:3:1: a second header"), "{text}");
    let text = refused(&[("S/r.csv", "\"a\",\"b\"\n\"1,2\n")]);
    assert!(
        text.starts_with("S/r.csv:2:1: the quote that starts here"),
        "{text}"
    );
}

#[test]
fn what_is_missing_or_twice_is_refused() {
    let text = refused(&[("S/r.json", &RECORD.replace("\"Rule\": 1, ", ""))]);
    assert!(
        text.starts_with("S/r.json:1:1: this lookup record has no Rule"),
        "{text}"
    );
    let text = refused(&[(
        "S/r.json",
        &RECORD.replace("\"Rule\": 1", "\"Rule\": 1, \"rule\": 1"),
    )]);
    assert!(text.contains("rule is given twice"), "{text}");
    let adapter = r#"{"VMName":"Red11","Name":"Network Adapter","MacAddress":"00155D002009","SwitchName":"VMs"}"#;
    let text = refused(&[("S/a.json", &format!("[{adapter},\n{adapter}]"))]);
    assert!(
        text.starts_with(
            "S/a.json:2:26: Red11 has an adapter Network Adapter already, at S/a.json:1:2"
        ),
        "{text}"
    );
}

#[test]
fn what_is_not_understood_or_empty_is_told() {
    let text = format!("[{RECORD}, 7, {{\"Weight\": 3}}, {{\"Weight\": 4}}]");
    let dump = dump(&[
        ("Statler/a.json", &text),
        ("Statler/b.json", ""),
        ("Statler/c.txt", "remember the milk"),
        ("Waldorf/empty.csv", "\r\n"),
    ]);
    let told: Vec<_> = dump
        .notes
        .iter()
        .filter(|note| note.kind == DumpNoteKind::NotRead)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "Statler/a.json:1:1: 3 values are not read, the first here: they are no objects of a cmdlet that is known",
            "Statler/b.json:1:1: the file is empty: no object was dumped",
            "Statler/c.txt:1:1: the file is not read: neither JSON, CSV nor a list of properties",
            "Waldorf/empty.csv:1:1: the file is empty: no object was dumped",
        ]
    );
    let hosts: Vec<_> = dump
        .estate
        .hosts
        .iter()
        .map(|host| host.name.as_str())
        .collect();
    assert_eq!(
        hosts,
        ["Statler", "Waldorf"],
        "a folder is a host even if nothing was dumped"
    );
}

#[test]
fn what_windows_says_of_its_own_state_is_told() {
    let text = r#"[{"ProviderAddress":"10.0.0.11","InterfaceIndex":12,"PrefixLength":21,"AddressState":2,"MACAddress":"00155D000A0B"},
{"CustomerAddress":"10.0.0.5","VirtualSubnetID":5001,"MACAddress":"00155D002009","ProviderAddress":"10.0.0.11","Rule":1,"Unusable":true,"Unsynchronized":true},
{"CustomerAddress":"0.0.0.0","VirtualSubnetID":5001,"MACAddress":"00155D002009","ProviderAddress":"10.0.0.11","Rule":1}]"#;
    let dump = dump(&[("Statler/x.json", text)]);
    let kinds: Vec<_> = dump
        .notes
        .iter()
        .map(|note| (note.place.line, note.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            (1, DumpNoteKind::AddressState),
            (1, DumpNoteKind::Assumed),
            (2, DumpNoteKind::Unusable),
            (2, DumpNoteKind::Unsynchronized),
            (3, DumpNoteKind::Assumed),
        ]
    );
    assert_eq!(
        dump.notes[0].text,
        "the provider address 10.0.0.11 is Duplicate, not Preferred"
    );
    assert_eq!(
        dump.estate.hosts[0].records[1].record.record_type,
        RecordType::GatewayWildcard
    );
}

#[test]
fn a_host_without_a_dumped_nic_gets_one_and_that_is_told() {
    let text = r#"[{"ProviderAddress":"10.0.0.11","InterfaceIndex":12,"PrefixLength":21},
{"VMName":"Red11","Name":"Network Adapter","MacAddress":"00155D002009","SwitchName":"VMs","VirtualSubnetId":16777215,"MacAddressSpoofing":0,"BandwidthSetting":{"MaximumBandwidth":8000}},
{"Name":"vEthernet (VMs)","IsManagementOs":true,"VMName":null,"MacAddress":"00155D000A0B","SwitchName":"VMs"}]"#;
    let dump = dump(&[("Statler/x.json", text)]);
    let host = &dump.estate.hosts[0];
    let nic = &host.nics[0];
    assert_eq!(
        (nic.interface_index, nic.switch_name.as_str(), nic.wnv_bound),
        (12, "VMs", true)
    );
    let adapter = &host.adapters[0];
    assert_eq!(adapter.subnet, PortSubnet::LocalOnly);
    assert!(adapter.mac_address_spoofing);
    assert_eq!(adapter.maximum_bandwidth_bits_per_second, 8000);
    let told: String = dump.notes.iter().map(|note| format!("{note}\n")).collect();
    for part in [
        "a provider address has no MACAddress: 02500A00000B is assumed",
        "of NIC 12 the dump does not say its name, its description, its binding of ms_netwnv and its switch: taken as name \"Ethernet\"",
        "vEthernet (VMs) is an adapter of the management operating system: not modelled",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

/// The hosts of a dump, and how many records each has.
fn counted(files: &[(&str, &str)]) -> Vec<(String, usize)> {
    let hosts = dump(files).estate.hosts;
    let told = hosts
        .iter()
        .map(|host| (host.name.clone(), host.records.len()));
    told.collect()
}

#[test]
fn two_full_names_or_addresses_are_two_hosts_and_a_short_name_is_its_only_full_one() {
    let host = |name: &str| (name.to_owned(), 1);
    assert_eq!(
        counted(&[("10.1.0.1.json", RECORD), ("10.1.0.2.records.json", RECORD)]),
        [host("10.1.0.1"), host("10.1.0.2")]
    );
    assert_eq!(
        counted(&[
            ("hv1.east.corp/r.json", RECORD),
            ("hv1.west.corp/r.json", RECORD)
        ]),
        [host("hv1.east.corp"), host("hv1.west.corp")]
    );
    let named = |name: &str| RECORD.replace("{ ", &format!("{{ \"PSComputerName\": \"{name}\", "));
    let all = |names: &[&str]| {
        let objects: Vec<_> = names.iter().map(|name| named(name)).collect();
        counted(&[("all.json", &format!("[{}]", objects.join(",")))])
    };
    assert_eq!(
        all(&["hv1.east.corp", "hv1.west.corp", "HV1.WEST.corp"]),
        [host("hv1"), ("hv1.west.corp".to_owned(), 2)]
    );
    assert_eq!(all(&["hv1", "hv1.east.corp"]), [("hv1".to_owned(), 2)]);
    assert_eq!(all(&["hv1.east.corp", "hv1"]), [("hv1".to_owned(), 2)]);
}

/// An adapter of VM "a" called as Windows calls every new one.
fn new_adapter(mac: &str) -> String {
    format!(
        "{{ \"VMName\": \"a\", \"Name\": \"Network Adapter\", \"MacAddress\": \"{mac}\", \"SwitchName\": \"VMs\", \"VirtualSubnetId\": 5001 }}"
    )
}

#[test]
fn adapters_of_one_name_are_told_apart_by_their_macs() {
    let (first, second) = (new_adapter("00155D000001"), new_adapter("00155D000002"));
    let read = dump(&[("Statler.json", &format!("[{first},{second}]"))]);
    let names: Vec<_> = read.estate.hosts[0]
        .adapters
        .iter()
        .map(|adapter| (adapter.name.as_str(), adapter.mac.to_string()))
        .collect();
    assert_eq!(
        names,
        [
            ("Network Adapter", "00155D000001".to_owned()),
            ("Network Adapter 2", "00155D000002".to_owned())
        ]
    );
    let told = read
        .notes
        .iter()
        .find(|note| note.kind == DumpNoteKind::Assumed);
    assert_eq!(
        told.unwrap().text,
        "a has several adapters Network Adapter: that of the MAC 00155D000002 is called Network Adapter 2 here"
    );
    assert!(read.hosts[0].vms_with_namesakes.contains("a"));
    // One adapter twice is a mistake of the dump.
    let text = refused(&[("Statler.json", &format!("[{first},{first}]"))]);
    assert!(
        text.contains("a has an adapter Network Adapter already"),
        "{text}"
    );
}

#[test]
fn the_adapter_of_a_vm_that_never_ran_has_no_mac_and_is_left_out() {
    let (ran, never) = (new_adapter("00155D000001"), new_adapter("000000000000"));
    let read = dump(&[("Statler.json", &format!("[{never},{ran}]"))]);
    assert_eq!(read.estate.hosts[0].adapters.len(), 1);
    assert_eq!(
        read.notes[0].to_string(),
        "Statler.json:1:2: Network Adapter of a is left out: it has no MAC yet, as its VM was never started"
    );
}

#[test]
fn objects_that_were_cut_to_their_names_are_refused_with_the_depth_to_use() {
    let adapter = new_adapter("00155D000001");
    for cut in [
        "\"records\": [\"MSFT_NetVirtualizationLookupRecordSettingData\"]",
        "\"route\": \"MSFT_NetVirtualizationCustomerRouteSettingData (InstanceID = 7)\"",
        "\"nics\": \"Microsoft.Management.Infrastructure.CimInstance#root/standardcimv2\"",
    ] {
        let text = refused(&[(
            "Statler.json",
            &format!("{{ {cut}, \"adapters\": [{adapter}] }}"),
        )]);
        assert!(text.starts_with("Statler.json:1:"), "{text}");
        assert!(text.contains("here is the name of an object"), "{text}");
        assert!(text.contains("-Depth 4"), "{text}");
    }
}

/// Windows PowerShell writes objects that it does not take apart by the name of their type.
#[test]
fn limits_that_a_dump_shows_by_the_name_of_their_type_are_told() {
    let adapter = r#"[{"VMName":"a","Name":"Network Adapter","MacAddress":"00155D000001","SwitchName":"VMs",
        "VirtualSubnetId":5001,"BandwidthSetting":"Microsoft.HyperV.PowerShell.VMNetworkAdapterBandwidthSetting"}]"#;
    let read = dump(&[("A.json", adapter)]);
    let mut notes = read.notes.iter();
    assert!(
        notes.any(|note| note.text.contains("its limits are not shown")),
        "{:?}",
        read.notes
    );
}

#[test]
fn two_global_settings_of_a_host_that_contradict_each_other_are_told() {
    let settings = r#"[{"UseExternalRouter":true},{"UseExternalRouter":false}]"#;
    let read = dump(&[("A.json", settings)]);
    let mut notes = read.notes.iter();
    assert!(
        notes.any(|note| note.text.contains("says the opposite")),
        "{:?}",
        read.notes
    );
}
