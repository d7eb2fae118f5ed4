//! Reports, however a run ends.

use std::fs;
use std::process::Stdio;

use crate::common::{Ran, command};
use crate::{BLAMED, BROKEN, Case, RED, SCENARIO, annotations, array, case};

#[test]
fn errors_of_scenarios_and_scripts_are_told_at_their_places() {
    for (file, from, to, line) in [
        (SCENARIO, "[underlay]", "colour = \"red\"\n[underlay]", None),
        (
            BROKEN,
            "$wrongPa = \"10.0.0.21\"",
            "$wrongPa = \"10.0.0.21\"\nFrobnicate",
            Some(9),
        ),
        (
            BROKEN,
            "VirtualSubnetID $redVsid -MAC",
            "VirtualSubnetID 1 -MAC",
            Some(12),
        ),
    ] {
        let case_ = Case::new();
        case_.edit(file, from, to);
        let ran = case_.report(&["replay", SCENARIO, "-r", RED]);
        assert_eq!(ran.exit, 3, "{}", ran.stderr);
        let suite = case_.junit();
        let run = case(&suite, "run");
        assert!(run.status.is_error());
        assert_eq!(run.file.as_deref(), Some(file));
        let log = case_.sarif();
        let notification = &array(&log, "/runs/0/invocations/0/toolExecutionNotifications")[0];
        let place = &notification["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], file);
        let told = place["region"]["startLine"].as_u64();
        assert!(
            told.is_some() && line.is_none_or(|line| told == Some(line)),
            "{place}"
        );
        assert_eq!(
            log["runs"][0]["invocations"][0]["executionSuccessful"],
            false
        );
        let annotation = annotations(&ran)[0];
        let start = format!("::error file={file},line={},", told.unwrap_or_default());
        assert!(annotation.starts_with(&start), "{annotation}");
        assert!(case_.read("r.md").contains(&format!("[{file}:")));
    }
}

#[test]
fn no_report_is_green_unless_the_exit_code_is_0() {
    let full = cfg!(target_os = "linux");
    let runs: &[(i32, &[&str])] = &[
        (0, &BLAMED[..6]),
        (0, &["show", SCENARIO]),
        (0, &["codes"]),
        (0, &["verify", SCENARIO]),
        (0, &["trace", SCENARIO, "Red11", "Red22"]),
        (0, &["ping", SCENARIO, "Red11", "Red22"]),
        (
            0,
            &["next-hop", SCENARIO, "Statler", "445566", "192.168.1.22"],
        ),
        (0, &["diff", SCENARIO, SCENARIO]),
        (1, BLAMED),
        (
            1,
            &["trace", SCENARIO, "Red11", "Red22", "--stage", "broken"],
        ),
        (
            1,
            &["ping", SCENARIO, "Red11", "Red22", "--stage", "broken"],
        ),
        (
            1,
            &["next-hop", SCENARIO, "Statler", "445566", "192.168.1.99"],
        ),
        (
            1,
            &[
                "diff",
                SCENARIO,
                SCENARIO,
                "--old-stage",
                "wnv",
                "--new-stage",
                "broken",
            ],
        ),
        (2, &["trace", SCENARIO, "Red11", "Gonzo"]),
        (3, &["doctor", "no-such-folder"]),
        (3, &["doctor", "case"]),
        (4, &["doctor", "nothing"]),
        (1, &["verify", SCENARIO, "--stage", "broken"]),
        (1, &["replay", SCENARIO, "-r", RED, "--stage", "no-vsid"]),
        (
            2,
            &["replay", SCENARIO, "-r", RED, "--stage", "no such stage"],
        ),
        (2, &["show", SCENARIO, "--host", "Gonzo"]),
        (2, &["replay", SCENARIO, "-r", RED, "-w", RED]),
        (3, &["replay", "no-such.toml", "-r", RED]),
        (3, &["replay", SCENARIO, "-r", SCENARIO]),
        (3, &["replay", SCENARIO, "-r", RED, "-r", "cut.pcap"]),
        (3, &["pcap", "info", RED, SCENARIO]),
        (3, &["pcap", "decap", SCENARIO]),
        (4, &["replay", SCENARIO, "-r", "empty.pcap"]),
        (4, &["pcap", "decap", "empty.pcap"]),
        (4, &["init", "-r", "empty.pcap", "-o", "made"]),
        (
            6,
            &[
                "replay",
                SCENARIO,
                "-r",
                RED,
                "-w",
                "no-such-folder/out.pcap",
            ],
        ),
        (6, &["init", "-r", RED, "-o", "case"]),
    ];
    let case_ = Case::new();
    let whole = fs::read(case_.path(RED)).expect("a capture");
    fs::write(case_.path("cut.pcap"), &whole[..60]).expect("a file");
    fs::write(case_.path("empty.pcap"), &whole[..24]).expect("a file");
    fs::create_dir(case_.path("nothing")).expect("a folder");
    for (exit, words) in runs {
        for file in ["r.xml", "r.sarif", "r.md"] {
            let _may_not_stand_there = fs::remove_file(case_.path(file));
        }
        let ran = case_.report(words);
        assert_eq!(ran.exit, *exit, "{words:?}: {}", ran.stderr);
        let suite = case_.junit();
        let green = suite.failures + suite.errors == 0;
        assert_eq!(green, *exit == 0, "{words:?}: {suite:#?}");
        assert_eq!(suite.tests, suite.cases.len() as u64);
        let log = case_.sarif();
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["exitCode"], *exit, "{words:?}");
        let worked = matches!(exit, 0 | 1 | 5);
        assert_eq!(invocation["executionSuccessful"], worked, "{words:?}");
        let told = format!("Exit code {exit}: ");
        assert!(case_.read("r.md").contains(&told), "{words:?}");
        let errors = annotations(&ran)
            .iter()
            .any(|line| !line.starts_with("::notice "));
        assert!(errors || *exit == 0, "{words:?}: {}", ran.stderr);
    }
    if full {
        let ran = command([
            "codes",
            "--report",
            "junit=r.xml",
            "--report",
            "sarif=r.sarif",
        ])
        .current_dir(case_.folder.path())
        .stdout(
            fs::File::options()
                .write(true)
                .open("/dev/full")
                .expect("a device"),
        )
        .output()
        .expect("it starts");
        assert_eq!(Ran::of(ran).exit, 6);
        assert_eq!(case_.junit().errors, 1);
        assert_eq!(case_.sarif()["runs"][0]["invocations"][0]["exitCode"], 6);
    }
}

