//! `nvgre ping`: the lines of ping, in virtual time, and why one got no answer.

mod common;

use common::{Ran, nvgre, pcaps};
use serde_json::Value;

const SCHEMA: &str = "nvgre.ping/1";
const KEYS: &[&str] = &[
    "schema",
    "from",
    "to",
    "source",
    "destination",
    "message_bytes",
    "transmitted",
    "received",
    "echoes",
    "why",
    "crossed",
];

fn ping(words: &[&str]) -> Ran {
    let scenario = pcaps().join("waldorf-statler/scenario.toml");
    let scenario = scenario.to_string_lossy();
    nvgre([&["ping", &scenario], words].concat())
}

#[test]
fn replies_look_as_ping_prints_them() {
    let ran = ping(&["Red11", "Red22", "-c", "3"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    // 50 microseconds each way and one for the switch; the first asks two hosts for MACs before.
    let expected = "PING Red22 (192.168.1.22) from Red11 (192.168.1.11): 56 data bytes\n\
        64 bytes from 192.168.1.22: icmp_seq=1 ttl=128 time=0.104 ms\n\
        64 bytes from 192.168.1.22: icmp_seq=2 ttl=128 time=0.102 ms\n\
        64 bytes from 192.168.1.22: icmp_seq=3 ttl=128 time=0.102 ms\n\
        \n\
        --- Red22 ping statistics ---\n\
        3 packets transmitted, 3 received, 0% packet loss, time 2000ms\n\
        rtt min/avg/max/mdev = 0.102/0.102/0.104/0.000 ms\n";
    assert_eq!(ran.stdout, expected);
}

#[test]
fn a_loss_says_why_and_where_it_is_written() {
    let ran = ping(&["Red11", "Red22", "--stage", "broken"]);
    assert_eq!(ran.exit, 1);
    let statistics = "4 packets transmitted, 0 received, 100% packet loss, time 3000ms\n";
    assert!(ran.stdout.contains(statistics), "{}", ran.stdout);
    let whys: Vec<_> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("why: "))
        .collect();
    let [why] = whys[..] else {
        panic!("one cause: {}", ran.stdout);
    };
    assert!(
        why.starts_with("why: 4 x underlay_no_owner (request): "),
        "{why}"
    );
    assert!(why.ends_with("policy/5-broken.ps1:12:1"), "{why}");
    assert!(
        ran.stdout.contains("Red22 runs on Waldorf, PA 10.0.0.12"),
        "{}",
        ran.stdout
    );
    let ran = ping(&["Red11", "Red22", "--stage", "moved", "-c", "1"]);
    let line = "From 192.168.1.11 icmp_seq=1 Destination Host Unreachable\n";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert!(
        ran.stdout.contains(" +1 errors, 100% packet loss"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_underlay_loses_what_the_scenario_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = pcaps().join("waldorf-statler");
    let text = std::fs::read_to_string(case.join("scenario.toml")).expect("a scenario");
    let lossy = text.replace(
        "mtu_bytes = 1600 ",
        "loss_per_million = 100_000\nmtu_bytes = 1600 ",
    );
    assert_ne!(lossy, text);
    let lossy = lossy.replace(
        "file = \"policy",
        &format!("file = \"{}/policy", case.display()),
    );
    let scenario = folder.path().join("scenario.toml");
    std::fs::write(&scenario, lossy).expect("a file");
    let scenario = scenario.to_string_lossy();
    let run = || nvgre(["--json", "ping", &scenario, "Red11", "Red22", "-c", "1000"]);
    let ran = run();
    let lines = ran.json_lines(SCHEMA, KEYS);
    let line = lines.first().expect("a line");
    // Two packets an echo, each lost with one chance in ten: 190 of 1,000, give or take five deviations.
    let received = line["received"].as_u64().expect("a number");
    assert!((748..=872).contains(&received), "{received}");
    let whys = line["why"].as_array().expect("causes");
    assert!(
        whys.iter()
            .all(|why| why["verdict"]["reason"] == "underlay_loss"),
        "{whys:?}"
    );
    assert!(
        whys.iter()
            .all(|why| why["verdict"]["decided_by"] == Value::Null),
        "no record decides what is lost: {whys:?}"
    );
    let lost: u64 = whys.iter().filter_map(|why| why["count"].as_u64()).sum();
    assert_eq!(received + lost, 1_000);
    assert_eq!(run().stdout, ran.stdout, "chance follows from the seed");
}

#[test]
fn json_has_a_null_for_each_reply_that_never_came() {
    let ran = ping(&["--json", "Red11", "Red22", "-c", "1", "--stage", "broken"]);
    let lines = ran.json_lines(SCHEMA, KEYS);
    let echo = &lines[0]["echoes"][0];
    assert_eq!(
        (&echo["ttl"], &echo["time_nanoseconds"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(ping(&["Red11", "Red22", "-c", "0"]).exit, 2);
    assert_eq!(ping(&["Red11", "Red11"]).exit, 2);
}

#[test]
fn a_conflict_says_why_the_demo_may_see_an_answer() {
    let conflict = ping(&["Red11", "Red22", "--stage", "no-vsid"]);
    let line = "\n     each request takes all guests as just booted; in nvgre demo ";
    assert!(conflict.stdout.contains(line), "{}", conflict.stdout);
    let other = ping(&["Red11", "Red22", "--stage", "broken"]);
    assert!(!other.stdout.contains("just booted"), "{}", other.stdout);
}
