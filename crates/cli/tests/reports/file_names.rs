//! What reports call files.

use std::fs;
use std::path::Path;

use crate::common::{Ran, command};
use crate::{BROKEN, Case, annotations, result};

#[test]
fn below_a_checkout_files_are_named_from_its_root() {
    let case_ = Case::new();
    let mut command = command([
        "replay",
        "scenario.toml",
        "-r",
        "red.pcap",
        "--stage",
        "broken",
    ]);
    command
        .args([
            "--report",
            "sarif=../r.sarif",
            "--report",
            "github",
            "--report",
            "md=../r.md",
        ])
        .current_dir(case_.path("case"))
        .env("GITHUB_WORKSPACE", case_.folder.path())
        .env("GITHUB_SERVER_URL", "https://github.example")
        .env("GITHUB_REPOSITORY", "owner/name")
        .env("GITHUB_SHA", "0123abc");
    let ran = Ran::of(command.output().expect("it starts"));
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let log = case_.sarif();
    let place = &result(&log, "underlay_no_owner")["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], BROKEN);
    let annotations = annotations(&ran);
    let named = annotations
        .iter()
        .any(|line| line.contains(" file=case/policy/5-broken.ps1,"));
    assert!(named, "{annotations:#?}");
    let link = "(https://github.example/owner/name/blob/0123abc/case/policy/5-broken.ps1#L12)";
    assert!(case_.read("r.md").contains(link));
}

#[test]
fn uris_are_percent_encoded_and_absolute_paths_are_file_uris() {
    let case_ = Case::new();
    fs::rename(case_.path("case"), case_.path("a b#é%:")).expect("a folder");
    let sarif_of = |scenario: &Path, red: &Path| {
        let mut command = command(["replay", "--stage", "broken", "--report", "sarif=r.sarif"]);
        command
            .arg(scenario)
            .arg("-r")
            .arg(red)
            .current_dir(case_.folder.path());
        assert_eq!(Ran::of(command.output().expect("it starts")).exit, 0);
        let log = case_.sarif();
        let result = result(&log, "underlay_no_owner");
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        uri.as_str().expect("a URI").to_owned()
    };
    let encoded = "a%20b%23%C3%A9%25%3A/policy/5-broken.ps1";
    let folder = Path::new("./a b#é%:");
    let relative = sarif_of(&folder.join("scenario.toml"), &folder.join("red.pcap"));
    assert_eq!(relative, encoded);
    let folder = case_
        .folder
        .path()
        .join(folder.file_name().expect("a name"));
    let absolute = sarif_of(&folder.join("scenario.toml"), &folder.join("red.pcap"));
    assert!(absolute.starts_with("file:///"), "{absolute}");
    assert!(absolute.ends_with(encoded), "{absolute}");
}
