//! Two states of one network: what is different in their tables, and what guests make of it.

mod common;
mod estates;

use common::{case, edited};
use estates::{agreed, guest, hosts, mac, on, on_all, record, route};
use nvgre_analyze::{
    BehaviourDiff, Change, Difference, Item, Probe, diff_behaviour, diff_estates, diff_models,
};
use nvgre_netwnv::Estate;
use nvgre_sim::Model;

const STORY: &str = "waldorf-statler";

/// Hosts, what is different, and the places of both sides.
fn told(old: &Estate, new: &Estate) -> Vec<String> {
    diff_estates(old, new).iter().map(line).collect()
}

fn line(one: &Difference) -> String {
    format!("{}: {one}", one.hosts.join(", "))
}

fn behaviour(old: &mut Model, new: &mut Model) -> (Vec<Difference>, BehaviourDiff) {
    let differences = diff_models(old, new);
    let behaviour = diff_behaviour(old, new, &differences, Probe::Icmp);
    (differences, behaviour)
}

/// "Red11 -> Red22: answered -> underlay_no_owner: what is to blame", a line for each flip.
fn flips(old: &mut Model, new: &mut Model) -> Vec<String> {
    let (differences, behaviour) = behaviour(old, new);
    let flips = behaviour.flips.iter().map(|flip| {
        let blame = flip
            .blame
            .map_or("nothing".to_owned(), |at| line(&differences[at]));
        format!(
            "{} -> {}: {} -> {}: {blame}",
            flip.from, flip.to, flip.old.reason, flip.new.reason
        )
    });
    flips.collect()
}

#[test]
fn the_same_state_is_no_difference_however_it_was_made() {
    assert_eq!(told(&agreed(), &agreed()), [""; 0]);
    let mut again = agreed();
    on_all(
        &mut again,
        "\n\nGet-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.11 | Remove-NetVirtualizationLookupRecord",
    );
    on_all(&mut again, &record(11, "192.168.4.1", "Ann"));
    for host in &mut again.hosts {
        host.customer_routes.reverse();
    }
    assert_eq!(
        told(&agreed(), &again),
        [""; 0],
        "ids, order and places decide nothing"
    );
}

#[test]
fn a_change_on_every_host_is_told_once_with_both_states_places() {
    let (old, new) = (case(STORY, "wnv"), case(STORY, "broken"));
    let found = diff_estates(old.estate(), new.estate());
    let lines: Vec<_> = found.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "Statler, Waldorf: lookup record of 192.168.1.22 in VSID 445566 changed: ProviderAddress 10.0.0.12 -> 10.0.0.21",
            "Statler, Waldorf: lookup record of fd00:192:168:1::22 in VSID 445566 changed: ProviderAddress 10.0.0.12 -> 10.0.0.21",
        ]
    );
    let places = |places: &[nvgre_netwnv::Place]| -> Vec<String> {
        places.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        places(&found[0].old),
        ["policy/4-wnv.ps1:43:1", "policy/4-wnv.ps1:84:5"]
    );
    assert_eq!(
        places(&found[0].new),
        ["policy/5-broken.ps1:12:1", "policy/5-broken.ps1:22:5"]
    );
    assert_eq!(
        told(
            case(STORY, "wnv").estate(),
            case(STORY, "repaired").estate()
        ),
        [""; 0]
    );
}

