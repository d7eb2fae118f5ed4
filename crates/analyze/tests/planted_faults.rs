//! Every field of every record of the founding story, on every host, made wrong in every way that its
//! values suggest: the wrong record is refused when it is loaded, or reported by a check, or harmless,
//! which means that no frame of a large set ends otherwise than before.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use nvgre_analyze::{
    CheckOutcome, Fabric, ask_leaks, ask_mtus, ask_reach, ask_routes, check_isolation,
    isolation_check, leak_check, loops_check, mtu_check, reach_check, stale_check,
};
use nvgre_dataplane::PortId;
use nvgre_netwnv::RecordEntry;
use nvgre_sim::{Ingress, Model, Scenario};
use nvgre_wire::MacAddress;

fn story_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/waldorf-statler")
}

/// The repaired story, and behind its stages one more: a script on a host.
fn story(host: &str, script: &str) -> (Model, usize) {
    let text = fs::read_to_string(story_folder().join("scenario.toml")).expect("the story");
    let text = format!(
        "{text}\n[[stage]]\nname = \"fault\"\nscripts = [{{ file = \"fault.ps1\", on = \"{host}\" }}]\n"
    );
    let scenario = Scenario::parse("scenario.toml", &text).expect("no mistakes");
    let last = scenario.stages.len() - 1;
    let read = |file: &str| match file {
        "fault.ps1" => Ok::<_, io::Error>(script.to_owned()),
        other => fs::read_to_string(story_folder().join(other)),
    };
    let mut model = Model::new(scenario, &read).expect("the story loads");
    for stage in 0..last {
        model.enter_stage(stage).expect("the story loads");
    }
    (model, last)
}

/// The parameters of New-NetVirtualizationLookupRecord.
#[derive(Clone, Debug)]
struct Record {
    fields: Vec<(&'static str, String)>,
}

impl Record {
    fn of(entry: &RecordEntry) -> Self {
        let record = &entry.record;
        let label = |label: Option<&str>| label.unwrap_or_default().to_owned();
        Self {
            fields: vec![
                ("CustomerAddress", record.customer_address.to_string()),
                ("VirtualSubnetID", record.virtual_subnet.to_string()),
                ("MACAddress", record.mac.to_string()),
                ("ProviderAddress", record.provider_address.to_string()),
                ("Rule", record.rule.to_string()),
                ("Type", record.record_type.to_string()),
                ("UseVmMACAddress", "$false".to_owned()),
                ("VMName", label(entry.labels.vm_name())),
                ("CustomerID", label(entry.labels.customer_id())),
                ("Context", label(entry.labels.context())),
            ],
        }
    }

    fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        for (field, held) in &mut changed.fields {
            if *field == name {
                value.clone_into(held);
            }
        }
        changed
    }

    fn key(&self) -> String {
        let [address, subnet] = [&self.fields[0].1, &self.fields[1].1];
        format!("-CustomerAddress \"{address}\" -VirtualSubnetID {subnet}")
    }

    /// What takes the sound record away and makes the wrong one.
    fn script(&self, wrong: &Self) -> String {
        let mut script = format!("Remove-NetVirtualizationLookupRecord {}\n", self.key());
        script += "New-NetVirtualizationLookupRecord";
        for (name, value) in &wrong.fields {
            let bare = value.starts_with('$') || *name == "VirtualSubnetID";
            let value = if bare {
                value.clone()
            } else {
                format!("\"{value}\"")
            };
            script += &format!(" -{name} {value}");
        }
        script
    }
}

/// Values that a field could be mistaken for: those of the other records, and some of nobody.
fn suspects(records: &[Record], field: usize) -> BTreeSet<String> {
    let known = records.iter().map(|record| record.fields[field].1.clone());
    let strange: &[&str] = match records[0].fields[field].0 {
        "CustomerAddress" => &[
            "192.168.1.99",
            "10.9.9.9",
            "0.0.0.0",
            "224.0.0.1",
            "fd00::99",
        ],
        "VirtualSubnetID" => &["5001", "4095", "16777215"],
        "MACAddress" => &["00155D0020FF", "01005E000001", "000000000000"],
        "ProviderAddress" => &[
            "10.0.0.21",
            "10.0.0.99",
            "10.0.0.11",
            "10.0.0.12",
            "fd99::1",
            "0.0.0.0",
        ],
        "Rule" => &[
            "TranslationMethodNat",
            "TranslationMethodNone",
            "TranslationMethodNothing",
        ],
        "Type" => &["Dynamic", "GatewayWildcard", "L2Only", "Sometimes"],
        "UseVmMACAddress" => &["$true"],
        "VMName" | "Context" => &["Somebody"],
        "CustomerID" => &["{00000000-0000-0000-0000-000000000000}"],
        other => panic!("{other} has no wrong values"),
    };
    known
        .chain(strange.iter().map(|&text| text.to_owned()))
        .collect()
}

