//! The command line: what is wrong with it exits 2, and help tells the contract.

mod common;

use common::{nvgre, pcaps};

#[test]
fn a_wrong_command_line_exits_2_and_prints_nothing_on_stdout() {
    let capture = pcaps().join("scapy/scapy-shared-sll.pcap");
    let capture = capture.to_str().expect("UTF-8");
    for arguments in [
        &[][..],
        &["no-such-verb"],
        &["pcap"],
        &["pcap", "no-such-verb"],
        &["pcap", "info"],
        &["pcap", "decap"],
        &["pcap", "decap", capture, capture],
        &["pcap", "info", "--no-such-option", capture],
        &["codes", "no_such_reason"],
    ] {
        let ran = nvgre(arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(
            ran.stderr.contains("Usage:") || ran.stderr.contains("error:"),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_lists_the_exit_codes() {
    let ran = nvgre(["--help"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let (_, table) = ran.stdout.split_once("Exit codes:\n").expect("a table");
    let codes: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[test]
fn files_that_cannot_be_read_exit_3_with_their_name() {
    for file in [
        "no-such-file.pcap",
        env!("CARGO_MANIFEST_DIR"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ] {
        for verb in ["info", "decap"] {
            let ran = nvgre(["pcap", verb, file]);
            ran.failed_saying(3, &[file]);
            assert_eq!(ran.stdout, "", "{verb} {file}");
        }
    }
}

#[test]
fn the_version_is_told_under_the_name_of_the_command() {
    let ran = nvgre(["--version"]);
    let version = concat!("nvgre ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, version));
}