#[test]
fn rows_are_added_removed_and_changed_on_their_hosts() {
    let old = agreed();
    let mut new = agreed();
    on(&mut new, "Kermit", &record(14, "192.168.4.3", "Dan"));
    on(
        &mut new,
        "Piggy",
        "Remove-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.11
         Set-NetVirtualizationCustomerRoute -VirtualSubnetID 5001 -Metric 7
         Set-NetVirtualizationProviderAddress -ProviderAddress 192.168.4.2 -VlanID 9 -PrefixLength 25",
    );
    on_all(&mut new, &route(5002, "10.0.2.0/24"));
    on_all(
        &mut new,
        "Set-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.13 -VMName Cyd",
    );
    on(
        &mut new,
        "Gonzo",
        "New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix 0.0.0.0/0 -NextHop 192.168.4.254
         Set-NetVirtualizationGlobal -UseExternalRouter $true
         Set-VMNetworkAdapter -VMName Cid -DhcpGuard On",
    );
    let red = estates::RED;
    assert_eq!(
        told(&old, &new),
        [
            "Kermit: lookup record of 10.0.0.14 in VSID 5001 added: ProviderAddress 192.168.4.3, MACAddress 00155D000014, Rule TranslationMethodEncap, VMName Dan",
            &format!(
                "Kermit, Piggy, Gonzo: customer route to 10.0.2.0/24 in VSID 5002 by 0.0.0.0, routing domain {red} added: Metric 255"
            ),
            "Kermit, Piggy, Gonzo: lookup record of 10.0.0.13 in VSID 5001 changed: VMName Cid -> Cyd",
            "Piggy: provider address 192.168.4.2 changed: PrefixLength 24 -> 25, VlanID 0 -> 9",
            &format!(
                "Piggy: customer route to 10.0.0.0/24 in VSID 5001 by 0.0.0.0, routing domain {red} changed: Metric 255 -> 7"
            ),
            "Piggy: lookup record of 10.0.0.11 in VSID 5001 removed: ProviderAddress 192.168.4.1, MACAddress 00155D000011, Rule TranslationMethodEncap, VMName Ann",
            "Gonzo: network virtualization settings changed: UseExternalRouter false -> true",
            "Gonzo: provider route to 0.0.0.0/0 by 192.168.4.254 on interface 12 added: Metric 0",
            "Gonzo: adapter Network Adapter of Cid changed: DhcpGuard false -> true",
        ]
    );
    // The other way round, what was added is removed.
    let back = diff_estates(&new, &old);
    assert_eq!(back.len(), diff_estates(&old, &new).len());
    assert!(back.iter().any(|one| matches!(
        (&one.item, &one.change),
        (Item::CustomerRoute { .. }, Change::Removed(_))
    )));
}

#[test]
fn a_moved_adapter_is_one_difference_of_two_hosts() {
    let old = agreed();
    let mut new = agreed();
    let ben = new.hosts[1].adapters.remove(0);
    new.hosts[0].adapters.push(ben);
    assert_eq!(
        told(&old, &new),
        ["Piggy, Kermit: adapter Network Adapter of Ben changed: host Piggy -> Kermit"]
    );
    // Two of one name stay where they are and are told apart by their hosts.
    guest(&mut new, "Gonzo", "Ben", &mac(15), 0);
    assert_eq!(told(&new, &new.clone()), [""; 0]);
}

#[test]
fn hosts_and_bindings_come_and_go() {
    let mut old = hosts(&["Kermit", "Piggy"]);
    let new = hosts(&["Piggy"]);
    old.hosts[1].nics[0].wnv_bound = false;
    old.hosts[1].nics[0].mac = new.hosts[0].nics[0].mac;
    assert_eq!(
        told(&old, &new),
        [
            "Piggy: NIC Ethernet changed: ms_netwnv not bound -> bound",
            "Kermit: host removed",
            "Kermit: NIC Ethernet removed: ms_netwnv bound, SwitchName VMs, InterfaceIndex 12, MacAddress 00155D000A00, InterfaceDescription NIC",
        ]
    );
}

#[test]
fn a_broken_record_flips_the_pairs_of_its_guest_and_is_blamed() {
    let blamed = "Statler, Waldorf: lookup record of 192.168.1.22 in VSID 445566 changed: ProviderAddress 10.0.0.12 -> 10.0.0.21";
    let (mut old, mut new) = (case(STORY, "wnv"), case(STORY, "broken"));
    let found = flips(&mut old, &mut new);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(
        found[0],
        format!("Red11 -> Red22: answered -> underlay_no_owner: {blamed}")
    );
    assert!(
        found[1].starts_with("Red22 -> Red11: answered -> "),
        "{found:#?}"
    );
    assert!(found[1].ends_with(blamed), "{found:#?}");
    // Repaired: the same record, the other way round.
    let mended = flips(&mut new, &mut case(STORY, "repaired"));
    assert!(
        mended[0].starts_with("Red11 -> Red22: underlay_no_owner -> answered: "),
        "{mended:#?}"
    );
    assert!(mended[0].contains("192.168.1.22"), "{mended:#?}");
}

