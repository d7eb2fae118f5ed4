//! Where reports go, and what they never take the place of.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{BROKEN, Case, RED, SCENARIO, annotations, case};

#[test]
fn a_report_that_cannot_be_written_exits_6_and_the_others_are_written() {
    let case_ = Case::new();
    let ran = case_.run(&[
        "codes",
        "wnv_unbound",
        "--report",
        "junit=no-such-folder/r.xml",
        "--report",
        "md=r.md",
    ]);
    ran.failed_saying(6, &["--report junit=no-such-folder/r.xml"]);
    assert!(case_.read("r.md").starts_with("## nvgre codes\n"));
    let names = fs::read_dir(case_.folder.path()).expect("a folder");
    let names: Vec<_> = names
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_wrong_report_exits_2_and_says_what_is_expected() {
    let case_ = Case::new();
    for wrong in [
        "junit",
        "junit=",
        "sarif=-",
        "html=r.html",
        "github=r.txt",
        "",
        "=r.xml",
    ] {
        let ran = case_.run(&["codes", "--report", wrong]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{wrong}");
        let expected = "expected junit=FILE, sarif=FILE, md=FILE or github";
        assert!(ran.stderr.contains(expected), "{wrong}: {}", ran.stderr);
    }
}

#[test]
fn two_reports_to_one_file_are_refused_and_neither_is_written() {
    let case_ = Case::new();
    fs::create_dir(case_.path("sub")).expect("a folder");
    for other in ["md=r.xml", "md=./r.xml", "md=sub/../r.xml", "junit=r.xml"] {
        let words = [
            "codes",
            "wnv_unbound",
            "--report",
            "junit=r.xml",
            "--report",
            other,
        ];
        let ran = case_.run(&[&words[..], &["--report", "sarif=r.sarif"]].concat());
        ran.failed_saying(2, &["junit=r.xml", other]);
        assert!(!case_.path("r.xml").exists(), "{other}");
        assert_eq!(case_.sarif()["runs"][0]["invocations"][0]["exitCode"], 2);
    }
}

#[test]
fn an_output_over_a_file_of_the_run_is_refused_and_the_file_stays() {
    let case_ = Case::new();
    fs::hard_link(case_.path(RED), case_.path("link")).expect("a link");
    for file in [
        SCENARIO,
        RED,
        BROKEN,
        "case/../case/red.pcap",
        "link",
        "out.pcapng",
    ] {
        let before = fs::read(case_.path(file)).ok();
        let report = format!("md={file}");
        let words = [
            "replay",
            SCENARIO,
            "-r",
            RED,
            "-w",
            "out.pcapng",
            "--report",
            &report,
        ];
        let ran = case_.run(&words);
        ran.failed_saying(2, &[&format!("--report md={file}"), "name another file"]);
        assert_eq!(fs::read(case_.path(file)).ok(), before, "{file}");
    }
    let ran = case_.run(&["verify", SCENARIO, "-w", BROKEN, "--stage", "no-vsid"]);
    let refused = ran.stderr.contains("-w case/policy/5-broken.ps1: ");
    assert!(ran.exit == 2 && refused, "{}", ran.stderr);
    let report = format!("junit={RED}");
    let frame = format!("{RED}:1");
    let ran = case_.run(&["trace", SCENARIO, "--frame", &frame, "--report", &report]);
    assert!(
        ran.exit == 2 && ran.stderr.contains("name another file"),
        "{}",
        ran.stderr
    );
    let ran = case_.run(&["demo", SCENARIO, "--report", &format!("sarif={BROKEN}")]);
    ran.failed_saying(2, &["sarif="]);
    assert!(case_.read(BROKEN).starts_with("# Stage 5"));
}

#[test]
fn in_a_folder_of_the_run_a_report_replaces_nothing_but_a_report() {
    let case_ = Case::new();
    let words = ["export", SCENARIO, "--as", "csv", "-o", "dumps"];
    assert_eq!(case_.run(&words).exit, 0);
    let files = walk(&case_.path("dumps"));
    let dump = files.first().expect("a dump");
    let before = fs::read(dump).expect("a dump");
    let over_it = format!("junit={}", dump.display());
    let ran = case_.run(&["doctor", "dumps", "--report", &over_it]);
    ran.failed_saying(2, &[&over_it, "name another file"]);
    assert_eq!(fs::read(dump).expect("a dump"), before);
    // A name that begins with a dot is no dump.
    for _again in 0..2 {
        let ran = case_.run(&["doctor", "dumps", "--report", "md=dumps/.r.md"]);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        assert!(case_.read("dumps/.r.md").starts_with("## nvgre doctor\n"));
    }
}

/// Every file below a folder, in order.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let below = paths.into_iter().flat_map(|path| match path.is_dir() {
        true => walk(&path),
        false => vec![path],
    });
    below.collect()
}

