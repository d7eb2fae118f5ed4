//! `nvgre doctor`: dumps of several hosts beside each other.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Ran, nvgre};
use serde_json::Value;
use tempfile::TempDir;

const KEYS: &[&str] = &[
    "schema",
    "folder",
    "files",
    "hosts",
    "disagreements",
    "notes",
    "errors",
    "warnings",
];

/// The founding story's hosts, all well.
fn dumps(look: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../netwnv/tests/dumps")
        .join(look)
}

fn doctor(folder: &Path, more: &[&str]) -> Ran {
    let folder = folder.to_str().expect("UTF-8");
    nvgre([&["doctor", folder], more].concat())
}

fn json(folder: &Path) -> (i32, Value) {
    let ran = doctor(folder, &["--json"]);
    let mut lines = ran.json_lines("nvgre.doctor/1", KEYS);
    assert_eq!(lines.len(), 1, "{}", ran.stderr);
    (ran.exit, lines.remove(0))
}

/// PowerShell 7's dumps of the hosts that this names, each edited.
fn edited(hosts: &[&str], edit: impl Fn(&str, String) -> String) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for host in hosts {
        let file = format!("{host}.json");
        let text = fs::read_to_string(dumps("powershell-7").join(&file)).expect("a dump");
        fs::write(folder.path().join(&file), edit(host, text)).expect("a file");
    }
    folder
}

/// The object of `Red22`'s IPv4 record, and where it begins.
fn red22(text: &str) -> (usize, &str) {
    let address = text.find("\"192.168.1.22\"").expect("the record");
    let start = text[..address].rfind("  {").expect("an object");
    let end = start + text[start..].find("\n  }").expect("its end");
    (start, &text[start..end])
}

fn wrong_address(text: String) -> String {
    let (_, record) = red22(&text);
    let wrong = record.replace("10.0.0.12", "10.0.0.21");
    text.replacen(record, &wrong, 1)
}