#[test]
fn every_stage_of_the_story_says_what_it_changed_for_whom() {
    let (mut one, mut two) = (case(STORY, "no-vsid"), case(STORY, "vsid"));
    let found = flips(&mut one, &mut two);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(
        found[0].starts_with("Red11 -> Red22: address_conflict -> answered: Statler: adapter"),
        "{found:#?}"
    );
    let (differences, told) = behaviour(&mut one, &mut two);
    assert_eq!(told.pairs, 4);
    assert!(
        !told.flips[0].old.crossed.is_empty(),
        "frames reached the other tenant"
    );
    assert!(told.flips[0].new.crossed.is_empty());
    assert!(matches!(differences[0].item, Item::Adapter { .. }));

    let found = flips(&mut two, &mut case(STORY, "moved"));
    assert_eq!(
        found[0],
        "Red11 -> Red22: answered -> wnv_unbound: Statler, Waldorf: adapter Network Adapter of Red22 changed: host Statler -> Waldorf"
    );
    let found = flips(&mut case(STORY, "moved"), &mut case(STORY, "wnv"));
    assert!(
        found[0].starts_with("Red11 -> Red22: wnv_unbound -> answered: Statler"),
        "{found:#?}"
    );
    assert!(
        found[0].contains("ms_netwnv not bound -> bound"),
        "{found:#?}"
    );
}

#[test]
fn a_record_that_is_gone_is_blamed_for_what_was_asked_in_vain() {
    // Statler loses Red22's IPv4 record: the first one that the script removes and makes again.
    let mut old = case(STORY, "repaired");
    let mut new = edited(STORY, "repaired", &|file, text| {
        if !file.contains("6-repaired") {
            return text;
        }
        let from = text.find("New-NetVirtualizationLookupRecord").unwrap();
        let to = from + text[from..].find("\nNew-").unwrap();
        format!("{}{}", &text[..from], &text[to..])
    });
    let found = flips(&mut old, &mut new);
    assert!(!found.is_empty());
    for flip in &found {
        assert!(
            flip.contains("Statler: lookup record of 192.168.1.22 in VSID 445566 removed"),
            "{found:#?}"
        );
    }
}

#[test]
fn guests_of_one_state_only_are_named_and_not_asked() {
    let mut story = case(STORY, "repaired");
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/kernel-two-vsid");
    let text = std::fs::read_to_string(folder.join("scenario.toml")).unwrap();
    let scenario = nvgre_sim::Scenario::parse("scenario.toml", &text).unwrap();
    let read = |file: &str| std::fs::read_to_string(folder.join(file));
    let mut kernel = Model::new(scenario, &read).unwrap();
    let (_, told) = behaviour(&mut story, &mut kernel);
    assert_eq!(told.pairs, 0);
    assert_eq!(told.only_old, ["Red11", "Red22", "Blue11", "Blue22"]);
    assert_eq!(told.only_new.len(), kernel.scenario().guests.len());
}

/// Two hosts, Ann on Kermit, Ben and Cid on Piggy, all of one subnet, with these scripts changed by
/// `edit` as the scenario is: "scenario", "all", or a host's name.
fn small(edit: &dyn Fn(&str, String) -> String) -> Model {
    let host = |name: &str, n: u8| {
        format!(
            "[[host]]\nname = \"{name}\"\nswitch = \"VMs\"\ninterface_index = 2\ninterface_description = \"NIC\"\nmac = \"02AA0000000{n}\"\npolicy = [\"{name}\", \"all\"]\n"
        )
    };
    let guest = |name: &str, host: &str, n: u8| {
        format!(
            "[[guest]]\nname = \"{name}\"\ntenant = \"Red\"\nhost = \"{host}\"\nmac = \"00155D0000{n}\"\naddresses = [\"10.0.0.{n}/24\"]\nvirtual_subnet = 5001\n"
        )
    };
    let tenant = |name: &str, vsid: u32| {
        format!(
            "[[tenant]]\nname = \"{name}\"\nrouting_domain = \"{}\"\nvirtual_subnets = [{vsid}]\n",
            estates::RED.replace("5001", &vsid.to_string())
        )
    };
    let text = [
        "name = \"small\"\n[underlay]\nmtu_bytes = 1600\n".to_owned(),
        tenant("Red", 5001),
        tenant("Blue", 6001),
        host("Kermit", 1),
        host("Piggy", 2),
        guest("Ann", "Kermit", 11),
        guest("Ben", "Piggy", 12),
        guest("Cid", "Piggy", 13),
    ]
    .concat();
    let scenario = nvgre_sim::Scenario::parse("small.toml", &edit("scenario", text)).unwrap();
    let address = |n: u8| {
        let bind = "Get-NetAdapter | Enable-NetAdapterBinding -ComponentID ms_netwnv\n";
        bind.to_owned() + &estates::address(&format!("192.168.4.{n}")).replace("12 -P", "2 -P")
    };
    let read = |file: &str| {
        let text = match file {
            "Kermit" => address(1),
            "Piggy" => address(2),
            _ => [
                route(5001, "10.0.0.0/24"),
                record(11, "192.168.4.1", "Ann"),
                record(12, "192.168.4.2", "Ben"),
                record(13, "192.168.4.2", "Cid"),
            ]
            .concat(),
        };
        Ok(edit(file, text))
    };
    Model::new(scenario, &read).unwrap()
}

