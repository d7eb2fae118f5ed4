//! Scenarios and policy that are wrong: one clear message with its place, exit 3, nothing on stdout.

mod common;

use std::fs;
use std::path::Path;

use common::{nvgre, pcaps};

/// A copy of the founding story that may be broken.
struct Story {
    folder: tempfile::TempDir,
}

impl Story {
    fn copy() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let story = pcaps().join("waldorf-statler");
        fs::create_dir(folder.path().join("policy")).expect("a folder");
        fs::copy(
            story.join("scenario.toml"),
            folder.path().join("scenario.toml"),
        )
        .expect("a copy");
        for script in fs::read_dir(story.join("policy")).expect("a folder") {
            let script = script.expect("a script").path();
            let name = Path::new("policy").join(script.file_name().expect("a name"));
            fs::copy(&script, folder.path().join(name)).expect("a copy");
        }
        Self { folder }
    }

    fn path(&self, file: &str) -> String {
        self.folder
            .path()
            .join(file)
            .to_str()
            .expect("UTF-8")
            .to_owned()
    }

    /// Replaces what stands there once, or first.
    fn edit(self, file: &str, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(self.path(file)).expect("a file");
        assert!(text.contains(from), "{from} in {file}");
        fs::write(self.path(file), text.replacen(from, to, 1)).expect("a file");
        self
    }

    /// Line and column of a text, as messages give them.
    fn place(&self, file: &str, needle: &str) -> String {
        let text = fs::read_to_string(self.path(file)).expect("a file");
        let at = text
            .find(needle)
            .unwrap_or_else(|| panic!("{needle} in {file}"));
        let line = text[..at].matches('\n').count() + 1;
        let column = text[..at].chars().rev().take_while(|&c| c != '\n').count() + 1;
        format!("{}:{line}:{column}: ", self.path(file))
    }

    /// Both verbs refuse the story, at the place of `needle` and with all of these, and print
    /// nothing.
    #[track_caller]
    fn is_refused_at(&self, file: &str, needle: &str, parts: &[&str]) {
        let scenario = self.path("scenario.toml");
        let capture = pcaps().join("waldorf-statler/red.pcap");
        let capture = capture.to_str().expect("UTF-8");
        for arguments in [
            &["show", &scenario][..],
            &["show", &scenario, "--json"],
            &["replay", &scenario, "-r", capture],
            &["replay", &scenario, "-r", capture, "--json"],
        ] {
            let ran = nvgre(arguments);
            assert_eq!(
                (ran.exit, ran.stdout.as_str()),
                (3, ""),
                "{arguments:?}: {}",
                ran.stderr
            );
            let place = format!("nvgre: {}", self.place(file, needle));
            assert!(ran.stderr.starts_with(&place), "{place} in {}", ran.stderr);
            for part in parts {
                assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
            }
        }
    }
}

#[test]
fn the_copy_itself_is_sound() {
    assert_eq!(
        nvgre(["show", &Story::copy().path("scenario.toml")]).exit,
        0
    );
}

#[test]
fn an_unknown_key_is_shown_with_a_caret_and_the_known_ones() {
    Story::copy()
        .edit("scenario.toml", "mtu_bytes = 1600", "mtu = 1600")
        .is_refused_at(
            "scenario.toml",
            "mtu = 1600",
            &[
                "unknown field `mtu`",
                "`mtu_bytes`",
                "\n5 | mtu = 1600 ",
                " ^^^\n",
            ],
        );
}

#[test]
fn a_reserved_vsid_is_shown_with_a_caret_and_its_range() {
    Story::copy()
        .edit("scenario.toml", "[445566]", "[4095]")
        .is_refused_at(
            "scenario.toml",
            "4095]",
            &["4096 to 16777214", "RFC 7637", " ^^^^\n"],
        );
}

#[test]
fn a_tenant_that_is_not_there_is_shown_with_a_caret() {
    Story::copy()
        .edit("scenario.toml", "tenant = \"Red\"", "tenant = \"Rot\"")
        .is_refused_at("scenario.toml", "\"Rot\"", &["Rot", " ^^^^^"]);
}

#[test]
fn text_that_is_no_toml_is_shown_where_it_ends_to_be() {
    Story::copy()
        .edit("scenario.toml", "name = \"Red11\"", "name = \"Red11")
        .is_refused_at("scenario.toml", "\ntenant = \"Red\"", &["^"]);
}

#[test]
fn a_missing_policy_file_is_shown_where_the_scenario_names_it() {
    let story = Story::copy().edit("scenario.toml", "policy/4-wnv.ps1", "policy/4-vnw.ps1");
    let missing = format!(
        "policy file {} cannot be read: ",
        story.path("policy/4-vnw.ps1")
    );
    story.is_refused_at(
        "scenario.toml",
        "\"policy/4-vnw.ps1\"",
        &[&missing, " ^^^^^^^^^^^^^^^^^^\n"],
    );
}

#[test]
fn a_policy_file_in_utf_16_is_refused_with_advice() {
    let story = Story::copy();
    let script = fs::read_to_string(story.path("policy/4-wnv.ps1")).expect("a script");
    let utf_16: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(
        story.path("policy/4-wnv.ps1"),
        [&[0xff, 0xfe], utf_16.as_slice()].concat(),
    )
    .expect("a file");
    story.is_refused_at(
        "scenario.toml",
        "\"policy/4-wnv.ps1\"",
        &["it is not UTF-8 text; save it with the encoding UTF-8"],
    );
}