/// The checks that do not hold.
fn reports(model: &mut Model) -> Vec<String> {
    let isolation = check_isolation(&Fabric::of(model)).expect("it is loaded");
    let pairs = ask_reach(model);
    let mtus = ask_mtus(model, &pairs);
    let leaks = ask_leaks(model);
    let routes = ask_routes(model);
    let checks = [
        isolation_check(model, &isolation),
        reach_check(model, &pairs),
        leak_check(model, &leaks),
        mtu_check(model, &pairs, &mtus),
        stale_check(model),
        loops_check(model, &routes),
    ];
    let failing = checks
        .into_iter()
        .filter(|check| check.outcome != CheckOutcome::Holds);
    failing.map(|check| check.id).collect()
}

/// Where a frame ends: every frame that reached a port because of it.
type End = Vec<(PortId, Vec<u8>)>;

/// Where every frame of a large set ends: between all MACs and addresses of the story, from every
/// guest, over both families, routed and switched, asked for and sent.
fn ends(model: &mut Model) -> Vec<End> {
    let scenario = model.scenario().clone();
    let mut macs: Vec<_> = scenario.guests.iter().map(|guest| guest.mac).collect();
    macs.extend([MacAddress::BROADCAST, scenario.settings.router_mac]);
    let addresses: BTreeSet<IpAddr> = (scenario.guests.iter())
        .flat_map(|guest| guest.addresses.iter().map(|own| own.address.ip()))
        .chain(["192.168.1.99".parse().expect("an address")])
        .collect();
    let mut frames = Vec::new();
    for (guest, inventory) in scenario.guests.iter().enumerate() {
        for mac in &macs {
            for from in &addresses {
                for to in &addresses {
                    frames.extend(
                        packet(inventory.mac, *mac, *from, *to).map(|frame| (guest, frame)),
                    );
                    frames.extend(question(inventory.mac, *from, *to).map(|frame| (guest, frame)));
                }
            }
        }
    }
    let hosts: Vec<_> = (0..scenario.guests.len())
        .map(|guest| model.host_of(guest))
        .collect();
    let mut trial = model.trial();
    let ends = frames.iter().map(|(guest, frame)| {
        let at = Ingress::Port(PortId(*guest as u32));
        let journey = trial.trace(hosts[*guest], at, frame);
        trial.forget();
        let all = journey.deliveries().chain(journey.generated());
        let all = all.map(|(_, port, frame)| (port, frame.to_vec()));
        // Which way a frame was dropped is for people: that none arrives is what guests notice.
        all.collect()
    });
    ends.collect()
}

fn packet(from_mac: MacAddress, to_mac: MacAddress, from: IpAddr, to: IpAddr) -> Option<Vec<u8>> {
    let link = etherparse::PacketBuilder::ethernet2(from_mac.octets(), to_mac.octets());
    let ip = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => link.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => link.ipv6(from.octets(), to.octets(), 64),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    let mut frame = Vec::new();
    ip.udp(4_000, 4_001)
        .write(&mut frame, b"planted")
        .expect("it is short");
    Some(frame)
}

fn question(from_mac: MacAddress, from: IpAddr, to: IpAddr) -> Option<Vec<u8>> {
    let (IpAddr::V4(from), IpAddr::V4(to)) = (from, to) else {
        return None;
    };
    let mut frame = MacAddress::BROADCAST.octets().to_vec();
    frame.extend_from_slice(&from_mac.octets());
    frame.extend_from_slice(&[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend_from_slice(&from_mac.octets());
    frame.extend_from_slice(&from.octets());
    frame.extend_from_slice(&[0; 6]);
    frame.extend_from_slice(&to.octets());
    Some(frame)
}

#[test]
fn every_wrong_field_of_the_storys_records_is_refused_or_reported_or_harmless() {
    let (mut sound, _) = story("Statler", "");
    assert_eq!(reports(&mut sound), [""; 0], "the story itself is in order");
    let sound_ends = ends(&mut sound);
    let (mut refused, mut reported, mut harmless) = (0, 0, 0);
    let mut unnoticed = Vec::new();
    for host in sound.estate().hosts.clone() {
        let records: Vec<_> = host.records.iter().map(Record::of).collect();
        for record in &records {
            for (field, (name, value)) in record.fields.iter().enumerate() {
                for wrong in suspects(&records, field) {
                    if wrong == *value {
                        continue;
                    }
                    let script = record.script(&record.with(name, &wrong));
                    let (mut model, stage) = story(&host.name, &script);
                    if model.enter_stage(stage).is_err() {
                        refused += 1;
                    } else if !reports(&mut model).is_empty() {
                        reported += 1;
                    } else if ends(&mut model) == sound_ends {
                        harmless += 1;
                    } else {
                        unnoticed.push(format!(
                            "{} on {}: {name} {wrong}",
                            record.key(),
                            host.name
                        ));
                    }
                }
            }
        }
    }
    println!("{refused} refused, {reported} reported, {harmless} harmless");
    assert_eq!(unnoticed, [""; 0]);
    assert!(refused > 100 && reported > 200 && harmless > 50);
}
