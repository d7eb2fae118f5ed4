//! `nvgre trace`: the walk by guest name, the record with its line, and the verdict last.

mod common;

use common::{Ran, nvgre, pcaps, write_pcap};
use serde_json::Value;

const SCHEMA: &str = "nvgre.trace/1";
const KEYS: &[&str] = &[
    "schema",
    "about",
    "assumed",
    "frames",
    "near_misses",
    "crossed",
    "verdict",
];

fn path(name: &str) -> String {
    pcaps().join(name).to_string_lossy().into_owned()
}

fn trace(case: &str, words: &[&str]) -> Ran {
    let scenario = path(&format!("{case}/scenario.toml"));
    nvgre([&["trace", &scenario], words].concat())
}

fn story(words: &[&str]) -> Ran {
    trace("waldorf-statler", words)
}

fn json(case: &str, words: &[&str]) -> Value {
    let ran = trace(case, &[words, &["--json"]].concat());
    let mut lines = ran.json_lines(SCHEMA, KEYS);
    assert_eq!(lines.len(), 1, "{}", ran.stdout);
    lines.remove(0)
}

fn last_line(ran: &Ran) -> &str {
    ran.stdout.lines().last().expect("a line")
}

/// Stages of the steps of each frame.
fn stages(line: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let frames = line["frames"].as_array().expect("frames");
    frames
        .iter()
        .map(|frame| {
            let steps = frame["steps"].as_array().expect("steps");
            let steps = steps.iter().map(|step| text(&step["stage"]));
            (text(&frame["leg"]), steps.collect())
        })
        .collect()
}

#[test]
fn the_broken_stage_ends_with_the_line_that_broke_it() {
    let ran = story(&["Red11", "Red22", "--stage", "broken"]);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    let last = last_line(&ran);
    assert!(
        last.starts_with("not answered: underlay_no_owner (request): "),
        "{last}"
    );
    assert!(
        last.contains("record of 192.168.1.22 in VSID 445566 on Statler"),
        "{last}"
    );
    assert!(
        last.ends_with("waldorf-statler/policy/5-broken.ps1:12:1"),
        "{last}"
    );
    let near = "near miss    record says PA 10.0.0.21, which no host owns; \
                Red22 runs on Waldorf, PA 10.0.0.12, written at ";
    assert!(ran.stdout.contains(near), "{}", ran.stdout);
    let place = "policy/5-broken.ps1:12:1\n";
    assert!(ran.stdout.contains(place), "{}", ran.stdout);
    assert!(ran.stdout.contains("assumed"), "{}", ran.stdout);
}

#[test]
fn a_repaired_conversation_walks_there_and_back() {
    let line = json("waldorf-statler", &["Red11", "Red22", "tcp:443"]);
    let there = [
        "port", "record", "source", "encap", "carry", "decap", "peer", "deliver",
    ];
    let asked = ["port", "record", "answer"];
    let legs = [
        ("resolve", &asked[..]),
        ("request", &there),
        ("resolve_back", &asked),
        ("reply", &there),
    ];
    let legs = legs.map(|(leg, steps)| {
        (
            leg.to_owned(),
            steps.iter().map(|&s| s.to_owned()).collect(),
        )
    });
    assert_eq!(stages(&line), legs);
    assert_eq!(line["verdict"]["verdict"], "answered");
    assert_eq!(story(&["Red11", "Red22"]).exit, 0);
    let assumed = line["assumed"].to_string();
    assert!(
        assumed.contains("SYN from port 49152 to 443") && assumed.contains("TTL 128"),
        "{assumed}"
    );
}