#[test]
fn an_unknown_parameter_of_a_script_is_shown_with_the_nearest_one() {
    Story::copy()
        .edit("policy/4-wnv.ps1", "-PrefixLength 21", "-PrefixLenght 21")
        .is_refused_at(
            "policy/4-wnv.ps1",
            "-PrefixLenght",
            &[
                "New-NetVirtualizationProviderAddress has no parameter -PrefixLenght",
                " ^^^^^^^^^^^^^\n",
                "did you mean -PrefixLength?",
            ],
        );
}

#[test]
fn an_unknown_command_of_a_script_is_refused_never_skipped() {
    Story::copy()
        .edit("policy/5-broken.ps1", "# Local\n", "Restart-Computer\n")
        .is_refused_at(
            "policy/5-broken.ps1",
            "Restart-Computer",
            &["Restart-Computer", " ^^^^^^^^^^^^^^^^\n"],
        );
}

#[test]
fn every_error_of_a_script_is_told_in_one_run() {
    let story = Story::copy()
        .edit("policy/4-wnv.ps1", "-PrefixLength 21", "-PrefixLenght 21")
        .edit("policy/4-wnv.ps1", "-Metric 255", "-Metrik 255");
    let second = story.place("policy/4-wnv.ps1", "-Metrik");
    story.is_refused_at("policy/4-wnv.ps1", "-PrefixLenght", &[&second]);
}

#[test]
fn a_record_made_twice_names_the_first_one() {
    let story = Story::copy().edit(
        "policy/6-repaired.ps1",
        "# Local\nGet-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord\n",
        "",
    );
    let first = format!("the first is at {}:12:1", story.path("policy/5-broken.ps1"));
    story.is_refused_at(
        "policy/6-repaired.ps1",
        "New-NetVirtualizationLookupRecord",
        &[
            "already exists",
            "192.168.1.22 in virtual subnet 445566",
            &first,
        ],
    );
}

#[test]
fn policy_that_contradicts_itself_is_refused_at_the_later_line() {
    let route = "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{00000000-0000-4000-8000-000000000001}\" -VirtualSubnetID 445566 -DestinationPrefix \"192.168.9.0/24\" -NextHop \"0.0.0.0\" -Metric 255";
    Story::copy()
        .edit("policy/6-repaired.ps1", "# Local\n", &format!("{route}\n"))
        .is_refused_at(
            "policy/6-repaired.ps1",
            route,
            &[
                "on Statler: ",
                "445566 is in another routing domain",
                "(V-02)",
            ],
        );
}

#[test]
fn a_scenario_that_cannot_be_read_is_named() {
    for file in ["no-such-scenario.toml", env!("CARGO_MANIFEST_DIR")] {
        let ran = nvgre(["show", file]);
        ran.failed_saying(3, &[&format!("nvgre: {file}: ")]);
        assert_eq!(ran.stdout, "");
    }
}

/// A replay with this map file; gives what stderr says, and the file.
fn refused_map(story: &Story, map: &str) -> (String, String) {
    let file = story.path("map.toml");
    fs::write(&file, map).expect("a file");
    let capture = pcaps().join("waldorf-statler/red.pcap");
    let ran = nvgre([
        "replay",
        &story.path("scenario.toml"),
        "-r",
        capture.to_str().expect("UTF-8"),
        "--map",
        &file,
    ]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    (ran.stderr, file)
}

#[test]
fn of_many_errors_the_first_20_are_told_and_the_rest_counted() {
    let map: String = (1..=23)
        .map(|number| format!("[[map]]\nvlan = 7\nport = \"Nobody{number}\"\n"))
        .collect();
    let (said, _) = refused_map(&Story::copy(), &map);
    let told = said.matches("no guest has a port 'Nobody").count();
    assert_eq!(told, 20, "{said}");
    assert!(said.contains("'Nobody20'"), "{said}");
    assert!(said.ends_with("\nand 3 more errors\n"), "{said}");
}

#[test]
fn of_a_long_line_the_part_around_the_caret_is_quoted() {
    let entries = |n: usize| vec!["{ vlan = 7, port = \"Red11\" }, "; n].concat();
    for (before, after) in [(0, 40), (20, 20), (40, 0), (1, 1)] {
        let (before_it, after_it) = (entries(before), entries(after));
        let map = format!("map = [{before_it}{{ vlan = 7, port = \"Nobody\" }}, {after_it}]\n");
        let (said, file) = refused_map(&Story::copy(), &map);
        let column = map.find("\"Nobody\"").expect("the port") + 1;
        let lines: Vec<_> = said.lines().collect();
        let place = format!("nvgre: {file}:1:{column}: ");
        let error = lines.iter().position(|line| line.starts_with(&place));
        let error = error.unwrap_or_else(|| panic!("{place} in {said}"));

        let (quoted, caret) = (lines[error + 2], lines[error + 3]);
        let at = caret.find('^').expect("a caret");
        assert_eq!(&quoted[at..at + 8], "\"Nobody\"", "{said}");
        assert_eq!(caret.matches('^').count(), 8, "{said}");
        let shown = quoted.split_once(" | ").expect("a margin").1;
        assert!(shown.trim_matches('.').len() <= 160, "{said}");
        assert_eq!(shown.starts_with("..."), before > 1, "{said}");
        assert_eq!(shown.ends_with("..."), after > 1, "{said}");
        if map.len() < 160 {
            assert_eq!(shown, map.trim_end(), "a short line is quoted whole");
        }
    }
}