#[test]
fn a_report_takes_the_place_of_an_older_one() {
    let case_ = Case::new();
    fs::write(case_.path("r.md"), "old").expect("a file");
    let ran = case_.run(&["codes", "wnv_unbound", "--report", "md=r.md"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert!(case_.read("r.md").starts_with("## nvgre codes\n"));
}

#[test]
#[cfg(unix)]
fn a_report_to_a_pipe_goes_through_it() {
    use std::os::unix::fs::FileTypeExt;

    let case_ = Case::new();
    let pipe = case_.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).expect("text"))
    };
    let ran = case_.run(&["codes", "wnv_unbound", "--report", "md=pipe"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert!(fs::metadata(&pipe).expect("a pipe").file_type().is_fifo());
    let text = reader.join().expect("it ends");
    assert!(text.starts_with("## nvgre codes\n"), "{text}");
}

#[test]
fn a_wrong_command_line_is_told_in_the_place_of_an_older_report() {
    let case_ = Case::new();
    let wrong = ["replay", SCENARIO, "--bogus"];
    assert_eq!(case_.report(&["codes"]).exit, 0);
    let ran = case_.report(&wrong);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .starts_with("error: unexpected argument '--bogus' found\n")
    );
    let suite = case_.junit();
    assert_eq!(suite.name, "nvgre replay");
    let error = case(&suite, "run").status.error_as_ref();
    assert_eq!(error.message, "unexpected argument '--bogus' found");
    assert_eq!(case_.sarif()["runs"][0]["invocations"][0]["exitCode"], 2);
    assert!(case_.read("r.md").starts_with("## nvgre replay\n"));
    assert_eq!(annotations(&ran).len(), 1);

    let ran = case_.report(&["replay", SCENARIO]);
    assert_eq!(ran.exit, 2);
    let message = &case(&case_.junit(), "run")
        .status
        .error_as_ref()
        .message
        .clone();
    assert!(message.ends_with("not provided: --read <IN>"), "{message}");
    // Wrong itself, and given with "=".
    let ran = case_.run(&["codes", "--report", "html=r.html", "--report=md=new.md"]);
    assert_eq!(ran.exit, 2);
    assert!(case_.read("new.md").contains("invalid value 'html=r.html'"));
}

#[test]
fn a_wrong_command_line_has_no_report_over_what_is_no_report() {
    let case_ = Case::new();
    for file in [SCENARIO, RED, BROKEN] {
        let before = fs::read(case_.path(file)).expect("a file");
        for format in ["junit", "sarif", "md"] {
            let report = format!("{format}={file}");
            let ran = case_.run(&["show", "--bogus", "--report", &report]);
            assert_eq!(ran.exit, 2, "{}", ran.stderr);
            assert_eq!(
                fs::read(case_.path(file)).expect("a file"),
                before,
                "{report}"
            );
        }
    }
    let words = [
        "show",
        "--bogus",
        "--report",
        "md=r.x",
        "--report",
        "junit=r.x",
    ];
    assert_eq!(case_.run(&words).exit, 2);
    assert!(!case_.path("r.x").exists());
}

#[test]
fn help_writes_no_report() {
    let case_ = Case::new();
    for words in [&["--help"][..], &["replay", "-h"], &["--version"]] {
        let ran = case_.report(words);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{words:?}");
        assert!(!case_.path("r.xml").exists(), "{words:?}");
    }
}
