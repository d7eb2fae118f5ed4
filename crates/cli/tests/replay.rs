//! `nvgre replay`: reports, isolation, exit codes.

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::replay::{
    BARE, BLUE, KERNEL, RED, RED11, RED22, STORY, TWO_VSID, number, port, replay, replay_json,
    sent_by, story_with, text, truth,
};
use common::truth::counts;
use common::{Ran, frames, pcaps};
use serde_json::Value;

// The report

#[test]
fn both_ledgers_add_up_whatever_happens_to_the_frames() {
    for (exit, scenario, captures, more) in [
        (0, STORY, &[RED, BLUE][..], &[][..]),
        (1, STORY, &[RED, BLUE], &["--stage", "no-vsid"]),
        (0, STORY, &[RED, BLUE], &["--stage", "moved"]),
        (0, STORY, &[RED, BLUE], &["--stage", "broken"]),
        (0, KERNEL, &[TWO_VSID, BARE], &[]),
        (4, KERNEL, &["scapy/scapy-shared-wrong.pcap"], &[]),
    ] {
        let report = replay_json(exit, scenario, captures, more);
        let (frames, copies) = (&report["frames"], &report["copies"]);
        let sum =
            |book: &Value, keys: &[&str]| keys.iter().map(|key| number(&book[*key])).sum::<u64>();
        assert_eq!(
            number(&frames["read"]),
            sum(frames, &["delivered", "dropped", "consumed", "skipped"]),
            "{report}"
        );
        assert_eq!(
            number(&copies["made"]),
            sum(copies, &["delivered", "dropped"]),
            "{report}"
        );
        let sum_of = |list: &str, key: &str| {
            let lines = report[list].as_array().expect("a list");
            lines.iter().map(|line| number(&line[key])).sum::<u64>()
        };
        assert_eq!(
            sum_of("inputs", "frames"),
            number(&frames["read"]),
            "{report}"
        );
        assert_eq!(
            sum_of("drops", "frames"),
            number(&frames["dropped"]),
            "{report}"
        );
        assert_eq!(
            sum_of("drops", "copies"),
            number(&copies["dropped"]),
            "{report}"
        );
        assert_eq!(
            sum_of("skips", "frames"),
            number(&frames["skipped"]),
            "{report}"
        );
        // Answers that hosts made are counted apart; the oracle judges them too.
        let received = number(&copies["delivered"]);
        assert_eq!(sum_of("ports", "received_frames"), received, "{report}");
        assert_eq!(sum_of("tenants", "received_frames"), received, "{report}");
        assert_eq!(
            sum_of("tenants", "sent_bytes"),
            sum_of("ports", "sent_bytes"),
            "{report}"
        );
        let judged = ["same_tenant", "cross_tenant", "sender_unknown"];
        assert_eq!(
            sum(&report["isolation"], &judged),
            received + number(&copies["generated"]),
            "{report}"
        );
    }
}

/// The story with an underlay whose packets are too small for full guest packets: beside answers to
/// questions its hosts make ICMP errors.
fn narrow_story() -> tempfile::TempDir {
    let folder = story_with("");
    let file = folder.path().join("scenario.toml");
    let story = fs::read_to_string(&file).expect("the scenario");
    let narrow = story.replace("mtu_bytes = 1600", "mtu_bytes = 1400");
    assert_ne!(story, narrow);
    fs::write(file, narrow).expect("a file");
    folder
}