#[test]
fn what_stays_open_is_an_error_and_skipped_where_that_is_accepted() {
    let case_ = Case::new();
    let whole = fs::read(case_.path(RED)).expect("a capture");
    fs::write(case_.path("empty.pcap"), &whole[..24]).expect("a file");
    let words = ["replay", SCENARIO, "-r", "empty.pcap", "--allow-empty"];
    assert_eq!(case_.report(&words[..4]).exit, 4);
    assert!(case(&case_.junit(), "entered").status.is_error());
    assert_eq!(case_.report(&words).exit, 0);
    let suite = case_.junit();
    assert!(case(&suite, "entered").status.is_skipped());
    assert!(case(&suite, "isolation").status.is_skipped());
}

#[test]
fn isolation_seen_in_half_of_an_input_stays_open() {
    let case_ = Case::new();
    let whole = fs::read(case_.path(RED)).expect("a capture");
    fs::write(case_.path("cut.pcap"), &whole[..whole.len() / 2]).expect("a file");
    let words = ["replay", SCENARIO, "-r", "cut.pcap", "--fail-on", "no_port"];
    assert_eq!(case_.report(&words).exit, 3);
    let suite = case_.junit();
    for name in ["isolation", "fail-on/no_port", "run"] {
        assert!(case(&suite, name).status.is_error(), "{name}");
    }
}

#[test]
fn a_reader_that_goes_away_does_not_cut_reports_short() {
    let case_ = Case::new();
    let told = |stdout: Stdio| {
        let mut command = command(BLAMED);
        let child = command
            .args([
                "--json",
                "--report",
                "junit=r.xml",
                "--report",
                "sarif=r.sarif",
            ])
            .current_dir(case_.folder.path())
            .stdout(stdout)
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.expect("it starts");
        drop(child.stdout.take());
        let exit = child.wait().expect("it ends").code();
        (exit, case_.read("r.xml"), case_.read("r.sarif"))
    };
    let read = told(Stdio::null());
    assert_eq!(read.0, Some(1));
    assert_eq!(told(Stdio::piped()), read);
}

#[test]
fn json_lines_stay_alone_on_stdout() {
    let case_ = Case::new();
    let words: Vec<_> = BLAMED.iter().copied().chain(["--json"]).collect();
    let (without, with) = (case_.run(&words), case_.report(&words));
    let lines = |ran: &Ran| ran.stdout.lines().count();
    assert_eq!((lines(&without), lines(&with)), (1, 1));
    assert!(!annotations(&with).is_empty());
    assert!(!with.stdout.contains("::error"));
}
