//! What `--redact` keeps from a tenant: rows of others that a host's tables hold, wherever a frame or
//! a question comes upon them, the names of policy files, and what is wrong with others' policy.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Ran, nvgre};

/// Red reads. Red3's port is in Azure's subnet, and one of Red's routes leads to another subnet of
/// Azure's, by mistake. Azure's records are of machines that the inventory does not know.
struct Case {
    folder: tempfile::TempDir,
    stranger: &'static str,
}

const RED_DOMAIN: &str = "{5d2f6a10-0000-4000-8000-00000000000a}";
const AZURE_DOMAIN: &str = "{5d2f6a10-0000-4000-8000-00000000000b}";

/// All that is Azure's alone, in any text.
const SECRETS: [&str; 12] = [
    "azure",
    "azsecret",
    "6001",
    "6002",
    "10.77.0.0",
    "172.29.0.0",
    "10.9.8.",
    "00155D0000CD",
    "00155D0000EE",
    "00155D0000EF",
    "00155D0000AB",
    "00000000000b",
];

fn route(domain: &str, vsid: u32, prefix: &str, next_hop: &str) -> String {
    format!(
        "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{domain}\" -VirtualSubnetID {vsid} \
         -DestinationPrefix {prefix} -NextHop {next_hop} -Metric 255\n"
    )
}

fn record(vsid: u32, address: &str, mac: &str, host: u32, name: &str) -> String {
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress {address} -VirtualSubnetID {vsid} \
         -MACAddress {mac} -ProviderAddress 192.0.2.{host} -Rule TranslationMethodEncap \
         -VMName {name}\n"
    )
}

fn policy(host: u32) -> String {
    [
        "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n".to_owned(),
        format!(
            "New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{host} \
             -InterfaceIndex 2 -PrefixLength 24\n"
        ),
        route(RED_DOMAIN, 5001, "10.0.1.0/24", "0.0.0.0"),
        route(RED_DOMAIN, 6002, "10.77.0.0/16", "10.9.8.77"),
        record(5001, "10.0.1.5", "00155D000001", 1, "Red1"),
        route(AZURE_DOMAIN, 6001, "10.0.1.0/24", "0.0.0.0"),
        route(AZURE_DOMAIN, 6001, "172.29.0.0/16", "10.9.8.77"),
        record(6001, "10.0.1.6", "00155D0000CD", 2, "azsecret"),
        record(6001, "10.0.1.9", "00155D0000EF", 2, "azsecret2"),
        record(6001, "10.9.8.77", "00155D0000EE", 2, "azgw"),
        record(6001, "10.0.1.8", "00155D000013", 1, "Red3"),
        record(6002, "10.9.8.77", "00155D0000EE", 2, "azgw"),
        match host {
            1 => "Get-VMNetworkAdapter -VMName Red3 | Set-VMNetworkAdapter -VirtualSubnetId 6001\n"
                .to_owned(),
            _ => String::new(),
        },
    ]
    .concat()
}