#[test]
fn a_guest_given_to_another_tenant_is_told_and_its_frames_that_cross_too() {
    let stages = |text: String| {
        text.replace("virtual_subnet = 5001\n", "")
            + "[[stage]]\nname = \"vsid\"\nscripts = [{ file = \"k\", on = \"Kermit\" }, { file = \"p\", on = \"Piggy\" }]\n"
    };
    let made = |is_given: bool| {
        let vsid = |vm: &str| format!("Set-VMNetworkAdapter -VMName {vm} -VirtualSubnetId 5001\n");
        let mut model = small(&|file, text| match file {
            "scenario" if is_given => {
                let text = stages(text);
                let ben = text.find("name = \"Ben\"").unwrap();
                let (before, after) = text.split_at(ben);
                format!("{before}{}", after.replacen("Red", "Blue", 1))
            }
            "scenario" => stages(text),
            "k" => vsid("Ann"),
            "p" => vsid("Ben") + &vsid("Cid"),
            _ => text,
        });
        model.enter_stage(0).unwrap();
        model
    };
    let (mut old, mut new) = (made(false), made(true));
    assert_eq!(
        told(old.estate(), new.estate()),
        [""; 0],
        "no table shows it"
    );
    let (differences, told) = behaviour(&mut old, &mut new);
    let lines: Vec<_> = differences.iter().map(line).collect();
    assert_eq!(lines, ["Piggy: guest Ben changed: tenant Red -> Blue"]);
    assert_eq!(told.pairs, 6);
    let crossing: Vec<_> = told
        .flips
        .iter()
        .map(|flip| {
            (
                &*flip.from,
                &*flip.to,
                flip.new.crossed.is_empty(),
                flip.blame,
            )
        })
        .collect();
    assert_eq!(
        crossing,
        [
            ("Ann", "Ben", false, Some(0)),
            ("Ben", "Ann", false, Some(0)),
            ("Ben", "Cid", false, Some(0)),
            ("Cid", "Ben", false, Some(0)),
        ]
    );
}

#[test]
fn a_change_of_labels_alone_is_never_to_blame() {
    let mut old = small(&|_, text| text);
    let mut new = small(&|file, text| match file {
        "all" => text
            .replace("192.168.4.1 ", "192.168.4.2 ")
            .replace("-VMName Ben", "-VMName Benny")
            .replace("-VMName Cid", "-VMName Cyd"),
        _ => text,
    });
    let found = flips(&mut old, &mut new);
    assert_eq!(found.len(), 4, "{found:#?}");
    for flip in &found {
        assert!(
            flip.ends_with("lookup record of 10.0.0.11 in VSID 5001 changed: ProviderAddress 192.168.4.1 -> 192.168.4.2"),
            "{found:#?}"
        );
    }
}

#[test]
fn where_a_sender_has_no_record_its_own_is_to_blame_before_the_receivers() {
    let mut old = small(&|_, text| text);
    // Ann's record is at the wrong host, and Ben's is written in another way that decides nothing.
    let mut new = small(&|file, text| match file {
        "all" => text
            .replace("192.168.4.1 ", "192.168.4.2 ")
            .replace("-VMName Ben", "-VMName Ben -Type Dynamic"),
        _ => text,
    });
    let found = flips(&mut old, &mut new);
    let first = &found[0];
    assert!(
        first.starts_with("Ann -> Ben: answered -> no_source_record: ")
            && first.contains("lookup record of 10.0.0.11"),
        "{found:#?}"
    );
}