#[test]
fn before_virtualization_the_guest_cannot_even_ask() {
    let ran = story(&["Red11", "Red22", "--stage", "moved", "--minimal"]);
    assert_eq!(
        (ran.exit, ran.stdout.lines().count()),
        (1, 1),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .starts_with("not answered: wnv_unbound (resolve): "),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_answer_with_another_tenant_listening_is_no_success() {
    let line = json("waldorf-statler", &["Red11", "Red22", "--stage", "no-vsid"]);
    assert_eq!(line["verdict"]["reason"], "address_conflict");
    assert_eq!(
        line["crossed"],
        serde_json::json!(["Red11", "Blue11", "Blue22"])
    );
}

#[test]
fn levels_tell_more_and_more() {
    let count = |level: &[&str]| {
        let ran = story(&[&["Red11", "Red22"], level].concat());
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        ran.stdout.lines().count()
    };
    let levels = [&["--minimal"][..], &["--summary"], &[], &["--detailed"]].map(count);
    assert!(levels.is_sorted_by(|a, b| a < b), "{levels:?}");
    assert_eq!(
        story(&["Red11", "Red22", "--minimal", "--detailed"]).exit,
        2
    );
}

#[test]
fn rewriting_and_routing_are_steps_of_their_own() {
    let line = json("nat", &["Red1", "Red2", "--stage", "rewritten"]);
    let request = &stages(&line)[1];
    assert_eq!(
        request.1,
        ["port", "record", "nat", "carry", "nat", "deliver"]
    );
    let line = json("gateway", &["Web", "Gateway"]);
    assert_eq!(line["verdict"]["verdict"], "answered");
    let request = &stages(&line)[1];
    assert!(request.1.contains(&"route".to_owned()) && request.1.contains(&"router".to_owned()));
    let line = json("gateway", &["Web", "Gateway", "--stage", "default-route"]);
    assert_eq!(line["verdict"]["reason"], "no_source_record");
    assert_eq!(line["verdict"]["leg"], "reply");
}

#[test]
fn a_captured_frame_enters_where_a_replay_lets_it() {
    let red = path("waldorf-statler/red.pcap");
    let ran = story(&["--frame", &format!("{red}:99")]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("red.pcap:99 enters at the port of Red11, on Statler"),
        "{}",
        ran.stdout
    );
    assert!(
        last_line(&ran).starts_with("delivered; decided by: "),
        "{}",
        ran.stdout
    );
    let ran = story(&["--frame", &format!("{red}:99"), "--stage", "broken"]);
    assert_eq!(ran.exit, 1);
    assert!(
        last_line(&ran).starts_with("dropped: underlay_no_owner: "),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_frame_that_never_enters_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("stranger.pcap");
    let mut frame = vec![0; 60];
    frame[..6].fill(0xff);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
    write_pcap(&file, &[frame]);
    let name = file.to_string_lossy();
    let ran = story(&["--frame", &format!("{name}:1")]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (4, ""));
    assert!(
        ran.stderr
            .contains("stranger.pcap:1: skipped: unknown_port: "),
        "{}",
        ran.stderr
    );
    // A map says where it comes from.
    let map = folder.path().join("map.toml");
    std::fs::write(
        &map,
        "[[map]]\nfile = \"stranger.pcap\"\nport = \"Red11\"\n",
    )
    .expect("a file");
    let map = map.to_string_lossy();
    let ran = story(&["--frame", &format!("{name}:1"), "--map", &map]);
    assert!(
        last_line(&ran).starts_with("dropped: spoofed_mac"),
        "{}",
        ran.stdout
    );
    let near = "near miss    the port of Red11 has MAC 00155D002009; 020000000009 was asked for";
    assert!(ran.stdout.contains(near), "{}", ran.stdout);
    assert_eq!(story(&["--frame", &format!("{name}:2")]).exit, 2);
}

#[test]
fn a_wrong_name_gets_the_nearest_right_one() {
    let ran = story(&["Red1", "Red22"]);
    assert_eq!(ran.exit, 2);
    assert!(
        ran.stderr
            .contains("no guest 'Red1'; did you mean 'Red11'?"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        story(&["red11", "RED22/network adapter"]).exit,
        0,
        "names have no case"
    );
    for words in [
        &["Red11"][..],
        &["Red11", "Red11"],
        &["Red11", "Red22", "tcp"],
        &["Red11", "Red22", "udp:0"],
        &["--frame", "red.pcap"],
        &["--frame", "red.pcap:0"],
        &["Red11", "Red22", "--map", "m"],
    ] {
        assert_eq!(story(words).exit, 2, "{words:?}");
    }
}

/// Red11's tenant reads: nothing of Blue's is there, though Blue has what Red lacks.
#[test]
fn redaction_hides_every_byte_of_other_tenants() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("scenario.toml");
    std::fs::write(&scenario, include_str!("redaction/scenario.toml")).expect("a file");
    std::fs::write(
        folder.path().join("both.ps1"),
        include_str!("redaction/both.ps1"),
    )
    .expect("a file");
    std::fs::write(
        folder.path().join("azure.ps1"),
        include_str!("redaction/azure.ps1"),
    )
    .expect("a file");
    let scenario = scenario.to_string_lossy();
    let run = |words: &[&str]| {
        let ran = nvgre([&["trace", &scenario], words].concat());
        assert_eq!(ran.exit, 1, "{}", ran.stderr);
        ran.stdout
    };
    let secrets = [
        "Azure",
        "azure",
        "Indigo",
        "7001",
        "7002",
        "10.77.",
        "00155D0077",
        "{5d2f6a10-0000-4000-8000-000000007001}",
    ];
    for words in [
        // No record of the address in Crimson's subnet; Azure has one of the same address.
        &["Crimson1", "Crimson2"][..],
        // Azure's guest itself.
        &["Crimson1", "Azure7"],
        // A shared wire: Azure's pass-through guest hears the question.
        &["Crimson8", "Crimson9"],
    ] {
        for level in [
            &["--detailed"][..],
            &["--summary"],
            &["--json", "--detailed"],
        ] {
            let shown = run(&[words, level].concat());
            let hidden = run(&[words, level, &["--redact"]].concat());
            assert!(
                secrets.iter().any(|secret| shown.contains(secret)),
                "{words:?} {shown}"
            );
            for secret in secrets {
                assert!(!hidden.contains(secret), "{secret} in {hidden}");
            }
        }
    }
    let wrong = nvgre(["trace", &scenario, "Crimson1", "Azure", "--redact"]);
    wrong.failed_saying(2, &["no guest 'Azure'; there are: Crimson"]);
    let wrong = nvgre(["trace", &scenario, "Azure", "Crimson1", "--redact"]);
    wrong.failed_saying(2, &["no guest 'Azure'"]);
    assert!(!wrong.stderr.contains("Azure7"), "{}", wrong.stderr);
    let hidden = run(&["Crimson1", "Crimson2", "--redact"]);
    assert!(
        hidden.contains("another tenant has a record of the same customer address"),
        "{hidden}"
    );
    let shown = run(&["Crimson1", "Crimson2"]);
    let told = "exists in VSID 7001, tenant Azure: not used";
    assert!(shown.contains(told), "{shown}");
}

#[test]
fn a_frame_for_all_is_delivered_by_its_senders_record() {
    let frame = format!("{}:3", path("waldorf-statler/red.pcap"));
    let ran = story(&["--frame", &frame]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let decided =
        "delivered; decided by: its sender's record of 192.168.1.22 in VSID 445566 on Waldorf, ";
    assert!(last_line(&ran).starts_with(decided), "{}", ran.stdout);
    assert!(
        last_line(&ran).ends_with("policy/6-repaired.ps1:22:5"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_guest_of_another_tenant_is_not_named_by_its_provider_address() {
    let ran = trace("nat", &["Red1", "Blue1", "--redact"]);
    assert_eq!(ran.exit, 1, "{}", ran.stderr);
    // 192.0.2.51 stands for Blue1 alone.
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("192.0.2.51"), "{text}");
        assert!(!text.contains("Blue1"), "{text}");
    }
}

#[test]
fn a_name_like_none_gets_the_list_and_an_address_its_guests() {
    let wrong = |name: &str, more: &[&str]| {
        let ran = story(&[&["Red11", name], more].concat());
        assert_eq!(ran.exit, 2, "{}", ran.stdout);
        ran.stderr
    };
    let list = "no guest 'Nope'; there are: Red11, Red22, Blue11, Blue22\n";
    assert!(wrong("Nope", &[]).ends_with(list), "{}", wrong("Nope", &[]));
    let own = "no guest 'Nope'; there are: Red11, Red22\n";
    assert!(wrong("Nope", &["--redact"]).ends_with(own));
    let owners = "no guest '192.168.1.22'; that address is Red22's and Blue22's\n";
    let said = wrong("192.168.1.22", &[]);
    assert!(said.ends_with(owners), "{said}");
    let own = "no guest '192.168.1.22'; that address is Red22's\n";
    let said = wrong("192.168.1.22", &["--redact"]);
    assert!(said.ends_with(own), "{said}");
    let nobodys = "no guest '10.9.9.9'; there are: ";
    assert!(wrong("10.9.9.9", &[]).contains(nobodys));
}

#[test]
fn columns_stay_aligned_beside_long_texts_and_legs_are_told_in_words() {
    let ran = story(&["Red11", "Red22", "tcp:443"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(!ran.stdout.contains("resolve_back"), "{}", ran.stdout);
    let headings = [
        "\nresolve                 Red11 asks who has 192.168.1.22 (ARP)\n",
        "\nresolve on the way back Red22 asks who has 192.168.1.11 (ARP)\n",
    ];
    for heading in headings {
        assert!(ran.stdout.contains(heading), "{}", ran.stdout);
    }
    let answers = [
        "  Red11, VSID 445566",
        "  PA 10.0.0.12, MAC",
        "  to Red22",
        "  to Waldorf",
        "  taken out",
    ];
    let column = |answer: &str| {
        let mut columns = ran.stdout.lines().filter_map(|line| line.rfind(answer));
        columns.next().unwrap_or_else(|| panic!("{answer}"))
    };
    for answer in answers {
        assert_eq!(column(answer), column(answers[0]), "{}", ran.stdout);
    }
}