impl Case {
    /// The other tenant's name, and the start of policy files' names.
    fn new(stranger: &'static str, file: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut text = "name = \"strangers\"\n".to_owned();
        for (tenant, domain, vsids) in [
            ("Red", RED_DOMAIN, "5001"),
            (stranger, AZURE_DOMAIN, "6001, 6002"),
        ] {
            text += &format!(
                "[[tenant]]\nname = \"{tenant}\"\nrouting_domain = \"{domain}\"\n\
                 virtual_subnets = [{vsids}]\n"
            );
        }
        for host in 1..=2 {
            text += &format!(
                "[[host]]\nname = \"h{host}\"\nswitch = \"VMs\"\ninterface_index = 2\n\
                 interface_description = \"NIC\"\nmac = \"0200C000020{host}\"\n\
                 policy = [\"{file}{host}.ps1\"]\n"
            );
            let path = folder.path().join(format!("{file}{host}.ps1"));
            fs::write(path, policy(host)).expect("a file");
        }
        for (name, tenant, host, mac, address, more) in [
            (
                "Red1",
                "Red",
                1,
                "00155D000001",
                "10.0.1.5",
                "virtual_subnet = 5001",
            ),
            (
                "Red2",
                "Red",
                2,
                "00155D000003",
                "10.0.1.6",
                "virtual_subnet = 5001",
            ),
            ("Red3", "Red", 1, "00155D000013", "10.0.1.8", ""),
            (
                "Red4",
                "Red",
                2,
                "00155D000014",
                "10.0.1.9",
                "virtual_subnet = 5001",
            ),
            (
                "Red5",
                "Red",
                2,
                "00155D000015",
                "172.29.3.3",
                "virtual_subnet = 5001",
            ),
            (
                "azweb",
                stranger,
                2,
                "00155D0000AB",
                "10.9.8.7",
                "virtual_subnet = 6001",
            ),
        ] {
            text += &format!(
                "[[guest]]\nname = \"{name}\"\ntenant = \"{tenant}\"\nhost = \"h{host}\"\n\
                 mac = \"{mac}\"\naddresses = [\"{address}/24\"]\n{more}\n"
            );
            if name == "Red3" {
                text += "gateway = \"10.0.1.1\"\n";
            }
        }
        fs::write(folder.path().join("s.toml"), text).expect("a file");
        Self { folder, stranger }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn scenario(&self) -> String {
        text(&self.path("s.toml"))
    }

    fn run(&self, verb: &str, words: &[&str]) -> Ran {
        let scenario = self.scenario();
        nvgre([&[verb, &scenario], words].concat())
    }

    /// What is printed for Red's eyes, without any secret; but with one where nothing is hidden.
    fn hidden(&self, verb: &str, words: &[&str]) -> String {
        let folder = text(self.folder.path());
        let printed = |ran: Ran| format!("{}{}", ran.stdout, ran.stderr).replace(&folder, "");
        let shown = printed(self.run(verb, words)).to_lowercase();
        let hidden = printed(self.run(verb, &[words, &["--redact"]].concat()));
        let secrets = || SECRETS.iter().map(|secret| secret.to_lowercase());
        assert!(secrets().any(|secret| shown.contains(&secret)), "{shown}");
        for secret in secrets().filter(|secret| *secret != "azure" || self.stranger == "Azure") {
            let found = hidden.to_lowercase().contains(&secret);
            assert!(!found, "{verb} {words:?}: {secret} in {hidden}");
        }
        hidden
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_next_hop_in_another_tenants_subnet_is_not_told() {
    let case = Case::new("Azure", "all");
    let words = ["h1", "5001", "10.77.1.1"];
    let told = case.hidden("next-hop", &words);
    for line in [
        "NextHopAddress             : (of another tenant)",
        "NextHopMACAddress          : (of another tenant)",
        "says so    route of another tenant on h1",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let told = case.hidden("next-hop", &[&words[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    for field in [
        "NextHopAddress",
        "NextHopMACAddress",
        "next_hop_virtual_subnet_id",
        "reason",
    ] {
        assert!(told[field].is_null(), "{field} of {told}");
    }
}

#[test]
fn a_walk_through_another_tenants_subnet_tells_no_row_of_it() {
    let case = Case::new("Azure", "all");
    for (to, stage) in [
        // The host answers for a record of Azure's.
        ("Red4", "  answer  (of another tenant)"),
        // A route of Azure's is taken.
        ("Red5", "  route   (of another tenant)"),
    ] {
        for level in [&["--detailed"][..], &[], &["--summary"], &["--json"]] {
            let told = case.hidden("trace", &[&["Red3", to], level].concat());
            if level.is_empty() {
                assert!(told.contains(stage), "{told}");
            }
        }
    }
    // One's own are told.
    let told = case.run("trace", &["Red1", "Red2", "--redact"]).stdout;
    assert!(told.contains("10.0.1.6 in VSID 5001"), "{told}");
}

#[test]
fn a_policy_file_that_others_share_or_are_named_in_is_told_by_line_only() {
    for file in ["azure", "shared"] {
        let case = Case::new("Azure", file);
        let told = case.run("next-hop", &["h1", "5001", "10.0.1.5", "--redact"]);
        let told = told.stdout;
        assert!(told.contains("on h1, a policy file:5:1"), "{told}");
        assert!(!told.contains(file), "{told}");
        let report = case.path("r.sarif");
        let wanted = format!("sarif={}", text(&report));
        let words = ["h1", "5001", "10.0.1.77", "--report", &wanted];
        case.run("next-hop", &[&words[..], &["--redact"]].concat());
        let report = fs::read_to_string(report).expect("a report");
        assert!(!report.contains(file), "{report}");
        assert!(!report.contains("policy%20file"), "{report}");
    }
    // What is Red's alone is named.
    let case = Case::new("Azure", "shared");
    let own = record(5001, "10.0.1.50", "00155D000050", 1, "Red50");
    fs::write(case.path("red.ps1"), own).expect("a file");
    let scenario = fs::read_to_string(case.scenario()).expect("a file");
    let scenario = scenario.replace("[\"shared1.ps1\"]", "[\"shared1.ps1\", \"red.ps1\"]");
    fs::write(case.scenario(), scenario).expect("a file");
    let told = case.run("next-hop", &["h1", "5001", "10.0.1.50", "--redact"]);
    assert!(told.stdout.contains("red.ps1:1:1"), "{}", told.stdout);
}

#[test]
fn what_is_wrong_with_the_policy_is_told_by_line_only() {
    let case = Case::new("Azure", "azure");
    let file = case.path("azure2.ps1");
    let broken = policy(2) + &record(6001, "10.9.8.78", "00155D0000EF", 9, "azsecret4");
    fs::write(
        &file,
        broken.replace("-VMName azsecret4", "-Frobnicate azsecret4"),
    )
    .expect("a file");
    for (verb, words) in [
        ("trace", &["Red1", "Red2"][..]),
        ("ping", &["Red1", "Red2"]),
        ("next-hop", &["h1", "5001", "10.0.1.5"]),
    ] {
        let told = case.hidden(verb, words);
        let place = "nvgre: a policy file:13:";
        assert!(told.starts_with(place), "{told}");
        assert!(told.contains("--redact hides what is wrong"), "{told}");
        let ran = case.run(verb, &[words, &["--redact"]].concat());
        assert_eq!(ran.exit, 3, "{}", ran.stderr);
    }
    // A scenario that is not there is nobody's secret.
    let ran = nvgre(["trace", "missing.toml", "a", "b", "--redact"]);
    ran.failed_saying(3, &["missing.toml: "]);
}

/// Names are ordinary words: sentences and reasons that hold them stay whole.
#[test]
fn no_word_of_a_reason_is_taken_for_another_tenants_name() {
    for stranger in ["record", "lookup", "port", "subnet", "the"] {
        let case = Case::new(stranger, "all");
        let told = case.hidden("trace", &["Red1", "Red2"]);
        for whole in [
            "drop    no_lookup_record                      dropped",
            "not answered: no_lookup_record (resolve): The subnet has no lookup record for the \
             destination; decided by: no record of 10.0.1.6 in VSID 5001 on h1",
        ] {
            assert!(told.contains(whole), "{stranger}: {told}");
        }
    }
}