#[test]
fn deliveries_answers_and_what_ports_received_add_up_in_text_and_json() {
    let narrow = narrow_story();
    let narrow = narrow.path().join("scenario.toml");
    for (scenario, stage) in [(text(&narrow), "wnv"), (STORY, "broken"), (STORY, "wnv")] {
        let more = ["--stage", stage];
        let report = replay_json(0, scenario, &[RED], &more);
        let (delivered, answers) = (
            number(&report["copies"]["delivered"]),
            number(&report["copies"]["generated"]),
        );
        assert!(answers > 0, "{report}");
        let isolation = &report["isolation"];
        assert_eq!(number(&isolation["answers"]), answers);
        let judged = ["same_tenant", "cross_tenant", "sender_unknown"];
        let judged = judged.map(|key| number(&isolation[key]));
        assert_eq!(judged.iter().sum::<u64>(), delivered + answers, "{report}");
        for list in ["tenants", "ports"] {
            let lines = report[list].as_array().expect("a list").iter();
            let received = lines.map(|line| number(&line["received_frames"]));
            assert_eq!(received.sum::<u64>(), delivered, "{list} of {report}");
        }

        let told = replay(scenario, &[RED], &more).stdout;
        let line = |start: &str| {
            let found = told.lines().find(|line| line.starts_with(start));
            found.unwrap_or_else(|| panic!("{start} in {told}"))
        };
        assert!(line("copies ").contains(&format!(" = {delivered} delivered")));
        assert!(line("answers ").starts_with(&format!("answers    {answers} made")));
        let red: Vec<_> = line("tenant Red ").split_whitespace().collect();
        assert_eq!(red[4], delivered.to_string(), "{told}");
        let within = format!(
            "\n           {} deliveries within a tenant, 0 to another, 0 from unknown senders\n           \
             {answers} answers of hosts among them, in no port's figures\n",
            delivered + answers
        );
        assert!(told.contains(&within), "{within} in {told}");
    }
}