#[test]
fn hosts_that_agree_end_with_zero_whatever_wrote_their_dumps() {
    for (look, files) in [("powershell-7", 2), ("windows-powershell-5.1", 18)] {
        let ran = doctor(&dumps(look), &[]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{look}");
        let first = ran.stdout.lines().next().expect("a line");
        assert_eq!(
            first,
            format!(
                "2 hosts, {files} files: 16 lookup records, 8 customer routes, 2 provider addresses, 2 provider routes, 4 adapters"
            )
        );
        let last = ran.stdout.lines().last();
        assert_eq!(last, Some("1 disagreement: 0 errors, 0 warnings, 1 note"));
        let (exit, told) = json(&dumps(look));
        assert_eq!(exit, 0);
        for kind in [
            ("lookup_records", 16),
            ("customer_routes", 8),
            ("provider_addresses", 2),
            ("provider_routes", 2),
            ("adapters", 4),
        ] {
            let hosts = told["hosts"].as_array().expect("hosts").iter();
            let sum: u64 = hosts.filter_map(|host| host[kind.0].as_u64()).sum();
            assert_eq!(sum, kind.1, "{}", kind.0);
        }
        assert_eq!(told["disagreements"][0]["rule"], "policy_unneeded");
    }
}

#[test]
fn a_wrong_address_is_told_with_its_line_on_both_hosts_and_the_command_that_mends_it() {
    let folder = edited(&["Statler", "Waldorf"], |_, text| wrong_address(text));
    let ran = doctor(folder.path(), &[]);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let at = |host: &str| {
        let file = folder.path().join(format!("{host}.json"));
        let text = fs::read_to_string(&file).expect("a dump");
        let line = text[..red22(&text).0].lines().count() + 1;
        format!("{}:{line}:3", file.display())
    };
    let expected = format!(
        "error: provider_address_unowned: 192.168.1.22 in VSID 445566 is at 10.0.0.21, say Statler and Waldorf, and no host has that provider address (V-08); Red22 runs on Waldorf
  Statler, Waldorf: 192.168.1.22 at 10.0.0.21, MAC 00155D002008, TranslationMethodEncap
    at {}, {}
",
        at("Statler"),
        at("Waldorf")
    );
    assert!(ran.stdout.contains(&expected), "{expected}\n{}", ran.stdout);
    assert!(
        ran.stdout.contains("  fix  On Statler, Waldorf: Set-NetVirtualizationLookupRecord -VirtualSubnetID 445566 -CustomerAddress \"192.168.1.22\" -ProviderAddress \"10.0.0.12\"\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .ends_with("2 disagreements: 1 error, 0 warnings, 1 note\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn one_hosts_word_against_the_others_names_who_is_wrong() {
    let folder = edited(&["Statler", "Waldorf"], |host, text| match host {
        "Statler" => {
            let (_, record) = red22(&text);
            let stale = record.replace("10.0.0.12", "10.0.0.11");
            text.replacen(record, &stale, 1)
        }
        _ => text,
    });
    let (exit, told) = json(folder.path());
    assert_eq!(exit, 1);
    let first = &told["disagreements"][0];
    assert_eq!(first["rule"], "stale_record");
    assert_eq!(first["severity"], "error");
    assert_eq!(first["sides"][0]["hosts"], serde_json::json!(["Statler"]));
    assert_eq!(first["sides"][1]["hosts"], serde_json::json!(["Waldorf"]));
    let places = [
        &first["sides"][0]["places"][0],
        &first["sides"][1]["places"][0],
    ];
    assert!(
        places[0]
            .as_str()
            .expect("a place")
            .contains("Statler.json:"),
        "{first}"
    );
    assert!(
        places[1]
            .as_str()
            .expect("a place")
            .contains("Waldorf.json:"),
        "{first}"
    );
    let choices = first["fix"]["choices"].as_array().expect("commands");
    assert_eq!(choices.len(), 1);
    assert_eq!(choices[0][0]["hosts"], serde_json::json!(["Statler"]));
}

#[test]
fn a_record_that_one_host_lacks_is_missing_there() {
    let folder = edited(&["Statler", "Waldorf"], |host, text| {
        let (start, record) = red22(&text);
        if host == "Statler" {
            // With the comma behind it.
            let end = start + record.len() + "\n  },\n".len();
            format!("{}{}", &text[..start], &text[end..])
        } else {
            text
        }
    });
    let ran = doctor(folder.path(), &[]);
    assert_eq!(ran.exit, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("error: record_missing: 192.168.1.22 in VSID 445566 has no lookup record on Statler, where its routing domain is in use (V-16)\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("  fix  On Statler: New-NetVirtualizationLookupRecord -VirtualSubnetID 445566 -CustomerAddress \"192.168.1.22\""),
        "{}",
        ran.stdout
    );
}

#[test]
fn without_a_second_host_there_is_nothing_to_compare() {
    let nothing = tempfile::tempdir().expect("a folder");
    let ran = doctor(nothing.path(), &[]);
    ran.failed_saying(4, &["no host was found"]);
    let one = edited(&["Statler"], |_, text| text);
    // What runs on Waldorf is not known, and nobody is accused of it.
    let ran = doctor(one.path(), &[]);
    assert_eq!(ran.exit, 1, "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("warning: provider_address_unowned: 192.168.1.22"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("\nerror: "), "{}", ran.stdout);
    assert!(ran.stderr.contains("one host only"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_read_is_told_file_by_file_and_nothing_is_judged() {
    let folder = edited(&["Statler", "Waldorf"], |host, text| match host {
        "Statler" => text.replacen("445566", "45", 1),
        _ => text.replacen("],", "]", 1).replacen(": {", ": {{", 1),
    });
    fs::write(folder.path().join("Gonzo.json"), [0xff, 0xfe, 0x00]).expect("a file");
    let ran = doctor(folder.path(), &[]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    for part in [
        "Gonzo.json: its byte order mark says UTF-16, and it is none",
        "Statler.json:10:24: VirtualSubnetID: ",
        "45 is no virtual subnet id",
        "^",
        "Waldorf.json:",
    ] {
        assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
    }
    doctor(Path::new("no-such-folder"), &[]).failed_saying(3, &["no-such-folder: "]);
    assert_eq!(nvgre(["doctor"]).exit, 2);
}

#[test]
fn what_was_not_understood_is_listed() {
    let folder = edited(&["Statler", "Waldorf"], |_, text| text);
    fs::write(folder.path().join("todo.txt"), "ask Gonzo as well").expect("a file");
    fs::write(folder.path().join(".hidden"), "not looked at").expect("a file");
    let (exit, told) = json(folder.path());
    assert_eq!((exit, &told["files"]), (0, &serde_json::json!(3)));
    let notes = told["notes"].as_array().expect("notes");
    let of_file = notes.iter().find(|note| {
        let place = note["place"].as_str().expect("a place");
        place.contains("todo.txt")
    });
    let note = of_file.expect("a note about the file");
    assert!(
        note["text"].as_str().expect("text").contains("not read"),
        "{note}"
    );
    let ran = doctor(folder.path(), &[]);
    assert!(ran.stdout.contains("\nabout the dumps\n"), "{}", ran.stdout);
}

#[test]
fn what_export_writes_of_a_broken_network_is_judged_as_broken() {
    let story = common::pcaps().join("waldorf-statler/scenario.toml");
    let story = story.to_str().expect("UTF-8");
    let folder = tempfile::tempdir().expect("a folder");
    let rules = |stage: &str| -> Vec<String> {
        let dumps = folder.path().join(stage);
        let dumps_name = dumps.to_str().expect("UTF-8");
        let written = nvgre([
            "export", story, "--stage", stage, "--as", "csv", "-o", dumps_name,
        ]);
        assert_eq!(written.exit, 0, "{}", written.stderr);
        let (_, told) = json(&dumps);
        let found = told["disagreements"]
            .as_array()
            .expect("disagreements")
            .iter();
        found
            .filter(|one| one["severity"] != "note")
            .map(|one| one["rule"].as_str().expect("a rule").to_owned())
            .collect()
    };
    assert_eq!(rules("broken"), ["provider_address_unowned"; 2]);
    assert_eq!(rules("repaired"), [""; 0]);
    assert_eq!(rules("vsid"), [""; 0]);
}

#[test]
fn reports_hold_every_disagreement_and_never_replace_a_dump() {
    let folder = edited(&["Statler", "Waldorf"], |_, text| wrong_address(text));
    let reports = tempfile::tempdir().expect("a folder");
    let sarif = reports.path().join("doctor.sarif");
    let ran = doctor(
        folder.path(),
        &["--report", &format!("sarif={}", sarif.display())],
    );
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let text = fs::read_to_string(&sarif).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let results = report["runs"][0]["results"].as_array().expect("results");
    let rules: Vec<_> = results.iter().map(|result| &result["ruleId"]).collect();
    assert_eq!(rules, ["provider_address_unowned", "policy_unneeded"]);

    let dump = folder.path().join("Statler.json");
    let before = fs::read(&dump).expect("a dump");
    let ran = doctor(
        folder.path(),
        &["--report", &format!("md={}", dump.display())],
    );
    assert_eq!(ran.exit, 2, "{}", ran.stderr);
    assert_eq!(fs::read(&dump).expect("a dump"), before);
}

/// The objects of a dump in one JSON text, of those that have a property.
fn only_objects_with(text: &str, property: &str) -> String {
    let mut all: Value = serde_json::from_str(text).expect("JSON");
    let objects = all.as_array_mut().expect("an array");
    objects.retain(|object| object.get(property).is_some());
    all.to_string()
}

#[test]
fn what_was_never_dumped_of_a_host_is_not_held_against_it() {
    let folder = edited(&["Statler", "Waldorf"], |_, text| {
        only_objects_with(&text, "CustomerAddress")
    });
    let (exit, told) = json(folder.path());
    assert_eq!(
        (exit, &told["errors"], &told["warnings"]),
        (0, &0.into(), &0.into()),
        "{told}"
    );
    let ran = doctor(folder.path(), &[]);
    assert_eq!(ran.exit, 0, "{}", ran.stdout);
    let note = "
note: not_dumped: the dumps hold no customer route, no provider address, no provider route and no VM network adapter of Statler and Waldorf: what that would show was not judged
  fix  Dump there too: Get-NetVirtualizationCustomerRoute, Get-NetVirtualizationProviderAddress, Get-NetVirtualizationProviderRoute, Get-VMNetworkAdapter -VMName *; a cmdlet that gives nothing leaves an empty file, which says so
";
    assert!(ran.stdout.contains(note), "{}", ran.stdout);
    assert!(
        ran.stdout
            .ends_with("\n1 disagreement: 0 errors, 0 warnings, 1 note\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn one_kind_that_one_host_did_not_dump_is_a_note_whatever_kind_it_is() {
    for (property, beside, rule) in [
        ("CustomerAddress", "ProviderAddress", "no_records"),
        ("RoutingDomainID", "VirtualSubnetID", "no_routes"),
        ("InterfaceIndex", "PrefixLength", "no_provider_address"),
    ] {
        let without = |empty: bool| {
            let folder = edited(&["Statler", "Waldorf"], |host, text| {
                if host == "Statler" {
                    return text;
                }
                let mut all: Value = serde_json::from_str(&text).expect("JSON");
                let objects = all.as_array_mut().expect("an array");
                objects.retain(|one| one.get(property).is_none() || one.get(beside).is_none());
                all.to_string()
            });
            if empty {
                fs::write(folder.path().join("Waldorf.other.json"), "").expect("a file");
            }
            json(folder.path())
        };
        let rules = |told: &Value| -> Vec<String> {
            let found = told["disagreements"]
                .as_array()
                .expect("disagreements")
                .iter();
            found
                .map(|one| one["rule"].as_str().expect("a rule").to_owned())
                .collect()
        };
        let (exit, told) = without(false);
        assert_eq!(exit, 0, "{told}");
        assert!(rules(&told).contains(&"not_dumped".to_owned()), "{told}");
        // An empty file says that a cmdlet was asked, and gave nothing.
        let (exit, told) = without(true);
        assert_eq!(exit, 1, "{told}");
        assert!(rules(&told).contains(&rule.to_owned()), "{rule}: {told}");
        assert!(!rules(&told).contains(&"not_dumped".to_owned()), "{told}");
    }
}

#[test]
fn a_file_instead_of_a_folder_is_refused_with_what_is_wanted() {
    let file = dumps("powershell-7").join("Statler.json");
    doctor(&file, &[]).failed_saying(
        3,
        &["Statler.json: a file, and a folder is wanted that holds a sub-folder or a file for each host"],
    );
}

#[test]
fn a_folder_of_whole_dumps_is_told_once_with_the_way_out() {
    let ran = doctor(&dumps(""), &[]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    assert_eq!(
        ran.stderr.matches(": this is of host ").count(),
        1,
        "{}",
        ran.stderr
    );
    for part in [
        "powershell-7/Statler.json:539:21: this is of host STATLER, and others in the folder powershell-7 are of WALDORF",
        "pass one of its sub-folders",
    ] {
        assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
    }
}

#[test]
fn where_nothing_was_read_of_two_hosts_nothing_agrees() {
    for (text, told) in [
        ("remember the milk", "nothing was read"),
        ("", "nothing was read"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        for host in ["Statler", "Waldorf"] {
            fs::create_dir(folder.path().join(host)).expect("a folder");
            fs::write(folder.path().join(host).join("all.txt"), text).expect("a file");
        }
        let report = folder.path().with_extension("md");
        let asked = format!("md={}", report.display());
        let ran = doctor(folder.path(), &["--report", &asked]);
        let written = fs::read_to_string(&report).expect("a report");
        fs::remove_file(&report).expect("it is there");
        assert_eq!(ran.exit, 4, "{}", ran.stderr);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
        assert!(!written.contains("holds"), "{written}");
    }
}