#[test]
fn one_is_told_in_the_singular() {
    let folder = story_with("");
    let (scenario, ping) = (
        folder.path().join("scenario.toml"),
        folder.path().join("ping.pcap"),
    );
    let filter = ["--stage", "wnv", "--filter", "verdict == delivered"];
    let told = replay(text(&scenario), &[text(&ping)], &filter).stdout;
    for words in [
        "\nfilter     1 frame matches: ",
        " 1 delivery within a tenant, ",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
}

#[test]
fn of_an_underlay_capture_each_tenant_gets_the_frames_that_tshark_counts() {
    let report = replay_json(0, KERNEL, &[TWO_VSID], &[]);
    let truth = truth(TWO_VSID);
    let (frames, tenants) = (&report["frames"], &report["tenants"]);
    assert_eq!(frames["read"].to_string(), truth["packets"]);
    assert_eq!(frames["delivered"].to_string(), truth["outer_teb_key"]);
    assert_eq!(number(&frames["dropped"]), 0);
    let by_vsid = counts(&truth["outer_vsids"]);
    for (index, (name, vsid)) in [("Tenant1", "445566"), ("Tenant2", "445567")]
        .iter()
        .enumerate()
    {
        assert_eq!(tenants[index]["name"], *name);
        assert_eq!(
            number(&tenants[index]["received_frames"]),
            by_vsid[*vsid],
            "{report}"
        );
    }
    assert_eq!(report["isolation"]["verdict"], "isolated");
}

#[test]
fn a_capture_of_a_port_enters_there() {
    let report = replay_json(0, STORY, &[RED], &[]);
    let captured = frames(&pcaps().join(RED));
    for (name, mac) in [("Red11", RED11), ("Red22", RED22)] {
        let port = port(&report, name);
        assert_eq!(port["tenant"], "Red");
        assert_eq!(
            number(&port["sent_frames"]),
            sent_by(&captured, mac),
            "{name}"
        );
        let bytes = captured.iter().filter(|frame| frame[6..12] == mac);
        let bytes: usize = bytes.map(Vec::len).sum();
        assert_eq!(number(&port["sent_bytes"]), bytes as u64, "{name}");
    }
    assert_eq!(number(&port(&report, "Blue22")["received_frames"]), 0);
}

#[test]
fn drops_come_most_frequent_first_with_their_first_frame_and_host() {
    let report = replay_json(0, STORY, &[RED], &["--stage", "broken"]);
    let drops = report["drops"].as_array().expect("a list");
    let counts: Vec<_> = drops.iter().map(|drop| number(&drop["frames"])).collect();
    assert!(
        counts.len() > 1 && counts.is_sorted_by(|a, b| a >= b),
        "{report}"
    );
    let no_owner = drops
        .iter()
        .find(|drop| drop["reason"] == "underlay_no_owner")
        .expect("the wrong provider address");
    assert_eq!(no_owner["host"], "Statler");
    // Red11's very first asks everybody, and so the wrong address too.
    let captured = frames(&pcaps().join(RED));
    let first = captured.iter().position(|frame| frame[6..12] == RED11);
    let first = first.expect("Red11 sends");
    assert_eq!(number(&no_owner["first_frame"]), first as u64 + 1);

    let told = replay(STORY, &[RED], &["--stage", "broken"]).stdout;
    let lines: Vec<Vec<&str>> = told
        .lines()
        .skip_while(|line| !line.starts_with("dropped "))
        .skip(1)
        .take_while(|line| !line.starts_with("  nvgre codes"))
        .filter(|line| !line.starts_with("    "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), drops.len());
    for (drop, line) in drops.iter().zip(&lines) {
        let count = |key: &str| number(&drop[key]).to_string();
        let expected = [
            drop["reason"].as_str().expect("a name"),
            &count("frames"),
            &count("copies"),
            &count("first_frame"),
            "at",
            drop["host"].as_str().expect("a name"),
        ];
        assert_eq!(line[..], expected);
    }
}

#[test]
fn a_drop_names_the_record_that_decided_and_the_line_that_wrote_it() {
    let report = replay_json(0, STORY, &[RED], &["--stage", "broken"]);
    let drops = report["drops"].as_array().expect("a list");
    let drop = drops.iter().find(|d| d["reason"] == "underlay_no_owner");
    let drop = drop.expect("the wrong provider address");
    let record = &drop["record"];
    assert_eq!(record["customer_address"], "192.168.1.22");
    assert_eq!(record["virtual_subnet"], 445_566);
    assert_eq!(record["provider_address"], "10.0.0.21");
    assert_eq!(record["host"], "Statler");
    assert_eq!(drop["missed"], Value::Null);

    // Where the script makes that record on the host that it runs on: the first time.
    let script = pcaps().join("waldorf-statler/policy/5-broken.ps1");
    let lines = fs::read_to_string(&script).expect("a script");
    let makes = |line: &str| {
        line.starts_with("New-NetVirtualizationLookupRecord") && line.contains("\"192.168.1.22\"")
    };
    let number = lines.lines().position(makes).expect("a command") + 1;
    let place = format!("{}:{number}:1", text(&script));
    assert_eq!(record["place"], place.as_str());

    let summary = drop["summary"].as_str().expect("a summary");
    assert_eq!(summary, "ARP request of 0.0.0.0 for 192.168.1.11");
    let told = replay(STORY, &[RED], &["--stage", "broken"]).stdout;
    let expected = format!(
        "    {summary}\n    record   192.168.1.22 in VSID 445566 is at 10.0.0.21, says the table of Statler\n    written  {place}\n"
    );
    assert!(told.contains(&expected), "{expected} in {told}");
}

#[test]
fn a_missing_record_and_a_port_with_the_wrong_vsid_are_told_apart() {
    let missing =
        "Get-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord\n";
    let wrong_vsid = "Set-VMNetworkAdapter -VMName Red11 -VirtualSubnetId 445568\n";
    for (policy, missed) in [
        (
            missing,
            "a record of 192.168.1.22 in VSID 445566, on Statler",
        ),
        (
            wrong_vsid,
            "a record of 192.168.1.22 in VSID 445568, on Statler",
        ),
    ] {
        let folder = story_with(policy);
        let scenario = folder.path().join("scenario.toml");
        let capture = folder.path().join("ping.pcap");
        let (scenario, capture) = (text(&scenario), text(&capture));
        let report = replay_json(0, scenario, &[capture], &["--stage", "broken"]);
        assert_eq!(report["drops"].as_array().map(Vec::len), Some(1));
        let drop = &report["drops"][0];
        assert_eq!(drop["reason"], "no_lookup_record", "{report}");
        assert_eq!(drop["missed"], missed, "{report}");
        let told = replay(scenario, &[capture], &["--stage", "broken"]).stdout;
        let line = format!("\n    missed   {missed}\n");
        assert!(told.contains(&line), "{line} in {told}");
    }
}

#[test]
fn where_all_frames_enter_at_uplinks_it_is_said_that_their_hosts_were_not_asked() {
    let line = "frames entered at uplinks: what their senders' hosts would have done was not asked";
    let report = replay_json(0, KERNEL, &[TWO_VSID], &[]);
    let frames = &report["frames"];
    let entered = number(&frames["read"]) - number(&frames["skipped"]);
    assert_eq!(number(&report["entered_at_uplinks"]), entered);
    let told = replay(KERNEL, &[TWO_VSID], &[]).stdout;
    assert!(told.contains(&format!("{entered} {line}")), "{told}");

    assert_eq!(
        number(&replay_json(0, STORY, &[RED], &[])["entered_at_uplinks"]),
        0
    );
    assert!(!replay(STORY, &[RED], &[]).stdout.contains(line));
}

#[test]
fn frames_of_several_captures_are_numbered_through_and_found_again() {
    let blue = frames(&pcaps().join(BLUE)).len() as u64;
    let alone = replay_json(0, STORY, &[RED], &["--stage", "broken"]);
    let after = replay_json(0, STORY, &[BLUE, RED], &["--stage", "broken"]);
    let first = |report: &Value| number(&report["drops"][0]["first_frame"]);
    assert_eq!(first(&after), blue + first(&alone));
    let inputs: Vec<_> = after["inputs"].as_array().expect("a list").iter().collect();
    assert!(
        inputs[0]["file"]
            .as_str()
            .expect("a name")
            .ends_with("blue.pcap")
    );
    assert_eq!(number(&inputs[0]["frames"]), blue);
    let told = replay(STORY, &[BLUE, RED], &["--stage", "broken"]).stdout;
    let place = format!(
        " {} ({} of {}) at Statler",
        first(&after),
        first(&alone),
        text(&pcaps().join(RED))
    );
    assert!(told.contains(&place), "{place} in {told}");
}

#[test]
fn the_same_capture_gives_the_same_report_but_for_the_speed() {
    let told = || {
        let text = replay(STORY, &[RED, BLUE], &[]).stdout;
        let kept = text.lines().filter(|line| !line.starts_with("speed "));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(told().len() > 10);
    assert_eq!(told(), told());
}

// Isolation

#[test]
fn on_one_wire_frames_cross_exit_1_and_the_first_is_named() {
    let ran = replay(STORY, &[RED, BLUE], &["--stage", "no-vsid"]);
    assert_eq!(ran.exit, 1);
    let report = replay_json(1, STORY, &[RED, BLUE], &["--stage", "no-vsid"]);
    let isolation = &report["isolation"];
    assert_eq!(isolation["verdict"], "violated");
    let crossed = number(&isolation["cross_tenant"]);
    assert!(crossed > 0);
    let first = &isolation["first_cross_tenant"];
    let (frame, port) = (
        number(&first["frame"]),
        first["port"].as_str().expect("a port"),
    );
    // A group frame of Red's: nothing else leaves the tenant's two guests.
    let captured = frames(&pcaps().join(RED));
    assert_eq!(captured[frame as usize - 1][0] & 1, 1, "{report}");
    assert!(port.starts_with("Blue"), "{report}");
    let told = format!(
        "isolation  VIOLATED: {crossed} deliveries to another tenant, first frame {frame} "
    );
    assert!(ran.stdout.contains(&told), "{told} in {}", ran.stdout);
    assert!(
        ran.stdout.contains(&format!(" at {port}\n")),
        "{}",
        ran.stdout
    );
}

#[test]
fn with_vsids_nothing_crosses_and_stages_go_by_name_or_number() {
    for stage in ["vsid", "VSID", "2"] {
        let report = replay_json(0, STORY, &[RED, BLUE], &["--stage", stage]);
        assert_eq!(report["isolation"]["verdict"], "isolated", "{stage}");
        assert_eq!(report["isolation"]["first_cross_tenant"], Value::Null);
    }
    let ran = replay(STORY, &[RED], &["--stage", "encore"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .contains("no stage 'encore'; there are: no-vsid, vsid"),
        "{}",
        ran.stderr
    );
}

// Exit codes

#[test]
fn fail_on_exits_1_only_if_that_reason_occurred() {
    let fail_on = |reasons: &[&str]| {
        let mut more = vec!["--stage", "broken"];
        more.extend(reasons.iter().flat_map(|reason| ["--fail-on", reason]));
        replay(STORY, &[RED], &more)
    };
    assert_eq!(fail_on(&[]).exit, 0, "drops alone are not a failure");
    assert_eq!(fail_on(&["no_port", "wnv_unbound"]).exit, 0);
    let failed = fail_on(&["no_port", "underlay_no_owner"]);
    assert_eq!(failed.exit, 1);
    assert!(
        failed.stderr.contains("--fail-on underlay_no_owner: "),
        "{}",
        failed.stderr
    );
    assert!(
        !failed.stderr.contains("--fail-on no_port"),
        "{}",
        failed.stderr
    );
    let wrong = fail_on(&["no_prt"]);
    assert_eq!((wrong.exit, wrong.stdout.as_str()), (2, ""));
    assert!(
        wrong.stderr.contains("a similar value exists: 'no_port'"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn when_no_frame_enters_exit_4_unless_that_is_allowed() {
    let foreign = "scapy/scapy-shared-valid.pcap";
    let ran = replay(STORY, &[foreign], &[]);
    assert_eq!(ran.exit, 4);
    assert!(
        ran.stdout.contains("No frame entered the network"),
        "{}",
        ran.stdout
    );
    assert_eq!(replay(STORY, &[foreign], &["--allow-empty"]).exit, 0);
    let report = replay_json(4, STORY, &[foreign], &[]);
    assert_eq!(report["frames"]["read"], report["frames"]["skipped"]);
    assert_eq!(report["isolation"]["verdict"], "nothing_delivered");
    assert_eq!(replay(STORY, &[foreign, RED], &[]).exit, 0);
}

#[test]
fn undecided_isolation_exits_4_unless_that_is_allowed() {
    // The guests on host 1 have another MAC in the inventory than in the capture.
    let folder = tempfile::tempdir().expect("a folder");
    let case = pcaps().join("kernel-two-vsid");
    fs::create_dir(folder.path().join("policy")).expect("a folder");
    for host in ["policy/host1.ps1", "policy/host2.ps1"] {
        fs::copy(case.join(host), folder.path().join(host)).expect("a copy");
    }
    let told = fs::read_to_string(case.join("scenario.toml")).expect("a scenario");
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, told.replace("00155D01020A", "00155D99020A")).expect("a file");
    let scenario = text(&scenario);
    let report = replay_json(4, scenario, &[TWO_VSID], &[]);
    assert_eq!(report["isolation"]["verdict"], "undecided");
    assert!(number(&report["isolation"]["sender_unknown"]) > 0);
    replay_json(0, scenario, &[TWO_VSID], &["--allow-empty"]);
}

// The terminal

/// What indicatif draws a bar with.
const BAR: [char; 2] = ['█', '░'];

#[test]
fn a_progress_bar_is_drawn_on_a_terminal_only() {
    let (scenario, capture) = (pcaps().join(STORY), pcaps().join(RED));
    let piped = replay(STORY, &[RED], &[]);
    assert!(!piped.stdout.contains(BAR) && !piped.stderr.contains(BAR));
    let line = format!(
        "'{}' replay '{}' -r '{}'",
        env!("CARGO_BIN_EXE_nvgre"),
        scenario.display(),
        capture.display()
    );
    let Ok(output) = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
    else {
        println!("skipped: no command `script` here, which makes a terminal");
        return;
    };
    let shown = Ran::of(output);
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains(BAR), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("isolation  ISOLATED"),
        "{}",
        shown.stdout
    );
}

#[test]
fn what_the_underlay_or_a_limit_drops_is_blamed_on_no_record() {
    let policy = fs::read_to_string(pcaps().join("waldorf-statler/policy/6-repaired.ps1"));
    let folder = story_with(&policy.expect("a script"));
    let scenario = folder.path().join("scenario.toml");
    let narrow = fs::read_to_string(&scenario).expect("a scenario").replace(
        "mtu_bytes = 1600 ",
        "loss_per_million = 200_000\nmtu_bytes = 1400 ",
    );
    fs::write(&scenario, narrow).expect("a file");
    let report = replay_json(0, text(&scenario), &[RED], &[]);
    let drops = report["drops"].as_array().expect("drops");
    let reasons: Vec<_> = drops.iter().map(|drop| &drop["reason"]).collect();
    assert!(
        reasons.iter().any(|reason| **reason == "too_big")
            && reasons.iter().any(|reason| **reason == "underlay_loss"),
        "{reasons:?}"
    );
    for drop in drops {
        assert_eq!(
            (&drop["missed"], &drop["record"]),
            (&Value::Null, &Value::Null),
            "{drop}"
        );
    }
}
